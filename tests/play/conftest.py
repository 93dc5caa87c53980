"""Fixtures: a house per file makes gateways, providers and databases and ends them with checks."""
import pathlib
import sys
import tempfile
import shutil

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness.certs import Authority          # noqa: E402
from harness.gateway import Gateway          # noqa: E402
from harness.postgres import Postgres        # noqa: E402
from harness.provider import FakeProvider    # noqa: E402
from harness.redis import Redis              # noqa: E402


class House:
    """Makes the parts of a scenario; closes them in order and reports the first thing wrong."""

    def __init__(self):
        self.gateways = []
        self.others = []

    def gateway(self, *providers, settings=None, env=None, **options):
        """A running gateway; each provider (name, FakeProvider[, more settings]) is configured."""
        env = dict(env or {})
        rows = [{"name": "mock", "kind": "mock"}]
        for name, provider, *more in providers:
            env.setdefault(name.upper() + "_KEY", "sk-provider-canary-" + name)
            row = {"name": name, "kind": "openai", "base_url": provider.base_url,
                   "api_key": "${%s_KEY}" % name.upper()}
            row.update(more[0] if more else {})
            rows.append(row)
        whole = {"providers": rows}
        whole.update(settings or {})
        start = options.pop("start", True)
        gateway = Gateway(settings=whole, env=env, start=False, **options)
        self.gateways.append(gateway)
        if start:
            gateway.start()
        return gateway

    def unstarted(self, *providers, **options):
        options["start"] = False
        return self.gateway(*providers, **options)

    def provider(self, *arguments, **options):
        provider = FakeProvider(*arguments, **options)
        self.others.append(provider.stop)
        return provider

    def postgres(self):
        server = Postgres()
        self.others.append(server.close)
        return server

    def redis(self):
        server = Redis()
        self.others.append(server.close)
        return server

    def authority(self, name="Play CA"):
        folder = tempfile.mkdtemp(prefix="aigw-play-ca.")
        self.others.append(lambda: shutil.rmtree(folder, ignore_errors=True))
        return Authority(folder, name)

    def check(self):
        """After each test: nothing ugly in a log, no worker that died by itself."""
        for gateway in self.gateways:
            faults = gateway.log_faults()
            assert not faults, faults
            known = gateway.first_workers is not None and not gateway.workers_may_change
            if known and gateway.child and gateway.child.poll() is None:
                assert gateway.workers() == gateway.first_workers, "a worker died by itself"

    def close(self):
        problems = []
        for close in [gateway.close for gateway in self.gateways] + self.others:
            try:
                close()
            except Exception as error:      # each part gets its chance to end
                problems.append("%s: %s" % (type(error).__name__, error))
        assert not problems, problems


@pytest.fixture(scope="module")
def house():
    made = House()
    yield made
    made.close()


@pytest.fixture
def room():
    """A house of one test, for scenarios that kill or reload what they use."""
    made = House()
    yield made
    made.check()
    made.close()


@pytest.fixture(autouse=True)
def clean_logs(request):
    yield
    if "house" in request.fixturenames:
        request.getfixturevalue("house").check()
