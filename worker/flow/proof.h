/* worker/flow/proof.h
 *
 * What came of an attempt's answer before any of it is the client's: its head and the bytes
 * after it are held until the answer proves alive. Until then another attempt can follow or
 * overtake this one, and the client notices nothing.
 *
 * A stream is alive with its first pieces of content: words, reasoning, a call's arguments, the
 * end of a block or of all. That it begins, its role, an empty block, usage and pings are none.
 * A whole answer is alive with its first bytes, unless they begin an error. Lives in the
 * exchange's arena, from the answer's head until it is handed on.
 */
#ifndef WORKER_FLOW_PROOF_H
#define WORKER_FLOW_PROOF_H

#include "worker/translate/dialect.h"
#include "worker/upstream/upstream.h"

struct attempt;

struct proof {
    struct http_head head; /* a copy in the arena; status 0: none came */
    struct attempt *attempt;
    bool stream, reads; /* READS: a chat's, whose events are understood */
    bool crosses;       /* it will be translated: what cannot be read is broken */
    bool alive, broken;
    unsigned wanted;             /* pieces of content that are still to come */
    struct complaint *complaint; /* BROKEN: why */
    struct buffer held;
    struct sse_framer framer;
    struct stream_tap tap;
    struct translation translation; /* of its own: the answer is read anew when it is alive */
    struct event_reader reader;
    struct deadline deadline; /* held no longer; the owner's */
};

/* HEAD, of a good answer, came to ATTEMPT. EVENTS: pieces of content that prove a stream. */
struct proof *proof_new(struct attempt *attempt, const struct http_head *head, bool stream,
                        unsigned events);
/* More of it: `held`, `alive` and `broken` are set. What is too much to hold is alive. */
void proof_take(struct proof *proof, struct span bytes);

#endif
