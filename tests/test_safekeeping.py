"""Backups that were tried before they count; restoring leaves the old database or the new one, never half of either."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import resource
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from khemon.actions.check import check
from khemon.models import Actor, KhemonError
from khemon.store import Store, tables
from khemon.store.triggers import expected_triggers
from tests.shell import command, imported, khemon, sqlite, started
from tests.test_endurance import FORKS, LIMIT, content_of
from tests.test_store_integrity import tamper

NURSE = Actor(name="nurse", kind="local")
NOW = 1_800_000_000_000
#: A restore takes forty times as long as an import.
KILLS = int(os.environ.get("KHEMON_KILLS", "200")) // 40


@pytest.fixture
def filled(store, tmp_path) -> Store:
    """A store with two files, rows that wait for someone, and alerts."""
    for number in (1, 2):
        path = tmp_path / f"labs_{number}.csv"
        path.write_bytes(content_of(number))
        assert imported(path, store.url).code == 1
    return store


def rows_of(url: str) -> dict[str, list]:
    """Every row of every table, for comparison across databases."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = {
            table.name: sorted(map(repr, map(tuple, connection.execute(sa.select(table)))))
            for table in tables.METADATA.sorted_tables
        }
    engine.dispose()
    return found


def without_record(rows: dict[str, list]) -> dict[str, list]:
    """Rows without the entries that backing up and restoring themselves leave."""
    return {name: own for name, own in rows.items() if name not in ("audit", "seal")}


