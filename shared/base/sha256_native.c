#include "shared/base/sha256_native.h"

#include "shared/base/memory.h"

#if defined(__x86_64__)

#    include <cpuid.h>
#    include <endian.h>
#    include <immintrin.h>

#    define BLOCK  64
#    define NATIVE __attribute__((target("sha,sse4.1,ssse3")))

static const uint32_t rounds[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
};

static bool processor_has_it(void)
{
    unsigned a, b, c, d, sha = 0;

    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        sha = b & 1U << 29;
    return sha && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
}

/* As the instructions want the state: a and b above e and f, c and d above g and h. */
struct halves {
    __m128i abef, cdgh;
};

/* The words of the message are big-endian. */
NATIVE static inline __m128i load_words(const uint8_t *at)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

    return _mm_shuffle_epi8(_mm_loadu_si128((const void *)at), order);
}

/* Four rounds a step; WORDS holds the last sixteen words of the schedule. */
NATIVE static void digest_block(struct halves *state, const uint8_t *block)
{
    __m128i abef = state->abef, cdgh = state->cdgh, words[4], with;

#    pragma GCC unroll 16
    for (unsigned i = 0; i < 16; i++) {
        __m128i *now = &words[i & 3];
        const __m128i *last = &words[(i + 3) & 3];

        if (i < 4)
            *now = load_words(block + (size_t)i * 16);
        else
            *now = _mm_sha256msg2_epu32(
                _mm_add_epi32(_mm_sha256msg1_epu32(*now, words[(i + 1) & 3]),
                              _mm_alignr_epi8(*last, words[(i + 2) & 3], 4)),
                *last);
        with = _mm_add_epi32(*now, _mm_load_si128((const void *)&rounds[(size_t)i * 4]));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, with);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(with, 0x0e));
    }
    state->abef = _mm_add_epi32(state->abef, abef);
    state->cdgh = _mm_add_epi32(state->cdgh, cdgh);
}

NATIVE static void write_digest(const struct halves *state, uint8_t ret[32])
{
    uint32_t low[4], high[4], words[8];

    _mm_storeu_si128((void *)high, state->abef);
    _mm_storeu_si128((void *)low, state->cdgh);
    words[0] = high[3];
    words[1] = high[2];
    words[2] = low[3];
    words[3] = low[2];
    words[4] = high[1];
    words[5] = high[0];
    words[6] = low[1];
    words[7] = low[0];
    for (unsigned i = 0; i < 8; i++)
        words[i] = htobe32(words[i]);
    memcpy(ret, words, sizeof(words));
}

/* What is left of the message, the bit behind it and its length: one block or two. */
NATIVE static void digest_end(struct halves *state, struct span rest, uint64_t len)
{
    uint8_t blocks[2 * BLOCK] = {0};
    size_t size = rest.len + 9 > BLOCK ? 2 * BLOCK : BLOCK;
    uint64_t bits = htobe64(len * 8);

    if (rest.len > 0)
        memcpy(blocks, rest.ptr, rest.len);
    blocks[rest.len] = 0x80;
    memcpy(blocks + size - sizeof(bits), &bits, sizeof(bits));
    for (size_t at = 0; at < size; at += BLOCK)
        digest_block(state, blocks + at);
    memory_wipe(blocks, sizeof(blocks));
}

NATIVE static void digest(struct span bytes, uint8_t ret[32])
{
    struct halves state = {
        .abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
        .cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19),
    };
    struct span rest = bytes;

    for (; rest.len >= BLOCK; rest = span_skip(rest, BLOCK))
        digest_block(&state, (const uint8_t *)rest.ptr);
    digest_end(&state, rest, bytes.len);
    write_digest(&state, ret);
}

bool sha256_native(struct span bytes, uint8_t ret_digest[32])
{
    static _Atomic int
        known; /* 0: nobody has asked; 1: no, 2: yes. Who asks twice gets the same */

    if (known == 0)
        known = 1 + processor_has_it();
    if (known == 2)
        digest(bytes, ret_digest);
    return known == 2;
}

#else

bool sha256_native(struct span bytes, uint8_t ret_digest[32])
{
    (void)bytes;
    (void)ret_digest;
    return false;
}

#endif
