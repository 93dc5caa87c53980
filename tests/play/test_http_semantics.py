"""HTTP as it is meant: methods, paths, limits, keep-alive, pipelining, 100-continue, HEAD."""
import json
import re
import time

import pytest

from harness import fake_openai
from harness.client import chunked
from harness.gateway import chat_body

BODY = json.dumps(chat_body("up/any")).encode()


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider), settings={
        "limits": {"body": "1MiB", "head": "16KiB", "headers": 50}})


def test_health_and_readiness_need_no_key(gateway):
    for path in ("/healthz", "/readyz"):
        answer = gateway.get(path, key=None)
        assert answer.status == 200
        assert answer.header("x-request-id")


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", "/v1/chat/completions", "POST"), ("DELETE", "/v1/chat/completions", "POST"),
    ("PUT", "/v1/embeddings", "POST"), ("GET", "/v1/completions", "POST"),
    ("POST", "/v1/models", "GET"), ("DELETE", "/v1/models/fast", "GET"),
    ("POST", "/healthz", "GET"), ("PATCH", "/readyz", "GET")])
def test_wrong_method_is_405_with_allow(gateway, method, path, allowed):
    with gateway.connect() as client:
        client.request(method, path, gateway.headers(), b"{}" if method != "GET" else None)
        answer = client.read_response(method)
    assert answer.status == 405
    assert allowed in [name.strip() for name in answer.header("allow").split(",")]
    assert answer.error()["code"]


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/chat", "/v1/chat/completions/", "/V1/models",
                                  "//v1/models", "/v1/../v1/models", "/v1/chat%2fcompletions",
                                  "/v1/models/a/b/c/../../x", "/metrics", "/admin"])
def test_unknown_path_is_404(gateway, path):
    answer = gateway.get(path)
    assert answer.status == 404
    error = answer.error()
    assert set(error) >= {"message", "type", "param", "code"}


def test_every_answer_names_its_request(gateway):
    for answer in (gateway.get("/nope"), gateway.get("/v1/models"), gateway.chat("none"),
                   gateway.chat("up/any"), gateway.chat("up/any", key="sk-wrong")):
        assert re.fullmatch(r"[A-Za-z0-9_-]{8,64}", answer.header("x-request-id"))


def test_models_list_and_one(gateway):
    listed = gateway.get("/v1/models").json()
    assert listed["object"] == "list"
    row = [row for row in listed["data"] if row["id"] == "fast"][0]
    assert row["object"] == "model" and isinstance(row["created"], int) and row["owned_by"]
    assert gateway.get("/v1/models/fast").json() == row
    missing = gateway.get("/v1/models/nope")
    assert (missing.status, missing.error()["code"]) == (404, "model_not_found")


def test_models_with_a_slash_in_the_name(gateway):
    for path in ("/v1/models/mock/echo", "/v1/models/mock%2Fecho"):
        answer = gateway.get(path)
        assert (answer.status, answer.json()["id"]) == (200, "mock/echo")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/fast", "/healthz", "/readyz"])
def test_head_is_get_without_the_body(gateway, path):
    with gateway.connect() as client:
        full = gateway.get(path, client=client)
        head = gateway.get(path, client=client, method="HEAD")
        again = gateway.get(path, client=client)
    assert head.status == full.status == again.status == 200
    assert head.header("content-length") == full.header("content-length")
    assert head.header("content-type") == full.header("content-type")
    assert again.body == full.body


def test_options_names_the_methods(gateway):
    with gateway.connect() as client:
        client.request("OPTIONS", "/v1/chat/completions", gateway.headers())
        answer = client.read_response("OPTIONS")
    assert answer.status in (200, 204)
    assert "POST" in answer.header("allow")


@pytest.mark.parametrize("model", ["no-such-model", "up2/x", "", "/", "up/", "/any", "x" * 5000])
def test_unknown_model_is_404(gateway, model):
    answer = gateway.chat(model)
    assert answer.status in ((404,) if model else (400, 404))
    if answer.status == 404:
        assert answer.error()["code"] == "model_not_found"


