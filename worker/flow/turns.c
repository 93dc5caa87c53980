#include "worker/flow/turns.h"

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/hash.h"

#include "worker/worker.h"

#define LOOK_MS        1  /* other workers' places are looked for so often */
#define GIVE_WAY_MS    20 /* to the first of another worker, which may hang */
#define RETRY_LEAST_MS 1000

/* What an exchange has while it waits, and what it noted before. */
struct waiting {
    struct exchange *exchange;
    struct turn turns[TURNS_MAX];
    const struct snapshot_limit *limits[TURNS_MAX]; /* of the same index */
    unsigned count;
    struct queue_flow_of flow;
    struct deadline deadline;
    uint64_t since_ms, waited_ms; /* waited: before, for earlier attempts */
    uint64_t retry_ms;
};

struct queue_flow_of turns_flow(const struct exchange *x)
{
    const struct snapshot_key *key = x->caller.key;
    uint64_t identity = key->tenant ? key->tenant * 0x9e3779b97f4a7c15ULL
                                    : hash_fast(span_of(key->id, KEY_ID_SIZE));
    uint8_t priority = key->priority ? (uint8_t)(key->priority - 1) : PRIORITY_normal;

    return (struct queue_flow_of){
        .identity = identity ? identity : 1,
        .weight = key->weight ? key->weight : 1,
        .priority = priority > x->head.priority ? priority : x->head.priority,
    };
}

static struct queue *queue_of(const struct exchange *x, const struct turn *turn)
{
    return segment_queue(x->worker->segment, turn->queue);
}

/* ---- joining ------------------------------------------------------------------------------
 */

void turns_note(struct exchange *x)
{
    const struct snapshot_limit *limit = x->limits.refusal.limit;
    struct waiting *waiting = x->waiting;

    if (x->view->page->queue.waiting == 0 || !limit || limit->queue == 0)
        return;
    if (!waiting) {
        waiting = x->waiting = ARENA_NEW(&x->arena, struct waiting);
        waiting->exchange = x;
        waiting->flow = turns_flow(x);
    }
    if (waiting->count == TURNS_MAX)
        return;
    waiting->limits[waiting->count] = limit;
    waiting->turns[waiting->count++] =
        (struct turn){.who = waiting, .target = x->current->target, .queue = limit->queue - 1};
}

/* Until its own wait is over, or the whole request. */
static uint64_t left_ms(const struct exchange *x)
{
    uint64_t most = x->view->page->queue.wait_ms, waited = x->waiting->waited_ms;
    uint64_t spent = (clock_monotonic_ns() - x->started_ns) / 1000000;
    uint64_t left = most > waited ? most - waited : 0;
    uint64_t total = x->plan->total_ms;

    if (total == 0)
        return left;
    total = total > spent ? total - spent : 0;
    return left < total ? left : total;
}

static void turn_away(struct turn *turn);

/* True: there is room for one more, if need be that of one that would go later. A worker of
 * which nobody waits there may always add one. */
static bool make_room(struct exchange *x, const struct turn *turn)
{
    const struct lines *lines = &x->worker->lines;
    const struct line *line = line_find(lines, turn->queue);
    const struct queue_flow_of *flow = &x->waiting->flow;
    struct turn *last;

    if (!line || queue_waiting(queue_of(x, turn)) < x->view->page->queue.waiting)
        return true;
    last = line_last(line);
    if (!line_goes_before(line, flow, last))
        return false;
    turn_away(last);
    return true;
}

/* Until it would be the turn of one more of the flow, if all places were its own. What other
 * workers have of it is not known; it is taken to be as much as ours of all that waits. */
static uint64_t least_wait_ms(const struct exchange *x, const struct turn *turn,
                              const struct snapshot_limit *limit)
{
    const struct line *line = line_find(&x->worker->lines, turn->queue);
    const struct queue *queue = queue_of(x, turn);
    uint64_t own = line_count(line, &x->waiting->flow);

    if (line)
        own = own * queue_waiting(queue) / line->count;
    return queue_work_ms(queue, own, claims_places(&x->limits.claims, limit));
}

