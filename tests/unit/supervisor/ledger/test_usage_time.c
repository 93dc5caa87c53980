#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"

#include "supervisor/ledger/calendar.h"
#include "supervisor/ledger/usage_time.h"

#define NOW_MS 1772409600123LL /* 2026-03-02T00:00:00.123Z */

START_TEST(times_and_periods_are_read)
{
    static const struct {
        const char *text;
        int64_t begin_ms, end_ms;
    } cases[] = {
        {"today", 1772409600000, 1772496000000},
        {"yesterday", 1772323200000, 1772409600000},
        {"month", 1772323200000, 1775001600000},
        {"last-month", 1769904000000, 1772323200000},
        {"now", NOW_MS, NOW_MS},
        {"7d", NOW_MS - 7 * DAY_MS, NOW_MS},
        {"24h", NOW_MS - DAY_MS, NOW_MS},
        {"2026-02-28", 1772236800000, 1772323200000},
        {"2024-02-29", 1709164800000, 1709251200000},
        {"2026-02-28T08:00:01Z", 1772265601000, 1772265601000},
        {"1772236800000", 1772236800000, 1772236800000},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t begin_ms = -1, end_ms = -1;

        ck_assert_msg(usage_time_read(span_of_text(cases[i].text), NOW_MS, &begin_ms, &end_ms),
                      "%s", cases[i].text);
        ck_assert_msg(begin_ms == cases[i].begin_ms, "%s: %lld", cases[i].text,
                      (long long)begin_ms);
        ck_assert_msg(end_ms == cases[i].end_ms, "%s: %lld", cases[i].text, (long long)end_ms);
    }
}

END_TEST

START_TEST(what_is_no_time_is_refused)
{
    static const char *const cases[] = {"",
                                        "soon",
                                        "2026-02-29",
                                        "2026-13-01",
                                        "2026-00-01",
                                        "1969-12-31",
                                        "2026-2-1",
                                        "0",
                                        "-7d",
                                        "2026-02-28T24:00:00Z",
                                        "2026-02-28 08:00:00",
                                        "99999999999999999"};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t begin_ms, end_ms;

        ck_assert_msg(!usage_time_read(span_of_text(cases[i]), NOW_MS, &begin_ms, &end_ms),
                      "%s", cases[i]);
    }
}

END_TEST

START_TEST(months_begin_where_the_calendar_says)
{
    char text[MONTH_TEXT_SIZE];

    ck_assert_int_eq(month_begin_ms(month_of(0)), 0);
    for (int64_t month = month_of(0); month < month_of(CALENDAR_END_MS - 1); month++) {
        int64_t begin_ms = month_begin_ms(month);

        ck_assert_int_eq(month_of(begin_ms), month);
        ck_assert_int_eq(month_of(month_begin_ms(month + 1) - 1), month);
    }
    month_write(month_of(NOW_MS), text);
    ck_assert_str_eq(text, "2026-03");
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("usage time");
    TCase *tests = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tests, times_and_periods_are_read);
    tcase_add_test(tests, what_is_no_time_is_refused);
    tcase_add_test(tests, months_begin_where_the_calendar_says);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
