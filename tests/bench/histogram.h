/*
 * A histogram of durations with an error under 0.8 %: 128 steps in each power of two.
 */
#ifndef TESTS_BENCH_HISTOGRAM_H
#define TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_STEPS = 128,
    HISTOGRAM_OCTAVES = 40
};

struct histogram {
    uint64_t counts[HISTOGRAM_OCTAVES * HISTOGRAM_STEPS];
    uint64_t count;
    uint64_t most_ns;
};

void histogram_add(struct histogram *h, uint64_t ns);

/* The duration that `part` (0..1) of all do not exceed; 0 when there are none. */
uint64_t histogram_at(const struct histogram *h, double part);

#endif
