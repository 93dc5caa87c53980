"""Requests wait for places at provider accounts: in turn, not for ever, fairly between tenants."""
import json
import threading
import time

import pytest

from harness import fake_openai, process
from harness.gateway import SLOW
from harness.wait import until


class Gate:
    """A provider's handler that answers when it is told to, and knows who came in which order."""

    def __init__(self):
        self.came = []
        self.free = threading.Semaphore(0)

    def __call__(self, request, connection):
        self.came.append(fake_openai.last_text(request.json()))
        assert self.free.acquire(timeout=30)
        connection.send_json(fake_openai.chat_answer(request.json()))

    def let(self, count=1):
        for _ in range(count):
            self.free.release()


class Ask:
    """One request in a thread of its own."""

    def __init__(self, gateway, text, model="up/gated", key="own", **headers):
        def run():
            self.answer = gateway.chat(model, text, key=key, timeout=40,
                                       headers={name.replace("_", "-"): value
                                                for name, value in headers.items()})
            self.seconds = time.monotonic() - began
        began = time.monotonic()
        self.answer = None
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def join(self):
        self.thread.join(40)
        assert self.answer is not None, "no answer came"
        return self.answer


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def provider(room, gate):
    made = room.provider()
    made.on("gated", gate)
    return made


def house(room, *providers, places=1, workers=1, **queue):
    names = ["up", "two", "three"][:len(providers)]
    return room.gateway(*zip(names, providers), settings={
        "workers": workers, "queue": queue,
        "models": [{"name": "both", "strategy": "priority",
                    "targets": [{"provider": name, "model": "gated"} for name in names]}],
        "rate_limits": [{"scope": "provider:%s" % name, "concurrent": places} for name in names]})


def waiting(gateway, name="up"):
    line = 'aigw_provider_waiting{provider="%s"} ' % name
    page = gateway.metrics()
    return int(float(page.split(line)[1].split("\n")[0])) if line in page else 0


def wait_in_line(gateway, count, name="up"):
    until(lambda: waiting(gateway, name) == count, 5 * SLOW, "%d wait" % count)


def test_they_go_as_they_came(room, provider, gate):
    gateway = house(room, provider)
    asks = []
    for number in range(6):
        asks.append(Ask(gateway, "n%d" % number))
        until(lambda: len(gate.came) == 1, 5 * SLOW, "the first is at the provider")
        wait_in_line(gateway, number)
    for _ in range(6):
        gate.let()
    answers = [ask.join() for ask in asks]
    assert [answer.status for answer in answers] == [200] * 6
    assert gate.came == ["n%d" % number for number in range(6)]
    assert waiting(gateway) == 0
    assert "aigw_queued_total 5" in gateway.metrics()
    gateway.wait_usage(6)
    rooms = gateway.access_lines()[-1]["rooms_us"]
    assert rooms["queue"] > rooms["translate"]


def test_a_full_queue_refuses_at_once(room, provider, gate):
    gateway = house(room, provider, waiting=2)
    asks = [Ask(gateway, "first")]
    until(lambda: gate.came, 5 * SLOW, "it is at the provider")
    asks += [Ask(gateway, "waits") for _ in range(2)]
    wait_in_line(gateway, 2)
    began = time.monotonic()
    refused = gateway.chat("up/gated", "too many")
    assert time.monotonic() - began < 0.5 * SLOW
    assert refused.status == 503
    assert refused.error()["code"] == "gateway_queue_full"
    assert refused.header("x-aigw-error-source") == "gateway"
    assert int(refused.header("retry-after")) >= 1
    gate.let(3)
    assert [ask.join().status for ask in asks] == [200] * 3


def test_nobody_waits_longer_than_is_set(room, provider, gate):
    gateway = house(room, provider, wait="300ms")
    first = Ask(gateway, "first")
    until(lambda: gate.came, 5 * SLOW, "it is at the provider")
    late = Ask(gateway, "late")
    assert late.join().status == 503
    assert late.answer.error()["code"] == "gateway_queue_timeout"
    assert 0.25 < late.seconds < 0.3 + 1.0 * SLOW
    gate.let()
    assert first.join().status == 200
    assert len(provider.requests) == 1


def test_who_would_wait_too_long_is_told_at_once(room, provider):
    def slow(request, connection):
        time.sleep(0.25)
        fake_openai.answer(request, connection)

    provider.on("slow", slow)
    gateway = house(room, provider, wait="600ms")
    for _ in range(3):
        assert gateway.chat("up/slow").status == 200
    asks = [Ask(gateway, "n", model="up/slow") for _ in range(12)]
    answers = [ask.join() for ask in asks]
    served = [ask for ask in asks if ask.answer.status == 200]
    refused = [ask for ask in asks if ask.answer.status == 503]
    assert len(served) + len(refused) == 12 and 2 <= len(served) <= 4
    early = [ask for ask in refused if ask.answer.error()["code"] == "gateway_queue_full"]
    assert len(early) >= 8
    assert max(ask.seconds for ask in early) < 0.3 * SLOW


