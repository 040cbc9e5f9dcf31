"""What an explanation tells with an episode: its parts on demand, the bands of its values, what is missing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest

from khemon.explain import Given, explained
from khemon.explain.cases import columns_of, run_case
from khemon.models import Episode
from khemon.rules import Patients, Protocol, evaluate, latest_time, load_protocol, prepare
from khemon.rules.case_rows import CaseEvent, Lab
from khemon.rules.cases import Case, cases_for
from khemon.rules.rulebook import Number
from tests.reference.shorthand import since

WARD = load_protocol("ward")
IN_SHORT = ("patient_id", "rule", "status", "severity", "onset", "confirmed_at", "end", "end_reason", "source")


class _AsGiven:
    """The results of a case by row, as they stand in it."""

    def __init__(self, case: Case) -> None:
        self.labs = case.labs

    def given(self, row: int) -> Given:
        lab = self.labs[row]
        return Given(row + 1, lab.value, lab.unit, lab.value)


def case_of(rule: str, name: str) -> Case:
    """The one case of that name."""
    [case] = [case for case in cases_for(rule) if case.name == name]
    return case


def told(case: Case, rules: Protocol = WARD, patients: Patients | None = None, **how: object) -> list[Episode]:
    """Every episode that any rule finds in a case, told as asked; the children may be others than the case's."""
    results, events, own = columns_of(case)
    patients = own if patients is None else patients
    as_of = latest_time(results, events) if case.as_of is None else case.at_ms(case.as_of)
    found = evaluate(results, events, patients, rules, case.timezone, as_of)
    prepared = prepare(results, events, 1, rules, as_of)
    return explained(found, prepared, patients, rules, case.timezone, ["P"], [False], _AsGiven(case), **how)


def with_labs(case: Case, *labs: tuple[str, str, str]) -> Case:
    """The case with other results: analyte, time, value."""
    return case.model_copy(update={"labs": tuple(Lab(analyte=name, at=at, value=value) for name, at, value in labs)})


MANY = [
    ("durable_platelet_response", "a broken run whose first good results came before two gaps"),
    ("kmp", "possible ends at a fibrinogen that is not low"),
    ("plasma_criterion", "what is open when observation closes ends there"),
]


@pytest.mark.parametrize(("rule", "name"), MANY)
def test_those_that_are_not_wanted_in_words_come_with_times_status_and_severity_alone(rule, name):
    case = case_of(rule, name)
    whole = told(case)
    short = told(case, in_words=np.zeros(len(whole), np.bool_))
    in_short = [tuple(getattr(each, part) for part in IN_SHORT) for each in whole]
    assert [tuple(getattr(each, part) for part in IN_SHORT) for each in short] == in_short
    assert {(each.text, each.evidence, each.missing) for each in short} == {("", (), ())}


def test_only_those_that_are_asked_for_are_told_and_each_of_them_in_words_or_not():
    case = case_of(*MANY[0])
    whole = told(case)
    asked, in_words = np.zeros(len(whole), np.bool_), np.zeros(len(whole), np.bool_)
    asked[[1, 3]] = in_words[[2, 3]] = True
    few = told(case, asked=asked, in_words=in_words)
    assert [(each.rule, each.onset) for each in few] == [(whole[place].rule, whole[place].onset) for place in (1, 3)]
    assert [each.text for each in few] == ["", whole[3].text]


def test_bands_are_told_unless_nobody_reads_them_and_grounds_where_they_are_asked_for():
    case = case_of("kmp", "all three just beyond their limits")
    [usual] = [each for each in told(case) if each.rule == "kmp"]
    [other] = [each for each in told(case, banded=False, grounded=True) if each.rule == "kmp"]
    assert usual.bands and usual.grounds is None
    assert other.grounds is not None and other.bands == ()


@pytest.mark.parametrize(
    ("rule", "name", "last"),
    [
        ("blood_count_overdue", "60 h after a low count", None),
        ("steroid_course_long", "day 78, from midnight on", None),
        ("plasma_criterion", "bleeding alone meets it until it ends", "0d"),
        ("plasma_criterion", "goes on while bleeding holds it, and ends with the bleeding", "6h"),
        ("plasma_criterion", "the end of the bleeding does not end what the count still holds", "10h"),
        ("plasma_criterion", "bleeding whose end lies ahead is still open", "2h"),
        ("plasma_criterion", "possible until bleeding is recorded", "2h"),
        ("kmp", "confirmed, a count lifted by transfusion does not end it", "0d"),
        ("kmp", "confirmed, an undecided count does not end it", "1d"),
        ("thrombocytopenia", "an undecided count does not end what was certain", "1d"),
        ("durable_platelet_response", "a count lifted within a run neither helps nor harms it, and is named", "10d"),
        ("kmp_rebound", "a fibrinogen a day after the low count confirms it", "41d"),
    ],
)
def test_an_episode_tells_the_last_input_its_rule_was_asked_at(rule, name, last):
    *_, episode = run_case(case_of(rule, name))
    assert (episode.last_input_at and since(episode.last_input_at)) == last


