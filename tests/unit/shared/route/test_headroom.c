#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/limit/bucket.h"
#include "shared/route/headroom.h"
#include "shared/snapshot/snapshot_build.h"

#define NOW_MS 100000
#define RATE   5 /* buckets */
#define PLACES 6
#define SHADOW 7

static struct snapshot *snapshot;
static struct segment *segment;

/* Provider 0 has no rules; provider 1 has a rate, places and a shadow. */
static void set_up(void)
{
    struct snapshot_header_page page = {.generation = 1};
    struct snapshot_provider providers[2] = {{.port = 1}, {.health_row = 1, .scope = 1}};
    struct snapshot_limit limits[] = {
        {.amount = 100,
         .burst = 100,
         .window_ms = 60000,
         .bucket = RATE,
         .unit = LIMIT_UNIT_requests,
         .mode = LIMIT_MODE_enforce},
        {.amount = 8,
         .bucket = PLACES,
         .unit = LIMIT_UNIT_concurrent,
         .mode = LIMIT_MODE_enforce},
        {.amount = 1,
         .bucket = SHADOW,
         .unit = LIMIT_UNIT_concurrent,
         .mode = LIMIT_MODE_shadow},
    };
    struct snapshot_scope scope = {.kind = LIMIT_SCOPE_provider};
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    int fd;

    buffer_init(&why, 1000);
    snapshot_build_init(&builder);
    for (unsigned i = 0; i < ARRAY_LEN(limits); i++)
        limits[i].name = snapshot_build_text(&builder, SPAN("a limit"));
    scope.subject = snapshot_build_text(&builder, SPAN("up"));
    scope.limits = SNAPSHOT_BUILD_ROWS(&builder, limits, ARRAY_LEN(limits));
    for (unsigned i = 0; i < 2; i++)
        providers[i].name = snapshot_build_text(&builder, SPAN("up"));
    page.scopes = SNAPSHOT_BUILD_ROWS(&builder, &scope, 1);
    page.providers = SNAPSHOT_BUILD_ROWS(&builder, providers, 2);
    fd = snapshot_build_seal(&builder, &page);
    snapshot_build_done(&builder);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    segment = segment_create(&fd);
    ck_assert_ptr_nonnull(segment);
    (void)close(fd);
}

static void tear_down(void)
{
    segment_detach(segment);
    snapshot_unref(snapshot);
}

/* UINT32_MAX: nobody says. */
static uint32_t used_of(uint32_t provider, uint64_t now_ms)
{
    const struct snapshot_provider *row =
        SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->providers, provider, snapshot_provider);
    uint32_t used;

    return headroom_used(snapshot, segment, row, now_ms, &used) ? used : UINT32_MAX;
}

START_TEST(what_an_answer_said_holds_until_its_reset)
{
    ck_assert_uint_eq(used_of(0, NOW_MS), UINT32_MAX);
    headroom_note(segment_pace(segment, 0), 250, 6000, NOW_MS);
    ck_assert_uint_eq(used_of(0, NOW_MS), 250);
    ck_assert_uint_eq(used_of(0, NOW_MS + 5999), 250);
    ck_assert_uint_eq(used_of(0, NOW_MS + 6000), 0);
    headroom_note(segment_pace(segment, 0), 5000, 6000, NOW_MS);
    ck_assert_uint_eq(used_of(0, NOW_MS), HEADROOM_ALL);
}

END_TEST

START_TEST(the_tightest_rule_counts_and_a_shadow_does_not)
{
    const struct rate rate = {.amount = 100, .burst = 100, .window_ms = 60000, .sharers = 1};

    ck_assert_uint_eq(used_of(1, NOW_MS), 0);
    rate_add(segment_bucket(segment, RATE), &rate, NOW_MS * 1000000ULL, 30);
    ck_assert_uint_eq(used_of(1, NOW_MS), 300);
    for (unsigned i = 0; i < 4; i++)
        place_add(segment_bucket(segment, PLACES));
    place_add(segment_bucket(segment, SHADOW));
    ck_assert_uint_eq(used_of(1, NOW_MS), 500);
    headroom_note(segment_pace(segment, 1), 700, 6000, NOW_MS);
    ck_assert_uint_eq(used_of(1, NOW_MS), 700);
    ck_assert_uint_eq(used_of(1, NOW_MS + 6000), 500);
}

END_TEST

START_TEST(of_places_divided_among_hosts_this_one_has_its_part)
{
    place_add(segment_bucket(segment, PLACES));
    atomic_store(segment_sharers(segment), 4);
    ck_assert_uint_eq(used_of(1, NOW_MS), 500);
    atomic_store(segment_sharers(segment), 16); /* less than a place */
    ck_assert_uint_eq(used_of(1, NOW_MS), HEADROOM_ALL);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("headroom");
    TCase *tests = tcase_create("headroom");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_an_answer_said_holds_until_its_reset);
    tcase_add_test(tests, the_tightest_rule_counts_and_a_shadow_does_not);
    tcase_add_test(tests, of_places_divided_among_hosts_this_one_has_its_part);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
