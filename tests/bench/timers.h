/*
 * A heap of timers, the earliest at the top.  A timer lives inside the object that waits; the
 * heap holds pointers only, so stop it before that object goes.  One thread.
 */
#ifndef TESTS_BENCH_TIMERS_H
#define TESTS_BENCH_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    uint64_t due_ns;
    size_t place; /* index in the heap plus one; 0 is "not waiting" */
};

struct timers {
    struct timer **heap;
    size_t count;
    size_t size;
};

/* Starts, or moves, a timer. */
void timer_start(struct timers *all, struct timer *one, uint64_t due_ns);

/* Stops a timer; one that does not wait is left alone. */
void timer_stop(struct timers *all, struct timer *one);

/* Takes the earliest timer out if it is due at `now_ns`, or NULL. */
struct timer *timer_take(struct timers *all, uint64_t now_ns);

/* Milliseconds to the next timer for epoll_wait, rounded up; -1 for none. */
int timers_wait_ms(const struct timers *all, uint64_t now_ns);

#endif
