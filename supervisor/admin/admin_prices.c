/* /admin/v1/prices */
#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/base/log.h"

#include "supervisor/admin/routes.h"
#include "supervisor/prices/price_rows.h"

#define ERROR_BYTES    2000
#define PROVIDER_BYTES 64
#define MODEL_BYTES    200
#define SOURCE_BYTES   1000

/* ---- what is in force ---------------------------------------------------------------------
 */

static void make_table(const struct house *house, struct price_table *ret)
{
    struct configure_rows rows = {0};

    if (house->rows)
        rows = *house->rows;
    rows.catalogue = house->catalogue;
    configure_prices(house->settings, &rows, ret);
}

/* The kind of an account, or that of the name itself. */
static const struct provider_kind *kind_of(const struct house *house, struct span name)
{
    const struct snapshot_provider *provider = NULL;
    uint32_t index;

    if (house->snapshot)
        provider = snapshot_find_provider(house->snapshot, name, &index);
    return provider_kind_find(provider ? snapshot_span(house->snapshot, provider->kind) : name);
}

static void write_row(struct json_writer *writer, const struct price_row *row, bool in_force)
{
    json_write_object(writer);
    json_write_member_text(writer, SPAN("provider"), row->provider);
    json_write_member_text(writer, SPAN("model"), row->model);
    json_write_member_text(writer, SPAN("origin"), price_origin_name(row->origin));
    json_write_member_bool(writer, SPAN("in_force"), in_force);
    json_write_key(writer, SPAN("from_ms"));
    if (row->from_ms > 0)
        json_write_i64(writer, row->from_ms);
    else
        json_write_null(writer);
    json_write_member_text(writer, SPAN("source"), row->version);
    price_write_sheets(writer, row->price.rows, row->price.count);
    json_write_object_end(writer);
}

static bool is_in_force(const struct house *house, const struct price_table *table,
                        const struct price_row *row, int64_t now_ms)
{
    const struct provider_kind *kind = kind_of(house, row->provider);
    struct price_row best;

    return kind && price_table_find(table, row->provider, kind, row->model, now_ms, &best) &&
           best.price.rows == row->price.rows;
}

static void write_table(struct json_writer *writer, const struct house *house,
                        const struct price_table *table, struct span provider)
{
    int64_t now_ms = clock_wall_ms();

    for (uint32_t i = 0; i < table->count; i++) {
        const struct price_row *row = &table->rows[i];

        if (!provider.ptr || span_eq(row->provider, provider))
            write_row(writer, row, is_in_force(house, table, row, now_ms));
    }
}

/* The price of MODEL from a time on: INDEX 0 is the one without a date. */
static struct price_row row_of_catalogue(const struct catalogue *catalogue,
                                         const struct catalogue_model *model, uint32_t index)
{
    struct price_row row = {.origin = PRICE_ORIGIN_CATALOGUE,
                            .provider = model->kind->name,
                            .model = model->name,
                            .price = model->price,
                            .version = catalogue->version};

    if (index > 0) {
        row.price = model->later[index - 1].price;
        row.from_ms = model->later[index - 1].from_ms;
    }
    return row;
}

static void write_catalogue(struct json_writer *writer, const struct house *house,
                            const struct price_table *table, struct span provider)
{
    const struct catalogue *catalogue = table->catalogue;
    int64_t now_ms = clock_wall_ms();

    for (uint32_t i = 0; i < catalogue->count; i++) {
        const struct catalogue_model *model = &catalogue->models[i];

        if (model->price.count == 0 || (provider.ptr && !span_eq(model->kind->name, provider)))
            continue;
        for (uint32_t j = 0; j <= model->later_count; j++) {
            struct price_row row = row_of_catalogue(catalogue, model, j);

            write_row(writer, &row, is_in_force(house, table, &row, now_ms));
        }
    }
}

/* All of them, or those of one account or kind by its name. */
void route_prices_list(struct admin_request *request)
{
    struct json_writer writer = admin_answer(request);
    struct price_table table;

    make_table(request->house, &table);
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("catalogue"), table.catalogue->version);
    json_write_key(&writer, SPAN("prices"));
    json_write_array(&writer);
    write_table(&writer, request->house, &table, request->arguments[0]);
    write_catalogue(&writer, request->house, &table, request->arguments[0]);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    price_table_done(&table);
}

/* ---- one model ----------------------------------------------------------------------------
 */

/* Every price that is known of MODEL at PROVIDER, the one in force first among its like. */
static void write_known(struct json_writer *writer, const struct price_table *table,
                        const struct admin_request *request, const struct provider_kind *kind)
{
    struct span name = request->arguments[0], model = request->arguments[1];
    const struct catalogue_model *known = catalogue_find(table->catalogue, kind, model);
    struct price_row best;
    bool found = price_table_find(table, name, kind, model, clock_wall_ms(), &best);

    for (uint32_t i = 0; i < table->count; i++) {
        const struct price_row *row = &table->rows[i];
        bool same_model =
            span_eq(row->model, model) || (known && span_eq(row->model, known->name));

        if (same_model && (span_eq(row->provider, name) || span_eq(row->provider, kind->name)))
            write_row(writer, row, found && best.price.rows == row->price.rows);
    }
    for (uint32_t i = 0; known && known->price.count > 0 && i <= known->later_count; i++) {
        struct price_row row = row_of_catalogue(table->catalogue, known, i);

        write_row(writer, &row, found && best.price.rows == row.price.rows);
    }
}

