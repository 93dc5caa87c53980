#include "shared/limit/audit.h"

#include "shared/base/check.h"
#include "shared/base/memory.h"

/* ---- the holds of the dead --------------------------------------------------------------- */

static uint64_t give_back_money(struct bucket *bucket, struct inflight *row, uint64_t reserved)
{
    bool sent = atomic_load(&row->state) == INFLIGHT_SENT;
    uint64_t found = atomic_load(&row->cost_nano);
    uint64_t spent = !sent ? 0 : found != UINT64_MAX ? found : reserved;

    (void)money_spend(bucket, UINT64_MAX, spent);
    money_release(bucket, reserved, spent);
    return spent;
}

static void give_back_calls(struct segment *segment, struct inflight *row)
{
    for (unsigned i = 0; i < ARRAY_LEN(row->calls); i++) {
        uint32_t call = atomic_exchange(&row->calls[i], 0);

        if (call > 0 && call <= SEGMENT_TARGETS)
            (void)atomic_fetch_sub(&segment_target(segment, call - 1)->in_flight, 1);
    }
}

uint64_t audit_give_back(struct segment *segment, struct inflight *row)
{
    uint64_t most = 0;

    give_back_calls(segment, row);
    for (unsigned i = 0; i < SEGMENT_HOLDS; i++) {
        struct hold *hold = &row->holds[i];
        uint64_t amount = atomic_exchange(&hold->amount, 0), spent;

        if (amount == 0 || hold->bucket >= SEGMENT_BUCKETS)
            continue;
        if (!hold->is_budget) {
            place_give_back(segment_bucket(segment, hold->bucket));
            continue;
        }
        spent = give_back_money(segment_bucket(segment, hold->bucket), row, amount);
        most = spent > most ? spent : most;
    }
    return most;
}

uint64_t audit_reserved_nano(const struct inflight *row)
{
    uint64_t most = row->reserved_nano;

    for (unsigned i = 0; i < SEGMENT_HOLDS; i++) {
        uint64_t amount = atomic_load(&row->holds[i].amount);

        if (row->holds[i].is_budget && amount > most)
            most = amount;
    }
    return most;
}

/* ---- counters that are too high ---------------------------------------------------------- */

typedef void hold_f(void *who, uint32_t counter, uint64_t amount);

static void each_hold_of(struct inflight *row, hold_f *function, void *who)
{
    for (unsigned i = 0; i < SEGMENT_HOLDS; i++) {
        uint64_t amount = atomic_load(&row->holds[i].amount);

        if (amount > 0 && row->holds[i].bucket < SEGMENT_BUCKETS)
            function(who, row->holds[i].bucket, amount);
    }
    for (unsigned i = 0; i < ARRAY_LEN(row->calls); i++) {
        uint32_t call = atomic_load(&row->calls[i]);

        if (call > 0 && call <= SEGMENT_TARGETS)
            function(who, AUDIT_IN_FLIGHT(call - 1), 1);
    }
}

static void each_hold(struct segment *segment, hold_f *function, void *who)
{
    for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++) {
        uint32_t rows = atomic_load(&segment_slot(segment, slot)->inflight_high);

        for (uint32_t i = 0; i < rows && i < SEGMENT_INFLIGHT; i++)
            each_hold_of(segment_inflight(segment, slot, i), function, who);
    }
}

static void add_held(void *who, uint32_t counter, uint64_t amount)
{
    ((uint64_t *)who)[counter] += amount;
}

static _Atomic uint64_t *level_of(struct segment *segment, uint32_t counter)
{
    return counter < SEGMENT_BUCKETS
               ? &segment_bucket(segment, counter)->level[0]
               : &segment_target(segment, counter - SEGMENT_BUCKETS)->in_flight;
}

/* Above zero: the level is too high. What was spent is raised and lowered in level and total
 * alike, which changes nothing here. */
