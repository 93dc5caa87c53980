#include "worker/flow/proof.h"

#include "worker/flow/relay_inside.h"
#include "worker/worker.h"

#define HELD_MOST 262144 /* bytes: who says so much and nothing is let through */

static void release(void *what)
{
    struct proof *proof = what;

    buffer_done(&proof->held);
    sse_done(&proof->framer);
}

/* Its spans live only until the call's event returns. */
static void copy_head(const struct http_head *from, struct arena *arena, struct http_head *ret)
{
    struct http_header *headers =
        ARENA_ARRAY(arena, from->header_count + 1, struct http_header);

    *ret = *from;
    for (unsigned i = 0; i < from->header_count; i++)
        headers[i] = (struct http_header){arena_copy(arena, from->headers[i].name),
                                          arena_copy(arena, from->headers[i].value)};
    ret->headers = headers;
}

static bool is_content(const struct event *event)
{
    return event->kind != EVENT_start && event->kind != EVENT_open &&
           event->kind != EVENT_usage && event->kind != EVENT_ping;
}

static struct arena *arena_of(const struct proof *proof)
{
    return &proof->attempt->exchange->arena;
}

static void is_broken(struct proof *proof, const struct complaint *complaint)
{
    proof->broken = true;
    proof->complaint = ARENA_NEW(arena_of(proof), struct complaint);
    complaint_keep(complaint, arena_of(proof), proof->complaint);
}

/* What is passed on as it came may be anything that is no error of the provider. */
static void took_event(void *who, const struct event *event)
{
    struct proof *proof = who;

    if (proof->alive || proof->broken)
        return;
    if (event->kind == EVENT_error && proof->crosses)
        is_broken(proof, event->complaint);
    else if (event->kind == EVENT_error)
        proof->alive = true;
    else if (is_content(event) && --proof->wanted == 0)
        proof->alive = true;
}

/* The names that the request was written with, where it was. */
static void init_reader(struct proof *proof, const struct attempt *attempt)
{
    struct exchange *x = attempt->exchange;

    if (attempt->crossing) {
        proof->translation = attempt->crossing->translation;
    } else {
        translation_init(&proof->translation, &x->arena, 0, 0);
        proof->translation.chat = ARENA_NEW(&x->arena, struct chat);
    }
    event_reader_init(&proof->reader, dialect_row((enum dialect_id)attempt->provider_dialect),
                      &proof->translation, took_event, proof);
}

struct proof *proof_new(struct attempt *attempt, const struct http_head *head, bool stream,
                        unsigned events)
{
    struct exchange *x = attempt->exchange;
    struct proof *proof = ARENA_NEW(&x->arena, struct proof);
    size_t limit = x->view->page->limits.event_bytes;

    copy_head(head, &x->arena, &proof->head);
    proof->attempt = attempt;
    proof->crosses = attempt->crossing != NULL;
    proof->stream = stream;
    proof->reads = operation_chats(operation_row(x->head.operation));
    proof->wanted = events;
    buffer_init(&proof->held, SIZE_MAX); /* HELD_MOST and what one read brings */
    sse_init(&proof->framer, limit);
    arena_on_done(&x->arena, release, proof);
    if (stream && proof->reads)
        init_reader(proof, attempt);
    return proof;
}

/* Other streams than those of chats have no events: their first data will do. */
static void read_record(struct proof *proof, const struct sse_record *record)
{
    const struct dialect *dialect =
        dialect_row((enum dialect_id)proof->attempt->provider_dialect);
    struct complaint complaint;

    if (!proof->crosses && record->has_data) {
        (void)dialect->tap_record(&proof->tap, record);
        if (proof->tap.failed) {
            complaint_read(200, record->data, arena_of(proof), &complaint);
            is_broken(proof, &complaint);
            return;
        }
    }
    if (proof->reads)
        event_read(&proof->reader, record);
    else
        proof->alive = record->has_data;
}

static void read_records(struct proof *proof, struct span rest)
{
    struct sse_record record;

    while (!proof->alive && !proof->broken) {
        switch (sse_next(&proof->framer, &rest, &record)) {
        case SSE_MORE: return;
        case SSE_TOO_LARGE: proof->alive = true; return;
        case SSE_RECORD: read_record(proof, &record);
        }
    }
}

void proof_take(struct proof *proof, struct span bytes)
{
    if (proof->stream)
        read_records(proof, bytes);
    else if (relay_begins_as_error(bytes))
        proof->broken = true;
    else
        proof->alive = true;
    (void)buffer_append(&proof->held, bytes);
    if (proof->held.len > HELD_MOST && !proof->broken)
        proof->alive = true;
}
