/* Requests: the items of `input` as messages and their blocks. */
#include "shared/base/check.h"

#include "worker/translate/media.h"
#include "worker/translate/responses/responses_inside.h"

/* ---- reasoning --------------------------------------------------------------------------- */

struct text responses_summary(struct json_value list, struct arena *arena)
{
    struct json_walk walk = json_walk(list);
    struct json_value part;
    struct text all = TEXT_NONE;

    while (list.kind == JSON_ARRAY && json_next(&walk, NULL, &part)) {
        struct text text = text_of(json_member(part, SPAN("text")));

        if (all.len > 0 && text.len > 0)
            all = text_join(all, TEXT("\\n\\n"), arena);
        all = text_join(all, text, arena);
    }
    return all;
}

void responses_read_reasoning(struct json_value item, struct arena *arena, struct block *block)
{
    static const struct span keys[] = {WORD("id"), WORD("summary"), WORD("content"),
                                       WORD("encrypted_content")};
    struct json_value values[ARRAY_LEN(keys)];
    enum dialect_id origin;

    pick_members(item, keys, ARRAY_LEN(keys), values);
    block->id = text_of(values[0]);
    block->text = responses_summary(values[1], arena);
    if (block->text.len == 0)
        block->text = responses_summary(values[2], arena);
    if (values[3].kind != JSON_STRING)
        return;
    block->signature = signature_unpack(text_of(values[3]), DIALECT_responses, &origin);
    block->origin = (uint8_t)origin;
    block->redacted = block->text.len == 0;
}

/* ---- where blocks go --------------------------------------------------------------------- */

/* An assistant's texts, reasoning and calls that follow each other are one message. */
static struct message *assistant(struct chat_reading *reading)
{
    struct message *last = reading->chat->last_message;

    if (last && last->role == ROLE_assistant)
        return last;
    return chat_add_message(reading->chat, ROLE_assistant, reading->arena);
}

/* So are the results that follow them. */
static struct message *results(struct chat_reading *reading)
{
    struct message *last = reading->chat->last_message;

    if (last && last->role == ROLE_user && last->last && last->last->kind == BLOCK_tool_result)
        return last;
    return chat_add_message(reading->chat, ROLE_user, reading->arena);
}

static struct block *add_block(struct chat_reading *reading, struct block ***end,
                               enum block_kind kind)
{
    struct block *block = ARENA_NEW(reading->arena, struct block);

    block->kind = (uint8_t)kind;
    block->origin = DIALECT_NONE;
    **end = block;
    *end = &block->next;
    return block;
}

/* ---- parts ------------------------------------------------------------------------------- */

#define PART_MEMBERS(M) \
    M(type)             \
    M(text)             \
    M(refusal)          \
    M(image_url)        \
    M(file_id)          \
    M(detail)           \
    M(filename)         \
    M(file_data)        \
    M(file_url)         \
    M(input_audio)      \
    M(annotations)      \
    M(logprobs)         \
    M(prompt_cache_breakpoint)

enum part_member {
#define MEMBER(name) PART_##name,
    PART_MEMBERS(MEMBER)
#undef MEMBER
    PART_MEMBER_COUNT
};

struct part {
    struct chat_reading *reading;
    const struct path *path;
    struct json_value values[PART_MEMBER_COUNT];
    struct block ***end; /* of the list that it is added to */
};

static struct block *add_part(struct part *part, enum block_kind kind)
{
    struct block *block = add_block(part->reading, part->end, kind);

    if (part->values[PART_prompt_cache_breakpoint].kind == JSON_OBJECT)
        block->cache = CACHE_SHORT;
    return block;
}

static bool read_text_part(struct part *part)
{
    struct block *block = add_part(part, BLOCK_text);

    responses_read_annotations(part->values[PART_annotations], part->reading->arena, block);
    return read_known(part->reading->t, part->path, SPAN("text"), part->values[PART_text],
                      &block->text);
}

static bool read_refusal_part(struct part *part)
{
    struct block *block = add_part(part, BLOCK_refusal);

    return read_known(part->reading->t, part->path, SPAN("refusal"), part->values[PART_refusal],
                      &block->text);
}

static bool read_image_part(struct part *part)
{
    struct path url = {.up = part->path, .key = SPAN("image_url")};
    struct block *block = add_part(part, BLOCK_image);
    struct text address = text_of(part->values[PART_image_url]);

    if (!read_known(part->reading->t, part->path, SPAN("detail"), part->values[PART_detail],
                    &block->media.detail))
        return false;
    if (part->values[PART_file_id].kind == JSON_STRING) {
        block->media.form = MEDIA_FILE;
        block->media.data = text_of(part->values[PART_file_id]);
        return true;
    }
    return media_read_address(address, part->reading->arena, &block->media) ||
           refuse(part->reading->t, &url, "must be an address or a data URL");
}

