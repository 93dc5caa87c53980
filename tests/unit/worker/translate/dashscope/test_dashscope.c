#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/provider_side.h"

static struct buffer out, whole;

static void set_up(void)
{
    buffer_init(&out, 1 << 20);
    buffer_init(&whole, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&out);
    buffer_done(&whole);
}

static void is_out(const char *name, const char *expected)
{
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(expected)), "%s:\n%.*s\nis not\n%s",
                  name, SPAN_ARG(buffer_span(&out)), expected);
}

/* What a client of chat completions asks, and what the provider is asked. */
static const struct {
    const char *name, *model, *in, *out;
} requests[] = {
    {"a text goes in a message", "qwen-max",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
     "{\"model\":\"qwen-max\",\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\""
     "hi\"}]},\"parameters\":{\"result_format\":\"message\"}}"},
    {"a stream comes in increments, however the client asks", "qwen-max",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"strea"
     "m\":true,\"stream_options\":{\"include_usage\":true}}",
     "{\"model\":\"qwen-max\",\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\""
     "hi\"}]},\"parameters\":{\"result_format\":\"message\",\"incremental_output\":true}"
     "}"},
    {"settings are parameters; what has no place is named", "qwen-max",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_t"
     "okens\":5,\"temperature\":0.5,\"seed\":1,\"stop\":\"x\",\"frequency_penalty\":0.1,"
     "\"n\":2}",
     "{\"model\":\"qwen-max\",\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\""
     "hi\"}]},\"parameters\":{\"result_format\":\"message\",\"stop\":[\"x\"],\"max_token"
     "s\":5,\"temperature\":0.5,\"n\":2,\"seed\":1}}\ndropped frequency_penalty\n"},
    {"a model that sees has parts", "qwen-vl-max",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":"
     "\"user\",\"content\":[{\"type\":\"text\",\"text\":\"t\"},{\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"https://x/a.png\"}}]},{\"role\":\"assistant\",\"content\""
     ":\"a\"},{\"role\":\"user\",\"content\":\"hi\"}]}",
     "{\"model\":\"qwen-vl-max\",\"input\":{\"messages\":[{\"role\":\"system\",\"content"
     "\":[{\"text\":\"s\"}]},{\"role\":\"user\",\"content\":[{\"text\":\"t\"},{\"image\""
     ":\"https://x/a.png\"}]},{\"role\":\"assistant\",\"content\":[{\"text\":\"a\"}]},{"
     "\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}]},\"parameters\":{\"result_form"
     "at\":\"message\"}}"},
    {"a model that reads takes no picture", "qwen-max",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
     "\"text\":\"t\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/a.png\""
     "}}]}]}",
     "refused: 'messages[0].content[1]' is no text, and the model only reads."},
    {"several texts are one", "qwen-max",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
     "\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]}]}",
     "{\"model\":\"qwen-max\",\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\""
     "a\\nb\"}]},\"parameters\":{\"result_format\":\"message\"}}"},
    {"calls and their results", "qwen-max",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"a"
     "ssistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\""
     "function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"2\",\"type"
     "\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},{\"role\":\""
     "tool\",\"tool_call_id\":\"1\",\"content\":\"{\\\"r\\\":1}\"},{\"role\":\"tool\",\""
     "tool_call_id\":\"2\",\"content\":\"words\"}],\"tools\":[{\"type\":\"function\",\"f"
     "unction\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object"
     "\"}}}]}",
     "{\"model\":\"qwen-max\",\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\""
     "q\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"1\",\"type"
     "\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\""
     "id\":\"2\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\""
     "}}]},{\"role\":\"tool\",\"tool_call_id\":\"1\",\"content\":\"{\\\"r\\\":1}\"},{\"r"
     "ole\":\"tool\",\"tool_call_id\":\"2\",\"content\":\"words\"}]},\"parameters\":{\"r"
     "esult_format\":\"message\",\"tools\":[{\"type\":\"function\",\"function\":{\"name"
     "\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}}]}}"},
    {"a tool cannot be forced", "qwen-max",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools"
     "\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"pa"
     "rameters\":{\"type\":\"object\"}}}],\"tool_choice\":\"required\"}",
     "{\"model\":\"qwen-max\",\"input\":{\"messages\":[{\"role\":\"user\",\"content\":\""
     "hi\"}]},\"parameters\":{\"result_format\":\"message\",\"tools\":[{\"type\":\"funct"
     "ion\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":"
     "\"object\"}}}]}}\ndropped tool_choice\n"},
    {"an effort is a budget", "qwen3-vl-plus",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"reaso"
     "ning_effort\":\"low\"}",
     "{\"model\":\"qwen3-vl-plus\",\"input\":{\"messages\":[{\"role\":\"user\",\"content"
     "\":[{\"text\":\"hi\"}]}]},\"parameters\":{\"result_format\":\"message\",\"enable_t"
     "hinking\":true,\"thinking_budget\":2048}}"},
    {"no effort switches it off", "qwen-plus",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"reaso"
     "ning_effort\":\"none\"}",
     "{\"model\":\"qwen-plus\",\"input\":{\"messages\":[{\"role\":\"user\",\"content\":"
     "\"hi\"}]},\"parameters\":{\"result_format\":\"message\",\"enable_thinking\":false}"
     "}"},
    {"a JSON answer by its type alone, the schema in words", "qwen-max",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"respo"
     "nse_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":"
     "{\"type\":\"object\"}}}}",
     "{\"model\":\"qwen-max\",\"input\":{\"messages\":[{\"role\":\"system\",\"content\":"
     "\"Answer with one JSON object that fits this JSON schema, and nothing else: {\\\"t"
     "ype\\\":\\\"object\\\"}\"},{\"role\":\"user\",\"content\":\"hi\"}]},\"parameters\""
     ":{\"result_format\":\"message\",\"response_format\":{\"type\":\"json_object\"}}}"},
};

