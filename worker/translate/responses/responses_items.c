/* Items of `output`, for whole answers and for streams alike. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/responses/responses_inside.h"
#include "worker/translate/words.h"

static const char *prefix(const struct output_item *item)
{
    switch ((enum block_kind)item->kind) {
    case BLOCK_reasoning: return "rs_";
    case BLOCK_tool_call: return item->custom ? "ctc_" : "fc_";
    case BLOCK_text:
    case BLOCK_refusal:
    case BLOCK_image:
    case BLOCK_audio:
    case BLOCK_document:
    case BLOCK_tool_result:
    case BLOCK_hosted:
    case BLOCK_other: break;
    }
    return "msg_";
}

void responses_item_begin(struct translation *t, enum block_kind kind, struct text call_id,
                          struct text name, struct output_item *ret)
{
    *ret = (struct output_item){
        .kind = (uint8_t)kind,
        .origin = DIALECT_NONE,
        .custom = kind == BLOCK_tool_call && responses_is_custom(t, name),
        .call_id = call_id,
        .name = name,
    };
    if (kind == BLOCK_tool_call && call_id.len == 0)
        ret->call_id = make_id(t, "call_");
    ret->id = make_id(t, prefix(ret));
}

struct span responses_logprobs(struct json_value logprobs)
{
    struct json_value list = json_member(logprobs, SPAN("content"));

    return list.kind == JSON_ARRAY ? list.raw : SPAN("[]");
}

void responses_write_part(const struct output_item *item, struct text text,
                          struct json_writer *json)
{
    json_write_object(json);
    if (item->kind == BLOCK_refusal) {
        json_write_member_text(json, SPAN("type"), SPAN("refusal"));
        text_write_member(json, SPAN("refusal"), text);
    } else {
        json_write_member_text(json, SPAN("type"), SPAN("output_text"));
        text_write_member(json, SPAN("text"), text);
        json_write_key(json, SPAN("annotations"));
        json_write_array(json);
        if (item->annotations.len > 0)
            json_write_raw(json, item->annotations);
        json_write_array_end(json);
        json_write_key(json, SPAN("logprobs"));
        json_write_raw(json, item->logprobs.len > 0 ? item->logprobs : SPAN("[]"));
    }
    json_write_object_end(json);
}

static void write_message(const struct output_item *item, bool begun, struct json_writer *json)
{
    json_write_member_text(json, SPAN("role"), SPAN("assistant"));
    json_write_key(json, SPAN("content"));
    json_write_array(json);
    if (!begun)
        responses_write_part(item, item->text.ptr ? item->text : TEXT(""), json);
    json_write_array_end(json);
}

static void write_call(struct translation *t, const struct output_item *item,
                       struct json_writer *json)
{
    struct text id = item->call_id;

    if (item->signature.len > 0 && item->origin == DIALECT_gemini)
        id = signed_id_pack(id, item->signature, t->arena);
    text_write_member(json, SPAN("call_id"), id);
    text_write_member(json, SPAN("name"), item->name);
    text_write_member(json, item->custom ? SPAN("input") : SPAN("arguments"),
                      item->text.ptr ? item->text : TEXT(""));
}

static void write_reasoning(struct translation *t, const struct output_item *item, bool begun,
                            struct json_writer *json)
{
    json_write_key(json, SPAN("summary"));
    json_write_array(json);
    if (!begun && item->text.len > 0) {
        json_write_object(json);
        json_write_member_text(json, SPAN("type"), SPAN("summary_text"));
        text_write_member(json, SPAN("text"), item->text);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    if (!begun && item->signature.ptr)
        text_write_member(json, SPAN("encrypted_content"),
                          signature_pack((enum dialect_id)item->origin, item->signature,
                                         DIALECT_responses, t->arena));
}

void responses_write_item(struct translation *t, const struct output_item *item,
                          const char *status, struct json_writer *json)
{
    bool begun = strcmp(status, "in_progress") == 0;
    bool call = item->kind == BLOCK_tool_call, reasoning = item->kind == BLOCK_reasoning;

    json_write_object(json);
    text_write_member(json, SPAN("id"), item->id);
    json_write_member_text(
        json, SPAN("type"),
        call        ? (item->custom ? SPAN("custom_tool_call") : SPAN("function_call"))
        : reasoning ? SPAN("reasoning")
                    : SPAN("message"));
    if (!reasoning)
        json_write_member_text(json, SPAN("status"), span_of_text(status));
    if (call)
        write_call(t, item, json);
    else if (reasoning)
        write_reasoning(t, item, begun, json);
    else
        write_message(item, begun, json);
    json_write_object_end(json);
}

/* ---- whole answers ----------------------------------------------------------------------- */

