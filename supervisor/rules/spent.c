#include "supervisor/rules/spent.h"

#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"
#include "shared/text/json_write.h"

/* ---- questions ------------------------------------------------------------------------------
 */

#define HOUR_MS 3600000
#define DAY_MS  (24 * (int64_t)HOUR_MS)

/* How a kind's subject stands in the rows of requests and of sums. */
static const struct {
    const char *subject, *there;
} by_kind[] = {
    [LIMIT_SCOPE_tenant] = {"cast(tenant as text)", "tenant > 0"},
    [LIMIT_SCOPE_team] = {"cast(team as text)", "team > 0"},
    [LIMIT_SCOPE_user] = {"cast(user_id as text)", "user_id > 0"},
    [LIMIT_SCOPE_key] = {"key_id", "key_id <> ''"},
    [LIMIT_SCOPE_model] = {"asked_model", "asked_model <> ''"},
    [LIMIT_SCOPE_provider] = {"provider", "provider <> ''"},
    [LIMIT_SCOPE_target] = {"provider || '/' || model", "provider <> ''"},
};

/* Requests are kept for months, their sums for ever: whole days are asked of the sums of days,
 * whole hours before them of those of hours, and the rest of the requests ($1 <= begin < $2
 * <= hours < $3 <= days). One statement, so that it is one moment of the ledger. */
#define PERIOD(columns, request, sums)                                                      \
    "select subject, cast(sum(cost) as bigint) from (select " columns                       \
    " from usage where started_ms >= $1 and started_ms < $2 and cost_nano > 0 and " request \
    " union all select " columns                                                            \
    " from usage_hourly where begin_ms >= $2 and begin_ms < $3 and cost_nano > 0 and " sums \
    " union all select " columns                                                            \
    " from usage_daily where begin_ms >= $3 and cost_nano > 0 and " sums                    \
    ") as spent group by subject"

/* Tags are JSON texts in one column of requests; `like` would not tell A from a in SQLite. */
static const char of_tag[] =
    PERIOD("'' as subject, cost_nano as cost", "replace(tags, $4, '') <> tags", "tag = $5");

static void write_question(enum limit_scope kind, struct buffer *out)
{
    static const char form[] =
        PERIOD("%s as subject, cost_nano as cost", "%s", "tag = '' and %s");
    const char *subject = by_kind[kind].subject, *there = by_kind[kind].there;

    (void)buffer_append_format(out, form, subject, there, subject, there, subject, there);
    (void)buffer_append_byte(out, '\0');
    CHECK(!out->failed);
}

static int64_t whole(int64_t time_ms, int64_t unit_ms)
{
    return (time_ms + unit_ms - 1) / unit_ms * unit_ms;
}

static void write_times(int64_t begin_ms, struct store_value values[3])
{
    begin_ms = begin_ms > 0 ? begin_ms : 0;
    values[0] = STORE_NUMBER_VALUE(begin_ms);
    values[1] = STORE_NUMBER_VALUE(whole(begin_ms, HOUR_MS));
    values[2] = STORE_NUMBER_VALUE(whole(begin_ms, DAY_MS));
}

static int compare(const void *left, const void *right)
{
    const struct spent *a = left, *b = right;
    size_t len = a->subject.len < b->subject.len ? a->subject.len : b->subject.len;
    int order = 0;

    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->begin_ms != b->begin_ms)
        return a->begin_ms < b->begin_ms ? -1 : 1;
    if (len > 0)
        order = memcmp(a->subject.ptr, b->subject.ptr, len);
    if (order != 0)
        return order;
    return (a->subject.len > b->subject.len) - (a->subject.len < b->subject.len);
}

/* Rows of one kind that begin together: one statement answers them all. */
struct group {
    struct spent *rows;
    uint32_t count;
};

