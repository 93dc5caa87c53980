#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

static struct arena arena;
static struct translation translation;
static struct chat chat;
static struct buffer out;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    chat = (struct chat){.dialect = DIALECT_responses};
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&out);
    arena_done(&arena);
}

static bool read_body(const char *body)
{
    return dialect_responses.read_chat(&translation, parsed(body), &chat);
}

static const struct {
    const char *name, *in, *out;
} reads[] = {
    {"a plain text", "{\"model\":\"m\",\"input\":\"hi\\n\"}", "user \"hi\\n\"\n"},
    {"instructions come first, wherever they stand",
     "{\"input\":[{\"role\":\"user\",\"content\":\"u\"}],\"instructions\":\"S\"}",
     "system \"S\"\nuser \"u\"\n"},
    {"an assistant's words and calls are one message, and so are their results",
     "{\"input\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":["
     "{\"type\":\"output_text\",\"text\":\"x\",\"annotations\":[]}]},"
     "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\",\"arguments\":\"{}\"},"
     "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"sql\",\"input\":\"SELECT 1\"},"
     "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":\"1\"},"
     "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c2\",\"output\":"
     "[{\"type\":\"input_text\",\"text\":\"2\"}]}]}",
     "assistant \"x\" call:c1:f={} custom:c2:sql=SELECT 1\n"
     "user result:c1[\"1\"] result:c2[\"2\"]\n"},
    {"reasoning of another provider comes back to its maker",
     "{\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[{\"type\":\"summary_text\","
     "\"text\":\"t\"}],\"encrypted_content\":\"aigw.anthropic.SIG=\"}]}",
     "assistant reasoning\"t\" signed:anthropic:SIG=\n"},
    {"names of members may be escaped", "{\"inp\\u0075t\":\"x\"}", "user \"x\"\n"},
    {"results with pictures in them",
     "{\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":["
     "{\"type\":\"input_text\",\"text\":\"see\"},{\"type\":\"input_image\",\"image_url\":"
     "\"data:image/png;base64,iVBO\"}]}]}",
     "user result:c[\"see\" image:data:image/png:iVBO]\n"},
    {"media of a user, and where the cached prefix ends",
     "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"file_id\":\"f1\","
     "\"detail\":\"low\"},{\"type\":\"input_file\",\"filename\":\"a.pdf\",\"file_data\":\"JVBE\"},"
     "{\"type\":\"input_file\",\"file_url\":\"https://x/a.pdf\"},{\"type\":\"input_text\","
     "\"text\":\"x\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}]}]}",
     "user image:file:f1 detail=low document:data:application/pdf:JVBE name=a.pdf "
     "document:url:application/pdf:https://x/a.pdf \"x\" cache\n"},
    {"signatures of calls in their ids, words and refusals of an assistant",
     "{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c__thought__QUJD\",\"name\":\"f\","
     "\"arguments\":\"{}\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"refusal\",\"refusal\":"
     "\"no\"}]},{\"type\":\"function_call_output\",\"call_id\":\"c__thought__QUJD\",\"output\":"
     "\"1\"}]}",
     "assistant call:c:f={} signed:gemini:QUJD refusal\"no\"\nuser result:c[\"1\"]\n"},
    {"tools, and those that are allowed",
     "{\"input\":\"x\",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
     "\"parameters\":{\"type\":\"object\"},\"strict\":true},{\"type\":\"custom\",\"name\":\"sql\","
     "\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"s\"}},"
     "{\"type\":\"web_search\"}],\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":\"auto\","
     "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]}}",
     "user \"x\"\ntool f \"d\" {\"type\":\"object\"} strict=yes\ncustom-tool sql "
     "{\"type\":\"grammar\",\"grammar\":{\"syntax\":\"lark\",\"definition\":\"s\"}}\n"
     "hosted-tool web_search {\"type\":\"web_search\"}\nchoice auto f\n"},
    {"settings",
     "{\"input\":\"x\",\"max_output_tokens\":8,\"temperature\":0.70,\"text\":{\"format\":{\"type\":"
     "\"json_schema\",\"name\":\"n\",\"schema\":{},\"strict\":false},\"verbosity\":\"low\"},"
     "\"include\":[\"message.output_text.logprobs\"],\"news\":[1],\"user\":null}",
     "user \"x\"\nformat schema name=n {} strict=no\nmax_output 8\ntemperature 0.70\n"
     "logprobs true\nverbosity \"low\"\nextra news [1]\n"},
};

START_TEST(requests_are_read)
{
    ck_assert_msg(
        read_body(reads[_i].in), "%s: %.*s", reads[_i].name,
        SPAN_ARG(span_of(translation.refusal.message.ptr, translation.refusal.message.len)));
    spell_chat(&chat, &out);
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(reads[_i].out)), "%s:\n%.*s\n%s",
                  reads[_i].name, SPAN_ARG(buffer_span(&out)), reads[_i].out);
}

