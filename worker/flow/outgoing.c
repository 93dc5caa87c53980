/* How the request leaves: the provider's address, its credential, and the body, either the
 * client's own bytes or what they mean in another dialect. */
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/hash.h"

#include "worker/worker.h"

static void add_header(struct exchange *x, struct span name, struct span value)
{
    CHECK(x->request.header_count < CALL_HEADERS_COUNT);
    x->headers[x->request.header_count++] = (struct call_header){name, value};
}

static struct span join(struct arena *arena, struct span a, struct span b)
{
    char *text = arena_take_text(arena, a.len + b.len);

    memcpy(text, a.ptr, a.len);
    memcpy(text + a.len, b.ptr, b.len);
    return span_of(text, a.len + b.len);
}

/* How the provider knows us; the credential goes to its own address only. */
static void sign(struct exchange *x, const struct snapshot_provider *provider)
{
    struct span credential = snapshot_span(x->view->snapshot, provider->credential);

    if (credential.len == 0)
        return;
    switch ((enum signer)provider->signer) {
    case SIGNER_NONE: break;
    case SIGNER_BEARER:
        add_header(x, SPAN("authorization"), join(&x->arena, SPAN("Bearer "), credential));
        break;
    case SIGNER_API_KEY_HEADER: add_header(x, SPAN("api-key"), credential); break;
    case SIGNER_X_API_KEY: add_header(x, SPAN("x-api-key"), credential); break;
    }
}

static void write_headers(struct exchange *x, const struct snapshot_provider *provider)
{
    x->request.header_count = 0;
    add_header(x, SPAN("content-type"), SPAN("application/json"));
    add_header(x, SPAN("accept"),
               x->ask.stream ? SPAN("text/event-stream") : SPAN("application/json"));
    add_header(x, SPAN("x-request-id"), span_of(x->id, REQUEST_ID_SIZE));
    sign(x, provider);
    for (unsigned i = 0; i < x->head.forwarded_count && !x->crossing; i++)
        add_header(x, x->head.forwarded[i].name, x->head.forwarded[i].value);
    for (uint32_t i = 0; i < provider->headers.count; i++) {
        const struct snapshot_header *row =
            SNAPSHOT_ROW(x->view->snapshot, provider->headers, i, snapshot_header);

        if (x->request.header_count < CALL_HEADERS_COUNT)
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

static enum fault open_crossing(struct exchange *x)
{
    struct crossing_options options = {
        .client = exchange_dialect(x),
        .arena = &x->arena,
        .body = buffer_span(&x->body),
        .seed = random_u64(),
        .now_s = (uint64_t)x->started_wall_ms / 1000,
        .answer_limit_bytes = x->view->page->limits.event_bytes,
        .strict = x->head.strict,
        .stream = x->ask.stream,
        .sse = x->head.sse,
    };
    struct complaint why = {0};

    x->crossing = crossing_open(&options, &why);
    return x->crossing ? FAULT_NONE : refused(x, &why);
}

/* The client's words in the provider's dialect. */
static enum fault translate_body(struct exchange *x, const struct dialect *provider)
{
    const struct plan_target *target = exchange_target(x);
    enum fault fault = FAULT_NONE;

    if (!x->crossing)
        fault = open_crossing(x);
    if (fault)
        return fault;
    if (!crossing_write(x->crossing, provider, target->model, target->provider->quirks))
        return refused(x, &x->crossing->translation.refusal);
    x->request.body[0] = buffer_span(&x->crossing->request);
    x->request.body_count = 1;
    return FAULT_NONE;
}

/* The client's own bytes, with the edits that are needed. */
static enum fault forward_body(struct exchange *x)
{
    const struct operation_row *row = operation_row(x->head.operation);
    bool asks_usage = x->head.dialect == DIALECT_DEFAULT &&
                      (operation_chats(row) || row->kind == OPERATION_KIND_COMPLETIONS);

    _Static_assert(FORWARD_PIECES_MAX <= CALL_BODY_PIECES, "they fit");
    forward_make(&x->ask, exchange_target(x)->model_json, asks_usage, &x->forward);
    memcpy(x->request.body, x->forward.pieces, sizeof(x->forward.pieces));
    x->request.body_count = x->forward.count;
    return FAULT_NONE;
}

enum fault outgoing_make(struct exchange *x)
{
    const struct snapshot_provider *provider = exchange_target(x)->provider;
    const struct snapshot_times *times = &x->view->page->times;
    struct span authority = snapshot_span(x->view->snapshot, provider->authority);
    enum fault fault;

    x->provider_dialect = DIALECT_DEFAULT;
    x->request = (struct call_request){
        .method_id = HTTP_METHOD_POST,
        .method = SPAN("POST"),
        .target =
            join(&x->arena, snapshot_span(x->view->snapshot, provider->base_path),
                 operation_chats(operation_row(x->head.operation)) ? SPAN("/chat/completions")
                 : operation_row(x->head.operation)->kind == OPERATION_KIND_EMBEDDINGS
                     ? SPAN("/embeddings")
                     : SPAN("/completions")),
        .host = authority.len ? authority : SPAN_NONE,
        .headers = x->headers,
        .connect_ms = provider->connect_ms ? provider->connect_ms : times->connect_ms,
        .head_ms = provider->head_ms ? provider->head_ms : times->head_ms,
        .first_ms = provider->first_event_ms ? provider->first_event_ms : times->first_event_ms,
        .idle_ms = provider->idle_ms ? provider->idle_ms : times->idle_ms,
    };
    if (x->provider_dialect == x->head.dialect)
        fault = forward_body(x);
    else
        fault = translate_body(x, dialect_row((enum dialect_id)x->provider_dialect));
    if (!fault)
        write_headers(x, provider);
    return fault;
}
