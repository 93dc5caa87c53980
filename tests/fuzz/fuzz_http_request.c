/* The HTTP reader on what clients send. */
#include "tests/fuzz/fuzz_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        fuzz_http(HTTP_REQUESTS, data, size);
    return 0;
}
