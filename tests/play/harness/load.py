"""Load of many clients that never retry and that name each failure."""
import json
import threading
import time

from harness.client import Broken, RawClient
from harness.gateway import chat_body


class Load:
    """N threads, each posting one after the other on kept connections (or a new one each time).

    A kept connection is opened again only when an answer announced its end by `Connection: close`.
    With `requests`, exactly that many succeed, however late the test looks at them.
    """

    def __init__(self, gateway, clients=8, keep=True, model="mock/echo", on_failure_sleep=0.0,
                 requests=None, **more):
        self.gateway = gateway
        self.keep = keep
        self.body = json.dumps({**chat_body(model), **more}).encode()
        self.headers = gateway.headers()
        self.ended = threading.Event()
        self.left = requests            # None: until the end
        self.ok = 0
        self.failures = []              # (time, class)
        self.lock = threading.Lock()
        self.pause = on_failure_sleep
        self.threads = [threading.Thread(target=self._client, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(20)

    def finish(self, timeout=20.0):
        """Waits until all `requests` have succeeded."""
        end = time.monotonic() + timeout
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))
            assert not thread.is_alive(), "load is not done: %d ok, %r" % (self.ok, self.failures[-3:])

    def _take(self):
        """May this client send another one?"""
        with self.lock:
            if self.ended.is_set() or self.left == 0:
                return False
            if self.left:
                self.left -= 1
            return True

    def _client(self):
        client = None
        while self._take():
            try:
                if client is None:
                    client = RawClient(self.gateway.port, timeout=20)
                client.request("POST", "/v1/chat/completions", self.headers, self.body)
                answer = client.read_response()
                if answer.status != 200 or b'"choices"' not in answer.body:
                    self._failed("status %d %r" % (answer.status, answer.body[:200]))
                else:
                    with self.lock:
                        self.ok += 1
                if not self.keep or (answer.header("connection") or "").lower() == "close":
                    client.close()
                    client = None
            except (OSError, Broken, ValueError) as error:
                self._failed("%s: %s" % (type(error).__name__, error))
                if client:
                    client.close()
                client = None
        if client:
            client.close()

    def _failed(self, what):
        with self.lock:
            self.failures.append((time.monotonic(), what))
            if self.left is not None:
                self.left += 1          # this client tries again
        time.sleep(self.pause)

    def wait_ok(self, number, timeout=20.0):
        """Waits until so many more requests have succeeded."""
        goal = self.ok + number
        end = time.monotonic() + timeout
        while self.ok < goal:
            assert time.monotonic() < end, "load stands still: %d ok, %r" % (self.ok,
                                                                           self.failures[-3:])
            time.sleep(0.01)
