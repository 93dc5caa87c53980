#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/prices/price_list.h"

#define DOLLAR 1000000000ULL

static struct buffer errors;
static struct price_list_read list;

static const struct price_row *row_of(const char *provider, const char *model)
{
    for (uint32_t i = 0; i < list.count; i++) {
        if (span_eq(list.rows[i].model, span_of_text(model)) &&
            span_eq(list.rows[i].provider, span_of_text(provider)))
            return &list.rows[i];
    }
    return NULL;
}

static void read_good(const char *text)
{
    buffer_clear(&errors);
    ck_assert_msg(price_list_read(span_of_text(text), &list, &errors), "%.*s",
                  SPAN_ARG(buffer_span(&errors)));
}

#define CHEAP "\"litellm_provider\": \"openai\", \"input_cost_per_token\": 1e-06"

static const char whole[] =
    "{\"m\": {" CHEAP ", \"output_cost_per_token\": 4e-06, "
    "\"cache_read_input_token_cost\": 1e-07, \"cache_creation_input_token_cost\": 1.25e-06, "
    "\"cache_creation_input_token_cost_above_1hr\": 2e-06, "
    "\"output_cost_per_reasoning_token\": 5e-06, \"input_cost_per_audio_token\": 6e-06, "
    "\"output_cost_per_audio_token\": 7e-06, \"input_cost_per_image_token\": 8e-06, "
    "\"output_cost_per_image_token\": 9e-06, \"input_cost_per_request\": 0.005, "
    "\"search_context_cost_per_query\": {\"search_context_size_low\": 0.005, "
    "\"search_context_size_medium\": 0.01, \"search_context_size_high\": 0.02}, "
    "\"cache_creation_input_token_cost_above_1hr_above_200k_tokens\": 4e-06, "
    "\"input_cost_per_token_above_200k_tokens\": 2e-06, "
    "\"input_cost_per_token_above_272k_tokens_priority\": 3e-06, "
    "\"output_cost_per_token_batches\": 2e-06, \"output_cost_per_token_flex\": 3e-06, "
    "\"input_cost_per_token_ultrafast\": 1, \"input_cost_per_token_above_soon\": 1, "
    "\"output_cost_per_second\": 1}}";

static uint64_t rate_of(const struct price_row *row, uint32_t service, uint64_t above,
                        unsigned unit)
{
    for (uint32_t i = 0; i < row->price.count; i++) {
        if (row->price.rows[i].service == service && row->price.rows[i].above_input == above)
            return row->price.rows[i].rates[unit];
    }
    ck_abort_msg("there is no such sheet");
    return 0;
}

START_TEST(every_member_that_we_have_a_rate_for_is_taken)
{
    static const uint64_t base[PRICE_UNIT_COUNT] = {
        [PRICE_input] = 1 * DOLLAR,
        [PRICE_output] = 4 * DOLLAR,
        [PRICE_cache_read] = DOLLAR / 10,
        [PRICE_cache_write] = 1250000000,
        [PRICE_cache_write_long] = 2 * DOLLAR,
        [PRICE_reasoning] = 5 * DOLLAR,
        [PRICE_audio_input] = 6 * DOLLAR,
        [PRICE_audio_output] = 7 * DOLLAR,
        [PRICE_image_input] = 8 * DOLLAR,
        [PRICE_image_output] = 9 * DOLLAR,
        [PRICE_request] = 5 * DOLLAR,
        [PRICE_search] = 10 * DOLLAR,
    };
    const struct price_row *row;

    read_good(whole);
    row = row_of("openai", "m");
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(row->price.count, 5);
    ck_assert_int_eq(memcmp(row->price.rows[0].rates, base, sizeof(base)), 0);
    ck_assert_uint_eq(rate_of(row, PRICE_SERVICE_standard, 200000, PRICE_input), 2 * DOLLAR);
    ck_assert_uint_eq(rate_of(row, PRICE_SERVICE_standard, 200000, PRICE_cache_write_long),
                      4 * DOLLAR);
    ck_assert_uint_eq(rate_of(row, PRICE_SERVICE_standard, 200000, PRICE_search), 10 * DOLLAR);
    ck_assert_uint_eq(rate_of(row, PRICE_SERVICE_priority, 272000, PRICE_input), 3 * DOLLAR);
    ck_assert_uint_eq(rate_of(row, PRICE_SERVICE_batch, 0, PRICE_output), 2 * DOLLAR);
    ck_assert_uint_eq(rate_of(row, PRICE_SERVICE_batch, 0, PRICE_input), 1 * DOLLAR);
    ck_assert_uint_eq(rate_of(row, PRICE_SERVICE_flex, 0, PRICE_output), 3 * DOLLAR);
    price_list_done(&list);
}

END_TEST

START_TEST(what_a_part_shares_with_its_whole_follows_it_into_the_tiers)
{
    const struct price_row *row;

    read_good("{\"m\": {" CHEAP ", \"output_cost_per_token\": 4e-06, "
              "\"output_cost_per_reasoning_token\": 4e-06, "
              "\"input_cost_per_audio_token\": 3e-06, "
              "\"input_cost_per_token_above_200k_tokens\": 2e-06, "
              "\"output_cost_per_token_above_200k_tokens\": 6e-06}}");
    row = row_of("openai", "m");
    ck_assert_uint_eq(rate_of(row, 0, 200000, PRICE_reasoning), PRICE_NOT_GIVEN);
    ck_assert_uint_eq(rate_of(row, 0, 200000, PRICE_audio_input), 3 * DOLLAR);
    price_list_done(&list);
}

