/* The provider's answer on its way to the client: relayed as it comes, one write for what one
 * read brought, stopped while the client does not take it. */
#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "worker/worker.h"

#define BATCH_FIRST 2 /* pieces[0]: head, pieces[1]: chunk head */

static struct exchange *exchange_of(struct call *call)
{
    struct exchange *x =
        (struct exchange *)(void *)((char *)call - offsetof(struct exchange, call));

    CHECK(x->magic == EXCHANGE_MAGIC);
    return x;
}

static struct target_health *health_of(const struct exchange *x)
{
    return segment_target(x->worker->segment, exchange_target(x)->provider->health_row);
}

static void batch_clear(struct batch *batch)
{
    batch->count = 0;
    batch->bytes = 0;
    batch->scratch_used = 0;
}

static void pause_when_full(struct exchange *x, long pending)
{
    if (pending <= 0 || x->answer.paused || !x->calling)
        return;
    x->answer.paused = true;
    metric_add(x->worker->metrics, METRIC_stream_pauses_total, 1);
    call_pause(&x->call);
}

/* The client's answer begins: no other target is tried, the request's bytes can go. */
static void free_request(struct exchange *x)
{
    x->worker->body_bytes -= x->body.len;
    buffer_done(&x->body);
}

/* Sends the batch, with the head when it is still here; LAST: with the end of the answer. */
static void flush(struct exchange *x, bool last)
{
    struct batch *batch = &x->worker->batch;
    struct span *pieces = batch->pieces + BATCH_FIRST;
    unsigned count = batch->count;
    bool chunked = x->answer.form == ANSWER_CHUNKED;
    char size[24];
    struct buffer head = {.ptr = size, .size = sizeof(size), .limit_bytes = sizeof(size)};
    long pending;

    if (chunked && batch->bytes > 0) {
        pieces[count++] = last ? SPAN("\r\n0\r\n\r\n") : SPAN("\r\n");
        (void)http_append_chunk_head(&head, batch->bytes);
        *--pieces = buffer_span(&head);
        count++;
    } else if (chunked && last) {
        pieces[count++] = SPAN("0\r\n\r\n");
    }
    if (!x->answer.head_sent) {
        free_request(x);
        *--pieces = x->answer.head;
        count++;
        x->answer.head_sent = true;
        x->first_byte_ns = clock_monotonic_ns();
    }
    batch_clear(batch);
    if (count == 0 || !x->client)
        return;
    for (unsigned i = 0; i < count; i++)
        x->answer.sent_bytes += pieces[i].len;
    pending = client_send(x->client, pieces, count);
    if (last)
        x->answer.ended = true;
    else
        pause_when_full(x, pending);
}

/* Bytes that live until the end of this turn. */
static void add(struct exchange *x, struct span bytes)
{
    struct batch *batch = &x->worker->batch;
    struct span *last = &batch->pieces[BATCH_FIRST + batch->count - 1];

    if (bytes.len == 0)
        return;
    if (batch->count > 0 && last->ptr + last->len == bytes.ptr) {
        last->len += bytes.len;
    } else {
        if (batch->count == BATCH_PIECES)
            flush(x, false);
        batch->pieces[BATCH_FIRST + batch->count++] = bytes;
    }
    batch->bytes += bytes.len;
}

/* Bytes that live only until the next record is cut. */
static void add_copy(struct exchange *x, struct span bytes)
{
    struct batch *batch = &x->worker->batch;
    char *to;

    if (bytes.len > REACTOR_READ_BYTES - batch->scratch_used)
        flush(x, false);
    if (bytes.len > REACTOR_READ_BYTES) {
        add(x, bytes);
        flush(x, false);
        return;
    }
    to = batch->scratch + batch->scratch_used;
    memcpy(to, bytes.ptr, bytes.len);
    batch->scratch_used += bytes.len;
    add(x, span_of(to, bytes.len));
}

