#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

#define QUICK_MS          10000 /* who dies sooner after its start is kept waiting */
#define ORPHAN_SILENCE_MS 15000
#define FREE_DEATHS       4

/* Waiting times of a number whose process keeps dying young. The first ones are free: several
 * kills in a row are an operator or a test, and clients wait. One that never became ready gets
 * one free death. */
static const uint32_t delays_ms[] = {0, 0, 0, 0, 0, 1000, 2000, 4000, 8000, 16000, 30000};

static struct seat *seat_of(struct parent *parent, const struct child *child)
{
    uint32_t seat = child->role == ROLE_CONTROLLER ? CONTROLLER_SEAT : child->number;

    CHECK(seat <= WORKERS_MAX);
    return &parent->seats[seat];
}

static void wait_in_seat(struct parent *parent, const struct child *child, uint64_t now_ms)
{
    struct seat *seat = seat_of(parent, child);

    if (now_ms - child->started_ms >= QUICK_MS)
        seat->quick_deaths = 0;
    else if (seat->quick_deaths + 1 < ARRAY_LEN(delays_ms))
        seat->quick_deaths++;
    if (!child->served && seat->quick_deaths < FREE_DEATHS)
        seat->quick_deaths = FREE_DEATHS;
    seat->next_start_ms = now_ms + delays_ms[seat->quick_deaths];
}

static void log_end(const struct child *child, int status, bool expected)
{
    bool signaled = WIFSIGNALED(status);

    log_event(expected ? LOG_INFO : LOG_WARNING, expected ? "process ended" : "process died",
              LOG_TEXT_FIELD("child",
                             child->role == ROLE_WORKER ? SPAN("worker") : SPAN("controller")),
              LOG_NUMBER_FIELD("number", child->number), LOG_NUMBER_FIELD("pid", child->pid),
              LOG_NUMBER_FIELD("signal", signaled ? WTERMSIG(status) : 0),
              LOG_NUMBER_FIELD("exit", signaled ? 0 : WEXITSTATUS(status)));
}

/* A first start to which the controller says no, or a worker before it was ready, is not tried
 * again: they have said what is wrong. */
static bool start_is_hopeless(const struct parent *parent, const struct child *child,
                              int status)
{
    bool first = child->role == ROLE_CONTROLLER ? !parent->kept.planned
                                                : !parent->kept.serving && !child->served;

    return first && parent->stage == STAGE_SERVES && WIFEXITED(status) &&
           WEXITSTATUS(status) != 0;
}

void child_ended(struct parent *parent, struct child *child, int status, uint64_t now_ms)
{
    bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool expected = clean && (child->state == CHILD_DRAINING || child->state == CHILD_HURRIED);
    bool fresh = child->fresh;

    log_end(child, status, expected);
    if (child->control_fd >= 0)
        (void)close(child->control_fd);
    if (child->role == ROLE_WORKER)
        atomic_store(&segment_slot(parent->segment, child->slot)->state, SLOT_DEAD);
    if (!expected && !fresh)
        wait_in_seat(parent, child, now_ms);
    child->state = CHILD_NONE;
    if (start_is_hopeless(parent, child, status))
        stop_failed_start(parent, now_ms);
    else if (fresh && parent->upgrade.stage != UPGRADE_NONE)
        upgrade_failed(parent, "a process of the new binary died", now_ms);
}

void crew_replace(struct parent *parent)
{
    parent->kept.crew++;
    parent->crew_complete = false;
    for (size_t i = 0; i < WORKERS_MAX; i++)
        parent->seats[i] = (struct seat){0};
}

static struct child *worker_of_crew(struct parent *parent, uint32_t number)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &parent->kept.children[i];
        if (child->state != CHILD_NONE && child->role == ROLE_WORKER &&
            child->crew == parent->kept.crew && child->number == number)
            return child;
    }
    return NULL;
}

static void start_workers(struct parent *parent, uint64_t now_ms)
{
    for (uint32_t i = 0; i < parent->kept.plan.workers; i++) {
        if (worker_of_crew(parent, i) || now_ms < parent->seats[i].next_start_ms)
            continue;
        if (child_start(parent, ROLE_WORKER, i, now_ms)) {
            parent->slots_short = false;
            continue;
        }
        parent->again_soon = true;
        parent->seats[i].next_start_ms = now_ms + 100;
        if (!parent->slots_short)
            log_note(LOG_WARNING, "no free slot for a worker yet");
        parent->slots_short = true;
    }
}

static void start_controller(struct parent *parent, uint64_t now_ms)
{
    struct seat *seat = &parent->seats[CONTROLLER_SEAT];

    if (controller_of(parent) || now_ms < seat->next_start_ms)
        return;
    for (size_t i = 0; i < SEGMENT_SLOTS; i++)
        parent->dead_told[i] = false;
    if (!child_start(parent, ROLE_CONTROLLER, 0, now_ms))
        seat->next_start_ms = now_ms + 1000;
}

