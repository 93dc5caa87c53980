#include "supervisor/configure/shares.h"

#include "shared/base/check.h"
#include "shared/base/memory.h"

struct share {
    enum limit_scope kind;
    bool each;
    uint64_t owner;   /* of the store, for tenant, team and user */
    struct span name; /* of a key: its id or name */
    uint32_t weight, priority;
};

/* From the nearest on. */
static const enum limit_scope order[] = {LIMIT_SCOPE_key, LIMIT_SCOPE_user, LIMIT_SCOPE_team,
                                         LIMIT_SCOPE_tenant};

void shares_begin(struct shares *shares, const struct settings *settings,
                  const struct scopes *scopes)
{
    const struct settings_list *list = &settings->queue.shares;

    *shares =
        (struct shares){.rows = memory_new_array(list->count + 1ULL, sizeof(struct share))};
    for (uint32_t i = 0; i < list->count; i++) {
        const struct settings_share *from = SETTINGS_ROW(*list, i, settings_share);
        struct rule_scope scope;
        struct share *to = &shares->rows[shares->count];

        if (rule_read_scope(from->scope, &scope)) /* the settings refuse such a one */
            continue;
        *to = (struct share){.kind = scope.kind,
                             .each = scope.each,
                             .name = scope.name,
                             .weight = (uint32_t)from->weight,
                             .priority = (uint32_t)from->priority};
        if (scope.kind != LIMIT_SCOPE_key && !scope.each)
            to->owner =
                scopes_owner(scopes, scope.kind,
                             span_skip(from->scope, limit_scope_name(scope.kind).len + 1));
        shares->count++;
    }
}

static uint64_t owner_of(const struct configure_key *key, enum limit_scope kind)
{
    return kind == LIMIT_SCOPE_tenant ? key->tenant
           : kind == LIMIT_SCOPE_team ? key->team
                                      : key->user;
}

static bool is_for(const struct share *share, const struct configure_key *key)
{
    if (share->kind == LIMIT_SCOPE_key)
        return share->each || span_eq(share->name, span_of(key->id, KEY_ID_SIZE)) ||
               span_eq(share->name, key->name);
    if (share->each)
        return owner_of(key, share->kind) != 0;
    return share->owner != 0 && share->owner == owner_of(key, share->kind);
}

/* By name or for EACH; NULL: there is none. */
static const struct share *find(const struct shares *shares, const struct configure_key *key,
                                enum limit_scope kind, bool each)
{
    for (uint32_t i = 0; i < shares->count; i++) {
        const struct share *share = &shares->rows[i];

        if (share->kind == kind && share->each == each && is_for(share, key))
            return share;
    }
    return NULL;
}

void shares_of_key(const struct shares *shares, const struct configure_key *from,
                   struct snapshot_key *to)
{
    enum limit_scope weighed = from->tenant ? LIMIT_SCOPE_tenant : LIMIT_SCOPE_key;

    for (unsigned i = 0; i < 2 * ARRAY_LEN(order); i++) {
        const struct share *share = find(shares, from, order[i / 2], i % 2 == 1);

        if (!share)
            continue;
        if (to->priority == 0)
            to->priority = share->priority;
        if (to->weight == 0 && share->kind == weighed)
            to->weight = share->weight;
    }
}

void shares_done(struct shares *shares)
{
    memory_free(shares->rows);
}
