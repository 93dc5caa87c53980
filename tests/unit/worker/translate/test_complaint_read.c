#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

#define NOT_OURS "The provider does not accept the gateway's credential."

static const struct {
    uint16_t status;
    const char *body, *out;
} rows[] = {
    /* OpenAI */
    {400,
     "{\"error\":{\"message\":\"no 'max_tokens'\",\"type\":\"invalid_request_error\",\"param\":"
     "\"max_tokens\",\"code\":\"unsupported_parameter\"}}",
     "unsupported code=unsupported_parameter param=max_tokens no 'max_tokens'"},
    {400, "{\"error\":{\"message\":\"m\",\"code\":\"context_length_exceeded\"}}",
     "context_length code=context_length_exceeded m"},
    {401,
     "{\"error\":{\"message\":\"Incorrect API key provided: sk-abcd1234\",\"code\":"
     "\"invalid_api_key\"}}",
     "gateway_auth " NOT_OURS},
    {404,
     "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":"
     "\"model_not_found\"}}",
     "not_found code=model_not_found m"},
    {429,
     "{\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"code\":"
     "\"insufficient_quota\"}}",
     "no_credit code=insufficient_quota m"},
    {429,
     "{\"error\":{\"message\":\"Please try again in 1.5s.\",\"type\":\"tokens\",\"code\":"
     "\"rate_limit_exceeded\"}}",
     "rate_limit code=rate_limit_exceeded retry=1500 Please try again in 1.5s."},
    /* Azure */
    {400,
     "{\"error\":{\"message\":\"m\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\","
     "\"status\":400,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}",
     "content_filter code=content_filter param=prompt m"},
    {429, "{\"error\":{\"code\":\"429\",\"message\":\"Please retry after 27 seconds.\"}}",
     "rate_limit retry=27000 Please retry after 27 seconds."},
    {401, "{\"statusCode\":401,\"message\":\"Unauthorized\"}", "gateway_auth " NOT_OURS},
    /* Anthropic */
    {529,
     "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},"
     "\"request_id\":\"req_1\"}",
     "overloaded id=req_1 Overloaded"},
    {400,
     "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too "
     "long: 210000 tokens\"}}",
     "context_length prompt is too long: 210000 tokens"},
    {400,
     "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit "
     "balance is too low\"}}",
     "no_credit Your credit balance is too low"},
    /* Gemini */
    {429,
     "[{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":["
     "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"34.4s\"}]}}]",
     "rate_limit retry=34400 m"},
    {429,
     "{\"error\":{\"code\":429,\"message\":\"m\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":["
     "{\"violations\":[{\"quotaId\":\"GenerateRequestsPerDayPerProject\"}]}]}}",
     "no_credit m"},
    {400,
     "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\","
     "\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}",
     "gateway_auth " NOT_OURS},
    {503, "{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}",
     "overloaded m"},
    /* Groq's stream at 200 */
    {200,
     "{\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\","
     "\"status_code\":400}}",
     "bad_request code=tool_use_failed m"},
    /* OpenRouter: a number, at 200 */
    {200,
     "{\"error\":{\"message\":\"m\",\"code\":429,\"metadata\":{\"raw\":\"x\"}},\"user_id\":\"u\"}",
     "rate_limit m"},
    {402, "{\"error\":{\"message\":\"m\",\"code\":402}}", "no_credit m"},
    /* xAI: flat, the message is `error` */
    {400, "{\"code\":\"Client specified an invalid argument\",\"error\":\"m\"}",
     "bad_request m"},
    /* Mistral and FastAPI */
    {422,
     "{\"detail\":[{\"loc\":[\"body\",\"n\"],\"msg\":\"Input should be 1\",\"type\":\"x\"}]}",
     "unprocessable Input should be 1"},
    {400,
     "{\"object\":\"error\",\"message\":{\"detail\":[{\"msg\":\"deep\"}]},\"type\":"
     "\"invalid_request_error\",\"param\":null,\"code\":\"3051\"}",
     "bad_request deep"},
    {404, "{\"detail\":\"Not Found\"}", "not_found Not Found"},
    /* vLLM, llama.cpp, Ollama */
    {400, "{\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}",
     "bad_request m"},
    {503,
     "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
     "overloaded Loading model"},
    {404, "{\"error\":\"model 'x' not found\"}", "not_found model 'x' not found"},
    /* Bedrock */
    {400, "{\"message\":\"The provided model identifier is invalid.\"}",
     "bad_request The provided model identifier is invalid."},
    {500, "{\"Message\":\"m\"}", "internal m"},
    /* Alibaba, flat and framed as an event although it is none */
    {400, "{\"code\":\"DataInspectionFailed\",\"message\":\"m\",\"request_id\":\"r\"}",
     "content_filter id=r m"},
    {400,
     "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidParameter\",\"message\":\"m\","
     "\"request_id\":\"r\"}\n\n",
     "bad_request id=r m"},
    {400, "{\"code\":\"Arrearage\",\"message\":\"m\"}", "no_credit m"},
    /* Baidu, at 200 */
    {200, "{\"error_code\":17,\"error_msg\":\"Open api daily request limit reached\"}",
     "no_credit Open api daily request limit reached"},
    {200, "{\"error_code\":18,\"error_msg\":\"qps\"}", "rate_limit qps"},
    {200, "{\"error_code\":336000,\"error_msg\":\"Internal error\"}",
     "overloaded Internal error"},
    {200, "{\"error_code\":336001,\"error_msg\":\"Invalid argument\"}",
     "bad_request Invalid argument"},
    {200, "{\"error_code\":336005,\"error_msg\":\"API name not exist\"}",
     "not_found API name not exist"},
    {429, "{\"code\":\"PostpaidBillOverdue\",\"message\":\"Pay.\",\"request_id\":\"r\"}",
     "no_credit id=r Pay."},
    {200, "{\"error_code\":110,\"error_msg\":\"Access token invalid\"}",
     "gateway_auth " NOT_OURS},
    {200, "{\"error\":{\"code\":\"internal_error\",\"message\":\"high load\"}}",
     "internal code=internal_error high load"},
    /* MiniMax, at 200 */
    {200, "{\"base_resp\":{\"status_code\":1002,\"status_msg\":\"rate limit\"}}",
     "rate_limit rate limit"},
    {200, "{\"base_resp\":{\"status_code\":1008,\"status_msg\":\"balance\"}}",
     "no_credit balance"},
    /* Zhipu: numbers in words */
    {429, "{\"error\":{\"code\":\"1113\",\"message\":\"m\"}}", "no_credit m"},
    {400, "{\"error\":{\"code\":\"1301\",\"message\":\"m\"}}", "content_filter m"},
    /* SiliconFlow, and what is no object at all */
    {401, "\"Invalid token\"", "gateway_auth " NOT_OURS},
    {503, "\"busy\"", "overloaded busy"},
    {502, "<html><title>502 Bad Gateway</title></html>",
     "internal The provider gave no reason; its status was 502."},
    {500, "upstream connect error\n", "internal upstream connect error"},
    {504, "", "timeout The provider gave no reason; its status was 504."},
    {400, "\r\n\r\n {\"error\":{\"message\":\"after blank lines\"}}",
     "bad_request after blank lines"},
    {200, "{}", "bad_answer The provider gave no reason; its status was 200."},
    {400,
     "{\"error\":{\"message\":{\"message\":{\"message\":{\"message\":{\"message\":{\"message\":"
     "{\"message\":\"too deep\"}}}}}}}}",
     "bad_request The provider gave no reason; its status was 400."},
};

START_TEST(reads_what_each_provider_says)
{
    struct complaint complaint;
    struct buffer said;

    buffer_init(&said, 4096);
    complaint_read(rows[_i].status, span_of_text(rows[_i].body), &arena, &complaint);
    spell_complaint(&complaint, &said);
    ck_assert(said.len > 0);
    said.len--; /* the newline */
    ck_assert_msg(span_eq(buffer_span(&said), span_of_text(rows[_i].out)),
                  "%s:\n%.*s\n---- and not\n%s", rows[_i].body, SPAN_ARG(buffer_span(&said)),
                  rows[_i].out);
    buffer_done(&said);
}

END_TEST

START_TEST(a_long_text_is_cut_between_characters)
{
    char body[1200];
    struct complaint complaint;

    /* "x" and then two-byte characters: the limit falls inside of one. */
    body[0] = 'x';
    for (unsigned i = 1; i + 1 < sizeof(body); i += 2) {
        body[i] = (char)0xc3;
        body[i + 1] = (char)0xa9;
    }
    complaint_read(500, span_of(body, sizeof(body) - 1), &arena, &complaint);
    ck_assert_uint_eq(complaint.message.len, 499);
    ck_assert_int_eq((unsigned char)complaint.message.ptr[498], 0xa9);
}

END_TEST

START_TEST(each_kind_has_its_row)
{
    for (unsigned i = 0; i < COMPLAINT_COUNT; i++) {
        const struct complaint_row *row = complaint_row((enum complaint_kind)i);

        ck_assert_uint_ge(row->openai_status, 400);
        ck_assert_uint_ge(row->anthropic_status, 400);
        ck_assert_uint_ge(row->gemini_status, 400);
        ck_assert_ptr_nonnull(row->openai_type);
    }
}

END_TEST

START_TEST(words_of_the_gateways_key_never_come_through)
{
    static const uint16_t statuses[] = {401, 403};
    struct complaint complaint;

    for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
        complaint_read(statuses[i],
                       SPAN("{\"error\":{\"message\":\"your key sk-1234 is bad\"}}"), &arena,
                       &complaint);
        ck_assert_int_eq(complaint.kind, COMPLAINT_gateway_auth);
        ck_assert(span_find(span_of(complaint.message.ptr, complaint.message.len),
                            SPAN("sk-")) == SIZE_MAX);
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("complaint read");
    TCase *tests = tcase_create("complaint read");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, reads_what_each_provider_says, 0, ARRAY_LEN(rows));
    tcase_add_test(tests, a_long_text_is_cut_between_characters);
    tcase_add_test(tests, each_kind_has_its_row);
    tcase_add_test(tests, words_of_the_gateways_key_never_come_through);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
