"""Fifty people at one server over WebSockets, each doing something every five seconds: how long until it is shown.

The driver runs on the same machine. A person opens the ward, a child, the alerts; measured is the time from the moment
the browser would ask for a page to the end of its script. The closed loop, in which everyone asks again at once, is
printed beside it: it says how much the server does, not how long a person waits.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.wards import ward_database
from khemon.gate.nightly import FIRST_AFTER_S
from tests.server import Server, running_server

CHILDREN, RESULTS = 200, 500_000
EVERY_S = 5.0
#: Seconds of processor time within a second at which a server counts as idle.
IDLE = 0.1
EARLY = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
#: Page and address of what people do, the ward twice as often as the rest.
LOOKS = (("", ""), ("", ""), ("alerts", ""), ("patient", "patient={}"), ("patient", "patient={}&window=90"))


def asking(page: str, query: str, kept: Iterable[str] = ()) -> bytes:
    """The frame by which a browser asks for a page; kept: hashes of the parts it has already."""
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.query_string = query
    message.rerun_script.cached_message_hashes.extend(kept)
    return message.SerializeToString()


class Window:
    """One person's window: like Streamlit's own client it keeps large parts of a page, and says which it has."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._runs = 0
        self._longest = 0
        #: Hash of a part that is kept to the number of the run that needed it last.
        self._kept: dict[str, int] = {}

    async def shown(self, page: str, query: str) -> tuple[float, bool]:
        """Seconds until the script has finished, and whether it showed the page and no error."""
        begun = time.perf_counter()
        await self._socket.send(asking(page, query, self._kept))
        whole = True
        while True:
            message = ForwardMsg()
            message.ParseFromString(await self._socket.recv())
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._longest = message.new_session.config.max_cached_message_age
            elif kind == "ref_hash":
                whole = whole and message.ref_hash in self._kept
                self._kept[message.ref_hash] = self._runs
            elif kind == "delta":
                whole = whole and not _is_error(message)
                if message.metadata.cacheable:
                    self._kept[message.hash] = self._runs
            elif kind == "script_finished" and message.script_finished != EARLY:
                self._forget()
                return time.perf_counter() - begun, whole

    def _forget(self) -> None:
        """After a run: what no run needed for long goes."""
        self._runs += 1
        self._kept = {name: run for name, run in self._kept.items() if self._runs - run <= self._longest}


def _is_error(message: ForwardMsg) -> bool:
    """Whether part of a page says that something is wrong: an exception, or one of our red states."""
    element = message.delta.new_element
    kind = element.WhichOneof("type")
    return kind == "exception" or (kind == "html" and "k-banner k-broken" in element.html.body)


class Crowd:
    """The people at one server; each has a sign-in and a socket of their own."""

    def __init__(self, server: Server, people: int, seed: int) -> None:
        self.server, self.people, self.seed = server, people, seed
        self.seconds: list[float] = []
        self.errors = 0

    async def act(self, number: int, until: float, every: float) -> None:
        """One person's session: acts at random moments, `every` seconds apart on average; 0: at once again."""
        chance = random.Random(self.seed * 1000 + number)
        address = f"ws://127.0.0.1:{self.server.port}/_stcore/stream"
        cookie = await asyncio.to_thread(self.server.sign_in)
        options = {"origin": self.server.url.rstrip("/"), "subprotocols": ["streamlit"], "max_size": None}
        async with connect(address, additional_headers={"Cookie": cookie}, **options) as socket:
            window = Window(socket)
            await window.shown("", "")
            while time.monotonic() < until:
                if every:
                    await asyncio.sleep(chance.expovariate(1 / every))
                page, query = chance.choice(LOOKS)
                taken, whole = await window.shown(page, query.format(chance.randrange(1, CHILDREN)))
                self.seconds.append(taken)
                self.errors += not whole

    async def work(self, seconds: float, every: float) -> None:
        """Everyone at once, for so long after all have come."""
        until = time.monotonic() + seconds + 10
        found = await asyncio.gather(
            *(self.act(number, until, every) for number in range(self.people)), return_exceptions=True
        )
        for problem in found:
            if isinstance(problem, BaseException):
                print(f"  {problem!r}", file=sys.stderr)
                self.errors += 1


def until_idle(process: int) -> None:
    """Waits until a server has nothing of its own left to do: it reads its ward, then a process of it checks its store.

    Both begin soon after the start, not with it.
    """
    time.sleep(2 * FIRST_AFTER_S)
    before = -1.0
    while (now := _busy(process)) - before > IDLE:
        before = now
        time.sleep(1)


def _busy(process: int) -> float:
    """Seconds of processor time of a process and of those it started, the ended ones among them."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    threads = Path(f"/proc/{process}/task").iterdir()
    started = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    return own + sum(map(_busy, started))


def told(title: str, crowd: Crowd) -> None:
    """Prints how long the looks took."""
    ordered = sorted(crowd.seconds)
    high = ordered[int(0.95 * (len(ordered) - 1))]
    middle = statistics.median(ordered)
    print(
        f"  {title}: median {middle * 1e3:.0f} ms, 95th percentile {high * 1e3:.0f} ms, largest"
        f" {ordered[-1] * 1e3:.0f} ms; {len(ordered)} looks, {crowd.errors} errors"
    )


def main(people: int, seconds: float) -> None:
    """Print what so many people wait for in so many seconds."""
    with tempfile.TemporaryDirectory() as name:
        url = ward_database(Path(name) / "khemon.db", CHILDREN, RESULTS, dt.datetime.now(dt.UTC))
        with running_server(url, from_nothing=True) as server:
            until_idle(server.process.pid)
            warm = Crowd(server, 2, 1)
            asyncio.run(warm.work(1, 0))
            print(f"{people} people over WebSockets, {CHILDREN} children, {RESULTS:,} results")
            for title, every in ((f"each acting every {EVERY_S:g} s", EVERY_S), ("each again at once", 0.0)):
                crowd = Crowd(server, people, 2)
                asyncio.run(crowd.work(seconds, every))
                told(title, crowd)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50, float(sys.argv[2]) if len(sys.argv) > 2 else 60)
