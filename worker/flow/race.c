#include "worker/flow/race.h"

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/route/pace.h"
#include "shared/route/starts.h"

#include "worker/flow/gather.h"
#include "worker/flow/proof.h"
#include "worker/flow/relay_inside.h"
#include "worker/worker.h"

static const struct call_events race_events;

static struct attempt *attempt_of(struct call *call)
{
    struct attempt *attempt =
        (struct attempt *)(void *)((char *)call - offsetof(struct attempt, call));

    CHECK(attempt->exchange->magic == EXCHANGE_MAGIC && attempt->exchange->race);
    return attempt;
}

/* ---- what is held ------------------------------------------------------------------------ */

static const struct snapshot_attempts *rules(const struct exchange *x)
{
    return &x->view->page->attempts;
}

static bool has_content(const struct exchange *x)
{
    enum operation_kind kind = (enum operation_kind)operation_row(x->head.operation)->kind;

    return kind != OPERATION_KIND_COUNT;
}

/* NULL: no second attempt. */
static const struct snapshot_hedge *hedge_of(const struct exchange *x)
{
    return has_content(x) ? x->plan->hedge : NULL;
}

static struct start_times *starts_of(const struct exchange *x)
{
    return segment_starts(x->worker->segment, x->plan->hedge->starts - 1);
}

static enum start_form form_of(const struct exchange *x)
{
    return x->ask.stream ? START_STREAM : START_WHOLE;
}

static bool holds_stream(const struct exchange *x)
{
    return x->ask.stream && rules(x)->precommit_ms > 0 && attempts_may_follow(x);
}

/* As long as a stream may be silent, where an answer is waited for that could be overtaken. */
static uint32_t hold_ms(const struct exchange *x)
{
    return hedge_of(x) ? STREAM_QUIET_MS : rules(x)->precommit_ms;
}

/* ---- the end of a race ------------------------------------------------------------------- */

static struct attempt *other_than(const struct attempt *attempt)
{
    const struct exchange *x = attempt->exchange;

    return x->current == attempt ? x->race->rival : x->current;
}

static void let_go(struct attempt *attempt)
{
    if (attempt->proof)
        reactor_disarm(&attempt->exchange->worker->reactor, &attempt->proof->deadline);
    attempt->proof = NULL;
}

static uint16_t status_of(const struct attempt *attempt)
{
    return attempt->proof ? attempt->proof->head.status : 0;
}

/* Of its provider's limits; the money is the exchange's. */
static struct claim_counts used_by(struct exchange *x, bool asked)
{
    uint64_t input = asked ? x->limits.expected.input : 0;

    return (struct claim_counts){
        .units = {[LIMIT_UNIT_requests] = 1,
                  [LIMIT_UNIT_concurrent] = 1,
                  [LIMIT_UNIT_input_tokens] = input,
                  [LIMIT_UNIT_total_tokens] = input},
        .cost_nano = asked ? limits_cost(x, exchange_target(x)->price, input, 0) : 0};
}

/* ATTEMPT is overtaken, or nobody waits any more. One that was waited for too long is as slow
 * as that at least. */
static void lose(struct attempt *attempt)
{
    struct exchange *x = attempt->exchange;
    struct attempt *stays = other_than(attempt);
    uint64_t us = (clock_monotonic_ns() - attempt->sent_ns) / 1000;
    struct claim_counts used;

    x->current = attempt;
    used = used_by(x, true);
    x->race->lost = (struct lost){.there = true,
                                  .hedge = attempt->hedges,
                                  .target = attempt->target,
                                  .status = status_of(attempt),
                                  .provider_dialect = attempt->provider_dialect,
                                  .ms = us / 1000};
    if (!attempt->hedges) {
        starts_note(starts_of(x), form_of(x), us);
        pace_note_first(
            segment_pace(x->worker->segment, exchange_target(x)->provider->health_row), us,
            reactor_now_ms(&x->worker->reactor));
    }
    relay_abandon(x, FAULT_client_gone); /* says nothing of the account */
    limits_end_beside(x, !attempt->hedges, &used);
    let_go(attempt);
    x->current = stays;
    x->race->rival = NULL;
}

/* ATTEMPT failed, and the other one goes on. */
static void drop_out(struct attempt *attempt, enum fault fault, uint16_t status)
{
    struct exchange *x = attempt->exchange;
    struct attempt *stays = other_than(attempt);
    struct claim_counts used = used_by(x, false);

    x->current = attempt;
    x->answer.upstream_status = status;
    account_try(x, fault);
    credentials_note(x, fault);
    attempts_note(x, fault);
    relay_attempt_ended(x, fault);
    call_cancel(&attempt->call);
    limits_end_beside(x, !attempt->hedges, &used);
    let_go(attempt);
    x->answer.upstream_status = 0;
    x->current = stays;
    x->race->rival = NULL;
}

