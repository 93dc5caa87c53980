#include "worker/parse/ask.h"

#include "shared/base/buffer.h"

#define MESSAGE_LIMIT 512

enum {
    PICK_MODEL,
    PICK_STREAM,
    PICK_OPTIONS,
    PICK_MAX_TOKENS,
    PICK_MAX_COMPLETION_TOKENS,
    PICK_MAX_OUTPUT_TOKENS,
    PICK_CHOICES,
    PICK_GENERATION,
    PICK_SERVICE,
    PICK_METADATA,
    PICK_PREVIOUS,
    PICK_CONVERSATION,
    PICK_STORE,
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

static uint64_t number_of(struct json_value value)
{
    uint64_t number = 0;

    return json_u64(value, &number) ? number : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What bounds the cost. Wrong types are the provider's to judge. */
static void read_bounds(const struct json_pick *picks, struct ask *ret)
{
    struct json_value generation = picks[PICK_GENERATION].value;
    struct json_value service = picks[PICK_SERVICE].value;
    uint64_t most = larger(number_of(picks[PICK_MAX_TOKENS].value),
                           larger(number_of(picks[PICK_MAX_COMPLETION_TOKENS].value),
                                  number_of(picks[PICK_MAX_OUTPUT_TOKENS].value)));
    uint64_t choices = number_of(picks[PICK_CHOICES].value);

    if (generation.kind == JSON_OBJECT) {
        most = larger(most, number_of(json_member(generation, SPAN("maxOutputTokens"))));
        choices = larger(choices, number_of(json_member(generation, SPAN("candidateCount"))));
    }
    ret->output_max = most;
    ret->choices = larger(choices, 1);
    if (service.kind == JSON_STRING)
        ret->service = span_of(service.raw.ptr + 1, service.raw.len - 2);
}

/* The client's metadata may mean something else by it: what is no text is nothing. */
static void read_tags(struct json_value metadata, struct arena *arena, struct ask *ret)
{
    struct json_value tags;

    if (metadata.kind != JSON_OBJECT)
        return;
    tags = json_member(metadata, SPAN("tags"));
    if (tags.kind == JSON_STRING)
        ret->tags = json_text(tags, arena);
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
        [PICK_MAX_TOKENS] = {.key = SPAN("max_tokens")},
        [PICK_MAX_COMPLETION_TOKENS] = {.key = SPAN("max_completion_tokens")},
        [PICK_MAX_OUTPUT_TOKENS] = {.key = SPAN("max_output_tokens")},
        [PICK_CHOICES] = {.key = SPAN("n")},
        [PICK_GENERATION] = {.key = SPAN("generationConfig")},
        [PICK_SERVICE] = {.key = SPAN("service_tier")},
        [PICK_METADATA] = {.key = SPAN("metadata")},
        [PICK_PREVIOUS] = {.key = SPAN("previous_response_id")},
        [PICK_CONVERSATION] = {.key = SPAN("conversation")},
        [PICK_STORE] = {.key = SPAN("store")},
    };
    struct json_error error;
    enum fault fault;
    bool empty;

    ret->body = body;
    if (!json_pick(body, picks, PICK_COUNT, &ret->open_offset, &empty, &error))
        return refuse_json(&error, arena, reterr);
    read_bounds(picks, ret);
    ret->previous = picks[PICK_PREVIOUS].value;
    ret->conversation = picks[PICK_CONVERSATION].value;
    ret->store = picks[PICK_STORE].value.kind != JSON_FALSE;
    read_tags(picks[PICK_METADATA].value, arena, ret);
    fault = read_model(picks[PICK_MODEL].value, argument, arena, ret, reterr);
    if (fault)
        return fault;
    if (kind == OPERATION_KIND_CHAT || kind == OPERATION_KIND_COMPLETIONS)
        return read_stream(picks, ret, reterr);
    ret->stream = kind == OPERATION_KIND_CHAT_STREAM;
    return FAULT_NONE;
}
