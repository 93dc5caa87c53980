"""`headroom`: accounts that say what is left of their limits share the requests by it."""
from harness import fake_openai


class Limited:
    """Answers, and says that so much of its limit of 1000 requests is left: one less each time."""

    def __init__(self, left):
        self.left = left

    def __call__(self, request, connection):
        self.left -= 1
        answer = fake_openai.chat_answer(request.json())
        connection.send_json(answer, 200, "OK", [("x-ratelimit-limit-requests", "1000"),
                                                 ("x-ratelimit-remaining-requests", str(self.left)),
                                                 ("x-ratelimit-reset-requests", "10m")])


def served(providers, gateway, requests):
    before = [len(provider.requests) for provider in providers]
    for _ in range(requests):
        assert gateway.chat("both").status == 200
    return [len(provider.requests) - then for provider, then in zip(providers, before)]


def test_the_account_with_more_left_serves_until_they_are_alike(house):
    first, second = house.provider(), house.provider()
    first.on("m", Limited(500))
    second.on("m", Limited(620))
    gateway = house.gateway(("first", first), ("second", second), settings={
        "workers": 2, "models": [{"name": "both", "strategy": "headroom", "targets": [
            {"provider": "first", "model": "m"}, {"provider": "second", "model": "m"}]}]})
    served([first, second], gateway, 20)        # both have said what they have left
    counts = served([first, second], gateway, 40)
    assert counts[0] == 0 and counts[1] == 40, counts
    served([first, second], gateway, 60)
    counts = served([first, second], gateway, 40)
    assert counts[0] >= 20, counts              # alike by now: the one that had fewer of late
