/* A ledger with a store and journals in a folder of their own, for the tests of this folder. */
#ifndef TESTS_UNIT_SUPERVISOR_LEDGER_ROOM_H
#define TESTS_UNIT_SUPERVISOR_LEDGER_ROOM_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/journal/journal.h"

#include "supervisor/ledger/ledger.h"
#include "tests/support/database.h"
#include "tests/support/folder.h"

static char folder[FOLDER_BYTES];
static struct store *store;
static struct ledger *ledger;
static uint64_t numbers;

static inline uint64_t next_number(void *who)
{
    (void)who;
    return ++numbers;
}

static inline void open_store(const char *const *tables, unsigned count)
{
    char settings[128];

    (void)snprintf(settings, sizeof(settings), "sqlite:%s/db", folder);
    store = database_open(settings, tables, count);
}

static inline void open_ledger(void)
{
    struct buffer error;

    buffer_init(&error, 1000);
    ledger = ledger_open(span_of_text(folder), store, next_number, NULL, &error);
    ck_assert_msg(ledger, "%.*s", SPAN_ARG(buffer_span(&error)));
    buffer_done(&error);
}

static inline void begin(void)
{
    static const char *const tables[] = {"usage", "usage_hourly", "usage_daily",
                                         "journal_positions"};

    folder_make(folder, "ledger");
    numbers = 0;
    open_store(tables, ARRAY_LEN(tables));
    ck_assert_int_ge(
        store_run(store, "delete from usage_chains where id <> 0", NULL, 0, NULL, NULL), 0);
    open_ledger();
}

/* Removes what is in the folder NAME of the test's folder, and it. */
static inline unsigned empty(const char *name, bool remove)
{
    char path[512];
    unsigned count = 0;
    struct dirent *entry;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    DIR *open = opendir(path);

    ck_assert_ptr_nonnull(open);
    while ((entry = readdir(open))) {
        if (entry->d_type != DT_REG)
            continue;
        count++;
        if (remove)
            ck_assert_int_eq(unlinkat(dirfd(open), entry->d_name, 0), 0);
    }
    (void)closedir(open);
    if (remove)
        ck_assert_int_eq(rmdir(path), 0);
    return count;
}

static inline void end(void)
{
    ledger_close(ledger);
    store_close(store);
    (void)empty("journal", true);
    (void)empty("", true);
}

static inline void write_records(struct journal *journal, unsigned from, unsigned count)
{
    char id[40];

    for (unsigned i = from; i < from + count; i++) {
        struct usage_record record = {.request_id = span_of(id, 0),
                                      .started_ms = 1000 + i,
                                      .asked_model = i % 3 ? SPAN("up/a") : SPAN("up/b"),
                                      .status = 200,
                                      .input_tokens = 10,
                                      .output_tokens = i % 2 ? 5 : USAGE_UNKNOWN,
                                      .raw_usage = SPAN("bad \xff and \0 nul")};

        record.request_id.len = (size_t)snprintf(id, sizeof(id), "request-%06u", i);
        if (i % 10 == 0)
            record.fault = SPAN("idle_timeout");
        journal_append(journal, &record);
    }
    ck_assert_int_eq(journal_flush(journal), 0);
}

static inline void open_journal(struct journal *journal)
{
    ck_assert_int_eq(journal_open(journal, span_of_text(folder), next_number, NULL), 0);
}

/* As at a kill -9: the lock goes, the name stays. */
static inline void kill_journal(struct journal *journal)
{
    (void)close(journal->fd);
    journal->fd = -1;
    journal_close(journal);
}

static inline void take_number(void *who, const struct store_value *values, unsigned count)
{
    ck_assert_uint_eq(count, 1);
    *(int64_t *)who = values[0].number;
}

static inline int64_t number_of(const char *sql)
{
    int64_t number = -1;

    ck_assert_int_eq(store_run(store, sql, NULL, 0, take_number, &number), 1);
    return number;
}

static inline void expect_rows(int64_t rows)
{
    ck_assert_int_eq(number_of("select count(*) from usage"), rows);
}

static inline void step_to_end(void)
{
    int result;

    while ((result = ledger_step(ledger)) == 1)
        ;
    ck_assert_int_eq(result, 0);
}

#endif
