"""As systemd runs it: sockets handed over, readiness and life told over NOTIFY_SOCKET."""
import fcntl
import os
import re
import signal
import socket
import sys
import threading

import pytest

from harness.gateway import DAEMON, SLOW
from harness.load import Load
from harness.wait import until


# What systemd does before exec: the socket as descriptor 3, the process named in the environment.
LAUNCH = """#!%s
import os, sys
os.dup2(%d, 3)
os.closerange(4, 64)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="aigw.socket")
os.execv(os.environ["AIGW"], [os.environ["AIGW"], *sys.argv[1:]])
"""


class NotifySocket:
    """What systemd listens on; keeps every message."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.messages = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data, ancillary, _, _ = self.sock.recvmsg(4096, 1024)
            except OSError:
                return
            for _, kind, fds in ancillary:
                for at in range(0, len(fds), 4):
                    os.close(int.from_bytes(fds[at:at + 4], "little"))
            self.messages.append(data.decode())

    def has(self, word):
        return any(line == word or line.startswith(word) for message in self.messages
                   for line in message.split("\n"))

    def wait(self, word, timeout=5):
        until(lambda: self.has(word), timeout * SLOW, "the message %s in %r" % (word, self.messages))


@pytest.fixture
def notify(tmp_path):
    made = NotifySocket(tmp_path)
    yield made
    made.sock.close()


def test_ready_reload_stop(room, notify):
    gateway = room.gateway(env={"NOTIFY_SOCKET": notify.path})
    gateway.workers_may_change = True
    notify.wait("READY=1")
    count = sum("READY=1" in message for message in notify.messages)
    gateway.signal(signal.SIGHUP)
    notify.wait("RELOADING=1")
    reloading = [message for message in notify.messages if "RELOADING=1" in message][0]
    assert re.search(r"MONOTONIC_USEC=\d+", reloading)
    until(lambda: sum("READY=1" in message for message in notify.messages) > count, 5, "ready again")
    gateway.terminate()
    notify.wait("STOPPING=1")


def test_ready_is_not_said_before_it_is_true(room, notify):
    gateway = room.unstarted(env={"NOTIFY_SOCKET": notify.path})
    gateway.start(wait=False)
    notify.wait("READY=1")
    assert gateway.get("/readyz", key=None).status == 200


def test_bad_settings_never_say_ready(room, notify):
    gateway = room.unstarted(env={"NOTIFY_SOCKET": notify.path})
    gateway.write("listen: nonsense\n")
    gateway.start(wait=False)
    assert gateway.child.wait(5) != 0
    assert not notify.has("READY=1")


def test_watchdog_is_petted(room, notify):
    gateway = room.unstarted(env={"NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "1000000"})
    gateway.start()
    until(lambda: sum("WATCHDOG=1" in message for message in notify.messages) >= 3, 5 * SLOW,
          "three WATCHDOG=1")


@pytest.fixture
def activation(room, tmp_path):
    """A gateway whose listening socket is ours: LISTEN_FDS by way of a small launcher."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    handed = fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD, 10)     # never 3 itself
    script = tmp_path / "launch"
    script.write_text(LAUNCH % (sys.executable, handed))
    script.chmod(0o755)
    port = listener.getsockname()[1]
    gateway = room.unstarted(daemon=script, env={"AIGW": str(DAEMON)},
                             pass_fds=(handed,),
                             settings={"listen": "127.0.0.1:%d" % port})
    gateway.port = port
    gateway.workers_may_change = True
    yield gateway, listener
    listener.close()
    os.close(handed)


def test_socket_activation(activation):
    gateway, listener = activation
    waiting = socket.create_connection(listener.getsockname())     # before the daemon is there
    waiting.settimeout(10)
    gateway.start()
    waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert waiting.recv(1000).startswith(b"HTTP/1.1 200")
    waiting.close()
    assert gateway.chat("mock/echo").status == 200


def test_no_connection_is_refused_over_a_restart(activation):
    gateway, listener = activation
    gateway.start()
    with Load(gateway, 4, keep=False) as load:
        load.wait_ok(50)
        gateway.terminate()
        gateway.start(wait=False)
        load.wait_ok(50)
    assert load.failures == []
    assert gateway.ready()


def test_killed_parent_with_a_handed_socket(activation):
    gateway, listener = activation
    gateway.start()
    assert gateway.chat("mock/echo").status == 200
    gateway.kill()
    gateway.first_workers = None
    gateway.start()
    assert gateway.chat("mock/echo").status == 200
