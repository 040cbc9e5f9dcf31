"""Results at the wrong patient: withdrawn there, new at the right one, and nothing brings them back."""

import pytest

from khemon.actions.acknowledge import acknowledge, mark_seen
from khemon.actions.import_files import undo
from khemon.actions.review import confirm, correct, move_results
from khemon.actions.review.telling import move_opened
from khemon.actions.status import status
from khemon.actions.watch.moved import move_notices
from khemon.models import Refused
from khemon.rules.calendar import to_ms
from khemon.store.integrity import check
from tests.held_rows import DOCTOR, MINUTE, NOW, NURSE, brought, episodes, labs, standing, waiting

LATER = NOW + MINUTE
FILE = labs(
    "A,2026-03-10T06:00:00Z,platelets,8,10*9/L",
    "A,2026-03-10T06:00:00Z,fibrinogen,0.4,g/L",
    "A,2026-03-09T06:00:00Z,platelets,210,10*9/L",
    "B,2026-03-09T06:00:00Z,platelets,190,10*9/L",
)


def numbers(store, patient_id, *texts):
    with store.reading() as reader:
        return [row.result_id for row in reader.results_of(patient_id) if row.text in texts]


def counts(store, patient_id):
    """Texts of results that stand and are not withdrawn."""
    with store.reading() as reader:
        rows = reader.results_of(patient_id)
    gone = {(row.analyte, row.collected_ms) for row in rows if row.status == "entered_in_error"}
    return [row.text for row in rows if (row.analyte, row.collected_ms) not in gone]


def moved(store, *texts, to="B", **options):
    return move_results(store, NURSE, numbers(store, "A", *texts), "A", to, "swapped labels", now=LATER, **options)


def test_a_moved_result_stands_at_the_right_patient_and_is_withdrawn_at_the_wrong_one(store):
    brought(store, FILE)
    told = moved(store, "8", "0.4")
    assert (counts(store, "A"), counts(store, "B")) == (["210"], ["190", "8", "0.4"])
    assert ("platelets", "8", "entered_in_error") in standing(store, "A")
    assert ("platelets", "8", "final") in standing(store, "B")
    assert (told["counts"], len(told["batches"])) == ({"read": 4, "accepted": 4}, 1)
    assert check(store) == []


def test_alerts_of_both_follow_in_the_same_transaction(store):
    brought(store, FILE)
    assert ("plasma_criterion", "confirmed") in episodes(store, "A")
    told = moved(store, "8", "0.4")
    assert episodes(store, "A") == []
    assert ("plasma_criterion", "confirmed") in episodes(store, "B")
    made = {(alert["patient_id"], alert["rule"], alert["move"]) for alert in told["alerts"]}
    assert {("A", "plasma_criterion", "retract"), ("B", "plasma_criterion", "raise")} <= made


def test_a_preview_of_a_move_keeps_nothing(store):
    brought(store, FILE)
    told = moved(store, "8", "0.4", keep=False)
    assert {alert["patient_id"] for alert in told["alerts"]} == {"A", "B"}
    assert (told["committed"], told["batches"], counts(store, "B")) == (False, [], ["190"])


def test_all_results_of_an_import_move_at_once(store):
    batch = brought(store, FILE)["batch"]
    move_results(store, NURSE, [], "A", "B", "wrong sheet", now=LATER, batch=batch)
    assert counts(store, "A") == []
    again = move_results(store, NURSE, [], "A", "B", "wrong sheet", now=LATER + MINUTE, batch=batch)
    assert again["repeated"]


def test_the_same_move_again_changes_nothing_and_another_one_is_refused(store):
    brought(store, FILE)
    wanted = numbers(store, "A", "8")
    first = moved(store, "8")
    again = move_results(store, DOCTOR, wanted, "A", "B", "swapped", now=LATER + MINUTE)
    assert (again["repeated"], again["batches"], len(counts(store, "B"))) == (True, first["batches"], 2)
    with pytest.raises(Refused, match=r"was moved by nurse at 2026-03-10T12:01\+00:00"):
        move_results(store, DOCTOR, wanted, "A", "C", "swapped", now=LATER + MINUTE, new_patient=True)


def test_undoing_a_move_puts_both_patients_back(store):
    brought(store, FILE)
    before = standing(store, "A"), standing(store, "B"), episodes(store, "A"), episodes(store, "B")
    [batch] = moved(store, "8", "0.4")["batches"]
    undo(store, NURSE, batch, to_ms(LATER + MINUTE))
    assert (standing(store, "A"), standing(store, "B"), episodes(store, "A"), episodes(store, "B")) == before
    moved(store, "8", "0.4")
    assert counts(store, "A") == ["210"]
    assert check(store) == []


