/* Which words may be a key's, and which one a new entry takes. Any word may be lost to another
 * writer at any time: then its entry is not found, which is a miss. */
#include <string.h>

#include "shared/cache/cache_inside.h"

static uint64_t part_of(const uint8_t key[CACHE_KEY_BYTES], unsigned part)
{
    uint64_t value;

    memcpy(&value, key + part * sizeof(value), sizeof(value));
    return value;
}

/* Digests need no more hashing. */
static _Atomic uint64_t *line_of(const struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                                 unsigned which)
{
    return cache->index + part_of(key, which) % (cache->slots / CACHE_LINE) * CACHE_LINE;
}

static uint64_t mark_of(const uint8_t key[CACHE_KEY_BYTES])
{
    return part_of(key, 2) >> INDEX_PLACE_BITS << INDEX_PLACE_BITS;
}

static bool same_mark(uint64_t word, uint64_t mark)
{
    return word != 0 && word >> INDEX_PLACE_BITS == mark >> INDEX_PLACE_BITS;
}

unsigned index_find(const struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                    _Atomic uint64_t *ret[2 * CACHE_LINE], uint64_t ret_words[2 * CACHE_LINE])
{
    uint64_t mark = mark_of(key);
    unsigned count = 0;

    for (unsigned i = 0; i < 2 * CACHE_LINE; i++) {
        _Atomic uint64_t *slot = line_of(cache, key, i / CACHE_LINE) + i % CACHE_LINE;
        uint64_t word = atomic_load_explicit(slot, memory_order_acquire);

        if (!same_mark(word, mark) || !cache_holds(cache, index_place(word)))
            continue;
        ret_words[count] = word;
        ret[count++] = slot;
    }
    return count;
}

/* Of a line: its free words, and the best one to take: a free one, else the oldest. */
static unsigned look_at(const struct cache *cache, _Atomic uint64_t *line,
                        _Atomic uint64_t **ret_best, uint64_t *ret_age)
{
    uint64_t tail = cache_tail(cache);
    unsigned count = 0;

    *ret_age = 0;
    *ret_best = line;
    for (unsigned i = 0; i < CACHE_LINE; i++) {
        uint64_t word = atomic_load_explicit(&line[i], memory_order_relaxed);
        bool held = word != 0 && cache_holds(cache, index_place(word));
        uint64_t age = held ? tail - index_place(word) : word ? UINT64_MAX - 1 : UINT64_MAX;

        count += !held;
        if (age > *ret_age) {
            *ret_age = age;
            *ret_best = &line[i];
        }
    }
    return count;
}

/* The emptier line of the two, so that lines fill evenly. */
static _Atomic uint64_t *choose(const struct cache *cache, const uint8_t key[CACHE_KEY_BYTES])
{
    _Atomic uint64_t *best[2];
    uint64_t age[2];
    unsigned count[2];

    for (unsigned i = 0; i < 2; i++)
        count[i] = look_at(cache, line_of(cache, key, i), &best[i], &age[i]);
    if (count[0] != count[1])
        return best[count[1] > count[0]];
    return best[age[1] > age[0]];
}

/* An entry of the same key gives its word to the newer one. */
static _Atomic uint64_t *own_slot(const struct cache *cache, const uint8_t key[CACHE_KEY_BYTES])
{
    _Atomic uint64_t *slots[2 * CACHE_LINE];
    uint64_t words[2 * CACHE_LINE];
    unsigned count = index_find(cache, key, slots, words);

    for (unsigned i = 0; i < count; i++) {
        const struct cache_row *row = (const void *)cache_at(cache, index_place(words[i]));

        if (memcmp(row->key, key, CACHE_KEY_BYTES) == 0)
            return slots[i];
    }
    return NULL;
}

bool index_set(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES], uint64_t place)
{
    uint64_t word = mark_of(key) | ((place + 1) & ((1ULL << INDEX_PLACE_BITS) - 1));
    _Atomic uint64_t *own = own_slot(cache, key);
    _Atomic uint64_t *slot = own ? own : choose(cache, key);

    return atomic_exchange_explicit(slot, word, memory_order_acq_rel) != 0 && !own;
}
