"""A flipped bit in a row that ward, patient or status read: no number is shown calmly, and `check` always finds it.

`KHEMON_FLIPS=1000` flips more than the 60 bits of every run; `KHEMON_SEED` repeats the draw.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import random
import sqlite3
import struct
from contextlib import closing

import pytest

from khemon.actions import watch
from khemon.actions.check import check
from khemon.actions.checking import checked, not_made, take
from khemon.actions.import_files import undo
from khemon.actions.status import alerts, status
from khemon.models import Actor, StoreProblem
from khemon.rules.calendar import to_ms
from khemon.store import Store, tables
from tests.test_pages import Visitor, body, opened, words
from tests.wards import bring, small_ward

pytestmark = pytest.mark.faults

FLIPS = int(os.environ.get("KHEMON_FLIPS", "60"))
NURSE = Actor(name="nurse", kind="local")
NOW = dt.datetime(2026, 3, 1, 8, 0, tzinfo=dt.UTC)
#: What the three read, and the record of alerts that the page of one shows. Stored episodes are not shown: they are
#: computed anew, and `check` compares them.
READ = (
    "result",
    "event_version",
    "patient_version",
    "patient",
    "batch",
    "batch_undo",
    "batch_patient",
    "fate",
    "setting",
    "alert",
    "alert_move",
    "seen",
    "protocol_live",
    "seal",
)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A store with a ward, and a connection that can change its protected rows."""
    path = tmp_path_factory.mktemp("flips") / "khemon.db"
    store = Store(f"sqlite:///{path}")
    bring(store, small_ward(NOW))
    with store.reading() as reader:
        last = reader.batches()[-1].batch
        first = next(iter(reader.patient_numbers()))
    undo(store, NURSE, last, to_ms(NOW))
    with store.writing() as writer:
        writer.mark_seen("page", first, NURSE.name, to_ms(NOW))
        writer.audit(NURSE, "note", "x", {}, to_ms(NOW))
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("PRAGMA ignore_check_constraints = ON")
        raw.execute("PRAGMA foreign_keys = OFF")
        yield store, raw
    store.close()


def told(store: Store) -> dict[str, str | None]:
    """What each view says; None where it refuses. A child that is named as damaged is not shown."""
    views = {
        "status": lambda: status(store, NURSE, now_ms=to_ms(NOW)),
        "alerts": lambda: alerts(store, NURSE),
        "ward": lambda: watch.ward_board(store, NURSE, NOW),
        "queue": lambda: watch.review_queue(store, NURSE, NOW),
    }
    found: dict[str, str | None] = {}
    for name, view in views.items():
        found[name] = refusing(view)
        if "damaged=('" in (found[name] or ""):
            found[name] = None
    with store.reading() as reader:
        try:
            numbers = reader.patient_numbers()
        except StoreProblem:
            numbers = {}
    for patient_id, number in numbers.items():
        found[f"patient {patient_id}"] = refusing(lambda number=number: watch.patient_view(store, NURSE, number, NOW))
        found[f"visit {patient_id}"] = refusing(lambda name=patient_id: watch.last_visits(store, NURSE, name))
    return found


def refusing(view) -> str | None:
    try:
        return repr(view())
    except StoreProblem:
        return None


def flipped(value, drawn: random.Random):
    """The value with one bit of what stands for it turned over; None where there is none, or it would be no text."""
    if isinstance(value, int):
        value ^= 1 << drawn.randrange(63)
        return value
    if isinstance(value, float):
        changed = struct.unpack(
            "<d", (int.from_bytes(struct.pack("<d", value), "little") ^ 1 << drawn.randrange(64)).to_bytes(8, "little")
        )[0]
        return None if math.isnan(changed) or changed == value else changed
    if not value or isinstance(value, bytes):
        return None
    content = bytearray(value.encode())
    content[drawn.randrange(len(content))] ^= 1 << drawn.randrange(7)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def draw(raw: sqlite3.Connection, drawn: random.Random):
    """A table, one of its columns, the key of one of its rows, the value there and the value with a bit turned."""
    while True:
        table = tables.METADATA.tables[drawn.choice(READ)]
        names = [column.name for column in table.columns]
        keys = [column.name for column in table.primary_key.columns]
        rows = raw.execute(f'SELECT * FROM "{table.name}"').fetchall()
        if table.name == "fate":
            rows = [row for row in rows if row[4] in ("review", "conflict", "no_value")]
        if not rows:
            continue
        row, name = dict(zip(names, drawn.choice(rows), strict=True)), drawn.choice(names)
        changed = flipped(row[name], drawn)
        if changed is not None:
            return table.name, name, keys, row, changed


