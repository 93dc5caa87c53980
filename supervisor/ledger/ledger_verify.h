/* supervisor/ledger/ledger_verify.h
 *
 * Walks the chains of the store (ledger_chain.h), a bounded stretch at a time, and names the
 * first row that was changed, taken away or put in by another than the ledger.  Other hosts may
 * write and retention may run meanwhile.  Who can write to the database can make a whole new
 * chain that is right in itself: against that, a head that was noted elsewhere helps.
 *
 * Blocking, for the thread pool; texts of a report live in the arena.
 */
#ifndef SUPERVISOR_LEDGER_LEDGER_VERIFY_H
#define SUPERVISOR_LEDGER_LEDGER_VERIFY_H

#include "shared/base/arena.h"
#include "shared/base/hash.h"

#include "supervisor/store/store.h"

#define VERIFY_ROWS 20000 /* of one stretch */

/* Where the walk stands: after row SEQ of a chain, whose hash is HASH.  All zero: the
 * beginning. */
struct verify_place {
    int64_t chain, seq;
    uint8_t hash[SHA256_SIZE];
};

struct verify_report {
    uint64_t rows;       /* that are right, of this stretch */
    bool done;           /* the last chain was walked to its end */
    const char *finding; /* "changed", "removed", "inserted"; NULL: nothing is wrong so far */
    struct span host, month, request_id; /* of the row, as far as they are known */
    int64_t seq, last_seq;               /* removed: the first and the last that are missing */
};

/* Moves *PLACE on.  0 or a negative errno of the store. */
int ledger_verify(struct store *store, struct verify_place *place, struct arena *arena,
                  struct verify_report *ret);

/* One row for each chain, newest month first: host, month, seq, hash, removed_seq. */
int64_t ledger_chains(struct store *store, unsigned limit, store_row_f *row, void *who);

#endif
