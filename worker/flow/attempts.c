#include "worker/flow/attempts.h"

#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/route/pace.h"

#include "worker/worker.h"

struct retry_row {
    bool again, bars;
    uint8_t rank;
    uint8_t saw; /* enum health_outcome */
};

static const struct retry_row retries[FAULT_COUNT] = {
#define RETRY(fault, again_, bars_, rank_, saw_) \
    [FAULT_##fault] = {(again_), (bars_), (rank_), HEALTH_SAW_##saw_},
#include "worker/flow/retries.def"
#undef RETRY
};

static const struct {
    uint16_t status;
    enum fault fault;
} statuses[] = {
    {401, FAULT_provider_auth},         {402, FAULT_provider_quota},
    {403, FAULT_provider_auth},         {408, FAULT_provider_error},
    {409, FAULT_provider_error},        {425, FAULT_provider_error},
    {429, FAULT_provider_rate_limited}, {503, FAULT_provider_overloaded},
    {529, FAULT_provider_overloaded},
};

static const struct snapshot_attempts *rules(const struct exchange *x)
{
    return &x->view->page->attempts;
}

/* One more behind the names of those that were tried. */
static void add_name(struct exchange *x, struct span name)
{
    struct buffer names _buffer_;

    buffer_init(&names, 4096);
    (void)buffer_append(&names, x->trying.names);
    (void)buffer_append(&names, SPAN(", "));
    (void)buffer_append(&names, name);
    x->trying.names = arena_copy(&x->arena, buffer_span(&names));
}

void attempts_begin(struct exchange *x)
{
    uint32_t row = exchange_target(x)->provider->health_row;
    struct span name = snapshot_span(x->view->snapshot, exchange_target(x)->provider->name);

    if (x->attempts == 0)
        pace_note_request(segment_pace(x->worker->segment, row),
                          reactor_now_ms(&x->worker->reactor));
    x->attempts++;
    x->trying.tries[x->current->target]++;
    credentials_count(x);
    x->current->retry_after_ms = 0;
    if (x->attempts == 1)
        x->trying.names = name;
    else
        add_name(x, name);
}

enum fault attempts_fault(uint16_t status)
{
    for (unsigned i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i].status == status)
            return statuses[i].fault;
    return status >= 500 ? FAULT_provider_error : FAULT_NONE;
}

/* A 403 is about a model or a permission, mostly: another request may be served. A deadline of
 * the request counts only where the provider has not said a word. What another credential can
 * mend says nothing against the account, which answers. */
enum health_outcome attempts_saw(const struct exchange *x, enum fault fault)
{
    if (fault == FAULT_NONE || credentials_left(x, fault))
        return HEALTH_SAW_GOOD;
    if (fault == FAULT_provider_auth && x->answer.upstream_status == 403)
        return HEALTH_SAW_NOTHING;
    if (fault == FAULT_total_timeout && x->current->calling && x->answer.upstream_status == 0)
        return HEALTH_SAW_BREAK;
    return (enum health_outcome)retries[fault].saw;
}

/* ---- which ------------------------------------------------------------------------------- */

/* What a refusal leads to, when the plan has such a target. */
static enum route_role role_after(const struct exchange *x)
{
    uint8_t kind = x->complaint ? x->complaint->kind : COMPLAINT_COUNT;
    enum route_role now = (enum route_role)exchange_target(x)->role;

    if (kind == COMPLAINT_context_length)
        return ROUTE_CONTEXT;
    if (kind == COMPLAINT_content_filter)
        return ROUTE_CONTENT;
    return now == ROUTE_OWN ? ROUTE_GENERAL : now;
}

static bool is_of_credential(enum fault fault)
{
    return fault == FAULT_provider_auth || fault == FAULT_provider_quota;
}

/* By a failure at target FAILED; one of a credential bars an account that has no other. */
static bool bars(const struct exchange *x, unsigned failed, unsigned index)
{
    enum fault fault = (enum fault)x->trying.faults[failed];

    return retries[fault].bars &&
           x->plan->targets[failed].provider_index == x->plan->targets[index].provider_index &&
           (!is_of_credential(fault) || credentials_spent(x, index));
}