static void answer_one(struct admin_request *request, const struct provider_kind *kind)
{
    struct json_writer writer = admin_answer(request);
    struct price_table table;

    make_table(request->house, &table);
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("provider"), request->arguments[0]);
    json_write_member_text(&writer, SPAN("kind"), kind->name);
    json_write_member_text(&writer, SPAN("model"), request->arguments[1]);
    json_write_key(&writer, SPAN("prices"));
    json_write_array(&writer);
    write_known(&writer, &table, request, kind);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    price_table_done(&table);
}

void route_prices_get(struct admin_request *request)
{
    const struct provider_kind *kind = kind_of(request->house, request->arguments[0]);

    if (kind)
        answer_one(request, kind);
    else
        admin_refuse_errno(request, -ENOENT, SPAN("provider"));
}

/* ---- models without a price ---------------------------------------------------------------
 */

/* Each target once: it is asked for under several names. */
static bool seen_before(const struct snapshot *snapshot, uint32_t model, uint32_t target)
{
    struct snapshot_table models = snapshot_page(snapshot)->models;
    const struct snapshot_model *of = SNAPSHOT_ROW(snapshot, models, model, snapshot_model);
    const struct snapshot_target *wanted =
        SNAPSHOT_ROW(snapshot, of->targets, target, snapshot_target);

    for (uint32_t i = 0; i <= model; i++) {
        const struct snapshot_model *row = SNAPSHOT_ROW(snapshot, models, i, snapshot_model);
        uint32_t count = i == model ? target : row->targets.count;

        for (uint32_t j = 0; row->listed && j < count; j++) {
            const struct snapshot_target *other =
                SNAPSHOT_ROW(snapshot, row->targets, j, snapshot_target);

            if (other->price == 0 && other->provider == wanted->provider &&
                span_eq(snapshot_span(snapshot, other->model),
                        snapshot_span(snapshot, wanted->model)))
                return true;
        }
    }
    return false;
}

static void write_unknown(struct json_writer *writer, const struct snapshot *snapshot,
                          const struct snapshot_model *model,
                          const struct snapshot_target *target)
{
    const struct snapshot_provider *provider = SNAPSHOT_ROW(
        snapshot, snapshot_page(snapshot)->providers, target->provider, snapshot_provider);

    json_write_object(writer);
    json_write_member_text(writer, SPAN("provider"), snapshot_span(snapshot, provider->name));
    json_write_member_text(writer, SPAN("model"), snapshot_span(snapshot, target->model));
    json_write_member_text(writer, SPAN("asked_for_as"), snapshot_span(snapshot, model->name));
    json_write_object_end(writer);
}

static void write_unknowns(struct json_writer *writer, const struct snapshot *snapshot,
                           uint32_t index)
{
    const struct snapshot_model *model =
        SNAPSHOT_ROW(snapshot, snapshot_page(snapshot)->models, index, snapshot_model);

    for (uint32_t i = 0; model->listed && i < model->targets.count; i++) {
        const struct snapshot_target *target =
            SNAPSHOT_ROW(snapshot, model->targets, i, snapshot_target);

        if (target->price == 0 && !seen_before(snapshot, index, i))
            write_unknown(writer, snapshot, model, target);
    }
}

