#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/heritage/heritage.h"

#define SHORT_BYTES offsetof(struct control_message, plan)

union descriptor_room {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
};

static bool carries_plan(uint32_t kind)
{
    return kind == CONTROL_PLAN || kind == CONTROL_EVENT;
}

static size_t bytes_of(uint32_t kind)
{
    return carries_plan(kind) ? sizeof(struct control_message) : SHORT_BYTES;
}

int control_send(int socket, const struct control_message *message, int fd)
{
    union descriptor_room room = {0};
    struct iovec piece = {.iov_len = bytes_of(message->kind)};
    struct msghdr head = {.msg_iov = &piece, .msg_iovlen = 1};
    struct cmsghdr *extra;
    ssize_t sent;

    CHECK(message->kind <= CONTROL_EVENT);
    /* sendmsg only reads it, though iovec has no const. */
    memcpy(&piece.iov_base, &message, sizeof(piece.iov_base));
    if (fd >= 0) {
        head.msg_control = room.bytes;
        head.msg_controllen = sizeof(room.bytes);
        extra = CMSG_FIRSTHDR(&head);
        *extra = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
                                  .cmsg_type = SCM_RIGHTS,
                                  .cmsg_len = CMSG_LEN(sizeof(fd))};
        memcpy(CMSG_DATA(extra), &fd, sizeof(fd));
    }
    do
        sent = sendmsg(socket, &head, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static bool texts_end(const struct plan *plan)
{
    for (size_t i = 0; i < HERITAGE_LISTENERS; i++)
        if (memchr(plan->listeners[i].name, 0, sizeof(plan->listeners[i].name)) == NULL)
            return false;
    for (size_t i = 0; i < HERITAGE_ADMIN_MAX; i++)
        if (memchr(plan->admin[i].name, 0, sizeof(plan->admin[i].name)) == NULL)
            return false;
    return memchr(plan->note, 0, sizeof(plan->note)) != NULL;
}

static bool plan_is_sound(const struct plan *plan)
{
    if (plan->listener_count > HERITAGE_LISTENERS || plan->admin_count > HERITAGE_ADMIN_MAX)
        return false;
    for (size_t i = 0; i < plan->listener_count; i++)
        if (plan->listeners[i].address_len > sizeof(struct sockaddr_storage))
            return false;
    for (size_t i = 0; i < plan->admin_count; i++)
        if (plan->admin[i].address_len > sizeof(struct sockaddr_storage))
            return false;
    return texts_end(plan);
}

static bool message_is_sound(const struct control_message *message, size_t len, int flags)
{
    if ((flags & (MSG_TRUNC | MSG_CTRUNC)) || len < SHORT_BYTES ||
        message->kind > CONTROL_EVENT || len != bytes_of(message->kind))
        return false;
    return !carries_plan(message->kind) || plan_is_sound(&message->plan);
}

static int descriptor_of(struct msghdr *head)
{
    int fd = -1;

    for (struct cmsghdr *extra = CMSG_FIRSTHDR(head); extra; extra = CMSG_NXTHDR(head, extra))
        if (extra->cmsg_level == SOL_SOCKET && extra->cmsg_type == SCM_RIGHTS &&
            extra->cmsg_len == CMSG_LEN(sizeof(fd)))
            memcpy(&fd, CMSG_DATA(extra), sizeof(fd));
    return fd;
}

int control_receive(int socket, struct control_message *ret, int *ret_fd)
{
    union descriptor_room room = {0};
    struct control_message message = {0};
    struct iovec piece = {&message, sizeof(message)};
    struct msghdr head = {.msg_iov = &piece,
                          .msg_iovlen = 1,
                          .msg_control = room.bytes,
                          .msg_controllen = sizeof(room.bytes)};
    ssize_t len;
    int fd;

    do
        len = recvmsg(socket, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return errno == EAGAIN ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
    fd = descriptor_of(&head);
    if (len > 0 && message_is_sound(&message, (size_t)len, head.msg_flags)) {
        *ret = message;
        *ret_fd = fd;
        return 1;
    }
    if (fd >= 0)
        (void)close(fd);
    return len == 0 ? -EPIPE : -EPROTO;
}
