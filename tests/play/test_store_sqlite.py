"""The SQLite store: kept over restarts, locked or taken away without harm to traffic."""
import os
import sqlite3
import time

import pytest

from harness.load import Load


@pytest.fixture
def provider(room):
    return room.provider()


@pytest.fixture
def gateway(room, provider):
    return room.gateway(("up", provider))


def test_locked_database_delays_nothing_and_loses_nothing(gateway, provider):
    with Load(gateway, 4, model="up/m") as load:
        load.wait_ok(20)
        lock = sqlite3.connect(gateway.folder / "aigw.db", isolation_level=None, timeout=10)
        lock.execute("begin exclusive")
        time.sleep(3)
        load.wait_ok(100, timeout=5)
        began = time.monotonic()
        assert gateway.chat("mock/echo").status == 200
        assert time.monotonic() - began < 0.5
        lock.execute("rollback")
        lock.close()
    assert load.failures == []
    gateway.wait_usage(len(provider.requests) + 1, 15, settle=0.5)


def test_everything_is_there_after_a_restart(gateway, provider):
    for _ in range(25):
        assert gateway.chat("up/m").status == 200
    gateway.restart()
    gateway.wait_usage(25, settle=0.3)
    for _ in range(5):
        assert gateway.chat("up/m").status == 200
    gateway.wait_usage(30, settle=0.3)
    assert gateway.chat("up/m", key=gateway.key).status == 200


def test_damaged_database_is_named_at_start(room, provider):
    gateway = room.unstarted(("up", provider))
    (gateway.folder / "aigw.db").write_bytes(os.urandom(8192))
    gateway.start(wait=False)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and "aigw.db" not in gateway.log_text():
        time.sleep(0.05)
    assert "aigw.db" in gateway.log_text(), gateway.log_text()[-1000:]
    assert (gateway.folder / "aigw.db").stat().st_size == 8192, "it was overwritten"
    gateway.workers_may_change = True
    if gateway.child.poll() is not None:
        assert gateway.child.returncode != 0


def test_database_of_a_newer_program_is_left_alone(gateway, room, provider):
    gateway.terminate()
    database = sqlite3.connect(gateway.folder / "aigw.db")
    tables = [name for (name,) in database.execute("select name from sqlite_master where type='table'")]
    versions = [name for name in tables if "migration" in name or "version" in name]
    assert versions, tables
    columns = [row[1] for row in database.execute("pragma table_info(%s)" % versions[0])]
    number = columns[0]
    row = list(database.execute("select * from %s order by 1 desc limit 1" % versions[0]).fetchone())
    row[columns.index(number)] = 9999
    database.execute("insert into %s values (%s)" % (versions[0], ",".join("?" * len(row))), row)
    database.commit()
    database.close()
    before = len(gateway.log_text())
    gateway.start(wait=False)
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and "9999" not in gateway.log_text()[before:]:
        time.sleep(0.05)
    assert "9999" in gateway.log_text()[before:], gateway.log_text()[before:][-1000:]
    gateway.workers_may_change = True
