"""SIGHUP: a good file is in force soon, a bad one changes nothing, and nobody notices either."""
import signal
import threading
import time

import pytest

from harness import fake_openai
from harness.load import Load
from harness.wait import until


@pytest.fixture
def provider(room):
    return room.provider()


@pytest.fixture
def gateway(room, provider):
    made = room.gateway(("up", provider))
    made.workers_may_change = True
    return made


def models(gateway):
    return {row["id"] for row in gateway.get("/v1/models").json()["data"]}


def add_model(gateway, name):
    gateway.settings["models"] = gateway.settings["models"] + [
        {"name": name, "targets": [{"provider": "up", "model": "m"}]}]


def test_new_settings_are_in_force_within_a_second(gateway):
    assert "later" not in models(gateway)
    add_model(gateway, "later")
    gateway.write()
    gateway.signal(signal.SIGHUP)
    until(lambda: "later" in models(gateway), 1.5, "the new model listed")
    assert gateway.chat("later").status == 200


def test_model_taken_away_is_404_and_its_stream_lives_on(gateway, provider):
    add_model(gateway, "short-lived")
    gateway.reload()
    until(lambda: "short-lived" in models(gateway), 2, "the model listed")
    go = threading.Event()

    def waits(_, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk("m", {"content": "a"}))
        go.wait(10)
        connection.event(fake_openai.chunk("m", {"content": "b"}))
        connection.event("[DONE]")
        connection.end_stream()

    provider.on("m", waits)
    client, head = gateway.open_chat_stream("short-lived")
    with client:
        assert head.status == 200
        client.read_chunk()
        gateway.settings["models"] = gateway.settings["models"][:1]
        gateway.write()
        gateway.signal(signal.SIGHUP)
        until(lambda: "short-lived" not in models(gateway), 3, "the model gone")
        assert gateway.chat("short-lived").status == 404
        go.set()
        assert [data for data, _ in client.stream_events()][-1] == "[DONE]"


BROKEN = [
    "listen: [", "", "\t\n", "listen: 127.0.0.1:8080\nnonsense: 1\n", "workers: many\n",
    "models:\n  - {name: a, targets: [{provider: nobody, model: m}]}\n", "\0\0\0", "- a\n- b\n",
    "listen: 127.0.0.1:99999\n", "timeouts: {idle: -1s}\n", "providers: {a: b}\n",
]


def test_broken_files_change_nothing_and_name_the_line(gateway):
    gateway.faults_expected.append(r"aigw\.yaml")
    with Load(gateway, 4) as load:
        for text in BROKEN:
            before = len(gateway.log_text())
            gateway.write(text)
            gateway.signal(signal.SIGHUP)
            until(lambda: "aigw.yaml" in gateway.log_text()[before:], 3,
                  "the log to name the file for %r" % text)
            load.wait_ok(20)
            assert "fast" in models(gateway)
        assert "aigw.yaml:2" in gateway.log_text()
    assert load.failures == []


def test_ten_reloads_under_kept_connections_lose_nothing(gateway):
    with Load(gateway, 16) as load:
        load.wait_ok(200)
        for number in range(10):
            add_model(gateway, "model-%d" % number)
            gateway.write()
            gateway.signal(signal.SIGHUP)
            load.wait_ok(200)
        until(lambda: "model-9" in models(gateway), 3, "the last settings in force")
    assert load.failures == []
    assert load.ok >= 2000


def test_reloads_that_need_new_workers_lose_nothing(gateway):
    with Load(gateway, 8) as kept, Load(gateway, 4, keep=False) as fresh:
        for count in (4, 1, 3, 2):
            gateway.settings["workers"] = count
            gateway.write()
            gateway.signal(signal.SIGHUP)
            until(lambda: len(gateway.workers()) == count, 15, "%d workers" % count)
            kept.wait_ok(100)
            fresh.wait_ok(50)
    assert (kept.failures, fresh.failures) == ([], [])


def test_streams_live_through_reloads(gateway, provider):
    go = threading.Event()

    def paced(_, connection):
        connection.open_stream()
        while not go.is_set():
            connection.event(fake_openai.chunk("m", {"content": "a"}))
            time.sleep(0.05)
        connection.event("[DONE]")
        connection.end_stream()

    provider.on("paced", paced)
    streams = [gateway.open_chat_stream("up/paced") for _ in range(20)]
    for number in range(3):
        gateway.settings["workers"] = 2 + number % 2
        gateway.write()
        gateway.signal(signal.SIGHUP)
        time.sleep(0.5)
    go.set()
    for client, head in streams:
        with client:
            assert head.status == 200
            assert [data for data, _ in client.stream_events()][-1] == "[DONE]"


def test_secret_in_a_file_is_read_again(gateway, provider, tmp_path):
    secret = tmp_path / "key"
    secret.write_text("sk-first\n")
    gateway.settings["providers"][1]["api_key"] = "file:%s" % secret
    gateway.write()
    for value in ("sk-first", "sk-second"):
        secret.write_text(value + "\n")
        gateway.signal(signal.SIGHUP)

        def in_force():
            assert gateway.chat("up/m").status == 200
            return provider.last().header("authorization") == "Bearer " + value
        until(in_force, 3, "the provider's key %s in use" % value, every=0.05)
