#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/store/store_inside.h"

#define ROW_VALUES_MAX   64
#define STATEMENT_LIMIT  ((size_t)1 << 20)
#define KEPT_LEAST_BYTES 1024 /* reading a long statement costs more than running it */

#define KEPT_MOST 4

struct kept_statement {
    sqlite3_stmt *statement; /* NULL: none, or it runs */
    struct buffer sql;
};

/* A connection, and the last long statements that ran on it, ready to run again: the ledger
 * says the same few for each batch of records. */
struct database {
    sqlite3 *handle;
    struct kept_statement kept[KEPT_MOST];
    unsigned next; /* of them that is given up for another */
};

static sqlite3 *handle_of(const struct store *store)
{
    const struct database *database = store->connection;

    return database->handle;
}

/* What a result code means for the caller (store.h). */
static int meaning(struct store *store, int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL: return -EAGAIN;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY: store->lost = true; return -EAGAIN;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: store->lost = true; return -EPROTO;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE
                   ? -EEXIST
                   : -EIO;
    default: return -EIO;
    }
}

static int fail(struct store *store, int code)
{
    return store_fail(store, meaning(store, code), sqlite3_errmsg(handle_of(store)));
}

static int bind(sqlite3_stmt *statement, const struct store_value *values, unsigned count)
{
    int code = SQLITE_OK;

    for (int i = 0; i < (int)count && code == SQLITE_OK; i++) {
        const struct store_value *value = &values[i];

        switch (value->kind) {
        case STORE_NULL: code = sqlite3_bind_null(statement, i + 1); break;
        case STORE_NUMBER: code = sqlite3_bind_int64(statement, i + 1, value->number); break;
        case STORE_TEXT:
            code = sqlite3_bind_text64(statement, i + 1, value->text.ptr, value->text.len,
                                       SQLITE_STATIC, SQLITE_UTF8);
            break;
        }
    }
    return code;
}

static void give_row(sqlite3_stmt *statement, store_row_f *row, void *who)
{
    struct store_value values[ROW_VALUES_MAX];
    int count = sqlite3_column_count(statement);

    CHECK(count <= ROW_VALUES_MAX);
    for (int i = 0; i < count; i++) {
        int type = sqlite3_column_type(statement, i);

        values[i] = (struct store_value){.kind = STORE_NULL};
        if (type == SQLITE_INTEGER)
            values[i] = STORE_NUMBER_VALUE(sqlite3_column_int64(statement, i));
        else if (type != SQLITE_NULL)
            values[i] =
                STORE_TEXT_VALUE(span_of((const char *)sqlite3_column_text(statement, i),
                                         (size_t)sqlite3_column_bytes(statement, i)));
    }
    row(who, values, (unsigned)count);
}

/* SQLite has no $1; its ?1 is the same, and a lone ? is the next number.  The lone one is used
 * where it can be: SQLite looks through all numbered ones for each more (quadratic). */
static void rewrite(const char *sql, struct buffer *out)
{
    unsigned long most = 0; /* the highest so far: a lone ? is the one after it */

    while (*sql) {
        size_t plain = strcspn(sql, "$");
        char *end = NULL;

        (void)buffer_append(out, span_of(sql, plain));
        sql += plain;
        if (*sql != '$')
            break;
        unsigned long number = strtoul(sql + 1, &end, 10);

        (void)buffer_append_byte(out, '?');
        if (number != most + 1)
            (void)buffer_append_u64(out, number);
        most = number > most ? number : most;
        sql = end;
    }
    CHECK(!out->failed);
}

static int step_all(sqlite3_stmt *statement, store_row_f *row, void *who, int64_t *ret_rows)
{
    int code;

    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        ++*ret_rows;
        if (row)
            give_row(statement, row, who);
    }
    return code;
}

/* The statement for SQL, as it was kept or new. */
static int prepare(struct database *database, const char *sql, sqlite3_stmt **ret)
{
    struct buffer _buffer_ text;

    buffer_init(&text, STATEMENT_LIMIT); /* before any return: its end frees it */
    for (unsigned i = 0; i < KEPT_MOST; i++) {
        struct kept_statement *kept = &database->kept[i];

        if (kept->statement && span_eq(buffer_span(&kept->sql), span_of_text(sql))) {
            *ret = kept->statement;
            kept->statement = NULL;
            return SQLITE_OK;
        }
    }
    rewrite(sql, &text);
    return sqlite3_prepare_v2(database->handle, text.ptr, (int)text.len, ret, NULL);
}

