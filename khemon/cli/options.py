"""Options that several commands share, and what they mean: database, time zone, times, the person at the shell."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from pydantic import ValidationError

from khemon.actions.import_files import check_zone
from khemon.models import Actor, Refused
from khemon.rules.calendar import to_ms
from khemon.settings import Settings, operating_system_user
from khemon.store import Store, is_there

Db = Annotated[
    str | None, typer.Option("--db", help="Database URL; else KHEMON_DATABASE_URL, else a file of your own.")
]
Zone = Annotated[str | None, typer.Option("--timezone", help="The ward's time zone, for example Europe/Berlin.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]

#: The years in which results are read; beyond them lies a slip of the finger.
EARLIEST_YEAR, LATEST_YEAR = 1900, 2200


def now() -> dt.datetime:
    """The time now, aware."""
    return dt.datetime.now(dt.UTC)


def now_ms() -> int:
    """The time now in UTC milliseconds."""
    return to_ms(now())


def person() -> Actor:
    """The operating-system user, as audit rows name them before accounts exist."""
    return Actor(name=operating_system_user(), kind="local")


def settings(**stated: Any) -> Settings:  # noqa: ANN401
    """What the environment sets, and what the command states; Refused for a value that is not allowed."""
    try:
        return Settings(**stated)
    except ValidationError as error:
        first = error.errors()[0]
        name = f"KHEMON_{first['loc'][0]}".upper()
        raise Refused(name, first["msg"].removeprefix("Value error, "), "correct it or leave it out") from None


def has_store(db: str | None) -> bool:
    """Whether the database of --db, of the environment, or the user's own file is there."""
    return is_there(db or settings().database_url)


def open_store(db: str | None, *, make: bool = False) -> Store:
    """The store of --db, of the environment, or the user's own file; made where there is none if asked."""
    url = db or settings().database_url
    if not make and not is_there(url):
        raise Refused("database file", "there is none at this path", "check --db, or import a file to make one")
    return Store(url)


def stated_zone(zone: str | None) -> str | None:
    """--timezone, else KHEMON_TIMEZONE; Refused for a name that is none."""
    found = zone or settings().timezone
    if found:
        check_zone(found)
    return found


def moment(text: str, zone: str, where: str) -> dt.datetime:
    """An ISO 8601 time, in `zone` when it has no offset; Refused when it is none, or does not exist or is double."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(where, f"{text!r} is not a time", "write it as 2026-03-01T08:00 or with an offset") from error
    if not EARLIEST_YEAR <= found.year <= LATEST_YEAR:
        span = f"between {EARLIEST_YEAR} and {LATEST_YEAR}"
        raise Refused(where, f"{text} is not {span}", "check the year")
    if found.tzinfo is not None:
        return found
    local = found.replace(tzinfo=ZoneInfo(zone))
    back = local.astimezone(dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if back != found or local.utcoffset() != local.replace(fold=1).utcoffset():
        raise Refused(where, f"{text} is skipped or doubled by daylight saving in {zone}", "write it with an offset")
    return local


def name_of(path: Path) -> str:
    """A file's name as text; bytes of it that are no text are written out, so that it can be stored and printed."""
    return path.name.encode("utf-8", "backslashreplace").decode()


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; Refused when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refused(name_of(path), "the file cannot be read", "check the path and your permissions") from error
