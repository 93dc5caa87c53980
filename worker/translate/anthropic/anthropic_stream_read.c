/* The provider's stream as events. Blocks come one after the other; the reader numbers those
 * that it tells, and tells none of the provider's own tools. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"

enum open_kind {
    OPEN_NOTHING,
    OPEN_TEXT,
    OPEN_THINKING,
    OPEN_CALL,
    OPEN_CUSTOM, /* a call of a tool of free text: unwrapped */
    OPEN_ANSWER, /* the call that stands for a schema: told as text */
    OPEN_ACT,    /* a hosted tool's call: told when it is known what came of it */
    OPEN_UNTOLD
};

#define INPUT_LIMIT_BYTES (1U << 20) /* of a hosted tool's call */

/* A hosted tool's call without what came of it. */
struct waiting_act {
    struct waiting_act *next;
    struct act *act;
};

struct stream_reading {
    bool started, stopped;
    bool called;    /* a call of the client's tools was told */
    bool whole;     /* the open call's input stood in its start */
    bool fed;       /* the open block got a delta */
    uint8_t open;   /* enum open_kind */
    uint32_t index; /* the provider's number of the open block */
    uint32_t next;  /* ours of the next block */
    struct custom_input custom;
    struct waiting_act *waiting, *last_waiting;
    bool has_input;      /* INPUT is made */
    struct buffer input; /* of the open hosted call, JSON */
};

_Static_assert(sizeof(struct stream_reading) <= ANTHROPIC_READER_BYTES,
               "the row says its size");

static struct stream_reading *state_of(struct event_reader *reader)
{
    return reader->state;
}

/* ---- telling ----------------------------------------------------------------------------- */

static struct event event_here(struct event_reader *reader, enum event_kind kind)
{
    struct stream_reading *state = state_of(reader);

    return (struct event){.kind = (uint8_t)kind,
                          .origin = DIALECT_anthropic,
                          .index = state->next > 0 ? state->next - 1 : 0};
}

static void tell_start(struct event_reader *reader, struct json_value message)
{
    static const struct span names[] = {WORD("id"), WORD("model"), WORD("usage")};
    struct event event = event_here(reader, EVENT_start);
    struct json_value values[3];

    pick_members(message, names, 3, values);
    state_of(reader)->started = true;
    anthropic_read_usage(values[2], &reader->usage);
    reader->usage.raw = SPAN_NONE; /* the record's bytes go */
    event.id = text_of(values[0]);
    event.model = text_of(values[1]);
    event.created = reader->translation->now;
    event.usage = &reader->usage;
    event_tell(reader, &event);
}

static void tell_delta(struct event_reader *reader, struct text text)
{
    struct event event = event_here(reader, EVENT_delta);

    event.text = text;
    if (text.len == 0)
        return;
    state_of(reader)->fed = true;
    event_tell(reader, &event);
}

static void tell_signature(struct event_reader *reader, struct text signature)
{
    struct event event = event_here(reader, EVENT_signature);

    event.text = signature;
    if (signature.len > 0)
        event_tell(reader, &event);
}

static void tell_open(struct event_reader *reader, enum open_kind open, struct event *event)
{
    struct stream_reading *state = state_of(reader);

    state->open = (uint8_t)open;
    state->fed = state->whole = false;
    event->kind = EVENT_open;
    event->index = state->next++;
    event_tell(reader, event);
}

static void settle_input(struct event_reader *reader);

static void tell_close(struct event_reader *reader)
{
    struct stream_reading *state = state_of(reader);
    struct event event = event_here(reader, EVENT_close);
    bool told =
        state->open != OPEN_NOTHING && state->open != OPEN_UNTOLD && state->open != OPEN_ACT;

    if ((state->open == OPEN_CALL || state->open == OPEN_ANSWER) && !state->fed)
        tell_delta(reader, TEXT("{}"));
    if (state->open == OPEN_ACT)
        settle_input(reader);
    state->open = OPEN_NOTHING;
    if (told)
        event_tell(reader, &event);
}

