/* supervisor/rules/owners.h
 *
 * Tenants, teams and users in the store: whom keys belong to and limits count for. A team and a
 * user are of a tenant; their full name is TENANT/NAME, and a name has no slash. Ids are never
 * used again, since counters and usage records are named after them.
 *
 * All calls block (see store.h) and return 0 or a negative errno: those of the store, -ENOENT,
 * -EEXIST: the name is taken, -EBUSY: something still belongs to it, -EINVAL: a name that is
 * none, or a team or user of another tenant.
 */
#ifndef SUPERVISOR_RULES_OWNERS_H
#define SUPERVISOR_RULES_OWNERS_H

#include "shared/base/arena.h"
#include "shared/limit/limit.h"

#include "supervisor/store/store.h"

struct owner_row {
    enum limit_scope kind; /* tenant, team or user */
    int64_t id, tenant_id, team_id, created_ms;
    struct span name, tenant, team; /* tenant, team: names, of a team or user */
    struct span email;              /* of a user */
    struct span models;             /* of a tenant or team: JSON array; not there: all */
};

typedef void owner_row_f(void *who, const struct owner_row *row);
/* Every one of KIND, by name; texts live until the function returns. */
int owner_row_each(struct store *store, enum limit_scope kind, owner_row_f *function,
                   void *who);
/* NAME: "acme", of teams and users "acme/blue". Texts are copied into ARENA. */
int owner_row_find(struct store *store, enum limit_scope kind, struct span name,
                   struct arena *arena, struct owner_row *ret);
/* NAME as above; of ROW the team's id, email and models. Fills the id. */
int owner_row_create(struct store *store, struct span name, struct owner_row *row);
/* Name, email, team and models of the row with that id and kind. Rules of the store follow the
 * name. */
int owner_row_change(struct store *store, const struct owner_row *row);
int owner_row_remove(struct store *store, const struct owner_row *row);

/* Whom a new key belongs to, by names ("acme", "acme/blue", "acme/ann"; ptr NULL: none): a team
 * or user says its tenant, a user its team. -ENOENT, -EINVAL: they are of different tenants. */
struct owner_names {
    struct span tenant, team, user;
};

struct owner_ids {
    uint64_t tenant, team, user;
};

int owners_resolve(struct store *store, const struct owner_names *names, struct owner_ids *ret);

/* The same for a key that has owners: of *IDS only those of CHANGED (bits of enum limit_scope)
 * become what NAMES says. -EINVAL too when what stays is of another tenant. */
int owners_change(struct store *store, const struct owner_names *names, uint32_t changed,
                  struct owner_ids *ids);

#endif