def test_a_backup_restored_elsewhere_says_the_same_to_the_last_row(filled, tmp_path):
    before = rows_of(filled.url)
    file = tmp_path / "ward.backup"
    said = khemon("backup", file, "--db", filled.url, "--json")
    assert (said.code, said.document["sound"], said.document["counts"]["imports"]) == (0, True, 2)
    assert said.document["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == ["ward.backup"]
    url = sqlite(tmp_path, "restored.db")
    back = khemon("restore", file, "--db", url, "--json")
    assert (back.code, back.document["head"], back.document["aside"]) == (0, said.document["head"], None)
    after = rows_of(url)
    assert without_record(after) == without_record(before)
    assert after["audit"][: len(before["audit"])] == before["audit"] or set(before["audit"]) < set(after["audit"])
    assert khemon("check", "--db", url, "--json").document["sound"]
    views = [("status", "--as-of", "2026-02-01T00:00Z"), ("alerts",), ("batches",)]
    for view in views:
        assert khemon(*view, "--db", url, "--json").out == khemon(*view, "--db", filled.url, "--json").out
    actions = [entry["action"] for entry in khemon("audit", "--db", url, "--json").document["entries"]]
    assert actions[-1] == "restore"
    assert khemon("audit", "--db", filled.url, "--json").document["entries"][-1]["action"] == "backup"


@pytest.mark.postgres
def test_a_backup_of_a_file_can_be_restored_into_a_server_and_back(tmp_path, empty_postgres):
    path = tmp_path / "labs.csv"
    path.write_bytes(content_of(1))
    imported(path, sqlite(tmp_path))
    assert khemon("backup", tmp_path / "a", "--db", sqlite(tmp_path)).code == 0
    assert khemon("restore", tmp_path / "a", "--db", empty_postgres).code == 0
    assert khemon("check", "--db", empty_postgres, "--json").document["sound"]
    assert khemon("backup", tmp_path / "b", "--db", empty_postgres).code == 0
    assert khemon("restore", tmp_path / "b", "--db", sqlite(tmp_path, "back.db")).code == 0
    assert without_record(rows_of(sqlite(tmp_path, "back.db"))) == without_record(rows_of(sqlite(tmp_path)))


@pytest.mark.postgres
def test_a_server_with_records_is_kept_aside_whole(tmp_path, empty_postgres):
    for number, url in ((1, sqlite(tmp_path)), (2, empty_postgres)):
        path = tmp_path / f"labs_{number}.csv"
        path.write_bytes(content_of(number))
        imported(path, url)
    khemon("backup", tmp_path / "a", "--db", sqlite(tmp_path))
    assert khemon("restore", tmp_path / "a", "--db", empty_postgres).code == 2
    said = khemon("restore", tmp_path / "a", "--db", empty_postgres, "--replace", "--json")
    assert said.code == 0
    assert khemon("batches", "--db", empty_postgres, "--json").document["batches"][0]["file"] == "labs_1.csv"
    engine = sa.create_engine(empty_postgres)
    with engine.connect() as connection:
        kept = connection.exec_driver_sql(f'SELECT file FROM "{said.document["aside"]}".batch').scalar()
    engine.dispose()
    assert kept == "labs_2.csv"
    assert khemon("check", "--db", empty_postgres, "--json").document["sound"]


def test_a_backup_overwrites_nothing_and_a_restore_replaces_nothing_unasked(filled, tmp_path):
    file = tmp_path / "ward.backup"
    file.write_text("mine")
    assert khemon("backup", file, "--db", filled.url).code == 2
    assert file.read_text() == "mine"
    file.unlink()
    assert khemon("backup", file, "--db", filled.url).code == 0
    before = rows_of(filled.url)
    said = khemon("restore", file, "--db", filled.url)
    assert (said.code, "--replace" in said.err) == (2, True)
    assert rows_of(filled.url) == before


def test_a_replaced_file_is_kept_aside_and_can_still_be_read(tmp_path):
    url = sqlite(tmp_path)
    for number in (1, 2):
        path = tmp_path / f"labs_{number}.csv"
        path.write_bytes(content_of(number))
    imported(tmp_path / "labs_1.csv", url)
    khemon("backup", tmp_path / "a", "--db", url)
    imported(tmp_path / "labs_2.csv", url)
    said = khemon("restore", tmp_path / "a", "--db", url, "--replace", "--json")
    assert said.code == 0
    assert len(khemon("batches", "--db", url, "--json").document["batches"]) == 1
    old = sqlite(tmp_path, said.document["aside"])
    assert len(khemon("batches", "--db", old, "--json").document["batches"]) == 2
    assert khemon("check", "--db", old, "--json").document["sound"]


def test_a_damaged_file_can_be_replaced_and_is_kept(tmp_path):
    url, path = sqlite(tmp_path), tmp_path / "labs.csv"
    path.write_bytes(content_of(1))
    imported(path, url)
    khemon("backup", tmp_path / "a", "--db", url)
    (tmp_path / "khemon.db").write_bytes(b"noise" * 4_000)
    said = khemon("restore", tmp_path / "a", "--db", url, "--replace", "--json")
    assert said.code == 0
    assert (tmp_path / said.document["aside"]).read_bytes() == b"noise" * 4_000
    assert khemon("check", "--db", url, "--json").document["sound"]


@pytest.mark.parametrize("blank", ["no bytes", "no tables"])
def test_a_file_that_holds_nothing_is_no_backup(filled, tmp_path, blank):
    empty = tmp_path / "empty"
    empty.touch()
    if blank == "no tables":
        with closing(sqlite3.connect(empty)) as opened:
            opened.execute("VACUUM")
    before = rows_of(filled.url)
    said = khemon("restore", empty, "--db", filled.url, "--replace", "--json")
    assert (said.code, "holds no database" in said.err) == (2, True)
    assert rows_of(filled.url) == before


def test_a_store_that_is_not_sound_gives_no_backup_and_a_changed_backup_is_not_restored(filled, tmp_path):
    assert khemon("backup", tmp_path / "good", "--db", filled.url).code == 0
    with closing(sqlite3.connect(tmp_path / "good")) as raw, raw:
        raw.execute("DROP TRIGGER result_keep_update")
        raw.execute("UPDATE result SET high = high + 1")
    url = sqlite(tmp_path, "new.db")
    [again] = [sql for name, sql in expected_triggers("sqlite").items() if name == "result_keep_update"]
    for statement in ("", again):
        with closing(sqlite3.connect(tmp_path / "good")) as raw, raw:
            raw.execute(statement)
        assert khemon("restore", tmp_path / "good", "--db", url).code in (1, 2)
        assert not (tmp_path / "new.db").exists()
    tamper(filled, "UPDATE result SET high = high + 1")
    said = khemon("backup", tmp_path / "bad", "--db", filled.url, "--json")
    assert (said.code, said.document["sound"]) == (1, False)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in ("",) and path.is_file()) == ["good"]


# ---- faults -----------------------------------------------------------------------------------------------------

CALLS = ("fsync", "link", "replace", "rename", "open", "unlink")


