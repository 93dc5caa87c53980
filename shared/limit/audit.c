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

static void add_held(struct segment *segment, uint64_t *held)
{
    for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++) {
        uint32_t rows = atomic_load(&segment_slot(segment, slot)->inflight_high);

        for (uint32_t i = 0; i < rows && i < SEGMENT_INFLIGHT; i++) {
            struct inflight *row = segment_inflight(segment, slot, i);

            for (unsigned j = 0; j < SEGMENT_HOLDS; j++) {
                uint64_t amount = atomic_load(&row->holds[j].amount);

                if (amount > 0 && row->holds[j].bucket < SEGMENT_BUCKETS)
                    held[row->holds[j].bucket] += amount;
            }
        }
    }
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

static void doubt_again(struct audit *audit, struct segment *segment, struct audit_doubt *doubt,
                        const struct audit_doubt *now)
{
    uint64_t level = now->level;

    if (doubt->level != now->level || doubt->total != now->total || doubt->held != now->held) {
        *doubt = *now;
        return;
    }
    if (++doubt->seen < AUDIT_SEEN)
        return;
    if (atomic_compare_exchange_strong(&segment_bucket(segment, now->bucket)->level[0], &level,
                                       now->total + now->held))
        audit->mended_total++;
    drop_doubt(audit, doubt);
}

static void look_at(struct audit *audit, struct segment *segment,
                    const struct audit_bucket *what, uint64_t held)
{
    struct bucket *bucket = segment_bucket(segment, what->bucket);
    struct audit_doubt now = {.bucket = what->bucket, .seen = 1, .held = held};
    struct audit_doubt *doubt = find_doubt(audit, what->bucket);

    now.level = atomic_load(&bucket->level[0]);
    now.total = what->is_budget ? atomic_load(&bucket->total) : 0;
    if (now.level <= now.total + held) {
        if (doubt)
            drop_doubt(audit, doubt);
        return;
    }
    if (doubt)
        doubt_again(audit, segment, doubt, &now);
    else if (audit->count < AUDIT_DOUBTS)
        audit->doubts[audit->count++] = now;
}

void audit_look(struct audit *audit, struct segment *segment,
                const struct audit_bucket *buckets, uint32_t count)
{
    uint64_t *held;

    if (count == 0)
        return;
    held = memory_new_array(SEGMENT_BUCKETS, sizeof(*held));
    add_held(segment, held);
    for (uint32_t i = 0; i < count; i++)
        if (buckets[i].bucket < SEGMENT_BUCKETS)
            look_at(audit, segment, &buckets[i], held[buckets[i].bucket]);
    memory_free(held);
}
