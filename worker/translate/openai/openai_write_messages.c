/* Requests on the way out: the conversation, turn by turn. */
#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"

#include "worker/translate/call.h"
#include "worker/translate/media.h"
#include "worker/translate/openai/openai_writing.h"

#define CALL_ID_LIMIT_BYTES 40
#define SHORT_ID_BYTES      9
#define RESULT_MEDIA_NOTE   "[see the next message]"

/* ---- ids --------------------------------------------------------------------------------- */

static bool is_short_id(struct text id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return id.len == SHORT_ID_BYTES;
}

/* Nine digits of a hash: the same id gives the same answer in each request. */
static struct text short_id(struct text id, struct arena *arena)
{
    char *to = arena_take_text(arena, SHORT_ID_BYTES);
    uint64_t number = 0;
    uint8_t hash[32];

    hash_sha256(span_of(id.ptr, id.len), hash);
    for (unsigned i = 0; i < sizeof(number); i++)
        number = number << 8 | hash[i];
    encode_base62(number >> 11, to, SHORT_ID_BYTES);
    return (struct text){to, SHORT_ID_BYTES};
}

struct text openai_target_call_id(struct chat_writing *writing, struct text id)
{
    if (has_quirk(writing, QUIRK_SHORT_CALL_IDS))
        return is_short_id(id) ? id : short_id(id, writing->arena);
    if (id.len > CALL_ID_LIMIT_BYTES)
        return call_id_out(writing->t, id, CALL_ID_LIMIT_BYTES);
    return id;
}

/* ---- texts ------------------------------------------------------------------------------- */

static void write_inside(struct chat_writing *writing, const struct buffer *joined)
{
    json_write_inside(writing->json, buffer_span(joined));
}

static void append_text(struct buffer *out, struct text text, const char *between)
{
    if (out->len > 0)
        (void)buffer_append(out, span_of_text(between));
    (void)buffer_append(out, span_of(text.ptr, text.len));
}

/* The texts of TURN that are of KIND as one string; a single one is not copied first. */
static bool write_joined(struct chat_writing *writing, const struct turn_block *list,
                         enum block_kind kind, struct span key, const char *between)
{
    const struct turn_block *first = NULL;
    struct buffer joined _buffer_ = {0};
    unsigned count = 0;

    buffer_init(&joined, SIZE_MAX);
    for (const struct turn_block *at = list; at; at = at->next) {
        if (at->block->kind != kind)
            continue;
        first = count++ == 0 ? at : first;
    }
    if (count == 0)
        return false;
    json_write_key(writing->json, key);
    if (count == 1) {
        text_write(writing->json, first->block->text.ptr ? first->block->text : TEXT(""));
        return true;
    }
    for (const struct turn_block *at = first; at; at = at->next)
        if (at->block->kind == kind)
            append_text(&joined, at->block->text, between);
    write_inside(writing, &joined);
    return true;
}

static void open_message(struct chat_writing *writing, struct span role, struct text name)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("role"), role);
    if (name.ptr && has_quirk(writing, QUIRK_NO_NAMES))
        drop(writing->t, SPAN("messages.name"));
    else
        text_write_known(writing->json, SPAN("name"), name);
}

/* ---- users and systems ------------------------------------------------------------------- */

static bool is_media(const struct block *block)
{
    return block->kind == BLOCK_image || block->kind == BLOCK_audio ||
           (block->kind == BLOCK_document && block->media.form != MEDIA_TEXT);
}

/* A mark where the target has no place for one. */
static void drop_mark(struct chat_writing *writing, const struct block *block)
{
    if (block->cache != CACHE_NONE)
        openai_drop_word(writing, CLIENT_cache);
}

/* What a tool gave back as words; media go to the user's message that follows. */
static void write_result(struct chat_writing *writing, const struct block *result)
{
    struct buffer words _buffer_;

    buffer_init(&words, SIZE_MAX);
    drop_mark(writing, result);
    for (const struct block *block = result->content; block; block = block->next) {
        if (!is_media(block))
            drop_mark(writing, block);
        if (is_media(block))
            append_text(&words, TEXT(RESULT_MEDIA_NOTE), "\\n");
        else if (block->kind == BLOCK_other)
            append_text(&words, text_escape(block->raw.raw, writing->arena), "\\n");
        else
            append_text(&words, block->kind == BLOCK_document ? block->media.data : block->text,
                        "\\n");
    }
    open_message(writing, SPAN("tool"), TEXT_NONE);
    text_write_member(writing->json, SPAN("tool_call_id"),
                      openai_target_call_id(writing, result->id));
    json_write_key(writing->json, SPAN("content"));
    if (result->is_error)
        json_write_inside_two(writing->json, words.len > 0 ? SPAN("Error: ") : SPAN("Error"),
                              buffer_span(&words));
    else
        write_inside(writing, &words);
    json_write_object_end(writing->json);
}

