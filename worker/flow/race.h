/* worker/flow/race.h
 *
 * Attempts whose answer is held until it proves alive (proof.h), and two of them side by side:
 * when the current one does not begin to answer in the usual time of its model, a second one is
 * sent to another target. The first that is alive becomes the current one and is relayed as if
 * there had been no other; the other is cancelled, and what it cost is an estimate that the
 * exchange bears. One that fails leaves the race to the other.
 *
 * Belongs to the exchange, in its arena, from its first attempt that is held.
 */
#ifndef WORKER_FLOW_RACE_H
#define WORKER_FLOW_RACE_H

#include "worker/flow/exchange.h"
#include "worker/wire/alarm.h"

/* The attempt that came second. */
struct lost {
    bool there;
    bool hedge; /* it was the second that was sent */
    unsigned target;
    uint16_t status;          /* 0: no head came */
    uint8_t provider_dialect; /* enum dialect_id */
    uint64_t ms;              /* it ran */
    uint64_t input, output;   /* tokens, an estimate; set by charge.c */
    uint64_t cost_nano;       /* the same; PRICE_UNKNOWN: nobody knows */
};

struct race {
    struct exchange *exchange;
    struct attempt *rival; /* beside the current attempt; NULL: none */
    struct alarm after;    /* then a rival is sent */
    struct lost lost;
    bool hedged; /* a rival was sent, or could not be */
};

/* The current attempt is about to be sent: who gets the events of its call. */
const struct call_events *race_begin(struct exchange *x);
/* The exchange ends, or its current attempt does for another reason: there is no rival. */
void race_cancel(struct exchange *x);

#endif
