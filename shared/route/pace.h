/* shared/route/pace.h
 *
 * What routing measures of a provider account, over all workers: how soon answers begin, and
 * how many requests and further attempts went there of late. Atomics of the segment; a lost
 * update costs a figure its sharpness, nothing else. Time is a parameter.
 */
#ifndef SHARED_ROUTE_PACE_H
#define SHARED_ROUTE_PACE_H

#include "shared/segment/segment.h"

#define PACE_WINDOW_MS   10000
#define PACE_FADE_BITS   13
#define PACE_FADE_MS     (1 << PACE_FADE_BITS) /* an old time is halved in that long */
#define PACE_RETRY_LEAST 3 /* further attempts of a window that are always allowed */

/* An answer began after US. A longer time than the one known counts at once, a shorter one by
 * a quarter. */
void pace_note_first(struct target_pace *pace, uint64_t us, uint64_t now_ms);

/* The time that is to be expected; it fades, so that who was slow once is tried again: it
 * halves, and between two halves is a straight line. 0: nobody knows. Here because a choice
 * asks it of a hundred accounts. */
static inline uint64_t pace_first_us(const struct target_pace *pace, uint64_t now_ms)
{
    uint64_t us = atomic_load_explicit(&pace->first_us, memory_order_relaxed);
    uint64_t at_ms = atomic_load_explicit(&pace->first_ms, memory_order_relaxed);
    uint64_t age_ms = at_ms > 0 && now_ms > at_ms ? now_ms - at_ms : 0;
    uint64_t halves = age_ms >> PACE_FADE_BITS, rest_ms = age_ms % PACE_FADE_MS;

    if (us == 0 || at_ms == 0)
        return 0;
    us = halves < 32 ? us >> halves : 0;
    us -= us * rest_ms >> (PACE_FADE_BITS + 1);
    return us > 0 ? us : 1;
}

/* A request goes there for the first time. */
void pace_note_request(struct target_pace *pace, uint64_t now_ms);
/* The same for an attempt after a failed one: false, and not counted, when this window has more
 * of them than PERCENT of its requests. */
bool pace_take_retry(struct target_pace *pace, uint32_t percent, uint64_t now_ms);
/* Whether pace_take_retry would say yes. */
bool pace_may_retry(const struct target_pace *pace, uint32_t percent, uint64_t now_ms);
/* Requests of about the last window. */
uint64_t pace_recent(const struct target_pace *pace, uint64_t now_ms);

#endif
