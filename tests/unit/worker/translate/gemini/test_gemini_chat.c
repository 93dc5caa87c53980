#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "tests/support/parsed.h"
#include "tests/support/spell.h"
#include "worker/translate/dialect.h"

static struct arena arena;
static struct translation translation;
static struct chat chat;
static struct buffer out;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    chat = (struct chat){.dialect = DIALECT_gemini};
    buffer_init(&out, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&out);
    arena_done(&arena);
}

static bool read_body(const struct dialect *dialect, struct span body)
{
    chat = (struct chat){.dialect = (uint8_t)dialect->id};
    translation.chat = &chat;
    return dialect->read_chat(&translation, parsed_span(body), &chat);
}

static bool write_for(const char *model)
{
    struct json_writer json;

    translation.target.model = span_of_text(model);
    translation.target.traits = model_traits(translation.target.model, DIALECT_gemini);
    json_write_init(&json, &out);
    return dialect_gemini.write_chat(&translation, &chat, &json);
}

static void is_out(const char *name, const char *expected)
{
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(expected)), "%s:\n%.*s\nis not\n%s",
                  name, SPAN_ARG(buffer_span(&out)), expected);
}

static void add_dropped(void)
{
    if (!translation.dropped)
        return;
    ck_assert(buffer_append(&out, SPAN(" ")));
    spell_dropped(&translation, &out);
}

/* ---- what a client says ------------------------------------------------------------------ */

