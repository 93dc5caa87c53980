"""A provider of the client's dialect that does not take all of it: bodies that it takes pass as they came, others are
written anew, or in the dialect in which the model takes them."""
import json

import pytest

from harness import fake_chat, fake_openai, fake_responses, scenarios
from harness.fakes import root
from harness.gateway import SLOW
from harness.wait import until

TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
         for name in ("weather", "clock")]
CLAUDE_TOOLS = [{"name": tool["function"]["name"], "input_schema": tool["function"]["parameters"]} for tool in TOOLS]
REFUSAL = ("Function tools with reasoning_effort are not supported for gpt-5.6 in /v1/chat/completions. To use function "
           "tools, use /v1/responses or set reasoning_effort to 'none'.")


def serve(request, connection):
    """gpt-5.6 as OpenAI serves it."""
    if request.target == "/v1/responses":
        return fake_responses.answer(request, connection)
    body = request.json()
    if body.get("tools") and body.get("reasoning_effort") != "none":
        return connection.send_json(fake_openai.error(REFUSAL, "invalid_request_error", None, "reasoning_effort"), 400,
                                    "Bad Request")
    return fake_chat.answer(request, connection)


@pytest.fixture(scope="module")
def openai(house):
    return house.provider(serve)


@pytest.fixture(scope="module")
def hosts(house):
    return house.provider(fake_openai.lenient)


@pytest.fixture(scope="module")
def gateway(house, openai, hosts):
    other = {"base_url": root(hosts) + "/v1"}
    return house.gateway(
        ("up", openai), ("chats", openai, {"dialects": ["openai"]}),
        *[(kind, hosts, {"kind": kind, **other}) for kind in ("groq", "deepseek", "mistral", "zhipu", "vllm")],
        settings={"models": [{"name": "either", "targets": [
            {"provider": "up", "model": "gpt-5.6"}, {"provider": "vllm", "model": "m", "priority": 1}]}]})


def calls_of(answer):
    """Names of the tools that the client is asked to call, whole or streamed."""
    if answer.header("content-type").startswith("text/event-stream"):
        assert answer.events()[-1] == "[DONE]"
        found = [call for value in answer.objects() for choice in value["choices"]
                 for call in choice["delta"].get("tool_calls") or []]
        return [call["function"]["name"] for call in found if "name" in call["function"]]
    assert answer.json()["object"] == "chat.completion"
    return [call["function"]["name"] for call in answer.json()["choices"][0]["message"]["tool_calls"]]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("effort", [{"reasoning_effort": "high"}, {}])
def test_reasoning_with_tools_goes_to_responses(gateway, openai, effort, stream):
    answer = gateway.chat("up/gpt-5.6", "tools", tools=TOOLS, stream=stream, **effort)
    assert answer.status == 200, answer
    assert openai.last().target == "/v1/responses"
    assert openai.last().json().get("reasoning") == ({"effort": "high"} if effort else None)
    assert [tool["name"] for tool in openai.last().json()["tools"]] == ["weather", "clock"]
    assert calls_of(answer) == ["weather", "clock"]
    assert answer.header("x-aigw-dropped") is None


def test_the_loop_of_tools_goes_on_there_with_its_signatures(gateway, openai):
    messages = [{"role": "user", "content": "tools think"}]
    for turn in scenarios.TURNS:
        answer = gateway.post("/v1/chat/completions", {"model": "up/gpt-5.6", "reasoning_effort": "high",
                                                       "tools": TOOLS, "messages": messages})
        assert answer.status == 200, answer
        message = answer.json()["choices"][0]["message"]
        assert [call["function"]["name"] for call in message["tool_calls"]] == [name for name, _ in turn]
        messages.append(message)
        for call in message["tool_calls"]:
            given = json.loads(call["function"]["arguments"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": scenarios.RESULTS[
                call["function"]["name"], given.get("city") or given.get("zone")]})
    answer = gateway.post("/v1/chat/completions", {"model": "up/gpt-5.6", "reasoning_effort": "high", "tools": TOOLS,
                                                   "messages": messages})
    assert answer.json()["choices"][0]["message"]["content"] == scenarios.LOOP_END, answer
    assert openai.last().target == "/v1/responses"


def test_the_usage_record_says_which_dialect_it_was(gateway):
    answer = gateway.chat("up/gpt-5.6", "tools", tools=TOOLS, reasoning_effort="high")
    row = until(lambda: next((row for row in gateway.ctl_json("usage")["last"]
                              if row["request_id"] == answer.header("x-request-id")), None), 5 * SLOW, "the record")
    assert (row["dialect"], row["provider_dialect"]) == ("openai", "responses")
    assert (row["input_tokens"], row["output_tokens"]) == (scenarios.USAGE["input"], scenarios.USAGE["output"])


