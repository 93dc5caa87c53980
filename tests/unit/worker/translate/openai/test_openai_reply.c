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
    chat = (struct chat){.dialect = DIALECT_openai};
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

static bool read_answer(const char *body)
{
    return dialect_openai.read_reply(&translation, parsed(body), &reply);
}

#define ANSWER(message, rest)                                                                      \
    "{\"id\":\"c1\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{" message \
    "}" rest "}]}"
#define STOP ",\"finish_reason\":\"stop\""
#define TOP  "id c1 model m created 5\n"

static const struct {
    const char *name, *in, *out;
} rows[] = {
    {"words", ANSWER("\"role\":\"assistant\",\"content\":\"Hi\",\"refusal\":null", STOP),
     TOP "0 end \"Hi\"\nusage\n"},
    {"usage in all its parts",
     "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"length\"}],\"service_tier\":"
     "\"default\",\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":8,\"total_tokens\":17,"
     "\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":2},"
     "\"completion_tokens_details\":{\"reasoning_tokens\":5}}}",
     " created 0 tier default\n0 length \"x\"\n"
     "usage input=9 output=8 cached=4 cache_write=2 reasoning=5\n"},
    {"xAI's completion is without its reasoning",
     "{\"choices\":[{\"message\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":12,"
     "\"completion_tokens\":1,\"total_tokens\":241,\"completion_tokens_details\":"
     "{\"reasoning_tokens\":228}}}",
     " created 0\n0 end \"x\"\nusage input=12 output=229 reasoning=228\n"},
    {"DeepSeek's cache, Moonshot's place",
     "{\"choices\":[{\"message\":{\"content\":\"x\"},\"usage\":{\"prompt_tokens\":7,"
     "\"prompt_cache_hit_tokens\":3}}]}",
     " created 0\n0 end \"x\"\nusage input=7 cached=3\n"},
    {"reasoning by any name",
     "{\"choices\":[{\"message\":{\"reasoning_content\":\"a\",\"content\":\"x\"}},{\"index\":1,"
     "\"message\":{\"reasoning\":\"b\"}},{\"message\":{\"reasoning_details\":[{\"text\":\"c\"},"
     "{\"summary\":\"d\"}]}},{\"message\":{\"content\":[{\"type\":\"thinking\",\"thinking\":"
     "[{\"type\":\"text\",\"text\":\"e\"}]},{\"type\":\"text\",\"text\":\"f\"}]}}]}",
     " created 0\n0 end reasoning\"a\" \"x\"\n1 end reasoning\"b\"\n2 end reasoning\"cd\"\n"
     "3 end reasoning\"e\" \"f\"\nusage\n"},
    {"reasoning with signatures",
     ANSWER(
         "\"content\":null,\"reasoning_content\":\"t\",\"thinking_blocks\":[{\"type\":\"thinking\","
         "\"thinking\":\"t\",\"signature\":\"S\"},{\"type\":\"redacted_thinking\",\"data\":\"X\"}]",
         STOP),
     TOP "0 end reasoning\"t\" signed:anthropic:S reasoning\"\" redacted "
         "signed:anthropic:X\nusage\n"},
    {"calls in odd spellings, a forced one that ends with stop",
     ANSWER(
         "\"content\":\"\",\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":"
         "null}},{\"id\":\"b__thought__QUJD\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}},"
         "{\"id\":\"c\",\"custom\":{\"name\":\"sql\",\"input\":\"S\"}},{\"id\":\"d\",\"function\":"
         "{\"name\":\"sql\",\"arguments\":\"{\\\"input\\\":\\\"T\\\"}\"}}]",
         STOP),
     TOP "0 tool call:a:f call:b:f{\"x\":1} signed:gemini:QUJD custom:c:sql=S "
         "custom:d:sql=T\nusage\n"},
    {"a refusal, citations, images, sound",
     "{\"choices\":[{\"message\":{\"content\":\"x\",\"refusal\":\"no\",\"annotations\":[{\"type\":"
     "\"url_citation\",\"url_citation\":{\"url\":\"https://u\",\"title\":\"t\"}}],\"images\":[{\"type\":"
     "\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA\"}}]}},{\"message\":{\"content\":"
     "null,\"audio\":{\"id\":\"a\",\"transcript\":\"spoken\"}}}]}",
     " created 0\n0 end \"x\" cites:https://u:t refusal\"no\" image:data:image/png:AA\n"
     "1 end \"spoken\"\nusage\n"},
    {"the sequence that vLLM met", ANSWER("\"content\":\"x\"", STOP ",\"stop_reason\":\"END\""),
     TOP "0 sequence:END \"x\"\nusage\n"},
    {"a filter that left nothing", ANSWER("", ",\"finish_reason\":\"sensitive\""),
     TOP "0 filter\nusage\n"},
    {"a reason that nobody knows", ANSWER("\"content\":\"x\"", ",\"finish_reason\":\"new\""),
     TOP "0 end \"x\"\nusage\n"},
};