static const struct {
    const char *name, *in, *out;
} read_rows[] = {
    {"a text, role absent", "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}]}",
     "user \"hi\"\n"},
    {"the system speaks first, wherever it stands",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"syst"
     "emInstruction\":{\"role\":\"user\",\"parts\":[{\"text\":\"S\"},{\"text"
     "\":\"T\"}]}}",
     "system \"S\" \"T\"\nuser \"hi\"\n"},
    {"snake_case members",
     "{\"contents\":[{\"parts\":[{\"inline_data\":{\"mime_type\":\"image/PNG"
     "\",\"data\":\"AA-_\"}}]}],\"generation_config\":{\"max_output_tokens\":5"
     ",\"stop_sequences\":[\"x\"]}}",
     "user image:data:image/png:AA+/\nstop \"x\"\nmax_output 5\n"},
    {"thoughts and signatures",
     "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"t\",\"thought"
     "\":true,\"thoughtSignature\":\"U0lH\"},{\"text\":\"\",\"thoughtSignature"
     "\":\"QUJD\"}]}]}",
     "assistant reasoning\"t\" signed:gemini:U0lH \"\" signed:gemini:QUJD\n"},
    {"a thought in pieces is one, up to its signature",
     "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"a\",\"thought"
     "\":true},{\"text\":\"b\\n\",\"thought\":true},{\"text\":\"\",\"thought\":true,"
     "\"thoughtSignature\":\"U0lH\"},{\"text\":\"c\",\"thought\":true}]}]}",
     "assistant reasoning\"ab\\n\" signed:gemini:U0lH reasoning\"c\"\n"},
    {"a signature of another dialect comes back to it",
     "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"text\":\"t\",\"thought"
     "\":true,\"thoughtSignature\":\"YWlndy5hbnRocm9waWMuU0lHPQ==\"},{\"text"
     "\":\"x\"}]}]}",
     "assistant reasoning\"t\" signed:anthropic:SIG= \"x\"\n"},
    {"calls without ids are numbered, results find them by name and order",
     "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name"
     "\":\"f\",\"args\":{\"a\":1}}},{\"functionCall\":{\"name\":\"g\"}},{\"fun"
     "ctionCall\":{\"name\":\"f\"}}]},{\"role\":\"function\",\"parts\":[{\"fun"
     "ctionResponse\":{\"name\":\"f\",\"response\":{\"output\":\"one\"}}},{\"f"
     "unctionResponse\":{\"name\":\"f\",\"response\":{\"x\":2}}},{\"functionRe"
     "sponse\":{\"name\":\"g\",\"response\":{\"error\":\"no\"}}}]}]}",
     "assistant call:call_1:f{\"a\":1} call:call_2:g call:call_3:f\nuser resul"
     "t:call_1:f[\"one\"] result:call_3:f[\"{\\\"x\\\":2}\"] error:call_2:g["
     "\"no\"]\n"},
    {"ids that are there are kept",
     "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"id\":"
     "\"z\",\"name\":\"f\"}}]},{\"parts\":[{\"functionResponse\":{\"id\":\"z"
     "\",\"name\":\"f\",\"response\":{\"result\":[1]}}}]}]}",
     "assistant call:z:f\nuser result:z:f[\"[1]\"]\n"},
    {"media of all kinds",
     "{\"contents\":[{\"parts\":[{\"inlineData\":{\"mimeType\":\"audio/mp3\","
     "\"data\":\"QUJD\"}},{\"inlineData\":{\"mimeType\":\"application/pdf\","
     "\"data\":\"JVBE\"}},{\"fileData\":{\"mimeType\":\"image/png\",\"fileUri"
     "\":\"https://a.example/x\"}},{\"fileData\":{\"fileUri\":\"https://genera"
     "tivelanguage.googleapis.com/v1beta/files/1\"}}]}]}",
     "user audio:data:audio/mpeg:QUJD document:data:application/pdf:JVBE image"
     ":url:image/png:https://a.example/x document:file:https://generativelangu"
     "age.googleapis.com/v1beta/files/1\n"},
    {"what the provider's own tools did",
     "{\"contents\":[{\"role\":\"model\",\"parts\":[{\"executableCode\":{\"lan"
     "guage\":\"PYTHON\",\"code\":\"1\"},\"thoughtSignature\":\"QUJD\"},{"
     "\"codeExecutionResult\":{\"outcome\":\"OUTCOME_OK\",\"output\":\"2\"}},"
     "{\"codeExecutionResult\":{\"outcome\":\"OUTCOME_FAILED\",\"output\":\"3\"}}"
     "]}]}",
     "assistant hosted:code(1)!23 signed:gemini:QUJD\n"},
    {"types of OpenAPI become those of JSON Schema",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\",\"description\":\"d\","
     "\"parameters\":{\"type\":\"OBJECT\",\"properties\":{\"a\":{\"type\":\"ST"
     "RING\",\"nullable\":true,\"format\":\"enum\",\"enum\":[\"x\"]},\"b\":{"
     "\"type\":\"ARRAY\",\"items\":{\"type\":\"INTEGER\"},\"minItems\":\"2\"}}"
     ",\"propertyOrdering\":[\"a\",\"b\"]}}]},{\"googleSearch\":{}}]}",
     "user \"hi\"\ntool f \"d\" {\"type\":\"object\",\"properties\":{\"a\":{"
     "\"type\":[\"string\",\"null\"],\"enum\":[\"x\"]},\"b\":{\"type\":\"array"
     "\",\"items\":{\"type\":\"integer\"},\"minItems\":2}}}\nhosted-tool googl"
     "eSearch {\"googleSearch\":{}}\n"},
    {"a JSON Schema stays as it is",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parametersJsonSchema"
     "\":{\"type\":\"object\",\"$defs\":{}}}]}]}",
     "user \"hi\"\ntool f {\"type\":\"object\",\"$defs\":{}}\n"},
    {"ANY with one name is that tool",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "Config\":{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionN"
     "ames\":[\"f\"]}}}",
     "user \"hi\"\nchoice named f\n"},
    {"ANY with several names",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "Config\":{\"functionCallingConfig\":{\"mode\":\"any\",\"allowedFunctionN"
     "ames\":[\"f\",\"g\"]},\"retrievalConfig\":{}}}",
     "user \"hi\"\nchoice required f g\n dropped toolConfig.retrievalConfig\n"},
    {"settings",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"temperature\":0.70,\"topP\":1,\"topK\":4,\"candidateCo"
     "unt\":2,\"maxOutputTokens\":10,\"seed\":-5,\"presencePenalty\":0.1,\"res"
     "ponseLogprobs\":true,\"logprobs\":3,\"responseModalities\":[\"TEXT\",\"I"
     "MAGE\"],\"strange\":1},\"safetySettings\":[],\"cachedContent\":\"c\",\"s"
     "erviceTier\":\"standard\",\"stranger\":1}",
     "user \"hi\"\nmax_output 10\ntemperature 0.70\ntop_p 1\ntop_k 4\nchoice_c"
     "ount 2\nseed -5\npresence_penalty 0.1\nlogprobs true\ntop_logprobs 3\nse"
     "rvice_tier \"default\"\nmodalities [\"text\",\"image\"]\nsafety_settings"
     " []\ncached_content \"c\"\nextra stranger 1\n dropped generationConfig.s"
     "trange\n"},
    {"thinking is off",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":0}}}",
     "user \"hi\"\neffort none\n"},
    {"thinking as the model likes",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":-1,\"includeThoug"
     "hts\":true}}}",
     "user \"hi\"\nadaptive\nshown yes\n"},
    {"thinking by level",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"high\"}}}",
     "user \"hi\"\neffort high\n"},
    {"an answer of a schema",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"responseSchema\":{\"type\":\"OBJECT\"},\"responseMimeT"
     "ype\":\"application/json\"}}",
     "user \"hi\"\nformat schema {\"type\":\"object\"}\n"},
    {"an answer in JSON",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"responseMimeType\":\"application/json\"}}",
     "user \"hi\"\nformat json\n"},
};

