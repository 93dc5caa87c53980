/* What routing must know of a request; as little of it as its model's targets differ in. */
#include "shared/base/hash.h"
#include "shared/route/condition.h"

#include "worker/flow/exchange.h"
#include "worker/parse/features.h"
#include "worker/worker.h"

/* Marks of what a model may be unable to take, in all dialects. A mark inside a text may be
 * wrong about it: the other targets are then preferred, none is refused. */
static const struct {
    uint32_t capability;
    struct span mark;
} marks[] = {
    {CAPABILITY_tools, {"\"tools\"", 7}},         {CAPABILITY_vision, {"\"image_url\"", 11}},
    {CAPABILITY_vision, {"\"input_image\"", 13}}, {CAPABILITY_vision, {"\"image\"", 7}},
    {CAPABILITY_vision, {"\"image/", 7}},
};

/* Only the account that made these can read them. */
static const struct span sealed_marks[] = {
    {"\"encrypted_content\"", 19}, {"\"thoughtSignature\"", 18}, {"\"signature\"", 11}};

/* Of what the provider keeps or does beside its answer: a second request would meet something
 * else, or do it twice. */
static const struct span bound_marks[] = {
    {"\"previous_response_id\"", 22}, {"\"conversation\"", 14},
    {"\"background\"", 12},           {"\"mcp\"", 5},
    {"\"mcp_servers\"", 13},          {"\"container\"", 11},
    {"\"code_interpreter\"", 18},     {"\"cachedContent\"", 15}};

static uint32_t capabilities_of(struct span body)
{
    uint32_t needed = 0;

    for (unsigned i = 0; i < ARRAY_LEN(marks); i++)
        if (!(needed & marks[i].capability) && span_find(body, marks[i].mark) != SIZE_MAX)
            needed |= marks[i].capability;
    return needed;
}

static bool is_sealed(struct span body)
{
    for (unsigned i = 0; i < ARRAY_LEN(sealed_marks); i++)
        if (span_find(body, sealed_marks[i]) != SIZE_MAX)
            return true;
    return false;
}

bool facts_bound(const struct exchange *x)
{
    if (x->head.session.ptr || is_sealed(x->ask.body))
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(bound_marks); i++)
        if (span_find(x->ask.body, bound_marks[i]) != SIZE_MAX)
            return true;
    return false;
}

/* A conversation begins with the same message each time. */
static uint64_t conversation_of(struct span body)
{
    struct json_pick picks[] = {
        {.key = SPAN("messages")}, {.key = SPAN("input")}, {.key = SPAN("contents")}};
    struct json_error error;
    size_t open;
    bool empty;

    if (!json_pick(body, picks, ARRAY_LEN(picks), &open, &empty, &error))
        return 0;
    for (unsigned i = 0; i < ARRAY_LEN(picks); i++) {
        struct json_value first;
        struct json_walk walk;

        if (picks[i].value.kind != JSON_ARRAY)
            continue;
        walk = json_walk(picks[i].value);
        if (json_next(&walk, NULL, &first))
            return hash_fast(first.raw) | 1;
    }
    return 0;
}

static uint64_t session_of(const struct exchange *x)
{
    if (x->head.session.ptr)
        return hash_fast(x->head.session) | 1;
    if (x->homing.conversation)
        return x->homing.conversation;
    return is_sealed(x->ask.body) ? conversation_of(x->ask.body) : 0;
}

/* Of this worker; models whose rows share a counter still take turns. */
static uint64_t next_turn(struct worker *worker, struct span model)
{
    return worker->turns[hash_fast(model) % ARRAY_LEN(worker->turns)]++;
}

struct route_facts route_facts_of(struct exchange *x)
{
    const struct snapshot *snapshot = x->view->snapshot;
    const struct snapshot_model *model = x->model;
    struct route_facts facts = {
        .now_ms = reactor_now_ms(&x->worker->reactor),
        .random = random_u64(),
        .provider = x->head.provider,
        .wall_ms = x->started_wall_ms,
        .key = x->caller.key,
        .tags = x->tags.names,
        .tag_count = x->tags.count,
        .headers = x->route_headers,
    };
    uint32_t asked;

    homes_look(x);
    facts.home = x->homing.place.account;
    asked = model ? conditions_asked(snapshot, model) : 0;

    if (asked & (1u << CONDITION_features | 1u << CONDITION_without) ||
        (model && model->automatic))
        facts.features =
            features_of(x->ask.body) | (x->ask.stream ? (uint32_t)FEATURE_stream : 0);
    if (!model || !route_needs_request(snapshot, model))
        return facts;
    facts.session = session_of(x);
    facts.capabilities =
        model->automatic ? conditions_needs(facts.features) : capabilities_of(x->ask.body);
    if (model->strategy == ROUTE_round_robin)
        facts.turn = next_turn(x->worker, x->asked_model);
    if (route_needs_tokens(snapshot, model)) {
        limits_expect(x, model);
        facts.input = x->limits.expected.input;
        facts.output = x->limits.expected.output_usual;
    }
    return facts;
}
