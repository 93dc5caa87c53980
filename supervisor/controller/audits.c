/* Counters of places, calls and money that a death left too high are put right
 * (shared/limit/audit.h). */
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/controller/inside.h"

#define AUDIT_EVERY_MS 1000

/* Room for the buckets of all scopes, and for all accounts. */
static struct audit_counter *new_list(const struct snapshot *snapshot)
{
    struct snapshot_table scopes = snapshot_page(snapshot)->scopes;
    size_t most = (size_t)snapshot_page(snapshot)->providers.count + 1;

    for (uint32_t i = 0; i < scopes.count; i++) {
        const struct snapshot_scope *scope = SNAPSHOT_ROW(snapshot, scopes, i, snapshot_scope);

        most += scope->limits.count + 2 * scope->budgets.count;
    }
    return memory_new_array(most, sizeof(struct audit_counter));
}

static uint32_t list_scope(const struct snapshot *snapshot, const struct snapshot_scope *scope,
                           struct audit_counter *list, uint32_t count)
{
    for (uint32_t i = 0; i < scope->limits.count; i++) {
        const struct snapshot_limit *limit =
            SNAPSHOT_ROW(snapshot, scope->limits, i, snapshot_limit);

        if (limit->unit == LIMIT_UNIT_concurrent)
            list[count++] = (struct audit_counter){limit->bucket, 0};
    }
    for (uint32_t i = 0; i < scope->budgets.count; i++) {
        const struct snapshot_budget *budget =
            SNAPSHOT_ROW(snapshot, scope->budgets, i, snapshot_budget);

        list[count++] = (struct audit_counter){budget->buckets[0], 1};
        if (budget->buckets[1] != budget->buckets[0])
            list[count++] = (struct audit_counter){budget->buckets[1], 1};
    }
    return count;
}

static uint32_t list_accounts(const struct snapshot *snapshot, struct audit_counter *list,
                              uint32_t count)
{
    struct snapshot_table providers = snapshot_page(snapshot)->providers;

    for (uint32_t i = 0; i < providers.count; i++)
        list[count++].counter = AUDIT_IN_FLIGHT(
            SNAPSHOT_ROW(snapshot, providers, i, snapshot_provider)->health_row);
    return count;
}

void audits_tick(struct controller *controller, uint64_t now_ms)
{
    const struct snapshot *snapshot = controller->house.snapshot;
    uint64_t mended = controller->audit.mended_total;
    struct audit_counter *list;
    uint32_t count = 0;

    if (!snapshot || now_ms < controller->chores.audit_next_ms)
        return;
    controller->chores.audit_next_ms = now_ms + AUDIT_EVERY_MS;
    list = new_list(snapshot);
    for (uint32_t i = 0; i < snapshot_page(snapshot)->scopes.count; i++)
        count = list_scope(
            snapshot,
            SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->scopes, i, snapshot_scope), list,
            count);
    count = list_accounts(snapshot, list, count);
    audit_look(&controller->audit, controller->house.segment, list, count);
    memory_free(list);
    if (controller->audit.mended_total > mended)
        log_event(LOG_INFO, "counters that a dead worker left too high were put right",
                  LOG_NUMBER_FIELD("counters", controller->audit.mended_total - mended));
}