START_TEST(requests_are_read)
{
    ck_assert_msg(read_body(&dialect_gemini, span_of_text(read_rows[_i].in)), "%s: %.*s",
                  read_rows[_i].name, (int)translation.refusal.message.len,
                  translation.refusal.message.ptr);
    spell_chat(&chat, &out);
    add_dropped();
    is_out(read_rows[_i].name, read_rows[_i].out);
}

END_TEST

static const struct {
    const char *name, *in, *out;
} refused_rows[] = {
    {"no contents", "{}", "'contents' must not be empty."},
    {"empty contents", "{\"contents\":[]}", "'contents' must not be empty."},
    {"contents of another kind", "{\"contents\":{}}", "'contents' must be an array."},
    {"an unknown role", "{\"contents\":[{\"role\":\"robot\",\"parts\":[]}]}",
     "'contents[0].role' must be user or model."},
    {"no parts", "{\"contents\":[{\"role\":\"user\"}]}",
     "'contents[0].parts' must be an array."},
    {"a part that says nothing", "{\"contents\":[{\"parts\":[{\"text\":\"a\"},{}]}]}",
     "'contents[0].parts[1]' must have text, inlineData, fileData, functionCal"
     "l or functionResponse."},
    {"a text of another kind", "{\"contents\":[{\"parts\":[{\"text\":1}]}]}",
     "'contents[0].parts[0].text' must be a string."},
    {"data without a type",
     "{\"contents\":[{\"parts\":[{\"inlineData\":{\"data\":\"AA==\"}}]}]}",
     "'contents[0].parts[0].inlineData' must have the strings mimeType and dat"
     "a."},
    {"a call without a name", "{\"contents\":[{\"parts\":[{\"functionCall\":{\"args\":{}}}]}]}",
     "'contents[0].parts[0].functionCall' must have a name."},
    {"arguments of another kind",
     "{\"contents\":[{\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":[]"
     "}}]}]}",
     "'contents[0].parts[0].functionCall.args' must be an object."},
    {"a response of another kind",
     "{\"contents\":[{\"parts\":[{\"functionResponse\":{\"name\":\"f\",\"respo"
     "nse\":\"x\"}}]}]}",
     "'contents[0].parts[0].functionResponse.response' must be an object."},
    {"a system that is a string",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"syst"
     "emInstruction\":\"S\"}",
     "'systemInstruction' must be an object."},
    {"a stop of another kind",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"stopSequences\":[1]}}",
     "'generationConfig.stopSequences[0]' must be a string."},
    {"a tool without a name",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{}]}]}",
     "'tools[0].functionDeclarations[0]' must have a name."},
    {"an unknown mode",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "Config\":{\"functionCallingConfig\":{\"mode\":\"MAYBE\"}}}",
     "'toolConfig.functionCallingConfig.mode' must be AUTO, ANY, NONE or VALID"
     "ATED."},
};

