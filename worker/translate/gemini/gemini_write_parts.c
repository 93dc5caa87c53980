/* Requests to a provider: contents and the system's instruction. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/turns.h"

/* What Google documents for calls whose signature is not known. */
#define NO_SIGNATURE TEXT("skip_thought_signature_validator")

/* ---- what can be said ------------------------------------------------------------------ */

static struct span reasoning_name(const struct chat *chat)
{
    static const struct span names[] = {
        [DIALECT_openai] = WORD("messages[].reasoning_content"),
        [DIALECT_responses] = WORD("input[].reasoning"),
        [DIALECT_anthropic] = WORD("messages[].content[].thinking"),
        [DIALECT_gemini] = WORD("contents[].parts[].thought"),
    };

    return names[chat->dialect];
}

static bool says(struct translation *t, const struct block *block)
{
    if (block->cache != CACHE_NONE)
        drop(t, SPAN("cache_control"));
    turns_drop_citations(t, block);
    if (block->kind == BLOCK_reasoning && block->origin != DIALECT_gemini) {
        drop(t, reasoning_name(t->chat));
        return false;
    }
    if ((block->kind == BLOCK_other && block->origin != DIALECT_gemini) ||
        (block->kind == BLOCK_hosted &&
         (block->act->kind != HOSTED_code || block->act->shell))) {
        turns_drop(t, block);
        return false;
    }
    return true;
}

/* ---- results of tools ------------------------------------------------------------------ */

/* The texts of a result, one below the other. */
static struct text result_text(const struct block *result, struct arena *arena)
{
    struct text all = TEXT_NONE;

    for (const struct block *block = result->content; block; block = block->next) {
        if (block->kind != BLOCK_text && block->kind != BLOCK_refusal)
            continue;
        if (all.ptr)
            all = text_join(all, TEXT("\\n"), arena);
        all = text_join(all, block->text, arena);
    }
    return all;
}

/* Words that are a JSON value, not a string: {"temp":1}, [1,2], 5, true. */
static bool is_json(struct text text, struct arena *arena, struct json_value *ret)
{
    struct json_error error;
    size_t at = 0;

    while (at < text.len && text.ptr[at] == ' ')
        at++;
    if (at == text.len || !strchr("{[-0123456789tfn", text.ptr[at]))
        return false;
    return json_check(text_plain(text, arena), ret, &error) && ret->kind != JSON_STRING;
}

static void write_response(struct gemini_writing *writing, const struct block *result)
{
    struct text text = result_text(result, writing->t->arena);
    struct json_value value = {.kind = JSON_ABSENT};
    bool json = is_json(text, writing->t->arena, &value);

    json_write_key(writing->json, SPAN("response"));
    if (json && value.kind == JSON_OBJECT && !result->is_error) {
        json_write_raw(writing->json, value.raw);
        return;
    }
    json_write_object(writing->json);
    json_write_key(writing->json, result->is_error ? SPAN("error") : SPAN("output"));
    if (json)
        json_write_raw(writing->json, value.raw);
    else
        text_write(writing->json, text.ptr ? text : TEXT(""));
    json_write_object_end(writing->json);
}

static bool is_media(const struct block *block)
{
    return block->kind == BLOCK_image || block->kind == BLOCK_audio ||
           block->kind == BLOCK_document;
}

static bool write_media(struct gemini_writing *writing, const struct block *block)
{
    struct text detail = block->media.detail;
    struct path path;

    if (detail.len > 0 && !text_eq(detail, TEXT("auto")))
        drop(writing->t, SPAN("image_url.detail"));
    json_write_object(writing->json);
    if (gemini_write_media(writing->json, &block->media, (enum block_kind)block->kind,
                           writing->t->arena)) {
        json_write_object_end(writing->json);
        return true;
    }
    path = (struct path){.key = turns_place(writing->chat, block, writing->t->arena)};
    return refuse_as(writing->t, COMPLAINT_unsupported, &path,
                     "names a file of another provider, which cannot be reached");
}

static bool write_media_of(struct gemini_writing *writing, const struct block *result)
{
    for (const struct block *block = result->content; block; block = block->next)
        if (is_media(block) && !write_media(writing, block))
            return false;
    return true;
}

static bool has_media(const struct block *result)
{
    for (const struct block *block = result->content; block; block = block->next)
        if (is_media(block))
            return true;
    return false;
}

static bool write_result(struct gemini_writing *writing, const struct turn_block *item)
{
    const struct block *result = item->block;
    struct text name = item->call ? item->call->name : result->name;

    json_write_object(writing->json);
    json_write_key(writing->json, SPAN("functionResponse"));
    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("name"),
                      tool_name_out(writing->t, name, GEMINI_NAME_ALSO, GEMINI_NAME_LIMIT));
    write_response(writing, result);
    if (has_media(result) && gemini_has_trait(writing, TRAIT_TOOL_RESULT_MEDIA)) {
        json_write_key(writing->json, SPAN("parts"));
        json_write_array(writing->json);
        if (!write_media_of(writing, result))
            return false;
        json_write_array_end(writing->json);
    }
    json_write_object_end(writing->json);
    json_write_object_end(writing->json);
    return true;
}

/* ---- other parts ----------------------------------------------------------------------- */

static void write_signature(struct gemini_writing *writing, const struct block *block)
{
    if (block->origin == DIALECT_gemini)
        text_write_known(writing->json, SPAN("thoughtSignature"), block->signature);
}

