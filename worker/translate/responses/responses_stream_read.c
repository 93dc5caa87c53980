/* Streams of providers: events of this dialect as canonical ones. Parts and items are told
 * apart by their indexes, never by their ids, which some proxies make anew for each event. */
#include "shared/base/check.h"

#include "worker/translate/responses/responses_inside.h"

#define OPEN_MAX             128 /* items that are open at once */
#define LOGPROBS_LIMIT_BYTES (1U << 20)

/* A block that is open. */
struct slot {
    uint64_t output_index, content_index;
    uint32_t index; /* of the block */
    uint8_t kind;   /* enum block_kind */
    bool custom;
    bool spoke; /* a delta came */
};

struct stream_state {
    struct slot slots[OPEN_MAX];
    uint32_t count;
    uint32_t block_count;
    bool called; /* a tool */
    bool started;
    struct buffer logprobs; /* of one delta, as the canonical form has them */
};

_Static_assert(sizeof(struct stream_state) <= RESPONSES_READER_BYTES, "it has its room");

#define EVENT_MEMBERS(M) \
    M(type)              \
    M(response)          \
    M(output_index)      \
    M(content_index)     \
    M(summary_index)     \
    M(item)              \
    M(part)              \
    M(delta)             \
    M(text)              \
    M(refusal)           \
    M(arguments)         \
    M(input)             \
    M(logprobs)          \
    M(annotation)

enum event_member {
#define MEMBER(name) MEMBER_##name,
    EVENT_MEMBERS(MEMBER)
#undef MEMBER
    EVENT_MEMBER_COUNT
};

struct reading {
    struct event_reader *reader;
    struct stream_state *state;
    struct span data; /* of the record */
    struct json_value values[EVENT_MEMBER_COUNT];
};

/* ---- slots ------------------------------------------------------------------------------- */

static uint64_t number(struct json_value value)
{
    uint64_t index = 0;

    (void)json_u64(value, &index);
    return index;
}

static struct slot *find(struct reading *reading, uint64_t content_index)
{
    uint64_t output_index = number(reading->values[MEMBER_output_index]);

    for (uint32_t i = 0; i < reading->state->count; i++) {
        struct slot *slot = &reading->state->slots[i];

        if (slot->output_index == output_index && slot->content_index == content_index)
            return slot;
    }
    return NULL;
}

static struct event of_slot(const struct slot *slot, enum event_kind kind)
{
    return (struct event){
        .kind = (uint8_t)kind,
        .block_kind = slot->kind,
        .index = slot->index,
        .custom = slot->custom,
        .origin = DIALECT_NONE,
    };
}

static struct slot *open_slot(struct reading *reading, enum block_kind kind,
                              uint64_t content_index, struct event *ret_event)
{
    struct stream_state *state = reading->state;
    struct slot *slot;

    if (state->count == OPEN_MAX) {
        event_fail(reading->reader, COMPLAINT_bad_answer, TEXT_NONE);
        return NULL;
    }
    slot = &state->slots[state->count++];
    *slot = (struct slot){
        .output_index = number(reading->values[MEMBER_output_index]),
        .content_index = content_index,
        .index = state->block_count++,
        .kind = (uint8_t)kind,
    };
    *ret_event = of_slot(slot, EVENT_open);
    return slot;
}

static struct slot *open_plain(struct reading *reading, enum block_kind kind,
                               uint64_t content_index)
{
    struct event event;
    struct slot *slot = open_slot(reading, kind, content_index, &event);

    if (slot)
        event_tell(reading->reader, &event);
    return slot;
}

static void close_slot(struct reading *reading, struct slot *slot)
{
    struct stream_state *state = reading->state;
    struct event event = of_slot(slot, EVENT_close);

    event_tell(reading->reader, &event);
    *slot = state->slots[--state->count];
}

