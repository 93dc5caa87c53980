#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/tls/tls.h"
#include "worker/upstream/inside.h"

#define ANSWER_HEAD_BYTES 65536

void upstream_init(struct upstream *upstream, struct reactor *reactor,
                   struct resolver *resolver, struct span user_agent)
{
    *upstream = (struct upstream){
        .reactor = reactor,
        .resolver = resolver,
        .limits = {.head_bytes = ANSWER_HEAD_BYTES, .header_count = HTTP_HEADERS_MAX},
        .user_agent = user_agent,
    };
}

static void close_idle(struct endpoint *endpoint)
{
    while (endpoint->idle) {
        struct connection *connection = endpoint->idle;

        connection_close(connection);
    }
}

void upstream_close_idle(struct upstream *upstream)
{
    for (struct endpoint *endpoint = upstream->endpoints; endpoint; endpoint = endpoint->next)
        close_idle(endpoint);
}

static bool same(const struct endpoint_options *a, const struct endpoint_options *b)
{
    return a->port == b->port && a->tls == b->tls && a->proxy_port == b->proxy_port &&
           a->connections_max == b->connections_max && a->keep_ms == b->keep_ms &&
           a->dial == b->dial && span_eq(a->host, b->host) &&
           span_eq(a->proxy_host, b->proxy_host) &&
           span_eq(secret_reveal(a->proxy_authorization),
                   secret_reveal(b->proxy_authorization));
}

static struct span copy(struct span s)
{
    char *bytes;

    if (!s.ptr)
        return s;
    bytes = memory_new_raw(s.len);
    memcpy(bytes, s.ptr, s.len);
    return span_of(bytes, s.len);
}

static struct endpoint *endpoint_new(struct upstream *upstream,
                                     const struct endpoint_options *options)
{
    struct endpoint *endpoint = MEMORY_NEW(struct endpoint);

    endpoint->upstream = upstream;
    endpoint->options = *options;
    endpoint->options.host = copy(options->host.ptr ? options->host : SPAN(""));
    endpoint->options.proxy_host = copy(options->proxy_host);
    endpoint->options.proxy_authorization =
        secret_of(copy(secret_reveal(options->proxy_authorization)));
    if (options->tls)
        endpoint->options.tls = tls_settings_ref(options->tls);
    endpoint->next = upstream->endpoints;
    upstream->endpoints = endpoint;
    return endpoint;
}

struct endpoint *upstream_endpoint(struct upstream *upstream,
                                   const struct endpoint_options *options)
{
    struct endpoint *endpoint = upstream->endpoints;

    while (endpoint && (endpoint->single || !same(&endpoint->options, options)))
        endpoint = endpoint->next;
    return endpoint ? endpoint : endpoint_new(upstream, options);
}

struct endpoint *upstream_single(struct upstream *upstream,
                                 const struct endpoint_options *options)
{
    struct endpoint *endpoint = endpoint_new(upstream, options);

    endpoint->single = true;
    return endpoint;
}

static void free_copy(struct span s)
{
    memory_free((void *)(uintptr_t)s.ptr);
}

static void endpoint_free(struct endpoint *endpoint)
{
    reactor_forget(&endpoint->task);
    if (endpoint->options.tls)
        tls_settings_unref(endpoint->options.tls);
    free_copy(endpoint->options.host);
    free_copy(endpoint->options.proxy_host);
    free_copy(secret_reveal(endpoint->options.proxy_authorization));
    memory_free(endpoint);
}

void upstream_done(struct upstream *upstream)
{
    while (upstream->endpoints) {
        struct endpoint *endpoint = upstream->endpoints;

        /* Connections that close refer to their endpoint until they are gone: the last one
         * frees nothing, so the owner runs the loop before this. */
        close_idle(endpoint);
        CHECK(!endpoint->waiting && endpoint->connection_count == 0);
        upstream->endpoints = endpoint->next;
        endpoint_free(endpoint);
    }
}

