/* shared/route/route.h
 *
 * Where a request may go: the targets of the model it asked for and of those that stand in for
 * it, in the order in which they are tried. A pure function of the request's facts, the
 * snapshot and what the segment knows of the providers, so that the controller can explain it.
 */
#ifndef SHARED_ROUTE_ROUTE_H
#define SHARED_ROUTE_ROUTE_H

#include "shared/base/arena.h"
#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

#define ROUTE_TARGETS_MAX 16

/* On whose behalf a target stands in the plan. */
enum route_role {
    ROUTE_OWN,
    ROUTE_GENERAL, /* of a fallback */
    ROUTE_CONTEXT, /* only after a refusal for the request's length */
    ROUTE_CONTENT, /* only after one for its content */
};

struct plan_target {
    const struct snapshot_provider *provider;
    uint32_t provider_index;
    struct span model, model_json; /* as the provider calls it; the second is a JSON string */
    uint32_t price, yield, scope, context; /* as in struct snapshot_target */
    uint8_t role;                          /* enum route_role */
};

struct route_trace; /* shared/route/trace.h */

struct route_plan {
    struct plan_target *targets; /* in the arena */
    unsigned count;
    uint32_t total_ms;
    bool strict;                        /* what a translation cannot carry is refused */
    bool headroom;                      /* what accounts say of their limits is to be noted */
    const struct snapshot_hedge *hedge; /* NULL: no second attempt beside a slow one */
};

/* Of the request. What is not known is 0. */
struct route_facts {
    uint64_t now_ms; /* monotonic */
    uint64_t random;
    uint64_t turn;          /* of round_robin: grows by one with each request */
    uint64_t session;       /* what belongs together has one number; 0: nothing does */
    uint64_t input, output; /* tokens, an estimate */
    uint32_t capabilities;  /* enum capability that it needs */
    struct span provider;   /* the only one wanted; ptr NULL: any */
    uint32_t home;          /* home_account of the only account that can serve it; 0: any */
    /* What conditions_asked says is needed. */
    int64_t wall_ms;
    const struct snapshot_key *key; /* NULL: nobody's */
    const struct span *tags;
    unsigned tag_count;
    const struct span
        *headers;      /* one for each of the page's route_headers; ptr NULL: not sent */
    uint32_t features; /* enum feature that it uses */
};

/* Whether anything depends on the request's session and needs; else the facts leave them out.
 */
bool route_needs_request(const struct snapshot *snapshot, const struct snapshot_model *model);
/* What a strategy must know beyond a name. */
bool route_needs_tokens(const struct snapshot *snapshot, const struct snapshot_model *model);

/* MODEL's targets and its fallbacks', at most ROUTE_TARGETS_MAX. *RET is filled but for
 * total_ms when MODEL has none. No target: count 0. */
void route_make(const struct snapshot *snapshot, struct segment *segment,
                const struct snapshot_model *model, const struct route_facts *facts,
                struct arena *arena, struct route_plan *ret);
/* The same, and what was seen of each target into TRACE, which is cleared first. */
void route_explain(const struct snapshot *snapshot, struct segment *segment,
                   const struct snapshot_model *model, const struct route_facts *facts,
                   struct arena *arena, struct route_plan *ret, struct route_trace *trace);

#endif
