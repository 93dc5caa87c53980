#include "supervisor/store/store.h"

#include <errno.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"

#include "supervisor/store/store_inside.h"

static char *copy_text(struct span text)
{
    char *copy = memory_new(text.len + 1);

    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

/* Of a connection string what is neither user, password nor parameter. */
static struct span public_part(struct span address)
{
    struct span rest = address;
    struct span place;
    size_t scheme = span_find(address, SPAN("://"));

    if (scheme == SIZE_MAX)
        return address;
    rest = span_skip(rest, scheme + 1);
    (void)span_cut(&rest, '?', &place);
    size_t at = span_find(place, SPAN("@"));

    /* A '?' in a password that is not encoded: better no name than half a password. */
    if (at == SIZE_MAX && span_find(address, SPAN("@")) != SIZE_MAX)
        return SPAN_NONE;
    for (; at != SIZE_MAX; at = span_find(place, SPAN("@")))
        place = span_skip(place, at + 1);
    return place;
}

static char *public_name(const char *kind, struct span address)
{
    struct buffer _buffer_ name;

    buffer_init(&name, 4096);
    (void)buffer_append_format(&name, "%s:", kind);
    struct span part = public_part(address);

    (void)buffer_append(&name, part);
    return copy_text(buffer_span(&name));
}

static const struct store_driver *choose(struct span settings, struct span *ret_address,
                                         struct buffer *reterr)
{
    *ret_address = settings;
    if (span_starts(settings, SPAN("sqlite:"))) {
        *ret_address = span_skip(settings, 7);
        if (ret_address->len > 0)
            return &store_sqlite_driver;
    } else if (span_starts(settings, SPAN("postgresql://")) ||
               span_starts(settings, SPAN("postgres://"))) {
        if (!store_postgresql_driver())
            (void)buffer_append(reterr, SPAN("store: this build has no PostgreSQL"));
        return store_postgresql_driver();
    }
    (void)buffer_append(reterr, SPAN("store: neither sqlite:PATH nor postgresql://..."));
    return NULL;
}

struct store *store_open(struct span settings, struct buffer *reterr)
{
    struct span address;
    const struct store_driver *driver = choose(settings, &address, reterr);
    pthread_mutexattr_t attributes;

    if (!driver)
        return NULL;
    struct store *store = MEMORY_NEW(struct store);

    store->driver = driver;
    store->address = copy_text(address);
    store->name = public_name(driver->kind, address);
    store->back_off_ms = STORE_BACK_OFF_MS;
    store->wait_ms = STORE_WAIT_MS;
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0);
    CHECK(pthread_mutex_init(&store->mutex, &attributes) == 0);
    CHECK(pthread_mutex_init(&store->error_mutex, NULL) == 0);
    (void)pthread_mutexattr_destroy(&attributes);
    return store;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->connection)
        store->driver->disconnect(store);
    (void)pthread_mutex_destroy(&store->mutex);
    (void)pthread_mutex_destroy(&store->error_mutex);
    memory_wipe(store->address, strlen(store->address));
    memory_free(store->address);
    memory_free(store->name);
    memory_free(store);
}

/* ---- failures
 * -------------------------------------------------------------------------------- */

int store_fail(struct store *store, int result, const char *text)
{
    size_t len = strcspn(text, "\r\n");

    (void)pthread_mutex_lock(&store->error_mutex);
    (void)snprintf(store->error, sizeof(store->error), "%s: %.*s", store->name, (int)len, text);
    (void)pthread_mutex_unlock(&store->error_mutex);
    return result;
}

static void forget_failure(struct store *store)
{
    (void)pthread_mutex_lock(&store->error_mutex);
    store->error[0] = '\0';
    (void)pthread_mutex_unlock(&store->error_mutex);
}

void store_write_error(struct store *store, struct buffer *out)
{
    (void)pthread_mutex_lock(&store->error_mutex);
    (void)buffer_append(out, span_of_text(store->error));
    (void)pthread_mutex_unlock(&store->error_mutex);
}

const char *store_kind(const struct store *store)
{
    return store->driver->kind;
}

bool store_is_file(const struct store *store)
{
    return store->driver == &store_sqlite_driver;
}

const char *store_state(struct store *store)
{
    static const char *const names[] = {"new", "open", "away", "refused"};

    return names[atomic_load(&store->condition)];
}

/* ---- the connection
 * -------------------------------------------------------------------------- */

static void drop(struct store *store)
{
    if (store->connection)
        store->driver->disconnect(store);
    store->connection = NULL;
    store->lost = false;
}

static void put_off(struct store *store, int result)
{
    drop(store);
    atomic_store(&store->condition, result == -EPROTO ? STORE_REFUSED : STORE_AWAY);
    store->retry_at_ms = clock_monotonic_ms() + store->back_off_ms;
    store->back_off_ms *= 2;
    if (store->back_off_ms > STORE_BACK_OFF_MOST)
        store->back_off_ms = STORE_BACK_OFF_MOST;
}