def test_without_a_queue_they_are_refused_as_ever(room, provider, gate):
    gateway = house(room, provider, waiting=0)
    first = Ask(gateway, "first")
    until(lambda: gate.came, 5 * SLOW, "it is at the provider")
    refused = gateway.chat("up/gated")
    assert (refused.status, refused.error()["code"]) == (429, "gateway_concurrency_limit")
    gate.let()
    assert first.join().status == 200


def test_a_client_that_leaves_makes_room(room, provider, gate):
    gateway = house(room, provider)
    first = Ask(gateway, "first")
    until(lambda: gate.came, 5 * SLOW, "it is at the provider")
    left = gateway.send_chat("up/gated", "left")
    wait_in_line(gateway, 1)
    last = Ask(gateway, "last")
    wait_in_line(gateway, 2)
    left.close()
    wait_in_line(gateway, 1)
    gate.let(2)
    assert (first.join().status, last.join().status) == (200, 200)
    assert gate.came == ["first", "last"]


def test_whichever_account_is_free_first(room, gate):
    gates = [gate, Gate()]
    providers = [room.provider(), room.provider()]
    for one, handler in zip(providers, gates):
        one.on("gated", handler)
    gateway = house(room, *providers)
    asks = [Ask(gateway, "a", model="both"), Ask(gateway, "b", model="both")]
    until(lambda: gates[0].came and gates[1].came, 5 * SLOW, "both accounts are taken")
    asks.append(Ask(gateway, "c", model="both"))
    wait_in_line(gateway, 1)
    wait_in_line(gateway, 1, "two")
    gates[1].let(2)
    until(lambda: "c" in gates[1].came, 5 * SLOW, "the second account took it")
    wait_in_line(gateway, 0)
    gates[0].let()
    assert [ask.join().status for ask in asks] == [200] * 3
    assert gates[0].came in (["a"], ["b"])


def test_a_flood_of_one_tenant_does_not_keep_another_waiting(room, provider, gate):
    gateway = house(room, provider)
    for tenant in ("flood", "quiet"):
        gateway.ctl("tenants", "create", tenant)
    keys = {tenant: gateway.make_key("of " + tenant, "--tenant", tenant)["key"]
            for tenant in ("flood", "quiet")}
    asks = [Ask(gateway, "flood", key=keys["flood"]) for _ in range(20)]
    wait_in_line(gateway, 19)
    asks += [Ask(gateway, "quiet", key=keys["quiet"]) for _ in range(3)]
    wait_in_line(gateway, 22)
    for number in range(8):
        gate.let()
        until(lambda: len(gate.came) == number + 2, 5 * SLOW, "the next one")
    assert gate.came[:8].count("quiet") == 3, gate.came
    gate.let(20)
    assert [ask.join().status for ask in asks] == [200] * 23


def test_tenants_get_places_by_their_weights(room, provider, gate):
    gateway = house(room, provider, shares=[{"scope": "tenant:large", "weight": 3}])
    asks = [Ask(gateway, "other")]      # holds the place until all are there, and pays for that
    until(lambda: gate.came, 5 * SLOW, "it is at the provider")
    for tenant in ("small", "large"):
        gateway.ctl("tenants", "create", tenant)
    keys = {tenant: gateway.make_key("of " + tenant, "--tenant", tenant)["key"]
            for tenant in ("small", "large")}
    for tenant in ("small", "large"):
        asks += [Ask(gateway, tenant, key=keys[tenant]) for _ in range(16)]
    wait_in_line(gateway, 32)
    for number in range(16):
        gate.let()
        until(lambda: len(gate.came) == number + 2, 5 * SLOW, "the next one")
    assert 11 <= gate.came[1:17].count("large") <= 13, gate.came
    gate.let(40)
    assert [ask.join().status for ask in asks] == [200] * 33


def test_priorities_go_before_and_may_only_be_lowered(room, provider, gate):
    gateway = house(room, provider, shares=[{"scope": "key:urgent", "priority": "high"}])
    urgent = gateway.make_key("urgent")["key"]
    asks = [Ask(gateway, "first")]
    until(lambda: gate.came, 5 * SLOW, "it is at the provider")
    for number, (text, key, headers) in enumerate([
            ("low", "own", {"x_aigw_priority": "low"}), ("says high", "own", {"x_aigw_priority": "high"}),
            ("normal", "own", {}), ("high", urgent, {}),
            ("high as normal", urgent, {"x_aigw_priority": "normal"})], 1):
        asks.append(Ask(gateway, text, key=key, **headers))
        wait_in_line(gateway, number)
    gate.let(6)
    assert [ask.join().status for ask in asks] == [200] * 6
    assert gate.came[:2] == ["first", "high"] and gate.came[-1] == "low", gate.came
    assert gate.came.index("says high") < gate.came.index("normal")
    bad = gateway.chat("up/gated", headers={"x-aigw-priority": "top"})
    assert (bad.status, bad.error()["code"]) == (400, "invalid_priority")


