"""aigwctl: nouns and verbs, tables and JSON, exit codes by kind of failure."""
import json
import subprocess

import pytest

from harness import fake_openai
from harness.gateway import TOOL


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider))


def test_keys_create_and_list(gateway):
    made = gateway.make_key("listed")
    rows = gateway.ctl_json("keys", "list")
    rows = rows if isinstance(rows, list) else next(v for v in rows.values() if isinstance(v, list))
    row = [row for row in rows if row["id"] == made["id"]][0]
    assert row["name"] == "listed"
    table = gateway.ctl("keys", "list").stdout
    assert "listed" in table and made["id"] in table
    assert "key" not in row or made["key"] != row["key"]


def test_keys_create_prints_the_key_once(gateway):
    text = gateway.ctl("keys", "create", "--name", "plain").stdout
    assert "sk-aigw-" in text


@pytest.mark.parametrize("words", [["keys", "list"], ["providers", "list"], ["models", "list"],
                                   ["status"], ["usage"], ["version"], ["config", "show"]])
def test_json_is_json_and_table_is_not(gateway, words):
    json.loads(gateway.ctl(*words, "-o", "json").stdout)
    text = gateway.ctl(*words, "-o", "table").stdout
    assert text.strip()
    if words != ["config", "show"]:
        with pytest.raises(ValueError):
            json.loads(text)


def test_status_names_processes(gateway):
    text = gateway.ctl("status", "-o", "json").stdout
    for pid in gateway.workers() + [gateway.controller()]:
        assert str(pid) in text


def test_models_list(gateway):
    assert "fast" in gateway.ctl("models", "list").stdout


def test_models_list_says_what_the_catalogue_knows(house, provider):
    gateway = house.gateway(("up", provider, {"models": ["gpt-5", "of-my-own"]}))
    known, other = ({row["name"]: row for row in gateway.ctl_json("models", "list")["models"]}["up/" + name]
                    for name in ("gpt-5", "of-my-own"))
    assert known["context"] > known["output"] > 0
    assert {"tools", "vision", "reasoning"} <= set(known["capabilities"])
    assert (other["context"], other["output"], other["capabilities"]) == (None, None, [])
    line = next(line for line in gateway.ctl("models", "list", "-o", "table").stdout.splitlines()
                if line.startswith("up/gpt-5 "))
    assert str(known["context"]) in line and "tools,vision" in line
    anthropic = gateway.get("/v1/models/up/gpt-5", headers={"anthropic-version": "2023-06-01"}).json()
    gemini = gateway.get("/v1beta/models/up/gpt-5").json()
    limits = known["context"], known["output"]
    assert (anthropic["max_input_tokens"], anthropic["max_tokens"]) == limits
    assert (gemini["inputTokenLimit"], gemini["outputTokenLimit"]) == limits
    assert "max_tokens" not in gateway.get("/v1/models/up/gpt-5").json()


def test_providers_by_hand(gateway, provider):
    gateway.ctl("providers", "add", "--name", "added", "--kind", "openai", "--base-url",
                provider.base_url, "--api-key", "sk-added-canary-value")
    shown = gateway.ctl("providers", "list", "-o", "json").stdout
    assert "added" in shown and "sk-added-canary-value" not in shown
    assert gateway.chat("added/m").status == 200
    assert provider.last().header("authorization") == "Bearer sk-added-canary-value"
    gateway.ctl("providers", "test", "added")
    assert provider.last().header("authorization") == "Bearer sk-added-canary-value"
    assert '"max_completion_tokens":16' in provider.last().body.decode()
    gateway.ctl("providers", "edit", "added", "--api-key", "sk-edited-canary-value")
    assert gateway.chat("added/m").status == 200
    assert provider.last().header("authorization") == "Bearer sk-edited-canary-value"
    gateway.ctl("providers", "remove", "added")
    assert gateway.chat("added/m").status == 404
    gateway.ctl("providers", "remove", "added", code=3)


def test_provider_added_twice_is_a_conflict(gateway, provider):
    words = ["providers", "add", "--name", "twice", "--kind", "openai", "--base-url",
             provider.base_url, "--api-key", "sk-x"]
    gateway.ctl(*words)
    gateway.ctl(*words, code=5)
    gateway.ctl("providers", "remove", "twice")


def test_provider_that_does_not_answer_fails_its_test(gateway, provider):
    gateway.ctl("providers", "add", "--name", "dead", "--kind", "openai", "--base-url",
                "http://127.0.0.1:1/v1", "--api-key", "sk-x")
    assert gateway.ctl("providers", "test", "dead", code=None).returncode in (1, 7)
    gateway.ctl("providers", "remove", "dead")


@pytest.mark.parametrize("words, shown", [("Your account has no credit.", True),
                                          ("Bad key sk-own-canary-value.", False)])
def test_provider_that_refuses_is_quoted_unless_it_repeats_the_key(gateway, provider, words, shown):
    gateway.ctl("providers", "add", "--name", "poor", "--kind", "openai", "--base-url",
                provider.base_url, "--api-key", "sk-own-canary-value", "--models", "no-credit")
    provider.on("no-credit", fake_openai.fails(401, "Refused", words, "insufficient_quota"))
    told = gateway.ctl("providers", "test", "poor", code=1).stdout
    assert "401" in told and (words in told) == shown and "canary" not in told
    gateway.ctl("providers", "remove", "poor")


@pytest.mark.parametrize("words", [[], ["nonsense"], ["keys"], ["keys", "nonsense"],
                                   ["keys", "create", "--nonsense"], ["keys", "create", "--name"],
                                   ["keys", "revoke"], ["keys", "list", "-o", "xml"],
                                   ["keys", "list", "too", "many"]])
def test_wrong_words_are_usage_errors(gateway, words):
    done = gateway.ctl(*words, code=2)
    assert done.stderr.strip()
    assert done.stdout == ""


def test_not_found_is_3(gateway):
    gateway.ctl("keys", "revoke", "nosuchkey", code=3)
    gateway.ctl("providers", "test", "nosuchprovider", code=3)


def test_unreachable_is_7(room):
    gateway = room.unstarted()
    done = gateway.ctl("status", code=7)
    assert "admin.sock" in done.stderr


def test_config_check(gateway, tmp_path):
    gateway.ctl("config", "check")
    bad = tmp_path / "bad.yaml"
    bad.write_text("listen: nonsense\nworkers: many\n")
    done = subprocess.run([str(TOOL), "--config", str(bad), "config", "check"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 1
    assert "bad.yaml:1" in done.stdout and "bad.yaml:2" in done.stdout


def test_config_reload(gateway):
    gateway.workers_may_change = True
    gateway.settings["models"] = gateway.settings["models"] + [
        {"name": "by-reload", "targets": [{"provider": "up", "model": "m"}]}]
    gateway.write()
    gateway.ctl("config", "reload")
    assert gateway.chat("by-reload").status == 200
    gateway.write("listen: nonsense\n")
    done = gateway.ctl("config", "reload", code=1)
    assert "aigw.yaml:1" in done.stderr + done.stdout
    gateway.write()
    gateway.ctl("config", "reload")


def test_version_and_help():
    for words in (["version"], ["--help"], ["keys", "--help"], ["help"]):
        done = subprocess.run([str(TOOL), *words], stdout=subprocess.PIPE, timeout=10)
        assert done.returncode == 0, words
        assert done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(shell):
    done = subprocess.run([str(TOOL), "completion", shell], stdout=subprocess.PIPE, timeout=10)
    assert done.returncode == 0
    assert b"keys" in done.stdout and b"rotate" in done.stdout
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=done.stdout).returncode == 0
