/* supervisor/store/store_inside.h
 *
 * What the files of this folder share: the store itself, and what a driver (SQLite, PostgreSQL)
 * must do.  Drivers are called with the store's mutex held.
 */
#ifndef SUPERVISOR_STORE_STORE_INSIDE_H
#define SUPERVISOR_STORE_STORE_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "supervisor/store/store.h"

#define STORE_ERROR_BYTES   400
#define STORE_MIGRATE_MS    1800000 /* one statement of a migration */
#define STORE_BACK_OFF_MS   250     /* doubled after each failure */
#define STORE_BACK_OFF_MOST 4000

struct store_driver {
    const char *kind;
    const char *begin;          /* begins a transaction that will write */
    const char *migration_lock; /* first statement in it when migrating, or NULL */
    const char *patience;       /* before it: statements may take STORE_MIGRATE_MS; or NULL */
    const char *announce;       /* tells the others of a change, or NULL: there are none */
    /* Whether another one has announced something; sets store->lost when the connection is not
     * usable any more.  NULL with `announce`. */
    bool (*announced)(struct store *store);
    /* 0 or a negative errno, with store_fail called. */
    int (*connect)(struct store *store);
    void (*disconnect)(struct store *store);
    /* As store_run; sets store->lost when the connection is not usable any more. */
    int64_t (*run)(struct store *store, const char *sql, const struct store_value *values,
                   unsigned count, store_row_f *row, void *who);
};

enum store_condition {
    STORE_NEW,
    STORE_OPEN,
    STORE_AWAY,
    STORE_REFUSED
};

struct store {
    const struct store_driver *driver;
    char *address;         /* path or connection string; may hold a password */
    char *name;            /* for people: without one */
    pthread_mutex_t mutex; /* recursive: a transaction's work calls store_run */
    void *connection;      /* the driver's; NULL: not connected */
    uint64_t wait_ms;      /* for one statement */
    bool lost, in_transaction;
    bool fresh; /* connected since store_changed was asked: what was announced before is lost */
    uint64_t retry_at_ms, back_off_ms; /* monotonic */
    _Atomic int condition;             /* enum store_condition */
    pthread_mutex_t error_mutex;       /* held for a copy only */
    char error[STORE_ERROR_BYTES];
};

extern const struct store_driver store_sqlite_driver;
/* NULL in a build without PostgreSQL. */
const struct store_driver *store_postgresql_driver(void);

/* Keeps the sentence (its first line) as the store's last failure; returns RESULT. */
int store_fail(struct store *store, int result, const char *text);

/* Brings the schema up to date; 0 or a negative errno, -EPROTO for one that is not ours. */
int store_migrate(struct store *store);

#endif