static void tell_delta(struct reading *reading, struct slot *slot, struct text text)
{
    struct event event = of_slot(slot, EVENT_delta);

    if (text.len == 0)
        return;
    slot->spoke = true;
    event.text = text;
    if (slot->kind == BLOCK_text)
        responses_wrap_logprobs(reading->values[MEMBER_logprobs], &reading->state->logprobs,
                                &event.logprobs);
    event_tell(reading->reader, &event);
}

/* ---- the stream begins ------------------------------------------------------------------- */

static void release(void *what)
{
    buffer_done(what);
}

static void started(struct reading *reading)
{
    static const struct span keys[] = {WORD("id"), WORD("model"), WORD("created_at")};
    struct json_value values[ARRAY_LEN(keys)];
    struct event event = {.kind = EVENT_start};

    if (reading->state->started)
        return;
    reading->state->started = true;
    buffer_init(&reading->state->logprobs, LOGPROBS_LIMIT_BYTES);
    arena_on_done(reading->reader->translation->arena, release, &reading->state->logprobs);
    if (!json_text_eq(reading->values[MEMBER_type], SPAN("response.created")))
        reading->reader->repaired = true;
    pick_members(reading->values[MEMBER_response], keys, ARRAY_LEN(keys), values);
    event.id = text_of(values[0]);
    event.model = text_of(values[1]);
    (void)json_u64(values[2], &event.created);
    event_tell(reading->reader, &event);
}

/* ---- parts of messages ------------------------------------------------------------------- */

static uint64_t place(const struct reading *reading)
{
    return number(reading->values[MEMBER_content_index]);
}

static void delta_of(struct reading *reading, enum block_kind kind)
{
    struct slot *slot = find(reading, place(reading));

    if (!slot) {
        reading->reader->repaired = true; /* no part was added */
        slot = open_plain(reading, kind, place(reading));
    }
    if (slot)
        tell_delta(reading, slot, text_of(reading->values[MEMBER_delta]));
}

static void part_added(struct reading *reading)
{
    struct json_value type = json_member(reading->values[MEMBER_part], SPAN("type"));

    if (json_text_eq(type, SPAN("output_text")) && !find(reading, place(reading)))
        (void)open_plain(reading, BLOCK_text, place(reading));
    if (json_text_eq(type, SPAN("refusal")) && !find(reading, place(reading)))
        (void)open_plain(reading, BLOCK_refusal, place(reading));
}

/* What came in no delta comes with the end. */
static void part_done(struct reading *reading)
{
    struct slot *slot = find(reading, place(reading));
    struct json_value part = reading->values[MEMBER_part];

    if (!slot || (slot->kind != BLOCK_text && slot->kind != BLOCK_refusal))
        return;
    if (!slot->spoke)
        tell_delta(reading, slot,
                   text_of(json_member(part, slot->kind == BLOCK_text ? SPAN("text")
                                                                      : SPAN("refusal"))));
    close_slot(reading, slot);
}

static void text_delta(struct reading *reading)
{
    delta_of(reading, BLOCK_text);
}

static void refusal_delta(struct reading *reading)
{
    delta_of(reading, BLOCK_refusal);
}

static void annotation_added(struct reading *reading)
{
    struct slot *slot = find(reading, place(reading));
    struct citation citation;
    struct event event;

    if (!slot || !responses_read_annotation(reading->values[MEMBER_annotation], &citation))
        return;
    event = of_slot(slot, EVENT_citation);
    event.citation = &citation;
    event_tell(reading->reader, &event);
}

/* ---- reasoning --------------------------------------------------------------------------- */

/* A summary has several parts: a blank line stands between. */
static void summary_added(struct reading *reading)
{
    struct slot *slot = find(reading, 0);

    if (slot && slot->kind == BLOCK_reasoning && slot->spoke)
        tell_delta(reading, slot, TEXT("\\n\\n"));
}

static void reasoning_delta(struct reading *reading)
{
    struct slot *slot = find(reading, 0);

    if (!slot)
        slot = open_plain(reading, BLOCK_reasoning, 0);
    if (slot)
        tell_delta(reading, slot, text_of(reading->values[MEMBER_delta]));
}

