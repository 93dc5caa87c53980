/*
 * A fake provider of the OpenAI dialect: one thread, epoll, keep-alive.
 *
 *   provider [--port N] [--chunks N] [--pace-ms N] [--answer-bytes N] [--chunk-bytes N]
 *            [--work-us N] [--everywhere]
 *
 * Prints "port N" once it listens.  POST of any path is answered as the model's name asks (see
 * answers.h).  GET /v1/models: a small list.  GET /__count: what it has seen, as JSON;
 * GET /__ids: each x-request-id and how often it came; POST /__reset: begins to count anew;
 * GET /__fail/503: every model answers with that status from now on, 999 with a reset of the
 * connection, until /__fail/0.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/answers.h"
#include "tests/bench/idset.h"
#include "tests/bench/net.h"
#include "tests/bench/timers.h"
#include "tests/bench/wire.h"

enum {
    EVENTS = 512,
    READ_SIZE = 65536,
    REQUEST_LIMIT = 64 * 1024 * 1024,
    FAIL_BY_RESET = 999,
    QUEUED_LIMIT = 1024 * 1024 /* bytes of later requests that one connection may send ahead */
};

/* What a connection waits for. */
enum state {
    READING,
    DELAYED,
    STREAMING
};

struct client {
    struct timer timer; /* first: a timer that is due is a client */
    int fd;
    enum state state;
    uint32_t interest;
    bool close_after; /* close when all is written */
    bool fast;        /* in the list of streams that wait for no clock */
    bool continued;   /* 100 Continue was sent for the request being read */
    uint64_t sent;    /* chunks of this stream */
    struct plan plan;
    struct bytes in;
    struct bytes out;
    struct client *next_fast;
    struct client *previous_fast;
};

static struct {
    int epoll;
    int listener;
    uint64_t work_us;
    unsigned failing; /* the status of all answers; 0: as the models say */
    struct timers timers;
    struct client *fast;
    struct idset ids;
    struct client *dead; /* freed when the events of this turn are done */
    uint64_t connections, open, requests, plain, streams, streams_ended, errors;
    uint64_t left_in_answer, left_in_request, without_id, chunks;
} provider;

static void fast_add(struct client *c)
{
    if (c->fast)
        return;
    c->fast = true;
    c->previous_fast = NULL;
    c->next_fast = provider.fast;
    if (provider.fast)
        provider.fast->previous_fast = c;
    provider.fast = c;
}

static void fast_remove(struct client *c)
{
    if (!c->fast)
        return;
    c->fast = false;
    if (c->previous_fast)
        c->previous_fast->next_fast = c->next_fast;
    else
        provider.fast = c->next_fast;
    if (c->next_fast)
        c->next_fast->previous_fast = c->previous_fast;
}

static void client_close(struct client *c, bool reset)
{
    if (c->fd < 0)
        return;
    timer_stop(&provider.timers, &c->timer);
    fast_remove(c);
    if (reset)
        net_reset(c->fd);
    else
        (void)close(c->fd);
    c->fd = -1;
    provider.open--;
    bytes_done(&c->in);
    bytes_done(&c->out);
    c->next_fast = provider.dead;
    provider.dead = c;
}

static void client_watch(struct client *c, uint32_t interest)
{
    struct epoll_event event = {.events = interest, .data.ptr = c};

    if (c->interest == interest)
        return;
    c->interest = interest;
    if (epoll_ctl(provider.epoll, EPOLL_CTL_MOD, c->fd, &event) < 0)
        net_fail("changing what to wait for");
}

/* Writes what stands in `out`; true when nothing is left and the connection lives. */
static bool client_flush(struct client *c)
{
    while (c->out.len) {
        ssize_t sent = send(c->fd, bytes_at(&c->out), c->out.len, MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN) {
            client_watch(c, EPOLLIN | EPOLLOUT);
            return false;
        }
        if (sent < 0) {
            provider.left_in_answer++;
            client_close(c, false);
            return false;
        }
        bytes_drop(&c->out, (size_t)sent);
    }
    client_watch(c, EPOLLIN);
    if (!c->close_after)
        return true;
    client_close(c, false);
    return false;
}

