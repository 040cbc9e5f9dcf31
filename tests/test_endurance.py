"""Cut off, crowded, locked out, full: what was acknowledged is there, nothing is there in part, and it says so.

`KHEMON_SEED` repeats the moments that are drawn.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from khemon.actions.check import check
from khemon.actions.import_files import Options, commit
from khemon.models import Actor, StoreProblem
from khemon.store import Store
from tests.copies import COPIES
from tests.shell import Said, imported, khemon, sqlite

pytestmark = pytest.mark.faults

#: Bits of the file that are turned over.
FLIPS = int(os.environ.get("KHEMON_FLIPS", "60"))
#: Kills on PostgreSQL: of the importing process and of its connection, by turns.
CUTS = 8
ROWS = 24
NURSE = Actor(name="nurse", kind="local")
START_MS = 1_767_254_400_000  # 2026-01-01T08:00Z
HOUR_MS = 3_600_000
HEADER = "patient_id,collected_at,analyte,value,unit\n"
LIMIT = resource.RLIMIT_FSIZE

#: How a store takes the file of a number.
Taking = Callable[[Store, int], dict]

#: Children start from a process that has imported everything once.
FORKS = COPIES


def content_of(number: int, rows_each: int = ROWS, children: int = 2) -> bytes:
    """The file of this number: children's results of some hours, bad ones and a row that is held among them."""
    drawn = random.Random(number)
    rows, unread, wrong = [], rows_each - 4, rows_each - 3
    for line in range(rows_each):
        child = f"P{number // 10}-{line % children}"
        at = f"2026-01-{1 + number % 10:02}T{line // children:02}:00:00Z"
        value = "clotted" if line == unread else "abc" if line == wrong else str(drawn.choice((4, 9, 28, 45, 120, 240)))
        rows.append(f"{child},{at},platelets,{value},10*9/L\n")
    return (HEADER + "".join(rows)).encode()


def now_of(number: int) -> int:
    """When the file of this number came in: time goes on with every file."""
    return START_MS + 240 * HOUR_MS + number * 60_000


def bring(store: Store, number: int, rows_each: int = ROWS, children: int = 2) -> dict:
    content, options = content_of(number, rows_each, children), Options(now_ms=now_of(number), timezone="UTC")
    return commit(store, NURSE, content, f"labs_{number}.csv", options).document


def import_for_ever(url: str, log: str) -> None:
    """Imports file after file, and notes each one on the disk only after it was acknowledged."""
    try:
        store = Store(url)
        for number in itertools.count(len(acknowledged(Path(log)))):
            document = bring(store, number)
            append(Path(log), f"{document['batch']} {document.get('repeated', False)}")
    except StoreProblem as problem:
        append(Path(f"{log}.problems"), str(problem))


