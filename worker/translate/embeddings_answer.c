/* Answers with embeddings, read and written, and floats as base64. Declared in embeddings.h. */
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/encode.h"

#include "worker/translate/dialect.h"
#include "worker/translate/embeddings.h"
#include "worker/translate/reply.h"

#define NUMBER_BYTES 64 /* of one number in an array; a longer one is cut */

static const struct json_value nothing = {.kind = JSON_ABSENT};

static struct json_value member(struct json_value object, struct span name)
{
    return object.kind == JSON_OBJECT ? json_member(object, name) : nothing;
}

/* ---- floats ---------------------------------------------------------------------------- */

static float float_of(struct json_value number)
{
    char digits[NUMBER_BYTES];
    size_t len = number.raw.len < sizeof(digits) - 1 ? number.raw.len : sizeof(digits) - 1;

    if (number.kind != JSON_NUMBER)
        return 0;
    memcpy(digits, number.raw.ptr, len);
    digits[len] = '\0';
    return strtof(digits, NULL);
}

static void append_float(struct buffer *out, float number)
{
    uint32_t bits;

    memcpy(&bits, &number, sizeof(bits));
    for (unsigned shift = 0; shift < 32; shift += 8)
        (void)buffer_append_byte(out, (char)(bits >> shift & 0xff));
}

struct json_value embed_to_base64(struct json_value numbers, struct arena *arena)
{
    struct buffer bytes _buffer_, text _buffer_;
    struct json_value number;
    struct json_walk walk;
    struct span key;

    buffer_init(&bytes, SIZE_MAX);
    buffer_init(&text, SIZE_MAX);
    if (numbers.kind != JSON_ARRAY)
        return nothing;
    for (walk = json_walk(numbers); json_next(&walk, &key, &number);)
        append_float(&bytes, float_of(number));
    (void)buffer_append_byte(&text, '"');
    (void)encode_base64(buffer_span(&bytes), &text);
    (void)buffer_append_byte(&text, '"');
    return (struct json_value){JSON_STRING, arena_copy(arena, buffer_span(&text))};
}

/* The shortest spelling that keeps a single float is nine digits at most. */
static void write_float(struct json_writer *json, const uint8_t *bytes)
{
    uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                    (uint32_t)bytes[3] << 24;
    char digits[32];
    float number;
    int len;

    memcpy(&number, &bits, sizeof(number));
    if ((bits & 0x7f800000U) == 0x7f800000U)
        number = 0; /* no number of JSON */
    len = strfromf(digits, sizeof(digits), "%.9g", number);
    CHECK(len > 0 && (size_t)len < sizeof(digits));
    json_write_raw(json, span_of(digits, (size_t)len));
}

struct json_value embed_from_base64(struct json_value base64, struct arena *arena)
{
    struct buffer bytes _buffer_, text _buffer_;
    struct json_writer json;

    buffer_init(&bytes, SIZE_MAX);
    buffer_init(&text, SIZE_MAX);
    if (base64.kind != JSON_STRING || !decode_base64(json_text(base64, arena), &bytes) ||
        bytes.len % 4 != 0)
        return nothing;
    json_write_init(&json, &text);
    json_write_array(&json);
    for (size_t i = 0; i < bytes.len; i += 4)
        write_float(&json, (const uint8_t *)bytes.ptr + i);
    json_write_array_end(&json);
    return (struct json_value){JSON_ARRAY, arena_copy(arena, buffer_span(&text))};
}

/* ---- reading --------------------------------------------------------------------------- */

static bool bad_answer(struct translation *t)
{
    t->refusal =
        (struct complaint){.kind = COMPLAINT_bad_answer,
                           .message = TEXT("The provider's answer has no embeddings.")};
    return false;
}

static bool read_list(struct translation *t, struct json_value list, struct span values_name,
                      struct embed_answer *ret)
{
    struct embed_vector **end = &ret->vectors;
    struct json_value item;
    struct json_walk walk;
    struct span key;

    if (list.kind != JSON_ARRAY)
        return bad_answer(t);
    for (walk = json_walk(list); json_next(&walk, &key, &item);) {
        struct json_value values = member(item, values_name);

        if (values.kind != JSON_ARRAY && values.kind != JSON_STRING)
            return bad_answer(t);
        *end = ARENA_NEW(t->arena, struct embed_vector);
        (*end)->values = values;
        end = &(*end)->next;
    }
    return true;
}

