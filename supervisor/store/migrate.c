#include <errno.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "supervisor/store/store_inside.h"

/* The statements of sql/, put into the binary by the Makefile.  KIND: of the only database that
 * they are for; empty: for each. */
static const struct migration {
    int64_t number;
    const char *kind, *name, *text;
} migrations[] = {

#include "migrations.inc"
};

/* The migration NAME could not be run: said with the sentence that the database gave. */
static int refuse(struct store *store, const char *name)
{
    struct buffer _buffer_ last;
    struct buffer _buffer_ text;

    buffer_init(&last, STORE_ERROR_BYTES);
    buffer_init(&text, (size_t)2 * STORE_ERROR_BYTES);
    store_write_error(store, &last);
    struct span why = span_skip(buffer_span(&last), strlen(store->name) + 2);

    (void)buffer_append_format(&text, "cannot run migration %s: %.*s", name, SPAN_ARG(why));
    (void)buffer_append_byte(&text, '\0');
    return store_fail(store, -EPROTO, text.ptr);
}

/* Runs the statements of TEXT one by one; each ends with ";" at the end of a line. */
static int run_text(struct store *store, struct span text)
{
    while (span_trim(text).len > 1) {
        size_t end = span_find(text, SPAN(";\n"));
        struct buffer _buffer_ statement;

        CHECK(end != SIZE_MAX); /* the files of this build */
        buffer_init(&statement, text.len + 1);
        CHECK(buffer_append(&statement, span_of(text.ptr, end)));
        CHECK(buffer_append_byte(&statement, '\0'));
        int64_t result = store->driver->run(store, statement.ptr, NULL, 0, NULL, NULL);

        if (result < 0)
            return (int)result;
        text = span_skip(text, end + 2);
    }
    return 0;
}

static bool is_for(const struct migration *migration, const struct store *store)
{
    return !migration->kind[0] || strcmp(migration->kind, store->driver->kind) == 0;
}

static int run_one(struct store *store, const struct migration *migration)
{
    const struct store_value values[] = {STORE_NUMBER_VALUE(migration->number),
                                         STORE_TEXT_VALUE(span_of_text(migration->name)),
                                         STORE_NUMBER_VALUE(clock_wall_ms())};
    int64_t result = run_text(store, span_of_text(migration->text));

    if (result == 0)
        result = store->driver->run(store,
                                    "insert into schema_migrations (number, name, applied_ms) "
                                    "values ($1, $2, $3)",
                                    values, ARRAY_LEN(values), NULL, NULL);
    if (result < 0 && result != -EAGAIN)
        return refuse(store, migration->name);
    return result < 0 ? (int)result : 0;
}

static void take_number(void *who, const struct store_value *values, unsigned count)
{
    CHECK(count == 1);
    *(int64_t *)who = values[0].number;
}

/* In a transaction that holds the lock: what is there, and what is missing. */
static int run_missing(struct store *store)
{
    static const char table[] = "create table if not exists schema_migrations "
                                "(number bigint primary key, name text not null, "
                                "applied_ms bigint not null)";
    static const char newest[] = "select coalesce(max(number), 0) from schema_migrations";
    const struct migration *last = &migrations[ARRAY_LEN(migrations) - 1];
    int64_t there = 0;
    int64_t result = store->driver->run(store, table, NULL, 0, NULL, NULL);

    if (result >= 0)
        result = store->driver->run(store, newest, NULL, 0, take_number, &there);
    if (result < 0)
        return (int)result;
    if (there > last->number) {
        char text[128];

        (void)snprintf(
            text, sizeof(text),
            "its schema is version %lld, made by a newer aigw; this one knows up to %lld",
            (long long)there, (long long)last->number);
        return store_fail(store, -EPROTO, text);
    }
    for (unsigned i = 0; i < ARRAY_LEN(migrations); i++) {
        if (migrations[i].number <= there || !is_for(&migrations[i], store))
            continue;
        result = run_one(store, &migrations[i]);
        if (result < 0)
            return (int)result;
    }
    return 0;
}

int store_migrate(struct store *store)
{
    const struct store_driver *driver = store->driver;
    int64_t result = driver->run(store, driver->begin, NULL, 0, NULL, NULL);

    /* Old rows may be many. */
    store->wait_ms = STORE_MIGRATE_MS;
    if (result >= 0 && driver->patience)
        result = driver->run(store, driver->patience, NULL, 0, NULL, NULL);
    if (result >= 0 && driver->migration_lock)
        result = driver->run(store, driver->migration_lock, NULL, 0, NULL, NULL);
    if (result >= 0)
        result = run_missing(store);
    if (result >= 0)
        result = driver->run(store, "commit", NULL, 0, NULL, NULL);
    store->wait_ms = STORE_WAIT_MS;
    /* Not when it failed: closing the connection takes everything back, and the sentence stays.
     */
    return result < 0 ? (int)result : 0;
}
