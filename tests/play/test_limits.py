"""Limits and budgets: refused in time, told truly, given back, exact over workers and their deaths."""
import json
import sqlite3
import time

import pytest

from harness import fake_openai, process
from harness.client import Broken
from harness.gateway import SLOW
from harness.load import Load
from harness.wait import until

MODEL = "up/gpt-4o-mini"        # of the catalogue: $0.15 and $0.60 a million tokens
COST = 12 * 150 + 7 * 600       # nanodollars of the fake provider's usual answer


@pytest.fixture
def provider(room):
    made = room.provider()
    made.on("held", held)
    return made


def held(_, connection):
    """A stream that says one word and waits for the client to leave."""
    connection.open_stream()
    connection.event(fake_openai.chunk("m", {"role": "assistant", "content": "a"}))
    connection.wait_ended(20)


def house_with(room, provider, **settings):
    return room.gateway(("up", provider), settings=settings)


def ask(gateway, model=MODEL, key="own", headers=None, **more):
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}
    return gateway.post("/v1/chat/completions", body, key=key, headers=headers)


def error_of(answer):
    return json.loads(answer.body)["error"]


def rows(gateway, columns):
    with sqlite3.connect("file:%s?mode=ro" % (gateway.folder / "aigw.db"), uri=True) as store:
        return store.execute("select %s from usage order by started_ms, rowid" % columns).fetchall()


# ---- rates ----------------------------------------------------------------------------------


def test_requests_of_a_key_are_counted_over_all_workers(room, provider):
    gateway = house_with(room, provider,
                         rate_limits=[{"scope": "key:*", "requests": "5/hour"}])
    answers = [ask(gateway) for _ in range(8)]
    assert [answer.status for answer in answers] == [200] * 5 + [429] * 3
    assert [answer.header("x-ratelimit-remaining-requests") for answer in answers[:5]] == list("43210")
    assert answers[0].header("x-ratelimit-limit-requests") == "5"
    last = answers[-1]
    error = error_of(last)
    assert error["code"] == "gateway_rate_limit" and error["type"] == "rate_limit_error"
    assert "key" in error["message"] and "5" in error["message"], error
    assert last.header("x-aigw-error-source") == "gateway"
    seconds = int(last.header("retry-after"))
    assert 0 < seconds <= 720
    assert (seconds - 1) * 1000 <= int(last.header("retry-after-ms")) <= seconds * 1000
    other = gateway.make_key("other")["key"]
    assert ask(gateway, key=other).status == 200
    assert len(provider.requests) == 6


