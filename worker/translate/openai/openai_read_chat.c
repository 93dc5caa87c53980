/* Requests, the outermost object: which member is read by whom. */
#include "shared/base/check.h"

#include "worker/translate/openai/openai_inside.h"

/* ---- members with their own form ------------------------------------------------------- */

static bool read_stream_options(struct chat_reading *reading, const struct path *path,
                                struct json_value value)
{
    /* Padding against eavesdroppers is the gateway's own affair: none is sent. */
    static const struct span keys[] = {WORD("include_usage"), WORD("include_obfuscation")};
    struct json_value values[ARRAY_LEN(keys)];
    uint8_t maybe = MAYBE_ABSENT;

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values) ||
        !read_maybe(reading->t, path, SPAN("include_usage"), values[0], &maybe))
        return false;
    reading->chat->wants_usage = maybe == MAYBE_TRUE;
    return true;
}

static bool read_max_completion_tokens(struct chat_reading *reading, const struct path *path,
                                       struct json_value value)
{
    return chat_read_field(reading, path, CHAT_max_output, KIND(NUMBER), value);
}

/* The old name: the new one counts when both are there, wherever they stand. */
static bool read_max_tokens(struct chat_reading *reading, const struct path *path,
                            struct json_value value)
{
    if (value.kind == JSON_NUMBER && chat_has(reading->chat, CHAT_max_output))
        return true;
    return read_max_completion_tokens(reading, path, value);
}

static bool read_stop(struct chat_reading *reading, const struct path *path,
                      struct json_value value)
{
    struct path item = {.up = path};
    struct json_walk walk = json_walk(value);
    struct json_value inner;
    struct text stop;

    if (value.kind == JSON_STRING) {
        chat_add_stop(reading->chat, text_of(value), reading->arena);
        return true;
    }
    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be a string or an array of strings");
    for (; json_next(&walk, NULL, &inner); item.index++) {
        if (!read_string(reading->t, &item, inner, &stop))
            return false;
        chat_add_stop(reading->chat, stop, reading->arena);
    }
    return true;
}

static bool read_json_schema(struct chat_reading *reading, const struct path *path,
                             struct json_value value)
{
    static const struct span keys[] = {WORD("name"), WORD("description"), WORD("schema"),
                                       WORD("strict")};
    struct json_value values[ARRAY_LEN(keys)];
    struct chat *chat = reading->chat;
    struct path here = {.up = path, .key = SPAN("schema")};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values) ||
        !read_known(reading->t, path, SPAN("name"), values[0], &chat->format.name) ||
        !read_known(reading->t, path, SPAN("description"), values[1],
                    &chat->format.description) ||
        !read_maybe(reading->t, path, SPAN("strict"), values[3], &chat->format.strict))
        return false;
    if (values[2].kind != JSON_OBJECT && values[2].kind != JSON_ABSENT)
        return refuse(reading->t, &here, "must be an object");
    chat->format.schema = values[2];
    return true;
}

static bool read_response_format(struct chat_reading *reading, const struct path *path,
                                 struct json_value value)
{
    static const struct span keys[] = {WORD("type"), WORD("json_schema")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path schema = {.up = path, .key = keys[1]};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values) ||
        !chat_read_format_type(reading, path, values[0]))
        return false;
    return reading->chat->format.kind != FORMAT_SCHEMA ||
           read_json_schema(reading, &schema, values[1]);
}

static bool read_effort(struct chat_reading *reading, const struct path *path,
                        struct json_value value)
{
    if (!openai_effort_read(value, &reading->chat->reasoning.effort))
        return refuse(reading->t, path,
                      "must be none, minimal, low, medium, high, xhigh or max");
    return true;
}

/* {"type": "enabled" | "disabled" | ..., "budget_tokens"}: of several look-alikes. */
static bool read_thinking(struct chat_reading *reading, const struct path *path,
                          struct json_value value)
{
    static const struct span keys[] = {WORD("type"), WORD("budget_tokens")};
    struct json_value values[ARRAY_LEN(keys)];
    struct reasoning *reasoning = &reading->chat->reasoning;

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    pick_members(value, keys, ARRAY_LEN(keys), values);
    reading->chat->fields[CHAT_vendor_thinking] = value;
    if (json_text_eq(values[0], SPAN("disabled")))
        reasoning->effort = EFFORT_NONE;
    else if (values[1].kind == JSON_NUMBER)
        reasoning->budget = values[1];
    else
        reasoning->adaptive = true;
    return true;
}

