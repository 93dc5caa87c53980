#include "supervisor/rules/owners.h"

#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"
#include "shared/base/encode.h"
#include "shared/limit/rule.h"

#include "supervisor/rules/rules.h"

#define VALUES_MAX 6

/* Columns: id, tenant id, team id, created, name, tenant, team, email, models. */
struct kind_row {
    const char *each, *find, *create, *change, *used, *remove;
    const char *create_of, *change_of; /* letters of value_of: the parameters */
};

#define TENANT_COLUMNS \
    "select id, 0, 0, created_ms, name, null, null, null, models from tenants"
#define TEAM_COLUMNS                                                                   \
    "select g.id, g.tenant_id, 0, g.created_ms, g.name, t.name, null, null, g.models " \
    "from teams g join tenants t on t.id = g.tenant_id"
#define USER_COLUMNS                                                                           \
    "select u.id, u.tenant_id, coalesce(u.team_id, 0), u.created_ms, u.name, t.name, g.name, " \
    "u.email, null from users u join tenants t on t.id = u.tenant_id "                         \
    "left join teams g on g.id = u.team_id"

static const struct kind_row kinds[] = {
    [LIMIT_SCOPE_tenant] =
        {.each = TENANT_COLUMNS " order by name",
         .find = TENANT_COLUMNS " where name = $1 and cast($2 as bigint) = 0",
         .create = "insert into tenants (id, name, models, created_ms) values ($1, $2, $3, $4)",
         .create_of = "inmc",
         .change = "update tenants set name = $2, models = $3 where id = $1",
         .change_of = "inm",
         .used = "select (select count(*) from teams where tenant_id = $1) + "
                 "(select count(*) from users where tenant_id = $1) + "
                 "(select count(*) from api_keys where tenant_id = $1)",
         .remove = "delete from tenants where id = $1"},
    [LIMIT_SCOPE_team] = {.each = TEAM_COLUMNS " order by t.name, g.name",
                          .find = TEAM_COLUMNS " where g.name = $1 and g.tenant_id = $2",
                          .create =
                              "insert into teams (id, name, models, created_ms, tenant_id) "
                              "values ($1, $2, $3, $4, $5)",
                          .create_of = "inmct",
                          .change = "update teams set name = $2, models = $3 where id = $1",
                          .change_of = "inm",
                          .used = "select (select count(*) from users where team_id = $1) + "
                                  "(select count(*) from api_keys where team_id = $1)",
                          .remove = "delete from teams where id = $1"},
    [LIMIT_SCOPE_user] =
        {.each = USER_COLUMNS " order by t.name, u.name",
         .find = USER_COLUMNS " where u.name = $1 and u.tenant_id = $2",
         .create = "insert into users (id, name, created_ms, tenant_id, team_id, email) "
                   "values ($1, $2, $3, $4, $5, $6)",
         .create_of = "inctge",
         .change = "update users set name = $2, team_id = $3, email = $4 where id = $1",
         .change_of = "inge",
         .used = "select count(*) from api_keys where user_id = $1",
         .remove = "delete from users where id = $1"},
};

static const struct kind_row *kind_row(enum limit_scope kind)
{
    CHECK(kind == LIMIT_SCOPE_tenant || kind == LIMIT_SCOPE_team || kind == LIMIT_SCOPE_user);
    return &kinds[kind];
}

/* ---- reading --------------------------------------------------------------------------------
 */

struct each {
    enum limit_scope kind;
    owner_row_f *function;
    void *who;
};

static void give(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;

    CHECK(count == 9);
    const struct owner_row row = {.kind = each->kind,
                                  .id = values[0].number,
                                  .tenant_id = values[1].number,
                                  .team_id = values[2].number,
                                  .created_ms = values[3].number,
                                  .name = values[4].text,
                                  .tenant = values[5].text,
                                  .team = values[6].text,
                                  .email = values[7].text,
                                  .models = values[8].text};

    each->function(each->who, &row);
}

int owner_row_each(struct store *store, enum limit_scope kind, owner_row_f *function, void *who)
{
    struct each each = {kind, function, who};
    int64_t rows = store_run(store, kind_row(kind)->each, NULL, 0, give, &each);

    return rows < 0 ? (int)rows : 0;
}

struct found {
    struct arena *arena;
    struct owner_row *row;
};

