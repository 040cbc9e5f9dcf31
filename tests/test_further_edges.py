"""Section 3.7 where two results stand at one time, a bound is open, or an event goes on."""

from __future__ import annotations

import pytest

from tests.shell import khemon

LABS = "patient_id,collected_at,analyte,value,unit,timing\n"
EVENTS = "patient_id,kind,start,end,dose,unit,note\n"
UNITS = {"hemoglobin": "g/L", "sirolimus": "ng/mL", "platelets": "10*9/L"}


def said(tmp_path, labs, events=(), rule=""):
    """Texts and statuses of a rule; labs are (analyte, hour, value), events (kind, hour)."""
    lines = [f"P,{at(hour)},{analyte},{value},{UNITS[analyte]},trough\n" for analyte, hour, value in labs]
    (tmp_path / "labs.csv").write_text(LABS + "".join(lines))
    told = [("procedure", 0), *events]
    (tmp_path / "events.csv").write_text(EVENTS + "".join(f"P,{kind},{at(hour)},,,,\n" for kind, hour in told))
    done = khemon("evaluate", tmp_path / "labs.csv", "--events", tmp_path / "events.csv", "--json")
    return [(e["status"], e["text"]) for e in done.document["patients"][0]["episodes"] if e["rule"] == rule]


def at(hour: int) -> str:
    return f"2026-01-{1 + hour // 24:02d}T{hour % 24:02d}:00:00Z"


@pytest.mark.parametrize("values", [("22", "12"), ("12", "22")])
def test_of_two_levels_at_one_time_the_sentence_names_the_one_outside(tmp_path, values):
    labs = [("sirolimus", 48, value) for value in values]
    found = said(tmp_path, labs, [("sirolimus", 0)], "sirolimus_above_target")
    assert [text.split(":")[0] for _, text in found] == ["Sirolimus trough 22"]


def test_two_levels_at_one_time_are_no_jump(tmp_path):
    assert said(tmp_path, [("sirolimus", 48, "3"), ("sirolimus", 48, "30")], rule="delta_check") == []


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        ("100", "75", ["confirmed"]),
        ("99.9996", "75", []),
        ("<100", "75", []),
        ("<=100", "75", ["possible"]),
        ("100", ">75", []),
    ],
)
def test_a_fall_of_hemoglobin_is_judged_exactly_at_an_open_bound(tmp_path, before, after, status):
    labs = [("hemoglobin", 0, before), ("hemoglobin", 24, after)]
    assert [one for one, _ in said(tmp_path, labs, rule="hemoglobin_fall")] == status


def test_a_jump_is_certain_also_where_a_bound_is_open(tmp_path):
    labs = [("platelets", 0, ">200"), ("platelets", 24, "100")]
    assert len(said(tmp_path, labs, rule="delta_check")) == 1


def test_bleeding_that_goes_on_explains_a_fall_of_hemoglobin(tmp_path):
    labs = [("hemoglobin", 20, "100.1"), ("hemoglobin", 24, "75")]
    assert len(said(tmp_path, labs, rule="delta_check")) == 1
    assert said(tmp_path, labs, [("active_bleeding", 3)], "delta_check") == []
