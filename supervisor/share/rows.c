#include "supervisor/share/rows.h"

#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "supervisor/share/window.h"

/* ---- the list ---------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const struct share_row *a = left, *b = right;

    return (a->identity > b->identity) - (a->identity < b->identity);
}

struct share_row *share_rows_find(const struct share_rows *rows, uint64_t identity)
{
    struct share_row wanted = {.identity = identity};

    if (rows->count == 0)
        return NULL;
    return bsearch(&wanted, rows->rows, rows->count, sizeof(wanted), compare);
}

static struct bucket *bucket_of(const struct share_rows *rows, const struct share_row *row)
{
    return segment_bucket(rows->segment, row->bucket);
}

static uint64_t unit(uint64_t nano)
{
    return nano / SHARE_UNIT_NANO + (nano % SHARE_UNIT_NANO != 0);
}

/* ---- new ones ---------------------------------------------------------------------------- */

static void begin_rate(struct share_row *row, struct bucket *bucket,
                       const struct share_row *before)
{
    if (before && before->kind == SHARE_RATE) {
        struct share_rate now = row->rate;

        row->rate = before->rate;
        row->rate.amount = now.amount;
        row->rate.burst = now.burst;
        row->rate.window_ms = now.window_ms;
        row->rate.algorithm = now.algorithm;
        return;
    }
    row->rate.total_seen = row->rate.away_total = atomic_load(&bucket->total);
}

/* What stands in the bucket is known to the ledger, or spent by this host: all of it was spent
 * of the budget, and none of it is this host's claim. */
static void begin_budget(struct share_row *row, struct bucket *bucket,
                         const struct share_row *before)
{
    uint64_t amount = row->budget.amount, total = atomic_load(&bucket->total);
    bool runs = !row->budget.known;
    int64_t ends_ms = row->budget.ends_ms;

    if (before && before->kind == SHARE_BUDGET) {
        row->budget = before->budget;
        row->budget.amount = amount;
        row->budget.ends_ms = ends_ms;
        return;
    }
    row->budget.tell = true;
    row->budget.known = !runs || (row->budget.window.length_ms == 0 &&
                                  atomic_load(&bucket->granted) != UINT64_MAX);
    if (atomic_load(&bucket->granted) == UINT64_MAX) {
        row->budget.heir = true;
        atomic_store(&bucket->level[1], total);
        atomic_store(&bucket->granted, atomic_load(&bucket->level[0]));
    }
    row->budget.floor = unit(atomic_load(&bucket->level[1]));
    row->budget.level_seen = atomic_load(&bucket->level[0]);
}

static uint32_t most_rows(const struct snapshot *snapshot,
                          const struct configure_budgets *budgets)
{
    struct snapshot_table scopes = snapshot_page(snapshot)->scopes;
    uint32_t count = budgets->count;

    for (uint32_t i = 0; i < scopes.count; i++)
        count += SNAPSHOT_ROW(snapshot, scopes, i, snapshot_scope)->limits.count;
    return count;
}

static void add_limits(struct share_rows *rows, const struct snapshot *snapshot,
                       const struct snapshot_scope *scope)
{
    for (uint32_t i = 0; i < scope->limits.count; i++) {
        const struct snapshot_limit *limit =
            SNAPSHOT_ROW(snapshot, scope->limits, i, snapshot_limit);

        if (limit->unit == LIMIT_UNIT_concurrent || limit->amount == 0)
            continue;
        rows->rows[rows->count++] = (struct share_row){
            .identity = atomic_load(&segment_bucket(rows->segment, limit->bucket)->identity),
            .bucket = limit->bucket,
            .kind = SHARE_RATE,
            .rate = {.amount = limit->amount,
                     .burst = limit->burst > 0 ? limit->burst : limit->amount,
                     .window_ms = limit->window_ms,
                     .algorithm = limit->algorithm}};
    }
}

static bool is_shared(const struct share_rows *rows, const struct configure_budget *budget)
{
    return budget->rule.amount_nano > 0 &&
           (rows->windows || budget->rule.period != BUDGET_PERIOD_rolling);
}

static void add_budgets(struct share_rows *rows, const struct configure_budgets *budgets)
{
    for (uint32_t i = 0; i < budgets->count; i++) {
        const struct configure_budget *budget = &budgets->rows[i];

        if (!is_shared(rows, budget))
            continue;
        rows->rows[rows->count++] =
            (struct share_row){.identity = budget->identity,
                               .bucket = budget->bucket,
                               .kind = SHARE_BUDGET,
                               .budget = {.window = share_window_of(&budget->rule),
                                          .amount = budget->rule.amount_nano / SHARE_UNIT_NANO,
                                          .ends_ms = budget->period.end_ms,
                                          .known = !budget->runs}};
    }
}

