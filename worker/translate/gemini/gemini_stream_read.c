/* A provider's stream as events. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_args.h"
#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/media.h"
#include "worker/translate/words.h"

#define CHOICES_MAX 8

/* One candidate, so far. */
struct choice_state {
    bool open;             /* a block of text or reasoning */
    uint8_t kind;          /* enum block_kind */
    uint8_t stop;          /* enum stop_reason */
    bool said;             /* anything at all */
    bool called;           /* a tool */
    bool sealed;           /* the open block is signed: no more words */
    bool grounded;         /* what was searched for is told */
    struct act *ran;       /* code, told when its output is here */
    uint32_t index;        /* of the open block */
    struct buffer words;   /* all so far, decoded: places are told in bytes of them */
    uint64_t before_words; /* how many of them before the open block */
};

struct reader_state {
    bool started, blocked;
    bool has_args;       /* ARGS is made */
    unsigned choices;    /* candidates seen */
    uint32_t next_index; /* of blocks */
    bool call_open;      /* a call whose arguments come in pieces */
    uint32_t call_index, call_choice;
    struct gemini_args path; /* of the open call */
    struct choice_state choice[CHOICES_MAX];
    struct buffer args; /* a piece of arguments, reused */
    bool keeps_words;   /* places in texts may be told */
};

_Static_assert(sizeof(struct reader_state) <= GEMINI_STATE_BYTES, "gemini_inside.h says so");

#define ARGS_LIMIT  ((size_t)16 << 20) /* of one piece */
#define WORDS_LIMIT ((size_t)1 << 20)

/* One record under way. */
struct turn_of_record {
    struct event_reader *reader;
    struct reader_state *state;
    struct arena scratch; /* until the record is told */
    uint32_t choice;
    struct json_value logprobs; /* of the next piece of text */
};

static struct choice_state *choice_at(struct turn_of_record *turn)
{
    return &turn->state->choice[turn->choice];
}

/* ---- blocks ---------------------------------------------------------------------------- */

static void tell(struct turn_of_record *turn, struct event event)
{
    event.choice = turn->choice;
    event_tell(turn->reader, &event);
}

static void close_text(struct turn_of_record *turn)
{
    struct choice_state *choice = choice_at(turn);

    if (choice->open)
        tell(turn, (struct event){.kind = EVENT_close,
                                  .block_kind = choice->kind,
                                  .index = choice->index});
    choice->open = choice->sealed = false;
}

/* The text in ARGS as a piece of the open call. */
static void tell_args(struct turn_of_record *turn)
{
    struct reader_state *state = turn->state;
    struct text text = text_escape(buffer_span(&state->args), &turn->scratch);
    struct event event = {.kind = EVENT_delta,
                          .block_kind = BLOCK_tool_call,
                          .index = state->call_index,
                          .choice = state->call_choice,
                          .text = text};

    if (text.len > 0)
        event_tell(turn->reader, &event);
    buffer_clear(&state->args);
}

static void close_call(struct turn_of_record *turn)
{
    struct reader_state *state = turn->state;
    struct event event = {.kind = EVENT_close,
                          .block_kind = BLOCK_tool_call,
                          .index = state->call_index,
                          .choice = state->call_choice};

    if (!state->call_open)
        return;
    gemini_args_end(&state->path, &state->args);
    tell_args(turn);
    event_tell(turn->reader, &event);
    state->call_open = false;
}

static void open_block(struct turn_of_record *turn, struct event event)
{
    struct choice_state *choice = choice_at(turn);

    event.kind = EVENT_open;
    event.index = turn->state->next_index++;
    choice->said = true;
    tell(turn, event);
}

static void tell_act(struct turn_of_record *turn, const struct act *act)
{
    uint32_t index = turn->state->next_index;

    usage_note_act(&turn->reader->usage, act);
    open_block(
        turn, (struct event){.block_kind = BLOCK_hosted, .origin = DIALECT_gemini, .act = act});
    tell(turn, (struct event){.kind = EVENT_close, .block_kind = BLOCK_hosted, .index = index});
}