def test_a_file_whose_results_were_moved_is_taken_back_only_after_the_move(store):
    batch = brought(store, FILE)["batch"]
    [act] = moved(store, "8")["batches"]
    with pytest.raises(Refused, match=f"take back batch {act} first"):
        undo(store, NURSE, batch, to_ms(LATER + MINUTE))
    undo(store, NURSE, act, to_ms(LATER + MINUTE))
    undo(store, NURSE, batch, to_ms(LATER + MINUTE))
    assert (standing(store, "A"), standing(store, "B")) == ([], [])


@pytest.mark.parametrize("source", [None, "another name for the laboratory"])
@pytest.mark.parametrize("line", ["8", "9"])
def test_a_moved_result_does_not_come_back_with_the_next_export(store, source, line):
    brought(store, FILE)
    moved(store, "8")
    content = (
        FILE.replace(b"platelets,8,", f"platelets,{line},".encode()) + b"A,2026-03-10T09:00:00Z,hemoglobin,90,g/L\n"
    )
    document = brought(store, content, source=source, now=LATER + MINUTE)
    [row] = [row for row in document["rows"] if row["text"] == line]
    assert row["decision"] == ("duplicate" if (source, line) == (None, "8") else "conflict")
    assert set(counts(store, "A")) == {"0.4", "210", "90"}


@pytest.mark.parametrize("status", ["final", "corrected", "preliminary"])
def test_a_new_version_of_a_moved_result_is_held_not_swallowed(store, status):
    brought(store, FILE)
    moved(store, "8")
    content = labs(
        f"A,2026-03-10T06:00:00Z,platelets,7,10*9/L,{status}", head="patient_id,collected_at,analyte,value,unit,status"
    )
    [row] = brought(store, content, now=LATER + MINUTE)["rows"]
    assert (row["decision"], row["reasons"][0].partition(":")[0]) == ("conflict", "moved_away")
    [waits] = waiting(store).values()
    with pytest.raises(Refused, match="leaves open patient_id"):
        confirm(store, NURSE, [waits], "as read", now=LATER + MINUTE)
    correct(store, NURSE, [waits], {"patient_id": "B"}, "it follows the first one", now=LATER + 2 * MINUTE)
    assert "8" not in counts(store, "A")
    assert (("platelets", "7", "corrected") in standing(store, "B")) == (status == "corrected")
    assert list(waiting(store)) == (["7"] if status == "final" else [])


def test_a_withdrawal_of_a_moved_result_by_the_laboratory_is_taken(store):
    brought(store, FILE)
    moved(store, "8")
    content = labs(
        "A,2026-03-10T06:00:00Z,platelets,8,10*9/L,cancelled", head="patient_id,collected_at,analyte,value,unit,status"
    )
    assert brought(store, content, now=LATER + MINUTE)["counts"]["accepted"] == 1


def test_what_the_right_patient_has_at_that_time_is_treated_as_by_an_import(store):
    brought(store, FILE + b"B,2026-03-10T06:00:00Z,platelets,8,10*9/L\nB,2026-03-10T06:00:00Z,fibrinogen,2.1,g/L\n")
    told = moved(store, "8", "0.4")
    assert told["counts"] == {"read": 4, "accepted": 2, "duplicate": 1, "conflict": 1}
    assert list(waiting(store)) == ["0.4"], "another value waits, and is not swallowed"
    assert ("fibrinogen", "2.1", "final") in standing(store, "B")


def test_a_result_moved_back_by_hand_is_refused_because_it_would_not_count(store):
    brought(store, FILE)
    [act] = moved(store, "8")["batches"]
    back = numbers(store, "B", "8")
    with pytest.raises(Refused, match="would not count"):
        move_results(store, NURSE, back, "B", "A", "it was right", now=LATER + MINUTE)
    assert counts(store, "B") == ["190", "8"]
    undo(store, NURSE, act, to_ms(LATER + MINUTE))
    assert "8" in counts(store, "A")


