#include "shared/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define READ_BYTES 65536

int file_write(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t count = write(fd, bytes.ptr, bytes.len);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? -errno : -EIO;
        bytes = span_skip(bytes, (size_t)count);
    }
    return 0;
}

static int read_rest(int fd, struct buffer *out)
{
    for (;;) {
        char *room = buffer_reserve(out, READ_BYTES);
        ssize_t count;

        if (!room)
            return -EFBIG;
        count = read(fd, room, READ_BYTES);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? -errno : 0;
        buffer_grew(out, (size_t)count);
    }
}

int file_read(const char *name, struct buffer *out)
{
    /* The name may be a pipe's that nobody writes to. */
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    int result;

    if (fd < 0)
        return -errno;
    result = read_rest(fd, out);
    (void)close(fd);
    return result;
}