/* Closes what is open still though its end did not come. */
static void mend_close(struct event_reader *reader)
{
    if (state_of(reader)->open != OPEN_NOTHING)
        reader->repaired = true;
    tell_close(reader);
}

/* ---- blocks ------------------------------------------------------------------------------ */

static void open_call(struct event_reader *reader, const struct json_value *values)
{
    struct stream_reading *state = state_of(reader);
    struct translation *t = reader->translation;
    struct text name = text_of(values[MEMBER_name]);
    struct event event = {.block_kind = BLOCK_text, .origin = DIALECT_anthropic};
    enum open_kind open = OPEN_ANSWER;
    struct json_walk walk = json_walk(values[MEMBER_input]);
    struct json_value value;

    if (!t->format_tool.ptr || !text_eq(name, t->format_tool)) {
        event.block_kind = BLOCK_tool_call;
        event.id = text_of(values[MEMBER_id]);
        event.name = tool_name_back(t, name);
        event.custom = anthropic_is_custom(t, event.name);
        open = event.custom ? OPEN_CUSTOM : OPEN_CALL;
        state->called = true;
        custom_input_init(&state->custom);
    }
    tell_open(reader, open, &event);
    if (!event.custom && json_next(&walk, NULL, &value)) {
        tell_delta(reader, text_escape(values[MEMBER_input].raw, t->arena));
        state->whole = true;
    }
}

static void open_thinking(struct event_reader *reader, const struct json_value *values,
                          bool redacted)
{
    struct event event = {
        .block_kind = BLOCK_reasoning, .origin = DIALECT_anthropic, .redacted = redacted};

    tell_open(reader, OPEN_THINKING, &event);
    tell_delta(reader, text_of(values[MEMBER_thinking]));
    tell_signature(reader, text_of(values[redacted ? MEMBER_data : MEMBER_signature]));
}

static void open_text(struct event_reader *reader, enum block_kind kind, struct text text)
{
    struct event event = {.block_kind = (uint8_t)kind, .origin = DIALECT_anthropic};

    tell_open(reader, OPEN_TEXT, &event);
    tell_delta(reader, text);
}

/* ---- hosted tools ------------------------------------------------------------------------ */

static void release(void *what)
{
    buffer_done(what);
}

/* False: no other dialect has such a tool. */
static bool open_act(struct event_reader *reader, const struct json_value *values)
{
    struct stream_reading *state = state_of(reader);
    struct arena *arena = reader->translation->arena;
    struct json_value none = {.kind = JSON_ABSENT};
    struct act *act = anthropic_read_act(values, none, arena);
    struct waiting_act *waiting;

    if (!act)
        return false;
    act->id = text_copy(act->id, arena);
    act->input = text_copy(act->input, arena);
    waiting = ARENA_NEW(arena, struct waiting_act);
    waiting->act = act;
    if (state->waiting)
        state->last_waiting->next = waiting;
    else
        state->waiting = waiting;
    state->last_waiting = waiting;
    state->open = OPEN_ACT;
    if (!state->has_input) {
        buffer_init(&state->input, INPUT_LIMIT_BYTES);
        arena_on_done(arena, release, &state->input);
        state->has_input = true;
    }
    buffer_clear(&state->input);
    return true;
}

/* The input that came in pieces, now that it is whole. */
static void settle_input(struct event_reader *reader)
{
    struct stream_reading *state = state_of(reader);
    struct arena *arena = reader->translation->arena;
    struct text pieces = {buffer_span(&state->input).ptr, state->input.len};
    struct json_value input;
    struct json_error error;

    if (state->input.len == 0 || !state->last_waiting)
        return;
    if (json_check(text_plain(pieces, arena), &input, &error)) {
        anthropic_read_act_input(input, state->last_waiting->act);
        state->last_waiting->act->input = text_copy(state->last_waiting->act->input, arena);
    }
}

static void tell_act(struct event_reader *reader, const struct act *act)
{
    struct stream_reading *state = state_of(reader);
    struct event event = {.kind = EVENT_open,
                          .block_kind = BLOCK_hosted,
                          .origin = DIALECT_anthropic,
                          .index = state->next++,
                          .act = act};

    event_tell(reader, &event);
    event.kind = EVENT_close;
    event_tell(reader, &event);
}

