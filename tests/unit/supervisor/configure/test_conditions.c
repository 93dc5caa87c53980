#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/route/condition.h"

#include "supervisor/configure/configure.h"

#define KEY_ID "abcdefghijkl"

/* Snapshots are made at the time of the test, so the changes of the zone that they know are
 * those after it; the offsets of UTC and of Kolkata (+05:30) never change. */
static const struct {
    const char *when, *date; /* NULL: any */

    struct {
        uint64_t tenant, team, user, input;
        const char *tag, *header;
        uint32_t features;
    } request;

    bool holds;
} cases[] = {
    {"{tenant: [acme]}", NULL, {.tenant = 7}, true},
    {"{tenant: [acme]}", NULL, {.tenant = 8}, false},
    {"{tenant: [acme]}", NULL, {.tenant = 0}, false},
    {"{tenant: [other, acme]}", NULL, {.tenant = 7}, true},
    {"{tenant: [nobody]}", NULL, {.tenant = 0}, false},
    {"{team: [acme/blue]}", NULL, {.tenant = 7, .team = 3}, true},
    {"{team: [acme/blue]}", NULL, {.tenant = 8, .team = 4}, false},
    {"{team: [other/blue]}", NULL, {.tenant = 8, .team = 4}, true},
    {"{team: [nobody/blue]}", NULL, {.tenant = 7, .team = 3}, false},
    {"{user: [acme/ann]}", NULL, {.user = 5}, true},
    {"{user: [acme/ann]}", NULL, {.user = 6}, false},
    {"{key: [" KEY_ID "]}", NULL, {.tenant = 1}, true},
    {"{key: [ci]}", NULL, {.tenant = 1}, true},
    {"{key: [cd, c, cix]}", NULL, {.tenant = 1}, false},
    {"{tag: [batch]}", NULL, {.tag = "batch"}, true},
    {"{tag: [batch]}", NULL, {.tag = "batches"}, false},
    {"{tag: [batch]}", NULL, {.tag = NULL}, false},
    {"{tag: [night, batch]}", NULL, {.tag = "batch"}, true},
    {"{header: [x-tier=gold]}", NULL, {.header = "gold"}, true},
    {"{header: [X-Tier=gold]}", NULL, {.header = "golden"}, false},
    {"{header: [x-tier=gold*]}", NULL, {.header = "golden"}, true},
    {"{header: [x-tier=gold*]}", NULL, {.header = "old"}, false},
    {"{header: [\"x-tier=*\"]}", NULL, {.header = ""}, true},
    {"{header: [\"x-tier=*\"]}", NULL, {.header = NULL}, false},
    {"{header: [\"x-tier=*\", x-tier=gold]}", NULL, {.header = "lead"}, false},
    {"{features: [tools]}", NULL, {.features = FEATURE_tools}, true},
    {"{features: [tools, stream]}", NULL, {.features = FEATURE_tools}, false},
    {"{features: [tools, stream]}", NULL, {.features = FEATURE_tools | FEATURE_stream}, true},
    {"{without: [vision, audio]}", NULL, {.features = FEATURE_tools}, true},
    {"{without: [vision, audio]}", NULL, {.features = FEATURE_audio}, false},
    {"{input_min: 100}", NULL, {.input = 100}, true},
    {"{input_min: 100}", NULL, {.input = 99}, false},
    {"{input_max: 100}", NULL, {.input = 100}, true},
    {"{input_max: 100}", NULL, {.input = 101}, false},
    {"{input_min: 5, input_max: 9}", NULL, {.input = 7}, true},
    {"{tenant: [acme], tag: [batch]}", NULL, {.tenant = 7, .tag = "batch"}, true},
    {"{tenant: [acme], tag: [batch]}", NULL, {.tenant = 7}, false},
    {"{tenant: [acme], tag: [batch]}", NULL, {.tag = "batch"}, false},
    {"{hours: 08:00-18:00}", "2026-12-01T08:00:00Z", {.input = 0}, true},
    {"{hours: 08:00-18:00}", "2026-12-01T07:59:59Z", {.input = 0}, false},
    {"{hours: 08:00-18:00}", "2026-12-01T18:00:00Z", {.input = 0}, false},
    {"{hours: 08:00-24:00}", "2026-12-01T23:59:59Z", {.input = 0}, true},
    {"{hours: 22:00-06:00}", "2026-12-01T05:59:59Z", {.input = 0}, true},
    {"{hours: 22:00-06:00}", "2026-12-01T22:00:00Z", {.input = 0}, true},
    {"{hours: 22:00-06:00}", "2026-12-01T06:00:00Z", {.input = 0}, false},
    {"{days: [tue]}", "2026-12-01T00:00:00Z", {.input = 0}, true},
    {"{days: [mon, wed]}", "2026-12-01T12:00:00Z", {.input = 0}, false},
    /* the night that begins on a Monday */
    {"{hours: 22:00-06:00, days: [mon]}", "2026-12-01T03:00:00Z", {.input = 0}, true},
    {"{hours: 22:00-06:00, days: [mon]}", "2026-12-01T23:00:00Z", {.input = 0}, false},
    {"{hours: 08:00-09:00, zone: Asia/Kolkata}", "2026-12-01T02:30:00Z", {.input = 0}, true},
    {"{hours: 08:00-09:00, zone: Asia/Kolkata}", "2026-12-01T08:30:00Z", {.input = 0}, false},
    {"{days: [wed], zone: Asia/Kolkata}", "2026-12-01T20:00:00Z", {.input = 0}, true},
};

