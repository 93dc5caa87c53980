#include "tests/bench/timers.h"

#include <stdlib.h>
#include <string.h>

#include "tests/bench/net.h"

static void put(struct timers *all, size_t at, struct timer *one)
{
    all->heap[at] = one;
    one->place = at + 1;
}

static void rise(struct timers *all, size_t at)
{
    struct timer *one = all->heap[at];

    while (at > 0 && all->heap[(at - 1) / 2]->due_ns > one->due_ns) {
        put(all, at, all->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(all, at, one);
}

static void sink(struct timers *all, size_t at)
{
    struct timer *one = all->heap[at];

    for (;;) {
        size_t child = at * 2 + 1;

        if (child >= all->count)
            break;
        if (child + 1 < all->count && all->heap[child + 1]->due_ns < all->heap[child]->due_ns)
            child++;
        if (all->heap[child]->due_ns >= one->due_ns)
            break;
        put(all, at, all->heap[child]);
        at = child;
    }
    put(all, at, one);
}

void timer_start(struct timers *all, struct timer *one, uint64_t due_ns)
{
    timer_stop(all, one);
    if (all->count == all->size) {
        size_t size = all->size ? all->size * 2 : 64;
        struct timer **heap = memory_zeroed(size, sizeof(struct timer *));

        if (all->count)
            memcpy(heap, all->heap, all->count * sizeof(struct timer *));
        free(all->heap);
        all->heap = heap;
        all->size = size;
    }
    one->due_ns = due_ns;
    put(all, all->count++, one);
    rise(all, one->place - 1);
}

void timer_stop(struct timers *all, struct timer *one)
{
    if (!one->place)
        return;
    size_t at = one->place - 1;
    struct timer *last = all->heap[--all->count];

    one->place = 0;
    if (last == one)
        return;
    put(all, at, last);
    rise(all, at);
    sink(all, last->place - 1);
}

struct timer *timer_take(struct timers *all, uint64_t now_ns)
{
    struct timer *first = all->count ? all->heap[0] : NULL;

    if (!first || first->due_ns > now_ns)
        return NULL;
    timer_stop(all, first);
    return first;
}

int timers_wait_ms(const struct timers *all, uint64_t now_ns)
{
    if (!all->count)
        return -1;
    uint64_t due = all->heap[0]->due_ns;

    if (due <= now_ns)
        return 0;
    uint64_t wait_ms = (due - now_ns + 999999U) / 1000000U;
    return wait_ms > 1000 ? 1000 : (int)wait_ms;
}