static bool read_file_part(struct part *part)
{
    struct path data = {.up = part->path, .key = SPAN("file_data")};
    struct block *block = add_part(part, BLOCK_document);
    struct json_value address = part->values[PART_file_url].kind == JSON_STRING
                                    ? part->values[PART_file_url]
                                    : part->values[PART_file_data];

    if (!read_known(part->reading->t, part->path, SPAN("filename"), part->values[PART_filename],
                    &block->media.name))
        return false;
    if (part->values[PART_file_id].kind == JSON_STRING) {
        block->media.form = MEDIA_FILE;
        block->media.data = text_of(part->values[PART_file_id]);
        return true;
    }
    if (media_read_address(text_of(address), part->reading->arena, &block->media))
        return true;
    if (part->values[PART_file_data].kind != JSON_STRING)
        return refuse(part->reading->t, &data, "must be there, or file_id or file_url");
    /* Base64 without the head of a data URL. */
    block->media.form = MEDIA_DATA;
    block->media.data = text_of(part->values[PART_file_data]);
    block->media.type = media_type_of_name(block->media.name);
    return true;
}

static bool read_audio_part(struct part *part)
{
    struct json_value audio = part->values[PART_input_audio];
    struct block *block = add_part(part, BLOCK_audio);

    block->media.form = MEDIA_DATA;
    block->media.data = text_of(json_member(audio, SPAN("data")));
    block->media.type =
        media_type_of_format(text_of(json_member(audio, SPAN("format"))), part->reading->arena);
    return block->media.data.ptr ||
           refuse(part->reading->t, part->path, "must have input_audio.data");
}

static const struct {
    struct span type;
    bool (*read)(struct part *part);
} part_types[] = {
    {WORD("input_text"), read_text_part},   {WORD("output_text"), read_text_part},
    {WORD("text"), read_text_part},         {WORD("refusal"), read_refusal_part},
    {WORD("input_image"), read_image_part}, {WORD("input_file"), read_file_part},
    {WORD("input_audio"), read_audio_part},
};

static bool read_part(struct chat_reading *reading, const struct path *path,
                      struct json_value value, struct block ***end)
{
    static const struct span keys[] = {PART_MEMBERS(MEMBER_KEY)};
    struct part part = {.reading = reading, .path = path, .end = end};
    struct path type = {.up = path, .key = SPAN("type")};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), part.values))
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(part_types); i++)
        if (json_text_eq(part.values[PART_type], part_types[i].type))
            return part_types[i].read(&part);
    return refuse(reading->t, &type, "is not a kind of part that is known here");
}

/* A text or a list of parts; the blocks are appended at *END. */
static bool read_content(struct chat_reading *reading, const struct path *path,
                         struct json_value value, struct block **end)
{
    struct path item = {.up = path};
    struct json_walk walk = json_walk(value);
    struct json_value part;

    if (value.kind == JSON_STRING) {
        add_block(reading, &end, BLOCK_text)->text = text_of(value);
        return true;
    }
    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be a text or a list of parts");
    for (; json_next(&walk, NULL, &part); item.index++)
        if (!read_part(reading, &item, part, &end))
            return false;
    return true;
}

/* ---- items ------------------------------------------------------------------------------- */

#define ITEM_MEMBERS(M)  \
    M(type)              \
    M(role)              \
    M(content)           \
    M(call_id)           \
    M(name)              \
    M(arguments)         \
    M(input)             \
    M(output)            \
    M(id)                \
    M(status)            \
    M(summary)           \
    M(encrypted_content) \
    M(phase)             \
    M(namespace)

enum item_member {
#define MEMBER(name) ITEM_##name,
    ITEM_MEMBERS(MEMBER)
#undef MEMBER
    ITEM_MEMBER_COUNT
};

struct item {
    struct chat_reading *reading;
    const struct path *path;
    struct json_value value;
    struct json_value values[ITEM_MEMBER_COUNT];
};

static bool read_message(struct item *item)
{
    static const struct word roles[] = {
        {WORD("user"), ROLE_user},
        {WORD("assistant"), ROLE_assistant},
        {WORD("system"), ROLE_system},
        {WORD("developer"), ROLE_developer},
    };
    struct path role_path = {.up = item->path, .key = SPAN("role")};
    struct path content = {.up = item->path, .key = SPAN("content")};
    struct message *message;
    struct block **end;
    uint8_t role;
    bool good;

    if (!word_value(roles, ARRAY_LEN(roles), item->values[ITEM_role], &role))
        return refuse(item->reading->t, &role_path,
                      "must be user, assistant, system or developer");
    message = role == ROLE_assistant
                  ? assistant(item->reading)
                  : chat_add_message(item->reading->chat, (enum message_role)role,
                                     item->reading->arena);
    end = message->last ? &message->last->next : &message->blocks;
    good = read_content(item->reading, &content, item->values[ITEM_content], end);
    for (struct block *at = message->blocks; at; at = at->next)
        message->last = at;
    return good;
}

