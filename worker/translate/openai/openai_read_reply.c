/* Whole answers of providers: of OpenAI and of all who sound like it. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/media.h"
#include "worker/translate/openai/openai_inside.h"

/* clang-format off */
#define ANSWER_MEMBERS(M) \
    M(id) \
    M(model) \
    M(created) \
    M(choices) \
    M(usage) \
    M(service_tier) \
    M(error) \
    M(base_resp) \
    M(x_groq)

/* clang-format on */

enum answer_member {
#define MEMBER(name) ANSWER_##name,
    ANSWER_MEMBERS(MEMBER)
#undef MEMBER
    ANSWER_MEMBER_COUNT
};

static const struct span answer_keys[] = {ANSWER_MEMBERS(MEMBER_KEY)};

/* clang-format off */
#define SAID_MEMBERS(M) \
    M(content) \
    M(refusal) \
    M(reasoning_content) \
    M(reasoning) \
    M(reasoning_details) \
    M(thinking_blocks) \
    M(tool_calls) \
    M(function_call) \
    M(annotations) \
    M(images) \
    M(audio)

/* clang-format on */

enum said_member {
#define MEMBER(name) SAID_##name,
    SAID_MEMBERS(MEMBER)
#undef MEMBER
    SAID_MEMBER_COUNT
};

static const struct span said_keys[] = {SAID_MEMBERS(MEMBER_KEY)};

struct reply_reading {
    struct translation *t;
    struct arena *arena;
    struct reply *reply;
    struct choice *choice;
};

static struct block *add(struct reply_reading *reading, enum block_kind kind)
{
    return choice_add_block(reading->choice, kind, reading->arena);
}

static void add_text(struct reply_reading *reading, enum block_kind kind, struct text text)
{
    if (text.len > 0)
        add(reading, kind)->text = text;
}

/* ---- reasoning --------------------------------------------------------------------------- */

static struct text details_text(struct reply_reading *reading, struct json_value details)
{
    static const struct span keys[] = {WORD("text"), WORD("summary")};
    struct json_walk walk = json_walk(details);
    struct json_value values[ARRAY_LEN(keys)];
    struct text text = TEXT_NONE;
    struct json_value item;

    while (details.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        pick_members(item, keys, ARRAY_LEN(keys), values);
        text = text_join(text, text_of(values[values[0].kind == JSON_STRING ? 0 : 1]),
                         reading->arena);
    }
    return text;
}

static void read_reasoning(struct reply_reading *reading, const struct json_value *said)
{
    struct json_value blocks = said[SAID_thinking_blocks];
    struct json_walk walk = json_walk(blocks);
    struct text text;
    struct json_value item;
    bool any = false;

    while (blocks.kind == JSON_ARRAY && json_next(&walk, NULL, &item)) {
        if (item.kind != JSON_OBJECT)
            continue;
        openai_read_thinking_block(item, add(reading, BLOCK_reasoning));
        any = true;
    }
    if (any)
        return;
    text = text_of(openai_reasoning_member(said[SAID_reasoning_content], said[SAID_reasoning]));
    if (text.len == 0)
        text = details_text(reading, said[SAID_reasoning_details]);
    add_text(reading, BLOCK_reasoning, text);
}

/* ---- words and media --------------------------------------------------------------------- */

static void read_image(struct reply_reading *reading, struct json_value image_url)
{
    struct media media = {.form = MEDIA_URL};
    struct text url = text_of(
        image_url.kind == JSON_OBJECT ? json_member(image_url, SPAN("url")) : image_url);

    if (media_read_address(url, reading->arena, &media))
        add(reading, BLOCK_image)->media = media;
}

/* A part of Mistral's answers, or an image of OpenRouter's. */
static void read_part(struct reply_reading *reading, struct json_value part)
{
    static const struct span keys[] = {WORD("type"), WORD("text"), WORD("thinking"),
                                       WORD("image_url"), WORD("refusal")};
    struct json_value values[ARRAY_LEN(keys)];

    pick_members(part, keys, ARRAY_LEN(keys), values);
    if (values[2].kind != JSON_ABSENT)
        add_text(reading, BLOCK_reasoning, openai_thinking_text(values[2], reading->arena));
    else if (values[3].kind != JSON_ABSENT)
        read_image(reading, values[3]);
    else if (values[4].kind != JSON_ABSENT)
        add_text(reading, BLOCK_refusal, text_of(values[4]));
    else
        add_text(reading, BLOCK_text, text_of(values[1]));
}

