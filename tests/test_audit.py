"""The record of what was done: readable, narrowed, and every tampering named at its first bad entry."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from khemon.actions.viewing import looked_at
from khemon.models import Actor
from khemon.store import Store, tables
from khemon.store.digests import audit_hash
from khemon.store.repository import sealing
from tests.shell import imported, khemon, sqlite
from tests.test_store_integrity import tamper

NURSE = Actor(name="nurse", kind="local")
NOW = dt.datetime(2026, 2, 1, 8, 1, tzinfo=dt.UTC)
LABS = """patient_id,collected_at,analyte,value,unit
P1,2026-01-01T08:00:00Z,platelets,9,10*9/L
P2,2026-01-01T08:00:00Z,platelets,240,10*9/L
"""


@pytest.fixture
def recorded(store, tmp_path) -> Store:
    """A store in which an import and three more acts are on record."""
    path = tmp_path / "labs.csv"
    path.write_text(LABS)
    assert imported(path, store.url).code == 0
    with store.writing() as writer:
        for number in range(3):
            writer.audit(NURSE, "note", f"thing {number}", {"number": number}, number)
    return store


def entries(store: Store) -> int:
    with store.reading() as reader:
        return reader.audit_head()[0]


def verified(store: Store):
    return khemon("audit", "--verify", "--db", store.url, "--json")


def test_an_untouched_record_is_sound_and_tells_its_head(recorded):
    said = verified(recorded)
    assert (said.code, said.document["sound"], said.document["finding"]) == (0, True, None)
    with recorded.reading() as reader:
        assert tuple(said.document["head"].values()) == reader.audit_head()
    assert khemon("audit", "--verify", "--db", recorded.url).err.startswith("sound; its head is ")


TAMPERINGS = {
    "edit": (["UPDATE audit SET actor = 'x' WHERE sequence = {second}"], "{second}"),
    "edit of details": (["UPDATE audit SET details = '{{}}' WHERE sequence = {second}"], "{second}"),
    "delete": (["DELETE FROM audit WHERE sequence = {second}"], "{second}"),
    "reorder": (
        [
            "UPDATE audit SET sequence = -1 WHERE sequence = {second}",
            "UPDATE audit SET sequence = {second} WHERE sequence = {third}",
            "UPDATE audit SET sequence = {third} WHERE sequence = -1",
        ],
        "{second}",
    ),
    "insert": (
        [
            "UPDATE audit SET sequence = {last} + 1 WHERE sequence = {last}",
            "INSERT INTO audit SELECT {last}, at_ms, actor, actor_kind, action, object, details, previous_hash, hash"
            " FROM audit WHERE sequence = {second}",
        ],
        "{last}",
    ),
    "truncate": (["DELETE FROM audit WHERE sequence = {last}"], "{last}"),
    "truncate all": (["DELETE FROM audit"], "1"),
}


@pytest.mark.parametrize("name", list(TAMPERINGS))
def test_a_tampering_is_named_at_its_first_bad_entry(recorded, name):
    last = entries(recorded)
    numbers = {"second": last - 2, "third": last - 1, "last": last}
    statements, where = TAMPERINGS[name]
    tamper(recorded, *(statement.format(**numbers) for statement in statements))
    said = verified(recorded)
    assert (said.code, said.document["finding"]["where"]) == (1, f"audit entry {where.format(**numbers)}")
    assert khemon("check", "--db", recorded.url, "--json").code == 1


def test_an_entry_appended_behind_the_back_of_the_store_is_found(recorded):
    with recorded.reading() as reader:
        sequence, head = reader.audit_head()
    entry = (sequence + 1, 1, "x", "local", "note", "thing", "{}", head)
    engine = sa.create_engine(recorded.url)
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.audit).values((*entry, audit_hash(*entry))))
    engine.dispose()
    assert verified(recorded).document["finding"]["where"] == f"audit entry {sequence + 1}"


def test_a_record_cut_off_with_its_seal_no_longer_has_the_head_that_was_noted(recorded):
    head = verified(recorded).document["head"]
    known = f"{head['sequence']}:{head['hash']}"
    assert khemon("audit", "--known-head", known, "--db", recorded.url, "--json").document["sound"]
    tamper(recorded, f"DELETE FROM audit WHERE sequence = {head['sequence']}", "DELETE FROM seal")
    engine = sa.create_engine(recorded.url)
    with engine.begin() as connection:
        sealing.make(connection)
    engine.dispose()
    assert verified(recorded).document["sound"]  # whoever can write everything can seal everything
    said = khemon("audit", "--known-head", known, "--db", recorded.url, "--json")
    assert (said.code, said.document["finding"]["where"]) == (1, f"audit entry {head['sequence']}")


def test_the_record_is_narrowed_by_child_person_action_and_time(recorded):
    def asked(*arguments: str) -> list[str]:
        said = khemon("audit", *arguments, "--db", recorded.url, "--json")
        return [entry["action"] for entry in said.document["entries"]]

    everything = asked()
    assert everything[:2] == ["set_timezone", "import"] and everything[-3:] == ["note"] * 3
    about = [khemon("audit", "--patient", who, "--db", recorded.url, "--json").document for who in ("P1", "P2")]
    first, second = ({entry["object"] for entry in each["entries"]} for each in about)
    assert len(first & second) == 1  # the file that speaks of both
    assert {name.split()[0] for name in first} == {"batch", "alert"} and len(first) > len(second)
    assert asked("--actor", "nurse") == ["note"] * 3 == asked("--action", "note")
    assert asked("--until", "2000-01-01T00:00Z") == ["note"] * 3
    assert "note" not in asked("--from", "2000-01-01T00:00Z")
    table = khemon("audit", "--actor", "nurse", "--db", recorded.url).out
    assert "thing 2" in table and "number 2" in table
    assert khemon("audit", "--patient", "nobody", "--db", recorded.url).code == 2


# ---- who looked -------------------------------------------------------------------------------------------------


def looks(store: Store) -> list[tuple[str, str]]:
    store.settle()
    with store.reading() as reader:
        return [(row.actor, row.object) for row in reader.audit_rows() if row.action == "view_patient"]


def test_one_person_child_and_quarter_of_an_hour_is_one_entry(recorded):
    for minutes in (0, 3, 13, 14, 20):  # 8:01 to 8:21: the quarters of 8:00 and 8:15
        looked_at(recorded, NURSE, "P1", "patient page", NOW + dt.timedelta(minutes=minutes), opened=False)
    looked_at(recorded, NURSE, "P2", "patient page", NOW, opened=False)
    looked_at(recorded, Actor(name="doctor", kind="local"), "P1", "patient page", NOW, opened=False)
    seen = looks(recorded)
    assert sorted(seen) == [
        ("doctor", "patient P1"),
        ("nurse", "patient P1"),
        ("nurse", "patient P1"),
        ("nurse", "patient P2"),
    ]
    said = khemon("audit", "--who-saw", "P1", "--db", recorded.url, "--json").document
    assert {row["actor"]: row["times"] for row in said["seen_by"]} == {"nurse": 2, "doctor": 1}
    assert "nurse" in khemon("audit", "--who-saw", "P1", "--db", recorded.url).out
    assert khemon("audit", "--who-saw", "nobody", "--db", recorded.url).code == 2


def test_status_of_one_child_is_a_look_and_of_all_is_none(recorded):
    assert khemon("status", "--db", recorded.url, "--json").code == 0
    assert looks(recorded) == []
    assert khemon("status", "--patient", "P2", "--db", recorded.url, "--json").code == 0
    assert [seen for _, seen in looks(recorded)] == ["patient P2"]


def test_looking_never_waits_for_a_writer_and_is_on_record_afterwards(tmp_path):
    path = tmp_path / "labs.csv"
    path.write_text(LABS)
    imported(path, sqlite(tmp_path))
    store = Store(sqlite(tmp_path))
    with closing(sqlite3.connect(tmp_path / "khemon.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        looked_at(store, NURSE, "P1", "patient page", NOW, opened=True)
        with store.reading() as reader:
            assert "view_patient" not in [row.action for row in reader.audit_rows()]
        other.execute("ROLLBACK")
    assert looks(store) == [("nurse", "patient P1")]
    store.close()


def test_closing_the_store_writes_what_was_left_for_later(tmp_path):
    path = tmp_path / "labs.csv"
    path.write_text(LABS)
    imported(path, sqlite(tmp_path))
    store = Store(sqlite(tmp_path))
    looked_at(store, NURSE, "P1", "patient page", NOW, opened=True)
    store.close()
    again = Store(sqlite(tmp_path))
    assert looks(again) == [("nurse", "patient P1")]
    again.close()


def test_who_did_what_is_told_each_pair_once(recorded):
    with recorded.reading() as reader:
        told = reader.audit_names()
    assert told.count(("nurse", "note")) == 1
    assert told == sorted(set(told)) and {action for _, action in told} >= {"import", "set_timezone"}
