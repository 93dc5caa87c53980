/* supervisor/rules/rules.h
 *
 * Limits and budgets in the store. All calls block (see store.h) and return 0 or a negative
 * errno: those of the store, -ENOENT: there is none of that id, -EEXIST: the scope has a budget
 * of that name.  What is written was checked by the caller (shared/limit/rule.h).
 */
#ifndef SUPERVISOR_RULES_RULES_H
#define SUPERVISOR_RULES_RULES_H

#include "shared/base/arena.h"
#include "shared/limit/rule.h"

#include "supervisor/store/store.h"

struct limit_row {
    int64_t id, created_ms;
    struct rate_text text;
};

struct budget_row {
    int64_t id, created_ms;
    struct budget_text text;
};

/* Every one by id; texts live until the function returns. */
typedef void limit_row_f(void *who, const struct limit_row *row);
typedef void budget_row_f(void *who, const struct budget_row *row);
int limit_row_each(struct store *store, limit_row_f *function, void *who);
int budget_row_each(struct store *store, budget_row_f *function, void *who);

/* One; its texts are copied into ARENA. */
int limit_row_find(struct store *store, int64_t id, struct arena *arena, struct limit_row *ret);
int budget_row_find(struct store *store, int64_t id, struct arena *arena,
                    struct budget_row *ret);

/* Fills id and created_ms. */
int limit_row_create(struct store *store, struct limit_row *row);
int budget_row_create(struct store *store, struct budget_row *row);
/* All members of the row of that id. */
int limit_row_change(struct store *store, const struct limit_row *row);
int budget_row_change(struct store *store, const struct budget_row *row);
int limit_row_remove(struct store *store, int64_t id);
int budget_row_remove(struct store *store, int64_t id);

/* A number that no row of tenants, teams, users, limits and budgets has or had. */
int rules_next_id(struct store *store, int64_t *ret);

/* The texts of a rule, for who goes through them: NULL at the end, else its place in *TEXT. */
const char *rate_text_member(unsigned index, struct rate_text *text, struct span **ret);
const char *budget_text_member(unsigned index, struct budget_text *text, struct span **ret);
void rate_text_copy(struct rate_text *text, struct arena *arena);
void budget_text_copy(struct budget_text *text, struct arena *arena);

#endif
