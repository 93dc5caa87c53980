"""What the measuring scripts share: processes that are started and stopped by id, and /proc.

A `Proxy` is one of nginx, HAProxy, aigw, or nothing at all (`Direct`); each runs from a temporary
folder on free ports, pinned to the cores that it is given, with its access log in a file.
"""
import http.client
import json
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("AIGW_BUILD") or "build")
if not BUILD.is_absolute():
    BUILD = TREE / BUILD
TOOLS = BUILD / "tests" / "bench"
MODEL = "gpt-5-mini"
STREAM_MODELS = ["stream-1000-0ms", "stream-100-10ms", "stream-100000-2000ms", "stream-20-5ms",
                 "slow-200ms", "slow-50ms", "status-500", "cut-after-3"]


class Failed(Exception):
    """A measurement that cannot be trusted, with a sentence that says why."""


def build_tools():
    subprocess.run(["make", "-s", "-f", "tests/bench/build.mk", f"BUILD={BUILD}", "bench-tools"],
                   cwd=TREE, check=True)


def raise_file_limit(wanted=65536):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def open_files():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def most_streams(wanted=10000):
    """A proxied stream takes two descriptors of the proxy."""
    return min(wanted, (open_files() - 300) // 2)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(ready, what, seconds=10.0, pause=0.005):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = ready()
        if got:
            return got
        time.sleep(pause)
    raise Failed(f"{what} did not happen within {seconds} s")


def http_get(port, path, headers=None, timeout=5.0):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def answers(port, path="/readyz"):
    try:
        return http_get(port, path, timeout=1.0)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def pinned(cores, command):
    if cores is None or not shutil.which("taskset"):
        return list(map(str, command))
    return ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]


# ---- /proc ------------------------------------------------------------------------------------

def children_of(pid):
    """Ids of the living children of a process."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            pass
    return found


def family_of(pid):
    family = [pid]
    for child in children_of(pid):
        family += family_of(child)
    return family


def title_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(
            errors="replace").strip()
    except OSError:
        return ""


def cpu_ns(pids):
    """CPU time of all threads of processes: schedstat has nanoseconds, stat only ticks."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (OSError, IndexError):
                fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
                ticks = int(fields[11]) + int(fields[12])
                total += ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    return total


def memory_of(pid):
    """PSS, RSS and private bytes of a process."""
    found = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        match = re.match(r"(Pss|Rss|Private_Dirty|Pss_Anon):\s+(\d+) kB", line)
        if match:
            found[match.group(1).lower()] = int(match.group(2)) * 1024
    return found


def descriptors_of(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def connections_of(pid, port, made=False):
    """How many connections a process holds: accepted on a local port, or made to a port."""
    inodes = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2 if made else 1].split(":")[1], 16) == port and fields[3] == "01":
            inodes.add(fields[9])
    held = 0
    try:
        for entry in os.listdir(f"/proc/{pid}/fd"):
            match = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{entry}"))
            held += bool(match and match.group(1) in inodes)
    except OSError:
        pass  # the process, or this descriptor of it, has just gone
    return held


