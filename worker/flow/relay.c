/* The provider's answer on its way to the client: how attempts end, how an answer begins, and
 * whole answers. Streams are relay_stream.c. */
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/route/headroom.h"
#include "shared/route/pace.h"

#include "worker/flow/relay_inside.h"
#include "worker/flow/stored.h"
#include "worker/translate/limit_read.h"
#include "worker/worker.h"

#define USAGE_BYTES   2048
#define SERVICE_BYTES 64
#define BODY_WAIT_MS  1000 /* for what else a refusal says, while another target could serve */

static struct exchange *exchange_of(struct call *call)
{
    const struct attempt *attempt =
        (struct attempt *)(void *)((char *)call - offsetof(struct attempt, call));

    CHECK(attempt->exchange->magic == EXCHANGE_MAGIC);
    return attempt->exchange;
}

static struct target_health *health_of(const struct exchange *x)
{
    return segment_target(x->worker->segment, exchange_target(x)->provider->health_row);
}

/* The attempt is over, with FAULT or well: its share of the provider's figures. */
void relay_attempt_ended(struct exchange *x, enum fault fault)
{
    const struct snapshot_provider *provider = exchange_target(x)->provider;
    struct target_health *health = health_of(x);
    enum health_outcome saw;

    if (!x->current->calling)
        return;
    saw = attempts_saw(x, fault);
    if (saw != HEALTH_SAW_NOTHING && saw != HEALTH_SAW_GOOD)
        atomic_store_explicit(
            &segment_pace(x->worker->segment, provider->health_row)->last_fault,
            (uint64_t)saw << 16 | fault, memory_order_relaxed);
    (void)health_note(health, &provider->health, saw, reactor_now_ms(&x->worker->reactor),
                      x->current->retry_after_ms);
    x->current->calling = false;
    if (x->current->call.resent)
        metric_add(x->worker->metrics, METRIC_upstream_resends_total, 1);
    ticket_call_ended(&x->worker->places, &x->ticket, x->current->hedges);
    if (!fault)
        credentials_note(x, FAULT_NONE);
}

void relay_abandon(struct exchange *x, enum fault fault)
{
    if (!x->current->calling)
        return;
    relay_attempt_ended(x, fault);
    call_cancel(&x->current->call);
}

/* Of the attempt that failed before the client saw anything of it. */
static void forget_answer(struct exchange *x)
{
    stream_ended(x);
    reactor_disarm(&x->worker->reactor, &x->quiet);
    x->answer = (struct answer){.status = 0};
    x->complaint = NULL;
    cached_forget(x);
    bill_init(&x->bill);
    buffer_done(&x->error_body);
    sse_done(&x->framer);
    sse_init(&x->framer, x->view->page->limits.event_bytes);
}

static void wait_passed(struct deadline *deadline)
{
    struct exchange *x =
        (struct exchange *)(void *)((char *)deadline - offsetof(struct exchange, quiet));

    flow_take(x, STEP_AGAIN);
}

/* The deadline of quiet streams is free while there is none. */
static void try_again(struct exchange *x, uint64_t wait_ms)
{
    forget_answer(x);
    metric_add(x->worker->metrics, METRIC_upstream_next_target_total, 1);
    if (wait_ms == 0) {
        flow_take(x, STEP_AGAIN);
        return;
    }
    x->quiet.passed = wait_passed;
    reactor_arm(&x->worker->reactor, &x->quiet, wait_ms);
}

static void await_token(struct exchange *x);

static void look_for_token(struct deadline *deadline)
{
    struct exchange *x =
        (struct exchange *)(void *)((char *)deadline - offsetof(struct exchange, quiet));

    if (credentials_renewed(x)) {
        metric_add(x->worker->metrics, METRIC_upstream_next_target_total, 1);
        flow_take(x, STEP_AGAIN);
    } else if (credentials_may_renew(x, FAULT_provider_auth)) {
        await_token(x);
    } else {
        x->fault = FAULT_provider_auth;
        attempts_settle(x);
        flow_take(x, STEP_REFUSE);
    }
}