static void reasoning_done(struct reading *reading, struct slot *slot)
{
    struct block block = {.kind = BLOCK_reasoning};
    struct event event;

    responses_read_reasoning(reading->values[MEMBER_item], reading->reader->translation->arena,
                             &block);
    if (!slot->spoke)
        tell_delta(reading, slot, block.text);
    if (block.signature.ptr) {
        event = of_slot(slot, EVENT_signature);
        event.text = block.signature;
        event.origin = block.origin;
        event_tell(reading->reader, &event);
    }
    close_slot(reading, slot);
}

/* ---- calls ------------------------------------------------------------------------------- */

static void open_call(struct reading *reading, bool custom)
{
    static const struct span keys[] = {WORD("call_id"), WORD("name")};
    struct json_value values[ARRAY_LEN(keys)];
    struct event event;
    struct slot *slot = open_slot(reading, BLOCK_tool_call, 0, &event);

    if (!slot)
        return;
    pick_members(reading->values[MEMBER_item], keys, ARRAY_LEN(keys), values);
    slot->custom = event.custom = custom;
    event.id = text_of(values[0]);
    event.name = tool_name_back(reading->reader->translation, text_of(values[1]));
    reading->state->called = true;
    event_tell(reading->reader, &event);
}

static void call_delta(struct reading *reading)
{
    struct slot *slot = find(reading, 0);

    if (slot && slot->kind == BLOCK_tool_call)
        tell_delta(reading, slot, text_of(reading->values[MEMBER_delta]));
}

static void call_done(struct reading *reading, struct slot *slot)
{
    struct span member = slot->custom ? SPAN("input") : SPAN("arguments");

    if (!slot->spoke)
        tell_delta(reading, slot, text_of(json_member(reading->values[MEMBER_item], member)));
    close_slot(reading, slot);
}

/* ---- items ------------------------------------------------------------------------------- */

static void item_added(struct reading *reading)
{
    struct json_value type = json_member(reading->values[MEMBER_item], SPAN("type"));

    if (json_text_eq(type, SPAN("function_call")))
        open_call(reading, false);
    else if (json_text_eq(type, SPAN("custom_tool_call")))
        open_call(reading, true);
    else if (json_text_eq(type, SPAN("reasoning")))
        (void)open_plain(reading, BLOCK_reasoning, 0);
}

/* A message that had no parts of its own in the stream. */
static void message_done(struct reading *reading)
{
    uint64_t output_index = number(reading->values[MEMBER_output_index]);

    for (uint32_t i = reading->state->count; i > 0; i--) {
        if (reading->state->slots[i - 1].output_index != output_index)
            continue;
        reading->reader->repaired = true;
        close_slot(reading, &reading->state->slots[i - 1]);
    }
}

/* What a hosted tool did is told when it is whole. */
static bool act_done(struct reading *reading)
{
    struct act *act =
        responses_read_act(reading->values[MEMBER_item], reading->reader->translation->arena);
    struct event event = {.kind = EVENT_open,
                          .block_kind = BLOCK_hosted,
                          .origin = DIALECT_responses,
                          .act = act};

    if (!act)
        return false;
    usage_note_act(&reading->reader->usage, act);
    event.index = reading->state->block_count++;
    event_tell(reading->reader, &event);
    event.kind = EVENT_close;
    event_tell(reading->reader, &event);
    return true;
}

/* Items that only this dialect has. */
static void drop_unknown(struct reading *reading)
{
    static const struct span known[] = {WORD("message"), WORD("reasoning"),
                                        WORD("function_call"), WORD("custom_tool_call")};
    struct json_value type = json_member(reading->values[MEMBER_item], SPAN("type"));

    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (json_text_eq(type, known[i]))
            return;
    if (type.kind == JSON_STRING)
        responses_drop_answer(reading->reader->translation, type);
}

