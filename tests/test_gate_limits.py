"""What one person may take: sign-ins, sockets, bytes on their way in, files that lie ready; and how a file leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from uvicorn.server import ServerState

from khemon.gate import door, downloads, loads, patience, running, sessions
from khemon.gate.downloads import Downloads, Offer
from khemon.gate.loads import Loads
from khemon.gate.patience import PatientProtocol
from khemon.gate.places import MEGABYTE
from khemon.gate.routes import routes
from khemon.gate.sessions import SESSIONS_PER_PERSON, SOCKETS_PER_PERSON, SOCKETS_PER_SESSION, Sessions
from khemon.models import Actor, Refused
from khemon.settings import Settings
from tests.looping import finished
from tests.server import CANARY
from tests.test_gate_door import PORT, header, ok, status, through

ANN, BOB = (Actor(name=name, kind="account", credential_version=1) for name in ("Ann", "Bob"))
LOCAL = Actor(name="nurse", kind="local")


@pytest.fixture
def signed_in() -> Sessions:
    return Sessions(3600.0, 3600.0)


def test_who_signs_in_again_and_again_ends_sessions_of_their_own_and_of_nobody_else(signed_in: Sessions):
    bob = signed_in.open(BOB)[1]
    tokens = [signed_in.open(ANN)[0] for _ in range(sessions.SESSIONS + 1)]
    alive = [token for token in tokens if signed_in.of_token(token)]
    assert alive == tokens[-SESSIONS_PER_PERSON:]
    assert signed_in.of_reference(bob.reference) is bob


def test_one_account_has_so_many_sockets_at_all_computers_together(signed_in: Sessions):
    other_case = Actor(name="ANN", kind="account", credential_version=1)
    own = [signed_in.open(actor)[1] for actor in (ANN, other_case, ANN)]
    taken = [signed_in.attach(each, object(), lambda: None) for each in own for _ in range(SOCKETS_PER_SESSION)]
    assert sum(taken) == SOCKETS_PER_PERSON < len(taken)
    assert signed_in.attach(signed_in.open(BOB)[1], object(), lambda: None)
    # Without accounts everybody is the same person: there each sign-in has its own.
    for _ in range(3):
        local = signed_in.open(LOCAL)[1]
        assert all(signed_in.attach(local, object(), lambda: None) for _ in range(SOCKETS_PER_SESSION))


def test_bytes_on_their_way_in_are_counted_by_person_and_together():
    coming = Loads()
    assert coming.begin("Ann", loads.MOST_BYTES)
    assert not coming.begin("Ann", 1)
    coming.end("Ann", loads.MOST_BYTES)
    assert not coming.begin("Ann", 1, held=loads.MOST_BYTES)
    people = [f"person {number}" for number in range(loads.MOST_BYTES_IN_ALL // loads.MOST_BYTES)]
    assert all(coming.begin(person, loads.MOST_BYTES) for person in people)
    assert not coming.begin("Ann", 1)
    for person in people:
        coming.end(person, loads.MOST_BYTES)
    assert coming.begin("Ann", loads.MOST_BYTES)


def test_files_that_nobody_fetches_do_not_fill_the_memory(signed_in: Sessions):
    ready = Downloads()
    first, second, other = (signed_in.open(actor)[1] for actor in (ANN, ANN, BOB))
    half = Offer("x", "text/csv", lambda: b"", downloads.MOST_BYTES // 2)
    token = ready.offer(first, "a", half)
    ready.offer(second, "b", half)
    with pytest.raises(Refused, match="take all the room"):
        ready.offer(first, "c", half)
    assert ready.offer(other, "d", half)
    assert ready.take(first, token) is half
    assert ready.offer(first, "c", half)


def test_files_end_with_the_sign_in_they_were_made_for(signed_in: Sessions):
    ready = Downloads(lives=lambda reference: signed_in.of_reference(reference) is not None)
    session = signed_in.open(ANN)[1]
    ready.offer(session, "a", Offer("x", "text/csv", lambda: b"", 5))
    signed_in.end(session)
    ready.offer(signed_in.open(BOB)[1], "b", Offer("x", "text/csv", lambda: b""))
    assert [kept.key for kept in ready._kept.values()] == ["b"]


# ---- a file through the door -------------------------------------------------------------------------------------


@pytest.fixture
def place() -> Iterator[running.Place]:
    with running.over(object(), Settings(mode="demo", port=PORT)) as place:  # type: ignore[arg-type]
        yield place


def test_an_export_is_for_nobody_then_for_its_own_sign_in_once_and_never_for_another(place, monkeypatch):
    made: list[bytes] = []

    def make() -> bytes:
        made.append(CANARY.encode())
        return made[-1]

    token, owner = place.sessions.open(place.actor)
    path = f"/download/{place.downloads.offer(owner, 'chart', Offer(f'{CANARY}.csv', 'text/csv', make))}"
    app = Starlette(routes=routes())

    def fetched(cookie: str):
        return through(app, place, path, cookie=cookie)

    for cookie, refused in (("", 401), (f"khemon_{PORT}={owner.reference}", 401)):
        sent = fetched(cookie)
        assert (status(sent), CANARY in repr(sent)) == (refused, False)
    other = place.sessions.open(place.actor)[0]
    sent = fetched(f"khemon_{PORT}={other}")
    assert (status(sent), CANARY in repr(sent), made) == (404, False, [])
    sent = fetched(f"khemon_{PORT}={token}")
    assert (status(sent), sent[1]["body"]) == (200, CANARY.encode())
    assert header(sent, b"cache-control") == b"no-store"
    assert header(sent, b"content-disposition").startswith(b"attachment")
    sent = fetched(f"khemon_{PORT}={token}")
    assert (status(sent), CANARY in repr(sent), len(made)) == (404, False, 1)


def test_an_export_that_is_refused_when_it_is_fetched_says_why_and_gives_nothing(place):
    def refuses() -> bytes:
        raise Refused("account", "your account may not export", "ask a data manager")

    token, owner = place.sessions.open(place.actor)
    path = f"/download/{place.downloads.offer(owner, 'chart', Offer('x.csv', 'text/csv', refuses))}"
    sent = through(Starlette(routes=routes()), place, path, cookie=f"khemon_{PORT}={token}")
    assert status(sent) == 403 and b"may not export" in sent[1]["body"]


def test_an_upload_beyond_what_a_person_may_have_on_the_way_is_refused_before_it_is_read(place, monkeypatch):
    token, _ = place.sessions.open(place.actor)
    monkeypatch.setattr(door, "owns_window", lambda session, window: True)
    held = [(0, 0)]
    monkeypatch.setattr(door, "held_in_windows", lambda sessions: held[0])
    read: list[bool] = []

    async def takes(scope, receive, send) -> None:
        read.append(True)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def sent(size: int) -> int:
        more = {"content-length": str(size), "cookie": f"khemon_{PORT}={token}"}
        return status(through(takes, place, "/_stcore/upload_file/w/f", "PUT", **more))

    assert sent(19 * MEGABYTE) == 204
    held[0] = (3, loads.MOST_BYTES - MEGABYTE)
    assert (sent(2 * MEGABYTE), len(read)) == (429, 1)
    assert sent(MEGABYTE) == 204
    held[0] = (loads.MOST_FILES, 0)
    assert sent(10) == 429
    assert not place.loads._coming, "what is over does not count any more"


def test_files_are_taken_only_from_whom_the_upload_page_exists_for(place, monkeypatch):
    token, _ = place.sessions.open(place.actor)
    monkeypatch.setattr(door, "owns_window", lambda session, window: True)
    monkeypatch.setattr(type(place.standing), "has_page", lambda self, session, path: path != "/upload")

    async def never(scope, receive, send) -> None:
        raise AssertionError("reached")

    for method in ("PUT", "DELETE"):
        sent = through(never, place, "/_stcore/upload_file/w/f", method, cookie=f"khemon_{PORT}={token}")
        assert status(sent) == 404


# ---- by drops -----------------------------------------------------------------------------------------------------


async def drains(scope, receive, send) -> None:
    while (await receive()).get("more_body"):
        pass
    await ok(send)


def test_a_body_that_does_not_go_on_is_given_up_and_whoever_hangs_up_is_not_logged(place, monkeypatch, caplog):
    monkeypatch.setattr(door, "PART_WITHIN_S", 0.05)
    sent = through(drains, place, "/sign-out", "POST", (b"a", b"b"), ends=False)
    assert (status(sent), header(sent, b"connection")) == (408, b"close")
    assert status(through(drains, place, "/sign-out", "POST", (b"a", b"b"))) == 200

    async def hung_up_on(scope, receive, send) -> None:
        raise ClientDisconnect

    assert through(hung_up_on, place, "/sign-out", "POST") == []
    assert not caplog.records


def test_a_length_that_is_stated_in_two_ways_is_refused_and_what_follows_is_no_further_request(place):
    sent = through(drains, place, "/sign-out", "POST", **{"content-length": "4", "transfer-encoding": "chunked"})
    assert (status(sent), header(sent, b"connection")) == (400, b"close")


def test_a_head_that_comes_by_drops_is_hung_up_on_and_an_upgraded_socket_is_not(monkeypatch):
    monkeypatch.setattr(patience, "HEAD_WITHIN_S", 0.2)
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n"
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    upgrade += b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"

    async def answers(scope, receive, send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            await send({"type": "websocket.send", "bytes": b"still here"})
        else:
            await drains(scope, receive, send)

    async def tried() -> None:
        config = uvicorn.Config(answers, http=PatientProtocol, ws="websockets-sansio", log_config=None)
        config.load()
        state = ServerState()
        made = partial(PatientProtocol, config=config, server_state=state, app_state={})
        listening = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        pipes: list[asyncio.StreamWriter] = []

        async def connected(first: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            coming, going = await asyncio.open_connection("127.0.0.1", port)
            pipes.append(going)
            going.write(first)
            return coming, going

        socket, frames = await connected(whole + upgrade)
        assert b" 101 " in await socket.readuntil(b"\r\n\r\n")
        slow, _ = await connected(whole + b"X: ")
        assert await slow.read() == b"", "hung up on without a word"
        second, drops = await connected(whole + b"\r\n")
        assert (await second.readuntil(b"fine")).startswith(b"HTTP/1.1 200")
        drops.write(whole + b"X: ")
        await second.read()
        assert second.at_eof()
        frames.write(b"\x82\x81\0\0\0\0a")
        assert b"still here" in await socket.readuntil(b"still here")
        for pipe in pipes:
            pipe.close()
        listening.close()
        while state.connections:
            await asyncio.sleep(0)

    finished(asyncio.wait_for(tried(), 20))
