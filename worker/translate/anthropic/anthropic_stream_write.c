/* Events as the stream of a message. Blocks may not overlap here: of several that are open at
 * once the first goes out as it comes, the others are held until it closes. A block begins with
 * its first words, so an empty one leaves no trace. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"

#define OPEN_BLOCKS_MAX  128
#define HELD_LIMIT_BYTES (4U << 20)  /* of one block */
#define HEAD_LIMIT_BYTES (64U << 10) /* id and name, signature, stop sequence */

/* A block that is open, or closed and held. */
struct shown {
    struct shown *next;
    uint32_t index; /* the event's */
    uint8_t kind;   /* enum block_kind */
    bool custom, redacted;
    bool begun, closed;
    uint8_t origin;
    size_t id_len; /* HEAD is the id, then the name */
    struct buffer head, signature, held;
};

struct stream_writing {
    struct shown *first; /* goes out; the others wait */
    struct shown *spare;
    unsigned count;
    uint32_t next; /* the number of the next block that begins */
    bool watched;  /* arena_on_done was said */
    bool started, called;
    uint8_t stop; /* enum stop_reason */
    struct buffer sequence;
    struct usage usage;
};

_Static_assert(sizeof(struct stream_writing) <= ANTHROPIC_WRITER_BYTES,
               "the row says its size");

/* ---- memory ------------------------------------------------------------------------------ */

static void done_list(struct shown *shown)
{
    for (; shown; shown = shown->next) {
        buffer_done(&shown->head);
        buffer_done(&shown->signature);
        buffer_done(&shown->held);
    }
}

static void writing_done(void *what)
{
    struct stream_writing *state = what;

    done_list(state->first);
    done_list(state->spare);
    buffer_done(&state->sequence);
}

/* The state is zeroed by its maker, who does not know that it holds buffers. */
static struct stream_writing *state_of(struct event_writer *writer)
{
    struct stream_writing *state = writer->state;

    if (!state->watched) {
        state->watched = true;
        usage_init(&state->usage);
        buffer_init(&state->sequence, HEAD_LIMIT_BYTES);
        arena_on_done(writer->translation->arena, writing_done, state);
    }
    return state;
}

static struct shown *shown_new(struct event_writer *writer)
{
    struct stream_writing *state = state_of(writer);
    struct shown *shown = state->spare;

    if (shown) {
        state->spare = shown->next;
    } else {
        shown = ARENA_NEW(writer->translation->arena, struct shown);
        buffer_init(&shown->head, HEAD_LIMIT_BYTES);
        buffer_init(&shown->signature, HELD_LIMIT_BYTES);
        buffer_init(&shown->held, HELD_LIMIT_BYTES);
    }
    shown->next = NULL;
    return shown;
}

static void retire_first(struct stream_writing *state)
{
    struct shown *shown = state->first;

    state->first = shown->next;
    state->count--;
    buffer_clear(&shown->head);
    buffer_clear(&shown->signature);
    buffer_clear(&shown->held);
    shown->next = state->spare;
    state->spare = shown;
}

static struct shown *find(struct stream_writing *state, uint32_t index)
{
    struct shown *shown = state->first;

    while (shown && (shown->index != index || shown->closed))
        shown = shown->next;
    return shown;
}

static bool append_text(struct buffer *to, struct text text)
{
    return buffer_append(to, span_of(text.ptr ? text.ptr : "", text.len));
}

static struct text text_in(const struct buffer *buffer)
{
    return (struct text){buffer_span(buffer).ptr, buffer->len};
}

/* ---- records ----------------------------------------------------------------------------- */

static void put(struct event_writer *writer, struct span bytes)
{
    (void)buffer_append(writer->out, bytes);
}

/* "event: NAME\ndata: ", then the object of the type up to its first own member. */
static void begin_record(struct event_writer *writer, struct json_writer *json,
                         struct span name)
{
    put(writer, SPAN("event: "));
    put(writer, name);
    put(writer, SPAN("\ndata: "));
    json_write_init(json, writer->out);
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), name);
}

static void end_record(struct event_writer *writer, struct json_writer *json)
{
    json_write_object_end(json);
    put(writer, SPAN("\n\n"));
}

static void put_delta(struct event_writer *writer, struct span kind, struct text text)
{
    put(writer, SPAN("event: content_block_delta\n"
                     "data: {\"type\":\"content_block_delta\",\"index\":"));
    (void)buffer_append_u64(writer->out, state_of(writer)->next - 1);
    put(writer, SPAN(",\"delta\":{\"type\":\""));
    put(writer, kind);
    put(writer, span_of(text.ptr, text.len));
    put(writer, SPAN("\"}}\n\n"));
}

