"""Answers that hosts share through Redis: who gets them, what clears them, and a Redis that lies or is away."""
import random
import threading
import time

import pytest

from harness.client import RawClient
from harness.gateway import SLOW
from harness.redis import Liar, bulk
from harness.shared import hosts_with
from harness.wait import until
from test_cache import Counting, ask, state

SECRET = "a-secret-of-the-whole-house"
RULES = {"ttl": "1h", "redis": True, "secret": SECRET}


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


def figures(host):
    return host.ctl_json("cache", "status")


def hosts_of(room, provider, redis, count=2, rules=None, **settings):
    hosts = hosts_with(room, provider, room.postgres(), redis, count, cache={**RULES, **(rules or {})}, **settings)
    for host in hosts:
        until(lambda host=host: figures(host)["redis"] == "answers", 5 * SLOW, "Redis answers", 0.05)
    time.sleep(0.3 * SLOW)      # each worker has its connection
    return hosts


def stored(host, count=1):
    until(lambda: figures(host)["redis_stored"] >= count, 5 * SLOW, lambda: "stored: %r" % figures(host), 0.02)


# ---- sharing --------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_what_one_host_was_answered_the_other_gives_again(room, provider, counting, redis, stream):
    a, b = hosts_of(room, provider, redis)
    before = counting.count
    first = ask(a, stream=stream)
    assert state(first) == "miss"
    stored(a)
    again = ask(b, stream=stream)
    assert state(again) == "hit" and again.body == first.body
    assert again.header("content-type") == first.header("content-type")
    assert figures(b)["redis_hits"] == 1
    near = [ask(b, stream=stream) for _ in range(4)]
    assert [state(answer) for answer in near] == ["hit"] * 4
    assert figures(b)["redis_hits"] == 1, "it lies in this host's memory now"
    assert counting.count == before + 1
    until(lambda: sorted(line["cache_layer"] for line in b.access_lines() if line.get("cache_hit")) ==
          ["memory"] * 4 + ["redis"], 5 * SLOW, lambda: "the layers in the log: %r" % b.access_lines())


def test_a_restarted_gateway_finds_its_answers_again(room, provider, counting, redis):
    a, = hosts_of(room, provider, redis, 1)
    first = ask(a)
    stored(a)
    b, = [room.gateway(("up", provider), store=a.settings["store"], settings={"cache": RULES, "redis": redis.url})]
    b._key = a.key
    until(lambda: b.chat(key=a.key).status == 200, 5 * SLOW, "the key")
    until(lambda: state(ask(b, wish="only-if-cached")) == "hit"
          if ask(b, wish="only-if-cached").status == 200 else False, 5 * SLOW, "the answer")
    assert ask(b).body == first.body


def test_values_in_redis_say_nothing_and_go_in_time(room, provider, redis):
    a, = hosts_of(room, provider, redis, 1)
    assert state(ask(a, "a very private word", wish="ttl=100")) == "miss"
    stored(a)
    names = redis.all("KEYS", "aigw:cache:1:*")
    assert len(names) == 1
    assert b"private" not in redis.all("GET", names[0]) and b"chatcmpl" not in redis.all("GET", names[0])
    assert 0 < int(redis.ask("PTTL", names[0].decode())[1:]) <= 100000


def test_another_secret_is_another_house(room, provider, counting, redis):
    a, = hosts_of(room, provider, redis, 1)
    b = room.gateway(("up", provider), store=a.settings["store"],
                     settings={"cache": {**RULES, "secret": "another-secret-also-long"}, "redis": redis.url})
    b._key = a.key
    until(lambda: b.chat(key=a.key).status == 200, 5 * SLOW, "the key")
    until(lambda: figures(b)["redis"] == "answers", 5 * SLOW, "Redis answers", 0.05)
    time.sleep(0.6 * SLOW)
    assert state(ask(a)) == "miss"
    stored(a)
    assert state(ask(b)) == "miss"
    assert figures(b)["redis_refused"] == 1


def test_no_answer_comes_to_another_tenant_or_key(room, provider, redis):
    hosts = hosts_of(room, provider, redis)
    keys = {}
    for tenant in ("a", "b"):
        hosts[0].ctl("tenants", "create", tenant)
        for at in range(2):
            keys[("tenant", tenant, at)] = hosts[0].make_key("%s%d" % (tenant, at), "--tenant", tenant)["key"]
    keys.update({("key", at): hosts[0].make_key("alone%d" % at)["key"] for at in range(2)})
    for host in hosts:
        for key in keys.values():
            until(lambda host=host, key=key: host.chat(key=key).status == 200, 5 * SLOW, "the key")
    canary, wrong, lock = {}, [], threading.Lock()

    def work(seed):
        chance = random.Random(seed)
        for _ in range(60):
            who, host = chance.choice(sorted(keys)), chance.choice(hosts)
            text = "question %d" % chance.randrange(8)
            answer = host.post("/v1/chat/completions", {
                "model": "up/gpt-4o-mini", "temperature": 0, "stream": chance.random() < 0.3,
                "messages": [{"role": "user", "content": text}]}, key=keys[who])
            if answer.status != 200:
                wrong.append(answer.body)
                continue
            number = answer.body.decode().split('"chatcmpl-')[1].split('"')[0]
            scope = who[:2] if who[0] == "tenant" else who
            with lock:
                if canary.setdefault(number, (scope, text)) != (scope, text):
                    wrong.append("answer %s of %r was given to %r" % (number, canary[number], (who, text)))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    assert sum(figures(host)["redis_hits"] for host in hosts) > 10


