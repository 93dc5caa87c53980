"""Two daemons, as on two hosts, with one budget: it is spent and never overdrawn, whatever happens.

Money is counted at the provider.
"""
import time

import pytest

from harness import process
from harness.gateway import SLOW
from harness.shared import COST, hosts_with, money, shared, spend_all, spend_some, spent
from harness.wait import until


@pytest.fixture
def provider(room):
    return room.provider()


@pytest.fixture
def redis(room):
    return room.redis()


@pytest.fixture
def server(room):
    return room.postgres()


# ---- budgets --------------------------------------------------------------------------------


def test_one_budget_for_both_hosts_is_spent_and_not_overdrawn(room, provider, server, redis):
    amount = 600 * COST
    hosts = hosts_with(room, provider, server, redis, budgets=money(amount))
    spend_all(hosts, provider, amount)


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

    spend_all(hosts, provider, amount, trouble, least=0.8)


# ---- PostgreSQL instead of Redis ------------------------------------------------------------


def test_postgresql_hands_out_leases_when_there_is_no_redis(room, provider, server):
    amount = 600 * COST
    hosts = hosts_with(room, provider, server, None, budgets=money(amount))
    for host in hosts:
        shared(host, lambda state: state["mode"] == "postgresql" and state["hosts"] == 2)
    spend_all(hosts, provider, amount, least=0.9)


def test_what_an_orderly_end_leaves_others_may_spend(room, provider, server, redis):
    amount = 300 * COST
    hosts = hosts_with(room, provider, server, redis, budgets=money(amount))
    spend_some(hosts[1], 60)
    hosts[1].terminate()
    spend_all(hosts[:1], provider, amount)


@pytest.mark.parametrize("with_redis", [True, False])
def test_a_host_that_died_finds_the_rest_when_it_starts_again(room, provider, server, with_redis):
    """Alone it had a lease of all that was left."""
    amount = 300 * COST
    redis = room.redis() if with_redis else None
    host, = hosts_with(room, provider, server, redis, count=1, budgets=money(amount))
    spend_some(host, 60)
    until(lambda: host.usage_count() > 60, 10 * SLOW, "the records are in the database", every=0.1)
    for pid in [host.pid] + host.workers() + host.pids("controller"):
        process.kill(pid)
    host.child.wait()
    host.first_workers = None
    host.start()
    shared(host, lambda state: state["state"] == "answers")
    spend_all([host], provider, amount)
