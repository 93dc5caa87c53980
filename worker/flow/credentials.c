#include "worker/flow/credentials.h"

#include "shared/base/hash.h"
#include "shared/credential/credential.h"
#include "shared/text/json_write.h"

#include "worker/worker.h"

static const struct snapshot_credential *rows_of(const struct exchange *x,
                                                 const struct snapshot_provider *provider)
{
    return provider->credentials.count == 0
               ? NULL
               : SNAPSHOT_ROW(x->view->snapshot, provider->credentials, 0, snapshot_credential);
}

static uint32_t spent_bits(const struct exchange *x, const struct snapshot_credential *rows,
                           uint32_t count)
{
    uint32_t bits = 0;

    for (uint32_t i = 0; i < x->credentials.spent_count; i++)
        for (uint32_t j = 0; j < count; j++)
            if (rows[j].row == x->credentials.spent[i])
                bits |= 1U << j;
    return bits;
}

static struct credential_choice choice_of(const struct exchange *x,
                                          const struct snapshot_provider *provider)
{
    const struct snapshot_credential *rows = rows_of(x, provider);

    return (struct credential_choice){
        .states = segment_credential(x->worker->segment, 0),
        .rows = rows,
        .count = provider->credentials.count,
        .barred = spent_bits(x, rows, provider->credentials.count),
        .now_ms = reactor_now_ms(&x->worker->reactor),
        .random = provider->credentials.count > 1 ? random_u64() : 0,
    };
}

/* "2" of the second without a name. */
static struct span name_of(struct exchange *x, const struct snapshot_credential *row,
                           uint32_t index)
{
    struct buffer number _buffer_;

    buffer_init(&number, 16);
    if (row->name.offset)
        return snapshot_span(x->view->snapshot, row->name);
    (void)buffer_append_u64(&number, index + 1);
    return arena_copy(&x->arena, buffer_span(&number));
}

/* The one that made what the request continues, while it is good. */
static uint32_t index_at_home(const struct exchange *x, const struct plan_target *target,
                              const struct credential_choice *choice)
{
    const struct home_place *place = &x->homing.place;
    uint64_t until_ms;

    if (place->account == 0 ||
        place->account !=
            home_account(snapshot_span(x->view->snapshot, target->provider->name)))
        return CREDENTIAL_NONE;
    for (uint32_t i = 0; i < choice->count; i++)
        if (choice->rows[i].row == place->credential && !(choice->barred & 1U << i) &&
            credential_condition(&choice->states[place->credential], choice->now_ms,
                                 &until_ms) == CREDENTIAL_IS_GOOD)
            return i;
    return CREDENTIAL_NONE;
}

void credentials_choose(struct exchange *x)
{
    const struct plan_target *target = exchange_target(x);
    struct credential_used *used = &x->current->credential;
    struct credential_choice choice;
    uint64_t until_ms;
    uint32_t index;

    *used = (struct credential_used){.index = CREDENTIAL_NONE};
    if (x->credentials.fresh.value.ptr &&
        x->credentials.token_provider == target->provider_index)
        *used = x->credentials.fresh;
    if (used->value.ptr || target->provider->credentials.count == 0)
        return;
    choice = choice_of(x, target->provider);
    index = index_at_home(x, target, &choice);
    if (index == CREDENTIAL_NONE)
        index = credential_choose(&choice);
    if (index == CREDENTIAL_NONE)
        index = credential_soonest(&choice, &until_ms);
    if (index == CREDENTIAL_NONE)
        return;
    used->index = index;
    used->row = choice.rows[index].row;
    used->value = snapshot_span(x->view->snapshot, choice.rows[index].value);
    if (choice.count > 1)
        used->name = name_of(x, &choice.rows[index], index);
}

void credentials_count(const struct exchange *x)
{
    const struct credential_used *used = &x->current->credential;

    if (used->value.ptr)
        (void)atomic_fetch_add_explicit(
            &segment_credential(x->worker->segment, used->row)->requests, 1,
            memory_order_relaxed);
}

/* ---- what is learnt ---------------------------------------------------------------------- */

/* What a fault says of the credential; others say nothing. */
static const struct {
    bool says;
    enum credential_outcome outcome;
} outcomes[FAULT_COUNT] = {
    [FAULT_NONE] = {true, CREDENTIAL_GOOD},
    [FAULT_provider_refused] = {true, CREDENTIAL_GOOD},
    [FAULT_provider_auth] = {true, CREDENTIAL_REFUSED},
    [FAULT_provider_quota] = {true, CREDENTIAL_PENNILESS},
    [FAULT_provider_rate_limited] = {true, CREDENTIAL_LIMITED},
};

static bool outcome_of(const struct exchange *x, enum fault fault, enum credential_outcome *ret)
{
    bool denied = fault == FAULT_provider_auth && x->answer.upstream_status == 403;

    *ret = denied ? CREDENTIAL_DENIED : outcomes[fault].outcome;
    return outcomes[fault].says;
}

