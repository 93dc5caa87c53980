#include "shared/base/check.h"

#include "worker/upstream/inside.h"

static struct reactor *reactor_of(const struct call *call)
{
    return call->endpoint->upstream->reactor;
}

/* The call belongs to its owner again. */
static void let_go(struct call *call)
{
    reactor_disarm(reactor_of(call), &call->deadline);
    reactor_forget(&call->task);
    buffer_done(&call->head);
    call->stage = CALL_NONE;
    call->connection = NULL;
}

static void call_fail(struct call *call, enum fault fault, const char *why)
{
    let_go(call);
    call->events->failed(call, fault, why);
}

static void tell_failure(struct reactor_task *task)
{
    struct call *call = (struct call *)(void *)((char *)task - offsetof(struct call, task));

    call_fail(call, call->fault, call->why);
}

void call_fail_soon(struct call *call, enum fault fault, const char *why)
{
    reactor_disarm(reactor_of(call), &call->deadline);
    call->connection = NULL;
    call->fault = fault;
    call->why = why;
    call->task.run = tell_failure;
    reactor_soon(reactor_of(call), &call->task);
}

void call_finish(struct call *call)
{
    let_go(call);
    call->events->done(call);
}

static uint32_t stage_ms(const struct call *call)
{
    const struct call_request *request = call->request;

    switch ((enum call_stage)call->stage) {
    case CALL_NONE: return 0;
    case CALL_CONNECTING: return request->connect_ms;
    case CALL_SENT: return request->head_ms;
    case CALL_ANSWERED: return request->first_ms;
    case CALL_BODY: return request->idle_ms;
    }
    return 0;
}

void call_enter(struct call *call, enum call_stage stage)
{
    uint32_t delay_ms;

    call->stage = (uint8_t)stage;
    delay_ms = stage_ms(call);
    if (delay_ms > 0 && !call->paused)
        reactor_arm(reactor_of(call), &call->deadline, delay_ms);
    else
        reactor_disarm(reactor_of(call), &call->deadline);
}

static void leave_queue(struct call *call)
{
    struct endpoint *endpoint = call->endpoint;
    struct call *before = NULL, *at = endpoint->waiting;

    while (at && at != call) {
        before = at;
        at = at->next;
    }
    if (!at)
        return;
    if (before)
        before->next = call->next;
    else
        endpoint->waiting = call->next;
    if (endpoint->waiting_last == call)
        endpoint->waiting_last = before;
    call->next = NULL;
}

/* Takes CALL off its connection and off the queue. */
static void detach(struct call *call)
{
    struct connection *connection = call->connection;

    leave_queue(call);
    if (!connection)
        return;
    connection->call = NULL;
    call->connection = NULL;
    connection_close(connection);
}

static void time_out(struct deadline *deadline)
{
    struct call *call =
        (struct call *)(void *)((char *)deadline - offsetof(struct call, deadline));
    enum call_stage stage = (enum call_stage)call->stage;

    detach(call);
    switch (stage) {
    case CALL_NONE: break;
    case CALL_CONNECTING: call_fail(call, FAULT_connect_timeout, "connect time-out"); break;
    case CALL_SENT: call_fail(call, FAULT_head_timeout, "no answer in time"); break;
    case CALL_ANSWERED:
        call_fail(call, FAULT_first_event_timeout, "no first byte in time");
        break;
    case CALL_BODY: call_fail(call, FAULT_idle_timeout, "the answer stopped"); break;
    }
}

void call_start(struct call *call, struct endpoint *endpoint,
                const struct call_request *request, const struct call_events *events)
{
    CHECK(request->body_count <= CALL_BODY_PIECES);
    *call = (struct call){
        .events = events,
        .endpoint = endpoint,
        .request = request,
        .deadline = {.passed = time_out},
    };
    buffer_init(&call->head, UPSTREAM_HEAD_SIZE);
    if (!request_write_head(call)) {
        call->stage = CALL_CONNECTING;
        call_fail_soon(call, FAULT_internal, "the request has a header that may not be sent");
        return;
    }
    call_enter(call, CALL_CONNECTING);
    pool_place(call, false);
}

void call_broken(struct call *call, enum fault fault, const char *why)
{
    if (call->reused && !call->resent && call->stage == CALL_SENT) {
        /* Kept connections die of old age on the other side: nobody saw this request. */
        call->resent = true;
        call->reused = false;
        call_enter(call, CALL_CONNECTING);
        pool_place(call, true);
        return;
    }
    call_fail_soon(call, fault, why);
}

void call_cancel(struct call *call)
{
    if (call->stage == CALL_NONE)
        return;
    detach(call);
    let_go(call);
}

void call_pause(struct call *call)
{
    if (call->paused || call->stage == CALL_NONE)
        return;
    call->paused = true;
    reactor_disarm(reactor_of(call), &call->deadline);
    if (call->connection && call->connection->state == CONNECTION_BUSY)
        wire_read_stop(&call->connection->wire);
}

void call_resume(struct call *call)
{
    if (!call->paused || call->stage == CALL_NONE)
        return;
    call->paused = false;
    call_enter(call, (enum call_stage)call->stage);
    if (call->connection && call->connection->state == CONNECTION_BUSY)
        wire_read_start(&call->connection->wire);
}
