#include "shared/base/buffer.h"

#include <stdarg.h>
#include <stdio.h>

#define SIZE_LEAST_BYTES 64
#define DIGITS_MAX       20 /* of UINT64_MAX */

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

static size_t digits_of(uint64_t number)
{
    size_t count = 1;

    for (uint64_t power = 10; number >= power; power *= 10) {
        count++;
        if (count == DIGITS_MAX)
            break; /* the next power is none any more */
    }
    return count;
}

/* The decimal digits of NUMBER, from their END backwards, two at a time. */
static void write_digits(uint64_t number, char *end)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";

    for (; number >= 100; number /= 100) {
        end -= 2;
        memcpy(end, pairs + number % 100 * 2, 2);
    }
    if (number >= 10)
        memcpy(end - 2, pairs + number * 2, 2);
    else
        end[-1] = (char)('0' + number);
}

bool buffer_append_u64(struct buffer *buffer, uint64_t number)
{
    size_t count = digits_of(number);
    char *room = buffer_reserve(buffer, count);

    if (!room)
        return false;
    write_digits(number, room + count);
    buffer->len += count;
    return true;
}

bool buffer_append_i64(struct buffer *buffer, int64_t number)
{
    uint64_t size = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    size_t count = digits_of(size) + (number < 0);
    char *room = buffer_reserve(buffer, count);

    if (!room)
        return false;
    write_digits(size, room + count);
    if (number < 0)
        *room = '-';
    buffer->len += count;
    return true;
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