/* A citation that does not say where it belongs is about all of its text. */
struct citation responses_placed(const struct citation *citation, struct text text,
                                 struct arena *arena)
{
    struct citation placed = *citation;

    if (placed.end.kind == JSON_NUMBER)
        return placed;
    placed.start = words_number(0, arena);
    placed.end = words_number(words_count(text), arena);
    return placed;
}

struct span responses_annotations(const struct block *block, struct arena *arena)
{
    struct buffer out _buffer_;

    buffer_init(&out, SIZE_MAX);
    for (const struct citation *at = block->citations; at; at = at->next) {
        struct citation placed = responses_placed(at, block->text, arena);
        struct json_writer json;

        if (!at->url.ptr)
            continue;
        if (out.len > 0)
            (void)buffer_append_byte(&out, ',');
        json_write_init(&json, &out);
        responses_write_annotation(&placed, &json);
    }
    return out.len > 0 ? arena_copy(arena, buffer_span(&out)) : SPAN_NONE;
}

static struct text input_of(struct translation *t, const struct block *call, bool custom)
{
    struct text input = custom ? call_custom_input(call, t->arena) : TEXT_NONE;

    return input.ptr ? input : call_arguments(call, t->arena);
}

/* LOGPROBS, of the whole answer, go with its first text. */
static void write_block(struct translation *t, const struct block *block, struct span *logprobs,
                        struct json_writer *json)
{
    struct output_item item;

    if (block->kind == BLOCK_hosted)
        responses_write_act(block->act, responses_act_id(t, block->act),
                            responses_wishes(t->chat, false), json);
    if (block->kind != BLOCK_text && block->kind != BLOCK_refusal &&
        block->kind != BLOCK_reasoning && block->kind != BLOCK_tool_call)
        return;
    responses_item_begin(t, (enum block_kind)block->kind, block->id, block->name, &item);
    item.custom = item.custom || block->custom;
    item.origin = block->origin;
    item.signature = block->signature;
    item.text = block->kind == BLOCK_tool_call ? input_of(t, block, item.custom) : block->text;
    item.annotations = responses_annotations(block, t->arena);
    if (block->kind == BLOCK_text) {
        item.logprobs = *logprobs;
        *logprobs = SPAN_NONE;
    }
    responses_write_item(t, &item, "completed", json);
}

static void add_block(struct translation *t, const struct block *block, struct span *logprobs,
                      struct buffer *items)
{
    size_t before = items->len;
    struct json_writer item;

    /* A text that is nothing but its signature is no message. */
    if (block->kind == BLOCK_text && block->text.len == 0 && block->signature.len > 0)
        return;
    if (before > 0)
        (void)buffer_append_byte(items, ',');
    json_write_init(&item, items);
    write_block(t, block, logprobs, &item);
    if (before > 0 && items->len == before + 1)
        items->len = before;
}

void responses_text_signature(struct translation *t, const struct block *text,
                              struct output_item *ret)
{
    *ret = (struct output_item){
        .kind = BLOCK_reasoning,
        .origin = DIALECT_NONE,
        .id = make_id(t, "rs_"),
        .signature =
            signature_pack_text((enum dialect_id)text->origin, text->signature, t->arena),
    };
}

static void add_signature(struct translation *t, const struct block *text, struct buffer *items)
{
    struct output_item signature;
    struct json_writer json;

    if (text->signature.len == 0 || text->origin == DIALECT_NONE)
        return;
    responses_text_signature(t, text, &signature);
    if (items->len > 0)
        (void)buffer_append_byte(items, ',');
    json_write_init(&json, items);
    responses_write_item(t, &signature, "completed", &json);
}

void responses_write_reply(struct translation *t, const struct reply *reply,
                           struct json_writer *json)
{
    struct buffer items _buffer_;
    struct response response;
    struct response_state state = {.usage = &reply->usage};
    struct span logprobs = responses_logprobs(reply->choices->logprobs);

    buffer_init(&items, SIZE_MAX);
    for (const struct block *block = reply->choices->blocks; block; block = block->next) {
        add_block(t, block, &logprobs, &items);
        if (block->kind == BLOCK_text)
            add_signature(t, block, &items);
    }
    responses_begin(t, reply->id, reply->model, reply->created, &response);
    response.service_tier = reply->service_tier;
    state.status = responses_status((enum stop_reason)reply->choices->stop, &state.why);
    state.output = buffer_span(&items);
    responses_write_response(t, &response, &state, json);
}
