#include "shared/cache/cache.h"

#include <errno.h>
#include <string.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/cache/cache_inside.h"

#define ROOM_SHARE 8 /* of the ring, that one entry may take at most */

/* ---- stamps -------------------------------------------------------------------------------
 */

static uint32_t word_of(enum cache_group group, struct span subject)
{
    uint64_t hash = hash_fast(subject) ^ (uint64_t)group * 0x9e3779b97f4a7c15ULL;

    return group == CACHE_ALL ? 0 : 1 + (uint32_t)(hash % (CACHE_WORDS - 1));
}

uint64_t cache_mark(const struct cache *cache, uint32_t word)
{
    return atomic_load_explicit(&cache->marks[word], memory_order_acquire);
}

struct cache_stamp cache_stamp(struct cache *cache, enum cache_group group, struct span subject)
{
    uint32_t word = word_of(group, subject);

    return (struct cache_stamp){word & (CACHE_WORDS - 1),
                                cache_mark(cache, word) & CACHE_MARK_MOST};
}

void cache_mark_raise(struct cache *cache, uint32_t word, uint64_t mark)
{
    uint64_t now = cache_mark(cache, word);

    while (mark > now && !atomic_compare_exchange_weak(&cache->marks[word], &now, mark))
        ;
}

/* Later than the last clearing, whatever the clock says. */
void cache_clear(struct cache *cache, enum cache_group group, struct span subject,
                 int64_t now_ms)
{
    uint32_t word = word_of(group, subject);
    uint64_t mark = (uint64_t)now_ms * 1000, last = cache_mark(cache, word);

    cache_mark_raise(cache, word, mark > last ? mark : last + 1);
}

void cache_marks_heard(struct cache *cache, uint64_t now_ms)
{
    atomic_store_explicit(&cache->head->heard_ms, now_ms, memory_order_release);
}

bool cache_marks_known(const struct cache *cache, uint64_t now_ms, uint64_t within_ms)
{
    uint64_t heard_ms = atomic_load_explicit(&cache->head->heard_ms, memory_order_acquire);

    return heard_ms > 0 && (heard_ms >= now_ms || now_ms - heard_ms <= within_ms);
}

static bool is_cleared(const struct cache *cache, const struct cache_entry *entry)
{
    for (uint32_t i = 0; i < entry->stamp_count; i++)
        if (cache_mark(cache, entry->stamps[i].word) != entry->stamps[i].mark)
            return true;
    return false;
}

bool cache_is_void(const struct cache *cache, const struct cache_entry *entry, int64_t now_ms)
{
    return entry->expires_ms <= now_ms || entry->stored_ms > now_ms || is_cleared(cache, entry);
}

/* ---- entries ----------------------------------------------------------------------------- */

/* Over all that the entry is, the place that it was made for included: what was torn, or is of
 * another lap of the ring, has another sum. */
static uint64_t sum_of(const struct cache_row *row, struct span rest)
{
    struct cache_row clean = *row;

    clean.check = 0;
    return hash_fast(span_of((const char *)&clean, sizeof(clean))) * 3 ^ hash_fast(rest);
}

static uint64_t units_of(uint64_t bytes)
{
    return (bytes + CACHE_UNIT - 1) / CACHE_UNIT;
}

/* What stands in the memory may be anything: it is a row when all its numbers fit together. */
static bool row_fits(const struct cache *cache, const struct cache_row *row, uint64_t place)
{
    uint64_t bytes = sizeof(*row) + row->stamp_count * sizeof(struct cache_stamp);

    for (unsigned i = 0; i < CACHE_PARTS; i++)
        bytes += row->len[i];
    return row->place == place && row->stamp_count <= CACHE_STAMPS && row->bytes == bytes &&
           units_of(bytes) <= cache->units / ROOM_SHARE;
}

static void read_entry(const struct cache_row *row, const char *at, struct cache_entry *ret)
{
    *ret = (struct cache_entry){
        .stored_ms = row->stored_ms,
        .expires_ms = row->expires_ms,
        .cost_nano = row->cost_nano,
        .flags = row->flags,
        .stamp_count = row->stamp_count,
    };
    memcpy(ret->stamps, at, row->stamp_count * sizeof(ret->stamps[0]));
    at += row->stamp_count * sizeof(ret->stamps[0]);
    for (unsigned i = 0; i < CACHE_PARTS; at += row->len[i++])
        ret->parts[i] = span_of(at, row->len[i]);
}

/* The entry at PLACE, copied first and judged then. */
static enum cache_found copy_out(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                                 uint64_t place, struct buffer *copy, struct cache_entry *ret)
{
    const uint8_t *at = cache_at(cache, place);
    struct cache_row row;
    struct span rest;

    memcpy(&row, at, sizeof(row));
    if (!cache_holds(cache, place))
        return CACHE_MISS;
    if (row.place == place && memcmp(row.key, key, CACHE_KEY_BYTES) != 0)
        return CACHE_MISS;
    if (!row_fits(cache, &row, place))
        return cache_holds(cache, place) ? CACHE_CORRUPT : CACHE_MISS;
    rest = span_of((const char *)at + sizeof(row), row.bytes - sizeof(row));
    buffer_clear(copy);
    if (!buffer_append(copy, rest))
        return CACHE_MISS;
    atomic_thread_fence(memory_order_acquire);
    if (!cache_holds(cache, place))
        return CACHE_MISS;
    if (sum_of(&row, buffer_span(copy)) != row.check)
        return CACHE_CORRUPT;
    read_entry(&row, copy->ptr, ret);
    return CACHE_HIT;
}