/* The deadline of quiet streams is free here too. */
static void await_token(struct exchange *x)
{
    x->quiet.passed = look_for_token;
    reactor_arm(&x->worker->reactor, &x->quiet, TOKEN_LOOK_MS);
}

/* Ends the attempt with FAULT: another one, or the client's answer. A request that was refused
 * says nothing against the provider. */
void relay_give_up(struct exchange *x, enum fault fault)
{
    uint64_t wait_ms;

    if (x->current->calling) {
        account_try(x, fault);
        credentials_note(x, fault);
    }
    relay_attempt_ended(x, fault);
    batch_clear(&x->worker->batch);
    if (attempts_next(x, fault, &wait_ms)) {
        try_again(x, wait_ms);
        return;
    }
    if (credentials_may_renew(x, fault)) {
        forget_answer(x);
        await_token(x);
        return;
    }
    x->fault = fault;
    attempts_settle(x);
    flow_take(x, STEP_REFUSE);
}

void relay_cancel(struct exchange *x, enum fault fault)
{
    call_cancel(&x->current->call);
    relay_give_up(x, fault);
}

static bool is_type(struct span value, struct span type)
{
    return value.len >= type.len && span_eq_nocase(span_of(value.ptr, type.len), type) &&
           (value.len == type.len || value.ptr[type.len] == ';' || value.ptr[type.len] == ' ');
}

void relay_note_refusal(struct exchange *x)
{
    if (complaint_fault(x->complaint) == FAULT_provider_auth)
        (void)atomic_fetch_add_explicit(&health_of(x)->refusals, 1, memory_order_relaxed);
}

/* Who spells limits in a way of their own, or as most do. */
static const struct dialect *limit_dialect(const struct exchange *x)
{
    const struct dialect *dialect = dialect_row((enum dialect_id)x->current->provider_dialect);

    return dialect->limit_field_count > 0 ? dialect : dialect_row(DIALECT_DEFAULT);
}

/* When the account takes requests again. An answer that is good may tell that it was the last:
 * then it is left before it refuses, unless it has other credentials, whose limits are their
 * own. */
static void read_limits(struct exchange *x, const struct http_head *head)
{
    const struct snapshot_provider *provider = exchange_target(x)->provider;
    uint64_t spent_ms = limit_read_spent_ms(head, limit_dialect(x), clock_wall_ms());

    if (head->status < 400 && spent_ms > 0 && provider->credentials.count < 2)
        health_leave(health_of(x), &provider->health, reactor_now_ms(&x->worker->reactor),
                     spent_ms);
    if (head->status < 400)
        return;
    x->current->retry_after_ms = limit_read_retry_ms(head, clock_wall_ms());
    if (x->current->retry_after_ms == 0 && head->status == 429)
        x->current->retry_after_ms = spent_ms;
}

/* For `headroom`. An account with several credentials has several limits, and says nothing of
 * those of the others. */
static void note_headroom(struct exchange *x, const struct http_head *head)
{
    const struct snapshot_provider *provider = exchange_target(x)->provider;
    uint64_t reset_ms;
    uint32_t used;

    if (!x->plan || !x->plan->headroom || provider->credentials.count > 1)
        return;
    used = limit_read_used(head, limit_dialect(x), clock_wall_ms(), &reset_ms);
    if (used != UINT32_MAX)
        headroom_note(segment_pace(x->worker->segment, provider->health_row), used, reset_ms,
                      reactor_now_ms(&x->worker->reactor));
}

void relay_note_head(struct exchange *x, const struct http_head *head)
{
    struct target_health *health = health_of(x);
    uint64_t now_ns = clock_monotonic_ns(), us = (now_ns - x->current->sent_ns) / 1000;
    uint64_t before = atomic_load_explicit(&health->latency_ewma_us, memory_order_relaxed);

    x->current->head_ns = now_ns;
    x->current->retry_after_ms = 0;
    read_limits(x, head);
    note_headroom(x, head);
    atomic_store_explicit(&health->latency_ewma_us, before ? before - before / 8 + us / 8 : us,
                          memory_order_relaxed);
    if (head->status == 401)
        (void)atomic_fetch_add_explicit(&health->refusals, 1, memory_order_relaxed);
}

