#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/settings/quirk.h"

#include "tests/support/parsed.h"
#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

/* Requests with tools that a provider runs itself, from one dialect to another. JSON stands
 * with ' for ". */

static struct arena arena;
static struct translation translation;
static struct chat chat;
static struct buffer body, out;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    chat = (struct chat){.dialect = DIALECT_NONE};
    buffer_init(&body, 1 << 20);
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&body);
    buffer_done(&out);
    arena_done(&arena);
}

static const char *quoted(const char *text)
{
    struct span copy = arena_copy(&arena, span_of_text(text));
    char *to = arena_take_text(&arena, copy.len + 1);

    for (size_t i = 0; i < copy.len; i++)
        to[i] = copy.ptr[i] == '\'' ? '"' : copy.ptr[i];
    to[copy.len] = '\0';
    return to;
}

/* The request of CLIENT with REST after its words. */
static const char *request_of(enum dialect_id client, const char *rest)
{
    static const char *const heads[] = {
        [DIALECT_openai] = "{'messages':[{'role':'user','content':'x'}]%s}",
        [DIALECT_responses] = "{'input':'x'%s}",
        [DIALECT_anthropic] = "{'max_tokens':9,'messages':[{'role':'user','content':'x'}]%s}",
        [DIALECT_gemini] = "{'contents':[{'role':'user','parts':[{'text':'x'}]}]%s}",
    };
    struct buffer text _buffer_;

    buffer_init(&text, 1 << 16);
    ck_assert(buffer_append(&text, span_of_text(heads[client])));
    ck_assert(text.len > 3);
    text.len -= 3; /* %s} */
    ck_assert(buffer_append(&text, span_of_text(rest)) && buffer_append(&text, SPAN("}")) &&
              buffer_append_byte(&text, '\0'));
    return quoted(buffer_span(&text).ptr);
}

static void cross(enum dialect_id client, enum dialect_id provider, const char *model,
                  const char *request)
{
    struct json_writer json;

    ck_assert_msg(dialect_row(client)->read_chat(&translation, parsed(request), &chat),
                  "%s: %.*s", request, SPAN_ARG(translation.refusal.message));
    translation.chat = &chat;
    translation.target.model = span_of_text(model);
    translation.target.traits = model_traits(translation.target.model, provider);
    json_write_init(&json, &body);
    ck_assert_msg(dialect_row(provider)->write_chat(&translation, &chat, &json), "%.*s",
                  SPAN_ARG(translation.refusal.message));
}

/* What of the provider's body is about tools, a member a line, and what was dropped. */
static void spell_tools(void)
{
    static const struct span keys[] = {WORD("tools"),       WORD("web_search_options"),
                                       WORD("tool_choice"), WORD("toolConfig"),
                                       WORD("include"),     WORD("generationConfig")};
    struct json_value written = parsed_span(buffer_span(&body));

    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        struct json_value value = json_member(written, keys[i]);

        if (value.kind != JSON_ABSENT)
            CHECK(buffer_append_format(&out, "%.*s %.*s\n", SPAN_ARG(keys[i]),
                                       SPAN_ARG(value.raw)));
    }
    spell_dropped(&translation, &out);
}

static void is_out(const char *name, const char *expected)
{
    expected = quoted(expected);
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(expected)),
                  "%s:\n%.*s---- and not\n%s", name, SPAN_ARG(buffer_span(&out)), expected);
}

#define CLAUDE "claude-sonnet-4-5"
#define FLASH  "gemini-2.5-flash"
#define SEARCH "gpt-4o-search-preview"
#define GPT    "gpt-4.1"

#define FUNCTION \
    "{'type':'function','function':{'name':'web_search','parameters':{'type':'object'}}}"
#define FUNCTION_R "{'type':'function','name':'f','parameters':{'type':'object'}}"
#define SOURCES    "include ['web_search_call.action.sources']\n"

