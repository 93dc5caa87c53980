"""Everything at one time: clients of all manners, providers with all faults, every strategy, queues, hedges, caches,
budgets, reloads, drains and kills. Whatever happens in between, in the end nothing is held and each request is one record.

AIGW_CHAOS_SECONDS and AIGW_CHAOS_SEED make it longer, or the same again.
"""
import json
import os
import random
import signal
import sqlite3
import threading
import time
from decimal import Decimal

import pytest

from harness import fake_openai, process
from harness.client import Broken
from harness.gateway import SLOW, chat_body
from harness.wait import until
from test_metrics import scrape

SECONDS = float(os.environ.get("AIGW_CHAOS_SECONDS", "5"))
SEED = int(os.environ.get("AIGW_CHAOS_SEED", str(int(time.time()))))
CLIENTS = 24
PLACES = 3
KINDS = pytest.mark.parametrize("kind", ["nobody killed", "killed", "killed, PostgreSQL and Redis"])


class Provider:
    """Answers well in half of the cases, a little late, and badly in some way in the others."""

    def __init__(self, name, fake):
        self.luck = random.Random("%d %s" % (SEED, name))
        self.fake = fake
        self.bad = [self.reset, self.hang, self.garbage, self.cut, self.flood, self.drip,
                    *(self.status(code) for code in (400, 401, 429, 500, 503, 529))]
        fake.default = self.answer

    def answer(self, request, connection):
        if self.luck.random() < 0.6:
            time.sleep(self.luck.choice([0, 0, 0.005, 0.03, 0.2]))
            fake_openai.serve_chat(request, connection, True)
        else:
            self.luck.choice(self.bad)(request, connection)

    def status(self, code):
        def handler(_, connection):
            headers = [("Retry-After", "1")] if code == 429 else []
            connection.send_json({"error": {"message": "no", "type": "some_error"}}, code, "No", headers)
        return handler

    def reset(self, _, connection):
        connection.reset()

    def hang(self, _, connection):
        connection.wait_ended(self.luck.choice([0.3, 3]))
        connection.close()

    def garbage(self, _, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{\"a\": nu}")

    def cut(self, request, connection):
        if request.json().get("stream"):
            connection.open_stream()
            for value in fake_openai.chat_chunks(request.json())[:3]:
                connection.event(value)
        else:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"id\":")
        connection.close()

    def flood(self, _, connection):
        events = b"".join(b"data: %s\n\n" % json.dumps(
            fake_openai.chunk("m", {"content": "word " * 20})).encode() for _ in range(200))
        connection.open_stream()
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            connection.chunk(events)
        connection.close()

    def drip(self, _, connection):
        connection.open_stream()
        connection.talk_until_ended(lambda n: fake_openai.chunk("m", {"content": "w"}), 0.02, 1)
        connection.close()


class Client:
    """One request after the other, each read to its end, in part, slowly, or not at all."""

    MODELS = ["mixed", "mixed", "line", "kept", "poor", "a/direct", "mock/long-50+pace-2ms", "no-such-model"]

    def __init__(self, gateway, number, ended):
        self.gateway, self.ended = gateway, ended
        self.luck = random.Random("%d client %d" % (SEED, number))
        self.answered = []              # request ids of answers that were read to their end
        self.wrong = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            try:
                self.ask()
            except (OSError, Broken, ValueError):
                pass                    # cut, reset, or its worker was killed

    def request(self):
        model = self.luck.choice(self.MODELS)
        text = "kept %d" % self.luck.randrange(20) if model == "kept" else "word " * self.luck.randrange(1, 200)
        body = chat_body(model, text, stream=self.luck.random() < 0.5, max_tokens=self.luck.choice([1, 50, 4000]))
        path = self.luck.choice(["/v1/chat/completions", "/v1/chat/completions", "/v1/messages"])
        headers = self.luck.choice([{}, {}, {"x-aigw-tags": "red,blue"}, {"x-aigw-session": "s%d" % self.luck.randrange(9)},
                                    {"x-aigw-cache": "ttl=60"}, {"x-aigw-cache": "only-if-cached"}])
        return path, headers, body

    def ask(self):
        path, headers, body = self.request()
        with self.gateway.connect(timeout=20, receive_buffer=self.luck.choice([None, 4096])) as client:
            for _ in range(self.luck.choice([1, 1, 3])):
                client.request("POST", path, {**self.gateway.headers(), **headers}, json.dumps(body).encode())
                if not self.luck.choice([self.read, self.read, self.read, self.read_some, self.leave])(client):
                    return
                if self.ended.is_set():
                    return

    def read(self, client):
        answer = client.read_response()
        if answer.status < 200 or answer.status > 599:
            self.wrong.append("status %d" % answer.status)
        self.answered.append(answer.header("x-request-id"))
        return (answer.header("connection") or "").lower() != "close"

    def read_some(self, client):
        client.read_head()
        for _ in range(self.luck.randrange(4)):
            client.sock.recv(self.luck.choice([10, 100, 65536]))
            time.sleep(self.luck.choice([0, 0.01, 0.1]))
        return self.leave(client)

    def leave(self, client):
        time.sleep(self.luck.choice([0, 0, 0.01, 0.1]))
        how = self.luck.choice([client.reset, client.close, client.half_close])
        how()
        if how == client.half_close:
            while client.sock.recv(65536):
                pass
        return False