/* Of a stream that is its first event, mostly. */
static void note_first(const struct exchange *x)
{
    pace_note_first(segment_pace(x->worker->segment, exchange_target(x)->provider->health_row),
                    (clock_monotonic_ns() - x->current->sent_ns) / 1000,
                    reactor_now_ms(&x->worker->reactor));
}

/* ---- the answer begins ----------------------------------------------------------------- */

static struct span stream_type(const struct exchange *x)
{
    return x->current->crossing->translation.stream_as_array
               ? SPAN("application/json")
               : SPAN("text/event-stream; charset=utf-8");
}

/* The service is looked for always: an account may have another one than the standard as its
 * own, and requests need not name it. */
static void begin_tap(struct exchange *x)
{
    const struct dialect *dialect = dialect_row((enum dialect_id)x->current->provider_dialect);

    json_tap_init(&x->tap);
    json_tap_want(&x->tap, TAPPED_USAGE, dialect->usage_member, USAGE_BYTES);
    json_tap_want(&x->tap, TAPPED_SERVICE, dialect->service_member, SERVICE_BYTES);
    homes_begin(x);
}

/* A translated whole answer has another length: its head waits for it. */
static void begin_relay(struct exchange *x, const struct http_head *head, struct span type)
{
    bool known = head->content_length != HTTP_LENGTH_NONE && !x->answer.stream;

    if (known && !x->current->crossing)
        x->answer.form = ANSWER_LENGTH;
    else
        x->answer.form = x->head.minor == 1 ? ANSWER_CHUNKED : ANSWER_CLOSE;
    if (x->answer.form == ANSWER_CLOSE && (x->answer.stream || !x->current->crossing))
        x->keep = false;
    x->answer.status = head->status;
    if (!x->current->crossing || x->answer.stream)
        x->answer.head =
            reply_head(x, head->status, x->current->crossing ? stream_type(x) : type,
                       known ? head->content_length : HTTP_LENGTH_NONE, head);
    cached_note_type(x, x->current->crossing && x->answer.stream ? stream_type(x)
                        : x->current->crossing                   ? SPAN("application/json")
                                                                 : type);
    begin_tap(x);
    if (x->current->crossing)
        crossing_begin(x->current->crossing, relay_take_event, x);
    if (x->answer.stream)
        relay_begin_stream(x);
}

bool relay_head_is_good(const struct http_head *head, bool *ret_stream)
{
    struct span type = http_find(head, SPAN("content-type"));

    *ret_stream = is_type(type, SPAN("text/event-stream"));
    return head->status < 300 &&
           (*ret_stream || type.len == 0 || is_type(type, SPAN("application/json")));
}

/* Whether the body has to say for how long: it is small and comes with its head. */
static bool awaits_body(const struct exchange *x, const struct http_head *head)
{
    return head->status == 429 && x->current->retry_after_ms == 0 &&
           dialect_row((enum dialect_id)x->current->provider_dialect)->waits_in_body;
}

static void body_late(struct deadline *deadline)
{
    struct exchange *x =
        (struct exchange *)(void *)((char *)deadline - offsetof(struct exchange, quiet));

    relay_cancel(x, attempts_fault(x->answer.upstream_status));
}

/* The deadline of quiet streams is free here too. */
static void await_body(struct exchange *x)
{
    x->answer.awaited = true;
    x->quiet.passed = body_late;
    reactor_arm(&x->worker->reactor, &x->quiet, BODY_WAIT_MS);
}

/* False: the attempt is over, another one is made. */
static bool take_refusal(struct exchange *x, const struct http_head *head)
{
    enum fault fault = attempts_fault(head->status);

    if (awaits_body(x, head)) {
        await_body(x);
        return true;
    }
    credentials_note(x, fault ? fault : FAULT_provider_refused);
    if (!fault || !(attempts_left(x, fault) || credentials_may_renew(x, fault)))
        return true;
    relay_cancel(x, fault);
    return false;
}

