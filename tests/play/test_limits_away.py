"""Rules and budgets when the database is away, on other hosts, and after workers that died."""
import contextlib
import json
import sqlite3
import time

import pytest

from harness import fake_openai, process
from harness.gateway import SLOW
from harness.wait import until

MODEL = "up/gpt-4o-mini"        # of the catalogue: $0.15 and $0.60 a million tokens
COST = 12 * 150 + 7 * 600       # nanodollars of the fake provider's usual answer
ABORTED = 5                     # shared/journal/outcomes.def
SOFT_LINE = "the soft amount of a budget is reached"


@pytest.fixture
def provider(room):
    made = room.provider()
    made.on("gpt-4o", held)
    return made


def held(_, connection):
    """A stream that says one word and waits for the client to leave."""
    connection.open_stream()
    connection.event(fake_openai.chunk("m", {"role": "assistant", "content": "a"}))
    connection.wait_ended(20)


class Postgresql:
    """A store that can be away: a server that is stopped."""

    def __init__(self, room):
        self.server = room.postgres()
        self.url = self.server.url

    def leave(self, _):
        self.server.stop()

    def come_back(self, _):
        self.server.start()


class Sqlite:
    """A store that can be away: something else stands where its file was."""
    url = None

    def __init__(self, _):
        pass

    def leave(self, gateway):
        for name in ("aigw.db", "aigw.db-wal", "aigw.db-shm"):
            with contextlib.suppress(FileNotFoundError):
                (gateway.folder / name).rename(gateway.folder / (name + ".kept"))
        (gateway.folder / "aigw.db").mkdir()

    def come_back(self, gateway):
        (gateway.folder / "aigw.db").rmdir()
        for kept in gateway.folder.glob("aigw.db*.kept"):
            kept.rename(str(kept)[:-len(".kept")])


@pytest.fixture(params=[Postgresql, Sqlite])
def store(room, request):
    return request.param(room)


def ask(gateway, key="own", model=MODEL, headers=None):
    body = {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}]}
    return gateway.post("/v1/chat/completions", body, key=key, headers=headers)


def refused(gateway, code, **how):
    """The next request is refused by the gateway for CODE."""
    answer = ask(gateway, **how)
    assert answer.status in (404, 429), (answer.status, answer.body)
    found = json.loads(answer.body)["error"]["code"]
    assert found == code, answer.body
    return answer


def dollars(nano):
    return ("%.9f" % (nano / 1e9)).rstrip("0")


def counter(gateway, name):
    row, = [row for row in gateway.ctl_json("budgets", "list")["counters"] if row["name"] == name]
    return row


def start_without_store(gateway, store):
    """Ends the gateway in order, and starts it while its store is away."""
    gateway.ctl_json("status")
    gateway.terminate()
    store.leave(gateway)
    gateway.first_workers = None
    gateway.start()


def start_again_with_store(gateway, store):
    store.come_back(gateway)
    until(lambda: gateway.ctl("keys", "list", code=None).returncode == 0, 20 * SLOW, "the store is back", every=0.2)


# ---- the store is away at a start -----------------------------------------------------------


def test_rules_of_the_store_are_in_force_without_it(room, provider, store):
    gateway = room.gateway(("up", provider), store=store.url)
    for noun, *words in (("tenants", "acme"), ("teams", "acme/blue"), ("users", "acme/ann", "--team", "acme/blue")):
        gateway.ctl_json(noun, "create", *words)
    member = gateway.make_key("one", "--user", "acme/ann")["key"]
    narrow = gateway.make_key("narrow", "--models", "up/other")["key"]
    free = gateway.make_key("free")["key"]
    gateway.ctl_json("limits", "create", "--scope", "team:acme/blue", "--requests", "1/day")
    gateway.ctl_json("limits", "create", "--scope", "tag:batch", "--requests", "0/day")
    gateway.ctl_json("limits", "create", "--scope", "user:acme/ann", "--requests", "5/hour",
                     "--algorithm", "sliding_window")
    start_without_store(gateway, store)
    assert [ask(gateway, key=key).status for key in (free, member)] == [200, 200]
    for _ in range(3):
        refused(gateway, "gateway_rate_limit", key=member)
        refused(gateway, "gateway_rate_limit", key=free, headers={"x-aigw-tags": "batch"})
        refused(gateway, "model_not_found", key=narrow)
    assert gateway.ctl("limits", "create", "--scope", "tag:x", "--requests", "0/day", code=None).returncode != 0
    start_again_with_store(gateway, store)
    refused(gateway, "gateway_rate_limit", key=free, headers={"x-aigw-tags": "batch"})
    rules = gateway.ctl_json("limits", "list")["limits"]
    assert sorted(row["scope"] for row in rules) == ["tag:batch", "team:acme/blue", "user:acme/ann"]


