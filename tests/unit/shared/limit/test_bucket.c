#include <check.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/limit/bucket.h"

#define SECOND_NS 1000000000ULL
#define START_NS  (1000 * SECOND_NS)
#define WORKERS   4

/* In memory that children share. */
static struct bucket *bucket;

static void set_up(void)
{
    bucket =
        mmap(NULL, sizeof(*bucket), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(bucket, MAP_FAILED);
    atomic_store(&bucket->granted, UINT64_MAX);
}

static void tear_down(void)
{
    (void)munmap(bucket, sizeof(*bucket));
}

static const struct rate ten_a_second = {.amount = 10,
                                         .burst = 10,
                                         .window_ms = 1000,
                                         .sharers = 1,
                                         .algorithm = LIMIT_ALGORITHM_token_bucket};
static const struct rate window_of_ten = {
    .amount = 10, .window_ms = 1000, .sharers = 1, .algorithm = LIMIT_ALGORITHM_sliding_window};

static enum take take(const struct rate *rate, uint64_t at_ms, uint64_t count,
                      struct level *ret)
{
    return rate_take(bucket, rate, START_NS + at_ms * 1000000, count, ret);
}

static void takes(const struct rate *rate, uint64_t at_ms, uint64_t count, uint64_t remaining)
{
    struct level level;

    ck_assert_int_eq(take(rate, at_ms, count, &level), TAKE_DONE);
    ck_assert_uint_eq(level.remaining, remaining);
}

static void refuses(const struct rate *rate, uint64_t at_ms, uint64_t count, uint64_t retry_ms)
{
    struct level level;

    ck_assert_int_eq(take(rate, at_ms, count, &level), TAKE_FULL);
    ck_assert_uint_eq(level.retry_ms, retry_ms);
    if (retry_ms == UINT64_MAX)
        return;
    /* What it says is true: a moment before there is no room, then there is. */
    if (retry_ms > 1)
        ck_assert_int_eq(take(rate, at_ms + retry_ms - 2, count, &level), TAKE_FULL);
    ck_assert_int_eq(take(rate, at_ms + retry_ms, count, &level), TAKE_DONE);
}

START_TEST(token_bucket_lets_its_burst_in_and_then_its_rate)
{
    takes(&ten_a_second, 0, 4, 6);
    takes(&ten_a_second, 0, 6, 0);
    refuses(&ten_a_second, 0, 1, 100);
    refuses(&ten_a_second, 100, 3, 300);
    takes(&ten_a_second, 10000, 10, 0);
}

END_TEST

START_TEST(sliding_window_counts_the_last_one_by_its_part)
{
    takes(&window_of_ten, 0, 10, 0);
    refuses(&window_of_ten, 0, 1, 1101);
    takes(&window_of_ten, 1500, 4, 0);
    takes(&window_of_ten, 3000, 10, 0);
}

END_TEST

START_TEST(more_than_a_limit_at_once_never_fits)
{
    refuses(&ten_a_second, 0, 11, UINT64_MAX);
    refuses(&window_of_ten, 0, 11, UINT64_MAX);
}

END_TEST

START_TEST(an_amount_of_zero_lets_nothing_in)
{
    struct rate none = ten_a_second;

    none.amount = 0;
    refuses(&none, 0, 1, UINT64_MAX);
    ck_assert_int_eq(money_reserve(bucket, 0, 0), TAKE_FULL);
    ck_assert(!place_take(bucket, 0));
}

END_TEST

START_TEST(what_is_given_back_can_be_taken_again)
{
    takes(&ten_a_second, 0, 10, 0);
    rate_give_back(bucket, &ten_a_second, START_NS, 7);
    takes(&ten_a_second, 0, 7, 0);
}

END_TEST

START_TEST(what_is_given_back_to_a_window_can_be_taken_again)
{
    takes(&window_of_ten, 0, 10, 0);
    rate_give_back(bucket, &window_of_ten, START_NS, 7);
    takes(&window_of_ten, 0, 7, 0);
    rate_give_back(bucket, &window_of_ten, START_NS - 5 * SECOND_NS, 7);
    refuses(&window_of_ten, 0, 1, 1101);
}

END_TEST

START_TEST(what_an_estimate_missed_is_a_debt)
{
    takes(&ten_a_second, 0, 1, 9);
    rate_add(bucket, &ten_a_second, START_NS, 19);
    refuses(&ten_a_second, 0, 1, 1100);
}

END_TEST

START_TEST(large_figures_do_not_overflow)
{
    struct rate day = {.amount = 1ULL << 39,
                       .burst = 1ULL << 39,
                       .window_ms = 86400000,
                       .sharers = 1,
                       .algorithm = LIMIT_ALGORITHM_token_bucket};
    struct level level;

    ck_assert_int_eq(take(&day, 0, 1ULL << 39, &level), TAKE_DONE);
    ck_assert_uint_eq(level.remaining, 0);
    ck_assert_int_eq(take(&day, 0, UINT64_MAX, &level), TAKE_FULL);
    ck_assert_uint_eq(level.retry_ms, UINT64_MAX);
    rate_add(bucket, &day, START_NS, UINT64_MAX);
    ck_assert_int_eq(take(&day, 0, 1, &level), TAKE_FULL);
}

END_TEST

START_TEST(hosts_that_do_not_hear_of_each_other_divide_the_rate)
{
    struct rate half = ten_a_second;

    half.sharers = 2;
    takes(&half, 0, 5, 0);
    refuses(&half, 0, 1, 200);
    half.sharers = 100;
    takes(&half, 100000, 1, 0);
}

END_TEST

START_TEST(a_grant_decides_and_what_is_missing_is_asked_for)
{
    struct level level;

    atomic_store(&bucket->granted, 3);
    ck_assert_int_eq(take(&ten_a_second, 0, 3, &level), TAKE_DONE);
    ck_assert_int_eq(take(&ten_a_second, 0, 2, &level), TAKE_AWAITS);
    ck_assert_uint_eq(atomic_load(&bucket->wanted), 2);
    atomic_store(&bucket->granted, 5);
    ck_assert_int_eq(take(&ten_a_second, 0, 2, &level), TAKE_DONE);
    ck_assert_uint_eq(level.remaining, 5);
}

END_TEST

static uint64_t settle(uint64_t reserved, uint64_t spent)
{
    uint64_t passed = money_spend(bucket, 100, spent);

    money_release(bucket, reserved, spent);
    return passed;
}

START_TEST(money_is_reserved_up_to_the_amount_and_settled)
{
    ck_assert_int_eq(money_reserve(bucket, 100, 60), TAKE_DONE);
    ck_assert_int_eq(money_reserve(bucket, 100, 41), TAKE_FULL);
    ck_assert_int_eq(money_reserve(bucket, 100, 40), TAKE_DONE);
    ck_assert_uint_eq(settle(60, 10), 0);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 50);
    ck_assert_int_eq(money_reserve(bucket, 100, 50), TAKE_DONE);
    ck_assert_uint_eq(settle(40, 95), 5);
    ck_assert_uint_eq(settle(50, 7), 7);
    ck_assert_uint_eq(atomic_load(&bucket->total), 112);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 112);
}

