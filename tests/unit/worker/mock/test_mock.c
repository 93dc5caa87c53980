#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/text/json.h"

#include "worker/mock/mock.h"
#include "worker/mock/mock_answer.h"
#include "worker/upstream/upstream.h"

static const struct {
    struct span name;
    bool good;
    struct mock_model model;
} model_cases[] = {
    {SPAN("echo"), true, {.echo = 1}},
    {SPAN("slow-500ms"), true, {.slow_ms = 500}},
    {SPAN("status-429"), true, {.status = 429}},
    {SPAN("cut-after-3"), true, {.cut_after = 3, .cuts = true}},
    {SPAN("cut-after-0"), true, {.cuts = true}},
    {SPAN("long-1000-pace-20ms"), true, {.words = 1000, .pace_ms = 20}},
    {SPAN("echo+slow-1ms+cut-after-2"),
     true,
     {.echo = 1, .slow_ms = 1, .cut_after = 2, .cuts = true}},
    {SPAN("hang"), true, {.hangs = 1}},
    {SPAN("garbage"), true, {.garbage = 1}},
    {SPAN("reset"), true, {.resets = 1}},
    {SPAN("work-200us"), true, {.work_us = 200}},
    {SPAN(""), false, {0}},
    {SPAN("gpt-5"), false, {0}},
    {SPAN("echo-"), false, {0}},
    {SPAN("echoes"), false, {0}},
    {SPAN("slow-500"), false, {0}},
    {SPAN("slow-ms"), false, {0}},
    {SPAN("slow-99999999999ms"), false, {0}},
    {SPAN("status-99"), false, {0}},
    {SPAN("status-600"), false, {0}},
    {SPAN("long-1000001"), false, {0}},
};

START_TEST(a_model_name_says_what_happens)
{
    struct mock_model model = {0};

    ck_assert_msg(mock_read_model(model_cases[_i].name, &model) == model_cases[_i].good, "%.*s",
                  SPAN_ARG(model_cases[_i].name));
    if (!model_cases[_i].good)
        return;
#define PART(name, text, unit, most) ck_assert_uint_eq(model.name, model_cases[_i].model.name);
#include "worker/mock/mock_parts.def"
#undef PART
    ck_assert(model.cuts == model_cases[_i].model.cuts);
}

END_TEST

static const struct {
    struct span target, body;
    const char *answer;
} answer_cases[] = {
    {SPAN("/v1/chat/completions"),
     SPAN(
         "{\"model\":\"echo\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello  there\"}]}"),
     "\"object\":\"chat.completion\",\"created\":7,\"model\":\"echo\",\"choices\":[{\"index\":0,"
     "\"message\":{\"role\":\"assistant\",\"content\":\"Hello  there\",\"refusal\":null},"
     "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":2,"
     "\"completion_tokens\":2,\"total_tokens\":4}}"},
    {SPAN("/v1/chat/completions"),
     SPAN("{\"model\":\"long-3\",\"max_tokens\":2,\"messages\":[]}"),
     "\"content\":\"amber birch\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":"
     "\"length\"}]"},
    {SPAN("/v1/chat/completions"),
     SPAN(
         "{\"model\":\"echo\",\"messages\":[{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}]}"),
     "\"content\":\"a\""},
    {SPAN("/v1/completions?x=1"), SPAN("{\"model\":\"echo\",\"prompt\":\"a b\"}"),
     "\"object\":\"text_completion\",\"created\":7,\"model\":\"echo\",\"choices\":[{\"index\":0,"
     "\"text\":\"a b\""},
    {SPAN("/v1/embeddings"),
     SPAN("{\"model\":\"echo\",\"input\":[\"a\",\"b\"],\"dimensions\":2,"
          "\"encoding_format\":\"base64\"}"),
     "\"index\":1,\"embedding\":\""},
    {SPAN("/v1/embeddings"), SPAN("{\"model\":\"echo\",\"input\":\"a b\"}"),
     "\"model\":\"echo\",\"usage\":{\"prompt_tokens\":2,\"total_tokens\":2}}"},
    {SPAN("/v1/models"), SPAN(""), "{\"id\":\"echo\",\"object\":\"model\""},
    {SPAN("/v1/chat/completions"), SPAN("{\"model\":\"no\",\"messages\":[]}"),
     "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"model_not_found\""},
    {SPAN("/v1/chat/completions"), SPAN("{\"model\":\"status-429\",\"messages\":[]}"),
     "\"type\":\"rate_limit_error\""},
    {SPAN("/v1/chat/completions"), SPAN("{"), "not a JSON object"},
    {SPAN("/v1/chat/completions"), SPAN("{\"model\":\"echo\"}"), "messages is not an array"},
    {SPAN("/v2/nothing"), SPAN("{}"), "no such address"},
};

