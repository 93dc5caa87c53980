"""The response cache: what is answered from it, to whom, how long, and what never is."""
import json
import os
import random
import signal
import sqlite3
import threading
import time

import pytest

from harness import fake_openai, fakes, process
from harness.client import Broken
from harness.gateway import SLOW
from harness.wait import until

COLD = {"temperature": 0}
COST = 12 * 150 + 7 * 600       # nanodollars of the fake provider's usual answer
RULES = {"ttl": "1h"}


class Counting:
    """Answers with its own number, so that a second answer is told from the first."""

    def __init__(self):
        self.count = 0
        self.lock = threading.Lock()
        self.hold = None

    def __call__(self, request, connection):
        with self.lock:
            self.count += 1
            number = self.count
        if self.hold:
            self.hold.wait(20)
        body = request.json()
        if "input" in body:
            fake_openai.serve_embeddings(request, connection)
            return
        if body.get("stream"):
            connection.open_stream()
            for chunk in fake_openai.chat_chunks(body)[:2]:
                connection.event({**chunk, "id": "chatcmpl-%d" % number})
            for chunk in fake_openai.chat_chunks(body)[2:]:
                connection.event({**chunk, "id": "chatcmpl-%d" % number})
            connection.event("[DONE]")
            connection.end_stream()
            return
        answer = fake_openai.chat_answer(body)
        answer["id"] = "chatcmpl-%d" % number
        connection.send_json(answer)


@pytest.fixture
def counting():
    return Counting()


@pytest.fixture
def provider(room, counting):
    return room.provider(counting)


def house_with(room, provider, cache=None, **settings):
    settings = {"cache": {**RULES, **(cache or {})}, **settings}
    return room.gateway(("up", provider), settings=settings)


def ask(gateway, text="hello", wish=None, headers=None, model="up/gpt-4o-mini", **more):
    more = {**COLD, **more}
    headers = {**(headers or {}), **({"x-aigw-cache": wish} if wish else {})}
    return gateway.chat(model, text, headers=headers, **more)


def state(answer):
    assert answer.status == 200, (answer.status, answer.body)
    return answer.header("x-aigw-cache")


def rows(gateway, columns):
    with sqlite3.connect("file:%s?mode=ro" % (gateway.folder / "aigw.db"), uri=True) as store:
        return store.execute("select %s from usage order by started_ms, rowid" % columns).fetchall()


# ---- hits -----------------------------------------------------------------------------------


def test_the_second_one_is_answered_from_the_cache_by_every_worker(room, provider, counting):
    gateway = house_with(room, provider, workers=3)
    first = ask(gateway)
    assert state(first) == "miss" and first.header("age") is None
    for _ in range(12):                     # new connections: they go to all workers
        again = ask(gateway)
        assert state(again) == "hit" and int(again.header("age")) >= 0
        assert again.body == first.body
        assert again.header("content-type") == first.header("content-type")
        assert again.header("x-request-id") != first.header("x-request-id")
    assert counting.count == 1
    gateway.wait_usage(13)
    found = rows(gateway, "cache_hit, saved_nano, cost_nano, input_tokens, output_tokens, provider, served_model, fault, cache_layer")
    found.sort(key=lambda row: row[0])      # several of three workers may begin in one millisecond
    assert found[0] == (0, None, COST, 12, 7, "up", "gpt-4o-mini", None, None)
    assert found[1:] == [(1, COST, 0, 0, 0, "up", "gpt-4o-mini", None, "memory")] * 12
    until(lambda: len([line for line in gateway.access_lines() if line.get("cache_hit")]) == 12, 2 * SLOW,
          "the access lines of twelve hits")
    sums = gateway.ctl_json("usage", "--by", "cache", "--order", "cache_layer")["rows"]
    assert [[row[name] for name in ("cache_layer", "requests", "cache_hits", "saved_nano", "cost_nano")]
            for row in sums] == [["", 1, 0, 0, COST], ["memory", 12, 12, 12 * COST, 0]]
    for word, number in (("memory", 12), ("redis", 0)):
        filtered = gateway.ctl("usage", "--rows", "--filter", "cache=" + word, "--period", "7d").stdout
        assert filtered.count("gpt-4o-mini") == number, filtered


