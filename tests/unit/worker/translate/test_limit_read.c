#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"

#include "worker/translate/limit_read.h"

#define WALL_MS 1764147600000 /* 2025-11-26T09:00:00Z */

static const struct {
    const char *text;
    uint64_t ms; /* UINT64_MAX: it is none */
} spans[] = {
    {"0s", 0},
    {"20ms", 20},
    {"1.5s", 1500},
    {"6m0s", 360000},
    {"7.66s", 7660},
    {"2m59.56s", 179560},
    {"1h2m3s", 3723000},
    {"1d", 86400000},
    {"12", 12000},
    {"0.0005s", 0},
    {"", UINT64_MAX},
    {"s", UINT64_MAX},
    {"5x", UINT64_MAX},
    {"-1s", UINT64_MAX},
    {"1..5s", UINT64_MAX},
    {"99999999999999999999s", UINT64_MAX},
    {"400d", UINT64_MAX},
};

START_TEST(spans_of_any_units_are_read)
{
    uint64_t ms = 77;
    bool good = limit_read_span_ms(span_of_text(spans[_i].text), &ms);

    ck_assert_msg(good == (spans[_i].ms != UINT64_MAX), "%s", spans[_i].text);
    if (good)
        ck_assert_uint_eq(ms, spans[_i].ms);
}

END_TEST

static void head_of(struct http_head *head, const char *const fields[][2])
{
    static struct http_header rows[8];

    memset(head, 0, sizeof(*head));
    head->headers = rows;
    for (; fields[head->header_count][0]; head->header_count++) {
        struct http_header *row = &rows[head->header_count];

        row->name = span_of_text(fields[head->header_count][0]);
        row->value = span_of_text(fields[head->header_count][1]);
        head->name_lengths |= http_length_bit(row->name);
    }
}

static const struct {
    const char *fields[3][2];
    uint64_t ms;
} retries[] = {
    {{{"retry-after", "7"}}, 7000},
    {{{"retry-after-ms", "350"}, {"retry-after", "7"}}, 350},
    {{{"retry-after", "Wed, 26 Nov 2025 09:00:30 GMT"}}, 30000},
    {{{"retry-after", "Wed, 26 Nov 2025 08:59:30 GMT"}}, 0},
    {{{"retry-after", "Wed, 31 Feb 2026 08:59:30 GMT"}}, 0},
    {{{"retry-after", "1.25s"}}, 1250},
    {{{"retry-after", "soon"}}, 0},
    {{{"x-other", "7"}}, 0},
};

START_TEST(retry_after_is_seconds_milliseconds_or_a_date)
{
    struct http_head head;

    head_of(&head, retries[_i].fields);
    ck_assert_uint_eq(limit_read_retry_ms(&head, WALL_MS), retries[_i].ms);
}

END_TEST

static const struct {
    enum dialect_id dialect;
    const char *fields[5][2];
    uint64_t ms;
} spent[] = {
    {DIALECT_openai,
     {{"x-ratelimit-remaining-requests", "0"}, {"x-ratelimit-reset-requests", "1m2s"}},
     62000},
    {DIALECT_openai,
     {{"x-ratelimit-remaining-requests", "1"}, {"x-ratelimit-reset-requests", "1m2s"}},
     0},
    {DIALECT_openai,
     {{"x-ratelimit-remaining-requests", "0"},
      {"x-ratelimit-reset-requests", "1s"},
      {"x-ratelimit-remaining-tokens", "0"},
      {"x-ratelimit-reset-tokens", "3s"}},
     3000},
    {DIALECT_openai, {{"x-ratelimit-remaining-requests", "0"}}, 0},
    {DIALECT_openai,
     {{"x-ratelimit-remaining-requests", "-1"}, {"x-ratelimit-reset-requests", "1s"}},
     0},
    {DIALECT_anthropic,
     {{"anthropic-ratelimit-input-tokens-remaining", "0"},
      {"anthropic-ratelimit-input-tokens-reset", "2025-11-26T09:00:12Z"}},
     12000},
    {DIALECT_anthropic,
     {{"anthropic-ratelimit-requests-remaining", "0"},
      {"anthropic-ratelimit-requests-reset", "2025-11-26T08:00:00Z"}},
     0},
};

START_TEST(what_is_used_up_counts_until_its_own_reset)
{
    struct http_head head;

    head_of(&head, spent[_i].fields);
    ck_assert_uint_eq(limit_read_spent_ms(&head, dialect_row(spent[_i].dialect), WALL_MS),
                      spent[_i].ms);
}

END_TEST

static const struct {
    const char *fields[7][2];
    uint32_t used;
    uint64_t reset_ms;
} shares[] = {
    {{{"x-ratelimit-limit-requests", "100"},
      {"x-ratelimit-remaining-requests", "75"},
      {"x-ratelimit-reset-requests", "6s"}},
     250,
     6000},
    {{{"x-ratelimit-limit-requests", "100"}, /* the tightest counts */
      {"x-ratelimit-remaining-requests", "75"},
      {"x-ratelimit-reset-requests", "6s"},
      {"x-ratelimit-limit-tokens", "1000"},
      {"x-ratelimit-remaining-tokens", "100"},
      {"x-ratelimit-reset-tokens", "20ms"}},
     900,
     20},
    {{{"x-ratelimit-limit-requests", "100"}, {"x-ratelimit-remaining-requests", "175"}}, 0, 0},
    {{{"x-ratelimit-limit-requests", "0"}, {"x-ratelimit-remaining-requests", "0"}},
     UINT32_MAX,
     0},
    {{{"x-ratelimit-remaining-requests", "5"}}, UINT32_MAX, 0},
    {{{"x-ratelimit-limit-requests", "18446744073709551615"},
      {"x-ratelimit-remaining-requests", "0"}},
     UINT32_MAX,
     0},
};

START_TEST(the_share_of_the_tightest_limit_is_read)
{
    struct http_head head;
    uint64_t reset_ms;

    head_of(&head, shares[_i].fields);
    ck_assert_uint_eq(limit_read_used(&head, dialect_row(DIALECT_openai), WALL_MS, &reset_ms),
                      shares[_i].used);
    if (shares[_i].used != UINT32_MAX)
        ck_assert_uint_eq(reset_ms, shares[_i].reset_ms);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("limit_read");
    TCase *tests = tcase_create("limit_read");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_loop_test(tests, spans_of_any_units_are_read, 0, ARRAY_LEN(spans));
    tcase_add_loop_test(tests, retry_after_is_seconds_milliseconds_or_a_date, 0,
                        ARRAY_LEN(retries));
    tcase_add_loop_test(tests, what_is_used_up_counts_until_its_own_reset, 0, ARRAY_LEN(spent));
    tcase_add_loop_test(tests, the_share_of_the_tightest_limit_is_read, 0,
                        (int)ARRAY_LEN(shares));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