static bool read_call(struct item *item, bool custom)
{
    struct translation *t = item->reading->t;
    struct block *block =
        message_add_block(assistant(item->reading), BLOCK_tool_call, item->reading->arena);
    struct path id = {.up = item->path, .key = SPAN("call_id")};
    struct path name = {.up = item->path, .key = SPAN("name")};
    struct text packed;

    block->custom = custom;
    if (!read_string(t, &id, item->values[ITEM_call_id], &packed) ||
        !read_string(t, &name, item->values[ITEM_name], &block->name) ||
        !read_known(t, item->path, custom ? SPAN("input") : SPAN("arguments"),
                    item->values[custom ? ITEM_input : ITEM_arguments], &block->arguments))
        return false;
    block->id = signed_id_unpack(packed, item->reading->arena, &block->signature);
    if (block->signature.ptr)
        block->origin = DIALECT_gemini;
    return true;
}

static bool read_function_call(struct item *item)
{
    return read_call(item, false);
}

static bool read_custom_call(struct item *item)
{
    return read_call(item, true);
}

static bool read_output(struct item *item)
{
    struct chat_reading *reading = item->reading;
    struct block *block =
        message_add_block(results(reading), BLOCK_tool_result, reading->arena);
    struct path id = {.up = item->path, .key = SPAN("call_id")};
    struct path output = {.up = item->path, .key = SPAN("output")};
    struct text packed, ignored;

    if (!read_string(reading->t, &id, item->values[ITEM_call_id], &packed))
        return false;
    block->id = signed_id_unpack(packed, reading->arena, &ignored);
    return read_content(reading, &output, item->values[ITEM_output], &block->content);
}

/* What stands for the signature of the text before it; an empty text when there is none. */
static bool read_text_signature(struct item *item)
{
    struct message *message = item->reading->chat->last_message;
    struct block *text = message && message->role == ROLE_assistant ? message->last : NULL;
    enum dialect_id origin;
    struct text signature;

    if (!signature_unpack_text(text_of(item->values[ITEM_encrypted_content]), &signature,
                               &origin))
        return false;
    if (!text || text->kind != BLOCK_text || text->signature.ptr) {
        text = message_add_block(assistant(item->reading), BLOCK_text, item->reading->arena);
        text->text = TEXT("");
    }
    text->signature = signature;
    text->origin = (uint8_t)origin;
    return true;
}

static bool read_reasoning(struct item *item)
{
    if (read_text_signature(item))
        return true;
    responses_read_reasoning(
        item->value, item->reading->arena,
        message_add_block(assistant(item->reading), BLOCK_reasoning, item->reading->arena));
    return true;
}

static bool refuse_reference(struct item *item)
{
    return refuse_as(item->reading->t, COMPLAINT_unsupported, item->path,
                     "refers to an item that is not kept: send the item itself");
}

static bool read_act(struct item *item)
{
    struct block *block =
        message_add_block(assistant(item->reading), BLOCK_hosted, item->reading->arena);

    block->origin = DIALECT_responses;
    block->act = responses_read_act(item->value, item->reading->arena);
    return true;
}

static const struct {
    struct span type;
    bool (*read)(struct item *item);
} item_types[] = {
    {WORD("message"), read_message},
    {WORD("function_call"), read_function_call},
    {WORD("function_call_output"), read_output},
    {WORD("custom_tool_call"), read_custom_call},
    {WORD("custom_tool_call_output"), read_output},
    {WORD("reasoning"), read_reasoning},
    {WORD("item_reference"), refuse_reference},
    {WORD("web_search_call"), read_act},
    {WORD("code_interpreter_call"), read_act},
};

/* Items of other tools that a provider runs itself are left out, and named. */
static bool read_item(struct chat_reading *reading, const struct path *path,
                      struct json_value value)
{
    static const struct span keys[] = {ITEM_MEMBERS(MEMBER_KEY)};
    struct item item = {.reading = reading, .path = path, .value = value};

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    pick_members(value, keys, ARRAY_LEN(keys), item.values);
    if (item.values[ITEM_type].kind == JSON_ABSENT)
        return item.values[ITEM_role].kind != JSON_ABSENT ? read_message(&item)
                                                          : refuse_reference(&item);
    for (unsigned i = 0; i < ARRAY_LEN(item_types); i++)
        if (json_text_eq(item.values[ITEM_type], item_types[i].type))
            return item_types[i].read(&item);
    drop_at(reading->t, path);
    return true;
}

bool responses_read_input(struct chat_reading *reading, const struct path *path,
                          struct json_value value)
{
    struct path item = {.up = path};
    struct json_walk walk = json_walk(value);
    struct json_value inner;

    if (value.kind == JSON_STRING) {
        struct message *message = chat_add_message(reading->chat, ROLE_user, reading->arena);

        message_add_block(message, BLOCK_text, reading->arena)->text = text_of(value);
        return true;
    }
    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be a text or a list of items");
    for (; json_next(&walk, NULL, &inner); item.index++)
        if (!read_item(reading, &item, inner))
            return false;
    return true;
}
