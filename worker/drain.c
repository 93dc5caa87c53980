/* The end of a worker: it takes no new connection, answers one more request on each kept one,
 * finishes what is under way, and cuts only what is left at the limit. */
#include <unistd.h>

#include "shared/base/log.h"

#include "worker/worker.h"

#define IDLE_GRACE_MS 2000 /* an idle kept connection may send one more request */
#define HURRY_MS      200

static void retire_clients(struct worker *worker)
{
    for (struct client *client = worker->clients; client; client = client->next)
        client_retire(client, IDLE_GRACE_MS);
}

static void leave(struct worker *worker)
{
    worker_flush(worker);
    journal_close(&worker->journal);
    sink_flush(&worker->access);
    log_event(LOG_INFO, "worker ends", LOG_NUMBER_FIELD("number", worker->number));
    _exit(0);
}

void drain_look(struct worker *worker)
{
    if (worker->draining && worker->accepting_ended && worker->client_count == 0)
        leave(worker);
}

/* What is still there ends now: each exchange with an answer that says so. */
static void cut_all(struct worker *worker)
{
    struct exchange *x = worker->exchanges;

    while (x) {
        struct exchange *next = x->next;

        x->keep = false;
        flow_cancel(x, FAULT_draining);
        x = next;
    }
}

static void limit_passed(uv_timer_t *timer)
{
    struct worker *worker = timer->data;

    if (worker->exchange_count > 0) {
        cut_all(worker);
        (void)uv_timer_start(timer, limit_passed, HURRY_MS, 0);
        return;
    }
    leave(worker);
}

static void delay_passed(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    uint64_t now_ms = reactor_now_ms(&worker->reactor);

    listener_close(&worker->listener);
    retire_clients(worker);
    (void)uv_timer_start(timer, limit_passed,
                         worker->drain_end_ms > now_ms ? worker->drain_end_ms - now_ms : 0, 0);
    drain_look(worker);
}

void drain_begin(struct worker *worker, uint64_t limit_ms, uint32_t delay_ms)
{
    if (worker->draining)
        return;
    worker->draining = true;
    worker->replaced = delay_ms == CONTROL_REPLACED;
    if (worker->replaced)
        delay_ms = 0;
    worker->drain_end_ms = reactor_now_ms(&worker->reactor) + limit_ms;
    atomic_store_explicit(&worker->slot->state, SLOT_DRAINING, memory_order_release);
    (void)uv_timer_start(&worker->drain_timer, delay_passed, delay_ms, 0);
}

void drain_hurry(struct worker *worker, uint64_t limit_ms)
{
    drain_begin(worker, limit_ms, 0);
    worker->drain_end_ms = reactor_now_ms(&worker->reactor) + limit_ms;
    (void)uv_timer_start(&worker->drain_timer, delay_passed, 0, 0);
}
