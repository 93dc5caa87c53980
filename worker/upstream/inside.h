/* worker/upstream/inside.h
 *
 * One connection of the pool, and what its parts say to each other. Private to worker/upstream.
 *
 * A connection is made for a call (which may leave it before it stands: then it serves another
 * or becomes idle), carries one call at a time, and rests in its endpoint's idle list in
 * between. Its memory goes in the wire's `closed`.
 */
#ifndef WORKER_UPSTREAM_INSIDE_H
#define WORKER_UPSTREAM_INSIDE_H

#include "worker/upstream/upstream.h"

enum connection_state {
    CONNECTION_RESOLVING,
    CONNECTION_CONNECTING,
    CONNECTION_TUNNELLING, /* the proxy was asked */
    CONNECTION_SECURING,   /* TLS inside the tunnel */
    CONNECTION_BUSY,
    CONNECTION_IDLE,
    CONNECTION_CLOSING,
};

struct connection {
    struct wire wire;
    struct endpoint *endpoint;
    struct call *call; /* NULL: none */
    struct http_reader reader;
    struct deadline deadline; /* one try to connect; idle time */
    struct lookup lookup;
    struct connection *next, *previous;           /* all of the endpoint */
    struct connection *idle_next, *idle_previous; /* idle list */
    struct resolve_answer *answer;                /* while connecting */
    unsigned address_at;
    uint8_t state;
    bool has_wire;    /* wire_close will call `closed` */
    bool retry;       /* the wire that closes is followed by the next address */
    bool answering;   /* a byte of this call's answer came */
    bool keeps;       /* the answer's head allows another message */
    uint32_t served;  /* calls */
    unsigned body_at; /* the piece of the request's body that is sent next */
    size_t body_skip; /* of it, what the wire has */
};

/* Opens one for CALL. */
void connection_open(struct endpoint *endpoint, struct call *call);
/* Sends CALL's request over an open connection. */
void connection_send(struct connection *connection, struct call *call);
/* At once; what it carried must have been taken off before. */
void connection_close(struct connection *connection);

/* After the last byte of an answer: idle, or the next waiting call, or closed. */
void pool_release(struct connection *connection, bool usable);
void pool_unlink_idle(struct connection *connection);
/* A place in the pool became free. */
void pool_serve_waiting(struct endpoint *endpoint);
/* Frees an endpoint that was given up, once it has no connection. */
void pool_look(struct endpoint *endpoint);
/* Finds a connection for CALL: an idle one (unless FRESH), a new one, or the queue. */
void pool_place(struct call *call, bool fresh);

/* Ends CALL with a fault, told in the next turn of the loop; its connection must have been
 * taken off. */
void call_fail_soon(struct call *call, enum fault fault, const char *why);
void call_finish(struct call *call);
/* Arms the timer of STAGE. */
void call_enter(struct call *call, enum call_stage stage);
/* Connection broke under CALL: sends it again when that is safe, else fails it. */
void call_broken(struct call *call, enum fault fault, const char *why);

/* Writes the head of CALL's request; false when a name or value may not be written. */
bool request_write_head(struct call *call);

#endif
