"""Statistics, one request explained, chains and retention: the same on both stores."""
import csv
import http.client
import io
import json
import re
import socket
import sqlite3

import pytest

from harness import fake_openai
from harness.gateway import ROOT
from harness.wait import until


@pytest.fixture(scope="module")
def provider(house):
    made = house.provider()
    made.on("broken", fake_openai.fails(500, "Internal Server Error", "sorry", "server_error"))
    return made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request, house, provider):
    """A gateway with traffic of two keys and two models, and how to change its database."""
    if request.param == "postgresql":
        server = house.postgres()
        gateway = house.gateway(("up", provider), store=server.url)
        run = server.query
    else:
        gateway = house.gateway(("up", provider))

        def run(sql):
            with sqlite3.connect(gateway.folder / "aigw.db", timeout=10) as store:
                return "\n".join("|".join(map(str, row)) for row in store.execute(sql).fetchall())
    other = gateway.make_key("other")["key"]
    for _ in range(5):
        assert gateway.chat("up/a").status == 200
    for _ in range(3):
        assert gateway.chat("up/b", key=other).status == 200
    assert gateway.chat("up/broken").status >= 500
    gateway.wait_usage(9, settle=0.3)
    return gateway, run


def get(gateway, path):
    """The admin API itself, over its socket."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(gateway.settings["admin"]["socket"])
    connection.request("GET", "/admin/v1" + path)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return body


def ask(gateway, *words):
    return json.loads(gateway.ctl("usage", *words, "--format", "json").stdout)["rows"]


def test_sums_are_those_of_the_rows(place):
    gateway, _ = place
    rows = {row["served_model"]: row for row in ask(gateway, "--by", "model")}
    assert {name: row["requests"] for name, row in rows.items()} == {"a": 5, "b": 3, "broken": 1}
    assert rows["a"]["input_tokens"] == 60 and rows["a"]["output_tokens"] == 35
    assert rows["broken"]["failed"] == 1 and rows["broken"]["input_tokens"] == 0
    assert rows["broken"]["input_tokens_unknown"] == 1, "unknown is not 0"
    keys = ask(gateway, "--by", "key,model", "--order", "-requests")
    assert [row["requests"] for row in keys] == [5, 3, 1]
    whole = ask(gateway, "--period", "7d")
    assert len(whole) == 1 and whole[0]["requests"] == 9


@pytest.mark.parametrize("bucket", ["hour", "day", "month"])
def test_buckets_add_up(place, bucket):
    gateway, _ = place
    rows = ask(gateway, "--bucket", bucket, "--from", "7d")
    assert sum(row["requests"] for row in rows) == 9
    assert all(row["begin_ms"] % 3600000 == 0 for row in rows)


def test_only_some_columns(place):
    gateway, _ = place
    row = get(gateway, "/usage?columns=output_tokens,cost_nano_unknown&model=a")["rows"][0]
    assert list(row) == ["requests", "output_tokens", "cost_nano_unknown"] and row["output_tokens"] == 35
    assert "error" in get(gateway, "/usage?columns=requests,key_id")


def test_filters_and_periods(place):
    gateway, _ = place
    assert ask(gateway, "--filter", "model=a")[0]["requests"] == 5
    assert ask(gateway, "--filter", "model=a,model=b")[0]["requests"] == 8
    assert ask(gateway, "--filter", "model=a", "--by", "status")[0]["status_class"] == 2
    assert ask(gateway, "--by", "model", "--period", "2020-01-01") == []
    assert gateway.ctl("usage", "--by", "colour", code=None).returncode == 1
    assert gateway.ctl("usage", "--from", "soon", code=None).returncode == 1
    assert gateway.ctl("usage", "--by", "model", "--order", "requests; drop table usage", code=None).returncode == 1


def test_csv_has_every_row_once(place):
    gateway, _ = place
    text = gateway.ctl("usage", "--rows", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 9 == len({row["request_id"] for row in rows})
    assert {row["outcome"] for row in rows} >= {"complete"}
    lines = gateway.ctl("usage", "--rows", "--format", "json").stdout.splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == [row["request_id"] for row in rows]
    sums = list(csv.DictReader(io.StringIO(gateway.ctl("usage", "--by", "model", "--format", "csv").stdout)))
    assert sum(int(row["requests"]) for row in sums) == 9


def test_pages_follow_one_another(place):
    gateway, _ = place
    seen, more = [], ""
    while more is not None:
        body = get(gateway, "/usage?rows=true&limit=2" + ("&" + more if more else ""))
        seen += [row["request_id"] for row in body["rows"]]
        more = body["next"]
    assert len(seen) == 9 == len(set(seen))


def test_one_request_is_explained(place):
    gateway, _ = place
    request = gateway.chat("up/a")
    gateway.wait_usage(10, settle=0.3)
    name = request.header("x-request-id")
    whole = json.loads(gateway.ctl("explain", name, "-o", "json").stdout)
    assert whole["served_model"] == "a" and whole["input_tokens"] == 12 and whole["status"] == 200
    assert whole["raw_usage"]["prompt_tokens"] == 12, "the provider's usage is JSON in JSON"
    text = gateway.ctl("explain", name).stdout
    for word in (name, "up", "input tokens", "12", "prompt_tokens", "complete"):
        assert word in text, text
    lines = {tuple(line.rsplit(None, 1)) for line in text.splitlines() if line}
    assert {("streamed", "no"), ("tenant", "-"), ("from the cache", "no")} <= lines, text
    assert gateway.ctl("explain", "no-such", code=None).returncode == 3


def test_tags_are_counted_beside_the_totals(place):
    gateway, _ = place
    before = gateway.usage_count()
    assert gateway.chat("up/a", headers={"x-aigw-tags": "Blue, red"}).status == 200
    assert gateway.chat("up/b", headers={"x-aigw-tags": "red"}).status == 200
    gateway.wait_usage(before + 2, settle=0.3)
    rows = {row["tag"]: row["requests"] for row in ask(gateway, "--by", "tag")}
    assert rows == {"Blue": 1, "red": 2}
    assert ask(gateway, "--period", "7d")[0]["requests"] == before + 2, "not counted twice"
    lines = gateway.ctl("usage", "--rows", "--filter", "tag=red", "--format", "json").stdout.splitlines()
    assert sorted(json.loads(line)["served_model"] for line in lines) == ["a", "b"]
    assert gateway.ctl("usage", "--rows", "--filter", "tag=blue", "--format", "json").stdout == ""


def verify(gateway):
    return gateway.ctl("ledger", "verify", code=None)


def test_a_changed_row_is_named_and_no_other(place):
    gateway, run = place
    assert verify(gateway).returncode == 0
    name = run("select request_id from usage where seq = 4")
    run("update usage set answer_bytes = answer_bytes + 1 where seq = 4")
    found = verify(gateway)
    assert found.returncode == 5 and name in found.stderr and "changed" in found.stderr, found
    run("update usage set answer_bytes = answer_bytes - 1 where seq = 4")
    assert verify(gateway).returncode == 0


def test_a_removed_and_an_inserted_row_are_named(place):
    gateway, run = place
    run("create table aside as select * from usage where seq in (2, 9)")
    run("delete from usage where seq = 2")
    found = verify(gateway)
    assert found.returncode == 5 and re.search(r"row 2 .*removed", found.stderr), found
    run("insert into usage select * from aside where seq = 2")
    assert verify(gateway).returncode == 0
    run("update aside set request_id = 'forged', seq = 77")
    run("insert into usage select * from aside limit 1")
    found = verify(gateway)
    assert found.returncode == 5 and "forged" in found.stderr and "inserted" in found.stderr, found
    run("delete from usage where request_id = 'forged'")
    run("drop table aside")
    assert verify(gateway).returncode == 0


def test_retention_leaves_a_chain_that_can_be_walked(place):
    gateway, run = place
    before = int(run("select count(*) from usage"))
    gateway.settings["usage"] = {"rows": "1s", "hourly": "1s", "daily": "1s"}
    gateway.write()
    gateway.restart()
    if gateway.settings["store"].startswith("postgresql"):
        # The month's partition stays until all of it is old.
        until(lambda: gateway.ctl("usage", code=None).returncode == 0, 10, "the store", 0.2)
        assert int(run("select count(*) from usage")) == before
        until(lambda: run("select count(*) from pg_inherits where inhparent = 'usage'::regclass") == "4",
              20, "the default partition, this month and two ahead", 0.2)
    else:
        until(lambda: run("select count(*) from usage") == "0", 20, "rows removed", 0.2)
    assert verify(gateway).returncode == 0
    assert gateway.chat("up/a").status == 200
    until(lambda: gateway.ctl_json("usage")["requests"] > 0, 10, "sums of today kept", 0.2)
    assert verify(gateway).returncode == 0


def test_names_stand_beside_ids(place):
    gateway, _ = place
    gateway.ctl_json("tenants", "create", "acme")
    gateway.ctl_json("teams", "create", "acme/blue")
    gateway.ctl_json("users", "create", "acme/ann", "--team", "acme/blue")
    made = gateway.make_key("of ann", "--user", "acme/ann")
    before = gateway.usage_count()
    assert gateway.chat("up/a", key=made["key"]).status == 200
    gateway.wait_usage(before + 1)
    by = ask(gateway, "--by", "tenant,team,user,key")
    named = [row for row in by if row["key_id"] == made["id"]]
    assert [[row[name] for name in ("tenant_name", "team_name", "user_name", "key_name", "requests")]
            for row in named] == [["acme", "acme/blue", "acme/ann", "of ann", 1]]
    others = [row for row in by if row["key_id"] != made["id"]]
    assert others and all(row["team"] == 0 and row["team_name"] is None for row in others)
    # A new name is shown for what was before, and what is not grouped by has none.
    gateway.ctl_json("teams", "edit", "acme/blue", "--name", "green")
    by = ask(gateway, "--by", "team", "--order", "-team")
    assert by[0]["team_name"] == "acme/green" and "tenant_name" not in by[0]
    table = gateway.ctl("usage", "--by", "team,model").stdout
    assert "TEAM" in table and "acme/green" in table
    rows = list(csv.DictReader(io.StringIO(gateway.ctl("usage", "--by", "team", "--format", "csv").stdout)))
    assert "acme/green" in [row["team_name"] for row in rows]


# ---- a database of before ----------------------------------------------------------------------

FIGURES = ["input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "cache_write_long_tokens",
           "reasoning_tokens", "audio_tokens", "audio_output_tokens", "image_tokens", "image_output_tokens",
           "tool_input_tokens", "searches", "cost_nano", "saved_nano", "first_byte_us", "duration_us"]


def before_layers(kind):
    """The schema up to the migration that told layers of the cache apart, with one request in its sums."""
    files = [path for path in sorted((ROOT / "sql").glob("*.sql"))
             if path.name < "0014" and path.name.split(".")[1] in ("sql", kind)]
    text = ["create table schema_migrations (number bigint primary key, name text not null, "
            "applied_ms bigint not null);"]
    for path in files:
        text += [path.read_text(), "insert into schema_migrations values (%d, '%s', 0);" % (int(path.name[:4]), path.name)]
    columns = ["begin_ms", "tag", "tenant", "team", "user_id", "key_id", "operation", "asked_model", "served_model",
               "provider", "status_class", "requests", "failed", "estimated", "cache_hits"]
    values = ["1767225600000", "''", "0", "0", "0", "'old-key'", "'chat'", "'a'", "'a'", "'up'", "2", "7", "0", "0", "3"]
    for number, name in enumerate(FIGURES):
        columns += [name, name + "_unknown"]
        values += [str(1000 + number), str(number)]
    for table in ("usage_hourly", "usage_daily"):
        text.append("insert into %s (%s) values (%s);" % (table, ", ".join(columns), ", ".join(values)))
    return "\n".join(text)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_sums_of_before_are_kept(room, provider, kind):
    if kind == "postgresql":
        server = room.postgres()
        server.query(before_layers(kind))
        gateway = room.gateway(("up", provider), store=server.url)
    else:
        gateway = room.unstarted(("up", provider))
        with sqlite3.connect(gateway.folder / "aigw.db") as store:
            store.executescript(before_layers(kind))
        store.close()
        gateway.start()
    assert gateway.chat("up/a").status == 200
    until(lambda: sum(row["requests"] for row in ask(gateway, "--by", "model", "--from", "2025-12-01")) == 8, 10,
          "the old sums and the new one")
    row, = ask(gateway, "--by", "key,cache", "--filter", "key=old-key", "--from", "2025-12-01")
    assert row["cache_layer"] == "" and row["requests"] == 7 and row["cache_hits"] == 3
    for number, name in enumerate(FIGURES):
        assert (row[name], row[name + "_unknown"]) == (1000 + number, number)
