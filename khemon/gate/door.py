"""The door itself: a plain ASGI layer in front of all of Streamlit, for HTTP and WebSocket alike. Default deny."""

from __future__ import annotations

import asyncio
import logging
from urllib.parse import urlencode

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from khemon.gate import asking, places, running
from khemon.gate.answering import TLS_ONLY, answer, content_policy, guarded, session_cookie
from khemon.gate.asking import Headers, Refusal
from khemon.gate.loads import MOST_FILES, held_in_windows
from khemon.gate.patience import PART_WITHIN_S, TooSlow
from khemon.gate.quiet import where_of
from khemon.gate.running import Place
from khemon.gate.sessions import Session
from khemon.gate.sockets import POLICY, owns_window, serve_socket
from khemon.models import Refused

LOG = logging.getLogger("khemon.gate")
#: The header by which Streamlit learns whose session it is (`server.trustedUserHeaders`).
SESSION_HEADER = b"x-khemon-session"
NOT_SIGNED_IN = {
    "demo": "Not signed in. Open the address of the demo in a browser window.",
    "accounts": "Not signed in. Open the dashboard's address and sign in.",
    "serve": "Not signed in. Open the link that was printed last where `khemon serve` runs; each link works once.",
}


HANG_UP = (b"connection", b"close")
TOO_MUCH_AT_ONCE = "Too much is on its way already. Wait until it is read, then bring the rest."


class _TooLong(Exception):
    """A body that goes on beyond what its path may take."""


