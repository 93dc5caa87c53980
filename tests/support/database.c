#include "tests/support/database.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct store *database_open(const char *settings, const char *const *tables, unsigned count)
{
    const char *given = getenv("AIGW_TEST_STORE");
    struct buffer error _buffer_;
    struct store *store;

    buffer_init(&error, 1000);
    store = store_open(span_of_text(given ? given : settings), &error);
    ck_assert_msg(store, "%.*s", SPAN_ARG(buffer_span(&error)));
    ck_assert_int_eq(store_connect(store), 0);
    for (unsigned i = 0; i < count; i++) {
        char sql[80];

        (void)snprintf(sql, sizeof(sql), "delete from %s", tables[i]);
        ck_assert_int_ge(store_run(store, sql, NULL, 0, NULL, NULL), 0);
    }
    return store;
}

struct store *database_new(const char *const *tables, unsigned count)
{
    return database_open("sqlite::memory:", tables, count);
}
