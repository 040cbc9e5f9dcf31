"""Rows whose patient or time contradicts what the store knows of patients: they wait, and make nobody."""

import json

import pytest

from khemon.actions.doubts import BEFORE_BIRTH, OTHER_BIRTH, folded_id
from khemon.actions.import_files import undo
from khemon.actions.review import confirm, correct
from khemon.actions.watch.heldqueue import held_queue
from khemon.importers.births import possible_days
from khemon.models import Refused
from khemon.rules.calendar import to_ms
from khemon.store import NEARLY_KNOWN, NEW_PATIENT, UNLISTED
from khemon.store.integrity import check
from tests.held_rows import MINUTE, NOW, NURSE, brought, labs, standing, waiting
from tests.messages import bundle, observation, obx, oru, patient
from tests.shell import khemon

LATER = NOW + MINUTE
#: The same rows in a file that is read as columns, and in one that is read row by row.
HEADS = ("patient_id,collected_at,analyte,value,unit", "MRN,Collected,Test,Result,Units")
#: How the days of German files are written; a file of one month alone cannot show it.
DMY = "%d.%m.%Y %H:%M"
BORN = b"patient_id,birth_date\nP1,2026-02-03\n"


@pytest.fixture(params=HEADS)
def head(request):
    return request.param


def count(patient_id: str, value: int, at: str = "2026-03-01T08:00:00+00:00") -> str:
    return f"{patient_id},{at},platelets,{value},10*9/L"


def fates(document: dict) -> list[tuple[str, str, list[str]]]:
    return [(row["text"], row["decision"], row["reasons"]) for row in document["rows"]]


def known(store) -> list[str]:
    with store.reading() as reader:
        return reader.patient_ids()


def test_a_result_before_the_day_of_birth_waits_and_one_of_that_day_does_not(store, head):
    brought(store, BORN, "patients.csv")
    rows = [
        count("P1", 81, "2026-02-02T23:59:59+00:00"),
        count("P1", 82, "2026-02-03T00:00:00+00:00"),
        count("P2", 83, "1995-02-03T00:00:00+00:00"),
    ]
    told = fates(brought(store, labs(*rows, head=head)))
    assert told == [("81", "review", [BEFORE_BIRTH]), ("82", "accepted", []), ("83", "accepted", [NEW_PATIENT])]
    assert standing(store, "P1") == [("platelets", "82", "final")]


def test_a_held_result_from_before_birth_may_be_confirmed(store):
    brought(store, BORN, "patients.csv")
    brought(store, labs(count("P1", 81, "2026-02-02T12:00:00+00:00")))
    [group] = held_queue(store, NURSE, LATER).groups
    assert (group.can_confirm, len(group.lines)) == (True, 1)
    confirm(store, NURSE, [group.lines[0].row_id], "drawn from the cord", now=LATER)
    assert standing(store, "P1") == [("platelets", "81", "final")]


def test_a_treatment_may_begin_before_birth(store):
    brought(store, BORN, "patients.csv")
    content = b"patient_id,kind,start,end,dose,unit,note\nP1,sirolimus,2026-01-20,,,,\n"
    assert [row["decision"] for row in brought(store, content, "events.csv")["rows"]] == ["accepted"]


def test_a_file_evaluated_without_a_store_is_held_to_its_own_register(tmp_path):
    (tmp_path / "patients.csv").write_bytes(BORN)
    rows = [count("P1", 8, "2026-02-02T12:00:00+00:00"), count("P1", 9, "2026-02-03T12:00:00+00:00")]
    (tmp_path / "labs.csv").write_bytes(labs(*rows))
    said = khemon("evaluate", tmp_path / "labs.csv", "--patients", tmp_path / "patients.csv", "--json")
    assert said.code == 1
    assert [(row["row"], row["decision"], row["reasons"]) for row in said.document["not_used"]] == [
        (2, "review", [BEFORE_BIRTH])
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [("00123", "123"), ("123", "123.0"), ("P1", "p1"), ("AB 12", "AB12"), ("\uff11\uff12\uff13", "123"), ("0", "000")],
)
def test_ids_that_differ_in_what_spreadsheets_and_typing_change_are_nearly_the_same(one, other):
    assert folded_id(one) == folded_id(other)


@pytest.mark.parametrize(
    ("one", "other"), [("123", "1230"), ("P1", "P01"), ("1-12", "11-2"), ("1.5", "15"), ("A.0", "A"), ("10", "1")]
)
def test_ids_that_may_well_be_two_patients_stay_apart(one, other):
    assert folded_id(one) != folded_id(other)