@pytest.mark.parametrize(
    ("rule", "name", "bands"),
    [
        ("kmp", "it opens at the count that a low fibrinogen waited for", "platelets 3 2, fibrinogen 1 1"),
        ("kmp", "all three just beyond their limits", "platelets 1 1, fibrinogen 1 2, d_dimer 0 3"),
        ("thrombocytopenia", "exactly 50 stays a note", "platelets 1 1"),
        ("thrombocytopenia", "less than 100 is certainly below 100", "platelets 1 1"),
        ("thrombocytopenia", "at most 100 may be 100", "platelets 0 1"),
        ("plasma_criterion", "one fresh input keeps it critical", "platelets 4 1, fibrinogen 3 2"),
        ("plasma_criterion", "results of one time are taken together", "platelets 4 1"),
        ("kmp_rebound", "a fibrinogen of the day before confirms it", "platelets 1 6, fibrinogen 1 5"),
        ("falling_platelets", "a fall that goes on names the latest count", "platelets 0 4, platelets 0 5"),
        ("hemoglobin_fall", "a further fall is compared with the fall before it", "hemoglobin 1 2, hemoglobin 2 3"),
        ("sirolimus_below_target", "a lower trough later is no graver", "sirolimus 0 1, sirolimus 0 2"),
        ("coagulation_missing", "exactly 30 is a note", "platelets 2 1"),
        ("coagulation_missing", "the second companion ends it", "platelets 1 1"),
        ("unusable_sample", "one sample set aside is a note", ""),
        ("unit_suspect", "exactly ten times the last", ""),
    ],
)
def test_the_band_of_each_value_inside_and_of_one_that_stood_at_the_onset_is_told(rule, name, bands):
    *_, episode = run_case(case_of(rule, name))
    assert ", ".join(f"{analyte} {depth} {result}" for analyte, depth, result in episode.bands) == bands


def test_evidence_of_a_fall_is_told_in_order_of_time():
    [found] = run_case(case_of("hemoglobin_fall", "it ends at the next result that is no such fall"))
    assert [item.role for item in found.evidence] == ["confirm", "onset", "end"]


def test_a_band_of_an_earlier_value_is_told_where_a_criterion_opens_later():
    silent = case_of("plasma_criterion", "exactly on the line stays silent")
    [episode] = run_case(with_labs(silent, ("fibrinogen", "0 d", "0.9"), ("platelets", "9 d", "8")))
    assert episode.bands == (("platelets", 4, 2), ("fibrinogen", 2, 1))


def test_evidence_is_told_in_order_of_time_and_a_value_too_old_at_the_onset_has_no_band():
    case = case_of("kmp", "all three just beyond their limits")
    late = [("d_dimer", "3 d 2 h", "3"), ("fibrinogen", "3 d 4 h", "1.2")]
    [found] = run_case(with_labs(case, ("fibrinogen", "0 d", "0.4"), ("platelets", "3 d", "40"), *late))
    told = [(item.role, since(item.collected_at)) for item in found.evidence]
    assert told == [("onset", "3d"), ("confirm", "3d"), ("confirm", "3d2h"), ("confirm", "3d4h")]
    assert found.bands == (("platelets", 2, 2), ("fibrinogen", 1, 4), ("d_dimer", 0, 3))


def test_a_rule_that_reads_no_limit_was_last_asked_until_just_before_its_end():
    [episode] = run_case(case_of("hemoglobin_fall", "it ends at the next result that is no such fall"))
    assert episode.end - episode.last_input_at == dt.timedelta(milliseconds=1)


def text_of(rule: str, episodes: list[Episode]) -> str:
    """What the latest episode of a rule says."""
    *_, found = [each for each in episodes if each.rule == rule]
    return found.text


ABOVE = ("sirolimus_above_target", "a trough just above")


@pytest.mark.parametrize("targets", [None, [""]])
def test_without_the_written_target_who_chose_the_band_is_not_recorded(targets):
    text = text_of(ABOVE[0], told(case_of(*ABOVE), targets=targets))
    assert text == "Sirolimus trough 15.1: above the chosen band 10-15 (trial; who chose it is not recorded)"


@pytest.mark.parametrize("targets", [None, [""]])
def test_of_children_without_any_band_on_record_the_usual_one_is_named(targets):
    case = case_of(*ABOVE)
    *_, own = columns_of(case)
    nobody = Patients(own.birth_day, own.day0, own.followed_until)
    text = text_of(ABOVE[0], told(case, patients=nobody, targets=targets))
    assert text == "Sirolimus trough 15.1: above the band 10-15 (trial; no chosen band is on record)"


