#include "shared/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#define SIZE_LEAST_BYTES 64

void buffer_init(struct buffer *buffer, size_t limit_bytes)
{
    *buffer = (struct buffer){.limit_bytes = limit_bytes};
}

void buffer_done(struct buffer *buffer)
{
    memory_free(buffer->ptr);
    *buffer = (struct buffer){.limit_bytes = buffer->limit_bytes};
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    buffer->failed = false;
}

/* Makes the allocation larger so that NEEDED bytes fit; NEEDED is within the limit. */
static void grow(struct buffer *buffer, size_t needed)
{
    size_t size = buffer->size < SIZE_LEAST_BYTES ? SIZE_LEAST_BYTES : buffer->size;

    while (size < needed) {
        if (__builtin_mul_overflow(size, 2U, &size))
            size = needed;
    }
    if (size > buffer->limit_bytes)
        size = buffer->limit_bytes;
    buffer->ptr = memory_resize(buffer->ptr, size);
    buffer->size = size;
}

char *buffer_reserve_more(struct buffer *buffer, size_t count)
{
    size_t needed;

    if (buffer->failed)
        return NULL;
    if (__builtin_add_overflow(buffer->len, count, &needed) || needed > buffer->limit_bytes) {
        buffer->failed = true;
        return NULL;
    }
    if (needed > buffer->size || !buffer->ptr)
        grow(buffer, needed);
    return buffer->ptr + buffer->len;
}

void buffer_grew(struct buffer *buffer, size_t count)
{
    CHECK(count <= buffer->size - buffer->len);
    buffer->len += count;
}

bool buffer_append_u64(struct buffer *buffer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return buffer_append(buffer, span_of(digits + at, sizeof(digits) - at));
}

bool buffer_append_i64(struct buffer *buffer, int64_t number)
{
    char digits[21];
    size_t at = sizeof(digits);
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + size % 10);
        size /= 10;
    } while (size > 0);
    if (number < 0)
        digits[--at] = '-';
    return buffer_append(buffer, span_of(digits + at, sizeof(digits) - at));
}

bool buffer_append_hex(struct buffer *buffer, uint64_t number, unsigned digits)
{
    char *room;

    CHECK(digits >= 1 && digits <= 16);
    room = buffer_reserve(buffer, digits);
    if (!room)
        return false;
    for (unsigned i = digits; i-- > 0; number >>= 4)
        room[i] = "0123456789abcdef"[number & 15];
    buffer->len += digits;
    return true;
}

bool buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    va_list arguments;
    int count;
    char *room;

    va_start(arguments, format);
    count = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    CHECK(count >= 0);
    /* One more for the NUL that vsnprintf writes; it needs no room under the limit. */
    if (!buffer_reserve(buffer, (size_t)count))
        return false;
    if (buffer->size - buffer->len <= (size_t)count) {
        buffer->size = buffer->len + (size_t)count + 1;
        buffer->ptr = memory_resize(buffer->ptr, buffer->size);
    }
    room = buffer->ptr + buffer->len;
    va_start(arguments, format);
    (void)vsnprintf(room, (size_t)count + 1, format, arguments);
    va_end(arguments);
    buffer->len += (size_t)count;
    return true;
}

void buffer_drop(struct buffer *buffer, size_t count)
{
    CHECK(count <= buffer->len);
    if (count == 0)
        return;
    buffer->len -= count;
    if (buffer->len > 0)
        memmove(buffer->ptr, buffer->ptr + count, buffer->len);
}
