#include "shared/route/rank.h"

#include "shared/base/check.h"
#include "shared/price/price.h"
#include "shared/route/headroom.h"
#include "shared/route/pace.h"

#define LOAD_DOUBLES 32 /* requests under way after which a time counts twice */
#define ROOM_STEP    50 /* thousandths of a limit that make a difference */
#define ROOM_SHIFT   40 /* of a score: below are the requests of late */

/* Fills the scores. */
typedef void score_f(const struct ranking *ranking, struct candidates *from);

/* VALUE, which is below 2^42, by the weight: exact for weights up to 2^22. */
static uint64_t per_weight(uint64_t value, const struct snapshot_target *target)
{
    return target->inverse ? (uint64_t)((unsigned __int128)value * target->inverse >> 64)
                           : value;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
    return value ^ value >> 31;
}

/* ---- scores ------------------------------------------------------------------------------ */

static uint64_t in_flight(const struct ranking *ranking, const struct candidate *candidate)
{
    return atomic_load_explicit(&ranking->healths[candidate->row].in_flight,
                                memory_order_relaxed);
}

static void score_busy(const struct ranking *ranking, struct candidates *from)
{
    for (unsigned i = 0; i < from->count; i++) {
        struct candidate *row = &from->rows[i];

        row->score = per_weight(in_flight(ranking, row) << 20, row->target);
    }
}

static void score_latency(const struct ranking *ranking, struct candidates *from)
{
    uint64_t now_ms = ranking->facts->now_ms;

    for (unsigned i = 0; i < from->count; i++) {
        struct candidate *row = &from->rows[i];
        uint64_t us = pace_first_us(&ranking->paces[row->row], now_ms);

        row->score = us + us * in_flight(ranking, row) / LOAD_DOUBLES;
    }
}

/* Of a price with several, the one for a prompt of INPUT tokens. */
static const struct price_sheet *sheet_among(const struct price_sheet *sheets, uint32_t count,
                                             uint64_t input)
{
    struct price_use use = {.counts[PRICE_input] = input, .service = PRICE_SERVICE_standard};

    return price_find_sheet(sheets, count, &use);
}

/* NULL: nobody knows the rates of the target. */
static const struct price_sheet *sheet_of(const struct ranking *ranking,
                                          const struct snapshot_target *target, uint64_t input)
{
    const struct snapshot_price *price = snapshot_price(ranking->snapshot, target->price);
    const struct price_sheet *sheets;

    if (!price)
        return NULL;
    sheets = SNAPSHOT_ROW(ranking->snapshot, price->sheets, 0, price_sheet);
    return price->sheets.count == 1 ? sheets : sheet_among(sheets, price->sheets.count, input);
}

/* Prompt, answer and the request itself: what differs between accounts of one model. Both rates
 * are for as many tokens, so that nothing is divided. */
static uint64_t cost_of(const struct price_sheet *sheet, const struct route_facts *facts)
{
    unsigned __int128 sum;

    if (!sheet || sheet->rates[PRICE_input] == PRICE_NOT_GIVEN)
        return UINT64_MAX;
    sum = (unsigned __int128)sheet->rates[PRICE_input] * facts->input;
    if (sheet->rates[PRICE_output] != PRICE_NOT_GIVEN)
        sum += (unsigned __int128)sheet->rates[PRICE_output] * facts->output;
    if (sheet->rates[PRICE_request] != PRICE_NOT_GIVEN)
        sum += (unsigned __int128)sheet->rates[PRICE_request] * price_unit_per(PRICE_input);
    sum >>= 20; /* a cent is far above that */
    return sum < UINT64_MAX ? (uint64_t)sum : UINT64_MAX - 1;
}

static void score_cost(const struct ranking *ranking, struct candidates *from)
{
    const struct route_facts *facts = ranking->facts;

    for (unsigned i = 0; i < from->count; i++)
        from->rows[i].score =
            cost_of(sheet_of(ranking, from->rows[i].target, facts->input), facts);
}

static void score_recent(const struct ranking *ranking, struct candidates *from)
{
    uint64_t now_ms = ranking->facts->now_ms;

    for (unsigned i = 0; i < from->count; i++) {
        struct candidate *row = &from->rows[i];

        row->score =
            per_weight(pace_recent(&ranking->paces[row->row], now_ms) << 20, row->target);
    }
}

