/* Requests on the way out. The conversation goes as items, turn by turn; nothing is kept at the
 * provider, so reasoning is asked for in encrypted form. */
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/media.h"
#include "worker/translate/responses/responses_inside.h"
#include "worker/translate/turns.h"

#define LEAST_OUTPUT 16

struct chat_writing {
    struct translation *t;
    const struct chat *chat;
    struct json_writer *json;
};

static bool has_trait(const struct chat_writing *writing, enum trait trait)
{
    return (writing->t->target.traits->traits & (uint32_t)trait) != 0;
}

/* ---- marks of the cache ------------------------------------------------------------------ */

/* Only texts may end a prefix that is kept, and only some models heed it. */
static void drop_mark(struct chat_writing *writing, uint8_t mark)
{
    if (mark != CACHE_NONE)
        drop(writing->t, SPAN("cache_control"));
}

static void write_mark(struct chat_writing *writing, uint8_t mark)
{
    if (mark == CACHE_NONE || !has_trait(writing, TRAIT_CACHE_BREAKPOINTS)) {
        drop_mark(writing, mark);
        return;
    }
    json_write_key(writing->json, SPAN("prompt_cache_breakpoint"));
    json_write_raw(writing->json, SPAN("{\"mode\":\"explicit\"}"));
}

/* ---- parts ------------------------------------------------------------------------------- */

static void write_text_part(struct chat_writing *writing, const char *type, const char *member,
                            struct text text)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), span_of_text(type));
    text_write_member(writing->json, span_of_text(member), text.ptr ? text : TEXT(""));
    json_write_object_end(writing->json);
}

static void write_input_text(struct chat_writing *writing, const struct block *block,
                             struct text text)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), SPAN("input_text"));
    text_write_member(writing->json, SPAN("text"), text.ptr ? text : TEXT(""));
    write_mark(writing, block->cache);
    json_write_object_end(writing->json);
}

static void write_image(struct chat_writing *writing, const struct block *block)
{
    bool file = block->media.form == MEDIA_FILE;

    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), SPAN("input_image"));
    json_write_key(writing->json, file ? SPAN("file_id") : SPAN("image_url"));
    media_write_address(writing->json, &block->media);
    text_write_known(writing->json, SPAN("detail"), block->media.detail);
    json_write_object_end(writing->json);
    drop_mark(writing, block->cache);
}

static void write_document(struct chat_writing *writing, const struct block *block)
{
    static const char *const members[] = {
        [MEDIA_DATA] = "file_data",
        [MEDIA_URL] = "file_url",
        [MEDIA_FILE] = "file_id",
        [MEDIA_TEXT] = "text",
    };

    if (block->media.form == MEDIA_TEXT) {
        write_input_text(writing, block, block->media.data);
        return;
    }
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), SPAN("input_file"));
    if (block->media.form == MEDIA_DATA)
        text_write_member(writing->json, SPAN("filename"),
                          block->media.name.ptr ? block->media.name : TEXT("document.pdf"));
    json_write_key(writing->json, span_of_text(members[block->media.form]));
    media_write_address(writing->json, &block->media);
    json_write_object_end(writing->json);
    drop_mark(writing, block->cache);
}

static void write_part(struct chat_writing *writing, const struct block *block)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_text:
    case BLOCK_refusal: write_input_text(writing, block, block->text); break;
    case BLOCK_image: write_image(writing, block); break;
    case BLOCK_document: write_document(writing, block); break;
    case BLOCK_reasoning:
    case BLOCK_audio:
    case BLOCK_tool_call:
    case BLOCK_tool_result:
    case BLOCK_hosted:
    case BLOCK_other: break; /* `says` keeps them away */
    }
}

static void write_result_parts(struct chat_writing *writing, const struct block *result)
{
    json_write_array(writing->json);
    if (result->is_error)
        write_text_part(writing, "input_text", "text", TEXT("Error:"));
    for (const struct block *block = result->content; block; block = block->next)
        write_part(writing, block);
    json_write_array_end(writing->json);
}

/* ---- items ------------------------------------------------------------------------------- */

static void begin_message(struct chat_writing *writing, const char *role)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), SPAN("message"));
    json_write_member_text(writing->json, SPAN("role"), span_of_text(role));
    json_write_key(writing->json, SPAN("content"));
}

