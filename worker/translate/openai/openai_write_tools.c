/* Requests on the way out: tools and the choice among them. */
#include "worker/translate/hosted.h"
#include "worker/translate/openai/openai_writing.h"

#define NAME_LIMIT_BYTES 64

static const struct span custom_schema =
    WORD("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
         "\"required\":[\"input\"]}");

static struct text out_name(struct chat_writing *writing, struct text name)
{
    return tool_name_out(writing->t, name, "", NAME_LIMIT_BYTES);
}

static void write_function(struct chat_writing *writing, const struct tool *tool)
{
    struct json_writer *json = writing->json;

    json_write_member_text(json, SPAN("type"), SPAN("function"));
    json_write_key(json, SPAN("function"));
    json_write_object(json);
    text_write_member(json, SPAN("name"), out_name(writing, tool->name));
    text_write_known(json, SPAN("description"), tool->description);
    if (tool->kind == TOOL_CUSTOM || tool->schema.kind == JSON_OBJECT) {
        json_write_key(json, SPAN("parameters"));
        json_write_raw(json, tool->kind == TOOL_CUSTOM ? custom_schema : tool->schema.raw);
    }
    if (tool->strict != MAYBE_ABSENT)
        json_write_member_bool(json, SPAN("strict"), tool->strict == MAYBE_TRUE);
    json_write_object_end(json);
}

static void write_custom(struct chat_writing *writing, const struct tool *tool)
{
    struct json_writer *json = writing->json;

    json_write_member_text(json, SPAN("type"), SPAN("custom"));
    json_write_key(json, SPAN("custom"));
    json_write_object(json);
    text_write_member(json, SPAN("name"), out_name(writing, tool->name));
    text_write_known(json, SPAN("description"), tool->description);
    if (tool->grammar.kind != JSON_ABSENT) {
        json_write_key(json, SPAN("format"));
        json_write_raw(json, tool->grammar.raw);
    }
    json_write_object_end(json);
}

static void write_tool(struct chat_writing *writing, const struct tool *tool)
{
    if (tool->kind == TOOL_HOSTED) {
        json_write_raw(writing->json, tool->raw.raw);
        return;
    }
    json_write_object(writing->json);
    if (tool->kind == TOOL_CUSTOM && !is_look_alike(writing))
        write_custom(writing, tool);
    else
        write_function(writing, tool);
    json_write_object_end(writing->json);
}

/* ---- which of them ----------------------------------------------------------------------- */

/* Whether the target has the choice among some of the tools; else the others are left out. */
static bool knows_allowed(const struct chat_writing *writing)
{
    return !is_look_alike(writing);
}

static void drop_tool(struct chat_writing *writing, uint32_t index)
{
    struct path list = {.key = SPAN("tools")};
    struct path item = {.up = &list, .index = index};

    drop_at(writing->t, &item);
}

/* A search of the web is a member of the request: see write_search. */
static bool takes_tool(struct chat_writing *writing, const struct tool *tool)
{
    if (tool->kind == TOOL_HOSTED)
        return tool->origin == DIALECT_openai && tool->raw.kind == JSON_OBJECT && !tool->hosted;
    return knows_allowed(writing) || chat_allows_tool(writing->chat, tool);
}

static bool write_list(struct chat_writing *writing)
{
    bool any = false;
    uint32_t index = 0;

    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next, index++) {
        if (!takes_tool(writing, tool)) {
            if (tool->kind == TOOL_HOSTED && !tool->hosted)
                drop_tool(writing, index);
            continue;
        }
        if (!any) {
            json_write_key(writing->json, SPAN("tools"));
            json_write_array(writing->json);
            any = true;
        }
        if (tool->cache != CACHE_NONE)
            openai_drop_word(writing, CLIENT_cache);
        write_tool(writing, tool);
    }
    if (any)
        json_write_array_end(writing->json);
    return any;
}

static void write_named(struct chat_writing *writing, struct text name)
{
    const struct tool *tool = chat_find_tool(writing->chat, name);
    bool custom = tool && tool->kind == TOOL_CUSTOM && !is_look_alike(writing);
    struct span kind = custom ? SPAN("custom") : SPAN("function");

    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), kind);
    json_write_key(writing->json, kind);
    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("name"), out_name(writing, name));
    json_write_object_end(writing->json);
    json_write_object_end(writing->json);
}

