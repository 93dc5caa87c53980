/* What parts of requests and of answers have in common: media, signatures, calls. */
#include "shared/base/check.h"

#include "worker/translate/call.h"
#include "worker/translate/gemini/gemini_inside.h"
#include "worker/translate/media.h"

#define PACKED_BEGINNING SPAN("YWlndy") /* "aigw." in base64, as far as it does not change */

const struct span gemini_part_names[PART_COUNT] = {
#define MEMBER(name) WORD(#name),
    GEMINI_PART_MEMBERS(MEMBER)
#undef MEMBER
};

static struct span inside(struct text text)
{
    return span_of(text.ptr, text.len);
}

/* ---- media ----------------------------------------------------------------------------- */

/* Base64 with the digits of URLs (RFC 4648, 5), which some SDKs send, in the usual ones. */
static struct text usual_base64(struct text base64, struct arena *arena)
{
    char *to;

    if (base64.len == 0 ||
        (!memchr(base64.ptr, '-', base64.len) && !memchr(base64.ptr, '_', base64.len)))
        return base64;
    to = arena_take_text(arena, base64.len);
    for (size_t i = 0; i < base64.len; i++)
        to[i] = base64.ptr[i] == '-' ? '+' : base64.ptr[i] == '_' ? '/' : base64.ptr[i];
    return (struct text){to, base64.len};
}

bool gemini_read_inline(struct json_value data, struct arena *arena, struct media *ret)
{
    static const struct span names[] = {WORD("mimeType"), WORD("data"), WORD("displayName")};
    struct json_value values[ARRAY_LEN(names)];

    gemini_pick(data, names, ARRAY_LEN(names), values);
    if (values[0].kind != JSON_STRING || values[1].kind != JSON_STRING)
        return false;
    ret->form = MEDIA_DATA;
    ret->type = media_type_clean(text_of(values[0]), arena);
    ret->data = usual_base64(media_clean_base64(text_of(values[1]), arena), arena);
    ret->name = text_of(values[2]);
    return true;
}

static bool is_own_file(struct span uri)
{
    return span_starts(uri, SPAN("files/")) ||
           span_starts(uri, SPAN("https://generativelanguage.googleapis.com/"));
}

bool gemini_read_file(struct json_value data, struct arena *arena, struct media *ret)
{
    static const struct span names[] = {WORD("mimeType"), WORD("fileUri"), WORD("displayName")};
    struct json_value values[ARRAY_LEN(names)];

    gemini_pick(data, names, ARRAY_LEN(names), values);
    if (values[1].kind != JSON_STRING)
        return false;
    ret->data = text_of(values[1]);
    ret->form = is_own_file(inside(ret->data)) ? MEDIA_FILE : MEDIA_URL;
    ret->type = media_type_clean(text_of(values[0]), arena);
    if (ret->type.len == 0)
        ret->type = media_type_of_name(ret->data);
    ret->name = text_of(values[2]);
    return true;
}

static struct text known_type(const struct media *media, enum block_kind kind)
{
    struct text type = media->type.len > 0 ? media->type : media_type_of_name(media->name);

    if (type.len == 0 && media->form == MEDIA_URL)
        type = media_type_of_name(media->data);
    if (type.len > 0)
        return type;
    return kind == BLOCK_image   ? TEXT("image/jpeg")
           : kind == BLOCK_audio ? TEXT("audio/wav")
                                 : TEXT("application/pdf");
}

static void write_data(struct json_writer *json, struct text type, struct text data)
{
    json_write_key(json, SPAN("inlineData"));
    json_write_object(json);
    text_write_member(json, SPAN("mimeType"), type);
    text_write_member(json, SPAN("data"), data);
    json_write_object_end(json);
}

bool gemini_write_media(struct json_writer *json, const struct media *media,
                        enum block_kind kind, struct arena *arena)
{
    switch ((enum media_form)media->form) {
    case MEDIA_DATA: write_data(json, known_type(media, kind), media->data); return true;
    case MEDIA_TEXT:
        write_data(json, media_is_words(media->type) ? media->type : TEXT("text/plain"),
                   media_encode_words(media->data, arena));
        return true;
    case MEDIA_FILE:
        if (!is_own_file(inside(media->data)))
            return false;
        break;
    case MEDIA_URL: break;
    }
    json_write_key(json, SPAN("fileData"));
    json_write_object(json);
    text_write_member(json, SPAN("mimeType"), known_type(media, kind));
    text_write_member(json, SPAN("fileUri"), media->data);
    json_write_object_end(json);
    return true;
}

/* ---- signatures ------------------------------------------------------------------------ */

struct text gemini_signature_in(struct text signature, struct arena *arena, uint8_t *ret_origin)
{
    enum dialect_id origin = DIALECT_gemini;
    struct text packed;

    *ret_origin = DIALECT_gemini;
    if (!span_starts(inside(signature), PACKED_BEGINNING))
        return signature;
    packed = media_decode_words(usual_base64(signature, arena), arena);
    if (!packed.ptr)
        return signature;
    packed = signature_unpack(packed, DIALECT_gemini, &origin);
    *ret_origin = (uint8_t)origin;
    return origin == DIALECT_gemini ? signature : packed;
}

struct text gemini_signature_out(struct text signature, enum dialect_id origin,
                                 struct arena *arena)
{
    if (!signature.ptr || origin == DIALECT_gemini)
        return signature;
    if (origin == DIALECT_NONE)
        return TEXT_NONE;
    return media_encode_words(signature_pack(origin, signature, DIALECT_gemini, arena), arena);
}

/* ---- calls ----------------------------------------------------------------------------- */

void gemini_settle_call(struct translation *t, struct block *call)
{
    const struct tool *tool;
    struct text input;

    call->name = tool_name_back(t, call->name);
    tool = t->chat ? chat_find_tool(t->chat, call->name) : NULL;
    if (!tool || tool->kind != TOOL_CUSTOM)
        return;
    input = call_custom_input(call, t->arena);
    if (!input.ptr)
        return;
    call->custom = true;
    call->arguments = input;
    call->input = (struct json_value){.kind = JSON_ABSENT};
}
