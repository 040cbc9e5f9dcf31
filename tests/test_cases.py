"""The cases of the rulebook: the engine and the slow reading say what they expect, and wrong files are refused."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from khemon.actions.conformance import run_files
from khemon.explain.cases import differences, run_case
from khemon.explain.looking import limbs_of
from khemon.models import ChosenBand, RulebookProblem
from khemon.rules import load_protocol
from khemon.rules.case_rows import elapsed_ms
from khemon.rules.cases import CASES, cases_for, load_cases
from khemon.rules.further_rules import CourseRule, LevelsDueRule
from khemon.rules.rulebook import FURTHER
from tests import reference
from tests.reference.extras import evaluate_further

FILES = sorted(CASES.glob("*.toml"))
ALL = [case for path in FILES for case in load_cases(path)]
RULES = load_protocol().rules
NAMED = [pytest.param(case, id=f"{case.rule}: {case.name}") for case in ALL]


def by_name(rule, name):
    """The one case of that name."""
    [case] = [case for case in cases_for(rule) if case.name == name]
    return case


@pytest.mark.parametrize("case", NAMED)
def test_the_engine_says_what_the_case_expects(case):
    assert differences(case) == []


@pytest.mark.untraced
@pytest.mark.parametrize("case", NAMED)
def test_the_slow_reading_says_what_the_case_expects(case):
    found = [episode.verdict for episode in by_reference(case) if episode.rule == case.rule]
    assert found == [expected_verdict(case, wanted) for wanted in case.expect]


def moment(case, text):
    """A time of the case; None stays None."""
    if text is None:
        return None
    start = case.start.replace(tzinfo=ZoneInfo(case.timezone)).astimezone(dt.UTC)
    return start + dt.timedelta(milliseconds=elapsed_ms(text))


def by_reference(case):
    """What the slow reading says of a case."""
    labs = [
        reference.Lab(
            row=place + 2,
            analyte=lab.analyte,
            collected_at=moment(case, lab.at),
            comparator=lab.comparator,
            value=lab.quantity.value,
            basis=lab.quantity.basis,
            status=lab.status,
            quality=lab.quality,
            specimen=lab.specimen,
            recorded=place,
            timing=lab.timing,
        )
        for place, lab in enumerate(case.labs)
    ]
    events = [reference.Event(e.kind, moment(case, e.start), moment(case, e.end), e.dose, e.unit) for e in case.events]
    born = None if case.birth is None else case.start.date() - dt.timedelta(days=case.birth)
    day0, followed_until = moment(case, case.day0), moment(case, case.followed_until)
    band = ChosenBand.read(case.target)
    target = None if band is None else (band.low, band.high)
    child = reference.Child("case", born, case.diagnosis, day0, followed_until, target)
    parameters = reference.PROTOCOLS[case.protocol]
    if isinstance(RULES[case.rule], FURTHER):
        as_of = moment(case, case.as_of) or reference.latest_time(labs, events)
        return evaluate_further(labs, events, child, parameters["gap_days"], case.timezone, as_of)
    return reference.evaluate(labs, events, child, parameters, case.timezone, moment(case, case.as_of))


def expected_verdict(case, wanted):
    """An expected episode in the order of the reference's verdict."""
    return (
        case.rule,
        moment(case, wanted.onset),
        wanted.status,
        wanted.severity,
        moment(case, wanted.confirmed_at),
        moment(case, wanted.end),
        wanted.end_reason,
    )


# ---- the set is complete -------------------------------------------------------------------------------------


def test_every_rule_has_its_own_file_of_cases():
    assert [path.stem for path in FILES] == sorted(RULES)
    for path in FILES:
        assert {case.rule for case in load_cases(path)} == {path.stem}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_fires_is_silent_on_its_limit_and_cannot_tell(rule):
    cases = cases_for(rule)
    kinds = {case.kind for case in cases}
    if isinstance(RULES[rule], FURTHER):
        # Courses are told by dates alone: there is nothing to be undecided about.
        assert {"fires", "silent", "ends"} <= kinds
        assert "cannot_tell" in kinds or isinstance(RULES[rule], CourseRule | LevelsDueRule)
        return
    assert {"fires", "silent", "cannot_tell"} <= kinds
    limits = {(limb.analyte, limb.limit.value) for limb in limbs_of(RULES[rule])}
    silent = [case for case in cases if case.kind == "silent" and not case.expect]
    on_the_limit = [
        case
        for case in silent
        for lab in case.labs
        if (lab.analyte, lab.quantity.value) in limits and not lab.comparator
    ]
    assert on_the_limit


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_cases_for_what_every_laboratory_does(rule):
    kinds = {case.kind for case in cases_for(rule)}
    expected = {"corrected", "duplicate", "ends", "preliminary"}
    reads_results = not isinstance(RULES[rule], CourseRule | LevelsDueRule)
    assert (expected if reads_results else {"ends"}) <= kinds
    assert sum(wanted.text is not None for case in cases_for(rule) for wanted in case.expect) >= 2


