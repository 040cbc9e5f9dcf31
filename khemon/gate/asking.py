"""What is asked, read from an ASGI scope with suspicion: where from, for which host, along which path."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.types import Scope

MOST_HEADERS = 64
MOST_HEADER_BYTES = 16 * 1024
MOST_QUERY_BYTES = 4 * 1024
#: No address of this application needs an escape, a backslash, an empty or a dotted segment.
PLAIN_PATH = re.compile(rb"/(?:[A-Za-z0-9_~@+-][A-Za-z0-9._~@+-]*(?:/(?!$)|$))*")
SAFE_METHODS = frozenset({"GET", "HEAD"})
#: Headers that only this gate, or a proxy that we do not have, may set.
NOT_FROM_OUTSIDE = re.compile(rb"x[-_](khemon|forwarded|streamlit)[-_].*|forwarded|x[-_]real[-_]ip|remote[-_]user")

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the gate says no: an HTTP status and a sentence for the person who asked."""

    status: int
    text: str


def is_loopback(address: object) -> bool:
    """Whether an ASGI `client` or `server` pair is an address of this machine's own loopback."""
    if not isinstance(address, list | tuple) or not address:
        return False
    try:
        found = ipaddress.ip_address(str(address[0]))
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def all_values(headers: Headers, name: bytes) -> list[bytes]:
    """Every value of a header, in order."""
    return [value for key, value in headers if key.lower() == name]


def only_value(headers: Headers, name: bytes) -> bytes | None:
    """The value of a header that stands there exactly once, else None."""
    values = all_values(headers, name)
    return values[0] if len(values) == 1 else None


def misdirected(scope: Scope) -> Refusal | None:
    """What is wrong with the way a request came in, before anybody asks who sent it; None when nothing is."""
    headers: Headers = scope["headers"]
    if not is_loopback(scope.get("server")) or not is_loopback(scope.get("client")):
        return Refusal(403, "This server answers on its own machine only.")
    if len(headers) > MOST_HEADERS or sum(len(key) + len(value) for key, value in headers) > MOST_HEADER_BYTES:
        return Refusal(431, "The request has too many or too long headers.")
    if host_of(scope) is None:
        return Refusal(421, "This server answers to 127.0.0.1 and localhost only.")
    if all_values(headers, b"content-length") and all_values(headers, b"transfer-encoding"):
        # A proxy might go by the other one, and take the rest for another request.
        return Refusal(400, "The length of the request is stated in two ways.")
    if len(scope.get("query_string", b"")) > MOST_QUERY_BYTES:
        return Refusal(414, "The address is too long.")
    if not has_plain_path(scope):
        return Refusal(400, "There is no such address here.")
    return None


def host_of(scope: Scope) -> str | None:
    """The host the request names, if it is this machine and this port; else None."""
    host = only_value(scope["headers"], b"host")
    if host is None:
        return None
    port = scope["server"][1]
    names = ("127.0.0.1", "localhost", "[::1]")
    known = {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())
    text = host.decode("latin-1").lower()
    return text if text in known or text == _public_host(scope) else None


def _public_host(scope: Scope) -> str | None:
    """The host of the address behind which a TLS proxy stands, when the site has one."""
    public: str | None = scope.get("khemon.public")
    return None if public is None else public.removeprefix("https://")


def is_public(scope: Scope) -> bool:
    """Whether a request names the address of the TLS proxy: its browser speaks TLS."""
    host = host_of(scope)
    return host is not None and host == _public_host(scope)


def origin_of(scope: Scope) -> str:
    """This server as the browser of a request knows it."""
    host = host_of(scope) or "127.0.0.1"
    return f"https://{host}" if is_public(scope) else f"http://{host}"


def has_plain_path(scope: Scope) -> bool:
    """Whether the path means the same to everybody who reads it."""
    path = scope["path"].encode("utf-8", "surrogateescape")
    raw = scope.get("raw_path") or path
    return raw == path and not scope.get("root_path") and PLAIN_PATH.fullmatch(path) is not None


def is_from_own_page(scope: Scope) -> bool:
    """Whether the request names this very origin. A missing Origin is not ours."""
    origin = only_value(scope["headers"], b"origin")
    return host_of(scope) is not None and origin is not None and origin.decode("latin-1").lower() == origin_of(scope)


def is_navigation(scope: Scope) -> bool:
    """Whether a person opens a page in a window of their own; browsers say what they do, and must say this."""
    headers: Headers = scope["headers"]
    wanted = b",".join(all_values(headers, b"accept"))
    if scope["method"] != "GET" or (wanted and b"text/html" not in wanted and b"*/*" not in wanted):
        return False
    if all_values(headers, b"sec-purpose") or all_values(headers, b"purpose"):
        return False
    mode, destination = only_value(headers, b"sec-fetch-mode"), only_value(headers, b"sec-fetch-dest")
    return mode in (None, b"navigate") and destination in (None, b"document")


def is_foreign(scope: Scope) -> bool:
    """Whether another site's page asks for something other than to be left for this one."""
    site = only_value(scope["headers"], b"sec-fetch-site")
    return site in (b"cross-site", b"same-site") and not (scope["type"] == "http" and is_navigation(scope))


def address_of(scope: Scope) -> str:
    """The address a request came from, as text: behind the proxy the one that the proxy saw."""
    client = scope.get("client")
    seen = only_value(scope["headers"], b"x-forwarded-for") if is_public(scope) else None
    if seen is not None:
        # The last one is the proxy's own word; those before it are the client's.
        return seen.decode("latin-1").rpartition(",")[2].strip()
    return str(client[0]) if client else ""


def is_own_address(address: str) -> bool:
    """Whether a text is a path inside this server, with a query at most: nothing that leads to another one."""
    path, _, query = address.partition("?")
    plain_query = all("!" <= sign <= "~" and sign not in '\\#<>"' for sign in query)
    return PLAIN_PATH.fullmatch(path.encode("utf-8", "surrogateescape")) is not None and plain_query


def cookie(headers: Headers, name: str) -> str | None:
    """The value of a cookie that is sent exactly once; two of the same name mean that somebody planted one."""
    found: list[str] = []
    for header in all_values(headers, b"cookie"):
        for part in header.decode("latin-1").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                found.append(value)
    return found[0] if len(found) == 1 else None


def query_token(scope: Scope) -> str | None:
    """The value of `token` in the address; None when there is none, or more than one."""
    try:
        fields = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
    except ValueError:
        return None
    values = fields.get("token", [])
    return values[0] if len(values) == 1 else None


def cleaned(headers: Headers, *cookie_names: str) -> Headers:
    """The headers without those that let a client say who it is or where it comes from, and without our cookies."""
    kept, ours = [], {name.encode("ascii") for name in cookie_names}
    for key, value in headers:
        if NOT_FROM_OUTSIDE.fullmatch(key.lower()):
            continue
        if key.lower() == b"cookie":
            parts = (part.strip() for part in value.split(b";"))
            value = b"; ".join(part for part in parts if part.partition(b"=")[0] not in ours)
        kept.append((key, value))
    return kept
