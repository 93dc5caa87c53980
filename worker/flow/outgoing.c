/* How the request leaves: the provider's address, its credential, and the body, either the
 * client's own bytes or what they mean in another dialect. */
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/snapshot/address.h"

#include "worker/flow/gather.h"
#include "worker/flow/stored.h"
#include "worker/translate/count.h"
#include "worker/translate/estimate.h"
#include "worker/worker.h"

static void add_header(struct exchange *x, struct span name, struct span value)
{
    struct attempt *attempt = x->current;

    CHECK(attempt->request.header_count < CALL_HEADERS_COUNT);
    attempt->headers[attempt->request.header_count++] = (struct call_header){name, value};
}

static bool has_header(const struct exchange *x, struct span name)
{
    for (unsigned i = 0; i < x->current->request.header_count; i++) {
        if (span_eq(x->current->headers[i].name, name))
            return true;
    }
    return false;
}

/* What the provider demands; the credential goes to its own address only. */
static void sign(struct exchange *x, const struct snapshot_provider *provider)
{
    struct address_field fields[ADDRESS_FIELDS_MAX];
    unsigned count =
        address_fields(provider, x->current->credential.value,
                       (enum dialect_id)x->current->provider_dialect, &x->arena, fields);
    const struct address_field *stream =
        x->ask.stream ? address_stream_field((enum dialect_id)x->current->provider_dialect)
                      : NULL;

    for (unsigned i = 0; i < count; i++) {
        if (!has_header(x, fields[i].name))
            add_header(x, fields[i].name, fields[i].value);
    }
    if (stream)
        add_header(x, stream->name, stream->value);
}

static void write_headers(struct exchange *x, const struct snapshot_provider *provider)
{
    x->current->request.header_count = 0;
    add_header(x, SPAN("content-type"), SPAN("application/json"));
    add_header(x, SPAN("accept"),
               x->ask.stream ? SPAN("text/event-stream") : SPAN("application/json"));
    add_header(x, SPAN("x-request-id"), span_of(x->id, REQUEST_ID_SIZE));
    for (unsigned i = 0; i < x->head.forwarded_count && !x->current->crossing; i++)
        add_header(x, x->head.forwarded[i].name, x->head.forwarded[i].value);
    sign(x, provider);
    for (uint32_t i = 0; i < provider->headers.count; i++) {
        const struct snapshot_header *row =
            SNAPSHOT_ROW(x->view->snapshot, provider->headers, i, snapshot_header);

        if (x->current->request.header_count < CALL_HEADERS_COUNT)
            add_header(x, snapshot_span(x->view->snapshot, row->name),
                       snapshot_span(x->view->snapshot, row->value));
    }
}

/* ---- the body -------------------------------------------------------------------------- */

static enum fault refused(struct exchange *x, const struct complaint *complaint)
{
    x->complaint = ARENA_NEW(&x->arena, struct complaint);
    *x->complaint = *complaint;
    return FAULT_bad_request;
}

/* The client wants its stream as one JSON array: no provider is asked for that form. */
static bool wants_array(const struct exchange *x)
{
    return operation_row(x->head.operation)->kind == OPERATION_KIND_CHAT_STREAM && !x->head.sse;
}

static bool is_embedding(const struct exchange *x)
{
    return operation_row(x->head.operation)->kind == OPERATION_KIND_EMBEDDINGS;
}

/* Gemini's form for many texts. */
static bool is_batch(const struct exchange *x)
{
    return x->head.operation == OPERATION_embed_batch ||
           x->head.operation == OPERATION_v1_embed_batch;
}

static enum fault open_crossing(struct exchange *x, struct span body)
{
    struct crossing_options options = {
        .client = exchange_dialect(x),
        .arena = &x->arena,
        .body = body,
        .seed = random_u64(),
        .now_s = (uint64_t)x->started_wall_ms / 1000,
        .answer_limit_bytes = x->view->page->limits.event_bytes,
        .strict = x->head.strict || x->plan->strict,
        .stream = x->ask.stream,
        .embeds = is_embedding(x),
        .embeds_batch = is_batch(x),
        .counts = operation_row(x->head.operation)->kind == OPERATION_KIND_COUNT,
        .stream_as_array = wants_array(x),
        .keeps = x->stored && x->stored->keeps,
        .previous = x->stored ? x->stored->previous : TEXT_NONE,
    };
    struct complaint why = {0};

    x->current->crossing = crossing_open(&options, &why);
    return x->current->crossing ? FAULT_NONE : refused(x, &why);
}

/* Responses may refer to one that the gateway keeps. */
static enum fault open_chat(struct exchange *x)
{
    enum fault fault = FAULT_NONE;

