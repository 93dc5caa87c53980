#include "shared/base/check.h"
#include "shared/price/price.h"

void price_sheet_clear(struct price_sheet *sheet)
{
    *sheet = (struct price_sheet){.service = PRICE_SERVICE_standard};
    for (unsigned unit = 0; unit < PRICE_UNIT_COUNT; unit++)
        sheet->rates[unit] = PRICE_NOT_GIVEN;
}

static const char *first_fault(const struct price_sheet *sheet)
{
    if (sheet->service != PRICE_SERVICE_standard || sheet->above_input != 0)
        return "the first rates are not those of every prompt";
    return sheet->rates[PRICE_input] == PRICE_NOT_GIVEN ? "there is no rate for input" : NULL;
}

static const char *rates_fault(const struct price_sheet *sheet)
{
    unsigned given = 0;

    for (unsigned unit = 0; unit < PRICE_UNIT_COUNT; unit++) {
        if (sheet->rates[unit] == PRICE_NOT_GIVEN)
            continue;
        given++;
        if (sheet->rates[unit] > PRICE_RATE_MAX)
            return "a rate is more than $10,000";
    }
    return given == 0 ? "it has no rate" : NULL;
}

static const char *order_fault(const struct price_sheet *sheets, uint32_t index)
{
    const struct price_sheet *sheet = &sheets[index];

    if (sheet->service >= PRICE_SERVICE_COUNT)
        return "there is no such service";
    for (uint32_t i = 0; i < index; i++) {
        if (sheets[i].service != sheet->service)
            continue;
        if (sheets[i].above_input == sheet->above_input)
            return "it stands twice";
        if (sheets[i].above_input > sheet->above_input)
            return "it stands after one with a larger bound";
    }
    return NULL;
}

const char *price_fault(const struct price_sheet *sheets, uint32_t count, uint32_t *ret_index)
{
    const char *fault = NULL;

    *ret_index = 0;
    if (count == 0)
        return "there are no rates";
    if (count > PRICE_SHEETS_MAX)
        return "there are too many tiers";
    fault = first_fault(&sheets[0]);
    for (uint32_t i = 0; !fault && i < count; i++) {
        *ret_index = i;
        fault = rates_fault(&sheets[i]);
        if (!fault)
            fault = order_fault(sheets, i);
    }
    return fault;
}

void price_complete(struct price_sheet *sheets, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        for (unsigned unit = 0; unit < PRICE_UNIT_COUNT; unit++) {
            if (sheets[i].rates[unit] == PRICE_NOT_GIVEN)
                sheets[i].rates[unit] = sheets[0].rates[unit];
        }
    }
}
