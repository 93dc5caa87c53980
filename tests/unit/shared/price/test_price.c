#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/price/price.h"

#define M      1000000ULL
#define DOLLAR 1000000000ULL

static struct price_sheet sheet_of(uint64_t above, uint32_t service, uint64_t input,
                                   uint64_t output)
{
    struct price_sheet sheet;

    price_sheet_clear(&sheet);
    sheet.above_input = above;
    sheet.service = service;
    sheet.rates[PRICE_input] = input;
    sheet.rates[PRICE_output] = output;
    return sheet;
}

static struct price_use use_of(uint64_t input, uint64_t output)
{
    struct price_use use = {.service = PRICE_SERVICE_standard};

    use.counts[PRICE_input] = input;
    use.counts[PRICE_output] = output;
    return use;
}

/* ---- the sheet ----------------------------------------------------------------------------
 */

enum {
    PLAIN,
    LONG,
    BATCH,
    PRIORITY,
    PRIORITY_LONG
};

static const struct {
    uint32_t service;
    uint64_t input;
    int sheet;
} finds[] = {
    {PRICE_SERVICE_standard, 0, PLAIN},
    {PRICE_SERVICE_standard, 200000, PLAIN},
    {PRICE_SERVICE_standard, 200001, LONG},
    {PRICE_SERVICE_standard, UINT64_MAX, LONG},
    {PRICE_SERVICE_batch, 200000, BATCH},
    /* Nobody says what a long batch costs: more rather than less. */
    {PRICE_SERVICE_batch, 200001, LONG},
    {PRICE_SERVICE_flex, 1, PLAIN},
    {PRICE_SERVICE_flex, 200001, LONG},
    {PRICE_SERVICE_priority, 1, PRIORITY},
    {PRICE_SERVICE_priority, 200001, PRIORITY_LONG},
    {99, 1, PLAIN},
};

START_TEST(the_sheet_of_the_whole_prompt_and_the_service_is_found)
{
    const struct price_sheet sheets[] = {
        sheet_of(0, PRICE_SERVICE_standard, 1, 1),
        sheet_of(200000, PRICE_SERVICE_standard, 2, 2),
        sheet_of(0, PRICE_SERVICE_batch, 3, 3),
        sheet_of(0, PRICE_SERVICE_priority, 4, 4),
        sheet_of(200000, PRICE_SERVICE_priority, 5, 5),
    };
    struct price_use use = use_of(finds[_i].input, 0);

    use.service = finds[_i].service;
    ck_assert_ptr_eq(price_find_sheet(sheets, ARRAY_LEN(sheets), &use),
                     &sheets[finds[_i].sheet]);
}

END_TEST

START_TEST(without_a_sheet_there_is_none)
{
    struct price_sheet only_long = sheet_of(10, PRICE_SERVICE_standard, 1, 1);
    struct price_use use = use_of(10, 0);

    ck_assert_ptr_null(price_find_sheet(NULL, 0, &use));
    ck_assert_ptr_null(price_find_sheet(&only_long, 1, &use));
}

END_TEST

/* ---- the sum ------------------------------------------------------------------------------
 */

START_TEST(what_is_not_a_whole_nanodollar_is_rounded_up)
{
    struct price_sheet sheet = sheet_of(0, 0, 1, 1); /* a nanodollar for a million */
    struct price_use use = use_of(1, 0);

    ck_assert_uint_eq(price_cost(&sheet, &use), 1);
    use = use_of(M, 0);
    ck_assert_uint_eq(price_cost(&sheet, &use), 1);
    use = use_of(M, 1);
    ck_assert_uint_eq(price_cost(&sheet, &use), 2);
    /* Once, not for each part. */
    use = use_of(M / 2, M / 2);
    ck_assert_uint_eq(price_cost(&sheet, &use), 1);
    use = use_of(0, 0);
    ck_assert_uint_eq(price_cost(&sheet, &use), 0);
}

END_TEST

