"""Responses that the gateway keeps for providers of another dialect, with the official OpenAI client."""
import json

import openai
import pytest

from harness import fakes, process, scenarios
from harness.gateway import SLOW
from harness.wait import until


def tool(name):
    return {"type": "function", "name": name, "parameters": {"type": "object", "properties": {}}}


def result(call):
    arguments = json.loads(call.arguments)
    return next(text for (name, place), text in scenarios.RESULTS.items()
                if name == call.name and place in arguments.values())


@pytest.fixture(scope="module")
def provider(house):
    return fakes.make(house, "openai")


@pytest.fixture(scope="module")
def claude(house):
    return fakes.make(house, "anthropic")


@pytest.fixture(scope="module")
def gateway(house, provider, claude):
    made = house.gateway(provider[1], claude[1])
    made.workers_may_change = True
    return made


def client_of(gateway, key=None, path="/v1"):
    return openai.OpenAI(base_url="http://127.0.0.1:%d%s" % (gateway.port, path),
                         api_key=key or gateway.key, max_retries=0, timeout=20)


@pytest.fixture(scope="module")
def client(gateway):
    with client_of(gateway) as made:
        yield made


def model(dialect="openai"):
    return "%s/%s" % (dialect, fakes.model(dialect))


def said(provider):
    """(role, text) of the conversation that the provider saw last."""
    told = []
    for message in provider[0].last().json()["messages"]:
        content = message["content"]
        if not isinstance(content, str):
            content = "".join(part["text"] for part in content or [])
        told.append((message["role"], content))
    return told


def files(gateway):
    return sorted(path.name for path in (gateway.folder / "state" / "responses").glob("*/*"))


def missing(call, code="response_not_found"):
    with pytest.raises(openai.NotFoundError) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def test_continued(client, provider):
    first = client.responses.create(model=model(), input="grüß dich", instructions="be short")
    assert first.store is True and first.previous_response_id is None
    second = client.responses.create(model=model(), input="and you?", previous_response_id=first.id)
    assert said(provider) == [("user", "grüß dich"), ("assistant", first.output_text),
                              ("user", "and you?")]
    assert second.previous_response_id == first.id
    third = client.responses.create(model=model(), previous_response_id=second.id, input=[
        {"role": "user", "content": [{"type": "input_text", "text": "third"}]}])
    assert [text for _, text in said(provider)] == [
        "grüß dich", first.output_text, "and you?", second.output_text, "third"]
    assert third.id not in (first.id, second.id)


def test_continued_by_another_provider(client, claude):
    first = client.responses.create(model=model(), input="one")
    client.responses.create(model=model("anthropic"), input="two", previous_response_id=first.id)
    assert [text for _, text in said(claude)] == ["one", first.output_text, "two"]


def test_stream_continued(client, provider):
    with client.responses.stream(model=model(), input="stream this") as stream:
        events = list(stream)
        first = stream.get_final_response()
    assert events[0].response.store is True and first.store is True
    assert events[0].response.id == first.id
    assert client.responses.retrieve(first.id).output_text == first.output_text
    with client.responses.stream(model=model(), input="more", previous_response_id=first.id) as stream:
        assert stream.get_final_response().previous_response_id == first.id
    assert [text for _, text in said(provider)] == ["stream this", first.output_text, "more"]


def test_retrieved(client):
    first = client.responses.create(model=model(), input="keep me", metadata={"a": "b"})
    again = client.responses.retrieve(first.id)
    assert again == first
    assert again.metadata == {"a": "b"}


def test_not_named_as_dropped(client):
    raw = client.responses.with_raw_response.create(
        model=model("anthropic"), input="x", store=True, extra_headers={"x-aigw-strict": "true"})
    assert "store" not in raw.headers.get("x-aigw-dropped", "")
    assert raw.parse().store is True


def test_input_items(client):
    first = client.responses.create(model=model(), input="one")
    second = client.responses.create(model=model(), input="two", previous_response_id=first.id)
    items = client.responses.input_items.list(second.id, order="asc", limit=2)
    assert [item.content[0].text for item in items.data] == ["one", first.output_text]
    assert items.has_more
    whole = list(items)         # the client asks for the next page by itself
    assert [item.content[0].text for item in whole] == ["one", first.output_text, "two"]
    newest = client.responses.input_items.list(second.id)
    assert newest.data[0].content[0].text == "two"
    for wrong in ({"limit": 0}, {"limit": 101}, {"order": "up"}):
        with pytest.raises(openai.BadRequestError):
            client.responses.input_items.list(second.id, **wrong)


def test_deleted(client):
    first = client.responses.create(model=model(), input="one")
    second = client.responses.create(model=model(), input="two", previous_response_id=first.id)
    client.responses.delete(first.id)
    missing(lambda: client.responses.retrieve(first.id))
    missing(lambda: client.responses.delete(first.id))
    missing(lambda: client.responses.input_items.list(first.id))
    missing(lambda: client.responses.create(model=model(), input="x", previous_response_id=first.id))
    client.responses.create(model=model(), input="three", previous_response_id=second.id)


