/* supervisor/share/share.h
 *
 * What several hosts share: rates, budgets, and how many hosts there are. With Redis (setting
 * `redis`) both are shared through it; else, with PostgreSQL as the store, budgets are, and
 * each host has its part of the rates; else there is one host and nothing to do. Rolling
 * budgets are shared through PostgreSQL, also beside Redis. Workers know nothing of it: they
 * see `granted` of their buckets (shared/limit/bucket.h), and the number of hosts.
 *
 * In the controller's loop. Questions go out each 10 ms as one batch; a batch that is not
 * answered within 20 ms is given up together with its connection, and after five of them only
 * a probe each 250 ms is made. Meanwhile rates are the limit divided by the hosts, and of
 * budgets what was granted before may be spent. Data that Redis lost is made anew from what the
 * hosts know (scripts.h). docs/hosts.md tells it to people.
 */
#ifndef SUPERVISOR_SHARE_SHARE_H
#define SUPERVISOR_SHARE_SHARE_H

#include <uv.h>

#include "shared/segment/segment.h"
#include "shared/settings/settings.h"
#include "shared/snapshot/snapshot.h"

#include "supervisor/configure/configure.h"
#include "supervisor/store/store.h"

struct share;

enum share_mode {
    SHARE_ALONE,
    SHARE_REDIS,
    SHARE_STORE
};

struct share_status {
    struct span mode;  /* "alone", "redis", "postgresql" */
    struct span state; /* "answers", "away" */
    struct span epoch; /* of what Redis has; ptr NULL: not known */
    struct span trouble;
    uint32_t hosts;
    bool breaker_open;
    uint64_t round_trip_us, failures, rates, budgets;
};

/* SEGMENT and STORE must live longer. */
struct share *share_new(uv_loop_t *loop, struct segment *segment, struct store *store);
/* A snapshot was made and is not sent yet: its counters are shared from now on. */
void share_follow(struct share *share, const struct settings *settings,
                  const struct snapshot *snapshot, const struct configure_budgets *budgets);
/* Of a rolling budget that is shared, when hosts began to claim it, 0: not known yet; -1: it is
 * not, or no rolling one. */
int64_t share_begun_ms(const struct share *share, uint64_t identity);

/* What the ledger says of a budget, in nanodollars. */
struct share_ledger {
    uint64_t spent_nano;   /* in its period or window */
    uint64_t history_nano; /* in the window, before BEGUN_MS */
    int64_t begun_ms;      /* as share_begun_ms said */
};

/* True when the counter of a budget is shared: then what was spent, of all hosts, counts here
 * and must not be written into this host's counter. */
bool share_spent(struct share *share, uint64_t identity, const struct share_ledger *ledger);
/* True, once, when a budget waits for that. */
bool share_wants_spent(struct share *share);

/* Where a budget stands, over all hosts that share it; in nanodollars. */
struct share_standing {
    uint64_t spent_nano;     /* as far as it is known here: what others spent is heard from the
                                ledger once a minute */
    uint64_t committed_nano; /* spent, reserved by requests at work, or leased to a host */
};

/* Of the counter with IDENTITY in BUCKET. */
struct share_standing share_standing(const struct share *share, struct bucket *bucket,
                                     uint64_t identity);
/* The workers are gone: what was not used is given back as the loop goes on. */
void share_end(struct share *share);
/* True while a job on the pool uses the store. */
bool share_busy(const struct share *share);
void share_free(struct share *share);
void share_status(const struct share *share, struct share_status *ret);

#endif
