#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "worker/translate/dialect.h"
#include "worker/translate/embeddings.h"

static struct arena arena;
static struct translation translation;
static struct buffer out;
static struct json_writer json;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1);
    translation.target.model = SPAN("e-1");
    buffer_init(&out, 1 << 20);
    json_write_init(&json, &out);
}

static void tear_down(void)
{
    buffer_done(&out);
    arena_done(&arena);
}

static void is_out(const char *name, const char *expected)
{
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(expected)), "%s:\n%.*s\nis not\n%s",
                  name, SPAN_ARG(buffer_span(&out)), expected);
}

static const struct {
    const char *name;
    enum dialect_id client, provider;
    bool batch;
    const char *in, *out, *dropped;
} asks[] = {
    {"one text for Gemini", DIALECT_openai, DIALECT_gemini, false,
     "{\"model\":\"x\",\"input\":\"a\\nb\",\"dimensions\":256,\"user\":\"u\"}",
     "{\"requests\":[{\"model\":\"models/e-1\",\"content\":{\"parts\":[{\"text\":\"a\\nb\"}]},"
     "\"outputDimensionality\":256}]}",
     "user"},
    {"several texts for Gemini", DIALECT_openai, DIALECT_gemini, false,
     "{\"input\":[\"a\",\"b\"],\"encoding_format\":\"base64\"}",
     "{\"requests\":[{\"model\":\"models/e-1\",\"content\":{\"parts\":[{\"text\":\"a\"}]}},{"
     "\"model\":\"models/e-1\",\"content\":{\"parts\":[{\"text\":\"b\"}]}}]}",
     NULL},
    {"one text for OpenAI", DIALECT_gemini, DIALECT_openai, false,
     "{\"content\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]},\"taskType\":"
     "\"RETRIEVAL_QUERY\",\"output_dimensionality\":3}",
     "{\"model\":\"e-1\",\"input\":[\"ab\"],\"dimensions\":3}", "taskType"},
    {"several texts for OpenAI", DIALECT_gemini, DIALECT_openai, true,
     "{\"requests\":[{\"model\":\"models/x\",\"content\":{\"parts\":[{\"text\":\"a\"}]}},{"
     "\"content\":{\"parts\":[{\"text\":\"b\"}]}}]}",
     "{\"model\":\"e-1\",\"input\":[\"a\",\"b\"]}", NULL},
};

START_TEST(requests_are_translated)
{
    struct embed_ask ask;

    ck_assert_msg(embed_read_ask(&translation, asks[_i].client, asks[_i].batch,
                                 parsed(asks[_i].in), &ask),
                  "%s", asks[_i].name);
    embed_write_ask(&translation, asks[_i].provider, &ask, &json);
    is_out(asks[_i].name, asks[_i].out);
    if (asks[_i].dropped)
        ck_assert(span_eq(dropped_list(&translation, 1000), span_of_text(asks[_i].dropped)));
    else
        ck_assert_ptr_null(translation.dropped);
}

END_TEST

static const struct {
    enum dialect_id client;
    bool batch;
    const char *in, *message;
} refused[] = {
    {DIALECT_openai, false, "{}", "'input' must be a string or an array of strings."},
    {DIALECT_openai, false, "{\"input\":[]}", "'input' must not be empty."},
    {DIALECT_openai, false, "{\"input\":[1,2]}",
     "'input[0]' holds tokens, which the provider of this model does not take."},
    {DIALECT_openai, false, "{\"input\":[\"a\",null]}", "'input[1]' must be a string."},
    {DIALECT_openai, false, "{\"input\":\"a\",\"encoding_format\":\"x\"}",
     "'encoding_format' must be float or base64."},
    {DIALECT_openai, false, "{\"input\":\"a\",\"dimensions\":\"x\"}",
     "'dimensions' must be a number."},
    {DIALECT_gemini, false, "{}", "'content.parts' must be an array."},
    {DIALECT_gemini, false, "{\"content\":{\"parts\":[{\"inlineData\":{}}]}}",
     "'content.parts[0]' must be a text."},
    {DIALECT_gemini, true, "{\"requests\":[{\"content\":{}}]}",
     "'requests[0].content.parts' must be an array."},
    {DIALECT_gemini, true, "{\"requests\":[]}", "'requests' must not be empty."},
    {DIALECT_gemini, true, "{\"requests\":[1]}", "'requests[0]' must be an object."},
};