static void item_done(struct reading *reading)
{
    struct slot *slot = find(reading, 0);

    if (act_done(reading))
        return;
    drop_unknown(reading);
    if (slot && slot->kind == BLOCK_reasoning)
        reasoning_done(reading, slot);
    else if (slot && slot->kind == BLOCK_tool_call)
        call_done(reading, slot);
    else
        message_done(reading);
}

/* ---- the stream ends --------------------------------------------------------------------- */

static enum stop_reason stop_of(const struct reading *reading)
{
    struct json_value response = reading->values[MEMBER_response];
    struct json_value details = json_member(response, SPAN("incomplete_details"));

    if (details.kind == JSON_OBJECT)
        return json_text_eq(json_member(details, SPAN("reason")), SPAN("content_filter"))
                   ? STOP_FILTER
                   : STOP_LENGTH;
    return reading->state->called ? STOP_TOOL : STOP_END;
}

static void ended(struct reading *reading)
{
    struct event_reader *reader = reading->reader;
    struct json_value response = reading->values[MEMBER_response];
    struct event event = {.kind = EVENT_stop};

    started(reading);
    if (reading->state->count > 0)
        reader->repaired = true; /* items without an end */
    while (reading->state->count > 0)
        close_slot(reading, &reading->state->slots[reading->state->count - 1]);
    event.stop = (uint8_t)stop_of(reading);
    event_tell(reader, &event);
    responses_read_usage(json_member(response, SPAN("usage")), &reader->usage);
    usage_read_service(json_member(response, SPAN("service_tier")), &reader->usage);
    event = (struct event){.kind = EVENT_usage, .usage = &reader->usage};
    event_tell(reader, &event);
    event = (struct event){.kind = EVENT_end};
    event_tell(reader, &event);
}

static void failed(struct reading *reading)
{
    struct complaint complaint;
    struct event event = {.kind = EVENT_error, .complaint = &complaint};
    struct span words = reading->data;

    if (reading->values[MEMBER_response].kind == JSON_OBJECT)
        words = reading->values[MEMBER_response].raw;
    complaint_read(200, words, reading->reader->translation->arena, &complaint);
    event_tell(reading->reader, &event);
}

/* ---- events by their names --------------------------------------------------------------- */

static const struct {
    struct span type;
    void (*take)(struct reading *reading);
} rows[] = {
    {WORD("response.output_text.delta"), text_delta},
    {WORD("response.function_call_arguments.delta"), call_delta},
    {WORD("response.reasoning_summary_text.delta"), reasoning_delta},
    {WORD("response.reasoning_text.delta"), reasoning_delta},
    {WORD("response.refusal.delta"), refusal_delta},
    {WORD("response.custom_tool_call_input.delta"), call_delta},
    {WORD("response.created"), started},
    {WORD("response.in_progress"), started},
    {WORD("response.output_item.added"), item_added},
    {WORD("response.output_item.done"), item_done},
    {WORD("response.content_part.added"), part_added},
    {WORD("response.content_part.done"), part_done},
    {WORD("response.reasoning_summary_part.added"), summary_added},
    {WORD("response.output_text.annotation.added"), annotation_added},
    {WORD("response.completed"), ended},
    {WORD("response.incomplete"), ended},
    {WORD("response.failed"), failed},
    {WORD("error"), failed},
};

void responses_read_record(struct event_reader *reader, const struct sse_record *record)
{
    static const struct span keys[] = {EVENT_MEMBERS(MEMBER_KEY)};
    struct reading reading = {.reader = reader, .state = reader->state, .data = record->data};

    if (span_eq(span_trim(record->data), SPAN("[DONE]")) || /* of some look-alikes */
        !event_pick(reader, record->data, keys, ARRAY_LEN(keys), reading.values))
        return;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (!json_text_eq(reading.values[MEMBER_type], rows[i].type))
            continue;
        if (rows[i].take != failed)
            started(&reading);
        rows[i].take(&reading);
        return;
    }
}

/* Only a terminal event ends a stream. */
void responses_read_end(struct event_reader *reader)
{
    (void)reader;
}
