/* Requests on the way out: everything but messages. */
#include "shared/base/check.h"

#include "worker/translate/ernie/ernie_inside.h"
#include "worker/translate/hosted.h"

#define STOP_LIMIT 4

/* ---- functions --------------------------------------------------------------------------- */

static const struct span custom_schema =
    WORD("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
         "\"required\":[\"input\"]}");
static const struct span empty_schema = WORD("{\"type\":\"object\",\"properties\":{}}");

static struct text out_name(struct chat_writing *writing, struct text name)
{
    return tool_name_out(writing->t, name, "", ERNIE_NAME_LIMIT);
}

static void write_function(struct chat_writing *writing, const struct tool *tool)
{
    struct json_writer *json = writing->json;
    struct span schema = tool->schema.kind == JSON_OBJECT ? tool->schema.raw : empty_schema;

    json_write_object(json);
    text_write_member(json, SPAN("name"), out_name(writing, tool->name));
    /* It is demanded. */
    text_write_member(json, SPAN("description"),
                      tool->description.len > 0 ? tool->description : tool->name);
    json_write_key(json, SPAN("parameters"));
    json_write_raw(json, tool->kind == TOOL_CUSTOM ? custom_schema : schema);
    json_write_object_end(json);
}

static void drop_tool(struct chat_writing *writing, uint32_t index)
{
    struct path list = {.key = SPAN("tools")};
    struct path item = {.up = &list, .index = index};

    drop_at(writing->t, &item);
}

/* How many functions were written; *RET_ONLY is the last of them. */
static unsigned write_list(struct chat_writing *writing, const struct tool **ret_only)
{
    unsigned count = 0;
    uint32_t index = 0;

    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next, index++) {
        if (tool->kind == TOOL_HOSTED) {
            if (tool->hosted)
                hosted_drop(writing->t, tool);
            else
                drop_tool(writing, index);
            continue;
        }
        if (!chat_allows_tool(writing->chat, tool))
            continue;
        if (count++ == 0) {
            json_write_key(writing->json, SPAN("functions"));
            json_write_array(writing->json);
        }
        if (tool->cache != CACHE_NONE)
            openai_drop_word(writing, CLIENT_cache);
        write_function(writing, tool);
        *ret_only = tool;
    }
    if (count > 0)
        json_write_array_end(writing->json);
    return count;
}

static void write_named(struct chat_writing *writing, struct text name)
{
    struct json_writer *json = writing->json;

    json_write_key(json, SPAN("tool_choice"));
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("function"));
    json_write_key(json, SPAN("function"));
    json_write_object(json);
    text_write_member(json, SPAN("name"), out_name(writing, name));
    json_write_object_end(json);
    json_write_object_end(json);
}

void ernie_write_functions(struct chat_writing *writing)
{
    const struct chat *chat = writing->chat;
    const struct tool *only = NULL;
    unsigned count;

    /* Without functions none is called. */
    if (!chat->tools || chat->tool_choice == TOOL_CHOICE_NONE)
        return;
    count = write_list(writing, &only);
    if (count == 0)
        return;
    if (chat->tool_choice == TOOL_CHOICE_NAMED)
        write_named(writing, chat->tool_names->text);
    else if (chat->tool_choice == TOOL_CHOICE_REQUIRED && count == 1)
        write_named(writing, only->name);
    else if (chat->tool_choice == TOOL_CHOICE_REQUIRED)
        openai_drop_word(writing, CLIENT_tool_choice);
}

/* ---- settings ---------------------------------------------------------------------------- */

/* Above 0, and 1 at most. */
static void write_temperature(struct chat_writing *writing)
{
    struct json_value value = writing->chat->fields[CHAT_temperature];

    if (!chat_has(writing->chat, CHAT_temperature))
        return;
    json_write_key(writing->json, SPAN("temperature"));
    if (openai_number_is(value, -1e12, 0))
        json_write_raw(writing->json, SPAN("0.01"));
    else
        json_write_raw(writing->json, openai_number_is(value, 1, 1e12) ? SPAN("1") : value.raw);
}

static void write_raw_field(struct chat_writing *writing, enum chat_field field,
                            struct span key)
{
    if (!chat_has(writing->chat, field))
        return;
    json_write_key(writing->json, key);
    json_write_raw(writing->json, writing->chat->fields[field].raw);
}

static void write_settings(struct chat_writing *writing)
{
    const struct chat *chat = writing->chat;
    const struct reasoning *reasoning = &chat->reasoning;

    write_temperature(writing);
    write_raw_field(writing, CHAT_top_p, SPAN("top_p"));
    write_raw_field(writing, CHAT_user, SPAN("user_id"));
    openai_write_stops(writing, STOP_LIMIT);
    if (chat->format.kind == FORMAT_JSON || chat->format.kind == FORMAT_SCHEMA)
        json_write_member_text(writing->json, SPAN("response_format"), SPAN("json_object"));
    if (chat->stream)
        json_write_member_bool(writing->json, SPAN("stream"), true);
    if ((reasoning->effort != EFFORT_ABSENT && reasoning->effort != EFFORT_NONE) ||
        reasoning->adaptive || openai_number_is(reasoning->budget, 1, 1e12))
        openai_drop_word(writing, CLIENT_effort);
}

/* The answer has at least two tokens. */
static void write_limit(struct chat_writing *writing)
{
    if (!chat_has(writing->chat, CHAT_max_output))
        return;
    if (openai_number_is(writing->chat->fields[CHAT_max_output], 0, 1))
        json_write_member_u64(writing->json, SPAN("max_output_tokens"), 2);
    else
        write_raw_field(writing, CHAT_max_output, SPAN("max_output_tokens"));
}

static bool answers_once(struct chat_writing *writing)
{
    struct path path = {
        .key = chat_field_name(CHAT_choice_count, (enum dialect_id)writing->chat->dialect)};

    if (!chat_has(writing->chat, CHAT_choice_count) ||
        openai_number_is(writing->chat->fields[CHAT_choice_count], 1, 1))
        return true;
    return refuse_as(writing->t, COMPLAINT_unsupported, &path,
                     "must be 1: the provider answers once");
}

/* The model is named in the address alone. */
bool ernie_write_chat(struct translation *t, const struct chat *chat, struct json_writer *json)
{
    struct chat_writing writing = {
        .t = t,
        .arena = t->arena,
        .chat = chat,
        .json = json,
        .quirks = t->target.quirks | QUIRK_MAX_TOKENS_OLD | QUIRK_NO_DEVELOPER_ROLE |
                  QUIRK_JSON_OBJECT_ONLY,
        .traits = model_traits(t->target.model, DIALECT_ernie)->traits,
    };

    writing.instruction = openai_format_instruction(&writing);
    json_write_object(json);
    if (!answers_once(&writing) || !ernie_write_messages(&writing))
        return false;
    ernie_write_functions(&writing);
    write_limit(&writing);
    write_settings(&writing);
    json_write_object_end(json);
    drop_strangers(t, chat, DIALECT_ernie);
    return true;
}
