#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/health/health.h"
#include "shared/price/price.h"
#include "shared/route/headroom.h"
#include "shared/route/pace.h"
#include "shared/route/trace.h"
#include "shared/snapshot/snapshot_build.h"

#include "tests/unit/shared/route/route_house.h"

/* The explanation is of the very plan, and has each of its places once. */
static void check_trace(const struct snapshot_model *model)
{
    struct route_plan other = {.count = 0};
    unsigned places = 0;

    route_explain(snapshot, segment, model, &facts, &arena, &other, &trace);
    ck_assert_uint_eq(other.count, plan.count);
    for (unsigned i = 0; i < trace.count; i++) {
        const struct route_trace_row *row = &trace.rows[i];

        if (row->place == 0)
            continue;
        places++;
        ck_assert_uint_le(row->place, plan.count);
        ck_assert_uint_eq(row->target->provider, plan.targets[row->place - 1].provider_index);
        ck_assert_uint_eq(row->target->context, plan.targets[row->place - 1].context);
    }
    ck_assert_uint_eq(places, plan.count);
}

/* The plan as the providers' letters, in capitals those of another role than the model's own or
 * its fallbacks'. */
static const char *order(const char *model)
{
    const struct snapshot_model *row = snapshot_find_model(snapshot, span_of_text(model));

    ck_assert_ptr_nonnull(row);
    plan = (struct route_plan){.count = 0};
    route_make(snapshot, segment, row, &facts, &arena, &plan);
    check_trace(row);
    for (unsigned i = 0; i < plan.count; i++) {
        char letter = names[plan.targets[i].provider_index][0];

        told[i] = (char)(plan.targets[i].role > ROUTE_GENERAL ? letter - 'a' + 'A' : letter);
    }
    told[plan.count] = '\0';
    return told;
}

static void out_until(unsigned provider, uint64_t until_ms)
{
    atomic_store(&segment_target(segment, provider)->until_ms, until_ms);
}

static void load(unsigned provider, uint64_t in_flight)
{
    atomic_store(&segment_target(segment, provider)->in_flight, in_flight);
}

/* ---- strategies ---------------------------------------------------------------------------
 */

START_TEST(weights_are_shares)
{
    unsigned first = 0;

    for (facts.random = 0; facts.random < 4000; facts.random++)
        first += order("weighted")[0] == 'a';
    ck_assert_uint_eq(first, 3000);
}

END_TEST

START_TEST(without_weights_the_file_decides_within_a_priority)
{
    for (facts.random = 0; facts.random < 50; facts.random++)
        ck_assert_str_eq(order("plain"), "badc");
}

END_TEST

START_TEST(turns_go_round_those_of_the_lowest_priority)
{
    static const char *const expected[] = {"abcd", "bcad", "cabd", "abcd"};

    for (facts.turn = 0; facts.turn < 4; facts.turn++)
        ck_assert_str_eq(order("turns"), expected[facts.turn]);
}

END_TEST

START_TEST(the_order_of_the_file_ignores_weights)
{
    for (facts.random = 0; facts.random < 50; facts.random++)
        ck_assert_str_eq(order("file"), "cab");
}

END_TEST

START_TEST(the_least_busy_for_its_weight_comes_first_within_its_priority)
{
    load(A, 3);
    load(B, 5);
    for (facts.random = 0; facts.random < 50; facts.random++)
        ck_assert_str_eq(order("busy"), "bac");
    load(B, 7);
    ck_assert_str_eq(order("busy"), "abc");
}

END_TEST

/* All times of which nobody knows count as good: each is tried. */
START_TEST(the_fastest_comes_first_and_the_unknown_before_it)
{
    pace_note_first(segment_pace(segment, A), 200000, NOW_MS);
    pace_note_first(segment_pace(segment, B), 50000, NOW_MS);
    for (facts.random = 0; facts.random < 50; facts.random++)
        ck_assert_str_eq(order("latency"), "cba");
    pace_note_first(segment_pace(segment, C), 100000, NOW_MS);
    for (facts.random = 0; facts.random < 50; facts.random++)
        ck_assert_str_eq(order("latency"), "bca");
    pace_note_first(segment_pace(segment, B), 900000, NOW_MS);
    ck_assert_str_eq(order("latency"), "cab");
}

