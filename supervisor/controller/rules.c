/* Tenants, teams, users, limits and budgets of the store. */
#include "supervisor/rules/rules.h"

#include "shared/base/memory.h"

#include "supervisor/controller/rows.h"
#include "supervisor/rules/owners.h"

/* Room for one more row of SIZE bytes. */
static void *grown(void *rows, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return rows;
    *room = *room ? *room * 2 : 16;
    return memory_resize(rows, *room * size);
}

void rows_add_owner(struct rows *rows, const struct configure_owner *owner)
{
    rows->owners =
        grown(rows->owners, rows->owner_count, &rows->owner_room, sizeof(rows->owners[0]));
    rows->owners[rows->owner_count++] = *owner;
}

void rows_add_limit(struct rows *rows, const struct rate_text *limit)
{
    rows->limits =
        grown(rows->limits, rows->limit_count, &rows->limit_room, sizeof(rows->limits[0]));
    rows->limits[rows->limit_count++] = *limit;
}

void rows_add_budget(struct rows *rows, const struct budget_text *budget)
{
    rows->budgets =
        grown(rows->budgets, rows->budget_count, &rows->budget_room, sizeof(rows->budgets[0]));
    rows->budgets[rows->budget_count++] = *budget;
}

static void take_owner(void *who, const struct owner_row *row)
{
    struct rows *rows = who;
    struct configure_owner owner = {.kind = row->kind,
                                    .id = (uint64_t)row->id,
                                    .tenant = (uint64_t)row->tenant_id,
                                    .name = arena_copy(&rows->arena, row->name)};

    owner.models = rows_names(rows, row->models, &owner.model_count);
    if (rows->owner_count < ROWS_MAX)
        rows_add_owner(rows, &owner);
}

static void take_limit(void *who, const struct limit_row *row)
{
    struct rows *rows = who;
    struct rate_text text = row->text;

    text.id = row->id;
    rate_text_copy(&text, &rows->arena);
    if (rows->limit_count < ROWS_MAX)
        rows_add_limit(rows, &text);
}

static void take_budget(void *who, const struct budget_row *row)
{
    struct rows *rows = who;
    struct budget_text text = row->text;

    text.id = row->id;
    budget_text_copy(&text, &rows->arena);
    if (rows->budget_count < ROWS_MAX)
        rows_add_budget(rows, &text);
}

int rows_load_rules(struct store *store, struct rows *rows)
{
    int result = 0;

    for (unsigned kind = LIMIT_SCOPE_tenant; kind <= LIMIT_SCOPE_user && result >= 0; kind++)
        result = owner_row_each(store, (enum limit_scope)kind, take_owner, rows);
    if (result >= 0)
        result = limit_row_each(store, take_limit, rows);
    if (result >= 0)
        result = budget_row_each(store, take_budget, rows);
    return result;
}
