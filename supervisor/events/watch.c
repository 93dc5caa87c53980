#include "supervisor/events/watch.h"

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

struct watched {
    uint64_t name; /* its hash */
    uint64_t round;
    uint64_t ejections;
    uint64_t changes[HEALTH_STATES];
    uint8_t state;
    bool probed;
};

struct watch {
    uint64_t round, now_ms;
    int64_t wall_ms;
    struct watched rows[SEGMENT_TARGETS];
};

struct watch *watch_new(void)
{
    return MEMORY_NEW(struct watch);
}

void watch_free(struct watch *watch)
{
    memory_free(watch);
}

void watch_begin(struct watch *watch, uint64_t now_ms, int64_t wall_ms)
{
    watch->round++;
    watch->now_ms = now_ms;
    watch->wall_ms = wall_ms;
}

void watch_probed(struct watch *watch, uint32_t row)
{
    CHECK(row < SEGMENT_TARGETS);
    watch->rows[row].probed = true;
}

uint64_t watch_changes(const struct watch *watch, uint32_t row, enum health_state state)
{
    CHECK(row < SEGMENT_TARGETS && state < HEALTH_STATES);
    return watch->rows[row].changes[state];
}

/* Whether a state ends by itself and leads to another one then. */
static bool passes(enum health_state from, enum health_state to)
{
    return (from == HEALTH_DOWN && to == HEALTH_HALF_OPEN) ||
           (from == HEALTH_LIMITED && to != HEALTH_DOWN) ||
           (from == HEALTH_DEGRADED && to == HEALTH_HEALTHY);
}

static enum watch_cause cause_of(const struct watched *row, enum health_state from,
                                 enum health_state to)
{
    if (from == HEALTH_DRAINED || to == HEALTH_DRAINED)
        return WATCH_HAND;
    if (row->probed)
        return WATCH_PROBE;
    return passes(from, to) ? WATCH_TIME : WATCH_REQUESTS;
}

static void tell(const struct watch *watch, const struct watched *row,
                 const struct watch_sight *sight, enum health_state to, struct watch_event *ret)
{
    enum health_state from = (enum health_state)row->state;
    bool failed = to == HEALTH_DOWN || to == HEALTH_DEGRADED;
    size_t len =
        sight->provider.len < WATCH_NAME_BYTES ? sight->provider.len : WATCH_NAME_BYTES - 1;

    *ret = (struct watch_event){.at_ms = watch->wall_ms,
                                .from = (uint8_t)from,
                                .to = (uint8_t)to,
                                .cause = (uint8_t)cause_of(row, from, to)};
    memcpy(ret->provider, sight->provider.ptr, len);
    if (failed && ret->cause == WATCH_REQUESTS)
        ret->fault = sight->fault;
    if (to == sight->state && sight->until_ms > watch->now_ms && sight->until_ms != UINT64_MAX)
        ret->until_ms = watch->wall_ms + (int64_t)(sight->until_ms - watch->now_ms);
}

static void step(struct watched *row, enum health_state to)
{
    row->state = (uint8_t)to;
    row->changes[to]++;
}

/* Below a drain an account is ejected as any other; that is no change of what it is. */
static unsigned tell_ejections(const struct watch *watch, struct watched *row,
                               const struct watch_sight *sight, struct watch_event *ret)
{
    uint64_t missed = sight->ejections - row->ejections;

    if (sight->ejections <= row->ejections || row->state == HEALTH_DRAINED ||
        sight->state == HEALTH_DRAINED)
        return 0;
    if (row->state == HEALTH_DOWN) /* its trial came and failed */
        row->state = HEALTH_HALF_OPEN;
    tell(watch, row, sight, HEALTH_DOWN, ret);
    step(row, HEALTH_DOWN);
    row->changes[HEALTH_DOWN] += missed - 1;
    return 1;
}

unsigned watch_look(struct watch *watch, const struct watch_sight *sight,
                    struct watch_event ret[WATCH_EVENTS_MOST])
{
    struct watched *row;
    uint64_t name = hash_fast(sight->provider);
    unsigned count = 0;
    bool early = false;

    CHECK(sight->row < SEGMENT_TARGETS);
    row = &watch->rows[sight->row];
    if (row->name != name || row->round + 1 != watch->round) {
        *row = (struct watched){.name = name, .state = (uint8_t)sight->state};
    } else {
        count = tell_ejections(watch, row, sight, ret);
        early = sight->state == HEALTH_DOWN && row->state != HEALTH_DOWN &&
                row->state != HEALTH_DRAINED;
        if (row->state != sight->state) {
            tell(watch, row, sight, sight->state, &ret[count++]);
            step(row, sight->state);
        }
    }
    row->round = watch->round;
    row->ejections = sight->ejections + early; /* who ejects counts it a moment later */
    row->probed = row->probed && count == 0;
    return count;
}

const char *watch_cause_name(enum watch_cause cause)
{
    static const char *const names[WATCH_CAUSES] = {[WATCH_REQUESTS] = "requests",
                                                    [WATCH_PROBE] = "probe",
                                                    [WATCH_HAND] = "hand",
                                                    [WATCH_TIME] = "time"};

    CHECK(cause < WATCH_CAUSES);
    return names[cause];
}
