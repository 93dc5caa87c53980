"""The provider that is built in: deterministic text, real streaming, delays and faults by name."""
import time

import pytest

from harness.client import Broken


@pytest.fixture(scope="module")
def gateway(house):
    return house.gateway()


def test_echo(gateway):
    answer = gateway.chat("mock/echo", "say this back")
    assert answer.status == 200
    value = answer.json()
    assert value["object"] == "chat.completion"
    assert "say this back" in value["choices"][0]["message"]["content"]
    assert value["usage"]["total_tokens"] == (value["usage"]["prompt_tokens"]
                                              + value["usage"]["completion_tokens"])


def test_echo_streams(gateway):
    answer = gateway.chat("mock/echo", "say this back", stream=True)
    text = "".join(value["choices"][0]["delta"].get("content") or "" for value in answer.objects())
    assert "say this back" in text
    assert answer.events()[-1] == "[DONE]"
    assert len(answer.objects()) > 2


def test_echo_is_deterministic(gateway):
    texts = {gateway.chat("mock/echo", "x").json()["choices"][0]["message"]["content"]
             for _ in range(5)}
    assert len(texts) == 1


def test_slow(gateway):
    began = time.monotonic()
    assert gateway.chat("mock/slow-500ms").status == 200
    assert 0.45 < time.monotonic() - began < 1.5


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_status(gateway, status):
    answer = gateway.chat("mock/status-%d" % status)
    assert answer.status == status
    assert answer.error()["message"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_the_gateways_own_trouble(gateway, status):
    answer = gateway.chat("mock/status-%d" % status)
    assert answer.status == 502
    assert answer.error()["code"] == "upstream_auth_error"
    assert "mock" not in answer.error()["message"], "the provider's words may quote the key"


def test_long(gateway):
    answer = gateway.chat("mock/long-1000", stream=True)
    assert len(answer.objects()) >= 1000
    assert answer.events()[-1] == "[DONE]"


def test_cut(gateway):
    client, head = gateway.open_chat_stream("mock/cut-after-3")
    assert head.status == 200
    seen = []
    with client:
        try:
            for data, _ in client.stream_events():
                seen.append(data)
        except Broken:
            pass
    assert "[DONE]" not in seen
    assert len(seen) >= 3


def test_usage_of_a_stream_when_asked(gateway):
    answer = gateway.chat("mock/echo", stream=True, stream_options={"include_usage": True})
    assert answer.objects()[-1]["usage"]["total_tokens"] > 0


def test_embeddings_and_completions(gateway):
    answer = gateway.post("/v1/embeddings", {"model": "mock/echo", "input": ["a", "b"]})
    assert answer.status == 200
    assert len(answer.json()["data"]) == 2
    answer = gateway.post("/v1/completions", {"model": "mock/echo", "prompt": "x"})
    assert answer.json()["choices"][0]["text"]