def test_an_id_that_is_nearly_known_waits_makes_nobody_and_waits_again_in_the_next_file(store, head):
    brought(store, labs(count("00123", 80)))
    for value in (81, 82):
        [(_, decision, reasons)] = fates(brought(store, labs(count("123", value), head=head)))
        assert (decision, reasons) == ("review", [NEARLY_KNOWN])
    assert known(store) == ["00123"]
    assert check(store) == []


def test_a_file_that_has_both_of_two_such_ids_tells_them_apart(store, head):
    brought(store, labs(count("P7", 80)))
    later = count("P7", 81, "2026-03-02T08:00:00+00:00")
    told = fates(brought(store, labs(later, count("p7", 82), count("07", 83), count("7", 84), head=head)))
    assert {decision for _, decision, _ in told} == {"accepted"}
    assert known(store) == ["07", "7", "P7", "p7"]


def test_a_person_says_whose_such_a_row_is(store):
    brought(store, labs(count("00123", 80)))
    brought(store, labs(count("123", 81, "2026-03-02T08:00:00+00:00")))
    row = waiting(store)["81"]
    with pytest.raises(Refused, match="patient_id"):
        confirm(store, NURSE, [row], "looks right", now=LATER)
    [group] = held_queue(store, NURSE, LATER).groups
    assert (group.needs, group.lines[0].patient) == (("patient_id",), "123")
    correct(store, NURSE, [row], {"patient_id": "00123"}, "the label says so", now=LATER)
    assert [value for _, value, _ in standing(store, "00123")] == ["80", "81"]


def test_an_id_of_somebody_who_is_known_is_taken_however_alike_others_are(store, head):
    brought(store, labs(count("P7", 80)))
    brought(store, labs(count("p7", 81, "2026-03-02T08:00:00+00:00")))
    correct(store, NURSE, [waiting(store)["81"]], {"patient_id": "p7"}, "two children", now=LATER, new_patient=True)
    told = fates(brought(store, labs(count("p7", 82, "2026-03-03T08:00:00+00:00"), head=head)))
    assert told == [("82", "accepted", [])]


def test_without_a_closed_list_a_file_makes_its_patients(store, head):
    assert fates(brought(store, labs(count("P1", 80), head=head))) == [("80", "accepted", [NEW_PATIENT])]


def test_with_a_closed_list_only_the_ids_that_nobody_has_wait(store, head):
    brought(store, labs(count("P1", 80)))
    rows = labs(count("P1", 81, "2026-03-02T08:00:00+00:00"), count("P2", 82), count("P2", 83), head=head)
    told = brought(store, rows, closed_patient_list=True)
    waits = [UNLISTED]
    assert fates(told) == [("81", "accepted", []), ("82", "review", waits), ("83", "review", waits)]
    assert known(store) == ["P1"]
    [group] = held_queue(store, NURSE, LATER).groups
    assert (group.question, group.can_confirm) == (UNLISTED.partition(": ")[2], True)
    batch = confirm(store, NURSE, [waiting(store)["82"]], "she is on the list now", now=LATER)["batches"][0]
    assert known(store) == ["P1", "P2"]
    undo(store, NURSE, batch, to_ms(LATER + MINUTE))
    assert known(store) == ["P1"]
    assert check(store) == []


def test_rows_that_cannot_be_used_stay_what_they_are(store, head):
    told = brought(store, labs("P2,2026-03-01T08:00:00Z,platelets,8,furlongs", head=head), closed_patient_list=True)
    assert [row["decision"] for row in told["rows"]] == ["rejected"]


def test_the_environment_closes_the_list_of_the_command_line(tmp_path):
    (tmp_path / "labs.csv").write_bytes(labs(count("P1", 80)))
    how = ("import", tmp_path / "labs.csv", "--db", f"sqlite:///{tmp_path / 'k.db'}", "--timezone", "UTC", "--json")
    assert khemon(*how, "--dry-run").document["counts"]["accepted"] == 1
    said = khemon(*how, env={"KHEMON_CLOSED_PATIENT_LIST": "yes"})
    assert (said.code, said.document["counts"]["review"]) == (1, 1)


