#include "worker/mock/mock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"
#include "shared/http/http_reader.h"

#include "worker/mock/mock_answer.h"
#include "worker/wire/wire.h"

#define BODY_BYTES   (64U << 20)
#define ANSWER_BYTES (64U << 20)
#define BATCH_BYTES  16384 /* of a stream in one write */

static const struct http_limits limits = {
    .head_bytes = 65536,
    .target_bytes = 8192,
    .header_count = 128,
};

enum server_state {
    SERVER_READING,
    SERVER_WAITING,   /* slow or hanging */
    SERVER_STREAMING, /* also paused by the reader's pace */
};

/* One served connection. */
struct server {
    struct wire wire;
    struct http_reader reader;
    struct arena arena;
    struct span target;
    struct buffer body;
    struct mock_answer answer;
    struct deadline deadline;
    struct reactor_task task;
    uint8_t state;
    bool keeps;
    bool closing;
};

static struct server *server_of(struct wire *wire)
{
    return (struct server *)(void *)((char *)wire - offsetof(struct server, wire));
}

static void close_server(struct server *server)
{
    if (server->closing)
        return;
    server->closing = true;
    reactor_disarm(server->wire.reactor, &server->deadline);
    reactor_forget(&server->task);
    wire_close(&server->wire);
}

/* What came is dropped; the next request may begin. */
static void read_next(struct server *server)
{
    if (!server->keeps) {
        server->closing = true;
        wire_close_lingering(&server->wire);
        return;
    }
    arena_done(&server->arena);
    buffer_done(&server->body);
    http_reader_next_message(&server->reader);
    server->state = SERVER_READING;
    wire_read_start(&server->wire);
}

static void write_head(struct server *server, struct buffer *out, const uint64_t *length)
{
    const struct mock_answer *answer = &server->answer;

    (void)buffer_append(out, SPAN("HTTP/1.1 "));
    (void)buffer_append_u64(out, answer->status);
    (void)buffer_append_byte(out, ' ');
    (void)buffer_append(out, span_of_text(http_reason(answer->status)));
    if (length) {
        (void)buffer_append(out,
                            SPAN("\r\nContent-Type: application/json\r\nContent-Length: "));
        (void)buffer_append_u64(out, *length);
    } else {
        (void)buffer_append(out, SPAN("\r\nContent-Type: text/event-stream\r\n"
                                      "Cache-Control: no-cache\r\nTransfer-Encoding: chunked"));
    }
    if (answer->status == 429 || answer->status == 503)
        (void)buffer_append(out, SPAN("\r\nRetry-After: 1"));
    (void)buffer_append(out, SPAN("\r\n\r\n"));
}

static void write_whole(struct server *server)
{
    struct buffer head _buffer_, body _buffer_;
    struct span pieces[2];
    uint64_t length;

    buffer_init(&head, 4096);
    buffer_init(&body, ANSWER_BYTES);
    mock_answer_write(&server->answer, &body);
    length = body.len;
    write_head(server, &head, &length);
    pieces[0] = buffer_span(&head);
    pieces[1] = buffer_span(&body);
    if (server->answer.model.cuts && server->answer.model.cut_after < length) {
        pieces[1].len = server->answer.model.cut_after;
        server->keeps = false;
    }
    if (body.failed || wire_write(&server->wire, pieces, 2) < 0)
        close_server(server);
    else
        read_next(server);
}

/* The next event as a chunk; false when the stream is over. */
static bool add_piece(struct server *server, struct buffer *out)
{
    struct buffer event _buffer_;
    bool more;

    buffer_init(&event, ANSWER_BYTES);
    more = mock_answer_next(&server->answer, &event);
    if (!more) {
        (void)buffer_append(out, SPAN("0\r\n\r\n"));
        return false;
    }
    (void)http_append_chunk_head(out, event.len);
    (void)buffer_append(out, buffer_span(&event));
    (void)buffer_append(out, SPAN("\r\n"));
    return true;
}

static bool cut_here(const struct server *server)
{
    return server->answer.model.cuts && server->answer.at >= server->answer.model.cut_after;
}

/* One batch of a stream; goes on when the reader took it, at the pace that was asked for. */
static void stream_on(struct server *server)
{
    uint32_t pace_ms = server->answer.model.pace_ms;
    struct buffer out _buffer_;
    struct span piece;
    bool more = true;
    long pending;

    buffer_init(&out, ANSWER_BYTES);
    if (server->state != SERVER_STREAMING) {
        server->state = SERVER_STREAMING;
        write_head(server, &out, NULL);
    }
    while (more && !cut_here(server) && out.len < BATCH_BYTES) {
        more = add_piece(server, &out);
        if (pace_ms > 0)
            break;
    }
    piece = buffer_span(&out);
    pending = wire_write(&server->wire, &piece, 1);
    if (pending < 0 || out.failed) {
        close_server(server);
    } else if (!more || cut_here(server)) {
        server->keeps = server->keeps && !more;
        read_next(server);
    } else if (pace_ms > 0) {
        reactor_arm(server->wire.reactor, &server->deadline, pace_ms);
    } else if (pending == 0) {
        reactor_soon(server->wire.reactor, &server->task);
    } /* else `drained` */
}

