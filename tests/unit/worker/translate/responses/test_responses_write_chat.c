#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

static struct arena arena;
static struct translation translation;
static struct chat chat;
static struct buffer written;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    chat = (struct chat){.dialect = DIALECT_NONE};
    buffer_init(&written, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&written);
    arena_done(&arena);
}

static void read_body(enum dialect_id dialect, const char *body)
{
    ck_assert_msg(dialect_row(dialect)->read_chat(&translation, parsed(body), &chat),
                  "%s: %.*s", body, SPAN_ARG(translation.refusal.message));
    translation.chat = &chat;
}

static bool write_for(const char *model)
{
    struct json_writer json;
    bool ret;

    translation.target.model = span_of_text(model);
    translation.target.traits = model_traits(translation.target.model, DIALECT_responses);
    json_write_init(&json, &written);
    ret = dialect_responses.write_chat(&translation, &chat, &json);
    if (ret)
        (void)parsed_span(buffer_span(&written));
    return ret;
}

#define O(messages, rest) "{\"model\":\"m\",\"messages\":[" messages "]" rest "}"
#define HI                "{\"role\":\"user\",\"content\":\"hi\"}"
#define FOR(model)                                                        \
    "{\"model\":\"" model                                                 \
    "\",\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[" \
    "{\"type\":\"input_text\",\"text\":\"hi\"}]}"
#define FOR_4O FOR("gpt-4o")
#define FOR_5  FOR("gpt-5")

