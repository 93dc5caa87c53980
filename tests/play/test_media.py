"""Files that a request names by their address: who gets them as bytes, and what settings change."""
import base64
import threading

import pytest

from harness.gateway import SLOW
from harness.image_host import (HOST, MEDIA, PDF, PNG, WAV, ImageHost, Place, chat,
                                data_url, file_answer, line_of, picture, redirect, refused, rows_of, said)


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
def providers(place):
    return place.providers


# ---- who gets what


def test_gemini_gets_the_bytes_of_an_openai_clients_address(gateway, host, providers):
    assert said(chat(gateway, host.url("/a.png"))) == "image/png:%d" % len(PNG)
    part = providers["gemini"].last().json()["contents"][0]["parts"][0]
    assert part == {"inlineData": {"mimeType": "image/png",
                                   "data": base64.b64encode(PNG).decode()}}


def test_the_host_is_told_nothing_of_the_request(gateway, host):
    host.answers["/a.png?x=1"] = file_answer(PNG)
    assert said(chat(gateway, host.url("/a.png?x=1#secret"), host.url("/a.png"))).count("image/png") == 2
    for request in host.asked():
        names = {name.lower() for name, _ in request.headers}
        assert names == {"host", "accept", "accept-encoding", "user-agent"}, names
        assert (request.method, request.body) == ("GET", b"")
        assert "secret" not in request.target


def test_over_tls_the_certificate_is_verified(gateway, place, house):
    assert said(chat(gateway, place.secure.url("/a.png"))) == "image/png:%d" % len(PNG)
    stranger = house.authority("Another CA")
    foreign = ImageHost(house, host=HOST, tls=stranger.server_context(
        *stranger.issue("images", ["IP:" + HOST])))
    answer = chat(gateway, foreign.url("/a.png"))
    assert refused(answer) == "TLS with its host failed."
    assert foreign.asked() == []
    assert "TLS failed" in line_of(gateway, answer)["detail"]


def test_one_address_is_asked_once(gateway, host):
    before = len(host.asked())
    assert said(chat(gateway, *[host.url("/a.png")] * 5)).count("image/png") == 5
    assert len(host.asked()) == before + 1


@pytest.mark.parametrize("path, client", [
    ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "url", "url": "URL"}}, {"type": "text", "text": "look"}]}]}),
    ("/v1/responses", {"input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": "URL"}, {"type": "input_text", "text": "look"}]}]}),
])
def test_clients_of_other_dialects_are_served_alike(gateway, host, path, client):
    text = str({"model": "gemini/gemini-3-flash-preview", **client}).replace("'", '"')
    answer = gateway.post(path, text.replace("URL", host.url("/a.png")).encode())
    assert answer.status == 200, answer
    assert "image/png:%d" % len(PNG) in str(answer.json())


def test_a_stream_is_served_alike(gateway, host):
    answer = gateway.post("/v1/chat/completions", {
        "model": "gemini/gemini-3-flash-preview", "stream": True, "messages": [
            {"role": "user", "content": [picture(host.url("/a.png")), {"type": "text", "text": "look"}]}]})
    assert answer.status == 200, answer
    assert "image/png:%d" % len(PNG) in "".join(
        piece["choices"][0]["delta"].get("content") or "" for piece in answer.objects()
        if piece["choices"])


@pytest.mark.parametrize("model", ["openai/gpt-4o", "claude/claude-sonnet-4-5"])
def test_who_takes_addresses_gets_them(gateway, host, providers, model):
    before = len(host.asked())
    assert said(chat(gateway, host.url("/a.png"), model=model)) == "seen"
    assert host.url("/a.png") in providers["plain"].last().body.decode()
    assert len(host.asked()) == before


