/* Members by name, and words for enums, in both directions. */
#include "worker/translate/anthropic/anthropic_inside.h"

/* In both tables the first row of a value is the one that is written. */
const struct anthropic_word anthropic_stops[] = {
    {WORD("end_turn"), STOP_END},
    {WORD("stop_sequence"), STOP_SEQUENCE},
    {WORD("max_tokens"), STOP_LENGTH},
    {WORD("model_context_window_exceeded"), STOP_CONTEXT},
    {WORD("tool_use"), STOP_TOOL},
    {WORD("refusal"), STOP_FILTER},
    {WORD("pause_turn"), STOP_PAUSE},
    {WORD("compaction"), STOP_PAUSE},
    {SPAN_NONE, 0},
};

const struct anthropic_word anthropic_efforts[] = {
    {WORD("high"), EFFORT_HIGH},
    {WORD("low"), EFFORT_LOW},
    {WORD("low"), EFFORT_MINIMAL},
    {WORD("medium"), EFFORT_MEDIUM},
    {WORD("xhigh"), EFFORT_XHIGH},
    {WORD("max"), EFFORT_MAX},
    {SPAN_NONE, 0},
};

bool anthropic_word_read(const struct anthropic_word *table, struct json_value word,
                         uint8_t *ret)
{
    for (; table->text.ptr; table++)
        if (json_text_eq(word, table->text)) {
            *ret = table->value;
            return true;
        }
    return false;
}

struct span anthropic_word(const struct anthropic_word *table, uint8_t value)
{
    for (const struct anthropic_word *row = table; row->text.ptr; row++)
        if (row->value == value)
            return row->text;
    return table->text;
}

bool anthropic_key_is(struct span key, struct span name)
{
    return span_eq(key, name) || (key.len > name.len && json_inside_is(key, name));
}

void anthropic_pick(struct json_value object, const struct span *names, unsigned count,
                    struct json_value *values)
{
    struct json_walk walk = json_walk(object);
    struct json_value value;
    struct span key;

    memset(values, 0, count * sizeof(*values));
    if (!walk.object)
        return;
    while (json_next(&walk, &key, &value))
        for (unsigned i = 0; i < count; i++)
            if (anthropic_key_is(key, names[i])) {
                if (values[i].kind == JSON_ABSENT && value.kind != JSON_NULL)
                    values[i] = value;
                break;
            }
}

void anthropic_pick_block(struct json_value object, struct json_value *values)
{
    static const struct span names[] = {
#define MEMBER(name) WORD(#name),
        BLOCK_MEMBERS(MEMBER)
#undef MEMBER
    };

    anthropic_pick(object, names, BLOCK_MEMBER_COUNT, values);
}

bool anthropic_need(struct translation *t, const struct path *up, struct span name,
                    struct json_value value)
{
    struct path here = {.up = up, .key = name};

    return value.kind != JSON_ABSENT || refuse(t, &here, "is required");
}

bool anthropic_text(struct translation *t, const struct path *up, struct span name,
                    struct json_value value, struct text *ret)
{
    struct path here = {.up = up, .key = name};

    if (value.kind == JSON_ABSENT)
        return true;
    if (value.kind != JSON_STRING)
        return refuse(t, &here, "must be a string");
    *ret = text_of(value);
    return true;
}

bool anthropic_maybe(struct translation *t, const struct path *up, struct span name,
                     struct json_value value, uint8_t *ret)
{
    struct path here = {.up = up, .key = name};

    if (value.kind == JSON_ABSENT)
        return true;
    if (value.kind != JSON_TRUE && value.kind != JSON_FALSE)
        return refuse(t, &here, "must be true or false");
    *ret = value.kind == JSON_TRUE ? MAYBE_TRUE : MAYBE_FALSE;
    return true;
}
