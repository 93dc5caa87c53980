"""A host of files that requests name by their address, and a gateway that may ask there.

It is at 127.0.0.2, which the settings of that gateway allow; all other addresses of this machine are
what they are everywhere: not public, so nothing is asked there.
"""
import base64
import threading
import time

from harness import fakes, pictures
from harness.wait import until

HOST = "127.0.0.2"
PNG = pictures.png()
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 3
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\0" * 32
LIMIT = 65536                                       # media.file of the gateway
WHOLE_LIMIT = 100000                                # media.request
CANNED = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
          "choices": [{"index": 0, "finish_reason": "stop",
                       "message": {"role": "assistant", "content": "seen"}}],
          "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
CANNED_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
                  "content": [{"type": "text", "text": "seen"}], "stop_reason": "end_turn",
                  "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}
CANNED_RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
                   "model": "m", "output": [{"type": "message", "id": "m1", "role": "assistant",
                                             "status": "completed", "content": [
                                                 {"type": "output_text", "text": "seen",
                                                  "annotations": []}]}],
                   "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}


def file_answer(body, kind="image/png", status="200 OK", *more):
    lines = ["HTTP/1.1 " + status, "Content-Length: %d" % len(body)]
    lines += ["Content-Type: " + kind] if kind else []
    return "\r\n".join(lines + list(more)).encode() + b"\r\n\r\n" + body


def redirect(to, status="302 Found"):
    return file_answer(b"gone", "text/plain", status, "Location: " + to)


class ImageHost:
    """Answers by path."""

    def __init__(self, house, **options):
        self.fake = house.provider(self.handle, **options)
        self.scheme = "https" if options.get("tls") else "http"
        self.answers = {"/a.png": file_answer(PNG), "/b.pdf": file_answer(PDF, "application/pdf"),
                        "/c.wav": file_answer(WAV, "audio/x-wav")}
        self.lock = threading.Lock()
        self.here = self.most = 0
        self.released = threading.Event()

    def url(self, path, scheme=None, host=None):
        return "%s://%s:%d%s" % (scheme or self.scheme, host or self.fake.host, self.fake.port, path)

    def handle(self, request, connection):
        answer = self.answers.get(request.target) or file_answer(b"", "text/plain", "404 Not Found")
        if callable(answer):
            answer(request, connection)
        else:
            connection.send(answer)

    def slowly(self, seconds):
        """Answers with a picture, late; counts who waits for one at one time. Nobody does once it is sent."""
        def handler(_, connection):
            with self.lock:
                self.here += 1
                self.most = max(self.most, self.here)
            time.sleep(seconds)
            with self.lock:
                self.here -= 1
            connection.send(file_answer(PNG))
        return handler

    def asked(self, path=None):
        return [request for request in self.fake.requests if path in (None, request.target)]


def canned(request, connection):
    shape = CANNED_MESSAGE if request.target.endswith("/messages") else (
        CANNED_RESPONSE if request.target.endswith("/responses") else CANNED)
    connection.send_json(shape)


def rows_of(providers):
    root = {name: "http://127.0.0.1:%d" % provider.port for name, provider in providers.items()}
    return [("gemini", providers["gemini"], {"kind": "gemini", "base_url": root["gemini"] + "/v1beta"}),
            ("openai", providers["plain"], {"kind": "openai", "base_url": root["plain"] + "/v1"}),
            ("claude", providers["plain"], {"kind": "anthropic", "base_url": root["plain"] + "/v1"}),
            ("ollama", providers["inline"], {"kind": "ollama", "base_url": root["inline"] + "/v1"}),
            ("lmstudio", providers["inline"], {"kind": "lmstudio", "base_url": root["inline"] + "/v1"})]


MEDIA = {"allow": [HOST], "http": True, "file": LIMIT, "request": WHOLE_LIMIT, "timeout": "1500ms",
         "files": 6}
MODELS = [{"name": "both", "targets": [{"provider": "ollama", "model": "m"},
                                       {"provider": "openai", "model": "gpt-4o"}]}]


class Place:
    """The host, plain and over TLS, a service that is inside, and a gateway between providers and all."""

    def __init__(self, house):
        self.authority = house.authority()
        self.host = ImageHost(house, host=HOST)
        self.secure = ImageHost(house, host=HOST, tls=self.authority.server_context(
            *self.authority.issue("images", ["IP:" + HOST])))
        self.inside = ImageHost(house)          # that no client of the gateway may reach
        self.providers = {"gemini": house.provider(fakes.ROWS["gemini"][0]),
                          "plain": house.provider(canned), "inline": house.provider(canned)}
        self.tls = {"ca_file": str(self.authority.certificate)}
        self.gateway = self.make(house, MEDIA)

    def make(self, house, media, **more):
        return house.gateway(*rows_of(self.providers), settings={
            "media": media, "tls": self.tls, "models": MODELS, **more})


def picture(url):
    return {"type": "image_url", "image_url": {"url": url}}


def chat(gateway, *urls, model="gemini/gemini-3-flash-preview", text="look", **options):
    content = [picture(url) if isinstance(url, str) else url for url in urls]
    content.append({"type": "text", "text": text})
    return gateway.post("/v1/chat/completions",
                        {"model": model, "messages": [{"role": "user", "content": content}]}, **options)


def said(answer):
    assert answer.status == 200, answer
    return answer.json()["choices"][0]["message"]["content"]


def refused(answer, place="messages[0].content[0].image_url.url"):
    assert answer.status == 400, answer
    assert answer.header("x-aigw-error-source") == "gateway"
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("invalid_image_url", place)
    assert error["message"].startswith("'%s' could not be fetched: " % place)
    return error["message"].split(": ", 1)[1]


def line_of(gateway, answer):
    return until(lambda: [line for line in gateway.access_lines()
                          if line["request_id"] == answer.header("x-request-id")], 3, "its line")[0]


def data_url(data, kind):
    return "data:%s;base64,%s" % (kind, base64.b64encode(data).decode())
