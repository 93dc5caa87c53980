"""Which target a request goes to, and what happens when it fails: fault x place x stream x strategy."""
import statistics
import threading
import time

import pytest

from harness import fake_openai
from harness.process import free_port

REFUSED = fake_openai.error("too long", "invalid_request_error", "context_length_exceeded")
UNWANTED = fake_openai.error("no", "invalid_request_error", "content_filter")


def says(status, headers=(), body=None):
    def handler(_, connection):
        connection.send_json(body or fake_openai.error("no", "server_error"), status, "No", headers)
    return handler


def resets(_, connection):
    connection.reset()


def closes(_, connection):
    connection.close()


def garbage(_, connection):
    connection.send(b"GARBAGE\r\n\r\n")
    connection.close()


def stalls(_, connection):
    connection.wait_ended(5)


def fails_in_stream(request, connection):
    connection.open_stream()
    connection.event({"error": {"message": "overloaded", "type": "overloaded_error"}})
    connection.end_stream()


FAULTS = {
    "reset": resets, "close": closes, "garbage": garbage, "stall": stalls,
    **{"s%d" % status: says(status) for status in (401, 403, 408, 409, 425, 429, 500, 502, 503, 504, 529)},
}
STRATEGIES = ["weighted", "round_robin", "priority", "least_busy", "lowest_latency", "lowest_cost", "headroom"]


def slow(seconds):
    def handler(request, connection):
        time.sleep(seconds[0])
        fake_openai.answer(request, connection)
    return handler


def targets(*pairs, **more):
    return [{"provider": provider, "model": model, **more} for provider, model in pairs]


def models():
    rows = [{"name": "%s-%s-%d" % (strategy, fault, place), "strategy": strategy,
             "targets": targets(*([("up", fault), ("spare", "m")][::-1 if place else 1]))}
            for strategy in STRATEGIES for fault in FAULTS for place in (0, 1)]
    rows += [
        {"name": "nobody-first", "strategy": "priority", "targets": targets(("nobody", "m"), ("spare", "m"))},
        {"name": "latency", "strategy": "lowest_latency",
         "targets": targets(("slow0", "wait"), ("slow1", "wait"), ("slow2", "wait"))},
        {"name": "both-down", "strategy": "round_robin", "targets": targets(("down0", "s500"), ("down1", "s500"))},
        {"name": "falls", "targets": targets(("up", "s500")), "fallbacks": ["behind"]},
        {"name": "behind", "targets": targets(("up", "reset")), "fallbacks": ["spare/last"]},
        {"name": "long", "targets": targets(("up", "too-long"), ("up", "m")), "strategy": "priority",
         "context_fallbacks": ["spare/wide"]},
        {"name": "rude", "targets": targets(("up", "unwanted")), "content_fallbacks": ["spare/lax"],
         "fallbacks": ["spare/other"]},
        {"name": "refuses", "targets": targets(("up", "unwanted"), ("spare", "m")), "strategy": "priority"},
        {"name": "limited-then-nobody", "strategy": "priority", "targets": targets(("up", "later"), ("nobody", "m"))},
        {"name": "one-account", "strategy": "priority",
         "targets": targets(("up", "s401"), ("up", "m"), ("spare", "m"))},
        {"name": "turns", "strategy": "round_robin", "targets": targets(("up", "m"), ("spare", "m"))},
        {"name": "spread", "targets": targets(("up", "m"), ("spare", "m"), weight=1)},
    ]
    return rows


@pytest.fixture(scope="module")
def provider(house):
    provider = house.provider()
    for name, handler in FAULTS.items():
        provider.on(name, handler)
    provider.on("too-long", says(400, body=REFUSED))
    provider.on("unwanted", says(400, body=UNWANTED))
    provider.on("later", says(429, headers=[("retry-after", "7")]))
    return provider


@pytest.fixture(scope="module")
def spare(house):
    return house.provider()


@pytest.fixture(scope="module")
def downs(house):
    pair = [house.provider(), house.provider()]
    for one in pair:
        one.on("s500", says(500))
    return pair


@pytest.fixture(scope="module")
def waits():
    return [[0.2], [0.05], [0.1]]


@pytest.fixture(scope="module")
def slows(house, waits):
    row = [house.provider() for _ in waits]
    for one, seconds in zip(row, waits):
        one.on("wait", slow(seconds))
    return row


@pytest.fixture(scope="module")
def nobody():
    return type("Nobody", (), {"base_url": "http://127.0.0.1:%d/v1" % free_port()})


