#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/wire/wire.h"

#define PATIENCE_MS 5000
#define BULK_BYTES  (4U << 20)

/* What an owner does inside an event. */
enum habit {
    HABIT_NONE,
    HABIT_CLOSE,
    HABIT_RESET,
    HABIT_STOP,
    HABIT_ECHO,
};

/* A wire and what its events said. */
struct end {
    struct wire wire;
    struct buffer received;
    int opened, ended, failed, drained, closed;
    int error;
    enum habit on_opened, on_received, on_ended, on_failed, on_drained;
};

static struct reactor reactor;
static uv_timer_t watchdog;

static struct end *end_of(struct wire *wire)
{
    return (struct end *)wire;
}

static void follow(struct wire *wire, enum habit habit, struct span bytes)
{
    switch (habit) {
    case HABIT_NONE: break;
    case HABIT_CLOSE: wire_close(wire); break;
    case HABIT_RESET: wire_reset(wire); break;
    case HABIT_STOP: wire_read_stop(wire); break;
    case HABIT_ECHO: ck_assert_int_ge(wire_write(wire, &bytes, 1), 0); break;
    }
}

static void opened(struct wire *wire)
{
    ck_assert_int_eq(end_of(wire)->closed, 0);
    end_of(wire)->opened++;
    follow(wire, end_of(wire)->on_opened, SPAN_NONE);
}

static void received(struct wire *wire, struct span bytes)
{
    ck_assert(!wire->closing);
    ck_assert(buffer_append(&end_of(wire)->received, bytes));
    follow(wire, end_of(wire)->on_received, bytes);
}

static void ended(struct wire *wire)
{
    ck_assert(!wire->closing);
    end_of(wire)->ended++;
    follow(wire, end_of(wire)->on_ended, SPAN_NONE);
}

static void failed(struct wire *wire, int error)
{
    ck_assert(!wire->closing);
    end_of(wire)->failed++;
    end_of(wire)->error = error;
    follow(wire, end_of(wire)->on_failed, SPAN_NONE);
}

static void drained(struct wire *wire)
{
    ck_assert(!wire->closing);
    ck_assert_uint_eq(wire->pending_bytes, 0);
    end_of(wire)->drained++;
    follow(wire, end_of(wire)->on_drained, SPAN_NONE);
}

static void closed(struct wire *wire)
{
    end_of(wire)->closed++;
}

static const struct wire_events events = {
    .opened = opened,
    .received = received,
    .ended = ended,
    .failed = failed,
    .drained = drained,
    .closed = closed,
};

static void out_of_patience(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("what the test waits for did not happen");
}

static void before(void)
{
    ck_assert_int_eq(reactor_init(&reactor), 0);
    ck_assert_int_eq(uv_timer_init(&reactor.loop, &watchdog), 0);
    ck_assert_int_eq(uv_timer_start(&watchdog, out_of_patience, PATIENCE_MS, 0), 0);
}

static void after(void)
{
    uv_close((uv_handle_t *)&watchdog, NULL);
    reactor_done(&reactor);
}

#define RUN_UNTIL(condition) \
    while (!(condition))     \
    (void)uv_run(&reactor.loop, UV_RUN_ONCE)

static void end_init(struct end *end)
{
    *end = (struct end){.error = 0};
    buffer_init(&end->received, 16 * BULK_BYTES);
}

static void end_done(struct end *end)
{
    if (!end->wire.closing)
        wire_close(&end->wire);
    RUN_UNTIL(end->closed);
    ck_assert_int_eq(end->closed, 1);
    ck_assert_ptr_null(end->wire.out);
    ck_assert_ptr_null(end->wire.linger);
    ck_assert_ptr_null(end->wire.connect);
    buffer_done(&end->received);
}

/* END on one side of a socket pair; returns the other side. */
static int open_pair(struct end *end)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    end_init(end);
    ck_assert_int_eq(wire_open(&end->wire, &reactor, &events, pair[0], NULL), 0);
    return pair[1];
}

static int listen_loopback(struct sockaddr_in *ret_address)
{
    socklen_t size = sizeof(*ret_address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *ret_address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)ret_address, sizeof(*ret_address)), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ret_address, &size), 0);
    return fd;
}

