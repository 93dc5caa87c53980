/* worker/limit/ticket.h
 *
 * Whether there is room for an exchange in this worker, and the row in the segment that tells
 * the supervisor what was under way should the worker die. (Limits per key, team and model find
 * their place here, over the segment's buckets.)
 */
#ifndef WORKER_LIMIT_TICKET_H
#define WORKER_LIMIT_TICKET_H

#include "shared/base/fault.h"
#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

/* The free rows of this worker's part of the segment, last used first. */
struct places {
    struct segment *segment;
    uint32_t slot;
    uint32_t free_count;
    uint32_t taken_count;
    uint32_t high; /* rows that were ever used */
    uint16_t free[SEGMENT_INFLIGHT];
};

struct ticket {
    struct inflight *row;
    uint16_t index;
};

void places_init(struct places *places, struct segment *segment, uint32_t slot);

/* FAULT_overloaded when the worker is full. */
enum fault ticket_take(struct places *places, uint32_t exchanges_max, struct ticket *ret);
/* The exchange is on its way to a provider: from now on its usage record is owed. */
void ticket_sent(struct ticket *ticket, const struct inflight *facts);
/* An attempt goes to the account with the target_health row TARGET, or has ended there: HEDGE,
 * the one beside the first. At most one of each at a time. */
void ticket_call_begins(struct places *places, struct ticket *ticket, bool hedge,
                        uint32_t target);
void ticket_call_ended(struct places *places, struct ticket *ticket, bool hedge);
/* The record is written, or none is owed. */
void ticket_give_back(struct places *places, struct ticket *ticket);

#endif