/* From now on ATTEMPT is the only one, and the relay gets its events. */
static void hand_on(struct attempt *attempt)
{
    struct exchange *x = attempt->exchange;
    struct attempt *other = other_than(attempt);

    alarm_clear(&x->race->after);
    if (other) {
        lose(other);
        if (attempt->hedges)
            metric_add(x->worker->metrics, METRIC_hedges_won_total, 1);
    }
    CHECK(x->current == attempt);
    let_go(attempt);
    attempt->call.events = &relay_events;
}

void race_cancel(struct exchange *x)
{
    struct race *race = x->race;

    if (!race)
        return;
    alarm_clear(&race->after);
    if (race->rival)
        lose(race->rival);
    let_go(x->current);
}

/* ---- the second attempt ------------------------------------------------------------------ */

/* Should this worker die, what both may cost is found in its place. */
static void note_both(struct exchange *x)
{
    struct inflight *row = x->ticket.row;

    row->reserved_nano = claims_reserved_nano(&x->limits.claims);
    row->estimated_input_tokens = 2 * x->limits.expected.input;
}

/* The current attempt, which has a target and nothing else. */
static bool send_beside(struct exchange *x)
{
    if (gather_wanted(x) || !limits_take_hedge(x))
        return false;
    note_both(x);
    if (outgoing_make(x) == FAULT_NONE && flow_call(x, &race_events))
        return true;
    limits_return_hedge(x);
    note_both(x);
    return false;
}

static struct attempt *rival_at(struct exchange *x, unsigned target)
{
    struct attempt *rival = ARENA_NEW(&x->arena, struct attempt);

    rival->exchange = x;
    rival->target = target;
    rival->hedges = true;
    rival->since_ns = x->current->since_ns;
    return rival;
}

/* False: there is no room for it anywhere. */
static bool hedge(struct exchange *x)
{
    unsigned target = attempts_beside(x, x->plan->hedge->same_account != 0);
    struct attempt *first = x->current;
    bool sent;

    if (target >= x->plan->count || x->gather || facts_bound(x) || !starts_pay(starts_of(x)))
        return false;
    x->current = rival_at(x, target);
    sent = send_beside(x);
    x->race->rival = sent ? x->current : NULL;
    x->current = first;
    if (!sent) { /* nothing of the trial counts */
        x->fault = FAULT_NONE;
        x->complaint = NULL;
        x->detail = SPAN_NONE;
        starts_give_back(starts_of(x));
    }
    return sent;
}

static void send_rival(struct alarm *alarm)
{
    struct race *race = (struct race *)(void *)((char *)alarm - offsetof(struct race, after));
    struct exchange *x = race->exchange;

    CHECK(!race->rival && x->current->calling);
    race->hedged = true;
    metric_add(x->worker->metrics, hedge(x) ? METRIC_hedges_total : METRIC_hedges_refused_total,
               1);
}

/* ---- events of held attempts --------------------------------------------------------------
 */

/* Held for long enough: it goes on as it is, and its silence counts from its beginning. */
static void hold_passed(struct deadline *deadline)
{
    struct proof *proof =
        (struct proof *)(void *)((char *)deadline - offsetof(struct proof, deadline));
    struct exchange *x = proof->attempt->exchange;
    uint64_t held_ms = (clock_monotonic_ns() - proof->attempt->head_ns) / 1000000;

    hand_on(proof->attempt);
    if (!relay_adopt(x, &proof->head, buffer_span(&proof->held)))
        return;
    relay_turn(x, false);
    if (!x->answer.stream || proof->held.len > 0)
        return;
    x->flushed_ms -= held_ms < x->flushed_ms ? held_ms : x->flushed_ms;
    reactor_arm(&x->worker->reactor, &x->quiet,
                held_ms < STREAM_QUIET_MS ? STREAM_QUIET_MS - held_ms : 1);
}

static enum fault fault_of(const struct http_head *head)
{
    enum fault fault = attempts_fault(head->status);

    if (fault || head->status < 400)
        return fault ? fault : FAULT_bad_answer;
    return FAULT_provider_refused;
}

static void note_head(struct attempt *attempt, const struct http_head *head)
{
    struct exchange *x = attempt->exchange;
    struct attempt *now = x->current;

    x->current = attempt;
    relay_note_head(x, head);
    x->current = now;
}

