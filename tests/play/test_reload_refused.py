"""SIGHUP with an address that somebody else holds: the file is not taken, all else goes on."""
import signal
import socket

import pytest

from harness import process
from harness.wait import until


@pytest.fixture
def taken():
    """A port of this machine where somebody else listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder


def listen_also(gateway, holder, setting="listen"):
    address = "127.0.0.1:%d" % holder.getsockname()[1]
    if setting == "listen":
        gateway.settings["listen"] = [gateway.settings["listen"], address]
    else:
        gateway.settings["admin"] = {**gateway.settings["admin"], "listen": address}
    gateway.settings["models"] = gateway.settings["models"] + [
        {"name": "later", "targets": [{"provider": "mock", "model": "echo"}]}]


@pytest.fixture(params=["listen", "admin"])
def refused(room, taken, request):
    """A gateway whose newest file was refused for its address."""
    gateway = room.gateway()
    assert gateway.key
    listen_also(gateway, taken, request.param)
    gateway.write()
    gateway.signal(signal.SIGHUP)
    until(lambda: "settings not taken" in gateway.log_text(), 5, "the refusal in the log")
    return gateway


def test_keys_are_in_force_at_once_after_a_refused_plan(refused):
    made = refused.make_key("after")
    assert refused.chat(key=made["key"]).status == 200
    refused.ctl("keys", "revoke", made["id"])
    for _ in range(8):
        assert refused.chat(key=made["key"]).status == 401
    assert refused.chat("later").status == 404


def test_keys_are_in_force_while_the_plan_is_refused_again_and_again(refused):
    for number in range(10):
        refused.signal(signal.SIGHUP)
        refused.signal(signal.SIGHUP)
        made = refused.make_key("key-%d" % number)
        assert refused.chat(key=made["key"]).status == 200
        refused.ctl("keys", "revoke", made["id"])
        assert refused.chat(key=made["key"]).status == 401
    assert refused.chat("later").status == 404
    assert refused.workers() == refused.first_workers


def test_asked_reload_says_why(refused):
    told = refused.ctl("config", "reload", code=None)
    assert told.returncode not in (0, None)
    assert "address" in told.stderr


def test_the_file_is_taken_once_the_address_is_free(refused, taken):
    refused.workers_may_change = True
    taken.close()
    refused.signal(signal.SIGHUP)
    until(lambda: refused.chat("later").status == 200, 5, "the new model")


def test_new_controller_serves_and_takes_the_file_once_it_can(refused, taken):
    refused.workers_may_change = True
    process.kill(refused.controller())
    until(lambda: refused.ctl("status", code=None).returncode == 0, 5, "the admin API again")
    assert refused.chat().status == 200
    taken.close()
    until(lambda: refused.chat("later").status == 200, 15, "the new model")
    made = refused.make_key("after")
    assert refused.chat(key=made["key"]).status == 200
