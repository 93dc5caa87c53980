"""Accounts that fail are left out, in every worker at once, and come back."""
import os
import signal
import threading
import time

import pytest

from harness import fake_openai
from harness.client import RawClient
from harness.wait import until

FAST = {"eject": "400ms", "eject_most": "3s", "trial": "5s", "errors": 3, "breaks": 3}


class Mood:
    """A handler that does what it is told to, for all requests of a provider."""

    def __init__(self, provider, model="m"):
        self.act = fake_openai.answer
        provider.on(model, self)

    def __call__(self, request, connection):
        self.act(request, connection)


def says(status, *headers):
    def handler(_, connection):
        connection.send_json(fake_openai.error("no", "server_error"), status, "No", headers)
    return handler


def resets(_, connection):
    connection.reset()


def garbage(_, connection):
    connection.send(b"GARBAGE\r\n\r\n")
    connection.close()


def cuts(_, connection):
    connection.open_stream()
    connection.event(fake_openai.chunk("m", {"content": "one"}))
    connection.close()


class Pair:
    """Two accounts of one model, `first` before `second`; two workers."""

    def __init__(self, house, health=None, workers=2, **more):
        self.first, self.second = house.provider(), house.provider()
        self.moods = Mood(self.first), Mood(self.second)
        self.gateway = house.gateway(("first", self.first), ("second", self.second), settings={
            "workers": workers, "health": {**FAST, **(health or {})},
            "models": [{"name": "both", "strategy": "priority",
                        "targets": [{"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]},
                       {"name": "alone", "targets": [{"provider": "first", "model": "m"}]}], **more})

    def counts(self):
        return len(self.first.requests), len(self.second.requests)

    def ask(self, times=1, model="both", stream=False):
        """On connections of their own, so that all workers get some; how many went to each."""
        before = self.counts()
        for _ in range(times):
            answer = self.gateway.chat(model, stream=stream)
            assert answer.status == 200, answer
        return tuple(now - then for now, then in zip(self.counts(), before))


@pytest.mark.parametrize("act", [says(500), says(503), says(529), resets, garbage],
                         ids=["500", "503", "529", "reset", "garbage"])
def test_what_fails_so_often_is_left_out_and_comes_back(house, act):
    pair = Pair(house)
    pair.moods[0].act = act
    assert pair.ask(12) == (3, 12)
    pair.moods[0].act = fake_openai.answer
    time.sleep(0.45)
    assert pair.ask(6) == (6, 0)


def test_a_stream_that_is_cut_counts(house):
    pair = Pair(house)
    pair.moods[0].act = cuts
    for _ in range(3):
        pair.gateway.chat("both", stream=True)
    pair.moods[0].act = fake_openai.answer
    assert pair.ask(3, stream=True) == (0, 3)


def test_a_refused_request_says_nothing_against_the_account(house):
    pair = Pair(house)
    pair.moods[0].act = says(400)
    for _ in range(8):
        assert pair.gateway.chat("both").status == 400
    pair.moods[0].act = fake_openai.answer
    assert pair.ask(2) == (2, 0)


@pytest.mark.parametrize("status", [401, 402])
def test_a_refused_credential_is_not_tried_by_the_next_request(house, status):
    pair = Pair(house)
    pair.moods[0].act = says(status)
    assert pair.ask(5) == (1, 5)


def test_the_operator_sees_what_is_known(house):
    pair = Pair(house, {"eject": "3s"})

    def row():
        return {row["name"]: row for row in pair.gateway.ctl_json("providers", "health")["providers"]}["first"]

    pair.ask(2)
    assert (row()["state"], row()["failures"], row()["ejections"]) == ("healthy", 0, 0)
    pair.moods[0].act = says(500)
    pair.ask(3)
    now = row()
    assert (now["state"], now["failures"], now["failures_in_row"], now["ejections"]) == ("down", 3, 3, 1)
    assert 0 < now["wait_ms"] <= 3000
    assert "first" in pair.gateway.ctl("providers", "health").stdout
    with RawClient(pair.gateway.admin_port) as client:
        client.request("GET", "/metrics")
        text = client.read_response("GET").body.decode()
    assert 'aigw_provider_state{provider="first"} 4' in text
    assert 'aigw_provider_ejections_total{provider="first"} 1' in text


def test_a_403_is_about_the_request(house):
    pair = Pair(house)
    pair.moods[0].act = says(403)
    assert pair.ask(5) == (5, 5)


def test_ejections_grow_while_trials_fail(house):
    pair = Pair(house)
    pair.moods[0].act = says(500)
    pair.ask(3)
    gaps, last = [], time.monotonic()
    while len(gaps) < 3:
        seen = len(pair.first.requests)
        pair.ask()
        if len(pair.first.requests) > seen:
            gaps.append(time.monotonic() - last)
            last = time.monotonic()
    assert gaps[0] >= 0.39 and gaps[1] >= 0.79 and gaps[2] >= 1.59, gaps


def test_half_open_has_one_trial_at_a_time(house):
    pair = Pair(house)
    pair.moods[0].act = says(500)
    pair.ask(3)
    release = threading.Event()

    def waits(request, connection):
        release.wait(10)
        fake_openai.answer(request, connection)

    pair.moods[0].act = waits
    time.sleep(0.45)
    before = len(pair.first.requests)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(pair.gateway.chat("both").status)) for _ in range(12)]
    for thread in threads:
        thread.start()
    until(lambda: len(answers) == 11, what="all but the trial are answered by the other account")
    assert len(pair.first.requests) == before + 1
    release.set()
    for thread in threads:
        thread.join()
    assert answers == [200] * 12
    assert pair.ask(4) == (4, 0)


@pytest.mark.parametrize("header", [("retry-after", "2"), ("retry-after-ms", "2000"),
                                    ("x-ratelimit-remaining-tokens", "0")])
def test_a_rate_limited_account_leaves_until_its_reset(house, header):
    pair = Pair(house)
    pair.moods[0].act = says(429, header, ("x-ratelimit-reset-tokens", "2s"))
    start = time.monotonic()
    assert pair.ask(5) == (1, 5)
    pair.moods[0].act = fake_openai.answer
    time.sleep(max(0.0, start + 1.5 - time.monotonic()))
    assert pair.ask(2) == (0, 2)
    time.sleep(max(0.0, start + 2.2 - time.monotonic()))
    assert pair.ask(2) == (2, 0)


def test_an_account_that_says_that_nothing_is_left_is_not_asked(house):
    pair = Pair(house)

    def last_one(request, connection):
        connection.send_json(fake_openai.chat_answer(request.json()), 200, "OK",
                             [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1s")])

    pair.moods[0].act = last_one
    start = time.monotonic()
    assert pair.ask(4) == (1, 3)
    time.sleep(max(0.0, start + 1.2 - time.monotonic()))
    assert pair.ask(1) == (1, 0)


def test_when_all_are_out_the_soonest_to_recover_is_tried(house):
    pair = Pair(house, {"eject": "3s"})
    pair.moods[0].act = pair.moods[1].act = says(500)
    for _ in range(6):
        assert pair.gateway.chat("both").status >= 500
    pair.moods[0].act = pair.moods[1].act = fake_openai.answer
    assert sum(pair.ask(1)) == 1


def test_a_lone_account_is_never_out_and_is_asked_once_by_each_request(house):
    pair = Pair(house)
    pair.moods[0].act = says(500)
    for _ in range(20):
        assert pair.gateway.chat("alone").status >= 500
    assert len(pair.first.requests) == 20
    pair.moods[0].act = fake_openai.answer
    assert pair.ask(3, model="alone") == (3, 0)


def test_state_outlives_reload_and_workers(house):
    pair = Pair(house, {"eject": "3s"})
    pair.moods[0].act = says(500)
    pair.ask(3)
    pair.moods[0].act = fake_openai.answer
    pair.gateway.reload()
    assert pair.ask(4) == (0, 4)
    old = set(pair.gateway.workers())
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    until(lambda: len(pair.gateway.workers()) == 2 and not old & set(pair.gateway.workers()), what="new workers")
    until(pair.gateway.ready, what="readiness")
    pair.gateway.first_workers = None
    assert pair.ask(4) == (0, 4)


def test_every_worker_knows_at_once(house):
    """The last failure and the next request are some milliseconds apart; both workers serve."""
    pair = Pair(house, {"eject": "2s", "eject_most": "2s"})
    clients = [pair.gateway.connect() for _ in range(12)]
    for client in clients:
        assert pair.gateway.chat("both", client=client).status == 200
    pair.moods[0].act = says(500)
    pair.ask(3)
    failed = time.monotonic()
    before = pair.counts()
    spent = []
    for client in clients:
        assert pair.gateway.chat("both", client=client).status == 200
        spent.append(time.monotonic() - failed)
    assert pair.counts() == (before[0], before[1] + 12)
    print("first answer %.1f ms, all twelve %.1f ms after the ejection" % (spent[0] * 1e3, spent[-1] * 1e3))


def test_who_is_not_watched_is_never_left_out(house):
    pair = Pair(house, {"watch": False})
    pair.moods[0].act = says(500)
    assert pair.ask(8) == (8, 8)
    pair.moods[0].act = says(429, ("retry-after", "9"))
    assert pair.ask(4) == (4, 4)


def test_bounds_of_one_account(house):
    first, second = house.provider(), house.provider()
    Mood(first).act = says(500)
    gateway = house.gateway(
        ("first", first, {"health": {"errors": 2, "eject": "5s", "eject_most": "5s"}}), ("second", second),
        settings={"workers": 1, "models": [{"name": "both", "strategy": "priority", "targets": [
            {"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]}]})
    for _ in range(6):
        assert gateway.chat("both").status == 200
    assert len(first.requests) == 2


def test_a_bad_bound_is_refused_with_its_place(house):
    pair = Pair(house)
    pair.gateway.merge({"health": {"eject": "20s", "eject_most": "10s"}})
    pair.gateway.write()
    done = pair.gateway.ctl("config", "check", code=1)
    assert "health.eject: longer than health.eject_most" in done.stdout + done.stderr
