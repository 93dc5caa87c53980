/* Which requests may be answered with an answer that was given before. */
#include "worker/cache/request_key.h"

enum trait {
    /* It refers to what the provider keeps, or asks it for more than an answer. */
    TRAIT_NEVER,
    TRAIT_TEMPLATE, /* the provider keeps the prompt and may change it */
    TRAIT_STORE,
    TRAIT_TOOLS,
    TRAIT_TEMPERATURE,
    TRAIT_GROUP /* an object that may hold the temperature */
};

static const struct {
    struct span name;
    enum trait trait;
} members[] = {
    {{"previous_response_id", 20}, TRAIT_NEVER},
    {{"conversation", 12}, TRAIT_NEVER},
    {{"background", 10}, TRAIT_NEVER},
    {{"container", 9}, TRAIT_NEVER},
    {{"prompt", 6}, TRAIT_TEMPLATE}, /* an object; a text is a completion's own */
    {{"store", 5}, TRAIT_STORE},
    {{"tools", 5}, TRAIT_TOOLS},
    {{"functions", 9}, TRAIT_TOOLS},
    {{"web_search_options", 18}, TRAIT_TOOLS},
    {{"mcp_servers", 11}, TRAIT_TOOLS},
    {{"temperature", 11}, TRAIT_TEMPERATURE},
    {{"generationConfig", 16}, TRAIT_GROUP},
    {{"generation_config", 17}, TRAIT_GROUP},
};

/* What the top level of a body says. */
struct traits_said {
    bool never, stores, not_stored, tools, cold;
};

static bool is_on(struct json_value value)
{
    return value.kind != JSON_NULL && value.kind != JSON_FALSE;
}

/* 0, 0.0, 0e5: whatever is spelled without another digit. */
static bool is_zero(struct json_value number)
{
    if (number.kind != JSON_NUMBER)
        return false;
    for (size_t i = 0; i < number.raw.len; i++) {
        char c = number.raw.ptr[i];

        if (c == 'e' || c == 'E')
            return true;
        if (c >= '1' && c <= '9')
            return false;
    }
    return true;
}

static void note(enum trait trait, struct json_value value, struct traits_said *ret)
{
    switch (trait) {
    case TRAIT_NEVER: ret->never |= is_on(value); break;
    case TRAIT_TEMPLATE: ret->never |= value.kind == JSON_OBJECT; break;
    case TRAIT_STORE:
        ret->stores |= is_on(value);
        ret->not_stored |= value.kind == JSON_FALSE;
        break;
    case TRAIT_TOOLS: ret->tools |= is_on(value); break;
    case TRAIT_TEMPERATURE: ret->cold |= is_zero(value); break;
    case TRAIT_GROUP:
        ret->cold |=
            value.kind == JSON_OBJECT && is_zero(json_member(value, SPAN("temperature")));
        break;
    }
}

/* A name may be spelled with escapes. */
static bool is_named(struct span key, struct span name)
{
    return key.len == name.len ? span_eq(key, name)
                               : key.len > name.len && json_inside_is(key, name);
}

static void read_traits(const struct request_members *body, struct traits_said *ret)
{
    *ret = (struct traits_said){.never = false};
    for (size_t i = 0; i < body->count; i++)
        for (size_t j = 0; j < sizeof(members) / sizeof(members[0]); j++)
            if (is_named(body->rows[i].key, members[j].name))
                note(members[j].trait, body->rows[i].value, ret);
}

enum request_class request_classify(const struct head *head, const struct ask *ask,
                                    const struct request_members *body,
                                    const struct snapshot_cache_rules *rules, bool *ret_own)
{
    enum operation_kind kind = (enum operation_kind)operation_row(head->operation)->kind;
    bool responses = head->dialect == DIALECT_responses;
    struct traits_said said;

    read_traits(body, &said);
    /* A response that is kept has an id that is good for who asked. */
    *ret_own = responses && !said.not_stored;
    if (kind == OPERATION_KIND_COUNT || said.never || (!responses && said.stores))
        return REQUEST_NEVER;
    if (kind == OPERATION_KIND_EMBEDDINGS)
        return REQUEST_SURE;
    if ((!rules->sampled && !said.cold) || (!rules->choices && ask->choices > 1) ||
        (!rules->tools && said.tools))
        return REQUEST_ASKED;
    return REQUEST_SURE;
}
