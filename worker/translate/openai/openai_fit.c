/* Who takes which requests as their clients wrote them: hosts of this dialect have quirks, and
 * OpenAI's own models refuse here what they take in responses. */
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/settings/quirk.h"

#include "worker/translate/openai/openai.h"

/* ---- values ------------------------------------------------------------------------------ */

typedef bool clashes_f(struct json_value value);

static bool holds_many(struct json_value value)
{
    struct json_walk walk = json_walk(value);
    struct json_value item;

    return value.kind == JSON_ARRAY && json_next(&walk, NULL, &item) &&
           json_next(&walk, NULL, &item);
}

static bool is_schema(struct json_value value)
{
    return json_text_eq(json_member(value, SPAN("type")), SPAN("json_schema"));
}

/* At the bounds that the provider leaves out, or beyond them. */
static bool is_outside_open(struct json_value value)
{
    char text[64] = "";
    double number;

    if (value.kind != JSON_NUMBER || value.raw.len >= sizeof(text))
        return false;
    memcpy(text, value.raw.ptr, value.raw.len);
    number = strtod(text, NULL);
    return number <= 0 || number >= 1;
}

static bool is_developer(struct json_value value)
{
    return json_text_eq(value, SPAN("developer"));
}

static bool is_long_id(struct json_value value)
{
    struct text id = text_of(value);

    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return true;
    }
    return id.len != 9;
}

static bool has_long_ids(struct json_value calls)
{
    struct json_walk walk = json_walk(calls);
    struct json_value call;

    while (calls.kind == JSON_ARRAY && json_next(&walk, NULL, &call))
        if (call.kind == JSON_OBJECT && is_long_id(json_member(call, SPAN("id"))))
            return true;
    return false;
}

/* ---- members ----------------------------------------------------------------------------- */

struct rule {
    struct span member;
    uint32_t quirks;    /* any of them minds it */
    clashes_f *clashes; /* NULL: whatever its value */
};

#define Q(name) QUIRK_##name
static const struct rule body_rules[] = {
    {WORD("max_completion_tokens"), Q(MAX_TOKENS_OLD), NULL},
    {WORD("stream_options"), Q(NO_STREAM_OPTIONS), NULL},
    {WORD("logprobs"), Q(NO_LOGPROBS) | Q(STRICT_MEMBERS), NULL},
    {WORD("top_logprobs"), Q(NO_LOGPROBS) | Q(STRICT_MEMBERS), NULL},
    {WORD("logit_bias"), Q(NO_LOGPROBS) | Q(STRICT_MEMBERS), NULL},
    {WORD("user"), Q(STRICT_MEMBERS), NULL},
    {WORD("metadata"), Q(STRICT_MEMBERS), NULL},
    {WORD("store"), Q(STRICT_MEMBERS), NULL},
    {WORD("service_tier"), Q(STRICT_MEMBERS), NULL},
    {WORD("seed"), Q(RANDOM_SEED), NULL},
    {WORD("stop"), Q(ONE_STOP), holds_many},
    {WORD("response_format"), Q(JSON_OBJECT_ONLY), is_schema},
    {WORD("temperature"), Q(OPEN_TEMPERATURE), is_outside_open},
    {WORD("reasoning_effort"), Q(THOUGHTS_IN_PARTS), NULL}, /* OpenAI's clients expect a text */
};
static const struct rule message_rules[] = {
    {WORD("role"), Q(NO_DEVELOPER_ROLE), is_developer},
    {WORD("name"), Q(NO_NAMES), NULL},
    {WORD("reasoning_content"), Q(KEEPS_REASONING), NULL},
    {WORD("tool_call_id"), Q(SHORT_CALL_IDS), is_long_id},
    {WORD("tool_calls"), Q(SHORT_CALL_IDS), has_long_ids},
};
/* The order of messages, and what is null, no single rule can see. */
#define ORDER (Q(SYSTEM_FIRST) | Q(ALTERNATING))
#define NULLS Q(STRIPS_NULLS)

static bool breaks(const struct rule *rules, unsigned count, uint32_t quirks, struct span key,
                   struct json_value value)
{
    if (value.kind == JSON_NULL)
        return (quirks & NULLS) != 0;
    for (unsigned i = 0; i < count; i++)
        if ((rules[i].quirks & quirks) && json_inside_is(key, rules[i].member))
            return !rules[i].clashes || rules[i].clashes(value);
    return false;
}

