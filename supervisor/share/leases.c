/* Budgets through PostgreSQL. Its clock is the one that counts. */
#include <errno.h>
#include <stdio.h>

#include "shared/base/check.h"

#include "supervisor/share/share_inside.h"

#define OLD_MS (25 * 3600 * 1000LL) /* after the end of its period a budget is forgotten */

struct asking {
    struct span host;
    uint32_t hosts;
    struct share_lease_row *rows;
    unsigned count;
};

void leases_take_number(void *who, const struct store_value *values, unsigned count)
{
    CHECK(count >= 1);
    *(uint64_t *)who = values[0].number > 0 ? (uint64_t)values[0].number : 0;
}

/* The budget's row, made when there is none, and locked: what all hosts claim. */
static int64_t lock_budget(struct store *store, struct span budget, struct share_lease_row *row)
{
    const struct store_value values[] = {
        STORE_TEXT_VALUE(budget), STORE_NUMBER_VALUE(row->floor),
        STORE_NUMBER_VALUE(row->ends_ms < INT64_MAX ? row->ends_ms : INT64_MAX / 2)};

    return store_run(store,
                     "insert into share_budgets as b (budget, claimed, ends_ms) "
                     "values ($1, $2, $3) on conflict (budget) do update "
                     "set claimed = greatest(b.claimed, excluded.claimed) returning claimed",
                     values, ARRAY_LEN(values), leases_take_number, &row->sum);
}

/* What earlier starts of this host claim becomes one claim, of what was spent at most. */
static int64_t settle_dead(struct store *store, struct span budget, struct span host,
                           struct share_lease_row *row)
{
    const struct store_value dead[] = {STORE_TEXT_VALUE(budget), STORE_TEXT_VALUE(host),
                                       STORE_TEXT_VALUE(row->base)};
    struct store_value left[] = {STORE_TEXT_VALUE(budget), STORE_TEXT_VALUE(row->base),
                                 STORE_NUMBER_VALUE(0)};
    uint64_t claimed = 0, kept;
    int64_t result =
        store_run(store,
                  "with dead as (delete from share_claims where budget = $1 and host <> $2 "
                  "and left(host, length($3)) = $3 returning claim) "
                  "select cast(coalesce(sum(claim), 0) as bigint) from dead",
                  dead, ARRAY_LEN(dead), leases_take_number, &claimed);

    if (result < 0 || claimed == 0)
        return result;
    kept = claimed < row->floor ? claimed : row->floor;
    row->sum = row->sum > claimed ? row->sum - claimed + kept : kept;
    row->sum = row->sum > row->floor ? row->sum : row->floor;
    left[2] = STORE_NUMBER_VALUE(kept);
    return store_run(store,
                     "insert into share_claims (budget, host, claim) "
                     "values ($1, $2 || 'dead', $3)",
                     left, ARRAY_LEN(left), NULL, NULL);
}

static int64_t write_claim(struct store *store, struct span budget, struct span host,
                           const struct share_lease_row *row)
{
    const struct store_value claim[] = {STORE_TEXT_VALUE(budget), STORE_TEXT_VALUE(host),
                                        STORE_NUMBER_VALUE(row->claim)};
    const struct store_value sum[] = {STORE_TEXT_VALUE(budget), STORE_NUMBER_VALUE(row->sum)};
    int64_t result = store_run(store,
                               "insert into share_claims (budget, host, claim) "
                               "values ($1, $2, $3) on conflict (budget, host) do update "
                               "set claim = excluded.claim",
                               claim, ARRAY_LEN(claim), NULL, NULL);

    if (result < 0)
        return result;
    return store_run(store, "update share_budgets set claimed = $2 where budget = $1", sum,
                     ARRAY_LEN(sum), NULL, NULL);
}

static int64_t ask_one(struct store *store, const struct asking *asking,
                       struct share_lease_row *row)
{
    char name[17];
    struct span budget = span_of(name, (size_t)snprintf(name, sizeof(name), "%016llx",
                                                        (unsigned long long)row->identity));
    const struct store_value values[] = {STORE_TEXT_VALUE(budget),
                                         STORE_TEXT_VALUE(asking->host)};
    uint64_t before = 0;
    int64_t result;

    if (row->window.length_ms > 0)
        return leases_ask_window(store, budget, asking->host, asking->hosts, row);
    result = lock_budget(store, budget, row);
    if (result >= 0 && row->base.ptr)
        result = settle_dead(store, budget, asking->host, row);
    if (result >= 0)
        result =
            store_run(store, "select claim from share_claims where budget = $1 and host = $2",
                      values, ARRAY_LEN(values), leases_take_number, &before);
    if (result < 0)
        return result;
    row->sum = row->sum > before ? row->sum - before : 0;
    row->claim = row->ask.held;
    if (row->ask.need > 0 || row->ask.top_up)
        row->claim +=
            share_lease_grant(row->amount, row->sum + row->claim, row->ask.need, asking->hosts);
    row->sum += row->claim;
    return write_claim(store, budget, asking->host, row);
}

static int ask_all(struct store *store, void *who)
{
    const struct asking *asking = who;
    int64_t result = 0;

    for (unsigned i = 0; i < asking->count && result >= 0; i++)
        result = ask_one(store, asking, &asking->rows[i]);
    return result < 0 ? (int)result : 0;
}

int leases_ask(struct store *store, struct span host, uint32_t hosts,
               struct share_lease_row *rows, unsigned count)
{
    struct asking asking = {host, hosts, rows, count};

    return store_transaction(store, ask_all, &asking);
}

/* ---- hosts ------------------------------------------------------------------------------- */

static int64_t forget_old(struct store *store)
{
#define OF_OLD \
    " where budget in (select budget from share_budgets where ends_ms < " LEASES_NOW " - $1)"
    static const char *const statements[] = {"delete from share_claims" OF_OLD,
                                             "delete from share_steps" OF_OLD,
                                             "delete from share_budgets" OF_OLD};
    const struct store_value old = STORE_NUMBER_VALUE(OLD_MS);
    int64_t result = 0;

    for (unsigned i = 0; i < ARRAY_LEN(statements) && result >= 0; i++)
        result = store_run(store, statements[i], &old, 1, NULL, NULL);
    return result;
}

int64_t leases_beat(struct store *store, struct span host, bool ended)
{
    const struct store_value me = STORE_TEXT_VALUE(host),
                             dead = STORE_NUMBER_VALUE(3 * SHARE_DEAD_MS);
    uint64_t hosts = 0;
    int64_t result =
        store_run(store,
                  ended ? "delete from share_hosts where host = $1"
                        : "insert into share_hosts (host, seen_ms) values ($1, " LEASES_NOW
                          ") on conflict (host) do update set seen_ms = excluded.seen_ms",
                  &me, 1, NULL, NULL);

    if (result >= 0)
        result = store_run(store, "delete from share_hosts where seen_ms < " LEASES_NOW " - $1",
                           &dead, 1, NULL, NULL);
    if (result >= 0)
        result = forget_old(store);
    if (result >= 0)
        result = store_run(store, "select count(*) from share_hosts", NULL, 0,
                           leases_take_number, &hosts);
    return result < 0 ? result : (int64_t)hosts;
}
