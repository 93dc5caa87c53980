/* Streams to clients. What all chunks of an answer share is written down once; a delta is then
 * that, the piece as it came, and an end. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/media.h"
#include "worker/translate/openai/openai_stream.h"
#include "worker/translate/words.h"

#define HELD_LIMIT_BYTES      (64U << 10)
#define COLLECTED_LIMIT_BYTES (8U << 20)

static struct openai_writer *state_of(struct event_writer *writer)
{
    return writer->state;
}

static void put(struct event_writer *writer, struct span bytes)
{
    (void)buffer_append(writer->out, bytes);
}

static void put_text(struct event_writer *writer, struct text text)
{
    (void)buffer_append(writer->out, span_of(text.ptr, text.len));
}

/* ---- chunks ------------------------------------------------------------------------------ */

static void begin_chunk(struct event_writer *writer, uint32_t choice)
{
    put(writer, state_of(writer)->head);
    (void)buffer_append_u64(writer->out, choice);
    put(writer, SPAN(",\"delta\":"));
}

static void end_chunk(struct event_writer *writer, struct json_value logprobs,
                      struct span finish)
{
    put(writer, SPAN(",\"logprobs\":"));
    put(writer, logprobs.kind == JSON_OBJECT ? logprobs.raw : SPAN("null"));
    put(writer, SPAN(",\"finish_reason\":"));
    put(writer, finish);
    put(writer, SPAN("}]"));
    put(writer, state_of(writer)->tail);
}

static void end_plain(struct event_writer *writer)
{
    end_chunk(writer, (struct json_value){.kind = JSON_ABSENT}, SPAN("null"));
}

/* The first chunk of each choice says whose words they are. */
static void put_role(struct event_writer *writer, uint32_t choice)
{
    if (state_of(writer)->roles[choice])
        return;
    state_of(writer)->roles[choice] = true;
    begin_chunk(writer, choice);
    put(writer, SPAN("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}"));
    end_plain(writer);
}

/* A chunk whose delta is {"NAME":"TEXT"}. */
static void put_words(struct event_writer *writer, uint32_t choice, struct span opening,
                      const struct event *event)
{
    begin_chunk(writer, choice);
    put(writer, opening);
    put_text(writer, event->text);
    put(writer, SPAN("\"}"));
    end_chunk(writer, event->logprobs, SPAN("null"));
}

static void done(void *what)
{
    buffer_done(what);
}

/* ---- the start --------------------------------------------------------------------------- */

static void write_start(struct event_writer *writer, const struct event *event)
{
    struct openai_writer *state = state_of(writer);
    struct translation *t = writer->translation;
    struct buffer head _buffer_;
    struct json_writer json;

    buffer_init(&head, SIZE_MAX);
    json_write_init(&json, &head);
    (void)buffer_append(&head, SPAN("data: "));
    json_write_object(&json);
    text_write_member(&json, SPAN("id"),
                      event->id.len > 0 ? event->id : make_id(t, "chatcmpl-"));
    json_write_member_text(&json, SPAN("object"), SPAN("chat.completion.chunk"));
    json_write_member_u64(&json, SPAN("created"), event->created > 0 ? event->created : t->now);
    if (event->model.len > 0)
        text_write_member(&json, SPAN("model"), event->model);
    else
        json_write_member_text(&json, SPAN("model"), t->target.model);
    (void)buffer_append(&head, SPAN(",\"choices\":[{\"index\":"));
    state->head = arena_copy(t->arena, buffer_span(&head));
    state->tail =
        t->chat && t->chat->wants_usage ? SPAN(",\"usage\":null}\n\n") : SPAN("}\n\n");
    usage_init(&state->usage);
    if (event->usage)
        state->usage = *event->usage;
    buffer_init(&state->held, HELD_LIMIT_BYTES);
    arena_on_done(t->arena, done, &state->held);
    put_role(writer, 0);
}

/* ---- blocks that are open ---------------------------------------------------------------- */

static struct block_out *find_block(struct openai_writer *state, uint32_t index)
{
    for (uint32_t i = state->open_count; i > 0; i--)
        if (state->open[i - 1].index == index)
            return &state->open[i - 1];
    return NULL;
}