@pytest.mark.parametrize("body, offset", [
    (b'{"model":"up/any",}', 18), (b'{"model":"up/any"', 17), (b"", 0), (b"hello", 0),
    (b'{"model":"up/any","messages":[1,]}', 32), (b'{"model":"up/any"} x', 19),
    (b'{"model":"up/any","a":01}', 23), (b'{"model":"up/any","a":"\x01"}', 23),
    (b'{"model":"up/any","a":"\xff"}', 23), (b'{"model":"up/any","a":"\xc0\xaf"}', 23),
    (b'{"model":"up/any","a":nul}', 25), (b'\xef\xbb\xbf{"model":"up/any"}', 0),
    (b"{'model':'up/any'}", 1), (b'{"model":"up/any","a":1e}', 24),
    (b'{"model":"up/any","a":"\\x"}', 24), (b'{"model":"up/any","a":NaN}', 22)])
def test_not_json_is_400_with_the_offset(gateway, provider, body, offset):
    before = len(provider.requests)
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 400
    numbers = [int(text) for text in re.findall(r"\d+", answer.error()["message"])]
    assert any(abs(number - offset) <= 2 for number in numbers), (offset, answer.error()["message"])
    assert len(provider.requests) == before


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"1", b"null", b"{}", b'{"model":1}',
                                  b'{"model":null}', b'{"model":["up/any"]}',
                                  b'{"model":"up/any","messages":[],"stream":"yes"}'])
def test_json_that_is_no_request_is_400(gateway, provider, body):
    before = len(provider.requests)
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == 400, answer
    assert answer.error()["type"] == "invalid_request_error"
    assert len(provider.requests) == before


def test_too_deep_json_is_400(gateway):
    deep = b'{"model":"up/any","x":' + b"[" * 100000 + b"]" * 100000 + b"}"
    assert gateway.post("/v1/chat/completions", deep).status == 400


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_other_media_types_are_415(gateway, kind):
    assert gateway.post("/v1/chat/completions", BODY, headers={"Content-Type": kind}).status == 415


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8",
                                  "Application/JSON;charset=UTF-8"])
def test_json_media_types_are_taken(gateway, kind):
    assert gateway.post("/v1/chat/completions", BODY, headers={"Content-Type": kind}).status == 200


def test_coded_bodies_are_415(gateway):
    assert gateway.post("/v1/chat/completions", BODY,
                        headers={"Content-Encoding": "gzip"}).status == 415


def test_declared_body_too_large_is_413_at_once(gateway):
    with gateway.connect(timeout=5) as client:
        client.request("POST", "/v1/chat/completions",
                       {**gateway.headers(), "Content-Length": "1048577"})
        answer = client.read_response()
        assert answer.status == 413
        assert answer.header("connection").lower() == "close"


def test_sent_body_too_large_is_413(gateway):
    """The answer must arrive although the client has sent more than was read."""
    with gateway.connect(timeout=5) as client:
        client.request("POST", "/v1/chat/completions",
                       {**gateway.headers(), "Transfer-Encoding": "chunked"})
        try:
            for _ in range(40):
                client.send(chunked(b"x" * 65536, 65536)[:-5])
                time.sleep(0.002)
        except OSError:
            pass
        assert client.read_response().status == 413


def test_body_of_exactly_the_limit_is_taken(gateway):
    body = BODY[:-1] + b',"user":"' + b"x" * (1048576 - len(BODY) - 10) + b'"}'
    assert len(body) == 1048576
    assert gateway.post("/v1/chat/completions", body).status == 200


def test_long_target_is_414(gateway):
    assert gateway.get("/v1/models/" + "x" * 12000).status == 414


@pytest.mark.parametrize("headers", [{"X-Big": "x" * 17000}, {"X-%d" % n: "1" for n in range(60)},
                                     {"X" * 17000: "1"}])
def test_large_or_many_headers_are_431(gateway, headers):
    assert gateway.get("/v1/models", headers=headers).status == 431


def test_endless_header_is_cut_off(gateway):
    with gateway.connect(timeout=5) as client:
        client.send(b"GET /healthz HTTP/1.1\r\nHost: h\r\nX: ")
        try:
            for _ in range(400):
                client.send(b"x" * 4096)
        except OSError:
            pass
        try:
            assert client.read_response().status == 431
        except ConnectionResetError:
            pass


def test_connection_is_kept(gateway):
    with gateway.connect() as client:
        for _ in range(20):
            answer = gateway.chat("up/any", client=client)
            assert answer.status == 200
            assert (answer.header("connection") or "keep-alive").lower() == "keep-alive"
        stream = gateway.chat("up/any", client=client, stream=True)
        assert stream.events()[-1] == "[DONE]"
        assert gateway.chat("none", client=client).status == 404
        assert gateway.chat("up/any", client=client).status == 200


