/* Blocks of hosted tools: the call, and what came of it. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"

static const struct {
    struct span name, input; /* of the call; the member that says all of it */
    uint8_t kind;
    bool shell;
} tools[] = {
    {WORD("web_search"), WORD("query"), HOSTED_search, false},
    {WORD("web_fetch"), WORD("url"), HOSTED_fetch, false},
    {WORD("code_execution"), WORD("code"), HOSTED_code, false},
    {WORD("bash_code_execution"), WORD("command"), HOSTED_code, true},
};

bool anthropic_is_act_result(struct json_value type)
{
    static const struct span types[] = {
        WORD("web_search_tool_result"), WORD("web_fetch_tool_result"),
        WORD("code_execution_tool_result"), WORD("bash_code_execution_tool_result")};

    for (unsigned i = 0; i < ARRAY_LEN(types); i++)
        if (json_text_eq(type, types[i]))
            return true;
    return false;
}

/* ---- reading ----------------------------------------------------------------------------- */

static unsigned tool_of(struct json_value name)
{
    unsigned i = 0;

    while (i < ARRAY_LEN(tools) && !json_text_eq(name, tools[i].name))
        i++;
    return i;
}

struct act *anthropic_read_act(const struct json_value *values, struct json_value raw,
                               struct arena *arena)
{
    unsigned i = tool_of(values[MEMBER_name]);
    struct act *act;

    if (i == ARRAY_LEN(tools))
        return NULL;
    act = act_new((enum hosted_kind)tools[i].kind, arena);
    act->id = text_of(values[MEMBER_id]);
    act->shell = tools[i].shell;
    act->call = raw;
    anthropic_read_act_input(values[MEMBER_input], act);
    return act;
}

void anthropic_read_act_input(struct json_value input, struct act *act)
{
    for (unsigned i = 0; i < ARRAY_LEN(tools); i++)
        if (tools[i].kind == act->kind && tools[i].shell == act->shell)
            act->input = text_of(json_member(input, tools[i].input));
}

static void read_pages(struct json_value list, struct act *act, struct arena *arena)
{
    static const struct span names[] = {WORD("url"), WORD("title"), WORD("page_age")};
    struct json_value values[ARRAY_LEN(names)], item;
    struct json_walk walk = json_walk(list);

    act->output = TEXT("");
    while (json_next(&walk, NULL, &item)) {
        struct source *source;

        pick_members(item, names, ARRAY_LEN(names), values);
        if (values[0].kind != JSON_STRING)
            continue;
        source = act_add_source(act, arena);
        source->url = text_of(values[0]);
        source->title = text_of(values[1]);
        source->age = text_of(values[2]);
    }
}

static void read_page(struct json_value url, struct json_value document, struct act *act,
                      struct arena *arena)
{
    struct source *source = act_add_source(act, arena);

    act->output = TEXT("");
    source->url = text_of(url);
    source->title = text_of(json_member(document, SPAN("title")));
}

void anthropic_read_act_result(struct json_value content, struct arena *arena, struct act *act)
{
    static const struct span names[] = {WORD("error_code"),  WORD("stdout"), WORD("stderr"),
                                        WORD("return_code"), WORD("url"),    WORD("content")};
    struct json_value values[ARRAY_LEN(names)];

    if (content.kind == JSON_ARRAY) {
        read_pages(content, act, arena);
        return;
    }
    pick_members(content, names, ARRAY_LEN(names), values);
    if (values[0].kind == JSON_STRING) {
        act->failed = true;
        act->output = text_of(values[0]);
    } else if (values[4].kind == JSON_STRING) {
        read_page(values[4], values[5], act, arena);
    } else {
        act_add_output(act, text_of(values[1]), arena);
        act_add_output(act, text_of(values[2]), arena);
        act->failed = values[3].kind == JSON_NUMBER && !span_eq(values[3].raw, SPAN("0"));
    }
}

/* ---- writing ----------------------------------------------------------------------------- */

struct text anthropic_act_id(struct translation *t, const struct act *act)
{
    bool own = span_starts(span_of(act->id.ptr, act->id.len), SPAN("srvtoolu_"));

