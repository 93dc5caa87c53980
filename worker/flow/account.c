/* The usage record of an exchange, and its parts that are texts. */
#include "shared/base/clock.h"
#include "shared/price/price.h"
#include "shared/text/json_write.h"

#include "worker/flow/race.h"
#include "worker/translate/dialect.h"
#include "worker/worker.h"

#define CANDIDATES_TOLD 300 /* bytes, after which no more candidates are told */
#define CANDIDATE_NAME  64  /* bytes of a model's name; a longer one is only hinted at */
#define TEXT_LIMIT      4096

_Static_assert(TAGS_MAX *(TAG_BYTES_MAX + 3) + 1 <= RECORD_LONG_MAX,
               "tags, which need no escapes, are told whole");

/* The provider's stream broke its own rules, in a way that could be mended. */
static bool was_repaired(const struct exchange *x)
{
    return x->answer.repaired ||
           (x->current->crossing && x->current->crossing->reader.repaired);
}

static enum outcome outcome_of(const struct exchange *x)
{
    if (x->gone)
        return OUTCOME_client_gone;
    if (!x->fault)
        return was_repaired(x) ? OUTCOME_repaired : OUTCOME_complete;
    if (x->first_byte_ns)
        return OUTCOME_truncated;
    return fault_row(x->fault)->source == SOURCE_PROVIDER ? OUTCOME_failed : OUTCOME_refused;
}

/* ---- texts ------------------------------------------------------------------------------- */

struct span account_rooms(const struct exchange *x)
{
    static const struct json_name names[] = {
#define PHASE(name) JSON_NAME_WORD(#name),
#include "worker/flow/pipeline.def"
#undef PHASE
    };
    struct buffer *text = &x->worker->rooms;
    struct json_writer json;

    buffer_clear(text);
    json_write_init(&json, text);
    json_write_object(&json);
    for (unsigned i = 0; i <= PHASE_upstream; i++)
        if (x->phase_us[i] > 0)
            json_write_named_u64(&json, names[i], x->phase_us[i]);
    json_write_object_end(&json);
    return buffer_span(text);
}

static struct span tags_of(struct exchange *x)
{
    struct json_writer json;
    struct buffer text _buffer_;

    buffer_init(&text, TEXT_LIMIT);
    if (x->tags.count == 0)
        return SPAN_NONE;
    json_write_init(&json, &text);
    json_write_array(&json);
    for (unsigned i = 0; i < x->tags.count; i++)
        json_write_text(&json, x->tags.names[i]);
    json_write_array_end(&json);
    return arena_copy(&x->arena, buffer_span(&text));
}

/* The targets of the plan in their order, as far as the text takes them; one alone says
 * nothing.
 */
static struct span candidates_of(struct exchange *x)
{
    struct json_writer json;
    struct buffer text _buffer_;
    struct buffer name _buffer_;

    buffer_init(&text, TEXT_LIMIT);
    buffer_init(&name, TEXT_LIMIT);
    if (!x->plan || x->plan->count < 2)
        return SPAN_NONE;
    json_write_init(&json, &text);
    json_write_array(&json);
    for (unsigned i = 0; i < x->plan->count && text.len < CANDIDATES_TOLD; i++) {
        const struct plan_target *target = &x->plan->targets[i];

        buffer_clear(&name);
        (void)buffer_append(&name, snapshot_span(x->view->snapshot, target->provider->name));
        (void)buffer_append_byte(&name, '/');
        (void)buffer_append(&name,
                            target->model.len <= CANDIDATE_NAME ? target->model : SPAN("..."));
        json_write_text(&json, buffer_span(&name));
    }
    json_write_array_end(&json);
    return arena_copy(&x->arena, buffer_span(&text));
}

/* One more in the array; of very many, with long names, the last are not told. */
static void add_try(struct exchange *x, struct span one)
{
    struct buffer text _buffer_;

    buffer_init(&text, TEXT_LIMIT);
    (void)buffer_append(&text, x->tries);
    if (json_list_add(&text, one, RECORD_LONG_MAX))
        x->tries = arena_copy(&x->arena, buffer_span(&text));
}

static void begin_try(const struct exchange *x, const struct plan_target *target,
                      uint16_t status, struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("provider"),
                           snapshot_span(x->view->snapshot, target->provider->name));
    json_write_member_text(json, SPAN("model"), target->model);
    json_write_member_u64(json, SPAN("status"), status);
}

void account_try(struct exchange *x, enum fault fault)
{
    uint64_t took_ms = (clock_monotonic_ns() - x->current->sent_ns) / 1000000;
    struct json_writer json;
    struct buffer one _buffer_;

    buffer_init(&one, TEXT_LIMIT);
    json_write_init(&json, &one);
    begin_try(x, exchange_target(x), x->answer.upstream_status, &json);
    json_write_member_text(&json, SPAN("fault"), span_of_text(fault_row(fault)->name));
    json_write_member_u64(&json, SPAN("ms"), took_ms);
    credentials_tell(x, &json);
    json_write_object_end(&json);
    if (!one.failed)
        add_try(x, buffer_span(&one));
}