def test_anthropic_clients_see_their_own_fields(room, provider):
    gateway = house_with(room, provider,
                         rate_limits=[{"scope": "key:*", "requests": "1/minute"}])
    body = {"model": MODEL, "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}
    first, second = (gateway.post("/v1/messages", body) for _ in range(2))
    assert (first.status, second.status) == (200, 429)
    assert first.header("anthropic-ratelimit-requests-limit") == "1"
    assert first.header("anthropic-ratelimit-requests-remaining") == "0"
    assert first.header("anthropic-ratelimit-requests-reset").endswith("Z")
    assert first.header("x-ratelimit-limit-requests") is None
    said = json.loads(second.body)
    assert said["type"] == "error" and said["error"]["type"] == "rate_limit_error"


def test_tokens_are_reserved_by_estimate_and_settled_by_truth(room, provider):
    gateway = house_with(room, provider,
                         rate_limits=[{"scope": "key:*", "total_tokens": "1000/hour"}])
    first = ask(gateway, max_tokens=400)
    assert first.status == 200
    assert int(first.header("x-ratelimit-remaining-tokens")) < 600
    second = ask(gateway, max_tokens=400)
    assert 500 < int(second.header("x-ratelimit-remaining-tokens")) < 600
    alone = ask(gateway, max_tokens=2000)
    assert alone.status == 429 and "alone" in error_of(alone)["message"]


def test_places_are_given_back_when_streams_end(room, provider):
    gateway = house_with(room, provider, rate_limits=[{"scope": "key:*", "concurrent": 2}])
    streams = [gateway.open_chat_stream("up/held") for _ in range(2)]
    for client, _ in streams:
        client.read_chunk()
    refused = ask(gateway)
    assert refused.status == 429
    assert error_of(refused)["code"] == "gateway_concurrency_limit"
    for client, _ in streams:
        client.close()
    until(lambda: ask(gateway).status == 200, 5 * SLOW, "the places are free")


def test_a_dead_worker_gives_its_places_back(room, provider):
    gateway = house_with(room, provider, rate_limits=[{"scope": "key:*", "concurrent": 4}])
    gateway.workers_may_change = True
    streams = [gateway.open_chat_stream("up/held") for _ in range(4)]
    for client, _ in streams:
        client.read_chunk()
    assert ask(gateway).status == 429
    for worker in gateway.workers():
        process.kill(worker)
    until(lambda: len(gateway.workers()) == 2, 5 * SLOW, "new workers")

    def free():
        try:
            return ask(gateway).status == 200
        except OSError:
            return False
    until(free, 5 * SLOW, "the places are free")
    for client, _ in streams:
        client.close()


def test_a_shadow_counts_and_never_refuses(room, provider):
    gateway = house_with(room, provider, rate_limits=[
        {"scope": "key:*", "requests": "1/hour", "mode": "shadow"}])
    assert [ask(gateway).status for _ in range(3)] == [200] * 3
    gateway.wait_usage(3)
    told = [json.loads(row[0])[0] for row in rows(gateway, "limits")]
    assert [limit["room"] for limit in told] == [True, False, False]
    assert all(limit["mode"] == "shadow" and limit["scope"] == "key" for limit in told)


def test_zero_lets_nothing_in(room, provider):
    gateway = house_with(room, provider, rate_limits=[{"scope": "key:*", "requests": "0/hour"}])
    answer = ask(gateway)
    assert answer.status == 429
    assert answer.header("retry-after") is None and answer.header("x-should-retry") == "false"
    assert provider.requests == []


def test_tags_have_limits_of_their_own(room, provider):
    gateway = house_with(room, provider, rate_limits=[{"scope": "tag:batch", "requests": "1/hour"}])
    tagged = {"x-aigw-tags": "batch, night"}
    assert ask(gateway, headers=tagged).status == 200
    refused = ask(gateway, headers=tagged)
    assert refused.status == 429 and "'batch'" in error_of(refused)["message"]
    assert ask(gateway, metadata={"tags": "batch,no tag"}).status == 429
    assert ask(gateway).status == 200
    gateway.wait_usage(4)
    assert json.loads(rows(gateway, "tags")[0][0]) == ["batch", "night"]
    bad = ask(gateway, headers={"x-aigw-tags": "a b"})
    assert bad.status == 400 and error_of(bad)["code"] == "invalid_tags"


def test_a_provider_without_room_is_passed_over(room):
    first, second = room.provider(), room.provider()
    gateway = room.gateway(("one", first), ("two", second), settings={
        "models": [{"name": "both", "targets": [{"provider": "one", "model": "m", "priority": 0},
                                                {"provider": "two", "model": "m", "priority": 1}]}],
        "rate_limits": [{"scope": "provider:one", "requests": "2/hour"}]})
    assert [ask(gateway, model="both").status for _ in range(5)] == [200] * 5
    assert (len(first.requests), len(second.requests)) == (2, 3)
    refused = [ask(gateway, model="one/m").status for _ in range(2)]
    assert refused == [429, 429]


def test_texts_of_the_record_are_whole_json_however_much_they_tell(room, provider):
    tags = ["%s-%d" % ("t" * 62, i) for i in range(8)]
    names = ["x" * 60 + "%d" % i for i in range(4)]
    gateway = house_with(
        room, provider,
        rate_limits=[{"scope": "tag:" + tag, "requests": "5/%ds" % window} for tag in tags
                     for window in (7, 70, 700, 7000)],
        budgets=[{"name": name, "scope": "key:*", "amount": 1, "period": "day"} for name in names],
        models=[{"name": "both", "targets": [{"provider": "up", "model": "l" * 200, "priority": 0},
                                             {"provider": "up", "model": "m", "priority": 1}]}])
    provider.on("l" * 200, fake_openai.fails(500, "Internal Server Error", "no", "server_error"))
    assert ask(gateway, headers={"x-aigw-tags": ",".join(tags)}).status == 200
    assert ask(gateway, model="both").status == 200
    gateway.wait_usage(2)
    (first, second) = rows(gateway, "tags, limits, rooms, tries")
    assert json.loads(first[0]) == tags
    assert len(json.loads(first[1])) > 5 and json.loads(first[2])["upstream"] > 0
    assert json.loads(second[3])[0]["fault"] == "provider_error", second
    ((candidates,),) = rows(gateway, "candidates")[1:]
    assert json.loads(candidates) == ["up/...", "up/m"]


# ---- money ----------------------------------------------------------------------------------


def test_cost_stands_in_the_record(room, provider):
    gateway = house_with(room, provider)
    assert ask(gateway).status == 200
    assert ask(gateway, model="up/no-such-price").status == 200
    gateway.wait_usage(2)
    known, unknown = rows(gateway, "cost_nano, price, input_tokens, output_tokens")
    assert known[0] == COST and known[2:] == (12, 7)
    assert "12 input" in known[1] and "7 output" in known[1]
    assert unknown[0] is None


def test_a_budget_lets_in_what_surely_fits(room, provider):
    gateway = house_with(room, provider, budgets=[
        {"name": "small", "scope": "key:*", "amount": "0.000020", "period": "day", "strict": True}])
    answers = [ask(gateway, max_tokens=10) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    error = error_of(answers[2])
    assert error["code"] == "gateway_budget_exceeded" and error["type"] == "insufficient_quota"
    assert "small" in error["message"] and "$0.00002." in error["message"], error
    assert answers[2].header("x-should-retry") == "false"
    gateway.wait_usage(3)
    assert sum(cost or 0 for (cost,) in rows(gateway, "cost_nano")) == 2 * COST


def test_strict_budgets_refuse_what_has_no_price(room, provider):
    gateway = house_with(room, provider, budgets=[
        {"name": "b", "scope": "key:*", "amount": 1, "period": "day", "strict": True}])
    refused = ask(gateway, model="up/no-such-price")
    assert refused.status == 403 and error_of(refused)["code"] == "gateway_price_unknown"


def test_failures_of_a_provider_cost_nothing(room, provider):
    provider.on("broken", fake_openai.fails(500, "Internal Server Error", "sorry", "server_error"))
    gateway = house_with(room, provider)
    assert ask(gateway, model="up/broken").status >= 500
    gateway.wait_usage(1)
    assert rows(gateway, "cost_nano, estimated") == [(0, 0)]


def test_a_stream_that_the_client_left_is_charged_by_estimate(room, provider):
    gateway = house_with(room, provider)
    client, _ = gateway.open_chat_stream("up/held")
    client.read_chunk()
    client.close()
    gateway.wait_usage(1)
    (row,) = rows(gateway, "input_tokens, output_tokens, estimated")
    assert row[0] > 0 and row[1] > 0 and row[2] == 3


def talks(_, connection):
    """Words until the client is gone, 40 tokens each."""
    connection.open_stream()
    connection.event(fake_openai.chunk("m", {"role": "assistant", "content": ""}))
    for _ in range(400):
        connection.event(fake_openai.chunk("m", {"role": "assistant", "content": "word " * 40}))
        if connection.wait_ended(0.005):
            return
    connection.event("[DONE]")
    connection.end_stream()


@pytest.mark.parametrize("cuts", [True, False])
def test_a_stream_ends_where_the_budget_does(room, provider, cuts):
    provider.on("gpt-4o", talks)            # $2.50 and $10 a million tokens
    gateway = house_with(room, provider, budgets=[
        {"name": "b", "scope": "key:*", "amount": "0.02", "period": "day", "cut": cuts}])
    client, _ = gateway.open_chat_stream("up/gpt-4o", max_tokens=100)
    chunks = []
    try:
        while True:
            chunk = client.read_chunk()
            if not chunk:
                break
            chunks.append(chunk)
    except (OSError, Broken):
        pass
    client.close()
    gateway.wait_usage(1, timeout=10)
    (row,) = rows(gateway, "fault, cost_nano, reserved_nano, output_tokens")
    text = b"".join(chunks)
    if cuts:
        assert row[0] == "budget_cut" and b"gateway_budget_cut" in text and b"[DONE]" not in text
        assert row[1] <= 20_000_000 + 60 * 10_000, row     # the record that told
        assert row[3] > 500
    else:
        assert row[1] > 20_000_000 and row[0] != "budget_cut"
        assert row[2] >= row[1], row


def test_many_at_once_never_overdraw_a_budget_though_workers_die(room, provider):
    """The provider's own count is the truth."""
    amount = 1000 * COST
    gateway = house_with(room, provider, budgets=[
        {"name": "all", "scope": "key:*", "amount": "%.9f" % (amount / 1e9), "period": "total"}])
    gateway.workers_may_change = True

    def paced(request, connection):
        time.sleep(0.15)
        fake_openai.answer(request, connection)

    provider.on("gpt-4o-mini", paced)
    with Load(gateway, 32, model=MODEL, on_failure_sleep=0.02, max_tokens=7) as load:
        for _ in range(3):
            load.wait_ok(10)
            old = set(gateway.workers())
            process.kill(sorted(old)[0])
            until(lambda: set(gateway.workers()) - old, 5 * SLOW, "a new worker")
        until(lambda: any("gateway_budget_exceeded" in what for _, what in load.failures), 20 * SLOW,
              "the budget is spent")
        time.sleep(0.5)
    asked = [request for request in provider.requests if b"gpt-4o-mini" in request.body]
    assert len(asked) * COST <= amount
    assert len(asked) > 850