static const struct {
    const char *name;
    enum dialect_id from;
    const char *model, *in, *out, *dropped;
} writes[] = {
    {"a plain question", DIALECT_openai, "gpt-4o", O(HI, ""), FOR_4O "],\"store\":false}", ""},
    {"fewer tokens than the least are the least", DIALECT_openai, "gpt-4o",
     O(HI, ",\"max_completion_tokens\":8"),
     FOR_4O "],\"max_output_tokens\":16,\"store\":false}", ""},
    {"tokens of a client that has to say them", DIALECT_anthropic, "gpt-4o",
     O(HI, ",\"max_tokens\":8"), FOR_4O "],\"max_output_tokens\":16,\"store\":false}", ""},
    {"settings by their names, and those that are not there", DIALECT_openai, "gpt-4o",
     O(HI,
       ",\"temperature\":0.70,\"top_p\":1,\"seed\":5,\"stop\":[\"a\"],\"logit_bias\":{},"
       "\"user\":\"u\",\"news\":1,\"stream\":true,\"stream_options\":{\"include_usage\":true}"),
     FOR_4O
     "],\"temperature\":0.70,\"top_p\":1,\"user\":\"u\",\"store\":false,\"stream\":true}",
     "seed, logit_bias, news, stop"},
    {"probabilities are asked for among what is included", DIALECT_openai, "gpt-4o",
     O(HI, ",\"logprobs\":true,\"top_logprobs\":2"),
     FOR_4O "],\"include\":[\"message.output_text.logprobs\"],\"top_logprobs\":2,"
            "\"store\":false}",
     ""},
    {"a model that reasons has no probabilities", DIALECT_openai, "gpt-5",
     O(HI, ",\"logprobs\":true,\"temperature\":0.5"),
     FOR_5 "],\"include\":[\"reasoning.encrypted_content\"],\"store\":false}",
     "logprobs, temperature"},
    {"effort", DIALECT_openai, "gpt-5", O(HI, ",\"reasoning_effort\":\"low\""),
     FOR_5 "],\"reasoning\":{\"effort\":\"low\"},"
           "\"include\":[\"reasoning.encrypted_content\"],\"store\":false}",
     ""},
    {"a budget of thoughts", DIALECT_anthropic, "gpt-5",
     O(HI, ",\"max_tokens\":20000,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":12000}"),
     FOR_5 "],\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"},"
           "\"include\":[\"reasoning.encrypted_content\"],\"max_output_tokens\":20000,"
           "\"store\":false}",
     ""},
    {"a function that does not say strict", DIALECT_openai, "gpt-4o",
     O(HI,
       ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
       "{\"type\":\"object\"}}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
       "\"f\"}},\"parallel_tool_calls\":false"),
     FOR_4O "],\"tools\":[{\"type\":\"function\",\"name\":\"f\","
            "\"parameters\":{\"type\":\"object\"},\"strict\":false}],"
            "\"tool_choice\":{\"type\":\"function\",\"name\":\"f\"},"
            "\"parallel_tool_calls\":false,\"store\":false}",
     ""},
    {"a custom tool with its grammar", DIALECT_openai, "gpt-4o",
     O(HI, ",\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"sql\",\"format\":{\"type\":"
           "\"grammar\",\"grammar\":{\"syntax\":\"lark\",\"definition\":\"s\"}}}}]"),
     FOR_4O "],\"tools\":[{\"type\":\"custom\",\"name\":\"sql\","
            "\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\",\"definition\":\"s\"}}],"
            "\"store\":false}",
     ""},
    {"a schema for the answer", DIALECT_openai, "gpt-4o",
     O(HI, ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
           "\"schema\":{\"type\":\"object\"},\"strict\":true}}"),
     FOR_4O "],\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
            "\"schema\":{\"type\":\"object\"},\"strict\":true}},\"store\":false}",
     ""},
    {"calls and their results, pictures among them", DIALECT_anthropic, "gpt-4o",
     O(HI ",{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},"
          "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{\"a\":\"b\"}}]},"
          "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\","
          "\"content\":[{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image\",\"source\":{"
          "\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"iVBO\"}}]},"
          "{\"type\":\"text\",\"text\":\"so?\"}]}",
       ",\"max_tokens\":100"),
     FOR_4O ",{\"type\":\"message\",\"role\":\"assistant\","
            "\"content\":[{\"type\":\"output_text\",\"text\":\"look\"}]},"
            "{\"type\":\"function_call\",\"call_id\":\"t1\",\"name\":\"f\","
            "\"arguments\":\"{\\\"a\\\":\\\"b\\\"}\"},{\"type\":\"function_call_output\","
            "\"call_id\":\"t1\",\"output\":[{\"type\":\"input_text\",\"text\":\"see\"},"
            "{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,iVBO\"}]},"
            "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\","
            "\"text\":\"so?\"}]}],\"max_output_tokens\":100,\"store\":false}",
     ""},
    {"a call that failed is told in words", DIALECT_anthropic, "gpt-4o",
     O(HI ",{\"role\":\"assistant\",\"content\":["
          "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{}},"
          "{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"f\",\"input\":{}}]},"
          "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\","
          "\"is_error\":true,\"content\":\"boom\"},{\"type\":\"tool_result\",\"tool_use_id\":"
          "\"t2\",\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
          "{\"type\":\"text\",\"text\":\"b\"}]}]}",
       ",\"max_tokens\":100"),
     FOR_4O ",{\"type\":\"function_call\",\"call_id\":\"t1\",\"name\":\"f\","
            "\"arguments\":\"{}\"},{\"type\":\"function_call\",\"call_id\":\"t2\","
            "\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\","
            "\"call_id\":\"t1\",\"output\":\"Error: boom\"},{\"type\":\"function_call_output\","
            "\"call_id\":\"t2\",\"output\":[{\"type\":\"input_text\",\"text\":\"Error:\"},"
            "{\"type\":\"input_text\",\"text\":\"a\"},{\"type\":\"input_text\","
            "\"text\":\"b\"}]}],\"max_output_tokens\":100,\"store\":false}",
     ""},
    {"thoughts that another signed are left out and named", DIALECT_anthropic, "gpt-5",
     O(HI ",{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\","
          "\"signature\":\"SIG=\"},{\"type\":\"text\",\"text\":\"x\"}]}," HI,
       ",\"max_tokens\":100"),
     FOR_5 ",{\"type\":\"message\",\"role\":\"assistant\","
           "\"content\":[{\"type\":\"output_text\",\"text\":\"x\"}]},{\"type\":\"message\","
           "\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"hi\"}]}],"
           "\"include\":[\"reasoning.encrypted_content\"],\"max_output_tokens\":100,"
           "\"store\":false}",
     "messages[1].content[0]"},
    {"its own thoughts come back through another dialect", DIALECT_anthropic, "gpt-5",
     O(HI ",{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\","
          "\"signature\":\"aigw.responses.ENC\"},{\"type\":\"text\",\"text\":\"x\"}]}," HI,
       ",\"max_tokens\":100"),
     FOR_5 ",{\"type\":\"reasoning\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"t\"}],"
           "\"encrypted_content\":\"ENC\"},{\"type\":\"message\",\"role\":\"assistant\","
           "\"content\":[{\"type\":\"output_text\",\"text\":\"x\"}]},{\"type\":\"message\","
           "\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"hi\"}]}],"
           "\"include\":[\"reasoning.encrypted_content\"],\"max_output_tokens\":100,"
           "\"store\":false}",
     ""},
    {"system texts for models that reason", DIALECT_anthropic, "gpt-5",
     O(HI, ",\"max_tokens\":100,\"system\":\"S\""),
     "{\"model\":\"gpt-5\",\"input\":[{\"type\":\"message\",\"role\":\"developer\","
     "\"content\":[{\"type\":\"input_text\",\"text\":\"S\"}]},{\"type\":\"message\","
     "\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"hi\"}]}],"
     "\"include\":[\"reasoning.encrypted_content\"],\"max_output_tokens\":100,"
     "\"store\":false}",
     ""},
    {"media", DIALECT_openai, "gpt-4o",
     O("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
       "\"data:image/png;base64,iVBO\",\"detail\":\"low\"}},{\"type\":\"file\",\"file\":{"
       "\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,JVBE\"}},"
       "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"wav\"}},"
       "{\"type\":\"text\",\"text\":\"x\"}]}",
       ""),
     "{\"model\":\"gpt-4o\",\"input\":[{\"type\":\"message\",\"role\":\"user\","
     "\"content\":[{\"type\":\"input_image\",\"image_url\":\"data:image/png;base64,"
     "iVBO\",\"detail\":\"low\"},{\"type\":\"input_file\",\"filename\":\"a.pdf\","
     "\"file_data\":\"data:application/pdf;base64,JVBE\"},{\"type\":\"input_text\","
     "\"text\":\"x\"}]}],\"store\":false}",
     "messages[0].content[2]"},
};

