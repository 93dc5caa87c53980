#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/check.h"
#include "shared/queue/queue.h"

static struct queue queue;

static void set_up(void)
{
    memset(&queue, 0, sizeof(queue));
}

static struct queue_flow_of flow(uint64_t identity, uint32_t weight)
{
    return (struct queue_flow_of){
        .identity = identity, .weight = weight, .priority = PRIORITY_normal};
}

/* The key with which the next of a flow goes, which it does. */
static uint64_t go(const struct queue_flow_of *of)
{
    uint64_t key = queue_key(of, queue_start(&queue, of));

    (void)queue_go(&queue, of);
    return key;
}

/* ---- a house with places, in simulated time ------------------------------------------------
 */

#define PLACES 10

struct request {
    struct queue_flow_of flow;
    uint64_t charge_us, ends_us, took_us;
};

static struct {
    struct queue_flow_of flow;
    uint64_t took_us;
    unsigned waiting;
} flows[8];

static struct request at_work[PLACES];
static unsigned flow_count, busy_count;
static uint64_t served_us[8]; /* place-time by identity */

static void come(struct queue_flow_of of, uint64_t took_us, unsigned count)
{
    flows[flow_count].flow = of;
    flows[flow_count].took_us = took_us;
    flows[flow_count++].waiting = count;
}

static uint64_t key_of(unsigned index)
{
    return flows[index].waiting > 0
               ? queue_key(&flows[index].flow, queue_start(&queue, &flows[index].flow))
               : QUEUE_NOBODY;
}

/* The flow whose next is first; flow_count: nobody waits. */
static unsigned first_flow(void)
{
    unsigned first = flow_count;

    for (unsigned i = 0; i < flow_count; i++)
        if (key_of(i) != QUEUE_NOBODY && (first == flow_count || key_of(i) < key_of(first)))
            first = i;
    return first;
}

static void publish_first(void)
{
    unsigned first = first_flow();

    queue_publish(&queue, 0, first < flow_count ? key_of(first) : QUEUE_NOBODY, 1);
}

static void start_next(uint64_t now_us)
{
    unsigned first = first_flow();
    struct request *request = &at_work[busy_count++];

    flows[first].waiting--;
    *request = (struct request){.flow = flows[first].flow,
                                .charge_us = queue_go(&queue, &flows[first].flow),
                                .ends_us = now_us + flows[first].took_us,
                                .took_us = flows[first].took_us};
    publish_first();
}

static uint64_t end_next(void)
{
    unsigned next = 0;
    struct request done;

    for (unsigned i = 1; i < busy_count; i++)
        if (at_work[i].ends_us < at_work[next].ends_us)
            next = i;
    done = at_work[next];
    at_work[next] = at_work[--busy_count];
    served_us[done.flow.identity] += done.took_us;
    queue_end(&queue, &done.flow, done.charge_us, done.took_us);
    return done.ends_us;
}

/* While all of them wait. */
static void run_until(uint64_t end_us)
{
    uint64_t now_us = 0;

    while (now_us < end_us) {
        while (busy_count < PLACES && first_flow() < flow_count)
            start_next(now_us);
        now_us = end_next();
    }
}

static void begin_house(void)
{
    set_up();
    flow_count = busy_count = 0;
    memset(served_us, 0, sizeof(served_us));
}

static double share_of(unsigned identity)
{
    uint64_t all = 0;

    for (unsigned i = 0; i < ARRAY_LEN(served_us); i++)
        all += served_us[i];
    return (double)served_us[identity] / (double)all;
}

START_TEST(those_that_wait_get_places_by_their_weights)
{
    static const struct {
        uint32_t weights[3];
        unsigned counts[3];
        uint64_t took_us[3];
    } cases[] = {
        {{1, 1, 1}, {1000, 1000, 1000}, {100000, 100000, 100000}},
        {{1, 1, 1}, {2000, 500, 500}, {100000, 100000, 100000}}, /* who sends more */
        {{1, 3, 6}, {1000, 1000, 1000}, {100000, 100000, 100000}},
        {{1, 1, 1}, {1000, 1000, 200}, {100000, 100000, 500000}}, /* who takes longer */
        {{2, 1, 1}, {1000, 300, 1000}, {50000, 300000, 100000}},
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t sum = 0;

        begin_house();
        for (unsigned j = 0; j < 3; j++) {
            come(flow(j + 1, cases[i].weights[j]), cases[i].took_us[j], cases[i].counts[j]);
            sum += cases[i].weights[j];
        }
        run_until(5000000);
        for (unsigned j = 0; j < 3; j++) {
            double due = (double)cases[i].weights[j] / sum;

            ck_assert_msg(share_of(j + 1) > due * 0.8 && share_of(j + 1) < due * 1.25,
                          "case %u: flow %u has %.3f of %.3f", i, j + 1, share_of(j + 1), due);
        }
    }
}

END_TEST

START_TEST(who_comes_late_goes_before_those_that_had_more)
{
    struct queue_flow_of many = flow(1, 1), one = flow(2, 1);

    for (unsigned i = 0; i < 100; i++)
        (void)go(&many);
    ck_assert_uint_lt(queue_start(&queue, &one), queue_start(&queue, &many));
    (void)go(&one);
    ck_assert_uint_le(queue_start(&queue, &many), queue_start(&queue, &one));
}

END_TEST

START_TEST(a_priority_goes_before_all_starts)
{
    struct queue_flow_of high = flow(1, 1), low = flow(1, 1), normal = flow(1, 1);

    high.priority = PRIORITY_high;
    low.priority = PRIORITY_low;
    for (unsigned i = 0; i < 1000; i++)
        (void)go(&high);
    ck_assert_uint_lt(queue_key(&high, queue_start(&queue, &high)), queue_key(&normal, 0));
    ck_assert_uint_lt(queue_key(&normal, queue_start(&queue, &high)), queue_key(&low, 0));
    ck_assert_uint_lt(queue_key(&low, queue_start(&queue, &high)), QUEUE_NOBODY);
}

