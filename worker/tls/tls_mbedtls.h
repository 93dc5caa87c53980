/* worker/tls/tls_mbedtls.h
 *
 * What the mbedTLS files tell each other; nobody else includes it.
 *
 * Threads: settings are read by engines on several threads.  Nothing in them changes after they
 * were made, except the sessions, which only the loop's thread touches (tls_new, tls_read,
 * tls_write).  Random bytes come from the kernel, so there is no generator to share.
 */
#ifndef WORKER_TLS_TLS_MBEDTLS_H
#define WORKER_TLS_TLS_MBEDTLS_H

#include "worker/tls/tls.h"
#include "worker/tls/tls_mbedtls_compat.h"

struct tls_sessions;

struct tls_identity {
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
};

struct tls_settings {
    unsigned references;
    bool server;
    bool verify; /* clients */
    mbedtls_ssl_config config;
    struct tls_identity *identities;
    unsigned identity_count;
    mbedtls_x509_crt authorities;
    const struct tls_ticket_keys *tickets; /* NULL: none */
    struct tls_sessions *sessions;         /* clients */
};

struct tls {
    struct tls_settings *settings;
    mbedtls_ssl_context ssl;
    struct buffer input;
    size_t input_at; /* eaten */
    struct buffer output;
    char *server_name; /* NULL: none */
    char *subject;     /* of the peer's certificate, when asked for */
    char *error;       /* NULL: none */
    bool opened;
    bool closed; /* close_notify came */
    bool resumed;
    bool certified; /* a certificate was looked at in this handshake */
    bool keep_session;
};

tls_random_f tls_random;
/* Certificate, key and CA of FILES; false with a sentence in *reterr. */
bool tls_identity_load(struct tls_identity *identity, const char *certificate_file,
                       const char *key_file, struct buffer *reterr);
bool tls_authorities_load(mbedtls_x509_crt *authorities, const char *file,
                          struct buffer *reterr);
bool tls_certificate_covers(const mbedtls_x509_crt *certificate, struct span name);
bool tls_certificate_covers_address(const mbedtls_x509_crt *certificate, const uint8_t *bytes,
                                    size_t count);
void tls_complain(struct buffer *reterr, const char *what, const char *file, int result);

/* Callbacks of mbedTLS for session tickets; WHO is the settings. */
int tls_ticket_write(void *who, const mbedtls_ssl_session *session, unsigned char *start,
                     const unsigned char *end, size_t *ret_len, uint32_t *ret_lifetime);
int tls_ticket_parse(void *who, mbedtls_ssl_session *session, unsigned char *ticket,
                     size_t len);
/* The engine whose step this thread runs: the callbacks are not told. */
extern _Thread_local struct tls *tls_stepping;

/* Sessions of a client, by server name; bounded, the oldest makes room. */
struct tls_sessions *tls_sessions_new(void);
void tls_sessions_free(struct tls_sessions *sessions);
void tls_sessions_offer(struct tls_sessions *sessions, struct tls *tls);
/* A handshake failed: what was offered may be why. */
void tls_sessions_drop(struct tls_sessions *sessions, const struct tls *tls);
void tls_sessions_keep(struct tls_sessions *sessions, struct tls *tls);

#endif
