"""Streams are held until they say something: who breaks before is followed by another unseen, who does not loses no time."""
import statistics
import time

import pytest

from harness import fake_openai
from test_metrics import scrape, total

MODEL = "gpt-4o-mini"


def role(connection):
    connection.open_stream()
    connection.event(fake_openai.chunk(MODEL, {"role": "assistant", "content": ""}))


def cuts(_, connection):
    role(connection)
    connection.close()


def resets(_, connection):
    role(connection)
    time.sleep(0.02)
    connection.reset()


def ends(_, connection):
    role(connection)
    connection.end_stream()


def says_error(_, connection):
    role(connection)
    connection.event({"error": {"message": "overloaded", "type": "overloaded_error"}})
    connection.end_stream()


def says_nothing(_, connection):
    connection.open_stream()
    connection.close()


def comments(_, connection):
    connection.open_stream()
    connection.chunk(": keep-alive\n\n")
    connection.close()


BREAKS = [cuts, resets, ends, says_error, says_nothing, comments]


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def spare(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider, spare):
    both = [{"provider": "up", "model": MODEL}, {"provider": "spare", "model": MODEL}]
    return house.gateway(("up", provider, {"health": {"watch": False}}), ("spare", spare), settings={
        "workers": 1, "attempts": {"budget": 100, "precommit": "500ms"},
        "models": [{"name": "two", "strategy": "priority", "targets": both},
                   {"name": "one", "targets": both[:1]}]})


def streamed(answer):
    assert answer.status == 200, answer
    assert answer.events()[-1] == "[DONE]"
    assert sum(bool(value["choices"][0]["delta"].get("role")) for value in answer.objects() if value["choices"]) == 1


@pytest.mark.parametrize("breaks", BREAKS)
def test_a_stream_that_breaks_before_it_says_anything_is_not_seen(gateway, provider, breaks):
    provider.on(MODEL, breaks)
    streamed(gateway.chat("two", stream=True))


@pytest.mark.parametrize("breaks", BREAKS)
def test_the_same_to_a_client_of_another_dialect(gateway, provider, breaks):
    provider.on(MODEL, breaks)
    body = {"model": "two", "max_tokens": 50, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    answer = gateway.post("/v1/messages", body)
    assert answer.status == 200, answer
    assert b"message_stop" in answer.body and answer.body.count(b"message_start\"") == 1


@pytest.mark.parametrize("breaks", BREAKS)
def test_without_another_target_the_error_is_told(gateway, provider, breaks):
    provider.on(MODEL, breaks)
    answer = gateway.chat("one", stream=True)
    assert answer.status >= 500 or b"error" in answer.body


def test_what_was_said_is_never_taken_back(gateway, provider, spare):
    def says_and_cuts(_, connection):
        role(connection)
        connection.event(fake_openai.chunk(MODEL, {"content": "Half"}))
        connection.close()

    provider.on(MODEL, says_and_cuts)
    before = len(spare.requests)
    answer = gateway.chat("two", stream=True)
    assert answer.status == 200 and b"Half" in answer.body and b"[DONE]" not in answer.body
    assert len(spare.requests) == before


def test_it_is_held_no_longer_than_it_may(gateway, provider):
    def late(_, connection):
        role(connection)
        time.sleep(1)
        connection.event(fake_openai.chunk(MODEL, {"content": "late"}))
        connection.event(fake_openai.chunk(MODEL, {}, "stop"))
        connection.event("[DONE]")
        connection.end_stream()

    provider.on(MODEL, late)
    began = time.monotonic()
    client, head = gateway.open_chat_stream("two")
    with client:
        assert head.status == 200 and 0.4 < time.monotonic() - began < 0.9
        assert [data for data, _ in client.stream_events()][-1] == "[DONE]"


def test_a_healthy_stream_loses_no_time(gateway, provider):
    """From the provider's first word to the client's, with and without the window."""
    said = []

    def speaks(_, connection):
        role(connection)
        time.sleep(0.01)
        said.append(time.monotonic())
        connection.event(fake_openai.chunk(MODEL, {"content": "word"}))
        time.sleep(0.02)
        connection.event(fake_openai.chunk(MODEL, {}, "stop"))
        connection.event("[DONE]")
        connection.end_stream()

    def times(model):
        found = []
        for _ in range(60):
            client, _ = gateway.open_chat_stream(model)
            with client:
                found.append(next(at for data, at in client.stream_events() if '"word"' in data) - said[-1])
        return statistics.median(found)

    provider.on(MODEL, speaks)
    times("one")
    assert times("two") - times("one") < 0.002


def test_it_is_counted(gateway, provider):
    before = total(scrape(gateway)[0], "^aigw_precommit_broken_total")
    provider.on(MODEL, cuts)
    streamed(gateway.chat("two", stream=True))
    assert total(scrape(gateway)[0], "^aigw_precommit_broken_total") == before + 1
