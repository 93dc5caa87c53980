"""The tools themselves, without a gateway: what they send and see is exact."""
import json
import subprocess
import sys

import openai
import pytest

from harness import fake_openai, settings
from harness.client import Broken, RawClient, chunked
from harness.gateway import ROOT, chat_body

HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-x"}


@pytest.fixture(scope="module")
def provider(house):
    return house.provider()


def test_provider_satisfies_the_official_client(provider):
    client = openai.OpenAI(base_url=provider.base_url, api_key="sk-x", max_retries=0)
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a b"}])
    assert answer.choices[0].message.content == "You said: a b"
    text = ""
    for part in client.chat.completions.create(model="m", stream=True, messages=[
            {"role": "user", "content": "a b"}], stream_options={"include_usage": True}):
        text += part.choices[0].delta.content or "" if part.choices else ""
    assert text.strip() == "You said: a b"
    assert part.usage.total_tokens == 19
    assert client.embeddings.create(model="e", input="x").data[0].embedding == [0.25, -0.5, 1.0]


@pytest.mark.parametrize("body, param", [
    ({"messages": []}, None), ({"model": "m"}, "messages"),
    ({"model": "m", "messages": []}, "messages"),
    (chat_body("m", stream_options={"include_usage": True}), "stream_options"),
    (chat_body("m", tools=[]), "tools"), (chat_body("m", top_k=1), None)])
def test_provider_refuses_what_the_real_one_refuses(provider, body, param):
    with RawClient(provider.port) as client:
        client.request("POST", "/v1/chat/completions", HEADERS, json.dumps(body).encode())
        answer = client.read_response()
    assert answer.status == 400
    assert answer.error()["param"] == param


def test_provider_records_exact_bytes(provider):
    body = b' {"model" : "m","messages":[{"role":"user","content":"\xc3\xa9\\u0000"}], "n":1 } '
    with RawClient(provider.port) as client:
        client.request("POST", "/v1/chat/completions", [("X-B", "2"), ("X-A", "1"), *HEADERS.items()],
                       body)
        assert client.read_response().status == 200
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nContent-Type: application/json"
                    b"\r\nAuthorization: Bearer k\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + chunked(body, 3))
        assert client.read_response().status == 200
    assert provider.requests[-2].body == body
    assert [name for name, _ in provider.requests[-2].headers][:3] == ["Host", "X-B", "X-A"]
    assert provider.last().body == body
    assert provider.last().raw_body == chunked(body, 3)


def test_provider_sees_how_a_client_leaves(provider):
    seen = []

    def silent(_, connection):
        seen.append(connection.wait_ended(5))

    provider.on("silent", silent)
    for leave in ("close", "reset"):
        client = RawClient(provider.port)
        count = len(provider.requests)
        client.request("POST", "/v1/chat/completions", HEADERS, json.dumps(chat_body("silent")).encode())
        provider.wait_requests(count + 1)
        getattr(client, leave)()
    from harness.wait import until
    until(lambda: len(seen) == 2, 5, "both ends seen")
    assert [how for how, _ in seen] == ["fin", "rst"]


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/2 200 OK\r\n\r\n", b""])
def test_client_accepts_no_broken_answer(house, data):
    def handler(_, connection):
        connection.send(data)
        connection.close()

    provider = house.provider(handler)
    with RawClient(provider.port) as client:
        client.request("POST", "/v1/chat/completions", HEADERS, b"{}")
        with pytest.raises(Broken):
            client.read_response()


def test_settings_are_written_as_yaml():
    text = settings.dump({"listen": "127.0.0.1:1", "workers": 2, "providers": [
        {"name": "up", "base_url": "http://h/v1", "api_key": "${UP}"}], "timeouts": {"idle": "2s"}})
    assert text == ('listen: "127.0.0.1:1"\nworkers: 2\nproviders:\n  - {name: up, base_url: '
                    '"http://h/v1", api_key: "${UP}"}\ntimeouts: {idle: 2s}\n')


def test_postgres_starts_stops_and_keeps_its_rows(house):
    server = house.postgres()
    server.query("create table t(x int); insert into t values (1)")
    server.stop()
    assert not server.ready()
    server.start()
    assert server.query("select x from t") == "1"


def test_node_client_is_installed():
    done = subprocess.run(["node", "-e", "console.log(typeof require('openai').default)"],
                          cwd=ROOT / "build" / "node", stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == "function"


def test_runner_counts_a_skip_as_failed(tmp_path):
    from runner import count
    file = tmp_path / "test_s.py"
    file.write_text("import pytest\ndef test_a(): pass\ndef test_b(): pytest.skip('x')\n"
                    "def test_c(): assert 0\n")
    report = tmp_path / "r.xml"
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "--junitxml", report, str(file)],
                          stdout=subprocess.DEVNULL)
    assert count(report, done.returncode) == (1, 2)


def test_fake_usage_adds_up():
    usage = fake_openai.USAGE
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
