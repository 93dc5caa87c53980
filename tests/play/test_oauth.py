"""Providers whose credential is a token that the gateway fetches and keeps fresh."""
import subprocess
import threading
import time

import pytest

from harness import fake_openai, process
from harness.gateway import DAEMON, SLOW
from harness.token_service import TokenService
from harness.wait import until

SECRET = "secretcanary+/%one"


def checks_token(service):
    """A provider that takes the tokens of the service only while they live."""
    born = {}

    def answer(request, connection):
        token = (request.header("authorization") or "").replace("Bearer ", "")
        at = born.setdefault(token, time.monotonic())
        if not service.client_of(token) or time.monotonic() - at > service.lives:
            fake_openai.fails(401, "Unauthorized", "The token is not valid.", "auth",
                              "invalid_token")(request, connection)
        else:
            fake_openai.answer(request, connection)
    return answer


def row(provider, service, **oauth):
    said = {"token_url": service.url, "client_id": "one", "client_secret": "${ONE_SECRET}"}
    said.update(oauth)
    return {"name": "up", "kind": "openai-compatible", "base_url": provider.base_url,
            "models": ["m"], "oauth": said}


class Place:
    """A token service, a provider that knows its tokens, a gateway between client and provider."""

    def __init__(self, room, clients=None, lives=3600, **oauth):
        self.service = TokenService(clients or {"one": SECRET, "two": "secretcanary2"}, lives)
        room.others.append(self.service.stop)
        self.provider = room.provider(checks_token(self.service))
        self.gateway = room.unstarted(settings={
            "providers": [{"name": "mock", "kind": "mock"},
                          row(self.provider, self.service, **oauth)]},
            env={"ONE_SECRET": SECRET})
        self.gateway.settings["log"]["level"] = "debug"
        self.gateway.write()

    def start(self):
        self.gateway.start()
        return self

    def listed(self):
        rows = self.gateway.ctl_json("providers", "list")["providers"]
        return next(item for item in rows if item["name"] == "up")


def clean(place):
    """Neither a secret nor a token is anywhere that can be read."""
    gateway = place.gateway
    texts = [gateway.log_text(), gateway.access.read_text() if gateway.access.exists() else ""]
    texts += [gateway.ctl(*words, "-o", form).stdout
              for words in (["providers", "list"], ["status"], ["config", "show"], ["models", "list"])
              for form in ("table", "json")]
    texts += [process.whole_cmdline(pid) for pid in [gateway.pid] + process.descendants(gateway.pid)]
    texts.append(subprocess.run([str(DAEMON), "--print-config", "--config", str(gateway.file)],
                                stdout=subprocess.PIPE, text=True, env=gateway.env).stdout)
    texts += [file.read_bytes().decode("latin-1") for file in gateway.folder.rglob("*")
              if file.is_file() and file != gateway.file]
    for text in texts:
        text = text if isinstance(text, str) else text.decode("latin-1")
        assert "secretcanary" not in text and "tokencanary" not in text, text[:2000]


def test_the_token_is_there_with_the_first_request(room):
    place = Place(room, scope="api://one two").start()
    assert place.gateway.chat("up/m").status == 200
    assert place.provider.last().header("authorization") == "Bearer " + place.service.given[0][1]
    assert place.service.asked == [{"grant_type": "client_credentials", "client_id": "one",
                                    "client_secret": SECRET, "scope": "api://one two"}]
    assert place.listed()["credential"] == "set" and place.listed()["note"] is None
    assert place.gateway.ctl_json("status")["token_troubles"] == []
    assert place.gateway.ctl_json("providers", "test", "up")["ok"]
    clean(place)


def test_the_query_s_form_and_a_token_in_the_query(room):
    service = TokenService({"one": SECRET}, baidu=True)
    room.others.append(service.stop)
    targets = []

    def answer(request, connection):
        targets.append((request.target, request.header("authorization")))
        request.target, _, token = request.target.partition("?access_token=")
        request.headers.append(("authorization", "Bearer " + token))    # as the fake wants it
        fake_openai.answer(request, connection)
    provider = room.provider(answer)
    gateway = room.gateway(settings={"providers": [
        dict(row(provider, service), kind="baidu-v1", dialects=["openai"])]},
        env={"ONE_SECRET": SECRET})
    assert gateway.chat("up/m").status == 200
    assert targets == [("/v1/chat/completions?access_token=" + service.given[0][1], None)]
    assert gateway.ctl_json("providers", "test", "up")["ok"]


