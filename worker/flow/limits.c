/* Whom an exchange counts for, what it is expected to use, and the taking and ending of that.
 */
#include "worker/flow/limits.h"

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/money.h"
#include "shared/journal/record.h"
#include "shared/limit/yield.h"
#include "shared/price/price.h"
#include "shared/text/json_write.h"

#include "worker/worker.h"

#define INPUT_EXTRA    32    /* tokens that frame a prompt, beside the fifth that is added */
#define OUTPUT_UNKNOWN 32768 /* tokens of an answer of a model that nobody knows */

/* ---- whom it counts for ------------------------------------------------------------------ */

static void add_scope(const struct snapshot_scope **scopes, unsigned *count,
                      const struct snapshot_scope *scope)
{
    if (scope)
        scopes[(*count)++] = scope;
}

static unsigned gather(const struct exchange *x, const struct snapshot_model *model,
                       const struct snapshot_scope **ret)
{
    const struct snapshot *snapshot = x->view->snapshot;
    unsigned count = 0;

    for (unsigned i = 0; i < ARRAY_LEN(x->caller.key->scopes); i++)
        add_scope(ret, &count, snapshot_scope(snapshot, x->caller.key->scopes[i]));
    for (unsigned i = 0; i < x->tags.count; i++)
        add_scope(ret, &count, snapshot_find_tag(snapshot, x->tags.names[i]));
    if (model)
        add_scope(ret, &count, snapshot_scope(snapshot, model->scope));
    return count;
}

/* Requests and places need no look into the body. */
static bool needs_tokens(const struct exchange *x, const struct snapshot_scope *const *scopes,
                         unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (scopes[i]->budgets.count > 0)
            return true;
        for (uint32_t j = 0; j < scopes[i]->limits.count; j++) {
            uint8_t unit =
                SNAPSHOT_ROW(x->view->snapshot, scopes[i]->limits, j, snapshot_limit)->unit;

            if (unit != LIMIT_UNIT_requests && unit != LIMIT_UNIT_concurrent)
                return true;
        }
    }
    return false;
}

static bool has_strict_budget(const struct exchange *x,
                              const struct snapshot_scope *const *scopes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (uint32_t j = 0; j < scopes[i]->budgets.count; j++) {
            const struct snapshot_budget *budget =
                SNAPSHOT_ROW(x->view->snapshot, scopes[i]->budgets, j, snapshot_budget);

            if (budget->strict && budget->mode == LIMIT_MODE_enforce)
                return true;
        }
    }
    return false;
}

/* ---- what it is expected to use ---------------------------------------------------------- */

