#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shared/base/log.h"
#include "shared/base/memory.h"
#include "shared/base/title.h"

#include "worker/cache/request_key.h"

#define HEARTBEAT_MS     250
#define ACCESS_MS        5 /* a burst of requests shares one write of its lines */
#define ACCESS_BYTES     49152
#define HEAD_SIZE_LIMIT  16384
#define ROOMS_SIZE_LIMIT 4096

static uint64_t next_journal(void *who)
{
    struct worker *worker = who;
    uint64_t number = segment_next_journal(worker->segment);

    atomic_store_explicit(&worker->slot->journal_name, number, memory_order_release);
    return number;
}

/* The rows of exchanges whose records are written. While the disk refuses they stay, so that
 * the supervisor can still make the records should this worker die, as long as there is room.
 */
static void free_rows(struct worker *worker, bool written)
{
    if (!written && worker->freeing_count < WORKER_FREEING)
        return;
    for (unsigned i = 0; i < worker->freeing_count; i++)
        ticket_give_back(&worker->places, &worker->freeing[i]);
    worker->freeing_count = 0;
}

static void flush_records(struct worker *worker)
{
    int before = worker->journal.last_error;
    int result = journal_flush(&worker->journal);

    if (result < 0 && before == 0)
        log_event(LOG_ERROR, "usage records cannot be written, they wait in memory",
                  LOG_ERRNO_FIELD(result));
    if (result < 0)
        metric_add(worker->metrics, METRIC_journal_failures_total, 1);
    free_rows(worker, result == 0);
}

void worker_flush(struct worker *worker)
{
    flush_records(worker);
    sink_flush(&worker->access);
}

/* Figures that rooms keep for themselves: what has come since the last look is added. */
static void add_since(struct worker *worker, enum metric metric, uint64_t now, uint64_t *seen)
{
    metric_add(worker->metrics, metric, now - *seen);
    *seen = now;
}

static void count_rooms(struct worker *worker)
{
    struct room_figures *seen = &worker->seen;
    uint64_t opened = 0, reused = 0;

    for (const struct endpoint *at = worker->upstream.endpoints; at; at = at->next) {
        opened += at->opened_count;
        reused += at->reused_count;
    }
    add_since(worker, METRIC_upstream_connects_total, opened, &seen->connects);
    add_since(worker, METRIC_upstream_reuses_total, reused, &seen->reuses);
    add_since(worker, METRIC_journal_bytes_total, worker->journal.written_bytes,
              &seen->journal_bytes);
    add_since(worker, METRIC_journal_lost_total, worker->journal.lost, &seen->journal_lost);
    add_since(worker, METRIC_access_lost_total, worker->access.lost, &seen->access_lost);
}

/* Before the loop waits: usage records go out at once; access lines may wait for company, at
 * most until the next beat of the heart. */
static void turn_ends(uv_prepare_t *prepare)
{
    struct worker *worker = prepare->data;
    uint64_t now_ms = reactor_now_ms(&worker->reactor);

    if (worker->freeing_count > 0 || worker->journal.waiting.len > 0)
        flush_records(worker);
    if (worker->access.waiting.len > 0 && (worker->access.waiting.len >= ACCESS_BYTES ||
                                           now_ms - worker->access_ms >= ACCESS_MS)) {
        sink_flush(&worker->access);
        worker->access_ms = now_ms;
    }
}

static void beat(uv_timer_t *timer)
{
    struct worker *worker = timer->data;

    atomic_store_explicit(&worker->slot->heartbeat_ms, reactor_now_ms(&worker->reactor),
                          memory_order_release);
    count_rooms(worker);
    sink_flush(&worker->access);
    control_catch_up(worker);
    depot_tick(&worker->depot);
}

static int inherit(struct worker *worker, const struct heritage *heritage)
{
    worker->slot_index = heritage->slot;
    worker->number = heritage->number;
    worker->strict = heritage->strict != 0;
    worker->control_fd = heritage->control_fd;
    worker->listener_count = (unsigned)heritage->listener_count;
    for (unsigned i = 0; i < worker->listener_count; i++)
        worker->listener_fds[i] = heritage->listeners[i];
    worker->segment = segment_attach(heritage->segment_fd);
    if (!worker->segment)
        return -errno;
    if (heritage->cache_fd >= 0)
        worker->cache = cache_attach(heritage->cache_fd);
    worker->slot = segment_slot(worker->segment, worker->slot_index);
    worker->metrics = segment_metrics(worker->segment, worker->slot_index);
    atomic_store_explicit(&worker->slot->connections, 0, memory_order_relaxed);
    return 0;
}

