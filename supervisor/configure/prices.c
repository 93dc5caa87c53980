/* Prices of targets: each that is in force stands once in the snapshot. */
#include "shared/base/memory.h"

#include "supervisor/configure/configure_inside.h"

void prices_begin(struct price_list *list, struct snapshot_builder *builder,
                  const struct configure_rows *rows, int64_t now_ms)
{
    *list = (struct price_list){.builder = builder, .now_ms = now_ms};
    price_table_init(&list->table, configure_catalogue(rows));
    for (uint32_t i = 0; i < rows->price_count; i++)
        price_table_add(&list->table, &rows->prices[i]);
    price_table_sort(&list->table);
}

static uint32_t add_price(struct price_list *list, const struct price_row *row)
{
    struct snapshot_price price = {
        .version = snapshot_build_text(list->builder, row->version),
        .sheets = SNAPSHOT_BUILD_ROWS(list->builder, row->price.rows, row->price.count),
    };

    if (list->count == list->size) {
        list->size = list->size > 0 ? list->size * 2 : 256;
        list->rows = memory_resize(list->rows, list->size * sizeof(*list->rows));
        list->made_of = memory_resize(list->made_of, list->size * sizeof(*list->made_of));
    }
    list->made_of[list->count] = row->price.rows;
    list->rows[list->count++] = price;
    return list->count;
}

uint32_t prices_number(struct price_list *list, const struct account *account,
                       struct span model)
{
    struct price_row row;

    if (!price_table_find(&list->table, account->name, account->kind, model, list->now_ms,
                          &row))
        return 0;
    for (uint32_t i = list->count; i > 0; i--) {
        if (list->made_of[i - 1] == row.price.rows)
            return i;
    }
    return add_price(list, &row);
}

void prices_end(struct price_list *list, struct snapshot_header_page *page)
{
    page->prices = SNAPSHOT_BUILD_ROWS(list->builder, list->rows, list->count);
    memory_free(list->rows);
    memory_free(list->made_of);
    price_table_done(&list->table);
}
