/* Heads of answers, and the answers that need no provider. Errors are complain.c. */
#include <time.h>

#include "shared/base/check.h"

#include "worker/flow/stored.h"
#include "worker/worker.h"

#define DROPPED_LIMIT 1024 /* of the header that names what was dropped */

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

void reply_add_field(struct worker *worker, struct span name, struct span value)
{
    add_field(&worker->head, name, value);
}

void reply_begin_head(struct worker *worker, uint16_t status, struct span content_type,
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

/* The provider's headers that its dialect's clients know; of another dialect only what every
 * client understands. */
static void pass_on(struct exchange *x, const struct http_head *from)
{
    static const struct span common[] = {{"retry-after", 11}};
    const struct dialect *dialect = exchange_dialect(x);
    const struct span *names = x->current->crossing ? common : dialect->answer_headers;
    unsigned count = x->current->crossing ? ARRAY_LEN(common) : dialect->answer_header_count;
    struct span id = http_find(from, SPAN("x-request-id"));
    struct buffer *out = &x->worker->head;

    for (unsigned i = 0; i < count; i++) {
        struct span value = http_find(from, names[i]);

        /* The body of an error is checked, so it is plain or not the provider's. */
        if (from->status >= 400 && span_eq(names[i], SPAN("content-encoding")))
            continue;
        if (value.ptr && http_value_valid(value) && !limits_hide_field(x, names[i]))
            add_field(out, names[i], value);
    }
    if (!id.ptr)
        id = http_find(from, SPAN("request-id"));
    if (id.ptr && http_value_valid(id))
        add_field(out, SPAN("x-aigw-provider-request-id"), id);
}

/* What a translation left out. */
static void add_dropped(struct exchange *x, struct buffer *out)
{
    struct span list = SPAN_NONE;

    if (x->current->crossing)
        list = dropped_list(&x->current->crossing->translation, DROPPED_LIMIT);
    if (list.ptr && http_value_valid(list))
        add_field(out, SPAN("x-aigw-dropped"), list);
}

void reply_end_head(struct exchange *x)
{
    struct buffer *out = &x->worker->head;

    add_dropped(x, out);
    cached_add_fields(x);
    limits_add_fields(x);
    attempts_add_fields(x);
    if (x->answer.estimated)
        add_field(out, SPAN("x-aigw-estimated"), SPAN("true"));
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

    reply_begin_head(x->worker, status, content_type, length);
    if (x->answer.form == ANSWER_CHUNKED)
        add_field(out, SPAN("transfer-encoding"), SPAN("chunked"));
    if (x->answer.stream) {
        add_field(out, SPAN("cache-control"), SPAN("no-cache"));
        add_field(out, SPAN("x-accel-buffering"), SPAN("no"));
    }
    if (from) {
        pass_on(x, from);
        if (from->status >= 400)
            add_field(out, SPAN("x-aigw-error-source"), SPAN("provider"));
    }
    reply_end_head(x);
    return arena_copy(&x->arena, buffer_span(out));
}

/* What is small goes when the turn ends: who asks the same again, elsewhere, finds all that is
 * kept of this answer. */
void reply_send(struct exchange *x, struct span body)
{
    struct span pieces[2] = {buffer_span(&x->worker->head), body};
    unsigned count = x->head.head_only || body.len == 0 ? 1 : 2;

    if (!x->client)
        return;
    x->answer.head_sent = true;
    x->answer.ended = true;
    x->answer.sent_bytes += pieces[0].len + (count > 1 ? body.len : 0);
    (void)client_send_last(x->client, pieces, count);
}

void reply_json(struct exchange *x, uint16_t status, struct span body)
{
    x->answer.status = status;
    reply_begin_head(x->worker, status, SPAN("application/json"), body.len);
    reply_end_head(x);
    reply_send(x, body);
}

static void reply_options(struct exchange *x)
{
    x->answer.status = 204;
    reply_begin_head(x->worker, 204, SPAN_NONE, HTTP_LENGTH_NONE);
    add_field(&x->worker->head, SPAN("allow"), span_of_text(x->head.allow));
    reply_end_head(x);
    reply_send(x, SPAN_NONE);
}

static void reply_health(struct exchange *x)
{
    bool draining = x->worker->draining && !x->worker->replaced;

    if (x->head.operation == OPERATION_health)
        reply_json(x, 200, SPAN("{\"status\":\"ok\"}"));
    else if (draining)
        reply_json(x, 503, SPAN("{\"status\":\"draining\"}"));
    else
        reply_json(x, 200, SPAN("{\"status\":\"ready\"}"));
}

static void refuse_local(struct exchange *x, enum fault fault)
{
    x->fault = fault;
    reply_fault(x);
}

void reply_local(struct exchange *x)
{
    if (x->head.options) {
        reply_options(x);
        return;
    }
    switch ((enum operation_kind)operation_row(x->head.operation)->kind) {
    case OPERATION_KIND_MODELS: reply_models(x); break;
    case OPERATION_KIND_MODEL: reply_model(x); break;
    case OPERATION_KIND_HEALTH: reply_health(x); break;
    case OPERATION_KIND_SOCKET: refuse_local(x, FAULT_no_socket); break;
    case OPERATION_KIND_STORED:
    case OPERATION_KIND_STORED_ITEMS: stored_reply(x); break;
    case OPERATION_KIND_CHAT:
    case OPERATION_KIND_CHAT_WHOLE:
    case OPERATION_KIND_CHAT_STREAM:
    case OPERATION_KIND_COUNT:
    case OPERATION_KIND_EMBEDDINGS:
    case OPERATION_KIND_COMPLETIONS: CHECK(!operation_calls(operation_row(x->head.operation)));
    }
}
