#include <check.h>
#include <stdlib.h>

#include "shared/redis/breaker.h"

static void fail_times(struct breaker *breaker, unsigned times, uint64_t now_ms)
{
    for (unsigned i = 0; i < times; i++)
        (void)breaker_failed(breaker, now_ms);
}

START_TEST(four_failures_leave_it_closed_and_a_success_forgets_them)
{
    struct breaker breaker = {0};

    fail_times(&breaker, BREAKER_FAILURES - 1, 100);
    ck_assert(breaker_may_ask(&breaker, 100));
    ck_assert(!breaker_worked(&breaker));
    fail_times(&breaker, BREAKER_FAILURES - 1, 200);
    ck_assert(!breaker.open && breaker_may_ask(&breaker, 200));
}

END_TEST

START_TEST(the_fifth_opens_it_once)
{
    struct breaker breaker = {0};

    fail_times(&breaker, BREAKER_FAILURES - 1, 100);
    ck_assert(breaker_failed(&breaker, 100));
    ck_assert(!breaker_failed(&breaker, 101));
    ck_assert(breaker.open);
}

END_TEST

START_TEST(an_open_one_lets_a_probe_through_each_time_the_pause_has_passed)
{
    struct breaker breaker = {0};

    fail_times(&breaker, BREAKER_FAILURES, 1000);
    ck_assert(!breaker_may_ask(&breaker, 1000 + BREAKER_PROBE_MS - 1));
    ck_assert(breaker_may_ask(&breaker, 1000 + BREAKER_PROBE_MS));
    fail_times(&breaker, 1, 1000 + BREAKER_PROBE_MS);
    ck_assert(!breaker_may_ask(&breaker, 1000 + 2 * BREAKER_PROBE_MS - 1));
    ck_assert(breaker_worked(&breaker));
    ck_assert(breaker_may_ask(&breaker, 0));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("breaker");
    TCase *cases = tcase_create("breaker");
    SRunner *runner;
    int failed;

    tcase_add_test(cases, four_failures_leave_it_closed_and_a_success_forgets_them);
    tcase_add_test(cases, the_fifth_opens_it_once);
    tcase_add_test(cases, an_open_one_lets_a_probe_through_each_time_the_pause_has_passed);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
