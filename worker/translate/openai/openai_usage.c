/* What an answer used, in the words of chat completions and their look-alikes. */
#include "shared/base/check.h"

#include "worker/translate/openai/openai_inside.h"

static void read_input_details(struct json_value details, struct usage *ret)
{
    static const struct span names[] = {WORD("cached_tokens"), WORD("cache_write_tokens"),
                                        WORD("audio_tokens"), WORD("image_tokens")};
    struct json_value values[ARRAY_LEN(names)];

    if (details.kind != JSON_OBJECT)
        return;
    pick_members(details, names, ARRAY_LEN(names), values);
    usage_take(values[0], &ret->cached);
    usage_take(values[1], &ret->cache_write);
    usage_take(values[2], &ret->audio_input);
    usage_take(values[3], &ret->image_input);
}

static void read_output_details(struct json_value details, struct usage *ret)
{
    static const struct span names[] = {WORD("reasoning_tokens"), WORD("audio_tokens"),
                                        WORD("image_tokens")};
    struct json_value values[ARRAY_LEN(names)];

    if (details.kind != JSON_OBJECT)
        return;
    pick_members(details, names, ARRAY_LEN(names), values);
    usage_take(values[0], &ret->reasoning);
    usage_take(values[1], &ret->audio_output);
    usage_take(values[2], &ret->image_output);
}

/* xAI counts reasoning beside the completion; the total tells. */
static void add_reasoning_beside(struct json_value said_total, struct usage *ret)
{
    uint64_t total = TOKENS_UNKNOWN;
    uint64_t said = usage_add(ret->input, ret->output);

    usage_take(said_total, &total);
    if (total != TOKENS_UNKNOWN && usage_or_zero(ret->reasoning) > 0 &&
        usage_add(said, ret->reasoning) == total)
        ret->output = usage_add(ret->output, ret->reasoning);
}

void openai_read_usage(struct json_value usage, struct usage *ret)
{
    enum {
        INPUT,
        OUTPUT,
        TOTAL,
        CACHED,
        CACHE_HIT,
        INPUT_DETAILS,
        OUTPUT_DETAILS
    };
    static const struct span names[] = {
        [INPUT] = WORD("prompt_tokens"),
        [OUTPUT] = WORD("completion_tokens"),
        [TOTAL] = WORD("total_tokens"),
        [CACHED] = WORD("cached_tokens"),              /* Moonshot */
        [CACHE_HIT] = WORD("prompt_cache_hit_tokens"), /* DeepSeek */
        [INPUT_DETAILS] = WORD("prompt_tokens_details"),
        [OUTPUT_DETAILS] = WORD("completion_tokens_details"),
    };
    struct json_value values[ARRAY_LEN(names)];

    if (usage.kind != JSON_OBJECT)
        return;
    pick_members(usage, names, ARRAY_LEN(names), values);
    usage_take(values[INPUT], &ret->input);
    usage_take(values[OUTPUT], &ret->output);
    usage_take(values[CACHED], &ret->cached);
    usage_take(values[CACHE_HIT], &ret->cached);
    read_input_details(values[INPUT_DETAILS], ret);
    read_output_details(values[OUTPUT_DETAILS], ret);
    add_reasoning_beside(values[TOTAL], ret);
    ret->raw = usage.raw;
}

/* A part of what is written only when somebody said it. */
static void write_known(struct json_writer *json, struct span name, uint64_t count)
{
    if (count != TOKENS_UNKNOWN)
        json_write_member_u64(json, name, count);
}

void openai_write_usage(const struct usage *usage, struct json_writer *json)
{
    json_write_object(json);
    json_write_member_u64(json, SPAN("prompt_tokens"), usage_or_zero(usage->input));
    json_write_member_u64(json, SPAN("completion_tokens"), usage_or_zero(usage->output));
    json_write_member_u64(json, SPAN("total_tokens"),
                          usage_or_zero(usage_add(usage->input, usage->output)));
    json_write_key(json, SPAN("prompt_tokens_details"));
    json_write_object(json);
    json_write_member_u64(json, SPAN("cached_tokens"), usage_or_zero(usage->cached));
    json_write_member_u64(json, SPAN("audio_tokens"), usage_or_zero(usage->audio_input));
    write_known(json, SPAN("cache_write_tokens"), usage->cache_write);
    json_write_object_end(json);
    json_write_key(json, SPAN("completion_tokens_details"));
    json_write_object(json);
    json_write_member_u64(json, SPAN("reasoning_tokens"), usage_or_zero(usage->reasoning));
    json_write_member_u64(json, SPAN("audio_tokens"), usage_or_zero(usage->audio_output));
    json_write_object_end(json);
    json_write_object_end(json);
}

bool openai_usage_known(const struct usage *usage)
{
    return usage->input != TOKENS_UNKNOWN || usage->output != TOKENS_UNKNOWN;
}
