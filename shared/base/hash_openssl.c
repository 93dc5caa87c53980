#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

static const unsigned char *bytes_of(struct span s)
{
    return (const unsigned char *)(s.ptr ? s.ptr : "");
}

/* One context and one fetched algorithm per thread: fetching costs more than hashing. */
void hash_sha256(struct span bytes, uint8_t ret_digest[SHA256_SIZE])
{
    static _Thread_local EVP_MD_CTX *context;
    static _Thread_local EVP_MD *sha256;
    int good;

    if (!context) {
        context = EVP_MD_CTX_new();
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        CHECK(context && sha256);
    }
    good = EVP_DigestInit_ex2(context, sha256, NULL) &&
           EVP_DigestUpdate(context, bytes_of(bytes), bytes.len) &&
           EVP_DigestFinal_ex(context, ret_digest, NULL);
    CHECK(good);
}

void hash_hmac_sha256(struct span key, struct span bytes, uint8_t ret_mac[SHA256_SIZE])
{
    const unsigned char *mac;

    CHECK(key.len <= INT_MAX);
    mac = HMAC(EVP_sha256(), bytes_of(key), (int)key.len, bytes_of(bytes), bytes.len, ret_mac,
               NULL);
    CHECK(mac);
}

void gcm_seal(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE],
              struct span aad, struct span plain, uint8_t *ret_cipher,
              uint8_t ret_tag[GCM_TAG_SIZE])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t rest[16];
    int count, good;

    CHECK(context && aad.len <= INT_MAX && plain.len <= INT_MAX);
    good = EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) &&
           EVP_EncryptUpdate(context, NULL, &count, bytes_of(aad), (int)aad.len) &&
           (plain.len == 0 ||
            EVP_EncryptUpdate(context, ret_cipher, &count, bytes_of(plain), (int)plain.len)) &&
           EVP_EncryptFinal_ex(context, rest, &count) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, GCM_TAG_SIZE, ret_tag);
    CHECK(good);
    EVP_CIPHER_CTX_free(context);
}

bool gcm_open(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[GCM_NONCE_SIZE],
              struct span aad, struct span cipher, const uint8_t tag[GCM_TAG_SIZE],
              uint8_t *ret_plain)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t expected[GCM_TAG_SIZE], rest[16];
    int count, good;

    CHECK(context && aad.len <= INT_MAX && cipher.len <= INT_MAX);
    memcpy(expected, tag, sizeof(expected));
    good = EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) &&
           EVP_DecryptUpdate(context, NULL, &count, bytes_of(aad), (int)aad.len) &&
           (cipher.len == 0 ||
            EVP_DecryptUpdate(context, ret_plain, &count, bytes_of(cipher), (int)cipher.len)) &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, GCM_TAG_SIZE, expected);
    CHECK(good);
    good = EVP_DecryptFinal_ex(context, rest, &count);
    EVP_CIPHER_CTX_free(context);
    if (good <= 0 && cipher.len > 0)
        memory_wipe(ret_plain, cipher.len);
    return good > 0;
}
