/* Events as a stream for a client: records of server-sent events, or one JSON array. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"

#define OPEN_MAX        16                 /* blocks open at once */
#define ARGUMENTS_LIMIT ((size_t)16 << 20) /* of one call, which is written whole */

/* A block that is open. */
struct open_block {
    bool used, has_arguments;
    uint8_t kind, origin;
    bool custom;
    uint32_t index;
    struct text id, name, signature;
    struct buffer arguments; /* of a call, reused */
};

struct writer_state {
    bool begun;    /* a record was written */
    bool has_stop; /* STOP of CHOICE waits for the usage that may follow */
    bool has_usage;
    uint8_t stop;
    uint32_t choice;
    struct text id, model;
    struct usage usage;
    struct open_block blocks[OPEN_MAX];
};

_Static_assert(sizeof(struct writer_state) <= GEMINI_STATE_BYTES, "gemini_inside.h says so");

/* ---- records --------------------------------------------------------------------------- */

static bool is_array(const struct event_writer *writer)
{
    return writer->translation->stream_as_array;
}

static void begin_record(struct event_writer *writer)
{
    struct writer_state *state = writer->state;

    if (!is_array(writer))
        (void)buffer_append(writer->out, SPAN("data: "));
    else
        (void)buffer_append(writer->out, state->begun ? SPAN(",\r\n") : SPAN("["));
    state->begun = true;
}

static void end_record(struct event_writer *writer)
{
    if (!is_array(writer))
        (void)buffer_append(writer->out, SPAN("\r\n\r\n"));
}

/* {"candidates":[{"content":{"parts":[ */
static void begin_parts(struct event_writer *writer, struct json_writer *json)
{
    begin_record(writer);
    json_write_init(json, writer->out);
    json_write_object(json);
    json_write_key(json, SPAN("candidates"));
    json_write_array(json);
    json_write_object(json);
    json_write_key(json, SPAN("content"));
    json_write_object(json);
    json_write_key(json, SPAN("parts"));
    json_write_array(json);
}

/* The rest of the record; STOP and USAGE may be none. */
static void end_parts(struct event_writer *writer, struct json_writer *json,
                      const struct event *event, const struct usage *usage)
{
    const struct writer_state *state = writer->state;

    json_write_array_end(json);
    json_write_member_text(json, SPAN("role"), SPAN("model"));
    json_write_object_end(json);
    if (event->kind == EVENT_stop)
        json_write_member_text(json, SPAN("finishReason"),
                               gemini_finish_text((enum stop_reason)event->stop));
    json_write_member_u64(json, SPAN("index"), event->choice);
    if (event->citation) {
        struct citation alone = *event->citation;

        alone.next = NULL;
        gemini_write_citations(json, &alone);
    }
    gemini_write_logprobs(json, event->logprobs);
    json_write_object_end(json);
    json_write_array_end(json);
    if (usage)
        gemini_write_usage(json, usage);
    text_write_known(json, SPAN("modelVersion"), state->model);
    text_write_known(json, SPAN("responseId"), state->id);
    json_write_object_end(json);
    end_record(writer);
}

static void write_block(struct event_writer *writer, const struct event *event,
                        const struct block *block)
{
    struct json_writer json;
    struct arena scratch;

    arena_init(&scratch, 0);
    begin_parts(writer, &json);
    gemini_write_answer_part(&json, block, &scratch);
    end_parts(writer, &json, event, NULL);
    arena_done(&scratch);
}

/* ---- blocks ---------------------------------------------------------------------------- */

static struct open_block *find_block(struct writer_state *state, uint32_t index)
{
    for (unsigned i = 0; i < OPEN_MAX; i++)
        if (state->blocks[i].used && state->blocks[i].index == index)
            return &state->blocks[i];
    return NULL;
}

static void forget_arguments(void *what)
{
    buffer_done(what);
}

static struct text kept(struct text text, struct arena *arena)
{
    struct span copy;

    if (!text.ptr)
        return text;
    copy = arena_copy(arena, span_of(text.ptr, text.len));
    return (struct text){copy.ptr, copy.len};
}

static struct open_block *take_slot(struct event_writer *writer)
{
    struct writer_state *state = writer->state;

    for (unsigned i = 0; i < OPEN_MAX; i++) {
        struct open_block *block = &state->blocks[i];

        if (block->used)
            continue;
        if (!block->has_arguments) {
            buffer_init(&block->arguments, ARGUMENTS_LIMIT);
            arena_on_done(writer->translation->arena, forget_arguments, &block->arguments);
            block->has_arguments = true;
        }
        buffer_clear(&block->arguments);
        return block;
    }
    return NULL;
}

static void write_error(struct event_writer *writer, const struct complaint *complaint)
{
    struct json_writer json;

    if (!is_array(writer)) {
        gemini_write_stream_complaint(complaint, writer->out);
    } else {
        begin_record(writer);
        json_write_init(&json, writer->out);
        (void)gemini_write_complaint(complaint, &json);
        (void)buffer_append_byte(writer->out, ']');
    }
    writer->failed = true;
}

static void fail(struct event_writer *writer)
{
    struct complaint complaint = {
        .kind = COMPLAINT_bad_answer,
        .message = TEXT("The provider's answer has a call of a tool that is too large."),
    };

    write_error(writer, &complaint);
}