/* The code that ran, when no more of its output can come. */
static void tell_code(struct turn_of_record *turn)
{
    struct choice_state *choice = choice_at(turn);
    const struct act *act = choice->ran;

    choice->ran = NULL;
    if (act)
        tell_act(turn, act);
}

static void keep_words(struct turn_of_record *turn, struct text text)
{
    if (turn->state->keeps_words)
        (void)buffer_append(&choice_at(turn)->words, text_plain(text, &turn->scratch));
}

static void open_text(struct turn_of_record *turn, enum block_kind kind)
{
    struct choice_state *choice = choice_at(turn);

    close_call(turn);
    if (choice->open && choice->kind == kind && !choice->sealed)
        return;
    close_text(turn);
    tell_code(turn);
    choice->open = true;
    choice->before_words = choice->words.len;
    choice->kind = (uint8_t)kind;
    choice->index = turn->state->next_index;
    open_block(turn, (struct event){.block_kind = (uint8_t)kind});
}

static void tell_text(struct turn_of_record *turn, enum block_kind kind, struct text text)
{
    if (text.len == 0)
        return;
    open_text(turn, kind);
    if (kind == BLOCK_text)
        keep_words(turn, text);
    tell(turn, (struct event){.kind = EVENT_delta,
                              .block_kind = (uint8_t)kind,
                              .index = choice_at(turn)->index,
                              .text = text,
                              .logprobs = turn->logprobs});
    turn->logprobs = (struct json_value){.kind = JSON_ABSENT};
}

static void tell_signature(struct turn_of_record *turn, enum block_kind kind, uint32_t index,
                           struct json_value signature)
{
    struct event event = {.kind = EVENT_signature, .block_kind = (uint8_t)kind, .index = index};

    if (signature.kind != JSON_STRING || signature.raw.len == 2)
        return;
    event.text = gemini_signature_in(text_of(signature), &turn->scratch, &event.origin);
    tell(turn, event);
}

/* ---- parts ----------------------------------------------------------------------------- */

/* A signed text is a block of its own: what follows has another signature. It stays open for
 * what the record says of it. */
static void read_text(struct turn_of_record *turn, const struct json_value *part)
{
    struct json_value signature = part[PART_thoughtSignature];
    enum block_kind kind = part[PART_thought].kind == JSON_TRUE ? BLOCK_reasoning : BLOCK_text;

    tell_text(turn, kind, text_of(part[PART_text]));
    if (signature.kind != JSON_STRING || signature.raw.len == 2)
        return;
    open_text(turn, kind);
    tell_signature(turn, kind, choice_at(turn)->index, signature);
    choice_at(turn)->sealed = true;
}

static void read_media(struct turn_of_record *turn, const struct media *media)
{
    enum block_kind kind = media_block_kind(media->type);
    uint32_t index = turn->state->next_index;

    close_call(turn);
    close_text(turn);
    tell_code(turn);
    open_block(turn, (struct event){.block_kind = (uint8_t)kind, .media = media});
    tell(turn,
         (struct event){.kind = EVENT_close, .block_kind = (uint8_t)kind, .index = index});
}

/* Code comes in one record, what it printed in others. */
static void read_code(struct turn_of_record *turn, const struct json_value *part)
{
    struct choice_state *choice = choice_at(turn);
    struct arena *arena = turn->reader->translation->arena;
    struct act *act = gemini_read_code(part, choice->ran, arena);

    close_call(turn);
    close_text(turn);
    if (act) {
        tell_code(turn);
        choice->ran = act;
    }
    choice->ran->input = text_copy(choice->ran->input, arena);
    choice->ran->output = text_copy(choice->ran->output, arena);
}

enum call_member {
    CALL_id,
    CALL_name,
    CALL_args,
    CALL_partial,
    CALL_continues,
    CALL_COUNT
};

static void open_call(struct turn_of_record *turn, const struct json_value *values,
                      struct json_value signature)
{
    struct translation *t = turn->reader->translation;
    struct block call = {.id = text_of(values[CALL_id]),
                         .name = text_of(values[CALL_name]),
                         .input = values[CALL_args]};

