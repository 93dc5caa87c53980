#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/limit/bucket.h"

#include "supervisor/share/window.h"

#define UNIT 1000 /* nanodollars */

static struct bucket bucket;
static struct share_row row;
static struct share_lease lease;

/* A window of 64 s: its steps are seconds. */
static void set_up(void)
{
    const struct budget_rule rule = {.period = BUDGET_PERIOD_rolling, .window_ms = 64000};

    memset(&bucket, 0, sizeof(bucket));
    row = (struct share_row){
        .kind = SHARE_BUDGET,
        .moved_ms = 1000,
        .budget = {.window = share_window_of(&rule), .amount = 10000, .known = true}};
}

static void spend(uint64_t money)
{
    ck_assert_int_eq(money_reserve(&bucket, INT64_MAX, money * UNIT), TAKE_DONE);
}

static void ask(uint64_t step, uint64_t held)
{
    lease = (struct share_lease){.held = held};
    share_window_divide(&row, &bucket, step, &lease);
}

static const struct {
    uint64_t window_ms, step_ms;
} cuts[] = {{60000, 1000}, {64000, 1000}, {64001, 2000}, {3600000, 57000}, {86400000, 1350000}};

START_TEST(a_window_has_at_most_sixty_four_steps)
{
    const struct budget_rule rule = {.period = BUDGET_PERIOD_rolling,
                                     .window_ms = cuts[_i].window_ms};

    ck_assert_uint_eq(share_window_of(&rule).step_ms, cuts[_i].step_ms);
    ck_assert_uint_eq(share_window_of(&rule).length_ms, cuts[_i].window_ms);
}

END_TEST

START_TEST(a_period_has_no_window)
{
    const struct budget_rule rule = {.period = BUDGET_PERIOD_month, .window_ms = 0};

    ck_assert_uint_eq(share_window_of(&rule).length_ms, 0);
}

END_TEST

START_TEST(the_first_claim_is_of_the_step_that_runs)
{
    set_up();
    ask(500, 0);
    ck_assert_uint_eq(lease.step, 500);
    ck_assert_uint_eq(lease.step_before, 0);
    share_window_told(&row, &bucket, &lease);
    ck_assert_uint_eq(row.budget.window.step, 500);
}

END_TEST

START_TEST(what_was_spent_stays_in_its_step_and_the_lease_goes_on)
{
    set_up();
    row.budget.window.step = 500;
    share_lease_take(&row, &bucket, 100);
    spend(30);
    ask(501, 100);
    ck_assert_uint_eq(lease.step_before, 500);
    ck_assert_uint_eq(lease.before, 30);
    ck_assert_uint_eq(lease.held, 70);
    share_window_told(&row, &bucket, &lease);
    ck_assert_uint_eq(atomic_load(&bucket.level[1]), 30 * UNIT);
    share_lease_take(&row, &bucket, 70); /* as before: nothing is granted by it */
    ck_assert_uint_eq(atomic_load(&bucket.granted), 100 * UNIT);
    ask(501, 70);
    ck_assert_uint_eq(lease.step_before, 0);
    ck_assert_uint_eq(lease.held, 70);
}

END_TEST

START_TEST(after_a_pause_all_is_of_the_step_that_runs)
{
    set_up();
    row.budget.window.step = 500;
    share_lease_take(&row, &bucket, 100);
    spend(30);
    ask(505, 100);
    ck_assert_uint_eq(lease.step_before, 500);
    ck_assert_uint_eq(lease.before, 0);
    ck_assert_uint_eq(lease.held, 100);
}

END_TEST

START_TEST(a_clock_that_goes_back_begins_no_step)
{
    set_up();
    row.budget.window.step = 500;
    ask(490, 5);
    ck_assert_uint_eq(lease.step, 500);
    ck_assert_uint_eq(lease.step_before, 0);
}

END_TEST