static const struct {
    const char *name;
    uint8_t client, provider;
    const char *model, *rest, *out;
} rows[] = {
    /* ---- a search of the web */
    {"hosts that are allowed", DIALECT_responses, DIALECT_anthropic, CLAUDE,
     ",'tools':[{'type':'web_search','filters':{'allowed_domains':['a.example','b.example']}}]",
     "tools [{'type':'web_search_20250305','name':'web_search','allowed_domains':['a.example','b."
     "example']}]\n"},
    {"and the other way round, from any version", DIALECT_anthropic, DIALECT_responses, GPT,
     ",'tools':[{'type':'web_search_20260209','name':'web_search','allowed_domains':['a.example'],"
     "'max_uses':2,'cache_control':{'type':'ephemeral'},'allowed_callers':['direct']}]",
     "tools [{'type':'web_search','filters':{'allowed_domains':['a.example']}}]\n" SOURCES
     "dropped tools[0].max_uses, tools[0].allowed_callers, cache_control\n"},
    {"hosts that are blocked", DIALECT_anthropic, DIALECT_responses, GPT,
     ",'tools':[{'type':'web_search_20250305','name':'web_search','blocked_domains':['a.example']}"
     "]",
     "tools [{'type':'web_search'}]\n" SOURCES "dropped tools[0].blocked_domains\n"},
    {"Gemini's blocked hosts are Claude's", DIALECT_gemini, DIALECT_anthropic, CLAUDE,
     ",'tools':[{'googleSearch':{'excludeDomains':['a.example'],'timeRangeFilter':{'startTime':''"
     "}}}]",
     "tools [{'type':'web_search_20250305','name':'web_search','blocked_domains':['a.example']}]\n"
     "dropped tools[0].googleSearch.timeRangeFilter\n"},
    {"which is not so the other way round", DIALECT_anthropic, DIALECT_gemini, FLASH,
     ",'tools':[{'type':'web_search_20250305','name':'web_search','blocked_domains':['a.example']}"
     "]",
     "tools [{'googleSearch':{}}]\ngenerationConfig {'maxOutputTokens':9}\n"
     "dropped tools[0].blocked_domains\n"},
    {"a mark of the cache is lost with a tool that goes on", DIALECT_anthropic, DIALECT_gemini,
     FLASH,
     ",'tools':[{'type':'web_search_20250305','name':'web_search','cache_control':{'type':"
     "'ephemeral'}}]",
     "tools [{'googleSearch':{}}]\ngenerationConfig {'maxOutputTokens':9}\n"
     "dropped cache_control\n"},
    {"to chat completions too", DIALECT_anthropic, DIALECT_openai, SEARCH,
     ",'tools':[{'type':'web_search_20250305','name':'web_search','cache_control':{'type':"
     "'ephemeral'}}]",
     "web_search_options {}\ndropped cache_control\n"},
    {"where the user is", DIALECT_openai, DIALECT_responses, GPT,
     ",'web_search_options':{'search_context_size':'high','user_location':{'type':'approximate',"
     "'approximate':{'country':'CH','city':'Chur','timezone':null}}}",
     "tools [{'type':'web_search','user_location':{'type':'approximate','country':'CH','city':'Chu"
     "r'},'search_context_size':'high'}]\n" SOURCES},
    {"the same for chat completions", DIALECT_responses, DIALECT_openai, SEARCH,
     ",'tools':[{'type':'web_search_preview_2025_03_11','user_location':{'type':'approximate','cou"
     "ntry':'CH'},'search_context_size':'low','search_content_types':['text']}]",
     "web_search_options {'user_location':{'type':'approximate','approximate':{'country':'CH'}},'s"
     "earch_context_size':'low'}\ndropped tools[0].search_content_types\n"},
    {"what would be so anyway is no loss", DIALECT_responses, DIALECT_gemini, FLASH,
     ",'tools':[{'type':'web_search','search_context_size':'medium','external_web_access':true,"
     "'filters':{'allowed_domains':[]},'user_location':null}]",
     "tools [{'googleSearch':{}}]\n"},
    {"but no web is", DIALECT_responses, DIALECT_gemini, FLASH,
     ",'tools':[{'type':'web_search','external_web_access':false}]",
     "tools [{'googleSearch':{}}]\ndropped tools[0].external_web_access\n"},
    {"a model of chat completions that does not search", DIALECT_anthropic, DIALECT_openai, GPT,
     ",'tools':[{'type':'web_search_20250305','name':'web_search'}]", "dropped tools[0]\n"},
    {"options of the client's own dialect go on as they are", DIALECT_openai, DIALECT_openai,
     GPT, ",'web_search_options':{'search_context_size':'low','x':1}",
     "web_search_options {'search_context_size':'low','x':1}\n"},
    {"old names in snake case", DIALECT_gemini, DIALECT_responses, GPT,
     ",'tools':[{'google_search_retrieval':{'dynamic_retrieval_config':{'mode':'M'}}}]",
     "tools [{'type':'web_search'}]\n" SOURCES
     "dropped tools[0].google_search_retrieval.dynamic_retrieval_config\n"},
    /* ---- code and pages */
    {"code runs in a container that is made", DIALECT_responses, DIALECT_anthropic, CLAUDE,
     ",'tools':[{'type':'code_interpreter','container':{'type':'auto'}}]",
     "tools [{'type':'code_execution_20250825','name':'code_execution'}]\n"},
    {"another one is not there", DIALECT_responses, DIALECT_gemini, FLASH,
     ",'tools':[{'type':'code_interpreter','container':'cntr_1'}]",
     "tools [{'codeExecution':{}}]\ndropped tools[0].container\n"},
    {"code for OpenAI", DIALECT_gemini, DIALECT_responses, GPT,
     ",'tools':[{'codeExecution':{}}]",
     "tools [{'type':'code_interpreter','container':{'type':'auto'}}]\ninclude ['code_interpreter_"
     "call.outputs']\n"},
    {"code has no place in chat completions", DIALECT_gemini, DIALECT_openai, SEARCH,
     ",'tools':[{'codeExecution':{}}]", "dropped tools[0].codeExecution\n"},
    {"pages", DIALECT_gemini, DIALECT_anthropic, CLAUDE, ",'tools':[{'url_context':{}}]",
     "tools [{'type':'web_fetch_20250910','name':'web_fetch'}]\n"},
    {"pages for Gemini", DIALECT_anthropic, DIALECT_gemini, FLASH,
     ",'tools':[{'type':'web_fetch_20250910','name':'web_fetch','max_content_tokens':5,'allowed_do"
     "mains':['a.example']}]",
     "tools [{'urlContext':{}}]\ngenerationConfig {'maxOutputTokens':9}\n"
     "dropped tools[0].allowed_domains, tools[0].max_content_tokens\n"},
    {"pages for who has none", DIALECT_anthropic, DIALECT_responses, GPT,
     ",'tools':[{'type':'web_fetch_20250910','name':'web_fetch'}]",
     "tools []\ndropped tools[0]\n"},
    {"what nobody else has", DIALECT_responses, DIALECT_gemini, FLASH,
     ",'tools':[{'type':'file_search','vector_store_ids':['v']},{'type':'web_search'}]",
     "tools [{'googleSearch':{}}]\ndropped tools[0]\n"},
    /* ---- beside others */
    {"two of a kind are one", DIALECT_gemini, DIALECT_anthropic, CLAUDE,
     ",'tools':[{'googleSearch':{}},{'googleSearchRetrieval':{}}]",
     "tools [{'type':'web_search_20250305','name':'web_search'}]\n"
     "dropped tools[1].googleSearchRetrieval\n"},
    {"a function of the tool's name stays", DIALECT_openai, DIALECT_anthropic, CLAUDE,
     ",'tools':[" FUNCTION "],'web_search_options':{}",
     "tools [{'name':'web_search','input_schema':{'type':'object'}}]\n"
     "dropped web_search_options\n"},
    {"Gemini takes functions or hosted tools", DIALECT_responses, DIALECT_gemini, FLASH,
     ",'tools':[" FUNCTION_R ",{'type':'web_search'}]",
     "tools [{'functionDeclarations':[{'name':'f'}]}]\ndropped tools[1]\n"},
    {"others take both", DIALECT_responses, DIALECT_anthropic, CLAUDE,
     ",'tools':[" FUNCTION_R ",{'type':'web_search'}]",
     "tools [{'name':'f','input_schema':{'type':'object'}},{'type':'web_search_20250305','name':'w"
     "eb_search'}]\n"},
    {"no JSON beside a search of an older Gemini", DIALECT_responses, DIALECT_gemini, FLASH,
     ",'tools':[{'type':'web_search'}],'text':{'format':{'type':'json_object'}}",
     "tools [{'googleSearch':{}}]\ndropped text.format\n"},
    /* ---- the choice */
    {"a search that must be made", DIALECT_responses, DIALECT_anthropic, CLAUDE,
     ",'tools':[{'type':'web_search'}],'tool_choice':{'type':'web_search'}",
     "tools [{'type':'web_search_20250305','name':'web_search'}]\ntool_choice {'type':'tool','name"
     "':'web_search'}\n"},
    {"and for OpenAI", DIALECT_anthropic, DIALECT_responses, GPT,
     ",'tools':[{'type':'web_search_20250305','name':'web_search'}],'tool_choice':{'type':'tool','"
     "name':'web_search'}",
     "tools [{'type':'web_search'}]\ntool_choice {'type':'web_search'}\n" SOURCES},
    {"Gemini cannot be forced", DIALECT_anthropic, DIALECT_gemini, FLASH,
     ",'tools':[{'type':'web_search_20250305','name':'web_search'}],'tool_choice':{'type':'tool','"
     "name':'web_search'}",
     "tools [{'googleSearch':{}}]\ngenerationConfig {'maxOutputTokens':9}\ndropped tool_choice\n"},
    {"nor can who does not get it", DIALECT_anthropic, DIALECT_responses, GPT,
     ",'tools':[{'type':'web_fetch_20250910','name':'web_fetch'}],'tool_choice':{'type':'tool','na"
     "me':'web_fetch'}",
     "tools []\ndropped tools[0], tool_choice\n"},
    {"a list of those that are allowed", DIALECT_responses, DIALECT_anthropic, CLAUDE,
     ",'tools':[" FUNCTION_R
     ",{'type':'web_search'}],'tool_choice':{'type':'allowed_tools','mode'"
     ":'auto','tools':[{'type':'web_search'}]}",
     "tools [{'type':'web_search_20250305','name':'web_search'}]\ntool_choice {'type':'auto'}\n"},
};

