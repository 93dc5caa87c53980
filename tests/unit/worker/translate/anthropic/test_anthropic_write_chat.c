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
    const char *name;
    enum dialect_id client;
    const char *model, *in, *out;
} rows[] =
    {
        {"system texts stand apart and blank ones not at all", DIALECT_openai,
         "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"system\",\"content\":\"A\"},{\"role\":\"developer\",\"content\":\"   \"},{\"role\":\"system\",\"content\":\"B\"},{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"system\":[{\"type\":\"text\",\"text\":\"A\"},{\"type\":\"text\",\"text\":\"B\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"a later system text stays where the model takes it", DIALECT_openai,
         "claude-opus-4-8",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"u1\"},{\"role\":\"assistant\",\"content\":\"a1\"},{\"role\":\"user\",\"content\":\"u2\"},{\"role\":\"system\",\"content\":\"S2\"},{\"role\":\"assistant\",\"content\":\"a2\"},{\"role\":\"user\",\"content\":\"u3\"}],\"max_tokens\":5}",
         "{\"model\":\"claude-opus-4-8\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"u1\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a1\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"u2\"}]},{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"S2\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a2\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"u3\"}]}]}\n"},
        {"a later system text is folded into the user's turn elsewhere", DIALECT_openai,
         "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"u2\"},{\"role\":\"system\",\"content\":\"S2\"},{\"role\":\"assistant\",\"content\":\"a2\"},{\"role\":\"user\",\"content\":\"u3\"}],\"max_tokens\":5}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"u2\"},{\"type\":\"text\",\"text\":\"<system>S2</system>\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a2\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"u3\"}]}]}\n"},
        {"results of tools stand in one message after their calls", DIALECT_openai,
         "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"22\"},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"15\"},{\"role\":\"user\",\"content\":\"thanks\"}],\"max_tokens\":5}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{\"a\":1}},{\"type\":\"tool_use\",\"id\":\"c2\",\"name\":\"g\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"content\":\"15\"},{\"type\":\"tool_result\",\"tool_use_id\":\"c2\",\"content\":\"22\"},{\"type\":\"text\",\"text\":\"thanks\"}]}]}\n"},
        {"a call without its result gets an error", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"  \",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"null\"}}]},{\"role\":\"user\",\"content\":\"stop\"}],\"max_tokens\":5}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c1\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c1\",\"content\":\"[no result: interrupted]\",\"is_error\":true},{\"type\":\"text\",\"text\":\"stop\"}]}]}\n"},
        {"a first assistant's message gets a user's before it", DIALECT_openai,
         "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"assistant\",\"content\":\"hello\"},{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\".\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"a prefill loses the space at its end", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"The answer is ( \"}],\"max_tokens\":5}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"The answer is (\"}]}]}\n"},
        {"where no prefill is taken the user goes on", DIALECT_openai, "claude-opus-4-6",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"The answer is ( \"}],\"max_tokens\":5}", "{\"model\":\"claude-opus-4-6\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"The answer is ( \"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Continue.\"}]}]}\n"},
        {"no limit is the model's limit", DIALECT_openai, "claude-3-5-haiku-latest",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
         "{\"model\":\"claude-3-5-haiku-latest\",\"max_tokens\":8192,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"an unknown model has a limit too", DIALECT_openai, "glm-9",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
         "{\"model\":\"glm-9\",\"max_tokens\":8192,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"a limit above the model's is lowered", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":999999}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":64000,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\ndropped max_completion_tokens\n"},
        {"a temperature above one is one, and goes before top_p", DIALECT_openai,
         "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"temperature\":1.6,\"top_p\":0.9}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"temperature\":1}\ndropped top_p\n"},
        {"numbers keep their spelling", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"temperature\":0.70}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"temperature\":0.70}\n"},
        {"a model without sampling gets none", DIALECT_openai, "claude-opus-4-8",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"temperature\":0.2,\"top_p\":0.9}",
         "{\"model\":\"claude-opus-4-8\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\ndropped temperature, top_p\n"},
        {"blank stop sequences are left out", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"stop\":[\"\\n\\n\",\"END\"]}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"stop_sequences\":[\"END\"]}\ndropped stop\n"},
        {"stop sequences that are all blank are none", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"stop\":\" \"}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\ndropped stop\n"},
        {"the user's id is metadata, other metadata is not", DIALECT_openai,
         "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"user\":\"u\",\"metadata\":{\"a\":\"b\"},\"seed\":1}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"metadata\":{\"user_id\":\"u\"}}\ndropped seed, metadata\n"},
        {"an image is base64 of a clean type", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/PNG;charset=utf-8;base64,iVBO\"}},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}},{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,JVBE\"}},{\"type\":\"file\",\"file\":{\"filename\":\"a.txt\",\"file_data\":\"data:text/plain;base64,aGkiCg==\"}}]}],\"max_tokens\":5}", "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"iVBO\"}},{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\"https://x/y.png\"}},{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":\"application/pdf\",\"data\":\"JVBE\"},\"title\":\"a.pdf\"},{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\"hi\\\"\\n\"},\"title\":\"a.txt\"}]}]}\n"},
        {"one call at a time", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"parallel_tool_calls\":false,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"without tools there is no choice among them", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"parallel_tool_calls\":false,\"tools\":[],\"tool_choice\":\"auto\"}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"no tool may be called, but they stay", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"parallel_tool_calls\":false,\"tool_choice\":\"none\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"none\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"allowed tools are those that are written", DIALECT_openai, "claude-sonnet-4-5", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}},\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"any\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"a tool of free text has one input", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"custom\",\"custom\":{\"name\":\"sql\",\"input\":\"SELECT 1\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"1\"}],\"max_tokens\":5,\"tools\":[{\"type\":\"custom\",\"custom\":{\"name\":\"sql\"}}]}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"tools\":[{\"name\":\"sql\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},\"required\":[\"input\"]}}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"sql\",\"input\":{\"input\":\"SELECT 1\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":\"1\"}]}]}\n"},
        {"names and ids are made legal in all places",
         DIALECT_openai, "claude-sonnet-4-5", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"functions.get:0\",\"type\":\"function\",\"function\":{\"name\":\"my.tool/v2\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"functions.get:0\",\"content\":\"\"}],\"max_tokens\":5,\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"my.tool/v2\"}},\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"my.tool/v2\",\"description\":\"d\",\"parameters\":{\"properties\":{\"a\":{}}}}}]}", "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"tools\":[{\"name\":\"my_tool_v2\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"a\":{}}}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"my_tool_v2\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"functions_get_0\",\"name\":\"my_tool_v2\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"functions_get_0\",\"content\":\"\"}]}]}\n"},
        {"arguments that are no JSON are carried", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"1\"}],\"max_tokens\":5}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{\"_raw\":\"{\\\"a\\\":1\"}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":\"1\"}]}]}\n"},
        {"a strict tool has a closed schema", DIALECT_openai, "claude-sonnet-4-5", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true,\"parameters\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"maxLength\":3}}}}}]}", "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"description\":\"maxLength: 3\"}},\"additionalProperties\":false},\"strict\":true}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"an answer's schema is closed", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":1}}}}}}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"description\":\"minimum: 1\"}},\"additionalProperties\":false}}},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"an answer's schema is a tool where the model has none", DIALECT_openai,
         "claude-opus-4-1",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}}}}",
         "{\"model\":\"claude-opus-4-1\",\"max_tokens\":5,\"tools\":[{\"name\":\"json\",\"description\":\"Gives the answer in the form that is asked for.\",\"input_schema\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"}}}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"json\",\"disable_parallel_tool_use\":true},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"that tool stands beside the client's", DIALECT_openai, "claude-opus-4-1",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{\"type\":\"object\"}}},\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"json\"}}]}", "{\"model\":\"claude-opus-4-1\",\"max_tokens\":5,\"tools\":[{\"name\":\"json\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}},{\"name\":\"json_answer\",\"description\":\"Gives the answer in the form that is asked for.\",\"input_schema\":{\"type\":\"object\"}}],\"tool_choice\":{\"type\":\"any\",\"disable_parallel_tool_use\":true},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"an object without a schema is a wish", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"response_format\":{\"type\":\"json_object\"}}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"system\":[{\"type\":\"text\",\"text\":\"Answer with one JSON object and nothing else.\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"an effort is a budget below the limit", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":4096,\"reasoning_effort\":\"high\",\"temperature\":1}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\ndropped temperature\n"},
        {"too small a limit leaves no room to think", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":800,\"reasoning_effort\":\"high\"}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":800,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\ndropped reasoning_effort\n"},
        {"an effort that the model does not know is the next lower", DIALECT_openai,
         "claude-opus-4-6",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":4096,\"reasoning_effort\":\"xhigh\"}",
         "{\"model\":\"claude-opus-4-6\",\"max_tokens\":4096,\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"high\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"no effort is no thinking", DIALECT_openai, "claude-opus-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":4096,\"reasoning_effort\":\"none\"}",
         "{\"model\":\"claude-opus-5\",\"max_tokens\":4096,\"thinking\":{\"type\":\"disabled\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\n"},
        {"a forced tool excludes thinking", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":4096,\"reasoning_effort\":\"low\",\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}", "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"any\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\ndropped reasoning_effort\n"},
        {"a model that cannot be forced chooses", DIALECT_openai, "claude-fable-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":4096,\"reasoning_effort\":\"low\",\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}",
         "{\"model\":\"claude-fable-5\",\"max_tokens\":4096,\"tools\":[{\"name\":\"f\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}],\"tool_choice\":{\"type\":\"auto\"},\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"low\"},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\ndropped tool_choice\n"},
        {"thoughts that were lost in a loop of calls switch thinking off", DIALECT_openai,
         "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"1\"}],\"max_tokens\":4096,\"reasoning_effort\":\"low\"}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":\"1\"}]}]}\ndropped reasoning_effort\n"},
        {"thoughts that came back go out as they came", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"thinking_blocks\":[{\"type\":\"thinking\",\"thinking\":\"t\\u00e9\",\"signature\":\"SIG=\"},{\"type\":\"redacted_thinking\",\"data\":\"ENC\"}],\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c\",\"content\":\"1\"}],\"max_tokens\":4096,\"reasoning_effort\":\"low\"}", "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":4096,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048},\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\\u00e9\",\"signature\":\"SIG=\"},{\"type\":\"redacted_thinking\",\"data\":\"ENC\"},{\"type\":\"tool_use\",\"id\":\"c\",\"name\":\"f\",\"input\":{}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"c\",\"content\":\"1\"}]}]}\n"},
        {"thoughts without a signature are left out", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"a\",\"reasoning_content\":\"hm\"},{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}]}\ndropped reasoning\n"},
        {"of five marks of the cache the last four stay", DIALECT_anthropic,
         "claude-sonnet-4-5",
         "{\"max_tokens\":5,\"system\":[{\"type\":\"text\",\"text\":\"a\",\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"b\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},{\"type\":\"text\",\"text\":\"c\",\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\",\"text\":\"d\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},{\"type\":\"text\",\"text\":\"e\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}", "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"system\":[{\"type\":\"text\",\"text\":\"a\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"b\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},{\"type\":\"text\",\"text\":\"c\",\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\",\"text\":\"d\",\"cache_control\":{\"type\":\"ephemeral\"}},{\"type\":\"text\",\"text\":\"e\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}\ndropped cache_control\n"},
        {"one answer is asked for", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":5,\"n\":1,\"logprobs\":true,\"stream\":true}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"stream\":true}\ndropped logprobs\n"},
        {"own settings are kept", DIALECT_anthropic, "claude-sonnet-4-5",
         "{\"max_tokens\":5,\"stop_sequences\":[\"E\"],\"top_k\":5,\"metadata\":{\"user_id\":\"u\",\"team\":\"x\"},\"service_tier\":\"standard_only\",\"container\":\"c\",\"thinking\":{\"type\":\"disabled\"},\"speed\":\"fast\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}],\"top_k\":5,\"stop_sequences\":[\"E\"],\"metadata\":{\"user_id\":\"u\"},\"service_tier\":\"standard_only\",\"container\":\"c\",\"speed\":\"fast\"}\ndropped metadata.team\n"},
        {"results keep images and errors", DIALECT_anthropic, "claude-sonnet-4-5", "{\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\": 1}}]},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"note\"},{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]}]}]}",
         "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]},{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\": 1}}]},{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}],\"is_error\":true},{\"type\":\"text\",\"text\":\"note\"}]}]}\n"},
        {"several answers are refused", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":2}",
         "refused: 'n' must be 1: the model gives one answer.\n"},
        {"audio is refused", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"wav\"}}]}]}",
         "refused: 'messages[0].content[1]' is audio, which the model does not take.\n"},
        {"an image of another kind is refused", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/svg+xml;base64,PHN2\"}}]}]}",
         "refused: 'messages[0].content[0]' must be a JPEG, PNG, GIF or WebP image.\n"},
        {"a file of another provider is refused", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{\"file_id\":\"file-1\"}}]}]}",
         "refused: 'messages[0].content[0]' refers to a file that lies with another provider.\n"},
        {"nothing at all is refused", DIALECT_openai, "claude-sonnet-4-5",
         "{\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}",
         "refused: 'messages' must hold something that is not empty.\n"},
};

static void write_request(enum dialect_id client, const char *model, const char *body)
{
    struct chat chat = {.dialect = (uint8_t)client};
    struct json_writer json;

    translation.chat = &chat;
    translation.target.model = span_of_text(model);
    translation.target.traits = model_traits(span_of_text(model), DIALECT_anthropic);
    ck_assert(dialect_row(client)->read_chat(&translation, parsed(body), &chat));
    json_write_init(&json, &out);
    if (anthropic_write_chat(&translation, &chat, &json)) {
        struct span written = arena_copy(&arena, buffer_span(&out));

        (void)parsed(written.ptr);
        (void)buffer_append(&out, SPAN("\n"));
        spell_dropped(&translation, &out);
        return;
    }
    buffer_clear(&out);
    (void)buffer_append_format(&out, "refused: %.*s\n", SPAN_ARG(translation.refusal.message));
}

START_TEST(requests_are_written_as_the_model_takes_them)
{
    write_request(rows[_i].client, rows[_i].model, rows[_i].in);
    said(rows[_i].name, rows[_i].out);
}

END_TEST

START_TEST(a_count_has_no_limit_and_no_sampling)
{
    static const char body[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
                               "\"temperature\":1,\"stream\":true}";
    struct chat chat = {.dialect = DIALECT_anthropic};
    struct json_writer json;

    translation.chat = &chat;
    translation.target.model = SPAN("claude-sonnet-4-5");
    translation.target.traits = model_traits(SPAN("claude-sonnet-4-5"), DIALECT_anthropic);
    ck_assert(anthropic_read_count(&translation, parsed(body), &chat));
    json_write_init(&json, &out);
    ck_assert(anthropic_write_count(&translation, &chat, &json));
    said("count",
         "{\"model\":\"claude-sonnet-4-5\",\"messages\":[{\"role\":\"user\",\"content\":"
         "[{\"type\":\"text\",\"text\":\"x\"}]}]}");
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("anthropic_write_chat");
    TCase *tests = tcase_create("anthropic_write_chat");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, requests_are_written_as_the_model_takes_them, 0,
                        (int)ARRAY_LEN(rows));
    tcase_add_test(tests, a_count_has_no_limit_and_no_sampling);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