def test_it_is_renewed_while_requests_run_and_none_fails(room):
    place = Place(room, lives=2).start()
    statuses, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            statuses.append(place.gateway.chat("up/m").status)
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: len(place.service.given) >= 5, 12 * SLOW, "four renewals")
    stop.set()
    for thread in threads:
        thread.join()
    assert set(statuses) == {200} and len(statuses) > 20, statuses
    assert len({request.header("authorization") for request in place.provider.requests}) >= 4
    assert len(place.service.asked) <= 8        # once for each token, not more often
    clean(place)


def test_a_service_that_is_away_matters_only_when_the_token_has_ended(room):
    place = Place(room, lives=4).start()
    assert place.gateway.chat("up/m").status == 200
    place.service.away = True
    until(lambda: len(place.service.asked) >= 2, 6 * SLOW, "a renewal that fails")
    until(lambda: (place.listed()["note"] or "").startswith("no new token: HTTP 503"), 2 * SLOW,
          "the note")
    assert place.gateway.chat("up/m").status == 200
    until(lambda: place.gateway.chat("up/m").status == 503, 6 * SLOW, "the end of the token")
    assert place.listed()["credential"] == "waiting"
    place.service.away = False
    until(lambda: place.gateway.chat("up/m").status == 200, 12 * SLOW, "a token again")


def test_with_a_wrong_secret_the_provider_waits_and_says_why(room):
    place = Place(room, clients={"one": "another"}).start()
    answer = place.gateway.chat("up/m")
    assert answer.status == 503 and b"no_target" in answer.body
    assert place.gateway.chat("up/not-listed").status == 503
    assert place.gateway.chat("mock/echo").status == 200
    assert place.provider.requests == []
    why = "waiting for a token: HTTP 401 from 127.0.0.1:%d: invalid_client" % place.service.server.port
    assert place.listed()["credential"] == "waiting" and place.listed()["note"] == why
    assert place.gateway.ctl_json("status")["token_troubles"] == ["up: " + why]
    assert why in place.gateway.ctl("status").stdout
    assert why in place.gateway.ctl("providers", "list").stdout
    done = place.gateway.ctl("providers", "test", "up", code=None)
    assert "HTTP 401" in done.stdout + done.stderr
    assert "a provider's token cannot be had" in place.gateway.log_text()
    clean(place)
    place.service.clients["one"] = SECRET
    until(lambda: place.gateway.chat("up/m").status == 200, 12 * SLOW, "the token")


def test_a_reload_changes_the_client_and_the_old_token_serves_until_then(room):
    place = Place(room).start()
    assert place.gateway.chat("up/m").status == 200
    place.gateway.env["TWO_SECRET"] = "unused"
    place.service.away = True
    place.gateway.settings["providers"][1]["oauth"].update(
        client_id="two", client_secret="secretcanary2")
    place.gateway.reload()
    until(lambda: place.service.asked[-1]["client_id"] == "two", 5 * SLOW, "the question of two")
    assert place.gateway.chat("up/m").status == 200     # with the token of one
    place.service.away = False

    def token_of_two():
        assert place.gateway.chat("up/m").status == 200
        token = place.provider.last().header("authorization").replace("Bearer ", "")
        return place.service.client_of(token) == "two"
    until(token_of_two, 12 * SLOW, "the token of two")
    clean(place)


def test_a_token_is_not_shown_to_another_host(room):
    place = Place(room).start()
    assert place.gateway.chat("up/m").status == 200
    other = room.provider()
    place.service.away = True
    place.gateway.settings["providers"][1]["base_url"] = other.base_url
    place.gateway.reload()
    until(lambda: place.gateway.chat("up/m").status == 503, 5 * SLOW, "the new place")
    assert other.requests == []


