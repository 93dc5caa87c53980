/* Whole answers, read and written; and the object "response" that streams repeat. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/responses/responses_inside.h"

/* ---- reading ----------------------------------------------------------------------------- */

bool responses_read_annotation(struct json_value item, struct citation *ret)
{
    static const struct span keys[] = {WORD("url"), WORD("title"), WORD("start_index"),
                                       WORD("end_index")};
    struct json_value values[ARRAY_LEN(keys)];

    pick_members(item, keys, ARRAY_LEN(keys), values);
    *ret = (struct citation){
        .url = text_of(values[0]),
        .title = text_of(values[1]),
        .start = values[2],
        .end = values[3],
    };
    return ret->url.ptr != NULL;
}

void responses_read_annotations(struct json_value list, struct arena *arena,
                                struct block *block)
{
    struct citation **end = &block->citations;
    struct json_walk walk = json_walk(list);
    struct json_value item;
    struct citation found;

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        if (!responses_read_annotation(item, &found))
            continue;
        *end = ARENA_NEW(arena, struct citation);
        **end = found;
        end = &(*end)->next;
    }
}

void responses_wrap_logprobs(struct json_value list, struct buffer *out, struct json_value *ret)
{
    *ret = (struct json_value){.kind = JSON_ABSENT};
    if (list.kind != JSON_ARRAY || list.raw.len <= SPAN("[]").len)
        return;
    buffer_clear(out);
    if (buffer_append(out, SPAN("{\"content\":")) && buffer_append(out, list.raw) &&
        buffer_append(out, SPAN(",\"refusal\":null}")))
        *ret = (struct json_value){JSON_OBJECT, buffer_span(out)};
}

/* Of the first text that has any. */
static void read_logprobs(struct json_value list, struct arena *arena, struct choice *choice)
{
    struct buffer out _buffer_;

    buffer_init(&out, SIZE_MAX);
    if (choice->logprobs.kind == JSON_ABSENT)
        responses_wrap_logprobs(list, &out, &choice->logprobs);
    if (out.len > 0)
        choice->logprobs.raw = arena_copy(arena, choice->logprobs.raw);
}

static void read_part(struct translation *t, struct json_value part, struct choice *choice)
{
    static const struct span keys[] = {WORD("type"), WORD("text"), WORD("refusal"),
                                       WORD("annotations"), WORD("logprobs")};
    struct json_value values[ARRAY_LEN(keys)];
    struct block *block;

    pick_members(part, keys, ARRAY_LEN(keys), values);
    if (values[2].kind == JSON_STRING) {
        block = choice_add_block(choice, BLOCK_refusal, t->arena);
        block->text = text_of(values[2]);
    } else if (values[1].kind == JSON_STRING) {
        block = choice_add_block(choice, BLOCK_text, t->arena);
        block->text = text_of(values[1]);
        responses_read_annotations(values[3], t->arena, block);
        read_logprobs(values[4], t->arena, choice);
    }
}

static void read_call(struct translation *t, struct json_value item, bool custom,
                      struct choice *choice)
{
    static const struct span keys[] = {WORD("call_id"), WORD("name"), WORD("arguments"),
                                       WORD("input")};
    struct json_value values[ARRAY_LEN(keys)];
    struct block *block = choice_add_block(choice, BLOCK_tool_call, t->arena);

    pick_members(item, keys, ARRAY_LEN(keys), values);
    block->id = text_of(values[0]);
    block->name = tool_name_back(t, text_of(values[1]));
    block->custom = custom;
    block->arguments = text_of(values[custom ? 3 : 2]);
    if (!block->arguments.ptr)
        block->arguments = TEXT("");
}

void responses_drop_answer(struct translation *t, struct json_value type)
{
    drop(t, arena_copy(t->arena, json_text(type, t->arena)));
}

static void read_item(struct translation *t, struct json_value item, struct choice *choice,
                      struct usage *usage)
{
    struct json_value type = json_member(item, SPAN("type"));
    struct act *act = responses_read_act(item, t->arena);
    struct json_value content, part;
    struct json_walk walk;
    struct block *block;