START_TEST(answers_are_what_the_sdks_read)
{
    struct mock_answer answer;
    struct json_value value;
    struct json_error error;
    struct arena arena;
    struct buffer out;

    arena_init(&arena, 0);
    buffer_init(&out, 1 << 20);
    mock_answer_read(&answer, &arena, answer_cases[_i].target, answer_cases[_i].body, 7);
    mock_answer_write(&answer, &out);
    ck_assert(json_check(buffer_span(&out), &value, &error));
    ck_assert_msg(span_find(buffer_span(&out), span_of_text(answer_cases[_i].answer)) !=
                      SIZE_MAX,
                  "%.*s", SPAN_ARG(buffer_span(&out)));
    buffer_done(&out);
    arena_done(&arena);
}

END_TEST

START_TEST(a_stream_has_its_pieces_in_order)
{
    static const char *const expected[] = {
        "\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}",
        "\"delta\":{\"content\":\"a\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}",
        "\"delta\":{\"content\":\" b\"}",
        "\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"",
        "\"choices\":[],\"usage\":{\"prompt_tokens\":2,",
        "data: [DONE]\n\n",
    };
    struct mock_answer answer;
    struct arena arena;
    struct buffer out;

    arena_init(&arena, 0);
    buffer_init(&out, 1 << 20);
    mock_answer_read(&answer, &arena, SPAN("/v1/chat/completions"),
                     SPAN("{\"model\":\"echo\",\"stream\":true,\"stream_options\":"
                          "{\"include_usage\":true},\"messages\":[{\"content\":\"a b\"}]}"),
                     7);
    for (unsigned i = 0; i < ARRAY_LEN(expected); i++) {
        buffer_clear(&out);
        ck_assert(mock_answer_next(&answer, &out));
        ck_assert_msg(span_find(buffer_span(&out), span_of_text(expected[i])) != SIZE_MAX,
                      "%.*s", SPAN_ARG(buffer_span(&out)));
        ck_assert(span_starts(buffer_span(&out), SPAN("data: ")));
        ck_assert(span_ends(buffer_span(&out), SPAN("\n\n")));
    }
    ck_assert(!mock_answer_next(&answer, &out));
    buffer_done(&out);
    arena_done(&arena);
}

END_TEST

struct asked {
    struct call call;
    struct buffer body;
    uint16_t status;
    enum fault fault;
    bool ended;
};

static void answered(struct call *call, const struct http_head *head)
{
    ((struct asked *)(void *)call)->status = head->status;
}

static void body(struct call *call, struct span bytes)
{
    (void)buffer_append(&((struct asked *)(void *)call)->body, bytes);
}

static void done(struct call *call)
{
    ((struct asked *)(void *)call)->ended = true;
}

static void call_failed(struct call *call, enum fault fault, const char *why)
{
    (void)why;
    ((struct asked *)(void *)call)->fault = fault;
    ((struct asked *)(void *)call)->ended = true;
}

static void turn(struct call *call)
{
    (void)call;
}

static const struct call_events events = {answered, body, turn, done, call_failed};