static bool object_fits(struct json_value object, const struct rule *rules, unsigned count,
                        uint32_t quirks)
{
    struct json_walk walk = json_walk(object);
    struct json_value value;
    struct span key;

    while (json_next(&walk, &key, &value))
        if (breaks(rules, count, quirks, key, value))
            return false;
    return true;
}

/* ---- messages ---------------------------------------------------------------------------- */

/* Whether ROLE may come after BEFORE, or as the first when that is absent. */
static bool in_order(struct json_value before, struct json_value role, uint32_t quirks)
{
    if (!(quirks & ORDER) || before.kind != JSON_STRING)
        return true;
    if (json_text_eq(role, SPAN("system")) || is_developer(role))
        return false;
    return !(quirks & Q(ALTERNATING)) || !text_eq(text_of(before), text_of(role));
}

static bool messages_fit(struct json_value messages, uint32_t quirks)
{
    struct json_walk walk = json_walk(messages);
    struct json_value before = {.kind = JSON_ABSENT}, message, role;

    while (messages.kind == JSON_ARRAY && json_next(&walk, NULL, &message)) {
        if (message.kind != JSON_OBJECT)
            return true;
        role = json_member(message, SPAN("role"));
        if (!in_order(before, role, quirks) ||
            !object_fits(message, message_rules, ARRAY_LEN(message_rules), quirks))
            return false;
        before = role;
    }
    return true;
}

/* ---- reasoning with tools ---------------------------------------------------------------- */

/* The traits of OpenAI's models are OpenAI's doing: others that sell them mend it themselves.
 */
static bool refuses_tools(const struct chat_target *target)
{
    return (target->traits->traits & TRAIT_NO_TOOLS_WHILE_REASONING) &&
           !(target->quirks & (Q(MAX_TOKENS_OLD) | Q(NO_DEVELOPER_ROLE)));
}

/* As openai_instead, of the bytes: says yes where only the chat can say no. */
static bool may_need_responses(struct json_value body, const struct chat_target *target)
{
    struct json_value tools, effort;

    if (!refuses_tools(target))
        return false;
    tools = json_member(body, SPAN("tools"));
    if (tools.kind != JSON_ARRAY && json_member(body, SPAN("functions")).kind != JSON_ARRAY)
        return false;
    effort = json_member(body, SPAN("reasoning_effort"));
    if (effort.kind <= JSON_NULL)
        return !(target->traits->traits & TRAIT_THINKS_WHEN_ASKED);
    return !json_text_eq(effort, SPAN("none"));
}

static bool is_asked_for(const struct reasoning *reasoning)
{
    if (reasoning->effort != EFFORT_ABSENT)
        return reasoning->effort != EFFORT_NONE;
    return reasoning->adaptive || (reasoning->budget.kind == JSON_NUMBER &&
                                   !span_eq(reasoning->budget.raw, SPAN("0")));
}

static bool is_open(const struct reasoning *reasoning)
{
    return reasoning->effort == EFFORT_ABSENT && reasoning->budget.kind != JSON_NUMBER;
}

static bool will_reason(const struct reasoning *reasoning, const struct chat_target *target)
{
    return is_asked_for(reasoning) ||
           (is_open(reasoning) && !(target->traits->traits & TRAIT_THINKS_WHEN_ASKED));
}

enum dialect_id openai_instead(const struct chat *chat, const struct chat_target *target)
{
    return refuses_tools(target) && chat->tools && will_reason(&chat->reasoning, target)
               ? DIALECT_responses
               : DIALECT_openai;
}

static bool reasons_in_parts(const struct chat_target *target)
{
    return (target->quirks & Q(THOUGHTS_IN_PARTS)) &&
           (target->traits->traits & TRAIT_THINKS_ALWAYS);
}

bool openai_fits(struct json_value body, const struct chat_target *target)
{
    if (may_need_responses(body, target) || reasons_in_parts(target))
        return false;
    return target->quirks == 0 || /* then a long body is not read for nothing */
           (object_fits(body, body_rules, ARRAY_LEN(body_rules), target->quirks) &&
            messages_fit(json_member(body, SPAN("messages")), target->quirks));
}
