/* What one read of the provider's answer brought, gathered and sent to the client in one
 * write. */
#include "shared/base/clock.h"

#include "worker/flow/gather.h"
#include "worker/flow/relay_inside.h"
#include "worker/worker.h"

#define BATCH_FIRST 2 /* pieces[0]: head, pieces[1]: chunk head */

void batch_clear(struct batch *batch)
{
    batch->count = 0;
    batch->bytes = 0;
    batch->scratch_used = 0;
}

static void pause_when_full(struct exchange *x, long pending)
{
    if (pending <= 0 || x->answer.paused || !x->current->calling)
        return;
    x->answer.paused = true;
    metric_add(x->worker->metrics, METRIC_stream_pauses_total, 1);
    call_pause(&x->current->call);
}

/* The client's answer begins: no other target is tried, the request's bytes can go, unless a
 * translation refers to them or the provider answers before it has them all. */
void relay_free_request(struct exchange *x)
{
    if (x->current->crossing || call_sends(&x->current->call))
        return;
    gather_free(x);
    if (x->answer.stream && x->bill.usage.input == TOKENS_UNKNOWN)
        limits_estimate(x); /* it may end before its usage comes */
    x->worker->body_bytes -= x->body.len;
    buffer_done(&x->body);
}

/* Sends the batch, with the head when it is still here; LAST: with the end of the answer. */
void relay_flush(struct exchange *x, bool last)
{
    struct batch *batch = &x->worker->batch;
    struct span *pieces = batch->pieces + BATCH_FIRST;
    unsigned count = batch->count;
    bool chunked = x->answer.form == ANSWER_CHUNKED;
    char size[24];
    struct buffer head = {.ptr = size, .size = sizeof(size), .limit_bytes = sizeof(size)};

    if (count > 0)
        cached_add(x, pieces, count);
    if (chunked && batch->bytes > 0) {
        pieces[count++] = last ? SPAN("\r\n0\r\n\r\n") : SPAN("\r\n");
        (void)http_append_chunk_head(&head, batch->bytes);
        *--pieces = buffer_span(&head);
        count++;
    } else if (chunked && last) {
        pieces[count++] = SPAN("0\r\n\r\n");
    }
    if (!x->answer.head_sent) {
        relay_free_request(x);
        *--pieces = x->answer.head;
        count++;
        x->answer.head_sent = true;
        x->first_byte_ns = clock_monotonic_ns();
    }
    batch_clear(batch);
    if (count == 0 || !x->client)
        return;
    for (unsigned i = 0; i < count; i++)
        x->answer.sent_bytes += pieces[i].len;
    x->flushed_ms = reactor_now_ms(&x->worker->reactor);
    if (last) {
        (void)client_send_last(x->client, pieces, count);
        x->answer.ended = true;
    } else {
        pause_when_full(x, client_send(x->client, pieces, count));
    }
}

/* Bytes that live until the end of this turn. */
void relay_add(struct exchange *x, struct span bytes)
{
    struct batch *batch = &x->worker->batch;
    struct span *last = &batch->pieces[BATCH_FIRST + batch->count - 1];

    if (bytes.len == 0)
        return;
    if (batch->count > 0 && last->ptr + last->len == bytes.ptr) {
        last->len += bytes.len;
    } else {
        if (batch->count == BATCH_PIECES)
            relay_flush(x, false);
        batch->pieces[BATCH_FIRST + batch->count++] = bytes;
    }
    batch->bytes += bytes.len;
}

/* Bytes that live only until the next record is cut. */
void relay_add_copy(struct exchange *x, struct span bytes)
{
    struct batch *batch = &x->worker->batch;
    char *to;

    if (bytes.len > REACTOR_READ_BYTES - batch->scratch_used)
        relay_flush(x, false);
    if (bytes.len > REACTOR_READ_BYTES) {
        relay_add(x, bytes);
        relay_flush(x, false);
        return;
    }
    to = batch->scratch + batch->scratch_used;
    memcpy(to, bytes.ptr, bytes.len);
    batch->scratch_used += bytes.len;
    relay_add(x, span_of(to, bytes.len));
}
