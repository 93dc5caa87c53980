#include "supervisor/ledger/ledger_retain.h"

#include <errno.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "supervisor/ledger/calendar.h"
#include "supervisor/ledger/ledger_inside.h"
#include "supervisor/ledger/ledger_months.h"

#define CHAINS_MOST 1000 /* looked at in one step */

struct old_chain {
    int64_t id, month, removed_seq;
};

struct retaining {
    struct store *store;
    int64_t cutoff_ms;
    struct months months;
    struct old_chain chains[CHAINS_MOST];
    unsigned count;
    /* what one batch of a chain is */
    const struct old_chain *chain;
    int64_t last_seq, rows;
    bool ended;
    char last_hash[CHAIN_HASH_TEXT];
};

/* ---- the beginning of a chain -------------------------------------------------------------
 */

static int64_t month_of_text(struct span text)
{
    uint64_t year, month;
    struct span part;

    if (!span_cut(&text, '-', &part) || !span_read_u64(part, &year) ||
        !span_read_u64(text, &month) || month < 1 || month > 12 || year > 9999)
        return -1;
    return (int64_t)(year * 12 + month - 1);
}

static void take_chain(void *who, const struct store_value *values, unsigned count)
{
    struct retaining *retaining = who;
    int64_t month = month_of_text(values[1].text);

    CHECK(count == 3);
    /* What stands in a partition goes with it. */
    if (month >= 0 && !months_has(&retaining->months, month))
        retaining->chains[retaining->count++] =
            (struct old_chain){values[0].number, month, values[2].number};
}

static int list_chains(struct retaining *retaining)
{
    char month[MONTH_TEXT_SIZE];

    month_write(month_of(retaining->cutoff_ms), month);
    const struct store_value values[] = {STORE_TEXT_VALUE(span_of_text(month)),
                                         STORE_NUMBER_VALUE(CHAINS_MOST)};
    int64_t rows =
        store_run(retaining->store,
                  "select id, month, removed_seq from usage_chains where id <> 0 and "
                  "removed_seq < seq and month <= $1 order by month, id limit $2",
                  values, ARRAY_LEN(values), take_chain, retaining);

    return rows < 0 ? (int)rows : 0;
}

/* Up to the first row that is not old. */
static void take_row(void *who, const struct store_value *values, unsigned count)
{
    struct retaining *retaining = who;

    CHECK(count == 3);
    if (values[1].number >= retaining->cutoff_ms || values[2].text.len != CHAIN_HASH_TEXT)
        retaining->ended = true;
    if (retaining->ended)
        return;
    retaining->rows++;
    retaining->last_seq = values[0].number;
    memcpy(retaining->last_hash, values[2].text.ptr, CHAIN_HASH_TEXT);
}

static int find_rows(struct retaining *retaining)
{
    const struct store_value values[] = {STORE_NUMBER_VALUE(retaining->chain->id),
                                         STORE_NUMBER_VALUE(retaining->chain->removed_seq),
                                         STORE_NUMBER_VALUE(RETAIN_ROWS)};

    retaining->rows = 0;
    retaining->ended = false;
    int64_t rows = store_run(retaining->store,
                             "select seq, coalesce(started_ms, 0), hash from usage "
                             "where chain = $1 and seq > $2 order by seq limit $3",
                             values, ARRAY_LEN(values), take_row, retaining);

    return rows < 0 ? (int)rows : 0;
}

static int remove_rows(struct store *store, void *who)
{
    struct retaining *retaining = who;
    int result = find_rows(retaining);

    if (result < 0 || retaining->rows == 0)
        return result;
    const struct store_value values[] = {
        STORE_NUMBER_VALUE(retaining->chain->id), STORE_NUMBER_VALUE(retaining->last_seq),
        STORE_NUMBER_VALUE(retaining->chain->removed_seq),
        STORE_TEXT_VALUE(span_of(retaining->last_hash, CHAIN_HASH_TEXT))};
    int64_t rows = store_run(store, "delete from usage where chain = $1 and seq <= $2", values,
                             2, NULL, NULL);

    if (rows >= 0)
        rows = store_run(store,
                         "update usage_chains set removed_seq = $2, removed_hash = $4 "
                         "where id = $1 and removed_seq = $3",
                         values, ARRAY_LEN(values), NULL, NULL);
    return rows < 0 ? (int)rows : rows == 0 ? -EAGAIN : 0;
}

