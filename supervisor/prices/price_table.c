#include "supervisor/prices/price_table.h"

#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

struct span price_origin_name(enum price_origin origin)
{
    static const struct span names[] = {WORD("store"), WORD("settings"), WORD("imported"),
                                        WORD("catalogue")};

    return (unsigned)origin < ARRAY_LEN(names) ? names[origin] : SPAN_NONE;
}

void price_table_init(struct price_table *table, const struct catalogue *catalogue)
{
    *table = (struct price_table){.catalogue = catalogue};
    arena_init(&table->arena, 4096);
}

void price_table_done(struct price_table *table)
{
    arena_done(&table->arena);
    memory_free(table->rows);
    *table = (struct price_table){.rows = NULL};
}

void price_table_add(struct price_table *table, const struct price_row *row)
{
    if (table->count == table->size) {
        table->size = table->size > 0 ? table->size * 2 : 64;
        table->rows = memory_resize(table->rows, table->size * sizeof(*table->rows));
    }
    table->rows[table->count++] = *row;
}

static int compare_texts(struct span a, struct span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Whose price it is. */
static int compare_subjects(const struct price_row *a, const struct price_row *b)
{
    int order = compare_texts(a->model, b->model);

    if (order == 0)
        order = compare_texts(a->provider, b->provider);
    return order != 0 ? order : (a->origin > b->origin) - (a->origin < b->origin);
}

/* Of one subject, the newest first. */
static int compare_rows(const void *left, const void *right)
{
    const struct price_row *a = left, *b = right;
    int order = compare_subjects(a, b);

    return order != 0 ? order : (a->from_ms < b->from_ms) - (a->from_ms > b->from_ms);
}

void price_table_sort(struct price_table *table)
{
    if (table->count > 1)
        qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
}

/* The first row that is not before WANTED. */
static uint32_t lower_bound(const struct price_table *table, const struct price_row *wanted)
{
    uint32_t low = 0, high = table->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (compare_rows(&table->rows[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool find_row(const struct price_table *table, struct price_row wanted,
                     struct price_row *ret)
{
    uint32_t at = lower_bound(table, &wanted);

    if (at == table->count || compare_subjects(&table->rows[at], &wanted) != 0)
        return false;
    *ret = table->rows[at];
    return true;
}

/* Of one origin: the account's, then the kind's. */
static bool find_of_origin(const struct price_table *table, struct price_row wanted,
                           struct span kind, struct price_row *ret)
{
    if (find_row(table, wanted, ret))
        return true;
    wanted.provider = kind;
    return find_row(table, wanted, ret);
}

static bool find_in_catalogue(const struct catalogue *catalogue,
                              const struct catalogue_model *known, int64_t now_ms,
                              struct price_row *ret)
{
    struct catalogue_price price;

    if (!known || known->price.count == 0)
        return false;
    price = catalogue_price_at(known, now_ms);
    *ret = (struct price_row){.origin = PRICE_ORIGIN_CATALOGUE,
                              .provider = known->kind->name,
                              .model = known->name,
                              .from_ms = price.from_ms,
                              .price = price.price,
                              .version = catalogue->version};
    return true;
}

bool price_table_find(const struct price_table *table, struct span name,
                      const struct provider_kind *kind, struct span model, int64_t now_ms,
                      struct price_row *ret)
{
    const struct catalogue_model *known = catalogue_find(table->catalogue, kind, model);
    struct price_row wanted = {.provider = name, .from_ms = now_ms};

    for (unsigned origin = 0; origin < PRICE_ORIGIN_CATALOGUE; origin++) {
        wanted.origin = (enum price_origin)origin;
        wanted.model = model;
        if (find_of_origin(table, wanted, kind->name, ret))
            return true;
        if (known) {
            wanted.model = known->name;
            if (find_of_origin(table, wanted, kind->name, ret))
                return true;
        }
    }
    return find_in_catalogue(table->catalogue, known, now_ms, ret);
}

static int64_t next_of_catalogue(const struct catalogue *catalogue, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;

    for (uint32_t i = 0; i < catalogue->count; i++) {
        const struct catalogue_model *model = &catalogue->models[i];

        for (uint32_t j = 0; j < model->later_count; j++) {
            if (model->later[j].from_ms > now_ms && model->later[j].from_ms < next_ms)
                next_ms = model->later[j].from_ms;
        }
    }
    return next_ms;
}

int64_t price_table_next(const struct price_table *table, int64_t now_ms)
{
    int64_t next_ms = next_of_catalogue(table->catalogue, now_ms);

    for (uint32_t i = 0; i < table->count; i++) {
        if (table->rows[i].from_ms > now_ms && table->rows[i].from_ms < next_ms)
            next_ms = table->rows[i].from_ms;
    }
    return next_ms;
}
