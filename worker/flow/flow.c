/* How an exchange passes the rooms. Every arrow of the gateway is in flow_after. */
#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "worker/flow/gather.h"
#include "worker/flow/race.h"
#include "worker/flow/turns.h"
#include "worker/translate/dialect.h"
#include "worker/worker.h"

#define ARENA_FIRST_BYTES 2016 /* what most streams need, which live long */
#define SPARE_EXCHANGES   64
#define WAIT_BODY_BYTES                                                                        \
    65536 /* a refused request's body of this size is awaited, so that the connection lives on \
           */

typedef enum step enter_f(struct exchange *x);

static enter_f enter_parse, enter_authenticate, enter_receive, enter_limit, enter_route,
    enter_cache, enter_queue, enter_translate, enter_upstream, enter_meter, enter_log;

static const struct {
    enter_f *enter;
} phases[] = {

#define PHASE(name) {enter_##name},
#include "worker/flow/pipeline.def"
#undef PHASE
};
_Static_assert(ARRAY_LEN(phases) == PHASE_END, "each room has its door");

static enum phase flow_after(const struct exchange *x, enum step step)
{
    switch (step) {
    case STEP_NEXT: return (enum phase)(x->at + 1);
    case STEP_AGAIN: CHECK(x->at == PHASE_upstream); return PHASE_queue;
    case STEP_ANSWERED:
    case STEP_REFUSE: CHECK(x->at < PHASE_meter); return PHASE_meter;
    case STEP_WAIT: break;
    }
    return (enum phase)x->at;
}

/* Nobody is told how long the last two rooms took. */
static void leave_phase(struct exchange *x)
{
    uint64_t now_ns;

    if (x->at > PHASE_upstream)
        return;
    now_ns = clock_monotonic_ns();
    x->phase_us[x->at] += (uint32_t)((now_ns - x->entered_ns) / 1000);
    x->entered_ns = now_ns;
}

/* A new exchange costs two allocations of a size that the heap is slow with, so some ended ones
 * rest for the next requests. */
static struct exchange *exchange_new(struct worker *worker)
{
    struct exchange *x = worker->spare_exchanges;
    struct arena arena;

    if (!x) {
        x = MEMORY_NEW(struct exchange);
        arena_init(&x->arena, ARENA_FIRST_BYTES);
        return x;
    }
    memory_unpoison(x, sizeof(*x));
    worker->spare_exchanges = x->next;
    worker->spare_count--;
    arena = x->arena;
    memset(x, 0, sizeof(*x));
    x->arena = arena;
    return x;
}

static void exchange_free(struct exchange *x)
{
    struct worker *worker = x->worker;

    x->magic = 0;
    if (worker->spare_count == SPARE_EXCHANGES) {
        arena_done(&x->arena);
        memory_free(x);
        return;
    }
    arena_reset(&x->arena);
    x->next = worker->spare_exchanges;
    worker->spare_exchanges = x;
    worker->spare_count++;
    memory_poison(x, sizeof(*x));
}

/* The last of it: the connection goes on with the next request. */
static void exchange_end(struct exchange *x)
{
    struct worker *worker = x->worker;
    struct client *client = x->client;
    bool keep = x->keep && x->answer.ended;

    if (x->next)
        x->next->previous = x->previous;
    if (x->previous)
        x->previous->next = x->next;
    else
        worker->exchanges = x->next;
    worker->exchange_count--;
    atomic_store_explicit(&worker->slot->exchanges, worker->exchange_count,
                          memory_order_relaxed);
    turns_leave(x);
    turns_freed(worker);
    cached_end(x);
    gather_free(x);
    race_cancel(x);
    worker->body_bytes -= x->body.len;
    buffer_done(&x->body);
    buffer_done(&x->error_body);
    sse_done(&x->framer);
    reactor_disarm(&worker->reactor, &x->deadline);
    reactor_disarm(&worker->reactor, &x->quiet);
    view_unref(x->view);
    exchange_free(x);
    if (client)
        client_finish(client, keep);
}

void flow_take(struct exchange *x, enum step step)
{
    CHECK(x->magic == EXCHANGE_MAGIC);
    while (step != STEP_WAIT) {
        enum phase to = flow_after(x, step);

        if (step == STEP_REFUSE)
            reply_fault(x);
        leave_phase(x);
        x->at = (uint8_t)to;
        if (to == PHASE_END) {
            exchange_end(x);
            return;
        }
        step = phases[to].enter(x);
    }
}

static void total_passed(struct deadline *deadline)
{
    flow_cancel(
        (struct exchange *)(void *)((char *)deadline - offsetof(struct exchange, deadline)),
        FAULT_total_timeout);
}

