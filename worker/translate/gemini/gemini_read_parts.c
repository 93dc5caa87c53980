/* Requests: contents, their parts, and the system's instruction. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/media.h"

#define WAITING_LIMIT 256 /* calls that are looked through for the one a result answers */

const struct gemini_word gemini_details[] = {
    {WORD("MEDIA_RESOLUTION_LOW"), 0},
    {WORD("MEDIA_RESOLUTION_HIGH"), 1},
    {{NULL, 0}, 0},
};

/* One part, its members found, and where it stands. */
struct part {
    const struct path *path;
    struct json_value whole;
    struct json_value members[PART_COUNT];
    struct message *to;
};

typedef bool read_part_f(struct gemini_reading *reading, const struct part *part);

static void sign_block(struct gemini_reading *reading, const struct part *part,
                       struct block *block)
{
    struct json_value signature = part->members[PART_thoughtSignature];

    if (signature.kind == JSON_STRING)
        block->signature =
            gemini_signature_in(text_of(signature), reading->arena, &block->origin);
}

static struct block *add_block(struct gemini_reading *reading, const struct part *part,
                               enum block_kind kind)
{
    struct block *block = message_add_block(part->to, kind, reading->arena);

    sign_block(reading, part, block);
    return block;
}

/* A client gives back the parts of a stream as they came: a thought in pieces, the signature
 * with the last. Its maker wants it as one. */
static bool read_thought(struct gemini_reading *reading, const struct part *part)
{
    struct block *last = part->to->last;
    bool goes_on = last && last->kind == BLOCK_reasoning && !last->signature.ptr;
    struct block *block =
        goes_on ? last : message_add_block(part->to, BLOCK_reasoning, reading->arena);
    struct text text = TEXT_NONE;

    sign_block(reading, part, block);
    if (!read_known(reading->t, part->path, SPAN("text"), part->members[PART_text], &text))
        return false;
    block->text = text_join(block->text, text, reading->arena);
    return true;
}

static bool read_text(struct gemini_reading *reading, const struct part *part)
{
    struct block *block;

    if (part->members[PART_thought].kind == JSON_TRUE)
        return read_thought(reading, part);
    block = add_block(reading, part, BLOCK_text);
    return read_known(reading->t, part->path, SPAN("text"), part->members[PART_text],
                      &block->text);
}

/* ---- media ----------------------------------------------------------------------------- */

static struct text detail_of(struct json_value resolution)
{
    uint8_t high;

    if (!gemini_word_read(gemini_details, gemini_member(resolution, SPAN("level")), &high))
        return TEXT_NONE;
    return high ? TEXT("high") : TEXT("low");
}

static bool add_media(struct gemini_reading *reading, const struct part *part,
                      struct media media)
{
    media.detail = detail_of(part->members[PART_mediaResolution]);
    add_block(reading, part, media_block_kind(media.type))->media = media;
    return true;
}

static bool read_inline(struct gemini_reading *reading, const struct part *part)
{
    struct path here = {.up = part->path, .key = SPAN("inlineData")};
    struct media media = {.form = MEDIA_DATA};

    if (!gemini_read_inline(part->members[PART_inlineData], reading->arena, &media))
        return refuse(reading->t, &here, "must have the strings mimeType and data");
    return add_media(reading, part, media);
}

static bool read_file(struct gemini_reading *reading, const struct part *part)
{
    struct path here = {.up = part->path, .key = SPAN("fileData")};
    struct media media = {.form = MEDIA_URL};

    if (!gemini_read_file(part->members[PART_fileData], reading->arena, &media))
        return refuse(reading->t, &here, "must have the string fileUri");
    return add_media(reading, part, media);
}

/* ---- calls and their results ----------------------------------------------------------- */

/* The N-th call of the conversation, so that the id is the same in each turn. */
static struct text numbered_id(struct gemini_reading *reading)
{
    struct buffer out _buffer_;
    struct span made;

    buffer_init(&out, 32);
    (void)buffer_append(&out, SPAN("call_"));
    (void)buffer_append_u64(&out, reading->calls);
    made = arena_copy(reading->arena, buffer_span(&out));
    return (struct text){made.ptr, made.len};
}

