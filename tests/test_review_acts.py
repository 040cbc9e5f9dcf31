"""Decisions about held rows: what stands afterwards, what waits, and what undoing brings back."""

import datetime as dt
import json

import pytest

from khemon.actions.import_files import undo
from khemon.actions.review import confirm, correct, reject
from khemon.actions.status import status
from khemon.importers import load_mapping
from khemon.models import Refused
from khemon.rules.calendar import to_ms
from khemon.store.integrity import check
from tests.held_rows import (
    DOCTOR,
    HEAD,
    MINUTE,
    NOW,
    NURSE,
    brought,
    episodes,
    held,
    labs,
    standing,
    waiting,
)

LIMIT = labs("P1,2026-03-10T06:00:00Z,platelets,27000,10*9/L", "P1,2026-03-10T06:00:00Z,hemoglobin,80,g/L")
LATER = NOW + MINUTE


def test_a_confirmed_row_stands_as_it_was_read_and_no_longer_waits(store):
    brought(store, LIMIT)
    told = confirm(store, NURSE, [waiting(store)["27000"]], "read back by telephone", now=LATER)
    assert held(store) == []
    assert standing(store, "P1") == [("platelets", "27000", "final"), ("hemoglobin", "80", "final")]
    assert (told["rows"], told["counts"], len(told["batches"])) == (1, {"read": 1, "accepted": 1}, 1)
    with store.reading() as reader:
        [row] = [row for row in reader.results_of("P1") if row.analyte == "platelets"]
        assert row.text == "27000"
        assert any(one.startswith("confirmed_by_person: confirmed by nurse: read back") for one in row.reasons)
        assert any(one.startswith("came_from: row 2 of batch") for one in row.reasons)
        entry = list(reader.audit_rows())[-1]
        assert (entry.action, json.loads(entry.details)["counts"]) == ("review_confirm", {"accepted": 1, "read": 1})
    assert check(store) == []


def test_rules_read_a_confirmed_row_in_the_same_transaction(store):
    brought(store, labs("P1,2026-03-10T06:00:00Z,platelets,8*,10*9/L"))
    assert episodes(store, "P1") == []
    told = confirm(store, NURSE, [waiting(store)["8*"]], "the star is the laboratory's own mark", now=LATER)
    assert ("plasma_criterion", "confirmed") in episodes(store, "P1")
    assert "plasma_criterion" in {alert["rule"] for alert in told["alerts"] if alert["move"] == "raise"}


def test_a_preview_says_what_would_follow_and_keeps_nothing(store):
    brought(store, labs("P1,2026-03-10T06:00:00Z,platelets,8*,10*9/L"))
    row = waiting(store)["8*"]
    told = confirm(store, NURSE, [row], "would it alert", now=LATER, keep=False)
    assert (told["committed"], told["batches"]) == (False, [])
    assert "plasma_criterion" in {alert["rule"] for alert in told["alerts"]}
    assert (waiting(store), standing(store, "P1")) == ({"8*": row}, [])


def test_undoing_the_act_brings_the_row_back_into_the_queue(store):
    brought(store, LIMIT)
    row = waiting(store)["27000"]
    [batch] = confirm(store, NURSE, [row], "as read", now=LATER)["batches"]
    undo(store, NURSE, batch, to_ms(LATER + MINUTE))
    assert waiting(store) == {"27000": row}
    assert standing(store, "P1") == [("hemoglobin", "80", "final")]
    confirm(store, NURSE, [row], "as read after all", now=LATER + 2 * MINUTE)
    assert held(store) == []
    assert check(store) == []


def test_undoing_the_file_takes_what_was_decided_about_its_rows_with_it(store):
    batch = brought(store, LIMIT)["batch"]
    [act] = confirm(store, NURSE, [waiting(store)["27000"]], "as read", now=LATER)["batches"]
    document = undo(store, NURSE, batch, to_ms(LATER + MINUTE))
    assert document["acts"] == [act]
    assert (held(store), standing(store, "P1")) == ([], [])
    brought(store, LIMIT, now=LATER + 2 * MINUTE)
    assert held(store) == ["27000"], "brought again it is asked again"


