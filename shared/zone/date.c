#include "shared/zone/date.h"

/* Years begin in March here, so that the leap day is the last one of its year. */
#define DAYS_OF_ERA      146097 /* 400 years */
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 on */

static int64_t divide_down(int64_t number, int64_t by)
{
    int64_t quotient = number / by;

    return number % by < 0 ? quotient - 1 : quotient;
}

int64_t date_to_day(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = divide_down(year, 400), of_era = year - era * 400;
    int64_t month = (date.month + 9) % 12;
    int64_t day = (153 * month + 2) / 5 + date.day - 1;

    return era * DAYS_OF_ERA + of_era * 365 + of_era / 4 - of_era / 100 + day -
           DAYS_BEFORE_1970;
}

struct date date_of_day(int64_t day)
{
    int64_t from = day + DAYS_BEFORE_1970, era = divide_down(from, DAYS_OF_ERA);
    int64_t of_era = from - era * DAYS_OF_ERA;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;

    return (struct date){
        .year = era * 400 + year + (month >= 10),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };
}

int date_weekday(int64_t day)
{
    int64_t from_monday = day + 3; /* 1970-01-01 was a Thursday */

    return (int)(from_monday - divide_down(from_monday, 7) * 7);
}

int64_t date_day_of_seconds(int64_t seconds)
{
    return divide_down(seconds, SECONDS_OF_DAY);
}
