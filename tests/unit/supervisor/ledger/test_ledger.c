#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/ledger/ledger_batch.c"
#include "supervisor/ledger/ledger_retain.h"
#include "supervisor/ledger/ledger_verify.h"
#include "supervisor/ledger/usage.h"
#include "tests/support/folder.h"

static char folder[FOLDER_BYTES];
static struct store *store;
static struct ledger *ledger;
static uint64_t numbers;

static uint64_t next_number(void *who)
{
    (void)who;
    return ++numbers;
}

/* AIGW_TEST_STORE: an empty database of another kind to run the same tests on. */
static void open_store(void)
{
    char settings[128];
    const char *given = getenv("AIGW_TEST_STORE");
    struct buffer error;

    buffer_init(&error, 1000);
    (void)snprintf(settings, sizeof(settings), "sqlite:%s/db", folder);
    store = store_open(span_of_text(given ? given : settings), &error);
    ck_assert_ptr_nonnull(store);
    ck_assert_int_eq(store_connect(store), 0);
    buffer_done(&error);
}

static void open_ledger(void)
{
    struct buffer error;

    buffer_init(&error, 1000);
    ledger = ledger_open(span_of_text(folder), store, next_number, NULL, &error);
    ck_assert_msg(ledger, "%.*s", SPAN_ARG(buffer_span(&error)));
    buffer_done(&error);
}

static void begin(void)
{
    folder_make(folder, "ledger");
    numbers = 0;
    open_store();
    static const char *const tables[] = {"usage", "usage_hourly", "usage_daily"};
    char sql[64];

    for (unsigned i = 0; i < ARRAY_LEN(tables); i++) {
        (void)snprintf(sql, sizeof(sql), "delete from %s", tables[i]);
        ck_assert_int_ge(store_run(store, sql, NULL, 0, NULL, NULL), 0);
    }
    ck_assert_int_ge(
        store_run(store, "delete from usage_chains where id <> 0", NULL, 0, NULL, NULL), 0);
    ck_assert_int_ge(store_run(store, "delete from journal_positions", NULL, 0, NULL, NULL), 0);
    open_ledger();
}

/* Removes what is in the folder NAME of the test's folder, and it. */
static unsigned empty(const char *name, bool remove)
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

static void end(void)
{
    ledger_close(ledger);
    store_close(store);
    (void)empty("journal", true);
    (void)empty("", true);
}

static void write_records(struct journal *journal, unsigned from, unsigned count)
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

static void open_journal(struct journal *journal)
{
    ck_assert_int_eq(journal_open(journal, span_of_text(folder), next_number, NULL), 0);
}

/* As at a kill -9: the lock goes, the name stays. */
static void kill_journal(struct journal *journal)
{
    (void)close(journal->fd);
    journal->fd = -1;
    journal_close(journal);
}

static void take_number(void *who, const struct store_value *values, unsigned count)
{
    ck_assert_uint_eq(count, 1);
    *(int64_t *)who = values[0].number;
}

static int64_t number_of(const char *sql)
{
    int64_t number = -1;

    ck_assert_int_eq(store_run(store, sql, NULL, 0, take_number, &number), 1);
    return number;
}

static void expect_rows(int64_t rows)
{
    ck_assert_int_eq(number_of("select count(*) from usage"), rows);
}

static void step_to_end(void)
{
    int result;

    while ((result = ledger_step(ledger)) == 1)
        ;
    ck_assert_int_eq(result, 0);
}

START_TEST(records_land_once_and_the_file_goes_when_its_writer_is_done)
{
    struct journal journal;
    struct ledger_status status;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 2500);
    ck_assert_int_eq(ledger_step(ledger), 1);
    expect_rows(LEDGER_BATCH);
    step_to_end();
    expect_rows(2500);
    ck_assert_uint_eq(empty("journal", false), 2);
    write_records(&journal, 2500, 5);
    journal_close(&journal);
    step_to_end();
    expect_rows(2505);
    ck_assert_uint_eq(empty("journal", false), 1);
    ck_assert_int_eq(number_of("select count(*) from journal_positions"), 0);
    ledger_status(ledger, &status);
    ck_assert_uint_eq(status.records_total, 2505);
    ck_assert_uint_eq(status.repeated_total + status.damaged_total + status.waiting_bytes, 0);
    ck_assert_int_eq(status.last_error, 0);
    end();
}

END_TEST

START_TEST(what_cannot_be_stored_is_made_storable)
{
    struct journal journal;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 2);
    step_to_end();
    ck_assert_int_eq(
        number_of("select count(*) from usage where raw_usage = 'bad ? and ? nul'"), 2);
    ck_assert_int_eq(number_of("select count(*) from usage where output_tokens is null"), 1);
    journal_close(&journal);
    end();
}

