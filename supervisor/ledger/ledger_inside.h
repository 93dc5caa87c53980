/* supervisor/ledger/ledger_inside.h
 *
 * What the files of this folder share.  All of it is used with the ledger's mutex held, but for
 * the status, which has its own.
 */
#ifndef SUPERVISOR_LEDGER_LEDGER_INSIDE_H
#define SUPERVISOR_LEDGER_LEDGER_INSIDE_H

#include <pthread.h>

#include "shared/journal/journal.h"

#include "supervisor/ledger/ledger.h"
#include "supervisor/ledger/ledger_chain.h"
#include "supervisor/ledger/ledger_sums.h"

#define LEDGER_CHUNK_BYTES (1U << 20) /* read at once; more than any record */
#define LEDGER_HOST_MAX    64
#define LEDGER_NAME_BYTES  32 /* of a file, without its folder */
#define LEDGER_KEY_BYTES   96 /* "HOST/NUMBER": its row in journal_positions */

/* A journal file that is there. */
struct tailed {
    uint64_t number;
    uint64_t position, size;
    bool done;    /* its name says that the writer ended it */
    bool loaded;  /* position is what the store says */
    bool present; /* seen in this step's listing */
    bool damaged; /* counted in damaged_files */
};

struct ledger {
    struct store *store;
    pthread_mutex_t mutex;
    int folder_fd;
    char host[LEDGER_HOST_MAX + 1];
    struct journal journal; /* for the records of dead workers */
    struct tailed *files;   /* by number, lowest first */
    unsigned count, room;
    char *chunk;
    pthread_mutex_t status_mutex;
    struct ledger_status status;
};

/* What was read from one file, to go into the store in one transaction. */
struct ledger_batch {
    struct ledger *ledger;
    struct usage_record records[LEDGER_BATCH]; /* texts: spans into the chunk */
    bool repeated[LEDGER_BATCH];               /* known to be in the store already */
    unsigned count;
    uint64_t damaged;
    uint64_t position; /* after the batch */
    int64_t added;     /* rows that were new */
    char key[LEDGER_KEY_BYTES];
};

/* Fills BATCH from the bytes at its position; ENDED: nobody will write more after them. */
void ledger_read(struct ledger_batch *batch, char *bytes, size_t count, bool ended);

/* Rows, sums and position in one transaction.  0 or a negative errno. */
int ledger_put(struct ledger_batch *batch);

/* A record of the batch is in the store already, and is not marked so. */
#define LEDGER_REPEATED (-EALREADY)
/* The rows of what is not marked as repeated, in the caller's transaction; moves the heads of
 * their chains on and adds them to the sums. */
int ledger_put_rows(struct store *store, struct ledger_batch *batch, struct chains *chains,
                    struct sums *sums);
/* Marks what the store has, and all but the first of several with one id. */
int ledger_mark_repeated(struct ledger_batch *batch);

void ledger_file_name(uint64_t number, bool done, char ret[LEDGER_NAME_BYTES]);

/* Brings the list of files up to date with the folder.  0 or a negative errno. */
int ledger_list(struct ledger *ledger);

/* Opens FILE under either name (the writer may end it at any time).  *ret_ended: nobody writes
 * it any more; asked before its size is.  The descriptor, or a negative errno. */
int ledger_open_file(struct ledger *ledger, struct tailed *file, bool *ret_ended);

#endif
