/* Answers that the gateway writes itself: health, model lists, faults; and the heads of relayed
 * ones. */
#include <time.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/text/json_write.h"

#include "worker/translate/dialect.h"
#include "worker/worker.h"

#define HEAD_LIMIT    16384
#define MESSAGE_LIMIT 16384
#define MODELS_LIMIT  (16U << 20)

/* IMF-fixdate (RFC 9110 5.6.7), made once a second. */
static struct span date_of(struct worker *worker)
{
    uint64_t now_ms = reactor_now_ms(&worker->reactor);

    if (worker->date_ms == 0 || now_ms - worker->date_ms >= 1000) {
        time_t now = time(NULL);
        struct tm tm;

        (void)gmtime_r(&now, &tm);
        (void)strftime(worker->date, sizeof(worker->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        worker->date_ms = now_ms;
    }
    return span_of_text(worker->date);
}

static void add_field(struct buffer *out, struct span name, struct span value)
{
    (void)buffer_append(out, name);
    (void)buffer_append(out, SPAN(": "));
    (void)buffer_append(out, value);
    (void)buffer_append(out, SPAN("\r\n"));
}

static void begin_head(struct worker *worker, uint16_t status, struct span content_type,
                       uint64_t length)
{
    struct buffer *out = &worker->head;

    buffer_clear(out);
    out->failed = false;
    (void)buffer_append(out, SPAN("HTTP/1.1 "));
    (void)buffer_append_u64(out, status);
    (void)buffer_append_byte(out, ' ');
    (void)buffer_append(out, span_of_text(http_reason(status)));
    (void)buffer_append(out, SPAN("\r\n"));
    add_field(out, SPAN("date"), date_of(worker));
    if (content_type.len > 0)
        add_field(out, SPAN("content-type"), content_type);
    if (length == HTTP_LENGTH_NONE)
        return;
    (void)buffer_append(out, SPAN("content-length: "));
    (void)buffer_append_u64(out, length);
    (void)buffer_append(out, SPAN("\r\n"));
}

static void pass_on(struct buffer *out, const struct http_head *from)
{
    const struct dialect *dialect = dialect_row(DIALECT_DEFAULT);
    struct span id = http_find(from, SPAN("x-request-id"));

    for (unsigned i = 0; i < dialect->answer_header_count; i++) {
        struct span value = http_find(from, dialect->answer_headers[i]);

        /* The body of an error is checked, so it is plain or not the provider's. */
        if (from->status >= 400 &&
            span_eq(dialect->answer_headers[i], SPAN("content-encoding")))
            continue;
        if (value.ptr && http_value_valid(value))
            add_field(out, dialect->answer_headers[i], value);
    }
    if (id.ptr && http_value_valid(id))
        add_field(out, SPAN("x-aigw-provider-request-id"), id);
}

static void end_head(struct exchange *x, struct buffer *out)
{
    add_field(out, SPAN("x-request-id"), span_of(x->id, REQUEST_ID_SIZE));
    if (x->worker->draining)
        x->keep = false;
    if (!x->keep)
        add_field(out, SPAN("connection"), SPAN("close"));
    else if (x->head.minor == 0)
        add_field(out, SPAN("connection"), SPAN("keep-alive"));
    (void)buffer_append(out, SPAN("\r\n"));
}

struct span reply_head(struct exchange *x, uint16_t status, struct span content_type,
                       uint64_t length, const struct http_head *from)
{
    struct buffer *out = &x->worker->head;

    begin_head(x->worker, status, content_type, length);
    if (x->answer.form == ANSWER_CHUNKED)
        add_field(out, SPAN("transfer-encoding"), SPAN("chunked"));
    if (x->answer.stream) {
        add_field(out, SPAN("cache-control"), SPAN("no-cache"));
        add_field(out, SPAN("x-accel-buffering"), SPAN("no"));
    }
    if (from) {
        pass_on(out, from);
        if (from->status >= 400)
            add_field(out, SPAN("x-aigw-error-source"), SPAN("provider"));
    }
    end_head(x, out);
    return arena_copy(&x->arena, buffer_span(out));
}

static void send_whole(struct exchange *x, struct span body)
{
    struct span pieces[2] = {buffer_span(&x->worker->head), body};
    unsigned count = x->head.head_only || body.len == 0 ? 1 : 2;

    if (!x->client)
        return;
    x->answer.head_sent = true;
    x->answer.ended = true;
    x->answer.sent_bytes += pieces[0].len + (count > 1 ? body.len : 0);
    (void)client_send(x->client, pieces, count);
}

static void reply_json(struct exchange *x, uint16_t status, struct span body)
{
    x->answer.status = status;
    begin_head(x->worker, status, SPAN("application/json"), body.len);
    end_head(x, &x->worker->head);
    send_whole(x, body);
}

static void write_model(struct json_writer *json, const struct exchange *x,
                        const struct snapshot_model *row)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("id"), snapshot_span(x->view->snapshot, row->name));
    json_write_member_text(json, SPAN("object"), SPAN("model"));
    json_write_member_i64(json, SPAN("created"), row->created);
    json_write_member_text(json, SPAN("owned_by"),
                           snapshot_span(x->view->snapshot, row->owner));
    json_write_object_end(json);
}