START_TEST(parts_have_their_rate_or_that_of_what_contains_them)
{
    struct price_sheet sheet = sheet_of(0, 0, 10 * DOLLAR, 100 * DOLLAR);
    struct price_use use = use_of(10 * M, 10 * M);

    use.counts[PRICE_cache_read] = 2 * M;
    use.counts[PRICE_cache_write] = 3 * M;
    use.counts[PRICE_cache_write_long] = 1 * M;
    use.counts[PRICE_reasoning] = 4 * M;
    use.counts[PRICE_audio_output] = 5 * M;
    use.counts[PRICE_image_input] = 1 * M;
    use.counts[PRICE_search] = 1000;
    use.counts[PRICE_request] = 1000;
    ck_assert_uint_eq(price_cost(&sheet, &use), 1100 * DOLLAR);
    sheet.rates[PRICE_cache_read] = 1 * DOLLAR;
    ck_assert_uint_eq(price_cost(&sheet, &use), 1082 * DOLLAR);
    sheet.rates[PRICE_cache_write] = 12 * DOLLAR; /* that of an hour follows */
    ck_assert_uint_eq(price_cost(&sheet, &use), 1090 * DOLLAR);
    sheet.rates[PRICE_cache_write_long] = 20 * DOLLAR;
    ck_assert_uint_eq(price_cost(&sheet, &use), 1098 * DOLLAR);
    sheet.rates[PRICE_reasoning] = 0;
    ck_assert_uint_eq(price_cost(&sheet, &use), 698 * DOLLAR);
    sheet.rates[PRICE_search] = 7 * DOLLAR;
    sheet.rates[PRICE_request] = 5 * DOLLAR;
    ck_assert_uint_eq(price_cost(&sheet, &use), 710 * DOLLAR);
}

END_TEST

START_TEST(parts_larger_than_their_whole_count_as_the_whole)
{
    struct price_sheet sheet = sheet_of(0, 0, 10 * DOLLAR, 100 * DOLLAR);
    struct price_use use = use_of(M, M);

    sheet.rates[PRICE_cache_read] = 1 * DOLLAR;
    sheet.rates[PRICE_cache_write] = 20 * DOLLAR;
    use.counts[PRICE_cache_read] = UINT64_MAX;
    use.counts[PRICE_cache_write] = 5;
    ck_assert_uint_eq(price_cost(&sheet, &use), 101 * DOLLAR);
    use.counts[PRICE_reasoning] = UINT64_MAX;
    use.counts[PRICE_audio_output] = UINT64_MAX;
    ck_assert_uint_eq(price_cost(&sheet, &use), 101 * DOLLAR);
}

END_TEST

START_TEST(what_has_no_rate_is_unknown_and_not_free)
{
    struct price_sheet sheet = sheet_of(0, 0, DOLLAR, PRICE_NOT_GIVEN);
    struct price_use use = use_of(1, 1);

    ck_assert_uint_eq(price_cost(&sheet, &use), PRICE_UNKNOWN);
    use = use_of(1, 0);
    ck_assert_uint_eq(price_cost(&sheet, &use), 1000);
    sheet.rates[PRICE_input] = PRICE_NOT_GIVEN;
    use.counts[PRICE_cache_read] = 1;
    ck_assert_uint_eq(price_cost(&sheet, &use), PRICE_UNKNOWN);
    sheet.rates[PRICE_cache_read] = DOLLAR;
    ck_assert_uint_eq(price_cost(&sheet, &use), 1000);
}

END_TEST

START_TEST(a_sum_that_is_too_large_is_the_largest)
{
    struct price_sheet sheet = sheet_of(0, 0, UINT64_MAX - 1, UINT64_MAX - 1);
    struct price_use use = use_of(UINT64_MAX, UINT64_MAX);

    ck_assert_uint_eq(price_cost(&sheet, &use), INT64_MAX);
    sheet.rates[PRICE_request] = UINT64_MAX - 1;
    use = use_of(0, 0);
    use.counts[PRICE_request] = UINT64_MAX;
    ck_assert_uint_eq(price_cost(&sheet, &use), INT64_MAX);
    sheet = sheet_of(0, 0, PRICE_RATE_MAX, 0);
    use = use_of(INT64_MAX / (PRICE_RATE_MAX / M), 0);
    ck_assert_uint_eq(price_cost(&sheet, &use), INT64_MAX / (PRICE_RATE_MAX / M) * 10000000);
}

END_TEST

/* ---- words --------------------------------------------------------------------------------
 */

