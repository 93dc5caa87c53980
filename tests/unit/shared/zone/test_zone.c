#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/check.h"
#include "shared/zone/date.h"
#include "shared/zone/zone.h"
#include "shared/zone/zone_inside.h"

/* North, south, half hours, changes at midnight, a day left out, rules with odd hours. */
static const char *const names[] = {
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "America/Havana",
    "Asia/Beirut",
    "Africa/Cairo",
    "America/Nuuk",
    "Asia/Gaza",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Asia/Tehran",
    "Pacific/Auckland",
};

#define FIRST_SECOND 0LL          /* 1970 */
#define LAST_SECOND  2335219200LL /* 2044: long after the last change that a file names */

static struct zone *zone;

static void open_zone(int index)
{
    zone = zone_open(span_of_text(names[index]));
    ck_assert_msg(zone != NULL, "%s", names[index]);
    (void)setenv("TZ", names[index], 1);
    tzset();
}

static long library_offset(int64_t seconds)
{
    time_t at = (time_t)seconds;
    struct tm wall;

    ck_assert_ptr_nonnull(localtime_r(&at, &wall));
    return wall.tm_gmtoff;
}

START_TEST(the_offset_is_that_of_the_c_library_at_all_times)
{
    open_zone(_i);
    for (int64_t at = FIRST_SECOND; at < LAST_SECOND; at += 6 * 3600)
        ck_assert_msg(zone_offset(zone, at) == library_offset(at), "%s at %lld", names[_i],
                      (long long)at);
    zone_close(zone);
}

END_TEST

/* Where the offset changes, to the second. */
static int64_t change_in(int64_t low, int64_t high)
{
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (library_offset(middle) == library_offset(low))
            low = middle;
        else
            high = middle;
    }
    return high;
}

static int64_t wall(int64_t at)
{
    return at + zone_offset(zone, at);
}

static void is_first(int64_t local)
{
    int64_t first = zone_first(zone, local);

    ck_assert_int_ge(wall(first), local);
    for (int64_t before = 1; before < 50 * 3600; before += before < 4 ? 1 : 1801)
        ck_assert_int_lt(wall(first - before), local);
}

START_TEST(the_first_instant_is_found_around_every_change_of_the_clock)
{
    unsigned found = 0;

    open_zone(_i);
    for (int64_t at = FIRST_SECOND; at < LAST_SECOND; at += 86400) {
        int64_t change;

        if (library_offset(at) == library_offset(at + 86400))
            continue;
        change = change_in(at, at + 86400);
        ck_assert_int_eq(zone_offset(zone, change), library_offset(change));
        ck_assert_int_eq(zone_offset(zone, change - 1), library_offset(change - 1));
        for (int64_t near = -7200; near <= 7200; near += 1800) {
            is_first(wall(change) + near);
            is_first(wall(change - 1) + near);
        }
        found++;
    }
    ck_assert(found > 0 || _i == 0);
    zone_close(zone);
}

END_TEST

START_TEST(a_name_that_is_none_is_no_zone)
{
    static const char *const bad[] = {
        "",       "Moon/Base", "../etc/passwd",    "/etc/passwd", "UTC ",
        "Europe", "tzdata.zi", "Europe/Berlin/..", "zone.tab"};

    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(zone_open(span_of_text(bad[i])) == NULL, "%s", bad[i]);
    ck_assert_ptr_null(zone_open(span_of_text(
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")));
}

END_TEST

static const struct {
    const char *text;
    bool good;
    int32_t standard, summer;
} rules[] = {
    {"CET-1CEST,M3.5.0,M10.5.0/3", true, 3600, 7200},
    {"<-03>3", true, -10800, -10800},
    {"IST-2IDT,M3.4.4/26,M10.5.0", true, 7200, 10800},
    {"IST-1GMT0,M10.5.0,M3.5.0/1", true, 3600, 0},
    {"XXX3YYY,J60,300/-1:30", true, -10800, -7200},
    {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", true, 37800, 39600},
    {"", false, 0, 0},
    {"CE-1", false, 0, 0},
    {"CET", false, 0, 0},
    {"CET-1CEST", false, 0, 0},
    {"CET-1CEST,M3.5.0", false, 0, 0},
    {"CET-1CEST,M13.5.0,M10.5.0", false, 0, 0},
    {"CET-1CEST,M3.0.0,M10.5.0", false, 0, 0},
    {"CET-1CEST,M3.5.0,M10.5.0x", false, 0, 0},
    {"CET-200", false, 0, 0},
    {"<CET-1", false, 0, 0},
    {"XXX3YYY,J0,300", false, 0, 0},
};

START_TEST(a_rule_is_read_or_refused)
{
    struct zone_rule rule;
    bool good = zone_read_rule(span_of_text(rules[_i].text), &rule);

    ck_assert_int_eq(good, rules[_i].good);
    if (!good)
        return;
    ck_assert_int_eq(rule.standard, rules[_i].standard);
    ck_assert_int_eq(rule.summer, rules[_i].summer);
}

END_TEST

START_TEST(days_and_dates_are_each_others_inverse)
{
    struct date before = date_of_day(-1000001);

    for (int64_t day = -1000000; day < 1000000; day++) {
        struct date date = date_of_day(day);
        bool next_day = date.day == before.day + 1 && date.month == before.month &&
                        date.year == before.year;
        bool next_month = date.day == 1 && date.month == before.month + 1 &&
                          date.year == before.year && before.day >= 28;
        bool next_year = date.day == 1 && date.month == 1 && date.year == before.year + 1 &&
                         before.month == 12 && before.day == 31;

        ck_assert(next_day || next_month || next_year);
        ck_assert_int_eq(date_to_day(date), day);
        before = date;
    }
    ck_assert_int_eq(date_to_day((struct date){2024, 2, 29}), 19782);
    ck_assert_int_eq(date_weekday(0), 3);
    ck_assert_int_eq(date_weekday(-1), 2);
    ck_assert_int_eq(date_weekday(19782), 3);
    ck_assert_int_eq(date_day_of_seconds(-1), -1);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("zone");
    TCase *tests = tcase_create("zone");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_offset_is_that_of_the_c_library_at_all_times, 0,
                        ARRAY_LEN(names));
    tcase_add_loop_test(tests, the_first_instant_is_found_around_every_change_of_the_clock, 0,
                        ARRAY_LEN(names));
    tcase_add_test(tests, a_name_that_is_none_is_no_zone);
    tcase_add_loop_test(tests, a_rule_is_read_or_refused, 0, ARRAY_LEN(rules));
    tcase_add_test(tests, days_and_dates_are_each_others_inverse);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
