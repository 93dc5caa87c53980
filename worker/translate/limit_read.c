#include "worker/translate/limit_read.h"

#include "shared/base/check.h"
#include "shared/base/clock.h"

#define SPAN_MOST_MS (366ULL * 86400000) /* a longer one is no time that is meant */

static const struct {
    struct span name;
    uint64_t ms;
} units[] = {
    {{"ms", 2}, 1},      {{"s", 1}, 1000},     {{"m", 1}, 60000},
    {{"h", 1}, 3600000}, {{"d", 1}, 86400000},
};

/* Thousandths of the number that REST begins with, which is cut off; false: there is none. */
static bool take_number(struct span *rest, uint64_t *ret_thousandths)
{
    uint64_t value = 0, unit = 1000;
    bool any = false, point = false;

    for (; rest->len > 0; *rest = span_skip(*rest, 1)) {
        char c = rest->ptr[0];

        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        any = true;
        if (point)
            unit /= 10;
        value = point ? value + (uint64_t)(c - '0') * unit
                      : value * 10 + (uint64_t)(c - '0') * 1000;
        if (value > SPAN_MOST_MS * 1000)
            return false;
    }
    *ret_thousandths = value;
    return any;
}

/* Milliseconds of the unit that REST begins with; 0: it is none. */
static uint64_t take_unit(struct span *rest)
{
    if (rest->len == 0)
        return 1000;
    for (unsigned i = 0; i < ARRAY_LEN(units); i++) {
        if (span_starts(*rest, units[i].name)) {
            *rest = span_skip(*rest, units[i].name.len);
            return units[i].ms;
        }
    }
    return 0;
}

bool limit_read_span_ms(struct span text, uint64_t *ret_ms)
{
    uint64_t sum = 0, number, unit;

    if (text.len == 0)
        return false;
    while (text.len > 0) {
        if (!take_number(&text, &number) || (unit = take_unit(&text)) == 0)
            return false;
        sum += (number * unit + 999) / 1000;
        if (sum > SPAN_MOST_MS)
            return false;
    }
    *ret_ms = sum;
    return true;
}

static uint64_t until(int64_t at_ms, int64_t wall_ms)
{
    return at_ms > wall_ms ? (uint64_t)(at_ms - wall_ms) : 0;
}

uint64_t limit_read_retry_ms(const struct http_head *head, int64_t wall_ms)
{
    struct span after = http_find(head, SPAN("retry-after"));
    uint64_t number;
    int64_t at_ms;

    if (span_read_u64(http_find(head, SPAN("retry-after-ms")), &number))
        return number;
    if (span_read_u64(after, &number))
        return number < UINT32_MAX ? number * 1000 : UINT32_MAX;
    if (clock_read_http_date_ms(after, &at_ms))
        return until(at_ms, wall_ms);
    return limit_read_span_ms(after, &number) ? number : 0;
}

/* When the limit of UNIT is whole again; 0: nobody says so. */
static uint64_t reset_ms(const struct http_head *head, const struct dialect *dialect,
                         uint8_t unit, int64_t wall_ms)
{
    for (unsigned i = 0; i < dialect->limit_field_count; i++) {
        const struct limit_field *field = &dialect->limit_fields[i];
        struct span value;
        uint64_t ms;
        int64_t at_ms;

        if (field->unit != unit || field->value < LIMIT_VALUE_RESET_SPAN)
            continue;
        value = http_find(head, field->name);
        if (clock_read_date_ms(value, &at_ms))
            return until(at_ms, wall_ms);
        return limit_read_span_ms(value, &ms) ? ms : 0;
    }
    return 0;
}

uint64_t limit_read_spent_ms(const struct http_head *head, const struct dialect *dialect,
                             int64_t wall_ms)
{
    uint64_t longest = 0, remaining, ms;

    for (unsigned i = 0; i < dialect->limit_field_count; i++) {
        const struct limit_field *field = &dialect->limit_fields[i];

        if (field->value != LIMIT_VALUE_REMAINING ||
            !span_read_u64(http_find(head, field->name), &remaining) || remaining > 0)
            continue;
        ms = reset_ms(head, dialect, field->unit, wall_ms);
        if (ms > longest)
            longest = ms;
    }
    return longest;
}

static bool read_value(const struct http_head *head, const struct dialect *dialect,
                       uint8_t unit, enum limit_value value, uint64_t *ret)
{
    for (unsigned i = 0; i < dialect->limit_field_count; i++) {
        const struct limit_field *field = &dialect->limit_fields[i];

        if (field->unit == unit && field->value == value)
            return span_read_u64(http_find(head, field->name), ret);
    }
    return false;
}

uint32_t limit_read_used(const struct http_head *head, const struct dialect *dialect,
                         int64_t wall_ms, uint64_t *ret_reset_ms)
{
    uint32_t most = UINT32_MAX;

    *ret_reset_ms = 0;
    for (uint8_t unit = 0; unit < LIMIT_UNIT_COUNT; unit++) {
        uint64_t limit, remaining, used;

        if (!read_value(head, dialect, unit, LIMIT_VALUE_REMAINING, &remaining) ||
            !read_value(head, dialect, unit, LIMIT_VALUE_LIMIT, &limit) || limit == 0 ||
            limit > UINT64_MAX / 1000)
            continue;
        used = remaining < limit ? (limit - remaining) * 1000 / limit : 0;
        if (most != UINT32_MAX && used <= most)
            continue;
        most = (uint32_t)used;
        *ret_reset_ms = reset_ms(head, dialect, unit, wall_ms);
    }
    return most;
}
