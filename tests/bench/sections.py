"""The measurements of tests/bench/run, one function per section.

Each takes a `Bench` (cores, rounds, lengths) and returns plain dictionaries and lists: what goes to
bench.json. Proxies of one section run at the same time and are measured in turn (A B C A B C ...), so
that what else happens on the machine meets all of them; a figure is the median of its rounds.
"""
import contextlib
import pathlib
import time

import lab
from lab import Failed, median


class Bench:
    def __init__(self, folder, quick, names):
        cores = sorted(lab.os.sched_getaffinity(0))
        self.folder = pathlib.Path(folder)
        self.quick = quick
        self.names = names
        self.load_cores = cores[:1]
        self.proxy_cores = cores[1:2] or cores[:1]
        self.both_cores = cores[:2]
        self.rounds = 2 if quick else 5
        self.seconds = 1 if quick else 4

    def load(self, port, *options):
        return lab.load(port, *options, cores=self.load_cores)

    @contextlib.contextmanager
    def lab(self, direct=False):
        """A provider and the proxies before it, all running."""
        running = []
        provider = lab.Provider(self.folder, self.load_cores)
        try:
            for kind in (lab.Nginx, lab.Haproxy, lab.Aigw):
                if kind.name in self.names:
                    running.append(kind(provider, self.proxy_cores, self.folder))
                    running[-1].start()
            yield ([lab.Direct(provider)] if direct else []) + running
        finally:
            for one in running:
                one.stop()
            provider.stop()
            (self.folder / "provider.out").unlink()


def clean(result, what):
    if result["failed"] or result["unfinished"]:
        raise Failed(f"{what}: {result['failed']} failed, {result['unfinished']} unfinished "
                     f"of {result['requests']}: {result['failures']}")
    return result


