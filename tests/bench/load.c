/*
 * A load program for gateways: one thread, epoll, no hidden retry.
 *
 *   load PORT [option ...]       (see load_options.c; one JSON object on stdout)
 *
 * Closed loop: each connection sends the next request when the last is answered.  Open loop
 * (--rate): requests fall due by the clock, and latency counts from then.  A connection that an
 * answer closes (`Connection: close`), or that dies, is opened anew for the next request.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load_options.h"
#include "tests/bench/load_report.h"
#include "tests/bench/net.h"
#include "tests/bench/reply.h"
#include "tests/bench/timers.h"

enum {
    EVENTS = 512,
    READ_SIZE = 65536,
    SCAN_MS = 100,
    PAUSE_MS = 5
};

enum state {
    IDLE,
    PAUSED,
    CONNECTING,
    SENDING,
    RECEIVING
};

struct conn {
    struct timer timer; /* first: a timer that is due is a connection */
    int fd;
    enum state state;
    uint32_t interest;
    size_t sent;
    uint64_t due_ns;  /* when this request should have begun */
    uint64_t last_ns; /* last byte seen */
    struct reply reply;
    struct conn *next_idle;
};

static struct {
    struct load_options options;
    struct load_counts counts;
    struct bytes request;
    struct conn *conns;
    struct conn *idle; /* open loop: connections without a request */
    struct timers timers;
    FILE *ids;
    int epoll;
    uint64_t busy; /* requests under way */
    uint64_t stop_ns;
    uint64_t next_due_ns; /* open loop: when the next request falls due */
    uint64_t due_queued;  /* open loop: fallen due and without a connection */
    uint64_t next_scan_ns;
    bool open_said;
} load;

static volatile sig_atomic_t told_to_stop;

static void stop_asked(int number)
{
    (void)number;
    told_to_stop = 1;
}

static void request_begin(struct conn *c);

static bool over(uint64_t now)
{
    return told_to_stop || (load.stop_ns && now >= load.stop_ns) ||
           (load.options.requests && load.counts.requests >= load.options.requests);
}

static void conn_watch(struct conn *c, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = c};

    if (c->interest == interest)
        return;
    int what = c->interest ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    c->interest = interest;
    if (epoll_ctl(load.epoll, what, c->fd, &event) < 0)
        net_fail("waiting for a connection");
}

static void conn_close(struct conn *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    c->fd = -1;
    c->interest = 0;
}

/* The connection's next request, now, after a pause, or when one falls due. */
static void conn_next(struct conn *c, bool pause)
{
    uint64_t now = clock_ns();

    c->state = IDLE;
    if (pause && !over(now)) {
        c->state = PAUSED;
        timer_start(&load.timers, &c->timer, now + PAUSE_MS * 1000000U);
    } else if (load.options.rate) {
        c->next_idle = load.idle;
        load.idle = c;
    } else if (!over(now) && !load.options.hold) {
        c->due_ns = now;
        request_begin(c);
    }
}

/* The request is over; `keep`: the connection may carry the next one. */
static void request_end(struct conn *c, bool keep, bool pause)
{
    load.busy--;
    if (load.options.stream && c->reply.chunks)
        load.counts.streams_open--;
    if (!keep)
        conn_close(c);
    conn_next(c, pause);
}

static void request_failed(struct conn *c, enum failure why)
{
    load_failed(&load.counts, why);
    request_end(c, false, why == FAILURE_connect_refused || why == FAILURE_connect_failed);
}

static void request_answered(struct conn *c, uint64_t now)
{
    const struct reply *r = &c->reply;
    bool keep = !r->close && !load.options.close;

    load.counts.statuses[r->status < STATUSES ? r->status : 0]++;
    if (load.ids)
        (void)fprintf(load.ids, "%s %u\n", r->id[0] ? r->id : "-", r->status);
    if (r->close && !load.options.close)
        load.counts.close_honoured++;
    if (r->status == 200 && reply_body_is_good(r, load.options.stream)) {
        load.counts.ok++;
        histogram_add(&load.counts.latency, now - c->due_ns);
        request_end(c, keep, false);
        return;
    }
    enum failure why = r->status != 200                   ? FAILURE_bad_status
                       : r->fault                         ? FAILURE_cut_said
                       : load.options.stream && r->events ? FAILURE_cut
                                                          : FAILURE_bad_body;

    load_failed(&load.counts, why);
    request_end(c, keep && !r->rest, false);
}