/* Spends time, as a provider's own work would. */
static void work(void)
{
    uint64_t until = clock_ns() + provider.work_us * 1000U;

    while (provider.work_us && clock_ns() < until)
        continue;
}

static void stream_end(struct client *c)
{
    c->state = READING;
    if (c->plan.cut)
        c->close_after = true;
    else
        answer_stream_end(&c->plan, &c->out);
    provider.streams_ended++;
}

/* The next chunk, or the end; each is one write, as real providers do it. */
static void stream_step(struct client *c)
{
    uint64_t last = c->plan.cut ? c->plan.cut_after : c->plan.chunks;

    if (c->sent < last) {
        answer_stream_chunk(c->sent++, &c->out);
        provider.chunks++;
    }
    if (c->sent >= last)
        stream_end(c);
    else if (c->plan.pace_ns)
        timer_start(&provider.timers, &c->timer, c->timer.due_ns + c->plan.pace_ns);
    bool flushed = client_flush(c);

    if (flushed && c->state == STREAMING && !c->plan.pace_ns)
        fast_add(c);
    else
        fast_remove(c);
}

static void answer_start(struct client *c)
{
    if (c->plan.stream) {
        provider.streams++;
        c->state = STREAMING;
        c->sent = 0;
        c->timer.due_ns = clock_ns();
        answer_stream_head(&c->plan, &c->out);
        stream_step(c);
        return;
    }
    provider.plain++;
    if (c->plan.status != 200)
        provider.errors++;
    c->state = READING;
    c->close_after |= c->plan.cut;
    answer_plain(&c->plan, &c->out);
    (void)client_flush(c);
}

static void request_taken(struct client *c, struct text head, struct text body)
{
    struct text id = wire_header(head, "x-request-id");

    provider.requests++;
    if (id.len)
        idset_see(&provider.ids, id);
    else
        provider.without_id++;
    work();
    c->plan = plan_read(body);
    if (provider.failing)
        c->plan = (struct plan){.status = provider.failing,
                                .reset = provider.failing == FAIL_BY_RESET};
    if (wire_has(wire_header(head, "connection"), "close"))
        c->plan.close = true;
    c->close_after = c->plan.close;
    if (c->plan.reset) {
        client_close(c, true);
    } else if (c->plan.delay_ns) {
        c->state = DELAYED;
        timer_start(&provider.timers, &c->timer, clock_ns() + c->plan.delay_ns);
    } else {
        answer_start(c);
    }
}

static void counts_print(struct bytes *out)
{
    bytes_format(out,
                 "{\"requests\":%lu,\"plain\":%lu,\"streams\":%lu,\"streams_ended\":%lu,"
                 "\"errors\":%lu,\"chunks\":%lu,",
                 provider.requests, provider.plain, provider.streams, provider.streams_ended,
                 provider.errors, provider.chunks);
    bytes_format(out, "\"connections\":%lu,\"open\":%lu,", provider.connections, provider.open);
    bytes_format(out, "\"left_in_answer\":%lu,\"left_in_request\":%lu,",
                 provider.left_in_answer, provider.left_in_request);
    bytes_format(out,
                 "\"distinct_ids\":%zu,\"duplicate_ids\":%zu,\"lost_ids\":%zu,"
                 "\"without_id\":%lu}\n",
                 provider.ids.distinct, provider.ids.duplicates, provider.ids.lost,
                 provider.without_id);
}

static void counts_reset(void)
{
    idset_clear(&provider.ids);
    provider.connections = provider.requests = provider.plain = provider.streams = 0;
    provider.streams_ended = provider.errors = provider.chunks = provider.without_id = 0;
    provider.left_in_answer = provider.left_in_request = 0;
}

