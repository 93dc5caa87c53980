#include "worker/accept/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/check.h"

static void ready(uv_poll_t *poll, int status, int events);

static void must(int result)
{
    CHECK(result == 0);
}

/* ---- waiting --------------------------------------------------------------------------- */

static void watch(struct listener *listener)
{
    listener->stepping = false;
    for (unsigned i = 0; i < listener->count; i++)
        must(uv_poll_start(&listener->sockets[i].poll, UV_READABLE, ready));
}

static void look_again(uv_timer_t *timer)
{
    struct listener *listener = timer->data;

    CHECK(listener->owner.accepted);
    watch(listener);
}

/* The sockets stay readable while others may take from them, so they are not watched meanwhile.
 */
static void rest(struct listener *listener, uint64_t delay_ms)
{
    for (unsigned i = 0; i < listener->count; i++)
        must(uv_poll_stop(&listener->sockets[i].poll));
    must(uv_timer_start(&listener->again, look_again, delay_ms, 0));
}

static void pause_for_descriptors(struct listener *listener)
{
    listener->pauses_total++;
    rest(listener, LISTENER_PAUSE_MS);
}

/* ---- descriptors ----------------------------------------------------------------------- */

/* The kernel gives the lowest free number, so a high one means that nearly all are used. */
static bool from_reserve(int fd)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= 2 * LISTENER_RESERVE)
        return false;
    return (rlim_t)fd >= limit.rlim_cur - LISTENER_RESERVE;
}

static bool still_scarce(void)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    bool scarce = fd < 0 || from_reserve(fd);

    if (fd >= 0)
        (void)close(fd);
    return scarce;
}

/* ---- taking ---------------------------------------------------------------------------- */

enum taken {
    TAKEN_ONE,
    TAKEN_NONE,     /* the queue is empty, or another worker was faster */
    TAKEN_NOT_OURS, /* others have fewer connections */
    TAKEN_NO_ROOM,
};

static bool our_turn(struct listener *listener)
{
    uint32_t own = atomic_load_explicit(listener->owner.connections, memory_order_relaxed);
    uint32_t lowest = listener->owner.lowest(listener);

    return own <= lowest || own - lowest <= LISTENER_LEAD + lowest / LISTENER_LEAD_PART ||
           listener->steps >= LISTENER_PATIENCE;
}

static enum taken take_one(struct listener_socket *from)
{
    struct listener *listener = from->listener;
    int fd;

    if (listener->scarce && still_scarce())
        return TAKEN_NO_ROOM;
    listener->scarce = false;
    if (!our_turn(listener))
        return TAKEN_NOT_OURS;
    /* Before accept4, so that the others see it while we take. */
    atomic_fetch_add(listener->owner.connections, 1);
    fd = accept4(from->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        int error = errno;

        atomic_fetch_sub(listener->owner.connections, 1);
        /* Of the rest (ECONNABORTED, EPROTO, ...) each concerns one connection that is gone. */
        return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM
                   ? TAKEN_NO_ROOM
                   : TAKEN_NONE;
    }
    listener->scarce = from_reserve(fd);
    listener->steps = 0;
    listener->accepted_total++;
    listener->owner.accepted(listener, fd, (unsigned)(from - listener->sockets));
    return TAKEN_ONE;
}

static void ready(uv_poll_t *poll, int status, int events)
{
    struct listener_socket *from = poll->data;
    struct listener *listener = from->listener;
    enum taken taken = TAKEN_ONE;

    (void)events;
    CHECK(status == 0 || status == UV_EBADF);
    for (unsigned i = 0; i < LISTENER_PER_TURN && taken == TAKEN_ONE && !listener->stopped; i++)
        taken = take_one(from);
    if (listener->stopped)
        return;
    switch (taken) {
    case TAKEN_ONE: break;
    case TAKEN_NONE: listener->steps = 0; break;
    case TAKEN_NOT_OURS:
        listener->steps++;
        listener->steps_total++;
        listener->stepping = true;
        rest(listener, LISTENER_STEP_MS);
        break;
    case TAKEN_NO_ROOM: pause_for_descriptors(listener); break;
    }
}

void listener_left(struct listener *listener)
{
    uint32_t before = atomic_fetch_sub(listener->owner.connections, 1);

    CHECK(before > 0);
    /* Where connections are short, it may be our turn long before the step is over. */
    if (listener->stepping && !listener->stopped && our_turn(listener)) {
        must(uv_timer_stop(&listener->again));
        watch(listener);
    }
}

/* ---- life ------------------------------------------------------------------------------ */

static int open_socket(struct listener *listener, int fd)
{
    struct listener_socket *at = &listener->sockets[listener->count];
    int error = uv_poll_init_socket(&listener->reactor->loop, &at->poll, fd);

    if (error < 0)
        return error;
    at->poll.data = at;
    at->listener = listener;
    at->fd = fd;
    listener->count++;
    listener->handles++;
    return 0;
}

/* A descriptor that is none, or that the loop has already. */
static int check_fds(const int *fds, unsigned count)
{
    if (count == 0 || count > LISTENER_SOCKETS_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < count; i++) {
        int listening = 0;
        socklen_t size = sizeof(listening);

        if (getsockopt(fds[i], SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
            return -errno;
        if (!listening)
            return -EINVAL;
    }
    return 0;
}

int listener_open(struct listener *listener, struct reactor *reactor,
                  const struct listener_owner *owner, const int *fds, unsigned count)
{
    int error = check_fds(fds, count);

    CHECK(owner->accepted && owner->lowest && owner->closed && owner->connections);
    if (error < 0)
        return error;
    *listener = (struct listener){.owner = *owner, .reactor = reactor, .handles = 1};
    must(uv_timer_init(&reactor->loop, &listener->again));
    listener->again.data = listener;
    for (unsigned i = 0; i < count; i++)
        must(open_socket(listener, fds[i]));
    watch(listener);
    return 0;
}

static void handle_closed(struct listener *listener)
{
    CHECK(listener->handles > 0);
    if (--listener->handles == 0)
        listener->owner.closed(listener);
}

static void poll_closed(uv_handle_t *handle)
{
    struct listener_socket *at = handle->data;

    handle_closed(at->listener);
}

static void timer_closed(uv_handle_t *handle)
{
    handle_closed(handle->data);
}

void listener_close(struct listener *listener)
{
    if (listener->stopped)
        return;
    listener->stopped = true;
    for (unsigned i = 0; i < listener->count; i++)
        uv_close((uv_handle_t *)&listener->sockets[i].poll, poll_closed);
    uv_close((uv_handle_t *)&listener->again, timer_closed);
}
