/* worker/flow/exchange.h
 *
 * One request and its answer, on its way through the rooms. Each room sets its product once;
 * what comes later only reads it. Lives from the request's head to the end of its log room; all
 * of it but the body is in its arena.
 *
 * Whatever ends an exchange early (client gone, deadline, drain) goes through flow_cancel.
 */
#ifndef WORKER_FLOW_EXCHANGE_H
#define WORKER_FLOW_EXCHANGE_H

#include "shared/base/arena.h"
#include "shared/base/check.h"
#include "shared/text/sse.h"

#include "worker/accept/client.h"
#include "worker/authenticate/caller.h"
#include "worker/flow/attempt.h"
#include "worker/flow/attempts.h"
#include "worker/flow/cached.h"
#include "worker/flow/homes.h"
#include "worker/flow/limits.h"
#include "worker/flow/view.h"
#include "worker/limit/ticket.h"
#include "worker/meter/bill.h"
#include "worker/meter/use.h"
#include "worker/parse/ask.h"
#include "worker/parse/head.h"
#include "worker/route/plan.h"
#include "worker/translate/said.h"

#define EXCHANGE_MAGIC   0x65786368
#define REQUEST_ID_SIZE  36
#define ERROR_BODY_BYTES 65536 /* of a provider's error answer */

struct worker;
struct stored;
struct json_writer;
struct gather;
struct lost;
struct race;
struct waiting;

enum phase {
#define PHASE(name) PHASE_##name,
#include "worker/flow/pipeline.def"
#undef PHASE
    PHASE_END
};

_Static_assert(PHASE_END <= SEGMENT_PHASES, "a histogram for each");

enum step {
    STEP_NEXT,     /* the room's product is set */
    STEP_WAIT,     /* someone promised to call flow_take */
    STEP_AGAIN,    /* the one way back: upstream to queue, with the next target */
    STEP_ANSWERED, /* answered here: on to meter */
    STEP_REFUSE,   /* the fault is set: it becomes the answer, then on to meter */
};

/* What is looked for in a whole answer on its way. */
enum tapped {
    TAPPED_USAGE,
    TAPPED_SERVICE,
    TAPPED_ID
};

_Static_assert(TAPPED_ID < JSON_TAP_MEMBERS, "a member for each");

/* How the answer goes to the client. */
enum answer_form {
    ANSWER_NONE,   /* nothing known yet */
    ANSWER_LENGTH, /* the provider's length stands in the head */
    ANSWER_CHUNKED,
    ANSWER_CLOSE, /* HTTP/1.0: the end of the connection ends it */
};

struct answer {
    uint16_t status; /* towards the client; 0: none yet */
    uint16_t upstream_status;
    uint8_t form; /* enum answer_form */
    bool stream;  /* server-sent events */
    bool failing; /* the provider's error body is being collected */
    bool awaited; /* it is to say how long the refusal lasts, before another target is asked */
    bool head_sent;
    bool ended;     /* its last byte was given to the client's wire */
    bool finished;  /* the stream said it is complete */
    bool repaired;  /* its last record lacked the blank line */
    bool estimated; /* a count that nobody has counted */
    bool told;      /* the stream carries its error already: only its end is due */
    bool paused;
    struct span head;    /* as it will be sent, until it is */
    uint64_t body_bytes; /* of the provider's body */
    uint64_t sent_bytes;
};

struct exchange {
    uint32_t magic;
    uint8_t at; /* enum phase */
    bool keep, receiving, continued, gone, refused_early;
    bool counted_stream; /* in the worker's stream_count */
    struct worker *worker;
    struct client *client; /* NULL once it is gone */
    struct view *view;     /* the settings that it began with */
    struct exchange *next, *previous;
    struct arena arena;
    char id[REQUEST_ID_SIZE];

    /* the rooms' products */
    struct head head;
    struct span *route_headers; /* of the page's names; NULL: there are none */
    struct caller caller;
    struct buffer body;
    uint64_t received_bytes; /* of the body, which may be gone already */
    struct ask ask;
    struct span asked_model;            /* outlives the body */
    const struct snapshot_model *model; /* its row; NULL: it has none */
    struct tags tags;                   /* of head and body */
    struct ticket ticket;
    struct limits limits;
    struct route_plan *plan;
    struct waiting *waiting; /* NULL: no account was without a place */
    struct attempt first;    /* what needs no other one has no allocation */
    struct attempt *current; /* never NULL */
    struct race *race;       /* NULL: no answer of it was ever held */
    unsigned attempts;
    struct attempts trying;
    struct credentials credentials;
    struct homing homing;
    struct span tries;     /* those that failed, for the record: a JSON array; ptr NULL: none */
    struct cached *cached; /* NULL: nobody spoke of a cache */
    struct stored *stored; /* NULL: no response that the gateway may keep */
    struct gather *gather; /* NULL: no file is put in place of its address */
    struct answer answer;
    struct sse_framer framer;
    struct json_tap tap; /* of a whole answer that passes unchanged: enum tapped */
    struct stream_tap stream;
    struct said *said; /* of a stream; NULL: there was none */
    struct buffer error_body;
    struct bill bill;
    struct used used; /* in the end */
    uint64_t cost_nano;
    struct span price; /* how the cost was found, for the record */

