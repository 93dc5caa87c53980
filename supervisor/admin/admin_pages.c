/* Status, models, settings, metrics, health. */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/memory.h"
#include "shared/base/money.h"

#include "supervisor/admin/routes.h"
#include "supervisor/metrics/metrics.h"

static const char *const state_names[] = {
    [SLOT_FREE] = "free",         [SLOT_STARTING] = "starting", [SLOT_READY] = "ready",
    [SLOT_DRAINING] = "draining", [SLOT_DEAD] = "dead",
};

/* ---- health, metrics --------------------------------------------------------------------- */

static void answer_text(struct admin_request *request, uint16_t status, struct span text)
{
    request->status = status;
    request->content_type = "text/plain; charset=utf-8";
    (void)buffer_append(&request->answer, text);
}

void route_healthz(struct admin_request *request)
{
    answer_text(request, 200, SPAN("ok\n"));
}

void route_readyz(struct admin_request *request)
{
    if (request->house->rows)
        answer_text(request, 200, SPAN("ready\n"));
    else
        answer_text(request, 503, SPAN("degraded: no keys are known yet\n"));
}

static void view_budgets(struct admin_request *request, struct metrics_view *view)
{
    const struct house *house = request->house;
    const struct configure_budgets *list = house->budgets;
    struct share_standing standing;
    struct metrics_budget *rows =
        ARENA_ARRAY(&request->arena, METRICS_BUDGETS_MAX, struct metrics_budget);
    struct buffer name _buffer_;

    buffer_init(&name, 1024);
    for (uint32_t i = 0; i < list->count && view->budget_count < METRICS_BUDGETS_MAX; i++) {
        const struct configure_budget *row = &list->rows[i];

        if (!row->runs)
            continue;
        buffer_clear(&name);
        (void)buffer_append_format(&name, "%.*s:%.*s/%.*s",
                                   SPAN_ARG(limit_scope_name(row->kind)),
                                   SPAN_ARG(row->subject), SPAN_ARG(row->name));
        standing = share_standing(house->share, segment_bucket(house->segment, row->bucket),
                                  row->identity);
        rows[view->budget_count++] = (struct metrics_budget){
            arena_copy(&request->arena, buffer_span(&name)), row->rule.amount_nano,
            standing.spent_nano, standing.committed_nano};
    }
    view->budgets = rows;
}

static struct span credential_name(struct admin_request *request,
                                   const struct snapshot *snapshot,
                                   const struct snapshot_credential *row, uint32_t index)
{
    struct buffer number _buffer_;

    buffer_init(&number, 16);
    if (row->name.offset)
        return snapshot_span(snapshot, row->name);
    (void)buffer_append_u64(&number, index + 1);
    return arena_copy(&request->arena, buffer_span(&number));
}

/* Of accounts with several; one alone has its provider's figures. */
static void view_credentials(struct admin_request *request, struct snapshot_table table,
                             struct metrics_view *view)
{
    const struct snapshot *snapshot = request->house->snapshot;
    struct metrics_credential *rows = ARENA_ARRAY(
        &request->arena, table.count * SNAPSHOT_CREDENTIALS_MAX + 1, struct metrics_credential);

    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_provider *provider =
            SNAPSHOT_ROW(snapshot, table, i, snapshot_provider);

        for (uint32_t j = 0; j < provider->credentials.count && provider->credentials.count > 1;
             j++) {
            const struct snapshot_credential *row =
                SNAPSHOT_ROW(snapshot, provider->credentials, j, snapshot_credential);

            rows[view->credential_count++] = (struct metrics_credential){
                snapshot_span(snapshot, provider->name),
                credential_name(request, snapshot, row, j), row->row};
        }
    }
    view->credentials = rows;
}

static struct metrics_provider provider_view(const struct house *house,
                                             const struct snapshot_provider *row)
{
    struct metrics_provider view = {.name = snapshot_span(house->snapshot, row->name),
                                    .health_row = row->health_row,
                                    .queue = snapshot_queue(house->snapshot, row)};

    for (unsigned state = 0; state < HEALTH_STATES; state++)
        view.changes[state] =
            watch_changes(house->watch, row->health_row, (enum health_state)state);
    return view;
}

