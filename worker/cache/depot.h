/* worker/cache/depot.h
 *
 * What Redis has of the cache, for one worker: a connection, questions with a limit of time, a
 * breaker. Nobody waits for a connection: while there is none, or the breaker is open, or this
 * host does not know what other hosts have cleared, depot_ask says no at once. A question that
 * is not answered within DEPOT_ANSWER_MS is answered with nothing, and all others of that
 * connection with it. Values are the caller's to seal and to judge
 * (shared/cache/cache_value.h).
 *
 * One per worker, on its loop. depot_tick minds the connection; who calls it often enough
 * decides how soon Redis is found again.
 */
#ifndef WORKER_CACHE_DEPOT_H
#define WORKER_CACHE_DEPOT_H

#include <uv.h>

#include "shared/base/buffer.h"
#include "shared/cache/cache.h"
#include "shared/redis/breaker.h"
#include "shared/redis/link.h"
#include "shared/segment/segment.h"

#define DEPOT_ANSWER_MS 20
#define DEPOT_OPEN_MS   100
#define DEPOT_HEARD_MS  1000 /* marks of other hosts that are older are not known any more */
#define DEPOT_ASKED     1024 /* under way at one time */
#define DEPOT_BYTES     (16U << 20)
#define DEPOT_URL_BYTES 1024

struct depot_question;
/* VALUE lives until the function returns; ptr NULL: there is none, for whatever reason. */
typedef void depot_answer_f(struct depot_question *question, struct span value);

struct depot_question {
    depot_answer_f *answered;
    uint32_t slot; /* 1 + index, while it is under way; 0: it is not */
};

enum depot_kind {
    DEPOT_FREE,
    DEPOT_GET,
    DEPOT_SET,
    DEPOT_PROBE
};

/* A command under way. */
struct depot_slot {
    uint8_t kind;                    /* enum depot_kind */
    struct depot_question *question; /* NULL: nobody waits for it */
    uint64_t until_ms;
    size_t bytes; /* that were sent */
};

struct depot {
    uv_timer_t timer;
    struct redis *redis; /* NULL: none */
    struct metric_row *metrics;
    struct breaker breaker;
    char url[DEPOT_URL_BYTES], wanted[DEPOT_URL_BYTES];
    bool opening; /* asked for, and not seen open yet */
    bool broken;  /* it failed, and is to be dropped */
    bool overdue; /* the timer gives the loop one more look at the socket */
    uint64_t opened_ms;
    size_t bytes;
    uint32_t first, count; /* of the slots, a ring: answers come in the order of questions */
    struct depot_slot slots[DEPOT_ASKED];
};

void depot_init(struct depot *depot, uv_loop_t *loop, struct metric_row *metrics);
/* The address from the next tick on; ptr NULL: none. */
void depot_follow(struct depot *depot, struct span url);
void depot_tick(struct depot *depot);
/* For tests: closes all; questions under way are answered with nothing. The memory must stay
 * until the loop has closed the timer. */
void depot_done(struct depot *depot);

/* False: it is not asked. Else `answered` is called once, later, unless it is forgotten. */
bool depot_ask(struct depot *depot, const struct cache *cache, struct span name,
               struct depot_question *question);
void depot_forget(struct depot *depot, struct depot_question *question);
/* Sends what nobody waits for: VALUE for TTL_MS. Dropped where there is no room. */
void depot_put(struct depot *depot, const struct cache *cache, struct span name,
               struct span value, uint64_t ttl_ms);

#endif
