#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "tests/support/spell.h"
#include "worker/translate/anthropic/anthropic.h"

static struct arena arena;
static struct translation translation;
static struct buffer out;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&out);
    arena_done(&arena);
}

static void said(const char *name, const char *expected)
{
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(expected)), "%s:\n%.*s", name,
                  SPAN_ARG(buffer_span(&out)));
}

static const struct {
    const char *name, *in, *out;
} rows[] = {
    {"a plain question",
     "{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"hi\\n\\u00e9\"}]}",
     "user \"hi\\n\\u00e9\"\nmax_output 5\n"},
    {"the system comes first wherever it stands",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"system\",\"content\":\"late\"}],\"max_tokens\":5,\"system\":[{\"type\":\"text\",\"text\":\"S\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},{\"type\":\"text\",\"text\":\"T\",\"cache_control\":{\"type\":\"ephemeral\"}}]}",
     "system \"S\" cache-long \"T\" cache\nuser \"x\"\nsystem \"late\"\nmax_output 5\n"},
    {"names of members may be escaped",
     "{\"max_t\\u006fkens\":5,\"mess\\u0061ges\":[{\"r\\u006fle\":\"us\\u0065r\",\"content\":\"x\"}]}",
     "user \"x\"\nmax_output 5\n"},
    {"media",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/PNG\",\"data\":\"iVBO\"}},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https:\\/\\/x\"}},{\"type\":\"image\",\"source\":{\"type\":\"file\",\"file_id\":\"f\"}},{\"type\":\"document\",\"title\":\"t\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBE\"}},{\"type\":\"document\",\"context\":\"c\",\"citations\":{\"enabled\":true},\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"words\"}},{\"type\":\"document\",\"source\":{\"type\":\"content\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\"},{\"type\":\"text\",\"text\":\"b\"}]}}]}]}",
     "user image:data:image/png:iVBO image:url:https:\\/\\/x image:file:f document:data:application/pdf:JVBE name=t document:text:text/plain:words document:text:text/plain:a\\nb\nmax_output 5\ndropped messages[0].content[4].context, messages[0].content[4].citations, messages[0].content[5].source.content[1]\n"},
    {"a result of a search is words",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"search_result\",\"source\":\"https://x\",\"title\":\"T\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}]}]}",
     "user \"T\\nhttps://x\\na\\nb\"\nmax_output 5\n"},
    {"calls and results",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{\"a\": 1}},{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"g\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t1\",\"content\":\"15\"},{\"type\":\"tool_result\",\"tool_use_id\":\"t2\",\"is_error\":true},{\"type\":\"tool_result\",\"tool_use_id\":\"t3\",\"cache_control\":{\"type\":\"ephemeral\"},\"content\":[{\"type\":\"text\",\"text\":\"y\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AA\"}}]}]}]}", "assistant call:t1:f{\"a\": 1} call:t2:g{}\nuser result:t1[\"15\"] error:t2[] result:t3[\"y\" image:data:image/png:AA] cache\nmax_output 5\n"},
    {"a signature comes back in the id of its call",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"call_1__thought__QUJD\",\"name\":\"f\",\"input\":{}}]}]}",
     "assistant call:call_1:f{} signed:gemini:QUJD\nmax_output 5\n"},
    {"reasoning keeps its signature, and whose it is",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\\n\",\"signature\":\"SIG=\"},{\"type\":\"redacted_thinking\",\"data\":\"ENC\"},{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"aigw.gemini.QUJD\"},{\"type\":\"text\",\"text\":\"a\"}]}]}",
     "assistant reasoning\"t\\n\" signed:anthropic:SIG= reasoning\"\" redacted signed:anthropic:ENC reasoning\"\" signed:gemini:QUJD \"a\"\nmax_output 5\n"},
    {"what hosted tools did, and the tool that nobody else has",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\",\"input\":{\"query\":\"q\"}},{\"type\":\"server_tool_use\",\"id\":\"t\",\"name\":\"tool_search_tool_bm25\",\"input\":{}},{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"s\",\"content\":[{\"type\":\"web_search_result\",\"url\":\"https://u\",\"title\":\"U\",\"encrypted_content\":\"E\",\"page_age\":\"May\"}]}]}]}",
     "assistant hosted:search:s(q)= found:https://u|U|May {\"type\":\"server_tool_use\",\"id\":\"t\",\"name\":\"tool_search_tool_bm25\",\"input\":{}}\nmax_output 5\n"},
    {"tools",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\"},\"strict\":true,\"cache_control\":{\"type\":\"ephemeral\"},\"defer_loading\":true},{\"type\":\"custom\",\"name\":\"g\",\"input_schema\":{}},{\"type\":\"bash_20250124\",\"name\":\"bash\"}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\",\"disable_parallel_tool_use\":true}}", "user \"x\"\ntool f \"d\" {\"type\":\"object\"} strict=yes cache\ntool g {}\nhosted-tool bash {\"type\":\"bash_20250124\",\"name\":\"bash\"}\nchoice named f\nparallel no\nmax_output 5\ndropped tools[0].defer_loading\n"},
    {"any tool",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":false}}",
     "user \"x\"\nchoice required\nmax_output 5\n"},
    {"settings",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":true,\"temperature\":0.70,\"top_p\":1,\"top_k\":40,\"stop_sequences\":[\"E\",\"F\"],\"metadata\":{\"user_id\":\"u\",\"team\":\"x\"},\"service_tier\":\"standard_only\",\"container\":\"c\",\"speed\":\"fast\",\"stop\":null}",
     "stream with usage\nuser \"x\"\nstop \"E\"\nstop \"F\"\nmax_output 5\ntemperature 0.70\ntop_p 1\ntop_k 40\nuser \"u\"\nservice_tier \"default\"\ncontainer \"c\"\nextra speed \"fast\"\ndropped metadata.team\n"},
    {"thinking with a budget",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2000}}",
     "user \"x\"\nshown yes\nbudget 2000\nmax_output 5\n"},
    {"thinking as the model likes, by effort",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"},\"output_config\":{\"effort\":\"xhigh\",\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}},\"new\":1}}",
     "user \"x\"\nformat schema {\"type\":\"object\"}\neffort xhigh\nadaptive\nshown no\nmax_output 5\ndropped output_config.new\n"},
    {"thinking switched off beats an effort",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"thinking\":{\"type\":\"disabled\"},\"output_config\":{\"effort\":\"low\"}}",
     "user \"x\"\neffort none\nmax_output 5\n"},
    {"the old name of the answer's schema",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"output_format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\"}}}",
     "user \"x\"\nformat schema {\"type\":\"object\"}\nmax_output 5\n"},
    {"a mark for all is one at the end",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}",
     "user \"x\" cache-long\nmax_output 5\n"},
    {"a limit is needed", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
     "bad_request param=max_tokens 'max_tokens' is required.\n"},
    {"messages are needed", "{\"max_tokens\":5}",
     "bad_request param=messages 'messages' is required.\n"},
    {"an empty list is refused", "{\"max_tokens\":5,\"messages\":[]}",
     "bad_request param=messages 'messages' must not be empty.\n"},
    {"an unknown role",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]}",
     "bad_request param=messages[0].role 'messages[0].role' must be user, assistant or system.\n"},
    {"no content", "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\"}]}",
     "bad_request param=messages[0].content 'messages[0].content' is required.\n"},
    {"a number as content",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"user\",\"content\":1}]}",
     "bad_request param=messages[1].content 'messages[1].content' must be a string or an array of blocks.\n"},
    {"an unknown type of content",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"video\"}]}]}",
     "bad_request param=messages[0].content[1].type 'messages[0].content[1].type' is not a known type of content.\n"},
    {"a text that is none",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]}",
     "bad_request param=messages[0].content[0].text 'messages[0].content[0].text' must be a string.\n"},
    {"a call whose input is a string",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":\"{}\"}]}]}",
     "bad_request param=messages[0].content[0].input 'messages[0].content[0].input' must be an object.\n"},
    {"a source of no known type",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"gopher\"}}]}]}",
     "bad_request param=messages[0].content[0].source.type 'messages[0].content[0].source.type' must be base64, url, file, text or content.\n"},
    {"a wrong kind in a result",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":\"text\"}]}]}]}",
     "bad_request param=messages[0].content[0].content[0].text 'messages[0].content[0].content[0].text' is required.\n"},
    {"a temperature in words",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":\"hot\"}",
     "bad_request param=temperature 'temperature' must be a number.\n"},
    {"a stop that is no string",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stop_sequences\":[\"a\",1]}",
     "bad_request param=stop_sequences[1] 'stop_sequences[1]' must be a string.\n"},
    {"a tool without a name",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{\"input_schema\":{}}]}",
     "bad_request param=tools[0].name 'tools[0].name' is required.\n"},
    {"an unknown choice",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tool_choice\":{\"type\":\"maybe\"}}",
     "bad_request param=tool_choice.type 'tool_choice.type' must be auto, any, tool or none.\n"},
    {"an unknown way to think",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"thinking\":{\"type\":\"hard\"}}",
     "bad_request param=thinking.type 'thinking.type' must be enabled, adaptive or disabled.\n"},
    {"a budget that is missing",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"thinking\":{\"type\":\"enabled\"}}",
     "bad_request param=thinking.budget_tokens 'thinking.budget_tokens' must be a number.\n"},
    {"an unknown effort",
     "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"output_config\":{\"effort\":\"minimal\"}}",
     "bad_request param=output_config.effort 'output_config.effort' must be low, medium, high, xhigh or max.\n"},
};

START_TEST(requests_are_understood_or_refused)
{
    struct chat chat = {.dialect = DIALECT_anthropic};

    if (anthropic_read_chat(&translation, parsed(rows[_i].in), &chat)) {
        spell_chat(&chat, &out);
        spell_dropped(&translation, &out);
    } else {
        spell_complaint(&translation.refusal, &out);
    }
    said(rows[_i].name, rows[_i].out);
}

END_TEST

START_TEST(a_count_needs_no_limit)
{
    struct chat chat = {.dialect = DIALECT_anthropic};

    ck_assert(anthropic_read_count(
        &translation, parsed("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}"), &chat));
    spell_chat(&chat, &out);
    said("count", "user \"x\"\n");
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("anthropic_read_chat");
    TCase *tests = tcase_create("anthropic_read_chat");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, requests_are_understood_or_refused, 0, (int)ARRAY_LEN(rows));
    tcase_add_test(tests, a_count_needs_no_limit);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
