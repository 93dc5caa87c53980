#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

static struct arena arena;
static struct translation translation;
static struct chat chat;
static struct reply reply;
static struct buffer said;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    translation.target.model = SPAN("target");
    chat = (struct chat){.dialect = DIALECT_responses};
    chat_add_tool(&chat, TOOL_CUSTOM, &arena)->name = TEXT("sql");
    translation.chat = &chat;
    reply = (struct reply){.created = 0};
    usage_init(&reply.usage);
    buffer_init(&said, 1 << 16);
}

static void tear_down(void)
{
    buffer_done(&said);
    arena_done(&arena);
}

/* ---- what a provider says ---------------------------------------------------------------- */

#define ANSWER(output, rest)                                                                 \
    "{\"id\":\"resp_1\",\"created_at\":5,\"model\":\"m\",\"error\":null,\"output\":[" output \
    "]" rest "}"
#define DONE               ",\"status\":\"completed\",\"incomplete_details\":null"
#define SHORT(why)         ",\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"" why "\"}"
#define SAYS(parts)        "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[" parts "]}"
#define WORDS(words, rest) "{\"type\":\"output_text\",\"text\":\"" words "\"" rest "}"
#define TOP                "id resp_1 model m created 5"

static const struct {
    const char *name, *in, *out;
} reads[] = {
    {"words", ANSWER(SAYS(WORDS("Hi\\n", ",\"annotations\":[],\"logprobs\":[]")), DONE),
     TOP "\n0 end \"Hi\\n\"\nusage\n"},
    {"usage in all its parts",
     ANSWER(SAYS(WORDS("x", "")),
            DONE ",\"service_tier\":\"default\",\"usage\":{"
                 "\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":4,"
                 "\"cache_write_tokens\":2},\"output_tokens\":8,\"output_tokens_details\":{"
                 "\"reasoning_tokens\":5},\"total_tokens\":17}"),
     TOP " tier default\n0 end \"x\"\n"
         "usage input=9 output=8 cached=4 cache_write=2 reasoning=5\n"},
    {"reasoning in parts, with what is encrypted",
     ANSWER("{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"a\"},"
            "{\"type\":\"summary_text\",\"text\":\"b\"}],\"encrypted_content\":\"E\"},"
            "{\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"F\"}," SAYS(
                WORDS("x", "")),
            DONE),
     TOP "\n0 end reasoning\"a\\n\\nb\" signed:responses:E reasoning\"\" redacted "
         "signed:responses:F \"x\"\nusage\n"},
    {"plain reasoning",
     ANSWER("{\"type\":\"reasoning\",\"summary\":[],\"content\":[{\"type\":\"reasoning_text\","
            "\"text\":\"t\"}]}",
            DONE),
     TOP "\n0 end reasoning\"t\"\nusage\n"},
    {"calls",
     ANSWER(
         "{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"f\",\"arguments\":\"{}\"},"
         "{\"type\":\"custom_tool_call\",\"call_id\":\"b\",\"name\":\"sql\",\"input\":\"S\"}",
         DONE),
     TOP "\n0 tool call:a:f={} custom:b:sql=S\nusage\n"},
    {"a refusal and citations",
     ANSWER(
         SAYS(WORDS(
             "x",
             ",\"annotations\":[{\"type\":\"url_citation\",\"url\":\"https://u\","
             "\"title\":\"t\",\"start_index\":0,\"end_index\":1},{\"type\":\"file_citation\",\"file_id\":\"f\"}]") ",{\"type\":\"refusal\",\"refusal\":\"no\"}"),
         DONE),
     TOP "\n0 end \"x\" cites:https://u:t<0-1> refusal\"no\"\nusage\n"},
    {"probabilities",
     ANSWER(SAYS(WORDS("x", ",\"logprobs\":[{\"token\":\"x\",\"logprob\":-1}]")), DONE),
     TOP
     "\n0 end \"x\" logprobs {\"content\":[{\"token\":\"x\",\"logprob\":-1}],\"refusal\":null}\nusage\n"},
    {"a length that was reached", ANSWER(SAYS(WORDS("x", "")), SHORT("max_output_tokens")),
     TOP "\n0 length \"x\"\nusage\n"},
    {"a filter", ANSWER("", SHORT("content_filter")), TOP "\n0 filter\nusage\n"},
    {"what hosted tools did",
     ANSWER(
         "{\"type\":\"web_search_call\",\"id\":\"ws_1\",\"status\":\"completed\",\"action\":{"
         "\"type\":\"search\",\"queries\":[\"q\"]}},5,{\"type\":\"web_search_call\",\"id\":"
         "\"ws_2\",\"status\":\"failed\",\"action\":{\"type\":\"open_page\",\"url\":"
         "\"https://u\"}},{\"type\":\"image_generation_call\"}," SAYS(WORDS("x", "")),
         DONE),
     TOP
     "\n0 end hosted:search:ws_1(q)= hosted:fetch:ws_2(https://u)!unavailable found:https://u "
     "\"x\"\nusage searches=1 fetches=1\n"},
};

