#include "tests/bench/histogram.h"

enum {
    STEP_BITS = 7
};

_Static_assert(1 << STEP_BITS == HISTOGRAM_STEPS, "steps of an octave");

/* Durations under 128 ns have a step each; above, the seven bits after the highest one count.
 */
static unsigned step_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return (unsigned)ns;
    unsigned octave = 63U - (unsigned)__builtin_clzll(ns) - STEP_BITS;
    unsigned step = (octave + 1) * HISTOGRAM_STEPS + (unsigned)(ns >> octave) - HISTOGRAM_STEPS;
    unsigned last = HISTOGRAM_OCTAVES * HISTOGRAM_STEPS - 1;

    return step > last ? last : step;
}

/* The middle of a step. */
static uint64_t middle_of(unsigned step)
{
    if (step < HISTOGRAM_STEPS)
        return step;
    unsigned octave = step / HISTOGRAM_STEPS - 1;
    uint64_t low = (uint64_t)(step % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << octave;

    return low + ((1ULL << octave) >> 1);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    h->counts[step_of(ns)]++;
    h->count++;
    if (ns > h->most_ns)
        h->most_ns = ns;
}

uint64_t histogram_at(const struct histogram *h, double part)
{
    uint64_t wanted = (uint64_t)((double)h->count * part);
    uint64_t passed = 0;

    if (!h->count)
        return 0;
    if (wanted >= h->count)
        return h->most_ns;
    for (unsigned step = 0; step < HISTOGRAM_OCTAVES * HISTOGRAM_STEPS; step++) {
        passed += h->counts[step];
        if (passed > wanted)
            return middle_of(step) < h->most_ns ? middle_of(step) : h->most_ns;
    }
    return h->most_ns;
}
