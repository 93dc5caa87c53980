/* Streams of providers, record by record: of OpenAI and of all who sound like it. Nothing is
 * kept but which blocks are open; texts are told from the record that they stand in. */
#include "shared/base/check.h"

#include "worker/translate/media.h"
#include "worker/translate/openai/openai_stream.h"

/* clang-format off */
#define DELTA_MEMBERS(M) \
    M(content) \
    M(refusal) \
    M(reasoning_content) \
    M(reasoning) \
    M(thinking_blocks) \
    M(tool_calls) \
    M(function_call) \
    M(annotations) \
    M(audio) \
    M(images)

/* clang-format on */

enum delta_member {
#define MEMBER(name) DELTA_##name,
    DELTA_MEMBERS(MEMBER)
#undef MEMBER
    DELTA_MEMBER_COUNT
};

static const struct span delta_keys[] = {DELTA_MEMBERS(MEMBER_KEY)};

static struct openai_reader *state_of(struct event_reader *reader)
{
    return reader->state;
}

/* ---- blocks of words --------------------------------------------------------------------- */

/* Where words of KIND stand in a stream that may repeat them; NULL: in one that does not. */
static struct said *said_by(struct event_reader *reader, const struct choice_state *choice,
                            enum block_kind kind)
{
    struct openai_repeats *repeats = state_of(reader)->repeats;

    if (!repeats || choice->number >= REPEATS_CHOICES ||
        (kind != BLOCK_text && kind != BLOCK_reasoning))
        return NULL;
    return &repeats->words[choice->number][kind == BLOCK_reasoning];
}

/* In the block that is open. */
static void tell_delta(struct event_reader *reader, const struct choice_state *choice,
                       struct text text)
{
    struct event event = {
        .kind = EVENT_delta,
        .block_kind = choice->words,
        .index = choice->block,
        .choice = choice->number,
        .text = text,
        .logprobs = state_of(reader)->logprobs,
    };

    if (text.len == 0)
        return;
    state_of(reader)->logprobs.kind = JSON_ABSENT;
    event_tell(reader, &event);
}

static void close_words(struct event_reader *reader, struct choice_state *choice)
{
    struct said *said = said_by(reader, choice, (enum block_kind)choice->words);
    struct event event = {
        .kind = EVENT_close,
        .block_kind = choice->words,
        .index = choice->block,
        .choice = choice->number,
    };

    if (!choice->is_open)
        return;
    if (said)
        tell_delta(reader, choice, openai_repeats_release(state_of(reader)->repeats, said));
    choice->is_open = false;
    event_tell(reader, &event);
}

/* Opens a block of KIND unless the choice has one; what else it has is over. */
static void open_words(struct event_reader *reader, struct choice_state *choice,
                       enum block_kind kind, bool redacted)
{
    struct event event = {
        .kind = EVENT_open,
        .block_kind = (uint8_t)kind,
        .choice = choice->number,
        .redacted = redacted,
    };

    if (choice->is_open && choice->words == kind && !redacted)
        return;
    close_words(reader, choice);
    openai_calls_close(reader, choice);
    choice->is_open = true;
    choice->words = (uint8_t)kind;
    choice->block = event.index = state_of(reader)->next_block++;
    event_tell(reader, &event);
}

static void tell_words(struct event_reader *reader, struct choice_state *choice,
                       enum block_kind kind, struct text text)
{
    struct said *said = said_by(reader, choice, kind);
    struct text first = TEXT_NONE;

    if (text.len == 0)
        return;
    if (said)
        text = openai_repeats_words(state_of(reader)->repeats, said, text, &first);
    if (said && text.len == 0 && first.len == 0 && state_of(reader)->repeats->held_at != said)
        return; /* nothing new: no block */
    open_words(reader, choice, kind, false);
    tell_delta(reader, choice, first);
    tell_delta(reader, choice, text);
}