    return own ? act->id : make_id(t, "srvtoolu_");
}

static unsigned row_of(const struct act *act)
{
    unsigned i = 0;

    while (tools[i].kind != act->kind || tools[i].shell != act->shell)
        i++;
    CHECK(i < ARRAY_LEN(tools));
    return i;
}

void anthropic_write_act_input(const struct act *act, struct json_writer *json)
{
    json_write_object(json);
    text_write_member(json, tools[row_of(act)].input, act->input.ptr ? act->input : TEXT(""));
    json_write_object_end(json);
}

void anthropic_write_act_call(const struct act *act, struct text id, bool begun,
                              struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("server_tool_use"));
    text_write_member(json, SPAN("id"), id);
    json_write_member_text(json, SPAN("name"), tools[row_of(act)].name);
    json_write_key(json, SPAN("input"));
    if (begun)
        json_write_raw(json, SPAN("{}"));
    else
        anthropic_write_act_input(act, json);
    json_write_object_end(json);
}

static void begin(struct json_writer *json, struct span type)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), type);
}

static void write_failure(const struct act *act, struct span type, struct json_writer *json)
{
    begin(json, type);
    text_write_member(json, SPAN("error_code"),
                      act->output.len > 0 ? act->output : TEXT("unavailable"));
    json_write_object_end(json);
}

/* Nobody but Claude's provider has the encrypted words of a page. */
static void write_pages(const struct act *act, struct json_writer *json)
{
    if (act->failed) {
        write_failure(act, SPAN("web_search_tool_result_error"), json);
        return;
    }
    json_write_array(json);
    for (const struct source *at = act->sources; at; at = at->next) {
        begin(json, SPAN("web_search_result"));
        text_write_member(json, SPAN("url"), at->url);
        text_write_member(json, SPAN("title"), at->title.ptr ? at->title : at->url);
        json_write_member_text(json, SPAN("encrypted_content"), SPAN(""));
        text_write_member(json, SPAN("page_age"), at->age);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_page(const struct act *act, struct json_writer *json)
{
    struct text title = act->sources ? act->sources->title : TEXT_NONE;

    if (act->failed) {
        write_failure(act, SPAN("web_fetch_tool_result_error"), json);
        return;
    }
    begin(json, SPAN("web_fetch_result"));
    text_write_member(json, SPAN("url"), act->sources ? act->sources->url : act->input);
    json_write_key(json, SPAN("content"));
    begin(json, SPAN("document"));
    json_write_key(json, SPAN("source"));
    json_write_raw(json,
                   SPAN("{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"\"}"));
    text_write_member(json, SPAN("title"), title);
    json_write_object_end(json);
    text_write_member(json, SPAN("retrieved_at"), TEXT_NONE);
    json_write_object_end(json);
}

static void write_printed(const struct act *act, struct json_writer *json)
{
    struct text output = act->output.ptr ? act->output : TEXT("");

    begin(json,
          act->shell ? SPAN("bash_code_execution_result") : SPAN("code_execution_result"));
    text_write_member(json, SPAN("stdout"), act->failed ? TEXT("") : output);
    text_write_member(json, SPAN("stderr"), act->failed ? output : TEXT(""));
    json_write_member_u64(json, SPAN("return_code"), act->failed ? 1 : 0);
    json_write_key(json, SPAN("content"));
    json_write_raw(json, SPAN("[]"));
    json_write_object_end(json);
}

void anthropic_write_act_result(const struct act *act, struct text id, struct json_writer *json)
{
    begin(json, act->kind == HOSTED_search  ? SPAN("web_search_tool_result")
                : act->kind == HOSTED_fetch ? SPAN("web_fetch_tool_result")
                : act->shell                ? SPAN("bash_code_execution_tool_result")
                                            : SPAN("code_execution_tool_result"));
    text_write_member(json, SPAN("tool_use_id"), id);
    json_write_key(json, SPAN("content"));
    if (act->kind == HOSTED_search)
        write_pages(act, json);
    else if (act->kind == HOSTED_fetch)
        write_page(act, json);
    else
        write_printed(act, json);
    json_write_object_end(json);
}
