/* supervisor/ledger/calendar.h
 *
 * Hours, days and months of UTC, as statistics, chains and partitions count them.  Pure.
 */
#ifndef SUPERVISOR_LEDGER_CALENDAR_H
#define SUPERVISOR_LEDGER_CALENDAR_H

#include <stdint.h>

#define HOUR_MS         3600000LL
#define DAY_MS          86400000LL
#define MONTH_TEXT_SIZE 16

/* Times of a record are in [0, CALENDAR_END_MS): the years 1970 to 9999. */
#define CALENDAR_END_MS 253402300800000LL

/* Months since the year 0, of a time in the calendar. */
int64_t month_of(int64_t wall_ms);
int64_t month_begin_ms(int64_t month);
/* "2026-11", NUL-terminated. */
void month_write(int64_t month, char ret[MONTH_TEXT_SIZE]);

#endif
