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
    {"a text goes in a message, the model in the address", "completions_pro",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"},
    {"T22: a temperature of 0 is a little above", "completions_pro",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tempe"
     "rature\":0}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0.01}"},
    {"T22: a temperature above 1 is 1", "completions_pro",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tempe"
     "rature\":1.6}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":1}"},
    {"any other temperature stays as it was spelled", "completions_pro",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperatu"
     "re\":0.70}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0.70}"},
    {"settings, and what has no place", "completions_pro",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_t"
     "okens\":1,\"top_p\":0.5,\"stop\":[\"a\",\"b\"],\"user\":\"u\",\"stream\":true,\"se"
     "ed\":7,\"response_format\":{\"type\":\"json_object\"},\"reasoning_effort\":\"low\""
     "}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"max_output_tokens\":2,\"t"
     "op_p\":0.5,\"user_id\":\"u\",\"stop\":[\"a\",\"b\"],\"response_format\":\"json_obj"
     "ect\",\"stream\":true}\ndropped reasoning_effort, seed\n"},
    {"the system stands apart, neighbours are one, the assistant is never last",
     "completions_pro",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":"
     "\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"},{\"role\":\"assi"
     "stant\",\"content\":\"c\"}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"a\\nb\"},{\"role\":\"assistant\","
     "\"content\":\"c\"},{\"role\":\"user\",\"content\":\"Continue.\"}],\"system\":\"s\""
     "}"},
    {"the assistant is never first", "completions_pro",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"c\"},{\"role"
     "\":\"user\",\"content\":\"a\"}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\".\"},{\"role\":\"assistant\",\"con"
     "tent\":\"c\"},{\"role\":\"user\",\"content\":\"a\"}]}"},
    {"calls at once are told one after the other, results as JSON", "completions_pro",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"a"
     "ssistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\""
     "function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{\"id\":\"2\",\"type"
     "\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},{\"role\":\""
     "tool\",\"tool_call_id\":\"1\",\"content\":\"{\\\"r\\\":1}\"},{\"role\":\"tool\",\""
     "tool_call_id\":\"2\",\"content\":\"words\"}],\"tools\":[{\"type\":\"function\",\"f"
     "unction\":{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"type\":\"object"
     "\"}}},{\"type\":\"function\",\"function\":{\"name\":\"g\"}}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"con"
     "tent\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}},{"
     "\"role\":\"function\",\"name\":\"f\",\"content\":\"{\\\"r\\\":1}\"},{\"role\":\"as"
     "sistant\",\"content\":null,\"function_call\":{\"name\":\"g\",\"arguments\":\"{}\"}"
     "},{\"role\":\"function\",\"name\":\"g\",\"content\":\"{\\\"output\\\":\\\"words\\"
     "\"}\"}],\"functions\":[{\"name\":\"f\",\"description\":\"d\",\"parameters\":{\"typ"
     "e\":\"object\"}},{\"name\":\"g\",\"description\":\"g\",\"parameters\":{\"type\":\""
     "object\",\"properties\":{}}}]}"},
    {"a word after a result waits for the assistant", "completions_pro",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"a"
     "ssistant\",\"content\":null,\"tool_calls\":[{\"id\":\"2\",\"type\":\"function\",\""
     "function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call"
     "_id\":\"2\",\"content\":\"words\"},{\"role\":\"user\",\"content\":\"hi\"}]}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"con"
     "tent\":null,\"function_call\":{\"name\":\"g\",\"arguments\":\"{}\"}},{\"role\":\"f"
     "unction\",\"name\":\"g\",\"content\":\"{\\\"output\\\":\\\"words\\\"}\"},{\"role\""
     ":\"assistant\",\"content\":\".\"},{\"role\":\"user\",\"content\":\"hi\"}]}"},
    {"a function that must be called", "completions_pro",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools"
     "\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"pa"
     "rameters\":{\"type\":\"object\"}}}],\"tool_choice\":\"required\"}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"functions\":[{\"name\":\""
     "f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}],\"tool_choice\":{"
     "\"type\":\"function\",\"function\":{\"name\":\"f\"}}}"},
    {"any of several cannot be demanded", "completions_pro",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools"
     "\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"pa"
     "rameters\":{\"type\":\"object\"}}},{\"type\":\"function\",\"function\":{\"name\":"
     "\"g\"}}],\"tool_choice\":\"required\"}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"functions\":[{\"name\":\""
     "f\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}},{\"name\":\"g\",\""
     "description\":\"g\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}]}\ndro"
     "pped tool_choice\n"},
    {"where none may be called none is named", "completions_pro",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools"
     "\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"d\",\"pa"
     "rameters\":{\"type\":\"object\"}}}],\"tool_choice\":\"none\"}",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"},
    {"several answers", "completions_pro",
     "{\"model\":\"asked\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"n\":2"
     "}",
     "refused: 'n' must be 1: the provider answers once."},
    {"a picture", "completions_pro",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_u"
     "rl\",\"image_url\":{\"url\":\"https://x/a.png\"}}]}]}",
     "refused: 'messages[0].content[0]' is no text, and the provider only reads."},
};

START_TEST(requests_are_written)
{
    provider_asked(&dialect_ernie, requests[_i].model, requests[_i].in, &out);
    is_out(requests[_i].name, requests[_i].out);
}

END_TEST

/* A whole answer, and what it says. */
static const struct {
    const char *name, *in, *out;
} replies[] = {
    {"a text",
     "{\"id\":\"as-1\",\"created\":5,\"result\":\"Hi\",\"is_truncated\":false,\"need_cle"
     "ar_history\":false,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3},\"finis"
     "h_reason\":\"normal\"}",
     "id as-1 model m created 5\n0 end \"Hi\"\nusage input=2 output=3\n"},
    {"no reason is a normal end",
     "{\"id\":\"as-1\",\"created\":5,\"result\":\"Hi\",\"is_truncated\":false,\"need_cle"
     "ar_history\":false,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3}}",
     "id as-1 model m created 5\n0 end \"Hi\"\nusage input=2 output=3\n"},
    {"cut off",
     "{\"id\":\"as-1\",\"created\":5,\"result\":\"Hi\",\"is_truncated\":true,\"need_clea"
     "r_history\":false,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3},\"finish"
     "_reason\":\"normal\"}",
     "id as-1 model m created 5\n0 length \"Hi\"\nusage input=2 output=3\n"},
    {"a canned refusal",
     "{\"id\":\"as-1\",\"created\":5,\"result\":\"Hi\",\"is_truncated\":false,\"need_cle"
     "ar_history\":true,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3},\"finish"
     "_reason\":\"normal\"}",
     "id as-1 model m created 5\n0 filter \"Hi\"\nusage input=2 output=3\n"},
    {"a call",
     "{\"id\":\"as-1\",\"created\":5,\"result\":\"\",\"is_truncated\":false,\"need_clear"
     "_history\":false,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3},\"functio"
     "n_call\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}}",
     "id as-1 model m created 5\n0 tool call:call_MdnuJDaDEiHjvAfURiMDKJAU:f={\\\"a\\\":"
     " 1}\nusage input=2 output=3\n"},
    {"T86: the quota, with status 200", "{\"error_code\":17,\"error_msg\":\"Daily limit.\"}",
     "no_credit Daily limit.\n"},
    {"T86: a token that is over", "{\"error_code\":111,\"error_msg\":\"Access token expired\"}",
     "gateway_auth The provider does not accept the gateway's credential.\n"},
    {"neither words nor a call", "{\"id\":\"as-1\"}",
     "bad_answer The provider gave no reason; its status was 200.\n"},
};

START_TEST(answers_are_read)
{
    provider_answered(&dialect_ernie, replies[_i].in, &out);
    is_out(replies[_i].name, replies[_i].out);
}

END_TEST

/* A stream, and its events. */
static const struct {
    const char *name, *in, *out;
} streams[] = {
    {"T86: pieces, the last usage, an end of its own",
     "data: {\"id\":\"as-1\",\"created\":5,\"sentence_id\":0,\"is_end\":false,\"is_trunc"
     "ated\":false,\"result\":\"He\",\"need_clear_history\":false,\"usage\":{\"prompt_to"
     "kens\":2,\"completion_tokens\":0},\"finish_reason\":\"normal\"}\n\ndata: {\"id\":"
     "\"as-1\",\"created\":5,\"sentence_id\":1,\"is_end\":false,\"is_truncated\":false,"
     "\"result\":\"llo\",\"need_clear_history\":false,\"usage\":{\"prompt_tokens\":2,\"c"
     "ompletion_tokens\":0},\"finish_reason\":\"normal\"}\n\ndata: {\"id\":\"as-1\",\"cr"
     "eated\":5,\"sentence_id\":2,\"is_end\":true,\"is_truncated\":false,\"result\":\"\""
     ",\"need_clear_history\":false,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\""
     ":3},\"finish_reason\":\"normal\"}\n\n",
     "start as-1 m 5\nopen 0/0 text\n0 +\"He\"\n0 +\"llo\"\nclose 0\nstop 0 end\nusage i"
     "nput=2 output=3\nend\n"},
    {"no reason is a normal end",
     "data: {\"id\":\"as-1\",\"created\":5,\"sentence_id\":0,\"is_end\":false,\"is_trunc"
     "ated\":false,\"result\":\"He\",\"need_clear_history\":false,\"usage\":{\"prompt_to"
     "kens\":2,\"completion_tokens\":0}}\n\ndata: {\"id\":\"as-1\",\"created\":5,\"sente"
     "nce_id\":1,\"is_end\":true,\"is_truncated\":false,\"result\":\"\",\"need_clear_his"
     "tory\":false,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3}}\n\n",
     "start as-1 m 5\nopen 0/0 text\n0 +\"He\"\nclose 0\nstop 0 end\nusage input=2 outpu"
     "t=3\nend\n"},
    {"a call comes whole",
     "data: {\"id\":\"as-1\",\"created\":5,\"sentence_id\":0,\"is_end\":false,\"is_trunc"
     "ated\":false,\"result\":\"Hm\",\"need_clear_history\":false,\"usage\":{\"prompt_to"
     "kens\":2,\"completion_tokens\":0}}\n\ndata: {\"id\":\"as-1\",\"created\":5,\"sente"
     "nce_id\":1,\"is_end\":false,\"is_truncated\":false,\"result\":\"\",\"need_clear_hi"
     "story\":false,\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":0},\"function_c"
     "all\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\": 1}\"}}\n\ndata: {\"id\":\"as-1\""
     ",\"created\":5,\"sentence_id\":2,\"is_end\":true,\"is_truncated\":false,\"result\""
     ":\"\",\"need_clear_history\":false,\"usage\":{\"prompt_tokens\":2,\"completion_tok"
     "ens\":3},\"finish_reason\":\"function_call\"}\n\n",
     "start as-1 m 5\nopen 0/0 text\n0 +\"Hm\"\nclose 0\nopen 0/1 call call_MdnuJDaDEiHj"
     "vAfURiMDKJAU:f\n1 +\"{\\\"a\\\": 1}\"\nclose 1\nstop 0 tool\nusage input=2 output="
     "3\nend\n"},
    {"a canned refusal",
     "data: {\"id\":\"as-1\",\"created\":5,\"sentence_id\":0,\"is_end\":true,\"is_trunca"
     "ted\":false,\"result\":\"No.\",\"need_clear_history\":true,\"usage\":{\"prompt_tok"
     "ens\":2,\"completion_tokens\":3}}\n\n",
     "start as-1 m 5\nopen 0/0 text\n0 +\"No.\"\nclose 0\nstop 0 filter\nusage input=2 o"
     "utput=3\nend\n"},
    {"cut off",
     "data: {\"id\":\"as-1\",\"created\":5,\"sentence_id\":0,\"is_end\":true,\"is_trunca"
     "ted\":true,\"result\":\"He\",\"need_clear_history\":false,\"usage\":{\"prompt_toke"
     "ns\":2,\"completion_tokens\":3}}\n\n",
     "start as-1 m 5\nopen 0/0 text\n0 +\"He\"\nclose 0\nstop 0 length\nusage input=2 ou"
     "tput=3\nend\n"},
    {"an error in the middle",
     "data: {\"id\":\"as-1\",\"created\":5,\"sentence_id\":0,\"is_end\":false,\"is_trunc"
     "ated\":false,\"result\":\"He\",\"need_clear_history\":false,\"usage\":{\"prompt_to"
     "kens\":2,\"completion_tokens\":0}}\n\ndata: {\"error_code\":336100,\"error_msg\":"
     "\"Busy.\"}\n\n",
     "start as-1 m 5\nopen 0/0 text\n0 +\"He\"\nerror overloaded Busy.\n"},
    {"no JSON", "data: <html>\n\n",
     "error bad_answer The provider's stream has a record that is no JSON object.\n"},
};

