/* worker/flow/gather_inside.h
 *
 * What the two halves of gathering share: gather.c (what a request needs, and the body with it)
 * and gather_files.c (how its files come). Private to them.
 */
#ifndef WORKER_FLOW_GATHER_INSIDE_H
#define WORKER_FLOW_GATHER_INSIDE_H

#include "worker/flow/gather.h"
#include "worker/translate/remote.h"
#include "worker/upstream/fetch.h"

#define GATHER_MESSAGE_LIMIT 2048
#define GATHER_GROUP_BYTES   3 /* that base64 writes together */

enum file_state {
    FILE_NEW,
    FILE_COMING,
    FILE_HERE
};

/* One address, whatever stands there. */
struct file {
    struct file *next;
    struct gather *gather;
    struct span url, path; /* path: where the request names it first */
    struct fetch fetch;
    struct buffer base64;
    char beginning[REMOTE_SNIFF_BYTES];
    char rest[GATHER_GROUP_BYTES]; /* bytes that wait for their group */
    uint8_t beginning_len, rest_len;
    uint8_t state; /* enum file_state */
    struct span type;
};

struct gather {
    struct exchange *x;
    struct fetch_rules rules;
    struct file *files;     /* of all targets so far */
    struct remote *remotes; /* of the current target; NULL: its body is the client's own */
    unsigned coming;
    uint64_t fetched_bytes;
    uint64_t held_bytes; /* of worker->body_bytes */
    struct buffer body;
    struct ask ask;
    struct deadline deadline;
};

static inline const struct snapshot_media *gather_settings(const struct exchange *x)
{
    return &x->view->page->media;
}

/* gather.c: all files are there; sets x->fault when they cannot stand where they should. */
void gather_put_in_place(struct gather *gather);
/* Counts in worker->body_bytes; false: there is no room. */
bool gather_hold(struct gather *gather, uint64_t bytes);

/* gather_files.c */
/* The file of REMOTE's address is wanted. */
void gather_add(struct gather *gather, const struct remote *remote);
/* As many as may come at one time; none is coming when all are there. */
void gather_start(struct gather *gather);
void gather_stop(struct gather *gather);
/* Sets fault, complaint and detail of X; WHY is for the client and CAUSE for the log. */
void gather_refuse(struct exchange *x, struct span path, const char *why, struct span cause);
deadline_f gather_time_passed;

#endif