def settings():
    names = ["a", "b", "c"]
    targets = [{"provider": name, "model": "m"} for name in names]
    rates = {"rates": {"input": 1, "output": 2}}
    return {
        "workers": 2, "timeouts": {"head": "1s", "first_event": "1s", "idle": "1s", "drain": "3s"},
        "health": {"eject": "100ms", "eject_most": "300ms", "limited": "100ms", "limited_most": "300ms"},
        "queue": {"wait": "2s"},
        "models": [
            {"name": "mixed", "strategy": "lowest_latency", "targets": targets, "hedge": {"after": "20ms", "budget": 30},
             "fallbacks": ["line"]},
            {"name": "line", "strategy": "least_busy", "targets": targets[:1]},
            {"name": "kept", "strategy": "round_robin", "targets": targets,
             "cache": {"ttl": "1m", "sampled": True, "single_flight": True}},
            {"name": "poor", "strategy": "headroom", "targets": targets}],
        "prices": [{"provider": name, "model": "m", **rates} for name in names],
        "rate_limits": [{"scope": "provider:a", "concurrent": PLACES},
                        {"scope": "key:*", "requests": "100k/minute", "total_tokens": "100M/minute", "concurrent": 500},
                        {"scope": "tag:red", "concurrent": 5}],
        "budgets": [{"name": "all", "scope": "key:*", "amount": 1000, "period": "month"},
                    {"name": "poor", "scope": "model:poor", "amount": 0.05, "period": "day"},
                    {"name": "last", "scope": "model:mixed", "amount": 100, "period": "rolling", "window": "2h"}]}


class Trouble:
    """What is done to the gateway meanwhile, one thing after the other."""

    def __init__(self, gateway, fakes, kills, redis):
        self.gateway, self.fakes, self.kills, self.redis = gateway, fakes, kills, redis
        self.luck = random.Random("%d trouble" % SEED)

    def make(self):
        acts = [self.reload, self.drain, self.clear, self.refuse, self.stop]
        if self.kills:
            acts += [self.kill, self.kill, self.kill_controller]
        if self.redis:
            acts += [self.lose_redis, self.pause_redis]
        self.luck.choice(acts)()
        time.sleep(self.luck.choice([0.2, 0.5, 1]))

    def tell(self, *words):
        """A controller that has just begun does not answer yet."""
        until(lambda: self.gateway.ctl(*words, code=None).returncode == 0, 10 * SLOW, " ".join(words), every=0.1)

    def reload(self):
        self.gateway.settings["log"] = {**self.gateway.settings.get("log", {}), "level": self.luck.choice(["info", "warning"])}
        self.gateway.settings["limits"] = {"event": "%dMiB" % self.luck.choice([8, 16])}
        self.gateway.write()
        self.gateway.signal(signal.SIGHUP)

    def drain(self):
        name = self.luck.choice("abc")
        self.tell("providers", "drain", name)
        time.sleep(0.2)
        self.tell("providers", "resume", name)

    def clear(self):
        self.tell("cache", "clear")

    def refuse(self):
        fake = self.luck.choice(self.fakes)
        fake.stop_listening()
        time.sleep(0.2)
        fake.start()

    def stop(self):
        worker = self.luck.choice(self.gateway.workers())
        os.kill(worker, signal.SIGSTOP)
        time.sleep(self.luck.choice([0.01, 0.3]))
        os.kill(worker, signal.SIGCONT)

    def lose_redis(self):
        """It comes back empty."""
        self.redis.kill()
        time.sleep(self.luck.choice([0, 0.5]))
        self.redis.start()

    def pause_redis(self):
        self.redis.pause()
        time.sleep(self.luck.choice([0.01, 0.5]))
        self.redis.resume()

    def kill_controller(self):
        old = self.gateway.controller()
        process.kill(old)
        until(lambda: set(self.gateway.pids("controller")) - {old}, 5 * SLOW, "a new controller")

    def kill(self):
        """One that dies often is started again later and later: then the other is left alone."""
        workers = self.gateway.workers()
        if len(workers) >= 2:
            process.kill(self.luck.choice(workers))