END_TEST

START_TEST(of_two_about_as_fast_the_less_busy_comes_first)
{
    unsigned first[PROVIDERS] = {0};

    pace_note_first(segment_pace(segment, A), 50000, NOW_MS);
    pace_note_first(segment_pace(segment, B), 51000, NOW_MS);
    pace_note_first(segment_pace(segment, C), 90000, NOW_MS);
    for (unsigned i = 0; i < 1000; i++) {
        facts.random = i * STEP;
        first[order("latency")[0] - 'a']++;
    }
    ck_assert_uint_gt(first[A], 400);
    ck_assert_uint_gt(first[B], 400);
    ck_assert_uint_eq(first[C], 0);
    load(B, 4);
    first[A] = 0;
    for (unsigned i = 0; i < 1000; i++) {
        facts.random = i * STEP;
        first[A] += order("latency")[0] == 'a';
    }
    ck_assert_uint_gt(first[A], 700); /* unless chance draws B twice */
}

END_TEST

START_TEST(the_cheapest_for_this_request_comes_first_and_the_unknown_last)
{
    facts.input = 1000;
    facts.output = 10;
    ck_assert_str_eq(order("cost"), "cbad");
    facts.output = 1000;
    ck_assert_str_eq(order("cost"), "bacd");
}

END_TEST

START_TEST(the_least_used_of_late_comes_first)
{
    for (unsigned i = 0; i < 9; i++)
        pace_note_request(segment_pace(segment, A), NOW_MS);
    ck_assert_str_eq(order("headroom"), "ba");
    for (unsigned i = 0; i < 20; i++)
        pace_note_request(segment_pace(segment, B), NOW_MS);
    ck_assert_str_eq(order("headroom"), "ab");
}

END_TEST

START_TEST(the_largest_share_of_a_limit_comes_first_where_all_say_what_they_have)
{
    pace_note_request(segment_pace(segment, A), NOW_MS);
    headroom_note(segment_pace(segment, A), 100, 5000, NOW_MS);
    ck_assert_str_eq(order("headroom"), "ba"); /* b says nothing: the fewest requests */
    headroom_note(segment_pace(segment, B), 600, 5000, NOW_MS);
    ck_assert_str_eq(order("headroom"), "ab");
    headroom_note(segment_pace(segment, B), 149, 5000, NOW_MS); /* as good as alike */
    ck_assert_str_eq(order("headroom"), "ba");
    headroom_note(segment_pace(segment, B), 600, 5000, NOW_MS);
    facts.now_ms = NOW_MS + 5000; /* both are whole again */
    ck_assert_str_eq(order("headroom"), "ba");
}

END_TEST

/* ---- sessions ------------------------------------------------------------------------------
 */

START_TEST(a_session_stays_and_moves_only_when_its_account_is_out)
{
    unsigned shares[PROVIDERS] = {0};

    for (unsigned i = 1; i <= 2000; i++) {
        char before[8], first;

        facts.session = i * STEP;
        (void)memcpy(before, order("weighted"), 3);
        first = before[0];
        shares[first - 'a']++;
        facts.random = i;
        ck_assert_str_eq(order("weighted"), before);
        out_until(first == 'a' ? B : A, NOW_MS + 1);
        ck_assert_int_eq(order("weighted")[0], first);
        out_until(first == 'a' ? B : A, 0);
        out_until((unsigned)(first - 'a'), NOW_MS + 1);
        ck_assert_int_eq(order("weighted")[0], before[1]);
        out_until((unsigned)(first - 'a'), 0);
    }
    ck_assert_uint_gt(shares[A], 1350); /* 3 of 4, as far as the logarithm is one */
    ck_assert_uint_lt(shares[A], 1650);
}

