"""Requests that two readers could understand differently: each gets 400 and a closed connection."""
import pytest

from harness.client import Broken

BODY = b'{"model":"up/any","messages":[]}'
NEXT = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


def post(*headers, body=BODY, line=b"POST /v1/chat/completions HTTP/1.1", host=b"Host: h\r\n"):
    """A request with the key; %KEY% is filled in by the test."""
    fields = b"".join(header + b"\r\n" for header in headers)
    return (line + b"\r\n" + host + b"Authorization: Bearer %KEY%\r\n"
            + b"Content-Type: application/json\r\n" + fields + b"\r\n" + body)


def get(line=b"GET /healthz HTTP/1.1", *headers):
    return line + b"\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)

BAD = {
    "length and chunked": post(LENGTH, CHUNKED, body=CHUNKS),
    "chunked and length": post(CHUNKED, b"Content-Length: 5", body=CHUNKS),
    "length twice, different": post(LENGTH, b"Content-Length: 0"),
    "length twice, equal": post(LENGTH, LENGTH),
    "length list": post(b"Content-Length: %d, %d" % (len(BODY), len(BODY))),
    "length with plus": post(b"Content-Length: +%d" % len(BODY)),
    "length negative": post(b"Content-Length: -1"),
    "length hex": post(b"Content-Length: 0x20"),
    "length empty": post(b"Content-Length:"),
    "length with junk": post(LENGTH + b"a"),
    "length with inner blank": post(b"Content-Length: 3 2"),
    "length over 64 bits": post(b"Content-Length: 99999999999999999999"),
    "length wraps 64 bits": post(b"Content-Length: 18446744073709551648"),
    "length fraction": post(LENGTH + b".0"),
    "coding identity": post(b"Transfer-Encoding: identity", LENGTH),
    "coding gzip, chunked": post(b"Transfer-Encoding: gzip, chunked", body=CHUNKS),
    "coding chunked, gzip": post(b"Transfer-Encoding: chunked, gzip", body=CHUNKS),
    "coding chunked twice": post(b"Transfer-Encoding: chunked, chunked", body=CHUNKS),
    "coding in two lines": post(CHUNKED, CHUNKED, body=CHUNKS),
    "coding xchunked": post(b"Transfer-Encoding: xchunked", body=CHUNKS),
    "coding with parameter": post(b"Transfer-Encoding: chunked;a=b", body=CHUNKS),
    "coding quoted": post(b'Transfer-Encoding: "chunked"', body=CHUNKS),
    "coding with vertical tab": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKS),
    "coding empty": post(b"Transfer-Encoding:", body=CHUNKS),
    "coding in HTTP/1.0": post(CHUNKED, body=CHUNKS, line=b"POST /v1/chat/completions HTTP/1.0"),
    "coding with space before colon": post(b"Transfer-Encoding : chunked", body=CHUNKS),
    "length with space before colon": post(b"Content-Length : %d" % len(BODY)),
    "length with tab before colon": post(b"Content-Length\t: %d" % len(BODY)),
    "folded header": post(b"X-A: 1\r\n b", LENGTH),
    "folded coding": post(b"Transfer-Encoding:\r\n chunked", body=CHUNKS),
    "fold by tab": post(b"X-A: 1\r\n\tb", LENGTH),
    "first header folded": get(b"GET /healthz HTTP/1.1\r\n Host: h", b"Host: h"),
    "bare CR in value": post(b"X-A: 1\rb", LENGTH),
    "bare CR then header": post(b"X-A: 1\rContent-Length: 0", LENGTH),
    "bare LF ends a header": post(b"X-A: 1\nX-B: 2", LENGTH),
    "bare LF everywhere": post(LENGTH).replace(b"\r\n", b"\n"),
    "LF CR": post(b"X-A: 1\n\rX-B: 2", LENGTH),
    "NUL in value": post(b"X-A: a\0b", LENGTH),
    "control in value": post(b"X-A: a\x01b", LENGTH),
    "DEL in value": post(b"X-A: a\x7fb", LENGTH),
    "NUL in name": post(b"X-\0A: b", LENGTH),
    "name with blank": post(b"X A: b", LENGTH),
    "name with parenthesis": post(b"X(A: b", LENGTH),
    "name with quote": post(b'X"A: b', LENGTH),
    "name with slash": post(b"X/A: b", LENGTH),
    "name beyond ASCII": post(b"X\xc3\xa9: b", LENGTH),
    "name empty": post(b": b", LENGTH),
    "line without colon": post(b"XA b", LENGTH),
    "no host": post(LENGTH, host=b""),
    "host twice": post(LENGTH, host=b"Host: h\r\nHost: h\r\n"),
    "host twice, different": post(LENGTH, host=b"Host: h\r\nHost: i\r\n"),
    "host with path": post(LENGTH, host=b"Host: h/#@x\r\n"),
    "host with user": post(LENGTH, host=b"Host: a@h\r\n"),
    "host list": post(LENGTH, host=b"Host: h, i\r\n"),
    "host with blank": post(LENGTH, host=b"Host: h i\r\n"),
    "absolute form, other host": post(LENGTH, line=b"POST http://other/v1/chat/completions HTTP/1.1"),
    "two blanks in the request line": get(b"GET  /healthz HTTP/1.1", b"Host: h"),
    "tab in the request line": get(b"GET\t/healthz HTTP/1.1", b"Host: h"),
    "blank after the version": get(b"GET /healthz HTTP/1.1 ", b"Host: h"),
    "blank before the method": get(b" GET /healthz HTTP/1.1", b"Host: h"),
    "no version": get(b"GET /healthz", b"Host: h"),
    "version 1.10": get(b"GET /healthz HTTP/1.10", b"Host: h"),
    "version 01.1": get(b"GET /healthz HTTP/01.1", b"Host: h"),
    "version in small letters": get(b"GET /healthz http/1.1", b"Host: h"),
    "another protocol": get(b"GET /healthz ICE/1.0", b"Host: h"),
    "target with blank": get(b"GET /a b HTTP/1.1", b"Host: h"),
    "target empty": get(b"GET  HTTP/1.1", b"Host: h"),
    "target relative": get(b"GET healthz HTTP/1.1", b"Host: h"),
    "target with control": get(b"GET /\x01 HTTP/1.1", b"Host: h"),
    "target beyond ASCII": get(b"GET /\xc3\xa9 HTTP/1.1", b"Host: h"),
    "target with fragment": get(b"GET /healthz#x HTTP/1.1", b"Host: h"),
    "method with colon": get(b"GE:T /healthz HTTP/1.1", b"Host: h"),
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x07" * 64 + b"\r\n\r\n",
    "noise": bytes(range(128, 256)) + b"\r\n\r\n",
}
CHUNK_JUNK = {
    "size not hex": b"zz\r\n",
    "size empty": b"\r\n",
    "size with 0x": b"0x20\r\n" + BODY + b"\r\n0\r\n\r\n",
    "size with plus": b"+20\r\n" + BODY + b"\r\n0\r\n\r\n",
    "size negative": b"-1\r\n",
    "size with blank before": b" 20\r\n" + BODY + b"\r\n0\r\n\r\n",
    "size over 64 bits": b"fffffffffffffffff\r\n",
    "size wraps": b"10000000000000020\r\n" + BODY + b"\r\n0\r\n\r\n",
    "size underscored": b"2_0\r\n" + BODY + b"\r\n0\r\n\r\n",
    "size ended by LF": b"20\n" + BODY + b"\r\n0\r\n\r\n",
    "size ended by CR": b"20\r" + BODY + b"\r\n0\r\n\r\n",
    "data ended by LF": b"20\r\n" + BODY + b"\n0\r\n\r\n",
    "data too long": b"1f\r\n" + BODY + b"\r\n0\r\n\r\n",
    "data too short": b"21\r\n" + BODY + b"\r\n0\r\n\r\n",
    "control in extension": b"20;a=\x01\r\n" + BODY + b"\r\n0\r\n\r\n",
    "LF in extension": b"20;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n",
    "CR in extension": b"20;a\rb\r\n" + BODY + b"\r\n0\r\n\r\n",
    "trailer without colon": b"20\r\n" + BODY + b"\r\n0\r\nXA\r\n\r\n",
    "trailer with bare LF": b"20\r\n" + BODY + b"\r\n0\r\nX: a\nY: b\r\n\r\n",
}


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider), settings={"timeouts": {
        "drain": "10s", "client_head": "2s", "client_body": "2s"}})


