#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/hearing.h"
#include "tests/support/spell.h"
#include "worker/translate/hosted.h"

/* What hosted tools did, in streams of each dialect, cut at every byte; and the same stream as
 * a client of each other dialect gets it, which no cut changes either. JSON stands with ' for
 * ". */

#define A(type, members) "event: " type "\ndata: {'type':'" type "'," members "}\n\n"
#define A_OPEN(at, block) \
    A("content_block_start", "'index':" #at ",'content_block':{" block "}")
#define A_PIECE(at, delta) A("content_block_delta", "'index':" #at ",'delta':{" delta "}")
#define A_SHUT(at)         A("content_block_stop", "'index':" #at)
#define A_USE(at, id, name) \
    A_OPEN(at, "'type':'server_tool_use','id':'" id "','name':'" name "','input':{}")
#define A_INPUT(at, json) A_PIECE(at, "'type':'input_json_delta','partial_json':'" json "'")
#define A_FIRST        \
    A("message_start", \
      "'message':{'id':'m','model':'c','usage':{'input_tokens':4,'output_tokens':1}}")
#define A_LAST(stop)                                                              \
    A("message_delta",                                                            \
      "'delta':{'stop_reason':'" stop "','stop_sequence':null},'usage':{'output_" \
      "tokens':2,'server_tool_use':{'web_search_requests':2,'web_fetch_requests'" \
      ":0}}")                                                                     \
    "event: message_stop\ndata: {'type':'message_stop'}\n\n"

#define G(members) \
    "data: {'candidates':[{'index':0," members "}],'modelVersion':'g','responseId':'r'}\r\n\r\n"
#define G_PARTS(parts) "'content':{'role':'model','parts':[" parts "]}"

#define R(type, members) "data: {'type':'response." type "'," members "}\n\n"
#define R_DONE(at, item) R("output_item.done", "'output_index':" #at ",'item':{" item "}")

static const struct {
    const char *name;
    uint8_t provider;
    const char *in, *out;
} streams[] = {
    {"searches whose results come late, and one that failed", DIALECT_anthropic,
     A_FIRST A_USE(0, "s1", "web_search") A_INPUT(0, "") A_INPUT(0, "{\\'query\\': \\'\\\\u00")
         A_INPUT(0, "e9\\'}") A_SHUT(0) A_USE(1, "s2", "web_search")
             A_INPUT(1, "{\\'query\\':\\'b\\'}") A_SHUT(1) A_OPEN(
                 2, "'type':'web_search_tool_result','tool_use_id':'s2','content':{'type':'"
                    "web_search_tool_result_error','error_code':'max_uses_exceeded'}") A_SHUT(2)
                 A_OPEN(3, "'type':'web_search_tool_result','tool_use_id':'s1','content':["
                           "{'type':'web_search_result','url':'https://u','title':'U','enc"
                           "rypted_content':'E','page_age':null}]") A_SHUT(3)
                     A_OPEN(4, "'type':'text','text':''")
                         A_PIECE(4, "'type':'citations_delta','citation':{'type':'web_sear"
                                    "ch_result_location','url':'https://u','title':'U','ci"
                                    "ted_text':'q','encrypted_index':'I'}")
                             A_PIECE(4, "'type':'text_delta','text':'w'") A_SHUT(4)
                                 A_LAST("end_turn"),
     "start m c 1700000000\nusage input=4 output=1\nopen 0/0 hosted hosted:search:s2(b)!max_uses_ex"
     "ceeded\nclose 0\nopen 0/1 hosted hosted:search:s1(\\u00e9)= found:https://u|U\nclose 1\nopen "
     "0/2 text\n2 cites https://u:U\n2 +\"w\"\nclose 2\nstop 0 end\nusage input=4 output=2 searches"
     "=2 fetches=0\nend\n"},
    {"code, a page, and a tool that nobody else has", DIALECT_anthropic,
     A_FIRST A_USE(0, "c1", "bash_code_execution") A_INPUT(0, "{\\'command\\':\\'ls\\'}")
         A_SHUT(0) A_OPEN(
             1, "'type':'bash_code_execution_tool_result','tool_use_id':'c1','content':{'type':"
                "'bash_code_execution_result','stdout':'a','stderr':'','return_code':0,'content"
                "':[]}") A_SHUT(1) A_USE(2, "f1", "web_fetch")
             A_INPUT(2, "{\\'url\\':\\'https://u\\'}") A_SHUT(2) A_OPEN(
                 3, "'type':'web_fetch_tool_result','tool_use_id':'f1','content':{'type':'w"
                    "eb_fetch_result','url':'https://u','content':{'type':'document','title"
                    "':'U'},'retrieved_at':null}") A_SHUT(3)
                 A_USE(4, "t1", "tool_search_tool_bm25") A_INPUT(4, "{}") A_SHUT(4)
                     A_OPEN(5, "'type':'tool_search_tool_result','tool_use_id':'t1','content':"
                               "{}") A_SHUT(5) A_LAST("end_turn"),
     "start m c 1700000000\nusage input=4 output=1\nopen 0/0 hosted hosted:shell:c1(ls)=a\nclose 0"
     "\nopen 0/1 hosted hosted:fetch:f1(https://u)= found:https://u|U\nclose 1\nstop 0 end\nusage i"
     "nput=4 output=2 searches=2 fetches=0\nend\ndropped server_tool_use, tool_search_tool_result"
     "\n"},
    {"a model that pauses before its result", DIALECT_anthropic,
     A_FIRST A_USE(0, "s1", "web_search") A_INPUT(0, "{\\'query\\':\\'a\\'}") A_SHUT(0)
         A_LAST("pause_turn"),
     "start m c 1700000000\nusage input=4 output=1\nopen 0/0 hosted hosted:search:s1(a)\nclose 0\ns"
     "top 0 pause\nusage input=4 output=2 searches=2 fetches=0\nend\n"},
    {"a result that answers nothing", DIALECT_anthropic,
     A_FIRST A_OPEN(0, "'type':'web_search_tool_result','tool_use_id':'s9','content':[]")
         A_SHUT(0) A_LAST("end_turn"),
     "start m c 1700000000\nusage input=4 output=1\nstop 0 end\nusage input=4 output=2 searches=2 f"
     "etches=0\nend\ndropped web_search_tool_result\n"},
    {"places count in characters of their text, which is signed", DIALECT_gemini,
     G(G_PARTS("{'text':'Z\xc3\xbc'}")) G(G_PARTS(
         "{'text':'rich. Yes.'},{'text':'','thoughtSignature':'QUJD'}") ",'finishReason':'STOP','groundingMetadata':{'webSearchQueries':['a','b'],'groundingChu"
                                                                        "nks':[{'web':{'uri':'https://u','title':'U'}},{'web':{'uri':'https://v'}}],'groundingS"
                                                                        "upports':[{'segment':{'startIndex':9,'endIndex':13},'groundingChunkIndices':[1,0]},{'s"
                                                                        "egment':{'endIndex':3},'groundingChunkIndices':[7,0]}]},'urlContextMetadata':{'urlMeta"
                                                                        "data':[{'retrievedUrl':'https://w','urlRetrievalStatus':'URL_RETRIEVAL_STATUS_ERROR'}]"
                                                                        "}"),
     "start r g 0\nopen 0/0 text\n0 +\"Z\xc3\xbc\"\n0 +\"rich. Yes.\"\n0 signed:gemini:QUJD\n0 cite"
     "s https://v<8-12>\n0 cites https://u:U<8-12>\n0 cites https://u:U<0-2>\nclose 0\nopen 0/1 hos"
     "ted hosted:search(a)=\nclose 1\nopen 0/2 hosted hosted:search(b)= found:https://u|U found:htt"
     "ps://v\nclose 2\nopen 0/3 hosted hosted:fetch(https://w)!url_not_accessible\nclose 3\nstop 0 "
     "end\nend\n"},
    {"places count in their part, whose words say where it is", DIALECT_gemini,
     G(G_PARTS("{'text':'Z\xc3\xbc. '}")) G(G_PARTS(
         "{'text':'One. '},{'text':'Two.'}") ",'finishReason':'STOP',"
                                             "'groundingMetadata':{'groundingChunks':[{'web':{'uri':'https://u'}}],"
                                             "'groundingSupports':[{'segment':{'partIndex':1,'startIndex':0,'endIndex':4,"
                                             "'text':'Two.'},'groundingChunkIndices':[0]},{'segment':{'startIndex':5,"
                                             "'endIndex':9,'text':'One.'},'groundingChunkIndices':[0]},{'segment':{"
                                             "'startIndex':1,'endIndex':4,'text':'not said'},'groundingChunkIndices':[0]},"
                                             "{'segment':{'startIndex':99,'endIndex':4,'text':'One.'},"
                                             "'groundingChunkIndices':[]}]}"),
     "start r g 0\nopen 0/0 text\n0 +\"Z\xc3\xbc. \"\n0 +\"One. \"\n0 +\"Two.\"\n"
     "0 cites https://u<9-13>\n0 cites https://u<4-8>\n0 cites https://u<1-3>\nclose 0\n"
     "stop 0 end\nend\n"},
    {"code whose output comes in pieces, between texts", DIALECT_gemini,
     G(G_PARTS("{'text':'a'}")) G(G_PARTS(
         "{'executableCode':{'language':'PYTHON','code':'1'},'thoughtSignature':'QUJD'}"))
         G(G_PARTS("{'codeExecutionResult':{'outcome':'OUTCOME_OK','output':'2'}}")) G(
             G_PARTS("{'codeExecutionResult':{'outcome':'OUTCOME_FAILED','output':'3'}}"))
             G(G_PARTS(
                 "{'text':'b'}") ",'finishReason':'STOP','groundingMetadata':{'groundingChunks':[{'web':{'ur"
                                 "i':'https://u'}}],'groundingSupports':[{'segment':{'startIndex':0,'endInde"
                                 "x':1},'groundingChunkIndices':[0]},{'segment':{'startIndex':1,'endIndex':2"
                                 "},'groundingChunkIndices':[0]}]}"),
     "start r g 0\nopen 0/0 text\n0 +\"a\"\nclose 0\nopen 0/1 hosted hosted:code(1)!23\nclose 1\nop"
     "en 0/2 text\n2 +\"b\"\n2 cites https://u\n2 cites https://u<0-1>\nclose 2\nstop 0 end\nend\n"},
    {"items", DIALECT_responses,
     R("created", "'response':{'id':'resp_1','model':'m','created_at':5}") R(
         "output_item.added", "'output_index':0,'item':{'type':'web_search_call','id':'ws_1'}")
         R("web_search_call.searching", "'output_index':0,'item_id':'ws_1'")
             R_DONE(0, "'type':'web_search_call','id':'ws_1','status':'completed','action':{'t"
                       "ype':'search','query':'','queries':['a'],'sources':[{'type':'url','url"
                       "':'https://u'}]}")
                 R_DONE(1, "'type':'web_search_call','id':'ws_2','status':'completed','action'"
                           ":{'type':'find_in_page','url':'https://u','pattern':'p'}")
                     R_DONE(2, "'type':'code_interpreter_call','id':'ci_1','status':'completed"
                               "','code':'1','outputs':[{'type':'logs','logs':'2'},{'type':'lo"
                               "gs','logs':'3'}]")
                         R_DONE(3, "'type':'file_search_call','id':'fs_1'")
                             R("completed", "'response':{'usage':null}"),
     "start resp_1 m 5\nopen 0/0 hosted hosted:search:ws_1(a)= found:https://u\nclose 0\nopen 0/1 h"
     "osted hosted:fetch:ws_2(https://u)= found:https://u\nclose 1\nopen 0/2 hosted hosted:code:ci_"
     "1(1)=23\nclose 2\nstop 0 end\nusage searches=1 fetches=1\nend\ndropped file_search_call\n"},
};

static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 0);
}

