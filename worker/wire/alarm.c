#include "worker/wire/alarm.h"

#include <stddef.h>

#include "shared/base/check.h"

#include "worker/wire/reactor.h"

#define NEAR_MS (2 * WHEEL_TICK_MS) /* the wheel is not later than that */

static void rang(uv_timer_t *timer);

/* The timer is for the first of the list. */
static void wind(struct reactor *reactor)
{
    const struct alarm *first = reactor->alarms;
    uint64_t now_ms = reactor_now_ms(reactor);
    int result;

    if (!first)
        result = uv_timer_stop(&reactor->alarm_timer);
    else
        result = uv_timer_start(&reactor->alarm_timer, rang,
                                first->when_ms > now_ms ? first->when_ms - now_ms : 0, 0);
    CHECK(result == 0);
}

static struct alarm *take_due(struct reactor *reactor)
{
    struct alarm *first = reactor->alarms;

    if (!first || first->when_ms > reactor_now_ms(reactor))
        return NULL;
    reactor->alarms = first->next;
    first->listed = false;
    return first;
}

/* One that rings may set and clear any. */
static void rang(uv_timer_t *timer)
{
    struct reactor *reactor = timer->data;
    struct alarm *due;

    while ((due = take_due(reactor)))
        due->rings(due);
    wind(reactor);
}

static struct alarm **place_of(struct reactor *reactor, uint64_t when_ms)
{
    struct alarm **at = &reactor->alarms;

    while (*at && (*at)->when_ms <= when_ms)
        at = &(*at)->next;
    return at;
}

static void list(struct alarm *alarm)
{
    struct alarm **at = place_of(alarm->reactor, alarm->when_ms);

    alarm->next = *at;
    alarm->listed = true;
    *at = alarm;
    if (alarm->reactor->alarms == alarm)
        wind(alarm->reactor);
}

static void came_near(struct deadline *deadline)
{
    list((struct alarm *)(void *)((char *)deadline - offsetof(struct alarm, near)));
}

void alarm_set(struct reactor *reactor, struct alarm *alarm, uint64_t delay_ms)
{
    alarm_clear(alarm);
    alarm->reactor = reactor;
    if (__builtin_add_overflow(reactor_now_ms(reactor), delay_ms, &alarm->when_ms))
        alarm->when_ms = UINT64_MAX;
    alarm->near.passed = came_near;
    if (delay_ms > NEAR_MS)
        reactor_arm(reactor, &alarm->near, delay_ms - NEAR_MS);
    else
        list(alarm);
}

void alarm_clear(struct alarm *alarm)
{
    struct alarm **at;

    if (!alarm->reactor)
        return;
    reactor_disarm(alarm->reactor, &alarm->near);
    if (!alarm->listed)
        return;
    at = &alarm->reactor->alarms;
    while (*at != alarm)
        at = &(*at)->next;
    *at = alarm->next;
    alarm->listed = false;
    if (!alarm->reactor->alarms)
        wind(alarm->reactor);
}