END_TEST

START_TEST(a_ledger_that_died_goes_on_where_it_was)
{
    struct journal journal;
    struct ledger_status status;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 1500);
    ck_assert_int_eq(ledger_step(ledger), 1);
    ledger_close(ledger);
    open_ledger();
    step_to_end();
    expect_rows(1500);
    ledger_status(ledger, &status);
    ck_assert_uint_eq(status.records_total, 500);
    ck_assert_uint_eq(status.repeated_total, 0);
    journal_close(&journal);
    end();
}

END_TEST

START_TEST(a_batch_that_comes_again_adds_nothing)
{
    struct journal journal;
    struct ledger_status status;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 300);
    step_to_end();
    /* As when the position was lost between: the file is read from its beginning. */
    ck_assert_int_ge(store_run(store, "delete from journal_positions", NULL, 0, NULL, NULL), 1);
    ledger_close(ledger);
    open_ledger();
    step_to_end();
    expect_rows(300);
    ledger_status(ledger, &status);
    ck_assert_uint_eq(status.repeated_total, 300);
    journal_close(&journal);
    end();
}

END_TEST

static int put_and_fail(struct store *of, void *who)
{
    ck_assert_int_eq(put(of, who), 0);
    return -ECANCELED;
}

START_TEST(rows_and_position_go_together)
{
    struct ledger_batch *batch = calloc(1, sizeof(*batch));

    begin();
    batch->ledger = ledger;
    batch->records[0] = (struct usage_record){.request_id = SPAN("one")};
    batch->count = 1;
    batch->position = 77;
    (void)snprintf(batch->key, sizeof(batch->key), "here/1");
    ck_assert_int_eq(store_transaction(store, put_and_fail, batch), -ECANCELED);
    expect_rows(0);
    ck_assert_int_eq(number_of("select count(*) from journal_positions"), 0);
    ck_assert_int_eq(ledger_put(batch), 0);
    expect_rows(1);
    ck_assert_int_eq(number_of("select position from journal_positions"), 77);
    free(batch);
    end();
}

END_TEST

/* Writes COUNT bytes of TEXT at POSITION of journal 2 (the ledger's own is 1). */
static void damage(off_t position, const char *text, size_t count)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/journal/%016x.journal", folder, 2);
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_int_eq(pwrite(fd, text, count, position), (ssize_t)count);
    (void)close(fd);
}

START_TEST(damaged_bytes_cost_the_record_that_they_are_in)
{
    struct journal journal;
    struct ledger_status status;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 200);
    damage(1000, "damage", 6);
    step_to_end();
    expect_rows(199);
    ledger_status(ledger, &status);
    ck_assert_uint_eq(status.damaged_files, 1);
    ck_assert_uint_ge(status.damaged_total, 1);
    ck_assert_str_eq(status.damaged_name, "0000000000000002");
    journal_close(&journal);
    end();
}

END_TEST

START_TEST(a_torn_end_waits_for_a_living_writer_and_is_dropped_after_a_dead_one)
{
    struct journal journal;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 3);
    /* The first bytes of a frame: a length, and less than it says. */
    ck_assert_int_eq(write(journal.fd, "\x40\0\0\0\1\2", 6), 6);
    step_to_end();
    expect_rows(3);
    ck_assert_uint_eq(empty("journal", false), 2);
    kill_journal(&journal);
    step_to_end();
    expect_rows(3);
    ck_assert_uint_eq(empty("journal", false), 1);
    end();
}

END_TEST

START_TEST(a_database_that_is_away_loses_nothing)
{
    struct journal journal;
    struct ledger_status status;

    begin();
    open_journal(&journal);
    ck_assert_int_ge(store_run(store, "alter table usage rename to gone", NULL, 0, NULL, NULL),
                     0);
    write_records(&journal, 0, 300);
    kill_journal(&journal);
    ck_assert_int_lt(ledger_step(ledger), 0);
    ledger_status(ledger, &status);
    ck_assert_uint_gt(status.waiting_bytes, 0);
    ck_assert_uint_eq(status.waiting_files, 1);
    ck_assert_int_lt(status.last_error, 0);
    ck_assert_uint_gt(strlen(status.error_text), 0);
    ck_assert_int_ge(store_run(store, "alter table gone rename to usage", NULL, 0, NULL, NULL),
                     0);
    step_to_end();
    expect_rows(300);
    ledger_status(ledger, &status);
    ck_assert_uint_eq(status.waiting_bytes, 0);
    ck_assert_int_eq(status.last_error, 0);
    end();
}