void account_lost(struct exchange *x, const struct lost *lost)
{
    struct json_writer json;
    struct buffer one _buffer_;

    buffer_init(&one, TEXT_LIMIT);
    json_write_init(&json, &one);
    begin_try(x, &x->plan->targets[lost->target], lost->status, &json);
    json_write_member_text(&json, SPAN("fault"),
                           lost->hedge ? SPAN("hedge_lost") : SPAN("overtaken"));
    json_write_member_u64(&json, SPAN("ms"), lost->ms);
    json_write_member_u64(&json, SPAN("input_tokens"), lost->input);
    json_write_member_u64(&json, SPAN("output_tokens"), lost->output);
    if (lost->cost_nano != PRICE_UNKNOWN)
        json_write_member_u64(&json, SPAN("cost_nano"), lost->cost_nano);
    json_write_member_bool(&json, SPAN("estimated"), true);
    json_write_object_end(&json);
    if (!one.failed)
        add_try(x, buffer_span(&one));
}

/* ---- the record -------------------------------------------------------------------------- */

static struct span dropped_of(const struct crossing *crossing)
{
    return crossing ? dropped_list(&crossing->translation, RECORD_TEXT_MAX) : SPAN_NONE;
}

/* What is not always there. */
static void tell_rest(const struct exchange *x, struct usage_record *record)
{
    record->credential = x->current->credential.name;
    cached_tell(x, record);
}

void account_record(struct exchange *x, struct span rooms, struct usage_record *record)
{
    const struct snapshot *snapshot = x->view->snapshot;
    const struct plan_target *target = x->plan ? exchange_target(x) : NULL;
    const struct attempt *attempt = x->current;

    *record = (struct usage_record){
        .request_id = span_of(x->id, REQUEST_ID_SIZE),
        .started_ms = (uint64_t)x->started_wall_ms,
        .key_id = span_of(x->caller.key->id, KEY_ID_SIZE),
        .tenant = x->caller.key->tenant,
        .team = x->caller.key->team,
        .user_id = x->caller.key->user,
        .operation = span_of_text(operation_row(x->head.operation)->name),
        .dialect = exchange_dialect(x)->name,
        .asked_model = x->asked_model,
        .provider = target ? snapshot_span(snapshot, target->provider->name) : SPAN_NONE,
        .served_model = target ? target->model : SPAN_NONE,
        .streamed = x->answer.stream,
        .status = x->gone && !x->answer.status ? fault_row(x->fault)->status : x->answer.status,
        .outcome = outcome_of(x),
        .fault = x->fault ? span_of_text(fault_row(x->fault)->name) : SPAN_NONE,
        .attempts = x->attempts,
        .input_tokens = x->used.usage.input,
        .output_tokens = x->used.usage.output,
        .cached_tokens = x->used.usage.cached,
        .cache_write_tokens = x->used.usage.cache_write,
        .reasoning_tokens = x->used.usage.reasoning,
        .audio_tokens = x->used.usage.audio_input,
        .cache_write_long_tokens = x->used.usage.cache_write_long,
        .audio_output_tokens = x->used.usage.audio_output,
        .tool_input_tokens = x->used.usage.tool_input,
        .provider_dialect =
            target ? dialect_row((enum dialect_id)attempt->provider_dialect)->name : SPAN_NONE,
        .dropped = dropped_of(attempt->crossing),
        .first_byte_us =
            x->first_byte_ns ? (x->first_byte_ns - x->started_ns) / 1000 : USAGE_UNKNOWN,
        .duration_us = (x->entered_ns - x->started_ns) / 1000,
        .request_bytes = x->head.content_length == HTTP_LENGTH_NONE ? x->received_bytes
                                                                    : x->head.content_length,
        .answer_bytes = x->answer.body_bytes,
        .raw_usage = x->bill.usage.raw,
        .tags = tags_of(x),
        .cost_nano = x->cost_nano,
        .price = x->price,
        .estimated = x->used.estimated,
        .limits = x->limits.told,
        .reserved_nano = x->limits.reserved_nano,
        .service = x->ask.service,
        .image_tokens = x->used.usage.image_input,
        .image_output_tokens = x->used.usage.image_output,
        .searches = x->used.usage.searches,
        .tries = x->tries,
        .rooms = rooms,
        .candidates = candidates_of(x),
        .saved_nano = USAGE_UNKNOWN,
        .host = snapshot_span(snapshot, x->view->page->host_name),
    };
    tell_rest(x, record);
}
