/* worker/flow/view.h
 *
 * A snapshot as this worker uses it: with the endpoints and TLS settings that were made from
 * it. One reference for the worker, one for each exchange that began with it.
 */
#ifndef WORKER_FLOW_VIEW_H
#define WORKER_FLOW_VIEW_H

#include "shared/base/arena.h"
#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

#include "worker/tls/tls.h"
#include "worker/upstream/upstream.h"

/* A listening socket of this worker. Which one it is was settled at the worker's start; newer
 * settings are found by its address, and the order of theirs means nothing here. */
struct view_listener {
    struct span address;      /* in the view's arena */
    struct tls_settings *tls; /* NULL: plain, or not to be had */
    bool secure;              /* without `tls` it refuses */
};

struct view {
    unsigned references;
    struct arena arena;
    struct snapshot *snapshot;
    const struct snapshot_header_page *page;
    struct upstream *upstream;
    struct endpoint **endpoints; /* by provider, made at first use */
    struct view_listener listeners[SNAPSHOT_LISTENERS_MAX];
    unsigned listener_count;
};

/* Takes over the reference to SNAPSHOT. A listener that is not in it any more (it drains, or
 * its successors do not come up), or whose certificates cannot be read, keeps what it has in
 * BEFORE; *reterr names the latter. BEFORE is NULL at the worker's start. */
struct view *view_new(struct snapshot *snapshot, struct upstream *upstream,
                      struct segment *segment, const struct view *before,
                      struct buffer *reterr);
struct view *view_ref(struct view *view);
void view_unref(struct view *view);

/* NULL when its TLS settings cannot be made (*reterr says why). */
struct endpoint *view_endpoint(struct view *view, uint32_t provider, struct buffer *reterr);
/* For files that requests name; the process's. NULL as above. */
struct tls_settings *view_media_tls(const struct view *view, struct buffer *reterr);

#endif
