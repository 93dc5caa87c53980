#include "shared/limit/yield.h"

/* Upper bound of bucket INDEX: 8, 11, 16, 22 .. (2^(INDEX/2 + 3), the odd ones rounded down).
 */
static uint64_t upper(unsigned index)
{
    uint64_t whole = 8ULL << (index / 2);

    return index % 2 == 0 ? whole : whole * 181 / 128;
}

void yield_add(struct yield *yield, uint64_t output_tokens)
{
    unsigned index = 0;

    while (index < YIELD_BUCKETS - 1 && upper(index) < output_tokens)
        index++;
    (void)atomic_fetch_add_explicit(&yield->answers[index], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&yield->count, 1, memory_order_relaxed);
}

uint64_t yield_bound(struct yield *yield)
{
    uint64_t count = atomic_load_explicit(&yield->count, memory_order_relaxed), seen = 0;

    if (count < YIELD_LEAST)
        return UINT64_MAX;
    for (unsigned i = 0; i < YIELD_BUCKETS - 1; i++) {
        seen += atomic_load_explicit(&yield->answers[i], memory_order_relaxed);
        if (seen >= count - count / 100)
            return upper(i);
    }
    return UINT64_MAX;
}
