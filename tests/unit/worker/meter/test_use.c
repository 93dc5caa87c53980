#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "worker/meter/use.h"

#define NO TOKENS_UNKNOWN

static const struct {
    const char *what;
    uint64_t told_input, told_output;
    struct observed observed;
    uint64_t input, output;
    unsigned estimated;
} cases[] = {
    {"told and whole", 10, 20, {9, 99, 0, true, true}, 10, 20, 0},
    {"told, and the stream was cut after a placeholder",
     10,
     1,
     {9, 15, 0, true, false},
     10,
     15,
     ESTIMATED_output},
    {"told in the end, and then cut", 10, 20, {9, 15, 0, true, false}, 10, 20, 0},
    {"nothing was told",
     NO,
     NO,
     {9, 15, 0, true, true},
     9,
     15,
     ESTIMATED_input | ESTIMATED_output},
    {"nothing was told and nobody reached", NO, NO, {9, 0, 0, false, false}, NO, NO, 0},
    {"more than any model takes",
     1ULL << 40,
     20,
     {9, 15, 0, true, true},
     9,
     20,
     ESTIMATED_input | ESTIMATED_clamped},
    {"an answer that no window holds",
     10,
     5000000,
     {9, 15, 1000, true, true},
     10,
     15,
     ESTIMATED_output | ESTIMATED_clamped},
};

START_TEST(the_providers_word_counts_where_it_can_be_true)
{
    struct usage told;
    struct used used;

    usage_init(&told);
    told.input = cases[_i].told_input;
    told.output = cases[_i].told_output;
    use_settle(&told, &cases[_i].observed, &used);
    ck_assert_msg(used.usage.input == cases[_i].input, "%s", cases[_i].what);
    ck_assert_msg(used.usage.output == cases[_i].output, "%s", cases[_i].what);
    ck_assert_msg(used.estimated == cases[_i].estimated, "%s", cases[_i].what);
}

END_TEST

START_TEST(a_part_is_not_more_than_its_whole)
{
    struct observed observed = {.reached = true, .whole = true};
    struct usage told = {.input = 10,
                         .output = 5,
                         .cached = 11,
                         .cache_write = 3,
                         .cache_write_long = 1,
                         .reasoning = 6,
                         .audio_input = NO,
                         .audio_output = NO,
                         .tool_input = NO,
                         .searches = 7,
                         .fetches = NO};
    struct price_use price;
    struct used used;

    use_settle(&told, &observed, &used);
    ck_assert_uint_eq(used.usage.cached, 10);
    ck_assert_uint_eq(used.usage.reasoning, 5);
    ck_assert_uint_eq(used.estimated, ESTIMATED_clamped);
    use_price(&used.usage, PRICE_SERVICE_flex, &price);
    ck_assert_uint_eq(price.service, PRICE_SERVICE_flex);
    ck_assert_uint_eq(price.counts[PRICE_input], 10);
    ck_assert_uint_eq(price.counts[PRICE_cache_write], 2);
    ck_assert_uint_eq(price.counts[PRICE_cache_write_long], 1);
    ck_assert_uint_eq(price.counts[PRICE_audio_input], 0);
    ck_assert_uint_eq(price.counts[PRICE_request], 1);
    ck_assert_uint_eq(price.counts[PRICE_search], 7);
    told.searches = NO;
    use_price(&told, PRICE_SERVICE_standard, &price);
    ck_assert_uint_eq(price.counts[PRICE_search], 0);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("use");
    TCase *tcase = tcase_create("use");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tcase, the_providers_word_counts_where_it_can_be_true, 0,
                        (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, a_part_is_not_more_than_its_whole);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