static void tear_down(void)
{
    arena_done(&arena);
}

static struct span quoted(const char *text)
{
    struct span copy = arena_copy(&arena, span_of_text(text));
    char *to = arena_take_text(&arena, copy.len);

    for (size_t i = 0; i < copy.len; i++)
        to[i] = copy.ptr[i] == '\'' ? '"' : copy.ptr[i];
    return span_of(to, copy.len);
}

/* The client asked for a search: only then are places in texts kept. */
static void ask(struct chat *chat, struct arena *of)
{
    struct tool *tool = chat_add_tool(chat, TOOL_HOSTED, of);

    tool->hosted = ARENA_NEW(of, struct hosted);
    tool->hosted->kind = HOSTED_search;
}

START_TEST(a_stream_says_the_same_wherever_it_is_cut)
{
    struct span stream = quoted(streams[_i].in);

    for (size_t cut = 0; cut <= stream.len; cut++) {
        struct hearing hearing;

        hearing_init(&hearing, dialect_row((enum dialect_id)streams[_i].provider),
                     DIALECT_openai);
        ask(&hearing.chat, &hearing.arena);
        hearing_feed(&hearing, span_of(stream.ptr, cut));
        hearing_feed(&hearing, span_skip(stream, cut));
        hearing_end(&hearing);
        spell_dropped(&hearing.translation, &hearing.said);
        ck_assert_msg(span_eq(buffer_span(&hearing.said), span_of_text(streams[_i].out)),
                      "%s, cut at %zu:\n%.*s---- and not\n%s", streams[_i].name, cut,
                      SPAN_ARG(buffer_span(&hearing.said)), streams[_i].out);
        hearing_done(&hearing);
    }
}

