/* supervisor/rules/spent.h
 *
 * What was spent, as the usage records of the store say: for budgets whose counter is new, and
 * again and again for what a counter could not see (exchanges that began before the budget was
 * in force, other hosts). Blocks (see store.h).
 */
#ifndef SUPERVISOR_RULES_SPENT_H
#define SUPERVISOR_RULES_SPENT_H

#include "shared/limit/limit.h"
#include "shared/segment/segment.h"

#include "supervisor/store/store.h"

/* One question, and its answer. Texts are the caller's. */
struct spent {
    enum limit_scope kind;
    struct span subject; /* as counters are named: an id or a name */
    int64_t begin_ms;    /* of exchanges that began then or later */
    int64_t leaves_ms;   /* rolling: what began before this leaves the window; 0: another one */
    uint64_t identity;
    uint32_t bucket;
    uint64_t nano, leaving_nano; /* the answer */
    uint64_t total_before;       /* of the counter, when the question was asked */
};

/* Answers all ROWS (their order changes); 0 or a negative errno. */
int spent_ask(struct store *store, struct spent *rows, uint32_t count);

/* Raises the counter to what the answer says, when it is lower; then takes away what leaves the
 * window. IDLE: nothing is in flight and every record is in the store, so that a counter of a
 * window which is too high can be lowered. Never does one stand lower than what was spent, also
 * when the process dies in between. */
void spent_apply(struct segment *segment, const struct spent *row, bool idle);

/* A counter raised to NANO, when it is lower. */
void spent_raise(struct bucket *bucket, uint64_t nano);

#endif
