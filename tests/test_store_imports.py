"""What becomes of a row in view of what is stored and of its own file: the same on both databases."""

from __future__ import annotations

import pytest

from khemon.store import Store
from tests.store_rows import HOUR, bring, fates, file_of, lab, standing, undo


def texts(store: Store, patient="P1") -> list[str]:
    with store.reading() as reader:
        return [row.text for row in reader.results_of(patient)]


def test_a_first_file_is_accepted_and_creates_its_patients_on_their_first_row(store):
    rows = [lab(10), lab(20, at=2 * HOUR), lab(30, patient="P2")]
    outcome = bring(store, rows)
    assert fates(rows) == ["accepted"] * 3
    assert [row.reasons for row in rows] == [["new_patient"], [], ["new_patient"]]
    assert outcome.patient_ids == outcome.new_patient_ids == ("P1", "P2")
    assert outcome.counts["read"] == outcome.counts["accepted"] == 3


def test_everything_as_received_can_be_read_again(store):
    row = lab("<5", comment="clot seen", specimen_id="S-7", resulted_ms=2 * HOUR, timing="trough", quality="lipemic")
    outcome = bring(store, [row], recorded_ms=5 * HOUR, source="lab A")
    with store.reading() as reader:
        (read,) = reader.results_of("P1")
        assert reader.result_details([read.result_id]) == {read.result_id: read}
    assert (read.text, read.comparator, read.value, read.unit) == ("<5", "<", "5", "10*9/L")
    assert (read.comment, read.specimen_id, read.resulted_ms, read.timing, read.quality) == (
        "clot seen",
        "S-7",
        2 * HOUR,
        "trough",
        "lipemic",
    )
    assert (read.low, read.high, read.status, read.collected_ms) == (0.0, 5.0, "final", HOUR)
    assert (read.batch, read.row, read.recorded_ms, read.reasons) == (outcome.batch, 2, 5 * HOUR, ["new_patient"])


def test_an_open_bound_is_kept(store):
    bring(store, [lab(">20", analyte="d_dimer")])
    with store.reading() as reader:
        columns = reader.results_for()
    assert (columns.low[0], columns.high[0]) == (20.0, float("inf"))


def test_the_same_value_again_is_a_duplicate(store):
    bring(store, [lab(10)])
    again = [lab(10)]
    outcome = bring(store, again)
    assert (fates(again), again[0].reasons, texts(store)) == (["duplicate"], [], ["10"])
    assert outcome.counts["duplicate"] == 1


def test_an_exact_repeat_within_the_file_is_a_duplicate(store):
    rows = [lab(10), lab(10), lab(10)]
    bring(store, rows)
    assert (fates(rows), texts(store)) == (["accepted", "duplicate", "duplicate"], ["10"])


def test_another_final_value_of_an_earlier_file_is_held_as_a_conflict(store):
    bring(store, [lab(10)])
    other = [lab(12)]
    bring(store, other)
    with store.reading() as reader:
        held = reader.held_of("P1")
    assert (fates(other), texts(store)) == (["conflict"], ["10"])
    assert [(row.text, row.decision, row.collected_ms) for row in held] == [("12", "conflict", HOUR)]


@pytest.mark.parametrize("change", [{"quality": "clumped"}, {"timing": "trough"}, {"canonical_unit": "mg/L"}])
def test_another_quality_timing_or_unit_is_a_conflict_too(store, change):
    bring(store, [lab(10)])
    other = [lab(10, **change)]
    bring(store, other)
    assert fates(other) == ["conflict"]


@pytest.mark.parametrize("on_conflict", ["hold", "supersede"])
def test_what_a_correction_said_reported_as_final_is_a_duplicate(store, on_conflict):
    bring(store, [lab(80)])
    bring(store, [lab(8, status="corrected")])
    again, others = [lab(8)], [lab(9)]
    bring(store, again, on_conflict=on_conflict)
    bring(store, others)
    assert (fates(again), fates(others)) == (["duplicate"], ["conflict"])


@pytest.mark.parametrize("later", [{"value": 7, "status": "corrected"}, {"value": 8, "status": "cancelled"}])
def test_a_value_that_was_corrected_again_or_cancelled_since_is_a_conflict_when_it_is_reported_as_final(store, later):
    bring(store, [lab(80)])
    bring(store, [lab(8, status="corrected")])
    bring(store, [lab(later["value"], status=later["status"])])
    again = [lab(8)]
    bring(store, again)
    assert fates(again) == ["conflict"]


def test_a_comment_or_another_spelling_does_not_make_another_value(store):
    bring(store, [lab(10)])
    other = [lab(10, text="10.0", value="10.0", comment="repeated")]
    outcome = bring(store, other)
    with store.reading() as reader:
        (fate,) = reader.fates_of(outcome.batch)
    assert (fate.decision, fate.text, fate.value) == ("duplicate", "10.0", "10.0")


def test_superseding_stores_the_other_value_as_a_correction(store):
    bring(store, [lab(10)])
    other = [lab(12)]
    bring(store, other, on_conflict="supersede")
    with store.reading() as reader:
        stored = [(row.text, row.status) for row in reader.results_of("P1")]
    assert (fates(other), other[0].reasons) == (["accepted"], ["supersedes_final"])
    assert stored == [("10", "final"), ("12", "corrected")]