/* The peer is gone; `error` is 0 for an orderly close. */
static void peer_gone(struct conn *c, int error, uint64_t now)
{
    if (c->state == IDLE) {
        load.counts.idle_closed++;
        conn_close(c);
        return;
    }
    reply_end_of_input(&c->reply);
    if (!error && c->reply.state == REPLY_DONE)
        request_answered(c, now);
    else if (c->reply.bytes)
        request_failed(c, FAILURE_cut);
    else
        request_failed(c, error ? FAILURE_reset_before_byte : FAILURE_closed_before_byte);
}

static void conn_send(struct conn *c)
{
    while (c->sent < load.request.len) {
        ssize_t got = send(c->fd, bytes_at(&load.request) + c->sent, load.request.len - c->sent,
                           MSG_NOSIGNAL);

        if (got < 0 && errno == EAGAIN) {
            conn_watch(c, EPOLLIN | EPOLLOUT);
            return;
        }
        if (got < 0) {
            peer_gone(c, errno, clock_ns());
            return;
        }
        c->sent += (size_t)got;
    }
    c->state = RECEIVING;
    conn_watch(c, EPOLLIN);
}

static void request_begin(struct conn *c)
{
    load.counts.requests++;
    load.busy++;
    c->sent = 0;
    c->last_ns = clock_ns();
    reply_begin(&c->reply);
    if (c->fd >= 0) {
        c->state = SENDING;
        conn_send(c);
        return;
    }
    load.counts.connections_opened++;
    c->fd = net_connect(load.options.port);
    c->state = CONNECTING;
    if (c->fd < 0)
        request_failed(c, c->fd == -ECONNREFUSED ? FAILURE_connect_refused
                                                 : FAILURE_connect_failed);
    else
        conn_watch(c, EPOLLOUT);
}

static void connected(struct conn *c)
{
    int error = net_connect_result(c->fd);

    if (error) {
        request_failed(c, error == ECONNREFUSED ? FAILURE_connect_refused
                                                : FAILURE_connect_failed);
        return;
    }
    c->state = SENDING;
    conn_send(c);
}

static void streams_opened(void)
{
    load.counts.streams_open++;
    if (load.counts.streams_open > load.counts.streams_most)
        load.counts.streams_most = load.counts.streams_open;
    if (!load.options.hold || load.open_said ||
        load.counts.streams_open < load.options.connections)
        return;
    load.open_said = true;
    (void)fprintf(stderr, "open %lu\n", load.counts.streams_open);
}

/* What came brought `news` events, the first ones of the answer perhaps. */
static void events_came(struct conn *c, uint64_t news, uint64_t now)
{
    load.counts.chunks += news;
    if (c->reply.chunks == news) {
        histogram_add(&load.counts.first, now - c->due_ns);
        streams_opened();
    } else {
        histogram_add(&load.counts.gap, now - c->last_ns);
    }
    c->last_ns = now;
}

static void answer_readable(struct conn *c)
{
    static char block[READ_SIZE];
    uint64_t chunks_before = c->reply.chunks;
    ssize_t got = recv(c->fd, block, sizeof block, 0);
    uint64_t now = clock_ns();

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        peer_gone(c, got < 0 ? errno : 0, now);
        return;
    }
    if (c->state == IDLE) {
        load_failed(&load.counts, FAILURE_bad_http); /* bytes that nobody asked for */
        conn_close(c);
        return;
    }
    bool first = !c->reply.bytes;

    reply_take(&c->reply, block, (size_t)got);
    if (first && !load.options.stream)
        histogram_add(&load.counts.first, now - c->due_ns);
    if (c->reply.chunks > chunks_before)
        events_came(c, c->reply.chunks - chunks_before, now);
    c->last_ns = now;
    if (c->reply.state == REPLY_BAD) {
        request_failed(c, FAILURE_bad_http);
    } else if (c->reply.state == REPLY_DONE) {
        request_answered(c, now);
    } else if (load.options.abort_chunks && c->reply.chunks >= load.options.abort_chunks) {
        load.counts.aborted++;
        request_end(c, false, false);
    }
}

