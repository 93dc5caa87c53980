/* supervisor/share/share_inside.h
 *
 * What the files of this folder have in common. Loop thread, but where a function says that it
 * runs on the pool.
 */
#ifndef SUPERVISOR_SHARE_SHARE_INSIDE_H
#define SUPERVISOR_SHARE_SHARE_INSIDE_H

#include "shared/redis/breaker.h"
#include "shared/redis/link.h"

#include "supervisor/share/rows.h"
#include "supervisor/share/scripts.h"
#include "supervisor/share/share.h"

#define SHARE_TICK_MS   10
#define SHARE_ANSWER_MS 20   /* a batch */
#define SHARE_OPEN_MS   100  /* a connection */
#define SHARE_BEAT_MS   100  /* a host says that it is there */
#define SHARE_DEAD_MS   3000 /* one that did not is no more */
/* Nothing of a budget is granted after its data was lost: until each host has found Redis again
 * (a probe and a connection) and has said what it knows. */
#define SHARE_PAUSE_MS (6 * BREAKER_PROBE_MS)
#define SHARE_BATCH    256
#define SHARE_HOST     96

struct share_question {
    uint64_t identity;
    uint8_t kind; /* enum share_kind */
    bool settles; /* claims of earlier starts */
    bool learns;  /* of a window: when it was begun */

    union {
        struct share_slice slice;
        struct share_lease lease;
    };
};

/* Questions under way, in one batch. */
struct share_batch {
    struct share_question questions[SHARE_BATCH];
    unsigned count, open; /* open: not answered */
    bool beats;           /* it says that this host is there; that is one more question */
    bool lost;            /* one of them was not answered */
    uint64_t sent_us;
};

/* A batch of leases for the store, on the pool. */
struct share_job {
    uv_work_t work;
    bool running;
    struct share_lease_row *rows;
    unsigned count;
    uint32_t cursor; /* rows are asked for in turns, as in `share` */
    uint32_t hosts;
    bool beats;
    int result;
    struct breaker breaker;
    uint64_t paused_ms; /* after a failure, until then */
    uint64_t sent_us;
    int64_t ahead_ms; /* of the store's clock before our monotonic one */
};

struct share {
    uv_timer_t timer;
    uv_loop_t *loop;
    struct segment *segment;
    struct store *store;
    enum share_mode mode;
    struct share_rows rows;
    uint32_t cursor; /* rows are asked for in turns */
    char host[SHARE_HOST];
    unsigned base_len; /* of `host`: what all starts have in common */
    uint32_t hosts;
    char epoch[64];
    int64_t epoch_ms;
    char *url; /* of Redis */
    struct redis *redis;
    bool opened; /* the connection is ours to mind */
    bool joined; /* rates are granted */
    bool ending;
    bool wants_spent;
    struct breaker breaker;
    struct share_batch batch;
    struct share_job job;
    uint64_t opened_ms, answered_ms, beat_ms, sequence;
    uint64_t round_trip_us, failures;
};

/* What is to be asked of the store, or of Redis, into SHARE_BATCH QUESTIONS; how many there
 * are. CURSOR: where the turn is. */
unsigned share_gather(struct share *share, bool of_store, uint32_t *cursor,
                      struct share_question *questions, uint64_t now_ms);

static inline struct span share_base(const struct share *share)
{
    return span_of(share->host, share->base_len);
}

void share_set_hosts(struct share *share, uint32_t hosts);

/* share_batches.c: through Redis (configure leaves files out by names that end in _redis.c) */
void share_redis_begin(struct share *share);
void share_redis_tick(struct share *share, uint64_t now_ms);
void share_redis_end(struct share *share);

/* share_store.c */
void share_store_tick(struct share *share, uint64_t now_ms);

/* leases.c: one question to the store. Money in SHARE_UNIT_NANO. */
struct share_lease_row {
    uint64_t identity, amount, floor;
    int64_t ends_ms;
    struct share_lease ask;
    struct span base;    /* of the names of earlier starts, whose claims are settled; or none */
    uint64_t claim, sum; /* the answer */
    /* Of a rolling budget. LEARNS: nothing is asked but when it was begun (now, when nobody
     * did) and which of this host's steps is the last; 0: there is none. */
    struct share_window window;
    bool learns;
    uint64_t history;
    int64_t store_ms; /* the answer: the store's clock */
};

/* On the pool: all ROWS in one transaction; 0 or a negative errno. */
int leases_ask(struct store *store, struct span host, uint32_t hosts,
               struct share_lease_row *rows, unsigned count);
/* On the pool: HOST is there, or not any more. The number of hosts, or a negative errno. */
int64_t leases_beat(struct store *store, struct span host, bool ended);

/* The store's clock, milliseconds since 1970. */
#define LEASES_NOW "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"

void leases_take_number(void *who, const struct store_value *values, unsigned count);
/* leases_window.c, within the transaction: one question of a rolling budget. */
int64_t leases_ask_window(struct store *store, struct span budget, struct span host,
                          uint32_t hosts, struct share_lease_row *row);

#endif