static bool write_text(struct gemini_writing *writing, const struct block *block)
{
    json_write_object(writing->json);
    text_write_member(writing->json, SPAN("text"), block->text.ptr ? block->text : TEXT(""));
    if (block->kind == BLOCK_reasoning)
        json_write_member_bool(writing->json, SPAN("thought"), true);
    write_signature(writing, block);
    json_write_object_end(writing->json);
    return true;
}

static bool write_call(struct gemini_writing *writing, const struct block *call, bool first)
{
    struct path path;
    struct span object;

    if (!call_input(call, writing->t->arena, &object) && writing->t->strict) {
        path = (struct path){.key = turns_place(writing->chat, call, writing->t->arena)};
        return refuse(writing->t, &path, "has arguments that are no JSON object");
    }
    json_write_object(writing->json);
    json_write_key(writing->json, SPAN("functionCall"));
    json_write_object(writing->json);
    text_write_member(
        writing->json, SPAN("name"),
        tool_name_out(writing->t, call->name, GEMINI_NAME_ALSO, GEMINI_NAME_LIMIT));
    json_write_key(writing->json, SPAN("args"));
    json_write_raw(writing->json, object);
    json_write_object_end(writing->json);
    if (call->origin == DIALECT_gemini && call->signature.len > 0)
        write_signature(writing, call);
    else if (first && gemini_has_trait(writing, TRAIT_SIGNED_CALLS))
        text_write_member(writing->json, SPAN("thoughtSignature"), NO_SIGNATURE);
    json_write_object_end(writing->json);
    return true;
}

static void write_code(struct gemini_writing *writing, const struct block *block)
{
    struct block own = *block;

    if (block->origin != DIALECT_gemini)
        own.signature = TEXT_NONE;
    gemini_write_code(writing->json, &own, writing->t->arena);
}

static bool write_part(struct gemini_writing *writing, const struct turn_block *item,
                       bool first_call)
{
    const struct block *block = item->block;

    switch ((enum block_kind)block->kind) {
    case BLOCK_text:
    case BLOCK_refusal:
    case BLOCK_reasoning: return write_text(writing, block);
    case BLOCK_image:
    case BLOCK_audio:
    case BLOCK_document: return write_media(writing, block);
    case BLOCK_tool_call: return write_call(writing, block, first_call);
    case BLOCK_tool_result: return write_result(writing, item);
    case BLOCK_hosted: write_code(writing, block); return true;
    case BLOCK_other: break;
    }
    json_write_raw(writing->json, block->raw.raw);
    return true;
}

/* ---- contents -------------------------------------------------------------------------- */

/* Media in the results of TURN, for models that take none there: behind all results. */
static bool write_late_media(struct gemini_writing *writing, const struct turn *turn)
{
    if (gemini_has_trait(writing, TRAIT_TOOL_RESULT_MEDIA))
        return true;
    for (const struct turn_block *item = turn->blocks; item; item = item->next)
        if (item->block->kind == BLOCK_tool_result && !write_media_of(writing, item->block))
            return false;
    return true;
}

static bool write_blocks(struct gemini_writing *writing, const struct turn *turn)
{
    bool results = true, first_call = true;

    for (const struct turn_block *item = turn->blocks; item; item = item->next) {
        if (results && item->block->kind != BLOCK_tool_result) {
            results = false;
            if (!write_late_media(writing, turn))
                return false;
        }
        if (!write_part(writing, item, first_call))
            return false;
        if (item->block->kind == BLOCK_tool_call)
            first_call = false;
    }
    return !results || write_late_media(writing, turn);
}

/* LEADING: texts that stand before the first turn where the model has no place for them. */
static bool write_turn(struct gemini_writing *writing, const struct turn *turn,
                       const struct turn_block *leading)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("role"),
                           turn->role == ROLE_assistant ? SPAN("model") : SPAN("user"));
    json_write_key(writing->json, SPAN("parts"));
    json_write_array(writing->json);
    for (; leading; leading = leading->next)
        (void)write_text(writing, leading->block);
    if (!write_blocks(writing, turn))
        return false;
    json_write_array_end(writing->json);
    json_write_object_end(writing->json);
    return true;
}

static bool write_system(struct gemini_writing *writing, const struct turns *turns)
{
    if (!turns->system || gemini_has_trait(writing, TRAIT_NO_SYSTEM))
        return true;
    json_write_key(writing->json, SPAN("systemInstruction"));
    json_write_object(writing->json);
    json_write_key(writing->json, SPAN("parts"));
    json_write_array(writing->json);
    for (const struct turn_block *item = turns->system; item; item = item->next)
        if (!write_part(writing, item, false))
            return false;
    json_write_array_end(writing->json);
    json_write_object_end(writing->json);
    return true;
}

static void drop_names(struct gemini_writing *writing)
{
    for (const struct message *message = writing->chat->messages; message;
         message = message->next)
        if (message->name.len > 0) {
            drop(writing->t, SPAN("messages[].name"));
            return;
        }
}

bool gemini_write_contents(struct gemini_writing *writing)
{
    struct path path = {.key = SPAN("messages")};
    const struct turn_block *leading = NULL;
    struct turns turns;

    turns_make(writing->t, writing->chat, TURNS_USER_FIRST, says, &turns);
    if (!turns.first)
        return refuse(writing->t, &path, "must hold something to say");
    if (gemini_has_trait(writing, TRAIT_NO_SYSTEM))
        leading = turns.system;
    json_write_key(writing->json, SPAN("contents"));
    json_write_array(writing->json);
    for (const struct turn *turn = turns.first; turn; turn = turn->next, leading = NULL)
        if (!write_turn(writing, turn, leading))
            return false;
    json_write_array_end(writing->json);
    drop_names(writing);
    return write_system(writing, &turns);
}