static void note_retry(struct waiting *waiting, uint64_t ms)
{
    ms = ms < RETRY_LEAST_MS ? RETRY_LEAST_MS : ms;
    if (waiting->retry_ms == 0 || ms < waiting->retry_ms)
        waiting->retry_ms = ms;
}

static bool join(struct exchange *x, struct turn *turn, const struct snapshot_limit *limit,
                 uint64_t left)
{
    uint64_t least = least_wait_ms(x, turn, limit);

    note_retry(x->waiting, least);
    if (least >= left || !make_room(x, turn))
        return false;
    line_join(&x->worker->lines, turn, &x->waiting->flow);
    return true;
}

static void wait_passed(struct deadline *deadline);

static void look(uv_timer_t *timer);

static void start_looking(struct worker *worker)
{
    if (worker->caller.runs)
        return;
    worker->caller.runs = true;
    (void)uv_timer_start(&worker->caller.timer, look, LOOK_MS, LOOK_MS);
}

bool turns_join(struct exchange *x)
{
    struct waiting *waiting = x->waiting;
    unsigned joined = 0;
    uint64_t left;

    if (!waiting || waiting->count == 0)
        return false;
    left = left_ms(x);
    waiting->retry_ms = 0;
    for (unsigned i = 0; i < waiting->count; i++)
        joined += join(x, &waiting->turns[i], waiting->limits[i], left);
    if (joined == 0) {
        x->fault = left == 0 ? FAULT_queue_timeout : FAULT_queue_full;
        waiting->count = 0;
        return false;
    }
    metric_add(x->worker->metrics, METRIC_queued_total, 1);
    x->fault = FAULT_NONE;
    waiting->since_ms = reactor_now_ms(&x->worker->reactor);
    waiting->deadline.passed = wait_passed;
    reactor_arm(&x->worker->reactor, &waiting->deadline, left);
    start_looking(x->worker);
    return true;
}

/* ---- leaving ------------------------------------------------------------------------------
 */

void turns_leave(struct exchange *x)
{
    struct waiting *waiting = x->waiting;

    if (!waiting)
        return;

    for (unsigned i = 0; i < waiting->count; i++) {
        struct turn *turn = &waiting->turns[i];

        if (turn->flow)
            line_leave(&x->worker->lines, turn);
    }
    if (deadline_armed(&waiting->deadline)) {
        reactor_disarm(&x->worker->reactor, &waiting->deadline);
        waiting->waited_ms += reactor_now_ms(&x->worker->reactor) - waiting->since_ms;
    }
    waiting->count = 0;
}

static void end_wait(struct exchange *x, enum fault fault)
{
    turns_leave(x);
    x->fault = fault;
    attempts_settle(x);
    flow_take(x, STEP_REFUSE);
}

static bool stands_in_line(const struct waiting *waiting)
{
    for (unsigned i = 0; i < waiting->count; i++)
        if (waiting->turns[i].flow)
            return true;
    return false;
}

static void wait_passed(struct deadline *deadline)
{
    struct waiting *waiting =
        (struct waiting *)(void *)((char *)deadline - offsetof(struct waiting, deadline));
    struct exchange *x = waiting->exchange;

    waiting->waited_ms += reactor_now_ms(&x->worker->reactor) - waiting->since_ms;
    end_wait(x, FAULT_queue_timeout);
}

/* TURN leaves its line without a place. */
static void turn_away(struct turn *turn)
{
    struct waiting *waiting = turn->who;

    line_leave(&waiting->exchange->worker->lines, turn);
    if (!stands_in_line(waiting))
        end_wait(waiting->exchange, FAULT_queue_full);
}

/* ---- going --------------------------------------------------------------------------------
 */

static enum fault take(struct exchange *x, const struct turn *turn)
{
    struct claims *claims = &x->limits.claims;
    enum fault fault;

