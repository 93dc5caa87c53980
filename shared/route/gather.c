/* Which targets of a model may be tried at all. */
#include "shared/base/check.h"
#include "shared/health/health.h"
#include "shared/home/home.h"
#include "shared/route/condition.h"
#include "shared/route/rank.h"

#define BEHIND 0x10000U /* above every priority of the settings */

struct gathering {
    uint64_t soonest_ms;
    bool any_fits, any_long;
};

/* Whether nothing is sent to the provider now, and until when; UINT64_MAX: until somebody says
 * so. Who is degraded stands BEHIND the others, but keeps what only it can read. */
static bool is_out(const struct ranking *ranking, const struct target_health *health,
                   uint64_t *ret_until_ms, uint32_t *ret_behind)
{
    uint64_t now_ms = ranking->facts->now_ms;

    *ret_behind = 0;
    if (health_is_plain(health, now_ms))
        return false;
    if (health_state(health, now_ms, ret_until_ms) == HEALTH_DEGRADED &&
        ranking->facts->session == 0)
        *ret_behind = BEHIND;
    return *ret_until_ms > now_ms;
}

static bool is_wanted(const struct ranking *ranking, const struct snapshot_provider *provider)
{
    struct span wanted = ranking->facts->provider;
    struct span name = snapshot_span(ranking->snapshot, provider->name);
    uint32_t home = ranking->facts->home;

    return (!wanted.ptr || span_eq(wanted, name)) && (home == 0 || home == home_account(name));
}

static bool is_long(const struct route_facts *facts, const struct snapshot_target *target)
{
    return target->context > 0 && facts->input > target->context;
}

static bool lacks(const struct route_facts *facts, const struct snapshot_target *target)
{
    return target->context > 0 && (facts->capabilities & ~target->capabilities) != 0;
}

/* What is to be said against TARGET, and what comes of its account's health. */
static enum route_reason judge(const struct ranking *ranking,
                               const struct snapshot_target *target, uint64_t *ret_until_ms,
                               uint32_t *ret_behind)
{
    *ret_until_ms = 0;
    *ret_behind = 0;
    CHECK(target->health_row < SEGMENT_TARGETS);
    if (target->waiting)
        return ROUTE_REASON_waiting;
    if (!is_wanted(ranking, &ranking->providers[target->provider]))
        return ROUTE_REASON_other_provider;
    if (target->conditions.count > 0 &&
        !conditions_hold(ranking->snapshot, target->conditions, ranking->facts))
        return ROUTE_REASON_condition;
    if (is_out(ranking, &ranking->healths[target->health_row], ret_until_ms, ret_behind))
        return ROUTE_REASON_out;
    if (is_long(ranking->facts, target))
        return ROUTE_REASON_too_long;
    return lacks(ranking->facts, target) ? ROUTE_REASON_lacks : ROUTE_REASON_fits;
}

static void trace_target(const struct ranking *ranking, const struct snapshot_target *target,
                         enum route_reason reason, uint64_t until_ms, uint32_t behind)
{
    enum condition condition = CONDITION_COUNT;

    if (reason == ROUTE_REASON_condition)
        condition = conditions_failing(ranking->snapshot, target->conditions, ranking->facts);
    route_trace_add(ranking->trace, (struct route_trace_row){.target = target,
                                                             .reason = (uint8_t)reason,
                                                             .condition = (uint8_t)condition,
                                                             .behind = behind > 0,
                                                             .until_ms = until_ms});
}

/* Those that cannot serve the request count only as long as there is no other. */
static void add(const struct snapshot_target *target, enum route_reason reason, uint32_t behind,
                struct gathering *now, struct candidates *ret)
{
    bool fits = reason == ROUTE_REASON_fits;
    struct candidate *row;

    now->any_long = now->any_long || reason == ROUTE_REASON_too_long;
    if (fits && !now->any_fits) {
        ret->count = 0;
        now->any_fits = true;
    }
    if (fits != now->any_fits)
        return;
    row = &ret->rows[ret->count++];
    row->target = target;
    row->priority = target->priority + behind;
    row->row = target->health_row;
    row->score = 0;
}

static void look_at(const struct ranking *ranking, const struct snapshot_target *target,
                    struct gathering *now, struct candidates *ret)
{
    uint32_t behind;
    uint64_t until_ms;
    enum route_reason reason = judge(ranking, target, &until_ms, &behind);

    if (ranking->trace)
        trace_target(ranking, target, reason, until_ms, behind);
    if (reason == ROUTE_REASON_fits || reason > ROUTE_REASON_out) {
        add(target, reason, behind, now, ret);
    } else if (reason == ROUTE_REASON_out && until_ms < now->soonest_ms) {
        now->soonest_ms = until_ms;
        ret->soonest = target;
    }
}

/* Whether nothing is to be said against TARGET, at one look: that is so of most. */
static bool is_plain(const struct ranking *ranking, const struct snapshot_target *target)
{
    CHECK(target->health_row < SEGMENT_TARGETS);
    return (target->waiting | target->conditions.count) == 0 &&
           health_is_plain(&ranking->healths[target->health_row], ranking->facts->now_ms) &&
           !is_long(ranking->facts, target) && !lacks(ranking->facts, target);
}

void rank_gather(const struct ranking *ranking, const struct snapshot_model *model,
                 struct candidates *ret)
{
    const struct snapshot *snapshot = ranking->snapshot;
    bool any = !ranking->facts->provider.ptr && ranking->facts->home == 0 && !ranking->trace;
    struct gathering now = {.soonest_ms = UINT64_MAX};
    const struct snapshot_target *targets;

    ret->count = 0;
    ret->soonest = NULL;
    ret->too_long = false;
    if (model->targets.count == 0)
        return;
    targets = SNAPSHOT_ROW(snapshot, model->targets, 0, snapshot_target);
    for (uint32_t i = 0; i < model->targets.count; i++)
        if (any && is_plain(ranking, &targets[i]))
            add(&targets[i], ROUTE_REASON_fits, 0, &now, ret);
        else
            look_at(ranking, &targets[i], &now, ret);
    ret->too_long = now.any_long && !now.any_fits;
}