static bool write_parts_of(struct chat_writing *writing, const struct turn *turn)
{
    for (const struct turn_block *at = turn->blocks; at; at = at->next)
        for (const struct block *block = at->block->content; block; block = block->next)
            if (is_media(block) && !openai_write_part(writing, block))
                return false;
    for (const struct turn_block *at = turn->blocks; at; at = at->next)
        if (at->block->kind != BLOCK_tool_result && !openai_write_part(writing, at->block))
            return false;
    return true;
}

/* The user's words, when they are one text and nothing else: a string, which every host takes.
 */
static const struct block *only_text(const struct chat_writing *writing,
                                     const struct turn *turn)
{
    const struct block *text = NULL;

    for (const struct turn_block *at = turn->blocks; at; at = at->next) {
        if (at->block->kind == BLOCK_tool_result)
            continue;
        if (text || at->block->kind != BLOCK_text ||
            (at->block->cache != CACHE_NONE && openai_takes_marks(writing)))
            return NULL;
        text = at->block;
    }
    return text;
}

/* Writes the results of tools; whether the user has more to say. */
static bool write_results(struct chat_writing *writing, const struct turn *turn,
                          bool *ret_media)
{
    bool words = !turn->blocks;

    for (const struct turn_block *at = turn->blocks; at; at = at->next) {
        if (at->block->kind != BLOCK_tool_result) {
            words = true;
            continue;
        }
        write_result(writing, at->block);
        for (const struct block *block = at->block->content; block; block = block->next)
            *ret_media = *ret_media || is_media(block);
    }
    return words || *ret_media;
}

static bool write_user(struct chat_writing *writing, const struct turn *turn, struct text name)
{
    const struct block *text;
    bool media = false;

    if (!write_results(writing, turn, &media))
        return true;
    open_message(writing, SPAN("user"), name);
    text = media ? NULL : only_text(writing, turn);
    json_write_key(writing->json, SPAN("content"));
    if (text) {
        text_write(writing->json, text->text);
        if (text->cache != CACHE_NONE)
            openai_drop_word(writing, CLIENT_cache);
    } else {
        json_write_array(writing->json);
        if (!write_parts_of(writing, turn))
            return false;
        json_write_array_end(writing->json);
    }
    json_write_object_end(writing->json);
    return true;
}

static bool any_mark(const struct turn_block *list)
{
    for (; list; list = list->next)
        if (list->block->cache != CACHE_NONE)
            return true;
    return false;
}

static void write_system(struct chat_writing *writing, struct span role, struct text name,
                         const struct turn_block *blocks)
{
    if (has_quirk(writing, QUIRK_NO_DEVELOPER_ROLE))
        role = SPAN("system");
    open_message(writing, role, name);
    if (any_mark(blocks) && openai_takes_marks(writing)) {
        json_write_key(writing->json, SPAN("content"));
        json_write_array(writing->json);
        for (; blocks; blocks = blocks->next)
            openai_write_text_part(writing, blocks->block, blocks->block->text);
        json_write_array_end(writing->json);
    } else {
        if (any_mark(blocks))
            openai_drop_word(writing, CLIENT_cache);
        if (!write_joined(writing, blocks, BLOCK_text, SPAN("content"), "\\n"))
            json_write_member_text(writing->json, SPAN("content"), SPAN(""));
    }
    json_write_object_end(writing->json);
}

/* ---- assistants -------------------------------------------------------------------------- */

