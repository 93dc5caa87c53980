#include "worker/translate/schema_closed.h"

#include "shared/base/buffer.h"
#include "shared/base/check.h"

#include "worker/translate/text.h"

#define NOTES_LIMIT_BYTES 1024 /* of one schema; more would only be noise to the model */

struct closing {
    struct arena *arena;
    struct buffer out;
    unsigned depth;
};

static void close_value(struct closing *closing, struct json_value value);

static void put(struct closing *closing, struct span bytes)
{
    (void)buffer_append(&closing->out, bytes);
}

/* Begins a member; *FIRST is cleared. */
static void put_key(struct closing *closing, struct span key, bool *first)
{
    put(closing, *first ? SPAN("\"") : SPAN(",\""));
    put(closing, key);
    put(closing, SPAN("\":"));
    *first = false;
}

/* ---- what holds schemas ------------------------------------------------------------------ */

static void close_map(struct closing *closing, struct json_value map)
{
    struct json_walk walk = json_walk(map);
    struct json_value value;
    struct span key;
    bool first = true;

    if (map.kind != JSON_OBJECT) {
        put(closing, map.raw);
        return;
    }
    put(closing, SPAN("{"));
    while (json_next(&walk, &key, &value)) {
        put_key(closing, key, &first);
        close_value(closing, value);
    }
    put(closing, SPAN("}"));
}

static void close_list(struct closing *closing, struct json_value list)
{
    struct json_walk walk = json_walk(list);
    struct json_value value;
    bool first = true;

    if (list.kind != JSON_ARRAY) {
        close_value(closing, list);
        return;
    }
    put(closing, SPAN("["));
    for (; json_next(&walk, NULL, &value); first = false) {
        if (!first)
            put(closing, SPAN(","));
        close_value(closing, value);
    }
    put(closing, SPAN("]"));
}

/* ---- keywords ---------------------------------------------------------------------------- */

enum treatment {
    KEEP,
    INTO_MAP,
    INTO_LIST,
    TELL, /* in the description */
    TELL_FORMAT,
    TELL_PATTERN,
    TELL_FEWEST,
    HOLD_DESCRIPTION,
    LEAVE_OUT
};

static const struct {
    struct span key;
    enum treatment treatment;
} keywords[] = {
    {WORD("properties"), INTO_MAP},
    {WORD("$defs"), INTO_MAP},
    {WORD("definitions"), INTO_MAP},
    {WORD("items"), INTO_LIST},
    {WORD("prefixItems"), INTO_LIST},
    {WORD("anyOf"), INTO_LIST},
    {WORD("oneOf"), INTO_LIST},
    {WORD("allOf"), INTO_LIST},
    {WORD("description"), HOLD_DESCRIPTION},
    {WORD("additionalProperties"), LEAVE_OUT},
    {WORD("unevaluatedProperties"), LEAVE_OUT},
    {WORD("$schema"), LEAVE_OUT},
    {WORD("$id"), LEAVE_OUT},
    {WORD("minimum"), TELL},
    {WORD("maximum"), TELL},
    {WORD("exclusiveMinimum"), TELL},
    {WORD("exclusiveMaximum"), TELL},
    {WORD("multipleOf"), TELL},
    {WORD("minLength"), TELL},
    {WORD("maxLength"), TELL},
    {WORD("minItems"), TELL_FEWEST},
    {WORD("maxItems"), TELL},
    {WORD("uniqueItems"), TELL},
    {WORD("minProperties"), TELL},
    {WORD("maxProperties"), TELL},
    {WORD("patternProperties"), TELL},
    {WORD("pattern"), TELL_PATTERN},
    {WORD("format"), TELL_FORMAT},
};

static enum treatment treatment_of(struct span key)
{
    for (unsigned i = 0; i < ARRAY_LEN(keywords); i++)
        if (span_eq(key, keywords[i].key))
            return keywords[i].treatment;
    return KEEP;
}

static bool is_known_format(struct json_value format)
{
    static const struct span known[] = {
        WORD("date-time"), WORD("time"), WORD("date"), WORD("duration"), WORD("email"),
        WORD("hostname"),  WORD("uri"),  WORD("ipv4"), WORD("ipv6"),     WORD("uuid"),
    };

    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (json_text_eq(format, known[i]))
            return true;
    return false;
}

