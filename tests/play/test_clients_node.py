"""The clients for Node (node/*.mjs) through the gateway to a provider of every dialect: chat, stream, a
loop of tools, leaving a stream, errors."""
import json
import os
import pathlib
import subprocess

import pytest

from harness import fake_gemini, fakes, scenarios
from harness.gateway import ROOT
from harness.wait import until

SCRIPT = pathlib.Path(__file__).parent / "node" / "grid.mjs"
SAID = "You said: grüß \"dich\" \\ \U0001f600"
STEPS = {"chat": SAID, "stream": SAID, "tools": scenarios.LOOP_END, "abort": "left"}
OPENAI = {"bad": ["BadRequestError", 400], "limited": ["RateLimitError", 429],
          "broken": ["InternalServerError", 500]}


def statuses(name):
    """Clients with one class of error tell them apart by the status."""
    return {"bad": [name, 400], "limited": [name, 429], "broken": [name, 500]}


# This client wraps results in an object; providers of other dialects see it as the text that it is.
WRAPPED = ('Got: {"name":"weather","content":"rain \\"heavy\\""} | {"name":"clock","content":"12:00"} | '
           '{"name":"weather","content":"snow"}')


# file: client: class and status that each trouble raises with its own provider
FILES = {
    "openai": {"openai chat": OPENAI, "openai responses": OPENAI},
    "anthropic": {"@anthropic-ai/sdk": OPENAI},
    "google": {"@google/genai": statuses("ApiError")},
    "vercel": {name: statuses("APICallError") for name in (
        "ai, openai chat", "ai, openai responses", "ai, anthropic", "ai, google")},
    "langchain": {"langchain, openai": OPENAI, "langchain, anthropic": OPENAI,
                  "langchain, google": statuses("GoogleGenerativeAIFetchError")},
}
CLIENTS = [(file, client) for file, clients in FILES.items() for client in clients]


@pytest.fixture(scope="module")
def providers(house):
    made = {dialect: fakes.make(house, dialect) for dialect in fakes.DIALECTS}
    made["gemini"][0].default = fake_gemini.merging
    return made


@pytest.fixture(scope="module")
def seen(house, providers):
    gateway = house.gateway(*[row for _, row in providers.values()], settings={"models": [
        {"name": "via-" + dialect, "targets": [{"provider": dialect, "model": fakes.model(dialect)}]}
        for dialect in fakes.DIALECTS]})
    found = {}

    def of(file):
        if file not in found:
            done = subprocess.run(
                ["node", str(SCRIPT), file, *["via-" + dialect for dialect in fakes.DIALECTS]],
                stdout=subprocess.PIPE, timeout=100, env={
                    **os.environ, "NODE_ROOT": str(ROOT / "build" / "node"), "KEY": gateway.key,
                    "ROOT": "http://127.0.0.1:%d" % gateway.port})
            found[file] = {(client, model, step): value
                           for client, model, step, value in json.loads(done.stdout)}
        return found[file]

    return of


@pytest.mark.parametrize("dialect", fakes.DIALECTS)
@pytest.mark.parametrize("file, client", CLIENTS)
def test_client(seen, file, client, dialect):
    expected = {**STEPS, **FILES[file][client]}
    if client == "ai, google" and dialect != "gemini":
        expected["tools"] = WRAPPED
    assert {step: seen(file)[client, "via-" + dialect, step] for step in expected} == expected


@pytest.mark.parametrize("dialect", fakes.DIALECTS)
def test_left_streams_are_closed_at_the_provider(seen, providers, dialect):
    for file in FILES:
        seen(file)
    provider = providers[dialect][0]
    until(lambda: not any(b"forever" in request.body and request.connection.ended is None
                          for request in provider.requests), 5, "the connections of left streams end")
