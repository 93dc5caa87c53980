/* shared/limit/bucket.h
 *
 * The arithmetic of the segment's buckets: rates, places of concurrent requests, money. Any
 * process may call it at any time; each step is one atomic, so what is let in over all workers
 * is exact and a death leaves nothing locked. Times are CLOCK_MONOTONIC in nanoseconds, the
 * same for all processes of a host, so the wall clock may jump.
 *
 * token_bucket is the generic cell rate algorithm (ITU-T I.371): level[0] is the time at which
 * the bucket will be full again. sliding_window keeps two counters, of the window that runs
 * (level[window % 2]) and of the one before, which counts by the part of it that still lies in
 * the last WINDOW_MS. A rate of AMOUNT 0 lets nothing in.
 *
 * While `granted` is not UINT64_MAX, several hosts share the rate: what this host may let in
 * was granted to it, and `total` must not pass that. Of a budget level[0], what is spent and
 * reserved, must not pass it.
 */
#ifndef SHARED_LIMIT_BUCKET_H
#define SHARED_LIMIT_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/limit/limit.h"
#include "shared/segment/segment.h"

struct rate {
    uint64_t amount, burst; /* of the unit; burst: of token_bucket alone */
    uint64_t window_ms;
    uint32_t sharers;  /* hosts among whom it is divided while nothing is granted; at least 1 */
    uint8_t algorithm; /* enum limit_algorithm */
};

/* Where a counter stands. */
struct level {
    uint64_t limit, remaining; /* of the unit */
    uint64_t reset_ms;         /* until all of the limit remains */
    uint64_t retry_ms;         /* until the count that was refused fits; UINT64_MAX: never */
};

enum take {
    TAKE_DONE,
    TAKE_FULL,  /* there is no room for COUNT */
    TAKE_AWAITS /* a grant is missing; it was asked for and may come within milliseconds */
};

/* COUNT at NOW_NS, if there is room; RET says where the counter stands after it. */
enum take rate_take(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                    uint64_t count, struct level *ret);
/* COUNT without asking for room: a shadow, or what an estimate missed. */
void rate_add(struct bucket *bucket, const struct rate *rate, uint64_t now_ns, uint64_t count);
/* COUNT of what was taken at TAKEN_NS was not used after all. */
void rate_give_back(struct bucket *bucket, const struct rate *rate, uint64_t taken_ns,
                    uint64_t count);
void rate_level(struct bucket *bucket, const struct rate *rate, uint64_t now_ns,
                struct level *ret);

/* A place among MOST; false when all are taken. */
bool place_take(struct bucket *bucket, uint64_t most);
/* One more, whether there is room or not. */
void place_add(struct bucket *bucket);
void place_give_back(struct bucket *bucket);

/* NANO of a budget of AMOUNT nanodollars, if so much is neither spent nor reserved. */
enum take money_reserve(struct bucket *bucket, uint64_t amount, uint64_t nano);
/* Reserves without asking for room. */
void money_add(struct bucket *bucket, uint64_t nano);
/* RESERVED becomes SPENT, in two steps between which the note of the reservation goes: first it
 * is spent (the part of it that is above AMOUNT is returned), then the reservation is replaced.
 */
uint64_t money_spend(struct bucket *bucket, uint64_t amount, uint64_t spent);
void money_release(struct bucket *bucket, uint64_t reserved, uint64_t spent);

#endif
