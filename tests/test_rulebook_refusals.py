"""What is wrong in a block of the rulebook is refused in exact words, and what lies on the limit of wrong is taken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from khemon.rules import load_protocol
from khemon.rules.grounds import EventLimb
from khemon.rules.numbers import differing
from khemon.rules.order import misordered
from khemon.rules.parameters import Days, Elapsed, Number, Samples
from khemon.rules.rulebook import Protocol


def own(value: object, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "own": True}


def refusals(ask: Any) -> list[tuple[str, str]]:
    """Field and words of everything that is refused."""
    with pytest.raises(ValidationError) as caught:
        ask()
    errors = caught.value.errors()
    return [(".".join(map(str, each["loc"])), each["msg"].removeprefix("Value error, ")) for each in errors]


def changed(rule: str, **fields: object) -> Any:
    """A rule of the ward with some fields of its block changed; None leaves a field out."""
    was = load_protocol().rules[rule]
    block = was.model_dump() | fields
    return type(was).model_validate({name: value for name, value in block.items() if value is not None})


def with_number(path: str, value: object) -> Protocol:
    """The ward's protocol with another number at a path."""
    block: Any = load_protocol().model_dump()
    table = block
    for name in path.split("."):
        table = table[int(name)] if isinstance(table, list | tuple) else table[name]
    table["value"] = Decimal(str(value))
    return Protocol.model_validate(block)


# ---- numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "number", "words"),
    [
        (Days, own("0.5", "d"), "0.5 is no whole number"),
        (Days, own("-0.5", "d"), "-0.5 is negative"),
        (Days, own(1, "h"), "unit 'h', but it is counted in d"),
        (Days, own(1, "1"), "unit '1', but it is counted in d"),
        (Samples, own("2.5", "1"), "2.5 is no whole number"),
        (Samples, own(1, "d"), "unit 'd', but it is counted in 1"),
        (Elapsed, own("-0.5", "h"), "-0.5 is negative"),
        (Elapsed, own(1, "wk"), "unit 'wk', but it is counted in min or h or d"),
        (Number, {"value": 1, "unit": "h"}, "a number has either a source or own = true"),
        (Number, own(1, "h") | {"source": "x"}, "a number has either a source or own = true"),
    ],
)
def test_a_number_that_cannot_be_counted_with_is_refused(kind, number, words):
    assert refusals(lambda: TypeAdapter(kind).validate_python(number)) == [("", words)]


@pytest.mark.parametrize(
    ("kind", "value", "unit"),
    [(Days, "0", "d"), (Days, "1", "d"), (Samples, "0", "1"), (Elapsed, "0", "h"), (Elapsed, "0.5", "h")],
)
def test_nothing_and_a_part_of_an_hour_can_be_counted_with(kind, value, unit):
    assert TypeAdapter(kind).validate_python(own(value, unit)).words == value


# ---- rules ---------------------------------------------------------------------------------------------------

GRAMS, COUNT, LEVEL = own(1, "mg/dL"), own(1, "g/L"), own(1, "g/L")
GOOD = {"analyte": "platelets", "test": ">=", "limit": own(100, "10*9/L")}
BAD = GOOD | {"test": "<"}
PLATELETS = "unit 'g/L', but platelets is in 10*9/L"


