/* Events as a stream for a client: records of server-sent events, or one JSON array. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/words.h"

#define OPEN_MAX        16                 /* blocks open at once */
#define CHOICES_MAX     8                  /* candidates */
#define ARGUMENTS_LIMIT ((size_t)16 << 20) /* of one call, which is written whole */

/* A block that is open. */
struct open_block {
    bool used, has_arguments;
    uint8_t kind, origin;
    bool custom;
    uint32_t index;
    struct text id, name, signature;
    uint64_t before;            /* bytes of text before it */
    struct citation *citations; /* until it is over */
    struct buffer arguments; /* of a call, or the words of a text that may be cited; reused */
};

/* What a choice rests on waits for its end. */
struct choice_out {
    uint64_t text_bytes; /* so far */
    struct gemini_ground ground;
};

struct writer_state {
    bool begun;    /* a record was written */
    bool has_stop; /* STOP of CHOICE waits for the usage that may follow */
    bool has_usage;
    uint8_t stop;
    uint32_t choice;
    struct text id, model;
    struct usage usage;
    struct choice_out choices[CHOICES_MAX];
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

/* NULL: more of them than anyone may ask for. */
static struct choice_out *choice_at(struct writer_state *state, uint32_t choice)
{
    return choice < CHOICES_MAX ? &state->choices[choice] : NULL;
}

/* The rest of the record; STOP and USAGE may be none. */
static void end_parts(struct event_writer *writer, struct json_writer *json,
                      const struct event *event, const struct usage *usage)
{
    struct writer_state *state = writer->state;
    const struct choice_out *choice = choice_at(state, event->choice);

    json_write_array_end(json);
    json_write_member_text(json, SPAN("role"), SPAN("model"));
    json_write_object_end(json);
    if (event->kind == EVENT_stop)
        json_write_member_text(json, SPAN("finishReason"),
                               gemini_finish_text((enum stop_reason)event->stop));
    json_write_member_u64(json, SPAN("index"), event->choice);
    if (event->kind == EVENT_stop && choice)
        gemini_write_ground(json, &choice->ground);
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

/* Code is parts; what was searched for and read waits for the end. */
static void write_act(struct event_writer *writer, const struct event *event)
{
    struct choice_out *choice = choice_at(writer->state, event->choice);
    struct block block = {.kind = BLOCK_hosted,
                          .origin = DIALECT_NONE,
                          .act = act_copy(event->act, writer->translation->arena)};

    if (event->act->kind == HOSTED_code) {
        write_block(writer, event, &block);
    } else if (choice) {
        choice->ground.arena = writer->translation->arena;
        gemini_ground_act(&choice->ground, block.act);
    }
}

/* The words of a text are kept only where places in them may be asked for. */
static void note_text(struct event_writer *writer, struct open_block *block,
                      const struct event *event)
{
    struct choice_out *choice = choice_at(writer->state, event->choice);
    const struct chat *chat = writer->translation->chat;

    if (!choice || (block->kind != BLOCK_text && block->kind != BLOCK_refusal))
        return;
    choice->text_bytes += words_bytes(event->text);
    if (chat && hosted_is_asked(chat, HOSTED_search))
        (void)buffer_append(&block->arguments, span_of(event->text.ptr, event->text.len));
}

static void write_open(struct event_writer *writer, const struct event *event)
{
    struct open_block *block = take_slot(writer);
    struct choice_out *choice = choice_at(writer->state, event->choice);
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
    block->id = call ? text_copy(event->id, arena) : TEXT_NONE;
    block->name = call ? text_copy(event->name, arena) : TEXT_NONE;
    block->signature = TEXT_NONE;
    block->citations = NULL;
    block->before = choice ? choice->text_bytes : 0;
    if (event->act)
        write_act(writer, event);
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
    note_text(writer, block, event);
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
        block->signature = text_copy(event->text, writer->translation->arena);
        block->origin = event->origin;
        return;
    }
    text.kind = block->kind == BLOCK_reasoning ? BLOCK_reasoning : BLOCK_text;
    write_block(writer, event, &text);
}

static void hold_citation(struct event_writer *writer, const struct event *event)
{
    struct open_block *block = find_block(writer->state, event->index);
    struct arena *arena = writer->translation->arena;
    struct citation *held, **at;

    if (!block)
        return;
    held = ARENA_NEW(arena, struct citation);
    *held = *event->citation;
    held->next = NULL;
    held->url = text_copy(held->url, arena);
    held->title = text_copy(held->title, arena);
    held->start.raw = arena_copy(arena, held->start.raw);
    held->end.raw = arena_copy(arena, held->end.raw);
    for (at = &block->citations; *at; at = &(*at)->next)
        continue;
    *at = held;
}

/* A text is over: its citations have their places. */
static void ground_text(struct event_writer *writer, const struct open_block *block,
                        struct choice_out *choice)
{
    struct text text = {buffer_span(&block->arguments).ptr, block->arguments.len};
    struct arena *arena = writer->translation->arena;
    struct gemini_place place = {.before = block->before,
                                 .bytes = choice->text_bytes - block->before};

    if (text.len > 0 && !block->arguments.failed)
        place.words = text_plain(text, arena);
    if (text.len > 0 && place.words.ptr == text.ptr)
        place.words = arena_copy(arena, place.words); /* the buffer is used again */
    choice->ground.arena = arena;
    for (const struct citation *at = block->citations; at; at = at->next)
        gemini_ground_citation(&choice->ground, at, &place);
}

static void write_close(struct event_writer *writer, const struct event *event)
{
    struct open_block *open = find_block(writer->state, event->index);
    struct choice_out *choice = choice_at(writer->state, event->choice);
    struct block call = {.kind = BLOCK_tool_call};

    if (!open)
        return;
    open->used = false;
    if (open->citations && choice)
        ground_text(writer, open, choice);
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
        event->id.len > 0 ? text_copy(event->id, arena) : make_id(writer->translation, "resp_");
    state->model = text_copy(event->model, arena);
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
    case EVENT_citation: hold_citation(writer, event); break;
    case EVENT_ping: break; /* a comment would break the SDKs' reading of records */
    }
}