static uint32_t find_first(const struct group *group, struct span subject)
{
    struct spent wanted = {
        .kind = group->rows[0].kind, .begin_ms = group->rows[0].begin_ms, .subject = subject};
    uint32_t low = 0, high = group->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare(&group->rows[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void take_sum(void *who, const struct store_value *values, unsigned count)
{
    struct group *group = who;
    uint64_t nano = values[1].number > 0 ? (uint64_t)values[1].number : 0;

    CHECK(count == 2);
    for (uint32_t i = find_first(group, values[0].text);
         i < group->count && span_eq(group->rows[i].subject, values[0].text); i++)
        group->rows[i].nano = nano;
}

static int ask_group(struct store *store, struct group *group)
{
    struct store_value values[3];
    struct buffer question _buffer_;
    int64_t rows;

    buffer_init(&question, 4096);
    write_question(group->rows[0].kind, &question);
    write_times(group->rows[0].begin_ms, values);
    rows = store_run(store, question.ptr, values, 3, take_sum, group);
    return rows < 0 ? (int)rows : 0;
}

static void take_alone(void *who, const struct store_value *values, unsigned count)
{
    struct group *group = who;

    CHECK(count == 2);
    group->rows[0].nano = values[1].number > 0 ? (uint64_t)values[1].number : 0;
}

static int ask_tag(struct store *store, struct group *group)
{
    struct buffer quoted _buffer_;
    struct store_value values[5];
    int64_t rows;

    buffer_init(&quoted, 1024);
    (void)json_append_quoted(&quoted, group->rows[0].subject);
    write_times(group->rows[0].begin_ms, values);
    values[3] = STORE_TEXT_VALUE(buffer_span(&quoted));
    values[4] = STORE_TEXT_VALUE(group->rows[0].subject);
    rows = store_run(store, of_tag, values, 5, take_alone, group);
    return rows < 0 ? (int)rows : 0;
}

static int ask_all(struct store *store, struct spent *rows, uint32_t count)
{
    int result = 0;
    uint32_t end;

    qsort(rows, count, sizeof(rows[0]), compare);
    for (uint32_t at = 0; at < count && result == 0; at = end) {
        struct group group = {&rows[at], 1};
        bool tag = rows[at].kind == LIMIT_SCOPE_tag;

        for (end = at + 1; end < count && !tag && rows[end].kind == rows[at].kind &&
                           rows[end].begin_ms == rows[at].begin_ms;
             end++)
            group.count++;
        result = tag ? ask_tag(store, &group) : ask_group(store, &group);
    }
    return result;
}

/* What leaves: what began from the begin on, without what began from LEAVES_MS on. */
static int ask_leaving(struct store *store, struct spent *rows, uint32_t count)
{
    struct spent *rolling = memory_new_array((size_t)count + 1, sizeof(*rolling));
    uint32_t found = 0;
    int result;

    for (uint32_t i = 0; i < count; i++) {
        if (rows[i].leaves_ms <= rows[i].begin_ms)
            continue;
        rolling[found] = rows[i];
        rolling[found].begin_ms = rows[i].leaves_ms;
        rolling[found].nano = 0;           /* there is no answer where nothing was spent */
        rolling[found++].total_before = i; /* whose answer it is */
    }
    result = ask_all(store, rolling, found);
    for (uint32_t i = 0; i < found && result == 0; i++) {
        struct spent *row = &rows[rolling[i].total_before];

        row->leaving_nano = row->nano > rolling[i].nano ? row->nano - rolling[i].nano : 0;
    }
    memory_free(rolling);
    return result;
}

int spent_ask(struct store *store, struct spent *rows, uint32_t count)
{
    int result;

    for (uint32_t i = 0; i < count; i++)
        rows[i].nano = rows[i].leaving_nano = 0;
    result = ask_all(store, rows, count);
    return result < 0 ? result : ask_leaving(store, rows, count);
}

/* ---- answers --------------------------------------------------------------------------------
 */

/* What is committed first: a death in between leaves a counter too high, never too low. */
void spent_raise(struct bucket *bucket, uint64_t nano)
{
    uint64_t total = atomic_load(&bucket->total);

    if (nano <= total)
        return;
    (void)atomic_fetch_add(&bucket->level[0], nano - total);
    (void)atomic_fetch_add(&bucket->total, nano - total);
}

static void subtract(_Atomic uint64_t *word, uint64_t nano)
{
    uint64_t before = atomic_load(word);

    while (!atomic_compare_exchange_weak(word, &before, before > nano ? before - nano : 0)) {
    }
}

static void lower(struct bucket *bucket, uint64_t nano)
{
    subtract(&bucket->total, nano);
    subtract(&bucket->level[0], nano);
}

void spent_apply(struct segment *segment, const struct spent *row, bool idle)
{
    struct bucket *bucket = segment_bucket(segment, row->bucket);

    if (atomic_load(&bucket->identity) != row->identity)
        return;
    spent_raise(bucket, row->nano);
    if (row->leaves_ms == 0)
        return;
    if (idle && row->total_before > row->nano &&
        atomic_load(&bucket->total) == row->total_before)
        lower(bucket, row->total_before - row->nano);
    if (row->leaves_ms <= row->begin_ms)
        return;
    atomic_store(&bucket->level[1], (uint64_t)row->leaves_ms);
    lower(bucket, row->leaving_nano);
}
