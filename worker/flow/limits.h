/* worker/flow/limits.h
 *
 * What an exchange is limited by: whom it counts for, what it is expected to use and cost, what
 * is said when there is no room, and what it did use in the end. The arithmetic is
 * worker/limit/claims.h and shared/price/price.h.
 */
#ifndef WORKER_FLOW_LIMITS_H
#define WORKER_FLOW_LIMITS_H

#include "worker/limit/claims.h"
#include "worker/translate/estimate.h"

#define GRANT_WAIT_MS 5 /* for a share of a limit that several hosts have */
#define GRANT_WAITS   4 /* times, then the request is refused */

struct exchange;

/* What is expected, as far as somebody asked. */
struct expected {
    const struct estimate *prompt; /* in the arena; NULL: nobody asked */
    uint64_t input;                /* tokens, an estimate: of the target that counts most */
    uint64_t output_most;  /* tokens of all answers: the client's bound, or the model's */
    uint64_t output_usual; /* the same, or what nearly all answers of the model stay below */
    bool made, price_known;
    bool marks_cache; /* says what of the prompt is to be cached */
    struct claim_counts counts;
};

struct limits {
    struct claims claims;
    struct claims_mark
        request; /* claims up to here are the request's, the others an attempt's */
    struct claim_refusal refusal;
    struct expected expected;
    uint64_t watch_at;      /* tokens of an answer that was reserved for; 0: no budget */
    uint64_t reserved_nano; /* of the budget with the most, when the exchange ended */
    struct span told; /* for the record: a JSON array of what was taken; ptr NULL: nothing */
    struct claims_mark hedge; /* claims from here on are those of a second attempt */
    unsigned waits;
};

enum limits_result {
    LIMITS_ROOM,
    LIMITS_FULL,  /* x->fault says why */
    LIMITS_AWAITS /* flow_take is called when it is known */
};

/* What the request is expected to use, when nobody asked before. */
void limits_expect(struct exchange *x, const struct snapshot_model *model);
/* Of all but the provider. */
enum limits_result limits_take(struct exchange *x);
/* The limits of the current target's provider; what the target before had taken ends. */
enum fault limits_take_provider(struct exchange *x);
/* Those of the account and of its model, as far as they have limits; how many. */
unsigned limits_provider_scopes(const struct exchange *x, const struct snapshot_scope *ret[2]);
/* The current attempt is a second one beside another: all budgets have room for its cost too,
 * and its provider's limits for it; else false, and nothing is taken. */
bool limits_take_hedge(struct exchange *x);
/* It was not made. */
void limits_return_hedge(struct exchange *x);
/* One of the two is over, having used that of its provider's limits: the second, or the FIRST.
 */
void limits_end_beside(struct exchange *x, bool first, const struct claim_counts *used);
/* What so many tokens cost by the price of that number; PRICE_UNKNOWN: nobody knows. */
uint64_t limits_cost(const struct exchange *x, uint32_t price, uint64_t input, uint64_t output);
/* A stream has come to OUTPUT tokens, more than limits.watch_at: more is reserved. False when
 * it must end here. */
bool limits_go_on(struct exchange *x, uint64_t output);
/* The end, with what was used: of the request's limits, and of those of the provider that
 * answered; COST_NANO UINT64_MAX: nobody knows. */
void limits_settle(struct exchange *x, const struct claim_counts *used,
                   const struct claim_counts *of_provider);
/* Why there was no room: x->refusal, for a fault that limits_take or _take_provider gave. */
void limits_say_refusal(struct exchange *x);
/* The request is more than a limit ever lets in: it does not help to come again. */
bool limits_never(const struct exchange *x);
/* When it may help to come again; 0: never, or nobody knows. */
uint64_t limits_retry_ms(const struct exchange *x);
/* Tallies the prompt, unless that is done; its body must be here. */
void limits_estimate(struct exchange *x);
/* How the client asked to be served: enum price_service. */
uint32_t limits_service(const struct exchange *x);
/* Header fields that tell where the limits stand, into the worker's head. */
void limits_add_fields(struct exchange *x);
/* Whether that names the same as the provider's NAME. */
bool limits_hide_field(const struct exchange *x, struct span name);

#endif
