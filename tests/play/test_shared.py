"""Two daemons, as on two hosts, with one Redis: rates hold over both, whatever happens to Redis."""
import time

import pytest

from harness.client import RawClient
from harness.gateway import SLOW
from harness.shared import MODEL, hosts_with, load, shared
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


def test_places_are_divided_among_the_hosts(room, provider, server, redis):
    provider.on("held", lambda _, connection: connection.wait_ended(30))
    hosts = hosts_with(room, provider, server, redis, rate_limits=[{"scope": "key:*", "concurrent": 4}])
    waiting = []
    for number, host in enumerate(hosts, 1):
        waiting += [host.send_chat("up/held") for _ in range(2)]
        until(lambda: sum(one.model() == "held" for one in provider.requests) == 2 * number, 5 * SLOW,
              "both are at the provider")
        refused = host.chat(MODEL)
        assert refused.status == 429 and refused.json()["error"]["code"] == "gateway_concurrency_limit"
        counter, = host.ctl_json("limits", "list")["counters"]
        assert (counter["amount"], counter["amount_here"], counter["used"]) == (4, 2, 2)
    for client in waiting:
        client.close()
    for host in hosts:
        until(lambda host=host: host.chat(MODEL).status == 200, 5 * SLOW, "the places are free")


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
