/* supervisor/share/rows.h
 *
 * The counters that several hosts share, and what is to be asked for each of them. Pure but for
 * the buckets of the segment: the caller has the clock and carries questions and answers.
 *
 * A rate: `total` of the bucket is what was let in, `granted` what may be; slices are taken
 * from the shared counter about as large as the next 100 ms need, and given back when a second
 * went by without a request. While nobody answers, `granted` is UINT64_MAX, the host has its
 * part of the limit, and what it lets in meanwhile is charged afterwards.
 *
 * A budget: a host has a claim, a number that only it changes: what it has spent of the period
 * and what it may spend yet. The claims of all hosts together are never above the amount. So
 * nothing has to be booked when money is spent, a host that died has spent its claim, and a
 * claim that is told twice counts once. level[1] of the bucket says what stood in it before its
 * host shared it. A claim is lowered when 2 s went by without a request. A rolling budget has
 * a claim for each step of its window: window.h.
 */
#ifndef SUPERVISOR_SHARE_ROWS_H
#define SUPERVISOR_SHARE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

#include "supervisor/configure/configure.h"

#define SHARE_UNIT_NANO 1000 /* money is counted in millionths of a dollar */
#define SHARE_MEMORY    64   /* bytes of what a shared rate was when it was seen last */
#define SHARE_LINEAGE   24

enum share_kind {
    SHARE_RATE,
    SHARE_BUDGET
};

struct share_rate {
    uint64_t amount, burst, window_ms;
    uint8_t algorithm;
    uint64_t total_seen, used, need; /* need: of 100 ms */
    uint64_t need_ms;                /* when `need` was found */
    uint64_t away_total;             /* when the host's own part began to count */
    uint64_t spare;                  /* what had been granted then and was not used */
    uint64_t charge;                 /* let in without having been asked for */
    char memory[SHARE_MEMORY];
};

/* What makes a budget a rolling one. */
struct share_window {
    uint64_t length_ms; /* 0: it has periods instead */
    uint64_t step_ms;
    uint64_t step;    /* number of the one that began when the level was level[1]; 0: unknown */
    int64_t begun_ms; /* when hosts began to claim it, by the store; 0: unknown */
};

/* Money in SHARE_UNIT_NANO. */
struct share_budget {
    struct share_window window;
    uint64_t amount;
    int64_t ends_ms; /* INT64_MAX: never */
    uint64_t level_seen;
    uint64_t floor;   /* spent of the period, as the ledger says; of the window, of which */
    uint64_t history; /* so much before hosts claimed it */
    uint64_t claim, sum, version; /* as the last answer had them */
    char lineage[SHARE_LINEAGE];  /* of `version`; empty: there was no answer */
    uint64_t lease;               /* the last one */
    uint64_t asked_ms;
    bool known; /* the ledger has said what was spent, so that the budget may be begun */
    bool heir;  /* claims of earlier starts of this host are to be settled */
    bool tell;  /* at the next chance, whether something is needed or not */
};

struct share_row {
    uint64_t identity;
    uint32_t bucket;
    uint8_t kind;
    uint64_t moved_ms; /* when it was used last */

    union {
        struct share_rate rate;
        struct share_budget budget;
    };
};

struct share_rows {
    struct share_row *rows; /* in the order of their identities */
    uint32_t count;
    struct segment *segment;
    bool windows; /* rolling budgets too: there is a store that hosts share */
};

/* A rolling budget. */
static inline bool share_row_rolls(const struct share_row *row)
{
    return row->kind == SHARE_BUDGET && row->budget.window.length_ms > 0;
}

/* A question of a rate. */
struct share_slice {
    uint64_t want, back, charge;
};

/* A question of a budget, in SHARE_UNIT_NANO. */
struct share_lease {
    uint64_t held, need;
    bool top_up;
    /* Of a window: HELD is claimed of STEP, BEFORE of the step that ended, 0: of none. */
    uint64_t step, step_before, before;
};

/* The counters of SNAPSHOT and BUDGETS from now on; what is known of those before is kept.
 * Budgets that are new here let nothing in until they have a lease. */
void share_rows_follow(struct share_rows *rows, const struct snapshot *snapshot,
                       const struct configure_budgets *budgets, uint64_t now_ms);
/* Ends the sharing: each host has all of the budgets, and its part of the rates. */
void share_rows_release(struct share_rows *rows);
void share_rows_done(struct share_rows *rows);
struct share_row *share_rows_find(const struct share_rows *rows, uint64_t identity);

/* Grants are given again: nothing is left of the host's own parts. And: nobody gives any. */
void share_rows_join(struct share_rows *rows, uint64_t now_ms);
void share_rows_leave(struct share_rows *rows);

/* True when there is a question. HOSTS: how many there are; at least 1. */
bool share_slice_ask(struct share_row *row, struct bucket *bucket, uint32_t hosts,
                     uint64_t now_ms, struct share_slice *ret);
void share_slice_take(struct share_row *row, struct bucket *bucket,
                      const struct share_slice *asked, uint64_t granted);
/* The question was not answered: what was given back and charged stands. */
void share_slice_lost(struct share_row *row, const struct share_slice *asked);

/* KEEP: an unused lease is kept. */
bool share_lease_ask(struct share_row *row, struct bucket *bucket, bool keep, uint64_t now_ms,
                     struct share_lease *ret);
/* There are more HOSTS now: what this one has more than its part is given back. */
void share_rows_shrink(struct share_rows *rows, uint32_t hosts);
/* CLAIM: as it was answered. */
void share_lease_take(struct share_row *row, struct bucket *bucket, uint64_t claim);
/* What is not used is given back with the next question. */
void share_lease_end(struct share_row *row, struct bucket *bucket);
/* The next lease of a budget of which all hosts claim SUM: at least NEED, else an eighth of a
 * host's part of the rest; the whole rest when there is one host. Never more than the rest. */
uint64_t share_lease_grant(uint64_t amount, uint64_t sum, uint64_t need, uint32_t hosts);

#endif
