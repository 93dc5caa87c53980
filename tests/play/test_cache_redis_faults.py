"""The cache with a Redis that lies, or is stopped, killed or slow: misses, and nobody waits."""
import time

import pytest

from harness.gateway import SLOW
from harness.redis import Liar, bulk
from harness.wait import until
from test_cache import Counting, ask, state
from test_cache_redis import figures, host_of, stored, used


@pytest.fixture
def counting():
    return Counting()


@pytest.fixture
def provider(room, counting):
    return room.provider(counting)


@pytest.fixture
def redis(room):
    return room.redis()


@pytest.fixture
def liar(redis):
    liar = Liar(redis)
    yield liar
    liar.close()


# ---- a Redis that lies ----------------------------------------------------------------------


LIES = {
    "garbage": lambda value, other: bulk(b"garbage, and long enough to be taken for a value of some kind" * 4),
    "empty": lambda value, other: bulk(b""),
    "a bit is another": lambda value, other: value and bulk(value[:-1] + bytes([value[-1] ^ 1])),
    "cut": lambda value, other: value and bulk(value[:len(value) // 2]),
    "another's value": lambda value, other: bulk(other),
    "another type": lambda value, other: b"*2\r\n:1\r\n:2\r\n",
    "an error": lambda value, other: b"-ERR no\r\n",
    "no protocol": lambda value, other: b"HTTP/1.1 200 OK\r\n\r\n",
}


@pytest.mark.parametrize("name", sorted(LIES))
def test_a_redis_that_lies_is_a_miss(room, provider, counting, redis, liar, name):
    host = host_of(room, provider, liar)
    assert state(ask(host, "other")) == "miss"
    stored(host)
    other = redis.all("GET", redis.all("KEYS", "aigw:cache:1:*")[0])
    first = ask(host, "hello")
    stored(host, 2)
    host.restart()
    used(host)
    liar.lie = lambda value: LIES[name](value, other)
    answer = ask(host, "hello")
    assert state(answer) == "miss" and answer.body != first.body and b"hello" in answer.body
    assert liar.told == 1 and counting.count == 3
    found = figures(host)
    assert found["redis_hits"] == 0 and found["redis_refused"] + found["redis_failures"] >= 1, found
    liar.lie = None
    before = figures(host)["redis_stored"]
    until(lambda: ask(host, "again %f" % time.time()) and figures(host)["redis_stored"] > before,
          5 * SLOW, "it goes on", 0.05)


# ---- a Redis that is away -------------------------------------------------------------------


def longest(host, count, start):
    most = 0
    for at in range(start, start + count):
        began = time.monotonic()
        assert state(ask(host, "question %d" % at)) == "miss"
        most = max(most, time.monotonic() - began)
    return most


@pytest.mark.parametrize("trouble", ["stopped", "killed", "slow"])
def test_a_redis_that_is_away_delays_nobody_for_long(room, provider, redis, liar, trouble):
    a = host_of(room, provider, liar)
    usual = longest(a, 50, 0)
    assert figures(a)["redis_failures"] == 0, "Redis was in use all the time"
    if trouble == "stopped":
        redis.pause()
    elif trouble == "killed":
        redis.kill()
    else:
        liar.lie = lambda value: time.sleep(0.04)
    first = longest(a, 20, 100)
    until(lambda: figures(a)["redis_failures"] >= 1, 5 * SLOW, "it is noticed", 0.05)
    time.sleep(2.5)
    later = longest(a, 100, 200)
    print("longest: usual %.1f ms, at first %.1f ms, later %.1f ms" % (usual * 1e3, first * 1e3, later * 1e3))
    assert first < usual + 0.06 * SLOW
    if trouble == "stopped":
        redis.resume()
    elif trouble == "killed":
        redis.start()
    liar.lie = None
    until(lambda: figures(a)["redis"] == "answers", 5 * SLOW, "Redis answers", 0.05)
    before = figures(a)["redis_stored"]
    until(lambda: ask(a, "again %f" % time.time()) and figures(a)["redis_stored"] > before, 5 * SLOW, "it is used", 0.05)
