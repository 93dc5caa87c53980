#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

#define BACKLOG       4096
#define PATIENCE_MS   3000 /* workers of a killed parent let go of their sockets */
#define PATIENCE_STEP 10

void descriptor_keep(int fd, bool over_exec)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags >= 0)
        (void)fcntl(fd, F_SETFD, over_exec ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC);
}

static struct span unix_path(const struct plan_listener *where)
{
    const struct sockaddr_un *address = (const void *)&where->address;
    size_t room = where->address_len - offsetof(struct sockaddr_un, sun_path);

    if (where->address_len <= offsetof(struct sockaddr_un, sun_path))
        return SPAN_NONE;
    if (address->sun_path[0] == 0) /* abstract: NULs count */
        return span_of(address->sun_path, room);
    return span_of(address->sun_path, strnlen(address->sun_path, room));
}

static bool same_address(const struct plan_listener *a, const struct plan_listener *b)
{
    const struct sockaddr_in *a4 = (const void *)&a->address, *b4 = (const void *)&b->address;
    const struct sockaddr_in6 *a6 = (const void *)&a->address, *b6 = (const void *)&b->address;

    if (a->address.ss_family != b->address.ss_family)
        return false;
    switch (a->address.ss_family) {
    case AF_INET:
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    case AF_INET6:
        return a6->sin6_port == b6->sin6_port && a6->sin6_scope_id == b6->sin6_scope_id &&
               memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
    case AF_UNIX: return span_eq(unix_path(a), unix_path(b));
    }
    return false;
}

bool listeners_equal(const struct parent *parent, const struct plan *plan)
{
    if (plan->listener_count != parent->kept.listener_count)
        return false;
    for (uint32_t i = 0; i < plan->listener_count; i++)
        if (!same_address(&plan->listeners[i], &parent->kept.listeners[i].where))
            return false;
    return true;
}