static bool is_barred(const struct exchange *x, unsigned index)
{
    for (unsigned i = 0; i < x->plan->count; i++)
        if (bars(x, i, index))
            return true;
    return false;
}

static bool has_role(const struct exchange *x, unsigned index, enum route_role role)
{
    uint8_t here = x->plan->targets[index].role;

    return here == (uint8_t)role || (role == ROUTE_GENERAL && here == ROUTE_OWN);
}

/* What a target costs that does well is its own to bear; one that fails too would be flooded.
 */
static bool may_take(const struct exchange *x, unsigned index, bool again, bool take)
{
    uint32_t row = x->plan->targets[index].provider->health_row;
    uint32_t percent = rules(x)->budget_percent;
    uint64_t now_ms = reactor_now_ms(&x->worker->reactor);
    struct target_pace *pace = segment_pace(x->worker->segment, row);
    uint64_t failures = atomic_load_explicit(
        &segment_target(x->worker->segment, row)->consecutive_failures, memory_order_relaxed);

    if (!again && failures == 0)
        return true;
    return take ? pace_take_retry(pace, percent, now_ms)
                : pace_may_retry(pace, percent, now_ms);
}

/* Untried, of ROLE, from START on; the plan's count when there is none. */
static unsigned untried(const struct exchange *x, enum route_role role, unsigned start)
{
    unsigned i = start;

    while (i < x->plan->count && (x->trying.tries[i] > 0 || i == x->current->target ||
                                  !has_role(x, i, role) || is_barred(x, i)))
        i++;
    return i;
}

/* Whether target INDEX may be asked once more. */
static bool may_repeat(const struct exchange *x, unsigned index)
{
    return x->trying.tries[index] > 0 && x->trying.tries[index] < rules(x)->per_target &&
           retries[x->trying.faults[index]].again && !is_barred(x, index);
}

static bool leads_on(const struct exchange *x, enum fault fault)
{
    enum route_role role = role_after(x);
    bool refused = x->complaint && (x->complaint->kind == COMPLAINT_context_length ||
                                    x->complaint->kind == COMPLAINT_content_filter);

    if (x->answer.head_sent || !x->plan || !x->client || x->attempts >= rules(x)->most)
        return false;
    return refused ? untried(x, role, 0) < x->plan->count
                   : (fault_row(fault)->flags & FAULT_NEXT_TARGET) != 0;
}

/* ---- when -------------------------------------------------------------------------------- */

/* Doubled with each, and up to a half of it less; the provider's wish when that is longer. */
static uint64_t wait_ms(const struct exchange *x)
{
    uint64_t wait = rules(x)->backoff_ms;

    for (unsigned i = 0; i < x->trying.waits && wait < rules(x)->backoff_most_ms; i++)
        wait *= 2;
    if (wait > rules(x)->backoff_most_ms)
        wait = rules(x)->backoff_most_ms;
    wait -= random_u64() % (wait / 2 + 1);
    return x->current->retry_after_ms > wait ? x->current->retry_after_ms : wait;
}

static bool in_time(const struct exchange *x, uint64_t wait)
{
    uint64_t spent_ms = (clock_monotonic_ns() - x->started_ns) / 1000000;

    return wait <= rules(x)->backoff_most_ms &&
           (x->plan->total_ms == 0 || spent_ms + wait < x->plan->total_ms);
}

/* Where the next attempt goes; TAKE: it is really made, and what it costs of a budget taken.
 * The plan's count when there is none. */
static unsigned find(const struct exchange *x, enum fault fault, bool take,
                     uint64_t *ret_wait_ms)
{
    enum route_role role = role_after(x);
    unsigned count = x->plan->count;

    *ret_wait_ms = 0;
    if (!leads_on(x, fault))
        return count;
    if (credentials_left(x, fault))
        return x->current->target;
    for (unsigned i = untried(x, role, 0); i < count; i = untried(x, role, i + 1))
        if (may_take(x, i, false, take))
            return i;
    *ret_wait_ms = wait_ms(x);
    for (unsigned i = 0; i < count && in_time(x, *ret_wait_ms); i++)
        if (may_repeat(x, i) && may_take(x, i, true, take))
            return i;
    return count;
}

