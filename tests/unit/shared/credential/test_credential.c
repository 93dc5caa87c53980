#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/credential/credential.h"

#define START_MS 1000000

static struct credential_state states[3];
static const struct snapshot_credential rows[] = {
    {.row = 0, .weight = 1}, {.row = 1, .weight = 3}, {.row = 2, .weight = 1}};

static void set_up(void)
{
    memset(states, 0, sizeof(states));
}

static struct credential_choice choice(uint64_t now_ms, uint64_t random, uint32_t barred)
{
    return (struct credential_choice){.states = states,
                                      .rows = rows,
                                      .count = ARRAY_LEN(rows),
                                      .barred = barred,
                                      .now_ms = now_ms,
                                      .random = random};
}

static uint32_t chosen(uint64_t now_ms, uint64_t random, uint32_t barred)
{
    struct credential_choice made = choice(now_ms, random, barred);

    return credential_choose(&made);
}

static void sees(uint32_t row, enum credential_outcome outcome, uint64_t now_ms)
{
    (void)credential_note(&states[row], outcome, now_ms, 0);
}

START_TEST(chance_goes_by_weight)
{
    static const uint32_t expected[] = {0, 1, 1, 1, 2};

    for (uint32_t i = 0; i < 10; i++)
        ck_assert_uint_eq(chosen(START_MS, i, 0), expected[i % 5]);
    ck_assert_uint_eq(chosen(START_MS, 0, 1), 1);
    ck_assert_uint_eq(chosen(START_MS, 0, 7), CREDENTIAL_NONE);
}

END_TEST

/* How long what happened OUTCOME times, each after the time of the one before, keeps it out. */
static const struct {
    enum credential_outcome outcome;
    unsigned times;
    uint64_t out_ms;
} sentences[] = {
    {CREDENTIAL_REFUSED, 1, 5000},     {CREDENTIAL_REFUSED, 2, 10000},
    {CREDENTIAL_REFUSED, 3, 20000},    {CREDENTIAL_REFUSED, 7, 300000},
    {CREDENTIAL_REFUSED, 200, 300000}, {CREDENTIAL_PENNILESS, 1, 30000},
    {CREDENTIAL_PENNILESS, 9, 600000}, {CREDENTIAL_DENIED, 1, 0},
    {CREDENTIAL_DENIED, 2, 0},         {CREDENTIAL_DENIED, 3, 5000},
    {CREDENTIAL_DENIED, 4, 10000},     {CREDENTIAL_LIMITED, 1, 1000},
};

START_TEST(it_is_out_for_a_growing_time)
{
    uint64_t now_ms = START_MS, until_ms = 0;

    for (unsigned i = 0; i < sentences[_i].times; i++) {
        now_ms = until_ms ? until_ms : now_ms;
        sees(0, sentences[_i].outcome, now_ms);
        (void)credential_condition(&states[0], now_ms, &until_ms);
    }
    ck_assert_uint_eq(until_ms ? until_ms - now_ms : 0, sentences[_i].out_ms);
}

END_TEST

START_TEST(one_at_a_time_tries_it_again)
{
    sees(0, CREDENTIAL_REFUSED, START_MS);
    ck_assert_uint_eq(chosen(START_MS, 0, 0), 1);
    ck_assert_uint_eq(chosen(START_MS + 4999, 0, 6), CREDENTIAL_NONE);
    ck_assert_uint_eq(chosen(START_MS + 5000, 0, 0), 0);               /* the trial */
    ck_assert_uint_eq(chosen(START_MS + 5000, 0, 0), 1);               /* others */
    ck_assert_uint_eq(chosen(START_MS + 5000, 0, 6), CREDENTIAL_NONE); /* not another trial */
    ck_assert_uint_eq(chosen(START_MS + 15000, 0, 0), 0);              /* it never ended */
    ck_assert(credential_note(&states[0], CREDENTIAL_GOOD, START_MS + 15001, 0));
    ck_assert(!credential_note(&states[0], CREDENTIAL_GOOD, START_MS + 15001, 0));
    ck_assert_uint_eq(chosen(START_MS + 15001, 0, 6), 0);
}

END_TEST

START_TEST(a_trial_that_fails_doubles_and_stragglers_do_not)
{
    uint64_t until_ms;

    sees(0, CREDENTIAL_REFUSED, START_MS);
    for (unsigned i = 0; i < 20; i++)
        sees(0, CREDENTIAL_REFUSED, START_MS + 10);
    (void)credential_condition(&states[0], START_MS + 10, &until_ms);
    ck_assert_uint_eq(until_ms, START_MS + 5000);
    ck_assert_uint_eq(chosen(START_MS + 5000, 0, 0), 0);
    sees(0, CREDENTIAL_REFUSED, START_MS + 5100);
    ck_assert_int_eq(credential_condition(&states[0], START_MS + 5100, &until_ms),
                     CREDENTIAL_IS_REFUSED);
    ck_assert_uint_eq(until_ms, START_MS + 15100);
    ck_assert_uint_eq(atomic_load(&states[0].refused), 22);
    ck_assert_uint_eq(atomic_load(&states[0].refused_since_ms), START_MS);
}

END_TEST

START_TEST(a_limit_ends_by_itself_and_the_later_time_counts)
{
    uint64_t until_ms;

    (void)credential_note(&states[0], CREDENTIAL_LIMITED, START_MS, 9000);
    (void)credential_note(&states[0], CREDENTIAL_LIMITED, START_MS, 3000);
    ck_assert_int_eq(credential_condition(&states[0], START_MS, &until_ms),
                     CREDENTIAL_IS_LIMITED);
    ck_assert_uint_eq(until_ms, START_MS + 9000);
    (void)credential_note(&states[1], CREDENTIAL_LIMITED, START_MS, UINT64_MAX);
    (void)credential_condition(&states[1], START_MS, &until_ms);
    ck_assert_uint_eq(until_ms, START_MS + CREDENTIAL_LIMITED_MAX_MS);
    ck_assert_int_eq(credential_condition(&states[0], START_MS + 9000, &until_ms),
                     CREDENTIAL_IS_GOOD);
    ck_assert_uint_eq(chosen(START_MS + 9000, 0, 6), 0);
}

END_TEST

START_TEST(the_soonest_is_told)
{
    struct credential_choice made = choice(START_MS, 0, 0);
    uint64_t until_ms;

    sees(0, CREDENTIAL_PENNILESS, START_MS);
    sees(1, CREDENTIAL_REFUSED, START_MS);
    sees(2, CREDENTIAL_PENNILESS, START_MS);
    ck_assert(!credential_left(&made));
    ck_assert_uint_eq(credential_soonest(&made, &until_ms), 1);
    ck_assert_uint_eq(until_ms, START_MS + 5000);
    made.barred = 2;
    ck_assert_uint_eq(credential_soonest(&made, &until_ms), 0);
    made.barred = 7;
    ck_assert_uint_eq(credential_soonest(&made, &until_ms), CREDENTIAL_NONE);
    made.barred = 0;
    made.now_ms = START_MS + 5000;
    ck_assert(credential_left(&made));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("credential");
    TCase *tests = tcase_create("credential");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, chance_goes_by_weight);
    tcase_add_loop_test(tests, it_is_out_for_a_growing_time, 0, ARRAY_LEN(sentences));
    tcase_add_test(tests, one_at_a_time_tries_it_again);
    tcase_add_test(tests, a_trial_that_fails_doubles_and_stragglers_do_not);
    tcase_add_test(tests, a_limit_ends_by_itself_and_the_later_time_counts);
    tcase_add_test(tests, the_soonest_is_told);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