def test_order_of_members_and_white_space_do_not_matter(room, provider):
    gateway = house_with(room, provider)
    one = b'{"model":"up/gpt-4o-mini","temperature":0,"messages":[{"role":"user","content":"x"}],"user":"a"}'
    two = (b'{ "messages" : [ { "content":"x",\n "role":"user" } ], "user":"b", "temperature": 0,'
           b' "metadata":{"k":"v"}, "model":"up/gpt-4o-mini" }')
    three = one.replace(b'"x"', b'"y"')
    assert state(gateway.post("/v1/chat/completions", one)) == "miss"
    assert state(gateway.post("/v1/chat/completions", two)) == "hit"
    assert state(gateway.post("/v1/chat/completions", three)) == "miss"
    assert state(gateway.post("/v1/chat/completions", one.replace(b":0,", b":0,\"seed\":5,"))) == "miss"


def test_what_distinguishes_is_said_in_the_settings(room, provider):
    gateway = house_with(room, provider, {"distinguish": ["user"]})
    assert state(ask(gateway, user="a")) == "miss"
    assert state(ask(gateway, user="b")) == "miss"
    assert state(ask(gateway, user="a", metadata={"x": "y"})) == "hit"


def test_a_stream_is_replayed_as_the_same_stream(room, provider, counting):
    gateway = house_with(room, provider)
    first = ask(gateway, stream=True)
    assert state(first) == "miss"
    again = ask(gateway, stream=True)
    assert state(again) == "hit" and again.body == first.body
    assert again.header("content-type") == first.header("content-type")

    assert state(ask(gateway)) == "miss", "a whole answer is not made from a stream"
    usage = ask(gateway, stream=True, stream_options={"include_usage": True})
    assert state(usage) == "miss", "usage is asked for: another stream"
    assert counting.count == 3


