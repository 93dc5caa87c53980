/* supervisor/prices/price_rows.h
 *
 * Prices in the store (table prices): set by people, or imported from a list, of which the last
 * good one stands until a better one is taken whole. Blocking, for the line. Results are those
 * of the store.
 */
#ifndef SUPERVISOR_PRICES_PRICE_ROWS_H
#define SUPERVISOR_PRICES_PRICE_ROWS_H

#include "supervisor/prices/price_list.h"
#include "supervisor/store/store.h"

#define PRICE_JSON_MAX     8192
#define PRICE_SHRINK_LEAST 95 /* of a hundred models, an import must still have */

/* ROW without its price, which JSON is. The texts live until the function returns. */
typedef void price_stored_f(void *who, const struct price_row *row, struct span json);

int price_rows_each(struct store *store, price_stored_f *function, void *who);
/* Takes the place of one for the same time. */
int price_rows_set(struct store *store, const struct price_row *row, int64_t now_ms);
/* Of the store's own, the one from FROM_MS on or (negative) all; -ENOENT: there is none. */
int price_rows_remove(struct store *store, struct span provider, struct span model,
                      int64_t from_ms);

/* The JSON form. */
void price_rows_write(const struct price_sheets *price, struct buffer *out);
/* The JSON form as sheets in ARENA; false with a line in *reterr. */
bool price_rows_sheets(struct span json, struct arena *arena, struct price_sheets *ret,
                       struct buffer *reterr);

struct price_import {
    struct span name;   /* of the file, for people */
    struct span sha256; /* that it must have, in hexadecimal digits; ptr NULL: any */
    bool unless_same;   /* nothing is done when it was imported before */
    /* out */
    char digest[64];
    uint32_t models, models_before, others, free;
    bool same;
};

/* 0; -EINVAL with one line in *reterr (it is not what it must be, and nothing was changed); or
 * what the store said. */
int price_rows_import(struct store *store, struct span text, struct price_import *import,
                      int64_t now_ms, struct buffer *reterr);

#endif
