"""A second attempt beside one that does not begin to answer: who wins, what it costs, when there is none."""
import json
import sqlite3
import time

import pytest

from harness import fake_openai, process
from harness.wait import until
from test_metrics import scrape, total

MODEL = "gpt-4o-mini"           # of the catalogue: $0.15 and $0.60 a million tokens
COST = 12 * 150 + 7 * 600       # nanodollars of the fake provider's usual answer
BOTH = [False, True]            # whole answers and streams


def answers_after(seconds):
    def handler(request, connection):
        if not connection.wait_ended(seconds):
            fake_openai.answer(request, connection)
    return handler


def stalls(_, connection):
    connection.wait_ended(10)


def begins(_, connection):
    """A stream that begins, says that it lives, and nothing more."""
    connection.open_stream()
    connection.event(fake_openai.chunk(MODEL, {"role": "assistant", "content": ""}))
    connection.wait_ended(10)


def fails_after(seconds, status=500):
    def handler(_, connection):
        if not connection.wait_ended(seconds):
            connection.send_json(fake_openai.error("no", "server_error"), status, "No")
    return handler


def says_error(_, connection):
    connection.open_stream()
    connection.event({"error": {"message": "overloaded", "type": "overloaded_error"}})
    connection.end_stream()


class House:
    def __init__(self, room, hedge=None, **settings):
        self.up, self.spare = room.provider(), room.provider()
        model = {"name": "fast", "strategy": "priority",
                 "targets": [{"provider": "up", "model": MODEL}, {"provider": "spare", "model": MODEL}],
                 "hedge": {"after": "100ms", "budget": 100, **(hedge or {})}}
        self.gateway = room.gateway(("up", self.up), ("spare", self.spare), settings={
            "workers": 1, "models": [model], **settings})
        assert self.gateway.chat("fast", max_tokens=10).status == 200      # connections stand, a hedge is earned
        assert self.gateway.chat("spare/" + MODEL, max_tokens=10).status == 200

    def on(self, up, spare=fake_openai.answer):
        self.up.on(MODEL, up)
        self.spare.on(MODEL, spare)

    def metric(self, name):
        samples, _ = scrape(self.gateway)
        return total(samples, "^aigw_%s($|{)" % name)

    def settled(self):
        """Nothing is under way at either account."""
        until(lambda: self.metric("provider_in_flight") == 0, 2, "no request under way")

    def record(self, fault=None):
        def newest():
            with sqlite3.connect("file:%s?mode=ro" % (self.gateway.folder / "aigw.db"), uri=True) as store:
                row = store.execute("select tries, cost_nano, fault, attempts, provider, reserved_nano from usage "
                                    "where asked_model = 'fast' order by started_ms desc, rowid desc").fetchone()
            return dict(zip(("tries", "cost", "fault", "attempts", "provider", "reserved"), row)) if row else None

        until(lambda: newest() and (newest()["fault"] or None) == fault and newest()["attempts"] > 1, 3, lambda: "the record, but %s" % newest())
        found = newest()
        found["tries"] = json.loads(found["tries"] or "[]")
        return found


def cancelled(provider):
    return until(lambda: provider.last().connection.ended, 1, "the end of the other")


@pytest.fixture
def both(room):
    return House(room)


@pytest.mark.parametrize("first", [stalls, begins])
@pytest.mark.parametrize("stream", BOTH)
def test_the_second_wins_and_the_first_is_cancelled(both, first, stream):
    both.on(first)
    began = time.monotonic()
    answer = both.gateway.chat("fast", stream=stream)
    assert answer.status == 200 and time.monotonic() - began < 1
    assert answer.header("x-aigw-attempts") == "2"
    assert answer.header("x-aigw-targets") == "up, spare"
    cancelled(both.up)
    assert (both.metric("hedges_total"), both.metric("hedges_won_total")) == (1, 1)
    both.settled()
    record = both.record()
    lost, = record["tries"]
    assert (record["provider"], lost["provider"], lost["fault"]) == ("spare", "up", "overtaken")
    assert lost["estimated"] and lost["input_tokens"] == 12 and lost["ms"] >= 99    # of its turn of the loop
    assert record["cost"] == COST + lost["cost_nano"]
    assert lost["cost_nano"] == lost["input_tokens"] * 150 + (0 if stream else 7 * 600)
    assert both.metric("hedge_cost_nanodollars_total") == lost["cost_nano"]


@pytest.mark.parametrize("stream", BOTH)
def test_the_first_wins_and_the_second_is_cancelled(both, stream):
    both.on(answers_after(0.3), stalls)
    answer = both.gateway.chat("fast", stream=stream)
    assert answer.status == 200
    cancelled(both.spare)
    assert (both.metric("hedges_total"), both.metric("hedges_won_total")) == (1, 0)
    both.settled()
    record = both.record()
    assert record["provider"] == "up" and record["tries"][0]["fault"] == "hedge_lost"


@pytest.mark.parametrize("second", [fails_after(0), fails_after(0, 429), fails_after(0, 400), says_error,
                                    lambda _, connection: connection.reset()])
@pytest.mark.parametrize("stream", BOTH)
def test_a_second_that_fails_leaves_it_to_the_first(both, second, stream):
    both.on(answers_after(0.3), second)
    answer = both.gateway.chat("fast", stream=stream)
    assert answer.status == 200, answer
    both.settled()
    record = both.record()
    assert record["provider"] == "up" and record["cost"] == COST
    assert len(record["tries"]) == 1 and record["tries"][0]["provider"] == "spare"


