#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/probe/probe.h"

static struct probes *probes;
static struct probe_sight sight;
static struct probe_rules rules;
static const struct settings_probe all = {.when = PROBE_DOWN,
                                          .interval = 10000,
                                          .timeout = 5000,
                                          .ok_after = 1,
                                          .bad_after = 3,
                                          .path = {"/health", 7}};

static void begin(void)
{
    probes = probes_new();
    rules = probe_rules_of(&all, NULL);
    sight = (struct probe_sight){.name = 1,
                                 .row = 3,
                                 .state = HEALTH_DOWN,
                                 .fault = FAULT_provider_error,
                                 .failed = HEALTH_SAW_ERROR};
}

static void end(void)
{
    probes_free(probes);
}

START_TEST(an_account_has_rules_of_its_own_or_those_of_all)
{
    static const struct settings_probe own = {
        .when = PROBE_ALWAYS, .interval = 200, .bad_after = 7, .path = {"/own", 4}};
    struct probe_rules mine = probe_rules_of(&all, &own);
    struct settings_probe unsaid = all;

    ck_assert_uint_eq(rules.when, PROBE_DOWN);
    ck_assert_uint_eq(rules.interval_ms, 10000);
    ck_assert(span_eq(rules.path, SPAN("/health")));
    ck_assert_uint_eq(mine.when, PROBE_ALWAYS);
    ck_assert_uint_eq(mine.interval_ms, 200);
    ck_assert_uint_eq(mine.timeout_ms, 5000);
    ck_assert_uint_eq(mine.ok_after, 1);
    ck_assert_uint_eq(mine.bad_after, 7);
    ck_assert(span_eq(mine.path, SPAN("/own")));
    unsaid.when = PROBE_DEFAULT;
    ck_assert_uint_eq(probe_rules_of(&unsaid, NULL).when, PROBE_DOWN);
}

END_TEST

static const struct {
    enum health_state state;
    enum fault fault;
    enum health_outcome failed;
    bool never, down, always;
} wanted[] = {
    {HEALTH_DOWN, FAULT_provider_error, HEALTH_SAW_ERROR, false, true, true},
    {HEALTH_HALF_OPEN, FAULT_connect_refused, HEALTH_SAW_BREAK, false, true, true},
    {HEALTH_DOWN, FAULT_provider_auth, HEALTH_SAW_REFUSED, false, true, true},
    {HEALTH_DOWN, FAULT_provider_quota, HEALTH_SAW_REFUSED, false, false, false},
    {HEALTH_HALF_OPEN, FAULT_provider_quota, HEALTH_SAW_REFUSED, false, false, false},
    {HEALTH_HEALTHY, FAULT_NONE, HEALTH_SAW_NOTHING, false, false, true},
    {HEALTH_DEGRADED, FAULT_provider_error, HEALTH_SAW_ERROR, false, false, true},
    {HEALTH_LIMITED, FAULT_provider_rate_limited, HEALTH_SAW_LIMIT, false, false, false},
    {HEALTH_DRAINED, FAULT_provider_error, HEALTH_SAW_ERROR, false, false, false},
};

START_TEST(who_is_asked_depends_on_its_state)
{
    sight.state = wanted[_i].state;
    sight.fault = (uint16_t)wanted[_i].fault;
    sight.failed = wanted[_i].failed;
    rules.when = PROBE_NEVER;
    ck_assert_int_eq(probe_wanted(&sight, &rules), wanted[_i].never);
    rules.when = PROBE_DOWN;
    ck_assert_int_eq(probe_wanted(&sight, &rules), wanted[_i].down);
    rules.when = PROBE_ALWAYS;
    ck_assert_int_eq(probe_wanted(&sight, &rules), wanted[_i].always);
}

END_TEST

static bool due(uint64_t now_ms, uint64_t random)
{
    return probe_due(probes, &sight, &rules, now_ms, random);
}

START_TEST(one_question_at_a_time)
{
    (void)due(1000, 0);
    ck_assert(due(1000, 0));
    ck_assert(!due(60000, 0));
    probe_ended(probes, 3, 2); /* of another account that had the row */
    ck_assert(!due(60000, 0));
    probe_ended(probes, 3, 1);
    ck_assert(due(60000, 0));
}

END_TEST

START_TEST(what_another_host_heard_counts_when_it_is_new)
{
    (void)due(1000, 0);
    ck_assert(due(1000, 0));
    ck_assert(!probe_heard(probes, &sight, &rules, 7, 1000)); /* perhaps of long ago */
    probe_ended(probes, 3, 1);
    ck_assert(!due(3499, 0));
    ck_assert(due(3500, 0)); /* after a quarter */
    ck_assert(!probe_heard(probes, &sight, &rules, 7, 3500));
    ck_assert(probe_heard(probes, &sight, &rules, 8, 6000));
    ck_assert(!probe_heard(probes, &sight, &rules, 8, 9000));
    sight.state = HEALTH_HEALTHY;
    (void)due(9000, 0);
    sight.state = HEALTH_DOWN;
    ck_assert(!probe_heard(probes, &sight, &rules, 9, 12000));
    ck_assert_uint_eq(probe_hold_ms(&rules), 17500);
}

END_TEST

START_TEST(questions_are_spread_and_an_interval_apart)
{
    ck_assert(!due(1000, 4000));
    ck_assert(!due(4999, 0));
    ck_assert(due(5000, 0)); /* the next: after 3/4 */
    probe_ended(probes, 3, 1);
    ck_assert(!due(12499, 0));
    ck_assert(due(12500, 5000)); /* after 5/4 */
    probe_ended(probes, 3, 1);
    ck_assert(!due(24999, 0));
    ck_assert(due(25000, 0));
}

END_TEST

