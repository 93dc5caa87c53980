"""What providers do wrong, and what a client must see of it: never a crash, a hang, or a lie."""
import json
import time

import pytest

from harness import fake_openai
from harness.client import Broken
from harness.process import free_port, resident_kb

CHUNK = fake_openai.chunk("m", {"role": "assistant", "content": "par"})
JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def spare(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider, spare):
    nobody = type("Nobody", (), {"base_url": "http://127.0.0.1:%d/v1" % free_port()})
    return house.gateway(("up", provider), ("spare", spare), ("nobody", nobody), settings={
        "timeouts": {"drain": "10s", "head": "3s", "first_event": "3s", "idle": "3s"},
        "models": [
            {"name": "refused-then-spare", "targets": [{"provider": "nobody", "model": "m"},
                                                       {"provider": "spare", "model": "m"}]},
            {"name": "reset-then-spare", "targets": [{"provider": "up", "model": "resets"},
                                                     {"provider": "spare", "model": "m"}]}]})


def raw(data, end="close"):
    def handler(_, connection):
        connection.send(data)
        if end == "close":
            connection.close()
        elif end == "reset":
            time.sleep(0.05)                # so that the bytes go out before the RST
            connection.reset()
        elif end == "hang":
            connection.wait_ended(10)
    return handler


def resets(_, connection):
    connection.reset()


def expect_502(answer):
    assert answer.status == 502, answer
    error = answer.error()
    assert set(error) >= {"message", "type", "param", "code"}
    assert error["code"], error
    return error


def test_refused_connection_is_502_at_once(gateway):
    began = time.monotonic()
    expect_502(gateway.chat("nobody/m"))
    expect_502(gateway.chat("nobody/m", stream=True))
    assert time.monotonic() - began < 1


def test_refused_connection_falls_over_to_the_next_target(gateway, spare):
    began = time.monotonic()
    answer = gateway.chat("refused-then-spare")
    assert answer.status == 200
    assert spare.last().model() == "m"
    assert time.monotonic() - began < 0.5


