/* What connections tell the corridor. */
#include <errno.h>
#include <unistd.h>

#include "shared/base/log.h"

#include "worker/worker.h"

static struct worker *worker_of(const struct client *client)
{
    return client->owner;
}

static struct exchange *exchange_on(const struct client *client)
{
    return client->exchange;
}

static void head(struct client *client, const struct http_head *from)
{
    struct worker *worker = worker_of(client);

    control_catch_up(worker);
    (void)exchange_begin(worker, client, from);
}

static void body(struct client *client, struct span bytes)
{
    if (exchange_on(client))
        flow_body(exchange_on(client), bytes);
}

static void whole(struct client *client)
{
    if (exchange_on(client))
        flow_received(exchange_on(client));
}

static void gone(struct client *client, enum fault fault)
{
    struct exchange *x = exchange_on(client);

    client->exchange = NULL;
    flow_cancel(x, fault);
}

static void drained(struct client *client)
{
    if (exchange_on(client))
        relay_drained(exchange_on(client));
}

static void refused(struct client *client, enum fault fault, const char *detail)
{
    struct exchange *x = exchange_on(client);

    if (x) {
        x->keep = false;
        x->detail = detail ? span_of_text(detail) : SPAN_NONE;
        flow_cancel(x, fault);
        return;
    }
    if (fault == FAULT_client_too_slow && client->reader.partial.len == 0 &&
        client->requests == 0) {
        client_abort(client);
        return;
    }
    metric_add(worker_of(client)->metrics, METRIC_requests_failed_total, 1);
    reply_bare(worker_of(client), client, fault, detail);
}

static void opened(struct client *client, bool resumed)
{
    metric_add(worker_of(client)->metrics, METRIC_handshakes_total, 1);
    if (resumed)
        metric_add(worker_of(client)->metrics, METRIC_handshakes_resumed_total, 1);
}

static void handshake_failed(struct client *client)
{
    metric_add(worker_of(client)->metrics, METRIC_handshakes_failed_total, 1);
}

static void closed(struct client *client)
{
    struct worker *worker = worker_of(client);

    if (client->next)
        client->next->previous = client->previous;
    if (client->previous)
        client->previous->next = client->next;
    else
        worker->clients = client->next;
    worker->client_count--;
    listener_left(&worker->listener);
    drain_look(worker);
}

static const struct client_events events = {
    .head = head,
    .body = body,
    .received = whole,
    .gone = gone,
    .drained = drained,
    .refused = refused,
    .opened = opened,
    .handshake_failed = handshake_failed,
    .closed = closed,
};

static struct worker *worker_of_listener(struct listener *listener)
{
    return (struct worker *)(void *)((char *)listener - offsetof(struct worker, listener));
}

static void refuse_connection(struct worker *worker, int fd)
{
    if (fd >= 0)
        (void)close(fd);
    listener_left(&worker->listener);
}

static void accepted(struct listener *listener, int fd, unsigned which)
{
    struct worker *worker = worker_of_listener(listener);
    const struct view_listener *where = &worker->view->listeners[which];
    struct client *client;

    CHECK(which < worker->view->listener_count);
    metric_add(worker->metrics, METRIC_connections_total, 1);
    if (where->secure && !where->tls) {
        refuse_connection(worker, fd);
        return;
    }
    client = client_open(&worker->reactor, fd, where->tls, &worker->limits, &worker->times,
                         &events, worker);
    if (!client) {
        refuse_connection(worker, -1);
        return;
    }
    wire_tune(&client->wire, (int)worker->view->page->limits.client_send_buffer_bytes, 0);
    client->next = worker->clients;
    if (client->next)
        client->next->previous = client;
    worker->clients = client;
    worker->client_count++;
}

static uint32_t lowest(struct listener *listener)
{
    struct worker *worker = worker_of_listener(listener);
    uint32_t count =
        segment_lowest_connections(worker->segment, reactor_now_ms(&worker->reactor));
    uint32_t own = atomic_load_explicit(&worker->slot->connections, memory_order_relaxed);

    return count < own ? count : own;
}

static void listener_closed(struct listener *listener)
{
    struct worker *worker = worker_of_listener(listener);

    for (unsigned i = 0; i < worker->listener_count; i++)
        (void)close(worker->listener_fds[i]);
    worker->accepting_ended = true;
    drain_look(worker);
}

int clients_open(struct worker *worker)
{
    struct listener_owner owner = {
        .accepted = accepted,
        .lowest = lowest,
        .closed = listener_closed,
        .connections = &worker->slot->connections,
    };

    return listener_open(&worker->listener, &worker->reactor, &owner, worker->listener_fds,
                         worker->listener_count);
}
