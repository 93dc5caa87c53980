"""The unit tests of the store's users once more, on a real PostgreSQL server."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("AIGW_BUILD", "build")


@pytest.fixture(scope="module")
def server(house):
    return house.postgres()


def run(server, program):
    environment = dict(os.environ, AIGW_TEST_STORE=server.url)
    done = subprocess.run([BUILD / "tests/unit/supervisor" / program], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "100%: Checks: " in done.stdout and "Checks: 0" not in done.stdout, done.stdout
    assert server.query("select count(*) from schema_migrations") != "0", "another store was used"


def test_keys(server):
    run(server, "keys/test_keys")


def test_ledger(server):
    run(server, "ledger/test_ledger")


def test_ledger_sums(server):
    run(server, "ledger/test_ledger_sums")


def test_rules(server):
    run(server, "rules/test_rules")


def test_spent(server):
    run(server, "rules/test_spent")


def test_spent_sums(server):
    run(server, "rules/test_spent_sums")


def test_event_log(server):
    run(server, "events/test_event_log")


def test_probe_lease(server):
    run(server, "probe/test_lease")
