#include <check.h>
#include <stdlib.h>

#include "worker/translate/words.h"

static const struct {
    const char *text; /* escaped */
    uint64_t characters, bytes;
} texts[] = {
    {"", 0, 0},
    {"abc", 3, 3},
    {"a\\nb\\\\\\\"", 5, 5},
    {"\\u0041\\u007f", 2, 2},
    {"\\u0080\\u00e9\\u07FF", 3, 6},
    {"\\u0800\\u20ac\\uD7ff\\uE000", 4, 12},
    {"\\ud83d\\ude00", 1, 4},
    {"\\uD83D\\uDE00x", 2, 5},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 3, 9},
    {"Z\xc3\xbcrich\\u0021", 7, 8},
};

START_TEST(characters_and_bytes_are_counted_without_decoding)
{
    struct text text = {texts[_i].text, strlen(texts[_i].text)};
    struct arena arena;
    struct span plain;

    arena_init(&arena, 0);
    plain = text_plain(text, &arena);
    ck_assert_uint_eq(words_count(text), texts[_i].characters);
    ck_assert_uint_eq(words_bytes(text), texts[_i].bytes);
    ck_assert_uint_eq(plain.len, texts[_i].bytes);
    ck_assert_uint_eq(words_characters_before(plain, plain.len), texts[_i].characters);
    ck_assert_uint_eq(words_bytes_before(plain, texts[_i].characters), plain.len);
    arena_done(&arena);
}

END_TEST

START_TEST(places_are_turned_into_each_other)
{
    struct span words = SPAN("a\xc3\xa9\xe2\x82\xac"
                             "b"); /* 1, 2, 3 and 1 bytes */
    static const uint64_t bytes[] = {0, 1, 3, 6, 7};

    for (uint64_t at = 0; at < 5; at++) {
        ck_assert_uint_eq(words_bytes_before(words, at), bytes[at]);
        ck_assert_uint_eq(words_characters_before(words, bytes[at]), at);
    }
    /* behind the end */
    ck_assert_uint_eq(words_bytes_before(words, 6), 9);
    ck_assert_uint_eq(words_characters_before(words, 9), 6);
    /* a place within a character is behind its beginning */
    ck_assert_uint_eq(words_characters_before(words, 2), 2);
}

END_TEST

START_TEST(numbers_are_json)
{
    struct arena arena;
    uint64_t read;

    arena_init(&arena, 0);
    ck_assert(json_u64(words_number(0, &arena), &read));
    ck_assert_uint_eq(read, 0);
    ck_assert(json_u64(words_number(UINT64_MAX, &arena), &read));
    ck_assert_uint_eq(read, UINT64_MAX);
    arena_done(&arena);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("words");
    TCase *tc = tcase_create("words");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tc, characters_and_bytes_are_counted_without_decoding, 0,
                        (int)(sizeof(texts) / sizeof(texts[0])));
    tcase_add_test(tc, places_are_turned_into_each_other);
    tcase_add_test(tc, numbers_are_json);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
