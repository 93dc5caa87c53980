/* worker/tls/tls_mbedtls_compat.h
 *
 * What differs between mbedTLS 2.28 and 3.x, and nothing else, so that the other files read one
 * library.  3.x: TLS 1.3, keys are parsed and checked with a random source, groups by their
 * IANA numbers, members of structs by MBEDTLS_PRIVATE.
 */
#ifndef WORKER_TLS_TLS_MBEDTLS_COMPAT_H
#define WORKER_TLS_TLS_MBEDTLS_COMPAT_H

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stdbool.h>

typedef int tls_random_f(void *unused, unsigned char *bytes, size_t count);

#if MBEDTLS_VERSION_MAJOR < 3

#    define MBEDTLS_PRIVATE(member) member

/* No TLS 1.3 here. */
#    define TLS13_SUITES

/* There is no key to seal a ticket: TLS 1.2 sends an empty one after an error. */
static inline int compat_no_ticket(const mbedtls_ssl_session *session, unsigned char *start,
                                   size_t room, size_t *ret_len, uint32_t *ret_lifetime)
{
    (void)session, (void)start, (void)room, (void)ret_len, (void)ret_lifetime;
    return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
}

static inline int compat_start(void)
{
    return 0;
}

static inline int compat_key_parse(mbedtls_pk_context *key, const char *file,
                                   tls_random_f *random)
{
    (void)random;
    return mbedtls_pk_parse_keyfile(key, file, NULL);
}

static inline int compat_key_check(const mbedtls_pk_context *certified,
                                   const mbedtls_pk_context *key, tls_random_f *random)
{
    (void)random;
    return mbedtls_pk_check_pair(certified, key);
}

static inline int compat_key_sign(mbedtls_pk_context *key, const unsigned char *hash,
                                  unsigned char *signature, tls_random_f *random)
{
    size_t len;

    return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, 32, signature, &len, random, NULL);
}

static inline void compat_conf_versions(mbedtls_ssl_config *config)
{
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3,
                                 MBEDTLS_SSL_MINOR_VERSION_3);
}

static inline void compat_conf_groups(mbedtls_ssl_config *config)
{
    static const mbedtls_ecp_group_id groups[] = {
        MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
        MBEDTLS_ECP_DP_NONE};

    mbedtls_ssl_conf_curves(config, groups);
}

#else

#    include <psa/crypto.h>

#    define TLS13_SUITES                                                            \
        MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, MBEDTLS_TLS1_3_AES_128_GCM_SHA256, \
            MBEDTLS_TLS1_3_AES_256_GCM_SHA384,

/* In TLS 1.3 an error here would end the connection: the ticket is one zero byte, which opens
 * nothing, with lifetime 0, which tells the client to forget it (RFC 8446 4.6.1). */
static inline int compat_no_ticket(const mbedtls_ssl_session *session, unsigned char *start,
                                   size_t room, size_t *ret_len, uint32_t *ret_lifetime)
{
    if (room < 1 || session->MBEDTLS_PRIVATE(tls_version) != MBEDTLS_SSL_VERSION_TLS1_3)
        return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    *start = 0;
    *ret_len = 1;
    *ret_lifetime = 0;
    return 0;
}

/* TLS 1.3 works on PSA; starting it again does nothing. */
static inline int compat_start(void)
{
    return psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
}

static inline int compat_key_parse(mbedtls_pk_context *key, const char *file,
                                   tls_random_f *random)
{
    return mbedtls_pk_parse_keyfile(key, file, NULL, random, NULL);
}

static inline int compat_key_check(const mbedtls_pk_context *certified,
                                   const mbedtls_pk_context *key, tls_random_f *random)
{
    return mbedtls_pk_check_pair(certified, key, random, NULL);
}

static inline int compat_key_sign(mbedtls_pk_context *key, const unsigned char *hash,
                                  unsigned char *signature, tls_random_f *random)
{
    size_t len;

    return mbedtls_pk_sign(key, MBEDTLS_MD_SHA256, hash, 32, signature,
                           MBEDTLS_PK_SIGNATURE_MAX_SIZE, &len, random, NULL);
}

static inline void compat_conf_versions(mbedtls_ssl_config *config)
{
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#    if defined(MBEDTLS_SSL_PROTO_TLS1_3) && MBEDTLS_VERSION_NUMBER >= 0x03060100
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
        config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#    endif
}

static inline void compat_conf_groups(mbedtls_ssl_config *config)
{
    static const uint16_t groups[] = {
        MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
        MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

    mbedtls_ssl_conf_groups(config, groups);
}

#endif

/* A TLS 1.3 server's ticket came: no bytes for the caller, and a session to keep. */
static inline bool compat_new_ticket(int result)
{
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
    return result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
#else
    (void)result;
    return false;
#endif
}

#endif
