#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

static struct arena arena;
static struct translation translation;
static struct chat chat;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    chat = (struct chat){.dialect = DIALECT_openai};
}

static void tear_down(void)
{
    arena_done(&arena);
}

static bool read_body(const char *body)
{
    return dialect_openai.read_chat(&translation, parsed(body), &chat);
}

static const struct {
    const char *name, *in, *out;
} reads[] = {
    {"a plain question",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\\n\\u00e9\"}]}",
     "user \"hi\\n\\u00e9\"\n"},
    {"roles and names",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"developer\",\"content\":"
     "[{\"type\":\"text\",\"text\":\"D\"}]},{\"role\":\"user\",\"name\":\"bob\",\"content\":\"u\"}]}",
     "system \"S\"\ndeveloper \"D\"\nuser@bob \"u\"\n"},
    {"empty texts are kept",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"user\",\"content\":[]}]}",
     "user \"\"\nuser\n"},
    {"names of members may be escaped",
     "{\"mess\\u0061ges\":[{\"r\\u006fle\":\"us\\u0065r\",\"content\":\"x\"}]}",
     "user \"x\"\n"},
    {"media of a user",
     "{\"messages\":[{\"role\":\"user\",\"content\":["
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\",\"detail\":\"low\"}},"
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBO\"}},"
     "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"mp3\"}},"
     "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"wav\"}},"
     "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":"
     "\"data:application/pdf;base64,JVBE\"}},"
     "{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]}]}",
     "user image:url:image/png:https://x/y.png detail=low image:data:image/png:iVBO "
     "audio:data:audio/mpeg:UklG audio:data:audio/wav:UklG "
     "document:data:application/pdf:JVBE name=a.pdf document:file:file-1\n"},
    {"data URLs in odd spellings",
     "{\"messages\":[{\"role\":\"user\",\"content\":["
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image\\/PNG;charset=utf-8;base64,iV\\/B\"}},"
     "{\"type\":\"image_url\",\"image_url\":\"data:image/jpg;base64,iV\\nB O\\r\\n\"}]}]}",
     "user image:data:image/png:iV/B image:data:image/jpeg:iVBO\n"},
    {"calls of tools and their results",
     "{\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
     "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},"
     "{\"id\":\"c2\",\"function\":{\"name\":\"g\",\"arguments\":{\"b\":2}}},"
     "{\"id\":\"c3\",\"type\":\"custom\",\"custom\":{\"name\":\"sql\",\"input\":\"SELECT 1\"}}]},"
     "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"15\"},"
     "{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"name\":\"g\",\"content\":"
     "[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"text\",\"text\":\"y\"}]}]}",
     "assistant call:c1:f={\\\"a\\\":1} call:c2:g{\"b\":2} custom:c3:sql=SELECT 1\n"
     "user result:c1[\"15\"]\nuser result:c2:g[\"x\" \"y\"]\n"},
    {"the deprecated calls get ids that they share with their results",
     "{\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"function_call\":"
     "{\"name\":\"f\",\"arguments\":\"{}\"}},{\"role\":\"function\",\"name\":\"f\",\"content\":\"1\"},"
     "{\"role\":\"assistant\",\"function_call\":{\"name\":\"f\"}},"
     "{\"role\":\"function\",\"name\":\"f\",\"content\":\"2\"}]}",
     "assistant \"\" call:call_fn_1:f={}\nuser result:call_fn_1:f[\"1\"]\n"
     "assistant call:call_fn_2:f\nuser result:call_fn_2:f[\"2\"]\n"},
    {"reasoning that comes back",
     "{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"reasoning_content\":\"t\"},"
     "{\"role\":\"assistant\",\"content\":\"x\",\"reasoning\":\"r\"},"
     "{\"role\":\"assistant\",\"content\":\"x\",\"reasoning_content\":\"t\",\"thinking_blocks\":["
     "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"SIG=\"},"
     "{\"type\":\"redacted_thinking\",\"data\":\"XX\"},"
     "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"aigw.gemini.QUJD\"}]}]}",
     "assistant reasoning\"t\" \"x\"\nassistant reasoning\"r\" \"x\"\n"
     "assistant reasoning\"t\" signed:anthropic:SIG= reasoning\"\" redacted signed:anthropic:XX "
     "reasoning\"\" signed:gemini:QUJD \"x\"\n"},
    {"thinking parts, images and refusals of an assistant",
     "{\"messages\":[{\"role\":\"assistant\",\"refusal\":\"no\",\"content\":["
     "{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"t\"},"
     "{\"type\":\"text\",\"text\":\"u\"}]},{\"type\":\"text\",\"text\":\"x\"},"
     "{\"type\":\"refusal\",\"refusal\":\"never\"}],\"images\":[{\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"https://i\"}}]}]}",
     "assistant reasoning\"tu\" \"x\" refusal\"never\" image:url:https://i refusal\"no\"\n"},
    {"signatures of calls, beside them or in their ids",
     "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":["
     "{\"id\":\"c1\",\"function\":{\"name\":\"f\"},\"extra_content\":{\"google\":"
     "{\"thought_signature\":\"QUJD\"}}},"
     "{\"id\":\"c2__thought__QUJD\",\"function\":{\"name\":\"f\"}}]},"
     "{\"role\":\"tool\",\"tool_call_id\":\"c2__thought__QUJD\",\"content\":\"\"}]}",
     "assistant call:c1:f signed:gemini:QUJD call:c2:f signed:gemini:QUJD\n"
     "user result:c2[\"\"]\n"},
    {"what only this dialect understands",
     "{\"messages\":[{\"role\":\"assistant\",\"audio\":{\"id\":\"a1\"},\"reasoning_details\":"
     "[{\"type\":\"reasoning.text\"}]}]}",
     "assistant other:reasoning_details[{\"type\":\"reasoning.text\"}] other:audio{\"id\":\"a1\"}\n"},
    {"marks of caches",
     "{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"a\","
     "\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\",\"text\":\"b\","
     "\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}]},{\"role\":\"user\",\"content\":\"c\","
     "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],\"tools\":[{\"type\":\"function\","
     "\"function\":{\"name\":\"f\"},\"cache_control\":{\"type\":\"ephemeral\"}}]}",
     "system \"a\" cache \"b\" cache\nuser \"c\" cache-long\ntool f cache\n"},
    {"tools of all kinds",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":["
     "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":"
     "{\"type\":\"object\"},\"strict\":true}},{\"type\":\"custom\",\"custom\":{\"name\":\"sql\","
     "\"format\":{\"type\":\"text\"}}},{\"type\":\"web_search\"}],\"functions\":[{\"name\":\"g\"}],"
     "\"parallel_tool_calls\":false}",
     "user \"x\"\ntool f \"d\" {\"type\":\"object\"} strict=yes\n"
     "custom-tool sql {\"type\":\"text\"}\nhosted-tool web_search {\"type\":\"web_search\"}\n"
     "tool g\nparallel no\n"},
    {"choices: by a word",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":\"required\"}",
     "user \"x\"\nchoice required\n"},
    {"choices: Mistral's word",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":\"any\"}",
     "user \"x\"\nchoice required\n"},
    {"choices: a function",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":{\"type\":\"function\","
     "\"function\":{\"name\":\"f\"}}}",
     "user \"x\"\nchoice named f\n"},
    {"choices: a deprecated function",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"function_call\":{\"name\":\"f\"}}",
     "user \"x\"\nchoice named f\n"},
    {"choices: some that are allowed",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":{\"type\":\"allowed_tools\","
     "\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":"
     "{\"name\":\"f\"}},{\"type\":\"custom\",\"custom\":{\"name\":\"g\"}}]}}}",
     "user \"x\"\nchoice required f g\n"},
    {"the new name of the limit counts when both stand there",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":50,"
     "\"max_completion_tokens\":70}",
     "user \"x\"\nmax_output 70\n"},
    {"the old name of the limit does not take the new one's place",
     "{\"max_completion_tokens\":70,\"max_tokens\":50,"
     "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
     "user \"x\"\nmax_output 70\n"},
    {"numbers keep their spelling",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":0.70,\"top_p\":1e0,"
     "\"seed\":1099511627776,\"n\":2,\"user\":null,\"logit_bias\":{},\"top_k\":40}",
     "user \"x\"\ntemperature 0.70\ntop_p 1e0\ntop_k 40\nchoice_count 2\nseed 1099511627776\n"
     "logit_bias {}\n"},
    {"stop sequences",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stop\":\"END\"}",
     "user \"x\"\nstop \"END\"\n"},
    {"several stop sequences",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stop\":[\"\\n\\n\",\"END\"]}",
     "user \"x\"\nstop \"\\n\\n\"\nstop \"END\"\n"},
    {"no stop sequences",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stop\":[],\"tools\":[]}",
     "user \"x\"\n"},
    {"a stream",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":true,\"stream_options\":"
     "{\"include_usage\":true,\"include_obfuscation\":false}}",
     "stream with usage\nuser \"x\"\n"},
    {"formats of the answer",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"response_format\":{\"type\":"
     "\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\"},\"strict\":true}}}",
     "user \"x\"\nformat schema name=n {\"type\":\"object\"} strict=yes\n"},
    {"switches of reasoning",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"reasoning_effort\":\"xhigh\"}",
     "user \"x\"\neffort xhigh\n"},
    {"switches of reasoning of look-alikes",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"thinking\":{\"type\":\"enabled\","
     "\"budget_tokens\":2000}}",
     "user \"x\"\nbudget 2000\nvendor_thinking {\"type\":\"enabled\",\"budget_tokens\":2000}\n"},
    {"switches of reasoning of a router",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"reasoning\":{\"effort\":\"low\","
     "\"exclude\":true}}",
     "user \"x\"\neffort low\nshown no\nvendor_reasoning {\"effort\":\"low\",\"exclude\":true}\n"},
    {"unknown members are kept in order",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"min_p\":0.1,\"extra_body\":{\"a\":1},"
     "\"service_tier\":\"flex\"}",
     "user \"x\"\nservice_tier \"flex\"\nextra min_p 0.1\nextra extra_body {\"a\":1}\n"},
    {"unknown members further inside are named",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\",\"mood\":1}]},"
     "{\"role\":\"assistant\",\"content\":\"y\",\"prefix\":true}]}",
     "user \"x\"\nassistant \"y\"\ndropped messages[0].content[0].mood, messages[1].prefix\n"},
};

START_TEST(understands)
{
    struct buffer said;

    buffer_init(&said, 1 << 16);
    ck_assert_msg(read_body(reads[_i].in), "%s: refused: %.*s", reads[_i].name,
                  SPAN_ARG(translation.refusal.message));
    spell_chat(&chat, &said);
    spell_dropped(&translation, &said);
    ck_assert(buffer_append_byte(&said, '\0'));
    ck_assert_msg(span_eq(span_of_text(reads[_i].out), span_of_text(said.ptr)),
                  "%s:\n%s---- and not\n%s", reads[_i].name, said.ptr, reads[_i].out);
    buffer_done(&said);
}

END_TEST

static const struct {
    const char *in, *message, *param;
} refusals[] = {
    {"{}", "'messages' must be an array with at least one message.", "messages"},
    {"{\"messages\":[]}", "'messages' must be an array with at least one message.", "messages"},
    {"{\"messages\":{}}", "'messages' must be an array.", "messages"},
    {"{\"messages\":[1]}", "'messages[0]' must be an object.", "messages[0]"},
    {"{\"messages\":[{\"content\":\"x\"}]}",
     "'messages[0].role' must be system, developer, user, assistant, tool or function.",
     "messages[0].role"},
    {"{\"messages\":[{\"role\":\"boss\",\"content\":\"x\"}]}",
     "'messages[0].role' must be system, developer, user, assistant, tool or function.",
     "messages[0].role"},
    {"{\"messages\":[{\"role\":\"user\"}]}",
     "'messages[0].content' must be a string or an array of parts.", "messages[0].content"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":5}]}",
     "'messages[0].content' must be a string or an array of parts.", "messages[0].content"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"smell\"}]}]}",
     "'messages[0].content[0].type' is no known type of a part.",
     "messages[0].content[0].type"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}",
     "'messages[0].content[0].text' must be a string.", "messages[0].content[0].text"},
    {"{\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"input_audio\"}]}]}",
     "'messages[0].content[0].type' cannot stand in a message of the assistant.",
     "messages[0].content[0].type"},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
     "{\"url\":\"data:nothing\"}}]}]}",
     "'messages[0].content[0].image_url.url' must be an http or https address or a data URL.",
     "messages[0].content[0].image_url.url"},
    {"{\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
     "'messages[0].tool_call_id' must be a string.", "messages[0].tool_call_id"},
    {"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":{\"name\":\"f\"}}]}]}",
     "'messages[0].tool_calls[0].id' must be a string.", "messages[0].tool_calls[0].id"},
    {"{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"function\":{}}]}]}",
     "'messages[0].tool_calls[0].function.name' must be a string.",
     "messages[0].tool_calls[0].function.name"},
    {"{\"temperature\":\"hot\"}", "'temperature' must be a number.", "temperature"},
    {"{\"stream\":1}", "'stream' must be true or false.", "stream"},
    {"{\"stop\":[1]}", "'stop[0]' must be a string.", "stop[0]"},
    {"{\"tools\":[{\"type\":\"function\"}]}", "'tools[0].function' must be an object.",
     "tools[0].function"},
    {"{\"tool_choice\":{\"type\":\"function\"}}", "'tool_choice' must name a tool.",
     "tool_choice"},
    {"{\"response_format\":{\"type\":\"xml\"}}",
     "'response_format.type' must be text, json_object or json_schema.",
     "response_format.type"},
    {"{\"reasoning_effort\":\"hard\"}",
     "'reasoning_effort' must be none, minimal, low, medium, high, xhigh or max.",
     "reasoning_effort"},
};

START_TEST(refuses_and_says_where)
{
    ck_assert_msg(!read_body(refusals[_i].in), "%s", refusals[_i].in);
    ck_assert_int_eq(translation.refusal.kind, COMPLAINT_bad_request);
    ck_assert_msg(text_is(translation.refusal.message, span_of_text(refusals[_i].message)),
                  "%.*s", SPAN_ARG(translation.refusal.message));
    ck_assert(text_is(translation.refusal.param, span_of_text(refusals[_i].param)));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("openai read chat");
    TCase *tests = tcase_create("openai read chat");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, understands, 0, ARRAY_LEN(reads));
    tcase_add_loop_test(tests, refuses_and_says_where, 0, ARRAY_LEN(refusals));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