START_TEST(bad_requests_are_refused)
{
    struct embed_ask ask;

    ck_assert(!embed_read_ask(&translation, refused[_i].client, refused[_i].batch,
                              parsed(refused[_i].in), &ask));
    ck_assert_msg(text_is(translation.refusal.message, span_of_text(refused[_i].message)),
                  "%.*s", (int)translation.refusal.message.len,
                  translation.refusal.message.ptr);
}

END_TEST

#define GEMINI "{\"embeddings\":[{\"values\":[1.0,-2.0]},{\"values\":[0.5]}]}"
#define OPENAI                                                                                \
    "{\"object\":\"list\",\"data\":[{\"index\":0,\"embedding\":[1.0,-2.0]}],\"model\":\"m\"," \
    "\"usage\":{\"prompt_tokens\":7,\"total_tokens\":7}}"

static const struct {
    const char *name;
    struct embed_ask ask;
    enum dialect_id provider;
    const char *in, *out;
} answers[] = {
    {"floats",
     {.dialect = DIALECT_openai},
     DIALECT_gemini,
     GEMINI,
     "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[1.0,"
     "-2.0]},{\"object\":\"embedding\",\"index\":1,\"embedding\":[0.5]}],\"model\":\"e-1\","
     "\"usage\":{\"prompt_tokens\":0,\"total_tokens\":0}}"},
    {"T99: floats as base64",
     {.dialect = DIALECT_openai, .base64 = true},
     DIALECT_gemini,
     "{\"embedding\":{\"values\":[1.0,-2.0]},\"usageMetadata\":{\"promptTokenCount\":4}}",
     "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":"
     "\"AACAPwAAAMA=\"}],\"model\":\"e-1\",\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}}"},
    {"T99: base64 as floats",
     {.dialect = DIALECT_openai},
     DIALECT_openai,
     "{\"data\":[{\"embedding\":\"AACAPwAAAMDNzMw9\"}],\"model\":\"m\"}",
     "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[1,-2,"
     "0.100000001]}],\"model\":\"m\",\"usage\":{\"prompt_tokens\":0,\"total_tokens\":0}}"},
    {"one for Gemini",
     {.dialect = DIALECT_gemini},
     DIALECT_openai,
     OPENAI,
     "{\"embedding\":{\"values\":[1.0,-2.0]},\"usageMetadata\":{\"promptTokenCount\":7}}"},
    {"many for Gemini",
     {.dialect = DIALECT_gemini, .batch = true},
     DIALECT_openai,
     OPENAI,
     "{\"embeddings\":[{\"values\":[1.0,-2.0]}],\"usageMetadata\":{\"promptTokenCount\":7}}"},
};

START_TEST(answers_are_translated)
{
    struct embed_answer answer;

    ck_assert(
        embed_read_answer(&translation, answers[_i].provider, parsed(answers[_i].in), &answer));
    embed_write_answer(&translation, &answers[_i].ask, &answer, &json);
    is_out(answers[_i].name, answers[_i].out);
}

END_TEST

START_TEST(answers_without_embeddings_are_bad)
{
    struct embed_answer answer;

    ck_assert(!embed_read_answer(&translation, DIALECT_gemini, parsed("{}"), &answer));
    ck_assert_int_eq(translation.refusal.kind, COMPLAINT_bad_answer);
    ck_assert(!embed_read_answer(&translation, DIALECT_openai,
                                 parsed("{\"data\":[{\"embedding\":1}]}"), &answer));
    ck_assert(!embed_read_answer(&translation, DIALECT_openai,
                                 parsed("{\"error\":{\"code\":429,\"message\":\"m\"}}"),
                                 &answer));
    ck_assert_int_eq(translation.refusal.kind, COMPLAINT_rate_limit);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/embeddings");
    TCase *cases = tcase_create("embeddings");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, requests_are_translated, 0, ARRAY_LEN(asks));
    tcase_add_loop_test(cases, bad_requests_are_refused, 0, ARRAY_LEN(refused));
    tcase_add_loop_test(cases, answers_are_translated, 0, ARRAY_LEN(answers));
    tcase_add_test(cases, answers_without_embeddings_are_bad);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
