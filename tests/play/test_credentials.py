"""Several credentials of one account: refused, limited, repaired, in force in all workers."""
import threading
import time

from harness import fake_openai
from harness.client import RawClient
from harness.wait import until

GOOD, OTHER = "sk-goodcanary", "sk-othercanary"


class Keys:
    """A provider that treats each key in its own way; counts what it was shown."""

    def __init__(self, **ways):
        self.ways, self.shown, self.lock = ways, [], threading.Lock()

    def __call__(self, request, connection):
        key = (request.header("authorization") or "").replace("Bearer ", "")
        with self.lock:
            self.shown.append(key)
            way = self.ways.get(key)
        if way:
            status, headers = way
            connection.send_json(fake_openai.error("no", "x"), status, "No", headers)
        else:
            fake_openai.answer(request, connection)

    def count(self, key):
        return self.shown.count(key)


def place(room, keys, api_keys=None, more=(), workers=2):
    provider = room.provider(keys)
    rows = [{"name": "up", "kind": "openai-compatible", "base_url": provider.base_url, "models": ["m"],
             "api_keys": api_keys or [{"key": GOOD, "name": "good"}, {"key": OTHER, "name": "other"}]}]
    gateway = room.unstarted(settings={"workers": workers, "providers": rows + list(more)})
    gateway.write()
    gateway.start()
    return gateway


def test_both_keys_are_used_by_their_weight(room):
    keys = Keys()
    gateway = place(room, keys, [{"key": GOOD, "weight": 3}, OTHER])
    for _ in range(120):
        assert gateway.chat("up/m").status == 200
    assert 60 < keys.count(GOOD) < 115 and keys.count(OTHER) > 5


def refuses(room, status):
    keys = Keys(**{OTHER: (status, ())})
    gateway = place(room, keys)
    for _ in range(40):
        assert gateway.chat("up/m").status == 200
    return keys, gateway


def test_a_refused_key_costs_no_request_and_is_out_in_all_workers(room):
    keys, _ = refuses(room, 401)
    assert keys.count(GOOD) == 40 and keys.count(OTHER) == 1


def test_a_key_without_credit_is_out(room):
    keys, _ = refuses(room, 402)
    assert keys.count(GOOD) == 40 and keys.count(OTHER) == 1


def test_a_denied_key_is_out_after_three(room):
    keys, _ = refuses(room, 403)
    assert keys.count(GOOD) == 40 and keys.count(OTHER) == 3


def test_a_limited_key_is_out_until_its_time(room):
    keys = Keys(**{OTHER: (429, [("retry-after", "2")])})
    gateway = place(room, keys)
    began = time.monotonic()
    while keys.count(OTHER) == 0:
        assert gateway.chat("up/m").status == 200
    keys.ways.clear()
    while time.monotonic() - began < 1.5:
        assert gateway.chat("up/m").status == 200
    assert keys.count(OTHER) == 1
    until(lambda: gateway.chat("up/m").status == 200 and keys.count(OTHER) > 1, 10)


def test_a_repaired_key_comes_back(room):
    keys = Keys(**{OTHER: (401, ())})
    gateway = place(room, keys)
    while keys.count(OTHER) == 0:
        assert gateway.chat("up/m").status == 200
    keys.ways.clear()
    until(lambda: gateway.chat("up/m").status == 200 and keys.count(OTHER) > 3, 12)


def test_all_refused_is_one_try_each_and_says_so(room):
    keys = Keys(**{OTHER: (401, ()), GOOD: (401, ())})
    gateway = place(room, keys)
    answer = gateway.chat("up/m")
    assert answer.status == 502 and answer.json()["error"]["code"] == "upstream_auth_error"
    assert sorted(keys.shown) == sorted([GOOD, OTHER])
    keys.ways.clear()
    assert gateway.chat("up/m").status == 200   # nobody else: the soonest is tried


def test_an_account_whose_keys_are_all_limited_leaves(room):
    keys = Keys(**{OTHER: (429, [("retry-after", "9")]), GOOD: (429, [("retry-after", "9")])})
    spare = room.provider()
    provider = room.provider(keys)
    gateway = room.unstarted(settings={
        "workers": 2,
        "providers": [{"name": name, "kind": "openai-compatible", "base_url": one.base_url,
                       "models": ["m"], "api_keys": [GOOD, OTHER]} for name, one in (("up", provider), ("spare", spare))],
        "models": [{"name": "pair", "strategy": "priority",
                    "targets": [{"provider": "up", "model": "m"}, {"provider": "spare", "model": "m"}]}]})
    gateway.write()
    gateway.start()
    for _ in range(10):
        assert gateway.chat("pair").status == 200
    assert sorted(keys.shown) == sorted([GOOD, OTHER])


def test_a_reload_keeps_the_state_and_a_new_value_begins_anew(room):
    keys = Keys(**{OTHER: (401, ())})
    gateway = place(room, keys)
    for _ in range(40):
        assert gateway.chat("up/m").status == 200
    assert keys.count(OTHER) == 1
    gateway.settings["log"]["level"] = "debug"
    gateway.write()
    gateway.reload()
    for _ in range(20):
        assert gateway.chat("up/m").status == 200
    assert keys.count(OTHER) == 1
    gateway.settings["providers"][0]["api_keys"][1]["key"] = "sk-thirdcanary"
    gateway.write()
    gateway.reload()
    until(lambda: gateway.chat("up/m").status == 200 and keys.count("sk-thirdcanary") > 0, 5)


def test_no_value_is_told(room):
    keys = Keys(**{OTHER: (401, ())})
    gateway = place(room, keys)
    for _ in range(20):
        assert gateway.chat("up/m").status == 200
    texts = [gateway.log_text(), gateway.access.read_text() if gateway.access.exists() else "",
             gateway.ctl("config", "show").stdout, gateway.ctl("status", "-o", "json").stdout,
             gateway.ctl("providers", "list", "-o", "json").stdout]
    for text in texts:
        assert "canary" not in (text if isinstance(text, str) else text.decode("latin-1"))


def test_records_and_metrics_name_the_key(room):
    keys = Keys(**{OTHER: (401, ())})
    gateway = place(room, keys)
    tried = None
    while keys.count(OTHER) == 0:
        tried = gateway.chat("up/m")
    gateway.wait_usage(len(keys.shown) - 1)
    record = gateway.ctl_json("explain", tried.header("x-request-id"))
    assert record["credential"] == "good" and record["provider"] == "up"
    assert [row["credential"] for row in record["tries"]] == ["other"]
    with RawClient(gateway.admin_port) as client:
        client.request("GET", "/metrics")
        text = client.read_response("GET").body.decode()
    assert 'aigw_credential_refused_total{provider="up",credential="other"} 1' in text
    assert 'aigw_credential_refused_total{provider="up",credential="good"} 0' in text


def test_each_credential_is_told_with_its_state_and_never_its_value(room):
    keys = Keys(**{OTHER: (401, ())})
    gateway = place(room, keys, [{"key": GOOD, "name": "good"}, OTHER])
    while keys.count(OTHER) == 0:
        assert gateway.chat("up/m").status == 200
    rows = {row["name"]: row for row in gateway.ctl_json("providers", "health")["providers"]}
    good, other = rows["up"]["credentials"]
    assert (good["name"], good["state"]) == ("good", "good") and "wait_ms" not in good
    assert (other["name"], other["state"]) == ("2", "refused") and 0 < other["wait_ms"] <= 5000
    text = gateway.ctl("providers", "health").stdout
    assert "good:good,2:refused" in text and GOOD not in text and OTHER not in text