/* Whether a keyword with this value may stand where it is. */
static bool may_stay(enum treatment treatment, struct json_value value)
{
    switch (treatment) {
    case TELL_FORMAT: return is_known_format(value);
    case TELL_PATTERN: return span_find(value.raw, SPAN("(?")) == SIZE_MAX;
    case TELL_FEWEST: return span_eq(value.raw, SPAN("0")) || span_eq(value.raw, SPAN("1"));
    case KEEP: return true;
    case INTO_MAP:
    case INTO_LIST:
    case TELL:
    case HOLD_DESCRIPTION:
    case LEAVE_OUT: break;
    }
    return false;
}

/* "minimum: 1" behind what stands in NOTES. */
static struct text noted(struct text notes, struct span key, struct json_value value,
                         struct arena *arena)
{
    struct text text =
        value.kind == JSON_STRING ? text_of(value) : text_escape(value.raw, arena);

    if (notes.len > NOTES_LIMIT_BYTES || text.len > NOTES_LIMIT_BYTES)
        return notes;
    if (notes.ptr)
        notes = text_join(notes, TEXT(", "), arena);
    notes = text_join(notes, (struct text){key.ptr, key.len}, arena);
    return text_join(text_join(notes, TEXT(": "), arena), text, arena);
}

static struct text described(struct text description, struct text notes, struct arena *arena)
{
    if (!description.ptr || !notes.ptr)
        return description.ptr ? description : notes;
    description = text_join(description, TEXT(" ("), arena);
    return text_join(text_join(description, notes, arena), TEXT(")"), arena);
}

/* ---- one schema -------------------------------------------------------------------------- */

static bool is_object_type(struct json_value type)
{
    struct json_walk walk = json_walk(type);
    struct json_value one;

    if (type.kind == JSON_ARRAY)
        while (json_next(&walk, NULL, &one))
            if (json_text_eq(one, SPAN("object")))
                return true;
    return json_text_eq(type, SPAN("object"));
}

static void close_member(struct closing *closing, enum treatment treatment, struct span key,
                         struct json_value value, bool *first)
{
    put_key(closing, span_eq(key, SPAN("oneOf")) ? SPAN("anyOf") : key, first);
    if (treatment == INTO_MAP)
        close_map(closing, value);
    else if (treatment == INTO_LIST)
        close_list(closing, value);
    else
        put(closing, value.raw);
}

static void close_schema(struct closing *closing, struct json_value schema)
{
    struct json_walk walk = json_walk(schema);
    struct text description = TEXT_NONE, notes = TEXT_NONE;
    bool first = true, object = false;
    struct json_value value;
    struct span key;

    put(closing, SPAN("{"));
    while (json_next(&walk, &key, &value)) {
        enum treatment treatment = treatment_of(key);

        object |= span_eq(key, SPAN("properties")) ||
                  (span_eq(key, SPAN("type")) && is_object_type(value));
        if (may_stay(treatment, value) || treatment == INTO_MAP || treatment == INTO_LIST)
            close_member(closing, treatment, key, value, &first);
        else if (treatment == HOLD_DESCRIPTION)
            description = text_of(value);
        else if (treatment != LEAVE_OUT)
            notes = noted(notes, key, value, closing->arena);
    }
    description = described(description, notes, closing->arena);
    if (description.ptr) {
        put_key(closing, SPAN("description"), &first);
        put(closing, SPAN("\""));
        put(closing, span_of(description.ptr, description.len));
        put(closing, SPAN("\""));
    }
    if (object) {
        put_key(closing, SPAN("additionalProperties"), &first);
        put(closing, SPAN("false"));
    }
    put(closing, SPAN("}"));
}

static void close_value(struct closing *closing, struct json_value value)
{
    if (value.kind != JSON_OBJECT || closing->depth >= SCHEMA_CLOSED_DEPTH) {
        put(closing, value.raw);
        return;
    }
    closing->depth++;
    close_schema(closing, value);
    closing->depth--;
}

struct span schema_close(struct json_value schema, struct arena *arena)
{
    struct closing closing = {.arena = arena};
    struct span closed;

    CHECK(schema.kind == JSON_OBJECT);
    buffer_init(&closing.out, SIZE_MAX);
    close_value(&closing, schema);
    closed = arena_copy(arena, buffer_span(&closing.out));
    buffer_done(&closing.out);
    return closed;
}