void route_prices_unknown(struct admin_request *request)
{
    const struct snapshot *snapshot = request->house->snapshot;
    struct json_writer writer = admin_answer(request);
    uint32_t count = snapshot ? snapshot_page(snapshot)->models.count : 0;

    json_write_object(&writer);
    json_write_key(&writer, SPAN("unknown"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < count; i++)
        write_unknowns(&writer, snapshot, i);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

uint32_t admin_models_without_price(const struct snapshot *snapshot)
{
    struct snapshot_table models = snapshot_page(snapshot)->models;
    uint32_t count = 0;

    for (uint32_t i = 0; i < models.count; i++) {
        const struct snapshot_model *model = SNAPSHOT_ROW(snapshot, models, i, snapshot_model);
        bool known = true;

        for (uint32_t j = 0; j < model->targets.count; j++)
            known =
                known && SNAPSHOT_ROW(snapshot, model->targets, j, snapshot_target)->price != 0;
        count += model->listed && !known;
    }
    return count;
}

/* ---- changes, on the line -----------------------------------------------------------------
 */

struct wanted {
    struct price_row row;
    struct json_value rates, tiers;
};

static bool read_from(struct price_reading *reading, void *who, struct json_value value)
{
    struct span text;

    if (value.kind == JSON_NULL)
        return true;
    return price_read_text(reading, value, 40, &text) &&
           (clock_read_date_ms(text, &((struct wanted *)who)->row.from_ms) ||
            price_complain(reading, "it is no date like 2026-12-01 or 2026-12-01T08:00:00Z"));
}

static bool read_source(struct price_reading *reading, void *who, struct json_value value)
{
    return price_read_text(reading, value, SOURCE_BYTES, &((struct wanted *)who)->row.version);
}

static bool keep_rates(struct price_reading *reading, void *who, struct json_value value)
{
    (void)reading;
    ((struct wanted *)who)->rates = value;
    return true;
}

static bool keep_tiers(struct price_reading *reading, void *who, struct json_value value)
{
    (void)reading;
    ((struct wanted *)who)->tiers = value;
    return true;
}

static const struct price_member wanted_members[] = {
    {"from", read_from}, {"source", read_source}, {"rates", keep_rates}, {"tiers", keep_tiers}};

static bool read_wanted(struct price_reading *reading, struct span body, struct wanted *wanted)
{
    struct json_value value;
    struct json_error error;

    if (!json_check(body, &value, &error))
        return price_complain(reading, "it is no JSON");
    if (!price_read_members(reading, value, wanted_members, ARRAY_LEN(wanted_members), wanted))
        return false;
    if (wanted->rates.kind == JSON_ABSENT)
        return price_complain(reading, "there are no rates");
    return price_read_sheets(reading, wanted->rates, wanted->tiers, &wanted->row.price);
}

static bool are_names(const struct admin_request *request)
{
    return request->arguments[0].len <= PROVIDER_BYTES &&
           request->arguments[1].len <= MODEL_BYTES && utf8_valid(request->arguments[0]) &&
           utf8_valid(request->arguments[1]);
}

static void answer_row(struct admin_request *request, const struct price_row *row)
{
    struct json_writer writer = admin_answer(request);

    write_row(&writer, row, row->from_ms <= clock_wall_ms());
}

/* Without a date it is in force from now on. */
void route_prices_set(struct admin_request *request)
{
    struct wanted wanted = {.row = {.origin = PRICE_ORIGIN_STORE,
                                    .provider = request->arguments[0],
                                    .model = request->arguments[1],
                                    .from_ms = clock_wall_ms(),
                                    .version = SPAN("set by hand")},
                            .rates.kind = JSON_ABSENT,
                            .tiers.kind = JSON_ABSENT};
    struct price_reading reading;
    struct buffer error _buffer_;
    int result = -EINVAL;

    buffer_init(&error, ERROR_BYTES);
    price_reading_init(&reading, &request->arena, &error);
    if (are_names(request) && read_wanted(&reading, request->body, &wanted))
        result = price_rows_set(request->house->store, &wanted.row, clock_wall_ms());
    price_reading_done(&reading);
    if (error.len > 0)
        admin_refuse(request, 400, "bad_request", buffer_span(&error));
    else if (result < 0)
        admin_refuse_errno(request, result, SPAN("price"));
    else
        answer_row(request, &wanted.row);
}

/* The one from ?from_ms= on, or all that the store has of the model. */
void route_prices_remove(struct admin_request *request)
{
    uint64_t from_ms = admin_query_number(request, SPAN("from_ms"), UINT64_MAX);
    struct json_writer writer;
    int result =
        price_rows_remove(request->house->store, request->arguments[0], request->arguments[1],
                          from_ms <= INT64_MAX ? (int64_t)from_ms : -1);

    if (result < 0) {
        admin_refuse_errno(request, result, SPAN("price"));
        return;
    }
    writer = admin_answer(request);
    json_write_object(&writer);
    json_write_member_bool(&writer, SPAN("ok"), true);
    json_write_object_end(&writer);
}

static void answer_import(struct admin_request *request, const struct price_import *import)
{
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_member_u64(&writer, SPAN("models"), import->models);
    json_write_member_u64(&writer, SPAN("models_before"), import->models_before);
    json_write_member_u64(&writer, SPAN("others"), import->others);
    json_write_member_u64(&writer, SPAN("without_price"), import->free);
    json_write_member_text(&writer, SPAN("sha256"),
                           span_of(import->digest, sizeof(import->digest)));
    json_write_object_end(&writer);
}

static void refuse_import(struct admin_request *request, const struct price_import *import,
                          int result, struct span why)
{
    if (result != -EINVAL) {
        admin_refuse_errno(request, result, SPAN("price list"));
        return;
    }
    atomic_fetch_add(&request->house->price_lists_refused, 1);
    log_event(LOG_ERROR, "a price list is refused: the last good one stands",
              LOG_TEXT_FIELD("file", import->name), LOG_TEXT_FIELD("why", why));
    admin_refuse(request, 400, "bad_price_list", why);
}

/* The body is the list; ?name= is for people, ?sha256= pins it. */
void route_prices_import(struct admin_request *request)
{
    struct price_import import = {.name = admin_query_text(request, SPAN("name")),
                                  .sha256 = admin_query_text(request, SPAN("sha256"))};
    struct buffer error _buffer_;
    int result;

    buffer_init(&error, ERROR_BYTES);
    if (!import.name.ptr)
        import.name = SPAN("list");
    result = price_rows_import(request->house->store, request->body, &import, clock_wall_ms(),
                               &error);
    if (result < 0)
        refuse_import(request, &import, result, buffer_span(&error));
    else
        answer_import(request, &import);
}
