#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/hearing.h"
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
    const char *name, *format_tool, *in, *out;
} replies[] = {
    {"words, and usage with what the cache gave", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[{\"type\":\"text\",\"text\":\"The sky is \"},{\"type\":\"text\",\"text\":\"blue\",\"citations\":[{\"type\":\"web_search_result_location\",\"url\":\"https://x\",\"title\":\"X\",\"cited_text\":\"q\"}]}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 end \"The sky is \" \"blue\" cites:https://x:X\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"reasoning and calls", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"SIG=\"},{\"type\":\"redacted_thinking\",\"data\":\"ENC\"},{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{\"a\":1}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 tool reasoning\"t\" signed:anthropic:SIG= reasoning\"\" redacted signed:anthropic:ENC call:t1:f{\"a\":1}\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"the format's tool is the answer", "json",
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"json\",\"input\":{\"a\":\"b\"}}],\"stop_reason\":\"tool_use\",\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 end \"{\\\"a\\\":\\\"b\\\"}\"\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"a stop sequence", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"END\",\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 sequence:END \"a\"\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"a full window", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":\"model_context_window_exceeded\",\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 context \"a\"\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"a refusal says why", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":\"refusal\",\"stop_details\":{\"type\":\"refusal\",\"explanation\":\"No.\"},\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 filter refusal\"No.\"\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"a refusal without a why", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":\"refusal\",\"stop_details\":null,\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 filter\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"nothing at all is an end", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 end\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"a reason that nobody knows is an end", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":\"new\",\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 end\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"no reason is none", NULL,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":3883,\"cache_read_input_tokens\":30464,\"cache_creation_input_tokens\":200,\"cache_creation\":{\"ephemeral_5m_input_tokens\":50,\"ephemeral_1h_input_tokens\":150},\"output_tokens\":49,\"output_tokens_details\":{\"thinking_tokens\":9}}}",
     "id msg_1 model claude created 1700000000\n0 none\nusage input=34547 output=49 cached=30464 cache_write=200 cache_write_long=150 reasoning=9\n"},
    {"no usage", NULL, "{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}",
     " created 1700000000\n0 none \"a\"\nusage\n"},
    {"no content is no message", NULL, "{\"id\":\"m\"}",
     "bad_answer The provider's answer is no message.\n"},
};

static void set_format_tool(const char *name)
{
    if (name)
        translation.format_tool = (struct text){name, strlen(name)};
}

START_TEST(answers_are_understood)
{
    struct reply reply = {.created = 0};

    set_format_tool(replies[_i].format_tool);
    usage_init(&reply.usage);
    if (anthropic_read_reply(&translation, parsed(replies[_i].in), &reply))
        spell_reply(&reply, &out);
    else
        spell_complaint(&translation.refusal, &out);
    said(replies[_i].name, replies[_i].out);
}

END_TEST

#define REPAIRED "repaired\n" /* the reader mended something */

static const struct {
    const char *name, *format_tool, *in, *out;
} streams[] = {
    {"words, a call without arguments, pings", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\\u00e9\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\nping\n0 +\"a\\u00e9\"\nclose 0\nping\nopen 0/1 call t1:f\n1 +\"{}\"\nclose 1\nstop 0 tool\nusage input=61 output=2\nend\n"},
    {"reasoning, words, two calls", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"SIG=\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"ENC\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\",\"text\":\"b\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":3,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"f\",\"input\":{}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":3}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":4,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"g\",\"input\":{\"b\": 2}}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":4}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 reasoning\n0 +\"hm\"\n0 signed:anthropic:SIG=\nclose 0\nopen 0/1 reasoning redacted\n1 signed:anthropic:ENC\nclose 1\nopen 0/2 text\n2 +\"b\"\nclose 2\nopen 0/3 call t1:f\n3 +\"{\\\"a\\\":\"\n3 +\"1}\"\nclose 3\nopen 0/4 call t2:g\n4 +\"{\\\"b\\\": 2}\"\nclose 4\nstop 0 tool\nusage input=61 output=2\nend\n"},
    {"the provider's own tools are not told", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web\",\"input\":{}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"web_search_tool_result\",\"content\":[]}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"text_delta\",\"text\":\"b\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"b\"\nclose 0\nstop 0 end\nusage input=61 output=2\nend\n"},
    {"the format's tool is told as words", "json",
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"json\",\"input\":{}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":1}\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"{\\\"a\\\":1}\"\nclose 0\nstop 0 end\nusage input=61 output=2\nend\n"},
    {"a citation", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"type\":\"web_search_result_location\",\"url\":\"https://x\",\"title\":\"X\",\"cited_text\":\"q\"}}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\n0 cites https://x:X\nclose 0\nstop 0 end\nusage input=61 output=2\nend\n"},
    {"a refusal says why", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"explanation\":\"No.\"}},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 refusal\n0 +\"No.\"\nclose 0\nstop 0 filter\nusage input=61 output=2\nend\n"},
    {"a start that is said twice counts once", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\nclose 0\nstop 0 end\nusage input=61 output=2\nend\n"},
    {"a start in the middle is an error", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\nerror bad_answer The provider's stream began a second time.\n"},
    {"an error before all", NULL,
     "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
     "error overloaded Overloaded\n"},
    {"an error in the middle", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Slow\"}}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\nerror rate_limit Slow\n"},
    {"a stream that is cut", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\nerror cut The provider's stream broke.\n"},
    {"a stream that forgot its last record", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\nclose 0\nstop 0 length\nusage input=61 output=2\nend\n" REPAIRED},
    {"blocks that are not closed", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"b\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\nclose 0\nopen 0/1 text\n1 +\"b\"\nclose 1\nstop 0 end\nusage input=61 output=2\nend\n" REPAIRED},
    {"words without a block begin one", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\nclose 0\nstop 0 end\nusage input=61 output=2\nend\n" REPAIRED},
    {"arguments without a call are an error", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"a\"}}\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nerror bad_answer The provider's stream told of a call that it had not begun.\n"},
    {"no names of events, a comment at the end", NULL,
     "data:{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}   \n\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"input_tokens\":61,\"output_tokens\":2}}\n\ndata: {\"type\":\"message_stop\"}\n\n: stream complete\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nopen 0/0 text\n0 +\"a\"\nclose 0\nstop 0 end\nusage input=61 output=2\nend\n" REPAIRED},
    {"a record that is no JSON", NULL,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude\",\"usage\":{\"input_tokens\":43,\"output_tokens\":1}}}\n\ndata: {\"type\"\n\n",
     "start msg_1 claude 1700000000\nusage input=43 output=1\nerror bad_answer The provider's stream has a record that is no JSON object.\n"},
};

static void take(void *who, const struct event *event)
{
    grammar_check(who, event);
    spell_event(event, &out);
}

/* The events of BYTES that come in two pieces. */
static void read_stream(struct span bytes, size_t cut)
{
    struct grammar grammar = {.over = false};
    struct event_reader reader;
    struct sse_framer framer;

    sse_init(&framer, 1 << 20);
    event_reader_init(&reader, &dialect_anthropic, &translation, take, &grammar);
    hearing_pass(&reader, &framer, span_of(bytes.ptr, cut));
    hearing_pass(&reader, &framer, span_skip(bytes, cut));
    event_read_end(&reader);
    if (reader.repaired)
        (void)buffer_append(&out, SPAN(REPAIRED));
    sse_done(&framer);
}

START_TEST(streams_are_understood_wherever_they_are_cut)
{
    struct span bytes = span_of_text(streams[_i].in);

    set_format_tool(streams[_i].format_tool);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        buffer_clear(&out);
        read_stream(bytes, cut);
        said(streams[_i].name, streams[_i].out);
    }
}

END_TEST

START_TEST(a_stream_that_ends_early_is_an_error)
{
    struct span bytes = span_of_text(streams[0].in);
    size_t stop = span_find(bytes, SPAN("event: message_delta"));

    for (size_t len = 0; len < stop; len++) {
        buffer_clear(&out);
        read_stream(span_of(bytes.ptr, len), len);
        ck_assert(span_find(buffer_span(&out), SPAN("error cut")) != SIZE_MAX);
        ck_assert(span_find(buffer_span(&out), SPAN("end\n")) == SIZE_MAX);
    }
}

END_TEST

static const struct {
    const char *name;
    const char *pieces[6];
    const char *text;
} customs[] = {
    {"whole", {"{\\\"input\\\":\\\"SELECT 1\\\"}"}, "SELECT 1"},
    {"in pieces", {"", "{\\\"in", "put\\\": \\\"SEL", "ECT", " 1\\\"", "}"}, "SELECT 1"},
    {"escapes",
     {"{\\\"input\\\":\\\"a\\\\", "\\\"b\\\\n\\\\u00", "e9\\u00e9\\\"}"},
     "a\\\"b\\n\\u00e9\\u00e9"},
    {"a backslash at the end", {"{\\\"input\\\":\\\"a\\\\\\\\\\\"}"}, "a\\\\"},
};

START_TEST(a_tool_of_free_text_is_unwrapped)
{
    struct chat chat = {.dialect = DIALECT_openai};
    struct buffer stream _buffer_;
    struct buffer text _buffer_;
    struct span rest, line;

    buffer_init(&stream, 1 << 16);
    buffer_init(&text, 1 << 16);
    chat_add_tool(&chat, TOOL_CUSTOM, &arena)->name = TEXT("sql");
    translation.chat = &chat;
    (void)buffer_append(&stream, SPAN("data: {\"type\":\"content_block_start\",\"index\":0,"
                                      "\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\","
                                      "\"name\":\"sql\",\"input\":{}}}\n\n"));
    for (unsigned i = 0; i < 6 && customs[_i].pieces[i]; i++)
        (void)buffer_append_format(&stream,
                                   "data: {\"type\":\"content_block_delta\",\"index\":0,"
                                   "\"delta\":{\"partial_json\":\"%s\"}}\n\n",
                                   customs[_i].pieces[i]);
    read_stream(buffer_span(&stream), 0);
    rest = buffer_span(&out);
    while (span_cut(&rest, '\n', &line))
        if (span_starts(line, SPAN("0 +\"")))
            (void)buffer_append(&text, span_of(line.ptr + 4, line.len - 5));
    ck_assert_msg(span_eq(buffer_span(&text), span_of_text(customs[_i].text)), "%s: %.*s",
                  customs[_i].name, SPAN_ARG(buffer_span(&out)));
}

END_TEST

START_TEST(a_stream_that_is_passed_on_says_what_it_used)
{
    struct span rest = span_of_text(streams[0].in);
    struct stream_tap tap = {.finished = false};
    struct sse_framer framer;
    struct sse_record record;

    usage_init(&tap.usage);
    sse_init(&framer, 1 << 20);
    while (sse_next(&framer, &rest, &record) == SSE_RECORD)
        ck_assert(!anthropic_tap_record(&tap, &record));
    sse_done(&framer);
    ck_assert_uint_eq(tap.usage.input, 61);
    ck_assert_uint_eq(tap.usage.output, 2);
    ck_assert(tap.finished && !tap.failed);
}

END_TEST

START_TEST(an_error_in_a_stream_that_is_passed_on_is_seen)
{
    struct sse_record record = {.event = SPAN("error"),
                                .data = SPAN("{\"type\":\"error\",\"error\":{}}"),
                                .has_data = true};
    struct stream_tap tap = {.finished = false};

    ck_assert(!anthropic_tap_record(&tap, &record));
    ck_assert(tap.failed && !tap.finished);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("anthropic_read_answer");
    TCase *tests = tcase_create("anthropic_read_answer");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, answers_are_understood, 0, (int)ARRAY_LEN(replies));
    tcase_add_loop_test(tests, streams_are_understood_wherever_they_are_cut, 0,
                        (int)ARRAY_LEN(streams));
    tcase_add_test(tests, a_stream_that_ends_early_is_an_error);
    tcase_add_loop_test(tests, a_tool_of_free_text_is_unwrapped, 0, (int)ARRAY_LEN(customs));
    tcase_add_test(tests, a_stream_that_is_passed_on_says_what_it_used);
    tcase_add_test(tests, an_error_in_a_stream_that_is_passed_on_is_seen);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