static void read_parts_in(struct reply_reading *reading, struct json_value list)
{
    struct json_walk walk = json_walk(list);
    struct json_value part;

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &part))
        read_part(reading, part);
}

static void read_citations(struct reply_reading *reading, struct json_value annotations)
{
    struct json_walk walk = json_walk(annotations);
    struct block *block = reading->choice->last;
    struct citation **next, citation;
    struct json_value item;

    if (!block || block->kind != BLOCK_text || annotations.kind != JSON_ARRAY)
        return;
    for (next = &block->citations; json_next(&walk, NULL, &item);) {
        if (!openai_read_annotation(item, &citation))
            continue;
        *next = ARENA_NEW(reading->arena, struct citation);
        **next = citation;
        next = &(*next)->next;
    }
}

static void read_words(struct reply_reading *reading, const struct json_value *said)
{
    add_text(reading, BLOCK_text, text_of(said[SAID_content]));
    read_parts_in(reading, said[SAID_content]);
    /* An answer that was spoken is told by its words. */
    if (said[SAID_content].kind == JSON_ABSENT && said[SAID_audio].kind == JSON_OBJECT)
        add_text(reading, BLOCK_text,
                 text_of(json_member(said[SAID_audio], SPAN("transcript"))));
    read_citations(reading, said[SAID_annotations]);
    add_text(reading, BLOCK_refusal, text_of(said[SAID_refusal]));
    read_parts_in(reading, said[SAID_images]);
}

/* ---- calls ------------------------------------------------------------------------------- */

/* A custom tool that the provider knows as a function with one string. */
static void unwrap_custom(struct reply_reading *reading, struct block *call)
{
    struct text input = call_custom_input(call, reading->arena);

    call->arguments = input.ptr ? input : call_arguments(call, reading->arena);
    call->input.kind = JSON_ABSENT;
    call->custom = true;
}

static void read_called_tool(struct reply_reading *reading, struct json_value called,
                             struct block *call)
{
    static const struct span keys[] = {WORD("name"), WORD("arguments"), WORD("input")};
    struct json_value values[ARRAY_LEN(keys)];

    pick_members(called, keys, ARRAY_LEN(keys), values);
    call->name = tool_name_back(reading->t, text_of(values[0]));
    if (!call->name.ptr)
        call->name = TEXT("");
    if (call->custom)
        call->arguments = text_of(values[2]);
    else if (values[1].kind == JSON_OBJECT)
        call->input = values[1];
    else
        call->arguments = text_of(values[1]);
    if (!call->custom && openai_is_custom_tool(reading->t, call->name))
        unwrap_custom(reading, call);
}

static void read_call(struct reply_reading *reading, struct json_value item)
{
    static const struct span keys[] = {WORD("id"), WORD("function"), WORD("custom"),
                                       WORD("extra_content")};
    struct json_value values[ARRAY_LEN(keys)];
    struct block *call;
    struct text id;

    pick_members(item, keys, ARRAY_LEN(keys), values);
    if (values[1].kind != JSON_OBJECT && values[2].kind != JSON_OBJECT)
        return;
    call = add(reading, BLOCK_tool_call);
    id = text_of(values[0]);
    openai_read_call_id(id.len > 0 ? id : make_id(reading->t, "call_"), values[3],
                        reading->arena, call);
    call->custom = values[2].kind == JSON_OBJECT;
    read_called_tool(reading, values[call->custom ? 2 : 1], call);
}

static void read_calls(struct reply_reading *reading, const struct json_value *said)
{
    struct json_walk walk = json_walk(said[SAID_tool_calls]);
    struct json_value item;
    struct block *call;

    while (said[SAID_tool_calls].kind == JSON_ARRAY && json_next(&walk, NULL, &item))
        read_call(reading, item);
    if (said[SAID_function_call].kind != JSON_OBJECT)
        return;
    call = add(reading, BLOCK_tool_call);
    call->id = make_id(reading->t, "call_");
    read_called_tool(reading, said[SAID_function_call], call);
}