def test_what_was_known_before_the_decision_stays_what_was_known(store):
    brought(store, labs("P1,2026-03-10T06:00:00Z,platelets,8*,10*9/L"))
    confirm(store, NURSE, [waiting(store)["8*"]], "as read", now=LATER)

    def told(known_at):
        asked = {"now_ms": to_ms(LATER), "known_at_ms": to_ms(known_at)}
        [patient] = status(store, NURSE, **asked)["patients"]
        return len(patient["episodes"]) > 0, patient["held"]

    assert told(NOW) == (False, 1)
    assert told(LATER) == (True, 0)


def test_a_row_that_leaves_something_open_cannot_be_confirmed_and_says_what_to_give(store):
    content = labs(
        "P1,2026-03-10,platelets,12,10*9/L",
        "P1,2026-03-10T06:00:00Z,fibrinogen,2,bananas",
        "P1,2026-03-10T07:00:00Z,platelets,above range,10*9/L",
        ",2026-03-10T07:00:00Z,platelets,13,10*9/L",
        "P1,03/04/2026 07:00,platelets,14,10*9/L",
    )
    brought(store, content)
    rows = waiting(store)
    asked = {"12": "collected_at", "2": "unit", "above range": "value", "13": "patient_id", "14": "collected_at"}
    assert rows.keys() == asked.keys()
    for text, field in asked.items():
        with pytest.raises(Refused, match=f"leaves open {field}"):
            confirm(store, NURSE, [rows[text]], "as read", now=LATER)
    assert waiting(store) == rows


def test_a_unit_that_its_reference_range_contradicts_must_be_stated(store):
    content = labs("P1,10.03.2026 06:00,Hemoglobin,15.3,g/l,11.7-17", head="PID,Date,Item,Result,Unit,Reference range")
    mapping = load_mapping(
        b'date_format = "%d.%m.%Y %H:%M"\n[columns]\nPID = "patient_id"\nDate = "collected_at"\nItem = "analyte"\n'
        b'Result = "value"\nUnit = "unit"\n"Reference range" = "reference_range"\n'
    )
    brought(store, content, mapping=mapping)
    row = waiting(store)["15.3"]
    with pytest.raises(Refused, match="leaves open unit"):
        confirm(store, NURSE, [row], "as read", now=LATER)
    correct(store, NURSE, [row], {"unit": "g/dL"}, "as their range says", now=LATER)
    assert standing(store, "P1") == [("hemoglobin", "153", "final")]


def test_a_correction_is_read_like_an_import(store):
    brought(store, labs("P1,2026-03-10,platelets,12,10*9/L"))
    row = waiting(store)["12"]
    correct(store, NURSE, [row], {"collected_at": "2026-03-10T06:30"}, "the sample list says so", now=LATER)
    with store.reading() as reader:
        [result] = reader.results_of("P1")
    assert result.collected_ms == to_ms(dt.datetime(2026, 3, 10, 6, 30, tzinfo=dt.UTC))
    assert (result.text, result.canonical_value, result.status) == ("12", "12", "final")
    assert any(one.startswith("corrected_by_person: corrected by nurse: the sample list") for one in result.reasons)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"unit": "bananas"}, "bananas"),
        ({"value": "1,2"}, "separator|decimal|comma"),
        ({"value": "-3"}, "number"),
        ({"value": "30000"}, "outside"),
        ({"value": "12" * 20}, "24"),
        ({"status": "perhaps"}, "preliminary"),
        ({"quality": "odd"}, "clumped"),
        ({"collected_at": "10/03/2026 06:00"}, "day or the month"),
        ({"collected_at": "2027-01-01T06:00"}, "later than now"),
        ({"analyte": "moonlight"}, "analyte"),
        ({"patient_id": "P 77"}, "no patient"),
        ({"color": "red"}, "use one of"),
        ({}, "nothing is stated"),
    ],
)
def test_a_correction_that_an_import_would_not_accept_is_refused(store, changes, told):
    brought(store, LIMIT)
    row = waiting(store)["27000"]
    with pytest.raises(Refused, match=told):
        correct(store, NURSE, [row], changes, "typed", now=LATER)
    assert waiting(store) == {"27000": row}


def test_a_corrected_unit_converts_exactly_and_keeps_the_text(store):
    brought(store, LIMIT)
    correct(store, NURSE, [waiting(store)["27000"]], {"unit": "/uL"}, "counts per microliter", now=LATER)
    assert standing(store, "P1")[0] == ("platelets", "27", "final")
    with store.reading() as reader:
        [row] = [row for row in reader.results_of("P1") if row.analyte == "platelets"]
        assert (row.text, row.unit) == ("27000", "/uL")
        assert [fate.text for fate in reader.fates_of(row.batch)] == ["27000"]


