"""The file of a site changes numbers of a base, nothing else; what is wrong is refused by file, rule and field."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from khemon.models import RulebookProblem
from khemon.rules import Protocol, load_protocol
from khemon.rules.numbers import differing, leaves, numbers_of, otherwise_differing
from khemon.rules.order import misordered
from khemon.rules.protocols import PROTOCOLS, protocol_digest, protocol_of_text, protocol_text

HEAD = 'name = "st-mary"\nversion = "1"\nbase = "ward"\n'
WARD = load_protocol("ward")


def number(value: object, unit: str, source: str = '"ward meeting"') -> str:
    return f'{{ value = {value}, unit = "{unit}", source = {source} }}'


def loaded(tmp_path: Path, body: str, head: str = HEAD):
    path = tmp_path / "site.toml"
    path.write_text(head + body, encoding="utf-8")
    return load_protocol(path)


def refusal(tmp_path: Path, body: str, head: str = HEAD) -> RulebookProblem:
    with pytest.raises(RulebookProblem) as caught:
        loaded(tmp_path, body, head)
    assert caught.value.where.startswith("protocol site.toml")
    assert caught.value.remedy
    return caught.value


def table(path: str, told: str) -> str:
    """A number at its path, as a site writes it."""
    block, field = path.rsplit(".", 1)
    return f"[{block}]\n{field} = {told}\n"


# ---- what is taken --------------------------------------------------------------------------------------------


FIXED = ("rules.delta_check.", "rules.unit_suspect.", ".known.")
PATHS = [path for path in numbers_of(WARD) if not any(part in path for part in FIXED)]


@pytest.mark.untraced
@pytest.mark.parametrize("path", PATHS)
def test_every_number_can_be_written_at_the_path_that_show_prints(tmp_path, path):
    """The same value with the site's own source: nothing differs, and the source is the site's."""
    was = numbers_of(WARD)[path]
    site = loaded(tmp_path, table(path, number(was.words, was.unit)))
    assert differing(WARD, site) == []
    assert otherwise_differing(WARD, site) == []
    assert numbers_of(site)[path].source == "ward meeting"


def test_one_number_changes_and_all_else_stays(tmp_path):
    site = loaded(tmp_path, table("rules.kmp.limbs.platelets.limit", number(90, "10*9/L")))
    [changed] = differing(WARD, site)
    assert (changed.path, changed.before.value, changed.after.value) == (
        "rules.kmp.limbs.platelets.limit",
        Decimal(100),
        Decimal(90),
    )
    assert otherwise_differing(WARD, site) == []
    assert (site.name, site.version, site.title, site.base) == ("st-mary", "1", "st-mary", "ward")


@pytest.mark.parametrize("field", ["title", "words", "source", "misleads_if", "criterion", "called", "asks"])
def test_other_words_are_no_other_judgement(field):
    def reworded(block: Any) -> Any:
        if isinstance(block, dict):
            own = {field: "in other words"} if isinstance(block.get(field), str) else {}
            return {name: reworded(part) for name, part in block.items()} | own
        return [reworded(part) for part in block] if isinstance(block, tuple) else block

    other = Protocol.model_validate(reworded(WARD.model_dump()) | {"version": "of today"})
    assert other != WARD
    assert (differing(WARD, other), otherwise_differing(WARD, other)) == ([], [])


def test_a_site_may_start_from_trial(tmp_path):
    head = HEAD.replace("ward", "trial")
    site = loaded(tmp_path, table("rules.severe_anemia.limit", number(65, "g/L")), head)
    assert site.rules["durable_platelet_response"].gap.words == "31"
    assert [each.path for each in differing(load_protocol("trial"), site)] == ["rules.severe_anemia.limit"]


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text("\ufeff" + HEAD, encoding="utf-8")
    assert differing(load_protocol(path), WARD) == []


def test_a_rule_says_in_its_words_source_and_criterion_which_numbers_are_others(tmp_path):
    site = loaded(
        tmp_path,
        table("rules.plasma_criterion.limbs.platelets.limit", number(20, "10*9/L"))
        + table("rules.steroid_taper_criterion.observed", number(10, "d")),
    )
    told = "limbs platelets limit 20 10*9/L instead of 10"
    rule = site.rules["plasma_criterion"]
    assert rule.words.endswith(f"Changed by st-mary 1: {told}.")
    assert rule.source.endswith(f"changed by st-mary 1: {told}")
    assert told in rule.criterion
    assert rule.title == "Trial criterion for plasma or cryoprecipitate (numbers of st-mary 1)"
    assert "observed 10 d instead of 7" in site.rules["steroid_taper_criterion"].criterion
    assert site.rules["severe_anemia"] == WARD.rules["severe_anemia"]


def test_a_shared_number_is_retold_by_the_rules_whose_words_tell_it(tmp_path):
    site = loaded(tmp_path, table("common.current_within", number(48, "h")))
    assert "common current within 48 h instead of 24" in site.rules["kmp"].words
    assert site.rules["severe_anemia"].words == WARD.rules["severe_anemia"].words


def test_a_rule_retells_the_number_of_the_run_it_builds_on(tmp_path):
    limit = number(120, "10*9/L")
    both = ("durable_platelet_response", "kmp_rebound")
    site = loaded(tmp_path, "".join(table(f"rules.{name}.limit", limit) for name in both))
    told = "rules durable platelet response limit 120 10*9/L instead of 100"
    assert told in site.rules["falling_platelets"].words
    assert told in site.rules["steroid_taper_criterion"].criterion


def test_a_protocol_survives_being_kept_as_text(tmp_path):
    site = loaded(tmp_path, table("rules.hypofibrinogenemia.limit", number("1.50", "g/L")))
    for protocol in (WARD, load_protocol("trial"), site):
        again = protocol_of_text(protocol_text(protocol))
        assert again == protocol
        assert protocol_digest(again) == protocol_digest(protocol)
    assert len({protocol_digest(each) for each in (WARD, load_protocol("trial"), site)}) == 3


@pytest.mark.parametrize(("kept", "where"), [("", "stored protocol"), ("{}", "stored protocol, name")])
def test_a_kept_text_that_is_no_protocol_is_refused_by_place(kept, where):
    with pytest.raises(RulebookProblem) as refused:
        protocol_of_text(kept)
    assert refused.value.where == where


def test_the_same_number_written_otherwise_is_the_same_protocol(tmp_path):
    one = loaded(tmp_path, table("rules.hypofibrinogenemia.limit", number("1.50", "g/L")))
    other = loaded(tmp_path, table("rules.hypofibrinogenemia.limit", number("1.5", "g/L")))
    assert protocol_digest(one) == protocol_digest(other)


# ---- what is refused ------------------------------------------------------------------------------------------

LIMIT = "rules.hypofibrinogenemia.limit"


@pytest.mark.parametrize(
    ("path", "told", "field", "found"),
    [
        (LIMIT, number(150, "mg/dL"), f"{LIMIT}.unit", "unit 'mg/dL', but the base has 'g/L'"),
        (LIMIT, number("1.5", "G/L"), f"{LIMIT}.unit", "unit 'G/L', but the base has 'g/L'"),
        (LIMIT, number("1.5", "h"), f"{LIMIT}.unit", "unit 'h', but the base has 'g/L'"),
        ("common.current_within", number(1, "d"), "common.current_within.unit", "unit 'd', but the base has 'h'"),
        (
            "rules.durable_platelet_response.gap",
            number(2, "wk"),
            "rules.durable_platelet_response.gap.unit",
            "unit 'wk', but the base has 'd'",
        ),
        ("rules.elevated_d_dimer.limit", number(1, "mg/L{DDU}"), "rules.elevated_d_dimer.limit.unit", "mg/L{FEU}"),
        (LIMIT, number("nan", "g/L"), f"{LIMIT}.value", "'NaN' is no number"),
        (LIMIT, number("inf", "g/L"), f"{LIMIT}.value", "is no number"),
        (LIMIT, number("-inf", "g/L"), f"{LIMIT}.value", "is no number"),
        (LIMIT, number('"1.5"', "g/L"), f"{LIMIT}.value", "'1.5' is no number"),
        (LIMIT, number('"low"', "g/L"), f"{LIMIT}.value", "'low' is no number"),
        (LIMIT, number("true", "g/L"), f"{LIMIT}.value", "'True' is no number"),
        (LIMIT, number("[1.5]", "g/L"), f"{LIMIT}.value", "is no number"),
        (LIMIT, number("2026-01-01", "g/L"), f"{LIMIT}.value", "is no number"),
        (LIMIT, number("-1.5", "g/L"), f"{LIMIT}.value", "-1.5 is negative"),
        (LIMIT, number(0, "g/L"), f"{LIMIT}.value", "switch the rule off"),
        (LIMIT, number("1e400", "g/L"), f"{LIMIT}.value", "20 times"),
        (LIMIT, number(150, "g/L"), f"{LIMIT}.value", "20 times the base's 1.6 g/L"),
        (LIMIT, number("0.016", "g/L"), f"{LIMIT}.value", "20 times"),
        (LIMIT, number(16, "g/L"), f"{LIMIT}.value", "outside the usual results of fibrinogen"),
        ("rules.severe_anemia.limit", number(7, "g/L"), "rules.severe_anemia.limit.value", "usual results of hemo"),
        (LIMIT, '{ value = 1.5, unit = "g/L" }', f"{LIMIT}.source", "missing"),
        (LIMIT, '{ value = 1.5, source = "x" }', f"{LIMIT}.unit", "missing"),
        (LIMIT, '{ unit = "g/L", source = "x" }', f"{LIMIT}.value", "missing"),
        (LIMIT, number("1.5", "g/L", '" "'), f"{LIMIT}.source", "says nothing"),
        (LIMIT, number("1.5", "g/L", "3"), f"{LIMIT}.source", "says nothing"),
        (LIMIT, '{ value = 1.5, unit = "g/L", own = true }', f"{LIMIT}.own", "khemon's own"),
        (LIMIT, '{ value = 1.5, unit = "g/L", source = "x", set_by = "y" }', f"{LIMIT}.set_by", "no such field"),
        (LIMIT, "1.5", LIMIT, "no number with unit and source"),
        ("rules.moonshine.limit", number(1, "g/L"), "rules", "no rule 'moonshine' in ward"),
        ("rules.hypofibrinogenemia.limits", number(1, "g/L"), "rules.hypofibrinogenemia.limits", "no such field"),
        ("commons.current_within", number(48, "h"), "commons", "no such field in ward"),
        ("common.current_with", number(48, "h"), "common.current_with", "no such field in ward"),
        ("acknowledgement.rules.kmp.lasts", number(48, "h"), "acknowledgement.rules.kmp", "no such field in ward"),
        ("rules.hypofibrinogenemia.analyte", '"platelets"', "rules.hypofibrinogenemia.analyte", "only numbers"),
        ("rules.hypofibrinogenemia.shape", '"run"', "rules.hypofibrinogenemia.shape", "only numbers"),
        ("rules.hypofibrinogenemia.test", '">"', "rules.hypofibrinogenemia.test", "only numbers"),
        ("rules.hypofibrinogenemia.source", '"us"', "rules.hypofibrinogenemia.source", "only numbers"),
        ("rules.hypofibrinogenemia.words", '"low"', "rules.hypofibrinogenemia.words", "only numbers"),
        ("rules.kmp.severity", '"note"', "rules.kmp.severity", "only numbers"),
        ("rules.hypofibrinogenemia.name", '"x"', "rules.hypofibrinogenemia.name", "no such field"),
        ("common.supporting_products.platelets", '["plasma"]', "common.supporting_products.platelets", "only numbers"),
        ("muting.kmp.mutes", "[]", "muting.kmp.mutes", "only numbers"),
        ("muting.plasma_criterion.while_limb", '"fibrinogen"', "muting.plasma_criterion.while_limb", "only numbers"),
        ("rules.blood_count_overdue.grid.weeks", "[1]", "rules.blood_count_overdue.grid.weeks", "only numbers"),
        ("rules.kmp.limbs", "[]", "rules.kmp.limbs", "a list is not written again"),
        ("rules.kmp.limbs.sodium.limit", number(1, "g/L"), "rules.kmp.limbs.sodium", "no such entry"),
        ("rules.plasma_criterion.limbs.active_bleeding.event", '"x"', "active_bleeding.event", "only numbers"),
        ("common.bands.platelets.5", number(5, "10*9/L"), "common.bands.platelets.5", "no such entry"),
        ("rules.delta_check.jumps.1.within", number(24, "h"), "rules.delta_check", "its words state its numbers"),
        ("rules.sirolimus_below_target.known.1.low", number(9, "ng/mL"), "known", "its words state its numbers"),
        ("rules.durable_platelet_response.gap", number("14.5", "d"), "gap", "14.5 is no whole number"),
        ("rules.durable_platelet_response.samples", number("2.5", "1"), "samples", "2.5 is no whole number"),
    ],
)
def test_a_wrong_number_is_refused_by_file_rule_and_field(tmp_path, path, told, field, found):
    problem = refusal(tmp_path, table(path, told))
    assert field in problem.where
    assert found in problem.found


@pytest.mark.parametrize(
    ("path", "value", "unit", "found"),
    [
        ("rules.thrombocytopenia.raised.limit", 100, "10*9/L", "100 10*9/L does not lie below 100"),
        ("rules.thrombocytopenia.limit", 50, "10*9/L", "50 10*9/L does not lie below 50"),
        ("rules.coagulation_missing.raised.limit", 120, "10*9/L", "does not lie below"),
        ("rules.durable_platelet_response.breaks.low", 110, "10*9/L", "does not lie below"),
        ("rules.durable_platelet_response.breaks.after", 29, "d", "does not lie below 28 d"),
        ("rules.kmp_rebound.confirmed_below", 100, "10*9/L", "does not lie below"),
        ("rules.kmp_rebound.limit", 101, "10*9/L", "they are one limit"),
        ("rules.kmp_rebound.limit", 99, "10*9/L", "they are one limit"),
        ("rules.falling_platelets.falls_to", "1.2", "1", "between 0 and 1"),
        ("rules.sirolimus_below_target.unchosen.low", 15, "ng/mL", "does not lie above 15"),
        ("rules.sirolimus_above_target.graver.limit", 15, "ng/mL", "does not lie above 15"),
        ("rules.blood_count_overdue.close", 49, "h", "49 h is longer than 48 h"),
        ("common.bands.platelets.2", 100, "10*9/L", "does not lie below 100"),
        ("common.bands.platelets.1", 45, "10*9/L", "50 10*9/L does not lie below 45"),
        ("acknowledgement.lasts", 31, "d", "31 d is longer than 30 d"),
        ("acknowledgement.rules.plasma_criterion.lasts", 73, "h", "73 h is longer than 72 h"),
        ("acknowledgement.rules.kmp_rebound.lasts_once_confirmed", 73, "h", "73 h is longer than 72 h"),
    ],
)
def test_numbers_out_of_order_are_refused(tmp_path, path, value, unit, found):
    assert list(misordered(WARD)) == []
    problem = refusal(tmp_path, table(path, number(value, unit)))
    assert found in problem.found
    assert path.split(".")[1] in problem.where


@pytest.mark.parametrize("path", ["common.companion_alerts_after", "common.supported_for", "common.same_alert_within"])
def test_where_nothing_means_at_once_a_zero_is_taken(tmp_path, path):
    was = numbers_of(WARD)[path]
    assert numbers_of(loaded(tmp_path, table(path, number(0, was.unit))))[path].value == 0


@pytest.mark.parametrize(
    ("head", "field", "found"),
    [
        ("", "", "the file is empty"),
        ("# nothing\n", "", "the file is empty"),
        ('version = "1"\nbase = "ward"\n', "name", "missing"),
        ('name = "x"\nbase = "ward"\n', "version", "missing"),
        ('name = ""\nversion = "1"\nbase = "ward"\n', "name", "cannot be used"),
        ('name = "a b"\nversion = "1"\nbase = "ward"\n', "name", "cannot be used"),
        ('name = "live"\nversion = "1"\nbase = "ward"\n', "name", "means the one in use"),
        ('name = 3\nversion = "1"\nbase = "ward"\n', "name", "cannot be used"),
        ('name = "x"\nversion = 2\nbase = "ward"\n', "version", "2 cannot be used"),
        ('name = "x"\nversion = " "\nbase = "ward"\n', "version", "cannot be used"),
        ('name = "x"\nversion = "1"\ntitle = " "\nbase = "ward"\n', "title", "is no title"),
        ('name = "x"\nversion = "1"\ntitle = 3\nbase = "ward"\n', "title", "is no title"),
        ('name = "ward"\nversion = "1"\nbase = "ward"\n', "name", "comes with khemon"),
        ('name = "ward"\nversion = "2"\nbase = "ward"\n', "name", "comes with khemon"),
        ('name = "trial"\nversion = "9"\nbase = "ward"\n', "name", "comes with khemon"),
        ('name = "x"\nversion = "1"\nbase = "moon"\n', "base", "no protocol 'moon'"),
        ('name = "x"\nversion = "1"\nbase = "../protocols/ward"\n', "base", "no protocol"),
        ('name = "x"\nversion = "1"\nbase = ["ward"]\n', "base", "no protocol"),
        ('name = "x"\nversion = "1"\nbase = ""\n', "base", "no protocol"),
        (HEAD + "rules = 3\n", "rules", "no table"),
        (HEAD + "[rules]\nkmp = 3\n", "rules.kmp", "no table"),
        (HEAD + "[", "", "not TOML"),
        (HEAD + HEAD, "", "not TOML"),
    ],
)
def test_a_head_that_says_too_little_or_another_ones_name_is_refused(tmp_path, head, field, found):
    problem = refusal(tmp_path, "", head)
    assert problem.where == ", ".join(["protocol site.toml", *([field] if field else [])])
    assert found in problem.found


def test_a_base_is_never_a_file(tmp_path):
    (tmp_path / "other.toml").write_text((PROTOCOLS / "ward.toml").read_text("utf-8"), encoding="utf-8")
    for base in (tmp_path / "other", tmp_path / "other.toml", PROTOCOLS / "ward"):
        head = f'name = "x"\nversion = "1"\nbase = "{base}"\n'
        assert refusal(tmp_path, "", head).where == "protocol site.toml, base"


def test_what_is_no_readable_file_is_refused(tmp_path):
    for path, found in ((tmp_path, "a folder"), (tmp_path / "none.toml", "cannot be read"), ("a\0b", "cannot be read")):
        with pytest.raises(RulebookProblem, match=found):
            load_protocol(path)
    (tmp_path / "latin.toml").write_bytes('name = "Köln"'.encode("latin-1"))
    with pytest.raises(RulebookProblem, match="not TOML"):
        load_protocol(tmp_path / "latin.toml")


def test_something_endless_is_not_read():
    with pytest.raises(RulebookProblem, match="cannot be read"):
        load_protocol("/dev/zero")


def test_a_whole_protocol_that_borrows_a_name_is_refused(tmp_path):
    text = (PROTOCOLS / "ward.toml").read_text("utf-8")
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    assert load_protocol(path) == WARD
    path.write_text(text.replace("value = 1.6,", "value = 1.5,", 1), encoding="utf-8")
    with pytest.raises(RulebookProblem, match="comes with khemon"):
        load_protocol(path)


def test_a_problem_never_tells_the_folder_of_the_file(tmp_path):
    problem = refusal(tmp_path, table(LIMIT, number(150, "mg/dL")))
    assert str(tmp_path) not in f"{problem.where} {problem.found} {problem.remedy}"
    assert os.sep not in problem.where


def test_paths_are_unique_and_every_number_has_one():
    numbers = [path for path, value in leaves(WARD.model_dump()) if isinstance(value, dict)]
    assert len(numbers) == len(set(numbers)) == len(numbers_of(WARD))


def test_the_example_of_a_site_file_is_one(tmp_path):
    document = (Path(__file__).parents[1] / "docs" / "protocols.md").read_text("utf-8")
    example = document.split("```toml\n")[1].split("```")[0]
    assert len(differing(WARD, loaded(tmp_path, example, head=""))) == 3


def test_a_criterion_without_the_changed_number_is_not_retold(tmp_path):
    site = loaded(tmp_path, table("common.bands.platelets.4", number(9, "10*9/L")))
    assert site.rules["plasma_criterion"].criterion == WARD.rules["plasma_criterion"].criterion


def test_a_file_that_stops_in_reading_is_refused():
    with pytest.raises(RulebookProblem, match="cannot be read"):
        load_protocol("/proc/self/mem")


def test_rules_that_are_no_table_are_refused(tmp_path):
    problem = refusal(tmp_path, "rules = 3\n", 'name = "whole"\nversion = "1"\n')
    assert problem.where.endswith("rules")
