"""API keys: made, rotated, disabled, expired, revoked; in force at the very next request."""
import json
import re
import time

import pytest

from harness.client import RawClient
from harness.wait import until

KEPT = 16       # kept connections, spread over both workers


@pytest.fixture(scope="module")
def gateway(house):
    return house.gateway()


@pytest.fixture
def connections(gateway):
    clients = [RawClient(gateway.port) for _ in range(KEPT)]
    yield clients
    for client in clients:
        client.close()


def statuses(gateway, clients, key):
    return {gateway.chat("mock/echo", client=client, key=key).status for client in clients}


def test_key_has_the_designed_form(gateway):
    made = gateway.make_key("form")
    assert re.fullmatch(r"sk-aigw-[A-Za-z0-9]+-[A-Za-z0-9]+", made["key"])
    assert made["id"] and made["id"] in made["key"]
    assert made["key"] not in gateway.ctl("keys", "list", "-o", "json").stdout


@pytest.mark.parametrize("header, form", [("Authorization", "Bearer %s"), ("authorization", "bearer %s"),
                                          ("x-api-key", "%s"), ("api-key", "%s"),
                                          ("x-goog-api-key", "%s")])
def test_key_is_taken_from(gateway, header, form):
    assert gateway.get("/v1/models", key=None, headers={header: form % gateway.key}).status == 200
    assert gateway.get("/v1/models", key=None, headers={header: form % "sk-no"}).status == 401


def test_no_key(gateway):
    answer = gateway.chat(key=None)
    assert answer.status == 401
    assert answer.header("www-authenticate").startswith("Bearer")
    assert answer.error()["type"] == "invalid_request_error"


def wrong_keys(key):
    last = "a" if key[-1] != "a" else "b"
    yield from ("", "x", "sk-aigw", "sk-aigw-", "sk-aigw--", key[:-1], key + "a", key[:-1] + last,
                key.swapcase(), key.replace("sk-", "sk_"), " ".join(key), key * 40, key[8:],
                "sk-aigw-unknown00000-" + key.split("-")[-1], "%00", "' or 1=1 --")


def test_every_wrong_key_is_401(gateway):
    for wrong in wrong_keys(gateway.key):
        answer = gateway.chat("mock/echo", key=None, headers={"Authorization": "Bearer " + wrong})
        assert answer.status == 401, wrong
        assert answer.header("www-authenticate").startswith("Bearer")
        assert wrong == "" or len(wrong) < 8 or wrong not in answer.body.decode()


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Bearer", "Token x", ""])
def test_other_authorizations_are_401(gateway, value):
    assert gateway.chat("mock/echo", key=None, headers={"Authorization": value}).status == 401


def test_new_key_works_at_once_everywhere(gateway, connections):
    statuses(gateway, connections, gateway.key)
    for _ in range(5):
        key = gateway.make_key("at once")["key"]
        assert statuses(gateway, connections, key) == {200}


def test_revoked_key_is_refused_at_the_very_next_request(gateway, connections):
    for _ in range(5):
        made = gateway.make_key("to revoke")
        assert statuses(gateway, connections, made["key"]) == {200}
        gateway.ctl("keys", "revoke", made["id"])
        assert statuses(gateway, connections, made["key"]) == {401}
        assert gateway.chat("mock/echo", key=made["key"]).status == 401


def test_disabled_key_comes_back(gateway, connections):
    made = gateway.make_key("switch")
    for _ in range(3):
        gateway.ctl("keys", "disable", made["id"])
        assert statuses(gateway, connections, made["key"]) == {401}
        gateway.ctl("keys", "enable", made["id"])
        assert statuses(gateway, connections, made["key"]) == {200}


def test_rotation_with_grace(gateway, connections):
    old = gateway.make_key("rotate")
    new = gateway.ctl_json("keys", "rotate", old["id"], "--grace", "2s")
    assert new["key"] != old["key"]
    rotated_at = time.monotonic()
    assert statuses(gateway, connections, new["key"]) == {200}
    assert statuses(gateway, connections, old["key"]) == {200}, "the old value within its grace"
    until(lambda: gateway.chat("mock/echo", key=old["key"]).status == 401, 4, "the end of the grace")
    assert time.monotonic() - rotated_at >= 0.9
    assert statuses(gateway, connections, old["key"]) == {401}
    assert statuses(gateway, connections, new["key"]) == {200}


def test_rotation_without_grace(gateway, connections):
    old = gateway.make_key("rotate now")
    new = gateway.ctl_json("keys", "rotate", old["id"], "--grace", "0s")
    assert statuses(gateway, connections, old["key"]) == {401}
    assert statuses(gateway, connections, new["key"]) == {200}


def test_key_expires(gateway, connections):
    made = gateway.make_key("short", "--expires", "2s")
    assert statuses(gateway, connections, made["key"]) == {200}
    until(lambda: gateway.chat("mock/echo", key=made["key"]).status == 401, 4, "the key to expire")
    assert statuses(gateway, connections, made["key"]) == {401}


def test_keys_survive_a_restart(gateway):
    kept = gateway.make_key("kept")
    gone = gateway.make_key("gone")
    gateway.ctl("keys", "revoke", gone["id"])
    gateway.restart()
    assert gateway.chat("mock/echo", key=kept["key"]).status == 200
    assert gateway.chat("mock/echo", key=gone["key"]).status == 401


def test_stream_of_a_revoked_key_runs_to_its_end(gateway):
    made = gateway.make_key("streaming")
    with gateway.connect() as client:
        client.request("POST", "/v1/chat/completions", gateway.headers(made["key"]), json.dumps(
            {"model": "mock/long-1000", "stream": True,
             "messages": [{"role": "user", "content": "x"}]}).encode())
        client.read_head()
        client.read_chunk()
        gateway.ctl("keys", "revoke", made["id"])
        events = [data for data, _ in client.stream_events()]
    assert events[-1] == "[DONE]"


def test_unknown_key_ids_are_not_found(gateway):
    for verb in ("revoke", "disable", "enable", "rotate"):
        gateway.ctl("keys", verb, "nosuchkey", code=3)


def test_edited_key_has_other_models_name_and_owners_at_the_next_request(gateway, connections):
    gateway.ctl_json("tenants", "create", "edits")
    team = gateway.ctl_json("teams", "create", "edits/blue")
    made = gateway.make_key("before", "--models", "mock/other", "--expires", "30d")
    assert statuses(gateway, connections, made["key"]) == {404}
    edited = gateway.ctl_json("keys", "edit", made["id"], "--name", "after", "--models", "mock/echo",
                              "--team", "edits/blue", "--unset", "expires")
    assert statuses(gateway, connections, made["key"]) == {200}
    assert (edited["name"], edited["models"], edited["expires_ms"]) == ("after", ["mock/echo"], None)
    assert (edited["team"], edited["tenant"], edited["user"]) == (team["id"], edited["tenant"], 0)
    assert edited["tenant"] > 0
    gateway.ctl("keys", "edit", made["id"], "--unset", "tenant", code=1)
    edited = gateway.ctl_json("keys", "edit", made["id"], "--unset", "tenant,team,models")
    assert (edited["tenant"], edited["team"], edited["models"], edited["name"]) == (0, 0, None, "after")
    edited = gateway.ctl_json("keys", "edit", made["id"], "--expires", "1h")
    assert edited["expires_ms"] > time.time() * 1000
    gateway.ctl("keys", "edit", made["id"], "--unset", "name", code=1)
    gateway.ctl("keys", "edit", "000000000000", "--name", "x", code=3)
