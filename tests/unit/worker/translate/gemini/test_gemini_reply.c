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
static struct buffer out;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    chat = (struct chat){.dialect = DIALECT_gemini};
    translation.chat = &chat;
    reply = (struct reply){.created = 0};
    usage_init(&reply.usage);
    buffer_init(&out, 1 << 20);
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

static bool read_answer(const char *text)
{
    return dialect_gemini.read_reply(&translation, parsed(text), &reply);
}

/* What came, or what was complained of; and the same for a client of this dialect. */
static const struct {
    const char *name, *in, *out, *written;
} rows[] = {
    {"a text",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
     "\"hi\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"modelVersion\":\"m"
     "\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end \"hi\"\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hi\"}],\"role\":"
     "\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{"
     "\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0}"
     ",\"modelVersion\":\"m\",\"responseId\":\"r\"}"},
    {"T66: thoughts are output",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
     "\"x\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"pr"
     "omptTokenCount\":10,\"candidatesTokenCount\":12,\"thoughtsTokenCount\":5"
     ",\"totalTokenCount\":27},\"modelVersion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end \"x\"\nusage input=10 output=17 reasoning="
     "5\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role\":\"m"
     "odel\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"pro"
     "mptTokenCount\":10,\"candidatesTokenCount\":12,\"totalTokenCount\":27,"
     "\"thoughtsTokenCount\":5},\"modelVersion\":\"m\",\"responseId\":\"r\"}"},
    {"T66: no candidatesTokenCount is none",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
     "\"x\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"pr"
     "omptTokenCount\":10,\"cachedContentTokenCount\":4,\"toolUsePromptTokenCo"
     "unt\":3,\"promptTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":"
     "2}]},\"modelVersion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end \"x\"\nusage input=13 output=0 cached=4 au"
     "dio_input=2 tool_input=3\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role\":\"m"
     "odel\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"pro"
     "mptTokenCount\":10,\"candidatesTokenCount\":0,\"totalTokenCount\":13,\"c"
     "achedContentTokenCount\":4,\"toolUsePromptTokenCount\":3,\"promptTokens"
     "Details\":[{\"modality\":\"AUDIO\",\"tokenCount\":2}]},\"modelVersion"
     "\":\"m\",\"responseId\":\"r\"}"},
    {"T70: a call ends with STOP",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"function"
     "Call\":{\"name\":\"f\",\"args\":{\"a\":1}}}]},\"finishReason\":\"STOP\","
     "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 tool call:call_MdnuJDaDEiHjvAfURiMDKJAU:f{\"a"
     "\":1}\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"ca"
     "ll_MdnuJDaDEiHjvAfURiMDKJAU\",\"name\":\"f\",\"args\":{\"a\":1}}}],\"rol"
     "e\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata"
     "\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount"
     "\":0},\"modelVersion\":\"m\",\"responseId\":\"r\"}"},
    {"T45: a call without arguments and id",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"function"
     "Call\":{\"name\":\"read_theme\"}}]},\"finishReason\":\"STOP\",\"index\":"
     "0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 tool call:call_MdnuJDaDEiHjvAfURiMDKJAU:read_t"
     "heme{}\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"ca"
     "ll_MdnuJDaDEiHjvAfURiMDKJAU\",\"name\":\"read_theme\",\"args\":{}}}],\"r"
     "ole\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata"
     "\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount"
     "\":0},\"modelVersion\":\"m\",\"responseId\":\"r\"}"},
    {"T60: one signature of two calls, and an empty text that has one",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"function"
     "Call\":{\"id\":\"1\",\"name\":\"f\"},\"thoughtSignature\":\"QUJD\"},{\"f"
     "unctionCall\":{\"id\":\"2\",\"name\":\"g\"}},{\"text\":\"\",\"thoughtSig"
     "nature\":\"REVG\"}]},\"finishReason\":\"STOP\",\"index\":0}],\"modelVers"
     "ion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 tool call:1:f{} signed:gemini:QUJD call:2:g{} "
     "\"\" signed:gemini:REVG\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"1"
     "\",\"name\":\"f\",\"args\":{}},\"thoughtSignature\":\"QUJD\"},{\"functio"
     "nCall\":{\"id\":\"2\",\"name\":\"g\",\"args\":{}}},{\"text\":\"\",\"thou"
     "ghtSignature\":\"REVG\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","
     "\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":0,\"candidatesToke"
     "nCount\":0,\"totalTokenCount\":0},\"modelVersion\":\"m\",\"responseId\":"
     "\"r\"}"},
    {"a thought",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
     "\"t\",\"thought\":true},{\"text\":\"x\"}]},\"finishReason\":\"STOP\",\"i"
     "ndex\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end reasoning\"t\" \"x\"\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"t\",\"thought\":tr"
     "ue},{\"text\":\"x\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"in"
     "dex\":0}],\"usageMetadata\":{\"promptTokenCount\":0,\"candidatesTokenCou"
     "nt\":0,\"totalTokenCount\":0},\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}"},
    {"T70: filtered, an empty content",
     "{\"candidates\":[{\"content\":{},\"finishReason\":\"SAFETY\"}]}",
     " created 0\n0 filter\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"finish"
     "Reason\":\"SAFETY\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount"
     "\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"responseId\":"
     "\"resp_MdnuJDaDEiHjvAfURiMDKJAU\"}"},
    {"T70: cut while thinking",
     "{\"candidates\":[{\"content\":{\"role\":\"model\"},\"finishReason\":\"MA"
     "X_TOKENS\",\"index\":0}]}",
     " created 0\n0 length\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"finish"
     "Reason\":\"MAX_TOKENS\",\"index\":0}],\"usageMetadata\":{\"promptTokenCo"
     "unt\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"responseId"
     "\":\"resp_MdnuJDaDEiHjvAfURiMDKJAU\"}"},
    {"T70: a blocked prompt", "{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}",
     " created 0\n0 filter\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[],\"role\":\"model\"},\"finish"
     "Reason\":\"SAFETY\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount"
     "\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"responseId\":"
     "\"resp_MdnuJDaDEiHjvAfURiMDKJAU\"}"},
    {"T70: an unknown reason",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
     "\"x\"}]},\"finishReason\":\"SOMETHING_NEW\",\"index\":0}],\"modelVersion"
     "\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end \"x\"\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role\":\"m"
     "odel\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"pro"
     "mptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"mo"
     "delVersion\":\"m\",\"responseId\":\"r\"}"},
    {"a failed generation that brought something",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
     "\"x\"}]},\"finishReason\":\"OTHER\",\"index\":0}],\"modelVersion\":\"m"
     "\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end \"x\"\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role\":\"m"
     "odel\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"pro"
     "mptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"mo"
     "delVersion\":\"m\",\"responseId\":\"r\"}"},
    {"T28: choices without numbers",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishRea"
     "son\":\"STOP\"},{\"content\":{\"parts\":[{\"text\":\"b\"}]},\"finishReas"
     "on\":\"STOP\"}]}",
     " created 0\n0 end \"a\"\n1 end \"b\"\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role\":\"m"
     "odel\"},\"finishReason\":\"STOP\",\"index\":0},{\"content\":{\"parts\":["
     "{\"text\":\"b\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index"
     "\":1}],\"usageMetadata\":{\"promptTokenCount\":0,\"candidatesTokenCount"
     "\":0,\"totalTokenCount\":0},\"responseId\":\"resp_MdnuJDaDEiHjvAfURiMDKJ"
     "AU\"}"},
    {"T29: probabilities",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
     "\"Hello\"}]},\"finishReason\":\"STOP\",\"index\":0,\"logprobsResult\":{"
     "\"chosenCandidates\":[{\"token\":\"Hello\",\"logProbability\":-0.00001}]"
     ",\"topCandidates\":[{\"candidates\":[{\"token\":\"Hi\",\"logProbability"
     "\":-2}]}]}}],\"modelVersion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end \"Hello\" logprobs {\"content\":[{\"token"
     "\":\"Hello\",\"logprob\":-0.00001,\"bytes\":[72,101,108,108,111],\"top_l"
     "ogprobs\":[{\"token\":\"Hi\",\"logprob\":-2,\"bytes\":[72,105]}]}],\"r"
     "efusal\":null}\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello\"}],\"role"
     "\":\"model\"},\"finishReason\":\"STOP\",\"index\":0,\"logprobsResult\":{"
     "\"chosenCandidates\":[{\"token\":\"Hello\",\"logProbability\":-0.00001}]"
     ",\"topCandidates\":[{\"candidates\":[{\"token\":\"Hi\",\"logProbability"
     "\":-2}]}]}}],\"usageMetadata\":{\"promptTokenCount\":0,\"candidatesToken"
     "Count\":0,\"totalTokenCount\":0},\"modelVersion\":\"m\",\"responseId\":"
     "\"r\"}"},
    {"an image",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"inlineDa"
     "ta\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}]},\"finishReason\":"
     "\"STOP\",\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end image:data:image/png:AAAA\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"inlineData\":{\"mimeType\":"
     "\"image/png\",\"data\":\"AAAA\"}}],\"role\":\"model\"},\"finishReason\":"
     "\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":0,\"candi"
     "datesTokenCount\":0,\"totalTokenCount\":0},\"modelVersion\":\"m\",\"resp"
     "onseId\":\"r\"}"},
    {"code that was run",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"executab"
     "leCode\":{\"language\":\"PYTHON\",\"code\":\"1\"}},{\"codeExecutionResul"
     "t\":{\"outcome\":\"OUTCOME_OK\",\"output\":\"2\"}}]},\"finishReason\":"
     "\"STOP\",\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end hosted:code(1)=2\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"executableCode\":{\"language"
     "\":\"PYTHON\",\"code\":\"1\"}},{\"codeExecutionResult\":{\"outcome\":\"OU"
     "TCOME_OK\",\"output\":\"2\"}}],\"role\":\"model\"},\"finishRea"
     "son\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":0,"
     "\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"modelVersion\":\"m"
     "\",\"responseId\":\"r\"}"},
    {"links",
     "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":"
     "\"x\\u00e9y\"}]},\"finishReason\":\"STOP\",\"index\":0,\"groundingMetadata\":{"
     "\"groundingChunks\":[{\"web\":{\"uri\":\"https://a.example\",\"title\":"
     "\"A\"}}]},\"citationMetadata\":{\"citationSources\":[{\"startIndex\":1,"
     "\"endIndex\":4,\"uri\":\"https://b.example\"}]}}],\"modelVersion\":\"m"
     "\",\"responseId\":\"r\"}",
     "id r model m created 0\n0 end \"x\\u00e9y\" cites:https://b.example<1-3> ci"
     "tes:https://a.example:A\nusage\n",
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\\u00e9y\"}],\"role"
     "\":\"model\"},\"finishReason\":\"STOP\",\"index\":0,\"groundingMetadata\":"
     "{\"groundingChunks\":[{\"web\":{\"uri\":\"https://b.example\"}},{\"web\":{"
     "\"uri\":\"https://a.example\",\"title\":\"A\"}}],\"groundingSupports\":[{"
     "\"segment\":{\"startIndex\":1,\"endIndex\":4,\"text\":\"\xc3\xa9y\"},\"gro"
     "undingChunkIndices\":[0]},{\"segment\":{\"startIndex\":0,\"endIndex\":4,"
     "\"text\":\"x\xc3\xa9y\"},\"groundingChunkIndices\":[1]}]}}],\"usageMeta"
     "data\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCo"
     "unt\":0},\"modelVersion\":\"m\",\"responseId\":\"r\"}"},
    {"nothing at all", "{}", "bad_answer The provider's answer has no candidates.\n",
     "{\"error\":{\"code\":502,\"message\":\"The provider's answer has no cand"
     "idates.\",\"status\":\"UNAVAILABLE\"}}"},
    {"nothing but a failure",
     "{\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}",
     "internal The provider's generation failed: nothing came of it.\n",
     "{\"error\":{\"code\":500,\"message\":\"The provider's generation failed:"
     " nothing came of it.\",\"status\":\"INTERNAL\"}}"},
    {"an error",
     "{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE"
     "\"}}",
     "overloaded busy\n",
     "{\"error\":{\"code\":503,\"message\":\"busy\",\"status\":\"UNAVAILABLE"
     "\"}}"},
    {"no object", "[{\"error\":{\"code\":404,\"message\":\"m\",\"status\":\"NOT_FOUND\"}}]",
     "not_found m\n", "{\"error\":{\"code\":404,\"message\":\"m\",\"status\":\"NOT_FOUND\"}}"},
    {"members of other kinds",
     "{\"candidates\":[{\"content\":[],\"finishReason\":3},{\"content\":{\"par"
     "ts\":{\"a\":1}}},7],\"usageMetadata\":[],\"modelVersion\":4}",
     "bad_answer The provider's answer has nothing in it.\n",
     "{\"error\":{\"code\":502,\"message\":\"The provider's answer has nothing"
     " in it.\",\"status\":\"UNAVAILABLE\"}}"},
};

