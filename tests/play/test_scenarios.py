"""What a provider may do wrong x where it stands among the targets x whole, streamed, or translated x strategy.

One table of troubles says what each leads to, as docs/errors.md and docs/routing.md have it; what a client, the
providers and the ledger see of it in each place follows from there. All rows run at one time, through one gateway.
"""
import json
import sqlite3
import threading

import pytest

from harness.client import Broken
from harness.gateway import SLOW, chat_body
from harness.troubles import SECRET, Troubles, WORDS
from harness.wait import until
from test_metrics import scrape, total

FORMS = ("whole", "stream", "crossed")    # the last one: a stream for a client of another dialect
POSITIONS = ("only", "first", "spare", "after_another", "both", "fallback")
STRATEGIES = ("weighted", "round_robin", "least_busy", "lowest_latency", "lowest_cost", "headroom")
CROSSED_POSITIONS = ("only", "first", "both")
CROSSED_STATUS = {503: 529}
AT_ONCE = 24
OUTCOMES = ("complete", "refused", "failed", "truncated", "client_gone", "aborted", "repaired")

# fault: status, code of the body when the words are the gateway's, next target is asked, and how much it says
# beside another failure (docs/routing.md, "What the client sees")
FAULTS = {
    "dns_failed": (502, "provider_dns_failed", True, 1),
    "connect_refused": (502, "provider_unreachable", True, 1),
    "connect_timeout": (504, "provider_connect_timeout", True, 1),
    "upstream_reset": (502, "provider_reset", True, 1),
    "head_timeout": (504, "provider_timeout", True, 2),
    "first_event_timeout": (504, "provider_first_event_timeout", True, 2),
    "idle_timeout": (504, "provider_idle_timeout", False, 2),
    "bad_answer": (502, "provider_bad_answer", True, 2),
    "answer_cut": (502, "provider_answer_cut", True, 2),
    "provider_error": (500, None, True, 3),
    "provider_auth": (502, "upstream_auth_error", True, 3),
    "provider_overloaded": (503, None, True, 4),
    "provider_rate_limited": (429, None, True, 5),
    "provider_refused": (404, None, False, 6),
}


class Trouble:
    """What becomes of a request: FAULT (None: it is served) in a whole answer and in a stream. `held`: nothing of it
    is seen while another target is left; `begun`: the client has a part of it before; `never`: no request arrives."""

    def __init__(self, name, whole, stream, place="fake", **facts):
        self.name, self.place = name, place
        self.faults = {"whole": whole, "stream": stream, "crossed": facts.get("crossed", stream)}
        self.begun = facts.get("begun", False)
        self.held = facts.get("held", False)
        self.never = facts.get("never", False)
        self.fields = facts.get("fields", {})

    def forms(self):
        return [form for form in FORMS if self.faults[form] != "-"]


def same(name, fault, place="fake", **facts):
    return Trouble(name, fault, fault, place, **facts)


TROUBLES = [
    same("refused", "connect_refused", "closed", never=True),
    same("reset", "upstream_reset", "resetting", never=True),
    same("black_hole", "connect_timeout", "full", never=True),
    same("nameless", "dns_failed", "nameless", never=True),
    same("silent", "head_timeout", "hasty"),
    same("slow_head", None),
    same("error_500", "provider_error"),
    same("overloaded", "provider_overloaded", fields={"retry-after": "7"}),
    same("limited", "provider_rate_limited",
         fields={"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s"}),
    same("refused_key", "provider_auth"),
    same("no_model", "provider_refused"),
    same("hidden_error", "provider_overloaded"),
    same("html", "provider_error"),
    same("empty", "bad_answer"),
    same("garbage_head", "bad_answer"),
    same("wrong_type", "bad_answer"),
    same("cut_head", "upstream_reset"),
    Trouble("cut_body", "answer_cut", "-", begun=True),
    Trouble("silent_body", "idle_timeout", "-", "hasty", begun=True),
    same("silent_after_head", "first_event_timeout", "hasty"),
    Trouble("cut_before", "-", "answer_cut", begun=True, held=True),
    Trouble("cut_after", "-", "answer_cut", begun=True),
    Trouble("garbage_line", "-", None, crossed="bad_answer", begun=True),
    Trouble("error_first", "-", "provider_overloaded"),
    Trouble("error_before", "-", "provider_overloaded", begun=True, held=True),
    Trouble("error_after", "-", "provider_overloaded", begun=True),
    Trouble("silent_middle", "-", "idle_timeout", "hasty", begun=True),
    same("killed", "upstream_reset", "process"),
    Trouble("killed_stream", "-", "answer_cut", "process", begun=True),
    same("stopped", None, "process"),
    same("frozen", "head_timeout", "hasty_process"),
]
BY_NAME = {trouble.name: trouble for trouble in TROUBLES}
OF_STRATEGIES = ("refused", "error_500", "limited", "hidden_error", "cut_before", "cut_after")


