#include "shared/base/crc32_fold.h"

#if defined(__x86_64__)

#    include <immintrin.h>

#    define NATIVE      __attribute__((target("pclmul,sse2")))
#    define LEAST_BYTES 64 /* below, the tables are as fast */

NATIVE static __m128i load(const char *at)
{
    return _mm_loadu_si128((const void *)at);
}

/* Sixteen bytes carried over the sixteen behind them: each half is multiplied by what
 * x^(128+32) and x^(128-32) leave of the polynomial (V. Gopal and others, "Fast CRC Computation
 * for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009; constants for bits in
 * reverse). */
NATIVE static __m128i carry(__m128i sum)
{
    const __m128i powers = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);

    return _mm_xor_si128(_mm_clmulepi64_si128(sum, powers, 0x00),
                         _mm_clmulepi64_si128(sum, powers, 0x11));
}

NATIVE static void fold(const char *at, size_t count, uint32_t crc,
                        uint8_t ret_folded[CRC32_FOLDED])
{
    __m128i sum = _mm_xor_si128(load(at), _mm_cvtsi32_si128((int)crc));

    for (size_t i = CRC32_FOLDED; i < count; i += CRC32_FOLDED)
        sum = _mm_xor_si128(carry(sum), load(at + i));
    _mm_storeu_si128((void *)ret_folded, sum);
}

size_t crc32_fold(struct span bytes, uint32_t crc, uint8_t ret_folded[CRC32_FOLDED])
{
    size_t count = bytes.len & ~(size_t)(CRC32_FOLDED - 1);

    if (bytes.len < LEAST_BYTES || !__builtin_cpu_supports("pclmul"))
        return 0;
    fold(bytes.ptr, count, crc, ret_folded);
    return count;
}

#else

size_t crc32_fold(struct span bytes, uint32_t crc, uint8_t ret_folded[CRC32_FOLDED])
{
    (void)bytes, (void)crc, (void)ret_folded;
    return 0;
}

#endif