void route_metrics(struct admin_request *request)
{
    struct house *house = request->house;
    struct snapshot_table table = {0};
    struct ledger_status ledger;
    struct share_status shared;
    struct metrics_view view = {.segment = house->segment};
    struct metrics_provider *providers;

    if (house->snapshot)
        table = snapshot_page(house->snapshot)->providers;
    providers = ARENA_ARRAY(&request->arena, table.count + 1, struct metrics_provider);
    for (uint32_t i = 0; i < table.count; i++)
        providers[i] =
            provider_view(house, SNAPSHOT_ROW(house->snapshot, table, i, snapshot_provider));
    ledger_status(house->ledger, &ledger);
    view.providers = providers;
    view.provider_count = table.count;
    view_credentials(request, table, &view);
    view_budgets(request, &view);
    view.started_wall_ms = house->started_wall_ms;
    view.workers_dead = house->workers_dead;
    view.store_up = strcmp(store_state(house->store), "open") == 0;
    view.ledger_waiting_bytes = ledger.waiting_bytes;
    view.ledger_records = ledger.records_total;
    view.ledger_failures = house->ledger_failures;
    share_status(house->share, &shared);
    view.share_hosts = shared.hosts;
    view.share_breaker_open = shared.breaker_open;
    view.share_failures = shared.failures;
    view.price_lists_refused = atomic_load(&house->price_lists_refused);
    view.price_list_refused = house->price_list_refused;
    view.models_without_price =
        house->snapshot ? admin_models_without_price(house->snapshot) : 0;
    request->status = 200;
    request->content_type = METRICS_CONTENT_TYPE;
    metrics_write(&view, &request->answer);
}

/* ---- models, settings -------------------------------------------------------------------- */

