#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/limit/audit.h"

#define EDGE_MS 1700000000000ULL

static struct segment *segment;
static int segment_fd;
static struct audit audit;
static struct audit_counter what;
static struct bucket *bucket;

static void set_up(void)
{
    segment = segment_create(&segment_fd);
    ck_assert_ptr_nonnull(segment);
    what = (struct audit_counter){segment_claim_bucket(segment, 77, 1, 0), 1};
    bucket = segment_bucket(segment, what.counter);
    audit = (struct audit){.count = 0};
    atomic_store(&segment_slot(segment, 0)->inflight_high, 64);
}

static void tear_down(void)
{
    segment_detach(segment);
    (void)close(segment_fd);
}

static void set(uint64_t level, uint64_t total, uint64_t held)
{
    struct hold *hold = &segment_inflight(segment, 0, 3)->holds[2];

    atomic_store(&bucket->level[0], level);
    atomic_store(&bucket->total, total);
    hold->bucket = what.counter;
    atomic_store(&hold->amount, held);
}

static void look(unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        audit_look(&audit, segment, &what, 1);
}

static const struct {
    const char *why;
    uint64_t level, total, held, expected;
    bool is_budget;
} cases[] = {
    {"right", 150, 100, 50, 150, true},
    {"a worker died before it lowered it", 180, 100, 50, 150, true},
    {"nobody is there any more", 180, 100, 0, 100, true},
    {"the audit was faster than a worker", 130, 100, 50, 150, true},
    {"below what was spent", 0, 100, 0, 100, true},
    {"places: their total counts for nothing", 3, 1000, 2, 2, false},
    {"places: right", 2, 1000, 2, 2, false},
    {"places: too few", 0, 1000, 2, 2, false},
};

START_TEST(a_level_is_put_right_after_it_was_seen_often_enough)
{
    what.is_budget = cases[_i].is_budget;
    set(cases[_i].level, cases[_i].total, cases[_i].held);
    atomic_store(&bucket->level[1], EDGE_MS);
    look(AUDIT_SEEN - 1);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), cases[_i].level);
    look(1);
    ck_assert_msg(atomic_load(&bucket->level[0]) == cases[_i].expected, "%s", cases[_i].why);
    ck_assert_uint_eq(audit.mended_total, cases[_i].level != cases[_i].expected);
    ck_assert_uint_eq(atomic_load(&bucket->total), cases[_i].total);
    /* The edge of a rolling window. */
    ck_assert_uint_eq(atomic_load(&bucket->level[1]), EDGE_MS);
}

END_TEST

START_TEST(it_is_moved_by_the_least_that_it_was_wrong_by)
{
    set(180, 100, 50);
    look(1);
    set(290, 200, 50);
    look(1);
    set(190, 100, 50);
    look(1);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 160);
    /* Once right, or wrong to the other side, is not in a row. */
    set(180, 100, 50);
    look(2);
    set(150, 100, 50);
    look(1);
    set(180, 100, 50);
    look(2);
    set(140, 100, 50);
    look(1);
    set(180, 100, 50);
    look(2);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 180);
}

END_TEST

/* What the ledger knows better, and what leaves a window, changes both. */
static void spent(int64_t nano)
{
    (void)atomic_fetch_add(&bucket->level[0], (uint64_t)nano);
    (void)atomic_fetch_add(&bucket->total, (uint64_t)nano);
}

START_TEST(what_is_raised_or_leaves_a_window_is_no_doubt_and_ends_none)
{
    set(150, 100, 50);
    for (unsigned i = 0; i < 3 * AUDIT_SEEN; i++) {
        spent(i % 2 ? -60 : 70);
        look(1);
    }
    ck_assert_uint_eq(audit.mended_total, 0);
    set(180, 100, 50);
    look(1);
    spent(1000);
    look(1);
    spent(-500);
    look(1);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 650);
    ck_assert_uint_eq(atomic_load(&bucket->total), 600);
}

END_TEST

/* A controller died between the two steps of a raise; the next one asks again. */
START_TEST(half_a_raise_is_taken_back_and_done_again)
{
    set(150 + 70, 100, 50);
    look(AUDIT_SEEN);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 150);
    spent(70);
    look(AUDIT_SEEN);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), 220);
    ck_assert_uint_eq(audit.mended_total, 1);
}

