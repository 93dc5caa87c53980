#include "worker/meter/usage.h"

#include "shared/journal/record.h"

void bill_init(struct bill *bill)
{
    *bill = (struct bill){
        .input_tokens = USAGE_UNKNOWN,
        .output_tokens = USAGE_UNKNOWN,
        .cached_tokens = USAGE_UNKNOWN,
        .cache_write_tokens = USAGE_UNKNOWN,
        .reasoning_tokens = USAGE_UNKNOWN,
        .audio_tokens = USAGE_UNKNOWN,
    };
}

static void read_count(struct json_value object, struct span name, uint64_t *ret)
{
    struct json_value value;
    uint64_t count;

    if (object.kind != JSON_OBJECT)
        return;
    value = json_member(object, name);
    if (json_u64(value, &count) && count <= INT64_MAX)
        *ret = count;
}

/* Some providers repeat usage in every chunk: one place for all of them. */
static void keep_raw(struct bill *bill, struct span raw, struct arena *arena)
{
    if (raw.len > USAGE_RAW_MAX)
        return;
    if (!bill->raw_place)
        bill->raw_place = arena_take_text(arena, USAGE_RAW_MAX);
    memcpy(bill->raw_place, raw.ptr, raw.len);
    bill->raw = span_of(bill->raw_place, raw.len);
}

bool bill_read(struct bill *bill, struct json_value usage, struct arena *arena)
{
    struct json_value input, output;

    if (usage.kind != JSON_OBJECT)
        return false;
    read_count(usage, SPAN("prompt_tokens"), &bill->input_tokens);
    read_count(usage, SPAN("completion_tokens"), &bill->output_tokens);
    input = json_member(usage, SPAN("prompt_tokens_details"));
    output = json_member(usage, SPAN("completion_tokens_details"));
    read_count(input, SPAN("cached_tokens"), &bill->cached_tokens);
    read_count(input, SPAN("cache_write_tokens"), &bill->cache_write_tokens);
    read_count(input, SPAN("audio_tokens"), &bill->audio_tokens);
    read_count(output, SPAN("reasoning_tokens"), &bill->reasoning_tokens);
    keep_raw(bill, usage.raw, arena);
    return true;
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

bool bill_read_chunk(struct bill *bill, struct span data, struct arena *arena)
{
    struct json_pick picks[] = {{.key = SPAN("usage")}, {.key = SPAN("choices")}};
    struct json_error error;
    size_t open;
    bool empty;

    if (span_find(data, SPAN("\"usage\"")) == SIZE_MAX)
        return false;
    if (!json_pick(data, picks, 2, &open, &empty, &error))
        return false;
    return bill_read(bill, picks[0].value, arena) && no_choices(picks[1].value);
}
