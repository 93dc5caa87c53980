/* The limits and budgets of one scope. */
#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/base/memory.h"

#include "supervisor/configure/configure_inside.h"

#define GATHERED_MAX 64 /* with those that are off */

struct gathered_rate {
    struct rule_rate rate;
    const struct scope_rate *from;
    bool each;
};

struct gathered_budget {
    const struct scope_budget *from;
    bool stored;
};

struct gathering {
    struct scopes *scopes;
    enum limit_scope kind;
    struct span subject;
    struct gathered_rate rates[GATHERED_MAX];
    struct gathered_budget budgets[GATHERED_MAX];
    uint32_t rate_count, budget_count;
};

static void fail(struct gathering *gathering, const char *what)
{
    struct scopes *scopes = gathering->scopes;

    if (!scopes->failed)
        (void)buffer_append_format(scopes->why, "limits: %.*s:%.*s: %s",
                                   SPAN_ARG(limit_scope_name(gathering->kind)),
                                   SPAN_ARG(gathering->subject), what);
    scopes->failed = true;
}

/* ---- which rules ----------------------------------------------------------------------------
 */

static bool replaces(const struct gathered_rate *there, const struct gathered_rate *rate)
{
    bool same_window =
        there->rate.unit == rate->rate.unit && there->rate.window_ms == rate->rate.window_ms;

    if (there->each != rate->each)
        return same_window;
    return same_window && there->from->rule.algorithm == rate->from->rule.algorithm &&
           there->from->rule.mode == rate->from->rule.mode;
}

static void add_rate(struct gathering *gathering, struct gathered_rate rate)
{
    for (uint32_t i = 0; i < gathering->rate_count; i++) {
        struct gathered_rate *there = &gathering->rates[i];

        if (!replaces(there, &rate))
            continue;
        if (there->each == rate.each && rate.rate.amount < there->rate.amount)
            *there = rate;
        return;
    }
    if (gathering->rate_count == GATHERED_MAX)
        fail(gathering, "there are too many limits");
    else
        gathering->rates[gathering->rate_count++] = rate;
}

static void add_budget(struct gathering *gathering, const struct scope_budget *budget,
                       bool stored)
{
    for (uint32_t i = 0; i < gathering->budget_count; i++) {
        if (span_eq(gathering->budgets[i].from->text->name, budget->text->name))
            return;
    }
    if (gathering->budget_count == GATHERED_MAX)
        fail(gathering, "there are too many budgets");
    else
        gathering->budgets[gathering->budget_count++] =
            (struct gathered_budget){budget, stored};
}

static void add_entry(struct gathering *gathering, const struct scope_entry *entry)
{
    const struct scopes *scopes = gathering->scopes;
    const struct scope_rate *from;

    if (entry->is_budget) {
        add_budget(gathering, &scopes->budgets[entry->index], entry->stored);
        return;
    }
    from = &scopes->rates[entry->index];
    for (uint32_t i = 0; i < from->rule.count; i++)
        add_rate(gathering,
                 (struct gathered_rate){from->rule.rates[i], from, from->rule.scope.each});
}

