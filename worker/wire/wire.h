/* worker/wire/wire.h
 *
 * One end of a byte stream: a socket, plain or under TLS, towards a client or a provider. Hides
 * libuv's handles and the TLS engine; knows nothing of HTTP.
 *
 * Lifetime: a wire is embedded in its owner (a client connection, an upstream connection).
 * After wire_close, wire_close_lingering or wire_reset the owner's memory must stay until its
 * `closed` function is called; that is the last call, never made from within the closing call,
 * and no other event comes before it.
 *
 * Re-entrancy: any event function may call any wire function, the closing ones included.
 * No event function is called from within wire_open, wire_connect, wire_write, wire_read_start
 * or another wire function: events come from the loop only.
 *
 * Reading: bytes are given in the reactor's buffers and must be used or copied before
 * returning; one read for each time that the socket is ready. While reading is on, the peer's
 * end is noticed at once.  wire_read_stop costs nothing unless bytes come.  Writing: wire_write
 * sends at once what the kernel takes; the rest is copied into a pending buffer, and `drained`
 * is called when it is empty again. The owner keeps pending small by pausing its source.
 * wire_write_later sends when the turn ends: then all that was ready has been read, and the
 * other side is woken once for what several exchanges have for it.
 *
 * Cost: an idle plain wire is sizeof(struct wire) and no heap memory.
 */
#ifndef WORKER_WIRE_WIRE_H
#define WORKER_WIRE_WIRE_H

#include <stdbool.h>

#include "shared/base/span.h"

#include "worker/wire/reactor.h"

struct sockaddr;
struct wire;
struct wire_connect;
struct wire_linger;
struct wire_out;
struct wire_tls;
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
    /* The kernel did not take what was written for later: it is pending, `drained` follows.
     * NULL when the owner need not know. */
    void (*waits)(struct wire *wire);
    /* Pending became empty. */
    void (*drained)(struct wire *wire);
    void (*closed)(struct wire *wire);
};

#define WIRE_TLS_FAILED (-10001) /* wire_error_text says why */

/* No owner lets more than this wait in one wire; wire_write answers -ENOBUFS. */
#define WIRE_PENDING_MAX_BYTES (64U << 20)
/* Larger writes are not put off: copying them costs more than it saves. */
#define WIRE_LATER_MAX_BYTES 4096

/* wire_close_lingering: time for what is pending, then time and bytes for the peer's rest. */
#define WIRE_FLUSH_MS     10000
#define WIRE_LINGER_MS    1000
#define WIRE_LINGER_BYTES 65536

struct wire {
    const struct wire_events *events;
    struct reactor *reactor;

    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp; /* Unix sockets too: libuv reads and writes them the same way */
    } uv;
    struct wire_tls *tls;         /* NULL: plain */
    struct wire_out *out;         /* pending bytes; NULL while there are none */
    struct wire_connect *connect; /* NULL unless connecting */
    struct wire_linger *linger;   /* NULL unless lingering */
    uint32_t pending_bytes;       /* not yet taken by the kernel; at most this many */
    uint32_t reading : 1;         /* the owner wants bytes */
    uint32_t watched : 1;         /* libuv reads the socket */
    uint32_t filled : 1;          /* the last read filled the buffer */
    uint32_t opened : 1;
    uint32_t ended : 1;    /* the peer's end was seen */
    uint32_t broken : 1;   /* `failed` was called, or a write failed */
    uint32_t finished : 1; /* wire_shutdown was called: no more bytes go out */
    uint32_t closing : 1;
    uint32_t gone : 1; /* libuv has closed the handle */
};

/* An accepted TCP or Unix socket (FD becomes the wire's, also on failure).  SETTINGS NULL:
 * plain, and `opened` is not called; else the TLS handshake begins and `opened` follows.  0 or
 * a negative errno (then wire_close is not needed and `closed` does not come). */
int wire_open(struct wire *wire, struct reactor *reactor, const struct wire_events *events,
              int fd, struct tls_settings *settings);

/* Begins to connect to an AF_INET, AF_INET6 or AF_UNIX address; `opened` or `failed` follows.
 * SERVER_NAME for TLS (SNI and certificate check), copied; SETTINGS NULL: plain, and bytes may
 * be written before `opened`.  0 or a negative errno: EMFILE, ENFILE, ENOBUFS, EAFNOSUPPORT
 * (then wire_close is not needed and `closed` does not come). */
int wire_connect(struct wire *wire, struct reactor *reactor, const struct wire_events *events,
                 const struct sockaddr *address, struct tls_settings *settings,
                 struct span server_name);

/* An HTTP CONNECT tunnel was made over an opened plain wire: begin TLS inside it. `opened`
 * comes again. */
void wire_start_tls(struct wire *wire, struct tls_settings *settings, struct span server_name);

void wire_read_start(struct wire *wire);
void wire_read_stop(struct wire *wire);

/* Sends PIECES in order.  Returns how many bytes are pending now (0: all gone), or a negative
 * errno when the connection is broken (`failed` is not called for it). */
long wire_write(struct wire *wire, const struct span *pieces, unsigned count);

/* As wire_write, but a small message on a plain wire that nothing is pending on is copied,
 * counts as pending, and goes when this turn ends; then 0.  An error that comes out there is
 * told by `failed`. */
long wire_write_later(struct wire *wire, const struct span *pieces, unsigned count);

/* Sends TLS close_notify / FIN after what is pending; reading goes on until the peer's end. */
void wire_shutdown(struct wire *wire);
/* At once; what is pending is dropped.  When bytes of the peer are unread the kernel sends RST,
 * which can destroy an answer in flight: wire_close_lingering then. */
void wire_close(struct wire *wire);
/* As wire_close, but what was written for later is sent first, as far as the kernel takes it.
 */
void wire_close_sending(struct wire *wire);
/* After an answer that ends the connection while the peer may still be sending: sends what is
 * pending, then FIN, then reads and drops until the peer's end, within the bounds above. */
void wire_close_lingering(struct wire *wire);
/* As wire_close, but the peer gets RST: an answer that was cut must not look whole. */
void wire_reset(struct wire *wire);

/* Kernel buffers and TCP_NODELAY; sizes 0 leave the kernel's default.  May be called before
 * `opened`. */
void wire_tune(struct wire *wire, int send_buffer_bytes, int receive_buffer_bytes);
/* "127.0.0.1" or "::1" or "unix" into TEXT (46 bytes). */
struct span wire_peer(const struct wire *wire, char text[46]);
/* Peer certificate's subject for clients that sent one, else SPAN_NONE. */
struct span wire_peer_certificate(const struct wire *wire);
/* One clause for logs: why the wire failed with ERROR. */
struct span wire_error_text(const struct wire *wire, int error);
/* The handshake was a resumption of an earlier session. */
bool wire_resumed(const struct wire *wire);

static inline bool wire_is_tls(const struct wire *wire)
{
    return wire->tls != NULL;
}

#endif
