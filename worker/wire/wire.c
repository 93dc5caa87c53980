#include "worker/wire/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#include "worker/wire/wire_inside.h"

struct wire_connect {
    uv_connect_t request;
    struct reactor_task task; /* an outcome that was known at once is told by the loop */
    struct wire *wire;
    int error;
};

static struct wire *wire_of(void *data)
{
    struct wire *wire = data;

    CHECK(wire && wire->events && wire->events->closed);
    return wire;
}

int wire_fd(const struct wire *wire)
{
    uv_os_fd_t fd = -1;

    (void)uv_fileno(&wire->uv.handle, &fd);
    return fd;
}

/* ---- reading --------------------------------------------------------------------------- */

static bool wants_bytes(const struct wire *wire)
{
    if (wire->linger)
        return true;
    if (wire->ended || wire->broken)
        return false;
    return wire->tls && !wire->opened ? wire_tls_wants(wire) : wire->reading;
}

/* libuv asks where to read to.  No room means: do not read now. Either nobody wants bytes
 * (stopping is put off until here, so that stop and start again cost no epoll_ctl), or this
 * turn's share was read and others come first (epoll is level-triggered: the rest is announced
 * again in the next turn). */
static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct wire *wire = wire_of(handle->data);

    (void)suggested;
    *ret_room = uv_buf_init(wire->reactor->read_buffer, REACTOR_READ_BYTES);
    if (wire->filled || !wants_bytes(wire))
        ret_room->len = 0;
    wire->filled = 0;
}

static void arrived(struct wire *wire, struct span bytes)
{
    if (wire->linger)
        wire_linger_arrived(wire, bytes.len);
    else if (wire->tls)
        wire_tls_arrived(wire, bytes);
    else
        wire->events->received(wire, bytes);
}

static void unwatch(struct wire *wire)
{
    (void)uv_read_stop(&wire->uv.stream);
    wire->watched = 0;
}

static void was_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
    struct wire *wire = wire_of(stream->data);

    if (count > 0) {
        wire->filled = (size_t)count == room->len;
        arrived(wire, span_of(room->base, (size_t)count));
    } else if (count == UV_ENOBUFS) {
        if (!wants_bytes(wire))
            unwatch(wire);
    } else if (count == UV_EOF) {
        unwatch(wire);
        if (wire->linger)
            wire_linger_ended(wire);
        else if (wire->tls)
            wire_tls_cut(wire);
        else
            wire_end(wire);
    } else if (count < 0) {
        unwatch(wire);
        wire_fail(wire, (int)count);
    }
}

void wire_watch(struct wire *wire)
{
    if (wire->watched || wire->connect || !wants_bytes(wire) || uv_is_closing(&wire->uv.handle))
        return;
    CHECK(uv_read_start(&wire->uv.stream, give_room, was_read) == 0);
    wire->watched = 1;
    wire->filled = 0;
}

void wire_read_start(struct wire *wire)
{
    if (wire->reading || wire->closing)
        return;
    wire->reading = 1;
    wire_watch(wire);
    if (wire->tls)
        wire_tls_resume(wire);
}

void wire_read_stop(struct wire *wire)
{
    wire->reading = 0;
}

void wire_fail(struct wire *wire, int error)
{
    if (wire->linger)
        wire_close_now(wire);
    if (wire->closing || wire->broken)
        return;
    wire->broken = 1;
    wire->events->failed(wire, error);
}

void wire_end(struct wire *wire)
{
    if (wire->closing || wire->broken || wire->ended)
        return;
    wire->ended = 1;
    wire->events->ended(wire);
}

/* ---- opening --------------------------------------------------------------------------- */

/* The handle, with FD in it; libuv refuses none that is a socket of ours. */
static void take_fd(struct wire *wire, struct reactor *reactor,
                    const struct wire_events *events, int fd)
{
    *wire = (struct wire){.events = events, .reactor = reactor};
    CHECK(uv_tcp_init(&reactor->loop, &wire->uv.tcp) == 0);
    wire->uv.handle.data = wire;
    CHECK(uv_tcp_open(&wire->uv.tcp, fd) == 0);
}

int wire_open(struct wire *wire, struct reactor *reactor, const struct wire_events *events,
              int fd, struct tls_settings *settings)
{
    struct stat about;

    CHECK(wire && reactor && events);
    if (fstat(fd, &about) < 0)
        return -errno;
    if (!S_ISSOCK(about.st_mode)) {
        (void)close(fd);
        return -ENOTSOCK;
    }
    take_fd(wire, reactor, events, fd);
    if (settings) {
        wire_tls_init(wire, settings, SPAN_NONE);
        wire_watch(wire);
    } else {
        wire->opened = 1;
    }
    return 0;
}

