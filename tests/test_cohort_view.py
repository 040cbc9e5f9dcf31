"""What the cohort page reads: who is in, the children behind every number, the bars, and what leaves as a file."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import re

import pytest

from khemon.actions.cohort import Cohort, Selection
from khemon.actions.cohort_export import EXPORTS, cohort_csv
from khemon.actions.import_files import Options, commit
from khemon.actions.watch.cohort import CohortQuestion, cohort_choices, cohort_view, recomputed
from khemon.actions.watch.cohort.asked import answered
from khemon.actions.watch.cohort.people import people_of
from khemon.figures.cohort import SwimMark, SwimSpan
from khemon.models import Actor, Refused
from khemon.roles import pages_for
from khemon.store import Store
from tests.cohort_ward import ACTOR, GIVEN_UP, LATE, PATIENTS, cohort_ward
from tests.test_accounts import with_account

NOW = dt.datetime(2026, 6, 1, 13, tzinfo=dt.UTC)
BY_ARM = CohortQuestion(Selection())


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('cohort') / 'khemon.db'}")
    cohort_ward(store, NOW)
    yield store
    store.close()


@functools.cache
def view(ward: Store, question: CohortQuestion = BY_ARM, what: str = "", group: str = "", actor: Actor = ACTOR):
    return cohort_view(ward, actor, question, NOW, what, group)


@functools.cache
def cohort(ward: Store) -> Cohort:
    with ward.reading() as reader:
        return answered(reader, BY_ARM, NOW)


def sections(people) -> dict[str, list[str]]:
    return {title.split(":")[0]: [line.patient_id for line in lines] for title, lines in people.sections}


# ---- who is in --------------------------------------------------------------------------------------------------


def test_every_figure_says_whom_it_shows_as_of_when_and_judged_by_what(ward):
    told = view(ward)
    words = (
        "Shown: children with a day 0; 40 children (combination 37, monotherapy 3). As of 1 Jun 2026 15:00, by Ward "
        "protocol, version 1."
    )
    assert {told.caption, told.weekly.caption, told.response.caption, told.rebound.caption, told.swimmer.caption} == {
        words
    }
    assert told.weekly.alt.endswith(words) and told.response.alt.endswith(words) and told.swimmer.alt.endswith(words)


def test_who_is_not_in_stands_with_the_reason(ward):
    [out] = view(ward).left_out
    assert (out.patient_id, out.name) == ("X01", "Xia Waiting")
    assert out.reason.startswith("no day 0 by then")
    asked = CohortQuestion(Selection(by="ward", wards=("W2",), arms=("monotherapy",)))
    filtered = view(ward, asked)
    assert filtered.groups == (("W2", 1),)
    assert "arm monotherapy; ward W2; 1 child (W2 1)" in filtered.caption
    reasons = {line.patient_id: line.reason for line in filtered.left_out}
    assert reasons["C01"] == "left out by the filters: in another arm"
    assert reasons["M02"] == "left out by the filters: on another ward"


def test_a_cohort_of_nobody_has_empty_tables_and_figures(ward):
    told = view(ward, CohortQuestion(Selection(arms=("nobody",))))
    assert told.count == 0
    assert {line.cells for line in told.lines} == {()}
    assert not told.weekly.lines and not told.response.curves and not told.swimmer.swims


def test_what_is_held_is_told(ward):
    assert view(ward).not_used == 1


def test_the_filters_offer_what_is_recorded(ward):
    choices = cohort_choices(ward, ACTOR)
    assert choices.groups("arm") == ("combination", "monotherapy")
    assert choices.groups("ward") == ("W1", "W2")
    assert choices.groups("sex") == ("female", "male")
    assert choices.groups("lesion_class") == choices.groups("all") == ()
    assert choices.patients == 41


def test_a_cohort_as_of_a_day_is_cut_there_and_says_so(ward):
    early = dt.date(2025, 12, 1)
    told = view(ward, CohortQuestion(Selection(), as_of=early))
    assert "As of the end of 1 Dec 2025" in told.caption
    [cell, _] = told.proportions[3].cells
    assert cell.words == "0 confirmed, 35 provisional, 2 not yet assessable, of 37"
    assert view(ward, CohortQuestion(Selection(), as_of=NOW.date())).caption == view(ward).caption


def test_a_store_without_children_is_refused_in_words(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    assert cohort_choices(store, ACTOR).patients == 0
    with pytest.raises(Refused, match="time zone"):
        view(store)
    store.close()


def test_who_is_bound_to_a_ward_counts_its_children_alone(ward):
    bound = with_account(ward, "Ann", wards=["W2"])
    told = view(ward, actor=bound, what="rebound")
    assert told.groups == (("monotherapy", 1),)
    assert "C01" not in repr(told) and "M03" not in repr(told)
    assert (
        "children with a day 0; only children this account may see (ward W2); 1 child (monotherapy 1)." in told.caption
    )
    row = rows_of(cohort_csv(ward, bound, BY_ARM, "children", NOW))[0]
    assert row["children"] == "children with a day 0; only children this account may see (ward W2)"


def test_the_page_exists_for_those_who_may_look(ward):
    assert "cohort" in pages_for(["viewer"])
    assert "cohort" not in pages_for(["administrator"])
    keeper = with_account(ward, "Kim", roles=["administrator"])
    for asked in (lambda: view(ward, actor=keeper), lambda: cohort_choices(ward, keeper)):
        with pytest.raises(Refused, match="may not look"):
            asked()


# ---- behind a number --------------------------------------------------------------------------------------------


def test_the_two_of_35_of_37_stand_with_their_reasons_and_what_shows_them(ward):
    told = view(ward, what="durable_response_week_4", group="combination")
    assert told.proportions[3].cells[0].words == "35/37"
    assert told.people.title == "Durable platelet response at week 4"
    assert list(sections(told.people)) == ["Not in the count", "In the count"]
    late, given_up = told.people.sections[0][1]
    assert (late.patient_id, late.name, late.why) == (LATE, "Lea Late", "the limit was not reached")
    assert late.facts == ("response begins day 35 (18 Dec 2025), confirmed day 63 (15 Jan 2026)",)
    assert late.counts == (
        "baseline: 20 · week 1: 20 · week 2: 20 · week 3: 20 · week 4: 20 · week 8: 150 · week 12: 150"
    )
    assert (given_up.patient_id, given_up.why) == (GIVEN_UP, "treatment was given up before")
    assert given_up.facts == ("no confirmed response", "treatment given up day 20 (3 Dec 2025)")
    with ward.reading() as reader:
        assert late.key == reader.patient_numbers()[LATE]


def test_a_run_that_goes_on_is_never_among_those_in_the_count(ward):
    told = view(ward, what="durable_response_week_2", group="monotherapy")
    assert told.proportions[1].cells[1].words == "1 confirmed, 1 provisional, of 3"
    assert sections(told.people) == {
        "Not in the count": ["M03"],
        "Provisional, not in the count yet": ["M02"],
        "In the count": ["M01"],
    }
    [waiting] = told.people.sections[1][1]
    assert waiting.facts == ("run since day 7 (19 May 2026), not confirmed yet",)


def test_every_number_of_the_tables_is_the_number_of_children_behind_it(ward):
    with ward.reading() as reader:
        numbers = reader.patient_numbers()
    told = view(ward)
    titles = {line.what: line.title for line in told.lines}
    sizes = dict(told.groups)
    for line in told.lines:
        for cell in line.cells:
            people = people_of(cohort(ward), titles, line.what, cell.group, numbers)
            found = sections(people)
            assert sum(map(len, found.values())) == sizes[cell.group], line.what
            assert {line.group for _, lines in people.sections for line in lines} == {cell.group}
            if not line.what.startswith("lesions_"):
                assert len(found["In the count"]) == _counted(cell.words), (line.what, cell.words)
        everybody = people_of(cohort(ward), titles, line.what, "", numbers)
        assert sum(len(lines) for _, lines in everybody.sections) == 40


def _counted(words: str) -> int:
    """The children that a number of the table counts: 35/37, 3 so far, 37 of 37, 1.41 in 37, none."""
    if words == "none":
        return 0
    in_mean = re.fullmatch(r".* in (\d+)", words)
    return int(in_mean[1]) if in_mean else int(re.match(r"\d+", words)[0])


@pytest.mark.parametrize(
    ("what", "patient_id", "section", "why", "fact"),
    [
        ("platelets_week_4", "M02", "Not yet assessable", "a count nearer to the visit may still come", ""),
        ("platelets_week_8", GIVEN_UP, "Not in the count", "no informative count within the window", ""),
        ("platelets_week_4", "M01", "In the count", "", "150 ×10⁹/L on day 28 (11 Dec 2025)"),
        ("time_to_rebound", "M01", "In the count", "after 63 d", "rebound day 98 (19 Feb 2026)"),
        ("time_to_rebound", "M03", "Not in the count", "no confirmed response, so nothing to lose", ""),
        ("time_to_response", "M03", "Not in the count", "seen without it for 84 d", "no confirmed response"),
        ("products", "M03", "In the count", "1", "1 plasma"),
        ("any_product", "M01", "Not yet assessable", "the visit has not come yet", "none recorded"),
        ("lesions_trial", "M01", "Not in the count", "no volume at baseline or at month 12 that can be compared",
         "volume none at baseline, none at month 12"),
        ("quality_of_life_change", "M01", "Not in the count", "not measured, or not within the window", ""),
        ("stopped_before_month_12", GIVEN_UP, "In the count", "", "treatment given up day 20 (3 Dec 2025)"),
        ("fibrinogen_above_week_4", "M01", "Not in the count", "no measurement within the window",
         "no fibrinogen at week 4"),
        ("fibrinogen_stabilized_week_4", "M01", "Not in the count", "no informative result by then",
         "no confirmed run"),
        ("troughs_in_band", "M01", "Not in the count", "not measured, or not within the window",
         "0 of 0 troughs inside the band"),
        ("prednisolone_days", "M01", "In the count", "0", "0 d on prednisolone"),
    ],
)  # fmt: skip
def test_each_kind_of_number_names_what_shows_it(ward, what, patient_id, section, why, fact):
    with ward.reading() as reader:
        numbers = reader.patient_numbers()
    titles = {line.what: line.title for line in view(ward).lines}
    people = people_of(cohort(ward), titles, what, "", numbers)
    [(title, line)] = [
        (title, line) for title, lines in people.sections for line in lines if line.patient_id == patient_id
    ]
    assert title.startswith(section)
    assert line.why == why
    assert fact in (*line.facts, "")


@pytest.mark.parametrize(("what", "group"), [("nothing", ""), ("rebound", "nobody"), ("platelets_week_5", "")])
def test_a_number_that_the_table_does_not_have_opens_nothing(ward, what, group):
    assert view(ward, what=what, group=group).people is None


# ---- the bars ---------------------------------------------------------------------------------------------------


def test_a_bar_runs_from_day_0_to_the_last_day_seen_with_response_drugs_and_rebound(ward):
    swims = {swim.patient_id: swim for swim in view(ward).swimmer.swims}
    assert swims["M01"].spans == (
        SwimSpan("followed", 0, 200),
        SwimSpan("response", 7, 98),
        SwimSpan("sirolimus", 0, 200),
    )
    assert swims["M01"].marks == (SwimMark("onset", 7), SwimMark("rebound", 98), SwimMark("followed", 200))
    assert swims["M02"].marks == (SwimMark("provisional", 7), SwimMark("followed", 20))
    assert swims[GIVEN_UP].spans[1:] == (SwimSpan("sirolimus", 0, 20),)
    assert SwimMark("stopped", 20) in swims[GIVEN_UP].marks


def test_the_bars_stand_by_group_the_early_responses_first(ward):
    swims = view(ward).swimmer.swims
    assert [swim.patient_id for swim in swims[-5:]] == [LATE, GIVEN_UP, "M01", "M03", "M02"]


# ---- the trial --------------------------------------------------------------------------------------------------


def test_all_24_printed_figures_come_out_two_of_them_by_the_papers_rounding_alone():
    told = recomputed()
    assert (told.figures, told.met_by_rounding_once, told.all_match) == (24, 22, True)
    only = [(line.endpoint, line.paper_only.index(True)) for line in told.differences if any(line.paper_only)]
    assert only == [("durable_response_week_4", 1), ("lesion_response_good", 0)]
    first = told.differences[0]
    assert first.full == ("27.9279", "9.9454", "44.7222")
    assert (first.rounded, first.paper, first.printed) == (
        ("27.9", "9.9", "44.7"), ("27.9", "10.0", "44.7"), ("27.9", "10.0", "44.7")
    )  # fmt: skip
    assert first.counts == "combination 35/37 less monotherapy 24/36"


def test_every_printed_number_names_its_place_and_every_other_is_marked_as_khemons_own():
    told = recomputed()
    assert all(line.source for line in (*told.differences, *told.others))
    assert len(told.others) == 8
    own = {line.meaning for line in told.numbers if line.own}
    assert {"month 12: within", "interventions: words", "weeks: windows of weeks 8, 12: within"} <= own
    assert all(line.source == "khemon's own choice, without a published source" for line in told.numbers if line.own)
    cut = next(line for line in told.numbers if line.meaning == "lesion: schemes trial: cut")
    assert (cut.number, cut.source, cut.own) == ("20 %", "Ji 2022, Methods", False)


def test_a_printed_value_in_the_table_names_its_place_in_the_paper(ward):
    told = view(ward)
    sources = {line.what: line.source for line in told.lines if line.published}
    assert sources["products"] == "Results, Efficacy outcomes (Mann-Whitney)"
    assert sources["platelets_week_4"] == "Results, Efficacy outcomes" and all(sources.values())


# ---- files ------------------------------------------------------------------------------------------------------


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_every_endpoint_of_every_child_leaves_under_khemons_own_numbers(ward):
    rows = rows_of(cohort_csv(ward, ACTOR, BY_ARM, "children", NOW))
    with ward.reading() as reader:
        numbers = reader.patient_numbers()
    assert len(rows) == 40 * 18
    [late] = [
        row for row in rows if row["child"] == str(numbers[LATE]) and row["endpoint"] == "durable_response_week_4"
    ]
    assert late == {
        "child": str(numbers[LATE]), "group": "combination", "endpoint": "durable_response_week_4",
        "title": "Durable platelet response at week 4", "state": "not_met", "reason": "not_reached",
        "words": "the limit was not reached", "seen_until_day": "200", "as_of": "2026-06-01T15:00:00+02:00",
        "protocol": "ward 1", "children": "children with a day 0",
    }  # fmt: skip
    assert "C36" not in repr(rows) and "Late" not in repr(rows)
    named = rows_of(cohort_csv(ward, ACTOR, BY_ARM, "children", NOW, with_ids=True))
    assert LATE in {row["child"] for row in named}


def test_the_numbers_of_each_figure_leave_as_they_are_drawn(ward):
    told = view(ward)
    weekly = rows_of(cohort_csv(ward, ACTOR, BY_ARM, "weekly", NOW))
    assert [(row["week"], row["group"], row["median"]) for row in weekly[:2]] == [
        ("0", "combination", "20"), ("0", "monotherapy", "20")
    ]  # fmt: skip
    steps = [(step.day, step.at_risk) for curve in told.response.curves for step in curve.steps]
    curve = rows_of(cohort_csv(ward, ACTOR, BY_ARM, "response", NOW))
    assert [(float(row["day"]), int(row["at_risk"])) for row in curve] == steps
    assert rows_of(cohort_csv(ward, ACTOR, BY_ARM, "rebound", NOW))[-1]["group"] == "monotherapy"
    table = rows_of(cohort_csv(ward, ACTOR, BY_ARM, "table", NOW))
    week_4 = next(row for row in table if row["endpoint"] == "durable_response_week_4")
    assert (week_4["met"], week_4["n"], week_4["published"]) == ("35", "37", "combination 35/37, monotherapy 24/36")
    bars = rows_of(cohort_csv(ward, ACTOR, BY_ARM, "swimmer", NOW, with_ids=True))
    assert {"M01", "C01"} <= {row["child"] for row in bars}
    assert {row["what"] for row in bars} >= {"response", "mark: rebound", "sirolimus"}


def test_that_a_file_left_is_on_record_with_its_digest_and_no_child_is_named_in_it(ward):
    cohort_csv(ward, ACTOR, BY_ARM, "swimmer", NOW, with_ids=True)
    with ward.reading() as reader:
        last = list(reader.audit_rows())[-1]
    assert (last.action, last.object) == ("export_cohort", "cohort")
    assert '"hospital_numbers":true' in last.details.replace(" ", "") and "sha256" in last.details
    assert "M01" not in last.details


def test_nothing_leaves_for_who_may_only_look_and_nothing_is_made_of_an_unknown_name(ward):
    viewer = with_account(ward, "Vic", roles=["viewer"])
    for what in EXPORTS:
        with pytest.raises(Refused, match="may not export"):
            cohort_csv(ward, viewer, BY_ARM, what, NOW)
    with pytest.raises(Refused, match="there is no 'all'"):
        cohort_csv(ward, ACTOR, BY_ARM, "all", NOW)


def test_a_group_that_a_spreadsheet_would_compute_leaves_as_text(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'formula.db'}")

    row = ",".join(("F1", "", "2025-01-15", "", "", "", "=1+1", "2026-01-01T12:00:00Z", ""))
    content = f"{','.join(PATIENTS)}\n{row}\n".encode()
    commit(store, ACTOR, content, "patients.csv", Options(now_ms=int(NOW.timestamp() * 1000), timezone="UTC"))
    assert {row["group"] for row in rows_of(cohort_csv(store, ACTOR, BY_ARM, "children", NOW))} == {"'=1+1"}
    store.close()