void crew_drain(struct parent *parent, uint32_t crew, uint32_t delay_ms, uint64_t now_ms)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        struct child *child = &parent->kept.children[i];
        if (child->state != CHILD_NONE && child->role == ROLE_WORKER && child->crew != crew)
            child_drain(parent, child, delay_ms, now_ms);
    }
}

static bool all_ready(struct parent *parent)
{
    struct child *child;

    for (uint32_t i = 0; i < parent->kept.plan.workers; i++) {
        child = worker_of_crew(parent, i);
        if (child == NULL || child->state != CHILD_READY)
            return false;
    }
    return true;
}

static void say_ready(struct parent *parent)
{
    for (uint32_t i = 0; i < parent->kept.listener_count; i++)
        notify_store("aigw-listener", parent->kept.listeners[i].fd);
    notify_store("aigw-segment", parent->kept.segment_fd);
    notify("READY=1\nSTATUS=serving");
    log_event(LOG_INFO, "ready", LOG_NUMBER_FIELD("workers", parent->kept.plan.workers),
              LOG_NUMBER_FIELD("generation", parent->kept.snapshot_generation));
    parent->kept.serving = 1;
}

/* The moment when a whole crew serves: those before it may go. */
static void complete_crew(struct parent *parent, uint64_t now_ms)
{
    if (parent->crew_complete || !all_ready(parent))
        return;
    parent->crew_complete = true;
    if (parent->upgrade.stage != UPGRADE_WORKERS)
        crew_drain(parent, parent->kept.crew, CONTROL_REPLACED, now_ms);
    if (!parent->kept.serving)
        say_ready(parent);
}

/* What happens to a child whose time in a state has passed. */
static late_f *const too_late[CHILD_STATES] = {
    [CHILD_STARTING] = child_kill,
    [CHILD_READY] = child_kill,
    [CHILD_DRAINING] = child_hurry,
    [CHILD_HURRIED] = child_kill,
};

static bool is_stuck(struct parent *parent, const struct child *child, uint64_t now_ms)
{
    uint64_t limit_ms = parent->kept.plan.watchdog_ms, heartbeat_ms;

    if (child->role != ROLE_WORKER || child->state == CHILD_STARTING || limit_ms == 0)
        return false;
    heartbeat_ms = atomic_load(&segment_slot(parent->segment, child->slot)->heartbeat_ms);
    return now_ms > heartbeat_ms + limit_ms;
}

static void watch(struct parent *parent, struct child *child, uint64_t now_ms)
{
    if (child->state == CHILD_NONE || child->state == CHILD_KILLED)
        return;
    if (is_stuck(parent, child, now_ms)) {
        log_event(LOG_ERROR, "worker is stuck and is killed",
                  LOG_NUMBER_FIELD("number", child->number),
                  LOG_NUMBER_FIELD("pid", child->pid));
        child_kill(parent, child, now_ms);
    } else if (now_ms >= child->deadline_ms) {
        log_event(LOG_WARNING, "process is late", LOG_NUMBER_FIELD("pid", child->pid),
                  LOG_NUMBER_FIELD("state", child->state));
        too_late[child->state](parent, child, now_ms);
    }
}

/* Slots that an earlier parent's workers hold become DEAD when their process is gone. */
static void watch_orphan(struct parent *parent, uint32_t index, uint64_t now_ms)
{
    struct slot *slot = segment_slot(parent->segment, index);
    uint32_t state = atomic_load(&slot->state), pid = atomic_load(&slot->pid);

    if (state == SLOT_FREE || state == SLOT_DEAD)
        return;
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (parent->kept.children[i].state != CHILD_NONE &&
            parent->kept.children[i].role == ROLE_WORKER &&
            parent->kept.children[i].slot == index)
            return;
    if (pid == 0 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH) ||
        now_ms > atomic_load(&slot->heartbeat_ms) + ORPHAN_SILENCE_MS)
        atomic_store(&slot->state, SLOT_DEAD);
}

static void tell_dead(struct parent *parent)
{
    struct control_message message = {.kind = CONTROL_DEAD};
    const struct child *controller = controller_of(parent);

    if (controller == NULL || controller->state != CHILD_READY || controller->control_fd < 0)
        return;
    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++) {
        if (parent->dead_told[i] ||
            atomic_load(&segment_slot(parent->segment, i)->state) != SLOT_DEAD)
            continue;
        message.value = i;
        parent->dead_told[i] = control_send(controller->control_fd, &message, -1) == 0;
    }
}

void crew_tick(struct parent *parent, uint64_t now_ms)
{
    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++)
        watch_orphan(parent, i, now_ms);
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        watch(parent, &parent->kept.children[i], now_ms);
    /* Also while the workers drain: their last records want to be stored. */
    if (parent->stage == STAGE_SERVES ||
        (parent->stage == STAGE_DRAINS && parent->kept.planned))
        start_controller(parent, now_ms);
    if (parent->stage == STAGE_SERVES && parent->kept.planned) {
        start_workers(parent, now_ms);
        complete_crew(parent, now_ms);
    }
    tell_dead(parent);
}
