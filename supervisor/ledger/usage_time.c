#include "supervisor/ledger/usage_time.h"

#include <time.h>

#include "shared/base/clock.h"

#include "supervisor/ledger/calendar.h"

#define MILLISECONDS_LEAST 9 /* digits of a number that is no time back from now */

static bool digits(struct span text, size_t at, size_t count, int *ret)
{
    uint64_t number;

    if (!span_read_u64(span_of(text.ptr + at, count), &number))
        return false;
    *ret = (int)number;
    return true;
}

/* "2026-11-01" and, behind it, "T08:00:00Z". */
static bool read_date(struct span text, int64_t *ret_ms)
{
    struct tm parts = {.tm_mday = 1};
    bool timed = text.len == 20 && text.ptr[10] == 'T' && text.ptr[13] == ':' &&
                 text.ptr[16] == ':' && text.ptr[19] == 'Z';

    if ((text.len != 10 && !timed) || text.ptr[4] != '-' || text.ptr[7] != '-' ||
        !digits(text, 0, 4, &parts.tm_year) || !digits(text, 5, 2, &parts.tm_mon) ||
        !digits(text, 8, 2, &parts.tm_mday))
        return false;
    if (timed && (!digits(text, 11, 2, &parts.tm_hour) || !digits(text, 14, 2, &parts.tm_min) ||
                  !digits(text, 17, 2, &parts.tm_sec)))
        return false;
    struct tm given = parts;

    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    *ret_ms = (int64_t)timegm(&parts) * 1000;
    /* Afterwards they are what the calendar has: the 31st of November is another day. */
    return given.tm_year >= 1970 && parts.tm_mon == given.tm_mon - 1 &&
           parts.tm_mday == given.tm_mday && parts.tm_hour == given.tm_hour &&
           parts.tm_min == given.tm_min && parts.tm_sec == given.tm_sec;
}

static bool read_word(struct span text, int64_t now_ms, int64_t *ret_begin_ms,
                      int64_t *ret_end_ms)
{
    int64_t today = now_ms - now_ms % DAY_MS;
    int64_t month = month_of(now_ms);

    const struct {
        struct span word;
        int64_t begin_ms, end_ms;
    } words[] = {
        {SPAN("today"), today, today + DAY_MS},
        {SPAN("yesterday"), today - DAY_MS, today},
        {SPAN("month"), month_begin_ms(month), month_begin_ms(month + 1)},
        {SPAN("last-month"), month_begin_ms(month - 1), month_begin_ms(month)},
        {SPAN("now"), now_ms, now_ms},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!span_eq(text, words[i].word))
            continue;
        *ret_begin_ms = words[i].begin_ms;
        *ret_end_ms = words[i].end_ms;
        return true;
    }
    return false;
}

bool usage_time_read(struct span text, int64_t now_ms, int64_t *ret_begin_ms,
                     int64_t *ret_end_ms)
{
    uint64_t number;

    if (read_word(text, now_ms, ret_begin_ms, ret_end_ms))
        return true;
    if (text.len >= MILLISECONDS_LEAST && span_read_u64(text, &number)) {
        *ret_begin_ms = *ret_end_ms = (int64_t)number;
        return number < (uint64_t)CALENDAR_END_MS;
    }
    if (read_date(text, ret_begin_ms)) {
        *ret_end_ms = *ret_begin_ms + (text.len == 10 ? DAY_MS : 0);
        return true;
    }
    if (!clock_read_duration_ms(text, &number) || number == 0 || number > (uint64_t)now_ms)
        return false;
    *ret_begin_ms = now_ms - (int64_t)number;
    *ret_end_ms = now_ms;
    return true;
}
