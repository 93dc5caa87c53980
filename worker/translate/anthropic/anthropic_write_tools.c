/* Tools, the choice among them, and the tool that stands for the schema of an answer. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"
#include "worker/translate/hosted.h"
#include "worker/translate/schema_closed.h"

#define NO_PARAMETERS SPAN("{\"type\":\"object\",\"properties\":{}}")
#define FREE_INPUT                                                                \
    SPAN("{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}}," \
         "\"required\":[\"input\"]}")

bool anthropic_is_forced(enum tool_choice choice)
{
    return choice == TOOL_CHOICE_REQUIRED || choice == TOOL_CHOICE_NAMED;
}

bool anthropic_needs_format_tool(const struct chat_writing *writing)
{
    return writing->chat->format.kind == FORMAT_SCHEMA &&
           writing->chat->format.schema.kind == JSON_OBJECT &&
           !writing_has(writing, TRAIT_SCHEMA_OUTPUT);
}

static bool is_written(const struct chat_writing *writing, const struct tool *tool)
{
    return chat_allows_tool(writing->chat, tool) &&
           (tool->kind != TOOL_HOSTED ||
            hosted_is_written(writing->chat, tool, DIALECT_anthropic));
}

static bool has_tools(const struct chat_writing *writing)
{
    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next)
        if (is_written(writing, tool))
            return true;
    return false;
}

enum tool_choice anthropic_choice(const struct chat_writing *writing)
{
    enum tool_choice choice = (enum tool_choice)writing->chat->tool_choice;
    bool format = anthropic_needs_format_tool(writing);

    if (hosted_is_choice_lost(writing->chat, DIALECT_anthropic))
        choice = TOOL_CHOICE_ABSENT;
    if (!has_tools(writing))
        return format ? TOOL_CHOICE_NAMED : TOOL_CHOICE_ABSENT;
    if (format && choice == TOOL_CHOICE_NONE)
        return TOOL_CHOICE_NAMED; /* of the format's tool */
    if (format && choice != TOOL_CHOICE_NAMED)
        return TOOL_CHOICE_REQUIRED;
    if (writing_has(writing, TRAIT_FORCES_NO_TOOL) && anthropic_is_forced(choice))
        return TOOL_CHOICE_AUTO;
    if (choice == TOOL_CHOICE_ABSENT && writing->chat->parallel == MAYBE_FALSE)
        return TOOL_CHOICE_AUTO;
    return choice;
}

/* ---- one tool ---------------------------------------------------------------------------- */

/* An object schema needs its type here, whatever else it says. */
static void write_schema(struct chat_writing *writing, struct json_value schema)
{
    static const struct span names[] = {WORD("type")};
    struct json_value type;
    struct json_walk walk = json_walk(schema);
    struct json_value value;
    struct span key;

    json_write_key(writing->json, SPAN("input_schema"));
    if (schema.kind != JSON_OBJECT || !json_next(&walk, &key, &value)) {
        json_write_raw(writing->json, NO_PARAMETERS);
        return;
    }
    pick_members(schema, names, 1, &type);
    if (type.kind != JSON_ABSENT) {
        json_write_raw(writing->json, schema.raw);
        return;
    }
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), SPAN("object"));
    do {
        json_write_key(writing->json, key);
        json_write_raw(writing->json, value.raw);
    } while (json_next(&walk, &key, &value));
    json_write_object_end(writing->json);
}

static void write_function(struct chat_writing *writing, const struct tool *tool)
{
    bool strict = tool->strict == MAYBE_TRUE && writing_has(writing, TRAIT_SCHEMA_OUTPUT) &&
                  tool->schema.kind == JSON_OBJECT;

    if (tool->strict == MAYBE_TRUE && !strict)
        drop(writing->t, SPAN("tools[].strict"));
    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("name"),
                      tool_name_out(writing->t, tool->name, "", NAME_LIMIT_BYTES));
    text_write_known(writing->json, SPAN("description"), tool->description);
    if (tool->kind == TOOL_CUSTOM) {
        json_write_key(writing->json, SPAN("input_schema"));
        json_write_raw(writing->json, FREE_INPUT);
        if (tool->grammar.kind != JSON_ABSENT)
            drop(writing->t, SPAN("tools[].custom.format"));
    } else if (strict) {
        write_schema(writing, (struct json_value){
                                  JSON_OBJECT, schema_close(tool->schema, writing->t->arena)});
        json_write_member_bool(writing->json, SPAN("strict"), true);
    } else {
        write_schema(writing, tool->schema);
    }
    anthropic_write_mark(writing, (enum cache_mark)tool->cache);
    json_write_object_end(writing->json);
}

