/* supervisor/share/share.h
 *
 * What several hosts share: rates, budgets, and how many hosts there are. With Redis (setting
 * `redis`) both are shared through it; else, with PostgreSQL as the store, budgets are, and
 * each host has its part of the rates; else there is one host and nothing to do. Workers know
 * nothing of it: they see `granted` of their buckets (shared/limit/bucket.h), and the number of
 * hosts.
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
/* True when the counter of a budget is shared: then the ledger's SPENT, of all hosts, counts
 * here and must not be written into this host's counter. */
bool share_spent(struct share *share, uint64_t identity, uint64_t spent_nano);
/* True, once, when a budget waits for that. */
bool share_wants_spent(struct share *share);
/* What all hosts have spent or may spend of a budget, and what is known to be spent of it, in
 * nanodollars; false when it is not shared. */
bool share_claimed(const struct share *share, uint64_t identity, uint64_t *ret_claimed_nano,
                   uint64_t *ret_spent_nano);
/* The workers are gone: what was not used is given back as the loop goes on. */
void share_end(struct share *share);
/* True while a job on the pool uses the store. */
bool share_busy(const struct share *share);
void share_free(struct share *share);
void share_status(const struct share *share, struct share_status *ret);

#endif
