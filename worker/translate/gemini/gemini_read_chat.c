/* Requests, the outermost object and generationConfig: which member is read by whom. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"

/* Fields that are one value here as everywhere; those of generationConfig, or the others. */
static bool read_field(struct chat *chat, bool config, struct span key, struct json_value value)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        struct span name = chat_field_plain((enum chat_field)i, DIALECT_gemini);

        if (name.len == 0 || span_starts(name, CHAT_FIELD_CONFIG) != config)
            continue;
        if (config)
            name = span_skip(name, CHAT_FIELD_CONFIG.len);
        if (gemini_is(key, name)) {
            chat->fields[i] = value;
            return true;
        }
    }
    return false;
}

/* ---- generationConfig ------------------------------------------------------------------ */

bool gemini_read_list(struct gemini_reading *reading, const struct path *path,
                      struct json_value value, gemini_read_f *read_item)
{
    struct path item = {.up = path};
    struct json_walk walk = json_walk(value);
    struct json_value inner;

    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be an array");
    for (; json_next(&walk, NULL, &inner); item.index++)
        if (!read_item(reading, &item, inner))
            return false;
    return true;
}

static bool read_stop(struct gemini_reading *reading, const struct path *path,
                      struct json_value value)
{
    struct text stop;

    if (!read_string(reading->t, path, value, &stop))
        return false;
    chat_add_stop(reading->chat, stop, reading->arena);
    return true;
}

static bool read_stops(struct gemini_reading *reading, const struct path *path,
                       struct json_value value)
{
    return gemini_read_list(reading, path, value, read_stop);
}

static bool read_seed(struct gemini_reading *reading, const struct path *path,
                      struct json_value value)
{
    if (value.kind != JSON_NUMBER)
        return refuse(reading->t, path, "must be a number");
    reading->chat->fields[CHAT_seed] = value;
    return true;
}

static bool read_mime_type(struct gemini_reading *reading, const struct path *path,
                           struct json_value value)
{
    static const struct gemini_word types[] = {
        {WORD("text/plain"), FORMAT_TEXT},
        {WORD("application/json"), FORMAT_JSON},
        {{NULL, 0}, 0},
    };
    struct chat *chat = reading->chat;
    uint8_t kind;

    if (value.kind != JSON_STRING)
        return refuse(reading->t, path, "must be a string");
    if (!gemini_word_read(types, value, &kind))
        drop_at(reading->t, path);
    else if (chat->format.kind != FORMAT_SCHEMA)
        chat->format.kind = kind;
    return true;
}

static bool read_json_schema(struct gemini_reading *reading, const struct path *path,
                             struct json_value value)
{
    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    reading->chat->format.kind = FORMAT_SCHEMA;
    reading->chat->format.schema = value;
    return true;
}

static bool read_schema(struct gemini_reading *reading, const struct path *path,
                        struct json_value value)
{
    struct json_value schema;

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    if (!gemini_read_schema(value, reading->arena, &schema))
        return refuse(reading->t, path, "is too deep or too large");
    return read_json_schema(reading, path, schema);
}

