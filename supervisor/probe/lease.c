#include "supervisor/probe/lease.h"

#include "shared/base/check.h"

static void give(void *who, const struct store_value *values, unsigned count)
{
    struct probe_lease *ret = who;

    CHECK(count == 2);
    ret->number = values[0].number > 0 ? (uint64_t)values[0].number : 0;
    ret->status =
        values[1].number > 0 && values[1].number < 1000 ? (uint16_t)values[1].number : 0;
}

int probe_lease_take(struct store *store, struct span provider, struct span host,
                     int64_t now_ms, uint64_t hold_ms, struct probe_lease *ret)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(provider), STORE_TEXT_VALUE(host),
                                         STORE_NUMBER_VALUE(now_ms + (int64_t)hold_ms),
                                         STORE_NUMBER_VALUE(now_ms)};
    int64_t taken;

    *ret = (struct probe_lease){.mine = false};
    taken = store_run(store,
                      "insert into provider_probes as p (provider, host, until_ms, number, "
                      "status) values ($1, $2, $3, 0, 0) on conflict (provider) do update set "
                      "host = excluded.host, until_ms = excluded.until_ms "
                      "where p.until_ms <= $4 or p.host = excluded.host "
                      "returning number, status",
                      values, ARRAY_LEN(values), give, ret);
    if (taken != 0) {
        ret->mine = taken > 0;
        return taken < 0 ? (int)taken : 0;
    }
    taken = store_run(store, "select number, status from provider_probes where provider = $1",
                      values, 1, give, ret);
    return taken < 0 ? (int)taken : 0;
}

int probe_lease_tell(struct store *store, struct span provider, struct span host,
                     uint16_t status)
{
    const struct store_value values[] = {STORE_TEXT_VALUE(provider), STORE_TEXT_VALUE(host),
                                         STORE_NUMBER_VALUE(status)};
    int64_t told = store_run(store,
                             "update provider_probes set number = number + 1, status = $3 "
                             "where provider = $1 and host = $2",
                             values, ARRAY_LEN(values), NULL, NULL);

    return told < 0 ? (int)told : 0;
}
