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

uint64_t audit_give_back(struct segment *segment, struct inflight *row)
{
    uint64_t most = 0;

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

/* ---- buckets that are too high ----------------------------------------------------------- */

typedef void hold_f(void *who, uint32_t bucket, uint64_t amount);

static void each_hold(struct segment *segment, hold_f *function, void *who)
{
    for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++) {
        uint32_t rows = atomic_load(&segment_slot(segment, slot)->inflight_high);

        for (uint32_t i = 0; i < rows && i < SEGMENT_INFLIGHT; i++) {
            struct inflight *row = segment_inflight(segment, slot, i);

            for (unsigned j = 0; j < SEGMENT_HOLDS; j++) {
                uint64_t amount = atomic_load(&row->holds[j].amount);

                if (amount > 0 && row->holds[j].bucket < SEGMENT_BUCKETS)
                    function(who, row->holds[j].bucket, amount);
            }
        }
    }
}

static void add_held(void *who, uint32_t bucket, uint64_t amount)
{
    ((uint64_t *)who)[bucket] += amount;
}

struct held_of_one {
    uint32_t bucket;
    uint64_t amount;
};

static void add_held_of_one(void *who, uint32_t bucket, uint64_t amount)
{
    struct held_of_one *held = who;

    if (bucket == held->bucket)
        held->amount += amount;
}

/* Above zero: the level is too high. What was spent is raised and lowered in level and total
 * alike, which changes nothing here. */
static int64_t excess_of(struct segment *segment, const struct audit_bucket *what,
                         uint64_t held)
{
    struct bucket *bucket = segment_bucket(segment, what->bucket);
    uint64_t total = what->is_budget ? atomic_load(&bucket->total) : 0;

    return (int64_t)(atomic_load(&bucket->level[0]) - total - held);
}

/* The one that is nearer to zero; zero when they are on either side of it. */
static int64_t nearer(int64_t a, int64_t b)
{
    if ((a > 0) != (b > 0))
        return 0;
    return (a > 0) == (a < b) ? a : b;
}

/* While one look goes over the rows, exchanges begin in rows that were passed and end in those
 * that were not: only what all looks find is more than that. */
static int64_t look_closely(struct segment *segment, const struct audit_bucket *what,
                            uint64_t held)
{
    int64_t excess = excess_of(segment, what, held);

    for (unsigned i = 0; i < AUDIT_SCANS && excess != 0; i++) {
        struct held_of_one again = {what->bucket, 0};

        each_hold(segment, add_held_of_one, &again);
        excess = nearer(excess, excess_of(segment, what, again.amount));
    }
    return excess;
}

static struct audit_doubt *find_doubt(struct audit *audit, uint32_t bucket)
{
    for (uint32_t i = 0; i < audit->count; i++)
        if (audit->doubts[i].bucket == bucket)
            return &audit->doubts[i];
    return NULL;
}

static void drop_doubt(struct audit *audit, struct audit_doubt *doubt)
{
    *doubt = audit->doubts[--audit->count];
}

/* By the difference and not to a sum, since others go on counting. */
static void mend(struct segment *segment, uint32_t bucket, int64_t excess)
{
    _Atomic uint64_t *level = &segment_bucket(segment, bucket)->level[0];
    uint64_t before = atomic_load(level), after;

    do {
        after = excess > 0 && before < (uint64_t)excess ? 0 : before - (uint64_t)excess;
    } while (!atomic_compare_exchange_weak(level, &before, after));
}

static void look_at(struct audit *audit, struct segment *segment,
                    const struct audit_bucket *what, uint64_t held)
{
    struct audit_doubt *doubt = find_doubt(audit, what->bucket);
    int64_t excess = look_closely(segment, what, held);

    if (doubt)
        excess = nearer(doubt->excess, excess);
    if (excess == 0) {
        if (doubt)
            drop_doubt(audit, doubt);
        return;
    }
    if (!doubt) {
        if (audit->count < AUDIT_DOUBTS)
            audit->doubts[audit->count++] = (struct audit_doubt){what->bucket, 1, excess};
        return;
    }
    doubt->excess = excess;
    if (++doubt->seen < AUDIT_SEEN)
        return;
    mend(segment, what->bucket, excess);
    audit->mended_total++;
    drop_doubt(audit, doubt);
}

void audit_look(struct audit *audit, struct segment *segment,
                const struct audit_bucket *buckets, uint32_t count)
{
    uint64_t *held;

    if (count == 0)
        return;
    held = memory_new_array(SEGMENT_BUCKETS, sizeof(*held));
    each_hold(segment, add_held, held);
    for (uint32_t i = 0; i < count; i++)
        if (buckets[i].bucket < SEGMENT_BUCKETS)
            look_at(audit, segment, &buckets[i], held[buckets[i].bucket]);
    memory_free(held);
}
