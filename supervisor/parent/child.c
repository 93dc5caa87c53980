#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

#ifndef CLOSE_RANGE_CLOEXEC
#    define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

static const char *const role_names[] = {"parent", "controller", "worker"};

struct child *controller_of(struct parent *parent)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (parent->kept.children[i].state != CHILD_NONE &&
            parent->kept.children[i].role == ROLE_CONTROLLER)
            return &parent->kept.children[i];
    return NULL;
}

unsigned workers_alive(const struct parent *parent)
{
    unsigned count = 0;

    for (size_t i = 0; i < CHILDREN_MAX; i++)
        count += parent->kept.children[i].state != CHILD_NONE &&
                 parent->kept.children[i].role == ROLE_WORKER;
    return count;
}

static struct child *free_row(struct parent *parent)
{
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (parent->kept.children[i].state == CHILD_NONE)
            return &parent->kept.children[i];
    return NULL;
}

/* A slot for a worker about to start, or -1: the dead ones are not swept yet. */
static int take_slot(struct parent *parent, uint32_t number, uint64_t now_ms)
{
    struct slot *slot;

    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++) {
        slot = segment_slot(parent->segment, i);
        if (atomic_load(&slot->state) != SLOT_FREE)
            continue;
        atomic_store(&slot->pid, 0);
        atomic_store(&slot->number, number);
        atomic_store(&slot->connections, 0);
        atomic_store(&slot->exchanges, 0);
        atomic_store(&slot->streams, 0);
        atomic_store(&slot->upstream_open, 0);
        atomic_store(&slot->upstream_idle, 0);
        atomic_store(&slot->heartbeat_ms, now_ms);
        atomic_store(&slot->started_ms, now_ms);
        atomic_store(&slot->snapshot_generation, 0);
        atomic_store(&slot->state, SLOT_STARTING);
        parent->dead_told[i] = false;
        return (int)i;
    }
    return -1;
}

static void fill_heritage(const struct parent *parent, const struct child *child,
                          int control_fd, struct heritage *ret)
{
    bool worker = child->role == ROLE_WORKER;

    *ret = (struct heritage){.magic = HERITAGE_MAGIC,
                             .version = HERITAGE_VERSION,
                             .size = sizeof(*ret),
                             .role = child->role,
                             .slot = child->slot,
                             .number = child->number,
                             .parent_pid = (uint32_t)getpid(),
                             .strict = !parent->crew_complete,
                             .control_fd = control_fd,
                             .segment_fd = parent->kept.segment_fd,
                             .snapshot_fd = parent->kept.snapshot_fd,
                             .cache_fd = parent->kept.cache_fd};
    if (worker)
        ret->listener_count = (int32_t)parent->kept.listener_count;
    for (int32_t i = 0; i < ret->listener_count; i++)
        ret->listeners[i] = parent->kept.listeners[i].fd;
    (void)snprintf(ret->settings_path, sizeof(ret->settings_path), "%s",
                   parent->options->settings_path);
}

/* In the child: nothing but what the heritage names survives the exec. */
static void keep_heritage(const struct heritage *heritage, int heritage_fd)
{
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        for (int fd = 3; fd < 4096; fd++)
            descriptor_keep(fd, false);
    descriptor_keep(heritage_fd, true);
    descriptor_keep(heritage->control_fd, true);
    descriptor_keep(heritage->segment_fd, true);
    if (heritage->snapshot_fd >= 0)
        descriptor_keep(heritage->snapshot_fd, true);
    if (heritage->cache_fd >= 0)
        descriptor_keep(heritage->cache_fd, true);
    for (int32_t i = 0; i < heritage->listener_count; i++)
        descriptor_keep(heritage->listeners[i], true);
}

_Noreturn static void become(const char *program, const struct heritage *heritage,
                             int heritage_fd)
{
    char title[32], role[16], number[16];
    char role_option[] = "--role", heritage_option[] = "--heritage";
    char *arguments[] = {title, role_option, role, heritage_option, number, NULL};
    sigset_t none;

    if (heritage->role == ROLE_WORKER)
        (void)snprintf(title, sizeof(title), "aigw: worker %u", heritage->number);
    else
        (void)snprintf(title, sizeof(title), "aigw: %s", role_names[heritage->role]);
    (void)snprintf(role, sizeof(role), "%s", role_names[heritage->role]);
    (void)snprintf(number, sizeof(number), "%d", heritage_fd);
    keep_heritage(heritage, heritage_fd);
    (void)setpgid(0, 0); /* an interrupt from the terminal is the parent's to handle */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execv(program, arguments);
    _exit(EXIT_NOT_EXECUTED);
}

