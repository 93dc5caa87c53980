#include "shared/health/health.h"

#include "shared/base/check.h"

/* `state` of the segment: until_ms << 16 | ejections << 8 | drained << 7 | condition */
#define UNTIL_SHIFT    16
#define EJECTION_SHIFT 8
#define EJECTIONS_MAX  20 /* doubling more often than that is past every cap */
#define DRAINED        0x80U
#define FORGET_TIMES   6 /* longest ejections without one: the next is the first again */

/* `window`: period << 36, then three counts of 12 bits. */
#define COUNT_BITS 12
#define COUNT_MAX  ((1U << COUNT_BITS) - 1)

/* Until when: down: ejected; half-open: the trial is out; the others: ejections remembered. */
struct word {
    uint64_t until_ms;
    uint32_t ejections;
    bool drained;
    enum health_state condition;
};

struct window {
    uint64_t period;
    uint32_t attempts, errors, breaks;
};

const struct health_rules health_rules_default = {
    .errors_in_row = 5,
    .breaks_in_row = 5,
    .window_ms = 10000,
    .window_least = 20,
    .error_percent = 50,
    .break_percent = 50,
    .degraded_percent = 20,
    .eject_ms = 1000,
    .eject_max_ms = 10000,
    .trial_ms = 10000,
    .limited_ms = 1000,
    .limited_max_ms = 600000,
};

static struct word unpack(uint64_t packed)
{
    return (struct word){.until_ms = packed >> UNTIL_SHIFT,
                         .ejections = packed >> EJECTION_SHIFT & 0xff,
                         .drained = (packed & DRAINED) != 0,
                         .condition = (enum health_state)(packed & (DRAINED - 1))};
}

static uint64_t pack(struct word word)
{
    return word.until_ms << UNTIL_SHIFT | (uint64_t)word.ejections << EJECTION_SHIFT |
           (word.drained ? DRAINED : 0) | (uint64_t)word.condition;
}

/* The condition at NOW_MS: what a word says passes by itself. */
static enum health_state condition_at(struct word word, uint64_t now_ms)
{
    if (word.condition == HEALTH_DOWN && now_ms >= word.until_ms)
        return HEALTH_HALF_OPEN;
    if (word.condition == HEALTH_DEGRADED && now_ms >= word.until_ms)
        return HEALTH_HEALTHY;
    return word.condition;
}

static uint64_t wait_of(struct word word, uint64_t now_ms)
{
    bool waits = word.condition == HEALTH_DOWN || word.condition == HEALTH_HALF_OPEN;

    return waits && word.until_ms > now_ms ? word.until_ms : 0;
}

enum health_state health_state(const struct target_health *health, uint64_t now_ms,
                               uint64_t *ret_until_ms)
{
    struct word word = unpack(atomic_load(&health->state));
    uint64_t limited_ms = atomic_load(&health->until_ms), until_ms = wait_of(word, now_ms);
    enum health_state condition = condition_at(word, now_ms);

    if (limited_ms > now_ms && limited_ms > until_ms)
        until_ms = limited_ms;
    *ret_until_ms = word.drained ? UINT64_MAX : until_ms;
    if (word.drained)
        return HEALTH_DRAINED;
    if (condition != HEALTH_DOWN && limited_ms > now_ms)
        return HEALTH_LIMITED;
    return condition;
}

bool health_may_try(struct target_health *health, const struct health_rules *rules,
                    uint64_t now_ms)
{
    uint64_t packed = atomic_load(&health->state), until_ms;

    for (;;) {
        struct word word = unpack(packed);

        (void)health_state(health, now_ms, &until_ms);
        if (word.drained || until_ms > now_ms || wait_of(word, now_ms) > now_ms)
            return false;
        if (condition_at(word, now_ms) != HEALTH_HALF_OPEN)
            return true;
        word.condition = HEALTH_HALF_OPEN;
        word.until_ms = now_ms + rules->trial_ms;
        if (atomic_compare_exchange_weak(&health->state, &packed, pack(word)))
            return true;
    }
}

/* ---- what a change does ------------------------------------------------------------------ */

static struct word ejected(struct word word, const struct health_rules *rules, uint64_t now_ms)
{
    uint64_t eject_ms = rules->eject_ms;
    bool remembered = word.condition == HEALTH_HALF_OPEN || word.condition == HEALTH_DOWN ||
                      now_ms < word.until_ms;

    if (!remembered)
        word.ejections = 0;
    for (uint32_t i = 0; i < word.ejections && eject_ms < rules->eject_max_ms; i++)
        eject_ms *= 2;
    if (eject_ms > rules->eject_max_ms)
        eject_ms = rules->eject_max_ms;
    word.condition = HEALTH_DOWN;
    word.until_ms = now_ms + eject_ms;
    if (word.ejections < EJECTIONS_MAX)
        word.ejections++;
    return word;
}

