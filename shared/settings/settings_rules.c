/* Limits and budgets as a whole: members that need each other, names that occur twice, more
 * than a scope can have, models and providers that nobody knows. */
#include "shared/base/hash.h"
#include "shared/base/memory.h"
#include "shared/settings/settings_inside.h"

/* ---- whom they name -------------------------------------------------------------------------
 */

static bool provider_known(const struct settings *settings, struct span name)
{
    return provider_named(settings, name) || made_by_itself(settings, name);
}

static bool has_name(const struct settings_list *names, struct span name)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (span_eq(((const struct span *)names->rows)[i], name))
            return true;
    }
    return false;
}

/* Its own list decides; what else it has the catalogue and its account know. */
static bool provider_may_have(const struct settings_provider *provider, struct span model)
{
    return !provider->models.rows || has_name(&provider->models, model);
}

static bool offered(const struct settings *settings, struct span model)
{
    const struct provider_kind *kind;

    for (uint32_t i = 0; i < settings->providers.count; i++) {
        if (provider_may_have(SETTINGS_ROW(settings->providers, i, settings_provider), model))
            return true;
    }
    for (unsigned i = 0; (kind = provider_kind_at(i)) != NULL; i++) {
        if (!kind->mock && made_by_itself(settings, kind->name))
            return true;
    }
    return false;
}

static bool model_known(const struct settings *settings, struct span name)
{
    struct span rest = name, provider;

    for (uint32_t i = 0; i < settings->models.count; i++) {
        const struct settings_model *model = SETTINGS_ROW(settings->models, i, settings_model);

        if (model->name.ptr && span_eq(model->name, name))
            return true;
    }
    if (span_cut(&rest, '/', &provider) && rest.ptr && provider_known(settings, provider))
        return true;
    return offered(settings, name);
}

static void check_object(struct reader *reader, uint32_t line, const char *list,
                         const struct rule_scope *scope)
{
    struct span rest = scope->name, provider = scope->name;

    if (scope->each)
        return;
    if (scope->kind == LIMIT_SCOPE_model && !model_known(reader->settings, scope->name))
        complain(reader, line, "%s: scope: there is no model `%.*s`", list,
                 SPAN_ARG(scope->name));
    if (scope->kind == LIMIT_SCOPE_target)
        (void)span_cut(&rest, '/', &provider);
    if ((scope->kind == LIMIT_SCOPE_provider || scope->kind == LIMIT_SCOPE_target) &&
        !provider_known(reader->settings, provider))
        complain(reader, line,
                 "%s: scope: there is no provider `%.*s`; one of the store is named in "
                 "`providers` too, with kind: store",
                 list, SPAN_ARG(provider));
}

/* ---- how many a scope has -------------------------------------------------------------------
 */

/* A rule by the text of its scope; those of "KIND:*" count for every scope of the kind. */
struct counted {
    struct span scope, name;
    uint32_t line, amount; /* of rates, or 1 */
    struct rule_scope read;
};

struct tally {
    struct reader *reader;
    const char *list, *what;
    uint32_t most;
    struct counted *rows;
    uint32_t count;
    bool names_are_one; /* of a scope */
};

static void check_most(const struct tally *tally, uint32_t at)
{
    const struct counted *row = &tally->rows[at];
    uint32_t sum = 0;

    for (uint32_t i = 0; i <= at; i++) {
        const struct counted *other = &tally->rows[i];
        bool same = span_eq(other->scope, row->scope);
        bool wide = other->read.each && other->read.kind == row->read.kind;

        if (same || wide)
            sum += other->amount;
        if (same && i < at && tally->names_are_one && span_eq(other->name, row->name))
            complain(tally->reader, row->line,
                     "%s: `%.*s` has the name `%.*s` in line %u already", tally->list,
                     SPAN_ARG(row->scope), SPAN_ARG(row->name), other->line);
    }
    if (sum > tally->most)
        complain(tally->reader, row->line,
                 "%s: `%.*s` has more than %u %s, those of KIND:* included", tally->list,
                 SPAN_ARG(row->scope), tally->most, tally->what);
}