END_TEST

static void fill_row(struct segment *segment, uint32_t index, unsigned request,
                     enum inflight_state state)
{
    struct inflight *row = segment_inflight(segment, 3, index);

    (void)snprintf(row->request_id, sizeof(row->request_id), "request-%06u", request);
    memcpy(row->key_id, "abcdefghijkl", sizeof(row->key_id));
    memcpy(row->provider, "up", 2);
    row->provider_len = 2;
    row->model_len = 0xffffffff;
    memcpy(row->asked, "fast", 4);
    row->asked_len = 4;
    memcpy(row->operation, "chat", 4);
    row->operation_len = 4;
    row->started_wall_ms = 5000;
    atomic_store(&row->cost_nano, UINT64_MAX);
    atomic_store(&row->state, state);
    atomic_store(&segment_slot(segment, 3)->inflight_high, SEGMENT_INFLIGHT);
}

START_TEST(a_dead_workers_exchanges_are_recorded_once)
{
    int fd;
    struct segment *segment = segment_create(&fd);
    struct journal journal;

    begin();
    ck_assert_ptr_nonnull(segment);
    open_journal(&journal);
    write_records(&journal, 0, 50);
    atomic_store(&segment_slot(segment, 3)->journal_name, journal.number);
    fill_row(segment, 0, 49, INFLIGHT_SENT);  /* came to its end */
    fill_row(segment, 7, 100, INFLIGHT_SENT); /* did not */
    fill_row(segment, 8, 101, INFLIGHT_OPEN); /* was not sent */
    fill_row(segment, SEGMENT_INFLIGHT - 1, 102, INFLIGHT_SENT);
    kill_journal(&journal);

    atomic_store(&segment_slot(segment, 3)->state, SLOT_READY);
    ck_assert_int_eq(ledger_sweep(ledger, segment, 3, 7000), 0);
    ck_assert_int_eq(atomic_load(&segment_slot(segment, 3)->state), SLOT_READY);
    atomic_store(&segment_slot(segment, 3)->state, SLOT_DEAD);
    ck_assert_int_eq(ledger_sweep(ledger, segment, 3, 7000), 0);
    ck_assert_int_eq(atomic_load(&segment_slot(segment, 3)->state), SLOT_FREE);
    ck_assert_int_eq(atomic_load(&segment_inflight(segment, 3, 7)->state), INFLIGHT_FREE);
    step_to_end();
    expect_rows(52);
    ck_assert_int_eq(number_of("select count(*) from usage where fault = 'worker_died' and "
                               "outcome = 5 and input_tokens is null and status is null and "
                               "duration_us = 2000000 and provider = 'up' and "
                               "asked_model = 'fast' and operation = 'chat' and "
                               "key_id = 'abcdefghijkl'"),
                     2);
    segment_detach(segment);
    (void)close(fd);
    end();
}

END_TEST

START_TEST(a_report_adds_up)
{
    struct journal journal;
    struct usage_report report;
    struct arena arena;

    begin();
    arena_init(&arena, 0);
    ck_assert_int_eq(store_usage(store, 10, &arena, &report), 0);
    ck_assert_uint_eq(report.all.requests + report.all.input_tokens + report.last_count, 0);
    open_journal(&journal);
    write_records(&journal, 0, 30);
    step_to_end();
    ck_assert_int_eq(store_usage(store, 10, &arena, &report), 0);
    ck_assert_uint_eq(report.all.requests, 30);
    ck_assert_uint_eq(report.all.failed, 3);
    ck_assert_uint_eq(report.all.input_tokens, 300);
    ck_assert_uint_eq(report.all.output_tokens, 75);
    ck_assert_uint_eq(report.model_count, 2);
    ck_assert(span_eq(report.models[0].model, SPAN("up/a")));
    ck_assert_uint_eq(report.models[0].requests, 20);
    ck_assert_uint_eq(report.last_count, 10);
    ck_assert(span_eq(report.last[0].request_id, SPAN("request-000029")));
    ck_assert_uint_eq(report.last[0].status, 200);
    ck_assert_uint_eq(report.last[1].output_tokens, USAGE_UNKNOWN);
    arena_done(&arena);
    journal_close(&journal);
    end();
}

END_TEST

static int64_t daily(const char *what)
{
    char sql[128];

    (void)snprintf(sql, sizeof(sql), "select coalesce(max(%s), -1) from usage_daily where tag = ''",
                   what);
    return number_of(sql);
}

