#include "shared/base/check.h"
#include "shared/text/json.h"
#include "shared/text/json_bytes.h"

enum tap_state {
    TAP_START,       /* before the opening brace */
    TAP_BEFORE_NAME, /* at depth 1, before a member's name */
    TAP_NAME,
    TAP_NAME_ESCAPE,
    TAP_COLON,
    TAP_VALUE, /* in a value, outside of strings */
    TAP_STRING,
    TAP_STRING_ESCAPE,
    TAP_END, /* the object ended, or it was none */
};

#define NAME_DIFFERS UINT16_MAX

void json_tap_init(struct json_tap *tap, struct span key, uint16_t size)
{
    CHECK(key.len < NAME_DIFFERS);
    *tap = (struct json_tap){.key = key, .size = size, .state = TAP_START};
}

static bool matched(const struct json_tap *tap)
{
    return tap->key_matched == tap->key.len;
}

static void keep(struct json_tap *tap, const char *from, const char *to)
{
    size_t count = (size_t)(to - from);

    if (!matched(tap) || tap->overflow)
        return;
    if (count > (size_t)tap->size - tap->len) {
        tap->overflow = true;
        return;
    }
    memcpy(tap->value + tap->len, from, count);
    tap->len = (uint16_t)(tap->len + count);
}

/* The value of the wanted member begins; of members with the same name the last one counts, as
 * for most readers. */
static void value_begins(struct json_tap *tap, struct arena *arena)
{
    tap->state = TAP_VALUE;
    if (!matched(tap))
        return;
    if (!tap->value)
        tap->value = arena_take_text(arena, tap->size);
    tap->len = 0;
    tap->found = false;
    tap->overflow = false;
}

static void value_ended(struct json_tap *tap, enum tap_state next)
{
    tap->found = tap->found || (matched(tap) && !tap->overflow);
    tap->key_matched = 0;
    tap->state = (uint8_t)next;
}

static void match_byte(struct json_tap *tap, char c)
{
    if (tap->key_matched < tap->key.len && tap->key.ptr[tap->key_matched] == c)
        tap->key_matched++;
    else
        tap->key_matched = NAME_DIFFERS;
}

/* In a value, outside of strings: up to the byte that changes the state. */
static const char *feed_value(struct json_tap *tap, const char *at, const char *end)
{
    const char *from = at;

    for (; at < end; at++) {
        char c = *at;

        if (c == '"') {
            tap->state = TAP_STRING;
            keep(tap, from, at + 1);
            return at + 1;
        }
        if (c == '{' || c == '[') {
            if (tap->depth < UINT32_MAX)
                tap->depth++;
        } else if (tap->depth > 1) {
            if (c == '}' || c == ']')
                tap->depth--;
        } else if (c == ',' || c == '}' || c == ']') {
            keep(tap, from, at);
            value_ended(tap, c == ',' ? TAP_BEFORE_NAME : TAP_END);
            return at + 1;
        }
    }
    keep(tap, from, at);
    return at;
}

static const char *feed_string(struct json_tap *tap, const char *at, const char *end)
{
    const char *stop = json_quote_end(at, end);

    if (stop == end) {
        keep(tap, at, end);
        return end;
    }
    tap->state = *stop == '"' ? TAP_VALUE : TAP_STRING_ESCAPE;
    keep(tap, at, stop + 1);
    return stop + 1;
}

static const char *feed_name(struct json_tap *tap, const char *at, const char *end)
{
    for (; at < end; at++) {
        if (*at == '"') {
            tap->state = TAP_COLON;
            return at + 1;
        }
        if (*at == '\\') {
            tap->state = TAP_NAME_ESCAPE;
            tap->key_matched = NAME_DIFFERS;
            return at + 1;
        }
        match_byte(tap, *at);
    }
    return at;
}

/* White space and punctuation between the members. */
static const char *feed_between(struct json_tap *tap, const char *at, const char *end,
                                struct arena *arena)
{
    at = json_space_end(at, end);
    if (at == end)
        return at;
    if (tap->state == TAP_START && *at == '{') {
        tap->state = TAP_BEFORE_NAME;
        tap->depth = 1;
    } else if (tap->state == TAP_BEFORE_NAME && *at == '"') {
        tap->state = TAP_NAME;
        tap->key_matched = 0;
    } else if (tap->state == TAP_COLON && *at == ':') {
        value_begins(tap, arena);
    } else {
        tap->state = TAP_END;
    }
    return at + 1;
}

void json_tap_feed(struct json_tap *tap, struct span bytes, struct arena *arena)
{
    const char *at = bytes.ptr, *end = bytes.ptr + bytes.len;

    while (at < end) {
        switch ((enum tap_state)tap->state) {
        case TAP_START:
        case TAP_BEFORE_NAME:
        case TAP_COLON: at = feed_between(tap, at, end, arena); break;
        case TAP_NAME: at = feed_name(tap, at, end); break;
        case TAP_NAME_ESCAPE:
            tap->state = TAP_NAME;
            at++;
            break;
        case TAP_VALUE: at = feed_value(tap, at, end); break;
        case TAP_STRING: at = feed_string(tap, at, end); break;
        case TAP_STRING_ESCAPE:
            keep(tap, at, at + 1);
            tap->state = TAP_STRING;
            at++;
            break;
        case TAP_END: return;
        }
    }
}

struct json_value json_tap_value(const struct json_tap *tap)
{
    struct json_value value;
    struct json_error error;

    if (!tap->found || !json_check(span_of(tap->value, tap->len), &value, &error))
        return (struct json_value){.kind = JSON_ABSENT};
    return value;
}
