/* The HTTP reader on what providers send. */
#include "tests/fuzz/fuzz_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        fuzz_http(HTTP_ANSWERS, data, size);
    return 0;
}