/* "req_" + 12 digits of time + 4 of the process + 16 random: sorts by time, never repeats. */
void exchange_make_id(const struct worker *worker, int64_t wall_ms,
                      char ret_id[REQUEST_ID_SIZE])
{
    uint64_t time = (uint64_t)wall_ms, random = random_u64();
    uint8_t bytes[16];

    for (unsigned i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(time >> (40 - 8 * i));
    bytes[6] = (uint8_t)worker->slot_index;
    bytes[7] = (uint8_t)random_u64();
    memcpy(bytes + 8, &random, 8);
    memcpy(ret_id, "req_", 4);
    encode_hex(bytes, sizeof(bytes), ret_id + 4);
}

/* What each dialect's clients may send on to a provider of the same dialect. */
static const struct head_wanted *wanted_headers(void)
{
    static struct head_wanted wanted[DIALECT_COUNT];

    for (unsigned i = 0; i < DIALECT_COUNT && !wanted[DIALECT_COUNT - 1].names; i++) {
        const struct dialect *row = dialect_row((enum dialect_id)i);

        wanted[i] = (struct head_wanted){row->request_headers, row->request_header_count};
    }
    return wanted;
}

/* Those that conditions of targets ask for; the head does not live as long as the route. */
static void keep_route_headers(struct exchange *x, const struct http_head *head)
{
    const struct snapshot *snapshot = x->view->snapshot;
    struct snapshot_table names = x->view->page->route_headers;

    if (names.count == 0)
        return;
    x->route_headers = ARENA_ARRAY(&x->arena, names.count, struct span);
    for (uint32_t i = 0; i < names.count; i++) {
        struct snapshot_text name = *SNAPSHOT_ROW(snapshot, names, i, snapshot_text);
        struct span value = http_find(head, snapshot_span(snapshot, name));

        x->route_headers[i] = value.ptr ? arena_copy(&x->arena, value) : SPAN_NONE;
    }
}

struct exchange *exchange_begin(struct worker *worker, struct client *client,
                                const struct http_head *head)
{
    struct exchange *x = exchange_new(worker);

    x->magic = EXCHANGE_MAGIC;
    x->worker = worker;
    x->client = client;
    x->view = view_ref(worker->view);
    x->first.exchange = x;
    x->current = &x->first;
    x->next = worker->exchanges;
    if (x->next)
        x->next->previous = x;
    worker->exchanges = x;
    worker->exchange_count++;
    atomic_store_explicit(&worker->slot->exchanges, worker->exchange_count,
                          memory_order_relaxed);
    buffer_init(&x->body, x->view->page->limits.body_bytes);
    buffer_init(&x->error_body, ERROR_BODY_BYTES);
    sse_init(&x->framer, x->view->page->limits.event_bytes);
    bill_init(&x->bill);
    x->deadline.passed = total_passed;
    x->started_wall_ms = clock_wall_ms();
    x->started_ns = x->entered_ns = clock_monotonic_ns();
    exchange_make_id(worker, x->started_wall_ms, x->id);
    client->exchange = x;
    x->at = PHASE_parse;
    x->receiving = true;
    x->fault = head_read(head, x->view->page->limits.body_bytes, wanted_headers(), &x->arena,
                         &x->head);
    keep_route_headers(x, head);
    x->keep = x->head.keep_alive && !worker->draining;
    flow_take(x, phases[PHASE_parse].enter(x));
    return x;
}

/* A refusal before the body is here: a small body is awaited first, so that the client reads
 * the answer and the connection can be used again. */
static enum step refuse_early(struct exchange *x)
{
    bool small = !x->head.has_body || x->head.content_length <= WAIT_BODY_BYTES;

    if (!x->receiving)
        return STEP_REFUSE;
    if (x->head.expect_continue || !small || (fault_row(x->fault)->flags & FAULT_CLOSES)) {
        x->keep = false;
        return STEP_REFUSE;
    }
    x->refused_early = true;
    return STEP_WAIT;
}

static enum step enter_parse(struct exchange *x)
{
    return x->fault ? refuse_early(x) : STEP_NEXT;
}

static enum step enter_authenticate(struct exchange *x)
{
    const struct operation_row *row = operation_row(x->head.operation);

    if (x->head.options || !operation_needs_key(row))
        return STEP_NEXT;
    x->fault = caller_find(x->view->snapshot, x->head.key, x->started_wall_ms,
                           &x->client->secret_memo, &x->caller);
    metric_add(x->worker->metrics,
               x->fault ? METRIC_refused_keys_total : METRIC_authenticated_total, 1);
    return x->fault ? refuse_early(x) : STEP_NEXT;
}

static enum step enter_receive(struct exchange *x)
{
    x->fault = x->head.unfit;
    if (x->fault)
        return refuse_early(x);
    if (x->receiving && x->head.has_body && x->head.expect_continue) {
        client_continue(x->client);
        x->continued = true;
    }
    return x->receiving ? STEP_WAIT : STEP_NEXT;
}

static bool answered_here(const struct exchange *x)
{
    return x->head.options || !operation_calls(operation_row(x->head.operation));
}

static enum step read_ask(struct exchange *x)
{
    x->fault = ask_read(buffer_span(&x->body),
                        (enum operation_kind)operation_row(x->head.operation)->kind,
                        x->head.argument, &x->arena, &x->ask, &x->refusal);
    if (x->fault)
        return STEP_REFUSE;
    x->asked_model = arena_copy(&x->arena, x->ask.model);
    x->model = snapshot_find_model(x->view->snapshot, x->asked_model);
    x->tags = x->head.tags;
    (void)tags_add(&x->tags, x->ask.tags, &x->arena);
    return STEP_NEXT;
}

static enum step room_left(struct exchange *x)
{
    if (answered_here(x)) {
        reply_local(x);
        return STEP_ANSWERED;
    }
    return read_ask(x);
}

void flow_body(struct exchange *x, struct span bytes)
{
    struct worker *worker = x->worker;
    const struct snapshot_limits *limits = &x->view->page->limits;

    if (x->refused_early || !x->receiving || answered_here(x))
        return;
    if (limits->body_memory_bytes > 0 &&
        worker->body_bytes + bytes.len > limits->body_memory_bytes)
        x->fault = FAULT_overloaded;
    else if (!buffer_append(&x->body, bytes))
        x->fault = FAULT_body_too_large;
    else
        worker->body_bytes += bytes.len;
    x->received_bytes += bytes.len;
    metric_add(worker->metrics, METRIC_client_bytes_received_total, bytes.len);
    if (!x->fault)
        return;
    x->keep = false;
    flow_take(x, STEP_REFUSE);
}

void flow_received(struct exchange *x)
{
    x->receiving = false;
    if (x->refused_early)
        flow_take(x, STEP_REFUSE);
    else
        flow_take(x, room_left(x));
}

static enum step enter_limit(struct exchange *x)
{
    x->fault =
        ticket_take(&x->worker->places, x->view->page->limits.exchanges_per_worker, &x->ticket);
    if (x->fault)
        return STEP_REFUSE;
    claims_init(&x->limits.claims, x->worker->segment, x->view->snapshot, &x->arena,
                x->ticket.row->holds, x->started_wall_ms);
    x->limits.claims.flow = turns_flow(x);
    switch (limits_take(x)) {
    case LIMITS_ROOM: return STEP_NEXT;
    case LIMITS_FULL: return STEP_REFUSE;
    case LIMITS_AWAITS: break;
    }
    return STEP_WAIT;
}

static void refuse_model(struct exchange *x)
{
    struct buffer message _buffer_;

    buffer_init(&message, 1024);
    if (x->fault == FAULT_no_target && x->homing.place.account != 0)
        x->refusal.message =
            SPAN("The account that keeps what this request continues cannot answer now.");
    if (x->fault != FAULT_model_not_found)
        return;
    (void)buffer_append(&message, SPAN("The model '"));
    (void)buffer_append(&message, span_of(x->asked_model.ptr,
                                          x->asked_model.len < 200 ? x->asked_model.len : 200));
    (void)buffer_append(&message, SPAN("' does not exist here or this key may not use it."));
    x->refusal.message = arena_copy(&x->arena, buffer_span(&message));
    x->refusal.param = "model";
}

static enum step enter_route(struct exchange *x)
{
    x->plan = ARENA_NEW(&x->arena, struct route_plan);
    x->fault = plan_make(&(struct plan_options){.snapshot = x->view->snapshot,
                                                .segment = x->worker->segment,
                                                .caller = &x->caller,
                                                .model = x->asked_model,
                                                .facts = route_facts_of(x)},
                         &x->arena, x->plan);
    if (x->fault) {
        refuse_model(x);
        x->plan = NULL;
        return STEP_REFUSE;
    }
    if (x->plan->total_ms > 0)
        reactor_arm(&x->worker->reactor, &x->deadline, x->plan->total_ms);
    return STEP_NEXT;
}

static enum step enter_cache(struct exchange *x)
{
    return cached_enter(x);
}

static void copy_name(char *to, size_t size, uint32_t *ret_len, struct span from)
{
    *ret_len = (uint32_t)(from.len < size ? from.len : size);
    memcpy(to, from.ptr, *ret_len);
}

/* From now on the supervisor can make the usage record if this worker cannot. */
static void note_sent(struct exchange *x)
{
    const struct plan_target *target = exchange_target(x);
    struct inflight facts = {
        .tenant = x->caller.key->tenant,
        .team = x->caller.key->team,
        .user = x->caller.key->user,
        .started_wall_ms = x->started_wall_ms,
        .stream = x->ask.stream,
        .estimated_input_tokens = x->limits.expected.input,
        .reserved_nano = claims_reserved_nano(&x->limits.claims),
        .cost_nano = UINT64_MAX,
    };

    memcpy(facts.request_id, x->id, sizeof(facts.request_id));
    memcpy(facts.key_id, x->caller.key->id, sizeof(facts.key_id));
    copy_name(facts.provider, sizeof(facts.provider), &facts.provider_len,
              snapshot_span(x->view->snapshot, target->provider->name));
    copy_name(facts.model, sizeof(facts.model), &facts.model_len, target->model);
    copy_name(facts.asked, sizeof(facts.asked), &facts.asked_len, x->asked_model);
    copy_name(facts.operation, sizeof(facts.operation), &facts.operation_len,
              span_of_text(operation_row(x->head.operation)->name));
    ticket_sent(&x->ticket, &facts);
}

/* The next target whose provider has room under its own limits; those are noted whose places
 * are all taken. */
static enum fault find_room(struct exchange *x)
{
    enum fault fault;

    do {
        fault = limits_take_provider(x);
        if (fault == FAULT_too_busy)
            turns_note(x);
    } while (fault && attempts_skip(x));
    return fault;
}

static enum step enter_queue(struct exchange *x)
{
    turns_leave(x);
    x->fault = find_room(x);
    turns_freed(x->worker); /* of the attempt before */
    if (x->fault == FAULT_NONE) {
        turns_leave(x);
        return STEP_NEXT;
    }
    if (turns_join(x))
        return STEP_WAIT;
    attempts_settle(x);
    return STEP_REFUSE;
}

static enum step translate(struct exchange *x)
{
    x->fault = outgoing_make(x);
    if (x->fault)
        return STEP_REFUSE;
    return x->answer.estimated ? STEP_ANSWERED : STEP_NEXT;
}

static enum step enter_translate(struct exchange *x)
{
    enum step step = gather_begin(x);

    return step == STEP_NEXT ? translate(x) : step;
}

void flow_gathered(struct exchange *x)
{
    CHECK(x->at == PHASE_translate);
    flow_take(x, x->fault ? STEP_REFUSE : translate(x));
}

bool flow_call(struct exchange *x, const struct call_events *events)
{
    uint32_t row = exchange_target(x)->provider->health_row;
    struct endpoint *endpoint;
    struct buffer why _buffer_;

    buffer_init(&why, 512);
    endpoint = view_endpoint(x->view, exchange_target(x)->provider_index, &why);
    if (!endpoint) {
        x->fault = FAULT_tls_failed;
        x->detail = arena_copy(&x->arena, buffer_span(&why));
        return false;
    }
    attempts_begin(x);
    x->current->calling = true;
    x->current->sent_ns = x->current->hedges ? clock_monotonic_ns() : x->entered_ns;
    if (!x->current->hedges)
        x->current->since_ns = x->current->sent_ns;
    metric_add(x->worker->metrics, METRIC_upstream_requests_total, 1);
    (void)atomic_fetch_add_explicit(&segment_target(x->worker->segment, row)->requests, 1,
                                    memory_order_relaxed);
    ticket_call_begins(&x->worker->places, &x->ticket, x->current->hedges, row);
    call_start(&x->current->call, endpoint, &x->current->request, events);
    return true;
}

/* Where another request is trying the account, the next one is asked; the translation was for
 * this one. With none left this one is. */
static enum step enter_upstream(struct exchange *x)
{
    if (!attempts_may(x) && attempts_skip(x))
        return STEP_AGAIN;
    note_sent(x);
    return flow_call(x, race_begin(x)) ? STEP_WAIT : STEP_REFUSE;
}

static enum step enter_meter(struct exchange *x)
{
    settle_meter(x);
    return STEP_NEXT;
}

static enum step enter_log(struct exchange *x)
{
    settle_log(x);
    return STEP_NEXT;
}

void flow_cancel(struct exchange *x, enum fault fault)
{
    CHECK(x->magic == EXCHANGE_MAGIC);
    if (x->at >= PHASE_meter)
        return;
    if (fault == FAULT_client_gone || fault == FAULT_client_stalled) {
        x->client = NULL;
        x->gone = true;
    }
    turns_leave(x);
    gather_cancel(x);
    race_cancel(x);
    relay_abandon(x, fault);
    x->fault = fault;
    flow_take(x, STEP_REFUSE);
}
