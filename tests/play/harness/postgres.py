"""A real PostgreSQL server in a temporary folder, run by an unprivileged user."""
import glob
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from harness.process import free_port
from harness.wait import until


def find(tool):
    places = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + tool), reverse=True)
    return places[0] if places else shutil.which(tool)


def unprivileged():
    """The user to run the server as, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise RuntimeError("no unprivileged user for PostgreSQL")


class Postgres:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aigw-play-pg."))
        self.user = unprivileged()
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.port = free_port()
        self.server = None
        self._run(find("initdb"), "-D", self.data, "-U", "aigw", "-A", "trust", "-E", "UTF8",
                  "--no-sync", "--locale=C")
        self.start()
        self._run(find("createdb"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "aigw", "aigw")

    @property
    def data(self):
        return str(self.folder / "data")

    @property
    def url(self):
        return "postgresql://aigw@127.0.0.1:%d/aigw" % self.port

    def _as_user(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def _run(self, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              cwd=self.folder, env={"PATH": os.environ["PATH"], "HOME": "/tmp"},
                              **self._as_user())
        assert done.returncode == 0, "%s: %s" % (command[0], done.stdout)

    def start(self):
        log = open(self.folder / "log", "ab")
        self.server = subprocess.Popen(
            [find("postgres"), "-D", self.data, "-p", str(self.port), "-c",
             "listen_addresses=127.0.0.1", "-k", str(self.folder), "-c", "fsync=off"],
            stdout=log, stderr=log, cwd=self.folder, **self._as_user())
        log.close()
        until(self.ready, 20, "PostgreSQL ready")

    def ready(self):
        return subprocess.run([find("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)],
                              ).returncode == 0

    def stop(self):
        """The server goes at once, as at a power cut of its own process."""
        if self.server:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait(20)
            self.server = None

    def query(self, sql):
        done = subprocess.run([find("psql"), "-h", "127.0.0.1", "-p", str(self.port), "-U", "aigw",
                               "-At", "-c", sql, "aigw"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