static void check_tally(struct tally *tally)
{
    for (uint32_t i = 0; i < tally->count; i++)
        check_most(tally, i);
    memory_free(tally->rows);
}

static void check_rate_limits(struct reader *reader)
{
    const struct settings_list list = reader->settings->rate_limits;
    struct tally tally = {reader, "rate_limits", "limits", LIMITS_PER_SCOPE, NULL, 0, false};

    tally.rows = memory_new_array((size_t)list.count + 1, sizeof(tally.rows[0]));
    for (uint32_t i = 0; i < list.count; i++) {
        const struct settings_rate_limit *row = SETTINGS_ROW(list, i, settings_rate_limit);
        struct rate_rule rule;
        struct rule_fault fault;

        if (!row->text.scope.ptr) /* told already */
            continue;
        if (!rate_rule_read(&row->text, &rule, &fault)) {
            complain(reader, row->line, "rate_limits: `%s` %s", fault.member, fault.why);
            continue;
        }
        check_object(reader, row->line, "rate_limits", &rule.scope);
        tally.rows[tally.count++] = (struct counted){row->text.scope, row->text.name, row->line,
                                                     rule.count, rule.scope};
    }
    check_tally(&tally);
}

static void check_budgets(struct reader *reader)
{
    const struct settings_list list = reader->settings->budgets;
    struct tally tally = {reader, "budgets", "budgets", BUDGETS_PER_SCOPE, NULL, 0, true};

    tally.rows = memory_new_array((size_t)list.count + 1, sizeof(tally.rows[0]));
    for (uint32_t i = 0; i < list.count; i++) {
        const struct settings_budget *row = SETTINGS_ROW(list, i, settings_budget);
        const struct budget_text *text = &row->text;
        struct budget_rule rule;
        struct rule_fault fault;

        if (!text->scope.ptr || !text->name.ptr || !text->amount.ptr || !text->period.ptr)
            continue;
        if (!budget_rule_read(text, &rule, &fault)) {
            complain(reader, row->line, "budgets: `%s` %s", fault.member, fault.why);
            continue;
        }
        check_object(reader, row->line, "budgets", &rule.scope);
        tally.rows[tally.count++] =
            (struct counted){text->scope, text->name, row->line, 1, rule.scope};
    }
    check_tally(&tally);
}

/* ---- shares of places ---------------------------------------------------------------------
 */

static bool has_share(enum limit_scope kind)
{
    return kind == LIMIT_SCOPE_tenant || kind == LIMIT_SCOPE_team || kind == LIMIT_SCOPE_user ||
           kind == LIMIT_SCOPE_key;
}

static void check_share(struct reader *reader, const struct settings_list *list, uint32_t at)
{
    const struct settings_share *row = SETTINGS_ROW(*list, at, settings_share);
    struct rule_scope scope;

    if (!row->scope.ptr || rule_read_scope(row->scope, &scope)) /* told already */
        return;
    if (!has_share(scope.kind))
        complain(reader, row->line, "shares: `scope` is none of tenant, team, user, key");
    if (row->weight > 0 && (scope.kind == LIMIT_SCOPE_team || scope.kind == LIMIT_SCOPE_user))
        complain(reader, row->line,
                 "shares: `weight` is of a tenant, or of a key without a tenant");
    for (uint32_t i = 0; i < at; i++) {
        const struct settings_share *other = SETTINGS_ROW(*list, i, settings_share);

        if (span_eq(other->scope, row->scope))
            complain(reader, row->line, "shares: `%.*s` stands in line %u already",
                     SPAN_ARG(row->scope), other->line);
    }
}

void check_rules(struct reader *reader)
{
    const struct settings_list *shares = &reader->settings->queue.shares;

    for (uint32_t i = 0; i < shares->count; i++)
        check_share(reader, shares, i);
    check_rate_limits(reader);
    check_budgets(reader);
}
