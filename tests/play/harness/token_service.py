"""A fake token service: client credentials in, numbered tokens out, in the body's or the query's form."""
import threading
from urllib.parse import parse_qsl

from harness.provider import FakeProvider


class TokenService:
    def __init__(self, clients, lives=3600, baidu=False):
        self.clients = dict(clients)        # id: secret
        self.lives = lives                  # seconds of a token
        self.baidu = baidu                  # parameters in the query, refusals with status 200
        self.away = False
        self.given = []                     # (client, token)
        self.asked = []                     # parameters of each question
        self.lock = threading.Lock()
        self.server = FakeProvider(self.answer)

    @property
    def url(self):
        return self.server.base_url.replace("/v1", "/oauth/token")

    def stop(self):
        self.server.stop()

    def client_of(self, token):
        return {made: client for client, made in self.given}.get(token)

    def answer(self, request, connection):
        path, _, query = request.target.partition("?")
        asked = dict(parse_qsl(query if self.baidu else request.body.decode(), strict_parsing=True))
        assert (request.method, path) == ("POST", "/oauth/token"), request.target
        assert asked["grant_type"] == "client_credentials", asked
        with self.lock:
            self.asked.append(asked)
        if self.away:
            connection.send_json({"error": "temporarily_unavailable"}, 503, "Away")
        elif self.clients.get(asked["client_id"]) != asked["client_secret"]:
            # Some services repeat what they were sent: that must go nowhere.
            connection.send_json({"error": "invalid_client", "error_description":
                                  "wrong secret " + asked["client_secret"]},
                                 200 if self.baidu else 401, "Unauthorized")
        else:
            connection.send_json({"token_type": "Bearer", "expires_in": self.lives,
                                  "access_token": self.make(asked["client_id"])})

    def make(self, client):
        with self.lock:
            token = "tokencanary.%s.%d" % (client, len(self.asked))
            self.given.append((client, token))
            return token