    x->current->target = turn->target;
    claims->turn = turn;
    fault = limits_take_provider(x);
    claims->turn = NULL;
    return fault;
}

/* There was room, but not for us: long enough, and the next try does not ask. */
static void note_passed_over(struct worker *worker, struct turn *turn,
                             const struct claim_refusal *refusal)
{
    struct line *line = turn->flow->line;
    uint64_t now_ms = reactor_now_ms(&worker->reactor);

    if (refusal->level.remaining == 0)
        line->passed_over_ms = 0;
    else if (line->passed_over_ms == 0)
        line->passed_over_ms = now_ms;
    turn->insists = line->passed_over_ms > 0 && now_ms - line->passed_over_ms >= GIVE_WAY_MS;
}

/* It is the other place that is missing: who needs it waits there, and is in nobody's way here.
 */
static bool move(struct exchange *x, struct turn *turn, const struct snapshot_limit *limit)
{
    if (limit->queue == 0)
        return false;
    turn->queue = limit->queue - 1;
    turn->insists = false;
    x->waiting->limits[turn - x->waiting->turns] = limit;
    return join(x, turn, limit, left_ms(x));
}

/* The first of a line tries. False: there is no room for it; else the line may be gone. */
static bool serve(struct worker *worker, struct turn *turn)
{
    struct waiting *waiting = turn->who;
    struct exchange *x = waiting->exchange;
    enum fault fault = take(x, turn);

    if (fault == FAULT_NONE) {
        turn->flow->line->passed_over_ms = 0;
        turns_leave(x);
        flow_take(x, STEP_NEXT);
        return true;
    }
    if (fault == FAULT_too_busy && x->limits.refusal.limit->queue == turn->queue + 1) {
        note_passed_over(worker, turn, &x->limits.refusal);
        return false;
    }
    line_leave(&worker->lines, turn); /* another limit of the account or of its model */
    if (fault == FAULT_too_busy && move(x, turn, x->limits.refusal.limit))
        return true;
    if (!stands_in_line(waiting))
        end_wait(x, fault);
    return true;
}

/* Serving may end any line, so each is looked for again. */
static void serve_line(struct worker *worker, uint32_t queue)
{
    struct line *line;

    while ((line = line_find(&worker->lines, queue)) != NULL)
        if (!serve(worker, line_first(&worker->lines, line)))
            return;
}

static void serve_all(struct worker *worker)
{
    uint32_t queues[64];
    unsigned count = 0;

    for (const struct line *line = worker->lines.first; line && count < ARRAY_LEN(queues);
         line = line->next)
        queues[count++] = line->queue;
    for (unsigned i = 0; i < count; i++)
        serve_line(worker, queues[i]);
    if (worker->lines.waiting > 0 || !worker->caller.runs)
        return;
    worker->caller.runs = false;
    (void)uv_timer_stop(&worker->caller.timer);
}

static void look(uv_timer_t *timer)
{
    serve_all(timer->data);
}

static void call_next(struct reactor_task *task)
{
    struct turn_caller *caller =
        (struct turn_caller *)(void *)((char *)task - offsetof(struct turn_caller, task));

    serve_all(caller->timer.data);
}

void turns_freed(struct worker *worker)
{
    if (worker->lines.waiting > 0)
        reactor_late(&worker->reactor, &worker->caller.task);
}

void turns_open(struct worker *worker)
{
    lines_init(&worker->lines, worker->segment, worker->slot_index);
    (void)uv_timer_init(&worker->reactor.loop, &worker->caller.timer);
    worker->caller.timer.data = worker;
    worker->caller.task.run = call_next;
}

uint64_t turns_retry_ms(const struct exchange *x)
{
    if (x->fault != FAULT_queue_full && x->fault != FAULT_queue_timeout)
        return 0;
    return x->waiting && x->waiting->retry_ms > 0 ? x->waiting->retry_ms : RETRY_LEAST_MS;
}
