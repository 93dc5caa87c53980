/* Streams: records passed on as they came, or told in the client's dialect; never a cut that
 * looks like an end. */
#include "shared/base/clock.h"

#include "worker/flow/relay_inside.h"
#include "worker/flow/stored.h"
#include "worker/memory/memory.h"
#include "worker/worker.h"

/* The provider's stream told an error. Before anything was sent it is as if the provider had
 * answered with it. */
static void stream_failed(struct exchange *x, const struct complaint *complaint)
{
    x->complaint = ARENA_NEW(&x->arena, struct complaint);
    complaint_keep(complaint, &x->arena, x->complaint);
    x->answer.told = x->answer.head_sent;
}

void relay_take_event(void *who, const struct event *event)
{
    struct exchange *x = who;

    if (event->usage)
        bill_take(&x->bill, event->usage, &x->arena);
    if (event->kind == EVENT_error)
        stream_failed(x, event->complaint);
    if (event->kind == EVENT_end)
        x->answer.finished = true;
    if (event->kind != EVENT_error || x->answer.head_sent)
        crossing_send(x->current->crossing, event);
    if (event->kind == EVENT_end && x->stored)
        stored_keep(x, memory_of_records(buffer_span(&x->current->crossing->out)));
}

static void pass(struct exchange *x, struct span bytes, bool in_place)
{
    if (in_place)
        relay_add(x, bytes);
    else
        relay_add_copy(x, bytes);
}

/* In the client's own dialect: it passes as it came, but for usage that the client did not ask
 * for, or expects apart. */
static void pass_record(struct exchange *x, const struct sse_record *record, bool in_place)
{
    const struct dialect *dialect = exchange_dialect(x);
    struct passing passing;

    if (!record->has_data || !dialect->pass_record ||
        !dialect->pass_record(&x->stream, record, &x->arena, &passing)) {
        pass(x, record->raw, in_place);
        return;
    }
    for (unsigned i = 0; i < passing.count; i++)
        pass(x, passing.pieces[i], in_place);
}

/* The provider's error in its own words. False: they go to the client, as the last. */
static bool same_failed(struct exchange *x, const struct sse_record *record)
{
    bool nothing_said = !x->answer.head_sent && x->worker->batch.count == 0;
    struct complaint complaint;

    complaint_read(200, record->data, &x->arena, &complaint);
    stream_failed(x, &complaint);
    x->answer.told = !nothing_said;
    return nothing_said;
}

static void relay_same(struct exchange *x, const struct sse_record *record, bool in_place)
{
    bool hidden = record->has_data && exchange_dialect(x)->tap_record(&x->stream, record);

    if (x->stream.usage.raw.ptr) {
        bill_take(&x->bill, &x->stream.usage, &x->arena);
        x->stream.usage.raw = SPAN_NONE;
    }
    x->answer.finished = x->stream.finished;
    if (record->has_data)
        homes_note_record(x, record->data);
    if (x->stream.failed && same_failed(x, record))
        return;
    if (!hidden || !x->current->forward.hides_usage)
        pass_record(x, record, in_place);
}

enum fault complaint_fault(const struct complaint *complaint)
{
    return complaint_row((enum complaint_kind)complaint->kind)->fault;
}

static void relay_record(struct exchange *x, const struct sse_record *record, bool in_place)
{
    metric_add(x->worker->metrics, METRIC_stream_events_total, 1);
    if (record->has_data)
        said_add(x->said, record->data);
    if (x->current->crossing)
        event_read(&x->current->crossing->reader, record);
    else
        relay_same(x, record, in_place);
}

/* What a translated stream has to say, as soon as it is more than that it begins. */
static void add_translated(struct exchange *x)
{
    if (x->current->crossing && x->current->crossing->alive)
        relay_add(x, buffer_span(&x->current->crossing->out));
}

void relay_turn(struct exchange *x, bool last)
{
    add_translated(x);
    if (x->worker->batch.count > 0 || last)
        relay_flush(x, last);
    if (x->current->crossing && x->current->crossing->alive)
        buffer_done(&x->current->crossing->out);
}

/* The stream cannot go on. */
static void break_stream(struct exchange *x, enum fault fault)
{
    if (x->answer.head_sent || x->worker->batch.count > 0 ||
        (x->current->crossing && x->current->crossing->alive &&
         x->current->crossing->out.len > 0))
        relay_turn(x, false);
    relay_cancel(x, fault);
}

