#include "supervisor/ledger/ledger_months.h"

#include <stdio.h>

#include "shared/base/check.h"

#include "supervisor/ledger/calendar.h"

#define STATEMENT_BYTES 256

/* ---- what is there ------------------------------------------------------------------------
 */

/* "usage_2026_11", or -1 for another name. */
static int64_t month_of_name(struct span name)
{
    uint64_t year, month;

    if (name.len != 13 || !span_starts(name, SPAN("usage_")) || name.ptr[10] != '_' ||
        !span_read_u64(span_of(name.ptr + 6, 4), &year) ||
        !span_read_u64(span_of(name.ptr + 11, 2), &month) || month < 1 || month > 12)
        return -1;
    return (int64_t)(year * 12 + month - 1);
}

static void write_name(int64_t month, char ret[MONTH_TEXT_SIZE])
{
    (void)snprintf(ret, MONTH_TEXT_SIZE, "usage_%04u_%02u", (unsigned)(month / 12) % 10000,
                   (unsigned)(month % 12) + 1);
}

static void take_name(void *who, const struct store_value *values, unsigned count)
{
    struct months *months = who;
    int64_t month = month_of_name(values[0].text);

    CHECK(count == 1);
    if (month >= 0 && months->count < MONTHS_MOST)
        months->rows[months->count++] = month;
}

int months_list(struct store *store, struct months *ret)
{
    ret->count = 0;
    if (store_is_file(store))
        return 0;
    int64_t rows = store_run(store,
                             "select cast(c.relname as text) from pg_inherits i "
                             "join pg_class c on c.oid = i.inhrelid "
                             "where i.inhparent = cast('usage' as regclass) order by 1",
                             NULL, 0, take_name, ret);

    return rows < 0 ? (int)rows : 0;
}

bool months_has(const struct months *months, int64_t month)
{
    for (unsigned i = 0; i < months->count; i++) {
        if (months->rows[i] == month)
            return true;
    }
    return false;
}

/* ---- making and dropping ------------------------------------------------------------------
 */

/* Nobody writes while partitions change: rows must not come to stand in the wrong one. */
static const char lock[] = "lock table usage in access exclusive mode";

static int run(struct store *store, const char *sql)
{
    int64_t rows = store_run(store, sql, NULL, 0, NULL, NULL);

    return rows < 0 ? (int)rows : 0;
}

/* Rows that stand in usage_other stay there, and the rest of their month goes there too.
 * 1 when there are such. */
static int elsewhere(struct store *store, int64_t month)
{
    const struct store_value range[] = {STORE_NUMBER_VALUE(month_begin_ms(month)),
                                        STORE_NUMBER_VALUE(month_begin_ms(month + 1))};

    return (int)store_run(store,
                          "select 1 from usage_other where started_ms >= $1 and "
                          "started_ms < $2 limit 1",
                          range, ARRAY_LEN(range), NULL, NULL);
}

static int make(struct store *store, void *who)
{
    int64_t month = *(int64_t *)who;
    char name[MONTH_TEXT_SIZE], sql[STATEMENT_BYTES];
    int result = run(store, lock);

    if (result == 0)
        result = elsewhere(store, month);
    if (result != 0)
        return result < 0 ? result : 0;
    write_name(month, name);
    (void)snprintf(sql, sizeof(sql),
                   "create table if not exists %s partition of usage for values from (%lld) to "
                   "(%lld)",
                   name, (long long)month_begin_ms(month),
                   (long long)month_begin_ms(month + 1));
    return run(store, sql);
}

int months_make(struct store *store, const struct months *months, int64_t now_ms)
{
    int64_t first = month_of(now_ms);
    int result = 0;

    if (store_is_file(store))
        return 0;
    for (int64_t month = first; month <= first + MONTHS_AHEAD && result == 0; month++) {
        int there = months_has(months, month) ? 1 : elsewhere(store, month);

        result = there < 0 ? there : there > 0 ? 0 : store_transaction(store, make, &month);
    }
    return result;
}

/* The chains of the month end here: what comes after stands on their last row. */
static int drop(struct store *store, void *who)
{
    int64_t month = *(int64_t *)who;
    char text[MONTH_TEXT_SIZE], name[MONTH_TEXT_SIZE], sql[STATEMENT_BYTES];
    int result = run(store, lock);

    if (result < 0)
        return result;
    month_write(month, text);
    write_name(month, name);
    const struct store_value value = STORE_TEXT_VALUE(span_of_text(text));
    int64_t rows = store_run(store,
                             "update usage_chains set removed_seq = seq, removed_hash = hash "
                             "where month = $1",
                             &value, 1, NULL, NULL);

    (void)snprintf(sql, sizeof(sql), "drop table if exists %s", name);
    return rows < 0 ? (int)rows : run(store, sql);
}

int months_drop(struct store *store, const struct months *months, int64_t cutoff_ms)
{
    for (unsigned i = 0; i < months->count; i++) {
        int64_t month = months->rows[i];

        if (month_begin_ms(month + 1) > cutoff_ms)
            continue;
        int result = store_transaction(store, drop, &month);

        return result < 0 ? result : 1;
    }
    return 0;
}
