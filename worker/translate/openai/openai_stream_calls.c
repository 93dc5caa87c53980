/* Calls of tools in streams. In theory each has an index, an id and a name in its first piece
 * and its index alone in the others. In practice indexes begin at 1, are missing or are all 0,
 * ids are empty, "null" or repeated, names come twice or late, arguments are null or whole. */
#include "shared/base/check.h"

#include "worker/translate/openai/openai_stream.h"

_Static_assert(REPEATS_CALLS == CALL_LIMIT, "each call has a place");

struct piece {
    struct json_value index;
    struct text id, name;
    struct json_value arguments; /* or the input of a custom tool */
    struct json_value extra_content;
    bool custom;
    bool old; /* a `function_call`, which has no id */
};

static struct openai_reader *state_of(struct event_reader *reader)
{
    return reader->state;
}

/* FNV-1a: only tells ids of one stream apart. */
static uint64_t hash_id(struct text id)
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ (unsigned char)id.ptr[i]) * 0x100000001b3ULL;
    return hash;
}

static void read_piece(struct json_value item, struct piece *ret)
{
    static const struct span keys[] = {WORD("index"), WORD("id"), WORD("function"),
                                       WORD("custom"), WORD("extra_content")};
    static const struct span called_keys[] = {WORD("name"), WORD("arguments"), WORD("input")};
    struct json_value values[ARRAY_LEN(keys)], called[ARRAY_LEN(called_keys)];

    pick_members(item, keys, ARRAY_LEN(keys), values);
    ret->old = false;
    ret->custom = values[3].kind == JSON_OBJECT;
    pick_members(values[ret->custom ? 3 : 2], called_keys, ARRAY_LEN(called_keys), called);
    ret->index = values[0];
    ret->id = text_of(values[1]);
    if (text_is(ret->id, SPAN("null")))
        ret->id = TEXT_NONE;
    ret->name = text_of(called[0]);
    ret->arguments = called[ret->custom ? 2 : 1];
    ret->extra_content = values[4];
}

/* The call that PIECE belongs to: by its index, else by its id, else the last one. NULL: it
 * begins a new one. */
static struct call_state *find_call(struct openai_reader *state,
                                    const struct choice_state *choice,
                                    const struct piece *piece)
{
    uint64_t hash = hash_id(piece->id), index = 0;
    bool by_index = json_u64(piece->index, &index);
    bool renamed;

    for (uint32_t i = state->call_count; i > 0; i--) {
        struct call_state *call = &state->calls[i - 1];

        if (call->choice != choice->number || (by_index && call->index != index))
            continue;
        /* One index for all calls: another id with a name is another call. */
        renamed = piece->id.len > 0 && hash != call->id_hash;
        if (!renamed)
            return call;
        if (by_index)
            return piece->name.len > 0 ? NULL : call;
    }
    return NULL;
}

static void tell_open(struct event_reader *reader, struct choice_state *choice,
                      const struct call_state *call, const struct piece *piece)
{
    struct translation *t = reader->translation;
    struct block block = {.kind = BLOCK_tool_call, .origin = DIALECT_NONE};
    struct event event = {
        .kind = EVENT_open,
        .block_kind = BLOCK_tool_call,
        .custom = piece->custom,
        .index = call->block,
        .choice = choice->number,
    };

    if (piece->id.len == 0 && !piece->old)
        reader->repaired = true;
    openai_read_call_id(piece->id.len > 0 ? piece->id : make_id(t, "call_"),
                        piece->extra_content, t->arena, &block);
    event.id = block.id;
    event.name = tool_name_back(t, piece->name.ptr ? piece->name : TEXT(""));
    event_tell(reader, &event);
    if (block.signature.len == 0)
        return;
    event.kind = EVENT_signature;
    event.origin = block.origin;
    event.text = block.signature;
    event_tell(reader, &event);
}

