/* Answers of providers, whole and in streams. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/ernie/ernie_inside.h"

void ernie_read_usage(struct json_value usage, struct usage *ret)
{
    if (usage.kind != JSON_OBJECT)
        return;
    usage_read(usage, SPAN("prompt_tokens"), &ret->input);
    usage_read(usage, SPAN("completion_tokens"), &ret->output);
    ret->raw = usage.raw;
}

enum stop_reason ernie_stop(const struct json_value *answer)
{
    enum stop_reason stop = openai_finish_read(answer[ERNIE_finish_reason]);

    /* The conversation was found unsafe; what was said is a canned refusal. */
    if (answer[ERNIE_need_clear_history].kind == JSON_TRUE)
        return STOP_FILTER;
    if (answer[ERNIE_is_truncated].kind == JSON_TRUE && stop != STOP_FILTER)
        return STOP_LENGTH;
    return stop == STOP_NONE ? STOP_END : stop;
}

/* The block of a function call; false when VALUE is none. */
static bool read_call(struct translation *t, struct json_value value, struct block *call)
{
    static const struct span keys[] = {WORD("name"), WORD("arguments")};
    struct json_value values[ARRAY_LEN(keys)];
    struct text name, input;

    pick_members(value, keys, ARRAY_LEN(keys), values);
    name = text_of(values[0]);
    if (name.len == 0)
        return false;
    call->id = make_id(t, "call_");
    call->name = tool_name_back(t, name);
    if (values[1].kind == JSON_OBJECT)
        call->input = values[1];
    else
        call->arguments = text_of(values[1]);
    if (!openai_is_custom_tool(t, call->name))
        return true;
    input = call_custom_input(call, t->arena);
    call->arguments = input.ptr ? input : call_arguments(call, t->arena);
    call->input.kind = JSON_ABSENT;
    call->custom = true;
    return true;
}

/* ---- whole answers ----------------------------------------------------------------------- */

bool ernie_read_reply(struct translation *t, struct json_value body, struct reply *ret)
{
    static const struct span keys[] = {ERNIE_ANSWER_MEMBERS(MEMBER_KEY)};
    struct json_value values[ERNIE_ANSWER_MEMBER_COUNT];
    struct block call = {.kind = BLOCK_tool_call, .origin = DIALECT_NONE};
    struct choice *choice;
    bool calls;

    pick_members(body, keys, ERNIE_ANSWER_MEMBER_COUNT, values);
    calls = read_call(t, values[ERNIE_function_call], &call);
    if (values[ERNIE_error_code].kind != JSON_ABSENT ||
        (values[ERNIE_result].kind != JSON_STRING && !calls)) {
        complaint_read(200, body.raw, t->arena, &t->refusal);
        return false;
    }
    ret->id = text_of(values[ERNIE_id]);
    ret->model = text_escape(t->target.model, t->arena);
    (void)json_u64(values[ERNIE_created], &ret->created);
    ernie_read_usage(values[ERNIE_usage], &ret->usage);
    choice = reply_add_choice(ret, t->arena);
    choice->stop = (uint8_t)ernie_stop(values);
    if (text_of(values[ERNIE_result]).len > 0)
        choice_add_block(choice, BLOCK_text, t->arena)->text = text_of(values[ERNIE_result]);
    if (!calls)
        return true;
    *choice_add_block(choice, BLOCK_tool_call, t->arena) = call;
    if (choice->stop == STOP_END)
        choice->stop = STOP_TOOL;
    return true;
}

/* ---- streams ----------------------------------------------------------------------------- */

static void start(struct event_reader *reader, const struct json_value *values)
{
    struct ernie_reader *state = reader->state;
    struct translation *t = reader->translation;
    struct event event = {.kind = EVENT_start, .id = text_of(values[ERNIE_id])};

    if (state->started)
        return;
    state->started = true;
    if (event.id.len == 0)
        event.id = make_id(t, "chatcmpl-");
    event.model = text_escape(t->target.model, t->arena);
    if (!json_u64(values[ERNIE_created], &event.created))
        event.created = t->now;
    event_tell(reader, &event);
}

