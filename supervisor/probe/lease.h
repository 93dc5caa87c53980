/* supervisor/probe/lease.h
 *
 * Of several hosts with one store, one asks an account: a row of the table provider_probes says
 * which, until when, and what the last answer was, for the others.  All calls block (see
 * store.h) and return 0 or a negative errno of the store.  Time is the caller's wall clock: one
 * that is wrong makes questions more or fewer, nothing else.
 */
#ifndef SUPERVISOR_PROBE_LEASE_H
#define SUPERVISOR_PROBE_LEASE_H

#include "supervisor/store/store.h"

struct probe_lease {
    bool mine;       /* the caller is to ask, and to tell by probe_lease_tell */
    uint64_t number; /* of the last answer, from 1; 0: none yet */
    uint16_t status; /* that it had; 0: there was no answer in time */
};

/* HOST asks PROVIDER if nobody else does; then for HOLD_MS, and longer by asking again. */
int probe_lease_take(struct store *store, struct span provider, struct span host,
                     int64_t now_ms, uint64_t hold_ms, struct probe_lease *ret);
/* What came of the question; nothing if another host took over meanwhile. */
int probe_lease_tell(struct store *store, struct span provider, struct span host,
                     uint16_t status);

#endif
