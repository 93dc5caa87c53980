"""Accounts that an operator takes out, and brings back."""
import threading

import pytest

from harness import fake_openai, process
from harness.gateway import SLOW
from harness.wait import until


@pytest.fixture
def pair(house):
    return Pair(house)


class Pair:
    def __init__(self, house):
        self.first, self.second = house.provider(), house.provider()
        self.gateway = house.gateway(("first", self.first), ("second", self.second), settings={
            "workers": 2, "models": [
                {"name": "both", "strategy": "priority",
                 "targets": [{"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]},
                {"name": "alone", "targets": [{"provider": "first", "model": "m"}]}]})

    def ask(self, times=6):
        """How many went to each, on connections of their own."""
        before = len(self.first.requests), len(self.second.requests)
        for _ in range(times):
            assert self.gateway.chat("both").status == 200
        return len(self.first.requests) - before[0], len(self.second.requests) - before[1]

    def state(self, name="first"):
        rows = self.gateway.ctl_json("providers", "health")["providers"]
        return {row["name"]: row["state"] for row in rows}[name]


def test_a_drained_account_gets_nothing_from_the_next_request_on(pair):
    assert pair.ask() == (6, 0)
    assert pair.gateway.ctl("providers", "drain", "first").stdout == "drained\n"
    assert pair.ask() == (0, 6)
    assert (pair.state(), pair.state("second")) == ("drained", "healthy")
    assert pair.gateway.ctl("providers", "drain", "first").stdout == "drained\n"
    assert pair.gateway.ctl("providers", "resume", "first").stdout == "resumed\n"
    assert pair.ask() == (6, 0)
    assert pair.state() == "healthy"
    pair.gateway.ctl("providers", "resume", "first")
    assert pair.ask() == (6, 0)


def test_a_drained_account_is_not_tried_for_want_of_another(pair):
    pair.gateway.ctl("providers", "drain", "first")
    before = len(pair.first.requests)
    assert pair.gateway.chat("alone").status == 503
    assert len(pair.first.requests) == before


def test_a_request_under_way_goes_on(pair):
    go, began, answers = threading.Event(), threading.Event(), []

    def slow(request, connection):
        began.set()
        assert go.wait(3 * SLOW)
        fake_openai.answer(request, connection)

    pair.first.on("m", slow)
    asking = threading.Thread(target=lambda: answers.append(pair.gateway.chat("both")))
    asking.start()
    assert began.wait(SLOW)
    pair.gateway.ctl("providers", "drain", "first")
    go.set()
    asking.join()
    assert answers[0].status == 200
    assert pair.ask(1) == (0, 1)


def test_it_outlives_a_reload_the_controller_and_a_restart(pair):
    pair.gateway.ctl("providers", "drain", "first")
    pair.gateway.reload()
    assert pair.ask(3) == (0, 3)
    before = pair.gateway.controller()
    process.kill(before)
    until(lambda: pair.gateway.pids("controller") not in ([], [before]), SLOW, "another controller")
    assert pair.ask(3) == (0, 3)
    pair.gateway.restart()
    assert pair.ask(3) == (0, 3)
    assert pair.state() == "drained"
    pair.gateway.ctl("providers", "resume", "first")
    assert pair.ask(3) == (3, 0)


def test_of_an_account_that_is_removed_nothing_is_left(pair):
    gateway = pair.gateway

    def add():
        gateway.ctl("providers", "add", "--name", "third", "--kind", "openai-compatible", "--base-url",
                    pair.first.base_url, "--api-key", "-", stdin="sk-third\n")

    add()
    gateway.ctl("providers", "drain", "third")
    assert pair.state("third") == "drained"
    gateway.ctl("providers", "remove", "third")
    add()
    assert pair.state("third") == "healthy"


def test_the_drain_of_an_account_that_left_the_settings_can_be_ended(pair):
    gateway = pair.gateway
    gateway.ctl("providers", "drain", "first")
    rows = gateway.settings["providers"], gateway.settings["models"]
    gateway.settings["providers"] = [row for row in rows[0] if row["name"] != "first"]
    gateway.settings["models"] = [{"name": "both", "targets": [{"provider": "second", "model": "m"}]}]
    gateway.reload()
    until(lambda: len(gateway.ctl_json("providers", "health")["providers"]) == len(rows[0]) - 1, 5 * SLOW, "it is gone")
    assert gateway.ctl("providers", "resume", "first").stdout == "resumed\n"
    assert gateway.ctl("providers", "resume", "first", code=None).returncode != 0, "nothing is left to resume"
    gateway.settings["providers"], gateway.settings["models"] = rows
    gateway.reload()
    until(lambda: len(gateway.ctl_json("providers", "health")["providers"]) == len(rows[0]), 5 * SLOW, "it is back")
    assert pair.state() == "healthy"


def test_an_account_that_is_not_there(pair):
    for verb in ("drain", "resume"):
        answer = pair.gateway.ctl("providers", verb, "nobody", code=None)
        assert answer.returncode != 0 and "provider" in answer.stderr


def test_what_is_known_stays_with_its_name_when_the_controller_dies_after_a_reload(house):
    """The accounts move up by one place in the settings; the third is down, then a fourth comes."""
    providers = [house.provider() for _ in range(4)]
    providers[2].on("m", lambda _, connection: connection.send_json(
        fake_openai.error("no", "server_error"), 500, "No"))
    gateway = house.gateway(*[("p%d" % i, provider) for i, provider in enumerate(providers)], settings={
        "workers": 1, "health": {"errors": 2, "eject": "600s", "eject_most": "600s"},
        "models": [{"name": "bad", "targets": [{"provider": "p2", "model": "m"}]}]})

    def states():
        return {row["name"]: (row["state"], row["requests"])
                for row in gateway.ctl_json("providers", "health")["providers"]}

    def new_controller():
        before = gateway.controller()
        process.kill(before)
        until(lambda: gateway.pids("controller") not in ([], [before]), 5 * SLOW, "another controller")
        until(lambda: gateway.ctl("status", code=None).returncode == 0, 10 * SLOW, "its admin API", 0.1)

    for _ in range(3):
        gateway.chat("bad")
    before = states()
    assert before["p2"][0] == "down"
    gone = gateway.settings["providers"].pop(1)  # after the mock
    gateway.reload()
    until(lambda: gone["name"] not in states(), 5 * SLOW, "the account gone")
    new_controller()
    assert states() == {name: state for name, state in before.items() if name != gone["name"]}
    gateway.settings["providers"].append({**gone, "name": "new"})
    gateway.reload()
    until(lambda: "new" in states(), 5 * SLOW, "the new account")
    new_controller()
    assert states()["p2"] == before["p2"]
    assert states()["new"] == ("healthy", 0)
