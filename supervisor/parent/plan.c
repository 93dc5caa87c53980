#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

#define RELOAD_MS 60000

static void reload_over(struct parent *parent, enum log_level level, const char *how)
{
    if (!parent->reloading)
        return;
    parent->reloading = false;
    log_event(level, how, LOG_NUMBER_FIELD("generation", parent->kept.snapshot_generation));
    notify("READY=1");
}

void reload_begin(struct parent *parent, uint64_t now_ms)
{
    const struct child *controller = controller_of(parent);

    if (parent->stage != STAGE_SERVES || controller == NULL)
        return;
    notify_reloading();
    parent->reloading = true;
    parent->reload_seen = false;
    parent->reload_deadline_ms = now_ms + RELOAD_MS;
    child_tell(controller, CONTROL_RELOAD, 0);
}

void admin_send(struct parent *parent)
{
    const struct child *controller = controller_of(parent);
    struct control_message message = {.kind = CONTROL_ADMIN};

    if (controller == NULL || controller->control_fd < 0)
        return;
    for (uint32_t i = 0; i < parent->kept.admin_count; i++) {
        message.value = parent->kept.admin[i].where.address.ss_family == AF_UNIX;
        (void)control_send(controller->control_fd, &message, parent->kept.admin[i].fd);
    }
}

/* A plan whose sockets cannot be had is not taken; what was in force stays. */
static void plan_impossible(struct parent *parent, struct child *controller,
                            uint64_t generation, uint64_t now_ms)
{
    struct control_message message = {.kind = CONTROL_EVENT, .generation = generation};

    if (!parent->kept.planned) {
        stop_failed_start(parent, now_ms);
        return;
    }
    (void)snprintf(message.plan.note, sizeof(message.plan.note),
                   "an address to listen on cannot be had; the settings before stay in force");
    (void)control_send(controller->control_fd, &message, -1);
    /* A controller that has just started is of use all the same. */
    if (!controller->admin_sent)
        admin_send(parent);
    controller->admin_sent = 1;
    reload_over(parent, LOG_ERROR, "settings not taken: an address cannot be had");
}

static uint32_t within(uint32_t workers)
{
    return workers == 0 ? 1 : workers > WORKERS_MAX ? WORKERS_MAX : workers;
}

static void adopt_plan(struct parent *parent, const struct control_message *message, int fd)
{
    struct parent_state *kept = &parent->kept;

    if (message->plan.workers > WORKERS_MAX)
        log_event(LOG_WARNING, "more workers than there is room for",
                  LOG_NUMBER_FIELD("asked", message->plan.workers),
                  LOG_NUMBER_FIELD("started", WORKERS_MAX));
    if (kept->snapshot_fd >= 0)
        (void)close(kept->snapshot_fd);
    cache_adopt(parent, &message->plan);
    kept->snapshot_fd = fd;
    kept->snapshot_generation = message->generation;
    kept->in_force_generation = 0;
    kept->plan = message->plan;
    kept->plan.workers = within(message->plan.workers);
    kept->planned = 1;
    parent->reload_seen = true;
}

static bool needs_new_crew(const struct parent *parent, const struct plan *plan)
{
    return parent->kept.planned &&
           (plan->needs_new_workers || within(plan->workers) != parent->kept.plan.workers ||
            cache_differs(parent, plan) || !listeners_equal(parent, plan));
}

static void plan_received(struct parent *parent, struct child *controller,
                          const struct control_message *message, int fd, uint64_t now_ms)
{
    bool replace = needs_new_crew(parent, &message->plan);
    bool first = controller->admin_sent == 0;

    if (fd < 0)
        return;
    if (parent->stage != STAGE_SERVES || sockets_take(parent, &message->plan) < 0) {
        (void)close(fd);
        if (parent->stage == STAGE_SERVES)
            plan_impossible(parent, controller, message->generation, now_ms);
        return;
    }
    adopt_plan(parent, message, fd);
    if (parent->upgrade.stage == UPGRADE_CONTROLLER && controller->fresh) {
        parent->upgrade.stage = UPGRADE_WORKERS;
        replace = true;
    }
    if (replace)
        crew_replace(parent);
    if (first)
        admin_send(parent);
    controller->admin_sent = 1;
}

static void message_received(struct parent *parent, struct child *child,
                             const struct control_message *message, int fd, uint64_t now_ms)
{
    if (message->kind == CONTROL_PLAN && child->role == ROLE_CONTROLLER) {
        plan_received(parent, child, message, fd, now_ms);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
    if (message->kind == CONTROL_READY && child->state == CHILD_STARTING) {
        child->state = CHILD_READY;
        child->served = 1;
        child->deadline_ms = UINT64_MAX;
    } else if (message->kind == CONTROL_REFUSED && child->role == ROLE_CONTROLLER) {
        reload_over(parent, LOG_WARNING, "settings refused, those before stay in force");
    }
}

void control_read(struct parent *parent, struct child *child, uint64_t now_ms)
{
    struct control_message message;
    int fd, got;

    while (child->control_fd >= 0 &&
           (got = control_receive(child->control_fd, &message, &fd)) != 0) {
        if (got == 1) {
            message_received(parent, child, &message, fd, now_ms);
            continue;
        }
        /* It ends, or speaks nonsense: a child that does not go by itself is killed. */
        (void)close(child->control_fd);
        child->control_fd = -1;
        if (child->deadline_ms > now_ms + HURRY_MS)
            child->deadline_ms = now_ms + HURRY_MS;
    }
}

static bool send_snapshot(struct parent *parent, struct child *child)
{
    struct control_message message = {.kind = CONTROL_SNAPSHOT,
                                      .generation = parent->kept.snapshot_generation};

    if (child->state == CHILD_NONE || child->role != ROLE_WORKER || child->control_fd < 0 ||
        child->snapshot_generation == parent->kept.snapshot_generation)
        return true;
    if (control_send(child->control_fd, &message, parent->kept.snapshot_fd) == -EAGAIN)
        return false;
    child->snapshot_generation = parent->kept.snapshot_generation;
    return true;
}

/* Sent to all first, then demanded by the segment, then the controller may answer its caller.
 */
static void bring_into_force(struct parent *parent)
{
    struct parent_state *kept = &parent->kept;
    const struct child *controller = controller_of(parent);
    struct control_message message = {.kind = CONTROL_IN_FORCE,
                                      .generation = kept->snapshot_generation};
    bool all = true;

    if (!kept->planned || kept->in_force_generation == kept->snapshot_generation)
        return;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        all = send_snapshot(parent, &kept->children[i]) && all;
    if (!all) {
        parent->again_soon = true;
        return;
    }
    atomic_store(segment_generation(parent->segment), kept->snapshot_generation);
    kept->in_force_generation = kept->snapshot_generation;
    if (controller && controller->control_fd >= 0)
        (void)control_send(controller->control_fd, &message, -1);
}

void plan_tick(struct parent *parent, uint64_t now_ms)
{
    bring_into_force(parent);
    if (!parent->reloading)
        return;
    if (now_ms >= parent->reload_deadline_ms)
        reload_over(parent, LOG_WARNING, "reload takes too long");
    else if (parent->reload_seen && parent->crew_complete &&
             parent->kept.in_force_generation == parent->kept.snapshot_generation)
        reload_over(parent, LOG_INFO, "settings reloaded");
}
