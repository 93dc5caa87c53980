#include "worker/flow/crossing.h"

#include "shared/base/check.h"

#define MESSAGE_LIMIT 4096

static void release(void *what)
{
    struct crossing *crossing = what;

    buffer_done(&crossing->request);
    buffer_done(&crossing->whole);
    buffer_done(&crossing->out);
}

static struct crossing *crossing_new(const struct crossing_options *options)
{
    struct crossing *crossing = ARENA_NEW(options->arena, struct crossing);

    crossing->client = options->client;
    translation_init(&crossing->translation, options->arena, options->seed, options->now_s);
    crossing->translation.strict = options->strict;
    crossing->translation.chat = &crossing->chat;
    crossing->chat.dialect = (uint8_t)options->client->id;
    buffer_init(&crossing->request, SIZE_MAX); /* no more than some times the body */
    buffer_init(&crossing->whole, options->answer_limit_bytes);
    buffer_init(&crossing->out, options->answer_limit_bytes);
    arena_on_done(options->arena, release, crossing);
    return crossing;
}

static read_chat_f *reader_of(const struct crossing_options *options)
{
    return options->counts && options->client->read_count ? options->client->read_count
                                                          : options->client->read_chat;
}

static bool read_request(struct crossing *crossing, const struct crossing_options *options,
                         struct json_value body)
{
    if (!options->embeds)
        return reader_of(options)(&crossing->translation, body, &crossing->chat);
    crossing->embedding = ARENA_NEW(options->arena, struct embed_ask);
    return embed_read_ask(&crossing->translation, options->client->id, options->embeds_batch,
                          body, crossing->embedding);
}

struct json_value crossing_body(struct span body)
{
    while (body.len > 0 && body.ptr[0] != '{')
        body = span_skip(body, 1);
    while (body.len > 0 && body.ptr[body.len - 1] != '}')
        body.len--;
    return (struct json_value){.kind = JSON_OBJECT, .raw = body};
}

/* What the gateway does itself no provider is asked for. */
static void take_keeping(struct crossing *crossing, const struct crossing_options *options)
{
    crossing->translation.keeps = options->keeps;
    crossing->translation.previous = options->previous;
    if (options->keeps)
        crossing->chat.fields[CHAT_store] = (struct json_value){.kind = JSON_ABSENT};
}

struct crossing *crossing_open(const struct crossing_options *options, struct complaint *reterr)
{
    struct crossing *crossing = crossing_new(options);

    if (!read_request(crossing, options, crossing_body(options->body))) {
        *reterr = crossing->translation.refusal;
        return NULL;
    }
    crossing->chat.stream = options->stream;
    crossing->translation.stream_as_array = options->stream_as_array;
    take_keeping(crossing, options);
    crossing->read_dropped = crossing->translation.last_dropped;
    crossing->read_count = crossing->translation.dropped_count;
    return crossing;
}

/* What an earlier target could not carry, or had other names for, is no concern of this one. */
static void forget_target(struct crossing *crossing)
{
    struct translation *translation = &crossing->translation;

    translation->last_dropped = crossing->read_dropped;
    if (translation->last_dropped)
        translation->last_dropped->next = NULL;
    else
        translation->dropped = NULL;
    translation->dropped_count = crossing->read_count;
    translation_forget_names(translation);
    translation->format_tool = TEXT_NONE;
    buffer_clear(&crossing->request);
    crossing->request.failed = false;
}

static bool refuse_dropped(struct translation *translation)
{
    struct span list = dropped_list(translation, MESSAGE_LIMIT);
    struct buffer message _buffer_;

    buffer_init(&message, MESSAGE_LIMIT + 100);
    (void)buffer_append(&message, SPAN("The model's provider cannot be given: "));
    (void)buffer_append(&message, list);
    (void)buffer_append(&message, SPAN("."));
    translation->refusal = (struct complaint){
        .kind = COMPLAINT_unsupported,
        .message = text_escape(arena_copy(translation->arena, buffer_span(&message)),
                               translation->arena),
        .param = text_escape(translation->dropped->path, translation->arena),
    };
    return false;
}

