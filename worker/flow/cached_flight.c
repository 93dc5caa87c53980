/* Equal requests at one time: one of them leads, the others wait for its answer.
 *
 * In a worker, leaders stand in lists, by their keys; those who wait hang on their leader,
 * which wakes them when it lands. Between workers there are claims in the cache's memory: a
 * leader that finds its key claimed by another worker watches that claim, for itself and for
 * those who hang on it. A timer runs while somebody watches. */
#include <unistd.h>

#include "worker/flow/cached.h"
#include "worker/worker.h"

#define WATCH_MS   4
#define TURNS_MOST 2 /* leaders that one waits for: the first, and one next */
#define TIMES_UP   TURNS_MOST

/* ---- lists ------------------------------------------------------------------------------- */

static struct flights *flights_of(const struct cached *cached)
{
    return &cached->owner->worker->flights;
}

static struct cached **list_of(const struct cached *cached)
{
    return &flights_of(cached)->leaders[cached->key[0]];
}

static struct cached *leader_for(const struct cached *cached)
{
    struct cached *at = *list_of(cached);

    while (at && memcmp(at->key, cached->key, sizeof(at->key)) != 0)
        at = at->next;
    return at;
}

static void take_out(struct cached **list, const struct cached *cached)
{
    while (*list && *list != cached)
        list = &(*list)->next;
    if (*list)
        *list = cached->next;
}

static void lead(struct cached *cached)
{
    struct cached **list = list_of(cached);

    cached->flies = true;
    cached->next = *list;
    *list = cached;
}

/* ---- claims ------------------------------------------------------------------------------ */

/* Slots are given to new processes, which have other pids. */
static bool lives(const void *who, uint32_t owner)
{
    const struct worker *worker = who;
    uint32_t index = CACHE_OWNER_SLOT(owner);
    const struct slot *slot;

    if (index >= SEGMENT_SLOTS)
        return false;
    slot = segment_slot(worker->segment, index);
    return atomic_load(&slot->state) != SLOT_DEAD && atomic_load(&slot->state) != SLOT_FREE &&
           CACHE_OWNER_PID(atomic_load(&slot->pid)) == CACHE_OWNER_PID(owner);
}

static struct cache_claimer claimer_of(const struct worker *worker)
{
    return (struct cache_claimer){
        .owner = CACHE_OWNER(worker->slot_index, getpid()),
        .now_ms = reactor_now_ms(&worker->reactor),
        .lives = lives,
        .who = worker,
    };
}

static enum cache_claimed claim(struct exchange *x)
{
    struct cache_claimer claimer = claimer_of(x->worker);

    return cache_claim(x->worker->cache, x->cached->key, &claimer, x->view->page->cache.wait_ms,
                       &x->cached->claim);
}

/* ---- waiting ----------------------------------------------------------------------------- */

static bool times_up(const struct cached *cached)
{
    return reactor_now_ms(&cached->owner->worker->reactor) >= cached->wait_until_ms;
}

/* False: it has waited enough, and goes its own way. */
static bool may_wait(struct exchange *x)
{
    struct cached *cached = x->cached;

    if (cached->wait_until_ms == 0) {
        cached->wait_until_ms =
            reactor_now_ms(&x->worker->reactor) + x->view->page->cache.wait_ms;
        metric_add(x->worker->metrics, METRIC_cache_shared_total, 1);
        return true;
    }
    if (cached->turns < TURNS_MOST && !times_up(cached))
        return true;
    metric_add(x->worker->metrics, METRIC_cache_unshared_total, 1);
    return false;
}

/* Its leader has landed, well or not; or it has waited too long for that. */
static void woken(struct deadline *deadline)
{
    struct exchange *x =
        (struct exchange *)(void *)((char *)deadline - offsetof(struct exchange, quiet));
    struct cached *cached = x->cached;

    if (cached->awaits) {
        take_out(&cached->awaits->waiters, cached);
        cached->awaits = cached->next = NULL;
        cached->turns = TIMES_UP;
    }
    cached_landed(x);
}

