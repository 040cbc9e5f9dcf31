"""HTTP and WebSocket byte for byte: what no client library would send, and exactly what comes back."""

from __future__ import annotations

import base64
import os
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

PATIENCE_S = 60


@dataclass(frozen=True)
class Answer:
    """A whole answer. `raw` is every byte that came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name]
        assert len(found) < 2, f"{name} stands there twice"
        return found[0] if found else None

    def cookie(self, name: str) -> str | None:
        """The Set-Cookie line of that cookie."""
        return next((v for k, v in self.headers if k == "set-cookie" and v.startswith(f"{name}=")), None)


def ask(
    port: int,
    target: str | bytes,
    method: str = "GET",
    headers: dict[str, str] | list[tuple[str, str]] | None = None,
    body: bytes = b"",
    *,
    address: str = "127.0.0.1",
    source: str = "",
) -> Answer:
    """What one request gets. Nothing is added to it but `Connection: close` and the length of a body.

    source: the address of this machine that it comes from, another one than usual.
    """
    lines = list(headers.items() if isinstance(headers, dict) else headers or [])
    if body and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in lines):
        lines.append(("Content-Length", str(len(body))))
    lines.append(("Connection", "close"))
    with socket.create_connection((address, port), PATIENCE_S, (source, 0) if source else None) as wire:
        _send(wire, _head(method, target, lines) + body)
        return parsed(_all(wire))


def _head(method: str, target: str | bytes, lines: list[tuple[str, str]]) -> bytes:
    path = target if isinstance(target, bytes) else target.encode("latin-1")
    fields = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in lines)
    return method.encode() + b" " + path + b" HTTP/1.1\r\n" + fields + b"\r\n"


def _send(wire: socket.socket, content: bytes) -> None:
    with suppress(OSError):  # refused before all was sent: the answer says why
        wire.sendall(content)


def _all(wire: socket.socket) -> bytes:
    found = []
    with suppress(OSError):  # closed hard, after the answer
        while part := wire.recv(65536):
            found.append(part)
    return b"".join(found)


def parsed(raw: bytes) -> Answer:
    """The parts of an answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    fields = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest))
    return Answer(int(first.split(" ")[1]) if first else 0, fields, body, raw)


class Wire:
    """A WebSocket held by hand. `answer` is the answer to the handshake; frames only flow after a 101."""

    def __init__(self, port: int, headers: list[tuple[str, str]], target: str = "/_stcore/stream") -> None:
        self._wire = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        upgrade = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ]
        self._wire.sendall(_head("GET", target, [*headers, *upgrade]))
        self._rest = b""
        self.closed_with: int | None = None
        head = b""
        while b"\r\n\r\n" not in head:
            part = self._wire.recv(65536)
            if not part:
                break
            head += part
        self.answer = parsed(head)
        if self.answer.status == 101:
            self._rest = self.answer.body
        else:
            self.answer = parsed(head + _all(self._wire))
            self._wire.close()

    def close(self) -> None:
        """Hangs up without a word."""
        self._wire.close()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, content: bytes, kind: int = 2) -> None:
        """Sends one frame, masked as a client must."""
        mask = os.urandom(4)
        length = len(content)
        size = bytes([0x80 | length]) if length < 126 else bytes([0x80 | 127]) + struct.pack(">Q", length)
        hidden = bytes(byte ^ mask[place % 4] for place, byte in enumerate(content))
        _send(self._wire, bytes([0x80 | kind]) + size + mask + hidden)

    def frame(self) -> bytes | None:
        """The next data frame; None when the other side has closed."""
        while True:
            first, second = self._take(2) or (0x88, 0)
            length = second & 0x7F
            if length > 125:
                wide = self._take(2 if length == 126 else 8) or b"\0"
                length = int.from_bytes(wide, "big")
            content = (self._take(length) if length else b"") or b""
            kind = first & 0x0F
            if kind == 8:
                self.closed_with = int.from_bytes(content[:2], "big") if content else None
                return None
            if kind == 9:
                self.send(content, 10)
            else:
                return content

    def frames_until(self, enough) -> bytes:
        """All that comes, up to the frame for which `enough(all so far)` holds, or the end."""
        found = b""
        while not enough(found):
            part = self.frame()
            if part is None:
                break
            found += part
        return found

    def _take(self, count: int) -> bytes | None:
        while len(self._rest) < count:
            try:
                part = self._wire.recv(65536)
            except ConnectionError:
                return None
            if not part:
                return None
            self._rest += part
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken
