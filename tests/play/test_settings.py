"""The settings file: every error is said at once, with its line; --check, --print-config."""
import re
import socket
import subprocess

import pytest

from harness.gateway import DAEMON

GOOD = """\
listen: 127.0.0.1:8080
admin: {listen: 127.0.0.1:8081, socket: %(dir)s/admin.sock}
state_dir: %(dir)s
workers: 2
store: sqlite:%(dir)s/aigw.db
providers:
  - {name: up, kind: openai, base_url: "http://127.0.0.1:9901/v1", api_key: "${UP_KEY}"}
models:
  - {name: fast, targets: [{provider: up, model: gpt-5-mini}]}
"""


@pytest.fixture
def check(tmp_path):
    def run(text, *more, env=None, name="s.yaml"):
        file = tmp_path / name
        if text is not None:
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run([str(DAEMON), *(more or ["--check"]), "--config", str(file)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=10,
                              env={"PATH": "/usr/bin:/bin", "UP_KEY": "sk-x", **(env or {})})
        output = done.stdout.decode(errors="replace")
        lines = {}
        for line in output.splitlines():
            match = re.match(r".*s\.yaml:(\d+):\s*(.+)", line)
            if match:
                lines.setdefault(int(match.group(1)), []).append(match.group(2))
        return done.returncode, lines, output
    return run


@pytest.fixture
def good(tmp_path):
    return GOOD % {"dir": tmp_path}


def test_good_file_passes(check, good):
    code, lines, output = check(good)
    assert (code, lines) == (0, {}), output


def test_all_errors_at_once_each_with_its_line(check, good):
    text = good.replace("workers: 2", "workers: many").replace("provider: up,", "provider: upp,")
    text += "timeouts: {idle: soon, connect: 2s}\nlisen: 127.0.0.1:1\n"
    code, lines, output = check(text)
    assert code == 1
    assert set(lines) == {4, 9, 10, 11}, output
    assert "workers" in lines[4][0]
    assert "upp" in lines[9][0]
    assert "listen" in lines[11][0], "a hint at the name that was meant"


@pytest.mark.parametrize("old, new, line, word", [
    ("workers: 2", "workers: -1", 4, "workers"), ("workers: 2", "workers: 100000", 4, "workers"),
    ("workers: 2", "workers: 2\nworkers: 3", 5, "workers"),
    ("workers: 2", "workers: [2]", 4, "workers"),
    ("listen: 127.0.0.1:8080", "listen: 127.0.0.1:99999", 1, "listen"),
    ("listen: 127.0.0.1:8080", "listen: nonsense", 1, "listen"),
    ("kind: openai", "kind: opnai", 7, "opnai"),
    ("http://127.0.0.1:9901/v1", "ftp://x/v1", 7, "base_url"),
    ("http://127.0.0.1:9901/v1", "", 7, "base_url"),
    ("${UP_KEY}", "${NO_SUCH_VARIABLE}", 7, "NO_SUCH_VARIABLE"),
    ("${UP_KEY}", "file:/no/such/file", 7, "/no/such/file"),
    ("name: up,", "", 7, "name"), ("name: up,", "nam: up,", 7, "nam"),
    ("name: up,", 'name: "a b",', 7, "name"), ("name: up,", 'name: "a/b",', 7, "name"),
    ("targets: [{provider: up, model: gpt-5-mini}]", "targets: []", 9, "targets"),
    ("targets: [{provider: up, model: gpt-5-mini}]", "targets: up", 9, "targets"),
    ("store: sqlite:", "store: mysql:", 5, "store"),
    ("models:", "models:\n  - {name: fast, targets: [{provider: up, model: x}]}", 10, "fast"),
    ("providers:", 'providers:\n  - {name: up, kind: mock}', 8, "up"),
])
def test_error_is_named_with_its_line(check, good, old, new, line, word):
    assert old in good
    code, lines, output = check(good.replace(old, new, 1))
    assert code == 1, output
    assert line in lines, output
    assert any(word in text for text in lines[line]), output


@pytest.mark.parametrize("text", [b"", b"\0\0\0\0", b"listen: [\n", b"a: b: c\n", b"- a\n", b"just words\n",
                                  b"\xff\xfe\x00", b"a: &x [*x]\n", b"? {a: b}\n", b"\ta: 1\n",
                                  b"listen: !!python/object:os.system x\n",
                                  b"a: " + b"[" * 5000 + b"]" * 5000, b"--- 1\n--- 2\n"])
def test_what_is_no_settings_file(check, text):
    code, _, output = check(text)
    assert code == 1
    assert "s.yaml" in output


@pytest.mark.parametrize("old, new, line", [
    ("listen: 127.0.0.1:8080",
     'listen: [{address: ":8443", tls: {certificate: /no/such/a.pem, key: /no/such/a.key}}]', 1),
    ("kind: openai", "kind: openai, ca_file: /no/such/ca.pem", 7)])
def test_missing_certificates_are_named(check, good, old, new, line):
    code, lines, output = check(good.replace(old, new, 1))
    assert code == 1
    assert any("/no/such/" in text for text in lines[line]), output
    assert ".key" in output or "ca.pem" in output


def test_missing_file(check):
    code, _, output = check(None)
    assert code == 1
    assert "s.yaml" in output


def test_value_is_not_shown_when_it_is_a_secret(check, good):
    code, _, output = check(good.replace('api_key: "${UP_KEY}"', "api_key: [sk-canary-secret]"))
    assert code == 1
    assert "sk-canary-secret" not in output


def test_print_config_shows_defaults_and_can_be_checked_again(check, good):
    code, _, output = check(good, "--print-config")
    assert code == 0
    assert "sk-x" not in output
    for word in ("listen", "workers", "timeouts", "idle", "store", "up", "fast"):
        assert word in output
    code, _, again = check(output, "--check", env={"UP_KEY": "sk-x"})
    assert code == 0, again


def test_daemon_does_not_start_with_a_bad_file(check, good, tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(good.replace("workers: 2", "workers: many"))
    done = subprocess.run([str(DAEMON), "--config", str(file)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=10, env={"UP_KEY": "sk-x"})
    assert done.returncode == 1
    assert b"s.yaml:4" in done.stdout
    code, lines, output = check(good.replace("workers: 2", "workers: many"), "--check")
    assert (code, set(lines)) == (1, {4})


def test_unknown_option_is_a_usage_error():
    done = subprocess.run([str(DAEMON), "--no-such-option"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=10)
    assert done.returncode not in (0, -6, -11)
    assert b"no-such-option" in done.stdout + done.stderr


def test_help_and_version():
    for option in ("--help", "--version"):
        done = subprocess.run([str(DAEMON), option], stdout=subprocess.PIPE, timeout=10)
        assert done.returncode == 0
        assert b"aigw" in done.stdout


def test_busy_port_is_named(room):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        gateway = room.unstarted(settings={"listen": "127.0.0.1:%d" % port})
        gateway.start(wait=False)
        assert gateway.child.wait(5) != 0
        assert str(port) in gateway.log_text()