START_TEST(bad_requests_are_refused)
{
    ck_assert_msg(!read_body(&dialect_gemini, span_of_text(refused_rows[_i].in)), "%s",
                  refused_rows[_i].name);
    ck_assert(buffer_append(
        &out, span_of(translation.refusal.message.ptr, translation.refusal.message.len)));
    is_out(refused_rows[_i].name, refused_rows[_i].out);
}

END_TEST

/* ---- what a provider hears --------------------------------------------------------------- */

static const struct {
    const char *name, *model, *in, *out;
} write_rows[] = {
    {"T2: a developer's message is the system's instruction", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"developer\",\"content\":[{\"type\":\"text\","
     "\"text\":\"D\"}]},{\"role\":\"user\",\"content\":\"hi\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"syst"
     "emInstruction\":{\"parts\":[{\"text\":\"D\"}]}}"},
    {"T4: a later system message is the user's text", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
     "ant\",\"content\":\"a1\"},{\"role\":\"user\",\"content\":\"u2\"},{\"role"
     "\":\"system\",\"content\":\"S2\"},{\"role\":\"assistant\",\"content\":"
     "\"a2\"},{\"role\":\"user\",\"content\":\"u3\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
     "\":\"model\",\"parts\":[{\"text\":\"a1\"}]},{\"role\":\"user\",\"parts"
     "\":[{\"text\":\"u2\"},{\"text\":\"<system>S2</system>\"}]},{\"role\":\"m"
     "odel\",\"parts\":[{\"text\":\"a2\"}]},{\"role\":\"user\",\"parts\":[{\"t"
     "ext\":\"u3\"}]}]}"},
    {"T17: results stand in the order of the calls", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
     "ant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"functio"
     "n\",\"function\":{\"name\":\"get_a\",\"arguments\":\"{}\"}},{\"id\":\"c2"
     "\",\"type\":\"function\",\"function\":{\"name\":\"get_b\",\"arguments\":"
     "\"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"B\"},{"
     "\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"A\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
     "\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"get_a\",\"args\":{"
     "}}},{\"functionCall\":{\"name\":\"get_b\",\"args\":{}}}]},{\"role\":\"us"
     "er\",\"parts\":[{\"functionResponse\":{\"name\":\"get_a\",\"response\":{"
     "\"output\":\"A\"}}},{\"functionResponse\":{\"name\":\"get_b\",\"response"
     "\":{\"output\":\"B\"}}}]}]}"},
    {"T18: a result is an object", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
     "ant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"functio"
     "n\",\"function\":{\"name\":\"get_a\",\"arguments\":\"{}\"}},{\"id\":\"c2"
     "\",\"type\":\"function\",\"function\":{\"name\":\"get_b\",\"arguments\":"
     "\"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"{\\\"t"
     "emp\\\":1}\"},{\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"["
     "1,2]\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
     "\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"get_a\",\"args\":{"
     "}}},{\"functionCall\":{\"name\":\"get_b\",\"args\":{}}}]},{\"role\":\"us"
     "er\",\"parts\":[{\"functionResponse\":{\"name\":\"get_a\",\"response\":{"
     "\"temp\":1}}},{\"functionResponse\":{\"name\":\"get_b\",\"response\":{"
     "\"output\":[1,2]}}}]}]}"},
    {"T18: a number is wrapped", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
     "ant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"functio"
     "n\",\"function\":{\"name\":\"get_a\",\"arguments\":\"{}\"}},{\"id\":\"c2"
     "\",\"type\":\"function\",\"function\":{\"name\":\"get_b\",\"arguments\":"
     "\"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"5\"},{"
     "\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"text\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
     "\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"get_a\",\"args\":{"
     "}}},{\"functionCall\":{\"name\":\"get_b\",\"args\":{}}}]},{\"role\":\"us"
     "er\",\"parts\":[{\"functionResponse\":{\"name\":\"get_a\",\"response\":{"
     "\"output\":5}}},{\"functionResponse\":{\"name\":\"get_b\",\"response\":{"
     "\"output\":\"text\"}}}]}]}"},
    {"T25: five stops at most", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stop\":[\"1\","
     "\"2\",\"3\",\"4\",\"5\",\"6\",\"7\"]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"stopSequences\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}} drop"
     "ped stop\n"},
    {"T27: a seed of more than 32 bits is left out", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":10995116"
     "27776}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]} dropp"
     "ed seed\n"},
    {"T27: a seed that fits", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":-7}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"seed\":-7}}"},
    {"T28: several choices", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"n\":2}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"candidateCount\":2}}"},
    {"T29: probabilities", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"logprobs\":true"
     ",\"top_logprobs\":2}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"responseLogprobs\":true,\"logprobs\":2}}"},
    {"T31, T33, T34: an image, a document, a sound", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"data:image/jpg;base64,AA AA\"}},{\"type\":\"fil"
     "e\",\"file\":{\"filename\":\"a.pdf\",\"file_data\":\"data:application/pd"
     "f;base64,JVBE\"}},{\"type\":\"input_audio\",\"input_audio\":{\"data\":"
     "\"QUJD\",\"format\":\"mp3\"}}]}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"inlineData\":{\"mimeType"
     "\":\"image/jpeg\",\"data\":\"AAAA\"}},{\"inlineData\":{\"mimeType\":\"ap"
     "plication/pdf\",\"data\":\"JVBE\"}},{\"inlineData\":{\"mimeType\":\"audi"
     "o/mpeg\",\"data\":\"QUJD\"}}]}]}"},
    {"T32: an image by its address", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
     "\"image_url\":{\"url\":\"https://a.example/b.png\"}}]}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"fileData\":{\"mimeType"
     "\":\"image/png\",\"fileUri\":\"https://a.example/b.png\"}}]}]}"},
    {"T39: no tools, no choice", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[],\"to"
     "ol_choice\":\"auto\"}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]}"},
    {"T40: a custom tool takes a text", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
     "e\":\"custom\",\"custom\":{\"name\":\"sql\"}}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"sql\",\"parametersJsonSchema"
     "\":{\"type\":\"object\",\"properties\":{\"input\":{\"type\":\"string\"}}"
     ",\"required\":[\"input\"]}}]}]}"},
    {"T42: a function without parameters", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
     "e\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
     "\"object\",\"properties\":{}}}}],\"tool_choice\":\"required\"}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"toolConfig\":{\"fu"
     "nctionCallingConfig\":{\"mode\":\"ANY\"}}}"},
    {"a named function", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
     "e\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":{\"type"
     "\":\"function\",\"function\":{\"name\":\"f\"}}}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"toolConfig\":{\"fu"
     "nctionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"f\"]"
     "}}}"},
    {"none", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
     "e\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":\"none"
     "\",\"parallel_tool_calls\":false}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"toolConfig\":{\"fu"
     "nctionCallingConfig\":{\"mode\":\"NONE\"}}} dropped parallel_tool_calls"
     "\n"},
    {"the old models take a subset of JSON Schema", "gemini-2.0-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
     "e\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
     "\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}},\"add"
     "itionalProperties\":false}}}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parameters\":{\"type"
     "\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"nullable\":tr"
     "ue}}}}]}]}"},
    {"the new models take JSON Schema as it is", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
     "e\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
     "\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}},\"add"
     "itionalProperties\":false}}}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\",\"parametersJsonSchema"
     "\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"nu"
     "ll\"]}},\"additionalProperties\":false}}]}]}"},
    {"T59: the first call of a step has a signature", "gemini-3-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
     "ant\",\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"functio"
     "n\",\"function\":{\"name\":\"get_a\",\"arguments\":\"{}\"}},{\"id\":\"c2"
     "\",\"type\":\"function\",\"function\":{\"name\":\"get_b\",\"arguments\":"
     "\"\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"A\"},{"
     "\"role\":\"tool\",\"tool_call_id\":\"c2\",\"content\":\"B\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
     "\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"get_a\",\"args\":{"
     "}},\"thoughtSignature\":\"skip_thought_signature_validator\"},{\"functio"
     "nCall\":{\"name\":\"get_b\",\"args\":{}}}]},{\"role\":\"user\",\"parts"
     "\":[{\"functionResponse\":{\"name\":\"get_a\",\"response\":{\"output\":"
     "\"A\"}}},{\"functionResponse\":{\"name\":\"get_b\",\"response\":{\"outpu"
     "t\":\"B\"}}}]}]}"},
    {"T59: a signature in an id", "gemini-3-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
     "ant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1__thought__QUJD"
     "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}"
     "\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_1__thought__QUJD\",\"c"
     "ontent\":\"A\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
     "\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}},"
     "\"thoughtSignature\":\"QUJD\"}]},{\"role\":\"user\",\"parts\":[{\"functi"
     "onResponse\":{\"name\":\"f\",\"response\":{\"output\":\"A\"}}}]}]}"},
    {"T63: reasoning that cannot be switched off", "gemini-2.5-pro",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"reasoning_effor"
     "t\":\"none\"}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":128}}}"},
    {"T63: reasoning that can", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"reasoning_effor"
     "t\":\"none\"}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":0}}}"},
    {"T63: a level, never a budget", "gemini-3-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"reasoning_effor"
     "t\":\"none\"}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"MINIMAL\"}}}"},
    {"levels that a model lacks", "gemini-3-pro-preview",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"reasoning_effor"
     "t\":\"medium\"}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"thinkingConfig\":{\"thinkingLevel\":\"HIGH\",\"include"
     "Thoughts\":true}}}"},
    {"efforts as budgets", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"reasoning_effor"
     "t\":\"high\"}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"thinkingConfig\":{\"thinkingBudget\":24576,\"includeTh"
     "oughts\":true}}}"},
    {"no reasoning at all", "gemini-2.0-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"reasoning_effor"
     "t\":\"high\"}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]} dropp"
     "ed reasoning_effort\n"},
    {"no system at all", "gemma-3-27b-it",
     "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user"
     "\",\"content\":\"hi\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"S\"},{\"text\":"
     "\"hi\"}]}]}"},
    {"JSON", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
     "\":{\"type\":\"json_object\"}}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"responseMimeType\":\"application/json\"}}"},
    {"a schema", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
     "\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":"
     "{\"type\":\"object\"}}}}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"responseMimeType\":\"application/json\",\"responseJson"
     "Schema\":{\"type\":\"object\"}}}"},
    {"a schema for an old model", "gemini-2.0-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"response_format"
     "\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":"
     "{\"type\":\"object\",\"properties\":{\"a\":{\"const\":\"x\"}}}}}}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"responseMimeType\":\"application/json\",\"responseSche"
     "ma\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"e"
     "num\":[\"x\"]}}}}}"},
    {"a schema and tools, where both cannot be", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
     "e\":\"function\",\"function\":{\"name\":\"f\"}}],\"response_format\":{"
     "\"type\":\"json_object\"}}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}]} dropped response_fo"
     "rmat\n"},
    {"a schema and tools, where both can be", "gemini-3-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"tools\":[{\"typ"
     "e\":\"function\",\"function\":{\"name\":\"f\"}}],\"response_format\":{"
     "\"type\":\"json_object\"}}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"tool"
     "s\":[{\"functionDeclarations\":[{\"name\":\"f\"}]}],\"generationConfig"
     "\":{\"responseMimeType\":\"application/json\"}}"},
    {"strangers are named", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"logit_bias\":{"
     "\"1\":2},\"user\":\"u\",\"verbosity\":\"low\",\"zzz\":1}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}]} dropp"
     "ed logit_bias, user, verbosity, zzz\n"},
    {"numbers keep their spelling", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"temperature\":0"
     ".70,\"top_p\":1e0,\"max_tokens\":50,\"frequency_penalty\":0.1}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}],\"gene"
     "rationConfig\":{\"maxOutputTokens\":50,\"temperature\":0.70,\"topP\":1e0"
     ",\"frequencyPenalty\":0.1}}"},
    {"reasoning of another model is left out", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assist"
     "ant\",\"content\":\"a\",\"reasoning_content\":\"t\"},{\"role\":\"user\","
     "\"content\":\"hi\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]},{\"role"
     "\":\"model\",\"parts\":[{\"text\":\"a\"}]},{\"role\":\"user\",\"parts\":"
     "[{\"text\":\"hi\"}]}]} dropped messages[].reasoning_content\n"},
    {"an assistant speaks first", "gemini-2.5-flash",
     "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\"},{\"role\":\"us"
     "er\",\"content\":\"hi\"}]}",
     "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\".\"}]},{\"role"
     "\":\"model\",\"parts\":[{\"text\":\"a\"}]},{\"role\":\"user\",\"parts\":"
     "[{\"text\":\"hi\"}]}]}"},
};