def test_a_new_controller_goes_on_with_the_token(room):
    place = Place(room).start()
    gateway = place.gateway
    assert gateway.chat("up/m").status == 200
    place.service.away = True
    before = gateway.ctl_json("status")["generation"]
    process.kill(gateway.controller())
    until(lambda: gateway.ctl("status", code=None).returncode == 0 and
          gateway.ctl_json("status")["generation"] > before, 10 * SLOW, "a new controller")
    until(lambda: len(place.service.asked) >= 2, 5 * SLOW, "its question")
    assert gateway.chat("up/m").status == 200
    assert place.listed()["credential"] == "set"


def test_a_service_that_never_answers_delays_neither_the_start_nor_the_end(room):
    place = Place(room)
    place.service.server.default = lambda _, connection: connection.wait_ended(60)
    began = time.monotonic()
    place.start()
    assert place.gateway.chat("mock/echo").status == 200
    assert place.gateway.chat("up/m").status == 503
    assert place.listed()["note"] == "waiting for a token"
    assert time.monotonic() - began < 5 * SLOW
    began = time.monotonic()
    assert place.gateway.terminate() == 0
    assert time.monotonic() - began < 4 * SLOW      # the question would wait for eight seconds


def test_a_token_that_was_revoked_is_fetched_anew(room):
    place = Place(room).start()
    assert place.gateway.chat("up/m").status == 200
    place.service.given.clear()         # as if somebody had revoked all
    assert place.gateway.chat("up/m").status == 502
    until(lambda: place.gateway.chat("up/m").status == 200, 15 * SLOW, "another token")
    assert len(place.service.asked) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_the_request_that_was_refused_gets_the_new_token(room, stream):
    place = Place(room).start()
    assert place.gateway.chat("up/m").status == 200
    time.sleep(10.5)                    # a token that is quite new is not asked for again
    place.service.given.clear()
    began = time.monotonic()
    assert place.gateway.chat("up/m", stream=stream).status == 200
    assert time.monotonic() - began < 2 * SLOW
    assert len(place.service.asked) == 2 and len(place.provider.requests) == 3
    clean(place)


@pytest.mark.parametrize("stream", [False, True])
def test_a_token_that_is_refused_with_a_good_status_is_fetched_anew(room, stream):
    """Baidu's first API errs with 200, and so it does when a stream was asked for."""
    service = TokenService({"one": SECRET}, baidu=True)
    room.others.append(service.stop)

    def answer(request, connection):
        token = request.target.partition("?access_token=")[2]
        if not service.client_of(token):
            connection.send_json({"error_code": 110, "error_msg": "Access token invalid: " + token})
            return
        said = {"id": "as-1", "object": "chat.completion", "created": 1, "result": "Hi",
                "is_truncated": False, "need_clear_history": False, "finish_reason": "normal",
                "usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}}
        if not request.json().get("stream"):
            connection.send_json(said)
            return
        connection.open_stream()
        connection.event({**said, "sentence_id": 0, "is_end": True})
        connection.end_stream()
    gateway = room.gateway(settings={"providers": [
        dict(row(room.provider(answer), service), kind="baidu-v1")]}, env={"ONE_SECRET": SECRET})

    def ask():
        return gateway.chat("up/completions", stream=stream)
    said = ask()
    assert said.status == 200 and b"Hi" in said.body
    service.given.clear()
    said = ask()
    assert said.status == 502 and said.error()["code"] == "upstream_auth_error"
    assert b"tokencanary" not in said.body
    until(lambda: ask().status == 200, 15 * SLOW, "another token")
    assert len(service.asked) == 2


@pytest.mark.parametrize("oauth, words", [
    ({"client_secret": ""}, "`client_secret` is empty"),
    ({"tenant": "t"}, "`tenant` has no place"),
])
def test_what_is_wrong_is_named(room, oauth, words):
    place = Place(room, **oauth)
    done = subprocess.run([str(DAEMON), "--check", "--config", str(place.gateway.file)],
                          stderr=subprocess.PIPE, text=True, env=place.gateway.env)
    assert done.returncode != 0 and words in done.stderr
