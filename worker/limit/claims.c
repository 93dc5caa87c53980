#include "worker/limit/claims.h"

#include "shared/base/check.h"
#include "shared/snapshot/rate.h"

#include "worker/queue/line.h"

void claims_init(struct claims *claims, struct segment *segment,
                 const struct snapshot *snapshot, struct arena *arena, struct hold *holds,
                 int64_t started_wall_ms)
{
    *claims = (struct claims){.segment = segment,
                              .snapshot = snapshot,
                              .arena = arena,
                              .holds = holds,
                              .started_wall_ms = started_wall_ms};
}

/* ---- holds ------------------------------------------------------------------------------- */

/* After the bucket was raised. */
static struct hold *hold_make(struct claims *claims, uint32_t bucket, bool is_budget,
                              uint64_t amount)
{
    struct hold *hold = &claims->holds[claims->hold_count++];

    hold->bucket = bucket;
    hold->is_budget = is_budget;
    atomic_store_explicit(&hold->amount, amount, memory_order_release);
    return hold;
}

/* Before the bucket is lowered. */
static void hold_clear(struct hold *hold)
{
    atomic_store_explicit(&hold->amount, 0, memory_order_release);
}

/* ---- taking ------------------------------------------------------------------------------ */

static struct rate rate_of(const struct claims *claims, const struct snapshot_limit *limit)
{
    return snapshot_rate(
        limit, atomic_load_explicit(segment_sharers(claims->segment), memory_order_relaxed));
}

static void note_refused(struct bucket *bucket)
{
    (void)atomic_fetch_add_explicit(&bucket->refused, 1, memory_order_relaxed);
}

/* A place cannot be handed about as fast as it is taken: each host has its part of them. */
uint64_t claims_places(const struct claims *claims, const struct snapshot_limit *limit)
{
    uint32_t sharers =
        atomic_load_explicit(segment_sharers(claims->segment), memory_order_relaxed);

    return limit->amount > 0 && limit->amount < sharers ? 1 : limit->amount / sharers;
}

static struct queue *queue_of(const struct claims *claims, const struct snapshot_limit *limit)
{
    return limit->queue > 0 ? segment_queue(claims->segment, limit->queue - 1) : NULL;
}

/* Whether none that waits goes before it. */
static bool may_go(const struct claims *claims, struct queue *queue)
{
    const struct turn *turn = claims->turn;

    if (!queue || (turn && turn->insists))
        return true;
    return queue_first(queue) >=
           (turn ? turn->key : queue_key(&claims->flow, queue_start(queue, &claims->flow)));
}

static uint64_t places_left(const struct claim *claim, uint64_t most)
{
    uint64_t used = atomic_load_explicit(&claim->bucket->level[0], memory_order_relaxed);

    return most > used ? most - used : 0;
}

static enum take take_place(struct claims *claims, struct claim *claim)
{
    const struct snapshot_limit *limit = claim->limit;
    struct queue *queue = queue_of(claims, limit);
    uint64_t most = claims_places(claims, limit);
    bool room = claims->hold_count < SEGMENT_HOLDS && may_go(claims, queue) &&
                place_take(claim->bucket, most);

    claim->taken = 1;
    claim->level = (struct level){.limit = most, .remaining = places_left(claim, most)};
    if (!room && limit->mode != LIMIT_MODE_shadow)
        return TAKE_FULL;
    if (!room && claims->hold_count < SEGMENT_HOLDS)
        place_add(claim->bucket);
    if (claims->hold_count < SEGMENT_HOLDS)
        claim->hold = hold_make(claims, limit->bucket, false, 1);
    if (room && queue)
        claim->charge_us = queue_go(queue, &claims->flow);
    return room ? TAKE_DONE : TAKE_FULL;
}

static enum take take_rate(struct claims *claims, struct claim *claim, uint64_t count)
{
    struct rate rate = rate_of(claims, claim->limit);
    enum take take = rate_take(claim->bucket, &rate, claim->taken_ns, count, &claim->level);

    claim->taken = count;
    if (take != TAKE_DONE && claim->limit->mode == LIMIT_MODE_shadow)
        rate_add(claim->bucket, &rate, claim->taken_ns, count);
    return take;
}