END_TEST

/* ---- what may be tried ----------------------------------------------------------------------
 */

START_TEST(a_provider_that_is_out_is_left_out)
{
    out_until(C, NOW_MS + 1);
    ck_assert_str_eq(order("file"), "ab");
    out_until(C, NOW_MS);
    ck_assert_str_eq(order("file"), "cab");
}

END_TEST

START_TEST(when_all_are_out_the_soonest_to_recover_is_tried)
{
    out_until(A, NOW_MS + 20);
    out_until(B, NOW_MS + 10);
    out_until(C, NOW_MS + 30);
    ck_assert_str_eq(order("file"), "b");
    ck_assert_str_eq(order("turns"), "d");
}

END_TEST

/* Half of its attempts fail, by rules that never eject. */
static void degrade(unsigned provider)
{
    struct health_rules rules = health_rules_default;

    rules.eject_max_ms = 0;
    for (unsigned i = 0; i < 30; i++)
        (void)health_note(segment_target(segment, provider), &rules,
                          i % 2 ? HEALTH_SAW_GOOD : HEALTH_SAW_BREAK, NOW_MS, 0);
}

START_TEST(a_degraded_account_comes_last_but_for_what_belongs_to_it)
{
    degrade(C);
    ck_assert_str_eq(order("file"), "abc");
    degrade(A);
    ck_assert_str_eq(order("file"), "bca");
    for (unsigned i = 0; i < 100 && told[0] == 'b'; i++) {
        facts.session += STEP;
        (void)order("file");
    }
    ck_assert_int_ne(told[0], 'b');
}

END_TEST

START_TEST(an_account_that_is_down_is_left_out_until_its_trial)
{
    struct target_health *health = segment_target(segment, C);

    (void)health_note(health, &health_rules_default, HEALTH_SAW_REFUSED, NOW_MS, 0);
    ck_assert_str_eq(order("file"), "ab");
    facts.now_ms += health_rules_default.eject_ms;
    ck_assert_str_eq(order("file"), "cab");
    ck_assert(health_may_try(health, &health_rules_default, facts.now_ms));
    ck_assert_str_eq(order("file"), "ab");
}

END_TEST

START_TEST(a_drained_account_is_tried_by_nobody)
{
    ck_assert(health_drain(segment_target(segment, D), true));
    ck_assert_str_eq(order("one"), "");
    ck_assert_str_eq(order("turns"), "abc");
    out_until(A, NOW_MS + 20);
    out_until(B, NOW_MS + 10);
    out_until(C, NOW_MS + 30);
    ck_assert_str_eq(order("turns"), "b");
}

END_TEST

START_TEST(who_cannot_serve_the_request_is_left_out_while_others_can)
{
    ck_assert_str_eq(order("fits"), "abc");
    facts.input = 2000;
    ck_assert_str_eq(order("fits"), "bc");
    facts.input = 20000;
    ck_assert_str_eq(order("fits"), "c"); /* nobody knows how much it takes */
    facts.input = 0;
    facts.capabilities = CAPABILITY_vision;
    ck_assert_str_eq(order("fits"), "bc");
    out_until(B, NOW_MS + 1);
    out_until(C, NOW_MS + 1);
    ck_assert_str_eq(order("fits"), "a");
}

END_TEST

START_TEST(the_provider_that_was_asked_for_is_the_only_one)
{
    facts.provider = SPAN("b");
    ck_assert_str_eq(order("file"), "b");
    out_until(B, NOW_MS + 1);
    ck_assert_str_eq(order("file"), "b");
    facts.provider = SPAN("d");
    ck_assert_str_eq(order("file"), "");
}

END_TEST

/* ---- fallbacks ------------------------------------------------------------------------------
 */