static void order(struct share_rows *rows)
{
    uint32_t count = 0;

    if (rows->count > 1)
        qsort(rows->rows, rows->count, sizeof(rows->rows[0]), compare);
    for (uint32_t i = 0; i < rows->count; i++) {
        if (count == 0 || rows->rows[count - 1].identity != rows->rows[i].identity)
            rows->rows[count++] = rows->rows[i];
    }
    rows->count = count;
}

void share_rows_follow(struct share_rows *rows, const struct snapshot *snapshot,
                       const struct configure_budgets *budgets, uint64_t now_ms)
{
    struct share_rows before = *rows;
    struct snapshot_table scopes = snapshot_page(snapshot)->scopes;

    rows->rows =
        memory_new_array((size_t)most_rows(snapshot, budgets) + 1, sizeof(rows->rows[0]));
    rows->count = 0;
    for (uint32_t i = 0; i < scopes.count; i++)
        add_limits(rows, snapshot, SNAPSHOT_ROW(snapshot, scopes, i, snapshot_scope));
    add_budgets(rows, budgets);
    order(rows);
    for (uint32_t i = 0; i < rows->count; i++) {
        struct share_row *row = &rows->rows[i];
        const struct share_row *old = share_rows_find(&before, row->identity);

        row->moved_ms = old ? old->moved_ms : now_ms;
        if (row->kind == SHARE_RATE)
            begin_rate(row, bucket_of(rows, row), old);
        else
            begin_budget(row, bucket_of(rows, row), old);
    }
    memory_free(before.rows);
}

/* Of a window the store has what was claimed, whoever hands out the rest: its lease stays. */
void share_rows_release(struct share_rows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++)
        if (!share_row_rolls(&rows->rows[i]))
            atomic_store(&bucket_of(rows, &rows->rows[i])->granted, UINT64_MAX);
    share_rows_done(rows);
}

void share_rows_done(struct share_rows *rows)
{
    memory_free(rows->rows);
    rows->rows = NULL;
    rows->count = 0;
}

/* ---- rates ------------------------------------------------------------------------------- */

#define NEED_MS    100
#define UNUSED_MS  1000
#define IDLE_MS    2000
#define TOP_UP_MS  20
#define HOST_PARTS 8 /* of a budget's rest each host's lease is one */

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t take_wanted(struct bucket *bucket)
{
    return atomic_load(&bucket->wanted) > 0 ? atomic_exchange(&bucket->wanted, 0) : 0;
}

void share_rows_join(struct share_rows *rows, uint64_t now_ms)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        struct share_row *row = &rows->rows[i];
        struct bucket *bucket = bucket_of(rows, row);
        uint64_t total = atomic_load(&bucket->total), used;

        (void)take_wanted(bucket); /* nobody waits so long */
        if (row->kind != SHARE_RATE || atomic_load(&bucket->granted) != UINT64_MAX)
            continue;
        used = above(total, row->rate.away_total);
        row->rate.charge += above(used, row->rate.spare);
        row->rate.total_seen = total;
        row->moved_ms = now_ms;
        atomic_store(&bucket->granted, total + above(row->rate.spare, used));
        row->rate.spare = 0;
    }
}

void share_rows_leave(struct share_rows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        struct share_row *row = &rows->rows[i];
        struct bucket *bucket = bucket_of(rows, row);
        uint64_t granted = atomic_load(&bucket->granted);

        if (row->kind != SHARE_RATE || granted == UINT64_MAX)
            continue;
        row->rate.away_total = atomic_load(&bucket->total);
        row->rate.spare = above(granted, row->rate.away_total);
        atomic_store(&bucket->granted, UINT64_MAX);
    }
}

/* What 100 ms need: the most of lately, forgotten by a quarter each time. */
static void measure(struct share_row *row, uint64_t total, uint64_t now_ms)
{
    struct share_rate *rate = &row->rate;

    if (total != rate->total_seen)
        row->moved_ms = now_ms;
    rate->used += above(total, rate->total_seen);
    rate->total_seen = total;
    if (now_ms - rate->need_ms < NEED_MS)
        return;
    rate->need = most(rate->used, rate->need - rate->need / 4);
    rate->used = 0;
    rate->need_ms = now_ms;
}

