#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/parse/ask.h"

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
    const char *body, *model;
    bool stream, wants_usage;
} good[] = {
    {.body = "{\"model\":\"m\"}", "m"},
    {.body = "{\"model\":\"a\\u0062\\/\\u00e9\\\"\"}", "ab/\xc3\xa9\""},
    {.body = "{\"model\":\"m\",\"stream\":true}", "m", .stream = true},
    {.body = "{\"model\":\"m\",\"stream\":false}", "m"},
    {.body = "{\"model\":\"m\",\"stream\":null}", "m"},
    {.body = "{\"model\":\"m\",\"stream_options\":null}", "m"},
    {.body = "{\"model\":\"m\",\"stream_options\":{}}", "m"},
    {.body = "{\"model\":\"m\",\"stream_options\":{\"include_usage\":false}}", "m"},
    {.body = "{\"model\":\"m\",\"stream_options\":{\"include_usage\":1}}", "m"},
    {.body = "{\"stream_options\":{\"include_usage\":true},\"stream\":true,\"model\":\"m\"}",
     "m",
     .stream = true,
     .wants_usage = true},
    {.body =
         "{\"x\":{\"stream\":true,\"model\":\"no\"},\"model\":\"yes\",\"y\":[{\"model\":1}]}",
     "yes"},
};

START_TEST(what_a_body_asks_for_is_read)
{
    struct span body = span_of_text(good[_i].body);
    struct refusal refusal = {.param = NULL};
    struct ask ask = {.stream = false};

    ck_assert_int_eq(ask_read(body, OPERATION_KIND_CHAT, SPAN_NONE, &arena, &ask, &refusal),
                     FAULT_NONE);
    ck_assert(span_eq(ask.model, span_of_text(good[_i].model)));
    ck_assert_int_eq(ask.stream, good[_i].stream);
    ck_assert_int_eq(ask.wants_usage, good[_i].wants_usage);
    ck_assert_ptr_eq(ask.body.ptr, body.ptr);
    ck_assert_int_eq(body.ptr[ask.open_offset - 1], '{');
    ck_assert_ptr_null(refusal.message.ptr);
    ck_assert_ptr_null(refusal.param);
}

END_TEST

static const struct {
    const char *body;
    enum fault fault;
    const char *param, *part; /* of the message */
} refused[] = {
    {"", FAULT_bad_json, NULL, "offset 0"},
    {"null", FAULT_bad_json, NULL, "offset 0"},
    {"[{\"model\":\"m\"}]", FAULT_bad_json, NULL, "offset 0"},
    {"{\"model\":\"m\"", FAULT_bad_json, NULL, "offset 12"},
    {"{\"model\":\"m\",}", FAULT_bad_json, NULL, "offset 13"},
    {"{\"model\":\"m\"} x", FAULT_bad_json, NULL, "offset 14"},
    {"{\"model\":\"m\",\"n\":01}", FAULT_bad_json, NULL, "offset"},
    {"{\"model\":\"m\",\"n\":NaN}", FAULT_bad_json, NULL, "offset"},
    {"{\"model\":\"\xff\"}", FAULT_bad_json, NULL, "offset"},
    {"{\"model\":\"m\",\"model\":\"n\"}", FAULT_bad_json, NULL, "offset"},
    {"{\"stream\":true,\"model\":\"m\",\"str\\u0065am\":false}", FAULT_bad_json, NULL,
     "offset"},
    {"{}", FAULT_bad_request, "model", "missing"},
    {"{\"Model\":\"m\"}", FAULT_bad_request, "model", "missing"},
    {"{\"model\":null}", FAULT_bad_request, "model", "string"},
    {"{\"model\":7}", FAULT_bad_request, "model", "string"},
    {"{\"model\":[\"m\"]}", FAULT_bad_request, "model", "string"},
    {"{\"model\":\"\"}", FAULT_bad_request, "model", "empty"},
    {"{\"model\":\"m\",\"stream\":\"true\"}", FAULT_bad_request, "stream", "true or false"},
    {"{\"model\":\"m\",\"stream\":1}", FAULT_bad_request, "stream", "true or false"},
    {"{\"model\":\"m\",\"stream_options\":true}", FAULT_bad_request, "stream_options",
     "object"},
    {"{\"model\":\"m\",\"stream_options\":[]}", FAULT_bad_request, "stream_options", "object"},
};

START_TEST(a_body_that_cannot_be_meant_is_refused_in_words)
{
    struct refusal refusal = {.param = NULL};
    struct ask ask = {.stream = false};

    ck_assert_int_eq(ask_read(span_of_text(refused[_i].body), OPERATION_KIND_CHAT, SPAN_NONE,
                              &arena, &ask, &refusal),
                     refused[_i].fault);
    ck_assert_msg(span_find(refusal.message, span_of_text(refused[_i].part)) != SIZE_MAX,
                  "'%.*s' for %s", SPAN_ARG(refusal.message), refused[_i].body);
    ck_assert_pstr_eq(refusal.param, refused[_i].param);
}

END_TEST

START_TEST(a_body_that_is_too_deep_is_refused)
{
    struct refusal refusal = {.param = NULL};
    struct ask ask = {.stream = false};
    static char body[2 * JSON_DEPTH_LIMIT + 40] = "{\"model\":\"m\",\"deep\":";
    size_t at = strlen(body);

    /* Well-formed but for its depth. */
    memset(body + at, '[', JSON_DEPTH_LIMIT + 1);
    memset(body + at + JSON_DEPTH_LIMIT + 1, ']', JSON_DEPTH_LIMIT + 1);
    body[at + 2 * JSON_DEPTH_LIMIT + 2] = '}';
    ck_assert_int_eq(
        ask_read(span_of_text(body), OPERATION_KIND_CHAT, SPAN_NONE, &arena, &ask, &refusal),
        FAULT_bad_json);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("ask");
    TCase *tests = tcase_create("ask");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, what_a_body_asks_for_is_read, 0, ARRAY_LEN(good));
    tcase_add_loop_test(tests, a_body_that_cannot_be_meant_is_refused_in_words, 0,
                        ARRAY_LEN(refused));
    tcase_add_test(tests, a_body_that_is_too_deep_is_refused);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