START_TEST(a_tool_is_what_the_provider_calls_it)
{
    cross(rows[_i].client, rows[_i].provider, rows[_i].model,
          request_of(rows[_i].client, rows[_i].rest));
    spell_tools();
    is_out(rows[_i].name, rows[_i].out);
}

END_TEST

START_TEST(hosts_that_know_few_members_get_no_search)
{
    translation.target.quirks = QUIRK_STRICT_MEMBERS;
    cross(DIALECT_openai, DIALECT_openai, GPT,
          request_of(DIALECT_openai, ",'web_search_options':{}"));
    spell_tools();
    is_out("strict members", "dropped web_search_options\n");
}

END_TEST

START_TEST(options_that_are_no_object_are_refused)
{
    const char *request = request_of(DIALECT_openai, ",'web_search_options':5");

    ck_assert(!dialect_openai.read_chat(&translation, parsed(request), &chat));
    ck_assert(text_is(translation.refusal.param, SPAN("web_search_options")));
}

END_TEST

/* ---- what was done before, and signatures of texts -----------------------------------------
 */

#define A_TURNS(blocks)                                                                                \
    "{'max_tokens':9,'messages':[{'role':'user','content':'x'},{'role':'assistant','content':[" blocks \
    "]},{'role':'user','content':'y'}]}"
