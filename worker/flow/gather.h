/* worker/flow/gather.h
 *
 * Files that a request refers to by their address and that the target's provider takes as bytes
 * only (worker/translate/remote.h): the exchange waits in translate while they are fetched
 * (worker/upstream/fetch.h), each address once for all targets, and what then goes on is its
 * body with the bytes in their places. Limits are the settings `media`; what is held counts in
 * worker->body_bytes. Lives in the exchange's arena.
 *
 * Whatever goes wrong with a file is the client's fault to mend: FAULT_bad_media_url, with a
 * complaint that names the place and the cause. The log has the cause more exactly, and never
 * the address, which may hold a secret.
 */
#ifndef WORKER_FLOW_GATHER_H
#define WORKER_FLOW_GATHER_H

#include "worker/flow/exchange.h"

/* STEP_NEXT: there is nothing to wait for. STEP_WAIT: flow_gathered will be called, unless
 * gather_cancel comes first. STEP_REFUSE: x->fault is set. */
enum step gather_begin(struct exchange *x);
/* Whether the current target would need files that are not in place. */
bool gather_wanted(struct exchange *x);
/* Ends what is being fetched; does nothing when nothing is. */
void gather_cancel(struct exchange *x);
/* What is held goes; spans of gather_body and gather_ask are gone too. */
void gather_free(struct exchange *x);

/* BODY, or the same with files in their places when the current target needs it. */
struct span gather_body(const struct exchange *x, struct span body);
/* x->ask, or the same of such a body. */
const struct ask *gather_ask(const struct exchange *x);

#endif
