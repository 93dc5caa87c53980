"""All that a provider may do wrong, chosen by the model's name: `TROUBLE.ROW`, of which ROW tells requests apart.

`Troubles` has the sockets behind the names of `PLACES`: a fake provider, ports that refuse, reset, or take no
connection, a name that does not exist, and processes that are killed or stopped. A trouble that breaks off what the
client has begun to see waits until it has: `saw_head(row)` is the client's part in that.
"""
import json
import select
import socket
import subprocess
import sys
import threading
import time

from harness import fake_openai
from harness.provider import FakeProvider

WORDS = "scripted trouble"
SECRET = "sk-canary-in-an-answer"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SILENT_S = 20           # longer than any timer of the gateway's
SLOW_S = 0.7


def error(kind="server_error", message=WORDS):
    return fake_openai.error(message, kind)


def says(status, *headers, kind="server_error", message=WORDS):
    def trouble(_, connection, __):
        connection.send_json(error(kind, message), status, "No", headers)
    return trouble


def sends(data):
    def trouble(_, connection, __):
        connection.send(data)
        connection.close()
    return trouble


def begin(connection, *contents):
    """A stream that says its role and CONTENTS."""
    connection.open_stream()
    connection.event(fake_openai.chunk("m", {"role": "assistant", "content": ""}))
    for content in contents:
        connection.event(fake_openai.chunk("m", {"content": content}))


def reset_at_once(connection):
    """With the first byte that comes: before it, it would be told from a refused connection by luck only."""
    select.select([connection.sock], [], [], SILENT_S)
    connection.reset()


def silent(_, connection, __):
    connection.wait_ended(SILENT_S)


def slow_head(request, connection, _):
    time.sleep(SLOW_S)
    fake_openai.answer(request, connection)


def stream_then(*contents, after):
    def trouble(_, connection, seen):
        begin(connection, *contents)
        seen()
        after(connection)
    return trouble


def part_of_body(connection, seen):
    connection.send(JSON + b'Content-Length: 500\r\n\r\n{"id":"x","object":"chat.completion"')
    seen()


def cut_body(_, connection, seen):
    part_of_body(connection, seen)
    connection.close()


def silent_body(_, connection, seen):
    part_of_body(connection, seen)
    connection.wait_ended(SILENT_S)


def silent_after_head(request, connection, _):
    connection.send(STREAM if request.json().get("stream") else JSON + b"Content-Length: 500\r\n\r\n")
    connection.wait_ended(SILENT_S)


def fails(connection):
    connection.event(error("overloaded_error"))
    connection.end_stream()


def babbles(connection):
    connection.chunk("data: {\"id\": garbage\n\n")
    for value in (fake_openai.chunk("m", {}, "stop"), "[DONE]"):
        connection.event(value)
    connection.end_stream()


def error_first(_, connection, __):
    connection.open_stream()
    fails(connection)


TROUBLES = {
    "silent": silent, "slow_head": slow_head, "error_500": says(500),
    "overloaded": says(503, ("Retry-After", "7"), kind="overloaded_error"),
    "limited": says(429, ("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "9s"),
                    kind="rate_limit_error"),
    "refused_key": says(401, kind="invalid_request_error", message="Incorrect API key: " + SECRET),
    "no_model": says(404, kind="invalid_request_error"),
    "hidden_error": says(200, kind="overloaded_error"),
    "html": sends(b"HTTP/1.1 502 Bad\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"),
    "empty": sends(JSON + b"Content-Length: 0\r\n\r\n"),
    "garbage_head": sends(b"GARBAGE\r\n\r\n"),
    "wrong_type": sends(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"),
    "cut_head": sends(b"HTTP/1.1 200 OK\r\nContent-Type: appl"),
    "cut_body": cut_body, "silent_body": silent_body, "silent_after_head": silent_after_head,
    "cut_before": stream_then(after=lambda connection: connection.close()),
    "cut_after": stream_then("Half", after=lambda connection: connection.close()),
    "garbage_line": stream_then("Half", after=babbles),
    "error_first": error_first,
    "error_before": stream_then(after=fails),
    "error_after": stream_then("Half", after=fails),
    "silent_middle": stream_then("Half", after=lambda connection: connection.wait_ended(SILENT_S)),
}


def serve_trouble(name, request, connection, seen):
    TROUBLES[name](request, connection, seen)


class Troubles:
    def __init__(self):
        self.heads = {}                 # row: its client has a head
        self.at_processes = []          # models
        self.fake = FakeProvider(self.serve)
        self.resetting = FakeProvider()
        self.resetting.before_read = reset_at_once
        self.closed = socket.socket()   # bound, so that nobody else gets the port
        self.closed.bind(("127.0.0.1", 0))
        self.full = self.open_full()
        self.processes = subprocess.Popen([sys.executable, "-m", "harness.provider_process"],
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                          start_new_session=True,
                                          cwd=__file__.rsplit("/", 2)[0])
        self.process_port = int(self.processes.stdout.readline())
        threading.Thread(target=self.hear, daemon=True).start()

    def open_full(self):
        """A listener whose queue is full: connecting to it gets no answer."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            self.fillers.append(filler)
        return listener

    def hear(self):
        for line in self.processes.stdout:
            self.at_processes.append(json.loads(line))

    def places(self):
        """Base addresses by name."""
        ports = {"fake": self.fake.port, "resetting": self.resetting.port, "process": self.process_port,
                 "closed": self.closed.getsockname()[1], "full": self.full.getsockname()[1]}
        found = {name: "http://127.0.0.1:%d/v1" % port for name, port in ports.items()}
        return {**found, "nameless": "http://nowhere.invalid/v1"}

    def head_of(self, row):
        return self.heads.setdefault(row, threading.Event())

    def serve(self, request, connection):
        name, _, row = request.model().partition(".")
        head = self.head_of(row.rstrip("ab"))

        def seen():
            head.wait(0.5)              # a stream that is held shows none
        if name in TROUBLES:
            serve_trouble(name, request, connection, seen)
        else:
            fake_openai.answer(request, connection)

    def asked(self, model):
        return sum(request.model() == model for request in self.fake.requests) + self.at_processes.count(model)

    def close(self):
        self.processes.stdin.close()    # it ends, and its children with it
        self.processes.wait(20)
        for one in [self.closed, self.full, *self.fillers]:
            one.close()
        self.fake.stop()
        self.resetting.stop()