@pytest.mark.parametrize(
    ("rule", "fields", "found"),
    [
        ("hypofibrinogenemia", {"limit": GRAMS}, ("", "limit: unit 'mg/dL', but fibrinogen is in g/L")),
        ("hypofibrinogenemia", {"analyte": "ldh"}, ("", "unknown analyte 'ldh'")),
        ("hypofibrinogenemia", {"analyte": "tea"}, ("", "unknown analyte 'tea'")),
        (
            "hypofibrinogenemia",
            {"test": ">="},
            ("", "test: '>=' says what is good; a point rule says what is not"),
        ),
        (
            "thrombocytopenia",
            {"raised": {"severity": "warning", "limit": COUNT}},
            ("", f"raised.limit: {PLATELETS}"),
        ),
        ("plasma_criterion", {"limbs": []}, ("limbs", "Tuple should have at least 1 item after validation, not 0")),
        ("kmp", {"leading": "hemoglobin"}, ("", "leading and resolves_on name analytes of the limbs")),
        ("kmp", {"resolves_on": ["hemoglobin"]}, ("", "leading and resolves_on name analytes of the limbs")),
        (
            "kmp",
            {"limbs": [GOOD, BAD], "resolves_on": []},
            ("", "limbs: a test says what is not good: < or >"),
        ),
        (
            "durable_platelet_response",
            {"test": "<"},
            ("", "test: '<' says what is not good; a run says what is"),
        ),
        (
            "durable_platelet_response",
            {"breaks": {"severity": "note", "after": own(7, "d"), "severity_low": "note", "low": COUNT}},
            ("", f"breaks.low: {PLATELETS}"),
        ),
        ("kmp_rebound", {"documented_by": "hearsay"}, ("", "unknown event kind 'hearsay'")),
        ("kmp_rebound", {"limit": COUNT}, ("", f"limit: {PLATELETS}")),
        ("kmp_rebound", {"confirmed_below": COUNT}, ("", f"confirmed_below: {PLATELETS}")),
        ("kmp_rebound", {"companion_limit": GRAMS}, ("", "companion_limit: unit 'mg/dL', but fibrinogen is in g/L")),
        ("falling_platelets", {"below": COUNT}, ("", f"below: {PLATELETS}")),
        ("hemoglobin_fall", {"by": GRAMS}, ("", "by: unit 'mg/dL', but hemoglobin is in g/L")),
        ("unusable_sample", {"analytes": ["platelets", "ldh"]}, ("analytes", "unknown analyte 'ldh'")),
        (
            "coagulation_missing",
            {"raised": {"severity": "warning", "limit": COUNT}},
            ("", f"raised.limit: {PLATELETS}"),
        ),
        ("coagulation_missing", {"companions": ["fibrinogen", "ldh"]}, ("", "unknown analyte 'ldh'")),
        ("steroid_taper_criterion", {"drug": "tea"}, ("drug", "unknown event kind 'tea'")),
        ("steroid_course_long", {"drug": "tea"}, ("drug", "unknown event kind 'tea'")),
        ("pjp_prophylaxis_missing", {"without": "tea"}, ("", "unknown event kind 'tea'")),
        (
            "pjp_prophylaxis_missing",
            {"first": None},
            ("", "a course rule has longer_than or first"),
        ),
        (
            "sirolimus_below_target",
            {"unchosen": {"low": LEVEL, "high": own(15, "ng/mL"), "called": "x"}},
            ("", "low: unit 'g/L', but sirolimus is in ng/mL"),
        ),
        (
            "sirolimus_below_target",
            {"known": [{"low": own(5, "ng/mL"), "high": LEVEL, "called": "x"}]},
            ("", "high: unit 'g/L', but sirolimus is in ng/mL"),
        ),
        (
            "sirolimus_above_target",
            {"graver": {"severity": "critical", "limit": LEVEL}},
            ("", "graver.limit: unit 'g/L', but sirolimus is in ng/mL"),
        ),
        (
            "sirolimus_above_target",
            {"untimed_beyond": LEVEL},
            ("", "untimed_beyond: unit 'g/L', but sirolimus is in ng/mL"),
        ),
        ("sirolimus_above_target", {"graver": None}, ("", "graver and severity_untimed_raised go together")),
        ("implausible", {"soft_limits_of": ["platelets", "ldh"]}, ("soft_limits_of", "unknown analyte 'ldh'")),
        (
            "delta_check",
            {"jumps": [{"analyte": "tea", "asks": "?"}]},
            ("jumps.0.analyte", "unknown analyte 'tea'"),
        ),
    ],
)
def test_a_wrong_field_of_a_rule_is_refused_in_words(rule, fields, found):
    assert refusals(lambda: changed(rule, **fields)) == [found]


