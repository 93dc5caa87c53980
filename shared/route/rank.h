/* shared/route/rank.h
 *
 * The targets of one model that may be tried, put in order by its strategy.
 */
#ifndef SHARED_ROUTE_RANK_H
#define SHARED_ROUTE_RANK_H

#include "shared/route/trace.h"

/* The tables are asked for once, not for each target. */
struct ranking {
    const struct snapshot *snapshot;
    struct segment *segment;
    const struct route_facts *facts;
    const struct snapshot_provider *providers;
    const struct target_health *healths;
    const struct target_pace *paces;
    struct route_trace *trace; /* NULL: nobody asks */
};

struct candidate {
    const struct snapshot_target *target;
    uint32_t priority;
    uint32_t row;   /* of the provider in the segment */
    uint64_t score; /* lower is better among one priority */
};

struct candidates { /* rows up to COUNT are set, the others are not */
    struct candidate rows[SNAPSHOT_TARGETS_MAX];
    unsigned count;
    /* When none may be tried by what is known of its provider: the soonest to recover. */
    const struct snapshot_target *soonest;
    bool too_long; /* some were left out for the length of the request, and none is left */
};

void rank_gather(const struct ranking *ranking, const struct snapshot_model *model,
                 struct candidates *ret);
/* At most ROOM of them into LIST; how many. */
unsigned rank_order(const struct ranking *ranking, enum route_strategy strategy,
                    struct candidates *candidates, const struct snapshot_target **list,
                    unsigned room);

#endif
