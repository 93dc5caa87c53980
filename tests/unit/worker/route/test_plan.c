#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/snapshot/snapshot_build.h"

#include "worker/route/plan.h"

enum key_row {
    KEY_ANY,
    KEY_FEW,
    KEY_COUNT
};

static const char *const providers[] = {"a", "b", "c", "waits"};

#define WAITS 3

/* The targets of each model: provider, weight, priority. */
static const struct model {
    const char *name;
    uint32_t total_ms, count;

    struct {
        uint32_t provider, weight, priority;
    } targets[20];
} models[] = {
    {"one", 0, 1, {{0, 1, 0}}},
    {"order", 5000, 3, {{0, 1, 7}, {1, 1, 0}, {2, 1, 3}}},
    {"weights", 0, 3, {{0, 3, 0}, {1, 1, 0}, {2, 0, 1}}},
    {"zero", 0, 3, {{2, 0, 0}, {1, 0, 0}, {0, 0, 0}}},
    {"none", 0, 0, {{0, 0, 0}}},
    {"waiting", 0, 1, {{WAITS, 1, 0}}},
    {"not-all-wait", 0, 3, {{WAITS, 9, 0}, {1, 1, 0}, {2, 1, 1}}},
    {"many", 0, 20, {{0, 1, 5}, {1, 1, 5}, {1, 1, 5}, {1, 1, 5}, {1, 1, 5},
                     {1, 1, 5}, {1, 1, 5}, {1, 1, 5}, {1, 1, 5}, {1, 1, 5},
                     {1, 1, 5}, {1, 1, 5}, {1, 1, 5}, {1, 1, 5}, {1, 1, 5},
                     {1, 1, 5}, {1, 1, 5}, {1, 1, 9}, {2, 1, 0}, {0, 1, 1}}},
    {"a/in-catalogue", 0, 1, {{1, 1, 0}}},
};

static struct snapshot *snapshot;
static struct segment *segment;
static struct arena arena;
static struct route_plan plan;

static struct snapshot_model model_of(struct snapshot_builder *builder,
                                      const struct model *from)
{
    struct snapshot_target targets[20];

    for (uint32_t i = 0; i < from->count; i++)
        targets[i] = (struct snapshot_target){
            .provider = from->targets[i].provider,
            .weight = from->targets[i].weight,
            .priority = from->targets[i].priority,
            .model = snapshot_build_text(builder, SPAN("there")),
            .model_json = snapshot_build_text(builder, SPAN("\"there\"")),
        };
    return (struct snapshot_model){
        .name = snapshot_build_text(builder, span_of_text(from->name)),
        .targets = SNAPSHOT_BUILD_ROWS(builder, targets, from->count),
        .total_ms = from->total_ms,
        .strict = strcmp(from->name, "zero") == 0,
    };
}

static void fill(struct snapshot_builder *builder, struct snapshot_header_page *page)
{
    struct snapshot_provider rows[ARRAY_LEN(providers)] = {{.port = 1}};
    struct snapshot_model model_rows[ARRAY_LEN(models)];
    struct snapshot_key keys[KEY_COUNT] = {{.id = "key-any", .models_any = 1},
                                           {.id = "key-few"}};
    struct snapshot_text few[2];

    for (unsigned i = 0; i < ARRAY_LEN(providers); i++)
        rows[i].name = snapshot_build_text(builder, span_of_text(providers[i]));
    rows[WAITS].waiting = 1;
    page->providers = SNAPSHOT_BUILD_ROWS(builder, rows, ARRAY_LEN(providers));
    for (unsigned i = 0; i < ARRAY_LEN(models); i++)
        model_rows[i] = model_of(builder, &models[i]);
    page->models = SNAPSHOT_BUILD_ROWS(builder, model_rows, ARRAY_LEN(models));
    few[0] = snapshot_build_text(builder, SPAN("one"));
    few[1] = snapshot_build_text(builder, SPAN("c/direct"));
    keys[KEY_FEW].models = SNAPSHOT_BUILD_ROWS(builder, few, 2);
    page->keys = SNAPSHOT_BUILD_ROWS(builder, keys, KEY_COUNT);
}