static bool read_gemini(struct translation *t, struct json_value body, struct embed_answer *ret)
{
    struct json_value one = member(member(body, SPAN("embedding")), SPAN("values"));

    usage_read(member(body, SPAN("usageMetadata")), SPAN("promptTokenCount"), &ret->tokens);
    if (one.kind != JSON_ARRAY)
        return read_list(t, member(body, SPAN("embeddings")), SPAN("values"), ret);
    ret->vectors = ARENA_NEW(t->arena, struct embed_vector);
    ret->vectors->values = one;
    return true;
}

bool embed_read_answer(struct translation *t, enum dialect_id provider, struct json_value body,
                       struct embed_answer *ret)
{
    *ret = (struct embed_answer){.tokens = TOKENS_UNKNOWN};
    if (member(body, SPAN("error")).kind > JSON_NULL) {
        complaint_read(200, body.raw, t->arena, &t->refusal);
        return false;
    }
    if (provider == DIALECT_gemini)
        return read_gemini(t, body, ret);
    ret->model = text_of(member(body, SPAN("model")));
    usage_read(member(body, SPAN("usage")), SPAN("prompt_tokens"), &ret->tokens);
    return read_list(t, member(body, SPAN("data")), SPAN("embedding"), ret);
}

/* ---- writing --------------------------------------------------------------------------- */

/* VALUES in the spelling that the client asked for; what cannot be converted as it came. */
static struct json_value spelled(struct json_value values, bool base64, struct arena *arena)
{
    struct json_value made = nothing;

    if (base64 && values.kind == JSON_ARRAY)
        made = embed_to_base64(values, arena);
    if (!base64 && values.kind == JSON_STRING)
        made = embed_from_base64(values, arena);
    return made.kind == JSON_ABSENT ? values : made;
}

static void write_openai(struct translation *t, const struct embed_ask *ask,
                         const struct embed_answer *answer, struct json_writer *json)
{
    struct text model = answer->model;
    uint64_t tokens = usage_or_zero(answer->tokens), index = 0;

    json_write_object(json);
    json_write_member_text(json, SPAN("object"), SPAN("list"));
    json_write_key(json, SPAN("data"));
    json_write_array(json);
    for (const struct embed_vector *vector = answer->vectors; vector; vector = vector->next) {
        json_write_object(json);
        json_write_member_text(json, SPAN("object"), SPAN("embedding"));
        json_write_member_u64(json, SPAN("index"), index++);
        json_write_key(json, SPAN("embedding"));
        json_write_raw(json, spelled(vector->values, ask->base64, t->arena).raw);
        json_write_object_end(json);
    }
    json_write_array_end(json);
    text_write_member(json, SPAN("model"),
                      model.len > 0 ? model : text_escape(t->target.model, t->arena));
    json_write_key(json, SPAN("usage"));
    json_write_object(json);
    json_write_member_u64(json, SPAN("prompt_tokens"), tokens);
    json_write_member_u64(json, SPAN("total_tokens"), tokens);
    json_write_object_end(json);
    json_write_object_end(json);
}

static void write_values(struct translation *t, const struct embed_vector *vector,
                         struct json_writer *json)
{
    json_write_object(json);
    json_write_key(json, SPAN("values"));
    json_write_raw(json, spelled(vector->values, false, t->arena).raw);
    json_write_object_end(json);
}

static void write_gemini(struct translation *t, const struct embed_ask *ask,
                         const struct embed_answer *answer, struct json_writer *json)
{
    json_write_object(json);
    if (ask->batch) {
        json_write_key(json, SPAN("embeddings"));
        json_write_array(json);
        for (const struct embed_vector *at = answer->vectors; at; at = at->next)
            write_values(t, at, json);
        json_write_array_end(json);
    } else if (answer->vectors) {
        json_write_key(json, SPAN("embedding"));
        write_values(t, answer->vectors, json);
    }
    if (answer->tokens != TOKENS_UNKNOWN) {
        json_write_key(json, SPAN("usageMetadata"));
        json_write_object(json);
        json_write_member_u64(json, SPAN("promptTokenCount"), answer->tokens);
        json_write_object_end(json);
    }
    json_write_object_end(json);
}

void embed_write_answer(struct translation *t, const struct embed_ask *ask,
                        const struct embed_answer *answer, struct json_writer *json)
{
    if (ask->dialect == DIALECT_gemini)
        write_gemini(t, ask, answer, json);
    else
        write_openai(t, ask, answer, json);
}
