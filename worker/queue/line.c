#include "worker/queue/line.h"

#include "shared/base/check.h"
#include "shared/base/memory.h"

void lines_init(struct lines *lines, struct segment *segment, uint32_t slot)
{
    *lines = (struct lines){.segment = segment, .slot = slot};
}

static struct queue *queue_of(const struct lines *lines, const struct line *line)
{
    return segment_queue(lines->segment, line->queue);
}

/* ---- finding ------------------------------------------------------------------------------
 */

struct line *line_find(const struct lines *lines, uint32_t queue)
{
    struct line *line = lines->first;

    while (line && line->queue != queue)
        line = line->next;
    return line;
}

static struct line_flow *flow_find(const struct line *line, const struct queue_flow_of *of)
{
    struct line_flow *flow = line ? line->flows : NULL;

    while (flow && (flow->of.identity != of->identity || flow->of.priority != of->priority))
        flow = flow->next;
    return flow;
}

uint32_t line_count(const struct line *line, const struct queue_flow_of *of)
{
    const struct line_flow *flow = flow_find(line, of);

    return flow ? flow->count : 0;
}

static uint64_t key_of(const struct lines *lines, const struct line_flow *flow)
{
    struct queue *queue = queue_of(lines, flow->line);

    return queue_key(&flow->of, queue_start(queue, &flow->of));
}

struct turn *line_first(const struct lines *lines, const struct line *line)
{
    const struct line_flow *first = NULL;
    uint64_t lowest = QUEUE_NOBODY;

    for (const struct line_flow *flow = line->flows; flow; flow = flow->next) {
        uint64_t key = key_of(lines, flow);

        if (first && key >= lowest)
            continue;
        first = flow;
        lowest = key;
    }
    CHECK(first);
    first->first->key = lowest;
    queue_publish(queue_of(lines, line), lines->slot, lowest, line->count);
    return first->first;
}

static bool goes_later(const struct queue_flow_of *a, uint64_t a_count,
                       const struct queue_flow_of *b, uint64_t b_count)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a_count * b->weight > b_count * a->weight;
}

struct turn *line_last(const struct line *line)
{
    const struct line_flow *last = line->flows;

    for (const struct line_flow *flow = last->next; flow; flow = flow->next)
        if (goes_later(&flow->of, flow->count, &last->of, last->count))
            last = flow;
    return last->last;
}

bool line_goes_before(const struct line *line, const struct queue_flow_of *of,
                      const struct turn *last)
{
    return goes_later(&last->flow->of, last->flow->count, of, line_count(line, of) + 1ULL);
}

/* ---- joining and leaving -------------------------------------------------------------------
 */

static struct line *line_make(struct lines *lines, uint32_t queue)
{
    struct line *line = MEMORY_NEW(struct line);

    line->queue = queue;
    line->next = lines->first;
    lines->first = line;
    return line;
}

/* At the end, so that of equal ones the one that came first is found first. */
static struct line_flow *flow_make(struct line *line, const struct queue_flow_of *of)
{
    struct line_flow *flow = MEMORY_NEW(struct line_flow), **at = &line->flows;

    while (*at)
        at = &(*at)->next;
    flow->line = line;
    flow->of = *of;
    *at = flow;
    return flow;
}

void line_join(struct lines *lines, struct turn *turn, const struct queue_flow_of *of)
{
    struct line *line = line_find(lines, turn->queue);
    struct line_flow *flow;

    if (!line)
        line = line_make(lines, turn->queue);
    flow = flow_find(line, of);
    if (!flow)
        flow = flow_make(line, of);
    turn->flow = flow;
    turn->next = NULL;
    turn->previous = flow->last;
    *(flow->last ? &flow->last->next : &flow->first) = turn;
    flow->last = turn;
    flow->count++;
    line->count++;
    lines->waiting++;
    (void)line_first(lines, line);
}

static void flow_remove(struct line_flow *flow)
{
    struct line_flow **at = &flow->line->flows;

    while (*at != flow)
        at = &(*at)->next;
    *at = flow->next;
    memory_free(flow);
}

static void line_remove(struct lines *lines, struct line *line)
{
    struct line **at = &lines->first;

    while (*at != line)
        at = &(*at)->next;
    *at = line->next;
    queue_publish(queue_of(lines, line), lines->slot, QUEUE_NOBODY, 0);
    memory_free(line);
}

void line_leave(struct lines *lines, struct turn *turn)
{
    struct line_flow *flow = turn->flow;
    struct line *line = flow->line;

    *(turn->previous ? &turn->previous->next : &flow->first) = turn->next;
    *(turn->next ? &turn->next->previous : &flow->last) = turn->previous;
    turn->flow = NULL;
    lines->waiting--;
    line->count--;
    if (--flow->count == 0)
        flow_remove(flow);
    if (line->count == 0)
        line_remove(lines, line);
    else
        (void)line_first(lines, line);
}