    close_call(turn);
    close_text(turn);
    tell_code(turn);
    if (call.id.len == 0)
        call.id = make_id(t, "call_");
    if (call.input.kind == JSON_OBJECT)
        gemini_settle_call(t, &call);
    else
        call.name = tool_name_back(t, call.name);
    turn->state->call_open = true;
    turn->state->call_index = turn->state->next_index;
    turn->state->call_choice = turn->choice;
    choice_at(turn)->called = true;
    open_block(turn, (struct event){.block_kind = BLOCK_tool_call,
                                    .id = call.id,
                                    .name = call.name,
                                    .custom = call.custom});
    tell_signature(turn, BLOCK_tool_call, turn->state->call_index, signature);
    if (call.input.kind != JSON_OBJECT && !call.custom)
        return;
    /* whole: the text is told here, and nothing is left for close_call to add */
    tell(turn,
         (struct event){.kind = EVENT_delta,
                        .block_kind = BLOCK_tool_call,
                        .index = turn->state->call_index,
                        .custom = call.custom,
                        .text = call.custom ? call.arguments
                                            : text_escape(call.input.raw, &turn->scratch)});
    tell(turn, (struct event){.kind = EVENT_close,
                              .block_kind = BLOCK_tool_call,
                              .index = turn->state->call_index});
    turn->state->call_open = false;
}

static void read_partial(struct turn_of_record *turn, struct json_value partial)
{
    struct json_value item;
    struct json_walk walk;
    struct span key;

    if (!turn->state->call_open || partial.kind != JSON_ARRAY)
        return;
    for (walk = json_walk(partial); json_next(&walk, &key, &item);)
        if (!gemini_args_add(&turn->state->path, item, &turn->state->args)) {
            event_fail(turn->reader, COMPLAINT_bad_answer, TEXT_NONE);
            return;
        }
    tell_args(turn);
}

static void read_call(struct turn_of_record *turn, const struct json_value *part)
{
    static const struct span names[CALL_COUNT] = {
        [CALL_id] = WORD("id"),
        [CALL_name] = WORD("name"),
        [CALL_args] = WORD("args"),
        [CALL_partial] = WORD("partialArgs"),
        [CALL_continues] = WORD("willContinue"),
    };
    struct json_value values[CALL_COUNT];

    gemini_pick(part[PART_functionCall], names, CALL_COUNT, values);
    if (values[CALL_name].raw.len > 2)
        open_call(turn, values, part[PART_thoughtSignature]);
    read_partial(turn, values[CALL_partial]);
    if (values[CALL_continues].kind != JSON_TRUE)
        close_call(turn);
}

static void read_part(struct turn_of_record *turn, struct json_value item)
{
    struct json_value part[PART_COUNT];
    struct media media = {.form = MEDIA_DATA};

    gemini_pick(item, gemini_part_names, PART_COUNT, part);
    if (part[PART_functionCall].kind == JSON_OBJECT)
        read_call(turn, part);
    else if (gemini_read_inline(part[PART_inlineData], &turn->scratch, &media) ||
             gemini_read_file(part[PART_fileData], &turn->scratch, &media))
        read_media(turn, &media);
    else if (part[PART_executableCode].kind == JSON_OBJECT ||
             part[PART_codeExecutionResult].kind == JSON_OBJECT)
        read_code(turn, part);
    else
        read_text(turn, part);
}

/* ---- records --------------------------------------------------------------------------- */

/* A place in the open block; none when it lies before. */
static struct json_value placed(const struct turn_of_record *turn, struct json_value number,
                                struct arena *arena)
{
    const struct choice_state *choice = &turn->state->choice[turn->choice];
    uint64_t before =
        words_characters_before(buffer_span(&choice->words), choice->before_words);
    uint64_t at;

    if (!json_u64(number, &at) || at < before)
        return (struct json_value){.kind = JSON_ABSENT};
    return words_number(at - before, arena);
}

