#include "shared/credential/credential.h"

#include "shared/base/check.h"

/* `refusal` of a row: until when it is out for refusals (0: it is not), whether that is the end
 * of a trial, and how many there were in a row. */
#define STREAK_MAX  0x7fU
#define TRIAL       0x80U
#define UNTIL_SHIFT 8

struct refusal {
    uint64_t until_ms;
    uint32_t streak;
    bool trial;
};

static struct refusal unpack(uint64_t packed)
{
    return (struct refusal){packed >> UNTIL_SHIFT, (uint32_t)(packed & STREAK_MAX),
                            (packed & TRIAL) != 0};
}

static uint64_t pack(struct refusal refusal)
{
    return refusal.until_ms << UNTIL_SHIFT | (refusal.trial ? TRIAL : 0) | refusal.streak;
}

static uint64_t until_of(const struct credential_state *state)
{
    uint64_t refused =
        unpack(atomic_load_explicit(&state->refusal, memory_order_relaxed)).until_ms;
    uint64_t limited = atomic_load_explicit(&state->limited_until_ms, memory_order_relaxed);

    return refused > limited ? refused : limited;
}

static struct credential_state *state_of(const struct credential_choice *choice, uint32_t index)
{
    return &choice->states[choice->rows[index].row];
}

static bool is_barred(const struct credential_choice *choice, uint32_t index)
{
    return (choice->barred >> index & 1) != 0;
}

/* Its time has passed, but nobody knows yet whether it is good again. */
static bool is_on_trial(const struct credential_state *state)
{
    return unpack(atomic_load_explicit(&state->refusal, memory_order_relaxed)).until_ms > 0;
}

static bool take_trial(struct credential_state *state, uint64_t now_ms)
{
    uint64_t packed = atomic_load(&state->refusal);
    struct refusal refusal = unpack(packed);

    if (refusal.until_ms == 0 || refusal.until_ms > now_ms)
        return false;
    refusal.until_ms = now_ms + CREDENTIAL_TRIAL_MS;
    refusal.trial = true;
    return atomic_compare_exchange_strong(&state->refusal, &packed, pack(refusal));
}

uint32_t credential_choose(const struct credential_choice *choice)
{
    uint64_t total = 0, pick;
    uint32_t good = 0; /* bits */

    for (uint32_t i = 0; i < choice->count; i++) {
        struct credential_state *state = state_of(choice, i);

        if (is_barred(choice, i) || until_of(state) > choice->now_ms)
            continue;
        if (!is_on_trial(state)) {
            good |= 1U << i;
            total += choice->rows[i].weight;
        } else if (take_trial(state, choice->now_ms)) {
            return i;
        }
    }
    if (total == 0)
        return CREDENTIAL_NONE;
    pick = choice->random % total;
    for (uint32_t i = 0; i < choice->count; i++) {
        if (!(good >> i & 1))
            continue;
        if (pick < choice->rows[i].weight)
            return i;
        pick -= choice->rows[i].weight;
    }
    return CREDENTIAL_NONE;
}

bool credential_left(const struct credential_choice *choice)
{
    uint64_t until_ms;

    return credential_soonest(choice, &until_ms) != CREDENTIAL_NONE && until_ms == 0;
}

uint32_t credential_soonest(const struct credential_choice *choice, uint64_t *ret_ms)
{
    uint32_t soonest = CREDENTIAL_NONE;

    *ret_ms = UINT64_MAX;
    for (uint32_t i = 0; i < choice->count; i++) {
        uint64_t until_ms = until_of(state_of(choice, i));

        if (is_barred(choice, i) || until_ms >= *ret_ms)
            continue;
        *ret_ms = until_ms;
        soonest = i;
    }
    if (*ret_ms <= choice->now_ms)
        *ret_ms = 0;
    return soonest;
}

/* ---- what is learnt ---------------------------------------------------------------------- */

static uint64_t doubled(uint64_t first_ms, uint64_t most_ms, uint32_t times)
{
    while (times-- > 0 && first_ms < most_ms)
        first_ms *= 2;
    return first_ms < most_ms ? first_ms : most_ms;
}