def test_missing_is_named(client):
    error = missing(lambda: client.responses.create(model=model(), input="x",
                                                    previous_response_id="resp_nobody"))
    assert "resp_nobody" in str(error) and error.param == "previous_response_id"
    for name in ("resp_nobody", "..", "resp_../../aigw.db", "x"):
        missing(lambda: client.responses.create(model=model(), input="x", previous_response_id=name))


def test_another_key(gateway, client):
    first = client.responses.create(model=model(), input="mine")
    with client_of(gateway, gateway.make_key("other")["key"]) as other:
        missing(lambda: other.responses.retrieve(first.id))
        missing(lambda: other.responses.input_items.list(first.id))
        missing(lambda: other.responses.delete(first.id))
        missing(lambda: other.responses.create(model=model(), input="x", previous_response_id=first.id))
    assert client.responses.retrieve(first.id).id == first.id


def test_azure_path(gateway, client):
    with client_of(gateway, path="/openai/v1") as azure:
        first = azure.responses.create(model=model(), input="azure")
        assert azure.responses.retrieve(first.id).id == first.id
        assert azure.responses.input_items.list(first.id).data
        azure.responses.delete(first.id)
    missing(lambda: client.responses.retrieve(first.id))


def test_store_false(gateway, client):
    before = files(gateway)
    answer = client.responses.create(model=model(), input="forget", store=False)
    assert answer.store is False
    with client.responses.stream(model=model(), input="forget", store=False) as stream:
        assert stream.get_final_response().store is False
    assert files(gateway) == before
    missing(lambda: client.responses.retrieve(answer.id))


def test_failed_and_cut_answers_are_not_kept(gateway, client):
    before = files(gateway)
    for question in ("cut", "break"):
        with pytest.raises(openai.APIError), client.responses.create(
                model=model(), input=question, stream=True) as stream:
            for event in stream:
                assert event.type not in ("response.completed", "response.incomplete")
                if event.type in ("error", "response.failed"):
                    raise openai.APIError("failed", None, body=None)
    assert files(gateway) == before


def test_tools_continued(client, provider):
    tools = [tool("weather"), tool("clock")]
    answer = client.responses.create(model=model(), input="tools", tools=tools)
    for _ in range(4):
        calls = [item for item in answer.output if item.type == "function_call"]
        if not calls:
            break
        answer = client.responses.create(
            model=model(), tools=tools, previous_response_id=answer.id,
            input=[{"type": "function_call_output", "call_id": call.call_id,
                    "output": result(call)} for call in calls])
    assert answer.output_text == scenarios.LOOP_END
    roles = [message["role"] for message in provider[0].last().json()["messages"]]
    assert roles == ["user", "assistant", "tool", "tool", "assistant", "tool"]


def test_survives_worker_and_reload(gateway, client, provider):
    first = client.responses.create(model=model(), input="stay")
    old = set(gateway.workers())
    for pid in old:
        process.kill(pid)
    until(lambda: len(set(gateway.workers()) - old) == 2, 5 * SLOW, "new workers")
    gateway.wait_ready()
    gateway.reload()
    with client_of(gateway) as fresh:
        assert fresh.responses.retrieve(first.id).id == first.id
        fresh.responses.create(model=model(), input="more", previous_response_id=first.id)
    assert [text for _, text in said(provider)] == ["stay", first.output_text, "more"]


def test_too_large_is_not_kept(room):
    gateway = room.gateway(fakes.make(room, "openai")[1], settings={"responses": {"largest": "4KiB"}})
    with client_of(gateway) as client:
        answer = client.responses.create(model=model(), input="x" * 8000)
        assert answer.store is False
        assert client.responses.create(model=model(), input="x").store is True
    assert len(files(gateway)) == 1


def test_switched_off(room):
    gateway = room.gateway(fakes.make(room, "openai")[1], settings={"responses": {"lifetime": "0"}})
    with client_of(gateway) as client:
        answer = client.responses.create(model=model(), input="x")
        assert answer.store is False
        with pytest.raises(openai.BadRequestError):
            client.responses.create(model=model(), input="x", previous_response_id=answer.id)
    assert files(gateway) == []


def test_swept(room):
    gateway = room.gateway(fakes.make(room, "openai")[1], settings={"responses": {"lifetime": "2s"}})
    with client_of(gateway) as client:
        answer = client.responses.create(model=model(), input="x")
        assert client.responses.retrieve(answer.id).id == answer.id
        until(lambda: not files(gateway), 10 * SLOW, "the response swept")
        missing(lambda: client.responses.retrieve(answer.id))


def test_passed_on_in_its_own_dialect(room):
    provider, row = fakes.make(room, "responses")
    gateway = room.gateway(row)
    with client_of(gateway) as client:
        client.responses.create(model=model("responses"), input="x")
    assert files(gateway) == []
