#include "worker/parse/ask.h"

#include "shared/base/buffer.h"

#define MESSAGE_LIMIT 512

enum {
    PICK_MODEL,
    PICK_STREAM,
    PICK_OPTIONS,
    PICK_COUNT
};

static enum fault refuse_json(const struct json_error *error, struct arena *arena,
                              struct refusal *reterr)
{
    struct buffer message _buffer_;

    buffer_init(&message, MESSAGE_LIMIT);
    (void)buffer_append_format(&message,
                               "The request body is not a valid JSON object: %s at offset %zu.",
                               error->text, error->offset);
    reterr->message = arena_copy(arena, buffer_span(&message));
    return FAULT_bad_json;
}

static enum fault refuse_member(const char *param, struct span message, struct refusal *reterr)
{
    reterr->param = param;
    reterr->message = message;
    return FAULT_bad_request;
}

static enum fault read_stream(const struct json_pick *picks, struct ask *ret,
                              struct refusal *reterr)
{
    struct json_value stream = picks[PICK_STREAM].value, options = picks[PICK_OPTIONS].value;
    struct json_value usage;

    ret->stream = stream.kind == JSON_TRUE;
    if (stream.kind != JSON_ABSENT && stream.kind != JSON_NULL && stream.kind != JSON_TRUE &&
        stream.kind != JSON_FALSE)
        return refuse_member("stream", SPAN("'stream' must be true or false."), reterr);
    ret->stream_options = options;
    if (options.kind == JSON_ABSENT || options.kind == JSON_NULL)
        return FAULT_NONE;
    if (options.kind != JSON_OBJECT)
        return refuse_member("stream_options", SPAN("'stream_options' must be an object."),
                             reterr);
    usage = json_member(options, SPAN("include_usage"));
    ret->wants_usage = usage.kind == JSON_TRUE;
    return FAULT_NONE;
}

/* By the path (then a member `model` is the provider's to judge), else by the body. */
static enum fault read_model(struct json_value value, struct span argument, struct arena *arena,
                             struct ask *ret, struct refusal *reterr)
{
    if (argument.len > 0) {
        ret->model = argument;
        return FAULT_NONE;
    }
    if (value.kind == JSON_ABSENT)
        return refuse_member(
            "model", SPAN("You must name a model: the member 'model' is missing."), reterr);
    if (value.kind != JSON_STRING)
        return refuse_member("model", SPAN("'model' must be a string."), reterr);
    ret->model_value = value;
    ret->model = json_text(value, arena);
    if (ret->model.len == 0)
        return refuse_member("model", SPAN("'model' must not be empty."), reterr);
    return FAULT_NONE;
}

enum fault ask_read(struct span body, enum operation_kind kind, struct span argument,
                    struct arena *arena, struct ask *ret, struct refusal *reterr)
{
    struct json_pick picks[PICK_COUNT] = {
        [PICK_MODEL] = {.key = SPAN("model")},
        [PICK_STREAM] = {.key = SPAN("stream")},
        [PICK_OPTIONS] = {.key = SPAN("stream_options")},
    };
    struct json_error error;
    enum fault fault;
    bool empty;

    ret->body = body;
    if (!json_pick(body, picks, PICK_COUNT, &ret->open_offset, &empty, &error))
        return refuse_json(&error, arena, reterr);
    fault = read_model(picks[PICK_MODEL].value, argument, arena, ret, reterr);
    if (fault)
        return fault;
    if (kind == OPERATION_KIND_CHAT || kind == OPERATION_KIND_COMPLETIONS)
        return read_stream(picks, ret, reterr);
    ret->stream = kind == OPERATION_KIND_CHAT_STREAM;
    return FAULT_NONE;
}
