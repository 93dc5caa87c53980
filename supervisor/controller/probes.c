/* Provider accounts that are out are asked how they are, on the pool. */
#include <stdio.h>

#include "shared/base/clock.h"
#include "shared/base/hash.h"
#include "shared/base/log.h"
#include "shared/base/memory.h"

#include "supervisor/controller/inside.h"
#include "supervisor/probe/lease.h"
#include "supervisor/probe/question.h"

/* Threads of the pool that accounts which do not answer may hold. */
#define ASKED_AT_A_TIME 2

/* First, where other hosts may ask too, a job of the line takes the lease; then a thread of the
 * pool asks; then another job tells the others. */
struct asking {
    struct line_job job; /* first */
    uv_work_t work;
    struct controller *controller;
    struct probe_lease lease;
    uint64_t hold_ms;
    int result;
    bool leased;
    uint32_t row;
    char provider[WATCH_NAME_BYTES];
    struct outbound_question question;
    struct outbound_answer answer;
    uint64_t name; /* its hash */
};

/* The settings' own words of an account; NULL: it is not from there. */
static const struct settings_probe *own_probe(const struct settings *settings, struct span name)
{
    for (uint32_t i = 0; i < settings->providers.count; i++) {
        const struct settings_provider *row =
            SETTINGS_ROW(settings->providers, i, settings_provider);

        if (span_eq(row->name, name))
            return &row->health.probe;
    }
    return NULL;
}

static struct probe_sight sight_of(const struct house *house,
                                   const struct snapshot_provider *provider, uint64_t now_ms)
{
    uint64_t failed =
        atomic_load(&segment_pace(house->segment, provider->health_row)->last_fault);
    uint64_t until_ms;

    return (struct probe_sight){
        .name = hash_fast(snapshot_span(house->snapshot, provider->name)),
        .row = provider->health_row,
        .state = health_state(segment_target(house->segment, provider->health_row), now_ms,
                              &until_ms),
        .fault = (uint16_t)failed,
        .failed = (enum health_outcome)(failed >> 16)};
}

static struct probe_rules rules_of(const struct house *house,
                                   const struct snapshot_provider *provider)
{
    return probe_rules_of(
        &house->settings->health.probe,
        own_probe(house->settings, snapshot_span(house->snapshot, provider->name)));
}

/* ---- answers ----------------------------------------------------------------------------- */

static void take(struct controller *controller, const struct snapshot_provider *provider,
                 const struct probe_answer *answer)
{
    struct house *house = &controller->house;
    uint64_t now_ms = clock_monotonic_ms();
    struct probe_sight sight = sight_of(house, provider, now_ms);
    struct probe_rules rules = rules_of(house, provider);
    enum health_probe said;

    if (!probe_answered(house->probes, &sight, &rules, probe_judge(&sight, answer), &said))
        return;
    events_look(controller, now_ms); /* what it changes is told apart from what was before */
    if (health_probed(segment_target(house->segment, provider->health_row), &provider->health,
                      said, now_ms))
        watch_probed(house->watch, provider->health_row);
    events_look(controller, now_ms);
}

static const struct snapshot_provider *find(const struct snapshot *snapshot, uint64_t name)
{
    struct snapshot_table table = snapshot_page(snapshot)->providers;

    for (uint32_t i = 0; i < table.count; i++) {
        const struct snapshot_provider *row =
            SNAPSHOT_ROW(snapshot, table, i, snapshot_provider);

        if (hash_fast(snapshot_span(snapshot, row->name)) == name)
            return row;
    }
    return NULL;
}

static void ask(uv_work_t *work)
{
    struct asking *asking = work->data;

    outbound_ask(&asking->question, &asking->answer);
}

static void end_asking(struct asking *asking)
{
    asking->controller->probes_asked--;
    probe_ended(asking->controller->house.probes, asking->row, asking->name);
    outbound_question_done(&asking->question);
    memory_wipe(&asking->answer, sizeof(asking->answer));
    memory_free(asking);
}

static struct asking *of_job(struct line_job *job)
{
    return (struct asking *)(void *)job;
}

static struct span host_of(const struct controller *controller)
{
    return span_of_text(controller->probes_host);
}

static void run_tell(struct line_job *job)
{
    struct asking *asking = of_job(job);

    (void)probe_lease_tell(asking->controller->house.store, span_of_text(asking->provider),
                           host_of(asking->controller), (uint16_t)asking->answer.status);
}

static void told(struct line_job *job)
{
    end_asking(of_job(job));
}