#: Values on the limits of the definitions: (rule, case) -> whether the rule says something.
BOUNDARIES = {
    ("kmp", "platelets exactly on the limit stay silent"): False,
    ("durable_platelet_response", "28 days from the first count of exactly 100"): True,
    ("kmp_rebound", "exactly on the limit stays silent"): False,
    ("kmp", "all three just beyond their limits"): True,
    ("durable_platelet_response", "a tenth below the limit opens nothing"): False,
    ("severe_thrombocytopenia", "exactly on the limit stays silent"): False,
    ("plasma_criterion", "exactly on the line stays silent"): False,
    ("hypofibrinogenemia", "exactly on the limit stays silent"): False,
    ("fibrinogen_stabilization", "exactly on the limit opens nothing"): False,
    ("plasma_criterion", "both exactly on the line stay silent"): False,
    ("plasma_criterion", "below the assay's lowest fibrinogen is certainly below 0.5"): True,
    ("hypofibrinogenemia", "below the assay's lowest value is certainly below the limit"): True,
    ("fibrinogen_stabilization", "below the assay's lowest value breaks it"): True,
    ("plasma_criterion", "a comparator that leaves both open cannot be told"): None,
    ("elevated_d_dimer", "exactly on the limit stays silent"): False,
    ("elevated_d_dimer", "below the limit stays silent"): False,
    ("elevated_d_dimer", "above the assay's highest value fires"): True,
    ("elevated_d_dimer", "a comparator that leaves both open cannot be told"): None,
    ("severe_anemia", "exactly on the limit stays silent"): False,
    ("severe_anemia", "6.0 g/dL is exactly 60 and stays silent"): False,
    ("severe_anemia", "3.72 mmol/L is 59.94 and fires"): True,
    ("durable_platelet_response", "27 days are not enough"): None,
}


@pytest.mark.parametrize(("rule", "name"), sorted(BOUNDARIES))
def test_every_boundary_of_the_definitions_is_a_case(rule, name):
    statuses = [episode.status for episode in run_case(by_name(rule, name))]
    says = BOUNDARIES[rule, name]
    certain = {"confirmed", "broken"}
    assert statuses == [] if says is False else bool(certain & set(statuses)) is bool(says)


# ---- a wrong file is refused ---------------------------------------------------------------------------------

GOOD = {
    "rule": '"severe_anemia"',
    "name": '"one"',
    "kind": '"fires"',
    "labs": '[["hemoglobin", "0 d", "59"]]',
    "expect": '[{ status = "confirmed", severity = "warning", onset = "0 d", confirmed_at = "0 d" }]',
}


def written(tmp_path: Path, **changes) -> Path:
    """A file with one good case, in which some keys are changed; None leaves a key out."""
    keys = {name: value for name, value in (GOOD | changes).items() if value is not None}
    path = tmp_path / "site.toml"
    path.write_text("[[case]]\n" + "\n".join(f"{name} = {value}" for name, value in keys.items()), encoding="utf-8")
    return path


def refusal(path):
    """The problem a file is refused with."""
    with pytest.raises(RulebookProblem) as caught:
        load_cases(path)
    return caught.value


def test_a_good_file_is_taken_and_its_case_can_be_run(tmp_path):
    [case] = load_cases(written(tmp_path))
    assert differences(case) == []


