"""SIGUSR2: a new binary takes over without a lost request; a bad one changes nothing."""
import os
import shutil
import signal
import time

import pytest

from harness import process
from harness.gateway import DAEMON, SLOW
from harness.load import Load
from harness.wait import until


@pytest.fixture
def gateway(room, tmp_path):
    binary = tmp_path / "aigw"
    shutil.copy(DAEMON, binary)
    made = room.gateway(daemon=binary, settings={"timeouts": {"drain": "5s"}})
    made.workers_may_change = True
    return made


def replace(gateway, text=None):
    """Puts another file in the place of the binary, as a package manager does."""
    fresh = gateway.daemon + ".new"
    if text is None:
        shutil.copy(DAEMON, fresh)
    else:
        with open(fresh, "w") as file:
            file.write(text)
        os.chmod(fresh, 0o755)
    os.rename(fresh, gateway.daemon)


def follow(gateway):
    """The parent after an upgrade: the same process, or one that we have adopted."""
    process.reap()
    if gateway.child.poll() is None:
        return gateway.pid
    own = [pid for pid in process.children(os.getpid()) if process.title(pid).startswith(
        ("aigw", gateway.daemon))]
    return own[0] if own else None


def workers_below(pid):
    return {child for child in process.descendants(pid)
            if process.title(child).startswith("aigw: worker")}


def test_good_binary_takes_over_without_a_lost_request(gateway):
    old = set(gateway.workers())
    gateway.known.add(gateway.pid)
    with Load(gateway, 8) as kept, Load(gateway, 4, keep=False) as fresh:
        kept.wait_ok(100)
        replace(gateway)
        gateway.signal(signal.SIGUSR2)

        def taken_over():
            parent = follow(gateway)
            now = workers_below(parent) if parent else set()
            gateway.known.update(now)
            return len(now) >= 2 and not now & old and not any(map(process.alive, old))
        until(taken_over, 20 * SLOW, "new workers only")
        kept.wait_ok(100)
        fresh.wait_ok(100)
    assert (kept.failures, fresh.failures) == ([], [])
    parent = follow(gateway)
    key = gateway.make_key("after the upgrade")["key"]
    assert gateway.chat("mock/echo", key=key).status == 200
    if parent != gateway.pid:
        os.kill(parent, signal.SIGTERM)
        until(lambda: process.reap() or not process.alive(parent), 10 * SLOW, "the new parent's end")


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "not a program\n", None])
def test_bad_binary_changes_nothing(gateway, text):
    old = set(gateway.workers())
    before = len(gateway.log_text())
    with Load(gateway, 4) as load:
        if text is None:
            os.remove(gateway.daemon)
        else:
            replace(gateway, text)
        gateway.signal(signal.SIGUSR2)
        until(lambda: "upgrade" in gateway.log_text()[before:].lower(), 10 * SLOW, "a word in the log")
        time.sleep(1)
        load.wait_ok(100)
        assert set(gateway.workers()) == old
    assert load.failures == []
    assert gateway.ctl("status").returncode == 0


def test_binary_that_hangs_is_given_up(gateway):
    old = set(gateway.workers())
    with Load(gateway, 2, on_failure_sleep=0.1) as load:
        replace(gateway, "#!/bin/sh\nexec sleep 300\n")
        gateway.signal(signal.SIGUSR2)
        until(lambda: any(word in gateway.log_text().lower() for word in
                          ("upgrade failed", "not ready", "given up", "gave up", "did not")),
              45 * SLOW, "the log to say that the new binary was given up", every=0.2)
        assert set(gateway.workers()) == old
        load.wait_ok(20)
    assert load.failures == []
    until(lambda: not [pid for pid in process.descendants(gateway.pid)
                       if b"sleep" in process.whole_cmdline(pid)], 3 * SLOW, "the hanging one gone")
    replace(gateway)
    gateway.signal(signal.SIGUSR2)
    until(lambda: not any(map(process.alive, old)), 20 * SLOW, "a good one still takes over after it")
    parent = until(lambda: follow(gateway), 5, "the new parent")
    assert gateway.chat("mock/echo").status == 200
    gateway.known.update(process.descendants(parent))
    if parent != gateway.pid:
        os.kill(parent, signal.SIGTERM)
        until(lambda: process.reap() or not process.alive(parent), 10 * SLOW, "the new parent's end")
