"""Answers that hosts share through Redis: who gets them, what clears them, and a Redis that lies or is away."""
import random
import threading
import time

import pytest

from harness.gateway import SLOW
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


def figures(host):
    return host.ctl_json("cache", "status")


def hosts_of(room, provider, redis, count=2, rules=None, **settings):
    hosts = hosts_with(room, provider, room.postgres(), redis, count, cache={**RULES, **(rules or {})}, **settings)
    for host in hosts:
        used(host)
    return hosts


def host_of(room, provider, redis):
    """One gateway, with a database of its own."""
    host = room.gateway(("up", provider), settings={"cache": RULES, "redis": redis.url})
    assert host.key
    used(host)
    return host


def used(host):
    """Until every worker has its connection: all of ten requests, which go to all workers, reach Redis."""
    def reach():
        before = figures(host)["redis_misses"]
        for _ in range(10):
            assert ask(host, "is it there?", wish="only-if-cached").status == 504
        return figures(host)["redis_misses"] == before + 10
    until(reach, 10 * SLOW, lambda: "Redis is used: %r" % figures(host), 0.05)


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
    host = host_of(room, provider, redis)
    first = ask(host)
    stored(host)
    host.restart()
    used(host)
    again = ask(host)
    assert state(again) == "hit" and again.body == first.body and counting.count == 1


def test_values_in_redis_say_nothing_and_go_in_time(room, provider, redis):
    a = host_of(room, provider, redis)
    assert state(ask(a, "a very private word", wish="ttl=100")) == "miss"
    stored(a)
    names = redis.all("KEYS", "aigw:cache:1:*")
    assert len(names) == 1
    assert b"private" not in redis.all("GET", names[0]) and b"chatcmpl" not in redis.all("GET", names[0])
    assert 0 < int(redis.ask("PTTL", names[0].decode())[1:]) <= 100000


def test_another_secret_is_another_house(room, provider, counting, redis):
    host = host_of(room, provider, redis)
    assert state(ask(host)) == "miss"
    stored(host)
    host.settings["cache"]["secret"] = "another-secret-also-long"
    host.write()
    host.restart()
    used(host)
    assert state(ask(host)) == "miss"
    assert figures(host)["redis_refused"] == 1


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
