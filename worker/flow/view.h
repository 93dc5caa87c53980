/* worker/flow/view.h
 *
 * A snapshot as this worker uses it: with the endpoints and TLS settings that were made from
 * it. One reference for the worker, one for each exchange that began with it.
 */
#ifndef WORKER_FLOW_VIEW_H
#define WORKER_FLOW_VIEW_H

#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

#include "worker/tls/tls.h"
#include "worker/upstream/upstream.h"

struct view {
    unsigned references;
    struct snapshot *snapshot;
    const struct snapshot_header_page *page;
    struct upstream *upstream;
    struct endpoint **endpoints;                            /* by provider, made at first use */
    struct tls_settings *listeners[SNAPSHOT_LISTENERS_MAX]; /* NULL: plain */
};

/* Takes over the reference to SNAPSHOT. A listener whose certificates cannot be read keeps
 * those of BEFORE (or NULL: then the listener refuses); *reterr names it. */
struct view *view_new(struct snapshot *snapshot, struct upstream *upstream,
                      struct segment *segment, const struct view *before,
                      struct buffer *reterr);
struct view *view_ref(struct view *view);
void view_unref(struct view *view);

/* NULL when its TLS settings cannot be made (*reterr says why). */
struct endpoint *view_endpoint(struct view *view, uint32_t provider, struct buffer *reterr);

#endif