static void stream_task(struct reactor_task *task)
{
    stream_on((struct server *)(void *)((char *)task - offsetof(struct server, task)));
}

/* Keeps this process busy, for measurements of how work spreads over workers. */
static void burn(uint32_t work_us)
{
    uint64_t until_ns = clock_monotonic_ns() + (uint64_t)work_us * 1000;

    while (clock_monotonic_ns() < until_ns)
        ;
}

static void answer_now(struct server *server)
{
    const struct mock_model *model = &server->answer.model;
    struct span garbage = SPAN("\x01\x02 this is no HTTP \xff\r\n\r\n");

    if (model->work_us > 0)
        burn(model->work_us);
    if (model->resets) {
        close_server(server);
    } else if (model->garbage) {
        (void)wire_write(&server->wire, &garbage, 1);
        server->keeps = false;
        read_next(server);
    } else if (server->answer.stream && !server->answer.error &&
               (server->answer.kind == MOCK_CHAT || server->answer.kind == MOCK_TEXT)) {
        stream_on(server);
    } else {
        write_whole(server);
    }
}

static void time_passed(struct deadline *deadline)
{
    struct server *server =
        (struct server *)(void *)((char *)deadline - offsetof(struct server, deadline));

    if (server->state == SERVER_STREAMING)
        stream_on(server);
    else
        answer_now(server);
}

/* The request is whole. */
static void serve(struct server *server)
{
    mock_answer_read(&server->answer, &server->arena, server->target,
                     buffer_span(&server->body), clock_wall_ms() / 1000);
    server->state = SERVER_WAITING;
    if (server->answer.model.hangs)
        return; /* reading goes on, so that the peer's end is seen */
    if (server->answer.model.slow_ms > 0)
        reactor_arm(server->wire.reactor, &server->deadline, server->answer.model.slow_ms);
    else
        answer_now(server);
}

static void received(struct wire *wire, struct span rest)
{
    struct server *server = server_of(wire);
    const struct http_head *head;
    struct span body;

    /* The pool sends one request at a time. */
    while (!server->closing && server->state == SERVER_READING) {
        switch (http_next(&server->reader, &rest, &head, &body)) {
        case HTTP_MORE: return;
        case HTTP_HEAD:
            server->target = arena_copy(&server->arena, head->target);
            server->keeps = head->keep_alive;
            break;
        case HTTP_BODY:
            if (!buffer_append(&server->body, body))
                close_server(server);
            break;
        case HTTP_DONE: serve(server); break;
        case HTTP_BAD:
        case HTTP_HEAD_TOO_LARGE:
        case HTTP_TARGET_TOO_LONG: close_server(server); break;
        }
    }
}

static void ended(struct wire *wire)
{
    close_server(server_of(wire));
}

static void failed(struct wire *wire, int error)
{
    (void)error;
    close_server(server_of(wire));
}

static void drained(struct wire *wire)
{
    struct server *server = server_of(wire);

    if (!server->closing && server->state == SERVER_STREAMING &&
        !deadline_armed(&server->deadline))
        stream_on(server);
}

static void closed(struct wire *wire)
{
    struct server *server = server_of(wire);

    http_reader_done(&server->reader);
    arena_done(&server->arena);
    buffer_done(&server->body);
    memory_free(server);
}

static const struct wire_events events = {
    .received = received,
    .ended = ended,
    .failed = failed,
    .drained = drained,
    .closed = closed,
};

static struct server *server_new(struct reactor *reactor)
{
    struct server *server = MEMORY_NEW(struct server);

    server->deadline.passed = time_passed;
    server->task.run = stream_task;
    arena_init(&server->arena, 0);
    buffer_init(&server->body, BODY_BYTES);
    http_reader_init(&server->reader, HTTP_REQUESTS, &limits, reactor->http);
    return server;
}

int mock_connect(struct reactor *reactor)
{
    struct server *server;
    int pair[2], result;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return -errno;
    server = server_new(reactor);
    result = wire_open(&server->wire, reactor, &events, pair[1], NULL);
    if (result < 0) {
        memory_free(server);
        (void)close(pair[0]);
        return result;
    }
    wire_read_start(&server->wire);
    return pair[0];
}
