"""Two daemons, as on two hosts, with one Redis: rates and budgets hold over both, whatever happens to Redis.

Money and requests are counted at the provider.
"""
import json
import time

import pytest

from harness import process
from harness.client import RawClient
from harness.gateway import SLOW
from harness.load import Load
from harness.wait import until

MODEL = "up/gpt-4o-mini"        # of the catalogue: $0.15 and $0.60 a million tokens
COST = 12 * 150 + 7 * 600       # nanodollars of the fake provider's usual answer


@pytest.fixture
def provider(room):
    return room.provider()


@pytest.fixture
def redis(room):
    return room.redis()


@pytest.fixture
def server(room):
    return room.postgres()


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


def load(host, clients=8):
    return Load(host, clients, model=MODEL, on_failure_sleep=0.02, max_tokens=7)


def wait_spent(loads, seconds=30):
    """Until nothing was let in for two seconds: longer than a pause of the grants."""
    def over():
        before = [one.ok for one in loads]
        time.sleep(2)
        return [one.ok for one in loads] == before and \
            all("gateway_budget_exceeded" in one.failures[-1][1] for one in loads)
    until(over, seconds * SLOW, lambda: "the budget is spent: %r" % [one.failures[-1:] for one in loads])


# ---- rates ----------------------------------------------------------------------------------


def admitted(hosts, provider, seconds, clients):
    """Requests that reached the provider while CLIENTS[i] clients asked at host i for SECONDS."""
    before = len(provider.requests)
    loads = [load(host, count) for host, count in zip(hosts, clients) if count]
    for one in loads:
        one.__enter__()
    time.sleep(seconds)
    for one in loads:
        one.stop()
    return len(provider.requests) - before


@pytest.mark.parametrize("clients, part", [((4, 4), 0.05), ((8, 0), 0.10)])
def test_a_rate_holds_over_both_hosts(room, provider, server, redis, clients, part):
    rate, burst, seconds = 30, 30, 8
    hosts = hosts_with(room, provider, server, redis, rate_limits=[
        {"scope": "key:*", "requests": "%d/second" % rate, "burst": burst}])
    time.sleep(1.5)
    came = admitted(hosts, provider, seconds, clients)
    due = burst + rate * seconds
    assert due * (1 - part) <= came <= due * (1 + part), (came, due)


# ---- budgets --------------------------------------------------------------------------------


def spend_all(hosts, provider, amount, trouble=lambda loads: None, seconds=30):
    loads = [load(host) for host in hosts]
    for one in loads:
        one.__enter__()
    try:
        trouble(loads)
        wait_spent(loads, seconds)
    finally:
        for one in loads:
            one.stop()
    assert spent(provider) <= amount, "overdrawn by %d" % (spent(provider) - amount)


def test_one_budget_for_both_hosts_is_spent_and_not_overdrawn(room, provider, server, redis):
    amount = 600 * COST
    hosts = hosts_with(room, provider, server, redis, budgets=money(amount))
    spend_all(hosts, provider, amount)
    assert spent(provider) >= amount * 0.95


def halfway(loads, provider, amount):
    until(lambda: spent(provider) > amount * 0.3, 20 * SLOW, "a part is spent")
    return loads


def test_an_emptied_redis_grants_nothing_twice(room, provider, server, redis):
    amount = 1500 * COST

    def trouble(loads):
        halfway(loads, provider, amount)
        for _ in range(3):
            redis.ask("FLUSHALL")
            time.sleep(0.3)

    hosts = hosts_with(room, provider, server, redis, budgets=money(amount))
    spend_all(hosts, provider, amount, trouble)
    assert spent(provider) >= amount * 0.95


def test_a_redis_that_was_killed_and_comes_back_empty(room, provider, server, redis):
    amount = 1500 * COST

    def trouble(loads):
        halfway(loads, provider, amount)
        redis.kill()
        shared(hosts[0], lambda state: state["breaker"] == "open")
        time.sleep(1)
        redis.start()
        for host in hosts:
            shared(host, lambda state: state["state"] == "answers" and state["hosts"] == 2)

    hosts = hosts_with(room, provider, server, redis, budgets=money(amount))
    spend_all(hosts, provider, amount, trouble)
    assert spent(provider) >= amount * 0.95


