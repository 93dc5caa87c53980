#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/dialect.h"

static struct arena arena;
static struct buffer out;

static void set_up(void)
{
    arena_init(&arena, 0);
    buffer_init(&out, 1 << 16);
}

static void tear_down(void)
{
    buffer_done(&out);
    arena_done(&arena);
}

#define TEXT_OF(choice, more) "data: {\"id\":\"c\",\"choices\":[" choice "]" more "}\n\n"
#define WORD_OF(more)         TEXT_OF("{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}", more)
#define END_OF(more)          TEXT_OF("{\"delta\":{},\"finish_reason\":\"stop\"}", more)
#define NULL_USAGE            ",\"usage\":null"
#define USAGE                 ",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}"
#define DONE                  "data: [DONE]\n\n"

static const struct {
    const char *name;
    enum usage_wish wish;
    const char *in, *out;
} streams[] = {
    {"as it comes", USAGE_AS_IT_COMES, WORD_OF(NULL_USAGE) END_OF(USAGE) DONE,
     WORD_OF(NULL_USAGE) END_OF(USAGE) DONE},
    {"who did not ask sees neither null nor counts", USAGE_HIDDEN,
     WORD_OF(NULL_USAGE) END_OF(USAGE) DONE, WORD_OF("") END_OF("") DONE},
    {"nor where they are nested, first, alone or spaced", USAGE_HIDDEN,
     "data: {\"usage\": null , \"a\":1}\n\ndata: {\"x\":{\"usage\":{\"a\":{}}},\"b\":[]}\n\ndata: "
     "{\"usage\":null}\n\n",
     "data: {\"a\":1}\n\ndata: {\"x\":{},\"b\":[]}\n\ndata: {}\n\n"},
    {"words that look like it stay", USAGE_HIDDEN,
     "data: {\"a\":\"\\\"usage\\\":null\",\"b\":[\"usage\",null],\"usage\":7}\n\n",
     "data: {\"a\":\"\\\"usage\\\":null\",\"b\":[\"usage\",null],\"usage\":7}\n\n"},
    {"braces in strings end nothing", USAGE_HIDDEN,
     "data: {\"usage\":{\"a\":\"}\\\"}\"},\"b\":1}\n\n", "data: {\"b\":1}\n\n"},
    {"a record of several lines passes", USAGE_HIDDEN,
     "data: {\"a\":1,\ndata: \"usage\":null}\n\n",
     "data: {\"a\":1,\ndata: \"usage\":null}\n\n"},
    {"who asked finds it apart before the end", USAGE_APART,
     WORD_OF(NULL_USAGE) END_OF(USAGE) ": ping\n\n" DONE,
     WORD_OF(NULL_USAGE) END_OF(NULL_USAGE) ": ping\n\n" TEXT_OF("", USAGE) DONE},
    {"once, when the provider has it apart too", USAGE_APART,
     END_OF(USAGE) TEXT_OF("", USAGE) DONE, END_OF(NULL_USAGE) TEXT_OF("", USAGE) DONE},
    {"what has it apart passes", USAGE_APART, END_OF(NULL_USAGE) TEXT_OF("", USAGE) DONE,
     END_OF(NULL_USAGE) TEXT_OF("", USAGE) DONE},
    {"counts on the way stay: they are a vendor's", USAGE_APART, WORD_OF(USAGE) DONE,
     WORD_OF(USAGE) DONE},
};

static void pass(struct span bytes, enum usage_wish wish)
{
    struct stream_tap tap = {.wish = (uint8_t)wish};
    struct sse_framer framer;
    struct sse_record record;
    struct passing passing;

    usage_init(&tap.usage);
    sse_init(&framer, 1 << 16);
    while (sse_next(&framer, &bytes, &record) == SSE_RECORD) {
        if (record.has_data)
            (void)dialect_openai.tap_record(&tap, &record);
        if (!record.has_data || !dialect_openai.pass_record(&tap, &record, &arena, &passing))
            passing = (struct passing){.pieces = {record.raw}, .count = 1};
        for (unsigned i = 0; i < passing.count; i++)
            ck_assert(buffer_append(&out, passing.pieces[i]));
    }
    sse_done(&framer);
}

START_TEST(usage_shows_as_the_client_asked)
{
    pass(span_of_text(streams[_i].in), streams[_i].wish);
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(streams[_i].out)),
                  "%s:\n%.*s\nis not\n%s", streams[_i].name, SPAN_ARG(buffer_span(&out)),
                  streams[_i].out);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/openai");
    TCase *tests = tcase_create("passing");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, usage_shows_as_the_client_asked, 0, ARRAY_LEN(streams));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
