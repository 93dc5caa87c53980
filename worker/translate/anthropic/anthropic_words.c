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

void anthropic_pick_block(struct json_value object, struct json_value *values)
{
    static const struct span names[] = {
#define MEMBER(name) WORD(#name),
        BLOCK_MEMBERS(MEMBER)
#undef MEMBER
    };

    pick_members(object, names, BLOCK_MEMBER_COUNT, values);
}

bool anthropic_need(struct translation *t, const struct path *up, struct span name,
                    struct json_value value)
{
    struct path here = {.up = up, .key = name};

    return value.kind != JSON_ABSENT || refuse(t, &here, "is required");
}
