"""HTTPS towards clients: certificates of our own making, by name, renewed by SIGHUP."""
import signal
import socket
import ssl
import time

import openai
import pytest

from harness.client import RawClient
from harness.load import Load
from harness.process import free_port
from harness.wait import until


@pytest.fixture(scope="module")
def authority(house):
    return house.authority()


@pytest.fixture(scope="module")
def files(authority):
    return {"main": authority.issue("localhost"),
            "other": authority.issue("other.test", ["DNS:other.test"])}


@pytest.fixture(scope="module")
def gateway(house, files):
    made = house.unstarted()
    certificate, key = files["main"]
    second, second_key = files["other"]
    made.tls_port = free_port()
    made.settings["listen"] = [
        "127.0.0.1:%d" % made.port,
        {"address": "127.0.0.1:%d" % made.tls_port,
         "tls": {"certificate": certificate, "key": key,
                 "more": [{"certificate": second, "key": second_key}]}}]
    made.write()
    made.workers_may_change = True
    return made.start()


def dial(gateway, context, name="localhost", session=None):
    sock = socket.create_connection(("127.0.0.1", gateway.tls_port), timeout=10)
    return context.wrap_socket(sock, server_hostname=name, session=session)


def serial(gateway, authority, name="localhost"):
    with dial(gateway, authority.client_context(), name) as sock:
        return sock.getpeercert()["serialNumber"]


def test_requests_over_tls(gateway, authority):
    client = RawClient(0, sock=dial(gateway, authority.client_context()))
    for _ in range(10):
        assert gateway.chat("mock/echo", client=client).status == 200
    answer = gateway.chat("mock/long-1000", client=client, stream=True)
    assert answer.events()[-1] == "[DONE]"
    client.close()


def test_official_client_over_tls(gateway, authority):
    client = openai.OpenAI(base_url="https://localhost:%d/v1" % gateway.tls_port, max_retries=0,
                           api_key=gateway.key,
                           http_client=openai.DefaultHttpxClient(verify=authority.client_context()))
    answer = client.chat.completions.create(model="mock/echo",
                                            messages=[{"role": "user", "content": "x"}])
    assert answer.choices[0].message.content


def test_large_body_over_tls(gateway, authority):
    client = RawClient(0, sock=dial(gateway, authority.client_context()), timeout=30)
    text = "z" * 3_000_000
    answer = gateway.chat("mock/echo", text, client=client)
    assert answer.status == 200
    client.close()


def test_certificate_is_chosen_by_name(gateway, authority):
    with dial(gateway, authority.client_context(), "other.test") as sock:
        assert ("DNS", "other.test") in sock.getpeercert()["subjectAltName"]
    with dial(gateway, authority.client_context(), "localhost") as sock:
        assert ("DNS", "localhost") in sock.getpeercert()["subjectAltName"]
    with pytest.raises(ssl.SSLCertVerificationError):
        dial(gateway, authority.client_context(), "unknown.test")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(gateway, authority, version):
    context = authority.client_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = version
    context.maximum_version = version
    with pytest.raises((ssl.SSLError, OSError)):
        dial(gateway, context)


def test_http_1_1_is_agreed_on(gateway, authority):
    context = authority.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with dial(gateway, context) as sock:
        assert sock.selected_alpn_protocol() == "http/1.1"


def test_sessions_are_resumed_in_every_worker(gateway, authority):
    context = authority.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with dial(gateway, context) as first:
        first.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
        first.recv(1000)
        session = first.session
    resumed = 0
    for _ in range(12):
        with dial(gateway, context, session=session) as sock:
            resumed += sock.session_reused
    assert resumed == 12


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 70000,
                                  bytes(range(256)), b""])
def test_what_is_no_tls_is_dropped(gateway, authority, data):
    with socket.create_connection(("127.0.0.1", gateway.tls_port), timeout=5) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except OSError:
            pass
    assert serial(gateway, authority)


def test_plain_requests_are_not_held_up_by_handshakes(gateway, authority):
    silent = [socket.create_connection(("127.0.0.1", gateway.tls_port)) for _ in range(50)]
    began = time.monotonic()
    for _ in range(20):
        assert gateway.get("/healthz").status == 200
    assert time.monotonic() - began < 1
    for sock in silent:
        sock.close()


