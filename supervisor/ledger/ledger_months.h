/* supervisor/ledger/ledger_months.h
 *
 * The partitions of `usage` on PostgreSQL, one for each month.  In a database of another kind
 * there are none, and nothing is done.
 */
#ifndef SUPERVISOR_LEDGER_LEDGER_MONTHS_H
#define SUPERVISOR_LEDGER_LEDGER_MONTHS_H

#include <stdbool.h>

#include "supervisor/store/store.h"

#define MONTHS_AHEAD 2   /* made before their first row comes */
#define MONTHS_MOST  600 /* partitions that are looked at */

struct months {
    int64_t rows[MONTHS_MOST]; /* as calendar.h counts them */
    unsigned count;
};

/* What partitions there are.  0 or a negative errno. */
int months_list(struct store *store, struct months *ret);
bool months_has(const struct months *months, int64_t month);
/* Makes those of NOW_MS and the months after it that are missing.  0 or a negative errno. */
int months_make(struct store *store, const struct months *months, int64_t now_ms);
/* Drops the oldest one that ended before CUTOFF_MS.  1: dropped, 0: there is none. */
int months_drop(struct store *store, const struct months *months, int64_t cutoff_ms);

#endif