START_TEST(requests_are_written)
{
    ck_assert_msg(read_body(&dialect_openai, span_of_text(write_rows[_i].in)), "%s: %.*s",
                  write_rows[_i].name, (int)translation.refusal.message.len,
                  translation.refusal.message.ptr);
    ck_assert_msg(write_for(write_rows[_i].model), "%s", write_rows[_i].name);
    add_dropped();
    is_out(write_rows[_i].name, write_rows[_i].out);
}

END_TEST

START_TEST(a_file_of_another_provider_is_refused)
{
    ck_assert(read_body(&dialect_openai,
                        SPAN("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
                             "\"file\",\"file\":{\"file_id\":\"file-1\"}}]}]}")));
    ck_assert(!write_for("gemini-2.5-flash"));
    ck_assert_int_eq(translation.refusal.kind, COMPLAINT_unsupported);
}

END_TEST

/* What was read and written is read and written alike. */
START_TEST(a_request_survives_its_way_there_and_back)
{
    struct buffer first _buffer_;

    buffer_init(&first, 1 << 20);
    ck_assert(read_body(&dialect_gemini, span_of_text(read_rows[_i].in)));
    if (!write_for("gemini-2.5-flash"))
        ck_abort_msg("%s is not written", read_rows[_i].name);
    ck_assert(buffer_append(&first, buffer_span(&out)));
    buffer_clear(&out);
    ck_assert_msg(read_body(&dialect_gemini, buffer_span(&first)), "%s: %.*s",
                  read_rows[_i].name, SPAN_ARG(buffer_span(&first)));
    ck_assert(write_for("gemini-2.5-flash"));
    ck_assert_msg(span_eq(buffer_span(&first), buffer_span(&out)), "%s:\n%.*s\n%.*s",
                  read_rows[_i].name, SPAN_ARG(buffer_span(&first)),
                  SPAN_ARG(buffer_span(&out)));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("translate/gemini/chat");
    TCase *cases = tcase_create("chat");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_loop_test(cases, requests_are_read, 0, ARRAY_LEN(read_rows));
    tcase_add_loop_test(cases, bad_requests_are_refused, 0, ARRAY_LEN(refused_rows));
    tcase_add_loop_test(cases, requests_are_written, 0, ARRAY_LEN(write_rows));
    tcase_add_loop_test(cases, a_request_survives_its_way_there_and_back, 0,
                        ARRAY_LEN(read_rows));
    tcase_add_test(cases, a_file_of_another_provider_is_refused);
    suite_add_tcase(suite, cases);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
