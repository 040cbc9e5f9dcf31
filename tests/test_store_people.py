"""What becomes of event and patient rows in view of what is stored and of their own file."""

from __future__ import annotations

from tests.store_rows import HOUR, bring, child, event, fates, lab


def test_an_event_again_is_a_duplicate_and_an_end_added_later_a_new_version(store):
    bring(store, [event("active_bleeding")])
    again, ended = [event("active_bleeding")], [event("active_bleeding", end_ms=3 * HOUR)]
    bring(store, again)
    bring(store, ended)
    with store.reading() as reader:
        events = reader.events_for()
    assert (fates(again), fates(ended), ended[0].reasons) == (["duplicate"], ["accepted"], ["new_version"])
    assert (events.start.tolist(), events.end.tolist()) == ([HOUR], [3 * HOUR])


def test_an_old_export_of_an_event_takes_nothing_back(store):
    bring(store, [event("active_bleeding", end_ms=3 * HOUR, note="nose")])
    old = [event("active_bleeding")]
    bring(store, old)
    with store.reading() as reader:
        assert (fates(old), reader.events_for().end.tolist()) == (["duplicate"], [3 * HOUR])


def test_an_event_that_contradicts_a_stored_one_is_held_or_supersedes(store):
    bring(store, [event("sirolimus", dose="0.8", unit="mg/m2")])
    other = [event("sirolimus", dose="1.6", unit="mg/m2")]
    bring(store, other)
    with store.reading() as reader:
        assert [(row.decision, row.patient_id) for row in reader.held()] == [("conflict", "P1")]
    forced = [event("sirolimus", dose="1.6", unit="mg/m2")]
    bring(store, forced, on_conflict="supersede")
    with store.reading() as reader:
        assert [each.dose for each in reader.events_for().events] == ["1.6"]
    assert (fates(other), fates(forced)) == (["conflict"], ["accepted"])


def test_two_doses_at_one_time_in_one_file_are_two_events(store):
    rows = [event(dose="10"), event(dose="20"), event(dose="10")]
    bring(store, rows)
    again = [event(dose="20"), event(dose="10")]
    bring(store, again)
    with store.reading() as reader:
        assert len(reader.events_for()) == 2
    assert (fates(rows), fates(again)) == (["accepted", "accepted", "duplicate"], ["duplicate", "duplicate"])


def test_a_rejected_event_is_kept(store):
    rows = [event(None, at=None, decision="rejected", reasons=["no_start"]), event(patient="P2")]
    outcome = bring(store, rows)
    with store.reading() as reader:
        assert [(row.decision, row.patient_id) for row in reader.fates_of(outcome.batch)] == [
            ("rejected", "P1"),
            ("accepted", "P2"),
        ]


def test_fields_of_a_patient_are_filled_and_updated_and_never_emptied(store):
    bring(store, [child(name="Ana", birth_date="2025-11-02", ward="3")])
    later = [child(ward="4", name="", diagnosis="KHE")]
    bring(store, later)
    with store.reading() as reader:
        patient = reader.patient("P1")
    assert (patient.name, str(patient.birth_date), patient.ward, patient.diagnosis) == ("Ana", "2025-11-02", "4", "KHE")
    assert (fates(later), later[0].reasons) == (["accepted"], ["updated"])


def test_a_patient_row_that_says_nothing_new_is_a_duplicate(store):
    bring(store, [child(name="Ana"), child("P2")])
    again = [child(name="Ana"), child("P2"), child("P2", name="")]
    bring(store, again)
    assert fates(again) == ["duplicate"] * 3


def test_another_birth_date_is_held(store):
    bring(store, [child(birth_date="2025-11-02", sex="female")])
    for change in ({"birth_date": "2025-02-11"}, {"sex": "male"}):
        rows = [child(**change)]
        bring(store, rows)
        assert fates(rows) == ["conflict"]
    with store.reading() as reader:
        assert len(reader.held_of("P1")) == 2


def test_a_patient_known_from_results_is_not_new_in_a_patients_file(store):
    bring(store, [lab(10)])
    rows = [child(name="Ana"), child("P2")]
    outcome = bring(store, rows)
    assert [row.reasons for row in rows] == [[], ["new_patient"]]
    assert outcome.new_patient_ids == ("P2",)