/* Into the next free claim, which counts when it was taken. */
static enum take take_limit(struct claims *claims, const struct snapshot_scope *scope,
                            const struct snapshot_limit *limit,
                            const struct claim_counts *expected, uint64_t now_ns)
{
    struct claim *claim = &claims->rates[claims->rate_count];
    enum take take;

    *claim = (struct claim){.scope = scope,
                            .limit = limit,
                            .bucket = segment_bucket(claims->segment, limit->bucket),
                            .taken_ns = now_ns};
    take = limit->unit == LIMIT_UNIT_concurrent
               ? take_place(claims, claim)
               : take_rate(claims, claim, expected->units[limit->unit]);
    claim->taken_all = take == TAKE_DONE;
    if (take != TAKE_DONE && !claims->turn &&
        !(take == TAKE_AWAITS && limit->mode == LIMIT_MODE_enforce))
        note_refused(claim->bucket);
    if (take == TAKE_DONE || limit->mode == LIMIT_MODE_shadow) {
        claims->rate_count++;
        return TAKE_DONE;
    }
    return take;
}

/* The counter of a rolling budget that hosts share goes on for ever: what was granted to this
 * host, not the amount, is what it may come to. */
static bool is_granted(const struct reservation *money)
{
    return money->budget->rolls && money->budget->amount_nano > 0 &&
           atomic_load_explicit(&money->bucket->granted, memory_order_relaxed) != UINT64_MAX;
}

/* NANO more. Of what is granted there may be more in a moment. */
static enum take reserve(const struct reservation *money, uint64_t nano)
{
    return money_reserve(money->bucket,
                         is_granted(money) ? INT64_MAX : money->budget->amount_nano, nano);
}

static enum take take_budget(struct claims *claims, const struct snapshot_scope *scope,
                             const struct snapshot_budget *budget,
                             const struct claim_counts *expected)
{
    struct reservation *money = &claims->money[claims->money_count];
    uint32_t row = budget->buckets[claims->started_wall_ms >= budget->ends_ms];
    enum take take;

    *money = (struct reservation){
        .scope = scope,
        .budget = budget,
        .bucket = segment_bucket(claims->segment, row),
        .reserved_nano = budget->strict ? expected->cost_nano : expected->usual_cost_nano,
    };
    take =
        claims->hold_count < SEGMENT_HOLDS ? reserve(money, money->reserved_nano) : TAKE_FULL;
    money->taken_all = take == TAKE_DONE;
    if (take == TAKE_FULL)
        note_refused(money->bucket);
    if (take != TAKE_DONE && budget->mode != LIMIT_MODE_shadow)
        return take;
    if (claims->hold_count < SEGMENT_HOLDS) {
        if (take != TAKE_DONE)
            money_add(money->bucket, money->reserved_nano);
        money->hold = hold_make(claims, row, true, money->reserved_nano);
        claims->money_count++;
    }
    return TAKE_DONE;
}

static enum fault refused_limit(const struct claims *claims, struct claim_refusal *reterr,
                                enum take take)
{
    const struct claim *claim = &claims->rates[claims->rate_count];

    *reterr = (struct claim_refusal){.scope = claim->scope,
                                     .limit = claim->limit,
                                     .level = claim->level,
                                     .awaits = take == TAKE_AWAITS};
    return claim->limit->unit == LIMIT_UNIT_concurrent ? FAULT_too_busy : FAULT_rate_limited;
}

static enum fault take_scope(struct claims *claims, const struct snapshot_scope *scope,
                             const struct claim_counts *expected, uint64_t now_ns,
                             struct claim_refusal *reterr)
{
    enum take take;

    for (uint32_t i = 0; i < scope->limits.count; i++) {
        take = take_limit(claims, scope,
                          SNAPSHOT_ROW(claims->snapshot, scope->limits, i, snapshot_limit),
                          expected, now_ns);
        if (take != TAKE_DONE)
            return refused_limit(claims, reterr, take);
    }
    for (uint32_t i = 0; i < scope->budgets.count; i++) {
        const struct snapshot_budget *budget =
            SNAPSHOT_ROW(claims->snapshot, scope->budgets, i, snapshot_budget);

        take = take_budget(claims, scope, budget, expected);
        if (take != TAKE_DONE) {
            *reterr = (struct claim_refusal){
                .scope = scope, .budget = budget, .awaits = take == TAKE_AWAITS};
            return FAULT_budget_spent;
        }
    }
    return FAULT_NONE;
}

