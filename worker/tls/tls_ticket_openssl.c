/* Session tickets (RFC 5077, RFC 8446 4.6.1) with keys that all workers share.  OpenSSL seals
 * with a cipher and a MAC of its own choice of order; both keys come from the shared one. */
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "worker/tls/tls_keys.h"
#include "worker/tls/tls_openssl.h"

#define NAME_SIZE  16
#define NONCE_SIZE 16 /* of AES-256-CBC */

static bool set_keys(const struct tls_ticket_key *key, const unsigned char *nonce,
                     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool sealing)
{
    const struct span secret = span_of((const char *)key->key, sizeof(key->key));
    char digest[] = "SHA256";
    uint8_t cipher_key[SHA256_SIZE], mac_key[SHA256_SIZE];
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key, sizeof(mac_key)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool good;

    hash_hmac_sha256(secret, SPAN("aigw ticket cipher"), cipher_key);
    hash_hmac_sha256(secret, SPAN("aigw ticket mac"), mac_key);
    good =
        EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, cipher_key, nonce, sealing) == 1 &&
        EVP_MAC_CTX_set_params(mac, parameters) == 1;
    memory_wipe(cipher_key, sizeof(cipher_key));
    memory_wipe(mac_key, sizeof(mac_key));
    return good;
}

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb asks for: negative: an error; 0: no ticket, or none
 * that we know; 1: done; 2: opened, but the client shall get a newer one. */
static int ticket_key(SSL *ssl, unsigned char *name, unsigned char *nonce,
                      EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
    const struct tls_settings *settings = tls_of(ssl)->settings;
    struct tls_ticket_key keys[TLS_TICKET_KEYS];
    int result = 0, at;

    if (!tls_keys_copy(settings->tickets, keys))
        return 0;
    at = sealing ? (tls_key_used(&keys[0]) ? 0 : -1) : tls_key_find(keys, name);
    if (sealing && at == 0) {
        memcpy(name, keys[0].name, NAME_SIZE);
        random_bytes(nonce, NONCE_SIZE);
    }
    if (at >= 0)
        result = set_keys(&keys[at], nonce, cipher, mac, sealing) ? 1 : -1;
    if (result == 1 && !sealing && at > 0)
        result = 2;
    memory_wipe(keys, sizeof(keys));
    return result;
}

void tls_tickets_on(SSL_CTX *context, struct tls_settings *settings)
{
    if (settings->tickets) {
        CHECK(SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key) == 1);
        CHECK(SSL_CTX_set_num_tickets(context, 1) == 1);
    } else {
        (void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        CHECK(SSL_CTX_set_num_tickets(context, 0) == 1);
    }
    (void)SSL_CTX_set_timeout(context, TLS_TICKET_SECONDS);
}
