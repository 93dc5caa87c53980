/* worker/flow/turns.h
 *
 * The wait of an exchange for a place at a provider account: it stands in the lines of the
 * accounts of its plan that have none free, for settings' queue.wait over all its attempts, and
 * goes to the first that has one for it. Who would wait too long, or finds the queue full of
 * requests that go before it, is refused at once.
 *
 * Lives in the exchange's arena while it waits, and belongs to it; worker->lines has its turns.
 */
#ifndef WORKER_FLOW_TURNS_H
#define WORKER_FLOW_TURNS_H

#include "worker/limit/claims.h"
#include "worker/queue/line.h"
#include "worker/wire/reactor.h"

#define TURNS_MAX 4 /* accounts that one request waits for at a time */

struct exchange;
struct worker;

/* What wakes those that wait: a place of this worker's own became free, or a look at what the
 * others gave back. */
struct turn_caller {
    struct reactor_task task;
    uv_timer_t timer; /* runs only while somebody waits */
    bool runs;
};

void turns_open(struct worker *worker);

/* Whose share of places the exchange takes. */
struct queue_flow_of turns_flow(const struct exchange *x);

/* The account of the current target had no place for it: it could wait for one. */
void turns_note(struct exchange *x);
/* Waits at the accounts that were noted; flow_take is called in the end. False: x->fault says
 * why it cannot, if there was one to wait at. */
bool turns_join(struct exchange *x);
/* It ends, or goes on: it stands in no line any more. */
void turns_leave(struct exchange *x);
/* A place may be free that the exchange had. */
void turns_freed(struct worker *worker);
/* When it may help to come again, for the faults of this file; 0: nobody knows. */
uint64_t turns_retry_ms(const struct exchange *x);

#endif
