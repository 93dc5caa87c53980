/* tests/unit/worker/wire/wire_case.h
 *
 * What the tests of the wire share: a loop with a watchdog, an owner that does in an event what
 * the test asked for, and other ends made of socket pairs and loopback TCP.
 */
#ifndef TESTS_UNIT_WORKER_WIRE_WIRE_CASE_H
#define TESTS_UNIT_WORKER_WIRE_WIRE_CASE_H

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
    int opened, ended, failed, waits, drained, closed;
    int error;
    enum habit on_opened, on_received, on_ended, on_failed, on_drained;
};

static struct reactor reactor;
static uv_timer_t watchdog;

static inline struct end *end_of(struct wire *wire)
{
    return (struct end *)wire;
}

static inline void follow(struct wire *wire, enum habit habit, struct span bytes)
{
    switch (habit) {
    case HABIT_NONE: break;
    case HABIT_CLOSE: wire_close(wire); break;
    case HABIT_RESET: wire_reset(wire); break;
    case HABIT_STOP: wire_read_stop(wire); break;
    case HABIT_ECHO: ck_assert_int_ge(wire_write(wire, &bytes, 1), 0); break;
    }
}

static inline void opened(struct wire *wire)
{
    ck_assert_int_eq(end_of(wire)->closed, 0);
    end_of(wire)->opened++;
    follow(wire, end_of(wire)->on_opened, SPAN_NONE);
}

static inline void received(struct wire *wire, struct span bytes)
{
    ck_assert(!wire->closing);
    ck_assert(buffer_append(&end_of(wire)->received, bytes));
    follow(wire, end_of(wire)->on_received, bytes);
}

static inline void ended(struct wire *wire)
{
    ck_assert(!wire->closing);
    end_of(wire)->ended++;
    follow(wire, end_of(wire)->on_ended, SPAN_NONE);
}

static inline void failed(struct wire *wire, int error)
{
    ck_assert(!wire->closing);
    end_of(wire)->failed++;
    end_of(wire)->error = error;
    follow(wire, end_of(wire)->on_failed, SPAN_NONE);
}

static inline void waits(struct wire *wire)
{
    ck_assert(!wire->closing);
    ck_assert_uint_gt(wire->pending_bytes, 0);
    end_of(wire)->waits++;
}

static inline void drained(struct wire *wire)
{
    ck_assert(!wire->closing);
    ck_assert_uint_eq(wire->pending_bytes, 0);
    end_of(wire)->drained++;
    follow(wire, end_of(wire)->on_drained, SPAN_NONE);
}

static inline void closed(struct wire *wire)
{
    end_of(wire)->closed++;
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

static inline void out_of_patience(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("what the test waits for did not happen");
}

static inline void before(void)
{
    ck_assert_int_eq(reactor_init(&reactor), 0);
    ck_assert_int_eq(uv_timer_init(&reactor.loop, &watchdog), 0);
    ck_assert_int_eq(uv_timer_start(&watchdog, out_of_patience, PATIENCE_MS, 0), 0);
}

static inline void after(void)
{
    uv_close((uv_handle_t *)&watchdog, NULL);
    reactor_done(&reactor);
}

#define RUN_UNTIL(condition) \
    while (!(condition))     \
    (void)uv_run(&reactor.loop, UV_RUN_ONCE)

static inline void end_init(struct end *end)
{
    *end = (struct end){.error = 0};
    buffer_init(&end->received, 16 * BULK_BYTES);
}

static inline void end_done(struct end *end)
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
static inline int open_pair(struct end *end)
{
    int pair[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    end_init(end);
    ck_assert_int_eq(wire_open(&end->wire, &reactor, &events, pair[0], NULL), 0);
    return pair[1];
}

static inline int listen_loopback(struct sockaddr_in *ret_address)
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
static inline int open_tcp(struct end *end)
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

static inline char *bulk(void)
{
    char *bytes = memory_new(BULK_BYTES);

    for (size_t i = 0; i < BULK_BYTES; i++)
        bytes[i] = (char)(i * 31 + i / 251);
    return bytes;
}

/* Reads what is there without waiting; false at the end. */
static inline bool take(int fd, struct buffer *into)
{
    char bytes[65536];
    ssize_t count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (count > 0)
        ck_assert(buffer_append(into, span_of(bytes, (size_t)count)));
    return count != 0;
}

#endif
