/* Whole answers, read and written. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/media.h"

/* ---- reading --------------------------------------------------------------------------- */

static struct text fenced(struct text language, struct text code, struct arena *arena)
{
    struct text open = text_join(text_join(TEXT("```"), language, arena), TEXT("\\n"), arena);

    return text_join(text_join(open, code, arena), TEXT("\\n```\\n"), arena);
}

static void read_call(struct translation *t, struct json_value value, struct block *call)
{
    static const struct span names[] = {WORD("id"), WORD("name"), WORD("args")};
    struct json_value values[ARRAY_LEN(names)];

    gemini_pick(value, names, ARRAY_LEN(names), values);
    call->id = text_of(values[0]);
    if (call->id.len == 0)
        call->id = make_id(t, "call_");
    call->name = text_of(values[1]);
    call->input = values[2];
    if (call->input.kind != JSON_OBJECT)
        call->input = (struct json_value){JSON_OBJECT, SPAN("{}")};
    gemini_settle_call(t, call);
}

/* The block that PART says, added to CHOICE; NULL: one that says nothing. */
static struct block *read_block(struct translation *t, struct choice *choice,
                                const struct json_value *part)
{
    struct media media = {.form = MEDIA_DATA};
    struct block *block = NULL;

    if (part[PART_functionCall].kind == JSON_OBJECT) {
        block = choice_add_block(choice, BLOCK_tool_call, t->arena);
        read_call(t, part[PART_functionCall], block);
    } else if (gemini_read_inline(part[PART_inlineData], t->arena, &media) ||
               gemini_read_file(part[PART_fileData], t->arena, &media)) {
        block = choice_add_block(choice, media_block_kind(media.type), t->arena);
        block->media = media;
    } else if (part[PART_executableCode].kind == JSON_OBJECT) {
        block = choice_add_block(choice, BLOCK_text, t->arena);
        block->text =
            fenced(TEXT("python"),
                   text_of(gemini_member(part[PART_executableCode], SPAN("code"))), t->arena);
    } else if (part[PART_codeExecutionResult].kind == JSON_OBJECT) {
        block = choice_add_block(choice, BLOCK_text, t->arena);
        block->text = fenced(
            TEXT_NONE, text_of(gemini_member(part[PART_codeExecutionResult], SPAN("output"))),
            t->arena);
    } else if (part[PART_text].raw.len > 2 || part[PART_thoughtSignature].kind == JSON_STRING) {
        block = choice_add_block(
            choice, part[PART_thought].kind == JSON_TRUE ? BLOCK_reasoning : BLOCK_text,
            t->arena);
        block->text = part[PART_text].kind == JSON_STRING ? text_of(part[PART_text]) : TEXT("");
    }
    return block;
}

static void read_parts(struct translation *t, struct choice *choice, struct json_value content)
{
    struct json_value parts = gemini_member(content, SPAN("parts")), item;
    struct json_value members[PART_COUNT];
    struct json_walk walk;
    struct block *block;
    struct span key;

    if (parts.kind != JSON_ARRAY)
        return;
    for (walk = json_walk(parts); json_next(&walk, &key, &item);) {
        gemini_pick(item, gemini_part_names, PART_COUNT, members);
        block = read_block(t, choice, members);
        if (block && members[PART_thoughtSignature].kind == JSON_STRING)
            block->signature = gemini_signature_in(text_of(members[PART_thoughtSignature]),
                                                   t->arena, &block->origin);
    }
}

static struct block *last_text(struct choice *choice)
{
    struct block *last = NULL;

    for (struct block *block = choice->blocks; block; block = block->next)
        if (block->kind == BLOCK_text)
            last = block;
    return last;
}

/* What ends the answer. A failed generation that brought something ends as any other. */
static enum stop_reason settled_stop(const struct choice *choice, enum stop_reason stop)
{
    if (choice_has(choice, BLOCK_tool_call) && (stop == STOP_END || stop == STOP_FAILED))
        return STOP_TOOL;
    return stop == STOP_FAILED && choice->blocks ? STOP_END : stop;
}

static void read_candidate(struct translation *t, struct json_value candidate,
                           struct reply *reply)
{
    static const struct span names[] = {WORD("content"), WORD("finishReason"),
                                        WORD("logprobsResult")};
    struct json_value values[ARRAY_LEN(names)];
    struct choice *choice = reply_add_choice(reply, t->arena);
    struct block *text;

    gemini_pick(candidate, names, ARRAY_LEN(names), values);
    read_parts(t, choice, values[0]);
    choice->stop = (uint8_t)settled_stop(choice, gemini_finish_read(values[1]));
    (void)gemini_read_logprobs(values[2], t->arena, &choice->logprobs);
    text = last_text(choice);
    if (text)
        text->citations = gemini_read_citations(candidate, t->arena);
}

static bool bad_answer(struct translation *t, enum complaint_kind kind, struct text message)
{
    t->refusal = (struct complaint){.kind = (uint8_t)kind, .message = message};
    return false;
}

static bool read_nothing(struct translation *t, struct json_value feedback, struct reply *reply)
{
    if (gemini_member(feedback, SPAN("blockReason")).kind != JSON_STRING)
        return bad_answer(t, COMPLAINT_bad_answer,
                          TEXT("The provider's answer has no candidates."));
    reply_add_choice(reply, t->arena)->stop = STOP_FILTER;
    return true;
}