def test_a_budget_of_nothing_lets_nothing_in_without_the_store(room, provider, store):
    gateway = room.gateway(("up", provider), store=store.url)
    blocked, free = (gateway.make_key(name)["key"] for name in ("blocked", "free"))
    gateway.ctl_json("budgets", "create", "--name", "none", "--scope", "key:blocked", "--amount", "0",
                     "--period", "month")
    refused(gateway, "gateway_budget_exceeded", key=blocked)
    start_without_store(gateway, store)
    for _ in range(3):
        refused(gateway, "gateway_budget_exceeded", key=blocked)
    assert ask(gateway, key=free).status == 200
    start_again_with_store(gateway, store)
    refused(gateway, "gateway_budget_exceeded", key=blocked)


def test_what_was_spent_counts_without_the_store_and_a_new_budget_waits_for_it(room, provider):
    """From the first request on: no worker begins with a counter that says nothing."""
    store = Sqlite(room)
    gateway = room.gateway(("up", provider))
    gateway.ctl_json("budgets", "create", "--name", "known", "--scope", "key:*", "--amount", "0.00003",
                     "--period", "month")
    spender, other = (gateway.make_key(name)["key"] for name in ("spender", "other"))
    until(lambda: ask(gateway, key=spender).status == 429, 20 * SLOW, "the budget is spent")
    spent = len(provider.requests) * COST
    kept = gateway.folder / "state" / "budgets"
    until(lambda: kept.exists() and str(spent) in kept.read_text().split(), 10 * SLOW, "the copy is written")
    tagged = {"x-aigw-tags": "new"}
    gateway.settings["budgets"] = [{"name": "new", "scope": "tag:new", "amount": 1, "period": "month"}]
    gateway.write()
    start_without_store(gateway, store)
    refused(gateway, "gateway_budget_exceeded", key=other, headers=tagged)
    assert "let nothing in" in gateway.log_text()
    refused(gateway, "gateway_budget_exceeded", key=spender)
    assert ask(gateway, key=other).status == 200
    start_again_with_store(gateway, store)
    until(lambda: ask(gateway, key=other, headers=tagged).status == 200, 20 * SLOW,
          "the new budget knows what was spent")
    refused(gateway, "gateway_budget_exceeded", key=spender)


def test_hosts_without_their_database_let_in_nothing_of_a_budget(room, provider):
    """Nobody there hands out leases: not even of what the copy knows."""
    store = Postgresql(room)
    gateway = room.gateway(("up", provider), store=store.url)
    gateway.ctl_json("budgets", "create", "--name", "all", "--scope", "key:one", "--amount", "1", "--period", "month")
    one, two = (gateway.make_key(name)["key"] for name in ("one", "two"))
    until(lambda: ask(gateway, key=one).status == 200, 20 * SLOW, "a lease")
    start_without_store(gateway, store)
    for _ in range(3):
        refused(gateway, "gateway_budget_exceeded", key=one)
        assert ask(gateway, key=two).status == 200
    start_again_with_store(gateway, store)
    until(lambda: ask(gateway, key=one).status == 200, 20 * SLOW, "a lease again")


# ---- another host ---------------------------------------------------------------------------


