#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/check.h"
#include "shared/limit/period.h"

#define HOUR_MS 3600000LL
#define DAY_MS  (24 * HOUR_MS)

static const char *const names[] = {
    "UTC",         "Europe/Berlin", "America/New_York", "America/Sao_Paulo",
    "Asia/Beirut", "Pacific/Apia",  "America/Havana",   "Asia/Kolkata",
};

static struct tm wall_of(int64_t ms)
{
    time_t at = (time_t)(ms / 1000);
    struct tm wall;

    ck_assert_ptr_nonnull(localtime_r(&at, &wall));
    return wall;
}

static bool begins(enum budget_period kind, int64_t ms)
{
    struct tm wall = wall_of(ms), before = wall_of(ms - 1000);

    if (wall.tm_yday == before.tm_yday) /* the date must be a new one */
        return false;
    if (kind == BUDGET_PERIOD_week)
        return wall.tm_wday == 1;
    return kind == BUDGET_PERIOD_day || wall.tm_mon != before.tm_mon;
}

/* Every period of eighteen years, against the calendar of the C library. */
static void follow(const struct zone *zone, enum budget_period kind, const char *name)
{
    static const int64_t longest[] = {[BUDGET_PERIOD_day] = 50,
                                      [BUDGET_PERIOD_week] = 8 * 24,
                                      [BUDGET_PERIOD_month] = 32 * 24};
    struct period period = period_at(kind, zone, 1262304000000LL); /* 2010 */

    while (period.end_ms < 1830297600000LL) {
        struct period next = period_at(kind, zone, period.end_ms);

        ck_assert_msg(begins(kind, period.end_ms), "%s: %lld", name, (long long)period.end_ms);
        ck_assert_int_eq(next.begin_ms, period.end_ms);
        ck_assert_int_le(next.end_ms - next.begin_ms, longest[kind] * HOUR_MS);
        ck_assert_int_gt(next.end_ms, next.begin_ms);
        ck_assert_int_eq(period_at(kind, zone, next.end_ms - 1).begin_ms, next.begin_ms);
        ck_assert_int_eq(period_at(kind, zone, next.begin_ms + HOUR_MS / 2).end_ms,
                         next.end_ms);
        period = next;
    }
}

START_TEST(periods_follow_each_other_without_a_gap)
{
    struct zone *zone = zone_open(span_of_text(names[_i]));

    ck_assert_ptr_nonnull(zone);
    (void)setenv("TZ", names[_i], 1);
    tzset();
    follow(zone, BUDGET_PERIOD_day, names[_i]);
    follow(zone, BUDGET_PERIOD_week, names[_i]);
    follow(zone, BUDGET_PERIOD_month, names[_i]);
    zone_close(zone);
}

END_TEST

static const struct {
    const char *zone;
    enum budget_period kind;
    int64_t now, begin, end; /* seconds */
} cases[] = {
    /* 2026-03-29 has 23 hours in Berlin, 2026-10-25 has 25. */
    {"Europe/Berlin", BUDGET_PERIOD_day, 1774778400, 1774738800, 1774738800 + 23 * 3600},
    {"Europe/Berlin", BUDGET_PERIOD_day, 1792929600, 1792879200, 1792879200 + 25 * 3600},
    /* February of a leap year, and of one that is none. */
    {"UTC", BUDGET_PERIOD_month, 1708000000, 1706745600, 1706745600 + 29 * 86400},
    {"UTC", BUDGET_PERIOD_month, 1739600000, 1738368000, 1738368000 + 28 * 86400},
    /* December ends with the year. */
    {"UTC", BUDGET_PERIOD_month, 1798761599, 1796083200, 1798761600},
    /* A week over the end of the year: Monday 2025-12-29. */
    {"UTC", BUDGET_PERIOD_week, 1767225600, 1766966400, 1766966400 + 7 * 86400},
    /* Sao Paulo, 2018-11-04: there was no midnight, the day began at one. */
    {"America/Sao_Paulo", BUDGET_PERIOD_day, 1541350000, 1541300400, 1541300400 + 23 * 3600},
    /* Apia had no 2011-12-30: the 31st follows the 29th. */
    {"Pacific/Apia", BUDGET_PERIOD_day, 1325239200, 1325239200, 1325239200 + 86400},
};

START_TEST(days_of_23_and_25_hours_and_ends_of_months)
{
    struct zone *zone = zone_open(span_of_text(cases[_i].zone));
    struct period period = period_at(cases[_i].kind, zone, cases[_i].now * 1000 + 999);

    ck_assert_int_eq(period.begin_ms, cases[_i].begin * 1000);
    ck_assert_int_eq(period.end_ms, cases[_i].end * 1000);
    zone_close(zone);
}

END_TEST

START_TEST(total_and_rolling_never_end)
{
    struct zone *zone = zone_open(SPAN("UTC"));

    ck_assert_int_eq(period_at(BUDGET_PERIOD_total, zone, DAY_MS).end_ms, INT64_MAX);
    ck_assert_int_eq(period_at(BUDGET_PERIOD_rolling, zone, DAY_MS).begin_ms, 0);
    zone_close(zone);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("period");
    TCase *tests = tcase_create("period");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, periods_follow_each_other_without_a_gap, 0, ARRAY_LEN(names));
    tcase_add_loop_test(tests, days_of_23_and_25_hours_and_ends_of_months, 0, ARRAY_LEN(cases));
    tcase_add_test(tests, total_and_rolling_never_end);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
