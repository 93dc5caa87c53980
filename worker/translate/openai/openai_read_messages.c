/* Requests: messages, one after the other, each in one walk. */
#include "shared/base/check.h"

#include "worker/translate/openai/openai_inside.h"

/* clang-format off */
#define MESSAGE_MEMBERS(M) \
    M(role) \
    M(content) \
    M(name) \
    M(refusal) \
    M(tool_calls) \
    M(tool_call_id) \
    M(function_call) \
    M(reasoning_content) \
    M(reasoning) \
    M(thinking_blocks) \
    M(reasoning_details) \
    M(audio) \
    M(images) \
    M(extra_content) \
    M(annotations) \
    M(cache_control)

/* clang-format on */

enum message_member {
#define MEMBER(name) MESSAGE_##name,
    MESSAGE_MEMBERS(MEMBER)
#undef MEMBER
    MESSAGE_MEMBER_COUNT
};

static const struct span message_keys[] = {MESSAGE_MEMBERS(MEMBER_KEY)};

/* One message on the way in. */
struct message_reading {
    struct chat_reading *chat;
    const struct path *path;
    const struct json_value *values; /* by enum message_member */
    struct message *to;
    bool words_used; /* reasoning_content has become the words of a thinking block */
};

typedef bool read_role_f(struct message_reading *reading);

static struct path member_path(const struct message_reading *reading,
                               enum message_member member)
{
    return (struct path){.up = reading->path, .key = message_keys[member]};
}

/* ---- the parts of each role ------------------------------------------------------------- */

static bool read_content(struct message_reading *reading, struct message *to)
{
    struct path path = member_path(reading, MESSAGE_content);

    return openai_read_parts(reading->chat, &path, reading->values[MESSAGE_content], to);
}

static bool read_required_content(struct message_reading *reading, struct message *to)
{
    struct path path = member_path(reading, MESSAGE_content);

    if (reading->values[MESSAGE_content].kind == JSON_ABSENT)
        return refuse(reading->chat->t, &path, "must be a string or an array of parts");
    return read_content(reading, to);
}

/* Members that only assistants have are named when they stand elsewhere. */
static void drop_assistants_own(struct message_reading *reading)
{
    static const uint8_t own[] = {
        MESSAGE_refusal,           MESSAGE_tool_calls,  MESSAGE_function_call,
        MESSAGE_reasoning_content, MESSAGE_reasoning,   MESSAGE_thinking_blocks,
        MESSAGE_reasoning_details, MESSAGE_audio,       MESSAGE_images,
        MESSAGE_extra_content,     MESSAGE_annotations,
    };

    for (unsigned i = 0; i < ARRAY_LEN(own); i++) {
        struct path path = member_path(reading, own[i]);

        if (reading->values[own[i]].kind != JSON_ABSENT)
            drop_at(reading->chat->t, &path);
    }
}

static bool read_plain(struct message_reading *reading)
{
    struct path id = member_path(reading, MESSAGE_tool_call_id);

    drop_assistants_own(reading);
    if (reading->values[MESSAGE_tool_call_id].kind != JSON_ABSENT)
        drop_at(reading->chat->t, &id);
    return read_required_content(reading, reading->to);
}

/* ---- results of tools -------------------------------------------------------------------- */

static bool read_result(struct message_reading *reading, struct text id)
{
    struct message inner = {.role = ROLE_user};
    struct block *block;

    drop_assistants_own(reading);
    block = message_add_block(reading->to, BLOCK_tool_result, reading->chat->arena);
    block->id = id;
    block->name = text_of(reading->values[MESSAGE_name]);
    reading->to->name = TEXT_NONE;
    if (!read_required_content(reading, &inner))
        return false;
    block->content = inner.blocks;
    return true;
}

static bool read_tool(struct message_reading *reading)
{
    struct path path = member_path(reading, MESSAGE_tool_call_id);
    struct text id, signature;

    if (!read_string(reading->chat->t, &path, reading->values[MESSAGE_tool_call_id], &id))
        return false;
    return read_result(reading, signed_id_unpack(id, reading->chat->arena, &signature));
}