def test_connection_close_is_honoured(gateway):
    with gateway.connect() as client:
        client.request("POST", "/v1/chat/completions", {**gateway.headers(), "Connection": "close"}, BODY)
        answer = client.read_response()
        assert answer.status == 200
        assert answer.header("connection").lower() == "close"
        assert client.wait_closed(1)


def test_http_1_0_gets_a_plain_answer_and_a_close(gateway):
    with gateway.connect() as client:
        client.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        answer = client.read_response("GET")
        assert answer.status == 200
        assert answer.header("transfer-encoding") is None
        assert client.wait_closed(1)


def test_pipelined_requests_are_answered_in_order(gateway, provider):
    def slow(request, connection):
        time.sleep(0.2)
        fake_openai.answer(request, connection)

    provider.on("slow", slow)
    slow_body = json.dumps(chat_body("up/slow", "first")).encode()
    with gateway.connect() as client:
        client.request("POST", "/v1/chat/completions", gateway.headers(), slow_body)
        client.request("GET", "/v1/models/fast", gateway.headers())
        client.request("POST", "/v1/chat/completions", gateway.headers(),
                       json.dumps(chat_body("up/any", "third", stream=True)).encode())
        client.request("GET", "/healthz")
        client.request("POST", "/v1/chat/completions", gateway.headers(),
                       json.dumps(chat_body("up/any", "fifth")).encode())
        first, second, third, fourth, fifth = [client.read_response() for _ in range(5)]
    assert first.json()["choices"][0]["message"]["content"] == "You said: first"
    assert second.json()["id"] == "fast"
    assert third.events()[-1] == "[DONE]"
    assert fourth.status == 200
    assert fifth.json()["choices"][0]["message"]["content"] == "You said: fifth"


def test_a_hundred_pipelined_in_one_write(gateway):
    one = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
           b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s")
    parts = []
    for number in range(100):
        body = json.dumps(chat_body("mock/echo", "number %d." % number)).encode()
        parts.append(one % (gateway.key.encode(), len(body), body))
    with gateway.connect() as client:
        client.send(b"".join(parts))
        for number in range(100):
            answer = client.read_response()
            assert b"number %d." % number in answer.body


def test_requests_in_slices_of_one_byte(gateway):
    with gateway.connect() as client:
        whole = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                 b"Authorization: Bearer " + gateway.key.encode()
                 + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(BODY, 9))
        for at in range(len(whole)):
            client.send(whole[at:at + 1])
        assert client.read_response().status == 200


def test_expect_100_continue(gateway):
    with gateway.connect() as client:
        client.request("POST", "/v1/chat/completions", {
            **gateway.headers(), "Expect": "100-continue", "Content-Length": str(len(BODY))})
        assert client.read_head().status == 100
        client.send(BODY)
        assert client.read_response().status == 200
        assert gateway.chat("up/any", client=client).status == 200


def test_expect_100_continue_of_an_impatient_client(gateway):
    with gateway.connect() as client:
        client.request("POST", "/v1/chat/completions",
                       {**gateway.headers(), "Expect": "100-continue"}, BODY)
        answer = client.read_response()
        assert answer.status == 200
        assert [early.status for early in answer.informational] in ([], [100])


def test_expect_is_refused_before_the_body_when_it_is_hopeless(gateway):
    for headers, status in (({"Content-Length": "99999999"}, 413),
                            ({"Content-Length": "10", "Authorization": "Bearer sk-no"}, 401)):
        with gateway.connect(timeout=5) as client:
            client.request("POST", "/v1/chat/completions",
                           {**gateway.headers(), "Expect": "100-continue", **headers})
            answer = client.read_response()
            assert (answer.status, answer.informational) == (status, [])


def test_other_expectations_are_417(gateway):
    assert gateway.post("/v1/chat/completions", BODY, headers={"Expect": "200-ok"}).status == 417


def test_upgrade_is_ignored(gateway):
    answer = gateway.get("/healthz", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
    assert answer.status == 200


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW", "POSTX"])
def test_odd_methods_get_a_clear_refusal(gateway, method):
    with gateway.connect() as client:
        client.request(method, "/v1/models", gateway.headers())
        assert client.read_response().status in (400, 404, 405, 501)


def test_head_of_an_operation_is_405(gateway):
    with gateway.connect() as client:
        client.request("HEAD", "/v1/chat/completions", gateway.headers())
        answer = client.read_head()
        assert answer.status == 405
        client.request("GET", "/healthz")
        assert client.read_response("GET").status == 200
