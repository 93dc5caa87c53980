#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/parse/head.h"

#define BODY_LIMIT 1000

static struct arena arena;
static struct head head;
static struct http_scratch scratch;
static struct http_reader reader;
static const struct http_limits limits = {
    .head_bytes = 4000, .target_bytes = 1000, .header_count = 30};

static void set_up(void)
{
    arena_init(&arena, 0);
    head = (struct head){.operation = OPERATION_none};
    http_reader_init(&reader, HTTP_REQUESTS, &limits, &scratch);
}

static void tear_down(void)
{
    http_reader_done(&reader);
    arena_done(&arena);
}

/* The request LINE with the header lines FIELDS (each ended by CRLF), through the reader. */
static enum fault read_request(const char *line, const char *fields)
{
    static const struct span names[] = {{"idempotency-key", 15}, {"openai-beta", 11}};
    static const struct head_wanted wanted[DIALECT_COUNT] = {
        [DIALECT_openai] = {names, ARRAY_LEN(names)}};
    const struct http_head *from;
    struct span rest, body;
    struct buffer text _buffer_;
    enum fault fault;

    buffer_init(&text, 4000);
    (void)buffer_append_format(&text, "%s HTTP/1.1\r\nHost: h\r\n%s\r\n", line, fields);
    rest = buffer_span(&text);
    ck_assert_int_eq(http_next(&reader, &rest, &from, &body), HTTP_HEAD);
    fault = head_read(from, BODY_LIMIT, wanted, &arena, &head);
    /* The spans of the head must not be needed any more. */
    memset(text.ptr, '#', text.len);
    return fault;
}