static const struct {
    const char *text;
    unsigned power;
    bool good;
    uint64_t nano;
} numbers[] = {
    {"2.5", 0, true, 2500000000},
    {"0", 0, true, 0},
    {"0.000000001", 0, true, 1},
    {"0.0000000004", 0, true, 0},
    {"0.0000000005", 0, true, 1},
    {"1.5e-07", 6, true, 150000000},
    {"1.5E-7", 6, true, 150000000},
    {"2.9999999999999997e-07", 6, true, 300000000},
    {"0.00000015", 6, true, 150000000},
    {"1e3", 0, true, 1000000000000},
    {"1e+3", 0, true, 1000000000000},
    {"9223372036.854775807", 0, true, INT64_MAX},
    {"9223372036.854775999", 0, false, 0},
    {"9223372037", 0, false, 0},
    {"1e300", 0, false, 0},
    {"1e-300", 6, true, 0},
    {"0e999999999999", 0, false, 0},
    {"1e99999999999999999999", 0, false, 0},
    {"123456789012345678901234567890", 0, false, 0},
    {"0.123456789012345678901234567890", 0, true, 123456789},
    {"-1", 0, false, 0},
    {"", 0, false, 0},
    {".5", 0, false, 0},
    {"1.", 0, false, 0},
    {"1e", 0, false, 0},
    {"1x", 0, false, 0},
    {" 1", 0, false, 0},
    {"NaN", 0, false, 0},
};

START_TEST(numbers_are_read_exactly_or_refused)
{
    uint64_t nano = 77;

    ck_assert_int_eq(
        price_read_dollars(span_of_text(numbers[_i].text), numbers[_i].power, &nano),
        numbers[_i].good);
    ck_assert_uint_eq(nano, numbers[_i].good ? numbers[_i].nano : 77);
}

END_TEST

static void explains(const struct price_sheet *sheet, const struct price_use *use,
                     const char *wanted)
{
    struct buffer text _buffer_;

    buffer_init(&text, 1000);
    ck_assert_uint_eq(price_explain(sheet, use, &text), price_cost(sheet, use));
    ck_assert_msg(span_eq(buffer_span(&text), span_of_text(wanted)), "%.*s",
                  SPAN_ARG(buffer_span(&text)));
}

START_TEST(a_sum_is_explained_with_its_numbers)
{
    struct price_sheet sheet = sheet_of(0, 0, 3 * DOLLAR, 15 * DOLLAR);
    struct price_use use = use_of(1500, 50);

    sheet.rates[PRICE_cache_read] = 300000000;
    sheet.rates[PRICE_search] = 10 * DOLLAR;
    use.counts[PRICE_cache_read] = 300;
    use.counts[PRICE_search] = 2;
    explains(&sheet, &use,
             "1200 input x $3/M + 50 output x $15/M + 300 cache_read x $0.3/M + "
             "2 search x $10/K = $0.02444");
    sheet.service = PRICE_SERVICE_batch;
    sheet.above_input = 200000;
    use = use_of(0, 0);
    explains(&sheet, &use, "nothing = $0 (batch, prompt above 200000)");
    sheet = sheet_of(5, 0, DOLLAR, PRICE_NOT_GIVEN);
    use = use_of(6, 7);
    explains(&sheet, &use,
             "6 input x $1/M + 7 output x an unknown rate = unknown "
             "(standard, prompt above 5)");
}

END_TEST

START_TEST(names_are_those_of_the_table)
{
    ck_assert(span_eq(price_unit_name(PRICE_cache_write_long), SPAN("cache_write_long")));
    ck_assert(span_eq(price_service_name(PRICE_SERVICE_flex), SPAN("flex")));
    ck_assert_ptr_null(price_unit_name(PRICE_UNIT_COUNT).ptr);
    ck_assert_ptr_null(price_service_name(PRICE_SERVICE_COUNT).ptr);
    ck_assert_uint_eq(price_unit_per(PRICE_search), 1000);
    ck_assert_uint_eq(price_unit_container(PRICE_cache_write_long), PRICE_cache_write);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("price");
    TCase *tests = tcase_create("price");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, the_sheet_of_the_whole_prompt_and_the_service_is_found, 0,
                        (int)ARRAY_LEN(finds));
    tcase_add_test(tests, without_a_sheet_there_is_none);
    tcase_add_test(tests, what_is_not_a_whole_nanodollar_is_rounded_up);
    tcase_add_test(tests, parts_have_their_rate_or_that_of_what_contains_them);
    tcase_add_test(tests, parts_larger_than_their_whole_count_as_the_whole);
    tcase_add_test(tests, what_has_no_rate_is_unknown_and_not_free);
    tcase_add_test(tests, a_sum_that_is_too_large_is_the_largest);
    tcase_add_loop_test(tests, numbers_are_read_exactly_or_refused, 0, (int)ARRAY_LEN(numbers));
    tcase_add_test(tests, a_sum_is_explained_with_its_numbers);
    tcase_add_test(tests, names_are_those_of_the_table);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
