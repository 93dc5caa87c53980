/* shared/cache/cache_claims.h
 *
 * Which process is at work on the answer of which key: words in the cache's memory, one for
 * each of CACHE_CLAIMS groups of keys. A claim is made with one compare-and-swap and given back
 * with one. It holds until it is given back, its time is over, or its owner is dead; who finds
 * it void may take it. So a process may die at any instruction, and any word may be damaged:
 * the worst is that two ask a provider for one answer, or that one waits until the time that it
 * waits at most.
 *
 * A word: 20 bits of the key, 24 of the owner, 20 of the end, in units of 16 ms, monotonic;
 * they repeat after 4.6 hours. 0: free. A word has no more of a key than 33 bits: another key's
 * claim may pass for this one's, which costs a wait and never an answer.
 */
#ifndef SHARED_CACHE_CACHE_CLAIMS_H
#define SHARED_CACHE_CACHE_CLAIMS_H

#include <stdatomic.h>

#include "shared/cache/cache.h"

#define CACHE_CLAIMS        8192
#define CACHE_CLAIM_MS_MOST 3600000

/* A process: its slot of the segment, and the low bits of its pid. */
#define CACHE_OWNER(slot, pid)  ((uint32_t)(slot) << 16 | ((uint32_t)(pid)&0xffff))
#define CACHE_OWNER_SLOT(owner) ((owner) >> 16)
#define CACHE_OWNER_PID(owner)  ((owner)&0xffff)

/* Who claims, when, and how it is known which owners live. */
struct cache_claimer {
    uint32_t owner; /* CACHE_OWNER, slot at most 255 */
    uint64_t now_ms;
    bool (*lives)(const void *who, uint32_t owner);
    const void *who;
};

/* Made, or seen; word NULL: none. */
struct cache_claim {
    _Atomic uint64_t *word;
    uint64_t value;
};

enum cache_claimed {
    CLAIM_MADE,   /* *ret is the caller's, to be given back */
    CLAIM_OTHERS, /* *ret is who is at work on it */
    CLAIM_TAKEN   /* another key's: nobody can claim this one now */
};

/* For LIFE_MS, at most CACHE_CLAIM_MS_MOST. */
enum cache_claimed cache_claim(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                               const struct cache_claimer *claimer, uint64_t life_ms,
                               struct cache_claim *ret);
/* Whether what was seen holds still. */
bool cache_claim_holds(const struct cache_claim *claim, const struct cache_claimer *claimer);
/* Gives back what the caller has made, if it has it still; then *CLAIM is none. */
void cache_claim_end(struct cache_claim *claim);

#endif
