"""Nothing of a patient in logs, errors and addresses, also when the database breaks under the running server."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.server import CANARY, canary_ward, running_server
from tests.test_gate_requests import NAVIGATION
from tests.test_gate_sockets import opened, shown

PAGES = ("ward", "patient", "alerts", "review", "upload", "enter", "definitions", "admin", "audit")
#: What an error would give away besides a patient: how the program asks, where it lies, what it is built of.
INSIDES = (b"SELECT", b"sqlalchemy", b"Traceback", b"khemon.db")


def broken(path: Path, *tables: str) -> None:
    """Takes tables away behind the back of the server."""
    with closing(sqlite3.connect(path)) as database:
        for table in tables:
            database.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
        database.commit()


def test_a_database_that_breaks_gives_no_patient_away_in_any_error_or_log(tmp_path):
    path = tmp_path / "khemon.db"
    with running_server(canary_ward(path), "serve", checks=True) as server:
        cookie = server.sign_in()
        query = "patient=1&alert=1"
        with opened(server, cookie) as wire:
            assert CANARY.encode() in shown(wire, "patient", query)
        # Asked for by the child's id: the driver's own error would quote it.
        broken(path, "seen")
        with opened(server, cookie) as wire:
            assert shown(wire, "patient", "patient=1")
        assert CANARY not in server.said()
        broken(path, "result", "alert_move", "batch", "audit")
        with opened(server, cookie) as wire:
            after = {page: shown(wire, page, query) for page in PAGES}
        for page, frames in after.items():
            assert CANARY.encode() not in frames, page
            assert not [each for each in INSIDES if each in frames], page
        own = {"Cookie": cookie, **NAVIGATION}
        answers = [server.ask(f"/{page}?patient=1", headers=own) for page in PAGES]
        answers += [server.ask(each, headers=own) for each in ("/_stcore/metrics", "/_stcore/health", "/healthz")]
        assert not [each for each in answers if CANARY.encode() in each.raw]
        said = server.said() + "".join(iter(lambda: server.printed.get() if not server.printed.empty() else "", ""))
        assert said, "that something went wrong is said"
        assert not [each for each in (CANARY, "Traceback", "[SQL", "SELECT") if each in said]
        assert cookie.partition("=")[2] not in said