static struct word recovered(struct word word, const struct health_rules *rules,
                             uint64_t now_ms)
{
    word.condition = HEALTH_HEALTHY;
    word.until_ms = now_ms + (uint64_t)FORGET_TIMES * rules->eject_max_ms;
    return word;
}

/* From the word of before, once it is known that an attempt is over. EJECT, DEGRADE: what the
 * figures say of it. */
struct verdict {
    bool eject, degrade;
    enum health_outcome outcome;
};

static struct word judge(struct word word, const struct health_rules *rules,
                         struct verdict verdict, uint64_t now_ms)
{
    enum health_state condition = condition_at(word, now_ms);
    bool bad = verdict.outcome == HEALTH_SAW_ERROR || verdict.outcome == HEALTH_SAW_BREAK ||
               verdict.outcome == HEALTH_SAW_REFUSED;

    if (condition == HEALTH_HALF_OPEN) {
        if (bad)
            return ejected(word, rules, now_ms);
        if (verdict.outcome != HEALTH_SAW_NOTHING)
            return recovered(word, rules, now_ms);
        if (word.condition == HEALTH_HALF_OPEN)
            word.until_ms = now_ms; /* the next may try */
        return word;
    }
    if (condition == HEALTH_DOWN) { /* sent before it went down, or for want of another */
        if (verdict.outcome == HEALTH_SAW_GOOD)
            word.until_ms = now_ms;
        return word;
    }
    if (bad && verdict.eject)
        return ejected(word, rules, now_ms);
    word.condition = verdict.degrade ? HEALTH_DEGRADED : HEALTH_HEALTHY;
    if (verdict.degrade && word.until_ms < now_ms + rules->window_ms) {
        if (now_ms >= word.until_ms)
            word.ejections = 0;
        word.until_ms = now_ms + rules->window_ms;
    }
    return word;
}

/* ---- the figures ------------------------------------------------------------------------- */

static struct window window_unpack(uint64_t packed)
{
    return (struct window){.period = packed >> 3 * COUNT_BITS,
                           .attempts = packed >> 2 * COUNT_BITS & COUNT_MAX,
                           .errors = packed >> COUNT_BITS & COUNT_MAX,
                           .breaks = packed & COUNT_MAX};
}

static uint64_t window_pack(struct window window)
{
    return window.period << 3 * COUNT_BITS | (uint64_t)window.attempts << 2 * COUNT_BITS |
           (uint64_t)window.errors << COUNT_BITS | window.breaks;
}

static struct window window_add(struct target_health *health, const struct health_rules *rules,
                                enum health_outcome outcome, uint64_t now_ms)
{
    uint64_t packed = atomic_load(&health->window), period;
    struct window window;

    CHECK(rules->window_ms > 0);
    period = (now_ms / rules->window_ms) & (UINT64_MAX >> 3 * COUNT_BITS);
    do {
        window = window_unpack(packed);
        if (window.period != period)
            window = (struct window){.period = period};
        if (window.attempts == COUNT_MAX) { /* the shares stay */
            window.attempts /= 2;
            window.errors /= 2;
            window.breaks /= 2;
        }
        window.attempts++;
        window.errors += outcome == HEALTH_SAW_ERROR;
        window.breaks += outcome == HEALTH_SAW_BREAK;
    } while (!atomic_compare_exchange_weak(&health->window, &packed, window_pack(window)));
    return window;
}

static bool reaches(uint32_t part, struct window window, uint32_t percent)
{
    return percent > 0 && window.attempts > 0 && part * 100 >= window.attempts * percent;
}

static uint64_t in_row(_Atomic uint64_t *row, bool another)
{
    if (another)
        return atomic_fetch_add(row, 1) + 1;
    atomic_store(row, 0);
    return 0;
}

/* Counts the attempt and says what the rules make of the figures. */
static struct verdict count(struct target_health *health, const struct health_rules *rules,
                            enum health_outcome outcome, uint64_t now_ms)
{
    struct verdict verdict = {.outcome = outcome};
    struct window window = window_add(health, rules, outcome, now_ms);
    uint64_t errors = in_row(&health->errors_in_row, outcome == HEALTH_SAW_ERROR);
    uint64_t breaks = in_row(&health->breaks_in_row, outcome == HEALTH_SAW_BREAK);
    bool enough = window.attempts >= rules->window_least;

    verdict.eject = outcome == HEALTH_SAW_REFUSED ||
                    (rules->errors_in_row && errors >= rules->errors_in_row) ||
                    (rules->breaks_in_row && breaks >= rules->breaks_in_row) ||
                    (enough && (reaches(window.errors, window, rules->error_percent) ||
                                reaches(window.breaks, window, rules->break_percent)));
    verdict.eject = verdict.eject && rules->eject_max_ms > 0;
    verdict.degrade =
        enough && reaches(window.errors + window.breaks, window, rules->degraded_percent);
    return verdict;
}