static void tell_citations(struct turn_of_record *turn, struct json_value candidate)
{
    struct choice_state *choice = choice_at(turn);
    bool known = turn->state->keeps_words && !choice->words.failed;
    struct span words = known ? buffer_span(&choice->words) : SPAN_NONE;
    struct citation *at = gemini_read_citations(candidate, words, &turn->scratch);

    if (!at)
        return;
    if (!choice->open || choice->kind != BLOCK_text)
        open_text(turn, BLOCK_text);
    for (; at; at = at->next) {
        at->start = placed(turn, at->start, &turn->scratch);
        at->end = placed(turn, at->end, &turn->scratch);
        if (at->start.kind == JSON_ABSENT)
            at->end.kind = JSON_ABSENT;
        tell(turn, (struct event){.kind = EVENT_citation,
                                  .block_kind = choice->kind,
                                  .index = choice->index,
                                  .citation = at});
    }
}

/* The same stands in several records. */
static void tell_acts(struct turn_of_record *turn, struct json_value candidate)
{
    struct block *acts = gemini_read_acts(candidate, &turn->scratch);

    if (!acts || choice_at(turn)->grounded)
        return;
    choice_at(turn)->grounded = true;
    close_call(turn);
    close_text(turn);
    tell_code(turn);
    for (; acts; acts = acts->next)
        tell_act(turn, acts->act);
}

/* The candidate's own number, or else its place. */
static uint32_t choice_of(struct json_value index, uint32_t place)
{
    uint64_t number;

    return index.kind == JSON_NUMBER && json_u64(index, &number) && number < CHOICES_MAX
               ? (uint32_t)number
               : place;
}

static void read_candidate(struct turn_of_record *turn, struct json_value candidate,
                           uint32_t place)
{
    static const struct span names[] = {WORD("content"), WORD("finishReason"), WORD("index"),
                                        WORD("logprobsResult")};
    struct json_value values[ARRAY_LEN(names)], parts, part;
    struct json_walk walk;
    struct span key;
    enum stop_reason stop;

    gemini_pick(candidate, names, ARRAY_LEN(names), values);
    turn->choice = choice_of(values[2], place);
    if (turn->choice >= CHOICES_MAX)
        return;
    if (turn->choice >= turn->state->choices)
        turn->state->choices = turn->choice + 1;
    (void)gemini_read_logprobs(values[3], &turn->scratch, &turn->logprobs);
    parts = gemini_member(values[0], SPAN("parts"));
    if (parts.kind == JSON_ARRAY)
        for (walk = json_walk(parts); json_next(&walk, &key, &part);)
            read_part(turn, part);
    tell_citations(turn, candidate);
    tell_acts(turn, candidate);
    stop = gemini_finish_read(values[1]);
    if (stop != STOP_NONE && choice_at(turn)->stop == STOP_NONE)
        choice_at(turn)->stop = (uint8_t)stop;
}

static void tell_start(struct turn_of_record *turn, struct json_value id,
                       struct json_value model)
{
    struct event event = {
        .kind = EVENT_start,
        .id = text_of(id),
        .model = text_of(model),
        .usage = turn->reader->usage.input == TOKENS_UNKNOWN ? NULL : &turn->reader->usage,
    };

    if (!turn->state->started)
        event_tell(turn->reader, &event);
    turn->state->started = true;
}

static void tell_error(struct event_reader *reader, struct span body)
{
    struct complaint complaint = {.kind = COMPLAINT_internal};
    struct event event = {.kind = EVENT_error, .complaint = &complaint};

    complaint_read(200, body, reader->translation->arena, &complaint);
    event_tell(reader, &event);
}

static void read_body(struct event_reader *reader, struct json_value body)
{
    static const struct span names[] = {WORD("candidates"),    WORD("promptFeedback"),
                                        WORD("usageMetadata"), WORD("modelVersion"),
                                        WORD("responseId"),    WORD("error")};
    struct json_value values[ARRAY_LEN(names)], candidate;
    struct turn_of_record turn = {.reader = reader, .state = reader->state};
    struct json_walk walk;
    struct span key;
    uint32_t place = 0;

    gemini_pick(body, names, ARRAY_LEN(names), values);
    if (values[5].kind != JSON_ABSENT) {
        tell_error(reader, body.raw);
        return;
    }
    arena_init(&turn.scratch, 0);
    gemini_read_usage(values[2], &reader->usage);
    reader->usage.raw = SPAN_NONE; /* the record's bytes are gone soon */
    tell_start(&turn, values[4], values[3]);
    if (values[0].kind == JSON_ARRAY)
        for (walk = json_walk(values[0]); json_next(&walk, &key, &candidate);)
            read_candidate(&turn, candidate, place++);
    if (gemini_member(values[1], SPAN("blockReason")).kind == JSON_STRING)
        turn.state->blocked = true;
    arena_done(&turn.scratch);
}