static void write_system(struct chat_writing *writing, const struct turn_block *list)
{
    if (!list)
        return;
    begin_message(writing, has_trait(writing, TRAIT_THINKS_BY_EFFORT) ? "developer" : "system");
    json_write_array(writing->json);
    for (; list; list = list->next)
        write_input_text(writing, list->block, list->block->text);
    json_write_array_end(writing->json);
    json_write_object_end(writing->json);
}

static struct text call_id(struct chat_writing *writing, struct text id)
{
    return call_id_out(writing->t, id, ID_LIMIT_BYTES);
}

static void write_call(struct chat_writing *writing, const struct block *call)
{
    struct arena *arena = writing->t->arena;
    struct text name = tool_name_out(writing->t, call->name, "", NAME_LIMIT_BYTES);

    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"),
                           call->custom ? SPAN("custom_tool_call") : SPAN("function_call"));
    text_write_member(writing->json, SPAN("call_id"), call_id(writing, call->id));
    text_write_member(writing->json, SPAN("name"), name);
    if (call->custom)
        text_write_member(writing->json, SPAN("input"),
                          call->arguments.ptr ? call->arguments : TEXT(""));
    else
        text_write_member(writing->json, SPAN("arguments"), call_arguments(call, arena));
    json_write_object_end(writing->json);
    drop_mark(writing, call->cache);
}

/* A failed call is told in words: there is no flag. */
static void write_result_text(struct chat_writing *writing, const struct block *result)
{
    struct text text = result->content ? result->content->text : TEXT_NONE;

    if (result->is_error && text.len == 0)
        text = TEXT("Error");
    else if (result->is_error)
        text = text_join(TEXT("Error: "), text, writing->t->arena);
    text_write(writing->json, text.ptr ? text : TEXT(""));
}

static void write_result(struct chat_writing *writing, const struct turn_block *item)
{
    const struct block *result = item->block;
    const struct block *only = result->content;
    bool one_text =
        !only || (!only->next && only->kind == BLOCK_text && only->cache == CACHE_NONE);

    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"),
                           item->call && item->call->custom ? SPAN("custom_tool_call_output")
                                                            : SPAN("function_call_output"));
    text_write_member(writing->json, SPAN("call_id"), call_id(writing, result->id));
    json_write_key(writing->json, SPAN("output"));
    if (one_text)
        write_result_text(writing, result);
    else
        write_result_parts(writing, result);
    json_write_object_end(writing->json);
    drop_mark(writing, result->cache);
}

/* Only who made it can read it. */
static void write_reasoning(struct chat_writing *writing, const struct block *block)
{
    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), SPAN("reasoning"));
    json_write_key(writing->json, SPAN("summary"));
    json_write_array(writing->json);
    if (block->text.len > 0)
        write_text_part(writing, "summary_text", "text", block->text);
    json_write_array_end(writing->json);
    text_write_member(writing->json, SPAN("encrypted_content"), block->signature);
    json_write_object_end(writing->json);
}

static void write_cited_text(struct chat_writing *writing, const struct block *block)
{
    struct span annotations = responses_annotations(block, writing->t->arena);

    json_write_object(writing->json);
    json_write_member_text(writing->json, SPAN("type"), SPAN("output_text"));
    text_write_member(writing->json, SPAN("text"), block->text.ptr ? block->text : TEXT(""));
    if (annotations.len > 0) {
        json_write_key(writing->json, SPAN("annotations"));
        json_write_array(writing->json);
        json_write_raw(writing->json, annotations);
        json_write_array_end(writing->json);
    }
    json_write_object_end(writing->json);
}

static void write_said(struct chat_writing *writing, const struct block *block)
{
    begin_message(writing, "assistant");
    json_write_array(writing->json);
    if (block->kind == BLOCK_refusal)
        write_text_part(writing, "refusal", "refusal", block->text);
    else
        write_cited_text(writing, block);
    json_write_array_end(writing->json);
    json_write_object_end(writing->json);
    drop_mark(writing, block->cache);
}