START_TEST(answers_are_understood)
{
    ck_assert(dialect_responses.read_reply(&translation,
                                           parsed_span(span_of_text(reads[_i].in)), &reply));
    spell_reply(&reply, &said);
    ck_assert_msg(span_find(buffer_span(&said), span_of_text(reads[_i].out)) != SIZE_MAX,
                  "%s:\n%.*s---- and not\n%s", reads[_i].name, SPAN_ARG(buffer_span(&said)),
                  reads[_i].out);
}

END_TEST

static const struct {
    const char *in, *out;
} complaints[] = {
    {"{\"status\":\"failed\",\"output\":[],\"error\":{\"code\":\"rate_limit_exceeded\","
     "\"message\":\"slow down\"}}",
     "rate_limit code=rate_limit_exceeded slow down\n"},
    {"{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\","
     "\"message\":\"too long\"}}",
     "context_length code=context_length_exceeded too long\n"},
};

START_TEST(an_answer_that_failed_is_a_complaint)
{
    ck_assert(!dialect_responses.read_reply(
        &translation, parsed_span(span_of_text(complaints[_i].in)), &reply));
    spell_complaint(&translation.refusal, &said);
    ck_assert_msg(span_eq(buffer_span(&said), span_of_text(complaints[_i].out)), "%.*s",
                  SPAN_ARG(buffer_span(&said)));
}

END_TEST

START_TEST(an_answer_without_output_is_bad)
{
    ck_assert(!dialect_responses.read_reply(&translation, parsed_span(SPAN("{\"id\":\"x\"}")),
                                            &reply));
    ck_assert_int_eq(translation.refusal.kind, COMPLAINT_bad_answer);
}

END_TEST

/* ---- what a client gets ------------------------------------------------------------------ */

static struct json_value written(void)
{
    struct json_writer json;

    buffer_clear(&said);
    json_write_init(&json, &said);
    dialect_responses.write_reply(&translation, &reply, &json);
    return parsed_span(buffer_span(&said));
}

/* What was read is written such that it is read again as the same. */
START_TEST(answers_survive_the_way_through)
{
    struct reply again = {.created = 0};
    struct span body;
    struct text tier;

    ck_assert(dialect_responses.read_reply(&translation,
                                           parsed_span(span_of_text(reads[_i].in)), &reply));
    (void)written();
    body = arena_copy(&arena, buffer_span(&said));
    usage_init(&again.usage);
    ck_assert_msg(dialect_responses.read_reply(&translation, parsed_span(body), &again), "%.*s",
                  SPAN_ARG(body));
    tier = reply.service_tier;
    again.service_tier = tier; /* it is the request's word in this dialect */
    for (uint64_t *count = &reply.usage.input; count <= &reply.usage.tool_input; count++)
        *count = usage_or_zero(*count);
    for (uint64_t *count = &again.usage.input; count <= &again.usage.tool_input; count++)
        *count = usage_or_zero(*count);
    buffer_clear(&said);
    spell_reply(&reply, &said);
    body = arena_copy(&arena, buffer_span(&said));
    buffer_clear(&said);
    spell_reply(&again, &said);
    ck_assert_msg(span_eq(buffer_span(&said), body), "%s:\n%.*s---- and not\n%.*s",
                  reads[_i].name, SPAN_ARG(buffer_span(&said)), SPAN_ARG(body));
}

