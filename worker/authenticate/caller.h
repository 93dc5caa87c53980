/* worker/authenticate/caller.h
 *
 * Who asks: a key found in the snapshot by its public id, its secret compared by hash in
 * constant time. Unknown ids cost the same as wrong secrets. The row lives as long as the
 * snapshot.
 */
#ifndef WORKER_AUTHENTICATE_CALLER_H
#define WORKER_AUTHENTICATE_CALLER_H

#include "shared/base/fault.h"
#include "shared/base/hash.h"
#include "shared/base/secret.h"
#include "shared/snapshot/snapshot.h"

struct caller {
    const struct snapshot_key *key;
};

/* KEY as the client sent it. WALL_MS decides expiry and the grace of a rotated secret. MEMO is
 * the connection's, or NULL: it spares the hashing of the same secret, and decides nothing. */
enum fault caller_find(const struct snapshot *snapshot, struct secret key, int64_t wall_ms,
                       struct sha256_memo *memo, struct caller *ret);

/* Whether the caller may use a model of that name. An empty list allows nothing. */
bool caller_may_use(const struct snapshot *snapshot, const struct caller *caller,
                    struct span model);

#endif
