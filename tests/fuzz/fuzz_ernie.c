/* Baidu's first API, for a client of chat completions. */
#include "tests/fuzz/fuzz_dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_pair pair = {
        .client = &dialect_openai,
        .provider = &dialect_ernie,
        .model = "completions_pro",
        .stranger = DIALECT_openai,
    };

    return fuzz_dialect(&pair, data, size);
}
