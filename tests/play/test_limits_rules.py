"""Limits and budgets as operators make them: by aigwctl, in force at once, kept over restarts."""
import json
import sqlite3

import pytest

from harness.gateway import SLOW
from harness.wait import until

MODEL = "up/gpt-4o-mini"        # of the catalogue: $0.15 and $0.60 a million tokens
COST = 12 * 150 + 7 * 600       # nanodollars of the fake provider's usual answer


@pytest.fixture
def provider(room):
    return room.provider()


def ask(gateway, key="own"):
    body = {"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]}
    return gateway.post("/v1/chat/completions", body, key=key)


def counter(gateway, noun="budgets", **wanted):
    rows = gateway.ctl_json(noun, "list")["counters"]
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, rows
    return found[0]


def test_limits_of_tenants_teams_and_users_count_for_their_keys(room, provider):
    gateway = room.gateway(("up", provider))
    gateway.ctl_json("tenants", "create", "acme")
    gateway.ctl_json("teams", "create", "acme/blue")
    gateway.ctl_json("users", "create", "acme/ann", "--team", "acme/blue", "--email", "a@b.c")
    one, two = (gateway.make_key(name, "--user", "acme/ann")["key"] for name in ("one", "two"))
    other = gateway.make_key("other", "--tenant", "acme")["key"]
    made = gateway.ctl_json("limits", "create", "--scope", "team:acme/blue", "--requests", "2/hour")
    assert [ask(gateway, key).status for key in (one, two, one, other)] == [200, 200, 429, 200]
    row = counter(gateway, "limits", scope="team:blue")
    assert (row["used"], row["amount"], row["refused"]) == (2, 2, 1)
    # A member that is named changes, the others stay.
    changed = gateway.ctl_json("limits", "edit", str(made["id"]), "--requests", "2/day",
                               "--burst", "2")
    assert (changed["scope"], changed["burst"]) == ("team:acme/blue", "2")
    assert gateway.ctl_json("limits", "edit", str(made["id"]), "--unset", "burst")["burst"] is None
    assert [ask(gateway, key).status for key in (one, two, one)] == [200, 200, 429]
    # Rules follow the name, and the counter stays.
    gateway.ctl_json("tenants", "edit", "acme", "--name", "acme2")
    assert gateway.ctl_json("limits", "get", str(made["id"]))["scope"] == "team:acme2/blue"
    assert ask(gateway, one).status == 429
    gateway.ctl("limits", "remove", str(made["id"]))
    assert ask(gateway, one).status == 200
    gateway.ctl("tenants", "remove", "acme2", code=5)
    gateway.ctl("limits", "get", "999", code=3)


def test_wrong_rules_are_refused(room, provider):
    gateway = room.gateway(("up", provider))
    gateway.ctl("limits", "create", "--scope", "city:x", "--requests", "1/minute", code=1)
    gateway.ctl("limits", "create", "--scope", "key:*", "--requests", "-1/minute", code=1)
    budget = ["--name", "b", "--scope", "key:own", "--amount", "1", "--period", "day"]
    gateway.ctl("budgets", "create", *budget, "--zone", "Moon/Base", code=1)
    gateway.ctl("budgets", "create", *budget)
    gateway.ctl("budgets", "create", *budget, code=5)


def test_what_was_spent_survives_a_restart_and_precedes_the_budget(room, provider):
    gateway = room.gateway(("up", provider))
    for _ in range(2):
        assert ask(gateway).status == 200
    gateway.wait_usage(2)
    amount = "0.%09d" % (COST * 3 + 10000)      # a request may cost 13000
    gateway.ctl_json("budgets", "create", "--name", "cap", "--scope", "key:*", "--amount", amount,
                     "--period", "month", "--zone", "Europe/Berlin", "--soft", "40%")
    spent = "0.%09d" % (COST * 2)
    until(lambda: counter(gateway)["spent"] == spent.rstrip("0"), 5 * SLOW, "the ledger was asked")
    assert counter(gateway)["soft_reached"] is True
    until(lambda: gateway.log_text().count("soft amount of a budget") == 1, 5 * SLOW, "it is told")
    assert ask(gateway).status == 200
    gateway.wait_usage(3)
    gateway.workers_may_change = True
    gateway.restart()
    spent = "0.%09d" % (COST * 3)
    until(lambda: counter(gateway)["spent"] == spent.rstrip("0"), 5 * SLOW, "spent is known again")
    assert ask(gateway).status == 429
    row = counter(gateway)
    assert row["reserved"] == "0" and row["refused"] == 1, row


def test_the_copy_on_disk_stands_for_a_ledger_that_is_gone(room, provider):
    budget = {"name": "cap", "scope": "key:*", "amount": "1", "period": "total"}
    gateway = room.gateway(("up", provider), settings={"budgets": [budget]})
    assert ask(gateway).status == 200
    gateway.wait_usage(1)
    until(lambda: str(COST) in (gateway.folder / "state" / "budgets").read_text().split()
          if (gateway.folder / "state" / "budgets").exists() else False, 10 * SLOW, "the copy is written")
    gateway.workers_may_change = True
    gateway.terminate()
    with sqlite3.connect(str(gateway.folder / "aigw.db")) as store:
        store.execute("delete from usage")
    gateway.start()
    until(lambda: counter(gateway)["spent"] ==
          ("0.%09d" % COST).rstrip("0"), 5 * SLOW, "the copy was read")


def test_a_rule_too_many_is_told_and_what_was_in_force_stays(room, provider):
    gateway = room.gateway(("up", provider))
    made = [gateway.ctl_json("limits", "create", "--scope", "key:*", "--requests", "9/%ds" % window)
            for window in range(2, 10)]
    assert ask(gateway).status == 200
    gateway.faults_expected.append("no snapshot could be made")
    text = gateway.ctl("limits", "create", "--scope", "key:*", "--requests", "9/10s", code=5)
    assert ask(gateway).status == 200
    assert len(gateway.ctl_json("limits", "list")["limits"]) == 9, text
    gateway.ctl("limits", "remove", str(made[0]["id"]))
    assert ask(gateway).status == 200


def test_records_of_many_tags_limits_and_attempts_are_whole_json(room, provider):
    """The longest that a record may be asked to hold: what has no room is left out, never cut."""
    tags = ["%d%s" % (i, "t" * 63) for i in range(8)]
    rules = [{"name": "b%d%s" % (i, "-" * 40), "scope": scope, "amount": 1000, "period": "day"}
             for i in range(2) for scope in ["key:*", "provider:*"] + ["tag:" + tag for tag in tags]]
    limits = [{"scope": scope, "requests": "%d/%dm" % (1000 + i, i + 1)}
              for i in range(8) for scope in ("key:*", "tag:*", "provider:*")]
    gateway = room.gateway(("up", provider), settings={"budgets": rules, "rate_limits": limits})
    body = {"model": MODEL, "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]}
    answer = gateway.post("/v1/chat/completions", body, headers={"x-aigw-tags": ",".join(tags)})
    assert answer.status == 200
    gateway.wait_usage(1)
    with sqlite3.connect(str(gateway.folder / "aigw.db")) as store:
        texts = store.execute("select tags, limits, rooms from usage").fetchone()
    assert json.loads(texts[0]) == tags
    told = json.loads(texts[1])
    assert len(told) > 8 and len(texts[1]) <= 2048
    assert all(row["room"] is True for row in told)
    assert set(json.loads(texts[2])) > {"upstream"}
