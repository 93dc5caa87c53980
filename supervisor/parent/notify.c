/* The protocol of sd_notify(3) and sd_listen_fds(3), without the library. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/buffer.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

#define FIRST_HANDED_FD 3

static bool notify_address(struct sockaddr_un *ret, socklen_t *ret_len)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path ? strlen(path) : 0;

    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len < 2 || len >= sizeof(ret->sun_path) || (path[0] != '/' && path[0] != '@'))
        return false;
    memcpy(ret->sun_path, path, len);
    if (path[0] == '@')
        ret->sun_path[0] = 0;
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

/* Told or not: nobody waits for the outcome. */
static void send_text(struct span text, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } room = {0};
    struct sockaddr_un address;
    struct iovec piece = {.iov_len = text.len};
    struct msghdr head = {.msg_name = &address, .msg_iov = &piece, .msg_iovlen = 1};
    int socket_fd;

    if (!notify_address(&address, &head.msg_namelen))
        return;
    memcpy(&piece.iov_base, &text.ptr, sizeof(text.ptr));
    if (fd >= 0) {
        head.msg_control = room.bytes;
        head.msg_controllen = sizeof(room.bytes);
        room.aligned = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS,
                                        .cmsg_len = CMSG_LEN(sizeof(fd))};
        memcpy(CMSG_DATA(&room.aligned), &fd, sizeof(fd));
    }
    socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0)
        return;
    (void)sendmsg(socket_fd, &head, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)close(socket_fd);
}

void notify(const char *text)
{
    send_text(span_of_text(text), -1);
}

void notify_store(const char *name, int fd)
{
    _buffer_ struct buffer text;

    buffer_init(&text, 256);
    (void)buffer_append_format(&text, "FDSTORE=1\nFDNAME=%s", name);
    send_text(buffer_span(&text), fd);
}

void notify_reloading(void)
{
    _buffer_ struct buffer text;

    buffer_init(&text, 128);
    (void)buffer_append_format(&text, "RELOADING=1\nMONOTONIC_USEC=%llu",
                               (unsigned long long)(clock_monotonic_ns() / 1000));
    send_text(buffer_span(&text), -1);
}

static uint64_t number_in_environment(const char *name)
{
    uint64_t number = 0;

    (void)span_read_u64(span_of_text(getenv(name)), &number);
    return number;
}

static bool is_for_us(const char *name)
{
    return getenv(name) == NULL || number_in_environment(name) == (uint64_t)getpid();
}

uint64_t notify_watchdog_period_ms(void)
{
    uint64_t us = number_in_environment("WATCHDOG_USEC");

    return us > 0 && is_for_us("WATCHDOG_PID") ? us / 3000 + 1 : 0;
}

static bool hold(struct parent *parent, int fd)
{
    struct held_socket *held = &parent->handed[parent->handed_count];
    socklen_t len = sizeof(held->where.address);
    int listens = 0;
    socklen_t listens_len = sizeof(listens);

    if (parent->handed_count == INHERITED_MAX ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_len) < 0 || !listens)
        return false;
    *held = (struct held_socket){.fd = fd, .handed = 1};
    if (getsockname(fd, (struct sockaddr *)&held->where.address, &len) < 0)
        return false;
    held->where.address_len = len;
    parent->handed_count++;
    return true;
}

int notify_take_descriptors(struct parent *parent)
{
    uint64_t count = number_in_environment("LISTEN_FDS");
    struct span names = span_of_text(getenv("LISTEN_FDNAMES")), name;
    int segment_fd = -1;

    if (!getenv("LISTEN_PID") || !is_for_us("LISTEN_PID") || count > INHERITED_MAX)
        count = 0;
    for (int fd = FIRST_HANDED_FD; fd < FIRST_HANDED_FD + (int)count; fd++) {
        name = SPAN_NONE;
        (void)span_cut(&names, ':', &name);
        descriptor_keep(fd, false);
        if (span_eq(name, SPAN("aigw-segment")) && segment_fd < 0) {
            segment_fd = fd;
        } else if (!hold(parent, fd)) {
            log_event(LOG_WARNING, "descriptor handed over is not a listening socket",
                      LOG_NUMBER_FIELD("fd", fd));
            (void)close(fd);
        }
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return segment_fd;
}
