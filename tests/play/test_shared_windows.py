"""Two daemons, as on two hosts, with one rolling budget: what they spend in any window is bounded by it.

Money is counted at the provider.
"""
import time

import pytest

from harness import process
from harness.gateway import SLOW
from harness.shared import COST, hosts_with, load, money, shared, spend_all, spend_some, spent, wait_spent
from harness.wait import until


def rolling(amount_nano, window="1h"):
    return money(amount_nano, period="rolling", window=window)


@pytest.fixture
def provider(room):
    return room.provider()


@pytest.fixture
def server(room):
    return room.postgres()


def budget(host):
    counter, = [row for row in host.ctl_json("budgets", "list")["counters"] if row["name"] == "all"]
    return {name: float(counter[name]) for name in ("spent", "reserved", "left")}


@pytest.mark.parametrize("with_redis", [True, False])
def test_one_window_for_both_hosts_is_spent_and_not_overdrawn(room, provider, server, with_redis):
    amount = 600 * COST
    hosts = hosts_with(room, provider, server, room.redis() if with_redis else None, budgets=rolling(amount))
    for host in hosts:
        shared(host, lambda state: state["hosts"] == 2)
    spend_all(hosts, provider, amount, least=0.9)
    assert budget(hosts[0])["left"] <= amount * 0.1 / 1e9


def test_what_a_host_spent_stays_when_it_dies_and_starts_again(room, provider, server):
    """Its claims are of the window, whoever made them; the rest of a dead lease is lost till they leave it."""
    amount = 1000 * COST
    hosts = hosts_with(room, provider, server, None, budgets=rolling(amount))
    for host in hosts:
        shared(host, lambda state: state["hosts"] == 2)
    dead = hosts[1]
    spend_some(dead, 200)
    for pid in [dead.pid] + dead.workers() + dead.pids("controller"):
        process.kill(pid)
    dead.child.wait()
    dead.first_workers = None
    dead.start()
    spend_all(hosts, provider, amount, least=0.7)


def test_a_host_that_ends_takes_nothing_with_it(room, provider, server):
    """It spent just now, so it would ask for more; and it is no host any more when it asks."""
    amount = 1000 * COST
    hosts = hosts_with(room, provider, server, None, budgets=rolling(amount))
    for host in hosts:
        shared(host, lambda state: state["hosts"] == 2)
    spend_some(hosts[1], 200)
    hosts[1].terminate()
    spend_all(hosts[:1], provider, amount, least=0.95)


def test_what_was_spent_before_hosts_shared_counts(room, provider, server):
    """A new budget in a window in which much was spent."""
    amount = 400 * COST
    hosts = hosts_with(room, provider, server, None)
    spend_some(hosts[0], 300)
    until(lambda: hosts[1].usage_count() >= 300, 20 * SLOW, "the records are in the database", every=0.1)
    for host in hosts:
        host.settings["budgets"] = rolling(amount)
        host.reload()
    spend_all(hosts, provider, amount, least=0.9)


def test_money_comes_back_when_it_leaves_the_window(room, provider, server):
    amount, window = 200 * COST, 60
    hosts = hosts_with(room, provider, server, None, budgets=rolling(amount, "1m"))
    times = []
    with load(hosts[0]) as one, load(hosts[1]) as other:
        wait_spent([one, other])
        first = spent(provider)
        until(lambda: spent(provider) >= first + amount * 0.5, 4 * window * SLOW,
              lambda: "money comes back: %d of %d" % (spent(provider), amount), every=0.5)
        one.stop()
        other.stop()
    times = [request.at for request in provider.requests if b"gpt-4o-mini" in request.body]
    for at, begin in enumerate(times):
        count = sum(1 for later in times[at:] if later < begin + window - 1)
        assert count * COST <= amount, "%d in a window" % count
