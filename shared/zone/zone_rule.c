/* "CET-1CEST,M3.5.0,M10.5.0/3" */
#include "shared/zone/date.h"
#include "shared/zone/zone_inside.h"

#define HOURS_MAX 167 /* RFC 8536 3.3.1 */

static bool eat(struct span *text, char byte)
{
    if (text->len == 0 || text->ptr[0] != byte)
        return false;
    *text = span_skip(*text, 1);
    return true;
}

static bool eat_number(struct span *text, int most, int *ret)
{
    size_t len = 0;
    int number = 0;

    while (len < text->len && len < 4 && text->ptr[len] >= '0' && text->ptr[len] <= '9')
        number = number * 10 + (text->ptr[len++] - '0');
    if (len == 0 || number > most)
        return false;
    *text = span_skip(*text, len);
    *ret = number;
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool eat_time(struct span *text, int32_t *ret_seconds)
{
    bool minus = eat(text, '-');
    int hours = 0, minutes = 0, seconds = 0;

    if (!minus)
        (void)eat(text, '+');
    if (!eat_number(text, HOURS_MAX, &hours))
        return false;
    if (eat(text, ':') && !eat_number(text, 59, &minutes))
        return false;
    if (eat(text, ':') && !eat_number(text, 59, &seconds))
        return false;
    *ret_seconds = hours * 3600 + minutes * 60 + seconds;
    if (minus)
        *ret_seconds = -*ret_seconds;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A name of letters, or anything in <>. */
static bool eat_name(struct span *text)
{
    size_t len = 0;

    if (eat(text, '<')) {
        while (len < text->len && text->ptr[len] != '>')
            len++;
        *text = span_skip(*text, len);
        return eat(text, '>');
    }
    while (len < text->len && is_letter(text->ptr[len]))
        len++;
    *text = span_skip(*text, len);
    return len >= 3;
}

static bool eat_month_day(struct span *text, struct zone_day *ret)
{
    ret->form = ZONE_DAY_MONTH;
    return eat_number(text, 12, &ret->month) && ret->month >= 1 && eat(text, '.') &&
           eat_number(text, 5, &ret->week) && ret->week >= 1 && eat(text, '.') &&
           eat_number(text, 6, &ret->day);
}

static bool eat_day(struct span *text, struct zone_day *ret)
{
    bool good;

    *ret = (struct zone_day){.seconds = 2 * 3600};
    if (!eat(text, ','))
        return false;
    if (eat(text, 'M')) {
        good = eat_month_day(text, ret);
    } else if (eat(text, 'J')) {
        ret->form = ZONE_DAY_JULIAN;
        good = eat_number(text, 365, &ret->day) && ret->day >= 1;
    } else {
        ret->form = ZONE_DAY_OF_YEAR;
        good = eat_number(text, 365, &ret->day);
    }
    if (good && eat(text, '/'))
        good = eat_time(text, &ret->seconds);
    return good;
}

bool zone_read_rule(struct span text, struct zone_rule *ret)
{
    int32_t west;

    *ret = (struct zone_rule){.has_summer = false};
    if (!eat_name(&text) || !eat_time(&text, &west))
        return false;
    ret->standard = ret->summer = -west;
    if (text.len == 0)
        return true;
    ret->has_summer = true;
    ret->summer = ret->standard + 3600;
    if (!eat_name(&text))
        return false;
    if (text.len > 0 && text.ptr[0] != ',') {
        if (!eat_time(&text, &west))
            return false;
        ret->summer = -west;
    }
    return eat_day(&text, &ret->begin) && eat_day(&text, &ret->end) && text.len == 0;
}

/* ---- its changes ----------------------------------------------------------------------------
 */

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t month_day(const struct zone_day *rule, int64_t year)
{
    int64_t first = date_to_day((struct date){year, rule->month, 1});
    int64_t next = rule->month == 12 ? date_to_day((struct date){year + 1, 1, 1})
                                     : date_to_day((struct date){year, rule->month + 1, 1});
    int wanted = (rule->day + 6) % 7; /* 0 is Sunday in a rule */
    int64_t day =
        first + (wanted - date_weekday(first) + 7) % 7 + (int64_t)7 * (rule->week - 1);

    while (day >= next) /* week 5 is the last one */
        day -= 7;
    return day;
}

static int64_t wall_seconds(const struct zone_day *rule, int64_t year)
{
    int64_t day = date_to_day((struct date){year, 1, 1});

    switch (rule->form) {
    case ZONE_DAY_MONTH: day = month_day(rule, year); break;
    case ZONE_DAY_JULIAN: day += rule->day - 1 + (is_leap(year) && rule->day >= 60); break;
    case ZONE_DAY_OF_YEAR: day += rule->day; break;
    }
    return day * SECONDS_OF_DAY + rule->seconds;
}

void zone_rule_changes(const struct zone_rule *rule, int64_t year, struct zone_change ret[2])
{
    struct zone_change begin = {wall_seconds(&rule->begin, year) - rule->standard,
                                rule->summer};
    struct zone_change end = {wall_seconds(&rule->end, year) - rule->summer, rule->standard};
    bool north = begin.at < end.at;

    ret[0] = north ? begin : end;
    ret[1] = north ? end : begin;
}
