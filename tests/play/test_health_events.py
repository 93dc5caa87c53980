"""What changes of the accounts is told: in the log, by the admin API, in the metrics."""
import http.client
import re
import socket

import pytest

from harness import fake_openai
from harness.gateway import SLOW
from harness.wait import until

FAST = {"eject": "300ms", "eject_most": "600ms", "trial": "5s", "errors": 2, "breaks": 2}


def fails(_, connection):
    connection.send_json(fake_openai.error("no", "server_error"), 500, "No")


@pytest.fixture
def pair(room):
    return Pair(room)


class Pair:
    def __init__(self, room, **options):
        self.failing = False
        self.first, self.second = room.provider(self.act), room.provider()
        self.gateway = room.gateway(("first", self.first), ("second", self.second), **options, settings={
            "workers": 2, "health": FAST, "models": [
                {"name": "both", "strategy": "priority", "targets": [
                    {"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]}]})

    def act(self, request, connection):
        (fails if self.failing else fake_openai.answer)(request, connection)

    def ask(self):
        assert self.gateway.chat("both").status == 200

    def events(self, *options):
        answer = self.gateway.ctl_json("providers", "events", *options)
        assert answer["whole"] is True, answer
        return answer["events"]

    def steps(self, *options):
        return ["%(from)s>%(to)s %(cause)s" % event for event in self.events(*options)]

    def until_step(self, step, *options):
        until(lambda: step in self.steps(*options), 20 * SLOW, lambda: "%s: %r" % (step, self.steps()),
              every=0.1)

    def fall(self):
        """It goes down, and comes back with a request."""
        self.failing = True
        self.ask()
        self.ask()
        self.until_step("healthy>down requests")
        self.failing = False
        self.until_step("down>half_open time")
        self.ask()
        self.until_step("half_open>healthy requests")


def status(gateway, query):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(gateway.settings["admin"]["socket"])
    connection.request("GET", "/admin/v1/providers/events?" + query)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def counted(gateway, provider, state):
    found = re.search(r'^aigw_provider_state_changes_total\{provider="%s",to="%s"\} (\d+)$' % (provider, state),
                      gateway.metrics(), re.M)
    return int(found.group(1))


def test_an_account_that_falls_and_rises_is_told_in_order(pair):
    before = pair.gateway.log_text().count("a provider's health changed")
    assert (before, pair.events()) == (0, [])
    pair.fall()
    assert pair.steps() == ["healthy>down requests", "down>half_open time", "half_open>healthy requests"]
    down = pair.events()[0]
    assert (down["provider"], down["why"]) == ("first", "provider_error")
    assert down["host"] and down["until_ms"] > down["at_ms"]
    assert [counted(pair.gateway, "first", to) for to in ("down", "half_open", "healthy", "limited")] == [1, 1, 1, 0]
    assert counted(pair.gateway, "second", "down") == 0
    told = [line for line in pair.gateway.log_lines() if "a provider's health changed" in line.values()]
    assert [(line["provider"], line["to"]) for line in told] == [("first", "down"), ("first", "healthy")]


def test_hands_are_told_and_accounts_and_counts_are_chosen(pair):
    pair.gateway.ctl("providers", "drain", "second")
    pair.until_step("healthy>drained hand")
    pair.gateway.ctl("providers", "resume", "second")
    pair.until_step("drained>healthy hand")
    pair.fall()
    assert pair.steps("--provider", "second") == ["healthy>drained hand", "drained>healthy hand"]
    assert pair.steps("--limit", "1") == ["half_open>healthy requests"]
    assert pair.steps("--provider", "nobody") == []
    table = pair.gateway.ctl("providers", "events").stdout.splitlines()
    assert table[0].split() == ["TIME", "HOST", "NAME", "FROM", "TO", "CAUSE", "WHY", "UNTIL"]
    assert len(table) == 6
    for query in ("limit=0", "limit=1001", "limit=x", "provider=%zz", "other=1"):
        assert status(pair.gateway, query) == 400, query


def test_they_outlive_a_restart(pair):
    pair.fall()
    before = pair.events()
    pair.gateway.restart()
    assert pair.events() == before


def test_a_database_that_is_away_loses_none(room):
    server = room.postgres()
    pair = Pair(room, store=server.url)
    pair.fall()
    server.stop()
    pair.failing = True
    pair.ask()
    pair.ask()

    def remembered():
        answer = pair.gateway.ctl_json("providers", "events")
        return not answer["whole"] and answer["events"][-1]["to"] in ("down", "half_open")
    until(remembered, 20 * SLOW, "what is remembered without the store")
    server.start()
    until(lambda: pair.gateway.ctl_json("providers", "events")["whole"], 30 * SLOW, "the store again")
    steps = pair.steps()
    assert steps[:4] == ["healthy>down requests", "down>half_open time", "half_open>healthy requests",
                         "healthy>down requests"]