/* END over loopback TCP; returns the peer's blocking socket. */
static int open_tcp(struct end *end)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(peer, (struct sockaddr *)&address, sizeof(address)), 0);
    end_init(end);
    ck_assert_int_eq(
        wire_open(&end->wire, &reactor, &events, accept(listener, NULL, NULL), NULL), 0);
    (void)close(listener);
    return peer;
}

static char *bulk(void)
{
    char *bytes = memory_new(BULK_BYTES);

    for (size_t i = 0; i < BULK_BYTES; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    return bytes;
}

/* Reads what is there without waiting; false at the end. */
static bool take(int fd, struct buffer *into)
{
    char bytes[65536];
    ssize_t count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (count > 0)
        ck_assert(buffer_append(into, span_of(bytes, (size_t)count)));
    return count != 0;
}

START_TEST(bytes_go_both_ways_and_the_end_is_noticed)
{
    struct end end;
    int peer = open_pair(&end);
    char text[16];

    end.on_received = HABIT_ECHO;
    wire_read_start(&end.wire);
    ck_assert_int_eq(write(peer, "hello", 5), 5);
    RUN_UNTIL(end.received.len == 5);
    ck_assert_int_eq(read(peer, text, sizeof(text)), 5);
    ck_assert_mem_eq(text, "hello", 5);
    (void)close(peer);
    RUN_UNTIL(end.ended);
    ck_assert_int_eq(end.failed, 0);
    ck_assert_int_eq(end.opened, 0);
    end_done(&end);
    ck_assert_int_eq(end.ended, 1);
}

END_TEST

START_TEST(pieces_arrive_in_order_whatever_their_number)
{
    struct end end;
    int peer = open_pair(&end);
    struct span pieces[50];
    char expected[256], text[256];
    size_t size = 0;

    for (unsigned i = 0; i < ARRAY_LEN(pieces); i++) {
        pieces[i] =
            span_of(&"abcdefghijklmnopqrstuvwxyz"[i % 26], i % 4 < 26 - i % 26 ? i % 4 : 0);
        if (pieces[i].len)
            memcpy(expected + size, pieces[i].ptr, pieces[i].len);
        size += pieces[i].len;
    }
    ck_assert_int_eq(wire_write(&end.wire, pieces, ARRAY_LEN(pieces)), 0);
    ck_assert_int_eq(read(peer, text, sizeof(text)), (ssize_t)size);
    ck_assert_mem_eq(text, expected, size);
    ck_assert_int_eq(wire_write(&end.wire, NULL, 0), 0);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(what_the_kernel_does_not_take_is_kept_sent_later_and_freed)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span pieces[] = {span_of(bytes, 100), span_of(bytes + 100, 0),
                            span_of(bytes + 100, BULK_BYTES / 2 - 100)};
    struct span rest = span_of(bytes + BULK_BYTES / 2, BULK_BYTES / 2);
    struct buffer got;

    buffer_init(&got, BULK_BYTES);
    ck_assert_int_gt(wire_write(&end.wire, pieces, 3), 0);
    for (; rest.len > 0; rest = span_skip(rest, 1000)) {
        struct span piece = span_of(rest.ptr, rest.len < 1000 ? rest.len : 1000);

        ck_assert_int_gt(wire_write(&end.wire, &piece, 1), 0);
    }
    ck_assert_int_eq(end.drained, 0);
    while (got.len < BULK_BYTES) {
        ck_assert(take(peer, &got));
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    }
    RUN_UNTIL(end.drained);
    ck_assert_int_eq(end.drained, 1);
    ck_assert_ptr_null(end.wire.out);
    ck_assert_mem_eq(got.ptr, bytes, BULK_BYTES);
    buffer_done(&got);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(a_stopped_wire_reads_nothing_until_it_is_started_again)
{
    struct end end;
    int peer = open_pair(&end);

    end.on_received = HABIT_STOP;
    wire_read_start(&end.wire);
    ck_assert_int_eq(write(peer, "one", 3), 3);
    RUN_UNTIL(end.received.len == 3);
    ck_assert_int_eq(write(peer, "two", 3), 3);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(end.received.len, 3);
    (void)close(peer);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(end.ended, 0);
    end.on_received = HABIT_NONE;
    wire_read_start(&end.wire);
    RUN_UNTIL(end.ended);
    ck_assert_mem_eq(end.received.ptr, "onetwo", 6);
    end_done(&end);
}

END_TEST

START_TEST(a_full_buffer_is_one_read_per_turn)
{
    struct end end;
    int peer = open_tcp(&end);
    char *bytes = bulk();
    const size_t size = REACTOR_READ_BYTES * 3;

    ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    wire_read_start(&end.wire);
    for (size_t sent = 0, before_turn; sent < size || end.received.len < size;) {
        ssize_t count = sent < size ? write(peer, bytes + sent, size - sent) : 0;

        sent += count > 0 ? (size_t)count : 0;
        before_turn = end.received.len;
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
        ck_assert_uint_le(end.received.len - before_turn, REACTOR_READ_BYTES);
    }
    ck_assert_mem_eq(end.received.ptr, bytes, size);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(shutdown_comes_after_what_is_pending_and_reading_goes_on)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);
    struct buffer got;

    buffer_init(&got, BULK_BYTES);
    wire_read_start(&end.wire);
    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    wire_shutdown(&end.wire);
    ck_assert_int_eq(wire_write(&end.wire, &all, 1), -EPIPE);
    while (take(peer, &got))
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(got.len, BULK_BYTES);
    ck_assert_int_eq(write(peer, "late", 4), 4);
    RUN_UNTIL(end.received.len == 4);
    buffer_done(&got);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(every_event_may_close_its_wire)
{
    static const enum habit ways[] = {HABIT_CLOSE, HABIT_RESET};
    enum habit way = ways[_i % 2];
    struct end end;
    int peer = open_tcp(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);
    struct buffer got;

    buffer_init(&got, BULK_BYTES);
    switch (_i / 2) {
    case 0:
        end.on_received = way;
        ck_assert_int_eq(write(peer, "x", 1), 1);
        break;
    case 1:
        end.on_ended = way;
        (void)shutdown(peer, SHUT_WR);
        break;
    case 2:
        end.on_failed = way;
        (void)setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                         sizeof(struct linger));
        (void)close(peer);
        break;
    default:
        end.on_drained = way;
        ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
        break;
    }
    wire_read_start(&end.wire);
    while (!end.closed) {
        if (_i / 2 == 3)
            (void)take(peer, &got);
        (void)uv_run(&reactor.loop, _i / 2 == 3 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
    ck_assert_int_eq((int)end.received.len + end.ended + end.failed + end.drained, 1);
    ck_assert_int_eq(end.error, _i / 2 == 2 ? -ECONNRESET : 0);
    end_done(&end);
    buffer_done(&got);
    memory_free(bytes);
    if (_i / 2 != 2)
        (void)close(peer);
}

END_TEST

START_TEST(closing_with_bytes_pending_frees_them)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);

    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    ck_assert_int_gt(wire_write(&end.wire, &all, 1), BULK_BYTES);
    wire_close(&end.wire);
    ck_assert_int_eq(wire_write(&end.wire, &all, 1), -EPIPE);
    wire_close(&end.wire);
    memory_free(bytes);
    end_done(&end);
    ck_assert_int_eq(end.drained, 0);
    (void)close(peer);
}

END_TEST

START_TEST(more_than_the_limit_never_waits)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);
    long pending = 0;

    for (unsigned i = 0; pending >= 0 && i < WIRE_PENDING_MAX_BYTES / BULK_BYTES + 2; i++) {
        pending = wire_write(&end.wire, &all, 1);
        ck_assert_int_le(pending, WIRE_PENDING_MAX_BYTES);
    }
    ck_assert_int_eq(pending, -ENOBUFS);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(reset_looks_like_a_reset)
{
    struct end end;
    int peer = open_tcp(&end);
    char text[8];
    struct span half = SPAN("half");

    ck_assert_int_eq(wire_write(&end.wire, &half, 1), 0);
    ck_assert_int_eq(read(peer, text, 4), 4);
    wire_reset(&end.wire);
    RUN_UNTIL(end.closed);
    ck_assert_int_eq(read(peer, text, sizeof(text)), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(a_write_to_a_peer_that_left_is_an_error_and_no_signal)
{
    struct end end;
    int peer = open_pair(&end);
    struct span bytes = SPAN("x");

    (void)close(peer);
    ck_assert_int_eq(wire_write(&end.wire, &bytes, 1), -EPIPE);
    for (int i = 0; i < 3; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(end.failed, 0);
    end_done(&end);
}

END_TEST

START_TEST(a_pending_write_that_fails_is_told_once)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);

    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    (void)close(peer);
    RUN_UNTIL(end.failed);
    ck_assert_int_eq(end.error, -EPIPE);
    ck_assert_int_eq(wire_write(&end.wire, &all, 1), -EPIPE);
    memory_free(bytes);
    end_done(&end);
    ck_assert_int_eq(end.failed, 1);
}

END_TEST

/* A client that sends a large body, and reads the early answer only when it is through. */
START_TEST(lingering_saves_the_answer_while_the_peer_still_sends)
{
    struct end end;
    int peer = open_tcp(&end);
    struct span answer = SPAN("413");
    char text[8] = "";

    wire_read_start(&end.wire);
    end.on_received = HABIT_STOP;
    ck_assert_int_eq(write(peer, "one", 3), 3);
    RUN_UNTIL(end.received.len == 3);
    ck_assert_int_eq(write(peer, "unread", 6), 6);
    ck_assert_int_eq(wire_write(&end.wire, &answer, 1), 0);
    wire_close_lingering(&end.wire);
    for (int i = 0; i < 5; i++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(end.closed, 0);
    ck_assert_int_eq(write(peer, "more", 4), 4);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(read(peer, text, 4), 3);
    ck_assert_str_eq(text, "413");
    ck_assert_int_eq(read(peer, text, 4), 0);
    (void)close(peer);
    RUN_UNTIL(end.closed);
    ck_assert_uint_eq(end.received.len, 3);
    ck_assert_int_eq(end.ended, 0);
    end_done(&end);
}

END_TEST

START_TEST(lingering_ends_by_time_by_bytes_or_by_force)
{
    struct end end;
    int peer = open_tcp(&end);
    char *bytes = bulk();
    uint64_t began_ms = reactor_now_ms(&reactor);

    wire_close_lingering(&end.wire);
    ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    if (_i == 2)
        wire_close(&end.wire);
    while (!end.closed) {
        if (_i == 1)
            ck_assert_int_ne(send(peer, bytes, REACTOR_READ_BYTES, MSG_NOSIGNAL), 0);
        (void)uv_run(&reactor.loop, UV_RUN_ONCE);
    }
    if (_i == 0)
        ck_assert_uint_ge(reactor_now_ms(&reactor) - began_ms, WIRE_LINGER_MS);
    else
        ck_assert_uint_lt(reactor_now_ms(&reactor) - began_ms, WIRE_LINGER_MS);
    memory_free(bytes);
    end_done(&end);
    (void)close(peer);
}

END_TEST

START_TEST(lingering_first_sends_what_is_pending)
{
    struct end end;
    int peer = open_pair(&end);
    char *bytes = bulk();
    struct span all = span_of(bytes, BULK_BYTES);
    struct buffer got;

    buffer_init(&got, BULK_BYTES);
    ck_assert_int_gt(wire_write(&end.wire, &all, 1), 0);
    wire_close_lingering(&end.wire);
    while (take(peer, &got))
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(got.len, BULK_BYTES);
    (void)close(peer);
    RUN_UNTIL(end.closed);
    ck_assert_int_eq(end.drained, 0);
    buffer_done(&got);
    memory_free(bytes);
    end_done(&end);
}

END_TEST

START_TEST(connect_opens_and_sends_what_was_written_before)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    struct span early = SPAN("early");
    struct end end;
    char text[46];
    int peer;

    end_init(&end);
    ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address,
                                  NULL, SPAN_NONE),
                     0);
    wire_tune(&end.wire, 65536, 65536);
    ck_assert_int_eq(wire_write(&end.wire, &early, 1), 5);
    wire_read_start(&end.wire);
    ck_assert_int_eq(end.opened, 0);
    peer = accept(listener, NULL, NULL);
    RUN_UNTIL(end.opened && end.drained);
    ck_assert_int_eq(read(peer, text, sizeof(text)), 5);
    ck_assert(span_eq(wire_peer(&end.wire, text), SPAN("127.0.0.1")));
    ck_assert_int_eq(write(peer, "answer", 6), 6);
    RUN_UNTIL(end.received.len == 6);
    end_done(&end);
    ck_assert_int_eq(end.opened, 1);
    (void)close(peer);
    (void)close(listener);
}

