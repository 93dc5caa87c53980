/* Parts of messages: texts, media, calls of tools. Requests are held to the rules; answers
 * that are replayed in a request come in the same forms. */
#include "shared/base/check.h"

#include "worker/translate/media.h"
#include "worker/translate/openai/openai_inside.h"

/* clang-format off */
#define PART_MEMBERS(M) \
    M(type) \
    M(text) \
    M(refusal) \
    M(thinking) \
    M(image_url) \
    M(input_audio) \
    M(file) \
    M(cache_control) \
    M(prompt_cache_breakpoint) \
    M(signature)

/* clang-format on */

enum part_member {
#define MEMBER(name) PART_##name,
    PART_MEMBERS(MEMBER)
#undef MEMBER
    PART_MEMBER_COUNT
};

static const struct span part_keys[] = {PART_MEMBERS(MEMBER_KEY)};

struct part_reading {
    struct translation *t;
    const struct path *path; /* of the part's own member: "...[0].image_url" */
    const struct json_value *values;
    struct block *block;
};

typedef bool read_part_f(struct part_reading *reading, struct json_value value);

/* ---- cache marks ------------------------------------------------------------------------- */

enum cache_mark openai_read_cache_mark(struct json_value cache_control)
{
    if (cache_control.kind != JSON_OBJECT)
        return CACHE_NONE;
    return json_text_eq(json_member(cache_control, SPAN("ttl")), SPAN("1h")) ? CACHE_LONG
                                                                             : CACHE_SHORT;
}

/* ---- reasoning --------------------------------------------------------------------------- */

void openai_read_thinking_block(struct json_value item, struct block *ret)
{
    static const struct span keys[] = {WORD("thinking"), WORD("signature"), WORD("data")};
    struct json_value values[ARRAY_LEN(keys)];
    struct text signature;
    enum dialect_id origin;

    pick_members(item, keys, ARRAY_LEN(keys), values);
    ret->redacted = values[2].kind == JSON_STRING;
    ret->text = text_of(values[0]);
    signature = text_of(values[ret->redacted ? 2 : 1]);
    if (signature.len == 0)
        return;
    ret->signature = signature_unpack(signature, DIALECT_anthropic, &origin);
    ret->origin = (uint8_t)origin;
}

struct text openai_thinking_text(struct json_value value, struct arena *arena)
{
    struct text text = text_of(value);
    struct json_walk walk = json_walk(value);
    struct json_value item;

    while (value.kind == JSON_ARRAY && json_next(&walk, NULL, &item))
        if (item.kind == JSON_OBJECT)
            text = text_join(text, text_of(json_member(item, SPAN("text"))), arena);
    return text;
}

/* A part of Mistral's: its words are a string, or text parts again. */
static bool read_thinking(struct part_reading *reading, struct json_value value)
{
    reading->block->text = openai_thinking_text(value, reading->t->arena);
    return true;
}

/* ---- text and media ---------------------------------------------------------------------- */

static bool read_text(struct part_reading *reading, struct json_value value)
{
    return read_string(reading->t, reading->path, value, &reading->block->text);
}

static bool read_image(struct part_reading *reading, struct json_value value)
{
    static const struct span keys[] = {WORD("url"), WORD("detail")};
    struct json_value values[ARRAY_LEN(keys)] = {value};
    struct path url = {.up = reading->path, .key = keys[0]};
    struct media *media = &reading->block->media;
    struct text address;

    /* Some clients write the address alone. */
    if (value.kind != JSON_STRING &&
        !take_members(reading->t, reading->path, value, keys, ARRAY_LEN(keys), values))
        return false;
    if (!read_string(reading->t, &url, values[0], &address) ||
        !read_known(reading->t, reading->path, SPAN("detail"), values[1], &media->detail))
        return false;
    if (!media_read_address(address, reading->t->arena, media))
        return refuse(reading->t, &url, "must be an http or https address or a data URL");
    return true;
}

