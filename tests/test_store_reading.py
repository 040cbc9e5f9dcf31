"""What readers get: columns for the rules, rows for people, as standing now or as known at a time."""

from __future__ import annotations

import numpy as np

from khemon.models import EVENT_KINDS, QUALITIES, STATUSES
from khemon.units import ANALYTE_CODES
from tests.store_rows import HOUR, bring, child, event, lab, undo


def test_columns_are_sorted_by_patient_time_and_analyte_whatever_the_order_of_arrival(store):
    bring(store, [lab(3, patient="P9", at=3 * HOUR), lab(1, patient="P9", at=HOUR, analyte="hemoglobin")])
    bring(store, [lab(2, patient="P1", at=5 * HOUR), lab(4, patient="P9", at=HOUR)])
    with store.reading() as reader:
        columns = reader.results_for()
    assert columns.patient_ids == ["P1", "P9"]
    assert columns.patient.tolist() == [0, 1, 1, 1]
    assert columns.time.tolist() == [5 * HOUR, HOUR, HOUR, 3 * HOUR]
    assert columns.analyte.tolist() == [0, 0, ANALYTE_CODES["hemoglobin"], 0]
    assert columns.low.tolist() == [2, 4, 1, 3]


def test_columns_have_the_types_the_engine_takes(store):
    bring(store, [lab(3, quality="clumped", status="corrected", specimen_id="A"), lab(4, at=0)])
    with store.reading() as reader:
        columns = reader.results_for()
    kinds = {"patient": np.int32, "time": np.int64, "analyte": np.int8, "low": np.float64, "high": np.float64}
    kinds |= {"status": np.int8, "quality": np.int8, "specimen": np.int64, "recorded": np.int64, "result_id": np.int64}
    assert {name: getattr(columns, name).dtype for name in kinds} == kinds
    assert columns.status.tolist() == [STATUSES.index("final"), STATUSES.index("corrected")]
    assert columns.quality.tolist() == [0, QUALITIES.index("clumped")]


def test_equal_specimens_get_equal_codes_and_no_specimen_none(store):
    rows = [
        lab(1, specimen_id="B"),
        lab(2),
        lab(3, analyte="fibrinogen", specimen_id="B"),
        lab(4, patient="P2", specimen_id="C"),
    ]
    bring(store, rows)
    with store.reading() as reader:
        columns = reader.results_for()
    code = dict(zip(columns.low.tolist(), columns.specimen.tolist(), strict=True))
    assert (code[2], code[1] == code[3], code[1] != code[4], code[1] >= 0) == (-1, True, True, True)


def test_the_order_of_recording_is_that_of_files_and_of_rows_in_them(store):
    bring(store, [lab(1, at=9 * HOUR), lab(2, at=3 * HOUR)])
    bring(store, [lab(3, at=6 * HOUR)])
    with store.reading() as reader:
        columns = reader.results_for()
    assert columns.low[np.argsort(columns.recorded)].tolist() == [1, 2, 3]


def test_only_the_patients_asked_for_are_read_and_unknown_ones_left_out(store):
    bring(store, [lab(1), lab(2, patient="P2"), lab(3, patient="P3")])
    with store.reading() as reader:
        columns = reader.results_for(["P3", "nobody", "P1"])
        assert (columns.patient_ids, columns.low.tolist()) == (["P1", "P3"], [1, 3])
        assert len(reader.results_for([])) == 0


def test_a_patient_without_results_is_among_the_patients(store):
    bring(store, [child("P0"), child("P2")])
    bring(store, [lab(1)])
    with store.reading() as reader:
        columns, events = reader.results_for(), reader.events_for()
    assert columns.patient_ids == events.patient_ids == ["P0", "P1", "P2"]
    assert columns.patient.tolist() == [1]


def test_an_empty_store_gives_empty_columns(store):
    with store.reading() as reader:
        assert (len(reader.results_for()), len(reader.events_for()), reader.patients()) == (0, 0, [])
        assert (reader.results_of("nobody"), reader.patient("nobody"), reader.batch("nothing")) == ([], None, None)


def test_analytes_without_rules_are_read_only_when_asked_for(store):
    bring(store, [lab(1), lab(2, analyte="creatinine")])
    with store.reading() as reader:
        assert len(reader.results_for()) == 1
        assert len(reader.results_for(all_analytes=True)) == 2
        assert [row.analyte for row in reader.results_of("P1")] == ["platelets", "creatinine"]


