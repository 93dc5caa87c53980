/* worker/flow/cached.h
 *
 * The room `cache` of an exchange: a request whose answer is in the cache is answered with it,
 * another one's answer is kept when it is whole. And the waiting for the answer to an equal
 * request that is at a provider already. Belongs to the exchange; shared/cache/cache.h is where
 * answers live, docs/cache.md says which.
 */
#ifndef WORKER_FLOW_CACHED_H
#define WORKER_FLOW_CACHED_H

#include "shared/base/buffer.h"
#include "shared/base/hash.h"
#include "shared/cache/cache.h"
#include "shared/cache/cache_claims.h"
#include "shared/cache/cache_value.h"
#include "shared/http/http_reader.h"

#include "worker/cache/depot.h"

#define FLIGHT_LISTS 256

struct exchange;
struct usage_record;
struct worker;

/* What the header of the answer says. */
enum cached_word {
    CACHED_NOTHING, /* nobody spoke of a cache */
    CACHED_BYPASS,  /* this request's answer is not cached */
    CACHED_MISS,
    CACHED_STORED, /* not looked for, and kept */
    CACHED_HIT
};

struct cached {
    uint8_t word;  /* enum cached_word */
    bool keeps;    /* the answer, when it is whole */
    bool whole;    /* it is */
    bool flies;    /* it leads: others wait for its answer */
    bool watches;  /* it leads, and another worker is at work on its answer */
    bool afar;     /* HIT: it came from Redis */
    uint8_t turns; /* leaders that it has waited for in vain */
    uint8_t key[SHA256_SIZE];
    const struct snapshot_model *model; /* NULL: the snapshot has no row of its name */
    int64_t now_ms;                     /* wall, of the look */
    uint64_t ttl_ms;
    uint32_t stamp_count;
    struct cache_stamp stamps[CACHE_STAMPS];
    struct span type;               /* of the answer */
    struct buffer body;             /* the answer so far, or the copy of what was found */
    struct cache_entry entry;       /* HIT: what was found */
    struct cache_name name;         /* in Redis */
    struct depot_question question; /* what it has there */
    struct exchange *owner;
    struct cached *next;    /* of the leaders of a list, or of those who wait for one */
    struct cached *waiters; /* of a leader */
    struct cached *awaits;  /* the leader, while waiting */
    struct cached *next_watching;
    uint64_t wait_until_ms;   /* monotonic; 0: it has not waited yet */
    struct cache_claim claim; /* its own, or the one that it watches */
};

/* Of a worker. */
struct flights {
    struct cached *leaders[FLIGHT_LISTS]; /* by their keys */
    struct cached *watching;
    uv_timer_t timer; /* runs while somebody watches */
};

void flights_init(struct flights *flights, struct worker *worker);

static inline bool cached_is_hit(const struct cached *cached)
{
    return cached && cached->word == CACHED_HIT;
}

/* Where a HIT came from: "memory", "redis", or "flight" for one that waited for the answer to
 * an equal request; ptr NULL: it is none. */
struct span cached_layer(const struct cached *cached);

/* On the way back; each does nothing where nothing is kept. */
void cached_note_type(struct exchange *x, struct span type);
void cached_add(struct exchange *x, const struct span *pieces, unsigned count);
/* The last COUNT bytes were the gateway's own. */
void cached_take_back(struct exchange *x, size_t count);
void cached_forget(struct exchange *x); /* the attempt failed */
void cached_note_whole(struct exchange *x);
/* x-aigw-cache and age, into the worker's head. */
void cached_add_fields(struct exchange *x);
/* The answer goes into the cache, what it cost is known. */
void cached_settle(struct exchange *x);
/* The record of an answer from the cache. */
void cached_tell(const struct exchange *x, struct usage_record *record);
/* cached_shared.c: true, Redis is asked, and cached_answered follows. */
bool cached_shared_ask(struct exchange *x);
void cached_shared_put(struct exchange *x, const struct cache_entry *entry);
/* Redis has answered: FOUND, its entry is x->cached->entry. */
void cached_answered(struct exchange *x, bool found);
/* cached_flight.c: true, x waits for the answer to an equal request, and cached_landed follows.
 * False: it asks itself; when it flies, the answer may have come before its claim. */
bool cached_flight_join(struct exchange *x);
/* No equal request is waited for any more, and none waits for this one. */
void cached_flight_end(struct cached *cached);
void cached_landed(struct exchange *x);
/* The exchange ends. */
void cached_end(struct exchange *x);

#endif
