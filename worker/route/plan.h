/* worker/route/plan.h
 *
 * Where a request of this caller may go: shared/route/route.h for the models that it may use,
 * and "provider/model" for those of no catalogue.
 */
#ifndef WORKER_ROUTE_PLAN_H
#define WORKER_ROUTE_PLAN_H

#include "shared/base/fault.h"
#include "shared/route/route.h"

#include "worker/authenticate/caller.h"

#define PLAN_TARGETS_MAX ROUTE_TARGETS_MAX

struct plan_options {
    const struct snapshot *snapshot;
    struct segment *segment;
    const struct caller *caller;
    struct span model;
    struct route_facts facts;
};

enum fault plan_make(const struct plan_options *options, struct arena *arena,
                     struct route_plan *ret);

#endif
