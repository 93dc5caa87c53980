/* worker/upstream/upstream.h
 *
 * Calls to providers: a pool of kept connections per endpoint, over the wire, the HTTP reader
 * and the resolver. One `struct upstream` per worker, made by its main.
 *
 * struct endpoint: where a provider is reached. The pool owns it and never frees it before
 * upstream_done; asking again with the same options gives the same endpoint. One that is used
 * once (upstream_single) goes earlier.
 *
 * struct call: one request and its answer. It is embedded in its owner (an exchange) and
 * belongs to the pool from call_start until `done` or `failed` was called or call_cancel
 * returned; the spans of its request must live as long (a request that dies on a reused
 * connection before any byte of the answer is sent once more on a fresh one). Event functions
 * may call call_pause, call_resume and call_cancel; after `done`, `failed` or call_cancel no
 * event comes, and the call may be started again or freed.
 *
 * Faults: what goes wrong is an enum fault with a clause for the log.
 */
#ifndef WORKER_UPSTREAM_UPSTREAM_H
#define WORKER_UPSTREAM_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/fault.h"
#include "shared/base/secret.h"
#include "shared/base/span.h"
#include "shared/base/wheel.h"
#include "shared/http/http_reader.h"

#include "worker/upstream/resolve.h"
#include "worker/wire/wire.h"

#define CALL_BODY_PIECES   6
#define UPSTREAM_POOL_MAX  16384 /* connections of one endpoint, whatever the options say */
#define UPSTREAM_HEAD_SIZE 65536

struct connection;

struct upstream {
    struct reactor *reactor;
    struct resolver *resolver;
    struct http_limits limits; /* of answers' heads */
    struct endpoint *endpoints;
    struct span user_agent;
};

struct endpoint_options {
    struct span host; /* name or address, IPv6 without brackets */
    uint16_t port;
    struct tls_settings *tls; /* NULL: plain; referenced */
    struct span proxy_host;   /* HTTP CONNECT through this one; ptr NULL: none */
    uint16_t proxy_port;
    struct secret proxy_authorization; /* "Basic ..." or ptr NULL */
    uint32_t connections_max;          /* 0: UPSTREAM_POOL_MAX */
    uint32_t keep_ms;                  /* an idle connection lives so long; 0: none is kept */
    /* The built-in provider: gives a connected socket instead of all of the above, or a
     * negative errno. */
    int (*dial)(struct reactor *reactor);
    /* NULL: any address is connected to. Else this is asked of each that a name led to: NULL
     * when it may be, or what is wrong with it. GATE lives until the endpoint is given up. */
    const char *(*bars)(const void *gate, const struct sockaddr *address);
    const void *gate;
};

struct endpoint {
    struct endpoint *next;
    struct upstream *upstream;
    struct endpoint_options options; /* spans are copies of the endpoint */
    struct connection *idle;         /* newest first */
    struct connection *all;
    struct call *waiting, *waiting_last; /* for a connection, first come first served */
    struct reactor_task task;            /* serves them in the next turn */
    uint32_t connection_count, idle_count;
    bool single; /* of one call, not shared; goes when it is given up and has no connection */
    bool given_up;
    uint64_t opened_count, reused_count; /* for the tests and the metrics */
    char tls_fault[160];                 /* why TLS failed here last; a call's `why` */
};

struct call_header {
    struct span name, value;
};

struct call_request {
    enum http_method method_id; /* HEAD's answer has no body */
    struct span method, target;
    struct span host; /* Host; ptr NULL: the endpoint's name and port */
    const struct call_header *headers;
    unsigned header_count; /* no framing, Host or hop-by-hop fields: they are written here */
    struct span body[CALL_BODY_PIECES];
    unsigned body_count; /* 0: no body */
    uint32_t connect_ms; /* all of waiting, resolving, connecting, TLS */
    uint32_t head_ms;    /* request sent until the answer's head */
    uint32_t first_ms;   /* head until the first byte of the body */
    uint32_t idle_ms;    /* between pieces of the body; 0 of any: no limit */
};

struct call;

struct call_events {
    /* The head of the answer; its spans live until this returns. */
    void (*answered)(struct call *call, const struct http_head *head);
    /* A piece of the body in place. After call_pause at most what was read already still comes.
     */
    void (*body)(struct call *call, struct span bytes);
    /* All that one read brought was given, and more will come: the moment to send it on. The
     * spans of `body` live until here. */
    void (*turn)(struct call *call);
    /* The answer is complete; spans of `body` live until this returns. */
    void (*done)(struct call *call);
    void (*failed)(struct call *call, enum fault fault, const char *why);
};

enum call_stage {
    CALL_NONE, /* not started, or ended */
    CALL_CONNECTING,
    CALL_SENT,
    CALL_ANSWERED,
    CALL_BODY,
};

struct call {
    const struct call_events *events;
    struct endpoint *endpoint;
    struct connection *connection;
    const struct call_request *request;
    struct buffer head; /* as it is sent */
    struct deadline deadline;
    struct reactor_task task; /* tells of a failure in the next turn */
    const char *why;
    struct call *next; /* in the endpoint's queue */
    enum fault fault;
    uint8_t stage; /* enum call_stage */
    bool reused;   /* runs on a connection that served another call */
    bool resent;
    bool paused;
    uint64_t sent_ms, first_byte_ms; /* reactor time, 0: not yet */
};

/* USER_AGENT and RESOLVER must outlive it. */
void upstream_init(struct upstream *upstream, struct reactor *reactor,
                   struct resolver *resolver, struct span user_agent);
/* After upstream_close_idle and a run of the loop: no call may run, no connection may be open.
 */
void upstream_done(struct upstream *upstream);
/* Closes the idle connections (drain, reload). */
void upstream_close_idle(struct upstream *upstream);

struct endpoint *upstream_endpoint(struct upstream *upstream,
                                   const struct endpoint_options *options);
/* One that nobody else gets, for a place that is not asked again; nothing may run on it when it
 * is given up. */
struct endpoint *upstream_single(struct upstream *upstream,
                                 const struct endpoint_options *options);
void upstream_give_up(struct endpoint *endpoint);

/* Whether the body of the request is still needed: not all of it is sent. */
bool call_sends(const struct call *call);

/* Events come from the loop, never from inside this call. REQUEST lives as long as the call. */
void call_start(struct call *call, struct endpoint *endpoint,
                const struct call_request *request, const struct call_events *events);
/* No event comes after it. The connection is closed when the call holds one. */
void call_cancel(struct call *call);
/* Stops and goes on reading: back-pressure. The idle timer rests meanwhile. */
void call_pause(struct call *call);
void call_resume(struct call *call);

#endif
