#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/parse/features.h"

static const struct {
    const char *body;
    uint32_t features;
} cases[] = {
    {"{\"tools\":[{}]}", FEATURE_tools},
    {"{\"functions\":[{}]}", FEATURE_tools},
    {"{\"tools\":[]}", 0},
    {"{\"tools\":null}", 0},
    {"{\"messages\":[{\"content\":\"tools\"}]}", 0},
    {"{\"a\":{\"tools\":[{}],\"reasoning\":1}}", 0}, /* of a schema, say */
    {"{\"reasoning\":{\"effort\":\"low\"}}", FEATURE_reasoning},
    {"{\"reasoning_effort\":\"low\"}", FEATURE_reasoning},
    {"{\"thinking\":{\"type\":\"enabled\"}}", FEATURE_reasoning},
    {"{\"generationConfig\":{\"thinkingConfig\":{}}}", FEATURE_reasoning},
    {"{\"m\":[{\"type\":\"image_url\",\"image_url\":{}}]}", FEATURE_vision},
    {"{\"m\":[{\"type\" :\n\"input_image\"}]}", FEATURE_vision},
    {"{\"m\":[{\"type\":\"image\",\"source\":{}}]}", FEATURE_vision},
    {"{\"m\":[{\"inlineData\":{\"mimeType\":\"image/png\"}}]}", FEATURE_vision},
    {"{\"m\":[{\"text\":\"image\"},{\"text\":\"image/png\"}]}", 0},
    {"{\"m\":\"\\\"type\\\":\\\"image\\\", \\\"image_url\\\": 1\"}", 0},
    {"{\"m\":[{\"input_audio\":{}}]}", FEATURE_audio},
    {"{\"m\":[{\"mime_type\":\"audio/wav\"}]}", FEATURE_audio},
    {"{\"m\":[{\"type\":\"file\",\"file\":{\"file_id\":\"f\"}}]}", FEATURE_documents},
    {"{\"m\":[{\"type\":\"input_file\"}]}", FEATURE_documents},
    {"{\"m\":[{\"type\":\"document\"}]}", FEATURE_documents},
    {"{\"m\":[{\"mimeType\":\"application/pdf\"}]}", FEATURE_documents},
    {"{\"response_format\":{\"type\":\"json_schema\"}}", FEATURE_json_schema},
    {"{\"response_format\":{\"type\":\"json_object\"},\"model\":\"json_schema\"}", 0},
    {"{\"generationConfig\":{\"responseSchema\":{}}}", FEATURE_json_schema},
    {"{\"tools\":[1],\"thinking\":{},\"m\":{\"image_url\":1}}",
     FEATURE_tools | FEATURE_reasoning | FEATURE_vision},
    {"{}", 0},
};

START_TEST(what_is_used_is_seen_and_no_word_of_a_text)
{
    ck_assert_uint_eq(features_of(span_of_text(cases[_i].body)), cases[_i].features);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("features");
    TCase *tests = tcase_create("features");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(tests, what_is_used_is_seen_and_no_word_of_a_text, 0, ARRAY_LEN(cases));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