END_TEST

START_TEST(tiers_by_range_become_sheets)
{
    const struct price_row *row;

    read_good("{\"dashscope/q\": {\"litellm_provider\": \"dashscope\", \"tiered_pricing\": ["
              "{\"range\": [0, 32000.0], \"input_cost_per_token\": 1e-06, "
              "\"output_cost_per_token\": 2e-06}, {\"range\": [32000.0, 1e6], "
              "\"input_cost_per_token\": 3e-06, \"output_cost_per_token\": 4e-06}]}}");
    row = row_of("alibaba", "q");
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(row->price.count, 2);
    ck_assert_uint_eq(rate_of(row, 0, 32000, PRICE_output), 4 * DOLLAR);
    price_list_done(&list);
}

END_TEST

START_TEST(what_is_not_ours_or_costs_nothing_has_no_row)
{
    read_good("{\"sample_spec\": {" CHEAP "}, \"m\": {" CHEAP "}, \"openai/m\": {" CHEAP "}, "
              "\"zai/free\": {\"litellm_provider\": \"zai\", \"input_cost_per_token\": 0, "
              "\"output_cost_per_token\": 0}, "
              "\"other\": {\"litellm_provider\": \"nobody\", \"input_cost_per_token\": 1e-6}, "
              "\"picture\": {\"litellm_provider\": \"openai\", \"output_cost_per_image\": 1}, "
              "\"nothing\": {\"litellm_provider\": \"openai\", "
              "\"input_cost_per_token\": null}}");
    ck_assert_uint_eq(list.count, 1);
    ck_assert_uint_eq(list.others, 3);
    ck_assert_uint_eq(list.free, 1);
    ck_assert_uint_eq(list.twice, 1);
    ck_assert_uint_eq(row_of("openai", "m")->price.rows[0].rates[PRICE_output],
                      PRICE_NOT_GIVEN);
    price_list_done(&list);
}

END_TEST

START_TEST(a_cache_that_is_written_for_nothing_is_paid_as_input)
{
    read_good("{\"m\": {" CHEAP ", \"cache_creation_input_token_cost\": 0.0, "
              "\"cache_creation_input_token_cost_above_272k_tokens\": 0}}");
    ck_assert_uint_eq(row_of("openai", "m")->price.count, 1);
    ck_assert_uint_eq(row_of("openai", "m")->price.rows[0].rates[PRICE_cache_write],
                      PRICE_NOT_GIVEN);
    price_list_done(&list);
}

END_TEST

static const struct {
    const char *text, *error;
} broken[] = {
    {"", "byte 0: unexpected end"},
    {"{\"m\": 1}", "m: it is no object"},
    {"{}", "it has no price of a known provider"},
    {"{\"m\": {" CHEAP ", \"output_cost_per_token\": -1e-9}}",
     "m.output_cost_per_token: it is negative"},
    {"{\"m\": {" CHEAP ", \"output_cost_per_token\": \"4e-06\"}}",
     "m.output_cost_per_token: it is no number"},
    {"{\"m\": {" CHEAP ", \"output_cost_per_token\": 0.011}}",
     "m.output_cost_per_token: it is more than $10,000 for a million"},
    {"{\"m\": {" CHEAP ", \"input_cost_per_token_above_200k_tokens_batches\": true}}",
     "m.input_cost_per_token_above_200k_tokens_batches: it is no number"},
    {"{\"m\": {" CHEAP ", \"tiered_pricing\": [{\"range\": [-5, 6]}]}}",
     "m.tiered_pricing[0]: it is no range of tokens"},
    {"{\"m\": {" CHEAP ", \"tiered_pricing\": [{\"range\": [0.5, 6]}]}}",
     "m.tiered_pricing[0]: it is no range of tokens"},
    {"{\"m\": {" CHEAP ", \"search_context_cost_per_query\": 1}}",
     "m.search_context_cost_per_query: it is no object"},
};

START_TEST(a_broken_list_is_refused_with_the_path)
{
    buffer_clear(&errors);
    ck_assert(!price_list_read(span_of_text(broken[_i].text), &list, &errors));
    ck_assert_msg(span_eq(buffer_span(&errors), span_of_text(broken[_i].error)), "%s: \"%.*s\"",
                  broken[_i].text, SPAN_ARG(buffer_span(&errors)));
    ck_assert_ptr_null(list.rows);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("price list");
    TCase *tests = tcase_create("price list");
    SRunner *runner;
    int failed;

    buffer_init(&errors, 4096);
    tcase_add_test(tests, every_member_that_we_have_a_rate_for_is_taken);
    tcase_add_test(tests, what_a_part_shares_with_its_whole_follows_it_into_the_tiers);
    tcase_add_test(tests, tiers_by_range_become_sheets);
    tcase_add_test(tests, what_is_not_ours_or_costs_nothing_has_no_row);
    tcase_add_test(tests, a_cache_that_is_written_for_nothing_is_paid_as_input);
    tcase_add_loop_test(tests, a_broken_list_is_refused_with_the_path, 0,
                        (int)ARRAY_LEN(broken));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    buffer_done(&errors);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