def test_places_go_round_over_workers(room, provider):
    at_work, most, lock = [0], [0], threading.Lock()

    def count(request, connection):
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.02)
        with lock:
            at_work[0] -= 1
        fake_openai.answer(request, connection)

    provider.on("counted", count)
    gateway = house(room, provider, places=2, workers=4, wait="30s")
    asks = [Ask(gateway, "n", model="up/counted") for _ in range(60)]
    assert [ask.join().status for ask in asks] == [200] * 60
    assert most[0] == 2
    assert waiting(gateway) == 0


def test_what_waits_in_a_worker_that_dies_keeps_nobody_waiting(room, provider, gate):
    gateway = house(room, provider, workers=2)
    gateway.workers_may_change = True
    clients = [gateway.send_chat("up/gated", "n%d" % number) for number in range(12)]
    wait_in_line(gateway, 11)
    process.kill(gateway.workers()[0])
    until(lambda: len(gateway.workers()) == 2, 5 * SLOW, "a new worker")
    gate.let(20)

    def answered():
        try:
            return gateway.chat("up/gated", "after").status == 200
        except OSError:
            return False
    until(answered, 10 * SLOW, "places go round again")
    until(lambda: waiting(gateway) == 0, 5 * SLOW, "nobody waits")
    for client in clients:
        client.close()


def test_a_reload_loses_nobody_who_waits(room, provider, gate):
    gateway = house(room, provider)
    asks = [Ask(gateway, "first")]
    until(lambda: gate.came, 5 * SLOW, "it is at the provider")
    asks.append(Ask(gateway, "waits"))
    wait_in_line(gateway, 1)
    gateway.merge({"queue": {"wait": "20s"}, "log": {"level": "debug"}})
    gateway.write()
    gateway.reload()
    asks.append(Ask(gateway, "after"))
    wait_in_line(gateway, 2)
    gate.let(3)
    assert [ask.join().status for ask in asks] == [200] * 3
    assert gate.came == ["first", "waits", "after"]


def test_a_failed_attempt_may_wait_at_the_next_account(room, provider, gate):
    def fails(request, connection):
        gate.came.append("failed")
        fake_openai.fails(500, "Internal Server Error", "no", "server_error")(request, connection)

    broken = room.provider()
    broken.on("gated", fails)
    gateway = house(room, broken, provider)
    first = Ask(gateway, "first", model="two/gated")
    until(lambda: gate.came, 5 * SLOW, "it is at the provider")
    second = Ask(gateway, "second", model="both")
    wait_in_line(gateway, 1, "two")
    assert gate.came == ["first", "failed"]
    gate.let(2)
    assert (first.join().status, second.join().status) == (200, 200)
    assert json.loads(second.answer.body)["choices"]


# ---- models of an account -------------------------------------------------------------------


def target_house(room, provider, places):
    """Two models at one account; `gated` has one place, the account PLACES."""
    limits = [{"scope": "target:up/gated", "concurrent": 1}]
    if places:
        limits.append({"scope": "provider:up", "concurrent": places})
    return room.gateway(("up", provider), settings={"workers": 1, "rate_limits": limits})


def in_line(gateway, scope, count):
    def there():
        rows = gateway.ctl_json("limits", "list")["counters"]
        return [row["waiting"] for row in rows if row["scope"] == scope] == [count]
    until(there, 5 * SLOW, "%d wait for %s" % (count, scope))


def test_a_model_of_an_account_has_places_of_its_own(room, provider, gate):
    gateway = target_house(room, provider, 0)
    asks = [Ask(gateway, "first"), Ask(gateway, "second")]
    in_line(gateway, "target:up/gated", 1)
    assert gateway.chat("up/free").status == 200, "another model of the account"
    assert len(gate.came) == 1
    gate.let(2)
    assert [ask.join().status for ask in asks] == [200, 200]
    in_line(gateway, "target:up/gated", 0)


def test_who_waits_for_a_model_holds_up_nobody_who_waits_for_its_account(room, provider, gate):
    other = Gate()
    provider.on("other", other)
    gateway = target_house(room, provider, 2)
    busy = [Ask(gateway, "a"), Ask(gateway, "b", "up/other")]
    until(lambda: len(gate.came) == len(other.came) == 1, 5 * SLOW, "both places are taken")
    behind = [Ask(gateway, "c")]
    wait_in_line(gateway, 1)                    # of `gated`, which is full too
    behind.append(Ask(gateway, "d", "up/other"))
    wait_in_line(gateway, 2)
    other.let()                                 # frees a place of the account, not of `gated`
    assert busy[1].join().status == 200
    until(lambda: other.came[1:] == ["d"], 5 * SLOW, "the one behind goes first")
    other.let()
    in_line(gateway, "target:up/gated", 1)      # the account has a place again
    gate.let(2)
    assert [ask.join().status for ask in (busy[0], *behind)] == [200, 200, 200]
