#include "worker/accept/client.h"

#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

static struct client *client_of(struct wire *wire)
{
    return (struct client *)(void *)((char *)wire - offsetof(struct client, wire));
}

static void wait_for(struct client *client, enum client_state state, uint32_t limit_ms)
{
    client->state = (uint8_t)state;
    if (limit_ms > 0)
        reactor_arm(client->reactor, &client->deadline, limit_ms);
    else
        reactor_disarm(client->reactor, &client->deadline);
}

/* What is left of PIECE_MS when BYTES took SPENT_MS: a client that moves a byte in each period
 * is as slow as one that moves none. At least 1; 0 is no limit. */
static uint32_t paced(const struct client *client, uint32_t piece_ms, uint64_t bytes,
                      uint64_t spent_ms)
{
    uint64_t allowed_ms;

    if (piece_ms == 0 || client->times->client_rate == 0)
        return piece_ms;
    allowed_ms = piece_ms + bytes * 1000 / client->times->client_rate;
    if (spent_ms >= allowed_ms)
        return 1;
    return allowed_ms - spent_ms < piece_ms ? (uint32_t)(allowed_ms - spent_ms) : piece_ms;
}

static void wait_for_body(struct client *client)
{
    uint64_t spent_ms = reactor_now_ms(client->reactor) - client->body_began_ms;

    wait_for(client, CLIENT_BODY,
             paced(client, client->times->client_body_ms, client->body_bytes, spent_ms));
}

static void watch_sending(struct client *client)
{
    uint64_t spent_ms =
        client->waited_ms + reactor_now_ms(client->reactor) - client->waits_since_ms;
    uint32_t left_ms =
        paced(client, client->times->client_send_ms, client->waited_bytes, spent_ms);

    client->pending_seen = client->wire.pending_bytes;
    if (left_ms > 0)
        reactor_arm(client->reactor, &client->sending, left_ms);
}

static void stop_timers(struct client *client)
{
    reactor_disarm(client->reactor, &client->deadline);
    reactor_disarm(client->reactor, &client->sending);
}

static bool open_for_events(const struct client *client)
{
    return client->state != CLIENT_CLOSING;
}

/* When a write has failed a deadline tells of it; a fast stream must not arm that again with
 * each further write. */
static bool takes_bytes(const struct client *client)
{
    return open_for_events(client) && !client->wire.broken;
}

/* Takes the connection away from its exchange and closes it. */
static void lose(struct client *client, enum fault fault)
{
    if (!open_for_events(client))
        return;
    client->state = CLIENT_CLOSING;
    stop_timers(client);
    if (client->exchange)
        client->events->gone(client, fault);
    wire_close_sending(&client->wire);
}

static void refuse(struct client *client, enum fault fault, const char *detail)
{
    client->state = CLIENT_ANSWERING;
    reactor_disarm(client->reactor, &client->deadline);
    client->events->refused(client, fault, detail);
}

static void head_arrived(struct client *client, const struct http_head *head)
{
    client->requests++;
    client->body_began_ms = reactor_now_ms(client->reactor);
    client->body_bytes = 0;
    wait_for_body(client);
    client->events->head(client, head);
}

static void request_whole(struct client *client)
{
    reactor_disarm(client->reactor, &client->deadline);
    client->state = CLIENT_ANSWERING;
    client->events->received(client);
}

/* One event of the reader. False when reading must pause (an answer is due) or is over. */
static bool read_one(struct client *client, struct span *rest)
{
    const struct http_head *head;
    struct span body;

    switch (http_next(&client->reader, rest, &head, &body)) {
    case HTTP_MORE: return false;
    case HTTP_HEAD: head_arrived(client, head); break;
    case HTTP_BODY:
        client->body_bytes += body.len;
        wait_for_body(client);
        client->events->body(client, body);
        break;
    case HTTP_DONE: request_whole(client); break;
    case HTTP_BAD: refuse(client, FAULT_bad_http, client->reader.error); break;
    case HTTP_HEAD_TOO_LARGE: refuse(client, FAULT_head_too_large, NULL); break;
    case HTTP_TARGET_TOO_LONG: refuse(client, FAULT_uri_too_long, NULL); break;
    }
    return client->state != CLIENT_ANSWERING && open_for_events(client);
}