START_TEST(a_lease_is_told_in_each_step_and_ends_with_the_window)
{
    set_up();
    row.budget.window.step = 500;
    share_lease_take(&row, &bucket, 100);
    spend(30);
    share_window_turn(&row, &bucket, 500);
    ck_assert(!row.budget.tell);
    share_window_turn(&row, &bucket, 501);
    ck_assert(row.budget.tell);
    share_window_turn(&row, &bucket, 563);
    ck_assert_uint_eq(atomic_load(&bucket.granted), 100 * UNIT);
    share_window_turn(&row, &bucket, 564);
    ck_assert_uint_eq(atomic_load(&bucket.granted), 30 * UNIT);
}

END_TEST

/* ---- hosts together ------------------------------------------------------------------------
 */

#define HOSTS   3
#define SECONDS 1000
#define AMOUNT  10000

/* What the store does (leases_window.c), in memory. */
static uint64_t claims[HOSTS][SECONDS + 100];

static uint64_t ask_store(unsigned host, uint64_t now, const struct share_lease *asked)
{
    uint64_t sum = 0;

    if (asked->step_before > 0)
        claims[host][asked->step_before] = asked->before;
    claims[host][asked->step] = 0;
    for (unsigned other = 0; other < HOSTS; other++)
        for (uint64_t step = now > 66 ? now - 65 : 1; step <= now; step++)
            sum += claims[other][step];
    sum += asked->held;
    claims[host][asked->step] =
        asked->held + (asked->need > 0 || asked->top_up
                           ? share_lease_grant(AMOUNT, sum, asked->need, HOSTS)
                           : 0);
    return claims[host][asked->step];
}

/* Each spends as much as it can, one of them with long pauses; one is cut off for a while. */
START_TEST(in_no_window_is_more_spent_than_the_amount)
{
    struct bucket buckets[HOSTS];
    struct share_row rows[HOSTS];
    uint64_t spent[SECONDS + 1] = {0}, all = 0;

    set_up();
    memset(claims, 0, sizeof(claims));
    for (unsigned host = 0; host < HOSTS; host++) {
        buckets[host] = bucket;
        rows[host] = row;
    }
    for (uint64_t now = 1; now <= SECONDS; now++) {
        for (unsigned turn = 0; turn < 200; turn++) {
            unsigned host = turn % HOSTS;
            uint64_t now_ms = now * 1000 + turn * 5, cost = 1 + (turn * 7 + now) % 13;
            bool cut_off = host == 2 && now % 100 > 80;

            if (host == 1 && now % 150 > 60)
                continue;
            share_window_turn(&rows[host], &buckets[host], now);
            if (!cut_off &&
                share_lease_ask(&rows[host], &buckets[host], false, now_ms, &lease)) {
                share_window_divide(&rows[host], &buckets[host], now, &lease);
                uint64_t claim = ask_store(host, now, &lease);

                share_window_told(&rows[host], &buckets[host], &lease);
                share_lease_take(&rows[host], &buckets[host], claim);
            }
            if (money_reserve(&buckets[host], INT64_MAX, cost * UNIT) == TAKE_DONE) {
                spent[now] += cost;
                all += cost;
            }
        }
    }
    for (unsigned from = 1; from <= SECONDS; from++) {
        uint64_t sum = 0;

        for (unsigned at = from; at < from + 64 && at <= SECONDS; at++)
            sum += spent[at];
        ck_assert_uint_le(sum, AMOUNT);
    }
    /* And money came back: the amount was spent many times over. */
    ck_assert_uint_ge(all, 10 * AMOUNT);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("window");
    TCase *cases = tcase_create("window");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(cases, a_window_has_at_most_sixty_four_steps, 0, (int)ARRAY_LEN(cuts));
    tcase_add_test(cases, a_period_has_no_window);
    tcase_add_test(cases, the_first_claim_is_of_the_step_that_runs);
    tcase_add_test(cases, what_was_spent_stays_in_its_step_and_the_lease_goes_on);
    tcase_add_test(cases, after_a_pause_all_is_of_the_step_that_runs);
    tcase_add_test(cases, a_clock_that_goes_back_begins_no_step);
    tcase_add_test(cases, a_lease_is_told_in_each_step_and_ends_with_the_window);
    tcase_add_test(cases, in_no_window_is_more_spent_than_the_amount);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