def test_reset_before_the_answer_falls_over_too(gateway, provider, spare):
    provider.on("resets", resets)
    for stream in (False, True):
        before = len(spare.requests)
        answer = gateway.chat("reset-then-spare", stream=stream)
        assert answer.status == 200
        assert len(spare.requests) == before + 1


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("name, data, end", [
    ("a head and silence", STREAM_HEAD, "hang"), ("an empty stream", STREAM_HEAD + b"0\r\n\r\n", "close"),
    ("a bad chunk", STREAM_HEAD + b"zz\r\n", "hang"),
    ("half an event, then a bad chunk", STREAM_HEAD + b"8\r\ndata: {\"\r\nzz\r\n", "hang"),
    ("an error without its body", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 9\r\n\r\n", "hang"),
])
def test_next_target_gets_the_whole_request_when_no_byte_was_sent_on(gateway, provider, spare, name, data, end):
    provider.on("resets", raw(data, end))
    provider.drop_connections()
    text = "whole " * 5000
    answer = gateway.chat("reset-then-spare", text=text, stream=True)
    assert answer.status == 200, answer
    assert answer.events()[-1] == "[DONE]"
    assert spare.last().json()["messages"][-1]["content"] == text
    assert gateway.chat("reset-then-spare", stream=False).status == 200


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name, data, end", [
    ("nothing", b"", "close"), ("reset", b"", "reset"), ("garbage", b"GARBAGE\r\n\r\n", "hang"),
    ("noise", bytes(range(256)) * 4 + b"\r\n\r\n", "hang"),
    ("half a head", b"HTTP/1.1 200 OK\r\nContent-Type: appl", "close"),
    ("both framings", JSON_HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0"
     b"\r\n\r\n", "hang"),
    ("two lengths", JSON_HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", "hang"),
    ("bad length", JSON_HEAD + b"Content-Length: -2\r\n\r\n{}", "hang"),
    ("bad chunk", JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n", "hang"),
    ("unknown coding", JSON_HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}", "close"),
    ("other protocol", b"ICY 200 OK\r\n\r\n", "hang"), ("HTTP/2", b"HTTP/2 200 OK\r\n\r\n", "hang"),
    ("status 99", b"HTTP/1.1 99 X\r\nContent-Length: 0\r\n\r\n", "hang"),
    ("status 2000", b"HTTP/1.1 2000 X\r\nContent-Length: 0\r\n\r\n", "hang"),
    ("header with NUL", JSON_HEAD + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}", "hang"),
    ("fold", JSON_HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", "hang"),
    ("switching protocols", b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "hang"),
    ("not modified", b"HTTP/1.1 304 Not Modified\r\n\r\n", "hang"),
    ("redirect", b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
     "hang"),
    ("wrong content type", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n"
     b"<html>", "hang"),
    ("empty body", JSON_HEAD + b"Content-Length: 0\r\n\r\n", "hang"),
    ("HTML 502", b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n"
     b"<html>oops!!", "hang"),
])
def test_bad_answer_is_a_502_with_a_cause(gateway, provider, name, data, end, stream):
    provider.on("bad", raw(data, end))
    provider.drop_connections()  # one that hangs after a whole answer would be used again
    began = time.monotonic()
    expect_502(gateway.chat("up/bad", stream=stream))
    assert time.monotonic() - began < 2, "it waited for what cannot come"


def test_provider_is_asked_once_when_a_fresh_connection_dies(gateway, provider):
    provider.on("once", resets)
    provider.drop_connections()
    time.sleep(0.05)
    before = len(provider.requests)
    expect_502(gateway.chat("up/once"))
    assert len(provider.requests) == before + 1


@pytest.mark.parametrize("end", ["close", "reset"])
def test_reused_connection_that_dies_is_replaced_silently(gateway, provider, end):
    def second_dies(request, connection):
        if connection.requests > 1:
            getattr(connection, end)()
        else:
            fake_openai.answer(request, connection)

    provider.on("second-dies", second_dies)
    provider.drop_connections()
    time.sleep(0.05)
    for turn in range(8):
        before = len(provider.requests)
        answer = gateway.chat("up/second-dies", "turn %d" % turn, stream=turn % 2 == 1)
        assert answer.status == 200, answer
        assert len(provider.requests) - before in (1, 2)
    assert any(connection.requests > 1 for connection in provider.connections), (
        "no connection was reused: nothing was tested")


def test_idle_connection_closed_by_the_provider_costs_nothing(gateway, provider):
    for _ in range(5):
        assert gateway.chat("up/m").status == 200
        provider.drop_connections()
        time.sleep(0.02)


@pytest.mark.parametrize("end", ["close", "reset"])
def test_cut_stream_ends_with_an_error_event(gateway, provider, end):
    def cut(_, connection):
        connection.open_stream()
        for _ in range(3):
            connection.event(CHUNK)
        time.sleep(0.05)
        getattr(connection, end)()

    provider.on("cut", cut)
    client, head = gateway.open_chat_stream("up/cut")
    with client:
        assert head.status == 200
        seen = []
        try:
            seen += [data for data, _ in client.stream_events()]
        except Broken as error:
            pytest.fail("no error event, only a broken stream: %s, %r" % (error, seen))
    assert "[DONE]" not in seen
    assert len(seen) == 4
    assert json.loads(seen[-1])["error"]["message"]


def test_stream_cut_within_an_event_does_not_leak_the_half(gateway, provider):
    def cut(_, connection):
        connection.open_stream()
        connection.event(CHUNK)
        connection.chunk('data: {"id":"half')
        time.sleep(0.05)
        connection.close()

    provider.on("cut-within", cut)
    client, _ = gateway.open_chat_stream("up/cut-within")
    with client:
        seen = [data for data, _ in client.stream_events()]
    assert "[DONE]" not in seen
    assert all(isinstance(json.loads(data), dict) for data in seen)
    assert json.loads(seen[-1])["error"]


def test_stream_that_ends_without_done_gets_no_done(gateway, provider):
    def no_done(_, connection):
        connection.open_stream()
        connection.event(CHUNK)
        connection.end_stream()

    provider.on("no-done", no_done)
    answer = gateway.chat("up/no-done", stream=True)
    assert "[DONE]" not in answer.events()


def test_error_event_of_the_provider_comes_through(gateway, provider):
    def fails(_, connection):
        connection.open_stream()
        connection.event(CHUNK)
        connection.event(fake_openai.error("overloaded", "server_error"))
        connection.end_stream()

    provider.on("error-event", fails)
    answer = gateway.chat("up/error-event", stream=True)
    assert answer.objects()[1]["error"]["message"] == "overloaded"
    assert "[DONE]" not in answer.events()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_cut_plain_answer_never_looks_whole(gateway, provider, framing):
    body = json.dumps(fake_openai.chat_answer({"model": "m", "messages": [{"content": "x"}]})).encode()
    if framing == "length":
        data = JSON_HEAD + b"Content-Length: %d\r\n\r\n" % (len(body) + 10) + body
    else:
        data = JSON_HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body) + body + b"\r\n"
    provider.on("cut-plain", raw(data))
    try:
        answer = gateway.chat("up/cut-plain")
    except (Broken, ConnectionResetError):
        return
    assert answer.status == 502, answer


def test_answer_without_length_ends_with_the_connection(gateway, provider):
    body = b'{"id":"1","object":"chat.completion","model":"m","choices":[]}'
    provider.on("to-end", raw(JSON_HEAD + b"\r\n" + body))
    answer = gateway.chat("up/to-end")
    assert (answer.status, answer.body) == (200, body)


def test_bytes_after_an_answer_never_answer_another_request(gateway, provider):
    stray = JSON_HEAD + b'Content-Length: 9\r\n\r\n{"s":"no"}'[:-1]
    body = b'{"id":"1","object":"chat.completion","model":"m","choices":[]}'
    provider.on("stray", raw(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body + stray,
                             "hang"))
    for _ in range(4):
        assert gateway.chat("up/stray").body == body
        assert gateway.chat("up/m").json()["choices"]


@pytest.mark.parametrize("stream", [False, True])
def test_slices_of_one_byte(gateway, provider, stream):
    def sliced(request, connection):
        send = connection.sock.sendall
        text = []
        real, connection.send = connection.send, lambda data: text.append(
            data if isinstance(data, bytes) else data.encode())
        fake_openai.answer(request, connection)
        connection.send = real
        for byte in b"".join(text):
            send(bytes([byte]))

    provider.on("sliced", sliced)
    answer = gateway.chat("up/sliced", "a b c", stream=stream)
    assert answer.status == 200
    if stream:
        assert "".join(value["choices"][0]["delta"].get("content") or ""
                       for value in answer.objects()).strip() == "You said: a b c"
        assert answer.events()[-1] == "[DONE]"
    else:
        assert answer.json()["choices"][0]["message"]["content"] == "You said: a b c"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_all_line_ends_of_event_streams(gateway, provider, line_end):
    def odd(_, connection):
        connection.open_stream()
        for text in (": a comment", "event: message", "id: 7", "retry: 5"):
            connection.chunk(text + line_end)
        connection.chunk("data:" + json.dumps(CHUNK) + line_end * 2)
        connection.chunk("data: [DONE]" + line_end * 2)
        connection.end_stream()

    provider.on("odd-lines", odd)
    answer = gateway.chat("up/odd-lines", stream=True)
    text = answer.body.decode().replace("\r\n", "\n").replace("\r", "\n")
    assert json.dumps(CHUNK) in text
    assert text.rstrip().endswith("data: [DONE]")


def test_early_answers_are_skipped(gateway, provider):
    def early(request, connection):
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n")
        connection.send(b"HTTP/1.1 102 Processing\r\n\r\n")
        fake_openai.answer(request, connection)

    provider.on("early", early)
    answer = gateway.chat("up/early")
    assert (answer.status, answer.informational) == (200, [])


@pytest.mark.parametrize("piece", [b"HTTP/1.1 102 Processing\r\n\r\n", b"X-Endless: header\r\n"])
def test_endless_beginnings_are_cut_off(gateway, provider, piece):
    before = sum(resident_kb(pid) for pid in gateway.workers())

    def endless(_, connection):
        if piece.startswith(b"X"):
            connection.send(b"HTTP/1.1 200 OK\r\n")
        end = time.monotonic() + 8
        while time.monotonic() < end:
            connection.send(piece * 500)

    provider.on("endless", endless)
    began = time.monotonic()
    answer = gateway.chat("up/endless")
    assert answer.status in (502, 504)
    assert time.monotonic() - began < 5
    assert sum(resident_kb(pid) for pid in gateway.workers()) - before < 8192


def test_line_of_ten_megabytes(gateway, provider):
    def long_line(_, connection):
        connection.open_stream()
        connection.event(CHUNK)
        connection.chunk("data: ")
        for _ in range(160):
            connection.chunk(b"x" * 65536)
        connection.chunk("\n\n")
        connection.event("[DONE]")
        connection.end_stream()

    provider.on("long-line", long_line)
    before = sum(resident_kb(pid) for pid in gateway.workers())
    client, _ = gateway.open_chat_stream("up/long-line")
    with client:
        try:
            seen = [data for data, _ in client.stream_events()]
        except Broken:
            seen = []
    if seen and seen[-1] == "[DONE]":
        assert seen[1] == "x" * (160 * 65536)
    elif seen:
        assert json.loads(seen[-1])["error"]
    assert sum(resident_kb(pid) for pid in gateway.workers()) - before < 24 * 1024


def test_plain_answer_of_three_megabytes(gateway, provider):
    value = fake_openai.chat_answer({"model": "m", "messages": [{"content": "x" * 3_000_000}]})
    provider.on("large", lambda _, connection: connection.send_json(value))
    answer = gateway.chat("up/large")
    assert answer.json() == value


def test_error_bodies_keep_their_words(gateway, provider):
    provider.on("says-no", fake_openai.fails(422, "Unprocessable Entity", "because of é", "odd_kind",
                                             "odd_code"))
    answer = gateway.chat("up/says-no")
    assert answer.status == 422
    assert answer.error()["message"] == "because of é"
    assert answer.error()["code"] == "odd_code"


def test_gateway_is_well_after_all_this(gateway):
    for _ in range(20):
        assert gateway.chat("up/m").status == 200
        assert gateway.chat("up/m", stream=True).events()[-1] == "[DONE]"
