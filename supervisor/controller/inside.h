/* supervisor/controller/inside.h
 *
 * The controller's parts among themselves.  Loop thread only, but where a function says that it
 * runs on the line.
 */
#ifndef SUPERVISOR_CONTROLLER_INSIDE_H
#define SUPERVISOR_CONTROLLER_INSIDE_H

#include <limits.h>
#include <sys/stat.h>

#include "shared/heritage/heritage.h"
#include "shared/limit/audit.h"

#include "supervisor/admin/server.h"
#include "supervisor/controller/controller.h"
#include "supervisor/controller/rows.h"
#include "supervisor/ledger/ledger_retain.h"

#define TICK_MS       200
#define WATCH_MS      250  /* changes of other hosts are looked for */
#define RETRY_MS      1000 /* the store is asked again */
#define IN_FORCE_MS   2000 /* a change is answered at the latest */
#define START_WAIT_MS 1000 /* then the start goes on without the store */
#define PLAN_RETRY_MS 5000 /* a first plan that was refused */

struct line {
    uv_loop_t *loop;
    uv_work_t work;
    struct line_job *first, *last; /* first is running */
};

struct reload {
    uv_work_t work;
    bool running, again;
    const struct settings *in_force; /* what the new ones are compared with */
    struct settings *read;
    struct catalogue *catalogue;
    struct plan plan;
    struct buffer errors;
    struct house_wait *waits, *waits_again;
};

/* Written by the loop while not busy, by a thread of the pool while busy. */
struct responses_chore {
    uv_work_t work;
    uint64_t next_ms, bytes, removed;
    int64_t lifetime_seconds;
    int result;
    bool busy, failing;
};

struct budget_kept {
    uint64_t identity, total;
};

#define BUDGETS_MARKS 26 /* hours */

struct budgets_chore {
    uint64_t marks[BUDGETS_MARKS]; /* generations, one each hour */
    unsigned mark_count;
    uint64_t mark_next_ms, end_next_ms, ask_next_ms, keep_next_ms;
    /* Of counters: those for which the ledger was asked; those of the copy that the controller
     * before us left. Both rise. */
    uint64_t *asked;
    struct budget_kept *kept;
    uint32_t asked_count, kept_count;
    uint64_t *told; /* counters of which it was told that the soft amount is reached */
    uint32_t told_count, told_room;
    uint64_t soft_next_ms;
    bool asking;
    bool known;      /* of each counter of the newest snapshot */
    bool unanswered; /* the last question was */
    bool keep_failing;
};

/* Written by the loop while not busy, by the line while busy. */
struct prices_chore {
    struct line_job job;
    struct controller *controller;
    struct store *store;
    char file[PATH_MAX], sha256[72], why[1000];
    off_t size; /* of the file that was read last, when it is done */
    ino_t inode;
    struct timespec changed;
    uint64_t next_ms;
    int64_t change_ms; /* wall: a price comes into force */
    uint32_t models;
    int result;
    bool busy, done, failing, imported;
};

/* The same. */
struct retention_chore {
    struct line_job job;
    struct ledger_policy policy;
    uint64_t next_ms, removed;
    int result;
    bool busy, failing;
};

/* The same: changes of accounts on their way to the store. */
struct events_chore {
    struct line_job job;
    uint64_t next_ms, retain_next_ms, lost_told;
    int64_t before_ms;
    int result;
    bool busy, retains;
};

struct chores {
    struct events_chore events;
    struct prices_chore prices;
    struct budgets_chore budgets;
    struct responses_chore responses;
    struct retention_chore retention;
    struct line_job watch_job;
    bool watch_busy, changed_elsewhere;
    struct line_job ledger_job;
    bool ledger_busy, ledger_failing, store_failing;
    int ledger_result;
    uint64_t ledger_next_ms, load_next_ms, tickets_next_ms, plan_next_ms, watch_next_ms;
    uint64_t audit_next_ms;
    uint64_t sweep_next_ms[SEGMENT_SLOTS];
    bool sweeping[SEGMENT_SLOTS], dead_seen[SEGMENT_SLOTS];
};

