/* supervisor/outbound/outbound.h
 *
 * HTTP requests of the controller to the world: the door to libcurl in the daemon.  Blocking,
 * for the thread pool: `providers test`, tokens.
 */
#ifndef SUPERVISOR_OUTBOUND_OUTBOUND_H
#define SUPERVISOR_OUTBOUND_OUTBOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"

#define OUTBOUND_WAIT_MS    8000
#define OUTBOUND_BODY_BYTES (1U << 20) /* then the answer is cut off */
#define OUTBOUND_KEPT_BYTES 16384

struct outbound_question {
    struct buffer url, body; /* with a body: POST; both may hold a credential */
    struct buffer ca_file, proxy;
    struct buffer headers; /* "name: value\n" each; may hold a credential */
    bool verify;
    bool post;        /* without a body too */
    uint32_t wait_ms; /* 0: OUTBOUND_WAIT_MS */
};

struct outbound_answer {
    bool ok; /* 2xx */
    uint64_t status, latency_ms;
    char message[256];              /* never holds a byte of the headers */
    char body[OUTBOUND_KEPT_BYTES]; /* its beginning; may repeat a credential */
    size_t body_len;
};

void outbound_question_init(struct outbound_question *question);
/* Wipes what may hold a credential. */
void outbound_question_done(struct outbound_question *question);

void outbound_ask(const struct outbound_question *question, struct outbound_answer *ret);

/* Those under way end within about a second, later ones at once: the process is to end. */
void outbound_end(void);

/* Once, at the start, before threads. */
void outbound_open(void);

#endif
