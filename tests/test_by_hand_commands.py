"""`khemon result` and `khemon event`: what they print and their exit codes."""

from __future__ import annotations

import pytest

from tests.shell import imported, khemon, sqlite

LAB = ("--analyte", "platelets", "--unit", "10*9/L", "--at", "2026-03-20T08:00", "--patient", "P1")


@pytest.fixture
def ward(tmp_path):
    """A database with one child."""
    path = tmp_path / "patients.csv"
    path.write_text("patient_id,name\nP1,Ana\n", encoding="utf-8")
    assert imported(path, sqlite(tmp_path)).code == 0
    return sqlite(tmp_path)


def run(ward, *words, code=0):
    said = khemon(*words, "--db", ward, "--json")
    assert said.code == code, said.err
    return said.document if code == 0 else said.err


def test_a_result_is_added_corrected_set_out_listed_and_undone(ward):
    added = run(ward, "result", "add", *LAB, "--value", "9")
    assert {one["move"] for one in added["alerts"]} == {"raise"}
    assert "plasma_criterion" in {one["rule"] for one in added["alerts"]}
    assert (added["rows"][0]["canonical_value"], added["rows"][0]["collected_at"]) == ("9", "2026-03-20T08:00:00+00:00")
    edited = run(ward, "result", "edit", added["rows"][0]["number"], "--value", "90", "--reason", "digit lost")
    run(ward, "result", "void", edited["rows"][0]["number"], "--reason", "another child")
    entries = run(ward, "result", "list", "--patient", "P1")["entries"]
    assert [(one["fields"]["value"], one["state"]) for one in entries] == [("90", "set out"), ("9", "set out")]
    assert all("another child" in one["why"] for one in entries)
    batch = run(ward, "batches")["batches"][-1]["batch"]
    run(ward, "undo", batch)
    assert [one["state"] for one in run(ward, "result", "list", "--patient", "P1")["entries"]] == [
        "stands",
        "corrected",
    ]


def test_events_are_added_dose_by_dose_corrected_and_set_out(ward):
    words = ("--kind", "plasma", "--start", "2026-03-20T06:00", "--start", "2026-03-20T08:00", "--dose", "10")
    added = run(ward, "event", "add", "--patient", "P1", *words, "--unit", "mL/kg")
    first, second = (row["number"] for row in added["rows"])
    run(ward, "event", "edit", first, "--patient", "P1", "--dose", "12", "--reason", "chart read anew")
    run(ward, "event", "void", second, "--patient", "P1", "--reason", "not given")
    entries = run(ward, "event", "list", "--patient", "P1")["entries"]
    assert [(one["fields"]["dose"], one["state"]) for one in entries] == [
        ("10", "set out"),
        ("12", "stands"),
        ("10", "corrected"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("result", "add", *LAB, "--value", "1,5"), "value: nothing says whether the separator is the decimal sign"),
        (("result", "add", *LAB, "--value", "2000"), "check: Platelets 2000 10*9/L is unusual"),
        (("result", "add", *LAB[:-1], "P2", "--value", "9"), "patient: there is no patient with this id"),
        (("result", "void", "7", "--reason", "x"), "result 7: there is no such result"),
        (("event", "void", "7", "--patient", "P1", "--reason", "x"), "event 7: this patient has no such event"),
        (("event", "add", "--patient", "P1", "--kind", "plasma", "--start", "20.3.2026"), "time"),
    ],
)
def test_what_is_refused_changes_nothing_and_exits_2(ward, words, said):
    assert said in run(ward, *words, code=2)
    assert len(run(ward, "batches")["batches"]) == 1


def test_the_register_is_corrected_judged_anew_and_undone(ward):
    run(ward, "result", "add", *LAB, "--value", "9")
    words = ("--patient", "P1", "--set", "birth_date=2026-03-02", "--set", "ward=W 2", "--reason", "letter")
    batch = run(ward, "patient", "edit", *words)["batch"]
    assert "before the birth" in run(
        ward, "result", "add", *LAB[:5], "2026-03-01T08:00", *LAB[6:], "--value", "8", code=2
    )
    later = run(ward, "patient", "edit", "--patient", "P1", "--set", "birth_date=2026-02-28", "--reason", "misread")
    assert later["rows"][0]["fields"] == {"birth_date": "2026-02-28"}
    for one in (later["batch"], batch):
        run(ward, "undo", one)
    run(ward, "patient", "edit", *words)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("birth_date=1.2.2026", "register: write it as 2026-01-31"),
        ("sirolimus_target=high", "register: write the band"),
        ("name=Ana", "nothing differs"),
        ("ward=", "ward: it is empty"),
        ("shoe=3", "shoe: the register has no such field"),
    ],
)
def test_what_the_register_cannot_say_is_refused(ward, stated, said):
    assert said in run(ward, "patient", "edit", "--patient", "P1", "--set", stated, "--reason", "x", code=2)


def test_who_is_sure_may_store_what_is_unusual(ward):
    assert run(ward, "result", "add", *LAB, "--value", "2000", "--sure")["rows"][0]["reasons"]


def test_without_json_the_same_is_said_for_people(ward):
    said = khemon("result", "add", *LAB, "--value", "9", "--db", ward)
    assert said.code == 0
    assert "khemon undo" in said.err and "plasma_criterion" in said.out
    assert "Platelets" in khemon("result", "list", "--patient", "P1", "--db", ward).out