static struct span copy(struct arena *arena, struct span text)
{
    return text.ptr ? arena_copy(arena, text) : SPAN_NONE;
}

static void keep(void *who, const struct owner_row *row)
{
    const struct found *found = who;

    *found->row = *row;
    found->row->name = copy(found->arena, row->name);
    found->row->tenant = copy(found->arena, row->tenant);
    found->row->team = copy(found->arena, row->team);
    found->row->email = copy(found->arena, row->email);
    found->row->models = copy(found->arena, row->models);
}

static int find_in(struct store *store, const struct each *each, struct span name,
                   int64_t tenant_id)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(name), STORE_NUMBER_VALUE(tenant_id)};
    struct each copy = *each;
    int64_t rows;

    if (!rule_subject_is_good(name) || !utf8_valid(name))
        return -ENOENT;
    rows = store_run(store, kind_row(each->kind)->find, values, 2, give, &copy);
    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

/* "acme/blue": *NAME becomes "blue", the id that of acme. */
static int find_tenant(struct store *store, struct span *name, int64_t *ret_id)
{
    struct arena arena;
    struct owner_row tenant = {.id = 0};
    struct found found = {&arena, &tenant};
    struct each each = {LIMIT_SCOPE_tenant, keep, &found};
    struct span before;
    int result;

    if (!span_cut(name, '/', &before) || !name->ptr)
        return -EINVAL;
    arena_init(&arena, 0);
    result = find_in(store, &each, before, 0);
    *ret_id = tenant.id;
    arena_done(&arena);
    return result;
}

int owner_row_find(struct store *store, enum limit_scope kind, struct span name,
                   struct arena *arena, struct owner_row *ret)
{
    struct found found = {arena, ret};
    struct each each = {kind, keep, &found};
    int64_t tenant_id = 0;
    int result = 0;

    *ret = (struct owner_row){.kind = kind};
    if (kind != LIMIT_SCOPE_tenant)
        result = find_tenant(store, &name, &tenant_id);
    return result < 0 ? result : find_in(store, &each, name, tenant_id);
}

/* ---- writing --------------------------------------------------------------------------------
 */

static struct store_value value_of(const struct owner_row *row, char letter)
{
    switch (letter) {
    case 'i': return STORE_NUMBER_VALUE(row->id);
    case 'n': return STORE_TEXT_VALUE(row->name);
    case 'm': return STORE_TEXT_VALUE(row->models);
    case 'c': return STORE_NUMBER_VALUE(row->created_ms);
    case 't': return STORE_NUMBER_VALUE(row->tenant_id);
    case 'e': return STORE_TEXT_VALUE(row->email);
    }
    CHECK(letter == 'g');
    if (row->team_id == 0)
        return (struct store_value){.kind = STORE_NULL};
    return STORE_NUMBER_VALUE(row->team_id);
}

static unsigned write_values(const struct owner_row *row, const char *letters,
                             struct store_value values[VALUES_MAX])
{
    unsigned count = 0;

    for (; letters[count]; count++)
        values[count] = value_of(row, letters[count]);
    return count;
}

static bool are_texts(const struct owner_row *row)
{
    return rule_subject_is_good(row->name) && utf8_valid(row->name) && row->email.len <= 320 &&
           utf8_valid(row->email) && row->models.len <= 65536;
}

int owner_row_create(struct store *store, struct span name, struct owner_row *row)
{
    struct store_value values[VALUES_MAX];
    const struct kind_row *kind = kind_row(row->kind);
    int result = 0;
    int64_t rows;

    row->name = name;
    row->tenant_id = 0;
    if (row->kind != LIMIT_SCOPE_tenant)
        result = find_tenant(store, &row->name, &row->tenant_id);
    if (result == 0 && !are_texts(row))
        result = -EINVAL;
    if (result == 0)
        result = rules_next_id(store, &row->id);
    if (result < 0)
        return result;
    row->created_ms = clock_wall_ms();
    rows =
        store_change(store, kind->create, values, write_values(row, kind->create_of, values));
    return rows < 0 ? (int)rows : 0;
}

/* "tenant:acme", "team:acme/blue", and as the beginning of what is below a tenant "team:acme/"
 */
static struct span scope_text(struct arena *arena, enum limit_scope kind, struct span tenant,
                              struct span name)
{
    struct buffer text;
    struct span copied;