START_TEST(who_does_well_or_is_another_begins_anew)
{
    (void)due(1000, 4000);
    sight.state = HEALTH_HEALTHY;
    ck_assert(!due(5000, 0));
    sight.state = HEALTH_DOWN;
    ck_assert(!due(6000, 4000));
    sight.name = 2;
    ck_assert(!due(10000, 1000));
    ck_assert(due(11000, 0));
}

END_TEST

static const struct {
    uint16_t status;
    enum probe_verdict usual, refused; /* refused: it is out since its credential was */
} answers[] = {
    {0, PROBE_SAYS_BAD, PROBE_SAYS_BAD},
    {200, PROBE_SAYS_GOOD, PROBE_SAYS_GOOD},
    {301, PROBE_SAYS_GOOD, PROBE_SAYS_BAD},
    {401, PROBE_SAYS_GOOD, PROBE_SAYS_BAD},
    {403, PROBE_SAYS_GOOD, PROBE_SAYS_BAD},
    {404, PROBE_SAYS_GOOD, PROBE_SAYS_BAD},
    {405, PROBE_SAYS_GOOD, PROBE_SAYS_BAD},
    {408, PROBE_SAYS_NOTHING, PROBE_SAYS_NOTHING},
    {429, PROBE_SAYS_NOTHING, PROBE_SAYS_NOTHING},
    {500, PROBE_SAYS_BAD, PROBE_SAYS_BAD},
    {529, PROBE_SAYS_BAD, PROBE_SAYS_BAD},
};

START_TEST(what_an_answer_says)
{
    struct probe_answer answer = {answers[_i].status};

    ck_assert_int_eq(probe_judge(&sight, &answer), answers[_i].usual);
    sight.failed = HEALTH_SAW_REFUSED;
    sight.fault = FAULT_provider_auth;
    ck_assert_int_eq(probe_judge(&sight, &answer), answers[_i].refused);
    sight.state = HEALTH_HEALTHY; /* long ago */
    ck_assert_int_eq(probe_judge(&sight, &answer), answers[_i].usual);
}

END_TEST

static bool says(enum probe_verdict verdict, enum health_probe *ret)
{
    return probe_answered(probes, &sight, &rules, verdict, ret);
}

START_TEST(an_answer_heals_who_gave_none_and_lets_others_have_their_trial)
{
    enum health_probe said;

    ck_assert(says(PROBE_SAYS_GOOD, &said));
    ck_assert_int_eq(said, HEALTH_PROBE_ANSWERS);
    sight.failed = HEALTH_SAW_BREAK;
    ck_assert(says(PROBE_SAYS_GOOD, &said));
    ck_assert_int_eq(said, HEALTH_PROBE_WELL);
    ck_assert(says(PROBE_SAYS_BAD, &said));
    ck_assert_int_eq(said, HEALTH_PROBE_BAD);
    ck_assert(!says(PROBE_SAYS_NOTHING, &said));
    sight.state = HEALTH_DRAINED; /* while it was asked */
    ck_assert(!says(PROBE_SAYS_GOOD, &said));
}

END_TEST

START_TEST(several_answers_in_a_row_may_be_needed)
{
    enum health_probe said;

    rules.ok_after = 3;
    ck_assert(!says(PROBE_SAYS_GOOD, &said));
    ck_assert(!says(PROBE_SAYS_GOOD, &said));
    ck_assert(says(PROBE_SAYS_BAD, &said));
    ck_assert(!says(PROBE_SAYS_GOOD, &said));
    ck_assert(!says(PROBE_SAYS_GOOD, &said));
    ck_assert(!says(PROBE_SAYS_NOTHING, &said));
    ck_assert(says(PROBE_SAYS_GOOD, &said));
}

END_TEST

START_TEST(who_did_well_is_ejected_after_several_and_healed_by_its_probes)
{
    enum health_probe said;

    rules.when = PROBE_ALWAYS;
    sight.state = HEALTH_HEALTHY;
    ck_assert(!says(PROBE_SAYS_BAD, &said));
    ck_assert(!says(PROBE_SAYS_BAD, &said));
    ck_assert(!says(PROBE_SAYS_GOOD, &said));
    ck_assert(!says(PROBE_SAYS_BAD, &said));
    ck_assert(!says(PROBE_SAYS_BAD, &said));
    ck_assert(says(PROBE_SAYS_BAD, &said));
    ck_assert_int_eq(said, HEALTH_PROBE_BAD);
    sight.state = HEALTH_DOWN;
    ck_assert(says(PROBE_SAYS_GOOD, &said));
    ck_assert_int_eq(said, HEALTH_PROBE_WELL);
    ck_assert(says(PROBE_SAYS_GOOD, &said)); /* a request ejected it, later */
    ck_assert_int_eq(said, HEALTH_PROBE_ANSWERS);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("probe");
    TCase *tests = tcase_create("probe");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, an_account_has_rules_of_its_own_or_those_of_all);
    tcase_add_loop_test(tests, who_is_asked_depends_on_its_state, 0, ARRAY_LEN(wanted));
    tcase_add_test(tests, one_question_at_a_time);
    tcase_add_test(tests, what_another_host_heard_counts_when_it_is_new);
    tcase_add_test(tests, questions_are_spread_and_an_interval_apart);
    tcase_add_test(tests, who_does_well_or_is_another_begins_anew);
    tcase_add_loop_test(tests, what_an_answer_says, 0, ARRAY_LEN(answers));
    tcase_add_test(tests, an_answer_heals_who_gave_none_and_lets_others_have_their_trial);
    tcase_add_test(tests, several_answers_in_a_row_may_be_needed);
    tcase_add_test(tests, who_did_well_is_ejected_after_several_and_healed_by_its_probes);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