def test_superseding_twice_with_the_same_value_adds_nothing(store):
    bring(store, [lab(10)])
    bring(store, [lab(12)], on_conflict="supersede")
    again = [lab(12, status="corrected")]
    bring(store, again, on_conflict="supersede")
    assert fates(again) == ["duplicate"]


@pytest.mark.parametrize("status", ["corrected", "cancelled", "entered_in_error"])
def test_a_final_result_is_superseded_without_conflict_by(store, status):
    bring(store, [lab(10)])
    later = [lab(12, status=status)]
    bring(store, later)
    assert (fates(later), later[0].reasons, texts(store)) == (["accepted"], [], ["10", "12"])


@pytest.mark.parametrize("status", ["final", "corrected"])
def test_a_preliminary_result_is_superseded_without_conflict_by(store, status):
    bring(store, [lab(10, status="preliminary")])
    later = [lab(12, status=status)]
    bring(store, later)
    assert (fates(later), later[0].reasons, texts(store)) == (["accepted"], [], ["10", "12"])


@pytest.mark.parametrize(
    ("stored", "late", "reason"),
    [
        ("final", "preliminary", "late_preliminary"),
        ("corrected", "preliminary", "late_preliminary"),
        ("corrected", "final", "late_final"),
        ("cancelled", "final", "late_final"),
        ("entered_in_error", "corrected", "late_corrected"),
    ],
)
def test_a_version_that_comes_too_late_to_count_is_kept_and_says_so(store, stored, late, reason):
    bring(store, [lab(10, status=stored)])
    rows = [lab(12, status=late)]
    bring(store, rows)
    assert (fates(rows), rows[0].reasons) == (["accepted"], [reason])


def test_a_withdrawn_result_without_a_number_is_stored(store):
    bring(store, [lab(10)])
    rows = [
        lab(0, text="", value=None, canonical_value=None, canonical_unit=None, high=float("inf"), status="cancelled")
    ]
    bring(store, rows)
    assert (fates(rows), texts(store)) == (["accepted"], ["10", ""])


def test_a_correction_that_another_one_has_replaced_is_a_duplicate_and_says_so(store):
    bring(store, [lab(10, status="corrected")])
    bring(store, [lab(12, status="corrected")])
    rows = [lab(10, status="corrected")]
    bring(store, rows)
    assert (fates(rows), rows[0].reasons) == (["duplicate"], ["corrected_again_since"])


def test_different_values_at_one_time_in_one_file_are_both_stored_and_say_so(store):
    rows = [lab(10), lab(12), lab(30, at=2 * HOUR)]
    bring(store, rows)
    assert fates(rows) == ["accepted"] * 3
    assert [row.reasons for row in rows] == [["new_patient", "same_time"], ["same_time"], []]


def test_the_same_pair_again_is_two_duplicates(store):
    bring(store, [lab(10), lab(12)])
    rows = [lab(12), lab(10), lab(14)]
    bring(store, rows)
    assert fates(rows) == ["duplicate", "duplicate", "conflict"]


def test_versions_of_one_result_in_one_file_are_not_two_results(store):
    rows = [lab(10, status="preliminary"), lab(12), lab(11, status="corrected"), lab(9, status="cancelled")]
    bring(store, rows)
    assert fates(rows) == ["accepted"] * 4
    assert [row.reasons for row in rows[1:]] == [[], [], []]


def test_two_specimens_at_one_time_are_two_results(store):
    rows = [lab(10, specimen_id="A"), lab(12, specimen_id="B")]
    bring(store, rows)
    later = [lab(12, specimen_id="B"), lab(13, specimen_id="A"), lab(14, specimen_id="C")]
    bring(store, later)
    assert ["same_time" in row.reasons for row in rows] == [True, True]
    assert fates(later) == ["duplicate", "conflict", "accepted"]


def test_a_specimen_identifies_a_result_whatever_its_time(store):
    bring(store, [lab(10, specimen_id="A")])
    rows = [lab(10, specimen_id="A", at=9 * HOUR), lab(10, specimen_id="A", at=9 * HOUR, status="corrected")]
    bring(store, rows)
    assert fates(rows) == ["conflict", "accepted"]


def test_two_laboratories_do_not_contradict_each_other(store):
    bring(store, [lab(10)], source="A")
    rows = [lab(12)]
    bring(store, rows, source="B")
    assert (fates(rows), texts(store)) == (["accepted"], ["10", "12"])


@pytest.mark.parametrize("decision", ["review", "rejected", "no_value", "ignored"])
def test_what_the_importer_held_back_is_kept_whole_and_not_used(store, decision):
    rows = [lab(10, decision=decision, comment="why"), lab(20, patient="P2")]
    outcome = bring(store, rows)
    with store.reading() as reader:
        fate = reader.fates_of(outcome.batch)[0]
        columns = reader.results_for()
        known = reader.patient_ids()
    assert (fate.decision, fate.text, fate.patient_id, fate.collected_ms) == (decision, "10", "P1", HOUR)
    assert (len(columns), outcome.counts[decision]) == (1, 1)
    assert ("P1" in known) == (decision in {"review", "no_value"})