static void write_open(struct event_writer *writer, const struct event *event)
{
    struct open_block *block = take_slot(writer);
    struct arena *arena = writer->translation->arena;
    struct block media = {.kind = event->block_kind, .origin = DIALECT_NONE};
    bool call = event->block_kind == BLOCK_tool_call;

    if (!block) {
        fail(writer);
        return;
    }
    block->used = true;
    block->kind = event->block_kind;
    block->origin = DIALECT_NONE;
    block->custom = event->custom;
    block->index = event->index;
    block->id = call ? kept(event->id, arena) : TEXT_NONE;
    block->name = call ? kept(event->name, arena) : TEXT_NONE;
    block->signature = TEXT_NONE;
    if (event->media) {
        media.media = *event->media;
        write_block(writer, event, &media);
    }
}

static void write_delta(struct event_writer *writer, const struct event *event)
{
    struct open_block *block = find_block(writer->state, event->index);
    struct block text = {.origin = DIALECT_NONE, .text = event->text};

    if (!block || event->text.len == 0)
        return;
    if (block->kind == BLOCK_tool_call) {
        if (!buffer_append(&block->arguments, span_of(event->text.ptr, event->text.len)))
            fail(writer);
        return;
    }
    text.kind = block->kind == BLOCK_reasoning ? BLOCK_reasoning : BLOCK_text;
    write_block(writer, event, &text);
}

static void write_signature(struct event_writer *writer, const struct event *event)
{
    struct open_block *block = find_block(writer->state, event->index);
    struct block text = {.origin = event->origin, .signature = event->text};

    if (!block || event->text.len == 0)
        return;
    if (block->kind == BLOCK_tool_call) {
        block->signature = kept(event->text, writer->translation->arena);
        block->origin = event->origin;
        return;
    }
    text.kind = block->kind == BLOCK_reasoning ? BLOCK_reasoning : BLOCK_text;
    write_block(writer, event, &text);
}

static void write_citation(struct event_writer *writer, const struct event *event)
{
    struct json_writer json;

    begin_parts(writer, &json);
    end_parts(writer, &json, event, NULL);
}

static void write_close(struct event_writer *writer, const struct event *event)
{
    struct open_block *open = find_block(writer->state, event->index);
    struct block call = {.kind = BLOCK_tool_call};

    if (!open)
        return;
    open->used = false;
    if (open->kind != BLOCK_tool_call)
        return;
    call.id = open->id;
    call.name = open->name;
    call.custom = open->custom;
    call.origin = open->origin;
    call.signature = open->signature;
    call.arguments =
        (struct text){buffer_span(&open->arguments).ptr, buffer_span(&open->arguments).len};
    write_block(writer, event, &call);
}

/* ---- beginning and end ----------------------------------------------------------------- */

static void note_start(struct event_writer *writer, const struct event *event)
{
    struct writer_state *state = writer->state;
    struct arena *arena = writer->translation->arena;

    state->id =
        event->id.len > 0 ? kept(event->id, arena) : make_id(writer->translation, "resp_");
    state->model = kept(event->model, arena);
}

static void note_usage(struct writer_state *state, const struct usage *usage)
{
    if (!usage)
        return;
    state->usage = *usage;
    state->has_usage = true;
}

/* The record of a stop, with the usage in the last. */
static void flush_stop(struct event_writer *writer, bool last)
{
    struct usage nothing;
    struct writer_state *state = writer->state;
    struct event stop = {.kind = EVENT_stop, .stop = state->stop, .choice = state->choice};
    struct json_writer json;

    if (!state->has_stop)
        return;
    usage_init(&nothing);
    begin_parts(writer, &json);
    json_write_object(&json);
    json_write_member_text(&json, SPAN("text"), SPAN(""));
    json_write_object_end(&json);
    end_parts(writer, &json, &stop, !last ? NULL : state->has_usage ? &state->usage : &nothing);
    state->has_stop = false;
}

static void note_stop(struct event_writer *writer, const struct event *event)
{
    struct writer_state *state = writer->state;

    flush_stop(writer, false);
    state->has_stop = true;
    state->stop = event->stop;
    state->choice = event->choice;
}

static void write_end(struct event_writer *writer)
{
    const struct writer_state *state = writer->state;

    flush_stop(writer, true);
    if (is_array(writer))
        (void)buffer_append(writer->out, state->begun ? SPAN("]") : SPAN("[]"));
}

void gemini_write_event(struct event_writer *writer, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_start:
        note_start(writer, event);
        note_usage(writer->state, event->usage);
        break;
    case EVENT_open: write_open(writer, event); break;
    case EVENT_delta: write_delta(writer, event); break;
    case EVENT_signature: write_signature(writer, event); break;
    case EVENT_close: write_close(writer, event); break;
    case EVENT_stop: note_stop(writer, event); break;
    case EVENT_usage: note_usage(writer->state, event->usage); break;
    case EVENT_error: write_error(writer, event->complaint); break;
    case EVENT_end: write_end(writer); break;
    case EVENT_citation: write_citation(writer, event); break;
    case EVENT_ping: break; /* a comment would break the SDKs' reading of records */
    }
}
