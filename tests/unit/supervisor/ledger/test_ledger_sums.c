#include "supervisor/ledger/ledger_retain.h"
#include "supervisor/ledger/ledger_verify.h"
#include "tests/unit/supervisor/ledger/ledger_room.h"

static int64_t daily(const char *what)
{
    char sql[128];

    (void)snprintf(sql, sizeof(sql),
                   "select coalesce(max(%s), -1) from usage_daily where tag = ''", what);
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
    ck_assert_int_eq(number_of("select count(*) from usage_chains where seq = 1 and id <> 0"),
                     3);
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
    Suite *suite = suite_create("ledger sums");
    TCase *tests = tcase_create("ledger");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
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