/* For all rows of SCOPES, and some of a provider that may come. */
static void make_room(struct claims *claims, const struct snapshot_scope *const *scopes,
                      unsigned count)
{
    unsigned rates = claims->rate_count, money = claims->money_count;
    struct claim *old_rates = claims->rates;
    struct reservation *old_money = claims->money;

    for (unsigned i = 0; i < count; i++) {
        rates += scopes[i]->limits.count;
        money += scopes[i]->budgets.count;
    }
    if (rates > claims->rate_room) {
        claims->rate_room = rates + 2;
        claims->rates = ARENA_ARRAY(claims->arena, claims->rate_room, struct claim);
        if (old_rates)
            memcpy(claims->rates, old_rates, claims->rate_count * sizeof(*old_rates));
    }
    if (money > claims->money_room) {
        claims->money_room = money + 1;
        claims->money = ARENA_ARRAY(claims->arena, claims->money_room, struct reservation);
        if (old_money)
            memcpy(claims->money, old_money, claims->money_count * sizeof(*old_money));
    }
}

enum fault claims_take(struct claims *claims, const struct snapshot_scope *const *scopes,
                       unsigned count, const struct claim_counts *expected, uint64_t now_ns,
                       struct claim_refusal *reterr)
{
    struct claims_mark before = claims_mark(claims);
    enum fault fault = FAULT_NONE;

    CHECK(count <= CLAIM_SCOPES_MAX);
    make_room(claims, scopes, count);
    for (unsigned i = 0; i < count && fault == FAULT_NONE; i++)
        fault = take_scope(claims, scopes[i], expected, now_ns, reterr);
    if (fault != FAULT_NONE)
        claims_return(claims, before);
    return fault;
}

/* ---- growing ----------------------------------------------------------------------------- */

static bool extend(struct reservation *money, uint64_t more)
{
    const struct snapshot_budget *budget = money->budget;
    bool room = reserve(money, more) == TAKE_DONE;

    if (!room && budget->cuts && budget->mode == LIMIT_MODE_enforce)
        return false;
    if (!room)
        money_add(money->bucket, more);
    money->reserved_nano += more;
    atomic_store_explicit(&money->hold->amount, money->reserved_nano, memory_order_release);
    return true;
}

bool claims_extend(struct claims *claims, uint64_t cost_nano)
{
    for (unsigned i = 0; i < claims->money_count; i++) {
        struct reservation *money = &claims->money[i];

        if (cost_nano > money->reserved_nano &&
            !extend(money, cost_nano - money->reserved_nano))
            return false;
    }
    return true;
}

static uint64_t share_of(const struct reservation *money, const struct claim_counts *more)
{
    return money->budget->strict ? more->cost_nano : more->usual_cost_nano;
}

static bool add_to(struct reservation *money, uint64_t more)
{
    bool room = reserve(money, more) == TAKE_DONE;

    if (!room && money->budget->mode != LIMIT_MODE_shadow)
        return false;
    if (!room)
        money_add(money->bucket, more);
    money->reserved_nano += more;
    atomic_store_explicit(&money->hold->amount, money->reserved_nano, memory_order_release);
    return true;
}

/* The hold first: a death in between leaves too much in the bucket. */
static void take_from(struct reservation *money, uint64_t less)
{
    money->reserved_nano -= less;
    atomic_store_explicit(&money->hold->amount, money->reserved_nano, memory_order_release);
    money_release(money->bucket, less, 0);
}

bool claims_add(struct claims *claims, struct claims_mark mark, const struct claim_counts *more)
{
    for (unsigned i = 0; i < mark.money; i++) {
        if (add_to(&claims->money[i], share_of(&claims->money[i], more)))
            continue;
        claims_take_back(claims, (struct claims_mark){.money = i}, more);
        return false;
    }
    return true;
}

void claims_take_back(struct claims *claims, struct claims_mark mark,
                      const struct claim_counts *more)
{
    for (unsigned i = 0; i < mark.money; i++)
        take_from(&claims->money[i], share_of(&claims->money[i], more));
}

/* ---- giving back ------------------------------------------------------------------------- */

struct claims_mark claims_mark(const struct claims *claims)
{
    return (struct claims_mark){claims->rate_count, claims->money_count, claims->hold_count};
}

static void give_place_back(const struct claim *claim)
{
    if (!claim->hold)
        return;
    hold_clear(claim->hold);
    place_give_back(claim->bucket);
}

static void return_place(const struct claims *claims, const struct claim *claim)
{
    struct queue *queue = queue_of(claims, claim->limit);

    give_place_back(claim);
    if (queue)
        queue_undo(queue, &claims->flow, claim->charge_us);
}

static void return_claim(const struct claims *claims, const struct claim *claim)
{
    struct rate rate = rate_of(claims, claim->limit);

    if (claim->limit->unit == LIMIT_UNIT_concurrent)
        return_place(claims, claim);
    else
        rate_give_back(claim->bucket, &rate, claim->taken_ns, claim->taken);
}

