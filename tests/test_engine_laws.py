"""Laws of the engine on random histories: what must not matter does not, and what is worse never calms."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from decimal import Decimal

import numpy as np
import pytest

from khemon import units
from khemon.models import LASTING_EVENTS, MOMENT_EVENTS
from khemon.rules import evaluate, series
from khemon.rules.calendar import to_ms
from tests.columns import columns, plain
from tests.drawn import HISTORIES, PROTOCOLS, by_engine, drawn, in_words
from tests.histories.files import UNITS
from tests.histories.pools import ZONES

COUNT = HISTORIES // 20
MILLISECOND = dt.timedelta(milliseconds=1)


def replace(history, **changes):
    """The history with some fields changed."""
    return dataclasses.replace(history, **changes)


# ---- order of arrival ----------------------------------------------------------------------------------------


def test_the_order_of_rows_does_not_matter(seed):
    rng = random.Random(seed)
    for history in drawn(seed, COUNT):
        shuffled = replace(
            history,
            labs=tuple(rng.sample(history.labs, len(history.labs))),
            events=tuple(rng.sample(history.events, len(history.events))),
        )
        assert by_engine(shuffled) == by_engine(history), history.seed


# ---- as of a time --------------------------------------------------------------------------------------------


def looked_at(rng, history):
    """The history looked at on, or a little beside, some time in it."""
    times = [lab.collected_at for lab in history.labs]
    times += [time for event in history.events for time in (event.start, event.end) if time is not None]
    aside = rng.choice((0, 0, 1, -1, 60_000, 86_400_000)) * MILLISECOND
    return replace(history, as_of=rng.choice(times).astimezone(dt.UTC) + aside)


def cut(rng, history):
    """The history without what lies after its moment of looking; what ends later is only known to be under way."""
    labs = tuple(lab for lab in history.labs if lab.collected_at <= history.as_of)
    events = []
    for event in history.events:
        if event.start > history.as_of:
            continue
        if event.end is not None and event.end > history.as_of:
            ends = [history.as_of + MILLISECOND, history.as_of + dt.timedelta(days=500)]
            # Only for what goes on until an end is recorded, no end means the same as one that lies ahead.
            ends += [None] if event.kind in LASTING_EVENTS + MOMENT_EVENTS else []
            event = dataclasses.replace(event, end=rng.choice(ends))
        events.append(event)
    return replace(history, labs=labs, events=tuple(events))


def test_as_of_a_time_equals_the_data_cut_there_in_verdicts_and_in_words(seed):
    rng = random.Random(seed)
    for history in drawn(seed, COUNT):
        seen = looked_at(rng, history)
        assert in_words(seen) == in_words(cut(rng, seen)), (history.seed, seen.as_of)


def test_what_was_said_stays_said(seed):
    """An onset, a confirmation or an end is never moved or taken back by samples collected later (versions aside)."""
    rng = random.Random(seed)
    for history in drawn(seed, COUNT):
        plainly = replace(history, labs=first_versions(history.labs))
        seen = looked_at(rng, plainly)
        later = {(row[0], row[1]): row for row in by_engine(replace(seen, as_of=seen.as_of + dt.timedelta(days=900)))}
        for rule, onset, _, _, confirmed_at, end, reason in by_engine(seen):
            assert (rule, onset) in later, (history.seed, rule, onset)
            row = later[rule, onset]
            assert confirmed_at in (None, row[4]), (history.seed, rule, onset)
            assert end is None or (end, reason) == (row[5], row[6]), (history.seed, rule, onset)


def first_versions(labs):
    """One final result of each analyte and time."""
    kept = {}
    for lab in labs:
        kept.setdefault((lab.analyte, lab.collected_at.astimezone(dt.UTC)), lab)
    return tuple(dataclasses.replace(lab, status="final", specimen=None) for lab in kept.values())


# ---- other patients ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows_in_a_block", [1, 7, 60, 1 << 16])
def test_another_patient_never_matters(seed, monkeypatch, rows_in_a_block):
    """One by one equals all at once, in any order of rows and wherever the blocks end."""
    monkeypatch.setattr(series, "BLOCK_ROWS", rows_in_a_block)
    for number, zone in enumerate(ZONES):
        histories = list(drawn(seed, max(COUNT // 16, 5), number * COUNT, zone=zone, protocol="ward"))
        moment = max(history.as_of for history in histories)
        batch, events, patients = columns(histories, zone)
        rng = np.random.default_rng(seed)
        batch = batch.take(rng.permutation(batch.time.size))
        events = events.take(rng.permutation(events.start.size))
        found = evaluate(batch, events, patients, PROTOCOLS["ward"], zone, to_ms(moment))
        together = plain(found, PROTOCOLS["ward"], len(histories))
        alone = [by_engine(replace(history, as_of=moment)) for history in histories]
        assert together == alone


# ---- units ---------------------------------------------------------------------------------------------------


def in_another_unit(rng, lab):
    """The same result as another laboratory reports it, read back; a D-dimer of known basis also in the other one."""
    basis = rng.choice(("FEU", "DDU")) if lab.basis in ("FEU", "DDU") else lab.basis
    unit, factor = rng.choice(sorted(UNITS[basis or lab.analyte].items()))
    quantity = units.convert(lab.analyte, lab.value * Decimal(factor), unit)
    return dataclasses.replace(lab, value=quantity.value, basis=quantity.basis)


def test_a_unit_never_changes_a_verdict(seed):
    rng = random.Random(seed)
    for history in drawn(seed, COUNT):
        converted = replace(history, labs=tuple(in_another_unit(rng, lab) for lab in history.labs))
        assert by_engine(converted) == by_engine(history), history.seed


# ---- worse values --------------------------------------------------------------------------------------------

POINTS_AND_CRITERIA = (
    "thrombocytopenia",
    "severe_thrombocytopenia",
    "hypofibrinogenemia",
    "elevated_d_dimer",
    "severe_anemia",
    "plasma_criterion",
    "red_cell_criterion",
)
PATTERNS = ("kmp", "consumptive_coagulopathy")


def levels(history, rules):
    """At each time of the history and for each rule: 0 silent, 1 possible, 2 confirmed."""
    times = {lab.collected_at.astimezone(dt.UTC) for lab in history.labs}
    times |= {time for event in history.events for time in (event.start, event.end) if time is not None}
    found = dict.fromkeys(((rule, time) for rule in rules for time in times), 0)
    for rule, onset, _, _, confirmed_at, end, reason in by_engine(history):
        for time in times if rule in rules else ():
            if onset <= time and (end is None or time < end or (time == end and reason == "observation_ended")):
                found[rule, time] = 1 + (confirmed_at is not None and confirmed_at <= time)
    return found


def worsened(rng, labs):
    """The results with one number moved to the worse side."""
    place = rng.randrange(len(labs))
    lab = labs[place]
    factor = Decimal(rng.choice(("1.02", "2", "30") if lab.analyte == "d_dimer" else ("0.99", "0.5", "0.05")))
    return (*labs[:place], dataclasses.replace(lab, value=lab.value * factor), *labs[place + 1 :])


def calmed(rng, history, labs, rules):
    """Where a rule says less although one number is worse."""
    seen = replace(history, labs=labs)
    before, after = levels(seen, rules), levels(replace(seen, labs=worsened(rng, labs)), rules)
    return [where for where, level in before.items() if after[where] < level]


def test_a_worse_value_never_calms_a_point_rule_or_a_criterion(seed):
    """One result of each analyte and time: of two, a worse one may be the one that is certain."""
    rng = random.Random(seed)
    for history in drawn(seed, COUNT):
        assert not calmed(rng, history, first_versions(history.labs), POINTS_AND_CRITERIA), history.seed


def test_a_worse_value_never_calms_a_pattern(seed):
    """Plain numbers: a comparator may turn a good value that is not counted into an undecided one that is."""
    rng = random.Random(seed)
    for history in drawn(seed, COUNT):
        labs = [lab for lab in first_versions(history.labs) if not lab.comparator and lab.basis != "unknown"]
        if labs:
            assert not calmed(rng, history, tuple(labs), PATTERNS), history.seed


# ---- time ----------------------------------------------------------------------------------------------------


def test_whole_weeks_later_everything_is_the_same_whole_weeks_later(seed):
    rng = random.Random(seed)
    for history in drawn(seed, COUNT, zone="UTC"):
        weeks = dt.timedelta(weeks=rng.choice((-520, -1, 1, 53)))
        born = history.child.birth_date
        child = dataclasses.replace(history.child, birth_date=born and born + weeks)
        labs = tuple(dataclasses.replace(lab, collected_at=lab.collected_at + weeks) for lab in history.labs)
        events = tuple(
            dataclasses.replace(event, start=event.start + weeks, end=event.end and event.end + weeks)
            for event in history.events
        )
        moved = replace(history, child=child, labs=labs, events=events, as_of=history.as_of + weeks)
        back = [
            (rule, onset - weeks, status, severity, confirmed and confirmed - weeks, end and end - weeks, reason)
            for rule, onset, status, severity, confirmed, end, reason in by_engine(moved)
        ]
        assert back == by_engine(history), history.seed
