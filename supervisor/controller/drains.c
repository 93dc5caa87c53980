/* The accounts that the store says are drained are so in the segment: in force in all workers
 * at their next look. */
#include "shared/base/log.h"
#include "shared/health/health.h"

#include "supervisor/controller/inside.h"

static bool is_drained(const struct rows *rows, struct span name)
{
    for (uint32_t i = 0; i < rows->drain_count; i++) {
        if (span_eq(rows->drains[i], name))
            return true;
    }
    return false;
}

static void follow(struct controller *controller, const struct snapshot_provider *provider)
{
    struct span name = snapshot_span(controller->house.snapshot, provider->name);
    bool drained = is_drained(controller->rows, name);

    if (health_drain(segment_target(controller->house.segment, provider->health_row), drained))
        log_event(LOG_INFO, drained ? "a provider is drained" : "a provider is resumed",
                  LOG_TEXT_FIELD("provider", name));
}

void drains_follow(struct controller *controller)
{
    const struct snapshot *snapshot = controller->house.snapshot;
    struct snapshot_table table;

    if (!snapshot || !controller->rows) /* what the segment says stays */
        return;
    table = snapshot_page(snapshot)->providers;
    for (uint32_t i = 0; i < table.count; i++)
        follow(controller, SNAPSHOT_ROW(snapshot, table, i, snapshot_provider));
}
