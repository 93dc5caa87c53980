/* tests/unit/worker/accept/client_case.h
 *
 * What the tests of a client's connection stand on: an owner that writes down what it is told
 * and does in an event what the test asked for.
 */
#ifndef TESTS_UNIT_WORKER_ACCEPT_CLIENT_CASE_H
#define TESTS_UNIT_WORKER_ACCEPT_CLIENT_CASE_H

#include "tests/unit/worker/wire/wire_case.h"
#include "worker/accept/client.h"

#define LONG_MS  60000
#define SHORT_MS 40

/* What the owner does in an event. */
enum act {
    ACT_WAIT, /* the test answers later */
    ACT_KEEP,
    ACT_END,
    ACT_ABORT,
};

/* An owner that writes down what it is told. */
struct host {
    struct client *client;
    struct buffer told;
    struct snapshot_times times;
    struct http_limits limits;
    enum act on_head, on_body, on_received;
    unsigned answers, received, closed, drained;
    int peer;
    bool continues;
};

static struct host host;
static struct http_scratch scratch;

static inline void tell(const char *what, struct span bytes)
{
    ck_assert_uint_eq(host.closed, 0);
    ck_assert(buffer_append(&host.told, span_of_text(what)));
    ck_assert(buffer_append(&host.told, bytes));
    ck_assert(buffer_append_byte(&host.told, ' '));
}

static inline void send_text(const char *text)
{
    struct span piece = span_of_text(text);

    (void)client_send(host.client, &piece, 1);
}

static inline void answer(bool keep)
{
    struct buffer text _buffer_;
    struct span piece;

    buffer_init(&text, 100);
    (void)buffer_append_format(&text, "<%u>", ++host.answers);
    piece = buffer_span(&text);
    ck_assert_int_ge(client_send(host.client, &piece, 1), 0);
    client_finish(host.client, keep);
}

static inline void act(enum act what)
{
    switch (what) {
    case ACT_WAIT: break;
    case ACT_KEEP: answer(true); break;
    case ACT_END: answer(false); break;
    case ACT_ABORT: client_abort(host.client); break;
    }
}

static inline void on_head(struct client *client, const struct http_head *head)
{
    tell("head:", head->target);
    ck_assert_ptr_null(client->exchange);
    client->exchange = &host;
    if (host.continues && head->expect_continue)
        client_continue(client);
    act(host.on_head);
}

static inline void on_body(struct client *client, struct span bytes)
{
    ck_assert_ptr_eq(client->exchange, &host);
    tell("body:", bytes);
    act(host.on_body);
}

static inline void on_received(struct client *client)
{
    ck_assert_ptr_eq(client->exchange, &host);
    host.received++;
    tell("whole", SPAN_NONE);
    act(host.on_received);
}

static inline void on_gone(struct client *client, enum fault fault)
{
    tell("gone:", span_of_text(fault_row(fault)->name));
    client->exchange = NULL;
}

static inline void on_drained(struct client *client)
{
    (void)client;
    host.drained++;
}

static inline void on_refused(struct client *client, enum fault fault, const char *detail)
{
    (void)detail;
    tell(client->exchange ? "refused+:" : "refused:", span_of_text(fault_row(fault)->name));
    answer(false);
}

static inline void on_closed(struct client *client)
{
    ck_assert_ptr_null(client->exchange);
    tell("closed", SPAN_NONE);
    host.closed++;
}

static const struct client_events host_events = {
    .head = on_head,
    .body = on_body,
    .received = on_received,
    .gone = on_gone,
    .drained = on_drained,
    .refused = on_refused,
    .closed = on_closed,
};

static inline void open_client(int fd, int peer)
{
    reactor.http = &scratch;
    host.peer = peer;
    host.client =
        client_open(&reactor, fd, NULL, &host.limits, &host.times, &host_events, &host);
    ck_assert_ptr_nonnull(host.client);
}

#endif
