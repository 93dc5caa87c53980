/* shared/limit/limit.h
 *
 * Limits and budgets: their words, and the names of their counters. A limit counts a rate or
 * what is under way; a budget counts money in a period. Settings and the store define them, the
 * snapshot carries them to the workers, their counters are buckets of the segment (bucket.h).
 */
#ifndef SHARED_LIMIT_LIMIT_H
#define SHARED_LIMIT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

enum limit_scope {
#define LIMIT_SCOPE(name, help) LIMIT_SCOPE_##name,
#include "shared/limit/limits.def"
    LIMIT_SCOPE_COUNT
};

enum limit_unit {
#define LIMIT_UNIT(name, help) LIMIT_UNIT_##name,
#include "shared/limit/limits.def"
    LIMIT_UNIT_COUNT
};

enum limit_algorithm {
#define LIMIT_ALGORITHM(name, help) LIMIT_ALGORITHM_##name,
#include "shared/limit/limits.def"
    LIMIT_ALGORITHM_COUNT
};

enum limit_mode {
#define LIMIT_MODE(name, help) LIMIT_MODE_##name,
#include "shared/limit/limits.def"
    LIMIT_MODE_COUNT
};

enum budget_period {
#define BUDGET_PERIOD(name, help) BUDGET_PERIOD_##name,
#include "shared/limit/limits.def"
    BUDGET_PERIOD_COUNT
};

#define LIMITS_PER_SCOPE  8
#define BUDGETS_PER_SCOPE 4
#define TAGS_MAX          8  /* of one request */
#define TAG_BYTES_MAX     64 /* of one */

/* A word of limits.def, or ptr NULL for a number that is none. */
struct span limit_scope_name(unsigned scope);
struct span limit_unit_name(unsigned unit);
struct span limit_algorithm_name(unsigned algorithm);
struct span limit_mode_name(unsigned mode);
struct span budget_period_name(unsigned period);

/* The name of a counter in the segment: never 0, the same for the same question in every
 * process and after each restart. SCOPE and SUBJECT say whom it counts for (the subject is a
 * name, or the decimal id of the store), RULE what: the unit and window of a limit, the name of
 * a budget; PERIOD_MS is the begin of a budget's period and 0 for limits. */
uint64_t limit_identity(enum limit_scope scope, struct span subject, struct span rule,
                        int64_t period_ms);

#endif
