"""A client that sends exactly the bytes it is told and reads answers strictly.

Nothing is retried, nothing is repaired: a missing byte, a wrong frame or an early end is an error.
"""
import json
import socket
import struct
import time


class Broken(Exception):
    """The answer ended early or was not well-formed HTTP."""


class Response:
    def __init__(self, status, reason, headers, head):
        self.status = status
        self.reason = reason
        self.headers = headers          # [(name, value)] in order, as received
        self.head = head                # the exact bytes
        self.body = b""
        self.chunk_sizes = None

    def header(self, name, default=None):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    def json(self):
        return json.loads(self.body)

    def error(self):
        return self.json()["error"]

    def events(self):
        """The data of each server-sent event of the whole body."""
        return sse_data(self.body)

    def objects(self):
        """The JSON of each event, without the closing [DONE]."""
        return [json.loads(data) for data in self.events() if data != "[DONE]"]

    def __repr__(self):
        return "<%d %r>" % (self.status, self.body[:300])


def sse_data(text):
    found = []
    for record in text.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line[5:].lstrip(b" ") for line in record.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append(b"\n".join(lines).decode())
    return found


class RawClient:
    """One TCP connection (or a ready socket such as a TLS one)."""

    def __init__(self, port, host="127.0.0.1", timeout=10.0, receive_buffer=None, sock=None):
        if sock is None:
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.settimeout(timeout)
            sock.connect((host, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.sock.settimeout(timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # sending

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def request(self, method, path, headers=(), body=None, host="aigw.test"):
        """Sends one well-formed request; headers is a dict or a list of pairs."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        lines = ["%s %s HTTP/1.1" % (method, path)]
        if not any(name.lower() == "host" for name, _ in pairs):
            lines.append("Host: " + host)
        lines += ["%s: %s" % pair for pair in pairs]
        if body is not None:
            lines.append("Content-Length: %d" % len(body))
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        """Closes by RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    # receiving

    def _more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Broken("closed by the peer with %r pending" % self.buffer[:200])
        self.buffer += data

    def read_line(self):
        while b"\r\n" not in self.buffer:
            self._more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read_exactly(self, size):
        parts = [self.buffer]
        have = len(self.buffer)
        while have < size:
            data = self.sock.recv(262144)
            if not data:
                raise Broken("closed by the peer, %d of %d bytes" % (have, size))
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self.buffer = whole[size:]
        return whole[:size]

    def read_head(self):
        """Status line and headers of the next answer (also of a 1xx one)."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        version, status, reason = (lines[0].split(b" ", 2) + [b""])[:3]
        if not version.startswith(b"HTTP/1.1") or len(status) != 3:
            raise Broken("bad status line %r" % lines[0])
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon or name != name.strip():
                raise Broken("bad header line %r" % line)
            headers.append((name.decode("latin-1"), value.strip().decode("latin-1")))
        return Response(int(status), reason.decode("latin-1"), headers, head + b"\r\n\r\n")

    def read_chunk(self):
        """The next chunk of a chunked body; b"" at its end."""
        size = int(self.read_line().split(b";")[0], 16)
        data = self.read_exactly(size + 2)
        if data[-2:] != b"\r\n":
            raise Broken("chunk without its line end")
        return data[:-2]

    def read_body(self, response, method="POST"):
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return response
        coding = response.header("transfer-encoding")
        length = response.header("content-length")
        if coding and length:
            raise Broken("both framings in %r" % response.head)
        if coding:
            response.chunk_sizes = []
            parts = []
            while True:
                chunk = self.read_chunk()
                if not chunk:
                    break
                parts.append(chunk)
                response.chunk_sizes.append(len(chunk))
            response.body = b"".join(parts)
        elif length is not None:
            response.body = self.read_exactly(int(length))
        else:
            response.body = self.read_to_end()
        return response

    def read_response(self, method="POST"):
        """The next final answer, whole; 1xx answers before it are kept in .informational."""
        informational = []
        while True:
            response = self.read_head()
            if response.status >= 200:
                break
            informational.append(response)
        response.informational = informational
        return self.read_body(response, method)

    def stream_events(self):
        """Yields (data, time) for each event of a chunked stream, as it comes."""
        text = b""
        while True:
            chunk = self.read_chunk()
            if not chunk:
                if text.strip():
                    raise Broken("stream ended within an event: %r" % text)
                return
            text += chunk
            while b"\n\n" in text:
                record, text = text.split(b"\n\n", 1)
                for data in sse_data(record + b"\n\n"):
                    yield data, time.monotonic()

    def read_to_end(self):
        parts = [self.buffer]
        self.buffer = b""
        while True:
            data = self.sock.recv(262144)
            if not data:
                return b"".join(parts)
            parts.append(data)

    def wait_closed(self, timeout=2.0):
        """True when the peer closes (FIN or RST) within the time; what it sent is dropped."""
        end = time.monotonic() + timeout
        try:
            while time.monotonic() < end:
                self.sock.settimeout(max(0.01, end - time.monotonic()))
                if not self.sock.recv(65536):
                    return True
        except (socket.timeout, TimeoutError):
            return False
        except OSError:
            return True
        return False


def chunked(data, size=7):
    """The chunked form of data, in chunks of the size given."""
    parts = []
    for at in range(0, len(data), size):
        piece = data[at:at + size]
        parts.append(b"%x\r\n%s\r\n" % (len(piece), piece))
    return b"".join(parts) + b"0\r\n\r\n"
