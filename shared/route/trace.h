/* shared/route/trace.h
 *
 * What route_make saw of each target: for people who ask why a request goes where it goes. The
 * caller's memory, filled while the plan is made; workers make plans without one.
 */
#ifndef SHARED_ROUTE_TRACE_H
#define SHARED_ROUTE_TRACE_H

#include "shared/route/route.h"

#define ROUTE_TRACE_MOST 512 /* rows; what does not fit is counted */

/* Why a target is left out; the last two only as long as there is one that fits. */
enum route_reason {
#define REASON(name, help) ROUTE_REASON_##name,
#include "shared/route/reasons.def"
#undef REASON
    ROUTE_REASON_COUNT
};

struct route_trace_row {
    const struct snapshot_model *model; /* whose target it is */
    const struct snapshot_target *target;
    uint8_t role;      /* enum route_role */
    uint8_t reason;    /* enum route_reason, what is to be said against it */
    uint8_t condition; /* enum condition that failed; CONDITION_COUNT: none */
    bool behind;       /* degraded: after all others */
    bool scored;
    unsigned place;    /* in the plan, from 1 on; 0: it is not in it */
    uint64_t score;    /* lower is better among one priority; of the strategy's own unit */
    uint64_t until_ms; /* monotonic; of one that is out: UINT64_MAX when nobody knows */
};

struct route_trace {
    struct route_trace_row rows[ROUTE_TRACE_MOST];
    unsigned count, dropped;
    unsigned start; /* of the model that is looked at now */
};

struct span route_reason_name(enum route_reason reason);

/* ---- for what makes the plan --------------------------------------------------------------
 */

/* A model's targets follow. */
void route_trace_begin(struct route_trace *trace);
void route_trace_add(struct route_trace *trace, struct route_trace_row row);
void route_trace_score(struct route_trace *trace, const struct snapshot_target *target,
                       uint64_t score);
/* The model's targets of LIST stand in the plan for ROLE from place FIRST (from 1) on. */
void route_trace_places(struct route_trace *trace, const struct snapshot_model *model,
                        enum route_role role, const struct snapshot_target *const *list,
                        unsigned count, unsigned first);
/* What was in the plan is not, from FIRST to before END. */
void route_trace_drop(struct route_trace *trace, unsigned first, unsigned end);
/* TARGET is tried for want of another. */
void route_trace_last_resort(struct route_trace *trace, const struct snapshot_target *target);

#endif
