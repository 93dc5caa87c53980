/* Whole answers. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"
#include "worker/translate/call.h"

/* ---- reading ----------------------------------------------------------------------------- */

/* The call of the tool that stands for a schema is the answer itself. */
static bool is_answer(const struct translation *t, struct text name)
{
    return t->format_tool.ptr && text_eq(name, t->format_tool);
}

bool anthropic_is_custom(const struct translation *t, struct text name)
{
    const struct tool *tool = t->chat ? chat_find_tool(t->chat, name) : NULL;

    return tool && tool->kind == TOOL_CUSTOM;
}

static void read_call(struct translation *t, const struct json_value *values,
                      struct choice *choice)
{
    struct text name = text_of(values[MEMBER_name]), words;
    struct block *block;

    if (is_answer(t, name)) {
        block = choice_add_block(choice, BLOCK_text, t->arena);
        block->text = text_escape(values[MEMBER_input].raw, t->arena);
        return;
    }
    block = choice_add_block(choice, BLOCK_tool_call, t->arena);
    block->id = text_of(values[MEMBER_id]);
    block->name = tool_name_back(t, name);
    block->input = values[MEMBER_input];
    words =
        anthropic_is_custom(t, block->name) ? call_custom_input(block, t->arena) : TEXT_NONE;
    if (words.ptr) {
        block->custom = true;
        block->arguments = words;
        block->input = (struct json_value){.kind = JSON_ABSENT};
    }
}

void anthropic_drop_answer(struct translation *t, struct json_value type)
{
    drop(t, arena_copy(t->arena, json_text(type, t->arena)));
}

/* A block of a hosted tool that others have too: its call, or what came of it. */
static bool read_act(struct translation *t, struct json_value object,
                     const struct json_value *values, struct choice *choice)
{
    struct text id = text_of(values[MEMBER_tool_use_id]);
    struct block *block = choice->blocks;
    struct act *act = NULL;

    if (json_text_eq(values[MEMBER_type], SPAN("server_tool_use")))
        act = anthropic_read_act(values, object, t->arena);
    if (act) {
        block = choice_add_block(choice, BLOCK_hosted, t->arena);
        block->origin = DIALECT_anthropic;
        block->act = act;
        return true;
    }
    if (!anthropic_is_act_result(values[MEMBER_type]))
        return false;
    while (block && (!block->act || !text_eq(block->act->id, id)))
        block = block->next;
    if (block)
        anthropic_read_act_result(values[MEMBER_content], t->arena, block->act);
    return block != NULL;
}

static void read_block(struct translation *t, struct json_value object, struct choice *choice)
{
    struct json_value values[BLOCK_MEMBER_COUNT], type;
    struct block *block;

    anthropic_pick_block(object, values);
    type = values[MEMBER_type];
    if (json_text_eq(type, SPAN("text"))) {
        block = choice_add_block(choice, BLOCK_text, t->arena);
        block->text = text_of(values[MEMBER_text]);
        block->citations = anthropic_read_citations(values[MEMBER_citations], t->arena);
    } else if (json_text_eq(type, SPAN("tool_use"))) {
        read_call(t, values, choice);
    } else if (json_text_eq(type, SPAN("thinking"))) {
        block = choice_add_block(choice, BLOCK_reasoning, t->arena);
        anthropic_read_reasoning(values, false, block);
    } else if (json_text_eq(type, SPAN("redacted_thinking"))) {
        block = choice_add_block(choice, BLOCK_reasoning, t->arena);
        anthropic_read_reasoning(values, true, block);
    } else if (object.kind == JSON_OBJECT && !read_act(t, object, values, choice)) {
        block = choice_add_block(choice, BLOCK_other, t->arena);
        block->origin = DIALECT_anthropic;
        block->raw = object;
        anthropic_drop_answer(t, type);
    }
}

enum stop_reason anthropic_stop_read(struct json_value word)
{
    uint8_t stop = STOP_NONE;

    if (word.kind == JSON_STRING && !anthropic_word_read(anthropic_stops, word, &stop))
        stop = STOP_END;
    return (enum stop_reason)stop;
}

struct text anthropic_refusal_text(struct json_value details)
{
    static const struct span names[] = {WORD("explanation")};
    struct json_value value;

    pick_members(details, names, 1, &value);
    return text_of(value);
}

