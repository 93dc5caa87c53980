/* shared/segment/segment.h
 *
 * The memory that all processes share, read and written: worker slots, exchanges in flight,
 * target health, limit buckets, metrics, TLS ticket keys.  Made by the parent in a memfd; it
 * outlives reloads, worker deaths and (through systemd's descriptor store) the parent.  Fixed
 * widths and offsets only; each field has one writer or is one atomic; so there is no lock to
 * break when a process dies at any instruction. docs/shared-memory.md draws it; the sizes there
 * are asserted here.
 */
#ifndef SHARED_SEGMENT_SEGMENT_H
#define SHARED_SEGMENT_SEGMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/fault.h"
#include "shared/base/span.h"

#define SEGMENT_MAGIC   0x616967777365676dULL
#define SEGMENT_VERSION 14

#define SEGMENT_SLOTS       64      /* workers at one time, draining ones included */
#define SEGMENT_INFLIGHT    16384   /* exchanges at one time per worker */
#define SEGMENT_TARGETS     1024    /* provider accounts with health */
#define SEGMENT_CREDENTIALS 4096    /* of all provider accounts */
#define SEGMENT_BUCKETS     65536   /* counters of limits and budgets */
#define SEGMENT_YIELDS      4096    /* models whose answers are measured */
#define SEGMENT_STARTS      1024    /* models whose first tokens are timed */
#define SEGMENT_HOMES       1048576 /* responses and conversations that providers keep */
#define SEGMENT_QUEUES      512     /* provider accounts with a bound of concurrent requests */
#define SEGMENT_HOLDS       24      /* of one exchange */
#define SEGMENT_PHASES      16

enum slot_state {
    SLOT_FREE,     /* parent may take it */
    SLOT_STARTING, /* parent took it, worker not ready */
    SLOT_READY,    /* accepts */
    SLOT_DRAINING, /* accepts no more */
    SLOT_DEAD,     /* its process is gone; the controller sweeps, then sets FREE */
};

struct slot { /* one writer per field: P the parent, W the worker, C the controller */
    _Atomic uint32_t state;       /* P; W: STARTING->READY, ->DRAINING; C: DEAD->FREE */
    _Atomic uint32_t pid;         /* P */
    _Atomic uint32_t number;      /* P: 0..workers-1, as in the process title */
    _Atomic uint32_t connections; /* W: client connections open */
    _Atomic uint32_t exchanges;   /* W: in flight */
    _Atomic uint32_t streams;     /* W: of them streaming */
    _Atomic uint32_t upstream_open, upstream_idle; /* W */
    _Atomic uint64_t heartbeat_ms;                 /* W: monotonic, each 250 ms */
    _Atomic uint64_t started_ms;                   /* P: monotonic */
    _Atomic uint64_t snapshot_generation;          /* W: in force */
    _Atomic uint64_t journal_name;                 /* W: number of the journal file it writes */
    _Atomic uint32_t inflight_high; /* W: rows of `inflight` that were ever used */
    uint8_t reserved[60];
};

_Static_assert(sizeof(struct slot) == 128, "drawn in docs/shared-memory.md");

/* An exchange that has been sent, or is about to be sent, to a provider.  Written by the worker
 * before the first byte goes out; when the worker dies the controller makes its usage record
 * from it. */
enum inflight_state {
    INFLIGHT_FREE,
    INFLIGHT_OPEN,
    INFLIGHT_SENT
};

/* What an exchange holds in a bucket and must be given back: a place of a limit of concurrent
 * requests, or money reserved of a budget. AMOUNT is 0 when nothing is held. It is set after
 * the bucket was raised and cleared before it is lowered, so a death in between leaves the
 * bucket too high, never too low; shared/limit/audit.h puts that right. */
struct hold {
    uint32_t bucket;
    uint32_t is_budget;
    _Atomic uint64_t amount;
};

struct inflight {
    _Atomic uint32_t state; /* set last */
    /* The target_health row + 1 whose `in_flight` an attempt of it raised, in every state: of
     * the first attempt and of the hedge beside it. Set and cleared as a hold is. */
    _Atomic uint32_t calls[2];
    uint32_t provider_len, model_len, asked_len, operation_len;
    uint32_t stream;
    char request_id[36];
    char key_id[12];
    uint64_t tenant, team, user;
    int64_t started_wall_ms;
    uint64_t estimated_input_tokens;
    uint64_t reserved_nano;
    _Atomic uint64_t
        cost_nano; /* once it is found, before budgets are settled; else UINT64_MAX */
    char provider[40];
    char model[72]; /* served model, cut */
    char asked[72]; /* what the client asked for, cut */
    char operation[24];
    struct hold holds[SEGMENT_HOLDS]; /* these count in every state */
};

_Static_assert(sizeof(struct inflight) == 728, "drawn in docs/shared-memory.md");