static struct act *take_waiting(struct stream_reading *state, struct text id)
{
    struct waiting_act **at = &state->waiting, *before = NULL, *found;

    while (*at && !text_eq((*at)->act->id, id)) {
        before = *at;
        at = &(*at)->next;
    }
    found = *at;
    if (!found)
        return NULL;
    *at = found->next;
    if (state->last_waiting == found)
        state->last_waiting = before;
    return found->act;
}

/* False: of a call that nobody told of. */
static bool read_act_result(struct event_reader *reader, const struct json_value *values)
{
    struct act *act = take_waiting(state_of(reader), text_of(values[MEMBER_tool_use_id]));

    if (!act)
        return false;
    anthropic_read_act_result(values[MEMBER_content], reader->translation->arena, act);
    tell_act(reader, act);
    return true;
}

/* Calls whose results did not come: the model paused, or the stream is over. */
static void tell_waiting(struct event_reader *reader)
{
    struct stream_reading *state = state_of(reader);

    for (struct waiting_act *at = state->waiting; at; at = at->next)
        tell_act(reader, at->act);
    state->waiting = state->last_waiting = NULL;
}

static void open_hosted(struct event_reader *reader, const struct json_value *values)
{
    struct json_value type = values[MEMBER_type];
    bool told = json_text_eq(type, SPAN("server_tool_use"))
                    ? open_act(reader, values)
                    : anthropic_is_act_result(type) && read_act_result(reader, values);

    if (state_of(reader)->open == OPEN_NOTHING)
        state_of(reader)->open = OPEN_UNTOLD;
    if (!told)
        anthropic_drop_answer(reader->translation, type);
}

static void read_block_start(struct event_reader *reader, struct json_value block)
{
    struct json_value values[BLOCK_MEMBER_COUNT], type;

    anthropic_pick_block(block, values);
    type = values[MEMBER_type];
    if (json_text_eq(type, SPAN("text")))
        open_text(reader, BLOCK_text, text_of(values[MEMBER_text]));
    else if (json_text_eq(type, SPAN("tool_use")))
        open_call(reader, values);
    else if (json_text_eq(type, SPAN("thinking")))
        open_thinking(reader, values, false);
    else if (json_text_eq(type, SPAN("redacted_thinking")))
        open_thinking(reader, values, true);
    else
        open_hosted(reader, values);
}

/* CITATION as a list of one. */
static struct citation *one_citation(struct json_value citation, struct arena *arena)
{
    struct buffer wrapped _buffer_;
    struct span list;

    buffer_init(&wrapped, citation.raw.len + 2);
    (void)buffer_append_byte(&wrapped, '[');
    (void)buffer_append(&wrapped, citation.raw);
    (void)buffer_append_byte(&wrapped, ']');
    list = arena_copy(arena, buffer_span(&wrapped));
    return anthropic_read_citations((struct json_value){JSON_ARRAY, list}, arena);
}

static void tell_citation(struct event_reader *reader, struct json_value citation)
{
    struct event event = event_here(reader, EVENT_citation);

    if (state_of(reader)->open != OPEN_TEXT || citation.kind != JSON_OBJECT)
        return;
    event.citation = one_citation(citation, reader->translation->arena);
    event_tell(reader, &event);
}

static void read_call_piece(struct event_reader *reader, struct text piece)
{
    struct stream_reading *state = state_of(reader);

    if (state->whole)
        return;
    if (state->open == OPEN_CALL || state->open == OPEN_ANSWER) {
        tell_delta(reader, piece);
    } else if (state->open == OPEN_ACT) {
        (void)buffer_append(&state->input, span_of(piece.ptr, piece.len));
    } else if (state->open == OPEN_CUSTOM) {
        char out[CUSTOM_PIECE_BYTES];

        while (piece.len > 0)
            tell_delta(reader, custom_input_next(&state->custom, &piece, out));
    } else if (state->open != OPEN_UNTOLD) {
        event_fail(reader, COMPLAINT_bad_answer,
                   TEXT("The provider's stream told of a call that it had not begun."));
    }
}

