"""What a translation cannot carry: named in the answer, or refused when the request or the model is strict."""
import pytest


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider):
    target = [{"provider": "up", "model": "m"}]
    return house.gateway(("up", provider), settings={"models": [
        {"name": "lenient", "targets": target}, {"name": "strict", "strict": True, "targets": target}]})


def ask(gateway, model, headers=None, **members):
    body = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "x"}], **members}
    return gateway.post("/v1/messages", body, headers=headers)


def expect_refused(answer, provider, before):
    assert answer.status == 400, answer
    assert answer.json()["type"] == "error"
    assert "top_k" in answer.json()["error"]["message"]
    assert len(provider.requests) == before, "something was sent"


def test_by_default_it_is_dropped_and_named(gateway, provider):
    answer = ask(gateway, "lenient", top_k=5)
    assert answer.status == 200, answer
    assert answer.header("x-aigw-dropped") == "top_k"
    assert "top_k" not in provider.last().json()


def test_the_header_refuses_it(gateway, provider):
    before = len(provider.requests)
    expect_refused(ask(gateway, "lenient", {"x-aigw-strict": "true"}, top_k=5), provider, before)


def test_the_setting_of_the_model_refuses_it(gateway, provider):
    before = len(provider.requests)
    expect_refused(ask(gateway, "strict", top_k=5), provider, before)


@pytest.mark.parametrize("stream", [False, True])
def test_a_strict_model_takes_what_can_be_carried(gateway, stream):
    answer = ask(gateway, "strict", top_p=0.5, stream=stream)
    assert answer.status == 200, answer
    assert answer.header("x-aigw-dropped") is None
