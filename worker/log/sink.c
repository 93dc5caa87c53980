#include "worker/log/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SINK_EARLY_BYTES 65536

int sink_open(struct sink *sink, const char *target)
{
    bool standard = target && strcmp(target, "stderr") == 0;
    int fd = -1;

    if (sink->waiting.limit_bytes == 0) {
        buffer_init(&sink->waiting, SINK_BYTES);
        sink->fd = -1;
    }
    if (standard)
        fd = STDERR_FILENO;
    else if (target)
        fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (target && fd < 0)
        return -errno;
    sink_flush(sink);
    if (sink->fd >= 0 && !sink->standard)
        (void)close(sink->fd);
    sink->fd = fd;
    sink->standard = standard;
    return 0;
}

struct buffer *sink_line(struct sink *sink)
{
    sink->line_at = sink->waiting.len;
    return sink->fd < 0 ? NULL : &sink->waiting;
}

void sink_line_end(struct sink *sink)
{
    (void)buffer_append_byte(&sink->waiting, '\n');
    if (sink->waiting.failed) {
        sink->lost++;
        sink->waiting.len = sink->line_at;
        sink->waiting.failed = false;
    } else {
        sink->line_count++;
    }
    if (sink->waiting.len >= SINK_EARLY_BYTES)
        sink_flush(sink);
}

void sink_flush(struct sink *sink)
{
    if (sink->fd < 0 || sink->waiting.len == 0)
        return;
    if (write(sink->fd, sink->waiting.ptr, sink->waiting.len) < 0)
        sink->lost += sink->line_count;
    sink->line_count = 0;
    buffer_clear(&sink->waiting);
}
