#include "shared/base/span.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool span_eq_nocase_bytes(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i] && lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

bool span_ends(struct span s, struct span suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct span span_trim(struct span s)
{
    while (s.len > 0 && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool span_cut(struct span *rest, char separator, struct span *ret_piece)
{
    const char *found;

    if (!rest->ptr)
        return false;
    found = rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    if (!found) {
        *ret_piece = *rest;
        *rest = SPAN_NONE;
        return true;
    }
    *ret_piece = span_of(rest->ptr, (size_t)(found - rest->ptr));
    *rest = span_of(found + 1, rest->len - ret_piece->len - 1);
    return true;
}

size_t span_find(struct span hay, struct span needle)
{
    const char *found;

    if (needle.len == 0)
        return 0;
    if (needle.len > hay.len)
        return SIZE_MAX;
    found = needle.len == 1 ? memchr(hay.ptr, needle.ptr[0], hay.len)
                            : memmem(hay.ptr, hay.len, needle.ptr, needle.len);
    return found ? (size_t)(found - hay.ptr) : SIZE_MAX;
}

bool span_read_u64(struct span s, uint64_t *ret)
{
    uint64_t number = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, (uint64_t)(s.ptr[i] - '0'), &number))
            return false;
    }
    *ret = number;
    return true;
}

bool span_eq_secret(struct span a, struct span b)
{
    volatile uint64_t differs = 0; /* so that no compiler stops early */
    uint64_t left, right;
    size_t at = 0;

    if (a.len != b.len)
        return false;
    for (; a.len - at >= sizeof(left); at += sizeof(left)) {
        memcpy(&left, a.ptr + at, sizeof(left));
        memcpy(&right, b.ptr + at, sizeof(right));
        differs |= left ^ right;
    }
    for (; at < a.len; at++)
        differs |= (unsigned char)(a.ptr[at] ^ b.ptr[at]);
    return differs == 0;
}
