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

static bool is_provider(struct span wanted, const struct snapshot *snapshot,
                        const struct plan_target *target)
{
    return !wanted.ptr || span_eq(wanted, snapshot_span(snapshot, target->provider->name));
}

static enum fault make_direct(const struct plan_options *options, struct arena *arena,
                              struct route_plan *ret)
{
    ret->count = 1;
    ret->targets = ARENA_NEW(arena, struct plan_target);
    if (!direct_target(options->snapshot, options->model, arena, &ret->targets[0]))
        return FAULT_model_not_found;
    if (!is_provider(options->facts.provider, options->snapshot, &ret->targets[0]))
        return FAULT_no_target;
    return ret->targets[0].provider->waiting ? FAULT_no_target : FAULT_NONE;
}

enum fault plan_make(const struct plan_options *options, struct arena *arena,
                     struct route_plan *ret)
{
    const struct snapshot_model *row;

    ret->total_ms = snapshot_page(options->snapshot)->times.total_ms;
    if (options->model.len > MODEL_NAME_MAX ||
        !caller_may_use(options->snapshot, options->caller, options->model))
        return FAULT_model_not_found;
    row = snapshot_find_model(options->snapshot, options->model);
    if (!row)
        return make_direct(options, arena, ret);
    route_make(options->snapshot, options->segment, row, &options->facts, arena, ret);
    return ret->count ? FAULT_NONE : FAULT_no_target;
}
