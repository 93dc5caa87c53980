/* worker/worker.h
 *
 * A worker process: everything that lives as long as it, made by its main and passed down. No
 * database, no blocking, one thread (TLS handshakes borrow libuv's pool).
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "shared/heritage/heritage.h"
#include "shared/journal/journal.h"
#include "shared/kept/kept.h"

#include "worker/accept/listener.h"
#include "worker/flow/exchange.h"
#include "worker/flow/turns.h"
#include "worker/flow/view.h"
#include "worker/log/sink.h"
#include "worker/upstream/fetch.h"

#define BATCH_PIECES   64
#define WORKER_FREEING 256

/* What one read of a provider's answer brought, until it is sent in one write. */
struct batch {
    struct span pieces[BATCH_PIECES +
                       4]; /* [0], [1] are kept for head and chunk head, two for the end */
    unsigned count;        /* of pieces[2 ...] */
    size_t bytes;          /* of them */
    char *scratch;         /* REACTOR_READ_BYTES, for records that came in parts */
    size_t scratch_used;
};

/* Of what the rooms count, how much stands in the metrics already. */
struct room_figures {
    uint64_t connects, reuses, journal_bytes, journal_lost, access_lost;
};

struct worker {
    struct reactor reactor;
    struct http_scratch http;
    struct http_limits limits; /* of requests; as in the first snapshot's, updated in place */
    struct snapshot_times times;
    struct segment *segment;
    struct slot *slot;
    struct metric_row *metrics;
    struct cache *cache;    /* NULL: there is none */
    struct depot depot;     /* what other hosts have of it */
    struct buffer key_text; /* scratch of the cache's keys */
    struct flights flights; /* equal requests at one time */
    struct lines lines;     /* requests that wait for a place at an account */
    struct turn_caller caller;
    uint32_t slot_index, number;
    int control_fd;
    struct resolver *resolver;
    struct upstream upstream;
    struct fetcher fetcher; /* opened with the first file */
    struct view *view;
    struct places places;
    struct listener listener;
    int listener_fds[HERITAGE_LISTENERS];
    unsigned listener_count;
    struct journal journal;
    struct kept kept; /* responses; without a folder none are */
    struct sink access;
    struct batch batch;
    struct buffer head;  /* scratch for heads of answers */
    struct buffer rooms; /* scratch of account_rooms */
    struct client *clients;
    struct exchange *exchanges;
    struct exchange *spare_exchanges; /* ended ones, for the next requests */
    uint32_t spare_count;
    uint32_t turns[256]; /* of models whose targets take turns */
    uint32_t client_count, exchange_count, stream_count;
    uint64_t body_bytes; /* of all request bodies in memory, and files for them */
    struct ticket freeing[WORKER_FREEING]; /* their records wait for the write */
    unsigned freeing_count;
    bool strict; /* starts with all of its listeners or not at all */
    bool draining, accepting_ended;
    bool replaced; /* draining because a newer crew serves: the gateway as such is ready */
    uint64_t drain_end_ms;
    struct room_figures seen;
    uint64_t access_ms; /* of the last write of access lines */
    uv_prepare_t prepare;
    uv_timer_t heartbeat;
    uv_poll_t control;
    uv_timer_t drain_timer;
    char date[32]; /* of the Date header */
    uint64_t date_ms;
};

int worker_main(const struct heritage *heritage);

/* control.c: snapshots and orders from the parent */
int control_open(struct worker *worker);
/* Before each exchange: a snapshot that the segment demands is taken over at once. */
void control_catch_up(struct worker *worker);
int control_take_snapshot(struct worker *worker, int fd);

/* drain.c */
/* DELAY_MS as in struct control_message. */
void drain_begin(struct worker *worker, uint64_t limit_ms, uint32_t delay_ms);
void drain_hurry(struct worker *worker, uint64_t limit_ms);
/* Ends the process when nothing is left to do. */
void drain_look(struct worker *worker);

/* clients.c: what connections tell the corridor */
int clients_open(struct worker *worker);

/* Writes what waits: usage records, access lines; then their places are free. */
void worker_flush(struct worker *worker);

#endif
