/* worker/log/sink.h
 *
 * Where access lines go: a file that all workers append to, or stderr. Lines are collected
 * during a loop turn and go out in one write(2) of whole lines, so that lines of several
 * workers never mix. A sink that does not take them loses lines, counted, and never delays
 * anybody.
 */
#ifndef WORKER_LOG_SINK_H
#define WORKER_LOG_SINK_H

#include "shared/base/buffer.h"

#define SINK_BYTES (1U << 20)

struct sink {
    int fd;        /* -1: off */
    bool standard; /* stderr: not ours to close */
    struct buffer waiting;
    size_t line_at; /* where the line that is being written begins */
    uint64_t line_count, lost;
};

/* TARGET: a file's name, "stderr", or NULL (off). Opens again when it was open: that is how a
 * file that was rotated away is let go. 0 or a negative errno; then what was open stays. */
int sink_open(struct sink *sink, const char *target);
/* A place for one line; then sink_line_end, which takes a line back that did not fit. NULL when
 * off. */
struct buffer *sink_line(struct sink *sink);
void sink_line_end(struct sink *sink);
void sink_flush(struct sink *sink);

#endif