def machine_facts():
    cpu = next((line.split(":", 1)[1].strip()
                for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown")
    release = next((line.split("=", 1)[1].strip('"')
                    for line in pathlib.Path("/etc/os-release").read_text().splitlines()
                    if line.startswith("PRETTY_NAME")), "unknown")
    return {"cpu": cpu, "cores": os.cpu_count(), "kernel": os.uname().release,
            "system": release, "load_before": os.getloadavg()[0]}


# ---- processes --------------------------------------------------------------------------------

class Process:
    """One started program; its output goes to files of its folder."""

    def __init__(self, folder, name, command, cores=None, env=None, **more):
        self.out = open(pathlib.Path(folder) / f"{name}.out", "ab")
        self.name = name
        self.folder = pathlib.Path(folder)
        self.popen = subprocess.Popen(pinned(cores, command), stdout=self.out, stderr=self.out,
                                      stdin=subprocess.DEVNULL, env=env, **more)
        self.pid = self.popen.pid

    def said(self):
        return (self.folder / f"{self.name}.out").read_text(errors="replace")

    def stop(self, number=signal.SIGTERM, seconds=20):
        if self.popen.poll() is None:
            self.popen.send_signal(number)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(5)
        self.out.close()
        return self.popen.returncode


class Provider(Process):
    def __init__(self, folder, cores=None, port=0, *options):
        super().__init__(folder, "provider", [TOOLS / "provider", "--port", port, *options], cores)
        try:
            wait_until(lambda: self.said().startswith("port ") and "\n" in self.said(),
                       "the provider's start")
        except Failed:
            self.stop()
            raise
        self.port = int(self.said().split()[1])

    def counts(self):
        return json.loads(http_get(self.port, "/__count")[1])

    def ids(self):
        """x-request-id -> how often it came."""
        rows = http_get(self.port, "/__ids", timeout=60)[1].decode().split("\n")
        return {row.split()[0]: int(row.split()[1]) for row in rows if row}

    def reset(self):
        http_get(self.port, "/__reset")


def load_command(port, *options):
    return [TOOLS / "load", port, *options]


def load(port, *options, cores=None, seconds=900):
    """Runs the load program to its end; its JSON object."""
    done = subprocess.run(pinned(cores, load_command(port, *options)), capture_output=True,
                          text=True, timeout=seconds, check=False)
    if done.returncode != 0:
        raise Failed(f"the load program ended with {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Load:
    """The load program beside other work."""

    def __init__(self, port, *options, cores=None):
        self.popen = subprocess.Popen(pinned(cores, load_command(port, *options)), text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def wait_open(self, seconds=60):
        """Until the load program says that all its streams are open."""
        readable, _, _ = select.select([self.popen.stderr], [], [], seconds)
        if readable and self.popen.stderr.readline().startswith("open "):
            return
        got = self.end()
        raise Failed(f"{got['streams_most']} of {got['requests']} streams opened within {seconds} "
                     f"s: {got['failures']}, {got['statuses']}, {got['held']} under way")

    def running(self):
        return self.popen.poll() is None

    def end(self):
        if self.popen.poll() is None:
            self.popen.terminate()
        return self.result()

    def result(self, seconds=900):
        out, err = self.popen.communicate(timeout=seconds)
        if self.popen.returncode != 0:
            raise Failed(f"the load program ended with {self.popen.returncode}: {err.strip()}")
        return json.loads(out)


# ---- what is measured -------------------------------------------------------------------------

class Direct:
    """No proxy: the provider itself."""
    name = "direct"
    key = "none"

    def __init__(self, provider):
        self.plain_port = self.stream_port = provider.port

    def worker_pids(self):
        return []

    def all_pids(self):
        return []

    def stop(self):
        pass


class Proxy:
    name = "proxy"
    key = "none"

    def __init__(self, provider, cores, folder, workers=1):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=folder))
        self.plain_port = free_port()
        self.stream_port = free_port()
        self.provider = provider
        self.cores = cores
        self.workers = workers
        self.process = None

    def stop(self):
        if self.process:
            self.process.stop()

    def all_pids(self):
        return family_of(self.process.pid)

    def start_process(self, command, env=None, probe="/v1/models"):
        self.process = Process(self.folder, self.name, command, self.cores, env)
        try:
            wait_until(lambda: self.process.popen.poll() is not None or
                       answers(self.plain_port, probe), f"the start of {self.name}", 20)
            if self.process.popen.poll() is not None:
                raise Failed(f"{self.name} ended at its start: {self.process.said()[-2000:]}")
        except Failed:
            self.stop()
            raise
        return self


class Nginx(Proxy):
    """worker_connections: nginx closes waiting connections when 1/32 of them is all that is left."""
    name = "nginx"
    more = ""

    def log_rows(self):
        return f"access_log {self.folder}/access.log combined;"

    def start(self):
        (self.folder / "nginx.conf").write_text(f"""
daemon off; user root; worker_processes {self.workers}; 
pid {self.folder}/pid; error_log {self.folder}/error.log;
events {{ worker_connections {most_streams() * 2 * 33 // 32 + 1000}; }}
http {{
    {self.log_rows()}
    client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
    fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
    keepalive_requests 1000000000; keepalive_timeout 300s; proxy_read_timeout 300s;
    upstream up {{ server 127.0.0.1:{self.provider.port}; keepalive 128; keepalive_requests 1000000000; }}
    proxy_http_version 1.1; proxy_set_header Connection ""; {self.more}
    server {{ listen 127.0.0.1:{self.plain_port} backlog=4096;
             location / {{ proxy_pass http://up; }} }}
    server {{ listen 127.0.0.1:{self.stream_port} backlog=4096;
             location / {{ proxy_pass http://up; proxy_buffering off; }} }}
}}
""")
        return self.start_process([shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.folder,
                                   "-e", self.folder / "error.log", "-c",
                                   self.folder / "nginx.conf"])

    def worker_pids(self):
        return children_of(self.process.pid)


class Haproxy(Proxy):
    name = "haproxy"

    def start(self):
        (self.folder / "haproxy.cfg").write_text(f"""
global
    maxconn {most_streams() + 100}
    nbthread {self.workers}
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    timeout connect 10s
    timeout client 300s
    timeout server 300s
    http-reuse always
frontend plain
    bind 127.0.0.1:{self.plain_port} backlog 4096
    default_backend up
frontend stream
    bind 127.0.0.1:{self.stream_port} backlog 4096
    option http-no-delay
    default_backend up
backend up
    server up 127.0.0.1:{self.provider.port}
""")
        return self.start_process([shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f",
                                   self.folder / "haproxy.cfg"])

    def worker_pids(self):
        return [self.process.pid]


class Aigw(Proxy):
    """All on: key check, usage record, access log in a file, metrics."""
    name = "aigw"

    def __init__(self, provider, cores, folder, workers=1, store=None, more=""):
        super().__init__(provider, cores, folder, workers)
        self.admin_port = free_port()
        self.stream_port = self.plain_port
        self.config = self.folder / "aigw.yaml"
        self.store = store or f"sqlite:{self.folder}/aigw.db"
        self.more = more
        self.env = dict(os.environ, UP_KEY="sk-up-0123456789")

    def settings(self):
        rows = [("fast", MODEL)] + [(name, name) for name in STREAM_MODELS]
        models = "\n".join(f"  - {{name: {name}, targets: [{{provider: up, model: {to}}}]}}"
                           for name, to in rows)
        return f"""listen: 127.0.0.1:{self.plain_port}
admin: {{listen: "127.0.0.1:{self.admin_port}", socket: {self.folder}/admin.sock}}
state_dir: {self.folder}
workers: {self.workers}
store: {self.store}
log: {{level: info, format: json, access: {self.folder}/access.log}}
providers:
  - {{name: up, kind: openai, base_url: "http://127.0.0.1:{self.provider.port}/v1", api_key: "${{UP_KEY}}"}}
models:
{models}
{self.more}"""

    def start(self):
        self.config.write_text(self.settings())
        self.launch()
        try:
            self.key = self.control("keys", "create", "--name", "bench")["key"]
        except BaseException:
            self.stop()
            raise
        return self

    def launch(self):
        return self.start_process([BUILD / "aigw", "--config", self.config], self.env, "/readyz")

    def control(self, *words):
        done = subprocess.run([BUILD / "aigwctl", "--config", self.config, *words, "-o", "json"],
                              capture_output=True, text=True, env=self.env, timeout=60, check=False)
        if done.returncode != 0:
            raise Failed(f"aigwctl {' '.join(words)} ended with {done.returncode}: "
                         f"{done.stderr.strip()} {done.stdout.strip()}")
        return json.loads(done.stdout)

    def titled(self, word):
        return [pid for pid in self.all_pids() if f"aigw: {word}" in title_of(pid)]

    def worker_pids(self):
        return self.titled("worker")

    def controller_pid(self):
        found = self.titled("controller")
        return found[0] if found else None


def have_aigw():
    return os.access(BUILD / "aigw", os.X_OK) and os.access(BUILD / "aigwctl", os.X_OK)


def median(values):
    return statistics.median(values) if values else 0.0


class Table:
    """Rows of a Markdown table, padded so that it reads as text too."""

    def __init__(self, *head):
        self.rows = [list(map(str, head))]

    def add(self, *cells):
        self.rows.append([cell if isinstance(cell, str) else f"{cell:g}" for cell in cells])

    def text(self):
        widths = [max(len(row[i]) for row in self.rows) for i in range(len(self.rows[0]))]

        def line(row):
            return "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |"

        bar = "|" + "|".join("-" * (w + 2) for w in widths) + "|"
        return "\n".join([line(self.rows[0]), bar, *map(line, self.rows[1:])])
