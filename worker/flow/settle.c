/* The last two rooms: what an exchange used, and what is written down of it. */
#include "shared/base/clock.h"
#include "shared/text/json_write.h"

#include "worker/translate/dialect.h"
#include "worker/worker.h"

/* Exchanges with a provider's operation and a valid key are owed a record. */
static bool record_owed(const struct exchange *x)
{
    return x->caller.key && !x->head.options &&
           operation_calls(operation_row(x->head.operation));
}

static void add_tokens(const struct exchange *x)
{
    struct target_health *health;

    if (!x->plan || x->bill.usage.input == USAGE_UNKNOWN)
        return;
    health = segment_target(x->worker->segment, exchange_target(x)->provider->health_row);
    metric_add(x->worker->metrics, METRIC_input_tokens_total, x->bill.usage.input);
    (void)atomic_fetch_add_explicit(&health->input_tokens, x->used.usage.input,
                                    memory_order_relaxed);
    if (x->bill.usage.output == USAGE_UNKNOWN)
        return;
    metric_add(x->worker->metrics, METRIC_output_tokens_total, x->bill.usage.output);
    (void)atomic_fetch_add_explicit(&health->output_tokens, x->used.usage.output,
                                    memory_order_relaxed);
}

static void count_fault(struct metric_row *metrics, enum fault fault)
{
    _Atomic uint64_t *counter = &metrics->faults[fault];

    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

void stream_ended(struct exchange *x)
{
    if (!x->counted_stream)
        return;
    x->counted_stream = false;
    x->worker->stream_count--;
    atomic_store_explicit(&x->worker->slot->streams, x->worker->stream_count,
                          memory_order_relaxed);
}

/* The last word of a stream that was told in events. */
static void take_stream_usage(struct exchange *x)
{
    struct usage usage;

    if (!x->current->crossing || !x->current->crossing->reader.dialect)
        return;
    usage = x->current->crossing->reader.usage;
    usage.raw = SPAN_NONE; /* its bytes went with their record */
    bill_take(&x->bill, &usage, &x->arena);
}

void settle_meter(struct exchange *x)
{
    struct metric_row *metrics = x->worker->metrics;
    uint64_t total_us = (x->entered_ns - x->started_ns) / 1000;
    uint64_t provider_us = x->upstream_ns / 1000;

    metric_add(metrics, METRIC_requests_total, 1);
    if (x->answer.stream && x->first_byte_ns)
        metric_add(metrics, METRIC_requests_streamed_total, 1);
    stream_ended(x);
    take_stream_usage(x);
    if (record_owed(x))
        charge_settle(x);
    cached_settle(x);
    metric_add(metrics, METRIC_client_bytes_sent_total, x->answer.sent_bytes);
    if (x->fault) {
        metric_add(metrics, METRIC_requests_failed_total, 1);
        count_fault(metrics, x->fault);
    } else if (record_owed(x) && x->bill.usage.input == USAGE_UNKNOWN) {
        metric_add(metrics, METRIC_usage_missing_total, 1);
    }
    add_tokens(x);
    for (unsigned i = 0; i <= PHASE_upstream; i++)
        if (x->phase_us[i] > 0)
            histogram_add(&metrics->phases[i], x->phase_us[i]);
    histogram_add(&metrics->total, total_us);
    if (x->first_byte_ns)
        histogram_add(&metrics->first_byte, (x->first_byte_ns - x->started_ns) / 1000);
    if (x->plan && !x->answer.stream)
        histogram_add(&metrics->overhead, total_us > provider_us ? total_us - provider_us : 0);
}

static void member_known(struct json_writer *json, struct json_name name, uint64_t value)
{
    if (value != USAGE_UNKNOWN)
        json_write_named_u64(json, name, value);
}

static void member_there(struct json_writer *json, struct json_name name, struct span text)
{
    if (text.ptr && text.len > 0)
        json_write_named_text(json, name, text);
}

/* One line for one exchange. No header, body or secret stands in it. */
static void write_access(const struct exchange *x, struct span rooms, struct buffer *out)
{
    const struct plan_target *target =
        x->plan && !cached_is_hit(x->cached) ? exchange_target(x) : NULL;
    char time[CLOCK_TEXT_SIZE];
    struct json_writer json;

    clock_write_rfc3339(x->started_wall_ms, time);
    json_write_init(&json, out);
    json_write_object(&json);
    json_write_named_text(&json, JSON_NAME("time"), span_of(time, sizeof(time)));
    json_write_named_text(&json, JSON_NAME("request_id"), span_of(x->id, REQUEST_ID_SIZE));
    if (x->client)
        json_write_named_text(&json, JSON_NAME("client"), client_peer(x->client));
    json_write_named_text(&json, JSON_NAME("method"), x->head.method);
    json_write_named_text(&json, JSON_NAME("path"), x->head.path);
    json_write_named_u64(&json, JSON_NAME("status"), x->answer.status);
    if (x->caller.key)
        json_write_named_text(&json, JSON_NAME("key"), span_of(x->caller.key->id, KEY_ID_SIZE));
    member_there(&json, JSON_NAME("model"), x->asked_model);
    if (target) {
        json_write_named_text(&json, JSON_NAME("provider"),
                              snapshot_span(x->view->snapshot, target->provider->name));
        json_write_named_text(&json, JSON_NAME("served_model"), target->model);
        json_write_named_u64(&json, JSON_NAME("attempts"), x->attempts);
    }
    if (cached_is_hit(x->cached)) {
        json_write_named_bool(&json, JSON_NAME("cache_hit"), true);
        json_write_named_text(&json, JSON_NAME("cache_layer"), cached_layer(x->cached));
    }
    if (x->answer.stream)
        json_write_named_bool(&json, JSON_NAME("stream"), true);
    if (x->fault)
        json_write_named_text(&json, JSON_NAME("fault"),
                              span_of_text(fault_row(x->fault)->name));
    member_there(&json, JSON_NAME("detail"), x->detail);
    member_known(&json, JSON_NAME("input_tokens"), x->used.usage.input);
    member_known(&json, JSON_NAME("output_tokens"), x->used.usage.output);
    if (record_owed(x))
        member_known(&json, JSON_NAME("cost_nano"), x->cost_nano);
    if (x->first_byte_ns)
        json_write_named_u64(&json, JSON_NAME("first_byte_us"),
                             (x->first_byte_ns - x->started_ns) / 1000);
    json_write_named_u64(&json, JSON_NAME("duration_us"),
                         (x->entered_ns - x->started_ns) / 1000);
    json_write_named_u64(&json, JSON_NAME("sent_bytes"), x->answer.sent_bytes);
    json_write_name(&json, JSON_NAME("rooms_us"));
    json_write_raw(&json, rooms);
    json_write_object_end(&json);
}

/* The place in the segment is free when the record is with the kernel. */
static void free_place(struct exchange *x, bool recorded)
{
    struct worker *worker = x->worker;

    if (!x->ticket.row)
        return;
    if (!recorded) {
        ticket_give_back(&worker->places, &x->ticket);
        return;
    }
    if (worker->freeing_count == WORKER_FREEING)
        worker_flush(worker);
    worker->freeing[worker->freeing_count++] = x->ticket;
    x->ticket.row = NULL;
}

/* A relayed body that ended too early must not look whole: where its end is the connection's,
 * only a reset says so. */
static void cut(struct exchange *x)
{
    if (!x->client || !x->answer.head_sent || x->answer.ended || x->answer.form != ANSWER_CLOSE)
        return;
    client_abort(x->client);
    x->client = NULL;
}

void settle_log(struct exchange *x)
{
    struct buffer *line = sink_line(&x->worker->access);
    struct span rooms = account_rooms(x);

    if (record_owed(x)) {
        struct usage_record record;

        account_record(x, rooms, &record);
        journal_append(&x->worker->journal, &record);
    }
    free_place(x, record_owed(x));
    if (line) {
        write_access(x, rooms, line);
        sink_line_end(&x->worker->access);
    }
    cut(x);
}

void settle_bare(struct worker *worker, struct client *client, struct span id, enum fault fault,
                 const char *detail)
{
    struct buffer *line = sink_line(&worker->access);
    char time[CLOCK_TEXT_SIZE];
    struct json_writer json;

    count_fault(worker->metrics, fault);
    if (!line)
        return;
    clock_write_rfc3339(clock_wall_ms(), time);
    json_write_init(&json, line);
    json_write_object(&json);
    json_write_member_text(&json, SPAN("time"), span_of(time, sizeof(time)));
    json_write_member_text(&json, SPAN("request_id"), id);
    json_write_member_text(&json, SPAN("client"), client_peer(client));
    json_write_member_u64(&json, SPAN("status"), fault_row(fault)->status);
    json_write_member_text(&json, SPAN("fault"), span_of_text(fault_row(fault)->name));
    if (detail)
        json_write_member_text(&json, SPAN("detail"), span_of_text(detail));
    json_write_object_end(&json);
    sink_line_end(&worker->access);
}
