/* shared/route/condition.h
 *
 * Whether a request is one that a target takes: what `when` of the settings asks, as the
 * snapshot has it. Pure, without allocation; some nanoseconds a term.
 */
#ifndef SHARED_ROUTE_CONDITION_H
#define SHARED_ROUTE_CONDITION_H

#include "shared/route/route.h"

/* All of CONDITIONS (struct snapshot_condition) hold; of a run of alternatives one. */
bool conditions_hold(const struct snapshot *snapshot, struct snapshot_table conditions,
                     const struct route_facts *facts);

/* The kind of the first that does not hold; CONDITION_COUNT: all do. */
enum condition conditions_failing(const struct snapshot *snapshot,
                                  struct snapshot_table conditions,
                                  const struct route_facts *facts);

/* The kinds of conditions, as bits of 1 << enum condition, whose facts route_make must have of
 * a request for MODEL: those of its fallbacks too. */
uint32_t conditions_asked(const struct snapshot *snapshot, const struct snapshot_model *model);

/* What a model must be able to do for requests that use FEATURES; enum capability. */
uint32_t conditions_needs(uint32_t features);

#endif
