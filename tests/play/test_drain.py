"""SIGTERM: not ready, no new work, streams to their end; a second SIGTERM hurries."""
import json
import signal
import threading
import time

import pytest

from harness import fake_openai
from harness.client import Broken
from harness.gateway import SLOW
from harness.wait import until


@pytest.fixture
def provider(room):
    return room.provider()


def gateway_with(room, provider, **timeouts):
    made = room.gateway(("up", provider), settings={"timeouts": {"drain": "8s", **timeouts}})
    made.workers_may_change = True
    return made


class Paced:
    """A handler whose streams go on until told."""

    def __init__(self):
        self.go = threading.Event()

    def __call__(self, _, connection):
        connection.open_stream()
        while not self.go.is_set():
            connection.event(fake_openai.chunk("m", {"content": "a"}))
            time.sleep(0.05)
        connection.event("[DONE]")
        connection.end_stream()


def end_of(client):
    with client:
        return [data for data, _ in client.stream_events()]


def test_idle_gateway_ends_at_once_with_0(room, provider):
    gateway = gateway_with(room, provider)
    began = time.monotonic()
    assert gateway.terminate() == 0
    assert time.monotonic() - began < 2 * SLOW


def test_idle_kept_connections_do_not_hold_the_end_up(room, provider):
    gateway = gateway_with(room, provider)
    clients = [gateway.connect() for _ in range(10)]
    for client in clients:
        gateway.get("/healthz", client=client)
    began = time.monotonic()
    assert gateway.terminate() == 0
    assert time.monotonic() - began < 7 * SLOW


def test_streams_finish_and_the_exit_code_is_0(room, provider):
    gateway = gateway_with(room, provider)
    paced = provider.on("paced", Paced())
    streams = [gateway.open_chat_stream("up/paced")[0] for _ in range(10)]
    gateway.workers()
    gateway.signal(signal.SIGTERM)
    time.sleep(1.0)
    assert gateway.child.poll() is None, "it ended before its streams"
    with pytest.raises(OSError):
        gateway.get("/healthz")
    paced.go.set()
    for client in streams:
        assert end_of(client)[-1] == "[DONE]"
    assert gateway.child.wait(5 * SLOW) == 0


def test_readiness_goes_first_and_requests_are_served_meanwhile(room, provider):
    gateway = gateway_with(room, provider, drain_delay="1500ms")
    with gateway.connect() as kept:
        assert gateway.chat("mock/echo", client=kept).status == 200
        gateway.signal(signal.SIGTERM)
        until(lambda: gateway.get("/readyz").status == 503, 1, "readiness off")
        assert gateway.get("/healthz").status == 200
        assert gateway.chat("mock/echo").status == 200
        answer = gateway.chat("mock/echo", client=kept)
        assert answer.status == 200
        assert answer.header("connection").lower() == "close"
    assert gateway.child.wait(6 * SLOW) == 0


def test_deadline_ends_streams_with_an_error_event(room, provider):
    gateway = gateway_with(room, provider, drain="1s")
    provider.on("paced", Paced())
    client, _ = gateway.open_chat_stream("up/paced")
    gateway.workers()
    gateway.signal(signal.SIGTERM)
    began = time.monotonic()
    events = end_of(client)
    assert 0.8 <= time.monotonic() - began < 3 * SLOW
    assert "[DONE]" not in events
    assert json.loads(events[-1])["error"]["message"]
    assert gateway.child.wait(5 * SLOW) == 0


def test_second_signal_hurries(room, provider):
    gateway = gateway_with(room, provider, drain="60s")
    provider.on("paced", Paced())
    client, _ = gateway.open_chat_stream("up/paced")
    gateway.workers()
    gateway.signal(signal.SIGTERM)
    time.sleep(0.3)
    gateway.signal(signal.SIGTERM)
    began = time.monotonic()
    try:
        events = end_of(client)
        assert "[DONE]" not in events
    except (Broken, OSError):
        pass
    gateway.child.wait(8 * SLOW)
    assert time.monotonic() - began < 7 * SLOW


def test_usage_of_the_last_requests_is_kept(room, provider):
    gateway = gateway_with(room, provider)
    for _ in range(30):
        assert gateway.chat("up/m").status == 200
    gateway.terminate()
    gateway.start()
    gateway.wait_usage(30, settle=0.3)


def test_interrupt_key_drains_too(room, provider):
    gateway = gateway_with(room, provider)
    gateway.workers()
    gateway.signal(signal.SIGINT)
    assert gateway.child.wait(5 * SLOW) == 0