START_TEST(streams_are_read_wherever_they_are_cut)
{
    struct span bytes = span_of_text(streams[_i].in);

    for (size_t cut = 0; cut <= bytes.len; cut++) {
        provider_streamed(&dialect_ernie, bytes, cut, &out);
        is_out(streams[_i].name, streams[_i].out);
    }
}

END_TEST

/* Every beginning of a stream ends in an error, or as the whole does. */
START_TEST(a_stream_that_breaks_off_never_ends_early)
{
    struct span bytes = span_of_text(streams[_i].in);
    bool ended;

    provider_streamed(&dialect_ernie, bytes, 0, &whole);
    for (size_t len = 0; len < bytes.len; len++) {
        provider_streamed(&dialect_ernie, span_of(bytes.ptr, len), 0, &out);
        ended = span_ends(buffer_span(&out), SPAN("\nend\n"));
        ck_assert(!ended || span_eq(buffer_span(&out), buffer_span(&whole)));
        ck_assert(ended || span_find(buffer_span(&out), SPAN("error ")) != SIZE_MAX);
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/ernie");
    TCase *cases = tcase_create("provider");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, requests_are_written, 0, ARRAY_LEN(requests));
    tcase_add_loop_test(cases, answers_are_read, 0, ARRAY_LEN(replies));
    tcase_add_loop_test(cases, streams_are_read_wherever_they_are_cut, 0, ARRAY_LEN(streams));
    tcase_add_loop_test(cases, a_stream_that_breaks_off_never_ends_early, 0,
                        ARRAY_LEN(streams));
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
