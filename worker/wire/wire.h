/* worker/wire/wire.h
 *
 * One end of a byte stream: a socket, plain or under TLS, towards a client or a provider. Hides
 * libuv's handles and the TLS engine; knows nothing of HTTP.
 *
 * Lifetime: a wire is embedded in its owner (a client connection, an upstream connection).
 * After wire_close the owner's memory must stay until its `closed` function is called; that is
 * the last call. Re-entrancy: any event function may call any wire function, wire_close
 * included; after wire_close no event but `closed` comes.
 *
 * Reading: bytes are given in the reactor's read buffer and must be used or copied before
 * returning. Writing: wire_write sends at once what the kernel takes; the rest is copied into a
 * pending buffer, and `drained` is called when it is empty again.  The owner keeps pending
 * small by pausing its source.
 */
#ifndef WORKER_WIRE_WIRE_H
#define WORKER_WIRE_WIRE_H

#include <stdbool.h>

#include "shared/base/span.h"

#include "worker/wire/reactor.h"

struct wire;
struct tls;
struct tls_settings;

struct wire_events {
    /* The connection stands (after wire_connect), TLS handshake included, or the server-side
     * handshake is done. */
    void (*opened)(struct wire *wire);
    void (*received)(struct wire *wire, struct span bytes);
    /* The peer closed its side (clean end).  For TLS: close_notify; a bare FIN under TLS is
     * `failed`. */
    void (*ended)(struct wire *wire);
    /* ERROR is a negative errno (ECONNRESET, ...) or WIRE_TLS_FAILED; the owner closes. */
    void (*failed)(struct wire *wire, int error);
    /* Pending became empty. */
    void (*drained)(struct wire *wire);
    void (*closed)(struct wire *wire);
};

#define WIRE_TLS_FAILED (-10001)

struct wire {
    const struct wire_events *events;
    struct reactor *reactor;

    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct tls *tls;        /* NULL: plain */
    struct wire_out *out;   /* pending bytes; NULL while there are none */
    uint32_t pending_bytes; /* not yet taken by the kernel */
    uint32_t reading : 1;   /* the owner wants bytes */
    uint32_t closing : 1;
    uint32_t opened : 1;
    uint32_t handshaking : 1; /* a handshake step runs on the thread pool */
};

/* An accepted TCP or Unix socket (FD becomes the wire's, also on failure).  SETTINGS NULL:
 * plain, and `opened` is not called; else the TLS handshake begins and `opened` follows.  0 or
 * a negative errno (then wire_close is not needed and `closed` does not come). */
int wire_open(struct wire *wire, struct reactor *reactor, const struct wire_events *events,
              int fd, struct tls_settings *settings);

/* Begins to connect; `opened` or `failed` follows.  SERVER_NAME for TLS (SNI and certificate
 * check). */
int wire_connect(struct wire *wire, struct reactor *reactor, const struct wire_events *events,
                 const struct sockaddr *address, struct tls_settings *settings,
                 struct span server_name);

/* An HTTP CONNECT tunnel was made over an opened plain wire: begin TLS inside it. `opened`
 * comes again. */
int wire_start_tls(struct wire *wire, struct tls_settings *settings, struct span server_name);

void wire_read_start(struct wire *wire);
void wire_read_stop(struct wire *wire);

/* Sends PIECES in order.  Returns how many bytes are pending now (0: all gone), or a negative
 * errno when the connection is broken (`failed` is not called for it). */
long wire_write(struct wire *wire, const struct span *pieces, unsigned count);

/* Sends TLS close_notify / FIN after what is pending; reading goes on until the peer's end. */
void wire_shutdown(struct wire *wire);
void wire_close(struct wire *wire);
/* As wire_close, but the peer gets RST: an answer that was cut must not look whole. */
void wire_reset(struct wire *wire);

/* Kernel buffers and TCP_NODELAY as the settings ask; sizes 0 leave the kernel's default. */
void wire_tune(struct wire *wire, int send_buffer_bytes, int receive_buffer_bytes);
/* "127.0.0.1" or "::1" or "unix" into TEXT (46 bytes). */
struct span wire_peer(const struct wire *wire, char text[46]);
/* Peer certificate's subject for clients that sent one, else SPAN_NONE. */
struct span wire_peer_certificate(const struct wire *wire);

#endif
