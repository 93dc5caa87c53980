"""HTTPS towards providers: the chain and the name are verified, connections are reused."""
import re
import socket
import threading

import pytest

from harness import fake_openai
from harness.wait import until


@pytest.fixture(scope="module")
def authority(house):
    return house.authority()


@pytest.fixture(scope="module")
def gateway(house, authority):
    stranger = house.authority("Another CA")
    contexts = {
        "good": authority.server_context(*authority.issue("good")),
        "misnamed": authority.server_context(*authority.issue("misnamed", ["DNS:else.test"])),
        "expired": authority.server_context(*authority.issue("expired", days=-1)),
        "foreign": stranger.server_context(*stranger.issue("foreign")),
    }
    providers = {name: house.provider(tls=context) for name, context in contexts.items()}
    made = house.gateway(*providers.items(), env={"SSL_CERT_FILE": str(authority.certificate)},
                         settings={"tls": {"ca_file": str(authority.certificate)}})
    made.providers = providers
    return made


def test_verified_provider_is_used_and_its_connection_kept(gateway):
    for turn in range(10):
        assert gateway.chat("good/m", stream=turn % 2 == 1).status == 200
    provider = gateway.providers["good"]
    assert len(provider.connections) <= 4, "TLS connections are not reused"
    assert provider.last().header("authorization") == "Bearer sk-provider-canary-good"


# What an operator must be able to read, in the words of either TLS library.
UNVERIFIED = [("misnamed", "mismatch|does not match|no alternative certificate subject name"),
              ("expired", "expired"), ("foreign", "not correctly signed|unable to get|self.signed")]


@pytest.mark.parametrize("name, why", UNVERIFIED)
def test_unverified_provider_gets_no_request_and_the_log_says_why(gateway, name, why):
    answer = gateway.chat(name + "/m")
    assert answer.status == 502
    assert "tls" in answer.error()["code"]
    assert gateway.providers[name].requests == []
    line = until(lambda: [line for line in gateway.access_lines()
                          if line["request_id"] == answer.header("x-request-id")], 3, "its line")[0]
    assert re.search("^TLS failed: .*(%s)" % why, line["detail"])
    assert "CERTIFICATE" not in answer.error()["message"]


@pytest.mark.parametrize("name, why", UNVERIFIED)
def test_asked_test_of_a_provider_says_why(gateway, name, why):
    told = gateway.ctl("providers", "test", name, code=None)
    assert told.returncode != 0
    assert re.search(why, told.stdout + told.stderr), told.stdout + told.stderr


def test_large_bodies_both_ways(gateway):
    text = "t" * 3_000_000
    answer = gateway.chat("good/m", text, timeout=20)
    assert answer.json()["choices"][0]["message"]["content"] == "You said: " + text


def test_reused_tls_connection_that_dies_is_replaced(gateway):
    provider = gateway.providers["good"]
    for _ in range(3):
        assert gateway.chat("good/m").status == 200
        provider.drop_connections()
        assert gateway.chat("good/m").status == 200


def test_cut_tls_stream_ends_with_an_error_event(gateway):
    def cut(_, connection):
        connection.open_stream()
        connection.event(fake_openai.chunk("m", {"content": "a"}))
        connection.reset()

    gateway.providers["good"].on("cut", cut)
    client, _ = gateway.open_chat_stream("good/cut")
    with client:
        events = [data for data, _ in client.stream_events()]
    assert "[DONE]" not in events and '"error"' in events[-1]


def test_provider_that_speaks_no_tls_is_502(house, gateway):
    plain = socket.create_server(("127.0.0.1", 0))

    def refuse():
        while True:
            try:
                peer, _ = plain.accept()
            except OSError:
                return
            with peer:
                peer.recv(4096)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    threading.Thread(target=refuse, daemon=True).start()
    fake = type("Plain", (), {"base_url": "https://127.0.0.1:%d/v1" % plain.getsockname()[1]})
    other = house.gateway(("plain", fake))
    answer = other.chat("plain/m")
    assert answer.status == 502
    assert "tls" in answer.error()["code"]