static bool read_call(struct gemini_reading *reading, const struct part *part)
{
    static const struct span names[] = {WORD("id"), WORD("name"), WORD("args")};
    struct path here = {.up = part->path, .key = SPAN("functionCall")};
    struct path args = {.up = &here, .key = names[2]};
    struct json_value values[ARRAY_LEN(names)];
    struct block *call = add_block(reading, part, BLOCK_tool_call);

    reading->calls++;
    if (!gemini_take(reading->t, &here, part->members[PART_functionCall], names,
                     ARRAY_LEN(names), values) ||
        !read_known(reading->t, &here, names[0], values[0], &call->id) ||
        !read_known(reading->t, &here, names[1], values[1], &call->name))
        return false;
    if (call->name.len == 0)
        return refuse(reading->t, &here, "must have a name");
    if (values[2].kind != JSON_OBJECT && values[2].kind != JSON_ABSENT)
        return refuse(reading->t, &args, "must be an object");
    if (call->id.len == 0)
        call->id = numbered_id(reading);
    call->input = values[2];
    if (!reading->waiting)
        reading->waiting = call;
    return true;
}

/* The id of the first unanswered call of that name; an answered one has CUSTOM set meanwhile.
 */
static struct text waiting_id(struct gemini_reading *reading, struct text name)
{
    unsigned looked_at = 0;

    for (struct block *call = reading->waiting; call && looked_at++ < WAITING_LIMIT;
         call = call->next) {
        if (call->kind != BLOCK_tool_call || call->custom || !text_eq(call->name, name))
            continue;
        call->custom = true;
        return call->id;
    }
    return TEXT_NONE;
}

static struct block *add_content(struct block *result, enum block_kind kind,
                                 struct arena *arena)
{
    struct block *block = ARENA_NEW(arena, struct block), **at = &result->content;

    block->kind = (uint8_t)kind;
    block->origin = DIALECT_NONE;
    while (*at)
        at = &(*at)->next;
    *at = block;
    return block;
}

/* {"output": ...}, {"result": ...} and {"error": ...} stand for what is in them. */
static void read_response(struct gemini_reading *reading, struct block *result,
                          struct json_value response)
{
    static const struct span wrappers[] = {WORD("output"), WORD("result"), WORD("error")};
    struct json_walk walk = json_walk(response);
    struct json_value inner = response, value;
    struct span key, other;

    if (json_next(&walk, &key, &value) && !json_next(&walk, &other, &inner))
        for (unsigned i = 0; i < ARRAY_LEN(wrappers); i++)
            if (span_eq(key, wrappers[i])) {
                result->is_error = i == 2;
                response = value;
            }
    add_content(result, BLOCK_text, reading->arena)->text =
        response.kind == JSON_STRING ? text_of(response)
                                     : text_escape(response.raw, reading->arena);
}

static bool read_result_parts(struct gemini_reading *reading, const struct path *path,
                              struct block *result, struct json_value parts)
{
    struct path item = {.up = path};
    struct json_value part, data;
    struct media media;
    struct json_walk walk;
    struct span key;

    if (parts.kind == JSON_ABSENT)
        return true;
    if (parts.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be an array");
    for (walk = json_walk(parts); json_next(&walk, &key, &part); item.index++) {
        media = (struct media){.form = MEDIA_DATA};
        data = gemini_member(part, SPAN("inlineData"));
        if (data.kind == JSON_OBJECT ? !gemini_read_inline(data, reading->arena, &media)
                                     : !gemini_read_file(gemini_member(part, SPAN("fileData")),
                                                         reading->arena, &media))
            return refuse(reading->t, &item, "must have inlineData or fileData");
        add_content(result, media_block_kind(media.type), reading->arena)->media = media;
    }
    return true;
}

static bool read_result(struct gemini_reading *reading, const struct part *part)
{
    static const struct span names[] = {WORD("id"), WORD("name"), WORD("response"),
                                        WORD("parts")};
    struct path here = {.up = part->path, .key = SPAN("functionResponse")};
    struct path response = {.up = &here, .key = names[2]},
                parts = {.up = &here, .key = names[3]};
    struct json_value values[ARRAY_LEN(names)];
    struct block *result = add_block(reading, part, BLOCK_tool_result);
    struct text waiting;

    if (!gemini_take(reading->t, &here, part->members[PART_functionResponse], names,
                     ARRAY_LEN(names), values) ||
        !read_known(reading->t, &here, names[0], values[0], &result->id) ||
        !read_known(reading->t, &here, names[1], values[1], &result->name))
        return false;
    if (values[2].kind != JSON_OBJECT && values[2].kind != JSON_ABSENT)
        return refuse(reading->t, &response, "must be an object");
    waiting = waiting_id(reading, result->name);
    if (result->id.len == 0)
        result->id = waiting.ptr ? waiting : result->name;
    if (values[2].kind == JSON_OBJECT)
        read_response(reading, result, values[2]);
    return read_result_parts(reading, &parts, result, values[3]);
}

/* Code that the provider ran, and, in a part of its own, what it printed. */
static bool read_code(struct gemini_reading *reading, const struct part *part)
{
    struct block *last = part->to->last;
    struct act *act = gemini_read_code(part->members, last ? last->act : NULL, reading->arena);

    if (act)
        add_block(reading, part, BLOCK_hosted)->act = act;
    return true;
}

/* What the provider's own tools did: for the same dialect only. */
static bool read_other(struct gemini_reading *reading, const struct part *part)
{
    struct block *block = add_block(reading, part, BLOCK_other);

    block->origin = DIALECT_gemini;
    block->raw = part->whole;
    return true;
}

/* ---- contents -------------------------------------------------------------------------- */

static const struct {
    enum gemini_part_member member;
    read_part_f *read;
} kinds[] = {
    {PART_functionCall, read_call},   {PART_functionResponse, read_result},
    {PART_inlineData, read_inline},   {PART_fileData, read_file},
    {PART_executableCode, read_code}, {PART_codeExecutionResult, read_code},
    {PART_toolCall, read_other},      {PART_toolResponse, read_other},
    {PART_text, read_text},           {PART_thoughtSignature, read_text},
};

static bool read_part(struct gemini_reading *reading, const struct path *path,
                      struct json_value value, struct message *to)
{
    struct part part = {.path = path, .whole = value, .to = to};

