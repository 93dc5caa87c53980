/* shared/base/wheel.h
 *
 * Deadlines of one process: a hashed timing wheel (Varghese and Lauck, 1987) with intrusive
 * nodes, so that arming and disarming cost a few nanoseconds and no memory.  Resolution is
 * WHEEL_TICK_MS; a deadline never fires early.  The owner calls wheel_advance from its one
 * timer.
 */
#ifndef SHARED_BASE_WHEEL_H
#define SHARED_BASE_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_TICK_MS 8
#define WHEEL_SLOTS   1024

struct deadline;
typedef void deadline_f(struct deadline *deadline);

struct deadline {
    struct deadline *next, *previous; /* NULL while not armed */
    uint64_t when_ms;                 /* monotonic */
    deadline_f *passed;               /* called once, disarmed before the call; may arm again */
};

struct wheel {
    struct deadline slots[WHEEL_SLOTS]; /* list heads */
    uint64_t now_tick;
    uint64_t armed; /* how many */
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);
/* Arms DEADLINE (again) for WHEN_MS. */
void wheel_arm(struct wheel *wheel, struct deadline *deadline, uint64_t when_ms);
void wheel_disarm(struct wheel *wheel, struct deadline *deadline);

static inline bool deadline_armed(const struct deadline *deadline)
{
    return deadline->next != NULL;
}

/* Calls every deadline that has passed by NOW_MS. */
void wheel_advance(struct wheel *wheel, uint64_t now_ms);

#endif