/* Until when all of an account's are out; 0: one of them is not. */
static uint64_t held_until_ms(const struct exchange *x,
                              const struct snapshot_provider *provider)
{
    struct credential_choice choice = choice_of(x, provider);
    uint64_t until_ms;

    choice.barred = 0;
    return credential_soonest(&choice, &until_ms) == CREDENTIAL_NONE ? 0 : until_ms;
}

/* An account with several is out while all of them are; and in again with the first. What a
 * single one means for its account is the account's own state. HELD_MS: before this was noted.
 */
static void tell_account(const struct exchange *x, const struct snapshot_provider *provider,
                         bool back, uint64_t held_ms)
{
    struct target_health *health = segment_target(x->worker->segment, provider->health_row);

    if (back)
        health_release(health, held_ms);
    else
        health_hold(health, held_until_ms(x, provider));
}

static void spend(struct exchange *x, uint32_t row)
{
    if (x->credentials.spent_count < CREDENTIALS_SPENT_MAX)
        x->credentials.spent[x->credentials.spent_count++] = row;
}

void credentials_note(struct exchange *x, enum fault fault)
{
    struct credential_used *used = &x->current->credential;
    const struct snapshot_provider *provider;
    enum credential_outcome outcome;
    uint64_t held_ms;
    bool back;

    if (!used->value.ptr || used->noted || !outcome_of(x, fault, &outcome))
        return;
    used->noted = true;
    provider = exchange_target(x)->provider;
    held_ms = provider->credentials.count > 1 ? held_until_ms(x, provider) : 0;
    back = credential_note(segment_credential(x->worker->segment, used->row), outcome,
                           reactor_now_ms(&x->worker->reactor), x->current->retry_after_ms);
    if (outcome != CREDENTIAL_GOOD && outcome != CREDENTIAL_LIMITED)
        spend(x, used->row);
    if (provider->credentials.count > 1 && (outcome != CREDENTIAL_GOOD || back))
        tell_account(x, provider, back && outcome == CREDENTIAL_GOOD, held_ms);
}

bool credentials_left(const struct exchange *x, enum fault fault)
{
    const struct snapshot_provider *provider = exchange_target(x)->provider;
    uint32_t index = x->current->credential.index;
    struct credential_choice choice;
    enum credential_outcome outcome;

    if (provider->credentials.count < 2 || index == CREDENTIAL_NONE ||
        !outcome_of(x, fault, &outcome) || outcome == CREDENTIAL_GOOD)
        return false;
    choice = choice_of(x, provider);
    choice.barred |= 1U << index;
    return credential_left(&choice);
}

bool credentials_spent(const struct exchange *x, unsigned index)
{
    const struct plan_target *target = &x->plan->targets[index];
    uint32_t count = target->provider->credentials.count;

    if (x->credentials.fresh.value.ptr &&
        x->credentials.token_provider == target->provider_index)
        return x->current->credential.value.ptr == x->credentials.fresh.value.ptr;
    return spent_bits(x, rows_of(x, target->provider), count) == (1U << count) - 1;
}

/* ---- tokens ------------------------------------------------------------------------------ */

/* Requests that come while nobody brings another one do not wait: the first refusal counts. */
bool credentials_may_renew(const struct exchange *x, enum fault fault)
{
    const struct credential_used *used = &x->current->credential;
    uint64_t since_ms, now_ms = reactor_now_ms(&x->worker->reactor);

    if (fault != FAULT_provider_auth || x->credentials.waited || !x->client || !x->plan ||
        x->answer.head_sent || !used->value.ptr ||
        exchange_target(x)->provider->token.until_ms == 0 ||
        x->attempts >= x->view->page->attempts.most)
        return false;
    since_ms =
        atomic_load(&segment_credential(x->worker->segment, used->row)->refused_since_ms);
    return since_ms == 0 || now_ms < since_ms + TOKEN_WAIT_MS;
}

bool credentials_renewed(struct exchange *x)
{
    const struct plan_target *target = exchange_target(x);
    struct snapshot *newest = x->worker->view->snapshot;
    const struct snapshot_provider *provider;
    const struct snapshot_credential *row;
    uint32_t index;

    if (newest == x->view->snapshot)
        return false;
    provider = snapshot_find_provider(
        newest, snapshot_span(x->view->snapshot, target->provider->name), &index);
    if (!provider || provider->credentials.count == 0 ||
        memcmp(provider->token.place, target->provider->token.place,
               sizeof(provider->token.place)) != 0)
        return false;
    row = SNAPSHOT_ROW(newest, provider->credentials, 0, snapshot_credential);
    if (span_eq(snapshot_span(newest, row->value), x->current->credential.value))
        return false;
    x->credentials.waited = true;
    x->credentials.token_provider = target->provider_index;
    x->credentials.fresh = (struct credential_used){
        .value = arena_copy(&x->arena, snapshot_span(newest, row->value)),
        .row = row->row,
        .index = CREDENTIAL_NONE};
    return true;
}

void credentials_tell(const struct exchange *x, struct json_writer *json)
{
    if (x->current->credential.name.ptr)
        json_write_member_text(json, SPAN("credential"), x->current->credential.name);
}