def test_a_value_beyond_a_hard_limit_is_taken_only_when_it_is_said_to_be_so(store):
    brought(store, LIMIT)
    row = waiting(store)["27000"]
    changes = {"value": "28000"}
    with pytest.raises(Refused, match="outside"):
        correct(store, NURSE, [row], changes, "typed", now=LATER)
    correct(store, NURSE, [row], changes, "thrombocytosis, repeated", now=LATER, beyond_limits=True)
    assert standing(store, "P1")[0] == ("platelets", "28000", "final")


def test_a_row_without_an_owner_is_given_to_a_known_patient_or_said_to_be_new(store):
    brought(store, labs("P1,2026-03-10T06:00:00Z,hemoglobin,80,g/L"))
    brought(store, labs("P\u200b2,2026-03-10T06:00:00Z,platelets,11,10*9/L"), name="other.csv")
    row = waiting(store)["11"]
    with pytest.raises(Refused, match="patient_id"):
        confirm(store, NURSE, [row], "as read", now=LATER)
    with pytest.raises(Refused, match="new patient"):
        correct(store, NURSE, [row], {"patient_id": "P2"}, "label", now=LATER)
    correct(store, NURSE, [row], {"patient_id": "P2"}, "label", now=LATER, new_patient=True)
    assert standing(store, "P2") == [("platelets", "11", "final")]


def test_a_rejected_row_is_set_aside_and_stays_readable(store):
    batch = brought(store, LIMIT)["batch"]
    row = waiting(store)["27000"]
    reject(store, NURSE, [row], "another child's sheet", now=LATER)
    assert (held(store), standing(store, "P1")) == ([], [("hemoglobin", "80", "final")])
    with store.reading() as reader:
        decided = reader.decisions()[row]
        assert (decided.verdict, decided.reason, decided.became) == ("rejected", "another child's sheet", None)
        assert "27000" in [fate.text for fate in reader.fates_of(batch)]
    assert check(store) == []


def test_a_row_that_could_not_be_used_can_be_corrected_too(store):
    brought(store, labs("P1,2026-03-10T06:00:00Z,platelets,9,bananas", "P1,2026-03-10T06:00:00Z,hemoglobin,80,g/L"))
    row = waiting(store)["9"]
    assert held(store) == []
    with pytest.raises(Refused, match="unit"):
        confirm(store, NURSE, [row], "as read", now=LATER)
    correct(store, NURSE, [row], {"unit": "10*9/L"}, "as always from there", now=LATER)
    assert ("platelets", "9", "final") in standing(store, "P1")


def test_the_same_row_in_a_later_export_asks_nothing_again(store):
    brought(store, LIMIT)
    reject(store, NURSE, [waiting(store)["27000"]], "not hers", now=LATER)
    again = LIMIT + b"P1,2026-03-10T07:00:00Z,hemoglobin,81,g/L\n"
    brought(store, again, now=LATER + MINUTE)
    assert (held(store), waiting(store)) == ([], {})
    with store.reading() as reader:
        assert reader.held_of("P1") == []


def test_a_late_import_of_a_confirmed_row_repeats_it(store):
    brought(store, LIMIT)
    correct(store, NURSE, [waiting(store)["27000"]], {"unit": "/uL"}, "counts per microliter", now=LATER)
    document = brought(store, labs("P1,2026-03-10T06:00:00Z,platelets,27,10*9/L"), now=LATER + MINUTE)
    assert document["counts"]["duplicate"] == 1


CONFLICT = (
    labs("P1,2026-03-10T06:00:00Z,platelets,40,10*9/L"),
    labs("P1,2026-03-10T06:00:00Z,platelets,9,10*9/L"),
)


def test_taking_the_new_value_of_a_conflict_supersedes_the_stored_one(store):
    for content in CONFLICT:
        brought(store, content)
    confirm(store, NURSE, [waiting(store)["9"]], "the laboratory rang", now=LATER)
    assert standing(store, "P1") == [("platelets", "40", "final"), ("platelets", "9", "corrected")]
    assert ("plasma_criterion", "confirmed") in episodes(store, "P1")
    assert held(store) == []


