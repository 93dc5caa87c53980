"""The cache where providers are in trouble: what is kept is one whole answer of who served it, or nothing."""
import threading

import pytest

from harness import fake_openai
from harness.gateway import SLOW
from harness.wait import until
from test_cache import Counting, RULES, ask, state

MODEL = "gpt-4o-mini"
FORMS = [False, True]           # whole answers and streams


class Sayer:
    """A provider that answers with its name, or does what it is told to."""

    def __init__(self, room, name):
        self.name, self.act = name, None
        self.provider = room.provider(self)
        self.hold = threading.Event()

    def __call__(self, request, connection):
        if self.act:
            return self.act(request, connection)
        return self.say(request, connection)

    def say(self, request, connection):
        body = request.json()
        if not body.get("stream"):
            return connection.send_json({**fake_openai.chat_answer(body), "id": self.name})
        connection.open_stream()
        for chunk in fake_openai.chat_chunks(body):
            connection.event({**chunk, "id": self.name})
        connection.event("[DONE]")
        return connection.end_stream()

    def asked(self):
        return len(self.provider.requests)

    # what it may be told

    def stalls(self, _, connection):
        connection.wait_ended(20)

    def begins_and_stalls(self, request, connection):
        if not request.json().get("stream"):
            return self.stalls(request, connection)
        connection.open_stream()
        connection.event(fake_openai.chunk(self.name, {"role": "assistant", "content": ""}))
        return connection.wait_ended(20)

    def late(self, request, connection):
        if not connection.wait_ended(0.4):
            self.say(request, connection)

    def cut_before(self, _, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk(self.name, {"role": "assistant", "content": ""}))
        connection.close()

    def cut_after(self, _, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk(self.name, {"role": "assistant", "content": "Half"}))
        self.hold.wait(20)
        connection.close()

    def no(self, _, connection):
        connection.send_json(fake_openai.error("no", "server_error"), 500)


class House:
    def __init__(self, room, cache=None, model=None, workers=2, fallbacks=False):
        self.up, self.spare = Sayer(room, "up"), Sayer(room, "spare")
        targets = [{"provider": one.name, "model": MODEL} for one in (self.up, self.spare)]
        asked = {"name": "fast", "strategy": "priority", "targets": targets[:1] if fallbacks else targets,
                 **({"fallbacks": ["other"]} if fallbacks else {}), **(model or {})}
        self.gateway = room.gateway(("up", self.up.provider), ("spare", self.spare.provider), settings={
            "workers": workers, "cache": {**RULES, **(cache or {})}, "health": {"watch": False},
            "attempts": {"budget": 100, "precommit": "10s"},
            "models": [asked, {"name": "other", "targets": targets[1:]}]})

    def ask(self, **more):
        return ask(self.gateway, model="fast", **more)

    def stored(self):
        return self.gateway.ctl_json("cache", "status")["stored"]

    def settled(self):
        """Nothing is under way at a provider any more: what could be kept is."""
        def under_way():
            return any("aigw_provider_in_flight" in line and not line.endswith(" 0")
                       for line in self.gateway.metrics().splitlines() if not line.startswith("#"))
        until(lambda: not under_way(), 5 * SLOW, "nothing under way")


def said_by(answer, name):
    assert b'"%s"' % name.encode() in answer.body, answer.body
    other = b'"id":"%s"' % (b"up" if name == "spare" else b"spare")
    assert other not in answer.body.replace(b'": "', b'":"'), answer.body


# ---- a second attempt beside a slow one ---------------------------------------------------------

HEDGE = {"hedge": {"after": "100ms", "budget": 100}}


def earned(house):
    """A first answer of each, so that a second attempt is earned and connections stand."""
    assert state(ask(house.gateway, "first", model="fast")) == "miss"
    return house.stored()


@pytest.mark.parametrize("stream", FORMS)
@pytest.mark.parametrize("first", ["stalls", "begins_and_stalls"])
def test_the_second_that_wins_is_kept_and_once(room, stream, first):
    house = House(room, model=HEDGE, workers=1)
    before = earned(house)
    house.up.act = getattr(house.up, first)
    won = house.ask(stream=stream)
    assert state(won) == "miss" and won.header("x-aigw-targets") == "up, spare"
    said_by(won, "spare")
    house.settled()
    asked = house.up.asked(), house.spare.asked()
    again = house.ask(stream=stream)
    assert state(again) == "hit" and again.body == won.body
    assert house.stored() == before + 1
    assert (house.up.asked(), house.spare.asked()) == asked