static struct text hosted_tool_name(enum hosted_kind kind)
{
    return kind == HOSTED_search ? TEXT("web_search")
           : kind == HOSTED_code ? TEXT("code_execution")
                                 : TEXT("web_fetch");
}

static void write_hosted(struct chat_writing *writing, const struct tool *tool)
{
    enum hosted_kind kind;

    if (tool->origin == DIALECT_anthropic) {
        json_write_raw(writing->json, tool->raw.raw);
        return;
    }
    kind = (enum hosted_kind)tool->hosted->kind;
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), hosted_name(kind, DIALECT_anthropic));
    text_write_member(writing->json, SPAN("name"), hosted_tool_name(kind));
    hosted_write_settings(writing->t, tool, DIALECT_anthropic, writing->json);
    json_write_object_end(writing->json);
}

/* The tool that must be called: a hosted one has its own name here. */
static struct text chosen_name(struct chat_writing *writing)
{
    struct text name = writing->chat->tool_names->text;
    const struct tool *hosted =
        chat_find_tool(writing->chat, name) ? NULL : hosted_find(writing->chat, name);

    if (hosted && hosted->origin != DIALECT_anthropic)
        return hosted_tool_name((enum hosted_kind)hosted->hosted->kind);
    return hosted ? name : tool_name_out(writing->t, name, "", NAME_LIMIT_BYTES);
}

/* A name for the format's tool that no tool of the client has. */
static struct text format_tool_name(const struct chat *chat)
{
    return chat_find_tool(chat, TEXT(FORMAT_TOOL)) ? TEXT(FORMAT_TOOL "_answer")
                                                   : TEXT(FORMAT_TOOL);
}

static void write_format_tool(struct chat_writing *writing)
{
    writing->t->format_tool = format_tool_name(writing->chat);
    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("name"), writing->t->format_tool);
    json_write_member_text(writing->json, SPAN("description"),
                           SPAN("Gives the answer in the form that is asked for."));
    write_schema(writing, writing->chat->format.schema);
    json_write_object_end(writing->json);
}

/* ---- all of them ------------------------------------------------------------------------- */

static void write_choice(struct chat_writing *writing)
{
    static const struct span words[] = {
        [TOOL_CHOICE_AUTO] = WORD("auto"),
        [TOOL_CHOICE_NONE] = WORD("none"),
        [TOOL_CHOICE_REQUIRED] = WORD("any"),
        [TOOL_CHOICE_NAMED] = WORD("tool"),
    };
    const struct chat *chat = writing->chat;
    enum tool_choice choice = anthropic_choice(writing);
    bool format = anthropic_needs_format_tool(writing);

    if (!anthropic_is_forced(choice) &&
        anthropic_is_forced((enum tool_choice)chat->tool_choice))
        drop(writing->t, SPAN("tool_choice"));
    if (choice == TOOL_CHOICE_ABSENT)
        return;
    json_write_key(writing->json, SPAN("tool_choice"));
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), words[choice]);
    if (choice == TOOL_CHOICE_NAMED)
        text_write_member(writing->json, SPAN("name"),
                          chat->tool_choice == TOOL_CHOICE_NAMED && chat->tool_names
                              ? chosen_name(writing)
                              : writing->t->format_tool);
    if ((chat->parallel == MAYBE_FALSE || format) && choice != TOOL_CHOICE_NONE)
        json_write_member_bool(writing->json, SPAN("disable_parallel_tool_use"), true);
    json_write_object_end(writing->json);
}

/* What nobody else has is named by its type. */
static void drop_hosted(struct chat_writing *writing, const struct tool *tool)
{
    struct text type = text_of(json_member(tool->raw, SPAN("type")));

    if (tool->hosted)
        hosted_drop(writing->t, tool);
    else
        drop(writing->t, type.len > 0 ? span_of(type.ptr, type.len) : SPAN("tools[]"));
}

static void drop_unwritten(struct chat_writing *writing)
{
    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next)
        if (tool->kind == TOOL_HOSTED &&
            !hosted_is_written(writing->chat, tool, DIALECT_anthropic))
            drop_hosted(writing, tool);
}

void anthropic_write_tools(struct chat_writing *writing)
{
    bool format = anthropic_needs_format_tool(writing);

    drop_unwritten(writing);
    if (!has_tools(writing) && !format)
        return;
    json_write_key(writing->json, SPAN("tools"));
    json_write_array(writing->json);
    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next) {
        if (!is_written(writing, tool))
            continue;
        if (tool->kind == TOOL_HOSTED)
            write_hosted(writing, tool);
        else
            write_function(writing, tool);
    }
    if (format)
        write_format_tool(writing);
    json_write_array_end(writing->json);
    write_choice(writing);
}
