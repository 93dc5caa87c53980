/* Changes of the accounts' health: seen a few times a second, told in the log, kept in the
 * store. */
#include <stdio.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"

#include "supervisor/controller/inside.h"

#define RETAIN_EVERY_MS 60000
#define RETAIN_MOST     100000 /* rows */

static struct controller *of_job(struct line_job *job)
{
    return (struct controller *)(void *)((char *)job -
                                         offsetof(struct controller, chores.events.job));
}

void events_start(struct controller *controller)
{
    char host[EVENT_HOST_BYTES] = "";

    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    controller->house.watch = watch_new();
    controller->house.probes = probes_new();
    (void)snprintf(controller->probes_host, sizeof(controller->probes_host), "%s/%llx", host,
                   (unsigned long long)random_u64());
    controller->house.events = event_log_new(span_of_text(host), random_u64());
}

/* ---- what is seen ------------------------------------------------------------------------ */

/* What comes and goes with the load of a provider would fill the log. */
static enum log_level level_of(const struct watch_event *event)
{
    switch ((enum health_state)event->to) {
    case HEALTH_DOWN: return LOG_WARNING;
    case HEALTH_HALF_OPEN:
    case HEALTH_LIMITED: return LOG_DEBUG;
    case HEALTH_HEALTHY:
        return event->from == HEALTH_LIMITED || event->from == HEALTH_DEGRADED ? LOG_DEBUG
                                                                               : LOG_INFO;
    case HEALTH_DEGRADED:
    case HEALTH_DRAINED:
    case HEALTH_STATES: break;
    }
    return LOG_INFO;
}

static void tell(const struct watch_event *event)
{
    const char *why = event->fault ? fault_row((enum fault)event->fault)->name : "";

    if (event->cause == WATCH_HAND) /* drains.c has told it */
        return;
    log_event(level_of(event), "a provider's health changed",
              LOG_TEXT_FIELD("provider", span_of_text(event->provider)),
              LOG_TEXT_FIELD("from", span_of_text(health_state_name(event->from))),
              LOG_TEXT_FIELD("to", span_of_text(health_state_name(event->to))),
              LOG_TEXT_FIELD("cause", span_of_text(watch_cause_name(event->cause))),
              LOG_TEXT_FIELD("why", span_of_text(why)));
}

static void look(struct controller *controller, const struct snapshot_provider *provider,
                 uint64_t now_ms)
{
    struct house *house = &controller->house;
    const struct target_health *health = segment_target(house->segment, provider->health_row);
    struct watch_event events[WATCH_EVENTS_MOST];
    struct watch_sight sight = {
        .provider = snapshot_span(house->snapshot, provider->name),
        .row = provider->health_row,
        .fault = (uint16_t)atomic_load(
            &segment_pace(house->segment, provider->health_row)->last_fault)};
    unsigned count;

    do { /* both are of one moment */
        sight.ejections = atomic_load(&health->ejections);
        sight.state = health_state(health, now_ms, &sight.until_ms);
    } while (sight.ejections != atomic_load(&health->ejections));
    count = watch_look(house->watch, &sight, events);
    for (unsigned i = 0; i < count; i++) {
        event_log_add(house->events, &events[i]);
        tell(&events[i]);
    }
}

void events_look(struct controller *controller, uint64_t now_ms)
{
    const struct snapshot *snapshot = controller->house.snapshot;
    struct snapshot_table table;

    if (!snapshot)
        return;
    table = snapshot_page(snapshot)->providers;
    watch_begin(controller->house.watch, now_ms, clock_wall_ms());
    for (uint32_t i = 0; i < table.count; i++)
        look(controller, SNAPSHOT_ROW(snapshot, table, i, snapshot_provider), now_ms);
}

/* ---- into the store ---------------------------------------------------------------------- */

static void run_events(struct line_job *job)
{
    struct controller *controller = of_job(job);
    struct events_chore *chore = &controller->chores.events;
    int64_t removed = 0;

    chore->result = event_log_store(controller->house.events, controller->house.store);
    if (chore->result == 0 && chore->retains)
        removed = event_log_retain(controller->house.store, chore->before_ms, RETAIN_MOST);
    if (removed < 0)
        chore->result = (int)removed;
}

static void events_ran(struct line_job *job)
{
    struct controller *controller = of_job(job);
    struct events_chore *chore = &controller->chores.events;
    uint64_t now_ms = clock_monotonic_ms(), lost = event_log_lost(controller->house.events);

    chore->busy = false;
    if (chore->result < 0)
        chore->next_ms = now_ms + RETRY_MS;
    else if (chore->retains)
        chore->retain_next_ms = now_ms + RETAIN_EVERY_MS;
    if (chore->result == 0 && lost > chore->lost_told) {
        log_event(LOG_WARNING, "changes of providers' health were lost: the store was away",
                  LOG_NUMBER_FIELD("changes", lost - chore->lost_told));
        chore->lost_told = lost;
    }
}

static void store_events(struct controller *controller, uint64_t now_ms)
{
    struct events_chore *chore = &controller->chores.events;
    uint64_t kept_ms = controller->house.settings->health.events;

    if (chore->busy || now_ms < chore->next_ms)
        return;
    chore->retains = now_ms >= chore->retain_next_ms;
    if (!chore->retains && event_log_waiting(controller->house.events) == 0)
        return;
    /* Others tell of a store that is away, and connect to it. */
    if (strcmp(store_state(controller->house.store), "open") != 0)
        return;
    chore->before_ms = kept_ms > 0 ? clock_wall_ms() - (int64_t)kept_ms : 0;
    chore->busy = true;
    chore->job.run = run_events;
    chore->job.done = events_ran;
    line_add(&controller->line, &chore->job);
}

void events_tick(struct controller *controller, uint64_t now_ms)
{
    events_look(controller, now_ms);
    store_events(controller, now_ms);
}
