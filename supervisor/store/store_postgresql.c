#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/arena.h"
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"

#include "supervisor/store/store_inside.h"

#define ROW_VALUES_MAX 64
#define CHANNEL        "aigw_changes" /* of announcements, the same in every aigw */

#define KEPT_MOST        6
#define KEPT_LEAST_BYTES 1024 /* reading a long statement costs more than running it */
#define KEPT_NAME_BYTES  16
#define STATEMENT_LIMIT  ((size_t)1 << 20)

/* A long statement that was said: when it is said again it is made ready, for all times after.
 */
struct kept_statement {
    struct buffer sql;
    bool ready;
};

struct server {
    PGconn *connection;
    struct kept_statement kept[KEPT_MOST];
    unsigned next; /* of them that is given up for another */
};

/* Types by their fixed object ids (pg_type.dat). */
#define TYPE_INT8 20
#define TYPE_INT2 21
#define TYPE_INT4 23

/* libpq has no time limit of its own for a server that is there and says nothing: everything is
 * sent without waiting, and waited for here.  True when the socket is ready before DEADLINE_MS.
 */
static bool wait_for(PGconn *connection, short events, uint64_t deadline_ms)
{
    for (;;) {
        uint64_t now_ms = clock_monotonic_ms();
        struct pollfd ready = {.fd = PQsocket(connection), .events = events};

        if (now_ms >= deadline_ms || ready.fd < 0)
            return false;
        int count = poll(&ready, 1, (int)(deadline_ms - now_ms));

        if (count > 0)
            return true;
        if (count < 0 && errno != EINTR)
            return false;
    }
}

static PGconn *connection_of(const struct store *store)
{
    const struct server *server = store->connection;

    return server->connection;
}

static int lose(struct store *store, const char *text)
{
    store->lost = true;
    return store_fail(store, -EAGAIN, text);
}

/* What an SQLSTATE means for the caller (store.h). */
static int meaning(struct store *store, const char *state)
{
    static const char *const passing[] = {"08", "40", "53", "57", "55P03"};

    if (strcmp(state, "23505") == 0)
        return -EEXIST;
    if (strcmp(state, "25006") == 0) { /* it became a standby: look for the other one */
        store->lost = true;
        return -EAGAIN;
    }
    for (unsigned i = 0; i < ARRAY_LEN(passing); i++) {
        if (strncmp(state, passing[i], strlen(passing[i])) == 0)
            return -EAGAIN;
    }
    return -EIO;
}

/* ---- statements
 * ------------------------------------------------------------------------------ */

static const char *parameter(struct arena *arena, const struct store_value *value)
{
    char number[24];
    struct span text = value->text;

    if (value->kind == STORE_NULL)
        return NULL;
    if (value->kind == STORE_NUMBER) {
        int len = snprintf(number, sizeof(number), "%lld", (long long)value->number);

        text = span_of(number, (size_t)len);
    }
    return arena_copy(arena, text).ptr;
}

static struct store_value column(const PGresult *result, int row, int index)
{
    Oid type = PQftype(result, index);
    const char *text = PQgetvalue(result, row, index);

    if (PQgetisnull(result, row, index))
        return (struct store_value){.kind = STORE_NULL};
    if (type == TYPE_INT8 || type == TYPE_INT4 || type == TYPE_INT2)
        return STORE_NUMBER_VALUE(strtoll(text, NULL, 10));
    return STORE_TEXT_VALUE(span_of(text, (size_t)PQgetlength(result, row, index)));
}

static int64_t give_rows(const PGresult *result, store_row_f *row, void *who)
{
    int count = PQnfields(result);
    struct store_value values[ROW_VALUES_MAX];

    CHECK(count <= ROW_VALUES_MAX);
    for (int i = 0; row && i < PQntuples(result); i++) {
        for (int index = 0; index < count; index++)
            values[index] = column(result, i, index);
        row(who, values, (unsigned)count);
    }
    return PQntuples(result);
}

static int64_t changed_rows(PGresult *result)
{
    uint64_t count = 0;

    return span_read_u64(span_of_text(PQcmdTuples(result)), &count) ? (int64_t)count : 0;
}

static int64_t take_result(struct store *store, PGresult *result, store_row_f *row, void *who)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK)
        return changed_rows(result);
    if (status == PGRES_TUPLES_OK)
        return give_rows(result, row, who);
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (PQstatus(connection_of(store)) != CONNECTION_OK || !state)
        return lose(store, text ? text : PQresultErrorMessage(result));
    return store_fail(store, meaning(store, state), text ? text : state);
}

