#include "shared/route/rank.h"

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/price/price.h"
#include "shared/route/pace.h"

#define LOAD_DOUBLES 32 /* requests under way after which a time counts twice */

typedef uint64_t score_f(const struct ranking *ranking, const struct snapshot_target *target);

static const struct snapshot_provider *provider_of(const struct ranking *ranking,
                                                   const struct snapshot_target *target)
{
    return SNAPSHOT_ROW(ranking->snapshot, snapshot_page(ranking->snapshot)->providers,
                        target->provider, snapshot_provider);
}

static uint64_t weight_of(const struct snapshot_target *target)
{
    return target->weight > 0 ? target->weight : 1;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
    return value ^ value >> 31;
}

/* ---- scores ------------------------------------------------------------------------------ */

static uint64_t in_flight(const struct ranking *ranking, const struct snapshot_target *target)
{
    uint32_t row = provider_of(ranking, target)->health_row;

    return atomic_load_explicit(&segment_target(ranking->segment, row)->in_flight,
                                memory_order_relaxed);
}

static uint64_t score_busy(const struct ranking *ranking, const struct snapshot_target *target)
{
    return (in_flight(ranking, target) << 20) / weight_of(target);
}

static uint64_t score_latency(const struct ranking *ranking,
                              const struct snapshot_target *target)
{
    uint32_t row = provider_of(ranking, target)->health_row;
    uint64_t us = pace_first_us(segment_pace(ranking->segment, row), ranking->facts->now_ms);

    return us + us * in_flight(ranking, target) / LOAD_DOUBLES;
}

static uint64_t score_cost(const struct ranking *ranking, const struct snapshot_target *target)
{
    const struct snapshot_price *price = snapshot_price(ranking->snapshot, target->price);
    struct price_use use = {.service = PRICE_SERVICE_standard};
    const struct price_sheet *sheet;

    if (!price)
        return UINT64_MAX;
    use.counts[PRICE_input] = ranking->facts->input;
    use.counts[PRICE_output] = ranking->facts->output;
    use.counts[PRICE_request] = 1;
    sheet = price_find_sheet(SNAPSHOT_ROW(ranking->snapshot, price->sheets, 0, price_sheet),
                             price->sheets.count, &use);
    return sheet ? price_cost(sheet, &use) : UINT64_MAX;
}

static uint64_t score_recent(const struct ranking *ranking,
                             const struct snapshot_target *target)
{
    uint32_t row = provider_of(ranking, target)->health_row;

    return (pace_recent(segment_pace(ranking->segment, row), ranking->facts->now_ms) << 20) /
           weight_of(target);
}

/* NULL: the place in the file decides, or chance. */
static score_f *const scores[ROUTE_STRATEGY_COUNT] = {
    [ROUTE_least_busy] = score_busy,
    [ROUTE_lowest_latency] = score_latency,
    [ROUTE_lowest_cost] = score_cost,
    [ROUTE_headroom] = score_recent,
};

/* -log2(VALUE / 2^64) times 2^16, within a tenth: what a weight divides. */
static uint64_t bits_missing(uint64_t value)
{
    unsigned zeros = value > 0 ? (unsigned)__builtin_clzll(value) : 64;
    uint64_t below = value << zeros << 1; /* what follows the first one */

    return ((uint64_t)(zeros + 1) << 16) - (below >> 48);
}

/* Rendezvous hashing: each session has an order of its own among the accounts, which does not
 * change when one comes or goes. */
static uint64_t score_session(const struct ranking *ranking,
                              const struct snapshot_target *target)
{
    struct span name = snapshot_span(ranking->snapshot, provider_of(ranking, target)->name);
    uint64_t hash = mix(hash_fast(name) ^ mix(ranking->facts->session));

    return (bits_missing(hash) << 20) / weight_of(target);
}

/* ---- order ------------------------------------------------------------------------------- */

static uint64_t lowest_priority(const struct candidates *from)
{
    uint64_t lowest = UINT64_MAX;

    for (unsigned i = 0; i < from->count; i++)
        if (from->rows[i].priority < lowest)
            lowest = from->rows[i].priority;
    return lowest;
}

/* Each in its turn, among those that come first. */
static void turn_round(const struct ranking *ranking, struct candidates *from)
{
    uint64_t lowest = lowest_priority(from), all = 0, at = 0;

    for (unsigned i = 0; i < from->count; i++)
        all += from->rows[i].priority == lowest;
    for (unsigned i = 0; i < from->count; i++) {
        if (from->rows[i].priority == lowest)
            from->rows[i].score = (at++ + all - ranking->facts->turn % all) % all;
        else
            from->rows[i].score = i;
    }
}