def at_rest(gateway, leased):
    """What is still held, as text; empty: nothing. LEASED are budgets of which a host alone has all that is left."""
    page, _ = scrape(gateway)
    held = ["%s{%s} %g" % (name, labels, value) for (name, labels), value in page.items()
            if name in ("aigw_exchanges_open", "aigw_provider_in_flight", "aigw_provider_waiting") and value != 0]
    if page["aigw_upstream_connections_open", None] != page["aigw_upstream_connections_idle", None]:
        held.append("connections to providers that nobody uses")
    held += ["%s of %s: %s reserved" % (row["name"], row["scope"], row["reserved"])
             for row in gateway.ctl_json("budgets", "list")["counters"] if Decimal(row["reserved"]) != 0 and row["name"] not in leased]
    held += ["%s: %s places" % (row["scope"], row["used"])
             for row in gateway.ctl_json("limits", "list")["counters"] if row["unit"] == "concurrent" and row["used"]]
    return "; ".join(held)


def settle(gateway, leased):
    last = []

    def nothing():
        last[:] = [at_rest(gateway, leased)]
        return not last[0]
    until(nothing, 15 * SLOW, lambda: "seed %d: held is %s" % (SEED, last[0]), every=0.3)


def spent_nano(gateway, name):
    row, = [row for row in gateway.ctl_json("budgets", "list")["counters"] if row["name"] == name]
    return int(Decimal(row["spent"]) * 10 ** 9)


def rows_of(gateway, server, query):
    if server:
        return [line.rsplit("|", 1) for line in server.query(query).splitlines()]
    with sqlite3.connect("file:%s?mode=ro" % (gateway.folder / "aigw.db"), uri=True) as database:
        return database.execute(query).fetchall()


def check_records(gateway, server, answered):
    """Each answer is one record, and what budgets say was spent is what the records cost."""
    found = dict(rows_of(gateway, server, "select request_id, count(*) from usage group by 1"))
    cost = dict(rows_of(gateway, server, "select asked_model, sum(cost_nano) from usage where cost_nano > 0 group by 1"))
    found, cost = ({name: int(number) for name, number in one.items()} for one in (found, cost))
    assert set(found.values()) == {1}
    assert not [name for name in answered if name not in found]
    assert spent_nano(gateway, "all") == sum(cost.values())
    for name, model in [("poor", "poor")] + ([] if server else [("last", "mixed")]):
        assert spent_nano(gateway, name) == cost.get(model, 0), name


@KINDS
def test_nothing_is_held_in_the_end(room, kind):
    fakes = [Provider(name, room.provider()).fake for name in "abc"]
    server, redis = (room.postgres(), room.redis()) if "Redis" in kind else (None, None)
    shared = {"redis": redis.url, "cache": {"redis": True, "secret": "0123456789abcdef"}} if redis else {}
    gateway = room.gateway(*zip("abc", fakes), settings={**settings(), **shared}, store=server and server.url)
    gateway.workers_may_change = True
    trouble, ended = Trouble(gateway, fakes, kind != "nobody killed", redis), threading.Event()
    assert gateway.key
    clients = [Client(gateway, number, ended) for number in range(CLIENTS)]
    end = time.monotonic() + SECONDS * SLOW
    while time.monotonic() < end:
        trouble.make()
    ended.set()
    for client in clients:
        client.thread.join(60 * SLOW)
        assert not client.thread.is_alive(), "seed %d: a client waits for ever" % SEED
    settle(gateway, ["last"] if redis else [])
    answered = [name for client in clients for name in client.answered]
    assert len(answered) > 20 and len(set(answered)) == len(answered)
    assert not [wrong for client in clients for wrong in client.wrong]
    check_records(gateway, server, answered)
