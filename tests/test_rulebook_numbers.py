"""Every number of the rulebook bites: one step up or one step down, and some case says so."""

from __future__ import annotations

import datetime as dt
import pickle
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from fnmatch import fnmatch
from functools import cache
from typing import Any

import pytest

from khemon.alerts import lasting
from khemon.explain.cases import differences
from khemon.rules import Protocol, load_protocol
from khemon.rules import cases as case_files
from khemon.rules.cases import Case, cases_for
from khemon.rules.protocols import PROTOCOLS
from tests import watched_child
from tests.columns import without_further
from tests.watched_child import WatchedChild

DAY = dt.timedelta(days=1)
Path = tuple[str | int, ...]

#: Numbers that no verdict depends on, only what is said: here the sentence has to differ.
ONLY_IN_WORDS = {
    "common.neonate_d_dimer_up_to.value": "named beside a newborn's D-dimer",
    "rules.sirolimus_*_target.known.*": "the name of a chosen band",
    "rules.sirolimus_below_target.unchosen.high.value": "the far end of the band that is named",
    "rules.sirolimus_above_target.unchosen.low.value": "the far end of the band that is named",
}


def raw(name: str) -> dict[str, Any]:
    """A protocol file as it is written."""
    return pickle.loads(_raw(name))


@cache
def _raw(name: str) -> bytes:
    """The same, kept: to copy it so takes a tenth of the time that reading it takes."""
    return pickle.dumps(tomllib.loads((PROTOCOLS / f"{name}.toml").read_text("utf-8"), parse_float=Decimal))


def numbers(table: Any, path: Path = ()) -> Iterator[Path]:
    """Where the numbers of a protocol stand: the value of each { value, unit, … }, and each week of a grid."""
    if isinstance(table, dict) and "value" in table:
        yield (*path, "value")
    elif isinstance(table, dict | list):
        inner = table.items() if isinstance(table, dict) else enumerate(table)
        for key, part in inner:
            yield from numbers(part, (*path, key))
    elif isinstance(table, int | Decimal) and not isinstance(table, bool):
        yield path


def moved(name: str, path: Path, steps: int) -> dict[str, Any]:
    """A protocol file with one number moved by steps of its last printed digit."""
    table = raw(name)
    inner = table
    for key in path[:-1]:
        inner = inner[key]
    number = Decimal(inner[path[-1]])
    change = steps * Decimal(1).scaleb(min(0, int(number.as_tuple().exponent)))
    if path[-2] == "narrow_until":
        # A week without a visit means nothing: the step of this number is the next visit of the grid.
        weeks = next(rule["grid"]["weeks"] for name, rule in table["rules"].items() if name == path[1])
        change = weeks[weeks.index(int(number)) + steps] - number
    inner[path[-1]] = type(inner[path[-1]])(number + change)
    return table


def written(path: Path) -> str:
    return ".".join(map(str, path))


def protocols_with(name: str, table: dict[str, Any]) -> dict[str, Protocol]:
    """Both protocols, with the changed table in the place of one; the trial's stands on the ward's."""
    tables = {"ward": raw("ward"), "trial": raw("trial"), name: table}
    ward, trial = (pickle.loads(kept) for kept in [pickle.dumps(tables["ward"])] * 2)
    for rule, block in tables["trial"]["rules"].items():
        trial["rules"][rule] |= block
    trial |= {key: tables["trial"][key] for key in ("name", "version", "title", "base")}
    for each in (ward, trial):
        for rule, block in each["rules"].items():
            block["name"] = rule
    return {"ward": Protocol.model_validate(ward), "trial": Protocol.model_validate(trial)}


def narrowed(protocol: Protocol, rule: str) -> Protocol:
    """The protocol with a rule and what it needs: the same verdicts in a fraction of the time."""
    own = protocol.rules[rule]
    if rule == "unusable_sample":
        return protocol
    kept = {rule} | {getattr(own, field) for field in ("response", "run", "rebound") if hasattr(own, field)}
    kept |= set(getattr(getattr(own, "raised", None), "unless_open", ()) or ())
    if "kmp_rebound" in kept:
        # The engine reads an analyte where a rule of its own names it.
        kept |= {"durable_platelet_response", "hypofibrinogenemia"}
    return protocol.model_copy(update={"rules": {name: protocol.rules[name] for name in sorted(kept)}})


