#include "supervisor/rules/rules.h"

#include <errno.h>

#include "shared/base/check.h"
#include "shared/base/clock.h"

/* ---- members --------------------------------------------------------------------------------
 */

const char *rate_text_member(unsigned index, struct rate_text *text, struct span **ret)
{
    struct span *const places[] = {&text->name,  &text->scope, &text->of[0], &text->of[1],
                                   &text->of[2], &text->of[3], &text->of[4], &text->algorithm,
                                   &text->burst, &text->mode};
    static const char *const names[] = {
        "name",         "scope",      "requests",  "input_tokens", "output_tokens",
        "total_tokens", "concurrent", "algorithm", "burst",        "mode"};

    _Static_assert(ARRAY_LEN(names) == LIMIT_UNIT_COUNT + 5, "a name for each member");
    _Static_assert(ARRAY_LEN(names) == ARRAY_LEN(places), "a name for each member");
    if (index >= ARRAY_LEN(names))
        return NULL;
    *ret = places[index];
    return names[index];
}

const char *budget_text_member(unsigned index, struct budget_text *text, struct span **ret)
{
    struct span *const places[] = {&text->name, &text->scope, &text->amount, &text->period,
                                   &text->zone, &text->soft,  &text->mode};
    static const char *const names[] = {"name", "scope", "amount", "period",
                                        "zone", "soft",  "mode"};

    _Static_assert(ARRAY_LEN(names) == ARRAY_LEN(places), "a name for each member");
    if (index >= ARRAY_LEN(names))
        return NULL;
    *ret = places[index];
    return names[index];
}

static void copy(struct span *member, struct arena *arena)
{
    if (member->ptr)
        *member = arena_copy(arena, *member);
}

void rate_text_copy(struct rate_text *text, struct arena *arena)
{
    struct span *member;

    for (unsigned i = 0; rate_text_member(i, text, &member); i++)
        copy(member, arena);
}

void budget_text_copy(struct budget_text *text, struct arena *arena)
{
    struct span *member;

    for (unsigned i = 0; budget_text_member(i, text, &member); i++)
        copy(member, arena);
}

static void take_number(void *who, const struct store_value *values, unsigned count)
{
    CHECK(count == 1);
    *(int64_t *)who = values[0].number;
}

int rules_next_id(struct store *store, int64_t *ret)
{
    int64_t rows;

    *ret = 0;
    rows = store_run(store,
                     "insert into meta (name, value) values ('last_id', '1') "
                     "on conflict (name) do update "
                     "set value = cast(cast(meta.value as bigint) + 1 as text) "
                     "returning cast(value as bigint)",
                     NULL, 0, take_number, ret);
    return rows < 0 ? (int)rows : *ret > 0 ? 0 : -EIO;
}

static int begin_row(struct store *store, int64_t *ret_id, int64_t *ret_created_ms)
{
    *ret_created_ms = clock_wall_ms();
    return rules_next_id(store, ret_id);
}

static int insert_row(struct store *store, const char *sql, const struct store_value *values,
                      unsigned count)
{
    int64_t rows = store_change(store, sql, values, count);

    return rows < 0 ? (int)rows : 0;
}

