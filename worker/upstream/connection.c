#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "worker/upstream/inside.h"

#define TRY_MS        2000 /* for one of several addresses */
#define CONNECT_LIMIT 2048
/* Of a body, at most this waits in the wire, as a copy; what follows stays where it is. */
#define BODY_AT_ONCE_BYTES (1U << 20)

static struct connection *connection_of(struct wire *wire)
{
    return (struct connection *)(void *)((char *)wire - offsetof(struct connection, wire));
}

static struct reactor *reactor_of(const struct connection *connection)
{
    return connection->endpoint->upstream->reactor;
}

static bool proxied(const struct connection *connection)
{
    return connection->endpoint->options.proxy_host.ptr != NULL;
}

/* The memory; nothing refers to it any more. */
static void forget(struct connection *connection)
{
    struct endpoint *endpoint = connection->endpoint;

    if (connection->previous)
        connection->previous->next = connection->next;
    else
        endpoint->all = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    endpoint->connection_count--;
    http_reader_done(&connection->reader);
    memory_free(connection->answer);
    memory_free(connection);
    pool_serve_waiting(endpoint);
    pool_look(endpoint);
}

void connection_close(struct connection *connection)
{
    CHECK(!connection->call);
    if (connection->state == CONNECTION_CLOSING)
        return;
    if (connection->state == CONNECTION_IDLE)
        pool_unlink_idle(connection);
    connection->state = CONNECTION_CLOSING;
    lookup_cancel(&connection->lookup);
    reactor_disarm(reactor_of(connection), &connection->deadline);
    if (!connection->has_wire)
        forget(connection);
    else if (!connection->retry) /* else the wire closes already */
        wire_close(&connection->wire);
}

/* It does not come to stand. */
static void never_stood(struct connection *connection, enum fault fault, const char *why)
{
    struct call *call = connection->call;

    connection->call = NULL;
    connection_close(connection);
    if (call)
        call_fail_soon(call, fault, why);
}

/* It broke while it carried a call. */
static void broke(struct connection *connection, const char *why)
{
    struct call *call = connection->call;

    connection->call = NULL;
    connection_close(connection);
    if (!call)
        return;
    call->connection = NULL;
    call_broken(call, call->stage == CALL_SENT ? FAULT_upstream_reset : FAULT_answer_cut, why);
}

static bool has_more(const struct connection *connection)
{
    return connection->body_at < connection->call->request->body_count;
}

bool call_sends(const struct call *call)
{
    return call->connection && call->connection->call == call && has_more(call->connection);
}

/* What is sent next of the body; the number of PIECES. */
static unsigned take_body(struct connection *connection, struct span *pieces)
{
    size_t room = BODY_AT_ONCE_BYTES;
    unsigned count = 0;

    while (room > 0 && has_more(connection)) {
        struct span whole = connection->call->request->body[connection->body_at];
        struct span rest = span_skip(whole, connection->body_skip);
        size_t size = rest.len < room ? rest.len : room;

        pieces[count++] = span_of(rest.ptr, size);
        room -= size;
        connection->body_skip += size;
        if (size < rest.len)
            continue;
        connection->body_at++;
        connection->body_skip = 0;
    }
    return count;
}

/* Sends HEAD and then of the body as much as the peer takes; `drained` goes on. */
static bool send_some(struct connection *connection, struct span head)
{
    struct span pieces[1 + CALL_BODY_PIECES] = {head};
    unsigned count = head.len > 0 ? 1 : 0;
    long pending;

    do {
        count += take_body(connection, pieces + count);
        pending = wire_write_later(&connection->wire, pieces, count);
        count = 0;
    } while (pending == 0 && has_more(connection));
    return pending >= 0;
}

void connection_send(struct connection *connection, struct call *call)
{
    const struct call_request *request = call->request;

    connection->call = call;
    connection->state = CONNECTION_BUSY;
    connection->answering = false;
    connection->keeps = false;
    connection->served++;
    connection->body_at = 0;
    connection->body_skip = 0;
    connection->reader.head_answer = request->method_id == HTTP_METHOD_HEAD;
    call->connection = connection;
    call->sent_ms = reactor_now_ms(reactor_of(connection));
    call_enter(call, CALL_SENT);
    if (!send_some(connection, buffer_span(&call->head))) {
        broke(connection, "the connection broke");
        return;
    }
    if (call->paused)
        wire_read_stop(&connection->wire);
    else
        wire_read_start(&connection->wire);
}

