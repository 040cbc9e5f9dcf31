"""The printed report of a cohort: what the PDF says is what the page says, and it says whom, as of when, by what."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import hashlib
import io
import json
import re

import pytest

from khemon.actions.cohort import Selection
from khemon.actions.cohort.few import is_few
from khemon.actions.cohort_export import EXPORTS, cohort_csv
from khemon.actions.cohort_report import cohort_report
from khemon.actions.cohort_sheet import BARS, FEW_SIGN, MOST_BARS, cohort_sheet
from khemon.actions.watch.cohort import CohortQuestion, cohort_view, recomputed
from khemon.figures.cohort import SwimmerData, WeeklyData
from khemon.figures.style import LIGHT
from khemon.figures.words import INTENDED_USE, SYNTHETIC_WORDS
from khemon.models import Refused
from khemon.reports import CohortSheet, PrintedTable, printed
from khemon.reports.cohort_chart import cohort_svg
from khemon.reports.glyphs import TEXT
from khemon.store import Store
from tests.cohort_ward import ACTOR, cohort_ward
from tests.shell import khemon
from tests.test_accounts import with_account
from tests.test_handover import Print

NOW = dt.datetime(2026, 6, 1, 13, tzinfo=dt.UTC)
BY_ARM, BY_SEX = CohortQuestion(Selection()), CohortQuestion(Selection(by="sex"))


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('report') / 'khemon.db'}")
    cohort_ward(store, NOW)
    yield store
    store.close()


@pytest.fixture(scope="module")
def view(ward):
    return cohort_view(ward, ACTOR, BY_ARM, NOW)


@pytest.fixture(scope="module")
def numbers(ward):
    with ward.reading() as reader:
        return {patient_id: str(number) for patient_id, number in reader.patient_numbers().items()}


@pytest.fixture(scope="module")
def paper(ward) -> Print:
    return Print(cohort_report(ward, ACTOR, BY_ARM, NOW).content)


def sheet_of(view, numbers, hide_few: bool = False) -> CohortSheet:
    return cohort_sheet(view, recomputed(), ACTOR, NOW, numbers, hide_few=hide_few)


def words_of(table: PrintedTable) -> list[str]:
    return [words for row in table.rows for cell in row for words in (cell.words, *cell.beside)]


# ---- what stands on it ------------------------------------------------------------------------------------------


def test_every_page_says_whom_as_of_when_by_which_protocol_and_what_it_is_for(view, paper):
    assert len(paper.pages) >= 5
    for number, page in enumerate(paper.pages, start=1):
        for words in (
            "Cohort report", view.caption, "As of 1 Jun 2026 15:00",
            "Judged by Ward protocol, version 1; trial endpoints, version 1",
            "Printed 1 Jun 2026 15:00 by Tester", SYNTHETIC_WORDS, INTENDED_USE,
        ):  # fmt: skip
            assert words.replace(" ", "") in page.replace(" ", ""), words
        assert page.endswith(f"{number} of {len(paper.pages)}")


def test_the_report_says_what_the_page_says(view, paper):
    screen = [f"{view.count} children: combination 37, monotherapy 3.", *view.notes]
    screen += [line.reason for line in view.left_out] + ["1 row of the files not used"]
    for line in view.lines:
        screen += [line.title, line.difference, line.direction, line.p, line.published, line.source]
        screen += [words for cell in line.cells for words in (cell.words, cell.beside, cell.reasons)]
    for curves in (view.response, view.rebound):
        screen += [curves.title, curves.test, f"Weeks since {curves.since}"]
        screen += [f"{curve.events} of {curve.n}" for curve in curves.curves]
    trial = recomputed()
    screen += [trial.outcome, trial.source, trial.method]
    for line in trial.differences:
        screen += [line.counts, line.counts_from, *line.full, *line.rounded, *line.paper, line.fisher_p, line.source]
    for line in (*trial.others, *trial.numbers):
        screen += [words for words in dataclasses.astuple(line) if isinstance(words, str)]
    assert len(screen) > 300 and "35/37" in screen
    assert not [words for words in screen if not paper.says(words)]
    assert paper.says("not in it: treatment was given up before (1), the limit was not reached (1)")


def test_the_figures_are_drawn_from_the_numbers_of_the_screen_and_each_says_whom_it_shows(view, numbers, paper):
    figures = sheet_of(view, numbers).figures
    assert [figure.shown for figure in figures[:3]] == [view.weekly, view.response, view.rebound]
    assert {figure.caption for figure in figures} == {view.caption}
    assert paper.text.replace(" ", "").count(view.caption.replace(" ", "")) == len(paper.pages) + len(figures)
    [bars] = [figure.shown for figure in figures[3:]]
    assert [swim.patient_id for swim in bars.swims] == [numbers[swim.patient_id] for swim in view.swimmer.swims]
    assert [dataclasses.replace(swim, patient_id="") for swim in bars.swims] == [
        dataclasses.replace(swim, patient_id="") for swim in view.swimmer.swims
    ]


def test_every_median_curve_and_mark_is_drawn_once_and_alike_each_time(view):
    weekly = cohort_svg(view.weekly, LIGHT)
    medians = sorted(f"median-{n}-{p.week}" for n, line in enumerate(view.weekly.lines) for p in line.points if p.n)
    assert sorted(re.findall(r'id="(median-\d+-\d+)"', weekly)) == medians and len(medians) > 10
    assert weekly == cohort_svg(view.weekly, LIGHT)
    curves = cohort_svg(view.rebound, LIGHT)
    assert re.findall(r'id="(curve-\d+)"', curves) == ["curve-0", "curve-1"]
    bars = cohort_svg(view.swimmer, LIGHT)
    for kind in ("onset", "rebound", "stopped", "provisional"):
        [drawn] = re.findall(rf'id="marks-{kind}">(.*?)</g>\s*</g>', bars, flags=re.S)
        assert drawn.count("<use") == sum(m.kind == kind for swim in view.swimmer.swims for m in swim.marks) > 0


def test_bounds_and_single_groups_are_drawn_and_figures_of_nobody_say_so(view):
    point = dataclasses.replace(view.weekly.lines[0].points[1], beyond="<")
    line = dataclasses.replace(view.weekly.lines[0], points=(point,))
    assert "median-0-1" in cohort_svg(WeeklyData((line,), (), "", ""), LIGHT)
    nobody = {
        "No settled platelet count of these children yet.": WeeklyData((), (), "", ""),
        "Nobody of these children is at risk yet.": dataclasses.replace(view.response, curves=()),
        "Nobody is in.": SwimmerData((), ""),
    }
    for words, shown in nobody.items():
        assert words in cohort_svg(shown, LIGHT)


def test_many_children_stand_on_several_figures_and_those_without_room_are_counted(view, numbers):
    swims = view.swimmer.swims
    many = tuple(swims[number % len(swims)] for number in range(MOST_BARS + 7))
    crowd = dataclasses.replace(view, swimmer=SwimmerData(many, view.caption))
    sheet = sheet_of(crowd, numbers)
    bars = [figure for figure in sheet.figures if isinstance(figure.shown, SwimmerData)]
    assert {len(figure.shown.swims) for figure in bars} == {BARS}
    assert bars[-1].title == f"One bar for each child: {MOST_BARS - BARS + 1} to {MOST_BARS} of {MOST_BARS + 7}"
    assert sheet.left_out[0].startswith("And 7 more children, whose bars have no room here")


def test_more_groups_than_have_room_beside_each_other_stand_in_a_further_table(view, numbers):
    def six(line):
        own = line.cells[0]
        return dataclasses.replace(line, cells=tuple(dataclasses.replace(own, group=f"G{n}") for n in range(6)))

    lines = {name: tuple(map(six, getattr(view, name))) for name in ("proportions", "amounts", "lesions", "weeks")}
    sheet = sheet_of(dataclasses.replace(view, groups=tuple((f"G{n}", 6) for n in range(6)), **lines), numbers)
    first, second = sheet.beside[:2]
    assert first.heads[:6] == ("", "G0", "G1", "G2", "G3", "Difference, % points (95 % CI)")
    assert (second.title, second.heads) == ("Beside the trial, further groups", ("", "G4", "G5"))
    assert all(len(row) == len(table.heads) == len(table.widths) for table in sheet.beside for row in table.rows)


def test_text_from_outside_is_printed_as_text_and_letters_it_cannot_show_say_so(view, numbers):
    hostile = r'#read("/etc/passwd") $x^2$ *b* <img src=x>'
    weekly = dataclasses.replace(view.weekly.lines[0], group=hostile)
    lines = (weekly, dataclasses.replace(weekly, group="李小明"))
    named = dataclasses.replace(
        view,
        groups=((hostile, 37), ("李小明", 3)),
        caption=f"Shown: arm {hostile}.",
        weekly=dataclasses.replace(view.weekly, lines=lines),
    )
    whole = sheet_of(named, numbers)
    made = Print(printed(dataclasses.replace(whole, beside=whole.beside[:1], figures=whole.figures[:1], trial=())))
    assert made.says(hostile) and "root:" not in made.text
    assert made.says(TEXT) and "李" not in made.text


def test_a_cohort_of_nobody_is_a_report_that_says_so(ward, numbers):
    sheet = sheet_of(cohort_view(ward, ACTOR, CohortQuestion(Selection(arms=("nobody",))), NOW), numbers)
    assert sheet.who[:2] == (
        "0 children: no group.",
        "Not in: 40 children: left out by the filters: in another arm.",
    )
    assert (sheet.beside, sheet.figures) == ((), ())
    assert sheet.left_out == ("Nobody is in: there is nothing to count.",)


# ---- as of a day ------------------------------------------------------------------------------------------------


def test_a_report_of_an_earlier_day_counts_less_takes_nothing_back_and_says_what_is_not_final(ward, view):
    earlier = cohort_view(ward, ACTOR, CohortQuestion(Selection(), as_of=dt.date(2025, 12, 13)), NOW)
    assert earlier.as_of == "the end of 13 Dec 2025"
    words = "17 of 18 endpoints are not final: whoever is provisional or not yet assessable is not counted as met"
    assert earlier.notes[0].startswith(words) and "what is met stays met" in earlier.notes[0]
    then, now = ({line.what: line.cells for line in told.proportions} for told in (earlier, view))
    assert then["durable_response_week_4"][0].words == "0 confirmed, 35 provisional, of 37"
    assert now["durable_response_week_4"][0].words == "35/37"


def test_a_moment_a_cut_by_recording_and_a_protocol_can_be_asked_for(ward):
    at = NOW - dt.timedelta(days=100)
    known = int(NOW.timestamp() * 1000)
    told = cohort_view(ward, ACTOR, CohortQuestion(Selection(), at=at, known_at_ms=known), NOW)
    assert told.as_of == "21 Feb 2026 14:00, of what was recorded until 1 Jun 2026 15:00"
    assert told.count == 39
    late = CohortQuestion(Selection(), at=NOW + dt.timedelta(days=9))
    assert cohort_view(ward, ACTOR, late, NOW).as_of == "1 Jun 2026 15:00"


# ---- small counts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("counts", "few"), [((0,), False), ((1,), True), ((4,), True), ((5,), False), ((9, 4), True)])
def test_from_one_to_four_children_are_few(counts, few):
    assert is_few(*counts) is few


def test_numbers_that_tell_of_few_children_are_marked(view, numbers):
    week_4 = next(line for line in view.proportions if line.what == "durable_response_week_4")
    assert [cell.few for cell in week_4.cells] == [True, True]
    table = sheet_of(view, numbers).beside[0]
    assert f"35/37\N{NO-BREAK SPACE}{FEW_SIGN}" in words_of(table) and f"{FEW_SIGN} A part of this number" in table.note


def test_hidden_counts_take_along_what_would_tell_them(ward, numbers):
    view = cohort_view(ward, ACTOR, BY_SEX, NOW)
    [shown] = [line for line in view.proportions if line.what == "durable_response_week_4"]
    assert [cell.few for cell in shown.cells] == [True, False]
    sheet = sheet_of(view, numbers, hide_few=True)
    [row] = [row for row in sheet.beside[0].rows if row[0].words == shown.title]
    assert [cell.words for cell in row[1:5]] == ["hidden (<5)", shown.cells[1].words, "hidden (<5)", "hidden (<5)"]
    assert row[1].beside == () and row[5].words == shown.published
    assert "Not in: fewer than 5 children: no day 0" in " ".join(sheet.who)
    assert not [figure for figure in sheet.figures if not isinstance(figure.shown, WeeklyData)]
    assert sheet.left_out[0].startswith("Left out:") and sheet.heading.notes[1].startswith("Counts of fewer than 5")
    hidden = {cell.words for line in view.lines for cell in line.cells if cell.few}
    hidden -= {cell.words for line in view.lines for cell in line.cells if not cell.few}
    told = {words for table in sheet.beside for words in words_of(table)}
    assert hidden and not hidden & told


def test_hidden_counts_take_along_reasons_and_curves_that_few_are_not_in(ward, numbers, view):
    many = dataclasses.replace(view.proportions[0].cells[0], few=False, reasons="the limit was not reached (4)")
    line = dataclasses.replace(view.proportions[0], cells=(many,))
    sheet = sheet_of(dataclasses.replace(view, proportions=(line,)), numbers, hide_few=True)
    assert sheet.beside[0].rows[0][1].beside == (many.beside,)
    timed = {line.what: [cell.few for cell in line.cells] for line in view.amounts}
    assert view.amounts[-1].cells[0].words == "0 of 36" and timed["time_to_rebound"] == [True, True]


def test_files_for_others_eyes_leave_out_small_counts_and_what_shows_single_children(ward):
    def rows(what: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(cohort_csv(ward, ACTOR, BY_SEX, what, NOW, hide_few=True).decode())))

    week_4 = [row for row in rows("table") if row["endpoint"] == "durable_response_week_4"]
    assert [(row["few"], row["difference_few"], row["met"] == "") for row in week_4] == [
        ("hidden (<5)", "hidden (<5)", True), ("", "hidden (<5)", False)
    ]  # fmt: skip
    names = ("difference_difference", "difference_low", "difference_high", "difference_fisher_p")
    assert {row[name] for row in week_4 for name in names} == {""}
    assert {row["n"] for row in week_4} == {"22", "18"}
    weekly = rows("weekly")
    hidden = [row for row in weekly if row["few"]]
    assert hidden and {row[name] for row in hidden for name in ("n", "median", "first_quartile", "beyond")} == {""}
    assert all(int(row["n"]) >= 5 or row["n"] == "0" for row in weekly if not row["few"])
    for what in set(EXPORTS) - {"table", "weekly"}:
        with pytest.raises(Refused, match="without small counts"):
            cohort_csv(ward, ACTOR, BY_SEX, what, NOW, hide_few=True)


def test_a_group_of_fewer_than_five_cannot_leave_without_telling_of_single_children(ward):
    for leave in (
        lambda: cohort_report(ward, ACTOR, BY_ARM, NOW, hide_few=True),
        lambda: cohort_csv(ward, ACTOR, BY_ARM, "table", NOW, hide_few=True),
    ):
        with pytest.raises(Refused, match="a group of fewer than 5 children"):
            leave()
    marked = list(csv.DictReader(io.StringIO(cohort_csv(ward, ACTOR, BY_ARM, "weekly", NOW).decode())))
    assert {row["few"] for row in marked if row["group"] == "monotherapy" and row["n"] != "0"} == {
        "fewer than 5 children"
    }


# ---- who, and on record -----------------------------------------------------------------------------------------


def test_a_report_is_on_record_with_its_digest_before_it_is_taken(ward, paper):
    with ward.reading() as reader:
        rows = [(row.object, json.loads(row.details)) for row in reader.audit_rows() if row.action == "export_cohort"]
    told = {"what": "report", "of": "children with a day 0", "hospital_numbers": False, "few_hidden": False}
    assert ("cohort", told | {"sha256": hashlib.sha256(paper.content).hexdigest()}) in rows


def test_children_stand_under_khemons_own_number_unless_hospital_numbers_are_asked_for(ward, paper):
    three = CohortQuestion(Selection(arms=("monotherapy",)))
    named = Print(cohort_report(ward, ACTOR, three, NOW, with_ids=True).content)
    assert re.search(r"\bM01\b", named.text) and not re.search(r"\b[MC]\d\d\b", paper.text)
    assert "Mia Rebound" not in named.text + paper.text
    with ward.reading() as reader:
        last = [row for row in reader.audit_rows() if row.action == "export_cohort"][-1]
    assert json.loads(last.details)["hospital_numbers"] is True


def test_who_may_only_look_takes_no_report_along(ward):
    viewer = with_account(ward, "Vera", roles=["viewer"])
    with pytest.raises(Refused, match="may not"):
        cohort_report(ward, viewer, BY_ARM, NOW)


# ---- the command ------------------------------------------------------------------------------------------------


def test_the_command_prints_the_report_beside_its_document_and_never_over_a_file(ward, tmp_path):
    out = tmp_path / "cohort.pdf"
    asked = ("cohort", "--db", ward.url, "--by", "sex", "--as-of", "2026-05-01T08:00", "--pdf", out)
    said = khemon(*asked, "--hide-few", "--json")
    assert said.code == 1
    assert said.document["as_of"] == "2026-05-01T08:00:00+02:00"
    assert hashlib.sha256(out.read_bytes()).hexdigest() in said.err
    made = Print(out.read_bytes())
    assert made.says("As of 1 May 2026 08:00") and made.says("hidden (<5)")
    assert said.document["selection"]["words"] in made.text and out.stat().st_mode & 0o777 == 0o600
    again = khemon(*asked)
    assert again.code == 2 and "is there already" in again.err


@pytest.mark.parametrize("wrong", [("--labs", "labs.csv", "--pdf", "x.pdf"), ("--hide-few",)])
def test_a_report_is_of_a_store_and_counts_are_hidden_in_a_report(ward, wrong):
    said = khemon("cohort", "--db", ward.url, *wrong)
    assert said.code == 2 and said.err