static void read_value(struct event_reader *reader, struct span text)
{
    struct json_value value, item;
    struct json_error error;
    struct json_walk walk;
    struct span key;

    if (!json_check(text, &value, &error) ||
        (value.kind != JSON_OBJECT && value.kind != JSON_ARRAY)) {
        event_fail(reader, COMPLAINT_bad_answer, TEXT_NONE);
        return;
    }
    if (value.kind == JSON_OBJECT) {
        read_body(reader, value);
        return;
    }
    for (walk = json_walk(value); json_next(&walk, &key, &item);)
        if (item.kind == JSON_OBJECT && !reader->failed)
            read_body(reader, item);
}

static void forget_buffer(void *what)
{
    buffer_done(what);
}

static void prepare(struct event_reader *reader)
{
    struct reader_state *state = reader->state;
    const struct chat *chat = reader->translation->chat;
    struct arena *arena = reader->translation->arena;

    buffer_init(&state->args, ARGS_LIMIT);
    arena_on_done(arena, forget_buffer, &state->args);
    state->has_args = true;
    state->keeps_words =
        chat && (hosted_is_asked(chat, HOSTED_search) || hosted_is_asked(chat, HOSTED_fetch));
    for (unsigned i = 0; i < CHOICES_MAX && state->keeps_words; i++) {
        buffer_init(&state->choice[i].words, WORDS_LIMIT);
        arena_on_done(arena, forget_buffer, &state->choice[i].words);
    }
}

void gemini_read_record(struct event_reader *reader, const struct sse_record *record)
{
    struct reader_state *state = reader->state;

    if (!state->has_args)
        prepare(reader);
    if (record->has_data)
        read_value(reader, record->data);
    else
        gemini_read_bare(reader, record->raw, read_value);
}

/* ---- the end --------------------------------------------------------------------------- */

static void tell_stop(struct turn_of_record *turn)
{
    struct choice_state *choice = choice_at(turn);
    enum stop_reason stop = (enum stop_reason)choice->stop;

    close_text(turn);
    tell_code(turn);
    if (stop == STOP_NONE) {
        event_fail(turn->reader, COMPLAINT_cut, TEXT_NONE);
        return;
    }
    if (stop == STOP_FAILED && !choice->said) {
        event_fail(turn->reader, COMPLAINT_internal,
                   TEXT("The provider's generation failed: nothing came of it."));
        return;
    }
    if (stop == STOP_END || stop == STOP_FAILED)
        stop = choice->called ? STOP_TOOL : STOP_END;
    tell(turn, (struct event){.kind = EVENT_stop, .stop = (uint8_t)stop});
}

void gemini_read_end(struct event_reader *reader)
{
    struct turn_of_record turn = {.reader = reader, .state = reader->state};
    struct event usage = {.kind = EVENT_usage, .usage = &reader->usage};
    struct event end = {.kind = EVENT_end};

    if (turn.state->choices == 0 && !turn.state->blocked)
        return; /* that was no answer: the caller says so */
    if (turn.state->choices == 0) {
        turn.state->choices = 1;
        turn.state->choice[0].stop = STOP_FILTER;
    }
    arena_init(&turn.scratch, 0);
    close_call(&turn);
    for (; turn.choice < turn.state->choices; turn.choice++)
        tell_stop(&turn);
    if (reader->usage.input != TOKENS_UNKNOWN)
        event_tell(reader, &usage);
    event_tell(reader, &end);
    arena_done(&turn.scratch);
}