static unsigned failing_of(struct text line)
{
    static const char before[] = " /__fail/";
    const char *at = memmem(line.ptr, line.len, before, sizeof(before) - 1);
    unsigned number = 0;

    for (at += sizeof(before) - 1; at < line.ptr + line.len && *at >= '0' && *at <= '9'; at++)
        number = number * 10 % 1000 + (unsigned)(*at - '0');
    return number;
}

/* The control paths; false when `line` asks for none of them. */
static bool control(struct client *c, struct text line)
{
    static const char models[] =
        "{\"object\":\"list\",\"data\":[{\"id\":\"gpt-5-mini\",\"object\":\"model\",\"created\":"
        "1700000000,\"owned_by\":\"bench\"},{\"id\":\"gpt-5\",\"object\":\"model\",\"created\":"
        "1700000000,\"owned_by\":\"bench\"}]}";
    const char *type = "application/json";
    struct bytes text = {0};

    if (wire_has(line, " /__count "))
        counts_print(&text);
    else if (wire_has(line, " /__ids "))
        idset_print(&provider.ids, &text), type = "text/plain";
    else if (wire_has(line, " /__reset "))
        counts_reset();
    else if (wire_has(line, " /__fail/"))
        provider.failing = failing_of(line);
    else if (wire_equal((struct text){line.ptr, 4}, "GET "))
        bytes_text(&text, models);
    else
        return false;
    answer_text(type, (struct text){text.len ? bytes_at(&text) : "", text.len}, &c->out);
    bytes_done(&text);
    (void)client_flush(c);
    return true;
}

static void continue_once(struct client *c, struct text head)
{
    if (c->continued || !wire_has(wire_header(head, "expect"), "100-continue"))
        return;
    c->continued = true;
    bytes_text(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    (void)client_flush(c);
}

/* Length of the request's body in the connection, SIZE_MAX while some of it is missing. */
static size_t body_len(struct client *c, struct text head, struct text *ret_body)
{
    char *from = bytes_at(&c->in) + head.len;
    size_t there = c->in.len - head.len;

    if (wire_has(wire_header(head, "transfer-encoding"), "chunked")) {
        size_t len = wire_unchunk(from, there, ret_body);

        return len ? len : SIZE_MAX;
    }
    size_t len = wire_number(wire_header(head, "content-length"));

    *ret_body = (struct text){from, len};
    return len <= there ? len : SIZE_MAX;
}

/* Takes one whole request from the connection; false when there is none. */
static bool request_take(struct client *c)
{
    size_t head_len = wire_head_len(c->in.len ? bytes_at(&c->in) : NULL, c->in.len);
    struct text head = {head_len ? bytes_at(&c->in) : NULL, head_len};
    struct text body;

    if (!head_len)
        return false;
    size_t len = body_len(c, head, &body);

    if (len == SIZE_MAX) {
        continue_once(c, head);
        return false;
    }
    const char *line_end = memchr(head.ptr, '\r', head.len);
    struct text line = {head.ptr, (size_t)(line_end - head.ptr)};

    c->continued = false;
    if (!control(c, line))
        request_taken(c, head, body);
    if (c->fd >= 0)
        bytes_drop(&c->in, head_len + len);
    return c->fd >= 0;
}

static void requests_take(struct client *c)
{
    while (c->fd >= 0 && c->state == READING && !c->close_after && request_take(c))
        continue;
    if (c->fd >= 0 && c->in.len == 0)
        bytes_done(&c->in);
}

static void client_left(struct client *c)
{
    if (c->state != READING || c->out.len)
        provider.left_in_answer++;
    else if (c->in.len)
        provider.left_in_request++;
    client_close(c, false);
}

static void client_readable(struct client *c)
{
    static char block[READ_SIZE];
    ssize_t got = recv(c->fd, block, sizeof block, 0);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        client_left(c);
        return;
    }
    bytes_add(&c->in, block, (size_t)got);
    if (c->in.len > (c->state == READING ? REQUEST_LIMIT : QUEUED_LIMIT)) {
        client_close(c, true);
        return;
    }
    requests_take(c);
}