static void reply_models(struct exchange *x)
{
    const struct snapshot *snapshot = x->view->snapshot;
    struct snapshot_table models = x->view->page->models;
    struct buffer body _buffer_;
    struct json_writer json;

    buffer_init(&body, MODELS_LIMIT);
    json_write_init(&json, &body);
    json_write_object(&json);
    json_write_member_text(&json, SPAN("object"), SPAN("list"));
    json_write_key(&json, SPAN("data"));
    json_write_array(&json);
    for (uint32_t i = 0; i < models.count; i++) {
        const struct snapshot_model *row = SNAPSHOT_ROW(snapshot, models, i, snapshot_model);

        if (row->listed &&
            caller_may_use(snapshot, &x->caller, snapshot_span(snapshot, row->name)))
            write_model(&json, x, row);
    }
    json_write_array_end(&json);
    json_write_object_end(&json);
    reply_json(x, 200, buffer_span(&body));
}

static void reply_model(struct exchange *x)
{
    const struct snapshot *snapshot = x->view->snapshot;
    const struct snapshot_model *row = snapshot_find_model(snapshot, x->head.argument);
    struct buffer body _buffer_;
    struct json_writer json;

    buffer_init(&body, MESSAGE_LIMIT);
    if (!row || !caller_may_use(snapshot, &x->caller, x->head.argument)) {
        x->fault = FAULT_model_not_found;
        reply_fault(x);
        return;
    }
    json_write_init(&json, &body);
    write_model(&json, x, row);
    reply_json(x, 200, buffer_span(&body));
}

static void reply_options(struct exchange *x)
{
    x->answer.status = 204;
    begin_head(x->worker, 204, SPAN_NONE, HTTP_LENGTH_NONE);
    add_field(&x->worker->head, SPAN("allow"), span_of_text(x->head.allow));
    end_head(x, &x->worker->head);
    send_whole(x, SPAN_NONE);
}

void reply_local(struct exchange *x)
{
    const bool answered_by_provider = false;

    if (x->head.options) {
        reply_options(x);
        return;
    }
    switch (x->head.operation) {
    case OPERATION_models: reply_models(x); break;
    case OPERATION_model: reply_model(x); break;
    case OPERATION_health: reply_json(x, 200, SPAN("{\"status\":\"ok\"}")); break;
    case OPERATION_ready:
        if (x->worker->draining && !x->worker->replaced)
            reply_json(x, 503, SPAN("{\"status\":\"draining\"}"));
        else
            reply_json(x, 200, SPAN("{\"status\":\"ready\"}"));
        break;
    case OPERATION_none:
    case OPERATION_chat:
    case OPERATION_embeddings:
    case OPERATION_completions:
    case OPERATION_COUNT: CHECK(answered_by_provider); break;
    }
}

/* The envelope of the chat dialect. */
static void write_error(struct buffer *out, enum fault fault, const struct refusal *refusal,
                        struct span detail)
{
    const struct fault_row *row = fault_row(fault);
    struct json_writer json;

    json_write_init(&json, out);
    json_write_object(&json);
    json_write_key(&json, SPAN("error"));
    json_write_object(&json);
    json_write_member_text(&json, SPAN("message"),
                           refusal && refusal->message.ptr ? refusal->message
                           : detail.ptr                    ? detail
                                                           : span_of_text(row->message));
    json_write_member_text(&json, SPAN("type"), span_of_text(row->type));
    json_write_member_text(&json, SPAN("param"),
                           refusal ? span_of_text(refusal->param) : SPAN_NONE);
    json_write_member_text(&json, SPAN("code"), span_of_text(row->code));
    json_write_object_end(&json);
    json_write_object_end(&json);
}

static void add_fault_fields(struct exchange *x, struct buffer *out)
{
    const struct fault_row *row = fault_row(x->fault);

    if (row->status == 401)
        add_field(out, SPAN("www-authenticate"), SPAN("Bearer realm=\"aigw\""));
    if (row->status == 405 && x->head.allow)
        add_field(out, SPAN("allow"), span_of_text(x->head.allow));
    if (row->status == 503)
        add_field(out, SPAN("retry-after"), SPAN("1"));
    if (row->flags & FAULT_NO_RETRY)
        add_field(out, SPAN("x-should-retry"), SPAN("false"));
    add_field(out, SPAN("x-aigw-error-source"),
              row->source == SOURCE_PROVIDER ? SPAN("provider") : SPAN("gateway"));
}

