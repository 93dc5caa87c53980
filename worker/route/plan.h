/* worker/route/plan.h
 *
 * Where a request may go: the targets of the model it asked for, in the order in which they are
 * tried. A pure function of the request and the snapshot; equal priorities are spread by weight
 * with the caller's random number.
 */
#ifndef WORKER_ROUTE_PLAN_H
#define WORKER_ROUTE_PLAN_H

#include "shared/base/arena.h"
#include "shared/base/fault.h"
#include "shared/snapshot/snapshot.h"

#include "worker/authenticate/caller.h"

#define PLAN_TARGETS_MAX 16

struct plan_target {
    const struct snapshot_provider *provider;
    uint32_t provider_index;
    struct span model, model_json;  /* as the provider calls it; the second is a JSON string */
    uint32_t price, yield, context; /* as in struct snapshot_target */
};

struct route_plan {
    struct plan_target *targets; /* in the arena */
    unsigned count;
    uint32_t total_ms;
    bool strict; /* what a translation cannot carry is refused */
};

enum fault plan_make(const struct snapshot *snapshot, const struct caller *caller,
                     struct span model, uint64_t random, struct arena *arena,
                     struct route_plan *ret);

#endif