/* What only this dialect refuses beside its content. */
static void read_refusal(struct translation *t, struct json_value details,
                         struct choice *choice)
{
    struct text explanation = anthropic_refusal_text(details);

    if (choice->stop == STOP_FILTER && explanation.len > 0)
        choice_add_block(choice, BLOCK_refusal, t->arena)->text = explanation;
}

static bool is_no_message(struct translation *t)
{
    t->refusal = (struct complaint){
        .kind = COMPLAINT_bad_answer,
        .message = TEXT("The provider's answer is no message."),
    };
    return false;
}

bool anthropic_read_reply(struct translation *t, struct json_value body, struct reply *ret)
{
    static const struct span names[] = {
        WORD("id"),          WORD("model"),         WORD("content"),     WORD("usage"),
        WORD("stop_reason"), WORD("stop_sequence"), WORD("stop_details")};
    struct json_value values[7], item;
    struct json_walk walk;
    struct choice *choice;

    pick_members(body, names, 7, values);
    if (values[2].kind != JSON_ARRAY)
        return is_no_message(t);
    ret->id = text_of(values[0]);
    ret->model = text_of(values[1]);
    ret->created = t->now;
    usage_init(&ret->usage);
    anthropic_read_usage(values[3], &ret->usage);
    choice = reply_add_choice(ret, t->arena);
    for (walk = json_walk(values[2]); json_next(&walk, NULL, &item);)
        read_block(t, item, choice);
    choice->stop = (uint8_t)anthropic_stop_read(values[4]);
    choice->stop_sequence = text_of(values[5]);
    if (choice->stop == STOP_TOOL && !choice_has(choice, BLOCK_tool_call))
        choice->stop = STOP_END;
    read_refusal(t, values[6], choice);
    return true;
}

/* ---- writing ----------------------------------------------------------------------------- */

static void begin(struct json_writer *json, struct span type)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("type"), type);
}

void anthropic_write_citation(const struct citation *citation, struct json_writer *json)
{
    begin(json, citation->url.ptr ? SPAN("web_search_result_location") : SPAN("char_location"));
    text_write_member(json, SPAN("cited_text"),
                      citation->quote.ptr ? citation->quote : TEXT(""));
    if (citation->url.ptr) {
        text_write_member(json, SPAN("url"), citation->url);
        text_write_member(json, SPAN("title"), citation->title);
        json_write_member_text(json, SPAN("encrypted_index"), SPAN(""));
    } else {
        json_write_member_u64(json, SPAN("document_index"), 0);
        text_write_member(json, SPAN("document_title"), citation->title);
        json_write_member_u64(json, SPAN("start_char_index"), 0);
        json_write_member_u64(json, SPAN("end_char_index"), 0);
    }
    json_write_object_end(json);
}

void anthropic_write_text_signature(struct text packed, struct json_writer *json)
{
    begin(json, SPAN("redacted_thinking"));
    text_write_member(json, SPAN("data"), packed);
    json_write_object_end(json);
}

static void write_words(const struct block *block, struct json_writer *json)
{
    if (block->text.len == 0)
        return;
    begin(json, SPAN("text"));
    text_write_member(json, SPAN("text"), block->text);
    if (block->citations) {
        json_write_key(json, SPAN("citations"));
        json_write_array(json);
        for (const struct citation *at = block->citations; at; at = at->next)
            anthropic_write_citation(at, json);
        json_write_array_end(json);
    }
    json_write_object_end(json);
}

/* The signature of a text has a block behind it. */
static void write_text(struct translation *t, const struct block *block,
                       struct json_writer *json)
{
    struct text packed =
        signature_pack_text((enum dialect_id)block->origin, block->signature, t->arena);

    write_words(block, json);
    if (block->kind == BLOCK_text && packed.ptr)
        anthropic_write_text_signature(packed, json);
}

static void write_reasoning(struct translation *t, const struct block *block,
                            struct json_writer *json)
{
    struct text signature = signature_pack((enum dialect_id)block->origin, block->signature,
                                           DIALECT_anthropic, t->arena);