class Row:
    """One request and the model that it asks for."""

    def __init__(self, number, trouble, position, form, strategy):
        self.id = "r%d" % number
        self.trouble, self.position, self.form, self.strategy = trouble, position, form, strategy
        self.model = "%s-%s" % (self.id, trouble.name)
        self.answer = self.broken = self.body = self.record = None

    def __str__(self):
        return "%s-%s-%s-%s" % (self.trouble.name, self.position, self.form, self.strategy)

    @property
    def fault(self):
        return self.trouble.faults[self.form]

    # settings. Each second account is a row's own: what befell it elsewhere bounds what it is sent after a failure.

    def bad(self, which):
        """The troubled target, called a or b; b at an account of its own."""
        account = self.trouble.place if which == "a" else "own-" + self.id
        return {"provider": account, "model": "%s.%s%s" % (self.trouble.name, self.id, which)}

    def good(self):
        return {"provider": "good", "model": "good.%s" % self.id}

    def models(self):
        plain = {"provider": "fake", "model": "error_500.%sb" % self.id}
        targets = {"only": [self.bad("a")], "first": [self.bad("a"), self.good()],
                   "spare": [self.good(), self.bad("a")], "after_another": [plain, self.bad("b")],
                   "both": [self.bad("a"), self.bad("b")], "fallback": [self.bad("a")]}[self.position]
        model = {"name": self.model, "strategy": self.strategy, "targets": targets}
        if self.position != "fallback":
            return [model]
        return [{**model, "fallbacks": [self.model + "-stand-in"]},
                {"name": self.model + "-stand-in", "targets": [self.good()]}]

    # what must come, by the pages

    def leads_on(self):
        """Whether the next target is asked after this trouble, while there is one."""
        return self.fault is not None and FAULTS[self.fault][2] and not self.shows(alone=False)

    def shows(self, alone):
        """Whether the client has seen a part when it breaks off. The head of a translation waits for content."""
        held = self.trouble.held and (self.form == "crossed" or not alone)
        return self.trouble.begun and not held


def rows():
    found = []
    for trouble in TROUBLES:
        found += [(trouble, position, form, "priority") for position in POSITIONS for form in trouble.forms()
                  if form != "crossed" or position in CROSSED_POSITIONS]
    for strategy in STRATEGIES:
        found += [(BY_NAME[name], "first", form, strategy) for name in OF_STRATEGIES
                  for form in BY_NAME[name].forms() if form != "crossed"]
    return [Row(number, *facts) for number, facts in enumerate(found)]


ROWS = rows()


@pytest.fixture(scope="module")
def troubles():
    made = Troubles()
    yield made
    made.close()


HASTY = {"timeouts": {"connect": "1s", "head": "1500ms", "first_event": "1500ms", "idle": "1500ms"}}


def accounts(troubles):
    places = troubles.places()
    found = [{"name": name, "base_url": address, **(HASTY if name == "full" else {})}
             for name, address in places.items()]
    found += [{"name": "good", "base_url": places["fake"]}, {"name": "hasty", "base_url": places["fake"], **HASTY},
              {"name": "hasty_process", "base_url": places["process"], **HASTY}]
    by_name = {account["name"]: account for account in found}
    own = [{**by_name[row.trouble.place], "name": "own-" + row.id} for row in ROWS
           if row.position in ("both", "after_another")]
    return [{"kind": "openai", "api_key": "sk-provider-canary", **account} for account in found + own]


@pytest.fixture(scope="module")
def gateway(house, troubles):
    models = [model for row in ROWS for model in row.models()]
    made = house.gateway(settings={
        "workers": 2, "providers": accounts(troubles), "models": models,
        "prices": [{**target, "rates": {"input": 1, "output": 2}} for model in models
                   for target in model["targets"]],
        "health": {"watch": False}, "attempts": {"budget": 100, "precommit": "10s"},
        "timeouts": {"drain": "10s", "upstream_idle": "0", "connect": "20s"},
        "rate_limits": [{"scope": "key:*", "concurrent": 1000}],
        "budgets": [{"scope": "key:*", "name": "all", "amount": 1000, "period": "total"}]})
    ask_all(made, troubles)
    return made


