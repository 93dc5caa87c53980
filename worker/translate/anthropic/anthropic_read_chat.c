/* Requests, the outermost object: which member is read by whom. */
#include "shared/base/check.h"

#include "worker/translate/anthropic/anthropic_inside.h"

/* Members with a form of their own, read in this order: what stands apart comes first. */
#define CHAT_MEMBERS(X) \
    X(system)           \
    X(messages)         \
    X(tools)            \
    X(tool_choice)      \
    X(stream)           \
    X(stop_sequences)   \
    X(metadata)         \
    X(service_tier)     \
    X(thinking)         \
    X(output_config)    \
    X(output_format)    \
    X(temperature)      \
    X(top_p)            \
    X(top_k)            \
    X(max_tokens)       \
    X(cache_control)    \
    X(model)

enum chat_member {
#define MEMBER(name) CHAT_MEMBER_##name,
    CHAT_MEMBERS(MEMBER)
#undef MEMBER
    CHAT_MEMBER_COUNT
};

static const struct span member_names[] = {
#define MEMBER(name) WORD(#name),
    CHAT_MEMBERS(MEMBER)
#undef MEMBER
};

/* ---- messages --------------------------------------------------------------------------- */

static bool read_system(struct translation *t, struct json_value system, struct chat *chat)
{
    struct path path = {.key = SPAN("system")};

    if (system.kind == JSON_ABSENT)
        return true;
    return anthropic_read_content(t, &path, system,
                                  chat_add_message(chat, ROLE_system, t->arena));
}

static bool read_message(struct translation *t, const struct path *path,
                         struct json_value object, struct chat *chat)
{
    static const struct anthropic_word roles[] = {
        {WORD("user"), ROLE_user},
        {WORD("assistant"), ROLE_assistant},
        {WORD("system"), ROLE_system},
        {SPAN_NONE, 0},
    };
    static const struct span names[] = {WORD("role"), WORD("content")};
    struct path role_path = {.up = path, .key = names[0]};
    struct path content_path = {.up = path, .key = names[1]};
    struct json_value values[2];
    uint8_t role;

    if (object.kind != JSON_OBJECT)
        return refuse(t, path, "must be an object");
    pick_members(object, names, 2, values);
    if (!anthropic_word_read(roles, values[0], &role))
        return refuse(t, &role_path, "must be user, assistant or system");
    return anthropic_need(t, path, names[1], values[1]) &&
           anthropic_read_content(t, &content_path, values[1],
                                  chat_add_message(chat, (enum message_role)role, t->arena));
}

static bool read_messages(struct translation *t, struct json_value messages, struct chat *chat)
{
    struct path list = {.key = SPAN("messages")};
    struct path item = {.up = &list};
    struct json_walk walk = json_walk(messages);
    struct json_value message;

    if (messages.kind != JSON_ARRAY)
        return refuse(t, &list, "must be an array of messages");
    for (; json_next(&walk, NULL, &message); item.index++)
        if (!read_message(t, &item, message, chat))
            return false;
    return item.index > 0 || refuse(t, &list, "must not be empty");
}

/* ---- settings --------------------------------------------------------------------------- */

static bool read_stops(struct translation *t, struct json_value stops, struct chat *chat)
{
    struct path list = {.key = SPAN("stop_sequences")};
    struct path item = {.up = &list};
    struct json_walk walk = json_walk(stops);
    struct json_value stop;

    if (stops.kind != JSON_ABSENT && stops.kind != JSON_ARRAY)
        return refuse(t, &list, "must be an array of strings");
    for (; json_next(&walk, NULL, &stop); item.index++) {
        if (stop.kind != JSON_STRING)
            return refuse(t, &item, "must be a string");
        chat_add_stop(chat, text_of(stop), t->arena);
    }
    return true;
}

static bool read_metadata(struct translation *t, struct json_value metadata, struct chat *chat)
{
    static const struct span names[] = {WORD("user_id")};
    struct path path = {.key = SPAN("metadata")};
    struct text user = TEXT_NONE;
    struct json_value value;

    if (metadata.kind == JSON_ABSENT)
        return true;
    if (!take_members(t, &path, metadata, names, 1, &value) ||
        !read_known(t, &path, names[0], value, &user))
        return false;
    chat->fields[CHAT_user] = value;
    return true;
}

