#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/limit/bucket.h"

#include "supervisor/share/rows.h"

#define UNIT 1000 /* nanodollars */

static struct bucket bucket;
static struct share_row row;
static struct share_slice slice;
static struct share_lease lease;

static void set_up_rate(void)
{
    memset(&bucket, 0, sizeof(bucket));
    row = (struct share_row){
        .kind = SHARE_RATE,
        .moved_ms = 1000,
        .rate = {.amount = 600, .burst = 600, .window_ms = 60000, .need_ms = 1000}};
}

/* COUNT are let in one by one; true when all were. */
static bool let_in(uint64_t count)
{
    static const struct rate rate = {
        .amount = 600, .burst = 600, .window_ms = 60000, .sharers = 1};
    struct level level;
    bool all = true;

    while (count-- > 0)
        all = rate_take(&bucket, &rate, 1, 1, &level) == TAKE_DONE && all;
    return all;
}

static bool ask_rate(uint32_t hosts, uint64_t now_ms)
{
    return share_slice_ask(&row, &bucket, hosts, now_ms, &slice);
}

START_TEST(what_a_request_misses_is_asked_for_at_once)
{
    set_up_rate();
    row.moved_ms = 0;
    ck_assert(!ask_rate(1, 1010));
    ck_assert(!let_in(3));
    ck_assert(ask_rate(1, 1020));
    ck_assert_uint_ge(slice.want, 3);
    share_slice_take(&row, &bucket, &slice, slice.want);
    ck_assert(let_in(3));
    ck_assert_uint_eq(atomic_load(&bucket.wanted), 0);
}

END_TEST

START_TEST(a_busy_rate_is_ahead_of_its_need)
{
    uint64_t refused = 0;

    set_up_rate();
    row.rate.amount = row.rate.burst = 1000000;
    for (uint64_t now_ms = 1010; now_ms < 3000; now_ms += 10) { /* 10 in 10 ms */
        if (ask_rate(3, now_ms))
            share_slice_take(&row, &bucket, &slice, slice.want);
        refused += now_ms > 1500 && !let_in(10);
        if (now_ms <= 1500)
            (void)let_in(10);
    }
    ck_assert_uint_eq(refused, 0);
    /* And no more than 100 ms ahead. */
    ck_assert_uint_le(atomic_load(&bucket.granted) - atomic_load(&bucket.total), 120);
}

END_TEST

START_TEST(no_host_hoards_a_small_rate)
{
    set_up_rate();
    row.rate.amount = row.rate.burst = 48;
    row.rate.need = 40;
    ck_assert(ask_rate(3, 1010));
    ck_assert_uint_eq(slice.want, 2); /* an eighth of a third */
}

END_TEST

START_TEST(a_slice_that_nobody_uses_is_given_back_once)
{
    set_up_rate();
    atomic_store(&bucket.granted, 7);
    ck_assert(!ask_rate(1, 1010) || slice.back == 0);
    ck_assert(ask_rate(1, 2000));
    ck_assert_uint_eq(slice.back, 7);
    ck_assert_uint_eq(slice.want, 0);
    ck_assert_uint_eq(atomic_load(&bucket.granted), 0);
    ck_assert(!ask_rate(1, 2010));
}

END_TEST

START_TEST(what_an_estimate_missed_is_asked_for_and_paid)
{
    static const struct rate rate = {
        .amount = 600, .burst = 600, .window_ms = 60000, .sharers = 1};

    set_up_rate();
    atomic_store(&bucket.granted, 5);
    rate_add(&bucket, &rate, 1, 30);
    ck_assert(ask_rate(1, 1010));
    ck_assert_uint_ge(slice.want, 25);
    share_slice_take(&row, &bucket, &slice, 20);
    ck_assert(!let_in(1));
}

END_TEST

START_TEST(what_was_charged_is_not_lost_with_an_answer)
{
    set_up_rate();
    row.rate.charge = 9;
    ck_assert(ask_rate(1, 1010));
    ck_assert_uint_eq(slice.charge, 9);
    share_slice_lost(&row, &slice);
    ck_assert(ask_rate(1, 1020));
    ck_assert_uint_eq(slice.charge, 9);
    ck_assert(ask_rate(1, 1030) && slice.charge == 0);
}

END_TEST

/* ---- budgets ----------------------------------------------------------------------------- */

static void set_up_budget(uint64_t before)
{
    memset(&bucket, 0, sizeof(bucket));
    atomic_store(&bucket.level[0], before * UNIT);
    atomic_store(&bucket.level[1], before * UNIT);
    atomic_store(&bucket.total, before * UNIT);
    atomic_store(&bucket.granted, before * UNIT);
    row = (struct share_row){
        .kind = SHARE_BUDGET,
        .moved_ms = 1000,
        .budget = {.amount = 10000, .level_seen = before * UNIT, .known = true}};
}

static bool ask_budget(uint64_t now_ms)
{
    return share_lease_ask(&row, &bucket, false, now_ms, &lease);
}

static enum take reserve(uint64_t money)
{
    return money_reserve(&bucket, 10000 * UNIT, money * UNIT);
}