static void forget_word(_Atomic uint64_t *slot, uint64_t word)
{
    (void)atomic_compare_exchange_strong(slot, &word, 0);
}

/* Also when it is void or too old; the word that led to it in *ret_slot. */
static enum cache_found find(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                             struct buffer *copy, struct cache_entry *ret, uint64_t *ret_word,
                             _Atomic uint64_t **ret_slot)
{
    _Atomic uint64_t *slots[2 * CACHE_LINE];
    uint64_t words[2 * CACHE_LINE];
    unsigned count = index_find(cache, key, slots, words);
    enum cache_found found = CACHE_MISS;

    for (unsigned i = 0; i < count; i++) {
        enum cache_found here = copy_out(cache, key, index_place(words[i]), copy, ret);

        if (here == CACHE_CORRUPT)
            forget_word(slots[i], words[i]);
        if (here != CACHE_MISS)
            found = here;
        *ret_word = words[i];
        *ret_slot = slots[i];
        if (here == CACHE_HIT)
            break;
    }
    return found;
}

enum cache_found cache_get(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
                           int64_t now_ms, struct buffer *copy, struct cache_entry *ret)
{
    _Atomic uint64_t *slot;
    uint64_t word;
    enum cache_found found = find(cache, key, copy, ret, &word, &slot);
    bool evicted;

    if (found != CACHE_HIT)
        return found;
    if (cache_is_void(cache, ret, now_ms)) {
        forget_word(slot, word);
        return CACHE_MISS;
    }
    if (cache_tail(cache) - index_place(word) > cache->units / 2)
        (void)cache_put(cache, key, ret, &evicted);
    return CACHE_HIT;
}

/* ---- writing ----------------------------------------------------------------------------- */

static bool measure(const struct cache *cache, const struct cache_entry *entry, uint32_t *ret)
{
    uint64_t bytes = sizeof(struct cache_row) + entry->stamp_count * sizeof(struct cache_stamp);

    for (unsigned i = 0; i < CACHE_PARTS; i++)
        if (__builtin_add_overflow(bytes, entry->parts[i].len, &bytes))
            return false;
    if (bytes > UINT32_MAX || units_of(bytes) > cache->units / ROOM_SHARE)
        return false;
    *ret = (uint32_t)bytes;
    return true;
}

static struct cache_row make_row(const uint8_t key[CACHE_KEY_BYTES],
                                 const struct cache_entry *entry, uint32_t bytes,
                                 uint64_t place)
{
    struct cache_row row = {
        .place = place,
        .stored_ms = entry->stored_ms,
        .expires_ms = entry->expires_ms,
        .cost_nano = entry->cost_nano,
        .flags = entry->flags,
        .stamp_count = entry->stamp_count,
        .bytes = bytes,
    };

    memcpy(row.key, key, CACHE_KEY_BYTES);
    for (unsigned i = 0; i < CACHE_PARTS; i++)
        row.len[i] = (uint32_t)entry->parts[i].len;
    return row;
}

static struct span join(const struct cache_entry *entry, uint32_t bytes, struct buffer *joined)
{
    buffer_init(joined, bytes);
    (void)buffer_append(joined, span_of((const char *)entry->stamps,
                                        entry->stamp_count * sizeof(entry->stamps[0])));
    for (unsigned i = 0; i < CACHE_PARTS; i++)
        if (entry->parts[i].len > 0)
            (void)buffer_append(joined, entry->parts[i]);
    return buffer_span(joined);
}

bool cache_put(struct cache *cache, const uint8_t key[CACHE_KEY_BYTES],
               const struct cache_entry *entry, bool *ret_evicted)
{
    struct buffer joined _buffer_;
    struct cache_row row;
    struct span rest;
    uint32_t bytes;
    uint8_t *at;

    CHECK(entry->stamp_count <= CACHE_STAMPS);
    buffer_init(&joined, 0);
    *ret_evicted = false;
    if (!measure(cache, entry, &bytes))
        return false;
    rest = join(entry, bytes, &joined);
    row = make_row(
        key, entry, bytes,
        atomic_fetch_add_explicit(&cache->head->tail, units_of(bytes), memory_order_acq_rel));
    row.check = sum_of(&row, rest);
    at = cache->ring + row.place % cache->units * CACHE_UNIT;
    memcpy(at + sizeof(row), rest.ptr, rest.len);
    memcpy(at, &row, sizeof(row));
    *ret_evicted = index_set(cache, key, row.place);
    return true;
}

struct cache_figures cache_figures(struct cache *cache)
{
    struct cache_figures figures = {
        .bytes = INDEX_OFFSET + cache->slots * sizeof(uint64_t) + cache->units * CACHE_UNIT,
        .ring_bytes = cache->units * CACHE_UNIT,
        .written_bytes = cache_tail(cache) * CACHE_UNIT,
        .slots = cache->slots,
    };

    for (uint64_t i = 0; i < cache->slots; i++) {
        uint64_t word = atomic_load_explicit(&cache->index[i], memory_order_relaxed);

        figures.entries += word != 0 && cache_holds(cache, index_place(word));
    }
    return figures;
}