/* The attempt is over: its share of the provider's figures. */
static void attempt_ended(struct exchange *x, bool good)
{
    struct target_health *health = health_of(x);
    uint64_t now_ms = reactor_now_ms(&x->worker->reactor);

    if (!x->calling)
        return;
    x->calling = false;
    if (x->call.resent)
        metric_add(x->worker->metrics, METRIC_upstream_resends_total, 1);
    (void)atomic_fetch_sub_explicit(&health->in_flight, 1, memory_order_relaxed);
    if (good) {
        atomic_store_explicit(&health->consecutive_failures, 0, memory_order_relaxed);
        atomic_store_explicit(&health->last_success_ms, now_ms, memory_order_relaxed);
        return;
    }
    (void)atomic_fetch_add_explicit(&health->failures, 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&health->consecutive_failures, 1, memory_order_relaxed);
    atomic_store_explicit(&health->last_failure_ms, now_ms, memory_order_relaxed);
}

static bool may_try_next(const struct exchange *x)
{
    return !x->answer.head_sent && x->plan && x->target + 1 < x->plan->count && x->client;
}

/* Of the attempt that failed before the client saw anything of it. */
static void forget_answer(struct exchange *x)
{
    stream_ended(x);
    x->answer = (struct answer){.status = 0};
    bill_init(&x->bill);
    buffer_done(&x->error_body);
    sse_done(&x->framer);
    sse_init(&x->framer, x->view->page->limits.event_bytes);
}

/* Ends the attempt with FAULT: the next target, or the client's answer. */
static void give_up(struct exchange *x, enum fault fault)
{
    attempt_ended(x, false);
    batch_clear(&x->worker->batch);
    if (may_try_next(x) && (fault_row(fault)->flags & FAULT_NEXT_TARGET)) {
        x->target++;
        forget_answer(x);
        metric_add(x->worker->metrics, METRIC_upstream_next_target_total, 1);
        flow_take(x, STEP_AGAIN);
        return;
    }
    x->fault = fault;
    flow_take(x, STEP_REFUSE);
}

static void cancel_and_give_up(struct exchange *x, enum fault fault)
{
    call_cancel(&x->call);
    give_up(x, fault);
}

static bool is_type(struct span value, struct span type)
{
    return value.len >= type.len && span_eq_nocase(span_of(value.ptr, type.len), type) &&
           (value.len == type.len || value.ptr[type.len] == ';' || value.ptr[type.len] == ' ');
}

static bool worth_another(uint16_t status)
{
    return status >= 500 || status == 429 || status == 408 || status == 401 || status == 403;
}

static void note_head(struct exchange *x, uint16_t status)
{
    struct target_health *health = health_of(x);
    uint64_t now_ns = clock_monotonic_ns(), us = (now_ns - x->sent_ns) / 1000;
    uint64_t before = atomic_load_explicit(&health->latency_ewma_us, memory_order_relaxed);

    x->upstream_ns += now_ns - x->sent_ns;
    x->answer.upstream_status = status;
    atomic_store_explicit(&health->latency_ewma_us, before ? before - before / 8 + us / 8 : us,
                          memory_order_relaxed);
}

static void begin_relay(struct exchange *x, const struct http_head *head, struct span type)
{
    bool known = head->content_length != HTTP_LENGTH_NONE && !x->answer.stream;

    if (known)
        x->answer.form = ANSWER_LENGTH;
    else
        x->answer.form = x->head.minor == 1 ? ANSWER_CHUNKED : ANSWER_CLOSE;
    if (x->answer.form == ANSWER_CLOSE)
        x->keep = false;
    x->answer.status = head->status;
    x->answer.head = reply_head(x, head->status, type,
                                known ? head->content_length : HTTP_LENGTH_NONE, head);
    json_tap_init(&x->tap, SPAN("usage"));
    if (x->answer.stream) {
        x->counted_stream = true;
        x->worker->stream_count++;
        atomic_store_explicit(&x->worker->slot->streams, x->worker->stream_count,
                              memory_order_relaxed);
    }
}

