#include "tests/unit/worker/wire/wire_case.h"
#include "worker/wire/alarm.h"

#define ALARMS 7

static unsigned rung[ALARMS], rung_count;
static uint64_t rung_at_ms[ALARMS];

struct numbered {
    struct alarm alarm;
    unsigned number;
};

static bool is_set(const struct alarm *alarm)
{
    return alarm->listed || deadline_armed(&alarm->near);
}

static void note(struct alarm *alarm)
{
    ck_assert_uint_lt(rung_count, ALARMS);
    ck_assert(!is_set(alarm));
    rung_at_ms[rung_count] = reactor_now_ms(&reactor);
    rung[rung_count++] = ((struct numbered *)(void *)alarm)->number;
}

static void set_up(void)
{
    before();
    rung_count = 0;
}

static struct numbered numbered(unsigned number)
{
    return (struct numbered){.alarm.rings = note, .number = number};
}

START_TEST(alarms_ring_in_their_order_and_never_too_soon)
{
    static const uint64_t delays_ms[ALARMS] = {61, 3, 0, 35, 19, 36, 3};
    static const unsigned order[ALARMS] = {2, 1, 6, 4, 3, 5, 0};
    struct numbered alarms[ALARMS];
    uint64_t began_ms = reactor_now_ms(&reactor);

    for (unsigned i = 0; i < ALARMS; i++) {
        alarms[i] = numbered(i);
        alarm_set(&reactor, &alarms[i].alarm, delays_ms[i]);
        ck_assert(is_set(&alarms[i].alarm));
    }
    RUN_UNTIL(rung_count == ALARMS);
    for (unsigned i = 0; i < ALARMS; i++) {
        ck_assert_uint_eq(rung[i], order[i]);
        ck_assert_uint_ge(rung_at_ms[i], began_ms + delays_ms[order[i]]);
    }
    ck_assert(!uv_is_active((uv_handle_t *)&reactor.alarm_timer));
}

END_TEST

/* The wheel alone would be up to a tick late, and right to the millisecond by chance only.
 */
START_TEST(an_alarm_that_was_far_away_is_as_exact)
{
    unsigned exact = 0;

    for (unsigned turn = 0; turn < 200 && exact < 10; turn++) {
        struct numbered alarm = numbered(0);
        uint64_t when_ms = reactor_now_ms(&reactor) + 24;

        rung_count = 0;
        alarm_set(&reactor, &alarm.alarm, 24);
        ck_assert(deadline_armed(&alarm.alarm.near));
        RUN_UNTIL(rung_count == 1);
        ck_assert_uint_ge(rung_at_ms[0], when_ms);
        exact = rung_at_ms[0] <= when_ms + 1 ? exact + 1 : 0;
    }
    ck_assert_uint_eq(exact, 10);
}

END_TEST

START_TEST(what_is_cleared_or_set_anew_does_not_ring)
{
    struct numbered first = numbered(1), second = numbered(2), far = numbered(3);

    alarm_clear(&first.alarm);
    alarm_set(&reactor, &first.alarm, 2);
    alarm_set(&reactor, &second.alarm, 5);
    alarm_set(&reactor, &far.alarm, 40);
    alarm_clear(&first.alarm);
    alarm_clear(&far.alarm);
    ck_assert(!is_set(&first.alarm));
    ck_assert(!is_set(&far.alarm));
    alarm_set(&reactor, &second.alarm, 60);
    alarm_set(&reactor, &second.alarm, 1);
    RUN_UNTIL(rung_count == 1);
    ck_assert_uint_eq(rung[0], 2);
    for (int turns = 0; turns < 100; turns++)
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(rung_count, 1);
    ck_assert(!uv_is_active((uv_handle_t *)&reactor.alarm_timer));
}

END_TEST

static struct numbered others[2];

static void clear_others(struct alarm *alarm)
{
    note(alarm);
    alarm_clear(&others[0].alarm);
    alarm_set(&reactor, &others[1].alarm, 0);
}

START_TEST(one_that_rings_may_set_and_clear_others)
{
    struct numbered first = {.alarm.rings = clear_others, .number = 7};

    others[0] = numbered(8);
    others[1] = numbered(9);
    alarm_set(&reactor, &first.alarm, 3);
    alarm_set(&reactor, &others[0].alarm, 3);
    alarm_set(&reactor, &others[1].alarm, 50);
    RUN_UNTIL(rung_count == 2);
    ck_assert_uint_eq(rung[0], 7);
    ck_assert_uint_eq(rung[1], 9);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("alarm");
    TCase *cases = tcase_create("alarm");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(cases, set_up, after);
    tcase_add_test(cases, alarms_ring_in_their_order_and_never_too_soon);
    tcase_add_test(cases, an_alarm_that_was_far_away_is_as_exact);
    tcase_add_test(cases, what_is_cleared_or_set_anew_does_not_ring);
    tcase_add_test(cases, one_that_rings_may_set_and_clear_others);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
