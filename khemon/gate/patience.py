"""How long a request may take to arrive: whoever sends it by drops holds a connection open for nothing."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

#: From the first byte of a connection, or of a further request on it, to the end of the head.
HEAD_WITHIN_S = 20.0
#: Between two parts of a body.
PART_WITHIN_S = 30.0


class TooSlow(Exception):
    """A body that does not go on."""


class PatientProtocol(H11Protocol):
    """HTTP that hangs up on a head that does not come to its end in time."""

    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection opens: its first head has to come."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """More bytes; those that begin a head start its time, those that end it stop it."""
        super().data_received(data)
        if self._is_waiting():
            self._wait()
        else:
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._stop()
        super().connection_lost(exc)

    def _is_waiting(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        if self._giving_up is None:
            self._giving_up = self.loop.call_later(HEAD_WITHIN_S, self._give_up)

    def _stop(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up(self) -> None:
        self._giving_up = None
        # A socket that was upgraded has another protocol, and goes on.
        if self._is_waiting() and self.transport.get_protocol() is self and not self.transport.is_closing():
            self.transport.close()