#define R_TURNS(items) \
    "{'input':[{'role':'user','content':'x'}," items ",{'role':'user','content':'y'}]}"
#define G_TURNS(parts)                                                                    \
    "{'contents':[{'role':'user','parts':[{'text':'x'}]},{'role':'model','parts':[" parts \
    "]},{'role':'user','parts':[{'text':'y'}]}]}"
#define O_TURNS(members)                                                      \
    "{'messages':[{'role':'user','content':'x'},{'role':'assistant'," members \
    "},{'role':'user','content':'y'}]}"
#define A_SEARCH                                                                              \
    "{'type':'server_tool_use','id':'s','name':'web_search','input':{'query':'q'}},{'type':'" \
    "web_search_tool_result','tool_use_id':'s','content':[{'type':'web_search_result','url':" \
    "'https://u','title':'U','encrypted_content':'E'}]}"
#define A_CODE                                                                                 \
    "{'type':'server_tool_use','id':'c','name':'code_execution','input':{'code':'1'}},{'type'" \
    ":'code_execution_tool_result','tool_use_id':'c','content':{'type':'code_execution_resul"  \
    "t','stdout':'2','stderr':'3','return_code':1,'content':[]}}"
#define R_SEARCH                                                                            \
    "{'type':'web_search_call','id':'ws_1','status':'completed','action':{'type':'search'," \
    "'query':'q'}}"