static const struct {
    const char *line;
    enum fault fault;
    enum operation operation;
    const char *argument, *path;
} targets[] = {
    {"POST /v1/chat/completions", FAULT_NONE, OPERATION_chat, NULL, "/v1/chat/completions"},
    {"POST /v1/chat/completions?api-version=1", FAULT_NONE, OPERATION_chat, NULL,
     "/v1/chat/completions"},
    {"POST http://h/v1/embeddings?x", FAULT_NONE, OPERATION_embeddings, NULL, "/v1/embeddings"},
    {"POST /v1/completions", FAULT_NONE, OPERATION_completions, NULL, "/v1/completions"},
    {"GET /v1/models", FAULT_NONE, OPERATION_models, NULL, "/v1/models"},
    {"HEAD /v1/models", FAULT_NONE, OPERATION_models, NULL, "/v1/models"},
    {"GET /v1/models/a", FAULT_NONE, OPERATION_model, "a", "/v1/models/a"},
    {"GET /v1/models/p/m%2Fx%20%e9", FAULT_NONE, OPERATION_model, "p/m/x \xe9",
     "/v1/models/p/m%2Fx%20%e9"},
    {"GET /v1/models/a%2", FAULT_NONE, OPERATION_model, "a%2", "/v1/models/a%2"},
    {"GET /v1/models/a%zz%", FAULT_NONE, OPERATION_model, "a%zz%", "/v1/models/a%zz%"},
    {"POST /v1/messages", FAULT_NONE, OPERATION_messages, NULL, "/v1/messages"},
    {"POST /v1/messages/count_tokens", FAULT_NONE, OPERATION_count_tokens, NULL,
     "/v1/messages/count_tokens"},
    {"POST /v1beta/models/p/m:generateContent", FAULT_NONE, OPERATION_generate, "p/m",
     "/v1beta/models/p/m:generateContent"},
    {"POST /v1/models/p/m:generateContent", FAULT_NONE, OPERATION_v1_generate, "p/m",
     "/v1/models/p/m:generateContent"},
    {"POST /v1beta/models/m%3Ax:streamGenerateContent?alt=sse&key=k", FAULT_NONE,
     OPERATION_stream_generate, "m:x", "/v1beta/models/m%3Ax:streamGenerateContent"},
    {"POST /v1beta/models/:generateContent", FAULT_method_not_allowed, OPERATION_gemini_model,
     ":generateContent", "/v1beta/models/:generateContent"},
    {"POST /v1beta/models/m", FAULT_method_not_allowed, OPERATION_gemini_model, "m",
     "/v1beta/models/m"},
    {"GET /v1beta/models/m:generateContent", FAULT_method_not_allowed, OPERATION_generate, "m",
     "/v1beta/models/m:generateContent"},
    {"POST /openai/deployments/d/chat/completions?api-version=1", FAULT_NONE,
     OPERATION_azure_chat, "d", "/openai/deployments/d/chat/completions"},
    {"POST /openai/v1/responses", FAULT_NONE, OPERATION_azure_v1_responses, NULL,
     "/openai/v1/responses"},
    {"GET /v1/responses/resp_1/input_items", FAULT_NONE, OPERATION_response_items, "resp_1",
     "/v1/responses/resp_1/input_items"},
    {"GET /openai/v1/responses/resp_1/input_items", FAULT_NONE,
     OPERATION_azure_v1_response_items, "resp_1", "/openai/v1/responses/resp_1/input_items"},
    {"GET /openai/v1/responses/resp_1", FAULT_NONE, OPERATION_azure_v1_response, "resp_1",
     "/openai/v1/responses/resp_1"},
    {"DELETE /openai/v1/responses/resp_1", FAULT_NONE, OPERATION_azure_v1_response_delete,
     "resp_1", "/openai/v1/responses/resp_1"},
    {"GET /openai/v1/responses", FAULT_method_not_allowed, OPERATION_azure_v1_responses, NULL,
     "/openai/v1/responses"},
    {"DELETE /v1/responses/resp_1", FAULT_NONE, OPERATION_response_delete, "resp_1",
     "/v1/responses/resp_1"},
    {"GET /v1/responses", FAULT_NONE, OPERATION_response_socket, NULL, "/v1/responses"},
    {"GET /healthz", FAULT_NONE, OPERATION_health, NULL, "/healthz"},
    {"GET /readyz", FAULT_NONE, OPERATION_ready, NULL, "/readyz"},
    {"OPTIONS /v1/chat/completions", FAULT_NONE, OPERATION_chat, NULL, "/v1/chat/completions"},
    {"OPTIONS *", FAULT_NONE, OPERATION_none, NULL, "*"},
    {"GET /v1/chat/completions", FAULT_method_not_allowed, OPERATION_chat, NULL,
     "/v1/chat/completions"},
    {"DELETE /v1/models", FAULT_method_not_allowed, OPERATION_models, NULL, "/v1/models"},
    {"HEAD /v1/completions", FAULT_method_not_allowed, OPERATION_completions, NULL,
     "/v1/completions"},
    {"GET /", FAULT_not_found, OPERATION_none, NULL, "/"},
    {"GET /v1/models/", FAULT_not_found, OPERATION_none, NULL, "/v1/models/"},
    {"GET /v1/models/?x", FAULT_not_found, OPERATION_none, NULL, "/v1/models/"},
    {"POST /v1/chat/completions/", FAULT_not_found, OPERATION_none, NULL,
     "/v1/chat/completions/"},
    {"POST /V1/chat/completions", FAULT_not_found, OPERATION_none, NULL,
     "/V1/chat/completions"},
    {"POST //v1/chat/completions", FAULT_not_found, OPERATION_none, NULL,
     "//v1/chat/completions"},
    {"GET http://h", FAULT_not_found, OPERATION_none, NULL, "/"},
    {"GET http://h?to=/v1/models", FAULT_not_found, OPERATION_none, NULL, "/"},
};

START_TEST(a_target_names_an_operation)
{
    ck_assert_int_eq(read_request(targets[_i].line, ""), targets[_i].fault);
    ck_assert_int_eq(head.operation, targets[_i].operation);
    ck_assert(span_eq(head.argument, span_of_text(targets[_i].argument)));
    ck_assert_msg(span_eq(head.path, span_of_text(targets[_i].path)), "path %.*s",
                  SPAN_ARG(head.path));
    if (targets[_i].fault == FAULT_method_not_allowed)
        ck_assert_ptr_nonnull(strstr(head.allow, "OPTIONS"));
}

END_TEST

START_TEST(what_an_address_takes_is_told)
{
    ck_assert_int_eq(read_request("PUT /v1/embeddings", ""), FAULT_method_not_allowed);
    ck_assert_str_eq(head.allow, "POST, OPTIONS");
    tear_down();
    set_up();
    ck_assert_int_eq(read_request("POST /healthz", ""), FAULT_method_not_allowed);
    ck_assert_str_eq(head.allow, "GET, HEAD, OPTIONS");
    tear_down();
    set_up();
    ck_assert_int_eq(read_request("PUT /v1/responses/r", ""), FAULT_method_not_allowed);
    ck_assert_str_eq(head.allow, "GET, HEAD, DELETE, OPTIONS");
    tear_down();
    set_up();
    ck_assert_int_eq(read_request("PUT /v1/responses", ""), FAULT_method_not_allowed);
    ck_assert_str_eq(head.allow, "GET, HEAD, POST, OPTIONS");
}