END_TEST

/* ---- as clients get it ---------------------------------------------------------------------
 */

struct crossing {
    struct arena arena;
    struct translation translation;
    struct chat chat;
    struct event_reader reader;
    struct event_writer writer;
    struct sse_framer framer;
    struct buffer out;
};

static void write_on(void *who, const struct event *event)
{
    struct crossing *passing = who;

    event_write(&passing->writer, event);
}

static void pass(struct crossing *passing, unsigned row, enum dialect_id client, size_t cut)
{
    struct span stream = quoted(streams[row].in);

    *passing = (struct crossing){.chat = {.dialect = (uint8_t)client}};
    arena_init(&passing->arena, 0);
    translation_init(&passing->translation, &passing->arena, 1, 1700000000);
    passing->translation.target.model = SPAN("target");
    passing->translation.chat = &passing->chat;
    ask(&passing->chat, &passing->arena);
    passing->chat.last_tool->raw = (struct json_value){JSON_OBJECT, SPAN("{}")};
    buffer_init(&passing->out, 1 << 20);
    sse_init(&passing->framer, 1 << 20);
    event_writer_init(&passing->writer, dialect_row(client), &passing->translation,
                      &passing->out);
    event_reader_init(&passing->reader, dialect_row((enum dialect_id)streams[row].provider),
                      &passing->translation, write_on, passing);
    hearing_pass(&passing->reader, &passing->framer, span_of(stream.ptr, cut));
    hearing_pass(&passing->reader, &passing->framer, span_skip(stream, cut));
    event_read_end(&passing->reader);
}

