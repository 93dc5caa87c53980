#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/hearing.h"
#include "worker/translate/dialect.h"

/* ---- what a provider's stream says ------------------------------------------------------- */

/* As providers that name their events twice, and as those that do it in the data only. */
#define NAMED(type, members) "event: " type "\ndata: {\"type\":\"" type "\"," members "}\n\n"
#define EVENT(type, members) "data: {\"type\":\"response." type "\"," members "}\n\n"
#define AT(index)            "\"output_index\":" #index ","
#define CREATED             \
    NAMED(                  \
        "response.created", \
        "\"sequence_number\":0,\"response\":{\"id\":\"resp_1\",\"created_at\":5,\"model\":\"m\"}")
#define ADDED(index, item) EVENT("output_item.added", AT(index) "\"item\":{" item "}")
#define OVER(index, item)  EVENT("output_item.done", AT(index) "\"item\":{" item "}")
#define PART(index, part, type) \
    EVENT("content_part.added", \
          AT(index) "\"content_index\":" #part ",\"part\":{\"type\":\"" type "\"}")
#define PART_OVER(index, part, members) \
    EVENT("content_part.done", AT(index) "\"content_index\":" #part ",\"part\":{" members "}")
#define TEXT_DELTA(index, part, words) \
    EVENT("output_text.delta",         \
          AT(index) "\"content_index\":" #part ",\"delta\":\"" words "\",\"logprobs\":[]")
#define CALL(index, id, name)                                                               \
    ADDED(index, "\"type\":\"function_call\",\"call_id\":\"" id "\",\"name\":\"" name "\"," \
                 "\"arguments\":\"\"")
#define ARGUMENTS(index, words) \
    EVENT("function_call_arguments.delta", AT(index) "\"delta\":\"" words "\"")
#define COMPLETED \
    EVENT("completed", "\"response\":{\"status\":\"completed\",\"incomplete_details\":null}")
#define INCOMPLETE(why) \
    EVENT("incomplete", "\"response\":{\"incomplete_details\":{\"reason\":\"" why "\"}}")
#define START "start resp_1 m 5\n"
#define LONG  TEXT_DELTA(0, 0, "x")

static const struct {
    const char *name, *in, *out;
} streams[] = {
    {"words and their usage",
     CREATED ADDED(0, "\"type\":\"message\",\"content\":[]") PART(0, 0, "output_text")
         TEXT_DELTA(0, 0, "Hi") TEXT_DELTA(0, 0, " you\\n")
             PART_OVER(0, 0, "\"type\":\"output_text\",\"text\":\"Hi you\\n\"")
                 OVER(0, "\"type\":\"message\"") EVENT(
                     "completed",
                     "\"response\":{\"usage\":{\"input_tokens\":9,\"input_tokens_details\":"
                     "{\"cached_tokens\":4},\"output_tokens\":3,\"output_tokens_details\":"
                     "{\"reasoning_tokens\":1}}}"),
     START
     "open 0/0 text\n0 +\"Hi\"\n0 +\" you\\n\"\nclose 0\nstop 0 end\nusage input=9 output=3 cached=4 reasoning=1\nend\n"},
    {"ids that change with every event do not matter",
     CREATED EVENT("output_item.added", AT(0) "\"item\":{\"id\":\"a\",\"type\":\"message\"}")
         EVENT("output_text.delta",
               "\"item_id\":\"b\"," AT(0) "\"content_index\":0,\"delta\":\"x\"")
             EVENT("output_text.delta",
                   "\"item_id\":\"c\"," AT(0) "\"content_index\":0,\"delta\":\"y\"")
                 EVENT("output_item.done", AT(0) "\"item\":{\"id\":\"d\",\"type\":\"message\"}")
                     COMPLETED,
     START "open 0/0 text\n0 +\"x\"\n0 +\"y\"\nclose 0\nstop 0 end\nusage\nend\n"},
    {"calls that are interleaved stay apart",
     CREATED CALL(0, "a", "f") CALL(1, "b", "g") ARGUMENTS(0, "{1") ARGUMENTS(1, "{2")
         ARGUMENTS(0, "}") OVER(0, "\"type\":\"function_call\",\"arguments\":\"{1}\"")
             OVER(1, "\"type\":\"function_call\",\"arguments\":\"{2\"") COMPLETED,
     START
     "open 0/0 call a:f\nopen 0/1 call b:g\n0 +\"{1\"\n1 +\"{2\"\n0 +\"}\"\nclose 0\nclose 1\nstop 0 tool\nusage\nend\n"},
    {"arguments that come only at the end",
     CREATED CALL(0, "a", "f") OVER(0, "\"type\":\"function_call\",\"arguments\":\"{1}\"")
         COMPLETED,
     START "open 0/0 call a:f\n0 +\"{1}\"\nclose 0\nstop 0 tool\nusage\nend\n"},
    {"a custom tool's free text",
     CREATED ADDED(
         0, "\"type\":\"custom_tool_call\",\"call_id\":\"a\",\"name\":\"sql\",\"input\":\"\"")
         EVENT("custom_tool_call_input.delta", AT(0) "\"delta\":\"SELECT\"")
             OVER(0, "\"type\":\"custom_tool_call\",\"input\":\"SELECT\"") COMPLETED,
     START "open 0/0 call custom a:sql\n0 +\"SELECT\"\nclose 0\nstop 0 tool\nusage\nend\n"},
    {"a summary in two parts and what is encrypted",
     CREATED ADDED(0, "\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"half\"")
         EVENT("reasoning_summary_part.added", AT(0) "\"summary_index\":0") EVENT(
             "reasoning_summary_text.delta", AT(0) "\"summary_index\":0,\"delta\":\"a\"")
             EVENT("reasoning_summary_part.added", AT(0) "\"summary_index\":1") EVENT(
                 "reasoning_summary_text.delta", AT(0) "\"summary_index\":1,\"delta\":\"b\"")
                 OVER(0, "\"type\":\"reasoning\",\"summary\":[],\"encrypted_content\":\"E\"")
                     COMPLETED,
     START
     "open 0/0 reasoning\n0 +\"a\"\n0 +\"\\n\\n\"\n0 +\"b\"\n0 signed:responses:E\nclose 0\nstop 0 end\nusage\nend\n"},
    {"reasoning that another provider signed",
     CREATED ADDED(0, "\"type\":\"reasoning\"") OVER(
         0, "\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"a\"}],"
            "\"encrypted_content\":\"aigw.anthropic.SIG=\"") COMPLETED,
     START
     "open 0/0 reasoning\n0 +\"a\"\n0 signed:anthropic:SIG=\nclose 0\nstop 0 end\nusage\nend\n"},
    {"reasoning as plain text",
     CREATED ADDED(0, "\"type\":\"reasoning\"") PART(0, 0, "reasoning_text")
         EVENT("reasoning_text.delta", AT(0) "\"content_index\":0,\"delta\":\"a\"") OVER(
             0,
             "\"type\":\"reasoning\",\"content\":[{\"type\":\"reasoning_text\",\"text\":\"a\"}]")
             COMPLETED,
     START "open 0/0 reasoning\n0 +\"a\"\nclose 0\nstop 0 end\nusage\nend\n"},
    {"a refusal",
     CREATED ADDED(0, "\"type\":\"message\"") PART(0, 0, "refusal")
         EVENT("refusal.delta", AT(0) "\"content_index\":0,\"delta\":\"no\"")
             PART_OVER(0, 0, "\"type\":\"refusal\",\"refusal\":\"no\"") COMPLETED,
     START "open 0/0 refusal\n0 +\"no\"\nclose 0\nstop 0 end\nusage\nend\n"},
    {"two parts of one message, of which one comes whole",
     CREATED PART(0, 0, "output_text") TEXT_DELTA(0, 0, "a")
         PART_OVER(0, 0, "\"type\":\"output_text\",\"text\":\"a\"") PART(0, 1, "output_text")
             PART_OVER(0, 1, "\"type\":\"output_text\",\"text\":\"b\"") COMPLETED,
     START
     "open 0/0 text\n0 +\"a\"\nclose 0\nopen 0/1 text\n1 +\"b\"\nclose 1\nstop 0 end\nusage\nend\n"},
    {"citations",
     CREATED PART(0, 0, "output_text") TEXT_DELTA(0, 0, "a")
         EVENT("output_text.annotation.added",
               AT(0) "\"content_index\":0,\"annotation\":{\"type\":\"url_citation\",\"url\":"
                     "\"https://u\"}")
             EVENT("output_text.annotation.added",
                   AT(0) "\"content_index\":0,\"annotation\":{\"type\":\"file_citation\"}")
                 COMPLETED,
     START "open 0/0 text\n0 +\"a\"\n0 cites https://u\nclose 0\nstop 0 end\nusage\nend\n"},
    {"probabilities come with their words",
     CREATED EVENT("output_text.delta",
                   AT(0) "\"content_index\":0,\"delta\":\"x\",\"logprobs\":[{\"token\":\"x\"}]")
         COMPLETED,
     START
     "open 0/0 text\n0 +\"x\" logprobs {\"content\":[{\"token\":\"x\"}],\"refusal\":null}\nclose 0\nstop 0 end\nusage\nend\n"},
    {"a length that was reached", CREATED LONG INCOMPLETE("max_output_tokens"),
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 length\nusage\nend\n"},
    {"a filter stops a stream", CREATED LONG INCOMPLETE("content_filter"),
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 filter\nusage\nend\n"},
    {"what hosted tools did; other items are passed over",
     CREATED ADDED(0, "\"type\":\"web_search_call\"") EVENT("web_search_call.searching",
                                                            AT(0) "\"x\":1")
         OVER(0, "\"type\":\"web_search_call\",\"id\":\"ws_1\",\"action\":{\"type\":"
                 "\"search\",\"query\":\"q\",\"sources\":[{\"type\":\"url\",\"url\":"
                 "\"https://u\"}]}")
             OVER(1, "\"type\":\"code_interpreter_call\",\"id\":\"ci_1\",\"code\":\"1\","
                     "\"outputs\":[{\"type\":\"logs\",\"logs\":\"2\"}]")
                 OVER(2, "\"type\":\"image_generation_call\"") TEXT_DELTA(3, 0, "x") COMPLETED,
     START
     "open 0/0 hosted hosted:search:ws_1(q)= found:https://u\nclose 0\nopen 0/1 hosted "
     "hosted:code:ci_1(1)=2\nclose 1\nopen 0/2 text\n2 +\"x\"\nclose 2\nstop 0 end\nusage "
     "searches=1\nend\n"},
    {"a generation that failed",
     CREATED LONG EVENT("failed", "\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
                                  "\"rate_limit_exceeded\",\"message\":\"slow down\"}}") LONG,
     START "open 0/0 text\n0 +\"x\"\nerror rate_limit code=rate_limit_exceeded slow down\n"},
    {"an error before everything else, flat",
     NAMED("error",
           "\"code\":\"rate_limit_exceeded\",\"message\":\"slow down\",\"param\":null"),
     "error rate_limit code=rate_limit_exceeded slow down\n"},
    {"an error with an object",
     CREATED NAMED("error", "\"error\":{\"type\":\"invalid_request_error\",\"code\":"
                            "\"context_length_exceeded\",\"message\":\"too long\"}"),
     START "error context_length code=context_length_exceeded too long\n"},
    {"a stream that is cut", CREATED LONG,
     START "open 0/0 text\n0 +\"x\"\nerror cut The provider's stream broke.\n"},
    {"an end mark that is no event", CREATED LONG "data: [DONE]\n\n",
     START "open 0/0 text\n0 +\"x\"\nerror cut The provider's stream broke.\n"},
    {"a stream of nothing", "", "error cut The provider's stream broke.\n"},
    {"a record that is no JSON", CREATED LONG "data: {\"type\n\n" COMPLETED,
     START
     "open 0/0 text\n0 +\"x\"\nerror bad_answer The provider's stream has a record that is no JSON object.\n"},
    {"a comment and an event that nobody knows",
     ": PROCESSING\n\n" CREATED EVENT("news", "\"x\":1") LONG COMPLETED "data: [DONE]\n\n",
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\nusage\nend\n"},
};

START_TEST(says_the_same_however_it_is_cut)
{
    struct span stream = span_of_text(streams[_i].in);

    for (size_t cut = 0; cut <= stream.len; cut++) {
        struct hearing hearing;

        hearing_init(&hearing, &dialect_responses, DIALECT_responses);
        hearing_feed(&hearing, span_of(stream.ptr, cut));
        hearing_feed(&hearing, span_skip(stream, cut));
        hearing_end(&hearing);
        ck_assert_msg(
            hearing_matches(buffer_span(&hearing.said), span_of_text(streams[_i].out)),
            "%s, cut at %zu:\n%.*s---- and not\n%s", streams[_i].name, cut,
            SPAN_ARG(buffer_span(&hearing.said)), streams[_i].out);
        hearing_done(&hearing);
    }
}

END_TEST

START_TEST(a_long_stream_takes_no_more_memory)
{
    struct hearing hearing;
    size_t before;

    hearing_init(&hearing, &dialect_responses, DIALECT_responses);
    hearing_feed(&hearing, span_of_text(LONG));
    before = hearing.arena.used_bytes;
    for (unsigned i = 0; i < 1000; i++)
        hearing_feed(&hearing, span_of_text(LONG));
    ck_assert_uint_eq(hearing.arena.used_bytes, before);
    hearing_done(&hearing);
}

END_TEST

/* ---- what is passed on unchanged --------------------------------------------------------- */

static const struct {
    const char *name, *in;
    bool finished, failed;
    uint64_t input;
} taps[] = {
    {"the end by its name",
     CREATED NAMED("response.completed", "\"response\":{\"usage\":{\"input_tokens\":3}}"), true,
     false, 3},
    {"the end in the data only",
     EVENT("completed", "\"response\":{\"usage\":{\"input_tokens\":3}}"), true, false, 3},
    {"an incomplete one", EVENT("incomplete", "\"response\":{\"usage\":{\"input_tokens\":4}}"),
     true, false, 4},
    {"a failed one", EVENT("failed", "\"response\":{\"usage\":null}"), true, true,
     TOKENS_UNKNOWN},
    {"an error", NAMED("error", "\"message\":\"m\""), false, true, TOKENS_UNKNOWN},
    {"words that speak of an end", CREATED TEXT_DELTA(0, 0, "response.completed"), false, false,
     TOKENS_UNKNOWN},
};

START_TEST(the_end_and_the_usage_of_a_stream_are_seen)
{
    struct stream_tap tap = {.finished = false};
    struct span rest = span_of_text(taps[_i].in);
    struct sse_framer framer;
    struct sse_record record;

    usage_init(&tap.usage);
    sse_init(&framer, 1 << 20);
    while (sse_next(&framer, &rest, &record) == SSE_RECORD)
        ck_assert(!dialect_responses.tap_record(&tap, &record));
    sse_done(&framer);
    ck_assert_msg(tap.finished == taps[_i].finished, "%s", taps[_i].name);
    ck_assert_msg(tap.failed == taps[_i].failed, "%s", taps[_i].name);
    ck_assert_uint_eq(tap.usage.input, taps[_i].input);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("responses_stream_read");
    TCase *tests = tcase_create("responses_stream_read");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, says_the_same_however_it_is_cut, 0, (int)ARRAY_LEN(streams));
    tcase_add_loop_test(tests, the_end_and_the_usage_of_a_stream_are_seen, 0,
                        (int)ARRAY_LEN(taps));
    tcase_add_test(tests, a_long_stream_takes_no_more_memory);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