struct target_health { /* one cache line of atomics per provider account */
    _Atomic uint64_t requests, failures, in_flight;
    _Atomic uint64_t consecutive_failures;
    _Atomic uint64_t last_failure_ms, last_success_ms; /* monotonic */
    _Atomic uint64_t input_tokens, output_tokens;
    _Atomic uint64_t latency_ewma_us; /* time to the answer's head */
    _Atomic uint64_t state;           /* shared/health/health.c packs it; 0 healthy */
    _Atomic uint64_t until_ms;        /* limited by the provider; monotonic */
    _Atomic uint64_t refusals;        /* answers 401: its token is asked for anew */
    _Atomic uint64_t window;          /* shared/health/health.c packs it */
    _Atomic uint64_t errors_in_row, breaks_in_row;
    _Atomic uint64_t ejections; /* since ever */
};

_Static_assert(sizeof(struct target_health) == 128, "drawn in docs/shared-memory.md");

/* The counter of one limit or of one period of a budget; shared/limit/bucket.h has the
 * arithmetic. C: the controller alone; the others are atomics of all. */
struct bucket {
    _Atomic uint64_t identity; /* C: limit_identity; 0: free */
    _Atomic uint64_t level[2]; /* by what it is: see bucket.h */
    _Atomic uint64_t total;    /* limits: what was let in since ever; budgets: what was spent */
    _Atomic uint64_t granted;  /* C: what this host may let in or commit; UINT64_MAX: all */
    _Atomic uint64_t wanted;   /* what was missing of `granted`, since C looked last */
    _Atomic uint64_t refused;  /* requests, those of shadow limits too */
    _Atomic uint64_t named;    /* C: generation of the last snapshot that named it */
};

_Static_assert(sizeof(struct bucket) == 64, "one cache line");

#define YIELD_BUCKETS 30 /* output tokens, upper bounds 2^(i/2+3): 8, 11, 16 .. */

/* How long the answers of a model were. */
struct yield {
    _Atomic uint64_t identity; /* C: of the model; 0: free */
    _Atomic uint64_t count;    /* of all buckets */
    _Atomic uint64_t answers[YIELD_BUCKETS];
};

_Static_assert(sizeof(struct yield) == 256, "drawn in docs/shared-memory.md");

/* What routing measures of a provider account. The window is shared/route/pace.h's. */
struct target_pace {
    _Atomic uint64_t first_us; /* to the first byte of an answer: the latest peak, fading */
    _Atomic uint64_t first_ms; /* when that was, monotonic; 0: never */
    _Atomic uint64_t window;   /* its number, requests and further attempts in it */
    _Atomic uint64_t before;   /* the window before it */
    _Atomic uint64_t room; /* what it said of its limits; shared/route/headroom.c packs it */
    uint64_t reserved[2];
    /* Of the attempt that failed last: enum fault, and << 16 enum health_outcome. */
    _Atomic uint64_t last_fault;
};

_Static_assert(sizeof(struct target_pace) == 64, "one cache line");

/* What is known of one credential; shared/credential/credential.c packs `refusal`. C: the
 * controller alone. */
struct credential_state {
    _Atomic uint64_t identity; /* C: a digest of account and value, so another value is new */
    _Atomic uint64_t named;    /* C: generation of the last snapshot that named it */
    _Atomic uint64_t requests, refused, limited; /* since it is known */
    _Atomic uint64_t refusal;
    _Atomic uint64_t limited_until_ms; /* monotonic */
    _Atomic uint64_t refused_since_ms; /* the first of those in a row; monotonic */
};

_Static_assert(sizeof(struct credential_state) == 64, "one cache line");

#define START_BUCKETS \
    128 /* upper bounds 1 ms * 2^(i/8): 1 ms .. 60 s, the last takes the rest */

enum start_form {
    START_WHOLE,
    START_STREAM,
    START_FORMS
};

/* How soon the answers of a model began; shared/route/starts.h has the arithmetic. */
struct start_times {
    _Atomic uint64_t identity; /* C: of the model; 0: free */
    _Atomic uint64_t credit;   /* what of the budget of hedges is there, 1/100 hedge */
    uint64_t reserved[6];
    _Atomic uint32_t seen[START_FORMS][START_BUCKETS];
};

_Static_assert(sizeof(struct start_times) == 1088, "drawn in docs/shared-memory.md");

/* Which account keeps what an id names; shared/home/home.c packs it. All zero: free. */
struct home {
    _Atomic uint64_t check; /* the id's mark XOR `where` */
    _Atomic uint64_t where;
};

_Static_assert(sizeof(struct home) == 16, "drawn in docs/shared-memory.md");

#define QUEUE_FLOWS 64

/* Requests that wait for a place at a provider account; shared/queue/queue.h has the
 * arithmetic. */
struct queue {
    _Atomic uint64_t identity; /* C: of the limit; 0: free */
    _Atomic uint64_t named;    /* C: generation of the last snapshot that named it */
    _Atomic uint64_t now_us;   /* virtual: the start of the latest that got a place */
    _Atomic uint64_t usual_us; /* a place is held for; 0: nobody knows */
    uint64_t reserved[4];