static bool read_audio(struct part_reading *reading, struct json_value value)
{
    static const struct span keys[] = {WORD("data"), WORD("format")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path data = {.up = reading->path, .key = keys[0]};
    struct path format_path = {.up = reading->path, .key = keys[1]};
    struct media *media = &reading->block->media;
    struct text format;

    if (!take_members(reading->t, reading->path, value, keys, ARRAY_LEN(keys), values) ||
        !read_string(reading->t, &data, values[0], &media->data) ||
        !read_string(reading->t, &format_path, values[1], &format))
        return false;
    media->form = MEDIA_DATA;
    media->type = media_type_of_format(format, reading->t->arena);
    return true;
}

static bool read_file(struct part_reading *reading, struct json_value value)
{
    static const struct span keys[] = {WORD("file_id"), WORD("file_data"), WORD("filename")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path data = {.up = reading->path, .key = keys[1]};
    struct media *media = &reading->block->media;

    if (!take_members(reading->t, reading->path, value, keys, ARRAY_LEN(keys), values) ||
        !read_known(reading->t, reading->path, SPAN("filename"), values[2], &media->name))
        return false;
    if (values[0].kind == JSON_STRING) {
        media->form = MEDIA_FILE;
        media->data = text_of(values[0]);
        return true;
    }
    if (!media_read_address(text_of(values[1]), reading->t->arena, media))
        return refuse(reading->t, &data, "must be a data URL");
    if (media_block_kind(media->type) == BLOCK_image)
        reading->block->kind = BLOCK_image;
    return true;
}

static const struct {
    uint8_t member; /* enum part_member: the type's name, and where its value stands */
    uint8_t block;
    bool assistants;
    read_part_f *read;
} types[] = {
    {PART_text, BLOCK_text, true, read_text},
    {PART_image_url, BLOCK_image, true, read_image},
    {PART_input_audio, BLOCK_audio, false, read_audio},
    {PART_file, BLOCK_document, false, read_file},
    {PART_refusal, BLOCK_refusal, true, read_text},
    {PART_thinking, BLOCK_reasoning, true, read_thinking},
};

static bool read_part(struct chat_reading *reading, const struct path *path,
                      struct json_value value, struct message *to)
{
    struct json_value values[PART_MEMBER_COUNT];
    struct path type = {.up = path, .key = part_keys[PART_type]};
    struct path own = {.up = path};
    struct part_reading part = {.t = reading->t, .path = &own, .values = values};
    unsigned i = 0;

    if (!take_members(reading->t, path, value, part_keys, PART_MEMBER_COUNT, values))
        return false;
    while (i < ARRAY_LEN(types) && !json_text_eq(values[PART_type], part_keys[types[i].member]))
        i++;
    if (i == ARRAY_LEN(types))
        return refuse(reading->t, &type, "is no known type of a part");
    if (to->role == ROLE_assistant && !types[i].assistants)
        return refuse(reading->t, &type, "cannot stand in a message of the assistant");
    own.key = part_keys[types[i].member];
    part.block = message_add_block(to, types[i].block, reading->arena);
    part.block->cache = (uint8_t)openai_read_cache_mark(values[PART_cache_control]);
    if (values[PART_prompt_cache_breakpoint].kind == JSON_OBJECT)
        part.block->cache = CACHE_SHORT;
    return types[i].read(&part, values[types[i].member]);
}

bool openai_read_parts(struct chat_reading *reading, const struct path *path,
                       struct json_value value, struct message *to)
{
    struct path item = {.up = path};
    struct json_walk walk = json_walk(value);
    struct json_value part;

    if (value.kind == JSON_ABSENT)
        return true;
    if (value.kind == JSON_STRING) {
        message_add_block(to, BLOCK_text, reading->arena)->text = text_of(value);
        return true;
    }
    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be a string or an array of parts");
    for (; json_next(&walk, NULL, &part); item.index++)
        if (!read_part(reading, &item, part, to))
            return false;
    return true;
}

/* ---- calls of tools ---------------------------------------------------------------------- */

/* VALUE is {"name", "arguments"} of a function or {"name", "input"} of a custom tool. */
bool openai_read_called(struct chat_reading *reading, const struct path *path,
                        struct json_value value, struct block *call)
{
    static const struct span keys[] = {WORD("name"), WORD("arguments"), WORD("input")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path name = {.up = path, .key = keys[0]};
    struct path input = {.up = path, .key = keys[call->custom ? 2 : 1]};
    struct json_value given;

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values) ||
        !read_string(reading->t, &name, values[0], &call->name))
        return false;
    given = values[call->custom ? 2 : 1];
    if (!call->custom && given.kind == JSON_OBJECT) {
        call->input = given;
        return true;
    }
    return given.kind == JSON_ABSENT ||
           read_string(reading->t, &input, given, &call->arguments);
}

struct text openai_read_google_signature(struct json_value extra_content)
{
    struct json_value google = json_member(extra_content, SPAN("google"));

    return text_of(json_member(google, SPAN("thought_signature")));
}

void openai_read_call_id(struct text id, struct json_value extra_content, struct arena *arena,
                         struct block *call)
{
    struct text beside = openai_read_google_signature(extra_content);

    call->id = signed_id_unpack(id, arena, &call->signature);
    if (beside.len > 0)
        call->signature = beside;
    if (call->signature.len > 0)
        call->origin = DIALECT_gemini;
}

bool openai_read_tool_call(struct chat_reading *reading, const struct path *path,
                           struct json_value value, struct message *to)
{
    static const struct span keys[] = {WORD("id"),     WORD("type"),  WORD("function"),
                                       WORD("custom"), WORD("index"), WORD("extra_content")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path id_path = {.up = path, .key = keys[0]};
    struct path type = {.up = path, .key = keys[1]};
    struct path own = {.up = path};
    struct block *call;
    struct text id;

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values) ||
        !read_string(reading->t, &id_path, values[0], &id))
        return false;
    call = message_add_block(to, BLOCK_tool_call, reading->arena);
    openai_read_call_id(id, values[5], reading->arena, call);
    call->custom = json_text_eq(values[1], SPAN("custom"));
    if (!call->custom && values[1].kind != JSON_ABSENT &&
        !json_text_eq(values[1], SPAN("function")))
        return refuse(reading->t, &type, "must be function or custom");
    own.key = keys[call->custom ? 3 : 2];
    return openai_read_called(reading, &own, values[call->custom ? 3 : 2], call);
}