/* The connection stands, with all of proxy and TLS. */
static void stands(struct connection *connection)
{
    reactor_disarm(reactor_of(connection), &connection->deadline);
    memory_free(connection->answer);
    connection->answer = NULL;
    wire_tune(&connection->wire, 0, 0);
    connection_send(connection, connection->call);
}

static void append_authority(struct buffer *out, const struct endpoint *endpoint)
{
    struct span host = endpoint->options.host;
    bool v6 = memchr(host.ptr, ':', host.len) != NULL;

    (void)buffer_append(out, v6 ? SPAN("[") : SPAN(""));
    (void)buffer_append(out, host);
    (void)buffer_append(out, v6 ? SPAN("]:") : SPAN(":"));
    (void)buffer_append_u64(out, endpoint->options.port);
}

/* RFC 9110 9.3.6 */
static void ask_proxy(struct connection *connection)
{
    const struct endpoint *endpoint = connection->endpoint;
    struct span key = secret_reveal(endpoint->options.proxy_authorization), whole;
    struct buffer out _buffer_;

    buffer_init(&out, CONNECT_LIMIT);
    (void)buffer_append(&out, SPAN("CONNECT "));
    append_authority(&out, endpoint);
    (void)buffer_append(&out, SPAN(" HTTP/1.1\r\nHost: "));
    append_authority(&out, endpoint);
    if (key.ptr && http_value_valid(key)) {
        (void)buffer_append(&out, SPAN("\r\nProxy-Authorization: "));
        (void)buffer_append(&out, key);
    }
    (void)buffer_append(&out, SPAN("\r\n\r\n"));
    connection->state = CONNECTION_TUNNELLING;
    connection->reader.head_answer = true;
    whole = buffer_span(&out);
    if (out.failed || wire_write(&connection->wire, &whole, 1) < 0)
        never_stood(connection, FAULT_connect_refused, "the proxy closed the connection");
    else
        wire_read_start(&connection->wire);
}

static void read_proxy(struct connection *connection, struct span rest)
{
    struct endpoint *endpoint = connection->endpoint;
    const struct http_head *head;
    enum http_result result;
    struct span body;

    do {
        result = http_next(&connection->reader, &rest, &head, &body);
    } while (result == HTTP_HEAD && head->status < 200);
    if (result == HTTP_MORE)
        return;
    if (result != HTTP_HEAD || head->status > 299 || rest.len > 0) {
        never_stood(connection, FAULT_connect_refused, "the proxy refused the tunnel");
        return;
    }
    http_reader_next_message(&connection->reader);
    if (!endpoint->options.tls) {
        stands(connection);
        return;
    }
    connection->state = CONNECTION_SECURING;
    wire_start_tls(&connection->wire, endpoint->options.tls, endpoint->options.host);
}

static void opened(struct wire *wire)
{
    struct connection *connection = connection_of(wire);

    if (connection->state == CONNECTION_CONNECTING && proxied(connection))
        ask_proxy(connection);
    else
        stands(connection);
}

static void answer_ended(struct connection *connection, bool usable)
{
    struct call *call = connection->call;

    pool_release(connection, usable);
    call_finish(call);
}

static void answer_bad(struct connection *connection)
{
    struct call *call = connection->call;
    const char *why = connection->reader.error;

    connection->call = NULL;
    connection_close(connection);
    call->connection = NULL;
    call_fail_soon(call, FAULT_bad_answer, why ? why : "the head of the answer is too large");
}

static void give_head(struct connection *connection, const struct http_head *head)
{
    struct call *call = connection->call;

    if (head->status < 200)
        return; /* 100, 102, 103: nothing that we asked for or pass on */
    connection->keeps = head->keep_alive;
    buffer_done(&call->head); /* it is not sent again */
    call_enter(call, CALL_ANSWERED);
    call->events->answered(call, head);
}

