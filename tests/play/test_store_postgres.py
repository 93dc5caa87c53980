"""The PostgreSQL store, a real server: stopped, hung and started again under load."""
import os
import signal
import time

import pytest

from harness import process
from harness.load import Load
from harness.wait import until


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def server(house):
    return house.postgres()


@pytest.fixture(scope="module")
def gateway(house, server, provider):
    # The house closes in order of making: gateways first, then the server.
    return house.gateway(("up", provider), store=server.url)


def recorded(gateway, provider):
    gateway.wait_usage(len(provider.requests), 20, settle=0.5)


def test_keys_and_usage_live_there(gateway, server, provider):
    key = gateway.make_key("pg")["key"]
    assert gateway.chat("up/m", key=key).status == 200
    recorded(gateway, provider)
    assert key not in str(server.query("select string_agg(t::text, ' ') from (select tablename from "
                                       "pg_tables where schemaname='public') t"))
    for table in server.query("select tablename from pg_tables where schemaname='public'").split():
        rows = server.query("select t::text from \"%s\" t" % table)
        assert key not in rows and "sk-provider-canary" not in rows, table


def test_stopping_it_under_load_loses_nothing(gateway, server, provider):
    with Load(gateway, 4, model="up/m") as load:
        load.wait_ok(50)
        server.stop()
        load.wait_ok(100)
        time.sleep(4)
        began = time.monotonic()
        assert gateway.chat("up/m").status == 200
        assert time.monotonic() - began < 0.5
        assert gateway.get("/healthz").status == 200
        load.wait_ok(100)
        server.start()
        load.wait_ok(50)
    assert load.failures == []
    recorded(gateway, provider)


def test_admin_work_says_that_it_is_gone(gateway, server):
    server.stop()
    try:
        began = time.monotonic()
        done = gateway.ctl("keys", "create", "--name", "no", "-o", "json", code=None)
        assert done.returncode not in (0, 2)
        assert time.monotonic() - began < 12
    finally:
        server.start()
    until(lambda: gateway.ctl("keys", "list", code=None).returncode == 0, 10, "keys listed again", 0.2)


def test_hung_server_slows_nothing(gateway, server, provider):
    pids = [server.server.pid] + process.descendants(server.server.pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        with Load(gateway, 4, model="up/m") as load:
            load.wait_ok(100)
            time.sleep(1)
            load.wait_ok(100, timeout=5)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    assert load.failures == []
    recorded(gateway, provider)


def test_controller_killed_while_it_is_gone(gateway, server, provider):
    with Load(gateway, 4, model="up/m") as load:
        server.stop()
        old = gateway.controller()
        process.kill(old)
        load.wait_ok(100)
        time.sleep(1)
        server.start()
        load.wait_ok(50)
    assert load.failures == []
    until(lambda: gateway.ctl("usage", code=None).returncode == 0, 15, "the controller back", 0.2)
    recorded(gateway, provider)


def test_restart_finds_everything(gateway, provider):
    key = gateway.key
    gateway.restart()
    assert gateway.chat("up/m", key=key).status == 200
    recorded(gateway, provider)


def test_wrong_address_is_named(room):
    gateway = room.unstarted(store="postgresql://aigw@127.0.0.1:1/aigw")
    gateway.start(wait=False)
    until(lambda: "127.0.0.1" in gateway.log_text(), 10, "the log to name the server")
