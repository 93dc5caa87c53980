"""Providers that fail while another serves, and all of them at once: what clients notice, and what
reaches the providers meanwhile."""
import http.client
import json
import pathlib
import threading
import time

import lab
from lab import Failed

RATE = 100          # requests a second
FAILOVER_MS = 10
MULTIPLIED = 1.2
RECOVERY_S = 10


class Routed(lab.Aigw):
    """One model with an account at each of several ports, in the order of the list."""

    def __init__(self, provider, folder, ports, workers=2):
        super().__init__(provider, None, folder, workers=workers)
        self.ports = ports

    def settings(self):
        providers = "\n".join(
            f'  - {{name: p{i}, kind: openai, base_url: "http://127.0.0.1:{port}/v1", '
            f'api_key: "${{UP_KEY}}"}}' for i, port in enumerate(self.ports))
        targets = ", ".join(f"{{provider: p{i}, model: {lab.MODEL}, priority: {i}}}"
                            for i in range(len(self.ports)))
        return f"""listen: 127.0.0.1:{self.plain_port}
admin: {{listen: "127.0.0.1:{self.admin_port}", socket: {self.folder}/admin.sock}}
state_dir: {self.folder}
workers: {self.workers}
store: {self.store}
log: {{level: info, format: json, access: {self.folder}/access.log}}
providers:
{providers}
models:
  - {{name: fast, targets: [{targets}]}}
"""


class Asking(threading.Thread):
    """Asks again and again on a kept connection, without waiting for others; notes (begin, seconds,
    status)."""

    def __init__(self, proxy, pause, model="fast"):
        super().__init__(daemon=True)
        self.proxy, self.pause = proxy, pause
        self.rows, self.ended = [], threading.Event()
        self.body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]})
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.plain_port, timeout=30)
        headers = {"authorization": f"Bearer {self.proxy.key}", "content-type": "application/json"}
        while not self.ended.wait(self.pause):
            begin = time.monotonic()
            try:
                connection.request("POST", "/v1/chat/completions", self.body, headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
                status = 0
            self.rows.append((begin, time.monotonic() - begin, status))

    def stop(self):
        self.ended.set()
        self.join(40)
        return self.rows


def asked(proxy, seconds, clients=10):
    """All rows of so many clients, RATE together."""
    asking = [Asking(proxy, clients / RATE) for _ in range(clients)]
    time.sleep(seconds)
    return [row for one in asking for row in one.stop()]


def quantile_ms(rows, share):
    values = sorted(row[1] for row in rows)
    return 1e3 * values[min(len(values) - 1, int(share * len(values)))]


class Broken:
    """A port whose connections are refused, or reset when the request has come."""

    def __init__(self, folder, reset):
        self.provider = lab.Provider(folder / "broken") if reset else None
        self.port = self.provider.port if reset else lab.free_port()
        if reset:
            lab.http_get(self.port, "/__fail/999")      # the status that stands for a reset

    def stop(self):
        if self.provider:
            self.provider.stop()


def failover(folder, given):
    """The first account refuses or resets, the second serves: nothing fails, little is added."""
    folder = pathlib.Path(folder)
    (folder / "broken").mkdir()
    provider = lab.Provider(folder)
    found, passed = [], True
    try:
        for name, broken in (("alone", None), ("refused", Broken(folder, False)),
                             ("reset", Broken(folder, True))):
            ports = ([broken.port] if broken else []) + [provider.port]
            proxy = Routed(provider, folder, ports).start()
            try:
                rows = asked(proxy, 3 if given.quick else 15)
            finally:
                proxy.stop()
                if broken:
                    broken.stop()
            failed = sum(status != 200 for _, _, status in rows)
            p50, p95, p99 = (quantile_ms(rows, share) for share in (0.5, 0.95, 0.99))
            if name == "alone":
                base = p95
            passed = passed and not failed and len(rows) > RATE and p95 - base <= FAILOVER_MS
            found.append(f"{name}: {failed} of {len(rows)} failed, p50 {p50:.1f}, p95 {p95:.1f}, "
                         f"p99 {p99:.1f} ms")
    finally:
        provider.stop()
    return "; ".join(found), passed


def outage(folder, given):
    """All accounts answer 503 for a minute: the providers are not flooded, and serve at once again."""
    folder = pathlib.Path(folder)
    providers = []
    for number in range(2):
        (folder / f"p{number}").mkdir()
        providers.append(lab.Provider(folder / f"p{number}"))
    seconds = 8 if given.quick else 60
    proxy = Routed(providers[0], folder, [one.port for one in providers]).start()
    try:
        before = asked(proxy, 2)
        for one in providers:
            lab.http_get(one.port, "/__fail/503")
            one.reset()
        during = asked(proxy, seconds)
        reached = sum(one.counts()["requests"] for one in providers)
        asking = [Asking(proxy, 0.1) for _ in range(10)]
        time.sleep(1)
        began = time.monotonic()
        for one in providers:
            lab.http_get(one.port, "/__fail/0")
        time.sleep(RECOVERY_S + 2)
        after = [row for one in asking for row in one.stop() if row[0] > began]
    finally:
        proxy.stop()
        for one in providers:
            one.stop()
    if any(status != 200 for _, _, status in before):
        raise Failed("requests failed before the outage")
    last_bad = max((begin + took for begin, took, status in after if status != 200), default=began)
    ratio, recovery = reached / len(during), last_bad - began
    good = sum(status == 200 for _, _, status in during)
    return (f"{len(during)} requests in {seconds} s ({good} good), {reached} reached the providers "
            f"({ratio:.2f} x), slowest answer {quantile_ms(during, 1):.0f} ms; all served "
            f"{recovery:.1f} s after they were back",
            not good and ratio <= MULTIPLIED and recovery <= RECOVERY_S and after[-1][2] == 200)