START_TEST(fallbacks_follow_and_those_of_refusals_stand_apart)
{
    load(B, 1);
    ck_assert_str_eq(order("chain"), "acabABCD");
    ck_assert_uint_eq(plan.targets[0].role, ROUTE_OWN);
    ck_assert_uint_eq(plan.targets[1].role, ROUTE_GENERAL);
    ck_assert_uint_eq(plan.targets[4].role, ROUTE_CONTEXT);
    ck_assert_uint_eq(plan.targets[7].role, ROUTE_CONTENT);
}

END_TEST

START_TEST(fallbacks_have_fallbacks)
{
    ck_assert_str_eq(order("deep"), "dacab");
}

END_TEST

START_TEST(a_request_that_is_known_to_be_too_long_goes_to_the_fallback_at_once)
{
    load(B, 1);
    facts.input = 1001;
    ck_assert_str_eq(order("chain"), "abccabABCD");
    ck_assert_uint_eq(plan.targets[0].role, ROUTE_OWN);
}

END_TEST

START_TEST(a_fallback_that_does_well_comes_before_an_own_target_that_is_out)
{
    out_until(D, NOW_MS + 1);
    ck_assert_str_eq(order("deep"), "acab");
    out_until(A, NOW_MS + 2);
    out_until(B, NOW_MS + 3);
    out_until(C, NOW_MS + 4);
    ck_assert_str_eq(order("deep"), "d");
}

END_TEST

START_TEST(without_any_provider_there_is_no_target)
{
    struct snapshot_header_page page = {.generation = 1};
    struct snapshot_model row = {.listed = 0};
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    struct snapshot *empty;
    int fd;

    buffer_init(&why, 1000);
    snapshot_build_init(&builder);
    row.name = snapshot_build_text(&builder, SPAN("m"));
    page.models = SNAPSHOT_BUILD_ROWS(&builder, &row, 1);
    fd = snapshot_build_seal(&builder, &page);
    snapshot_build_done(&builder);
    empty = snapshot_attach(fd, &why);
    (void)close(fd);
    ck_assert_ptr_nonnull(empty);
    plan = (struct route_plan){.count = 1};
    route_make(empty, segment, snapshot_find_model(empty, SPAN("m")), &facts, &arena, &plan);
    ck_assert_uint_eq(plan.count, 0);
    snapshot_unref(empty);
}

END_TEST

START_TEST(of_a_hundred_targets_each_comes_first_as_often_as_its_weight_says)
{
    unsigned heavy = 0;

    for (unsigned i = 0; i < 4000; i++) {
        facts.random = i * STEP;
        (void)order("many");
        ck_assert_uint_eq(plan.count, ROUTE_TARGETS_MAX);
        heavy += plan.targets[0].provider_index == A;
    }
    ck_assert_uint_gt(heavy, 850);
    ck_assert_uint_lt(heavy, 1150);
}

END_TEST

/* Each target as its letter and the first letter of what is against it, "-" for nothing. */
static const char *reasons(const char *model)
{
    (void)order(model);
    for (unsigned i = 0; i < trace.count; i++) {
        struct span reason = route_reason_name((enum route_reason)trace.rows[i].reason);

        told[2 * i] = names[trace.rows[i].target->provider][0];
        told[2 * i + 1] = trace.rows[i].reason == ROUTE_REASON_fits ? '-' : reason.ptr[0];
    }
    told[2 * trace.count] = '\0';
    return told;
}

