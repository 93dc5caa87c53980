/* Items of hosted tools: web_search_call, which also opens pages, and code_interpreter_call. */
#include "shared/base/check.h"

#include "worker/translate/responses/responses_inside.h"

/* ---- reading ----------------------------------------------------------------------------- */

static void read_sources(struct json_value list, struct act *act, struct arena *arena)
{
    static const struct span keys[] = {WORD("url"), WORD("title")};
    struct json_value values[ARRAY_LEN(keys)], item;
    struct json_walk walk = json_walk(list);

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        struct source *source;

        pick_members(item, keys, ARRAY_LEN(keys), values);
        if (values[0].kind != JSON_STRING)
            continue;
        source = act_add_source(act, arena);
        source->url = text_of(values[0]);
        source->title = text_of(values[1]);
    }
}

static struct text first_of(struct json_value list)
{
    struct json_walk walk = json_walk(list);
    struct json_value item;

    return list.kind == JSON_ARRAY && json_next(&walk, NULL, &item) ? text_of(item) : TEXT_NONE;
}

static struct act *read_search(struct json_value action, struct arena *arena)
{
    static const struct span keys[] = {WORD("type"), WORD("query"), WORD("queries"),
                                       WORD("sources"), WORD("url")};
    struct json_value values[ARRAY_LEN(keys)];
    struct act *act;

    pick_members(action, keys, ARRAY_LEN(keys), values);
    act = act_new(values[4].kind == JSON_STRING ? HOSTED_fetch : HOSTED_search, arena);
    act->output = TEXT("");
    if (act->kind == HOSTED_fetch) {
        act->input = text_of(values[4]);
        act_add_source(act, arena)->url = act->input;
        return act;
    }
    act->input = text_of(values[1]);
    if (act->input.len == 0)
        act->input = first_of(values[2]);
    read_sources(values[3], act, arena);
    return act;
}

static struct act *read_code(struct json_value item, struct arena *arena)
{
    struct json_value outputs = json_member(item, SPAN("outputs")), output;
    struct act *act = act_new(HOSTED_code, arena);
    struct json_walk walk = json_walk(outputs);

    act->input = text_of(json_member(item, SPAN("code")));
    while (outputs.kind == JSON_ARRAY && json_next(&walk, NULL, &output)) {
        struct text logs = text_of(json_member(output, SPAN("logs")));

        act_add_output(act, logs.ptr ? logs : TEXT(""), arena);
    }
    return act;
}

struct act *responses_read_act(struct json_value item, struct arena *arena)
{
    static const struct span keys[] = {WORD("type"), WORD("id"), WORD("status"),
                                       WORD("action")};
    struct json_value values[ARRAY_LEN(keys)];
    struct act *act;

    pick_members(item, keys, ARRAY_LEN(keys), values);
    if (json_text_eq(values[0], SPAN("web_search_call")))
        act = read_search(values[3], arena);
    else if (json_text_eq(values[0], SPAN("code_interpreter_call")))
        act = read_code(item, arena);
    else
        return NULL;
    act->id = text_of(values[1]);
    act->failed = json_text_eq(values[2], SPAN("failed"));
    if (act->failed && act->output.len == 0)
        act->output = TEXT("unavailable");
    act->call = item;
    return act;
}

/* ---- writing ----------------------------------------------------------------------------- */

struct text responses_act_id(struct translation *t, const struct act *act)
{
    const char *prefix = act->kind == HOSTED_code ? "ci_" : "ws_";
    bool own = span_starts(span_of(act->id.ptr, act->id.len), span_of_text(prefix));

    return own ? act->id : make_id(t, prefix);
}

static void write_sources(const struct act *act, struct json_writer *json)
{
    json_write_key(json, SPAN("sources"));
    json_write_array(json);
    for (const struct source *at = act->sources; at; at = at->next) {
        json_write_object(json);
        json_write_member_text(json, SPAN("type"), SPAN("url"));
        text_write_member(json, SPAN("url"), at->url);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

static void write_action(const struct act *act, bool sources, struct json_writer *json)
{
    struct text input = act->input.ptr ? act->input : TEXT("");

    json_write_key(json, SPAN("action"));
    json_write_object(json);
    if (act->kind == HOSTED_fetch) {
        json_write_member_text(json, SPAN("type"), SPAN("open_page"));
        text_write_member(json, SPAN("url"), input);
    } else {
        json_write_member_text(json, SPAN("type"), SPAN("search"));
        text_write_member(json, SPAN("query"), input);
        json_write_key(json, SPAN("queries"));
        json_write_array(json);
        text_write(json, input);
        json_write_array_end(json);
        if (sources)
            write_sources(act, json);
    }
    json_write_object_end(json);
}

/* The container is the provider's, and nobody can reach it here. */
static void write_code(const struct act *act, struct act_wishes wishes,
                       struct json_writer *json)
{
    bool begun = wishes.begun;

    text_write_member(json, SPAN("code"), begun || !act->input.ptr ? TEXT("") : act->input);
    json_write_member_text(json, SPAN("container_id"), SPAN(""));
    json_write_key(json, SPAN("outputs"));
    if (!begun && !wishes.outputs) {
        json_write_null(json);
        return;
    }
    json_write_array(json);
    if (!begun && act->output.ptr) {
        json_write_object(json);
        json_write_member_text(json, SPAN("type"), SPAN("logs"));
        text_write_member(json, SPAN("logs"), act->output);
        json_write_object_end(json);
    }
    json_write_array_end(json);
}

struct act_wishes responses_wishes(const struct chat *chat, bool begun)
{
    return (struct act_wishes){
        .begun = begun, .sources = chat->wants_sources, .outputs = chat->wants_outputs};
}

void responses_write_act(const struct act *act, struct text id, struct act_wishes wishes,
                         struct json_writer *json)
{
    bool code = act->kind == HOSTED_code, search_failed = act->failed && !code;

    json_write_object(json);
    text_write_member(json, SPAN("id"), id);
    json_write_member_text(json, SPAN("type"),
                           code ? SPAN("code_interpreter_call") : SPAN("web_search_call"));
    json_write_member_text(json, SPAN("status"),
                           wishes.begun    ? SPAN("in_progress")
                           : search_failed ? SPAN("failed")
                                           : SPAN("completed"));
    if (code)
        write_code(act, wishes, json);
    else if (!wishes.begun)
        write_action(act, wishes.sources, json);
    json_write_object_end(json);
}
