#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/settings/quirk.h"

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
    chat = (struct chat){.dialect = DIALECT_openai};
    buffer_init(&written, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&written);
    arena_done(&arena);
}

static void read_body(const char *body)
{
    ck_assert_msg(dialect_openai.read_chat(&translation, parsed(body), &chat), "%s: %.*s", body,
                  SPAN_ARG(translation.refusal.message));
    translation.chat = &chat;
}

static bool write_for(const char *model, uint32_t quirks)
{
    struct json_writer json;
    bool ret;

    translation.target.model = span_of_text(model);
    translation.target.quirks = quirks;
    translation.target.traits = model_traits(translation.target.model, DIALECT_openai);
    json_write_init(&json, &written);
    ret = dialect_openai.write_chat(&translation, &chat, &json);
    if (ret)
        (void)parsed_span(buffer_span(&written));
    return ret;
}

#define HI    "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"
#define OLD   (QUIRK_MAX_TOKENS_OLD | QUIRK_NO_DEVELOPER_ROLE)

static const struct {
    const char *name, *in;
    const char *model;
    uint32_t quirks;
    const char *out, *dropped;
} writes[] = {
    {"the target's model and the client's spelling",
     "{\"model\":\"x\"," HI ",\"temperature\":0.70,\"seed\":1099511627776,\"min_p\":0.1}", "m",
     0, "{\"model\":\"m\"," HI ",\"temperature\":0.70,\"seed\":1099511627776,\"min_p\":0.1}",
     ""},
    {"the limit under its new name", "{" HI ",\"max_tokens\":50,\"max_completion_tokens\":70}",
     "m", 0, "{\"model\":\"m\"," HI ",\"max_completion_tokens\":70}", ""},
    {"the limit under its old name, never both",
     "{" HI ",\"max_tokens\":50,\"max_completion_tokens\":70}", "m", OLD,
     "{\"model\":\"m\"," HI ",\"max_tokens\":70}", ""},
    {"a developer is a system for look-alikes",
     "{\"messages\":[{\"role\":\"developer\",\"content\":[{\"type\":\"text\",\"text\":\"D\"}]},"
     "{\"role\":\"user\",\"content\":\"hi\"}]}",
     "m", OLD,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"D\"},"
     "{\"role\":\"user\",\"content\":\"hi\"}]}",
     ""},
    {"a stream always asks for its usage", "{" HI ",\"stream\":true}", "m", 0,
     "{\"model\":\"m\"," HI ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}",
     ""},
    {"a stream of a host that refuses stream_options", "{" HI ",\"stream\":true}", "m",
     QUIRK_NO_STREAM_OPTIONS, "{\"model\":\"m\"," HI ",\"stream\":true}", ""},
    {"calls and results",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
     "\"function\":{\"name\":\"f\",\"arguments\":\"\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":"
     "{\"name\":\"g\",\"arguments\":{\"a\": \"b\"}}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
     "\"content\":\"15\"},{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":"
     "[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"text\",\"text\":\"y\"}]}]}",
     "m", 0,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
     "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
     "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"c2\",\"type\":\"function\",\"function\":"
     "{\"name\":\"g\",\"arguments\":\"{\\\"a\\\": \\\"b\\\"}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
     "\"content\":\"15\"},{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"x\\ny\"}]}",
     ""},
    {"media keep their forms",
     "{\"messages\":[{\"role\":\"user\",\"content\":["
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBO\",\"detail\":\"low\"}},"
     "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"mp3\"}},"
     "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,JV\"}},"
     "{\"type\":\"file\",\"file\":{\"file_id\":\"f1\"}}]}]}",
     "m", 0,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":["
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,iVBO\",\"detail\":\"low\"}},"
     "{\"type\":\"input_audio\",\"input_audio\":{\"data\":\"UklG\",\"format\":\"mp3\"}},"
     "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;base64,JV\"}},"
     "{\"type\":\"file\",\"file\":{\"file_id\":\"f1\"}}]}]}",
     ""},
    {"tools of all kinds and a choice among them",
     "{" HI
     ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"my.tool\",\"description\":\"d\","
     "\"parameters\":{\"type\":\"object\"},\"strict\":true}},{\"type\":\"custom\",\"custom\":{\"name\":"
     "\"sql\",\"format\":{\"type\":\"text\"}}},{\"type\":\"other\",\"x\":1}],\"tool_choice\":"
     "{\"type\":\"custom\",\"custom\":{\"name\":\"sql\"}},\"parallel_tool_calls\":false}",
     "m", 0,
     "{\"model\":\"m\"," HI
     ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"my_tool\","
     "\"description\":\"d\",\"parameters\":{\"type\":\"object\"},\"strict\":true}},{\"type\":\"custom\","
     "\"custom\":{\"name\":\"sql\",\"format\":{\"type\":\"text\"}}},{\"type\":\"other\",\"x\":1}],"
     "\"tool_choice\":{\"type\":\"custom\",\"custom\":{\"name\":\"sql\"}},\"parallel_tool_calls\":false}",
     ""},
    {"a custom tool is a function of look-alikes",
     "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"custom\",\"custom\":"
     "{\"name\":\"sql\",\"input\":\"SELECT \\\"a\\\"\"}}]}],\"tools\":[{\"type\":\"custom\",\"custom\":"
     "{\"name\":\"sql\"}}],\"tool_choice\":\"required\"}",
     "m", OLD,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"c\","
     "\"type\":\"function\",\"function\":{\"name\":\"sql\",\"arguments\":"
     "\"{\\\"input\\\":\\\"SELECT \\\\\\\"a\\\\\\\"\\\"}\"}}]}],\"tools\":[{\"type\":\"function\","
     "\"function\":{\"name\":\"sql\",\"parameters\":{\"type\":\"object\",\"properties\":{\"input\":"
     "{\"type\":\"string\"}},\"required\":[\"input\"]}}}],\"tool_choice\":\"required\"}",
     ""},
    {"some tools that are allowed",
     "{" HI
     ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":\"function\","
     "\"function\":{\"name\":\"g\"}}],\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":"
     "{\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}}}",
     "m", 0,
     "{\"model\":\"m\"," HI ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},"
     "{\"type\":\"function\",\"function\":{\"name\":\"g\"}}],\"tool_choice\":{\"type\":\"allowed_tools\","
     "\"allowed_tools\":{\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":"
     "{\"name\":\"f\"}}]}}}",
     ""},
    {"some tools that are allowed, for look-alikes",
     "{" HI
     ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":\"function\","
     "\"function\":{\"name\":\"g\"}}],\"tool_choice\":{\"type\":\"allowed_tools\",\"allowed_tools\":"
     "{\"mode\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]}}}",
     "m", OLD, "{\"model\":\"m\"," HI "," TOOLS ",\"tool_choice\":\"required\"}", ""},
    {"no tools, no choice",
     "{" HI ",\"tools\":[],\"tool_choice\":\"auto\","
     "\"parallel_tool_calls\":false}",
     "m", 0, "{\"model\":\"m\"," HI "}", ""},
    {"a choice that the host cannot force", "{" HI "," TOOLS ",\"tool_choice\":\"required\"}",
     "m", QUIRK_NO_FORCED_TOOLS, "{\"model\":\"m\"," HI "," TOOLS "}", "tool_choice"},
    {"more stop sequences than fit", "{" HI ",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}", "m",
     0, "{\"model\":\"m\"," HI ",\"stop\":[\"1\",\"2\",\"3\",\"4\"]}", "stop"},
    {"no stop sequences for models that refuse them", "{" HI ",\"stop\":\"END\"}", "o3", 0,
     "{\"model\":\"o3\"," HI "}", "stop"},
    {"no sampling while a model reasons",
     "{" HI ",\"temperature\":1,\"top_p\":1,\"logprobs\":true,\"reasoning_effort\":\"high\"}",
     "gpt-5.1", 0, "{\"model\":\"gpt-5.1\"," HI ",\"reasoning_effort\":\"high\"}",
     "temperature, top_p, logprobs"},
    {"sampling when it does not reason by itself", "{" HI ",\"temperature\":1}", "gpt-5.1", 0,
     "{\"model\":\"gpt-5.1\"," HI ",\"temperature\":1}", ""},
    {"sampling when reasoning is off",
     "{" HI ",\"temperature\":1,\"reasoning_effort\":\"none\"}", "gpt-5.6", 0,
     "{\"model\":\"gpt-5.6\"," HI ",\"reasoning_effort\":\"none\",\"temperature\":1}", ""},
    {"efforts that the model does not know", "{" HI ",\"reasoning_effort\":\"max\"}", "gpt-5",
     0, "{\"model\":\"gpt-5\"," HI ",\"reasoning_effort\":\"high\"}", ""},
    {"no effort for models that do not reason", "{" HI ",\"reasoning_effort\":\"low\"}",
     "gpt-4o", 0, "{\"model\":\"gpt-4o\"," HI "}", "reasoning_effort"},
    {"tools and reasoning do not go together in gpt-5.6",
     "{" HI "," TOOLS ",\"reasoning_effort\":\"high\"}", "gpt-5.6-sol", 0,
     "{\"model\":\"gpt-5.6-sol\"," HI "," TOOLS ",\"reasoning_effort\":\"none\"}",
     "reasoning_effort"},
    {"tools alone switch reasoning off in gpt-5.6", "{" HI "," TOOLS "}", "gpt-5.6", 0,
     "{\"model\":\"gpt-5.6\"," HI "," TOOLS ",\"reasoning_effort\":\"none\"}", ""},
    {"tools and reasoning go together in gpt-5.2",
     "{" HI "," TOOLS ",\"reasoning_effort\":\"high\"}", "gpt-5.2", 0,
     "{\"model\":\"gpt-5.2\"," HI "," TOOLS ",\"reasoning_effort\":\"high\"}", ""},
    {"a look-alike's own switch of reasoning", "{" HI ",\"thinking\":{\"type\":\"enabled\"}}",
     "m", OLD, "{\"model\":\"m\"," HI ",\"thinking\":{\"type\":\"enabled\"}}", ""},
    {"a look-alike's switch becomes OpenAI's",
     "{" HI ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":6000}}", "m", 0,
     "{\"model\":\"m\"," HI ",\"reasoning_effort\":\"medium\"}", ""},
    {"what only OpenAI has is left out for others",
     "{" HI
     ",\"store\":true,\"metadata\":{\"a\":\"b\"},\"service_tier\":\"flex\",\"verbosity\":\"low\","
     "\"prompt_cache_key\":\"k\",\"user\":\"u\"}",
     "m", OLD, "{\"model\":\"m\"," HI ",\"user\":\"u\"}",
     "service_tier, metadata, verbosity, store, prompt_cache_key"},
    {"metadata only with store", "{" HI ",\"metadata\":{\"a\":\"b\"}}", "m", 0,
     "{\"model\":\"m\"," HI "}", "metadata"},
    {"Groq refuses names and token odds",
     "{\"messages\":[{\"role\":\"user\",\"name\":\"bob\",\"content\":\"hi\"}],\"logprobs\":true,"
     "\"logit_bias\":{},\"n\":1}",
     "m", QUIRK_NO_DEVELOPER_ROLE | QUIRK_NO_NAMES | QUIRK_NO_LOGPROBS | QUIRK_ONE_CHOICE,
     "{\"model\":\"m\"," HI ",\"n\":1}", "messages.name, logit_bias, logprobs"},
    {"Mistral's members and ids",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"tool_calls\":[{\"id\":"
     "\"call_1\",\"function\":{\"name\":\"f\"}},{\"id\":\"abcDEF123\",\"function\":{\"name\":\"f\"}}]},"
     "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"1\"},{\"role\":\"tool\","
     "\"tool_call_id\":\"abcDEF123\",\"content\":\"2\"}],\"seed\":7,\"user\":\"u\"}",
     "m", OLD | QUIRK_SHORT_CALL_IDS | QUIRK_RANDOM_SEED | QUIRK_STRICT_MEMBERS,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\","
     "\"content\":null,\"tool_calls\":[{\"id\":\"@\",\"type\":\"function\",\"function\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}},{\"id\":\"abcDEF123\",\"type\":\"function\",\"function\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"@\",\"content\":\"1\"},{\"role\":"
     "\"tool\",\"tool_call_id\":\"abcDEF123\",\"content\":\"2\"}],\"random_seed\":7}",
     "user"},
    {"Zhipu's temperatures", "{" HI ",\"temperature\":0}", "m", QUIRK_OPEN_TEMPERATURE,
     "{\"model\":\"m\"," HI ",\"do_sample\":false}", ""},
    {"Zhipu's temperatures, the upper end", "{" HI ",\"temperature\":1.6}", "m",
     QUIRK_OPEN_TEMPERATURE, "{\"model\":\"m\"," HI ",\"temperature\":0.99}", ""},
    {"one system message, at the start",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"A\"},{\"role\":\"system\",\"content\":\"B\"},"
     "{\"role\":\"user\",\"content\":\"u\"},{\"role\":\"system\",\"content\":\"S2\"}]}",
     "m", QUIRK_SYSTEM_FIRST,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"A\\nB\"},{\"role\":\"user\","
     "\"content\":[{\"type\":\"text\",\"text\":\"u\"},{\"type\":\"text\",\"text\":\"<system>S2</system>\"}]}]}",
     ""},
    {"reasoning goes back where tools were called, and not of other turns",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":\"b\","
     "\"reasoning_content\":\"old\"},{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\","
     "\"reasoning_content\":\"new\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\"}}]},"
     "{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"1\"}]}",
     "m", OLD | QUIRK_KEEPS_REASONING,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
     "\"content\":\"b\"},{\"role\":\"user\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":null,"
     "\"reasoning_content\":\"new\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":"
     "{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"1\"}]}",
     "messages.reasoning_content"},
    {"reasoning of a turn that called tools goes back ever after, with all that it led to",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"reasoning_content\":"
     "\"r1\",\"tool_calls\":[{\"id\":\"c1\",\"function\":{\"name\":\"f\"}}]},{\"role\":\"tool\","
     "\"tool_call_id\":\"c1\",\"content\":\"1\"},{\"role\":\"assistant\",\"content\":\"b\","
     "\"reasoning_content\":\"r2\"},{\"role\":\"user\",\"content\":\"c\"}]}",
     "m", OLD | QUIRK_KEEPS_REASONING,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
     "\"content\":null,\"reasoning_content\":\"r1\",\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\","
     "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\","
     "\"content\":\"1\"},{\"role\":\"assistant\",\"content\":\"b\",\"reasoning_content\":\"r2\"},"
     "{\"role\":\"user\",\"content\":\"c\"}]}",
     ""},
    {"a JSON schema where the host knows none",
     "{" HI
     ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":"
     "{\"type\":\"object\"}}}}",
     "m", QUIRK_JSON_OBJECT_ONLY,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"Answer with one JSON object that "
     "fits this JSON schema, and nothing else: {\\\"type\\\":\\\"object\\\"}\"},{\"role\":\"user\","
     "\"content\":\"hi\"}],\"response_format\":{\"type\":\"json_object\"}}",
     ""},
    {"a JSON schema",
     "{" HI
     ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":"
     "{\"type\":\"object\"},\"strict\":true}}}",
     "m", 0,
     "{\"model\":\"m\"," HI
     ",\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
     "\"schema\":{\"type\":\"object\"},\"strict\":true}}}",
     ""},
    {"marks of caches where they are known",
     "{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"S\",\"cache_control\":"
     "{\"type\":\"ephemeral\"}}]},{\"role\":\"user\",\"content\":\"hi\"}]}",
     "gpt-5.6", 0,
     "{\"model\":\"gpt-5.6\",\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":"
     "\"S\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}]},{\"role\":\"user\",\"content\":\"hi\"}]}",
     ""},
    {"no marks of caches elsewhere",
     "{\"messages\":[{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"S\",\"cache_control\":"
     "{\"type\":\"ephemeral\"}}]},{\"role\":\"user\",\"content\":\"hi\"}]}",
     "gpt-4o", 0,
     "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\","
     "\"content\":\"hi\"}]}",
     "cache_control"},
    {"an earlier answer's sound, a refusal",
     "{\"messages\":[{\"role\":\"assistant\",\"audio\":{\"id\":\"a1\"}},{\"role\":\"assistant\","
     "\"refusal\":\"no\"}]}",
     "m", 0,
     "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"audio\":{\"id\":\"a1\"}},"
     "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"}]}",
     ""},
};

