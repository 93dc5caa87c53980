/* The estimate of a prompt: any bytes give some number, none behind their end is read (each
 * input stands in a place of its own size), and what was tallied is what was there. */
#include "tests/fuzz/fuzz.h"
#include "worker/translate/estimate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct estimate estimate;
    char *copy = malloc(size > 0 ? size : 1);
    struct span body = span_of(copy, size);

    MUST(copy);
    memcpy(copy, data, size);
    estimate_body(body, &estimate);
    for (unsigned i = 0; i < TALLY_COUNT; i++)
        MUST(estimate.counts[i] <= size);
    MUST(estimate.messages + estimate.tools + estimate.pictures <= size);
    for (unsigned i = 0; i < TOKENIZER_COUNT; i++) {
        MUST(estimate_text(body, (enum tokenizer)i) <= 4 * size + 1);
        MUST(tokenizer_of(body, DIALECT_openai) < TOKENIZER_COUNT);
    }
    free(copy);
    return 0;
}