START_TEST(requests_are_written)
{
    provider_asked(&dialect_dashscope, requests[_i].model, requests[_i].in, &out);
    is_out(requests[_i].name, requests[_i].out);
}

END_TEST

/* A whole answer, and what it says. */
static const struct {
    const char *name, *in, *out;
} replies[] = {
    {"text and thought",
     "{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hi\","
     "\"reasoning_content\":\"Hm\"},\"finish_reason\":\"stop\"}]},\"usage\":{\"input_tok"
     "ens\":3,\"output_tokens\":2,\"output_tokens_details\":{\"reasoning_tokens\":1},\"p"
     "rompt_tokens_details\":{\"cached_tokens\":2}},\"request_id\":\"r\"}",
     "id r model m created 0\n0 end reasoning\"Hm\" \"Hi\"\nusage input=3 output=2 cache"
     "d=2 reasoning=1\n"},
    {"parts of a model that sees",
     "{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":[{\"tex"
     "t\":\"A \"},{\"text\":\"cat\"}]},\"finish_reason\":\"stop\"}]},\"usage\":{\"input_"
     "tokens\":3,\"output_tokens\":2,\"total_tokens\":5},\"request_id\":\"r\"}",
     "id r model m created 0\n0 end \"A \" \"cat\"\nusage input=3 output=2\n"},
    {"a call",
     "{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\",\""
     "tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name"
     "\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]},\"usage\":{"
     "\"input_tokens\":3,\"output_tokens\":2,\"total_tokens\":5},\"request_id\":\"r\"}",
     "id r model m created 0\n0 tool call:c:f={}\nusage input=3 output=2\n"},
    {"the old form, a bare text",
     "{\"output\":{\"text\":\"Hi\",\"finish_reason\":\"length\"},\"usage\":{\"input_toke"
     "ns\":3,\"output_tokens\":2},\"request_id\":\"r\"}",
     "id r model m created 0\n0 length \"Hi\"\nusage input=3 output=2\n"},
    {"no output at all",
     "{\"code\":\"Throttling.RateQuota\",\"message\":\"Slow down.\",\"request_id\":\"r\""
     "}",
     "rate_limit id=r Slow down.\n"},
};

START_TEST(answers_are_read)
{
    provider_answered(&dialect_dashscope, replies[_i].in, &out);
    is_out(replies[_i].name, replies[_i].out);
}

END_TEST

/* A stream, and its events. */
static const struct {
    const char *name, *in, *out;
} streams[] = {
    {"T85: it runs while the reason is the word null, empty or missing; the last usage c"
     "ounts",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":"
     "{\"role\":\"assistant\",\"content\":\"He\"},\"finish_reason\":\"null\"}]},\"usage"
     "\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:2\nevent:r"
     "esult\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"a"
     "ssistant\",\"content\":\"llo\"},\"finish_reason\":\"\"}]},\"usage\":{\"input_token"
     "s\":3,\"output_tokens\":2},\"request_id\":\"r\"}\n\nid:3\nevent:result\n:HTTP_STAT"
     "US/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"cont"
     "ent\":\"!\"},\"finish_reason\":null}]},\"usage\":{\"input_tokens\":3,\"output_toke"
     "ns\":3},\"request_id\":\"r\"}\n\nid:4\nevent:result\n:HTTP_STATUS/200\ndata:{\"out"
     "put\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"finis"
     "h_reason\":\"stop\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":4},\"reques"
     "t_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 text\n0 +\"He\"\n0 +\"llo\"\n0 +\"!\"\nclose 0\nsto"
     "p 0 end\nusage input=3 output=4\nend\n"},
    {"a thought, then words in parts",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":"
     "{\"role\":\"assistant\",\"content\":[],\"reasoning_content\":\"Hm\"},\"finish_reas"
     "on\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\""
     ":\"r\"}\n\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{"
     "\"message\":{\"role\":\"assistant\",\"content\":[{\"text\":\"A\"}]},\"finish_reaso"
     "n\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":"
     "\"r\"}\n\nid:3\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\""
     "message\":{\"role\":\"assistant\",\"content\":[]},\"finish_reason\":\"stop\"}]},\""
     "usage\":{\"input_tokens\":3,\"output_tokens\":2},\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 reasoning\n0 +\"Hm\"\nclose 0\nopen 0/1 text\n1 +\""
     "A\"\nclose 1\nstop 0 end\nusage input=3 output=2\nend\n"},
    {"calls whose later pieces have empty ids",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":"
     "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"c1"
     "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":"
     "\"}}]},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens"
     "\":1},\"request_id\":\"r\"}\n\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:{\"outpu"
     "t\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_cal"
     "ls\":[{\"index\":0,\"id\":\"\",\"type\":\"function\",\"function\":{\"arguments\":"
     "\"1}\"}}]},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_to"
     "kens\":1},\"request_id\":\"r\"}\n\nid:3\nevent:result\n:HTTP_STATUS/200\ndata:{\"o"
     "utput\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool"
     "_calls\":[{\"index\":1,\"id\":\"c2\",\"type\":\"function\",\"function\":{\"name\":"
     "\"g\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"null\"}]},\"usage\":{\"input_to"
     "kens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:4\nevent:result\n:HTTP_S"
     "TATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"c"
     "ontent\":\"\"},\"finish_reason\":\"tool_calls\"}]},\"usage\":{\"input_tokens\":3,"
     "\"output_tokens\":2},\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 call c1:f\n0 +\"{\\\"a\\\":\"\n0 +\"1}\"\nopen 0/1 "
     "call c2:g\n1 +\"{}\"\nclose 0\nclose 1\nstop 0 tool\nusage input=3 output=2\nend\n"},
    {"an error in the middle",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":"
     "{\"role\":\"assistant\",\"content\":\"He\"},\"finish_reason\":\"null\"}]},\"usage"
     "\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:2\nevent:e"
     "rror\n:HTTP_STATUS/400\ndata:{\"code\":\"DataInspectionFailed\",\"message\":\"Not "
     "this.\",\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 text\n0 +\"He\"\nerror content_filter id=r Not this"
     ".\n"},
    {"T87: an error at once, in a frame",
     "id:1\nevent:error\n:HTTP_STATUS/400\ndata:{\"code\":\"InvalidParameter\",\"message"
     "\":\"m\",\"request_id\":\"r\"}\n\n",
     "error bad_request id=r m\n"},
    {"T85: each record has all that was said so far",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"He\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:3\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},\"finish_reason\":\"\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":2},\"request_id\":\"r\"}\n\nid:4\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hello!\"}}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":3},\"request_id\":\"r\"}\n\nid:5\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Hello!\"},\"finish_reason\":\"stop\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":3},\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 text\n0 +\"He\"\n0 +\"llo\"\n0 +\"!\"\nclose 0\nstop 0 end\nusage input=3 output=3\nend\n"},
    {"a thought and words, both repeated",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":\"Hm\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":\"Hm, so\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":2},\"request_id\":\"r\"}\n\nid:3\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"A\",\"reasoning_content\":\"Hm, so\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":3},\"request_id\":\"r\"}\n\nid:4\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"A b\",\"reasoning_content\":\"Hm, so\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":4},\"request_id\":\"r\"}\n\nid:5\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"A b c\",\"reasoning_content\":\"Hm, so\"},\"finish_reason\":\"stop\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":5},\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 reasoning\n0 +\"Hm\"\n0 +\", so\"\nclose 0\nopen 0/1 text\n1 +\"A\"\n1 +\" b\"\n1 +\" c\"\nclose 1\nstop 0 end\nusage input=3 output=5\nend\n"},
    {"pieces that are like those before, but new",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"ha\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"ha\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":2},\"request_id\":\"r\"}\n\nid:3\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"haha!\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":4},\"request_id\":\"r\"}\n\nid:4\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\" 1\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":5},\"request_id\":\"r\"}\n\nid:5\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":5},\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 text\n0 +\"ha\"\n0 +\"ha\"\n0 +\"haha!\"\n0 +\" 1\"\nclose 0\nstop 0 end\nusage input=3 output=5\nend\n"},
    {"a piece that begins like the first at the end of the stream",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"1\"},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"12\"},\"finish_reason\":\"stop\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":2},\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 text\n0 +\"1\"\n0 +\"12\"\nclose 0\nstop 0 end\nusage input=3 output=2\nend\n"},
    {"a call whose arguments are repeated",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\"}}]},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}}]},\"finish_reason\":\"null\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":2},\"request_id\":\"r\"}\n\nid:3\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}}]},\"finish_reason\":\"tool_calls\"}]},\"usage\":{\"input_tokens\":3,\"output_tokens\":3},\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 call c:f\n0 +\"{\\\"a\"\n0 +\"\\\": 1}\"\nclose 0\nstop 0 tool\nusage input=3 output=3\nend\n"},
    {"a bare text, repeated",
     "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"text\":\"He\",\"finish_reason\":\"null\"},\"usage\":{\"input_tokens\":3,\"output_tokens\":1},\"request_id\":\"r\"}\n\nid:2\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"text\":\"Hello\",\"finish_reason\":\"null\"},\"usage\":{\"input_tokens\":3,\"output_tokens\":2},\"request_id\":\"r\"}\n\nid:3\nevent:result\n:HTTP_STATUS/200\ndata:{\"output\":{\"text\":\"Hello!\",\"finish_reason\":\"stop\"},\"usage\":{\"input_tokens\":3,\"output_tokens\":3},\"request_id\":\"r\"}\n\n",
     "start r m 1700000000\nopen 0/0 text\n0 +\"He\"\n0 +\"llo\"\n0 +\"!\"\nclose 0\nstop 0 end\nusage input=3 output=3\nend\n"},
    {"no JSON", "id:1\nevent:result\n:HTTP_STATUS/200\ndata:<html>\n\n",
     "error bad_answer The provider's stream has a record that is no JSON object.\n"},
};

