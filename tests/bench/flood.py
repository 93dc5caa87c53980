"""A stream that floods: a provider that writes as fast as it can, a client that reads as fast as it can
(or slowly), and small requests of others at a fixed rate on the same worker. They must not notice."""
import json
import multiprocessing
import os
import socket
import time

import lab
from lab import Failed

RATE = 400              # small requests a second
SLOWER = 2.0            # p99 with the flood, against p99 without
EVENTS_IN_BLOCK = 300   # about 60 kB: many small events in one write
SLOW_READ_BYTES = 65536
SLOW_PAUSE_S = 0.02


def block():
    """Events of a stream as one chunk of chunked coding."""
    event = json.dumps({"id": "chatcmpl-flood", "object": "chat.completion.chunk", "created": 1700000000,
                        "model": "flood", "choices": [{"index": 0, "delta": {"content": "water " * 8},
                                                       "finish_reason": None}]})
    events = f"data: {event}\n\n".encode() * EVENTS_IN_BLOCK
    return b"%x\r\n%s\r\n" % (len(events), events)


def give_way():
    """What is measured is what the worker does with a flood, not who gets a processor that the flood's own ends
    use: those have one when nobody else wants it."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def pour(listener):
    """Answers each connection's request with a stream that does not end."""
    give_way()
    blocks = block() * 8
    while True:
        peer, _ = listener.accept()
        try:
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n")
            while True:
                peer.sendall(blocks)
        except OSError:
            peer.close()


class Way:
    """How the flood flows: through the gateway or past it (None: not at all), to whom."""

    def __init__(self, through=True, pause_s=0.0, path="/v1/chat/completions"):
        self.through, self.pause_s, self.path = through, pause_s, path


def drink(port, key, way, drunk):
    give_way()
    body = json.dumps({"model": "flood", "stream": True, "max_tokens": 100000,
                       "messages": [{"role": "user", "content": "hello"}]})
    room = bytearray(SLOW_READ_BYTES if way.pause_s else 1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(f"POST {way.path} HTTP/1.1\r\nhost: flood\r\nauthorization: Bearer {key}\r\n"
                     f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        while got := peer.recv_into(room):
            drunk.value += got
            time.sleep(way.pause_s)


class Flood:
    """The provider and, while `through` lasts, a client; each a process of its own. On two cores they take
    processors from all others: that is no fault of the gateway, so it is compared with a flood past it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.provider = multiprocessing.Process(target=pour, args=(self.listener,), daemon=True)
        self.provider.start()

    def stop(self):
        self.provider.kill()
        self.provider.join(10)
        self.listener.close()

    def through(self, way, port, key, while_it_lasts):
        """What WHILE_IT_LASTS returns, and how many bytes a second came meanwhile."""
        drunk = multiprocessing.Value("Q", 0)
        client = multiprocessing.Process(target=drink, args=(port, key, way, drunk), daemon=True)
        client.start()
        try:
            lab.wait_until(lambda: drunk.value > 1 << 20, "the flood")
            before, began = drunk.value, time.monotonic()
            result = while_it_lasts()
            if not client.is_alive():
                raise Failed("the flood ended too early")
            return result, (drunk.value - before) / (time.monotonic() - began)
        finally:
            client.kill()
            client.join(10)


class Flooded(lab.Aigw):
    """One worker, and an account that floods."""

    def __init__(self, provider, folder, flood):
        super().__init__(provider, None, folder, workers=1)
        self.flood = flood

    def settings(self):
        account = f'  - {{name: river, kind: openai, base_url: "http://127.0.0.1:{self.flood.port}/v1", ' \
                  'api_key: "${UP_KEY}"}\nmodels:\n  - {name: flood, targets: [{provider: river, model: flood}]}\n'
        return super().settings().replace("models:\n", account, 1)


WAYS = {"none": Way(through=None), "past the gateway": Way(through=False), "to a fast reader": Way(),
        "to a slow reader": Way(pause_s=SLOW_PAUSE_S), "translated": Way(path="/v1/messages")}


def small_requests(proxy, seconds):
    got = lab.load(proxy.plain_port, "--key", proxy.key, "--connections", 16, "--rate", RATE,
                   "--seconds", seconds)
    if got["failed"]:
        raise Failed(f"{got['failed']} small requests failed: {got['failures']}")
    return got["latency_us"]


def measured(proxy, river, seconds, rounds):
    """Rows of latencies and MB/s of each way, taken in turn."""
    found = {way: [] for way in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            port = proxy.plain_port if way.through else river.port
            found[name].append((small_requests(proxy, seconds), 0) if way.through is None else
                               river.through(way, port, proxy.key, lambda: small_requests(proxy, seconds)))
    return found


def flood(folder, given):
    seconds, rounds = (2, 3) if given.quick else (5, 5)
    provider, river = lab.Provider(folder), Flood()
    try:
        proxy = Flooded(provider, folder, river).start()
        try:
            found = measured(proxy, river, seconds, rounds)
        finally:
            proxy.stop()
    finally:
        river.stop()
        provider.stop()
    return judge(found)


def judge(found):
    """Of the rounds the least disturbed: what else runs on the machine only adds."""
    least = {name: {at: min(latency[at] for latency, _ in rows) / 1e3 for at in ("p50", "p99")}
             for name, rows in found.items()}
    text = "; ".join(f"{name} p50 {least[name]['p50']:.2f}, p99 {least[name]['p99']:.2f} ms "
                     f"({max(speed for _, speed in rows) / 1e6:,.0f} MB/s)" for name, rows in found.items())
    base = least["past the gateway"]["p99"]
    return (f"{RATE} small requests a second; a flood {text}",
            all(row["p99"] <= SLOWER * base for row in least.values()))
