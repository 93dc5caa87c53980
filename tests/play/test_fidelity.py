"""Same dialect on both sides: the provider sees the client's bytes, the client the provider's."""
import json

import pytest

from harness import fake_openai
from harness.client import chunked

ASKED = b'"stream_options":{"include_usage":true}'
HEAD = b'{"model":"up/any","messages":[{"role":"user","content":"x"}]'
BODIES = {
    "plain": HEAD + b"}",
    "unknown members": HEAD + b',"x_vendor":{"deep":[1,{"a":null}]},"top_k":4}',
    "model last": b'{"messages":[{"role":"user","content":"x"}],"z":1,"a":2,"model":"up/any"}',
    "model in the middle": b'{"z":0,"model":"up/any","messages":[],"a":[]}',
    "a model deeper inside": b'{"metadata":{"model":"inner"},"model":"up/any","messages":[]}',
    "number spellings": HEAD + b',"n":[1.0,1e400,9007199254740993,-0,-0.0,1E+2,0.30000000000000004]}',
    "escapes": HEAD + b',"u":"\\u0000\\u00e9\\ud83d\\ude00\\/\\b","caf\\u00e9":1}',
    "raw UTF-8": HEAD + ',"u":"é😀日本語\u2028"}'.encode(),
    "duplicate unknown members": HEAD + b',"x":1,"x":2,"y":{"k":1,"k":2}}',
    "whitespace": b' \r\n\t{ "model" :\t"up/any" ,\n "messages" : [ ] , "x" : { } }\n\n ',
    "a word model in a text": HEAD + b',"x":"\\"model\\":\\"up/other\\""}',
    "key order": b'{"b":1,"a":2,"model":"up/any","10":3,"9":4,"messages":[]}',
    "empty names": HEAD + b',"":{"":""}}',
    "deep nesting": HEAD + b',"x":' + b"[" * 40 + b"]" * 40 + b"}",
}


@pytest.fixture(scope="module")
def provider(house):
    made = house.provider(fake_openai.echo_bytes)
    made.on("strict", fake_openai.answer)
    return made


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider))


def without_asking(body):
    """The body without the one insertion that the gateway may make."""
    assert body.count(ASKED) == 1, body
    for form in (b"," + ASKED, ASKED + b",", ASKED):
        if form in body:
            return body.replace(form, b"", 1)
    raise AssertionError


@pytest.mark.parametrize("name", BODIES)
def test_request_body_arrives_with_only_the_model_changed(gateway, provider, name):
    body = BODIES[name]
    before = len(provider.requests)
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 200, answer
    assert len(provider.requests) == before + 1
    assert provider.last().body == body.replace(b'"up/any"', b'"any"', 1)


@pytest.mark.parametrize("name", BODIES)
def test_streamed_request_gains_only_the_wish_for_usage(gateway, provider, name):
    body = BODIES[name].replace(b'"model"', b'"stream":true,"model"', 1) if (
        name != "a model deeper inside") else BODIES[name][:-1] + b',"stream":true}'
    answer = gateway.post("/v1/chat/completions", body)
    expected = body.replace(b'"up/any"', b'"any"', 1)
    if name == "whitespace":
        assert json.loads(without_asking(provider.last().body)) == json.loads(expected)
    else:
        assert without_asking(provider.last().body) == expected
    assert answer.status in (200, 502)      # this provider does not stream: the way back is not judged


def test_alias_and_escaped_model_names(gateway, provider):
    body = b'{"model":"up\\/\\u0061ny","messages":[]}'
    assert gateway.post("/v1/chat/completions", body).status == 200
    assert provider.last().body == b'{"model":"any","messages":[]}'


def test_chunked_request_arrives_whole(gateway, provider):
    body = BODIES["number spellings"]
    with gateway.connect() as client:
        client.request("POST", "/v1/chat/completions",
                       {**gateway.headers(), "Transfer-Encoding": "chunked"})
        client.send(chunked(body, 5))
        assert client.read_response().status == 200
    assert provider.last().body == body.replace(b'"up/any"', b'"any"', 1)


@pytest.mark.parametrize("path, member", [("/v1/embeddings", b'"input":["a",1.0]'),
                                          ("/v1/completions", b'"prompt":[1,2.0]')])
def test_other_operations_are_faithful_too(gateway, provider, path, member):
    body = b'{ "x":1e400, "model":"up/any",' + member + b"}"
    assert gateway.post(path, body).status == 200
    assert provider.last().target == path
    assert provider.last().body == body.replace(b"up/any", b"any")


def test_large_body_is_faithful(gateway, provider):
    body = HEAD + b',"x":"' + bytes(range(32, 34)) * 0 + b"0123456789abcdef" * 131072 + b'"}'
    assert gateway.post("/v1/chat/completions", body, timeout=20).status == 200
    assert provider.last().body == body.replace(b"up/any", b"any", 1)


