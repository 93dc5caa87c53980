"""The official OpenAI client for Python, unchanged: base_url and key are all it is told."""
import openai
import pytest

from harness import fake_openai
from harness.wait import until

MESSAGES = [{"role": "user", "content": "grüß dich"}]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}


@pytest.fixture(scope="module")
def provider(house):
    made = house.provider()
    made.on("limited", fake_openai.fails(429, "Too Many Requests", "Rate limit reached", "requests",
                                         "rate_limit_exceeded", [("Retry-After", "7")]))
    made.on("broken", fake_openai.fails(500, "Internal Server Error", "The server had an error",
                                        "server_error"))
    made.on("refuses", fake_openai.fails(400, "Bad Request", "too long", "invalid_request_error",
                                         "context_length_exceeded"))
    return made


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider), settings={
        "models": [{"name": "fast", "targets": [{"provider": "up", "model": "gpt-5-mini"}]}]})


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url="http://127.0.0.1:%d/v1" % gateway.port, api_key=gateway.key,
                       max_retries=0, timeout=10) as made:
        yield made


def test_chat(client, provider):
    answer = client.chat.completions.create(model="fast", messages=MESSAGES, temperature=0.5)
    assert answer.choices[0].message.content == "You said: grüß dich"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == 19
    assert answer._request_id
    assert provider.last().json()["model"] == "gpt-5-mini"


def test_chat_streaming(client):
    parts = list(client.chat.completions.create(model="fast", messages=MESSAGES, stream=True))
    assert "".join(part.choices[0].delta.content or "" for part in parts).strip() == (
        "You said: grüß dich")
    assert parts[-1].choices[0].finish_reason == "stop"
    assert all(part.choices for part in parts), "a usage chunk nobody asked for came through"


def test_chat_streaming_with_usage(client):
    parts = list(client.chat.completions.create(model="fast", messages=MESSAGES, stream=True,
                                                stream_options={"include_usage": True}))
    assert parts[-1].choices == []
    assert parts[-1].usage.total_tokens == 19


def test_tools(client):
    answer = client.chat.completions.create(model="fast", messages=MESSAGES, tools=[TOOL])
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"K\\u00f6ln"}')
    again = client.chat.completions.create(model="fast", tools=[TOOL], messages=MESSAGES + [
        answer.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "rain"}])
    assert again.choices[0].message.content == "You said: rain"


def test_tools_streaming_helper(client):
    with client.chat.completions.stream(model="fast", messages=MESSAGES, tools=[TOOL]) as stream:
        final = stream.get_final_completion()
    call = final.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"K\\u00f6ln"}')


def test_embeddings(client):
    answer = client.embeddings.create(model="up/text-embedding-3-small", input=["a", "b"])
    assert [row.embedding for row in answer.data] == [[0.25, -0.5, 1.0]] * 2


def test_legacy_completions(client):
    assert client.completions.create(model="up/babbage", prompt="x").choices[0].text == "legacy text"
    parts = list(client.completions.create(model="up/babbage", prompt="x", stream=True))
    assert parts[0].choices[0].text == "legacy text"
    assert all(part.choices for part in parts)


def test_models(client):
    names = [model.id for model in client.models.list()]
    assert "fast" in names
    assert client.models.retrieve("fast").id == "fast"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_authentication_error(client):
    with pytest.raises(openai.AuthenticationError) as caught:
        client.with_options(api_key="sk-wrong").chat.completions.create(model="fast",
                                                                       messages=MESSAGES)
    assert caught.value.code == "invalid_api_key"
    assert caught.value.response.headers["www-authenticate"]


def test_not_found_error(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
    assert caught.value.code == "model_not_found"


def test_rate_limit_error_with_its_delay(client):
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="up/limited", messages=MESSAGES)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.code == "rate_limit_exceeded"


def test_bad_request_error(client):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="up/refuses", messages=MESSAGES)
    assert caught.value.code == "context_length_exceeded"


def test_internal_server_error(client):
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="up/broken", messages=MESSAGES)


def test_errors_of_a_stream_are_raised_too(client):
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="up/limited", messages=MESSAGES, stream=True)


def test_cut_stream_raises(client, provider):
    def cut(request, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk("m", {"role": "assistant", "content": "par"}))
        connection.reset()

    provider.on("cut", cut)
    text = ""
    with pytest.raises(openai.APIError):
        for part in client.chat.completions.create(model="up/cut", messages=MESSAGES, stream=True):
            text += part.choices[0].delta.content or ""
    assert text == "par"


def test_leaving_a_stream_closes_the_provider(client, provider):
    seen = []

    def talk(request, connection):
        connection.open_stream()
        seen.append(connection.talk_until_ended(
            lambda n: fake_openai.chunk("m", {"content": "word %d" % n})))

    provider.on("talk", talk)
    stream = client.chat.completions.create(model="up/talk", messages=MESSAGES, stream=True)
    next(iter(stream))
    stream.close()
    until(lambda: seen and seen[0], 2, "the provider's connection closed")


def test_async_client_many_at_once(gateway):
    import asyncio

    async def all_of_them():
        async with openai.AsyncOpenAI(base_url="http://127.0.0.1:%d/v1" % gateway.port,
                                      api_key=gateway.key, max_retries=0) as client:
            return await asyncio.gather(*[client.chat.completions.create(
                model="fast", messages=[{"role": "user", "content": "n%d" % n}])
                for n in range(40)])

    answers = asyncio.run(all_of_them())
    assert [answer.choices[0].message.content for answer in answers] == [
        "You said: n%d" % n for n in range(40)]
