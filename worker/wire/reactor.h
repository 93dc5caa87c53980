/* worker/wire/reactor.h
 *
 * What every part of a worker stands on: the loop, the deadlines, the read buffer.  One per
 * worker process, made by its main, passed down; never freed.
 */
#ifndef WORKER_WIRE_REACTOR_H
#define WORKER_WIRE_REACTOR_H

#include <uv.h>

#include "shared/base/wheel.h"
#include "shared/http/http_reader.h"

#define REACTOR_READ_BYTES 65536

struct reactor {
    uv_loop_t loop;
    struct wheel wheel;
    uv_timer_t ticker;        /* runs only while a deadline is armed */
    uint64_t now_ms;          /* monotonic, taken once per loop turn */
    struct http_scratch http; /* header lists */
    char *read_buffer;        /* REACTOR_READ_BYTES, filled by one read at a time */
};

/* 0 or a negative errno. */
int reactor_init(struct reactor *reactor);
/* Arms DEADLINE in DELAY_MS from now. */
void reactor_arm(struct reactor *reactor, struct deadline *deadline, uint64_t delay_ms);
void reactor_disarm(struct reactor *reactor, struct deadline *deadline);

#endif