#define R_CODE                                                                                \
    "{'type':'code_interpreter_call','id':'ci_1','status':'completed','container_id':'c','co" \
    "de':'1','outputs':[{'type':'logs','logs':'2'}]}"
#define G_CODE                                                                                 \
    "{'executableCode':{'language':'PYTHON','code':'1'},'thoughtSignature':'QUJD'},{'codeExec" \
    "utionResult':{'outcome':'OUTCOME_OK','output':'2'}}"
#define A_CITED                                                                               \
    "{'type':'text','text':'a','citations':[{'type':'web_search_result_location','url':'http" \
    "s://u','title':'U','cited_text':'c','encrypted_index':'E'}]}"
#define R_CITED                                                                               \
    "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'a','annot" \
    "ations':[{'type':'url_citation','start_index':0,'end_index':1,'url':'https://u'}]}]}"
#define R_SAYS "{'type':'message','role':'assistant','content':'a'}"

static const struct {
    const char *name;
    uint8_t client, provider;
    const char *request;
    const char *out; /* the assistant's turn and what was dropped */
} turns[] = {
    {"a search goes on as an item", DIALECT_anthropic, DIALECT_responses,
     A_TURNS(A_SEARCH ",{'type':'text','text':'a'}"),
     "{'id':'ws_@','type':'web_search_call','status':'completed','action':{'type':'search','query'"
     ":'q','queries':['q'],'sources':[{'type':'url','url':'https://u'}]}}"},
    {"and to no other", DIALECT_anthropic, DIALECT_gemini,
     A_TURNS(A_SEARCH ",{'type':'text','text':'a'}"),
     "{'role':'model','parts':[{'text':'a'}]}\ndropped messages[1].content[0]\n"},
    {"nor to Claude, who wants what only Claude encrypts", DIALECT_responses, DIALECT_anthropic,
     R_TURNS(R_SEARCH "," R_SAYS),
     "{'role':'assistant','content':[{'type':'text','text':'a'}]}\ndropped input[1].content[0]\n"},
    {"code goes on as code", DIALECT_anthropic, DIALECT_gemini, A_TURNS(A_CODE),
     "{'role':'model','parts':[{'executableCode':{'language':'PYTHON','code':'1'}},{'codeExecution"
     "Result':{'outcome':'OUTCOME_FAILED','output':'23'}}]}\n"},
    {"from OpenAI too", DIALECT_responses, DIALECT_gemini, R_TURNS(R_CODE),
     "{'role':'model','parts':[{'executableCode':{'language':'PYTHON','code':'1'}},{'codeExecution"
     "Result':{'outcome':'OUTCOME_OK','output':'2'}}]}\n"},
    {"and to others in words", DIALECT_gemini, DIALECT_anthropic, G_TURNS(G_CODE),
     "{'role':'assistant','content':[{'type':'text','text':'```python\\n1\\n```\\n```\\n2\\n```\\n'"
     "}]}\n"},
    {"in chat completions as well", DIALECT_gemini, DIALECT_openai,
     G_TURNS(G_CODE ",{'text':'a'}"),
     "{'role':'assistant','content':'```python\\n1\\n```\\n```\\n2\\n```\\na'}\n"},
    {"a shell's commands are no code for Gemini", DIALECT_anthropic, DIALECT_gemini,
     A_TURNS(
         "{'type':'server_tool_use','id':'b','name':'bash_code_execution','input':{'command':'"
         "ls'}},{'type':'text','text':'a'}"),
     "{'role':'model','parts':[{'text':'a'}]}\ndropped messages[1].content[0]\n"},
    {"citations go on to responses", DIALECT_openai, DIALECT_responses,
     O_TURNS(
         "'content':'a','annotations':[{'type':'url_citation','url_citation':{'start_index':0,"
         "'end_index':1,'url':'https://u','title':'U'}},5,{'type':'other'}]"),
     "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'a','annotation"
     "s':[{'type':'url_citation','start_index':0,'end_index':1,'url':'https://u','title':'U'}]}]}"},
    {"from Claude's client too", DIALECT_anthropic, DIALECT_responses, A_TURNS(A_CITED),
     "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'a','annotation"
     "s':[{'type':'url_citation','start_index':0,'end_index':1,'url':'https://u','title':'U'}]}]}"},
    {"and to no other", DIALECT_anthropic, DIALECT_gemini, A_TURNS(A_CITED),
     "{'role':'model','parts':[{'text':'a'}]}\ndropped citations\n"},
    {"no other at all", DIALECT_responses, DIALECT_openai, R_TURNS(R_CITED),
     "{'role':'assistant','content':'a'}\ndropped annotations\n"},
    {"and none is none", DIALECT_openai, DIALECT_anthropic,
     O_TURNS("'content':'a','annotations':[]"),
     "{'role':'assistant','content':[{'type':'text','text':'a'}]}\n"},
    {"a signed text from Claude's client", DIALECT_anthropic, DIALECT_gemini,
     A_TURNS(
         "{'type':'text','text':'a'},{'type':'redacted_thinking','data':'aigw.text.gemini.QUJD"
         "'},{'type':'text','text':'b'}"),
     "{'role':'model','parts':[{'text':'a','thoughtSignature':'QUJD'},{'text':'b'}]}\n"},
    {"a signature without its text", DIALECT_anthropic, DIALECT_gemini,
     A_TURNS("{'type':'redacted_thinking','data':'aigw.text.gemini.QUJD'}"),
     "{'role':'model','parts':[{'text':'','thoughtSignature':'QUJD'}]}\n"},
    {"from a client of responses", DIALECT_responses, DIALECT_gemini,
     R_TURNS(R_SAYS
             ",{'type':'reasoning','id':'rs_1','summary':[],'encrypted_content':'aigw.text."
             "gemini.QUJD'}"),
     "{'role':'model','parts':[{'text':'a','thoughtSignature':'QUJD'}]}\n"},
    {"from a client of chat completions", DIALECT_openai, DIALECT_gemini,
     O_TURNS("'content':'a','extra_content':{'google':{'thought_signature':'QUJD'}}"),
     "{'role':'model','parts':[{'text':'a','thoughtSignature':'QUJD'}]}\n"},
    {"with no words", DIALECT_openai, DIALECT_gemini,
     O_TURNS("'content':null,'extra_content':{'google':{'thought_signature':'QUJD'}}"),
     "{'role':'model','parts':[{'text':'','thoughtSignature':'QUJD'}]}\n"},
    {"with calls and no words", DIALECT_openai, DIALECT_gemini,
     O_TURNS(
         "'content':null,'extra_content':{'google':{'thought_signature':'QUJD'}},'tool_calls':"
         "[{'id':'c','type':'function','function':{'name':'f','arguments':'{}'}}]"),
     "{'role':'model','parts':[{'text':'','thoughtSignature':'QUJD'},{'functionCall':{'name':'f','"
     "args':{}}}]}\n"},
    {"another provider is told nothing of it", DIALECT_anthropic, DIALECT_responses,
     A_TURNS(
         "{'type':'text','text':'a'},{'type':'text','text':'b'},{'type':'redacted_thinking','d"
         "ata':'aigw.text.gemini.QUJD'},{'type':'redacted_thinking','data':'aigw.text.gemini.Q"
         "UJE'}"),
     "{'type':'message','role':'assistant','content':[{'type':'output_text','text':'a'}]}"},
    {"neither is Claude's", DIALECT_responses, DIALECT_anthropic,
     R_TURNS(R_SAYS
             ",{'type':'reasoning','id':'rs_1','summary':[],'encrypted_content':'aigw.text."
             "gemini.QUJD'}"),
     "{'role':'assistant','content':[{'type':'text','text':'a'}]}\n"},
};