static bool answers_with_tokens(const struct exchange *x)
{
    enum operation_kind kind = (enum operation_kind)operation_row(x->head.operation)->kind;

    return kind != OPERATION_KIND_EMBEDDINGS && kind != OPERATION_KIND_COUNT;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t times(uint64_t count, uint64_t by)
{
    uint64_t product;

    return __builtin_mul_overflow(count, by, &product) ? UINT64_MAX : product;
}

/* What the answers of TARGET may be, at most and usually. */
static void expect_output(const struct exchange *x, const struct snapshot_target *target,
                          uint64_t *ret_most, uint64_t *ret_usual)
{
    uint64_t most = target && target->output ? target->output : OUTPUT_UNKNOWN;
    uint64_t bound = UINT64_MAX;

    if (!answers_with_tokens(x)) {
        *ret_most = *ret_usual = 0;
        return;
    }
    if (x->ask.output_max > 0)
        most = x->ask.output_max;
    if (target && target->yield > 0)
        bound = yield_bound(segment_yield(x->worker->segment, target->yield - 1));
    *ret_most = times(most, x->ask.choices);
    *ret_usual = times(least(most, bound), x->ask.choices);
}

uint32_t limits_service(const struct exchange *x)
{
    for (uint32_t i = 0; i < PRICE_SERVICE_COUNT; i++)
        if (span_eq(x->ask.service, price_service_name(i)))
            return i;
    return PRICE_SERVICE_standard;
}

/* A prompt that marks what is to be cached may be charged as written into the cache. */
static struct price_use use_of(const struct exchange *x, uint64_t input, uint64_t output)
{
    struct price_use use = {.service = limits_service(x)};

    use.counts[PRICE_input] = input;
    use.counts[PRICE_output] = output;
    use.counts[PRICE_request] = 1;
    if (x->limits.expected.marks_cache)
        use.counts[PRICE_cache_write_long] = input;
    return use;
}

static uint64_t cost_at(const struct exchange *x, const struct snapshot_target *target,
                        uint64_t input, uint64_t output)
{
    const struct snapshot_price *price = snapshot_price(x->view->snapshot, target->price);
    const struct price_sheet *sheet;
    struct price_use use = use_of(x, input, output);

    if (!price)
        return PRICE_UNKNOWN;
    sheet = price_find_sheet(SNAPSHOT_ROW(x->view->snapshot, price->sheets, 0, price_sheet),
                             price->sheets.count, &use);
    return sheet ? price_cost(sheet, &use) : PRICE_UNKNOWN;
}

static uint64_t most_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void limits_estimate(struct exchange *x)
{
    struct estimate *prompt;

    if (x->limits.expected.prompt)
        return;
    prompt = ARENA_NEW(&x->arena, struct estimate);
    estimate_body(x->ask.body, prompt);
    x->limits.expected.prompt = prompt;
}

static uint64_t expect_input(const struct exchange *x, const struct snapshot_target *target)
{
    struct span model =
        target ? snapshot_span(x->view->snapshot, target->model) : x->asked_model;

    return estimate_tokens(x->limits.expected.prompt,
                           tokenizer_of(model, (enum dialect_id)x->head.dialect));
}

/* Over all targets that may serve it: the largest. */
static void expect_target(const struct exchange *x, const struct snapshot_target *target,
                          struct expected *ret)
{
    uint64_t tokens = expect_input(x, target), most, usual, worst, cost;
    uint64_t input = tokens + tokens / 5 + INPUT_EXTRA;

    ret->input = most_of(ret->input, tokens);
    expect_output(x, target, &most, &usual);
    ret->output_most = most_of(ret->output_most, most);
    ret->output_usual = most_of(ret->output_usual, usual);
    worst = target ? cost_at(x, target, input, most) : PRICE_UNKNOWN;
    cost = target ? cost_at(x, target, input, usual) : PRICE_UNKNOWN;
    if (worst == PRICE_UNKNOWN || cost == PRICE_UNKNOWN) {
        ret->price_known = false;
        return;
    }
    ret->counts.cost_nano = most_of(ret->counts.cost_nano, worst);
    ret->counts.usual_cost_nano = most_of(ret->counts.usual_cost_nano, cost);
}

static void expect_usage(struct exchange *x, const struct snapshot_model *model)
{
    struct expected *expected = &x->limits.expected;
    uint64_t sum;

    expected->made = expected->price_known = true;
    limits_estimate(x);
    expected->marks_cache = span_find(x->ask.body, SPAN("\"cache_control\"")) != SIZE_MAX;
    for (uint32_t i = 0; model && i < model->targets.count; i++)
        expect_target(x, SNAPSHOT_ROW(x->view->snapshot, model->targets, i, snapshot_target),
                      expected);
    if (!model || model->targets.count == 0)
        expect_target(x, NULL, expected);
    if (__builtin_add_overflow(expected->input, expected->output_usual, &sum))
        sum = UINT64_MAX;
    expected->counts.units[LIMIT_UNIT_input_tokens] = expected->input;
    expected->counts.units[LIMIT_UNIT_output_tokens] = expected->output_usual;
    expected->counts.units[LIMIT_UNIT_total_tokens] = sum;
}

void limits_expect(struct exchange *x, const struct snapshot_model *model)
{
    if (!x->limits.expected.made)
        expect_usage(x, model);
}

/* ---- taking ------------------------------------------------------------------------------ */

static void grant_passed(struct deadline *deadline)
{
    struct exchange *x =
        (struct exchange *)(void *)((char *)deadline - offsetof(struct exchange, quiet));

    enum limits_result result = limits_take(x);

    if (result != LIMITS_AWAITS)
        flow_take(x, result == LIMITS_ROOM ? STEP_NEXT : STEP_REFUSE);
}

/* The deadline of quiet streams is free until there is one. */
static enum limits_result wait_for_grant(struct exchange *x)
{
    x->limits.waits++;
    x->fault = FAULT_NONE;
    x->quiet.passed = grant_passed;
    reactor_arm(&x->worker->reactor, &x->quiet, GRANT_WAIT_MS);
    return LIMITS_AWAITS;
}

static enum fault take(struct exchange *x, const struct snapshot_scope *const *scopes,
                       unsigned count)
{
    struct limits *limits = &x->limits;

    return claims_take(&limits->claims, scopes, count, &limits->expected.counts,
                       clock_monotonic_ns(), &limits->refusal);
}

enum limits_result limits_take(struct exchange *x)
{
    const struct snapshot_scope *scopes[CLAIM_SCOPES_MAX];
    struct limits *limits = &x->limits;
    unsigned count = gather(x, x->model, scopes);

    limits->expected.counts.units[LIMIT_UNIT_requests] = 1;
    limits->expected.counts.units[LIMIT_UNIT_concurrent] = 1;
    if (count == 0)
        return LIMITS_ROOM;
    if (!limits->expected.made && needs_tokens(x, scopes, count))
        expect_usage(x, x->model);
    if (limits->expected.made && !limits->expected.price_known &&
        has_strict_budget(x, scopes, count)) {
        x->fault = FAULT_price_unknown;
        return LIMITS_FULL;
    }
    x->fault = take(x, scopes, count);
    if (x->fault && limits->refusal.awaits && limits->waits < GRANT_WAITS)
        return wait_for_grant(x);
    limits->request = claims_mark(&limits->claims);
    if (limits->claims.money_count > 0)
        limits->watch_at = limits->expected.output_usual;
    return x->fault ? LIMITS_FULL : LIMITS_ROOM;
}

/* An attempt that failed was a request of its provider all the same, of which nothing is known
 * that would have cost. */
static const struct claim_counts of_failed_attempt = {
    .units = {[LIMIT_UNIT_requests] = 1, [LIMIT_UNIT_concurrent] = 1}};

unsigned limits_provider_scopes(const struct exchange *x, const struct snapshot_scope *ret[2])
{
    const struct plan_target *target = exchange_target(x);
    const struct snapshot_scope *own = snapshot_scope(x->view->snapshot, target->scope);
    unsigned count = 0;

    ret[0] = snapshot_scope(x->view->snapshot, target->provider->scope);
    count += ret[0] != NULL;
    ret[count] = own;
    return count + (own != NULL);
}

enum fault limits_take_provider(struct exchange *x)
{
    struct limits *limits = &x->limits;
    const struct snapshot_scope *scopes[2];
    unsigned count = limits_provider_scopes(x, scopes);

    (void)claims_settle(&limits->claims, limits->request, &of_failed_attempt,
                        clock_monotonic_ns());
    if (count == 0)
        return FAULT_NONE;
    if (!limits->expected.made && needs_tokens(x, scopes, count))
        expect_usage(x, x->model);
    return take(x, scopes, count);
}

/* ---- on the way -------------------------------------------------------------------------- */

uint64_t limits_cost(const struct exchange *x, uint32_t price, uint64_t input, uint64_t output)
{
    return cost_at(x, &(struct snapshot_target){.price = price}, input, output);
}

/* Reserves for an answer of OUTPUT tokens. */
static bool reserve_for(struct exchange *x, uint64_t output)
{
    uint64_t input =
        x->bill.usage.input != TOKENS_UNKNOWN ? x->bill.usage.input : x->limits.expected.input;
    uint64_t cost = limits_cost(x, exchange_target(x)->price, input, output);

    x->limits.watch_at = output;
    return cost == PRICE_UNKNOWN || claims_extend(&x->limits.claims, cost);
}

/* For a quarter more than came, so that it is not asked at each record; or for what came. */
bool limits_go_on(struct exchange *x, uint64_t output)
{
    return reserve_for(x, output + output / 4 + 1) || reserve_for(x, output);
}

/* ---- the end ----------------------------------------------------------------------------- */

static void tell_claim(const struct exchange *x, const struct claim *claim,
                       struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("scope"), limit_scope_name(claim->scope->kind));
    json_write_member_text(json, SPAN("subject"),
                           snapshot_span(x->view->snapshot, claim->scope->subject));
    json_write_member_text(json, SPAN("rule"),
                           snapshot_span(x->view->snapshot, claim->limit->name));
    json_write_member_u64(json, SPAN("taken"), claim->taken);
    json_write_member_u64(json, SPAN("level"), claim->level.limit - claim->level.remaining);
    json_write_member_u64(json, SPAN("limit"), claim->level.limit);
    json_write_member_text(json, SPAN("mode"), limit_mode_name(claim->limit->mode));
    json_write_member_bool(json, SPAN("room"), claim->taken_all);
    json_write_object_end(json);
}