static void keep_for_later(struct client *client, struct span rest)
{
    if (rest.len == 0 || !open_for_events(client))
        return;
    (void)buffer_append(&client->pipelined, rest);
    if (client->pipelined.len >= CLIENT_PIPELINE_BYTES / 2)
        wire_read_stop(&client->wire);
}

static void read_requests(struct client *client, struct span rest)
{
    client->turning = true;
    if (client->state == CLIENT_IDLE)
        wait_for(client, CLIENT_HEAD, client->times->client_head_ms);
    while (client->state != CLIENT_ANSWERING && open_for_events(client) &&
           read_one(client, &rest))
        continue;
    client->turning = false;
    if (client->state == CLIENT_ANSWERING)
        keep_for_later(client, rest);
    else if (client->state == CLIENT_IDLE && !http_reader_idle(&client->reader))
        wait_for(client, CLIENT_HEAD, client->times->client_head_ms);
}

/* An answer may have ended while its request was being read: then the next one follows. */
static void read_pipelined(struct client *client)
{
    while (client->state == CLIENT_IDLE && client->pipelined.len > 0) {
        struct buffer now = client->pipelined;

        buffer_init(&client->pipelined, CLIENT_PIPELINE_BYTES + REACTOR_READ_BYTES);
        wire_read_start(&client->wire);
        read_requests(client, buffer_span(&now));
        buffer_done(&now);
    }
    if (client->state == CLIENT_IDLE && client->peer_ended)
        lose(client, FAULT_client_gone);
}

static void received(struct wire *wire, struct span bytes)
{
    struct client *client = client_of(wire);

    if (client->state == CLIENT_ANSWERING) {
        keep_for_later(client, bytes);
        return;
    }
    read_requests(client, bytes);
    read_pipelined(client);
}

static void opened(struct wire *wire)
{
    struct client *client = client_of(wire);

    client->events->opened(client, wire_resumed(wire));
    wait_for(client, CLIENT_IDLE, client->times->client_head_ms);
}

static void ended(struct wire *wire)
{
    struct client *client = client_of(wire);

    client->peer_ended = true;
    lose(client, FAULT_client_gone);
}

static void failed(struct wire *wire, int error)
{
    struct client *client = client_of(wire);

    if (error == WIRE_TLS_FAILED && client->requests == 0)
        client->events->handshake_failed(client);
    lose(client, FAULT_client_gone);
}

/* A write went: BEFORE bytes were pending, now PENDING are, or it failed. */
static void note_pending(struct client *client, long before, long pending)
{
    if (pending > before)
        client->waited_bytes += (uint64_t)(pending - before);
    if (pending > 0 && client->waits_since_ms == 0)
        client->waits_since_ms = reactor_now_ms(client->reactor);
    if (pending < 0) /* the wire tells nobody of it, and `gone` must not come from in here */
        reactor_arm(client->reactor, &client->sending, 0);
    else if (pending > 0 && !deadline_armed(&client->sending))
        watch_sending(client);
}

static void waits(struct wire *wire)
{
    struct client *client = client_of(wire);

    if (open_for_events(client))
        note_pending(client, 0, client->wire.pending_bytes);
}

static void drained(struct wire *wire)
{
    struct client *client = client_of(wire);

    reactor_disarm(client->reactor, &client->sending);
    if (client->waits_since_ms > 0)
        client->waited_ms += reactor_now_ms(client->reactor) - client->waits_since_ms;
    client->waits_since_ms = 0;
    if (open_for_events(client))
        client->events->drained(client);
}

static void closed(struct wire *wire)
{
    struct client *client = client_of(wire);

    stop_timers(client);
    client->events->closed(client);
    http_reader_done(&client->reader);
    buffer_done(&client->pipelined);
    memory_wipe(&client->secret_memo, sizeof(client->secret_memo));
    memory_free(client);
}

