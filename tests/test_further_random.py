"""The engine and the slow reading of section 3.7 agree on random histories with treatment; time shows nothing early."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import random
from functools import cache

import pytest

from khemon.rules import Protocol, load_protocol
from khemon.rules.further_rules import FURTHER
from tests.columns import all_by_engine
from tests.histories import History, make_history
from tests.histories.treatment import treated
from tests.reference import PROTOCOLS, Child
from tests.reference.extras import evaluate_further
from tests.reference.shorthand import at, lab

EXAMPLES = int(os.environ.get("KHEMON_FURTHER_EXAMPLES", "240"))
CHUNK = 40


@cache
def protocol(name: str) -> Protocol:
    return load_protocol(name)


def by_engine(history: History) -> list[tuple[object, ...]]:
    rules = protocol(history.protocol).rules
    found = all_by_engine(history, protocol(history.protocol))
    return sorted((row for row in found if isinstance(rules[str(row[0])], FURTHER)), key=str)


def slowly(history: History) -> list[tuple[object, ...]]:
    gap = PROTOCOLS[history.protocol]["gap_days"]
    found = evaluate_further(history.labs, history.events, history.child, gap, history.zone, history.as_of)
    return sorted((episode.verdict for episode in found), key=str)


@pytest.mark.parametrize("first", range(0, EXAMPLES, CHUNK))
def test_the_engine_says_what_the_slow_reading_says(first):
    for seed in range(first, first + CHUNK):
        history = treated(make_history(seed))
        assert by_engine(history) == slowly(history), f"seed {seed}"


def cut_at(history: History, time: dt.datetime) -> History:
    """What was there at a time: later samples and events gone. The register keeps its columns."""
    labs = tuple(lab for lab in history.labs if lab.collected_at <= time)
    events = tuple(event for event in history.events if event.start <= time)
    return dataclasses.replace(history, labs=labs, events=events, as_of=time)


@pytest.mark.parametrize("first", range(0, EXAMPLES // 2, CHUNK))
def test_as_of_a_time_says_what_the_data_cut_at_that_time_says(first):
    for seed in range(first, first + CHUNK):
        history = treated(make_history(seed))
        rng = random.Random(f"cut {seed}")
        times = [lab.collected_at for lab in history.labs] + [event.start for event in history.events]
        time = rng.choice(times) + rng.choice((dt.timedelta(0), dt.timedelta(minutes=1), dt.timedelta(days=9)))
        looked = dataclasses.replace(history, as_of=time)
        assert by_engine(looked) == by_engine(cut_at(history, time)), f"seed {seed}"


def test_an_episode_that_had_opened_stays_as_it_was_when_time_goes_on():
    for seed in range(CHUNK):
        history = treated(make_history(seed))
        later = dataclasses.replace(history, as_of=history.as_of + dt.timedelta(days=40))
        before, after = by_engine(history), by_engine(later)
        known = {(row[0], row[1]) for row in after}
        missing = [row for row in before if (row[0], row[1]) not in known]
        future = [event for event in history.events if event.start > history.as_of]
        future += [lab for lab in history.labs if lab.collected_at > history.as_of]
        assert not missing or future, f"seed {seed}: {missing}"


def test_a_sample_that_waits_for_its_last_millisecond_only_is_one_of_several_in_a_row():
    times = [at("1d") + dt.timedelta(milliseconds=number) for number in (0, 1, 2)]
    qualities = ("clotted", "clotted", "")
    labs = tuple(
        dataclasses.replace(lab("plt 1d 150"), collected_at=time, quality=quality, row=row + 2, recorded=row)
        for row, (time, quality) in enumerate(zip(times, qualities, strict=True))
    )
    history = History(0, Child("P", None), labs, (), "UTC", "ward", at("2d"))
    found = by_engine(history)
    assert found == slowly(history)
    assert [(row[1], row[3], row[5]) for row in found if row[0] == "unusable_sample"] == [
        (times[0], "warning", times[2])
    ]
