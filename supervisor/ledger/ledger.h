/* supervisor/ledger/ledger.h
 *
 * Carries usage records from the journals (shared/journal) into the store, each exactly once: a
 * batch and the position reached go in one transaction, and the request id is the table's key.
 * A file is deleted when its writer is done or dead (nobody holds its lock) and its last record
 * is in the store.  With the database away nothing is lost: the files wait.
 *
 * Blocking calls for the thread pool of the controller, one at a time (a mutex inside);
 * ledger_status never waits.  The timer, and what is logged, is the controller's.
 */
#ifndef SUPERVISOR_LEDGER_LEDGER_H
#define SUPERVISOR_LEDGER_LEDGER_H

#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/segment/segment.h"

#include "supervisor/store/store.h"

#define LEDGER_BATCH     1000  /* records of one transaction */
#define LEDGER_WAIT_MS   1000  /* to wait after a step that failed */
#define LEDGER_FILES_MAX 65536 /* files looked at in one step */

struct ledger;

struct ledger_status {
    uint64_t waiting_bytes; /* in the journals, not in the store; as of the last step */
    uint64_t waiting_files;
    uint64_t records_total;  /* put into the store since the start */
    uint64_t repeated_total; /* of records that were there already */
    uint64_t damaged_total;  /* stretches of damaged bytes that were skipped */
    uint64_t damaged_files;  /* files they were in: worth a line in the log when it grows */
    char damaged_name[24];   /* the last of them */
    int last_error;          /* of the last step; 0: it succeeded */
    char error_text[200];
};

/* STORE stays the caller's.  NEXT_NUMBER as for journal_open: the ledger has a journal of its
 * own for the records of dead workers.  NULL with a sentence in *reterr. */
struct ledger *ledger_open(struct span state_dir, struct store *store,
                           uint64_t (*next_number)(void *who), void *who,
                           struct buffer *reterr);
void ledger_close(struct ledger *ledger); /* NULL is fine */

/* Puts up to LEDGER_BATCH records into the store.  1: there may be more, call again at once;
 * 0: all was read; negative errno: nothing was lost, call again after LEDGER_WAIT_MS. */
int ledger_step(struct ledger *ledger);

/* Steps until all is read that was there at the call, at most MOST_MS long.  0, -EAGAIN when
 * the time was not enough, or the error of the last step. */
int ledger_flush(struct ledger *ledger, uint64_t most_ms);

/* Writes a record (ABORTED, worker_died) for each exchange of the dead worker of SLOT that was
 * sent to a provider and is in no journal, then frees its rows and sets the slot FREE.  0 also
 * when the slot is not DEAD; a negative errno: the slot stays DEAD, call again later. */
int ledger_sweep(struct ledger *ledger, struct segment *segment, uint32_t slot, int64_t now_ms);

void ledger_status(struct ledger *ledger, struct ledger_status *ret);

#endif
