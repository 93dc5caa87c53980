#include "shared/base/clock.h"

#include <time.h>

#include "shared/base/check.h"

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void write_digits(char *text, unsigned count, unsigned number)
{
    for (unsigned i = count; i-- > 0; number /= 10)
        text[i] = (char)('0' + number % 10);
}

void clock_write_rfc3339(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
    int64_t millisecond = wall_ms % 1000;
    int64_t seconds = wall_ms / 1000;
    time_t time_s;
    struct tm parts;

    if (millisecond < 0) {
        millisecond += 1000;
        seconds--;
    }
    time_s = (time_t)seconds;
    if (!gmtime_r(&time_s, &parts) || parts.tm_year < -1900 || parts.tm_year > 8099)
        parts = (struct tm){.tm_mday = 1, .tm_year = -1900};
    memcpy(text, "0000-00-00T00:00:00.000Z", CLOCK_TEXT_SIZE);
    write_digits(text, 4, (unsigned)(parts.tm_year + 1900));
    write_digits(text + 5, 2, (unsigned)parts.tm_mon + 1);
    write_digits(text + 8, 2, (unsigned)parts.tm_mday);
    write_digits(text + 11, 2, (unsigned)parts.tm_hour);
    write_digits(text + 14, 2, (unsigned)parts.tm_min);
    write_digits(text + 17, 2, (unsigned)parts.tm_sec);
    write_digits(text + 20, 3, (unsigned)millisecond);
}

static const struct {
    struct span suffix;
    uint64_t factor_ms;
} units[] = {
    {{"ms", 2}, 1},
    {{"s", 1}, 1000},
    {{"m", 1}, 60 * 1000},
    {{"h", 1}, 60 * 60 * 1000},
    {{"d", 1}, 24 * 60 * 60 * 1000},
};

bool clock_read_duration_ms(struct span text, uint64_t *ret_ms)
{
    uint64_t number;

    if (span_read_u64(text, ret_ms))
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(units); i++) {
        if (!span_ends(text, units[i].suffix))
            continue;
        if (!span_read_u64(span_of(text.ptr, text.len - units[i].suffix.len), &number))
            return false;
        return !__builtin_mul_overflow(number, units[i].factor_ms, ret_ms);
    }
    return false;
}

/* COUNT digits from the front of *REST, then the byte AFTER when it is not 0. */
static bool take_digits(struct span *rest, size_t count, char after, int *ret)
{
    uint64_t number;
    size_t len = count + (after != 0);

    if (rest->len < len || !span_read_u64(span_of(rest->ptr, count), &number) ||
        (after != 0 && rest->ptr[count] != after))
        return false;
    *ret = (int)number;
    *rest = span_skip(*rest, len);
    return true;
}

static bool take_time(struct span rest, struct tm *parts)
{
    return take_digits(&rest, 2, ':', &parts->tm_hour) &&
           take_digits(&rest, 2, ':', &parts->tm_min) &&
           take_digits(&rest, 2, 'Z', &parts->tm_sec) && rest.len == 0 && parts->tm_hour < 24 &&
           parts->tm_min < 60 && parts->tm_sec < 60;
}

bool clock_read_date_ms(struct span text, int64_t *ret_ms)
{
    struct tm parts = {0}, same;
    struct span rest = text;
    time_t seconds;

    if (!take_digits(&rest, 4, '-', &parts.tm_year) ||
        !take_digits(&rest, 2, '-', &parts.tm_mon) ||
        !take_digits(&rest, 2, 0, &parts.tm_mday) || parts.tm_year < 1970 || parts.tm_mon < 1)
        return false;
    if (rest.len > 0 && (rest.ptr[0] != 'T' || !take_time(span_skip(rest, 1), &parts)))
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon--;
    same = parts;
    seconds = timegm(&same);
    if (same.tm_mday != parts.tm_mday || same.tm_mon != parts.tm_mon) /* there is no such day */
        return false;
    *ret_ms = (int64_t)seconds * 1000;
    return true;
}

/* 0..11, or -1. */
static int month_named(struct span name)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (span_eq(name, span_of(months + 3 * (size_t)i, 3)))
            return i;
    return -1;
}

bool clock_read_http_date_ms(struct span text, int64_t *ret_ms)
{
    struct tm parts = {0}, same;
    struct span day = text.len == 29 ? span_of(text.ptr + 5, 2) : SPAN_NONE;
    struct span year = text.len == 29 ? span_of(text.ptr + 12, 4) : SPAN_NONE;
    struct span time = text.len == 29 ? span_of(text.ptr + 17, 8) : SPAN_NONE;

    if (text.len != 29 || text.ptr[3] != ',' || text.ptr[4] != ' ' || text.ptr[7] != ' ' ||
        text.ptr[11] != ' ' || text.ptr[16] != ' ' ||
        !span_eq(span_skip(text, 25), SPAN(" GMT")) ||
        !take_digits(&day, 2, 0, &parts.tm_mday) || !take_digits(&year, 4, 0, &parts.tm_year) ||
        !take_digits(&time, 2, ':', &parts.tm_hour) ||
        !take_digits(&time, 2, ':', &parts.tm_min) || !take_digits(&time, 2, 0, &parts.tm_sec))
        return false;
    parts.tm_mon = month_named(span_of(text.ptr + 8, 3));
    if (parts.tm_mon < 0 || parts.tm_year < 1970 || parts.tm_hour > 23 || parts.tm_min > 59 ||
        parts.tm_sec > 60)
        return false;
    parts.tm_year -= 1900;
    same = parts;
    *ret_ms = (int64_t)timegm(&same) * 1000;
    return same.tm_mday == parts.tm_mday || parts.tm_sec == 60;
}
