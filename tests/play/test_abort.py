"""A client that leaves: the provider's connection is closed within 100 ms, whatever it is doing."""
import json
import time

import pytest

from harness import fake_openai
from harness.gateway import SLOW, chat_body
from harness.wait import until

LIMIT_S = 0.1 * SLOW


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider))


def silent_after_head(ends):
    def handler(_, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk("m", {"content": "a"}))
        ends.append(connection.wait_ended(3))
    return handler


def silent(ends):
    def handler(_, connection):
        ends.append(connection.wait_ended(3))
    return handler


def talking(ends):
    def handler(_, connection):
        connection.open_stream()
        ends.append(connection.talk_until_ended(
            lambda n: fake_openai.chunk("m", {"content": "word %d" % n}), 0.005, 3))
    return handler


def flooding(ends):
    def handler(_, connection):
        connection.open_stream()
        ends.append(connection.talk_until_ended(
            lambda n: fake_openai.chunk("m", {"content": "w" * 8000}), 0.0005, 5))
    return handler


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("make", [silent_after_head, talking, flooding])
def test_leaving_within_a_stream(gateway, provider, make, leave):
    took = []
    for turn in range(5):
        ends = []
        provider.on("stream", make(ends))
        client, head = gateway.open_chat_stream("up/stream")
        assert head.status == 200
        client.read_chunk()
        left_at = time.monotonic()
        getattr(client, leave)()
        until(lambda: ends, 4, "the provider's handler to end")
        assert ends[0], "the provider's connection was never closed"
        took.append(ends[0][1] - left_at)
    assert sorted(took)[2] <= LIMIT_S, took
    assert max(took) <= LIMIT_S * 2.5, took


def at_line_rate(ends):
    """Writes as fast as the wire takes it: the gateway always has something to read."""
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % (b"w" * 200)
    chunks = b"%x\r\n%s\r\n" % (len(chunk), chunk) * 5000

    def handler(_, connection):
        connection.open_stream()
        connection.sock.settimeout(5)
        try:
            while True:
                connection.send(chunks)
        except TimeoutError:
            ends.append(None)
        except OSError:
            ends.append(("rst", time.monotonic()))
    return handler


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_leaving_a_stream_at_line_rate(gateway, provider, leave):
    """Failed writes must not put off what closes the provider's connection."""
    for _ in range(5):
        ends = []
        provider.on("flood", at_line_rate(ends))
        client, head = gateway.open_chat_stream("up/flood")
        assert head.status == 200
        client.read_exactly(20_000_000)
        left_at = time.monotonic()
        getattr(client, leave)()
        until(lambda: ends, 6, "the provider's handler to end")
        assert ends[0], "the provider's connection was never closed"
        assert ends[0][1] - left_at <= LIMIT_S * 2.5


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("stream", [False, True])
def test_leaving_before_the_answer_began(gateway, provider, leave, stream):
    ends = []
    provider.on("nothing", silent(ends))
    client = gateway.connect()
    before = len(provider.requests)
    client.request("POST", "/v1/chat/completions", gateway.headers(),
                   json.dumps(chat_body("up/nothing", stream=stream)).encode())
    provider.wait_requests(before + 1)
    left_at = time.monotonic()
    getattr(client, leave)()
    until(lambda: ends, 4, "the provider's handler to end")
    assert ends[0], "the provider's connection was never closed"
    assert ends[0][1] - left_at <= LIMIT_S


@pytest.mark.parametrize("stream", [False, True])
def test_ending_only_ones_own_side_is_leaving(gateway, provider, stream):
    """A FIN is all that a close() sends too: the two cannot be told apart before a write."""
    ends = []
    provider.on("nothing", silent(ends))
    before = len(provider.requests)
    with gateway.connect() as client:
        client.request("POST", "/v1/chat/completions", gateway.headers(),
                       json.dumps(chat_body("up/nothing", stream=stream)).encode())
        provider.wait_requests(before + 1)
        left_at = time.monotonic()
        client.half_close()
        until(lambda: ends, 4, "the provider's handler to end")
        assert ends[0] and ends[0][1] - left_at <= LIMIT_S
        assert client.read_to_end() == b"", "no answer that looks like one"


def test_ending_ones_own_side_after_a_request_that_needs_no_provider(gateway):
    with gateway.connect() as client:
        client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        client.half_close()
        assert client.read_to_end().startswith(b"HTTP/1.1 200 ")
    with gateway.connect() as client:
        client.request("POST", "/v1/chat/completions", gateway.headers(key="sk-wrong"), b"{}")
        client.half_close()
        assert client.read_to_end().startswith(b"HTTP/1.1 401 ")


def test_fifty_clients_leave_at_once(gateway, provider):
    ends = []
    provider.on("many", silent_after_head(ends))
    clients = [gateway.open_chat_stream("up/many")[0] for _ in range(50)]
    left_at = time.monotonic()
    for client in clients:
        client.close()
    until(lambda: len(ends) == 50, 5, "50 provider connections to end")
    took = [end[1] - left_at for end in ends if end]
    assert len(took) == 50
    assert max(took) <= LIMIT_S * 3, max(took)


def test_leaving_while_the_connection_is_made(gateway, provider):
    """Many clients that send and go at once: nothing is left over."""
    ends = []
    provider.on("gone", silent(ends))
    for _ in range(50):
        client = gateway.connect()
        client.request("POST", "/v1/chat/completions", gateway.headers(),
                       json.dumps(chat_body("up/gone")).encode())
        client.reset()
    def gone():
        return sum(request.model() == "gone" for request in provider.requests)

    time.sleep(0.2)
    until(lambda: len(ends) == gone(), 4, "no request of a gone client still open")
    assert all(ends)
    assert gateway.chat("up/m").status == 200


def test_usage_of_those_that_left_is_recorded_once(gateway, provider):
    until(lambda: gateway.usage_count() >= len(provider.requests), 5 * SLOW, "all recorded", 0.1)
    time.sleep(0.3)
    first = gateway.usage_count()
    time.sleep(0.5)
    assert gateway.usage_count() == first
