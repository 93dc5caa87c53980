#include "shared/price/price.h"

#include "shared/base/check.h"
#include "shared/base/money.h"

static const struct {
    struct span name;
    uint64_t per;
} units[] = {

#define PRICE_UNIT(name, per, help) {WORD(#name), per},
#include "shared/price/prices.def"
};

static const struct span services[] = {
#define PRICE_SERVICE(name, help) WORD(#name),
#include "shared/price/prices.def"
};

/* Whose rate stands for a missing one; PRICE_UNIT_COUNT: nobody's. */
static const uint8_t containers[PRICE_UNIT_COUNT] = {
    [PRICE_input] = PRICE_UNIT_COUNT,
    [PRICE_output] = PRICE_UNIT_COUNT,
    [PRICE_cache_read] = PRICE_input,
    [PRICE_cache_write] = PRICE_input,
    [PRICE_cache_write_long] = PRICE_cache_write,
    [PRICE_reasoning] = PRICE_output,
    [PRICE_audio_input] = PRICE_input,
    [PRICE_audio_output] = PRICE_output,
    [PRICE_image_input] = PRICE_input,
    [PRICE_image_output] = PRICE_output,
    [PRICE_request] = PRICE_UNIT_COUNT,
    [PRICE_search] = PRICE_UNIT_COUNT,
};

struct span price_unit_name(unsigned unit)
{
    return unit < PRICE_UNIT_COUNT ? units[unit].name : SPAN_NONE;
}

struct span price_service_name(unsigned service)
{
    return service < PRICE_SERVICE_COUNT ? services[service] : SPAN_NONE;
}

uint64_t price_unit_per(unsigned unit)
{
    CHECK(unit < PRICE_UNIT_COUNT);
    return units[unit].per;
}

unsigned price_unit_container(unsigned unit)
{
    CHECK(unit < PRICE_UNIT_COUNT);
    return containers[unit];
}

/* ---- the sheet --------------------------------------------------------------------------- */

const struct price_sheet *price_find_sheet(const struct price_sheet *sheets, uint32_t count,
                                           const struct price_use *use)
{
    const struct price_sheet *best = NULL;
    uint64_t input = use->counts[PRICE_input];

    for (uint32_t i = 0; i < count; i++) {
        const struct price_sheet *sheet = &sheets[i];
        bool own = sheet->service == use->service;

        if (!own && sheet->service != PRICE_SERVICE_standard)
            continue;
        if (sheet->above_input > 0 && input <= sheet->above_input)
            continue;
        if (!best || sheet->above_input > best->above_input ||
            (sheet->above_input == best->above_input && own))
            best = sheet;
    }
    return best;
}

/* ---- the sum ----------------------------------------------------------------------------- */

/* One product of the sum; PER from its unit. */
struct line {
    uint64_t count, rate; /* PRICE_NOT_GIVEN: nobody knows it */
    unsigned unit;
};

static uint64_t rate_of(const struct price_sheet *sheet, unsigned unit)
{
    while (unit < PRICE_UNIT_COUNT && sheet->rates[unit] == PRICE_NOT_GIVEN)
        unit = containers[unit];
    return unit < PRICE_UNIT_COUNT ? sheet->rates[unit] : PRICE_NOT_GIVEN;
}

/* Input, output, or the unit itself when it is no part of them. */
static unsigned whole_of(unsigned unit)
{
    while (containers[unit] < PRICE_UNIT_COUNT)
        unit = containers[unit];
    return unit;
}

/* What is priced, in the order of prices.def; how many. Each token is in one line. */
static unsigned split(const struct price_sheet *sheet, const struct price_use *use,
                      struct line ret[PRICE_UNIT_COUNT])
{
    uint64_t left[PRICE_UNIT_COUNT];
    unsigned count = 0;