@pytest.mark.parametrize("client,path,body", [
    ("anthropic", "/v1/messages", {"max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}),
    ("responses", "/v1/responses", {"input": "hi", "store": False}),
    ("gemini", "/v1beta/models/openai%2Fgpt-5-mini:generateContent",
     {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
])
@pytest.mark.parametrize("stream", [False, True])
def test_translated_answers_are_kept_as_the_client_got_them(room, client, path, body, stream):
    provider, row = fakes.make(room, "openai")
    gateway = room.gateway(row, settings={"cache": {**RULES, "sampled": True}})
    body = {**body, "model": "openai/gpt-5-mini"} if client != "gemini" else body
    if stream and client == "gemini":
        path = path.replace(":generateContent", ":streamGenerateContent") + "?alt=sse"
    elif stream:
        body["stream"] = True
    answers = [gateway.post(path, body) for _ in range(3)]
    assert [state(answer) for answer in answers] == ["miss", "hit", "hit"], answers[0].body
    assert answers[1].body == answers[0].body == answers[2].body
    assert answers[1].header("content-type") == answers[0].header("content-type")
    assert answers[1].header("x-aigw-dropped") == answers[0].header("x-aigw-dropped")
    assert len(provider.requests) == 1


def test_embeddings_need_no_temperature(room, provider):
    gateway = house_with(room, provider)
    body = {"model": "up/text-embedding-3-small", "input": ["one", "two"]}
    answers = [gateway.post("/v1/embeddings", body) for _ in range(2)]
    assert [state(answer) for answer in answers] == ["miss", "hit"]
    assert answers[0].body == answers[1].body
    assert state(gateway.post("/v1/embeddings", {**body, "input": ["two", "one"]})) == "miss"


# ---- to whom --------------------------------------------------------------------------------


def test_no_answer_comes_to_another_tenant_or_key(room, provider):
    """Each asks the same things; every answer is poisoned with who asked for it first."""
    gateway = house_with(room, provider, workers=2)
    for tenant in ("a", "b"):
        gateway.ctl("tenants", "create", "--name", tenant, code=None)
        gateway.ctl("tenants", "create", tenant, code=None)
    keys = {("tenant", tenant, at): gateway.make_key("%s%d" % (tenant, at), "--tenant", tenant)["key"]
            for tenant in ("a", "b") for at in range(2)}
    keys.update({("key", at): gateway.make_key("alone%d" % at)["key"] for at in range(2)})
    canary = {}
    wrong, hits = [], [0]
    lock = threading.Lock()

    def scope(who):
        return who[:2] if who[0] == "tenant" else who

    def work(seed):
        chance = random.Random(seed)
        for _ in range(60):
            who = chance.choice(sorted(keys))
            text = "question %d" % chance.randrange(8)
            body = {"model": "up/gpt-4o-mini", **COLD, "stream": chance.random() < 0.3,
                    "messages": [{"role": "user", "content": text}]}
            answer = gateway.post("/v1/chat/completions", body, key=keys[who])
            if answer.status != 200:
                wrong.append(answer.body)
                continue
            text_of = answer.body.decode()
            number = text_of.split('"chatcmpl-')[1].split('"')[0]
            with lock:
                hits[0] += answer.header("x-aigw-cache") == "hit"
                owner = canary.setdefault(number, (scope(who), text))
                if owner != (scope(who), text):
                    wrong.append("answer %s of %r was given to %r" % (number, owner, (who, text)))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:3]
    assert hits[0] > 200, hits
    assert len(canary) >= 4 * 8, "four scopes asked eight questions"


def test_a_model_that_leads_elsewhere_has_other_answers(room, provider):
    other = room.provider(Counting())
    targets = [{"provider": "up", "model": "gpt-4o-mini"}]
    gateway = room.gateway(("up", provider), ("two", other),
                           settings={"cache": RULES, "models": [{"name": "m", "targets": targets}]})
    assert [state(ask(gateway, model="m")) for _ in range(2)] == ["miss", "hit"]
    gateway.settings["models"][0]["targets"] = [{"provider": "two", "model": "gpt-4o-mini"}]
    gateway.reload()
    until(lambda: state(ask(gateway, model="m")) == "miss" or other.requests, 5 * SLOW, "the new target")
    assert len(provider.requests) == 1 and other.requests


# ---- what is not cached ---------------------------------------------------------------------


@pytest.mark.parametrize("more", [
    {"temperature": 0.2}, {"temperature": None}, {"n": 2},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
])
def test_answers_that_differ_each_time_are_cached_only_where_asked(room, provider, more):
    gateway = house_with(room, provider)
    assert [state(ask(gateway, **more)) for _ in range(2)] == ["bypass", "bypass"]
    assert [state(ask(gateway, wish="ttl=60", **more)) for _ in range(2)] == ["miss", "hit"]


def test_settings_ask_for_sampled_answers(room, provider):
    gateway = house_with(room, provider, {"sampled": True, "tools": True, "choices": True})
    more = {"temperature": 1, "n": 2, "tools": [{"type": "function", "function": {
        "name": "f", "parameters": {"type": "object"}}}]}
    assert [state(ask(gateway, **more)) for _ in range(2)] == ["miss", "hit"]


def test_it_is_off_until_somebody_wants_it(room, provider, counting):
    gateway = room.gateway(("up", provider), settings={
        "models": [{"name": "on", "targets": [{"provider": "up", "model": "gpt-4o-mini"}],
                    "cache": {"ttl": "1m"}}]})
    assert [state(ask(gateway)) for _ in range(2)] == [None, None]
    assert counting.count == 2
    assert [state(ask(gateway, model="on")) for _ in range(2)] == ["miss", "hit"]
    assert [state(ask(gateway, wish="ttl=60")) for _ in range(2)] == ["miss", "hit"]


def test_without_memory_there_is_none(room, provider):
    gateway = house_with(room, provider, {"memory": 0})
    assert [state(ask(gateway)) for _ in range(2)] == ["bypass", "bypass"]
    assert ask(gateway, wish="only-if-cached").status == 504
    assert gateway.ctl_json("cache", "status")["on"] is False


def test_errors_and_cut_streams_are_not_kept(room):
    provider = room.provider()
    provider.on("fails", fake_openai.fails(500, "Oops", "broken", "server_error"))

    def cut(_, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk("m", {"role": "assistant", "content": "a"}))
        connection.cut()

    def sorry(_, connection):
        connection.send_json({"id": "x", "object": "chat.completion",
                                "error": {"message": "no", "type": "server_error"}})
    provider.on("cut", cut)
    provider.on("sorry", sorry)
    gateway = house_with(room, provider)
    for _ in range(2):
        assert ask(gateway, model="up/fails").status == 500
    for _ in range(2):
        try:
            ask(gateway, model="up/cut", stream=True)
        except Broken:
            pass
    for _ in range(2):
        ask(gateway, model="up/sorry")
    assert len(provider.requests) == 6
    assert gateway.ctl_json("cache", "status")["stored"] == 0


def test_large_answers_are_passed_and_not_kept(room, provider, counting):
    gateway = house_with(room, provider, {"answer": "4KiB"})
    text = "long " * 2000
    answers = [ask(gateway, text) for _ in range(2)]
    assert [state(answer) for answer in answers] == ["miss", "miss"]
    assert all(text in answer.json()["choices"][0]["message"]["content"] for answer in answers)
    assert counting.count == 2


# ---- wishes ---------------------------------------------------------------------------------


def test_an_answer_is_given_for_its_time_only(room, provider, counting):
    gateway = house_with(room, provider)
    assert state(ask(gateway, wish="ttl=1")) == "miss"
    assert state(ask(gateway)) == "hit"
    time.sleep(1.1)
    assert state(ask(gateway)) == "miss"
    time.sleep(1.1)
    assert state(ask(gateway, wish="ttl=1")) == "miss", "an older one is not good enough"
    assert counting.count == 3


def test_refresh_no_store_and_only_if_cached(room, provider):
    gateway = house_with(room, provider)
    refused = ask(gateway, wish="only-if-cached")
    assert refused.status == 504 and refused.json()["error"]["code"] == "not_cached"
    assert refused.header("x-should-retry") == "false"
    assert state(ask(gateway, wish="no-store")) == "bypass"
    assert ask(gateway, wish="only-if-cached").status == 504
    first = ask(gateway)
    assert state(first) == "miss"
    assert ask(gateway, wish="only-if-cached").body == first.body
    fresh = ask(gateway, wish="refresh")
    assert state(fresh) == "stored" and fresh.body != first.body
    assert ask(gateway).body == fresh.body
    assert ask(gateway, wish="refresh, ttl=30").body != fresh.body
    bad = ask(gateway, wish="maybe")
    assert bad.status == 400 and bad.json()["error"]["code"] == "invalid_cache_header"


# ---- clearing -------------------------------------------------------------------------------


def test_answers_are_cleared_by_what_they_belong_to(room, provider):
    gateway = house_with(room, provider)

    def fill():
        tagged = ask(gateway, "tagged", headers={"x-aigw-tags": "blue"})
        plain = ask(gateway, "plain", wish="ttl=3600")
        return tagged, plain

    def states():
        return [state(ask(gateway, text, wish="only-if-cached"))
                if ask(gateway, text, wish="only-if-cached").status == 200 else None
                for text in ("tagged", "plain")]

    _, plain = fill()
    assert states() == ["hit", "hit"]
    gateway.ctl("cache", "clear", "--tag", "blue")
    assert states() == [None, "hit"]
    gateway.ctl("cache", "clear", "--key", plain.header("x-aigw-cache-key"))
    assert states() == [None, None]
    fill()
    gateway.ctl("cache", "clear", "--model", "up/other")
    assert states() == ["hit", "hit"]
    gateway.ctl("cache", "clear", "--model", "up/gpt-4o-mini")
    assert states() == [None, None]
    fill()
    gateway.ctl("cache", "clear")
    assert states() == [None, None]
    assert gateway.ctl("cache", "clear", "--tenant", "nobody", code=None).returncode != 0
    assert gateway.ctl("cache", "clear", "--key", "xyz", code=None).returncode != 0


def test_what_is_cleared_while_it_is_made_stays_cleared(room, provider, counting):
    gateway = house_with(room, provider)
    counting.hold = threading.Event()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(ask(gateway)))
    thread.start()
    until(lambda: counting.count == 1, 5 * SLOW, "the request at the provider")
    gateway.ctl("cache", "clear")
    counting.hold.set()
    thread.join()
    assert state(answers[0]) == "miss"
    assert state(ask(gateway)) == "miss"
    assert state(ask(gateway)) == "hit"


# ---- fallbacks ------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [False, True])
def test_a_fallbacks_answer_is_kept_only_where_it_is_said(room, provider, counting, kept):
    broken = room.provider(lambda _, connection: connection.send_json({"error": {"message": "no"}}, status=500))
    models = [{"name": "fast", "targets": [{"provider": "down", "model": "m"}], "fallbacks": ["slow"],
               "cache": {**RULES, "fallbacks": kept}},
              {"name": "slow", "targets": [{"provider": "up", "model": "gpt-4o-mini"}]}]
    gateway = room.gateway(("up", provider), ("down", broken),
                           settings={"cache": RULES, "models": models})
    states = [state(ask(gateway, model="fast")) for _ in range(3)]
    assert states == (["miss", "hit", "hit"] if kept else ["miss"] * 3)
    assert counting.count == (1 if kept else 3)
    assert [state(ask(gateway, model="slow")) for _ in range(2)] == ["miss", "hit"]


# ---- deaths and reloads ---------------------------------------------------------------------


def test_workers_killed_under_load_leave_right_answers(room, provider):
    gateway = house_with(room, provider, {"memory": "2MiB"}, workers=3)
    gateway.workers_may_change = True
    gateway.key                              # made before the load
    wrong, good, ended = [], [0], threading.Event()

    def work(seed):
        chance = random.Random(seed)
        while not ended.is_set():
            text = "thing %d" % chance.randrange(200)
            try:
                answer = ask(gateway, text + " " + "x" * 2000, stream=chance.random() < 0.5)
            except (OSError, Broken):
                continue                     # of the worker that died
            if answer.status == 200 and text + " x" not in answer.body.decode().replace('"}', " "):
                pieces = "".join(answer.body.decode().split('"content":"'))
                if text.split(" ")[1] not in pieces:
                    wrong.append((text, answer.body[:300]))
            good[0] += answer.status == 200

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        before = good[0]
        until(lambda: good[0] > before + 40, 20 * SLOW, "answers")
        os.kill(random.choice(gateway.workers()), signal.SIGKILL)
    until(lambda: len(gateway.workers()) == 3, 10 * SLOW, "the workers again")
    ended.set()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:2]
    found = gateway.ctl_json("cache", "status")
    assert found["hits"] > 50 and found["stored"] > 50, found


def test_the_cache_outlives_workers_controller_and_reload(room, provider):
    gateway = house_with(room, provider)
    gateway.workers_may_change = True
    assert state(ask(gateway)) == "miss"
    old = set(gateway.workers())
    for worker in old:
        process.kill(worker)
    until(lambda: len(set(gateway.workers()) - old) == 2, 10 * SLOW, "new workers")
    until(gateway.ready, 10 * SLOW, "ready")
    assert state(ask(gateway)) == "hit"
    gateway.settings["log"]["level"] = "debug"
    gateway.reload()
    assert state(ask(gateway)) == "hit"
    controller = gateway.controller()
    process.kill(controller)
    until(lambda: [pid for pid in gateway.pids("controller") if pid != controller], 5 * SLOW,
          "a new controller")
    until(lambda: gateway.ctl("cache", "clear", code=None).returncode == 0, 10 * SLOW, "cleared", 0.1)
    assert state(ask(gateway)) == "miss"


def test_another_size_is_taken_with_new_workers(room, provider):
    gateway = house_with(room, provider)
    gateway.workers_may_change = True
    assert [state(ask(gateway)) for _ in range(2)] == ["miss", "hit"]
    before = gateway.ctl_json("cache", "status")["bytes"]
    old = set(gateway.workers())
    gateway.settings["cache"]["memory"] = "8MiB"
    gateway.reload()
    until(lambda: not old & set(gateway.workers()), 15 * SLOW, "new workers")
    assert gateway.ctl_json("cache", "status")["bytes"] < before
    assert [state(ask(gateway)) for _ in range(2)] == ["miss", "hit"]
