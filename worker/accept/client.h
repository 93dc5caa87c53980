/* worker/accept/client.h
 *
 * A client's connection: outlives many exchanges. It reads requests one after the other (bytes
 * of pipelined ones wait), keeps the client's time limits, and sends what the corridor gives
 * it.
 *
 * Lifetime: made by client_open, frees itself when its wire is closed; the owner's `closed` is
 * the last call. Between `head` and client_finish one exchange has the connection.
 */
#ifndef WORKER_ACCEPT_CLIENT_H
#define WORKER_ACCEPT_CLIENT_H

#include <stdbool.h>

#include "shared/base/fault.h"
#include "shared/base/hash.h"
#include "shared/http/http_reader.h"
#include "shared/snapshot/snapshot.h"

#include "worker/wire/wire.h"

#define CLIENT_PIPELINE_BYTES 65536 /* of later requests, while one is answered */

struct client;

struct client_events {
    /* A request begins; HEAD lives during the call only. */
    void (*head)(struct client *client, const struct http_head *head);
    void (*body)(struct client *client, struct span bytes);
    /* The request is whole. */
    void (*received)(struct client *client);
    /* The peer left, stalled, or broke; the connection closes itself afterwards. */
    void (*gone)(struct client *client, enum fault fault);
    /* What was sent is with the kernel again. */
    void (*drained)(struct client *client);
    /* No request can be read any more: DETAIL says why. The owner answers with client_send and
     * client_finish(client, false). An exchange may or may not be there. */
    void (*refused)(struct client *client, enum fault fault, const char *detail);
    void (*opened)(struct client *client, bool resumed); /* TLS handshake done */
    void (*handshake_failed)(struct client *client);
    void (*closed)(struct client *client);
};

enum client_state {
    CLIENT_IDLE,      /* between requests */
    CLIENT_HEAD,      /* a head has begun to arrive */
    CLIENT_BODY,      /* head given, body arriving */
    CLIENT_ANSWERING, /* the request is whole */
    CLIENT_CLOSING,
};

struct client {
    struct wire wire;
    struct http_reader reader;
    const struct client_events *events;
    struct reactor *reactor;
    void *owner;                    /* the worker */
    void *exchange;                 /* the owner's, NULL: none */
    struct client *next, *previous; /* the owner's list */
    const struct snapshot_times *times;
    struct deadline deadline; /* head, body, idle: one at a time */
    struct deadline sending;  /* no progress towards the client */
    struct buffer pipelined;
    uint32_t pending_seen;
    uint64_t body_began_ms, body_bytes; /* of the request under way */
    /* Of all answers: what had to wait for this client, for how long, and since when. */
    uint64_t waited_bytes, waited_ms, waits_since_ms;
    uint8_t state; /* enum client_state */
    bool turning;  /* a request is being read right now */
    bool peer_ended;
    uint32_t retire_ms; /* drain: idle ones go so soon; 0: as ever */
    uint32_t requests;
    uint8_t peer_len; /* 0: not asked yet */
    char peer[46];
    struct sha256_memo secret_memo; /* of the key that its requests show */
};

/* TIMES and LIMITS must outlive it. NULL with errno when it cannot be. */
struct client *client_open(struct reactor *reactor, int fd, struct tls_settings *tls,
                           const struct http_limits *limits, const struct snapshot_times *times,
                           const struct client_events *events, void *owner);

/* "127.0.0.1", "::1", "unix": asked of the kernel once. */
struct span client_peer(struct client *client);
/* Answers "100 Continue". */
void client_continue(struct client *client);
/* Sends PIECES; the bytes that the kernel did not take (0: none), or a negative errno: then
 * `gone` follows from the loop. */
long client_send(struct client *client, const struct span *pieces, unsigned count);
/* As client_send, of the last bytes of an answer: small ones go when the turn ends. */
long client_send_last(struct client *client, const struct span *pieces, unsigned count);
/* The answer is complete. KEEP: the next request may come; else the connection closes in order.
 */
void client_finish(struct client *client, bool keep);
/* The answer cannot be completed: the peer gets a reset, so that it does not look whole. */
void client_abort(struct client *client);
/* Drain: from now on an idle one closes after GRACE_MS. */
void client_retire(struct client *client, uint32_t grace_ms);

#endif