    if (json_text_eq(type, SPAN("reasoning"))) {
        responses_read_reasoning(item, t->arena,
                                 choice_add_block(choice, BLOCK_reasoning, t->arena));
    } else if (json_text_eq(type, SPAN("function_call"))) {
        read_call(t, item, false, choice);
    } else if (json_text_eq(type, SPAN("custom_tool_call"))) {
        read_call(t, item, true, choice);
    } else if (json_text_eq(type, SPAN("message"))) {
        content = json_member(item, SPAN("content"));
        walk = json_walk(content);
        while (content.kind == JSON_ARRAY && json_next(&walk, NULL, &part))
            read_part(t, part, choice);
    } else if (act) {
        block = choice_add_block(choice, BLOCK_hosted, t->arena);
        block->origin = DIALECT_responses;
        block->act = act;
        usage_note_act(usage, act);
    } else if (type.kind == JSON_STRING) {
        responses_drop_answer(t, type);
    }
}

static enum stop_reason read_stop(struct json_value status, struct json_value details,
                                  const struct choice *choice)
{
    struct json_value reason = json_member(details, SPAN("reason"));

    if (json_text_eq(status, SPAN("incomplete")))
        return json_text_eq(reason, SPAN("content_filter")) ? STOP_FILTER : STOP_LENGTH;
    return choice_has(choice, BLOCK_tool_call) ? STOP_TOOL : STOP_END;
}

bool responses_read_reply(struct translation *t, struct json_value body, struct reply *ret)
{
    static const struct span keys[] = {
        WORD("id"),           WORD("model"),  WORD("created_at"),         WORD("output"),
        WORD("usage"),        WORD("status"), WORD("incomplete_details"), WORD("error"),
        WORD("service_tier"),
    };
    struct json_value values[ARRAY_LEN(keys)], item;
    struct choice *choice = reply_add_choice(ret, t->arena);
    struct json_walk walk;

    pick_members(body, keys, ARRAY_LEN(keys), values);
    if (values[7].kind == JSON_OBJECT || values[3].kind != JSON_ARRAY) {
        complaint_read(200, body.raw, t->arena, &t->refusal);
        return false;
    }
    ret->id = text_of(values[0]);
    ret->model = text_of(values[1]);
    (void)json_u64(values[2], &ret->created);
    ret->service_tier = text_of(values[8]);
    usage_read_service(values[8], &ret->usage);
    responses_read_usage(values[4], &ret->usage);
    walk = json_walk(values[3]);
    while (json_next(&walk, NULL, &item))
        read_item(t, item, choice, &ret->usage);
    choice->stop = (uint8_t)read_stop(values[5], values[6], choice);
    return true;
}

/* ---- the object "response" --------------------------------------------------------------- */

void responses_begin(struct translation *t, struct text id, struct text model, uint64_t created,
                     struct response *ret)
{
    bool own = !t->keeps && id.len > 5 && memcmp(id.ptr, "resp_", 5) == 0;

    *ret = (struct response){
        .id = own ? id : make_id(t, "resp_"),
        .model = model.len > 0 ? model : text_escape(t->target.model, t->arena),
        .created = created > 0 ? created : t->now,
    };
}

const char *responses_status(enum stop_reason stop, const char **ret_why)
{
    *ret_why = NULL;
    if (stop == STOP_LENGTH || stop == STOP_CONTEXT)
        *ret_why = "max_output_tokens";
    if (stop == STOP_FILTER)
        *ret_why = "content_filter";
    return *ret_why ? "incomplete" : stop == STOP_FAILED ? "failed" : "completed";
}

bool responses_is_custom(const struct translation *t, struct text name)
{
    const struct tool *tool = t->chat ? chat_find_tool(t->chat, name) : NULL;

    return tool && tool->kind == TOOL_CUSTOM;
}

/* What the request said, or what counts when it says nothing. */
static void echo(const struct chat *chat, enum chat_field field, const char *name,
                 const char *otherwise, struct json_writer *json)
{
    json_write_key(json, span_of_text(name));
    json_write_raw(json,
                   chat_has(chat, field) ? chat->fields[field].raw : span_of_text(otherwise));
}

