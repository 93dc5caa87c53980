#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/probe/lease.h"
#include "tests/support/database.h"

#define HOLD_MS 1000

static struct store *store;
static struct probe_lease lease;

static void begin(void)
{
    static const char *const tables[] = {"provider_probes"};

    store = database_new(tables, ARRAY_LEN(tables));
}

static void end(void)
{
    store_close(store);
}

static bool take(const char *host, int64_t now_ms)
{
    ck_assert_int_eq(
        probe_lease_take(store, SPAN("p"), span_of_text(host), now_ms, HOLD_MS, &lease), 0);
    return lease.mine;
}

static void tell(const char *host, uint16_t status)
{
    ck_assert_int_eq(probe_lease_tell(store, SPAN("p"), span_of_text(host), status), 0);
}

START_TEST(one_host_asks_until_it_stops)
{
    ck_assert(take("a", 5000));
    ck_assert(!take("b", 5500));
    ck_assert(take("a", 5800));
    ck_assert(!take("b", 6799));
    ck_assert(take("b", 6800));
    ck_assert(!take("a", 6801));
}

END_TEST

START_TEST(the_others_hear_what_it_was_told)
{
    ck_assert(take("a", 5000));
    ck_assert_uint_eq(lease.number, 0);
    tell("a", 200);
    ck_assert(!take("b", 5100));
    ck_assert_uint_eq(lease.number, 1);
    ck_assert_uint_eq(lease.status, 200);
    tell("b", 404); /* it does not have the lease */
    tell("a", 0);
    ck_assert(!take("b", 5200));
    ck_assert_uint_eq(lease.number, 2);
    ck_assert_uint_eq(lease.status, 0);
    ck_assert(take("b", 9000));
    ck_assert_uint_eq(lease.number, 2);
    tell("a", 500); /* too late */
    ck_assert(!take("a", 9100));
    ck_assert_uint_eq(lease.number, 2);
}

END_TEST

START_TEST(each_account_is_leased_alone)
{
    ck_assert(take("a", 5000));
    ck_assert_int_eq(
        probe_lease_take(store, SPAN("' or 1=1"), SPAN("b"), 5000, HOLD_MS, &lease), 0);
    ck_assert(lease.mine);
    ck_assert(!take("b", 5000));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("lease");
    TCase *tests = tcase_create("lease");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, one_host_asks_until_it_stops);
    tcase_add_test(tests, the_others_hear_what_it_was_told);
    tcase_add_test(tests, each_account_is_leased_alone);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