END_TEST

static const struct {
    const char *fields, *key;
} keys[] = {
    {"", NULL},
    {"Authorization: Bearer sk-1\r\n", "sk-1"},
    {"authorization: bEARER   sk-2 \r\n", "sk-2"},
    {"Authorization: Basic dTpw\r\n", NULL},
    {"Authorization: Bearer\r\n", NULL},
    {"Authorization: Bearersk-1\r\n", NULL},
    {"X-Api-Key: sk-3\r\n", "sk-3"},
    {"api-key: sk-4\r\n", "sk-4"},
    {"x-goog-api-key: sk-5\r\n", "sk-5"},
    {"x-api-key: second\r\nAuthorization: Bearer first\r\n", "first"},
    {"Authorization: Basic dTpw\r\nx-api-key: sk-6\r\n", "sk-6"},
    {"x-api-key:\r\n", ""},
};

START_TEST(a_key_is_found_in_each_form_that_is_sent)
{
    struct span key;

    ck_assert_int_eq(read_request("GET /v1/models", keys[_i].fields), FAULT_NONE);
    key = secret_reveal(head.key);
    ck_assert_int_eq(key.ptr != NULL, keys[_i].key != NULL);
    ck_assert(span_eq(key, span_of_text(keys[_i].key)));
}

END_TEST

static const struct {
    const char *fields;
    enum fault fault;
} bodies[] = {
    {"Content-Length: 1000\r\n", FAULT_NONE},
    {"Content-Length: 1001\r\n", FAULT_body_too_large},
    {"Content-Length: 9007199254740993\r\n", FAULT_body_too_large},
    {"Transfer-Encoding: chunked\r\n", FAULT_NONE},
    {"Content-Type: application/json\r\n", FAULT_NONE},
    {"Content-Type: Application/JSON; charset=utf-8\r\n", FAULT_NONE},
    {"Content-Type: application/json ;charset=utf-8\r\n", FAULT_NONE},
    {"Content-Type:\r\n", FAULT_NONE},
    {"Content-Type: text/plain\r\n", FAULT_bad_media_type},
    {"Content-Type: application/jsonp\r\n", FAULT_bad_media_type},
    {"Content-Type: application/json-seq\r\n", FAULT_bad_media_type},
    {"Content-Type: app\r\n", FAULT_bad_media_type},
    {"Content-Encoding: gzip\r\n", FAULT_bad_media_type},
    {"Content-Encoding: identity\r\n", FAULT_NONE},
    {"Expect: 100-continue\r\nContent-Length: 1\r\n", FAULT_NONE},
    {"Expect: a-miracle\r\n", FAULT_expectation_failed},
};

/* After the key was looked at: what can be taken is nobody else's business. */
START_TEST(a_body_that_cannot_be_taken_is_refused_before_it_comes)
{
    enum fault fault = read_request("POST /v1/chat/completions", bodies[_i].fields);

    ck_assert_int_eq(fault ? fault : head.unfit, bodies[_i].fault);
    ck_assert(fault == FAULT_NONE || fault == FAULT_expectation_failed);
    ck_assert_int_eq(head.expect_continue, strstr(bodies[_i].fields, "100-cont") != NULL);
}

END_TEST

START_TEST(the_query_may_hold_the_key_and_the_form_of_the_stream)
{
    ck_assert_int_eq(
        read_request("POST /v1beta/models/m:streamGenerateContent?x=1&key=sk-7&alt=sse", ""),
        FAULT_NONE);
    ck_assert(span_eq(secret_reveal(head.key), SPAN("sk-7")));
    ck_assert(head.sse);
    ck_assert(!head.strict);
    tear_down();
    set_up();
    ck_assert_int_eq(
        read_request("POST /v1/messages?monkey=1", "x-api-key: a\r\nx-aigw-strict: True\r\n"),
        FAULT_NONE);
    ck_assert(span_eq(secret_reveal(head.key), SPAN("a")));
    ck_assert(head.strict && !head.sse);
    ck_assert_int_eq(head.dialect, DIALECT_anthropic);
}

