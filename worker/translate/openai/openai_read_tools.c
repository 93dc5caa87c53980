/* Requests: the tools, and which of them the model may or must call. */
#include "shared/base/check.h"

#include "worker/translate/hosted.h"
#include "worker/translate/openai/openai_inside.h"

/* ---- tools ------------------------------------------------------------------------------- */

/* {"name", "description", "parameters", "strict"}, also in the deprecated `functions`. */
static bool read_function_tool(struct chat_reading *reading, const struct path *path,
                               struct json_value value, struct tool *tool)
{
    static const struct span keys[] = {WORD("name"), WORD("description"), WORD("parameters"),
                                       WORD("strict"), WORD("cache_control")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path name = {.up = path, .key = keys[0]};
    struct path parameters = {.up = path, .key = keys[2]};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values) ||
        !read_string(reading->t, &name, values[0], &tool->name) ||
        !read_known(reading->t, path, SPAN("description"), values[1], &tool->description) ||
        !read_maybe(reading->t, path, SPAN("strict"), values[3], &tool->strict))
        return false;
    if (values[2].kind != JSON_OBJECT && values[2].kind != JSON_ABSENT)
        return refuse(reading->t, &parameters, "must be an object");
    tool->schema = values[2];
    if (values[4].kind != JSON_ABSENT)
        tool->cache = (uint8_t)openai_read_cache_mark(values[4]);
    return true;
}

static bool read_custom_tool(struct chat_reading *reading, const struct path *path,
                             struct json_value value, struct tool *tool)
{
    static const struct span keys[] = {WORD("name"), WORD("description"), WORD("format")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path name = {.up = path, .key = keys[0]};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values) ||
        !read_string(reading->t, &name, values[0], &tool->name) ||
        !read_known(reading->t, path, SPAN("description"), values[1], &tool->description))
        return false;
    tool->grammar = values[2];
    return true;
}

static bool read_tool_of(struct chat_reading *reading, const struct path *path,
                         struct json_value value)
{
    static const struct span keys[] = {WORD("type"), WORD("function"), WORD("custom"),
                                       WORD("cache_control")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path function = {.up = path, .key = keys[1]};
    struct path custom = {.up = path, .key = keys[2]};
    struct tool *tool;

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    pick_members(value, keys, ARRAY_LEN(keys), values);
    if (json_text_eq(values[0], SPAN("custom"))) {
        tool = chat_add_tool(reading->chat, TOOL_CUSTOM, reading->arena);
        return read_custom_tool(reading, &custom, values[2], tool);
    }
    if (values[0].kind == JSON_ABSENT || json_text_eq(values[0], SPAN("function"))) {
        tool = chat_add_tool(reading->chat, TOOL_FUNCTION, reading->arena);
        tool->cache = (uint8_t)openai_read_cache_mark(values[3]);
        return read_function_tool(reading, &function, values[1], tool);
    }
    tool = chat_add_tool(reading->chat, TOOL_HOSTED, reading->arena);
    tool->name = text_of(values[0]);
    tool->raw = value;
    return true;
}

bool openai_read_tools(struct chat_reading *reading, const struct path *path,
                       struct json_value value)
{
    return chat_read_list(reading, path, value, read_tool_of);
}

static bool read_function(struct chat_reading *reading, const struct path *path,
                          struct json_value value)
{
    struct tool *tool = chat_add_tool(reading->chat, TOOL_FUNCTION, reading->arena);

    return read_function_tool(reading, path, value, tool);
}

bool openai_read_functions(struct chat_reading *reading, const struct path *path,
                           struct json_value value)
{
    return chat_read_list(reading, path, value, read_function);
}

/* The one hosted tool of this dialect is a member of the request. */
bool openai_read_web_search(struct chat_reading *reading, const struct path *path,
                            struct json_value value)
{
    struct tool *tool;

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    tool = chat_add_tool(reading->chat, TOOL_HOSTED, reading->arena);
    tool->name = TEXT("web_search_options");
    tool->raw = value;
    hosted_read(reading->t, path, HOSTED_search, value, tool);
    return true;
}

/* ---- the choice -------------------------------------------------------------------------- */

static const struct word choices[] = {
    {WORD("auto"), TOOL_CHOICE_AUTO},
    {WORD("none"), TOOL_CHOICE_NONE},
    {WORD("required"), TOOL_CHOICE_REQUIRED},
    {WORD("any"), TOOL_CHOICE_REQUIRED}, /* Mistral */
};

static struct text_item *add_name(struct chat_reading *reading, struct text name,
                                  struct text_item *last)
{
    struct text_item *item = ARENA_NEW(reading->arena, struct text_item);

    item->text = name;
    if (last)
        last->next = item;
    else
        reading->chat->tool_names = item;
    return item;
}

/* The name in {"type": "function", "function": {"name"}} and its like, or in {"name"}. */
static struct text chosen_name(struct json_value value)
{
    static const struct span keys[] = {WORD("function"), WORD("custom"), WORD("name")};
    struct json_value values[ARRAY_LEN(keys)];

    pick_members(value, keys, ARRAY_LEN(keys), values);
    for (unsigned i = 0; i < 2; i++)
        if (values[i].kind == JSON_OBJECT)
            return text_of(json_member(values[i], SPAN("name")));
    return text_of(values[2]);
}

static bool read_named(struct chat_reading *reading, const struct path *path,
                       struct json_value value)
{
    struct text name = chosen_name(value);

    if (name.len == 0)
        return refuse(reading->t, path, "must name a tool");
    reading->chat->tool_choice = TOOL_CHOICE_NAMED;
    (void)add_name(reading, name, NULL);
    return true;
}

static bool read_allowed(struct chat_reading *reading, const struct path *path,
                         struct json_value value)
{
    static const struct span keys[] = {WORD("mode"), WORD("tools")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path mode = {.up = path, .key = keys[0]};
    struct path tools = {.up = path, .key = keys[1]};
    struct path item = {.up = &tools};
    struct text_item *last = NULL;
    struct json_walk walk;
    struct json_value tool;

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values))
        return false;
    if (!word_value(choices, ARRAY_LEN(choices), values[0], &reading->chat->tool_choice))
        return refuse(reading->t, &mode, "must be auto or required");
    if (values[1].kind != JSON_ARRAY)
        return refuse(reading->t, &tools, "must be an array");
    for (walk = json_walk(values[1]); json_next(&walk, NULL, &tool); item.index++) {
        struct text name = chosen_name(tool);

        if (name.len == 0)
            return refuse(reading->t, &item, "must name a tool");
        last = add_name(reading, name, last);
    }
    return true;
}

bool openai_read_tool_choice(struct chat_reading *reading, const struct path *path,
                             struct json_value value)
{
    struct path allowed = {.up = path, .key = SPAN("allowed_tools")};

    if (word_value(choices, ARRAY_LEN(choices), value, &reading->chat->tool_choice))
        return true;
    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be auto, none, required or an object");
    if (json_text_eq(json_member(value, SPAN("type")), allowed.key))
        return read_allowed(reading, &allowed, json_member(value, allowed.key));
    return read_named(reading, path, value);
}

bool openai_read_function_call(struct chat_reading *reading, const struct path *path,
                               struct json_value value)
{
    if (word_value(choices, ARRAY_LEN(choices), value, &reading->chat->tool_choice))
        return true;
    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be auto, none or an object");
    return read_named(reading, path, value);
}
