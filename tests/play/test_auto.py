"""A model whose targets come from the catalogue: each request goes where what it needs is there."""
import json
import pathlib

import pytest


CATALOGUE = json.loads((pathlib.Path(__file__).parents[2] / "share" / "models.json").read_text())["models"]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
IMAGE = {"role": "user", "content": [
    {"type": "text", "text": "what is it?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(settings={
        "workers": 1, "media": {"fetch": False},
        "providers": [{"name": name, "kind": kind, "base_url": provider.base_url, "api_key": "k"}
                      for name, kind in (("groq", "groq"), ("deep", "deepseek"), ("mis", "mistral"))],
        "models": [{"name": "auto", "auto": {}},
                   {"name": "seeing", "auto": {"needs": ["vision"], "providers": ["groq", "mis"]}}]})


def served(gateway, provider, model="auto", **body):
    """The model that the provider was asked for, as the catalogue has it."""
    before = len(provider.requests)
    body = {"model": model, "max_tokens": 10, "messages": [{"role": "user", "content": "hello"}], **body}
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 200, answer
    request, = provider.requests[before:]
    rows = [row for row in CATALOGUE if row["name"] == request.model()
            and row["kind"] in ("groq", "deepseek", "mistral")]
    assert rows, request.model()
    return rows[0]


def test_it_is_the_cheapest_that_can_do_it(gateway, provider):
    plain = served(gateway, provider)
    assert plain["rates"]["input"] + plain["rates"]["output"] <= 1, plain
    assert "tools" in served(gateway, provider, tools=[TOOL])["capabilities"]
    assert "vision" in served(gateway, provider, messages=[IMAGE])["capabilities"]
    both = served(gateway, provider, messages=[IMAGE], tools=[TOOL])["capabilities"]
    assert {"vision", "tools"} <= set(both)
    assert "json_schema" in served(gateway, provider, response_format=SCHEMA)["capabilities"]


def test_a_long_prompt_goes_where_it_fits(gateway, provider):
    least = min(row["context"] for row in CATALOGUE
                if row["kind"] in ("groq", "deepseek", "mistral") and row.get("context")
                and "embeddings" not in row["capabilities"])
    words = "word " * (2 * least)
    assert served(gateway, provider, messages=[{"role": "user", "content": words}])["context"] > 2 * least


def test_the_explanation_is_of_the_same_choice(gateway, provider):
    answer = gateway.ctl_json("route", "explain", "--model", "auto", "--features", "vision,tools",
                              "--input-tokens", "20")
    first = min((row for row in answer["targets"] if row.get("place")), key=lambda row: row["place"])
    row = served(gateway, provider, messages=[IMAGE], tools=[TOOL])
    assert first["model"] == row["name"]


def test_what_all_must_do_is_said_once(gateway, provider):
    listed = {row["name"]: row for row in gateway.ctl_json("models", "list")["models"]}
    assert "vision" in listed["seeing"]["capabilities"]
    assert {target["provider"] for target in listed["seeing"]["targets"]} == {"groq", "mis"}
    assert "vision" in served(gateway, provider, "seeing")["capabilities"]