def test_an_event_that_is_none_is_no_limb():
    assert refusals(lambda: EventLimb(event="tea")) == [("event", "unknown event kind 'tea'")]
    assert EventLimb(event="plasma").event == "plasma"


@pytest.mark.parametrize("rule", sorted(load_protocol().rules))
def test_every_rule_of_the_ward_is_one(rule):
    assert changed(rule) == load_protocol().rules[rule]


def test_what_a_rule_need_not_say_can_be_left_out():
    found = changed("durable_platelet_response", breaks=None)
    assert (found.breaks, found.shape) == (None, "run")
    assert changed("sirolimus_above_target", graver=None, severity_untimed_raised=None).graver is None
    assert changed("sirolimus_above_target", untimed_beyond=None).untimed_beyond is None
    assert changed("pjp_prophylaxis_missing", without=None).without is None
    unsaid = changed("kmp", pattern_words=None, name_words=None, misleads_if=None)
    assert (unsaid.pattern_words, unsaid.name_words, unsaid.misleads_if) == ("", "", "")
    assert changed("delta_check", asks=None).asks == ""
    assert [jump.analyte for jump in changed("delta_check").jumps if jump.troughs_only] == ["sirolimus"]
    assert changed("hypofibrinogenemia", test=None).test == "<"
    limb = {"analyte": "platelets", "limit": own(10, "10*9/L")}
    assert changed("plasma_criterion", limbs=[limb]).comparisons[0].test == "<"
    assert changed("plasma_criterion", limbs=[{"event": "active_bleeding"}]).events == ("active_bleeding",)


# ---- a protocol ----------------------------------------------------------------------------------------------


def protocol(**changes: Any) -> Protocol:
    """The ward's with other tables: by name of a rule or, with a dotted path, of a block in it."""
    block: Any = load_protocol().model_dump(exclude_none=True)
    for path, value in changes.items():
        *tables, last = path.split("__")
        table = block
        for name in tables:
            table = table[name]
        table[last] = value
    return Protocol.model_validate(block)


TAPER = "rules.steroid_taper_criterion"
ONE_HOUR = {"lasts": own(1, "h"), "at_most": own(1, "h")}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"rules__kmp__name": "other"}, ("", "rules.kmp.name: it calls itself 'other'")),
        ({"rules__kmp_rebound__response": "kmp"}, ("", "rules.kmp_rebound.response: no run rule called 'kmp'")),
        ({"rules__kmp_rebound__response": "tea"}, ("", "rules.kmp_rebound.response: no run rule called 'tea'")),
        ({"rules__falling_platelets__run": "kmp"}, ("", "rules.falling_platelets.run: no run rule called 'kmp'")),
        ({"rules__falling_platelets__run": "tea"}, ("", "rules.falling_platelets.run: no run rule called 'tea'")),
        ({"rules__steroid_taper_criterion__rebound": "kmp"}, ("", f"{TAPER}.rebound: no rebound rule called 'kmp'")),
        ({"rules__steroid_taper_criterion__rebound": "tea"}, ("", f"{TAPER}.rebound: no rebound rule called 'tea'")),
        ({"rules__steroid_taper_criterion__run": "tea"}, ("", f"{TAPER}.run: no run rule called 'tea'")),
        (
            {"rules__thrombocytopenia__raised__unless_open": ["kmp", "tea", "sugar"]},
            ("", "rules.thrombocytopenia.raised.unless_open: unknown rule 'sugar'"),
        ),
        (
            {"rules__thrombocytopenia__raised__unless_open": ["kmp", "hemoglobin_fall", "delta_check"]},
            (
                "",
                "rules.thrombocytopenia.raised.unless_open: 'delta_check' is judged later; "
                "name rules of sections 3.1 to 3.6",
            ),
        ),
        ({"muting__tea": {}}, ("", "muting: unknown rule 'tea'")),
        ({"acknowledgement__rules__tea": ONE_HOUR}, ("", "acknowledgement.rules: unknown rule 'tea'")),
        ({"common__supporting_products": {"tea": ["plasma"]}}, ("common", "unknown analyte 'tea'")),
        ({"common__supporting_products": {"platelets": ["tea"]}}, ("common", "unknown event kind 'tea'")),
        ({"common__bands": {"platelets": [own(1, "g/L")]}}, ("common", f"bands.platelets: {PLATELETS}")),
    ],
)
def test_a_protocol_whose_parts_do_not_fit_is_refused_in_words(changes, found):
    assert refusals(lambda: protocol(**changes)) == [found]


