"""What models cost: catalogue, settings, prices that are set, and imported lists."""
import hashlib
import json
import time

import pytest

from harness.wait import until
from test_metrics import scrape


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture
def gateway(room, provider):
    return room.gateway(("up", provider, {"models": ["gpt-5", "of-my-own"]}))


def prices_of(gateway, model, name="up"):
    return gateway.ctl_json("prices", "get", name, model)["prices"]


def in_force(gateway, model, name="up"):
    found = [row for row in prices_of(gateway, model, name) if row["in_force"]]
    assert len(found) <= 1
    return found[0] if found else None


def listed(gateway, model):
    return next(row for row in gateway.ctl_json("models", "list")["models"] if row["name"] == model)["price"]


def test_the_catalogue_is_the_last_to_be_asked(gateway):
    row = in_force(gateway, "gpt-5")
    assert (row["origin"], row["rates"]["input"], row["rates"]["output"]) == ("catalogue", 1.25, 10)
    assert [tier["service"] for tier in row["tiers"]] == ["batch", "flex", "priority"]
    assert in_force(gateway, "of-my-own") is None
    assert listed(gateway, "up/gpt-5") == "1.25 / 10"
    assert listed(gateway, "up/of-my-own") is None
    table = gateway.ctl("prices", "list", "openai", "-o", "table").stdout
    assert "gpt-5.4-mini" in table and "catalogue" in table


def test_what_is_set_stands_first_and_leaves_again(gateway):
    made = gateway.ctl_json("prices", "set", "up", "gpt-5", "input=1,output=2,cache_read=0.1;batch,input=0.5;"
                            "above=200000,input=2,output=4", "--source", "our contract")
    assert made["tiers"][0] == {"service": "batch", "above_input": 0,
                                "rates": {"input": 0.5, "output": 2, "cache_read": 0.1}}
    row = in_force(gateway, "gpt-5")
    assert (row["origin"], row["source"], row["rates"]["input"]) == ("store", "our contract", 1)
    assert listed(gateway, "up/gpt-5") == "1 / 2"
    gateway.ctl("prices", "remove", "up", "gpt-5")
    assert in_force(gateway, "gpt-5")["origin"] == "catalogue"
    gateway.ctl("prices", "remove", "up", "gpt-5", code=3)


def test_a_price_of_the_kind_is_that_of_its_accounts(gateway):
    gateway.ctl("prices", "set", "openai", "of-my-own", "input=3,output=4")
    assert in_force(gateway, "of-my-own")["provider"] == "openai"
    gateway.ctl("prices", "set", "up", "of-my-own", "input=5,output=6")
    assert in_force(gateway, "of-my-own")["provider"] == "up"
    assert listed(gateway, "up/of-my-own") == "5 / 6"


def test_a_price_with_a_date_comes_into_force_by_itself(gateway):
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    gateway.ctl("prices", "set", "up", "gpt-5", "input=7,output=8", "--date", soon)
    gateway.ctl("prices", "set", "up", "gpt-5", "input=9,output=9", "--date", "2999-01-01")
    assert listed(gateway, "up/gpt-5") == "1.25 / 10"
    assert len([row for row in prices_of(gateway, "gpt-5") if row["origin"] == "store"]) == 2
    until(lambda: listed(gateway, "up/gpt-5") == "7 / 8", 10, "the new price")
    gateway.ctl("prices", "remove", "up", "gpt-5", "--date", "2999-01-01")
    assert len([row for row in prices_of(gateway, "gpt-5") if row["origin"] == "store"]) == 1


@pytest.mark.parametrize("rates", ["output=1", "input=-1", "input=10001", "input=1;slow,input=2", "lunch=1",
                                   "input=1;input=2", "input=1;above=200,input=2;above=100,input=3", ""])
def test_a_price_that_cannot_be_is_refused(gateway, rates):
    result = gateway.ctl("prices", "set", "up", "gpt-5", rates, code=None)
    assert result.returncode in (1, 2) and result.stderr.strip()
    assert in_force(gateway, "gpt-5")["origin"] == "catalogue"


