/* What an answer used, in the words of chat completions and their look-alikes. */
#include "shared/base/check.h"

#include "worker/translate/openai/openai_inside.h"

static void read_input_details(struct json_value details, struct usage *ret)
{
    usage_read(details, SPAN("cached_tokens"), &ret->cached);
    usage_read(details, SPAN("cache_write_tokens"), &ret->cache_write);
    usage_read(details, SPAN("audio_tokens"), &ret->audio_input);
    usage_read(details, SPAN("image_tokens"), &ret->image_input);
}

static void read_output_details(struct json_value details, struct usage *ret)
{
    usage_read(details, SPAN("reasoning_tokens"), &ret->reasoning);
    usage_read(details, SPAN("audio_tokens"), &ret->audio_output);
    usage_read(details, SPAN("image_tokens"), &ret->image_output);
}

/* xAI counts reasoning beside the completion; the total tells. */
static void add_reasoning_beside(struct json_value usage, struct usage *ret)
{
    uint64_t total = TOKENS_UNKNOWN;
    uint64_t said = usage_add(ret->input, ret->output);

    usage_read(usage, SPAN("total_tokens"), &total);
    if (total != TOKENS_UNKNOWN && usage_or_zero(ret->reasoning) > 0 &&
        usage_add(said, ret->reasoning) == total)
        ret->output = usage_add(ret->output, ret->reasoning);
}

void openai_read_usage(struct json_value usage, struct usage *ret)
{
    if (usage.kind != JSON_OBJECT)
        return;
    usage_read(usage, SPAN("prompt_tokens"), &ret->input);
    usage_read(usage, SPAN("completion_tokens"), &ret->output);
    usage_read(usage, SPAN("cached_tokens"), &ret->cached);           /* Moonshot */
    usage_read(usage, SPAN("prompt_cache_hit_tokens"), &ret->cached); /* DeepSeek */
    read_input_details(json_member(usage, SPAN("prompt_tokens_details")), ret);
    read_output_details(json_member(usage, SPAN("completion_tokens_details")), ret);
    add_reasoning_beside(usage, ret);
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