static const struct wire_events events = {
    .opened = opened,
    .received = received,
    .ended = ended,
    .failed = failed,
    .waits = waits,
    .drained = drained,
    .closed = closed,
};

static void time_passed(struct deadline *deadline)
{
    struct client *client =
        (struct client *)(void *)((char *)deadline - offsetof(struct client, deadline));

    if (client->state == CLIENT_HEAD || client->state == CLIENT_BODY)
        refuse(client, FAULT_client_too_slow, NULL);
    else
        lose(client, FAULT_client_gone);
}

/* The client took nothing for a whole period or far too little in all, or a write found it
 * gone. */
static void sending_passed(struct deadline *deadline)
{
    struct client *client =
        (struct client *)(void *)((char *)deadline - offsetof(struct client, sending));

    if (client->wire.broken)
        lose(client, FAULT_client_gone);
    else if (client->wire.pending_bytes < client->pending_seen)
        watch_sending(client);
    else
        lose(client, FAULT_client_stalled);
}

struct client *client_open(struct reactor *reactor, int fd, struct tls_settings *tls,
                           const struct http_limits *limits, const struct snapshot_times *times,
                           const struct client_events *client_events, void *owner)
{
    struct client *client = MEMORY_NEW(struct client);
    int result;

    client->events = client_events;
    client->reactor = reactor;
    client->owner = owner;
    client->times = times;
    client->deadline.passed = time_passed;
    client->sending.passed = sending_passed;
    http_reader_init(&client->reader, HTTP_REQUESTS, limits, reactor->http);
    buffer_init(&client->pipelined, CLIENT_PIPELINE_BYTES + REACTOR_READ_BYTES);
    result = wire_open(&client->wire, reactor, &events, fd, tls);
    if (result < 0) {
        http_reader_done(&client->reader);
        memory_free(client);
        errno = -result;
        return NULL;
    }
    wait_for(client, CLIENT_IDLE, times->client_head_ms);
    wire_read_start(&client->wire);
    return client;
}

struct span client_peer(struct client *client)
{
    if (client->peer_len == 0) {
        char text[sizeof(client->peer)];
        struct span peer = wire_peer(&client->wire, text);

        memcpy(client->peer, peer.ptr, peer.len);
        client->peer_len = (uint8_t)peer.len;
    }
    return span_of(client->peer, client->peer_len);
}

void client_continue(struct client *client)
{
    struct span line = SPAN("HTTP/1.1 100 Continue\r\n\r\n");

    (void)client_send(client, &line, 1);
}

long client_send(struct client *client, const struct span *pieces, unsigned count)
{
    long before = client->wire.pending_bytes, pending;

    if (!takes_bytes(client))
        return -EPIPE;
    pending = wire_write(&client->wire, pieces, count);
    note_pending(client, before, pending);
    return pending;
}

long client_send_last(struct client *client, const struct span *pieces, unsigned count)
{
    long before = client->wire.pending_bytes, pending;

    if (!takes_bytes(client))
        return -EPIPE;
    pending = wire_write_later(&client->wire, pieces, count);
    note_pending(client, before, pending);
    return pending;
}

void client_finish(struct client *client, bool keep)
{
    bool whole = client->state == CLIENT_ANSWERING;

    client->exchange = NULL;
    if (!open_for_events(client))
        return;
    if (!keep || !whole) {
        client->state = CLIENT_CLOSING;
        stop_timers(client);
        wire_close_lingering(&client->wire);
        return;
    }
    http_reader_next_message(&client->reader);
    wait_for(client, CLIENT_IDLE,
             client->retire_ms > 0 ? client->retire_ms : client->times->client_idle_ms);
    if (!client->turning)
        read_pipelined(client);
}

void client_abort(struct client *client)
{
    client->exchange = NULL;
    if (!open_for_events(client))
        return;
    client->state = CLIENT_CLOSING;
    stop_timers(client);
    wire_reset(&client->wire);
}

void client_retire(struct client *client, uint32_t grace_ms)
{
    client->retire_ms = grace_ms;
    if (client->state == CLIENT_IDLE)
        reactor_arm(client->reactor, &client->deadline, grace_ms);
}
