"""The logs: JSON line by line, one access line for each exchange, levels."""
import json
import signal

import pytest

from harness.wait import until


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


@pytest.fixture(scope="module")
def gateway(house, provider):
    return house.gateway(("up", provider))


def test_program_log_is_json_with_time_and_level(gateway):
    assert gateway.log_text()
    for line in gateway.log_lines():
        assert "text" not in line, line
        assert line["level"] in ("debug", "info", "notice", "warning", "warn", "error"), line
        assert any(name in line for name in ("time", "ts", "timestamp")), line
        assert any(name in line for name in ("message", "msg")), line


def test_one_access_line_for_each_exchange(gateway):
    before = len(gateway.access_lines())
    answers = [gateway.chat("up/m"), gateway.chat("up/m", stream=True), gateway.chat("none"),
               gateway.chat("up/m", key="sk-no"), gateway.get("/v1/models"), gateway.get("/nope")]
    until(lambda: len(gateway.access_lines()) >= before + len(answers), 3, "the access lines")
    lines = gateway.access_lines()[before:]
    assert len(lines) == len(answers)
    for answer in answers:
        line = [line for line in lines if answer.header("x-request-id") in json.dumps(line)]
        assert len(line) == 1
        assert answer.status in line[0].values()


def test_access_line_survives_hostile_names(gateway):
    before = len(gateway.access_lines())
    gateway.chat('x"\\\n\u2028\0{}')
    gateway.get("/%00%0a\"'<>", headers={"User-Agent": "a\"\\\tb\xff"})
    until(lambda: len(gateway.access_lines()) >= before + 2, 3, "the access lines")


def test_health_checks_leave_no_secrets_and_no_noise(gateway):
    before = len(gateway.log_text())
    for _ in range(20):
        gateway.get("/healthz", key=None)
    assert len(gateway.log_text()) == before


def test_access_log_is_opened_again_on_sighup(gateway):
    """As logrotate does it: rename, then SIGHUP."""
    gateway.workers_may_change = True
    gateway.access.rename(gateway.folder / "access.log.1")
    gateway.signal(signal.SIGHUP)
    until(lambda: gateway.access.exists(), 5, "a new access log")
    answer = gateway.chat("up/m")
    until(lambda: answer.header("x-request-id") in gateway.access.read_text(), 3, "the line in it")
