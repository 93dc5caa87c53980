#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "worker/queue/line.h"

#define TURNS 300
#define QUEUE 17

static struct segment *segment;
static int segment_fd;
static struct lines lines;
static struct turn turns[TURNS];

static const struct queue_flow_of flows[] = {
    {.identity = 11, .weight = 1, .priority = PRIORITY_normal},
    {.identity = 22, .weight = 2, .priority = PRIORITY_normal},
    {.identity = 33, .weight = 1, .priority = PRIORITY_low},
};

static void set_up(void)
{
    segment = segment_create(&segment_fd);
    ck_assert_ptr_nonnull(segment);
    lines_init(&lines, segment, 2);
    for (unsigned i = 0; i < TURNS; i++)
        turns[i] = (struct turn){.queue = QUEUE};
}

static void join(unsigned turn, unsigned flow)
{
    line_join(&lines, &turns[turn], &flows[flow]);
}

static const struct line *line_here(void)
{
    return line_find(&lines, QUEUE);
}

static void tear_down(void)
{
    segment_detach(segment);
    (void)close(segment_fd);
}

static uint64_t published(uint32_t queue)
{
    return queue_first(segment_queue(segment, queue));
}

/* Weight 2 goes twice as often as 1; low goes when the others are gone; as they came. */
START_TEST(flows_go_by_their_starts_and_each_as_it_came)
{
    unsigned went[3] = {0, 0, 0};

    for (unsigned i = 0; i < 90; i++)
        join(i, i % 3);
    ck_assert_uint_eq(lines.waiting, 90);
    ck_assert_uint_eq(queue_waiting(segment_queue(segment, QUEUE)), 90);
    for (unsigned i = 0; i < 90; i++) {
        struct turn *turn = line_first(&lines, line_here());
        unsigned flow = (unsigned)(turn - turns) % 3;

        ck_assert_ptr_eq(turn, &turns[went[flow] * 3 + flow]);
        ck_assert_uint_eq(published(QUEUE), turn->key);
        went[flow]++;
        (void)queue_go(segment_queue(segment, QUEUE), &flows[flow]);
        line_leave(&lines, turn);
        if (i == 29) {
            ck_assert_uint_ge(went[0], 9);
            ck_assert_uint_le(went[0], 11);
        }
        ck_assert(went[2] == 0 || went[0] + went[1] == 60);
    }
    ck_assert_uint_eq(lines.waiting, 0);
    ck_assert_ptr_null(line_here());
    ck_assert_uint_eq(published(QUEUE), QUEUE_NOBODY);
}

END_TEST

START_TEST(anyone_may_leave)
{
    for (unsigned i = 0; i < TURNS; i++)
        join(i, i % 2);
    for (unsigned i = 0; i < TURNS; i += 3)
        line_leave(&lines, &turns[i]);
    ck_assert_uint_eq(line_here()->count, TURNS - TURNS / 3);
    ck_assert_uint_eq(line_count(line_here(), &flows[0]) + line_count(line_here(), &flows[1]),
                      line_here()->count);
    ck_assert_ptr_eq(line_first(&lines, line_here()), &turns[2]);
    for (unsigned i = 0; i < TURNS; i++)
        if (turns[i].flow)
            line_leave(&lines, &turns[i]);
    ck_assert_ptr_null(lines.first);
}

END_TEST

START_TEST(each_account_has_its_line)
{
    turns[1].queue = QUEUE + 1;
    join(0, 0);
    join(1, 2);
    ck_assert_uint_eq(published(QUEUE), queue_key(&flows[0], 0));
    ck_assert_uint_eq(published(QUEUE + 1), queue_key(&flows[2], 0));
    line_leave(&lines, &turns[0]);
    ck_assert_ptr_null(line_here());
    ck_assert_uint_eq(line_count(NULL, &flows[0]), 0);
    ck_assert_uint_eq(published(QUEUE + 1), queue_key(&flows[2], 0));
    line_leave(&lines, &turns[1]);
}

END_TEST

/* The flood loses its last one to who has less, and keeps it against its own. */
START_TEST(who_has_most_goes_last)
{
    struct turn *last;

    for (unsigned i = 0; i < 5; i++)
        join(i, 0);
    for (unsigned i = 5; i < 12; i++)
        join(i, 1); /* more, but of twice the weight */
    last = line_last(line_here());
    ck_assert_ptr_eq(last, &turns[4]);
    ck_assert(line_goes_before(line_here(), &flows[1], last));
    ck_assert(!line_goes_before(line_here(), &flows[0], last));
    ck_assert(!line_goes_before(line_here(), &flows[2], last));
    join(12, 2);
    ck_assert_ptr_eq(line_last(line_here()), &turns[12]);
    ck_assert(line_goes_before(line_here(), &flows[0], &turns[12]));
    for (unsigned i = 0; i <= 12; i++)
        line_leave(&lines, &turns[i]);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("line");
    TCase *all = tcase_create("line");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, flows_go_by_their_starts_and_each_as_it_came);
    tcase_add_test(all, anyone_may_leave);
    tcase_add_test(all, each_account_has_its_line);
    tcase_add_test(all, who_has_most_goes_last);
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
