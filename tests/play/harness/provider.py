"""A fake provider whose every byte can be scripted.

A raw socket server with one thread per connection. It records exactly what came in; what goes out is
the work of a handler `handler(request, connection)`, chosen by the request's model (`provider.on`)
or the default one, which behaves like the real OpenAI service (harness/fake_openai.py). A handler that
returns leaves the connection open for the next request unless it closed it.
"""
import json
import socket
import ssl
import struct
import threading
import time

from harness import fake_openai
from harness.wait import until


class Request:
    def __init__(self, connection, head, body, raw_body):
        self.connection = connection
        self.head = head                # exact bytes up to and with the empty line
        self.body = body                # without transfer coding
        self.raw_body = raw_body        # as on the wire
        self.at = time.monotonic()
        lines = head[:-4].split(b"\r\n")
        self.method, self.target, self.version = lines[0].decode("latin-1").split(" ")
        self.headers = []
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self.headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))

    def header(self, name):
        values = self.all(name)
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)

    def model(self):
        try:
            return json.loads(self.body)["model"]
        except (ValueError, KeyError, TypeError):
            return None


class Connection:
    def __init__(self, number, sock):
        self.number = number
        self.sock = sock
        self.opened = time.monotonic()
        self.requests = 0
        self.ended = None               # (how, when): "fin" or "rst", seen from the peer
        self.buffer = b""
        self.done = False

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def send_sliced(self, data, size=1, delay=0.0):
        for at in range(0, len(data), size):
            self.send(data[at:at + size])
            if delay:
                time.sleep(delay)

    def send_json(self, value, status=200, reason="OK", headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        lines = ["HTTP/1.1 %d %s" % (status, reason), "Content-Type: application/json",
                 "Content-Length: %d" % len(body), "x-request-id: req_fake"]
        lines += ["%s: %s" % pair for pair in headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def send_page(self, page, status):
        """What stands before a provider answers with HTML when it cannot reach it."""
        self.send(b"HTTP/1.1 %d Bad\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s"
                  % (status, len(page), page))

    def open_stream(self, headers=()):
        lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream; charset=utf-8",
                 "Transfer-Encoding: chunked", "x-request-id: req_fake"]
        lines += ["%s: %s" % pair for pair in headers]
        self.send("\r\n".join(lines) + "\r\n\r\n")

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, value):
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        self.chunk("data: %s\n\n" % text)

    def end_stream(self):
        self.send(b"0\r\n\r\n")

    def close(self):
        self.cut()
        self.sock.close()

    def cut(self):
        """Ends the connection from another thread. The server's own thread closes the descriptor: closed
        here, its number could be somebody else's while TLS still writes to it."""
        self.done = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def reset(self):
        self.done = True
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_ended(self, timeout=5.0):
        """Waits, silent, until the peer closes; returns (how, when) or None."""
        end = time.monotonic() + timeout
        try:
            while time.monotonic() < end:
                self.sock.settimeout(max(0.001, end - time.monotonic()))
                data = self.sock.recv(65536)
                if not data:
                    self.ended = ("fin", time.monotonic())
                    return self.ended
                self.buffer += data
        except (socket.timeout, TimeoutError):
            return None
        except OSError:
            self.ended = ("rst", time.monotonic())
        return self.ended

    def talk_until_ended(self, make_event, every=0.01, timeout=10.0):
        """Sends events at a pace until the peer closes; returns (how, when) or None."""
        end = time.monotonic() + timeout
        number = 0
        while time.monotonic() < end:
            try:
                self.event(make_event(number))
            except OSError:
                self.ended = self.ended or ("rst", time.monotonic())
                return self.ended
            number += 1
            if self.wait_ended(every):
                return self.ended
        return None

    # reading, by the server's thread only

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buffer += data
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head + b"\r\n\r\n"

    def take(self, size):
        taken = bytearray(self.buffer)  # grows in place: a body may be large
        self.buffer = b""
        while len(taken) < size:
            data = self.sock.recv(262144)
            if not data:
                raise EOFError
            taken += data
        self.buffer = bytes(taken[size:])
        return bytes(taken[:size])

    def take_line(self):
        while b"\r\n" not in self.buffer:
            self.buffer += self.sock.recv(65536)
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_request(self):
        head = self.read_head()
        if head is None:
            return None
        lower = head.lower()
        if b"\r\ntransfer-encoding: chunked\r\n" in lower:
            raw, body = b"", b""
            while True:
                line = self.take_line()
                data = self.take(int(line, 16) + 2)
                raw += line + b"\r\n" + data
                body += data[:-2]
                if len(data) == 2:
                    return Request(self, head, body, raw)
        at = lower.find(b"\r\ncontent-length:")
        size = int(lower[at + 17:lower.index(b"\r\n", at + 2)]) if at >= 0 else 0
        if b"\r\nexpect: 100-continue\r\n" in lower:
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.take(size)
        return Request(self, head, body, body)


class FakeProvider:
    def __init__(self, handler=None, port=0, tls=None, start=True, send_buffer=None, reuse=True,
                 host="127.0.0.1"):
        self.default = handler or fake_openai.answer
        self.by_model = {}
        self.requests = []
        self.connections = []
        self.before_read = None         # called with each new connection, before anything is read
        self.tls = tls
        self.send_buffer = send_buffer
        self.reuse = reuse              # False: close after each answer, without saying so before
        self.errors = []
        self.lock = threading.Lock()
        self.host = host
        self.port = port
        self.listener = None
        if start:
            self.start()

    @property
    def base_url(self):
        return "%s://127.0.0.1:%d/v1" % ("https" if self.tls else "http", self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def on(self, model, handler):
        """Requests for this model are answered by this handler."""
        self.by_model[model] = handler
        return handler

    def start(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.send_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.send_buffer)
        self.listener.bind((self.host, self.port))
        self.port = self.listener.getsockname()[1]
        self.listener.listen(512)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop_listening(self):
        """New connections are refused from now on; existing ones live."""
        listener, self.listener = self.listener, None
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            listener.close()

    def drop_connections(self):
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            connection.cut()

    def stop(self):
        self.stop_listening()
        self.drop_connections()

    def last(self):
        return self.requests[-1]

    def wait_requests(self, number, timeout=5.0):
        until(lambda: len(self.requests) >= number, timeout,
              "%d requests at the provider" % number)
        return self.requests[number - 1]

    def open_connections(self):
        return [connection for connection in self.connections if not connection.done]

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with self.lock:
            connection = Connection(len(self.connections) + 1, sock)
            self.connections.append(connection)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection.sock = self.tls.wrap_socket(sock, server_side=True)
            if self.before_read:
                self.before_read(connection)
            while not connection.done:
                connection.sock.settimeout(None)
                request = connection.read_request()
                if request is None:
                    connection.ended = connection.ended or ("fin", time.monotonic())
                    break
                connection.requests += 1
                with self.lock:
                    self.requests.append(request)
                handler = self.by_model.get(request.model(), self.default)
                handler(request, connection)
                if not self.reuse:
                    break
        except (OSError, EOFError, ssl.SSLError) as error:
            connection.ended = connection.ended or ("rst", time.monotonic())
            self.errors.append(error)
        finally:
            connection.close()
