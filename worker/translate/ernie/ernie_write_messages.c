/* Requests on the way out: the conversation. It begins and ends with the user (or with the
 * result of a function) and the two take turns, so calls that were made at once are told one
 * after the other, each with its result. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/ernie/ernie_inside.h"

/* What the assistant says where two messages of the user's meet. */
#define BETWEEN "."

static void open_message(struct chat_writing *writing, struct span role)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("role"), role);
}

static void write_text_message(struct chat_writing *writing, struct span role,
                               struct text content)
{
    open_message(writing, role);
    text_write_member(writing->json, SPAN("content"), content);
    json_write_object_end(writing->json);
}

static void append_words(struct buffer *out, struct text text)
{
    if (out->len > 0)
        (void)buffer_append(out, SPAN("\\n"));
    (void)buffer_append(out, span_of(text.ptr, text.len));
}

/* All texts of the list as one; false (refused) when it has more than texts. */
static bool join_words(struct chat_writing *writing, const struct turn_block *list,
                       struct buffer *out)
{
    for (; list; list = list->next) {
        const struct block *block = list->block;

        if (block->kind == BLOCK_tool_call || block->kind == BLOCK_tool_result)
            continue;
        if (!block_words(block).ptr)
            return openai_refuse_block(writing, block,
                                       "is no text, and the provider only reads");
        if (block->cache != CACHE_NONE)
            openai_drop_word(writing, CLIENT_cache);
        append_words(out, block_words(block));
    }
    return true;
}

static struct text inside_of(const struct buffer *buffer)
{
    return (struct text){buffer->ptr, buffer->len};
}

/* ---- functions --------------------------------------------------------------------------- */

static bool is_object(struct span plain)
{
    struct json_value value;
    struct json_error error;

    return json_check(plain, &value, &error) && value.kind == JSON_OBJECT;
}

/* What a function gave back is JSON: its own, or an object around its words. */
static void write_content_of(struct chat_writing *writing, const struct block *result,
                             struct text words)
{
    struct buffer wrapped _buffer_;

    buffer_init(&wrapped, SIZE_MAX);
    json_write_key(writing->json, SPAN("content"));
    if (!result->is_error && is_object(text_plain(words, writing->arena))) {
        text_write(writing->json, words);
        return;
    }
    (void)buffer_append(&wrapped,
                        result->is_error ? SPAN("{\"error\":\"") : SPAN("{\"output\":\""));
    (void)buffer_append(&wrapped, span_of(words.ptr, words.len));
    (void)buffer_append(&wrapped, SPAN("\"}"));
    text_write(writing->json, text_escape(buffer_span(&wrapped), writing->arena));
}

static bool write_result(struct chat_writing *writing, const struct turn_block *item)
{
    const struct block *result = item->block;
    struct buffer words _buffer_;

    buffer_init(&words, SIZE_MAX);
    for (const struct block *block = result->content; block; block = block->next) {
        if (block->kind == BLOCK_other)
            append_words(&words, text_escape(block->raw.raw, writing->arena));
        else if (block_words(block).ptr)
            append_words(&words, block_words(block));
        else
            return openai_refuse_block(writing, result,
                                       "has more than text, and the provider only reads");
    }
    open_message(writing, SPAN("function"));
    text_write_member(writing->json, SPAN("name"),
                      tool_name_out(writing->t, item->call->name, "", ERNIE_NAME_LIMIT));
    write_content_of(writing, result, words.len > 0 ? inside_of(&words) : TEXT(""));
    json_write_object_end(writing->json);
    return true;
}

/* CONTENT goes with the first call. */
static void write_call(struct chat_writing *writing, const struct block *call,
                       struct text content)
{
    struct json_writer *json = writing->json;

    open_message(writing, SPAN("assistant"));
    text_write_member(json, SPAN("content"), content);
    json_write_key(json, SPAN("function_call"));
    json_write_object(json);
    text_write_member(json, SPAN("name"),
                      tool_name_out(writing->t, call->name, "", ERNIE_NAME_LIMIT));
    text_write_member(json, SPAN("arguments"), call_arguments(call, writing->arena));
    json_write_object_end(json);
    json_write_object_end(json);
}

/* The calls of an assistant's turn, each before its result, which stands in the next turn in
 * the same order. */
static bool write_calls(struct chat_writing *writing, const struct turn *turn,
                        struct text content)
{
    const struct turn_block *result = turn->next ? turn->next->blocks : NULL;

    for (const struct turn_block *at = turn->blocks; at; at = at->next) {
        if (at->block->kind != BLOCK_tool_call)
            continue;
        while (result && result->block->kind != BLOCK_tool_result)
            result = result->next;
        write_call(writing, at->block, content);
        content = TEXT_NONE;
        if (result && !write_result(writing, result))
            return false;
        result = result ? result->next : NULL;
    }
    return true;
}

/* ---- turns ------------------------------------------------------------------------------- */

static bool write_assistant(struct chat_writing *writing, const struct turn *turn)
{
    struct buffer words _buffer_;
    struct text content;

    buffer_init(&words, SIZE_MAX);
    if (!join_words(writing, turn->blocks, &words))
        return false;
    content = words.len > 0 ? inside_of(&words) : TEXT_NONE;
    if (turn->calls > 0)
        return write_calls(writing, turn, content);
    write_text_message(writing, SPAN("assistant"), content.ptr ? content : TEXT(BETWEEN));
    return true;
}

static bool has_results(const struct turn *turn)
{
    return turn->blocks && turn->blocks->block->kind == BLOCK_tool_result;
}

/* Results were written with their calls. */
static bool write_user(struct chat_writing *writing, const struct turn *turn)
{
    struct buffer words _buffer_;

    buffer_init(&words, SIZE_MAX);
    if (!join_words(writing, turn->blocks, &words))
        return false;
    if (words.len == 0)
        return true;
    if (has_results(turn))
        write_text_message(writing, SPAN("assistant"), TEXT(BETWEEN));
    write_text_message(writing, SPAN("user"), inside_of(&words));
    return true;
}

static bool write_system(struct chat_writing *writing, const struct turn_block *list)
{
    struct buffer words _buffer_;

    buffer_init(&words, SIZE_MAX);
    if (!join_words(writing, list, &words))
        return false;
    if (writing->instruction.ptr)
        append_words(&words, writing->instruction);
    if (words.len > 0)
        text_write_member(writing->json, SPAN("system"), inside_of(&words));
    return true;
}

bool ernie_write_messages(struct chat_writing *writing)
{
    struct turns turns;
    bool written = true;

    openai_plain_turns(writing, TURNS_USER_FIRST | TURNS_USER_LAST, &turns);
    json_write_key(writing->json, SPAN("messages"));
    json_write_array(writing->json);
    for (const struct turn *turn = turns.first; turn && written; turn = turn->next)
        written = turn->role == ROLE_assistant ? write_assistant(writing, turn)
                                               : write_user(writing, turn);
    if (!written)
        return false;
    json_write_array_end(writing->json);
    return write_system(writing, turns.system);
}