static void write_call(struct chat_writing *writing, const struct block *call)
{
    struct json_writer *json = writing->json;
    bool custom = call->custom && !is_look_alike(writing);
    struct span kind = custom ? SPAN("custom") : SPAN("function");

    json_write_object(json);
    text_write_member(json, SPAN("id"), openai_target_call_id(writing, call->id));
    json_write_member_text(json, SPAN("type"), kind);
    json_write_key(json, kind);
    json_write_object(json);
    text_write_member(json, SPAN("name"), tool_name_out(writing->t, call->name, "", 64));
    if (custom)
        text_write_member(json, SPAN("input"),
                          call->arguments.ptr ? call->arguments : TEXT(""));
    else
        text_write_member(json, SPAN("arguments"), call_arguments(call, writing->arena));
    json_write_object_end(json);
    json_write_object_end(json);
}

static void write_calls(struct chat_writing *writing, const struct turn *turn)
{
    json_write_key(writing->json, SPAN("tool_calls"));
    json_write_array(writing->json);
    for (const struct turn_block *at = turn->blocks; at; at = at->next)
        if (at->block->kind == BLOCK_tool_call)
            write_call(writing, at->block);
    json_write_array_end(writing->json);
}

static bool turn_has(const struct turn *turn, enum block_kind kind)
{
    for (const struct turn_block *at = turn->blocks; at; at = at->next)
        if (at->block->kind == kind)
            return true;
    return false;
}

/* Hosts that reason between the calls of tools want to see that again; of turns without calls,
 * and at all others, it is refused or of no use. */
static void write_reasoning(struct chat_writing *writing, const struct turn *turn,
                            bool among_calls)
{
    if (!turn_has(turn, BLOCK_reasoning))
        return;
    if (!has_quirk(writing, QUIRK_KEEPS_REASONING) || !among_calls)
        openai_drop_word(writing, CLIENT_reasoning);
    else
        (void)write_joined(writing, turn->blocks, BLOCK_reasoning, SPAN("reasoning_content"),
                           "");
}

/* Members of an earlier answer that only this dialect has. */
static void write_others(struct chat_writing *writing, const struct turn *turn)
{
    for (const struct turn_block *at = turn->blocks; at; at = at->next) {
        const struct block *block = at->block;
        bool ours =
            block->kind == BLOCK_other && block->origin == DIALECT_openai && block->name.ptr;

        /* reasoning_details are OpenRouter's. */
        if (ours && text_is(block->name, SPAN("audio")) == is_look_alike(writing))
            ours = false;
        if (ours) {
            json_write_key(writing->json, span_of(block->name.ptr, block->name.len));
            json_write_raw(writing->json, block->raw.raw);
        } else if (block->kind == BLOCK_other || block->kind == BLOCK_hosted ||
                   is_media(block)) {
            openai_drop_block(writing, block);
        }
    }
}

static void write_assistant(struct chat_writing *writing, const struct turn *turn,
                            struct text name, bool among_calls)
{
    bool calls = turn_has(turn, BLOCK_tool_call) && !has_quirk(writing, QUIRK_NO_TOOLS);

    if (any_mark(turn->blocks))
        openai_drop_word(writing, CLIENT_cache);
    open_message(writing, SPAN("assistant"), name);
    if (!write_joined(writing, turn->blocks, BLOCK_text, SPAN("content"), "")) {
        if (!calls && !turn_has(turn, BLOCK_refusal))
            json_write_member_text(writing->json, SPAN("content"), SPAN(""));
        else if (!has_quirk(writing, QUIRK_STRIPS_NULLS))
            json_write_member_text(writing->json, SPAN("content"), SPAN_NONE);
    }
    write_reasoning(writing, turn, among_calls);
    if (!is_look_alike(writing))
        (void)write_joined(writing, turn->blocks, BLOCK_refusal, SPAN("refusal"), "");
    write_others(writing, turn);
    if (calls)
        write_calls(writing, turn);
    json_write_object_end(writing->json);
}

/* ---- the conversation -------------------------------------------------------------------- */

static bool write_turn(struct chat_writing *writing, const struct turn *turn, struct text name,
                       bool among_calls)
{
    switch ((enum message_role)turn->role) {
    case ROLE_system: write_system(writing, SPAN("system"), name, turn->blocks); return true;
    case ROLE_developer:
        write_system(writing, SPAN("developer"), name, turn->blocks);
        return true;
    case ROLE_assistant: write_assistant(writing, turn, name, among_calls); return true;
    case ROLE_user: break;
    }
    return write_user(writing, turn, name);
}

