"""Several credentials of an account that `aigwctl providers add` made."""
import secrets
import sqlite3

import pytest

from harness.gateway import SLOW
from harness.load import Load
from harness.wait import until
from test_credentials import Keys

OWN, SECOND, THIRD = ("sk-%s-canary-of-the-store" % name for name in ("own", "second", "third"))


def add(gateway, provider, value=OWN):
    gateway.ctl("providers", "add", "--name", "up", "--kind", "openai-compatible", "--models", "m",
                "--base-url", provider.base_url, "--api-key", "-", stdin=value + "\n")


def add_key(gateway, name, value, *more, code=0):
    return gateway.ctl("providers", "keys", "add", "up", "--name", name, *more, stdin=value + "\n", code=code)


def listed(gateway, account="up"):
    return {row["name"]: row for row in gateway.ctl_json("providers", "keys", "list", account)["keys"]}


@pytest.fixture
def keys():
    return Keys()


@pytest.fixture
def provider(room, keys):
    return room.provider(keys)


@pytest.fixture
def gateway(room, provider):
    gateway = room.gateway(settings={"workers": 2})
    add(gateway, provider)
    return gateway


def served(gateway, count=30):
    return all(gateway.chat("up/m").status == 200 for _ in range(count))


def test_a_refused_one_costs_no_request(gateway, keys):
    keys.ways[OWN] = (401, ())
    assert gateway.chat("up/m").status == 502
    add_key(gateway, "second", SECOND)
    assert served(gateway)
    assert keys.count(SECOND) == 30 and keys.count(OWN) <= 2
    rows = listed(gateway)
    assert rows["api_key"]["state"] == "refused" and rows["second"]["state"] == "good"


def test_records_and_health_name_it(gateway, keys):
    add_key(gateway, "second", SECOND)
    keys.ways[OWN] = (401, ())
    answer = None
    while keys.count(OWN) == 0:
        answer = gateway.chat("up/m")
        assert answer.status == 200
    until(lambda: gateway.ctl("explain", answer.header("x-request-id"), code=None).returncode == 0, 5 * SLOW,
          "the record")
    record = gateway.ctl_json("explain", answer.header("x-request-id"))
    assert record["credential"] == "second" and [row["credential"] for row in record["tries"]] == ["api_key"]
    health = {row["name"]: row for row in gateway.ctl_json("providers", "health")["providers"]}["up"]
    assert [row["name"] for row in health["credentials"]] == ["api_key", "second"]


def test_they_come_and_go_under_load_without_a_lost_request(gateway, keys):
    with Load(gateway, 4, model="up/m") as load:
        load.wait_ok(10)
        for turn in range(3):
            add_key(gateway, "second", SECOND + str(turn), "--weight", "100")
            until(lambda: keys.count(SECOND + str(turn)) > 0, 10 * SLOW, "use of the new one")
            gateway.ctl("providers", "keys", "remove", "up", "api_key")
            done = load.ok
            load.wait_ok(done + 20)
            gateway.ctl("providers", "edit", "up", "--api-key", "-", stdin=OWN + "\n")
            gateway.ctl("providers", "keys", "remove", "up", "second")
            done = load.ok
            load.wait_ok(done + 20)
    assert load.failures == []
    before = len(keys.shown)
    assert served(gateway, 10) and set(keys.shown[before:]) == {OWN}


def test_after_a_restart_they_are_there_also_without_the_database(gateway, keys):
    add_key(gateway, "second", SECOND, "--weight", "1000")
    created = listed(gateway)["second"]["created_ms"]
    gateway.restart()
    assert served(gateway) and keys.count(SECOND) > 0
    gateway.terminate()
    database = gateway.folder / "aigw.db"
    for name in gateway.folder.glob("aigw.db*"):
        name.rename(gateway.folder / ("away-" + name.name))
    database.mkdir()
    before = len(keys.shown)
    gateway.first_workers = None
    gateway.start()
    until(lambda: gateway.chat("up/m").status == 200, 10 * SLOW, "the kept copy")
    assert served(gateway) and SECOND in keys.shown[before:]
    row = listed(gateway)["second"]
    assert row["weight"] == 1000 and row["created_ms"] == created
    assert add_key(gateway, "third", THIRD, code=None).returncode != 0


def test_a_value_is_told_to_nobody(gateway, keys):
    file = gateway.folder / "second.key"
    file.write_text(SECOND + "\n")
    shown = gateway.ctl("providers", "keys", "add", "up", "--name", "second", "--api-key-file", str(file)).stdout
    file.unlink()
    assert served(gateway, 5)
    shown += gateway.ctl("providers", "keys", "list", "up").stdout
    assert listed(gateway)["second"]["last4"] == SECOND[-4:]
    for text in [shown, gateway.log_text(), gateway.access.read_text() if gateway.access.exists() else "",
                 gateway.ctl("providers", "list", "-o", "json").stdout]:
        assert "canary" not in text
    for path in gateway.folder.rglob("*"):
        if path.is_file():
            assert SECOND.encode() not in path.read_bytes(), path
    assert gateway.ctl("providers", "keys", "add", "up", "--api-key", SECOND, code=None).returncode == 2