/* Text in which '@' stands for nine letters and digits. */
static bool matches(struct span text, const char *pattern)
{
    for (; *pattern; pattern++) {
        size_t count = *pattern == '@' ? 9 : 1;

        if (text.len < count || (count == 1 && *text.ptr != *pattern))
            return false;
        text = span_skip(text, count);
    }
    return text.len == 0;
}

START_TEST(writes_what_the_target_takes)
{
    struct span dropped;

    read_body(writes[_i].in);
    ck_assert(write_for(writes[_i].model, writes[_i].quirks));
    ck_assert_msg(matches(buffer_span(&written), writes[_i].out), "%s:\n%.*s\n---- and not\n%s",
                  writes[_i].name, SPAN_ARG(buffer_span(&written)), writes[_i].out);
    dropped = dropped_list(&translation, 4096);
    ck_assert_msg(span_eq(dropped, span_of_text(writes[_i].dropped)), "%s: dropped %.*s",
                  writes[_i].name, SPAN_ARG(dropped));
}

END_TEST

/* ---- chats of other dialects ------------------------------------------------------------- */

#define BODY(messages) "{\"model\":\"m\",\"messages\":[" messages "]}"

static const struct {
    const char *name, *in, *out;
} turned[] = {
    {"neighbours are joined",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},"
     "{\"role\":\"assistant\",\"content\":\"c\"},{\"role\":\"assistant\",\"content\":\"d\"},"
     "{\"role\":\"user\",\"content\":\"e\"}]}",
     BODY(
         "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
         "\"text\":\"b\"}]},{\"role\":\"assistant\",\"content\":\"cd\"},{\"role\":\"user\","
         "\"content\":\"e\"}")},
    {"an image that a tool gave back goes to the user's message after all results",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"tool_calls\":"
     "[{\"id\":\"t\",\"function\":{\"name\":\"f\"}},{\"id\":\"u\",\"function\":{\"name\":\"f\"}}]},"
     "{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]},"
     "{\"role\":\"tool\",\"tool_call_id\":\"u\",\"content\":\"\"},{\"role\":\"user\",\"content\":\"go\"}]}",
     BODY(
         "{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"
         "[{\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},"
         "{\"id\":\"u\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
         "{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":\"see\\n[see the next message]\"},"
         "{\"role\":\"tool\",\"tool_call_id\":\"u\",\"content\":\"\"},"
         "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
         "\"data:image/png;base64,AAAA\"}},{\"type\":\"text\",\"text\":\"go\"}]}")},
    {"a call without its result gets one that says so",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"tool_calls\":"
     "[{\"id\":\"t\",\"function\":{\"name\":\"f\"}}]},{\"role\":\"user\",\"content\":\"stop\"}]}",
     BODY(
         "{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":null,\"tool_calls\":"
         "[{\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
         "{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":\"Error: [no result: interrupted]\"},"
         "{\"role\":\"user\",\"content\":\"stop\"}")},
    {"a system message between",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"q\"},"
     "{\"role\":\"system\",\"content\":\"T\"},{\"role\":\"assistant\",\"content\":\"a\"}]}",
     BODY(
         "{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"q\"},"
         "{\"role\":\"system\",\"content\":\"T\"},{\"role\":\"assistant\",\"content\":\"a\"}")},
};