static int open_loop(struct worker *worker)
{
    struct reactor *reactor = &worker->reactor;
    const char *why = NULL;
    int result = reactor_init(reactor);

    if (result < 0)
        return result;
    reactor->http = &worker->http;
    buffer_init(&worker->head, HEAD_SIZE_LIMIT);
    buffer_init(&worker->key_text, REQUEST_KEY_TEXT_BYTES);
    buffer_init(&worker->rooms, ROOMS_SIZE_LIMIT);
    depot_init(&worker->depot, &reactor->loop, worker->metrics);
    flights_init(&worker->flights, worker);
    turns_open(worker);
    worker->batch.scratch = memory_new_raw(REACTOR_READ_BYTES);
    worker->resolver = resolver_new(reactor, &(struct resolver_options){0}, &why);
    if (!worker->resolver) {
        log_event(LOG_ERROR, "the resolver cannot start",
                  LOG_TEXT_FIELD("error", span_of_text(why)));
        return -ENOMEM;
    }
    upstream_init(&worker->upstream, reactor, worker->resolver, SPAN("aigw"));
    places_init(&worker->places, worker->segment, worker->slot_index);
    worker->prepare.data = worker->heartbeat.data = worker->drain_timer.data = worker;
    (void)uv_prepare_init(&reactor->loop, &worker->prepare);
    (void)uv_timer_init(&reactor->loop, &worker->heartbeat);
    (void)uv_timer_init(&reactor->loop, &worker->drain_timer);
    (void)uv_prepare_start(&worker->prepare, turn_ends);
    (void)uv_timer_start(&worker->heartbeat, beat, 0, HEARTBEAT_MS);
    return 0;
}

/* A worker that can keep no responses can do all else. */
static void open_kept(struct worker *worker)
{
    const struct view *view = worker->view;
    int result = kept_open(&worker->kept, snapshot_span(view->snapshot, view->page->state_dir));

    if (result < 0)
        log_event(LOG_ERROR, "responses cannot be kept", LOG_ERRNO_FIELD(result));
}

static int open_rooms(struct worker *worker, const struct heritage *heritage)
{
    int result = control_take_snapshot(worker, heritage->snapshot_fd);

    if (result == 0)
        result =
            journal_open(&worker->journal,
                         snapshot_span(worker->view->snapshot, worker->view->page->state_dir),
                         next_journal, worker);
    if (result == 0)
        open_kept(worker);
    if (result == 0)
        result = control_open(worker);
    if (result == 0)
        result = clients_open(worker);
    return result;
}

static int say_ready(struct worker *worker)
{
    struct control_message ready = {.kind = CONTROL_READY};

    atomic_store_explicit(&worker->slot->heartbeat_ms, reactor_now_ms(&worker->reactor),
                          memory_order_release);
    atomic_store_explicit(&worker->slot->state, SLOT_READY, memory_order_release);
    return control_send(worker->control_fd, &ready, -1);
}

static void name_process(const struct heritage *heritage)
{
    char title[32];
    const char *role = title + strlen("aigw: ");

    (void)snprintf(title, sizeof(title), "aigw: worker %u", heritage->number);
    log_open(role, LOG_INFO, LOG_AUTO);
    title_set(title);
    /* The parent decides; a terminal's Ctrl-C reaches all. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGUSR2, SIG_IGN);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

int worker_main(const struct heritage *heritage)
{
    static struct worker *worker; /* reachable until the end, for the leak checker */
    int result;

    worker = MEMORY_NEW(struct worker);
    name_process(heritage);
    result = inherit(worker, heritage);
    if (result == 0)
        result = open_loop(worker);
    if (result == 0)
        result = open_rooms(worker, heritage);
    if (result == 0)
        result = say_ready(worker);
    if (result < 0) {
        log_event(LOG_ERROR, "the worker cannot start", LOG_ERRNO_FIELD(result));
        return 1;
    }
    (void)uv_run(&worker->reactor.loop, UV_RUN_DEFAULT);
    return 0;
}
