/*
 * The request ids that the provider saw, and how often each: a hash table with the ids inside.
 * Ids over 63 bytes are cut; after 8 million different ones, more are only counted as lost.
 */
#ifndef TESTS_BENCH_IDSET_H
#define TESTS_BENCH_IDSET_H

#include "tests/bench/net.h"
#include "tests/bench/wire.h"

struct idset_row {
    char id[64];
    uint32_t seen;
    uint32_t len;
};

struct idset {
    struct idset_row *rows;
    size_t size; /* a power of two */
    size_t distinct;
    size_t duplicates; /* times that an id came again */
    size_t lost;
};

/* Counts one more sight of `id`. */
void idset_see(struct idset *set, struct text id);

/* One line "ID TIMES" per id. */
void idset_print(const struct idset *set, struct bytes *out);

/* Forgets all. */
void idset_clear(struct idset *set);

#endif
