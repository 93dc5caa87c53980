/* shared/base/hash.h
 *
 * The cryptography that the house needs outside TLS: SHA-256 for key secrets, HMAC for
 * signatures, AES-256-GCM for credentials at rest, the kernel's random bytes.  The only file
 * outside worker/tls that includes the crypto library (mbedTLS, or OpenSSL with
 * --with-tls=openssl: hash_openssl.c). Failures of the library are bugs (CHECK) except where a
 * return value is named.
 */
#ifndef SHARED_BASE_HASH_H
#define SHARED_BASE_HASH_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/span.h"

#define SHA256_SIZE    32
#define AES_KEY_SIZE   32
#define GCM_NONCE_SIZE 12
#define GCM_TAG_SIZE   16

void hash_sha256(struct span bytes, uint8_t ret_digest[SHA256_SIZE]);
void hash_hmac_sha256(struct span key, struct span bytes, uint8_t ret_mac[SHA256_SIZE]);

/* The last bytes that were hashed for somebody, and their digest: who shows the same secret
 * with each request is hashed once. Belongs to one connection; wiped with it (memory_wipe). */
#define SHA256_MEMO_BYTES 47

struct sha256_memo {
    uint8_t len; /* 0: empty */
    char bytes[SHA256_MEMO_BYTES];
    uint8_t digest[SHA256_SIZE];
};

/* As hash_sha256. MEMO may be NULL; what is longer than it holds is not kept. */
void hash_sha256_again(struct sha256_memo *memo, struct span bytes,
                       uint8_t ret_digest[SHA256_SIZE]);

/* getrandom(2); aborts when the kernel has none. */
void random_bytes(void *bytes, size_t count);
uint64_t random_u64(void); /* fast, for ids and jitter: not for secrets */

/* Encrypts PLAIN into CIPHER (same length) with TAG; AAD is authenticated (NIST SP 800-38D). */
void gcm_seal(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE],
              struct span aad, struct span plain, uint8_t *ret_cipher,
              uint8_t ret_tag[GCM_TAG_SIZE]);
/* False when key, nonce, aad, cipher or tag were changed; *ret_plain is then wiped. */
bool gcm_open(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE],
              struct span aad, struct span cipher, const uint8_t tag[GCM_TAG_SIZE],
              uint8_t *ret_plain);

/* IEEE 802.3 CRC-32 (as zlib), and a fast 64-bit hash for tables (not for secrets). */
uint32_t crc32_of(struct span bytes);
uint64_t hash_fast(struct span bytes);

#endif