/* Of two by chance among NEAR that are about as fast as the fastest, the less busy one. */
static void choose_of_two(const struct ranking *ranking, struct candidates *from)
{
    uint64_t lowest = lowest_priority(from), best = UINT64_MAX;
    unsigned near[SNAPSHOT_TARGETS_MAX], count = 0, one, other;

    for (unsigned i = 0; i < from->count; i++)
        if (from->rows[i].priority == lowest && from->rows[i].score < best)
            best = from->rows[i].score;
    for (unsigned i = 0; i < from->count; i++)
        if (from->rows[i].priority == lowest && from->rows[i].score <= best + best / 4)
            near[count++] = i;
    one = near[ranking->facts->random % count];
    other = near[(ranking->facts->random >> 32) % count];
    if (in_flight(ranking, from->rows[other].target) <
        in_flight(ranking, from->rows[one].target))
        one = other;
    from->rows[one].score = 0;
    for (unsigned i = 0; i < count; i++)
        from->rows[near[i]].score += near[i] != one;
}

static void score_all(const struct ranking *ranking, score_f *score, struct candidates *from)
{
    for (unsigned i = 0; i < from->count; i++)
        from->rows[i].score = score(ranking, from->rows[i].target);
}

static bool comes_before(const struct candidate *a, const struct candidate *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->score < b->score;
}

/* Equal ones are spread: the search begins at another place each time. */
static unsigned order_by_score(struct candidates *from, uint64_t start,
                               const struct snapshot_target **list, unsigned room)
{
    const struct candidate *best[ROUTE_TARGETS_MAX];
    unsigned count = 0;

    for (unsigned i = 0; i < from->count; i++) {
        const struct candidate *here = &from->rows[(start + i) % from->count];
        unsigned at = count < room ? count++ : count - 1;

        if (at == count - 1 && i >= room && !comes_before(here, best[at]))
            continue;
        for (; at > 0 && comes_before(here, best[at - 1]); at--)
            best[at] = best[at - 1];
        best[at] = here;
    }
    for (unsigned i = 0; i < count; i++)
        list[i] = best[i]->target;
    return count;
}

/* The one at the point RANDOM of the weights of the lowest priority; the first without any. */
static struct candidate *choose(struct candidates *from, uint64_t random)
{
    struct candidate *first = from->rows;
    uint64_t lowest = UINT64_MAX, sum = 0, point;

    for (struct candidate *here = from->rows; here < from->rows + from->count; here++) {
        if (here->priority < lowest) {
            lowest = here->priority;
            first = here;
            sum = 0;
        }
        sum += here->priority == lowest && lowest != UINT64_MAX ? here->target->weight : 0;
    }
    if (sum == 0)
        return first;
    point = random % sum;
    for (struct candidate *here = first;; here++) {
        if (here->priority != lowest)
            continue;
        if (point < here->target->weight)
            return here;
        point -= here->target->weight;
    }
}

static unsigned order_by_weight(struct candidates *from, uint64_t random,
                                const struct snapshot_target **list, unsigned room)
{
    unsigned count = 0;

    for (; count < from->count && count < room; count++) {
        struct candidate *chosen = choose(from, random >> (count % 8));

        list[count] = chosen->target;
        chosen->priority = UINT64_MAX;
    }
    return count;
}

unsigned rank_order(const struct ranking *ranking, enum route_strategy strategy,
                    struct candidates *from, const struct snapshot_target **list, unsigned room)
{
    const struct route_facts *facts = ranking->facts;
    uint64_t start = 0;

    CHECK(room <= ROUTE_TARGETS_MAX);
    if (from->count == 0 || room == 0)
        return 0;
    if (facts->session != 0) {
        score_all(ranking, score_session, from);
    } else if (strategy == ROUTE_weighted) {
        return order_by_weight(from, facts->random, list, room);
    } else if (strategy == ROUTE_round_robin) {
        turn_round(ranking, from);
    } else if (scores[strategy]) {
        score_all(ranking, scores[strategy], from);
        start = strategy == ROUTE_lowest_cost ? 0 : facts->random % from->count;
        if (strategy == ROUTE_lowest_latency)
            choose_of_two(ranking, from);
    }
    return order_by_score(from, start, list, room);
}
