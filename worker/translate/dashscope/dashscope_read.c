/* Answers of providers, whole and in streams. */
#include "shared/base/check.h"

#include "worker/translate/dashscope/dashscope_inside.h"
#include "worker/translate/openai/openai_stream.h"

/* clang-format off */
#define ANSWER_MEMBERS(M) \
    M(output) \
    M(usage) \
    M(request_id) \
    M(code)

/* clang-format on */

enum answer_member {
#define MEMBER(name) ANSWER_##name,
    ANSWER_MEMBERS(MEMBER)
#undef MEMBER
    ANSWER_MEMBER_COUNT
};

/* ---- usage ------------------------------------------------------------------------------- */

void dashscope_read_usage(struct json_value usage, struct usage *ret)
{
    static const struct span details = WORD("output_tokens_details");

    if (usage.kind != JSON_OBJECT)
        return;
    usage_read(usage, SPAN("input_tokens"), &ret->input);
    usage_read(usage, SPAN("output_tokens"), &ret->output);
    usage_read(usage, SPAN("cached_tokens"), &ret->cached);
    usage_read(usage, SPAN("image_tokens"), &ret->image_input);
    usage_read(usage, SPAN("audio_tokens"), &ret->audio_input);
    usage_read(json_member(usage, SPAN("prompt_tokens_details")), SPAN("cached_tokens"),
               &ret->cached);
    usage_read(json_member(usage, SPAN("input_tokens_details")), SPAN("cached_tokens"),
               &ret->cached);
    usage_read(json_member(usage, details), SPAN("reasoning_tokens"), &ret->reasoning);
    ret->raw = usage.raw;
}

/* ---- whole answers ----------------------------------------------------------------------- */

/* What models say that know no messages: {"text", "finish_reason"}. */
static bool read_bare(struct translation *t, struct json_value output, struct reply *ret)
{
    struct text text = text_of(json_member(output, SPAN("text")));
    struct choice *choice;

    if (!text.ptr)
        return false;
    choice = reply_add_choice(ret, t->arena);
    if (text.len > 0)
        choice_add_block(choice, BLOCK_text, t->arena)->text = text;
    choice->stop = (uint8_t)openai_finish_read(json_member(output, SPAN("finish_reason")));
    if (choice->stop == STOP_NONE)
        choice->stop = STOP_END;
    return true;
}

bool dashscope_read_reply(struct translation *t, struct json_value body, struct reply *ret)
{
    static const struct span keys[] = {ANSWER_MEMBERS(MEMBER_KEY)};
    struct json_value values[ANSWER_MEMBER_COUNT], choices;

    pick_members(body, keys, ANSWER_MEMBER_COUNT, values);
    if (values[ANSWER_output].kind != JSON_OBJECT) {
        complaint_read(200, body.raw, t->arena, &t->refusal);
        return false;
    }
    ret->id = text_of(values[ANSWER_request_id]);
    if (ret->id.len == 0)
        ret->id = TEXT_NONE;
    ret->model = text_escape(t->target.model, t->arena);
    choices = json_member(values[ANSWER_output], SPAN("choices"));
    if (choices.kind != JSON_ARRAY && read_bare(t, values[ANSWER_output], ret)) {
        dashscope_read_usage(values[ANSWER_usage], &ret->usage);
        return true;
    }
    dashscope_read_usage(values[ANSWER_usage], &ret->usage);
    return openai_read_choices(t, choices, ret);
}

/* ---- streams ----------------------------------------------------------------------------- */

/* The status that a record has in a comment: ":HTTP_STATUS/400". */
static uint16_t record_status(const struct sse_record *record)
{
    static const struct span mark = WORD(":HTTP_STATUS/");
    size_t at = span_find(record->raw, mark);
    uint16_t status = 0;

    if (at == SIZE_MAX)
        return 200;
    for (at += mark.len; at < record->raw.len && status < 100; at++) {
        char c = record->raw.ptr[at];

        if (c < '0' || c > '9')
            break;
        status = (uint16_t)(status * 10 + (c - '0'));
    }
    return status >= 400 && status < 600 ? status : 200;
}

static bool tell_error(struct event_reader *reader, const struct sse_record *record,
                       const struct json_value *values)
{
    struct complaint complaint;
    struct event event = {.kind = EVENT_error, .complaint = &complaint};

    if (!span_eq(record->event, SPAN("error")) && values[ANSWER_output].kind == JSON_OBJECT)
        return false;
    complaint_read(record_status(record), record->data, reader->translation->arena, &complaint);
    event_tell(reader, &event);
    return true;
}

static void start(struct event_reader *reader, struct json_value request_id)
{
    struct openai_reader *state = reader->state;
    struct translation *t = reader->translation;
    struct event event = {.kind = EVENT_start, .created = t->now, .id = text_of(request_id)};

    if (state->started)
        return;
    state->started = true;
    state->repeats = openai_repeats_new(t->arena);
    if (event.id.len == 0)
        event.id = make_id(t, "chatcmpl-");
    event.model = text_escape(t->target.model, t->arena);
    event_tell(reader, &event);
}

void dashscope_read_record(struct event_reader *reader, const struct sse_record *record)
{
    static const struct span keys[] = {ANSWER_MEMBERS(MEMBER_KEY)};
    struct json_value values[ANSWER_MEMBER_COUNT], choices;
    struct openai_reader *state = reader->state;
    uint64_t before = reader->usage.output;

    if (!event_pick(reader, record->data, keys, ARRAY_LEN(keys), values) ||
        tell_error(reader, record, values))
        return;
    dashscope_read_usage(values[ANSWER_usage], &reader->usage);
    reader->usage.raw = SPAN_NONE; /* it points into a record that is about to go */
    start(reader, values[ANSWER_request_id]);
    state->repeats->quiet =
        before != TOKENS_UNKNOWN && before > 0 && reader->usage.output == before;
    choices = json_member(values[ANSWER_output], SPAN("choices"));
    if (choices.kind == JSON_ARRAY)
        openai_tell_choices(reader, choices, SPAN("message"));
    else
        openai_tell_choice(reader, values[ANSWER_output], SPAN("text"));
}