/* A search or a page that was opened: its item has nothing that others could not know. */
static void write_act(struct chat_writing *writing, const struct block *block)
{
    if (block->origin == DIALECT_responses)
        json_write_raw(writing->json, block->act->call.raw);
    else
        responses_write_act(block->act, responses_act_id(writing->t, block->act),
                            (struct act_wishes){.sources = true}, writing->json);
}

static void write_assistant(struct chat_writing *writing, const struct turn *turn)
{
    for (const struct turn_block *at = turn->blocks; at; at = at->next) {
        if (at->block->kind == BLOCK_tool_call)
            write_call(writing, at->block);
        else if (at->block->kind == BLOCK_reasoning)
            write_reasoning(writing, at->block);
        else if (at->block->kind == BLOCK_hosted)
            write_act(writing, at->block);
        else
            write_said(writing, at->block);
    }
}

/* Results come first in their turn; what the user says besides is a message. */
static void write_user(struct chat_writing *writing, const struct turn *turn)
{
    const struct turn_block *at = turn->blocks;

    for (; at && at->block->kind == BLOCK_tool_result; at = at->next)
        write_result(writing, at);
    if (!at)
        return;
    begin_message(writing, "user");
    json_write_array(writing->json);
    for (; at; at = at->next)
        write_part(writing, at->block);
    json_write_array_end(writing->json);
    json_write_object_end(writing->json);
}

static bool says(struct translation *t, const struct block *block)
{
    bool said = true;

    switch ((enum block_kind)block->kind) {
    case BLOCK_reasoning:
        said = block->origin == DIALECT_responses && block->signature.len > 0;
        break;
    case BLOCK_audio:
    case BLOCK_other: said = false; break;
    case BLOCK_text:
        if (text_blank(block->text))
            return false; /* but a signature of another maker */
        break;
    case BLOCK_hosted:
    case BLOCK_refusal:
    case BLOCK_image:
    case BLOCK_document:
    case BLOCK_tool_call:
    case BLOCK_tool_result: break;
    }
    if (!said)
        turns_drop(t, block);
    return said;
}

static void write_input(struct chat_writing *writing)
{
    uint32_t flags = TURNS_MID_SYSTEM;
    struct turns turns;

    if (writing->chat->dialect != DIALECT_responses)
        flags |= TURNS_ACT_WORDS;
    turns_make(writing->t, writing->chat, flags, says, &turns);
    json_write_key(writing->json, SPAN("input"));
    json_write_array(writing->json);
    write_system(writing, turns.system);
    for (const struct turn *turn = turns.first; turn; turn = turn->next) {
        if (turn->role == ROLE_assistant)
            write_assistant(writing, turn);
        else if (turn->role == ROLE_user)
            write_user(writing, turn);
        else
            write_system(writing, turn->blocks);
    }
    json_write_array_end(writing->json);
}

/* ---- settings ---------------------------------------------------------------------------- */

static double number_of(struct json_value value)
{
    char text[64] = "";

    if (value.kind != JSON_NUMBER || value.raw.len >= sizeof(text))
        return 0;
    memcpy(text, value.raw.ptr, value.raw.len);
    return strtod(text, NULL);
}

/* Whether the model will reason, as far as the request decides. */
static bool reasons(const struct chat_writing *writing)
{
    uint8_t effort = writing->chat->reasoning.effort;

    return has_trait(writing, TRAIT_THINKS_BY_EFFORT) &&
           (has_trait(writing, TRAIT_THINKS_ALWAYS) || effort > EFFORT_NONE ||
            (effort == EFFORT_ABSENT && !has_trait(writing, TRAIT_THINKS_WHEN_ASKED)));
}

static bool takes_field(struct chat_writing *writing, enum chat_field field)
{
    if (field == CHAT_temperature || field == CHAT_top_p || field == CHAT_logprobs ||
        field == CHAT_top_logprobs)
        return !(reasons(writing) && has_trait(writing, TRAIT_NO_SAMPLING));
    return field != CHAT_metadata || writing->chat->fields[CHAT_store].kind == JSON_TRUE;
}

static void write_field(struct chat_writing *writing, enum chat_field field, struct span name)
{
    struct json_value value = writing->chat->fields[field];

    json_write_key(writing->json, name);
    if (field == CHAT_max_output && number_of(value) < LEAST_OUTPUT)
        json_write_u64(writing->json, LEAST_OUTPUT);
    else
        json_write_raw(writing->json, value.raw);
}

