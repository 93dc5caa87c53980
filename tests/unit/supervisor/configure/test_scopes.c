#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"

#include "supervisor/configure/configure.h"

static struct buffer why;
static struct configure_lasting lasting;
static struct segment *segment;
static int segment_fd;

static const struct configure_owner owners[] = {
    {.kind = LIMIT_SCOPE_user, .id = 5, .tenant = 1, .name = {"ann", 3}},
    {.kind = LIMIT_SCOPE_tenant, .id = 1, .tenant = 0, .name = {"acme", 4}},
    {.kind = LIMIT_SCOPE_tenant, .id = 2, .tenant = 0, .name = {"other", 5}},
    {.kind = LIMIT_SCOPE_team, .id = 3, .tenant = 1, .name = {"blue", 4}},
    {.kind = LIMIT_SCOPE_team, .id = 4, .tenant = 2, .name = {"blue", 4}},
};

static struct configure_key keys[] = {
    {.id = "aaaaaaaaaaa1", .tenant = 1, .team = 3, .user = 5, .name = {"first", 5}},
    {.id = "aaaaaaaaaaa2", .tenant = 1, .name = {"second", 6}},
    {.id = "aaaaaaaaaaa3", .tenant = 2, .team = 4, .name = {"third", 5}},
    {.id = "aaaaaaaaaaa4", .name = {"fourth", 6}},
};

static struct configure_rows rows = {.keys = keys,
                                     .key_count = ARRAY_LEN(keys),
                                     .owners = owners,
                                     .owner_count = ARRAY_LEN(owners)};

static struct snapshot *freeze_at(const char *text, uint64_t generation)
{
    struct settings *settings;
    struct snapshot *snapshot;
    int fd;

    buffer_clear(&why);
    settings = settings_parse(span_of_text(text), "s.yaml", &why);
    ck_assert_msg(settings != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    fd = configure_snapshot(settings, &rows, &lasting, generation, &why);
    settings_free(settings);
    if (fd < 0)
        return NULL;
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    return snapshot;
}

static struct snapshot *freeze(const char *text)
{
    return freeze_at(text, 7);
}

static void begin(void)
{
    segment = segment_create(&segment_fd);
    ck_assert_ptr_nonnull(segment);
    lasting.segment = segment;
    rows.limits = NULL;
    rows.budgets = NULL;
    rows.limit_count = rows.budget_count = 0;
}

static void end(void)
{
    configure_lasting_done(&lasting);
    segment_detach(segment);
    (void)close(segment_fd);
}

static const struct snapshot_scope *scope_of(const struct snapshot *snapshot, const char *key,
                                             enum limit_scope kind)
{
    const struct snapshot_key *row = snapshot_find_key(snapshot, span_of_text(key));

