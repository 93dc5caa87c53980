/* usageMetadata, both ways, and the tap on streams that are passed on unchanged. */
#include "shared/base/check.h"

#include "worker/translate/gemini/gemini_inside.h"

#define USAGE_MEMBERS(MEMBER)       \
    MEMBER(promptTokenCount)        \
    MEMBER(cachedContentTokenCount) \
    MEMBER(candidatesTokenCount)    \
    MEMBER(thoughtsTokenCount)      \
    MEMBER(toolUsePromptTokenCount) \
    MEMBER(promptTokensDetails)     \
    MEMBER(candidatesTokensDetails)

enum usage_member {
#define MEMBER(name) USAGE_##name,
    USAGE_MEMBERS(MEMBER)
#undef MEMBER
    USAGE_COUNT
};

static uint64_t count_of(struct json_value value)
{
    struct json_value wrapped = value;
    uint64_t count;

    /* 64-bit numbers may be strings in the JSON of protocol buffers */
    if (value.kind == JSON_STRING)
        wrapped =
            (struct json_value){JSON_NUMBER, span_of(value.raw.ptr + 1, value.raw.len - 2)};
    if (wrapped.kind != JSON_NUMBER || !json_u64(wrapped, &count) || count > INT64_MAX)
        return TOKENS_UNKNOWN;
    return count;
}

/* Tokens of KIND among the details. */
static uint64_t modality_of(struct json_value details, struct span kind)
{
    static const struct span names[] = {WORD("modality"), WORD("tokenCount")};
    struct json_value values[ARRAY_LEN(names)], item;
    struct json_walk walk;
    struct span key;

    if (details.kind != JSON_ARRAY)
        return TOKENS_UNKNOWN;
    for (walk = json_walk(details); json_next(&walk, &key, &item);) {
        gemini_pick(item, names, ARRAY_LEN(names), values);
        if (values[0].kind == JSON_STRING && json_text_eq(values[0], kind))
            return count_of(values[1]);
    }
    return TOKENS_UNKNOWN;
}

void gemini_read_usage(struct json_value usage, struct usage *ret)
{
    static const struct span names[] = {
#define MEMBER(name) WORD(#name),
        USAGE_MEMBERS(MEMBER)
#undef MEMBER
    };
    struct json_value values[USAGE_COUNT];
    uint64_t prompt, candidates;

    if (usage.kind != JSON_OBJECT)
        return;
    gemini_pick(usage, names, USAGE_COUNT, values);
    prompt = count_of(values[USAGE_promptTokenCount]);
    candidates = count_of(values[USAGE_candidatesTokenCount]);
    ret->raw = usage.raw;
    if (prompt == TOKENS_UNKNOWN && candidates == TOKENS_UNKNOWN)
        return; /* says where the tokens are billed, not yet how many */
    ret->reasoning = count_of(values[USAGE_thoughtsTokenCount]);
    ret->tool_input = count_of(values[USAGE_toolUsePromptTokenCount]);
    ret->input = prompt == TOKENS_UNKNOWN ? prompt : usage_add(prompt, ret->tool_input);
    ret->output = usage_add(usage_or_zero(candidates), ret->reasoning);
    ret->cached = count_of(values[USAGE_cachedContentTokenCount]);
    ret->audio_input = modality_of(values[USAGE_promptTokensDetails], SPAN("AUDIO"));
    ret->image_input = modality_of(values[USAGE_promptTokensDetails], SPAN("IMAGE"));
    ret->audio_output = modality_of(values[USAGE_candidatesTokensDetails], SPAN("AUDIO"));
    ret->image_output = modality_of(values[USAGE_candidatesTokensDetails], SPAN("IMAGE"));
}

static void write_count(struct json_writer *json, struct span name, uint64_t count)
{
    if (count != TOKENS_UNKNOWN)
        json_write_member_u64(json, name, count);
}

/* Of what kinds the tokens are: only those of sounds are known. */
static void write_audio(struct json_writer *json, struct span name, uint64_t count)
{
    if (usage_or_zero(count) == 0)
        return;
    json_write_key(json, name);
    json_write_array(json);
    json_write_object(json);
    json_write_member_text(json, SPAN("modality"), SPAN("AUDIO"));
    json_write_member_u64(json, SPAN("tokenCount"), count);
    json_write_object_end(json);
    json_write_array_end(json);
}

void gemini_write_usage(struct json_writer *json, const struct usage *usage)
{
    uint64_t reasoning = usage->reasoning, output = usage_or_zero(usage->output);

    json_write_key(json, SPAN("usageMetadata"));
    json_write_object(json);
    json_write_member_u64(
        json, SPAN("promptTokenCount"),
        usage_or_zero(usage_less(usage->input, usage_or_zero(usage->tool_input))));
    json_write_member_u64(json, SPAN("candidatesTokenCount"),
                          usage_less(output, usage_or_zero(reasoning)));
    json_write_member_u64(json, SPAN("totalTokenCount"),
                          usage_add(usage_or_zero(usage->input), output));
    write_count(json, SPAN("cachedContentTokenCount"), usage->cached);
    write_count(json, SPAN("thoughtsTokenCount"), reasoning);
    write_count(json, SPAN("toolUsePromptTokenCount"), usage->tool_input);
    write_audio(json, SPAN("promptTokensDetails"), usage->audio_input);
    write_audio(json, SPAN("candidatesTokensDetails"), usage->audio_output);
    json_write_object_end(json);
}

/* ---- the tap --------------------------------------------------------------------------- */

static bool holds(struct span data, struct span words)
{
    return span_find(data, words) != SIZE_MAX;
}

static bool is_finished(struct json_value candidates)
{
    struct json_value candidate;
    struct json_walk walk;
    struct span key;

    if (candidates.kind != JSON_ARRAY)
        return false;
    for (walk = json_walk(candidates); json_next(&walk, &key, &candidate);)
        if (gemini_finish_read(gemini_member(candidate, SPAN("finishReason"))) != STOP_NONE)
            return true;
    return false;
}

bool gemini_tap_record(struct stream_tap *tap, const struct sse_record *record)
{
    static const struct span names[] = {WORD("usageMetadata"), WORD("candidates"),
                                        WORD("error"), WORD("promptFeedback")};
    struct json_value values[ARRAY_LEN(names)], body;
    struct json_error error;

    if (!record->has_data || (!holds(record->data, SPAN("sageMetadata")) &&
                              !holds(record->data, SPAN("finishReason")) &&
                              !holds(record->data, SPAN("\"error\"")) &&
                              !holds(record->data, SPAN("promptFeedback"))))
        return false;
    if (!json_check(record->data, &body, &error))
        return false;
    gemini_pick(body, names, ARRAY_LEN(names), values);
    gemini_read_usage(values[0], &tap->usage);
    if (is_finished(values[1]) ||
        gemini_member(values[3], SPAN("blockReason")).kind == JSON_STRING)
        tap->finished = true;
    if (values[2].kind == JSON_OBJECT)
        tap->failed = true;
    return false;
}
