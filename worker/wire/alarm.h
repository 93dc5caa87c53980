/* worker/wire/alarm.h
 *
 * Deadlines to the millisecond. The reactor's wheel is late by up to one of its ticks, which is
 * nothing to a limit of seconds and a lot to a second attempt that is to save 100 ms. An alarm
 * waits in the wheel until it is near, and then in a list that one timer of libuv serves: it
 * costs as much as two deadlines.
 *
 * Belongs to its owner, who clears it before its memory goes.
 */
#ifndef WORKER_WIRE_ALARM_H
#define WORKER_WIRE_ALARM_H

#include <stdbool.h>

#include "shared/base/wheel.h"

struct reactor;
struct alarm;
typedef void alarm_f(struct alarm *alarm);

struct alarm {
    struct deadline near; /* armed: it is far away */
    struct reactor *reactor;
    struct alarm *next; /* in the list: later, or as late */
    uint64_t when_ms;
    bool listed;
    alarm_f *rings;
};

/* RINGS is called from the loop in DELAY_MS, never before; an alarm that is set is set anew. */
void alarm_set(struct reactor *reactor, struct alarm *alarm, uint64_t delay_ms);
void alarm_clear(struct alarm *alarm);

#endif