@pytest.fixture(scope="module")
def gateway(house, provider, spare, downs, slows, nobody):
    # Their faults are the tests' own, one after the other: what follows from many is test_health.py's.
    unwatched = {"health": {"watch": False}}
    accounts = [("up", provider, unwatched), ("spare", spare), ("nobody", nobody, unwatched)]
    accounts += [("down%d" % i, one) for i, one in enumerate(downs)]
    accounts += [("slow%d" % i, one) for i, one in enumerate(slows)]
    return house.gateway(*accounts, settings={
        "workers": 1, "models": models(),
        "timeouts": {"drain": "10s", "head": "300ms", "first_event": "300ms", "idle": "2s"}})


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("fault", sorted(FAULTS))
@pytest.mark.parametrize("place", [0, 1])
def test_no_fault_reaches_a_client_while_another_target_can_serve(gateway, spare, strategy, fault, place):
    for stream in (False, True):
        before = len(spare.requests)
        answer = gateway.chat("%s-%s-%d" % (strategy, fault, place), stream=stream)
        assert answer.status == 200, answer
        if stream:
            assert answer.events()[-1] == "[DONE]"
        assert len(spare.requests) == before + 1


@pytest.mark.parametrize("model", ["nobody-first", "priority-reset-0"])
def test_a_dead_provider_costs_no_error_and_no_time(gateway, model):
    def took(name):
        began = time.monotonic()
        assert gateway.chat(name).status == 200
        return time.monotonic() - began

    plain = [took("spare/m") for _ in range(40)]
    other = [took(model) for _ in range(40)]
    assert statistics.median(other) - statistics.median(plain) <= 0.010


def test_what_was_tried_is_told(gateway):
    answer = gateway.chat("falls")
    assert answer.status == 200
    assert answer.header("x-aigw-attempts") == "3"
    assert answer.header("x-aigw-targets") == "up, up, spare"
    assert gateway.chat("spare/m").header("x-aigw-attempts") is None


def test_fallbacks_of_a_model_and_of_its_fallbacks(gateway, spare):
    assert gateway.chat("falls").status == 200
    assert spare.last().model() == "last"


@pytest.mark.parametrize("model, other", [("long", "wide"), ("rude", "lax")])
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_leads_to_the_model_for_it(gateway, spare, model, other, stream):
    assert gateway.chat(model, stream=stream).status == 200
    assert spare.last().model() == other


def test_a_refusal_without_such_a_model_is_the_clients(gateway, spare):
    before = len(spare.requests)
    answer = gateway.chat("refuses")
    assert answer.status == 400
    assert answer.error()["code"] == "content_filter"
    assert len(spare.requests) == before


def test_of_several_failures_the_one_that_says_most_is_told(gateway):
    answer = gateway.chat("limited-then-nobody")
    assert answer.status == 429, answer
    assert answer.header("retry-after") == "7"
    assert answer.header("x-should-retry") == "false"
    assert answer.header("x-aigw-attempts") == "2"
    assert answer.header("x-aigw-targets") == "up, nobody"


def test_an_account_that_is_refused_is_not_asked_twice(gateway, provider, spare):
    before, other = len(provider.requests), len(spare.requests)
    assert gateway.chat("one-account").status == 200
    assert len(provider.requests) == before + 1
    assert len(spare.requests) == other + 1


def test_turns_alternate(gateway, provider, spare):
    before = len(provider.requests), len(spare.requests)
    for _ in range(20):
        assert gateway.chat("turns").status == 200
    assert (len(provider.requests) - before[0], len(spare.requests) - before[1]) == (10, 10)


def test_a_session_stays_with_its_account(gateway, provider, spare):
    used = set()
    for session in range(12):
        before = len(provider.requests)
        for _ in range(5):
            assert gateway.chat("spread", headers={"x-aigw-session": "s%d" % session}).status == 200
        assert len(provider.requests) - before in (0, 5)
        used.add(len(provider.requests) - before)
    assert used == {0, 5}


def test_sealed_reasoning_stays_with_its_account(gateway, provider, spare):
    def body(first, turns):
        messages = [{"role": "user", "content": first}]
        messages += [{"role": "assistant", "content": "yes", "reasoning_details": [{"signature": "s"}]},
                     {"role": "user", "content": "more"}] * turns
        return {"model": "spread", "messages": messages}

    provider.on("m", fake_openai.echo_bytes)
    spare.on("m", fake_openai.echo_bytes)
    used = set()
    for conversation in range(12):
        before = len(provider.requests)
        for turns in range(1, 6):
            assert gateway.post("/v1/chat/completions", body("topic %d" % conversation, turns)).status == 200
        assert len(provider.requests) - before in (0, 5)
        used.add(len(provider.requests) - before)
    assert used == {0, 5}