def with_births(*births: str, head: str = "Patient;Geburtsdatum;Entnahmezeitpunkt;Analyse;Ergebnis;Einheit") -> bytes:
    return labs(*(f"P1;{born};{day:02d}.03.2026 08:00;PLT;{day};G/l" for day, born in enumerate(births, 1)), head=head)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-02-03", ["2026-02-03"]),
        ("20260203", ["2026-02-03"]),
        ("2026/2/3 00:00", ["2026-02-03"]),
        ("2026年2月3日", ["2026-02-03"]),
        ("03.02.2026", ["2026-02-03", "2026-03-02"]),
        ("13.02.2026", ["2026-02-13"]),
        ("3/2/26", ["1926-02-03", "1926-03-02", "2026-02-03", "2026-03-02"]),
        ("30.02.2026", []),
        ("202602", []),
        ("February 3rd", []),
        ("", []),
    ],
)
def test_a_birth_date_means_every_day_it_may_mean(text, days):
    assert sorted(day.isoformat() for day in possible_days(text)) == days


def test_a_result_with_another_birth_date_than_the_register_waits_for_somebody_who_says_whose_it_is(store):
    brought(store, BORN, "patients.csv")
    told = fates(
        brought(store, with_births("03.02.2026", "04.02.2026", "", "unbekannt", "02.03.2026"), date_format=DMY)
    )
    assert [decision for _, decision, _ in told] == ["accepted", "review", "accepted", "accepted", "accepted"]
    assert told[1][2] == [OTHER_BIRTH]
    [group] = held_queue(store, NURSE, LATER).groups
    assert group.needs == ("patient_id",)


def test_two_birth_dates_for_one_id_in_a_file_leave_all_of_its_results_in_doubt(store):
    told = fates(brought(store, with_births("03.02.2026", "04.02.2026", ""), date_format=DMY))
    assert [decision for _, decision, _ in told] == ["review", "review", "accepted"]


def test_a_birth_date_that_may_be_written_either_way_is_no_contradiction(store):
    told = fates(brought(store, with_births("03.02.2026", "02.03.2026", "2026-03-02"), date_format=DMY))
    assert {decision for _, decision, _ in told} == {"accepted"}


def test_a_canonical_file_may_hold_birth_dates_too(store):
    brought(store, BORN, "patients.csv")
    rows = (f"{count('P1', 81)},2026-02-03", f"{count('P1', 82, '2026-03-02T08:00:00+00:00')},2025-02-03")
    told = fates(brought(store, labs(*rows, head=f"{HEADS[0]},date of birth")))
    assert [decision for _, decision, _ in told] == ["accepted", "review"]


@pytest.mark.parametrize(
    ("born", "decision"),
    [("20260203", "accepted"), ("202602040500", "review"), ("2026", "accepted"), ("", "accepted")],
)
def test_a_message_says_when_its_patient_was_born(store, born, decision):
    brought(store, BORN.replace(b"P1", b"0098"), "patients.csv")
    message = oru(obx(time="20260310060500"), patient=f"0098^^^H^MR||SAMPLE^INFANT||{born}|F")
    [row] = brought(store, message, "a.hl7")["rows"]
    assert (row["decision"], OTHER_BIRTH in row["reasons"]) == (decision, decision == "review")


@pytest.mark.parametrize(
    ("born", "decision"), [("2026-02-03", "accepted"), ("2026-02-04", "review"), ("2026-02", "accepted")]
)
def test_a_bundle_says_when_its_patient_was_born(store, born, decision):
    brought(store, BORN.replace(b"P1", b"0098"), "patients.csv")
    told = json.loads(bundle(observation(effectiveDateTime="2026-03-10T06:05:00Z")))
    told["entry"][0]["resource"] = patient() | {"birthDate": born}
    [row] = brought(store, json.dumps(told).encode(), "a.json")["rows"]
    assert (row["decision"], OTHER_BIRTH in row["reasons"]) == (decision, decision == "review")


def test_a_row_whose_id_is_in_doubt_makes_nobody_and_stays_with_somebody_who_is_known(store, head):
    brought(store, BORN, "patients.csv")
    brought(store, labs(count("1.23E+05", 81), head=head))
    brought(store, with_births("04.02.2026"), date_format=DMY)
    assert known(store) == ["P1"]
    with store.reading() as reader:
        assert {row.text: row.patient_id for row in reader.held()} == {"81": "1.23E+05", "1": "P1"}
        assert [row.text for row in reader.undecided(patient_no=reader.patient_numbers()["P1"])] == ["1"]
    assert check(store) == []


@pytest.mark.parametrize("born", ["0001-01-01", "1900-01-01"])
def test_a_birth_date_of_long_ago_stands_in_the_way_of_nothing(store, born):
    brought(store, BORN.replace(b"2026-02-03", born.encode()), "patients.csv")
    assert [decision for _, decision, _ in fates(brought(store, labs(count("P1", 81))))] == ["accepted"]