def test_a_result_an_event_and_evidence_may_be_written_as_tables(tmp_path):
    rows = written(
        tmp_path,
        events='[["symptomatic_anemia", "0 d"]]',
        expect='[{ status = "confirmed", severity = "warning", onset = "0 d", confirmed_at = "0 d",'
        ' evidence = [["onset", "hemoglobin", "0 d"]] }]',
    )
    [in_rows] = load_cases(rows)
    tables = written(
        tmp_path,
        labs='[{ analyte = "hemoglobin", at = "0 d", value = "59" }]',
        events='[{ kind = "symptomatic_anemia", start = "0 d" }]',
        expect='[{ status = "confirmed", severity = "warning", onset = "0 d", confirmed_at = "0 d",'
        ' evidence = [{ role = "onset", analyte = "hemoglobin", at = "0 d" }] }]',
    )
    [in_tables] = load_cases(tables)
    assert in_tables == in_rows
    assert differences(in_tables) == []


@pytest.mark.parametrize(
    ("changes", "field", "found"),
    [
        ({"surprise": "1"}, "surprise", "Extra inputs are not permitted"),
        ({"expect": None}, "expect", "Field required"),
        ({"rule": '"severe_anaemia"'}, "", "no rule 'severe_anaemia' in protocol ward"),
        ({"kind": '"sometimes"'}, "kind", "Input should be"),
        ({"protocol": '"moon"'}, "", "the file cannot be read"),
        ({"timezone": '"Europe/Nowhere"'}, "timezone", "unknown time zone 'Europe/Nowhere'"),
        ({"start": "2026-01-01T08:00:00Z"}, "start", "without an offset"),
        ({"as_of": '"tomorrow"'}, "as_of", "'tomorrow' is no time since the start"),
        ({"birth": "-1"}, "birth", "greater than or equal to 0"),
        ({"diagnosis": '"other"'}, "diagnosis", "Input should be"),
        ({"labs": '[["hemoglobin", "0 d"]]'}, "labs.0", "a result is [analyte, time, value]"),
        ({"labs": "[[]]"}, "labs.0", "a result is [analyte, time, value]"),
        ({"labs": '[["hemoglobin", "0 d", "59", { value = "60" }]]'}, "labs.0", "a result is [analyte, time, value]"),
        ({"labs": '[["hemoglobin", "0 d", 59]]'}, "labs.0.value", "valid string"),
        (
            {"labs": '[["sodium", "0 d", "140"]]'},
            "labs.0.analyte",
            ": no rule reads 'sodium'; use one of: platelets, fibrinogen, d_dimer, hemoglobin, sirolimus. see docs",
        ),
        ({"labs": '[["inr", "0 d", "1"]]'}, "labs.0.analyte", "no rule reads 'inr'"),
        ({"labs": '[["hemoglobin", "6 h 1 d", "59"]]'}, "labs.0.at", "'6 h 1 d' is no time"),
        ({"labs": '[["hemoglobin", "", "59"]]'}, "labs.0.at", "'' is no time"),
        ({"labs": '[["hemoglobin", " 6 h", "59"]]'}, "labs.0.at", "' 6 h' is no time since the start; write it like"),
        (
            {"labs": '[["hemoglobin", "0 d", "low"]]'},
            "labs.0",
            "value 'low' is no number with or without a comparator",
        ),
        ({"labs": '[["hemoglobin", "0 d", "-5"]]'}, "labs.0", "'-5' is no number"),
        ({"labs": '[["hemoglobin", "0 d", "<0"]]'}, "labs.0", "below zero"),
        ({"labs": '[["hemoglobin", "0 d", "5,9"]]'}, "labs.0", "'5,9' is no number"),
        ({"labs": '[["hemoglobin", "0 d", "59", { unit = "mg" }]]'}, "labs.0", "unit 'mg' is not known for hemoglobin"),
        ({"labs": '[["hemoglobin", "0 d", "59", { stauts = "final" }]]'}, "labs.0.stauts", "Extra inputs"),
        ({"labs": '[["hemoglobin", "0 d", "59", { status = "done" }]]'}, "labs.0.status", "Input should be"),
        ({"labs": '[["hemoglobin", "0 d", "59", { quality = "bad" }]]'}, "labs.0.quality", "Input should be"),
        (
            {"expect": '[{ status = "sure", severity = "note", onset = "0 d", evidence = [["end", "x"]] }]'},
            "expect.0.evidence.0",
            "evidence is [role, analyte, time]",
        ),
        ({"events": '[["plasma"]]'}, "events.0", "an event is [kind, start] or [kind, start, end]"),
        ({"events": "[[]]"}, "events.0", "an event is [kind, start] or [kind, start, end]"),
        ({"events": '[["plasma", "0 d", { end = "1 d" }]]'}, "events.0", "an event is [kind, start] or [kind, start"),
        ({"events": '[["tea", "0 d"]]'}, "events.0", "unknown event kind 'tea'"),
        ({"events": '[["plasma", "2 h", "1 h"]]'}, "events.0", "it ends before it starts"),
        ({"expect": '[{ status = "sure", severity = "note", onset = "0 d" }]'}, "expect.0", "unknown status 'sure'"),
        (
            {"expect": '[{ status = "confirmed", severity = "note", onset = "0 d", end = "1 d" }]'},
            "expect.0",
            "end and end_reason go together",
        ),
        (
            {"expect": '[{ status = "confirmed", severity = "note", onset = "0 d", end = "1 d", end_reason = "x" }]'},
            "expect.0",
            "unknown end_reason 'x'",
        ),
        (
            {"expect": '[{ status = "confirmed", severity = "note", onset = "0 d", end = "1 d", end_reason = "" }]'},
            "expect.0",
            "unknown end_reason ''",
        ),
        (
            {"expect": '[{ status = "confirmed", severity = "high", onset = "0 d" }]'},
            "expect.0.severity",
            "Input should be",
        ),
    ],
)
def test_a_wrong_case_is_refused_by_file_case_and_field(tmp_path, changes, field, found):
    problem = refusal(written(tmp_path, **changes))
    assert problem.where == "cases site.toml, case one" + (f", {field}" if field else "")
    assert found in str(problem) and "Value error" not in problem.found
    assert problem.remedy == "see docs/cases.md"


