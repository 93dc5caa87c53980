/* What an exchange used and cost: the last word on tokens, its price, and the end of what was
 * taken of limits and budgets. */
#include "shared/base/check.h"
#include "shared/limit/yield.h"
#include "shared/price/price.h"

#include "worker/flow/race.h"
#include "worker/worker.h"

#define BYTES_PER_TOKEN 4
#define PRICE_TEXT      512

/* ---- what was used ----------------------------------------------------------------------- */

/* The provider may have worked for the request, and charge for it. */
static bool was_reached(const struct exchange *x)
{
    if (x->attempts == 0 || x->answer.failing)
        return false;
    return x->first_byte_ns > 0 || !(fault_row(x->fault)->flags & FAULT_UNSERVED);
}

static enum tokenizer tokenizer_used(const struct exchange *x)
{
    return tokenizer_of(
        x->plan ? exchange_target(x)->model : x->asked_model,
        (enum dialect_id)(x->plan ? x->current->provider_dialect : x->head.dialect));
}

static uint64_t input_seen(const struct exchange *x)
{
    if (!x->limits.expected.prompt)
        return x->received_bytes / BYTES_PER_TOKEN;
    return estimate_tokens(x->limits.expected.prompt, tokenizer_used(x));
}

uint64_t charge_output_seen(const struct exchange *x)
{
    if (x->answer.stream && x->said)
        return said_tokens(x->said, tokenizer_used(x));
    return x->answer.body_bytes / BYTES_PER_TOKEN;
}

static void settle_usage(struct exchange *x)
{
    const struct plan_target *target = x->plan ? exchange_target(x) : NULL;
    struct observed observed;

    if (x->bill.usage.input == TOKENS_UNKNOWN && x->body.len > 0 && was_reached(x))
        limits_estimate(x);
    observed = (struct observed){
        .input = input_seen(x),
        .output = charge_output_seen(x),
        .context = target ? target->context : 0,
        .reached = was_reached(x),
        .whole = !x->fault && !x->gone,
    };

    if (operation_row(x->head.operation)->kind == OPERATION_KIND_COUNT || x->answer.estimated)
        observed.reached = false; /* a count costs nothing */
    use_settle(&x->bill.usage, &observed, &x->used);
}

/* ---- what it cost ------------------------------------------------------------------------ */

static const struct price_sheet *sheet_of(const struct exchange *x, const struct price_use *use)
{
    const struct snapshot *snapshot = x->view->snapshot;
    const struct snapshot_price *price = snapshot_price(snapshot, exchange_target(x)->price);

    if (!price)
        return NULL;
    return price_find_sheet(SNAPSHOT_ROW(snapshot, price->sheets, 0, price_sheet),
                            price->sheets.count, use);
}

/* What the provider says of how it served counts more than what was asked for. */
static uint32_t service_of(const struct exchange *x)
{
    return x->used.usage.service > 0 ? x->used.usage.service - 1U : limits_service(x);
}

static void price_usage(struct exchange *x)
{
    const struct price_sheet *sheet;
    struct buffer text _buffer_;
    struct price_use use;

    buffer_init(&text, PRICE_TEXT);
    x->cost_nano = 0;
    if (!x->plan || cached_is_hit(x->cached) || x->used.usage.input == TOKENS_UNKNOWN)
        return;
    use_price(&x->used.usage, service_of(x), &use);
    sheet = sheet_of(x, &use);
    x->cost_nano = PRICE_UNKNOWN;
    if (!sheet)
        return;
    x->cost_nano = price_explain(sheet, &use, &text);
    x->price = arena_copy(&x->arena, buffer_span(&text));
}

/* ---- an attempt that was overtaken --------------------------------------------------------
 */

static uint64_t sum_of(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

/* Nobody tells what it used. It was asked the same, for which the other's count is the best
 * estimate; a stream had said nothing yet, while a whole answer may have been made to its end.
 */
static void settle_lost(struct exchange *x)
{
    struct lost *lost = x->race ? &x->race->lost : NULL;
    const struct plan_target *target;

    if (!lost || !lost->there)
        return;
    target = &x->plan->targets[lost->target];
    lost->input = usage_or_zero(x->used.usage.input);
    lost->output = x->ask.stream ? 0 : usage_or_zero(x->used.usage.output);
    lost->cost_nano = limits_cost(x, target->price, lost->input, lost->output);
    metric_add(x->worker->metrics, METRIC_hedge_tokens_total, lost->input + lost->output);
    if (lost->cost_nano != PRICE_UNKNOWN) {
        metric_add(x->worker->metrics, METRIC_hedge_cost_nanodollars_total, lost->cost_nano);
        if (x->cost_nano != PRICE_UNKNOWN)
            x->cost_nano = sum_of(x->cost_nano, lost->cost_nano);
        x->used.estimated |= ESTIMATED_cost;
    }
    account_lost(x, lost);
}

/* ---- the end of the claims --------------------------------------------------------------- */

static struct claim_counts counts_of(const struct exchange *x)
{
    uint64_t input = usage_or_zero(x->used.usage.input);
    uint64_t output = usage_or_zero(x->used.usage.output);

    return (struct claim_counts){.units = {[LIMIT_UNIT_requests] = 1,
                                           [LIMIT_UNIT_input_tokens] = input,
                                           [LIMIT_UNIT_output_tokens] = output,
                                           [LIMIT_UNIT_total_tokens] = sum_of(input, output),
                                           [LIMIT_UNIT_concurrent] = 1},
                                 .cost_nano = x->cost_nano};
}

static void count_money(const struct exchange *x)
{
    struct metric_row *metrics = x->worker->metrics;

    if (x->cost_nano == PRICE_UNKNOWN)
        metric_add(metrics, METRIC_cost_unknown_total, 1);
    else
        metric_add(metrics, METRIC_cost_nanodollars_total, x->cost_nano);
    if (x->used.estimated & (ESTIMATED_input | ESTIMATED_output))
        metric_add(metrics, METRIC_usage_estimated_total, 1);
    if (x->used.estimated & ESTIMATED_clamped)
        metric_add(metrics, METRIC_usage_absurd_total, 1);
}

static void note_yield(const struct exchange *x)
{
    if (x->fault || !x->plan || cached_is_hit(x->cached) || exchange_target(x)->yield == 0 ||
        x->bill.usage.output == TOKENS_UNKNOWN)
        return;
    yield_add(segment_yield(x->worker->segment, exchange_target(x)->yield - 1),
              x->bill.usage.output / x->ask.choices);
}

void charge_settle(struct exchange *x)
{
    struct claim_counts counts, of_provider;

    settle_usage(x);
    price_usage(x);
    of_provider = counts_of(x);
    settle_lost(x);
    count_money(x);
    note_yield(x);
    counts = counts_of(x);
    limits_settle(x, &counts, &of_provider);
}
