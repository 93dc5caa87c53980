"""Which requests a target takes: `when` of the settings, through real processes."""
import pytest

MODEL = "chosen"
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def part(kind, **members):
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": kind, **members}]}]}


# Model: its condition, what fulfils it (members of the body, headers), what nearly does.
CASES = {
    "tag": ({"tag": ["night", "batch"]}, ({}, {"x-aigw-tags": "a,batch"}), ({}, {"x-aigw-tags": "a,batches"})),
    "body-tag": ({"tag": ["batch"]}, ({"metadata": {"tags": "batch"}}, {}), ({"metadata": {"tags": "other"}}, {})),
    "header": ({"header": ["x-tier=gold"]}, ({}, {"X-Tier": "gold"}), ({}, {"x-tier": "golden"})),
    "prefix": ({"header": ["X-Plan=pro*"]}, ({}, {"x-plan": "pro-2"}), ({}, {"x-plan": "free"})),
    "headers": ({"header": ["x-tier=gold", "x-plan=*"]}, ({}, {"x-tier": "gold", "x-plan": "1"}),
                ({}, {"x-tier": "gold"})),
    "tools": ({"features": ["tools"]}, ({"tools": [TOOL]}, {}),
              ({"messages": [{"role": "user", "content": "tools"}]}, {})),
    "vision": ({"features": ["vision"]}, (part("image_url", image_url={"url": "data:image/png;base64,aaaa"}), {}),
               ({"messages": [{"role": "user", "content": "\"image_url\": \"image/png\""}]}, {})),
    "audio": ({"features": ["audio"]}, (part("input_audio", input_audio={"data": "aaaa", "format": "wav"}), {}),
              ({"messages": [{"role": "user", "content": "input_audio"}]}, {})),
    "documents": ({"features": ["documents"]}, (part("file", file={"file_data": "data:application/pdf;base64,aa"}), {}),
                  ({}, {})),
    "json_schema": ({"features": ["json_schema"]}, ({"response_format": SCHEMA}, {}),
                    ({"response_format": {"type": "json_object"}}, {})),
    "reasoning": ({"features": ["reasoning"]}, ({"reasoning_effort": "low"}, {}), ({}, {})),
    "stream": ({"features": ["stream"]}, ({"stream": True}, {}), ({"stream": False}, {})),
    "without": ({"without": ["tools", "stream"]}, ({}, {}), ({"tools": [TOOL]}, {})),
    "long": ({"input_min": 1000}, ({"messages": [{"role": "user", "content": "word " * 3000}]}, {}), ({}, {})),
    "short": ({"input_max": 1000}, ({}, {}), ({"messages": [{"role": "user", "content": "word " * 3000}]}, {})),
    "tenant": ({"tenant": ["acme"]}, ({}, "acme"), ({}, "zeta")),
    "team": ({"team": ["acme/blue"]}, ({}, "blue"), ({}, "acme")),
    "user": ({"user": ["acme/ann"]}, ({}, "ann"), ({}, "blue")),
    "key": ({"key": ["by-name"]}, ({}, "by-name"), ({}, "acme")),
    "all": ({"tenant": ["acme"], "features": ["tools"]}, ({"tools": [TOOL]}, "acme"), ({"tools": [TOOL]}, "zeta")),
    "always": ({"hours": "00:00-24:00", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                "zone": "Asia/Tokyo"}, ({}, {}), None),
}


def models():
    rows = [{"name": name, "strategy": "priority",
             "targets": [{"provider": "up", "model": "yes", "when": when}, {"provider": "up", "model": "no"}]}
            for name, (when, _, _) in CASES.items()]
    never = {"header": ["x-open=sesame"]}
    rows += [
        {"name": "closed", "targets": [{"provider": "up", "model": "yes", "when": never}]},
        {"name": "falls", "targets": [{"provider": "up", "model": "yes", "when": never}], "fallbacks": ["behind"]},
        {"name": "behind", "targets": [{"provider": "up", "model": "no", "when": {"tag": ["batch"]}},
                                       {"provider": "up", "model": "last"}], "strategy": "priority"},
    ]
    return rows


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider), settings={"workers": 2, "models": models()})


@pytest.fixture(scope="module")
def keys(gateway):
    for tenant in ("acme", "zeta"):
        gateway.ctl_json("tenants", "create", tenant)
    gateway.ctl_json("teams", "create", "acme/blue")
    gateway.ctl_json("users", "create", "acme/ann")
    owners = {"acme": ["--tenant", "acme"], "zeta": ["--tenant", "zeta"], "blue": ["--team", "acme/blue"],
              "ann": ["--user", "acme/ann"], "by-name": []}
    return {name: gateway.make_key(name, *options)["key"] for name, options in owners.items()}


def served(gateway, provider, keys, model, members, more):
    body = {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}], **members}
    key, headers = (keys[more], {}) if isinstance(more, str) else ("own", more)
    answer = gateway.post("/v1/chat/completions", body, key=key, headers=headers)
    assert answer.status == 200, answer
    return provider.last().model()


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_condition_changes_the_target(gateway, provider, keys, name):
    _, fulfils, fails = CASES[name]
    assert served(gateway, provider, keys, name, *fulfils) == "yes"
    if fails:
        assert served(gateway, provider, keys, name, *fails) == "no"


def test_a_target_whose_condition_fails_is_no_last_resort(gateway, provider):
    before = len(provider.requests)
    assert gateway.chat("closed").status == 503
    assert len(provider.requests) == before
    assert gateway.chat("closed", headers={"x-open": "sesame"}).status == 200


def test_fallbacks_have_conditions_of_their_own(gateway, provider, keys):
    assert served(gateway, provider, keys, "falls", {}, {}) == "last"
    assert served(gateway, provider, keys, "falls", {}, {"x-aigw-tags": "batch"}) == "no"
    assert served(gateway, provider, keys, "falls", {}, {"x-open": "sesame"}) == "yes"