def test_what_a_protocol_says_of_itself():
    ward = load_protocol()
    assert protocol() == ward
    assert ward.called == f"{ward.title}, version 1"
    assert ward.read_singly == ("hemoglobin", "sirolimus")
    assert ward.reads_aside is True
    assert ward.rule_names == tuple(sorted(ward.rules))
    asked = ward.rules["delta_check"].parts
    assert [part.analyte for part in asked if part.troughs_only] == ["sirolimus"]
    assert [part.analyte for part in ward.rules["unit_suspect"].parts if part.troughs_only] == []
    assert [part.troughs_only for part in ward.rules["implausible"].parts] == [False] * 5
    without = {name: rule for name, rule in ward.rules.items() if name != "unusable_sample"}
    assert ward.model_copy(update={"rules": without}).reads_aside is False
    again = ward.rules["unusable_sample"].again
    lacking = ward.model_copy(update={"rules": without})
    assert differing(ward, lacking) == [("rules.unusable_sample.again", again, None)]
    assert differing(lacking, ward) == [("rules.unusable_sample.again", None, again)]
    only = {"delta_check": ward.rules["delta_check"]}
    assert ward.model_copy(update={"rules": only}).read_singly == ("sirolimus",)


# ---- numbers in order ----------------------------------------------------------------------------------------

ONE_LIMIT = "they are one limit"


@pytest.mark.parametrize(
    ("path", "value", "faults"),
    [
        ("rules.thrombocytopenia.raised.limit", 100, ["100 10*9/L does not lie below 100 10*9/L"]),
        ("rules.thrombocytopenia.raised.limit", 99, []),
        ("rules.coagulation_missing.raised.limit", 120, ["120 10*9/L does not lie below 100 10*9/L"]),
        ("rules.durable_platelet_response.breaks.low", 100, ["100 10*9/L does not lie below 100 10*9/L"]),
        ("rules.durable_platelet_response.breaks.low", 99, []),
        ("rules.durable_platelet_response.breaks.after", 28, []),
        ("rules.durable_platelet_response.breaks.after", 29, ["29 d does not lie below 28 d"]),
        ("rules.kmp_rebound.confirmed_below", 100, ["100 10*9/L does not lie below 100 10*9/L"]),
        ("rules.kmp_rebound.confirmed_below", 99, []),
        (
            "rules.kmp_rebound.limit",
            101,
            [f"101 10*9/L differs from durable_platelet_response.limit, 100 10*9/L: {ONE_LIMIT}"],
        ),
        ("rules.falling_platelets.falls_to", "0.01", []),
        ("rules.falling_platelets.falls_to", "0.99", []),
        (
            "rules.falling_platelets.falls_to",
            0,
            ["0 is no part of the value before: it lies between 0 and 1"],
        ),
        (
            "rules.falling_platelets.falls_to",
            1,
            ["1 is no part of the value before: it lies between 0 and 1"],
        ),
        ("rules.sirolimus_below_target.unchosen.low", 15, ["15 ng/mL does not lie above 15 ng/mL"]),
        ("rules.sirolimus_below_target.unchosen.low", 14, []),
        ("rules.sirolimus_above_target.graver.limit", 15, ["15 ng/mL does not lie above 15 ng/mL"]),
        ("rules.sirolimus_above_target.graver.limit", 16, []),
        ("rules.blood_count_overdue.close", 48, []),
        ("rules.blood_count_overdue.close", 49, ["49 h is longer than 48 h"]),
        ("common.bands.platelets.1", 100, ["100 10*9/L does not lie below 100 10*9/L"]),
        ("common.bands.platelets.1", 99, []),
        ("acknowledgement.lasts", 30, []),
        ("acknowledgement.lasts", 31, ["31 d is longer than 30 d"]),
        ("acknowledgement.rules.plasma_criterion.lasts", 73, ["73 h is longer than 72 h"]),
        ("acknowledgement.rules.kmp_rebound.lasts", 9, []),
        ("acknowledgement.rules.kmp_rebound.lasts_once_confirmed", 73, ["73 h is longer than 72 h"]),
    ],
)
def test_numbers_out_of_order_are_told_and_those_on_the_edge_are_not(path, value, faults):
    told = path.replace("platelets.1", "platelets.2").replace("unchosen.low", "unchosen.high")
    assert list(misordered(with_number(path, value))) == [(told, fault) for fault in faults]