/* The id of the Nth call of the deprecated form, which has none of its own. */
static struct text function_call_id(struct chat_reading *reading)
{
    struct buffer out _buffer_;
    struct span id;

    buffer_init(&out, 32);
    CHECK(buffer_append(&out, SPAN("call_fn_")) &&
          buffer_append_u64(&out, reading->function_calls));
    id = arena_copy(reading->arena, buffer_span(&out));
    return (struct text){id.ptr, id.len};
}

static bool read_function(struct message_reading *reading)
{
    return read_result(reading, function_call_id(reading->chat));
}

/* ---- assistants -------------------------------------------------------------------------- */

static void add_reasoning(struct message_reading *reading, enum message_member member)
{
    struct text text = text_of(reading->values[member]);

    if (text.len > 0)
        message_add_block(reading->to, BLOCK_reasoning, reading->chat->arena)->text = text;
}

/* Streams give the signature in a block without its words, which came as reasoning_content. */
static void fill_words(struct message_reading *reading, struct block *block)
{
    struct text words = text_of(reading->values[MESSAGE_reasoning_content]);

    if (!block->redacted && block->text.len == 0 && block->signature.ptr && words.len > 0) {
        block->text = words;
        reading->words_used = true;
    }
}

static bool read_thinking_blocks(struct message_reading *reading)
{
    struct json_value list = reading->values[MESSAGE_thinking_blocks];
    struct path path = member_path(reading, MESSAGE_thinking_blocks);
    struct json_walk walk = json_walk(list);
    struct json_value item;

    if (list.kind != JSON_ARRAY)
        return refuse(reading->chat->t, &path, "must be an array");
    while (json_next(&walk, NULL, &item)) {
        struct block *block;

        if (item.kind != JSON_OBJECT)
            continue;
        block = message_add_block(reading->to, BLOCK_reasoning, reading->chat->arena);
        openai_read_thinking_block(item, block);
        if (block->text.len > 0)
            reading->words_used = true; /* a block has its words */
        if (!reading->words_used)
            fill_words(reading, block);
    }
    return true;
}

/* The blocks say all that the plain text says, and more. */
static bool read_reasoning_of(struct message_reading *reading)
{
    if (reading->values[MESSAGE_thinking_blocks].kind != JSON_ABSENT)
        return read_thinking_blocks(reading);
    if (reading->values[MESSAGE_reasoning_content].kind != JSON_ABSENT)
        add_reasoning(reading, MESSAGE_reasoning_content);
    else
        add_reasoning(reading, MESSAGE_reasoning);
    return true;
}

/* What only this dialect understands: kept as it stands, under the name of its member. */
static void add_other(struct message_reading *reading, enum message_member member)
{
    struct json_value value = reading->values[member];
    struct block *block;

    if (value.kind == JSON_ABSENT)
        return;
    block = message_add_block(reading->to, BLOCK_other, reading->chat->arena);
    block->origin = DIALECT_openai;
    block->name = (struct text){message_keys[member].ptr, message_keys[member].len};
    block->raw = value;
}

static bool read_calls(struct message_reading *reading)
{
    struct path path = member_path(reading, MESSAGE_tool_calls);
    struct path item = {.up = &path};
    struct json_value list = reading->values[MESSAGE_tool_calls];
    struct json_walk walk = json_walk(list);
    struct json_value value;

    if (list.kind == JSON_ABSENT)
        return true;
    if (list.kind != JSON_ARRAY)
        return refuse(reading->chat->t, &path, "must be an array");
    for (; json_next(&walk, NULL, &value); item.index++)
        if (!openai_read_tool_call(reading->chat, &item, value, reading->to))
            return false;
    return true;
}

static bool read_old_call(struct message_reading *reading)
{
    struct path path = member_path(reading, MESSAGE_function_call);
    struct json_value value = reading->values[MESSAGE_function_call];
    struct block *call;

    if (value.kind == JSON_ABSENT)
        return true;
    call = message_add_block(reading->to, BLOCK_tool_call, reading->chat->arena);
    reading->chat->function_calls++;
    call->id = function_call_id(reading->chat);
    return openai_read_called(reading->chat, &path, value, call);
}