END_TEST

START_TEST(a_place_that_was_not_used_costs_nothing)
{
    struct queue_flow_of of = flow(7, 2);
    uint64_t before;

    (void)go(&of);
    before = queue_start(&queue, &of);
    for (unsigned i = 0; i < 10; i++)
        queue_undo(&queue, &of, queue_go(&queue, &of));
    ck_assert_uint_eq(queue_start(&queue, &of), before);
}

END_TEST

START_TEST(a_pause_saves_nothing_up)
{
    struct queue_flow_of busy = flow(1, 1), idle = flow(2, 1);

    for (unsigned i = 0; i < 50; i++)
        (void)go(&busy);
    ck_assert_uint_eq(queue_start(&queue, &idle), atomic_load(&queue.now_us));
    ck_assert_uint_gt(queue_start(&queue, &idle), 0);
}

END_TEST

/* What a flow had alone it does not pay for when others come. */
START_TEST(long_places_cost_only_while_others_wait)
{
    struct queue_flow_of of = flow(3, 1);
    uint64_t charge = queue_go(&queue, &of), before = queue_start(&queue, &of);

    queue_end(&queue, &of, charge, 60000000);
    ck_assert_uint_eq(queue_start(&queue, &of), before);
    queue_publish(&queue, 5, 1, 1);
    queue_end(&queue, &of, charge, 60000000);
    ck_assert_uint_gt(queue_start(&queue, &of), before + 1000000);
    ck_assert_uint_lt(queue_start(&queue, &of), before + 2000000); /* there is an end to it */
}

END_TEST

START_TEST(the_usual_time_follows_what_is_seen)
{
    struct queue_flow_of of = flow(3, 1);

    queue_end(&queue, &of, queue_go(&queue, &of), 1000);
    ck_assert_uint_eq(atomic_load(&queue.usual_us), 1000);
    for (unsigned i = 0; i < 200; i++)
        queue_end(&queue, &of, queue_go(&queue, &of), 50000);
    ck_assert_uint_gt(atomic_load(&queue.usual_us), 45000);
    ck_assert_uint_le(atomic_load(&queue.usual_us), 50000);
    for (unsigned i = 0; i < 1000; i++)
        queue_end(&queue, &of, queue_go(&queue, &of), 0);
    ck_assert_uint_ge(queue_go(&queue, &of), 1);
}

END_TEST

/* Rows of flows that are done are used again; with more at a time than rows some share one. */
START_TEST(there_may_be_more_flows_than_rows)
{
    for (uint64_t i = 1; i <= 10 * QUEUE_FLOWS; i++) {
        struct queue_flow_of of = flow(i * 0x9e3779b97f4a7c15ULL, 1);

        ck_assert_uint_eq(queue_start(&queue, &of), atomic_load(&queue.now_us));
        (void)go(&of);
        atomic_store(&queue.now_us, queue_start(&queue, &of));
    }
    for (uint64_t i = 1; i <= 4 * QUEUE_FLOWS; i++) {
        struct queue_flow_of of = flow(i * 0x9e3779b97f4a7c15ULL, 1);

        (void)go(&of);
        ck_assert_uint_ge(queue_start(&queue, &of), atomic_load(&queue.now_us));
    }
}

END_TEST

START_TEST(the_first_is_the_lowest_of_all_workers)
{
    ck_assert_uint_eq(queue_first(&queue), QUEUE_NOBODY);
    queue_publish(&queue, 3, 500, 2);
    queue_publish(&queue, 63, 0, 1);
    queue_publish(&queue, 0, 700, 4);
    ck_assert_uint_eq(queue_first(&queue), 0);
    ck_assert_uint_eq(queue_waiting(&queue), 7);
    queue_clear(&queue, 63);
    ck_assert_uint_eq(queue_first(&queue), 500);
    queue_publish(&queue, 3, QUEUE_NOBODY, 0);
    queue_clear(&queue, 0);
    ck_assert_uint_eq(queue_first(&queue), QUEUE_NOBODY);
    ck_assert_uint_eq(queue_waiting(&queue), 0);
}

END_TEST

START_TEST(work_is_told_in_milliseconds)
{
    ck_assert_uint_eq(queue_work_ms(&queue, 100, 5), 2000); /* of 100 ms each */
    ck_assert_uint_eq(queue_work_ms(&queue, 0, 5), 0);
    ck_assert_uint_eq(queue_work_ms(&queue, 1, 0), UINT64_MAX);
    ck_assert_uint_eq(queue_work_ms(&queue, UINT64_MAX, 1), UINT64_MAX);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("queue");
    TCase *queues = tcase_create("queue");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(queues, set_up, NULL);
    tcase_add_test(queues, those_that_wait_get_places_by_their_weights);
    tcase_add_test(queues, who_comes_late_goes_before_those_that_had_more);
    tcase_add_test(queues, a_priority_goes_before_all_starts);
    tcase_add_test(queues, a_place_that_was_not_used_costs_nothing);
    tcase_add_test(queues, a_pause_saves_nothing_up);
    tcase_add_test(queues, long_places_cost_only_while_others_wait);
    tcase_add_test(queues, the_usual_time_follows_what_is_seen);
    tcase_add_test(queues, there_may_be_more_flows_than_rows);
    tcase_add_test(queues, the_first_is_the_lowest_of_all_workers);
    tcase_add_test(queues, work_is_told_in_milliseconds);
    suite_add_tcase(suite, queues);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