static void take_head(struct exchange *x, const struct http_head *head)
{
    struct span type = http_find(head, SPAN("content-type"));

    x->upstream_ns += x->current->head_ns - x->current->since_ns;
    x->answer.upstream_status = head->status;
    if (head->status >= 400) {
        if (!take_refusal(x, head))
            return;
        x->answer.failing = true;
        x->answer.head =
            reply_head(x, head->status, SPAN("application/json"), HTTP_LENGTH_NONE, head);
        return;
    }
    if (!relay_head_is_good(head, &x->answer.stream)) {
        x->detail = SPAN("the answer is neither JSON nor an event stream");
        relay_cancel(x, FAULT_bad_answer);
        return;
    }
    begin_relay(x, head, type.len ? type : SPAN("application/json"));
}

static void answered(struct call *call, const struct http_head *head)
{
    struct exchange *x = exchange_of(call);

    relay_note_head(x, head);
    take_head(x, head);
}

/* ---- what comes ------------------------------------------------------------------------ */

/* The rest of TEXT after WORD and white space; ptr NULL when it begins with something else. */
static struct span after(struct span text, struct span word)
{
    if (!text.ptr || !span_starts(text, word))
        return SPAN_NONE;
    text = span_skip(text, word.len);
    while (text.len > 0 && memchr(" \t\r\n", text.ptr[0], 4))
        text = span_skip(text, 1);
    return text;
}

/* Some providers answer 200 with an error in it. Only the first member is looked at: a body is
 * not kept, and the head goes with its first bytes. */
bool relay_begins_as_error(struct span bytes)
{
    struct span first = after(after(bytes, SPAN("")), SPAN("{"));
    struct span error = after(after(first, SPAN("\"error\"")), SPAN(":"));
    struct span type = after(after(first, SPAN("\"type\"")), SPAN(":"));

    return (error.len > 0 && (error.ptr[0] == '{' || error.ptr[0] == '"')) ||
           after(type, SPAN("\"error\"")).ptr;
}

/* False: the exchange may be gone. */
static bool take_body(struct exchange *x, struct span bytes)
{
    if (x->answer.body_bytes == 0 && !x->answer.stream && !x->current->crossing &&
        relay_begins_as_error(bytes))
        x->answer.failing = true;
    if (x->answer.body_bytes == 0 && !x->answer.failing)
        note_first(x);
    x->answer.body_bytes += bytes.len;
    if (x->answer.failing) {
        if (x->error_body.len < ERROR_BODY_BYTES)
            (void)buffer_append(&x->error_body, bytes);
        return true;
    }
    if (x->answer.stream)
        return relay_records(x, bytes);
    if (x->current->crossing) {
        if (buffer_append(&x->current->crossing->whole, bytes))
            return true;
        relay_cancel(x, FAULT_answer_too_large);
        return false;
    }
    json_tap_feed(&x->tap, bytes, &x->arena);
    relay_add(x, bytes);
    return true;
}

static void body(struct call *call, struct span bytes)
{
    (void)take_body(exchange_of(call), bytes);
}

bool relay_adopt(struct exchange *x, const struct http_head *head, struct span held)
{
    take_head(x, head);
    return held.len == 0 || take_body(x, held);
}

static void turn(struct call *call)
{
    relay_turn(exchange_of(call), false);
}

/* What was put off until the body of the refusal was there. True: another attempt is made. */
static bool awaited_leads_on(struct exchange *x, enum fault fault)
{
    x->answer.awaited = false;
    reactor_disarm(&x->worker->reactor, &x->quiet);
    credentials_note(x, fault);
    if (!attempts_left(x, fault))
        return false;
    relay_give_up(x, fault);
    return true;
}

