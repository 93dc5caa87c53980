/* supervisor/store/store.h
 *
 * The database: SQLite (a file) or PostgreSQL, behind one small interface.  Both run the same
 * SQL: text and bigint columns, parameters $1, $2, ..., `INSERT .. ON CONFLICT`, `RETURNING`.
 *
 * Blocking calls, for a job on the thread pool, never on a loop.  A store is one connection
 * behind one mutex: calls from several threads come one after another.  The connection is made
 * at the first call, its schema is brought up to date (sql/, under a lock), and it is made
 * again after a failure, with a back-off; a call in between fails at once.
 *
 * Results are negative errno-like numbers; store_write_error has the sentence:
 *   -EAGAIN   the database is away or locked; the same call may succeed later
 *   -EPROTO   it is damaged, not ours, or of a newer aigw; nothing was changed in it
 *   -EEXIST   a row with that key is there already
 *   -EIO      it refused the statement
 */
#ifndef SUPERVISOR_STORE_STORE_H
#define SUPERVISOR_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

#define STORE_WAIT_MS    5000 /* one statement, or making the connection */
#define STORE_VALUES_MAX 4096 /* parameters of one statement */

struct store;

enum store_value_kind {
    STORE_NULL,
    STORE_NUMBER,
    STORE_TEXT
};

struct store_value {
    enum store_value_kind kind;
    int64_t number;
    struct span text; /* UTF-8 without NUL bytes */
};

#define STORE_NUMBER_VALUE(n) \
    ((struct store_value){.kind = STORE_NUMBER, .number = (int64_t)(n)})
/* A span that is not there is NULL. */
#define STORE_TEXT_VALUE(s) store_text_value(s)

static inline struct store_value store_text_value(struct span text)
{
    return (struct store_value){.kind = text.ptr ? STORE_TEXT : STORE_NULL, .text = text};
}

/* One row of a result; the texts live until the function returns. */
typedef void store_row_f(void *who, const struct store_value *values, unsigned count);

/* SETTINGS: "sqlite:PATH" or "postgresql://..." (postgres:// too).  Does not connect.  NULL
 * with a sentence in *reterr when it is neither, or when this build has no PostgreSQL. */
struct store *store_open(struct span settings, struct buffer *reterr);
void store_close(struct store *store); /* NULL is fine */

/* Connects when it is not connected, without regard to the back-off.  0 or a negative errno. */
int store_connect(struct store *store);

/* Runs one statement; ROW (may be NULL) is called for each row of its result.  Returns how many
 * rows were changed or returned, or a negative errno. */
int64_t store_run(struct store *store, const char *sql, const struct store_value *values,
                  unsigned count, store_row_f *row, void *who);

/* Runs WORK in one transaction, which is committed when WORK returns 0 and taken back else.
 * WORK calls store_run on the same store.  Returns what WORK did, or why the commit failed. */
int store_transaction(struct store *store, int (*work)(struct store *store, void *who),
                      void *who);

/* One statement that others with the same database must learn of: when it changes a row, it and
 * the announcement are one transaction.  As store_run. */
int64_t store_change(struct store *store, const char *sql, const struct store_value *values,
                     unsigned count);
/* The same for several statements: WORK as in store_transaction. */
int store_announced(struct store *store, int (*work)(struct store *store, void *who),
                    void *who);
/* True when another connection has announced a change since the last call, or when one may have
 * been missed: the connection is new.  Connects when it must.  Always false with SQLite, whose
 * file has one user. */
bool store_changed(struct store *store);

/* "sqlite" or "postgresql". */
const char *store_kind(const struct store *store);
/* Whether it is SQLite, for the few statements that differ: it plans a long one dearly but runs
 * it cheaply again, and it has sum_most(x) as an aggregate of bigints that are not negative,
 * which stops at the greatest bigint. */
bool store_is_file(const struct store *store);
/* "open", "away" (will be tried again), "refused" (-EPROTO), "new" (never tried).  Does not
 * wait for a call that is running. */
const char *store_state(struct store *store);
/* The last failure as one line that names the database, without a password; nothing when the
 * last call succeeded. */
void store_write_error(struct store *store, struct buffer *out);

#endif
