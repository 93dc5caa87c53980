"""The usage record: one for each exchange, with the right figures."""
import time

import pytest

from harness import fake_openai
from harness.client import Broken


@pytest.fixture(scope="module")
def provider(house):
    made = house.provider()
    made.on("broken", fake_openai.fails(500, "Internal Server Error", "sorry", "server_error"))

    def cut(_, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk("m", {"content": "a"}))
        connection.close()

    def silent(_, connection):
        connection.wait_ended(5)

    made.on("cut", cut)
    made.on("silent", silent)
    return made


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider))


def last(gateway, number=1):
    answer = gateway.ctl_json("usage")
    rows = next(value for value in answer.values() if isinstance(value, list) and value
                and isinstance(value[0], dict))
    return rows[:number]


def test_each_kind_of_exchange_is_one_record(gateway, provider):
    assert gateway.usage_count() == 0
    total = 0
    for _ in range(10):
        assert gateway.chat("up/m").status == 200
        assert gateway.chat("up/m", stream=True).status == 200
        total += 2
    gateway.wait_usage(total, settle=0.3)
    assert gateway.chat("up/broken").status >= 500
    gateway.wait_usage(total + 1, settle=0.3)
    try:
        gateway.chat("up/cut", stream=True)
    except Broken:
        pass
    gateway.wait_usage(total + 2, settle=0.3)
    client = gateway.connect()
    client.request("POST", "/v1/chat/completions", gateway.headers(),
                   b'{"model":"up/silent","messages":[{"role":"user","content":"x"}]}')
    time.sleep(0.2)
    client.close()
    gateway.wait_usage(total + 3, settle=0.3)
    gateway.post("/v1/embeddings", {"model": "up/e", "input": "x"})
    gateway.post("/v1/completions", {"model": "up/c", "prompt": "x"})
    gateway.wait_usage(total + 5, settle=0.3)


@pytest.mark.parametrize("stream", [False, True])
def test_record_has_the_figures(gateway, stream):
    before = gateway.usage_count()
    answer = gateway.chat("up/gpt-5-mini", stream=stream)
    assert answer.status == 200
    gateway.wait_usage(before + 1)
    row = last(gateway)[0]
    text = str(row)
    assert answer.header("x-request-id") in text
    values = list(row.values())
    assert 12 in values and 7 in values, row
    assert 200 in values, row


START = fake_openai.chunk("m", {"role": "assistant", "content": "a"})
STOP = fake_openai.chunk("m", {}, "stop")


def stream_of(*events, end="data: [DONE]\n\n"):
    def handler(_, connection):
        connection.open_stream()
        for event in events:
            connection.event(event)
        if end:
            connection.chunk(end)
        connection.end_stream()
    return handler


@pytest.mark.parametrize("translated", [False, True])
@pytest.mark.parametrize("name, handler, outcome", [
    ("well", stream_of(START, STOP), "complete"),
    ("no-blank-line", stream_of(START, STOP, end="data: [DONE]"), "repaired"),
    ("no-finish", stream_of(START), {False: "complete", True: "repaired"}),
    ("no-end-mark", stream_of(START, STOP, end=None), {False: "truncated", True: "repaired"}),
    ("half", stream_of(START, end=None), "truncated"),
])
def test_each_stream_has_its_label(gateway, provider, translated, name, handler, outcome):
    outcome = outcome[translated] if isinstance(outcome, dict) else outcome
    provider.on(name, handler)
    before = gateway.usage_count()
    body = {"model": "up/" + name, "stream": True, "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    try:
        gateway.post("/v1/messages" if translated else "/v1/chat/completions", body)
    except Broken:
        pass
    gateway.wait_usage(before + 1)
    row = gateway.ctl_json("usage")["last"][0]
    assert row["outcome"] == outcome, row
    assert row["outcome"] in gateway.ctl("usage", "-o", "table").stdout


def test_aigwctl_shows_them_as_a_table(gateway):
    text = gateway.ctl("usage").stdout
    assert "up" in text and "200" in text