START_TEST(answers_are_read)
{
    if (read_answer(rows[_i].in))
        spell_reply(&reply, &out);
    else
        spell_complaint(&translation.refusal, &out);
    is_out(rows[_i].name, rows[_i].out);
}

END_TEST

START_TEST(answers_are_written)
{
    struct json_writer json;
    bool good = read_answer(rows[_i].in);

    json_write_init(&json, &out);
    if (good)
        dialect_gemini.write_reply(&translation, &reply, &json);
    else
        (void)dialect_gemini.write_complaint(&translation.refusal, &json);
    is_out(rows[_i].name, rows[_i].written);
}

END_TEST

START_TEST(a_complaint_says_when_to_come_again)
{
    struct complaint complaint = {
        .kind = COMPLAINT_rate_limit, .message = TEXT("slow"), .retry_after_ms = 34400};
    struct json_writer json;

    json_write_init(&json, &out);
    ck_assert_uint_eq(dialect_gemini.write_complaint(&complaint, &json), 429);
    is_out("a complaint",
           "{\"error\":{\"code\":429,\"message\":\"slow\",\"status\":\"RESOURCE_EXHAUSTED\","
           "\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\","
           "\"retryDelay\":\"35s\"}]}}");
}

END_TEST

START_TEST(a_custom_tool_gets_its_text_back)
{
    struct tool *tool = chat_add_tool(&chat, TOOL_CUSTOM, &arena);

    tool->name = TEXT("sql");
    ck_assert(read_answer("{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":"
                          "\"1\",\"name\":\"sql\",\"args\":{\"input\":\"SELECT 1\"}}}]},"
                          "\"finishReason\":\"STOP\"}]}"));
    ck_assert(reply.choices->blocks->custom);
    ck_assert(text_eq(reply.choices->blocks->arguments, TEXT("SELECT 1")));
}