def test_keeping_the_stored_value_rejects_the_new_one_until_the_stored_one_is_taken_back(store):
    first = brought(store, CONFLICT[0])["batch"]
    brought(store, CONFLICT[1])
    row = waiting(store)["9"]
    reject(store, NURSE, [row], "an old printout", now=LATER)
    assert (held(store), standing(store, "P1")) == ([], [("platelets", "40", "final")])
    undo(store, NURSE, first, to_ms(LATER + MINUTE))
    assert standing(store, "P1") == [], "what a person rejected does not come in by itself"
    assert waiting(store) == {"9": row}, "and is not lost: what was kept in its place is gone"
    confirm(store, NURSE, [row], "it was right", now=LATER + 2 * MINUTE)
    assert standing(store, "P1") == [("platelets", "9", "final")]
    assert waiting(store) == {}


def test_a_conflicting_row_given_to_another_patient_never_comes_in_where_it_was(store):
    first = brought(store, CONFLICT[0])["batch"]
    brought(store, CONFLICT[1] + b"P2,2026-03-10T05:00:00Z,hemoglobin,80,g/L\n")
    correct(store, NURSE, [waiting(store)["9"]], {"patient_id": "P2"}, "swapped labels", now=LATER)
    undo(store, NURSE, first, to_ms(LATER + MINUTE))
    assert standing(store, "P1") == []
    assert ("platelets", "9", "final") in standing(store, "P2")


def test_a_confirmed_row_that_contradicts_what_came_meanwhile_waits_as_a_conflict(store):
    brought(store, labs("P1,2026-03-10T06:00:00Z,platelets,8*,10*9/L"))
    row = waiting(store)["8*"]
    brought(store, CONFLICT[0], name="meanwhile.csv")
    told = confirm(store, NURSE, [row], "as read", now=LATER)
    assert told["counts"] == {"read": 1, "conflict": 1}
    assert held(store) == ["8*"]
    [again] = waiting(store).values()
    assert again != row
    confirm(store, NURSE, [again], "and it takes its place", now=LATER + MINUTE)
    assert ("platelets", "8", "corrected") in standing(store, "P1")


def test_two_conflicting_rows_about_one_result_are_not_both_taken(store):
    for content in (*CONFLICT, labs("P1,2026-03-10T06:00:00Z,platelets,11,10*9/L")):
        brought(store, content)
    rows = waiting(store)
    with pytest.raises(Refused, match="would not stand"):
        confirm(store, NURSE, [rows["9"], rows["11"]], "both", now=LATER)
    assert waiting(store) == rows


def test_twenty_rows_with_one_question_get_one_answer_all_or_nothing(store):
    lines = [f"P1,2026-03-0{day}T0{hour}:00:00Z,platelets,{10 + day}*,10*9/L" for day in range(1, 6) for hour in (6, 7)]
    brought(store, labs(*lines, "P1,2026-03-09,platelets,55,10*9/L"))
    rows = waiting(store)
    assert len(rows) == 6
    with store.reading() as reader:
        every = [row.fate_id for row in reader.undecided()]
    stars = [number for number in every if number != rows["55"]]
    with pytest.raises(Refused, match="collected_at"):
        confirm(store, NURSE, every, "the star is theirs", now=LATER)
    assert len(waiting(store)) == 6
    told = confirm(store, NURSE, stars, "the star is theirs", now=LATER)
    assert (told["rows"], len(told["batches"]), len(standing(store, "P1"))) == (10, 1, 10)
    with store.reading() as reader:
        assert [row.action for row in reader.audit_rows()].count("review_confirm") == 1


def test_rows_of_several_laboratories_become_a_batch_for_each_with_its_source(store):
    brought(store, LIMIT, source="north")
    brought(store, LIMIT.replace(b"06:00", b"05:00"), source="south")
    with store.reading() as reader:
        rows = [row.fate_id for row in reader.undecided()]
    told = confirm(store, NURSE, rows, "as read", now=LATER)
    with store.reading() as reader:
        assert [reader.batch(name).source for name in told["batches"]] == ["north", "south"]
    document = brought(store, labs("P1,2026-03-10T05:00:00Z,platelets,31,10*9/L"), source="south", now=LATER + MINUTE)
    assert document["counts"]["conflict"] == 1, "the confirmed result is that laboratory's own"