def fails(case: Case, *, in_words: bool) -> bool:
    """Whether a case is not met, in what it says of the verdict; or in its words too."""
    lines = differences(case)
    if in_words:
        return bool(lines)
    return any(not line.split(": ")[0].endswith((", text", ", missing", ", evidence")) for line in lines)


def place(monkeypatch: pytest.MonkeyPatch, protocols: dict[str, Protocol], rule: str) -> None:
    """Puts protocols in the place of those that cases name."""
    narrow = {name: narrowed(protocol, rule) for name, protocol in protocols.items()}
    monkeypatch.setattr(case_files, "_protocol", lambda name: narrow.get(name) or load_protocol(name))


def named(each: object) -> str:
    """How a test of a number is called."""
    return each if isinstance(each, str) else written(each)


def is_in(listed: dict[str, str], path: Path) -> bool:
    return any(fnmatch(written(path), pattern) for pattern in listed)


NUMBERS = [(name, path) for name in ("ward", "trial") for path in numbers(raw(name))]
OF_RULES = [(name, path) for name, path in NUMBERS if path[0] == "rules"]
SHARED = {"current_within", "not_rechecked_after", "supported_for", "neonate_under", "neonate_d_dimer_up_to"}
OF_SHARED = [(name, path) for name, path in NUMBERS if path[0] == "common" and path[1] in SHARED]
OF_ALERTS = [each for each in NUMBERS if each not in OF_RULES and each not in OF_SHARED]
#: Where the numbers that rules share are seen.
SHOWN_BY = {
    "current_within": "kmp",
    "not_rechecked_after": "plasma_criterion",
    "supported_for": "thrombocytopenia",
    "neonate_under": "consumptive_coagulopathy",
    "neonate_d_dimer_up_to": "elevated_d_dimer",
}


@pytest.mark.untraced
@pytest.mark.parametrize("steps", [1, -1])
@pytest.mark.parametrize(("name", "path"), OF_RULES + OF_SHARED, ids=named)
def test_a_number_moved_one_step_fails_a_case(monkeypatch, name, path, steps):
    rule = SHOWN_BY[path[1]] if path[0] == "common" else path[1]
    own = cases_for(rule)
    place(monkeypatch, protocols_with(name, moved(name, path, steps)), rule)
    assert any(fails(case, in_words=is_in(ONLY_IN_WORDS, path)) for case in own)


# ---- numbers of the alerts: short stories of one child --------------------------------------------------------

LOWER = "reached a lower band"
Story = Callable[[WatchedChild], None]


def reopens_below(rule: str, before: str, on_it: str, below_it: str, event: str = "") -> Story:
    """An acknowledged alert stays quiet on a band, and re-opens one step below it."""

    def story(child: WatchedChild) -> None:
        if event:
            child.happened(f"{event} 0d")
        child.told(*before.split(", "))
        child.acknowledge(rule, "1h")
        child.told(on_it)
        assert child.state(rule) == "acknowledged"
        child.told(below_it)
        assert LOWER in (child.live(rule).reopened_because or "")

    return story


def lasts(rule: str, span: dt.timedelta, most: dt.timedelta, *results: str, event: str = "") -> Story:
    """How long an acknowledgement lasts, and at most."""

    def story(child: WatchedChild) -> None:
        if event:
            child.happened(f"{event} 0d")
        child.told(*results)
        assert lasting(child.live(rule), watched_child.cached_protocol("ward")) == (span, most)

    return story


def in_turn(*stories: Story) -> Story:
    """Each with a child of its own."""

    def story(_: WatchedChild) -> None:
        for each in stories:
            each(WatchedChild())

    return story


def waits_for_a_companion(child: WatchedChild) -> None:
    child.told("plt 0d 90")
    child.clock("3h59m")
    assert child.state("kmp") is None
    child.clock("4h")
    assert child.state("kmp") == "open"


def met_again_within_7_days(child: WatchedChild) -> None:
    for result in ("hb 0d 55", "hb 1d 70", "hb 8d 55"):
        child.told(result)
    assert [alert.times_met for alert in child.of("severe_anemia")] == [2]
    for result in ("hb 9d 70", "hb 17d 55"):
        child.told(result)
    assert [alert.times_met for alert in child.of("severe_anemia")] == [2, 1]


