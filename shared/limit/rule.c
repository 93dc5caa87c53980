#include "shared/limit/rule.h"

#include "shared/base/check.h"

static bool fault(struct rule_fault *ret, const char *member, const char *why)
{
    *ret = (struct rule_fault){member, why};
    return why != NULL;
}

/* ---- rate limits ----------------------------------------------------------------------------
 */

static const char *read_unit(enum limit_unit unit, struct span text, struct rule_rate *ret)
{
    *ret = (struct rule_rate){.unit = unit};
    if (unit == LIMIT_UNIT_concurrent)
        return rule_read_amount(text, &ret->amount);
    return rule_read_rate(text, &ret->amount, &ret->window_ms);
}

static bool read_rates(const struct rate_text *text, struct rate_rule *ret,
                       struct rule_fault *ret_fault)
{
    for (unsigned unit = 0; unit < LIMIT_UNIT_COUNT; unit++) {
        if (text->of[unit].ptr &&
            fault(ret_fault, limit_unit_name(unit).ptr,
                  read_unit((enum limit_unit)unit, text->of[unit], &ret->rates[ret->count++])))
            return false;
    }
    if (ret->count > 0)
        return true;
    (void)fault(ret_fault, "requests",
                "is missing, and so are input_tokens, output_tokens, total_tokens and "
                "concurrent: a limit needs one of them");
    return false;
}

/* One burst counts for each rate of the rule. */
static const char *read_burst(const struct rate_text *text, struct rate_rule *ret)
{
    uint64_t burst = 0;
    const char *why = text->burst.ptr ? rule_read_amount(text->burst, &burst) : NULL;

    if (!why && text->burst.ptr && ret->algorithm != LIMIT_ALGORITHM_token_bucket)
        why = "belongs to the algorithm token_bucket";
    if (!why && text->burst.ptr && burst == 0)
        why = "lets nothing in: an amount of 0 says that";
    for (uint32_t i = 0; i < ret->count; i++)
        ret->rates[i].burst = text->burst.ptr ? burst : ret->rates[i].amount;
    return why;
}

bool rate_rule_read(const struct rate_text *text, struct rate_rule *ret,
                    struct rule_fault *ret_fault)
{
    *ret = (struct rate_rule){.algorithm = LIMIT_ALGORITHM_token_bucket,
                              .mode = LIMIT_MODE_enforce};
    if (text->name.ptr && fault(ret_fault, "name", rule_read_name(text->name)))
        return false;
    if (fault(ret_fault, "scope", rule_read_scope(text->scope, &ret->scope)) ||
        !read_rates(text, ret, ret_fault))
        return false;
    if (text->algorithm.ptr &&
        fault(ret_fault, "algorithm", rule_read_algorithm(text->algorithm, &ret->algorithm)))
        return false;
    if (text->mode.ptr && fault(ret_fault, "mode", rule_read_mode(text->mode, &ret->mode)))
        return false;
    return !fault(ret_fault, "burst", read_burst(text, ret));
}

/* ---- budgets --------------------------------------------------------------------------------
 */

static const char *check_window(const struct budget_text *text, const struct budget_rule *rule)
{
    bool rolling = rule->period == BUDGET_PERIOD_rolling;

    if (!rolling)
        return text->window_ms == 0 ? NULL : "belongs to the period rolling";
    if (text->window_ms == 0)
        return "is missing: the period rolling needs one, like 30d";
    if (text->window_ms < WINDOW_MIN || text->window_ms > WINDOW_MAX ||
        text->window_ms % WINDOW_MIN != 0)
        return "is not whole minutes, from 1m to 366d";
    return NULL;
}

bool budget_rule_read(const struct budget_text *text, struct budget_rule *ret,
                      struct rule_fault *ret_fault)
{
    *ret = (struct budget_rule){.window_ms = text->window_ms, .mode = LIMIT_MODE_enforce};
    if (fault(ret_fault, "name", rule_read_name(text->name)) ||
        fault(ret_fault, "scope", rule_read_scope(text->scope, &ret->scope)) ||
        fault(ret_fault, "amount", rule_read_money(text->amount, &ret->amount_nano)) ||
        fault(ret_fault, "period", rule_read_period(text->period, &ret->period)) ||
        fault(ret_fault, "window", check_window(text, ret)))
        return false;
    if (text->zone.ptr && fault(ret_fault, "zone", rule_read_zone(text->zone)))
        return false;
    if (text->soft.ptr &&
        fault(ret_fault, "soft", rule_read_soft(text->soft, ret->amount_nano, &ret->soft_nano)))
        return false;
    return !(text->mode.ptr &&
             fault(ret_fault, "mode", rule_read_mode(text->mode, &ret->mode)));
}

/* ---- for people -----------------------------------------------------------------------------
 */

static const struct {
    uint64_t ms;
    const char *text;
} windows[] = {{1000, "a second"},
               {60 * 1000, "a minute"},
               {3600 * 1000, "an hour"},
               {86400 * 1000, "a day"}};

static const char *const unit_words[] = {
#define LIMIT_UNIT(name, help) help,
#include "shared/limit/limits.def"
};

void rule_rate_write(const struct rule_rate *rate, struct buffer *out)
{
    (void)buffer_append_format(out, "%llu %s", (unsigned long long)rate->amount,
                               unit_words[rate->unit]);
    if (rate->window_ms == 0)
        return;
    for (unsigned i = 0; i < ARRAY_LEN(windows); i++) {
        if (windows[i].ms == rate->window_ms) {
            (void)buffer_append_format(out, " %s", windows[i].text);
            return;
        }
    }
    (void)buffer_append_format(out, " in %llu ms", (unsigned long long)rate->window_ms);
}
