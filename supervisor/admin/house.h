/* supervisor/admin/house.h
 *
 * What the admin API may see and ask of the controller: a struct that the controller embeds,
 * fills and keeps up to date.  Loop thread only, except `store`, `vault` and `ledger`, which
 * only jobs on the line use.
 *
 * The line: jobs that may block run on libuv's pool one after another; `run` there, `done` back
 * in the loop.
 */
#ifndef SUPERVISOR_ADMIN_HOUSE_H
#define SUPERVISOR_ADMIN_HOUSE_H

#include <uv.h>

#include "shared/cache/cache.h"
#include "shared/segment/segment.h"
#include "shared/settings/settings.h"
#include "shared/snapshot/snapshot.h"

#include "supervisor/configure/configure.h"
#include "supervisor/events/event_log.h"
#include "supervisor/keys/vault.h"
#include "supervisor/ledger/ledger.h"
#include "supervisor/oauth/oauth.h"
#include "supervisor/probe/probe.h"
#include "supervisor/share/marks.h"
#include "supervisor/share/share.h"
#include "supervisor/store/store.h"

struct line_job;
typedef void line_job_f(struct line_job *job);

struct line_job {
    line_job_f *run;  /* on the pool: may block, touches nothing of the loop */
    line_job_f *done; /* in the loop; may free the job */
    struct line_job *next;
};

/* Waits for a change to be in force.  CODE: 0, or a negative errno with a text that lives until
 * the function returns (lines when it is about settings). */
struct house_wait;
typedef void house_waited_f(struct house_wait *wait, int code, struct span text);

struct house_wait {
    house_waited_f *done;
    struct house_wait *next;
    uint64_t generation, until_ms;
};

struct house {
    uv_loop_t *loop;
    struct segment *segment;
    struct cache *cache;                     /* NULL: there is none */
    struct settings *settings;               /* in force */
    const struct configure_rows *rows;       /* in force */
    const struct catalogue *catalogue;       /* NULL: the built-in one */
    struct snapshot *snapshot;               /* newest one */
    const struct configure_budgets *budgets; /* of the newest snapshot */
    struct oauth_rows oauth;                 /* tokens of providers */
    struct store *store;
    struct vault vault;
    struct ledger *ledger;
    struct share *share;      /* what several hosts share */
    struct probes *probes;    /* when accounts are asked how they are */
    struct watch *watch;      /* how the accounts were at the last look */
    struct event_log *events; /* what changed of them; any thread */
    struct marks *marks;      /* of their caches; NULL at the start */
    const char *settings_file;
    uint64_t started_ms; /* monotonic */
    int64_t started_wall_ms;
    uint64_t workers_dead, ledger_failures;
    _Atomic uint64_t price_lists_refused; /* the line adds too */
    bool price_list_refused;              /* the one of the settings */
    uint32_t parent_pid;
    struct span admin_token; /* for TCP */
    char last_event[128];    /* of the parent: "upgrade failed" */

    void (*work)(struct house *house, struct line_job *job);
    /* Reads the store's rows anew, makes a snapshot of them and waits until it is in force. */
    void (*publish)(struct house *house, struct house_wait *wait);
    /* Reads the settings file anew and waits until it is in force. -EINVAL: lines of errors. */
    void (*reload)(struct house *house, struct house_wait *wait);
};

#endif