    struct queue_flow {
        _Atomic uint64_t identity; /* of a tenant or key; 0: free */
        _Atomic uint64_t finish;   /* where its next request starts */
    } flows[QUEUE_FLOWS];

    struct {                      /* W: of the slot's worker */
        _Atomic uint64_t first;   /* 1 + key of the first of its own; 0: none waits */
        _Atomic uint64_t waiting; /* how many of its own */
    } lines[SEGMENT_SLOTS];
};

_Static_assert(sizeof(struct queue) == 2112, "drawn in docs/shared-memory.md");

enum metric {
#define METRIC(name, kind, help) METRIC_##name,
#include "shared/segment/metrics.def"
#undef METRIC
    METRIC_COUNT
};

#define HISTOGRAM_BUCKETS \
    20 /* microseconds, upper bounds 2^(i+4): 16 us .. 4.2 s, the last is +Inf */

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum_us, count;
};

/* Of one slot: its worker adds (relaxed load + store, it is the only writer), the controller
 * adds the rows up. Rows of dead workers keep their figures: a slot's row is never zeroed. */
struct metric_row {
    _Atomic uint64_t counters[METRIC_COUNT];
    _Atomic uint64_t faults[FAULT_COUNT];
    struct histogram phases[SEGMENT_PHASES]; /* time in each room */
    struct histogram total, first_byte,
        overhead; /* whole exchange; to first byte; without the provider's time */
} __attribute__((aligned(64)));

struct segment_tickets { /* TLS session tickets: tls.h's struct tls_ticket_keys has this shape
                          */
    _Atomic uint64_t version;

    struct {
        uint8_t name[16], key[32];
    } keys[3];

    int64_t rotated_wall_ms;
};

struct segment; /* the mapping */

/* Parent: makes the memfd and writes the head; the descriptor goes to *ret_fd.  Returns NULL
 * with errno. */
struct segment *segment_create(int *ret_fd);
/* Maps an inherited one; refuses other magic, version, sizes (NULL, errno EPROTO). */
struct segment *segment_attach(int fd);
void segment_detach(struct segment *segment);

struct slot *segment_slot(struct segment *segment, uint32_t slot);
struct inflight *segment_inflight(struct segment *segment, uint32_t slot, uint32_t index);
struct target_health *segment_target(struct segment *segment, uint32_t row);
/* Controller: what ROW said was of another account. What is in flight still ends, so it stays.
 */
void segment_forget_target(struct segment *segment, uint32_t row);
struct target_pace *segment_pace(struct segment *segment, uint32_t row);
struct credential_state *segment_credential(struct segment *segment, uint32_t row);
struct start_times *segment_starts(struct segment *segment, uint32_t row);
/* The first of those from ROW on. */
struct home *segment_home(struct segment *segment, uint32_t row);
struct bucket *segment_bucket(struct segment *segment, uint32_t row);
struct yield *segment_yield(struct segment *segment, uint32_t row);
struct queue *segment_queue(struct segment *segment, uint32_t row);
/* Controller: the row of IDENTITY, taken (zeroed, all granted) when there is none; UINT32_MAX:
 * the table is full. Rows that no snapshot since OLDEST named may be taken again; a row taken
 * is named by GENERATION. */
uint32_t segment_claim_bucket(struct segment *segment, uint64_t identity, uint64_t generation,
                              uint64_t oldest);
uint32_t segment_claim_credential(struct segment *segment, uint64_t identity,
                                  uint64_t generation, uint64_t oldest);
uint32_t segment_claim_queue(struct segment *segment, uint64_t identity, uint64_t generation,
                             uint64_t oldest);
uint32_t segment_claim_yield(struct segment *segment, uint64_t identity);
uint32_t segment_claim_starts(struct segment *segment, uint64_t identity);
/* How many hosts share the rates of the settings while nobody coordinates them; 1 or more.
 * The controller writes it. */
_Atomic uint32_t *segment_sharers(struct segment *segment);
/* When it was made, wall: nothing of an earlier start of this host is in it. */
int64_t segment_made_ms(const struct segment *segment);
struct metric_row *segment_metrics(struct segment *segment, uint32_t slot);
struct segment_tickets *segment_tickets(struct segment *segment);
/* The snapshot generation that every worker must have before it serves the next request; the
 * parent raises it after it has sent the snapshot to all. */
_Atomic uint64_t *segment_generation(struct segment *segment);
/* Number for the next journal file, unique as long as the segment lives. */
uint64_t segment_next_journal(struct segment *segment);
/* Lowest connection count of all READY slots with a heartbeat younger than 2 s; UINT32_MAX:
 * none. */
uint32_t segment_lowest_connections(struct segment *segment, uint64_t now_ms);

static inline void metric_add(struct metric_row *row, enum metric metric, uint64_t amount)
{
    atomic_store_explicit(&row->counters[metric],
                          atomic_load_explicit(&row->counters[metric], memory_order_relaxed) +
                              amount,
                          memory_order_relaxed);
}

void histogram_add(struct histogram *histogram, uint64_t us);

#endif