static void set_up(void)
{
    struct snapshot_header_page page = {.generation = 1, .times.total_ms = 777};
    struct snapshot_builder builder;
    struct buffer why _buffer_;
    int fd;

    buffer_init(&why, 1000);
    snapshot_build_init(&builder);
    fill(&builder, &page);
    fd = snapshot_build_seal(&builder, &page);
    snapshot_build_done(&builder);
    ck_assert_int_ge(fd, 0);
    snapshot = snapshot_attach(fd, &why);
    ck_assert_msg(snapshot != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    (void)close(fd);
    segment = segment_create(&fd);
    ck_assert_ptr_nonnull(segment);
    (void)close(fd);
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
    segment_detach(segment);
    snapshot_unref(snapshot);
}

static enum fault make(enum key_row key, struct span model, uint64_t random)
{
    struct caller caller = {
        .key = SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->keys, key, snapshot_key)};

    plan = (struct route_plan){.count = 0};
    return plan_make(&(struct plan_options){.snapshot = snapshot,
                                            .segment = segment,
                                            .caller = &caller,
                                            .model = model,
                                            .facts = {.random = random}},
                     &arena, &plan);
}

static char provider_at(unsigned index)
{
    ck_assert_uint_lt(index, plan.count);
    return providers[plan.targets[index].provider_index][0];
}

START_TEST(a_provider_that_waits_for_its_token_is_no_target)
{
    ck_assert_int_eq(make(KEY_ANY, SPAN("waiting"), 0), FAULT_no_target);
    ck_assert_int_eq(make(KEY_ANY, SPAN("waits/any-model"), 0), FAULT_no_target);
    for (uint64_t random = 0; random < 50; random++) {
        ck_assert_int_eq(make(KEY_ANY, SPAN("not-all-wait"), random * 0x9e3779b97f4a7c15ULL),
                         FAULT_NONE);
        ck_assert_uint_eq(plan.count, 2);
        ck_assert_int_eq(provider_at(0), 'b');
        ck_assert_int_eq(provider_at(1), 'c');
    }
}

END_TEST

START_TEST(lower_priorities_are_tried_first)
{
    for (uint64_t random = 0; random < 50; random++) {
        ck_assert_int_eq(make(KEY_ANY, SPAN("order"), random * 0x9e3779b97f4a7c15ULL),
                         FAULT_NONE);
        ck_assert_uint_eq(plan.count, 3);
        ck_assert_int_eq(provider_at(0), 'b');
        ck_assert_int_eq(provider_at(1), 'c');
        ck_assert_int_eq(provider_at(2), 'a');
        ck_assert_uint_eq(plan.total_ms, 5000);
    }
    ck_assert(span_eq(plan.targets[0].model, SPAN("there")));
    ck_assert(span_eq(plan.targets[0].model_json, SPAN("\"there\"")));
    ck_assert(span_eq(snapshot_span(snapshot, plan.targets[0].provider->name), SPAN("b")));
}

END_TEST

START_TEST(the_model_says_whether_it_is_strict)
{
    ck_assert_int_eq(make(KEY_ANY, SPAN("one"), 0), FAULT_NONE);
    ck_assert(!plan.strict);
    ck_assert_int_eq(make(KEY_ANY, SPAN("zero"), 0), FAULT_NONE);
    ck_assert(plan.strict);
    ck_assert_int_eq(make(KEY_ANY, SPAN("b/direct"), 0), FAULT_NONE);
    ck_assert(!plan.strict);
}

END_TEST

START_TEST(equal_priorities_are_spread_by_weight_and_none_is_left_out)
{
    unsigned first = 0;

    for (uint64_t random = 0; random < 4000; random++) {
        ck_assert_int_eq(make(KEY_ANY, SPAN("weights"), random), FAULT_NONE);
        ck_assert_uint_eq(plan.count, 3);
        ck_assert_int_eq(provider_at(0) + provider_at(1), 'a' + 'b');
        ck_assert_int_eq(provider_at(2), 'c');
        first += provider_at(0) == 'a';
    }
    ck_assert_uint_eq(first, 3000);
}

END_TEST

