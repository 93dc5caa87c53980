/* worker/flow/attempts.h
 *
 * After an attempt failed: whether there is another one, where, and when; and which of several
 * failures the client is told. Nothing here happens once a byte went to the client.
 */
#ifndef WORKER_FLOW_ATTEMPTS_H
#define WORKER_FLOW_ATTEMPTS_H

#include "shared/base/fault.h"
#include "shared/health/health.h"
#include "shared/route/route.h"

#include "worker/translate/complaint.h"

struct exchange;

struct failure {
    enum fault fault;
    struct complaint *complaint; /* in the provider's words; NULL: the fault's */
    uint64_t retry_after_ms;     /* 0: nobody said */
    unsigned rank;               /* 0: there was none */
};

struct attempts {
    uint8_t tries[ROUTE_TARGETS_MAX];  /* of each target of the plan */
    uint8_t faults[ROUTE_TARGETS_MAX]; /* enum fault of the last one there */
    unsigned waits;
    struct failure best;
    struct span names; /* of the providers that were asked, by commas */
};

/* An attempt begins at the current target. */
void attempts_begin(struct exchange *x);
/* What a status alone says that is worth another attempt; FAULT_NONE: nothing. */
enum fault attempts_fault(uint16_t status);
/* What an attempt that ended with FAULT (FAULT_NONE: well) says of its account. */
enum health_outcome attempts_saw(const struct exchange *x, enum fault fault);
/* Whether the account of the current target takes an attempt now. True of one that is tried
 * after an ejection: the attempt must be made. */
bool attempts_may(struct exchange *x);
/* The current attempt failed with FAULT. True: x->current->target is the next, to be tried in
 * *RET_WAIT_MS. What it cost of a budget is taken. */
bool attempts_next(struct exchange *x, enum fault fault, uint64_t *ret_wait_ms);
/* Whether attempts_next would find one, as far as can be said without taking. */
bool attempts_left(struct exchange *x, enum fault fault);
/* The current target has no room or is out: the next one of the plan. False: there is none. */
bool attempts_skip(struct exchange *x);
/* Whether there could be another one after the current one, which has not begun. */
bool attempts_may_follow(const struct exchange *x);
/* Where a second attempt beside the current one goes: untried, for the same model, and doing
 * well; SAME_ACCOUNT: else where the current one went. The plan's count: nowhere. */
unsigned attempts_beside(const struct exchange *x, bool same_account);
/* The current attempt failed while another one goes on. */
void attempts_note(struct exchange *x, enum fault fault);
/* It ends with x->fault: or with an earlier failure that says more. */
void attempts_settle(struct exchange *x);
/* Header fields that tell what was tried. */
void attempts_add_fields(struct exchange *x);

#endif
