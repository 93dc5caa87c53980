/* shared/redis/breaker.h
 *
 * Whether to ask somebody who does not answer: after BREAKER_FAILURES in a row the breaker is
 * open, and only one question at a time, each BREAKER_PROBE_MS, finds out whether he is back.
 * Pure; times are the caller's.
 */
#ifndef SHARED_REDIS_BREAKER_H
#define SHARED_REDIS_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 5
#define BREAKER_PROBE_MS 250

struct breaker {
    unsigned failures; /* in a row */
    bool open;
    uint64_t probe_ms; /* open: when one may be asked */
};

bool breaker_may_ask(const struct breaker *breaker, uint64_t now_ms);
/* True when this opened it. */
bool breaker_failed(struct breaker *breaker, uint64_t now_ms);
/* True when this closed it. */
bool breaker_worked(struct breaker *breaker);

#endif
