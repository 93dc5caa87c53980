#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"

#include "worker/translate/dialect.h"
#include "worker/translate/forward.h"

#define NAMED "\"there\\\"s\"" /* the target's model name, as JSON */
#define WISH  "\"stream_options\":{\"include_usage\":true},"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

/* What goes out for BODY. */
static void forwarded(const char *body, bool add_usage, struct buffer *out, bool *ret_hides)
{
    struct refusal refusal = {.param = NULL};
    struct ask ask = {.stream = false};
    struct forward_body made;

    ck_assert_int_eq(
        ask_read(span_of_text(body), OPERATION_KIND_CHAT, SPAN_NONE, &arena, &ask, &refusal),
        FAULT_NONE);
    forward_make(&ask, SPAN(NAMED), add_usage, &made);
    for (unsigned i = 0; i < made.count; i++) {
        ck_assert_uint_gt(made.pieces[i].len, 0);
        ck_assert(buffer_append(out, made.pieces[i]));
    }
    *ret_hides = made.hides_usage;
}

static const struct {
    const char *in, *out;
    bool hides;
} rows[] = {
    /* only the model's name */
    {.in = "{\"model\":\"m\"}", "{\"model\":" NAMED "}"},
    {.in = " \n{ \"model\" :\t\"m\" , \"n\":1}\r\n",
     " \n{ \"model\" :\t" NAMED " , \"n\":1}\r\n"},
    {.in = "{\"a\":[1,{\"model\":\"x\"}],\"model\":\"m\",\"z\":null}",
     "{\"a\":[1,{\"model\":\"x\"}],\"model\":" NAMED ",\"z\":null}"},
    {.in = "{\"mo\\u0064el\":\"\\u006d\"}", "{\"mo\\u0064el\":" NAMED "}"},
    {.in = "{\"model\":\"m\",\"t\":1.0,\"e\":1e400,\"h\":-0,\"big\":12345678901234567890123}",
     "{\"model\":" NAMED ",\"t\":1.0,\"e\":1e400,\"h\":-0,\"big\":12345678901234567890123}"},
    {.in = "{\"model\":\"m\",\"u\":\"\\u00e9\\/\\ud800 \xc3\xa9\",\"u\":2}",
     "{\"model\":" NAMED ",\"u\":\"\\u00e9\\/\\ud800 \xc3\xa9\",\"u\":2}"},
    {.in = "{\"model\":\"m\",\"stream\":false,\"stream_options\":null}",
     "{\"model\":" NAMED ",\"stream\":false,\"stream_options\":null}"},
    {.in = "{\"model\":\"m\",\"stream\":null}", "{\"model\":" NAMED ",\"stream\":null}"},
    /* a stream that asks for usage by itself */
    {.in = "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
     "{\"model\":" NAMED ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}"},
    {.in =
         "{\"stream_options\":{\"include_us\\u0061ge\":true},\"stream\":true,\"model\":\"m\"}",
     "{\"stream_options\":{\"include_us\\u0061ge\":true},\"stream\":true,\"model\":" NAMED "}"},
    /* a stream that does not */
    {.in = "{\"model\":\"m\",\"stream\":true}",
     "{" WISH "\"model\":" NAMED ",\"stream\":true}",
     true},
    {.in = "{ \"stream\" : true, \"model\":\"m\" }",
     "{" WISH " \"stream\" : true, \"model\":" NAMED " }",
     true},
    {.in = "{\"model\":\"m\",\"stream\":true,\"stream_options\":null,\"n\":1}",
     "{\"model\":" NAMED
     ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"n\":1}",
     true},
    {.in = "{\"stream_options\": null ,\"model\":\"m\",\"stream\":true}",
     "{\"stream_options\": {\"include_usage\":true} ,\"model\":" NAMED ",\"stream\":true}",
     true},
    {.in = "{\"model\":\"m\",\"stream\":true,\"stream_options\":{}}",
     "{\"model\":" NAMED ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
     true},
    {.in = "{\"stream_options\":{ \n},\"model\":\"m\",\"stream\":true}",
     "{\"stream_options\":{\"include_usage\":true \n},\"model\":" NAMED ",\"stream\":true}",
     true},
    {.in = "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":false}}",
     "{\"model\":" NAMED ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
     true},
    {.in = "{\"stream_options\":{\"x\":1,\"include_usage\" : false , \"y\":2},\"model\":\"m\","
           "\"stream\":true}",
     "{\"stream_options\":{\"x\":1,\"include_usage\" : true , \"y\":2},\"model\":" NAMED ","
     "\"stream\":true}",
     true},
    {.in =
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_us\\u0061ge\":null}}",
     "{\"model\":" NAMED ",\"stream\":true,\"stream_options\":{\"include_us\\u0061ge\":true}}",
     true},
    {.in =
         "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_obfuscation\":false}}",
     "{\"model\":" NAMED ",\"stream\":true,\"stream_options\":{\"include_usage\":true,"
     "\"include_obfuscation\":false}}",
     true},
    {.in = "{\"stream_\\u006fptions\":{\"a\":{\"include_usage\":true}},\"model\":\"m\","
           "\"stre\\u0061m\":true}",
     "{\"stream_\\u006fptions\":{\"include_usage\":true,\"a\":{\"include_usage\":true}},"
     "\"model\":" NAMED ",\"stre\\u0061m\":true}",
     true},
};