static void put_words(struct event_writer *writer, const struct shown *shown, struct text text)
{
    static const struct span kinds[] = {
        [BLOCK_text] = WORD("text_delta\",\"text\":\""),
        [BLOCK_reasoning] = WORD("thinking_delta\",\"thinking\":\""),
        [BLOCK_tool_call] = WORD("input_json_delta\",\"partial_json\":\""),
    };

    if (shown->custom)
        text = text_escape(span_of(text.ptr, text.len), writer->translation->arena);
    put_delta(writer, kinds[shown->kind], text);
}

/* ---- a block that goes out --------------------------------------------------------------- */

static void put_call(struct event_writer *writer, const struct shown *shown,
                     struct json_writer *json)
{
    struct translation *t = writer->translation;
    struct text id = {shown->head.ptr, shown->id_len};
    struct text name = {buffer_span(&shown->head).ptr + shown->id_len,
                        shown->head.len - shown->id_len};

    if (id.len == 0)
        id = make_id(t, "toolu_");
    json_write_member_text(json, SPAN("type"), SPAN("tool_use"));
    text_write_member(json, SPAN("id"),
                      signed_id_pack(id, text_in(&shown->signature), t->arena));
    text_write_member(json, SPAN("name"), name);
    json_write_key(json, SPAN("input"));
    json_write_raw(json, SPAN("{}"));
    state_of(writer)->called = true;
}

static void put_start(struct event_writer *writer, struct shown *shown)
{
    struct stream_writing *state = state_of(writer);
    struct json_writer json;

    begin_record(writer, &json, SPAN("content_block_start"));
    json_write_member_u64(&json, SPAN("index"), state->next++);
    json_write_key(&json, SPAN("content_block"));
    json_write_object(&json);
    if (shown->kind == BLOCK_tool_call) {
        put_call(writer, shown, &json);
    } else if (shown->redacted) {
        json_write_member_text(&json, SPAN("type"), SPAN("redacted_thinking"));
        text_write_member(&json, SPAN("data"), text_in(&shown->signature));
    } else if (shown->kind == BLOCK_reasoning) {
        json_write_member_text(&json, SPAN("type"), SPAN("thinking"));
        json_write_member_text(&json, SPAN("thinking"), SPAN(""));
        json_write_member_text(&json, SPAN("signature"), SPAN(""));
    } else {
        json_write_member_text(&json, SPAN("type"), SPAN("text"));
        json_write_member_text(&json, SPAN("text"), SPAN(""));
    }
    json_write_object_end(&json);
    end_record(writer, &json);
    shown->begun = true;
    if (shown->custom)
        put_delta(writer, SPAN("input_json_delta\",\"partial_json\":\""),
                  TEXT("{\\\"input\\\":\\\""));
}

static void ensure_begun(struct event_writer *writer, struct shown *shown)
{
    if (!shown->begun)
        put_start(writer, shown);
}

/* What has to come before the block is closed, or a call or an encrypted thought at all. */
static void put_rest(struct event_writer *writer, struct shown *shown)
{
    struct text signature = text_in(&shown->signature);

    if (shown->kind == BLOCK_tool_call || (shown->redacted && signature.len > 0))
        ensure_begun(writer, shown);
    if (shown->custom && shown->begun)
        put_delta(writer, SPAN("input_json_delta\",\"partial_json\":\""), TEXT("\\\"}"));
    if (shown->kind != BLOCK_reasoning || shown->redacted || signature.len == 0)
        return;
    ensure_begun(writer, shown);
    put_delta(writer, SPAN("signature_delta\",\"signature\":\""), signature);
}

/* A block that is whole: HEAD, and one delta when INPUT is not empty. */
static void put_whole(struct event_writer *writer, struct span head, struct span input)
{
    struct text delta = text_escape(input, writer->translation->arena);
    struct json_writer json;

    begin_record(writer, &json, SPAN("content_block_start"));
    json_write_member_u64(&json, SPAN("index"), state_of(writer)->next++);
    json_write_key(&json, SPAN("content_block"));
    json_write_raw(&json, head);
    end_record(writer, &json);
    if (input.len > 0)
        put_delta(writer, SPAN("input_json_delta\",\"partial_json\":\""), delta);
    begin_record(writer, &json, SPAN("content_block_stop"));
    json_write_member_u64(&json, SPAN("index"), state_of(writer)->next - 1);
    end_record(writer, &json);
}

/* See hold_act: the call and its input, then what came of it. */
static void put_act(struct event_writer *writer, struct shown *shown)
{
    put_whole(writer, buffer_span(&shown->head), buffer_span(&shown->signature));
    put_whole(writer, buffer_span(&shown->held), SPAN(""));
}

