/* The Gemini dialect, to a client that wants its stream as an array. */
#include "tests/fuzz/fuzz_dialect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_pair pair = {
        .client = &dialect_gemini,
        .provider = &dialect_gemini,
        .model = "gemini-2.0-flash",
        .stranger = DIALECT_gemini,
        .stream_as_array = true,
    };

    return fuzz_dialect(&pair, data, size);
}