/* 1: a whole batch went, there may be more. */
static int retain_chains(struct retaining *retaining, uint64_t *ret_removed)
{
    int result = list_chains(retaining);

    for (unsigned i = 0; i < retaining->count && result == 0; i++) {
        retaining->chain = &retaining->chains[i];
        result = store_transaction(retaining->store, remove_rows, retaining);
        if (result == 0)
            *ret_removed += (uint64_t)retaining->rows;
        if (result == 0 && retaining->rows == RETAIN_ROWS)
            return 1;
    }
    return result;
}

/* ---- rows of before the chains -------------------------------------------------------------
 */

static int remove_unchained(struct store *store, void *who)
{
    struct retaining *retaining = who;
    const struct store_value values[] = {STORE_NUMBER_VALUE(retaining->cutoff_ms),
                                         STORE_NUMBER_VALUE(RETAIN_ROWS)};

    retaining->rows = store_run(store,
                                "delete from usage where chain is null and request_id in "
                                "(select request_id from usage where chain is null and "
                                "coalesce(started_ms, 0) < $1 limit $2)",
                                values, ARRAY_LEN(values), NULL, NULL);
    if (retaining->rows <= 0)
        return (int)retaining->rows;
    const struct store_value count = STORE_NUMBER_VALUE(retaining->rows);
    int64_t rows =
        store_run(store, "update usage_chains set removed_seq = removed_seq + $1 where id = 0",
                  &count, 1, NULL, NULL);

    return rows < 0 ? (int)rows : 0;
}

static int retain_unchained(struct retaining *retaining, uint64_t *ret_removed)
{
    int64_t left = store_run(retaining->store,
                             "select 1 from usage_chains where id = 0 and removed_seq < seq",
                             NULL, 0, NULL, NULL);

    if (left <= 0)
        return (int)left;
    int result = store_transaction(retaining->store, remove_unchained, retaining);

    if (result == 0)
        *ret_removed += (uint64_t)retaining->rows;
    return result < 0 ? result : retaining->rows >= RETAIN_ROWS;
}

static int retain_rows(struct retaining *retaining, int64_t keep_ms, int64_t now_ms,
                       uint64_t *ret_removed)
{
    int result = months_list(retaining->store, &retaining->months);

    if (result == 0)
        result = months_make(retaining->store, &retaining->months, now_ms);
    if (result < 0 || keep_ms == 0 || keep_ms >= now_ms)
        return result;
    retaining->cutoff_ms = now_ms - keep_ms;
    result = months_drop(retaining->store, &retaining->months, retaining->cutoff_ms);
    if (result == 0)
        result = retain_chains(retaining, ret_removed);
    if (result == 0)
        result = retain_unchained(retaining, ret_removed);
    return result;
}

/* ---- sums ----------------------------------------------------------------------------------
 */

/* All rows of the oldest hour or day: one key after the other in the table. */
static int retain_sums(struct store *store, const char *table, int64_t cutoff_ms,
                       uint64_t *ret_removed)
{
    const struct store_value cutoff = STORE_NUMBER_VALUE(cutoff_ms);
    char sql[160];

    (void)snprintf(sql, sizeof(sql),
                   "delete from %s where begin_ms = "
                   "(select min(begin_ms) from %s where begin_ms < $1)",
                   table, table);
    int64_t rows = store_run(store, sql, &cutoff, 1, NULL, NULL);

    if (rows > 0)
        *ret_removed += (uint64_t)rows;
    return rows < 0 ? (int)rows : rows > 0;
}

static int retain(struct ledger *ledger, const struct ledger_policy *policy, int64_t now_ms,
                  uint64_t *ret_removed)
{
    struct retaining *retaining = MEMORY_NEW(struct retaining);

    retaining->store = ledger->store;
    int result = retain_rows(retaining, policy->rows_ms, now_ms, ret_removed);

    memory_free(retaining);
    if (result == 0 && policy->hourly_ms > 0)
        result = retain_sums(ledger->store, "usage_hourly",
                             now_ms - policy->hourly_ms - HOUR_MS, ret_removed);
    if (result == 0 && policy->daily_ms > 0)
        result = retain_sums(ledger->store, "usage_daily", now_ms - policy->daily_ms - DAY_MS,
                             ret_removed);
    return result;
}

int ledger_retain(struct ledger *ledger, const struct ledger_policy *policy, int64_t now_ms,
                  uint64_t *ret_removed)
{
    if (now_ms < 0 || now_ms >= CALENDAR_END_MS)
        return 0; /* a clock that knows nothing decides nothing */
    (void)pthread_mutex_lock(&ledger->mutex);
    int result = retain(ledger, policy, now_ms, ret_removed);

    (void)pthread_mutex_unlock(&ledger->mutex);
    return result;
}
