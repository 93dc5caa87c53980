#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/hearing.h"
#include "worker/translate/dialect.h"

/* ---- what a provider's stream says ------------------------------------------------------- */

#define CHUNK(choices) \
    "data: {\"id\":\"c1\",\"created\":5,\"model\":\"m\",\"choices\":[" choices "]}\n\n"
#define DELTA(delta)   CHUNK("{\"index\":0,\"delta\":{" delta "},\"finish_reason\":null}")
#define FINISH(reason) CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}")
#define CALL(call)     DELTA("\"tool_calls\":[" call "]")
#define DONE           "data: [DONE]\n\n"
#define START          "start c1 m 5\n"

static const struct {
    const char *name, *in, *out;
} streams[] = {
    {"words and their usage",
     DELTA("\"role\":\"assistant\",\"content\":\"\"") DELTA("\"content\":\"Hi\"")
         DELTA("\"content\":\" you\\n\"") FINISH(
             "stop") "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
                     "\"completion_tokens\":2}}\n\n" DONE,
     START "open 0/0 text\n0 +\"Hi\"\n0 +\" you\\n\"\nclose 0\nstop 0 end\n"
           "usage input=3 output=2\nend\n"},
    {"reasoning by any name, then words",
     DELTA("\"content\":null,\"reasoning_content\":\"a\"") DELTA("\"reasoning\":\"b\"") DELTA(
         "\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"c\"}]}]")
         DELTA("\"content\":[{\"type\":\"text\",\"text\":\"d\"}]") FINISH("stop") DONE,
     START
     "open 0/0 reasoning\n0 +\"a\"\n0 +\"b\"\n0 +\"c\"\nclose 0\nopen 0/1 text\n1 +\"d\"\n"
     "close 1\nstop 0 end\nend\n"},
    {"thinking blocks give the signature",
     DELTA(
         "\"reasoning_content\":\"a\",\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"a\","
         "\"signature\":\"S\"}]")
         DELTA("\"thinking_blocks\":[{\"type\":\"redacted_thinking\",\"data\":\"X\"}]")
             FINISH("stop") DONE,
     START "open 0/0 reasoning\n0 +\"a\"\n0 signed:anthropic:S\nclose 0\nopen 0/1 reasoning "
           "redacted\n1 signed:anthropic:X\nclose 1\nstop 0 end\nend\n"},
    {"calls that are interleaved stay apart",
     CALL(
         "{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}")
         CALL(
             "{\"index\":1,\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}")
             CALL("{\"index\":0,\"function\":{\"arguments\":\"{1\"}}") CALL(
                 "{\"index\":1,\"function\":{\"arguments\":\"{2\"}}") FINISH("tool_calls") DONE,
     START "open 0/0 call a:f\nopen 0/1 call b:g\n0 +\"{1\"\n1 +\"{2\"\nclose 0\nclose 1\n"
           "stop 0 tool\nend\n"},
    {"the first index may be 1, the finish a plain stop",
     DELTA("\"content\":\"x\"")
         CALL("{\"index\":1,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}")
             CALL("{\"index\":1,\"function\":{\"arguments\":\"{}\"}}") FINISH("stop") DONE,
     START
     "open 0/0 text\n0 +\"x\"\nclose 0\nopen 0/1 call a:f\n1 +\"{}\"\nclose 1\nstop 0 tool\nend\n"},
    {"ids that come empty or as null, names that come empty",
     CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}") CALL(
         "{\"index\":0,\"id\":\"\",\"function\":{\"name\":\"\",\"arguments\":\"1\"}}")
         CALL("{\"index\":0,\"id\":\"null\",\"function\":{\"name\":\"\",\"arguments\":\"}\"}}")
             FINISH("tool_calls") DONE,
     START "open 0/0 call a:f\n0 +\"{\"\n0 +\"1\"\n0 +\"}\"\nclose 0\nstop 0 tool\nend\n"},
    {"a name that is told twice, arguments of null, then whole",
     CALL("{\"index\":0,\"id\":\"0\",\"function\":{\"name\":\"f\",\"arguments\":null}}")
         CALL("{\"index\":0,\"id\":\"0\",\"function\":{\"name\":\"f\"}}")
             CALL("{\"index\":0,\"id\":\"0\",\"function\":{\"arguments\":\"{}\"}}")
                 FINISH("tool_calls") DONE,
     START "open 0/0 call 0:f\n0 +\"{}\"\nclose 0\nstop 0 tool\nend\n"},
    {"no index at all, and one index for all",
     CALL("{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}")
         CALL("{\"function\":{\"arguments\":\"2\"}}") CALL(
             "{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"3\"}}")
             CALL(
                 "{\"index\":1,\"id\":\"c\",\"function\":{\"name\":\"h\",\"arguments\":\"4\"}}")
                 FINISH("tool_calls") DONE,
     START
     "open 0/0 call a:f\n0 +\"1\"\n0 +\"2\"\nopen 0/1 call b:g\n1 +\"3\"\nopen 0/2 call c:h\n"
     "2 +\"4\"\nclose 0\nclose 1\nclose 2\nstop 0 tool\nend\n"},
    {"a name that comes after the id",
     CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"arguments\":\"\"}}")
         CALL("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
             FINISH("tool_calls") DONE,
     START "open 0/0 call a:f\n0 +\"{}\"\nclose 0\nstop 0 tool\nend\n"},
    {"arguments as an object",
     CALL(
         "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":\"y\"}}}")
         FINISH("tool_calls") DONE,
     START
     "open 0/0 call a:f\n0 +\"{\\\"x\\\":\\\"y\\\"}\"\nclose 0\nstop 0 tool\nend\nrepaired\n"},
    {"a call without an id gets one",
     CALL("{\"index\":0,\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}")
         FINISH("tool_calls") DONE,
     START "open 0/0 call call_@:f\n0 +\"{}\"\nclose 0\nstop 0 tool\nend\nrepaired\n"},
    {"a call with its signature beside it",
     CALL(
         "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},\"extra_content\":"
         "{\"google\":{\"thought_signature\":\"QUJD\"}}}") FINISH("tool_calls") DONE,
     START "open 0/0 call a:f\n0 signed:gemini:QUJD\n0 +\"{}\"\nclose 0\nstop 0 tool\nend\n"},
    {"a custom tool's free text",
     CALL(
         "{\"index\":0,\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"sql\",\"input\":\"\"}}")
         CALL("{\"index\":0,\"custom\":{\"input\":\"SELECT\"}}") FINISH("tool_calls") DONE,
     START "open 0/0 call custom a:sql\n0 +\"SELECT\"\nclose 0\nstop 0 tool\nend\n"},
    {"empty content between the pieces of a call opens nothing",
     CALL("{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}")
         DELTA("\"content\":\"\"") CALL("{\"index\":0,\"function\":{\"arguments\":\"{}\"}}")
             FINISH("tool_calls") DONE,
     START "open 0/0 call a:f\n0 +\"{}\"\nclose 0\nstop 0 tool\nend\n"},
    {"Azure's first chunk is nobody's, notes on the finish change nothing",
     "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"prompt_filter_results\":[]}\n\n" DELTA(
         "\"content\":\"x\"")
         FINISH(
             "stop") "data: {\"id\":\"\",\"created\":0,\"model\":\"\",\"choices\":[{\"index\":0,\"finish_reason\":null,"
                     "\"content_filter_offsets\":{\"check_offset\":1}}]} \n\n" DONE,
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\nend\n"},
    {"a filter stops a stream",
     DELTA("\"content\":\"x\"") CHUNK("{\"index\":0,\"finish_reason\":\"content_filter\"}")
         DONE,
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 filter\nend\n"},
    {"usage in the finish chunk, by Groq's name, by Moonshot's place",
     DELTA(
         "\"content\":\"x\"") "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"usage\":"
                              "{\"prompt_tokens\":1}}],\"x_groq\":{\"usage\":{\"completion_tokens\":2}}}\n\n" DONE,
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\nusage input=1 output=2\nend\n"},
    {"xAI's completion is without its reasoning",
     DELTA("\"content\":\"x\"") FINISH(
         "stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":1,\"total_tokens\":241,"
                 "\"completion_tokens_details\":{\"reasoning_tokens\":228}}}\n\n" DONE,
     START
     "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\nusage input=12 output=229 reasoning=228\nend\n"},
    {"a finish that is told twice counts once",
     DELTA("\"content\":\"x\"") FINISH("stop") FINISH("stop")
         CHUNK("{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":null}") DONE,
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\nend\n"},
    {"the word null and nothing are no finish",
     CHUNK("{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"null\"}")
         CHUNK("{\"index\":0,\"delta\":{\"content\":\"y\"},\"finish_reason\":\"\"}")
             CHUNK("{\"index\":0,\"delta\":{\"content\":\"z\"}}") FINISH("eos") DONE,
     START "open 0/0 text\n0 +\"x\"\n0 +\"y\"\n0 +\"z\"\nclose 0\nstop 0 end\nend\n"},
    {"the sequence that vLLM met",
     DELTA("\"content\":\"x\"") CHUNK(
         "{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"stop_reason\":\"END\"}") DONE,
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 sequence:END\nend\n"},
    {"no id, no finish, but the end mark",
     "data: {\"id\":\"\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"x\","
     "\"tool_calls\":null}}]}\n\n" DONE,
     "start chatcmpl-@ target 1700000000\nopen 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\nend\nrepaired\n"},
    {"a finish, but no end mark", DELTA("\"content\":\"x\"") FINISH("length"),
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 length\nend\nrepaired\n"},
    {"a stream that is cut", DELTA("\"content\":\"x\""),
     START "open 0/0 text\n0 +\"x\"\nerror cut The provider's stream broke.\n"},
    {"a stream of nothing", DONE,
     "error bad_answer The provider's stream ended without an answer.\n"},
    {"a record that is no JSON", DELTA("\"content\":\"x\"") "data: {\"id\n\n" DONE,
     START "open 0/0 text\n0 +\"x\"\n"
           "error bad_answer The provider's stream has a record that is no JSON object.\n"},
    {"an error after a finish",
     DELTA("\"content\":\"x\"") FINISH(
         "length") "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{}}],\"error\":{\"code\":429,\"message\":"
                   "\"m\"}}\n\n" DONE,
     START "open 0/0 text\n0 +\"x\"\nclose 0\nstop 0 length\nerror rate_limit m\n"},
    {"an error by the event's name",
     "event: error\ndata: {\"error\":{\"message\":\"m\",\"code\":\"tool_use_failed\",\"status_code\":400}}\n\n",
     "error bad_request code=tool_use_failed m\n"},
    {"a provider that gives up",
     DELTA("\"content\":\"x\"") FINISH("insufficient_system_resource") DONE,
     START "open 0/0 text\n0 +\"x\"\nerror internal The provider failed while it answered.\n"},
    {"several choices",
     CHUNK("{\"index\":0,\"delta\":{\"content\":\"a\"}}")
         CHUNK("{\"index\":1,\"delta\":{\"content\":\"b\"}}")
             CHUNK("{\"index\":0,\"delta\":{\"content\":\"c\"},\"finish_reason\":\"stop\"}")
                 CHUNK("{\"index\":1,\"delta\":{},\"finish_reason\":\"length\"}") DONE,
     START
     "open 0/0 text\n0 +\"a\"\nopen 1/1 text\n1 +\"b\"\n0 +\"c\"\nclose 0\nstop 0 end\nclose 1\n"
     "stop 1 length\nend\n"},
    {"a refusal, citations, images",
     DELTA("\"refusal\":\"no\"") DELTA(
         "\"content\":\"x\",\"annotations\":[{\"type\":\"url_citation\","
         "\"url_citation\":{\"url\":\"https://u\",\"title\":\"t\",\"start_index\":0,\"end_index\":1}}]")
         DELTA(
             "\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\"}}]")
             FINISH("stop") DONE,
     START
     "open 0/0 refusal\n0 +\"no\"\nclose 0\nopen 0/1 text\n1 +\"x\"\n1 cites https://u:t<0-1>\nclose 1\n"
     "open 0/2 image:image/png:AA\nclose 2\nstop 0 end\nend\n"},
    {"probabilities come with their words",
     CHUNK("{\"index\":0,\"delta\":{\"content\":\"x\"},\"logprobs\":{\"content\":[]}}")
         FINISH("stop") DONE,
     START "open 0/0 text\n0 +\"x\" logprobs {\"content\":[]}\nclose 0\nstop 0 end\nend\n"},
    {"what is kept for the caller of the deprecated functions",
     DELTA("\"function_call\":{\"name\":\"f\",\"arguments\":\"\"}")
         DELTA("\"function_call\":{\"arguments\":\"{}\"}") FINISH("function_call") DONE,
     START "open 0/0 call call_@:f\n0 +\"{}\"\nclose 0\nstop 0 tool\nend\n"},
};

START_TEST(says_the_same_however_it_is_cut)
{
    struct span stream = span_of_text(streams[_i].in);

    for (size_t cut = 0; cut <= stream.len; cut++) {
        struct hearing hearing;

        hearing_init(&hearing, &dialect_openai, DIALECT_openai);
        hearing_feed(&hearing, span_of(stream.ptr, cut));
        hearing_feed(&hearing, span_skip(stream, cut));
        hearing_end(&hearing);
        if (hearing.reader.repaired)
            (void)buffer_append(&hearing.said, SPAN("repaired\n"));
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

    hearing_init(&hearing, &dialect_openai, DIALECT_openai);
    hearing_feed(&hearing, span_of_text(DELTA("\"content\":\"x\"")));
    before = hearing.arena.used_bytes;
    for (unsigned i = 0; i < 1000; i++)
        hearing_feed(&hearing, span_of_text(DELTA("\"content\":\"x\"")));
    ck_assert_uint_eq(hearing.arena.used_bytes, before);
    hearing_done(&hearing);
}

END_TEST

/* ---- what a client hears ----------------------------------------------------------------- */

#define HEAD \
    "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":5,\"model\":\"m\",\"choices\":["
#define SAID(delta) \
    HEAD "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":null}]}\n\n"
#define ROLE SAID("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null")
#define STOP(reason) \
    HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"" reason "\"}]}\n\n"

static const struct {
    const char *name, *in, *out;
    bool custom; /* the client knows the tool "sql" as one with free text */
} written[] = {
    {"words", DELTA("\"content\":\"Hi\\n\"") FINISH("stop") DONE,
     ROLE SAID("\"content\":\"Hi\\n\"") STOP("stop") DONE, false},
    {"reasoning and its signature",
     DELTA("\"reasoning\":\"a\"")
         DELTA("\"thinking_blocks\":[{\"type\":\"thinking\",\"signature\":\"S\"}]")
             FINISH("stop") DONE,
     ROLE SAID("\"reasoning_content\":\"a\"") SAID(
         "\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"S\"}]")
         STOP("stop") DONE,
     false},
    {"a call without arguments gets an empty object, once",
     CALL("{\"index\":3,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":null}}")
         FINISH("stop") DONE,
     ROLE SAID(
         "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
         "\"arguments\":\"\"}}]")
         SAID("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]")
             STOP("tool_calls") DONE,
     false},
    {"a signed call carries its signature beside it and in its id",
     CALL(
         "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"},\"extra_content\":"
         "{\"google\":{\"thought_signature\":\"QUJD\"}}}") FINISH("stop") DONE,
     ROLE SAID(
         "\"tool_calls\":[{\"index\":0,\"id\":\"a__thought__QUJD\",\"type\":\"function\",\"function\":"
         "{\"name\":\"f\",\"arguments\":\"\"},\"extra_content\":{\"google\":{\"thought_signature\":"
         "\"QUJD\"}}}]")
         SAID("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]")
             STOP("tool_calls") DONE,
     false},
    {"a custom tool that the provider knows as a function",
     CALL(
         "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"sql\",\"arguments\":\"{\\\"inp\"}}")
         CALL("{\"index\":0,\"function\":{\"arguments\":\"ut\\\":\\\"SELECT 1\\\"}\"}}")
             FINISH("stop") DONE,
     ROLE SAID(
         "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"custom\",\"custom\":{\"name\":\"sql\","
         "\"input\":\"\"}}]")
         SAID("\"tool_calls\":[{\"index\":0,\"custom\":{\"input\":\"SELECT 1\"}}]")
             STOP("tool_calls") DONE,
     true},
    {"an error is the last word", DELTA("\"content\":\"x\""),
     ROLE SAID(
         "\"content\":\"x\"") "data: {\"error\":{\"message\":\"The provider's stream broke.\",\"type\":\"api_error\",\"param\":null,"
                              "\"code\":\"provider_answer_cut\"}}\n\n",
     false},
};

static void pass_on(void *who, const struct event *event)
{
    event_write(who, event);
}

/* What a client of this dialect gets of STREAM. */
static void pass(struct hearing *hearing, const char *stream, bool wants_usage, bool custom)
{
    struct event_writer writer;

    hearing_init(hearing, &dialect_openai, DIALECT_openai);
    hearing->chat.wants_usage = wants_usage;
    if (custom)
        chat_add_tool(&hearing->chat, TOOL_CUSTOM, &hearing->arena)->name = TEXT("sql");
    event_writer_init(&writer, &dialect_openai, &hearing->translation, &hearing->said);
    hearing->reader.take = pass_on;
    hearing->reader.who = &writer;
    hearing_feed(hearing, span_of_text(stream));
    event_read_end(&hearing->reader);
    ck_assert(!hearing->said.failed);
}

START_TEST(writes_what_the_sdks_expect)
{
    struct hearing hearing;

    pass(&hearing, written[_i].in, false, written[_i].custom);
    ck_assert_msg(span_eq(buffer_span(&hearing.said), span_of_text(written[_i].out)),
                  "%s:\n%.*s---- and not\n%s", written[_i].name,
                  SPAN_ARG(buffer_span(&hearing.said)), written[_i].out);
    hearing_done(&hearing);
}

END_TEST

START_TEST(usage_has_a_chunk_of_its_own_for_those_who_asked)
{
    const char *stream = DELTA(
        "\"content\":\"x\"") "data: {\"id\":\"c1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
                             "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n" DONE;
    struct span last = SPAN(
        HEAD
        "],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,\"total_tokens\":3,"
        "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}}}\n\n" DONE);
    struct hearing hearing;

    pass(&hearing, stream, true, false);
    ck_assert_msg(span_ends(buffer_span(&hearing.said), last), "%.*s",
                  SPAN_ARG(buffer_span(&hearing.said)));
    ck_assert(span_find(buffer_span(&hearing.said), SPAN("]"
                                                         ",\"usage\":null}\n\n")) != SIZE_MAX);
    hearing_done(&hearing);
    pass(&hearing, stream, false, false);
    ck_assert(span_find(buffer_span(&hearing.said), SPAN("usage")) == SIZE_MAX);
    hearing_done(&hearing);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("openai stream");
    TCase *tests = tcase_create("openai stream");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(tests, says_the_same_however_it_is_cut, 0, ARRAY_LEN(streams));
    tcase_add_test(tests, a_long_stream_takes_no_more_memory);
    tcase_add_loop_test(tests, writes_what_the_sdks_expect, 0, ARRAY_LEN(written));
    tcase_add_test(tests, usage_has_a_chunk_of_its_own_for_those_who_asked);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
