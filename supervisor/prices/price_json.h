/* supervisor/prices/price_json.h
 *
 * The JSON form of a price, one for the catalogue, the admin API and the store:
 *
 *   "rates": {"input": 2.5, "output": 15}, "tiers": [{"service": "batch", "above_input":
 * 272000, "rates": {..}}]
 *
 * Dollars for as many as prices.def says. A tier may leave out rates (then they are the first
 * ones'), its service (standard) and its bound (0). What is wrong is told with its path, as
 * "models[3].rates.input: it is negative"; the first error ends the reading.
 */
#ifndef SUPERVISOR_PRICES_PRICE_JSON_H
#define SUPERVISOR_PRICES_PRICE_JSON_H

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/price/price.h"
#include "shared/text/json.h"
#include "shared/text/json_write.h"

#define PRICE_PATH_BYTES 512

struct price_sheets {
    const struct price_sheet *rows; /* complete; NULL: the price is not known */
    uint32_t count;
};

/* Where a reading is, and what it found. */
struct price_reading {
    struct arena *arena;   /* of what is read */
    struct buffer path;    /* price_reading_init, price_reading_done */
    struct buffer *reterr; /* one line */
};

void price_reading_init(struct price_reading *reading, struct arena *arena,
                        struct buffer *reterr);
void price_reading_done(struct price_reading *reading);
/* Adds "PATH: WHAT" once; always false. */
bool price_complain(struct price_reading *reading, const char *what);

/* One step down: ".name" or "[index]"; the mark leads back. */
size_t price_enter(struct price_reading *reading, struct span name);
size_t price_enter_item(struct price_reading *reading, uint32_t index);
void price_leave(struct price_reading *reading, size_t mark);

/* Members of an object by their names; false after a complaint. */
typedef bool price_member_f(struct price_reading *reading, void *who, struct json_value value);

struct price_member {
    const char *name;
    price_member_f *read;
};

/* Each member of VALUE must have a row and stand once. */
bool price_read_members(struct price_reading *reading, struct json_value value,
                        const struct price_member *rows, unsigned count, void *who);

/* Values of one member. */
bool price_read_text(struct price_reading *reading, struct json_value value, size_t longest,
                     struct span *ret);
bool price_read_number(struct price_reading *reading, struct json_value value, uint64_t most,
                       uint64_t *ret);

/* RATES and TIERS (may be absent) as sheets. */
bool price_read_sheets(struct price_reading *reading, struct json_value rates,
                       struct json_value tiers, struct price_sheets *ret);
/* The members "rates" and "tiers" of an object that is open. */
void price_write_sheets(struct json_writer *writer, const struct price_sheet *rows,
                        uint32_t count);

#endif