START_TEST(targets_without_weight_stay_in_the_order_of_the_settings)
{
    for (uint64_t random = 0; random < 50; random++) {
        ck_assert_int_eq(make(KEY_ANY, SPAN("zero"), random), FAULT_NONE);
        ck_assert_int_eq(provider_at(0), 'c');
        ck_assert_int_eq(provider_at(1), 'b');
        ck_assert_int_eq(provider_at(2), 'a');
    }
}

END_TEST

static const struct {
    enum key_row key;
    const char *model;
    enum fault fault;
    char provider;
    const char *there, *json;
} cases[] = {
    {KEY_ANY, "one", FAULT_NONE, 'a', "there", "\"there\""},
    {KEY_ANY, "a/in-catalogue", FAULT_NONE, 'b', "there", "\"there\""},
    {KEY_ANY, "b/any/name \"q\"", FAULT_NONE, 'b', "any/name \"q\"", "\"any/name \\\"q\\\"\""},
    {KEY_FEW, "one", FAULT_NONE, 'a', "there", "\"there\""},
    {KEY_FEW, "c/direct", FAULT_NONE, 'c', "direct", "\"direct\""},
    {KEY_ANY, "none", FAULT_no_target, 0, NULL, NULL},
    {KEY_ANY, "unknown", FAULT_model_not_found, 0, NULL, NULL},
    {KEY_ANY, "d/any", FAULT_model_not_found, 0, NULL, NULL},
    {KEY_ANY, "a/", FAULT_model_not_found, 0, NULL, NULL},
    {KEY_ANY, "/a", FAULT_model_not_found, 0, NULL, NULL},
    {KEY_ANY, "/", FAULT_model_not_found, 0, NULL, NULL},
    {KEY_FEW, "order", FAULT_model_not_found, 0, NULL, NULL},
    {KEY_FEW, "c/other", FAULT_model_not_found, 0, NULL, NULL},
};

START_TEST(a_name_leads_to_a_target_or_to_none)
{
    ck_assert_int_eq(make(cases[_i].key, span_of_text(cases[_i].model), 5), cases[_i].fault);
    if (cases[_i].fault)
        return;
    ck_assert_uint_eq(plan.count, 1);
    ck_assert_int_eq(provider_at(0), cases[_i].provider);
    ck_assert(span_eq(plan.targets[0].model, span_of_text(cases[_i].there)));
    ck_assert(span_eq(plan.targets[0].model_json, span_of_text(cases[_i].json)));
    ck_assert_uint_eq(plan.total_ms, 777);
}

END_TEST

START_TEST(of_more_targets_than_are_tried_the_last_by_priority_are_cut)
{
    ck_assert_int_eq(make(KEY_ANY, SPAN("many"), 0), FAULT_NONE);
    ck_assert_uint_eq(plan.count, PLAN_TARGETS_MAX);
    ck_assert_int_eq(provider_at(0), 'c');
    ck_assert_int_eq(provider_at(1), 'a');
    for (unsigned i = 3; i < plan.count; i++)
        ck_assert_int_eq(provider_at(i), 'b');
}

END_TEST

START_TEST(a_name_of_any_length_is_quoted_whole_or_refused)
{
    char name[1100] = "b/";

    memset(name + 2, '\1', sizeof(name) - 2); /* six bytes each as JSON */
    ck_assert_int_eq(make(KEY_ANY, span_of(name, 1024), 0), FAULT_NONE);
    ck_assert_uint_eq(plan.targets[0].model_json.len, 6 * 1022 + 2);
    ck_assert_int_eq(make(KEY_ANY, span_of(name, 1025), 0), FAULT_model_not_found);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_provider_that_waits_for_its_token_is_no_target);
    tcase_add_test(tests, lower_priorities_are_tried_first);
    tcase_add_test(tests, the_model_says_whether_it_is_strict);
    tcase_add_test(tests, equal_priorities_are_spread_by_weight_and_none_is_left_out);
    tcase_add_test(tests, targets_without_weight_stay_in_the_order_of_the_settings);
    tcase_add_loop_test(tests, a_name_leads_to_a_target_or_to_none, 0, ARRAY_LEN(cases));
    tcase_add_test(tests, of_more_targets_than_are_tried_the_last_by_priority_are_cut);
    tcase_add_test(tests, a_name_of_any_length_is_quoted_whole_or_refused);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
