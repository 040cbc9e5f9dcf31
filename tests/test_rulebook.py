"""A protocol is data: what it says is read exactly, and what is wrong in it is refused by file, rule and field."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from khemon.models import RulebookProblem
from khemon.rules import load_protocol, protocols
from khemon.rules.protocols import PROTOCOLS
from khemon.rules.rulebook import Number, RunRule

WARD = (PROTOCOLS / "ward.toml").read_text("utf-8")
SITE = 'name = "site"\nversion = "1"\ntitle = "A site"\nbase = "ward"\n'
LIMIT = 'limit = { value = 1.5, unit = "g/L", source = "ward meeting" }'


def refusal(tmp_path: Path, text: str) -> RulebookProblem:
    """The problem a protocol file of that text is refused with."""
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RulebookProblem) as caught:
        load_protocol(path)
    return caught.value


def site(tmp_path: Path, text: str):
    """The protocol of a site that changes the ward's."""
    path = tmp_path / "site.toml"
    path.write_text(SITE + text, encoding="utf-8")
    return load_protocol(path)


def test_a_site_changes_one_number_and_keeps_the_rest(tmp_path):
    ward, changed = load_protocol("ward"), site(tmp_path, f"[rules.hypofibrinogenemia]\n{LIMIT}")
    assert (changed.name, changed.base) == ("site", "ward")
    rule = changed.rules["hypofibrinogenemia"]
    assert rule.limit == Number(value=Decimal("1.5"), unit="g/L", source="ward meeting", set_by="site")
    assert rule.title == f"{ward.rules['hypofibrinogenemia'].title} (numbers of site 1)"
    others = {name: rule for name, rule in changed.rules.items() if name != "hypofibrinogenemia"}
    assert others == {name: rule for name, rule in ward.rules.items() if name != "hypofibrinogenemia"}
    assert changed.common == ward.common


def test_an_overridden_number_takes_nothing_from_the_one_before(tmp_path):
    """A published source does not stay behind beside a number that is the site's own."""
    changed = site(tmp_path, f"[rules.hypofibrinogenemia]\n{LIMIT}")
    assert changed.rules["hypofibrinogenemia"].limit.source == "ward meeting"


def test_a_copy_with_other_rules_knows_its_own():
    ward = load_protocol("ward")
    assert "kmp" in ward.rule_names
    assert "kmp" in [rule.name for rule in ward.sorts.found]
    bare = ward.model_copy(update={"rules": {name: rule for name, rule in ward.rules.items() if name != "kmp"}})
    assert "kmp" not in bare.rule_names
    assert "kmp" not in [rule.name for rule in bare.sorts.found]
    assert bare != ward
    assert load_protocol("ward") == ward


def test_every_rule_is_of_one_sort_and_the_sorts_are_made_once():
    ward = load_protocol("ward")
    sorts = ward.sorts
    assert sorts is ward.sorts
    told = [rule.name for sort in (sorts.runs, sorts.found, sorts.rebounds, sorts.further) for rule in sort]
    assert sorted(told) == list(ward.rule_names)


def test_trial_differs_from_ward_in_the_gap_alone():
    ward, trial = load_protocol("ward"), load_protocol("trial")
    differing = {name for name in ward.rules if ward.rules[name] != trial.rules[name]}
    assert differing == {"durable_platelet_response", "fibrinogen_stabilization"}
    for name in differing:
        one, other = ward.rules[name], trial.rules[name]
        assert isinstance(one, RunRule)
        assert isinstance(other, RunRule)
        assert (one.gap.words, other.gap.words) == ("14", "31")
        assert one.model_copy(update={"gap": other.gap}) == other
    assert (trial.common, trial.muting, trial.acknowledgement) == (ward.common, ward.muting, ward.acknowledgement)


def test_numbers_are_exact():
    """1.6 is read as the decimal it is written as; the float beside it is the nearest one."""
    limit = load_protocol().rules["hypofibrinogenemia"].limit
    assert limit.value == Decimal("1.6")
    assert limit.limit == 1.6
    assert limit.words == "1.6"
    assert Number(value=Decimal("1E+2"), unit="1", own=True).words == "100"
    assert Number(value=Decimal("2.5"), unit="h", own=True).ms == 9_000_000


def whole(text: str) -> dict:
    """A protocol without a base: all of the ward's tables, with a few of its own in their place."""
    return over(tomllib.loads(WARD, parse_float=Decimal), tomllib.loads(text, parse_float=Decimal))


def over(base: dict, own: dict) -> dict:
    tables = {name: over(base.get(name, {}), value) for name, value in own.items() if isinstance(value, dict)}
    return base | own | {name: own[name] if "value" in own[name] else table for name, table in tables.items()}