/* In steps, since requests under way have not been heard of yet. False: not all of them say. */
static bool rooms_of(const struct ranking *ranking, const struct candidates *from,
                     uint32_t rooms[SNAPSHOT_TARGETS_MAX])
{
    for (unsigned i = 0; i < from->count; i++) {
        const struct snapshot_provider *provider =
            &ranking->providers[from->rows[i].target->provider];

        if (!headroom_used(ranking->snapshot, ranking->segment, provider,
                           ranking->facts->now_ms, &rooms[i]))
            return false;
        rooms[i] /= ROOM_STEP;
    }
    return true;
}

/* The largest share of its limits left comes first where all say what they have left; alike,
 * and where one does not, the one with the fewest requests of late. */
static void score_headroom(const struct ranking *ranking, struct candidates *from)
{
    uint32_t rooms[SNAPSHOT_TARGETS_MAX];

    score_recent(ranking, from);
    if (!rooms_of(ranking, from, rooms))
        return;
    for (unsigned i = 0; i < from->count; i++) {
        struct candidate *row = &from->rows[i];

        row->score = (uint64_t)rooms[i] << ROOM_SHIFT |
                     (row->score >> ROOM_SHIFT ? (1ULL << ROOM_SHIFT) - 1 : row->score);
    }
}

/* NULL: the place in the file decides, or chance. */
static score_f *const scores[ROUTE_STRATEGY_COUNT] = {
    [ROUTE_least_busy] = score_busy,
    [ROUTE_lowest_latency] = score_latency,
    [ROUTE_lowest_cost] = score_cost,
    [ROUTE_headroom] = score_headroom,
};

/* -log2(VALUE / 2^64) times 2^16, within a tenth: what a weight divides. */
static uint64_t bits_missing(uint64_t value)
{
    unsigned zeros = (unsigned)__builtin_clzll(value | 1);
    uint64_t below = value << zeros << 1; /* what follows the first one */

    return ((uint64_t)(zeros + 1) << 16) - (below >> 48);
}

/* ---- order ------------------------------------------------------------------------------- */

static uint32_t lowest_priority(const struct candidates *from, unsigned start)
{
    uint32_t lowest = UINT32_MAX;

    for (unsigned i = start; i < from->count; i++)
        if (from->rows[i].priority < lowest)
            lowest = from->rows[i].priority;
    return lowest;
}

static bool comes_before(const struct candidate *a, const struct candidate *b)
{
    return a->priority != b->priority ? a->priority < b->priority : a->score < b->score;
}

/* Each in its turn, among those that come first. */
static void turn_round(const struct ranking *ranking, struct candidates *from)
{
    uint32_t lowest = lowest_priority(from, 0);
    uint64_t all = 0, ahead;

    for (unsigned i = 0; i < from->count; i++)
        all += from->rows[i].priority == lowest;
    CHECK(all > 0);
    ahead = all - ranking->facts->turn % all;
    for (unsigned i = 0; i < from->count; i++) {
        from->rows[i].score = i;
        if (from->rows[i].priority != lowest)
            continue;
        from->rows[i].score = ahead < all ? ahead : ahead - all;
        ahead = ahead + 1 < 2 * all ? ahead + 1 : all;
    }
}

/* Of two by chance among NEAR that are about as fast as the fastest, the less busy one. */
static void choose_of_two(const struct ranking *ranking, struct candidates *from)
{
    unsigned near[SNAPSHOT_TARGETS_MAX] __attribute__((uninitialized));
    unsigned count = 0, one, other;
    uint32_t lowest = UINT32_MAX;
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < from->count; i++) {
        const struct candidate *row = &from->rows[i];

        if (row->priority > lowest || (row->priority == lowest && row->score >= best))
            continue;
        lowest = row->priority;
        best = row->score;
    }
    best += best / 4;
    for (unsigned i = 0; i < from->count; i++) {
        near[count] = i;
        count += from->rows[i].priority == lowest && from->rows[i].score <= best;
    }
    CHECK(count > 0);
    one = near[ranking->facts->random % count];
    other = near[(ranking->facts->random >> 32) % count];
    if (in_flight(ranking, &from->rows[other]) < in_flight(ranking, &from->rows[one]))
        one = other;
    from->rows[one].score = 0;
    for (unsigned i = 0; i < count; i++)
        from->rows[near[i]].score += near[i] != one;
}

static void trace_scores(const struct ranking *ranking, const struct candidates *from)
{
    for (unsigned i = 0; ranking->trace && i < from->count; i++)
        route_trace_score(ranking->trace, from->rows[i].target, from->rows[i].score);
}

/* Rendezvous hashing: each session has an order of its own among the accounts, which does not
 * change when one comes or goes. */
