/* What went wrong, in the words of the client's dialect. */
#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "worker/worker.h"

#define MESSAGE_LIMIT 16384

/* ---- a fault as a complaint ------------------------------------------------------------ */

static enum complaint_kind kind_of(const struct fault_row *row)
{
    if (strcmp(row->type, fault_row(FAULT_provider_quota)->type) == 0)
        return COMPLAINT_no_credit;
    return row->status == 502 ? COMPLAINT_bad_answer : complaint_of_status(row->status);
}

static struct text text_of_words(const char *words)
{
    struct span span = span_of_text(words);

    return (struct text){span.ptr, span.len}; /* of faults.def: nothing to escape */
}

static struct complaint of_fault(enum fault fault, const struct refusal *refusal,
                                 struct arena *arena)
{
    const struct fault_row *row = fault_row(fault);
    struct complaint complaint = {
        .kind = (uint8_t)kind_of(row),
        .message = text_of_words(row->message),
        .code = text_of_words(row->code),
    };

    if (refusal && refusal->message.ptr)
        complaint.message = text_escape(refusal->message, arena);
    if (refusal && refusal->param)
        complaint.param = text_escape(span_of_text(refusal->param), arena);
    return complaint;
}

/* The provider's or the translation's own words where there are some. */
static struct complaint complaint_of(struct exchange *x)
{
    struct complaint complaint =
        x->complaint ? *x->complaint : of_fault(x->fault, &x->refusal, &x->arena);

    complaint.request_id = text_escape(span_of(x->id, REQUEST_ID_SIZE), &x->arena);
    return complaint;
}

/* A dialect has statuses of its own for some kinds; else the fault's more exact one stands. */
static uint16_t write_body(const struct dialect *dialect, const struct complaint *complaint,
                           uint16_t status, struct buffer *out)
{
    uint16_t usual = complaint_status((enum complaint_kind)complaint->kind);
    struct json_writer json;
    uint16_t spoken;

    json_write_init(&json, out);
    spoken = dialect->write_complaint(complaint, &json);
    return status == 0 || spoken != usual ? spoken : status;
}

/* ---- answers --------------------------------------------------------------------------- */

static void add_retry_after(struct exchange *x, uint32_t delay_ms)
{
    struct buffer text _buffer_;

    buffer_init(&text, 32);
    (void)buffer_append_u64(&text, (delay_ms + 999) / 1000);
    reply_add_field(x->worker, SPAN("retry-after"), buffer_span(&text));
}

/* In both units: some SDKs know the exact one. */
static void add_limit_retry(struct exchange *x, uint64_t delay_ms)
{
    struct buffer text _buffer_;

    buffer_init(&text, 32);
    (void)buffer_append_u64(&text, delay_ms);
    add_retry_after(x, delay_ms < UINT32_MAX - 999 ? (uint32_t)delay_ms : UINT32_MAX - 999);
    reply_add_field(x->worker, SPAN("retry-after-ms"), buffer_span(&text));
}

/* What could be tried was tried here. */
static bool is_exhausted(const struct exchange *x)
{
    return x->attempts > 1 && fault_row(x->fault)->source == SOURCE_PROVIDER;
}

static void add_fault_fields(struct exchange *x)
{
    const struct fault_row *row = fault_row(x->fault);
    struct worker *worker = x->worker;

    if (row->status == 401)
        reply_add_field(worker, SPAN("www-authenticate"), SPAN("Bearer realm=\"aigw\""));
    if (row->status == 405 && x->head.allow)
        reply_add_field(worker, SPAN("allow"), span_of_text(x->head.allow));
    if (x->complaint && x->complaint->retry_after_ms > 0)
        add_retry_after(x, x->complaint->retry_after_ms);
    else if (x->current->retry_after_ms > 0 && row->source == SOURCE_PROVIDER)
        add_retry_after(x, (uint32_t)(x->current->retry_after_ms < UINT32_MAX - 999
                                          ? x->current->retry_after_ms
                                          : UINT32_MAX - 999));
    else if (limits_retry_ms(x) > 0)
        add_limit_retry(x, limits_retry_ms(x));
    else if (row->status == 503)
        add_retry_after(x, 1000);
    if ((row->flags & FAULT_NO_RETRY) || limits_never(x) || is_exhausted(x))
        reply_add_field(worker, SPAN("x-should-retry"), SPAN("false"));
    reply_add_field(worker, SPAN("x-aigw-error-source"),
                    row->source == SOURCE_PROVIDER ? SPAN("provider") : SPAN("gateway"));
}

/* The status that the client sees when its dialect has no other for the kind: the fault's, or
 * the provider's where that is more exact than "internal error"; 0: the kind's. */
static uint16_t exact_status(const struct exchange *x)
{
    if (!x->complaint)
        return fault_row(x->fault)->status;
    return x->answer.failing && x->complaint->kind == COMPLAINT_internal &&
                   x->answer.upstream_status >= 400
               ? x->answer.upstream_status
               : 0;
}

