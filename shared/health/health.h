/* shared/health/health.h
 *
 * How well a provider account is, told from what became of its attempts.  A state machine over
 * the atomics of `struct target_health` in the segment, so what one worker learns is in force
 * in all at their next look; time is a parameter.  Any process, any thread: each change is one
 * compare-and-swap, and a process that dies holds nothing for longer than `trial_ms`.  Nothing
 * here fails.
 *
 *     healthy <-> degraded --> down --(until)--> half-open --trial good--> healthy
 *                               ^------------- trial bad -----'
 *
 * Drained and limited lie over that: a drained account keeps what else is known of it.
 */
#ifndef SHARED_HEALTH_HEALTH_H
#define SHARED_HEALTH_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/health/health_rules.h"
#include "shared/segment/segment.h"

enum health_state {
    HEALTH_HEALTHY,
    HEALTH_DEGRADED,  /* serves, but too many of its attempts fail */
    HEALTH_HALF_OPEN, /* one attempt at a time finds out whether it is back */
    HEALTH_LIMITED,   /* asked us to wait */
    HEALTH_DOWN,      /* ejected */
    HEALTH_DRAINED,   /* by hand, until resumed by hand */
    HEALTH_STATES
};

enum health_outcome {
    HEALTH_SAW_NOTHING, /* the client left, or the like: gives a trial back */
    HEALTH_SAW_GOOD,
    HEALTH_SAW_ERROR,  /* an answer that is the provider's fault: 5xx, malformed, cut */
    HEALTH_SAW_BREAK,  /* no answer: refused, reset, timed out, TLS, name */
    HEALTH_SAW_LIMIT,  /* 429: says nothing about how well it is, but it answers */
    HEALTH_SAW_REFUSED /* our credential or credit: ejects at once, who asks next is refused too
                        */
};

extern const struct health_rules health_rules_default;

/* RET_UNTIL_MS: when it may be tried again; 0: now, UINT64_MAX: unknown. */
enum health_state health_state(const struct target_health *health, uint64_t now_ms,
                               uint64_t *ret_until_ms);

/* Whether it is healthy, at one look: most are, and a plan looks at a hundred. False: ask
 * health_state. The low byte of `state` is 0 for healthy and not drained. */
static inline bool health_is_plain(const struct target_health *health, uint64_t now_ms)
{
    return (uint8_t)atomic_load_explicit(&health->state, memory_order_relaxed) == 0 &&
           atomic_load_explicit(&health->until_ms, memory_order_relaxed) <= now_ms;
}

/* Whether an attempt may be made now. Of a half-open account true is the trial: who gets it
 * must make the attempt and note what became of it. */
bool health_may_try(struct target_health *health, const struct health_rules *rules,
                    uint64_t now_ms);
/* What became of an attempt that was allowed, or made because there was no other. True: the
 * state is another than before, which is worth an event. RETRY_AFTER_MS: 0 if not told. */
bool health_note(struct target_health *health, const struct health_rules *rules,
                 enum health_outcome outcome, uint64_t now_ms, uint64_t retry_after_ms);
/* An answer, whatever else it was, told that nothing is left for WAIT_MS. */
void health_leave(struct target_health *health, const struct health_rules *rules,
                  uint64_t now_ms, uint64_t wait_ms);
/* Its credentials are all out, the first until UNTIL_MS: so is the account, for as long. */
void health_hold(struct target_health *health, uint64_t until_ms);
/* One of them is good again, and they had held it until UNTIL_MS, 0: not at all. What the
 * provider itself said for longer stays. */
void health_release(struct target_health *health, uint64_t until_ms);

enum health_probe {
    HEALTH_PROBE_BAD, /* ejects, also one whose trial is due; of one that is down: nothing */
    HEALTH_PROBE_ANSWERS, /* one that is down has its trial now */
    HEALTH_PROBE_WELL     /* was the trial: what is down, or waits for its trial, is healthy */
};

/* True: the state is another than before. A trial that a request has is left to it. */
bool health_probed(struct target_health *health, const struct health_rules *rules,
                   enum health_probe said, uint64_t now_ms);
/* True: it was not so before. */
bool health_drain(struct target_health *health, bool drained);
const char *health_state_name(enum health_state state);

#endif
