#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/check.h"
#include "shared/route/starts.h"

static struct start_times starts;

static void set_up(void)
{
    memset(&starts, 0, sizeof(starts));
}

static void note(unsigned count, uint64_t us)
{
    for (unsigned i = 0; i < count; i++)
        starts_note(&starts, START_STREAM, us);
}

START_TEST(too_few_answers_say_nothing)
{
    note(STARTS_LEAST - 1, 50000);
    ck_assert_uint_eq(starts_usual_us(&starts, START_STREAM, 95), 0);
    note(1, 50000);
    ck_assert_uint_gt(starts_usual_us(&starts, START_STREAM, 95), 0);
    ck_assert_uint_eq(starts_usual_us(&starts, START_WHOLE, 95), 0);
}

END_TEST

/* A bucket is a tenth wide, and its upper bound is told. */
START_TEST(a_percentile_is_no_less_and_hardly_more_than_what_was_seen)
{
    static const uint64_t times_us[] = {1000, 1001, 7777, 50000, 123456, 1000000, 30000000};

    for (unsigned i = 0; i < ARRAY_LEN(times_us); i++) {
        uint64_t us;

        set_up();
        note(100, times_us[i]);
        us = starts_usual_us(&starts, START_STREAM, 95);
        ck_assert_uint_ge(us, times_us[i] * 999 / 1000);
        ck_assert_uint_le(us, times_us[i] * 11 / 10);
    }
}

END_TEST

START_TEST(percentiles_are_in_order)
{
    for (unsigned i = 1; i <= 100; i++)
        note(1, 10000 + i * 200);
    ck_assert_uint_le(starts_usual_us(&starts, START_STREAM, 50), 24000);
    ck_assert_uint_ge(starts_usual_us(&starts, START_STREAM, 50), 20000);
    ck_assert_uint_ge(starts_usual_us(&starts, START_STREAM, 99), 29800);
}

END_TEST

/* Five, ten or thirty of a hundred that are ten times as slow are not usual. */
START_TEST(outliers_do_not_move_it)
{
    static const unsigned slow[] = {5, 10, 30};

    for (unsigned i = 0; i < ARRAY_LEN(slow); i++) {
        set_up();
        note(100 - slow[i], 100000);
        note(slow[i], 1000000);
        ck_assert_uint_lt(starts_usual_us(&starts, START_STREAM, 95), 120000);
    }
}

END_TEST

START_TEST(what_became_slow_is_usual_after_a_while)
{
    note(2000, 50000);
    note(1500, 500000);
    ck_assert_uint_ge(starts_usual_us(&starts, START_STREAM, 95), 500000);
}

END_TEST

START_TEST(longer_than_the_last_bucket_is_counted_there)
{
    note(50, UINT64_MAX);
    ck_assert_uint_gt(starts_usual_us(&starts, START_STREAM, 95), 50000000);
}

END_TEST

START_TEST(hedges_are_no_more_than_their_share)
{
    unsigned made = 0;

    for (unsigned i = 0; i < 1000; i++) {
        starts_earn(&starts, 5);
        made += starts_pay(&starts);
    }
    ck_assert_uint_eq(made, 50);
}

END_TEST

START_TEST(a_quiet_time_saves_up_so_many_and_no_more)
{
    unsigned made = 0;

    for (unsigned i = 0; i < 10000; i++)
        starts_earn(&starts, 50);
    while (starts_pay(&starts))
        made++;
    ck_assert_uint_eq(made, STARTS_BURST);
    starts_give_back(&starts);
    ck_assert(starts_pay(&starts));
    ck_assert(!starts_pay(&starts));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("starts");
    TCase *tcase = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, too_few_answers_say_nothing);
    tcase_add_test(tcase, a_percentile_is_no_less_and_hardly_more_than_what_was_seen);
    tcase_add_test(tcase, percentiles_are_in_order);
    tcase_add_test(tcase, outliers_do_not_move_it);
    tcase_add_test(tcase, what_became_slow_is_usual_after_a_while);
    tcase_add_test(tcase, longer_than_the_last_bucket_is_counted_there);
    tcase_add_test(tcase, hedges_are_no_more_than_their_share);
    tcase_add_test(tcase, a_quiet_time_saves_up_so_many_and_no_more);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