ANSWERS = {
    "plain": b'{"id":"1","object":"chat.completion","created":1,"model":"any","choices":[],'
             b'"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}',
    "odd spellings": b' {"id":"1","created":1.0,"model":"any","choices":[],"z":1e400,'
                     b'"n":9007199254740993,"u":"\\u0000","x":1,"x":2}\n',
    "no usage": b'{"id":"1","object":"chat.completion","created":1,"model":"any","choices":[]}',
    "usage null": b'{"id":"1","object":"chat.completion","model":"any","choices":[],"usage":null}',
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_body_comes_back_unchanged(gateway, provider, name):
    provider.on("exact", lambda _, connection: connection.send_json(ANSWERS[name]))
    answer = gateway.chat("up/exact")
    assert answer.status == 200
    assert answer.body == ANSWERS[name]
    assert answer.header("content-type").startswith("application/json")


def stream_bytes(*records):
    def handler(_, connection):
        connection.open_stream()
        for record in records:
            connection.chunk(record)
        connection.end_stream()
    return handler


def test_stream_comes_back_unchanged(gateway, provider):
    records = [b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"\\u0000 \xc3\xa9"}}],'
               b'"x":1e400}\n\n',
               b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
               b'"obfuscation":"abc"}\n\n', b"data: [DONE]\n\n"]
    provider.on("stream", stream_bytes(*records))
    answer = gateway.chat("up/stream", stream=True)
    assert answer.header("content-type").startswith("text/event-stream")
    assert answer.body == b"".join(records)


def test_usage_chunk_is_hidden_from_who_did_not_ask(gateway, provider):
    answer = gateway.chat("up/strict", "one two", stream=True)
    assert answer.status == 200
    assert provider.last().json()["stream_options"] == {"include_usage": True}
    assert all(value["choices"] for value in answer.objects())
    assert answer.events()[-1] == "[DONE]"


def test_usage_chunk_stays_for_who_asked(gateway, provider):
    body = (b'{"model":"up/strict","stream":true,"stream_options":{ "include_usage": true},'
            b'"messages":[{"role":"user","content":"x"}]}')
    answer = gateway.post("/v1/chat/completions", body)
    assert provider.last().body == body.replace(b"up/strict", b"strict")
    assert answer.objects()[-1]["choices"] == []
    assert answer.objects()[-1]["usage"] == fake_openai.USAGE


@pytest.mark.parametrize("options", [b"null", b"{}", b'{"include_usage":false}',
                                     b'{"include_obfuscation":false}',
                                     b'{"include_usage":null,"include_obfuscation":false}'])
def test_usage_is_asked_for_whatever_the_client_wrote(gateway, provider, options):
    body = (b'{"model":"up/strict","stream":true,"stream_options":' + options
            + b',"messages":[{"role":"user","content":"x"}]}')
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 200
    got = provider.last().json()["stream_options"]
    assert got["include_usage"] is True
    wanted = {k: v for k, v in (json.loads(options) or {}).items() if k != "include_usage"}
    assert {k: v for k, v in got.items() if k != "include_usage"} == wanted
    assert all(value["choices"] for value in answer.objects())


def test_stream_false_asks_for_no_usage(gateway, provider):
    body = b'{"model":"up/strict","stream":false,"messages":[{"role":"user","content":"x"}]}'
    assert gateway.post("/v1/chat/completions", body).status == 200
    assert provider.last().body == body.replace(b"up/strict", b"strict")


def test_headers_towards_the_provider(gateway, provider):
    answer = gateway.chat("up/strict", headers={"x-api-key": gateway.key, "Cookie": "a=b",
                                                "X-Forwarded-For": "1.2.3.4"})
    request = provider.last()
    assert request.all("authorization") == ["Bearer sk-provider-canary-up"]
    assert request.all("content-type") == ["application/json"]
    assert request.all("host") == ["127.0.0.1:%d" % provider.port]
    assert request.all("content-length") == [str(len(request.body))]
    assert request.all("x-request-id") == [answer.header("x-request-id")]
    assert gateway.key.encode() not in request.head
    for name in ("x-api-key", "api-key", "x-goog-api-key", "cookie", "transfer-encoding"):
        assert request.header(name) is None, name


def test_each_exchange_has_its_own_request_id(gateway):
    ids = {gateway.chat("up/strict").header("x-request-id") for _ in range(10)}
    assert len(ids) == 10 and None not in ids


@pytest.mark.parametrize("member", [b'"model":"up/any","model":"up/any"',
                                    b'"model":"up/any","stream":false,"stream":true',
                                    b'"model":"up/any","mod\\u0065l":"up/other"'])
def test_duplicates_of_members_that_decide_are_refused(gateway, provider, member):
    before = len(provider.requests)
    answer = gateway.post("/v1/chat/completions", b"{" + member + b',"messages":[]}')
    assert answer.status == 400
    assert len(provider.requests) == before