/* Where a statement came from goes it back to: its text is there still. */
static struct kept_statement *place_for(struct database *database, struct span text)
{
    for (unsigned i = 0; i < KEPT_MOST; i++) {
        if (!database->kept[i].statement && span_eq(buffer_span(&database->kept[i].sql), text))
            return &database->kept[i];
    }
    return &database->kept[database->next++ % KEPT_MOST];
}

/* A statement has run: a long one waits for the next time. */
static void put_away(struct database *database, const char *sql, sqlite3_stmt *statement)
{
    struct span text = span_of_text(sql);

    if (!statement || text.len < KEPT_LEAST_BYTES) {
        (void)sqlite3_finalize(statement);
        return;
    }
    (void)sqlite3_reset(statement); /* says again what step said */
    (void)sqlite3_clear_bindings(statement);
    struct kept_statement *kept = place_for(database, text);

    (void)sqlite3_finalize(kept->statement);
    kept->statement = statement;
    buffer_clear(&kept->sql);
    CHECK(buffer_append(&kept->sql, text));
}

static int64_t run(struct store *store, const char *sql, const struct store_value *values,
                   unsigned count, store_row_f *row, void *who)
{
    struct database *database = store->connection;
    sqlite3_stmt *statement = NULL;
    int64_t rows = 0;
    int code = prepare(database, sql, &statement);

    if (code == SQLITE_OK)
        code = bind(statement, values, count);
    if (code == SQLITE_OK)
        code = step_all(statement, row, who, &rows);
    int64_t result =
        code == SQLITE_DONE ? 0 : fail(store, sqlite3_extended_errcode(database->handle));

    if (result == 0 && sqlite3_column_count(statement) == 0)
        rows = sqlite3_stmt_readonly(statement) ? 0 : sqlite3_changes(database->handle);
    put_away(database, sql, statement);
    return result < 0 ? result : rows;
}

static void disconnect(struct store *store)
{
    struct database *database = store->connection;

    for (unsigned i = 0; i < KEPT_MOST; i++) {
        (void)sqlite3_finalize(database->kept[i].statement);
        buffer_done(&database->kept[i].sql);
    }
    (void)sqlite3_close_v2(database->handle);
    memory_free(database);
}

/* ---- sums that stop at the greatest number instead of failing
 * ------------------------------------------------------------------------------ */

struct most_sum {
    sqlite3_int64 total;
};

static void add_most(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct most_sum *sum = sqlite3_aggregate_context(context, sizeof(*sum));

    (void)count;
    if (!sum) {
        sqlite3_result_error_nomem(context);
        return;
    }
    if (__builtin_add_overflow(sum->total, sqlite3_value_int64(values[0]), &sum->total))
        sum->total = INT64_MAX; /* only what is not negative is summed */
}

static void give_most(sqlite3_context *context)
{
    const struct most_sum *sum = sqlite3_aggregate_context(context, 0);

    sqlite3_result_int64(context, sum ? sum->total : 0);
}

static int set_up(struct store *store)
{
    static const char *const pragmas[] = {
        "pragma journal_mode = wal", "pragma synchronous = normal", "pragma foreign_keys = on"};

    for (unsigned i = 0; i < ARRAY_LEN(pragmas); i++) {
        int64_t result = run(store, pragmas[i], NULL, 0, NULL, NULL);

        if (result < 0)
            return (int)result;
    }
    int code = sqlite3_create_function_v2(handle_of(store), "sum_most", 1,
                                          SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, NULL,
                                          add_most, give_most, NULL);

    return code == SQLITE_OK ? 0 : fail(store, code);
}

/* Made here when it is missing, so that only its owner can read it. */
static int make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    (void)close(fd);
    return 0;
}

static int connect_file(struct store *store)
{
    struct database *database;
    bool is_file = strcmp(store->address, ":memory:") != 0;
    int made = is_file ? make_file(store->address) : 0;

    if (made < 0)
        return store_fail(store, -EAGAIN, log_error_text(made));
    database = MEMORY_NEW(struct database);
    for (unsigned i = 0; i < KEPT_MOST; i++)
        buffer_init(&database->kept[i].sql, STATEMENT_LIMIT);
    int code = sqlite3_open_v2(store->address, &database->handle,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    CHECK(database->handle); /* no memory */
    store->connection = database;
    if (code != SQLITE_OK)
        return fail(store, code);
    (void)sqlite3_busy_timeout(database->handle, STORE_WAIT_MS);
    return set_up(store);
}

const struct store_driver store_sqlite_driver = {
    .kind = "sqlite",
    .begin = "begin immediate",
    .connect = connect_file,
    .disconnect = disconnect,
    .run = run,
};