END_TEST

static const struct {
    const char *in, *begins;
} refusals[] = {
    {"{}", "'input' "},
    {"{\"input\":5}", "'input' "},
    {"{\"input\":[5]}", "'input[0]' "},
    {"{\"input\":[{\"role\":\"king\",\"content\":\"\"}]}", "'input[0].role' "},
    {"{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"x\"}]}]}",
     "'input[0].content[0].type' "},
    {"{\"input\":[{\"type\":\"function_call\",\"name\":\"f\"}]}", "'input[0].call_id' "},
    {"{\"input\":[{\"type\":\"item_reference\",\"id\":\"i\"}]}", "'input[0]' "},
    {"{\"input\":\"x\",\"temperature\":\"hot\"}", "'temperature' "},
    {"{\"input\":\"x\",\"reasoning\":{\"effort\":\"huge\"}}", "'reasoning.effort' "},
    {"{\"input\":\"x\",\"reasoning\":{\"summary\":5}}", "'reasoning.summary' "},
    {"{\"input\":\"x\",\"text\":{\"verbosity\":5}}", "'text.verbosity' "},
    {"{\"input\":\"x\",\"text\":{\"format\":{\"type\":\"xml\"}}}", "'text.format.type' "},
    {"{\"input\":\"x\",\"tools\":{}}", "'tools' "},
    {"{\"input\":\"x\",\"tools\":[{\"type\":\"function\"}]}", "'tools[0].name' "},
    {"{\"input\":\"x\",\"tools\":[{\"type\":\"custom\",\"name\":\"n\",\"format\":\"x\"}]}",
     "'tools[0].format' "},
    {"{\"input\":\"x\",\"tool_choice\":\"some\"}", "'tool_choice' "},
    {"{\"input\":\"x\",\"stream\":\"yes\"}", "'stream' "},
    {"{\"input\":\"x\",\"include\":\"all\"}", "'include' "},
    {"{\"input\":[{\"role\":\"user\",\"content\":5}]}", "'input[0].content' "},
    {"{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\",\"image_url\":5}]}]}",
     "'input[0].content[0].image_url' "},
    {"{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":{}}]}",
     "'input[0].arguments' "},
    {"{\"input\":[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":5}]}",
     "'input[0].output' "},
    {"{\"input\":\"x\",\"background\":true}", "'background' "},
    {"{\"input\":\"x\",\"previous_response_id\":\"resp_1\"}", "'previous_response_id' "},
};

START_TEST(what_cannot_be_is_refused_by_its_path)
{
    struct span begins = span_of_text(refusals[_i].begins), message;

    ck_assert_msg(!read_body(refusals[_i].in), "%s", refusals[_i].in);
    message = span_of(translation.refusal.message.ptr, translation.refusal.message.len);
    ck_assert_msg(span_starts(message, begins), "%.*s", SPAN_ARG(message));
}

END_TEST

/* What Codex sends. */
START_TEST(a_coding_agent_is_understood_and_nothing_is_lost)
{
    ck_assert(read_body(
        "{\"model\":\"m\",\"instructions\":\"S\",\"input\":[{\"type\":\"message\",\"role\":"
        "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"u\"}]}],\"tools\":[{\"type\":"
        "\"function\",\"name\":\"shell\",\"description\":\"d\",\"strict\":false,\"parameters\":"
        "{\"type\":\"object\"}}],\"tool_choice\":\"auto\",\"parallel_tool_calls\":false,"
        "\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"},\"store\":false,\"stream\":true,"
        "\"include\":[\"reasoning.encrypted_content\"],\"prompt_cache_key\":\"k\"}"));
    ck_assert(chat.stream);
    ck_assert_int_eq(chat.tools->strict, MAYBE_FALSE);
    ck_assert_int_eq(chat.parallel, MAYBE_FALSE);
    ck_assert_int_eq(chat.reasoning.effort, EFFORT_HIGH);
    ck_assert(chat_has(&chat, CHAT_prompt_cache_key));
    ck_assert_ptr_null(chat.extras);
    spell_dropped(&translation, &out);
    ck_assert_uint_eq(out.len, 0);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("responses_read_chat");
    TCase *tests = tcase_create("responses_read_chat");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, requests_are_read, 0, (int)ARRAY_LEN(reads));
    tcase_add_loop_test(tests, what_cannot_be_is_refused_by_its_path, 0,
                        (int)ARRAY_LEN(refusals));
    tcase_add_test(tests, a_coding_agent_is_understood_and_nothing_is_lost);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
