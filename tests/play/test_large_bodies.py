"""A body of 100 MB: refused at the usual limit; with a higher one relayed, and translated."""
import pytest

from harness import fakes

SIZE = 100 << 20
WORDS = b"0123456789abcde " * (SIZE // 16)
REQUESTS = {
    "openai": ("/v1/chat/completions", b'{"model":"%s/%s","messages":[{"role":"user","content":"%s"}]}'),
    "anthropic": ("/v1/messages", b'{"model":"%s/%s","max_tokens":100,"messages":'
                                  b'[{"role":"user","content":"%s"}]}'),
}
ANSWERS = {
    "openai": {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]},
    "anthropic": {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": [
        {"type": "text", "text": "x"}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1}},
}


def short(dialect):
    return lambda _, connection: connection.send_json(ANSWERS[dialect])


@pytest.fixture(scope="module")
def providers(house):
    made = {name: fakes.make(house, name) for name in REQUESTS}
    for name, (provider, _) in made.items():
        provider.on(fakes.model(name), short(name))
    return made


def ask(gateway, client, provider):
    path, form = REQUESTS[client]
    body = form % (provider.encode(), fakes.model(provider).encode(), WORDS)
    with gateway.connect(timeout=60) as connection:
        try:
            connection.request("POST", path, gateway.headers(), body)
        except OSError:
            pass  # a refusal comes before all is sent
        return connection.read_response()


def test_a_hundred_megabytes_are_refused_or_taken_as_the_limit_says(house, providers):
    rows = [row for _, row in providers.values()]
    assert ask(house.gateway(*rows), "openai", "openai").status == 413
    wide = house.gateway(*rows, settings={"limits": {"body": "128MiB"}})
    for client in REQUESTS:
        for name, (provider, _) in providers.items():
            answer = ask(wide, client, name)
            assert answer.status == 200, (client, name, answer.body[:300])
            assert WORDS in provider.last().body, (client, name)
    assert wide.get("/readyz").status == 200
