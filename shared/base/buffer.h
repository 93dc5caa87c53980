/* shared/base/buffer.h
 *
 * A growing run of bytes with a limit set at birth.  Going over the limit makes the buffer
 * FAILED: every later append does nothing, so a chain of appends is checked once at its end.
 */
#ifndef SHARED_BASE_BUFFER_H
#define SHARED_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"
#include "shared/base/span.h"

struct buffer {
    char *ptr;
    size_t len;
    size_t size;        /* allocated */
    size_t limit_bytes; /* len never goes over it */
    bool failed;
};

#define _buffer_ __attribute__((cleanup(buffer_done)))

static inline void buffer_init(struct buffer *buffer, size_t limit_bytes)
{
    *buffer = (struct buffer){.limit_bytes = limit_bytes};
}

/* Frees the bytes; the buffer is empty, not failed, and keeps its limit. */
static inline void buffer_done(struct buffer *buffer)
{
    if (buffer->ptr)
        memory_free(buffer->ptr);
    buffer_init(buffer, buffer->limit_bytes);
}

/* Empties it, keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* Of buffer_reserve: what is not there yet. */
char *buffer_reserve_more(struct buffer *buffer, size_t count);

/* Room for COUNT more bytes at buffer->ptr + len, or NULL (and FAILED); then buffer_grew. */
static inline char *buffer_reserve(struct buffer *buffer, size_t count)
{
    if (!buffer->failed && buffer->ptr && count <= buffer->size - buffer->len &&
        count <= buffer->limit_bytes - buffer->len)
        return buffer->ptr + buffer->len;
    return buffer_reserve_more(buffer, count);
}

static inline void buffer_grew(struct buffer *buffer, size_t count)
{
    CHECK(count <= buffer->size - buffer->len);
    buffer->len += count;
}

/* False (and FAILED) when the limit is passed; the buffer then holds what it held. */
static inline bool buffer_append(struct buffer *buffer, struct span bytes)
{
    char *room = buffer_reserve(buffer, bytes.len);

    if (!room)
        return false;
    if (bytes.len > 0)
        memcpy(room, bytes.ptr, bytes.len);
    buffer->len += bytes.len;
    return true;
}

static inline bool buffer_append_byte(struct buffer *buffer, char byte)
{
    char *room = buffer_reserve(buffer, 1);

    if (!room)
        return false;
    *room = byte;
    buffer->len++;
    return true;
}

bool buffer_append_u64(struct buffer *buffer, uint64_t number);
bool buffer_append_i64(struct buffer *buffer, int64_t number);
bool buffer_append_hex(struct buffer *buffer, uint64_t number, unsigned digits);
/* printf form, for logs, messages, tests.  Never for JSON, SQL or HTTP heads. */
bool buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Drops COUNT bytes from the front (moves the rest). */
void buffer_drop(struct buffer *buffer, size_t count);

static inline struct span buffer_span(const struct buffer *buffer)
{
    return (struct span){buffer->ptr ? buffer->ptr : "", buffer->len};
}

#endif