def test_a_result_that_would_take_its_twin_with_it_is_not_moved_alone(store):
    brought(store, FILE + b"A,2026-03-10T06:00:00Z,platelets,12,10*9/L\n")
    with pytest.raises(Refused, match="neither has a specimen id"):
        moved(store, "8")
    moved(store, "8", "12")
    assert sorted(counts(store, "B")) == ["12", "190", "8"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"from_patient": "X"}, "--from"),
        ({"to_patient": "A"}, "the patient they stand at"),
        ({"to_patient": "Y"}, "new patient"),
        ({"to_patient": " Y", "new_patient": True}, "no patient id"),
        ({"to_patient": "Y\u200b", "new_patient": True}, "no patient id"),
        ({"result_ids": [12345]}, "is none of this patient's"),
        ({"result_ids": []}, "none is named"),
        ({"reason": " "}, "reason"),
    ],
)
def test_a_move_that_is_not_clear_is_refused(store, asked, told):
    brought(store, FILE)
    usual = {"result_ids": numbers(store, "A", "8"), "from_patient": "A", "to_patient": "B", "reason": "swapped"}
    with pytest.raises(Refused, match=told):
        move_results(store, NURSE, **{**usual, **asked}, now=LATER)
    assert counts(store, "B") == ["190"]


def test_a_new_patient_is_made_when_it_is_said_to_be_one(store):
    brought(store, FILE)
    moved(store, "8", to='D\'Arc "x"', new_patient=True)
    assert counts(store, 'D\'Arc "x"') == ["8"]


def test_a_version_that_does_not_count_is_not_moved(store):
    head = "patient_id,collected_at,analyte,value,unit,status"
    brought(store, FILE)
    brought(store, labs("A,2026-03-10T06:00:00Z,platelets,18,10*9/L,corrected", head=head), now=LATER)
    with pytest.raises(Refused, match="does not count"):
        moved(store, "8")
    moved(store, "18")
    assert "18" in counts(store, "B")
    assert "8" not in counts(store, "A")


def test_who_had_looked_at_the_wrong_patient_is_put_on_record(store):
    brought(store, FILE)
    mark_seen(store, DOCTOR, "A", now=NOW + MINUTE)
    mark_seen(store, NURSE, "A", now=NOW + MINUTE)
    told = moved(store, "8", "0.4")
    assert told["to_be_told"] == ["doctor"], "the one who moved it knows"
    with store.reading() as reader:
        [batch] = reader.batches("move")
        assert batch.details["looked"] == [["doctor", to_ms(NOW + MINUTE)]]


def test_who_acknowledged_an_alert_of_the_wrong_patient_is_told_too(store):
    brought(store, FILE)
    with store.reading() as reader:
        alert = next(alert for alert in reader.alerts() if alert.rule == "plasma_criterion")
    acknowledge(store, DOCTOR, alert.alert_id, "plasma ordered", now=NOW + MINUTE)
    assert moved(store, "8", "0.4")["to_be_told"] == ["doctor"]


def test_a_move_is_news_for_who_had_looked_until_opened_and_again_when_it_is_taken_back(store):
    brought(store, FILE)
    mark_seen(store, DOCTOR, "A", now=NOW + MINUTE)
    [batch] = moved(store, "8", "0.4")["batches"]
    [notice] = move_notices(store, DOCTOR)
    assert (notice.wrong, notice.right, notice.looked) == ("A", "B", "10 Mar 2026 12:01")
    assert set(notice.results) == {"fibrinogen 0.4 g/L, 10 Mar 2026 06:00", "platelets 8 ×10⁹/L, 10 Mar 2026 06:00"}
    assert any(words.startswith("A: plasma criterion") and "retract" in words for words in notice.alerts)
    assert move_notices(store, NURSE) == ()
    move_opened(store, DOCTOR, batch, now=LATER + MINUTE)
    assert move_notices(store, DOCTOR) == ()
    undo(store, NURSE, batch, to_ms(LATER + 2 * MINUTE))
    [notice] = move_notices(store, DOCTOR)
    assert notice.taken_back == "10 Mar 2026 12:03 by nurse"
    move_opened(store, DOCTOR, batch, now=LATER + 3 * MINUTE)
    assert move_notices(store, DOCTOR) == ()


def test_a_move_taken_back_before_it_was_opened_is_no_news(store):
    brought(store, FILE)
    mark_seen(store, DOCTOR, "A", now=NOW + MINUTE)
    [batch] = moved(store, "8")["batches"]
    undo(store, NURSE, batch, to_ms(LATER + MINUTE))
    assert move_notices(store, DOCTOR) == ()


def test_before_the_move_was_recorded_the_results_stood_where_they_were(store):
    brought(store, FILE)
    moved(store, "8", "0.4")

    def flagged(known_at):
        document = status(store, NURSE, now_ms=to_ms(LATER), known_at_ms=to_ms(known_at))
        return [patient["patient_id"] for patient in document["patients"] if patient["episodes"]]

    assert (flagged(NOW), flagged(LATER)) == (["A"], ["B"])
