#include "shared/base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *bytes, size_t count)
{
    uint8_t *at = bytes;

    while (count > 0) {
        ssize_t got = getrandom(at, count, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            (void)fprintf(stderr, "the kernel gave no random bytes\n");
            abort();
        }
        at += got;
        count -= (size_t)got;
    }
}

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

/* xoshiro256++ (Blackman and Vigna, 2019), seeded by the kernel; one state per thread. */
uint64_t random_u64(void)
{
    static _Thread_local uint64_t state[4];
    uint64_t result, shifted;

    while (!(state[0] | state[1] | state[2] | state[3]))
        random_bytes(state, sizeof(state));
    result = rotate(state[0] + state[3], 23) + state[0];
    shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

void hash_sha256_again(struct sha256_memo *memo, struct span bytes,
                       uint8_t ret_digest[SHA256_SIZE])
{
    if (!memo || bytes.len == 0 || bytes.len > SHA256_MEMO_BYTES) {
        hash_sha256(bytes, ret_digest);
        return;
    }
    if (!span_eq_secret(bytes, span_of(memo->bytes, memo->len))) {
        hash_sha256(bytes, memo->digest);
        memcpy(memo->bytes, bytes.ptr, bytes.len);
        memo->len = (uint8_t)bytes.len;
    }
    memcpy(ret_digest, memo->digest, SHA256_SIZE);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load(const char *at, size_t count)
{
    uint64_t word = 0;

    memcpy(&word, at, count);
    return word;
}

/* Multiply and fold, 16 bytes a step. The same bytes give the same hash in every process of a
 * host: tables in shared memory stand on it. */
uint64_t hash_fast(struct span bytes)
{
    uint64_t hash = 0x9e3779b97f4a7c15U ^ bytes.len;
    const char *at = bytes.ptr;
    size_t left = bytes.len;

    for (; left > 16; left -= 16, at += 16)
        hash = mix(load(at, 8) ^ 0xa0761d6478bd642fU, load(at + 8, 8) ^ hash);
    if (left > 8)
        hash = mix(load(at, 8) ^ 0xe7037ed1a0b428dbU, load(at + 8, left - 8) ^ hash);
    else if (left > 0)
        hash = mix(load(at, left) ^ 0xe7037ed1a0b428dbU, 0x8ebc6af09c88c6e3U ^ hash);
    return mix(hash ^ 0x589965cc75374cc3U, 0x1d8e4e27c47d124fU ^ bytes.len);
}
