#include "shared/base/wheel.h"

#include <stddef.h>

static void list_init(struct deadline *head)
{
    head->next = head;
    head->previous = head;
}

static void list_insert(struct deadline *head, struct deadline *deadline)
{
    deadline->next = head;
    deadline->previous = head->previous;
    head->previous->next = deadline;
    head->previous = deadline;
}

static void list_remove(struct deadline *deadline)
{
    deadline->previous->next = deadline->next;
    deadline->next->previous = deadline->previous;
    deadline->next = NULL;
    deadline->previous = NULL;
}

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
    for (unsigned i = 0; i < WHEEL_SLOTS; i++)
        list_init(&wheel->slots[i]);
    wheel->now_tick = now_ms / WHEEL_TICK_MS;
    wheel->armed = 0;
}

/* The first tick at which everything due by WHEN_MS has certainly passed. */
static uint64_t tick_of(const struct wheel *wheel, uint64_t when_ms)
{
    uint64_t tick = when_ms / WHEEL_TICK_MS + (when_ms % WHEEL_TICK_MS != 0);

    return tick <= wheel->now_tick ? wheel->now_tick + 1 : tick;
}

void wheel_arm(struct wheel *wheel, struct deadline *deadline, uint64_t when_ms)
{
    if (deadline->next)
        list_remove(deadline);
    else
        wheel->armed++;
    deadline->when_ms = when_ms;
    list_insert(&wheel->slots[tick_of(wheel, when_ms) % WHEEL_SLOTS], deadline);
}

void wheel_disarm(struct wheel *wheel, struct deadline *deadline)
{
    if (!deadline->next)
        return;
    list_remove(deadline);
    wheel->armed--;
}

/* Moves what is due by NOW_MS from SLOT to DUE; what belongs to a later round stays. */
static void collect(struct deadline *slot, struct deadline *due, uint64_t now_ms)
{
    struct deadline *next;

    for (struct deadline *at = slot->next; at != slot; at = next) {
        next = at->next;
        if (at->when_ms > now_ms)
            continue;
        list_remove(at);
        list_insert(due, at);
    }
}

void wheel_advance(struct wheel *wheel, uint64_t now_ms)
{
    uint64_t tick = now_ms / WHEEL_TICK_MS;
    uint64_t steps = tick > wheel->now_tick ? tick - wheel->now_tick : 0;
    struct deadline due;

    if (steps > WHEEL_SLOTS)
        steps = WHEEL_SLOTS;
    list_init(&due);
    for (uint64_t i = steps; i-- > 0 && wheel->armed > 0;)
        collect(&wheel->slots[(tick - i) % WHEEL_SLOTS], &due, now_ms);
    if (tick > wheel->now_tick)
        wheel->now_tick = tick;
    /* The functions may arm and disarm anything, also what still waits in the list of the due:
     * removal works from whatever list a deadline is in. */
    while (due.next != &due) {
        struct deadline *deadline = due.next;

        list_remove(deadline);
        wheel->armed--;
        deadline->passed(deadline);
    }
}
