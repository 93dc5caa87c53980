#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/settings/capability.h"

#include "supervisor/configure/configure.h"

#define ACCOUNTS                                   \
    "environment: false\n"                         \
    "providers:\n"                                 \
    "  - {name: o, kind: openai, api_key: k}\n"    \
    "  - {name: o2, kind: openai, api_key: k}\n"   \
    "  - {name: a, kind: anthropic, api_key: k}\n" \
    "  - {name: own, kind: vllm, models: [something, other]}\n"

static struct configure_lasting lasting;
static struct snapshot *snapshot;

static const struct snapshot_model *freeze(const char *model)
{
    static const struct configure_rows rows;
    struct settings *settings;
    struct buffer text _buffer_, why _buffer_;
    int fd;

    buffer_init(&text, 4096);
    buffer_init(&why, 4096);
    (void)buffer_append_format(&text, ACCOUNTS "models: [{name: any, %s}]\n", model);
    settings = settings_parse(buffer_span(&text), "s.yaml", &why);
    ck_assert_msg(settings != NULL, "%.*s", SPAN_ARG(buffer_span(&why)));
    fd = configure_snapshot(settings, &rows, &lasting, 7, &why);
    settings_free(settings);
    ck_assert_msg(fd >= 0, "%.*s", SPAN_ARG(buffer_span(&why)));
    snapshot = snapshot_attach(fd, &why);
    (void)close(fd);
    return snapshot_find_model(snapshot, SPAN("any"));
}

static void end(void)
{
    if (snapshot)
        snapshot_unref(snapshot);
    snapshot = NULL;
    configure_lasting_done(&lasting);
}

static const struct snapshot_target *target(const struct snapshot_model *model, uint32_t index)
{
    return SNAPSHOT_ROW(snapshot, model->targets, index, snapshot_target);
}

static struct span account_of(const struct snapshot_model *model, uint32_t index)
{
    const struct snapshot_provider *provider =
        SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->providers,
                     target(model, index)->provider, snapshot_provider);

    return snapshot_span(snapshot, provider->name);
}

static uint64_t price_of(const struct snapshot_target *row)
{
    const struct snapshot_price *price = snapshot_price(snapshot, row->price);
    const struct price_sheet *sheet =
        price ? SNAPSHOT_ROW(snapshot, price->sheets, 0, price_sheet) : NULL;

    return sheet ? sheet->rates[PRICE_input] + sheet->rates[PRICE_output] : UINT64_MAX;
}

START_TEST(models_that_can_what_is_asked_are_there_at_each_account)
{
    const uint32_t needs = CAPABILITY_tools | CAPABILITY_vision | CAPABILITY_reasoning;
    const struct snapshot_model *model =
        freeze("auto: {needs: [tools, vision, reasoning], context: 150000}");
    unsigned of_o = 0, of_o2 = 0, of_a = 0;

    ck_assert_uint_gt(model->targets.count, 5);
    ck_assert_uint_eq(model->strategy, ROUTE_lowest_cost);
    for (uint32_t i = 0; i < model->targets.count; i++) {
        const struct snapshot_target *row = target(model, i);

        ck_assert_uint_eq(row->capabilities & needs, needs);
        ck_assert_uint_ge(row->context, 150000);
        ck_assert(!span_eq(account_of(model, i), SPAN("mock")));
        ck_assert(i == 0 || price_of(row) >= price_of(target(model, i - 1)));
        of_o += span_eq(account_of(model, i), SPAN("o"));
        of_o2 += span_eq(account_of(model, i), SPAN("o2"));
        of_a += span_eq(account_of(model, i), SPAN("a"));
    }
    ck_assert_uint_eq(of_o, of_o2);
    ck_assert_uint_gt(of_o, 0);
    ck_assert_uint_gt(of_a, 0);
}

END_TEST

START_TEST(vectors_are_no_choice_and_the_model_promises_the_most)
{
    const struct snapshot_model *model = freeze("auto: {providers: [o]}");
    uint32_t context = 0, all = 0;

    for (uint32_t i = 0; i < model->targets.count; i++) {
        ck_assert(!(target(model, i)->capabilities & CAPABILITY_embeddings));
        ck_assert(span_eq(account_of(model, i), SPAN("o")));
        all |= target(model, i)->capabilities;
        context = target(model, i)->context > context ? target(model, i)->context : context;
    }
    ck_assert_uint_gt(context, 0);
    ck_assert_uint_eq(model->context, context);
    ck_assert_uint_eq(model->capabilities, all);
    ck_assert_uint_eq(model->listed, 1);
}

END_TEST

START_TEST(names_and_a_strategy_can_be_said)
{
    const struct snapshot_model *model =
        freeze("strategy: headroom, auto: {models: [\"gpt-5*\", claude-haiku-4-5]}");

    ck_assert_uint_gt(model->targets.count, 2);
    ck_assert_uint_eq(model->strategy, ROUTE_headroom);
    for (uint32_t i = 0; i < model->targets.count; i++) {
        struct span name = snapshot_span(snapshot, target(model, i)->model);

        ck_assert(span_starts(name, SPAN("gpt-5")) || span_eq(name, SPAN("claude-haiku-4-5")));
    }
}

END_TEST

START_TEST(what_nothing_fits_leads_nowhere_and_is_not_listed)
{
    const struct snapshot_model *model = freeze("auto: {models: [no-such-thing]}");

    ck_assert_ptr_nonnull(model);
    ck_assert_uint_eq(model->targets.count, 0);
    ck_assert_uint_eq(model->listed, 0);
}

END_TEST

static const struct {
    const char *model, *said;
} broken[] = {
    {"auto: {}, targets: [{provider: o, model: x}]",
     "s.yaml:1: models[0].auto: stands beside `targets`\n"},
    {"auto: {providers: [none]}",
     "s.yaml:1: models[0].auto.providers[0]: there is no provider `none`\n"},
    {"auto: {needs: [tools, flying]}",
     "s.yaml:1: models[0].auto.needs[1]: `flying` is none of tools, vision, audio, documents, "
     "reasoning, json_schema\n"},
    {"auto: {needs: [embeddings]}",
     "s.yaml:1: models[0].auto.needs[0]: `embeddings` is none of tools, vision, audio, "
     "documents, reasoning, json_schema\n"},
    {"listed: false", "s.yaml:1: models[0]: `targets` is missing, and so is `auto`\n"},
};

START_TEST(what_is_wrong_is_told_with_its_line)
{
    struct buffer text _buffer_, why _buffer_;

    buffer_init(&text, 4096);
    buffer_init(&why, 4096);
    (void)buffer_append_format(
        &text,
        "{providers: [{name: o, kind: openai, api_key: k}], models: [{name: any, %s}]}\n",
        broken[_i].model);
    ck_assert_ptr_null(settings_parse(buffer_span(&text), "s.yaml", &why));
    ck_assert_msg(span_eq(buffer_span(&why), span_of_text(broken[_i].said)), "%.*s",
                  SPAN_ARG(buffer_span(&why)));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("choices");
    TCase *tests = tcase_create("choices");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, NULL, end);
    tcase_add_test(tests, models_that_can_what_is_asked_are_there_at_each_account);
    tcase_add_test(tests, vectors_are_no_choice_and_the_model_promises_the_most);
    tcase_add_test(tests, names_and_a_strategy_can_be_said);
    tcase_add_test(tests, what_nothing_fits_leads_nowhere_and_is_not_listed);
    tcase_add_loop_test(tests, what_is_wrong_is_told_with_its_line, 0, (int)ARRAY_LEN(broken));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