def refusal_of_whole(text: str) -> RulebookProblem:
    """The problem a whole protocol is refused with."""
    with pytest.raises(RulebookProblem) as caught:
        protocols._checked("protocol whole.toml", whole(text))
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("block", "where", "found"),
    [
        (f'[rules.hypofibrinogenemia]\nanalyte = "sodium"\n{LIMIT}', "rules.hypofibrinogenemia", "'sodium'"),
        (
            '[rules.hypofibrinogenemia]\nlimit = { value = 150, unit = "mg/dL", own = true }',
            "rules.hypofibrinogenemia",
            "unit 'mg/dL', but fibrinogen is in g/L",
        ),
        (
            '[rules.hypofibrinogenemia]\nlimit = { value = 1.5, unit = "g/L" }',
            "limit",
            "a number has either a source or own = true",
        ),
        (
            '[rules.hypofibrinogenemia]\nlimit = { value = 1.5, unit = "g/L", own = true, source = "a paper" }',
            "limit",
            "a number has either a source or own = true",
        ),
        ("[rules.hypofibrinogenemia]\nlimit = { value = 1.5, own = true }", "limit.unit", "Field required"),
        (
            '[rules.hypofibrinogenemia]\nlimit = { value = "low", unit = "g/L", own = true }',
            "limit.value",
            "valid decimal",
        ),
        (
            '[rules.hypofibrinogenemia]\nlimit = { value = inf, unit = "g/L", own = true }',
            "limit.value",
            "finite number",
        ),
        ("[rules.hypofibrinogenemia]\nlimits = 3", "limits", "Extra inputs are not permitted"),
        ('[rules.kmp]\nseverity = "loud"', "severity", "'note', 'warning' or 'critical'"),
        ('[rules.kmp]\nleading = "hemoglobin"', "rules.kmp", "name analytes of the limbs"),
        (
            '[rules.kmp]\nresolves_on = ["platelets"]\n[[rules.kmp.limbs]]\nanalyte = "platelets"\ntest = ">="\n'
            'limit = { value = 100, unit = "10*9/L", own = true }',
            "rules.kmp",
            "a test says what is not good",
        ),
        ('[rules.kmp]\nname = "other"', "", "rules.kmp.name: it calls itself 'other'"),
        ("[rules]\nkmp = 3", "rules.kmp", "valid dictionary"),
        ('[rules.falling_platelets]\nrun = "kmp"', "", "rules.falling_platelets.run: no run rule called 'kmp'"),
        ("[rules.falling_platelets]\nrun = 3", "rules.falling_platelets.run", "valid string"),
        ('[rules.implausible]\nsoft_limits_of = ["ldh"]', "rules.implausible.soft_limits_of", "unknown analyte 'ldh'"),
        (
            '[rules.thrombocytopenia.raised]\nunless_open = ["falling_platelets"]',
            "",
            "rules.thrombocytopenia.raised.unless_open: 'falling_platelets' is judged later",
        ),
        (
            '[rules.sirolimus_below_target]\nseverity_untimed_raised = "warning"',
            "rules.sirolimus_below_target",
            "graver and severity_untimed_raised go together",
        ),
        (
            '[rules.pjp_prophylaxis_missing]\nlonger_than = { value = 7, unit = "d", own = true }',
            "rules.pjp_prophylaxis_missing",
            "longer_than and joins_within go together",
        ),
        (
            '[rules.pjp_prophylaxis_missing]\njoins_within = { value = 7, unit = "d", own = true }',
            "rules.pjp_prophylaxis_missing",
            "longer_than and joins_within go together",
        ),
        (
            '[rules.plasma_criterion]\nlimbs = [{ event = "tea" }]',
            "rules.plasma_criterion.limbs.0.event",
            "unknown event kind 'tea'",
        ),
        ('[rules.kmp_rebound]\nresponse = "kmp"', "", "rules.kmp_rebound.response: no run rule called 'kmp'"),
        (
            '[rules.durable_platelet_response]\ngap = { value = 14, unit = "h", own = true }',
            "rules.durable_platelet_response.gap",
            "unit 'h', but it is counted in d",
        ),
        (
            '[rules.durable_platelet_response]\ngap = { value = 14.5, unit = "d", own = true }',
            "rules.durable_platelet_response.gap",
            "14.5 is no whole number",
        ),
        (
            '[rules.durable_platelet_response]\nsamples = { value = -3, unit = "1", own = true }',
            "rules.durable_platelet_response.samples",
            "-3 is negative",
        ),
        (
            '[rules.kmp_rebound]\nconfirmed_after = { value = 12, unit = "hours", own = true }',
            "rules.kmp_rebound.confirmed_after",
            "unit 'hours', but it is counted in min or h or d",
        ),
        (
            '[rules.kmp_rebound]\ncompanion_limit = { value = 160, unit = "mg/dL", own = true }',
            "rules.kmp_rebound",
            "companion_limit: unit 'mg/dL', but fibrinogen is in g/L",
        ),
        ('[rules.kmp_rebound]\ncompanion = "sodium"', "rules.kmp_rebound", "unknown analyte 'sodium'"),
        ('[rules.kmp_rebound]\ndocumented_by = "hearsay"', "rules.kmp_rebound", "unknown event kind 'hearsay'"),
        (
            '[rules.thrombocytopenia.raised.limit]\nvalue = 50\nunit = "g/L"\nown = true',
            "rules.thrombocytopenia",
            "raised.limit: unit 'g/L', but platelets is in 10*9/L",
        ),
        (
            '[rules.thrombocytopenia.raised]\nunless_open = ["moonshine"]',
            "",
            "rules.thrombocytopenia.raised.unless_open: unknown rule 'moonshine'",
        ),
        (
            '[rules.durable_platelet_response.breaks.low]\nvalue = 50\nunit = "g/L"\nown = true',
            "rules.durable_platelet_response",
            "breaks.low: unit 'g/L', but platelets is in 10*9/L",
        ),
        ('[rules.hypofibrinogenemia]\ntest = ">="', "rules.hypofibrinogenemia", "says what is good"),
        ('[rules.durable_platelet_response]\ntest = "<"', "rules.durable_platelet_response", "says what is not good"),
        ('[rules.hypofibrinogenemia]\nname = "other"', "", "rules.hypofibrinogenemia.name: it calls itself 'other'"),
        ("[rules.plasma_criterion]\nlimbs = []", "rules.plasma_criterion.limbs", "at least 1"),
        ('[common]\ncurrent_within = { value = 1, unit = "wk", own = true }', "common.current_within", "unit 'wk'"),
        ('[common.supporting_products]\nplatelets = ["tea"]', "common", "unknown event kind 'tea'"),
        ('[common.bands]\nplatelets = [{ value = 1, unit = "g/L", own = true }]', "common", "bands.platelets: unit"),
        (
            '[acknowledgement.rules.moonshine]\nlasts = { value = 1, unit = "h", own = true }\n'
            'at_most = { value = 1, unit = "h", own = true }',
            "",
            "acknowledgement.rules: unknown rule 'moonshine'",
        ),
        ('[muting]\nmoonshine = { mutes = ["kmp"] }', "", "unknown rule 'moonshine'"),
    ],
)
def test_a_wrong_block_is_refused_by_file_rule_and_field(block, where, found):
    problem = refusal_of_whole(block)
    assert problem.where.startswith("protocol whole.toml")
    assert where in problem.where
    assert found in problem.found


