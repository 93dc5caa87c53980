#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/hearing.h"
#include "tests/support/parsed.h"
#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

/* What a stream said, and whether it kept the grammar of event.h. */
struct heard {
    struct buffer spelled;
    struct buffer written;
    struct event_writer writer;
    struct grammar grammar;
    bool repaired;
};

static struct chat chat;

static void take(void *who, const struct event *event)
{
    struct heard *heard = who;

    grammar_check(&heard->grammar, event);
    spell_event(event, &heard->spelled);
    event_write(&heard->writer, event);
}

/* BYTES in two pieces, cut at CUT. */
static void hear(struct span bytes, size_t cut, bool array, struct heard *heard)
{
    struct translation translation;
    struct event_reader reader;
    struct sse_framer framer;
    struct arena arena;

    *heard = (struct heard){.repaired = false};
    buffer_init(&heard->spelled, 1 << 20);
    buffer_init(&heard->written, 1 << 20);
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    translation.stream_as_array = array;
    chat = (struct chat){.dialect = DIALECT_gemini, .stream = true};
    translation.chat = &chat;
    sse_init(&framer, 1 << 20);
    event_writer_init(&heard->writer, &dialect_gemini, &translation, &heard->written);
    event_reader_init(&reader, &dialect_gemini, &translation, take, heard);
    hearing_pass(&reader, &framer, span_of(bytes.ptr, cut));
    hearing_pass(&reader, &framer, span_skip(bytes, cut));
    event_read_end(&reader);
    ck_assert(heard->grammar.over);
    heard->repaired = reader.repaired;
    sse_done(&framer);
    arena_done(&arena);
}

static void forget(struct heard *heard)
{
    buffer_done(&heard->spelled);
    buffer_done(&heard->written);
}

static void is_out(const char *name, const struct buffer *out, const char *expected)
{
    ck_assert_msg(span_eq(buffer_span(out), span_of_text(expected)), "%s:\n%.*s\nis not\n%s",
                  name, SPAN_ARG(buffer_span(out)), expected);
}

