"""What the rows of a child say, without the clock: what the ward list keeps until they change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from khemon.actions.watch.answers import LimbSeen, limbs_seen
from khemon.actions.watch.cells import PAIR
from khemon.actions.watch.due import told_until
from khemon.actions.watch.known import Known
from khemon.actions.watch.lasting import lasting
from khemon.actions.watch.products import Given, last_given
from khemon.actions.watch.readings import run_counts
from khemon.figures.samples import Sample
from khemon.figures.words import DAY, HOUR, moment
from khemon.models import Episode
from khemon.rules import Protocol
from khemon.rules.rulebook import AllOfRule, RunRule
from khemon.store import Reader, batch_of

SPARK_LENGTH = 28 * DAY
#: Without a change rows are read anew after this long; the children of a ward take turns.
LONGEST, SHORTEST = 8 * HOUR, 4 * HOUR
#: Of how long ago it is known when something was recorded.
ARRIVED_WITHIN = 4 * DAY


@dataclass(frozen=True, slots=True)
class Arrival:
    """What was recorded together: when, the analyte of results or the kind of events, and how many."""

    at: dt.datetime
    what: str
    is_result: bool
    count: int


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """What is known of a child, and until when it holds while nothing arrives.

    recorded: when the latest value of each analyte was, of those that were lately.

    samples: of the last weeks, of each analyte at least two, and all of a run that goes on. episodes: those that are
    open, in words, and the last platelet run. counts: how that run reads its samples.
    """

    samples: tuple[Sample, ...]
    episodes: tuple[Episode, ...]
    run: Episode | None
    counts: tuple[tuple[Sample, bool | None], ...]
    limbs: tuple[LimbSeen, ...]
    given: Given | None
    arrivals: tuple[Arrival, ...]
    recorded: tuple[tuple[str, dt.datetime], ...]
    until: dt.datetime


def run_rule(protocol: Protocol) -> RunRule:
    """The rule whose run the response clock shows."""
    rule = protocol.rules["durable_platelet_response"]
    assert isinstance(rule, RunRule)
    return rule


def pattern_rule(protocol: Protocol) -> AllOfRule:
    """The rule that the list answers for each child."""
    rule = protocol.rules["kmp"]
    assert isinstance(rule, AllOfRule)
    return rule


def told_by_weeks(run: Episode, now: dt.datetime) -> bool:
    """Whether the weeks of a run are of interest: it is not confirmed, and goes on or ended lately."""
    return run.confirmed_at is None and (run.end is None or run.end >= now - SPARK_LENGTH)


def facts_of(reader: Reader, known: Known, numbers: dict[str, int]) -> dict[str, ChildFacts]:
    """Patient id to what is known of each child; numbers: the number of each in the store."""
    episodes, all_of_them = known.standing_episodes(run_rule(known.protocol).name)
    lasts = lasting(known, all_of_them, LONGEST)
    found = {}
    for name in known.index:
        turn = SHORTEST + (LONGEST - SHORTEST) * (numbers[name] % 64) / 64
        until = min(lasts[name], known.now + turn, told_until(known, episodes[name]) or lasts[name])
        found[name] = _facts(reader, known, name, episodes[name], until)
    return found


def _facts(reader: Reader, known: Known, name: str, episodes: Sequence[Episode], until: dt.datetime) -> ChildFacts:
    rule = run_rule(known.protocol)
    runs = [episode for episode in episodes if episode.rule == rule.name]
    # All samples of the run that the clock tells week by week, however long ago it began.
    running = [run.onset for run in runs[-1:] if told_by_weeks(run, known.now)]
    samples = known.samples(name, min([known.now - SPARK_LENGTH - DAY, *running]), PAIR)
    recorded = {number: moment(ms) for number, ms in reader.recorded_of(name).items()}
    late = {number: at for number, at in recorded.items() if at >= known.now - ARRIVED_WITHIN}
    latest = {sample.analyte: batch_of(sample.result_id) for sample in samples if sample.counted and sample.leads}
    return ChildFacts(
        tuple(samples),
        tuple(episode for episode in episodes if episode.end is None),
        runs[-1] if runs else None,
        tuple(run_counts(known, name, rule, samples)),
        limbs_seen(known, name, pattern_rule(known.protocol)),
        last_given(known, name, samples, SPARK_LENGTH),
        tuple(_arrivals(known, name, late)),
        tuple((analyte, late[number]) for analyte, number in latest.items() if number in late),
        until,
    )


def _arrivals(known: Known, name: str, late: dict[int, dt.datetime]) -> list[Arrival]:
    """What was recorded lately about a child, the oldest first."""
    brought = known.brought(name, late).items()
    found = [Arrival(late[batch], what, is_result, count) for (batch, what, is_result), count in brought]
    return sorted(found, key=lambda arrival: (arrival.at, arrival.what))