END_TEST

static struct block *say(enum block_kind kind)
{
    if (!reply.choices)
        reply_add_choice(&reply, &arena);
    return choice_add_block(reply.choices, kind, &arena);
}

START_TEST(an_answer_has_all_that_clients_look_for)
{
    static const char *const members[] = {
        "id",
        "object",
        "created_at",
        "status",
        "error",
        "background",
        "incomplete_details",
        "instructions",
        "model",
        "output",
        "max_output_tokens",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "truncation",
        "usage",
        "user",
        "metadata",
        "previous_response_id",
        "top_logprobs",
    };
    struct json_value body;

    say(BLOCK_text)->text = TEXT("x");
    body = written();
    for (unsigned i = 0; i < ARRAY_LEN(members); i++)
        ck_assert_msg(json_member(body, span_of_text(members[i])).kind != JSON_ABSENT, "%s",
                      members[i]);
}

END_TEST

START_TEST(signatures_of_others_are_packed)
{
    struct block *thought = say(BLOCK_reasoning), *call = say(BLOCK_tool_call);

    thought->text = TEXT("t");
    thought->signature = TEXT("SIG=");
    thought->origin = DIALECT_anthropic;
    call->id = TEXT("c1");
    call->name = TEXT("f");
    call->signature = TEXT("QUJD");
    call->origin = DIALECT_gemini;
    (void)written();
    ck_assert(span_find(buffer_span(&said),
                        SPAN("\"encrypted_content\":\"aigw.anthropic.SIG=\"")) != SIZE_MAX);
    ck_assert(span_find(buffer_span(&said), SPAN("\"call_id\":\"c1__thought__QUJD\"")) !=
              SIZE_MAX);
    ck_assert(span_find(buffer_span(&said), SPAN("\"arguments\":\"{}\"")) != SIZE_MAX);
}

END_TEST

START_TEST(a_custom_tool_gets_its_text_out_of_an_object)
{
    struct block *call = say(BLOCK_tool_call);

    call->id = TEXT("c1");
    call->name = TEXT("sql");
    call->input = parsed_span(SPAN("{\"input\":\"SELECT \\\"1\\\"\"}"));
    (void)written();
    ck_assert_msg(span_find(buffer_span(&said),
                            SPAN("\"type\":\"custom_tool_call\",\"status\":\"completed\","
                                 "\"call_id\":\"c1\",\"name\":\"sql\","
                                 "\"input\":\"SELECT \\\"1\\\"\"")) != SIZE_MAX,
                  "%.*s", SPAN_ARG(buffer_span(&said)));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("responses_reply");
    TCase *tests = tcase_create("responses_reply");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, answers_are_understood, 0, (int)ARRAY_LEN(reads));
    tcase_add_loop_test(tests, answers_survive_the_way_through, 0, (int)ARRAY_LEN(reads));
    tcase_add_loop_test(tests, an_answer_that_failed_is_a_complaint, 0,
                        (int)ARRAY_LEN(complaints));
    tcase_add_test(tests, an_answer_without_output_is_bad);
    tcase_add_test(tests, an_answer_has_all_that_clients_look_for);
    tcase_add_test(tests, signatures_of_others_are_packed);
    tcase_add_test(tests, a_custom_tool_gets_its_text_out_of_an_object);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