def test_a_decided_row_is_refused_by_name(store):
    brought(store, LIMIT)
    row = waiting(store)["27000"]
    reject(store, DOCTOR, [row], "not hers", now=LATER)
    with pytest.raises(Refused, match=r"decided by doctor at 2026-03-10T12:01\+00:00: rejected"):
        confirm(store, NURSE, [row], "as read", now=LATER + MINUTE)
    with pytest.raises(Refused, match="does not wait"):
        confirm(store, NURSE, [123], "as read", now=LATER)
    with pytest.raises(Refused, match="none was named"):
        confirm(store, NURSE, [], "as read", now=LATER)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
def test_a_decision_needs_a_reason(store, reason):
    brought(store, LIMIT)
    with pytest.raises(Refused, match="reason"):
        reject(store, NURSE, [waiting(store)["27000"]], reason, now=LATER)


EVENTS = "patient_id,kind,start,end,dose,unit,note"
PLASMA = labs("P1,plasma,2026-03-09T06:00:00Z,,10,mL/kg,", head=EVENTS)


def test_conflicting_events_are_taken_or_set_aside(store):
    brought(store, PLASMA, name="events.csv")
    brought(store, PLASMA.replace(b",10,", b",15,"), name="events.csv")
    with store.reading() as reader:
        [row] = [row for row in reader.undecided() if row.decision == "conflict"]
    confirm(store, NURSE, [row.fate_id], "the chart says 15", now=LATER)
    with store.reading() as reader:
        assert [event.dose for event in reader.events_for(["P1"]).events] == ["15"]
        assert [row for row in reader.undecided() if row.decision == "conflict"] == []


def test_an_event_given_another_start_does_not_come_in_where_it_was(store):
    first = brought(store, PLASMA, name="events.csv")["batch"]
    brought(store, PLASMA.replace(b",10,", b",15,"), name="events.csv")
    with store.reading() as reader:
        [row] = reader.undecided()
    correct(store, NURSE, [row.fate_id], {"start": "2026-03-09T09:00"}, "two doses", now=LATER)
    with store.reading() as reader:
        assert [event.dose for event in reader.events_for(["P1"]).events] == ["10", "15"]
    undo(store, NURSE, first, to_ms(LATER + MINUTE))
    with store.reading() as reader:
        assert [event.dose for event in reader.events_for(["P1"]).events] == ["15"]
        assert reader.undecided() == []


def test_a_rejected_event_waits_again_when_what_was_kept_is_taken_back(store):
    first = brought(store, PLASMA, name="events.csv")["batch"]
    brought(store, PLASMA.replace(b",10,", b",15,"), name="events.csv")
    with store.reading() as reader:
        [row] = reader.undecided()
    reject(store, NURSE, [row.fate_id], "ten was given", now=LATER)
    undo(store, NURSE, first, to_ms(LATER + MINUTE))
    with store.reading() as reader:
        assert len(reader.events_for(["P1"])) == 0
        assert [one.fate_id for one in reader.undecided()] == [row.fate_id]


def test_another_birth_date_is_taken_only_by_a_person(store):
    head = "patient_id,birth_date,sex\n"
    brought(store, f"{head}P1,2025-01-01,f\n".encode(), name="patients.csv")
    brought(store, f"{head}P1,2025-01-02,f\n".encode(), name="patients.csv")
    with store.reading() as reader:
        [row] = reader.undecided()
    confirm(store, NURSE, [row.fate_id], "the passport says so", now=LATER)
    with store.reading() as reader:
        assert str(reader.patient("P1").birth_date) == "2025-01-02"
        assert reader.undecided() == []
    assert check(store) == []


def test_a_limit_belongs_to_what_is_taken_and_one_step_beyond_does_not(store):
    brought(store, LIMIT)
    row = waiting(store)["27000"]
    with pytest.raises(Refused, match="outside 0 to 3000"):
        correct(store, NURSE, [row], {"value": "3001"}, "typed", now=LATER)
    correct(store, NURSE, [row], {"value": "3000"}, "typed", now=LATER)
    assert standing(store, "P1")[0] == ("platelets", "3000", "final")


def test_a_comparator_may_be_stated(store):
    brought(store, LIMIT)
    correct(store, NURSE, [waiting(store)["27000"]], {"value": "<5"}, "the original says so", now=LATER)
    assert standing(store, "P1")[0] == ("platelets", "<5", "final")
    assert ("plasma_criterion", "confirmed") in episodes(store, "P1")


