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

#define NAME_DIFFERS UINT8_MAX
#define NONE         UINT8_MAX
#define ROOM_FIRST   128 /* for a value; most are short */

void json_tap_init(struct json_tap *tap)
{
    *tap = (struct json_tap){.state = TAP_START, .current = NONE};
}

void json_tap_want(struct json_tap *tap, unsigned index, struct span key, uint16_t size)
{
    CHECK(index < JSON_TAP_MEMBERS && key.len <= JSON_TAP_NAME);
    tap->members[index] = (struct json_tap_member){.key = key, .size = size};
}

/* Room for COUNT more bytes, within the member's size. */
static void make_room(struct json_tap_member *member, size_t count, struct arena *arena)
{
    size_t room = member->room > 0 ? member->room : ROOM_FIRST;
    char *larger;

    if (count <= (size_t)member->room - member->len)
        return;
    while (room < member->len + count)
        room *= 2;
    if (room > member->size)
        room = member->size;
    larger = arena_take_text(arena, room);
    if (member->len > 0)
        memcpy(larger, member->value, member->len);
    member->value = larger;
    member->room = (uint16_t)room;
}

static void keep_wanted(struct json_tap *tap, const char *from, size_t count)
{
    struct json_tap_member *member = &tap->members[tap->current];

    if (member->overflow || count == 0)
        return;
    if (count > (size_t)member->size - member->len) {
        member->overflow = true;
        return;
    }
    make_room(member, count, tap->arena);
    memcpy(member->value + member->len, from, count);
    member->len = (uint16_t)(member->len + count);
}

static inline void keep(struct json_tap *tap, const char *from, const char *to)
{
    if (tap->current != NONE)
        keep_wanted(tap, from, (size_t)(to - from));
}

/* A value begins, a wanted one or another; of members with the same name the last one counts,
 * as for most readers. */
static void value_begins(struct json_tap *tap)
{
    struct span name = span_of(tap->name, tap->name_len);

    tap->state = TAP_VALUE;
    for (unsigned i = 0; i < JSON_TAP_MEMBERS && tap->name_len != NAME_DIFFERS; i++) {
        struct json_tap_member *member = &tap->members[i];

        if (member->key.len == 0 || !span_eq(name, member->key))
            continue;
        member->len = 0;
        member->found = member->overflow = false;
        tap->current = (uint8_t)i;
    }
}

static void value_ended(struct json_tap *tap, enum tap_state next)
{
    if (tap->current != NONE)
        tap->members[tap->current].found = !tap->members[tap->current].overflow;
    tap->current = NONE;
    tap->state = (uint8_t)next;
}

static void name_goes_on(struct json_tap *tap, const char *from, const char *to)
{
    size_t count = (size_t)(to - from);

    if (tap->name_len == NAME_DIFFERS || count > (size_t)JSON_TAP_NAME - tap->name_len) {
        tap->name_len = NAME_DIFFERS;
        return;
    }
    memcpy(tap->name + tap->name_len, from, count);
    tap->name_len = (uint8_t)(tap->name_len + count);
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
    const char *stop = json_quote_end(at, end);

    name_goes_on(tap, at, stop);
    if (stop == end)
        return end;
    tap->state = *stop == '"' ? TAP_COLON : TAP_NAME_ESCAPE;
    if (*stop != '"')
        tap->name_len = NAME_DIFFERS;
    return stop + 1;
}

/* White space and punctuation between the members. */
static const char *feed_between(struct json_tap *tap, const char *at, const char *end)
{
    at = json_space_end(at, end);
    if (at == end)
        return at;
    if (tap->state == TAP_START && *at == '{') {
        tap->state = TAP_BEFORE_NAME;
        tap->depth = 1;
    } else if (tap->state == TAP_BEFORE_NAME && *at == '"') {
        tap->state = TAP_NAME;
        tap->name_len = 0;
    } else if (tap->state == TAP_COLON && *at == ':') {
        value_begins(tap);
    } else {
        tap->state = TAP_END;
    }
    return at + 1;
}

void json_tap_feed(struct json_tap *tap, struct span bytes, struct arena *arena)
{
    const char *at = bytes.ptr, *end = bytes.ptr + bytes.len;

    tap->arena = arena;
    while (at < end) {
        switch ((enum tap_state)tap->state) {
        case TAP_START:
        case TAP_BEFORE_NAME:
        case TAP_COLON: at = feed_between(tap, at, end); break;
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

struct json_value json_tap_value(const struct json_tap *tap, unsigned index)
{
    const struct json_tap_member *member = &tap->members[index];
    struct json_value value;
    struct json_error error;

    CHECK(index < JSON_TAP_MEMBERS);
    if (!member->found || !json_check(span_of(member->value, member->len), &value, &error))
        return (struct json_value){.kind = JSON_ABSENT};
    return value;
}