enum delta_member {
    DELTA_type,
    DELTA_text,
    DELTA_thinking,
    DELTA_signature,
    DELTA_partial_json,
    DELTA_citation,
    DELTA_MEMBER_COUNT
};

/* A delta without its block begins one, if words do. */
static void ensure_open(struct event_reader *reader, enum open_kind open)
{
    struct json_value none[BLOCK_MEMBER_COUNT] = {0};
    struct stream_reading *state = state_of(reader);

    if (state->open == (uint8_t)open || state->open == OPEN_UNTOLD)
        return;
    reader->repaired = true;
    tell_close(reader);
    if (open == OPEN_TEXT)
        open_text(reader, BLOCK_text, TEXT_NONE);
    else
        open_thinking(reader, none, false);
}

static void read_block_delta(struct event_reader *reader, struct json_value delta)
{
    static const struct span names[] = {WORD("type"),         WORD("text"),
                                        WORD("thinking"),     WORD("signature"),
                                        WORD("partial_json"), WORD("citation")};
    struct stream_reading *state = state_of(reader);
    struct json_value values[DELTA_MEMBER_COUNT];

    pick_members(delta, names, DELTA_MEMBER_COUNT, values);
    if (values[DELTA_text].kind == JSON_STRING) {
        ensure_open(reader, OPEN_TEXT);
        if (state->open == OPEN_TEXT)
            tell_delta(reader, text_of(values[DELTA_text]));
    } else if (values[DELTA_partial_json].kind == JSON_STRING) {
        read_call_piece(reader, text_of(values[DELTA_partial_json]));
    } else if (values[DELTA_thinking].kind == JSON_STRING) {
        ensure_open(reader, OPEN_THINKING);
        if (state->open == OPEN_THINKING)
            tell_delta(reader, text_of(values[DELTA_thinking]));
    } else if (values[DELTA_signature].kind == JSON_STRING && state->open == OPEN_THINKING) {
        tell_signature(reader, text_of(values[DELTA_signature]));
    } else if (values[DELTA_citation].kind != JSON_ABSENT) {
        tell_citation(reader, values[DELTA_citation]);
    }
}

/* ---- the message ------------------------------------------------------------------------- */

static void tell_stop(struct event_reader *reader, enum stop_reason stop, struct text sequence)
{
    struct stream_reading *state = state_of(reader);
    struct event event = event_here(reader, EVENT_stop);

    if (state->stopped)
        return;
    state->stopped = true;
    if (stop == STOP_TOOL && !state->called)
        stop = STOP_END;
    event.stop = (uint8_t)stop;
    event.stop_sequence = sequence;
    event_tell(reader, &event);
}

static void read_message_delta(struct event_reader *reader, struct json_value delta,
                               struct json_value usage)
{
    static const struct span names[] = {WORD("stop_reason"), WORD("stop_sequence"),
                                        WORD("stop_details")};
    struct event event = event_here(reader, EVENT_usage);
    struct json_value values[3];
    struct text explanation;

    pick_members(delta, names, 3, values);
    mend_close(reader);
    tell_waiting(reader);
    if (values[0].kind == JSON_STRING && !state_of(reader)->stopped) {
        explanation = anthropic_refusal_text(values[2]);
        if (anthropic_stop_read(values[0]) == STOP_FILTER && explanation.len > 0) {
            open_text(reader, BLOCK_refusal, explanation);
            tell_close(reader);
        }
        tell_stop(reader, anthropic_stop_read(values[0]), text_of(values[1]));
    }
    if (usage.kind != JSON_OBJECT)
        return;
    anthropic_read_usage(usage, &reader->usage);
    reader->usage.raw = SPAN_NONE;
    event.usage = &reader->usage;
    event_tell(reader, &event);
}

static void tell_end(struct event_reader *reader)
{
    struct event event = event_here(reader, EVENT_end);

    mend_close(reader);
    tell_waiting(reader);
    if (!state_of(reader)->stopped)
        reader->repaired = true; /* no reason to stop */
    tell_stop(reader, STOP_NONE, TEXT_NONE);
    event_tell(reader, &event);
}

