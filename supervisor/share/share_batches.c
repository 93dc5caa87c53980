/* Rates and budgets through Redis. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/share/share_inside.h"

#define NUMBER_BYTES 24
#define TEXTS        24
#define BEAT_TAG     SHARE_BATCH

/* ---- texts of a question ----------------------------------------------------------------- */

struct texts {
    struct span values[TEXTS];
    char numbers[TEXTS][NUMBER_BYTES];
    unsigned count;
};

static void add_text(struct texts *texts, struct span text)
{
    CHECK(texts->count < TEXTS);
    texts->values[texts->count++] = text;
}

static void add_number(struct texts *texts, uint64_t number)
{
    char *to = texts->numbers[texts->count];
    int len = snprintf(to, NUMBER_BYTES, "%llu", (unsigned long long)number);

    add_text(texts, span_of(to, (size_t)len));
}

/* The braces keep what belongs together in one slot of a cluster. */
static void add_key(struct texts *texts, uint64_t identity, const char *end)
{
    char *to = texts->numbers[texts->count];
    int len = snprintf(to, NUMBER_BYTES, "{%016llx}:%s", (unsigned long long)identity, end);

    add_text(texts, span_of(to, (size_t)len));
}

/* ---- questions --------------------------------------------------------------------------- */

static void ask_hosts(struct share *share)
{
    struct texts texts = {.count = 0};

    add_text(&texts, SPAN("{aigw}:hosts"));
    add_text(&texts, SPAN("{aigw}:epoch"));
    add_text(&texts, span_of_text(share->host));
    add_number(&texts, SHARE_DEAD_MS);
    add_number(&texts, (uint64_t)clock_wall_ms());
    add_number(&texts, share->ending);
    redis_ask(share->redis, BEAT_TAG, SCRIPT_HOSTS, texts.values, texts.count, 2);
}

static void ask_rate(struct share *share, unsigned tag, const struct share_row *row)
{
    const struct share_slice *slice = &share->batch.questions[tag].slice;
    const struct share_rate *rate = &row->rate;
    struct texts texts = {.count = 0};

    add_key(&texts, row->identity, "r");
    add_number(&texts, rate->algorithm == LIMIT_ALGORITHM_sliding_window);
    add_number(&texts, rate->amount);
    add_number(&texts, rate->burst);
    add_number(&texts, rate->window_ms);
    add_number(&texts, slice->want);
    add_number(&texts, slice->back);
    add_number(&texts, slice->charge);
    add_text(&texts, span_of_text(rate->memory));
    redis_ask(share->redis, tag, SCRIPT_RATE, texts.values, texts.count, 1);
}

static void ask_budget(struct share *share, unsigned tag, const struct share_row *row)
{
    const struct share_lease *lease = &share->batch.questions[tag].lease;
    const struct share_budget *budget = &row->budget;
    struct texts texts = {.count = 0};
    bool ends = budget->ends_ms < INT64_MAX;

    add_key(&texts, row->identity, "b");
    add_text(&texts, span_of_text(share->host));
    add_number(&texts, ++share->sequence);
    add_number(&texts, lease->held);
    add_number(&texts, share->ending ? 0 : lease->need);
    add_number(&texts, !share->ending && lease->top_up);
    add_number(&texts, budget->amount);
    add_number(&texts, share->hosts);
    add_number(&texts, budget->claim);
    add_number(&texts, budget->sum);
    add_number(&texts, budget->version);
    add_text(&texts, span_of_text(budget->lineage));
    add_number(&texts, budget->floor);
    add_number(&texts, (uint64_t)share->epoch_ms);
    add_number(&texts, SHARE_PAUSE_MS);
    add_number(&texts, ends ? (uint64_t)budget->ends_ms + 25 * 3600 * 1000ULL : 0);
    add_number(&texts, budget->known);
    add_text(&texts, budget->known && budget->heir ? share_base(share) : SPAN_NONE);
    redis_ask(share->redis, tag, SCRIPT_BUDGET, texts.values, texts.count, 1);
}

/* ---- answers ----------------------------------------------------------------------------- */

static bool copy_text(char *to, size_t size, struct span text)
{
    if (text.len >= size)
        return false;
    memcpy(to, text.ptr, text.len);
    to[text.len] = '\0';
    return true;
}

/* Of another epoch: all that was there is gone, or may be. */
static void take_epoch(struct share *share, struct span name, uint64_t began_ms)
{
    if (span_eq(name, span_of_text(share->epoch)) && share->epoch_ms == (int64_t)began_ms)
        return;
    if (share->epoch[0])
        log_note(LOG_WARNING, "Redis has lost its data: shared counters are made anew");
    (void)copy_text(share->epoch, sizeof(share->epoch), name);
    share->epoch_ms = (int64_t)began_ms;
    for (uint32_t i = 0; i < share->rows.count; i++)
        if (share->rows.rows[i].kind == SHARE_BUDGET)
            share->rows.rows[i].budget.tell = true;
}

static bool take_hosts(struct share *share, const struct span *values, unsigned count)
{
    uint64_t hosts, began_ms;

    if (count != 3 || !span_read_u64(values[0], &hosts) || !span_read_u64(values[2], &began_ms))
        return false;
    share_set_hosts(share, hosts < UINT32_MAX ? (uint32_t)hosts : 1);
    take_epoch(share, values[1], began_ms);
    return true;
}

static bool take_rate(struct share *share, const struct share_question *question,
                      const struct span *values, unsigned count)
{
    struct share_row *row = share_rows_find(&share->rows, question->identity);
    uint64_t granted;

    if (!row || row->kind != SHARE_RATE)
        return true;
    if (count != 2 || !span_read_u64(values[0], &granted) ||
        !copy_text(row->rate.memory, sizeof(row->rate.memory), values[1])) {
        share_slice_lost(row, &question->slice);
        return false;
    }
    share_slice_take(row, segment_bucket(share->segment, row->bucket), &question->slice,
                     granted);
    return true;
}