static void forget_block(struct openai_writer *state, struct block_out *block)
{
    *block = state->open[--state->open_count];
}

/* ---- calls ------------------------------------------------------------------------------- */

static struct text held_id(const struct openai_writer *state)
{
    return (struct text){state->held.ptr, state->held_id_len};
}

static struct text held_name(const struct openai_writer *state)
{
    return (struct text){state->held.ptr + state->held_id_len,
                         state->held.len - state->held_id_len};
}

/* The chunk that opens a call, with the signature that it waited for, or none. */
static void put_call(struct event_writer *writer, struct text signature)
{
    struct openai_writer *state = state_of(writer);
    const struct block_out *block = &state->open[state->open_count - 1];
    struct span kind = block->custom ? SPAN("custom") : SPAN("function");
    struct json_writer json;

    state->holds = false;
    begin_chunk(writer, block->choice);
    json_write_init(&json, writer->out);
    json_write_object(&json);
    json_write_key(&json, SPAN("tool_calls"));
    json_write_array(&json);
    json_write_object(&json);
    json_write_member_u64(&json, SPAN("index"), block->ordinal);
    text_write_member(&json, SPAN("id"),
                      signed_id_pack(held_id(state), signature, writer->translation->arena));
    json_write_member_text(&json, SPAN("type"), kind);
    json_write_key(&json, kind);
    json_write_object(&json);
    text_write_member(&json, SPAN("name"), held_name(state));
    json_write_member_text(&json, block->custom ? SPAN("input") : SPAN("arguments"), SPAN(""));
    json_write_object_end(&json);
    if (signature.len > 0)
        openai_write_google_signature(signature, &json);
    json_write_object_end(&json);
    json_write_array_end(&json);
    json_write_object_end(&json);
    end_plain(writer);
}

static void put_held(struct event_writer *writer)
{
    if (state_of(writer)->holds)
        put_call(writer, TEXT_NONE);
}

static void put_input(struct event_writer *writer, struct block_out *block, struct text piece)
{
    block->said = true;
    begin_chunk(writer, block->choice);
    put(writer, SPAN("{\"tool_calls\":[{\"index\":"));
    (void)buffer_append_u64(writer->out, block->ordinal);
    put(writer, block->custom ? SPAN(",\"custom\":{\"input\":\"")
                              : SPAN(",\"function\":{\"arguments\":\""));
    put_text(writer, piece);
    put(writer, SPAN("\"}}]}"));
    end_plain(writer);
}

static void collect(struct event_writer *writer, struct block_out *block, struct text piece)
{
    struct arena *arena = writer->translation->arena;

    if (!block->collected) {
        block->collected = ARENA_NEW(arena, struct buffer);
        buffer_init(block->collected, COLLECTED_LIMIT_BYTES);
        arena_on_done(arena, done, block->collected);
    }
    if (!buffer_append(block->collected, span_of(piece.ptr, piece.len)))
        writer->failed = true;
}

/* The free text in the JSON that the provider gave piece by piece. */
static void put_collected(struct event_writer *writer, struct block_out *block)
{
    struct span all = block->collected ? buffer_span(block->collected) : SPAN("");
    struct block call = {.kind = BLOCK_tool_call, .arguments = {all.ptr, all.len}};
    struct text input = call_custom_input(&call, writer->translation->arena);

    put_input(writer, block, input.ptr ? input : call.arguments);
    if (block->collected)
        buffer_done(block->collected);
}

static void close_call(struct event_writer *writer, struct block_out *block)
{
    if (block->collects)
        put_collected(writer, block);
    else if (!block->said && !block->custom)
        put_input(writer, block, TEXT("{}"));
}