bool gemini_read_reply(struct translation *t, struct json_value body, struct reply *ret)
{
    static const struct span names[] = {WORD("candidates"),    WORD("promptFeedback"),
                                        WORD("usageMetadata"), WORD("modelVersion"),
                                        WORD("responseId"),    WORD("error")};
    struct json_value values[ARRAY_LEN(names)], candidate;
    struct json_walk walk;
    struct span key;

    gemini_pick(body, names, ARRAY_LEN(names), values);
    if (body.kind != JSON_OBJECT || values[5].kind == JSON_OBJECT) {
        complaint_read(200, body.raw, t->arena, &t->refusal);
        return false;
    }
    gemini_read_usage(values[2], &ret->usage);
    ret->model = text_of(values[3]);
    ret->id = text_of(values[4]);
    if (values[0].kind == JSON_ARRAY)
        for (walk = json_walk(values[0]); json_next(&walk, &key, &candidate);)
            read_candidate(t, candidate, ret);
    if (!ret->choices)
        return read_nothing(t, values[1], ret);
    if (ret->choices->stop == STOP_NONE && !ret->choices->blocks)
        return bad_answer(t, COMPLAINT_bad_answer,
                          TEXT("The provider's answer has nothing in it."));
    if (ret->choices->stop == STOP_FAILED)
        return bad_answer(t, COMPLAINT_internal,
                          TEXT("The provider's generation failed: nothing came of it."));
    return true;
}

/* ---- writing --------------------------------------------------------------------------- */

/* Without line ends, which would cut a record in two. They stand between tokens only. */
static struct span one_line(struct span object, struct arena *arena)
{
    char *to;

    if (!memchr(object.ptr, '\n', object.len) && !memchr(object.ptr, '\r', object.len))
        return object;
    to = arena_take_text(arena, object.len);
    for (size_t i = 0; i < object.len; i++)
        to[i] = object.ptr[i] == '\n' || object.ptr[i] == '\r' ? ' ' : object.ptr[i];
    return span_of(to, object.len);
}

static void write_call(struct json_writer *json, const struct block *call, struct arena *arena)
{
    struct span object;

    (void)call_input(call, arena, &object);
    object = one_line(object, arena);
    json_write_key(json, SPAN("functionCall"));
    json_write_object(json);
    text_write_known(json, SPAN("id"), call->id);
    text_write_member(json, SPAN("name"), call->name);
    json_write_key(json, SPAN("args"));
    json_write_raw(json, object);
    json_write_object_end(json);
}

void gemini_write_answer_part(struct json_writer *json, const struct block *block,
                              struct arena *arena)
{
    bool empty = block->text.len == 0 && block->signature.len == 0;

    if (block->kind == BLOCK_tool_result || block->kind == BLOCK_other ||
        (empty && block->kind <= BLOCK_reasoning))
        return;
    json_write_object(json);
    if (block->kind == BLOCK_tool_call) {
        write_call(json, block, arena);
    } else if (block->kind <= BLOCK_reasoning) {
        text_write_member(json, SPAN("text"), block->text.ptr ? block->text : TEXT(""));
        if (block->kind == BLOCK_reasoning)
            json_write_member_bool(json, SPAN("thought"), true);
    } else {
        (void)gemini_write_media(json, &block->media, (enum block_kind)block->kind, arena);
    }
    text_write_known(
        json, SPAN("thoughtSignature"),
        gemini_signature_out(block->signature, (enum dialect_id)block->origin, arena));
    json_write_object_end(json);
}

/* Here they are the whole answer's, not a block's. */
static struct citation *all_citations(const struct choice *choice, struct arena *arena)
{
    struct citation *first = NULL, **end = &first;

    for (const struct block *block = choice->blocks; block; block = block->next)
        for (const struct citation *at = block->citations; at; at = at->next) {
            *end = ARENA_NEW(arena, struct citation);
            **end = *at;
            (*end)->next = NULL;
            end = &(*end)->next;
        }
    return first;
}

static void write_choice(struct json_writer *json, const struct choice *choice,
                         struct arena *arena)
{
    json_write_object(json);
    json_write_key(json, SPAN("content"));
    json_write_object(json);
    json_write_key(json, SPAN("parts"));
    json_write_array(json);
    for (const struct block *block = choice->blocks; block; block = block->next)
        gemini_write_answer_part(json, block, arena);
    json_write_array_end(json);
    json_write_member_text(json, SPAN("role"), SPAN("model"));
    json_write_object_end(json);
    json_write_member_text(json, SPAN("finishReason"),
                           gemini_finish_text((enum stop_reason)choice->stop));
    json_write_member_u64(json, SPAN("index"), choice->index);
    gemini_write_citations(json, all_citations(choice, arena));
    gemini_write_logprobs(json, choice->logprobs);
    json_write_object_end(json);
}

void gemini_write_reply(struct translation *t, const struct reply *reply,
                        struct json_writer *json)
{
    json_write_object(json);
    json_write_key(json, SPAN("candidates"));
    json_write_array(json);
    for (const struct choice *choice = reply->choices; choice; choice = choice->next)
        write_choice(json, choice, t->arena);
    json_write_array_end(json);
    gemini_write_usage(json, &reply->usage);
    text_write_known(json, SPAN("modelVersion"), reply->model);
    text_write_member(json, SPAN("responseId"),
                      reply->id.len > 0 ? reply->id : make_id(t, "resp_"));
    json_write_object_end(json);
}