static void answered(struct call *call, const struct http_head *head)
{
    struct exchange *x = exchange_of(call);
    struct span type = http_find(head, SPAN("content-type"));

    note_head(x, head->status);
    if (head->status >= 400) {
        if (worth_another(head->status) && may_try_next(x)) {
            cancel_and_give_up(x, FAULT_provider_error);
            return;
        }
        x->answer.failing = true;
        x->answer.head =
            reply_head(x, head->status, SPAN("application/json"), HTTP_LENGTH_NONE, head);
        return;
    }
    x->answer.stream = is_type(type, SPAN("text/event-stream"));
    if (head->status >= 300 ||
        (!x->answer.stream && type.len > 0 && !is_type(type, SPAN("application/json")))) {
        x->detail = SPAN("the answer is neither JSON nor an event stream");
        cancel_and_give_up(x, FAULT_bad_answer);
        return;
    }
    begin_relay(x, head, type.len ? type : SPAN("application/json"));
}

static void relay_record(struct exchange *x, const struct sse_record *record, bool in_place)
{
    bool hidden = false;

    if (record->has_data && span_eq(span_trim(record->data), SPAN("[DONE]")))
        x->answer.finished = true;
    else if (record->has_data)
        hidden = bill_read_chunk(&x->bill, record->data, &x->arena) && x->forward.hides_usage;
    metric_add(x->worker->metrics, METRIC_stream_events_total, 1);
    if (hidden)
        return;
    if (in_place)
        add(x, record->raw);
    else
        add_copy(x, record->raw);
}

static void relay_stream(struct exchange *x, struct span bytes)
{
    struct span rest = bytes;
    struct sse_record record;

    for (;;) {
        switch (sse_next(&x->framer, &rest, &record)) {
        case SSE_MORE: return;
        case SSE_TOO_LARGE:
            if (x->worker->batch.count > 0)
                flush(x, false);
            cancel_and_give_up(x, FAULT_answer_too_large);
            return;
        case SSE_RECORD: {
            uintptr_t at = (uintptr_t)record.raw.ptr, from = (uintptr_t)bytes.ptr;

            relay_record(x, &record, at >= from && at < from + bytes.len);
        }
        }
    }
}

static void body(struct call *call, struct span bytes)
{
    struct exchange *x = exchange_of(call);

    x->answer.body_bytes += bytes.len;
    if (x->answer.failing) {
        if (x->error_body.len < ERROR_BODY_BYTES)
            (void)buffer_append(&x->error_body, bytes);
        return;
    }
    if (x->answer.stream) {
        relay_stream(x, bytes);
        return;
    }
    json_tap_feed(&x->tap, bytes, &x->arena);
    add(x, bytes);
}

static void turn(struct call *call)
{
    struct exchange *x = exchange_of(call);

    if (x->worker->batch.count > 0)
        flush(x, false);
}

static void done(struct call *call)
{
    struct exchange *x = exchange_of(call);

    if (x->answer.failing) {
        attempt_ended(x, x->answer.upstream_status < 500 && x->answer.upstream_status != 429);
        x->fault = FAULT_provider_error;
        flow_take(x, STEP_REFUSE);
        return;
    }
    if (x->answer.body_bytes == 0) {
        x->detail = SPAN("the answer is empty");
        give_up(x, FAULT_bad_answer);
        return;
    }
    if (x->answer.stream && !x->answer.finished) {
        if (x->worker->batch.count > 0)
            flush(x, false);
        x->detail = SPAN("the stream ended without its end mark");
        give_up(x, FAULT_answer_cut);
        return;
    }
    attempt_ended(x, true);
    if (!x->answer.stream)
        (void)bill_read(&x->bill, json_tap_value(&x->tap), &x->arena);
    flush(x, true);
    flow_take(x, STEP_NEXT);
}

static void call_failed(struct call *call, enum fault fault, const char *why)
{
    struct exchange *x = exchange_of(call);

    if (x->answer.upstream_status == 0)
        x->upstream_ns += clock_monotonic_ns() - x->sent_ns;
    x->detail = why ? arena_copy(&x->arena, span_of_text(why)) : SPAN_NONE;
    give_up(x, fault);
}

const struct call_events relay_events = {
    .answered = answered,
    .body = body,
    .turn = turn,
    .done = done,
    .failed = call_failed,
};

void relay_drained(struct exchange *x)
{
    if (!x->answer.paused || !x->calling)
        return;
    x->answer.paused = false;
    call_resume(&x->call);
}
