"""Opening: the checks before anything listens, and what the server does as long as it lives."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import hashlib
import importlib
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

import anyio.to_thread
from platformdirs import user_state_path
from pydantic import ValidationError

from khemon.actions.live import installed_differs, live_protocol
from khemon.gate import baseline, running
from khemon.gate.answering import inline_script_hashes
from khemon.gate.nightly import FIRST_AFTER_S, check_for_ever
from khemon.gate.quiet import keep_logs_free_of_patients, where_of
from khemon.gate.running import Place
from khemon.gate.sessions import OneTimeLink
from khemon.gate.standing import LOOK_EVERY_S
from khemon.models import Actor, KhemonError, Refused
from khemon.settings import SYNTHETIC, Settings, operating_system_user
from khemon.store import Store

LOG = logging.getLogger("khemon.gate")
#: Seconds between the moves of time, and in how many parts the children are looked at meanwhile.
EVERY_S, PARTS = 60, 30
#: What pages after the first would otherwise wait for: read once the first people to look have their page.
HEAVY = ("pandas", "pyarrow", "plotly.graph_objects", "khemon.actions.watch", "khemon.figures")


@contextmanager
def opened(settings: Settings) -> Iterator[Place]:
    """The place over the settings' database, for as long as the block lasts. Refused or StoreProblem if unsafe."""
    baseline.check_address(settings.host)
    store = Store(settings.database_url)
    try:
        _check_synthetic(store, settings)
        _settle_timezone(store, settings)
        _check_protocol(store)
        import streamlit

        hashes = inline_script_hashes(Path(streamlit.__file__).parent / "static" / "index.html")
        link = OneTimeLink(lambda token: _say(f"Sign in once with {_address(settings)}?token={token}"))
        with running.over(store, settings, link=link, script_hashes=hashes) as place:
            if settings.mode == "serve":
                place.standing.look()
            _check_public(place)
            yield place
    finally:
        store.close()


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """What the server does from start to end. Raises, and so refuses to start, when an option is not safe."""
    undo = keep_logs_free_of_patients()
    with ExitStack() as stack:
        stack.callback(undo)
        place = _place_in(stack)
        baseline.check_options(place.settings.public_origin)
        warming = asyncio.create_task(_warm(), name="khemon-warm")
        advancing = asyncio.create_task(_advance_for_ever(place), name="khemon-advance")
        checking = asyncio.create_task(check_for_ever(place), name="khemon-check")
        standing = asyncio.create_task(_look_for_ever(place), name="khemon-standing")
        _announce(place)
        try:
            yield
        finally:
            place.sessions.end_all()
            for task in (warming, advancing, checking, standing):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def _place_in(stack: ExitStack) -> Place:
    """The place `khemon serve` or `khemon demo` prepared; else one from the environment (`streamlit run app.py`)."""
    try:
        return running.current()
    except Refused:
        from streamlit import config

        try:
            settings = Settings(host=config.get_option("server.address"), port=int(config.get_option("server.port")))
        except ValidationError as problem:
            found = f"{problem.error_count()} KHEMON_ variable(s) cannot be used"
            raise Refused("environment", found, "mend or remove them") from None
        return stack.enter_context(opened(settings))


def _check_public(place: Place) -> None:
    """Beyond this machine only people with accounts may come in."""
    if place.settings.public_origin is not None and not place.standing.any:
        raise Refused(
            "KHEMON_PUBLIC_ORIGIN",
            "is set, and nobody has an account" if place.settings.mode == "serve" else "is set for a demo",
            "make an administrator first: khemon users add NAME --role administrator",
        )


def _check_synthetic(store: Store, settings: Settings) -> None:
    with store.reading() as reader:
        synthetic = reader.setting(SYNTHETIC) is not None
    if settings.mode == "demo" and not synthetic:
        raise Refused(
            "demo",
            "the database is not marked as synthetic, and the demo lets everybody on this machine in",
            "use `khemon serve` for it, or let `khemon demo` make a database of its own",
        )


def _settle_timezone(store: Store, settings: Settings) -> None:
    """A store keeps one zone; the first to state it decides."""
    with store.reading() as reader:
        own = reader.setting("timezone")
    if own is None and settings.timezone is None:
        raise Refused(
            "time zone",
            "neither the store nor the command states one, and a wrong one shifts every day count",
            "state it once with --timezone, for example --timezone Europe/Berlin",
        )
    if own is not None and settings.timezone not in (None, own):
        raise Refused("--timezone", f"this store keeps {own}", f"leave it out, or use --timezone {own}")
    if own is None and settings.timezone is not None:
        actor = Actor(name=operating_system_user(), kind="local")
        with store.writing() as writer:
            writer.set_setting("timezone", settings.timezone)
            writer.audit(actor, "set_timezone", "store", {"new": settings.timezone}, _now_ms())


