"""Two daemons with one PostgreSQL, as on two hosts: what is changed at one is in force at the other."""
import time

import pytest

from harness.gateway import SLOW
from harness.wait import until

WITHIN_S = 1.0 * SLOW


@pytest.fixture(scope="module")
def server(house):
    return house.postgres()


@pytest.fixture(scope="module")
def hosts(house, server):
    return house.gateway(store=server.url), house.gateway(store=server.url)


def in_force(gateway, key, status, what):
    began = time.monotonic()
    until(lambda: gateway.chat(key=key).status == status, 5 * SLOW, what, every=0.02)
    return time.monotonic() - began


def test_keys_of_one_host_are_in_force_on_the_other_within_a_second(hosts):
    for turn in range(6):
        here, there = hosts if turn % 2 else reversed(hosts)
        made = here.make_key("key-%d" % turn)
        assert in_force(there, made["key"], 200, "the new key") <= WITHIN_S
        here.ctl("keys", "disable", made["id"])
        assert in_force(there, made["key"], 401, "the disabled key") <= WITHIN_S
        here.ctl("keys", "enable", made["id"])
        assert in_force(there, made["key"], 200, "the enabled key") <= WITHIN_S
        here.ctl("keys", "revoke", made["id"])
        assert in_force(there, made["key"], 401, "the revoked key") <= WITHIN_S


def test_an_own_change_does_not_come_back(hosts):
    here = hosts[0]
    here.make_key("own")
    time.sleep(1)
    before = here.ctl_json("status")["generation"]
    here.make_key("own too")
    time.sleep(1)
    assert here.ctl_json("status")["generation"] == before + 1


def test_what_changed_while_the_database_was_away_from_one_is_not_missed(hosts, server):
    here, there = hosts
    made = here.make_key("before")
    in_force(there, made["key"], 200, "the key")
    server.stop()
    time.sleep(1)
    server.start()
    until(lambda: here.ctl("keys", "revoke", made["id"], code=None).returncode == 0, 15 * SLOW,
          "the database for one host", every=0.1)
    until(lambda: there.chat(key=made["key"]).status == 401, 15 * SLOW, "the revoked key on the other",
          every=0.1)


def test_an_account_that_is_drained_at_one_is_drained_at_the_other(hosts):
    here, there = hosts
    name = here.ctl_json("providers", "list")["providers"][0]["name"]

    def state():
        rows = there.ctl_json("providers", "health")["providers"]
        return {row["name"]: row["state"] for row in rows}[name]

    here.ctl("providers", "drain", name)
    until(lambda: state() == "drained", 5 * SLOW, "the drain on the other host")
    here.ctl("providers", "resume", name)
    until(lambda: state() == "healthy", 5 * SLOW, "the account back on the other host")
