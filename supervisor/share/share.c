#include "supervisor/share/share.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/share/share_inside.h"
#include "supervisor/share/window.h"

static void ticked(uv_timer_t *timer)
{
    struct share *share = timer->data;
    uint64_t now_ms = clock_monotonic_ms();

    switch (share->mode) {
    case SHARE_REDIS:
        share_redis_tick(share, now_ms);
        if (share->rows.windows)
            share_store_tick(share, now_ms);
        break;
    case SHARE_STORE: share_store_tick(share, now_ms); break;
    case SHARE_ALONE: break;
    }
}

struct share *share_new(uv_loop_t *loop, struct segment *segment, struct store *store)
{
    struct share *share = MEMORY_NEW(struct share);

    share->loop = loop;
    share->segment = share->rows.segment = segment;
    share->store = store;
    share->hosts = 1;
    share->timer.data = share;
    CHECK(uv_timer_init(loop, &share->timer) == 0);
    return share;
}

void share_set_hosts(struct share *share, uint32_t hosts)
{
    if (hosts > share->hosts)
        share_rows_shrink(&share->rows, hosts);
    share->hosts = hosts > 0 ? hosts : 1;
    atomic_store(segment_sharers(share->segment), share->hosts);
}

/* ---- modes ------------------------------------------------------------------------------- */

/* Each start of a host is a host of its own: what one before held is not this one's. */
static void name_host(struct share *share, const struct snapshot *snapshot)
{
    const struct snapshot_header_page *page = snapshot_page(snapshot);
    struct span name = snapshot_span(snapshot, page->host_name);

    share->base_len =
        (unsigned)snprintf(share->host, sizeof(share->host), "%.*s/%08x/",
                           (int)(name.len < 64 ? name.len : 64), name.len > 0 ? name.ptr : "",
                           (unsigned)hash_fast(snapshot_span(snapshot, page->state_dir)));
    (void)snprintf(share->host + share->base_len, sizeof(share->host) - share->base_len, "%llx",
                   (unsigned long long)segment_made_ms(share->segment));
    for (char *at = share->host; *at; at++)
        if (*at <= ' ')
            *at = '_';
}

static void leave_mode(struct share *share)
{
    if (share->mode == SHARE_REDIS)
        share_redis_end(share);
    (void)uv_timer_stop(&share->timer);
    share_rows_release(&share->rows);
    share_set_hosts(share, 1);
    share->mode = SHARE_ALONE;
    memory_free(share->url);
    share->url = NULL;
}

static void enter_mode(struct share *share, enum share_mode mode, struct span url)
{
    share->mode = mode;
    if (mode == SHARE_ALONE)
        return;
    if (mode == SHARE_REDIS) {
        share->url = memory_new(url.len + 1);
        memcpy(share->url, url.ptr, url.len);
        share_redis_begin(share);
    }
    share->answered_ms = clock_monotonic_ms();
    CHECK(uv_timer_start(&share->timer, ticked, 0, SHARE_TICK_MS) == 0);
}

static void choose_mode(struct share *share, const struct settings *settings)
{
    struct span url = secret_reveal(settings->redis.value);
    enum share_mode mode =
        strcmp(store_kind(share->store), "postgresql") == 0 ? SHARE_STORE : SHARE_ALONE;

    if (url.ptr && redis_there())
        mode = SHARE_REDIS;
    else if (url.ptr)
        log_note(LOG_WARNING, "this build has no Redis: rates are not shared through it");
    if (mode == share->mode && (mode != SHARE_REDIS || span_eq(url, span_of_text(share->url))))
        return;
    leave_mode(share);
    enter_mode(share, mode, url);
}

void share_follow(struct share *share, const struct settings *settings,
                  const struct snapshot *snapshot, const struct configure_budgets *budgets)
{
    if (share->ending)
        return;
    name_host(share, snapshot);
    choose_mode(share, settings);
    if (share->mode == SHARE_ALONE)
        return;
    share->rows.windows = strcmp(store_kind(share->store), "postgresql") == 0;
    share_rows_follow(&share->rows, snapshot, budgets, clock_monotonic_ms());
    for (uint32_t i = 0; i < share->rows.count; i++)
        share->wants_spent = share->wants_spent || (share->rows.rows[i].kind == SHARE_BUDGET &&
                                                    !share->rows.rows[i].budget.known);
    if (share->joined)
        share_rows_join(&share->rows, clock_monotonic_ms());
}

int64_t share_begun_ms(const struct share *share, uint64_t identity)
{
    const struct share_row *row = share_rows_find(&share->rows, identity);

    return row && share_row_rolls(row) ? row->budget.window.begun_ms : -1;
}

/* The answer to a question that was asked before it was known when the window was begun says
 * nothing. What all claim is asked anew, since some of it may have left. */
static void window_spent(struct share_row *row, const struct share_ledger *ledger)
{
    struct share_budget *budget = &row->budget;

    if (budget->window.begun_ms == 0 || ledger->begun_ms != budget->window.begun_ms)
        return;
    budget->floor = ledger->spent_nano / SHARE_UNIT_NANO;
    budget->history = ledger->history_nano / SHARE_UNIT_NANO;
    budget->tell = budget->tell || !budget->known || budget->sum > 0;
    budget->known = true;
}

bool share_spent(struct share *share, uint64_t identity, const struct share_ledger *ledger)
{
    struct share_row *row = share_rows_find(&share->rows, identity);
    uint64_t spent = ledger->spent_nano / SHARE_UNIT_NANO;

    if (!row || row->kind != SHARE_BUDGET)
        return false;
    if (share_row_rolls(row)) {
        window_spent(row, ledger);
        return true;
    }
    row->budget.tell = row->budget.tell || !row->budget.known;
    row->budget.known = true;
    if (spent > row->budget.floor) {
        row->budget.floor = spent;
        row->budget.tell = row->budget.tell || spent > row->budget.sum;
    }
    return true;
}