static struct text instructions(const struct chat *chat)
{
    const struct message *first = chat->messages;

    if (chat->dialect != DIALECT_responses || !first || first->role != ROLE_system)
        return TEXT_NONE;
    return first->blocks ? first->blocks->text : TEXT_NONE;
}

static void write_echo(struct translation *t, struct json_writer *json)
{
    const struct chat *chat = t->chat;
    const struct reasoning *reasoning = &chat->reasoning;

    text_write_member(json, SPAN("instructions"), instructions(chat));
    echo(chat, CHAT_max_output, "max_output_tokens", "null", json);
    json_write_member_bool(json, SPAN("parallel_tool_calls"), chat->parallel != MAYBE_FALSE);
    text_write_member(json, SPAN("previous_response_id"), t->previous);
    json_write_key(json, SPAN("reasoning"));
    json_write_object(json);
    json_write_member_text(
        json, SPAN("effort"),
        word_text(responses_efforts, responses_effort_count, reasoning->effort));
    text_write_member(json, SPAN("summary"), reasoning->summary);
    json_write_object_end(json);
    json_write_member_bool(json, SPAN("store"), t->keeps);
    echo(chat, CHAT_temperature, "temperature", "1.0", json);
    responses_write_text(chat, json);
    responses_write_tool_choice(t, chat, false, json);
    responses_write_tools(t, chat, false, json);
    echo(chat, CHAT_top_logprobs, "top_logprobs", "0", json);
    echo(chat, CHAT_top_p, "top_p", "1.0", json);
    echo(chat, CHAT_truncation, "truncation", "\"disabled\"", json);
    echo(chat, CHAT_user, "user", "null", json);
    echo(chat, CHAT_metadata, "metadata", "{}", json);
}

static void write_reason(const char *why, struct json_writer *json)
{
    json_write_key(json, SPAN("incomplete_details"));
    if (!why) {
        json_write_null(json);
        return;
    }
    json_write_object(json);
    json_write_member_text(json, SPAN("reason"), span_of_text(why));
    json_write_object_end(json);
}

void responses_write_response(struct translation *t, const struct response *response,
                              const struct response_state *state, struct json_writer *json)
{
    json_write_object(json);
    text_write_member(json, SPAN("id"), response->id);
    json_write_member_text(json, SPAN("object"), SPAN("response"));
    json_write_member_u64(json, SPAN("created_at"), response->created);
    json_write_member_text(json, SPAN("status"), span_of_text(state->status));
    json_write_member_bool(json, SPAN("background"), false);
    json_write_key(json, SPAN("error"));
    if (state->complaint)
        responses_write_error(state->complaint, json);
    else
        json_write_null(json);
    write_reason(state->why, json);
    text_write_member(json, SPAN("model"), response->model);
    json_write_key(json, SPAN("output"));
    json_write_array(json);
    if (state->output.len > 0)
        json_write_raw(json, state->output);
    json_write_array_end(json);
    write_echo(t, json);
    text_write_known(json, SPAN("service_tier"), response->service_tier);
    json_write_key(json, SPAN("usage"));
    if (state->usage)
        responses_write_usage(state->usage, json);
    else
        json_write_null(json);
    json_write_object_end(json);
}

/* ---- writing ----------------------------------------------------------------------------- */

void responses_write_annotation(const struct citation *citation, struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), SPAN("url_citation"));
    json_write_key(json, SPAN("start_index"));
    json_write_raw(json, citation->start.kind == JSON_NUMBER ? citation->start.raw : SPAN("0"));
    json_write_key(json, SPAN("end_index"));
    json_write_raw(json, citation->end.kind == JSON_NUMBER ? citation->end.raw : SPAN("0"));
    text_write_member(json, SPAN("url"), citation->url);
    text_write_member(json, SPAN("title"), citation->title.ptr ? citation->title : TEXT(""));
    json_write_object_end(json);
}
