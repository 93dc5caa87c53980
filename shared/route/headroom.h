/* shared/route/headroom.h
 *
 * How much of its limits a provider account has used: by what it said in its last answer, and
 * by the rules for it. Atomics of the segment, read and written by all workers; time is a
 * parameter.
 */
#ifndef SHARED_ROUTE_HEADROOM_H
#define SHARED_ROUTE_HEADROOM_H

#include "shared/segment/segment.h"
#include "shared/snapshot/snapshot.h"

#define HEADROOM_ALL 1000 /* thousandths: nothing is left */

/* An answer said that USED thousandths of its tightest limit are used, until RESET_MS from now
 * on, when that limit is whole again. */
void headroom_note(struct target_pace *pace, uint32_t used, uint64_t reset_ms, uint64_t now_ms);
/* What is used of the tightest limit of PROVIDER, in thousandths; false: nobody says. */
bool headroom_used(const struct snapshot *snapshot, struct segment *segment,
                   const struct snapshot_provider *provider, uint64_t now_ms,
                   uint32_t *ret_used);

#endif