struct sentence {
    uint32_t least; /* so many in a row put it out */
    uint64_t first_ms, most_ms;
};

static const struct sentence sentences[] = {
    [CREDENTIAL_REFUSED] = {1, CREDENTIAL_REFUSED_MS, CREDENTIAL_REFUSED_MAX_MS},
    [CREDENTIAL_DENIED] = {CREDENTIAL_DENIALS, CREDENTIAL_REFUSED_MS,
                           CREDENTIAL_REFUSED_MAX_MS},
    [CREDENTIAL_PENNILESS] = {1, CREDENTIAL_CREDIT_MS, CREDENTIAL_CREDIT_MAX_MS},
};

/* A refusal while it is out is of a request that was sent before, unless it is the trial's. */
static void refuse(struct credential_state *state, const struct sentence *sentence,
                   uint64_t now_ms)
{
    uint64_t packed = atomic_load(&state->refusal);
    struct refusal next;

    do {
        next = unpack(packed);
        if (next.until_ms > now_ms && !next.trial)
            return;
        if (next.streak == 0)
            atomic_store(&state->refused_since_ms, now_ms);
        if (next.streak < STREAK_MAX)
            next.streak++;
        next.trial = false;
        if (next.streak >= sentence->least)
            next.until_ms = now_ms + doubled(sentence->first_ms, sentence->most_ms,
                                             next.streak - sentence->least);
    } while (!atomic_compare_exchange_weak(&state->refusal, &packed, pack(next)));
}

/* The later of two times counts. */
static void limit(struct credential_state *state, uint64_t now_ms, uint64_t wait_ms)
{
    uint64_t before = atomic_load(&state->limited_until_ms), until_ms;

    if (wait_ms == 0)
        wait_ms = CREDENTIAL_LIMITED_MS;
    if (wait_ms > CREDENTIAL_LIMITED_MAX_MS)
        wait_ms = CREDENTIAL_LIMITED_MAX_MS;
    until_ms = now_ms + wait_ms;
    while (before < until_ms)
        if (atomic_compare_exchange_weak(&state->limited_until_ms, &before, until_ms))
            return;
}

/* Any answer but a refusal says that the provider takes it. */
static bool accept(struct credential_state *state)
{
    if (atomic_load_explicit(&state->refusal, memory_order_relaxed) == 0)
        return false;
    return unpack(atomic_exchange(&state->refusal, 0)).until_ms > 0;
}

bool credential_note(struct credential_state *state, enum credential_outcome outcome,
                     uint64_t now_ms, uint64_t retry_after_ms)
{
    if (outcome == CREDENTIAL_GOOD)
        return accept(state);
    if (outcome == CREDENTIAL_LIMITED) {
        (void)atomic_fetch_add_explicit(&state->limited, 1, memory_order_relaxed);
        limit(state, now_ms, retry_after_ms);
        return accept(state);
    }
    (void)atomic_fetch_add_explicit(&state->refused, 1, memory_order_relaxed);
    refuse(state, &sentences[outcome], now_ms);
    return false;
}

enum credential_condition credential_condition(const struct credential_state *state,
                                               uint64_t now_ms, uint64_t *ret_until_ms)
{
    uint64_t until_ms = until_of(state);

    *ret_until_ms = until_ms > now_ms ? until_ms : 0;
    if (is_on_trial(state))
        return CREDENTIAL_IS_REFUSED;
    return until_ms > now_ms ? CREDENTIAL_IS_LIMITED : CREDENTIAL_IS_GOOD;
}

const char *credential_condition_name(enum credential_condition condition)
{
    static const char *const names[CREDENTIAL_CONDITIONS] = {
        [CREDENTIAL_IS_GOOD] = "good",
        [CREDENTIAL_IS_LIMITED] = "limited",
        [CREDENTIAL_IS_REFUSED] = "refused",
    };

    CHECK(condition < CREDENTIAL_CONDITIONS);
    return names[condition];
}