static void put_one(struct usage_record record)
{
    struct journal journal;

    open_journal(&journal);
    journal_append(&journal, &record);
    journal_close(&journal);
    step_to_end();
}

START_TEST(sums_have_each_record_once_also_when_it_comes_again)
{
    struct journal journal;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 1000);
    write_records(&journal, 100, 50); /* again */
    write_records(&journal, 1000, 200);
    step_to_end();
    ck_assert_int_ge(store_run(store, "delete from journal_positions", NULL, 0, NULL, NULL), 1);
    ledger_close(ledger);
    open_ledger();
    step_to_end();
    expect_rows(1200);
    for (unsigned i = 0; i < 2; i++) {
        const char *sql = i ? "select cast(sum(requests) as bigint) from usage_hourly"
                            : "select cast(sum(requests) as bigint) from usage_daily";

        ck_assert_int_eq(number_of(sql), 1200);
    }
    ck_assert_int_eq(
        number_of("select cast(sum(output_tokens_unknown) as bigint) from usage_daily"), 600);
    ck_assert_int_eq(number_of("select cast(sum(output_tokens) as bigint) from usage_daily"),
                     600 * 5);
    ck_assert_int_eq(number_of("select cast(sum(failed) as bigint) from usage_daily"), 120);
    journal_close(&journal);
    end();
}

END_TEST

START_TEST(a_request_with_tags_is_once_in_the_totals_and_once_in_each_tag)
{
    begin();
    put_one((struct usage_record){
        .request_id = SPAN("one"), .tags = SPAN("[\"a\",\"b\",\"a\"]"), .input_tokens = 7});
    put_one((struct usage_record){
        .request_id = SPAN("two"), .tags = SPAN("[\"b\",\"cut"), .input_tokens = 5});
    ck_assert_int_eq(daily("requests"), 2);
    ck_assert_int_eq(daily("input_tokens"), 12);
    ck_assert_int_eq(number_of("select count(*) from usage_daily where tag <> ''"), 2);
    ck_assert_int_eq(number_of("select input_tokens from usage_daily where tag = 'a'"), 7);
    end();
}

END_TEST

START_TEST(sums_stop_at_the_greatest_number_and_absurd_figures_are_unknown)
{
    begin();
    put_one((struct usage_record){.request_id = SPAN("one"), .cost_nano = 5});
    ck_assert_int_eq(store_run(store,
                               "update usage_daily set cost_nano = 9223372036854775806 "
                               "where tag = ''",
                               NULL, 0, NULL, NULL),
                     1);
    put_one((struct usage_record){.request_id = SPAN("two"), .cost_nano = 5});
    ck_assert_int_eq(daily("cost_nano"), INT64_MAX);
    put_one((struct usage_record){.request_id = SPAN("three"),
                                  .cost_nano = USAGE_UNKNOWN,
                                  .input_tokens = (uint64_t)1 << 60});
    ck_assert_int_eq(daily("cost_nano_unknown"), 1);
    ck_assert_int_eq(daily("input_tokens_unknown"), 1);
    ck_assert_int_eq(daily("input_tokens"), 0);
    end();
}

END_TEST

START_TEST(a_late_record_goes_to_its_own_hour_and_an_absurd_time_to_the_first)
{
    begin();
    put_one((struct usage_record){.request_id = SPAN("now"), .started_ms = 1767225600000});
    put_one((struct usage_record){.request_id = SPAN("late"), .started_ms = 1767225600000 - 1});
    put_one((struct usage_record){.request_id = SPAN("absurd"), .started_ms = UINT64_MAX - 7});
    ck_assert_int_eq(
        number_of("select count(*) from usage_hourly where begin_ms = 1767225600000"), 1);
    ck_assert_int_eq(
        number_of("select count(*) from usage_hourly where begin_ms = 1767222000000"), 1);
    ck_assert_int_eq(number_of("select count(*) from usage_daily where begin_ms = 0"), 1);
    /* Of three months: three chains. */
    ck_assert_int_eq(number_of("select count(*) from usage_chains where seq = 1 and id <> 0"), 3);
    end();
}

END_TEST

static struct verify_report walk(struct arena *arena)
{
    struct verify_place place = {.chain = 0};
    struct verify_report report;
    uint64_t rows = 0;

    do {
        ck_assert_int_eq(ledger_verify(store, &place, arena, &report), 0);
        rows += report.rows;
    } while (!report.done && !report.finding);
    report.rows = rows;
    return report;
}

static void change(const char *sql)
{
    ck_assert_int_ge(store_run(store, sql, NULL, 0, NULL, NULL), 0);
}

