/* worker/flow/stored.h
 *
 * Responses that the gateway keeps (worker/memory) for providers of other dialects: what an
 * exchange keeps of its answer, what previous_response_id stands for, and what clients read and
 * delete. The files are shared/kept, found by any worker.
 *
 * They are read and written by the loop's thread, one read and one write at most for each
 * exchange, of at most limits.stored_response_bytes (settings `responses.largest`): the page
 * cache takes them without a wait for the disk, 4 KiB in 0.05 ms, 1 MiB in 0.4 ms, but 4 MiB in
 * 10 ms, in which no other exchange of the worker goes on.
 */
#ifndef WORKER_FLOW_STORED_H
#define WORKER_FLOW_STORED_H

#include "worker/flow/exchange.h"

/* Made with the crossing; lives in the exchange's arena. */
struct stored {
    struct json_value body; /* the request, what previous_response_id stands for included */
    struct text previous;   /* that id, or TEXT_NONE */
    bool keeps;             /* the answer will be kept */
    struct buffer expanded; /* owns BODY when there is a previous response */
};

/* Before a request for a response is read for another dialect: sets x->stored when responses
 * are kept here. FAULT_response_not_found, with x->refusal, when its previous one is not. */
enum fault stored_open(struct exchange *x);

/* RESPONSE, of an exchange with x->stored, is whole and about to be sent: kept when the client
 * wants it and it has not failed. A failure is logged: the client was told already. */
void stored_keep(struct exchange *x, struct json_value response);

/* GET and DELETE /v1/responses/{id}, GET /v1/responses/{id}/input_items. */
void stored_reply(struct exchange *x);

#endif
