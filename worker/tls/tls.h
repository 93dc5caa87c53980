/* worker/tls/tls.h
 *
 * The one door to TLS.  An engine works over memory: cipher bytes in and out, plain bytes in
 * and out; it knows no socket.  Two implementations of this header, chosen by configure:
 * tls_mbedtls.c (default) and tls_openssl.c.  TLS 1.2 and newer, AEAD and ECDHE only.
 *
 * struct tls_settings: what many connections share (certificates, CA bundle, ticket keys,
 * ALPN).  Made from files at start and at each reload; reference counted, since old connections
 * keep the old one; made, referenced and given up on the loop's thread. struct tls: one
 * connection.  It is used by one thread at a
 * time: the wire runs tls_handshake on libuv's thread pool so that milliseconds of public-key
 * work do not stall the loop.
 */
#ifndef WORKER_TLS_TLS_H
#define WORKER_TLS_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

struct tls;
struct tls_settings;

enum tls_result {
    TLS_OK,
    TLS_WANTS,  /* more cipher bytes are needed */
    TLS_CLOSED, /* close_notify arrived */
    TLS_FAILED, /* tls_error says why; an alert may stand in the output */
};

/* One certificate of a listener. */
struct tls_certificate {
    const char *certificate_file; /* PEM chain */
    const char *key_file;         /* PEM; never logged */
};

struct tls_server_options {
    const struct tls_certificate *certificates; /* first is the default, others by SNI */
    unsigned certificate_count;
    const char *client_ca_file; /* NULL: no client certificates */
    bool client_certificate_needed;
    /* Ticket keys come from shared memory so that all workers open each other's; newest first.
     * NULL: no tickets. */
    const struct tls_ticket_keys *tickets;
};

/* In the segment; written by the controller, which bumps `version` around the change (odd:
 * being written). */
struct tls_ticket_key {
    uint8_t name[16];
    uint8_t key[32];
};

struct tls_ticket_keys {
    _Atomic uint64_t version;
    struct tls_ticket_key keys[3]; /* [0] seals; all open; zero name: unused */
};

struct tls_client_options {
    const char *ca_file; /* NULL: the system's bundle */
    bool verify;         /* off only for a provider whose settings say so */
    const char *client_certificate_file, *client_key_file; /* NULL: none */
};

/* On failure NULL and one sentence in *reterr (a buffer of the caller). */
struct tls_settings *tls_server_settings(const struct tls_server_options *options,
                                         struct buffer *reterr);
struct tls_settings *tls_client_settings(const struct tls_client_options *options,
                                         struct buffer *reterr);
struct tls_settings *tls_settings_ref(struct tls_settings *settings);
void tls_settings_unref(struct tls_settings *settings);

/* An engine; takes a reference.  SERVER_NAME: clients only (SNI, certificate name, session
 * resumption key). */
struct tls *tls_new(struct tls_settings *settings, struct span server_name);
void tls_free(struct tls *tls);

/* Cipher bytes from the peer; copied in. */
void tls_push(struct tls *tls, struct span cipher);
/* Cipher bytes for the peer; they stay until tls_output_done or the next call on the engine. */
struct span tls_output(const struct tls *tls);
void tls_output_done(struct tls *tls);
/* There are bytes that tls_read has not looked at. */
bool tls_has_input(const struct tls *tls);

/* One step; thread-safe with respect to other engines. */
enum tls_result tls_handshake(struct tls *tls);
/* Up to SIZE plain bytes into BYTES; *ret_count > 0 with TLS_OK. */
enum tls_result tls_read(struct tls *tls, char *bytes, size_t size, size_t *ret_count);
/* Seals all of PLAIN into the output. */
enum tls_result tls_write(struct tls *tls, struct span plain);
void tls_close_notify(struct tls *tls);
/* Gives back what an idle connection does not need. */
void tls_shrink(struct tls *tls);

const char *tls_error(const struct tls *tls);
bool tls_resumed(const struct tls *tls);
struct span tls_peer_subject(struct tls *tls);
/* "mbedTLS 2.28.3" for `aigw --version`. */
const char *tls_library(void);

#endif
