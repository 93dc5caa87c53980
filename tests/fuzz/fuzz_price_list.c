/* Price lists and catalogues: any bytes are prices or one error with its path; what was read
 * can be written and is read again the same.
 */
#include "shared/base/buffer.h"

#include "supervisor/prices/catalogue.h"
#include "supervisor/prices/price_rows.h"
#include "tests/fuzz/fuzz.h"

#define ERROR_MAX 4096

static void write_and_read_again(const struct price_sheets *price)
{
    struct buffer text, error;
    struct price_sheets again;
    struct arena arena;

    buffer_init(&text, PRICE_JSON_MAX);
    buffer_init(&error, ERROR_MAX);
    arena_init(&arena, 0);
    price_rows_write(price, &text);
    MUST(!text.failed);
    MUST(price_rows_sheets(buffer_span(&text), &arena, &again, &error));
    MUST(again.count == price->count &&
         memcmp(again.rows, price->rows, price->count * sizeof(price->rows[0])) == 0);
    arena_done(&arena);
    buffer_done(&error);
    buffer_done(&text);
}

static void read_list(struct span text)
{
    struct price_list_read list;
    struct buffer error;
    bool good;

    buffer_init(&error, ERROR_MAX);
    good = price_list_read(text, &list, &error);
    MUST(good == (error.len == 0));
    for (uint32_t i = 0; good && i < list.count; i++)
        write_and_read_again(&list.rows[i].price);
    if (good)
        price_list_done(&list);
    buffer_done(&error);
}

static void read_catalogue(struct span text)
{
    struct catalogue *catalogue;
    struct buffer error;

    buffer_init(&error, ERROR_MAX);
    catalogue = catalogue_parse(text, &error);
    MUST((catalogue != NULL) == (error.len == 0));
    for (uint32_t i = 0; catalogue && i < catalogue->count; i++) {
        const struct catalogue_model *model = &catalogue->models[i];

        MUST(catalogue_find(catalogue, model->kind, model->name) == model);
        if (model->price.count > 0)
            write_and_read_again(&model->price);
    }
    catalogue_free(catalogue);
    buffer_done(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of((const char *)data, size);

    if (size > 16384)
        return 0;
    read_list(text);
    read_catalogue(text);
    return 0;
}