    ck_assert_ptr_nonnull(row);
    return snapshot_scope(snapshot, row->scopes[kind]);
}

static const struct snapshot_limit *limit_of(const struct snapshot *snapshot,
                                             const struct snapshot_scope *scope, uint32_t index)
{
    ck_assert_ptr_nonnull(scope);
    ck_assert_uint_lt(index, scope->limits.count);
    return SNAPSHOT_ROW(snapshot, scope->limits, index, snapshot_limit);
}

static const struct snapshot_budget *budget_of(const struct snapshot *snapshot,
                                               const struct snapshot_scope *scope,
                                               uint32_t index)
{
    ck_assert_ptr_nonnull(scope);
    ck_assert_uint_lt(index, scope->budgets.count);
    return SNAPSHOT_ROW(snapshot, scope->budgets, index, snapshot_budget);
}

START_TEST(keys_have_the_shares_of_their_nearest)
{
    struct snapshot *snapshot =
        freeze("queue: {shares: [\n"
               "  {scope: \"tenant:acme\", weight: 4, priority: low},\n"
               "  {scope: \"tenant:*\", weight: 2},\n"
               "  {scope: \"user:acme/ann\", priority: high},\n"
               "  {scope: \"team:*\", priority: normal},\n"
               "  {scope: \"key:*\", weight: 7},\n"
               "  {scope: \"key:fourth\", weight: 9, priority: low}]}\n");

    static const struct {
        const char *key;
        uint32_t weight, priority;
    } cases[] = {
        {"aaaaaaaaaaa1", 4, 1 + PRIORITY_high},   /* its user before its team */
        {"aaaaaaaaaaa2", 4, 1 + PRIORITY_low},    /* its tenant */
        {"aaaaaaaaaaa3", 2, 1 + PRIORITY_normal}, /* any team, any tenant */
        {"aaaaaaaaaaa4", 9, 1 + PRIORITY_low},    /* itself: it has no tenant */
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        const struct snapshot_key *key =
            snapshot_find_key(snapshot, span_of_text(cases[i].key));

        ck_assert_uint_eq(key->weight, cases[i].weight);
        ck_assert_uint_eq(key->priority, cases[i].priority);
    }
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(only_places_of_accounts_are_waited_for)
{
    struct snapshot *snapshot =
        freeze("rate_limits:\n"
               "  - {scope: \"provider:mock\", concurrent: 3, requests: 5/second}\n"
               "  - {scope: \"key:second\", concurrent: 3}\n");
    const struct snapshot_provider *mock;
    const struct snapshot_scope *scope;
    uint32_t index;

    mock = snapshot_find_provider(snapshot, SPAN("mock"), &index);
    scope = snapshot_scope(snapshot, mock->scope);
    for (uint32_t i = 0; i < scope->limits.count; i++) {
        const struct snapshot_limit *limit = limit_of(snapshot, scope, i);

        ck_assert_int_eq(limit->queue > 0, limit->unit == LIMIT_UNIT_concurrent);
    }
    ck_assert_uint_eq(
        limit_of(snapshot, scope_of(snapshot, "aaaaaaaaaaa2", LIMIT_SCOPE_key), 0)->queue, 0);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(a_model_of_an_account_has_one_scope_whatever_models_lead_to_it)
{
    struct snapshot *snapshot = freeze(
        "models:\n"
        "  - {name: m, targets: [{provider: mock, model: echo}, {provider: mock, model: x}]}\n"
        "  - {name: n, targets: [{provider: mock, model: echo}]}\n"
        "rate_limits: [{scope: \"target:mock/echo\", concurrent: 3}]\n"
        "budgets: [{name: cap, scope: \"target:mock/echo\", amount: 1, period: total}]\n");
    const struct snapshot_model *m = snapshot_find_model(snapshot, SPAN("m"));
    const struct snapshot_model *n = snapshot_find_model(snapshot, SPAN("n"));
    uint32_t number = SNAPSHOT_ROW(snapshot, m->targets, 0, snapshot_target)->scope;
    const struct snapshot_scope *scope = snapshot_scope(snapshot, number);

    ck_assert_ptr_nonnull(scope);
    ck_assert_uint_eq(SNAPSHOT_ROW(snapshot, m->targets, 1, snapshot_target)->scope, 0);
    ck_assert_uint_eq(SNAPSHOT_ROW(snapshot, n->targets, 0, snapshot_target)->scope, number);
    ck_assert_uint_eq(scope->kind, LIMIT_SCOPE_target);
    ck_assert(span_eq(snapshot_span(snapshot, scope->subject), SPAN("mock/echo")));
    ck_assert_uint_eq(scope->budgets.count, 1);
    ck_assert_uint_gt(limit_of(snapshot, scope, 0)->queue, 0);
    ck_assert_uint_eq(lasting.budgets.count, 1);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(each_kind_of_scope_gets_its_limits)
{
    struct snapshot *snapshot =
        freeze("models: [{name: m, targets: [{provider: mock, model: echo}]}]\n"
               "rate_limits:\n"
               "  - {scope: \"tenant:acme\", requests: 600/minute, total_tokens: 100k/hour}\n"
               "  - {scope: \"team:acme/blue\", concurrent: 5}\n"
               "  - {scope: \"user:acme/ann\", output_tokens: 2M/day}\n"
               "  - {scope: \"key:second\", requests: 10/10s, burst: 3, name: slow}\n"
               "  - {scope: \"model:m\", requests: 1/second, mode: shadow}\n"
               "  - {scope: \"provider:mock\", input_tokens: 0/second}\n"
               "  - {scope: \"tag:nightly\", requests: 2/second, algorithm: sliding_window}\n");
    const struct snapshot_scope *tenant =
        scope_of(snapshot, "aaaaaaaaaaa1", LIMIT_SCOPE_tenant);
    const struct snapshot_scope *key = scope_of(snapshot, "aaaaaaaaaaa2", LIMIT_SCOPE_key);
    const struct snapshot_scope *tag = snapshot_find_tag(snapshot, SPAN("nightly"));
    const struct snapshot_model *model = snapshot_find_model(snapshot, SPAN("m"));
    const struct snapshot_limit *limit;
    uint32_t index;

    ck_assert_ptr_eq(tenant, scope_of(snapshot, "aaaaaaaaaaa2", LIMIT_SCOPE_tenant));
    ck_assert_ptr_null(scope_of(snapshot, "aaaaaaaaaaa3", LIMIT_SCOPE_tenant));
    ck_assert(span_eq(snapshot_span(snapshot, tenant->subject), SPAN("1")));
    limit = limit_of(snapshot, tenant, 1);
    ck_assert_uint_eq(limit->amount, 100000);
    ck_assert_uint_eq(limit->window_ms, 3600000);
    ck_assert_uint_eq(limit->unit, LIMIT_UNIT_total_tokens);
    ck_assert_str_eq(snapshot_string(snapshot, limit_of(snapshot, tenant, 0)->name),
                     "600 requests a minute");
    limit = limit_of(snapshot, scope_of(snapshot, "aaaaaaaaaaa1", LIMIT_SCOPE_team), 0);
    ck_assert_uint_eq(limit->amount, 5);
    ck_assert_uint_eq(limit->window_ms, 0);
    /* The team of the same name in another tenant is another one. */
    ck_assert_ptr_null(scope_of(snapshot, "aaaaaaaaaaa3", LIMIT_SCOPE_team));
    limit = limit_of(snapshot, scope_of(snapshot, "aaaaaaaaaaa1", LIMIT_SCOPE_user), 0);
    ck_assert_uint_eq(limit->amount, 2000000);
    limit = limit_of(snapshot, key, 0);
    ck_assert_uint_eq(limit->burst, 3);
    ck_assert_uint_eq(limit->window_ms, 10000);
    ck_assert_str_eq(snapshot_string(snapshot, limit->name), "slow");
    limit = limit_of(snapshot, snapshot_scope(snapshot, model->scope), 0);
    ck_assert_uint_eq(limit->mode, LIMIT_MODE_shadow);
    limit = limit_of(
        snapshot,
        snapshot_scope(snapshot, snapshot_find_provider(snapshot, SPAN("mock"), &index)->scope),
        0);
    ck_assert_uint_eq(limit->amount, 0);
    limit = limit_of(snapshot, tag, 0);
    ck_assert_uint_eq(limit->algorithm, LIMIT_ALGORITHM_sliding_window);
    ck_assert_ptr_null(snapshot_find_tag(snapshot, SPAN("daily")));
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(a_counter_belongs_to_the_same_limit_in_every_snapshot)
{
    static const char text[] = "rate_limits: [{scope: \"key:*\", requests: 600/minute}]\n";
    struct snapshot *one = freeze(text), *two = freeze_at(text, 8);
    uint32_t first = limit_of(one, scope_of(one, "aaaaaaaaaaa1", LIMIT_SCOPE_key), 0)->bucket;
    uint32_t second = limit_of(one, scope_of(one, "aaaaaaaaaaa2", LIMIT_SCOPE_key), 0)->bucket;

    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(first,
                      limit_of(two, scope_of(two, "aaaaaaaaaaa1", LIMIT_SCOPE_key), 0)->bucket);
    ck_assert_uint_eq(
        atomic_load(&segment_bucket(segment, first)->identity),
        limit_identity(LIMIT_SCOPE_key, SPAN("aaaaaaaaaaa1"), SPAN("requests/60000"), 0));
    ck_assert_uint_eq(atomic_load(&segment_bucket(segment, first)->named), 8);
    snapshot_unref(one);
    snapshot_unref(two);
}

END_TEST

START_TEST(a_rule_for_one_stands_before_that_for_each)
{
    struct snapshot *snapshot =
        freeze("rate_limits:\n"
               "  - {scope: \"key:*\", requests: 600/minute, concurrent: 4}\n"
               "  - {scope: \"key:first\", requests: 6000/minute}\n"
               "  - {scope: \"key:second\", requests: 1/minute, mode: \"off\"}\n"
               "  - {scope: \"key:aaaaaaaaaaa3\", requests: 50/minute}\n"
               "  - {scope: \"key:third\", requests: 40/minute}\n"
               "budgets:\n"
               "  - {name: b, scope: \"key:*\", amount: 1, period: day}\n"
               "  - {name: b, scope: \"key:first\", amount: 2, period: total}\n"
               "  - {name: c, scope: \"key:first\", amount: 3, period: month}\n");
    const struct snapshot_scope *first = scope_of(snapshot, "aaaaaaaaaaa1", LIMIT_SCOPE_key);
    const struct snapshot_scope *second = scope_of(snapshot, "aaaaaaaaaaa2", LIMIT_SCOPE_key);
    const struct snapshot_scope *third = scope_of(snapshot, "aaaaaaaaaaa3", LIMIT_SCOPE_key);

    ck_assert_uint_eq(first->limits.count, 2);
    ck_assert_uint_eq(limit_of(snapshot, first, 0)->amount, 6000);
    ck_assert_uint_eq(limit_of(snapshot, first, 1)->amount, 4);
    ck_assert_uint_eq(second->limits.count, 1);
    ck_assert_uint_eq(limit_of(snapshot, second, 0)->unit, LIMIT_UNIT_concurrent);
    ck_assert_uint_eq(limit_of(snapshot, third, 0)->amount, 40);
    ck_assert_uint_eq(first->budgets.count, 2);
    ck_assert_uint_eq(budget_of(snapshot, first, 0)->amount_nano, 2000000000);
    ck_assert_uint_eq(budget_of(snapshot, second, 0)->amount_nano, 1000000000);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(rules_of_settings_and_store_both_count)
{
    struct rate_text limits[] = {
        {.scope = SPAN("tenant:acme"), .of = {[LIMIT_UNIT_requests] = SPAN("5/minute")}},
        {.scope = SPAN("tenant:acme"), .of = {[LIMIT_UNIT_requests] = SPAN("7/hour")}}};
    struct budget_text budgets[] = {{.name = SPAN("same"),
                                     .scope = SPAN("tenant:acme"),
                                     .amount = SPAN("9"),
                                     .period = SPAN("total")},
                                    {.name = SPAN("mine"),
                                     .scope = SPAN("tenant:acme"),
                                     .amount = SPAN("8.000000001"),
                                     .period = SPAN("total")}};
    const struct snapshot_scope *tenant;
    struct snapshot *snapshot;

    rows.limits = limits;
    rows.budgets = budgets;
    rows.limit_count = rows.budget_count = 2;
    snapshot = freeze("rate_limits: [{scope: \"tenant:acme\", requests: 6/minute}]\n"
                      "budgets: [{name: same, scope: \"tenant:acme\", amount: 10, period: "
                      "day, soft: 80%, strict: true, cut: true}]\n");
    tenant = scope_of(snapshot, "aaaaaaaaaaa1", LIMIT_SCOPE_tenant);
    ck_assert_uint_eq(tenant->limits.count, 2);
    ck_assert_uint_eq(limit_of(snapshot, tenant, 0)->amount, 5);
    ck_assert_uint_eq(limit_of(snapshot, tenant, 1)->amount, 7);
    ck_assert_uint_eq(tenant->budgets.count, 2);
    ck_assert_uint_eq(budget_of(snapshot, tenant, 0)->amount_nano, 10000000000);
    ck_assert_uint_eq(budget_of(snapshot, tenant, 0)->soft_nano, 8000000000);
    ck_assert(budget_of(snapshot, tenant, 0)->strict && budget_of(snapshot, tenant, 0)->cuts);
    ck_assert_uint_eq(budget_of(snapshot, tenant, 1)->amount_nano, 8000000001);
    ck_assert(lasting.budgets.rows[0].runs && !lasting.budgets.rows[0].stored);
    ck_assert(!lasting.budgets.rows[1].runs);
    ck_assert(lasting.budgets.rows[2].runs && lasting.budgets.rows[2].stored);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(a_budget_has_a_counter_for_this_period_and_for_the_next)
{
    struct snapshot *snapshot =
        freeze("budgets: [{name: d, scope: \"key:first\", amount: 1, period: day},"
               " {name: t, scope: \"key:first\", amount: 1, period: total},"
               " {name: r, scope: \"key:first\", amount: 1, period: rolling, window: 30d}]\n");
    const struct snapshot_scope *key = scope_of(snapshot, "aaaaaaaaaaa1", LIMIT_SCOPE_key);
    const struct snapshot_budget *day = budget_of(snapshot, key, 0);
    const struct configure_budget *now = &lasting.budgets.rows[0];
    const int64_t day_ms = 86400000;

    ck_assert_uint_ne(day->buckets[0], day->buckets[1]);
    ck_assert_int_eq(day->ends_ms, lasting.budgets.ends_ms);
    ck_assert_int_eq(day->ends_ms % day_ms, 0);
    ck_assert_int_eq(now->period.begin_ms, day->ends_ms - day_ms);
    ck_assert_uint_eq(now->identity, limit_identity(LIMIT_SCOPE_key, SPAN("aaaaaaaaaaa1"),
                                                    SPAN("d"), now->period.begin_ms));
    ck_assert_uint_eq(
        atomic_load(&segment_bucket(segment, day->buckets[1])->identity),
        limit_identity(LIMIT_SCOPE_key, SPAN("aaaaaaaaaaa1"), SPAN("d"), day->ends_ms));
    for (uint32_t i = 1; i < 3; i++) {
        const struct snapshot_budget *endless = budget_of(snapshot, key, i);

        ck_assert_int_eq(endless->ends_ms, INT64_MAX);
        ck_assert_uint_eq(endless->buckets[0], endless->buckets[1]);
    }
    ck_assert_int_eq(lasting.budgets.rows[3].period.begin_ms, -30 * day_ms);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(more_limits_than_a_scope_can_have_are_refused)
{
    static struct rate_text limits[9];
    static char windows[9][20];

    for (unsigned i = 0; i < ARRAY_LEN(limits); i++) {
        (void)snprintf(windows[i], sizeof(windows[i]), "5/%us", i + 1);
        limits[i].scope = SPAN("key:first");
        limits[i].of[LIMIT_UNIT_requests] = span_of_text(windows[i]);
    }
    rows.limits = limits;
    rows.limit_count = 9;
    ck_assert_ptr_null(freeze("mock: true\n"));
    ck_assert_msg(span_find(buffer_span(&why), SPAN("key:aaaaaaaaaaa1: there are too many")) !=
                      SIZE_MAX,
                  "%.*s", SPAN_ARG(buffer_span(&why)));
    rows.limit_count = 8;
    snapshot_unref(freeze("mock: true\n"));
}

END_TEST

START_TEST(a_full_table_of_counters_is_told_and_old_ones_are_taken)
{
    for (uint32_t i = 0; i < SEGMENT_BUCKETS; i++) {
        atomic_store(&segment_bucket(segment, i)->identity, UINT64_MAX - i);
        atomic_store(&segment_bucket(segment, i)->named, 3);
    }
    lasting.oldest = 3;
    ck_assert_ptr_null(freeze("rate_limits: [{scope: \"key:*\", concurrent: 1}]\n"));
    ck_assert(span_find(buffer_span(&why), SPAN("all counters are taken")) != SIZE_MAX);
    lasting.oldest = 4;
    snapshot_unref(freeze("rate_limits: [{scope: \"key:*\", concurrent: 1}]\n"));
    lasting.oldest = 0;
}

END_TEST

START_TEST(each_tag_that_is_named_has_the_limits_of_all_tags)
{
    struct snapshot *snapshot = freeze("rate_limits: [{scope: \"tag:*\", requests: 9/minute},"
                                       " {scope: \"tag:a\", concurrent: 1},"
                                       " {scope: \"tag:a\", requests: 1/hour}]\n");

    ck_assert_uint_eq(snapshot_find_tag(snapshot, SPAN("a"))->limits.count, 3);
    ck_assert_uint_eq(snapshot_page(snapshot)->tags.count, 1);
    snapshot_unref(snapshot);
}

END_TEST

START_TEST(the_same_model_at_two_places_is_measured_in_one_row)
{
    struct snapshot *snapshot = freeze(
        "models: [{name: a, targets: [{provider: mock, model: echo}]},"
        " {name: b, targets: [{provider: mock, model: x}, {provider: mock, model: echo}]}]\n");
    const struct snapshot_model *a = snapshot_find_model(snapshot, SPAN("a"));
    const struct snapshot_model *b = snapshot_find_model(snapshot, SPAN("b"));
    uint32_t echo = SNAPSHOT_ROW(snapshot, a->targets, 0, snapshot_target)->yield;

    ck_assert_uint_ne(echo, 0);
    ck_assert_uint_eq(SNAPSHOT_ROW(snapshot, b->targets, 1, snapshot_target)->yield, echo);
    ck_assert_uint_ne(SNAPSHOT_ROW(snapshot, b->targets, 0, snapshot_target)->yield, echo);
    snapshot_unref(snapshot);
}

END_TEST

static const struct span some[] = {{"a", 1}, {"b", 1}, {"c", 1}},
                         fewer[] = {{"b", 1}, {"d", 1}};

static const struct {
    const struct span *key, *team, *tenant;
    uint32_t key_count, team_count, tenant_count;
    bool any;
    uint32_t count;
} lists[] = {
    {NULL, NULL, NULL, 0, 0, 0, true, 0},   {some, NULL, NULL, 0, 0, 0, false, 0},
    {some, NULL, NULL, 3, 0, 0, false, 3},  {NULL, fewer, some, 0, 2, 3, false, 1},
    {some, NULL, fewer, 3, 0, 2, false, 1}, {some, some, some, 3, 3, 0, false, 0},
    {NULL, NULL, fewer, 0, 0, 2, false, 2},
};

START_TEST(a_model_is_allowed_when_every_list_that_is_there_has_it)
{
    struct configure_owner both[] = {{.kind = LIMIT_SCOPE_team,
                                      .id = 3,
                                      .tenant = 1,
                                      .name = SPAN("t"),
                                      .models = lists[_i].team,
                                      .model_count = lists[_i].team_count},
                                     {.kind = LIMIT_SCOPE_tenant,
                                      .id = 1,
                                      .name = SPAN("x"),
                                      .models = lists[_i].tenant,
                                      .model_count = lists[_i].tenant_count}};
    struct configure_key key = {.id = "aaaaaaaaaaa1",
                                .tenant = 1,
                                .team = 3,
                                .models = lists[_i].key,
                                .model_count = lists[_i].key_count};
    struct configure_rows before = rows;
    const struct snapshot_key *row;
    struct snapshot *snapshot;

    rows =
        (struct configure_rows){.keys = &key, .key_count = 1, .owners = both, .owner_count = 2};
    snapshot = freeze("mock: true\n");
    rows = before;
    row = snapshot_find_key(snapshot, SPAN("aaaaaaaaaaa1"));
    ck_assert_int_eq(row->models_any != 0, lists[_i].any);
    ck_assert_uint_eq(row->models.count, lists[_i].count);
    snapshot_unref(snapshot);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("scopes");
    TCase *tests = tcase_create("scopes");
    SRunner *runner;
    int failed;

    (void)clearenv();
    buffer_init(&why, 1 << 16);
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, each_kind_of_scope_gets_its_limits);
    tcase_add_test(tests, a_model_of_an_account_has_one_scope_whatever_models_lead_to_it);
    tcase_add_test(tests, keys_have_the_shares_of_their_nearest);
    tcase_add_test(tests, only_places_of_accounts_are_waited_for);
    tcase_add_test(tests, a_counter_belongs_to_the_same_limit_in_every_snapshot);
    tcase_add_test(tests, a_rule_for_one_stands_before_that_for_each);
    tcase_add_test(tests, rules_of_settings_and_store_both_count);
    tcase_add_test(tests, a_budget_has_a_counter_for_this_period_and_for_the_next);
    tcase_add_test(tests, more_limits_than_a_scope_can_have_are_refused);
    tcase_add_test(tests, a_full_table_of_counters_is_told_and_old_ones_are_taken);
    tcase_add_test(tests, each_tag_that_is_named_has_the_limits_of_all_tags);
    tcase_add_loop_test(tests, a_model_is_allowed_when_every_list_that_is_there_has_it, 0,
                        ARRAY_LEN(lists));
    tcase_add_test(tests, the_same_model_at_two_places_is_measured_in_one_row);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    buffer_done(&why);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
