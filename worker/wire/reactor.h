/* worker/wire/reactor.h
 *
 * What every part of a worker stands on: the loop, the deadlines, the buffers that are used
 * within one callback.  One per worker process, made by its main, passed down; reactor_done is
 * for tests and for a worker that ends in order.
 *
 * Time: libuv takes the clock once per loop turn, right after it waited; reactor_now_ms gives
 * that value without a system call.  A deadline never fires before its delay has passed since
 * the turn that armed it.
 */
#ifndef WORKER_WIRE_REACTOR_H
#define WORKER_WIRE_REACTOR_H

#include <uv.h>

#include "shared/base/wheel.h"

struct alarm;
struct http_scratch;

/* What a socket gets of a turn: a flood costs others so much each time that they wait for the
 * loop. */
#define REACTOR_READ_BYTES  16384
#define REACTOR_PLAIN_BYTES 16384 /* one TLS record (RFC 8446 5.1) */
#define REACTOR_SPARE_BYTES 2048
#define REACTOR_SPARES      32

/* Something to do in the next turn of the loop, before it waits again, or when this turn ends.
 */
struct reactor_task;
typedef void reactor_task_f(struct reactor_task *task);

struct reactor_task {
    struct reactor_task *next, *previous; /* NULL while not queued */
    reactor_task_f *run;                  /* called once; may queue its task again */
};

struct reactor {
    uv_loop_t loop;
    struct wheel wheel;
    uv_timer_t ticker;         /* runs only while a deadline is armed */
    uv_timer_t alarm_timer;    /* runs only while `alarms` are near; alarm.h */
    struct alarm *alarms;      /* the next ones, the first to ring first */
    uv_idle_t idler;           /* runs only while tasks are queued */
    uv_prepare_t closer;       /* runs only while late tasks are queued */
    struct reactor_task tasks; /* list head */
    struct reactor_task late;  /* list head: of the end of this turn */
    struct http_scratch *http; /* header lists of the HTTP readers; made by the worker's main */
    char *read_buffer;         /* REACTOR_READ_BYTES, filled by one read at a time */
    char *plain_buffer;        /* REACTOR_PLAIN_BYTES, what one TLS record held */
    char *seal_buffer;         /* REACTOR_PLAIN_BYTES, small pieces on their way to a record */
    void *spares[REACTOR_SPARES]; /* memory that rests, see reactor_take_spare */
    unsigned spare_count;
};

/* 0 or a negative errno.  Ignores SIGPIPE and sets the size of libuv's thread pool, so it is
 * called before anything else uses libuv. */
int reactor_init(struct reactor *reactor);
/* Every handle on the loop must be closed already. */
void reactor_done(struct reactor *reactor);

/* REACTOR_SPARE_BYTES from memory_new_raw, or the same given back before: for what each request
 * needs for a moment, and the heap is slow with. */
void *reactor_take_spare(struct reactor *reactor);
void reactor_give_spare(struct reactor *reactor, void *spare);

/* Monotonic, as of this loop turn. */
static inline uint64_t reactor_now_ms(const struct reactor *reactor)
{
    return uv_now(&reactor->loop);
}

/* Arms DEADLINE (again) in DELAY_MS from now. */
void reactor_arm(struct reactor *reactor, struct deadline *deadline, uint64_t delay_ms);
void reactor_disarm(struct reactor *reactor, struct deadline *deadline);

/* Queues TASK for the next turn; does nothing when it is queued already. */
void reactor_soon(struct reactor *reactor, struct reactor_task *task);
/* Queues TASK for the end of this turn, when all that was ready has been looked at and the loop
 * is about to wait; does nothing when it is queued already. */
void reactor_late(struct reactor *reactor, struct reactor_task *task);
void reactor_forget(struct reactor_task *task);

#endif
