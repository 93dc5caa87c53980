"""Files that a request names by their address: where nothing is asked, and what may not come."""
import socket
import threading
import time

import pytest

from harness.gateway import SLOW
from harness.image_host import (HOST, LIMIT, PDF, PNG, Place,
                                chat, file_answer, line_of, redirect, refused, said)
from harness.wait import until


@pytest.fixture(scope="module")
def place(house):
    return Place(house)


@pytest.fixture(scope="module")
def gateway(place):
    return place.gateway


@pytest.fixture(scope="module")
def host(place):
    return place.host


@pytest.fixture(scope="module")
def inside(place):
    return place.inside


# ---- where nothing is asked


NO_PUBLIC = "its host has no public address."


@pytest.mark.parametrize("where", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]",
                                   "[::ffff:127.0.0.2]", "[::]", "LOCALHOST"])
def test_a_host_that_is_not_public_is_not_asked(gateway, inside, where):
    answer = chat(gateway, "http://%s:%d/a.png" % (where, inside.fake.port))
    assert refused(answer) == NO_PUBLIC
    assert inside.fake.connections == [], "it was connected to"


@pytest.mark.parametrize("where", ["169.254.169.254", "10.0.0.1", "192.168.1.1", "172.16.0.1",
                                   "100.100.100.200", "[fd00:ec2::254]", "[fe80::1]", "224.0.0.1",
                                   "255.255.255.255", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]",
                                   "168.63.129.16"])
def test_nor_are_places_inside_a_network(gateway, where):
    began = time.monotonic()
    answer = chat(gateway, "http://%s/latest/meta-data/" % where)
    assert refused(answer) == NO_PUBLIC
    assert time.monotonic() - began < 1.0 * SLOW, "something was waited for"
    assert "address" in line_of(gateway, answer)["detail"]


def test_a_name_that_is_not_there_looks_the_same(gateway):
    assert refused(chat(gateway, "http://nowhere.invalid/a.png")) in (NO_PUBLIC,
                                                                     "it did not arrive in time.")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize("to", ["http://127.0.0.1:%d/a.png", "http://localhost:%d/a.png",
                                "//127.0.0.1:%d/a.png"])
def test_a_redirect_inside_is_not_followed(gateway, host, inside, to, status):
    host.answers["/inside"] = redirect(to % inside.fake.port, status)
    assert refused(chat(gateway, host.url("/inside"))) == NO_PUBLIC
    assert inside.fake.connections == []


def test_a_redirect_to_a_clouds_own_service_is_not_followed(gateway, host):
    host.answers["/cloud"] = redirect("http://169.254.169.254/latest/meta-data/iam")
    assert refused(chat(gateway, host.url("/cloud"))) == NO_PUBLIC


def test_redirects_are_followed_three_times(gateway, host, place):
    host.answers.update({"/0": redirect("/dir/1"), "/dir/1": redirect("2?x"),
                         "/dir/2?x": redirect(place.secure.url("/a.png"))})
    assert said(chat(gateway, host.url("/0"))) == "image/png:%d" % len(PNG)
    host.answers["/-1"] = redirect("/0")
    assert refused(chat(gateway, host.url("/-1"))) == "it leads on too often."


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.2/x", "gopher://x/",
                                      "http://user@127.0.0.2/x", "http://127.0.0.2:22/x", "", "http://"])
def test_a_redirect_to_anything_else_is_not_followed(gateway, host, location):
    host.answers["/else"] = redirect(location)
    assert refused(chat(gateway, host.url("/else"))) == "it leads on to what is no address of the web."


@pytest.mark.parametrize("url", ["http://user:secret@127.0.0.2:%d/a.png", "http://127.0.0.2:25/a.png",
                                 "http:///a.png", "http://127.0.0.2\\@127.0.0.1:%d/a.png",
                                 "http://[::1%25lo]/a.png", "http://127.1:%d/a.png", "http://2130706433:%d/",
                                 "http://0x7f000001:%d/", "http://0177.0.0.1:%d/", "http://127.0.0.2.:%d/",
                                 "http://images.test:65536/"])
def test_an_address_must_be_plain(gateway, host, url):
    assert refused(chat(gateway, url.replace("%d", str(host.fake.port)))) == (
        "it is no address of the web.")


# ---- what may come


@pytest.mark.parametrize("answer, why", [
    (file_answer(PNG, "text/html"), "it is no PNG"),
    (file_answer(b"<html>hello</html>", "image/png"), "it is no PNG"),
    (file_answer(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"), "it is no PNG"),
    (file_answer(b"", "image/png"), "it is no PNG"),
    (file_answer(PDF, "application/pdf"), "it is of a type that cannot stand there."),
    (file_answer(PNG, "image/png", "404 Not Found"), "its host answered with status 404."),
    (file_answer(PNG, "image/png", "206 Partial Content"), "its host answered with status 206."),
    (file_answer(PNG, "image/png", "200 OK", "Content-Encoding: gzip"), "it is sent in a content coding."),
    (file_answer(PNG + b"\0" * LIMIT), "it is larger than this gateway fetches."),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "it is larger than this gateway fetches."),
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n", "its host does not answer in HTTP."),
], ids=["named text", "HTML", "SVG", "nothing", "PDF", "404", "206", "gzip", "large", "huge", "SSH"])
def test_what_is_no_picture_is_refused(gateway, host, answer, why):
    host.answers["/bad"] = answer
    assert refused(chat(gateway, host.url("/bad"))).startswith(why)


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "image/jpeg", "IMAGE/PNG; x=y"])
def test_the_bytes_say_what_a_picture_is(gateway, host, kind):
    host.answers["/any"] = file_answer(PNG, kind)
    assert said(chat(gateway, host.url("/any"))) == "image/png:%d" % len(PNG)