/* ---- failures ---------------------------------------------------------------------------- */

void attempts_note(struct exchange *x, enum fault fault)
{
    struct failure *best = &x->trying.best;

    x->trying.faults[x->current->target] = (uint8_t)fault;
    if (retries[fault].rank < best->rank)
        return;
    *best = (struct failure){.fault = fault,
                             .retry_after_ms = x->current->retry_after_ms,
                             .rank = retries[fault].rank};
    if (!x->complaint)
        return;
    best->complaint = ARENA_NEW(&x->arena, struct complaint);
    complaint_keep(x->complaint, &x->arena, best->complaint);
}

bool attempts_may_follow(const struct exchange *x)
{
    if (x->attempts + 1 >= rules(x)->most)
        return false;
    return rules(x)->per_target > 1 || untried(x, role_after(x), 0) < x->plan->count;
}

static bool does_well(const struct exchange *x, unsigned index)
{
    const struct target_health *health =
        segment_target(x->worker->segment, x->plan->targets[index].provider->health_row);
    uint64_t until_ms;

    return health_state(health, reactor_now_ms(&x->worker->reactor), &until_ms) ==
               HEALTH_HEALTHY &&
           atomic_load_explicit(&health->consecutive_failures, memory_order_relaxed) == 0;
}

unsigned attempts_beside(const struct exchange *x, bool same_account)
{
    const struct plan_target *now = exchange_target(x);

    if (x->attempts >= rules(x)->most)
        return x->plan->count;
    for (unsigned i = 0; i < x->plan->count; i++) {
        const struct plan_target *target = &x->plan->targets[i];

        if (x->trying.tries[i] == 0 && target->role == now->role && !is_barred(x, i) &&
            (same_account || target->provider_index != now->provider_index) && does_well(x, i))
            return i;
    }
    return same_account ? x->current->target : x->plan->count;
}

bool attempts_left(struct exchange *x, enum fault fault)
{
    uint64_t wait;

    if (!x->plan)
        return false;
    x->trying.faults[x->current->target] = (uint8_t)fault;
    return find(x, fault, false, &wait) < x->plan->count;
}

bool attempts_next(struct exchange *x, enum fault fault, uint64_t *ret_wait_ms)
{
    unsigned next;

    if (!x->plan)
        return false;
    attempts_note(x, fault);
    next = find(x, fault, true, ret_wait_ms);
    if (next >= x->plan->count)
        return false;
    if (next == x->current->target && *ret_wait_ms == 0) /* with another credential */
        x->trying.tries[next]--;
    x->trying.waits += *ret_wait_ms > 0;
    x->current->target = next;
    return true;
}

bool attempts_may(struct exchange *x)
{
    const struct snapshot_provider *provider = exchange_target(x)->provider;

    return health_may_try(segment_target(x->worker->segment, provider->health_row),
                          &provider->health, reactor_now_ms(&x->worker->reactor));
}

bool attempts_skip(struct exchange *x)
{
    enum route_role now = (enum route_role)exchange_target(x)->role;
    unsigned next;

    /* Those before it were passed over already. */
    next = untried(x, now == ROUTE_OWN ? ROUTE_GENERAL : now, x->current->target + 1);
    if (next >= x->plan->count)
        return false;
    x->current->target = next;
    return true;
}

void attempts_settle(struct exchange *x)
{
    const struct failure *best = &x->trying.best;

    if (best->rank == 0 || best->rank <= retries[x->fault].rank || x->answer.head_sent ||
        x->gone)
        return;
    x->fault = best->fault;
    x->complaint = best->complaint;
    x->current->retry_after_ms = best->retry_after_ms;
    x->answer.failing = false;
}

void attempts_add_fields(struct exchange *x)
{
    struct buffer count _buffer_;

    buffer_init(&count, 32);
    if (x->attempts < 2)
        return;
    (void)buffer_append_u64(&count, x->attempts);
    reply_add_field(x->worker, SPAN("x-aigw-attempts"), buffer_span(&count));
    reply_add_field(x->worker, SPAN("x-aigw-targets"), x->trying.names);
}