def test_what_a_case_does_not_say_is_as_it_mostly_is(tmp_path):
    [case] = load_cases(written(tmp_path, birth="0", events='[["plasma", "0 d", "0 d"]]'))
    [told], [event] = case.labs, case.events
    assert (told.unit, told.status, told.quality, told.specimen, told.timing) == ("", "final", "", None, "unknown")
    assert (event.end, event.dose, event.unit) == ("0 d", None, "")
    assert (case.why, case.target, case.protocol, case.timezone, case.birth) == ("", "", "ward", "UTC", 0)
    assert case.start.isoformat() == "2026-01-01T08:00:00"


def test_a_case_says_when_and_where_it_starts(tmp_path):
    [case] = load_cases(written(tmp_path, timezone='"Europe/Berlin"', start="2026-02-01T09:00:00"))
    assert (case.timezone, case.start.isoformat()) == ("Europe/Berlin", "2026-02-01T09:00:00")
    assert case.at_ms("1 h") == case.start_ms + 3_600_000


def test_a_case_without_a_name_is_told_by_its_number(tmp_path):
    path = written(tmp_path)
    path.write_text(f"{path.read_text('utf-8')}\n[[case]]\nrule = 'kmp'\n", encoding="utf-8")
    assert refusal(path).where == "cases site.toml, case 2, name"


def test_a_band_is_a_pair_or_the_text_of_the_register(tmp_path):
    for told in ("[10, 15]", '"10-15"'):
        [case] = load_cases(written(tmp_path, target=told))
        assert case.target == "10-15"


def test_a_file_of_cases_that_says_something_else_too_is_refused(tmp_path):
    path = written(tmp_path)
    path.write_text(f"zones = []\n{path.read_text('utf-8')}", encoding="utf-8")
    assert refusal(path).found == "unknown key 'zones'"


def test_of_several_mistakes_the_first_is_named(tmp_path):
    problem = refusal(written(tmp_path, kind='"sometimes"', birth="-1"))
    assert problem.where == "cases site.toml, case one, kind"


def test_a_rule_without_a_file_of_cases_has_none():
    assert cases_for("no_such_rule") == ()


def test_two_cases_of_one_name_are_refused(tmp_path):
    path = written(tmp_path)
    block = path.read_text("utf-8")
    path.write_text(f"{block}\n{block}", encoding="utf-8")
    problem = refusal(path)
    assert (problem.where, problem.found) == ("cases site.toml, case one", "a second case of that name")
    assert problem.remedy == "give it its own name"


