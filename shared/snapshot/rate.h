/* shared/snapshot/rate.h
 *
 * A limit of the snapshot as the arithmetic of its counter wants it.
 */
#ifndef SHARED_SNAPSHOT_RATE_H
#define SHARED_SNAPSHOT_RATE_H

#include "shared/limit/bucket.h"
#include "shared/snapshot/snapshot.h"

/* SHARERS: among whom it is divided while nothing is granted. */
static inline struct rate snapshot_rate(const struct snapshot_limit *limit, uint32_t sharers)
{
    return (struct rate){.amount = limit->amount,
                         .burst = limit->burst,
                         .window_ms = limit->window_ms,
                         .sharers = sharers,
                         .algorithm = limit->algorithm};
}

#endif