REFUSED = [
    (["add", "up", "--name", "second"], OWN, 5, "already"),
    (["add", "up", "--name", "api_key"], THIRD, 1, "edit"),
    (["add", "up", "--name", "a/b"], THIRD, 1, "name"),
    (["add", "up", "--name", "second"], "", 1, "empty"),
    (["add", "up", "--name", "second", "--weight", "1001"], THIRD, 1, "weight"),
    (["add", "mock", "--name", "second"], THIRD, 5, "settings file"),
    (["add", "nobody", "--name", "second"], THIRD, 3, "none with this name"),
    (["remove", "up", "nobody"], "", 3, "none with this name"),
    (["list", "nobody"], "", 3, "none with this name"),
]


def test_what_cannot_be_is_refused_and_says_why(gateway):
    for words, value, code, why in REFUSED:
        done = gateway.ctl("providers", "keys", *words, stdin=value + "\n", code=None)
        assert done.returncode == code and why in done.stderr, (words, done.returncode, done.stderr)
    add_key(gateway, "second", SECOND)
    assert add_key(gateway, "second", THIRD, code=None).returncode == 5
    for number in range(3, 17):
        add_key(gateway, "key-%d" % number, "sk-canary-number-%d" % number)
    done = add_key(gateway, "one-more", THIRD, code=None)
    assert done.returncode == 5 and "at most 16" in done.stderr
    assert len(listed(gateway)) == 16


def test_with_the_account_they_are_gone(gateway, provider, keys):
    add_key(gateway, "second", SECOND)
    gateway.ctl("providers", "remove", "up")
    add(gateway, provider)
    assert list(listed(gateway)) == ["api_key"]
    database = sqlite3.connect(gateway.folder / "aigw.db")
    assert database.execute("select count(*) from provider_keys").fetchone() == (0,)
    database.close()
    assert served(gateway, 10) and SECOND not in keys.shown


def test_one_that_was_moved_to_another_row_does_not_open(gateway, keys):
    add_key(gateway, "second", SECOND)
    gateway.terminate()
    database = sqlite3.connect(gateway.folder / "aigw.db")
    database.execute("update provider_keys set name = 'elsewhere'")
    database.commit()
    database.close()
    gateway.first_workers = None
    gateway.start()
    assert served(gateway, 10) and set(keys.shown) == {OWN}
    assert listed(gateway)["elsewhere"]["state"] == "sealed"
    assert "cannot be unsealed" in gateway.log_text()


def test_keys_of_the_settings_are_listed_too(room, provider):
    gateway = room.gateway(settings={"providers": [
        {"name": "filed", "kind": "openai-compatible", "base_url": provider.base_url, "models": ["m"],
         "api_keys": [{"key": OWN, "name": "first", "weight": 3}, SECOND]}]})
    rows = listed(gateway, "filed")
    assert list(rows) == ["first", "2"] and rows["first"]["weight"] == 3
    done = gateway.ctl("providers", "keys", "remove", "filed", "first", code=None)
    assert done.returncode == 5 and "settings file" in done.stderr


# ---- two hosts ---------------------------------------------------------------------------------


def master_key(room, gateway, name):
    """A folder as systemd's LoadCredential makes it."""
    folder = gateway.folder / ("credentials-" + name)
    folder.mkdir()
    (folder / "kek").write_text(secrets.token_hex(32) + "\n")
    return str(folder)


def test_hosts_with_the_same_master_key_share_them(room, provider, keys):
    server = room.postgres()
    here, there, stranger = (room.unstarted(store=server.url) for _ in range(3))
    same = master_key(room, here, "same")
    for gateway, folder in ((here, same), (there, same), (stranger, master_key(room, stranger, "other"))):
        gateway.env["CREDENTIALS_DIRECTORY"] = folder
        gateway.start()
    add(here, provider)
    add_key(here, "second", SECOND)
    until(lambda: set(listed_or_none(there)) == {"api_key", "second"}, 10 * SLOW, "both at the other host")
    keys.ways[OWN] = (401, ())
    assert served(there, 20) and keys.count(SECOND) >= 20
    until(lambda: "second" in listed_or_none(stranger), 10 * SLOW, "the rows at the third host")
    assert {row["state"] for row in listed(stranger).values()} == {"sealed"}
    there.ctl("providers", "keys", "remove", "up", "second")
    until(lambda: set(listed_or_none(here)) == {"api_key"}, 10 * SLOW, "the removal at the first host")


def listed_or_none(gateway):
    done = gateway.ctl("providers", "keys", "list", "up", code=None)
    return listed(gateway) if done.returncode == 0 else {}