def refused(gateway, provider, data, statuses=(400,)):
    before = len(provider.requests)
    with gateway.connect(timeout=5) as client:
        client.send(data.replace(b"%KEY%", gateway.key.encode()) + NEXT)
        answer = client.read_response()
        assert answer.status in statuses, answer
        assert (answer.header("connection") or "").lower() == "close"
        assert answer.header("x-request-id")
        assert answer.error()["message"]
        try:
            rest = client.read_to_end()
        except ConnectionResetError:
            rest = b""
        assert rest == b"", "a second answer on a connection that is out of step"
    assert len(provider.requests) == before, "the provider saw it"


@pytest.mark.parametrize("name", BAD)
def test_bad_head_is_refused(gateway, provider, name):
    refused(gateway, provider, BAD[name])


@pytest.mark.parametrize("name", CHUNK_JUNK)
def test_bad_chunk_is_refused(gateway, provider, name):
    refused(gateway, provider, post(CHUNKED, body=CHUNK_JUNK[name]))


@pytest.mark.parametrize("data", [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", get(b"GET /healthz HTTP/2.0", b"Host: h"),
    get(b"GET /healthz HTTP/0.9", b"Host: h"), get(b"GET /healthz HTTP/1.2", b"Host: h")])
def test_other_versions_are_refused(gateway, provider, data):
    refused(gateway, provider, data, (400, 505))


