#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/events/watch.h"

static struct watch *watch;
static struct target_health account;
static struct health_rules rules;
static uint64_t now_ms;
static struct watch_event events[WATCH_EVENTS_MOST];

#define WALL_MS 1000000

static void begin(void)
{
    watch = watch_new();
    memset(&account, 0, sizeof(account));
    rules = health_rules_default;
    rules.errors_in_row = 1;
    now_ms = 5000;
}

static void end(void)
{
    watch_free(watch);
}

static unsigned look_as(const char *name)
{
    struct watch_sight sight = {.provider = span_of_text(name),
                                .row = 7,
                                .fault = FAULT_provider_error,
                                .ejections = atomic_load(&account.ejections)};

    sight.state = health_state(&account, now_ms, &sight.until_ms);
    watch_begin(watch, now_ms, WALL_MS + (int64_t)now_ms);
    return watch_look(watch, &sight, events);
}

static unsigned look(void)
{
    return look_as("first");
}

static void note(enum health_outcome outcome)
{
    (void)health_note(&account, &rules, outcome, now_ms, 0);
}

static void expect(unsigned at, enum health_state from, enum health_state to,
                   enum watch_cause cause)
{
    ck_assert_uint_eq(events[at].from, from);
    ck_assert_uint_eq(events[at].to, to);
    ck_assert_uint_eq(events[at].cause, cause);
    ck_assert_str_eq(events[at].provider, "first");
    ck_assert_int_eq(events[at].at_ms, WALL_MS + (int64_t)now_ms);
}

START_TEST(the_first_look_and_a_quiet_one_tell_nothing)
{
    note(HEALTH_SAW_ERROR);
    ck_assert_uint_eq(look(), 0);
    ck_assert_uint_eq(look(), 0);
    ck_assert_uint_eq(watch_changes(watch, 7, HEALTH_DOWN), 0);
}

END_TEST

START_TEST(an_account_goes_down_is_tried_and_comes_back)
{
    (void)look();
    note(HEALTH_SAW_ERROR);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HEALTHY, HEALTH_DOWN, WATCH_REQUESTS);
    ck_assert_uint_eq(events[0].fault, FAULT_provider_error);
    ck_assert_int_eq(events[0].until_ms, WALL_MS + (int64_t)(now_ms + rules.eject_ms));
    now_ms += rules.eject_ms;
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_DOWN, HEALTH_HALF_OPEN, WATCH_TIME);
    ck_assert_uint_eq(events[0].fault, FAULT_NONE);
    ck_assert(health_may_try(&account, &rules, now_ms));
    note(HEALTH_SAW_GOOD);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HALF_OPEN, HEALTH_HEALTHY, WATCH_REQUESTS);
    ck_assert_int_eq(events[0].until_ms, 0);
}

END_TEST

START_TEST(what_was_ejected_and_came_back_between_two_looks_is_told)
{
    (void)look();
    note(HEALTH_SAW_ERROR);
    now_ms += rules.eject_ms;
    note(HEALTH_SAW_GOOD);
    ck_assert_uint_eq(look(), 2);
    expect(0, HEALTH_HEALTHY, HEALTH_DOWN, WATCH_REQUESTS);
    expect(1, HEALTH_DOWN, HEALTH_HEALTHY, WATCH_REQUESTS);
    ck_assert_int_eq(events[0].until_ms, 0);
    ck_assert_uint_eq(look(), 0);
}

END_TEST

START_TEST(a_trial_that_failed_between_two_looks_is_told)
{
    (void)look();
    note(HEALTH_SAW_ERROR);
    (void)look();
    now_ms += rules.eject_ms;
    note(HEALTH_SAW_ERROR);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HALF_OPEN, HEALTH_DOWN, WATCH_REQUESTS);
}

END_TEST

START_TEST(each_ejection_counts)
{
    (void)look();
    for (unsigned i = 0; i < 3; i++) {
        note(HEALTH_SAW_ERROR);
        now_ms += rules.eject_max_ms;
        note(HEALTH_SAW_GOOD);
    }
    ck_assert_uint_eq(look(), 2);
    ck_assert_uint_eq(watch_changes(watch, 7, HEALTH_DOWN), 3);
    ck_assert_uint_eq(watch_changes(watch, 7, HEALTH_HEALTHY), 1);
}

