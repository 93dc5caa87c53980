"""Pictures for scenarios, and what a strict provider says of a picture that it got."""
import base64
import struct
import zlib

MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8",
         "image/webp": b"RIFF"}


def part(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width=8, height=8):
    """A real picture: one colour, RGB."""
    rows = (b"\0" + b"\x20\x80\xe0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (MAGIC["image/png"] + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows))
            + part(b"IEND", b""))


def measure(kind, data):
    """(type, size) of base64 DATA; ValueError when it is no picture of that type."""
    raw = base64.b64decode(data, validate=True)
    if not raw.startswith(MAGIC.get(kind, b"\0none")):
        raise ValueError("the bytes are no %s" % kind)
    return kind, len(raw)


def measure_url(url):
    """The same of a data URL."""
    head, _, data = url.partition(";base64,")
    if not head.startswith("data:"):
        raise ValueError("only data URLs are expected here: " + url[:40])
    return measure(head[5:], data)
