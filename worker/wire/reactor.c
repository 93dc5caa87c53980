#include "worker/wire/reactor.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

/* The pool does TLS handshakes; names are looked up elsewhere.  Two threads keep a handshake
 * from waiting behind a slow one; more would only take the processors of other workers. */
#define POOL_THREADS "2"
/* The pool's threads need no heaps of their own: they allocate for milliseconds only. */
#define HEAPS 2

/* A timer's start and repeat fail on closed handles only. */
static void must(int result)
{
    CHECK(result == 0);
}

static void ticker_start(struct reactor *reactor);

static void ticked(uv_timer_t *ticker)
{
    struct reactor *reactor = ticker->data;

    ticker_start(reactor);
    wheel_advance(&reactor->wheel, reactor_now_ms(reactor));
    if (reactor->wheel.armed == 0)
        must(uv_timer_stop(ticker));
}

/* To where the wheel's next tick begins. Were it between two of them, a deadline that is due
 * and armed again in each turn of the loop would be put off for ever. */
static void ticker_start(struct reactor *reactor)
{
    uint64_t begun_ms = reactor_now_ms(reactor) % WHEEL_TICK_MS;

    must(uv_timer_start(&reactor->ticker, ticked, WHEEL_TICK_MS - begun_ms, 0));
}

void reactor_arm(struct reactor *reactor, struct deadline *deadline, uint64_t delay_ms)
{
    uint64_t now_ms = reactor_now_ms(reactor);
    uint64_t when_ms;

    if (__builtin_add_overflow(now_ms, delay_ms, &when_ms))
        when_ms = UINT64_MAX;
    if (!uv_is_active((const uv_handle_t *)&reactor->ticker)) {
        /* The wheel stood still while nothing was armed. */
        wheel_advance(&reactor->wheel, now_ms);
        ticker_start(reactor);
    }
    wheel_arm(&reactor->wheel, deadline, when_ms);
}

void reactor_disarm(struct reactor *reactor, struct deadline *deadline)
{
    /* The ticker notices by itself that nothing is armed: stopping and starting it for each
     * exchange would cost more than one tick. */
    if (deadline_armed(deadline))
        wheel_disarm(&reactor->wheel, deadline);
}

/* Runs what was queued before this turn; what a task queues waits for the next one. */
static void idled(uv_idle_t *idler)
{
    struct reactor *reactor = idler->data;
    struct reactor_task *head = &reactor->tasks;
    struct reactor_task last = {.next = head, .previous = head->previous};

    last.previous->next = &last;
    head->previous = &last;
    while (head->next != &last) {
        struct reactor_task *task = head->next;

        reactor_forget(task);
        task->run(task);
    }
    reactor_forget(&last);
    if (head->next == head)
        must(uv_idle_stop(idler));
}

/* What a task queues for the end of the turn belongs to this one: the loop waits next. */
static void turn_ended(uv_prepare_t *closer)
{
    struct reactor *reactor = closer->data;
    struct reactor_task *head = &reactor->late;

    while (head->next != head) {
        struct reactor_task *task = head->next;

        reactor_forget(task);
        task->run(task);
    }
    must(uv_prepare_stop(closer));
}

static void append(struct reactor_task *head, struct reactor_task *task)
{
    task->next = head;
    task->previous = head->previous;
    head->previous->next = task;
    head->previous = task;
}

void reactor_soon(struct reactor *reactor, struct reactor_task *task)
{
    if (task->next)
        return;
    append(&reactor->tasks, task);
    must(uv_idle_start(&reactor->idler, idled));
}

void reactor_late(struct reactor *reactor, struct reactor_task *task)
{
    if (task->next)
        return;
    append(&reactor->late, task);
    must(uv_prepare_start(&reactor->closer, turn_ended));
}

void reactor_forget(struct reactor_task *task)
{
    if (!task->next)
        return;
    task->next->previous = task->previous;
    task->previous->next = task->next;
    task->next = NULL;
    task->previous = NULL;
}

int reactor_init(struct reactor *reactor)
{
    int error;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)setenv("UV_THREADPOOL_SIZE", POOL_THREADS, 0);
    (void)mallopt(M_ARENA_MAX, HEAPS);
    error = uv_loop_init(&reactor->loop);
    if (error < 0)
        return error;
    must(uv_timer_init(&reactor->loop, &reactor->ticker));
    must(uv_timer_init(&reactor->loop, &reactor->alarm_timer));
    must(uv_idle_init(&reactor->loop, &reactor->idler));
    must(uv_prepare_init(&reactor->loop, &reactor->closer));
    reactor->ticker.data = reactor;
    reactor->alarm_timer.data = reactor;
    reactor->alarms = NULL;
    reactor->idler.data = reactor;
    reactor->closer.data = reactor;
    reactor->tasks =
        (struct reactor_task){.next = &reactor->tasks, .previous = &reactor->tasks};
    reactor->late = (struct reactor_task){.next = &reactor->late, .previous = &reactor->late};
    wheel_init(&reactor->wheel, reactor_now_ms(reactor));
    reactor->http = NULL;
    reactor->read_buffer = memory_new_raw(REACTOR_READ_BYTES);
    reactor->plain_buffer = memory_new_raw(REACTOR_PLAIN_BYTES);
    reactor->seal_buffer = memory_new_raw(REACTOR_PLAIN_BYTES);
    return 0;
}

void *reactor_take_spare(struct reactor *reactor)
{
    void *spare;

    if (reactor->spare_count == 0)
        return memory_new_raw(REACTOR_SPARE_BYTES);
    spare = reactor->spares[--reactor->spare_count];
    memory_unpoison(spare, REACTOR_SPARE_BYTES);
    return spare;
}

void reactor_give_spare(struct reactor *reactor, void *spare)
{
    if (reactor->spare_count == REACTOR_SPARES) {
        memory_free(spare);
        return;
    }
    memory_poison(spare, REACTOR_SPARE_BYTES);
    reactor->spares[reactor->spare_count++] = spare;
}

void reactor_done(struct reactor *reactor)
{
    uv_close((uv_handle_t *)&reactor->ticker, NULL);
    uv_close((uv_handle_t *)&reactor->alarm_timer, NULL);
    uv_close((uv_handle_t *)&reactor->idler, NULL);
    uv_close((uv_handle_t *)&reactor->closer, NULL);
    (void)uv_run(&reactor->loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&reactor->loop));
    memory_free(reactor->read_buffer);
    memory_free(reactor->plain_buffer);
    memory_free(reactor->seal_buffer);
    while (reactor->spare_count > 0)
        memory_free(reactor_take_spare(reactor));
}
