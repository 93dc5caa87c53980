/* shared/cache/cache_inside.h
 *
 * How the memory is laid out, and what cache.c and cache_index.c say to each other.
 *
 *   0      head: struct cache_head
 *   4096   marks: CACHE_WORDS words of 8 bytes, one for each group of entries that can be
 *          cleared
 *   36864  claims: CACHE_CLAIMS words of 8 bytes (cache_claims.h)
 *   102400 index: lines of 8 words; a key may stand in one of two lines
 *   ...    ring: units of 64 bytes; mapped twice, one behind the other, so that nothing wraps
 *
 * A place is the number of a unit, counted since the memory was made; it never repeats. The
 * ring holds the places TAIL - UNITS to TAIL - 1.
 */
#ifndef SHARED_CACHE_CACHE_INSIDE_H
#define SHARED_CACHE_CACHE_INSIDE_H

#include <stdatomic.h>

#include "shared/cache/cache.h"
#include "shared/cache/cache_claims.h"

#define CACHE_MAGIC   0x6169677763616368ULL
#define CACHE_VERSION 3
#define CACHE_UNIT    64
#define CACHE_LINE    8 /* words: one line of the processor's cache */
#define CACHE_PAGE    4096
#define CLAIMS_OFFSET (CACHE_PAGE + CACHE_WORDS * sizeof(uint64_t))
#define INDEX_OFFSET  (CLAIMS_OFFSET + CACHE_CLAIMS * sizeof(uint64_t))

struct cache_head {
    uint64_t magic;
    uint32_t version, words;
    uint64_t bytes, slots, ring_bytes;
    uint8_t unused[24];
    _Atomic uint64_t tail; /* the next place */
    _Atomic uint64_t
        heard_ms; /* monotonic: when the marks were last compared with other hosts' */
};

_Static_assert(offsetof(struct cache_head, tail) == 64, "a line of its own");
_Static_assert(CLAIMS_OFFSET == 36864 && INDEX_OFFSET == 102400, "drawn in docs/cache.md");

/* In the ring, before the stamps and the texts of an entry. */
struct cache_row {
    uint64_t place;
    uint64_t check; /* of the row with this 0, and all behind it */
    uint8_t key[CACHE_KEY_BYTES];
    int64_t stored_ms, expires_ms;
    uint64_t cost_nano;
    uint32_t flags;
    uint32_t stamp_count;
    uint32_t len[CACHE_PARTS];
    uint32_t bytes; /* of all */
    uint8_t unused[24];
};

_Static_assert(sizeof(struct cache_row) == 128, "drawn in docs/cache.md");

struct cache {
    uint8_t *mapping; /* once up to the ring, and the ring twice */
    size_t mapped;
    struct cache_head *head;
    _Atomic uint64_t *marks;
    _Atomic uint64_t *claims;
    _Atomic uint64_t *index;
    uint8_t *ring;
    uint64_t slots, units; /* as the head had them at the start: it is not trusted again */
};

static inline uint64_t cache_tail(const struct cache *cache)
{
    return atomic_load_explicit(&cache->head->tail, memory_order_acquire);
}

/* Whether the ring has not come round to PLACE yet. */
static inline bool cache_holds(const struct cache *cache, uint64_t place)
{
    uint64_t tail = cache_tail(cache);

    return place < tail && tail - place <= cache->units;
}

static inline const uint8_t *cache_at(const struct cache *cache, uint64_t place)
{
    return cache->ring + place % cache->units * CACHE_UNIT;
}

/* cache_index.c: words that say where the entry of a key may stand; 0: nowhere */
#define INDEX_PLACE_BITS 48

static inline uint64_t index_place(uint64_t word)
{
    return (word & ((1ULL << INDEX_PLACE_BITS) - 1)) - 1;
}

/* The words that may be KEY's, at most 2 * CACHE_LINE; how many. */
unsigned index_find(const struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                    _Atomic uint64_t *ret[2 * CACHE_LINE], uint64_t ret_words[2 * CACHE_LINE]);
/* True: another key's entry was there, or had been. */
bool index_set(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES], uint64_t place);

#endif