/* A socket file that nobody listens on any more is left from an earlier life. */
static void remove_stale(const struct plan_listener *where)
{
    const struct sockaddr_un *address = (const void *)&where->address;
    struct stat status;
    int fd, connected;

    if (where->address.ss_family != AF_UNIX || address->sun_path[0] == 0 ||
        lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    connected = connect(fd, (const struct sockaddr *)&where->address, where->address_len);
    if (connected < 0 && errno == ECONNREFUSED)
        (void)unlink(address->sun_path);
    (void)close(fd);
}

static int open_socket(const struct plan_listener *where, mode_t hidden)
{
    int family = where->address.ss_family, one = 1, error = 0;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before;

    if (fd < 0)
        return -errno;
    if (family != AF_UNIX)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    remove_stale(where);
    before = umask(hidden);
    if (bind(fd, (const struct sockaddr *)&where->address, where->address_len) < 0 ||
        listen(fd, BACKLOG) < 0)
        error = -errno;
    (void)umask(before);
    if (error == 0)
        return fd;
    (void)close(fd);
    return error;
}

static int open_patiently(const struct plan_listener *where, mode_t hidden, bool patient)
{
    const struct timespec step = {.tv_nsec = PATIENCE_STEP * 1000000L};
    uint64_t until_ms = clock_monotonic_ms() + (patient ? PATIENCE_MS : 0);
    int fd;

    for (;;) {
        fd = open_socket(where, hidden);
        if (fd != -EADDRINUSE || clock_monotonic_ms() >= until_ms)
            return fd;
        (void)nanosleep(&step, NULL);
    }
}

static bool take_from(struct held_socket *from, uint32_t count,
                      const struct plan_listener *where, struct held_socket *ret)
{
    for (uint32_t i = 0; i < count; i++)
        if (from[i].fd >= 0 && same_address(&from[i].where, where)) {
            *ret = from[i];
            ret->where = *where;
            from[i].fd = -1;
            return true;
        }
    return false;
}

static void close_held(struct held_socket *held)
{
    const struct sockaddr_un *address = (const void *)&held->where.address;

    if (held->fd < 0)
        return;
    (void)close(held->fd);
    held->fd = -1;
    if (held->where.address.ss_family == AF_UNIX && !held->handed && address->sun_path[0])
        (void)unlink(address->sun_path);
}

/* A list of sockets being put together: nothing is closed before all are there. */
struct taking {
    struct held_socket next[HERITAGE_LISTENERS];
    bool opened[HERITAGE_LISTENERS];
    uint32_t count;
};

struct wanted {
    const struct plan_listener *rows;
    uint32_t count;
};

static void put_back(struct taking *taking, struct held_socket *kept, uint32_t kept_count)
{
    for (uint32_t i = 0; i < taking->count; i++) {
        if (taking->opened[i]) {
            close_held(&taking->next[i]);
            continue;
        }
        for (uint32_t j = 0; j < kept_count; j++)
            if (kept[j].fd < 0 && same_address(&kept[j].where, &taking->next[i].where))
                kept[j].fd = taking->next[i].fd;
    }
}

/* Kept, handed over or new; 0 or a negative errno. */
static int take_one(struct parent *parent, struct taking *taking, struct held_socket *kept,
                    uint32_t kept_count, const struct plan_listener *where)
{
    struct held_socket *next = &taking->next[taking->count];
    mode_t hidden = kept == parent->kept.admin ? 0177 : 0111;

    if (take_from(kept, kept_count, where, next) ||
        take_from(parent->handed, parent->handed_count, where, next)) {
        (void)fcntl(next->fd, F_SETFL, O_NONBLOCK);
    } else {
        *next = (struct held_socket){.where = *where};
        next->fd = open_patiently(where, hidden, !parent->kept.planned);
        if (next->fd < 0) {
            log_event(LOG_ERROR, "cannot listen",
                      LOG_TEXT_FIELD("address", span_of_text(where->name)),
                      LOG_ERRNO_FIELD(next->fd));
            return next->fd;
        }
        taking->opened[taking->count] = true;
    }
    taking->count++;
    return 0;
}

/* 0 or a negative errno; then the sockets that were taken are back in KEPT. */
static int take_list(struct parent *parent, struct taking *taking, struct held_socket *kept,
                     uint32_t kept_count, const struct wanted *wanted)
{
    int error = 0;

    CHECK(wanted->count <= HERITAGE_LISTENERS);
    for (uint32_t i = 0; i < wanted->count && error == 0; i++)
        error = take_one(parent, taking, kept, kept_count, &wanted->rows[i]);
    if (error != 0)
        put_back(taking, kept, kept_count);
    return error;
}

static void keep_list(const struct taking *taking, struct held_socket *kept,
                      uint32_t *kept_count)
{
    for (uint32_t j = 0; j < *kept_count; j++)
        close_held(&kept[j]);
    memcpy(kept, taking->next, taking->count * sizeof(taking->next[0]));
    *kept_count = taking->count;
}

static bool admin_equal(const struct parent *parent, const struct plan *plan)
{
    if (plan->admin_count != parent->kept.admin_count)
        return false;
    for (uint32_t i = 0; i < plan->admin_count; i++)
        if (!same_address(&plan->admin[i], &parent->kept.admin[i].where))
            return false;
    return true;
}

/* All of the plan's sockets or none: a plan is never half in force. */
int sockets_take(struct parent *parent, const struct plan *plan)
{
    struct parent_state *kept = &parent->kept;
    const struct wanted clients = {plan->listeners, plan->listener_count};
    const struct wanted admins = {plan->admin, plan->admin_count};
    struct taking listeners = {0}, admin = {0};
    bool admin_changes = !admin_equal(parent, plan);
    int error;

    error = take_list(parent, &listeners, kept->listeners, kept->listener_count, &clients);
    if (error != 0)
        return error;
    error = take_list(parent, &admin, kept->admin, kept->admin_count, &admins);
    if (error != 0) {
        put_back(&listeners, kept->listeners, kept->listener_count);
        return error;
    }
    keep_list(&listeners, kept->listeners, &kept->listener_count);
    keep_list(&admin, kept->admin, &kept->admin_count);
    if (admin_changes && kept->planned)
        admin_send(parent);
    return 0;
}

void sockets_close(struct parent *parent)
{
    for (uint32_t i = 0; i < parent->kept.listener_count; i++)
        close_held(&parent->kept.listeners[i]);
    parent->kept.listener_count = 0;
}