static void await(struct exchange *x, struct cached *leader)
{
    struct reactor *reactor = &x->worker->reactor;

    x->cached->awaits = leader;
    x->cached->next = leader->waiters;
    leader->waiters = x->cached;
    x->quiet.passed = woken;
    reactor_arm(reactor, &x->quiet, x->cached->wait_until_ms - reactor_now_ms(reactor));
}

static void wake(struct cached *waiter)
{
    struct exchange *x = waiter->owner;

    waiter->awaits = waiter->next = NULL;
    x->quiet.passed = woken;
    reactor_arm(&x->worker->reactor, &x->quiet, 0);
}

/* A leader failed, here or at another worker: who has waited enough does not wait for the next.
 */
static void count_turn(struct cached *leader)
{
    struct cached **at = &leader->waiters, *waiter;

    while ((waiter = *at)) {
        if (++waiter->turns < TURNS_MOST) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        wake(waiter);
    }
}

static void land(struct cached *cached)
{
    struct cached *waiter;

    cache_claim_end(&cached->claim);
    if (cached->flies)
        take_out(list_of(cached), cached);
    cached->flies = false;
    while ((waiter = cached->waiters)) {
        cached->waiters = waiter->next;
        wake(waiter);
    }
}

/* ---- watching ---------------------------------------------------------------------------- */

static void unwatch(struct cached *cached)
{
    struct cached **at = &flights_of(cached)->watching;

    while (*at && *at != cached)
        at = &(*at)->next_watching;
    if (*at)
        *at = cached->next_watching;
    cached->watches = false;
    cached->next_watching = NULL;
    cached->claim = (struct cache_claim){NULL, 0}; /* another's */
}

static struct cached *first_done(struct worker *worker)
{
    struct cache_claimer claimer = claimer_of(worker);
    struct cached *at = worker->flights.watching;

    while (at && cache_claim_holds(&at->claim, &claimer) && !times_up(at))
        at = at->next_watching;
    return at;
}

/* Each one that is done may change the list; none comes here more than TURNS_MOST times. */
static void look_round(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    struct cached *done;

    while ((done = first_done(worker))) {
        unwatch(done);
        done->turns = times_up(done) ? TIMES_UP : (uint8_t)(done->turns + 1);
        if (!times_up(done))
            count_turn(done);
        cached_landed(done->owner);
    }
    if (!worker->flights.watching)
        (void)uv_timer_stop(timer);
}

static void watch(struct cached *cached)
{
    struct flights *flights = flights_of(cached);

    cached->watches = true;
    cached->next_watching = flights->watching;
    flights->watching = cached;
    if (!uv_is_active((const uv_handle_t *)&flights->timer))
        (void)uv_timer_start(&flights->timer, look_round, WATCH_MS, WATCH_MS);
}

/* ---- the room's -------------------------------------------------------------------------- */

bool cached_flight_join(struct exchange *x)
{
    struct cached *cached = x->cached, *leader = leader_for(cached);

    if (leader && leader != cached) {
        if (!may_wait(x))
            return false;
        await(x, leader);
        return true;
    }
    if (!leader)
        lead(cached);
    switch (claim(x)) {
    case CLAIM_MADE: return false;
    case CLAIM_OTHERS:
        if (!may_wait(x))
            break;
        watch(cached);
        return true;
    case CLAIM_TAKEN: cached->claim = (struct cache_claim){NULL, 0}; return false;
    }
    cached->claim = (struct cache_claim){NULL, 0};
    land(cached); /* those who hang on it may watch themselves */
    return false;
}

void cached_flight_end(struct cached *cached)
{
    if (cached->awaits)
        take_out(&cached->awaits->waiters, cached);
    cached->awaits = NULL;
    if (cached->watches)
        unwatch(cached);
    else
        count_turn(cached);
    land(cached);
}

void flights_init(struct flights *flights, struct worker *worker)
{
    flights->timer.data = worker;
    (void)uv_timer_init(&worker->reactor.loop, &flights->timer);
}