class Gate:
    """ASGI middleware that lets a request or socket through only when all of the table in `places` allows it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on, or answers in Streamlit's place."""
        place = _place()
        scope = {**scope, "khemon.public": place.settings.public_origin if place else None}
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = guarded(list(message.get("headers", [])), scope["path"], message["status"], _policy(scope))
                headers += [TLS_ONLY] if asking.is_public(scope) else []
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._ask(scope, receive, send_guarded)
        except _TooLong:
            if not started:
                await answer(send_guarded, 413, "That is too large.", [HANG_UP])
        except TooSlow:
            if not started:
                await answer(send_guarded, 408, "The rest of the request did not come.", [HANG_UP])
        except ClientDisconnect:
            # Whoever hangs up is not told, and could fill the log.
            pass
        except Exception as problem:
            # The text of an error may hold data; where it happened may not.
            LOG.error("request failed: %s", where_of(problem))
            if not started:
                await answer(send_guarded, 500, "Something went wrong here. Nothing was changed.")

    async def _ask(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = asking.misdirected(scope)
        if refusal is None and asking.is_foreign(scope):
            refusal = Refusal(403, "Another site may not ask for this.")
        if refusal is not None:
            await answer(send, refusal.status, refusal.text, [HANG_UP])
            return
        place = _place()
        if place is None:
            await answer(send, 503, "Not ready yet.")
            return
        session = _session(scope, place)
        by_link = place.settings.mode == "serve" and not place.standing.any
        if by_link and scope["path"] == "/" and asking.query_token(scope) is not None:
            await _sign_in_by_link(scope, send, place, session)
        elif session is not None or scope["path"] in places.OPEN:
            await self._pass(scope, receive, send, place, session)
        elif place.settings.mode == "demo" and scope["path"] in place.pages and asking.is_navigation(scope):
            token, session = place.sessions.open(place.actor)
            handing = _with_headers(send, [session_cookie(_cookie_name(scope, place), token)])
            await self._pass(scope, receive, handing, place, session)
        elif place.standing.any and scope["path"] in place.pages and asking.is_navigation(scope):
            await answer(send, 303, "Sign in first.", [(b"location", _to_sign_in(scope))])
        else:
            await answer(send, 401, _not_signed_in(place))

    async def _pass(self, scope: Scope, receive: Receive, send: Send, place: Place, session: Session | None) -> None:
        path, method = scope["path"], scope["method"]
        refusal = _not_here(scope, place, session)
        if refusal is not None:
            extra = [HANG_UP] if refusal.status == 413 else []
            await answer(send, refusal.status, refusal.text, extra)
            return
        if session is not None and (path in place.pages or method not in asking.SAFE_METHODS):
            place.sessions.touch(session)
        inside, limited = _inside(scope, place, session), _limited(receive, places.most_bytes(path))
        if session is None or places.window_of(path) is None or method != "PUT":
            await self._app(inside, limited, send)
            return
        size = _length_of(scope)
        files, held = held_in_windows(place.sessions.of_person(session))
        if files >= MOST_FILES or not place.loads.begin(session.person, size, held):
            await answer(send, 429, TOO_MUCH_AT_ONCE, [HANG_UP])
            return
        try:
            await self._app(inside, limited, send)
        finally:
            place.loads.end(session.person, size)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "websocket.http.response.start":
                headers = guarded(list(message["headers"]), scope["path"], message["status"], _policy(scope))
                message = {**message, "headers": headers}
            await send(message)

        found = _socket_session(scope)
        if not isinstance(found, Refusal):
            place, session = found
            await serve_socket(
                self._app, _inside(scope, place, session), receive, send_guarded, place.sessions, session
            )
        elif "websocket.http.response" in scope.get("extensions", {}):
            await answer(send_guarded, found.status, found.text, websocket=True)
        else:
            await send({"type": "websocket.close", "code": POLICY})


def _place() -> Place | None:
    try:
        return running.current()
    except Refused:
        return None


def _not_here(scope: Scope, place: Place, session: Session | None) -> Refusal | None:
    """Why this method at this path is refused to this session; None when it may pass."""
    methods = places.methods_at(scope["path"], place.pages)
    if session is not None and scope["path"] in place.pages and not place.standing.has_page(session, scope["path"]):
        methods = ()
    if not methods:
        return Refusal(404, "There is no such address here.")
    if scope["method"] not in methods:
        return Refusal(405, "That cannot be done here.")
    if scope["method"] not in asking.SAFE_METHODS and not asking.is_from_own_page(scope):
        return Refusal(403, "Only a page of this server may ask for this.")
    length = asking.all_values(scope["headers"], b"content-length")
    if any(not value.isdigit() for value in length):
        return Refusal(400, "The length of the request is not a number.")
    if any(int(value) > places.most_bytes(scope["path"]) for value in length):
        return Refusal(413, "That is too large.")
    window = places.window_of(scope["path"])
    if window is not None and (session is None or not owns_window(session, window)):
        return Refusal(404, "That window is closed.")
    if window is not None and session is not None and not place.standing.has_page(session, places.UPLOAD):
        return Refusal(404, "There is no such address here.")
    return None


def _socket_session(scope: Scope) -> tuple[Place, Session] | Refusal:
    """The session a socket belongs to, or why it is refused before it is accepted."""
    refusal = asking.misdirected(scope)
    if refusal is not None:
        return refusal
    if not asking.is_from_own_page(scope) or asking.is_foreign(scope):
        return Refusal(403, "Only a page of this server may open a socket.")
    place = _place()
    if place is None:
        return Refusal(503, "Not ready yet.")
    session = _session(scope, place)
    if session is None:
        return Refusal(401, _not_signed_in(place))
    if scope["path"] != places.STREAM:
        return Refusal(404, "There is no such address here.")
    return place, session


async def _sign_in_by_link(scope: Scope, send: Send, place: Place, session: Session | None) -> None:
    """Signs in by the printed link and leads away from it, so that it stays in no history and no log."""
    cookies: Headers = []
    if asking.is_navigation(scope) and place.link.take(asking.query_token(scope) or ""):
        if session is not None:
            place.sessions.end(session)
        token, session = place.sessions.open(place.actor)
        cookies = [session_cookie(_cookie_name(scope, place), token)]
    if session is None:
        await answer(send, 401, NOT_SIGNED_IN["serve"])
    else:
        await answer(send, 303, "Signed in.", [(b"location", b"/"), *cookies])


def _not_signed_in(place: Place) -> str:
    return NOT_SIGNED_IN["accounts" if place.standing.any else place.settings.mode]


def _to_sign_in(scope: Scope) -> bytes:
    """Where to sign in, with the address that was asked for: a link to a patient survives the sign-in."""
    query = scope.get("query_string", b"").decode("latin-1")
    wanted = scope["path"] + (f"?{query}" if query else "")
    on = f"?{urlencode({'next': wanted})}" if wanted != "/" and asking.is_own_address(wanted) else ""
    return f"{places.SIGN_IN}{on}".encode("ascii")


def _policy(scope: Scope) -> bytes:
    place = _place()
    return content_policy(asking.origin_of(scope), place.script_hashes if place else ())


def _cookie_name(scope: Scope, place: Place) -> str:
    return place.cookie_name(scope)


def _session(scope: Scope, place: Place) -> Session | None:
    token = asking.cookie(scope["headers"], _cookie_name(scope, place))
    session = place.sessions.of_token(token) if token else None
    if session is not None and not place.standing.holds(session):
        place.sessions.end(session)
        return None
    return session


def _inside(scope: Scope, place: Place, session: Session | None) -> Scope:
    """The scope as Streamlit gets it: without what a client may not say, and without the token."""
    own, marked = _cookie_name(scope, place), place.mark_name(scope)
    headers = asking.cleaned(scope["headers"], own, marked)
    if session is not None:
        headers.append((SESSION_HEADER, session.reference.encode("ascii")))
    mark = asking.cookie(scope["headers"], marked)
    told = {"khemon.session": session, "khemon.address": asking.address_of(scope), "khemon.mark": mark}
    return {**scope, "headers": headers, **told}


def _with_headers(send: Send, extra: Headers) -> Send:
    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return send_more


def _length_of(scope: Scope) -> int:
    """How long a body says it is; the longest its path may take for one that does not say."""
    stated = asking.only_value(scope["headers"], b"content-length")
    return int(stated) if stated is not None else places.most_bytes(scope["path"])


def _limited(receive: Receive, most: int) -> Receive:
    seen, whole = 0, False

    async def receive_counted() -> Message:
        nonlocal seen, whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), PART_WITHIN_S)
        except TimeoutError:
            raise TooSlow from None
        if message["type"] == "http.request":
            whole = not message.get("more_body", False)
            seen += len(message.get("body", b""))
            if seen > most:
                raise _TooLong
        return message

    return receive_counted
