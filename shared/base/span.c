#include "shared/base/span.h"

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

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

#ifdef __SSE2__
/* Two bytes of the needle, 16 places at a time; where both are, all of it is compared (W. Mula,
 * "SIMD-friendly algorithms for substring searching"). The inner bytes are taken, because keys
 * of JSON begin and end with a quote and quotes are everywhere. */
struct pair {
    __m128i low, high;
    size_t low_at, high_at;
};

static struct pair pair_of(struct span needle)
{
    size_t inside = needle.len >= 4;
    size_t low_at = inside, high_at = needle.len - 1 - inside;

    return (struct pair){_mm_set1_epi8(needle.ptr[low_at]), _mm_set1_epi8(needle.ptr[high_at]),
                         low_at, high_at};
}

static inline __m128i sixteen_at(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* Of the 16 places from AT on: where both bytes are. */
static inline unsigned likely_at(const char *at, const struct pair *pair)
{
    __m128i low = _mm_cmpeq_epi8(sixteen_at(at + pair->low_at), pair->low);
    __m128i high = _mm_cmpeq_epi8(sixteen_at(at + pair->high_at), pair->high);

    return (unsigned)_mm_movemask_epi8(_mm_and_si128(low, high));
}

static const char *first_of(unsigned mask, const char *at, struct span needle)
{
    for (; mask; mask &= mask - 1) {
        const char *place = at + __builtin_ctz(mask);

        if (memcmp(place, needle.ptr, needle.len) == 0)
            return place;
    }
    return NULL;
}

/* HAY has at least 16 places. The last sixteen may be among those that were looked at. */
static const char *find_long(struct span hay, struct span needle)
{
    const char *last = hay.ptr + hay.len - needle.len - 15;
    struct pair pair = pair_of(needle);

    for (const char *at = hay.ptr; at < last; at += 16) {
        unsigned mask = likely_at(at, &pair);
        const char *found = mask ? first_of(mask, at, needle) : NULL;

        if (found)
            return found;
    }
    return first_of(likely_at(last, &pair), last, needle);
}
#endif

static const char *find(struct span hay, struct span needle)
{
    if (needle.len == 1)
        return memchr(hay.ptr, needle.ptr[0], hay.len);
#ifdef __SSE2__
    if (hay.len - needle.len >= 15)
        return find_long(hay, needle);
#endif
    return memmem(hay.ptr, hay.len, needle.ptr, needle.len);
}

size_t span_find(struct span hay, struct span needle)
{
    const char *found;

    if (needle.len == 0)
        return 0;
    if (needle.len > hay.len)
        return SIZE_MAX;
    found = find(hay, needle);
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
