#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/settings/quirk.h"

#include "tests/support/parsed.h"
#include "worker/translate/openai/openai.h"

static struct arena arena;
static struct translation translation;
static struct chat chat;
static struct buffer written;

static void set_up(void)
{
    arena_init(&arena, 0);
    translation_init(&translation, &arena, 1, 1700000000);
    chat = (struct chat){.dialect = DIALECT_openai};
    translation.chat = &chat;
    buffer_init(&written, 1 << 20);
}

static void tear_down(void)
{
    buffer_done(&written);
    arena_done(&arena);
}

static const struct chat_target *target_of(const char *model, uint32_t quirks)
{
    translation.target = (struct chat_target){
        .model = span_of_text(model),
        .traits = model_traits(span_of_text(model), DIALECT_openai),
        .quirks = quirks,
    };
    return &translation.target;
}

#define HI         "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]"
#define SAYS(list) "{\"messages\":[" list "]}"
#define USER       "{\"role\":\"user\",\"content\":\"x\"}"
#define MAN(role)  "{\"role\":\"" role "\",\"content\":\"x\"}"
#define CALL(id)                                                         \
    "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"" id              \
    "\",\"type\":\"function\",\"function\":{\"name\":\"f\","             \
    "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"" id \
    "\",\"content\":\"ok\"}"
#define ALL UINT32_MAX

/* GOOD passes with the quirk, or with ALL; BAD does not, but passes without it. */
static const struct {
    const char *good, *bad;
    uint32_t quirk;
} rows[] = {
    {"{\"max_tokens\":7," HI "}", "{\"max_completion_tokens\":7," HI "}", QUIRK_MAX_TOKENS_OLD},
    {"{" HI "}", "{\"m\\u0061x_completion_tokens\":7," HI "}", QUIRK_MAX_TOKENS_OLD},
    {SAYS(MAN("system") "," USER), SAYS(MAN("developer") "," USER), QUIRK_NO_DEVELOPER_ROLE},
    {"{\"stream\":true," HI "}", "{\"stream\":true,\"stream_options\":{}," HI "}",
     QUIRK_NO_STREAM_OPTIONS},
    {SAYS(USER), SAYS("{\"role\":\"user\",\"name\":\"bob\",\"content\":\"x\"}"),
     QUIRK_NO_NAMES},
    {"{\"top_p\":0.5," HI "}", "{\"top_p\":null," HI "}", QUIRK_STRIPS_NULLS},
    {SAYS(USER), SAYS("{\"role\":\"user\",\"name\":null,\"content\":\"x\"}"),
     QUIRK_STRIPS_NULLS},
    {SAYS(USER),
     SAYS(USER ",{\"role\":\"assistant\",\"content\":\"y\",\"reasoning_content\":\"r\"}," USER),
     QUIRK_KEEPS_REASONING},
    {"{\"seed\":1," HI "}", "{\"logprobs\":true," HI "}", QUIRK_NO_LOGPROBS},
    {"{\"seed\":1," HI "}", "{\"top_logprobs\":2," HI "}", QUIRK_NO_LOGPROBS},
    {"{\"seed\":1," HI "}", "{\"logit_bias\":{}," HI "}", QUIRK_NO_LOGPROBS},
    {"{\"response_format\":{\"type\":\"json_object\"}," HI "}",
     "{\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\",\"schema\":{"
     "}}}," HI "}",
     QUIRK_JSON_OBJECT_ONLY},
    {SAYS(MAN("system") "," USER), SAYS(MAN("system") "," MAN("system") "," USER),
     QUIRK_SYSTEM_FIRST},
    {SAYS(USER "," USER), SAYS(USER "," MAN("system") "," USER), QUIRK_SYSTEM_FIRST},
    {SAYS(USER "," MAN("assistant") "," USER), SAYS(USER "," USER), QUIRK_ALTERNATING},
    {SAYS(USER "," CALL("a1B2c3D4e")), SAYS(USER "," CALL("call_123456")),
     QUIRK_SHORT_CALL_IDS},
    {SAYS(USER "," CALL("a1B2c3D4e")), SAYS(USER "," CALL("a1B2_3D4e")), QUIRK_SHORT_CALL_IDS},
    {"{" HI "}", "{\"seed\":5," HI "}", QUIRK_RANDOM_SEED},
    {"{\"top_p\":0.5," HI "}", "{\"user\":\"u\"," HI "}", QUIRK_STRICT_MEMBERS},
    {"{\"safe_prompt\":true," HI "}", "{\"store\":false," HI "}", QUIRK_STRICT_MEMBERS},
    {"{\"stop\":[\"a\"]," HI "}", "{\"stop\":[\"a\",\"b\"]," HI "}", QUIRK_ONE_STOP},
    {"{\"temperature\":0.01," HI "}", "{\"temperature\":0," HI "}", QUIRK_OPEN_TEMPERATURE},
    {"{\"temperature\":0.99," HI "}", "{\"temperature\":1.0," HI "}", QUIRK_OPEN_TEMPERATURE},
};

