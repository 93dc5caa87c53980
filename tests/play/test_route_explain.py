"""What `aigwctl route explain` says, against where the request really goes."""
import pytest

STRATEGIES = ["weighted", "round_robin", "priority", "least_busy", "lowest_latency", "lowest_cost", "headroom"]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def models():
    # One priority has one target, so that neither chance nor turns decide.
    rows = [{"name": strategy, "strategy": strategy,
             "targets": [{"provider": "a", "model": "m", "priority": 2}, {"provider": "b", "model": "m", "priority": 1},
                         {"provider": "c", "model": "m", "when": {"tag": ["batch"]}}]}
            for strategy in STRATEGIES]
    rows += [
        {"name": "when", "strategy": "priority",
         "targets": [{"provider": "a", "model": "m", "when": {"header": ["x-tier=gold"]}},
                     {"provider": "b", "model": "m", "when": {"features": ["tools"]}},
                     {"provider": "c", "model": "m", "when": {"key": ["chosen"]}}],
         "fallbacks": ["last"]},
        {"name": "last", "targets": [{"provider": "a", "model": "m"}]},
        {"name": "sticky", "targets": [{"provider": one, "model": "m", "weight": 1} for one in "abc"]},
    ]
    return rows


@pytest.fixture(scope="module")
def providers(house):
    return {name: house.provider() for name in "abc"}


@pytest.fixture(scope="module")
def gateway(house, providers):
    return house.gateway(*providers.items(), settings={"workers": 1, "models": models()})


def explain(gateway, model, *more):
    return gateway.ctl_json("route", "explain", "--model", model, *more)


def planned(answer):
    return [row["provider"] for row in answer["targets"] if row.get("place")]


def goes_to(gateway, providers, model, **more):
    before = {name: len(one.requests) for name, one in providers.items()}
    assert gateway.chat(model, **more).status == 200
    return [name for name, one in providers.items() if len(one.requests) > before[name]]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_first_of_the_explanation_gets_the_request(gateway, providers, strategy):
    answer = explain(gateway, strategy)
    assert answer["strategy"] == strategy
    assert planned(answer) == ["b", "a"]
    assert goes_to(gateway, providers, strategy) == ["b"]
    left = answer["targets"][2]
    assert (left["provider"], left["reason"], left["condition"]) == ("c", "condition", "tag")
    assert planned(explain(gateway, strategy, "--tag", "x,batch")) == ["c", "b", "a"]
    assert goes_to(gateway, providers, strategy, headers={"x-aigw-tags": "x,batch"}) == ["c"]


def test_a_session_is_explained_as_it_goes(gateway, providers):
    seen = set()
    for number in range(12):
        name = "s%d" % number
        first = planned(explain(gateway, "sticky", "--session", name))[0]
        assert goes_to(gateway, providers, "sticky", headers={"x-aigw-session": name}) == [first]
        seen.add(first)
    assert len(seen) > 1


@pytest.mark.parametrize("options, request_has, first", [
    ([], {}, "a"),
    (["--header", "X-Tier=gold"], {"headers": {"x-tier": "gold"}}, "a"),
    (["--features", "tools"], {"tools": [TOOL]}, "b"),
    (["--key", "chosen"], {"key": "chosen"}, "c"),
])
def test_conditions_and_fallbacks(gateway, providers, options, request_has, first):
    if "--key" in options:
        request_has = {"key": gateway.make_key("chosen")["key"]}
    answer = explain(gateway, "when", *options)
    assert planned(answer)[0] == first
    assert answer["targets"][0]["role"] == ("own" if options else "fallback")
    assert goes_to(gateway, providers, "when", **request_has) == [first]


def test_another_provider_and_the_bounds(gateway):
    answer = explain(gateway, "priority", "--provider", "a")
    assert planned(answer) == ["a"]
    assert {row["provider"]: row["reason"] for row in answer["targets"][1:]} == {
        "b": "other_provider", "c": "other_provider"}
    assert answer["bounds"]["attempts"] > 0 and answer["bounds"]["total_ms"] > 0


def test_the_table_and_wrong_words(gateway):
    text = gateway.ctl("route", "explain", "--model", "priority").stdout
    assert "PLACE" in text and "condition" in text and "attempts at most" in text
    gateway.ctl("route", "explain", code=2)
    gateway.ctl("route", "explain", "--model", "last", "--input-tokens", "many", code=2)
    for wrong in (["--model", "none"], ["--model", "last", "--key", "nobody"], ["--model", "last", "--at", "noon"],
                  ["--model", "last", "--features", "magic"], ["--model", "last", "--header", "x-tier"]):
        assert gateway.ctl("route", "explain", *wrong, code=None).returncode != 0, wrong
