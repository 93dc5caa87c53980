#include "shared/text/json_scan.h"

#include "shared/base/encode.h"
#include "shared/text/json_bytes.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* AT stands on the backslash. */
static const char *scan_escape(struct json_scan *scan, const char *at)
{
    at++;
    if (at == scan->end)
        return json_scan_fail(scan, at, "");
    if (*at != 'u') {
        if (*at == '\0' || !strchr("\"\\/bfnrt", *at))
            return json_scan_fail(scan, at, "no such escape");
        return at + 1;
    }
    at++;
    for (unsigned i = 0; i < 4; i++, at++) {
        if (at == scan->end || !is_hex(*at))
            return json_scan_fail(scan, at, "expected a hex digit");
    }
    return at;
}

const char *json_scan_string(struct json_scan *scan, const char *at)
{
    const char *end = scan->end;

    for (;;) {
        at = json_plain_end(at, end);
        if (at == end)
            return json_scan_fail(scan, at, "");
        if (*at == '"')
            return at + 1;
        if (*at == '\\') {
            at = scan_escape(scan, at);
            if (!at)
                return NULL;
            continue;
        }
        if ((unsigned char)*at < 0x20)
            return json_scan_fail(scan, at, "control character in a string");
        /* Text in other scripts comes in runs: stay here for all of one. */
        while (at < end && (*at & (char)0x80)) {
            unsigned length = utf8_length(span_of(at, (size_t)(end - at)));

            if (length == 0)
                return json_scan_fail(scan, at, "not UTF-8");
            at += length;
        }
    }
}

static const char *scan_digits(struct json_scan *scan, const char *at)
{
    if (at == scan->end || !is_digit(*at))
        return json_scan_fail(scan, at, "expected a digit");
    while (at < scan->end && is_digit(*at))
        at++;
    return at;
}

static const char *scan_number(struct json_scan *scan, const char *at)
{
    const char *end = scan->end;

    if (*at == '-')
        at++;
    if (at < end && *at == '0')
        at++;
    else
        at = scan_digits(scan, at);
    if (at && at < end && *at == '.')
        at = scan_digits(scan, at + 1);
    if (at && at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        at = scan_digits(scan, at);
    }
    return at;
}

static const char *scan_word(struct json_scan *scan, const char *at, struct span word)
{
    for (size_t i = 0; i < word.len; i++) {
        if (at + i == scan->end || at[i] != word.ptr[i])
            return json_scan_fail(scan, at + i, "expected a value");
    }
    return at + word.len;
}

/* A value that is no container. */
static inline const char *scan_scalar(struct json_scan *scan, const char *at)
{
    switch (*at) {
    case '"': return json_scan_string(scan, at + 1);
    case 't': return scan_word(scan, at, SPAN("true"));
    case 'f': return scan_word(scan, at, SPAN("false"));
    case 'n': return scan_word(scan, at, SPAN("null"));
    default:
        if (*at == '-' || is_digit(*at))
            return scan_number(scan, at);
        return json_scan_fail(scan, at, "expected a value");
    }
}

/* AT stands where a member's name must begin; returns the place of its value. */
static inline const char *scan_name(struct json_scan *scan, const char *at)
{
    const char *end = scan->end;

    if (at == end || *at != '"')
        return json_scan_fail(scan, at, "expected a member name");
    at = json_scan_string(scan, at + 1);
    if (!at)
        return NULL;
    at = json_space_end(at, end);
    if (at == end || *at != ':')
        return json_scan_fail(scan, at, "expected a colon");
    return json_space_end(at + 1, end);
}

/* Which of the open containers are objects, one bit each. */
struct levels {
    uint64_t objects[JSON_DEPTH_LIMIT / 64];
    unsigned depth;
};

_Static_assert(JSON_DEPTH_LIMIT % 64 == 0, "levels holds whole words");

static inline bool top_is_object(const struct levels *levels)
{
    unsigned top = levels->depth - 1;

    return levels->objects[top / 64] >> top % 64 & 1;
}

static inline void push(struct levels *levels, bool object)
{
    uint64_t bit = (uint64_t)1 << levels->depth % 64;

    if (object)
        levels->objects[levels->depth / 64] |= bit;
    else
        levels->objects[levels->depth / 64] &= ~bit;
    levels->depth++;
}

/* After a value at AT: closes what ends here, and returns the place of the next value;
 * *ret_whole when there is none because the outermost container ended before AT. */
static inline const char *scan_after(struct json_scan *scan, struct levels *levels,
                                     unsigned floor, const char *at, bool *ret_whole)
{
    while (levels->depth > floor) {
        bool object = top_is_object(levels);

        at = json_space_end(at, scan->end);
        if (at < scan->end && *at == ',') {
            at = json_space_end(at + 1, scan->end);
            return object ? scan_name(scan, at) : at;
        }
        if (at == scan->end || *at != (object ? '}' : ']'))
            return json_scan_fail(scan, at, "expected a comma or the end of the container");
        levels->depth--;
        at++;
    }
    *ret_whole = true;
    return at;
}

const char *json_scan_value(struct json_scan *scan, const char *at, unsigned depth)
{
    struct levels levels __attribute__((uninitialized));
    bool whole = false;

    levels.depth = depth;
    while (at && !whole) {
        if (at == scan->end)
            return json_scan_fail(scan, at, "");
        if (*at == '{' || *at == '[') {
            bool object = *at == '{';

            if (levels.depth >= JSON_DEPTH_LIMIT)
                return json_scan_fail(scan, at, "nested too deep");
            at = json_space_end(at + 1, scan->end);
            if (at < scan->end && *at == (object ? '}' : ']')) {
                at = scan_after(scan, &levels, depth, at + 1, &whole);
                continue;
            }
            push(&levels, object);
            if (object)
                at = scan_name(scan, at);
            continue;
        }
        at = scan_scalar(scan, at);
        if (at)
            at = scan_after(scan, &levels, depth, at, &whole);
    }
    return at;
}

enum json_kind json_kind_of(char first)
{
    switch (first) {
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case '"': return JSON_STRING;
    case 't': return JSON_TRUE;
    case 'f': return JSON_FALSE;
    case 'n': return JSON_NULL;
    default: return JSON_NUMBER;
    }
}
