"""Ten times more requests than a provider account has places for: the places stay busy, who is refused
is told at once, and a tenant that asks for little gets it."""
import pathlib
import time

import lab
import outage
from lab import Failed

PLACES = 40
ANSWER_S = 0.05
CAPACITY = PLACES / ANSWER_S        # answers a second
TIMES = 10
GOODPUT = 0.8
REFUSED_MS = 50


class Tenant:
    """What outage.Asking needs of a proxy, with the key of one tenant."""

    def __init__(self, proxy, name):
        proxy.control("tenants", "create", name)
        self.plain_port = proxy.plain_port
        self.key = proxy.control("keys", "create", "--name", name, "--tenant", name)["key"]


def few_places(provider, folder):
    more = (f'queue: {{waiting: 200, wait: 2s}}\n'
            f'rate_limits: [{{scope: "provider:up", concurrent: {PLACES}}}]\n')
    return lab.Aigw(provider, None, folder, workers=2, more=more).start()


def overload(folder, given):
    folder = pathlib.Path(folder)
    seconds = 4 if given.quick else 20
    provider = lab.Provider(folder)
    proxy = few_places(provider, folder)
    try:
        flood, quiet = Tenant(proxy, "flood"), Tenant(proxy, "quiet")
        run = lab.Load(proxy.plain_port, "--key", flood.key, "--model", "slow-50ms", "--connections",
                       int(CAPACITY * TIMES), "--rate", int(CAPACITY * TIMES), "--seconds", seconds + 2)
        time.sleep(1)
        provider.reset()
        began = time.monotonic()
        asking = {name: [outage.Asking(tenant, 0.1, "slow-50ms") for _ in range(4)]
                  for name, tenant in (("flood", flood), ("quiet", quiet))}
        time.sleep(seconds)
        rows = {name: [row for one in several for row in one.stop()] for name, several in asking.items()}
        good = provider.counts()["requests"] / (time.monotonic() - began)
        result = run.result()
    finally:
        proxy.stop()
        provider.stop()
    return judge(rows, good, result)


def judge(rows, good, result):
    refused = [row for row in rows["flood"] if row[2] == 503]
    unserved = sum(status != 200 for _, _, status in rows["quiet"])
    if len(refused) < 20 or not rows["quiet"]:
        raise Failed(f"too little was seen: {len(refused)} refusals")
    quick = outage.quantile_ms(refused, 0.99)
    return (f"{result['requests'] / result['seconds']:,.0f} requests a second came, {good:,.0f} of "
            f"{CAPACITY:,.0f} were served ({good / CAPACITY:.0%}); refusals p50 "
            f"{outage.quantile_ms(refused, 0.5):.1f}, p99 {quick:.1f} ms; of the quiet tenant {unserved} of "
            f"{len(rows['quiet'])} not served, p50 {outage.quantile_ms(rows['quiet'], 0.5):.0f}, p99 "
            f"{outage.quantile_ms(rows['quiet'], 0.99):.0f} ms (alone {1e3 * ANSWER_S:.0f})",
            good >= GOODPUT * CAPACITY and quick <= REFUSED_MS and not unserved)
