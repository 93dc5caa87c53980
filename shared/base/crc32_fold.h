/* shared/base/crc32_fold.h
 *
 * A long text as sixteen bytes that have the same CRC-32, by the processor's multiplication
 * without carries. Elsewhere than on an x86-64 that has it, nothing is folded.
 */
#ifndef SHARED_BASE_CRC32_FOLD_H
#define SHARED_BASE_CRC32_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/span.h"

#define CRC32_FOLDED 16

/* Folds as much of BYTES as can be, a multiple of 16 bytes, into *ret_folded; how much. The CRC
 * of what was folded, begun with CRC, is that of *ret_folded begun with 0. */
size_t crc32_fold(struct span bytes, uint32_t crc, uint8_t ret_folded[CRC32_FOLDED]);

#endif
