/* Budgets through the store: one transaction for all leases that are needed, on the pool. */
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/share/share_inside.h"
#include "supervisor/share/window.h"

#define STORE_BEAT_MS  1000
#define STORE_PAUSE_MS 500 /* after a failure */

static void run(uv_work_t *work)
{
    struct share *share = work->data;
    struct share_job *job = &share->job;
    struct span host = span_of_text(share->host);
    int64_t hosts;

    if (job->beats) {
        hosts = leases_beat(share->store, host, share->ending);
        job->result = hosts < 0 ? (int)hosts : 0;
        job->hosts = hosts > 0 ? (uint32_t)hosts : 1;
    }
    if (job->result == 0 && job->count > 0)
        job->result = leases_ask(share->store, host, job->hosts, job->rows, job->count);
}

/* When the window was begun: then the ledger can say what was spent before. */
static void take_begin(struct share *share, struct share_row *row,
                       const struct share_lease_row *answer)
{
    row->budget.window.begun_ms = answer->window.begun_ms;
    row->budget.window.step = answer->window.step;
    share->wants_spent = true;
}

static void take(struct share *share, const struct share_lease_row *answer)
{
    struct share_row *row = share_rows_find(&share->rows, answer->identity);
    bool rolls = answer->window.length_ms > 0;

    if (!row || row->kind != SHARE_BUDGET || (!rolls && share->mode != SHARE_STORE))
        return;
    if (share->job.result < 0) {
        row->budget.tell = true;
        return;
    }
    if (rolls)
        share->job.ahead_ms = answer->store_ms - (int64_t)clock_monotonic_ms();
    if (answer->learns) {
        take_begin(share, row, answer);
        return;
    }
    if (rolls)
        share_window_told(row, segment_bucket(share->segment, row->bucket), &answer->ask);
    row->budget.claim = answer->claim;
    row->budget.sum = answer->sum;
    row->budget.heir = row->budget.heir && !answer->base.ptr;
    if (!share->ending)
        share_lease_take(row, segment_bucket(share->segment, row->bucket), answer->claim);
}

static void ended(uv_work_t *work, int status)
{
    struct share *share = work->data;
    struct share_job *job = &share->job;
    uint64_t now_us = clock_monotonic_ns() / 1000;

    (void)status;
    job->running = false;
    if (share->mode == SHARE_ALONE)
        return;
    for (unsigned i = 0; i < job->count; i++)
        take(share, &job->rows[i]);
    if (job->result < 0) {
        share->failures++;
        job->paused_ms = now_us / 1000 + STORE_PAUSE_MS;
        if (breaker_failed(&job->breaker, now_us / 1000))
            log_note(LOG_WARNING, "the store hands out no leases: budgets have those that are "
                                  "in hand");
        return;
    }
    if (breaker_worked(&job->breaker))
        log_note(LOG_INFO, "the store hands out leases again");
    if (share->mode != SHARE_STORE)
        return;
    share->answered_ms = now_us / 1000;
    share->round_trip_us = now_us - job->sent_us;
    if (job->beats)
        share_set_hosts(share, job->hosts);
}

/* In the order of the budgets, so that two hosts never wait for one another. */
static int compare(const void *left, const void *right)
{
    const struct share_lease_row *a = left, *b = right;

    return (a->identity > b->identity) - (a->identity < b->identity);
}

static void fill(struct share *share, const struct share_question *questions, unsigned count)
{
    struct share_job *job = &share->job;

    if (!job->rows)
        job->rows = memory_new_array(SHARE_BATCH, sizeof(job->rows[0]));
    job->count = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct share_question *question = &questions[i];
        struct share_row *row = share_rows_find(&share->rows, question->identity);

        if (!row->budget.known && !question->learns) /* share_spent will have it told */
            continue;
        job->rows[job->count++] =
            (struct share_lease_row){.identity = row->identity,
                                     .amount = row->budget.amount,
                                     .floor = row->budget.floor,
                                     .ends_ms = row->budget.ends_ms,
                                     .base = row->budget.heir ? share_base(share) : SPAN_NONE,
                                     .ask = question->lease,
                                     .window = row->budget.window,
                                     .learns = question->learns,
                                     .history = row->budget.history};
    }
    qsort(job->rows, job->count, sizeof(job->rows[0]), compare);
}

void share_store_tick(struct share *share, uint64_t now_ms)
{
    struct share_question questions[SHARE_BATCH];
    struct share_job *job = &share->job;
    unsigned count;

    if (job->running || (now_ms < job->paused_ms && !share->ending))
        return;
    job->beats = share->mode == SHARE_STORE && now_ms - share->beat_ms >= STORE_BEAT_MS;
    count = share_gather(share, true, &job->cursor, questions, now_ms);
    if (!job->beats && count == 0)
        return;
    if (job->beats)
        share->beat_ms = now_ms;
    fill(share, questions, count);
    job->hosts = share->hosts;
    job->result = 0;
    job->running = true;
    job->work.data = share;
    job->sent_us = clock_monotonic_ns() / 1000;
    CHECK(uv_queue_work(share->loop, &job->work, run, ended) == 0);
}
