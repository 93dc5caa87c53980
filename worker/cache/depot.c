#include "worker/cache/depot.h"

#include <string.h>

#include "shared/base/check.h"
#include "shared/base/memory.h"

#define NUMBER_BYTES 24

static uint64_t now_of(const struct depot *depot)
{
    return uv_now(depot->timer.loop);
}

/* ---- commands under way ------------------------------------------------------------------ */

static struct depot_slot *slot_at(struct depot *depot, uint32_t place)
{
    return &depot->slots[(depot->first + place) % DEPOT_ASKED];
}

/* Frees SLOT; the ring goes on to the oldest that is under way. */
static void end_slot(struct depot *depot, struct depot_slot *slot)
{
    depot->bytes -= slot->bytes;
    *slot = (struct depot_slot){.kind = DEPOT_FREE};
    while (depot->count > 0 && slot_at(depot, 0)->kind == DEPOT_FREE) {
        depot->first = (depot->first + 1) % DEPOT_ASKED;
        depot->count--;
    }
}

static void passed(uv_timer_t *timer);

/* In the next turn the link is dropped: not in here, where it may be calling. */
static void break_link(struct depot *depot)
{
    if (depot->broken)
        return;
    depot->broken = true;
    metric_add(depot->metrics, METRIC_cache_redis_failures_total, 1);
    (void)breaker_failed(&depot->breaker, now_of(depot));
    (void)uv_timer_start(&depot->timer, passed, 0, 0);
}

static void answer_came(void *who, unsigned tag, const struct span *values, unsigned count)
{
    struct depot *depot = who;
    struct depot_slot *slot = &depot->slots[tag];
    struct depot_question *question = slot->question;
    enum depot_kind kind = (enum depot_kind)slot->kind;

    if (kind == DEPOT_FREE)
        return;
    end_slot(depot, slot);
    if (count > 0) {
        (void)breaker_worked(&depot->breaker);
        metric_add(depot->metrics, METRIC_cache_redis_stored_total, kind == DEPOT_SET);
    } else if (kind != DEPOT_SET || redis_state(depot->redis) != REDIS_LINK_OPEN) {
        break_link(depot);
    }
    if (!question)
        return;
    question->slot = 0;
    question->answered(question, count > 0 ? values[0] : SPAN_NONE);
}

/* ---- time -------------------------------------------------------------------------------- */

/* The next moment at which something may be overdue. */
static void schedule(struct depot *depot)
{
    uint64_t now_ms = now_of(depot), due_ms = UINT64_MAX;

    if (depot->opening)
        due_ms = depot->opened_ms + DEPOT_OPEN_MS;
    if (depot->count > 0 && slot_at(depot, 0)->until_ms < due_ms)
        due_ms = slot_at(depot, 0)->until_ms;
    if (due_ms < UINT64_MAX)
        (void)uv_timer_start(&depot->timer, passed, due_ms > now_ms ? due_ms - now_ms : 0, 0);
    else
        (void)uv_timer_stop(&depot->timer);
}

static void drop(struct depot *depot)
{
    depot->opening = depot->overdue = false;
    redis_drop(depot->redis);
}

static bool is_overdue(struct depot *depot)
{
    uint64_t now_ms = now_of(depot);

    if (depot->opening && redis_state(depot->redis) == REDIS_LINK_OPEN)
        depot->opening = false;
    return (depot->opening && now_ms >= depot->opened_ms + DEPOT_OPEN_MS) ||
           (depot->count > 0 && now_ms >= slot_at(depot, 0)->until_ms);
}

/* Timers come before sockets: after a long turn an answer may be there and not read yet. */
static void passed(uv_timer_t *timer)
{
    struct depot *depot = timer->data;
    bool overdue = !depot->broken && is_overdue(depot);

    if (overdue && !depot->overdue) {
        depot->overdue = true;
        (void)uv_timer_start(&depot->timer, passed, 0, 0);
        return;
    }
    depot->overdue = false;
    if (overdue)
        break_link(depot);
    if (depot->broken)
        drop(depot);
    schedule(depot);
}

/* ---- the connection ---------------------------------------------------------------------- */

void depot_init(struct depot *depot, uv_loop_t *loop, struct metric_row *metrics)
{
    depot->metrics = metrics;
    depot->timer.data = depot;
    CHECK(uv_timer_init(loop, &depot->timer) == 0);
}

void depot_follow(struct depot *depot, struct span url)
{
    size_t len = url.len < DEPOT_URL_BYTES ? url.len : 0;

    memory_wipe(depot->wanted, sizeof(depot->wanted));
    if (len > 0)
        memcpy(depot->wanted, url.ptr, len);
}