static bool send_all(PGconn *connection, uint64_t deadline_ms)
{
    int left;

    while ((left = PQflush(connection)) > 0) {
        if (!wait_for(connection, POLLIN | POLLOUT, deadline_ms) || !PQconsumeInput(connection))
            return false;
    }
    return left == 0;
}

static bool receive_all(PGconn *connection, uint64_t deadline_ms)
{
    while (PQisBusy(connection)) {
        if (!wait_for(connection, POLLIN, deadline_ms) || !PQconsumeInput(connection))
            return false;
    }
    return true;
}

static int64_t answer(struct store *store, uint64_t deadline_ms, store_row_f *row, void *who)
{
    PGconn *connection = connection_of(store);
    int64_t rows = 0;

    if (!send_all(connection, deadline_ms))
        return lose(store, "it does not take the statement");
    for (;;) {
        if (!receive_all(connection, deadline_ms))
            return lose(store, PQstatus(connection) == CONNECTION_OK
                                   ? "it does not answer"
                                   : PQerrorMessage(connection));
        PGresult *result = PQgetResult(connection);

        if (!result)
            return rows;
        rows = take_result(store, result, row, who);
        PQclear(result);
    }
}

static void write_name(const struct server *server, const struct kept_statement *kept,
                       char ret[KEPT_NAME_BYTES])
{
    (void)snprintf(ret, KEPT_NAME_BYTES, "kept_%u", (unsigned)(kept - server->kept));
}

static uint64_t deadline_of(const struct store *store)
{
    /* The server ends a statement after its time; the second here is for its answer. */
    return clock_monotonic_ms() + store->wait_ms + 1000;
}

/* A place for SQL, which was not said lately: the one that was taken longest ago. */
static int64_t note(struct store *store, struct span sql)
{
    struct server *server = store->connection;
    struct kept_statement *kept = &server->kept[server->next++ % KEPT_MOST];
    char name[KEPT_NAME_BYTES], forget[KEPT_NAME_BYTES + 16];

    buffer_clear(&kept->sql);
    CHECK(buffer_append(&kept->sql, sql));
    if (!kept->ready)
        return 0;
    kept->ready = false;
    write_name(server, kept, name);
    (void)snprintf(forget, sizeof(forget), "deallocate %s", name);
    if (!PQsendQueryParams(server->connection, forget, 0, NULL, NULL, NULL, NULL, 0))
        return lose(store, PQerrorMessage(server->connection));
    return answer(store, deadline_of(store), NULL, NULL);
}

/* Makes a long statement ready that is said for the second time.  Its name goes to *RET_NAME,
 * empty when it is said as it is. */
static int64_t make_ready(struct store *store, const char *sql, int count,
                          char ret_name[KEPT_NAME_BYTES])
{
    struct server *server = store->connection;
    struct span text = span_of_text(sql);

    ret_name[0] = '\0';
    if (count == 0 || text.len < KEPT_LEAST_BYTES)
        return 0;
    for (unsigned i = 0; i < KEPT_MOST; i++) {
        struct kept_statement *kept = &server->kept[i];
        int64_t result = 0;

        if (!span_eq(buffer_span(&kept->sql), text))
            continue;
        write_name(server, kept, ret_name);
        if (!kept->ready) {
            result = PQsendPrepare(server->connection, ret_name, sql, count, NULL)
                         ? answer(store, deadline_of(store), NULL, NULL)
                         : lose(store, PQerrorMessage(server->connection));
            kept->ready = result >= 0;
        }
        return result;
    }
    return note(store, text);
}

static bool send_statement(PGconn *connection, const char *name, const char *sql, int count,
                           const char *const *texts)
{
    if (name[0])
        return PQsendQueryPrepared(connection, name, count, texts, NULL, NULL, 0);
    return PQsendQueryParams(connection, sql, count, NULL, texts, NULL, NULL, 0);
}

static int64_t run(struct store *store, const char *sql, const struct store_value *values,
                   unsigned count, store_row_f *row, void *who)
{
    struct arena arena;
    char name[KEPT_NAME_BYTES];
    int64_t result = make_ready(store, sql, (int)count, name);

    if (result < 0)
        return result;
    arena_init(&arena, 8192);
    const char **texts = ARENA_ARRAY(&arena, count + 1, const char *);

    for (unsigned i = 0; i < count; i++)
        texts[i] = parameter(&arena, &values[i]);
    if (send_statement(connection_of(store), name, sql, (int)count, texts))
        result = answer(store, deadline_of(store), row, who);
    else
        result = lose(store, PQerrorMessage(connection_of(store)));
    arena_done(&arena);
    return result;
}