def test_renewed_certificate_is_in_force_after_sighup(gateway, authority):
    old = serial(gateway, authority)
    kept = RawClient(0, sock=dial(gateway, authority.client_context()))
    with Load(gateway, 4) as load:
        authority.issue("localhost")            # the same files, written anew
        gateway.signal(signal.SIGHUP)
        until(lambda: serial(gateway, authority) != old, 5, "the new certificate")
        load.wait_ok(50)
    assert load.failures == []
    assert gateway.chat("mock/echo", client=kept).status == 200
    kept.close()


def test_broken_certificate_keeps_the_old_one(gateway, authority, files):
    certificate = files["main"][0]
    good = open(certificate).read()
    old = serial(gateway, authority)
    before = len(gateway.log_text())
    with open(certificate, "w") as file:
        file.write("not a certificate\n")
    try:
        gateway.signal(signal.SIGHUP)
        until(lambda: "localhost.pem" in gateway.log_text()[before:], 5, "the log to name the file")
        assert serial(gateway, authority) == old
    finally:
        with open(certificate, "w") as file:
            file.write(good)


def test_broken_certificate_and_new_workers_leave_the_old_ones_serving(gateway, authority, files):
    certificate = files["main"][0]
    good = open(certificate).read()
    old, workers = serial(gateway, authority), gateway.settings["workers"]
    before = set(gateway.workers())
    with open(certificate, "w") as file:
        file.write("not a certificate\n")
    try:
        gateway.settings["workers"] = workers + 1
        gateway.write()
        gateway.signal(signal.SIGHUP)
        until(lambda: "worker cannot start" in gateway.log_text(), 5, "the new workers to give up")
        for _ in range(10):
            assert serial(gateway, authority) == old
            assert gateway.get("/healthz").status == 200
        assert before <= set(gateway.workers()), "the old crew serves"
    finally:
        with open(certificate, "w") as file:
            file.write(good)
        gateway.settings["workers"] = workers
        gateway.write()
        gateway.signal(signal.SIGHUP)
    until(lambda: not before & set(gateway.workers()) and len(gateway.workers()) == workers, 20,
          "a new crew with the good certificate")
    assert serial(gateway, authority) == old


def test_listeners_in_another_order_are_never_mixed_up(gateway, authority):
    """Old and new workers both serve for a moment: neither may take one port for the other."""
    listen, context = gateway.settings["listen"], authority.client_context()
    try:
        for turn in range(4):
            gateway.settings["listen"] = list(reversed(listen)) if turn % 2 == 0 else listen
            gateway.write()
            gateway.signal(signal.SIGHUP)
            end = time.monotonic() + 0.7
            while time.monotonic() < end:
                assert gateway.get("/healthz", key=None).status == 200
                with dial(gateway, context) as sock:
                    sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                    assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
    finally:
        gateway.settings["listen"] = listen
        gateway.reload()


def test_start_without_a_usable_certificate_fails_and_says_so(room, tmp_path):
    (tmp_path / "c.pem").write_text("not a certificate\n")
    gateway = room.unstarted()
    gateway.settings["listen"] = [
        "127.0.0.1:%d" % gateway.port,
        {"address": "127.0.0.1:%d" % free_port(),
         "tls": {"certificate": str(tmp_path / "c.pem"), "key": str(tmp_path / "c.pem")}}]
    gateway.write()
    gateway.start(wait=False)
    assert gateway.child.wait(10) == 1
    assert "c.pem" in gateway.log_text()


def test_client_certificates(room, authority, files):
    gateway = room.unstarted()
    gateway.tls_port = free_port()
    certificate, key = files["main"]
    gateway.settings["listen"] = [
        "127.0.0.1:%d" % gateway.port,
        {"address": "127.0.0.1:%d" % gateway.tls_port,
         "tls": {"certificate": certificate, "key": key,
                 "client_ca": str(authority.certificate)}}]
    gateway.write()
    gateway.start()
    own = authority.client_context(*authority.issue("somebody"))
    client = RawClient(0, sock=dial(gateway, own))
    assert gateway.chat("mock/echo", client=client).status == 200
    client.close()
    stranger = room.authority("Another CA")
    foreign = authority.client_context(*stranger.issue("stranger"))
    for context in (authority.client_context(), foreign):
        with pytest.raises((ssl.SSLError, OSError, AssertionError)):
            sock = dial(gateway, context)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            assert sock.recv(1000), "closed"