static void give_body(struct connection *connection, struct span body)
{
    call_enter(connection->call, CALL_BODY);
    connection->call->events->body(connection->call, body);
}

static void give_turn(struct connection *connection)
{
    struct call *call = connection->call;

    if (call->stage == CALL_ANSWERED || call->stage == CALL_BODY)
        call->events->turn(call);
}

/* The owner may cancel in each event: then the connection has no call any more. */
static void read_answer(struct connection *connection, struct span rest)
{
    struct call *call = connection->call;

    if (!connection->answering) {
        connection->answering = true;
        call->reused = false;
        call->first_byte_ms = reactor_now_ms(reactor_of(connection));
    }
    while (connection->call == call) {
        const struct http_head *head;
        struct span body;

        switch (http_next(&connection->reader, &rest, &head, &body)) {
        case HTTP_MORE: give_turn(connection); return;
        case HTTP_HEAD: give_head(connection, head); break;
        case HTTP_BODY: give_body(connection, body); break;
        case HTTP_DONE:
            answer_ended(connection, connection->keeps && rest.len == 0 &&
                                         connection->wire.pending_bytes == 0 &&
                                         !has_more(connection));
            return;
        case HTTP_BAD:
        case HTTP_HEAD_TOO_LARGE:
        case HTTP_TARGET_TOO_LONG:
            give_turn(connection);
            if (connection->call == call)
                answer_bad(connection);
            return;
        }
    }
}

static void received(struct wire *wire, struct span bytes)
{
    struct connection *connection = connection_of(wire);

    if (connection->state == CONNECTION_TUNNELLING)
        read_proxy(connection, bytes);
    else if (connection->state == CONNECTION_BUSY)
        read_answer(connection, bytes);
    else
        connection_close(connection); /* nobody asked: it cannot be trusted */
}

static void try_next(struct connection *connection, enum fault fault, const char *why)
{
    bool more = connection->answer && connection->address_at + 1 < connection->answer->count;

    if (connection->state != CONNECTION_CONNECTING || !more || fault == FAULT_tls_failed) {
        never_stood(connection, fault, why);
        return;
    }
    reactor_disarm(reactor_of(connection), &connection->deadline);
    connection->retry = true;
    wire_close(&connection->wire);
}

static void ended(struct wire *wire)
{
    struct connection *connection = connection_of(wire);

    if (connection->state == CONNECTION_IDLE)
        connection_close(connection);
    else if (connection->state != CONNECTION_BUSY)
        never_stood(connection, FAULT_connect_refused, "the peer closed the connection");
    else if (http_closed(&connection->reader) == HTTP_DONE)
        answer_ended(connection, false);
    else
        broke(connection, "the peer closed the connection");
}

/* The wire's own text goes with its TLS, the endpoint stays. */
static const char *why_failed(struct connection *connection, int error)
{
    struct endpoint *endpoint = connection->endpoint;

    if (error != WIRE_TLS_FAILED)
        return log_error_text(error);
    (void)snprintf(endpoint->tls_fault, sizeof(endpoint->tls_fault), "TLS failed: %.*s",
                   SPAN_ARG(wire_error_text(&connection->wire, error)));
    return endpoint->tls_fault;
}

static void failed(struct wire *wire, int error)
{
    struct connection *connection = connection_of(wire);
    const char *why = why_failed(connection, error);

    if (connection->state == CONNECTION_IDLE)
        connection_close(connection);
    else if (connection->state != CONNECTION_BUSY)
        try_next(connection,
                 error == WIRE_TLS_FAILED ? FAULT_tls_failed : FAULT_connect_refused, why);
    else
        broke(connection, why);
}

static void drained(struct wire *wire)
{
    struct connection *connection = connection_of(wire);
    struct call *call = connection->call;

    if (!call || connection->state != CONNECTION_BUSY)
        return;
    if (has_more(connection) && !send_some(connection, SPAN_NONE)) {
        broke(connection, "the connection broke");
        return;
    }
    /* A large body is on its way only now: the provider's time begins. */
    if (call->stage == CALL_SENT)
        call_enter(call, CALL_SENT);
}

static void try_address(struct connection *connection);

