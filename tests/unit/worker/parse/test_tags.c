#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/parse/tags.h"

#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
    const char *list;
    bool good;
    unsigned count;
    const char *last;
} cases[] = {
    {"", true, 0, NULL},
    {"a", true, 1, "a"},
    {" a , b/c:d.e_f-9 ", true, 2, "b/c:d.e_f-9"},
    {"a,a,a", true, 1, "a"},
    {"a,,b", false, 2, "b"},
    {"a b,c", false, 1, "c"},
    {"caf\xc3\xa9", false, 0, NULL},
    {"1,2,3,4,5,6,7,8", true, 8, "8"},
    {"1,2,3,4,5,6,7,8,9", false, 8, "8"},
    {LONG_64, true, 1, LONG_64},
    {LONG_64 "4", false, 0, NULL},
};

START_TEST(names_by_commas_stand_once)
{
    struct tags tags = {.count = 0};
    struct arena arena;

    arena_init(&arena, 0);
    ck_assert_int_eq(tags_add(&tags, span_of_text(cases[_i].list), &arena), cases[_i].good);
    ck_assert_uint_eq(tags.count, cases[_i].count);
    if (cases[_i].last)
        ck_assert(span_eq(tags.names[tags.count - 1], span_of_text(cases[_i].last)));
    arena_done(&arena);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("tags");
    TCase *tcase = tcase_create("tags");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, names_by_commas_stand_once, 0, (int)ARRAY_LEN(cases));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
