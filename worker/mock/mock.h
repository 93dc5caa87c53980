/* worker/mock/mock.h
 *
 * The built-in provider: an OpenAI-compatible HTTP/1.1 server inside the worker's own loop, at
 * the far end of a socketpair, so that the whole data path is in use and no account is needed.
 * Behaviour is chosen by the model name (docs/mock.md): echo, slow-500ms, status-429,
 * cut-after-3, long-1000, pace-20ms, hang, garbage, reset, work-200us (burns CPU in the
 * worker), and combinations joined by "+".
 */
#ifndef WORKER_MOCK_MOCK_H
#define WORKER_MOCK_MOCK_H

#include "worker/wire/reactor.h"

/* Opens a connection to the mock: returns the descriptor of the caller's end, or a negative
 * errno. The mock ends by itself when the caller closes its end. */
int mock_connect(struct reactor *reactor);

#endif
