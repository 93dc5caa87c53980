/* The tools, the choice among them and the form of the text: as a request has them, and as an
 * answer repeats them. */
#include "shared/base/check.h"

#include "worker/translate/hosted.h"
#include "worker/translate/responses/responses_inside.h"

static struct text name_out(struct translation *t, struct text name, bool renamed)
{
    return renamed ? tool_name_out(t, name, "", NAME_LIMIT_BYTES) : name;
}

/* The canonical form has a grammar as chat completions do; here it stands flat. */
static void write_grammar(struct json_value format, struct json_writer *json)
{
    struct json_value grammar = json_member(format, SPAN("grammar"));

    json_write_key(json, SPAN("format"));
    if (grammar.kind != JSON_OBJECT) {
        json_write_raw(json, format.raw);
        return;
    }
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("grammar"));
    text_write_known(json, SPAN("syntax"), text_of(json_member(grammar, SPAN("syntax"))));
    text_write_known(json, SPAN("definition"),
                     text_of(json_member(grammar, SPAN("definition"))));
    json_write_object_end(json);
}

/* `strict` is true here when nothing is said, so it is always said. */
static void write_function(const struct tool *tool, struct json_writer *json)
{
    json_write_key(json, SPAN("parameters"));
    if (tool->schema.kind == JSON_OBJECT)
        json_write_raw(json, tool->schema.raw);
    else
        json_write_raw(json, SPAN("{\"type\":\"object\",\"properties\":{}}"));
    json_write_member_bool(json, SPAN("strict"), tool->strict == MAYBE_TRUE);
}

/* Code needs a place to run in. */
static void write_hosted(struct translation *t, const struct tool *tool,
                         struct json_writer *json)
{
    enum hosted_kind kind = (enum hosted_kind)tool->hosted->kind;

    json_write_object(json);
    json_write_member_text(json, SPAN("type"), hosted_name(kind, DIALECT_responses));
    if (kind == HOSTED_code) {
        json_write_key(json, SPAN("container"));
        json_write_raw(json, SPAN("{\"type\":\"auto\"}"));
    }
    hosted_write_settings(t, tool, DIALECT_responses, json);
    json_write_object_end(json);
}

static void write_tool(struct translation *t, const struct tool *tool, bool renamed,
                       struct json_writer *json)
{
    if (tool->kind == TOOL_HOSTED) {
        if (tool->origin == DIALECT_responses)
            json_write_raw(json, tool->raw.raw);
        else
            write_hosted(t, tool, json);
        return;
    }
    json_write_object(json);
    json_write_member_text(json, SPAN("type"),
                           tool->kind == TOOL_CUSTOM ? SPAN("custom") : SPAN("function"));
    text_write_member(json, SPAN("name"), name_out(t, tool->name, renamed));
    text_write_known(json, SPAN("description"), tool->description);
    if (tool->kind == TOOL_FUNCTION)
        write_function(tool, json);
    else if (tool->grammar.kind == JSON_OBJECT)
        write_grammar(tool->grammar, json);
    json_write_object_end(json);
}

void responses_write_tools(struct translation *t, const struct chat *chat, bool renamed,
                           struct json_writer *json)
{
    struct path list = {.key = SPAN("tools")};
    struct path item = {.up = &list};

    json_write_key(json, SPAN("tools"));
    json_write_array(json);
    for (const struct tool *tool = chat->tools; tool; tool = tool->next, item.index++) {
        bool foreign =
            tool->kind == TOOL_HOSTED && !hosted_is_written(chat, tool, DIALECT_responses);

        if (foreign && tool->hosted)
            hosted_drop(t, tool);
        else if (foreign)
            drop_at(t, &item);
        else
            write_tool(t, tool, renamed, json);
        if (renamed && tool->cache != CACHE_NONE)
            drop(t, SPAN("cache_control"));
    }
    json_write_array_end(json);
}

static void write_hosted_type(const struct tool *tool, struct json_writer *json)
{
    if (tool->origin == DIALECT_responses)
        text_write_member(json, SPAN("type"), tool->name);
    else
        json_write_member_text(
            json, SPAN("type"),
            hosted_name((enum hosted_kind)tool->hosted->kind, DIALECT_responses));
}

static void write_name(struct translation *t, const struct chat *chat, struct text name,
                       bool renamed, struct json_writer *json)
{
    const struct tool *tool = chat_find_tool(chat, name);
    const struct tool *hosted = tool ? NULL : hosted_find(chat, name);
    bool custom = tool && tool->kind == TOOL_CUSTOM;

    json_write_object(json);
    if (hosted) {
        write_hosted_type(hosted, json);
        json_write_object_end(json);
        return;
    }
    json_write_member_text(json, SPAN("type"), custom ? SPAN("custom") : SPAN("function"));
    text_write_member(json, SPAN("name"), name_out(t, name, renamed));
    json_write_object_end(json);
}

static void write_allowed(struct translation *t, const struct chat *chat, struct span mode,
                          bool renamed, struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("allowed_tools"));
    json_write_member_text(json, SPAN("mode"), mode);
    json_write_key(json, SPAN("tools"));
    json_write_array(json);
    for (const struct text_item *item = chat->tool_names; item; item = item->next)
        write_name(t, chat, item->text, renamed, json);
    json_write_array_end(json);
    json_write_object_end(json);
}

void responses_write_tool_choice(struct translation *t, const struct chat *chat, bool renamed,
                                 struct json_writer *json)
{
    struct span mode = word_text(responses_choices, responses_choice_count, chat->tool_choice);

    if (hosted_is_choice_lost(chat, DIALECT_responses)) {
        drop(t, SPAN("tool_choice"));
        return;
    }
    json_write_key(json, SPAN("tool_choice"));
    if (chat->tool_choice == TOOL_CHOICE_NAMED && chat->tool_names)
        write_name(t, chat, chat->tool_names->text, renamed, json);
    else if (chat->tool_names && mode.ptr)
        write_allowed(t, chat, mode, renamed, json);
    else
        json_write_text(json, mode.ptr ? mode : SPAN("auto"));
}

static void write_format(const struct chat *chat, struct json_writer *json)
{
    static const struct span types[] = {
        [FORMAT_ABSENT] = WORD("text"),
        [FORMAT_TEXT] = WORD("text"),
        [FORMAT_JSON] = WORD("json_object"),
        [FORMAT_SCHEMA] = WORD("json_schema"),
    };

    json_write_object(json);
    json_write_member_text(json, SPAN("type"), types[chat->format.kind]);
    if (chat->format.kind == FORMAT_SCHEMA) {
        text_write_member(json, SPAN("name"),
                          chat->format.name.ptr ? chat->format.name
                                                : TEXT("structured_output"));
        text_write_known(json, SPAN("description"), chat->format.description);
        json_write_key(json, SPAN("schema"));
        json_write_raw(json, chat->format.schema.kind == JSON_OBJECT
                                 ? chat->format.schema.raw
                                 : SPAN("{\"type\":\"object\"}"));
        json_write_member_bool(json, SPAN("strict"), chat->format.strict == MAYBE_TRUE);
    }
    json_write_object_end(json);
}

void responses_write_text(const struct chat *chat, struct json_writer *json)
{
    json_write_key(json, SPAN("text"));
    json_write_object(json);
    json_write_key(json, SPAN("format"));
    write_format(chat, json);
    if (chat_has(chat, CHAT_verbosity)) {
        json_write_key(json, SPAN("verbosity"));
        json_write_raw(json, chat->fields[CHAT_verbosity].raw);
    }
    json_write_object_end(json);
}