    if (x->head.dialect == DIALECT_responses)
        fault = stored_open(x);
    if (fault)
        return fault;
    return open_crossing(
        x, gather_body(x, x->stored ? x->stored->body.raw : buffer_span(&x->body)));
}

/* The client's words in the provider's dialect. */
static enum fault translate_body(struct exchange *x, const struct dialect *provider)
{
    const struct plan_target *target = exchange_target(x);
    struct attempt *attempt = x->current;
    enum fault fault = FAULT_NONE;

    if (!attempt->crossing)
        fault = open_chat(x);
    if (fault)
        return fault;
    if (!crossing_write(attempt->crossing, provider, target->model, target->provider->quirks))
        return refused(x, &attempt->crossing->translation.refusal);
    attempt->request.body[0] = buffer_span(&attempt->crossing->request);
    attempt->request.body_count = 1;
    return FAULT_NONE;
}

/* Where the address names the model, requests that are no chats say it in the body too. */
static bool names_inside(const struct exchange *x)
{
    return exchange_dialect(x)->model_member.len == 0 &&
           (is_embedding(x) || operation_row(x->head.operation)->kind == OPERATION_KIND_COUNT);
}

/* The client's own bytes, with the edits that are needed. */
static enum fault forward_body(struct exchange *x)
{
    const struct operation_row *row = operation_row(x->head.operation);
    bool knows = !(exchange_target(x)->provider->quirks & QUIRK_NO_STREAM_OPTIONS);
    bool asks_usage = knows && x->head.dialect == DIALECT_DEFAULT &&
                      (operation_chats(row) || row->kind == OPERATION_KIND_COMPLETIONS);
    struct attempt *attempt = x->current;

    _Static_assert(FORWARD_PIECES_MAX <= CALL_BODY_PIECES, "they fit");
    attempt->crossing = NULL; /* of an earlier target */
    forward_make(gather_ask(x), exchange_target(x)->model_json, asks_usage, &attempt->forward);
    if (names_inside(x))
        attempt->forward = (struct forward_body){
            .pieces = {forward_named_inside(x->ask.body, exchange_target(x)->model, &x->arena)},
            .count = 1,
        };
    memcpy(attempt->request.body, attempt->forward.pieces, sizeof(attempt->forward.pieces));
    attempt->request.body_count = attempt->forward.count;
    return FAULT_NONE;
}

/* ---- the address ------------------------------------------------------------------------- */

static enum address_kind address_kind(const struct exchange *x)
{
    switch ((enum operation_kind)operation_row(x->head.operation)->kind) {
    case OPERATION_KIND_COUNT: return ADDRESS_COUNT_TOKENS;
    case OPERATION_KIND_EMBEDDINGS:
        return is_batch(x) ? ADDRESS_EMBEDDINGS_BATCH : ADDRESS_EMBEDDINGS;
    case OPERATION_KIND_COMPLETIONS: return ADDRESS_COMPLETIONS;
    case OPERATION_KIND_CHAT:
    case OPERATION_KIND_CHAT_WHOLE:
    case OPERATION_KIND_CHAT_STREAM: break;
    case OPERATION_KIND_MODELS:
    case OPERATION_KIND_MODEL:
    case OPERATION_KIND_STORED:
    case OPERATION_KIND_STORED_ITEMS:
    case OPERATION_KIND_SOCKET:
    case OPERATION_KIND_HEALTH: CHECK(operation_calls(operation_row(x->head.operation)));
    }
    return x->ask.stream ? ADDRESS_CHAT_STREAM : ADDRESS_CHAT;
}

/* Embeddings are known to two dialects; what a provider has in neither, it has not. */
static struct span embedding_address(struct exchange *x, const struct plan_target *target,
                                     enum address_kind kind)
{
    static const enum dialect_id spoken[] = {EMBEDDING_DIALECTS};
    struct span address = SPAN_NONE;

    for (unsigned i = 0; i < ARRAY_LEN(spoken) && !address.ptr; i++) {
        x->current->provider_dialect = (uint8_t)spoken[i];
        address =
            address_target(x->view->snapshot, target->provider, x->current->credential.value,
                           spoken[i] == DIALECT_DEFAULT ? kind : ADDRESS_EMBEDDINGS_BATCH,
                           spoken[i], target->model, &x->arena);
    }
    return address;
}

static struct chat_target chat_target(const struct exchange *x,
                                      const struct plan_target *target)
{
    return (struct chat_target){
        .model = target->model,
        .traits = model_traits(target->model, (enum dialect_id)x->current->provider_dialect),
        .quirks = target->provider->quirks,
    };
}

static bool is_chat(const struct exchange *x)
{
    return operation_chats(operation_row(x->head.operation));
}

