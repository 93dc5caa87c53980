#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/route/pace.h"

#define START_MS (5 * PACE_WINDOW_MS)

static struct target_pace pace;

static void set_up(void)
{
    atomic_store(&pace.first_us, 0);
    atomic_store(&pace.first_ms, 0);
    atomic_store(&pace.window, 0);
    atomic_store(&pace.before, 0);
}

START_TEST(what_was_never_measured_is_not_known)
{
    ck_assert_uint_eq(pace_first_us(&pace, START_MS), 0);
    ck_assert_uint_eq(pace_recent(&pace, START_MS), 0);
}

END_TEST

START_TEST(a_peak_counts_at_once_and_a_better_time_by_a_quarter)
{
    pace_note_first(&pace, 50000, START_MS);
    ck_assert_uint_eq(pace_first_us(&pace, START_MS), 50000);
    pace_note_first(&pace, 400000, START_MS);
    ck_assert_uint_eq(pace_first_us(&pace, START_MS), 400000);
    pace_note_first(&pace, 0, START_MS);
    ck_assert_uint_eq(pace_first_us(&pace, START_MS), 300000);
}

END_TEST

START_TEST(an_old_time_fades_and_is_never_forgotten)
{
    uint64_t last = 400001;

    pace_note_first(&pace, 400000, START_MS);
    ck_assert_uint_eq(pace_first_us(&pace, START_MS + PACE_FADE_MS / 2), 300000);
    ck_assert_uint_eq(pace_first_us(&pace, START_MS + PACE_FADE_MS), 200000);
    ck_assert_uint_eq(pace_first_us(&pace, START_MS + 3 * PACE_FADE_MS), 50000);
    ck_assert_uint_eq(pace_first_us(&pace, START_MS + 999 * PACE_FADE_MS), 1);
    for (uint64_t at_ms = 0; at_ms < 4 * PACE_FADE_MS; at_ms += 100) {
        uint64_t us = pace_first_us(&pace, START_MS + at_ms);

        ck_assert_uint_lt(us, last);
        last = us;
    }
}

END_TEST

START_TEST(further_attempts_are_a_share_of_the_requests)
{
    unsigned taken = 0;

    for (unsigned i = 0; i < 1000; i++) {
        pace_note_request(&pace, START_MS + i);
        ck_assert_int_eq(pace_may_retry(&pace, 20, START_MS + i),
                         taken < 3 || taken < (i + 1) / 5);
        taken += pace_take_retry(&pace, 20, START_MS + i);
    }
    ck_assert_uint_eq(taken, 200);
    ck_assert(!pace_take_retry(&pace, 20, START_MS + 1000));
    ck_assert(pace_may_retry(&pace, 20, START_MS + PACE_WINDOW_MS));
    ck_assert(pace_take_retry(&pace, 20, START_MS + PACE_WINDOW_MS));
}

END_TEST

START_TEST(a_few_further_attempts_are_allowed_unless_none_are_wanted)
{
    for (unsigned i = 0; i < PACE_RETRY_LEAST; i++)
        ck_assert(pace_take_retry(&pace, 20, START_MS));
    ck_assert(!pace_take_retry(&pace, 20, START_MS));
    ck_assert(!pace_take_retry(&pace, 0, START_MS + PACE_WINDOW_MS));
}

END_TEST

START_TEST(recent_requests_leave_with_their_window)
{
    for (unsigned i = 0; i < 100; i++)
        pace_note_request(&pace, START_MS);
    ck_assert_uint_eq(pace_recent(&pace, START_MS), 100);
    ck_assert_uint_eq(pace_recent(&pace, START_MS + PACE_WINDOW_MS), 100);
    ck_assert_uint_eq(pace_recent(&pace, START_MS + PACE_WINDOW_MS * 3 / 2), 50);
    ck_assert_uint_eq(pace_recent(&pace, START_MS + 2 * PACE_WINDOW_MS), 0);
    pace_note_request(&pace, START_MS + PACE_WINDOW_MS * 3 / 2);
    ck_assert_uint_eq(pace_recent(&pace, START_MS + PACE_WINDOW_MS * 3 / 2), 51);
    pace_note_request(&pace, START_MS + 9 * PACE_WINDOW_MS);
    ck_assert_uint_eq(pace_recent(&pace, START_MS + 9 * PACE_WINDOW_MS), 1);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("pace");
    TCase *tests = tcase_create("pace");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, what_was_never_measured_is_not_known);
    tcase_add_test(tests, a_peak_counts_at_once_and_a_better_time_by_a_quarter);
    tcase_add_test(tests, an_old_time_fades_and_is_never_forgotten);
    tcase_add_test(tests, further_attempts_are_a_share_of_the_requests);
    tcase_add_test(tests, a_few_further_attempts_are_allowed_unless_none_are_wanted);
    tcase_add_test(tests, recent_requests_leave_with_their_window);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
