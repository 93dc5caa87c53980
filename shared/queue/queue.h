/* shared/queue/queue.h
 *
 * Who goes next where more requests come than a provider account has places: start-time fair
 * queueing (Goyal, Vin, Cheng: "Start-time Fair Queuing", SIGCOMM 1996) over all workers of a
 * host. A flow is a tenant, or a key without one. Within a priority the flow with the lowest
 * start goes next, and is charged for how long a place is usually held, divided by its weight;
 * when the place is free again and others wait, for how long it was held. So flows that wait
 * get the time of the places by their weights, whatever their requests are like, and one that
 * comes after a pause goes before those that have long had more.
 *
 * Waiting requests stay in their workers. Each worker keeps its own, those of a flow as they
 * came, and publishes here the first of them; whoever sees a free place takes it only if none
 * that waits elsewhere is before him. Nothing is charged to who waits. Every step is one
 * atomic: a death leaves at most a first that nobody serves, until queue_clear.
 *
 * Starts are microseconds of virtual time; it stands still while nothing is let in.
 */
#ifndef SHARED_QUEUE_QUEUE_H
#define SHARED_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/segment/segment.h"
#include "shared/settings/priority.h"

#define QUEUE_NOBODY UINT64_MAX /* a key that comes after all others */

/* Whose requests these are. */
struct queue_flow_of {
    uint64_t identity; /* never 0 */
    uint32_t weight;   /* at least 1 */
    uint8_t priority;  /* enum priority */
};

/* The order over all flows: lower keys first. START is queue_start's. */
uint64_t queue_key(const struct queue_flow_of *flow, uint64_t start);
uint64_t queue_start(struct queue *queue, const struct queue_flow_of *flow);

/* A request of the flow has got a place: virtual time goes on. Returns what it was charged, in
 * microseconds, for one of the next two. */
uint64_t queue_go(struct queue *queue, const struct queue_flow_of *flow);
/* The place was not used at all. */
void queue_undo(struct queue *queue, const struct queue_flow_of *flow, uint64_t charge_us);
/* The place is free again, after TOOK_US. */
void queue_end(struct queue *queue, const struct queue_flow_of *flow, uint64_t charge_us,
               uint64_t took_us);

/* By worker SLOT: the key of the first of its own that wait (QUEUE_NOBODY: none), and how many.
 */
void queue_publish(struct queue *queue, uint32_t slot, uint64_t key, uint64_t waiting);
/* The lowest key that is published; QUEUE_NOBODY: nobody waits. */
uint64_t queue_first(const struct queue *queue);
uint64_t queue_waiting(const struct queue *queue);
/* Controller: worker SLOT is dead. */
void queue_clear(struct queue *queue, uint32_t slot);

/* How long COUNT usual requests need all PLACES, in milliseconds. */
uint64_t queue_work_ms(const struct queue *queue, uint64_t count, uint64_t places);

#endif
