#include "shared/route/headroom.h"

#include "shared/snapshot/rate.h"

/* A word: until when << 10 | used. 0: it never said anything. */
#define USED_BITS 10
#define USED_MASK ((1ULL << USED_BITS) - 1)

_Static_assert(HEADROOM_ALL <= USED_MASK, "fits");

void headroom_note(struct target_pace *pace, uint32_t used, uint64_t reset_ms, uint64_t now_ms)
{
    uint64_t until_ms = now_ms + reset_ms;

    if (used > HEADROOM_ALL)
        used = HEADROOM_ALL;
    atomic_store_explicit(&pace->room, until_ms << USED_BITS | used, memory_order_relaxed);
}

/* After the reset all of it is there, as far as anybody knows. */
static bool said(const struct target_pace *pace, uint64_t now_ms, uint32_t *ret_used)
{
    uint64_t word = atomic_load_explicit(&pace->room, memory_order_relaxed);

    *ret_used = word >> USED_BITS > now_ms ? (uint32_t)(word & USED_MASK) : 0;
    return word != 0;
}

static uint64_t share(uint64_t used, uint64_t limit)
{
    if (limit == 0 || used >= limit)
        return HEADROOM_ALL;
    return used < UINT64_MAX / HEADROOM_ALL ? used * HEADROOM_ALL / limit
                                            : used / (limit / HEADROOM_ALL + 1);
}

static uint64_t rule_used(struct segment *segment, const struct snapshot_limit *limit,
                          uint64_t now_ms)
{
    struct bucket *bucket = segment_bucket(segment, limit->bucket);
    uint32_t sharers = atomic_load_explicit(segment_sharers(segment), memory_order_relaxed);
    const struct rate rate = snapshot_rate(limit, sharers);
    struct level level;

    if (limit->unit == LIMIT_UNIT_concurrent)
        return share(atomic_load_explicit(&bucket->level[0], memory_order_relaxed),
                     limit->amount / sharers);
    rate_level(bucket, &rate, now_ms * 1000000, &level);
    return share(level.limit - level.remaining, level.limit);
}

bool headroom_used(const struct snapshot *snapshot, struct segment *segment,
                   const struct snapshot_provider *provider, uint64_t now_ms,
                   uint32_t *ret_used)
{
    const struct snapshot_scope *scope = snapshot_scope(snapshot, provider->scope);
    bool known = said(segment_pace(segment, provider->health_row), now_ms, ret_used);

    for (uint32_t i = 0; scope && i < scope->limits.count; i++) {
        const struct snapshot_limit *limit =
            SNAPSHOT_ROW(snapshot, scope->limits, i, snapshot_limit);
        uint64_t used;

        if (limit->mode != LIMIT_MODE_enforce)
            continue;
        used = rule_used(segment, limit, now_ms);
        *ret_used = used > *ret_used ? (uint32_t)used : *ret_used;
        known = true;
    }
    return known;
}