/* A stream, its events, and the same for a client of this dialect. */
static const struct {
    const char *name, *in, *out, *written;
} rows[] = {
    {"text in pieces, the last usage counts",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":15,"
     "\"candidatesTokenCount\":1},\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"llo"
     "\"}],\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenC"
     "ount\":13,\"candidatesTokenCount\":2},\"modelVersion\":\"m\",\"responseI"
     "d\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"tex"
     "t\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],"
     "\"usageMetadata\":{\"promptTokenCount\":13,\"candidatesTokenCount\":3},"
     "\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n",
     "start r m 0\nusage input=15 output=1\nopen 0/0 text\n0 +\"He\"\n0 +\"llo"
     "\"\nclose 0\nstop 0 end\nusage input=13 output=3\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"l"
     "lo\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"respon"
     "seId\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{"
     "\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":"
     "0}],\"usageMetadata\":{\"promptTokenCount\":13,\"candidatesTokenCount\":"
     "3,\"totalTokenCount\":16},\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\n"},
    {"a thought, then text, then a signature",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"t\",\"though"
     "t\":true}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"re"
     "sponseId\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":"
     "[{\"text\":\"x\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":"
     "\"m\",\"responseId\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{"
     "\"parts\":[{\"text\":\"\",\"thoughtSignature\":\"QUJD\"}],\"role\":\"mod"
     "el\"},\"finishReason\":\"STOP\",\"index\":0}],\"modelVersion\":\"m\",\"r"
     "esponseId\":\"r\"}\r\n\r\n",
     "start r m 0\nopen 0/0 reasoning\n0 +\"t\"\nclose 0\nopen 0/1 text\n1 +"
     "\"x\"\n1 signed:gemini:QUJD\nclose 1\nstop 0 end\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"t\",\"though"
     "t\":true}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"re"
     "sponseId\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":"
     "[{\"text\":\"x\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":"
     "\"m\",\"responseId\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{"
     "\"parts\":[{\"text\":\"\",\"thoughtSignature\":\"QUJD\"}],\"role\":\"mod"
     "el\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]"
     ",\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMeta"
     "data\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCo"
     "unt\":0},\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"},
    {"T60: parallel calls, one signature",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"f\",\"args\":{\"a\":\"\\n\"}},\"thoughtSignature\":"
     "\"QUJD\"},{\"functionCall\":{\"id\":\"2\",\"name\":\"g\"}}],\"role\":\"m"
     "odel\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]"
     ",\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"modelVers"
     "ion\":\"m\",\"responseId\":\"r\"}\r\n\r\n",
     "start r m 0\nopen 0/0 call 1:f\n0 signed:gemini:QUJD\n0 +\"{\\\"a\\\":"
     "\\\"\\\\n\\\"}\"\nclose 0\nopen 0/1 call 2:g\n1 +\"{}\"\nclose 1\nstop 0"
     " tool\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"f\",\"args\":{\"a\":\"\\n\"}},\"thoughtSignature\":"
     "\"QUJD\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"re"
     "sponseId\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":"
     "[{\"functionCall\":{\"id\":\"2\",\"name\":\"g\",\"args\":{}}}],\"role\":"
     "\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]"
     ",\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMeta"
     "data\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCo"
     "unt\":0},\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"},
    {"T89: arguments in pieces, the end of each call",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"f\",\"willContinue\":true}}],\"role\":\"model\"},\"i"
     "ndex\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: {"
     "\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"partialArg"
     "s\":[{\"jsonPath\":\"$.id\",\"stringValue\":\"A\",\"willContinue\":true}"
     "],\"willContinue\":true}}],\"role\":\"model\"},\"index\":0}],\"modelVers"
     "ion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"conte"
     "nt\":{\"parts\":[{\"functionCall\":{\"partialArgs\":[{\"jsonPath\":\"$.i"
     "d\",\"stringValue\":\"\"}],\"willContinue\":true}}],\"role\":\"model\"},"
     "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: "
     "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{}}],\"role"
     "\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall"
     "\":{\"id\":\"2\",\"name\":\"g\"}}],\"role\":\"model\"},\"finishReason\":"
     "\"STOP\",\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\n",
     "start r m 0\nopen 0/0 call 1:f\n0 +\"{\\\"id\\\":\\\"A\"\n0 +\"\\\"\"\n0"
     " +\"}\"\nclose 0\nopen 0/1 call 2:g\n1 +\"{}\"\nclose 1\nstop 0 tool\nen"
     "d\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"f\",\"args\":{\"id\":\"A\"}}}],\"role\":\"model\"},"
     "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: "
     "{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"2"
     "\",\"name\":\"g\",\"args\":{}}}],\"role\":\"model\"},\"index\":0}],\"mod"
     "elVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: {\"candidates\":[{"
     "\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishRea"
     "son\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":0,"
     "\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"modelVersion\":\"m"
     "\",\"responseId\":\"r\"}\r\n\r\n"},
    {"T89: nested arguments, closed by the reason",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"w\",\"willContinue\":true}}],\"role\":\"model\"},\"i"
     "ndex\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: {"
     "\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"partialArg"
     "s\":[{\"jsonPath\":\"$.o[0].a\",\"stringValue\":\"x\\\"y\",\"willContinu"
     "e\":true}],\"willContinue\":true}}],\"role\":\"model\"},\"index\":0}],"
     "\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: {\"candidates"
     "\":[{\"content\":{\"parts\":[{\"functionCall\":{\"partialArgs\":[{\"json"
     "Path\":\"$.o[0].p\",\"numberValue\":0.50},{\"jsonPath\":\"$.o[1].a\",\"b"
     "oolValue\":true},{\"jsonPath\":\"$.n\",\"nullValue\":\"NULL_VALUE\"},{"
     "\"jsonPath\":\"$['b c'].d\",\"stringValue\":\"z\"}],\"willContinue\":tru"
     "e}}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"response"
     "Id\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"finishReason\":\"STOP\"}]}"
     "\r\n\r\n",
     "start r m 0\nopen 0/0 call 1:w\n0 +\"{\\\"o\\\":[{\\\"a\\\":\\\"x"
     "\\\\\\\"y\"\n0 +\"\\\",\\\"p\\\":0.50},{\\\"a\\\":true}],\\\"n\\\":null,"
     "\\\"b c\\\":{\\\"d\\\":\\\"z\\\"\"\n0 +\"}}\"\nclose 0\nstop 0 tool\nend"
     "\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"w\",\"args\":{\"o\":[{\"a\":\"x\\\"y\",\"p\":0.50},{"
     "\"a\":true}],\"n\":null,\"b c\":{\"d\":\"z\"}}}}],\"role\":\"model\"},"
     "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: "
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"mo"
     "del\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"prom"
     "ptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"mod"
     "elVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"},
    {"arguments at an impossible place",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"f\",\"willContinue\":true}}],\"role\":\"model\"},\"i"
     "ndex\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: {"
     "\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"partialArg"
     "s\":[{\"jsonPath\":\"$.a\",\"stringValue\":\"x\"},{\"jsonPath\":\"$.a.b"
     "\",\"stringValue\":\"x\"}],\"willContinue\":true}}],\"role\":\"model\"},"
     "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n",
     "start r m 0\nopen 0/0 call 1:f\nerror bad_answer The provider's stream b"
     "roke.\n",
     "data: {\"error\":{\"code\":502,\"message\":\"The provider's stream broke"
     ".\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"},
    {"T70: a blocked prompt",
     "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"modelVersion\":"
     "\"m\",\"responseId\":\"r\"}\r\n\r\n",
     "start r m 0\nstop 0 filter\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role"
     "\":\"model\"},\"finishReason\":\"SAFETY\",\"index\":0}],\"usageMetadata"
     "\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount"
     "\":0},\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"},
    {"a failed generation without anything",
     "data: {\"candidates\":[{\"finishReason\":\"MALFORMED_FUNCTION_CALL\"}]}"
     "\r\n\r\n",
     " 0\nerror internal The provider's generation failed: nothing came of it."
     "\n",
     "data: {\"error\":{\"code\":500,\"message\":\"The provider's generation f"
     "ailed: nothing came of it.\",\"status\":\"INTERNAL\"}}\r\n\r\n"},
    {"T28: two choices at once",
     "data: {\"candidates\":[{\"index\":0,\"content\":{\"parts\":[{\"text\":"
     "\"a\"}]}},{\"index\":1,\"content\":{\"parts\":[{\"text\":\"b\"}]}}]}"
     "\r\n\r\ndata: {\"candidates\":[{\"index\":1,\"finishReason\":\"STOP\"},{"
     "\"index\":0,\"finishReason\":\"MAX_TOKENS\"}]}\r\n\r\n",
     " 0\nopen 0/0 text\n0 +\"a\"\nopen 1/1 text\n1 +\"b\"\nclose 0\nstop 0 le"
     "ngth\nclose 1\nstop 1 end\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}],\"role"
     "\":\"model\"},\"index\":0}],\"responseId\":\"resp_MdnuJDaDEiHjvAfURiMDKJ"
     "AU\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":"
     "\"b\"}],\"role\":\"model\"},\"index\":1}],\"responseId\":\"resp_MdnuJDaD"
     "EiHjvAfURiMDKJAU\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts"
     "\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"MAX_TOKENS"
     "\",\"index\":0}],\"responseId\":\"resp_MdnuJDaDEiHjvAfURiMDKJAU\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]"
     ",\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":1}],\"usageMeta"
     "data\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCo"
     "unt\":0},\"responseId\":\"resp_MdnuJDaDEiHjvAfURiMDKJAU\"}\r\n\r\n"},
    {"an image",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"see\"},{\"in"
     "lineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}],\"role\":\"m"
     "odel\"},\"finishReason\":\"STOP\",\"index\":0}],\"modelVersion\":\"m\","
     "\"responseId\":\"r\"}\r\n\r\n",
     "start r m 0\nopen 0/0 text\n0 +\"see\"\nclose 0\nopen 0/1 image:image/png:AAAA\nclose 1"
     "\nstop 0 end\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"see\"}],\"ro"
     "le\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"inlineData"
     "\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}],\"role\":\"model\"},"
     "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: "
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"mo"
     "del\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"prom"
     "ptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"mod"
     "elVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"},
    {"T82: cut",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\n",
     "start r m 0\nopen 0/0 text\n0 +\"He\"\nclose 0\nerror cut The provider's"
     " stream broke.\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\ndata: {\"error\":{\"code\":502,\"message\":\"The provider's s"
     "tream broke.\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"},
    {"nothing", "", "error cut The provider's stream broke.\n",
     "data: {\"error\":{\"code\":502,\"message\":\"The provider's stream broke"
     ".\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"},
    {"no JSON", "data: {\"candidates\":[\r\n\r\n",
     "error bad_answer The provider's stream broke.\n",
     "data: {\"error\":{\"code\":502,\"message\":\"The provider's stream broke"
     ".\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"},
    {"an error in a record",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\ndata: {\"error\":{\"code\":503,\"message\":\"busy\",\"status"
     "\":\"UNAVAILABLE\"}}\r\n\r\n",
     "start r m 0\nopen 0/0 text\n0 +\"He\"\nerror overloaded busy\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\ndata: {\"error\":{\"code\":503,\"message\":\"busy\",\"status"
     "\":\"UNAVAILABLE\"}}\r\n\r\n"},
    {"T88: an error without framing",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\n{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"bus"
     "y\",\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n\n",
     "start r m 0\nopen 0/0 text\n0 +\"He\"\nerror overloaded busy\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\ndata: {\"error\":{\"code\":503,\"message\":\"busy\",\"status"
     "\":\"UNAVAILABLE\"}}\r\n\r\n"},
    {"T88: an error as an array",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\n[{\n  \"error\": {\n    \"code\": 429,\n    \"message\": \"sl"
     "ow\",\n    \"status\": \"RESOURCE_EXHAUSTED\"\n  }\n}]\n\n",
     "start r m 0\nopen 0/0 text\n0 +\"He\"\nerror rate_limit slow\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\ndata: {\"error\":{\"code\":429,\"message\":\"slow\",\"status"
     "\":\"RESOURCE_EXHAUSTED\"}}\r\n\r\n"},
    {"T88: a stream that is an array",
     "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"role\":"
     "\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\n,"
     "\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"y\"}],\"role\":"
     "\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"modelVersion\":\"m"
     "\",\"responseId\":\"r\"}\n]\n\n",
     "start r m 0\nopen 0/0 text\n0 +\"He\"\n0 +\"y\"\nclose 0\nstop 0 end\nen"
     "d\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"He\"}],\"rol"
     "e\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r"
     "\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"y"
     "\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"response"
     "Id\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"te"
     "xt\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],"
     "\"usageMetadata\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"t"
     "otalTokenCount\":0},\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"},
    {"links",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role"
     "\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"y\"}"
     "]},\"finishReason\":\"STOP\",\"groundingMetadata\":{\"groundingChunks\":"
     "[{\"web\":{\"uri\":\"https://a.example\",\"title\":\"A\"}}]}}]}\r\n\r\n",
     "start r m 0\nopen 0/0 text\n0 +\"x\"\n0 +\"y\"\n0 cites https://a.exampl"
     "e:A\nclose 0\nstop 0 end\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role"
     "\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"y\"}"
     "],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId"
     "\":\"r\"}\r\n\r\ndata: {\"candidates\":[{\"content\":{\"p"
     "arts\":[{\"text\":\"\"}],\"role\":\"model\"},\"finishReason\":\"STOP\","
     "\"index\":0,\"groundingMetadata\":{\"groundingChunks\":[{\"web\":{\"uri\":"
     "\"https://a.example\",\"title\":\"A\"}}],\"groundingSupports\":[{\"segment\":{"
     "\"startIndex\":0,\"endIndex\":2},\"groundingChunkIndices\":[0]}]}}],\"usageM"
     "etadata\":{\"promptTokenCount\":0,\"candidatesToke"
     "nCount\":0,\"totalTokenCount\":0},\"modelVersion\":\"m\",\"responseId\":"
     "\"r\"}\r\n\r\n"},
    {"arguments over several lines",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"f\",\"args\":{\ndata:  \"a\":{}\ndata: }}}],\"role"
     "\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"modelVersion\":"
     "\"m\",\"responseId\":\"r\"}\r\n\r\n",
     "start r m 0\nopen 0/0 call 1:f\n0 +\"{\\n \\\"a\\\":{}\\n}\"\nclose 0\ns"
     "top 0 tool\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id"
     "\":\"1\",\"name\":\"f\",\"args\":{  \"a\":{} }}}],\"role\":\"model\"},"
     "\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\ndata: "
     "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"mo"
     "del\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"prom"
     "ptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},\"mod"
     "elVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"},
    {"comments mean nothing",
     ": ping\n\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x"
     "\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"model"
     "Version\":\"m\",\"responseId\":\"r\"}\r\n\r\n",
     "start r m 0\nopen 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\nend\n",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role"
     "\":\"model\"},\"index\":0}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"
     "\r\n\r\ndata: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"\"}]"
     ",\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMeta"
     "data\":{\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCo"
     "unt\":0},\"modelVersion\":\"m\",\"responseId\":\"r\"}\r\n\r\n"},
};

#define ANSWER                                                                         \
    "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role\":\"model\"}," \
    "\"finishReason\":\"STOP\"}],\"modelVersion\":\"m\",\"responseId\":\"r\"}"

static const struct {
    const char *name, *in;
    bool repaired;
} framings[] = {
    {"as it should be", "data: " ANSWER "\n\n", false},
    {"comments and a record of nothing", ": ping\n\ndata: " ANSWER "\n\n", false},
    {"an array without framing", "[" ANSWER "]\n\n", true},
    {"an object without framing", ANSWER "\n\n", true},
};

START_TEST(what_lacks_its_framing_is_read_and_said_to_be_mended)
{
    struct heard heard;

    hear(span_of_text(framings[_i].in), 0, false, &heard);
    is_out(framings[_i].name, &heard.spelled,
           "start r m 0\nopen 0/0 text\n0 +\"x\"\nclose 0\nstop 0 end\nend\n");
    ck_assert_msg(heard.repaired == framings[_i].repaired, "%s", framings[_i].name);
    forget(&heard);
}

END_TEST

START_TEST(streams_are_read)
{
    struct heard heard;

    hear(span_of_text(rows[_i].in), 0, false, &heard);
    is_out(rows[_i].name, &heard.spelled, rows[_i].out);
    forget(&heard);
}

END_TEST

START_TEST(streams_are_written)
{
    struct heard heard;

    hear(span_of_text(rows[_i].in), 0, false, &heard);
    is_out(rows[_i].name, &heard.written, rows[_i].written);
    forget(&heard);
}

END_TEST

START_TEST(streams_are_written_as_arrays)
{
    struct heard heard;

    hear(span_of_text(rows[_i].in), 0, true, &heard);
    ck_assert_int_eq(parsed_span(buffer_span(&heard.written)).kind, JSON_ARRAY);
    forget(&heard);
}

END_TEST

START_TEST(an_array_has_a_record_for_each_of_a_stream)
{
    struct heard heard;

    hear(SPAN("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]},"
              "\"finishReason\":\"STOP\"}],\"responseId\":\"r\"}\r\n\r\n"),
         0, true, &heard);
    is_out("an array", &heard.written,
           "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}],\"role\":"
           "\"model\"},\"index\":0}],\"responseId\":\"r\"},\r\n{\"candidates\":[{"
           "\"content\":{\"parts\":[{\"text\":\"\"}],\"role\":\"model\"},"
           "\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{"
           "\"promptTokenCount\":0,\"candidatesTokenCount\":0,\"totalTokenCount\":0},"
           "\"responseId\":\"r\"}]");
    forget(&heard);
}

END_TEST

START_TEST(a_stream_means_the_same_wherever_it_is_cut)
{
    struct span bytes = span_of_text(rows[_i].in);

    for (size_t cut = 0; cut <= bytes.len; cut++) {
        struct heard heard;

        hear(bytes, cut, false, &heard);
        is_out(rows[_i].name, &heard.spelled, rows[_i].out);
        forget(&heard);
    }
}

END_TEST

START_TEST(a_stream_that_breaks_off_never_ends_well)
{
    struct span bytes = span_of_text(rows[_i].in);
    struct heard heard;

    for (size_t len = 0; len + 2 < bytes.len; len++) {
        if (span_find(span_of(bytes.ptr, len), SPAN("finishReason")) != SIZE_MAX ||
            span_find(span_of(bytes.ptr, len), SPAN("blockReason")) != SIZE_MAX)
            break;
        hear(span_of(bytes.ptr, len), 0, false, &heard);
        ck_assert_uint_eq(heard.grammar.stops, 0);
        forget(&heard);
    }
}

END_TEST

static void pass_on(void *who, const struct event *event)
{
    event_write(who, event);
}

/* A long stream takes no more memory than a short one. */
START_TEST(a_chunk_leaves_nothing_behind)
{
    static const char chunk[] = "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"},"
                                "{\"text\":\"t\",\"thought\":true}]}}],\"usageMetadata\":{"
                                "\"promptTokenCount\":1}}";
    struct sse_record record = {.data = span_of_text(chunk), .has_data = true};
    struct heard heard = {.repaired = false};
    struct translation translation;
    struct event_reader reader;
    struct arena arena;
    size_t used = 0;

    buffer_init(&heard.written, 1 << 20);
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    event_writer_init(&heard.writer, &dialect_gemini, &translation, &heard.written);
    event_reader_init(&reader, &dialect_gemini, &translation, pass_on, &heard.writer);
    for (unsigned i = 0; i < 1000; i++) {
        event_read(&reader, &record);
        buffer_clear(&heard.written);
        if (i == 10)
            used = arena.used_bytes;
    }
    ck_assert_uint_eq(arena.used_bytes, used);
    arena_done(&arena);
    buffer_done(&heard.written);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/gemini/stream");
    TCase *cases = tcase_create("stream");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(cases, what_lacks_its_framing_is_read_and_said_to_be_mended, 0,
                        ARRAY_LEN(framings));
    tcase_add_loop_test(cases, streams_are_read, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(cases, streams_are_written, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(cases, streams_are_written_as_arrays, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(cases, a_stream_means_the_same_wherever_it_is_cut, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(cases, a_stream_that_breaks_off_never_ends_well, 0, ARRAY_LEN(rows));
    tcase_add_test(cases, an_array_has_a_record_for_each_of_a_stream);
    tcase_add_test(cases, a_chunk_leaves_nothing_behind);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
