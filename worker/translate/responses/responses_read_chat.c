/* Requests, the outermost object: which member is read by whom. */
#include "shared/base/check.h"

#include "worker/translate/responses/responses_inside.h"

#define KIND(kind) (1U << JSON_##kind)

const struct word responses_efforts[] = {
    {WORD("none"), EFFORT_NONE}, {WORD("minimal"), EFFORT_MINIMAL},
    {WORD("low"), EFFORT_LOW},   {WORD("medium"), EFFORT_MEDIUM},
    {WORD("high"), EFFORT_HIGH}, {WORD("xhigh"), EFFORT_XHIGH},
    {WORD("max"), EFFORT_MAX},
};
const unsigned responses_effort_count = ARRAY_LEN(responses_efforts);

static bool read_nothing(struct chat_reading *reading, const struct path *path,
                         struct json_value value)
{
    (void)reading, (void)path, (void)value;
    return true;
}

static bool read_stream(struct chat_reading *reading, const struct path *path,
                        struct json_value value)
{
    uint8_t maybe = MAYBE_ABSENT;

    if (!read_bool(reading->t, path, value, &maybe))
        return false;
    reading->chat->stream = maybe == MAYBE_TRUE;
    return true;
}

/* Before everything else, wherever it stands in the body. */
static bool read_instructions(struct chat_reading *reading, const struct path *path,
                              struct json_value value)
{
    struct message *last = reading->chat->last_message;
    struct message *first = reading->chat->messages, *message;
    struct text text;

    if (!read_string(reading->t, path, value, &text))
        return false;
    message = chat_add_message(reading->chat, ROLE_system, reading->arena);
    message_add_block(message, BLOCK_text, reading->arena)->text = text;
    if (!first)
        return true;
    last->next = NULL;
    reading->chat->last_message = last;
    message->next = first;
    reading->chat->messages = message;
    return true;
}

static bool read_parallel(struct chat_reading *reading, const struct path *path,
                          struct json_value value)
{
    return read_bool(reading->t, path, value, &reading->chat->parallel);
}

/* What only a server with a memory of its own can do; another dialect has no words for it. */
static bool refuse_memory(struct chat_reading *reading, const struct path *path,
                          struct json_value value)
{
    if (value.kind == JSON_FALSE)
        return true;
    return refuse_as(reading->t, COMPLAINT_unsupported, path,
                     "is not supported with this model's provider");
}

/* ---- text, reasoning, include ---------------------------------------------------------- */

static bool read_format(struct chat_reading *reading, const struct path *path,
                        struct json_value value)
{
    static const struct word types[] = {
        {WORD("text"), FORMAT_TEXT},
        {WORD("json_object"), FORMAT_JSON},
        {WORD("json_schema"), FORMAT_SCHEMA},
    };
    static const struct span keys[] = {WORD("type"), WORD("name"), WORD("description"),
                                       WORD("schema"), WORD("strict")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path type = {.up = path, .key = keys[0]};
    struct path schema = {.up = path, .key = keys[3]};
    struct chat *chat = reading->chat;

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values))
        return false;
    if (!word_value(types, ARRAY_LEN(types), values[0], &chat->format.kind))
        return refuse(reading->t, &type, "must be text, json_object or json_schema");
    if (values[3].kind != JSON_OBJECT && values[3].kind != JSON_ABSENT)
        return refuse(reading->t, &schema, "must be an object");
    chat->format.schema = values[3];
    return read_known(reading->t, path, "name", values[1], &chat->format.name) &&
           read_known(reading->t, path, "description", values[2], &chat->format.description) &&
           read_maybe(reading->t, path, "strict", values[4], &chat->format.strict);
}

static bool read_text(struct chat_reading *reading, const struct path *path,
                      struct json_value value)
{
    static const struct span keys[] = {WORD("format"), WORD("verbosity")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path format = {.up = path, .key = keys[0]};
    struct path verbosity = {.up = path, .key = keys[1]};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values))
        return false;
    if (values[1].kind != JSON_ABSENT && values[1].kind != JSON_STRING)
        return refuse(reading->t, &verbosity, "must be a string");
    reading->chat->fields[CHAT_verbosity] = values[1];
    return values[0].kind == JSON_ABSENT || read_format(reading, &format, values[0]);
}

static bool read_reasoning(struct chat_reading *reading, const struct path *path,
                           struct json_value value)
{
    static const struct span keys[] = {WORD("effort"), WORD("summary"),
                                       WORD("generate_summary")};
    struct json_value values[ARRAY_LEN(keys)];
    struct reasoning *reasoning = &reading->chat->reasoning;
    struct path effort = {.up = path, .key = keys[0]};

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values))
        return false;
    if (values[0].kind != JSON_ABSENT &&
        !word_value(responses_efforts, responses_effort_count, values[0], &reasoning->effort))
        return refuse(reading->t, &effort,
                      "must be none, minimal, low, medium, high, xhigh or max");
    if (!read_known(reading->t, path, "generate_summary", values[2], &reasoning->summary) ||
        !read_known(reading->t, path, "summary", values[1], &reasoning->summary))
        return false;
    if (reasoning->summary.ptr)
        reasoning->shown = MAYBE_TRUE;
    return true;
}