END_TEST

static const struct {
    const char *data;
    bool finished, failed;
    uint64_t input, output;
} taps[] = {
    {"{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]}}]}", false, false,
     TOKENS_UNKNOWN, TOKENS_UNKNOWN},
    {"{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":3,"
     "\"candidatesTokenCount\":4,\"thoughtsTokenCount\":5}}",
     true, false, 3, 9},
    {"{\"usageMetadata\":{\"trafficType\":\"ON_DEMAND\"}}", false, false, TOKENS_UNKNOWN,
     TOKENS_UNKNOWN},
    {"{\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}", true, false, TOKENS_UNKNOWN,
     TOKENS_UNKNOWN},
    {"{\"error\":{\"code\":503}}", false, true, TOKENS_UNKNOWN, TOKENS_UNKNOWN},
    {"{\"usageMetadata", false, false, TOKENS_UNKNOWN, TOKENS_UNKNOWN},
};

START_TEST(a_stream_that_passes_tells_its_usage)
{
    struct stream_tap tap = {.finished = false};
    struct sse_record record = {.data = span_of_text(taps[_i].data), .has_data = true};

    usage_init(&tap.usage);
    ck_assert(!dialect_gemini.tap_record(&tap, &record));
    ck_assert_int_eq(tap.finished, taps[_i].finished);
    ck_assert_int_eq(tap.failed, taps[_i].failed);
    ck_assert_uint_eq(tap.usage.input, taps[_i].input);
    ck_assert_uint_eq(tap.usage.output, taps[_i].output);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/gemini/reply");
    TCase *cases = tcase_create("reply");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, answers_are_read, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(cases, answers_are_written, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(cases, a_stream_that_passes_tells_its_usage, 0, ARRAY_LEN(taps));
    tcase_add_test(cases, a_complaint_says_when_to_come_again);
    tcase_add_test(cases, a_custom_tool_gets_its_text_back);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