static struct configure_lasting lasting;
static struct buffer why;

static struct snapshot *freeze(const char *when)
{
    static const struct configure_owner owners[] = {
        {.kind = LIMIT_SCOPE_tenant, .id = 7, .name = {"acme", 4}},
        {.kind = LIMIT_SCOPE_tenant, .id = 8, .name = {"other", 5}},
        {.kind = LIMIT_SCOPE_team, .id = 3, .tenant = 7, .name = {"blue", 4}},
        {.kind = LIMIT_SCOPE_team, .id = 4, .tenant = 8, .name = {"blue", 4}},
        {.kind = LIMIT_SCOPE_user, .id = 5, .tenant = 7, .name = {"ann", 3}},
    };
    static const struct configure_key key = {.id = KEY_ID, .name = {"ci", 2}};
    struct configure_rows rows = {
        .owners = owners, .owner_count = ARRAY_LEN(owners), .keys = &key, .key_count = 1};
    struct buffer text _buffer_;
    struct settings *settings;
    struct snapshot *snapshot;
    int fd;

    buffer_init(&text, 1000);
    (void)buffer_append_format(
        &text, "models: [{name: m, targets: [{provider: mock, model: x, when: %s}]}]\n", when);
    settings = settings_parse(buffer_span(&text), "s.yaml", &why);
    ck_assert_msg(settings != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    fd = configure_snapshot(settings, &rows, &lasting, 1, &why);
    ck_assert_msg(fd >= 0, "%.*s", SPAN_ARG(buffer_span(&why)));
    settings_free(settings);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    return snapshot;
}

static void set_up(void)
{
    lasting = (struct configure_lasting){.oldest = 0};
    buffer_init(&why, 4096);
}

static void tear_down(void)
{
    configure_lasting_done(&lasting);
    buffer_done(&why);
}

static bool holds(const struct snapshot *snapshot, const struct route_facts *facts)
{
    const struct snapshot_model *model = snapshot_find_model(snapshot, SPAN("m"));

    ck_assert_ptr_nonnull(model);
    return conditions_hold(
        snapshot, SNAPSHOT_ROW(snapshot, model->targets, 0, snapshot_target)->conditions,
        facts);
}

START_TEST(a_condition_holds_for_its_requests_only)
{
    struct snapshot *snapshot = freeze(cases[_i].when);
    struct snapshot_key key = *snapshot_find_key(snapshot, SPAN(KEY_ID));
    struct span tag = span_of_text(cases[_i].request.tag ? cases[_i].request.tag : "");
    struct span header =
        cases[_i].request.header ? span_of_text(cases[_i].request.header) : SPAN_NONE;
    struct route_facts facts = {
        .key = &key,
        .input = cases[_i].request.input,
        .tags = &tag,
        .tag_count = cases[_i].request.tag ? 1 : 0,
        .headers = &header,
        .features = cases[_i].request.features,
    };

    key.tenant = cases[_i].request.tenant;
    key.team = cases[_i].request.team;
    key.user = cases[_i].request.user;
    if (cases[_i].date)
        ck_assert(clock_read_date_ms(span_of_text(cases[_i].date), &facts.wall_ms));
    ck_assert_msg(holds(snapshot, &facts) == cases[_i].holds, "%s at %s", cases[_i].when,
                  cases[_i].date ? cases[_i].date : "any time");
    snapshot_unref(snapshot);
}

END_TEST

/* Over a year from now Berlin's clock is at +1 and at +2 hours, whatever the day of this test.
 */
START_TEST(hours_follow_the_changes_of_their_zone)
{
    struct snapshot *snapshot = freeze("{hours: 08:00-09:00, zone: Europe/Berlin}");
    struct zone *zone = zone_open(SPAN("Europe/Berlin"));
    int64_t now = clock_wall_ms() / 1000;
    unsigned held = 0;

    ck_assert_ptr_nonnull(zone);
    for (int64_t at = now; at < now + 360LL * 86400; at += 1800) {
        struct route_facts facts = {.wall_ms = at * 1000};
        int64_t local = at + zone_offset(zone, at);
        bool expected = local % 86400 / 3600 == 8;

        held += expected;
        ck_assert_msg(holds(snapshot, &facts) == expected, "at %lld", (long long)at);
    }
    ck_assert_uint_ge(held, 700);
    zone_close(zone);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(only_what_is_asked_must_be_known)
{
    struct snapshot *snapshot = freeze("{features: [tools], input_max: 9}");
    const struct snapshot_model *model = snapshot_find_model(snapshot, SPAN("m"));

    ck_assert_uint_eq(conditions_asked(snapshot, model),
                      1u << CONDITION_features | 1u << CONDITION_input);
    ck_assert_uint_eq(
        conditions_asked(snapshot, snapshot_find_model(snapshot, SPAN("mock/echo"))), 0);
    ck_assert(route_needs_tokens(snapshot, model));
    snapshot_unref(snapshot);
}

END_TEST

/* Not even when the other one is out: it is no last resort. */
START_TEST(a_target_that_does_not_take_the_request_is_never_tried)
{
    struct snapshot *snapshot = freeze("{tag: [batch]}");
    struct span tag = SPAN("batch");
    struct route_facts facts = {.now_ms = 1000, .tags = &tag};
    const struct snapshot_model *model = snapshot_find_model(snapshot, SPAN("m"));
    struct segment *segment;
    struct route_plan plan;
    struct arena arena;
    int fd;

    segment = segment_create(&fd);
    ck_assert_ptr_nonnull(segment);
    (void)close(fd);
    arena_init(&arena, 0);
    for (unsigned i = 0; i < SNAPSHOT_TARGETS_MAX; i++)
        atomic_store(&segment_target(segment, i)->until_ms, 5000);
    for (facts.tag_count = 0; facts.tag_count < 2; facts.tag_count++) {
        route_make(snapshot, segment, model, &facts, &arena, &plan);
        ck_assert_uint_eq(plan.count, facts.tag_count);
    }
    arena_done(&arena);
    segment_detach(segment);
    snapshot_unref(snapshot);
}

END_TEST

static const struct {
    const char *when, *expected;
} broken[] = {
    {"{hours: 08:00-25:00}",
     "hours: `08:00-25:00` has no such time: 00:00 to 23:59, or 24:00 as "
     "its end"},
    {"{hours: 8-18}", "hours: `8-18` is not FROM-UNTIL like 08:00-18:00"},
    {"{hours: 08:60-09:00}", "hours: `08:60-09:00` has no such time: 00:00 to 23:59, or 24:00 "
                             "as its end"},
    {"{hours: 08:00-08:00}",
     "hours: `08:00-08:00` ends when it begins; leave it out for the whole day"},
    {"{zone: Mars/Base}",
     "zone: `Mars/Base` is no time zone like Europe/Berlin (the system's tzdata has the list)"},
    {"{days: [monday]}", "days: `monday` is none of mon, tue, wed, thu, fri, sat, sun"},
    {"{team: [blue]}", "team: `blue` is not TENANT/NAME"},
    {"{features: [magic]}", "features: `magic` is none of tools, vision, audio, documents, "
                            "json_schema, reasoning, stream"},
    {"{header: [x-tier]}", "header: `x-tier` is not NAME=VALUE, NAME=BEGINNING* or NAME=*"},
    {"{header: [x-tier=]}", "header: `x-tier=` has no value; NAME=* is any"},
    {"{header: [Authorization=x]}",
     "header: `Authorization=x` names a header that carries a credential"},
    {"{tenant: []}", "tenant: is empty, so it would never hold"},
    {"{input_min: 9, input_max: 8}", "input_max: is lower than `input_min`"},
};

START_TEST(conditions_that_cannot_be_are_refused_with_their_path)
{
    struct buffer text _buffer_, expected _buffer_;

    buffer_init(&text, 1000);
    buffer_init(&expected, 1000);
    (void)buffer_append_format(
        &text, "models:\n- {name: m, targets: [{provider: mock, model: x, when: %s}]}\n",
        broken[_i].when);
    (void)buffer_append_format(&expected, "s.yaml:2: models[0].targets[0].when.%s\n",
                               broken[_i].expected);
    ck_assert_ptr_null(settings_parse(buffer_span(&text), "s.yaml", &why));
    (void)buffer_append_byte(&why, '\0');
    (void)buffer_append_byte(&expected, '\0');
    ck_assert_str_eq(why.ptr, expected.ptr);
}

END_TEST

START_TEST(names_that_nobody_has_are_told)
{
    static const char text[] = "models: [{name: m, targets: [{provider: mock, model: x, when: "
                               "{tenant: [acme, zeta], team: [acme/blue], key: [ci]}}]}]\n";
    static const struct configure_owner owner = {
        .kind = LIMIT_SCOPE_tenant, .id = 7, .name = {"acme", 4}};
    struct configure_rows rows = {.owners = &owner, .owner_count = 1};
    struct settings *settings = settings_parse(span_of_text(text), "s.yaml", &why);

    ck_assert_msg(settings != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    ck_assert_uint_eq(configure_unknown(settings, &rows, &why), 3);
    (void)buffer_append_byte(&why, '\0');
    ck_assert_str_eq(why.ptr, "tenant:zeta, team:acme/blue, key:ci");
    settings_free(settings);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("condition");
    TCase *tests = tcase_create("condition");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_condition_holds_for_its_requests_only, 0, ARRAY_LEN(cases));
    tcase_add_test(tests, hours_follow_the_changes_of_their_zone);
    tcase_add_test(tests, only_what_is_asked_must_be_known);
    tcase_add_test(tests, a_target_that_does_not_take_the_request_is_never_tried);
    tcase_add_loop_test(tests, conditions_that_cannot_be_are_refused_with_their_path, 0,
                        ARRAY_LEN(broken));
    tcase_add_test(tests, names_that_nobody_has_are_told);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