@pytest.mark.parametrize(
    ("written", "instead", "where", "found"),
    [
        ('shape = "run"', 'shape = "walk"', "rules.durable_platelet_response", "'walk'"),
        ('shape = "run"\n', "", "rules.durable_platelet_response", "shape"),
        ('confirmed_after = { value = 12, unit = "h", own = true }\n', "", "confirmed_after", "Field required"),
        ('gap = { value = 14, unit = "d", own = true }\n', "", "rules.durable_platelet_response", "Field required"),
    ],
)
def test_a_protocol_of_its_own_is_refused_for_an_unknown_shape_and_for_a_missing_number(
    tmp_path, written, instead, where, found
):
    assert written in WARD
    problem = refusal(tmp_path, WARD.replace(written, instead, 1))
    assert problem.where.startswith("protocol site.toml, rules.")
    assert where in problem.where
    assert found in problem.found


def test_a_base_that_does_not_exist_is_refused(tmp_path):
    problem = refusal(tmp_path, SITE.replace("ward", "moon"))
    assert (problem.where, problem.found) == ("protocol site.toml, base", "no protocol 'moon'")


@pytest.mark.parametrize("name", ["moon", "../moon/ward", "wards"])
def test_a_protocol_that_does_not_exist_is_refused(name):
    with pytest.raises(RulebookProblem, match="the file cannot be read"):
        load_protocol(name)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "site.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RulebookProblem, match="not TOML"):
        load_protocol(path)


def test_every_number_of_the_shipped_protocols_has_a_source_or_is_marked_as_our_own():
    for name in ("ward", "trial"):
        numbers = list(numbers_of(load_protocol(name)))
        assert len(numbers) > 40
        assert all(number.own != bool(number.source) for number in numbers)


def numbers_of(value):
    """Every number inside a model, a table or a row."""
    if isinstance(value, Number):
        yield value
    elif hasattr(value, "model_fields_set"):
        for name in type(value).model_fields:
            yield from numbers_of(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from numbers_of(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from numbers_of(inner)


def test_a_course_rule_that_says_no_length_is_refused(tmp_path):
    block = WARD.split("[rules.pjp_prophylaxis_missing]")[1].split("[rules.")[0]
    first = next(line for line in block.splitlines() if line.startswith("first = "))
    problem = refusal(tmp_path, WARD.replace(block, block.replace(first, "")))
    assert "a course rule has longer_than or first" in problem.found