START_TEST(understands)
{
    ck_assert_msg(read_answer(rows[_i].in), "%s", rows[_i].name);
    spell_reply(&reply, &said);
    ck_assert_msg(span_eq(buffer_span(&said), span_of_text(rows[_i].out)),
                  "%s:\n%.*s---- and not\n%s", rows[_i].name, SPAN_ARG(buffer_span(&said)),
                  rows[_i].out);
}

END_TEST

static const struct {
    const char *in;
    enum complaint_kind kind;
} unusable[] = {
    {"{}", COMPLAINT_bad_answer},
    {"[]", COMPLAINT_bad_answer},
    {"{\"choices\":[]}", COMPLAINT_bad_answer},
    {"{\"choices\":{}}", COMPLAINT_bad_answer},
    {"{\"choices\":[1]}", COMPLAINT_bad_answer},
    {"{\"error\":{\"message\":\"m\",\"code\":429}}", COMPLAINT_rate_limit},
    {"{\"choices\":null,\"base_resp\":{\"status_code\":1008,\"status_msg\":\"m\"}}",
     COMPLAINT_no_credit},
    {"{\"error_code\":18,\"error_msg\":\"m\"}", COMPLAINT_rate_limit},
    {"{\"choices\":[{\"message\":{},\"finish_reason\":\"error\"}]}", COMPLAINT_internal},
};

START_TEST(refuses_what_is_no_answer)
{
    ck_assert(!read_answer(unusable[_i].in));
    ck_assert_msg(translation.refusal.kind == unusable[_i].kind, "%s: %s", unusable[_i].in,
                  complaint_row(translation.refusal.kind)->name);
    ck_assert(translation.refusal.message.len > 0);
}

END_TEST

#define OUT(message, finish)                                                                     \
    "{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":5,\"model\":\"m\",\"choices\":[{" \
    "\"index\":0,\"message\":{\"role\":\"assistant\"," message                                   \
    "},\"logprobs\":null,\"finish_reason\":\"" finish "\"}]}"

