/* supervisor/ledger/usage_time.h
 *
 * Times and periods as people name them, in UTC: "2026-11-01", "2026-11-01T08:00:00Z",
 * milliseconds since 1970, "today", "yesterday", "month", "last-month", or a time back from now
 * ("7d", "24h"). Pure.
 */
#ifndef SUPERVISOR_LEDGER_USAGE_TIME_H
#define SUPERVISOR_LEDGER_USAGE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

/* When TEXT begins, and the end of the period that it names (a date: of its day; a time:
 * itself; a time back from now: now).  False when it is none of these. */
bool usage_time_read(struct span text, int64_t now_ms, int64_t *ret_begin_ms,
                     int64_t *ret_end_ms);

#endif
