/* tests/fuzz/fuzz.h
 *
 * What the fuzz targets share. A target gets arbitrary bytes; the first may steer it (where to
 * cut the input in two), the others are what a peer sent. Beyond "it does not crash" each
 * target states what must hold, with MUST.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                   \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            (void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

/* Takes the steering byte off the input: a place to cut what is left in two. */
static inline size_t take_cut(const uint8_t **data, size_t *size)
{
    size_t steer = **data;

    *data += 1;
    *size -= 1;
    return *size == 0 ? 0 : steer * *size / 255;
}

#endif
