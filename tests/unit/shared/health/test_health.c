#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/health/health.h"

#define START_MS 1000000
#define CHILDREN 8

/* In memory that children share. */
static struct target_health *health;
static const struct health_rules *rules = &health_rules_default;

static void set_up(void)
{
    health =
        mmap(NULL, sizeof(*health), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(health, MAP_FAILED);
}

static void tear_down(void)
{
    (void)munmap(health, sizeof(*health));
}

static void is_at(uint64_t now_ms, enum health_state state, uint64_t until_ms)
{
    uint64_t until;

    ck_assert_str_eq(health_state_name(health_state(health, now_ms, &until)),
                     health_state_name(state));
    ck_assert_uint_eq(until, until_ms);
}

static void sees(enum health_outcome outcome, unsigned times, uint64_t now_ms)
{
    for (unsigned i = 0; i < times; i++)
        (void)health_note(health, rules, outcome, now_ms, 0);
}

START_TEST(zeroed_memory_is_healthy)
{
    is_at(START_MS, HEALTH_HEALTHY, 0);
    ck_assert(health_may_try(health, rules, START_MS));
}

END_TEST

static const enum health_outcome bad[] = {HEALTH_SAW_ERROR, HEALTH_SAW_BREAK};

START_TEST(five_in_a_row_eject_and_only_the_fifth_is_a_change)
{
    for (unsigned i = 0; i < 4; i++)
        ck_assert(!health_note(health, rules, bad[_i], START_MS, 0));
    ck_assert(health_may_try(health, rules, START_MS));
    ck_assert(health_note(health, rules, bad[_i], START_MS, 0));
    is_at(START_MS, HEALTH_DOWN, START_MS + 1000);
    ck_assert(!health_may_try(health, rules, START_MS + 999));
    ck_assert_uint_eq(atomic_load(&health->ejections), 1);
}

END_TEST

START_TEST(a_refused_credential_ejects_at_once_and_for_longer_each_time)
{
    uint64_t now_ms = START_MS;

    for (uint64_t lasts_ms = 1000; lasts_ms <= 4000; lasts_ms *= 2) {
        ck_assert(health_may_try(health, rules, now_ms));
        ck_assert(health_note(health, rules, HEALTH_SAW_REFUSED, now_ms, 0));
        is_at(now_ms, HEALTH_DOWN, now_ms + lasts_ms);
        now_ms += lasts_ms;
    }
}

END_TEST

START_TEST(rules_without_an_ejection_eject_nobody)
{
    struct health_rules lax = *rules;

    lax.eject_max_ms = 0;
    lax.degraded_percent = 0;
    for (unsigned i = 0; i < 50; i++)
        (void)health_note(health, &lax, i % 2 ? HEALTH_SAW_REFUSED : HEALTH_SAW_BREAK, START_MS,
                          0);
    is_at(START_MS, HEALTH_HEALTHY, 0);
}

END_TEST

START_TEST(an_answer_that_leaves_nothing_limits_up_to_what_is_believed)
{
    health_leave(health, rules, START_MS, 5000);
    is_at(START_MS, HEALTH_LIMITED, START_MS + 5000);
    health_leave(health, rules, START_MS, 10);
    is_at(START_MS, HEALTH_LIMITED, START_MS + 5000);
    health_leave(health, rules, START_MS, UINT64_MAX);
    is_at(START_MS, HEALTH_LIMITED, START_MS + rules->limited_max_ms);
    ck_assert(!health_is_plain(health, START_MS));
    ck_assert(health_is_plain(health, START_MS + rules->limited_max_ms));
}

END_TEST

START_TEST(errors_and_breaks_are_rows_of_their_own)
{
    sees(HEALTH_SAW_ERROR, 4, START_MS);
    sees(HEALTH_SAW_BREAK, 4, START_MS);
    is_at(START_MS, HEALTH_HEALTHY, 0);
    sees(HEALTH_SAW_BREAK, 1, START_MS);
    is_at(START_MS, HEALTH_DOWN, START_MS + 1000);
}

END_TEST

START_TEST(half_open_lets_one_try_and_its_success_heals)
{
    sees(HEALTH_SAW_ERROR, 5, START_MS);
    is_at(START_MS + 1000, HEALTH_HALF_OPEN, 0);
    ck_assert(health_may_try(health, rules, START_MS + 1000));
    ck_assert(!health_may_try(health, rules, START_MS + 1000));
    is_at(START_MS + 1001, HEALTH_HALF_OPEN, START_MS + 11000);
    ck_assert(health_note(health, rules, HEALTH_SAW_GOOD, START_MS + 1200, 0));
    is_at(START_MS + 1200, HEALTH_HEALTHY, 0);
    ck_assert(health_may_try(health, rules, START_MS + 1200));
}

END_TEST

START_TEST(a_trial_that_never_ends_is_given_to_another)
{
    sees(HEALTH_SAW_ERROR, 5, START_MS);
    ck_assert(health_may_try(health, rules, START_MS + 1000));
    ck_assert(!health_may_try(health, rules, START_MS + 10999));
    ck_assert(health_may_try(health, rules, START_MS + 11000));
}

END_TEST

START_TEST(a_trial_whose_client_left_is_given_back)
{
    sees(HEALTH_SAW_ERROR, 5, START_MS);
    ck_assert(health_may_try(health, rules, START_MS + 1000));
    sees(HEALTH_SAW_NOTHING, 1, START_MS + 1100);
    ck_assert(health_may_try(health, rules, START_MS + 1100));
}

END_TEST

START_TEST(ejections_double_up_to_the_cap)
{
    static const uint64_t lasts_ms[] = {1000, 2000, 4000, 8000, 10000, 10000};
    uint64_t now_ms = START_MS;

    sees(HEALTH_SAW_BREAK, 5, now_ms);
    for (unsigned i = 0; i < ARRAY_LEN(lasts_ms); i++) {
        is_at(now_ms, HEALTH_DOWN, now_ms + lasts_ms[i]);
        now_ms += lasts_ms[i];
        ck_assert(health_may_try(health, rules, now_ms));
        sees(HEALTH_SAW_BREAK, 1, now_ms);
    }
    ck_assert_uint_eq(atomic_load(&health->ejections), ARRAY_LEN(lasts_ms) + 1);
}

END_TEST

START_TEST(ejections_are_remembered_for_a_minute)
{
    sees(HEALTH_SAW_ERROR, 5, START_MS);
    ck_assert(health_may_try(health, rules, START_MS + 1000));
    sees(HEALTH_SAW_GOOD, 1, START_MS + 1000);
    sees(HEALTH_SAW_ERROR, 5, START_MS + 1000 + (_i ? 60000 : 59999));
    is_at(START_MS + 61000, HEALTH_DOWN, START_MS + (_i ? 62000 : 62999));
}

END_TEST

START_TEST(half_of_a_window_ejects_though_successes_are_between)
{
    for (unsigned i = 0; i < 10; i++) {
        is_at(START_MS, HEALTH_HEALTHY, 0);
        sees(HEALTH_SAW_GOOD, 1, START_MS);
        sees(HEALTH_SAW_ERROR, 1, START_MS);
    }
    is_at(START_MS, HEALTH_DOWN, START_MS + 1000);
}

END_TEST

START_TEST(a_window_begins_anew)
{
    for (unsigned i = 0; i < 9; i++) {
        sees(HEALTH_SAW_GOOD, 1, START_MS);
        sees(HEALTH_SAW_ERROR, 1, START_MS);
    }
    sees(HEALTH_SAW_GOOD, 1, START_MS + 10000);
    sees(HEALTH_SAW_ERROR, 1, START_MS + 10000);
    is_at(START_MS + 10000, HEALTH_HEALTHY, 0);
}

END_TEST

START_TEST(a_fifth_degrades_for_a_window)
{
    sees(HEALTH_SAW_GOOD, 15, START_MS);
    sees(HEALTH_SAW_BREAK, 4, START_MS);
    is_at(START_MS, HEALTH_HEALTHY, 0);
    sees(HEALTH_SAW_GOOD, 1, START_MS);
    is_at(START_MS, HEALTH_DEGRADED, 0);
    ck_assert(health_may_try(health, rules, START_MS));
    is_at(START_MS + 10000, HEALTH_HEALTHY, 0);
}

END_TEST

START_TEST(shares_outlast_a_window_of_many_attempts)
{
    for (unsigned i = 0; i < 10000; i++) {
        sees(HEALTH_SAW_GOOD, 2, START_MS);
        sees(HEALTH_SAW_ERROR, 1, START_MS);
        if (i >= 10)
            is_at(START_MS, HEALTH_DEGRADED, 0);
    }
}

END_TEST

START_TEST(who_is_back_is_not_ejected_for_what_was_before)
{
    for (unsigned i = 0; i < 10; i++) {
        sees(HEALTH_SAW_GOOD, 1, START_MS);
        sees(HEALTH_SAW_ERROR, 1, START_MS);
    }
    ck_assert(health_may_try(health, rules, START_MS + 1000));
    sees(HEALTH_SAW_GOOD, 1, START_MS + 1000);
    sees(HEALTH_SAW_ERROR, 1, START_MS + 1000);
    is_at(START_MS + 1000, HEALTH_HEALTHY, 0);
}

END_TEST

static const struct {
    uint64_t told_ms, waits_ms;
} waits[] = {{0, 1000}, {7000, 7000}, {UINT64_MAX, 600000}};

START_TEST(a_limited_account_waits_until_its_reset)
{
    ck_assert(health_note(health, rules, HEALTH_SAW_LIMIT, START_MS, waits[_i].told_ms));
    is_at(START_MS, HEALTH_LIMITED, START_MS + waits[_i].waits_ms);
    ck_assert(!health_may_try(health, rules, START_MS + waits[_i].waits_ms - 1));
    ck_assert(health_may_try(health, rules, START_MS + waits[_i].waits_ms));
    is_at(START_MS + waits[_i].waits_ms, HEALTH_HEALTHY, 0);
}

END_TEST

START_TEST(limits_never_eject_and_the_later_reset_counts)
{
    (void)health_note(health, rules, HEALTH_SAW_LIMIT, START_MS, 9000);
    sees(HEALTH_SAW_LIMIT, 100, START_MS + 1);
    is_at(START_MS + 1, HEALTH_LIMITED, START_MS + 9000);
}

END_TEST

/* What its credentials held goes with the first that is good; what the provider said stays. */
START_TEST(only_what_credentials_held_is_released)
{
    health_hold(health, START_MS + 5000);
    is_at(START_MS, HEALTH_LIMITED, START_MS + 5000);
    health_release(health, 0);
    is_at(START_MS, HEALTH_LIMITED, START_MS + 5000);
    health_release(health, START_MS + 5000);
    is_at(START_MS, HEALTH_HEALTHY, 0);
    health_hold(health, START_MS + 5000);
    (void)health_note(health, rules, HEALTH_SAW_LIMIT, START_MS, 9000);
    health_release(health, START_MS + 5000);
    is_at(START_MS, HEALTH_LIMITED, START_MS + 9000);
}

END_TEST

START_TEST(a_drained_account_stays_so_and_keeps_what_is_known)
{
    sees(HEALTH_SAW_ERROR, 5, START_MS);
    ck_assert(health_drain(health, true));
    ck_assert(!health_drain(health, true));
    is_at(START_MS + 500, HEALTH_DRAINED, UINT64_MAX);
    ck_assert(!health_may_try(health, rules, START_MS + 1000));
    sees(HEALTH_SAW_GOOD, 1, START_MS + 1000);
    is_at(START_MS + 1000, HEALTH_DRAINED, UINT64_MAX);
    ck_assert(health_drain(health, false));
    is_at(START_MS + 1000, HEALTH_HEALTHY, 0);
}

END_TEST

START_TEST(a_good_probe_gives_a_trial_and_a_bad_one_ejects)
{
    ck_assert(health_probed(health, rules, HEALTH_PROBE_BAD, START_MS));
    is_at(START_MS, HEALTH_DOWN, START_MS + 1000);
    ck_assert(!health_probed(health, rules, HEALTH_PROBE_BAD, START_MS + 5));
    is_at(START_MS + 5, HEALTH_DOWN, START_MS + 1000);
    ck_assert(health_probed(health, rules, HEALTH_PROBE_ANSWERS, START_MS + 10));
    is_at(START_MS + 10, HEALTH_HALF_OPEN, 0);
    ck_assert(health_may_try(health, rules, START_MS + 10));
    ck_assert(!health_probed(health, rules, HEALTH_PROBE_WELL, START_MS + 10));
    ck_assert(!health_probed(health, rules, HEALTH_PROBE_BAD, START_MS + 10));
    ck_assert(!health_may_try(health, rules, START_MS + 10));
}

END_TEST

START_TEST(a_probe_is_the_trial_while_no_request_has_it)
{
    ck_assert(!health_probed(health, rules, HEALTH_PROBE_WELL, START_MS));
    ck_assert(health_probed(health, rules, HEALTH_PROBE_BAD, START_MS));
    ck_assert(health_probed(health, rules, HEALTH_PROBE_BAD, START_MS + 1000));
    is_at(START_MS + 1000, HEALTH_DOWN, START_MS + 3000); /* for twice as long */
    ck_assert_uint_eq(atomic_load(&health->ejections), 2);
    ck_assert(health_probed(health, rules, HEALTH_PROBE_WELL, START_MS + 1500));
    is_at(START_MS + 1500, HEALTH_HEALTHY, 0);
    (void)health_probed(health, rules, HEALTH_PROBE_BAD, START_MS + 1600);
    is_at(START_MS + 1600, HEALTH_DOWN, START_MS + 5600); /* soon after: remembered */
    ck_assert(health_probed(health, rules, HEALTH_PROBE_WELL, START_MS + 9000));
    is_at(START_MS + 9000, HEALTH_HEALTHY, 0);
}

END_TEST

START_TEST(who_is_not_watched_is_not_ejected_by_a_probe)
{
    struct health_rules unwatched = *rules;

    unwatched.eject_max_ms = 0;
    ck_assert(!health_probed(health, &unwatched, HEALTH_PROBE_BAD, START_MS));
    is_at(START_MS, HEALTH_HEALTHY, 0);
}

END_TEST

START_TEST(of_many_processes_one_gets_the_trial)
{
    unsigned winners = 0;

    sees(HEALTH_SAW_ERROR, 5, START_MS);
    for (unsigned i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();

        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            _exit(health_may_try(health, rules, START_MS + 1000) ? 1 : 0);
    }
    for (unsigned i = 0; i < CHILDREN; i++) {
        int status;

        ck_assert_int_gt(wait(&status), 0);
        ck_assert(WIFEXITED(status));
        winners += (unsigned)WEXITSTATUS(status);
    }
    ck_assert_uint_eq(winners, 1);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("health");
    TCase *tests = tcase_create("health");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, zeroed_memory_is_healthy);
    tcase_add_loop_test(tests, five_in_a_row_eject_and_only_the_fifth_is_a_change, 0,
                        ARRAY_LEN(bad));
    tcase_add_test(tests, a_refused_credential_ejects_at_once_and_for_longer_each_time);
    tcase_add_test(tests, rules_without_an_ejection_eject_nobody);
    tcase_add_test(tests, an_answer_that_leaves_nothing_limits_up_to_what_is_believed);
    tcase_add_test(tests, errors_and_breaks_are_rows_of_their_own);
    tcase_add_test(tests, half_open_lets_one_try_and_its_success_heals);
    tcase_add_test(tests, a_trial_that_never_ends_is_given_to_another);
    tcase_add_test(tests, a_trial_whose_client_left_is_given_back);
    tcase_add_test(tests, ejections_double_up_to_the_cap);
    tcase_add_loop_test(tests, ejections_are_remembered_for_a_minute, 0, 2);
    tcase_add_test(tests, half_of_a_window_ejects_though_successes_are_between);
    tcase_add_test(tests, a_window_begins_anew);
    tcase_add_test(tests, a_fifth_degrades_for_a_window);
    tcase_add_test(tests, shares_outlast_a_window_of_many_attempts);
    tcase_add_test(tests, who_is_back_is_not_ejected_for_what_was_before);
    tcase_add_loop_test(tests, a_limited_account_waits_until_its_reset, 0, ARRAY_LEN(waits));
    tcase_add_test(tests, only_what_credentials_held_is_released);
    tcase_add_test(tests, limits_never_eject_and_the_later_reset_counts);
    tcase_add_test(tests, a_drained_account_stays_so_and_keeps_what_is_known);
    tcase_add_test(tests, a_good_probe_gives_a_trial_and_a_bad_one_ejects);
    tcase_add_test(tests, a_probe_is_the_trial_while_no_request_has_it);
    tcase_add_test(tests, who_is_not_watched_is_not_ejected_by_a_probe);
    tcase_add_test(tests, of_many_processes_one_gets_the_trial);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
