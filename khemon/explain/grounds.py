"""What an episode rests on: a small set of results, events and entries from which alone it can be told again.

Absence needs no witness: what was not measured is not there in a part of the data either.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from khemon.explain.evidence import Role, Stretch, currents, inside, stretch_of
from khemon.explain.further_grounds import further_grounds
from khemon.explain.gathering import Gathered, Sample
from khemon.explain.knowing import Looked
from khemon.explain.looking import limbs_of
from khemon.rules.rulebook import FURTHER, AllOfRule, AnyOfRule, PointRule, ReboundRule, RunRule
from khemon.rules.series import FIRST_TIME, NO_TIME


def gathered(looked: Looked, stretch: Stretch, evidence: Callable[[Stretch], list[Role]]) -> Gathered:
    """All that an episode rests on, its evidence and what other episodes it needs rest on among it."""
    return _gathered(looked, stretch, evidence, frozenset())


def _gathered(
    looked: Looked, stretch: Stretch, evidence: Callable[[Stretch], list[Role]], within: frozenset[tuple[str, int]]
) -> Gathered:
    """within: the episodes for whose sake this one is asked about."""
    asked = within | {(stretch.rule.name, stretch.onset)}

    def also(rule: str, onset: int, until: int) -> None:
        if (rule, onset) not in asked:
            episodes = looked.knowing.found[rule]
            at = ((episodes.patient == stretch.patient) & (episodes.onset == onset)).nonzero()[0]
            other = stretch_of(looked.book, episodes, int(at[0]))
            found.until(_gathered(looked, other, evidence, asked), until)

    found = Gathered(looked, stretch.patient, also)
    found.add(*(point for _, point in evidence(stretch)))
    _gather(found, stretch)
    return found


def _gather(found: Gathered, stretch: Stretch) -> None:
    """Adds what an episode rests on beyond the evidence with roles."""
    rule = stretch.rule
    if isinstance(rule, PointRule):
        _of_point(found, stretch, rule)
    elif isinstance(rule, AnyOfRule):
        _of_any(found, stretch, rule)
    elif isinstance(rule, AllOfRule):
        _of_all(found, stretch, rule)
    elif isinstance(rule, RunRule):
        _of_run(found, stretch, rule)
    elif isinstance(rule, ReboundRule):
        _of_rebound(found, stretch, rule)
    else:
        assert isinstance(rule, FURTHER)
        further_grounds(found, stretch, rule)
    if stretch.end_reason == "observation_ended":
        _of_closing(found, stretch)


def _of_closing(found: Gathered, stretch: Stretch) -> None:
    """What closed the observation: the first closing event, or the end of follow-up."""
    closes = int(found.book.prepared.closing[found.patient])
    if stretch.end == closes:
        found.first("death", since=closes)
        found.first("transfer_out", since=closes)
        found.first("follow_up_end", since=closes)
    else:
        found.entries.add("followed_until")


def _of_point(found: Gathered, stretch: Stretch, rule: PointRule) -> None:
    latest = inside(found.book, stretch, rule.analyte)[-1]
    found.add(latest)
    if rule.raised is not None and latest.high < rule.raised.limit.limit:
        found.standing(rule.raised.unless_open, stretch.last_inside)
    found.apart([rule.analyte], stretch.onset)


def _of_any(found: Gathered, stretch: Stretch, rule: AnyOfRule) -> None:
    """Each turn of each limb, its latest value (its age counts), and the events."""
    for limb in rule.comparisons:
        series = found.book.series(limb.analyte)
        before: int | None = None
        for point in series.between(found.patient, stretch.onset, stretch.until):
            verdict = series.verdict(point, limb)
            if verdict != before:
                found.add(point)
            before = verdict
    found.now((limb.analyte for limb in rule.comparisons), stretch.last_inside)
    found.happened(rule.events, stretch.onset, stretch.until)
    found.apart((limb.analyte for limb in rule.comparisons), stretch.onset)


def _of_all(found: Gathered, stretch: Stretch, rule: AllOfRule) -> None:
    """The values at each turn and at the last moment, and what kept it from opening before."""
    found.add(*currents(found.book, found.patient, rule.limbs, stretch.last_inside))
    if rule.severity_neonate is not None:
        own = {limb.analyte: limb for limb in rule.limbs}
        others = [limb for limb in rule.neonate_unless if limb.analyte not in own]
        found.add(*currents(found.book, found.patient, others, stretch.last_inside))
        for analyte in (limb.analyte for limb in rule.neonate_unless if limb.analyte in own):
            # The rule's own is read as last seen, however old.
            series = found.book.series(analyte, own[analyte])
            found.add(series.latest(found.patient, stretch.last_inside, counted=True))
        found.entries.add("birth_date")
    within = found.book.protocol.common.current_within.ms
    for limb in rule.limbs:
        # One that is not counted keeps its analyte from being called missing.
        found.add(found.book.series(limb.analyte, limb).latest(found.patient, stretch.last_inside, within))
    found.agreeing(
        rule.limbs, stretch.onset, stretch.last_inside if stretch.confirmed_at is None else stretch.confirmed_at
    )
    if any(point.time < stretch.onset for point in found.points.values()):
        found.denying(rule, stretch.onset - 1)


def _of_run(found: Gathered, stretch: Stretch, rule: RunRule) -> None:
    """The bad sample before, and a chain of good ones without a gap, long enough to confirm where it was confirmed."""
    found.add(found.last_bad(rule, stretch.since))
    if stretch.end_reason == "broken":
        found.add(*(point for _, point, _ in found.row(rule, stretch.since, stretch.since)))
    if stretch.end_reason != "broken":
        row = found.row(rule, stretch.onset, stretch.until if stretch.confirmed_at is None else stretch.confirmed_at)
        found.add(*(point for _, point, _ in chain(found, rule, row)))
    if stretch.end_reason == "gap":
        found.add(*(point for _, point, _ in found.row(rule, stretch.until + 1, found.book.prepared.as_of)[:1]))


def chain(found: Gathered, rule: RunRule, row: list[Sample]) -> list[Sample]:
    """Some of a row of good samples, the first and the last among them: no gap too long between, enough of them."""
    day = found.looked.knowing.points(rule.analyte).day
    kept = row[:1]
    for here, following in pairwise(row):
        if int(day[following[0]]) - int(day[kept[-1][0]]) > rule.gap.count:
            kept.append(here)
    kept += row[1:][-1:]
    for sample in row:
        if len(kept) >= rule.samples.count:
            break
        kept += [] if sample in kept else [sample]
    return kept


def _of_rebound(found: Gathered, stretch: Stretch, rule: ReboundRule) -> None:
    response = found.book.protocol.rules[rule.response]
    assert isinstance(response, RunRule)
    _armed(found, stretch, rule)
    row = found.row(response, stretch.onset, stretch.until)
    turns = [
        here for before, here in zip([None, *row[:-1]], row, strict=True) if before is None or before[2] != here[2]
    ]
    # The turns until it was confirmed are evidence. The latest sample, and of the row of good ones it ends the first
    # two: they say whether it is settled.
    last_turn = row.index(turns[-1])
    found.add(*(point for _, point, _ in [*row[last_turn : last_turn + rule.isolated_samples.count - 1], row[-1]]))
    if stretch.confirmed_at is not None:
        found.agreeing(limbs_of(rule), stretch.onset, stretch.confirmed_at)
    if stretch.end_reason == "recovered":
        found.also(rule.response, _confirmed_runs(found, rule, stretch.until, stretch.until)[0][1], stretch.until)


def _armed(found: Gathered, stretch: Stretch, rule: ReboundRule) -> None:
    """What armed the watch: a response documented or confirmed since the rebound before, else the end of that one."""
    earlier = found.looked.knowing.found[rule.name]
    earlier = earlier.take((earlier.patient == found.patient) & (earlier.onset < stretch.onset))
    since = int(earlier.end[-1]) if earlier.size else FIRST_TIME
    told = [span.start for span in found.book.spans(found.patient, rule.documented_by)]
    told = [start for start in told if since <= start < stretch.onset]
    confirmed = _confirmed_runs(found, rule, since, stretch.onset)
    if told:
        found.first(rule.documented_by, since=max(told))
    elif confirmed:
        known, onset = confirmed[-1]
        found.also(rule.response, onset, known)
    else:
        found.also(rule.name, int(earlier.onset[-1]), since)


def _confirmed_runs(found: Gathered, rule: ReboundRule, first: int, last: int) -> list[tuple[int, int]]:
    """When runs of the response were confirmed in [first, last], each with its onset, in order."""
    runs = found.looked.knowing.found[rule.response]
    chosen = (runs.patient == found.patient) & (runs.confirmed_at != NO_TIME)
    chosen &= (runs.confirmed_at >= first) & (runs.confirmed_at <= last)
    return sorted(zip(runs.confirmed_at[chosen].tolist(), runs.onset[chosen].tolist(), strict=True))