START_TEST(writes_what_the_target_takes)
{
    struct span dropped;

    read_body(writes[_i].from, writes[_i].in);
    ck_assert(write_for(writes[_i].model));
    dropped = dropped_list(&translation, 4096);
    ck_assert_msg(span_eq(buffer_span(&written), span_of_text(writes[_i].out)) &&
                      span_eq(dropped, span_of_text(writes[_i].dropped)),
                  "%s:\n%.*s\n%.*s\n---- and not\n%s\n%s", writes[_i].name,
                  SPAN_ARG(buffer_span(&written)), SPAN_ARG(dropped), writes[_i].out,
                  writes[_i].dropped);
}

END_TEST

/* ---- read(write(x)) == x ----------------------------------------------------------------- */

static const char *const same[] = {
    "{\"input\":\"hi\"}",
    "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"a\\u00e9\"},"
    "{\"type\":\"input_image\",\"image_url\":\"https://x/y.png\",\"detail\":\"high\"},"
    "{\"type\":\"input_file\",\"file_id\":\"file-1\"}]}]}",
    "{\"input\":[{\"role\":\"user\",\"content\":\"q\"},{\"type\":\"reasoning\",\"summary\":"
    "[{\"type\":\"summary_text\",\"text\":\"t\"}],\"encrypted_content\":\"E\"},"
    "{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"f\",\"arguments\":\"{}\"},"
    "{\"type\":\"custom_tool_call\",\"call_id\":\"b\",\"name\":\"sql\",\"input\":\"S\"},"
    "{\"type\":\"function_call_output\",\"call_id\":\"a\",\"output\":\"1\"},"
    "{\"type\":\"custom_tool_call_output\",\"call_id\":\"b\",\"output\":["
    "{\"type\":\"input_text\",\"text\":\"x\"},{\"type\":\"input_text\",\"text\":\"y\"}]}],"
    "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"type\":\"object\"},"
    "\"strict\":false},{\"type\":\"custom\",\"name\":\"sql\",\"format\":{\"type\":\"grammar\","
    "\"syntax\":\"lark\",\"definition\":\"s\"}},{\"type\":\"web_search\"}],\"tool_choice\":"
    "{\"type\":\"allowed_tools\",\"mode\":\"required\",\"tools\":[{\"type\":\"function\","
    "\"name\":\"f\"}]},\"parallel_tool_calls\":false}",
    "{\"input\":\"x\",\"stream\":true,\"max_output_tokens\":99,"
    "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":{},\"strict\":true},"
    "\"verbosity\":\"low\"},\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"},"
    "\"include\":[\"reasoning.encrypted_content\"],\"service_tier\":\"flex\",\"user\":\"u\","
    "\"truncation\":\"auto\",\"max_tool_calls\":3,\"prompt_cache_key\":\"k\"}",
};

START_TEST(what_is_written_is_read_as_the_same)
{
    struct chat again = {.dialect = DIALECT_NONE};
    struct buffer first, second;

    read_body(DIALECT_responses, same[_i]);
    ck_assert(write_for("o3"));
    ck_assert(
        dialect_responses.read_chat(&translation, parsed_span(buffer_span(&written)), &again));
    buffer_init(&first, 1 << 20);
    buffer_init(&second, 1 << 20);
    if (chat.fields[CHAT_store].kind == JSON_ABSENT) /* it is always said */
        chat.fields[CHAT_store] = again.fields[CHAT_store];
    spell_chat(&chat, &first);
    spell_chat(&again, &second);
    ck_assert_msg(span_eq(buffer_span(&first), buffer_span(&second)), "%.*s\n----\n%.*s",
                  SPAN_ARG(buffer_span(&first)), SPAN_ARG(buffer_span(&second)));
    buffer_done(&first);
    buffer_done(&second);
}

END_TEST

START_TEST(several_answers_are_refused)
{
    read_body(DIALECT_openai, O(HI, ",\"n\":2"));
    ck_assert(!write_for("gpt-4o"));
    ck_assert(
        span_find(span_of(translation.refusal.message.ptr, translation.refusal.message.len),
                  SPAN("'n' ")) == 0);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("responses_write_chat");
    TCase *tests = tcase_create("responses_write_chat");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, writes_what_the_target_takes, 0, (int)ARRAY_LEN(writes));
    tcase_add_loop_test(tests, what_is_written_is_read_as_the_same, 0, (int)ARRAY_LEN(same));
    tcase_add_test(tests, several_answers_are_refused);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