# ---- clearing -------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["all", "model", "tag", "key", "tenant"])
def test_what_one_host_clears_no_host_gives_again(room, provider, redis, what):
    a, b = hosts_of(room, provider, redis)
    a.ctl("tenants", "create", "acme")
    key = a.make_key("of acme", "--tenant", "acme")["key"]
    for host in (a, b):
        host._key = key
        until(lambda host=host: host.chat().status == 200, 5 * SLOW, "the key")
    headers = {"x-aigw-tags": "blue"}
    first = ask(a, wish="ttl=600", headers=headers)
    stored(a)
    assert state(ask(b, headers=headers)) == "hit"
    words = {"all": (), "model": ("--model", "up/gpt-4o-mini"), "tag": ("--tag", "blue"),
             "key": ("--key", first.header("x-aigw-cache-key")), "tenant": ("--tenant", "acme")}[what]
    a.ctl("cache", "clear", *words)
    cleared = time.monotonic()
    assert ask(a, wish="only-if-cached").status == 504, "nor from Redis"
    until(lambda: ask(b, wish="only-if-cached").status == 504, 5 * SLOW, "cleared on the other host", 0.01)
    took = time.monotonic() - cleared
    print("in force on the other host after %.0f ms" % (took * 1000))
    assert took < 0.5 * SLOW
    assert state(ask(b)) == "miss"


def test_what_is_cleared_while_redis_is_away_is_cleared_when_it_is_back(room, provider, redis):
    a, b = hosts_of(room, provider, redis)
    assert state(ask(a)) == "miss"
    stored(a)
    assert state(ask(b)) == "hit"
    redis.pause()
    a.ctl("cache", "clear")
    assert ask(a, wish="only-if-cached").status == 504
    redis.resume()
    until(lambda: ask(b, wish="only-if-cached").status == 504, 5 * SLOW, "cleared on the other host", 0.02)
    time.sleep(1)
    assert ask(a, wish="only-if-cached").status == 504


def test_a_redis_that_lost_its_data_is_told_again_what_was_cleared(room, provider, redis):
    a, b = hosts_of(room, provider, redis)
    a.ctl("cache", "clear", "--model", "up/gpt-4o-mini")
    until(lambda: redis.ask("HLEN", "{aigw:cache:1}:marks") == ":2", 5 * SLOW, "a mark in Redis")
    redis.ask("FLUSHALL")
    until(lambda: redis.ask("HLEN", "{aigw:cache:1}:marks") == ":2", 5 * SLOW, "the mark again")
    time.sleep(0.3)             # each host has looked at it
    assert state(ask(a)) == "miss"
    stored(a)
    assert state(ask(b)) == "hit"


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
    a, = hosts_of(room, provider, redis, 1)
    assert state(ask(a, "other")) == "miss"
    stored(a)
    other = redis.all("GET", redis.all("KEYS", "aigw:cache:1:*")[0])
    b = room.gateway(("up", provider), store=a.settings["store"], settings={"cache": RULES, "redis": liar.url})
    b._key = a.key
    until(lambda: b.chat(key=a.key).status == 200, 5 * SLOW, "the key")
    until(lambda: figures(b)["redis"] == "answers", 5 * SLOW, "Redis answers", 0.05)
    time.sleep(0.6 * SLOW)
    first = ask(a, "hello")
    stored(a, 2)
    liar.lie = lambda value: LIES[name](value, other)
    answer = ask(b, "hello")
    assert state(answer) == "miss" and answer.body != first.body and b"hello" in answer.body
    assert liar.told >= 1
    found = figures(b)
    assert found["redis_hits"] == 0 and found["redis_refused"] + found["redis_failures"] >= 1, found
    liar.lie = None
    b.workers()
    until(lambda: state(ask(b, "hello", wish="refresh")) == "stored", 5 * SLOW, "it goes on")


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
    a, = hosts_of(room, provider, liar, 1)
    usual = longest(a, 50, 0)
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


# ---- settings -------------------------------------------------------------------------------


@pytest.mark.parametrize("settings, words", [
    ({"cache": RULES}, "needs the address of Redis"),
    ({"cache": {"redis": True, "secret": "short"}, "redis": "redis://127.0.0.1:1"}, "at least 16"),
    ({"cache": {"redis": True}, "redis": "redis://127.0.0.1:1"}, "at least 16"),
    ({"cache": {**RULES, "memory": 0}, "redis": "redis://127.0.0.1:1"}, "needs `memory`"),
])
def test_half_a_setting_is_refused_with_its_place(room, provider, settings, words):
    gateway = room.gateway(("up", provider))
    gateway.settings.update(settings)
    gateway.write()
    said = gateway.ctl("config", "check", code=None)
    place = "%s:" % gateway.file
    assert said.returncode != 0 and words in said.stderr + said.stdout and place in said.stderr + said.stdout
    assert gateway.chat().status == 200