static void figures(struct target_health *health, enum health_outcome outcome, uint64_t now_ms)
{
    if (outcome == HEALTH_SAW_GOOD) {
        atomic_store(&health->consecutive_failures, 0);
        atomic_store(&health->last_success_ms, now_ms);
        return;
    }
    (void)atomic_fetch_add(&health->failures, 1);
    (void)atomic_fetch_add(&health->consecutive_failures, 1);
    atomic_store(&health->last_failure_ms, now_ms);
}

/* ---- the doors --------------------------------------------------------------------------- */

static void start_anew(struct target_health *health)
{
    atomic_store(&health->window, 0);
    atomic_store(&health->errors_in_row, 0);
    atomic_store(&health->breaks_in_row, 0);
}

/* After a step from BEFORE to NEXT: an ejection is counted once, by who made it. */
static void stepped(struct target_health *health, struct word before, struct word next)
{
    bool was_down = before.condition == HEALTH_DOWN && before.ejections == next.ejections;

    if (next.condition != HEALTH_DOWN || was_down)
        return;
    (void)atomic_fetch_add(&health->ejections, 1);
    start_anew(health);
}

/* The later of two 429 may name the earlier time: the later time counts. */
void health_hold(struct target_health *health, uint64_t until_ms)
{
    uint64_t before = atomic_load(&health->until_ms);

    while (before < until_ms)
        if (atomic_compare_exchange_weak(&health->until_ms, &before, until_ms))
            return;
}

void health_release(struct target_health *health, uint64_t until_ms)
{
    uint64_t before = atomic_load(&health->until_ms);

    while (before != 0 && before <= until_ms)
        if (atomic_compare_exchange_weak(&health->until_ms, &before, 0))
            return;
}

void health_leave(struct target_health *health, const struct health_rules *rules,
                  uint64_t now_ms, uint64_t wait_ms)
{
    if (wait_ms > rules->limited_max_ms)
        wait_ms = rules->limited_max_ms;
    health_hold(health, now_ms + wait_ms);
}

bool health_note(struct target_health *health, const struct health_rules *rules,
                 enum health_outcome outcome, uint64_t now_ms, uint64_t retry_after_ms)
{
    struct verdict verdict = {.outcome = outcome};
    uint64_t packed, until_ms;
    enum health_state before = health_state(health, now_ms, &until_ms);
    struct word old, next;

    if (outcome != HEALTH_SAW_NOTHING) {
        figures(health, outcome, now_ms);
        verdict = count(health, rules, outcome, now_ms);
    }
    if (outcome == HEALTH_SAW_LIMIT)
        health_leave(health, rules, now_ms,
                     retry_after_ms > 0 ? retry_after_ms : rules->limited_ms);
    packed = atomic_load(&health->state);
    do {
        old = unpack(packed);
        next = outcome == HEALTH_SAW_NOTHING && condition_at(old, now_ms) != HEALTH_HALF_OPEN
                   ? old
                   : judge(old, rules, verdict, now_ms);
    } while (!atomic_compare_exchange_weak(&health->state, &packed, pack(next)));
    stepped(health, old, next);
    return health_state(health, now_ms, &until_ms) != before;
}

static struct word probed(struct word word, const struct health_rules *rules,
                          enum health_probe said, uint64_t now_ms)
{
    enum health_state condition = condition_at(word, now_ms);

    if (word.condition == HEALTH_HALF_OPEN && word.until_ms > now_ms)
        return word;
    if (said == HEALTH_PROBE_BAD)
        return condition == HEALTH_DOWN || rules->eject_max_ms == 0
                   ? word
                   : ejected(word, rules, now_ms);
    if (condition != HEALTH_DOWN && condition != HEALTH_HALF_OPEN)
        return word;
    if (said == HEALTH_PROBE_WELL)
        return recovered(word, rules, now_ms);
    if (condition == HEALTH_DOWN)
        word.until_ms = now_ms;
    return word;
}

bool health_probed(struct target_health *health, const struct health_rules *rules,
                   enum health_probe said, uint64_t now_ms)
{
    uint64_t packed = atomic_load(&health->state);
    struct word old, next;

    do {
        old = unpack(packed);
        next = probed(old, rules, said, now_ms);
    } while (!atomic_compare_exchange_weak(&health->state, &packed, pack(next)));
    stepped(health, old, next);
    return condition_at(old, now_ms) != condition_at(next, now_ms);
}

bool health_drain(struct target_health *health, bool drained)
{
    uint64_t before = drained ? atomic_fetch_or(&health->state, (uint64_t)DRAINED)
                              : atomic_fetch_and(&health->state, ~(uint64_t)DRAINED);

    return ((before & DRAINED) != 0) != drained;
}

const char *health_state_name(enum health_state state)
{
    static const char *const names[HEALTH_STATES] = {
        [HEALTH_HEALTHY] = "healthy",     [HEALTH_DEGRADED] = "degraded",
        [HEALTH_HALF_OPEN] = "half_open", [HEALTH_LIMITED] = "limited",
        [HEALTH_DOWN] = "down",           [HEALTH_DRAINED] = "drained",
    };

    CHECK(state < HEALTH_STATES);
    return names[state];
}
