/* Streams to clients: what hosted tools did, all its events at once. */
#include "worker/translate/responses/responses_writing.h"

void responses_keep_json(struct writing *writing, uint32_t output_index, struct span json)
{
    struct kept_item *kept = ARENA_NEW(writing->t->arena, struct kept_item);
    struct kept_item **at = &writing->state->kept;

    kept->output_index = output_index;
    kept->json = arena_copy(writing->t->arena, json);
    while (*at && (*at)->output_index < output_index)
        at = &(*at)->next;
    kept->next = *at;
    *at = kept;
}

/* One of the steps of a hosted tool; CODE may be none. */
static void write_step(struct writing *writing, const char *type, struct text id,
                       const char *member, struct text code)
{
    struct json_writer *json = responses_begin_event(writing, type);

    json_write_member_u64(json, SPAN("output_index"), writing->state->output_count - 1);
    text_write_member(json, SPAN("item_id"), id);
    if (member)
        text_write_member(json, span_of_text(member), code.ptr ? code : TEXT(""));
    responses_end_event(writing);
}

static void write_act_item(struct writing *writing, const char *type, const struct act *act,
                           struct text id)
{
    bool begun = strcmp(type, "response.output_item.added") == 0;
    struct json_writer *json = responses_begin_event(writing, type);

    json_write_member_u64(json, SPAN("output_index"), writing->state->output_count - 1);
    json_write_key(json, SPAN("item"));
    responses_write_act(act, id, responses_wishes(writing->t->chat, begun), json);
    responses_end_event(writing);
}

static void write_steps(struct writing *writing, const struct act *act, struct text id)
{
    struct text none = TEXT_NONE;

    if (act->kind != HOSTED_code) {
        write_step(writing, "response.web_search_call.in_progress", id, NULL, none);
        write_step(writing, "response.web_search_call.searching", id, NULL, none);
        write_step(writing, "response.web_search_call.completed", id, NULL, none);
        return;
    }
    write_step(writing, "response.code_interpreter_call.in_progress", id, NULL, none);
    if (act->input.len > 0)
        write_step(writing, "response.code_interpreter_call_code.delta", id, "delta",
                   act->input);
    write_step(writing, "response.code_interpreter_call_code.done", id, "code", act->input);
    write_step(writing, "response.code_interpreter_call.interpreting", id, NULL, none);
    write_step(writing, "response.code_interpreter_call.completed", id, NULL, none);
}

void responses_act_events(struct writing *writing, const struct act *act)
{
    struct text id = responses_act_id(writing->t, act);
    struct buffer item _buffer_;
    struct json_writer json;

    writing->state->output_count++;
    write_act_item(writing, "response.output_item.added", act, id);
    write_steps(writing, act, id);
    write_act_item(writing, "response.output_item.done", act, id);
    buffer_init(&item, SIZE_MAX);
    json_write_init(&json, &item);
    responses_write_act(act, id, responses_wishes(writing->t->chat, false), &json);
    responses_keep_json(writing, writing->state->output_count - 1, buffer_span(&item));
}
