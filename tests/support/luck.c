#include "tests/support/luck.h"

#include <stdlib.h>

#include "shared/base/check.h"

#define FIRST_SEED   20260701
#define DEPTH_LIMIT  3
#define VALUE_LIMIT  8192
#define BASE64_LIMIT 6

static uint64_t asked_for(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t number;

    return text && span_read_u64(span_of_text(text), &number) ? number : otherwise;
}

uint64_t luck_first_seed(void)
{
    return asked_for("ROUND_SEED", FIRST_SEED);
}

uint64_t luck_cases(uint64_t usual)
{
    return asked_for("ROUND_CASES", usual);
}

/* SplitMix64: any seed will do, even of a row of neighbours. */
uint64_t luck_next(struct luck *luck)
{
    uint64_t mixed = luck->state += 0x9e3779b97f4a7c15U;

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31);
}

uint32_t luck_below(struct luck *luck, uint32_t limit)
{
    return (uint32_t)((luck_next(luck) >> 32) * limit >> 32);
}

bool luck_once_in(struct luck *luck, uint32_t count)
{
    return luck_below(luck, count) == 0;
}

/* ---- texts ------------------------------------------------------------------------------- */

static struct text kept(struct luck *luck, const struct buffer *made)
{
    struct span copy = arena_copy(luck->arena, buffer_span(made));

    return (struct text){copy.ptr, copy.len};
}

struct text luck_name(struct luck *luck)
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
    size_t len = 1 + luck_below(luck, 12);
    char *to = arena_take_text(luck->arena, len);

    for (size_t i = 0; i < len; i++)
        to[i] = digits[luck_below(luck, i == 0 ? 26 : sizeof(digits) - 1)];
    return (struct text){to, len};
}

struct text luck_unique(struct luck *luck, const char *before, unsigned number)
{
    struct buffer made _buffer_;

    buffer_init(&made, 128);
    CHECK(buffer_append_format(&made, "%s%u", before, number));
    return kept(luck, &made);
}

struct text luck_words(struct luck *luck)
{
    static const char *const ends[] = {"tea",        "caf\\u00e9", "\xe8\x8c\xb6",
                                       "\\\"so\\\"", "1/2",        "\\ud83c\\udf75",
                                       "\\\\",       "{}",         "\xf0\x9f\x8d\xb5"};
    static const char *const middles[] = {" ", "\\n", "\\t", ", ", "  ", "\\u0000", " data: "};
    struct buffer made _buffer_;

    buffer_init(&made, VALUE_LIMIT);
    do {
        if (made.len > 0)
            CHECK(buffer_append(&made,
                                span_of_text(middles[luck_below(luck, ARRAY_LEN(middles))])));
        CHECK(buffer_append(&made, span_of_text(ends[luck_below(luck, ARRAY_LEN(ends))])));
    } while (!luck_once_in(luck, 3) && made.len < 200);
    return kept(luck, &made);
}

struct text luck_base64(struct luck *luck)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = 4 * (1 + luck_below(luck, BASE64_LIMIT));
    char *to = arena_take_text(luck->arena, len);

    for (size_t i = 0; i < len; i++)
        to[i] = digits[luck_below(luck, 64)];
    return (struct text){to, len};
}

/* ---- JSON -------------------------------------------------------------------------------- */

static struct json_value value_of(struct luck *luck, enum json_kind kind,
                                  const struct buffer *made)
{
    return (struct json_value){kind, arena_copy(luck->arena, buffer_span(made))};
}

struct json_value luck_integer(struct luck *luck, int64_t low, int64_t high)
{
    struct buffer made _buffer_;

    buffer_init(&made, 32);
    CHECK(buffer_append_format(
        &made, "%ld", (long)(low + (int64_t)(luck_next(luck) % (uint64_t)(high - low + 1)))));
    return value_of(luck, JSON_NUMBER, &made);
}

struct json_value luck_fraction(struct luck *luck)
{
    struct buffer made _buffer_;

    buffer_init(&made, 32);
    switch (luck_below(luck, 3)) {
    case 0: CHECK(buffer_append_format(&made, "0.%u", luck_below(luck, 100))); break;
    case 1: CHECK(buffer_append_format(&made, "0.%u0", luck_below(luck, 100))); break;
    case 2: CHECK(buffer_append_format(&made, "%ue-2", luck_below(luck, 100))); break;
    }
    return value_of(luck, JSON_NUMBER, &made);
}

