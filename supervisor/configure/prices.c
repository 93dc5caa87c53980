/* Prices of targets: each that is in force stands once in the snapshot. */
#include "shared/base/memory.h"

#include "supervisor/configure/configure_inside.h"

bool configure_read_catalogue(const struct settings *settings, const char *file,
                              struct catalogue **ret, struct buffer *reterr)
{
    struct buffer name _buffer_;
    struct buffer why _buffer_;

    *ret = NULL;
    buffer_init(&name, SETTINGS_PATH_MAX + 1);
    buffer_init(&why, SETTINGS_PATH_MAX + 1000);
    if (!settings->catalogue.ptr)
        return true;
    (void)buffer_append(&name, settings->catalogue);
    (void)buffer_append_byte(&name, '\0');
    *ret = catalogue_read(name.ptr, &why);
    if (!*ret)
        (void)buffer_append_format(reterr, "%s: catalogue: %.*s\n", file,
                                   SPAN_ARG(buffer_span(&why)));
    return *ret != NULL;
}

static void add_settings(struct price_table *table, const struct settings_price *from)
{
    struct price_sheet *sheets =
        ARENA_ARRAY(&table->arena, PRICE_SHEETS_MAX, struct price_sheet);
    struct price_row row = {.origin = PRICE_ORIGIN_SETTINGS,
                            .provider = from->provider,
                            .model = from->model,
                            .from_ms = (int64_t)from->from,
                            .price = {sheets, settings_price_sheets(from, sheets)},
                            .version = SPAN("settings")};

    price_complete(sheets, row.price.count);
    price_table_add(table, &row);
}

void configure_prices(const struct settings *settings, const struct configure_rows *rows,
                      struct price_table *ret)
{
    price_table_init(ret, configure_catalogue(rows));
    for (uint32_t i = 0; i < rows->price_count; i++)
        price_table_add(ret, &rows->prices[i]);
    for (uint32_t i = 0; i < settings->prices.count; i++)
        add_settings(ret, SETTINGS_ROW(settings->prices, i, settings_price));
    price_table_sort(ret);
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
