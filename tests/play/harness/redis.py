"""A Redis server of a scenario: started, killed, stopped for a while, emptied."""
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

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