    if (block->redacted) {
        begin(json, SPAN("redacted_thinking"));
        text_write_member(json, SPAN("data"), signature);
        json_write_object_end(json);
        return;
    }
    if (block->text.len == 0 && signature.len == 0)
        return;
    begin(json, SPAN("thinking"));
    text_write_member(json, SPAN("thinking"), block->text.ptr ? block->text : TEXT(""));
    text_write_member(json, SPAN("signature"), signature.ptr ? signature : TEXT(""));
    json_write_object_end(json);
}

/* A call that was cut in its middle is none. False: it was left out. */
static bool write_call(struct translation *t, const struct block *block, enum stop_reason stop,
                       struct json_writer *json)
{
    struct span input;

    if (!call_input(block, t->arena, &input) && stop == STOP_LENGTH)
        return false;
    begin(json, SPAN("tool_use"));
    text_write_member(json, SPAN("id"),
                      block->id.len > 0 ? signed_id_pack(block->id, block->signature, t->arena)
                                        : make_id(t, "toolu_"));
    text_write_member(json, SPAN("name"), block->name.ptr ? block->name : TEXT(""));
    json_write_key(json, SPAN("input"));
    json_write_raw(json, input);
    json_write_object_end(json);
    return true;
}

struct text anthropic_image_words(const struct media *media, struct arena *arena)
{
    struct text head = TEXT("![image](");

    if (media->form == MEDIA_DATA) {
        head = text_join(TEXT("![image](data:"), media->type, arena);
        head = text_join(head, TEXT(";base64,"), arena);
    }
    return text_join(text_join(head, media->data, arena), TEXT(")"), arena);
}

static void write_image(struct translation *t, const struct block *block,
                        struct json_writer *json)
{
    begin(json, SPAN("text"));
    text_write_member(json, SPAN("text"), anthropic_image_words(&block->media, t->arena));
    json_write_object_end(json);
}

static void write_act(struct translation *t, const struct act *act, struct json_writer *json)
{
    struct text id = anthropic_act_id(t, act);

    anthropic_write_act_call(act, id, false, json);
    anthropic_write_act_result(act, id, json);
}

static bool write_block(struct translation *t, const struct block *block, enum stop_reason stop,
                        struct json_writer *json)
{
    switch ((enum block_kind)block->kind) {
    case BLOCK_text:
    case BLOCK_refusal: write_text(t, block, json); break;
    case BLOCK_reasoning: write_reasoning(t, block, json); break;
    case BLOCK_tool_call: return write_call(t, block, stop, json);
    case BLOCK_image: write_image(t, block, json); break;
    case BLOCK_hosted: write_act(t, block->act, json); break;
    case BLOCK_other:
        if (block->origin == DIALECT_anthropic)
            json_write_raw(json, block->raw.raw);
        break;
    case BLOCK_audio:
    case BLOCK_document:
    case BLOCK_tool_result: break;
    }
    return false;
}

struct span anthropic_stop_text(enum stop_reason stop, bool calls)
{
    if (calls && (stop == STOP_NONE || stop == STOP_END))
        stop = STOP_TOOL;
    if (!calls && stop == STOP_TOOL)
        stop = STOP_END;
    return anthropic_word(anthropic_stops, (uint8_t)stop);
}

void anthropic_write_reply(struct translation *t, const struct reply *reply,
                           struct json_writer *json)
{
    const struct choice *choice = reply->choices;
    enum stop_reason stop = (enum stop_reason)choice->stop;
    bool calls = false;

    json_write_object(json);
    text_write_member(json, SPAN("id"), reply->id.len > 0 ? reply->id : make_id(t, "msg_"));
    json_write_member_text(json, SPAN("type"), SPAN("message"));
    json_write_member_text(json, SPAN("role"), SPAN("assistant"));
    text_write_member(json, SPAN("model"), reply->model.ptr ? reply->model : TEXT(""));
    json_write_key(json, SPAN("content"));
    json_write_array(json);
    for (const struct block *block = choice->blocks; block; block = block->next)
        calls |= write_block(t, block, stop, json);
    json_write_array_end(json);
    json_write_member_text(json, SPAN("stop_reason"), anthropic_stop_text(stop, calls));
    text_write_member(json, SPAN("stop_sequence"),
                      stop == STOP_SEQUENCE ? choice->stop_sequence : TEXT_NONE);
    json_write_key(json, SPAN("usage"));
    anthropic_write_usage(&reply->usage, json);
    json_write_object_end(json);
}
