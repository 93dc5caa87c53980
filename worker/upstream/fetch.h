/* worker/upstream/fetch.h
 *
 * Fetches of files whose addresses clients write, over the same calls as providers, with what
 * such addresses need besides: each address that is connected to is looked at (shared/base/net;
 * the name that led to it proves nothing), redirects are followed at most FETCH_REDIRECTS_MAX
 * times and looked at again each time, a file has a limit, and of one worker only so many are
 * fetched at a time. No cookie, no credential and no proxy goes along, and no connection is
 * kept.
 *
 * struct fetcher: one per worker; it has a resolver of its own, so that clients cannot crowd
 * out the names of providers. struct fetch: one file, embedded in its owner; it belongs to the
 * fetcher from fetch_start until `ended` was called or fetch_cancel returned. Time is the
 * owner's business: it cancels.
 */
#ifndef WORKER_UPSTREAM_FETCH_H
#define WORKER_UPSTREAM_FETCH_H

#include "shared/base/net.h"

#include "worker/upstream/upstream.h"
#include "worker/upstream/web_address.h"

#define FETCH_REDIRECTS_MAX 3
#define FETCH_HEADERS       2

struct fetch;

struct fetcher {
    struct upstream upstream;
    struct resolver *resolver; /* NULL: not opened yet */
    struct fetch *waiting, *waiting_last;
    unsigned running, most; /* most: of the newest settings */
};

/* Of the settings; must outlive the fetch. */
struct fetch_rules {
    const struct net *allow; /* not public, and fetched from all the same */
    unsigned allow_count;
    bool http; /* not https alone */
    uint64_t limit_bytes;
    struct tls_settings *tls;
};

struct fetch_events {
    /* A piece of the file in place, after `type` is known. */
    void (*piece)(struct fetch *fetch, struct span bytes);
    /* The file is whole, or `why` says why not. */
    void (*ended)(struct fetch *fetch);
};

enum fetch_state {
    FETCH_NONE, /* not started, or ended */
    FETCH_QUEUED,
    FETCH_RUNNING,
    FETCH_FAILING, /* told in the next turn */
};

struct fetch {
    const struct fetch_events *events;
    const struct fetch_rules *rules;
    struct arena *arena;
    struct span type;  /* the answer's Content-Type; ptr NULL: none */
    const char *why;   /* for the client, ends "could not be fetched: "; NULL: it is whole */
    struct span cause; /* for the log, more exact */

    struct fetcher *fetcher;
    struct fetch *next; /* in the queue */
    struct web_address address;
    struct endpoint *endpoint;
    struct call_header headers[FETCH_HEADERS];
    struct call_request request;
    struct call call;
    struct reactor_task task;
    uint64_t bytes;
    uint8_t state; /* enum fetch_state */
    uint8_t redirects;
    char status_text[48];
};

/* False: no resolver; *reterr is its sentence. */
bool fetcher_open(struct fetcher *fetcher, struct reactor *reactor, struct span user_agent,
                  const char **reterr);
/* As upstream_done. */
void fetcher_done(struct fetcher *fetcher);

/* EVENTS, RULES and ARENA are set. Events come from the loop, never from inside this call. */
void fetch_start(struct fetch *fetch, struct fetcher *fetcher, struct span url);
/* No event comes after it. */
void fetch_cancel(struct fetch *fetch);

#endif