def test_in_one_dialect_all_but_the_address_stays(gateway, host, providers):
    """A client's own bytes go on, with the picture in the place of its address."""
    body = (' {"x_own": [1.0, 1e2],  "messages": [{"role": "user", "content": [{"type": "text", '
            '"text": "a\\u00e9"}, {"type":"image_url", "image_url": {"detail": "low", "url":"%s"}}, '
            '{"image_url" :"%s","type":"image_url"}]}], "model":"ollama/llava" , "stream": false}\n')
    url = host.url("/a.png")
    answer = gateway.post("/v1/chat/completions", (body % (url.replace("/", "\\/"), url)).encode())
    assert said(answer) == "seen"
    expected = body % (data_url(PNG, "image/png"), data_url(PNG, "image/png"))
    assert (providers["inline"].last().body.decode()
            == expected.replace("ollama/llava", "llava").strip())


def test_in_one_dialect_every_form_of_a_client_is_known(gateway, host, providers):
    image, document = host.url("/a.png"), host.url("/b.pdf")
    answer = gateway.post("/v1/messages", {"model": "ollama/m", "max_tokens": 9, "messages": [
        {"role": "user", "content": [
            {"type": "image", "source": {"type": "url", "url": image}},
            {"type": "document", "source": {"type": "url", "url": document}, "title": "t"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {
            "type": "image", "source": {"type": "url", "url": image}}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [
            {"type": "image", "source": {"type": "url", "url": image}}]}]}]})
    assert answer.status == 200, answer
    messages = providers["inline"].last().json()["messages"]
    png = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    assert messages[0]["content"][0]["source"] == png
    assert messages[0]["content"][1] == {"type": "document", "title": "t", "source": {
        "type": "base64", "media_type": "application/pdf", "data": base64.b64encode(PDF).decode()}}
    assert messages[1]["content"][0]["input"]["source"]["url"] == image, "a tool's own words"
    assert messages[2]["content"][0]["content"][0]["source"] == png

    answer = gateway.post("/v1/responses", {"model": "lmstudio/m", "input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": image}, {"type": "input_file", "file_url": document},
        {"type": "input_file", "file_url": document, "filename": "x.pdf"}]}]})
    assert answer.status == 200, answer
    assert providers["inline"].last().json()["input"][0]["content"] == [
        {"type": "input_image", "image_url": data_url(PNG, "image/png")},
        {"type": "input_file", "filename": "document.pdf", "file_data": data_url(PDF, "application/pdf")},
        {"type": "input_file", "file_data": data_url(PDF, "application/pdf"), "filename": "x.pdf"}]


def test_documents_and_sounds_of_gemini_clients_reach_openai(gateway, host, providers):
    answer = gateway.post("/v1beta/models/openai%2Fgpt-4o:generateContent", {"contents": [{
        "role": "user", "parts": [
            {"fileData": {"mimeType": "application/pdf", "fileUri": host.url("/b.pdf")}},
            {"file_data": {"file_uri": host.url("/c.wav")}}, {"text": "look"}]}]})
    assert answer.status == 200, answer
    content = providers["plain"].last().json()["messages"][0]["content"]
    assert content[0]["file"]["file_data"] == data_url(PDF, "application/pdf")
    assert content[1]["input_audio"] == {"data": base64.b64encode(WAV).decode(), "format": "wav"}


def test_the_next_target_gets_the_address_again(gateway, host, providers):
    """The first target takes bytes and fails, the second one takes addresses."""
    providers["inline"].on("m", lambda request, connection: connection.send_json({}, 503, "Busy"))
    try:
        assert said(chat(gateway, host.url("/a.png"), model="both")) == "seen"
    finally:
        del providers["inline"].by_model["m"]
    assert data_url(PNG, "image/png") in providers["inline"].last().body.decode()
    assert host.url("/a.png") in providers["plain"].last().body.decode()


def test_files_that_gemini_has_itself_are_left_to_it(gateway, host, providers):
    before = len(host.asked())
    url = "https://generativelanguage.googleapis.com/v1beta/files/abc"
    chat(gateway, url)
    assert providers["gemini"].last().json()["contents"][0]["parts"][0]["fileData"]["fileUri"] == url
    assert len(host.asked()) == before