static bool is_users_word(const struct turn *turn)
{
    if (turn->role != ROLE_user)
        return false;
    for (const struct turn_block *at = turn->blocks; at; at = at->next)
        if (at->block->kind != BLOCK_tool_result)
            return true;
    return false;
}

/* Whether tools are called from TURN until the user speaks. */
static bool calls_ahead(const struct turn *turn)
{
    for (; turn && !is_users_word(turn); turn = turn->next)
        if (turn->role == ROLE_assistant && turn_has(turn, BLOCK_tool_call))
            return true;
    return false;
}

/* NAMES are the messages that the turns were made of, one each, or NULL. */
static bool write_turns(struct chat_writing *writing, const struct turn *first,
                        const struct message *names)
{
    bool may_call = !has_quirk(writing, QUIRK_NO_TOOLS);
    bool among_calls = may_call && calls_ahead(first);

    for (const struct turn *turn = first; turn; turn = turn->next) {
        if (is_users_word(turn))
            among_calls = may_call && calls_ahead(turn->next);
        if (!write_turn(writing, turn, names ? names->name : TEXT_NONE, among_calls))
            return false;
        names = names ? names->next : NULL;
    }
    return true;
}

static struct turn_block *listed(const struct block *block, struct arena *arena)
{
    struct turn_block *item = ARENA_NEW(arena, struct turn_block);

    item->block = block;
    return item;
}

/* A message as a turn of its own. */
static struct turn *turn_alone(const struct message *message, struct arena *arena)
{
    struct turn *turn = ARENA_NEW(arena, struct turn);
    struct turn_block **next = &turn->blocks;

    turn->role = message->role;
    for (const struct block *block = message->blocks; block; block = block->next) {
        *next = listed(block, arena);
        next = &(*next)->next;
    }
    return turn;
}

static struct block *instruction_block(const struct chat_writing *writing)
{
    struct block *block = ARENA_NEW(writing->arena, struct block);

    block->kind = BLOCK_text;
    block->origin = DIALECT_NONE;
    block->text = writing->instruction;
    return block;
}

/* From a client of this dialect: message by message, as it wrote them. */
static bool write_as_they_are(struct chat_writing *writing)
{
    struct turn *first = NULL;
    struct turn **next = &first;

    if (writing->instruction.ptr)
        write_system(writing, SPAN("system"), TEXT_NONE,
                     listed(instruction_block(writing), writing->arena));
    for (const struct message *at = writing->chat->messages; at; at = at->next) {
        for (const struct block *block = at->blocks; block; block = block->next)
            turns_drop_citations(writing->t, block);
        *next = turn_alone(at, writing->arena);
        next = &(*next)->next;
    }
    return write_turns(writing, first, writing->chat->messages);
}

static void drop_unsaid(struct chat_writing *writing)
{
    for (const struct message *at = writing->chat->messages; at; at = at->next) {
        if (at->name.ptr)
            drop(writing->t, SPAN("messages.name"));
        for (const struct block *block = at->blocks; block; block = block->next)
            turns_drop_citations(writing->t, block);
    }
}

/* From a client of another dialect, or to a host that is strict about the order. */
static bool write_in_turns(struct chat_writing *writing)
{
    bool apart =
        has_quirk(writing, QUIRK_SYSTEM_FIRST) || has_quirk(writing, QUIRK_ALTERNATING);
    struct turns turns;

    drop_unsaid(writing);
    turns_make(writing->t, writing->chat, (apart ? 0 : TURNS_MID_SYSTEM) | TURNS_ACT_WORDS,
               NULL, &turns);
    if (writing->instruction.ptr) {
        struct turn_block *last = listed(instruction_block(writing), writing->arena);

        if (turns.last_system)
            turns.last_system->next = last;
        else
            turns.system = last;
    }
    if (turns.system)
        write_system(writing, SPAN("system"), TEXT_NONE, turns.system);
    return write_turns(writing, turns.first, NULL);
}

bool openai_write_messages(struct chat_writing *writing)
{
    bool as_they_are = writing->chat->dialect == DIALECT_openai &&
                       !has_quirk(writing, QUIRK_SYSTEM_FIRST) &&
                       !has_quirk(writing, QUIRK_ALTERNATING);
    bool written;

    json_write_array(writing->json);
    written = as_they_are ? write_as_they_are(writing) : write_in_turns(writing);
    if (written)
        json_write_array_end(writing->json);
    return written;
}
