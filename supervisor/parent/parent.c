#include "supervisor/parent/parent.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#include "supervisor/parent/inside.h"

#define TICK_MS     1000 /* the longest sleep: heartbeats are looked at so often */
#define SOON_MS     20   /* something could not be sent, or there was no slot */
#define FRESH_MS    5000 /* a heartbeat that counts for systemd's watchdog */
#define SIGNALS_MAX 16

static void children_ended(struct parent *parent, uint64_t now_ms)
{
    children_reap(parent, now_ms);
}

/* What each signal does; docs/processes.md has the same table in words. */
typedef void signal_f(struct parent *parent, uint64_t now_ms);

static const struct {
    int number;
    signal_f *act;
} signals[] = {
    {SIGCHLD, children_ended}, {SIGTERM, stop_signal},   {SIGINT, stop_signal},
    {SIGHUP, reload_begin},    {SIGUSR2, upgrade_begin},
};

static int open_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        (void)sigaddset(&set, signals[i].number);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
        return -errno;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void read_signals(struct parent *parent, uint64_t now_ms)
{
    struct signalfd_siginfo got[SIGNALS_MAX];
    ssize_t bytes;

    while ((bytes = read(parent->signal_fd, got, sizeof(got))) > 0)
        for (size_t i = 0; i < (size_t)bytes / sizeof(got[0]); i++)
            for (size_t k = 0; k < ARRAY_LEN(signals); k++)
                if (signals[k].number == (int)got[i].ssi_signo)
                    signals[k].act(parent, now_ms);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static int sleep_ms(const struct parent *parent, uint64_t now_ms)
{
    uint64_t until_ms = now_ms + (parent->again_soon ? SOON_MS : TICK_MS);

    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (parent->kept.children[i].state != CHILD_NONE)
            until_ms = earlier(until_ms, parent->kept.children[i].deadline_ms);
    for (size_t i = 0; i <= WORKERS_MAX; i++)
        if (parent->seats[i].next_start_ms > now_ms)
            until_ms = earlier(until_ms, parent->seats[i].next_start_ms);
    if (parent->upgrade.stage != UPGRADE_NONE)
        until_ms = earlier(until_ms, parent->upgrade.deadline_ms);
    if (parent->watchdog_period_ms > 0)
        until_ms = earlier(until_ms, parent->watchdog_next_ms);
    return until_ms > now_ms ? (int)(until_ms - now_ms) : 0;
}

static void wait_for_events(struct parent *parent)
{
    struct pollfd polled[CHILDREN_MAX + 1] = {{.fd = parent->signal_fd, .events = POLLIN}};
    uint64_t now_ms;

    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        const struct child *child = &parent->kept.children[i];
        polled[i + 1].fd = child->state == CHILD_NONE ? -1 : child->control_fd;
        polled[i + 1].events = POLLIN;
    }
    if (poll(polled, ARRAY_LEN(polled), sleep_ms(parent, clock_monotonic_ms())) <= 0)
        return;
    now_ms = clock_monotonic_ms();
    for (size_t i = 0; i < CHILDREN_MAX; i++)
        if (polled[i + 1].fd >= 0 && polled[i + 1].revents)
            control_read(parent, &parent->kept.children[i], now_ms);
    if (polled[0].revents)
        read_signals(parent, now_ms);
}

static bool someone_lives(struct parent *parent, uint64_t now_ms)
{
    uint64_t heartbeat_ms;

    if (parent->stage == STAGE_FLUSHES)
        return true;
    for (size_t i = 0; i < CHILDREN_MAX; i++) {
        const struct child *child = &parent->kept.children[i];
        if (child->state == CHILD_NONE || child->role != ROLE_WORKER)
            continue;
        heartbeat_ms = atomic_load(&segment_slot(parent->segment, child->slot)->heartbeat_ms);
        if (now_ms < heartbeat_ms + FRESH_MS)
            return true;
    }
    return false;
}

static void watchdog_tick(struct parent *parent, uint64_t now_ms)
{
    if (parent->watchdog_period_ms == 0 || now_ms < parent->watchdog_next_ms)
        return;
    parent->watchdog_next_ms = now_ms + parent->watchdog_period_ms;
    if (someone_lives(parent, now_ms))
        notify("WATCHDOG=1");
}

static void tick(struct parent *parent, uint64_t now_ms)
{
    parent->again_soon = false;
    crew_tick(parent, now_ms);
    plan_tick(parent, now_ms);
    upgrade_tick(parent, now_ms);
    stop_tick(parent, now_ms);
    watchdog_tick(parent, now_ms);
}

/* A segment from systemd's store is taken when it is of this build, else a new one is made. */
static bool open_segment(struct parent *parent, int handed_fd)
{
    parent->kept.segment_fd = handed_fd;
    parent->segment = handed_fd >= 0 ? segment_attach(handed_fd) : NULL;
    if (parent->segment == NULL && handed_fd >= 0) {
        log_note(LOG_WARNING, "segment of another layout is dropped; limits begin anew");
        (void)close(handed_fd);
    }
    if (parent->segment == NULL)
        parent->segment = segment_create(&parent->kept.segment_fd);
    if (parent->segment == NULL)
        log_event(LOG_ERROR, "no shared memory", LOG_ERRNO_FIELD(errno));
    return parent->segment != NULL;
}

static bool open_fresh(struct parent *parent)
{
    parent->kept.magic = PARENT_STATE_MAGIC;
    parent->kept.size = sizeof(parent->kept);
    parent->kept.segment_fd = parent->kept.snapshot_fd = parent->kept.cache_fd = -1;
    return open_segment(parent, notify_take_descriptors(parent));
}

static bool open_adopted(struct parent *parent)
{
    if (upgrade_adopt(parent, parent->options->state_fd) < 0)
        return false;
    parent->segment = segment_attach(parent->kept.segment_fd);
    if (parent->segment == NULL)
        return false;
    log_note(LOG_INFO, "upgrade finished");
    notify("READY=1\nSTATUS=serving, upgraded");
    return true;
}

static bool parent_open(struct parent *parent)
{
    bool fresh = parent->options->state_fd < 0;

    parent->program = parent->options->program;
    parent->upgrade.pipe_fd = -1;
    parent->signal_fd = open_signals();
    parent->watchdog_period_ms = notify_watchdog_period_ms();
    return parent->signal_fd >= 0 && (fresh ? open_fresh(parent) : open_adopted(parent));
}

unsigned long parent_state_size(void)
{
    return sizeof(struct parent_state);
}

int parent_main(const struct parent_options *options)
{
    static struct parent parent;

    parent = (struct parent){.options = options};
    if (!parent_open(&parent))
        return 1;
    /* Whoever ended while a new binary was taking over has signalled to nobody. */
    children_reap(&parent, clock_monotonic_ms());
    while (parent.stage != STAGE_OVER) {
        tick(&parent, clock_monotonic_ms());
        if (parent.stage != STAGE_OVER)
            wait_for_events(&parent);
    }
    for (uint32_t i = 0; i < parent.kept.admin_count; i++)
        (void)close(parent.kept.admin[i].fd);
    segment_detach(parent.segment);
    return parent.exit_code;
}