class Fails:
    """Every one of these calls of the operating system, and every commit, is counted; the Nth one fails."""

    def __init__(self, monkeypatch, nth: int) -> None:
        self.nth, self.count = nth, 0
        for name in CALLS:
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))
        sa.event.listen(sa.Engine, "commit", self._commit)

    def _commit(self, connection) -> None:
        self.count += 1
        if self.count == self.nth:
            raise sa.exc.OperationalError("COMMIT", {}, sqlite3.OperationalError("disk I/O error"))

    def _counted(self, call):
        def counted(*arguments, **named):
            self.count += 1
            if self.count == self.nth:
                raise OSError(5, "Input/output error")
            return call(*arguments, **named)

        return counted

    def end(self, monkeypatch) -> None:
        monkeypatch.undo()
        sa.event.remove(sa.Engine, "commit", self._commit)


@pytest.mark.faults
@pytest.mark.parametrize("act", ["backup", "restore"])
def test_whichever_write_or_commit_fails_the_old_is_whole_and_the_next_try_succeeds(tmp_path, monkeypatch, act):
    from khemon.actions.safekeeping import backup, restore

    url, database, file = sqlite(tmp_path), tmp_path / "khemon.db", tmp_path / "kept"
    path = tmp_path / "labs.csv"
    path.write_bytes(content_of(1))
    imported(path, url)
    if act == "restore":
        khemon("backup", file, "--db", url)
    for nth in itertools.count(1):
        fails = Fails(monkeypatch, nth)
        try:
            store = Store(url)
            try:
                if act == "backup":
                    backup(store, NURSE, file, NOW)
            finally:
                store.close()
            if act == "restore":
                restore(url, NURSE, file, NOW + nth * 1000, replace=True, sqlite_path=database)
        except (KhemonError, OSError):
            pass
        finally:
            reached = fails.count >= nth
            fails.end(monkeypatch)
        opened = Store(url)
        assert check(opened, NURSE, NOW)["sound"], f"call {nth}"
        with opened.reading() as reader:
            assert len(reader.batches()) == 1
        opened.close()
        if act == "backup" and file.exists():
            whole = Store(f"sqlite:///{file}")
            assert check(whole, NURSE, NOW)["sound"], f"call {nth}"
            whole.close()
            (tmp_path / "kept-journal").unlink(missing_ok=True)
            file.unlink()
        if not reached:
            break
    assert nth > 8
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith(".") and path.stat().st_size]
    assert len(left) <= nth  # what could not be taken away because taking away failed


def in_a_full_disk(limit: str, *arguments: str) -> None:
    """A command where no file may grow beyond so many bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(LIMIT, (int(limit), int(limit)))
    command(*arguments)


@pytest.mark.faults
def test_a_full_disk_leaves_the_old_database_and_no_half_of_a_backup(tmp_path):
    url, path, file = sqlite(tmp_path), tmp_path / "labs.csv", tmp_path / "kept"
    path.write_bytes(content_of(1))
    imported(path, url)
    khemon("backup", file, "--db", url)
    before = rows_of(url)
    size, errors = file.stat().st_size, tmp_path / "said"
    for limit in (4_096, size // 2):
        for arguments in (("backup", tmp_path / "new"), ("restore", file, "--replace")):
            process = started(limit, *arguments, "--db", url, cwd=tmp_path, errors=errors, work=in_a_full_disk)
            code, said = process.ended(60), errors.read_text("utf-8")
            assert (code, "Remedy: " in said, "Traceback" in said) == (2, True, False), (limit, arguments, said)
            assert not (tmp_path / "new").exists()
            assert rows_of(url) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def restore_for_ever(url: str, file: str, first: int) -> None:
    from khemon.actions.safekeeping import restore

    # Each at a second of its own: what was kept aside before is never replaced.
    for number in itertools.count(first):
        restore(
            url, NURSE, Path(file), NOW + number * 1000, replace=True, sqlite_path=Path(url.removeprefix("sqlite:///"))
        )


@pytest.mark.faults
def test_a_restore_killed_at_any_moment_leaves_one_whole_database(tmp_path, seed):
    url, path, file = sqlite(tmp_path), tmp_path / "labs.csv", tmp_path / "kept"
    path.write_bytes(content_of(1))
    imported(path, url)
    khemon("backup", file, "--db", url)
    drawn = random.Random(seed)
    for turn in range(KILLS):
        child = FORKS.Process(target=restore_for_ever, args=(url, str(file), turn * 10_000))
        child.start()
        child.join(drawn.uniform(0.1, 0.6))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        store = Store(url)
        assert check(store, NURSE, NOW)["sound"], f"turn {turn}"
        with store.reading() as reader:
            assert len(reader.batches()) == 1
        store.close()
    assert json.loads(khemon("batches", "--db", url, "--json").out)["batches"][0]["file"] == "labs.csv"
