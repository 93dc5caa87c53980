#include "shared/cache/cache_claims.h"

#include <string.h>

#include "shared/cache/cache_inside.h"

#define END_BITS   20
#define OWNER_BITS 24
#define KEY_SHIFT  (END_BITS + OWNER_BITS)
#define UNIT_MS    16
#define END_MASK   ((1ULL << END_BITS) - 1)
#define OWNER_MASK ((1ULL << OWNER_BITS) - 1)

_Static_assert((CACHE_CLAIM_MS_MOST / UNIT_MS + 2) * 2 < END_MASK,
               "what is over is told apart");

/* Not the bits by which the index knows a key. */
static uint64_t part_of(const uint8_t key[CACHE_KEY_BYTES])
{
    uint64_t part;

    memcpy(&part, key + 3 * sizeof(part), sizeof(part));
    return part;
}

static uint64_t end_of(uint64_t at_ms)
{
    return at_ms / UNIT_MS & END_MASK;
}

/* One more unit than asked, so that no claim is over before its time. */
static uint64_t make_word(const uint8_t key[CACHE_KEY_BYTES],
                          const struct cache_claimer *claimer, uint64_t life_ms)
{
    return part_of(key) >> KEY_SHIFT << KEY_SHIFT | (claimer->owner & OWNER_MASK) << END_BITS |
           end_of(claimer->now_ms + life_ms + UNIT_MS);
}

static bool holds(uint64_t word, const struct cache_claimer *claimer)
{
    uint64_t left = ((word & END_MASK) - end_of(claimer->now_ms)) & END_MASK;

    return word != 0 && left > 0 && left <= CACHE_CLAIM_MS_MOST / UNIT_MS + 2 &&
           claimer->lives(claimer->who, (uint32_t)(word >> END_BITS & OWNER_MASK));
}

enum cache_claimed cache_claim(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                               const struct cache_claimer *claimer, uint64_t life_ms,
                               struct cache_claim *ret)
{
    _Atomic uint64_t *word = &cache->claims[part_of(key) % CACHE_CLAIMS];
    uint64_t mine = make_word(key, claimer, life_ms);
    uint64_t there = atomic_load_explicit(word, memory_order_acquire);

    while (!holds(there, claimer))
        if (atomic_compare_exchange_weak(word, &there, mine)) {
            *ret = (struct cache_claim){word, mine};
            return CLAIM_MADE;
        }
    *ret = (struct cache_claim){word, there};
    return there >> KEY_SHIFT == mine >> KEY_SHIFT ? CLAIM_OTHERS : CLAIM_TAKEN;
}

bool cache_claim_holds(const struct cache_claim *claim, const struct cache_claimer *claimer)
{
    return atomic_load_explicit(claim->word, memory_order_acquire) == claim->value &&
           holds(claim->value, claimer);
}

void cache_claim_end(struct cache_claim *claim)
{
    uint64_t mine = claim->value;

    if (claim->word)
        (void)atomic_compare_exchange_strong(claim->word, &mine, 0);
    *claim = (struct cache_claim){NULL, 0};
}
