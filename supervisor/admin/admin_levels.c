/* GET /admin/v1/limits, /budgets: the rules of both origins, and where their counters stand. In
 * the loop: all of it is in memory. */
#include "shared/base/clock.h"
#include "shared/base/money.h"
#include "shared/queue/queue.h"
#include "shared/snapshot/rate.h"

#include "supervisor/admin/admin_rules.h"

#define COUNTERS_PRESET 1000

/* ---- rules ---------------------------------------------------------------------------------
 */

static void begin_rule(struct json_writer *writer, int64_t id)
{
    json_write_object(writer);
    json_write_key(writer, SPAN("id"));
    if (id > 0)
        json_write_i64(writer, id);
    else
        json_write_null(writer);
    json_write_member_text(writer, SPAN("origin"), id > 0 ? SPAN("store") : SPAN("settings"));
}

static void write_limit(struct json_writer *writer, const struct rate_text *text)
{
    begin_rule(writer, text->id);
    admin_write_limit(writer, text);
    json_write_object_end(writer);
}

static void write_budget(struct json_writer *writer, const struct budget_text *text)
{
    begin_rule(writer, text->id);
    admin_write_budget(writer, text);
    json_write_object_end(writer);
}

/* ---- counters ------------------------------------------------------------------------------
 */

/* "tenant:acme": ids of the store become names. */
static void write_scope(struct json_writer *writer, const struct house *house,
                        enum limit_scope kind, struct span subject)
{
    struct buffer text _buffer_;
    struct span name = subject, word = limit_scope_name(kind);
    uint64_t id;

    for (uint32_t i = 0;
         house->rows && kind <= LIMIT_SCOPE_user && i < house->rows->owner_count; i++) {
        const struct configure_owner *owner = &house->rows->owners[i];

        if (owner->kind == kind && span_read_u64(subject, &id) && owner->id == id)
            name = owner->name;
    }
    buffer_init(&text, 1024);
    (void)buffer_append_format(&text, "%.*s:%.*s", SPAN_ARG(word), SPAN_ARG(name));
    json_write_member_text(writer, SPAN("scope"), buffer_span(&text));
}

/* What this host may let in of the amount: all of a rate that is granted from a shared counter,
 * else its part. */
static uint64_t amount_here(const struct snapshot_limit *limit, uint32_t sharers)
{
    return limit->amount > 0 && limit->amount < sharers ? 1 : limit->amount / sharers;
}

static uint32_t sharers_of(const struct house *house, struct bucket *bucket,
                           const struct snapshot_limit *limit)
{
    if (limit->unit != LIMIT_UNIT_concurrent && atomic_load(&bucket->granted) != UINT64_MAX)
        return 1;
    return atomic_load(segment_sharers(house->segment));
}

/* Of a rate what is used now, of concurrent requests those at work. */
static uint64_t used_of(struct bucket *bucket, const struct snapshot_limit *limit,
                        uint32_t sharers)
{
    const struct rate rate = snapshot_rate(limit, sharers);
    struct level level;

    if (limit->unit == LIMIT_UNIT_concurrent)
        return atomic_load(&bucket->level[0]);
    if (limit->amount == 0)
        return 0;
    rate_level(bucket, &rate, clock_monotonic_ns(), &level);
    return level.limit > level.remaining ? level.limit - level.remaining : 0;
}

static void write_limit_counter(struct json_writer *writer, const struct house *house,
                                const struct snapshot_scope *scope,
                                const struct snapshot_limit *limit)
{
    struct bucket *bucket = segment_bucket(house->segment, limit->bucket);
    uint32_t sharers = sharers_of(house, bucket, limit);

    json_write_object(writer);
    write_scope(writer, house, (enum limit_scope)scope->kind,
                snapshot_span(house->snapshot, scope->subject));
    json_write_member_text(writer, SPAN("name"), snapshot_span(house->snapshot, limit->name));
    json_write_member_text(writer, SPAN("unit"), limit_unit_name(limit->unit));
    json_write_member_u64(writer, SPAN("amount"), limit->amount);
    json_write_member_u64(writer, SPAN("amount_here"), amount_here(limit, sharers));
    json_write_member_u64(writer, SPAN("window_ms"), limit->window_ms);
    json_write_member_u64(writer, SPAN("used"), used_of(bucket, limit, sharers));
    if (limit->queue > 0)
        json_write_member_u64(writer, SPAN("waiting"),
                              queue_waiting(segment_queue(house->segment, limit->queue - 1)));
    json_write_member_u64(writer, SPAN("refused"), atomic_load(&bucket->refused));
    json_write_member_text(writer, SPAN("mode"), limit_mode_name(limit->mode));
    json_write_object_end(writer);
}