static void closed(struct wire *wire)
{
    struct connection *connection = connection_of(wire);

    connection->has_wire = false;
    if (connection->state == CONNECTION_CLOSING) {
        forget(connection);
        return;
    }
    connection->retry = false;
    connection->address_at++;
    connection->wire = (struct wire){0};
    try_address(connection);
}

static const struct wire_events events = {
    .opened = opened,
    .received = received,
    .ended = ended,
    .failed = failed,
    .drained = drained,
    .closed = closed,
};

/* The address itself is looked at, not the name that led to it: names change. */
static const char *bar_of(const struct connection *connection, const struct sockaddr *address)
{
    const struct endpoint_options *options = &connection->endpoint->options;

    return options->bars ? options->bars(options->gate, address) : NULL;
}

static void try_address(struct connection *connection)
{
    const struct endpoint_options *options = &connection->endpoint->options;
    struct resolve_answer *answer = connection->answer;
    const char *bar = NULL;
    int result = -EHOSTUNREACH;

    for (; connection->address_at < answer->count; connection->address_at++) {
        union resolve_address *address = &answer->addresses[connection->address_at];

        /* The port stands at the same place in both families. */
        address->v4.sin_port = htons(proxied(connection) ? options->proxy_port : options->port);
        connection->state = CONNECTION_CONNECTING;
        bar = bar_of(connection, &address->any);
        if (bar)
            continue;
        result = wire_connect(&connection->wire, reactor_of(connection), &events, &address->any,
                              proxied(connection) ? NULL : options->tls, options->host);
        if (result < 0)
            continue;
        connection->has_wire = true;
        if (connection->address_at + 1 < answer->count)
            reactor_arm(reactor_of(connection), &connection->deadline, TRY_MS);
        return;
    }
    if (bar)
        never_stood(connection, FAULT_not_permitted, bar);
    else
        never_stood(connection, FAULT_connect_refused, log_error_text(result));
}

static void resolved_to(struct connection *connection, const struct resolve_answer *answer)
{
    if (answer->count == 0) {
        never_stood(connection, FAULT_dns_failed, answer->error);
        return;
    }
    connection->answer = MEMORY_NEW(struct resolve_answer);
    *connection->answer = *answer;
    try_address(connection);
}

static void resolved(struct lookup *lookup, const struct resolve_answer *answer)
{
    resolved_to(
        (struct connection *)(void *)((char *)lookup - offsetof(struct connection, lookup)),
        answer);
}

/* An address did not answer in its time, or an idle connection is old. */
static void time_passed(struct deadline *deadline)
{
    struct connection *connection =
        (struct connection *)(void *)((char *)deadline - offsetof(struct connection, deadline));

    if (connection->state == CONNECTION_IDLE)
        connection_close(connection);
    else
        try_next(connection, FAULT_connect_timeout, "connect time-out");
}

static void dial(struct connection *connection)
{
    const struct endpoint_options *options = &connection->endpoint->options;
    int fd = options->dial(reactor_of(connection));
    int result =
        fd < 0 ? fd : wire_open(&connection->wire, reactor_of(connection), &events, fd, NULL);

    if (result < 0) {
        never_stood(connection, FAULT_connect_refused, log_error_text(result));
        return;
    }
    connection->has_wire = true;
    stands(connection);
}

void connection_open(struct endpoint *endpoint, struct call *call)
{
    struct connection *connection = MEMORY_NEW(struct connection);
    struct span name = endpoint->options.proxy_host;
    struct resolve_answer answer;

    connection->endpoint = endpoint;
    connection->call = call;
    connection->deadline.passed = time_passed;
    connection->state = CONNECTION_RESOLVING;
    connection->next = endpoint->all;
    if (endpoint->all)
        endpoint->all->previous = connection;
    endpoint->all = connection;
    endpoint->connection_count++;
    endpoint->opened_count++;
    call->connection = connection;
    http_reader_init(&connection->reader, HTTP_ANSWERS, &endpoint->upstream->limits,
                     endpoint->upstream->reactor->http);
    if (endpoint->options.dial)
        dial(connection);
    else if (resolve(endpoint->upstream->resolver, &connection->lookup,
                     name.ptr ? name : endpoint->options.host, resolved, &answer))
        resolved_to(connection, &answer);
}
