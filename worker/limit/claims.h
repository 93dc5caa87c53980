/* worker/limit/claims.h
 *
 * What an exchange has taken of the limits and budgets of those it counts for. Taken before it
 * is sent to a provider, by estimate and worst case; settled at its end by what was observed.
 * All have room or nothing is taken.
 *
 * Places and money are written down in the exchange's row of the segment (struct hold), so that
 * the controller gives back what a dead worker had. Claims live in the exchange's arena; limits
 * and budgets in the snapshot, which the exchange pins.
 */
#ifndef WORKER_LIMIT_CLAIMS_H
#define WORKER_LIMIT_CLAIMS_H

#include "shared/base/arena.h"
#include "shared/base/fault.h"
#include "shared/limit/bucket.h"
#include "shared/queue/queue.h"
#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

#define CLAIM_SCOPES_MAX (4 + TAGS_MAX + 3) /* of the key, tags, model, provider, target */

/* What an exchange is expected to use, or has used. */
struct claim_counts {
    uint64_t units[LIMIT_UNIT_COUNT]; /* requests and concurrent are 1 */
    uint64_t cost_nano;
    uint64_t usual_cost_nano; /* expected: for budgets that are not strict */
};

struct claim {
    const struct snapshot_scope *scope;
    const struct snapshot_limit *limit;
    struct bucket *bucket;
    struct hold *hold; /* concurrent: its place is written down here */
    uint64_t taken, taken_ns;
    uint64_t charge_us; /* of a place for which others may wait; queue.h */
    struct level level;
    bool taken_all; /* false: a shadow that had no room, counted all the same */
};

struct reservation {
    const struct snapshot_scope *scope;
    const struct snapshot_budget *budget;
    struct bucket *bucket;
    struct hold *hold;
    uint64_t reserved_nano;
    bool taken_all;
};

struct claims {
    struct segment *segment;
    const struct snapshot *snapshot;
    struct arena *arena;
    struct hold *holds; /* SEGMENT_HOLDS of the exchange's row */
    unsigned hold_count;
    struct claim *rates; /* in the arena, as the others */
    unsigned rate_count, rate_room;
    struct reservation *money;
    unsigned money_count, money_room;
    int64_t started_wall_ms;   /* chooses the period of budgets */
    struct queue_flow_of flow; /* whose share of places it takes */
    const struct turn *turn;   /* it has waited, and this is its try; NULL: it did not */
};

/* Why there is no room. One of limit and budget is set. */
struct claim_refusal {
    const struct snapshot_scope *scope;
    const struct snapshot_limit *limit;
    const struct snapshot_budget *budget;
    struct level level;
    bool awaits; /* a grant was asked for: it may help to try again within milliseconds */
};

void claims_init(struct claims *claims, struct segment *segment,
                 const struct snapshot *snapshot, struct arena *arena, struct hold *holds,
                 int64_t started_wall_ms);
/* Takes EXPECTED of all limits and budgets of SCOPES (COUNT of them), or nothing of these:
 * FAULT_rate_limited, FAULT_too_busy or FAULT_budget_spent, with the reason in *RETERR. */
enum fault claims_take(struct claims *claims, const struct snapshot_scope *const *scopes,
                       unsigned count, const struct claim_counts *expected, uint64_t now_ns,
                       struct claim_refusal *reterr);

/* How many places a limit of concurrent requests has on this host. */
uint64_t claims_places(const struct claims *claims, const struct snapshot_limit *limit);

/* How many claims there are: those that came later can be ended by themselves. */
struct claims_mark {
    unsigned rates, money, holds;
};

struct claims_mark claims_mark(const struct claims *claims);
/* Claims since MARK are given back whole: nothing was asked of a provider. */
void claims_return(struct claims *claims, struct claims_mark mark);
/* Claims since MARK end: USED replaces what was expected. Counts of USED that nobody knows
 * (UINT64_MAX) leave the expected ones standing. Returns by how much budgets were passed, in
 * nanodollars. */
uint64_t claims_settle(struct claims *claims, struct claims_mark mark,
                       const struct claim_counts *used, uint64_t now_ns);
/* Claims from MARK up to TO end, those after TO stand and follow what is before MARK. */
uint64_t claims_settle_between(struct claims *claims, struct claims_mark mark,
                               struct claims_mark to, const struct claim_counts *used,
                               uint64_t now_ns);
/* Each reservation up to MARK grows by what MORE costs. False, and none grows: a budget has no
 * room. */
bool claims_add(struct claims *claims, struct claims_mark mark,
                const struct claim_counts *more);
/* Takes that back. */
void claims_take_back(struct claims *claims, struct claims_mark mark,
                      const struct claim_counts *more);
/* Each reservation grows to COST_NANO where the budget has room; where it has none it grows all
 * the same, unless the budget cuts. False when one does. */
bool claims_extend(struct claims *claims, uint64_t cost_nano);
/* Of all rates that count UNIT, the one with the least left of its limit; NULL: there is none.
 */
const struct claim *claims_tightest(const struct claims *claims, enum limit_unit unit);
/* The largest reservation of a budget; 0: none. */
uint64_t claims_reserved_nano(const struct claims *claims);

#endif