/* In a stream that has begun: an error event, and an end that is well-formed but without the
 * end mark. */
static void end_stream(struct exchange *x)
{
    struct buffer event _buffer_;
    struct buffer head _buffer_;
    struct span pieces[3];
    bool chunked = x->answer.form == ANSWER_CHUNKED;

    buffer_init(&event, MESSAGE_LIMIT);
    buffer_init(&head, 64);
    (void)buffer_append(&event, SPAN("data: "));
    write_error(&event, x->fault, NULL, SPAN_NONE);
    (void)buffer_append(&event, SPAN("\n\n"));
    (void)http_append_chunk_head(&head, event.len);
    pieces[0] = chunked ? buffer_span(&head) : SPAN("");
    pieces[1] = buffer_span(&event);
    pieces[2] = chunked ? SPAN("\r\n0\r\n\r\n") : SPAN("");
    (void)client_send(x->client, pieces, 3);
    x->answer.ended = true;
    x->keep = x->keep && chunked;
}

static bool is_error_object(struct span body)
{
    struct json_pick pick = {.key = SPAN("error")};
    struct json_error error;
    size_t open;
    bool empty;

    return json_pick(body, &pick, 1, &open, &empty, &error) && !empty;
}

/* The provider's own words when they are a JSON object; else ours, with its status. */
void reply_provider_error(struct exchange *x)
{
    struct span words = buffer_span(&x->error_body);
    struct buffer body _buffer_;

    buffer_init(&body, MESSAGE_LIMIT);
    x->answer.status = x->answer.upstream_status;
    if (x->error_body.failed || !is_error_object(words)) {
        write_error(&body, x->fault, NULL, SPAN_NONE);
        words = buffer_span(&body);
    }
    /* The head was made when the answer began, before the length was known: its empty line
     * goes. */
    buffer_clear(&x->worker->head);
    (void)buffer_append(&x->worker->head, span_of(x->answer.head.ptr, x->answer.head.len - 2));
    (void)buffer_append(&x->worker->head, SPAN("content-length: "));
    (void)buffer_append_u64(&x->worker->head, words.len);
    (void)buffer_append(&x->worker->head, SPAN("\r\n\r\n"));
    send_whole(x, words);
}

void reply_fault(struct exchange *x)
{
    struct buffer body _buffer_;

    buffer_init(&body, MESSAGE_LIMIT);
    if (!x->client || x->answer.ended)
        return;
    if (x->answer.head_sent) {
        if (x->answer.stream)
            end_stream(x);
        return; /* else: a cut, see settle_log */
    }
    if (x->answer.failing && x->fault == FAULT_provider_error) {
        reply_provider_error(x);
        return;
    }
    if (fault_row(x->fault)->flags & FAULT_CLOSES)
        x->keep = false;
    x->answer.status = fault_row(x->fault)->status;
    write_error(&body, x->fault, &x->refusal, SPAN_NONE);
    begin_head(x->worker, x->answer.status, SPAN("application/json"), body.len);
    add_fault_fields(x, &x->worker->head);
    end_head(x, &x->worker->head);
    send_whole(x, buffer_span(&body));
}

void reply_bare(struct worker *worker, struct client *client, enum fault fault,
                const char *detail)
{
    struct buffer body _buffer_;
    struct buffer message _buffer_;
    struct span pieces[2];
    char id[REQUEST_ID_SIZE];

    exchange_make_id(worker, clock_wall_ms(), id);
    settle_bare(worker, client, span_of(id, sizeof(id)), fault, detail);
    buffer_init(&body, MESSAGE_LIMIT);
    buffer_init(&message, 512);
    if (detail)
        (void)buffer_append_format(&message, "%s (%s)", fault_row(fault)->message, detail);
    write_error(&body, fault, NULL, message.len ? buffer_span(&message) : SPAN_NONE);
    begin_head(worker, fault_row(fault)->status, SPAN("application/json"), body.len);
    add_field(&worker->head, SPAN("x-request-id"), span_of(id, sizeof(id)));
    add_field(&worker->head, SPAN("x-aigw-error-source"), SPAN("gateway"));
    add_field(&worker->head, SPAN("connection"), SPAN("close"));
    (void)buffer_append(&worker->head, SPAN("\r\n"));
    pieces[0] = buffer_span(&worker->head);
    pieces[1] = buffer_span(&body);
    (void)client_send(client, pieces, 2);
    client_finish(client, false);
}
