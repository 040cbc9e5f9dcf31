"""Driver errors as a StoreProblem without the driver's text about rows: that would carry patient data into logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from khemon.models import StoreProblem

BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "55P03"})
#: The server went away or ended the connection (class 08, and shutdowns of class 57).
LOST = frozenset({"08000", "08001", "08003", "08004", "08006", "57P01", "57P02", "57P03", "57P05"})
NO_CODE = "no code"


@contextmanager
def plain_problems() -> Iterator[None]:
    """Turns what SQLAlchemy raises for the driver into a StoreProblem."""
    try:
        yield
    except PoolTimeout:
        raise StoreProblem(where="database", found="is busy", remedy="try again; nothing was saved") from None
    except UnicodeDecodeError:  # text of a damaged row or schema
        found = "holds text that is not UTF-8: it is damaged"
        raise StoreProblem(where="database", found=found, remedy="restore a backup") from None
    except DBAPIError as error:
        raise driver_problem(error.orig, lost=error.connection_invalidated) from None


@contextmanager
def plain_driver_problems(connection: sa.Connection) -> Iterator[None]:
    """Turns what the driver raises, where its own cursor is used, into a StoreProblem."""
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise driver_problem(error) from None


def driver_problem(error: BaseException | None, *, lost: bool = False) -> StoreProblem:
    """What the driver raised, without the values it quotes."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None) or NO_CODE
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    lines = (str(error) if primary is None else str(primary)).splitlines() or [""]
    # PostgreSQL quotes the offending value in some messages.
    message = re.sub(r'"[^"]*"', '"…"', lines[0])
    remedy = "try again; nothing was saved" if code in BUSY else "nothing was saved"
    # What libpq says by itself has no code: the server could not be heard any more.
    unheard = code == NO_CODE and type(error).__name__ == "OperationalError"
    if lost or unheard or code in LOST:  # perhaps after it was committed and before that was told
        remedy = "look whether it was saved, or try again: the same file is never taken twice"
    return StoreProblem(
        where="database", found=f"refused the work ({type(error).__name__}, {code}: {message})", remedy=remedy
    )
