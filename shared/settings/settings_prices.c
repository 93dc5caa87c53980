/* `prices`: as sheets, and whether they can be. */
#include "shared/base/encode.h"
#include "shared/settings/settings_inside.h"

uint32_t settings_price_sheets(const struct settings_price *price,
                               struct price_sheet ret[PRICE_SHEETS_MAX])
{
    uint32_t count = 1;

    price_sheet_clear(&ret[0]);
    memcpy(ret[0].rates, price->rates.of, sizeof(ret[0].rates));
    for (uint32_t i = 0; i < price->tiers.count && count < PRICE_SHEETS_MAX; i++, count++) {
        const struct settings_price_tier *tier =
            SETTINGS_ROW(price->tiers, i, settings_price_tier);

        price_sheet_clear(&ret[count]);
        ret[count].service = (uint32_t)tier->service;
        ret[count].above_input = tier->above_input;
        memcpy(ret[count].rates, tier->rates.of, sizeof(ret[count].rates));
    }
    return count;
}

static void check_sheets(struct reader *reader, const struct settings_price *price)
{
    struct price_sheet sheets[PRICE_SHEETS_MAX];
    uint32_t count = settings_price_sheets(price, sheets), index;
    const char *fault = price_fault(sheets, count, &index);

    if (fault && index == 0)
        complain(reader, price->line, "prices: rates: %s", fault);
    else if (fault)
        complain(reader, SETTINGS_ROW(price->tiers, index - 1, settings_price_tier)->line,
                 "prices: tiers: %s", fault);
}

static bool same_subject(const struct settings_price *a, const struct settings_price *b)
{
    return a->provider.ptr && a->model.ptr && b->provider.ptr && b->model.ptr &&
           a->from == b->from && span_eq(a->provider, b->provider) &&
           span_eq(a->model, b->model);
}

static void check_price(struct reader *reader, uint32_t index)
{
    const struct settings_list prices = reader->settings->prices;
    const struct settings_price *price = SETTINGS_ROW(prices, index, settings_price);

    check_sheets(reader, price);
    for (uint32_t i = 0; i < index; i++) {
        const struct settings_price *first = SETTINGS_ROW(prices, i, settings_price);

        if (!same_subject(first, price))
            continue;
        complain(reader, price->line, "prices: `%.*s` of `%.*s` stands in line %u already",
                 SPAN_ARG(price->model), SPAN_ARG(price->provider), first->line);
        return;
    }
}

void check_prices(struct reader *reader)
{
    const struct settings *settings = reader->settings;
    uint8_t digest[32];

    for (uint32_t i = 0; i < settings->prices.count; i++)
        check_price(reader, i);
    if (settings->prices_sha256.ptr && !decode_hex(settings->prices_sha256, digest, 32))
        complain(reader, settings->line, "prices_sha256: it is not 64 hexadecimal digits");
}