/* Of what is spent a death in between leaves too much in the bucket, never too little. */
static uint64_t settle_money(const struct reservation *money, uint64_t spent)
{
    uint64_t reserved = money->reserved_nano;
    uint64_t most =
        is_granted(money) ? atomic_load(&money->bucket->granted) : money->budget->amount_nano;
    uint64_t passed = money_spend(money->bucket, most, spent);

    hold_clear(money->hold);
    money_release(money->bucket, reserved, spent);
    return passed;
}

void claims_return(struct claims *claims, struct claims_mark mark)
{
    while (claims->rate_count > mark.rates)
        return_claim(claims, &claims->rates[--claims->rate_count]);
    while (claims->money_count > mark.money)
        (void)settle_money(&claims->money[--claims->money_count], 0);
    claims->hold_count = mark.holds;
}

static void settle_rate(const struct claims *claims, const struct claim *claim, uint64_t used,
                        uint64_t now_ns)
{
    struct rate rate = rate_of(claims, claim->limit);

    if (used == UINT64_MAX)
        return;
    if (used > claim->taken)
        rate_add(claim->bucket, &rate, now_ns, used - claim->taken);
    else
        rate_give_back(claim->bucket, &rate, claim->taken_ns, claim->taken - used);
}

static void end_place(const struct claims *claims, const struct claim *claim, uint64_t now_ns)
{
    struct queue *queue = queue_of(claims, claim->limit);

    give_place_back(claim);
    if (queue)
        queue_end(queue, &claims->flow, claim->charge_us, (now_ns - claim->taken_ns) / 1000);
}

static void end_claim(const struct claims *claims, const struct claim *claim,
                      const struct claim_counts *used, uint64_t now_ns)
{
    if (claim->limit->unit == LIMIT_UNIT_concurrent)
        end_place(claims, claim, now_ns);
    else
        settle_rate(claims, claim, used->units[claim->limit->unit], now_ns);
}

uint64_t claims_settle(struct claims *claims, struct claims_mark mark,
                       const struct claim_counts *used, uint64_t now_ns)
{
    uint64_t passed = 0;

    while (claims->rate_count > mark.rates)
        end_claim(claims, &claims->rates[--claims->rate_count], used, now_ns);
    while (claims->money_count > mark.money) {
        const struct reservation *money = &claims->money[--claims->money_count];

        passed += settle_money(money, used->cost_nano == UINT64_MAX ? money->reserved_nano
                                                                    : used->cost_nano);
    }
    claims->hold_count = mark.holds;
    return passed;
}

uint64_t claims_settle_between(struct claims *claims, struct claims_mark mark,
                               struct claims_mark to, const struct claim_counts *used,
                               uint64_t now_ns)
{
    unsigned rates = claims->rate_count - to.rates, money = claims->money_count - to.money;
    uint64_t passed = 0;

    CHECK(to.rates >= mark.rates && to.money >= mark.money);
    for (unsigned i = mark.rates; i < to.rates; i++)
        end_claim(claims, &claims->rates[i], used, now_ns);
    for (unsigned i = mark.money; i < to.money; i++)
        passed += settle_money(&claims->money[i], used->cost_nano == UINT64_MAX
                                                      ? claims->money[i].reserved_nano
                                                      : used->cost_nano);
    if (rates > 0)
        memmove(&claims->rates[mark.rates], &claims->rates[to.rates],
                rates * sizeof(*claims->rates));
    if (money > 0)
        memmove(&claims->money[mark.money], &claims->money[to.money],
                money * sizeof(*claims->money));
    claims->rate_count = mark.rates + rates;
    claims->money_count = mark.money + money;
    return passed; /* the holds of those that ended stay empty until the others' end */
}

/* ---- what is told ------------------------------------------------------------------------ */

const struct claim *claims_tightest(const struct claims *claims, enum limit_unit unit)
{
    const struct claim *tightest = NULL;

    for (unsigned i = 0; i < claims->rate_count; i++) {
        const struct claim *claim = &claims->rates[i];

        if (claim->limit->unit != unit || claim->limit->mode != LIMIT_MODE_enforce)
            continue;
        if (!tightest || claim->level.remaining < tightest->level.remaining)
            tightest = claim;
    }
    return tightest;
}

uint64_t claims_reserved_nano(const struct claims *claims)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < claims->money_count; i++)
        if (claims->money[i].reserved_nano > most)
            most = claims->money[i].reserved_nano;
    return most;
}
