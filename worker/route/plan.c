#include "worker/route/plan.h"

#include "shared/base/buffer.h"
#include "shared/text/json_write.h"

#define MODEL_NAME_MAX 1024

/* "provider/any model" at a provider whose catalogue does not list it. */
static bool direct_target(const struct snapshot *snapshot, struct span model,
                          struct arena *arena, struct plan_target *ret)
{
    size_t slash = span_find(model, SPAN("/"));
    struct buffer quoted _buffer_;

    buffer_init(&quoted, 6 * MODEL_NAME_MAX);
    if (slash == SIZE_MAX || slash == 0 || slash + 1 >= model.len)
        return false;
    ret->provider =
        snapshot_find_provider(snapshot, span_of(model.ptr, slash), &ret->provider_index);
    if (!ret->provider)
        return false;
    ret->model = span_skip(model, slash + 1);
    (void)json_append_quoted(&quoted, ret->model);
    ret->model_json = arena_copy(arena, buffer_span(&quoted));
    return true;
}

/* Weighted choice without repetition: moves the chosen one to the place AT. */
static void choose(const struct snapshot_target **list, unsigned at, unsigned end,
                   uint64_t random)
{
    uint64_t sum = 0, point;

    for (unsigned i = at; i < end; i++)
        sum += list[i]->weight;
    if (sum == 0)
        return;
    point = random % sum;
    for (unsigned i = at; i < end; i++) {
        const struct snapshot_target *here = list[i];

        if (point < here->weight) {
            list[i] = list[at];
            list[at] = here;
            return;
        }
        point -= here->weight;
    }
}

/* Into the list by priority; when that is full, the last one gives way. The new count. */
static unsigned insert(const struct snapshot_target **list, unsigned count,
                       const struct snapshot_target *here)
{
    unsigned at = count < PLAN_TARGETS_MAX ? count : count - 1;

    if (at < count && list[at]->priority <= here->priority)
        return count;
    for (; at > 0 && list[at - 1]->priority > here->priority; at--)
        list[at] = list[at - 1];
    list[at] = here;
    return count < PLAN_TARGETS_MAX ? count + 1 : count;
}

static bool can_answer(const struct snapshot *snapshot, const struct snapshot_target *target)
{
    return !SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->providers, target->provider,
                         snapshot_provider)
                ->waiting;
}

static unsigned ordered(const struct snapshot *snapshot, const struct snapshot_model *model,
                        uint64_t random, const struct snapshot_target **list)
{
    unsigned count = 0;

    for (unsigned i = 0; i < model->targets.count; i++) {
        const struct snapshot_target *target =
            SNAPSHOT_ROW(snapshot, model->targets, i, snapshot_target);

        if (can_answer(snapshot, target))
            count = insert(list, count, target);
    }
    for (unsigned at = 0; at < count; at++) {
        unsigned end = at + 1;

        while (end < count && list[end]->priority == list[at]->priority)
            end++;
        choose(list, at, end, random >> (at % 8));
    }
    return count;
}

static void fill(const struct snapshot *snapshot, const struct snapshot_target *from,
                 struct plan_target *ret)
{
    ret->provider_index = from->provider;
    ret->provider = SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->providers, from->provider,
                                 snapshot_provider);
    ret->model = snapshot_span(snapshot, from->model);
    ret->model_json = snapshot_span(snapshot, from->model_json);
    ret->price = from->price;
    ret->yield = from->yield;
    ret->context = from->context;
}

enum fault plan_make(const struct snapshot *snapshot, const struct caller *caller,
                     struct span model, uint64_t random, struct arena *arena,
                     struct route_plan *ret)
{
    const struct snapshot_target *list[PLAN_TARGETS_MAX];
    const struct snapshot_model *row;

    ret->total_ms = snapshot_page(snapshot)->times.total_ms;
    if (model.len > MODEL_NAME_MAX || !caller_may_use(snapshot, caller, model))
        return FAULT_model_not_found;
    row = snapshot_find_model(snapshot, model);
    if (!row) {
        ret->count = 1;
        ret->targets = ARENA_NEW(arena, struct plan_target);
        if (!direct_target(snapshot, model, arena, &ret->targets[0]))
            return FAULT_model_not_found;
        return ret->targets[0].provider->waiting ? FAULT_no_target : FAULT_NONE;
    }
    ret->strict = row->strict != 0;
    if (row->total_ms)
        ret->total_ms = row->total_ms;
    ret->count = ordered(snapshot, row, random, list);
    if (ret->count > 0)
        ret->targets = ARENA_ARRAY(arena, ret->count, struct plan_target);
    for (unsigned i = 0; i < ret->count; i++)
        fill(snapshot, list[i], &ret->targets[i]);
    return ret->count ? FAULT_NONE : FAULT_no_target;
}