def test_models_without_a_price_are_told(gateway):
    unknown = gateway.ctl_json("prices", "unknown")["unknown"]
    assert [(row["provider"], row["model"]) for row in unknown] == [("up", "of-my-own")]
    names = [row["name"] for row in gateway.ctl_json("models", "list")["models"] if row["price"] is None]
    samples, _ = scrape(gateway)
    assert samples["aigw_models_without_price", None] == len(names) > 0
    gateway.ctl("prices", "set", "up", "of-my-own", "input=1,output=1")
    assert gateway.ctl_json("prices", "unknown")["unknown"] == []
    assert scrape(gateway)[0]["aigw_models_without_price", None] == 0


def test_prices_of_the_settings_stand_between(gateway):
    gateway.settings["prices"] = [{"provider": "up", "model": "gpt-5", "rates": {"input": 0.5, "output": 0.75}}]
    gateway.write()
    gateway.reload()
    assert in_force(gateway, "gpt-5")["origin"] == "settings"
    assert listed(gateway, "up/gpt-5") == "0.5 / 0.75"
    gateway.ctl("prices", "set", "up", "gpt-5", "input=1,output=2")
    assert in_force(gateway, "gpt-5")["origin"] == "store"


# ---- price lists ------------------------------------------------------------------------------

def price_list(count=40, **more):
    rows = {"sample_spec": {"input_cost_per_token": 0.0, "litellm_provider": "one of them"}}
    for number in range(count):
        rows["made-%d" % number] = {"litellm_provider": "openai", "mode": "chat",
                                    "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06}
    rows["gpt-5"] = {"litellm_provider": "openai", "input_cost_per_token": 1.1e-06,
                     "output_cost_per_token": 9e-06, "cache_read_input_token_cost": 1.1e-07,
                     "input_cost_per_token_above_200k_tokens": 2.2e-06,
                     "output_cost_per_token_above_200k_tokens_batches": 4e-06}
    rows.update(more)
    return json.dumps(rows)


def write(tmp_path, text):
    file = tmp_path / "list.json"
    file.write_text(text)
    return str(file), hashlib.sha256(text.encode()).hexdigest()


def test_a_list_is_imported_and_pinned(gateway, tmp_path):
    file, digest = write(tmp_path, price_list())
    gateway.ctl("prices", "import", file, "--sha256", "0" * 64, code=1)
    assert in_force(gateway, "gpt-5")["origin"] == "catalogue"
    report = gateway.ctl_json("prices", "import", file, "--sha256", digest.upper())
    assert (report["models"], report["models_before"], report["sha256"]) == (41, 0, digest)
    row = in_force(gateway, "gpt-5")
    assert row["origin"] == "imported" and row["source"] == "list.json " + digest[:12]
    assert row["rates"] == {"input": 1.1, "output": 9, "cache_read": 0.11}
    assert [(tier["service"], tier["above_input"]) for tier in row["tiers"]] == [
        ("standard", 200000), ("batch", 200000)]
    gateway.ctl("prices", "set", "up", "gpt-5", "input=1,output=2")
    assert in_force(gateway, "gpt-5")["origin"] == "store"


@pytest.mark.parametrize("text,why", [
    ("{", "unexpected end"),
    ("[]", "it is no object"),
    ("{}", "it has no price"),
    (price_list(bad={"litellm_provider": "openai", "input_cost_per_token": -1e-06}),
     "bad.input_cost_per_token: it is negative"),
    (price_list(bad={"litellm_provider": "openai", "input_cost_per_token": "1"}),
     "bad.input_cost_per_token: it is no number"),
    (price_list(bad={"litellm_provider": "openai", "input_cost_per_token": 1}), "it is more than $10,000"),
    (price_list(count=30), "more than 5 % would be lost"),
])
def test_a_bad_list_is_refused_and_the_last_good_one_stands(gateway, tmp_path, text, why):
    gateway.ctl("prices", "import", write(tmp_path, price_list())[0])
    before = gateway.ctl_json("prices", "list", "openai")
    refused, _ = scrape(gateway)
    assert why in gateway.ctl("prices", "import", write(tmp_path, text)[0], code=1).stderr
    assert gateway.ctl_json("prices", "list", "openai") == before
    assert scrape(gateway)[0]["aigw_price_lists_refused_total", None] == refused[
        "aigw_price_lists_refused_total", None] + 1
    assert "a price list is refused" in gateway.log_text()


def test_a_list_may_shrink_by_five_percent(gateway, tmp_path):
    gateway.ctl("prices", "import", write(tmp_path, price_list(count=40))[0])
    assert gateway.ctl_json("prices", "import", write(tmp_path, price_list(count=38))[0])["models"] == 39


def test_the_list_of_the_settings_is_imported_at_a_reload(gateway, tmp_path):
    file, digest = write(tmp_path, price_list())
    gateway.settings["prices_file"] = file
    gateway.settings["prices_sha256"] = digest
    gateway.write()
    gateway.reload()
    until(lambda: in_force(gateway, "gpt-5")["origin"] == "imported", 10, "the import")
    write(tmp_path, price_list(count=50))
    gateway.settings["prices_sha256"] = "0" * 64
    gateway.write()
    gateway.reload()
    until(lambda: scrape(gateway)[0]["aigw_price_list_refused", None] == 1, 10, "the alarm")
    assert "its SHA-256 is not the one that is expected" in gateway.log_text()
    assert in_force(gateway, "gpt-5")["origin"] == "imported"
    assert scrape(gateway)[0]["aigw_price_lists_refused_total", None] == 1


def test_prices_outlive_a_restart(gateway, tmp_path):
    gateway.ctl("prices", "import", write(tmp_path, price_list())[0])
    gateway.ctl("prices", "set", "up", "of-my-own", "input=1,output=2")
    gateway.restart()
    assert in_force(gateway, "gpt-5")["origin"] == "imported"
    assert listed(gateway, "up/of-my-own") == "1 / 2"


def test_a_start_without_the_store_has_the_prices_of_the_last_run(gateway, tmp_path):
    gateway.ctl("prices", "import", write(tmp_path, price_list())[0])
    gateway.ctl("prices", "set", "up", "of-my-own", "input=1,output=2;batch,input=0.5")
    before = gateway.ctl_json("prices", "list", "openai"), prices_of(gateway, "of-my-own")
    assert gateway.key
    gateway.terminate()
    store = next(gateway.folder.rglob("aigw.db"))
    for file in store.parent.glob("aigw.db*"):
        file.unlink()
    store.mkdir()
    gateway.first_workers = None        # those of another run
    gateway.start()
    assert (gateway.ctl_json("prices", "list", "openai"), prices_of(gateway, "of-my-own")) == before
    assert gateway.chat("up/of-my-own").status == 200


def test_prices_of_one_host_are_in_force_on_the_other(house, provider, tmp_path):
    server = house.postgres()
    here, there = [house.gateway(("up", provider, {"models": ["gpt-5", "of-my-own"]}), store=server.url)
                   for _ in range(2)]
    here.ctl("prices", "set", "up", "of-my-own", "input=1,output=2;batch,input=0.5")
    until(lambda: listed(there, "up/of-my-own") == "1 / 2", 10, "the price that was set")
    here.ctl("prices", "import", write(tmp_path, price_list(count=250))[0])
    until(lambda: in_force(there, "gpt-5")["origin"] == "imported", 10, "the list")
    assert there.ctl_json("prices", "import", write(tmp_path, price_list(count=251))[0])["models_before"] == 251
    there.ctl("prices", "import", write(tmp_path, price_list(count=9))[0], code=1)
    there.ctl("prices", "remove", "up", "of-my-own")
    until(lambda: listed(here, "up/of-my-own") is None, 10, "no price")


# ---- another catalogue --------------------------------------------------------------------------

def catalogue(**members):
    model = {"kind": "openai", "name": "gpt-5", "context": 1000, "source": "us", "date": "2026-11-01",
             "rates": {"input": 3, "output": 4}}
    model.update(members)
    return json.dumps({"version": "ours", "models": [model]})


def test_a_catalogue_file_stands_for_the_built_in_one(gateway, tmp_path):
    file = tmp_path / "models.json"
    file.write_text(catalogue())
    gateway.settings["catalogue"] = str(file)
    gateway.write()
    gateway.reload()
    assert listed(gateway, "up/gpt-5") == "3 / 4"
    assert in_force(gateway, "gpt-5")["source"] == "ours"
    file.write_text(catalogue(rates={"input": -3}))
    errors = gateway.ctl("config", "reload", code=1).stderr
    assert "models[0].rates.input: it is negative" in errors
    assert listed(gateway, "up/gpt-5") == "3 / 4"
    gateway.restart()
    assert listed(gateway, "up/gpt-5") == "1.25 / 10"
    assert "the built-in one stands for it" in gateway.log_text()
