/* worker/tls/tls_openssl.h
 *
 * What the OpenSSL 3 files tell each other; nobody else includes it.
 *
 * Threads: an SSL_CTX may be used by several threads.  The sessions of a client are touched by
 * the loop's thread only: what a handshake step brings waits in its engine.
 */
#ifndef WORKER_TLS_TLS_OPENSSL_H
#define WORKER_TLS_TLS_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "worker/tls/tls.h"

struct tls_sessions;

struct tls_settings {
    unsigned references;
    bool server;
    bool verify;        /* clients */
    SSL_CTX **contexts; /* servers: one for each certificate; [0] is the default */
    unsigned context_count;
    BIO_METHOD *method;                    /* of the engines' BIOs */
    const struct tls_ticket_keys *tickets; /* NULL: none */
    struct tls_sessions *sessions;         /* clients */
};

struct tls {
    struct tls_settings *settings;
    SSL *ssl;
    struct buffer input;
    size_t input_at; /* eaten */
    struct buffer output;
    char *server_name;  /* NULL: none */
    char *subject;      /* of the peer's certificate, when asked for */
    char *error;        /* NULL: none */
    SSL_SESSION *fresh; /* came with the handshake or after it; NULL: none */
    bool opened;
};

/* The engine behind an SSL. */
struct tls *tls_of(const SSL *ssl);
BIO_METHOD *tls_method_new(void);

/* Makes CONTEXT seal and open tickets with the keys of its settings. */
void tls_tickets_on(SSL_CTX *context, struct tls_settings *settings);

/* Sessions of a client, by server name; bounded, the oldest makes room. */
struct tls_sessions *tls_sessions_new(void);
void tls_sessions_free(struct tls_sessions *sessions);
void tls_sessions_offer(struct tls_sessions *sessions, struct tls *tls);
/* A handshake failed: what was offered may be why. */
void tls_sessions_drop(struct tls_sessions *sessions, const struct tls *tls);
/* Takes the engine's fresh session, if it has one. */
void tls_sessions_keep(struct tls_sessions *sessions, struct tls *tls);

#endif
