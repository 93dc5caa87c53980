"""How long a refusal lasts, where its body says so and its head does not."""
import pytest

from harness import fake_openai

REFUSAL = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded.", "details": [
    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "90.5s"}]}}


def whole(_, connection):
    connection.send_json(REFUSAL, 429, "Too Many Requests")


def without_its_body(_, connection):
    connection.send(b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n"
                    b"content-length: 500\r\n\r\n{")


def cut(_, connection):
    without_its_body(_, connection)
    connection.close()


def headed(_, connection):
    connection.send_json(REFUSAL, 429, "Too Many Requests", [("retry-after", "300")])


@pytest.fixture
def start(room):
    def begin(act):
        google, other = room.provider(act), room.provider(fake_openai.answer)
        gateway = room.gateway(("google", google, {"kind": "gemini"}), ("other", other), settings={
            "workers": 1, "health": {"limited": "30s"}, "models": [
                {"name": "both", "strategy": "priority", "targets": [
                    {"provider": "google", "model": "g"}, {"provider": "other", "model": "m"}]},
                {"name": "alone", "targets": [{"provider": "google", "model": "g"}]}]})
        return gateway, google, other
    return begin


def health(gateway):
    rows = gateway.ctl_json("providers", "health")["providers"]
    row = next(row for row in rows if row["name"] == "google")
    return row["state"], row.get("wait_ms", 0)


@pytest.mark.parametrize("act, least_ms, most_ms", [
    (whole, 60000, 90500), (headed, 200000, 300000), (without_its_body, 1, 30000), (cut, 1, 30000)],
    ids=["the body says so", "the head comes first", "no body comes", "the body is cut"])
def test_another_account_serves_and_the_first_is_left_alone(start, act, least_ms, most_ms):
    gateway, google, other = start(act)
    for _ in range(3):
        assert gateway.chat("both").status == 200
    assert (len(google.requests), len(other.requests)) == (1, 3)
    state, wait_ms = health(gateway)
    assert state == "limited" and least_ms <= wait_ms <= most_ms, (state, wait_ms)


def test_a_client_without_another_account_is_told(start):
    gateway, google, _ = start(whole)
    answer = gateway.chat("alone")
    assert (answer.status, answer.header("retry-after"), len(google.requests)) == (429, "91", 1)
    assert health(gateway)[0] == "limited" and 60000 <= health(gateway)[1] <= 90500
