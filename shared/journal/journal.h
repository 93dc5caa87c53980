/* shared/journal/journal.h
 *
 * Append-only files of usage records.  A writer (a worker, or the controller for the dead) owns
 * one file at a time: STATE_DIR/journal/NUMBER.journal (16 hex digits; numbers from
 * segment_next_journal and the boot time, so that they never repeat).  Records are collected
 * during a loop turn and go out with one write(2), so a kill -9 loses nothing of earlier turns.
 * When the disk refuses, records stay in memory up to JOURNAL_KEEP_BYTES, then they are counted
 * as lost.  A file that reached JOURNAL_FILE_BYTES is ended (renamed to NUMBER.done) and a new
 * one begun; the ledger deletes a file after its last record is in the store.  The writer holds
 * an exclusive flock(2) on its file for as long as it lives, which is how the ledger tells a
 * file whose writer died; the descriptor must not be inherited by another process.
 */
#ifndef SHARED_JOURNAL_JOURNAL_H
#define SHARED_JOURNAL_JOURNAL_H

#include "shared/base/buffer.h"
#include "shared/journal/record.h"

#define JOURNAL_FILE_BYTES (64U << 20)
#define JOURNAL_KEEP_BYTES (64U << 20)

struct journal {
    int fd, folder_fd;
    uint64_t number, file_bytes;
    uint64_t (*next_number)(void *who);
    void *who;
    struct buffer waiting;
    uint64_t failures, lost, written_bytes;
    int last_error; /* negative errno of the last failed write, 0 since one succeeded */
};

/* Makes the folder when it is missing.  0 or a negative errno. */
int journal_open(struct journal *journal, struct span state_dir,
                 uint64_t (*next_number)(void *who), void *who);
void journal_append(struct journal *journal, const struct usage_record *record);
/* Writes what waits.  0, or a negative errno (what waits is kept). */
int journal_flush(struct journal *journal);
void journal_close(struct journal *journal); /* flushes, renames to .done */

#endif
