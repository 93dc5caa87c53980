/* Rolling budgets through PostgreSQL (window.h). Its clock says which steps the window has. */
#include "shared/base/check.h"

#include "supervisor/share/share_inside.h"
#include "supervisor/share/window.h"

struct begun {
    int64_t begun_ms, store_ms;
};

static void take_begun(void *who, const struct store_value *values, unsigned count)
{
    CHECK(count == 2);
    *(struct begun *)who = (struct begun){values[0].number, values[1].number};
}

/* The budget's row, made when there is none, and locked. */
static int64_t lock_budget(struct store *store, struct span budget, struct share_lease_row *row)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(budget),
                                         STORE_NUMBER_VALUE(row->window.length_ms)};
    struct begun begun = {0};
    int64_t result = store_run(store,
                               "insert into share_budgets (budget, claimed, ends_ms, begun_ms) "
                               "values ($1, 0, " LEASES_NOW " + $2, " LEASES_NOW
                               ") on conflict (budget) do update "
                               "set ends_ms = excluded.ends_ms returning begun_ms, " LEASES_NOW,
                               values, ARRAY_LEN(values), take_begun, &begun);

    row->window.begun_ms = begun.begun_ms;
    row->store_ms = begun.store_ms;
    return result;
}

static int64_t find_last(struct store *store, struct span budget, struct span host,
                         struct share_lease_row *row)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(budget), STORE_TEXT_VALUE(host)};
    uint64_t step_ms = 0;
    int64_t result = store_run(store,
                               "select cast(coalesce(max(step_ms), 0) as bigint) "
                               "from share_steps where budget = $1 and host = $2",
                               values, ARRAY_LEN(values), leases_take_number, &step_ms);

    row->window.step = step_ms / row->window.step_ms;
    return result;
}

static int64_t drop_old(struct store *store, struct span budget,
                        const struct share_window *window)
{
    const struct store_value values[] = {
        STORE_TEXT_VALUE(budget), STORE_NUMBER_VALUE(window->length_ms + 2 * window->step_ms)};

    return store_run(
        store, "delete from share_steps where budget = $1 and step_ms <= " LEASES_NOW " - $2",
        values, ARRAY_LEN(values), NULL, NULL);
}

static int64_t write_step(struct store *store, struct span budget, struct span host,
                          const struct store_value *step_ms, uint64_t claim)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(budget), *step_ms,
                                         STORE_TEXT_VALUE(host), STORE_NUMBER_VALUE(claim)};

    if (claim == 0)
        return store_run(
            store, "delete from share_steps where budget = $1 and step_ms = $2 and host = $3",
            values, 3, NULL, NULL);
    return store_run(store,
                     "insert into share_steps (budget, step_ms, host, claim) "
                     "values ($1, $2, $3, $4) on conflict (budget, step_ms, host) do update "
                     "set claim = excluded.claim",
                     values, ARRAY_LEN(values), NULL, NULL);
}

/* What is claimed but for this host's step that runs. */
static int64_t sum_others(struct store *store, struct span budget, struct span host,
                          const struct store_value *step_ms, uint64_t *ret_sum)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(budget), *step_ms,
                                         STORE_TEXT_VALUE(host)};

    *ret_sum = 0;
    return store_run(store,
                     "select cast(coalesce(sum(claim), 0) as bigint) from share_steps "
                     "where budget = $1 and not (step_ms = $2 and host = $3)",
                     values, ARRAY_LEN(values), leases_take_number, ret_sum);
}

int64_t leases_ask_window(struct store *store, struct span budget, struct span host,
                          uint32_t hosts, struct share_lease_row *row)
{
    const struct share_lease *ask = &row->ask;
    const struct store_value now = STORE_NUMBER_VALUE(ask->step * row->window.step_ms);
    const struct store_value before =
        STORE_NUMBER_VALUE(ask->step_before * row->window.step_ms);
    uint64_t others = 0;
    int64_t result = lock_budget(store, budget, row);

    if (result >= 0 && row->learns)
        return find_last(store, budget, host, row);
    if (result >= 0)
        result = drop_old(store, budget, &row->window);
    if (result >= 0 && ask->step_before > 0)
        result = write_step(store, budget, host, &before, ask->before);
    if (result >= 0)
        result = sum_others(store, budget, host, &now, &others);
    if (result < 0)
        return result;
    row->claim = ask->held;
    row->sum = row->history + others + row->claim;
    if (ask->need > 0 || ask->top_up)
        row->claim += share_lease_grant(row->amount, row->sum, ask->need, hosts);
    row->sum = row->history + others + row->claim;
    return write_step(store, budget, host, &now, row->claim);
}
