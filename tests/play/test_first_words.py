"""How a stream begins and breaks: an error before the first word is an answer of its own, and one behind
it is the last that the client hears; what was used is recorded, and usage shows as the client asked."""
import json

import pytest

from harness import fake_openai

START = ("message_start", {"message": {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [],
    "usage": {"input_tokens": 17, "output_tokens": 1}}})
OPEN = ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}})
WORD = ("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "Half"}})
BUSY = ("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})
CHUNK = fake_openai.chunk("m", {"role": "assistant", "reasoning": "I call it."})
FAILED = {"error": {"message": "Failed to call a function.", "type": "invalid_request_error",
                    "code": "tool_use_failed", "failed_generation": "{", "status_code": 400}}
COUNTS = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def says(*events):
    """Anthropic's events."""
    def handler(_, connection):
        connection.open_stream()
        for kind, value in events:
            connection.chunk("event: %s\ndata: %s\n\n" % (kind, json.dumps({"type": kind, **value})))
        connection.end_stream()
    return handler


def chunks(*values):
    """OpenAI's; a string goes as it is."""
    def handler(_, connection):
        connection.open_stream()
        for value in values:
            if isinstance(value, bytes):
                connection.chunk(value)
            else:
                connection.event(value)
        connection.end_stream()
    return handler


@pytest.fixture(scope="module")
def claude(house):
    return house.provider(says(BUSY))


@pytest.fixture(scope="module")
def kin(house):
    return house.provider()


@pytest.fixture(scope="module")
def google(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, claude, kin, google):
    return house.gateway(
        ("claude", claude, {"kind": "anthropic"}), ("kin", kin, {"kind": "groq"}),
        ("mistral", kin, {"kind": "mistral"}), ("google", google, {"kind": "gemini"}),
        settings={"models": [
            {"name": "either", "targets": [{"provider": "claude", "model": "busy"},
                                           {"provider": "kin", "model": "m"}]},
            {"name": "either-same", "targets": [{"provider": "kin", "model": "fails-first"},
                                                {"provider": "claude", "model": "m"}]}]})


def last(gateway, before):
    gateway.wait_usage(before + 1)
    return gateway.ctl_json("usage")["last"][0]


def messages(gateway, model, **more):
    return gateway.post("/v1/messages", {"model": model, "max_tokens": 9, "stream": True, "messages": [
        {"role": "user", "content": "x"}], **more})


def test_an_error_first_is_a_status_in_the_clients_words(gateway, claude):
    claude.on("begun", says(START, BUSY))
    for model in ("claude/busy", "claude/begun"):
        answer = gateway.chat(model, stream=True)
        assert answer.status == 503 and answer.error()["code"] == "overloaded"
        assert "json" in answer.header("content-type")
        assert int(answer.header("retry-after")) >= 1
    answer = messages(gateway, "claude/busy")
    assert answer.error()["type"] == "overloaded_error"


def test_an_error_first_falls_over_to_the_next_target(gateway):
    answer = gateway.chat("either", stream=True)
    assert answer.status == 200 and answer.events()[-1] == "[DONE]"
    assert answer.objects()[0]["id"] == "chatcmpl-fake"


def test_an_error_of_the_request_tries_no_other(gateway, claude, kin):
    kin.on("fails-first", chunks(b"event: error\ndata: " + json.dumps(FAILED).encode() + b"\n\n"))
    asked = len(claude.requests)
    answer = gateway.chat("either-same", stream=True)
    assert answer.status == 400 and "Failed to call" in answer.error()["message"]
    assert len(claude.requests) == asked


def test_an_error_behind_words_is_the_last_that_is_said(gateway, claude):
    claude.on("half", says(START, OPEN, WORD, BUSY))
    before = gateway.usage_count()
    answer = gateway.chat("claude/half", stream=True)
    assert answer.status == 200
    said = answer.objects()
    assert said[1]["choices"][0]["delta"]["content"] == "Half"
    assert said[-1]["error"]["code"] == "overloaded" and "[DONE]" not in answer.events()
    assert not any(value.get("choices") and value["choices"][0]["finish_reason"] for value in said)
    row = last(gateway, before)
    assert row["outcome"] == "truncated", row
    assert row["input_tokens"] == 17, row


@pytest.mark.parametrize("more", [[], ["[DONE]"]])
def test_in_its_own_dialect_it_goes_on_in_its_own_words_and_counts_as_failed(gateway, kin, more):
    error = b"event: error\ndata: " + json.dumps(FAILED).encode() + b"\n\n"
    kin.on("fails", chunks(CHUNK, error, *more))
    before = gateway.usage_count()
    answer = gateway.chat("kin/fails", stream=True)
    assert answer.status == 200
    assert answer.objects() == [CHUNK, FAILED] and "[DONE]" not in answer.events()
    row = last(gateway, before)
    assert row["outcome"] == "truncated", row


def test_what_a_cut_stream_used_is_recorded(gateway, google):
    google.default = chunks({"candidates": [{"content": {"role": "model", "parts": [{"text": "Half"}]},
                                             "index": 0}], "responseId": "r", "modelVersion": "g",
                             "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2,
                                               "totalTokenCount": 7}})
    before = gateway.usage_count()
    answer = gateway.chat("google/gemini-2.5-flash", stream=True)
    assert answer.objects()[-1]["error"]["code"] == "provider_answer_cut"
    row = last(gateway, before)
    assert (row["input_tokens"], row["output_tokens"]) == (5, 2), row


def test_a_stream_that_comes_as_one_array_is_read(gateway, google):
    def part(text, **more):
        return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0, **more}],
                "responseId": "r", "modelVersion": "g"}
    google.default = lambda _, connection: connection.send_json(
        json.dumps([part("He"), part("llo", finishReason="STOP")], indent=1).encode())
    answer = gateway.chat("google/gemini-2.5-flash", stream=True)
    words = [value["choices"][0]["delta"].get("content") for value in answer.objects()]
    assert "".join(word or "" for word in words) == "Hello"
    assert answer.events()[-1] == "[DONE]"
    google.default = lambda _, connection: connection.send_json(
        b'[{"error":{"code":503,"message":"Busy.","status":"UNAVAILABLE"}}]')
    answer = gateway.chat("google/gemini-2.5-flash", stream=True)
    assert answer.status == 503 and answer.error()["message"] == "Busy."


