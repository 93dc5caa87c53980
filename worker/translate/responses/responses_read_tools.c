/* Requests: the tools, and which of them the model may or must call. */
#include "shared/base/check.h"

#include "worker/translate/hosted.h"
#include "worker/translate/responses/responses_inside.h"

#define GRAMMAR_LIMIT (1U << 20)

/* A grammar stands flat here; the canonical form has it as chat completions do. */
static struct json_value nest_grammar(struct json_value format, struct arena *arena)
{
    static const struct span keys[] = {WORD("type"), WORD("syntax"), WORD("definition")};
    struct json_value values[ARRAY_LEN(keys)];
    struct buffer out _buffer_ = {.ptr = NULL};
    struct json_writer json;

    pick_members(format, keys, ARRAY_LEN(keys), values);
    if (!json_text_eq(values[0], SPAN("grammar")))
        return format;
    buffer_init(&out, GRAMMAR_LIMIT);
    json_write_init(&json, &out);
    json_write_object(&json);
    json_write_member_text(&json, SPAN("type"), SPAN("grammar"));
    json_write_key(&json, SPAN("grammar"));
    json_write_object(&json);
    text_write_known(&json, SPAN("syntax"), text_of(values[1]));
    text_write_known(&json, SPAN("definition"), text_of(values[2]));
    json_write_object_end(&json);
    json_write_object_end(&json);
    return (struct json_value){JSON_OBJECT, arena_copy(arena, buffer_span(&out))};
}

static bool read_function(struct chat_reading *reading, const struct path *path,
                          struct json_value value)
{
    static const struct span keys[] = {WORD("type"),        WORD("name"),
                                       WORD("description"), WORD("parameters"),
                                       WORD("strict"),      WORD("defer_loading")};
    struct json_value values[ARRAY_LEN(keys)];
    struct tool *tool = chat_add_tool(reading->chat, TOOL_FUNCTION, reading->arena);
    struct path name = {.up = path, .key = keys[1]};
    struct path parameters = {.up = path, .key = keys[3]};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values))
        return false;
    if (values[3].kind != JSON_OBJECT && values[3].kind != JSON_ABSENT)
        return refuse(reading->t, &parameters, "must be an object");
    tool->schema = values[3];
    return read_string(reading->t, &name, values[1], &tool->name) &&
           read_known(reading->t, path, SPAN("description"), values[2], &tool->description) &&
           read_maybe(reading->t, path, SPAN("strict"), values[4], &tool->strict);
}

static bool read_custom(struct chat_reading *reading, const struct path *path,
                        struct json_value value)
{
    static const struct span keys[] = {WORD("type"), WORD("name"), WORD("description"),
                                       WORD("format")};
    struct json_value values[ARRAY_LEN(keys)];
    struct tool *tool = chat_add_tool(reading->chat, TOOL_CUSTOM, reading->arena);
    struct path name = {.up = path, .key = keys[1]};
    struct path format = {.up = path, .key = keys[3]};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values))
        return false;
    if (values[3].kind != JSON_OBJECT && values[3].kind != JSON_ABSENT)
        return refuse(reading->t, &format, "must be an object");
    if (values[3].kind == JSON_OBJECT)
        tool->grammar = nest_grammar(values[3], reading->arena);
    return read_string(reading->t, &name, values[1], &tool->name) &&
           read_known(reading->t, path, SPAN("description"), values[2], &tool->description);
}

static bool read_tool(struct chat_reading *reading, const struct path *path,
                      struct json_value value)
{
    struct path type_path = {.up = path, .key = SPAN("type")};
    struct json_value type = json_member(value, SPAN("type"));
    enum hosted_kind kind;
    struct tool *tool;

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    if (json_text_eq(type, SPAN("function")))
        return read_function(reading, path, value);
    if (json_text_eq(type, SPAN("custom")))
        return read_custom(reading, path, value);
    if (type.kind != JSON_STRING)
        return refuse(reading->t, &type_path, "must be a string");
    tool = chat_add_tool(reading->chat, TOOL_HOSTED, reading->arena);
    tool->name = text_of(type);
    tool->raw = value;
    kind = hosted_kind_of(DIALECT_responses, tool->name);
    if (kind != HOSTED_none)
        hosted_read(reading->t, path, kind, value, tool);
    return true;
}

bool responses_read_tools(struct chat_reading *reading, const struct path *path,
                          struct json_value value)
{
    return chat_read_list(reading, path, value, read_tool);
}

/* ---- the choice -------------------------------------------------------------------------- */

const struct word responses_choices[] = {
    {WORD("auto"), TOOL_CHOICE_AUTO},
    {WORD("none"), TOOL_CHOICE_NONE},
    {WORD("required"), TOOL_CHOICE_REQUIRED},
};
const unsigned responses_choice_count = ARRAY_LEN(responses_choices);

static struct text_item *new_name(struct chat_reading *reading, struct json_value tool)
{
    struct text_item *item = ARENA_NEW(reading->arena, struct text_item);
    struct text type;

    item->text = text_of(json_member(tool, SPAN("name")));
    if (item->text.ptr)
        return item;
    /* A hosted tool has no name but its type. */
    type = text_of(json_member(tool, SPAN("type")));
    if (hosted_kind_of(DIALECT_responses, type) != HOSTED_none)
        item->text = type;
    return item;
}

static bool read_allowed(struct chat_reading *reading, const struct path *path,
                         struct json_value value)
{
    struct path mode = {.up = path, .key = SPAN("mode")};
    struct path tools = {.up = path, .key = SPAN("tools")};
    struct text_item **end = &reading->chat->tool_names;
    struct json_value list = json_member(value, tools.key), tool;
    struct json_walk walk = json_walk(list);

    if (!word_value(responses_choices, responses_choice_count, json_member(value, mode.key),
                    &reading->chat->tool_choice))
        return refuse(reading->t, &mode, "must be auto or required");
    if (list.kind != JSON_ARRAY)
        return refuse(reading->t, &tools, "must be an array");
    while (json_next(&walk, NULL, &tool)) {
        *end = new_name(reading, tool);
        if ((*end)->text.len > 0)
            end = &(*end)->next;
    }
    *end = NULL;
    return true;
}

bool responses_read_tool_choice(struct chat_reading *reading, const struct path *path,
                                struct json_value value)
{
    if (word_value(responses_choices, responses_choice_count, value,
                   &reading->chat->tool_choice))
        return true;
    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be auto, none, required or an object");
    if (json_text_eq(json_member(value, SPAN("type")), SPAN("allowed_tools")))
        return read_allowed(reading, path, value);
    reading->chat->tool_choice = TOOL_CHOICE_NAMED;
    reading->chat->tool_names = new_name(reading, value);
    return reading->chat->tool_names->text.len > 0 ||
           refuse(reading->t, path, "must name a function or a custom tool");
}