def test_a_correction_of_the_laboratory_supersedes_a_confirmed_row(store):
    brought(store, LIMIT)
    correct(store, NURSE, [waiting(store)["27000"]], {"unit": "/uL"}, "per microliter", now=LATER)
    content = labs("P1,2026-03-10T06:00:00Z,platelets,28,10*9/L,corrected", head=HEAD + ",status")
    assert brought(store, content, now=LATER + MINUTE)["counts"]["accepted"] == 1
    assert ("platelets", "28", "corrected") in standing(store, "P1")


DDU = load_mapping(b'd_dimer_basis = "DDU"\n')


@pytest.mark.parametrize(
    ("changes", "canonical"), [({"collected_at": "2026-03-10T06:00"}, "0.6"), ({"value": "400"}, "0.8")]
)
def test_a_correction_keeps_the_d_dimer_basis_that_the_mapping_stated(store, changes, canonical):
    brought(store, labs("P1,2026-03-10T07:00:00Z,d_dimer,300*,ng/mL"), mapping=DDU)
    correct(store, NURSE, [waiting(store)["300*"]], changes, "as on paper", now=LATER)
    with store.reading() as reader:
        [row] = reader.results_of("P1")
    assert (row.canonical_value, row.canonical_unit, row.basis) == (canonical, "mg/L{FEU}", "DDU")


def test_a_quality_that_is_stated_sets_the_result_aside(store):
    brought(store, labs("P1,2026-03-10T06:00:00Z,platelets,8*,10*9/L"))
    correct(store, NURSE, [waiting(store)["8*"]], {"quality": "clumped"}, "the smear shows it", now=LATER)
    assert [rule for rule, _ in episodes(store, "P1")] == ["unusable_sample"]


def test_samples_of_one_day_without_a_time_are_two_questions_and_a_later_export_adds_none(store):
    content = labs("P1,2026-03-10,platelets,12,10*9/L", "P1,2026-03-10,platelets,12,10*9/L")
    brought(store, content)
    assert held(store) == ["12", "12"]
    brought(store, content + b"P1,2026-03-10T05:00:00Z,hemoglobin,80,g/L\n", now=LATER)
    assert held(store) == ["12", "12"]
    with store.reading() as reader:
        first, second = reader.undecided_once()
    correct(store, NURSE, [first.fate_id], {"collected_at": "2026-03-10T06:00"}, "list", now=LATER)
    assert held(store) == ["12"]
    correct(store, NURSE, [second.fate_id], {"collected_at": "2026-03-10T09:00"}, "list", now=LATER)
    assert held(store) == []


def test_rows_of_nobody_do_not_answer_for_each_other(store):
    for name in ("monday.csv", "tuesday.csv"):
        brought(store, labs(f",2026-03-10T06:00:00Z,platelets,12,10*9/L,{name}", head=HEAD + ",comment"), name=name)
    assert len(waiting(store)) == 1
    with store.reading() as reader:
        first, second = reader.undecided_once()
    reject(store, NURSE, [first.fate_id], "no name on the tube", now=LATER)
    with store.reading() as reader:
        assert [row.fate_id for row in reader.undecided()] == [second.fate_id]


@pytest.mark.parametrize(
    "text", ["\x00", "\n", "\ud800", "'; DROP TABLE fate; --", '"', "5,5", "=1+1", "1e3", "∞", "x" * 2_000]
)
def test_whatever_is_typed_is_taken_as_it_is_or_refused(store, text):
    brought(store, LIMIT)
    row = waiting(store)["27000"]
    for name in ("patient_id", "value", "unit", "collected_at", "status", "analyte"):
        with pytest.raises(Refused):
            correct(store, NURSE, [row], {name: f"a{text}" if name == "patient_id" else text}, "typed", now=LATER)
    assert waiting(store) == {"27000": row}


def test_a_corrected_value_of_a_conflict_takes_the_place_of_what_is_stored(store):
    for content in CONFLICT:
        brought(store, content)
    correct(store, NURSE, [waiting(store)["9"]], {"value": "19"}, "a digit was lost", now=LATER)
    assert standing(store, "P1") == [("platelets", "40", "final"), ("platelets", "19", "corrected")]
    assert held(store) == []


def test_a_conflict_given_another_time_stands_beside_what_is_stored(store):
    for content in CONFLICT:
        brought(store, content)
    correct(store, NURSE, [waiting(store)["9"]], {"collected_at": "2026-03-10T07:00"}, "the later draw", now=LATER)
    assert standing(store, "P1") == [("platelets", "40", "final"), ("platelets", "9", "final")]