END_TEST

START_TEST(an_ejection_that_is_counted_late_is_told_once)
{
    (void)look();
    note(HEALTH_SAW_ERROR);
    atomic_store(&account.ejections, 0); /* the worker is between its two steps */
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HEALTHY, HEALTH_DOWN, WATCH_REQUESTS);
    atomic_store(&account.ejections, 1);
    ck_assert_uint_eq(look(), 0);
    ck_assert_uint_eq(watch_changes(watch, 7, HEALTH_DOWN), 1);
}

END_TEST

START_TEST(a_hand_is_the_cause_of_a_drain_and_its_end)
{
    (void)look();
    (void)health_drain(&account, true);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HEALTHY, HEALTH_DRAINED, WATCH_HAND);
    ck_assert_int_eq(events[0].until_ms, 0);
    note(HEALTH_SAW_ERROR); /* a request that was under way */
    ck_assert_uint_eq(look(), 0);
    (void)health_drain(&account, false);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_DRAINED, HEALTH_DOWN, WATCH_HAND);
    now_ms += rules.eject_ms;
    ck_assert_uint_eq(look(), 1);
    note(HEALTH_SAW_ERROR);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HALF_OPEN, HEALTH_DOWN, WATCH_REQUESTS);
}

END_TEST

START_TEST(a_limit_passes_by_itself)
{
    (void)look();
    (void)health_note(&account, &rules, HEALTH_SAW_LIMIT, now_ms, 3000);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HEALTHY, HEALTH_LIMITED, WATCH_REQUESTS);
    ck_assert_int_eq(events[0].until_ms, WALL_MS + (int64_t)now_ms + 3000);
    now_ms += 3000;
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_LIMITED, HEALTH_HEALTHY, WATCH_TIME);
}

END_TEST

START_TEST(a_probe_is_the_cause_of_what_it_changed_and_of_nothing_else)
{
    (void)look();
    ck_assert(health_probed(&account, &rules, HEALTH_PROBE_BAD, now_ms));
    watch_probed(watch, 7);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HEALTHY, HEALTH_DOWN, WATCH_PROBE);
    ck_assert_uint_eq(events[0].fault, FAULT_NONE);
    ck_assert(health_probed(&account, &rules, HEALTH_PROBE_ANSWERS, now_ms));
    watch_probed(watch, 7);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_DOWN, HEALTH_HALF_OPEN, WATCH_PROBE);
    note(HEALTH_SAW_GOOD);
    ck_assert_uint_eq(look(), 1);
    expect(0, HEALTH_HALF_OPEN, HEALTH_HEALTHY, WATCH_REQUESTS);
}

END_TEST

START_TEST(who_was_away_for_a_look_or_is_another_begins_anew)
{
    (void)look();
    note(HEALTH_SAW_ERROR);
    (void)look();
    ck_assert_uint_eq(look_as("second"), 0);
    ck_assert_uint_eq(watch_changes(watch, 7, HEALTH_DOWN), 0);
    (void)look();
    now_ms += rules.eject_ms;
    watch_begin(watch, now_ms, WALL_MS); /* the account is not there */
    ck_assert_uint_eq(look(), 0);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("watch");
    TCase *tests = tcase_create("watch");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, the_first_look_and_a_quiet_one_tell_nothing);
    tcase_add_test(tests, an_account_goes_down_is_tried_and_comes_back);
    tcase_add_test(tests, what_was_ejected_and_came_back_between_two_looks_is_told);
    tcase_add_test(tests, a_trial_that_failed_between_two_looks_is_told);
    tcase_add_test(tests, each_ejection_counts);
    tcase_add_test(tests, an_ejection_that_is_counted_late_is_told_once);
    tcase_add_test(tests, a_hand_is_the_cause_of_a_drain_and_its_end);
    tcase_add_test(tests, a_limit_passes_by_itself);
    tcase_add_test(tests, a_probe_is_the_cause_of_what_it_changed_and_of_nothing_else);
    tcase_add_test(tests, who_was_away_for_a_look_or_is_another_begins_anew);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
