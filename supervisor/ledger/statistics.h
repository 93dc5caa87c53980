/* supervisor/ledger/statistics.h
 *
 * Questions about usage: sums by any of the dimensions and by time, from the tables
 * usage_hourly and usage_daily (whole days from the latter), or the rows themselves.  Blocking;
 * rows go to the caller one by one, as columns that statistics_columns names.
 */
#ifndef SUPERVISOR_LEDGER_STATISTICS_H
#define SUPERVISOR_LEDGER_STATISTICS_H

#include "shared/base/arena.h"

#include "supervisor/store/store.h"

#define STATISTICS_FILTERS 32
#define STATISTICS_COLUMNS 64

enum dimension {
#define DIMENSION_NUMBER(column, value, sql) DIMENSION_##column,
#define DIMENSION_TEXT(column, value, sql)   DIMENSION_##column,
#include "supervisor/ledger/dimensions.def"
    DIMENSION_tag,
    DIMENSION_COUNT
};

enum time_bucket {
    BUCKET_NONE,
    BUCKET_HOUR,
    BUCKET_DAY,
    BUCKET_MONTH
};

struct statistics_filter {
    enum dimension dimension;
    struct store_value value;
};

struct statistics {
    uint32_t group;   /* bits of dimensions */
    uint64_t columns; /* bits of sums, by statistics_sum; 0: all. Requests always are */
    enum time_bucket bucket;
    int64_t from_ms, to_ms; /* sums: made whole hours, outwards */
    /* Several of one dimension: any of them. */
    struct statistics_filter filters[STATISTICS_FILTERS];
    unsigned filter_count;
    const char *order; /* a column; NULL: time, then requests */
    bool ascending;
    unsigned limit, offset;
    /* rows: those after this one */
    int64_t after_ms;
    struct span after_id; /* ptr NULL: from the beginning */
};

/* By its column or its short name (user, key, model, status). False when there is none. */
bool statistics_dimension(struct span name, enum dimension *ret);
const char *statistics_dimension_name(enum dimension dimension);
/* TEXT as what DIMENSION is compared with. False when it must be a number and is none. */
bool statistics_value(enum dimension dimension, struct span text, struct store_value *ret);

/* The bit of the sum NAME, or 0 when there is none. */
uint64_t statistics_sum(struct span name);
/* Names of the columns of the sums, in their order; returns how many. The last are names of the
 * tenants, teams, users and keys that are grouped by (null: the store has none). */
unsigned statistics_columns(const struct statistics *statistics,
                            const char *ret_names[STATISTICS_COLUMNS]);
/* Names of the columns of rows. */
unsigned statistics_row_columns(const char *ret_names[STATISTICS_COLUMNS]);

/* As store_run. Sums: ORDER must be one of the columns. */
int64_t statistics_sums(struct store *store, const struct statistics *statistics,
                        store_row_f *row, void *who);
/* By time and id, oldest first. */
int64_t statistics_rows(struct store *store, const struct statistics *statistics,
                        store_row_f *row, void *who);
/* The row of one request, and chain, seq and hash behind it. */
int64_t statistics_one(struct store *store, struct span request_id, store_row_f *row,
                       void *who);

#endif
