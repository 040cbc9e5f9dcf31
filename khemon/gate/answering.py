"""What leaves the gate: security headers on every answer, and plain pages of our own."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from pathlib import Path

from starlette.types import Send

from khemon.gate.asking import Headers
from khemon.gate.places import may_be_cached

#: What a browser may do with a page of ours, apart from the policy on content.
FIXED: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not `no-referrer`: a form would then send the Origin `null`, which the gate refuses.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"origin-agent-cluster", b"?1"),
    (b"x-permitted-cross-domain-policies", b"none"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (
        b"permissions-policy",
        b"accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), "
        b"geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), "
        b"picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), "
        b"xr-spatial-tracking=()",
    ),
]
#: Said where a TLS proxy stands before the server: never again without TLS.
TLS_ONLY = (b"strict-transport-security", b"max-age=31536000")
#: A cookie of this name is refused by browsers unless it came over TLS, from this very host.
TLS_PREFIX = "__Host-"
MARKED_FOR_S = 180 * 24 * 3600
#: What Streamlit or the server may say about itself or allow to others; the gate decides that alone.
_REPLACED = re.compile(rb"access-control-.*|server|x-powered-by|content-security-policy.*|cache-control|pragma|expires")


def inline_script_hashes(index: Path) -> tuple[str, ...]:
    """CSP sources for the inline scripts of Streamlit's own page; they change with its version."""
    scripts = re.findall(r"<script>(.*?)</script>", index.read_text(encoding="utf-8"), flags=re.DOTALL)
    digests = (hashlib.sha256(script.encode("utf-8")).digest() for script in scripts)
    return tuple(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)


def content_policy(origin: str, hashes: tuple[str, ...]) -> bytes:
    """The content security policy: nothing comes from, or goes to, anywhere but this server."""
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(("'self'", *hashes)),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' {origin.replace('http', 'ws', 1)}",
        "worker-src": "'self' blob:",
        "manifest-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "object-src": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items()).encode("ascii")


def guarded(headers: Headers, path: str, status: int, policy: bytes) -> Headers:
    """The headers of an answer with ours in the place of what others set."""
    kept = [(name, value) for name, value in headers if not _REPLACED.fullmatch(name.lower())]
    names = {name for name, _ in FIXED}
    kept = [(name, value) for name, value in kept if name.lower() not in names]
    caching = [value for name, value in headers if name.lower() == b"cache-control" and b"immutable" in value]
    kept_for = caching[0] if may_be_cached(path) and status in (200, 206, 304) and caching else b"no-store"
    return [*kept, *FIXED, (b"content-security-policy", policy), (b"cache-control", kept_for)]


def plain(status: int, text: str) -> tuple[Headers, bytes]:
    """Headers and body of a short answer in words, for a person in a browser."""
    body = (
        "<!doctype html><html lang=en><meta charset=utf-8><link rel=icon href=data:,><title>khemon</title>"
        f"<body style='font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem'>"
        f"<h1>khemon</h1><p>{escape(text)}</p>"
    ).encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    return headers, body


def session_cookie(name: str, token: str) -> tuple[bytes, bytes]:
    """The header that hands the token to the browser: out of reach of scripts and of other sites' requests."""
    return b"set-cookie", f"{name}={token}; Path=/; HttpOnly; SameSite=Lax{_secure(name)}".encode("ascii")


def mark_cookie(name: str, mark: str) -> tuple[bytes, bytes]:
    """The header that marks a browser for half a year as one in which somebody signed in."""
    text = f"{name}={mark}; Path=/; HttpOnly; SameSite=Strict; Max-Age={MARKED_FOR_S}{_secure(name)}"
    return b"set-cookie", text.encode("ascii")


def forgotten_cookie(name: str) -> tuple[bytes, bytes]:
    """The header that takes the token back."""
    return b"set-cookie", f"{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{_secure(name)}".encode("ascii")


def _secure(name: str) -> str:
    return "; Secure" if name.startswith(TLS_PREFIX) else ""


async def answer(send: Send, status: int, text: str, extra: Headers | None = None, *, websocket: bool = False) -> None:
    """Sends a short answer; to a socket that was not accepted, as the answer to its handshake."""
    kind = "websocket.http.response" if websocket else "http.response"
    headers, body = plain(status, text)
    await send({"type": f"{kind}.start", "status": status, "headers": [*headers, *(extra or [])]})
    await send({"type": f"{kind}.body", "body": body})