static struct call_state *open_call(struct event_reader *reader, struct choice_state *choice,
                                    const struct piece *piece)
{
    struct openai_reader *state = state_of(reader);
    struct call_state *call;
    uint64_t index = state->call_count;

    if (state->call_count == CALL_LIMIT) {
        event_fail(reader, COMPLAINT_bad_answer,
                   TEXT("The provider's stream calls too many tools."));
        return NULL;
    }
    (void)json_u64(piece->index, &index);
    openai_words_close(reader, choice);
    choice->called = true;
    call = &state->calls[state->call_count++];
    *call = (struct call_state){
        .id_hash = hash_id(piece->id),
        .index = (uint32_t)index,
        .block = state->next_block++,
        .choice = choice->number,
    };
    tell_open(reader, choice, call, piece);
    return call;
}

static void tell_arguments(struct event_reader *reader, struct choice_state *choice,
                           const struct call_state *call, struct text text)
{
    struct openai_reader *state = state_of(reader);
    struct event event = {
        .kind = EVENT_delta,
        .block_kind = BLOCK_tool_call,
        .index = call->block,
        .choice = choice->number,
    };

    if (state->repeats && text.len > 0)
        text = openai_repeats_arguments(state->repeats,
                                        &state->repeats->calls[call - state->calls], text);
    event.text = text;
    if (text.len == 0)
        return;
    if (call->closed)
        event_fail(reader, COMPLAINT_bad_answer,
                   TEXT("The provider's stream goes on with a call that was over."));
    else
        event_tell(reader, &event);
}

/* Keeps the id of a call whose name is still to come; true when PIECE is no more than that. */
static bool hold_id(struct openai_reader *state, const struct piece *piece)
{
    bool early = piece->name.len == 0 && text_of(piece->arguments).len == 0 &&
                 piece->arguments.kind != JSON_OBJECT;

    if (!early)
        return false;
    if (piece->id.len > 0 && piece->id.len <= HELD_BYTES) {
        memcpy(state->held, piece->id.ptr, piece->id.len);
        state->held_len = (uint8_t)piece->id.len;
    }
    return true;
}

static void read_call(struct event_reader *reader, struct choice_state *choice,
                      struct piece *piece)
{
    struct openai_reader *state = state_of(reader);
    struct call_state *call = find_call(state, choice, piece);

    if (!call) {
        if (hold_id(state, piece))
            return;
        if (piece->id.len == 0 && state->held_len > 0)
            piece->id = (struct text){state->held, state->held_len};
        call = open_call(reader, choice, piece);
        state->held_len = 0;
    }
    if (!call)
        return;
    if (piece->arguments.kind != JSON_OBJECT) {
        tell_arguments(reader, choice, call, text_of(piece->arguments));
        return;
    }
    /* Some send the object itself, whole. */
    reader->repaired = true;
    tell_arguments(reader, choice, call,
                   text_escape(piece->arguments.raw, reader->translation->arena));
}

void openai_calls_read(struct event_reader *reader, struct choice_state *choice,
                       struct json_value list)
{
    struct json_walk walk = json_walk(list);
    struct json_value item;
    struct piece piece;

    while (list.kind == JSON_ARRAY && !reader->failed && json_next(&walk, NULL, &item)) {
        read_piece(item, &piece);
        read_call(reader, choice, &piece);
    }
}

void openai_calls_read_old(struct event_reader *reader, struct choice_state *choice,
                           struct json_value call)
{
    struct piece piece = {.old = true};

    if (call.kind != JSON_OBJECT || reader->failed)
        return;
    piece.name = text_of(json_member(call, SPAN("name")));
    piece.arguments = json_member(call, SPAN("arguments"));
    read_call(reader, choice, &piece);
}

void openai_calls_close(struct event_reader *reader, struct choice_state *choice)
{
    struct openai_reader *state = state_of(reader);
    struct event event = {
        .kind = EVENT_close,
        .block_kind = BLOCK_tool_call,
        .choice = choice->number,
    };

    for (uint32_t i = 0; i < state->call_count; i++) {
        struct call_state *call = &state->calls[i];

        if (call->choice != choice->number || call->closed)
            continue;
        call->closed = true;
        event.index = call->block;
        event_tell(reader, &event);
    }
}
