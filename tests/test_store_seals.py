"""What should be there is compared whenever it is read: nothing changed, missing or added is shown."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa

from khemon.models import DamagedRows, StoreProblem
from khemon.store import Store
from khemon.store.integrity import check
from khemon.store.repository.marks import column_marks, mark_of, totals
from tests.store_rows import HOUR, NURSE, bring, child, event, lab, undo
from tests.test_store_integrity import tamper


@pytest.fixture
def filled(store) -> Store:
    bring(
        store, [lab(10), lab(12, at=2 * HOUR), lab(30, patient="P2"), lab(1, analyte="hemoglobin", decision="review")]
    )
    bring(store, [event("sirolimus", dose="0.8"), event(patient="P2")])
    bring(store, [child(name="Ana", birth_date="2025-11-02"), child("P2", sex="f")])
    undo(store, bring(store, [lab(13, at=3 * HOUR)]).batch)
    with store.writing() as writer:
        writer.set_setting("timezone", "UTC")
        writer.mark_seen("patient", "P1", "nurse", HOUR)
    return store


READS = {
    "results": lambda reader, who: len(reader.results_for(who)),
    "results of one": lambda reader, who: [len(reader.results_of(name)) for name in who or ("P1", "P2")],
    "events": lambda reader, who: len(reader.events_for(who)),
    "patients": lambda reader, who: len(reader.patients(who)),
    "held": lambda reader, who: len(reader.held()),
    "times of recording": lambda reader, who: [reader.recorded_of(name) for name in who or ("P1", "P2")],
    "imports": lambda reader, who: len(reader.batches()),
    "zone": lambda reader, who: reader.setting("timezone"),
    "visits": lambda reader, who: reader.seen_at("patient", "P1", "nurse"),
}
CHANGES = {
    "UPDATE result SET high = 11 WHERE text = '10'": ("results", "results of one"),
    "UPDATE result SET collected_ms = collected_ms + 1 WHERE text = '10'": ("results", "results of one"),
    "UPDATE result SET analyte = 20 WHERE text = '12'": ("results", "results of one"),
    "UPDATE result SET patient_no = 2 WHERE text = '12'": ("results", "results of one"),
    "UPDATE result SET comment = 'x' WHERE text = '12'": ("results of one",),
    "DELETE FROM result WHERE text = '12'": ("results", "results of one"),
    "UPDATE event_version SET start_ms = start_ms + 1 WHERE patient_no = 1": ("events",),
    "DELETE FROM event_version WHERE patient_no = 1": ("events",),
    "UPDATE patient_version SET fields = replace(fields, '2025', '2024')": ("patients",),
    "DELETE FROM patient_version": ("patients",),
    "UPDATE patient SET patient_id = 'P3' WHERE patient_no = 2": ("results", "patients"),
    "UPDATE fate SET decision = 'ignored'": ("held",),
    "UPDATE fate SET content = replace(content, '1', '2')": ("held",),
    "UPDATE batch SET recorded_ms = recorded_ms + 1 WHERE batch_no = 1": ("held", "times of recording", "imports"),
    "UPDATE batch SET file = 'other.csv'": ("imports",),
    "UPDATE setting SET value = 'Asia/Tokyo'": ("zone",),
    "DELETE FROM setting": ("zone",),
    "UPDATE batch_undo SET batch_no = 2": ("results", "events", "patients"),
    "UPDATE seen SET last_ms = last_ms + 1": ("visits",),
    "DELETE FROM seen": ("visits",),
    "UPDATE seal SET mark = mark + 1 WHERE kind = 'event'": ("events",),
}


@pytest.mark.parametrize("who", [None, ["P1", "P2"]], ids=["everyone", "by name"])
@pytest.mark.parametrize("change", list(CHANGES))
def test_a_changed_or_missing_row_is_refused_where_it_is_read(filled, change, who):
    tamper(filled, change)
    for name in CHANGES[change]:
        with pytest.raises(StoreProblem, match="restore a backup"), filled.reading() as reader:
            READS[name](reader, who)
    assert check(filled) != []


def test_an_untouched_store_is_read_and_has_no_findings(filled):
    with filled.reading() as reader:
        for read in READS.values():
            assert read(reader, None) == read(reader, ["P1", "P2"])
    assert check(filled) == []


def test_a_damaged_patient_is_named_and_can_be_left_out(filled):
    tamper(filled, "UPDATE result SET high = 11 WHERE text = '10'")
    with pytest.raises(DamagedRows) as refused, filled.reading() as reader:
        reader.results_for()
    assert refused.value.patients == {1}
    assert "P1" not in str(refused.value)
    with filled.reading() as reader:
        reader.leave_out(refused.value.patients)
        assert reader.results_for().low.tolist() == [30]
        assert [event.patient_id for event in reader.events_for().events] == ["P2"]
        assert reader.held() == []


def test_damage_of_the_ward_names_no_patient_to_leave_out(filled):
    tamper(filled, "UPDATE setting SET value = 'Asia/Tokyo'")
    with pytest.raises(DamagedRows, match="settings") as refused, filled.reading() as reader:
        reader.leave_out([1, 2])
        reader.setting("timezone")
    assert refused.value.patients == frozenset()


def test_what_a_transaction_adds_can_be_read_in_it_and_what_it_takes_back_is_not_missed(filled):
    with filled.writing(keep=False) as writer:
        writer.set_setting("timezone", "Asia/Tokyo")
        assert writer.setting("timezone") == "Asia/Tokyo"
    with filled.reading() as reader:
        assert reader.setting("timezone") == "UTC"
    assert check(filled) == []


def test_a_store_written_without_seals_gets_them_when_it_is_opened(tmp_path):
    path = tmp_path / "khemon.db"
    store = Store(f"sqlite:///{path}")
    bring(store, [lab(10), lab(12, at=2 * HOUR)])
    bring(store, [event("sirolimus", dose="0.8")])
    with store.writing() as writer:
        writer.audit(actor=NURSE, action="note", object="x", details={}, at_ms=1)
    store.close()
    with closing(sqlite3.connect(path)) as opened, opened:
        opened.execute("DROP TABLE seal")
        opened.execute("UPDATE alembic_version SET version_num = '0005'")
    again = Store(f"sqlite:///{path}")
    with again.reading() as reader:
        assert len(reader.results_for()) == 2
    assert check(again) == []
    again.close()


@pytest.mark.postgres
def test_a_postgresql_store_written_without_seals_gets_them_too(new_postgres):
    store = Store(new_postgres)
    bring(store, [lab(10), lab(12, at=2 * HOUR)])
    store.close()
    engine = sa.create_engine(new_postgres)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE seal")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0005'")
    engine.dispose()
    again = Store(new_postgres)
    assert check(again) == []
    again.close()


def test_any_flipped_bit_of_a_column_changes_the_mark_and_no_neighbor_does():
    rows = [(1, 2, 3, 4.5, 9.0, 1, 0, "s1", 100, None, 0), (1, 3, 3, 0.5, 0.5, 1, 0, None, 101, 7, 0)]
    kinds = "iiiffiitioi"
    marks = column_marks(list(zip(*rows, strict=True)), kinds).tolist()
    alone = [column_marks([(value,) for value in row], kinds)[0] for row in rows]
    assert marks == alone
    for place in (0, 1, 2, 5, 6, 8, 10):
        for bit in range(63):
            changed = list(rows[0])
            changed[place] ^= 1 << bit
            assert column_marks([(value,) for value in changed], kinds)[0] != marks[0]


def test_totals_do_not_depend_on_the_order_of_rows():
    pairs = [(number % 3, mark_of(number, "x")) for number in range(20)]
    assert totals(pairs) == totals(reversed(pairs))
    assert totals(pairs) != totals(pairs[1:])


def test_a_child_that_nobody_spoke_of_cannot_have_been_opened(store):
    with store.writing() as writer:
        writer.mark_seen("patient", "P1", "nurse", HOUR)
    bring(store, [lab(10)])
    with store.reading() as reader:
        assert reader.seen_at("patient", "P1") is None
    with store.writing() as writer:
        writer.mark_seen("patient", "P1", "nurse", 2 * HOUR)
    with store.reading() as reader:
        assert reader.seen_at("patient", "P1") == 2 * HOUR
    assert check(store) == []