def test_a_unit_that_says_nothing_of_the_basis_adds_nothing_to_a_d_dimer():
    text = text_of("kmp", told(case_of("kmp", "all three just beyond their limits")))
    assert text == "Laboratory pattern of KMP: platelets 99.9 (<100), fibrinogen 1.59 (<1.6), D-dimer 0.51 (>0.5)"


# ---- the numbers of a site -----------------------------------------------------------------------------------


def site(rule: str, **changes: object) -> Protocol:
    """The ward's protocol with some fields of a rule changed."""
    return WARD.model_copy(update={"rules": dict(WARD.rules) | {rule: WARD.rules[rule].model_copy(update=changes)}})


def own(value: str, unit: str) -> Number:
    """A number of the ward Lena."""
    return Number(value=Decimal(value), unit=unit, source="ward meeting", set_by="Lena")


def test_a_line_through_more_counts_than_the_median_looks_back_names_them_all():
    values = ("244", "240", "236", "232", "228", "150")
    counts = [("platelets", f"{2 * place} d", value) for place, value in enumerate(values)]
    case = with_labs(case_of("falling_platelets", "a fall that goes on names the latest count"), *counts)
    episodes = told(case, site("falling_platelets", line_samples=own("5", "1")))
    text = text_of("falling_platelets", episodes)
    [named] = [[item.value for item in each.evidence] for each in episodes if each.rule == "falling_platelets"]
    assert tuple(named) == values[1:]
    assert text == (
        "Platelets 150 on 2026-01-11 08:00: 30 % or more below the median of 236, 232, 228, and below the last; "
        "the line through 240, 236, 232, 228, 150 reaches 100 within 14 days (khemon's heuristic, unvalidated)"
    )


@pytest.mark.parametrize(
    ("every", "words"),
    [("60", "Lena: every 60 h"), ("36", "Lena: every 36 h"), ("24", "Lena: every 24 h"), ("72", "Lena: every 3 days")],
)
def test_an_interval_is_told_in_whole_days_where_it_has_some_and_names_who_set_it(every, words):
    case = case_of("blood_count_overdue", "60 h after a low count").model_copy(update={"as_of": "5 d"})
    text = text_of("blood_count_overdue", told(case, site("blood_count_overdue", every=own(every, "h"))))
    assert text == f"No count for 5 d ({words}); last platelets 40 on 2026-01-01 08:00"


@pytest.mark.parametrize(
    ("then", "words"),
    [
        (None, "trial: weeks 1, 2, 4, 8, 12"),
        (own("12", "wk"), "Lena: weeks 1, 2, 4, 8, 12, then every 12"),
        (WARD.rules["sirolimus_level_overdue"].grid.then_every, "trial: weeks 1, 2, 4, 8, 12, then every 12"),
    ],
)
def test_the_visits_at_which_a_level_is_due_end_where_nothing_comes_after_them(then, words):
    grid = WARD.rules["sirolimus_level_overdue"].grid.model_copy(update={"then_every": then})
    found = told(case_of("sirolimus_level_overdue", "the day after"), site("sirolimus_level_overdue", grid=grid))
    text = text_of("sirolimus_level_overdue", found)
    assert text == f"No sirolimus level for 11 d ({words}); course since 2026-01-01"


def on_prednisolone(name: str, rules: Protocol, **changes: object) -> str:
    """The day on prednisolone that is named beside a satisfactory response."""
    case = case_of("steroid_taper_criterion", name).model_copy(update=changes)
    return text_of("steroid_taper_criterion", told(case, rules)).split("; ")[1]


def test_where_no_rule_says_what_joins_a_course_its_days_begin_with_each_break():
    rules = {name: rule for name, rule in WARD.rules.items() if name != "steroid_course_long"}
    alone = WARD.model_copy(update={"rules": rules})
    day = "one day without the drug does not begin its days anew"
    assert on_prednisolone(day, alone) == "on prednisolone, day 4"
    for again in ("3 d", "3 d 4 h"):
        steps = (CaseEvent(kind="prednisolone", start="0 d", end="3 d"), CaseEvent(kind="prednisolone", start=again))
        assert on_prednisolone(day, alone, events=steps) == "on prednisolone, day 8"


def test_what_joins_the_courses_of_another_drug_does_not_join_these():
    other = WARD.rules["steroid_course_long"].model_copy(
        update={"name": "a_first_rule", "drug": "sirolimus", "joins_within": own("9", "d")}
    )
    both = WARD.model_copy(update={"rules": {"a_first_rule": other} | dict(WARD.rules)})
    assert on_prednisolone("two days without the drug begin its days anew", both) == "on prednisolone, day 3"


def test_a_rule_of_courses_that_says_nothing_of_joining_leaves_that_to_the_next():
    other = WARD.rules["pjp_prophylaxis_missing"].model_copy(update={"name": "a_first_rule", "drug": "prednisolone"})
    both = WARD.model_copy(update={"rules": {"a_first_rule": other} | dict(WARD.rules)})
    assert on_prednisolone("one day without the drug does not begin its days anew", both) == "on prednisolone, day 8"