def test_the_provider_that_is_asked_for_is_used(gateway, provider, spare):
    for _ in range(6):
        before = len(spare.requests)
        assert gateway.chat("spread", headers={"x-aigw-provider": "spare"}).status == 200
        assert len(spare.requests) == before + 1
    assert gateway.chat("spread", headers={"x-aigw-provider": "nobody"}).status == 503


def counts(slows):
    return [len(one.requests) for one in slows]


def run(gateway, seconds, clients=4):
    end, failed = time.monotonic() + seconds, []

    def client():
        with gateway.connect() as connection:
            while time.monotonic() < end:
                if gateway.chat("latency", client=connection).status != 200:
                    failed.append(1)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_the_fastest_target_serves_nearly_all_and_loses_that_when_it_slows(gateway, slows, waits):
    run(gateway, 1)
    before = counts(slows)
    run(gateway, 5)
    served = [now - then for now, then in zip(counts(slows), before)]
    assert served[1] >= 0.9 * sum(served), served
    waits[1][0] = 0.25
    run(gateway, 2)
    before = counts(slows)
    run(gateway, 2)
    served = [now - then for now, then in zip(counts(slows), before)]
    assert served[1] <= 0.1 * sum(served), served


def test_an_outage_is_not_multiplied(gateway, downs):
    asked, end = 0, time.monotonic() + 5
    before = sum(counts(downs))
    with gateway.connect() as client:
        while time.monotonic() < end:
            assert gateway.chat("both-down", client=client).status >= 500
            asked += 1
    assert asked > 200
    assert sum(counts(downs)) - before <= 1.2 * asked


@pytest.fixture(scope="module")
def patient(house, provider, spare):
    return house.gateway(("up", provider, {"health": {"watch": False}}), ("spare", spare), settings={
        "workers": 1, "attempts": {"most": 4, "per_target": 3, "backoff": "40ms", "backoff_most": "400ms",
                                   "budget": 100},
        "models": [{"name": "alone", "targets": targets(("up", "heals"))},
                   {"name": "hopeless", "targets": targets(("up", "s500"))},
                   {"name": "barred", "targets": targets(("up", "s401"))},
                   {"name": "later", "targets": targets(("up", "later"))},
                   {"name": "brief", "total": "60ms", "targets": targets(("up", "s500"))}]})


def heals_after(number, fault):
    left = [number]

    def handler(request, connection):
        left[0] -= 1
        (fake_openai.answer if left[0] < 0 else fault)(request, connection)
    return handler


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["reset", "garbage", "s409", "s425", "s429", "s500", "s503"])
def test_one_target_is_asked_again_after_a_wait(patient, provider, fault, stream):
    for _ in range(4):
        assert patient.chat("up/m").status == 200   # further attempts are a share of the requests
    provider.on("heals", heals_after(2, FAULTS[fault]))
    provider.drop_connections()
    began = time.monotonic()
    answer = patient.chat("alone", stream=stream)
    assert answer.status == 200, answer
    assert answer.header("x-aigw-attempts") == "3"
    assert 0.05 < time.monotonic() - began < 1      # a half of 40 ms and of 80 ms at least


@pytest.mark.parametrize("model, attempts, status", [("hopeless", 3, 500), ("barred", 1, 502), ("later", 1, 429)])
def test_attempts_end(patient, provider, model, attempts, status):
    before = len(provider.requests)
    answer = patient.chat(model)
    assert answer.status == status, answer
    assert len(provider.requests) - before == attempts


def test_no_attempt_begins_that_could_not_end_in_time(patient, provider):
    before = len(provider.requests)
    began = time.monotonic()
    assert patient.chat("brief").status >= 500
    assert time.monotonic() - began < 0.3
    assert 1 <= len(provider.requests) - before <= 2


def test_a_client_that_leaves_ends_the_wait(patient, provider):
    provider.on("heals", FAULTS["s500"])
    before = len(provider.requests)
    client = patient.connect()
    client.request("POST", "/v1/chat/completions", patient.headers(),
                   b'{"model":"alone","messages":[{"role":"user","content":"x"}]}')
    provider.wait_requests(before + 1)
    client.close()
    time.sleep(0.5)
    assert len(provider.requests) - before == 1
    assert patient.chat("up/m").status == 200