static void write_limit_counters(struct admin_request *request, struct json_writer *writer)
{
    const struct house *house = request->house;
    uint64_t left = admin_query_number(request, SPAN("counters"), COUNTERS_PRESET);
    struct snapshot_table scopes = {0};

    if (house->snapshot)
        scopes = snapshot_page(house->snapshot)->scopes;
    for (uint32_t i = 0; i < scopes.count; i++) {
        const struct snapshot_scope *scope =
            SNAPSHOT_ROW(house->snapshot, scopes, i, snapshot_scope);

        for (uint32_t j = 0; j < scope->limits.count && left > 0; j++, left--)
            write_limit_counter(
                writer, house, scope,
                SNAPSHOT_ROW(house->snapshot, scope->limits, j, snapshot_limit));
    }
}

static void write_dollars(struct json_writer *writer, struct span key, uint64_t nano)
{
    struct buffer text _buffer_;

    buffer_init(&text, 40);
    money_write(&text, nano);
    json_write_member_text(writer, key, buffer_span(&text));
}

static void write_time(struct json_writer *writer, struct span key, int64_t ms)
{
    json_write_key(writer, key);
    if (ms > 0 && ms < INT64_MAX)
        json_write_i64(writer, ms);
    else
        json_write_null(writer);
}

static void write_budget_counter(struct json_writer *writer, const struct house *house,
                                 const struct configure_budget *row)
{
    struct bucket *bucket = segment_bucket(house->segment, row->bucket);
    struct share_standing standing = share_standing(house->share, bucket, row->identity);
    uint64_t spent = standing.spent_nano, committed = standing.committed_nano;
    uint64_t amount = row->rule.amount_nano;

    json_write_object(writer);
    write_scope(writer, house, row->kind, row->subject);
    json_write_member_text(writer, SPAN("name"), row->name);
    json_write_member_text(writer, SPAN("period"), budget_period_name(row->rule.period));
    write_time(writer, SPAN("begins_ms"), row->period.begin_ms);
    write_time(writer, SPAN("ends_ms"), row->period.end_ms);
    write_dollars(writer, SPAN("amount"), amount);
    write_dollars(writer, SPAN("spent"), spent);
    write_dollars(writer, SPAN("reserved"), committed > spent ? committed - spent : 0);
    write_dollars(writer, SPAN("left"), amount > committed ? amount - committed : 0);
    json_write_member_bool(writer, SPAN("soft_reached"),
                           row->rule.soft_nano > 0 && spent >= row->rule.soft_nano);
    json_write_member_u64(writer, SPAN("refused"), atomic_load(&bucket->refused));
    json_write_member_text(writer, SPAN("mode"), limit_mode_name(row->rule.mode));
    json_write_member_text(writer, SPAN("origin"),
                           row->stored ? SPAN("store") : SPAN("settings"));
    json_write_object_end(writer);
}

static void write_budget_counters(struct admin_request *request, struct json_writer *writer)
{
    const struct configure_budgets *budgets = request->house->budgets;
    uint64_t left = admin_query_number(request, SPAN("counters"), COUNTERS_PRESET);

    for (uint32_t i = 0; i < budgets->count && left > 0; i++) {
        if (!budgets->rows[i].runs)
            continue;
        write_budget_counter(writer, request->house, &budgets->rows[i]);
        left--;
    }
}

/* ---- pages ---------------------------------------------------------------------------------
 */

void route_limits_list(struct admin_request *request)
{
    const struct house *house = request->house;
    const struct settings_list list = house->settings->rate_limits;
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_key(&writer, SPAN("limits"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < list.count; i++)
        write_limit(&writer, &SETTINGS_ROW(list, i, settings_rate_limit)->text);
    for (uint32_t i = 0; house->rows && i < house->rows->limit_count; i++)
        write_limit(&writer, &house->rows->limits[i]);
    json_write_array_end(&writer);
    json_write_key(&writer, SPAN("counters"));
    json_write_array(&writer);
    write_limit_counters(request, &writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}

void route_budgets_list(struct admin_request *request)
{
    const struct house *house = request->house;
    const struct settings_list list = house->settings->budgets;
    struct json_writer writer = admin_answer(request);

    json_write_object(&writer);
    json_write_key(&writer, SPAN("budgets"));
    json_write_array(&writer);
    for (uint32_t i = 0; i < list.count; i++)
        write_budget(&writer, &SETTINGS_ROW(list, i, settings_budget)->text);
    for (uint32_t i = 0; house->rows && i < house->rows->budget_count; i++)
        write_budget(&writer, &house->rows->budgets[i]);
    json_write_array_end(&writer);
    json_write_key(&writer, SPAN("counters"));
    json_write_array(&writer);
    write_budget_counters(request, &writer);
    json_write_array_end(&writer);
    json_write_object_end(&writer);
}
