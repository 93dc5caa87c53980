#include "shared/queue/queue.h"

#include "shared/base/check.h"

#define USUAL_US      100000 /* a place is held for, as long as nobody knows */
#define USUAL_OF      16     /* the mean is over about so many */
#define START_BITS    60
#define PROBES        8
#define LONGEST_TIMES 16 /* a place counts as so many usual ones at most */

static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static bool swap(_Atomic uint64_t *word, uint64_t *expected, uint64_t value)
{
    return atomic_compare_exchange_weak_explicit(word, expected, value, memory_order_acq_rel,
                                                 memory_order_acquire);
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- flows ------------------------------------------------------------------------------- */

static struct queue_flow *flow_at(struct queue *queue, uint64_t identity, unsigned probe)
{
    return &queue->flows[(identity + probe) % QUEUE_FLOWS];
}

static struct queue_flow *flow_find(struct queue *queue, uint64_t identity)
{
    for (unsigned i = 0; i < PROBES; i++) {
        struct queue_flow *flow = flow_at(queue, identity, i);

        if (load(&flow->identity) == identity)
            return flow;
    }
    return NULL;
}

/* A flow whose tags virtual time has passed says nothing, so its row is as good as free. With
 * none free, two flows share a row. */
static struct queue_flow *flow_claim(struct queue *queue, uint64_t identity)
{
    struct queue_flow *found = flow_find(queue, identity);

    for (unsigned i = 0; !found && i < PROBES; i++) {
        struct queue_flow *flow = flow_at(queue, identity, i);
        uint64_t there = load(&flow->identity);

        if ((there == 0 || load(&flow->finish) <= load(&queue->now_us)) &&
            swap(&flow->identity, &there, identity))
            found = flow;
    }
    return found ? found : flow_at(queue, identity, 0);
}

static uint64_t usual_us(const struct queue *queue)
{
    uint64_t usual = load(&queue->usual_us);

    return usual ? usual : USUAL_US;
}

static void take_back(struct queue *queue, uint64_t identity, uint64_t us)
{
    struct queue_flow *flow = flow_find(queue, identity);
    uint64_t finish;

    if (!flow)
        return;
    finish = load(&flow->finish);
    while (!swap(&flow->finish, &finish, finish > us ? finish - us : 0))
        ;
}

/* ---- places ------------------------------------------------------------------------------ */

uint64_t queue_key(const struct queue_flow_of *flow, uint64_t start)
{
    CHECK(flow->priority < PRIORITY_COUNT && start >> START_BITS == 0);
    return (uint64_t)flow->priority << START_BITS | start;
}

uint64_t queue_start(struct queue *queue, const struct queue_flow_of *flow)
{
    const struct queue_flow *row = flow_find(queue, flow->identity);

    return later(load(&queue->now_us), row ? load(&row->finish) : 0);
}

uint64_t queue_go(struct queue *queue, const struct queue_flow_of *flow)
{
    struct queue_flow *row = flow_claim(queue, flow->identity);
    uint64_t finish = load(&row->finish), now = load(&queue->now_us), start;
    uint64_t charge = later(usual_us(queue) / flow->weight, 1);

    do {
        start = later(now, finish);
    } while (!swap(&row->finish, &finish, start + charge));
    while (now < start && !swap(&queue->now_us, &now, start))
        ;
    return charge;
}

void queue_undo(struct queue *queue, const struct queue_flow_of *flow, uint64_t charge_us)
{
    take_back(queue, flow->identity, charge_us);
}

static void correct(struct queue *queue, const struct queue_flow_of *flow, uint64_t charge_us,
                    uint64_t took_us)
{
    uint64_t cost = took_us / flow->weight, most = charge_us * LONGEST_TIMES;
    struct queue_flow *row = flow_find(queue, flow->identity);

    cost = cost < most ? cost : most;
    if (cost <= charge_us)
        take_back(queue, flow->identity, charge_us - cost);
    else if (row)
        (void)atomic_fetch_add_explicit(&row->finish, cost - charge_us, memory_order_acq_rel);
}

/* One that nobody else waited for took nothing from anybody. */
void queue_end(struct queue *queue, const struct queue_flow_of *flow, uint64_t charge_us,
               uint64_t took_us)
{
    uint64_t usual = load(&queue->usual_us);

    /* Two at one time may lose one: it is a mean. */
    usual = usual ? usual - usual / USUAL_OF + took_us / USUAL_OF : took_us;
    atomic_store_explicit(&queue->usual_us, later(usual, 1), memory_order_release);
    if (queue_first(queue) != QUEUE_NOBODY)
        correct(queue, flow, charge_us, took_us);
}

uint64_t queue_work_ms(const struct queue *queue, uint64_t count, uint64_t places)
{
    uint64_t work;

    if (places == 0 || __builtin_mul_overflow(count, usual_us(queue), &work))
        return UINT64_MAX;
    return work / places / 1000;
}

/* ---- who waits --------------------------------------------------------------------------- */

/* Published keys are one more than they are, so that a new segment says that nobody waits. */
void queue_publish(struct queue *queue, uint32_t slot, uint64_t key, uint64_t waiting)
{
    CHECK(slot < SEGMENT_SLOTS);
    atomic_store_explicit(&queue->lines[slot].first, key == QUEUE_NOBODY ? 0 : key + 1,
                          memory_order_release);
    atomic_store_explicit(&queue->lines[slot].waiting, waiting, memory_order_release);
}

uint64_t queue_first(const struct queue *queue)
{
    uint64_t first = 0;

    for (unsigned i = 0; i < SEGMENT_SLOTS; i++) {
        uint64_t key = load(&queue->lines[i].first);

        if (key != 0 && (first == 0 || key < first))
            first = key;
    }
    return first - 1;
}

uint64_t queue_waiting(const struct queue *queue)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SEGMENT_SLOTS; i++)
        sum += load(&queue->lines[i].waiting);
    return sum;
}

void queue_clear(struct queue *queue, uint32_t slot)
{
    queue_publish(queue, slot, QUEUE_NOBODY, 0);
}
