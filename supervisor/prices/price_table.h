/* supervisor/prices/price_table.h
 *
 * Which price is in force for a model at a provider account: of the first of these that has one
 *
 *   store      set with aigwctl or the admin API
 *   settings   `prices` of the settings file
 *   imported   from a price list (docs/prices.md)
 *   catalogue  share/models.json
 *
 * and there the one for the account before the one for its kind, the newest that has begun. A
 * model that the catalogue knows under an alias has, when there is none for that alias, the
 * price of its name there. Nothing is compared but whole names.
 */
#ifndef SUPERVISOR_PRICES_PRICE_TABLE_H
#define SUPERVISOR_PRICES_PRICE_TABLE_H

#include "supervisor/prices/catalogue.h"

enum price_origin {
    PRICE_ORIGIN_STORE,
    PRICE_ORIGIN_SETTINGS,
    PRICE_ORIGIN_IMPORTED,
    PRICE_ORIGIN_CATALOGUE
};

#define PRICE_ORIGINS 4

struct span price_origin_name(enum price_origin origin);

/* One price from one time on. */
struct price_row {
    enum price_origin origin;
    struct span provider; /* name of an account, or of a kind */
    struct span model;    /* its name there */
    int64_t from_ms;      /* wall */
    struct price_sheets price;
    struct span version; /* who says so, for people: "prices.json 2026-11-25" */
};

struct price_table {
    struct price_row *rows; /* sorted; they point at what they were made of */
    uint32_t count, size;
    const struct catalogue *catalogue;
    struct arena arena; /* for sheets that live as long as the table */
};

/* An empty one over CATALOGUE. */
void price_table_init(struct price_table *table, const struct catalogue *catalogue);
void price_table_done(struct price_table *table);
void price_table_add(struct price_table *table, const struct price_row *row);
/* After the last row, before the first question. */
void price_table_sort(struct price_table *table);

/* The price in force at NOW_MS of MODEL at the account NAME of KIND; false: nobody knows it. */
bool price_table_find(const struct price_table *table, struct span name,
                      const struct provider_kind *kind, struct span model, int64_t now_ms,
                      struct price_row *ret);
/* When after NOW_MS a price comes into force; INT64_MAX: none does. */
int64_t price_table_next(const struct price_table *table, int64_t now_ms);

#endif