static void tell_error(struct event_reader *reader, struct span data)
{
    struct event event = event_here(reader, EVENT_error);
    struct complaint complaint;

    complaint_read(500, data, reader->translation->arena, &complaint);
    event.complaint = &complaint;
    event_tell(reader, &event);
}

/* A message that begins again is a proxy's echo, or, after words, a retry that nobody can
 * take back. */
static void read_message_start(struct event_reader *reader, struct json_value message)
{
    if (!state_of(reader)->started)
        tell_start(reader, message);
    else if (state_of(reader)->next > 0)
        event_fail(reader, COMPLAINT_bad_answer,
                   TEXT("The provider's stream began a second time."));
}

/* ---- records ----------------------------------------------------------------------------- */

enum record_member {
    RECORD_type,
    RECORD_index,
    RECORD_delta,
    RECORD_content_block,
    RECORD_message,
    RECORD_usage,
    RECORD_MEMBER_COUNT
};

/* Closes the open block when INDEX is another's. */
static void leave_block(struct event_reader *reader, struct json_value index)
{
    struct stream_reading *state = state_of(reader);
    uint64_t number;

    if (!json_u64(index, &number) || number == state->index)
        return;
    mend_close(reader);
    state->index = (uint32_t)number;
}

static void read_picked(struct event_reader *reader, const struct json_value *values,
                        struct span data)
{
    struct json_value type = values[RECORD_type];
    struct json_value none = {.kind = JSON_ABSENT};
    struct event ping = event_here(reader, EVENT_ping);

    if (json_text_eq(type, SPAN("error"))) {
        tell_error(reader, data);
        return;
    }
    if (json_text_eq(type, SPAN("message_start"))) {
        read_message_start(reader, values[RECORD_message]);
        return;
    }
    if (!state_of(reader)->started) {
        reader->repaired = true;
        tell_start(reader, none);
    }
    if (json_text_eq(type, SPAN("content_block_delta"))) {
        leave_block(reader, values[RECORD_index]);
        read_block_delta(reader, values[RECORD_delta]);
    } else if (json_text_eq(type, SPAN("content_block_start"))) {
        mend_close(reader);
        leave_block(reader, values[RECORD_index]);
        read_block_start(reader, values[RECORD_content_block]);
    } else if (json_text_eq(type, SPAN("content_block_stop"))) {
        tell_close(reader);
    } else if (json_text_eq(type, SPAN("message_delta"))) {
        read_message_delta(reader, values[RECORD_delta], values[RECORD_usage]);
    } else if (json_text_eq(type, SPAN("message_stop"))) {
        tell_end(reader);
    } else if (json_text_eq(type, SPAN("ping"))) {
        event_tell(reader, &ping);
    }
}

void anthropic_read_record(struct event_reader *reader, const struct sse_record *record)
{
    static const struct span names[RECORD_MEMBER_COUNT] = {
        [RECORD_type] = WORD("type"),       [RECORD_index] = WORD("index"),
        [RECORD_delta] = WORD("delta"),     [RECORD_content_block] = WORD("content_block"),
        [RECORD_message] = WORD("message"), [RECORD_usage] = WORD("usage"),
    };
    struct json_value values[RECORD_MEMBER_COUNT];

    if (span_eq(span_trim(record->data), SPAN("[DONE]")) ||
        !event_pick(reader, record->data, names, RECORD_MEMBER_COUNT, values))
        return;
    if (values[RECORD_type].kind == JSON_STRING) {
        read_picked(reader, values, record->data);
        return;
    }
    /* An error of some proxy, in whatever form; else nothing that is known. */
    if (span_find(record->data, SPAN("\"error\"")) != SIZE_MAX)
        tell_error(reader, record->data);
}

/* Some imitations forget the last record. */
void anthropic_read_end(struct event_reader *reader)
{
    if (!state_of(reader)->stopped)
        return;
    reader->repaired = true;
    tell_end(reader);
}