static void answered(struct call *call, const struct http_head *head)
{
    struct attempt *attempt = attempt_of(call);
    struct exchange *x = attempt->exchange;
    bool stream, good = relay_head_is_good(head, &stream);

    note_head(attempt, head);
    if (!good && x->race->rival) {
        drop_out(attempt, fault_of(head), head->status);
    } else if (!good || (!stream && !hedge_of(x))) {
        hand_on(attempt);
        (void)relay_adopt(x, head, SPAN_NONE);
    } else {
        attempt->proof = proof_new(attempt, head, stream, rules(x)->precommit_events);
        attempt->proof->deadline.passed = hold_passed;
        reactor_arm(&x->worker->reactor, &attempt->proof->deadline, hold_ms(x));
    }
}

/* What it began with was an error. */
static void broke(struct attempt *attempt)
{
    struct exchange *x = attempt->exchange;
    struct proof *proof = attempt->proof;
    enum fault fault =
        proof->complaint ? complaint_fault(proof->complaint) : FAULT_provider_error;

    if (x->race->rival) {
        drop_out(attempt, fault, proof->head.status);
        return;
    }
    hand_on(attempt);
    if (!proof->complaint) { /* of a whole answer: it is not all here */
        (void)relay_adopt(x, &proof->head, buffer_span(&proof->held));
        return;
    }
    metric_add(x->worker->metrics, METRIC_precommit_broken_total, 1);
    x->answer.upstream_status = proof->head.status;
    x->complaint = proof->complaint;
    relay_note_refusal(x);
    relay_cancel(x, fault);
}

static void note_start(struct attempt *attempt)
{
    struct exchange *x = attempt->exchange;

    if (hedge_of(x))
        starts_note(starts_of(x), form_of(x), (clock_monotonic_ns() - attempt->sent_ns) / 1000);
}

static void body(struct call *call, struct span bytes)
{
    struct attempt *attempt = attempt_of(call);
    struct proof *proof = attempt->proof;

    CHECK(proof);
    proof_take(proof, bytes);
    if (proof->broken) {
        broke(attempt);
    } else if (proof->alive) {
        note_start(attempt);
        hand_on(attempt);
        (void)relay_adopt(attempt->exchange, &proof->head, buffer_span(&proof->held));
    }
}

static void turn(struct call *call)
{
    CHECK(attempt_of(call)->proof); /* it is held */
}

/* It ended before it was alive. */
static void done(struct call *call)
{
    struct attempt *attempt = attempt_of(call);
    struct exchange *x = attempt->exchange;
    struct proof *proof = attempt->proof;

    CHECK(proof);
    if (x->race->rival) {
        drop_out(attempt, FAULT_bad_answer, proof->head.status);
        return;
    }
    hand_on(attempt);
    if (proof->stream && !sse_rest_is_whole(sse_rest(&proof->framer))) {
        metric_add(x->worker->metrics, METRIC_precommit_broken_total, 1);
        x->answer.upstream_status = proof->head.status;
        x->detail = SPAN("the stream ended before it said anything");
        relay_give_up(x, FAULT_answer_cut);
        return;
    }
    if (relay_adopt(x, &proof->head, buffer_span(&proof->held)))
        relay_events.done(call);
}

static void failed(struct call *call, enum fault fault, const char *why)
{
    struct attempt *attempt = attempt_of(call);
    struct exchange *x = attempt->exchange;
    uint16_t status = status_of(attempt);

    if (x->race->rival) {
        drop_out(attempt, fault, status);
        return;
    }
    if (status > 0)
        metric_add(x->worker->metrics, METRIC_precommit_broken_total, 1);
    hand_on(attempt);
    x->answer.upstream_status = status;
    relay_events.failed(call, fault, why);
}

static const struct call_events race_events = {
    .answered = answered,
    .body = body,
    .turn = turn,
    .done = done,
    .failed = failed,
};

/* ---- the beginning ------------------------------------------------------------------------
 */

static uint64_t delay_ms(const struct exchange *x, const struct snapshot_hedge *hedge)
{
    uint64_t us;

    if (hedge->after_ms > 0)
        return hedge->after_ms;
    us = starts_usual_us(starts_of(x), form_of(x), hedge->percentile);
    return us > 0 ? us / 1000 + 1 : 0;
}

/* One second attempt for an exchange. */
static void arm(struct exchange *x, const struct snapshot_hedge *hedge)
{
    uint64_t delay = x->race->hedged ? 0 : delay_ms(x, hedge);

    if (x->attempts == 0)
        starts_earn(starts_of(x), hedge->budget_percent);
    if (delay > 0)
        alarm_set(&x->worker->reactor, &x->race->after, delay);
}

const struct call_events *race_begin(struct exchange *x)
{
    const struct snapshot_hedge *hedge = hedge_of(x);

    if (!hedge && !holds_stream(x))
        return &relay_events;
    if (!x->race) {
        x->race = ARENA_NEW(&x->arena, struct race);
        x->race->exchange = x;
        x->race->after.rings = send_rival;
    }
    if (hedge)
        arm(x, hedge);
    return &race_events;
}
