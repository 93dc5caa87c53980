#include "supervisor/events/event_log.h"

#include <pthread.h>
#include <stdio.h>

#include "shared/base/check.h"
#include "shared/base/fault.h"
#include "shared/base/memory.h"

#define BATCH      64
#define RETAIN_ROW 1000 /* of one step */
#define ID_BYTES   40

struct event_log {
    pthread_mutex_t mutex;
    char host[EVENT_HOST_BYTES];
    uint64_t start;
    uint64_t count, stored, lost; /* since the start; the first `stored` are in the store */
    struct watch_event ring[EVENT_LOG_ROOM];
};

struct event_log *event_log_new(struct span host, uint64_t start)
{
    struct event_log *log = MEMORY_NEW(struct event_log);

    CHECK(pthread_mutex_init(&log->mutex, NULL) == 0);
    (void)snprintf(log->host, sizeof(log->host), "%.*s", SPAN_ARG(host));
    log->start = start;
    return log;
}

void event_log_free(struct event_log *log)
{
    if (!log)
        return;
    (void)pthread_mutex_destroy(&log->mutex);
    memory_free(log);
}

void event_log_add(struct event_log *log, const struct watch_event *event)
{
    (void)pthread_mutex_lock(&log->mutex);
    log->ring[log->count++ % EVENT_LOG_ROOM] = *event;
    if (log->count - log->stored > EVENT_LOG_ROOM) {
        log->stored++;
        log->lost++;
    }
    (void)pthread_mutex_unlock(&log->mutex);
}

unsigned event_log_waiting(struct event_log *log)
{
    unsigned waiting;

    (void)pthread_mutex_lock(&log->mutex);
    waiting = (unsigned)(log->count - log->stored);
    (void)pthread_mutex_unlock(&log->mutex);
    return waiting;
}

uint64_t event_log_lost(struct event_log *log)
{
    uint64_t lost;

    (void)pthread_mutex_lock(&log->mutex);
    lost = log->lost;
    (void)pthread_mutex_unlock(&log->mutex);
    return lost;
}

/* ---- into the store ---------------------------------------------------------------------- */

struct batch {
    struct event_log *log;
    uint64_t first; /* number of the first one */
    unsigned count;
    struct watch_event events[BATCH];
};

static void fill(struct event_log *log, struct batch *batch)
{
    (void)pthread_mutex_lock(&log->mutex);
    batch->log = log;
    batch->first = log->stored;
    batch->count = 0;
    while (batch->count < BATCH && batch->first + batch->count < log->count) {
        batch->events[batch->count] = log->ring[(batch->first + batch->count) % EVENT_LOG_ROOM];
        batch->count++;
    }
    (void)pthread_mutex_unlock(&log->mutex);
}

static void done(struct event_log *log, const struct batch *batch)
{
    uint64_t stored = batch->first + batch->count;

    (void)pthread_mutex_lock(&log->mutex);
    if (stored > log->stored) /* some may have been lost meanwhile */
        log->stored = stored;
    (void)pthread_mutex_unlock(&log->mutex);
}

static struct span fault_text(uint16_t fault)
{
    return fault ? span_of_text(fault_row((enum fault)fault)->name) : SPAN_NONE;
}

static struct span state_text(uint8_t state)
{
    return span_of_text(health_state_name((enum health_state)state));
}

/* An id sorts as the events of one controller happened; a row that is put twice is there once.
 */
static int64_t put(struct store *store, const struct event_log *log,
                   const struct watch_event *event, uint64_t number)
{
    char id[ID_BYTES];
    int len = snprintf(id, sizeof(id), "%016llx%016llx", (unsigned long long)log->start,
                       (unsigned long long)number);
    const struct store_value values[] = {
        STORE_TEXT_VALUE(span_of(id, (size_t)len)),
        STORE_NUMBER_VALUE(event->at_ms),
        STORE_TEXT_VALUE(span_of_text(log->host)),
        STORE_TEXT_VALUE(span_of_text(event->provider)),
        STORE_TEXT_VALUE(state_text(event->from)),
        STORE_TEXT_VALUE(state_text(event->to)),
        STORE_TEXT_VALUE(span_of_text(watch_cause_name((enum watch_cause)event->cause))),
        STORE_TEXT_VALUE(fault_text(event->fault)),
        STORE_NUMBER_VALUE(event->until_ms)};

    return store_run(store,
                     "insert into provider_events (id, at_ms, host, provider, from_state, "
                     "to_state, cause, why, until_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, "
                     "$9) on conflict (id) do nothing",
                     values, ARRAY_LEN(values), NULL, NULL);
}