/* Parts of Mistral's: texts and thoughts. */
static void tell_parts(struct event_reader *reader, struct choice_state *choice,
                       struct json_value list)
{
    static const struct span keys[] = {WORD("text"), WORD("thinking")};
    struct json_value values[ARRAY_LEN(keys)];
    struct json_walk walk = json_walk(list);
    struct json_value part, thought;
    struct json_walk thoughts;

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &part)) {
        pick_members(part, keys, ARRAY_LEN(keys), values);
        tell_words(reader, choice, BLOCK_text, text_of(values[0]));
        tell_words(reader, choice, BLOCK_reasoning, text_of(values[1]));
        thoughts = json_walk(values[1]);
        while (values[1].kind == JSON_ARRAY && json_next(&thoughts, NULL, &thought))
            if (thought.kind == JSON_OBJECT)
                tell_words(reader, choice, BLOCK_reasoning,
                           text_of(json_member(thought, SPAN("text"))));
    }
}

/* ---- reasoning --------------------------------------------------------------------------- */

static void tell_signature(struct event_reader *reader, struct choice_state *choice,
                           const struct block *block)
{
    struct event event = {
        .kind = EVENT_signature,
        .block_kind = BLOCK_reasoning,
        .origin = block->origin,
        .redacted = block->redacted,
        .choice = choice->number,
        .text = block->signature,
    };

    if (!block->signature.ptr)
        return;
    open_words(reader, choice, BLOCK_reasoning, block->redacted);
    event.index = choice->block;
    event_tell(reader, &event);
    /* A signature ends its block: the next thought is another one. */
    close_words(reader, choice);
}

/* The same words may stand in `reasoning_content` as well: SAID. */
static void tell_thinking_blocks(struct event_reader *reader, struct choice_state *choice,
                                 struct json_value list, bool said)
{
    struct json_walk walk = json_walk(list);
    struct json_value item;

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        struct block block = {.kind = BLOCK_reasoning, .origin = DIALECT_NONE};

        if (item.kind != JSON_OBJECT)
            continue;
        openai_read_thinking_block(item, &block);
        if (!said && !block.redacted)
            tell_words(reader, choice, BLOCK_reasoning, block.text);
        tell_signature(reader, choice, &block);
    }
}

static void tell_reasoning(struct event_reader *reader, struct choice_state *choice,
                           const struct json_value *delta)
{
    struct text text = text_of(
        openai_reasoning_member(delta[DELTA_reasoning_content], delta[DELTA_reasoning]));

    tell_words(reader, choice, BLOCK_reasoning, text);
    tell_thinking_blocks(reader, choice, delta[DELTA_thinking_blocks], text.len > 0);
}

/* ---- the rest of a delta ----------------------------------------------------------------- */

static void tell_citations(struct event_reader *reader, struct choice_state *choice,
                           struct json_value annotations)
{
    struct json_walk walk = json_walk(annotations);
    struct citation citation;
    struct event event = {
        .kind = EVENT_citation,
        .block_kind = BLOCK_text,
        .choice = choice->number,
        .citation = &citation,
    };
    struct json_value item;

    while (annotations.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        if (!openai_read_annotation(item, &citation))
            continue;
        open_words(reader, choice, BLOCK_text, false);
        event.index = choice->block;
        event_tell(reader, &event);
    }
}

/* An image comes whole. */
static void tell_image(struct event_reader *reader, struct choice_state *choice,
                       const struct media *media)
{
    struct event event = {
        .kind = EVENT_open,
        .block_kind = BLOCK_image,
        .choice = choice->number,
        .media = media,
    };

    close_words(reader, choice);
    openai_calls_close(reader, choice);
    event.index = state_of(reader)->next_block++;
    event_tell(reader, &event);
    event.kind = EVENT_close;
    event.media = NULL;
    event_tell(reader, &event);
}

static void tell_images(struct event_reader *reader, struct choice_state *choice,
                        struct json_value images)
{
    struct json_walk walk = json_walk(images);
    struct json_value item;

    while (images.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        struct json_value address = json_member(item, SPAN("image_url"));
        struct text url = text_of(json_member(address, SPAN("url")));
        struct media media = {.form = MEDIA_URL};

        if (media_read_address(url, reader->translation->arena, &media))
            tell_image(reader, choice, &media);
    }
}

static void read_delta(struct event_reader *reader, struct choice_state *choice,
                       struct json_value value)
{
    struct json_value delta[DELTA_MEMBER_COUNT];

