/* shared/base/span.h
 *
 * A span is a borrowed run of bytes, passed by value.  It owns nothing and is not
 * NUL-terminated. ptr NULL means "not there"; len 0 with a ptr means "there and empty".  The
 * bytes live as long as what they were cut from (an arena, a buffer, a mapping, a literal).
 */
#ifndef SHARED_BASE_SPAN_H
#define SHARED_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *ptr;
    size_t len;
};

#define SPAN(literal) ((struct span){("" literal), sizeof(literal) - 1})
/* The same where an initializer must be constant. */
#define WORD(literal)                     \
    {                                     \
        ("" literal), sizeof(literal) - 1 \
    }
#define SPAN_NONE   ((struct span){NULL, 0})
#define SPAN_ARG(s) ((int)(s).len), ((s).ptr ? (s).ptr : "") /* for "%.*s" */

static inline struct span span_of(const char *ptr, size_t len)
{
    return (struct span){ptr, len};
}

/* The bytes of a NUL-terminated string; NULL gives SPAN_NONE. */
static inline struct span span_of_text(const char *text)
{
    return text ? (struct span){text, strlen(text)} : SPAN_NONE;
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool span_starts(struct span s, struct span prefix)
{
    return s.len >= prefix.len &&
           (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* The rest of S after its first COUNT bytes (all of them when S is shorter). */
static inline struct span span_skip(struct span s, size_t count)
{
    return count < s.len ? (struct span){s.ptr + count, s.len - count}
                         : (struct span){s.ptr ? s.ptr + s.len : NULL, 0};
}

/* ASCII case-insensitive comparison (HTTP names, RFC 9110 5.1). */
bool span_eq_nocase_bytes(const char *a, const char *b, size_t len);

static inline bool span_eq_nocase(struct span a, struct span b)
{
    return a.len == b.len && span_eq_nocase_bytes(a.ptr, b.ptr, a.len);
}

bool span_ends(struct span s, struct span suffix);

/* S without spaces and tabs at both ends. */
struct span span_trim(struct span s);

/* Eats from the front of *REST up to the first SEPARATOR, which is dropped; the piece goes to
 * *ret_piece. False when *rest is not there any more (ptr NULL).  "a,,b" gives a, empty, b. */
bool span_cut(struct span *rest, char separator, struct span *ret_piece);

/* Where NEEDLE begins in HAY, or SIZE_MAX. */
size_t span_find(struct span hay, struct span needle);

/* The whole span as a decimal number without sign, space or leading plus.  False when it is not
 * one or does not fit; *ret is then untouched. */
bool span_read_u64(struct span s, uint64_t *ret);

/* Compares in time that depends on the lengths only, not on the bytes. */
bool span_eq_secret(struct span a, struct span b);

#endif
