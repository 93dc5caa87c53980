/* Requests to a provider: tools and what may be called. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/hosted.h"
#include "worker/translate/schema.h"

#define FREE_TEXT_SCHEMA                                                          \
    SPAN("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}}," \
         "\"required\":[\"input\"]}")

static struct text name_out(struct gemini_writing *writing, struct text name)
{
    return tool_name_out(writing->t, name, GEMINI_NAME_ALSO, GEMINI_NAME_LIMIT);
}

/* An object without properties is no parameters at all. */
static bool is_empty_schema(struct json_value schema)
{
    struct json_value properties;

    if (schema.kind != JSON_OBJECT || span_eq(schema.raw, SPAN("{}")))
        return true;
    properties = json_member(schema, SPAN("properties"));
    return json_text_eq(json_member(schema, SPAN("type")), SPAN("object")) &&
           (properties.kind == JSON_ABSENT || span_eq(properties.raw, SPAN("{}"))) &&
           json_member(schema, SPAN("$ref")).kind == JSON_ABSENT &&
           json_member(schema, SPAN("anyOf")).kind == JSON_ABSENT &&
           json_member(schema, SPAN("allOf")).kind == JSON_ABSENT &&
           json_member(schema, SPAN("oneOf")).kind == JSON_ABSENT;
}

static bool write_parameters(struct gemini_writing *writing, const struct tool *tool)
{
    struct path path = {.key = SPAN("tools")};
    struct json_value schema = tool->schema;

    if (tool->kind == TOOL_CUSTOM)
        schema = (struct json_value){JSON_OBJECT, FREE_TEXT_SCHEMA};
    if (is_empty_schema(schema))
        return true;
    if (gemini_has_trait(writing, TRAIT_SCHEMA_OUTPUT)) {
        json_write_key(writing->json, SPAN("parametersJsonSchema"));
        json_write_raw(writing->json, schema.raw);
        return true;
    }
    if (!schema_sanitise(schema, writing->t->arena, &schema))
        return refuse(writing->t, &path, "have a schema that is too deep or too large");
    if (schema.kind != JSON_OBJECT)
        return true;
    json_write_key(writing->json, SPAN("parameters"));
    json_write_raw(writing->json, schema.raw);
    return true;
}

static bool write_function(struct gemini_writing *writing, const struct tool *tool)
{
    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("name"), name_out(writing, tool->name));
    text_write_known(writing->json, SPAN("description"), tool->description);
    if (!write_parameters(writing, tool))
        return false;
    json_write_object_end(writing->json);
    if (tool->strict == MAYBE_TRUE)
        drop(writing->t, SPAN("tools[].strict"));
    if (tool->grammar.kind > JSON_NULL)
        drop(writing->t, SPAN("tools[].custom.format"));
    if (tool->cache != CACHE_NONE)
        drop(writing->t, SPAN("cache_control"));
    return true;
}

/* Under AUTO a list of allowed names is kept by hiding the others. */
static bool is_function(const struct gemini_writing *writing, const struct tool *tool)
{
    return tool->kind != TOOL_HOSTED && (writing->chat->tool_choice == TOOL_CHOICE_REQUIRED ||
                                         chat_allows_tool(writing->chat, tool));
}

static bool write_functions(struct gemini_writing *writing, bool *ret_any)
{
    const struct tool *tool = writing->chat->tools;

    while (tool && !is_function(writing, tool))
        tool = tool->next;
    *ret_any = tool != NULL;
    if (!tool)
        return true;
    json_write_object(writing->json);
    json_write_key(writing->json, SPAN("functionDeclarations"));
    json_write_array(writing->json);
    for (; tool; tool = tool->next)
        if (is_function(writing, tool) && !write_function(writing, tool))
            return false;
    json_write_array_end(writing->json);
    json_write_object_end(writing->json);
    return true;
}

static void write_settings(struct gemini_writing *writing, const struct tool *tool)
{
    enum hosted_kind kind = (enum hosted_kind)tool->hosted->kind;

    json_write_object(writing->json);
    json_write_key(writing->json, hosted_name(kind, DIALECT_gemini));
    json_write_object(writing->json);
    hosted_write_settings(writing->t, tool, DIALECT_gemini, writing->json);
    json_write_object_end(writing->json);
    json_write_object_end(writing->json);
}

/* Beside functions a hosted tool needs its calls and answers back in each further request, and
 * clients of other dialects have no place for them: the functions go first. */
static bool is_hosted(const struct gemini_writing *writing, const struct tool *tool,
                      bool functions)
{
    return hosted_is_written(writing->chat, tool, DIALECT_gemini) &&
           (tool->origin == DIALECT_gemini || !functions);
}

static void write_hosted(struct gemini_writing *writing, const struct tool *tool,
                         uint32_t index, bool functions)
{
    struct path tools = {.key = SPAN("tools")}, item = {.up = &tools, .index = index};

    if (tool->kind != TOOL_HOSTED)
        return;
    if (tool->origin == DIALECT_gemini)
        json_write_raw(writing->json, tool->raw.raw);
    else if (is_hosted(writing, tool, functions))
        write_settings(writing, tool);
    else if (tool->hosted)
        hosted_drop(writing->t, tool);
    else
        drop_at(writing->t, &item);
}

static void write_choice(struct gemini_writing *writing)
{
    const struct chat *chat = writing->chat;
    bool named = chat->tool_choice == TOOL_CHOICE_NAMED;

    if (chat->tool_choice == TOOL_CHOICE_ABSENT)
        return;
    json_write_key(writing->json, SPAN("toolConfig"));
    json_write_object(writing->json);
    json_write_key(writing->json, SPAN("functionCallingConfig"));
    json_write_object(writing->json);
    json_write_member_text(
        writing->json, SPAN("mode"),
        gemini_word_text(gemini_modes, named ? TOOL_CHOICE_REQUIRED : chat->tool_choice));
    if (chat->tool_names && (named || chat->tool_choice == TOOL_CHOICE_REQUIRED)) {
        json_write_key(writing->json, SPAN("allowedFunctionNames"));
        json_write_array(writing->json);
        for (const struct text_item *item = chat->tool_names; item; item = item->next)
            text_write(writing->json, name_out(writing, item->text));
        json_write_array_end(writing->json);
    }
    json_write_object_end(writing->json);
    json_write_object_end(writing->json);
}

static bool has_functions(const struct gemini_writing *writing)
{
    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next)
        if (is_function(writing, tool))
            return true;
    return false;
}

bool gemini_writes_tools(const struct gemini_writing *writing)
{
    bool functions = has_functions(writing);

    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next)
        if (functions || is_hosted(writing, tool, functions))
            return true;
    return false;
}

static bool is_hosted_chosen(const struct chat *chat)
{
    return chat->tool_choice == TOOL_CHOICE_NAMED && chat->tool_names &&
           !chat_find_tool(chat, chat->tool_names->text) &&
           hosted_find(chat, chat->tool_names->text);
}

bool gemini_write_tools(struct gemini_writing *writing)
{
    bool any = false, functions = false;
    uint32_t index = 0;

    any = gemini_writes_tools(writing);
    if (any) {
        json_write_key(writing->json, SPAN("tools"));
        json_write_array(writing->json);
        if (!write_functions(writing, &functions))
            return false;
    }
    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next)
        write_hosted(writing, tool, index++, functions);
    if (any)
        json_write_array_end(writing->json);
    if (functions && !is_hosted_chosen(writing->chat))
        write_choice(writing);
    else if (any && writing->chat->tool_choice > TOOL_CHOICE_NONE)
        drop(writing->t, SPAN("tool_choice"));
    return true;
}