static int connect_now(struct store *store)
{
    int result = store->driver->connect(store);

    if (result == 0)
        result = store_migrate(store);
    if (result < 0) {
        put_off(store, result);
        return result;
    }
    store->back_off_ms = STORE_BACK_OFF_MS;
    store->lost = false;
    store->fresh = true;
    atomic_store(&store->condition, STORE_OPEN);
    forget_failure(store);
    return 0;
}

int store_connect(struct store *store)
{
    (void)pthread_mutex_lock(&store->mutex);
    int result = store->connection ? 0 : connect_now(store);

    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}

/* With the mutex held.  Within the back-off nothing is tried and the last sentence stays. */
static int be_connected(struct store *store)
{
    if (store->connection)
        return 0;
    if (store->retry_at_ms > clock_monotonic_ms())
        return atomic_load(&store->condition) == STORE_REFUSED ? -EPROTO : -EAGAIN;
    return connect_now(store);
}

/* ---- statements
 * ------------------------------------------------------------------------------ */

int64_t store_run(struct store *store, const char *sql, const struct store_value *values,
                  unsigned count, store_row_f *row, void *who)
{
    CHECK(count <= STORE_VALUES_MAX);
    (void)pthread_mutex_lock(&store->mutex);
    int64_t result = be_connected(store);

    if (result == 0 && store->lost)
        result = -EAGAIN; /* in a transaction whose connection is gone */
    else if (result == 0)
        result = store->driver->run(store, sql, values, count, row, who);
    if (store->lost && !store->in_transaction)
        put_off(store, (int)result);
    else if (result >= 0)
        forget_failure(store);
    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}

static int end_transaction(struct store *store, int result)
{
    const char *end = result == 0 ? "commit" : "rollback";
    int64_t ended = store->lost ? -EAGAIN : store->driver->run(store, end, NULL, 0, NULL, NULL);

    /* A commit that was refused leaves the transaction open (SQLite: busy). */
    if (ended < 0 && result == 0 && !store->lost)
        (void)store->driver->run(store, "rollback", NULL, 0, NULL, NULL);
    return result == 0 && ended < 0 ? (int)ended : result;
}

int store_transaction(struct store *store, int (*work)(struct store *store, void *who),
                      void *who)
{
    (void)pthread_mutex_lock(&store->mutex);
    CHECK(!store->in_transaction);
    int result = (int)store_run(store, store->driver->begin, NULL, 0, NULL, NULL);

    if (result >= 0) {
        store->in_transaction = true;
        result = end_transaction(store, work(store, who));
        store->in_transaction = false;
        if (store->lost)
            put_off(store, result);
    }
    (void)pthread_mutex_unlock(&store->mutex);
    return result;
}

/* ---- changes that others must learn of
 * ------------------------------------------------------------------------------ */

struct change {
    const char *sql;
    const struct store_value *values;
    unsigned count;
    int64_t rows;
};

static int run_change(struct store *store, void *who)
{
    struct change *change = who;
    int64_t told = 0;

    change->rows = store_run(store, change->sql, change->values, change->count, NULL, NULL);
    if (change->rows > 0 && store->driver->announce)
        told = store_run(store, store->driver->announce, NULL, 0, NULL, NULL);
    return (int)(change->rows < 0 ? change->rows : told < 0 ? told : 0);
}

int64_t store_change(struct store *store, const char *sql, const struct store_value *values,
                     unsigned count)
{
    struct change change = {.sql = sql, .values = values, .count = count};
    int result = store_transaction(store, run_change, &change);

    return result < 0 ? result : change.rows;
}

struct announced {
    int (*work)(struct store *store, void *who);
    void *who;
};

static int run_announced(struct store *store, void *who)
{
    const struct announced *announced = who;
    int result = announced->work(store, announced->who);
    int64_t told = 0;

    if (result == 0 && store->driver->announce)
        told = store_run(store, store->driver->announce, NULL, 0, NULL, NULL);
    return result == 0 && told < 0 ? (int)told : result;
}

int store_announced(struct store *store, int (*work)(struct store *store, void *who), void *who)
{
    struct announced announced = {work, who};

    return store_transaction(store, run_announced, &announced);
}

bool store_changed(struct store *store)
{
    bool changed = false;

    if (!store->driver->announced)
        return false;
    (void)pthread_mutex_lock(&store->mutex);
    if (be_connected(store) == 0) {
        changed = store->driver->announced(store) || store->fresh;
        store->fresh = false;
        if (store->lost)
            put_off(store, -EAGAIN);
    }
    (void)pthread_mutex_unlock(&store->mutex);
    return changed;
}