static void take_address(struct depot *depot)
{
    const struct redis_user user = {.answer = answer_came, .who = depot};

    if (strcmp(depot->url, depot->wanted) == 0)
        return;
    if (depot->redis) {
        depot->broken = true; /* nothing is asked any more */
        drop(depot);
        redis_free(depot->redis);
        depot->redis = NULL;
    }
    memcpy(depot->url, depot->wanted, sizeof(depot->url));
    depot->breaker = (struct breaker){0};
    depot->opening = depot->broken = false;
    if (depot->url[0])
        depot->redis = redis_new(depot->timer.loop, &user);
}

static void open_link(struct depot *depot)
{
    uint64_t now_ms = now_of(depot);

    if (depot->opening || depot->broken) { /* refused, or cut */
        if (!depot->broken)
            break_link(depot);
        drop(depot);
        depot->broken = false;
    }
    if (!breaker_may_ask(&depot->breaker, now_ms))
        return;
    depot->opening = true;
    depot->opened_ms = now_ms;
    redis_open(depot->redis, span_of_text(depot->url));
    schedule(depot);
}

static bool dispatch(struct depot *depot, const struct depot_slot *what,
                     const struct span *words, unsigned count)
{
    uint32_t place = (depot->first + depot->count) % DEPOT_ASKED;
    struct depot_slot *slot = &depot->slots[place];

    if (depot->count == DEPOT_ASKED || depot->bytes + what->bytes > DEPOT_BYTES)
        return false;
    *slot = *what;
    slot->until_ms = now_of(depot) + DEPOT_ANSWER_MS;
    depot->bytes += slot->bytes;
    depot->opening = false;
    if (depot->count++ == 0)
        schedule(depot);
    redis_command(depot->redis, place, words, count);
    return slot->kind != DEPOT_FREE; /* else it has failed already */
}

/* The breaker is open, and there is a connection: is there more? */
static void probe(struct depot *depot)
{
    const struct span words[] = {SPAN("PING")};

    if (depot->breaker.open && depot->count == 0 && !depot->broken)
        (void)dispatch(depot, &(struct depot_slot){.kind = DEPOT_PROBE}, words, 1);
}

void depot_tick(struct depot *depot)
{
    take_address(depot);
    if (!depot->redis)
        return;
    switch (redis_state(depot->redis)) {
    case REDIS_LINK_CLOSED: open_link(depot); break;
    case REDIS_LINK_OPENING: break;
    case REDIS_LINK_OPEN: probe(depot); break;
    }
}

void depot_done(struct depot *depot)
{
    depot_follow(depot, SPAN_NONE);
    take_address(depot);
    uv_close((uv_handle_t *)&depot->timer, NULL);
}

/* ---- questions --------------------------------------------------------------------------- */

static bool is_usable(const struct depot *depot, const struct cache *cache)
{
    return depot->redis && !depot->broken && !depot->breaker.open &&
           redis_state(depot->redis) == REDIS_LINK_OPEN &&
           cache_marks_known(cache, now_of(depot), DEPOT_HEARD_MS);
}

bool depot_ask(struct depot *depot, const struct cache *cache, struct span name,
               struct depot_question *question)
{
    const struct span words[] = {SPAN("GET"), name};
    uint32_t place = (depot->first + depot->count) % DEPOT_ASKED;

    if (!is_usable(depot, cache) ||
        !dispatch(depot, &(struct depot_slot){.kind = DEPOT_GET}, words, ARRAY_LEN(words)))
        return false;
    depot->slots[place].question = question;
    question->slot = place + 1;
    return true;
}

void depot_forget(struct depot *depot, struct depot_question *question)
{
    if (question->slot > 0)
        depot->slots[question->slot - 1].question = NULL;
    question->slot = 0;
}

void depot_put(struct depot *depot, const struct cache *cache, struct span name,
               struct span value, uint64_t ttl_ms)
{
    struct buffer number _buffer_;
    struct span words[] = {SPAN("SET"), name, value, SPAN("PX"), SPAN_NONE};

    buffer_init(&number, NUMBER_BYTES);
    (void)buffer_append_u64(&number, ttl_ms);
    words[4] = buffer_span(&number);
    if (is_usable(depot, cache))
        (void)dispatch(depot, &(struct depot_slot){.kind = DEPOT_SET, .bytes = value.len},
                       words, ARRAY_LEN(words));
}