    buffer_init(&text, 1024);
    (void)buffer_append_format(&text, "%.*s:%.*s%s%.*s", SPAN_ARG(limit_scope_name(kind)),
                               SPAN_ARG(tenant), tenant.ptr ? "/" : "", SPAN_ARG(name));
    copied = arena_copy(arena, buffer_span(&text));
    buffer_done(&text);
    return copied;
}

struct renaming {
    const struct owner_row *row;
    struct span name_before;
};

static const char *const follow_whole[] = {"update limits set scope = $2 where scope = $1",
                                           "update budgets set scope = $2 where scope = $1"};
static const char *const follow_begin[] = {
    "update limits set scope = cast($2 as text) || substr(scope, length(cast($1 as text)) + 1) "
    "where substr(scope, 1, length(cast($1 as text))) = cast($1 as text)",
    "update budgets set scope = cast($2 as text) || substr(scope, length(cast($1 as text)) + 1) "
    "where substr(scope, 1, length(cast($1 as text))) = cast($1 as text)"};

static int follow(struct store *store, const char *const statements[2], struct span before,
                  struct span after)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(before), STORE_TEXT_VALUE(after)};

    for (unsigned i = 0; i < 2; i++) {
        int64_t rows = store_run(store, statements[i], values, 2, NULL, NULL);

        if (rows < 0)
            return (int)rows;
    }
    return 0;
}

/* Rules for it, and for the teams and users of a tenant, have the new name. */
static int follow_name(struct store *store, const struct renaming *renaming,
                       struct arena *arena)
{
    const struct owner_row *row = renaming->row;
    int result = follow(store, follow_whole,
                        scope_text(arena, row->kind, row->tenant, renaming->name_before),
                        scope_text(arena, row->kind, row->tenant, row->name));

    for (unsigned kind = LIMIT_SCOPE_team;
         kind <= LIMIT_SCOPE_user && result == 0 && row->kind == LIMIT_SCOPE_tenant; kind++)
        result =
            follow(store, follow_begin,
                   scope_text(arena, (enum limit_scope)kind, renaming->name_before, SPAN("")),
                   scope_text(arena, (enum limit_scope)kind, row->name, SPAN("")));
    return result;
}

static int rename_all(struct store *store, void *who)
{
    struct renaming *renaming = who;
    const struct kind_row *kind = kind_row(renaming->row->kind);
    struct store_value values[VALUES_MAX];
    struct arena arena;
    int result;
    int64_t rows = store_run(store, kind->change, values,
                             write_values(renaming->row, kind->change_of, values), NULL, NULL);

    if (rows <= 0)
        return rows < 0 ? (int)rows : -ENOENT;
    arena_init(&arena, 0);
    result = follow_name(store, renaming, &arena);
    arena_done(&arena);
    return result;
}

static void take_name(void *who, const struct store_value *values, unsigned count)
{
    struct found *found = who;

    CHECK(count == 9);
    found->row->name = arena_copy(found->arena, values[4].text);
}

static int name_of(struct store *store, const struct owner_row *row, struct arena *arena,
                   struct span *ret)
{
    struct owner_row there = {.id = 0};
    struct found found = {arena, &there};
    const struct store_value value = STORE_NUMBER_VALUE(row->id);
    static const char *const by_id[] = {
        [LIMIT_SCOPE_tenant] = TENANT_COLUMNS " where id = $1",
        [LIMIT_SCOPE_team] = TEAM_COLUMNS " where g.id = $1",
        [LIMIT_SCOPE_user] = USER_COLUMNS " where u.id = $1",
    };
    int64_t rows = store_run(store, by_id[row->kind], &value, 1, take_name, &found);