static void write_fields(struct chat_writing *writing)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        enum chat_field field = (enum chat_field)i;
        struct span name = chat_field_plain(field, DIALECT_responses);

        if (name.len == 0 || field == CHAT_store || !chat_has(writing->chat, field))
            continue;
        if (takes_field(writing, field))
            write_field(writing, field, name);
        else
            drop(writing->t, chat_field_name(field, (enum dialect_id)writing->chat->dialect));
    }
}

static enum effort effort_of_budget(struct json_value budget)
{
    double tokens = number_of(budget);

    if (tokens < 0)
        return EFFORT_MEDIUM;
    if (tokens == 0)
        return EFFORT_NONE;
    return tokens >= 10000  ? EFFORT_HIGH
           : tokens >= 5000 ? EFFORT_MEDIUM
           : tokens >= 2000 ? EFFORT_LOW
                            : EFFORT_MINIMAL;
}

/* What was asked for, as the model knows it. */
static enum effort target_effort(const struct chat_writing *writing)
{
    const struct reasoning *asked = &writing->chat->reasoning;
    enum effort effort = (enum effort)asked->effort;

    if (effort == EFFORT_ABSENT && asked->budget.kind == JSON_NUMBER)
        effort = effort_of_budget(asked->budget);
    if (effort == EFFORT_ABSENT && asked->adaptive)
        effort = EFFORT_HIGH;
    if (effort == EFFORT_MAX && has_trait(writing, TRAIT_NO_MAX))
        effort = EFFORT_XHIGH;
    if (effort == EFFORT_XHIGH && has_trait(writing, TRAIT_NO_XHIGH))
        effort = EFFORT_HIGH;
    if (effort == EFFORT_NONE && has_trait(writing, TRAIT_THINKS_ALWAYS))
        effort = EFFORT_MINIMAL;
    if (effort == EFFORT_MINIMAL && has_trait(writing, TRAIT_NO_MINIMAL))
        effort = EFFORT_LOW;
    return effort;
}

static void write_reasoning_setting(struct chat_writing *writing)
{
    enum effort effort = target_effort(writing);
    struct text summary = writing->chat->reasoning.summary;

    if (!has_trait(writing, TRAIT_THINKS_BY_EFFORT)) {
        if (effort > EFFORT_NONE)
            drop(writing->t, SPAN("reasoning"));
        return;
    }
    if (!summary.ptr && writing->chat->reasoning.shown == MAYBE_TRUE)
        summary = TEXT("auto");
    if (effort != EFFORT_ABSENT || summary.ptr) {
        json_write_key(writing->json, SPAN("reasoning"));
        json_write_object(writing->json);
        if (effort != EFFORT_ABSENT)
            json_write_member_text(
                writing->json, SPAN("effort"),
                word_text(responses_efforts, responses_effort_count, (uint8_t)effort));
        text_write_known(writing->json, SPAN("summary"), summary);
        json_write_object_end(writing->json);
    }
}

/* Whether what a tool of KIND found is to be told: WISHED for by a client that can say so; else
 * wherever the provider is given such a tool. */
static bool is_wanted(const struct chat_writing *writing, enum hosted_kind kind, bool wished)
{
    if (writing->chat->dialect == DIALECT_responses)
        return wished;
    for (const struct tool *tool = writing->chat->tools; tool; tool = tool->next)
        if (tool->hosted && tool->hosted->kind == kind &&
            hosted_is_written(writing->chat, tool, DIALECT_responses))
            return true;
    return false;
}

/* What an answer has only when it is asked for. */
static void write_include(struct chat_writing *writing)
{
    bool reasoning = has_trait(writing, TRAIT_THINKS_BY_EFFORT);
    bool logprobs = writing->chat->fields[CHAT_logprobs].kind == JSON_TRUE;
    bool search = is_wanted(writing, HOSTED_search, writing->chat->wants_sources);
    bool code = is_wanted(writing, HOSTED_code, writing->chat->wants_outputs);

    if (logprobs && !takes_field(writing, CHAT_logprobs)) {
        drop(writing->t,
             chat_field_name(CHAT_logprobs, (enum dialect_id)writing->chat->dialect));
        logprobs = false;
    }
    if (!reasoning && !logprobs && !search && !code)
        return;
    json_write_key(writing->json, SPAN("include"));
    json_write_array(writing->json);
    if (reasoning)
        json_write_text(writing->json, SPAN("reasoning.encrypted_content"));
    if (logprobs)
        json_write_text(writing->json, SPAN("message.output_text.logprobs"));
    if (search)
        json_write_text(writing->json, SPAN("web_search_call.action.sources"));
    if (code)
        json_write_text(writing->json, SPAN("code_interpreter_call.outputs"));
    json_write_array_end(writing->json);
}

