/* shared/limit/period.h
 *
 * Periods of budgets: where one begins and ends on the calendar of a time zone. Periods of one
 * kind and zone follow each other without a gap, also where the clock is changed at midnight.
 */
#ifndef SHARED_LIMIT_PERIOD_H
#define SHARED_LIMIT_PERIOD_H

#include "shared/limit/limit.h"
#include "shared/zone/zone.h"

/* From BEGIN on, before END; wall clock, milliseconds since 1970. */
struct period {
    int64_t begin_ms, end_ms;
};

/* The period of KIND (day, week from Monday on, month) in which NOW_MS lies; total and rolling
 * are one period without begin (0) and end (INT64_MAX). */
struct period period_at(enum budget_period kind, const struct zone *zone, int64_t now_ms);

#endif