START_TEST(chats_of_other_dialects_come_in_turns)
{
    read_body(turned[_i].in);
    chat.dialect = DIALECT_anthropic;
    ck_assert(write_for("m", 0));
    ck_assert_msg(span_eq(buffer_span(&written), span_of_text(turned[_i].out)),
                  "%s:\n%.*s\n---- and not\n%s", turned[_i].name,
                  SPAN_ARG(buffer_span(&written)), turned[_i].out);
}

END_TEST

START_TEST(an_error_without_words_is_a_word)
{
    read_body("{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\","
              "\"tool_calls\":[{\"id\":\"t\",\"function\":{\"name\":\"f\"}}]},"
              "{\"role\":\"tool\",\"tool_call_id\":\"t\",\"content\":\"\"}]}");
    chat.last_message->blocks->is_error = true;
    ck_assert(write_for("m", 0));
    ck_assert(span_find(buffer_span(&written),
                        SPAN("\"tool_call_id\":\"t\",\"content\":\"Error\"")) != SIZE_MAX);
}

END_TEST

START_TEST(a_long_user_is_told_by_its_hash)
{
    read_body("{" HI
              ",\"user\":\"user_0123456789012345678901234567890123456789012345678901234567"
              "89_account__session_\"}");
    ck_assert(write_for("m", 0));
    ck_assert(span_find(buffer_span(&written), SPAN("account")) == SIZE_MAX);
    ck_assert(span_find(buffer_span(&written), SPAN("\"user\":\"")) != SIZE_MAX);
}

