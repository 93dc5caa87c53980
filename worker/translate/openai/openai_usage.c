/* What an answer used, in the words of chat completions and their look-alikes; and the look at
 * a stream that is passed on unchanged. */
#include "worker/translate/openai/openai.h"

static void read_input_details(struct json_value details, struct usage *ret)
{
    usage_read(details, SPAN("cached_tokens"), &ret->cached);
    usage_read(details, SPAN("cache_write_tokens"), &ret->cache_write);
    usage_read(details, SPAN("audio_tokens"), &ret->audio_input);
}

static void read_output_details(struct json_value details, struct usage *ret)
{
    usage_read(details, SPAN("reasoning_tokens"), &ret->reasoning);
    usage_read(details, SPAN("audio_tokens"), &ret->audio_output);
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
    ret->raw = usage.raw;
}

static bool no_choices(struct json_value choices)
{
    struct json_walk walk;
    struct json_value item;
    struct span key;

    if (choices.kind != JSON_ARRAY)
        return false;
    walk = json_walk(choices);
    return !json_next(&walk, &key, &item);
}

bool openai_tap_record(struct stream_tap *tap, const struct sse_record *record)
{
    struct json_pick picks[] = {
        {.key = SPAN("usage")}, {.key = SPAN("choices")}, {.key = SPAN("error")}};
    struct json_error error;
    size_t open;
    bool empty;

    if (span_eq(span_trim(record->data), SPAN("[DONE]"))) {
        tap->finished = true;
        return false;
    }
    if (span_find(record->data, SPAN("\"usage\"")) == SIZE_MAX &&
        span_find(record->data, SPAN("\"error\"")) == SIZE_MAX)
        return false;
    if (!json_pick(record->data, picks, 3, &open, &empty, &error))
        return false;
    tap->failed = tap->failed || picks[2].value.kind > JSON_NULL;
    if (picks[0].value.kind != JSON_OBJECT)
        return false;
    openai_read_usage(picks[0].value, &tap->usage);
    return no_choices(picks[1].value);
}