static void event_take(const struct epoll_event *event)
{
    struct conn *c = event->data.ptr;

    if (c->fd < 0)
        return;
    if (c->state == CONNECTING) {
        connected(c);
        return;
    }
    /* An early answer (an error while the body is being sent) is read before more is sent. */
    if (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        answer_readable(c);
    if (c->fd >= 0 && c->state == SENDING && (event->events & EPOLLOUT))
        conn_send(c);
}

static void silent_ones_end(uint64_t now)
{
    uint64_t limit = load.options.timeout_ms * 1000000U;

    if (now < load.next_scan_ns)
        return;
    load.next_scan_ns = now + SCAN_MS * 1000000U;
    for (uint64_t i = 0; i < load.options.connections; i++) {
        struct conn *c = &load.conns[i];

        if (c->state >= CONNECTING && now > c->last_ns && now - c->last_ns > limit)
            request_failed(c, FAILURE_timeout);
    }
}

/* Open loop: gives what fell due to free connections, oldest first. */
static void due_ones_begin(uint64_t now)
{
    uint64_t step = 1000000000U / load.options.rate;

    while (load.next_due_ns <= now && !over(load.next_due_ns)) {
        load.next_due_ns += step;
        load.due_queued++;
    }
    while (load.due_queued && load.idle) {
        struct conn *c = load.idle;

        if (load.options.requests && load.counts.requests >= load.options.requests) {
            load.due_queued = 0;
            return;
        }
        load.idle = c->next_idle;
        c->due_ns = load.next_due_ns - load.due_queued-- * step;
        request_begin(c);
    }
    if (load.due_queued > load.counts.queued_most)
        load.counts.queued_most = load.due_queued;
}

static void timers_run(uint64_t now)
{
    struct timer *due;

    while ((due = timer_take(&load.timers, now)) != NULL) {
        struct conn *c = (struct conn *)due;

        c->state = IDLE;
        if (load.options.rate) {
            conn_next(c, false);
        } else if (!over(now)) {
            c->due_ns = now;
            request_begin(c);
        }
    }
}

/* How long to wait for events: to the next timer or request, and at most 50 ms. */
static struct timespec wait_time(uint64_t now)
{
    uint64_t wait_ns = 50000000U;
    int timer_ms = timers_wait_ms(&load.timers, now);

    if (timer_ms >= 0 && (uint64_t)timer_ms * 1000000U < wait_ns)
        wait_ns = (uint64_t)timer_ms * 1000000U;
    if (load.options.rate && !over(now)) {
        uint64_t due_ns = load.next_due_ns > now ? load.next_due_ns - now : 0;

        wait_ns = due_ns < wait_ns ? due_ns : wait_ns;
    }
    return (struct timespec){.tv_nsec = (long)wait_ns};
}

static void start_all(uint64_t now)
{
    uint64_t step = load.options.ramp ? 1000000000U / load.options.ramp : 0;

    for (uint64_t i = 0; i < load.options.connections; i++) {
        struct conn *c = &load.conns[i];

        c->fd = -1;
        c->state = PAUSED;
        if (load.options.rate)
            conn_next(c, false);
        else
            timer_start(&load.timers, &c->timer, now + i * step);
    }
}

/* One turn of the loop; false when all is over. */
static bool turn(uint64_t *give_up_ns)
{
    static struct epoll_event events[EVENTS];
    uint64_t now = clock_ns();

    if (over(now) && !*give_up_ns)
        *give_up_ns = now + (load.options.hold ? 0 : load.options.grace_ms * 1000000U);
    if (*give_up_ns && (!load.busy || now >= *give_up_ns))
        return false;
    if (load.options.rate)
        due_ones_begin(now);
    struct timespec wait = wait_time(now);
    int count = epoll_pwait2(load.epoll, events, EVENTS, &wait, NULL);

    if (count < 0 && errno != EINTR)
        net_fail("waiting for events");
    for (int i = 0; i < count; i++)
        event_take(&events[i]);
    now = clock_ns();
    timers_run(now);
    silent_ones_end(now);
    return true;
}

static void run(void)
{
    uint64_t give_up_ns = 0;
    uint64_t now = clock_ns();

    load.counts.begun_ns = load.next_due_ns = now;
    if (load.options.duration_ms)
        load.stop_ns = now + load.options.duration_ms * 1000000U;
    start_all(now);
    while (turn(&give_up_ns))
        continue;
    load.counts.ended_ns = clock_ns();
    if (load.options.hold)
        load.counts.held = load.busy;
    else
        load.counts.unfinished = load.busy;
}

int main(int argc, char **argv)
{
    struct sigaction stop = {.sa_handler = stop_asked};

    load.options = load_options_read(argc, argv);
    net_open_files(65536);
    load_request_make(&load.options, &load.request);
    load.conns = memory_zeroed(load.options.connections, sizeof *load.conns);
    load.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load.epoll < 0)
        net_fail("making the event loop");
    if (load.options.ids_file && !(load.ids = fopen(load.options.ids_file, "w")))
        net_fail("opening the file of ids");
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    run();
    if (load.ids)
        (void)fclose(load.ids);
    load_report(&load.counts, &load.options);
    return 0;
}