/* The signature of a text has a block behind it. */
static void put_text_signature(struct event_writer *writer, const struct shown *shown)
{
    struct buffer block _buffer_;
    struct json_writer json;

    buffer_init(&block, SIZE_MAX);
    json_write_init(&json, &block);
    anthropic_write_text_signature(text_in(&shown->signature), &json);
    put_whole(writer, buffer_span(&block), SPAN(""));
}

static void put_stop(struct event_writer *writer, struct shown *shown)
{
    struct json_writer json;

    if (shown->kind == BLOCK_hosted) {
        put_act(writer, shown);
        return;
    }
    put_rest(writer, shown);
    if (shown->begun) {
        begin_record(writer, &json, SPAN("content_block_stop"));
        json_write_member_u64(&json, SPAN("index"), state_of(writer)->next - 1);
        end_record(writer, &json);
    }
    if (shown->kind == BLOCK_text && shown->signature.len > 0)
        put_text_signature(writer, shown);
}

static void put_held(struct event_writer *writer, struct shown *shown)
{
    if (shown->held.len == 0 || shown->kind == BLOCK_hosted)
        return;
    ensure_begun(writer, shown);
    put_words(writer, shown, text_in(&shown->held));
    buffer_clear(&shown->held);
}

/* Lets go all blocks that are closed, up to the first that is not: its words go on. */
static void advance(struct event_writer *writer)
{
    struct stream_writing *state = state_of(writer);

    while (state->first && state->first->closed) {
        put_stop(writer, state->first);
        retire_first(state);
        if (state->first)
            put_held(writer, state->first);
    }
}

/* ---- events ------------------------------------------------------------------------------ */

static void write_start(struct event_writer *writer, const struct event *event)
{
    struct stream_writing *state = state_of(writer);
    struct translation *t = writer->translation;
    struct json_writer json;

    if (event->usage)
        state->usage = *event->usage;
    state->started = true;
    begin_record(writer, &json, SPAN("message_start"));
    json_write_key(&json, SPAN("message"));
    json_write_object(&json);
    text_write_member(&json, SPAN("id"), event->id.len > 0 ? event->id : make_id(t, "msg_"));
    json_write_member_text(&json, SPAN("type"), SPAN("message"));
    json_write_member_text(&json, SPAN("role"), SPAN("assistant"));
    text_write_member(&json, SPAN("model"), event->model.ptr ? event->model : TEXT(""));
    json_write_key(&json, SPAN("content"));
    json_write_raw(&json, SPAN("[]"));
    json_write_key(&json, SPAN("stop_reason"));
    json_write_null(&json);
    json_write_key(&json, SPAN("stop_sequence"));
    json_write_null(&json);
    json_write_key(&json, SPAN("usage"));
    anthropic_write_usage(&state->usage, &json);
    json_write_object_end(&json);
    end_record(writer, &json);
}

static void too_much(struct event_writer *writer)
{
    static const struct complaint complaint = {
        .kind = COMPLAINT_bad_answer,
        .message = {"The provider's stream interleaves more than can be held.", 55},
    };

    anthropic_write_stream_complaint(&complaint, writer->out);
    writer->failed = true;
}

/* What can be shown; refusals and images are texts here. */
static bool shown_kind(const struct event *event, uint8_t *ret)
{
    bool words = event->block_kind == BLOCK_refusal ||
                 (event->block_kind == BLOCK_image && event->media);

    *ret = words ? (uint8_t)BLOCK_text : event->block_kind;
    return *ret == BLOCK_text || (*ret == BLOCK_hosted && event->act) ||
           *ret == BLOCK_reasoning || *ret == BLOCK_tool_call;
}

static void show_words(struct event_writer *writer, struct shown *shown, struct text text)
{
    if (shown == state_of(writer)->first) {
        ensure_begun(writer, shown);
        put_words(writer, shown, text);
    } else if (!append_text(&shown->held, text)) {
        too_much(writer);
    }
}

/* What a hosted tool did goes out when the blocks before it are over. */
static void hold_act(struct event_writer *writer, struct shown *shown, const struct act *act)
{
    struct text id = anthropic_act_id(writer->translation, act);
    struct json_writer json;

    json_write_init(&json, &shown->head);
    anthropic_write_act_call(act, id, true, &json);
    json_write_init(&json, &shown->signature);
    anthropic_write_act_input(act, &json);
    json_write_init(&json, &shown->held);
    anthropic_write_act_result(act, id, &json);
    if (shown->head.failed || shown->signature.failed || shown->held.failed)
        too_much(writer);
}

