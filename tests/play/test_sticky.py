"""What a provider keeps stays with the account, and the credential, that made it."""
import itertools
import json
import threading

import pytest

from harness import fake_responses, process
from harness.wait import until

MODEL = "pair"


class Account:
    """Keeps its own responses and conversations, by key; refuses those of others as a provider does."""

    def __init__(self, name):
        self.name, self.kept, self.seen, self.lock = name, {}, [], threading.Lock()
        self.numbers, self.fault = itertools.count(), None

    def refuse(self, connection, status, code):
        connection.send_json({"error": {"message": "%s says no" % self.name, "type": "invalid_request_error",
                                        "param": None, "code": code}}, status, "No")

    def __call__(self, request, connection):
        body = request.json()
        key = (request.header("authorization") or "").replace("Bearer ", "")
        asked = body.get("previous_response_id") or body.get("conversation")
        with self.lock:
            name = "resp_%s%d" % (self.name, next(self.numbers))
            self.seen.append((asked, key))
            if self.fault:
                return self.refuse(connection, self.fault, "fault")
            if asked and asked.startswith("resp_") and self.kept.get(asked) != key:
                return self.refuse(connection, 400, "previous_response_not_found")
            if body.get("store", True):
                self.kept[name] = key
        value = {**fake_responses.response(body, [], usage=fake_responses.USAGE), "id": name}
        if not body.get("stream"):
            return connection.send_json(value)
        connection.open_stream()
        sender = fake_responses.Sender(connection)
        sender.send("response.created", {"response": {**value, "status": "in_progress"}})
        sender.send("response.completed", {"response": value})
        return connection.end_stream()


@pytest.fixture
def accounts():
    return [Account("east"), Account("west")]


def place(room, accounts, keys=("sk-canary0",), **more):
    gateway = room.unstarted(settings={
        "workers": 2,
        "providers": [{"name": one.name, "kind": "openai", "base_url": room.provider(one).base_url,
                       "models": ["m"], "api_keys": list(keys)} for one in accounts],
        "models": [{"name": MODEL, "strategy": "round_robin",
                    "targets": [{"provider": one.name, "model": "m"} for one in accounts]}], **more})
    gateway.write()
    gateway.start()
    return gateway


def ask(gateway, stream=False, **members):
    """Status and id (or error code); each request has its own connection, so any worker takes it."""
    answer = gateway.post("/v1/responses", {"model": MODEL, "input": "hello", "stream": stream, **members})
    if answer.status != 200:
        return answer.status, answer.json()["error"]["code"]
    if not stream:
        return 200, answer.json()["id"]
    first = next(line for line in answer.body.decode().splitlines() if line.startswith("data: "))
    return 200, json.loads(first[6:])["response"]["id"]


def home_of(accounts, name):
    return next(one for one in accounts if name in one.kept)


@pytest.mark.parametrize("stream", [False, True])
def test_each_turn_reaches_the_account_of_the_first(room, accounts, stream):
    gateway = place(room, accounts, keys=("sk-canary0", "sk-canary1", "sk-canary2"))
    firsts = []
    for _ in range(20):
        status, name = ask(gateway, stream)
        assert status == 200
        firsts.append(name)
        for _ in range(2):
            status, name = ask(gateway, stream, previous_response_id=name)
            assert status == 200
    assert len({home_of(accounts, name).name for name in firsts}) == 2
    assert sum(len(one.seen) for one in accounts) == 60      # nobody was asked in vain


def test_an_account_that_fails_is_the_only_one_asked(room, accounts):
    gateway = place(room, accounts)
    _, name = ask(gateway)
    home = home_of(accounts, name)
    other = next(one for one in accounts if one is not home)
    before = len(other.seen)
    home.fault = 500
    for _ in range(6):
        status, _ = ask(gateway, previous_response_id=name)
        assert status >= 500
    assert len(other.seen) == before
    home.fault = None
    until(lambda: ask(gateway, previous_response_id=name)[0] == 200, 20)
    assert len(other.seen) == before


def test_an_account_that_was_removed_is_told(room, accounts):
    gateway = place(room, accounts)
    _, name = ask(gateway)
    home = home_of(accounts, name)
    other = next(one for one in accounts if one is not home)
    rows = gateway.settings
    rows["providers"] = [row for row in rows["providers"] if row["name"] != home.name]
    rows["models"][0]["targets"] = [{"provider": other.name, "model": "m"}]
    gateway.write()
    gateway.reload()
    before = len(other.seen)
    assert ask(gateway, previous_response_id=name) == (503, "no_target")
    assert len(other.seen) == before
    assert ask(gateway)[0] == 200


def test_a_conversation_stays(room, accounts):
    gateway = place(room, accounts)
    for number in range(8):
        for _ in range(4):
            assert ask(gateway, conversation="conv_%d" % number)[0] == 200
    for number in range(8):
        seen = [one.name for one in accounts for asked, _ in one.seen if asked == "conv_%d" % number]
        assert len(seen) == 4 and len(set(seen)) == 1


def test_what_is_not_stored_is_not_noted(room, accounts):
    gateway = place(room, accounts)
    names = [ask(gateway, store=False)[1] for _ in range(2)]
    for name in names:
        for _ in range(4):
            ask(gateway, previous_response_id=name)
    assert all({asked for asked, _ in one.seen} >= set(names) for one in accounts)


def test_a_reload_and_the_death_of_workers_leave_it(room, accounts):
    gateway = place(room, accounts)
    names = [ask(gateway)[1] for _ in range(6)]
    gateway.workers_may_change = True
    gateway.reload()
    before = set(gateway.workers())
    for pid in before:
        process.kill(pid)
    until(lambda: len(set(gateway.workers()) - before) == 2, 10)
    for name in names:
        assert ask(gateway, previous_response_id=name)[0] == 200