static void add_of(struct gathering *gathering, struct span scope)
{
    const struct scopes *scopes = gathering->scopes;
    uint64_t hash = hash_fast(scope);
    uint32_t low = 0, high = scopes->entry_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (scopes->entries[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < scopes->entry_count && scopes->entries[low].hash == hash; low++) {
        if (span_eq(scopes->entries[low].scope, scope))
            add_entry(gathering, &scopes->entries[low]);
    }
}

/* ---- their rows -----------------------------------------------------------------------------
 */

static uint32_t claim(struct gathering *gathering, uint64_t identity)
{
    const struct scopes *scopes = gathering->scopes;
    uint32_t row = segment_claim_bucket(scopes->lasting->segment, identity, scopes->generation,
                                        scopes->lasting->oldest);

    if (row != UINT32_MAX)
        return row;
    fail(gathering, "all counters are taken");
    return 0;
}

/* Counts of another algorithm mean something else; and what is only told must not take the room
 * of what is enforced. */
static uint64_t rate_identity(const struct gathering *gathering,
                              const struct gathered_rate *rate)
{
    const struct rate_rule *rule = &rate->from->rule;
    struct buffer text;
    uint64_t identity;

    buffer_init(&text, 200);
    (void)buffer_append_format(
        &text, "%.*s/%llu%s%s", SPAN_ARG(limit_unit_name(rate->rate.unit)),
        (unsigned long long)rate->rate.window_ms,
        rule->algorithm == LIMIT_ALGORITHM_sliding_window ? "/sliding_window" : "",
        rule->mode == LIMIT_MODE_shadow ? "/shadow" : "");
    identity = limit_identity(gathering->kind, gathering->subject, buffer_span(&text), 0);
    buffer_done(&text);
    return identity;
}

/* Requests wait for places at provider accounts and at their models alone; with all rows taken
 * they do not. */
static uint32_t claim_queue(struct gathering *gathering, const struct gathered_rate *rate)
{
    const struct scopes *scopes = gathering->scopes;
    uint32_t row;

    if ((gathering->kind != LIMIT_SCOPE_provider && gathering->kind != LIMIT_SCOPE_target) ||
        rate->rate.unit != LIMIT_UNIT_concurrent || rate->from->rule.mode != LIMIT_MODE_enforce)
        return 0;
    row = segment_claim_queue(scopes->lasting->segment, rate_identity(gathering, rate),
                              scopes->generation, scopes->lasting->oldest);
    return row == UINT32_MAX ? 0 : row + 1;
}

static struct snapshot_limit make_limit(struct gathering *gathering,
                                        const struct gathered_rate *rate)
{
    struct snapshot_builder *builder = gathering->scopes->builder;
    struct buffer words;
    struct snapshot_limit limit = {
        .amount = rate->rate.amount,
        .burst = rate->rate.burst,
        .window_ms = rate->rate.window_ms,
        .bucket = claim(gathering, rate_identity(gathering, rate)),
        .unit = (uint8_t)rate->rate.unit,
        .algorithm = (uint8_t)rate->from->rule.algorithm,
        .mode = (uint8_t)rate->from->rule.mode,
    };

    limit.queue = claim_queue(gathering, rate);
    buffer_init(&words, 200);
    rule_rate_write(&rate->rate, &words);
    limit.name = snapshot_build_text(builder, rate->from->name.ptr ? rate->from->name
                                                                   : buffer_span(&words));
    buffer_done(&words);
    return limit;
}

static struct configure_budget *keep_budget(struct gathering *gathering,
                                            const struct scope_budget *from,
                                            const struct period *period)
{
    struct configure_lasting *lasting = gathering->scopes->lasting;
    struct configure_budget *row = configure_budgets_add(&lasting->budgets);
    uint64_t identity =
        limit_identity(gathering->kind, gathering->subject, from->text->name, period->begin_ms);

    *row = (struct configure_budget){
        .kind = gathering->kind,
        .subject = arena_copy(&lasting->budgets.arena, gathering->subject),
        .name = arena_copy(&lasting->budgets.arena, from->text->name),
        .identity = identity,
        .period = *period,
        .rule = from->rule,
        .bucket = claim(gathering, identity),
    };
    return row;
}

static struct snapshot_budget make_budget(struct gathering *gathering,
                                          const struct gathered_budget *gathered)
{
    const struct scope_budget *from = gathered->from;
    struct configure_lasting *lasting = gathering->scopes->lasting;
    struct configure_budget *now = keep_budget(gathering, from, &from->now);
    struct snapshot_budget budget = {
        .amount_nano = from->rule.amount_nano,
        .soft_nano = from->rule.soft_nano,
        .ends_ms = from->now.end_ms,
        .buckets = {now->bucket, now->bucket},
        .mode = (uint8_t)from->rule.mode,
        .strict = from->text->strict != 0,
        .cuts = from->text->cut != 0,
        .rolls = from->rule.period == BUDGET_PERIOD_rolling,
        .name = snapshot_build_text(gathering->scopes->builder, from->text->name),
    };

    now->stored = gathered->stored;
    now->runs = true;
    if (lasting->blocked && lasting->blocked(lasting->who, now->identity))
        budget.amount_nano = 0;
    if (from->now.end_ms < INT64_MAX)
        budget.buckets[1] = keep_budget(gathering, from, &from->next)->bucket;
    if (from->now.end_ms < lasting->budgets.ends_ms)
        lasting->budgets.ends_ms = from->now.end_ms;
    return budget;
}

static uint32_t put_limits(struct gathering *gathering, struct snapshot_limit *limits)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < gathering->rate_count; i++) {
        if (gathering->rates[i].from->rule.mode == LIMIT_MODE_off)
            continue;
        if (count == LIMITS_PER_SCOPE) {
            fail(gathering, "there are too many limits");
            break;
        }
        limits[count++] = make_limit(gathering, &gathering->rates[i]);
    }
    return count;
}

static uint32_t put_budgets(struct gathering *gathering, struct snapshot_budget *budgets)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < gathering->budget_count; i++) {
        if (gathering->budgets[i].from->rule.mode == LIMIT_MODE_off)
            continue;
        if (count == BUDGETS_PER_SCOPE) {
            fail(gathering, "there are too many budgets");
            break;
        }
        budgets[count++] = make_budget(gathering, &gathering->budgets[i]);
    }
    return count;
}

static uint32_t add_row(struct scopes *scopes, const struct snapshot_scope *row)
{
    if (scopes->row_count == scopes->row_room) {
        scopes->row_room = scopes->row_room > 0 ? scopes->row_room * 2 : 64;
        scopes->rows = memory_resize(scopes->rows, scopes->row_room * sizeof(scopes->rows[0]));
    }
    scopes->rows[scopes->row_count++] = *row;
    return scopes->row_count;
}

static uint32_t put_scope(struct gathering *gathering)
{
    struct snapshot_builder *builder = gathering->scopes->builder;
    struct snapshot_limit limits[LIMITS_PER_SCOPE];
    struct snapshot_budget budgets[BUDGETS_PER_SCOPE];
    uint32_t limit_count = put_limits(gathering, limits);
    uint32_t budget_count = put_budgets(gathering, budgets);
    struct snapshot_scope row = {.kind = gathering->kind};

    if (limit_count + budget_count == 0)
        return 0;
    row.subject = snapshot_build_text(builder, gathering->subject);
    row.limits = SNAPSHOT_BUILD_ROWS(builder, limits, limit_count);
    row.budgets = SNAPSHOT_BUILD_ROWS(builder, budgets, budget_count);
    return add_row(gathering->scopes, &row);
}

uint32_t scopes_make(struct scopes *scopes, enum limit_scope kind, struct span subject,
                     const struct span *names, unsigned name_count)
{
    struct gathering gathering;
    struct buffer each;

    gathering.scopes = scopes;
    gathering.kind = kind;
    gathering.subject = subject;
    gathering.rate_count = gathering.budget_count = 0;
    for (unsigned i = 0; i < name_count; i++)
        add_of(&gathering, names[i]);
    buffer_init(&each, 64);
    (void)buffer_append_format(&each, "%.*s:*", SPAN_ARG(limit_scope_name(kind)));
    add_of(&gathering, buffer_span(&each));
    buffer_done(&each);
    if (gathering.rate_count + gathering.budget_count == 0)
        return 0;
    return put_scope(&gathering);
}
