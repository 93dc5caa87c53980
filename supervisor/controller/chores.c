/* What is done again and again: ledger, sweeps, ticket keys, a store that was away. */
#include <errno.h>
#include <signal.h>

#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/controller/inside.h"
#include "supervisor/outbound/outbound.h"

#define LEDGER_STEPS    50 /* batches of one job, so that other jobs get their turn */
#define TICKETS_LIVE_MS (12 * 3600 * 1000LL)
#define TICKETS_LOOK_MS 60000

static struct controller *of_ledger_job(struct line_job *job)
{
    return (struct controller *)(void *)((char *)job -
                                         offsetof(struct controller, chores.ledger_job));
}

/* ---- ledger ------------------------------------------------------------------------------ */

static void run_ledger(struct line_job *job)
{
    struct controller *controller = of_ledger_job(job);
    int steps = 0;

    do
        controller->chores.ledger_result = ledger_step(controller->house.ledger);
    while (controller->chores.ledger_result == 1 && ++steps < LEDGER_STEPS);
}

static void tell_ledger(struct controller *controller, int result)
{
    struct chores *chores = &controller->chores;
    struct ledger_status status;

    if ((result < 0) == chores->ledger_failing)
        return;
    chores->ledger_failing = result < 0;
    ledger_status(controller->house.ledger, &status);
    if (result < 0)
        log_event(LOG_WARNING, "usage records wait: the store does not take them",
                  LOG_TEXT_FIELD("why", span_of_text(status.error_text)),
                  LOG_ERRNO_FIELD(result));
    else
        log_event(LOG_INFO, "the store takes usage records again",
                  LOG_NUMBER_FIELD("waiting_bytes", status.waiting_bytes));
}

static void ledger_ran(struct line_job *job)
{
    struct controller *controller = of_ledger_job(job);
    struct chores *chores = &controller->chores;
    uint64_t now_ms = clock_monotonic_ms();

    chores->ledger_busy = false;
    if (chores->ledger_result < 0)
        controller->house.ledger_failures++;
    chores->ledger_next_ms = now_ms + (chores->ledger_result < 0 ? LEDGER_WAIT_MS : TICK_MS);
    if (chores->ledger_result == 1)
        chores->ledger_next_ms = now_ms;
    tell_ledger(controller, chores->ledger_result);
}

static void ledger_tick(struct controller *controller, uint64_t now_ms)
{
    struct chores *chores = &controller->chores;

    if (chores->ledger_busy || now_ms + 1 < chores->ledger_next_ms)
        return;
    chores->ledger_busy = true;
    chores->ledger_job.run = run_ledger;
    chores->ledger_job.done = ledger_ran;
    line_add(&controller->line, &chores->ledger_job);
}

/* ---- changes of other hosts -------------------------------------------------------------- */

static struct controller *of_watch_job(struct line_job *job)
{
    return (struct controller *)(void *)((char *)job -
                                         offsetof(struct controller, chores.watch_job));
}

static void run_watch(struct line_job *job)
{
    struct controller *controller = of_watch_job(job);

    controller->chores.changed_elsewhere = store_changed(controller->house.store);
}

/* The rows count as old until they are read again: load_tick does it, as often as it takes. */
static void watched(struct line_job *job)
{
    struct controller *controller = of_watch_job(job);
    struct chores *chores = &controller->chores;

    chores->watch_busy = false;
    if (!chores->changed_elsewhere)
        return;
    controller->rows_fresh = false;
    chores->load_next_ms = 0;
    log_note(LOG_DEBUG, "keys or providers were changed on another host");
}

static void watch_tick(struct controller *controller, uint64_t now_ms)
{
    struct chores *chores = &controller->chores;

    if (chores->watch_busy || !controller->rows_fresh || now_ms < chores->watch_next_ms)
        return;
    chores->watch_next_ms = now_ms + WATCH_MS;
    chores->watch_busy = true;
    chores->watch_job.run = run_watch;
    chores->watch_job.done = watched;
    line_add(&controller->line, &chores->watch_job);
}

/* ---- dead workers ------------------------------------------------------------------------ */

struct sweep {
    struct line_job job;
    struct controller *controller;
    uint32_t slot;
    int result;
};

static void run_sweep(struct line_job *job)
{
    struct sweep *sweep = (struct sweep *)(void *)job;
    struct house *house = &sweep->controller->house;

    sweep->result = ledger_sweep(house->ledger, house->segment, sweep->slot, clock_wall_ms());
}

static void swept(struct line_job *job)
{
    struct sweep *sweep = (struct sweep *)(void *)job;
    struct chores *chores = &sweep->controller->chores;

    chores->sweeping[sweep->slot] = false;
    chores->dead_seen[sweep->slot] = sweep->result < 0;
    if (sweep->result < 0) {
        chores->sweep_next_ms[sweep->slot] = clock_monotonic_ms() + RETRY_MS;
        log_event(LOG_WARNING, "a dead worker's slot could not be swept yet",
                  LOG_NUMBER_FIELD("slot", sweep->slot), LOG_ERRNO_FIELD(sweep->result));
    }
    memory_free(sweep);
}

void chores_sweep(struct controller *controller, uint32_t slot)
{
    struct chores *chores = &controller->chores;
    struct sweep *sweep;

    if (slot >= SEGMENT_SLOTS || chores->sweeping[slot] ||
        atomic_load(&segment_slot(controller->house.segment, slot)->state) != SLOT_DEAD)
        return;
    if (!chores->dead_seen[slot])
        controller->house.workers_dead++;
    chores->dead_seen[slot] = true;
    chores->sweeping[slot] = true;
    sweep = MEMORY_NEW(struct sweep);
    sweep->job.run = run_sweep;
    sweep->job.done = swept;
    sweep->controller = controller;
    sweep->slot = slot;
    line_add(&controller->line, &sweep->job);
}

