#include "shared/route/condition.h"
#include "shared/route/rank.h"

#define FALLBACK_DEPTH 4  /* of fallbacks of fallbacks */
#define OWN_MOST       10 /* of a model with fallbacks, which need room too */

struct making {
    struct ranking ranking;
    struct candidates candidates;
    const struct snapshot_target *soonest;
    const struct snapshot_target *list[ROUTE_TARGETS_MAX];
    uint8_t roles[ROUTE_TARGETS_MAX];
    unsigned count;
};

bool route_needs_tokens(const struct snapshot *snapshot, const struct snapshot_model *model)
{
    if (model->strategy == ROUTE_lowest_cost ||
        model->fallbacks[ROUTE_FALLBACK_context].count > 0 ||
        (conditions_asked(snapshot, model) & 1u << CONDITION_input))
        return true;
    for (uint32_t i = 1; i < model->targets.count; i++)
        if (SNAPSHOT_ROW(snapshot, model->targets, i, snapshot_target)->context !=
            SNAPSHOT_ROW(snapshot, model->targets, 0, snapshot_target)->context)
            return true;
    return false;
}

bool route_needs_request(const struct snapshot *snapshot, const struct snapshot_model *model)
{
    return model->targets.count > 1 || route_needs_tokens(snapshot, model);
}

static void add_targets(struct making *making, const struct snapshot_model *model,
                        enum route_role role, unsigned most)
{
    unsigned room = ROUTE_TARGETS_MAX - making->count, added;

    if (most < room)
        room = most;
    if (making->ranking.trace)
        route_trace_begin(making->ranking.trace);
    rank_gather(&making->ranking, model, &making->candidates);
    if (!making->soonest && role <= ROUTE_GENERAL)
        making->soonest = making->candidates.soonest;
    added = rank_order(&making->ranking, (enum route_strategy)model->strategy,
                       &making->candidates, making->list + making->count, room);
    if (making->ranking.trace)
        route_trace_places(making->ranking.trace, model, role, making->list + making->count,
                           added, making->count + 1);
    for (unsigned i = 0; i < added; i++)
        making->roles[making->count++] = (uint8_t)role;
}

static const struct snapshot_model *fallback_at(const struct making *making,
                                                struct snapshot_table names, uint32_t index)
{
    const struct snapshot *snapshot = making->ranking.snapshot;

    return snapshot_find_model(
        snapshot,
        snapshot_span(snapshot, *SNAPSHOT_ROW(snapshot, names, index, snapshot_text)));
}

static void add_fallbacks(struct making *making, const struct snapshot_model *model,
                          enum route_fallback kind, enum route_role role)
{
    for (uint32_t i = 0; i < model->fallbacks[kind].count; i++) {
        const struct snapshot_model *other = fallback_at(making, model->fallbacks[kind], i);

        if (other)
            add_targets(making, other, role, ROUTE_TARGETS_MAX / 4);
    }
}

/* Those of the fallbacks too; nearer ones come first. */
static void add_general(struct making *making, const struct snapshot_model *model,
                        unsigned depth)
{
    struct snapshot_table names = model->fallbacks[ROUTE_FALLBACK_general];

    add_fallbacks(making, model, ROUTE_FALLBACK_general, ROUTE_GENERAL);
    for (uint32_t i = 0; i < names.count && depth < FALLBACK_DEPTH; i++) {
        const struct snapshot_model *other = fallback_at(making, names, i);

        if (other)
            add_general(making, other, depth + 1);
    }
}

static void fill(const struct snapshot *snapshot, const struct snapshot_target *from,
                 uint8_t role, struct plan_target *ret)
{
    ret->provider_index = from->provider;
    ret->provider = SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->providers, from->provider,
                                 snapshot_provider);
    ret->model = snapshot_span(snapshot, from->model);
    ret->model_json = snapshot_span(snapshot, from->model_json);
    ret->price = from->price;
    ret->yield = from->yield;
    ret->scope = from->scope;
    ret->context = from->context;
    ret->role = role;
}

static void add_all(struct making *making, const struct snapshot_model *model)
{
    bool alone = true;

    for (unsigned i = 0; i < ROUTE_FALLBACK_COUNT; i++)
        alone = alone && model->fallbacks[i].count == 0;
    add_targets(making, model, ROUTE_OWN, alone ? ROUTE_TARGETS_MAX : OWN_MOST);
    if (making->candidates.too_long && model->fallbacks[ROUTE_FALLBACK_context].count > 0) {
        if (making->ranking.trace)
            route_trace_drop(making->ranking.trace, 1, making->count + 1);
        making->count = 0; /* it is known what they would say */
        add_fallbacks(making, model, ROUTE_FALLBACK_context, ROUTE_OWN);
    }
    add_general(making, model, 0);
    add_fallbacks(making, model, ROUTE_FALLBACK_context, ROUTE_CONTEXT);
    add_fallbacks(making, model, ROUTE_FALLBACK_content, ROUTE_CONTENT);
    if ((making->count == 0 || making->roles[0] > ROUTE_GENERAL) && making->soonest) {
        making->list[0] = making->soonest;
        making->roles[0] = ROUTE_OWN;
        if (making->ranking.trace)
            route_trace_last_resort(making->ranking.trace, making->soonest);
        making->count = making->count > 0 ? making->count : 1;
    }
}

static void make(const struct snapshot *snapshot, struct segment *segment,
                 const struct snapshot_model *model, const struct route_facts *facts,
                 struct arena *arena, struct route_plan *ret, struct route_trace *trace)
{
    struct making making __attribute__((uninitialized)); /* room for the largest model */
    struct snapshot_table providers = snapshot_page(snapshot)->providers;

    ret->count = 0;
    ret->strict = model->strict != 0;
    ret->headroom = model->strategy == ROUTE_headroom;
    ret->hedge = model->hedge.starts > 0 ? &model->hedge : NULL;
    if (model->total_ms)
        ret->total_ms = model->total_ms;
    if (providers.count == 0) /* nobody is configured yet */
        return;
    making.ranking = (struct ranking){
        .snapshot = snapshot,
        .segment = segment,
        .facts = facts,
        .providers = SNAPSHOT_ROW(snapshot, providers, 0, snapshot_provider),
        .healths = segment_target(segment, 0),
        .paces = segment_pace(segment, 0),
        .trace = trace,
    };
    making.soonest = NULL;
    making.count = 0;
    add_all(&making, model);
    if (making.count == 0 || making.roles[0] > ROUTE_GENERAL) {
        if (trace)
            route_trace_drop(trace, 1, making.count + 1);
        return;
    }
    ret->count = making.count;
    ret->targets = ARENA_ARRAY(arena, ret->count, struct plan_target);
    for (unsigned i = 0; i < ret->count; i++)
        fill(snapshot, making.list[i], making.roles[i], &ret->targets[i]);
}

void route_make(const struct snapshot *snapshot, struct segment *segment,
                const struct snapshot_model *model, const struct route_facts *facts,
                struct arena *arena, struct route_plan *ret)
{
    make(snapshot, segment, model, facts, arena, ret, NULL);
}

void route_explain(const struct snapshot *snapshot, struct segment *segment,
                   const struct snapshot_model *model, const struct route_facts *facts,
                   struct arena *arena, struct route_plan *ret, struct route_trace *trace)
{
    trace->count = trace->dropped = trace->start = 0;
    make(snapshot, segment, model, facts, arena, ret, trace);
}