/* {"effort", "max_tokens", "exclude", "enabled"}: of OpenRouter. */
static bool read_reasoning(struct chat_reading *reading, const struct path *path,
                           struct json_value value)
{
    static const struct span keys[] = {WORD("effort"), WORD("max_tokens"), WORD("exclude"),
                                       WORD("enabled"), WORD("summary")};
    struct json_value values[ARRAY_LEN(keys)];
    struct reasoning *reasoning = &reading->chat->reasoning;
    struct path effort = {.up = path, .key = keys[0]};

    if (value.kind != JSON_OBJECT)
        return refuse(reading->t, path, "must be an object");
    pick_members(value, keys, ARRAY_LEN(keys), values);
    reading->chat->fields[CHAT_vendor_reasoning] = value;
    if (values[0].kind != JSON_ABSENT && !read_effort(reading, &effort, values[0]))
        return false;
    if (values[1].kind == JSON_NUMBER)
        reasoning->budget = values[1];
    if (values[2].kind == JSON_TRUE)
        reasoning->shown = MAYBE_FALSE;
    if (values[3].kind == JSON_FALSE)
        reasoning->effort = EFFORT_NONE;
    if (values[3].kind == JSON_TRUE && reasoning->effort == EFFORT_ABSENT)
        reasoning->adaptive = true;
    reasoning->summary = text_of(values[4]);
    return true;
}

static bool read_top_k(struct chat_reading *reading, const struct path *path,
                       struct json_value value)
{
    return chat_read_field(reading, path, CHAT_top_k, KIND(NUMBER), value);
}

static const struct setting settings[] = {
    {WORD("model"), chat_read_nothing}, /* the target's name takes its place */
    {WORD("messages"), openai_read_messages},
    {WORD("tools"), openai_read_tools},
    {WORD("functions"), openai_read_functions},
    {WORD("tool_choice"), openai_read_tool_choice},
    {WORD("function_call"), openai_read_function_call},
    {WORD("parallel_tool_calls"), chat_read_parallel},
    {WORD("stream"), chat_read_stream},
    {WORD("stream_options"), read_stream_options},
    {WORD("max_completion_tokens"), read_max_completion_tokens},
    {WORD("max_tokens"), read_max_tokens},
    {WORD("stop"), read_stop},
    {WORD("response_format"), read_response_format},
    {WORD("reasoning_effort"), read_effort},
    {WORD("reasoning"), read_reasoning},
    {WORD("thinking"), read_thinking},
    {WORD("service_tier"), chat_read_service_tier},
    {WORD("top_k"), read_top_k},
    {WORD("web_search_options"), openai_read_web_search},
};

/* ---- members that are one value -------------------------------------------------------- */

/* Kinds of JSON that a field may have; 0: any. */
static const uint16_t field_kinds[CHAT_FIELD_COUNT] = {
    [CHAT_temperature] = KIND(NUMBER),
    [CHAT_top_p] = KIND(NUMBER),
    [CHAT_choice_count] = KIND(NUMBER),
    [CHAT_seed] = KIND(NUMBER),
    [CHAT_presence_penalty] = KIND(NUMBER),
    [CHAT_frequency_penalty] = KIND(NUMBER),
    [CHAT_top_logprobs] = KIND(NUMBER),
    [CHAT_logit_bias] = KIND(OBJECT),
    [CHAT_logprobs] = KINDS_BOOL,
    [CHAT_store] = KINDS_BOOL,
    [CHAT_user] = KIND(STRING),
    [CHAT_safety_identifier] = KIND(STRING),
    [CHAT_verbosity] = KIND(STRING),
    [CHAT_prompt_cache_key] = KIND(STRING),
    [CHAT_metadata] = KIND(OBJECT),
    [CHAT_prediction] = KIND(OBJECT),
    [CHAT_audio] = KIND(OBJECT),
    [CHAT_modalities] = KIND(ARRAY),
};

bool openai_read_chat(struct translation *t, struct json_value body, struct chat *ret)
{
    static const struct chat_form form = {
        .dialect = DIALECT_openai,
        .settings = settings,
        .setting_count = ARRAY_LEN(settings),
        .field_kinds = field_kinds,
    };
    struct path messages = {.key = SPAN("messages")};

    return chat_read(t, &form, body, ret) &&
           (ret->messages ||
            refuse(t, &messages, "must be an array with at least one message"));
}