/* Gemini's, of the words that were read last. */
static void take_words_signature(struct message_reading *reading)
{
    struct text signature =
        openai_read_google_signature(reading->values[MESSAGE_extra_content]);
    struct block *words = reading->to->last;

    if (signature.len == 0)
        return;
    if (!words || words->kind != BLOCK_text)
        words = message_add_block(reading->to, BLOCK_text, reading->chat->arena);
    words->signature = signature;
    words->origin = DIALECT_gemini;
}

/* Of all words; where they stand in several texts they are the last one's. */
static void read_citations(struct message_reading *reading)
{
    struct json_value list = reading->values[MESSAGE_annotations], item;
    struct json_walk walk = json_walk(list);
    struct block *text = reading->to->last;
    struct citation found, **end = text ? &text->citations : NULL;

    while (text && text->kind == BLOCK_text && list.kind == JSON_ARRAY &&
           json_next(&walk, NULL, &item)) {
        if (!openai_read_annotation(item, &found))
            continue;
        *end = ARENA_NEW(reading->chat->arena, struct citation);
        **end = found;
        end = &(*end)->next;
    }
}

static bool read_assistant(struct message_reading *reading)
{
    struct path refusal_path = member_path(reading, MESSAGE_refusal);
    struct path images = member_path(reading, MESSAGE_images);
    struct text refusal = TEXT_NONE;

    if (!read_reasoning_of(reading))
        return false;
    add_other(reading, MESSAGE_reasoning_details);
    if (!read_content(reading, reading->to))
        return false;
    take_words_signature(reading);
    if (!openai_read_parts(reading->chat, &images, reading->values[MESSAGE_images],
                           reading->to))
        return false;
    read_citations(reading);
    if (reading->values[MESSAGE_refusal].kind != JSON_ABSENT &&
        !read_string(reading->chat->t, &refusal_path, reading->values[MESSAGE_refusal],
                     &refusal))
        return false;
    if (refusal.ptr)
        message_add_block(reading->to, BLOCK_refusal, reading->chat->arena)->text = refusal;
    add_other(reading, MESSAGE_audio);
    return read_calls(reading) && read_old_call(reading);
}

/* ---- all of them ------------------------------------------------------------------------- */

static const struct {
    struct span word;
    uint8_t role;
    read_role_f *read;
} roles[] = {
    {WORD("user"), ROLE_user, read_plain},
    {WORD("assistant"), ROLE_assistant, read_assistant},
    {WORD("tool"), ROLE_user, read_tool},
    {WORD("system"), ROLE_system, read_plain},
    {WORD("developer"), ROLE_developer, read_plain},
    {WORD("function"), ROLE_user, read_function},
};

static bool read_message(struct chat_reading *chat, const struct path *path,
                         struct json_value value)
{
    struct json_value values[MESSAGE_MEMBER_COUNT];
    struct message_reading reading = {.chat = chat, .path = path, .values = values};
    struct path role = {.up = path, .key = message_keys[MESSAGE_role]};
    enum cache_mark cache;
    unsigned i = 0;

    if (!take_members(chat->t, path, value, message_keys, MESSAGE_MEMBER_COUNT, values))
        return false;
    while (i < ARRAY_LEN(roles) && !json_text_eq(values[MESSAGE_role], roles[i].word))
        i++;
    if (i == ARRAY_LEN(roles))
        return refuse(chat->t, &role,
                      "must be system, developer, user, assistant, tool or function");
    reading.to = chat_add_message(chat->chat, roles[i].role, chat->arena);
    if (!read_known(chat->t, path, SPAN("name"), values[MESSAGE_name], &reading.to->name) ||
        !roles[i].read(&reading))
        return false;
    cache = openai_read_cache_mark(values[MESSAGE_cache_control]);
    if (cache != CACHE_NONE && reading.to->last)
        reading.to->last->cache = (uint8_t)cache;
    return true;
}

bool openai_read_messages(struct chat_reading *reading, const struct path *path,
                          struct json_value value)
{
    return chat_read_list(reading, path, value, read_message);
}