/* Kept in the words of OpenAI, as all dialects keep it. */
static bool read_service_tier(struct translation *t, struct json_value tier, struct chat *chat)
{
    struct path path = {.key = SPAN("service_tier")};

    if (tier.kind == JSON_ABSENT)
        return true;
    if (tier.kind != JSON_STRING)
        return refuse(t, &path, "must be a string");
    if (json_text_eq(tier, SPAN("standard_only")))
        tier.raw = SPAN("\"default\"");
    chat->fields[CHAT_service_tier] = tier;
    return true;
}

static bool read_thinking(struct translation *t, struct json_value thinking, struct chat *chat)
{
    enum {
        ENABLED,
        ADAPTIVE,
        DISABLED
    };
    static const struct anthropic_word types[] = {
        {WORD("enabled"), ENABLED},
        {WORD("adaptive"), ADAPTIVE},
        {WORD("disabled"), DISABLED},
        {SPAN_NONE, 0},
    };
    static const struct span names[] = {WORD("type"), WORD("budget_tokens"), WORD("display")};
    struct path path = {.key = SPAN("thinking")};
    struct path type_path = {.up = &path, .key = names[0]};
    struct path budget_path = {.up = &path, .key = names[1]};
    struct reasoning *reasoning = &chat->reasoning;
    struct json_value values[3];
    uint8_t type;

    if (thinking.kind == JSON_ABSENT)
        return true;
    if (thinking.kind != JSON_OBJECT)
        return refuse(t, &path, "must be an object");
    pick_members(thinking, names, 3, values);
    if (!anthropic_word_read(types, values[0], &type))
        return refuse(t, &type_path, "must be enabled, adaptive or disabled");
    if (type == ENABLED && values[1].kind != JSON_NUMBER)
        return refuse(t, &budget_path, "must be a number");
    if (type == DISABLED) {
        reasoning->effort = EFFORT_NONE;
        return true;
    }
    reasoning->adaptive = type == ADAPTIVE;
    if (type == ENABLED)
        reasoning->budget = values[1];
    reasoning->shown = json_text_eq(values[2], SPAN("omitted")) ? MAYBE_FALSE : MAYBE_TRUE;
    return true;
}

static bool read_format(struct translation *t, const struct path *path,
                        struct json_value format, struct chat *chat)
{
    static const struct span names[] = {WORD("type"), WORD("schema")};
    struct path type_path = {.up = path, .key = names[0]};
    struct path schema_path = {.up = path, .key = names[1]};
    struct json_value values[2];

    if (format.kind == JSON_ABSENT)
        return true;
    if (format.kind != JSON_OBJECT)
        return refuse(t, path, "must be an object");
    pick_members(format, names, 2, values);
    if (!json_text_eq(values[0], SPAN("json_schema")))
        return refuse(t, &type_path, "must be json_schema");
    if (values[1].kind != JSON_OBJECT)
        return refuse(t, &schema_path, "must be an object");
    chat->format.kind = FORMAT_SCHEMA;
    chat->format.schema = values[1];
    return true;
}

static bool read_output_config(struct translation *t, struct json_value config,
                               struct chat *chat)
{
    static const struct span names[] = {WORD("effort"), WORD("format")};
    struct path path = {.key = SPAN("output_config")};
    struct path effort_path = {.up = &path, .key = names[0]};
    struct path format_path = {.up = &path, .key = names[1]};
    struct json_value values[2];
    uint8_t effort = EFFORT_ABSENT;

    if (config.kind == JSON_ABSENT)
        return true;
    if (!take_members(t, &path, config, names, 2, values))
        return false;
    if (values[0].kind != JSON_ABSENT &&
        !anthropic_word_read(anthropic_efforts, values[0], &effort))
        return refuse(t, &effort_path, "must be low, medium, high, xhigh or max");
    if (effort != EFFORT_ABSENT && chat->reasoning.effort != EFFORT_NONE)
        chat->reasoning.effort = effort;
    return read_format(t, &format_path, values[1], chat);
}

static bool read_number(struct translation *t, enum chat_member member, enum chat_field field,
                        const struct json_value *values, struct chat *chat)
{
    struct path path = {.key = member_names[member]};

    if (values[member].kind != JSON_ABSENT && values[member].kind != JSON_NUMBER)
        return refuse(t, &path, "must be a number");
    chat->fields[field] = values[member];
    return true;
}

static bool read_numbers(struct translation *t, const struct json_value *values,
                         struct chat *chat)
{
    return read_number(t, CHAT_MEMBER_max_tokens, CHAT_max_output, values, chat) &&
           read_number(t, CHAT_MEMBER_temperature, CHAT_temperature, values, chat) &&
           read_number(t, CHAT_MEMBER_top_p, CHAT_top_p, values, chat) &&
           read_number(t, CHAT_MEMBER_top_k, CHAT_top_k, values, chat);
}

