"""The daemon under test: settings, start, keys, requests, signals, logs, and its orderly end.

`Gateway.close` is part of every scenario: it ends the daemon and fails when the log holds an alert,
a failed assertion or a sanitizer report, when a child is left or a socket was leaked.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from harness import process, settings as settings_file
from harness.client import Broken, RawClient
from harness.wait import until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
BUILD = pathlib.Path(os.environ.get("AIGW_BUILD", ROOT / "build")).absolute()
DAEMON = BUILD / "aigw"
TOOL = BUILD / "aigwctl"
SLOW = float(os.environ.get("PLAY_SLOW", "1"))     # sanitizer builds: a factor on waits
FAULT = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:|"
                   r"Assertion .* failed|CHECK failed|assertion failed|stack smashing|"
                   r"double free|free\(\): invalid|malloc\(\): ", re.I)
BAD_LEVELS = {"alert", "emerg", "emergency", "crit", "critical", "fatal", "bug"}


class Gateway:
    def __init__(self, settings=None, env=None, store=None, text=None, start=True, daemon=None,
                 pass_fds=(), inherit=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aigw-play."))
        self.port = process.free_port()
        self.admin_port = process.free_port()
        self.file = self.folder / "aigw.yaml"
        self.access = self.folder / "access.log"
        self.errors = self.folder / "stderr.log"
        self.daemon = str(daemon or DAEMON)
        self.env = {**os.environ, **(env or {})}
        self.env.pop("NOTIFY_SOCKET", None) if "NOTIFY_SOCKET" not in (env or {}) else None
        for name in [name for name in self.env if name.endswith("_API_KEY")]:
            if name not in (env or {}):
                del self.env[name]          # providers from the tester's own environment
        self.settings = self.base(store)
        self.pass_fds = pass_fds
        self.inherit = inherit              # called in the child before exec
        self.child = None
        self.known = set()                  # every pid ever seen in the daemon's tree
        self.first_workers = None
        self.workers_may_change = False
        self.faults_expected = []           # patterns a scenario provokes on purpose
        self.exit_code = None
        self._key = None
        self.merge(settings or {})
        self.write(text)
        if start:
            self.start()

    # settings

    def base(self, store):
        return {
            "listen": "127.0.0.1:%d" % self.port,
            "admin": {"listen": "127.0.0.1:%d" % self.admin_port,
                      "socket": str(self.folder / "admin.sock")},
            "state_dir": str(self.folder / "state"),
            "workers": 2,
            "store": store or "sqlite:%s" % (self.folder / "aigw.db"),
            "log": {"level": "info", "format": "json", "access": str(self.access)},
            "timeouts": {"drain": "10s"},
            "health": {"probe": {"when": "never"}},     # scenarios count what a provider is asked
            "providers": [{"name": "mock", "kind": "mock"}],
            "models": [{"name": "fast", "targets": [{"provider": "mock", "model": "echo"}]}],
        }

    def merge(self, changes):
        for name, value in changes.items():
            if isinstance(value, dict) and isinstance(self.settings.get(name), dict):
                self.settings[name] = {**self.settings[name], **value}
            elif value is None:
                self.settings.pop(name, None)
            else:
                self.settings[name] = value

    def write(self, text=None):
        (self.folder / "state").mkdir(exist_ok=True)
        self.file.write_text(settings_file.dump(self.settings) if text is None else text)

    # life

    def start(self, wait=True):
        process.adopt_orphans()
        errors = open(self.errors, "ab")
        self.child = subprocess.Popen([self.daemon, "--config", str(self.file)], env=self.env,
                                      stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                                      cwd=self.folder, pass_fds=self.pass_fds,
                                      preexec_fn=self.inherit)
        errors.close()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout=10.0):
        until(self.ready, timeout * SLOW, lambda: "the gateway ready; its log: "
              + self.log_text()[-2000:])
        until(lambda: len(self.workers()) >= self.worker_count(), timeout * SLOW, "all workers up")
        if self.first_workers is None:
            self.first_workers = self.workers()

    def worker_count(self):
        return self.settings["workers"] if isinstance(self.settings["workers"], int) else 1

    def ready(self):
        if self.child.poll() is not None:
            raise AssertionError("the daemon ended with %r: %s"
                                 % (self.child.returncode, self.log_text()[-3000:]))
        try:
            with self.connect(timeout=1.0) as client:
                return self.get("/readyz", key=None, client=client).status == 200
        except (OSError, Broken):
            return False

    @property
    def pid(self):
        return self.child.pid

    def pids(self, role):
        """The pids of a role by process title, e.g. "worker"; remembers all it saw."""
        tree = process.descendants(self.pid)
        self.known.update(tree)
        return [pid for pid in tree if process.title(pid).startswith("aigw: " + role)]

    def workers(self):
        return self.pids("worker")

    def controller(self):
        return until(lambda: self.pids("controller"), 5, "a controller")[0]

    def signal(self, number):
        self.child.send_signal(number)

    def reload(self, timeout=5.0):
        """Writes the settings, sends SIGHUP and waits until the log speaks of the outcome."""
        self.write()
        before = len(self.log_text())
        self.signal(signal.SIGHUP)
        until(lambda: "reload" in self.log_text()[before:].lower()
              or "settings" in self.log_text()[before:].lower(),
              timeout * SLOW, "a log line about the reload")

    def terminate(self, timeout=15.0):
        """SIGTERM, a second one when it takes long; returns the exit code."""
        if self.child is None or self.child.poll() is not None:
            return None if self.child is None else self.child.returncode
        self.workers()
        self.signal(signal.SIGTERM)
        try:
            self.exit_code = self.child.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGTERM)
            self.exit_code = self.child.wait(10 * SLOW)
            raise AssertionError("a drain without work took over %.0f s" % timeout)
        return self.exit_code

    def kill(self):
        """kill -9 of the parent alone."""
        self.workers()
        self.child.kill()
        self.child.wait()

    def restart(self):
        self.terminate()
        self.first_workers = None
        self.start()

    def close(self):
        """The end of every scenario, with its checks."""
        problems = []
        try:
            if self.child and self.child.poll() is None:
                problems += self.leaks()
                code = self.terminate()
                if code != 0:
                    problems.append("exit code %r after SIGTERM" % code)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            problems.append(str(error))
        finally:
            if self.child and self.child.poll() is None:
                self.known.update(process.descendants(self.pid))
                self.child.kill()
                self.child.wait()
            problems += self.remains()
            problems += self.log_faults()
            if not problems and not os.environ.get("PLAY_KEEP"):
                shutil.rmtree(self.folder, ignore_errors=True)
        assert not problems, "%s (folder %s)" % ("; ".join(problems), self.folder)

    def remains(self):
        """Children that outlived the daemon; they are killed here."""
        end = time.monotonic() + 2 * SLOW
        while True:
            process.reap()
            left = [pid for pid in self.known if process.alive(pid)
                    and process.title(pid).startswith("aigw")]
            if not left or time.monotonic() > end:
                break
            time.sleep(0.02)
        names = ["%s (%d) is left" % (process.title(pid), pid) for pid in left]
        for pid in left:
            process.kill(pid)
        process.reap()
        return names

    def leaks(self):
        """Sockets whose peer has closed long ago are leaked."""
        def half_closed():
            return sum(process.tcp_states(pid).get("08", 0) for pid in self.workers())
        end = time.monotonic() + 1.0 * SLOW
        while half_closed():
            if time.monotonic() > end:
                return ["%d sockets stay in CLOSE_WAIT" % half_closed()]
            time.sleep(0.05)
        return []

    # logs

    def log_text(self):
        try:
            return self.errors.read_text(errors="replace")
        except OSError:
            return ""

    def log_lines(self):
        """The program log as objects; a line that is not JSON becomes {"text": line}."""
        lines = []
        for line in self.log_text().splitlines():
            try:
                value = json.loads(line)
                lines.append(value if isinstance(value, dict) else {"text": line})
            except ValueError:
                lines.append({"text": line})
        return lines

    def log_faults(self):
        found = []
        for line, value in zip(self.log_text().splitlines(), self.log_lines()):
            if any(re.search(pattern, line) for pattern in self.faults_expected):
                continue
            level = str(value.get("level", "")).lower()
            if FAULT.search(line) or level in BAD_LEVELS or "[alert]" in line:
                found.append("log: " + line[:400])
        return found[:5]

    def access_lines(self):
        try:
            text = self.access.read_text(errors="replace")
        except OSError:
            return []
        return [json.loads(line) for line in text.split("\n") if line.strip()]  # U+2028 ends no line

    # the tool

    def ctl(self, *arguments, code=0, stdin=None, timeout=20):
        """Runs aigwctl; asserts its exit code (None: any); returns the finished process."""
        done = subprocess.run([str(TOOL), "--config", str(self.file), *arguments], input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.env, cwd=self.folder, timeout=timeout * SLOW)
        assert code is None or done.returncode == code, (
            "aigwctl %s: exit %d\n%s%s" % (" ".join(arguments), done.returncode, done.stdout,
                                            done.stderr))
        return done

    def ctl_json(self, *arguments, **options):
        return json.loads(self.ctl(*arguments, "-o", "json", **options).stdout)

    def make_key(self, name, *more):
        return self.ctl_json("keys", "create", "--name", name, *more)

    @property
    def key(self):
        if self._key is None:
            self._key = self.make_key("play")["key"]
        return self._key

    def usage_count(self):
        return self.ctl_json("usage")["requests"]

    def wait_usage(self, number, timeout=5.0, settle=0.0):
        """Waits until exactly this many requests are recorded (and stay so for `settle`)."""
        until(lambda: self.usage_count() >= number, timeout * SLOW, "%d usage records" % number,
              every=0.1)
        if settle:
            time.sleep(settle)
        assert self.usage_count() == number

    # requests

    def connect(self, **options):
        return RawClient(self.port, **options)

    def headers(self, key="own", **more):
        key = self.key if key == "own" else key
        found = {"Content-Type": "application/json"}
        if key:
            found["Authorization"] = "Bearer " + key
        found.update({name.replace("_", "-"): value for name, value in more.items()})
        return found

    def post(self, path, body, key="own", headers=None, client=None, timeout=10.0):
        """One POST on a connection of its own (or the given one); the whole answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        own = client or self.connect(timeout=timeout)
        try:
            own.request("POST", path, {**self.headers(key), **(headers or {})}, data)
            return own.read_response()
        finally:
            if client is None:
                own.close()

    def get(self, path, key="own", headers=None, client=None, method="GET"):
        own = client or self.connect(timeout=10.0)
        try:
            shown = {"Authorization": "Bearer " + (self.key if key == "own" else key)} if key else {}
            own.request(method, path, {**shown, **(headers or {})})
            return own.read_response(method)
        finally:
            if client is None:
                own.close()

    def metrics(self):
        """The page of the metrics, as text."""
        with RawClient(self.admin_port) as client:
            client.request("GET", "/metrics")
            answer = client.read_response("GET")
        assert answer.status == 200
        return answer.body.decode()

    def chat(self, model="fast", text="hello", client=None, key="own", headers=None, timeout=10.0,
             **members):
        return self.post("/v1/chat/completions", chat_body(model, text, **members), key=key,
                         headers=headers, client=client, timeout=timeout)

    def open_chat_stream(self, model="fast", text="hello", timeout=10.0, receive_buffer=None,
                         **members):
        """Begins a streamed chat; (client, head of the answer)."""
        client = self.send_chat(model, text, timeout, receive_buffer, stream=True, **members)
        return client, client.read_head()

    def send_chat(self, model="fast", text="hello", timeout=10.0, receive_buffer=None, **members):
        """A chat that nobody has read the answer of yet; its client."""
        client = self.connect(timeout=timeout, receive_buffer=receive_buffer)
        data = json.dumps(chat_body(model, text, **members)).encode()
        client.request("POST", "/v1/chat/completions", self.headers(), data)
        return client


def chat_body(model, text="hello", **members):
    return {"model": model, "messages": [{"role": "user", "content": text}], **members}
