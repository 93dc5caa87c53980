"""The strict fake providers themselves: each official client speaks to the fake of its own service, with
the cases of the grid; and what the fakes must refuse, they refuse."""
import json

import pytest

from harness import cases, fakes, scenarios, sdks
from harness.client import RawClient

# errors: as they come from the provider itself; hidden errors are no concern of a client
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
THROUGH_GATEWAY = ("errors", "hidden_errors", "aborts", "counts", "embeddings")
CASES = [name for name in cases.CASES if name not in THROUGH_GATEWAY]


@pytest.fixture(scope="module")
def clients(house):
    made = {}
    for dialect in fakes.DIALECTS:
        provider, _ = fakes.make(house, dialect)
        made[dialect] = sdks.CLIENTS[dialect](fakes.root(provider), "sk-test", fakes.model(dialect))
    return made


@pytest.mark.parametrize("dialect", fakes.DIALECTS)
@pytest.mark.parametrize("case", CASES)
def test_client_with_its_own_provider(clients, dialect, case):
    cases.CASES[case](clients[dialect], dialect)


@pytest.mark.parametrize("dialect", fakes.DIALECTS)
def test_errors_are_those_of_the_provider(clients, dialect):
    client = clients[dialect]
    for kind in [kind for kind in client.errors if kind in scenarios.TROUBLES]:
        for stream in (False, True):
            cases.raises(client, kind, kind, stream)


USER = {"role": "user", "content": "say x"}
CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]}
ASKS = {"role": "user", "parts": [{"text": "x"}]}
CALLS = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
REFUSED = [
    ("anthropic", {"messages": [USER]}, "max_tokens"),
    ("anthropic", {"max_tokens": 9, "messages": [USER], "n": 1}, "Extra inputs"),
    ("anthropic", {"max_tokens": 9, "messages": [{"role": "user", "content": ""}]}, "non-empty"),
    ("anthropic", {"max_tokens": 9, "messages": [USER, CALL, USER]}, "without `tool_result`"),
    ("anthropic", {"max_tokens": 9, "messages": [{"role": "system", "content": "x"}]}, "role"),
    ("gemini", {"contents": [ASKS], "model": "m"}, "Unknown name"),
    ("gemini", {"contents": [{"role": "user", "parts": [{}]}]}, "initialized field"),
    ("gemini", {"contents": [ASKS, CALLS, ASKS]}, "number of function response parts"),
    ("gemini", {"contents": [ASKS, CALLS, {"role": "user", "parts": [
        {"functionResponse": {"name": "f", "response": {}}}]}]}, "thought_signature"),
    ("responses", {"input": "x", "n": 1}, "Unknown parameter"),
    ("responses", {"input": [{"type": "function_call", "call_id": "a", "name": "f",
                              "arguments": "{}"}]}, "No tool output"),
    ("openai", {"messages": [USER], "top_k": 1}, "Unrecognized"),
    ("openai", {"messages": [USER], "max_tokens": 9}, "max_completion_tokens"),
]
PATHS = {"openai": "/v1/chat/completions", "responses": "/v1/responses", "anthropic": "/v1/messages",
         "gemini": "/v1beta/models/m:generateContent"}


@pytest.mark.parametrize("dialect, body, words", REFUSED)
def test_strict_fakes_refuse(house, dialect, body, words):
    provider, _ = fakes.make(house, dialect)
    named = body if dialect == "gemini" else {"model": fakes.model(dialect), **body}
    with RawClient(provider.port, timeout=5.0) as client:
        client.request("POST", PATHS[dialect], {
            "Content-Type": "application/json", "Authorization": "Bearer k", "x-goog-api-key": "k",
            "anthropic-version": "2023-06-01"}, json.dumps(named).encode())
        refused = client.read_response()
    assert refused.status == 400
    assert words in refused.body.decode()
