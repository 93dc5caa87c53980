/* shared/price/price.h
 *
 * What an exchange costs, in integer nanodollars. A price is a few sheets: one for each kind of
 * service and for each size of prompt from which other rates are in force; the sheet that fits
 * prices the whole exchange. One function prices what is reserved, what is settled and what is
 * explained. No floating point: a sum of products of 128 bits, divided once, rounded up.
 */
#ifndef SHARED_PRICE_PRICE_H
#define SHARED_PRICE_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

enum price_unit {
#define PRICE_UNIT(name, per, help) PRICE_##name,
#include "shared/price/prices.def"
    PRICE_UNIT_COUNT
};

enum price_service {
#define PRICE_SERVICE(name, help) PRICE_SERVICE_##name,
#include "shared/price/prices.def"
    PRICE_SERVICE_COUNT
};

#define PRICE_SHEETS_MAX 16
#define PRICE_NOT_GIVEN  UINT64_MAX
#define PRICE_UNKNOWN    UINT64_MAX        /* a cost that nobody knows */
#define PRICE_RATE_MAX   10000000000000ULL /* nanodollars, for as many as prices.def says */

/* Rates of a unit that is not given are those of the unit that contains it: reasoning and
 * audio_output and image_output of output; cache_write_long of cache_write; the others of
 * input; request and search are free. */
struct price_sheet {
    uint64_t above_input; /* in force when the whole prompt has more tokens than this */
    uint32_t service;     /* enum price_service */
    uint32_t reserved;
    uint64_t rates[PRICE_UNIT_COUNT]; /* nanodollars for as many as prices.def says */
};

/* What was used: INPUT and OUTPUT are all of prompt and answer, the other tokens are parts of
 * them, and no token is in two parts (cache_write has none of cache_write_long). Nothing is
 * unknown here: what nobody reported is 0. */
struct price_use {
    uint64_t counts[PRICE_UNIT_COUNT];
    uint32_t service; /* enum price_service */
};

/* SHEETS: COUNT of them. The sheet that prices USE, or NULL when there is none: of the sheets
 * of its service and of standard the one with the largest bound that the prompt is above, and
 * of two with one bound its service's. So a service without a sheet is priced as standard, and
 * a long prompt is never priced as a short one. */
const struct price_sheet *price_find_sheet(const struct price_sheet *sheets, uint32_t count,
                                           const struct price_use *use);
/* Nanodollars, at most INT64_MAX; PRICE_UNKNOWN when tokens were used for which the sheet has
 * no rate. Parts that are larger than their whole count as the whole. */
uint64_t price_cost(const struct price_sheet *sheet, const struct price_use *use);
/* The same, and the sum with its numbers, for people and for the usage record: "1200 input x
 * $3/M + ..". */
uint64_t price_explain(const struct price_sheet *sheet, const struct price_use *use,
                       struct buffer *out);

struct span price_unit_name(unsigned unit);
struct span price_service_name(unsigned service);
/* How many of it a rate is for. */
uint64_t price_unit_per(unsigned unit);
/* The unit whose rate stands for one that is not given, or PRICE_UNIT_COUNT. */
unsigned price_unit_container(unsigned unit);

/* What is wrong with the sheets of a price, as a fixed sentence part, and with which one; NULL:
 * nothing. The first is standard's for every prompt and has a rate for input; those of one
 * service stand in the order of their bounds. */
const char *price_fault(const struct price_sheet *sheets, uint32_t count, uint32_t *ret_index);
/* A rate that a later sheet leaves out is the first one's. */
void price_complete(struct price_sheet *sheets, uint32_t count);
/* No rate is given. */
void price_sheet_clear(struct price_sheet *sheet);

/* A decimal number as JSON has it ("2.5", "1.5e-07") times 10^POWER in dollars, as nanodollars
 * rounded to the nearest. False when it is none, negative, or above INT64_MAX. */
bool price_read_dollars(struct span number, unsigned power, uint64_t *ret);

#endif