@pytest.mark.parametrize("name", ["length and chunked", "coding in two lines", "bare CR then header",
                                  "folded coding", "length wraps 64 bits", "host twice"])
def test_slices_of_one_byte_change_nothing(gateway, provider, name):
    data = BAD[name].replace(b"%KEY%", gateway.key.encode())
    with gateway.connect(timeout=5) as client:
        try:
            for at in range(len(data)):
                client.send(data[at:at + 1])
        except OSError:
            pass                            # it may be refused before the last byte
        try:
            assert client.read_response().status == 400
        except ConnectionResetError:
            pass


def test_good_requests_of_odd_form_are_served(gateway, provider):
    """The table above would also be satisfied by refusing everything."""
    from harness import fake_openai
    provider.on("any", fake_openai.echo_bytes)
    good = [
        post(LENGTH), post(b"content-LENGTH:  %d  " % len(BODY)), post(CHUNKED, body=CHUNKS),
        post(b"transfer-encoding:CHUNKED", body=CHUNKS),
        post(CHUNKED, body=CHUNKS.replace(b"\r\n{", b';name="value"\r\n{', 1)),
        post(CHUNKED, body=CHUNKS[:-2] + b"X-Trailer: 1\r\n\r\n"),
        post(CHUNKED, body=b"0000" + CHUNKS), post(LENGTH, b"X-Empty:", b"X-High: caf\xe9"),
        post(LENGTH, b"!#$%&'*+-.^_`|~09Az: odd but a token"),
        post(LENGTH, host=b"Host: [::1]:80\r\n"),
        post(LENGTH, line=b"POST http://h/v1/chat/completions HTTP/1.1"),
        post(LENGTH, line=b"POST /v1/chat/completions?x=1 HTTP/1.1"),
    ]
    for data in good:
        with gateway.connect() as client:
            client.send(data.replace(b"%KEY%", gateway.key.encode()))
            answer = client.read_response()
            assert answer.status == 200, (data, answer)
            client.request("GET", "/healthz")
            assert client.read_response("GET").status == 200, data


def test_nothing_smuggled_ever_reached_the_provider(gateway, provider):
    assert all(request.target == "/v1/chat/completions" for request in provider.requests)


def test_half_a_request_and_an_end_is_no_request(gateway, provider):
    before = len(provider.requests)
    data = post(LENGTH).replace(b"%KEY%", gateway.key.encode())
    for end in (10, len(data) - 40, len(data) - 1):
        with gateway.connect(timeout=5) as client:
            client.send(data[:end])
            client.half_close()
            try:
                answer = client.read_response()
                assert answer.status in (400, 408)
            except (Broken, ConnectionResetError):
                pass
    assert len(provider.requests) == before
