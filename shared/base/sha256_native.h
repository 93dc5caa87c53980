/* shared/base/sha256_native.h
 *
 * SHA-256 (FIPS 180-4) by the processor's own instructions, where it has them: some five times
 * as fast as code. For a library that does not use them itself. Private to shared/base/hash*.
 */
#ifndef SHARED_BASE_SHA256_NATIVE_H
#define SHARED_BASE_SHA256_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

/* False: this processor has none, and nothing was done. */
bool sha256_native(struct span bytes, uint8_t ret_digest[32]);

#endif
