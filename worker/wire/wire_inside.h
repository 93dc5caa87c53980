/* worker/wire/wire_inside.h
 *
 * What the files of a wire tell each other; nobody else includes it.  wire.c owns the socket's
 * life and reading, wire_out.c writing and the pending blocks, wire_linger.c the polite end,
 * wire_tls.c the engine and its steps on the thread pool.
 */
#ifndef WORKER_WIRE_WIRE_INSIDE_H
#define WORKER_WIRE_WIRE_INSIDE_H

#include "worker/wire/wire.h"

/* -- wire.c */

/* Reports ERROR once; a lingering wire is closed instead. */
void wire_fail(struct wire *wire, int error);
/* The peer's clean end: `ended`, once. */
void wire_end(struct wire *wire);
/* Makes libuv read while anybody here wants bytes. */
void wire_watch(struct wire *wire);
/* Closes the handle, whatever state the wire is in; does nothing the second time. */
void wire_close_now(struct wire *wire);
/* Calls `closed` when nothing refers to the wire any more. */
void wire_gone(struct wire *wire);
int wire_fd(const struct wire *wire);

/* -- wire_out.c */

/* As wire_write, of bytes that go on the socket as they are. */
long wire_out_send(struct wire *wire, const struct span *pieces, unsigned count);
/* FIN, when all is sent; else `wire->finished` makes it follow. */
void wire_out_finish(struct wire *wire);
/* Sends what waits for the end of the turn, just before the wire closes. */
void wire_out_hurry(struct wire *wire);
/* Frees what libuv does not hold. */
void wire_out_drop(struct wire *wire);

/* -- wire_linger.c */

void wire_linger_arrived(struct wire *wire, size_t count);
void wire_linger_drained(struct wire *wire);
void wire_linger_ended(struct wire *wire);
void wire_linger_drop(struct wire *wire);

/* -- wire_tls.c */

void wire_tls_init(struct wire *wire, struct tls_settings *settings, struct span server_name);
/* A client speaks first: its first step. */
void wire_tls_start(struct wire *wire);
void wire_tls_arrived(struct wire *wire, struct span cipher);
/* The peer closed its side without a close_notify. */
void wire_tls_cut(struct wire *wire);
/* The owner wants bytes again: gives what the engine still holds, in the next turn. */
void wire_tls_resume(struct wire *wire);
/* Room for more cipher bytes. */
bool wire_tls_wants(const struct wire *wire);
long wire_tls_write(struct wire *wire, const struct span *pieces, unsigned count);
void wire_tls_close_notify(struct wire *wire);
/* The wire closes: no task or deadline comes any more. */
void wire_tls_drop(struct wire *wire);
/* False while a step runs; then wire_gone is called after it. */
bool wire_tls_free(struct wire *wire);

#endif
