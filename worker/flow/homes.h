/* worker/flow/homes.h
 *
 * What a provider keeps stays with the account that made it: a request that continues a
 * response or a conversation goes there and nowhere else, with the same credential while that
 * is good (responses belong to the project of the key). Answers that pass unchanged are noted
 * in the segment (shared/home/home.h); those that the gateway keeps itself are stored.h.
 */
#ifndef WORKER_FLOW_HOMES_H
#define WORKER_FLOW_HOMES_H

#include "shared/base/span.h"
#include "shared/home/home.h"

struct exchange;

/* Of one exchange; all zero of what no provider keeps. */
struct homing {
    uint64_t conversation;   /* its mark; 0: none */
    struct home_place place; /* account 0: what it continues is not known here */
    bool notes;              /* the answer's id is still to be noted */
};

/* Before it is routed. */
void homes_look(struct exchange *x);
/* An answer begins, in the client's own dialect; x->tap is made and not fed. */
void homes_begin(struct exchange *x);
/* A whole answer is complete, its last byte not sent. */
void homes_note_whole(struct exchange *x);
/* A record of a stream, before it is sent; the first that has an id counts. */
void homes_note_record(struct exchange *x, struct span data);

#endif
