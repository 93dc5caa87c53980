#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/call.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

static const struct {
    const char *name;
    const char *arguments; /* NULL: not there */
    const char *input;     /* an object, or NULL */
    bool custom;
    const char *as_text, *as_object, *as_free_text; /* the last NULL: none */
    bool unusable;
} rows[] = {
    {"a string", "{\\\"a\\\": 1}", NULL, false, "{\\\"a\\\": 1}", "{\"a\": 1}", NULL, false},
    {"an object", NULL, "{\"a\": \"b\"}", false, "{\\\"a\\\": \\\"b\\\"}", "{\"a\": \"b\"}",
     NULL, false},
    {"nothing", NULL, NULL, false, "{}", "{}", NULL, false},
    {"an empty string", "", NULL, false, "{}", "{}", NULL, false},
    {"the word null", "null", NULL, false, "null", "{}", NULL, false},
    {"broken JSON", "{\\\"a\\\":1", NULL, false, "{\\\"a\\\":1", "{\"_raw\":\"{\\\"a\\\":1\"}",
     NULL, true},
    {"no object", "[1,2]", NULL, false, "[1,2]", "{\"_raw\":\"[1,2]\"}", NULL, true},
    {"free text", "SELECT \\\"x\\\"", NULL, true,
     "{\\\"input\\\":\\\"SELECT \\\\\\\"x\\\\\\\"\\\"}", "{\"input\":\"SELECT \\\"x\\\"\"}",
     "SELECT \\\"x\\\"", false},
    {"free text in an object", NULL, "{\"input\":\"SELECT 1\"}", false,
     "{\\\"input\\\":\\\"SELECT 1\\\"}", "{\"input\":\"SELECT 1\"}", "SELECT 1", false},
    {"free text in a string", "{\\\"input\\\":\\\"a\\\\nb\\\"}", NULL, false,
     "{\\\"input\\\":\\\"a\\\\nb\\\"}", "{\"input\":\"a\\nb\"}", "a\\nb", false},
};

START_TEST(is_spelled_in_both_ways)
{
    struct block call = {.kind = BLOCK_tool_call, .custom = rows[_i].custom};
    struct text text;
    struct span object;

    if (rows[_i].arguments)
        call.arguments =
            (struct text){rows[_i].arguments, span_of_text(rows[_i].arguments).len};
    if (rows[_i].input)
        call.input = (struct json_value){JSON_OBJECT, span_of_text(rows[_i].input)};
    text = call_arguments(&call, &arena);
    ck_assert_msg(span_eq(span_of(text.ptr, text.len), span_of_text(rows[_i].as_text)),
                  "%s: %.*s", rows[_i].name, SPAN_ARG(text));
    ck_assert(call_input(&call, &arena, &object) == !rows[_i].unusable);
    ck_assert_msg(span_eq(object, span_of_text(rows[_i].as_object)), "%s: %.*s", rows[_i].name,
                  SPAN_ARG(object));
    text = call_custom_input(&call, &arena);
    ck_assert((text.ptr != NULL) == (rows[_i].as_free_text != NULL));
    ck_assert_msg(span_eq(span_of(text.ptr, text.len), span_of_text(rows[_i].as_free_text)),
                  "%s: %.*s", rows[_i].name, SPAN_ARG(text));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("call");
    TCase *tests = tcase_create("call");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, is_spelled_in_both_ways, 0, ARRAY_LEN(rows));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