END_TEST

static const struct {
    const char *in;
    uint32_t quirks;
    const char *message;
} refusals[] = {
    {"{" HI ",\"n\":2}", QUIRK_ONE_CHOICE, "'n' must be 1: the provider answers once."},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":"
     "{\"url\":\"https://x/y.png\"}}]}]}",
     QUIRK_IMAGES_INLINE,
     "'messages[0].content[0]' is an image by address, and the provider fetches none."},
    {"{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},"
     "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}]}]}",
     QUIRK_NO_IMAGES,
     "'messages[0].content[1]' is an image, which the provider does not take."},
};

START_TEST(refuses_what_the_target_cannot_say)
{
    read_body(refusals[_i].in);
    ck_assert(!write_for("m", refusals[_i].quirks));
    ck_assert_int_eq(translation.refusal.kind, COMPLAINT_unsupported);
    ck_assert_msg(text_is(translation.refusal.message, span_of_text(refusals[_i].message)),
                  "%.*s", SPAN_ARG(translation.refusal.message));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("openai write chat");
    TCase *tests = tcase_create("openai write chat");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, writes_what_the_target_takes, 0, ARRAY_LEN(writes));
    tcase_add_loop_test(tests, chats_of_other_dialects_come_in_turns, 0, ARRAY_LEN(turned));
    tcase_add_test(tests, an_error_without_words_is_a_word);
    tcase_add_test(tests, a_long_user_is_told_by_its_hash);
    tcase_add_loop_test(tests, refuses_what_the_target_cannot_say, 0, ARRAY_LEN(refusals));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
