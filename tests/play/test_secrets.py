"""Known secrets go through every path; then everything that can be read is searched for them."""
import signal
import subprocess

import pytest

from harness import fake_openai, process
from harness.client import RawClient
from harness.gateway import DAEMON


@pytest.fixture(scope="module")
def provider(house):
    made = house.provider()
    made.on("refuses-key", fake_openai.fails(401, "Unauthorized", "Incorrect API key provided.",
                                             "invalid_request_error", "invalid_api_key"))
    made.on("cut", lambda _, connection: connection.reset())
    return made


@pytest.fixture(scope="module")
def gateway(house, provider):
    made = house.unstarted(("up", provider))
    made.settings["log"]["level"] = "debug"
    made.write()
    return made.start()


@pytest.fixture(scope="module")
def secrets(gateway):
    """Sends traffic of every kind and gives the values that must never be seen again."""
    keys = [gateway.make_key("canary-%d" % n) for n in range(4)]
    for key in keys:
        for model in ("up/m", "up/cut", "up/refuses-key", "none", "mock/status-429"):
            gateway.chat(model, key=key["key"])
            gateway.chat(model, key=key["key"], stream=True)
        for header in ("x-api-key", "api-key", "x-goog-api-key"):
            gateway.get("/v1/models", key=None, headers={header: key["key"]})
        gateway.post("/v1/chat/completions", b"{broken", key=key["key"])
        gateway.get("/v1/models?key=" + key["key"], key=None)
    rotated = gateway.ctl_json("keys", "rotate", keys[0]["id"])
    gateway.ctl("keys", "revoke", keys[1]["id"])
    gateway.chat("up/m", key=keys[1]["key"])
    wrong = "sk-aigw-wrongwrong-canarycanarycanarycanary"
    gateway.chat("up/m", key=wrong)
    with gateway.connect() as client:       # a head that is refused must not be logged whole
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + wrong.encode() + b"\r\n bad\r\n\r\n")
        client.read_response()
    gateway.signal(signal.SIGHUP)
    values = [key["key"] for key in keys] + [rotated["key"], gateway.key, wrong,
                                             "sk-provider-canary-up"]
    return [value.split("-")[-1] if value.startswith("sk-aigw-") else value for value in values]


def clean(text, secrets, where):
    text = text if isinstance(text, str) else text.decode("latin-1")
    for secret in secrets:
        assert secret not in text, "a secret is in %s: ...%s..." % (
            where, text[max(0, text.index(secret) - 80):text.index(secret) + 20])


def test_logs(gateway, secrets):
    clean(gateway.log_text(), secrets, "the program log")
    assert gateway.access_lines()
    clean(gateway.access.read_text(), secrets, "the access log")


def test_command_lines(gateway, secrets):
    for pid in [gateway.pid] + process.descendants(gateway.pid):
        clean(process.whole_cmdline(pid), secrets, "/proc/%d/cmdline" % pid)


def test_tool_answers(gateway, secrets):
    for words in (["keys", "list"], ["providers", "list"], ["models", "list"], ["status"], ["usage"],
                  ["config", "show"]):
        for form in ("table", "json"):
            done = gateway.ctl(*words, "-o", form, code=None)
            clean(done.stdout + done.stderr, secrets, "aigwctl " + " ".join(words))


def test_printed_settings(gateway, secrets):
    done = subprocess.run([str(DAEMON), "--print-config", "--config", str(gateway.file)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=gateway.env)
    clean(done.stdout, secrets, "--print-config")


def test_files_of_the_state(gateway, secrets):
    """Keys are hashed and the providers' credentials are encrypted at rest."""
    for file in gateway.folder.rglob("*"):
        if file.is_file() and file != gateway.file:
            clean(file.read_bytes(), secrets, str(file))


def test_metrics(gateway, secrets):
    with RawClient(gateway.admin_port) as client:
        client.request("GET", "/metrics")
        answer = client.read_response("GET")
    assert answer.status == 200
    clean(answer.body, secrets, "the metrics")


def test_files_are_private(gateway):
    for name in ("state", "aigw.db", "admin.sock"):
        path = gateway.folder / name
        mode = path.stat().st_mode & 0o777
        assert name == "state" or mode & 0o007 == 0, "%s has mode %o" % (path, mode)


def test_error_answers(gateway, secrets):
    for answer in (gateway.chat("up/refuses-key"), gateway.chat("up/cut"), gateway.chat("none")):
        clean(answer.body, secrets, "an error answer")