/* The second item of the conversation, digits of ids made '@'. */
static void spell_turn(void)
{
    static const struct span keys[] = {WORD("messages"), WORD("input"), WORD("contents")};
    struct json_value written = parsed_span(buffer_span(&body)), list, item;
    struct json_walk walk;
    size_t at;

    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        list = json_member(written, keys[i]);
        if (list.kind == JSON_ARRAY)
            break;
    }
    walk = json_walk(list);
    ck_assert(json_next(&walk, NULL, &item) && json_next(&walk, NULL, &item));
    at = span_find(item.raw, SPAN("\"ws_"));
    if (at != SIZE_MAX) {
        CHECK(buffer_append(&out, span_of(item.raw.ptr, at + 4)) &&
              buffer_append_byte(&out, '@') &&
              buffer_append(&out, span_skip(item.raw, at + 4 + TRANSLATION_ID_BYTES)));
    } else {
        CHECK(buffer_append(&out, item.raw));
    }
    if (list.raw.ptr != json_member(written, SPAN("input")).raw.ptr) {
        CHECK(buffer_append_byte(&out, '\n'));
        spell_dropped(&translation, &out);
    }
}

START_TEST(earlier_turns_are_told_as_far_as_they_can_be)
{
    static const char *const models[] = {[DIALECT_openai] = SEARCH,
                                         [DIALECT_responses] = GPT,
                                         [DIALECT_anthropic] = CLAUDE,
                                         [DIALECT_gemini] = FLASH};

    cross(turns[_i].client, turns[_i].provider, models[turns[_i].provider],
          quoted(turns[_i].request));
    spell_turn();
    is_out(turns[_i].name, turns[_i].out);
    if (turns[_i].provider != DIALECT_gemini)
        ck_assert_msg(span_find(buffer_span(&body), SPAN("QUJ")) == SIZE_MAX, "%s: %.*s",
                      turns[_i].name, SPAN_ARG(buffer_span(&body)));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("hosted");
    TCase *tcase = tcase_create("hosted");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_tool_is_what_the_provider_calls_it, 0, ARRAY_LEN(rows));
    tcase_add_test(tcase, hosts_that_know_few_members_get_no_search);
    tcase_add_test(tcase, options_that_are_no_object_are_refused);
    tcase_add_loop_test(tcase, earlier_turns_are_told_as_far_as_they_can_be, 0,
                        ARRAY_LEN(turns));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