    if (!gemini_take(reading->t, path, value, gemini_part_names, PART_COUNT, part.members))
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(kinds); i++)
        if (part.members[kinds[i].member].kind != JSON_ABSENT)
            return kinds[i].read(reading, &part);
    return refuse(reading->t, path,
                  "must have text, inlineData, fileData, functionCall or functionResponse");
}

static bool read_parts(struct gemini_reading *reading, const struct path *path,
                       struct json_value parts, struct message *to)
{
    struct path item = {.up = path};
    struct json_value part;
    struct json_walk walk;
    struct span key;

    if (parts.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be an array");
    for (walk = json_walk(parts); json_next(&walk, &key, &part); item.index++)
        if (!read_part(reading, &item, part, to))
            return false;
    return true;
}

/* Calls of the model content before are answered or never will be. */
static void forget_waiting(struct gemini_reading *reading)
{
    for (struct block *call = reading->waiting; call; call = call->next)
        if (call->kind == BLOCK_tool_call)
            call->custom = false;
    reading->waiting = NULL;
}

static bool read_content(struct gemini_reading *reading, const struct path *path,
                         struct json_value value)
{
    static const struct gemini_word roles[] = {
        {WORD("user"), ROLE_user},
        {WORD("model"), ROLE_assistant},
        {WORD("function"), ROLE_user},
        {{NULL, 0}, 0},
    };
    static const struct span names[] = {WORD("role"), WORD("parts")};
    struct path role_path = {.up = path, .key = names[0]},
                parts = {.up = path, .key = names[1]};
    struct json_value values[ARRAY_LEN(names)];
    uint8_t role = ROLE_user;

    if (!gemini_take(reading->t, path, value, names, ARRAY_LEN(names), values))
        return false;
    if (values[0].kind != JSON_ABSENT && values[0].raw.len > 2 &&
        !gemini_word_read(roles, values[0], &role))
        return refuse(reading->t, &role_path, "must be user or model");
    if (role == ROLE_assistant)
        forget_waiting(reading);
    return read_parts(reading, &parts, values[1],
                      chat_add_message(reading->chat, (enum message_role)role, reading->arena));
}

bool gemini_read_contents(struct gemini_reading *reading, const struct path *path,
                          struct json_value value)
{
    struct path item = {.up = path};
    struct json_value content;
    struct json_walk walk;
    struct span key;

    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be an array");
    for (walk = json_walk(value); json_next(&walk, &key, &content); item.index++)
        if (!read_content(reading, &item, content))
            return false;
    forget_waiting(reading);
    return item.index > 0 || refuse(reading->t, path, "must not be empty");
}

bool gemini_read_system(struct gemini_reading *reading, const struct path *path,
                        struct json_value value)
{
    static const struct span names[] = {WORD("parts"), WORD("role")};
    struct json_value values[ARRAY_LEN(names)];
    struct path parts = {.up = path, .key = names[0]};
    struct message *message;

    if (!gemini_take(reading->t, path, value, names, ARRAY_LEN(names), values))
        return false;
    message = chat_add_message(reading->chat, ROLE_system, reading->arena);
    if (!read_parts(reading, &parts, values[0], message))
        return false;
    for (const struct block *block = message->blocks; block; block = block->next)
        if (block->kind != BLOCK_text)
            return refuse(reading->t, &parts, "must be texts");
    return true;
}