END_TEST

START_TEST(money_waits_for_a_grant)
{
    atomic_store(&bucket->granted, 10);
    ck_assert_int_eq(money_reserve(bucket, 100, 11), TAKE_AWAITS);
    ck_assert_int_eq(money_reserve(bucket, 100, 10), TAKE_DONE);
    ck_assert_uint_eq(atomic_load(&bucket->wanted), 11);
}

END_TEST

/* ---- over processes ---------------------------------------------------------------------- */

typedef uint64_t try_f(void);

static uint64_t try_tokens(void)
{
    struct level level;

    return take(&ten_a_second, 0, 1, &level) == TAKE_DONE;
}

static uint64_t try_window(void)
{
    struct level level;

    return take(&window_of_ten, 0, 1, &level) == TAKE_DONE;
}

static uint64_t try_place(void)
{
    return place_take(bucket, 10);
}

static uint64_t try_money(void)
{
    return money_reserve(bucket, 100, 10) == TAKE_DONE;
}

static try_f *const tries[] = {try_tokens, try_window, try_place, try_money};

START_TEST(workers_together_get_as_much_as_one)
{
    uint64_t got = 0;
    int status;

    for (unsigned i = 0; i < WORKERS; i++) {
        if (fork() == 0) {
            uint64_t mine = 0;

            for (unsigned j = 0; j < 20000; j++)
                mine += tries[_i]();
            _exit((int)mine);
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert(WIFEXITED(status));
        got += (uint64_t)WEXITSTATUS(status);
    }
    ck_assert_uint_eq(got, 10);
}

END_TEST

/* ---- names ------------------------------------------------------------------------------- */

START_TEST(identities_differ_in_each_part)
{
    uint64_t one = limit_identity(LIMIT_SCOPE_team, SPAN("ab"), SPAN("c"), 0);

    ck_assert_uint_eq(one, limit_identity(LIMIT_SCOPE_team, SPAN("ab"), SPAN("c"), 0));
    ck_assert_uint_ne(one, limit_identity(LIMIT_SCOPE_user, SPAN("ab"), SPAN("c"), 0));
    ck_assert_uint_ne(one, limit_identity(LIMIT_SCOPE_team, SPAN("a"), SPAN("bc"), 0));
    ck_assert_uint_ne(one, limit_identity(LIMIT_SCOPE_team, SPAN("ab"), SPAN("c"), 1));
}

END_TEST

START_TEST(words_have_ends)
{
    ck_assert(span_eq(limit_scope_name(LIMIT_SCOPE_provider), SPAN("provider")));
    ck_assert(span_eq(limit_unit_name(LIMIT_UNIT_concurrent), SPAN("concurrent")));
    ck_assert(
        span_eq(limit_algorithm_name(LIMIT_ALGORITHM_sliding_window), SPAN("sliding_window")));
    ck_assert(span_eq(limit_mode_name(LIMIT_MODE_shadow), SPAN("shadow")));
    ck_assert_ptr_null(limit_scope_name(LIMIT_SCOPE_COUNT).ptr);
    ck_assert_ptr_null(limit_mode_name(LIMIT_MODE_COUNT).ptr);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("bucket");
    TCase *tcase = tcase_create("bucket");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, token_bucket_lets_its_burst_in_and_then_its_rate);
    tcase_add_test(tcase, sliding_window_counts_the_last_one_by_its_part);
    tcase_add_test(tcase, more_than_a_limit_at_once_never_fits);
    tcase_add_test(tcase, an_amount_of_zero_lets_nothing_in);
    tcase_add_test(tcase, what_is_given_back_can_be_taken_again);
    tcase_add_test(tcase, what_is_given_back_to_a_window_can_be_taken_again);
    tcase_add_test(tcase, what_an_estimate_missed_is_a_debt);
    tcase_add_test(tcase, large_figures_do_not_overflow);
    tcase_add_test(tcase, hosts_that_do_not_hear_of_each_other_divide_the_rate);
    tcase_add_test(tcase, a_grant_decides_and_what_is_missing_is_asked_for);
    tcase_add_test(tcase, money_is_reserved_up_to_the_amount_and_settled);
    tcase_add_test(tcase, money_waits_for_a_grant);
    tcase_add_loop_test(tcase, workers_together_get_as_much_as_one, 0, (int)ARRAY_LEN(tries));
    tcase_add_test(tcase, identities_differ_in_each_part);
    tcase_add_test(tcase, words_have_ends);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