/* Whether a provider of the client's dialect takes the chat as the client's own bytes. */
static bool takes_bytes(const struct exchange *x, const struct plan_target *target)
{
    const struct dialect *dialect = exchange_dialect(x);
    struct chat_target to;

    if (wants_array(x))
        return false;
    if (!dialect->fits)
        return true;
    to = chat_target(x, target);
    return dialect->fits(crossing_body(buffer_span(&x->body)), &to);
}

/* Another dialect of the provider, where the target refuses this chat in the first one. */
static enum fault turn_dialect(struct exchange *x, const struct plan_target *target)
{
    const struct dialect *dialect = dialect_row((enum dialect_id)x->current->provider_dialect);
    struct attempt *attempt = x->current;
    enum fault fault = FAULT_NONE;
    enum dialect_id other;
    struct chat_target to;

    if (!dialect->instead || attempt->passes_on)
        return FAULT_NONE;
    if (!attempt->crossing)
        fault = open_chat(x);
    if (fault)
        return fault;
    to = chat_target(x, target);
    other = dialect->instead(&attempt->crossing->chat, &to);
    if (target->provider->faces[other].chats)
        attempt->provider_dialect = (uint8_t)other;
    return FAULT_NONE;
}

static enum fault choose_dialect(struct exchange *x, const struct plan_target *target)
{
    enum dialect_id client = (enum dialect_id)x->head.dialect;
    struct attempt *attempt = x->current;

    attempt->provider_dialect = (uint8_t)client;
    attempt->passes_on = true;
    if (!is_chat(x))
        return FAULT_NONE;
    attempt->provider_dialect = (uint8_t)address_dialect(target->provider, client);
    attempt->passes_on = attempt->provider_dialect == client && takes_bytes(x, target);
    return turn_dialect(x, target);
}

/* Chats and embeddings are translated when they must be; anything else goes as it came or not
 * at all. */
static struct span choose_address(struct exchange *x, const struct plan_target *target)
{
    enum address_kind kind = address_kind(x);
    struct span address;

    address =
        address_target(x->view->snapshot, target->provider, x->current->credential.value, kind,
                       (enum dialect_id)x->current->provider_dialect, target->model, &x->arena);
    if (address.ptr || !is_embedding(x))
        return address;
    address = embedding_address(x, target, kind);
    x->current->passes_on = x->current->provider_dialect == x->head.dialect;
    return address;
}

/* A number of tokens that the provider cannot be asked for. */
static enum fault count_here(struct exchange *x)
{
    enum dialect_id dialect = (enum dialect_id)x->head.dialect;
    enum fault fault = open_crossing(x, count_request(dialect, buffer_span(&x->body)));
    struct crossing *crossing;
    struct estimate estimate;
    struct json_writer json;

    if (fault)
        return fault;
    crossing = x->current->crossing;
    estimate_chat(&crossing->chat, &estimate);
    json_write_init(&json, &crossing->out);
    count_write(
        dialect,
        estimate_tokens(&estimate, tokenizer_of(exchange_target(x)->model,
                                                (enum dialect_id)x->current->provider_dialect)),
        &json);
    x->answer.estimated = true;
    reply_json(x, 200, buffer_span(&crossing->out));
    return FAULT_NONE;
}

enum fault outgoing_make(struct exchange *x)
{
    const struct snapshot_provider *provider = exchange_target(x)->provider;
    struct attempt *attempt = x->current;
    const struct snapshot_times *times = &x->view->page->times;
    struct span authority = snapshot_span(x->view->snapshot, provider->authority);
    enum fault fault = choose_dialect(x, exchange_target(x));

    if (fault)
        return fault;
    credentials_choose(x);
    attempt->request = (struct call_request){
        .method_id = HTTP_METHOD_POST,
        .method = SPAN("POST"),
        .target = choose_address(x, exchange_target(x)),
        .host = authority.len ? authority : SPAN_NONE,
        .headers = attempt->headers,
        .connect_ms = provider->connect_ms ? provider->connect_ms : times->connect_ms,
        .head_ms = provider->head_ms ? provider->head_ms : times->head_ms,
        .first_ms = provider->first_event_ms ? provider->first_event_ms : times->first_event_ms,
        .idle_ms = provider->idle_ms ? provider->idle_ms : times->idle_ms,
    };
    if (!attempt->request.target.ptr)
        return address_kind(x) == ADDRESS_COUNT_TOKENS ? count_here(x) : FAULT_not_translated;
    if (attempt->passes_on)
        fault = forward_body(x);
    else
        fault = translate_body(x, dialect_row((enum dialect_id)attempt->provider_dialect));
    if (!fault)
        write_headers(x, provider);
    return fault;
}
