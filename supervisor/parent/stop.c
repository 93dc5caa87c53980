#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

static void begin_drain(struct parent *parent, uint64_t now_ms)
{
    notify("STOPPING=1\nSTATUS=draining");
    log_event(LOG_INFO, "stopping", LOG_NUMBER_FIELD("drain_ms", parent->kept.plan.drain_ms));
    if (parent->upgrade.stage != UPGRADE_NONE)
        upgrade_failed(parent, "the gateway stops", now_ms);
    parent->stage = STAGE_DRAINS;
    crew_drain(parent, UINT32_MAX, parent->kept.plan.drain_delay_ms, now_ms);
    /* The workers have descriptors of their own: when the last one closes its, the port is
     * shut. */
    sockets_close(parent);
}

static void hurry_all(struct parent *parent, late_f *how, uint64_t now_ms)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (parent->kept.children[i].state != CHILD_NONE &&
            parent->kept.children[i].role == ROLE_WORKER)
            how(parent, &parent->kept.children[i], now_ms);
}

/* The first signal drains, the second hurries, the third cuts. */
void stop_signal(struct parent *parent, uint64_t now_ms)
{
    parent->stop_signals++;
    if (parent->stage == STAGE_SERVES)
        begin_drain(parent, now_ms);
    else if (parent->stop_signals == 2)
        hurry_all(parent, child_hurry, now_ms);
    else
        hurry_all(parent, child_kill, now_ms);
}

void stop_failed_start(struct parent *parent, uint64_t now_ms)
{
    log_note(LOG_ERROR, "the start failed");
    parent->exit_code = 1;
    begin_drain(parent, now_ms);
}

static void begin_flush(struct parent *parent, uint64_t now_ms)
{
    struct child *controller = controller_of(parent);

    parent->stage = STAGE_FLUSHES;
    if (controller == NULL)
        return;
    child_tell(controller, CONTROL_DRAIN, FLUSH_MS / 2);
    controller->state = CHILD_HURRIED;
    controller->deadline_ms = now_ms + FLUSH_MS;
}

void stop_tick(struct parent *parent, uint64_t now_ms)
{
    if (parent->stage == STAGE_DRAINS && workers_alive(parent) == 0)
        begin_flush(parent, now_ms);
    if (parent->stage == STAGE_FLUSHES && controller_of(parent) == NULL) {
        log_note(LOG_INFO, "stopped");
        parent->stage = STAGE_OVER;
    }
}
