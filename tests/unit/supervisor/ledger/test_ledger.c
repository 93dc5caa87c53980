#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/ledger/ledger_batch.c"
#include "supervisor/ledger/usage.h"
#include "tests/unit/supervisor/ledger/ledger_room.h"

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

/* The bucket, the hold and the record agree, also where a stream outgrew what was reserved when
 * it was sent. */
START_TEST(what_a_dead_worker_may_have_spent_is_the_same_for_budgets_and_records)
{
    int fd;
    struct segment *segment = segment_create(&fd);
    struct inflight *row;
    struct bucket *bucket;

    begin();
    ck_assert_ptr_nonnull(segment);
    fill_row(segment, 7, 100, INFLIGHT_SENT);
    row = segment_inflight(segment, 3, 7);
    row->reserved_nano = 1000;
    row->holds[0].is_budget = row->holds[1].is_budget = 1;
    row->holds[1].bucket = segment_claim_bucket(segment, 77, 1, 0);
    atomic_store(&row->holds[1].amount, 5000);
    atomic_store(&row->calls[0], 3);
    atomic_store(&segment_target(segment, 2)->in_flight, 4);
    bucket = segment_bucket(segment, row->holds[1].bucket);
    atomic_store(&bucket->level[0], 5000);
    atomic_store(&segment_slot(segment, 3)->state, SLOT_DEAD);
    ck_assert_int_eq(ledger_sweep(ledger, segment, 3, 7000), 0);
    step_to_end();
    ck_assert_int_eq(number_of("select cost_nano from usage"), 5000);
    ck_assert_int_eq(number_of("select reserved_nano from usage"), 5000);
    ck_assert_uint_eq(atomic_load(&bucket->total), 5000);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 5000);
    ck_assert_uint_eq(atomic_load(&segment_target(segment, 2)->in_flight), 3);
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
    tcase_add_test(tests,
                   what_a_dead_worker_may_have_spent_is_the_same_for_budgets_and_records);
    tcase_add_test(tests, a_report_adds_up);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