/* ---- choices ----------------------------------------------------------------------------- */

/* Why it stopped, corrected by what was said. */
static void settle_stop(struct choice *choice, struct json_value finish, struct json_value at)
{
    choice->stop = (uint8_t)openai_finish_read(finish);
    if (choice->stop == STOP_NONE)
        choice->stop = STOP_END;
    /* vLLM names the sequence that it met. */
    if (choice->stop == STOP_END && at.kind == JSON_STRING) {
        choice->stop = STOP_SEQUENCE;
        choice->stop_sequence = text_of(at);
    }
    /* A forced call ends with "stop". */
    if (choice->stop == STOP_END && choice_has(choice, BLOCK_tool_call))
        choice->stop = STOP_TOOL;
}

static void read_choice(struct reply_reading *reading, struct json_value item)
{
    static const struct span keys[] = {WORD("index"),         WORD("message"),
                                       WORD("finish_reason"), WORD("logprobs"),
                                       WORD("stop_reason"),   WORD("usage")};
    struct json_value values[ARRAY_LEN(keys)];
    struct json_value said[SAID_MEMBER_COUNT];
    uint64_t index;

    pick_members(item, keys, ARRAY_LEN(keys), values);
    reading->choice = reply_add_choice(reading->reply, reading->arena);
    if (json_u64(values[0], &index) && index < UINT32_MAX)
        reading->choice->index = (uint32_t)index;
    pick_members(values[1], said_keys, SAID_MEMBER_COUNT, said);
    read_reasoning(reading, said);
    read_words(reading, said);
    read_calls(reading, said);
    settle_stop(reading->choice, values[2], values[4]);
    if (values[3].kind == JSON_OBJECT)
        reading->choice->logprobs = values[3];
    openai_read_usage(values[5], &reading->reply->usage); /* Moonshot */
}

static bool fail(struct translation *t, enum complaint_kind kind, struct text message)
{
    t->refusal = (struct complaint){.kind = (uint8_t)kind, .message = message};
    return false;
}

bool openai_read_choices(struct translation *t, struct json_value choices, struct reply *reply)
{
    struct reply_reading reading = {.t = t, .arena = t->arena, .reply = reply};
    struct json_walk walk = json_walk(choices);
    struct json_value item;

    while (choices.kind == JSON_ARRAY && json_next(&walk, NULL, &item))
        if (item.kind == JSON_OBJECT)
            read_choice(&reading, item);
    if (!reply->choices)
        return fail(t, COMPLAINT_bad_answer, TEXT("The provider's answer has no choices."));
    if (reply->choices->stop == STOP_FAILED && !reply->choices->blocks)
        return fail(t, COMPLAINT_internal, TEXT("The provider failed while it answered."));
    return true;
}

static struct text known(struct json_value value)
{
    struct text text = text_of(value);

    return text.len > 0 ? text : TEXT_NONE;
}

bool openai_read_reply(struct translation *t, struct json_value body, struct reply *ret)
{
    struct json_value values[ANSWER_MEMBER_COUNT];

    pick_members(body, answer_keys, ANSWER_MEMBER_COUNT, values);
    if (openai_error_inside(values[ANSWER_error], values[ANSWER_base_resp], body.raw, t->arena,
                            &t->refusal))
        return false;
    if (body.kind == JSON_OBJECT && values[ANSWER_choices].kind == JSON_ABSENT) {
        complaint_read(200, body.raw, t->arena, &t->refusal);
        return false;
    }
    ret->id = known(values[ANSWER_id]);
    ret->model = known(values[ANSWER_model]);
    ret->service_tier = known(values[ANSWER_service_tier]);
    usage_read_service(values[ANSWER_service_tier], &ret->usage);
    (void)json_u64(values[ANSWER_created], &ret->created);
    if (!openai_read_choices(t, values[ANSWER_choices], ret))
        return false;
    if (values[ANSWER_usage].kind == JSON_ABSENT)
        values[ANSWER_usage] = json_member(values[ANSWER_x_groq], SPAN("usage"));
    openai_read_usage(values[ANSWER_usage], &ret->usage);
    return true;
}