static const struct {
    const char *name, *in, *out;
} written[] = {
    {"words in several blocks are one text",
     ANSWER(
         "\"content\":[{\"type\":\"text\",\"text\":\"The sky is \"},{\"type\":\"text\",\"text\":"
         "\"blue\"},{\"type\":\"text\",\"text\":\".\"}]",
         STOP),
     OUT("\"content\":\"The sky is blue.\",\"refusal\":null", "stop")},
    {"nothing at all", ANSWER("\"content\":null", STOP),
     OUT("\"content\":\"\",\"refusal\":null", "stop")},
    {"a call, without words",
     ANSWER("\"content\":\"\",\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\"}}]",
            STOP),
     OUT("\"content\":null,\"refusal\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\","
         "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]",
         "tool_calls")},
    {"reasoning and its signatures",
     ANSWER(
         "\"content\":\"x\",\"thinking_blocks\":[{\"thinking\":\"t\",\"signature\":\"aigw.gemini.QQ\"},"
         "{\"data\":\"X\"}]",
         STOP),
     OUT("\"content\":\"x\",\"refusal\":null,\"reasoning_content\":\"t\",\"thinking_blocks\":["
         "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"aigw.gemini.QQ\"},"
         "{\"type\":\"redacted_thinking\",\"data\":\"X\"}]",
         "stop")},
    {"signed and custom calls",
     ANSWER(
         "\"tool_calls\":[{\"id\":\"b__thought__QUJD\",\"function\":{\"name\":\"f\",\"arguments\":"
         "{\"x\":1}}},{\"id\":\"d\",\"function\":{\"name\":\"sql\",\"arguments\":"
         "\"{\\\"input\\\":\\\"T\\\"}\"}}]",
         ",\"finish_reason\":\"tool_calls\""),
     OUT("\"content\":null,\"refusal\":null,\"tool_calls\":[{\"id\":\"b__thought__QUJD\",\"type\":"
         "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"},\"extra_content\":"
         "{\"google\":{\"thought_signature\":\"QUJD\"}}},{\"id\":\"d\",\"type\":\"custom\",\"custom\":"
         "{\"name\":\"sql\",\"input\":\"T\"}}]",
         "tool_calls")},
    {"a citation without a place is about its text",
     ANSWER(
         "\"content\":\"\\u00e9\xc3\xa9\\ud83d\\ude00\",\"annotations\":[{\"type\":\"url_citation\","
         "\"url_citation\":{\"url\":\"https://u\"}}]",
         STOP),
     OUT("\"content\":\"\\u00e9\xc3\xa9\\ud83d\\ude00\",\"refusal\":null,\"annotations\":[{\"type\":"
         "\"url_citation\",\"url_citation\":{\"start_index\":0,\"end_index\":3,\"url\":\"https://u\","
         "\"title\":\"\"}}]",
         "stop")},
    {"a refusal", ANSWER("\"refusal\":\"no\"", STOP),
     OUT("\"content\":null,\"refusal\":\"no\"", "stop")},
};

START_TEST(writes_what_the_sdks_expect)
{
    struct json_writer json;

    ck_assert(read_answer(written[_i].in));
    json_write_init(&json, &said);
    dialect_openai.write_reply(&translation, &reply, &json);
    ck_assert_msg(span_eq(buffer_span(&said), span_of_text(written[_i].out)),
                  "%s:\n%.*s\n---- and not\n%s", written[_i].name, SPAN_ARG(buffer_span(&said)),
                  written[_i].out);
}

END_TEST

START_TEST(what_a_provider_left_out_is_made)
{
    struct json_writer json;

    ck_assert(read_answer("{\"choices\":[{\"message\":{\"content\":\"x\"}}],\"usage\":"
                          "{\"prompt_tokens\":1,\"completion_tokens\":2}}"));
    json_write_init(&json, &said);
    dialect_openai.write_reply(&translation, &reply, &json);
    ck_assert(span_find(buffer_span(&said), SPAN("{\"id\":\"chatcmpl-")) == 0);
    ck_assert(span_find(buffer_span(&said),
                        SPAN("\"created\":1700000000,\"model\":\"target\"")) != SIZE_MAX);
    ck_assert(span_find(buffer_span(&said),
                        SPAN("\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
                             "\"total_tokens\":3,")) != SIZE_MAX);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("openai reply");
    TCase *tests = tcase_create("openai reply");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, understands, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tests, refuses_what_is_no_answer, 0, ARRAY_LEN(unusable));
    tcase_add_loop_test(tests, writes_what_the_sdks_expect, 0, ARRAY_LEN(written));
    tcase_add_test(tests, what_a_provider_left_out_is_made);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