static void score_sessions(const struct ranking *ranking, struct candidates *from)
{
    uint64_t session = mix(ranking->facts->session);

    for (unsigned i = 0; i < from->count; i++) {
        struct candidate *row = &from->rows[i];

        row->score =
            per_weight(bits_missing(mix(row->target->name_hash ^ session)) << 20, row->target);
    }
    if (ranking->trace)
        trace_scores(ranking, from);
}

/* The first ones of the candidates, at most ROOM. */
struct order {
    const struct candidate *best[ROUTE_TARGETS_MAX];
    unsigned count, room;
};

static void insert(struct order *order, const struct candidate *here)
{
    unsigned at = order->count < order->room ? order->count++ : order->count - 1;

    for (; at > 0 && comes_before(here, order->best[at - 1]); at--)
        order->best[at] = order->best[at - 1];
    order->best[at] = here;
}

/* Most of many come too late. */
static void insert_some(struct order *order, const struct candidate *at,
                        const struct candidate *end)
{
    for (; at < end; at++)
        if (order->count < order->room || comes_before(at, order->best[order->count - 1]))
            insert(order, at);
}

/* Equal ones are spread: the search begins at another place each time. */
static unsigned order_by_score(struct candidates *from, unsigned start,
                               const struct snapshot_target **list, unsigned room)
{
    struct order order = {.room = room};

    insert_some(&order, from->rows + start, from->rows + from->count);
    insert_some(&order, from->rows, from->rows + start);
    for (unsigned i = 0; i < order.count; i++)
        list[i] = order.best[i]->target;
    return order.count;
}

static void swap(struct candidate *a, struct candidate *b)
{
    struct candidate other = *a;

    *a = *b;
    *b = other;
}

/* Brings those of the lowest priority from START on together; their end. */
static unsigned bring_together(struct candidates *from, unsigned start, uint64_t *ret_weights)
{
    uint32_t lowest = lowest_priority(from, start);
    unsigned end = start;

    *ret_weights = 0;
    for (unsigned i = start; i < from->count; i++) {
        if (from->rows[i].priority != lowest)
            continue;
        *ret_weights += from->rows[i].target->weight;
        if (i != end)
            swap(&from->rows[i], &from->rows[end]);
        end++;
    }
    return end;
}

/* Where the point POINT of the weights lies. */
static unsigned find_point(const struct candidates *from, unsigned start, uint64_t point)
{
    unsigned at = start;

    while (point >= from->rows[at].target->weight)
        point -= from->rows[at++].target->weight;
    return at;
}

/* Without weights, the first of the file; rows of a table lie in its order. */
static unsigned find_first(const struct candidates *from, unsigned start, unsigned end)
{
    unsigned first = start;

    for (unsigned i = start + 1; i < end; i++)
        if (from->rows[i].target < from->rows[first].target)
            first = i;
    return first;
}

/* Weighted choice without repetition. */
static unsigned order_by_weight(struct candidates *from, uint64_t random,
                                const struct snapshot_target **list, unsigned room)
{
    unsigned count = 0, end = 0;
    uint64_t weights = 0;

    for (; count < from->count && count < room; count++) {
        unsigned at;

        if (count == end)
            end = bring_together(from, count, &weights);
        at = weights > 0 ? find_point(from, count, (random >> (count % 8)) % weights)
                         : find_first(from, count, end);
        if (at != count)
            swap(&from->rows[at], &from->rows[count]);
        list[count] = from->rows[count].target;
        weights -= list[count]->weight;
    }
    return count;
}

unsigned rank_order(const struct ranking *ranking, enum route_strategy strategy,
                    struct candidates *from, const struct snapshot_target **list, unsigned room)
{
    const struct route_facts *facts = ranking->facts;
    unsigned start = 0;

    CHECK(room <= ROUTE_TARGETS_MAX);
    if (from->count == 0 || room == 0)
        return 0;
    if (facts->session != 0) {
        score_sessions(ranking, from);
        trace_scores(ranking, from);
    } else if (strategy == ROUTE_weighted) {
        return order_by_weight(from, facts->random, list, room);
    } else if (strategy == ROUTE_round_robin) {
        turn_round(ranking, from);
    } else if (scores[strategy]) {
        scores[strategy](ranking, from);
        trace_scores(ranking, from);
        if (strategy != ROUTE_lowest_cost)
            start = (unsigned)(facts->random % from->count);
        if (strategy == ROUTE_lowest_latency)
            choose_of_two(ranking, from);
    }
    return order_by_score(from, start, list, room);
}