def test_results_are_cut_by_collection_and_by_recording(store):
    bring(store, [lab(1, at=HOUR), lab(2, at=5 * HOUR)], recorded_ms=10)
    bring(store, [lab(3, at=HOUR, patient="P2")], recorded_ms=20)
    with store.reading() as reader:
        assert reader.results_for(until_ms=HOUR).low.tolist() == [1, 3]
        assert reader.results_for(known_at_ms=19).low.tolist() == [1, 2]
        assert reader.results_for(known_at_ms=19).patient_ids == ["P1"]
        assert reader.results_for(known_at_ms=19, until_ms=HOUR).low.tolist() == [1]
        assert reader.results_for(known_at_ms=9).patient_ids == []


def test_what_was_known_then_never_changes(store):
    batches = [bring(store, [lab(1)], recorded_ms=10).batch]
    batches.append(bring(store, [lab(2, status="corrected"), lab(5, patient="P2")], recorded_ms=20).batch)
    with store.reading() as reader:
        before = [reader.results_for(known_at_ms=at).low.tolist() for at in (10, 20)]
    undo(store, batches[1], at_ms=30)
    bring(store, [lab(7, at=0)], recorded_ms=40)
    with store.reading() as reader:
        assert [reader.results_for(known_at_ms=at).low.tolist() for at in (10, 20)] == before
        assert reader.results_for(known_at_ms=30).low.tolist() == [1]
        assert reader.results_for().low.tolist() == [7, 1]


def test_events_come_as_columns_and_as_models_in_the_same_order(store):
    bring(
        store,
        [event("plasma", patient="P2", at=5), event("sirolimus", at=9, end_ms=20, dose="0.8", unit="mg", note="x")],
    )
    bring(store, [event("plasma", at=3)], recorded_ms=2 * HOUR)
    with store.reading() as reader:
        events = reader.events_for()
        earlier = reader.events_for(known_at_ms=HOUR)
        mine = reader.events_for(["P2"])
    assert [EVENT_KINDS[code] for code in events.kind] == ["plasma", "sirolimus", "plasma"]
    assert (events.patient.tolist(), events.start.tolist(), events.end.tolist()) == ([0, 0, 1], [3, 9, 5], [-1, 20, -1])
    assert [each.kind for each in events.events] == ["plasma", "sirolimus", "plasma"]
    assert (events.events[1].dose, events.events[1].unit, events.events[1].note) == ("0.8", "mg", "x")
    assert (len(earlier), mine.patient_ids, len(mine)) == (2, ["P2"], 1)


def test_identifiers_are_never_touched(store):
    names = ["007", "7", " 7", "NA", "null", "Ø'); DROP TABLE patient; --", "\u202e7", "日本"]
    bring(store, [lab(number + 1, patient=name) for number, name in enumerate(names)])
    with store.reading() as reader:
        assert reader.patient_ids() == sorted(names)
        assert [reader.results_of(name)[0].text for name in names] == [str(number + 1) for number in range(len(names))]


def test_text_is_kept_to_the_letter(store):
    text = "  <5 ×10⁹/L\n'\"; µ %s %(x)s :name \t"
    bring(store, [lab(5, text=text, comment=text, unit=text, collected_text=text, specimen_id=text)])
    with store.reading() as reader:
        (row,) = reader.results_of("P1")
    assert {row.text, row.comment, row.unit, row.collected_text, row.specimen_id} == {text}


def test_a_reader_sees_one_snapshot(store):
    bring(store, [lab(1)])
    with store.reading() as reader:
        before = len(reader.results_for())
        if store.url.startswith("postgresql"):  # in SQLite's rollback mode the writer's commit waits for the reader
            bring(store, [lab(2, at=5 * HOUR)])
        assert len(reader.results_for()) == before


def test_batches_come_in_order_of_import_with_their_counts(store):
    bring(store, [lab(1), lab(2, decision="rejected")], name="one.csv", source="A", recorded_ms=5)
    bring(store, [event()], name="two.csv", recorded_ms=4)
    with store.reading() as reader:
        first, second = reader.batches()
    assert (first.file, first.source, first.kind, first.recorded_ms, first.actor) == (
        "one.csv",
        "A",
        "labs",
        5,
        "nurse",
    )
    assert (first.counts["read"], first.counts["accepted"], first.counts["rejected"]) == (2, 1, 1)
    assert (second.file, second.source, second.kind, second.undone) == ("two.csv", None, "events", False)