static void reply_complaint(struct exchange *x)
{
    struct complaint complaint = complaint_of(x);
    struct buffer body _buffer_;

    buffer_init(&body, MESSAGE_LIMIT);
    x->answer.status = write_body(exchange_dialect(x), &complaint, exact_status(x), &body);
    reply_begin_head(x->worker, x->answer.status, SPAN("application/json"), body.len);
    add_fault_fields(x);
    reply_end_head(x);
    reply_send(x, buffer_span(&body));
}

/* The provider's own words pass when its dialect is the client's, they are the object that its
 * SDK expects, and they do not speak of the gateway's credential. */
static bool passes(const struct exchange *x)
{
    struct json_pick pick = {.key = SPAN("error")};
    struct json_error error;
    size_t open;
    bool empty;

    return !x->current->crossing && x->answer.failing && x->answer.upstream_status >= 400 &&
           x->fault != FAULT_provider_auth && !x->error_body.failed &&
           json_pick(buffer_span(&x->error_body), &pick, 1, &open, &empty, &error) && !empty;
}

/* Its head was made when the answer began, before the length was known: its empty line goes. */
static void reply_provider_words(struct exchange *x)
{
    struct buffer *head = &x->worker->head;
    struct span words = buffer_span(&x->error_body);

    x->answer.status = x->answer.upstream_status;
    buffer_clear(head);
    (void)buffer_append(head, span_of(x->answer.head.ptr, x->answer.head.len - 2));
    (void)buffer_append(head, SPAN("content-length: "));
    (void)buffer_append_u64(head, words.len);
    if (is_exhausted(x))
        (void)buffer_append(head, SPAN("\r\nx-should-retry: false"));
    (void)buffer_append(head, SPAN("\r\n\r\n"));
    reply_send(x, words);
}

/* ---- streams --------------------------------------------------------------------------- */

/* The error event, unless the stream has told it already. */
static void tell_error(struct exchange *x, struct buffer *out)
{
    struct complaint complaint = complaint_of(x);
    struct event event = {.kind = EVENT_error, .complaint = &complaint};

    if (x->answer.told)
        return;
    if (!x->current->crossing) {
        exchange_dialect(x)->write_stream_complaint(&complaint, out);
        return;
    }
    crossing_send(x->current->crossing, &event);
    (void)buffer_append(out, buffer_span(&x->current->crossing->out));
}

/* In a stream that has begun: an error event, and an end that is well-formed but without the
 * end mark. */
static void end_stream(struct exchange *x)
{
    struct buffer event _buffer_;
    struct buffer head _buffer_;
    struct span pieces[3] = {SPAN(""), SPAN(""), SPAN("")};
    bool chunked = x->answer.form == ANSWER_CHUNKED;

    buffer_init(&event, x->view->page->limits.event_bytes);
    buffer_init(&head, 64);
    tell_error(x, &event);
    if (chunked && event.len > 0)
        (void)http_append_chunk_head(&head, event.len);
    pieces[0] = buffer_span(&head);
    pieces[1] = buffer_span(&event);
    if (chunked)
        pieces[2] = event.len > 0 ? SPAN("\r\n0\r\n\r\n") : SPAN("0\r\n\r\n");
    (void)client_send(x->client, pieces, 3);
    x->answer.ended = true;
    x->keep = x->keep && chunked;
}

void reply_fault(struct exchange *x)
{
    if (!x->client || x->answer.ended)
        return;
    limits_say_refusal(x);
    if (x->answer.head_sent) {
        if (x->answer.stream)
            end_stream(x);
        return; /* else: a cut, see settle_log */
    }
    if (passes(x)) {
        reply_provider_words(x);
        return;
    }
    if (fault_row(x->fault)->flags & FAULT_CLOSES)
        x->keep = false;
    reply_complaint(x);
}

void reply_bare(struct worker *worker, struct client *client, enum fault fault,
                const char *detail)
{
    struct complaint complaint;
    struct refusal refusal = {.param = NULL};
    struct buffer body _buffer_;
    struct buffer message _buffer_;
    struct span pieces[2];
    char id[REQUEST_ID_SIZE];
    struct arena arena;

    arena_init(&arena, 0);
    exchange_make_id(worker, clock_wall_ms(), id);
    settle_bare(worker, client, span_of(id, sizeof(id)), fault, detail);
    buffer_init(&body, MESSAGE_LIMIT);
    buffer_init(&message, 512);
    if (detail) {
        (void)buffer_append_format(&message, "%s (%s)", fault_row(fault)->message, detail);
        refusal.message = buffer_span(&message);
    }
    complaint = of_fault(fault, &refusal, &arena);
    (void)write_body(dialect_row(DIALECT_DEFAULT), &complaint, 0, &body);
    reply_begin_head(worker, fault_row(fault)->status, SPAN("application/json"), body.len);
    reply_add_field(worker, SPAN("x-request-id"), span_of(id, sizeof(id)));
    reply_add_field(worker, SPAN("x-aigw-error-source"), SPAN("gateway"));
    reply_add_field(worker, SPAN("connection"), SPAN("close"));
    (void)buffer_append(&worker->head, SPAN("\r\n"));
    pieces[0] = buffer_span(&worker->head);
    pieces[1] = buffer_span(&body);
    (void)client_send(client, pieces, 2);
    client_finish(client, false);
    arena_done(&arena);
}