bool share_wants_spent(struct share *share)
{
    bool wants = share->wants_spent;

    share->wants_spent = false;
    return wants;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

struct share_standing share_standing(const struct share *share, struct bucket *bucket,
                                     uint64_t identity)
{
    const struct share_row *row = share_rows_find(&share->rows, identity);
    uint64_t here = atomic_load(&bucket->total), spent;

    if (!row || row->kind != SHARE_BUDGET)
        return (struct share_standing){here, atomic_load(&bucket->level[0])};
    spent = row->budget.floor * SHARE_UNIT_NANO;
    if (!share_row_rolls(row)) /* else what was spent here goes on for ever */
        spent = most(spent, here);
    return (struct share_standing){spent, most(row->budget.sum * SHARE_UNIT_NANO, spent)};
}

/* ---- what is asked ----------------------------------------------------------------------- */

/* Of a window that is not known yet, when it was begun. */
static bool ask_window(const struct share *share, struct share_row *row, struct bucket *bucket,
                       uint64_t now_ms, struct share_question *ret)
{
    struct share_window *window = &row->budget.window;
    uint64_t step;

    ret->learns = window->begun_ms == 0;
    if (ret->learns && row->budget.tell) {
        row->budget.tell = false;
        return true;
    }
    if (!row->budget.known)
        return false;
    step = share_window_step(window, share->job.ahead_ms + (int64_t)now_ms);
    share_window_turn(row, bucket, step);
    if (!share_lease_ask(row, bucket, share->hosts == 1 && !share->ending, now_ms, &ret->lease))
        return false;
    share_window_divide(row, bucket, step, &ret->lease);
    return true;
}

static bool ask_row(struct share *share, struct share_row *row, uint64_t now_ms,
                    struct share_question *ret)
{
    struct bucket *bucket = segment_bucket(share->segment, row->bucket);
    bool keep = share->mode == SHARE_STORE && share->hosts == 1 && !share->ending;

    *ret = (struct share_question){.identity = row->identity, .kind = row->kind};
    if (atomic_load(&bucket->identity) != row->identity)
        return false;
    if (row->kind == SHARE_RATE)
        return share_slice_ask(row, bucket, share->hosts, now_ms, &ret->slice);
    if (share_row_rolls(row))
        return ask_window(share, row, bucket, now_ms, ret);
    ret->settles = row->budget.known && row->budget.heir;
    return share_lease_ask(row, bucket, keep, now_ms, &ret->lease);
}

static bool is_of_store(const struct share *share, const struct share_row *row)
{
    return row->kind == SHARE_BUDGET && (share->mode == SHARE_STORE || share_row_rolls(row));
}

/* A host that ends tells and gives back. What it was granted would be lost to the others; and
 * as it is no host any more, it might be granted all that is left. */
static void ask_nothing(struct share_question *question)
{
    if (question->kind == SHARE_RATE) {
        question->slice.want = 0;
    } else {
        question->lease.need = 0;
        question->lease.top_up = false;
    }
}

unsigned share_gather(struct share *share, bool of_store, uint32_t *cursor,
                      struct share_question *questions, uint64_t now_ms)
{
    uint32_t count = share->rows.count;
    unsigned found = 0;

    for (uint32_t i = 0; i < count && found < SHARE_BATCH; i++) {
        struct share_row *row = &share->rows.rows[(*cursor)++ % count];

        if (is_of_store(share, row) != of_store ||
            !ask_row(share, row, now_ms, &questions[found]))
            continue;
        if (share->ending)
            ask_nothing(&questions[found]);
        found++;
    }
    *cursor = count > 0 ? *cursor % count : 0;
    return found;
}

/* ---- the end, and what is told ----------------------------------------------------------- */

void share_end(struct share *share)
{
    if (share->ending)
        return;
    share->ending = true;
    for (uint32_t i = 0; i < share->rows.count; i++) {
        struct share_row *row = &share->rows.rows[i];

        if (row->kind == SHARE_BUDGET)
            share_lease_end(row, segment_bucket(share->segment, row->bucket));
    }
    share->beat_ms = 0;
    ticked(&share->timer);
}

bool share_busy(const struct share *share)
{
    return share->job.running;
}

void share_free(struct share *share)
{
    (void)uv_timer_stop(&share->timer);
    if (share->mode == SHARE_REDIS)
        share_redis_end(share);
    share_rows_done(&share->rows);
    memory_free(share->url);
    memory_free(share->job.rows);
    memory_free(share);
}

void share_status(const struct share *share, struct share_status *ret)
{
    static const char *const modes[] = {"alone", "redis", "postgresql"};
    uint64_t silent_ms = clock_monotonic_ms() - share->answered_ms;
    bool away = share->mode == SHARE_REDIS   ? !share->joined
                : share->mode == SHARE_STORE ? silent_ms > SHARE_DEAD_MS
                                             : false;

    *ret = (struct share_status){
        .mode = span_of_text(modes[share->mode]),
        .state = away ? SPAN("away") : SPAN("answers"),
        .epoch = share->epoch[0] ? span_of_text(share->epoch) : SPAN_NONE,
        .trouble = share->redis && away ? redis_trouble(share->redis) : SPAN_NONE,
        .hosts = share->hosts,
        .breaker_open = share->breaker.open || share->job.breaker.open,
        .round_trip_us = share->round_trip_us,
        .failures = share->failures,
    };
    for (uint32_t i = 0; i < share->rows.count; i++) {
        ret->rates += share->rows.rows[i].kind == SHARE_RATE;
        ret->budgets += share->rows.rows[i].kind == SHARE_BUDGET;
    }
}