def test_a_kept_response_keeps_the_address(gateway, host, providers):
    """What previous_response_id stands for is fetched anew, not stored as bytes."""
    model = "gemini/gemini-3-flash-preview"
    first = gateway.post("/v1/responses", {"model": model, "input": [{"role": "user", "content": [
        {"type": "input_image", "image_url": host.url("/a.png")},
        {"type": "input_text", "text": "look"}]}]})
    assert first.status == 200, first
    items = gateway.get("/v1/responses/%s/input_items" % first.json()["id"])
    assert host.url("/a.png") in items.body.decode() and "base64" not in items.body.decode()
    before = len(host.asked())
    second = gateway.post("/v1/responses", {"model": model, "input": "look",
                                            "previous_response_id": first.json()["id"]})
    assert second.status == 200, second
    assert len(host.asked()) == before + 1
    parts = providers["gemini"].last().json()["contents"][0]["parts"]
    assert parts[0]["inlineData"]["data"] == base64.b64encode(PNG).decode()


# ---- settings


def test_what_is_opened_is_told_at_the_start(gateway):
    assert any(HOST in str(line.get("addresses")) and line.get("level") == "warning"
               for line in gateway.log_lines()), gateway.log_text()[-2000:]


def test_by_default_https_alone_is_fetched(room, place, host):
    gateway = room.gateway(*rows_of(place.providers), settings={"media": {"allow": [HOST]}})
    before = len(host.asked())
    assert refused(chat(gateway, host.url("/a.png"))) == "only https is fetched here."
    assert len(host.asked()) == before


def test_a_redirect_to_http_is_not_followed_then(room, place):
    gateway = room.gateway(*rows_of(place.providers), settings={
        "media": {"allow": [HOST]}, "tls": {"ca_file": str(place.authority.certificate)}})
    place.secure.answers["/down"] = redirect(place.host.url("/a.png"))
    assert refused(chat(gateway, place.secure.url("/down"))) == "only https is fetched here."
    assert said(chat(gateway, place.secure.url("/a.png"))) == "image/png:%d" % len(PNG)


def test_without_fetching_all_is_as_it_was(room, place, host):
    gateway = room.gateway(*rows_of(place.providers), settings={"media": {**MEDIA, "fetch": False}})
    before = len(host.asked())
    chat(gateway, host.url("/a.png"))
    part = place.providers["gemini"].last().json()["contents"][0]["parts"][0]
    assert part["fileData"]["fileUri"] == host.url("/a.png")
    assert said(chat(gateway, host.url("/a.png"), model="ollama/m")) == "seen"
    assert host.url("/a.png") in place.providers["inline"].last().body.decode()
    assert len(host.asked()) == before


def test_memory_of_bodies_counts_files(room, place, host):
    gateway = room.gateway(*rows_of(place.providers), settings={
        "workers": 1, "media": {**MEDIA, "file": "8MiB", "request": "8MiB"},
        "limits": {"body_memory": 1048576, "body": 524288}})
    host.answers["/large"] = file_answer(PNG + b"\0" * 1500000)
    host.answers["/small"] = file_answer(PNG + b"\0" * 200000)
    for _ in range(3):
        answer = chat(gateway, host.url("/large"), timeout=20)
        assert answer.status == 503, answer
        assert answer.error()["code"] == "gateway_overloaded"
        for _ in range(3):          # what was held is given back
            assert said(chat(gateway, host.url("/small"))) == "image/png:%d" % (len(PNG) + 200000)


def test_a_worker_fetches_so_many_at_a_time(room, place, host):
    gateway = room.gateway(*rows_of(place.providers), settings={
        "workers": 1, "media": {**MEDIA, "parallel": 1, "timeout": "10s"}})

    host.answers.update({"/p%d" % at: host.slowly(0.05) for at in range(6)})
    host.most = 0
    answers = []
    threads = [threading.Thread(target=lambda at=at: answers.append(
        chat(gateway, host.url("/p%d" % at), host.url("/p%d" % (at + 3))))) for at in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [said(answer).count("image/png") for answer in answers] == [2, 2, 2]
    assert host.most == 1


def test_a_wrong_range_is_refused(room, place):
    gateway = room.unstarted(*rows_of(place.providers), settings={"media": {"allow": ["10.0.0.0/40"]}})
    gateway.start(wait=False)
    gateway.child.wait(10 * SLOW)
    assert "`allow` has `10.0.0.0/40`" in gateway.log_text()
