"""Accounts that are out are asked by the gateway itself how they are."""
import pytest

from harness import fake_openai
from harness.gateway import SLOW
from harness.wait import until

HEALTH = {"errors": 2, "breaks": 2, "eject": "1h", "eject_most": "1h"}
OFTEN = {"when": "down", "interval": "200ms"}


def resets(_, connection):
    connection.reset()


def fails(_, connection):
    connection.send_json(fake_openai.error("no", "server_error"), 500, "No")


def refuses(_, connection):
    connection.send_json(fake_openai.error("bad key", "invalid_request_error"), 401, "Unauthorized")


class Scene:
    """Two accounts; the first does as its parts are told: `act` for requests, `listing` for questions."""

    def __init__(self, room, probe, own=None, kind="openai", first=None, **options):
        self.act = self.listing = fake_openai.answer
        self.first, self.second = first or room.provider(self.answer), room.provider()
        more = {"kind": kind, **({"health": {"probe": own}} if own else {})}
        self.gateway = room.gateway(("first", self.first, more), ("second", self.second), **options, settings={
            "workers": 1, "health": {**HEALTH, "probe": probe}, "models": [
                {"name": "both", "strategy": "priority", "targets": [
                    {"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]}]})

    def answer(self, request, connection):
        (self.listing if request.method == "GET" else self.act)(request, connection)

    def asked(self, method):
        return [request for request in self.first.requests if request.method == method]

    def state(self):
        rows = self.gateway.ctl_json("providers", "health")["providers"]
        return next(row["state"] for row in rows if row["name"] == "first")

    def until_state(self, *states):
        until(lambda: self.state() in states, 30 * SLOW, lambda: "%r, is %s" % (states, self.state()), every=0.1)

    def until_asked(self, more):
        number = len(self.asked("GET")) + more
        until(lambda: len(self.asked("GET")) >= number, 30 * SLOW, "%d questions" % number)

    def fall(self, act, listing=None):
        self.act, self.listing = act, listing or act
        for _ in range(2):
            assert self.gateway.chat("both").status == 200
        self.until_state("down", "drained")

    def steps(self):
        return ["%(from)s>%(to)s %(cause)s" % event for event in self.gateway.ctl_json("providers", "events")["events"]]


def test_one_that_gave_no_answer_is_brought_back_without_a_request(room):
    scene = Scene(room, OFTEN)
    scene.fall(resets)
    scene.until_asked(2)
    assert scene.state() == "down"
    requests = len(scene.asked("POST"))
    scene.act = scene.listing = fake_openai.answer
    scene.until_state("healthy")
    assert len(scene.asked("POST")) == requests
    until(lambda: scene.steps() == ["healthy>down requests", "down>healthy probe"], 20 * SLOW,
          lambda: "the steps: %r" % scene.steps(), every=0.1)
    question = scene.asked("GET")[-1]
    assert (question.target, question.body) == ("/v1/models", b"")
    assert question.header("authorization") == "Bearer sk-provider-canary-first"
    assert scene.gateway.chat("both").status == 200
    assert len(scene.asked("POST")) == requests + 1


def test_one_that_told_errors_has_its_trial_at_once(room):
    scene = Scene(room, OFTEN)
    scene.fall(fails, fake_openai.answer)
    scene.until_state("half_open")
    scene.act = fake_openai.answer
    assert scene.gateway.chat("both").status == 200
    scene.until_state("healthy")
    until(lambda: scene.steps() == ["healthy>down requests", "down>half_open probe", "half_open>healthy requests"],
          20 * SLOW, lambda: "the steps: %r" % scene.steps(), every=0.1)


def test_a_refused_credential_waits_until_it_is_accepted(room):
    scene = Scene(room, OFTEN)
    scene.fall(refuses)
    scene.until_asked(2)
    assert scene.state() == "down"
    scene.listing = fake_openai.answer
    scene.until_state("half_open")


def test_who_did_well_is_asked_with_always_and_found_dead(room):
    scene = Scene(room, {"when": "never"}, {"when": "always", "interval": "200ms", "path": "/alive"})
    scene.until_asked(2)
    assert scene.asked("GET")[-1].target == "/alive"
    assert scene.state() == "healthy"
    scene.listing = resets
    scene.until_state("down")
    assert scene.asked("POST") == []
    scene.listing = fake_openai.answer      # which has no such path: 404 is an answer
    scene.until_state("healthy")
    assert scene.steps() == ["healthy>down probe", "down>healthy probe"]


def test_one_that_is_drained_or_never_asked_is_left_alone(room):
    scene = Scene(room, OFTEN)
    scene.gateway.ctl("providers", "drain", "second")
    scene.gateway.ctl("providers", "drain", "first")
    scene.gateway.ctl("providers", "resume", "second")
    quiet = Scene(room, {"when": "never"})
    quiet.fall(resets)
    eager = Scene(room, {"when": "always", "interval": "100ms"})
    eager.until_asked(10)       # as long as that
    assert (scene.asked("GET"), quiet.asked("GET")) == ([], [])


@pytest.mark.parametrize("kind, field", [("anthropic", "x-api-key"), ("gemini", "x-goog-api-key")])
def test_each_kind_is_asked_in_its_way(room, kind, field):
    scene = Scene(room, {"when": "always", "interval": "100ms"}, kind=kind)
    scene.until_asked(1)
    question = scene.asked("GET")[0]
    assert (question.target, question.header(field)) == ("/v1/models", "sk-provider-canary-first")


def test_of_two_hosts_with_one_database_one_asks(room):
    server = room.postgres()
    one = Scene(room, OFTEN, store=server.url)
    other = Scene(room, OFTEN, first=one.first, store=server.url)
    one.fall(resets)
    other.fall(resets)
    one.until_asked(5)
    assert (one.state(), other.state()) == ("down", "down")
    one.act = one.listing = fake_openai.answer
    one.until_state("healthy")
    other.until_state("healthy")

    def told():
        return int(server.query("select number from provider_probes where provider = 'first'"))
    until(lambda: told() == len(one.asked("GET")), 20 * SLOW,
          lambda: "each question is of the lease: %d told, %d asked" % (told(), len(one.asked("GET"))))
    until(lambda: one.steps().count("down>healthy probe") == 2, 20 * SLOW, lambda: "the steps: %r" % one.steps(),
          every=0.1)