static void write_targets(struct json_writer *writer, const struct snapshot *snapshot,
                          const struct snapshot_model *model)
{
    json_write_key(writer, SPAN("targets"));
    json_write_array(writer);
    for (uint32_t i = 0; i < model->targets.count; i++) {
        const struct snapshot_target *target =
            SNAPSHOT_ROW(snapshot, model->targets, i, snapshot_target);
        const struct snapshot_provider *provider = SNAPSHOT_ROW(
            snapshot, snapshot_page(snapshot)->providers, target->provider, snapshot_provider);

        json_write_object(writer);
        json_write_member_text(writer, SPAN("provider"),
                               snapshot_span(snapshot, provider->name));
        json_write_member_text(writer, SPAN("model"), snapshot_span(snapshot, target->model));
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_known(struct json_writer *writer, struct span key, uint32_t number)
{
    json_write_key(writer, key);
    if (number > 0)
        json_write_u64(writer, number);
    else
        json_write_null(writer);
}

/* "2.5 / 15": dollars for a million tokens of prompt and answer, of the first target; null when
 * a target has none. */
static void write_price(struct json_writer *writer, const struct snapshot *snapshot,
                        const struct snapshot_model *model)
{
    const struct price_sheet *sheet = NULL;
    struct buffer text _buffer_;

    buffer_init(&text, 100);
    for (uint32_t i = model->targets.count; i-- > 0;) {
        const struct snapshot_price *price = snapshot_price(
            snapshot, SNAPSHOT_ROW(snapshot, model->targets, i, snapshot_target)->price);

        if (!price) {
            json_write_member_text(writer, SPAN("price"), SPAN_NONE);
            return;
        }
        sheet = SNAPSHOT_ROW(snapshot, price->sheets, 0, price_sheet);
    }
    if (sheet)
        money_write(&text, sheet->rates[PRICE_input]);
    if (sheet && sheet->rates[PRICE_output] != PRICE_NOT_GIVEN) {
        (void)buffer_append(&text, SPAN(" / "));
        money_write(&text, sheet->rates[PRICE_output]);
    }
    json_write_member_text(writer, SPAN("price"), sheet ? buffer_span(&text) : SPAN_NONE);
}

static void write_model(struct json_writer *writer, const struct snapshot *snapshot,
                        const struct snapshot_model *model)
{
    json_write_object(writer);
    json_write_member_text(writer, SPAN("name"), snapshot_span(snapshot, model->name));
    write_known(writer, SPAN("context"), model->context);
    write_known(writer, SPAN("output"), model->output);
    json_write_key(writer, SPAN("capabilities"));
    json_write_array(writer);
    for (unsigned i = 0; i < CAPABILITY_COUNT; i++)
        if (model->capabilities & (1u << i))
            json_write_text(writer, capability_name((enum capability_number)i));
    json_write_array_end(writer);
    write_price(writer, snapshot, model);
    json_write_member_bool(writer, SPAN("strict"), model->strict != 0);
    write_targets(writer, snapshot, model);
    json_write_object_end(writer);
}

void route_models(struct admin_request *request)
{
    const struct snapshot *snapshot = request->house->snapshot;
    struct json_writer writer = admin_answer(request);
    struct snapshot_table table = {0};

    if (snapshot)
        table = snapshot_page(snapshot)->models;
    json_write_object(&writer);
    json_write_key(&writer, SPAN("models"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_model *model = SNAPSHOT_ROW(snapshot, table, i, snapshot_model);

        if (model->listed)
            write_model(&writer, snapshot, model);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

void route_config(struct admin_request *request)
{
    struct json_writer writer = admin_answer(request);
    struct buffer text;

    buffer_init(&text, SETTINGS_FILE_MAX * 2);
    settings_print(request->house->settings, &text);
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("file"), span_of_text(request->house->settings_file));
    json_write_member_text(&writer, SPAN("settings"), buffer_span(&text));
    json_write_object_end(&writer);
    buffer_done(&text);
}

static void write_bad_settings(struct admin_request *request, struct span lines)
{
    struct json_writer writer = admin_answer(request);
    struct span line;

    request->status = 400;
    json_write_object(&writer);
    json_write_key(&writer, SPAN("error"));
    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("code"), SPAN("bad_settings"));
    json_write_member_text(&writer, SPAN("message"),
                           SPAN("the settings are wrong; those before stay in force"));
    json_write_key(&writer, SPAN("errors"));
    json_write_array(&writer);
    while (span_cut(&lines, '\n', &line)) {
        if (line.len)
            json_write_text(&writer, line);
    }
    json_write_array_end(&writer);
    json_write_object_end(&writer);
    json_write_object_end(&writer);
}

static void reload_ended(struct house_wait *wait, int code, struct span text)
{
    struct admin_request *request =
        (struct admin_request *)(void *)((char *)wait - offsetof(struct admin_request, wait));
    struct json_writer writer;

    if (code == -EINVAL) {
        write_bad_settings(request, text);
    } else if (code != 0) {
        admin_refuse_errno(request, code, SPAN("reload"));
    } else {
        writer = admin_answer(request);
        json_write_object(&writer);
        json_write_member_bool(&writer, SPAN("ok"), true);
        json_write_member_u64(&writer, SPAN("generation"), wait->generation);
        json_write_object_end(&writer);
    }
    admin_respond(request);
}

void route_reload(struct admin_request *request)
{
    request->wait.done = reload_ended;
    request->house->reload(request->house, &request->wait);
}

/* ---- status ------------------------------------------------------------------------------ */

static void write_process(struct json_writer *writer, struct span role, uint64_t pid)
{
    json_write_object(writer);
    json_write_member_text(writer, SPAN("role"), role);
    json_write_member_u64(writer, SPAN("pid"), pid);
    json_write_member_text(writer, SPAN("state"), SPAN("running"));
    json_write_object_end(writer);
}

static void write_worker(struct json_writer *writer, struct slot *slot, uint32_t state)
{
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t beat_ms = atomic_load(&slot->heartbeat_ms);

    json_write_object(writer);
    json_write_member_text(writer, SPAN("role"), SPAN("worker"));
    json_write_member_u64(writer, SPAN("pid"), atomic_load(&slot->pid));
    json_write_member_u64(writer, SPAN("number"), atomic_load(&slot->number));
    json_write_member_text(writer, SPAN("state"),
                           span_of_text(state <= SLOT_DEAD ? state_names[state] : "unknown"));
    json_write_member_u64(writer, SPAN("connections"), atomic_load(&slot->connections));
    json_write_member_u64(writer, SPAN("exchanges"), atomic_load(&slot->exchanges));
    json_write_member_u64(writer, SPAN("streams"), atomic_load(&slot->streams));
    json_write_member_u64(writer, SPAN("heartbeat_age_ms"),
                          beat_ms && beat_ms < now_ms ? now_ms - beat_ms : 0);
    json_write_member_u64(writer, SPAN("generation"), atomic_load(&slot->snapshot_generation));
    json_write_object_end(writer);
}

static void write_processes(struct json_writer *writer, struct house *house)
{
    json_write_key(writer, SPAN("processes"));
    json_write_array(writer);
    write_process(writer, SPAN("parent"), house->parent_pid);
    write_process(writer, SPAN("controller"), (uint64_t)getpid());
    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++) {
        struct slot *slot = segment_slot(house->segment, i);
        uint32_t state = atomic_load(&slot->state);

        if (state != SLOT_FREE)
            write_worker(writer, slot, state);
    }
    json_write_array_end(writer);
}

static void write_store(struct json_writer *writer, struct house *house)
{
    struct ledger_status ledger;
    struct buffer error;

    buffer_init(&error, 4096);
    if (strcmp(store_state(house->store), "open") != 0)
        store_write_error(house->store, &error);
    ledger_status(house->ledger, &ledger);
    json_write_key(writer, SPAN("store"));
    json_write_object(writer);
    json_write_member_text(writer, SPAN("kind"), span_of_text(store_kind(house->store)));
    json_write_member_text(writer, SPAN("state"), span_of_text(store_state(house->store)));
    json_write_member_text(writer, SPAN("error"), error.len ? buffer_span(&error) : SPAN_NONE);
    json_write_object_end(writer);
    json_write_key(writer, SPAN("ledger"));
    json_write_object(writer);
    json_write_member_u64(writer, SPAN("waiting_bytes"), ledger.waiting_bytes);
    json_write_member_u64(writer, SPAN("records_total"), ledger.records_total);
    json_write_member_text(writer, SPAN("last_error"),
                           ledger.last_error ? span_of_text(ledger.error_text) : SPAN_NONE);
    json_write_object_end(writer);
    buffer_done(&error);
}

static void write_target_health(struct json_writer *writer, struct house *house)
{
    struct snapshot_table table = {0};

    if (house->snapshot)
        table = snapshot_page(house->snapshot)->providers;
    json_write_key(writer, SPAN("targets"));
    json_write_array(writer);
    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_provider *row =
            SNAPSHOT_ROW(house->snapshot, table, i, snapshot_provider);
        struct target_health *health = segment_target(house->segment, row->health_row);

        json_write_object(writer);
        json_write_member_text(writer, SPAN("provider"),
                               snapshot_span(house->snapshot, row->name));
        json_write_member_u64(writer, SPAN("requests"), atomic_load(&health->requests));
        json_write_member_u64(writer, SPAN("failures"), atomic_load(&health->failures));
        json_write_member_u64(writer, SPAN("in_flight"), atomic_load(&health->in_flight));
        json_write_member_u64(writer, SPAN("latency_us"),
                              atomic_load(&health->latency_ewma_us));
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_missing(struct json_writer *writer, const struct house *house)
{
    uint32_t at = 0;
    struct span name;

    json_write_key(writer, SPAN("missing_providers"));
    json_write_array(writer);
    while (house->rows && (name = configure_missing(house->settings, house->rows, &at)).ptr)
        json_write_text(writer, name);
    json_write_array_end(writer);
}

/* "NAME: waiting for a token: HTTP 401 from ..." */
static void write_tokens(struct json_writer *writer, const struct house *house)
{
    json_write_key(writer, SPAN("token_troubles"));
    json_write_array(writer);
    for (uint32_t i = 0; i < house->oauth.count; i++) {
        const struct oauth_row *row = &house->oauth.rows[i];
        struct buffer text;
        size_t start;

        buffer_init(&text, 1000);
        (void)buffer_append_format(&text, "%s: ", row->name);
        start = text.len;
        oauth_write_trouble(row, &text);
        if (text.len > start)
            json_write_text(writer, buffer_span(&text));
        buffer_done(&text);
    }
    json_write_array_end(writer);
}

static void write_shared(struct json_writer *writer, const struct house *house)
{
    struct share_status status;

    share_status(house->share, &status);
    json_write_key(writer, SPAN("shared"));
    json_write_object(writer);
    json_write_member_text(writer, SPAN("mode"), status.mode);
    json_write_member_text(writer, SPAN("state"), status.state);
    json_write_member_u64(writer, SPAN("hosts"), status.hosts);
    json_write_member_text(writer, SPAN("epoch"), status.epoch);
    json_write_member_text(writer, SPAN("breaker"),
                           status.breaker_open ? SPAN("open") : SPAN("closed"));
    json_write_member_u64(writer, SPAN("round_trip_us"), status.round_trip_us);
    json_write_member_u64(writer, SPAN("failures_total"), status.failures);
    json_write_member_u64(writer, SPAN("rates"), status.rates);
    json_write_member_u64(writer, SPAN("budgets"), status.budgets);
    json_write_member_text(writer, SPAN("error"), status.trouble);
    json_write_object_end(writer);
}

void route_status(struct admin_request *request)
{
    struct house *house = request->house;
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_member_text(&writer, SPAN("version"), SPAN(AIGW_VERSION));
    json_write_member_u64(&writer, SPAN("pid"), house->parent_pid);
    json_write_member_u64(&writer, SPAN("generation"),
                          atomic_load(segment_generation(house->segment)));
    json_write_member_u64(&writer, SPAN("uptime_ms"), clock_monotonic_ms() - house->started_ms);
    json_write_member_text(&writer, SPAN("settings_file"), span_of_text(house->settings_file));
    json_write_member_text(&writer, SPAN("last_event"),
                           house->last_event[0] ? span_of_text(house->last_event) : SPAN_NONE);
    write_processes(&writer, house);
    write_store(&writer, house);
    write_shared(&writer, house);
    write_target_health(&writer, house);
    write_missing(&writer, house);
    write_tokens(&writer, house);
    json_write_object_end(&writer);
}