static const struct {
    const char *model;
    bool stream;
    uint16_t status;
    enum fault fault;
    const char *part; /* of the body */
} call_cases[] = {
    {"echo", false, 200, FAULT_NONE, "\"content\":\"hi\""},
    {"echo", true, 200, FAULT_NONE, "data: [DONE]"},
    {"slow-30ms", false, 200, FAULT_NONE, "hi"},
    {"status-429", true, 429, FAULT_NONE, "rate_limit_error"},
    {"long-20000", true, 200, FAULT_NONE, "data: [DONE]"},
    {"long-3-pace-10ms", true, 200, FAULT_NONE, "data: [DONE]"},
    {"cut-after-1", true, 200, FAULT_answer_cut, "\"role\""},
    {"cut-after-9", false, 200, FAULT_answer_cut, "{\"id\":\"ch"},
    {"hang", false, 0, FAULT_head_timeout, ""},
    {"garbage", false, 0, FAULT_bad_answer, ""},
    {"reset", false, 0, FAULT_upstream_reset, ""},
};

static struct reactor reactor;
static struct http_scratch scratch;

static void run(const bool *until)
{
    uint64_t end_ms = clock_monotonic_ms() + (until ? 10000 : 20);

    while (!(until && *until) && clock_monotonic_ms() < end_ms) {
        (void)uv_run(&reactor.loop, UV_RUN_NOWAIT);
        (void)usleep(100);
    }
    ck_assert(!until || *until);
}

START_TEST(the_provider_is_called_through_the_pool)
{
    struct upstream upstream;
    struct asked asked = {0};
    struct buffer text;
    struct call_request request = {.method_id = HTTP_METHOD_POST,
                                   .method = SPAN("POST"),
                                   .target = SPAN("/v1/chat/completions"),
                                   .body_count = 1,
                                   .head_ms = 200};

    ck_assert_int_eq(reactor_init(&reactor), 0);
    reactor.http = &scratch;
    upstream_init(&upstream, &reactor, NULL, SPAN(""));
    buffer_init(&asked.body, 64 << 20);
    buffer_init(&text, 4096);
    (void)buffer_append_format(
        &text, "{\"model\":\"%s\",\"stream\":%s,\"messages\":[{\"content\":\"hi\"}]}",
        call_cases[_i].model, call_cases[_i].stream ? "true" : "false");
    request.body[0] = buffer_span(&text);
    for (unsigned i = 0; i < 2; i++) {
        buffer_clear(&asked.body);
        asked.ended = false;
        asked.status = 0;
        call_start(
            &asked.call,
            upstream_endpoint(&upstream, &(struct endpoint_options){.host = SPAN("mock"),
                                                                    .keep_ms = 1000,

                                                                    .dial = mock_connect}),
            &request, &events);
        run(&asked.ended);
        ck_assert_int_eq(asked.fault, call_cases[_i].fault);
        ck_assert_uint_eq(asked.status, call_cases[_i].status);
        ck_assert(span_find(buffer_span(&asked.body), span_of_text(call_cases[_i].part)) !=
                  SIZE_MAX);
    }
    upstream_close_idle(&upstream);
    run(NULL);
    upstream_done(&upstream);
    buffer_done(&asked.body);
    buffer_done(&text);
    reactor_done(&reactor);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("mock");
    TCase *tests = tcase_create("mock");
    SRunner *runner;
    int failures;

    tcase_set_timeout(tests, 30);
    tcase_add_loop_test(tests, a_model_name_says_what_happens, 0, (int)ARRAY_LEN(model_cases));
    tcase_add_loop_test(tests, answers_are_what_the_sdks_read, 0, (int)ARRAY_LEN(answer_cases));
    tcase_add_test(tests, a_stream_has_its_pieces_in_order);
    tcase_add_loop_test(tests, the_provider_is_called_through_the_pool, 0,
                        (int)ARRAY_LEN(call_cases));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? 1 : 0;
}
