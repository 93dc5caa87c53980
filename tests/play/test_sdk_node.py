"""The official OpenAI client for Node, unchanged (node/scenario.mjs), step by step."""
import json
import os
import pathlib
import subprocess

import pytest

from harness import fake_openai
from harness.gateway import ROOT
from harness.wait import until

SCRIPT = pathlib.Path(__file__).parent / "node" / "scenario.mjs"
EXPECTED = {
    "chat": ["You said: hello node", 19, True],
    "stream": ["You said: hello node", 0],
    "usage": 19,
    "tools": ["weather", '{"city":"K\\u00f6ln"}'],
    "embeddings": [[0.25, -0.5, 1], [0.25, -0.5, 1]],
    "models": [True, "fast"],
    "unauthorized": ["AuthenticationError", 401, "invalid_api_key", None],
    "unknown": ["NotFoundError", 404, "model_not_found", None],
    "limited": ["RateLimitError", 429, "rate_limit_exceeded", "7"],
    "refused": ["BadRequestError", 400, "context_length_exceeded", None],
    "abort": "left",
}


@pytest.fixture(scope="module")
def left():
    return []


@pytest.fixture(scope="module")
def seen(house, left):
    provider = house.provider()
    provider.on("limited", fake_openai.fails(429, "Too Many Requests", "slow", "requests",
                                             "rate_limit_exceeded", [("Retry-After", "7")]))
    provider.on("refuses", fake_openai.fails(400, "Bad Request", "long", "invalid_request_error",
                                             "context_length_exceeded"))
    provider.on("broken", fake_openai.fails(500, "Internal Server Error", "sorry", "server_error"))

    def cut(_, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk("m", {"role": "assistant", "content": "par"}))
        connection.reset()

    def talk(_, connection):
        connection.open_stream()
        left.append(connection.talk_until_ended(
            lambda n: fake_openai.chunk("m", {"content": "word %d" % n})))

    provider.on("cut", cut)
    provider.on("talk", talk)
    gateway = house.gateway(("up", provider), settings={
        "models": [{"name": "fast", "targets": [{"provider": "up", "model": "gpt-5-mini"}]}]})
    done = subprocess.run(["node", str(SCRIPT)], stdout=subprocess.PIPE, timeout=60, env={
        **os.environ, "NODE_ROOT": str(ROOT / "build" / "node"), "KEY": gateway.key,
        "BASE_URL": "http://127.0.0.1:%d/v1" % gateway.port})
    return json.loads(done.stdout)


@pytest.mark.parametrize("step", EXPECTED)
def test_step(seen, step):
    assert seen[step] == EXPECTED[step]


def test_broken_provider_is_an_internal_server_error(seen):
    assert seen["broken"][0] == "InternalServerError"


def test_cut_stream_raises(seen):
    assert seen["cut"][0].endswith("Error"), seen["cut"]


def test_leaving_a_stream_closes_the_provider(seen, left):
    until(lambda: left and left[0], 2, "the provider's connection closed")