def test_a_gap_and_a_held_row_are_found_by_patient(store):
    bring(store, [lab(10, decision="no_value", text="clotted"), lab(99, decision="review"), lab(1, patient="P2")])
    with store.reading() as reader:
        assert [row.text for row in reader.gaps_of("P1")] == ["clotted"]
        assert [row.text for row in reader.held_of("P1")] == ["99"]
        assert reader.gaps_of("P2") == reader.held_of("P2") == reader.held_of("nobody") == []


def test_a_held_row_and_a_gap_that_every_export_repeats_are_shown_once(store):
    for number in range(3):
        bring(store, [lab(10, decision="no_value", text="clotted"), lab(99, decision="review"), lab(number + 1)])
    with store.reading() as reader:
        assert [row.text for row in reader.gaps_of("P1")] == ["clotted"]
        assert [(row.text, row.decision) for row in reader.held()] == [
            ("99", "review"),
            ("2", "conflict"),
            ("3", "conflict"),
        ]


def test_a_row_without_patient_or_time_is_kept(store):
    rows = [lab(10, patient=None, decision="review", at=None), lab(20)]
    outcome = bring(store, rows)
    with store.reading() as reader:
        assert [row.patient_id for row in reader.fates_of(outcome.batch)] == [None, "P1"]
        assert [row.patient_id for row in reader.held()] == [None]


def test_fates_come_back_in_file_order_with_their_reasons(store):
    bring(store, [lab(10)])
    rows = [
        lab(7, at=9 * HOUR),
        lab(10),
        lab(11),
        lab(3, decision="rejected", reasons=["no_time"]),
        lab(5, patient="P0"),
    ]
    outcome = bring(store, rows)
    with store.reading() as reader:
        found = reader.fates_of(outcome.batch)
    assert [(each.row, each.decision, each.reasons) for each in found] == [
        (row.row, row.decision, row.reasons) for row in rows
    ]


def test_the_same_bytes_add_nothing_and_name_the_first_batch(store):
    first = bring(store, [lab(10), lab(11, decision="rejected")], content=b"one")
    rows = [lab(10), lab(11, decision="rejected")]
    again = bring(store, rows, content=b"one")
    assert (again.repeated, again.batch, fates(rows)) == (True, first.batch, ["duplicate", "duplicate"])
    assert again.counts == dict.fromkeys(first.counts, 0) | {"read": 2, "duplicate": 2}
    with store.reading() as reader:
        assert len(reader.batches()) == 1


def test_the_same_bytes_from_another_source_are_another_file(store):
    bring(store, [lab(10)], content=b"one", source="A")
    assert not bring(store, [lab(10)], content=b"one", source="B").repeated
    with store.reading() as reader:
        assert [batch.source for batch in reader.batches()] == ["A", "B"]
        assert reader.raw_file(reader.batches()[0].sha256) == b"one"
        assert reader.raw_file("0" * 64) is None


def test_the_same_bytes_are_new_once_their_batch_is_undone(store):
    first = bring(store, [lab(10)], content=b"one")
    undo(store, first.batch)
    rows = [lab(10)]
    again = bring(store, rows, content=b"one")
    assert (again.repeated, fates(rows), rows[0].reasons) == (False, ["accepted"], ["new_patient"])


def test_order_and_cutting_of_files_do_not_matter(store):
    rows = [(value, at * HOUR, patient) for value, at, patient in ((10, 1, "P1"), (20, 2, "P1"), (30, 1, "P2"))]
    bring(store, [lab(value, at=at, patient=patient) for value, at, patient in rows])
    with store.reading() as reader:
        before = standing(reader)
    for part in (rows[::-1], rows[:1], rows[1:], rows):
        bring(store, [lab(value, at=at, patient=patient) for value, at, patient in part])
    with store.reading() as reader:
        assert standing(reader) == before


def test_an_empty_file_is_a_batch_with_nothing_in_it(store):
    meta, _ = file_of([])
    with store.writing() as writer:
        outcome = writer.record_import(meta, observations=[])
    assert (outcome.counts["read"], outcome.patient_ids) == (0, ())


def test_a_dry_run_tells_the_fates_and_keeps_nothing(store):
    rows = [lab(10), lab(10)]
    meta, arguments = file_of(rows)
    with store.writing(keep=False) as writer:
        writer.record_import(meta, **arguments)
    with store.reading() as reader:
        assert (fates(rows), reader.batches(), reader.patient_ids()) == (["accepted", "duplicate"], [], [])


def test_nothing_is_kept_when_the_transaction_fails(store):
    meta, arguments = file_of([lab(10)])
    with pytest.raises(ZeroDivisionError), store.writing() as writer:
        writer.record_import(meta, **arguments)
        raise ZeroDivisionError
    with store.reading() as reader:
        assert (reader.batches(), reader.patient_ids(), len(reader.results_for())) == ([], [], 0)