    tell_words(reader, choice, BLOCK_text, text_of(value)); /* of models without messages */
    pick_members(value, delta_keys, DELTA_MEMBER_COUNT, delta);
    tell_reasoning(reader, choice, delta);
    tell_words(reader, choice, BLOCK_text, text_of(delta[DELTA_content]));
    tell_parts(reader, choice, delta[DELTA_content]);
    if (delta[DELTA_audio].kind == JSON_OBJECT)
        tell_words(reader, choice, BLOCK_text,
                   text_of(json_member(delta[DELTA_audio], SPAN("transcript"))));
    tell_words(reader, choice, BLOCK_refusal, text_of(delta[DELTA_refusal]));
    tell_citations(reader, choice, delta[DELTA_annotations]);
    tell_images(reader, choice, delta[DELTA_images]);
    openai_calls_read(reader, choice, delta[DELTA_tool_calls]);
    openai_calls_read_old(reader, choice, delta[DELTA_function_call]);
}

/* ---- choices ----------------------------------------------------------------------------- */

void openai_words_close(struct event_reader *reader, struct choice_state *choice)
{
    close_words(reader, choice);
}

static void stop_choice(struct event_reader *reader, struct choice_state *choice,
                        enum stop_reason stop, struct text sequence)
{
    struct event event = {.kind = EVENT_stop, .choice = choice->number};

    if (choice->stopped)
        return;
    close_words(reader, choice);
    openai_calls_close(reader, choice);
    choice->stopped = true;
    if (stop == STOP_END && sequence.ptr) {
        stop = STOP_SEQUENCE;
        event.stop_sequence = sequence;
    }
    if (stop == STOP_END && choice->called)
        stop = STOP_TOOL;
    event.stop = (uint8_t)stop;
    event_tell(reader, &event);
}

static struct choice_state *find_choice(struct event_reader *reader, struct json_value index)
{
    struct openai_reader *state = state_of(reader);
    struct choice_state *choice;
    uint64_t number = 0;

    (void)json_u64(index, &number);
    if (number >= CHOICE_LIMIT) {
        event_fail(reader, COMPLAINT_bad_answer,
                   TEXT("The provider's stream has too many choices."));
        return NULL;
    }
    choice = &state->choices[number];
    choice->number = (uint8_t)number;
    choice->seen = true;
    if (number >= state->choice_count)
        state->choice_count = (uint32_t)number + 1;
    return choice;
}

void openai_tell_choice(struct event_reader *reader, struct json_value item, struct span said)
{
    const struct span keys[] = {WORD("index"),         said,
                                WORD("finish_reason"), WORD("logprobs"),
                                WORD("stop_reason"),   WORD("usage")};
    struct json_value values[ARRAY_LEN(keys)];
    struct json_value none = {.kind = JSON_ABSENT};
    struct choice_state *choice;
    enum stop_reason stop;

    pick_members(item, keys, ARRAY_LEN(keys), values);
    choice = find_choice(reader, values[0]);
    openai_read_usage(values[5], &reader->usage);
    if (!choice || choice->stopped)
        return;
    state_of(reader)->logprobs = values[3].kind == JSON_OBJECT ? values[3] : none;
    read_delta(reader, choice, values[1]);
    stop = openai_finish_read(values[2]);
    if (stop == STOP_FAILED)
        event_fail(reader, COMPLAINT_internal, TEXT("The provider failed while it answered."));
    else if (stop != STOP_NONE)
        stop_choice(reader, choice, stop, text_of(values[4]));
}

/* ---- records ----------------------------------------------------------------------------- */

/* clang-format off */
#define CHUNK_MEMBERS(M) \
    M(id) \
    M(model) \
    M(created) \
    M(choices) \
    M(usage) \
    M(service_tier) \
    M(error) \
    M(base_resp) \
    M(x_groq)

/* clang-format on */

enum chunk_member {
#define MEMBER(name) CHUNK_##name,
    CHUNK_MEMBERS(MEMBER)
#undef MEMBER
    CHUNK_MEMBER_COUNT
};

