#include "shared/route/starts.h"

#define FIRST_US 1000 /* upper bound of the first bucket */
#define HEDGE    100  /* of the unit of `credit` */

/* Upper bound of bucket INDEX: FIRST_US * 2^(INDEX/8), the broken powers by 1024ths. */
static uint64_t upper_us(unsigned index)
{
    static const uint16_t steps[] = {1024, 1117, 1218, 1328, 1448, 1579, 1722, 1878};

    return ((uint64_t)FIRST_US << (index / 8)) * steps[index % 8] / 1024;
}

static unsigned bucket_of(uint64_t us)
{
    unsigned low = 0, high = START_BUCKETS - 1;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (upper_us(middle) < us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The sum of the buckets up to and with LAST. */
static uint64_t sum_to(const struct start_times *starts, enum start_form form, unsigned last)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i <= last; i++)
        sum += atomic_load_explicit(&starts->seen[form][i], memory_order_relaxed);
    return sum;
}

/* The bucket in which the one stands that RANK others are not above; RANK is less than all. */
static unsigned bucket_at(const struct start_times *starts, enum start_form form, uint64_t rank)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < START_BUCKETS; i++) {
        sum += atomic_load_explicit(&starts->seen[form][i], memory_order_relaxed);
        if (sum > rank)
            return i;
    }
    return START_BUCKETS - 1;
}

static void halve(struct start_times *starts, enum start_form form)
{
    for (unsigned i = 0; i < START_BUCKETS; i++) {
        _Atomic uint32_t *seen = &starts->seen[form][i];

        atomic_store_explicit(seen, atomic_load_explicit(seen, memory_order_relaxed) / 2,
                              memory_order_relaxed);
    }
}

/* The sum is asked for only now and then: it costs as much as all the rest. */
void starts_note(struct start_times *starts, enum start_form form, uint64_t us)
{
    _Atomic uint32_t *seen = &starts->seen[form][bucket_of(us)];
    uint32_t count = atomic_fetch_add_explicit(seen, 1, memory_order_relaxed) + 1;

    if (count % 64 == 0 && sum_to(starts, form, START_BUCKETS - 1) >= STARTS_FADE)
        halve(starts, form);
}

uint64_t starts_usual_us(const struct start_times *starts, enum start_form form,
                         uint32_t percent)
{
    uint64_t all = sum_to(starts, form, START_BUCKETS - 1);
    unsigned median, last;

    if (all < STARTS_LEAST)
        return 0;
    median = bucket_at(starts, form, all / 2);
    last = median + STARTS_TAIL < START_BUCKETS ? median + STARTS_TAIL : START_BUCKETS - 1;
    return upper_us(bucket_at(starts, form, sum_to(starts, form, last) * percent / 100));
}

static void earn(struct start_times *starts, uint64_t amount)
{
    uint64_t credit = atomic_load_explicit(&starts->credit, memory_order_relaxed), more;

    do {
        more = credit + amount < STARTS_BURST * HEDGE ? credit + amount : STARTS_BURST * HEDGE;
    } while (!atomic_compare_exchange_weak_explicit(
        &starts->credit, &credit, more, memory_order_relaxed, memory_order_relaxed));
}

void starts_earn(struct start_times *starts, uint32_t percent)
{
    earn(starts, percent);
}

void starts_give_back(struct start_times *starts)
{
    earn(starts, HEDGE);
}

bool starts_pay(struct start_times *starts)
{
    uint64_t credit = atomic_load_explicit(&starts->credit, memory_order_relaxed);

    do {
        if (credit < HEDGE)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &starts->credit, &credit, credit - HEDGE, memory_order_relaxed, memory_order_relaxed));
    return true;
}
