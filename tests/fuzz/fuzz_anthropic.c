/* Anthropic messages, between a client and a provider of them. */
#include "tests/fuzz/fuzz_dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_pair pair = {
        .client = &dialect_anthropic,
        .provider = &dialect_anthropic,
        .model = "claude-sonnet-4-5",
        .stranger = DIALECT_anthropic,
    };

    return fuzz_dialect(&pair, data, size);
}