def test_a_file_without_a_length_has_the_same_limit(gateway, host):
    def pours(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.chunk(PNG)
        try:
            for _ in range(64):
                connection.chunk(b"\0" * 16384)
        except OSError:
            pass
    host.answers["/pours"] = pours
    assert refused(chat(gateway, host.url("/pours"))) == "it is larger than this gateway fetches."


def test_pieces_of_any_size_make_the_same_file(gateway, host):
    whole = PNG + bytes(range(251)) * 20

    def drips(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        at, size = 0, 1
        while at < len(whole):
            connection.chunk(whole[at:at + size])
            at, size = at + size, size % 7 + 1
        connection.end_stream()
    host.answers["/drips"] = drips
    assert said(chat(gateway, host.url("/drips"))) == "image/png:%d" % len(whole)


def test_all_files_together_have_a_limit(gateway, host):
    for at in range(3):
        host.answers["/part%d" % at] = file_answer(PNG + b"\0" * 40000)
    assert said(chat(gateway, host.url("/part0"), host.url("/part1"))).count("image/png") == 2
    answer = chat(gateway, *[host.url("/part%d" % at) for at in range(3)])
    assert answer.status == 400, answer
    assert "the request's files are larger" in answer.json()["error"]["message"]


def test_a_request_names_so_many_files_and_no_more(gateway, host):
    before = len(host.asked())
    answer = chat(gateway, *[host.url("/a.png?%d" % at) for at in range(7)])
    assert answer.status == 400, answer
    assert answer.error()["code"] == "invalid_image_url"
    assert "more than 6 files" in answer.error()["message"]
    assert len(host.asked()) == before


def test_four_files_of_a_request_come_at_one_time(gateway, host):
    host.answers.update({"/w%d" % at: host.slowly(0.1) for at in range(6)})
    host.most = 0
    assert said(chat(gateway, *[host.url("/w%d" % at) for at in range(6)])).count("image/png") == 6
    assert 2 <= host.most <= 4


def test_a_slow_host_costs_its_own_request_only(gateway, host):
    def hangs(_, connection):
        host.released.wait(10)
    host.answers["/hangs"] = hangs
    began = time.monotonic()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(chat(gateway, host.url("/hangs"))))
    thread.start()
    while time.monotonic() - began < 0.8:
        once = time.monotonic()
        assert gateway.chat("mock/echo").status == 200
        assert time.monotonic() - once < 0.5 * SLOW
    thread.join()
    host.released.set()
    assert refused(answers[0]) == "it did not arrive in time."
    assert 1.4 < time.monotonic() - began < 3 * SLOW


def test_a_host_that_drips_has_no_more_time(gateway, host):
    ends = []

    def drips(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + PNG)
        for _ in range(100):
            if connection.wait_ended(0.05):
                break
            connection.send(b"\0")
        ends.append(connection.ended)
    host.answers["/drip"] = drips
    assert refused(chat(gateway, host.url("/drip"))) == "it did not arrive in time."
    until(lambda: ends and ends[0], 4, "the host is let go")


def test_a_host_that_cuts_is_told(gateway, host):
    def cuts(_, connection):
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + PNG)
        connection.reset()
    host.answers["/cuts"] = cuts
    assert refused(chat(gateway, host.url("/cuts"))) == "its host broke the connection."
    with socket.socket() as free:
        free.bind((HOST, 0))
        assert refused(chat(gateway, "http://%s:%d/" % free.getsockname())) == "its host cannot be reached."


def test_a_client_that_leaves_ends_what_is_fetched(gateway, host):
    ended = []

    def hangs(_, connection):
        ended.append(connection.wait_ended(10))
    host.answers["/left"] = hangs
    before = len(host.asked("/left"))
    client = gateway.connect()
    client.request("POST", "/v1/chat/completions", gateway.headers(), (
        '{"model": "gemini/gemini-3-flash-preview", "messages": [{"role": "user", "content": '
        '[{"type": "image_url", "image_url": {"url": "%s"}}]}]}' % host.url("/left")).encode())
    until(lambda: len(host.asked("/left")) > before, 3, "the file is asked for")
    gone = time.monotonic()
    client.close()
    until(lambda: ended, 3, "the host's connection ended")
    assert ended[0] and ended[0][1] - gone < 1.0 * SLOW
    line = until(lambda: [line for line in gateway.access_lines() if line.get("fault") == "client_gone"],
                 3, "its line")[-1]
    assert line["attempts"] == 0, "a provider was asked"


def test_the_dialect_of_the_client_says_what_is_wrong(gateway, inside):
    url = "http://127.0.0.1:%d/a.png" % inside.fake.port
    answer = gateway.post("/v1/messages", {
        "model": "gemini/gemini-3-flash-preview", "max_tokens": 9, "messages": [
            {"role": "user", "content": "x"}, {"role": "assistant", "content": "y"},
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": url}}]}]})
    assert answer.status == 400, answer
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert "'messages[2].content[0].source.url' could not be fetched" in answer.json()["error"]["message"]
    answer = gateway.post("/v1/responses", {"model": "gemini/gemini-3-flash-preview", "input": [
        {"role": "user", "content": [{"type": "input_image", "image_url": url}]}]})
    assert answer.json()["error"]["param"] == "input[0].content[0].image_url"


def test_no_address_is_written_down(gateway, host):
    secret = "/none.png?signature=secretcanary"
    answer = chat(gateway, host.url(secret))
    assert refused(answer) == "its host answered with status 404."
    line = line_of(gateway, answer)
    assert line["fault"] == "bad_media_url"
    assert line["detail"] == "messages[0].content[0].image_url.url: its host answered with status 404"
    assert "secretcanary" not in gateway.log_text() + gateway.access.read_text() + str(answer.json())
