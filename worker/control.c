/* Orders and snapshots from the parent. */
#include <errno.h>
#include <unistd.h>

#include "shared/base/log.h"

#include "worker/worker.h"

#define ORPHAN_DRAIN_MS 600000

static void adopt_limits(struct worker *worker)
{
    const struct snapshot_limits *limits = &worker->view->page->limits;

    worker->limits = (struct http_limits){
        .head_bytes = limits->head_bytes,
        .target_bytes = limits->target_bytes,
        .header_count = limits->header_count,
    };
    worker->upstream.limits = (struct http_limits){
        .head_bytes = limits->head_bytes,
        .target_bytes = limits->target_bytes,
        .header_count = HTTP_HEADERS_MAX,
    };
    worker->times = worker->view->page->times;
    log_set_level((enum log_level)worker->view->page->log_level);
}

static void open_access_log(struct worker *worker)
{
    const char *target =
        snapshot_string(worker->view->snapshot, worker->view->page->access_log);
    int result = sink_open(&worker->access, target);

    if (result < 0)
        log_event(LOG_ERROR, "the access log cannot be opened",
                  LOG_TEXT_FIELD("file", span_of_text(target)), LOG_ERRNO_FIELD(result));
}

int control_take_snapshot(struct worker *worker, int fd)
{
    struct view *before = worker->view;
    struct snapshot *snapshot;
    struct buffer why _buffer_;

    buffer_init(&why, 1024);
    snapshot = snapshot_attach(fd, &why);
    (void)close(fd);
    if (!snapshot) {
        log_event(LOG_ERROR, "a snapshot was refused, the old one stays in force",
                  LOG_TEXT_FIELD("error", buffer_span(&why)));
        return -EPROTO;
    }
    worker->view = view_new(snapshot, &worker->upstream, worker->segment, before, &why);
    if (why.len > 0)
        log_event(LOG_ERROR, "a listener's certificates cannot be used",
                  LOG_TEXT_FIELD("error", buffer_span(&why)));
    if (why.len > 0 && !before && worker->strict)
        return -EINVAL; /* the crew before goes on, or there is no start */
    adopt_limits(worker);
    depot_follow(&worker->depot,
                 snapshot_span(worker->view->snapshot, worker->view->page->cache.redis));
    open_access_log(worker);
    metric_add(worker->metrics, METRIC_snapshots_total, 1);
    atomic_store_explicit(&worker->slot->snapshot_generation, worker->view->page->generation,
                          memory_order_release);
    view_unref(before);
    return 0;
}

static void parent_died(struct worker *worker)
{
    (void)uv_poll_stop(&worker->control);
    log_note(LOG_WARNING, "the parent is gone: finishing what is under way");
    drain_begin(worker, worker->times.drain_ms ? worker->times.drain_ms : ORPHAN_DRAIN_MS, 0);
}

static void obey(struct worker *worker, const struct control_message *message, int fd)
{
    if (message->kind == CONTROL_SNAPSHOT && fd >= 0) {
        (void)control_take_snapshot(worker, fd);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
    if (message->kind == CONTROL_DRAIN)
        drain_begin(worker, message->value, message->delay_ms);
    else if (message->kind == CONTROL_HURRY)
        drain_hurry(worker, message->value);
}

static void read_all(struct worker *worker)
{
    struct control_message message;
    int fd, result;

    while ((result = control_receive(worker->control_fd, &message, &fd)) > 0)
        obey(worker, &message, fd);
    if (result < 0 && result != -EAGAIN)
        parent_died(worker);
}

void control_catch_up(struct worker *worker)
{
    uint64_t wanted =
        atomic_load_explicit(segment_generation(worker->segment), memory_order_acquire);

    if (wanted > worker->view->page->generation)
        read_all(worker);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    read_all(poll->data);
}

int control_open(struct worker *worker)
{
    int result = uv_poll_init(&worker->reactor.loop, &worker->control, worker->control_fd);

    worker->control.data = worker;
    if (result == 0)
        result = uv_poll_start(&worker->control, UV_READABLE, readable);
    return result;
}
