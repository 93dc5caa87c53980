#include "supervisor/prices/price_rows.h"

#include <errno.h>

#include "shared/base/check.h"

static const struct span store_origin = WORD("store");

struct each {
    price_stored_f *function;
    void *who;
};

static void give(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;

    CHECK(count == 6);
    struct price_row row = {.origin = span_eq(values[0].text, store_origin)
                                          ? PRICE_ORIGIN_STORE
                                          : PRICE_ORIGIN_IMPORTED,
                            .provider = values[1].text,
                            .model = values[2].text,
                            .from_ms = values[3].number,
                            .version = values[5].text};

    each->function(each->who, &row, values[4].text);
}

int price_rows_each(struct store *store, price_stored_f *function, void *who)
{
    struct each each = {function, who};
    int64_t rows = store_run(store,
                             "select origin, provider, model, from_ms, price, source "
                             "from prices order by origin, provider, model, from_ms",
                             NULL, 0, give, &each);

    return rows < 0 ? (int)rows : 0;
}

void price_rows_write(const struct price_sheets *price, struct buffer *out)
{
    struct json_writer writer;

    json_write_init(&writer, out);
    json_write_object(&writer);
    price_write_sheets(&writer, price->rows, price->count);
    json_write_object_end(&writer);
}

int price_rows_set(struct store *store, const struct price_row *row, int64_t now_ms)
{
    struct buffer json _buffer_;

    buffer_init(&json, PRICE_JSON_MAX);
    price_rows_write(&row->price, &json);
    if (json.failed)
        return -EINVAL;
    const struct store_value values[] = {STORE_TEXT_VALUE(price_origin_name(row->origin)),
                                         STORE_TEXT_VALUE(row->provider),
                                         STORE_TEXT_VALUE(row->model),
                                         STORE_NUMBER_VALUE(row->from_ms),
                                         STORE_TEXT_VALUE(buffer_span(&json)),
                                         STORE_TEXT_VALUE(row->version),
                                         STORE_NUMBER_VALUE(now_ms)};
    int64_t rows = store_change(
        store,
        "insert into prices (origin, provider, model, from_ms, price, source, updated_ms) "
        "values ($1, $2, $3, $4, $5, $6, $7) on conflict (origin, provider, model, from_ms) "
        "do update set price = excluded.price, source = excluded.source, "
        "updated_ms = excluded.updated_ms",
        values, ARRAY_LEN(values));

    return rows < 0 ? (int)rows : 0;
}

int price_rows_remove(struct store *store, struct span provider, struct span model,
                      int64_t from_ms)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(provider), STORE_TEXT_VALUE(model),
                                         STORE_NUMBER_VALUE(from_ms)};
    int64_t rows = store_change(store,
                                "delete from prices where origin = 'store' and provider = $1 "
                                "and model = $2 and (from_ms = $3 or $3 < 0)",
                                values, ARRAY_LEN(values));

    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

bool price_rows_sheets(struct span json, struct arena *arena, struct price_sheets *ret,
                       struct buffer *reterr)
{
    struct price_reading reading;
    struct json_value value;
    struct json_error error;
    bool good;

    if (!json_check(json, &value, &error) || value.kind != JSON_OBJECT) {
        (void)buffer_append(reterr, SPAN("it is no JSON object"));
        return false;
    }
    price_reading_init(&reading, arena, reterr);
    good = price_read_sheets(&reading, json_member(value, SPAN("rates")),
                             json_member(value, SPAN("tiers")), ret);
    price_reading_done(&reading);
    return good;
}