END_TEST

START_TEST(connect_to_a_unix_socket_or_to_none)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/test_wire.XXXXXX";
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct end end;
    char text[46];

    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
    for (int there = 0; there < 2; there++) {
        if (there) {
            ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
            ck_assert_int_eq(listen(listener, 1), 0);
        }
        end_init(&end);
        ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address,
                                      NULL, SPAN_NONE),
                         0);
        ck_assert_int_eq(end.opened + end.failed, 0);
        RUN_UNTIL(end.opened + end.failed);
        ck_assert_int_eq(end.opened, there);
        ck_assert_int_eq(end.error, there ? 0 : -ENOENT);
        if (there)
            ck_assert(span_eq(wire_peer(&end.wire, text), SPAN("unix")));
        end_done(&end);
    }
    (void)close(listener);
    (void)unlink(address.sun_path);
    (void)rmdir(folder);
}

END_TEST

START_TEST(a_refused_connect_fails_and_may_close_in_the_event)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    struct end end;

    (void)close(listener);
    end_init(&end);
    end.on_failed = _i ? HABIT_CLOSE : HABIT_NONE;
    ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address,
                                  NULL, SPAN_NONE),
                     0);
    RUN_UNTIL(end.failed);
    ck_assert_int_eq(end.error, -ECONNREFUSED);
    ck_assert(wire_error_text(&end.wire, end.error).len > 0);
    end_done(&end);
}