START_TEST(an_explanation_says_what_is_against_each_target)
{
    static const struct {
        const char *model, *provider;
        uint64_t input, out_until_ms; /* of A */
        uint32_t capabilities;
        const char *expected;
    } rows[] = {
        {"file", NULL, 0, 0, 0, "c-a-b-"},
        {"file", "b", 0, 0, 0, "coaob-"},
        {"file", NULL, 0, NOW_MS + 10, 0, "c-aob-"},
        {"fits", NULL, 0, 0, CAPABILITY_vision, "alb-c-"},
        {"fits", NULL, 5000, 0, 0, "atb-c-"},
        {"fits", NULL, 5000, NOW_MS + 10, 0, "aob-c-"},
        {"deep", NULL, 0, 0, 0, "d-a-c-a-b-"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        facts.provider = rows[i].provider ? span_of_text(rows[i].provider) : SPAN_NONE;
        facts.input = rows[i].input;
        facts.capabilities = rows[i].capabilities;
        out_until(A, rows[i].out_until_ms);
        ck_assert_msg(strcmp(reasons(rows[i].model), rows[i].expected) == 0, "%u: %s", i, told);
    }
}

END_TEST

START_TEST(an_explanation_has_scores_and_when_an_account_is_tried_again)
{
    load(A, 3);
    out_until(C, NOW_MS + 70);
    (void)order("busy");
    ck_assert(trace.rows[0].scored && trace.rows[1].scored && !trace.rows[2].scored);
    ck_assert_uint_eq(trace.rows[0].score, 3U << 20);
    ck_assert_uint_eq(trace.rows[1].score, 0);
    ck_assert_uint_eq(trace.rows[2].until_ms, NOW_MS + 70);
    ck_assert_uint_eq(trace.rows[2].place, 0);
}

END_TEST

START_TEST(of_more_than_have_room_each_is_explained)
{
    (void)order("many");
    ck_assert_uint_eq(trace.count, MANY);
    ck_assert_uint_eq(trace.dropped, 0);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("route");
    TCase *tests = tcase_create("route");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, weights_are_shares);
    tcase_add_test(tests, without_weights_the_file_decides_within_a_priority);
    tcase_add_test(tests, turns_go_round_those_of_the_lowest_priority);
    tcase_add_test(tests, the_order_of_the_file_ignores_weights);
    tcase_add_test(tests, the_least_busy_for_its_weight_comes_first_within_its_priority);
    tcase_add_test(tests, the_fastest_comes_first_and_the_unknown_before_it);
    tcase_add_test(tests, of_two_about_as_fast_the_less_busy_comes_first);
    tcase_add_test(tests, the_cheapest_for_this_request_comes_first_and_the_unknown_last);
    tcase_add_test(tests, the_least_used_of_late_comes_first);
    tcase_add_test(tests,
                   the_largest_share_of_a_limit_comes_first_where_all_say_what_they_have);
    tcase_add_test(tests, a_session_stays_and_moves_only_when_its_account_is_out);
    tcase_add_test(tests, a_provider_that_is_out_is_left_out);
    tcase_add_test(tests, when_all_are_out_the_soonest_to_recover_is_tried);
    tcase_add_test(tests, a_degraded_account_comes_last_but_for_what_belongs_to_it);
    tcase_add_test(tests, an_account_that_is_down_is_left_out_until_its_trial);
    tcase_add_test(tests, a_drained_account_is_tried_by_nobody);
    tcase_add_test(tests, who_cannot_serve_the_request_is_left_out_while_others_can);
    tcase_add_test(tests, the_provider_that_was_asked_for_is_the_only_one);
    tcase_add_test(tests, fallbacks_follow_and_those_of_refusals_stand_apart);
    tcase_add_test(tests, fallbacks_have_fallbacks);
    tcase_add_test(tests, a_request_that_is_known_to_be_too_long_goes_to_the_fallback_at_once);
    tcase_add_test(tests, a_fallback_that_does_well_comes_before_an_own_target_that_is_out);
    tcase_add_test(tests, without_any_provider_there_is_no_target);
    tcase_add_test(tests, of_a_hundred_targets_each_comes_first_as_often_as_its_weight_says);
    tcase_add_test(tests, an_explanation_says_what_is_against_each_target);
    tcase_add_test(tests, an_explanation_has_scores_and_when_an_account_is_tried_again);
    tcase_add_test(tests, of_more_than_have_room_each_is_explained);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
