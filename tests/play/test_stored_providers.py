"""A provider that `aigwctl providers add` made, and models of the settings file that lead to it."""
import pytest

from harness.gateway import SLOW
from harness.wait import until

MODELS = [{"name": "wanted", "targets": [{"provider": "later", "model": "m"}]},
          {"name": "either", "targets": [{"provider": "later", "model": "m"},
                                         {"provider": "mock", "model": "echo", "priority": 1}]}]


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house):
    return house.gateway(settings={
        "providers": [{"name": "mock", "kind": "mock"},
                      {"name": "later", "kind": "store", "headers": {"x-of-the-file": "yes"}}],
        "models": MODELS})


def add(gateway, provider):
    gateway.ctl("providers", "add", "--name", "later", "--kind", "openai-compatible", "--base-url",
                provider.base_url, "--api-key", "-", stdin="sk-of-the-store\n")


def listed(gateway):
    return {row["id"] for row in gateway.get("/v1/models").json()["data"]}


def test_before_it_is_added_the_model_has_no_target_and_all_say_so(gateway):
    answer = gateway.chat("wanted")
    assert answer.status == 503
    assert gateway.chat("either").status == 200
    assert "wanted" not in listed(gateway) and "either" in listed(gateway)
    assert gateway.ctl_json("status")["missing_providers"] == ["later"]
    assert "later" in gateway.ctl("status").stdout
    assert "not in the store" in gateway.log_text()


def test_once_added_it_is_used_with_what_the_file_adds(gateway, provider):
    add(gateway, provider)
    assert gateway.chat("wanted").status == 200
    asked = provider.last()
    assert asked.header("authorization") == "Bearer sk-of-the-store"
    assert asked.header("x-of-the-file") == "yes"
    assert asked.model() == "m"
    assert "wanted" in listed(gateway)
    assert gateway.ctl_json("status")["missing_providers"] == []


def test_a_reload_keeps_it(gateway, provider):
    gateway.settings["models"] = MODELS + [
        {"name": "more", "targets": [{"provider": "later", "model": "other"}]}]
    gateway.reload()
    until(lambda: gateway.chat("more").status == 200, 3 * SLOW, "the new model")
    assert provider.last().model() == "other"


def test_once_removed_the_name_leads_nowhere_else(gateway):
    gateway.ctl("providers", "remove", "later")
    assert gateway.chat("wanted").status == 503
    assert gateway.ctl_json("status")["missing_providers"] == ["later"]


def test_the_store_takes_no_account_of_kind_store(gateway):
    done = gateway.ctl("providers", "add", "--name", "x", "--kind", "store", code=None)
    assert done.returncode != 0
    assert "kind" in done.stderr
