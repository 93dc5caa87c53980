/* supervisor/parent/inside.h
 *
 * What the files of the parent share. `struct parent_state` is all that outlives an exec of a
 * new binary: fixed widths, descriptors by number, no pointer. Everything lies in one static
 * struct of parent_main; a child row is free when its state is CHILD_NONE.
 *
 * The loop: wait for signals and messages, note what happened, then crew_tick and the other
 * ticks bring the world nearer to what the plan wants. So no event needs to know what follows
 * it.
 */
#ifndef SUPERVISOR_PARENT_INSIDE_H
#define SUPERVISOR_PARENT_INSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/heritage/heritage.h"
#include "shared/segment/segment.h"

#include "supervisor/parent/parent.h"

#define PARENT_STATE_MAGIC 0x6169677770617265ULL
#define CHILDREN_MAX       (SEGMENT_SLOTS + 4)
#define WORKERS_MAX        (SEGMENT_SLOTS / 2) /* so that an old crew may drain beside a new one */
#define INHERITED_MAX      64
#define CONTROLLER_SEAT    WORKERS_MAX
#define START_TIMEOUT_MS   30000
#define HURRY_MS           5000
#define FLUSH_MS           10000 /* the controller's last work */
#define EXIT_BAD_SETTINGS  78    /* EX_CONFIG of sysexits.h: the controller has said why */
#define EXIT_NOT_EXECUTED  127

enum child_state {
    CHILD_NONE,
    CHILD_STARTING,
    CHILD_READY,
    CHILD_DRAINING,
    CHILD_HURRIED,
    CHILD_KILLED,
    CHILD_STATES
};

struct child {
    uint32_t state, role;
    uint32_t slot, number, crew; /* workers */
    uint32_t fresh;              /* runs the binary that is on trial */
    uint32_t served;             /* was READY */
    uint32_t admin_sent;         /* controller: it has the admin sockets */
    int32_t pid, control_fd;
    uint64_t started_ms;
    uint64_t deadline_ms; /* of its state; UINT64_MAX: none */
    uint64_t snapshot_generation;
};

struct held_socket {
    int32_t fd;
    uint32_t handed; /* by systemd or an earlier life: its path is not ours to remove */
    struct plan_listener where;
};

struct parent_state {
    uint64_t magic;
    uint64_t size;
    uint32_t planned, serving; /* a plan has come; READY was said */
    uint32_t crew;             /* workers of another number are to go */
    uint32_t listener_count, admin_count;
    int32_t segment_fd, snapshot_fd, cache_fd;
    uint64_t snapshot_generation, in_force_generation;
    struct plan plan;
    struct held_socket listeners[HERITAGE_LISTENERS];
    struct held_socket admin[HERITAGE_ADMIN_MAX];
    struct child children[CHILDREN_MAX];
};

struct seat { /* a worker number, or the controller */
    uint64_t next_start_ms;
    uint32_t quick_deaths;
};

enum stage {
    STAGE_SERVES,
    STAGE_DRAINS,  /* workers finish */
    STAGE_FLUSHES, /* the controller finishes */
    STAGE_OVER
};

enum upgrade_stage {
    UPGRADE_NONE,
    UPGRADE_TRIAL,      /* does the new binary run, and speak our layouts? */
    UPGRADE_CONTROLLER, /* the old controller ends, the new one sends its plan */
    UPGRADE_WORKERS     /* new workers become ready */
};

struct upgrade {
    enum upgrade_stage stage;
    pid_t pid; /* of the trial */
    int pipe_fd;
    uint32_t old_crew;
    uint64_t deadline_ms;
    char said[256];
    size_t said_len;
};

struct parent {
    struct parent_state kept;
    const struct parent_options *options;
    const char *program; /* what a child that starts now executes */
    struct segment *segment;
    int signal_fd;
    enum stage stage;
    int exit_code;
    unsigned stop_signals;
    bool crew_complete, reloading, reload_seen, again_soon, slots_short;
    uint64_t reload_deadline_ms, watchdog_period_ms, watchdog_next_ms;
    bool dead_told[SEGMENT_SLOTS];
    struct seat seats[WORKERS_MAX + 1];
    struct upgrade upgrade;
    struct held_socket handed[INHERITED_MAX]; /* not claimed yet */
    unsigned handed_count;
};

/* What is done to a child, now or when its time has passed. */
typedef void late_f(struct parent *parent, struct child *child, uint64_t now_ms);

/* child.c: one process */
bool child_start(struct parent *parent, enum role role, uint32_t number, uint64_t now_ms);
late_f child_kill;
void child_drain(struct parent *parent, struct child *child, uint32_t delay_ms,
                 uint64_t now_ms);
late_f child_hurry; /* ends within HURRY_MS */
/* A message without a plan; what cannot be sent is lost (the peer is dying). */
void child_tell(const struct child *child, enum control_kind kind, uint64_t value);
struct child *controller_of(struct parent *parent);
unsigned workers_alive(const struct parent *parent);
/* Collects every child that has ended. */
void children_reap(struct parent *parent, uint64_t now_ms);

/* crew.c: the right processes in the right number */
void crew_tick(struct parent *parent, uint64_t now_ms);
void crew_drain(struct parent *parent, uint32_t crew, uint32_t delay_ms, uint64_t now_ms);
void crew_replace(struct parent *parent);
void child_ended(struct parent *parent, struct child *child, int status, uint64_t now_ms);

/* plan.c: what the controller says */
void control_read(struct parent *parent, struct child *child, uint64_t now_ms);
void plan_tick(struct parent *parent, uint64_t now_ms);
void reload_begin(struct parent *parent, uint64_t now_ms);
void admin_send(struct parent *parent);

/* cache.c: the memory of answers */
/* Makes the memory that PLAN wants, or keeps the one that is there. */
void cache_adopt(struct parent *parent, const struct plan *plan);
/* Whether PLAN wants another than there is. */
bool cache_differs(const struct parent *parent, const struct plan *plan);

/* sockets.c: listening */
int sockets_take(struct parent *parent, const struct plan *plan);
bool listeners_equal(const struct parent *parent, const struct plan *plan);
void sockets_close(struct parent *parent);
void descriptor_keep(int fd, bool over_exec);

/* notify.c: systemd */
void notify(const char *text);
void notify_store(const char *name, int fd);
void notify_reloading(void);
uint64_t notify_watchdog_period_ms(void);
/* Takes the descriptors that systemd handed over; the segment's number or -1. */
int notify_take_descriptors(struct parent *parent);

/* stop.c: the end */
void stop_signal(struct parent *parent, uint64_t now_ms);
void stop_failed_start(struct parent *parent, uint64_t now_ms);
void stop_tick(struct parent *parent, uint64_t now_ms);

/* upgrade.c: another binary in the same process */
void upgrade_begin(struct parent *parent, uint64_t now_ms);
void upgrade_tick(struct parent *parent, uint64_t now_ms);
void upgrade_trial_ended(struct parent *parent, int status, uint64_t now_ms);
void upgrade_failed(struct parent *parent, const char *why, uint64_t now_ms);
/* The state that an earlier binary left; 0 or -EPROTO. */
int upgrade_adopt(struct parent *parent, int fd);

#endif
