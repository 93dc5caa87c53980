#include "tests/unit/worker/wire/wire_case.h"

struct alarm_case {
    struct deadline deadline;
    struct reactor_task task;
    int passed;
    int ran;
};

static void alarm_passed(struct deadline *deadline)
{
    ((struct alarm_case *)deadline)->passed++;
}

static void task_ran(struct reactor_task *task)
{
    struct alarm_case *at =
        (struct alarm_case *)(void *)((char *)task - offsetof(struct alarm_case, task));

    if (++at->ran < 3)
        reactor_soon(&reactor, task);
}

static void late_task_ran(struct reactor_task *task)
{
    struct alarm_case *at =
        (struct alarm_case *)(void *)((char *)task - offsetof(struct alarm_case, task));

    if (++at->ran < 3)
        reactor_late(&reactor, task);
}

START_TEST(the_ticker_runs_only_while_a_deadline_is_armed)
{
    struct alarm_case at = {.deadline.passed = alarm_passed};
    uint64_t began_ms = reactor_now_ms(&reactor);

    ck_assert(!uv_is_active((uv_handle_t *)&reactor.ticker));
    reactor_arm(&reactor, &at.deadline, 20);
    ck_assert(uv_is_active((uv_handle_t *)&reactor.ticker));
    RUN_UNTIL(at.passed);
    ck_assert_uint_ge(reactor_now_ms(&reactor) - began_ms, 20);
    ck_assert(!uv_is_active((uv_handle_t *)&reactor.ticker));
    reactor_arm(&reactor, &at.deadline, 5000);
    reactor_disarm(&reactor, &at.deadline);
    RUN_UNTIL(!uv_is_active((uv_handle_t *)&reactor.ticker));
    ck_assert_int_eq(at.passed, 1);
}

END_TEST

/* As a deadline that is due at once and is armed again by each byte of a client. */
START_TEST(a_deadline_armed_again_in_each_turn_passes_in_its_tick)
{
    struct alarm_case at = {.deadline.passed = alarm_passed};
    uint64_t end_ms;

    do
        uv_update_time(&reactor.loop);
    while (reactor_now_ms(&reactor) % WHEEL_TICK_MS != (uint64_t)_i);
    end_ms = reactor_now_ms(&reactor) + 3 * WHEEL_TICK_MS;
    while (!at.passed && reactor_now_ms(&reactor) < end_ms) {
        reactor_arm(&reactor, &at.deadline, 0);
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    }
    ck_assert_int_eq(at.passed, 1);
}

END_TEST

START_TEST(a_task_runs_once_a_turn_and_can_be_forgotten)
{
    struct alarm_case at = {.task.run = task_ran};
    struct alarm_case other = {.task.run = task_ran};

    reactor_soon(&reactor, &at.task);
    reactor_soon(&reactor, &at.task);
    reactor_soon(&reactor, &other.task);
    reactor_forget(&other.task);
    ck_assert_int_eq(at.ran, 0);
    for (int turn = 1; turn <= 3; turn++) {
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
        ck_assert_int_eq(at.ran, turn);
    }
    ck_assert(!uv_is_active((uv_handle_t *)&reactor.idler));
    ck_assert_int_eq(other.ran, 0);
}

END_TEST

START_TEST(late_tasks_run_in_order_before_the_loop_waits_and_can_be_forgotten)
{
    struct alarm_case at = {.task.run = late_task_ran};
    struct alarm_case other = {.task.run = task_ran, .ran = 2};
    struct alarm_case forgotten = {.task.run = late_task_ran};

    reactor_late(&reactor, &at.task);
    reactor_late(&reactor, &at.task);
    reactor_late(&reactor, &other.task);
    reactor_late(&reactor, &forgotten.task);
    reactor_forget(&forgotten.task);
    ck_assert_int_eq(at.ran, 0);
    ck_assert_ptr_eq(at.task.next, &other.task);
    (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_int_eq(at.ran, 3);
    ck_assert_int_eq(other.ran, 3);
    ck_assert_int_eq(forgotten.ran, 0);
    ck_assert(!uv_is_active((uv_handle_t *)&reactor.closer));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("reactor");
    TCase *wire = tcase_create("wire");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(wire, before, after);
    tcase_add_test(wire, the_ticker_runs_only_while_a_deadline_is_armed);
    tcase_add_loop_test(wire, a_deadline_armed_again_in_each_turn_passes_in_its_tick, 0,
                        WHEEL_TICK_MS);
    tcase_add_test(wire, a_task_runs_once_a_turn_and_can_be_forgotten);
    tcase_add_test(wire, late_tasks_run_in_order_before_the_loop_waits_and_can_be_forgotten);
    suite_add_tcase(suite, wire);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