/* Forks; the parent's end of the control socket and the pid are noted in CHILD. */
static int launch(struct parent *parent, struct child *child)
{
    struct heritage heritage;
    int ends[2], heritage_fd;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    fill_heritage(parent, child, ends[1], &heritage);
    heritage_fd = heritage_write(&heritage);
    pid = heritage_fd < 0 ? -1 : fork();
    if (pid == 0)
        become(parent->program, &heritage, heritage_fd);
    if (heritage_fd >= 0)
        (void)close(heritage_fd);
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return -EAGAIN;
    }
    child->pid = pid;
    child->control_fd = ends[0];
    return 0;
}

static bool give_up_start(struct parent *parent, struct child *child, int error)
{
    if (child->role == ROLE_WORKER)
        atomic_store(&segment_slot(parent->segment, child->slot)->state, SLOT_FREE);
    child->state = CHILD_NONE;
    log_event(LOG_ERROR, "cannot start a process", LOG_ERRNO_FIELD(error));
    return false;
}

bool child_start(struct parent *parent, enum role role, uint32_t number, uint64_t now_ms)
{
    struct child *child = free_row(parent);
    int slot = 0, error;

    if (child == NULL)
        return false;
    if (role == ROLE_WORKER) {
        slot = take_slot(parent, number, now_ms);
        if (slot < 0)
            return false;
    }
    *child = (struct child){.state = CHILD_STARTING,
                            .role = role,
                            .slot = (uint32_t)slot,
                            .number = number,
                            .crew = parent->kept.crew,
                            .fresh = parent->program != parent->options->program,
                            .control_fd = -1,
                            .started_ms = now_ms,
                            .deadline_ms = now_ms + START_TIMEOUT_MS,
                            .snapshot_generation = parent->kept.snapshot_generation};
    error = launch(parent, child);
    if (error < 0)
        return give_up_start(parent, child, error);
    if (role == ROLE_WORKER)
        atomic_store(&segment_slot(parent->segment, child->slot)->pid, (uint32_t)child->pid);
    log_event(LOG_INFO, "process started",
              LOG_TEXT_FIELD("child", span_of_text(role_names[role])),
              LOG_NUMBER_FIELD("number", number), LOG_NUMBER_FIELD("pid", child->pid),
              LOG_NUMBER_FIELD("slot", slot));
    return true;
}

void child_tell(const struct child *child, enum control_kind kind, uint64_t value)
{
    struct control_message message = {.kind = kind, .value = value};

    if (child->control_fd >= 0)
        (void)control_send(child->control_fd, &message, -1);
}

void child_kill(struct parent *parent, struct child *child, uint64_t now_ms)
{
    (void)parent;
    (void)now_ms;
    child->state = CHILD_KILLED;
    child->deadline_ms = UINT64_MAX;
    (void)kill(child->pid, SIGKILL);
}

void child_drain(struct parent *parent, struct child *child, uint32_t delay_ms, uint64_t now_ms)
{
    uint32_t drain_ms = parent->kept.plan.drain_ms;
    struct control_message message = {
        .kind = CONTROL_DRAIN, .delay_ms = delay_ms, .value = drain_ms};

    if (child->state != CHILD_STARTING && child->state != CHILD_READY)
        return;
    if (child->control_fd >= 0)
        (void)control_send(child->control_fd, &message, -1);
    child->state = CHILD_DRAINING;
    /* The worker keeps the time itself; this is for one that does not. */
    child->deadline_ms = now_ms + drain_ms + 1000;
    if (delay_ms != CONTROL_REPLACED)
        child->deadline_ms += delay_ms;
}

void child_hurry(struct parent *parent, struct child *child, uint64_t now_ms)
{
    (void)parent;
    if (child->state == CHILD_KILLED || child->state == CHILD_HURRIED)
        return;
    child_tell(child, CONTROL_HURRY, HURRY_MS);
    child->state = CHILD_HURRIED;
    child->deadline_ms = now_ms + HURRY_MS + 500;
}

void children_reap(struct parent *parent, uint64_t now_ms)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == parent->upgrade.pid) {
            upgrade_trial_ended(parent, status, now_ms);
            continue;
        }
        for (size_t i = 0; i < CHILDREN_MAX; i++)
            if (parent->kept.children[i].state != CHILD_NONE &&
                parent->kept.children[i].pid == pid)
                child_ended(parent, &parent->kept.children[i], status, now_ms);
    }
}