/* Of one row, which must be there. */
static int change_row(struct store *store, const char *sql, const struct store_value *values,
                      unsigned count)
{
    int64_t rows = store_change(store, sql, values, count);

    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

/* ---- limits ---------------------------------------------------------------------------------
 */

#define LIMIT_COLUMNS                                                                    \
    "id, created_ms, name, scope, requests, input_tokens, output_tokens, total_tokens, " \
    "concurrent, algorithm, burst, mode"

struct each {
    limit_row_f *limit;
    budget_row_f *budget;
    void *who;
};

static void give_limit(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;
    struct limit_row row = {.id = values[0].number, .created_ms = values[1].number};
    struct span *member;

    for (unsigned i = 0; rate_text_member(i, &row.text, &member); i++) {
        CHECK(i + 2 < count);
        *member = values[i + 2].text;
    }
    each->limit(each->who, &row);
}

int limit_row_each(struct store *store, limit_row_f *function, void *who)
{
    struct each each = {.limit = function, .who = who};
    int64_t rows = store_run(store, "select " LIMIT_COLUMNS " from limits order by id", NULL, 0,
                             give_limit, &each);

    return rows < 0 ? (int)rows : 0;
}

struct found {
    struct arena *arena;
    struct limit_row *limit;
    struct budget_row *budget;
};

static void keep_limit(void *who, const struct limit_row *row)
{
    const struct found *found = who;

    *found->limit = *row;
    rate_text_copy(&found->limit->text, found->arena);
}

int limit_row_find(struct store *store, int64_t id, struct arena *arena, struct limit_row *ret)
{
    struct found found = {.arena = arena, .limit = ret};
    struct each each = {.limit = keep_limit, .who = &found};
    struct store_value value = STORE_NUMBER_VALUE(id);
    int64_t rows = store_run(store, "select " LIMIT_COLUMNS " from limits where id = $1",
                             &value, 1, give_limit, &each);

    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

static unsigned limit_values(struct limit_row *row, struct store_value *values)
{
    struct span *member;
    unsigned count = 0;

    values[count++] = STORE_NUMBER_VALUE(row->id);
    values[count++] = STORE_NUMBER_VALUE(row->created_ms);
    for (unsigned i = 0; rate_text_member(i, &row->text, &member); i++)
        values[count++] = STORE_TEXT_VALUE(*member);
    return count;
}

int limit_row_create(struct store *store, struct limit_row *row)
{
    struct store_value values[12];
    int result = begin_row(store, &row->id, &row->created_ms);

    if (result < 0)
        return result;
    return insert_row(store,
                      "insert into limits (" LIMIT_COLUMNS ") values "
                      "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                      values, limit_values(row, values));
}

int limit_row_change(struct store *store, const struct limit_row *row)
{
    struct limit_row copy = *row;
    struct store_value values[12];
    unsigned count = limit_values(&copy, values);

    values[1] = values[--count]; /* the time of making stays; mode takes its number */
    return change_row(store,
                      "update limits set mode = $2, name = $3, scope = $4, requests = $5, "
                      "input_tokens = $6, output_tokens = $7, total_tokens = $8, "
                      "concurrent = $9, algorithm = $10, burst = $11 where id = $1",
                      values, count);
}

int limit_row_remove(struct store *store, int64_t id)
{
    const struct store_value value = STORE_NUMBER_VALUE(id);

    return change_row(store, "delete from limits where id = $1", &value, 1);
}

/* ---- budgets --------------------------------------------------------------------------------
 */

#define BUDGET_COLUMNS \
    "id, created_ms, name, scope, amount, period, zone, soft, mode, window_ms, strict, cut"

static void give_budget(void *who, const struct store_value *values, unsigned count)
{
    const struct each *each = who;
    struct budget_row row = {.id = values[0].number, .created_ms = values[1].number};
    struct span *member;
    unsigned at = 2;

    for (unsigned i = 0; budget_text_member(i, &row.text, &member); i++)
        *member = values[at++].text;
    CHECK(at + 3 == count);
    row.text.window_ms = (uint64_t)values[at].number;
    row.text.strict = values[at + 1].number != 0;
    row.text.cut = values[at + 2].number != 0;
    each->budget(each->who, &row);
}

int budget_row_each(struct store *store, budget_row_f *function, void *who)
{
    struct each each = {.budget = function, .who = who};
    int64_t rows = store_run(store, "select " BUDGET_COLUMNS " from budgets order by id", NULL,
                             0, give_budget, &each);

    return rows < 0 ? (int)rows : 0;
}

static void keep_budget(void *who, const struct budget_row *row)
{
    const struct found *found = who;

    *found->budget = *row;
    budget_text_copy(&found->budget->text, found->arena);
}

int budget_row_find(struct store *store, int64_t id, struct arena *arena,
                    struct budget_row *ret)
{
    struct found found = {.arena = arena, .budget = ret};
    struct each each = {.budget = keep_budget, .who = &found};
    struct store_value value = STORE_NUMBER_VALUE(id);
    int64_t rows = store_run(store, "select " BUDGET_COLUMNS " from budgets where id = $1",
                             &value, 1, give_budget, &each);

    return rows < 0 ? (int)rows : rows == 0 ? -ENOENT : 0;
}

static unsigned budget_values(struct budget_row *row, struct store_value *values)
{
    struct span *member;
    unsigned count = 0;

    values[count++] = STORE_NUMBER_VALUE(row->id);
    values[count++] = STORE_NUMBER_VALUE(row->created_ms);
    for (unsigned i = 0; budget_text_member(i, &row->text, &member); i++)
        values[count++] = STORE_TEXT_VALUE(*member);
    values[count++] = STORE_NUMBER_VALUE(row->text.window_ms);
    values[count++] = STORE_NUMBER_VALUE(row->text.strict);
    values[count++] = STORE_NUMBER_VALUE(row->text.cut);
    return count;
}

int budget_row_create(struct store *store, struct budget_row *row)
{
    struct store_value values[12];
    int result = begin_row(store, &row->id, &row->created_ms);

    if (result < 0)
        return result;
    return insert_row(store,
                      "insert into budgets (" BUDGET_COLUMNS ") values "
                      "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                      values, budget_values(row, values));
}

int budget_row_change(struct store *store, const struct budget_row *row)
{
    struct budget_row copy = *row;
    struct store_value values[12];
    unsigned count = budget_values(&copy, values);

    values[1] = values[--count]; /* the time of making stays; cut takes its number */
    return change_row(store,
                      "update budgets set cut = $2, name = $3, scope = $4, amount = $5, "
                      "period = $6, zone = $7, soft = $8, mode = $9, window_ms = $10, "
                      "strict = $11 where id = $1",
                      values, count);
}

int budget_row_remove(struct store *store, int64_t id)
{
    const struct store_value value = STORE_NUMBER_VALUE(id);

    return change_row(store, "delete from budgets where id = $1", &value, 1);
}
