"""`khemon cohort` tells the trial's table of files and of a store; the synthetic 73 show the published counts."""

from __future__ import annotations

import csv
import datetime as dt
import json
from functools import cache
from pathlib import Path

import pytest

from tests.shell import imported, khemon, sqlite

END, ZONE = "2026-11-21T08:30:00+00:00", "Europe/Berlin"
COUNTS = {
    "durable_response_week_1": (9, 4),
    "durable_response_week_2": (22, 12),
    "durable_response_week_3": (31, 20),
    "durable_response_week_4": (35, 24),
    "durable_response_ever": (37, 30),
    "fibrinogen_above_week_4": (27, 16),
    "fibrinogen_stabilized_week_4": (27, 16),
    "rebound": (2, 6),
    "rebound_confirmed": (2, 6),
    "lesion_response_overall": (34, 29),
    "lesion_response_good": (30, 21),
    "quality_of_life_improved": (33, 28),
    "sequelae": (4, 12),
    "stopped_for_lack_of_efficacy": (1, 5),
    "stopped_before_month_12": (2, 5),
    "treatment_failure": (0, 5),
}
FIELDS = {
    "protocol", "endpoints", "as_of", "known_at", "timezone", "timezone_stated", "selection", "groups", "excluded",
    "compared", "published_source", "proportions", "platelets", "amounts", "lesions", "time_to_response",
    "time_to_rebound", "patients", "notes", "not_used",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("cohort")
    assert khemon("simulate", "--out", made, "--end", END, "--timezone", ZONE).code == 0
    return made


def files(folder: Path) -> list[object]:
    given = (("--labs", "labs"), ("--events", "events"), ("--patients", "patients"))
    return [part for option, name in given for part in (option, folder / f"{name}.csv")]


@cache
def told(folder: Path, *more: str) -> dict:
    said = khemon("cohort", *files(folder), "--timezone", ZONE, "--json", *more)
    assert said.code == 0, said.err
    return said.document


def met(document: dict) -> dict[str, tuple[int, ...]]:
    return {row["endpoint"]: tuple(group["met"] for group in row["groups"]) for row in document["proportions"]}


@pytest.mark.parametrize("protocol", ["ward", "trial"])
def test_the_synthetic_cohort_shows_every_published_count(folder, protocol):
    document = told(folder, "--protocol", protocol)
    found = met(document)
    assert {name: found[name] for name in COUNTS} == COUNTS
    assert set(document) == FIELDS
    assert document["compared"] == ["combination", "monotherapy"]
    assert all(group["final"] for row in document["proportions"] for group in row["groups"])
    assert {group["n"] for row in document["proportions"] for group in row["groups"]} == {36, 37}


def test_every_published_interval_comes_out_to_a_tenth_two_by_the_papers_rounding(folder):
    differing = []
    for row in told(folder)["proportions"]:
        printed = (row["published"] or {}).get("difference")
        if printed is None:
            continue
        ours = row["difference"]
        assert (ours["of"], ours["minus"]) == (printed["of"], printed["minus"])
        for ours_name, name in (("difference", "percent"), ("low", "low"), ("high", "high")):
            if f"{100 * ours[ours_name]:.1f}" != printed[name]:
                differing.append((row["endpoint"], ours_name))
                assert ours_name in printed["paper_rounding_only"]
    assert differing == [("durable_response_week_4", "low"), ("lesion_response_good", "difference")]


def test_the_four_published_medians_come_out_within_a_tenth(folder):
    weeks = {row["week"]: row for row in told(folder)["platelets"]}
    for week in (1, 4):
        for group in weeks[week]["groups"]:
            assert group["median"] == pytest.approx(float(weeks[week]["published_medians"][group["group"]]), rel=0.10)
            assert group["n"] == group["of"]


def test_products_prednisolone_and_time_to_response_are_told_by_arm(folder):
    document = told(folder)
    amounts = {row["amount"]: row for row in document["amounts"]}
    products = amounts["products"]["groups"]
    assert [round(group["mean"], 1) for group in products] == [1.4, 2.5]
    assert all(group["per_patient_week"] == pytest.approx(group["total"] / group["patient_weeks"], abs=1e-6)
               for group in products)  # fmt: skip
    assert amounts["products"]["mann_whitney_p"] < 0.01
    combination = amounts["prednisolone_days"]["groups"][0]
    assert combination["mean"] / 7 == pytest.approx(8.1, abs=0.2)
    response = document["time_to_response"]
    assert [group["events"] for group in response["groups"]] == [37, 30]
    assert response["groups"][0]["median"] < response["groups"][1]["median"]
    assert response["log_rank"]["p"] < 0.01


def test_the_two_children_who_are_not_in_35_of_37_are_named_with_the_reason(folder):
    document = told(folder)
    others = [
        child
        for child in document["patients"]
        if child["group"] == "combination" and child["endpoints"]["durable_response_week_4"]["state"] != "met"
    ]
    assert len(others) == 2
    for child in others:
        answer = child["endpoints"]["durable_response_week_4"]
        assert (answer["state"], answer["reason"]) == ("not_met", "not_reached")
        assert child["values"]["response_onset_day"] > 28


def test_before_day_28_after_onset_a_response_is_provisional_and_never_met(folder):
    final = {child["patient_id"]: child for child in told(folder)["patients"]}
    early = told(folder, "--as-of", "2023-06-01T08:00:00+00:00")
    states = {"met": 0, "provisional": 0}
    for child in early["patients"]:
        answer, later = (each["endpoints"]["durable_response_week_4"] for each in (child, final[child["patient_id"]]))
        if answer["state"] == "met":
            assert later["state"] == "met"
        if answer["state"] in states:
            states[answer["state"]] += 1
    assert states["met"]
    assert any("no day 0" in row["reason"] for row in early["excluded"])


def test_the_same_input_gives_the_same_bytes_and_order_does_not_matter(folder, tmp_path):
    for name in ("labs", "events", "patients"):
        header, *lines = (folder / f"{name}.csv").read_text("utf-8").splitlines()
        (tmp_path / f"{name}.csv").write_text("\n".join([header, *reversed(lines)]) + "\n", "utf-8")
    one = khemon("cohort", *files(folder), "--timezone", ZONE, "--json")
    again = khemon("cohort", *files(folder), "--timezone", ZONE, "--json")
    turned = khemon("cohort", *files(tmp_path), "--timezone", ZONE, "--json")
    assert one.out == again.out == turned.out


def test_the_store_tells_what_its_files_tell(folder, tmp_path):
    for name in ("patients", "events", "labs"):
        assert imported(folder / f"{name}.csv", sqlite(tmp_path), "--timezone", ZONE).code == 0
    as_of = told(folder)["as_of"]
    said = khemon("cohort", "--db", sqlite(tmp_path), "--as-of", as_of, "--json")
    assert said.code == 0, said.err
    assert said.document == told(folder, "--as-of", as_of)
    before = khemon("cohort", "--db", sqlite(tmp_path), "--known-at", "2020-01-01", "--json")
    assert (before.code, before.out) == (2, "")


def test_as_a_table_it_says_counts_intervals_and_what_was_published(folder):
    said = khemon("cohort", *files(folder), "--timezone", ZONE)
    assert said.code == 0
    line = next(line for line in said.out.splitlines() if line.startswith("Durable platelet response at week 4"))
    assert "35/37 94.6 % (82.3 to 98.5)" in line
    assert "27.9 (9.9 to 44.7)" in line
    assert "35/37, 24/36; 27.9 (10.0 to 44.7) *" in line
    assert "protocol ward 1; children with a day 0" in said.err


def test_a_young_cohort_says_confirmed_provisional_and_not_yet(folder):
    said = khemon("cohort", *files(folder), "--timezone", ZONE, "--as-of", "2021-11-20T12:00:00+00:00")
    line = next(line for line in said.out.splitlines() if line.startswith("Durable platelet response at week 4"))
    assert "confirmed" in line
    assert "not yet assessable, of " in line
    rebound = next(line for line in said.out.splitlines() if line.startswith("KMP rebound (literal)"))
    assert "so far" in rebound
    assert "confirmed" not in rebound


def test_rows_that_were_not_used_are_listed_with_exit_code_one(folder, tmp_path):
    for name in ("labs", "events", "patients"):
        (tmp_path / f"{name}.csv").write_bytes((folder / f"{name}.csv").read_bytes())
    with (tmp_path / "labs.csv").open("a", newline="") as out:
        csv.writer(out).writerow(["SYN-001", "2024-01-01T08:00:00+00:00", "platelets", "90", "furlongs"])
    said = khemon("cohort", *files(tmp_path), "--timezone", ZONE, "--json")
    assert said.code == 1
    assert [row["decision"] for row in said.document["not_used"]] == ["rejected"]
    assert met(said.document) == met(told(folder))


def test_filters_print_themselves_and_name_whom_they_leave_out(folder):
    document = told(folder, "--arm", "combination", "--day0-from", "2024-01-01")
    assert document["selection"]["words"] == "children with a day 0; arm combination; day 0 from 2024-01-01"
    assert document["compared"] is None
    (group,) = document["groups"]
    assert group["n"] + len(document["excluded"]) == 73
    assert {row["reason"] for row in document["excluded"]} == {
        "left out by the filters: in another arm",
        "left out by the filters: day 0 before the period",
    }


def test_any_two_groups_can_be_compared(folder):
    document = told(folder, "--by", "lesion_class", "--compare", "deep,mixed")
    assert document["compared"] == ["deep", "mixed"]
    row = document["proportions"][0]
    assert (row["difference"]["of"], row["difference"]["minus"]) == ("deep", "mixed")
    assert [group["group"] for group in row["groups"]] == ["deep", "mixed", "superficial"]
    assert told(folder, "--by", "all")["groups"][0]["n"] == 73


@pytest.mark.parametrize(
    "wrong",
    [
        ("--by", "shoe size"),
        ("--compare", "combination"),
        ("--compare", "combination,nobody"),
        ("--compare", "combination,combination"),
        ("--day0-from", "spring"),
        ("--protocol", "no such"),
        ("--known-at", "2024-01-01"),
        ("--as-of", "then"),
    ],
)
def test_what_cannot_be_asked_is_refused(folder, wrong):
    said = khemon("cohort", *files(folder), "--timezone", ZONE, "--json", *wrong)
    assert (said.code, said.out) == (2, "")
    assert said.err


def test_events_without_results_are_refused(folder):
    assert khemon("cohort", "--events", folder / "events.csv").code == 2


def test_a_file_that_is_none_of_results_is_a_file_problem(folder):
    said = khemon("cohort", "--labs", folder / "events.csv", "--json")
    assert said.code == 2
    assert said.error["remedy"]


def test_the_reproduction_shows_every_figure_with_its_source():
    said = khemon("cohort", "--reproduce", "--json")
    assert said.code == 0
    assert said.document["all_match"]
    assert len(said.document["differences"]) == 8
    assert all(row["source"] for row in said.document["differences"])
    table = khemon("cohort", "--reproduce").out
    assert "27.9279 9.9454 44.7222" in table
    assert "27.9 10.0* 44.7" in table


def test_a_child_treated_by_no_recorded_first_dose_is_not_in(tmp_path):
    day = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)
    rows = ["patient_id,collected_at,analyte,value,unit", f"P1,{day.isoformat()},platelets,20,10*9/L"]
    (tmp_path / "labs.csv").write_text("\n".join(rows) + "\n")
    said = khemon("cohort", "--labs", tmp_path / "labs.csv", "--json")
    assert said.code == 0
    document = json.loads(said.out)
    assert document["groups"] == []
    assert [row["patient_id"] for row in document["excluded"]] == ["P1"]
    assert not document["timezone_stated"]