/* Modalities are in lower case in the canonical form. */
static bool read_modalities(struct gemini_reading *reading, const struct path *path,
                            struct json_value value)
{
    char *to;

    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be an array");
    to = arena_take_text(reading->arena, value.raw.len);
    for (size_t i = 0; i < value.raw.len; i++) {
        char c = value.raw.ptr[i];

        to[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    reading->chat->fields[CHAT_modalities] =
        (struct json_value){JSON_ARRAY, span_of(to, value.raw.len)};
    return true;
}

static bool read_budget(struct gemini_reading *reading, const struct path *path,
                        struct json_value budget)
{
    struct path here = {.up = path, .key = SPAN("thinkingBudget")};
    struct reasoning *reasoning = &reading->chat->reasoning;

    if (budget.kind == JSON_ABSENT)
        return true;
    if (budget.kind != JSON_NUMBER)
        return refuse(reading->t, &here, "must be a number");
    if (span_eq(budget.raw, SPAN("0")))
        reasoning->effort = EFFORT_NONE;
    else if (span_starts(budget.raw, SPAN("-")))
        reasoning->adaptive = true;
    else
        reasoning->budget = budget;
    return true;
}

static bool read_thinking(struct gemini_reading *reading, const struct path *path,
                          struct json_value value)
{
    static const struct span names[] = {WORD("includeThoughts"), WORD("thinkingBudget"),
                                        WORD("thinkingLevel")};
    struct path level = {.up = path, .key = names[2]};
    struct json_value values[ARRAY_LEN(names)];
    struct reasoning *reasoning = &reading->chat->reasoning;

    if (!gemini_take(reading->t, path, value, names, ARRAY_LEN(names), values) ||
        !read_budget(reading, path, values[1]))
        return false;
    if (values[0].kind == JSON_TRUE || values[0].kind == JSON_FALSE)
        reasoning->shown = values[0].kind == JSON_TRUE ? MAYBE_TRUE : MAYBE_FALSE;
    if (values[2].kind != JSON_ABSENT &&
        !gemini_word_read(gemini_levels, values[2], &reasoning->effort))
        return refuse(reading->t, &level, "must be minimal, low, medium or high");
    return true;
}

struct setting {
    struct span key;
    gemini_read_f *read;
};

static const struct setting config_settings[] = {
    {WORD("stopSequences"), read_stops},
    {WORD("seed"), read_seed},
    {WORD("responseMimeType"), read_mime_type},
    {WORD("responseSchema"), read_schema},
    {WORD("responseJsonSchema"), read_json_schema},
    {WORD("responseModalities"), read_modalities},
    {WORD("thinkingConfig"), read_thinking},
};

static const struct setting *find_setting(const struct setting *rows, unsigned count,
                                          struct span key)
{
    for (unsigned i = 0; i < count; i++)
        if (gemini_is(key, rows[i].key))
            return &rows[i];
    return NULL;
}

bool gemini_read_config(struct gemini_reading *reading, const struct path *path,
                        struct json_value value)
{
    struct path here = {.up = path};
    struct json_value member;
    struct json_walk walk;

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    walk = json_walk(value);
    while (json_next(&walk, &here.key, &member)) {
        const struct setting *row =
            find_setting(config_settings, ARRAY_LEN(config_settings), here.key);

        if (member.kind == JSON_NULL)
            continue;
        if (row ? !row->read(reading, &here, member) : false)
            return false;
        if (!row && !read_field(reading->chat, true, here.key, member))
            drop_at(reading->t, &here);
    }
    return true;
}

/* ---- the outermost object -------------------------------------------------------------- */

/* Tiers in the canonical words, which are OpenAI's. */
static bool read_tier(struct gemini_reading *reading, const struct path *path,
                      struct json_value value)
{
    if (value.kind != JSON_STRING)
        return refuse(reading->t, path, "must be a string");
    if (json_text_eq(value, SPAN("standard")))
        value.raw = SPAN("\"default\"");
    reading->chat->fields[CHAT_service_tier] = value;
    return true;
}

static bool read_nothing(struct gemini_reading *reading, const struct path *path,
                         struct json_value value)
{
    (void)reading, (void)path, (void)value;
    return true;
}

/* In the order in which they are read: the system speaks first. */
static const struct setting settings[] = {
    {WORD("model"), read_nothing}, /* stands in the address */
    {WORD("systemInstruction"), gemini_read_system},
    {WORD("contents"), gemini_read_contents},
    {WORD("tools"), gemini_read_tools},
    {WORD("toolConfig"), gemini_read_tool_config},
    {WORD("generationConfig"), gemini_read_config},
    {WORD("serviceTier"), read_tier},
};

static void add_extra(struct gemini_reading *reading, struct span key, struct json_value value)
{
    struct extra **at = &reading->chat->extras;

    while (*at)
        at = &(*at)->next;
    *at = ARENA_NEW(reading->arena, struct extra);
    **at = (struct extra){.key = key, .value = value};
}

bool gemini_read_chat(struct translation *t, struct json_value body, struct chat *ret)
{
    struct gemini_reading reading = {.t = t, .arena = t->arena, .chat = ret};
    struct json_value values[ARRAY_LEN(settings)] = {{.kind = JSON_ABSENT}}, value;
    struct path contents = {.key = SPAN("contents")};
    struct json_walk walk = json_walk(body);
    struct span key;

    ret->dialect = DIALECT_gemini;
    while (json_next(&walk, &key, &value)) {
        const struct setting *row = find_setting(settings, ARRAY_LEN(settings), key);

        if (value.kind == JSON_NULL)
            continue;
        if (row)
            values[row - settings] = value;
        else if (!read_field(ret, false, key, value))
            add_extra(&reading, key, value);
    }
    for (unsigned i = 0; i < ARRAY_LEN(settings); i++) {
        struct path path = {.key = settings[i].key};

        if (values[i].kind != JSON_ABSENT && !settings[i].read(&reading, &path, values[i]))
            return false;
    }
    return values[2].kind != JSON_ABSENT || refuse(t, &contents, "must not be empty");
}
