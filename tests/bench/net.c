#include "tests/bench/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 4096,
    FIRST_SIZE = 512,
    KEPT_SIZE = 65536
};

uint64_t clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void net_fail(const char *what)
{
    (void)fprintf(stderr, "while %s: %s\n", what, strerror(errno));
    exit(1);
}

void *memory_zeroed(size_t count, size_t size)
{
    void *got = calloc(count, size);

    if (!got)
        net_fail("taking memory");
    return got;
}

/* Moves the live bytes to the front, into more memory when the old is too small. */
static void bytes_grow(struct bytes *b, size_t need)
{
    size_t size = b->size ? b->size : FIRST_SIZE;

    if (b->start && need <= b->size) {
        memmove(b->ptr, b->ptr + b->start, b->len);
        b->start = 0;
        return;
    }
    while (size < need)
        size *= 2;
    char *ptr = memory_zeroed(1, size);
    if (b->len)
        memcpy(ptr, b->ptr + b->start, b->len);
    free(b->ptr);
    *b = (struct bytes){.ptr = ptr, .len = b->len, .size = size};
}

char *bytes_room(struct bytes *b, size_t want)
{
    if (b->start + b->len + want > b->size)
        bytes_grow(b, b->len + want);
    return b->ptr + b->start + b->len;
}

void bytes_add(struct bytes *b, const void *from, size_t len)
{
    if (!len)
        return;
    memcpy(bytes_room(b, len), from, len);
    b->len += len;
}

void bytes_text(struct bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

void bytes_format(struct bytes *b, const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line) {
        errno = EMSGSIZE;
        net_fail("formatting a line");
    }
    bytes_add(b, line, (size_t)len);
}

void bytes_drop(struct bytes *b, size_t len)
{
    b->start += len;
    b->len -= len;
    if (b->len)
        return;
    b->start = 0;
    if (b->size > KEPT_SIZE)
        bytes_done(b);
}

void bytes_done(struct bytes *b)
{
    free(b->ptr);
    *b = (struct bytes){0};
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int net_listen(uint16_t port, bool everywhere, uint16_t *ret_port)
{
    struct sockaddr_in at = loopback(port);
    socklen_t len = sizeof at;
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        net_fail("making a socket");
    if (everywhere)
        at.sin_addr.s_addr = htonl(INADDR_ANY);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) < 0)
        net_fail("binding the port");
    if (listen(fd, BACKLOG) < 0 || getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        net_fail("listening");
    *ret_port = ntohs(at.sin_port);
    return fd;
}

int net_connect(uint16_t port)
{
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    net_no_delay(fd);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS) {
        int error = errno;

        (void)close(fd);
        return -error;
    }
    return fd;
}

int net_connect_result(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return errno;
    return error;
}

void net_no_delay(int fd)
{
    int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

void net_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    (void)close(fd);
}

void net_open_files(uint64_t wanted)
{
    struct rlimit limit = {.rlim_cur = wanted, .rlim_max = wanted};

    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}
