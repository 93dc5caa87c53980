/* Probabilities of tokens in OpenAI's form and back. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"

#define LOGPROBS_LIMIT ((size_t)8 << 20)

/* ---- reading probabilities ------------------------------------------------------------- */

static void write_bytes(struct json_writer *json, struct span bytes)
{
    json_write_key(json, SPAN("bytes"));
    json_write_array(json);
    for (size_t i = 0; i < bytes.len; i++)
        json_write_u64(json, (unsigned char)bytes.ptr[i]);
    json_write_array_end(json);
}

/* The members of one token, in an object that is open. */
static void write_token(struct json_writer *json, struct json_value candidate,
                        struct arena *scratch)
{
    static const struct span names[] = {WORD("token"), WORD("logProbability")};
    struct json_value values[ARRAY_LEN(names)];

    gemini_pick(candidate, names, ARRAY_LEN(names), values);
    json_write_key(json, SPAN("token"));
    json_write_raw(json, values[0].kind == JSON_STRING ? values[0].raw : SPAN("\"\""));
    json_write_key(json, SPAN("logprob"));
    json_write_raw(json, values[1].kind == JSON_NUMBER ? values[1].raw : SPAN("0"));
    write_bytes(json,
                values[0].kind == JSON_STRING ? json_text(values[0], scratch) : SPAN_NONE);
}

static void write_rivals(struct json_writer *json, struct json_value top, struct arena *scratch)
{
    struct json_value list = gemini_member(top, SPAN("candidates")), rival;
    struct json_walk walk;
    struct span key;

    json_write_key(json, SPAN("top_logprobs"));
    json_write_array(json);
    if (list.kind == JSON_ARRAY)
        for (walk = json_walk(list); json_next(&walk, &key, &rival);) {
            json_write_object(json);
            write_token(json, rival, scratch);
            json_write_object_end(json);
        }
    json_write_array_end(json);
}

static void write_tokens(struct json_writer *json, const struct json_value *values,
                         struct arena *scratch)
{
    struct json_walk chosen = json_walk(values[0]), tops = {0};
    struct json_value token, top;
    bool has_tops = values[1].kind == JSON_ARRAY;
    struct span key;

    if (has_tops)
        tops = json_walk(values[1]);
    while (json_next(&chosen, &key, &token)) {
        if (!has_tops || !json_next(&tops, &key, &top))
            top = (struct json_value){.kind = JSON_ABSENT};
        json_write_object(json);
        write_token(json, token, scratch);
        write_rivals(json, top, scratch);
        json_write_object_end(json);
    }
}

bool gemini_read_logprobs(struct json_value result, struct arena *arena, struct json_value *ret)
{
    static const struct span names[] = {WORD("chosenCandidates"), WORD("topCandidates")};
    struct json_value values[ARRAY_LEN(names)];
    struct buffer out _buffer_;
    struct json_writer json;

    *ret = (struct json_value){.kind = JSON_ABSENT};
    buffer_init(&out, LOGPROBS_LIMIT);
    gemini_pick(result, names, ARRAY_LEN(names), values);
    if (values[0].kind != JSON_ARRAY)
        return false;
    json_write_init(&json, &out);
    json_write_object(&json);
    json_write_key(&json, SPAN("content"));
    json_write_array(&json);
    write_tokens(&json, values, arena);
    json_write_array_end(&json);
    json_write_member_text(&json, SPAN("refusal"), SPAN_NONE);
    json_write_object_end(&json);
    if (out.failed)
        return false;
    *ret = (struct json_value){JSON_OBJECT, arena_copy(arena, buffer_span(&out))};
    return true;
}

/* ---- writing them ---------------------------------------------------------------------- */

static void write_candidate(struct json_writer *json, struct json_value token)
{
    struct json_value word = json_member(token, SPAN("token"));
    struct json_value number = json_member(token, SPAN("logprob"));

    json_write_object(json);
    json_write_key(json, SPAN("token"));
    json_write_raw(json, word.kind == JSON_STRING ? word.raw : SPAN("\"\""));
    json_write_key(json, SPAN("logProbability"));
    json_write_raw(json, number.kind == JSON_NUMBER ? number.raw : SPAN("0"));
    json_write_object_end(json);
}

static void write_candidates(struct json_writer *json, struct json_value list)
{
    struct json_value token;
    struct json_walk walk;
    struct span key;

    json_write_array(json);
    if (list.kind == JSON_ARRAY)
        for (walk = json_walk(list); json_next(&walk, &key, &token);)
            if (token.kind == JSON_OBJECT)
                write_candidate(json, token);
    json_write_array_end(json);
}

void gemini_write_logprobs(struct json_writer *json, struct json_value logprobs)
{
    struct json_value content, token;
    struct json_walk walk;
    struct span key;

    if (logprobs.kind != JSON_OBJECT)
        return;
    content = json_member(logprobs, SPAN("content"));
    if (content.kind != JSON_ARRAY)
        return;
    json_write_key(json, SPAN("logprobsResult"));
    json_write_object(json);
    json_write_key(json, SPAN("chosenCandidates"));
    write_candidates(json, content);
    json_write_key(json, SPAN("topCandidates"));
    json_write_array(json);
    for (walk = json_walk(content); json_next(&walk, &key, &token);) {
        json_write_object(json);
        json_write_key(json, SPAN("candidates"));
        write_candidates(json, token.kind == JSON_OBJECT
                                   ? json_member(token, SPAN("top_logprobs"))
                                   : (struct json_value){.kind = JSON_ABSENT});
        json_write_object_end(json);
    }
    json_write_array_end(json);
    json_write_object_end(json);
}
