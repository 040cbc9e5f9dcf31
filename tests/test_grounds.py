"""What an episode is said to rest on is enough: from it alone every rule tells the same episode again."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import pytest

from khemon.actions.watch.explained import explained_rule
from khemon.explain import explained
from khemon.explain.cases import run_case
from khemon.models import Episode, GroundEvent, GroundResult, Grounds
from khemon.rules import Protocol, evaluate, load_protocol, prepare
from khemon.rules.calendar import MS_PER_UNIT, to_ms
from khemon.rules.cases import CASES, Case, load_cases
from tests import reference
from tests.columns import columns, plain
from tests.drawn import FromHistory
from tests.histories import History, make_history
from tests.histories.treatment import treated
from tests.reference.shorthand import at, event, lab

#: How many histories; `HYPOTHESIS_PROFILE=nightly` looks at many more, `KHEMON_GROUNDS=n` at n.
EXAMPLES = int(os.environ.get("KHEMON_GROUNDS", "200"))
NIGHTS, PARTS = 20, 4
HARD = (903115850, 158, 169, 249, 258, 290, 10193, 10439, 101871, 102462)
#: Grounds are this much fewer than the results of a history, at least.
FEW = 5
PROTOCOLS = {name: load_protocol(name) for name in ("ward", "trial")}
TOLD = [case for path in sorted(CASES.glob("*.toml")) for case in load_cases(path) if case.expect]


def with_grounds(history: History, protocol: Protocol) -> list[Episode]:
    """Every episode of a history with all that it rests on; ids of results are rows."""
    results, events, patients = columns([history], history.zone)
    as_of = to_ms(history.as_of)
    found = evaluate(results, events, patients, protocol, history.zone, as_of)
    prepared = prepare(results, events, 1, protocol, as_of)
    who = (["P"], [history.child.diagnosis is not None])
    return explained(found, prepared, patients, protocol, history.zone, *who, FromHistory(history), grounded=True)


def happened(event: reference.Event | GroundEvent) -> tuple[str, int, int | None]:
    """What an event is known by."""
    return event.kind, to_ms(event.start), None if event.end is None else to_ms(event.end)


def cut_to(history: History, grounds: Grounds) -> History:
    """The history with nothing but these results, events and entries of the register."""
    rows = {result.result_id for result in grounds.results}
    told = {happened(event) for event in grounds.events}
    kept = {name: getattr(history.child, field) for name, field in FIELDS.items() if name in grounds.entries}
    child = dataclasses.replace(
        history.child,
        **{field: kept.get(name) for name, field in FIELDS.items()},
    )
    return dataclasses.replace(
        history,
        labs=tuple(lab for lab in history.labs if lab.row in rows),
        events=tuple(event for event in history.events if happened(event) in told),
        child=child,
    )


FIELDS = {"birth_date": "birth_date", "day0": "day0", "followed_until": "followed_until", "sirolimus_target": "target"}


def verdict(episode: Episode) -> tuple[object, ...]:
    """All that has to be told again: rule, status, severity, and every time of it."""
    times = (episode.onset, episode.confirmed_at, episode.end)
    return (
        episode.rule,
        *(time and to_ms(time) for time in times),
        episode.status,
        episode.severity,
        episode.end_reason,
    )


def told_again(history: History, episodes: Sequence[Episode]) -> list[bool]:
    """For each episode whether the engine tells it again from nothing but its grounds."""
    protocol = PROTOCOLS[history.protocol]
    cuts = [cut_to(history, episode.grounds) for episode in episodes]
    if not cuts:
        return []
    found = evaluate(*columns(cuts, history.zone), protocol, history.zone, to_ms(history.as_of))
    verdicts = []
    for episode, rows in zip(episodes, plain(found, protocol, len(cuts)), strict=True):
        told = [
            (rule, *(time and to_ms(time) for time in (onset, confirmed, end)), status, severity, reason)
            for rule, onset, status, severity, confirmed, end, reason in rows
        ]
        verdicts.append(verdict(episode) in told)
    return verdicts


def episodes_of(seed: int) -> tuple[History, list[Episode]]:
    """The treated history of a seed, and every episode of it by all rules."""
    history = treated(make_history(seed))
    return history, with_grounds(history, PROTOCOLS[history.protocol])


@pytest.mark.parametrize("part", range(PARTS))
def test_from_its_grounds_alone_an_episode_is_told_again(part, seed, nightly):
    for number in range(part, EXAMPLES * (NIGHTS if nightly else 1), PARTS):
        history, episodes = episodes_of(seed + number)
        lost = [verdict(e) for e, told in zip(episodes, told_again(history, episodes), strict=True) if not told]
        assert not lost, f"history {history.seed}"


@pytest.mark.parametrize("number", HARD)
def test_histories_on_which_fewer_grounds_were_not_enough(number):
    history, episodes = episodes_of(number)
    assert all(told_again(history, episodes))


def case_cut_to(case: Case, grounds: Grounds) -> Case:
    """The case with nothing but these results, events and entries, looked at when it was looked at before."""
    ids = {result.result_id for result in grounds.results}
    told = {(each.kind, to_ms(each.start), None if each.end is None else to_ms(each.end)) for each in grounds.events}
    events = [
        each
        for each in case.events
        if (each.kind, case.at_ms(each.start), None if each.end is None else case.at_ms(each.end)) in told
    ]
    times = [lab.at for lab in case.labs] + [time for each in case.events for time in (each.start, each.end) if time]
    look = max(case.at_ms(time) for time in ([case.as_of] if case.as_of else times)) - case.start_ms
    child = {"birth": "birth_date", "day0": "day0", "followed_until": "followed_until", "target": "sirolimus_target"}
    unsaid = [field for field, entry in child.items() if entry not in grounds.entries]
    return case.model_copy(
        update={
            "labs": tuple(lab for number, lab in enumerate(case.labs, start=1) if number in ids),
            "events": tuple(events),
            "as_of": f"{look // MS_PER_UNIT['min']} min",
        }
        | {field: "" if field == "target" else None for field in unsaid}
    )


@pytest.mark.untraced
@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.rule}: {case.name}") for case in TOLD])
def test_from_its_grounds_alone_the_episode_of_a_case_is_told_again(case):
    for episode in run_case(case, grounded=True):
        again = run_case(case_cut_to(case, episode.grounds))
        assert verdict(episode) in [verdict(each) for each in again]


@pytest.mark.untraced
def test_the_evidence_is_among_the_grounds_and_the_grounds_are_few():
    sizes, whole = [], []
    for seed in range(40):
        history, episodes = episodes_of(seed)
        for episode in episodes:
            rows = [result.result_id for result in episode.grounds.results]
            assert {item.result_id for item in episode.evidence} <= set(rows)
            assert len(rows) == len(set(rows))
            sizes.append(len(rows))
            whole.append(len(history.labs))
    assert sum(sizes) < sum(whole) / FEW, "an episode should rest on a small part of what was measured"


def test_every_rule_says_its_words_numbers_source_and_when_it_misleads():
    for protocol in PROTOCOLS.values():
        for name, rule in protocol.rules.items():
            told = explained_rule(name, protocol)
            assert told.words and told.source and told.misleads_if, name
            assert told.protocol == f"{protocol.title}, version {protocol.version}"
            assert all(line.number and line.source for line in told.numbers), name
            assert bool(told.numbers) or not hasattr(rule, "limit"), name


def without(episode: Episode, left_out: GroundResult) -> Episode:
    """The same episode, one result of its grounds left out."""
    rest = tuple(result for result in episode.grounds.results if result is not left_out)
    return episode.model_copy(update={"grounds": episode.grounds.model_copy(update={"results": rest})})


def lost_without_each(rule: str, count: int) -> tuple[int, int]:
    """Over some episodes of a rule: without how many of their grounds they are not told any more; of how many."""
    lost = of = 0
    for seed in range(count):
        history, episodes = episodes_of(seed)
        fewer = [
            without(episode, result)
            for episode in episodes
            if episode.rule == rule
            for result in episode.grounds.results
        ]
        told = told_again(history, fewer)
        lost, of = lost + told.count(False), of + len(told)
    return lost, of


@pytest.mark.untraced
@pytest.mark.parametrize("rule", ["durable_platelet_response", "kmp", "severe_thrombocytopenia"])
def test_most_grounds_are_needed(rule):
    lost, of = lost_without_each(rule, 25)
    assert of > 0
    assert lost >= of / 2, f"{lost} of {of}"


def grounds_of(rule: str, labs: Sequence[reference.Lab], events: Sequence[str] = (), as_of: str = "0d") -> Grounds:
    """What the latest episode of a rule rests on, in a history told in lines."""
    numbered = tuple(dataclasses.replace(each, row=place + 2, recorded=place) for place, each in enumerate(labs))
    told = tuple(event(text) for text in events)
    history = History(0, reference.Child("P"), numbered, told, "UTC", "ward", at(as_of))
    *_, found = [each for each in with_grounds(history, PROTOCOLS["ward"]) if each.rule == rule]
    return found.grounds


def test_what_was_not_counted_is_told_with_its_reason():
    labs = [lab("plt 0d 80"), lab("fib 3h 2.0"), lab("dd 0d 2"), lab("fib 1h 1.9", status="preliminary")]
    labs += [lab("plt 2h 12", quality="clumped"), lab("plt 4h 79")]
    told = grounds_of("kmp", labs, ["plasma 2h"], "4h").not_counted
    assert told == (
        "fibrinogen 1.9 on 2026-01-01 09:00, preliminary: not counted",
        "platelets 12 on 2026-01-01 10:00, clumped: set aside",
        "fibrinogen 2 on 2026-01-01 11:00, 1 h after plasma: not counted",
    )


def test_a_count_that_cannot_be_told_is_not_counted_in_a_run_and_said_so():
    told = grounds_of("durable_platelet_response", [lab("plt 0d 50"), lab("plt 1d 120"), lab("plt 2d >90")], (), "3d")
    assert told.not_counted == ("platelets >90 (cannot tell whether >=100) on 2026-01-03 08:00: not counted",)


def test_a_confirmed_run_rests_on_the_low_count_before_and_a_chain_without_a_gap():
    days = (1, 3, 8, 12, 15, 20, 27, 29, 40)
    labs = [lab("plt 0d 50"), *(lab(f"plt {day}d 150") for day in days)]
    found = grounds_of("durable_platelet_response", labs, (), "40d")
    assert [(result.collected_at - at("0d")).days for result in found.results] == [0, 1, 15, 29]


def test_a_lifted_end_rests_on_the_product():
    labs = [lab("plt 0d 20"), lab("plt 1d 120")]
    found = grounds_of("severe_thrombocytopenia", labs, ["platelet_transfusion 12h 13h", "plasma 3h"], "2d")
    assert [(each.kind, each.start, each.end) for each in found.events] == [
        ("platelet_transfusion", at("12h"), at("13h")),
    ]


def test_two_rules_that_ask_about_each_other_come_to_an_end():
    ward = PROTOCOLS["ward"]
    low, thin = ward.rules["thrombocytopenia"], ward.rules["hypofibrinogenemia"]
    raised = low.raised.model_copy(update={"unless_open": ("hypofibrinogenemia",)})
    other = raised.model_copy(update={"limit": thin.limit, "unless_open": ("thrombocytopenia",)})
    each_other = {
        "thrombocytopenia": low.model_copy(update={"raised": raised}),
        "hypofibrinogenemia": thin.model_copy(update={"raised": other}),
    }
    protocol = ward.model_copy(update={"rules": dict(ward.rules) | each_other})
    labs = tuple(
        dataclasses.replace(lab(text), row=row) for row, text in enumerate(("plt 0d 40", "fib 0d 1.0"), start=2)
    )
    found = with_grounds(History(0, reference.Child("P"), labs, (), "UTC", "ward", at("0d")), protocol)
    rows = {e.rule: {result.result_id for result in e.grounds.results} for e in found if e.rule in each_other}
    assert rows == {"thrombocytopenia": {2, 3}, "hypofibrinogenemia": {2, 3}}


def test_a_taper_criterion_met_when_a_rebound_ended_rests_on_the_rebound_too():
    counts = {0: 150, 30: 80, 31: 40} | dict.fromkeys(range(32, 64, 4), 120)
    labs = [lab(f"plt {day}d {value}") for day, value in counts.items()]
    found = grounds_of("steroid_taper_criterion", labs, ["prednisolone 20d", "response_documented 0d"], "60d")
    assert 80 in [int(result.value) for result in found.results]
