"""A provider behind a network that swallows what is sent to it: no answer, no refusal, nothing.

The scenes run in a network namespace of their own, with a cable to a second one.
"""
import ctypes
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import fake_openai
from harness.gateway import SLOW
from harness.wait import until

CONNECT_S = 0.5


def in_namespace(scene):
    """Runs SCENE of this file there; what it prints comes back when it fails."""
    own = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    done = subprocess.run([*own, sys.executable, __file__, scene], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120 * SLOW)
    assert done.returncode == 0 and done.stdout.strip().endswith("scene passed"), done.stdout[-4000:]


def test_a_provider_that_swallows_all_costs_the_time_to_connect_and_no_request():
    in_namespace("swallowed")


def test_a_network_that_goes_away_in_the_middle_of_streams():
    in_namespace("unplugged")


# ---- inside ---------------------------------------------------------------------------------


NEAR, FAR = "198.51.100.1", "198.51.100.7"      # of a documentation range: nobody else has them
CLONE_NEWNET = 0x40000000


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class FarAway:
    """A second namespace, in which one thread lives with all sockets that it makes, and a cable to it."""

    def __init__(self):
        self.work, self.results = queue.Queue(), queue.Queue()
        threading.Thread(target=self._live, daemon=True).start()
        thread_id = self.results.get(timeout=20)
        ip("link", "set", "lo", "up")
        ip("link", "add", "near", "type", "veth", "peer", "name", "far")
        ip("link", "set", "far", "netns", str(thread_id))
        ip("addr", "add", NEAR + "/24", "dev", "near")
        ip("link", "set", "near", "up")
        self.there(lambda: ip("addr", "add", FAR + "/24", "dev", "far"))
        self.there(lambda: ip("link", "set", "far", "up"))

    def _live(self):
        assert ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        self.results.put(threading.get_native_id())
        while True:
            self.results.put(self.work.get()())

    def there(self, act):
        self.work.put(act)
        return self.results.get(timeout=20)


def swallowed(house, _):
    """Nobody answers for the address there: what is sent to it is gone before it leaves."""
    ip("neigh", "add", "198.51.100.66", "lladdr", "02:00:00:00:00:66", "dev", "near")
    spare = house.provider()
    hole = type("Hole", (), {"base_url": "http://198.51.100.66:8000/v1"})
    unwatched = {"health": {"watch": False}, "timeouts": {"connect": "%dms" % (CONNECT_S * 1000)}}
    gateway = house.gateway(("hole", hole, unwatched), ("spare", spare), settings={"models": [
        {"name": "both", "strategy": "priority", "targets": [{"provider": "hole", "model": "m"},
                                                             {"provider": "spare", "model": "m"}]}]})
    for stream in (False, True):
        began = time.monotonic()
        answer = gateway.chat("both", stream=stream)
        assert answer.status == 200 and answer.header("x-aigw-targets") == "hole, spare", answer
        assert time.monotonic() - began >= CONNECT_S
        alone = gateway.chat("hole/m", stream=stream)
        assert (alone.status, alone.error()["code"]) == (504, "provider_connect_timeout"), alone
    assert len(spare.requests) == 2
    gateway.wait_usage(4)


def unplugged(house, far_away):
    provider = far_away.there(lambda: house.provider(host=FAR))
    spare = house.provider()

    def talks(_, connection):
        connection.open_stream()
        connection.talk_until_ended(lambda _: fake_openai.chunk("m", {"content": "word "}), timeout=60)

    provider.on("talks", talks)
    far = type("Far", (), {"base_url": "http://%s:%d/v1" % (FAR, provider.port)})
    times = {"health": {"watch": False}, "timeouts": {"connect": "500ms", "head": "500ms", "idle": "500ms"}}
    gateway = house.gateway(("far", far, times), ("spare", spare), settings={"models": [
        {"name": "both", "strategy": "priority", "targets": [{"provider": "far", "model": "m"},
                                                             {"provider": "spare", "model": "m"}]}]})
    assert gateway.chat("both").header("x-aigw-attempts") is None
    client, _ = gateway.open_chat_stream("far/talks")
    with client:
        events = client.stream_events()
        assert "word" in next(events)[0]
        far_away.there(lambda: ip("link", "set", "far", "down"))
        last = [data for data, _ in events][-1]
    assert "provider_idle_timeout" in last, last
    answer = gateway.chat("both")           # first on a kept connection, of which nothing comes
    assert answer.status == 200 and answer.header("x-aigw-targets") == "far, spare", answer
    gateway.wait_usage(3)
    until(lambda: "aigw_exchanges_open 0" in gateway.metrics(), 10 * SLOW, "nothing under way", every=0.1)


def main(name):
    from conftest import House
    far_away, house = FarAway(), House()
    try:
        {"swallowed": swallowed, "unplugged": unplugged}[name](house, far_away)
        house.check()
    finally:
        house.close()
    print("scene passed")


if __name__ == "__main__":
    main(sys.argv[1])
