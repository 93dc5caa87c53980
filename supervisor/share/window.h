/* supervisor/share/window.h
 *
 * A rolling budget that several hosts share. Its window is cut into steps, at most 64 and a
 * little more; a host has a claim for each step: what it has spent in it, and of the step that
 * runs what it may spend yet too. All claims whose step lies in the window, and what the
 * ledger knows of the time before hosts claimed, are together never above the amount. So money
 * comes back by itself when its step leaves the window, also that of a host that died.
 *
 * The bucket's level never goes down for it: level[1] is where it stood when the step began,
 * and `granted` alone says what may be spent. What was reserved in one step and spent in the
 * next counts as of the first; steps stay for two more than the window has, so that it never
 * leaves too early.
 *
 * Steps are numbered by the store's clock. Pure but for the bucket. Money in SHARE_UNIT_NANO.
 */
#ifndef SUPERVISOR_SHARE_WINDOW_H
#define SUPERVISOR_SHARE_WINDOW_H

#include "shared/limit/rule.h"

#include "supervisor/share/rows.h"

#define SHARE_STEPS 64

/* Of a rule; of a period: nothing. */
struct share_window share_window_of(const struct budget_rule *rule);
/* The number of the step in which STORE_MS lies; at least 1. */
uint64_t share_window_step(const struct share_window *window, int64_t store_ms);
/* Before a question is made in STEP: a lease that was not told for so long that its step may
 * have left the window is none any more; one of an older step has to be told. */
void share_window_turn(struct share_row *row, struct bucket *bucket, uint64_t step);
/* Divides what LEASE holds between the step that ended and STEP. After a pause of several steps
 * all is of STEP: it leaves later than it might, never earlier. */
void share_window_divide(const struct share_row *row, struct bucket *bucket, uint64_t step,
                         struct share_lease *lease);
/* The store has what ASKED told. */
void share_window_told(struct share_row *row, struct bucket *bucket,
                       const struct share_lease *asked);

#endif