def test_a_host_that_dies_takes_its_lease_with_it_and_no_more(room, provider, server, redis):
    amount = 1500 * COST
    hosts = hosts_with(room, provider, server, redis, budgets=money(amount))
    dead = hosts[1]

    def trouble(loads):
        halfway(loads, provider, amount)
        for pid in [dead.pid] + dead.workers() + dead.pids("controller"):
            process.kill(pid)
        loads[1].stop()
        loads.pop()
        hosts.pop()

    spend_all(hosts, provider, amount, trouble)
    assert spent(provider) >= amount * 0.8


# ---- Redis is away --------------------------------------------------------------------------


def test_without_redis_each_host_has_its_part_of_a_rate(room, provider, server, redis):
    rate, burst, seconds = 30, 30, 6
    hosts = hosts_with(room, provider, server, redis, rate_limits=[
        {"scope": "key:*", "requests": "%d/second" % rate, "burst": burst}])
    redis.kill()
    for host in hosts:
        shared(host, lambda state: state["breaker"] == "open" and state["hosts"] == 2)
    time.sleep(1.5)
    came = admitted(hosts, provider, seconds, (4, 0))
    due = (burst + rate * seconds) / 2
    assert due * 0.9 <= came <= due * 1.1, (came, due)
    redis.start()
    began = time.monotonic()
    for host in hosts:
        shared(host, lambda state: state["state"] == "answers" and state["hosts"] == 2)
    assert time.monotonic() - began <= 5 * SLOW


def test_a_redis_that_hangs_delays_nobody(room, provider, server, redis):
    """A few requests of the first moment may find no grant; nobody waits for an answer of Redis."""
    hosts = hosts_with(room, provider, server, redis, rate_limits=[
        {"scope": "key:*", "requests": "100000/second"}])

    def ask(count):
        """(refused, the longest in seconds) of COUNT requests, one after the other."""
        refused, longest = 0, 0
        for _ in range(count):
            began = time.monotonic()
            answer = hosts[0].post("/v1/chat/completions", {"model": MODEL, "messages": [
                {"role": "user", "content": "hello"}]})
            assert answer.status in (200, 429), answer
            refused += answer.status == 429
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.002)
        return refused, longest

    ask(200)
    redis.pause()
    refused, longest = ask(300)
    assert refused <= 5 * len(hosts[0].workers()) and longest < 0.5 * SLOW, (refused, longest)
    state = shared(hosts[0], lambda state: state["breaker"] == "open")
    assert "127.0.0.1" in state["error"], state
    with RawClient(hosts[0].admin_port) as client:
        client.request("GET", "/metrics")
        assert b"aigw_share_breaker_open 1\n" in client.read_response("GET").body
    assert ask(50)[0] == 0
    redis.resume()
    shared(hosts[0], lambda state: state["breaker"] == "closed")
    assert ask(50)[0] == 0


# ---- PostgreSQL instead of Redis ------------------------------------------------------------


def test_postgresql_hands_out_leases_when_there_is_no_redis(room, provider, server):
    amount = 600 * COST
    hosts = hosts_with(room, provider, server, None, budgets=money(amount))
    for host in hosts:
        shared(host, lambda state: state["mode"] == "postgresql" and state["hosts"] == 2)
    spend_all(hosts, provider, amount)
    assert spent(provider) >= amount * 0.9


def test_what_an_orderly_end_leaves_others_may_spend(room, provider, server, redis):
    amount = 300 * COST
    hosts = hosts_with(room, provider, server, redis, budgets=money(amount))
    with load(hosts[1]) as one:
        one.wait_ok(60)
    hosts[1].terminate()
    spend_all(hosts[:1], provider, amount)
    assert spent(provider) >= amount * 0.95


@pytest.mark.parametrize("with_redis", [True, False])
def test_a_host_that_died_finds_the_rest_when_it_starts_again(room, provider, server, with_redis):
    """Alone it had a lease of all that was left."""
    amount = 300 * COST
    redis = room.redis() if with_redis else None
    host, = hosts_with(room, provider, server, redis, count=1, budgets=money(amount))
    with load(host) as one:
        one.wait_ok(60)
    time.sleep(1.5)     # the records are in the database
    for pid in [host.pid] + host.workers() + host.pids("controller"):
        process.kill(pid)
    host.child.wait()
    host.first_workers = None
    host.start()
    shared(host, lambda state: state["state"] == "answers")
    spend_all([host], provider, amount)
    assert spent(provider) >= amount * 0.95