def read_all(client, row):
    """The body as far as it comes; whether it broke off."""
    parts = []
    try:
        if row.answer.header("transfer-encoding"):
            while True:
                chunk = client.read_chunk()
                parts.append(chunk)
                if not chunk:
                    break
        else:
            parts.append(client.read_body(row.answer).body)
        row.broken = False
    except (Broken, ConnectionError):
        row.broken = True
    row.body = b"".join(parts)


def ask(gateway, troubles, row):
    with gateway.connect(timeout=60) as client:
        more = {"max_tokens": 50} if row.form == "crossed" else {}
        path = "/v1/messages" if row.form == "crossed" else "/v1/chat/completions"
        body = json.dumps(chat_body(row.model, stream=row.form != "whole", **more)).encode()
        client.request("POST", path, gateway.headers(), body)
        row.answer = client.read_head()
        troubles.head_of(row.id).set()
        read_all(client, row)


def ask_all(gateway, troubles):
    queue, failures = sorted(ROWS, key=lambda row: "hasty" not in row.trouble.place), []
    assert gateway.key

    def work():
        while queue:
            row = queue.pop(0)
            try:
                ask(gateway, troubles, row)
            except Exception as failure:        # told with the row's name; the others go on
                failures.append((str(row), failure))
    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    gateway.wait_usage(len(ROWS), 20)
    with sqlite3.connect("file:%s?mode=ro" % (gateway.folder / "aigw.db"), uri=True) as store:
        store.row_factory = sqlite3.Row
        records = {}
        for record in store.execute("select * from usage"):
            records.setdefault(record["request_id"], []).append(record)
    for row in ROWS:
        row.record = records.get(row.answer.header("x-request-id"), [])


# ---- what each row must show ------------------------------------------------------------------


def served(row):
    assert row.answer.status == 200 and not row.broken, (row.answer, row.body)
    if row.form == "stream":
        assert row.body.rstrip().endswith(b"data: [DONE]"), row.body
    elif row.form == "crossed":
        assert b"message_stop" in row.body and b"event: error" not in row.body, row.body
    else:
        assert json.loads(row.body)["choices"], row.body


def refused(row, fault):
    """The status and words of FAULT; nothing of a good answer."""
    status, code, _, _ = FAULTS[fault]
    if row.trouble.name == "html":
        status, code = 502, "internal_error"    # no words of its own: those of the kind
    elif row.fault != fault:
        status, code = 502, "provider_error"    # of the one before, whose words nobody waited for
    if row.form == "crossed":
        status = CROSSED_STATUS.get(status, status)
    assert row.answer.status == status and not row.broken, (row.answer, row.body)
    error = json.loads(row.body)["error"]
    if code and row.form == "crossed":
        assert "code" not in error and SECRET not in error["message"] and error["message"] != WORDS, error
    elif code:
        assert error["code"] == code, error
        assert SECRET not in error["message"]
    else:
        assert error["message"] == WORDS, error
    assert row.answer.header("x-aigw-error-source") == "provider"
    attempts = len(asked_accounts(row))
    assert row.answer.header("x-should-retry") == ("false" if attempts > 1 else None)


def truncated(row, fault):
    """It begins well and does not look whole: an error event and no end mark, or a cut."""
    assert row.answer.status == 200, (row.answer, row.body)
    if row.form == "whole":
        assert row.broken, row.body
        return
    assert not row.broken and b"[DONE]" not in row.body and b"message_stop" not in row.body, row.body
    if row.form == "crossed":
        assert row.body.rstrip().split(b"\n")[-2] == b"event: error", row.body
    error = json.loads(row.body.rstrip().split(b"data: ")[-1])["error"]
    if FAULTS[fault][1] is None:
        assert error["message"] == WORDS, error
    else:
        assert error.get("code") == (FAULTS[fault][1] if row.form == "stream" else None), error


def asked_accounts(row):
    """The accounts of the attempts, in their order, of a row by priority."""
    bad, own = row.trouble.place, "own-" + row.id
    if row.position == "only":
        return [bad]
    if row.position == "spare":
        return ["good"]
    if row.position == "after_another":
        return ["fake", own]
    second = own if row.position == "both" else "good"
    return [bad, second] if row.leads_on() else [bad]