def put(raw: sqlite3.Connection, table: str, column: str, keys: list[str], row: dict, value) -> bool:
    """Writes a value into a row that is named by its key; False where the key is taken."""
    match = " AND ".join(f'"{key}" = ?' for key in keys)
    try:
        return (
            raw.execute(
                f'UPDATE "{table}" SET "{column}" = ? WHERE {match}', [value, *(row[key] for key in keys)]
            ).rowcount
            == 1
        )
    except sqlite3.IntegrityError:
        return False


def test_a_flipped_bit_is_refused_or_changes_nothing_that_is_told_and_check_finds_it(damaged, seed):
    store, raw = damaged
    drawn = random.Random(seed)
    before = told(store)
    assert None not in before.values()
    assert {finding["what"] for finding in check(store, NURSE, to_ms(NOW))["findings"]} == {"trigger"}
    refused = 0
    for turn in range(FLIPS):
        table, column, keys, row, value = draw(raw, drawn)
        if not put(raw, table, column, keys, row, value):
            continue
        where = f"flip {turn}: {table}.{column}, {row[column]!r} to {value!r}"
        after = told(store)
        shown = [name for name, said in after.items() if said is not None and said != before.get(name)]
        assert shown == [], where
        refused += None in after.values()
        findings = check(store, NURSE, to_ms(NOW))["findings"]
        assert {finding["what"] for finding in findings} - {"trigger"}, where
        assert put(raw, table, column, keys, {**row, column: value}, row[column]), where
    assert told(store) == before
    assert refused > FLIPS // 4
    print(f"{FLIPS} flips, {refused} in what is shown")


# ---- what a person sees -----------------------------------------------------------------------------------------


@pytest.fixture
def visitor(tmp_path):
    url = f"sqlite:///{tmp_path / 'own.db'}"
    store = Store(url)
    bring(store, small_ward(dt.datetime.now(dt.UTC)))
    store.close()
    yield from opened(url)


def spoil(visitor: Visitor, statement: str) -> None:
    with closing(sqlite3.connect(visitor.store.url.removeprefix("sqlite:///"))) as raw, raw:
        for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute(statement)


def test_a_child_with_a_damaged_row_is_named_in_red_and_the_others_are_shown(visitor):
    with visitor.store.reading() as reader:
        numbers = reader.patient_numbers()
    name, number = next(iter(numbers.items()))
    others = sorted(set(numbers) - {name})
    spoil(visitor, f"UPDATE result SET high = high + 1 WHERE patient_no = {number}")
    ward = visitor.open("ward")
    assert "k-broken" in body(ward) and f"not what was written: {name}" in words(ward)
    assert body(ward).count(f'patient={number}"') == 0
    assert sum(f'patient={numbers[other]}"' in body(ward) for other in others) > 1
    page = visitor.open("patient", patient=number)
    assert "Not shown: the database is damaged here" in words(page)
    assert "Platelets" not in words(page)
    assert "Not shown" not in words(visitor.open("patient", patient=numbers[others[0]]))


def test_a_changed_zone_shows_no_page_at_all(visitor):
    spoil(visitor, "UPDATE setting SET value = 'Asia/Tokyo' WHERE key = 'timezone'")
    for page in ("ward", "alerts"):
        assert "Not shown: the database is damaged here" in words(visitor.open(page))


def test_a_failed_check_shows_a_banner_everywhere_and_nothing_can_be_written_until_one_succeeds(visitor):
    spoil(visitor, "UPDATE alert SET rule = 'other' WHERE alert_id = 1")  # in no page, so only `check` finds it
    now_ms = to_ms(dt.datetime.now(dt.UTC))
    take(visitor.store, checked(visitor.store.url, now_ms), now_ms)
    for page in ("ward", "alerts", "upload", "definitions"):
        shown = visitor.open(page)
        assert "READ-ONLY: its check found" in words(shown), page
    with pytest.raises(StoreProblem, match="read-only"), visitor.store.writing():
        pass
    visitor.store.release()
    with visitor.store.reading() as reader:
        assert "check_failed" in [row.action for row in reader.audit_rows()]


def test_a_check_that_could_not_be_made_shows_a_banner_everywhere_and_writing_goes_on(visitor):
    not_made(visitor.store, "its process ended with code -9")
    for page in ("ward", "alerts", "upload", "definitions"):
        assert "NOT CHECKED: the check of this database could not be made" in words(visitor.open(page)), page
    with visitor.store.writing(keep=False):
        pass