def test_a_limit_is_told_at_the_number_that_was_to_lie_beyond_it():
    assert list(misordered(with_number("rules.thrombocytopenia.limit", 50))) == [
        ("rules.thrombocytopenia.raised.limit", "50 10*9/L does not lie below 50 10*9/L")
    ]
    assert list(misordered(with_number("common.bands.platelets.0", 45))) == [
        ("common.bands.platelets.2", "50 10*9/L does not lie below 45 10*9/L")
    ]
    assert list(misordered(with_number("rules.sirolimus_above_target.known.1.high", 5))) == [
        ("rules.sirolimus_above_target.known.2.high", "5 ng/mL does not lie above 5 ng/mL")
    ]


def test_a_graver_limit_lies_beyond_the_end_of_the_band_that_its_rule_speaks_of():
    was = load_protocol()
    graver = {"severity": "warning", "limit": own(10, "ng/mL")}
    for limit, faults in ((10, ["10 ng/mL does not lie below 10 ng/mL"]), (9, [])):
        rule = changed(
            "sirolimus_below_target",
            graver=graver | {"limit": own(limit, "ng/mL")},
            severity_untimed_raised="note",
        )
        found = misordered(was.model_copy(update={"rules": was.rules | {rule.name: rule}}))
        assert list(found) == [("rules.sirolimus_below_target.graver.limit", fault) for fault in faults]


def test_a_limit_may_be_reached_where_the_test_says_so():
    """A missing companion of a value at or above a limit: the graver limit lies there, or higher."""
    was = load_protocol()
    for limit, faults in ((101, []), (100, []), (99, ["99 10*9/L does not lie above 100 10*9/L"])):
        raised = {"severity": "warning", "limit": own(limit, "10*9/L")}
        rule = changed("coagulation_missing", test=">=", raised=raised)
        found = misordered(was.model_copy(update={"rules": was.rules | {rule.name: rule}}))
        assert list(found) == [("rules.coagulation_missing.raised.limit", fault) for fault in faults]


def test_a_jump_to_a_part_falls_below_the_value_before():
    was = load_protocol()
    for part, faults in (("1", ["1 is no part of the value before: it lies between 0 and 1"]), ("0.5", [])):
        jump = {"analyte": "platelets", "falls_to": own(part, "1"), "asks": "?"}
        rule = changed("delta_check", jumps=[{"analyte": "platelets", "asks": "?"}, jump])
        found = misordered(was.model_copy(update={"rules": was.rules | {rule.name: rule}}))
        assert list(found) == [("rules.delta_check.jumps.2.falls_to", fault) for fault in faults]
