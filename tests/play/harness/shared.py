"""Gateways that share counters, as on several hosts; what they let in is counted at the provider."""
import time

from harness.gateway import SLOW
from harness.load import Load
from harness.wait import until

MODEL = "up/gpt-4o-mini"        # of the catalogue: $0.15 and $0.60 a million tokens
COST = 12 * 150 + 7 * 600       # nanodollars of the fake provider's usual answer


def hosts_with(room, provider, server, redis, count=2, **settings):
    """COUNT gateways with one database, one key, and REDIS when there is one."""
    if redis:
        settings["redis"] = redis.url
    made = [room.gateway(("up", provider), store=server.url, settings=settings) for _ in range(count)]
    key = made[0].make_key("shared")["key"]
    for host in made:
        host._key = key
        until(lambda host=host: host.chat(key=key).status == 200, 5 * SLOW, "the key on each host")
        if redis:
            shared(host, lambda state: state["hosts"] == count and state["state"] == "answers")
    if redis:
        time.sleep(1.7)     # a new Redis grants nothing of budgets for a while
    return made


def shared(host, test, seconds=5):
    return until(lambda: (lambda state: test(state) and state)(host.ctl_json("status")["shared"]),
                 seconds * SLOW, lambda: "the state: %r" % host.ctl_json("status")["shared"], every=0.05)


def money(amount_nano, **more):
    return [{"name": "all", "scope": "key:*", "period": "total", "amount": "%.9f" % (amount_nano / 1e9),
             "strict": True, **more}]


def spent(provider):
    return COST * len([request for request in provider.requests if b"gpt-4o-mini" in request.body])


def load(host, clients=8, requests=None):
    return Load(host, clients, model=MODEL, on_failure_sleep=0.02, requests=requests, max_tokens=7)


def spend_some(host, requests):
    """So many requests and none more. One may be refused before: the first waits for a lease only so long."""
    with load(host, requests=requests) as one:
        one.finish(20 * SLOW)
    assert one.ok == requests


def wait_spent(loads, seconds=30):
    """Until nothing was let in for two seconds: longer than a pause of the grants."""
    def over():
        before = [one.ok for one in loads]
        time.sleep(2)
        return [one.ok for one in loads] == before and \
            all("gateway_budget_exceeded" in one.failures[-1][1] for one in loads)
    until(over, seconds * SLOW, lambda: "the budget is spent: %r" % [one.failures[-1:] for one in loads])


def spend_all(hosts, provider, amount, trouble=lambda loads: None, least=0.95, seconds=30):
    """Until LEAST of AMOUNT is spent and no more is let in; never more than AMOUNT."""
    loads = [load(host) for host in hosts]
    for one in loads:
        one.__enter__()
    try:
        trouble(loads)
        until(lambda: spent(provider) >= amount * least, seconds * SLOW,
              lambda: "%d of %d spent: %r" % (spent(provider), amount,
                                              [one.failures[-1:] for one in loads]), every=0.1)
        wait_spent(loads, seconds)
    finally:
        for one in loads:
            one.stop()
    assert spent(provider) <= amount, "overdrawn by %d" % (spent(provider) - amount)
