/* supervisor/configure/scopes.h
 *
 * Limits and budgets of the settings and of the store become scopes of a snapshot: for whom
 * there is a rule gets a row, and each of its limits and budgets a counter of the segment.
 *
 * Rules for one object stand before those for each of its kind: a rate of the same unit and
 * window, a budget of the same name (also with mode off, which makes an exception). Of two
 * rates for the same object, unit and window the lower one counts; of two budgets of the same
 * object and name that of the settings.
 */
#ifndef SUPERVISOR_CONFIGURE_SCOPES_H
#define SUPERVISOR_CONFIGURE_SCOPES_H

#include "shared/base/arena.h"
#include "shared/limit/period.h"
#include "shared/limit/rule.h"
#include "shared/snapshot/snapshot_build.h"

#include "supervisor/configure/configure.h"

struct scope_entry { /* a rule, found by the text of its scope */
    uint64_t hash;
    struct span scope;
    uint32_t index;
    bool is_budget, stored;
};

struct scope_rate {
    struct rate_rule rule;
    struct span name; /* ptr NULL: its rates */
};

struct scope_budget {
    struct budget_rule rule;
    const struct budget_text *text;
    struct period now, next; /* of total and rolling both the same */
};

struct scope_owner { /* a tenant, team or user, in the order of kind and id */
    const struct configure_owner *from;
    uint32_t scope;
};

struct scopes {
    struct snapshot_builder *builder;
    struct configure_lasting *lasting;
    uint64_t generation;
    struct buffer *why; /* one sentence, when it failed */
    bool failed;
    struct arena arena;
    struct scope_entry *entries;
    struct scope_rate *rates;
    struct scope_budget *budgets;
    struct scope_owner *owners;
    const struct configure_owner *rows_of; /* the same, as the store gave them */
    uint32_t entry_count, rate_count, budget_count, owner_count;
    struct snapshot_scope *rows;
    uint32_t row_count, row_room;
    bool targets; /* there are rules for some */
};

/* Reads the rules and makes the scopes of tenants, teams, users and tags. */
void scopes_begin(struct scopes *scopes, const struct settings *settings,
                  const struct configure_rows *rows, int64_t now_ms);
/* The scope of a model or provider: 1 + index, 0: it has no limits. */
uint32_t scopes_named(struct scopes *scopes, enum limit_scope kind, struct span name);
/* The same for what a provider calls MODEL; asked as often as there are targets that are so. */
uint32_t scopes_target(struct scopes *scopes, struct span provider, struct span model);
void scopes_of_key(struct scopes *scopes, const struct configure_key *key, uint32_t ret[4]);
/* The models that a key may ask for: those which its own list, its tenant's and its team's all
 * have. */
void scopes_models(const struct scopes *scopes, const struct configure_key *key,
                   struct snapshot_key *ret);
/* The store's id of "acme" or "acme/blue"; 0: nobody has that name. */
uint64_t scopes_owner(const struct scopes *scopes, enum limit_scope kind, struct span name);
uint64_t owner_named(const struct configure_owner *owners, uint32_t count,
                     enum limit_scope kind, struct span name);
/* NULL: the database of zones lost it since it was written; the snapshot then fails. */
const struct zone *scopes_zone(struct scopes *scopes, struct span name);
/* 1 + the row in which the answers of that model are measured; 0: there is no room. */
uint32_t scopes_yield(const struct scopes *scopes, struct span served_model);
/* The same for how soon the answers of a model of the settings begin. */
uint32_t scopes_starts(const struct scopes *scopes, struct span model);
/* Writes the rows; false with a sentence: a scope has too many limits, or all counters are
 * taken. */
bool scopes_end(struct scopes *scopes, struct snapshot_header_page *page);
void scopes_done(struct scopes *scopes);

/* gather.c: the limits of one, from all rules that are for it. SUBJECT is what its counters are
 * named after, NAMES are the texts of scopes that mean it alone. 1 + index, or 0. */
uint32_t scopes_make(struct scopes *scopes, enum limit_scope kind, struct span subject,
                     const struct span *names, unsigned name_count);

#endif