/* The provider's error is all here. */
static void error_done(struct exchange *x)
{
    uint16_t status = x->answer.upstream_status;

    x->complaint = ARENA_NEW(&x->arena, struct complaint);
    complaint_read(status, buffer_span(&x->error_body), &x->arena, x->complaint);
    if (x->current->retry_after_ms == 0)
        x->current->retry_after_ms = x->complaint->retry_after_ms;
    if (x->answer.awaited && awaited_leads_on(x, attempts_fault(status)))
        return;
    if (status < 400) {
        relay_note_refusal(x);
        relay_give_up(x, complaint_fault(x->complaint));
        return;
    }
    x->fault = complaint_fault(x->complaint);
    if (x->fault == FAULT_provider_refused && attempts_left(x, x->fault)) {
        relay_give_up(x, x->fault);
        return;
    }
    relay_attempt_ended(x, x->fault);
    attempts_settle(x);
    flow_take(x, STEP_REFUSE);
}

static void bad_translation(struct exchange *x)
{
    if (!x->complaint) { /* else the events that it was told in had an error */
        x->complaint = ARENA_NEW(&x->arena, struct complaint);
        *x->complaint = x->current->crossing->translation.refusal;
    }
    x->detail = SPAN("the answer could not be translated");
    relay_note_refusal(x);
    relay_give_up(x, complaint_fault(x->complaint));
}

/* A whole answer in another dialect. */
static void crossing_done(struct exchange *x)
{
    struct usage usage;

    usage_init(&usage);
    if (!crossing_answer(x->current->crossing, &usage)) {
        bad_translation(x);
        return;
    }
    bill_take(&x->bill, &usage, &x->arena);
    relay_attempt_ended(x, FAULT_NONE);
    relay_free_request(x);
    x->first_byte_ns = clock_monotonic_ns();
    if (x->current->crossing->chat.stream) {
        x->answer.stream = true;
        cached_note_type(x, stream_type(x));
        x->answer.head = reply_head(x, 200, stream_type(x), HTTP_LENGTH_NONE, NULL);
        relay_turn(x, true);
    } else {
        if (x->stored)
            stored_keep(x, crossing_body(buffer_span(&x->current->crossing->out)));
        cached_add(
            x, &(struct span){x->current->crossing->out.ptr, x->current->crossing->out.len}, 1);
        reply_json(x, 200, buffer_span(&x->current->crossing->out));
    }
    cached_note_whole(x);
    flow_take(x, STEP_NEXT);
}

static void whole_done(struct exchange *x)
{
    struct json_value value;

    relay_attempt_ended(x, FAULT_NONE);
    value = json_tap_value(&x->tap, TAPPED_USAGE);
    if (value.kind == JSON_OBJECT) {
        struct usage usage;

        usage_init(&usage);
        exchange_dialect(x)->read_usage(value, &usage);
        usage.raw = value.raw;
        usage_read_service(json_tap_value(&x->tap, TAPPED_SERVICE), &usage);
        bill_take(&x->bill, &usage, &x->arena);
    }
    homes_note_whole(x);
    relay_flush(x, true);
    cached_note_whole(x);
    flow_take(x, STEP_NEXT);
}

static void done(struct call *call)
{
    struct exchange *x = exchange_of(call);

    if (x->answer.failing) {
        error_done(x);
    } else if (x->answer.body_bytes == 0) {
        x->detail = SPAN("the answer is empty");
        relay_give_up(x, FAULT_bad_answer);
    } else if (x->answer.stream) {
        relay_stream_done(x);
    } else if (x->current->crossing) {
        crossing_done(x);
    } else {
        whole_done(x);
    }
}

static void call_failed(struct call *call, enum fault fault, const char *why)
{
    struct exchange *x = exchange_of(call);

    if (x->answer.upstream_status == 0)
        x->upstream_ns += clock_monotonic_ns() - x->current->since_ns;
    x->detail = why ? arena_copy(&x->arena, span_of_text(why)) : SPAN_NONE;
    if (x->answer.awaited) /* its head said what counts */
        fault = attempts_fault(x->answer.upstream_status);
    relay_give_up(x, fault);
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
    if (!x->answer.paused || !x->current->calling)
        return;
    x->answer.paused = false;
    call_resume(&x->current->call);
}