    *ret = there.name;
    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

int owner_row_change(struct store *store, const struct owner_row *row)
{
    struct renaming renaming = {.row = row};
    struct arena arena;
    int result;

    if (!are_texts(row))
        return -EINVAL;
    arena_init(&arena, 0);
    result = name_of(store, row, &arena, &renaming.name_before);
    if (result == 0)
        result = store_announced(store, rename_all, &renaming);
    arena_done(&arena);
    return result;
}

static void take_count(void *who, const struct store_value *values, unsigned count)
{
    CHECK(count == 1);
    *(int64_t *)who = values[0].number;
}

int owner_row_remove(struct store *store, const struct owner_row *row)
{
    const struct store_value value = STORE_NUMBER_VALUE(row->id);
    int64_t used = 0;
    int64_t rows = store_run(store, kind_row(row->kind)->used, &value, 1, take_count, &used);

    if (rows < 0)
        return (int)rows;
    if (used > 0)
        return -EBUSY;
    rows = store_change(store, kind_row(row->kind)->remove, &value, 1);
    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

/* ---- of a key -------------------------------------------------------------------------------
 */

static int resolve(struct store *store, enum limit_scope kind, struct span name,
                   struct owner_row *ret)
{
    struct arena arena;
    int result = 0;

    *ret = (struct owner_row){.kind = kind};
    if (!name.ptr)
        return 0;
    arena_init(&arena, 0);
    result = owner_row_find(store, kind, name, &arena, ret);
    arena_done(&arena);
    ret->name = ret->tenant = ret->team = ret->email = ret->models = SPAN_NONE;
    return result;
}

/* The tenant that those which are there agree on; 0: they do not. */
static bool agree(int64_t *tenant, int64_t other)
{
    if (*tenant == 0)
        *tenant = other;
    return other == 0 || *tenant == other;
}

int owners_resolve(struct store *store, const struct owner_names *names, struct owner_ids *ret)
{
    struct owner_row tenant = {.id = 0}, team = {.id = 0}, user = {.id = 0};
    int result = resolve(store, LIMIT_SCOPE_tenant, names->tenant, &tenant);
    int64_t id = 0;

    if (result == 0)
        result = resolve(store, LIMIT_SCOPE_team, names->team, &team);
    if (result == 0)
        result = resolve(store, LIMIT_SCOPE_user, names->user, &user);
    if (result < 0)
        return result;
    if (!agree(&id, tenant.id) || !agree(&id, team.tenant_id) || !agree(&id, user.tenant_id))
        return -EINVAL;
    *ret = (struct owner_ids){.tenant = (uint64_t)id,
                              .team = (uint64_t)(team.id ? team.id : user.team_id),
                              .user = (uint64_t)user.id};
    return 0;
}

static void take_number(void *who, const struct store_value *values, unsigned count)
{
    CHECK(count == 1);
    *(int64_t *)who = values[0].number;
}

/* The one that stays: its id and its tenant's. */
static int stay(struct store *store, const char *sql, uint64_t id, struct owner_row *ret)
{
    const struct store_value value = STORE_NUMBER_VALUE(id);
    int64_t rows;

    *ret = (struct owner_row){.id = (int64_t)id};
    if (id == 0)
        return 0;
    rows = store_run(store, sql, &value, 1, take_number, &ret->tenant_id);
    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

static bool changes(uint32_t changed, enum limit_scope kind)
{
    return changed & 1U << kind;
}

int owners_change(struct store *store, const struct owner_names *names, uint32_t changed,
                  struct owner_ids *ids)
{
    bool new_tenant = changes(changed, LIMIT_SCOPE_tenant);
    bool new_team = changes(changed, LIMIT_SCOPE_team);
    struct owner_row tenant = {.id = new_tenant ? 0 : (int64_t)ids->tenant}, team, user;
    int result = new_tenant ? resolve(store, LIMIT_SCOPE_tenant, names->tenant, &tenant) : 0;
    int64_t id;

    if (result == 0)
        result = new_team ? resolve(store, LIMIT_SCOPE_team, names->team, &team)
                          : stay(store, "select tenant_id from teams where id = $1", ids->team,
                                 &team);
    if (result == 0)
        result =
            changes(changed, LIMIT_SCOPE_user)
                ? resolve(store, LIMIT_SCOPE_user, names->user, &user)
                : stay(store, "select tenant_id from users where id = $1", ids->user, &user);
    if (result < 0)
        return result;
    id = tenant.id;
    if (!agree(&id, team.tenant_id) || !agree(&id, user.tenant_id) ||
        (new_tenant && tenant.id != id))
        return -EINVAL;
    *ids = (struct owner_ids){
        .tenant = (uint64_t)id,
        .team = (uint64_t)(team.id || new_team ? team.id : user.team_id),
        .user = (uint64_t)user.id,
    };
    return 0;
}
