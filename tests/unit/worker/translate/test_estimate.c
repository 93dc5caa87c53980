#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/translate/estimate.h"

/* A few words are noisier than a page, which is within 15 %. Counts by the public tokenizers
 * o200k and cl100k (the mean of both, but for Chinese, where they are far apart: o200k). */
static const struct {
    const char *name, *text;
    unsigned tokens;
} counted[] = {
    {"nothing", "", 0},
    {"a sentence", "The gateway checks the key, finds the model and calls the provider.", 14},
    {"long words", "Internationalization requires straightforward characteristics.", 6},
    {"Chinese",
     "\xe4\xba\xba\xe5\xb7\xa5\xe6\x99\xba\xe8\x83\xbd\xe7\xbd\x91\xe5\x85\xb3\xe6\xa3\x80"
     "\xe6\x9f\xa5\xe5\xaf\x86\xe9\x92\xa5\xe5\xb9\xb6\xe8\xae\xb0\xe5\xbd\x95\xe7\x94\xa8"
     "\xe9\x87\x8f",
     11},
    {"code", "for (unsigned i = 0; i < count; i++)\\n    sum += list[i]->weight;\\n", 22},
    {"JSON",
     "{\\\"type\\\":\\\"object\\\",\\\"properties\\\":{\\\"city\\\":{\\\"type\\\":\\\"string\\\"}}}",
     14},
    {"numbers", "1234567 and 42", 6},
};

START_TEST(an_estimate_is_near_the_count)
{
    uint64_t tokens = estimate_text(span_of_text(counted[_i].text));
    uint64_t most = counted[_i].tokens + counted[_i].tokens / 3 + 1;
    uint64_t least = counted[_i].tokens - counted[_i].tokens / 3;

    ck_assert_msg(tokens >= least && tokens <= most, "%s: %lu, counted %u", counted[_i].name,
                  (unsigned long)tokens, counted[_i].tokens);
}

END_TEST

START_TEST(all_that_a_chat_says_is_in_its_estimate)
{
    struct arena arena;
    struct chat chat = {.dialect = 0};
    struct message *message;
    struct block *block;
    uint64_t empty, with_text, with_image;

    arena_init(&arena, 0);
    message = chat_add_message(&chat, ROLE_user, &arena);
    empty = estimate_chat(&chat);
    block = message_add_block(message, BLOCK_text, &arena);
    block->text = TEXT("one two three four");
    with_text = estimate_chat(&chat);
    block = message_add_block(message, BLOCK_image, &arena);
    block->media = (struct media){.form = MEDIA_DATA, .data = TEXT("AAAA")};
    with_image = estimate_chat(&chat);
    ck_assert_uint_eq(with_text - empty, 4);
    ck_assert_uint_eq(with_image - with_text, 1024);
    chat_add_tool(&chat, TOOL_FUNCTION, &arena)->name = TEXT("weather");
    ck_assert_uint_gt(estimate_chat(&chat), with_image);
    arena_done(&arena);
}

END_TEST

START_TEST(any_bytes_are_estimated)
{
    static const char odd[] = "\\\xff\xf0\x80\\u12\\";

    for (size_t len = 0; len < sizeof(odd); len++)
        ck_assert_uint_lt(estimate_text(span_of(odd, len)), 100);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("estimate");
    TCase *tests = tcase_create("estimate");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(tests, an_estimate_is_near_the_count, 0, ARRAY_LEN(counted));
    tcase_add_test(tests, all_that_a_chat_says_is_in_its_estimate);
    tcase_add_test(tests, any_bytes_are_estimated);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