START_TEST(only_the_needed_bytes_change)
{
    struct buffer out _buffer_;
    bool hides;

    buffer_init(&out, 10000);
    forwarded(rows[_i].in, true, &out, &hides);
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(rows[_i].out)), "%s\n gave %.*s",
                  rows[_i].in, SPAN_ARG(buffer_span(&out)));
    ck_assert_int_eq(hides, rows[_i].hides);
}

END_TEST

START_TEST(nothing_is_asked_for_where_usage_is_not_wanted)
{
    struct buffer out _buffer_;
    bool hides;

    buffer_init(&out, 10000);
    forwarded("{\"model\":\"m\",\"stream\":true}", false, &out, &hides);
    ck_assert(span_eq(buffer_span(&out), SPAN("{\"model\":" NAMED ",\"stream\":true}")));
    ck_assert(!hides);
}

END_TEST

/* The next target gets the client's bytes, not what went to the first. */
START_TEST(it_can_be_made_again_for_another_target)
{
    struct refusal refusal = {.param = NULL};
    struct ask ask = {.stream = false};
    struct forward_body made;
    struct span body = SPAN("{\"model\":\"m\",\"stream\":true}");

    ck_assert_int_eq(ask_read(body, OPERATION_KIND_CHAT, SPAN_NONE, &arena, &ask, &refusal),
                     FAULT_NONE);
    forward_make(&ask, SPAN("\"first\""), true, &made);
    forward_make(&ask, SPAN("\"second\""), true, &made);
    ck_assert_uint_eq(made.count, 5);
    ck_assert(span_eq(made.pieces[3], SPAN("\"second\"")));
    ck_assert(span_eq(made.pieces[4], SPAN(",\"stream\":true}")));
}

END_TEST

/* Gemini's address names the model; its bodies may, and then it has to be the same. */
START_TEST(names_inside_are_those_of_the_address)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"{\"content\":{\"model\":\"x\"}}", "{\"content\":{\"model\":\"x\"}}"},
        {"{\"model\" : \"models/alias\",\"n\":1}", "{\"model\" : \"models/there\",\"n\":1}"},
        {"{\"requests\":[{\"model\":\"a\",\"content\":{}},{\"content\":{}},{\"x\":[],\"model\":"
         "\"b\"}]}",
         "{\"requests\":[{\"model\":\"models/there\",\"content\":{}},{\"content\":{}},{\"x\":[],"
         "\"model\":\"models/there\"}]}"},
        {"{\"generateContentRequest\":{\"contents\":[],\"model\":\"models/a\"}}",
         "{\"generateContentRequest\":{\"contents\":[],\"model\":\"models/there\"}}"},
        {"{\"model\":7,\"requests\":{},\"generateContentRequest\":[]}",
         "{\"model\":7,\"requests\":{},\"generateContentRequest\":[]}"},
    };

    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct span body = span_of_text(cases[i].in);
        struct span made = forward_named_inside(body, SPAN("there"), &arena);

        ck_assert_msg(span_eq(made, span_of_text(cases[i].out)), "%.*s", SPAN_ARG(made));
        ck_assert(span_eq(forward_named_inside(body, SPAN("models/there"), &arena), made));
    }
}

END_TEST

static bool passes(const struct span *names, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (span_eq(names[i], span_of_text(name)))
            return true;
    return false;
}

START_TEST(no_credential_or_framing_header_passes)
{
    static const char *const never[] = {
        "authorization",  "api-key",           "x-api-key",  "cookie", "set-cookie",
        "content-length", "transfer-encoding", "connection", "host",   "openai-organization"};
    const struct dialect *dialect = dialect_row(DIALECT_openai);

    ck_assert(span_eq(dialect->name, SPAN("openai")));
    for (unsigned i = 0; i < ARRAY_LEN(never); i++) {
        ck_assert(!passes(dialect->request_headers, dialect->request_header_count, never[i]));
        ck_assert(!passes(dialect->answer_headers, dialect->answer_header_count, never[i]));
    }
    ck_assert(passes(dialect->answer_headers, dialect->answer_header_count, "retry-after"));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("forward");
    TCase *tests = tcase_create("forward");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, only_the_needed_bytes_change, 0, ARRAY_LEN(rows));
    tcase_add_test(tests, nothing_is_asked_for_where_usage_is_not_wanted);
    tcase_add_test(tests, it_can_be_made_again_for_another_target);
    tcase_add_test(tests, names_inside_are_those_of_the_address);
    tcase_add_test(tests, no_credential_or_framing_header_passes);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