END_TEST

/* A worker died with an attempt and a hedge at two accounts, and once more between two steps.
 */
START_TEST(requests_of_the_dead_are_in_flight_no_more)
{
    struct target_health *one = segment_target(segment, 7);
    struct target_health *last = segment_target(segment, SEGMENT_TARGETS - 1);
    struct inflight *dead = segment_inflight(segment, 0, 3);
    struct inflight *alive = segment_inflight(segment, 0, 4);
    const struct audit_counter both[] = {{AUDIT_IN_FLIGHT(7), 0},
                                         {AUDIT_IN_FLIGHT(SEGMENT_TARGETS - 1), 0}};

    atomic_store(&one->in_flight, 3);
    atomic_store(&last->in_flight, 1);
    atomic_store(&dead->calls[0], 8);
    atomic_store(&dead->calls[1], SEGMENT_TARGETS);
    atomic_store(&alive->calls[0], 8);
    for (unsigned i = 0; i < AUDIT_SEEN - 1; i++)
        audit_look(&audit, segment, both, 2);
    ck_assert_uint_eq(audit_give_back(segment, dead), 0);
    ck_assert_uint_eq(audit_give_back(segment, dead), 0);
    ck_assert_uint_eq(atomic_load(&one->in_flight), 2);
    ck_assert_uint_eq(atomic_load(&last->in_flight), 0);
    audit_look(&audit, segment, both, 2);
    ck_assert_uint_eq(atomic_load(&one->in_flight), 1);
    ck_assert_uint_eq(atomic_load(&last->in_flight), 0);
    ck_assert_uint_eq(audit.mended_total, 1);
}

END_TEST

/* Exchanges of one place each, which move from row to row. */
static void be_busy(unsigned seed)
{
    for (;; seed = seed * 1103515245 + 12345) {
        struct hold *hold = &segment_inflight(segment, 0, seed >> 16 & 63)->holds[0];
        uint64_t none = 0;

        hold->bucket = what.counter;
        place_add(bucket);
        if (!atomic_compare_exchange_strong(&hold->amount, &none, 1)) {
            place_give_back(bucket);
            continue;
        }
        for (unsigned i = seed >> 22 & 1023; i > 0; i--)
            atomic_signal_fence(memory_order_seq_cst);
        atomic_store(&hold->amount, 0);
        place_give_back(bucket);
    }
}

START_TEST(a_bucket_is_not_put_wrong_while_others_are_busy)
{
    pid_t children[2];
    uint64_t held = 0;
    int status;

    what.is_budget = 0;
    for (unsigned i = 0; i < ARRAY_LEN(children); i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            be_busy(i + 1);
    }
    for (unsigned i = 0; i < 20000; i++) {
        look(1);
        /* Each child holds one at most, and one more that it notes or forgets just now. */
        ck_assert_uint_le(atomic_load(&bucket->level[0]), 4);
    }
    for (unsigned i = 0; i < ARRAY_LEN(children); i++) {
        ck_assert_int_eq(kill(children[i], SIGKILL), 0);
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
    }
    for (unsigned i = 0; i < 64; i++)
        held += atomic_load(&segment_inflight(segment, 0, i)->holds[0].amount);
    look(2 * AUDIT_SEEN);
    ck_assert_uint_eq(atomic_load(&bucket->level[0]), held);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("audit");
    TCase *tests = tcase_create("audit");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_level_is_put_right_after_it_was_seen_often_enough, 0,
                        (int)ARRAY_LEN(cases));
    tcase_add_test(tests, it_is_moved_by_the_least_that_it_was_wrong_by);
    tcase_add_test(tests, what_is_raised_or_leaves_a_window_is_no_doubt_and_ends_none);
    tcase_add_test(tests, half_a_raise_is_taken_back_and_done_again);
    tcase_add_test(tests, a_bucket_is_not_put_wrong_while_others_are_busy);
    tcase_add_test(tests, requests_of_the_dead_are_in_flight_no_more);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
