/* worker/flow/relay_inside.h
 *
 * What the parts of the relay say to each other. Private to worker/flow/relay*.c.
 */
#ifndef WORKER_FLOW_RELAY_INSIDE_H
#define WORKER_FLOW_RELAY_INSIDE_H

#include "worker/flow/exchange.h"

#define STREAM_QUIET_MS 10000 /* then a stream gets a ping */

struct batch;

/* relay_batch.c */
void batch_clear(struct batch *batch);
/* Bytes that live until the end of this turn. */
void relay_add(struct exchange *x, struct span bytes);
/* Bytes that live only until the next record is cut. */
void relay_add_copy(struct exchange *x, struct span bytes);
/* Sends the batch, with the head when it is still here; LAST: with the end of the answer. */
void relay_flush(struct exchange *x, bool last);
/* The client's answer begins: no other target is tried, the request's bytes can go, unless a
 * translation refers to them. */
void relay_free_request(struct exchange *x);

/* relay.c */
/* The attempt is over: its share of the provider's figures. */
void relay_attempt_ended(struct exchange *x, enum fault fault);
/* Ends the attempt with FAULT: the next target, or the client's answer. */
void relay_give_up(struct exchange *x, enum fault fault);
/* The same for a call that runs. */
void relay_cancel(struct exchange *x, enum fault fault);
/* BYTES, the first of a whole answer with a good status, begin an error. */
bool relay_begins_as_error(struct span bytes);
/* Whether HEAD is of an answer that can be relayed; *RET_STREAM: as a stream. */
bool relay_head_is_good(const struct http_head *head, bool *ret_stream);
/* The head of the current attempt's answer came: its share of the provider's figures. */
void relay_note_head(struct exchange *x, const struct http_head *head);
/* The current attempt's answer, which was held: HEAD and the bytes HELD. False: the exchange
 * may be gone. */
bool relay_adopt(struct exchange *x, const struct http_head *head, struct span held);
/* Whether the provider does not take the gateway's credential, and says so with a good status.
 */
void relay_note_refusal(struct exchange *x);

/* relay_stream.c */
void relay_begin_stream(struct exchange *x);
/* False when the stream cannot go on; the exchange may be gone then. */
bool relay_records(struct exchange *x, struct span bytes);
void relay_turn(struct exchange *x, bool last);
void relay_stream_done(struct exchange *x);
take_event_f relay_take_event;
/* What the gateway counts for a provider's complaint. */
enum fault complaint_fault(const struct complaint *complaint);

#endif