    enum fault fault;
    struct refusal refusal;
    struct complaint *complaint; /* in other words than the fault's; NULL: those */
    struct span detail;          /* for the log */
    struct deadline deadline;
    struct deadline quiet; /* a stream that says nothing for long gets a ping */
    uint64_t flushed_ms;   /* when something was last sent */

    int64_t started_wall_ms;
    uint64_t started_ns, entered_ns, first_byte_ns;
    uint64_t upstream_ns; /* waited for providers until the answer's head */
    uint32_t phase_us[PHASE_END];
};

/* The target of the current attempt; there must be a plan. */
static inline const struct plan_target *exchange_target(const struct exchange *x)
{
    CHECK(x->plan);
    return &x->plan->targets[x->current->target];
}

static inline const struct dialect *exchange_dialect(const struct exchange *x)
{
    return dialect_row((enum dialect_id)x->head.dialect);
}

/* flow.c */
struct exchange *exchange_begin(struct worker *worker, struct client *client,
                                const struct http_head *head);
void exchange_make_id(const struct worker *worker, int64_t wall_ms,
                      char ret_id[REQUEST_ID_SIZE]);
void flow_take(struct exchange *x, enum step step);
void flow_cancel(struct exchange *x, enum fault fault);
/* The whole request has arrived. */
void flow_received(struct exchange *x);
void flow_body(struct exchange *x, struct span bytes);
/* Its files are in place, or x->fault says why not. */
void flow_gathered(struct exchange *x);

/* Sends the current attempt's request; EVENTS get what comes. False: x->fault, x->detail. */
bool flow_call(struct exchange *x, const struct call_events *events);

/* cached.c: the room `cache` */
enum step cached_enter(struct exchange *x);

/* outgoing.c: the request of the current target. A refusal of the translation is x->complaint.
 */
enum fault outgoing_make(struct exchange *x);

/* facts.c: what routing must know of the request */
struct route_facts route_facts_of(struct exchange *x);

/* Whether the request, or what it may do, belongs to one account: nobody else may have it. */
bool facts_bound(const struct exchange *x);

/* relay.c: the provider's answer on its way to the client */
extern const struct call_events relay_events;
void relay_drained(struct exchange *x);
/* Ends the call, if one runs, with FAULT; nothing follows. */
void relay_abandon(struct exchange *x, enum fault fault);

/* reply.c: answers that the gateway makes itself, and heads */
void reply_local(struct exchange *x);
void reply_json(struct exchange *x, uint16_t status, struct span body);
/* Head of the answer to X into the arena. LENGTH: HTTP_LENGTH_NONE for chunked or close. FROM:
 * provider headers to pass on, or NULL. */
struct span reply_head(struct exchange *x, uint16_t status, struct span content_type,
                       uint64_t length, const struct http_head *from);
/* The head in worker->head, step by step: status line, fields, end; then with BODY. */
void reply_begin_head(struct worker *worker, uint16_t status, struct span content_type,
                      uint64_t length);
void reply_add_field(struct worker *worker, struct span name, struct span value);
void reply_end_head(struct exchange *x);
void reply_send(struct exchange *x, struct span body);

/* models.c: the models that this key may use, as the client's dialect lists them */
void reply_models(struct exchange *x);
void reply_model(struct exchange *x);

/* complain.c: what went wrong, in the client's dialect */
/* The fault as an answer, an error event in a stream, or a cut, whatever is still possible. */
void reply_fault(struct exchange *x);
/* A fault of a connection without an exchange. */
void reply_bare(struct worker *worker, struct client *client, enum fault fault,
                const char *detail);

/* charge.c: x->used, x->cost_nano, x->price; what was taken of limits and budgets ends. */
void charge_settle(struct exchange *x);
/* Tokens of the answer so far, an estimate. */
uint64_t charge_output_seen(const struct exchange *x);

/* account.c: the usage record; its texts are in the arena */
void account_record(struct exchange *x, struct span rooms, struct usage_record *record);
/* An attempt failed. */
void account_try(struct exchange *x, enum fault fault);
/* An attempt was overtaken; what it used and cost is known. */
void account_lost(struct exchange *x, const struct lost *lost);
/* The times in the rooms, as an object of microseconds; until the next exchange's are told. */
struct span account_rooms(const struct exchange *x);

/* settle.c: usage record, access line, metrics */
void settle_meter(struct exchange *x);
void settle_log(struct exchange *x);
/* The access line of a request that never became an exchange. */
void settle_bare(struct worker *worker, struct client *client, struct span id, enum fault fault,
                 const char *detail);
/* Takes it out of the worker's count of streams, when it stands in it. */
void stream_ended(struct exchange *x);

#endif