@pytest.mark.parametrize(
    ("content", "found", "remedy"),
    [
        ("", "no [[case]] in it", "write each case as a block [[case]]"),
        ("case = 3", "no [[case]] in it", "write each case as a block [[case]]"),
        ("case = [3]", "no [[case]] in it", "write each case as a block [[case]]"),
        ("case = [{}, 3]", "no [[case]] in it", "write each case as a block [[case]]"),
        ("zones = []\ncases = []", "unknown key 'cases'", "write each case as a block [[case]]"),
        ("[[case]\n", "not TOML", "mend the file"),
        ("[[case]]\nname = 7", "", "see docs/cases.md"),
    ],
)
def test_a_file_without_cases_is_refused(tmp_path, content, found, remedy):
    path = tmp_path / "site.toml"
    path.write_text(content, encoding="utf-8")
    problem = refusal(path)
    assert problem.where.startswith("cases site.toml")
    assert found in problem.found
    assert problem.remedy == remedy


def test_a_file_that_is_not_there_is_refused(tmp_path):
    problem = refusal(tmp_path / "none.toml")
    assert (problem.found, problem.remedy) == ("the file cannot be read", "name a file of cases")


# ---- what a disagreement looks like --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expect", "line"),
    [
        ("[]", "episode 1, found but not expected: "),
        (
            '[{ status = "possible", severity = "warning", onset = "0 d", confirmed_at = "0 d" }]',
            "episode 1, status: expected 'possible', found 'confirmed'",
        ),
        (
            '[{ status = "confirmed", severity = "warning", onset = "0 d", confirmed_at = "0 d", text = "Pale" }]',
            "episode 1, text: expected 'Pale', found 'Hemoglobin 59 (<60)'",
        ),
        (
            '[{ status = "confirmed", severity = "warning", onset = "0 d", confirmed_at = "0 d", evidence = [] }]',
            "episode 1, evidence: expected []",
        ),
    ],
)
def test_a_case_that_fails_says_where(tmp_path, expect, line):
    [case] = load_cases(written(tmp_path, expect=expect))
    [found] = differences(case)
    assert found.startswith(line)


def test_each_part_of_an_episode_in_which_a_case_is_wrong_is_named(tmp_path):
    other = 'status = "possible", severity = "note", onset = "1 d", end = "2 d", end_reason = "supported"'
    expect = f'[{{ {other}, text = "Pale", missing = ["platelets"], evidence = [] }}]'
    [case] = load_cases(written(tmp_path, expect=expect))
    names = "status severity onset confirmed_at end end_reason text missing evidence"
    assert [line.split(":")[0] for line in differences(case)] == [f"episode 1, {name}" for name in names.split()]


def test_the_evidence_of_a_case_bears_its_unit_as_written_or_else_the_canonical_one_and_no_grounds(tmp_path):
    labs = '[["hemoglobin", "0 d", "5.9", { unit = "g/dL" }], ["hemoglobin", "1 d", "49"]]'
    [case] = load_cases(written(tmp_path, labs=labs))
    [episode] = run_case(case)
    told = [(item.result_id, item.value, item.unit, item.role) for item in episode.evidence]
    assert told == [(1, "5.9", "g/dL", "onset"), (2, "49", "g/L", "worsen")]
    assert (episode.patient_id, episode.grounds) == ("case", None)


def test_an_expected_episode_that_is_not_found_is_said(tmp_path):
    [case] = load_cases(written(tmp_path, labs='[["hemoglobin", "0 d", "60"]]'))
    [found] = differences(case)
    assert found.startswith("episode 1, expected but not found: ")


@pytest.mark.parametrize(
    ("text", "ms"), [("0 d", 0), ("90 min", 5_400_000), ("1 d 1 h 1 min", 90_060_000), ("3 d 6 h", 280_800_000)]
)
def test_elapsed_times(text, ms):
    assert elapsed_ms(text) == ms


def test_every_example_on_the_page_about_cases_is_one(tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "cases.md").read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert examples
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.toml"
        path.write_text(example, encoding="utf-8")
        ran = run_files([path])
        assert ran["passed"], example
        assert ran["failed"] == 0, ran


def test_every_kind_of_case_stands_on_the_page_about_cases():
    page = (Path(__file__).parents[1] / "docs" / "cases.md").read_text("utf-8")
    assert {case.kind for case in ALL} <= set(re.findall(r"^\| `([a-z_]+)` \|", page, flags=re.MULTILINE))