def test_rules_of_one_host_are_in_force_on_the_other(room, provider):
    server = room.postgres()
    here, there = (room.gateway(("up", provider), store=server.url) for _ in range(2))
    key = here.make_key("shared")["key"]
    there._key = here._key = key

    def in_force(status, what, **how):
        until(lambda: ask(there, **how).status == status, 5 * SLOW, what, every=0.05)

    batch = {"x-aigw-tags": "batch"}
    in_force(200, "the key")
    made = here.ctl_json("limits", "create", "--scope", "tag:batch", "--requests", "0/day")
    in_force(429, "the new limit", headers=batch)
    here.ctl_json("limits", "edit", str(made["id"]), "--requests", "1000/day")
    in_force(200, "the changed limit", headers=batch)
    here.ctl_json("limits", "edit", str(made["id"]), "--requests", "0/day")
    in_force(429, "the limit again", headers=batch)
    here.ctl("limits", "remove", str(made["id"]))
    in_force(200, "no limit", headers=batch)
    made = here.ctl_json("budgets", "create", "--name", "none", "--scope", "key:shared", "--amount", "0",
                         "--period", "month")
    in_force(429, "the new budget")
    here.ctl("budgets", "remove", str(made["id"]))
    in_force(200, "no budget")


# ---- warnings and deaths --------------------------------------------------------------------


def test_the_soft_amount_is_told_once_and_not_for_each_request(room, provider):
    """A higher amount makes room for another warning, as the next period does."""
    gateway = room.gateway(("up", provider), settings={"budgets": [
        {"name": "soft", "scope": "key:*", "amount": 1, "period": "month", "soft": dollars(2 * COST)}]})

    def told():
        return gateway.log_text().count(SOFT_LINE)

    assert ask(gateway).status == 200
    gateway.wait_usage(1)
    assert told() == 0
    for _ in range(10):
        assert ask(gateway).status == 200
    until(told, 10 * SLOW, "the warning")
    for _ in range(10):
        assert ask(gateway).status == 200
    time.sleep(2.5)             # the controller looks each second
    assert told() == 1
    gateway.settings["budgets"][0]["soft"] = dollars(30 * COST)
    gateway.reload()
    time.sleep(2.5)
    assert told() == 1
    for _ in range(20):
        assert ask(gateway).status == 200
    until(lambda: told() == 2, 10 * SLOW, "the second warning")


@pytest.mark.parametrize("period", [{"period": "rolling", "window": "1h"}, {"period": "total"}])
def test_what_killed_workers_held_of_a_budget_is_put_right(room, provider, period):
    gateway = room.gateway(("up", provider), settings={
        "budgets": [{"name": "held", "scope": "key:*", "amount": 1, "strict": True, **period}],
        "rate_limits": [{"scope": "key:*", "concurrent": 3}]})
    gateway.workers_may_change = True
    streams = [gateway.open_chat_stream("up/gpt-4o", max_tokens=1000) for _ in range(3)]
    for client, _ in streams:
        client.read_chunk()
    before = counter(gateway, "held")
    assert float(before["reserved"]) > 0 and float(before["spent"]) == 0, before
    assert json.loads(ask(gateway).body)["error"]["code"] == "gateway_concurrency_limit"
    for worker in gateway.workers():
        process.kill(worker)
    until(lambda: len(gateway.workers()) == 2, 10 * SLOW, "new workers")
    until(lambda: float(counter(gateway, "held")["reserved"]) == 0, 15 * SLOW,
          lambda: "nothing is reserved: %r" % counter(gateway, "held"), every=0.1)
    for client, _ in streams:
        client.close()
    gateway.wait_usage(4)       # with the one that was refused
    with sqlite3.connect("file:%s?mode=ro" % (gateway.folder / "aigw.db"), uri=True) as rows:
        outcomes = rows.execute("select outcome, cost_nano from usage where served_model = 'gpt-4o'").fetchall()
    assert [outcome for outcome, _ in outcomes] == [ABORTED] * 3
    # Nobody knows what they used: all that was reserved counts as spent.
    assert counter(gateway, "held")["spent"] == before["reserved"], (before, outcomes)

    def served():
        try:
            return ask(gateway).status == 200
        except OSError:
            return False
    until(served, 10 * SLOW, "the places are free")
