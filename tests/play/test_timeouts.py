"""Each timer by itself: it fires in its time, says so, and lets go of the provider."""
import json
import socket
import time

import pytest

from harness import fake_openai
from harness.gateway import SLOW
from harness.process import free_port
from harness.wait import until

CHUNK = fake_openai.chunk("m", {"role": "assistant", "content": "par"})


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def full_port(house):
    """A port whose accept queue is full: connecting to it hangs."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", free_port()))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    yield listener.getsockname()[1]
    for filler in fillers + [listener]:
        filler.close()


@pytest.fixture(scope="module")
def gateway(house, provider, full_port):
    full = type("Full", (), {"base_url": "http://127.0.0.1:%d/v1" % full_port})
    return house.gateway(("up", provider), ("full", full), settings={
        "timeouts": {"connect": "400ms", "head": "600ms", "first_event": "600ms", "idle": "600ms",
                     "total": "2s", "drain": "5s", "client_head": "700ms", "client_body": "700ms",
                     "client_idle": "900ms"},
        "models": [{"name": "full-then-up", "targets": [{"provider": "full", "model": "m"},
                                                        {"provider": "up", "model": "m"}]}]})


class Took:
    def __init__(self, least, most):
        self.least, self.most = least, most * SLOW

    def __enter__(self):
        self.began = time.monotonic()

    def __exit__(self, kind, *_):
        took = time.monotonic() - self.began
        if kind is None:
            assert self.least * 0.9 <= took <= self.most, "took %.2f s" % took


def silent(seen):
    def handler(_, connection):
        seen.append(connection.wait_ended(5))
    return handler


def test_connect(gateway):
    with Took(0.4, 1.2):
        answer = gateway.chat("full/m")
    assert answer.status == 504
    assert "connect" in answer.error()["code"]


def test_connect_falls_over_to_the_next_target(gateway):
    with Took(0.4, 1.2):
        assert gateway.chat("full-then-up").status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_head(gateway, provider, stream):
    seen = []
    provider.on("silent", silent(seen))
    with Took(0.6, 1.4):
        answer = gateway.chat("up/silent", stream=stream)
    assert answer.status == 504
    until(lambda: seen and seen[0], 1, "the provider's connection closed")


def test_first_event(gateway, provider):
    seen = []

    def head_only(_, connection):
        connection.open_stream()
        seen.append(connection.wait_ended(5))

    provider.on("head-only", head_only)
    with Took(0.6, 1.4):
        answer = gateway.chat("up/head-only", stream=True)
    assert answer.status == 504
    until(lambda: seen and seen[0], 1, "the provider's connection closed")


@pytest.mark.parametrize("tail", [b"", b": keep-alive\n", b'data: {"half'])
def test_idle(gateway, provider, tail):
    seen = []

    def stops(_, connection):
        connection.open_stream()
        connection.event(CHUNK)
        if tail:
            connection.chunk(tail)
        seen.append(connection.wait_ended(5))

    provider.on("stops", stops)
    client, head = gateway.open_chat_stream("up/stops")
    with client, Took(0.6, 1.6):
        events = [data for data, _ in client.stream_events()]
    assert head.status == 200
    assert "[DONE]" not in events
    assert json.loads(events[-1])["error"]["message"]
    until(lambda: seen and seen[0], 1, "the provider's connection closed")


def test_total(gateway, provider):
    seen = []

    def talks(_, connection):
        connection.open_stream()
        seen.append(connection.talk_until_ended(lambda n: CHUNK, 0.05))

    provider.on("talks", talks)
    client, _ = gateway.open_chat_stream("up/talks")
    with client, Took(1.9, 3.0):
        events = [data for data, _ in client.stream_events()]
    assert len(events) > 10
    assert json.loads(events[-1])["error"]["message"]
    until(lambda: seen and seen[0], 1, "the provider's connection closed")


def test_slow_but_steady_stream_is_no_timeout(gateway, provider):
    def steady(_, connection):
        connection.open_stream()
        for _ in range(4):
            connection.event(CHUNK)
            time.sleep(0.35)
        connection.event("[DONE]")
        connection.end_stream()

    provider.on("steady", steady)
    assert gateway.chat("up/steady", stream=True).events()[-1] == "[DONE]"


@pytest.mark.parametrize("begin", [b"G", b"GET /healthz HTTP/1.1\r\nHost: h\r\n"])
def test_client_that_never_ends_its_head(gateway, begin):
    with gateway.connect(timeout=5) as client, Took(0.6, 1.8):
        client.send(begin)
        data = client.read_to_end()
    assert data == b"" or data.startswith(b"HTTP/1.1 408 ")


def test_client_that_drips_its_head_is_not_waited_for(gateway):
    with gateway.connect(timeout=5) as client, Took(0.5, 2.0):
        try:
            for byte in b"GET /healthz HTTP/1.1\r\nX-Long: " + b"x" * 100:
                client.send(bytes([byte]))
                time.sleep(0.05)
            pytest.fail("it was allowed to drip for seconds")
        except OSError:
            pass


def test_client_that_never_ends_its_body(gateway):
    with gateway.connect(timeout=5) as client, Took(0.6, 1.8):
        client.request("POST", "/v1/chat/completions", {**gateway.headers(), "Content-Length": "100"})
        client.send(b'{"model"')
        answer = client.read_response()
    assert answer.status == 408


def test_client_that_drips_its_body_is_not_waited_for(gateway):
    with gateway.connect(timeout=5) as client, Took(0.6, 2.0):
        client.request("POST", "/v1/chat/completions", {**gateway.headers(), "Content-Length": "900"})
        try:
            for _ in range(100):
                client.send(b" ")
                time.sleep(0.05)
            pytest.fail("it was allowed to drip for seconds")
        except OSError:
            pass


def test_large_body_may_take_longer_than_one_piece(gateway):
    body = json.dumps({"model": "mock/echo", "messages": [{"role": "user", "content": "x" * 40000}]})
    with gateway.connect(timeout=10) as client, Took(1.5, 6):
        client.request("POST", "/v1/chat/completions", {**gateway.headers(),
                                                        "Content-Length": str(len(body))})
        for at in range(0, len(body), 4096):
            client.send(body[at:at + 4096].encode())
            time.sleep(0.15)
        assert client.read_response().status == 200


def test_idle_client_is_closed_quietly(gateway):
    with gateway.connect(timeout=5) as client:
        assert gateway.get("/healthz", key=None, client=client).status == 200
        with Took(0.8, 2.2):
            assert client.read_to_end() == b""


def test_client_that_never_speaks_is_closed(gateway):
    with gateway.connect(timeout=5) as client, Took(0.5, 2.2):
        assert client.read_to_end() == b""


def test_gateway_is_well_after_all_this(gateway):
    for _ in range(10):
        assert gateway.chat("up/m").status == 200