def beside(model):
    """A finish that has the usage with it, as half of OpenAI's kin send it."""
    end = fake_openai.chunk(model, {}, "stop")
    return chunks(fake_openai.chunk(model, {"content": "Hi"}, usage=None), {**end, "usage": COUNTS}, "[DONE]")


def test_who_did_not_ask_sees_no_usage(gateway, kin):
    kin.on("beside", beside("m"))
    before = gateway.usage_count()
    answer = gateway.chat("kin/beside", stream=True)
    assert [value["choices"][0]["finish_reason"] for value in answer.objects()] == [None, "stop"]
    assert b"usage" not in answer.body
    assert last(gateway, before)["input_tokens"] == 3


def test_who_asked_finds_it_apart(gateway, kin):
    kin.on("beside", beside("m"))
    answer = gateway.chat("kin/beside", stream=True, stream_options={"include_usage": True})
    said = answer.objects()
    assert [value["usage"] for value in said] == [None, None, COUNTS]
    assert said[1]["choices"][0]["finish_reason"] == "stop" and said[2]["choices"] == []
    assert answer.events()[-1] == "[DONE]"


def test_a_vendors_own_wish_gets_what_the_vendor_sends(gateway, kin):
    kin.on("beside", beside("m"))
    answer = gateway.chat("kin/beside", stream=True, stream_options={
        "include_usage": True, "continuous_usage_stats": True})
    assert [value["usage"] for value in answer.objects()] == [None, COUNTS]


def test_who_refuses_the_wish_is_not_asked(gateway, kin):
    assert gateway.chat("mistral/m", stream=True).status == 200
    assert "stream_options" not in kin.last().json()
    assert gateway.chat("kin/m", stream=True).status == 200
    assert kin.last().json()["stream_options"] == {"include_usage": True}


def test_thoughts_in_parts_come_as_openais_clients_expect_them(gateway, kin):
    def parts(*values):
        return {"choices": [{"index": 0, "finish_reason": None, "delta": {"content": list(values)}}],
                "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "magistral-medium"}
    kin.on("magistral-medium", chunks(
        parts({"type": "thinking", "thinking": [{"type": "text", "text": "t"}]}),
        parts({"type": "text", "text": "x"}),
        fake_openai.chunk("magistral-medium", {"content": ""}, "stop"), "[DONE]"))
    said = [value["choices"][0]["delta"] for value in
            gateway.chat("mistral/magistral-medium", stream=True).objects()]
    assert [delta["reasoning_content"] for delta in said if "reasoning_content" in delta] == ["t"]
    assert "".join(delta.get("content") or "" for delta in said) == "x"
