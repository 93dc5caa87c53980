/* shared/zone/date.h
 *
 * Days of the Gregorian calendar as numbers: day 0 is 1970-01-01.
 */
#ifndef SHARED_ZONE_DATE_H
#define SHARED_ZONE_DATE_H

#include <stdint.h>

#define SECONDS_OF_DAY 86400

struct date {
    int64_t year;
    int month, day; /* from 1 on */
};

int64_t date_to_day(struct date date);
struct date date_of_day(int64_t day);
/* 0 is Monday. */
int date_weekday(int64_t day);
/* The day in which SECONDS lies, also before 1970. */
int64_t date_day_of_seconds(int64_t seconds);

#endif