BLEEDS, PALE = "active_bleeding", "symptomatic_anemia"
STORIES: dict[str, Story] = {
    "common.companion_alerts_after": waits_for_a_companion,
    "common.same_alert_within": met_again_within_7_days,
    "common.bands.platelets.0": reopens_below("plasma_criterion", "plt 0d 120", "plt 2h 100", "plt 3h 99", BLEEDS),
    "common.bands.platelets.1": reopens_below("plasma_criterion", "plt 0d 60", "plt 2h 50", "plt 3h 49", BLEEDS),
    "common.bands.platelets.2": reopens_below("plasma_criterion", "plt 0d 40", "plt 2h 30", "plt 3h 29", BLEEDS),
    "common.bands.platelets.3": reopens_below("severe_thrombocytopenia", "plt 0d 20", "plt 2h 10", "plt 3h 9"),
    "common.bands.fibrinogen.0": reopens_below("plasma_criterion", "fib 0d 2.0", "fib 2h 1.6", "fib 3h 1.5", BLEEDS),
    "common.bands.fibrinogen.1": reopens_below("plasma_criterion", "fib 0d 1.2", "fib 2h 1.0", "fib 3h 0.9", BLEEDS),
    "common.bands.fibrinogen.2": reopens_below("plasma_criterion", "fib 0d 0.8", "fib 2h 0.5", "fib 3h 0.4", BLEEDS),
    "common.bands.hemoglobin.0": reopens_below("red_cell_criterion", "hb 0d 90", "hb 2h 80", "hb 3h 79", PALE),
    "common.bands.hemoglobin.1": reopens_below("red_cell_criterion", "hb 0d 70", "hb 2h 60", "hb 3h 59", PALE),
    "common.bands.hemoglobin.2": reopens_below("severe_anemia", "hb 0d 55", "hb 2h 50", "hb 3h 49"),
    "acknowledgement.rules.plasma_criterion": lasts("plasma_criterion", DAY, 3 * DAY, "plt 0d 8"),
    "acknowledgement.rules.red_cell_criterion": lasts("red_cell_criterion", DAY, 3 * DAY, "hb 0d 55"),
    "acknowledgement.rules.kmp_rebound": in_turn(
        lasts("kmp_rebound", 7 * DAY, 3 * DAY, "plt 1d 90", event="response_documented"),
        lasts("kmp_rebound", DAY, 3 * DAY, "plt 1d 40", event="response_documented"),
    ),
    "acknowledgement": lasts("severe_anemia", 7 * DAY, 30 * DAY, "hb 0d 55"),
}


def story_of(path: Path) -> Story:
    """The story of a number: the one with the longest name that begins its own."""
    return STORIES[max((name for name in STORIES if written(path).startswith(name)), key=len)]


@pytest.mark.parametrize("name", STORIES)
def test_the_story_of_a_number_of_the_alerts_is_true(name):
    STORIES[name](WatchedChild())


@pytest.mark.untraced
@pytest.mark.parametrize("steps", [1, -1])
@pytest.mark.parametrize(("name", "path"), OF_ALERTS, ids=named)
def test_a_number_of_the_alerts_moved_one_step_makes_its_story_untrue(monkeypatch, name, path, steps):
    protocol = without_further(protocols_with(name, moved(name, path, steps))["ward"])
    monkeypatch.setattr(watched_child, "cached_protocol", lambda _: protocol)
    with pytest.raises((AssertionError, ValueError)):
        story_of(path)(WatchedChild())


def test_every_number_of_the_rulebook_is_moved():
    places = {written(path) for _, path in OF_RULES + OF_SHARED + OF_ALERTS}
    values = sum((PROTOCOLS / f"{name}.toml").read_text("utf-8").count("value = ") for name in ("ward", "trial"))
    weeks = sum(len(rule["grid"]["weeks"]) for rule in raw("ward")["rules"].values() if "grid" in rule)
    assert len(NUMBERS) == values + weeks
    assert len(places) == len({written(path) for _, path in NUMBERS})