bool share_slice_ask(struct share_row *row, struct bucket *bucket, uint32_t hosts,
                     uint64_t now_ms, struct share_slice *ret)
{
    struct share_rate *rate = &row->rate;
    uint64_t total = atomic_load(&bucket->total), granted = atomic_load(&bucket->granted);
    uint64_t wanted = take_wanted(bucket), left = above(granted, total), ahead;

    measure(row, total, now_ms);
    *ret = (struct share_slice){.want = wanted + above(total, granted)};
    if (wanted == 0 && left > 0 && now_ms - row->moved_ms >= UNUSED_MS) {
        atomic_store(&bucket->granted, total);
        ret->back = left;
    } else if (now_ms - row->moved_ms < UNUSED_MS) {
        /* What the others may need is not hoarded. */
        ahead = least(most(rate->need, 1), most(rate->amount / (HOST_PARTS * hosts), 1));
        if (left <= ahead / 2)
            ret->want = most(ret->want, ahead - left);
    }
    ret->want = least(ret->want, most(rate->burst, rate->amount));
    ret->charge = rate->charge;
    rate->charge = 0;
    return ret->want + ret->back + ret->charge > 0;
}

void share_slice_take(struct share_row *row, struct bucket *bucket,
                      const struct share_slice *asked, uint64_t granted)
{
    (void)row;
    if (atomic_load(&bucket->granted) != UINT64_MAX)
        (void)atomic_fetch_add(&bucket->granted, least(granted, asked->want));
}

void share_slice_lost(struct share_row *row, const struct share_slice *asked)
{
    row->rate.charge += above(asked->charge, asked->back);
}

/* ---- budgets ----------------------------------------------------------------------------- */

uint64_t share_lease_grant(uint64_t amount, uint64_t sum, uint64_t need, uint32_t hosts)
{
    uint64_t rest = above(amount, sum), parts = hosts > 1 ? (uint64_t)HOST_PARTS * hosts : 1;

    return least(rest, most(need, rest / parts));
}

void share_lease_end(struct share_row *row, struct bucket *bucket)
{
    uint64_t level = atomic_load(&bucket->level[0]);

    row->budget.tell = true;
    if (level < atomic_load(&bucket->granted))
        atomic_store(&bucket->granted, level);
    atomic_thread_fence(memory_order_seq_cst);
}

void share_rows_shrink(struct share_rows *rows, uint32_t hosts)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        struct share_row *row = &rows->rows[i];
        struct bucket *bucket = bucket_of(rows, row);
        uint64_t level = atomic_load(&bucket->level[0]);
        uint64_t left = above(atomic_load(&bucket->granted), level), fair;

        if (row->kind != SHARE_BUDGET)
            continue;
        fair = (above(row->budget.amount, row->budget.sum) + left / SHARE_UNIT_NANO) /
               ((uint64_t)HOST_PARTS * hosts) * SHARE_UNIT_NANO;
        if (left <= fair)
            continue;
        row->budget.tell = true;
        atomic_store(&bucket->granted, level + fair);
        atomic_thread_fence(memory_order_seq_cst);
    }
}

bool share_lease_ask(struct share_row *row, struct bucket *bucket, bool keep, uint64_t now_ms,
                     struct share_lease *ret)
{
    struct share_budget *budget = &row->budget;
    uint64_t level = atomic_load(&bucket->level[0]), granted = atomic_load(&bucket->granted);
    uint64_t wanted = take_wanted(bucket), left = above(granted, level);

    if (level != budget->level_seen || wanted > 0)
        row->moved_ms = now_ms;
    budget->level_seen = level;
    if (left >= SHARE_UNIT_NANO && !keep && now_ms - row->moved_ms >= IDLE_MS) {
        share_lease_end(row,
                        bucket); /* told at the next time: a worker may be about to reserve */
        return false;
    }
    *ret = (struct share_lease){
        .held = unit(above(most(granted, level), atomic_load(&bucket->level[1]))),
        .need = least(unit(wanted), budget->amount),
        .top_up = left / SHARE_UNIT_NANO <= budget->lease / 2 &&
                  now_ms - row->moved_ms < IDLE_MS && now_ms - budget->asked_ms >= TOP_UP_MS,
    };
    if (!budget->tell && ret->need == 0 && !ret->top_up && level <= granted)
        return false;
    budget->tell = false;
    budget->asked_ms = now_ms;
    return true;
}

void share_lease_take(struct share_row *row, struct bucket *bucket, uint64_t claim)
{
    uint64_t granted = atomic_load(&bucket->level[1]) + claim * SHARE_UNIT_NANO;
    uint64_t before = atomic_load(&bucket->granted);

    if (granted <= before)
        return;
    if (granted - before >= SHARE_UNIT_NANO)
        row->budget.lease = (granted - before) / SHARE_UNIT_NANO;
    atomic_store(&bucket->granted, granted);
}
