/* shared/text/json_bytes.h
 *
 * The runs of bytes that a JSON reader may pass over without looking at each: 16 at a time with
 * SSE2, one at a time elsewhere. Private to shared/text.
 */
#ifndef SHARED_TEXT_JSON_BYTES_H
#define SHARED_TEXT_JSON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#    include <emmintrin.h>

static inline __m128i json_load(const char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline unsigned json_quote_mask(__m128i block)
{
    __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    __m128i backslash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(quote, backslash));
}

static inline unsigned json_special_mask(__m128i block)
{
    /* The comparison is signed, so bytes from 0x80 count as small. */
    __m128i small = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));

    return json_quote_mask(block) | (unsigned)_mm_movemask_epi8(small);
}
#endif

static inline bool json_is_plain(char c)
{
    return c >= 0x20 && c != '"' && c != '\\' && !(c & (char)0x80);
}

static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Whether the eight bytes at AT are all plain: a byte below 0x20 borrows a high bit in the
 * first line, a quote or a backslash becomes zero and does so in the second (S. E. Anderson,
 * "Bit Twiddling Hacks": a zero byte in a word). */
static inline bool json_eight_plain(const char *at)
{
    const uint64_t ones = 0x0101010101010101, highs = ones << 7;
    uint64_t word, quotes, slashes;

    memcpy(&word, at, sizeof(word));
    quotes = word ^ ones * '"';
    slashes = word ^ ones * '\\';
    return !(((word - ones * 0x20) | word | ((quotes - ones) & ~quotes) |
              ((slashes - ones) & ~slashes)) &
             highs);
}

/* The first byte from AT that is a quote, a backslash, a control or not ASCII, or END. */
static inline const char *json_plain_end(const char *at, const char *end)
{
#ifdef __SSE2__
    const char *first = at;

    for (; end - at >= 16; at += 16) {
        unsigned mask = json_special_mask(json_load(at));

        if (mask)
            return at + __builtin_ctz(mask);
    }
    /* The rest of a longer text: a block that ends with it, and begins with what is known. */
    if (end - first >= 16) {
        unsigned mask = json_special_mask(json_load(end - 16));

        return mask ? end - 16 + __builtin_ctz(mask) : end;
    }
#endif
    if (end - at >= 8 && end - at <= 16 && json_eight_plain(at) && json_eight_plain(end - 8))
        return end;
    while (at < end && json_is_plain(*at))
        at++;
    return at;
}

/* The first quote or backslash from AT, or END. */
static inline const char *json_quote_end(const char *at, const char *end)
{
#ifdef __SSE2__
    while (end - at >= 16) {
        unsigned mask = json_quote_mask(json_load(at));

        if (mask)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#endif
    while (at < end && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* The first byte from AT that is not white space, or END. */
static inline const char *json_space_end(const char *at, const char *end)
{
    if (at < end && (unsigned char)*at > ' ')
        return at;
#ifdef __SSE2__
    if (end - at >= 2 && (unsigned char)at[1] > ' ' && json_is_space(*at))
        return at + 1;
    while (end - at >= 16) {
        __m128i block = json_load(at);
        __m128i blank = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8(' ')),
                                     _mm_cmpeq_epi8(block, _mm_set1_epi8('\n')));
        __m128i other = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\r')),
                                     _mm_cmpeq_epi8(block, _mm_set1_epi8('\t')));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_or_si128(blank, other)) ^ 0xffffU;

        if (mask)
            return at + __builtin_ctz(mask);
        at += 16;
    }
#endif
    while (at < end && json_is_space(*at))
        at++;
    return at;
}

#endif
