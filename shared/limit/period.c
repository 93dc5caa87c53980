#include "shared/limit/period.h"

#include "shared/zone/date.h"

/* A day by its number; the STEPth period after the one in which it lies begins on it. */
static int64_t first_day(enum budget_period kind, int64_t day, int step)
{
    struct date date = date_of_day(day);
    int64_t months;

    switch (kind) {
    case BUDGET_PERIOD_week: return day - date_weekday(day) + (int64_t)7 * step;
    case BUDGET_PERIOD_month:
        months = date.year * 12 + date.month - 1 + step;
        return date_to_day((struct date){months / 12, (int)(months % 12) + 1, 1});
    case BUDGET_PERIOD_day:
    case BUDGET_PERIOD_total:
    case BUDGET_PERIOD_rolling:
    case BUDGET_PERIOD_COUNT: break;
    }
    return day + step;
}

/* The instant at which that day begins on the wall. */
static int64_t begin_of(const struct zone *zone, int64_t day)
{
    return zone_first(zone, day * SECONDS_OF_DAY);
}

struct period period_at(enum budget_period kind, const struct zone *zone, int64_t now_ms)
{
    int64_t now = (now_ms - (now_ms % 1000 + 1000) % 1000) / 1000;
    int64_t day = date_day_of_seconds(now + zone_offset(zone, now));
    int64_t begin, end;
    int step = 0;

    if (kind == BUDGET_PERIOD_total || kind == BUDGET_PERIOD_rolling)
        return (struct period){0, INT64_MAX};
    begin = begin_of(zone, first_day(kind, day, step));
    end = begin_of(zone, first_day(kind, day, step + 1));
    /* The wall was set back over a midnight: its date is that of the period before. */
    while (end <= now) {
        begin = end;
        step++;
        end = begin_of(zone, first_day(kind, day, step + 1));
    }
    return (struct period){begin * 1000, end * 1000};
}