@pytest.mark.parametrize("first", [fails_after(0.2), lambda _, connection: (connection.wait_ended(0.2), connection.reset())])
@pytest.mark.parametrize("stream", BOTH)
def test_a_first_that_fails_leaves_it_to_the_second(both, first, stream):
    both.on(first, answers_after(0.3))
    answer = both.gateway.chat("fast", stream=stream)
    assert answer.status == 200, answer
    both.settled()
    assert both.record()["provider"] == "spare"


def test_when_both_fail_the_client_is_told_once(both):
    both.on(fails_after(0.2), fails_after(0.3, 429))
    answer = both.gateway.chat("fast", stream=True)
    assert answer.status == 429 and answer.header("x-aigw-attempts") == "2"
    both.settled()
    assert len(both.record("provider_rate_limited")["tries"]) >= 1


def test_who_answers_in_time_is_not_doubled(both):
    for _ in range(20):
        assert both.gateway.chat("fast", stream=True).status == 200
    assert (len(both.spare.requests), both.metric("hedges_total")) == (1, 0)


def test_the_budget_is_a_share_of_the_requests(room):
    house = House(room, {"budget": 20, "after": "20ms"})
    house.on(answers_after(0.06))
    for _ in range(29):
        assert house.gateway.chat("fast").status == 200
    assert house.metric("hedges_total") == 6
    assert house.metric("hedges_refused_total") == 23


@pytest.mark.parametrize("stream", BOTH)
def test_the_usual_time_is_learned(room, stream):
    house = House(room, {"after": "0"})
    house.on(answers_after(0.05))
    for _ in range(25):
        assert house.gateway.chat("fast", stream=stream).status == 200
    assert house.metric("hedges_total") <= 3
    house.on(stalls)
    before, began = house.metric("hedges_won_total"), time.monotonic()
    assert house.gateway.chat("fast", stream=stream).status == 200
    assert time.monotonic() - began < 0.5 and house.metric("hedges_won_total") == before + 1


def test_what_belongs_to_one_account_is_not_doubled(both):
    both.on(answers_after(0.3))
    assert both.gateway.chat("fast", headers={"x-aigw-session": "s"}).status == 200
    assert both.gateway.chat("fast", metadata={"signature": "x"}, store=True).status == 200
    assert len(both.spare.requests) == 1
    assert both.metric("hedges_refused_total") == 2


def test_one_account_only_when_it_may(room):
    for allowed in (False, True):
        up = room.provider()
        slow = [True]

        def handler(request, connection):
            now, slow[0] = slow[0], False
            (stalls if now else fake_openai.answer)(request, connection)

        model = {"name": "fast", "targets": [{"provider": "up", "model": MODEL}],
                 "hedge": {"after": "50ms", "budget": 100, "same_account": allowed}}
        gateway = room.gateway(("up", up), settings={"workers": 1, "models": [model],
                                                     "timeouts": {"drain": "10s", "head": "400ms"}})
        assert gateway.chat("fast").status == 200
        up.on(MODEL, handler)
        assert gateway.chat("fast").status == (200 if allowed else 504)


def test_a_client_that_leaves_ends_both(both):
    both.on(stalls, stalls)
    client = both.gateway.connect()
    body = {"model": "fast", "messages": [{"role": "user", "content": "hello"}]}
    client.request("POST", "/v1/chat/completions", both.gateway.headers(), json.dumps(body).encode())
    until(lambda: len(both.spare.requests) == 2, 2, "the second attempt")
    client.close()
    cancelled(both.up)
    cancelled(both.spare)
    both.settled()
    record = both.record("client_gone")
    assert record["cost"] >= record["tries"][0]["cost_nano"] * 2


@pytest.mark.parametrize("stream", BOTH)
def test_no_second_that_a_budget_has_no_room_for(room, stream):
    house = House(room, budgets=[{"scope": "key:*", "name": "b", "amount": "0.000030", "period": "day", "strict": True}])
    house.on(answers_after(0.3))
    assert house.gateway.chat("fast", stream=stream, max_tokens=10).status == 200
    assert len(house.spare.requests) == 1
    assert house.metric("hedges_refused_total") == 1


def test_a_worker_that_dies_in_a_race_leaves_one_record_for_both(room):
    house = House(room, budgets=[{"scope": "key:*", "name": "b", "amount": 10, "period": "day"}])
    house.on(begins, stalls)
    client = house.gateway.connect()
    body = {"model": "fast", "max_tokens": 100, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    client.request("POST", "/v1/chat/completions", house.gateway.headers(), json.dumps(body).encode())
    until(lambda: len(house.spare.requests) == 2, 2, "the second attempt")
    house.gateway.workers_may_change = True
    for worker in house.gateway.workers():
        process.kill(worker)
    client.close()
    house.gateway.wait_usage(3, settle=0.5)
    with sqlite3.connect("file:%s?mode=ro" % (house.gateway.folder / "aigw.db"), uri=True) as store:
        rows = store.execute("select fault, cost_nano from usage where asked_model = 'fast' "
                             "order by started_ms").fetchall()
    assert [fault or None for fault, _ in rows] == [None, "worker_died"]
    assert rows[1][1] >= 2 * 100 * 600
    until(lambda: len(house.gateway.workers()) == 1, 5, "a new worker")


def test_a_file_with_hedges_that_make_no_sense_is_refused(room):
    for bad in ({"percentile": 20}, {"budget": 0}, {"after": "1d"}, {"afer": "1s"}):
        model = {"name": "fast", "targets": [{"provider": "up", "model": MODEL}], "hedge": bad}
        gateway = room.gateway(("up", room.provider()), settings={"models": [model]}, start=False)
        with pytest.raises(AssertionError, match=r"models\[0\].hedge."):
            gateway.start()
