#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/settings/settings.h"

#define TARGET  "{provider: mock, model: x}"
#define WEIGHED "{provider: mock, model: x, weight: 2}"
#define BEHIND  "{provider: mock, model: y, priority: 1}"

static struct buffer said;

static struct settings *parse(const char *text)
{
    buffer_init(&said, 10000);
    return settings_parse(span_of_text(text), "s.yaml", &said);
}

static const struct {
    const char *text, *expected;
} broken[] = {
    {"models:\n- {name: m, fallbacks: [n], targets: [" TARGET "]}\n",
     "s.yaml:2: models[0].fallbacks[0]: there is no model `n`; PROVIDER/MODEL names one of a "
     "provider\n"},
    {"models:\n- {name: m, content_fallbacks: [no/n], targets: [" TARGET "]}\n",
     "s.yaml:2: models[0].content_fallbacks[0]: there is no model `no/n`; PROVIDER/MODEL names "
     "one of a provider\n"},
    {"models:\n- {name: m, fallbacks: [m], targets: [" TARGET "]}\n",
     "s.yaml:2: models[0].fallbacks[0]: `m` leads back to itself\n"},
    {"models:\n- {name: m, context_fallbacks: [n], targets: [" TARGET "]}\n"
     "- {name: n, context_fallbacks: [mock/x, m], targets: [" TARGET "]}\n",
     "s.yaml:3: models[1].context_fallbacks[1]: `m` leads back to itself\n"},
    {"models:\n- name: m\n  targets:\n  - {provider: mock, model: x, weight: 2}\n"
     "  - {provider: mock, model: y}\n",
     "s.yaml:5: models[0].targets[1].weight: 0 beside targets with a weight; give it one, or a "
     "higher `priority`\n"},
    {"models: [{name: m, strategy: fastest, targets: [" TARGET "]}]\n",
     "s.yaml:1: models[0].strategy: `fastest` is none of weighted, round_robin, priority, "
     "least_busy, lowest_latency, lowest_cost, headroom\n"},
};

START_TEST(routes_that_lead_nowhere_are_refused_with_their_path)
{
    ck_assert_ptr_null(parse(broken[_i].text));
    (void)buffer_append_byte(&said, '\0');
    ck_assert_str_eq(said.ptr, broken[_i].expected);
    buffer_done(&said);
}

END_TEST

static const char *const fine[] = {
    "models:\n- {name: m, fallbacks: [n, mock/x], targets: [" TARGET "]}\n"
    "- {name: n, context_fallbacks: [m], targets: [" TARGET "]}\n",
    "models: [{name: m, targets: [" TARGET ", " TARGET "]}]\n",
    "models: [{name: m, targets: [" WEIGHED ", " BEHIND "]}]\n",
};

START_TEST(routes_that_lead_somewhere_are_taken)
{
    struct settings *settings = parse(fine[_i]);

    ck_assert_msg(settings != NULL, "%.*s", SPAN_ARG(buffer_span(&said)));
    settings_free(settings);
    buffer_done(&said);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("settings_routes");
    TCase *tests = tcase_create("settings_routes");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(tests, routes_that_lead_nowhere_are_refused_with_their_path, 0,
                        ARRAY_LEN(broken));
    tcase_add_loop_test(tests, routes_that_lead_somewhere_are_taken, 0, ARRAY_LEN(fine));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