    memcpy(left, use->counts, sizeof(left));
    for (unsigned unit = 0; unit < PRICE_UNIT_COUNT; unit++) {
        unsigned whole = left[unit] > 0 ? whole_of(unit) : unit;

        if (whole == unit)
            continue;
        if (left[unit] > left[whole])
            left[unit] = left[whole];
        left[whole] -= left[unit];
    }
    for (unsigned unit = 0; unit < PRICE_UNIT_COUNT; unit++) {
        uint64_t rate = left[unit] > 0 ? rate_of(sheet, unit) : PRICE_NOT_GIVEN;

        if (left[unit] == 0 || (rate == PRICE_NOT_GIVEN && unit >= PRICE_request))
            continue;
        ret[count] = (struct line){.count = left[unit], .rate = rate, .unit = unit};
        count++;
    }
    return count;
}

/* Adds COUNT * RATE * (a million / PER); false when that passes 128 bits. */
static bool add_product(unsigned __int128 *sum, const struct line *line)
{
    unsigned __int128 product = (unsigned __int128)line->count * line->rate;

    return !__builtin_mul_overflow(product, 1000000 / units[line->unit].per, &product) &&
           !__builtin_add_overflow(*sum, product, sum);
}

static uint64_t add_up(const struct line *lines, unsigned count)
{
    unsigned __int128 sum = 0;

    for (unsigned i = 0; i < count; i++) {
        if (lines[i].rate == PRICE_NOT_GIVEN)
            return PRICE_UNKNOWN;
        if (!add_product(&sum, &lines[i]))
            return INT64_MAX;
    }
    sum = sum / 1000000 + (sum % 1000000 > 0);
    return sum > INT64_MAX ? INT64_MAX : (uint64_t)sum;
}

uint64_t price_cost(const struct price_sheet *sheet, const struct price_use *use)
{
    struct line lines[PRICE_UNIT_COUNT];
    unsigned count = split(sheet, use, lines);

    return add_up(lines, count);
}

/* ---- words ------------------------------------------------------------------------------- */

static void explain_line(const struct line *line, struct buffer *out)
{
    (void)buffer_append_u64(out, line->count);
    (void)buffer_append_byte(out, ' ');
    (void)buffer_append(out, units[line->unit].name);
    (void)buffer_append(out, SPAN(" x "));
    if (line->rate == PRICE_NOT_GIVEN) {
        (void)buffer_append(out, SPAN("an unknown rate"));
        return;
    }
    (void)buffer_append_byte(out, '$');
    money_write(out, line->rate);
    (void)buffer_append(out, units[line->unit].per == 1000 ? SPAN("/K") : SPAN("/M"));
}

/* " (batch, prompt above 200000)" */
static void explain_sheet(const struct price_sheet *sheet, struct buffer *out)
{
    bool named = sheet->service != PRICE_SERVICE_standard;

    if (!named && sheet->above_input == 0)
        return;
    (void)buffer_append_format(out, " (%.*s", SPAN_ARG(price_service_name(sheet->service)));
    if (sheet->above_input > 0)
        (void)buffer_append_format(out, ", prompt above %llu",
                                   (unsigned long long)sheet->above_input);
    (void)buffer_append_byte(out, ')');
}

uint64_t price_explain(const struct price_sheet *sheet, const struct price_use *use,
                       struct buffer *out)
{
    struct line lines[PRICE_UNIT_COUNT];
    unsigned count = split(sheet, use, lines);
    uint64_t cost = add_up(lines, count);

    for (unsigned i = 0; i < count; i++) {
        (void)buffer_append(out, i > 0 ? SPAN(" + ") : SPAN(""));
        explain_line(&lines[i], out);
    }
    (void)buffer_append(out, count > 0 ? SPAN(" = ") : SPAN("nothing = "));
    if (cost == PRICE_UNKNOWN) {
        (void)buffer_append(out, SPAN("unknown"));
    } else {
        (void)buffer_append_byte(out, '$');
        money_write(out, cost);
    }
    explain_sheet(sheet, out);
    return cost;
}
