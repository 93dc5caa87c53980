/* Requests on the way out: the conversation, in turns. A content is a string for models that
 * read, and a list of parts, each with one member, for those that see or hear. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/dashscope/dashscope_inside.h"
#include "worker/translate/media.h"

#define NAME_LIMIT_BYTES 64

static bool has_parts(const struct chat_writing *writing)
{
    return has_trait(writing, TRAIT_TAKES_MEDIA);
}

static void write_part(struct chat_writing *writing, struct span key, struct text text)
{
    json_write_object(writing->json);
    text_write_member(writing->json, key, text);
    json_write_object_end(writing->json);
}

static void note_cache(struct chat_writing *writing, const struct block *block)
{
    if (block->cache != CACHE_NONE)
        openai_drop_word(writing, CLIENT_cache);
}

/* ---- media ------------------------------------------------------------------------------- */

static bool write_media(struct chat_writing *writing, const struct block *block)
{
    struct span key = block->kind == BLOCK_image ? SPAN("image") : SPAN("audio");

    if (!has_parts(writing))
        return openai_refuse_block(writing, block, "is no text, and the model only reads");
    if (block->kind == BLOCK_document)
        return openai_refuse_block(writing, block,
                                   "is a document, which the provider does not take");
    if (block->media.form == MEDIA_FILE)
        return openai_refuse_block(writing, block, "is a file of another provider");
    if (block->media.detail.ptr)
        drop(writing->t, SPAN("image_url.detail"));
    json_write_object(writing->json);
    json_write_key(writing->json, key);
    media_write_address(writing->json, &block->media);
    json_write_object_end(writing->json);
    return true;
}

/* ---- contents ---------------------------------------------------------------------------- */

static void append_words(struct buffer *out, struct text text)
{
    if (!text.ptr)
        return;
    if (out->len > 0)
        (void)buffer_append(out, SPAN("\\n"));
    (void)buffer_append(out, span_of(text.ptr, text.len));
}

/* One block of a content: a part, or more of the string in WORDS. */
static bool write_block(struct chat_writing *writing, const struct block *block,
                        struct buffer *words)
{
    struct text text = block_words(block);

    note_cache(writing, block);
    if (!text.ptr)
        return write_media(writing, block);
    if (has_parts(writing))
        write_part(writing, SPAN("text"), text);
    else
        append_words(words, text);
    return true;
}

static bool is_said(const struct block *block)
{
    return block_words(block).ptr || block->kind == BLOCK_image || block->kind == BLOCK_audio ||
           block->kind == BLOCK_document;
}

/* The media of a tool's result, which has words only, stand before the user's own. */
static bool write_result_media(struct chat_writing *writing, const struct block *result,
                               struct buffer *words)
{
    for (const struct block *block = result->content; block; block = block->next)
        if (is_said(block) && !block_words(block).ptr && !write_block(writing, block, words))
            return false;
    return true;
}

static bool write_content(struct chat_writing *writing, const struct turn_block *list)
{
    struct buffer words _buffer_;
    bool written = true;

    buffer_init(&words, SIZE_MAX);
    json_write_key(writing->json, SPAN("content"));
    if (has_parts(writing))
        json_write_array(writing->json);
    for (; list && written; list = list->next) {
        if (list->block->kind == BLOCK_tool_result)
            written = write_result_media(writing, list->block, &words);
        else if (is_said(list->block))
            written = write_block(writing, list->block, &words);
    }
    if (!written)
        return false;
    if (has_parts(writing))
        json_write_array_end(writing->json);
    else
        json_write_inside(writing->json, buffer_span(&words));
    return true;
}

/* ---- messages ---------------------------------------------------------------------------- */

static void open_message(struct chat_writing *writing, struct span role)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("role"), role);
}

