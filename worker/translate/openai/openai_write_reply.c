/* Whole answers to clients, with all members that the official SDKs count on. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/hosted.h"
#include "worker/translate/media.h"
#include "worker/translate/openai/openai_inside.h"
#include "worker/translate/words.h"

struct reply_writing {
    struct translation *t;
    struct json_writer *json;
    const struct choice *choice;
};

/* What BLOCK adds to the words of KIND; empty: nothing. Code that ran is among the texts. */
static struct text said(const struct block *block, enum block_kind kind)
{
    if (block->kind == BLOCK_hosted && kind == BLOCK_text)
        return block->text; /* see say_acts */
    return block->kind == kind ? block->text : TEXT_NONE;
}

/* The blocks of KIND as one string, or null. */
static void write_joined(struct reply_writing *writing, enum block_kind kind,
                         const char *between)
{
    struct text only = TEXT_NONE;
    struct buffer joined _buffer_;
    unsigned count = 0;

    buffer_init(&joined, SIZE_MAX);
    for (const struct block *block = writing->choice->blocks; block; block = block->next)
        if (said(block, kind).len > 0) {
            only = said(block, kind);
            count++;
        }
    if (count <= 1) {
        text_write(writing->json, only);
        return;
    }
    for (const struct block *block = writing->choice->blocks; block; block = block->next) {
        struct text text = said(block, kind);

        if (text.len == 0)
            continue;
        if (joined.len > 0)
            (void)buffer_append(&joined, span_of_text(between));
        (void)buffer_append(&joined, span_of(text.ptr, text.len));
    }
    json_write_inside(writing->json, buffer_span(&joined));
}

static bool has_text(const struct choice *choice, enum block_kind kind)
{
    for (const struct block *block = choice->blocks; block; block = block->next)
        if (said(block, kind).len > 0)
            return true;
    return false;
}

/* What hosted tools did, in words where there are any. */
static void say_acts(struct translation *t, const struct choice *choice)
{
    for (struct block *block = choice->blocks; block; block = block->next) {
        if (block->kind != BLOCK_hosted)
            continue;
        block->text = act_words(block->act, t->arena);
        if (!block->text.ptr)
            openai_drop_act(t, block->act);
    }
}

static void write_content(struct reply_writing *writing)
{
    bool silent = !choice_has(writing->choice, BLOCK_tool_call) &&
                  !has_text(writing->choice, BLOCK_refusal);

    json_write_key(writing->json, SPAN("content"));
    if (silent && !has_text(writing->choice, BLOCK_text))
        json_write_text(writing->json, SPAN(""));
    else
        write_joined(writing, BLOCK_text, "");
    json_write_key(writing->json, SPAN("refusal"));
    write_joined(writing, BLOCK_refusal, "");
}

/* ---- reasoning --------------------------------------------------------------------------- */

static void write_reasoning(struct reply_writing *writing)
{
    bool is_signed = false;

    for (const struct block *block = writing->choice->blocks; block; block = block->next)
        is_signed = is_signed || (block->kind == BLOCK_reasoning && block->signature.ptr);
    if (has_text(writing->choice, BLOCK_reasoning)) {
        json_write_key(writing->json, SPAN("reasoning_content"));
        write_joined(writing, BLOCK_reasoning, "\\n");
    }
    if (!is_signed)
        return;
    json_write_key(writing->json, SPAN("thinking_blocks"));
    json_write_array(writing->json);
    for (const struct block *block = writing->choice->blocks; block; block = block->next)
        if (block->kind == BLOCK_reasoning)
            openai_write_thinking(block->text, block->signature, (enum dialect_id)block->origin,
                                  block->redacted, writing->t->arena, writing->json);
    json_write_array_end(writing->json);
}

/* ---- calls ------------------------------------------------------------------------------- */

static void write_called(struct reply_writing *writing, const struct block *call)
{
    struct arena *arena = writing->t->arena;
    bool custom = call->custom || openai_is_custom_tool(writing->t, call->name);
    struct span kind = custom ? SPAN("custom") : SPAN("function");
    struct text input = custom ? call_custom_input(call, arena) : TEXT_NONE;

    json_write_member_text(writing->json, SPAN("type"), kind);
    json_write_key(writing->json, kind);
    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("name"), call->name);
    if (custom)
        text_write_member(writing->json, SPAN("input"),
                          input.ptr ? input : call_arguments(call, arena));
    else
        text_write_member(writing->json, SPAN("arguments"), call_arguments(call, arena));
    json_write_object_end(writing->json);
}

static void write_call(struct reply_writing *writing, const struct block *call)
{
    bool is_signed = call->signature.len > 0 && call->origin == DIALECT_gemini;
    struct text id = call->id.len > 0 ? call->id : make_id(writing->t, "call_");

    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("id"),
                      is_signed ? signed_id_pack(id, call->signature, writing->t->arena) : id);
    write_called(writing, call);
    if (is_signed)
        openai_write_google_signature(call->signature, writing->json);
    json_write_object_end(writing->json);
}