/* Azure's first chunk has neither a name nor a choice: what it is comes with the next. */
static void start(struct event_reader *reader, const struct json_value *values, bool any_choice)
{
    struct translation *t = reader->translation;
    struct text id = text_of(values[CHUNK_id]);
    struct event event = {
        .kind = EVENT_start,
        .model = text_of(values[CHUNK_model]),
        .created = t->now,
    };

    if (state_of(reader)->started || (id.len == 0 && !any_choice))
        return;
    state_of(reader)->started = true;
    event.id = id.len > 0 ? id : make_id(t, "chatcmpl-");
    if (event.model.len == 0)
        event.model = text_escape(t->target.model, t->arena);
    (void)json_u64(values[CHUNK_created], &event.created);
    if (event.created == 0)
        event.created = t->now;
    event_tell(reader, &event);
}

static void read_usage(struct event_reader *reader, const struct json_value *values)
{
    openai_read_usage(values[CHUNK_usage], &reader->usage);
    if (values[CHUNK_usage].kind <= JSON_NULL && values[CHUNK_x_groq].kind == JSON_OBJECT)
        openai_read_usage(json_member(values[CHUNK_x_groq], SPAN("usage")), &reader->usage);
    usage_read_service(values[CHUNK_service_tier], &reader->usage);
    /* It points into a record that is about to go. */
    reader->usage.raw = SPAN_NONE;
}

static bool tell_error(struct event_reader *reader, const struct sse_record *record,
                       const struct json_value *values)
{
    struct complaint complaint;
    struct event event = {.kind = EVENT_error, .complaint = &complaint};
    struct arena *arena = reader->translation->arena;

    if (span_eq(record->event, SPAN("error")))
        complaint_read(200, record->data, arena, &complaint);
    else if (!openai_error_inside(values[CHUNK_error], values[CHUNK_base_resp], record->data,
                                  arena, &complaint))
        return false;
    event_tell(reader, &event);
    return true;
}

/* The end, when the provider said so or its stream is over and had an end. */
static void finish(struct event_reader *reader)
{
    struct openai_reader *state = state_of(reader);
    struct event usage = {.kind = EVENT_usage, .usage = &reader->usage};
    struct event end = {.kind = EVENT_end};

    for (unsigned i = 0; i < state->choice_count; i++) {
        if (!state->choices[i].seen || state->choices[i].stopped)
            continue;
        reader->repaired = true; /* no finish reason */
        stop_choice(reader, &state->choices[i], STOP_END, TEXT_NONE);
    }
    if (openai_usage_known(&reader->usage))
        event_tell(reader, &usage);
    event_tell(reader, &end);
}

static void read_done(struct event_reader *reader)
{
    struct openai_reader *state = state_of(reader);

    if (state->choice_count > 0)
        finish(reader);
    else
        event_fail(reader, COMPLAINT_bad_answer,
                   TEXT("The provider's stream ended without an answer."));
}

void openai_tell_choices(struct event_reader *reader, struct json_value choices,
                         struct span said)
{
    struct json_walk walk = json_walk(choices);
    struct json_value item;

    while (choices.kind == JSON_ARRAY && !reader->failed && json_next(&walk, NULL, &item))
        if (item.kind == JSON_OBJECT)
            openai_tell_choice(reader, item, said);
}

static bool has_item(struct json_value list)
{
    struct json_walk walk = json_walk(list);
    struct json_value item;

    return list.kind == JSON_ARRAY && json_next(&walk, NULL, &item);
}

void openai_read_record(struct event_reader *reader, const struct sse_record *record)
{
    static const struct span keys[] = {CHUNK_MEMBERS(MEMBER_KEY)};
    struct json_value values[CHUNK_MEMBER_COUNT];

    if (span_starts(record->data, SPAN("[DONE]"))) {
        read_done(reader);
        return;
    }
    if (!event_pick(reader, record->data, keys, ARRAY_LEN(keys), values))
        return;
    read_usage(reader, values);
    if (tell_error(reader, record, values))
        return;
    start(reader, values, has_item(values[CHUNK_choices]));
    openai_tell_choices(reader, values[CHUNK_choices], SPAN("delta"));
}

void openai_read_end(struct event_reader *reader)
{
    const struct openai_reader *state = state_of(reader);
    bool over = state->choice_count > 0;

    for (unsigned i = 0; i < state->choice_count; i++)
        over = over && (state->choices[i].stopped || !state->choices[i].seen);
    if (!over)
        return;
    reader->repaired = true; /* no end mark */
    finish(reader);
}

_Static_assert(sizeof(struct openai_reader) <= 8192, "what each stream costs");