static int64_t excess_of(struct segment *segment, const struct audit_counter *what,
                         uint64_t held)
{
    uint64_t total =
        what->is_budget ? atomic_load(&segment_bucket(segment, what->counter)->total) : 0;

    return (int64_t)(atomic_load(level_of(segment, what->counter)) - total - held);
}

/* The one that is nearer to zero; zero when they are on either side of it. */
static int64_t nearer(int64_t a, int64_t b)
{
    if ((a > 0) != (b > 0))
        return 0;
    return (a > 0) == (a < b) ? a : b;
}

/* One look over all rows: EXCESS of each counter is what all looks so far have found. How many
 * seem wrong yet. */
static uint32_t scan(struct segment *segment, const struct audit_counter *counters,
                     uint32_t count, bool first, uint64_t *held, int64_t *excess)
{
    uint32_t wrong = 0;

    memset(held, 0, AUDIT_COUNTERS * sizeof(*held));
    each_hold(segment, add_held, held);
    for (uint32_t i = 0; i < count; i++) {
        if (counters[i].counter >= AUDIT_COUNTERS || (!first && excess[i] == 0))
            continue;
        int64_t found = excess_of(segment, &counters[i], held[counters[i].counter]);

        excess[i] = first ? found : nearer(excess[i], found);
        wrong += excess[i] != 0;
    }
    return wrong;
}

/* While one look goes over the rows, exchanges begin in rows that were passed and end in those
 * that were not: only what all looks find is more than that. */
static void scan_closely(struct segment *segment, const struct audit_counter *counters,
                         uint32_t count, int64_t *excess)
{
    uint64_t *held = memory_new_array(AUDIT_COUNTERS, sizeof(*held));
    uint32_t wrong = scan(segment, counters, count, true, held, excess);

    for (unsigned i = 0; i < AUDIT_SCANS && wrong > 0; i++)
        wrong = scan(segment, counters, count, false, held, excess);
    memory_free(held);
}

static struct audit_doubt *find_doubt(struct audit *audit, uint32_t counter)
{
    for (uint32_t i = 0; i < audit->count; i++)
        if (audit->doubts[i].counter == counter)
            return &audit->doubts[i];
    return NULL;
}

static void drop_doubt(struct audit *audit, struct audit_doubt *doubt)
{
    *doubt = audit->doubts[--audit->count];
}

/* By the difference and not to a sum, since others go on counting. */
static void mend(struct segment *segment, uint32_t counter, int64_t excess)
{
    _Atomic uint64_t *level = level_of(segment, counter);
    uint64_t before = atomic_load(level), after;

    do {
        after = excess > 0 && before < (uint64_t)excess ? 0 : before - (uint64_t)excess;
    } while (!atomic_compare_exchange_weak(level, &before, after));
}

static void judge(struct audit *audit, struct segment *segment,
                  const struct audit_counter *what, int64_t excess)
{
    struct audit_doubt *doubt = find_doubt(audit, what->counter);

    if (doubt)
        excess = nearer(doubt->excess, excess);
    if (excess == 0) {
        if (doubt)
            drop_doubt(audit, doubt);
        return;
    }
    if (!doubt) {
        if (audit->count < AUDIT_DOUBTS)
            audit->doubts[audit->count++] = (struct audit_doubt){what->counter, 1, excess};
        return;
    }
    doubt->excess = excess;
    if (++doubt->seen < AUDIT_SEEN)
        return;
    mend(segment, what->counter, excess);
    audit->mended_total++;
    drop_doubt(audit, doubt);
}

void audit_look(struct audit *audit, struct segment *segment,
                const struct audit_counter *counters, uint32_t count)
{
    int64_t *excess;

    if (count == 0)
        return;
    excess = memory_new_array(count, sizeof(*excess));
    scan_closely(segment, counters, count, excess);
    for (uint32_t i = 0; i < count; i++)
        judge(audit, segment, &counters[i], excess[i]);
    memory_free(excess);
}