/* Its own answer would be a list of parts. */
START_TEST(a_model_that_reasons_in_parts_is_translated)
{
    struct json_value body = parsed("{" HI "}");

    ck_assert(!openai_fits(body, target_of("magistral-small-latest", QUIRK_THOUGHTS_IN_PARTS)));
    ck_assert(openai_fits(body, target_of("magistral-small-latest", 0)));
    ck_assert(openai_fits(body, target_of("mistral-small-latest", QUIRK_THOUGHTS_IN_PARTS)));
    body = parsed("{\"reasoning_effort\":\"high\"," HI "}");
    ck_assert(!openai_fits(body, target_of("mistral-small-latest", QUIRK_THOUGHTS_IN_PARTS)));
}

END_TEST

START_TEST(only_what_the_provider_minds_does_not_fit)
{
    struct json_value good = parsed(rows[_i].good), bad = parsed(rows[_i].bad);

    ck_assert(openai_fits(good, target_of("m", rows[_i].quirk)));
    ck_assert(!openai_fits(bad, target_of("m", rows[_i].quirk)));
    ck_assert(!openai_fits(bad, target_of("m", ALL)));
    ck_assert(openai_fits(bad, target_of("m", 0)));
}

END_TEST

START_TEST(what_is_written_anew_fits)
{
    const struct chat_target *target = target_of("m", rows[_i].quirk);
    struct json_writer json;

    ck_assert(dialect_openai.read_chat(&translation, parsed(rows[_i].bad), &chat));
    json_write_init(&json, &written);
    ck_assert(dialect_openai.write_chat(&translation, &chat, &json));
    ck_assert(openai_fits(parsed_span(buffer_span(&written)), target));
}

END_TEST

/* No reader looked at these: whatever they are, the provider has the words for it. */
START_TEST(nonsense_fits)
{
    static const char *const bodies[] = {
        "{}",
        "{\"messages\":5,\"stop\":7,\"temperature\":\"hot\",\"response_format\":[]}",
        "{\"messages\":[1,\"x\"]}",
        "{\"messages\":[{}],\"tools\":{}}",
        "{\"messages\":[{\"role\":7,\"tool_calls\":\"x\"},{\"role\":7}]}",
    };

    ck_assert(openai_fits(parsed(bodies[_i]), target_of("gpt-5.6", ALL)));
}

END_TEST

/* ---- reasoning with tools ---------------------------------------------------------------- */

#define TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"

static const struct {
    const char *model, *in;
    bool goes;
} reasoning[] = {
    {"gpt-5.6", "{" TOOLS "\"reasoning_effort\":\"high\"," HI "}", true},
    {"gpt-5.6", "{" TOOLS HI "}", true},
    {"gpt-5.6", "{\"functions\":[{\"name\":\"f\"}]," HI "}", true},
    {"gpt-5.6", "{" TOOLS "\"reasoning_effort\":\"none\"," HI "}", false},
    {"gpt-5.6", "{\"reasoning_effort\":\"high\"," HI "}", false},
    {"gpt-5.6", "{\"tools\":[],\"reasoning_effort\":\"high\"," HI "}", false},
    {"openai/gpt-5.6", "{" TOOLS "\"reasoning_effort\":\"high\"," HI "}", true},
    {"gpt-5.5", "{" TOOLS HI "}", true},
    {"gpt-5.4", "{" TOOLS "\"reasoning_effort\":\"low\"," HI "}", true},
    {"gpt-5.4", "{" TOOLS HI "}", false},
    {"gpt-5.1", "{" TOOLS "\"reasoning_effort\":\"high\"," HI "}", false},
    {"gpt-4o", "{" TOOLS HI "}", false},
};

static bool goes_to_responses(const struct chat_target *target)
{
    return openai_instead(&chat, target) == DIALECT_responses;
}

START_TEST(reasoning_with_tools_needs_responses)
{
    const struct chat_target *target = target_of(reasoning[_i].model, 0);

    ck_assert(dialect_openai.read_chat(&translation, parsed(reasoning[_i].in), &chat));
    ck_assert(goes_to_responses(target) == reasoning[_i].goes);
    if (reasoning[_i].goes)
        ck_assert(!openai_fits(parsed(reasoning[_i].in), target));
    /* Who sells the model of another mends it himself. */
    target = target_of(reasoning[_i].model, QUIRK_MAX_TOKENS_OLD);
    ck_assert(!goes_to_responses(target));
    ck_assert(openai_fits(parsed(reasoning[_i].in), target));
}

END_TEST

START_TEST(a_budget_or_none_decide_as_an_effort_does)
{
    const struct chat_target *target = target_of("gpt-5.4", 0);

    chat_add_tool(&chat, TOOL_FUNCTION, &arena);
    ck_assert(!goes_to_responses(target));
    chat.reasoning.budget = parsed("0");
    ck_assert(!goes_to_responses(target));
    ck_assert(!goes_to_responses(target_of("gpt-5.6", 0)));
    chat.reasoning.budget = parsed("2000");
    ck_assert(goes_to_responses(target));
    chat.reasoning = (struct reasoning){.adaptive = true};
    ck_assert(goes_to_responses(target));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("openai_fit");
    TCase *tests = tcase_create("openai_fit");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_model_that_reasons_in_parts_is_translated);
    tcase_add_loop_test(tests, only_what_the_provider_minds_does_not_fit, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tests, what_is_written_anew_fits, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(tests, nonsense_fits, 0, 5);
    tcase_add_loop_test(tests, reasoning_with_tools_needs_responses, 0, ARRAY_LEN(reasoning));
    tcase_add_test(tests, a_budget_or_none_decide_as_an_effort_does);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