static void expect_finding(const char *finding, int64_t seq)
{
    struct arena arena;

    arena_init(&arena, 0);
    struct verify_report report = walk(&arena);

    if (finding)
        ck_assert_str_eq(report.finding, finding);
    else
        ck_assert_ptr_null(report.finding);
    ck_assert_int_eq(report.seq, seq);
    arena_done(&arena);
}

START_TEST(what_was_changed_in_a_chain_is_found)
{
    struct journal journal;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 3500);
    step_to_end();
    expect_finding(NULL, 0);
    change("update usage set status = 201 where seq = 1700");
    expect_finding("changed", 1700);
    change("update usage set status = 200 where seq = 1700");
    change("update usage set hash = (select hash from usage where seq = 6) where seq = 1000");
    expect_finding("changed", 1000);
    journal_close(&journal);
    end();
}

END_TEST

START_TEST(what_was_removed_or_inserted_in_a_chain_is_found)
{
    struct journal journal;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 1500);
    step_to_end();
    change("update usage set seq = -4 where seq = 1000"); /* below: it is no row of the chain */
    expect_finding("removed", 1000);
    change("update usage set seq = 999 where seq = -4");
    expect_finding("inserted", 1000);
    change("delete from usage where request_id = 'request-000999'");
    change("delete from usage where seq >= 1000");
    expect_finding("removed", 1000);
    change("update usage_chains set seq = 990 where id <> 0");
    expect_finding("inserted", 991);
    change("update usage set chain = null where seq = 5");
    expect_finding("inserted", 0);
    journal_close(&journal);
    end();
}

END_TEST

START_TEST(what_retention_leaves_can_be_verified)
{
    struct journal journal;
    struct ledger_policy policy = {.rows_ms = 1000000, .hourly_ms = 1, .daily_ms = 1};
    uint64_t removed = 0;

    begin();
    open_journal(&journal);
    write_records(&journal, 0, 3000); /* one for each millisecond from 1000 on */
    step_to_end();
    ck_assert_int_eq(ledger_retain(ledger, &policy, 1000000 + 1000 + 1500, &removed), 1);
    ck_assert_uint_eq(removed, RETAIN_ROWS);
    ck_assert_int_eq(ledger_retain(ledger, &policy, 1000000 + 1000 + 1500, &removed), 0);
    expect_rows(1500);
    expect_finding(NULL, 0);
    ck_assert_int_eq(number_of("select cast(sum(requests) as bigint) from usage_daily"), 3000);
    write_records(&journal, 3000, 10);
    step_to_end();
    expect_finding(NULL, 0);
    change("delete from usage where seq = 1501");
    expect_finding("removed", 1501);
    policy.rows_ms = 1;
    while (ledger_retain(ledger, &policy, 200 * 86400000LL, &removed) == 1)
        ;
    expect_rows(0);
    ck_assert_int_eq(number_of("select count(*) from usage_hourly"), 0);
    ck_assert_int_eq(number_of("select count(*) from usage_daily"), 0);
    expect_finding(NULL, 0);
    journal_close(&journal);
    end();
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("ledger");
    TCase *tests = tcase_create("ledger");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, records_land_once_and_the_file_goes_when_its_writer_is_done);
    tcase_add_test(tests, what_cannot_be_stored_is_made_storable);
    tcase_add_test(tests, a_ledger_that_died_goes_on_where_it_was);
    tcase_add_test(tests, a_batch_that_comes_again_adds_nothing);
    tcase_add_test(tests, rows_and_position_go_together);
    tcase_add_test(tests, damaged_bytes_cost_the_record_that_they_are_in);
    tcase_add_test(tests, a_torn_end_waits_for_a_living_writer_and_is_dropped_after_a_dead_one);
    tcase_add_test(tests, a_database_that_is_away_loses_nothing);
    tcase_add_test(tests, a_dead_workers_exchanges_are_recorded_once);
    tcase_add_test(tests, a_report_adds_up);
    tcase_add_test(tests, sums_have_each_record_once_also_when_it_comes_again);
    tcase_add_test(tests, a_request_with_tags_is_once_in_the_totals_and_once_in_each_tag);
    tcase_add_test(tests, sums_stop_at_the_greatest_number_and_absurd_figures_are_unknown);
    tcase_add_test(tests, a_late_record_goes_to_its_own_hour_and_an_absurd_time_to_the_first);
    tcase_add_test(tests, what_was_changed_in_a_chain_is_found);
    tcase_add_test(tests, what_was_removed_or_inserted_in_a_chain_is_found);
    tcase_add_test(tests, what_retention_leaves_can_be_verified);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