START_TEST(a_lease_lets_in_what_it_holds_and_no_more)
{
    set_up_budget(500);
    ck_assert_int_eq(reserve(10), TAKE_AWAITS);
    ck_assert(ask_budget(1010));
    ck_assert_uint_eq(lease.held, 0); /* what was there before is no claim of this host */
    ck_assert_uint_eq(lease.need, 10);
    share_lease_take(&row, &bucket, 100);
    ck_assert_int_eq(reserve(100), TAKE_DONE);
    ck_assert_int_eq(reserve(1), TAKE_AWAITS);
    ck_assert(ask_budget(1020));
    ck_assert_uint_eq(lease.held, 100);
}

END_TEST

START_TEST(what_was_spent_above_a_reservation_is_claimed)
{
    set_up_budget(0);
    share_lease_take(&row, &bucket, 100);
    ck_assert_int_eq(reserve(100), TAKE_DONE);
    (void)money_spend(&bucket, UINT64_MAX, 130 * UNIT + 1);
    money_release(&bucket, 100 * UNIT, 130 * UNIT + 1);
    ck_assert(ask_budget(1010));
    ck_assert_uint_eq(lease.held, 131);
}

END_TEST

START_TEST(an_idle_lease_is_given_back_with_what_is_reserved_kept)
{
    set_up_budget(0);
    share_lease_take(&row, &bucket, 100);
    ck_assert_int_eq(reserve(30), TAKE_DONE);
    (void)ask_budget(1010);
    ck_assert(!ask_budget(3010)); /* first nobody may reserve any more, then it is told */
    ck_assert_uint_eq(atomic_load(&bucket.granted), 30 * UNIT);
    ck_assert(ask_budget(3020));
    ck_assert_uint_eq(lease.held, 30);
    ck_assert(!lease.top_up);
    ck_assert(!ask_budget(3030));
}

END_TEST

START_TEST(a_kept_lease_stays)
{
    set_up_budget(0);
    share_lease_take(&row, &bucket, 100);
    (void)share_lease_ask(&row, &bucket, true, 1010, &lease);
    (void)share_lease_ask(&row, &bucket, true, 99000, &lease);
    ck_assert_uint_eq(atomic_load(&bucket.granted), 100 * UNIT);
}

END_TEST

START_TEST(a_reservation_beside_a_lowered_lease_is_taken_back)
{
    set_up_budget(0);
    share_lease_take(&row, &bucket, 100);
    ck_assert_int_eq(reserve(40), TAKE_DONE);
    share_lease_end(&row, &bucket);
    ck_assert_int_eq(reserve(1), TAKE_AWAITS);
    ck_assert_uint_eq(atomic_load(&bucket.level[0]), 40 * UNIT);
    ck_assert(ask_budget(1010));
    ck_assert_uint_eq(lease.held, 40);
}

END_TEST

static const struct {
    uint64_t amount, sum, need;
    uint32_t hosts;
    uint64_t lease;
} grants[] = {
    {1000, 0, 0, 1, 1000},  /* alone */
    {1600, 0, 0, 2, 100},   /* a sixteenth */
    {1600, 800, 0, 2, 50},  /* less as less is left */
    {1600, 0, 300, 2, 300}, /* what a request needs */
    {1600, 1590, 300, 2, 10}, {1600, 1600, 300, 2, 0},
    {1600, 1700, 300, 2, 0},  {1600, 1590, 0, 3, 0}, /* too little to be had ahead */
};

START_TEST(leases_shrink_with_the_rest)
{
    ck_assert_uint_eq(
        share_lease_grant(grants[_i].amount, grants[_i].sum, grants[_i].need, grants[_i].hosts),
        grants[_i].lease);
}

END_TEST

/* Three hosts that ask in turns, with leases by the same arithmetic that the store uses. */
START_TEST(hosts_in_turns_spend_all_of_it_and_never_more)
{
    uint64_t claims[3] = {0}, spent[3] = {0}, sum = 0, all = 0;

    for (unsigned turn = 0; turn < 100000; turn++) {
        unsigned host = turn % 3;
        uint64_t cost = 1 + turn % 7;

        if (claims[host] - spent[host] < cost) {
            uint64_t grant = share_lease_grant(10000, sum, cost, 3);

            claims[host] += grant;
            sum += grant;
        }
        if (claims[host] - spent[host] >= cost)
            spent[host] += cost;
    }
    all = spent[0] + spent[1] + spent[2];
    ck_assert_uint_le(sum, 10000);
    ck_assert_uint_le(all, 10000);
    ck_assert_uint_ge(all, 9980);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *cases = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_test(cases, what_a_request_misses_is_asked_for_at_once);
    tcase_add_test(cases, a_busy_rate_is_ahead_of_its_need);
    tcase_add_test(cases, no_host_hoards_a_small_rate);
    tcase_add_test(cases, a_slice_that_nobody_uses_is_given_back_once);
    tcase_add_test(cases, what_an_estimate_missed_is_asked_for_and_paid);
    tcase_add_test(cases, what_was_charged_is_not_lost_with_an_answer);
    tcase_add_test(cases, a_lease_lets_in_what_it_holds_and_no_more);
    tcase_add_test(cases, what_was_spent_above_a_reservation_is_claimed);
    tcase_add_test(cases, an_idle_lease_is_given_back_with_what_is_reserved_kept);
    tcase_add_test(cases, a_kept_lease_stays);
    tcase_add_test(cases, a_reservation_beside_a_lowered_lease_is_taken_back);
    tcase_add_loop_test(cases, leases_shrink_with_the_rest, 0, (int)ARRAY_LEN(grants));
    tcase_add_test(cases, hosts_in_turns_spend_all_of_it_and_never_more);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