def verdict(row):
    """(outcome, fault) of a row by priority."""
    fault = row.fault
    last_is_good = row.position == "spare" or row.position in ("first", "fallback") and (
        row.leads_on() or fault is None)
    if last_is_good or fault is None:
        return "complete", None
    if row.shows(alone=True):
        return "truncated", fault
    if row.position == "after_another" and FAULTS[fault][3] < FAULTS["provider_error"][3]:
        return "failed", "provider_error"
    return "failed", fault


def shows(row, outcome, fault, accounts):
    {"complete": lambda: served(row), "failed": lambda: refused(row, fault),
     "truncated": lambda: truncated(row, fault)}[outcome]()
    many = len(accounts) > 1
    assert row.answer.header("x-aigw-attempts") == (str(len(accounts)) if many else None)
    assert row.answer.header("x-aigw-targets") == (", ".join(accounts) if many else None)
    assert len(row.record) == 1, "%d records" % len(row.record)
    record = row.record[0]
    assert OUTCOMES[record["outcome"]] == outcome, OUTCOMES[record["outcome"]]
    assert (record["fault"] or None) == fault
    assert record["attempts"] == len(accounts)
    assert record["status"] == row.answer.status
    assert (record["input_tokens"], record["output_tokens"]) == (12, 7) or outcome != "complete" \
        or row.trouble.name == "garbage_line"


def counts(troubles, row):
    """Requests that arrived: at the troubled targets a and b, and at the good one."""
    name = row.trouble.name
    return (troubles.asked("%s.%sa" % (name, row.id)), troubles.asked("%s.%sb" % (name, row.id)),
            troubles.asked("good." + row.id))


def expected_counts(row, accounts):
    arrives = 0 if row.trouble.never else 1
    own = arrives * accounts.count("own-" + row.id)
    if row.position == "after_another" and row.trouble.name == "error_500":
        own += 1                            # the other one that fails has the same name
    bad = arrives * (accounts[0] == row.trouble.place and row.position != "after_another")
    return bad, own, accounts.count("good")


@pytest.mark.parametrize("row", [row for row in ROWS if row.strategy == "priority"], ids=str)
def test_by_priority(gateway, troubles, row):
    outcome, fault = verdict(row)
    accounts = asked_accounts(row)
    shows(row, outcome, fault, accounts)
    assert counts(troubles, row) == expected_counts(row, accounts)
    if outcome == "failed" and row.position == "only":
        for name, value in row.trouble.fields.items():
            if row.form == "crossed" and name != "retry-after":
                continue                    # of another dialect only what every client understands
            assert row.answer.header(name) == value, row.answer.headers


@pytest.mark.parametrize("row", [row for row in ROWS if row.strategy != "priority"], ids=str)
def test_by_other_strategies(gateway, troubles, row):
    """Who comes first is the strategy's; nobody is asked twice, and what follows is the same."""
    bad = "own-" + row.id if row.position == "both" else row.trouble.place
    tried = (row.answer.header("x-aigw-targets") or row.record[0]["provider"]).split(", ")
    assert tried in ([bad], ["good"], [bad, "good"]), tried
    if tried == ["good"] or len(tried) == 2:
        shows(row, "complete", None, tried)
    else:
        assert not row.leads_on()
        shows(row, "truncated", row.fault, tried)
    assert counts(troubles, row) == expected_counts(row, tried)


# ---- afterwards -------------------------------------------------------------------------------


def test_nothing_is_left_under_way_or_reserved(gateway):
    def under_way():
        return total(scrape(gateway)[0], "^aigw_(provider_in_flight|requests_in_flight)")
    until(lambda: under_way() == 0, 5 * SLOW, "nothing under way")
    counter, = gateway.ctl_json("budgets", "list")["counters"]
    cost = sum(row.record[0]["cost_nano"] or 0 for row in ROWS)
    assert float(counter["reserved"]) == 0, counter
    assert cost > 0 and round(float(counter["spent"]) * 1e9) == cost, (counter, cost)
    places, = gateway.ctl_json("limits", "list")["counters"]
    assert places["used"] == 0, places


def test_it_serves_on_by_the_same_workers(gateway):
    assert gateway.workers() == gateway.first_workers
    row = next(row for row in ROWS if row.position == "spare")
    for stream in (False, True):
        assert gateway.chat(row.model, stream=stream).status == 200
