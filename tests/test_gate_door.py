"""The door by itself, around an application of the test's own that misbehaves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from khemon.gate import places, running
from khemon.gate.door import Gate
from khemon.settings import Settings
from tests.looping import finished
from tests.server import CANARY

PORT = 8501


@pytest.fixture
def place() -> Iterator[running.Place]:
    with running.over(object(), Settings(mode="demo", port=PORT)) as place:  # type: ignore[arg-type]
        yield place


def through(
    app,
    place: running.Place | None,
    path: str,
    method: str = "GET",
    body: tuple[bytes, ...] = (),
    *,
    ends: bool = True,
    **more: str,
):
    """What the gate sends for a request of a signed-in session, whose body comes in parts without a length."""
    token = place.sessions.open(place.actor)[0] if place else "x"
    headers = {
        "host": f"127.0.0.1:{PORT}",
        "origin": f"http://127.0.0.1:{PORT}",
        "cookie": f"other=1; khemon_{PORT}={token}",
        **more,
    }
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "server": ("127.0.0.1", PORT),
        "client": ("127.0.0.1", 5),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    coming = [{"type": "http.request", "body": part, "more_body": True} for part in body]
    coming += [{"type": "http.request", "body": b"", "more_body": False}] if ends else []
    sent: list[dict] = []

    async def receive() -> dict:
        return coming.pop(0) if coming else await asyncio.Event().wait()

    async def send(message: dict) -> None:
        sent.append(message)

    finished(Gate(app)(scope, receive, send))
    return sent


def status(sent: list[dict]) -> int:
    return sent[0]["status"]


def header(sent: list[dict], name: bytes) -> bytes | None:
    return dict(sent[0]["headers"]).get(name)


async def ok(send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"server", b"x")]})
    await send({"type": "http.response.body", "body": b"fine"})


@pytest.mark.parametrize(("parts", "answered"), [(1, 200), (2, 413), (50, 413)])
def test_a_body_that_hides_its_length_is_cut_off_at_the_limit_of_its_path(place, parts, answered):
    taken = 0

    async def drains(scope, receive, send) -> None:
        nonlocal taken
        more = True
        while more:
            message = await receive()
            taken += len(message["body"])
            more = message["more_body"]
        await ok(send)

    part = b"x" * places.MOST_OTHER_BYTES
    sent = through(drains, place, places.SIGN_OUT, "POST", (part,) * parts)
    assert status(sent) == answered
    assert taken == places.MOST_OTHER_BYTES
    assert header(sent, b"x-content-type-options") == b"nosniff"


def test_an_error_inside_is_answered_with_the_headers_and_without_its_text(place, caplog):
    async def fails(scope, receive, send) -> None:
        raise KeyError(CANARY)

    with caplog.at_level(logging.ERROR):
        sent = through(fails, place, "/ward")
    assert status(sent) == 500
    assert CANARY not in str(sent) + caplog.text
    assert "KeyError at " in caplog.text
    assert header(sent, b"content-security-policy")


def test_an_error_after_the_first_byte_cuts_the_answer_short(place):
    async def fails_late(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError(CANARY)

    assert [message["type"] for message in through(fails_late, place, "/ward")] == ["http.response.start"]


def test_the_application_learns_the_session_and_neither_the_token_nor_what_the_client_claims(place):
    seen: list[dict[bytes, bytes]] = []

    async def looks(scope, receive, send) -> None:
        seen.append(dict(scope["headers"]))
        await ok(send)

    claims = {"x-khemon-session": "me", "X-Khemon-Actor": "root", "x_khemon_session": "me", "forwarded": "for=1"}
    more = {"x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.1", "x-streamlit-user": "e30=", "remote-user": "root"}
    sent = through(looks, place, "/ward", **claims, **more)
    [headers] = seen
    assert set(headers) == {b"host", b"origin", b"cookie", b"x-khemon-session"}
    assert headers[b"cookie"] == b"other=1"
    assert place.sessions.actor(headers[b"x-khemon-session"].decode()).kind == "demo"
    assert header(sent, b"server") is None


def test_before_the_place_is_open_and_after_it_is_closed_nobody_gets_in():
    async def never(scope, receive, send) -> None:
        raise AssertionError("reached")

    for path in ("/", "/healthz", "/_stcore/health"):
        assert status(through(never, None, path)) == 503


def test_what_is_neither_http_nor_socket_nor_lifespan_goes_nowhere():
    reached: list[str] = []

    async def notes(scope, receive, send) -> None:
        reached.append(scope["type"])

    for kind in ("lifespan", "quic", "ftp"):
        finished(Gate(notes)({"type": kind}, None, None))
    assert reached == ["lifespan"]
