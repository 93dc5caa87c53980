"""A slow reader slows only itself: bounded memory here, a paused provider there, no byte lost."""
import hashlib
import threading
import time

import pytest

from harness import fake_openai
from harness.process import resident_kb
from harness.wait import until

SIZE = 64 * 1024 * 1024
EVENT = ('data: {"id":"1","choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % ("x" * 8100)).encode()
COUNT = SIZE // len(EVENT)


class Flood:
    """A provider's handler that sends 64 MB of events and counts what it got rid of."""

    def __init__(self):
        self.sent = 0
        self.sha = hashlib.sha256()
        self.done = False

    def __call__(self, _, connection):
        connection.open_stream()
        for number in range(COUNT):
            record = EVENT.replace(b'"1"', b'"%d"' % number, 1)
            connection.chunk(record)
            self.sha.update(record)
            self.sent += len(record)
        connection.event("[DONE]")
        self.sha.update(b"data: [DONE]\n\n")
        connection.end_stream()
        self.done = True


@pytest.fixture(scope="module")
def provider(house):
    return house.provider(send_buffer=65536)


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider))


def memory(gateway):
    return sum(resident_kb(pid) for pid in gateway.workers())


def paused(flood):
    """Waits until the flood stands still; returns how much went out."""
    last = -1
    while last != flood.sent:
        last = flood.sent
        time.sleep(0.3)
    return last


def read_all(client):
    sha = hashlib.sha256()
    while True:
        chunk = client.read_chunk()
        if not chunk:
            return sha.hexdigest()
        sha.update(chunk)


def test_slow_reader_of_64_megabytes(gateway, provider):
    flood = Flood()
    provider.on("flood", flood)
    assert gateway.chat("up/m").status == 200
    before = memory(gateway)
    client, head = gateway.open_chat_stream("up/flood", receive_buffer=65536, timeout=60)
    with client:
        assert head.status == 200
        stopped_at = paused(flood)
        assert 0 < stopped_at < 12 * 1024 * 1024, "the provider was not paused"
        assert memory(gateway) - before < 2048, "the gateway buffers what the client does not take"
        assert gateway.chat("up/m").status == 200, "others are slowed"
        digest = read_all(client)
    assert flood.done
    assert digest == flood.sha.hexdigest()
    assert memory(gateway) - before < 2048


def test_twenty_slow_readers_slow_nobody_else(gateway, provider):
    floods = []

    def flood(request, connection):
        floods.append(Flood())
        floods[-1](request, connection)

    provider.on("floods", flood)
    before = memory(gateway)
    clients = [gateway.open_chat_stream("up/floods", receive_buffer=16384)[0] for _ in range(20)]
    until(lambda: len(floods) == 20, 5, "all streams open")
    time.sleep(1.0)
    assert memory(gateway) - before < 20 * 128
    times = []
    for _ in range(20):
        began = time.monotonic()
        assert gateway.chat("mock/echo").status == 200
        times.append(time.monotonic() - began)
    assert sorted(times)[10] < 0.05
    count = len(provider.errors)
    for client in clients:
        client.close()
    until(lambda: len(provider.errors) >= count + 20, 5, "all twenty providers let go")


def test_client_that_takes_nothing_for_long_may_leave(gateway, provider):
    flood = Flood()
    provider.on("flood-left", flood)
    client, _ = gateway.open_chat_stream("up/flood-left", receive_buffer=16384)
    paused(flood)
    count = len(provider.errors)
    client.close()
    until(lambda: len(provider.errors) > count, 2, "the paused provider was let go")


def test_large_request_to_a_slow_provider(gateway, provider):
    """16 MB up while the provider reads late: memory comes back, others are served."""
    gate = threading.Event()
    provider.before_read = lambda connection: gate.wait(1.5)
    answers = []
    body = (b'{"model":"up/any","messages":[{"role":"user","content":"' + b"y" * (16 * 1024 * 1024)
            + b'"}]}')
    provider.on("any", fake_openai.echo_bytes)
    provider.drop_connections()
    thread = threading.Thread(target=lambda: answers.append(
        gateway.post("/v1/chat/completions", body, timeout=30)))
    thread.start()
    time.sleep(0.5)
    assert gateway.chat("mock/echo").status == 200
    gate.set()
    thread.join(30)
    provider.before_read = None
    assert answers[0].status == 200
    assert provider.last().body == body.replace(b"up/any", b"any", 1)
    until(lambda: memory(gateway) < 40 * 1024, 3, "the body's memory given back")