END_TEST

static const struct {
    const char *line, *after, *limit, *order;
} pages[] = {
    {"GET /v1/responses/r/input_items", NULL, NULL, NULL},
    {"GET /v1/responses/r/input_items?", NULL, NULL, NULL},
    {"GET /v1/responses/r/input_items?after=msg%5F1&limit=5&order=asc", "msg_1", "5", "asc"},
    {"GET /openai/v1/responses/r/input_items?order=&include=x&limit=-1", NULL, "-1", ""},
    {"GET /v1/responses/r/input_items?before=b&limits=1&after", NULL, NULL, NULL},
    {"GET /v1/responses/r?after=a&limit=1", NULL, NULL, NULL},
    {"GET /v1/models?after=a&limit=1", NULL, NULL, NULL},
};

static void is_value(struct span value, const char *expected)
{
    ck_assert_int_eq(value.ptr != NULL, expected != NULL);
    ck_assert(span_eq(value, span_of_text(expected)));
}

START_TEST(the_query_of_a_list_of_items_says_which_part_is_wanted)
{
    ck_assert_int_eq(read_request(pages[_i].line, ""), FAULT_NONE);
    is_value(head.page.after, pages[_i].after);
    is_value(head.page.limit, pages[_i].limit);
    is_value(head.page.order, pages[_i].order);
}

END_TEST

START_TEST(a_header_tells_whose_list_of_models_is_wanted)
{
    ck_assert_int_eq(read_request("GET /v1/models", ""), FAULT_NONE);
    ck_assert_int_eq(head.dialect, DIALECT_openai);
    tear_down();
    set_up();
    ck_assert_int_eq(read_request("GET /v1/models", "anthropic-version: 2023-06-01\r\n"),
                     FAULT_NONE);
    ck_assert_int_eq(head.dialect, DIALECT_anthropic);
    tear_down();
    set_up();
    ck_assert_int_eq(read_request("GET /v1/models", "x-goog-api-key: k\r\n"), FAULT_NONE);
    ck_assert_int_eq(head.dialect, DIALECT_gemini);
}

END_TEST

START_TEST(only_named_headers_go_on)
{
    ck_assert_int_eq(read_request("POST /v1/embeddings",
                                  "Idempotency-Key: once\r\nCookie: c\r\nOpenAI-Beta: v2\r\n"
                                  "OpenAI-Organization: o\r\nAuthorization: Bearer k\r\n"),
                     FAULT_NONE);
    ck_assert_uint_eq(head.forwarded_count, 2);
    ck_assert(span_eq(head.forwarded[0].name, SPAN("idempotency-key")));
    ck_assert(span_eq(head.forwarded[0].value, SPAN("once")));
    ck_assert(span_eq(head.forwarded[1].value, SPAN("v2")));
}

END_TEST

START_TEST(a_long_path_is_cut_for_the_log_only)
{
    struct buffer line _buffer_;

    buffer_init(&line, 2000);
    (void)buffer_append(&line, SPAN("GET /v1/models/"));
    for (unsigned i = 0; i < 400; i++)
        (void)buffer_append_byte(&line, 'm');
    (void)buffer_append_byte(&line, '\0');
    ck_assert_int_eq(read_request(line.ptr, ""), FAULT_NONE);
    ck_assert_uint_eq(head.path.len, 256);
    ck_assert_uint_eq(head.argument.len, 400);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("head");
    TCase *tests = tcase_create("head");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_target_names_an_operation, 0, ARRAY_LEN(targets));
    tcase_add_test(tests, what_an_address_takes_is_told);
    tcase_add_loop_test(tests, a_key_is_found_in_each_form_that_is_sent, 0, ARRAY_LEN(keys));
    tcase_add_loop_test(tests, a_body_that_cannot_be_taken_is_refused_before_it_comes, 0,
                        ARRAY_LEN(bodies));
    tcase_add_test(tests, the_query_may_hold_the_key_and_the_form_of_the_stream);
    tcase_add_loop_test(tests, the_query_of_a_list_of_items_says_which_part_is_wanted, 0,
                        ARRAY_LEN(pages));
    tcase_add_test(tests, a_header_tells_whose_list_of_models_is_wanted);
    tcase_add_test(tests, only_named_headers_go_on);
    tcase_add_test(tests, a_long_path_is_cut_for_the_log_only);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