static void close_text(struct event_reader *reader)
{
    struct ernie_reader *state = reader->state;
    struct event event = {.kind = EVENT_close, .block_kind = BLOCK_text};

    if (!state->is_open)
        return;
    state->is_open = false;
    event.index = state->next_block - 1;
    event_tell(reader, &event);
}

static void tell_text(struct event_reader *reader, struct text text)
{
    struct ernie_reader *state = reader->state;
    struct event event = {.kind = EVENT_open, .block_kind = BLOCK_text};

    if (text.len == 0)
        return;
    if (!state->is_open) {
        state->is_open = true;
        event.index = state->next_block++;
        event_tell(reader, &event);
    }
    event.kind = EVENT_delta;
    event.index = state->next_block - 1;
    event.text = text;
    event_tell(reader, &event);
}

/* A call comes whole in one record. */
static void tell_call(struct event_reader *reader, struct json_value value)
{
    struct translation *t = reader->translation;
    struct ernie_reader *state = reader->state;
    struct block call = {.kind = BLOCK_tool_call};
    struct event event = {.kind = EVENT_open, .block_kind = BLOCK_tool_call};

    if (!read_call(t, value, &call))
        return;
    close_text(reader);
    state->called = true;
    event.index = state->next_block++;
    event.id = call.id;
    event.name = call.name;
    event.custom = call.custom;
    event_tell(reader, &event);
    event.kind = EVENT_delta;
    event.text = call.custom ? call.arguments : call_arguments(&call, t->arena);
    if (event.text.len > 0)
        event_tell(reader, &event);
    event.kind = EVENT_close;
    event_tell(reader, &event);
}

static void finish(struct event_reader *reader, enum stop_reason stop)
{
    struct ernie_reader *state = reader->state;
    struct event event = {.kind = EVENT_stop};

    close_text(reader);
    if (stop == STOP_FAILED) {
        event_fail(reader, COMPLAINT_internal, TEXT("The provider failed while it answered."));
        return;
    }
    event.stop = (uint8_t)(stop == STOP_END && state->called ? STOP_TOOL : stop);
    event_tell(reader, &event);
    event = (struct event){.kind = EVENT_usage, .usage = &reader->usage};
    if (openai_usage_known(&reader->usage))
        event_tell(reader, &event);
    event = (struct event){.kind = EVENT_end};
    event_tell(reader, &event);
}

static void tell_error(struct event_reader *reader, struct span data)
{
    struct complaint complaint;
    struct event event = {.kind = EVENT_error, .complaint = &complaint};

    complaint_read(200, data, reader->translation->arena, &complaint);
    event_tell(reader, &event);
}

void ernie_read_record(struct event_reader *reader, const struct sse_record *record)
{
    static const struct span keys[] = {ERNIE_ANSWER_MEMBERS(MEMBER_KEY)};
    struct json_value values[ERNIE_ANSWER_MEMBER_COUNT];

    if (!event_pick(reader, record->data, keys, ARRAY_LEN(keys), values))
        return;
    if (values[ERNIE_error_code].kind > JSON_NULL) {
        tell_error(reader, record->data);
        return;
    }
    start(reader, values);
    ernie_read_usage(values[ERNIE_usage], &reader->usage);
    reader->usage.raw = SPAN_NONE; /* it points into a record that is about to go */
    tell_text(reader, text_of(values[ERNIE_result]));
    tell_call(reader, values[ERNIE_function_call]);
    if (values[ERNIE_is_end].kind == JSON_TRUE)
        finish(reader, ernie_stop(values));
}

/* Only the provider says when it is over. */
void ernie_read_end(struct event_reader *reader)
{
    (void)reader;
}
