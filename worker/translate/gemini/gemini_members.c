/* Members of objects, and words that stand for enums. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"

/* ---- members --------------------------------------------------------------------------- */

static bool is_snake(struct span key, struct span name)
{
    size_t at = 0;

    for (size_t i = 0; i < name.len; i++) {
        bool capital = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z';

        if (capital && (at == key.len || key.ptr[at++] != '_'))
            return false;
        if (at == key.len ||
            key.ptr[at++] != (capital ? (char)(name.ptr[i] - 'A' + 'a') : name.ptr[i]))
            return false;
    }
    return at == key.len;
}

bool gemini_is(struct span key, struct span name)
{
    if (key.len <= name.len)
        return span_eq(key, name);
    return is_snake(key, name);
}

/* The place of KEY in NAMES, or COUNT. */
static unsigned find_name(struct span key, const struct span *names, unsigned count)
{
    unsigned i = 0;

    while (i < count && !gemini_is(key, names[i]))
        i++;
    return i;
}

static void clear(struct json_value *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        values[i] = (struct json_value){.kind = JSON_ABSENT};
}

void gemini_pick(struct json_value object, const struct span *names, unsigned count,
                 struct json_value *values)
{
    struct json_value value;
    struct json_walk walk;
    struct span key;

    clear(values, count);
    if (object.kind != JSON_OBJECT)
        return;
    for (walk = json_walk(object); json_next(&walk, &key, &value);) {
        unsigned at = find_name(key, names, count);

        if (at < count && value.kind != JSON_NULL && values[at].kind == JSON_ABSENT)
            values[at] = value;
    }
}

struct json_value gemini_member(struct json_value object, struct span name)
{
    struct json_value value;

    gemini_pick(object, &name, 1, &value);
    return value;
}

bool gemini_take(struct translation *t, const struct path *path, struct json_value object,
                 const struct span *names, unsigned count, struct json_value *values)
{
    struct path here = {.up = path};
    struct json_value value;
    struct json_walk walk;

    clear(values, count);
    if (object.kind != JSON_OBJECT)
        return refuse(t, path, "must be an object");
    for (walk = json_walk(object); json_next(&walk, &here.key, &value);) {
        unsigned at = find_name(here.key, names, count);

        if (value.kind == JSON_NULL)
            continue;
        if (at == count)
            drop_at(t, &here);
        else if (values[at].kind == JSON_ABSENT)
            values[at] = value;
    }
    return true;
}

/* ---- words ----------------------------------------------------------------------------- */

const struct gemini_word gemini_levels[] = {
    {WORD("MINIMAL"), EFFORT_MINIMAL},
    {WORD("LOW"), EFFORT_LOW},
    {WORD("MEDIUM"), EFFORT_MEDIUM},
    {WORD("HIGH"), EFFORT_HIGH},
    {WORD("THINKING_LEVEL_UNSPECIFIED"), EFFORT_ABSENT},
    {{NULL, 0}, 0},
};

const struct gemini_word gemini_modes[] = {
    {WORD("AUTO"), TOOL_CHOICE_AUTO},
    {WORD("ANY"), TOOL_CHOICE_REQUIRED},
    {WORD("NONE"), TOOL_CHOICE_NONE},
    {WORD("VALIDATED"), TOOL_CHOICE_AUTO},
    {WORD("MODE_UNSPECIFIED"), TOOL_CHOICE_ABSENT},
    {{NULL, 0}, 0},
};

static const struct gemini_word finishes[] = {
    {WORD("STOP"), STOP_END},
    {WORD("MAX_TOKENS"), STOP_LENGTH},
    {WORD("SAFETY"), STOP_FILTER},
    {WORD("RECITATION"), STOP_FILTER},
    {WORD("LANGUAGE"), STOP_FILTER},
    {WORD("BLOCKLIST"), STOP_FILTER},
    {WORD("PROHIBITED_CONTENT"), STOP_FILTER},
    {WORD("SPII"), STOP_FILTER},
    {WORD("IMAGE_SAFETY"), STOP_FILTER},
    {WORD("IMAGE_PROHIBITED_CONTENT"), STOP_FILTER},
    {WORD("IMAGE_RECITATION"), STOP_FILTER},
    {WORD("MODEL_ARMOR"), STOP_FILTER},
    {WORD("OTHER"), STOP_FAILED},
    {WORD("MALFORMED_FUNCTION_CALL"), STOP_FAILED},
    {WORD("UNEXPECTED_TOOL_CALL"), STOP_FAILED},
    {WORD("TOO_MANY_TOOL_CALLS"), STOP_FAILED},
    {WORD("MISSING_THOUGHT_SIGNATURE"), STOP_FAILED},
    {WORD("MALFORMED_RESPONSE"), STOP_FAILED},
    {WORD("NO_IMAGE"), STOP_FAILED},
    {WORD("IMAGE_OTHER"), STOP_FAILED},
    {WORD("FINISH_REASON_UNSPECIFIED"), STOP_NONE},
    {{NULL, 0}, 0},
};

bool gemini_word_read(const struct gemini_word *table, struct json_value word, uint8_t *ret)
{
    struct text text = text_of(word);

    for (; text.ptr && table->text.ptr; table++)
        if (span_eq_nocase(span_of(text.ptr, text.len), table->text)) {
            *ret = table->value;
            return true;
        }
    return false;
}

struct span gemini_word_text(const struct gemini_word *table, uint8_t value)
{
    while (table->text.ptr && table->value != value)
        table++;
    return table->text;
}

enum stop_reason gemini_finish_read(struct json_value word)
{
    uint8_t stop = STOP_END;

    if (word.kind != JSON_STRING || word.raw.len == 2)
        return STOP_NONE;
    (void)gemini_word_read(finishes, word, &stop);
    return stop;
}

struct span gemini_finish_text(enum stop_reason stop)
{
    switch (stop) {
    case STOP_LENGTH:
    case STOP_CONTEXT: return SPAN("MAX_TOKENS");
    case STOP_FILTER: return SPAN("SAFETY");
    case STOP_FAILED: return SPAN("OTHER");
    case STOP_NONE:
    case STOP_END:
    case STOP_SEQUENCE:
    case STOP_TOOL:
    case STOP_PAUSE: break;
    }
    return SPAN("STOP");
}