static void done(struct crossing *passing)
{
    sse_done(&passing->framer);
    buffer_done(&passing->out);
    arena_done(&passing->arena);
}

/* Each record is JSON on one line; a stream that is cut nowhere is the measure. */
static void check_records(struct span said)
{
    struct span line;
    struct json_value value;
    struct json_error error;

    while (span_cut(&said, '\n', &line)) {
        line = span_trim(line);
        if (!span_starts(line, SPAN("data: ")) || span_eq(line, SPAN("data: [DONE]")))
            continue;
        ck_assert_msg(json_check(span_skip(line, 6), &value, &error), "%.*s", SPAN_ARG(line));
    }
}

START_TEST(clients_get_the_same_wherever_it_is_cut)
{
    static const enum dialect_id clients[] = {DIALECT_openai, DIALECT_responses,
                                              DIALECT_anthropic, DIALECT_gemini};

    size_t len = strlen(streams[_i].in);

    for (unsigned c = 0; c < ARRAY_LEN(clients); c++) {
        struct crossing whole, cut;

        pass(&whole, (unsigned)_i, clients[c], len);
        ck_assert(whole.reader.ended && !whole.writer.failed);
        check_records(buffer_span(&whole.out));
        for (size_t at = 0; at < len; at++) {
            pass(&cut, (unsigned)_i, clients[c], at);
            ck_assert_msg(span_eq(buffer_span(&cut.out), buffer_span(&whole.out)),
                          "%s for client %u, cut at %zu:\n%.*s", streams[_i].name, clients[c],
                          at, SPAN_ARG(buffer_span(&cut.out)));
            done(&cut);
        }
        done(&whole);
    }
}

END_TEST

/* A stream that ends in the middle is an error for each client, never a success. */
START_TEST(a_stream_that_breaks_off_is_an_error)
{
    size_t len = strlen(streams[_i].in);

    for (size_t end = 0; end + 200 < len; end += 7) {
        struct hearing hearing;

        hearing_init(&hearing, dialect_row((enum dialect_id)streams[_i].provider),
                     DIALECT_openai);
        ask(&hearing.chat, &hearing.arena);
        hearing_feed(&hearing, span_of(quoted(streams[_i].in).ptr, end));
        hearing_end(&hearing);
        ck_assert_msg(hearing.reader.failed, "%s, ended at %zu", streams[_i].name, end);
        hearing_done(&hearing);
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("hosted streams");
    TCase *tc = tcase_create("hosted streams");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_stream_says_the_same_wherever_it_is_cut, 0, ARRAY_LEN(streams));
    tcase_add_loop_test(tc, clients_get_the_same_wherever_it_is_cut, 0, ARRAY_LEN(streams));
    tcase_add_loop_test(tc, a_stream_that_breaks_off_is_an_error, 0, ARRAY_LEN(streams));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