static int put_all(struct store *store, void *who)
{
    const struct batch *batch = who;

    for (unsigned i = 0; i < batch->count; i++) {
        int64_t result = put(store, batch->log, &batch->events[i], batch->first + i);

        if (result < 0)
            return (int)result;
    }
    return 0;
}

int event_log_store(struct event_log *log, struct store *store)
{
    struct batch *batch = MEMORY_NEW(struct batch);
    int result = 0;

    for (fill(log, batch); batch->count > 0 && result == 0; fill(log, batch)) {
        result = store_transaction(store, put_all, batch);
        if (result == 0)
            done(log, batch);
    }
    memory_free(batch);
    return result;
}

/* ---- out again --------------------------------------------------------------------------- */

struct each {
    event_row_f *function;
    void *who;
};

static void give(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;

    CHECK(count == 8);
    each->function(each->who, &(struct event_row){.at_ms = values[0].number,
                                                  .host = values[1].text,
                                                  .provider = values[2].text,
                                                  .from = values[3].text,
                                                  .to = values[4].text,
                                                  .cause = values[5].text,
                                                  .why = values[6].text,
                                                  .until_ms = values[7].number});
}

#define COLUMNS "at_ms, host, provider, from_state, to_state, cause, why, until_ms"

int event_log_each(struct event_log *log, struct store *store, struct span provider,
                   unsigned limit, event_row_f *function, void *who)
{
    struct each each = {function, who};
    const struct store_value values[] = {STORE_NUMBER_VALUE(limit), STORE_TEXT_VALUE(provider)};
    int64_t result = event_log_store(log, store);

    if (result == 0 && provider.ptr)
        result = store_run(store,
                           "select " COLUMNS " from provider_events where provider = $2 "
                           "order by at_ms desc, id desc limit $1",
                           values, 2, give, &each);
    else if (result == 0)
        result = store_run(store,
                           "select " COLUMNS " from provider_events "
                           "order by at_ms desc, id desc limit $1",
                           values, 1, give, &each);
    return result < 0 ? (int)result : 0;
}

static void give_event(const struct event_log *log, const struct watch_event *event,
                       event_row_f *function, void *who)
{
    function(who, &(struct event_row){
                      .at_ms = event->at_ms,
                      .until_ms = event->until_ms,
                      .host = span_of_text(log->host),
                      .provider = span_of_text(event->provider),
                      .from = state_text(event->from),
                      .to = state_text(event->to),
                      .cause = span_of_text(watch_cause_name((enum watch_cause)event->cause)),
                      .why = fault_text(event->fault)});
}

void event_log_recent(struct event_log *log, struct span provider, unsigned limit,
                      event_row_f *function, void *who)
{
    (void)pthread_mutex_lock(&log->mutex);
    for (uint64_t i = log->count; i > 0 && log->count - i < EVENT_LOG_ROOM && limit > 0; i--) {
        const struct watch_event *event = &log->ring[(i - 1) % EVENT_LOG_ROOM];

        if (provider.ptr && !span_eq(provider, span_of_text(event->provider)))
            continue;
        give_event(log, event, function, who);
        limit--;
    }
    (void)pthread_mutex_unlock(&log->mutex);
}

int64_t event_log_retain(struct store *store, int64_t before_ms, uint64_t most)
{
    const struct store_value old[] = {STORE_NUMBER_VALUE(before_ms),
                                      STORE_NUMBER_VALUE(RETAIN_ROW)};
    const struct store_value many[] = {STORE_NUMBER_VALUE(most),
                                       STORE_NUMBER_VALUE(RETAIN_ROW)};
    int64_t gone = store_run(store,
                             "delete from provider_events where id in (select id from "
                             "provider_events where at_ms < $1 order by at_ms limit $2)",
                             old, ARRAY_LEN(old), NULL, NULL);
    int64_t more;

    if (gone < 0)
        return gone;
    more = store_run(store,
                     "delete from provider_events where id in (select id from "
                     "provider_events order by at_ms desc, id desc limit $2 offset $1)",
                     many, ARRAY_LEN(many), NULL, NULL);
    return more < 0 ? more : gone + more;
}