static struct span choice_word(enum tool_choice choice)
{
    switch (choice) {
    case TOOL_CHOICE_ABSENT:
    case TOOL_CHOICE_AUTO:
    case TOOL_CHOICE_NAMED: break;
    case TOOL_CHOICE_NONE: return SPAN("none");
    case TOOL_CHOICE_REQUIRED: return SPAN("required");
    }
    return SPAN("auto");
}

static void write_allowed(struct chat_writing *writing)
{
    struct json_writer *json = writing->json;

    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("allowed_tools"));
    json_write_key(json, SPAN("allowed_tools"));
    json_write_object(json);
    json_write_member_text(json, SPAN("mode"),
                           choice_word((enum tool_choice)writing->chat->tool_choice));
    json_write_key(json, SPAN("tools"));
    json_write_array(json);
    for (const struct text_item *item = writing->chat->tool_names; item; item = item->next)
        write_named(writing, item->text);
    json_write_array_end(json);
    json_write_object_end(json);
    json_write_object_end(json);
}

/* There are no words for it here. */
static bool is_hosted_chosen(const struct chat *chat)
{
    return chat->tool_choice == TOOL_CHOICE_NAMED &&
           !chat_find_tool(chat, chat->tool_names->text) &&
           hosted_find(chat, chat->tool_names->text);
}

static void write_choice(struct chat_writing *writing)
{
    const struct chat *chat = writing->chat;
    enum tool_choice choice = (enum tool_choice)chat->tool_choice;
    bool forced = choice == TOOL_CHOICE_REQUIRED || choice == TOOL_CHOICE_NAMED;

    if (choice == TOOL_CHOICE_ABSENT)
        return;
    if ((forced && has_quirk(writing, QUIRK_NO_FORCED_TOOLS)) || is_hosted_chosen(chat)) {
        openai_drop_word(writing, CLIENT_tool_choice);
        return;
    }
    json_write_key(writing->json, SPAN("tool_choice"));
    if (choice == TOOL_CHOICE_NAMED)
        write_named(writing, chat->tool_names->text);
    else if (chat->tool_names && knows_allowed(writing))
        write_allowed(writing);
    else
        json_write_text(writing->json, choice_word(choice));
}

/* ---- hosted tools ------------------------------------------------------------------------ */

static bool writes_search(const struct chat_writing *writing, const struct tool *tool)
{
    if (has_quirk(writing, QUIRK_STRICT_MEMBERS) || writing->elsewhere)
        return false;
    if (tool->origin == DIALECT_openai)
        return true; /* the client knows its model */
    return has_trait(writing, TRAIT_SEARCHES) && !is_look_alike(writing) &&
           hosted_is_written(writing->chat, tool, DIALECT_openai);
}

static void write_search(struct chat_writing *writing, const struct tool *tool)
{
    struct json_writer *json = writing->json;

    json_write_key(json, hosted_name(HOSTED_search, DIALECT_openai));
    if (tool->origin == DIALECT_openai) {
        json_write_raw(json, tool->raw.raw);
        return;
    }
    json_write_object(json);
    hosted_write_settings(writing->t, tool, DIALECT_openai, json);
    json_write_object_end(json);
}

static void write_hosted(struct chat_writing *writing)
{
    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next) {
        if (!tool->hosted)
            continue;
        if (writes_search(writing, tool))
            write_search(writing, tool);
        else
            hosted_drop(writing->t, tool);
    }
}

bool openai_lists_tools(const struct chat *chat)
{
    const struct tool *tool = chat->tools;

    while (tool && tool->hosted)
        tool = tool->next;
    return tool != NULL;
}

void openai_write_tools(struct chat_writing *writing)
{
    write_hosted(writing);
    if (!openai_lists_tools(writing->chat))
        return;
    if (has_quirk(writing, QUIRK_NO_TOOLS)) {
        drop(writing->t, SPAN("tools"));
        return;
    }
    if (!write_list(writing))
        return;
    write_choice(writing);
    if (writing->chat->parallel != MAYBE_ABSENT)
        json_write_member_bool(writing->json, SPAN("parallel_tool_calls"),
                               writing->chat->parallel == MAYBE_TRUE);
}