struct json_value luck_string(struct luck *luck, struct text text)
{
    struct buffer made _buffer_;

    buffer_init(&made, VALUE_LIMIT);
    CHECK(buffer_append_format(&made, "\"%.*s\"", (int)text.len, text.ptr));
    return value_of(luck, JSON_STRING, &made);
}

static void put_value(struct luck *luck, struct buffer *out, unsigned depth);

static void put_text(struct buffer *out, struct text text)
{
    CHECK(buffer_append_format(out, "\"%.*s\"", (int)text.len, text.ptr));
}

static void put_object(struct luck *luck, struct buffer *out, unsigned depth)
{
    unsigned count = luck_below(luck, 4);

    CHECK(buffer_append_byte(out, '{'));
    for (unsigned i = 0; i < count; i++) {
        CHECK(i == 0 || buffer_append_byte(out, ','));
        put_text(out, luck_unique(luck, "member_", i));
        CHECK(buffer_append_byte(out, ':'));
        put_value(luck, out, depth + 1);
    }
    CHECK(buffer_append_byte(out, '}'));
}

static void put_array(struct luck *luck, struct buffer *out, unsigned depth)
{
    unsigned count = luck_below(luck, 3);

    CHECK(buffer_append_byte(out, '['));
    for (unsigned i = 0; i < count; i++) {
        CHECK(i == 0 || buffer_append_byte(out, ','));
        put_value(luck, out, depth + 1);
    }
    CHECK(buffer_append_byte(out, ']'));
}

static void put_value(struct luck *luck, struct buffer *out, unsigned depth)
{
    static const char *const plain[] = {"true",  "false", "null", "9007199254740993",
                                        "-0.50", "1e3",   "\"\""};

    switch (luck_below(luck, depth < DEPTH_LIMIT ? 4 : 2)) {
    case 0:
        CHECK(buffer_append(out, span_of_text(plain[luck_below(luck, ARRAY_LEN(plain))])));
        break;
    case 1: put_text(out, luck_words(luck)); break;
    case 2: put_object(luck, out, depth); break;
    case 3: put_array(luck, out, depth); break;
    }
}

struct json_value luck_object(struct luck *luck)
{
    struct buffer made _buffer_;

    buffer_init(&made, SIZE_MAX);
    put_object(luck, &made, 0);
    return value_of(luck, JSON_OBJECT, &made);
}

static void put_schema(struct luck *luck, struct buffer *out, unsigned depth);

static void put_closed(struct luck *luck, struct buffer *out, unsigned depth)
{
    unsigned count = 1 + luck_below(luck, 3);

    CHECK(buffer_append(out, SPAN("{\"type\":\"object\",\"properties\":{")));
    for (unsigned i = 0; i < count; i++) {
        CHECK(buffer_append_format(out, "%s\"p%u\":", i > 0 ? "," : "", i));
        put_schema(luck, out, depth + 1);
    }
    CHECK(buffer_append(out, SPAN("},\"required\":[")));
    for (unsigned i = 0; i < count; i++)
        CHECK(buffer_append_format(out, "%s\"p%u\"", i > 0 ? "," : "", i));
    CHECK(buffer_append(out, SPAN("],\"additionalProperties\":false}")));
}

static void put_schema(struct luck *luck, struct buffer *out, unsigned depth)
{
    static const char *const plain[] = {
        "{\"type\":\"string\"}", "{\"type\":\"integer\",\"description\":\"how many\"}",
        "{\"type\":\"string\",\"enum\":[\"left\",\"right\"]}", "{\"type\":\"boolean\"}"};
    uint32_t kind = luck_below(luck, depth < DEPTH_LIMIT ? 4 : 2);

    if (kind == 2) {
        put_closed(luck, out, depth);
    } else if (kind == 3) {
        CHECK(buffer_append(out, SPAN("{\"type\":\"array\",\"items\":")));
        put_schema(luck, out, depth + 1);
        CHECK(buffer_append_byte(out, '}'));
    } else {
        CHECK(buffer_append(out, span_of_text(plain[luck_below(luck, ARRAY_LEN(plain))])));
    }
}

struct json_value luck_schema(struct luck *luck)
{
    struct buffer made _buffer_;

    buffer_init(&made, SIZE_MAX);
    put_closed(luck, &made, 0);
    return value_of(luck, JSON_OBJECT, &made);
}