static void leave(struct endpoint *endpoint)
{
    struct endpoint **at = &endpoint->upstream->endpoints;

    while (*at != endpoint)
        at = &(*at)->next;
    *at = endpoint->next;
}

void pool_look(struct endpoint *endpoint)
{
    if (!endpoint->given_up || endpoint->connection_count > 0)
        return;
    CHECK(!endpoint->waiting);
    leave(endpoint);
    endpoint_free(endpoint);
}

void upstream_give_up(struct endpoint *endpoint)
{
    CHECK(endpoint->single && !endpoint->given_up);
    endpoint->given_up = true;
    pool_look(endpoint);
}

void pool_unlink_idle(struct connection *connection)
{
    struct endpoint *endpoint = connection->endpoint;

    if (connection->idle_previous)
        connection->idle_previous->idle_next = connection->idle_next;
    else
        endpoint->idle = connection->idle_next;
    if (connection->idle_next)
        connection->idle_next->idle_previous = connection->idle_previous;
    connection->idle_next = NULL;
    connection->idle_previous = NULL;
    endpoint->idle_count--;
    reactor_disarm(endpoint->upstream->reactor, &connection->deadline);
}

static uint32_t most_connections(const struct endpoint *endpoint)
{
    uint32_t most = endpoint->options.connections_max;

    return most > 0 && most < UPSTREAM_POOL_MAX ? most : UPSTREAM_POOL_MAX;
}

static void enqueue(struct call *call)
{
    struct endpoint *endpoint = call->endpoint;

    call->next = NULL;
    if (endpoint->waiting_last)
        endpoint->waiting_last->next = call;
    else
        endpoint->waiting = call;
    endpoint->waiting_last = call;
}

void pool_place(struct call *call, bool fresh)
{
    struct endpoint *endpoint = call->endpoint;

    if (fresh && endpoint->idle && endpoint->connection_count >= most_connections(endpoint))
        connection_close(endpoint->idle);
    if (!fresh && endpoint->idle) {
        struct connection *connection = endpoint->idle;

        pool_unlink_idle(connection);
        endpoint->reused_count++;
        call->reused = true;
        connection_send(connection, call);
    } else if (endpoint->connection_count < most_connections(endpoint)) {
        connection_open(endpoint, call);
    } else {
        enqueue(call);
    }
}

static struct call *dequeue(struct endpoint *endpoint)
{
    struct call *call = endpoint->waiting;

    if (!call)
        return NULL;
    endpoint->waiting = call->next;
    if (!endpoint->waiting)
        endpoint->waiting_last = NULL;
    call->next = NULL;
    return call;
}

static void serve_waiting(struct reactor_task *task)
{
    struct endpoint *endpoint =
        (struct endpoint *)(void *)((char *)task - offsetof(struct endpoint, task));

    while (endpoint->waiting && endpoint->connection_count < most_connections(endpoint))
        connection_open(endpoint, dequeue(endpoint));
}

void pool_serve_waiting(struct endpoint *endpoint)
{
    if (!endpoint->waiting)
        return;
    endpoint->task.run = serve_waiting;
    reactor_soon(endpoint->upstream->reactor, &endpoint->task);
}

void pool_release(struct connection *connection, bool usable)
{
    struct endpoint *endpoint = connection->endpoint;
    struct call *call;

    connection->call = NULL;
    http_reader_next_message(&connection->reader);
    if (!usable || endpoint->options.keep_ms == 0) {
        connection_close(connection);
        return;
    }
    call = dequeue(endpoint);
    if (call) {
        endpoint->reused_count++;
        call->reused = true;
        connection_send(connection, call);
        return;
    }
    connection->state = CONNECTION_IDLE;
    connection->idle_next = endpoint->idle;
    if (endpoint->idle)
        endpoint->idle->idle_previous = connection;
    endpoint->idle = connection;
    endpoint->idle_count++;
    reactor_arm(endpoint->upstream->reactor, &connection->deadline, endpoint->options.keep_ms);
    wire_read_start(&connection->wire); /* to see the peer's end */
}
