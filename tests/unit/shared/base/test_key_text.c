#include <check.h>
#include <stdlib.h>

#include "shared/base/key_text.h"

START_TEST(a_made_key_is_read_back)
{
    char key[KEY_TEXT_SIZE + 1];
    struct span id;
    struct span secret;

    for (int i = 0; i < 1000; i++) {
        key_text_make(key);
        ck_assert_uint_eq(strlen(key), KEY_TEXT_SIZE);
        ck_assert(key_text_read(span_of_text(key), &id, &secret));
        ck_assert(id.ptr == key + 8 && id.len == 12);
        ck_assert(secret.ptr == key + 21 && secret.len == 43);
    }
}

END_TEST

START_TEST(a_new_secret_keeps_the_id)
{
    char first[KEY_TEXT_SIZE + 1];
    char second[KEY_TEXT_SIZE + 1];
    struct span id;
    struct span secret;
    struct span again;
    struct span other;

    key_text_make(first);
    ck_assert(key_text_read(span_of_text(first), &id, &secret));
    key_text_make_for(id, second);
    ck_assert(key_text_read(span_of_text(second), &again, &other));
    ck_assert(span_eq(id, again) && !span_eq(secret, other));
}

END_TEST

START_TEST(every_changed_digit_and_every_cut_is_refused)
{
    char key[KEY_TEXT_SIZE + 1];
    struct span id;
    struct span secret;

    key_text_make(key);
    for (size_t i = 0; i < KEY_TEXT_SIZE; i++) {
        char kept = key[i];

        key[i] = kept == 'x' ? 'y' : 'x';
        ck_assert_msg(!key_text_read(span_of_text(key), &id, &secret), "digit %zu", i);
        key[i] = kept;
        ck_assert(!key_text_read(span_of(key, i), &id, &secret));
    }
    ck_assert(!key_text_read(SPAN_NONE, &id, &secret));
    ck_assert(!key_text_read(span_of(key, KEY_TEXT_SIZE + 1), &id, &secret));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("key_text");
    TCase *tests = tcase_create("key_text");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_made_key_is_read_back);
    tcase_add_test(tests, a_new_secret_keeps_the_id);
    tcase_add_test(tests, every_changed_digit_and_every_cut_is_refused);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