static void connected(struct wire *wire, int error)
{
    memory_free(wire->connect);
    wire->connect = NULL;
    if (wire->closing)
        return;
    if (error < 0) {
        wire_fail(wire, error);
        return;
    }
    if (wire->tls) {
        wire_tls_start(wire);
        return;
    }
    wire->opened = 1;
    if (wire->finished)
        wire_out_finish(wire);
    wire_watch(wire);
    wire->events->opened(wire);
}

static void connect_ended(uv_connect_t *request, int status)
{
    struct wire_connect *connect = request->data;

    connected(connect->wire, status);
}

static void connect_told(struct reactor_task *task)
{
    struct wire_connect *connect =
        (struct wire_connect *)(void *)((char *)task - offsetof(struct wire_connect, task));

    connected(connect->wire, connect->error);
}

static socklen_t address_size(const struct sockaddr *address)
{
    switch (address->sa_family) {
    case AF_INET: return sizeof(struct sockaddr_in);
    case AF_INET6: return sizeof(struct sockaddr_in6);
    case AF_UNIX: return sizeof(struct sockaddr_un);
    default: return 0;
    }
}

/* 0 when the outcome comes by connect_ended, else it is known now: *ret_error. */
static bool connect_begin(struct wire *wire, const struct sockaddr *address, int *ret_error)
{
    if (address->sa_family == AF_UNIX) {
        bool done = connect(wire_fd(wire), address, address_size(address)) == 0;

        *ret_error = done ? 0 : -errno;
        return true;
    }
    *ret_error = uv_tcp_connect(&wire->connect->request, &wire->uv.tcp, address, connect_ended);
    return *ret_error < 0;
}

int wire_connect(struct wire *wire, struct reactor *reactor, const struct wire_events *events,
                 const struct sockaddr *address, struct tls_settings *settings,
                 struct span server_name)
{
    int fd;

    CHECK(wire && reactor && events && address);
    if (address_size(address) == 0)
        return -EAFNOSUPPORT;
    fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    take_fd(wire, reactor, events, fd);
    wire->connect = MEMORY_NEW(struct wire_connect);
    wire->connect->request.data = wire->connect;
    wire->connect->wire = wire;
    wire->connect->task.run = connect_told;
    if (settings)
        wire_tls_init(wire, settings, server_name);
    if (connect_begin(wire, address, &wire->connect->error))
        reactor_soon(reactor, &wire->connect->task);
    return 0;
}

void wire_start_tls(struct wire *wire, struct tls_settings *settings, struct span server_name)
{
    CHECK(!wire->tls && wire->opened && !wire->closing);
    wire->opened = 0;
    wire_tls_init(wire, settings, server_name);
    wire_tls_start(wire);
}

/* ---- closing --------------------------------------------------------------------------- */

void wire_gone(struct wire *wire)
{
    if (!wire->gone || !wire_tls_free(wire))
        return;
    wire->events->closed(wire);
}

static void handle_closed(uv_handle_t *handle)
{
    struct wire *wire = wire_of(handle->data);

    wire->gone = 1;
    wire_gone(wire);
}

void wire_close_now(struct wire *wire)
{
    if (uv_is_closing(&wire->uv.handle))
        return;
    wire->closing = 1;
    wire_linger_drop(wire);
    wire_out_drop(wire);
    if (wire->tls)
        wire_tls_drop(wire);
    /* libuv ends a connect that it holds (and calls back); one that it does not hold ends here.
     */
    if (wire->connect && wire->connect->task.next) {
        reactor_forget(&wire->connect->task);
        memory_free(wire->connect);
        wire->connect = NULL;
    }
    uv_close(&wire->uv.handle, handle_closed);
}

void wire_close(struct wire *wire)
{
    if (wire->tls && wire->opened && !wire->closing)
        wire_tls_close_notify(wire);
    wire_close_now(wire);
}

void wire_close_sending(struct wire *wire)
{
    wire_out_hurry(wire);
    wire_close(wire);
}

void wire_reset(struct wire *wire)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (!uv_is_closing(&wire->uv.handle))
        (void)setsockopt(wire_fd(wire), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    wire_close_now(wire);
}

/* ---- about ----------------------------------------------------------------------------- */

void wire_tune(struct wire *wire, int send_buffer_bytes, int receive_buffer_bytes)
{
    const int on = 1;
    int fd = wire_fd(wire);

    /* A Unix socket knows no TCP_NODELAY; none of the three is needed for correctness. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (send_buffer_bytes > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof(int));
    if (receive_buffer_bytes > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(int));
}

struct span wire_peer(const struct wire *wire, char text[46])
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    int size = sizeof(peer);

    if (uv_tcp_getpeername(&wire->uv.tcp, (struct sockaddr *)&peer, &size) < 0)
        return SPAN("unknown");
    if (peer.ss_family == AF_UNIX)
        return SPAN("unix");
    if (uv_ip_name((const struct sockaddr *)&peer, text, 46) < 0)
        return SPAN("unknown");
    return span_of_text(text);
}