static void tell_dollars(struct json_writer *json, struct span key, uint64_t nano)
{
    struct buffer text _buffer_;

    buffer_init(&text, 64);
    (void)buffer_append_byte(&text, '$');
    money_write(&text, nano);
    json_write_member_text(json, key, buffer_span(&text));
}

static void tell_money(const struct exchange *x, const struct reservation *money,
                       struct json_writer *json)
{
    json_write_object(json);
    json_write_member_text(json, SPAN("scope"), limit_scope_name(money->scope->kind));
    json_write_member_text(json, SPAN("subject"),
                           snapshot_span(x->view->snapshot, money->scope->subject));
    json_write_member_text(json, SPAN("rule"),
                           snapshot_span(x->view->snapshot, money->budget->name));
    tell_dollars(json, SPAN("taken"), money->reserved_nano);
    tell_dollars(json, SPAN("level"),
                 atomic_load_explicit(&money->bucket->level[0], memory_order_relaxed));
    tell_dollars(json, SPAN("limit"), money->budget->amount_nano);
    json_write_member_text(json, SPAN("mode"), limit_mode_name(money->budget->mode));
    json_write_member_bool(json, SPAN("room"), money->taken_all);
    json_write_object_end(json);
}

/* For the record, whose texts have an end: what does not fit whole is left out. */
static void tell(struct exchange *x)
{
    const struct claims *claims = &x->limits.claims;
    struct buffer text _buffer_, one _buffer_;
    struct json_writer json;

    buffer_init(&text, RECORD_LONG_MAX);
    buffer_init(&one, RECORD_LONG_MAX);
    for (unsigned i = 0; i < claims->rate_count + claims->money_count; i++) {
        buffer_clear(&one);
        json_write_init(&json, &one);
        if (i < claims->money_count)
            tell_money(x, &claims->money[i], &json);
        else
            tell_claim(x, &claims->rates[i - claims->money_count], &json);
        if (!one.failed)
            (void)json_list_add(&text, buffer_span(&one), RECORD_LONG_MAX);
    }
    x->limits.told = arena_copy(&x->arena, buffer_span(&text));
}

void limits_settle(struct exchange *x, const struct claim_counts *used,
                   const struct claim_counts *of_provider)
{
    struct limits *limits = &x->limits;
    struct claims_mark all = {0, 0, 0};
    uint64_t passed;

    if (limits->claims.rate_count + limits->claims.money_count == 0)
        return;
    tell(x);
    limits->reserved_nano = claims_reserved_nano(&limits->claims);
    atomic_store(&x->ticket.row->cost_nano, used->cost_nano);
    passed = claims_settle(&limits->claims, limits->request, of_provider, clock_monotonic_ns());
    passed += claims_settle(&limits->claims, all, used, clock_monotonic_ns());
    metric_add(x->worker->metrics, METRIC_budget_overshoot_nanodollars_total, passed);
}
