/* worker/flow/attempt.h
 *
 * One try of an exchange at one target of its plan: the request as this provider gets it, and
 * the call that brings the answer. An exchange begins with one and uses it again for each
 * target that follows a failure; what is known of the answer once it goes to the client is the
 * exchange's own.
 *
 * The spans of `request` point into the attempt, the exchange's arena and body, and the
 * crossing; so an attempt keeps its address while its call runs.
 */
#ifndef WORKER_FLOW_ATTEMPT_H
#define WORKER_FLOW_ATTEMPT_H

#include "worker/flow/credentials.h"
#include "worker/flow/crossing.h"
#include "worker/translate/forward.h"
#include "worker/upstream/upstream.h"

#define CALL_HEADERS_COUNT 16

struct exchange;
struct proof;

struct attempt {
    struct exchange *exchange;
    unsigned target;          /* index in the plan */
    uint8_t provider_dialect; /* enum dialect_id */
    bool passes_on;           /* its body is the client's own bytes */
    bool hedges;              /* it is the second beside another */
    bool calling;             /* it counts in its account's figure of requests under way */
    struct crossing
        *crossing; /* NULL: the bytes are passed on; else what comes is translated */
    struct forward_body forward;
    struct call_request request;
    struct call_header headers[CALL_HEADERS_COUNT];
    struct credential_used credential;
    struct call call;
    struct proof *proof; /* what is held of its answer; NULL: nothing is, or no more */
    uint64_t sent_ns;
    uint64_t since_ns;       /* the same, or when the attempt was sent that it is to overtake */
    uint64_t head_ns;        /* when its answer's head came; 0: not yet */
    uint64_t retry_after_ms; /* what its answer says; 0: nothing */
};

#endif
