"""A Redis server of a scenario: started, killed, stopped for a while, emptied."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from harness.process import free_port
from harness.wait import until


class Redis:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aigw-play-redis."))
        self.port = free_port()
        self.server = None
        self.start()

    @property
    def url(self):
        return "redis://127.0.0.1:%d" % self.port

    def start(self):
        program = shutil.which("redis-server") or "/usr/bin/redis-server"
        with open(self.folder / "log", "ab") as log:
            self.server = subprocess.Popen(
                [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                 "--appendonly", "no", "--dir", str(self.folder)], stdout=log, stderr=log)
        until(self.ready, 10, "Redis ready")

    def ready(self):
        try:
            return self.ask("PING") == "+PONG"
        except OSError:
            return False

    def ask(self, *words):
        """One command; the first line of its answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
            text = "*%d\r\n" % len(words) + "".join("$%d\r\n%s\r\n" % (len(word), word) for word in words)
            link.sendall(text.encode())
            return link.makefile("rb").readline().decode().rstrip("\r\n")

    def all(self, *words):
        """As ask, the whole answer; texts are bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as link:
            link.sendall(b"*%d\r\n" % len(words) + b"".join(
                bulk(word if isinstance(word, bytes) else word.encode()) for word in words))
            return read_reply(link.makefile("rb"))[1]

    def pause(self):
        self.server.send_signal(signal.SIGSTOP)

    def resume(self):
        self.server.send_signal(signal.SIGCONT)

    def kill(self):
        self.server.kill()
        self.server.wait()
        self.server = None

    def close(self):
        if self.server:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Liar:
    """Stands before a Redis and changes what it says to GET: `lie` takes the value (None: there is none)
    and gives the bytes that are sent in the place of the answer, or None: as it is."""

    def __init__(self, redis):
        self.redis = redis
        self.lie = None
        self.told = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def url(self):
        return "redis://127.0.0.1:%d" % self.port

    def serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.stand_between, args=(link,), daemon=True).start()

    def stand_between(self, link):
        try:
            with link, socket.create_connection(("127.0.0.1", self.redis.port)) as server:
                for end in (link, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                asked, told = link.makefile("rb"), server.makefile("rb")
                while True:
                    raw, words = read_reply(asked)
                    server.sendall(raw)
                    raw, value = read_reply(told)
                    if words[0] == b"GET" and self.lie:
                        lied = self.lie(value)
                        self.told += lied is not None
                        raw = raw if lied is None else lied
                    link.sendall(raw)
        except (OSError, EOFError):
            return

    def close(self):
        self.listener.close()


def read_reply(file):
    """One message of Redis: its bytes, and what it says."""
    line = file.readline()
    if not line.endswith(b"\r\n"):
        raise EOFError
    kind, number = line[:1], line[1:-2]
    if kind == b"$":
        if int(number) < 0:
            return line, None
        rest = file.read(int(number) + 2)
        return line + rest, rest[:-2]
    if kind == b"*":
        parts = [read_reply(file) for _ in range(int(number))]
        return line + b"".join(raw for raw, _ in parts), [value for _, value in parts]
    return line, number


def bulk(value):
    return b"$%d\r\n%s\r\n" % (len(value), value)
