/* supervisor/ledger/ledger_sums.h
 *
 * Sums of records by what statistics tell apart, collected in memory and added to the tables
 * usage_hourly and usage_daily: the few rows of a batch instead of its thousand records.  Sums
 * stop at INT64_MAX; what is unknown, or absurdly large, is counted as unknown and not added.
 */
#ifndef SUPERVISOR_LEDGER_LEDGER_SUMS_H
#define SUPERVISOR_LEDGER_LEDGER_SUMS_H

#include "shared/base/arena.h"
#include "shared/journal/record.h"

#include "supervisor/store/store.h"

#define SUMS_TAGS_MAX   16                 /* of one request; more are left out */
#define SUMS_TEXT_MAX   256                /* bytes of a dimension's text */
#define SUMS_FIGURE_MAX 9007199254740992LL /* more than this, of one request, is no figure */

enum sum_count {
#define SUM_COUNT(column, value) SUM_##column,
#include "supervisor/ledger/sums.def"
    SUM_COUNTS
};

enum sum_figure {
#define SUM_FIGURE(column) FIGURE_##column,
#include "supervisor/ledger/sums.def"
    SUM_FIGURES
};

struct sum_key {
    int64_t begin_ms;
    struct span tag; /* empty: of all requests */
#define DIMENSION_NUMBER(column, value, sql) int64_t column;
#define DIMENSION_TEXT(column, value, sql)   struct span column;
#include "supervisor/ledger/dimensions.def"
};

struct sum_row {
    struct sum_key key;
    struct span bytes; /* the key as bytes: equal when the keys are, and an order */
    int64_t counts[SUM_COUNTS];
    int64_t figures[SUM_FIGURES], unknown[SUM_FIGURES];
};

struct sums {
    struct arena *arena;
    struct sum_row **rows;
    uint32_t *places; /* a hash table of indexes + 1 */
    uint32_t count, room;
};

void sums_init(struct sums *sums, struct arena *arena);
void sums_done(struct sums *sums);

/* Adds one record, whose texts must live until sums_put: to the row of its hour, and to one for
 * each of its tags. */
void sums_add(struct sums *sums, const struct usage_record *record);

/* Adds all of it to both tables, in the caller's transaction.  0 or a negative errno. */
int sums_put(struct store *store, struct sums *sums);

/* A + B, at most INT64_MAX; neither is negative. */
int64_t sum_most(int64_t a, int64_t b);

#endif