bool crossing_write(struct crossing *crossing, const struct dialect *provider,
                    struct span model, uint32_t quirks)
{
    struct translation *translation = &crossing->translation;
    struct json_writer json;

    forget_target(crossing);
    crossing->provider = provider;
    translation->target = (struct chat_target){
        .model = model, .traits = model_traits(model, provider->id), .quirks = quirks};
    json_write_init(&json, &crossing->request);
    if (crossing->embedding)
        embed_write_ask(translation, provider->id, crossing->embedding, &json);
    else if (!provider->write_chat(translation, &crossing->chat, &json))
        return false;
    if (translation->strict && translation->dropped)
        return refuse_dropped(translation);
    return true;
}

void crossing_begin(struct crossing *crossing, take_event_f *take, void *who)
{
    buffer_done(&crossing->whole);
    buffer_done(&crossing->out);
    crossing->out.failed = crossing->whole.failed = false;
    crossing->alive = false;
    event_reader_init(&crossing->reader, crossing->provider, &crossing->translation, take, who);
    event_writer_init(&crossing->writer, crossing->client, &crossing->translation,
                      &crossing->out);
}

void crossing_send(struct crossing *crossing, const struct event *event)
{
    if (event->kind != EVENT_start && event->kind != EVENT_ping && event->kind != EVENT_usage)
        crossing->alive = true;
    event_write(&crossing->writer, event);
}

static bool bad_answer(struct translation *translation)
{
    translation->refusal = (struct complaint){
        .kind = COMPLAINT_bad_answer,
        .message = TEXT("The provider's answer is not what its API promises."),
    };
    return false;
}

static bool embedding_answer(struct crossing *crossing, struct json_value body,
                             struct usage *ret_usage)
{
    struct translation *translation = &crossing->translation;
    struct embed_answer answer = {.tokens = TOKENS_UNKNOWN};
    struct json_writer json;

    if (!embed_read_answer(translation, crossing->provider->id, body, &answer))
        return false;
    ret_usage->input = answer.tokens;
    json_write_init(&json, &crossing->out);
    embed_write_answer(translation, crossing->embedding, &answer, &json);
    return !crossing->out.failed || bad_answer(translation);
}

/* A stream without framing: all its records in one array. */
static bool array_answer(struct crossing *crossing, struct usage *ret_usage)
{
    struct sse_record record = {.raw = buffer_span(&crossing->whole)};

    event_read(&crossing->reader, &record);
    event_read_end(&crossing->reader);
    *ret_usage = crossing->reader.usage;
    return !crossing->reader.failed;
}

bool crossing_answer(struct crossing *crossing, struct usage *ret_usage)
{
    struct translation *translation = &crossing->translation;
    struct reply *reply = ARENA_NEW(translation->arena, struct reply);
    struct json_value body;
    struct json_error error;
    struct json_writer json;

    usage_init(&reply->usage);
    if (!json_check(buffer_span(&crossing->whole), &body, &error))
        return bad_answer(translation);
    if (body.kind == JSON_ARRAY && crossing->chat.stream && crossing->provider->reads_bare)
        return array_answer(crossing, ret_usage);
    if (body.kind != JSON_OBJECT)
        return bad_answer(translation);
    if (crossing->embedding)
        return embedding_answer(crossing, body, ret_usage);
    if (!crossing->provider->read_reply(translation, body, reply))
        return false;
    CHECK(reply->choices);
    *ret_usage = reply->usage;
    if (crossing->chat.stream) {
        reply_tell(reply, &crossing->reader);
        return !crossing->reader.failed;
    }
    json_write_init(&json, &crossing->out);
    crossing->client->write_reply(translation, reply, &json);
    return !crossing->out.failed || bad_answer(translation);
}
