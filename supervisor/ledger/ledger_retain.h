/* supervisor/ledger/ledger_retain.h
 *
 * Takes old usage away, one bounded step at a time: rows of `usage` from the beginning of their
 * chain, so that what is left can be verified, and sums hour by hour and day by day.  On
 * PostgreSQL it also makes the partitions of the months to come and drops those that are old as
 * a whole; a month whose rows stand in usage_other already stays there.
 *
 * Blocking calls for the thread pool, with the ledger's mutex taken inside.
 */
#ifndef SUPERVISOR_LEDGER_LEDGER_RETAIN_H
#define SUPERVISOR_LEDGER_LEDGER_RETAIN_H

#include "supervisor/ledger/ledger.h"

#define RETAIN_ROWS 1000 /* of `usage`, of one step */

/* How long is kept, in milliseconds; 0: for ever. */
struct ledger_policy {
    int64_t rows_ms, hourly_ms, daily_ms;
};

/* 1: there may be more, call again; 0: nothing that is old is left; or a negative errno.  Adds
 * what went to *RET_REMOVED. */
int ledger_retain(struct ledger *ledger, const struct ledger_policy *policy, int64_t now_ms,
                  uint64_t *ret_removed);

#endif