END_TEST

START_TEST(a_connect_may_be_closed_before_it_is_through)
{
    struct sockaddr_in tcp;
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/s"};
    int listener = listen_loopback(&tcp);
    struct span early = SPAN("early");
    struct end end;

    end_init(&end);
    ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events,
                                  _i ? (struct sockaddr *)&local : (struct sockaddr *)&tcp,
                                  NULL, SPAN_NONE),
                     0);
    (void)wire_write(&end.wire, &early, 1);
    wire_close(&end.wire);
    end_done(&end);
    ck_assert_int_eq(end.opened + end.failed + end.drained, 0);
    (void)close(listener);
}

END_TEST

START_TEST(an_open_event_may_close)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    struct end end;

    end_init(&end);
    end.on_opened = HABIT_CLOSE;
    ck_assert_int_eq(wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address,
                                  NULL, SPAN_NONE),
                     0);
    wire_read_start(&end.wire);
    RUN_UNTIL(end.closed);
    end_done(&end);
    (void)close(listener);
}

END_TEST

START_TEST(no_descriptor_is_an_error_that_is_returned)
{
    struct sockaddr_in address;
    int listener = listen_loopback(&address);
    struct rlimit limit, none;
    struct end end;
    int result;

    /* Wakes up the loop's own descriptors before the limit is set. */
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    end_init(&end);
    result = wire_connect(&end.wire, &reactor, &events, (struct sockaddr *)&address, NULL,
                          SPAN_NONE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_int_eq(result, -EMFILE);
    ck_assert_int_eq(wire_open(&end.wire, &reactor, &events, -1, NULL), -EBADF);
    ck_assert_int_eq(wire_open(&end.wire, &reactor, &events, open("/dev/null", O_RDONLY), NULL),
                     -ENOTSOCK);
    (void)close(listener);
}

END_TEST

START_TEST(an_idle_wire_is_small)
{
    ck_assert_uint_lt(sizeof(struct wire), 400);
}

END_TEST

/* ---- reactor --------------------------------------------------------------------------- */

struct alarm_case {
    struct deadline deadline;
    struct reactor_task task;
    int passed;
    int ran;
};

static void alarm_passed(struct deadline *deadline)
{
    ((struct alarm_case *)deadline)->passed++;
}

static void task_ran(struct reactor_task *task)
{
    struct alarm_case *at =
        (struct alarm_case *)(void *)((char *)task - offsetof(struct alarm_case, task));

    if (++at->ran < 3)
        reactor_soon(&reactor, task);
}

START_TEST(the_ticker_runs_only_while_a_deadline_is_armed)
{
    struct alarm_case at = {.deadline.passed = alarm_passed};
    uint64_t began_ms = reactor_now_ms(&reactor);

    ck_assert(!uv_is_active((uv_handle_t *)&reactor.ticker));
    reactor_arm(&reactor, &at.deadline, 20);
    ck_assert(uv_is_active((uv_handle_t *)&reactor.ticker));
    RUN_UNTIL(at.passed);
    ck_assert_uint_ge(reactor_now_ms(&reactor) - began_ms, 20);
    ck_assert(!uv_is_active((uv_handle_t *)&reactor.ticker));
    reactor_arm(&reactor, &at.deadline, 5000);
    reactor_disarm(&reactor, &at.deadline);
    RUN_UNTIL(!uv_is_active((uv_handle_t *)&reactor.ticker));
    ck_assert_int_eq(at.passed, 1);
}

END_TEST

START_TEST(a_task_runs_once_a_turn_and_can_be_forgotten)
{
    struct alarm_case at = {.task.run = task_ran};
    struct alarm_case other = {.task.run = task_ran};

    reactor_soon(&reactor, &at.task);
    reactor_soon(&reactor, &at.task);
    reactor_soon(&reactor, &other.task);
    reactor_forget(&other.task);
    ck_assert_int_eq(at.ran, 0);
    for (int turn = 1; turn <= 3; turn++) {
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
        ck_assert_int_eq(at.ran, turn);
    }
    ck_assert(!uv_is_active((uv_handle_t *)&reactor.idler));
    ck_assert_int_eq(other.ran, 0);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *wire = tcase_create("wire");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(wire, before, after);
    tcase_add_test(wire, bytes_go_both_ways_and_the_end_is_noticed);
    tcase_add_test(wire, pieces_arrive_in_order_whatever_their_number);
    tcase_add_test(wire, what_the_kernel_does_not_take_is_kept_sent_later_and_freed);
    tcase_add_test(wire, a_stopped_wire_reads_nothing_until_it_is_started_again);
    tcase_add_test(wire, a_full_buffer_is_one_read_per_turn);
    tcase_add_test(wire, shutdown_comes_after_what_is_pending_and_reading_goes_on);
    tcase_add_loop_test(wire, every_event_may_close_its_wire, 0, 8);
    tcase_add_test(wire, closing_with_bytes_pending_frees_them);
    tcase_add_test(wire, more_than_the_limit_never_waits);
    tcase_add_test(wire, reset_looks_like_a_reset);
    tcase_add_test(wire, a_write_to_a_peer_that_left_is_an_error_and_no_signal);
    tcase_add_test(wire, a_pending_write_that_fails_is_told_once);
    tcase_add_test(wire, lingering_saves_the_answer_while_the_peer_still_sends);
    tcase_add_loop_test(wire, lingering_ends_by_time_by_bytes_or_by_force, 0, 3);
    tcase_add_test(wire, lingering_first_sends_what_is_pending);
    tcase_add_test(wire, connect_opens_and_sends_what_was_written_before);
    tcase_add_test(wire, connect_to_a_unix_socket_or_to_none);
    tcase_add_loop_test(wire, a_refused_connect_fails_and_may_close_in_the_event, 0, 2);
    tcase_add_loop_test(wire, a_connect_may_be_closed_before_it_is_through, 0, 2);
    tcase_add_test(wire, an_open_event_may_close);
    tcase_add_test(wire, no_descriptor_is_an_error_that_is_returned);
    tcase_add_test(wire, an_idle_wire_is_small);
    tcase_add_test(wire, the_ticker_runs_only_while_a_deadline_is_armed);
    tcase_add_test(wire, a_task_runs_once_a_turn_and_can_be_forgotten);
    suite_add_tcase(suite, wire);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