struct controller {
    struct house house; /* first: house->work and the like come back to the controller */
    const struct heritage *heritage;
    uv_loop_t loop;
    uv_poll_t control;
    uv_timer_t ticker;
    struct line line;
    struct admin_server *admin;
    struct rows *rows; /* NULL: no keys are known */
    bool rows_fresh;   /* they came from the store, not from the kept file */
    bool loading;      /* a load of the chores runs */
    bool plan_unsent, published, ready_told, ending;
    uint32_t tokens_asked;                   /* questions under way */
    bool tokens_changed;                     /* the newest snapshot does not know it */
    uint32_t probes_asked;                   /* questions under way */
    char probes_host[EVENT_HOST_BYTES + 17]; /* of leases: another at each start */
    uint32_t probes_next;                    /* in the snapshot's table */
    uint32_t missing_told;                   /* providers */
    uint32_t unknown_told;                   /* names in conditions */
    uint32_t allowed_told;                   /* items of media.allow */
    struct configure_lasting lasting;
    /* The last ones in force, until newer ones are: what a refused plan leads back to. NULL:
     * none are on their way, or none have been in force yet. */
    struct settings *settings_before;
    struct plan plan, plan_before;
    uint64_t settings_generation; /* the first snapshot with house.settings */
    bool refused, confirmed;      /* the plan of house.settings; acted upon after a reading */
    char refused_note[128];
    char snapshot_note[256]; /* why the newest snapshot could not be made; empty: it could */
    char state_dir_text[HERITAGE_PATH_BYTES];
    struct span state_dir; /* of the first settings: it never changes while we run */
    uint64_t generation;
    struct house_wait *waits;
    struct catalogue *catalogue, *catalogue_before; /* of the settings; NULL: the built-in */
    struct reload reload;
    struct chores chores;
    struct audit audit;
    int exit_code;
};

/* line.c */
void line_add(struct line *line, struct line_job *job);

static inline bool line_idle(const struct line *line)
{
    return line->first == NULL;
}

/* publish.c: the newest settings and rows become a snapshot and go to the parent. */
void publish_now(struct controller *controller);
/* The first snapshot, of the kept copy or without keys; nothing when there is one already. */
void publish_without_store(struct controller *controller);
void publish_load(struct controller *controller, struct house_wait *wait);
void publish_in_force(struct controller *controller, uint64_t generation);
/* The parent did not take the plan of GENERATION. */
void publish_refused(struct controller *controller, uint64_t generation, struct span note);
/* Lets go of those before once the newest settings are in force. */
void publish_forget_before(struct controller *controller);
/* Back to the settings in force, when the plan of the newest ones was refused. */
void publish_revert(struct controller *controller);
/* The newest settings from now on, and their catalogue (NULL: the built-in one); frees what
 * they replace, when it was never in force. */
void publish_settings(struct controller *controller, struct settings *settings,
                      struct catalogue *catalogue, const struct plan *plan);
void publish_tick(struct controller *controller, uint64_t now_ms);
void publish_await(struct controller *controller, struct house_wait *wait);

/* reload.c */
void reload_settings(struct controller *controller, struct house_wait *wait);

/* chores.c */
void chores_tick(struct controller *controller, uint64_t now_ms);
void chores_start(struct controller *controller);
void chores_sweep(struct controller *controller, uint32_t slot);
/* Flushes the ledger within MOST_MS, then the loop stops. */
void chores_end(struct controller *controller, uint64_t most_ms);

/* tokens.c: of the providers that the settings give `oauth`. */
void tokens_tick(struct controller *controller);
/* True while a first snapshot is better with tokens than at once. */
bool tokens_wait(const struct controller *controller);
/* Rows for the first settings, with the tokens that the snapshot of a controller before us has;
 * SNAPSHOT may be NULL. */
void tokens_adopt(struct controller *controller, const struct snapshot *snapshot);

/* drains.c: the newest rows, in the segment; before a snapshot is sent, so that an account that
 * is new starts drained. */
void drains_follow(struct controller *controller);

/* budgets.c */
void budgets_start(struct controller *controller);
/* The first snapshot is made of the copy of ROWS (NULL: there is none): nobody says what was
 * spent, and the workers must not begin from nothing. */
void budgets_without_store(struct controller *controller, const struct rows *rows);
/* After the newest snapshot was made and before it is sent. */
void budgets_published(struct controller *controller);
/* Whether a counter is worth nothing, since nobody says what was spent; for configure. */
bool budgets_blocked(void *controller, uint64_t identity);
void budgets_tick(struct controller *controller, uint64_t now_ms);
/* The last copy, when no worker spends any more. */
void budgets_end(struct controller *controller);

/* prices.c */
void prices_tick(struct controller *controller, uint64_t now_ms);
/* Notes when the next price of the snapshot's ROWS comes into force. */
void prices_follow(struct controller *controller, const struct configure_rows *rows);

/* soft.c */
void soft_tick(struct controller *controller, uint64_t now_ms);

/* responses.c: the kept responses of the workers */
void responses_tick(struct controller *controller, uint64_t now_ms);

/* audits.c: counters that deaths left too high */
void audits_tick(struct controller *controller, uint64_t now_ms);

/* events.c: what changes of the accounts' health */
void events_start(struct controller *controller);
/* Before a snapshot is sent too: an account that is new is seen before its first request. */
void events_look(struct controller *controller, uint64_t now_ms);
void events_tick(struct controller *controller, uint64_t now_ms);

/* probes.c: accounts that are out are asked how they are */
void probes_tick(struct controller *controller, uint64_t now_ms);

/* retention.c: usage that is older than the settings keep */
void retention_tick(struct controller *controller, uint64_t now_ms);

/* token.c: the admin token of STATE_DIR, made when it is missing. 0 or a negative errno. */
int token_open(struct span state_dir, struct span *ret);

#endif