static void open_call(struct event_writer *writer, struct block_out *block,
                      const struct event *event)
{
    struct openai_writer *state = state_of(writer);
    struct text id = event->id.len > 0 ? event->id : make_id(writer->translation, "call_");

    block->ordinal = state->next_ordinal[block->choice]++;
    block->collects = !event->custom && openai_is_custom_tool(writer->translation, event->name);
    block->custom = event->custom || block->collects;
    buffer_clear(&state->held);
    (void)buffer_append(&state->held, span_of(id.ptr, id.len));
    state->held_id_len = state->held.len;
    (void)buffer_append(&state->held, span_of(event->name.ptr, event->name.len));
    state->holds = true;
    writer->failed = writer->failed || state->held.failed;
}

/* ---- events ------------------------------------------------------------------------------ */

static void write_image(struct event_writer *writer, const struct event *event)
{
    struct json_writer json;

    begin_chunk(writer, event->choice);
    put(writer, SPAN("{\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"));
    json_write_init(&json, writer->out);
    media_write_address(&json, event->media);
    put(writer, SPAN("}}]}"));
    end_plain(writer);
}

static void write_words(struct event_writer *writer, const struct block_out *block,
                        const struct event *event)
{
    state_of(writer)->characters[block->choice] += (uint32_t)words_count(event->text);
    put_words(writer, block->choice, SPAN("{\"content\":\""), event);
}

/* Code that ran, in words; a search has none. */
static void write_act(struct event_writer *writer, const struct block_out *block,
                      const struct event *event)
{
    struct event words = {.text = act_words(event->act, writer->translation->arena)};

    if (words.text.ptr)
        write_words(writer, block, &words);
    else
        openai_drop_act(writer->translation, event->act);
}

static void write_open(struct event_writer *writer, const struct event *event)
{
    struct openai_writer *state = state_of(writer);
    struct block_out *block;

    if (state->open_count == CALL_LIMIT || event->choice >= CHOICE_LIMIT) {
        writer->failed = true;
        return;
    }
    put_role(writer, event->choice);
    block = &state->open[state->open_count++];
    *block = (struct block_out){
        .index = event->index,
        .choice = (uint8_t)event->choice,
        .kind = event->block_kind,
    };
    block->before = state->characters[event->choice];
    if (event->block_kind == BLOCK_tool_call)
        open_call(writer, block, event);
    if (event->block_kind == BLOCK_image && event->media)
        write_image(writer, event);
    if (event->act)
        write_act(writer, block, event);
}

static void write_delta(struct event_writer *writer, const struct event *event)
{
    struct block_out *block = find_block(state_of(writer), event->index);

    if (!block || event->text.len == 0)
        return;
    switch ((enum block_kind)block->kind) {
    case BLOCK_text: write_words(writer, block, event); break;
    case BLOCK_refusal: put_words(writer, block->choice, SPAN("{\"refusal\":\""), event); break;
    case BLOCK_reasoning:
        put_words(writer, block->choice, SPAN("{\"reasoning_content\":\""), event);
        break;
    case BLOCK_tool_call:
        if (block->collects)
            collect(writer, block, event->text);
        else
            put_input(writer, block, event->text);
        break;
    case BLOCK_image:
    case BLOCK_audio:
    case BLOCK_document:
    case BLOCK_tool_result:
    case BLOCK_hosted:
    case BLOCK_other: break;
    }
}

static void put_thinking(struct event_writer *writer, const struct event *event,
                         struct json_writer *json)
{
    json_write_key(json, SPAN("thinking_blocks"));
    json_write_array(json);
    openai_write_thinking(TEXT_NONE, event->text, (enum dialect_id)event->origin,
                          event->redacted, writer->translation->arena, json);
    json_write_array_end(json);
}

static void write_signature(struct event_writer *writer, const struct event *event)
{
    struct openai_writer *state = state_of(writer);
    struct block_out *block = find_block(state, event->index);
    struct json_writer json;
    bool words;

    if (!block)
        return;
    if (state->holds && block == &state->open[state->open_count - 1]) {
        put_call(writer, event->origin == DIALECT_gemini ? event->text : TEXT_NONE);
        return;
    }
    words = block->kind == BLOCK_text && event->origin == DIALECT_gemini;
    if (block->kind != BLOCK_reasoning && !words)
        return;
    begin_chunk(writer, block->choice);
    json_write_init(&json, writer->out);
    json_write_object(&json);
    if (words)
        openai_write_google_signature(event->text, &json);
    else
        put_thinking(writer, event, &json);
    json_write_object_end(&json);
    end_plain(writer);
}