class Spent:
    """CPU time of a proxy's processes over a stretch of load."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.begin = self.sample()
        self.began = time.monotonic()

    def sample(self):
        return lab.cpu_ns(self.proxy.worker_pids()), lab.cpu_ns(self.proxy.all_pids())

    def us_per(self, count):
        """(the workers', all processes') microseconds for each of `count`; what the controller
        still does half a second later is part of the second."""
        workers = lab.cpu_ns(self.proxy.worker_pids()) - self.begin[0]
        busy = workers / 1e9 / (time.monotonic() - self.began)
        if self.proxy.name == "aigw":
            time.sleep(0.5)
        everything = lab.cpu_ns(self.proxy.all_pids()) - self.begin[1]
        return {"worker_us": workers / 1e3 / count, "all_us": everything / 1e3 / count,
                "busy": busy}


def medians(rounds):
    """{name: [dict, ...]} to {name: {key: median}}."""
    return {name: {key: median([one[key] for one in rows]) for key in rows[0]}
            for name, rows in rounds.items()}


def interleaved(bench, proxies, measure):
    rounds = {}
    for proxy in proxies:
        measure(proxy)  # one round to warm up
    for _ in range(bench.rounds):
        for proxy in proxies:
            rounds.setdefault(proxy.name, []).append(measure(proxy))
    return {"medians": medians(rounds), "rounds": rounds}


def requests(bench):
    def measure(proxy):
        key = ("--key", proxy.key)
        spent = Spent(proxy)
        full = clean(bench.load(proxy.plain_port, *key, "--seconds", bench.seconds),
                     f"requests through {proxy.name}")
        row = spent.us_per(full["ok"])
        one = clean(bench.load(proxy.plain_port, *key, "--connections", 1, "--requests",
                               1000 if bench.quick else 5000), f"single {proxy.name}")
        rated = clean(bench.load(proxy.plain_port, *key, "--rate", 3000, "--seconds",
                                 bench.seconds / 2), f"rate through {proxy.name}")
        return dict(row, rps=full["rps"], full_p50=full["latency_us"]["p50"],
                    full_p99=full["latency_us"]["p99"], one_p50=one["latency_us"]["p50"],
                    one_p99=one["latency_us"]["p99"], rate_p50=rated["latency_us"]["p50"],
                    rate_p99=rated["latency_us"]["p99"])

    with bench.lab(direct=True) as proxies:
        return interleaved(bench, proxies, measure)


def chunks(bench):
    def stream(proxy, what, model, streams, count):
        spent = Spent(proxy)
        got = clean(bench.load(proxy.stream_port, "--key", proxy.key, "--streams", streams,
                               "--model", model, "--requests", count), f"{what} {proxy.name}")
        row = spent.us_per(got["chunks"])
        return {f"{what}_us": row["worker_us"], f"{what}_all_us": row["all_us"],
                f"{what}_chunks_per_second": got["chunks_per_second"],
                f"{what}_first_p50": got["first_us"]["p50"],
                f"{what}_gap_p99": got["gap_us"]["p99"]}

    def measure(proxy):
        return {**stream(proxy, "fast", "stream-1000-0ms", 32, 64 if bench.quick else 192),
                **stream(proxy, "paced", "stream-100-10ms", 100, 100 if bench.quick else 300)}

    with bench.lab(direct=True) as proxies:
        return interleaved(bench, proxies, measure)


def worker_memory(proxy):
    return sum(lab.memory_of(pid)["pss"] for pid in proxy.worker_pids())


def memory_of_streams(bench, proxy, count):
    """PSS of the worker with `count` streams open, and how many of them failed."""
    run = lab.Load(proxy.stream_port, "--key", proxy.key, "--streams", count, "--hold", "--model",
                   "stream-100000-2000ms", "--ramp", 2500, "--timeout-ms", 60000,
                   cores=bench.load_cores)
    try:
        run.wait_open()
        time.sleep(2.5)  # each stream has had a chunk more
        held = worker_memory(proxy)
    except Failed as error:
        raise Failed(f"{count} streams through {proxy.name}: {error}") from None
    finally:
        result = run.end() if run.popen.stdout and not run.popen.stdout.closed else None
    if result["failed"]:
        raise Failed(f"{result['failed']} of {count} streams through {proxy.name} failed: "
                     f"{result['failures']}")
    return held


def memory(bench):
    found = {}
    steps = (1000,) if bench.quick else (1000, 5000, lab.most_streams())
    with bench.lab() as proxies:
        time.sleep(1)
        for proxy in proxies:
            idle = worker_memory(proxy)
            everything = {lab.title_of(pid)[:24]: lab.memory_of(pid)["pss"]
                          for pid in proxy.all_pids()}
            clean(bench.load(proxy.plain_port, "--key", proxy.key, "--requests", 5000),
                  f"warming {proxy.name}")
            warm = worker_memory(proxy)
            open_pss = {}
            for count in steps:
                open_pss[count] = memory_of_streams(bench, proxy, count)
                time.sleep(1)
            most = steps[-1]
            found[proxy.name] = {
                "idle": idle, "warm": warm, "processes": everything, "open": open_pss,
                "after": worker_memory(proxy),
                "per_stream": (open_pss[most] - warm) / most, "streams": most}
    return found


def started(bench, provider):
    """Milliseconds from exec to the first good answer, with an empty state folder and a used one."""
    proxy = lab.Aigw(provider, bench.proxy_cores, bench.folder)
    rows = []
    try:
        began = time.monotonic()
        proxy.start()
        proxy.stop()
        for _ in range(3 if bench.quick else 9):
            began = time.monotonic()
            proxy.process = lab.Process(proxy.folder, proxy.name,
                                        [lab.BUILD / "aigw", "--config", proxy.config],
                                        proxy.cores, proxy.env)
            lab.wait_until(lambda: first_answer(proxy), "the first answer", 10, 0.001)
            rows.append((time.monotonic() - began) * 1e3)
            proxy.stop()
    finally:
        proxy.stop()
    return rows


def first_answer(proxy):
    """One POST by hand: the load program's own start would be measured otherwise."""
    body = b'{"model":"fast","messages":[{"role":"user","content":"hi"}]}'
    try:
        connection = lab.http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=2)
        connection.request("POST", "/v1/chat/completions", body,
                           {"Authorization": f"Bearer {proxy.key}",
                            "Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, lab.http.client.HTTPException):
        return False
    finally:
        connection.close()


def start(bench):
    if "aigw" not in bench.names:
        return {}
    provider = lab.Provider(bench.folder, bench.load_cores)
    try:
        rows = started(bench, provider)
    finally:
        provider.stop()
        (bench.folder / "provider.out").unlink()
    return {"ms": median(rows), "worst_ms": max(rows), "rounds": rows}


WORK_MODEL = "mock/work-200us"


def share_of(bench, proxy):
    """32 kept connections: how many each worker holds."""
    run = lab.Load(proxy.plain_port, "--key", proxy.key, "--connections", 32, "--seconds", 1.5,
                   cores=bench.load_cores)
    try:
        time.sleep(1)
        held = [lab.connections_of(pid, proxy.plain_port) for pid in proxy.worker_pids()]
    finally:
        clean(run.result(), "sharing connections")
    return held


def rps_of(bench, proxy, model):
    return clean(bench.load(proxy.plain_port, "--key", proxy.key, "--connections", 32, "--model",
                            model, "--seconds", bench.seconds), f"model {model}")["rps"]


def work_model(bench, proxy):
    """A model that costs the worker 200 us, where the gateway has one."""
    got = bench.load(proxy.plain_port, "--key", proxy.key, "--model", WORK_MODEL, "--requests", 1,
                     "--connections", 1)
    return WORK_MODEL if got["ok"] else "fast"


def fairness(bench):
    if "aigw" not in bench.names:
        return {}
    provider = lab.Provider(bench.folder, bench.load_cores)
    found = {"shares": [], "rps_1": [], "rps_2": []}
    running = []
    try:
        for workers in (1, 2):
            running.append(lab.Aigw(provider, bench.both_cores, bench.folder, workers=workers))
            running[-1].start()
        one, two = running
        found["model"] = work_model(bench, one)
        for _ in range(bench.rounds):
            found["shares"].append(share_of(bench, two))
            found["rps_1"].append(rps_of(bench, one, found["model"]))
            found["rps_2"].append(rps_of(bench, two, found["model"]))
    finally:
        for proxy in running:
            proxy.stop()
        provider.stop()
        (bench.folder / "provider.out").unlink()
    found["worst_share"] = max(max(held) / max(sum(held), 1) for held in found["shares"])
    found["ratio"] = median(found["rps_2"]) / max(median(found["rps_1"]), 1e-9)
    return found


class Way:
    """One gateway, asked in one dialect: the provider's own, or one that must be translated."""

    def __init__(self, gateway, folder, name, path):
        self.gateway, self.folder, self.name, self.path = gateway, folder, name, path
        self.key, self.plain_port = gateway.key, gateway.plain_port

    def worker_pids(self):
        return self.gateway.worker_pids()

    def all_pids(self):
        return self.gateway.all_pids()

    def options(self, model, streamed):
        body = {"model": model, "max_tokens": 1000, "stream": streamed,
                "messages": [{"role": "system" if self.name == "same" else "user",
                              "content": "You answer briefly. " * 20},
                             {"role": "user", "content": "What is a gateway? " * 25}]}
        file = self.folder / f"{self.name}-{model}.json"
        file.write_text(lab.json.dumps(body))
        return ["--key", self.key, "--path", self.path, "--body-file", file] + (
            ["--stream"] if streamed else [])


def translation(bench):
    """The same request through aigw in the provider's dialect and in another one."""
    def measure(way):
        spent = Spent(way)
        full = clean(bench.load(way.plain_port, *way.options("fast", False), "--seconds",
                                bench.seconds), f"requests, {way.name}")
        row = {"worker_us": spent.us_per(full["ok"])["worker_us"]}
        spent = Spent(way)
        got = clean(bench.load(way.plain_port, *way.options("stream-1000-0ms", True), "--streams",
                               32, "--requests", 64 if bench.quick else 192),
                    f"streams, {way.name}")
        return dict(row, chunk_us=spent.us_per(got["chunks"])["worker_us"])

    if "aigw" not in bench.names:
        return {}
    provider = lab.Provider(bench.folder, bench.load_cores)
    gateway = lab.Aigw(provider, bench.proxy_cores, bench.folder)
    try:
        gateway.start()
        return interleaved(bench, [Way(gateway, bench.folder, "same", "/v1/chat/completions"),
                                   Way(gateway, bench.folder, "translated", "/v1/messages")],
                           measure)
    finally:
        gateway.stop()
        provider.stop()
        (bench.folder / "provider.out").unlink()


class Cached:
    """One gateway, asked for a model whose answers are kept, or for one whose are not."""

    def __init__(self, gateway, name, model):
        self.gateway, self.name, self.model = gateway, name, model

    def worker_pids(self):
        return self.gateway.worker_pids()

    def all_pids(self):
        return self.gateway.all_pids()


def cache(bench):
    """What an answer from the cache costs beside one from the provider."""
    def measure(way):
        spent = Spent(way)
        full = clean(bench.load(way.gateway.plain_port, "--key", way.gateway.key, "--model",
                                way.model, "--seconds", bench.seconds), way.name)
        return dict(spent.us_per(full["ok"]), rps=full["rps"], p50=full["latency_us"]["p50"],
                    p99=full["latency_us"]["p99"])

    if "aigw" not in bench.names:
        return {}
    provider = lab.Provider(bench.folder, bench.load_cores)
    more = """  - {name: kept, targets: [{provider: up, model: %s}], cache: {ttl: 1h, sampled: true}}
""" % lab.MODEL
    gateway = lab.Aigw(provider, bench.proxy_cores, bench.folder, more=more)
    try:
        gateway.start()
        found = interleaved(bench, [Cached(gateway, "proxied", "fast"),
                                    Cached(gateway, "hit", "kept")], measure)
        found["status"] = gateway.control("cache", "status")
        return found
    finally:
        gateway.stop()
        provider.stop()
        (bench.folder / "provider.out").unlink()


SECTIONS = {"requests": requests, "chunks": chunks, "translation": translation, "cache": cache,
            "memory": memory, "fairness": fairness, "start": start}