@pytest.mark.parametrize("members", [{"tools": TOOLS, "reasoning_effort": "none"}, {"reasoning_effort": "high"}])
def test_what_chat_completions_take_passes_as_it_came(gateway, openai, members):
    body = json.dumps({"model": "up/gpt-5.6", **members, "messages": [{"role": "user", "content": "x"}]}).encode()
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 200, answer
    assert openai.last().target == "/v1/chat/completions"
    assert openai.last().body == body.replace(b"up/gpt-5.6", b"gpt-5.6")


def test_without_responses_there_is_no_effort(gateway, openai):
    answer = gateway.chat("chats/gpt-5.6", "tools", tools=TOOLS, reasoning_effort="high")
    assert answer.status == 200, answer
    assert openai.last().target == "/v1/chat/completions"
    assert openai.last().json()["reasoning_effort"] == "none"
    assert calls_of(answer) == ["weather", "clock"]
    assert answer.header("x-aigw-dropped") == "reasoning_effort"


def test_a_strict_request_is_refused_instead(gateway, openai):
    before = len(openai.requests)
    answer = gateway.chat("chats/gpt-5.6", "tools", tools=TOOLS, reasoning_effort="high",
                          headers={"x-aigw-strict": "true"})
    assert answer.status == 400 and "reasoning_effort" in answer.json()["error"]["message"], answer
    assert len(openai.requests) == before


def test_clients_of_other_dialects_go_there_too(gateway, openai):
    answer = gateway.post("/v1/messages", {
        "model": "up/gpt-5.6", "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000},
        "tools": CLAUDE_TOOLS, "messages": [{"role": "user", "content": "tools"}]})
    assert answer.status == 200, answer
    assert openai.last().target == "/v1/responses"
    assert [block["name"] for block in answer.json()["content"] if block["type"] == "tool_use"] == ["weather", "clock"]


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_target_gets_the_clients_own_bytes(gateway, openai, hosts, stream):
    before = len(hosts.requests)
    body = json.dumps({"model": "either", "tools": TOOLS, "stream": stream, "stream_options": None,
                       "messages": [{"role": "user", "content": "fail overloaded"}]}).encode()
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 200, answer
    assert openai.last().target == "/v1/responses"
    wish = b'"stream_options": ' + (b'{"include_usage":true}' if stream else b"null")
    assert [request.body for request in hosts.requests[before:]] == [
        body.replace(b"either", b"m").replace(b'"stream_options": null', wish)]
    assert answer.header("x-aigw-dropped") is None


# kind, members of the request, members of what must arrive (None: not there), messages as they arrive
MENDED = [
    ("groq", {"logprobs": None, "logit_bias": {}, "messages": [{"role": "user", "content": "x", "name": "bob"}]},
     {"logprobs": None, "logit_bias": None}, [{"role": "user", "content": "x"}]),
    ("deepseek", {"max_completion_tokens": 70, "messages": [{"role": "developer", "content": "D"},
                                                            {"role": "user", "content": "x"}]},
     {"max_tokens": 70, "max_completion_tokens": None},
     [{"role": "system", "content": "D"}, {"role": "user", "content": "x"}]),
    ("mistral", {"user": "u", "seed": 5}, {"user": None, "seed": None, "random_seed": 5}, None),
    ("zhipu", {"temperature": 0}, {"temperature": None, "do_sample": False}, None),
    ("vllm", {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"},
                           {"role": "user", "content": "z"}, {"role": "system", "content": "S"}]}, {},
     [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"},
      {"role": "user", "content": [{"type": "text", "text": "z"}, {"type": "text", "text": "<system>S</system>"}]}]),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("kind, members, wanted, messages", MENDED, ids=[row[0] for row in MENDED])
def test_what_a_host_refuses_is_mended(gateway, hosts, kind, members, wanted, messages, stream):
    body = {"model": kind + "/m", "messages": [{"role": "user", "content": "x"}], "x_own": {"a": 1}, "stream": stream,
            **members}
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 200, answer
    got = hosts.last().json()
    assert {name: got.get(name) for name in wanted} == wanted
    assert got["messages"] == (messages or body["messages"])
    assert got["x_own"] == {"a": 1}
    if stream:
        assert answer.events()[-1] == "[DONE]"
        assert all(value["choices"] for value in answer.objects()), "usage that nobody asked for"


@pytest.mark.parametrize("kind", [row[0] for row in MENDED])
def test_what_a_host_takes_passes_as_it_came(gateway, hosts, kind):
    body = ('{"z":1.0, "model":"%s/m","messages":[{"role":"system","content":"S"},{"role":"user","content":"x"}],'
            '"temperature":0.70,"max_tokens":9,"tool_choice":"auto"}' % kind).encode()
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 200, answer
    assert hosts.last().body == body.replace(kind.encode() + b"/m", b"m")


def test_a_stream_asks_for_usage_only_where_that_is_known(gateway, hosts):
    gateway.chat("mistral/m", stream=True)
    assert "stream_options" not in hosts.last().json()
    gateway.chat("deepseek/m", stream=True)
    assert hosts.last().json()["stream_options"] == {"include_usage": True}