static void sweep_tick(struct controller *controller, uint64_t now_ms)
{
    for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++) {
        if (now_ms >= controller->chores.sweep_next_ms[slot])
            chores_sweep(controller, slot);
    }
}

/* Workers of a parent that died before us: nobody else marks them. */
static void mark_gone(struct segment *segment)
{
    for (uint32_t i = 0; i < SEGMENT_SLOTS; i++) {
        struct slot *slot = segment_slot(segment, i);
        uint32_t state = atomic_load(&slot->state);
        uint32_t pid = atomic_load(&slot->pid);

        if ((state == SLOT_READY || state == SLOT_DRAINING) && pid != 0 &&
            kill((pid_t)pid, 0) < 0 && errno == ESRCH)
            (void)atomic_compare_exchange_strong(&slot->state, &state, SLOT_DEAD);
    }
}

/* ---- TLS ticket keys --------------------------------------------------------------------- */

/* A sequence lock: odd while we write, also when a controller died in the middle. */
static void rotate_tickets(struct segment_tickets *tickets, int64_t now_wall_ms)
{
    uint64_t version = atomic_load(&tickets->version) | 1;

    atomic_store(&tickets->version, version);
    atomic_thread_fence(memory_order_release);
    tickets->keys[2] = tickets->keys[1];
    tickets->keys[1] = tickets->keys[0];
    random_bytes(&tickets->keys[0], sizeof(tickets->keys[0]));
    tickets->rotated_wall_ms = now_wall_ms;
    atomic_store(&tickets->version, version + 1);
}

static void tickets_tick(struct controller *controller, uint64_t now_ms)
{
    struct segment_tickets *tickets = segment_tickets(controller->house.segment);
    uint64_t version = atomic_load(&tickets->version);
    int64_t now_wall_ms = clock_wall_ms();

    if (now_ms < controller->chores.tickets_next_ms)
        return;
    controller->chores.tickets_next_ms = now_ms + TICKETS_LOOK_MS;
    if (version == 0 || version % 2 == 1 ||
        now_wall_ms - tickets->rotated_wall_ms >= TICKETS_LIVE_MS)
        rotate_tickets(tickets, now_wall_ms);
}

/* ---- all --------------------------------------------------------------------------------- */

static void load_tick(struct controller *controller, uint64_t now_ms)
{
    if (controller->rows_fresh || controller->loading ||
        now_ms < controller->chores.load_next_ms)
        return;
    controller->loading = true;
    controller->chores.load_next_ms = now_ms + RETRY_MS;
    publish_load(controller, NULL);
}

/* The settings that this controller found at its start had a plan that could not be. */
static void plan_tick(struct controller *controller, uint64_t now_ms)
{
    if (controller->chores.plan_next_ms == 0 || now_ms < controller->chores.plan_next_ms)
        return;
    controller->chores.plan_next_ms = 0;
    publish_now(controller);
}

void chores_start(struct controller *controller)
{
    mark_gone(controller->house.segment);
    tokens_tick(controller);
    tickets_tick(controller, clock_monotonic_ms());
    load_tick(controller, clock_monotonic_ms());
}

void chores_tick(struct controller *controller, uint64_t now_ms)
{
    if (controller->ending)
        return;
    if (now_ms - controller->house.started_ms >= START_WAIT_MS)
        publish_without_store(controller);
    tokens_tick(controller);
    prices_tick(controller, now_ms);
    watch_tick(controller, now_ms);
    load_tick(controller, now_ms);
    plan_tick(controller, now_ms);
    ledger_tick(controller, now_ms);
    sweep_tick(controller, now_ms);
    tickets_tick(controller, now_ms);
    responses_tick(controller, now_ms);
    budgets_tick(controller, now_ms);
    soft_tick(controller, now_ms);
    audits_tick(controller, now_ms);
    retention_tick(controller, now_ms);
    events_tick(controller, now_ms);
    probes_tick(controller, now_ms);
}

struct ending {
    struct line_job job;
    struct controller *controller;
    uint64_t most_ms;
    int result;
};

static void run_ending(struct line_job *job)
{
    struct ending *ending = (struct ending *)(void *)job;
    struct house *house = &ending->controller->house;

    ending->result = ledger_flush(house->ledger, ending->most_ms);
    if (ending->result == 0)
        (void)event_log_store(house->events, house->store);
}

static void ended(struct line_job *job)
{
    struct ending *ending = (struct ending *)(void *)job;

    if (ending->result < 0)
        log_event(LOG_WARNING, "usage records stay in the journals until the next start",
                  LOG_ERRNO_FIELD(ending->result));
    uv_stop(&ending->controller->loop);
    memory_free(ending);
}

void chores_end(struct controller *controller, uint64_t most_ms)
{
    struct ending *ending;

    if (controller->ending)
        return;
    for (uint32_t slot = 0; slot < SEGMENT_SLOTS; slot++)
        chores_sweep(controller, slot);
    budgets_end(controller);
    controller->ending = true;
    share_end(controller->house.share);
    outbound_end();
    ending = MEMORY_NEW(struct ending);
    ending->job.run = run_ending;
    ending->job.done = ended;
    ending->controller = controller;
    ending->most_ms = most_ms;
    line_add(&controller->line, &ending->job);
}