START_TEST(streams_are_read_wherever_they_are_cut)
{
    struct span bytes = span_of_text(streams[_i].in);

    for (size_t cut = 0; cut <= bytes.len; cut++) {
        provider_streamed(&dialect_dashscope, bytes, cut, &out);
        is_out(streams[_i].name, streams[_i].out);
    }
}

END_TEST

/* Every beginning of a stream ends in an error, or as the whole does. */
START_TEST(a_stream_that_breaks_off_never_ends_early)
{
    struct span bytes = span_of_text(streams[_i].in);
    bool ended;

    provider_streamed(&dialect_dashscope, bytes, 0, &whole);
    for (size_t len = 0; len < bytes.len; len++) {
        provider_streamed(&dialect_dashscope, span_of(bytes.ptr, len), 0, &out);
        ended = span_ends(buffer_span(&out), SPAN("\nend\n"));
        ck_assert(!ended || span_eq(buffer_span(&out), buffer_span(&whole)));
        ck_assert(ended || span_find(buffer_span(&out), SPAN("error ")) != SIZE_MAX);
    }
}

END_TEST

/* The address and the form of contents go by the same names of models. */
START_TEST(models_that_take_media_have_an_address_apart)
{
    static const struct span prefixes[] = {
#define APART(dialect, prefix, path) {(prefix), sizeof(prefix) - 1},
#include "shared/snapshot/addresses.def"
    };

    for (unsigned i = 0; i < ARRAY_LEN(prefixes); i++)
        ck_assert(model_traits(prefixes[i], DIALECT_dashscope)->traits & TRAIT_TAKES_MEDIA);
    ck_assert(!(model_traits(SPAN("qwen-max"), DIALECT_dashscope)->traits & TRAIT_TAKES_MEDIA));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/dashscope");
    TCase *cases = tcase_create("provider");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, requests_are_written, 0, ARRAY_LEN(requests));
    tcase_add_loop_test(cases, answers_are_read, 0, ARRAY_LEN(replies));
    tcase_add_loop_test(cases, streams_are_read_wherever_they_are_cut, 0, ARRAY_LEN(streams));
    tcase_add_loop_test(cases, a_stream_that_breaks_off_never_ends_early, 0,
                        ARRAY_LEN(streams));
    tcase_add_test(cases, models_that_take_media_have_an_address_apart);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
