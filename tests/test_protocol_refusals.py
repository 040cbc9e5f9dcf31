"""What the file of a site is told, word by word: place, finding and remedy of every refusal, and what is taken."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from khemon.models import RulebookProblem
from khemon.rules import load_protocol
from khemon.rules.numbers import entry_names, leaves
from khemon.rules.protocols import PROTOCOLS, _where, protocol_of_text, protocol_text
from khemon.rules.site_files import Change, SiteFile, check_head
from khemon.rules.telling import retold

WHERE = "protocol site.toml"
HEAD = {"name": "st-mary", "version": "1", "base": "ward"}


def number(value: object, unit: str, **more: object) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": "ward meeting"} | more


#: A small protocol with a block of every kind.
BASE: dict[str, Any] = {
    "name": "ward",
    "version": "7",
    "title": "The ward's",
    "common": {
        "current_within": number(24, "h"),
        "supported_for": number(72, "h"),
        "same_alert_within": number(0, "h"),
        "bands": {"platelets": [number(100, "10*9/L"), number(50, "10*9/L")]},
        "mixed": ["plasma", {"value": 1, "unit": "1"}],
    },
    "rules": {
        "low": {
            "shape": "point",
            "marked": True,
            "analyte": "fibrinogen",
            "limit": number(Decimal("1.60"), "g/L"),
            "raised": {"limit": number(Decimal("0.5"), "g/L"), "unless_open": []},
            "within": number(24, "h"),
            "changes_by": number(Decimal("0.3"), "g/L"),
            "limbs": [{"analyte": "platelets", "limit": number(100, "10*9/L")}, {"event": "plasma"}],
        },
        "delta_check": {"limit": number(3, "g/L"), "jumps": [{"analyte": "platelets", "by": number(2, "1")}]},
        "sirolimus_above_target": {"known": [{"low": number(5, "ng/mL")}]},
    },
}
#: What a number has to look like, as the refusals of the limit say it.
EXAMPLE = 'write it as { value = 1.60, unit = "g/L", source = "…" }'


def own(path: str, told: object) -> dict[str, Any]:
    """A file that says one thing at a path."""
    for name in reversed(path.split(".")):
        told = {name: told}
    return HEAD | told


def refusal(ask: Any) -> tuple[str, str, str]:
    with pytest.raises(RulebookProblem) as caught:
        ask()
    return caught.value.where, caught.value.found, caught.value.remedy


@pytest.mark.parametrize(
    ("head", "field", "found", "remedy"),
    [
        ({}, "", "the file is empty", 'write name, version, base = "ward" and the numbers'),
        ({"version": "1"}, ", name", "it is missing", 'write name = "st-mary"'),
        ({"name": "x"}, ", version", "it is missing", 'write version = "1"'),
        (HEAD | {"name": ""}, ", name", "'' cannot be used", 'write short plain text in quotes: name = "st-mary"'),
        (HEAD | {"version": 2}, ", version", "2 cannot be used", 'write short plain text in quotes: version = "1"'),
        (HEAD | {"name": "live"}, ", name", "'live' means the one in use", "choose another name"),
        (HEAD | {"title": " "}, ", title", "' ' is no title", 'write title = "…", or leave it out'),
        (HEAD | {"title": 3}, ", title", "3 is no title", 'write title = "…", or leave it out'),
        (HEAD | {"title": "a\nb"}, ", title", "'a\\nb' is no title", 'write title = "…", or leave it out'),
    ],
)
def test_a_head_is_refused_by_field_with_an_example(head, field, found, remedy):
    assert refusal(lambda: check_head(WHERE, head)) == (WHERE + field, found, remedy)


def test_a_head_in_plain_words_is_taken():
    for head in (HEAD, HEAD | {"title": "Our own"}, HEAD | {"name": "a" * 40, "version": "2026.1"}):
        check_head(WHERE, head)
    for name in ("a" * 41, "St", "1st", "-a", "ü"):
        assert refusal(lambda name=name: check_head(WHERE, HEAD | {"name": name}))[0] == f"{WHERE}, name"


LIMIT = "rules.low.limit"


@pytest.mark.parametrize(
    ("path", "told", "field", "found", "remedy"),
    [
        ("rules.low", 3, "", "it is no table", "write [rules.low] and its numbers below"),
        ("rules.low.shape", "run", "", "only numbers can be changed", "leave it out; the base says it"),
        ("rules.low.marked", False, "", "only numbers can be changed", "leave it out; the base says it"),
        ("rules.low.raised.unless_open", [], "", "only numbers can be changed", "leave it out; the base says it"),
        ("rules.low.limbs", [], "", "a list is not written again", "name the entry: [rules.low.limbs.platelets]"),
        ("common.mixed", [], "", "a list is not written again", "name the entry: [common.mixed.1]"),
        ("common.bands.platelets.3", number(5, "10*9/L"), "", "there is no such entry", "use one of: 1, 2"),
        ("rules.moonshine.limit", 3, "rules", "no rule 'moonshine' in ward", "override rules of the base only"),
        ("rules.low.limits", 3, "", "no such field in ward", "see the paths with: khemon protocol show ward"),
        ("commons", 3, "", "no such field in ward", "see the paths with: khemon protocol show ward"),
        ("rules.delta_check", {}, "", "its words state its numbers, so these stay", "leave it out"),
        (
            "rules.sirolimus_above_target.known",
            {},
            "",
            "its words state its numbers, so these stay",
            "leave it out",
        ),
        (LIMIT, 1, "", "it is no number with unit and source", EXAMPLE),
        (
            LIMIT,
            number(1, "g/L", own=True),
            f"{LIMIT}.own",
            "own marks khemon's own choice, and this is the site's",
            'say who decided: source = "…"',
        ),
        (LIMIT, number(1, "g/L", set_by="x"), f"{LIMIT}.set_by", "a number has no such field", EXAMPLE),
        (LIMIT, {"unit": "g/L", "source": "x"}, f"{LIMIT}.value", "it is missing", EXAMPLE),
        (LIMIT, {"value": 1, "source": "x"}, f"{LIMIT}.unit", "it is missing", EXAMPLE),
        (LIMIT, {"value": 1, "unit": "g/L"}, f"{LIMIT}.source", "it is missing", EXAMPLE),
        (
            LIMIT,
            number(150, "mg/dL"),
            f"{LIMIT}.unit",
            "unit 'mg/dL', but the base has 'g/L'",
            "convert the value and write 'g/L'",
        ),
        (LIMIT, number(1, "g/L", source=" "), f"{LIMIT}.source", "it says nothing", "say who decided it, and when"),
        (LIMIT, number(1, "g/L", source=3), f"{LIMIT}.source", "it says nothing", "say who decided it, and when"),
        (LIMIT, number("1", "g/L"), f"{LIMIT}.value", "'1' is no number", "write digits, without quotes"),
        (LIMIT, number(True, "g/L"), f"{LIMIT}.value", "'True' is no number", "write digits, without quotes"),
        (LIMIT, number(Decimal("NaN"), "g/L"), f"{LIMIT}.value", "'NaN' is no number", "write digits, without quotes"),
        (LIMIT, number(Decimal("-0.10"), "g/L"), f"{LIMIT}.value", "-0.1 is negative", "write a number above 0"),
        (
            LIMIT,
            number(Decimal("0.0"), "g/L"),
            f"{LIMIT}.value",
            "0 is nothing: it would switch the rule off",
            "write a number above 0",
        ),
        (
            "common.supported_for",
            number(-1, "h"),
            "common.supported_for.value",
            "-1 is negative",
            "write a number above 0",
        ),
        (
            LIMIT,
            number(32, "g/L"),
            f"{LIMIT}.value",
            "32 is 20 times the base's 1.6 g/L or more, or as much less",
            "check the unit",
        ),
        (
            LIMIT,
            number(Decimal("0.08"), "g/L"),
            f"{LIMIT}.value",
            "0.08 is 20 times the base's 1.6 g/L or more, or as much less",
            "check the unit",
        ),
        (
            LIMIT,
            number(Decimal("8.10"), "g/L"),
            f"{LIMIT}.value",
            "8.1 is outside the usual results of fibrinogen (0.2 to 8 g/L)",
            "check the unit",
        ),
        (
            LIMIT,
            number(Decimal("0.19"), "g/L"),
            f"{LIMIT}.value",
            "0.19 is outside the usual results of fibrinogen (0.2 to 8 g/L)",
            "check the unit",
        ),
        (
            "rules.low.raised.limit",
            number(9, "g/L"),
            "rules.low.raised.limit.value",
            "9 is outside the usual results of fibrinogen (0.2 to 8 g/L)",
            "check the unit",
        ),
        (
            "rules.low.limbs.platelets.limit",
            number(1001, "10*9/L"),
            "rules.low.limbs.platelets.limit.value",
            "1001 is outside the usual results of platelets (0.001 to 1000 10*9/L)",
            "check the unit",
        ),
    ],
)
def test_a_wrong_number_is_told_where_it_stands_and_what_to_write(path, told, field, found, remedy):
    file = SiteFile(WHERE, own(path, told), BASE)
    assert refusal(file.merged) == (f"{WHERE}, {field or path}", found, remedy)
    assert file.changes == []


@pytest.mark.parametrize(
    ("path", "value", "unit", "change"),
    [
        (LIMIT, Decimal("1.50"), "g/L", ("1.6", "1.5")),
        (LIMIT, Decimal("0.20"), "g/L", ("1.6", "0.2")),
        (LIMIT, 8, "g/L", ("1.6", "8")),
        (LIMIT, Decimal("1.6"), "g/L", None),
        ("rules.low.within", 2, "h", ("24", "2")),
        ("rules.low.within", 479, "h", ("24", "479")),
        ("rules.low.changes_by", Decimal("0.1"), "g/L", ("0.3", "0.1")),
        ("rules.low.limbs.platelets.limit", 1000, "10*9/L", ("100", "1000")),
        ("common.bands.platelets.2", 45, "10*9/L", ("50", "45")),
        ("common.supported_for", 0, "h", ("72", "0")),
        ("common.same_alert_within", 6, "h", ("0", "6")),
    ],
)
def test_a_number_that_is_taken_stands_in_the_base_s_place_and_nothing_else_does(path, value, unit, change):
    file = SiteFile(WHERE, own(path, number(value, unit)), BASE)
    merged = dict(leaves(file.merged()))
    before = dict(leaves(BASE))
    told = merged.pop(path)
    assert told == {"value": value, "unit": unit, "source": "ward meeting", "set_by": "st-mary"}
    assert str(told["value"]) == format(Decimal(value).normalize(), "f")
    assert merged == {name: block for name, block in before.items() if name != path} | HEAD | {"title": "st-mary"}
    assert file.changes == ([Change(path, *change, unit)] if change else [])


def test_a_site_s_title_is_its_own_or_its_name():
    assert SiteFile(WHERE, HEAD | {"title": "Ours"}, BASE).merged()["title"] == "Ours"
    assert SiteFile(WHERE, HEAD, BASE).merged() == BASE | HEAD | {"title": "st-mary"}


def test_a_protocol_that_comes_with_khemon_may_say_every_number_as_its_own():
    told = number(4, "g/L", own=True)
    merged = SiteFile(WHERE, own("rules.delta_check.limit", told), BASE, shipped=True).merged()
    assert merged["rules"]["delta_check"] == BASE["rules"]["delta_check"] | {"limit": told}


def test_the_entries_of_a_list_are_called_by_what_tells_them_apart():
    platelets, event = {"analyte": "platelets"}, {"event": "plasma"}
    assert entry_names([platelets, event]) == ["platelets", "plasma"]
    assert entry_names([platelets, platelets]) == ["1", "2"]
    assert entry_names([platelets, {"by": 3}]) == ["1", "2"]
    assert entry_names(["plasma", "cryoprecipitate"]) == ["1", "2"]
    assert list(leaves({"a": [platelets, event], "b": (1, 2), "c": {"value": 1}})) == [
        ("a.platelets.analyte", "platelets"),
        ("a.plasma.event", "plasma"),
        ("b.1", 1),
        ("b.2", 2),
        ("c", {"value": 1}),
    ]


# ---- a whole file --------------------------------------------------------------------------------------------


def test_a_file_that_is_no_protocol_is_refused_by_its_name(tmp_path):
    path, folder = tmp_path / "site.toml", tmp_path / "folder.toml"
    folder.mkdir()
    for wrong, found in ((folder, "it is a folder"), (path, "the file cannot be read")):
        told = (f"protocol {wrong.name}", found, "name ward, trial or a file")
        assert refusal(lambda wrong=wrong: load_protocol(wrong)) == told
    path.write_text("[", encoding="utf-8")
    where, found, remedy = refusal(lambda: load_protocol(path))
    assert (where, found.partition(":")[0], remedy) == (WHERE, "not TOML", "mend the file")


OF_ITS_OWN = "give the changed protocol a name of its own"


@pytest.mark.parametrize(
    ("text", "field", "found", "remedy"),
    [
        ('name = "x"\nversion = "1"\nbase = "moon"', "base", "no protocol 'moon'", "use ward or trial"),
        (
            'name = "trial"\nversion = "1"\nbase = "ward"',
            "name",
            "'trial' is the name of a protocol that comes with khemon",
            OF_ITS_OWN,
        ),
        ('name = "x"\nversion = "1"\nrules = 3', "rules", "it is no table", "write [rules.…]"),
        ('name = "x"\nversion = "1"\ntitle = "X"', "common", "Field required", "mend it"),
        (
            'name = "x"\nversion = "1"\nbase = "ward"\n[rules.durable_platelet_response]\n'
            'gap = { value = 14.5, unit = "d", source = "us" }',
            "rules.durable_platelet_response.gap",
            "14.5 is no whole number",
            "mend it",
        ),
        (
            'name = "x"\nversion = "1"\nbase = "ward"\n[rules.blood_count_overdue]\n'
            'close = { value = 49, unit = "h", source = "us" }',
            "rules.blood_count_overdue.close",
            "49 h is longer than 48 h",
            "put the numbers in order",
        ),
    ],
)
def test_a_file_is_refused_by_its_field_with_a_remedy(tmp_path, text, field, found, remedy):
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    assert refusal(lambda: load_protocol(path)) == (f"{WHERE}, {field}", found, remedy)


def test_a_whole_protocol_has_a_name_of_its_own_or_is_the_one_of_that_name(tmp_path):
    text = (PROTOCOLS / "ward.toml").read_text("utf-8")
    path = tmp_path / "site.toml"
    path.write_text(text.replace('name = "ward"', 'name = "ours"', 1), encoding="utf-8")
    assert load_protocol(path) == load_protocol("ward").model_copy(update={"name": "ours"})
    path.write_text(text.replace("value = 1.6,", "value = 1.5,", 1), encoding="utf-8")
    told = (f"{WHERE}, name", "'ward' comes with khemon, and says something else", OF_ITS_OWN)
    assert refusal(lambda: load_protocol(path)) == told


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ((), "kept"),
        (("common", "within", "value"), "kept, common.within.value"),
        (("rules", "kmp"), "kept, rules.kmp"),
        (("rules", "kmp", "all_of", "limbs", 0, "Comparison", "limit"), "kept, rules.kmp.limbs.0.limit"),
        (("rules", "any", "any_of", "limbs", 1, "EventLimb", "event"), "kept, rules.any.limbs.1.event"),
        (("common", "band", "function-after[checked(), Number]"), "kept, common.band"),
    ],
)
def test_a_mistake_is_told_at_the_path_it_is_written_at(place, told):
    assert _where("kept", {"loc": place}) == told


def test_a_kept_text_is_short_plain_and_refused_when_it_is_another():
    ward = load_protocol("ward")
    text = protocol_text(ward.model_copy(update={"title": "Köln"}))
    assert "Köln" in text
    assert "null" not in text
    assert text == json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    assert refusal(lambda: protocol_of_text("{}")) == ("stored protocol, name", "Field required", "mend it")


# ---- words that tell numbers ----------------------------------------------------------------------------------

RULES: dict[str, Any] = {
    "run": {"title": "Run", "words": "At 100 for 28 d.", "source": "a paper", "limit": {"value": 100, "source": "it"}},
    "fall": {"title": "Fall", "run": "run", "words": "Since 100 or 250.", "source": "us", "criterion": "below 250"},
    "late": {
        "title": "Late",
        "words": "After 24.",
        "source": "us",
        "criterion": "24 h or 100",
        "misleads_if": "",
    },
    "end": {"title": "End", "words": "Up to 24.", "source": "us"},
    "wide": {"title": "Wide", "words": "Any.", "source": "us", "known": {"low": {"value": 5}, "called": "usual"}},
}
SHARED = Change("common.within", "24", "48", "h")
RUNS = Change("rules.run.limit", "100", "90", "10*9/L")


def words_of(*changes: Change) -> dict[str, Any]:
    """What the words of the rules became, where they changed."""
    found = retold({"name": "ward", "rules": RULES}, changes, "st-mary 1")
    assert found["name"] == "ward"
    return {name: rule for name, rule in found["rules"].items() if rule != RULES[name]}


def test_words_stay_where_no_number_of_theirs_changed():
    assert words_of() == {}
    assert words_of(Change("common.other", "25", "48", "h")) == {}
    assert words_of(Change("rules.running.limit", "100", "90", "10*9/L")) == {}


def test_a_changed_number_is_told_by_its_rule_and_by_rules_that_build_on_it():
    told = "limit 90 10*9/L instead of 100"
    elsewhere = f"rules run {told}"
    assert words_of(RUNS) == {
        "run": RULES["run"]
        | {
            "title": "Run (numbers of st-mary 1)",
            "words": f"At 100 for 28 d. Changed by st-mary 1: {told}.",
            "source": f"a paper; changed by st-mary 1: {told}",
        },
        "fall": RULES["fall"] | {"words": f"Since 100 or 250. Changed by st-mary 1: {elsewhere}."},
    }


@pytest.mark.parametrize("field", ["run", "response", "rebound"])
@pytest.mark.parametrize("telling", ["words", "misleads_if", "criterion"])
def test_a_rule_retells_a_number_of_what_it_builds_on_wherever_it_tells_it(field, telling):
    rule = {"title": "On", "source": "us", "words": "Any.", field: "run", telling: "At 100."}
    found = retold({"rules": {"on": rule, "off": rule | {field: "other"}}}, [RUNS], "st-mary 1")["rules"]
    assert found["on"]["words"].endswith(" Changed by st-mary 1: rules run limit 90 10*9/L instead of 100.")
    assert found["off"] == rule | {field: "other"}


def test_a_changed_number_that_several_rules_share_is_told_where_the_words_tell_it():
    told = "common within 48 h instead of 24"
    assert words_of(SHARED) == {
        "late": RULES["late"]
        | {
            "words": f"After 24. Changed by st-mary 1: {told}.",
            "criterion": f"24 h or 100 (changed by st-mary 1: {told})",
        },
        "end": RULES["end"] | {"words": f"Up to 24. Changed by st-mary 1: {told}."},
    }


def test_two_changed_numbers_are_told_one_after_the_other_and_beside_the_block_they_stand_in():
    low = Change("rules.wide.known.low", "5", "6", "ng/mL")
    beside = Change("rules.wide.known_low", "3", "4", "ng/mL")
    late = Change("rules.late.some_limit", "7", "8", "h")
    own, shared = "some limit 8 h instead of 7", "common within 48 h instead of 24"
    both = "known low 6 ng/mL instead of 5; known low 4 ng/mL instead of 3"
    assert words_of(SHARED, low, late, beside) == {
        "late": RULES["late"]
        | {
            "title": "Late (numbers of st-mary 1)",
            "words": f"After 24. Changed by st-mary 1: {own}; {shared}.",
            "source": f"us; changed by st-mary 1: {own}",
            "criterion": f"24 h or 100 (changed by st-mary 1: {own}; {shared})",
        },
        "end": RULES["end"] | {"words": f"Up to 24. Changed by st-mary 1: {shared}."},
        "wide": RULES["wide"]
        | {
            "title": "Wide (numbers of st-mary 1)",
            "words": f"Any. Changed by st-mary 1: {both}.",
            "source": f"us; changed by st-mary 1: {both}",
            "known": {"low": {"value": 5}, "called": "usual; changed by st-mary 1: low 6 ng/mL instead of 5"},
        },
    }
