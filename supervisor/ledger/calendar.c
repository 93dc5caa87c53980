#include "supervisor/ledger/calendar.h"

#include <stdio.h>
#include <time.h>

#include "shared/base/check.h"

int64_t month_of(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;

    CHECK(wall_ms >= 0 && wall_ms < CALENDAR_END_MS && gmtime_r(&seconds, &parts));
    return (int64_t)(parts.tm_year + 1900) * 12 + parts.tm_mon;
}

int64_t month_begin_ms(int64_t month)
{
    struct tm parts = {
        .tm_year = (int)(month / 12) - 1900, .tm_mon = (int)(month % 12), .tm_mday = 1};

    return (int64_t)timegm(&parts) * 1000;
}

void month_write(int64_t month, char ret[MONTH_TEXT_SIZE])
{
    (void)snprintf(ret, MONTH_TEXT_SIZE, "%04d-%02d", (int)(month / 12) % 10000,
                   (int)(month % 12) + 1);
}
