#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "worker/meter/use.h"
#include "worker/translate/dialect.h"

#define NO TOKENS_UNKNOWN

/* The members by which each dialect counts prompt and answer. */
static const struct {
    enum dialect_id dialect;
    const char *input, *output;
} dialects[] = {
    {DIALECT_openai, "prompt_tokens", "completion_tokens"},
    {DIALECT_responses, "input_tokens", "output_tokens"},
    {DIALECT_anthropic, "input_tokens", "output_tokens"},
    {DIALECT_gemini, "promptTokenCount", "candidatesTokenCount"},
    {DIALECT_dashscope, "input_tokens", "output_tokens"},
    {DIALECT_ernie, "prompt_tokens", "completion_tokens"},
};

/* What no provider may say: the prompt is estimated then, never a credit. */
static const char *const bad[] = {"-1",
                                  "-9223372036854775808",
                                  "1.5",
                                  "1e9",
                                  "null",
                                  "true",
                                  "99999999999999999999",
                                  "900000000000",
                                  "[7]",
                                  "{}",
                                  "\"many\"",
                                  "\"-4\""};

START_TEST(a_bad_count_is_estimated_and_flagged)
{
    static const struct observed observed = {41, 42, 128000, true, true};

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct buffer text _buffer_;
        struct usage told;
        struct used used;

        buffer_init(&text, 1000);
        (void)buffer_append_format(&text, "{\"%s\":%s,\"%s\":7}", dialects[_i].input, bad[i],
                                   dialects[_i].output);
        usage_init(&told);
        dialect_row(dialects[_i].dialect)->read_usage(parsed_span(buffer_span(&text)), &told);
        use_settle(&told, &observed, &used);
        ck_assert_msg(used.usage.input == 41, "%s: %s", dialects[_i].input, bad[i]);
        ck_assert_uint_eq(used.usage.output, 7);
        ck_assert(used.estimated & ESTIMATED_input);
    }
}

END_TEST

static const struct {
    enum dialect_id dialect;
    const char *usage;
    uint64_t input, image_input, image_output;
    unsigned service;
} told[] = {
    {DIALECT_openai,
     "{\"prompt_tokens\":9,\"completion_tokens\":8,\"prompt_tokens_details\":{\"image_tokens\":5},"
     "\"completion_tokens_details\":{\"image_tokens\":6}}",
     9, 5, 6, 0},
    {DIALECT_responses,
     "{\"input_tokens\":9,\"output_tokens\":8,\"input_tokens_details\":{\"image_tokens\":5},"
     "\"output_tokens_details\":{\"image_tokens\":6}}",
     9, 5, 6, 0},
    {DIALECT_gemini,
     "{\"promptTokenCount\":9,\"candidatesTokenCount\":8,\"promptTokensDetails\":[{\"modality\":"
     "\"TEXT\",\"tokenCount\":4},{\"modality\":\"IMAGE\",\"tokenCount\":5}],"
     "\"candidatesTokensDetails\":[{\"modality\":\"IMAGE\",\"tokenCount\":6}]}",
     9, 5, 6, 0},
    {DIALECT_anthropic,
     "{\"input_tokens\":9,\"output_tokens\":8,\"service_tier\":\"priority\"}", 9, NO, NO,
     1 + PRICE_SERVICE_priority},
    {DIALECT_anthropic,
     "{\"input_tokens\":4,\"cache_read_input_tokens\":5,\"output_tokens\":8,\"service_tier\":"
     "\"batch\"}",
     9, NO, NO, 1 + PRICE_SERVICE_batch},
    {DIALECT_anthropic,
     "{\"input_tokens\":-4,\"cache_read_input_tokens\":5,\"output_tokens\":8}", NO, NO, NO, 0},
    {DIALECT_dashscope, "{\"input_tokens\":9,\"output_tokens\":8,\"image_tokens\":5}", 9, 5, NO,
     0},
};

START_TEST(details_are_read)
{
    struct usage usage;

    usage_init(&usage);
    dialect_row(told[_i].dialect)->read_usage(parsed(told[_i].usage), &usage);
    ck_assert_uint_eq(usage.input, told[_i].input);
    ck_assert_uint_eq(usage.output, 8);
    ck_assert_uint_eq(usage.image_input, told[_i].image_input);
    ck_assert_uint_eq(usage.image_output, told[_i].image_output);
    ck_assert_uint_eq(usage.service, told[_i].service);
}

END_TEST

static const struct {
    enum dialect_id dialect;
    const char *event, *data;
    unsigned service;
} records[] = {
    {DIALECT_openai, NULL,
     "{\"choices\":[],\"service_tier\":\"flex\",\"usage\":{\"prompt_tokens\":1}}",
     1 + PRICE_SERVICE_flex},
    {DIALECT_openai, NULL,
     "{\"choices\":[],\"service_tier\":\"default\",\"usage\":{\"prompt_tokens\":1}}",
     1 + PRICE_SERVICE_standard},
    {DIALECT_openai, NULL,
     "{\"choices\":[],\"service_tier\":7,\"usage\":{\"prompt_tokens\":1}}", 0},
    {DIALECT_responses, "response.completed",
     "{\"response\":{\"service_tier\":\"priority\",\"usage\":{\"input_tokens\":1}}}",
     1 + PRICE_SERVICE_priority},
    {DIALECT_anthropic, "message_start",
     "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1,\"service_tier\":"
     "\"priority\"}}}",
     1 + PRICE_SERVICE_priority},
};

START_TEST(a_stream_tells_how_it_was_served)
{
    struct stream_tap tap = {.finished = false};
    struct sse_record record = {.data = span_of_text(records[_i].data),
                                .event = span_of_text(records[_i].event),
                                .has_data = true};

    usage_init(&tap.usage);
    (void)dialect_row(records[_i].dialect)->tap_record(&tap, &record);
    ck_assert_uint_eq(tap.usage.input, 1);
    ck_assert_uint_eq(tap.usage.service, records[_i].service);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("told");
    TCase *tests = tcase_create("told");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(tests, a_bad_count_is_estimated_and_flagged, 0, ARRAY_LEN(dialects));
    tcase_add_loop_test(tests, details_are_read, 0, ARRAY_LEN(told));
    tcase_add_loop_test(tests, a_stream_tells_how_it_was_served, 0, ARRAY_LEN(records));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
