"""A live socket: it lasts as long as its session, and only what a person does keeps the session awake."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from khemon.gate.answering import answer
from khemon.gate.quiet import where_of
from khemon.gate.sessions import Session, Sessions

LOG = logging.getLogger("khemon.gate")
#: RFC 6455: the server refuses to go on for a reason of its own; a frame of a kind it does not take.
POLICY, UNSUPPORTED = 1008, 1003
#: What a browser may ask for: not to clear the caches of all, to write into the server's folders or to look at git.
NEEDED = frozenset({"rerun_script", "stop_script", "app_heartbeat", "file_urls_request"})
NEEDED_OPERATIONS = frozenset({"dataframe_chunk"})
LONGEST_NAMES = 200
_OVER: Message = {"type": "websocket.disconnect", "code": POLICY}


async def serve_socket(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, sessions: Sessions, session: Session
) -> None:
    """Runs the socket through `app` until either side leaves or the session ends."""
    socket = _Socket(receive, send, sessions, session)
    if not sessions.attach(session, socket, socket.end_soon):
        await answer(send, 429, "Too many windows are open. Close some and try again.", websocket=True)
        return
    watching = asyncio.create_task(socket.watch(), name="khemon-session-watch")
    try:
        await app(scope, socket.receive, socket.send)
    except Exception as problem:
        LOG.error("socket failed: %s", where_of(problem))
    finally:
        sessions.detach(session, socket)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


class _Socket:
    """Receive and send of one socket, cut off the moment the session ends."""

    def __init__(self, receive: Receive, send: Send, sessions: Sessions, session: Session) -> None:
        self._receive, self._send = receive, send
        self._sessions, self._session = sessions, session
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()

    def end_soon(self) -> None:
        """Cuts the socket off; safe from any thread."""
        with suppress(RuntimeError):  # the loop has stopped, and every socket with it
            self._loop.call_soon_threadsafe(self._over.set)

    async def watch(self) -> None:
        """Waits for the end of the session, by decision or by time, and closes the socket."""
        while not self._over.is_set() and (left := self._sessions.left_s(self._session)) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), left)
        if self._sessions.left_s(self._session) <= 0:
            self._sessions.end(self._session)
        await self._close(POLICY)

    async def receive(self) -> Message:
        """The next message, or a disconnect as soon as the session is over."""
        if self._over.is_set():
            return _OVER
        message = None
        while message is None:
            incoming = asyncio.ensure_future(self._receive())
            ending = asyncio.ensure_future(self._over.wait())
            try:
                await asyncio.wait({incoming, ending}, return_when=asyncio.FIRST_COMPLETED)
                if self._over.is_set() or not incoming.done():
                    return _OVER
                message = await self._checked(incoming.result())
            finally:
                incoming.cancel()
                ending.cancel()
        return message

    async def send(self, message: Message) -> None:
        """Passes on; after the end nothing leaves."""
        if not self._over.is_set():
            await self._send(message)

    async def _checked(self, message: Message) -> Message | None:
        """The message; None for one that no page of ours has a reason to send."""
        if message["type"] != "websocket.receive":
            return message
        if message.get("bytes") is None:  # Streamlit logs such a frame at length
            await self._close(UNSUPPORTED)
            return _OVER
        if not is_needed(message["bytes"]):
            return None
        if is_done_by_a_person(message["bytes"]):
            self._sessions.touch(self._session)
        # Whoever asks without end waits, with what comes behind it, and not everybody else.
        wait = self._sessions.pace.wait_s(self._session.person)
        if wait > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), wait)
        return _OVER if self._over.is_set() else message

    async def _close(self, code: int) -> None:
        self._over.set()
        with suppress(Exception):  # the other side may have left first
            await self._send({"type": "websocket.close", "code": code})


def is_needed(frame: bytes) -> bool:
    """Whether a frame asks for what the pages need. Noise is left to Streamlit, which ends the socket."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    try:
        message.ParseFromString(frame)
    except Exception:  # whatever the parser dislikes
        return True
    kind = message.WhichOneof("type")
    if kind != "backend_operation_request":
        return kind is None or kind in NEEDED
    asked = message.backend_operation_request
    # Streamlit writes both names into its log as they are.
    names = asked.request_id + asked.session_id
    plain = names.isascii() and names.isprintable() and len(names) <= LONGEST_NAMES
    return plain and asked.WhichOneof("payload") in NEEDED_OPERATIONS


def is_done_by_a_person(frame: bytes) -> bool:
    """Whether a frame is a rerun that a person caused: not a timer of the page, not a heartbeat, not noise."""
    from streamlit.proto.BackMsg_pb2 import BackMsg

    message = BackMsg()
    try:
        message.ParseFromString(frame)
    except Exception:  # whatever the parser dislikes was not done by a person
        return False
    return message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun


def owns_window(session: Session, window: str) -> bool:
    """Whether a live window of Streamlit belongs to this session; its name alone opens nothing."""
    from streamlit.runtime import get_instance

    known = get_instance()._session_mgr.get_active_session_info(window)
    return known is not None and known.session.matches_user_info({"session": session.reference})