static void write_result(struct chat_writing *writing, const struct block *result)
{
    struct buffer words _buffer_;

    buffer_init(&words, SIZE_MAX);
    if (result->is_error)
        (void)buffer_append(&words, SPAN("Error"));
    for (const struct block *block = result->content; block; block = block->next) {
        if (block->kind == BLOCK_other)
            append_words(&words, text_escape(block->raw.raw, writing->arena));
        else if (block_words(block).ptr)
            append_words(&words, block_words(block));
        else
            append_words(&words, TEXT("[see the next message]"));
    }
    open_message(writing, SPAN("tool"));
    text_write_member(writing->json, SPAN("tool_call_id"),
                      openai_target_call_id(writing, result->id));
    json_write_key(writing->json, SPAN("content"));
    json_write_inside(writing->json, buffer_span(&words));
    json_write_object_end(writing->json);
}

/* Whether the user says more than what tools gave back in words. */
static bool says_more(const struct turn *turn)
{
    for (const struct turn_block *at = turn->blocks; at; at = at->next) {
        if (at->block->kind != BLOCK_tool_result)
            return true;
        for (const struct block *block = at->block->content; block; block = block->next)
            if (is_said(block) && !block_words(block).ptr)
                return true;
    }
    return false;
}

static bool write_user(struct chat_writing *writing, const struct turn *turn)
{
    for (const struct turn_block *at = turn->blocks; at; at = at->next)
        if (at->block->kind == BLOCK_tool_result)
            write_result(writing, at->block);
    if (!says_more(turn))
        return true;
    open_message(writing, SPAN("user"));
    if (!write_content(writing, turn->blocks))
        return false;
    json_write_object_end(writing->json);
    return true;
}

static void write_call(struct chat_writing *writing, const struct block *call)
{
    struct json_writer *json = writing->json;

    json_write_object(json);
    text_write_member(json, SPAN("id"), openai_target_call_id(writing, call->id));
    json_write_member_text(json, SPAN("type"), SPAN("function"));
    json_write_key(json, SPAN("function"));
    json_write_object(json);
    text_write_member(json, SPAN("name"),
                      tool_name_out(writing->t, call->name, "", NAME_LIMIT_BYTES));
    text_write_member(json, SPAN("arguments"), call_arguments(call, writing->arena));
    json_write_object_end(json);
    json_write_object_end(json);
}

static bool write_assistant(struct chat_writing *writing, const struct turn *turn)
{
    open_message(writing, SPAN("assistant"));
    if (!write_content(writing, turn->blocks))
        return false;
    if (turn->calls > 0) {
        json_write_key(writing->json, SPAN("tool_calls"));
        json_write_array(writing->json);
        for (const struct turn_block *at = turn->blocks; at; at = at->next)
            if (at->block->kind == BLOCK_tool_call)
                write_call(writing, at->block);
        json_write_array_end(writing->json);
    }
    json_write_object_end(writing->json);
    return true;
}

/* The words that the system says in place of a member, behind its others. */
static void add_instruction(struct chat_writing *writing, struct turns *turns)
{
    struct block *block = ARENA_NEW(writing->arena, struct block);
    struct turn_block *item = ARENA_NEW(writing->arena, struct turn_block);

    block->kind = BLOCK_text;
    block->origin = DIALECT_NONE;
    block->text = writing->instruction;
    item->block = block;
    if (turns->last_system)
        turns->last_system->next = item;
    else
        turns->system = item;
    turns->last_system = item;
}

static bool write_system(struct chat_writing *writing, const struct turn_block *list)
{
    if (!list)
        return true;
    open_message(writing, SPAN("system"));
    if (!write_content(writing, list))
        return false;
    json_write_object_end(writing->json);
    return true;
}

/* ---- the conversation -------------------------------------------------------------------- */

bool dashscope_write_messages(struct chat_writing *writing)
{
    struct turns turns;
    bool written;

    openai_plain_turns(writing, TURNS_USER_FIRST, &turns);
    if (writing->instruction.ptr)
        add_instruction(writing, &turns);
    json_write_array(writing->json);
    written = write_system(writing, turns.system);
    for (const struct turn *turn = turns.first; turn && written; turn = turn->next)
        written = turn->role == ROLE_assistant ? write_assistant(writing, turn)
                                               : write_user(writing, turn);
    if (written)
        json_write_array_end(writing->json);
    return written;
}