/* Encrypted reasoning comes in any case; probabilities are asked for here; the rest is of tools
 * that the provider runs itself. */
static bool read_include(struct chat_reading *reading, const struct path *path,
                         struct json_value value)
{
    static const struct json_value yes = {JSON_TRUE, WORD("true")};
    struct path item = {.up = path};
    struct json_walk walk = json_walk(value);
    struct json_value word;

    if (value.kind != JSON_ARRAY)
        return refuse(reading->t, path, "must be an array");
    for (; json_next(&walk, NULL, &word); item.index++) {
        if (json_text_eq(word, SPAN("message.output_text.logprobs")))
            reading->chat->fields[CHAT_logprobs] = yes;
        else if (!json_text_eq(word, SPAN("reasoning.encrypted_content")))
            drop_at(reading->t, &item);
    }
    return true;
}

static bool read_service_tier(struct chat_reading *reading, const struct path *path,
                              struct json_value value)
{
    if (value.kind != JSON_STRING)
        return refuse(reading->t, path, "must be a string");
    reading->chat->fields[CHAT_service_tier] = value;
    return true;
}

static const struct {
    struct span key;
    read_setting_f *read;
} settings[] = {
    {WORD("model"), read_nothing}, /* the target's name takes its place */
    {WORD("input"), responses_read_input},
    {WORD("instructions"), read_instructions},
    {WORD("tools"), responses_read_tools},
    {WORD("tool_choice"), responses_read_tool_choice},
    {WORD("parallel_tool_calls"), read_parallel},
    {WORD("stream"), read_stream},
    {WORD("stream_options"), read_nothing}, /* padding against eavesdroppers: none is sent */
    {WORD("text"), read_text},
    {WORD("reasoning"), read_reasoning},
    {WORD("include"), read_include},
    {WORD("service_tier"), read_service_tier},
    {WORD("previous_response_id"), refuse_memory},
    {WORD("conversation"), refuse_memory},
    {WORD("background"), refuse_memory},
    {WORD("prompt"), refuse_memory},
};

/* ---- members that are one value -------------------------------------------------------- */

static const struct span field_names[CHAT_FIELD_COUNT] = {
#define CHAT_FIELD(field, openai, responses, anthropic, gemini, dashscope, ernie) \
    [CHAT_##field] = WORD(responses),
#include "worker/translate/chat_fields.def"
#undef CHAT_FIELD
};

/* Kinds of JSON that a field may have, and the words for it; 0: any. */
static const struct {
    uint16_t kinds;
    const char *why;
} field_kinds[CHAT_FIELD_COUNT] = {
    [CHAT_max_output] = {KIND(NUMBER), "must be a number"},
    [CHAT_temperature] = {KIND(NUMBER), "must be a number"},
    [CHAT_top_p] = {KIND(NUMBER), "must be a number"},
    [CHAT_top_logprobs] = {KIND(NUMBER), "must be a number"},
    [CHAT_max_tool_calls] = {KIND(NUMBER), "must be a number"},
    [CHAT_user] = {KIND(STRING), "must be a string"},
    [CHAT_safety_identifier] = {KIND(STRING), "must be a string"},
    [CHAT_prompt_cache_key] = {KIND(STRING), "must be a string"},
    [CHAT_truncation] = {KIND(STRING), "must be a string"},
    [CHAT_store] = {KIND(TRUE) | KIND(FALSE), "must be true or false"},
    [CHAT_metadata] = {KIND(OBJECT), "must be an object"},
};

static bool read_member(struct chat_reading *reading, struct span key, struct json_value value)
{
    struct path path = {.key = key};
    struct extra *extra;

    for (unsigned i = 0; i < ARRAY_LEN(settings); i++)
        if (span_eq(key, settings[i].key))
            return settings[i].read(reading, &path, value);
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        if (!span_eq(key, field_names[i]))
            continue;
        if (field_kinds[i].kinds && !(field_kinds[i].kinds & 1U << value.kind))
            return refuse(reading->t, &path, field_kinds[i].why);
        reading->chat->fields[i] = value;
        return true;
    }
    extra = ARENA_NEW(reading->arena, struct extra);
    *extra = (struct extra){.key = key, .value = value};
    *reading->next_extra = extra;
    reading->next_extra = &extra->next;
    return true;
}

bool responses_read_chat(struct translation *t, struct json_value body, struct chat *ret)
{
    struct chat_reading reading = {
        .t = t, .arena = t->arena, .chat = ret, .next_extra = &ret->extras};
    struct path input = {.key = SPAN("input")};
    struct json_walk walk = json_walk(body);
    struct json_value value;
    struct span key;

    ret->dialect = DIALECT_responses;
    while (json_next(&walk, &key, &value)) {
        if (key.len > 0 && memchr(key.ptr, '\\', key.len))
            key = json_inside_text(key, t->arena);
        if (value.kind != JSON_NULL && !read_member(&reading, key, value))
            return false;
    }
    return ret->messages || refuse(t, &input, "must be a text or a list of items");
}
