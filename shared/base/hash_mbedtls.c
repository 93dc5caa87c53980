#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <mbedtls/version.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"
#include "shared/base/sha256_native.h"

#if MBEDTLS_VERSION_MAJOR < 3
#    define SHA256_ONCE mbedtls_sha256_ret
#else
#    define SHA256_ONCE mbedtls_sha256
#endif

/* The library takes no NULL, not even with length 0. */
static const unsigned char *bytes_of(struct span s)
{
    return (const unsigned char *)(s.ptr ? s.ptr : "");
}

void hash_sha256(struct span bytes, uint8_t ret_digest[SHA256_SIZE])
{
    int result;

    if (sha256_native(bytes, ret_digest))
        return;
    result = SHA256_ONCE(bytes_of(bytes), bytes.len, ret_digest, 0);
    CHECK(result == 0);
}

void hash_hmac_sha256(struct span key, struct span bytes, uint8_t ret_mac[SHA256_SIZE])
{
    int result = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), bytes_of(key),
                                 key.len, bytes_of(bytes), bytes.len, ret_mac);

    CHECK(result == 0);
}

void gcm_seal(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE],
              struct span aad, struct span plain, uint8_t *ret_cipher,
              uint8_t ret_tag[GCM_TAG_SIZE])
{
    mbedtls_gcm_context gcm;
    int result;

    mbedtls_gcm_init(&gcm);
    result = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, AES_KEY_SIZE * 8);
    CHECK(result == 0);
    result = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, plain.len, nonce,
                                       GCM_NONCE_SIZE, bytes_of(aad), aad.len, bytes_of(plain),
                                       ret_cipher, GCM_TAG_SIZE, ret_tag);
    CHECK(result == 0);
    mbedtls_gcm_free(&gcm);
}

bool gcm_open(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE],
              struct span aad, struct span cipher, const uint8_t tag[GCM_TAG_SIZE],
              uint8_t *ret_plain)
{
    mbedtls_gcm_context gcm;
    int result;

    mbedtls_gcm_init(&gcm);
    result = mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, AES_KEY_SIZE * 8);
    CHECK(result == 0);
    result = mbedtls_gcm_auth_decrypt(&gcm, cipher.len, nonce, GCM_NONCE_SIZE, bytes_of(aad),
                                      aad.len, tag, GCM_TAG_SIZE, bytes_of(cipher), ret_plain);
    mbedtls_gcm_free(&gcm);
    CHECK(result == 0 || result == MBEDTLS_ERR_GCM_AUTH_FAILED);
    if (result != 0 && cipher.len > 0)
        memory_wipe(ret_plain, cipher.len);
    return result == 0;
}