static void write_calls(struct reply_writing *writing)
{
    if (!choice_has(writing->choice, BLOCK_tool_call))
        return;
    json_write_key(writing->json, SPAN("tool_calls"));
    json_write_array(writing->json);
    for (const struct block *block = writing->choice->blocks; block; block = block->next)
        if (block->kind == BLOCK_tool_call)
            write_call(writing, block);
    json_write_array_end(writing->json);
}

/* ---- the rest of a message --------------------------------------------------------------- */

/* The place of CITATION in all words, of which its block has those from START to END; about the
 * whole of it when it does not say where it belongs. */
void openai_place_citation(struct citation *citation, uint64_t start, uint64_t end,
                           struct arena *arena)
{
    uint64_t first, last;
    bool placed = json_u64(citation->start, &first) && json_u64(citation->end, &last);

    if (placed && start == 0)
        return;
    citation->start = words_number(placed ? start + first : start, arena);
    citation->end = words_number(placed ? start + last : end, arena);
}

static void write_placed(struct reply_writing *writing, struct citation citation,
                         uint64_t start, uint64_t end)
{
    openai_place_citation(&citation, start, end, writing->t->arena);
    openai_write_annotation(&citation, writing->json);
}

static void write_annotations(struct reply_writing *writing)
{
    uint64_t start = 0;
    bool any = false;

    for (const struct block *block = writing->choice->blocks; block; block = block->next) {
        uint64_t end;

        if (block->kind != BLOCK_text && block->kind != BLOCK_hosted)
            continue;
        end = start + words_count(block->text);
        for (const struct citation *at = block->citations; at; at = at->next) {
            if (!at->url.ptr)
                continue;
            if (!any) {
                json_write_key(writing->json, SPAN("annotations"));
                json_write_array(writing->json);
                any = true;
            }
            write_placed(writing, *at, start, end);
        }
        start = end;
    }
    if (any)
        json_write_array_end(writing->json);
}

/* OpenRouter's convention; OpenAI's chat completions have no images. */
static void write_images(struct reply_writing *writing)
{
    if (!choice_has(writing->choice, BLOCK_image))
        return;
    json_write_key(writing->json, SPAN("images"));
    json_write_array(writing->json);
    for (const struct block *block = writing->choice->blocks; block; block = block->next) {
        if (block->kind != BLOCK_image)
            continue;
        json_write_object(writing->json);
        json_write_member_text(writing->json, SPAN("type"), SPAN("image_url"));
        json_write_key(writing->json, SPAN("image_url"));
        json_write_object(writing->json);
        json_write_key(writing->json, SPAN("url"));
        media_write_address(writing->json, &block->media);
        json_write_object_end(writing->json);
        json_write_object_end(writing->json);
    }
    json_write_array_end(writing->json);
}

/* Of Gemini's words, where its own layer for clients of this dialect puts it. */
static void write_words_signature(struct reply_writing *writing)
{
    struct text signature = TEXT_NONE;

    for (const struct block *block = writing->choice->blocks; block; block = block->next)
        if (block->kind == BLOCK_text && block->origin == DIALECT_gemini &&
            block->signature.len > 0)
            signature = block->signature;
    if (signature.ptr)
        openai_write_google_signature(signature, writing->json);
}

static void write_choice(struct reply_writing *writing)
{
    const struct choice *choice = writing->choice;
    struct json_writer *json = writing->json;

    say_acts(writing->t, choice);
    json_write_object(json);
    json_write_member_u64(json, SPAN("index"), choice->index);
    json_write_key(json, SPAN("message"));
    json_write_object(json);
    json_write_member_text(json, SPAN("role"), SPAN("assistant"));
    write_content(writing);
    write_reasoning(writing);
    write_calls(writing);
    write_annotations(writing);
    write_images(writing);
    write_words_signature(writing);
    json_write_object_end(json);
    json_write_key(json, SPAN("logprobs"));
    json_write_raw(json,
                   choice->logprobs.kind == JSON_OBJECT ? choice->logprobs.raw : SPAN("null"));
    json_write_member_text(json, SPAN("finish_reason"),
                           openai_finish_text((enum stop_reason)choice->stop));
    json_write_object_end(json);
}

void openai_write_reply(struct translation *t, const struct reply *reply,
                        struct json_writer *json)
{
    struct reply_writing writing = {.t = t, .json = json};

    json_write_object(json);
    text_write_member(json, SPAN("id"),
                      reply->id.len > 0 ? reply->id : make_id(t, "chatcmpl-"));
    json_write_member_text(json, SPAN("object"), SPAN("chat.completion"));
    json_write_member_u64(json, SPAN("created"), reply->created > 0 ? reply->created : t->now);
    if (reply->model.len > 0)
        text_write_member(json, SPAN("model"), reply->model);
    else
        json_write_member_text(json, SPAN("model"), t->target.model);
    json_write_key(json, SPAN("choices"));
    json_write_array(json);
    for (writing.choice = reply->choices; writing.choice; writing.choice = writing.choice->next)
        write_choice(&writing);
    json_write_array_end(json);
    if (openai_usage_known(&reply->usage)) {
        json_write_key(json, SPAN("usage"));
        openai_write_usage(&reply->usage, json);
    }
    text_write_known(json, SPAN("service_tier"), reply->service_tier);
    json_write_object_end(json);
}
