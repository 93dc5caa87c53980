#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/model_list.h"

#define OPENAI(id) \
    "{\"id\":\"" id "\",\"object\":\"model\",\"created\":86400,\"owned_by\":\"o\"}"
#define ANTHROPIC(id, limits)                                      \
    "{\"type\":\"model\",\"id\":\"" id "\",\"display_name\":\"" id \
    "\",\"created_at\":\"1970-01-02T00:00:00.000Z\"" limits "}"
#define GEMINI(id, limits, methods)                                 \
    "{\"name\":\"models/" id "\",\"displayName\":\"" id "\"" limits \
    ",\"supportedGenerationMethods\":[" methods "]}"
#define CHATS  "\"generateContent\",\"countTokens\""
#define EMBEDS "\"embedContent\""

static const struct listed_model known = {.id = SPAN("m"),
                                          .owner = SPAN("o"),
                                          .created_s = 86400,
                                          .context = 4096,
                                          .output = 512,
                                          .capabilities = CAPABILITY_tools};
static const struct listed_model unknown = {
    .id = SPAN("m"), .owner = SPAN("o"), .created_s = 86400};
static const struct listed_model vectors = {.id = SPAN("m"),
                                            .owner = SPAN("o"),
                                            .created_s = 86400,
                                            .context = 2048,
                                            .capabilities = CAPABILITY_embeddings};

static const struct {
    const struct listed_model *model;
    enum dialect_id dialect;
    const char *text;
} cases[] = {
    {&known, DIALECT_openai, OPENAI("m")},
    {&known, DIALECT_responses, OPENAI("m")},
    {&known, DIALECT_anthropic,
     ANTHROPIC("m", ",\"max_input_tokens\":4096,\"max_tokens\":512")},
    {&known, DIALECT_gemini,
     GEMINI("m", ",\"inputTokenLimit\":4096,\"outputTokenLimit\":512", CHATS)},
    {&unknown, DIALECT_openai, OPENAI("m")},
    {&unknown, DIALECT_anthropic, ANTHROPIC("m", "")},
    {&unknown, DIALECT_gemini, GEMINI("m", "", CHATS "," EMBEDS)},
    {&vectors, DIALECT_anthropic, ANTHROPIC("m", ",\"max_input_tokens\":2048")},
    {&vectors, DIALECT_gemini, GEMINI("m", ",\"inputTokenLimit\":2048", EMBEDS)},
};

START_TEST(a_model_says_its_limits_where_its_dialect_has_a_member_for_them)
{
    struct buffer out _buffer_;

    buffer_init(&out, 10000);
    model_write(cases[_i].dialect, *cases[_i].model, &out);
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(cases[_i].text)), "%.*s\n%s",
                  SPAN_ARG(buffer_span(&out)), cases[_i].text);
}

END_TEST

static const struct {
    enum dialect_id dialect;
    const char *text;
} lists[] = {
    {DIALECT_openai, "{\"object\":\"list\",\"data\":[" OPENAI("m") "," OPENAI("m") "]}"},
    {DIALECT_anthropic,
     "{\"data\":[" ANTHROPIC("m", "") "," ANTHROPIC(
         "m", "") "],\"has_more\":false,\"first_id\":\"m\",\"last_id\":\"m\"}"},
    {DIALECT_gemini, "{\"models\":[" GEMINI("m", "", CHATS "," EMBEDS) "," GEMINI(
                         "m", "", CHATS "," EMBEDS) "]}"},
};

START_TEST(a_list_is_one_page_of_its_dialect)
{
    struct model_list list;
    struct buffer out _buffer_;

    buffer_init(&out, 10000);
    model_list_begin(&list, lists[_i].dialect, &out);
    model_list_add(&list, unknown);
    model_list_add(&list, unknown);
    model_list_end(&list);
    ck_assert_msg(span_eq(buffer_span(&out), span_of_text(lists[_i].text)), "%.*s",
                  SPAN_ARG(buffer_span(&out)));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("model_list");
    TCase *tests = tcase_create("model_list");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(tests, a_model_says_its_limits_where_its_dialect_has_a_member_for_them,
                        0, ARRAY_LEN(cases));
    tcase_add_loop_test(tests, a_list_is_one_page_of_its_dialect, 0, ARRAY_LEN(lists));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
