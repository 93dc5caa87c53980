"""kill -9 of each process: what is lost is only what that process had in its hands."""
import os
import signal
import sqlite3
import threading
import time

import pytest

from harness import fake_openai, process
from harness.gateway import SLOW
from harness.load import Load
from harness.wait import until


@pytest.fixture
def provider(room):
    return room.provider()


@pytest.fixture
def gateway(room, provider):
    made = room.gateway(("up", provider), settings={"timeouts": {"drain": "6s"}})
    made.workers_may_change = True
    return made


def replaced(gateway, old, timeout):
    return until(lambda: set(gateway.workers()) - old and len(gateway.workers()) == 2, timeout * SLOW,
                 "a new worker")


def test_dead_worker_costs_its_own_requests_only(gateway):
    with Load(gateway, 16) as load:
        load.wait_ok(200)
        kills = []
        for _ in range(3):
            old = set(gateway.workers())
            victim = sorted(old)[0]
            failed_before = len(load.failures)
            killed_at = time.monotonic()
            process.kill(victim)
            replaced(gateway, old, 0.5)
            kills.append((killed_at, time.monotonic()))
            load.wait_ok(200)
            time.sleep(0.2)
            assert len(load.failures) - failed_before <= 16
        late = [what for when, what in load.failures
                if not any(killed <= when <= killed + 0.1 * SLOW for killed, _ in kills)]
    assert late == []


def test_connections_of_the_other_worker_do_not_notice(gateway):
    with_streams = [gateway.open_chat_stream("mock/long-1000") for _ in range(20)]
    for client, _ in with_streams:
        client.read_chunk()
    time.sleep(0)
    victim = gateway.workers()[0]
    process.kill(victim)
    whole = 0
    for client, _ in with_streams:
        try:
            if [data for data, _ in client.stream_events()][-1] == "[DONE]":
                whole += 1
        except Exception:                   # a cut one, of the dead worker
            pass
        client.close()
    assert whole >= 4, "fairness or isolation is gone: %d of 20" % whole


HELD = 8


def surely_in_hand(gateway, provider):
    """Kills both workers while the provider answers none of HELD requests: a kill under load may meet
    a worker that has nothing in hand at that moment."""
    provider.on("held", lambda _, connection: connection.wait_ended(30))
    streams = [gateway.send_chat("up/held") for _ in range(HELD)]
    until(lambda: sum(one.model() == "held" for one in provider.requests) == HELD, 10 * SLOW, "all at the provider")
    for victim in gateway.workers():
        old = set(gateway.workers())
        process.kill(victim)
        replaced(gateway, old, 1)
    for client in streams:
        client.close()


def test_every_request_that_reached_the_provider_is_recorded_once(gateway, provider):
    with Load(gateway, 8, model="up/m") as load:
        load.wait_ok(100)
        for _ in range(3):
            old = set(gateway.workers())
            process.kill(sorted(old)[-1])
            replaced(gateway, old, 1)
            load.wait_ok(100)
    surely_in_hand(gateway, provider)
    reached = {request.header("x-request-id") for request in provider.requests}
    until(lambda: gateway.usage_count() >= len(reached), 10 * SLOW, "all recorded", 0.1)
    time.sleep(0.5)     # for a second record, if there were one
    assert gateway.usage_count() >= load.ok
    with sqlite3.connect(str(gateway.folder / "aigw.db")) as store:
        recorded = dict(store.execute("select request_id, fault from usage"))
        assert len(recorded) == gateway.usage_count(), "an exchange has two records"
        assert not reached - set(recorded), "lost"
        # What a dying worker had taken on and not yet written to the provider is owed a record too.
        unsent = [recorded[one] for one in set(recorded) - reached]
        assert unsent == ["worker_died"] * len(unsent) and len(unsent) <= 3 * 8
        rows = store.execute("select operation, asked_model, provider, served_model, "
                             "fault = 'worker_died', count(*) from usage group by 1, 2, 3, 4, 5")
        found = {row[:4]: row[4:] for row in rows if row[4]}
        assert found.pop(("chat", "up/held", "up", "held")) == (1, HELD)
        assert list(found) in ([], [("chat", "up/m", "up", "m")]), "what the dead ones had in hand"


def test_dead_controller_is_not_noticed(gateway, provider):
    with Load(gateway, 8, model="up/m") as load:
        load.wait_ok(50)
        for _ in range(3):
            old = gateway.controller()
            process.kill(old)
            load.wait_ok(50)
            until(lambda: [pid for pid in gateway.pids("controller") if pid != old], 5 * SLOW,
                  "a new controller")
    assert load.failures == []
    until(lambda: gateway.ctl("status", code=None).returncode == 0, 5 * SLOW, "the admin socket", 0.1)
    gateway.wait_usage(len(provider.requests), 10, settle=0.5)
    key = gateway.make_key("after")["key"]
    assert gateway.chat("mock/echo", key=key).status == 200


def test_stuck_worker_is_replaced(gateway):
    old = set(gateway.workers())
    victim = sorted(old)[0]
    os.kill(victim, signal.SIGSTOP)
    try:
        until(lambda: victim not in gateway.workers() and len(gateway.workers()) == 2, 30 * SLOW,
              "the stopped worker replaced")
    finally:
        process.send(victim, signal.SIGCONT)
    for _ in range(20):
        assert gateway.chat("mock/echo").status == 200


def test_worker_that_keeps_dying_does_not_spin(gateway):
    seen = set(gateway.workers())
    end = time.monotonic() + 3
    while time.monotonic() < end:
        workers = gateway.workers()
        seen.update(workers)
        if workers:
            process.kill(workers[0])
        time.sleep(0.02)
    assert len(seen) < 60, "%d workers were started in 3 s" % len(seen)
    until(lambda: len(gateway.workers()) == 2, 40 * SLOW, "both workers back")
    assert gateway.chat("mock/echo").status == 200


def test_orphans_finish_their_streams_and_go(gateway, provider):
    go = threading.Event()

    def paced(_, connection):
        connection.open_stream()
        while not go.is_set():
            connection.event(fake_openai.chunk("m", {"content": "a"}))
            time.sleep(0.05)
        connection.event("[DONE]")
        connection.end_stream()

    provider.on("paced", paced)
    streams = [gateway.open_chat_stream("up/paced")[0] for _ in range(6)]
    tree = process.descendants(gateway.pid)
    gateway.kill()
    time.sleep(1.0)
    go.set()
    for client in streams:
        with client:
            assert [data for data, _ in client.stream_events()][-1] == "[DONE]"

    def all_gone():
        process.reap()
        return not any(process.alive(pid) for pid in tree)
    until(all_gone, 7 * SLOW, "no orphan left")


def test_new_parent_takes_over_after_a_kill(gateway, provider):
    for _ in range(20):
        assert gateway.chat("up/m").status == 200
    key = gateway.key
    gateway.kill()
    gateway.first_workers = None
    gateway.start()
    assert gateway.chat("up/m", key=key).status == 200
    gateway.wait_usage(21, 10, settle=0.5)