static void answered(uv_work_t *work, int status)
{
    struct asking *asking = work->data;
    struct controller *controller = asking->controller;
    /* By now the account may be another, or none. */
    const struct snapshot_provider *provider = find(controller->house.snapshot, asking->name);

    if (status == 0 && provider && !controller->ending) {
        log_event(LOG_DEBUG, "a provider was probed",
                  LOG_TEXT_FIELD("provider",
                                 snapshot_span(controller->house.snapshot, provider->name)),
                  LOG_TEXT_FIELD("said", span_of_text(asking->answer.message)));
        take(controller, provider, &(struct probe_answer){(uint16_t)asking->answer.status});
    }
    if (status < 0 || !asking->leased) {
        end_asking(asking);
        return;
    }
    asking->job.run = run_tell;
    asking->job.done = told;
    line_add(&controller->line, &asking->job);
}

/* ---- questions --------------------------------------------------------------------------- */

static void ask_on_pool(struct asking *asking)
{
    if (uv_queue_work(&asking->controller->loop, &asking->work, ask, answered) < 0)
        answered(&asking->work, UV_ECANCELED);
}

static void run_lease(struct line_job *job)
{
    struct asking *asking = of_job(job);

    asking->result = probe_lease_take(
        asking->controller->house.store, span_of_text(asking->provider),
        host_of(asking->controller), clock_wall_ms(), asking->hold_ms, &asking->lease);
}

/* What another host was told counts as if it were told here. */
static void hear(struct controller *controller, const struct asking *asking)
{
    const struct snapshot_provider *provider = find(controller->house.snapshot, asking->name);
    uint64_t now_ms = clock_monotonic_ms();
    struct probe_sight sight;
    struct probe_rules rules;

    if (!provider || controller->ending)
        return;
    sight = sight_of(&controller->house, provider, now_ms);
    rules = rules_of(&controller->house, provider);
    if (probe_heard(controller->house.probes, &sight, &rules, asking->lease.number, now_ms))
        take(controller, provider, &(struct probe_answer){asking->lease.status});
}

/* Without an answer of the store it is asked by this host as well. */
static void lease_came(struct line_job *job)
{
    struct asking *asking = of_job(job);

    if (asking->result < 0 || asking->lease.mine) {
        asking->leased = asking->result == 0;
        ask_on_pool(asking);
        return;
    }
    hear(asking->controller, asking);
    end_asking(asking);
}

/* A file has no other host. */
static bool is_shared(const struct house *house)
{
    return !store_is_file(house->store) && strcmp(store_state(house->store), "open") == 0;
}

static void start(struct controller *controller, const struct snapshot_provider *provider,
                  const struct probe_rules *rules)
{
    const struct snapshot *snapshot = controller->house.snapshot;
    struct span name = snapshot_span(snapshot, provider->name);
    struct asking *asking = MEMORY_NEW(struct asking);
    struct arena arena;
    bool there;

    arena_init(&arena, 0);
    asking->controller = controller;
    asking->work.data = asking;
    asking->hold_ms = probe_hold_ms(rules);
    asking->row = provider->health_row;
    asking->name = hash_fast(name);
    (void)snprintf(asking->provider, sizeof(asking->provider), "%.*s", SPAN_ARG(name));
    there = question_of_list(&asking->question, snapshot, provider, rules->path, &arena);
    asking->question.wait_ms = rules->timeout_ms;
    arena_done(&arena);
    controller->probes_asked++;
    if (!there) {
        end_asking(asking);
    } else if (is_shared(&controller->house)) {
        asking->job.run = run_lease;
        asking->job.done = lease_came;
        line_add(&controller->line, &asking->job);
    } else {
        ask_on_pool(asking);
    }
}

static void look(struct controller *controller, const struct snapshot_provider *provider,
                 uint64_t now_ms)
{
    struct house *house = &controller->house;
    struct probe_sight sight;
    struct probe_rules rules;

    /* Who is never left out needs no way back, and one without its token cannot be asked. */
    if (provider->mock || provider->waiting || provider->health.eject_max_ms == 0)
        return;
    sight = sight_of(house, provider, now_ms);
    rules = rules_of(house, provider);
    if (probe_due(house->probes, &sight, &rules, now_ms, random_u64()))
        start(controller, provider, &rules);
}

/* In turns: who comes late in the table is not forgotten while the first hold the threads. */
void probes_tick(struct controller *controller, uint64_t now_ms)
{
    const struct snapshot *snapshot = controller->house.snapshot;
    struct snapshot_table table;

    if (!snapshot || controller->ending)
        return;
    table = snapshot_page(snapshot)->providers;
    for (uint32_t i = 0; i < table.count && controller->probes_asked < ASKED_AT_A_TIME; i++) {
        controller->probes_next = (controller->probes_next + 1) % table.count;
        look(controller,
             SNAPSHOT_ROW(snapshot, table, controller->probes_next, snapshot_provider), now_ms);
    }
}