static bool read_stream(struct translation *t, struct json_value stream, struct chat *chat)
{
    uint8_t wanted = MAYBE_ABSENT;

    if (!read_maybe(t, NULL, SPAN("stream"), stream, &wanted))
        return false;
    chat->stream = wanted == MAYBE_TRUE;
    chat->wants_usage = chat->stream; /* its streams always tell */
    return true;
}

/* A mark for the whole request is one at its last block that may have one. */
static void mark_last(struct json_value cache_control, struct chat *chat)
{
    struct block *last = chat->last_message ? chat->last_message->last : NULL;

    if (last && last->kind != BLOCK_reasoning && last->kind != BLOCK_other &&
        last->cache == CACHE_NONE)
        last->cache = (uint8_t)anthropic_cache_mark(cache_control);
}

/* ---- members that are one value --------------------------------------------------------- */

static bool take_field(struct span key, struct json_value value, struct chat *chat)
{
    for (unsigned i = 0; i < CHAT_FIELD_COUNT; i++) {
        struct span name = chat_field_plain((enum chat_field)i, DIALECT_anthropic);

        if (name.len > 0 && key_is(key, name)) {
            chat->fields[i] = value;
            return true;
        }
    }
    return false;
}

static struct extra *add_extra(struct extra *last, struct span key, struct json_value value,
                               struct translation *t, struct chat *chat)
{
    struct extra *extra = ARENA_NEW(t->arena, struct extra);

    extra->key = key;
    extra->value = value;
    if (last)
        last->next = extra;
    else
        chat->extras = extra;
    return extra;
}

static void take_body(struct translation *t, struct json_value body, struct json_value *values,
                      struct chat *chat)
{
    struct json_walk walk = json_walk(body);
    struct extra *last = NULL;
    struct json_value value;
    struct span key;

    memset(values, 0, CHAT_MEMBER_COUNT * sizeof(*values));
    while (json_next(&walk, &key, &value)) {
        unsigned i = 0;

        if (value.kind == JSON_NULL)
            continue;
        while (i < CHAT_MEMBER_COUNT && !key_is(key, member_names[i]))
            i++;
        if (i < CHAT_MEMBER_COUNT)
            values[i] = value;
        else if (!take_field(key, value, chat))
            last = add_extra(last, key, value, t, chat);
    }
}

static bool read_body(struct translation *t, struct json_value body, bool needs_limit,
                      struct chat *ret)
{
    struct path old_format = {.key = SPAN("output_format")};
    struct json_value values[CHAT_MEMBER_COUNT];

    ret->dialect = DIALECT_anthropic;
    take_body(t, body, values, ret);
    if (!anthropic_need(t, NULL, SPAN("messages"), values[CHAT_MEMBER_messages]) ||
        (needs_limit &&
         !anthropic_need(t, NULL, SPAN("max_tokens"), values[CHAT_MEMBER_max_tokens])) ||
        !read_system(t, values[CHAT_MEMBER_system], ret) ||
        !read_messages(t, values[CHAT_MEMBER_messages], ret) ||
        !anthropic_read_tools(t, values[CHAT_MEMBER_tools], ret) ||
        !anthropic_read_tool_choice(t, values[CHAT_MEMBER_tool_choice], ret) ||
        !read_stream(t, values[CHAT_MEMBER_stream], ret) ||
        !read_stops(t, values[CHAT_MEMBER_stop_sequences], ret) ||
        !read_metadata(t, values[CHAT_MEMBER_metadata], ret) ||
        !read_service_tier(t, values[CHAT_MEMBER_service_tier], ret) ||
        !read_thinking(t, values[CHAT_MEMBER_thinking], ret) ||
        !read_output_config(t, values[CHAT_MEMBER_output_config], ret) ||
        !read_format(t, &old_format, values[CHAT_MEMBER_output_format], ret) ||
        !read_numbers(t, values, ret))
        return false;
    mark_last(values[CHAT_MEMBER_cache_control], ret);
    return true;
}

bool anthropic_read_chat(struct translation *t, struct json_value body, struct chat *ret)
{
    return read_body(t, body, true, ret);
}

bool anthropic_read_count(struct translation *t, struct json_value body, struct chat *ret)
{
    return read_body(t, body, false, ret);
}
