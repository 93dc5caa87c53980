/* Requests, the outermost object: which member is read by whom. */
#include "shared/base/check.h"

#include "worker/translate/responses/responses_inside.h"

const struct word responses_efforts[] = {
    {WORD("none"), EFFORT_NONE}, {WORD("minimal"), EFFORT_MINIMAL},
    {WORD("low"), EFFORT_LOW},   {WORD("medium"), EFFORT_MEDIUM},
    {WORD("high"), EFFORT_HIGH}, {WORD("xhigh"), EFFORT_XHIGH},
    {WORD("max"), EFFORT_MAX},
};
const unsigned responses_effort_count = ARRAY_LEN(responses_efforts);

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
    static const struct span keys[] = {WORD("type"), WORD("name"), WORD("description"),
                                       WORD("schema"), WORD("strict")};
    struct json_value values[ARRAY_LEN(keys)];
    struct path schema = {.up = path, .key = keys[3]};
    struct chat *chat = reading->chat;

    if (!take_members(reading->t, path, value, keys, ARRAY_LEN(keys), values) ||
        !chat_read_format_type(reading, path, values[0]))
        return false;
    if (values[3].kind != JSON_OBJECT && values[3].kind != JSON_ABSENT)
        return refuse(reading->t, &schema, "must be an object");
    chat->format.schema = values[3];
    return read_known(reading->t, path, SPAN("name"), values[1], &chat->format.name) &&
           read_known(reading->t, path, SPAN("description"), values[2],
                      &chat->format.description) &&
           read_maybe(reading->t, path, SPAN("strict"), values[4], &chat->format.strict);
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
    if (!read_known(reading->t, path, SPAN("generate_summary"), values[2],
                    &reasoning->summary) ||
        !read_known(reading->t, path, SPAN("summary"), values[1], &reasoning->summary))
        return false;
    if (reasoning->summary.ptr)
        reasoning->shown = MAYBE_TRUE;
    return true;
}

/* Encrypted reasoning comes in any case; probabilities are asked for here; the rest is of
 * hosted tools. */
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
        else if (json_text_eq(word, SPAN("web_search_call.action.sources")))
            reading->chat->wants_sources = true;
        else if (json_text_eq(word, SPAN("code_interpreter_call.outputs")))
            reading->chat->wants_outputs = true;
        else if (!json_text_eq(word, SPAN("reasoning.encrypted_content")))
            drop_at(reading->t, &item);
    }
    return true;
}

static const struct setting settings[] = {
    {WORD("model"), chat_read_nothing}, /* the target's name takes its place */
    {WORD("input"), responses_read_input},
    {WORD("instructions"), read_instructions},
    {WORD("tools"), responses_read_tools},
    {WORD("tool_choice"), responses_read_tool_choice},
    {WORD("parallel_tool_calls"), chat_read_parallel},
    {WORD("stream"), chat_read_stream},
    {WORD("stream_options"),
     chat_read_nothing}, /* padding against eavesdroppers: none is sent */
    {WORD("text"), read_text},
    {WORD("reasoning"), read_reasoning},
    {WORD("include"), read_include},
    {WORD("service_tier"), chat_read_service_tier},
    {WORD("previous_response_id"), refuse_memory},
    {WORD("conversation"), refuse_memory},
    {WORD("background"), refuse_memory},
    {WORD("prompt"), refuse_memory},
};

/* ---- members that are one value -------------------------------------------------------- */

/* Kinds of JSON that a field may have; 0: any. */
static const uint16_t field_kinds[CHAT_FIELD_COUNT] = {
    [CHAT_max_output] = KIND(NUMBER),
    [CHAT_temperature] = KIND(NUMBER),
    [CHAT_top_p] = KIND(NUMBER),
    [CHAT_top_logprobs] = KIND(NUMBER),
    [CHAT_max_tool_calls] = KIND(NUMBER),
    [CHAT_user] = KIND(STRING),
    [CHAT_safety_identifier] = KIND(STRING),
    [CHAT_prompt_cache_key] = KIND(STRING),
    [CHAT_truncation] = KIND(STRING),
    [CHAT_store] = KINDS_BOOL,
    [CHAT_metadata] = KIND(OBJECT),
};

bool responses_read_chat(struct translation *t, struct json_value body, struct chat *ret)
{
    static const struct chat_form form = {
        .dialect = DIALECT_responses,
        .settings = settings,
        .setting_count = ARRAY_LEN(settings),
        .field_kinds = field_kinds,
    };
    struct path input = {.key = SPAN("input")};

    return chat_read(t, &form, body, ret) &&
           (ret->messages || refuse(t, &input, "must be a text or a list of items"));
}