/* What was reserved of budgets is used up, and there is no more. */
static bool is_spent(struct exchange *x)
{
    uint64_t output;

    if (x->limits.watch_at == 0)
        return false;
    output = charge_output_seen(x);
    return output > x->limits.watch_at && !limits_go_on(x, output);
}

/* False when the stream cannot go on; the exchange may be gone then. */
bool relay_records(struct exchange *x, struct span bytes)
{
    struct span rest = bytes;
    struct sse_record record;

    for (;;) {
        switch (sse_next(&x->framer, &rest, &record)) {
        case SSE_MORE: return true;
        case SSE_TOO_LARGE: break_stream(x, FAULT_answer_too_large); return false;
        case SSE_RECORD: {
            uintptr_t at = (uintptr_t)record.raw.ptr, from = (uintptr_t)bytes.ptr;

            relay_record(x, &record, at >= from && at < from + bytes.len);
        }
        }
        if (x->complaint || (x->current->crossing && x->current->crossing->out.failed)) {
            if (x->complaint)
                relay_note_refusal(x);
            break_stream(x,
                         x->complaint ? complaint_fault(x->complaint) : FAULT_answer_too_large);
            return false;
        }
        if (is_spent(x)) {
            break_stream(x, FAULT_budget_cut);
            return false;
        }
    }
}

/* The provider thinks: something between must not take the silence for the end. */
static void quiet_passed(struct deadline *deadline)
{
    struct exchange *x =
        (struct exchange *)(void *)((char *)deadline - offsetof(struct exchange, quiet));
    uint64_t silent_ms = reactor_now_ms(&x->worker->reactor) - x->flushed_ms;

    if (silent_ms >= STREAM_QUIET_MS && !x->answer.paused && x->client) {
        relay_add(x, exchange_dialect(x)->ping);
        if (x->worker->batch.count > 0) {
            relay_flush(x, false);
            cached_take_back(x, exchange_dialect(x)->ping.len);
        }
        silent_ms = 0;
    }
    reactor_arm(&x->worker->reactor, &x->quiet,
                silent_ms < STREAM_QUIET_MS ? STREAM_QUIET_MS - silent_ms : STREAM_QUIET_MS);
}

static enum usage_wish usage_wish(const struct exchange *x)
{
    if (x->current->crossing)
        return USAGE_AS_IT_COMES;
    return x->current->forward.hides_usage ? USAGE_HIDDEN
           : forward_wants_usage(&x->ask)  ? USAGE_APART
                                           : USAGE_AS_IT_COMES;
}

void relay_begin_stream(struct exchange *x)
{
    x->counted_stream = true;
    x->worker->stream_count++;
    atomic_store_explicit(&x->worker->slot->streams, x->worker->stream_count,
                          memory_order_relaxed);
    x->stream = (struct stream_tap){.wish = (uint8_t)usage_wish(x)};
    x->answer.repaired = false; /* of an earlier attempt */
    if (!x->said)
        x->said = ARENA_NEW(&x->arena, struct said);
    said_init(x->said, (enum dialect_id)x->current->provider_dialect);
    usage_init(&x->stream.usage);
    x->quiet.passed = quiet_passed;
    x->flushed_ms = reactor_now_ms(&x->worker->reactor);
    reactor_arm(&x->worker->reactor, &x->quiet, STREAM_QUIET_MS);
}

void relay_stream_done(struct exchange *x)
{
    if (sse_rest_is_whole(sse_rest(&x->framer))) {
        x->answer.repaired = true;
        if (!relay_records(x, SPAN("\n\n")))
            return;
    }
    if (x->current->crossing)
        event_read_end(&x->current->crossing->reader);
    if (x->complaint) {
        relay_turn(x, false);
        relay_give_up(x, complaint_fault(x->complaint));
        return;
    }
    if (!x->answer.finished) {
        relay_turn(x, false);
        x->detail = SPAN("the stream ended without its end mark");
        relay_give_up(x, FAULT_answer_cut);
        return;
    }
    relay_attempt_ended(x, FAULT_NONE);
    relay_turn(x, true);
    cached_note_whole(x);
    flow_take(x, STEP_NEXT);
}