/* ---- the connection
 * -------------------------------------------------------------------------- */

static void disconnect(struct store *store)
{
    struct server *server = store->connection;

    PQfinish(server->connection);
    for (unsigned i = 0; i < KEPT_MOST; i++)
        buffer_done(&server->kept[i].sql);
    memory_free(server);
}

static struct server *server_new(PGconn *connection)
{
    struct server *server = MEMORY_NEW(struct server);

    server->connection = connection;
    for (unsigned i = 0; i < KEPT_MOST; i++)
        buffer_init(&server->kept[i].sql, STATEMENT_LIMIT);
    return server;
}

static bool poll_until_open(PGconn *connection, uint64_t deadline_ms)
{
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (status != PGRES_POLLING_OK) {
        short events = status == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;

        if (status == PGRES_POLLING_FAILED || !wait_for(connection, events, deadline_ms))
            return false;
        status = PQconnectPoll(connection);
    }
    return true;
}

static void be_quiet(void *who, const PGresult *result)
{
    (void)who;
    (void)result;
}

static int set_up(struct store *store)
{
    static const char *const settings[] = {
        "select set_config('statement_timeout', $1, false)",
        "select set_config('lock_timeout', $1, false)",
        "select set_config('idle_in_transaction_session_timeout', $1, false)"};
    char wait[16];
    struct store_value value = {.kind = STORE_TEXT};

    (void)snprintf(wait, sizeof(wait), "%d", STORE_WAIT_MS);
    value.text = span_of_text(wait);
    for (unsigned i = 0; i < ARRAY_LEN(settings); i++) {
        int64_t result = run(store, settings[i], &value, 1, NULL, NULL);

        if (result < 0)
            return (int)result;
    }
    return (int)run(store, "listen " CHANNEL, NULL, 0, NULL, NULL);
}

/* Our own announcements come back too and say nothing new. */
static bool announced(struct store *store)
{
    PGconn *connection = connection_of(store);
    bool found = false;
    PGnotify *notice;

    if (!PQconsumeInput(connection)) {
        (void)lose(store, PQerrorMessage(connection));
        return false;
    }
    while ((notice = PQnotifies(connection)) != NULL) {
        found = found || notice->be_pid != PQbackendPID(connection);
        PQfreemem(notice);
    }
    return found;
}

static int connect_server(struct store *store)
{
    /* Keep-alives: an idle connection whose server is gone would hear of no change. */
    const char *const names[] = {"dbname",
                                 "target_session_attrs",
                                 "client_encoding",
                                 "application_name",
                                 "tcp_user_timeout",
                                 "keepalives_idle",
                                 "keepalives_interval",
                                 "keepalives_count",
                                 NULL};
    const char *const values[] = {store->address, "read-write", "UTF8", "aigw", "10000",
                                  "20",           "5",          "3",    NULL};
    PGconn *connection = PQconnectStartParams(names, values, 1);

    CHECK(connection); /* no memory */
    store->connection = server_new(connection);
    if (PQstatus(connection) == CONNECTION_BAD)
        return store_fail(store, -EAGAIN, PQerrorMessage(connection));
    if (!poll_until_open(connection, clock_monotonic_ms() + STORE_WAIT_MS))
        return store_fail(store, -EAGAIN,
                          PQstatus(connection) == CONNECTION_BAD ? PQerrorMessage(connection)
                                                                 : "it does not answer");
    (void)PQsetnonblocking(connection, 1);
    (void)PQsetNoticeReceiver(connection, be_quiet, NULL);
    return set_up(store);
}

static const struct store_driver driver = {
    .kind = "postgresql",
    .begin = "begin",
    /* Any number, the same in every aigw; freed with the transaction. */
    .migration_lock = "select pg_advisory_xact_lock(7020187204571) is null",
    .patience = "set local statement_timeout = '30min'",
    .announce = "select pg_notify('" CHANNEL "', '')",
    .announced = announced,
    .connect = connect_server,
    .disconnect = disconnect,
    .run = run,
};

const struct store_driver *store_postgresql_driver(void)
{
    return &driver;
}