static void put_citation(struct event_writer *writer, const struct block_out *block,
                         const struct citation *citation)
{
    struct citation placed = *citation;
    struct json_writer json;

    openai_place_citation(&placed, block->before, state_of(writer)->characters[block->choice],
                          writer->translation->arena);
    begin_chunk(writer, block->choice);
    json_write_init(&json, writer->out);
    json_write_object(&json);
    json_write_key(&json, SPAN("annotations"));
    json_write_array(&json);
    openai_write_annotation(&placed, &json);
    json_write_array_end(&json);
    json_write_object_end(&json);
    end_plain(writer);
}

/* One that is about the whole of its text waits for its end. */
static void write_citation(struct event_writer *writer, const struct event *event)
{
    struct block_out *block = find_block(state_of(writer), event->index);
    struct arena *arena = writer->translation->arena;
    struct citation **at;

    if (!block || !event->citation->url.ptr)
        return;
    if (event->citation->end.kind == JSON_NUMBER) {
        put_citation(writer, block, event->citation);
        return;
    }
    for (at = &block->citations; *at; at = &(*at)->next)
        continue;
    *at = ARENA_NEW(arena, struct citation);
    (*at)->url = text_copy(event->citation->url, arena);
    (*at)->title = text_copy(event->citation->title, arena);
}

static void write_close(struct event_writer *writer, const struct event *event)
{
    struct block_out *block = find_block(state_of(writer), event->index);

    if (!block)
        return;
    for (const struct citation *at = block->citations; at; at = at->next)
        put_citation(writer, block, at);
    if (block->kind == BLOCK_tool_call)
        close_call(writer, block);
    forget_block(state_of(writer), block);
}

static void write_stop(struct event_writer *writer, const struct event *event)
{
    struct span finish = openai_finish_text((enum stop_reason)event->stop);

    if (event->choice >= CHOICE_LIMIT)
        return;
    put_role(writer, event->choice);
    begin_chunk(writer, event->choice);
    put(writer, SPAN("{},\"logprobs\":null,\"finish_reason\":\""));
    put(writer, finish);
    put(writer, SPAN("\"}]"));
    put(writer, state_of(writer)->tail);
}

/* The usage has a chunk of its own, without choices, for those who asked. */
static void write_end(struct event_writer *writer)
{
    const struct openai_writer *state = state_of(writer);
    const struct translation *t = writer->translation;
    struct json_writer json;

    if (t->chat && t->chat->wants_usage && openai_usage_known(&state->usage)) {
        put(writer, span_of(state->head.ptr, state->head.len - strlen("{\"index\":")));
        put(writer, SPAN("],\"usage\":"));
        json_write_init(&json, writer->out);
        openai_write_usage(&state->usage, &json);
        put(writer, SPAN("}\n\n"));
    }
    put(writer, SPAN("data: [DONE]\n\n"));
}

void openai_write_event(struct event_writer *writer, const struct event *event)
{
    enum event_kind kind = (enum event_kind)event->kind;

    /* A call waits for its signature: what is beside the answer does not say that none comes.
     */
    if (kind != EVENT_start && kind != EVENT_signature && kind != EVENT_usage &&
        kind != EVENT_ping)
        put_held(writer);
    switch (kind) {
    case EVENT_start: write_start(writer, event); break;
    case EVENT_open: write_open(writer, event); break;
    case EVENT_delta: write_delta(writer, event); break;
    case EVENT_signature: write_signature(writer, event); break;
    case EVENT_citation: write_citation(writer, event); break;
    case EVENT_close: write_close(writer, event); break;
    case EVENT_stop: write_stop(writer, event); break;
    case EVENT_usage: state_of(writer)->usage = *event->usage; break;
    case EVENT_ping: put(writer, SPAN(": ping\n\n")); break;
    case EVENT_error: openai_write_stream_complaint(event->complaint, writer->out); break;
    case EVENT_end: write_end(writer); break;
    }
}
