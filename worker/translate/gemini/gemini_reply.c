/* Whole answers, read and written. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/media.h"
#include "worker/translate/words.h"

/* ---- reading --------------------------------------------------------------------------- */

struct act *gemini_read_code(const struct json_value *part, struct act *added_to,
                             struct arena *arena)
{
    static const struct span names[] = {WORD("outcome"), WORD("output")};
    struct json_value code = part[PART_executableCode], values[ARRAY_LEN(names)];
    struct act *act = added_to;

    if (code.kind == JSON_OBJECT) {
        act = act_new(HOSTED_code, arena);
        act->input = text_of(gemini_member(code, SPAN("code")));
        return act;
    }
    if (!act || act->kind != HOSTED_code)
        act = act_new(HOSTED_code, arena);
    gemini_pick(part[PART_codeExecutionResult], names, ARRAY_LEN(names), values);
    act_add_output(act, values[1].kind == JSON_STRING ? text_of(values[1]) : TEXT(""), arena);
    act->failed |= !json_text_eq(values[0], SPAN("OUTCOME_OK"));
    return act == added_to ? NULL : act;
}

static struct block *add_code(struct translation *t, struct choice *choice,
                              const struct json_value *part)
{
    struct act *act = gemini_read_code(part, choice->last ? choice->last->act : NULL, t->arena);
    struct block *block;

    if (!act)
        return NULL;
    block = choice_add_block(choice, BLOCK_hosted, t->arena);
    block->act = act;
    return block;
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
    } else if (part[PART_executableCode].kind == JSON_OBJECT ||
               part[PART_codeExecutionResult].kind == JSON_OBJECT) {
        block = add_code(t, choice, part);
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

/* ---- what it rests on ------------------------------------------------------------------ */

/* All texts of CHOICE, decoded. */
static struct span words_of(const struct choice *choice, struct arena *arena)
{
    struct text all = TEXT("");

    for (const struct block *block = choice->blocks; block; block = block->next)
        if (block->kind == BLOCK_text)
            all = text_join(all, block->text, arena);
    return text_plain(all, arena);
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* The text that CITATION is about, and the place in it; the last when none is said. */
static struct block *settled_place(struct choice *choice, struct citation *citation,
                                   struct arena *arena)
{
    uint64_t start = 0, end = 0, count;
    bool placed = json_u64(citation->start, &start) && json_u64(citation->end, &end);
    struct block *last = NULL;

    for (struct block *block = choice->blocks; block; block = block->next) {
        if (block->kind != BLOCK_text)
            continue;
        last = block;
        count = words_count(block->text);
        if (placed && start < count) {
            citation->start = words_number(start, arena);
            citation->end = words_number(end < count ? end : count, arena);
            return block;
        }
        start = less(start, count);
        end = less(end, count);
    }
    citation->start = citation->end = (struct json_value){.kind = JSON_ABSENT};
    return last;
}

static void add_citation(struct block *block, struct citation *citation)
{
    struct citation **at = &block->citations;

    while (*at)
        at = &(*at)->next;
    citation->next = NULL;
    *at = citation;
}

/* Before the first text, which rests on it. */
static void put_acts(struct choice *choice, struct block *acts)
{
    struct block **at = &choice->blocks, *last = acts;

    if (!acts)
        return;
    while (*at && (*at)->kind != BLOCK_text)
        at = &(*at)->next;
    while (last->next)
        last = last->next;
    last->next = *at;
    if (!*at)
        choice->last = last;
    *at = acts;
}

static void read_ground(struct translation *t, struct json_value candidate,
                        struct choice *choice, struct usage *usage)
{
    struct block *acts = gemini_read_acts(candidate, t->arena);

    struct citation *citation =
        gemini_read_citations(candidate, words_of(choice, t->arena), t->arena);

    while (citation) {
        struct citation *next = citation->next;
        struct block *block = settled_place(choice, citation, t->arena);

        if (block)
            add_citation(block, citation);
        citation = next;
    }
    for (const struct block *act = acts; act; act = act->next)
        usage_note_act(usage, act->act);
    put_acts(choice, acts);
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

    gemini_pick(candidate, names, ARRAY_LEN(names), values);
    read_parts(t, choice, values[0]);
    choice->stop = (uint8_t)settled_stop(choice, gemini_finish_read(values[1]));
    (void)gemini_read_logprobs(values[2], t->arena, &choice->logprobs);
    read_ground(t, candidate, choice, &reply->usage);
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
    if (block->kind == BLOCK_hosted) {
        gemini_write_code(json, block, arena);
        return;
    }
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

void gemini_write_code(struct json_writer *json, const struct block *block, struct arena *arena)
{
    const struct act *act = block->act;

    if (act->kind != HOSTED_code)
        return;
    if (act->input.ptr) {
        json_write_object(json);
        json_write_key(json, SPAN("executableCode"));
        json_write_object(json);
        json_write_member_text(json, SPAN("language"),
                               act->shell ? SPAN("LANGUAGE_UNSPECIFIED") : SPAN("PYTHON"));
        text_write_member(json, SPAN("code"), act->input);
        json_write_object_end(json);
        text_write_known(
            json, SPAN("thoughtSignature"),
            gemini_signature_out(block->signature, (enum dialect_id)block->origin, arena));
        json_write_object_end(json);
    }
    if (!act->output.ptr)
        return;
    json_write_object(json);
    json_write_key(json, SPAN("codeExecutionResult"));
    json_write_object(json);
    json_write_member_text(json, SPAN("outcome"),
                           act->failed ? SPAN("OUTCOME_FAILED") : SPAN("OUTCOME_OK"));
    text_write_member(json, SPAN("output"), act->output);
    json_write_object_end(json);
    json_write_object_end(json);
}

static void gather_ground(const struct choice *choice, struct gemini_ground *ground)
{
    struct gemini_place place = {.before = 0};

    for (const struct block *block = choice->blocks; block; block = block->next) {
        if (block->act)
            gemini_ground_act(ground, block->act);
        if (block->kind != BLOCK_text && block->kind != BLOCK_refusal)
            continue;
        place.words = text_plain(block->text, ground->arena);
        place.bytes = place.words.len;
        for (const struct citation *at = block->citations; at; at = at->next)
            gemini_ground_citation(ground, at, &place);
        place.before += place.bytes;
    }
}

static void write_choice(struct json_writer *json, const struct choice *choice,
                         struct arena *arena)
{
    struct gemini_ground ground = {.arena = arena};

    gather_ground(choice, &ground);
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
    gemini_write_ground(json, &ground);
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