static void client_writable(struct client *c)
{
    if (!client_flush(c))
        return;
    if (c->state == STREAMING && !c->plan.pace_ns)
        fast_add(c);
    requests_take(c);
}

static void clients_accept(void)
{
    for (int i = 0; i < 64; i++) {
        int fd = accept4(provider.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        struct client *c = memory_zeroed(1, sizeof *c);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

        net_no_delay(fd);
        c->fd = fd;
        c->interest = EPOLLIN;
        provider.connections++;
        provider.open++;
        if (epoll_ctl(provider.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            net_fail("waiting for a connection");
    }
}

static void timers_run(void)
{
    uint64_t now = clock_ns();
    struct timer *due;

    while ((due = timer_take(&provider.timers, now)) != NULL) {
        struct client *c = (struct client *)due;

        if (c->state == DELAYED)
            answer_start(c);
        else if (c->out.len)
            timer_start(&provider.timers, due, now + c->plan.pace_ns); /* the peer is behind */
        else
            stream_step(c);
        requests_take(c);
    }
}

/* One chunk for each stream without a pace, so that none starves another. */
static void fast_run(void)
{
    for (struct client *c = provider.fast, *next; c; c = next) {
        next = c->next_fast;
        stream_step(c);
        requests_take(c);
    }
}

static void dead_free(void)
{
    while (provider.dead) {
        struct client *c = provider.dead;

        provider.dead = c->next_fast;
        free(c);
    }
}

static void event_take(const struct epoll_event *event)
{
    struct client *c = event->data.ptr;

    if (!c) {
        clients_accept();
        return;
    }
    if (c->fd >= 0 && (event->events & EPOLLOUT))
        client_writable(c);
    if (c->fd >= 0 && (event->events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        client_readable(c);
}

static void serve(void)
{
    static struct epoll_event events[EVENTS];

    for (;;) {
        int wait_ms = provider.fast ? 0 : timers_wait_ms(&provider.timers, clock_ns());
        int count = epoll_wait(provider.epoll, events, EVENTS, wait_ms);

        if (count < 0 && errno != EINTR)
            net_fail("waiting for events");
        for (int i = 0; i < count; i++)
            event_take(&events[i]);
        timers_run();
        fast_run();
        dead_free();
    }
}

static uint64_t number_of(const char *text)
{
    return wire_number((struct text){text, strlen(text)});
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"chunks", required_argument, NULL, 'c'},
                                            {"pace-ms", required_argument, NULL, 'm'},
                                            {"answer-bytes", required_argument, NULL, 'a'},
                                            {"chunk-bytes", required_argument, NULL, 'b'},
                                            {"work-us", required_argument, NULL, 'w'},
                                            {"everywhere", no_argument, NULL, 'e'},
                                            {NULL, 0, NULL, 0}};
    struct answer_defaults defaults = {
        .chunks = 20, .pace_ms = 0, .answer_bytes = 700, .chunk_bytes = 200};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    uint16_t port = 0;
    bool everywhere = false;

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'p': port = (uint16_t)number_of(optarg); break;
        case 'c': defaults.chunks = number_of(optarg); break;
        case 'm': defaults.pace_ms = number_of(optarg); break;
        case 'a': defaults.answer_bytes = number_of(optarg); break;
        case 'b': defaults.chunk_bytes = number_of(optarg); break;
        case 'w': provider.work_us = number_of(optarg); break;
        case 'e': everywhere = true; break;
        default: return 2;
        }
    }
    net_open_files(65536);
    answers_make(&defaults);
    provider.listener = net_listen(port, everywhere, &port);
    provider.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (provider.epoll < 0 ||
        epoll_ctl(provider.epoll, EPOLL_CTL_ADD, provider.listener, &event) < 0)
        net_fail("making the event loop");
    (void)printf("port %u\n", port);
    (void)fflush(stdout);
    serve();
}