static void write_open(struct event_writer *writer, const struct event *event)
{
    struct stream_writing *state = state_of(writer);
    struct shown **end = &state->first;
    struct shown *shown;
    uint8_t kind;

    if (!shown_kind(event, &kind))
        return;
    if (state->count == OPEN_BLOCKS_MAX) {
        too_much(writer);
        return;
    }
    shown = shown_new(writer);
    shown->index = event->index;
    shown->kind = kind;
    shown->origin = event->origin;
    shown->custom = event->custom;
    shown->redacted = event->redacted;
    shown->begun = shown->closed = false;
    shown->id_len = event->id.len;
    if (!append_text(&shown->head, event->id) || !append_text(&shown->head, event->name))
        too_much(writer);
    while (*end)
        end = &(*end)->next;
    *end = shown;
    state->count++;
    if (event->act)
        hold_act(writer, shown, event->act);
    if (event->block_kind == BLOCK_image)
        show_words(writer, shown,
                   anthropic_image_words(event->media, writer->translation->arena));
}

static void write_delta(struct event_writer *writer, const struct event *event)
{
    struct shown *shown = find(state_of(writer), event->index);

    if (!shown || event->text.len == 0)
        return;
    show_words(writer, shown, event->text);
}

/* A signature goes out at the end of its block, or in the id of its call. */
static void write_signature(struct event_writer *writer, const struct event *event)
{
    struct shown *shown = find(state_of(writer), event->index);
    enum dialect_id origin = (enum dialect_id)event->origin;
    struct text signature = event->text;

    if (!shown)
        return;
    if (shown->kind == BLOCK_text)
        signature = signature_pack_text(origin, signature, writer->translation->arena);
    else if (shown->kind != BLOCK_tool_call)
        signature =
            signature_pack(origin, signature, DIALECT_anthropic, writer->translation->arena);
    if (!append_text(&shown->signature, signature))
        too_much(writer);
}

static void write_citation(struct event_writer *writer, const struct event *event)
{
    struct stream_writing *state = state_of(writer);
    struct shown *shown = find(state, event->index);
    struct json_writer json;

    if (!shown || shown != state->first || shown->kind != BLOCK_text || !event->citation)
        return;
    ensure_begun(writer, shown);
    begin_record(writer, &json, SPAN("content_block_delta"));
    json_write_member_u64(&json, SPAN("index"), state->next - 1);
    json_write_key(&json, SPAN("delta"));
    json_write_object(&json);
    json_write_member_text(&json, SPAN("type"), SPAN("citations_delta"));
    json_write_key(&json, SPAN("citation"));
    anthropic_write_citation(event->citation, &json);
    json_write_object_end(&json);
    end_record(writer, &json);
}

static void write_close(struct event_writer *writer, const struct event *event)
{
    struct shown *shown = find(state_of(writer), event->index);

    if (shown)
        shown->closed = true;
    advance(writer);
}

static void write_end(struct event_writer *writer)
{
    struct stream_writing *state = state_of(writer);
    enum stop_reason stop = (enum stop_reason)state->stop;
    struct json_writer json;

    for (struct shown *shown = state->first; shown; shown = shown->next)
        shown->closed = true;
    advance(writer);
    begin_record(writer, &json, SPAN("message_delta"));
    json_write_key(&json, SPAN("delta"));
    json_write_object(&json);
    json_write_member_text(&json, SPAN("stop_reason"),
                           anthropic_stop_text(stop, state->called));
    text_write_member(&json, SPAN("stop_sequence"),
                      stop == STOP_SEQUENCE && state->sequence.len > 0
                          ? text_in(&state->sequence)
                          : TEXT_NONE);
    json_write_object_end(&json);
    json_write_key(&json, SPAN("usage"));
    anthropic_write_usage(&state->usage, &json);
    end_record(writer, &json);
    begin_record(writer, &json, SPAN("message_stop"));
    end_record(writer, &json);
}

static void keep_stop(struct stream_writing *state, const struct event *event)
{
    state->stop = event->stop;
    buffer_clear(&state->sequence);
    (void)append_text(&state->sequence, event->stop_sequence);
}

/* One answer is all that a message holds. */
static bool is_for_us(const struct event *event)
{
    return event->choice == 0;
}

void anthropic_write_event(struct event_writer *writer, const struct event *event)
{
    struct stream_writing *state = state_of(writer);

    if (!is_for_us(event))
        return;
    switch ((enum event_kind)event->kind) {
    case EVENT_start: write_start(writer, event); break;
    case EVENT_open: write_open(writer, event); break;
    case EVENT_delta: write_delta(writer, event); break;
    case EVENT_signature: write_signature(writer, event); break;
    case EVENT_citation: write_citation(writer, event); break;
    case EVENT_close: write_close(writer, event); break;
    case EVENT_stop: keep_stop(state, event); break;
    case EVENT_usage:
        state->usage = *event->usage;
        state->usage.raw = SPAN_NONE;
        break;
    case EVENT_ping:
        if (state->started)
            put(writer, dialect_anthropic.ping);
        break;
    case EVENT_error: anthropic_write_stream_complaint(event->complaint, writer->out); break;
    case EVENT_end: write_end(writer); break;
    }
}