static bool take_budget(struct share *share, const struct share_question *question,
                        const struct span *values, unsigned count)
{
    struct share_row *row = share_rows_find(&share->rows, question->identity);
    uint64_t claim, sum, version;

    if (!row || row->kind != SHARE_BUDGET)
        return true;
    if (count != 5 || !span_read_u64(values[0], &claim) || !span_read_u64(values[1], &sum) ||
        !span_read_u64(values[2], &version) ||
        !copy_text(row->budget.lineage, sizeof(row->budget.lineage), values[3])) {
        row->budget.tell = true;
        return false;
    }
    row->budget.claim = claim;
    row->budget.sum = sum;
    row->budget.version = version;
    row->budget.heir = row->budget.heir && !question->settles;
    if (!share->ending)
        share_lease_take(row, segment_bucket(share->segment, row->bucket), claim);
    return true;
}

static void tell_back(struct share *share)
{
    log_event(LOG_INFO, "Redis answers again: counters are shared",
              LOG_NUMBER_FIELD("hosts", share->hosts));
}

static void batch_ended(struct share *share)
{
    uint64_t now_us = clock_monotonic_ns() / 1000;

    if (share->batch.lost)
        return; /* the tick counts it */
    share->round_trip_us = now_us - share->batch.sent_us;
    share->answered_ms = now_us / 1000;
    if (breaker_worked(&share->breaker))
        tell_back(share);
    if (!share->joined) {
        share->joined = true;
        share_rows_join(&share->rows, share->answered_ms);
    }
}

static void answer_came(void *who, unsigned tag, const struct span *values, unsigned count)
{
    struct share *share = who;
    struct share_batch *batch = &share->batch;
    bool good;

    if (batch->open == 0)
        return;
    if (tag == BEAT_TAG)
        good = take_hosts(share, values, count);
    else if (batch->questions[tag].kind == SHARE_RATE)
        good = take_rate(share, &batch->questions[tag], values, count);
    else
        good = take_budget(share, &batch->questions[tag], values, count);
    batch->lost = batch->lost || !good;
    if (--batch->open == 0)
        batch_ended(share);
}

/* ---- time -------------------------------------------------------------------------------- */

/* While the breaker is open, whether Redis is there at all is the one thing asked. */
static void ask(struct share *share, uint64_t now_ms)
{
    struct share_batch *batch = &share->batch;

    batch->beats = now_ms - share->beat_ms >= SHARE_BEAT_MS || !share->joined;
    batch->lost = false;
    batch->count = 0;
    if (share->joined)
        batch->count = share_gather(share, false, &share->cursor, batch->questions, now_ms);
    batch->open = batch->count + batch->beats;
    batch->sent_us = clock_monotonic_ns() / 1000;
    if (batch->beats) {
        share->beat_ms = now_ms;
        ask_hosts(share);
    }
    for (unsigned i = 0; i < batch->count; i++) {
        const struct share_row *row =
            share_rows_find(&share->rows, batch->questions[i].identity);

        if (row->kind == SHARE_RATE)
            ask_rate(share, i, row);
        else
            ask_budget(share, i, row);
    }
}

static void failed(struct share *share, uint64_t now_ms)
{
    redis_drop(share->redis);
    share->batch.open = 0;
    share->batch.lost = false;
    share->opened = false;
    share->failures++;
    if (share->joined)
        share_rows_leave(&share->rows);
    share->joined = false;
    if (breaker_failed(&share->breaker, now_ms))
        log_event(LOG_WARNING,
                  "Redis does not answer: each host has its part of the rates, and the leases "
                  "of budgets that it has",
                  LOG_NUMBER_FIELD("hosts", share->hosts),
                  LOG_TEXT_FIELD("why", redis_trouble(share->redis)));
}

static bool overdue(const struct share *share, uint64_t now_ms)
{
    if (!share->opened)
        return false;
    if (share->batch.lost)
        return true;
    switch (redis_state(share->redis)) {
    case REDIS_LINK_CLOSED: return true;
    case REDIS_LINK_OPENING: return now_ms - share->opened_ms > SHARE_OPEN_MS;
    case REDIS_LINK_OPEN:
        return share->batch.open > 0 && now_ms - share->batch.sent_us / 1000 > SHARE_ANSWER_MS;
    }
    return true;
}

void share_redis_tick(struct share *share, uint64_t now_ms)
{
    if (overdue(share, now_ms))
        failed(share, now_ms);
    if (!share->opened && breaker_may_ask(&share->breaker, now_ms)) {
        share->opened = true;
        share->opened_ms = now_ms;
        redis_open(share->redis, span_of_text(share->url));
    }
    if (redis_state(share->redis) == REDIS_LINK_OPEN && share->batch.open == 0 &&
        !share->batch.lost)
        ask(share, now_ms);
}

void share_redis_begin(struct share *share)
{
    share->redis = redis_new(share->loop, &(struct redis_user){.answer = answer_came,
                                                               .who = share,
                                                               .scripts = script_texts,
                                                               .script_count = SCRIPT_COUNT});
    share->breaker = (struct breaker){0};
    share->opened = share->joined = false;
    share->epoch[0] = '\0';
    /* Above all of a controller before us: the clock of the machine never goes back while it
     * runs, and a host is one start of one machine. */
    share->sequence = clock_monotonic_ns() / 1000;
}

void share_redis_end(struct share *share)
{
    share->batch.open = 0;
    redis_free(share->redis);
    share->redis = NULL;
    memory_wipe(share->url, strlen(share->url));
}