@pytest.mark.parametrize("stream", FORMS)
def test_the_first_that_wins_is_kept_and_nothing_of_the_second(room, stream):
    house = House(room, model=HEDGE, workers=1)
    before = earned(house)
    house.up.act, house.spare.act = house.up.late, house.spare.begins_and_stalls
    won = house.ask(stream=stream)
    assert state(won) == "miss" and won.header("x-aigw-attempts") == "2"
    said_by(won, "up")
    house.settled()
    again = house.ask(stream=stream)
    assert state(again) == "hit" and again.body == won.body
    assert house.stored() == before + 1


# ---- failover -----------------------------------------------------------------------------------


@pytest.mark.parametrize("stream, trouble", [(False, "no"), (True, "no"), (True, "cut_before")])
def test_what_the_next_target_answered_is_kept_alone(room, stream, trouble):
    house = House(room)
    house.up.act = getattr(house.up, trouble)
    first = house.ask(stream=stream)
    assert state(first) == "miss" and first.header("x-aigw-attempts") == "2"
    said_by(first, "spare")
    again = house.ask(stream=stream)
    assert state(again) == "hit" and again.body == first.body
    assert (house.up.asked(), house.spare.asked(), house.stored()) == (1, 1, 1)


def test_a_stream_that_was_cut_is_not_kept_and_the_next_whole_one_is(room):
    house = House(room)
    house.up.act = house.up.cut_after
    house.up.hold.set()
    cut = house.ask(stream=True)
    assert cut.status == 200 and b"[DONE]" not in cut.body and b"Half" in cut.body
    assert house.stored() == 0
    house.up.act = None
    whole = house.ask(stream=True)
    assert state(whole) == "miss" and b"Half" not in whole.body
    assert state(house.ask(stream=True)) == "hit" and house.stored() == 1


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("stream, trouble", [(False, "no"), (True, "no"), (True, "cut_before")])
def test_a_fallbacks_answer_is_kept_only_where_it_is_said(room, kept, stream, trouble):
    house = House(room, fallbacks=True, model={"cache": {**RULES, "fallbacks": kept}})
    house.up.act = getattr(house.up, trouble)
    answers = [house.ask(stream=stream) for _ in range(3)]
    for answer in answers:
        said_by(answer, "spare")
    assert [state(answer) for answer in answers] == ["miss"] + ["hit" if kept else "miss"] * 2
    assert house.stored() == kept


# ---- equal requests at one time -----------------------------------------------------------------


def together(house, count):
    answers = []
    assert house.gateway.key
    threads = [threading.Thread(target=lambda: answers.append(house.ask(stream=True))) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, answers


def waiting(house, count):
    until(lambda: house.gateway.ctl_json("cache", "status")["shared"] == count, 20 * SLOW, "%d wait" % count, 0.05)


@pytest.mark.parametrize("workers", [1, 3])
def test_when_the_leaders_stream_is_cut_the_next_one_leads(room, workers):
    """Who waited sees nothing of the half that the leader got."""
    house = House(room, {"single_flight": True}, workers=workers)
    count, lock = Counting(), threading.Lock()

    def first_is_cut(request, connection):
        with lock:
            count.count += 1
            number = count.count
        (house.up.cut_after if number == 1 else house.up.say)(request, connection)

    house.up.act = first_is_cut
    threads, answers = together(house, 8)
    waiting(house, 7)
    house.up.hold.set()
    for thread in threads:
        thread.join()
    cut = [answer for answer in answers if b"Half" in answer.body]
    assert len(cut) == 1 and b"[DONE]" not in cut[0].body
    whole = [answer for answer in answers if answer not in cut]
    assert sorted(state(answer) for answer in whole) == ["hit"] * 6 + ["miss"]
    assert len({answer.body for answer in whole}) == 1 and whole[0].events()[-1] == "[DONE]"
    assert (house.up.asked(), house.spare.asked(), house.stored()) == (2, 0, 1)


def test_a_leader_that_goes_to_the_next_target_leads_on(room):
    house = House(room, {"single_flight": True}, workers=3)
    gate = threading.Event()

    def held_then_cut(request, connection):
        gate.wait(20)
        house.up.cut_before(request, connection)

    house.up.act = held_then_cut
    threads, answers = together(house, 8)
    waiting(house, 7)
    gate.set()
    for thread in threads:
        thread.join()
    assert sorted(state(answer) for answer in answers) == ["hit"] * 7 + ["miss"]
    assert len({answer.body for answer in answers}) == 1
    said_by(answers[0], "spare")
    assert (house.up.asked(), house.spare.asked(), house.stored()) == (1, 1, 1)