def _check_protocol(store: Store) -> None:
    """Refuses to serve what cannot be judged, and says when the installed khemon brings other numbers."""
    with store.reading() as reader:
        live_protocol(reader)
        differs = installed_differs(reader.live_protocol())
    if differs:
        _say(differs)


async def _warm() -> None:
    """Reads what is heavy once the first page has had the processor."""
    gc.freeze()
    await asyncio.sleep(FIRST_AFTER_S)
    for name in HEAVY:
        with suppress(ModuleNotFoundError):
            await anyio.to_thread.run_sync(importlib.import_module, name)
    _keep_out_of_collections()


def _keep_out_of_collections() -> None:
    """What is there now stays for as long as the server lives: no search for garbage has to look through it."""
    gc.collect()
    gc.freeze()


def _announce(place: Place) -> None:
    if place.settings.mode == "demo":
        _say(f"khemon demo is ready: {_address(place.settings)}")
    else:
        _say(f"khemon is ready: {_address(place.settings)}")
        if not place.standing.any:
            place.link.renew()


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}/"


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody reads
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


async def _advance_for_ever(place: Place) -> None:
    """Once a minute: the list; and the moves that time alone makes, in one of the processes that share the store.

    At the start the list comes first: whoever opens the first page waits for it. Later the children are looked at in
    parts, spread over the minute: nobody waits while all are judged.
    """
    lock = _Lock(place.settings.database_url)
    try:
        lock.held()  # from the start on: others ask by it whether a server runs
        await anyio.to_thread.run_sync(_look_ahead, place.store)
        await asyncio.sleep(FIRST_AFTER_S)
        if lock.held():
            await anyio.to_thread.run_sync(_advance, place.store)
        await anyio.to_thread.run_sync(_look_ahead, place.store)
        _keep_out_of_collections()
        while True:
            gc.collect()
            for number in range(PARTS):
                await asyncio.sleep(EVERY_S / PARTS)
                if lock.held():
                    await anyio.to_thread.run_sync(_advance, place.store, (number, PARTS))
            await anyio.to_thread.run_sync(_look_ahead, place.store)
    finally:
        lock.release()


async def _look_for_ever(place: Place) -> None:
    """Ends, within a second, every session whose account was disabled, changed or given another password."""
    while place.settings.mode == "serve":
        try:
            if await anyio.to_thread.run_sync(place.standing.look):
                place.standing.end_those_over(place.sessions)
        except Exception as problem:
            LOG.error("accounts could not be read: %s", where_of(problem))
        await asyncio.sleep(LOOK_EVERY_S)


def _advance(store: Store, part: tuple[int, int] | None = None) -> None:
    from khemon.actions.advance import advance

    try:
        advance(store, _now_ms(), part=part)
    except KhemonError as problem:
        LOG.warning("advance: %s", where_of(problem))
    except Exception as problem:
        LOG.error("advance failed: %s", where_of(problem))


def _look_ahead(store: Store) -> None:
    """Reads what the ward list keeps, so that nobody waits for it, whoever looks first in the morning or at night."""
    from khemon.actions.live import SYSTEM
    from khemon.actions.watch import ward_board

    try:
        ward_board(store, SYSTEM, dt.datetime.now(dt.UTC))
    except Exception as problem:  # whoever looks is told
        LOG.warning("ward list: %s", where_of(problem))


def is_served(database_url: str) -> bool:
    """Whether a server of this user runs over the database now, as far as its lock tells."""
    lock = _Lock(database_url)
    try:
        return not lock.held()
    finally:
        lock.release()


class _Lock:
    """One process of this user holds it per database; the system takes it back when that process dies."""

    def __init__(self, database_url: str) -> None:
        self._name = f"advance-{hashlib.sha256(database_url.encode()).hexdigest()[:16]}.lock"
        self._file: IO[bytes] | None = None

    def held(self) -> bool:
        """Whether this process holds it, or could take it now. True where no lock can be had."""
        if self._file is not None:
            return True
        try:
            import fcntl

            file = (user_state_path("khemon", appauthor=False, ensure_exists=True) / self._name).open("ab")
        except (ImportError, OSError):  # two processes that advance do no harm; none that does would
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Gives it back."""
        if self._file is not None:
            self._file.close()
            self._file = None