def append(path: Path, line: str) -> None:
    """Writes a line through to the disk."""
    with path.open("a") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def acknowledged(log: Path) -> list[str]:
    """The lines that were written to their end."""
    return [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")] if log.exists() else []


class Attack:
    """Importing children, each cut off at a random moment; the next one takes the interrupted file again."""

    def __init__(self, url: str, log: Path, seed: int) -> None:
        self.url = url
        self.log = log
        self.random = random.Random(seed)

    def cut(self, how) -> None:
        """Starts a child, lets it acknowledge up to two files, and cuts it off some milliseconds later."""
        enough = len(acknowledged(self.log)) + self.random.randrange(3)
        child = FORKS.Process(target=import_for_ever, args=(self.url, str(self.log)))
        child.start()
        while len(acknowledged(self.log)) < enough:
            child.join(0.002)
            assert child.is_alive(), "it stopped by itself"
        child.join(self.random.uniform(0, 0.12))
        how(child)
        child.join()
        whole = "".join(acknowledged(self.log))
        self.log.write_text(whole)

    def kill(self, child) -> None:
        os.kill(child.pid, signal.SIGKILL)

    def disconnect(self, child) -> None:
        """Ends every connection of the child from the side of the server."""
        engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with engine.connect() as connection:
            while child.is_alive():
                connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {others}")
                child.join(0.01)
        engine.dispose()
        assert child.exitcode == 0


def assert_whole(store: Store, log: Path, rows_each: int = ROWS) -> int:
    """Everything acknowledged is there, once and whole, and what follows from it too; the number of files."""
    batches = [line.split()[0] for line in acknowledged(log)]
    with store.reading() as reader:
        listed = reader.batches()
        columns = reader.results_for()
        imports = [row.object for row in reader.audit_rows() if row.action == "import"]
        per_batch = {batch.batch: len(reader.fates_of(batch.batch)) for batch in listed}
    there = [batch.batch for batch in listed]
    assert there[: len(batches)] == batches, "an acknowledged file is missing or out of order"
    assert len(there) <= len(batches) + 1, "more than the one file that was under way"
    assert [batch.file for batch in listed] == [f"labs_{number}.csv" for number in range(len(there))]
    assert imports == [f"batch {batch}" for batch in there]
    assert set(per_batch.values()) <= {rows_each}
    counts = [batch.counts for batch in listed]
    assert all(each["read"] == rows_each == sum(each.values()) - each["read"] for each in counts)
    assert len(columns) == sum(each["accepted"] for each in counts)
    assert check(store, NURSE, now_of(len(there))) == {"sound": True, "findings": []}
    return len(there)


def told(store: Store) -> list[str]:
    """Alerts, their log and episodes, without the numbers that depend on how often something was tried."""
    with store.reading() as reader:
        alerts = [alert.model_dump(mode="json", exclude={"alert_id"}) for alert in reader.alerts()]
        moves = [
            (move.at_ms, move.move, move.from_state, move.to_state, move.reason)
            for alert in reader.alerts()
            for move in reader.alert_moves(alert.alert_id)
        ]
        episodes = [each.episode.model_dump(mode="json") for each in reader.episodes()]
    return sorted(json.dumps(each, sort_keys=True) for each in (*alerts, *moves, *episodes))


def assert_as_if_nothing_had_happened(store: Store, files: int, folder: Path, take: Taking = bring) -> None:
    """Alerts and episodes are those of a new store that took the same files in peace."""
    peaceful = Store(sqlite(folder, "peaceful.db"))
    for number in range(files):
        take(peaceful, number)
    assert told(store) == told(peaceful)
    peaceful.close()


@pytest.mark.postgres
def test_imports_cut_off_on_postgresql_are_whole_or_absent(new_postgres, tmp_path, seed):
    attack = Attack(new_postgres, tmp_path / "acknowledged", seed)
    for turn in range(CUTS):
        attack.cut(attack.disconnect if turn % 2 else attack.kill)
    store = Store(new_postgres)
    files = assert_whole(store, attack.log)
    assert_as_if_nothing_had_happened(store, files, tmp_path)
    store.close()
    problems = Path(f"{attack.log}.problems").read_text().splitlines()
    assert len(problems) == CUTS // 2
    assert [p for p in problems if "try again" not in p or "P0-" in p] == []


# ---- crowds -----------------------------------------------------------------------------------------------------


def import_some(url: str, numbers: list[int]) -> None:
    store = Store(url)
    for number in numbers:
        assert bring(store, number)["counts"]["read"] == ROWS
    store.close()


def test_eight_processes_import_at_once_without_an_error_or_a_loss(store_url):
    store = Store(store_url)
    bring(store, 0)
    writers = [FORKS.Process(target=import_some, args=(store_url, [*range(n, 25, 8), 0])) for n in range(1, 9)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    with store.reading() as reader:
        listed = reader.batches()
        assert sorted(batch.file for batch in listed) == sorted(f"labs_{number}.csv" for number in range(25))
        assert len(reader.results_for()) == sum(batch.counts["accepted"] for batch in listed)
    assert check(store, NURSE, now_of(25))["sound"]
    store.close()


# ---- locked -----------------------------------------------------------------------------------------------------

HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
held.execute("ROLLBACK")
"""


@pytest.fixture
def locked(tmp_path: Path):
    """A store that another process holds until it is written to."""
    Store(sqlite(tmp_path)).close()
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "khemon.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        yield holder
        if holder.poll() is None:
            holder.communicate("\n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "labs.csv"
    path.write_bytes(content_of(0))
    return path


def test_an_import_waits_for_another_process_and_then_succeeds(tmp_path, locked, file):
    done: list[dict] = []

    def wait() -> None:
        store = Store(sqlite(tmp_path))
        done.append(bring(store, 0))
        store.close()

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive() and not done
    locked.communicate("\n")
    waiting.join()
    assert done[0]["counts"]["read"] == ROWS


def test_an_import_that_waited_in_vain_says_so_and_may_be_repeated(tmp_path, locked, file, monkeypatch):
    monkeypatch.setattr("khemon.store.connection.BUSY_TIMEOUT_MS", 50)
    said = imported(file, sqlite(tmp_path))
    assert said.code == 2
    assert "locked" in said.err and "try again" in said.err
    locked.communicate("\n")
    assert imported(file, sqlite(tmp_path)).document["counts"]["read"] == ROWS


def test_reading_goes_on_while_another_process_writes(tmp_path, file):
    url = sqlite(tmp_path)
    imported(file, url)
    with closing(sqlite3.connect(tmp_path / "khemon.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert khemon("status", "--db", url, "--json").code == 0
        other.execute("ROLLBACK")


# ---- full -------------------------------------------------------------------------------------------------------


def in_a_full_disk(limit: int, url: str, path: str, answers) -> None:
    """Imports where no file may grow beyond a size, then reads."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(LIMIT, (limit, limit))
    answers.put([imported(Path(path), url), *(khemon(name, "--db", url, "--json") for name in ("status", "alerts"))])


def with_a_full_disk(limit: int, url: str, path: Path) -> list[Said]:
    answers = FORKS.SimpleQueue()
    child = FORKS.Process(target=in_a_full_disk, args=(limit, url, str(path), answers))
    child.start()
    said = answers.get()
    child.join()
    return said


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file that needs more room than a small store has free."""
    path = tmp_path / "big.csv"
    days = [f"P9,2025-{m:02}-{d:02}T{h:02}:00:00Z" for m in range(1, 11) for d in range(1, 21) for h in range(0, 24, 2)]
    path.write_text(HEADER + "".join(f"{day},platelets,{30 + n % 200},10*9/L\n" for n, day in enumerate(days)))
    return path


def test_a_full_disk_keeps_nothing_of_an_import_says_so_and_lets_reading_go_on(tmp_path, file, big):
    url, database = sqlite(tmp_path), tmp_path / "khemon.db"
    imported(file, url)
    before = [khemon(name, "--db", url, "--json").document for name in ("batches", "alerts")]
    size = database.stat().st_size
    for limit in (size, size + 4_096, size + 65_536, size + 262_144):
        said, status, alerts = with_a_full_disk(limit, url, big)
        assert (said.code, list(said.document)) == (2, ["file", "error"]), f"limit {limit}"
        assert list(said.error) == ["where", "found", "remedy"]
        assert "nothing was saved" in said.error["remedy"]
        assert "P9" not in said.out + said.err and "Traceback" not in said.err
        assert (status.code, alerts.code, alerts.document) == (0, 0, before[1])
        assert [khemon(name, "--db", url, "--json").document for name in ("batches", "alerts")] == before
        assert khemon("check", "--db", url, "--json").document == {"sound": True, "findings": []}
    assert imported(big, url).code == 0
    assert khemon("check", "--db", url, "--json").document["sound"]


def test_a_disk_full_from_the_start_leaves_no_half_made_store(tmp_path, file):
    url = sqlite(tmp_path)
    for limit in (0, 4_096, 65_536):
        said, *_ = with_a_full_disk(limit, url, file)
        assert (said.code, "Remedy: " in said.err) == (2, True)
    assert imported(file, url).code == 1
    assert khemon("check", "--db", url, "--json").document["sound"]


# ---- corrupt ----------------------------------------------------------------------------------------------------


def test_a_store_of_a_newer_khemon_is_refused_and_left_alone(tmp_path, file):
    url = sqlite(tmp_path)
    imported(file, url)
    with closing(sqlite3.connect(tmp_path / "khemon.db")) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    before = (tmp_path / "khemon.db").read_bytes()
    for command in (("import", file), ("status",), ("check",), ("undo", "x")):
        said = khemon(*command, "--db", url, "--json")
        assert (said.code, said.out) == (2, "")
        assert "9999" in said.err and "Remedy: use the newer khemon" in said.err
    assert (tmp_path / "khemon.db").read_bytes() == before


def test_a_page_of_noise_is_found_or_refused_by_every_command(tmp_path, file, seed):
    url, database = sqlite(tmp_path), tmp_path / "khemon.db"
    imported(file, url)
    whole, drawn = database.read_bytes(), random.Random(seed)
    for page in drawn.sample(range(len(whole) // 4_096), 12):
        damaged = bytearray(whole)
        damaged[page * 4_096 : (page + 1) * 4_096] = drawn.randbytes(4_096)
        database.write_bytes(damaged)
        (tmp_path / "khemon.db-journal").unlink(missing_ok=True)
        found = khemon("check", "--db", url, "--json")
        assert found.code in (1, 2), f"page {page}"
        assert found.code == 1 or "Remedy: " in found.err
        assert "P0-0" not in found.out + found.err


def test_a_flipped_bit_is_found_or_refused_or_changes_nothing_that_is_told(tmp_path, file, seed):
    url, database = sqlite(tmp_path), tmp_path / "khemon.db"
    imported(file, url)
    views = (("status", "--as-of", "2026-02-01T00:00Z"), ("alerts",))
    before = [khemon(*view, "--db", url, "--json").out for view in views]
    whole, drawn = database.read_bytes(), random.Random(seed)
    written = [place for place, byte in enumerate(whole) if byte]
    for place in drawn.sample(written, min(FLIPS, len(written))):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << drawn.randrange(8)
        database.write_bytes(damaged)
        (tmp_path / "khemon.db-journal").unlink(missing_ok=True)
        if khemon("check", "--db", url, "--json").code == 0:
            for view, told in zip(views, before, strict=True):
                said = khemon(*view, "--db", url, "--json")
                assert said.out == told or (said.code and not said.out), f"byte {place}"