static void write_tool_settings(struct chat_writing *writing)
{
    const struct chat *chat = writing->chat;

    if (!chat->tools)
        return;
    responses_write_tools(writing->t, chat, true, writing->json);
    if (chat->tool_choice != TOOL_CHOICE_ABSENT)
        responses_write_tool_choice(writing->t, chat, true, writing->json);
    if (chat->parallel != MAYBE_ABSENT)
        json_write_member_bool(writing->json, SPAN("parallel_tool_calls"),
                               chat->parallel == MAYBE_TRUE);
}

static void write_service_tier(struct chat_writing *writing)
{
    struct json_value tier = writing->chat->fields[CHAT_service_tier];

    if (!chat_has(writing->chat, CHAT_service_tier))
        return;
    if (!chat_is_tier(tier)) {
        drop(writing->t, chat_field_name(CHAT_service_tier, writing->chat->dialect));
        return;
    }
    json_write_key(writing->json, SPAN("service_tier"));
    json_write_raw(writing->json, tier.raw);
}

static bool refuse_choices(struct chat_writing *writing)
{
    struct path path = {
        .key = chat_field_name(CHAT_choice_count, (enum dialect_id)writing->chat->dialect)};

    if (number_of(writing->chat->fields[CHAT_choice_count]) <= 1)
        return true;
    return refuse_as(writing->t, COMPLAINT_unsupported, &path,
                     "must be 1: the provider answers once");
}

/* A file that lies at a provider is known to that one only. */
static bool refuse_files(struct chat_writing *writing, const struct block *block,
                         const struct block *at)
{
    bool media = block->kind == BLOCK_image || block->kind == BLOCK_document;
    struct path place;

    if (media && block->media.form == MEDIA_FILE) {
        place.key = turns_place(writing->chat, at, writing->t->arena);
        place.up = NULL;
        return refuse_as(writing->t, COMPLAINT_unsupported, &place,
                         "is a file of another provider");
    }
    for (const struct block *inner = block->content; inner; inner = inner->next)
        if (!refuse_files(writing, inner, at))
            return false;
    return true;
}

static bool refuse_foreign_files(struct chat_writing *writing)
{
    const struct chat *chat = writing->chat;

    if (chat->dialect == DIALECT_openai || chat->dialect == DIALECT_responses)
        return true;
    for (const struct message *at = chat->messages; at; at = at->next)
        for (const struct block *block = at->blocks; block; block = block->next)
            if (!refuse_files(writing, block, block))
                return false;
    return true;
}

bool responses_write_chat(struct translation *t, const struct chat *chat,
                          struct json_writer *json)
{
    struct chat_writing writing = {.t = t, .chat = chat, .json = json};

    if (!refuse_choices(&writing) || !refuse_foreign_files(&writing))
        return false;
    drop_strangers(t, chat, DIALECT_responses);
    if (chat->stops)
        drop(t, chat->dialect == DIALECT_openai ? SPAN("stop") : SPAN("stop_sequences"));
    json_write_object(json);
    json_write_member_text(json, SPAN("model"), t->target.model);
    write_input(&writing);
    write_tool_settings(&writing);
    if (chat->format.kind != FORMAT_ABSENT || chat_has(chat, CHAT_verbosity))
        responses_write_text(chat, json);
    write_reasoning_setting(&writing);
    write_include(&writing);
    write_fields(&writing);
    write_service_tier(&writing);
    json_write_member_bool(json, SPAN("store"), chat->fields[CHAT_store].kind == JSON_TRUE);
    if (chat->stream)
        json_write_member_bool(json, SPAN("stream"), true);
    json_write_object_end(json);
    return true;
}
