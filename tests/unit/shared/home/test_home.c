#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/home/home.h"

#define START_MS  1000000
#define MINUTE_MS 60000
#define SETS      (SEGMENT_HOMES / HOME_WAYS)

static struct segment *segment;

static void set_up(void)
{
    int fd;

    segment = segment_create(&fd);
    ck_assert_ptr_nonnull(segment);
    (void)close(fd);
}

static void tear_down(void)
{
    segment_detach(segment);
}

static void note(uint64_t mark, uint32_t account, uint64_t now_ms)
{
    home_note(segment, mark, (struct home_place){account, HOME_ANY_CREDENTIAL}, now_ms);
}

/* 0: not there. */
static uint32_t account_of(uint64_t mark)
{
    struct home_place place;

    return home_find(segment, mark, &place) ? place.account : 0;
}

static const struct home_place places[] = {
    {1, 0}, {7, 1}, {UINT32_MAX, SEGMENT_CREDENTIALS - 1}, {5, HOME_ANY_CREDENTIAL}};

START_TEST(places_come_back_whole)
{
    struct home_place found;

    ck_assert_uint_eq(account_of(77), 0);
    home_note(segment, 77, places[_i], UINT64_MAX / 2);
    ck_assert(home_find(segment, 77, &found));
    ck_assert_uint_eq(found.account, places[_i].account);
    ck_assert_uint_eq(found.credential, places[_i].credential);
    ck_assert_uint_eq(account_of(77 + SETS), 0);
}

END_TEST

START_TEST(the_last_note_counts)
{
    note(5, 1, START_MS);
    note(5, 2, START_MS);
    ck_assert_uint_eq(account_of(5), 2);
    for (uint32_t i = 1; i < HOME_WAYS; i++)
        note(5 + i * SETS, 3, START_MS); /* it has one row, not two */
    ck_assert_uint_eq(account_of(5), 2);
}

END_TEST

START_TEST(the_oldest_of_a_set_goes)
{
    for (uint32_t i = 0; i < HOME_WAYS; i++)
        note(9 + i * SETS, 10 + i, START_MS + (i == 2 ? 0 : i + 2) * MINUTE_MS);
    note(9 + HOME_WAYS * SETS, 99, START_MS + 9 * MINUTE_MS);
    for (uint32_t i = 0; i < HOME_WAYS; i++)
        ck_assert_uint_eq(account_of(9 + i * SETS), i == 2 ? 0 : 10 + i);
    ck_assert_uint_eq(account_of(9 + HOME_WAYS * SETS), 99);
}

END_TEST

/* A writer that died between its words, or two of them: nothing is found, never another's. */
START_TEST(a_torn_row_is_nobodys)
{
    struct home *set = segment_home(segment, 3 * HOME_WAYS);

    note(3, 1, START_MS);
    atomic_store(&set->where, atomic_load(&set->where) ^ (1ULL << 40));
    ck_assert_uint_eq(account_of(3), 0);
    note(3, 4, START_MS);
    ck_assert_uint_eq(account_of(3), 4);
}

END_TEST

START_TEST(marks_differ_by_tenant_and_id)
{
    ck_assert_uint_eq(home_mark(1, SPAN("resp_1")), home_mark(1, SPAN("resp_1")));
    ck_assert_uint_ne(home_mark(1, SPAN("resp_1")), home_mark(2, SPAN("resp_1")));
    ck_assert_uint_ne(home_mark(1, SPAN("resp_1")), home_mark(1, SPAN("resp_2")));
    ck_assert_uint_ne(home_account(SPAN("east")), home_account(SPAN("west")));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("home");
    TCase *tests = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, places_come_back_whole, 0, ARRAY_LEN(places));
    tcase_add_test(tests, the_last_note_counts);
    tcase_add_test(tests, the_oldest_of_a_set_goes);
    tcase_add_test(tests, a_torn_row_is_nobodys);
    tcase_add_test(tests, marks_differ_by_tenant_and_id);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
