"""What the episodes of section 3.7 rest on beyond the evidence with roles."""

from __future__ import annotations

from dataclasses import replace

from khemon.explain.evidence import Stretch, inside
from khemon.explain.gathering import Gathered, Sample
from khemon.explain.looking import Point
from khemon.rules.further_rules import (
    AsideRule,
    BandRule,
    CountsDueRule,
    CourseRule,
    DropRule,
    LevelsDueRule,
    MissingRule,
    QuestionRule,
    SettledRule,
    TrendRule,
)
from khemon.rules.logic import FALSE
from khemon.rules.rulebook import PointRule, RuleBase, RunRule
from khemon.rules.series import FIRST_TIME


def further_grounds(found: Gathered, stretch: Stretch, rule: RuleBase) -> None:
    """Adds what an episode of section 3.7 rests on."""
    if isinstance(rule, TrendRule):
        _of_trend(found, stretch, rule)
    elif isinstance(rule, DropRule):
        _of_drop(found, stretch, rule)
    elif isinstance(rule, AsideRule):
        _of_aside(found, stretch, rule)
    elif isinstance(rule, MissingRule):
        _of_missing(found, stretch, rule)
    elif isinstance(rule, SettledRule):
        _of_settled(found, stretch, rule)
    elif isinstance(rule, CourseRule):
        found.records(rule.drug, stretch.until)
        if rule.without is not None:
            found.records(rule.without, stretch.until)
    elif isinstance(rule, BandRule):
        _of_band(found, stretch, rule)
    elif isinstance(rule, CountsDueRule):
        _of_counts_due(found, stretch, rule)
    elif isinstance(rule, LevelsDueRule):
        _of_levels_due(found, stretch, rule)
    else:
        assert isinstance(rule, QuestionRule)
        _of_question(found, stretch, rule)


def _run(found: Gathered, name: str) -> RunRule:
    return found.looked.knowing.run_rule(name)


def _points(row: list[Sample]) -> list[Point]:
    return [point for _, point, _ in row]


def _of_trend(found: Gathered, stretch: Stretch, rule: TrendRule) -> None:
    """The counts it is measured by, without a gap between; for one that ends a run the last low count before."""
    run = _run(found, rule.run)
    first = found.looked.fall(rule, stretch)[0][0].time
    falls = found.looked.knowing.found[rule.name]
    earlier = falls.onset[(falls.patient == found.patient) & (falls.onset < stretch.onset)].tolist()
    onsets = [stretch.onset]
    for onset in reversed(earlier):
        if onset < first - rule.once_in.ms:
            break
        # One that opened shortly before is what kept the counts in between from opening another.
        onsets.append(onset)
        first = min(first, found.looked.fall(rule, replace(stretch, onset=onset))[0][0].time)
    found.add(*_points(found.row(run, first, stretch.until)))
    for onset in onsets:
        if not all(good for _, _, good in found.row(run, onset, onset)):
            found.add(found.last_bad(run, onset))


def _of_drop(found: Gathered, stretch: Stretch, rule: DropRule) -> None:
    """All inside with those they are measured by, and the result just before the first."""
    for point in inside(found.book, stretch, rule.analyte):
        found.add(point, *found.looked.drop(rule, found.patient, point.time)[1])
    before = found.book.series(rule.analyte).latest(found.patient, stretch.onset - 1)
    assert before is not None, "a fall is one from something"
    found.add(*found.looked.levels_at(rule.analyte, found.patient, before.time))


def _of_aside(found: Gathered, stretch: Stretch, rule: AsideRule) -> None:
    """The usable result that each sample set aside waited for, and what is open where a limit asks for it."""
    points = [asked for asked in found.book.protocol.rules.values() if isinstance(asked, PointRule)]
    unless = dict.fromkeys(other for asked in points if asked.raised for other in asked.raised.unless_open)
    for point in found.looked.spoiled_within(rule, stretch):
        after = found.book.series(point.analyte).between(found.patient, point.time, stretch.until)
        found.add(*after[:1])
        found.standing(unless, point.time)


def _of_missing(found: Gathered, stretch: Stretch, rule: MissingRule) -> None:
    """The latest count inside, and where companions ended it, those."""
    lead, _ = found.looked.companions(rule, stretch)
    found.add(lead)
    if stretch.closed_at is not None:
        series = found.book.series(rule.analyte)
        ending = series.latest(found.patient, stretch.until)
        assert ending is not None
        enough = series.verdict(ending, rule) == FALSE
        found.now([rule.analyte, *(() if enough else rule.companions)], stretch.until)


def _of_settled(found: Gathered, stretch: Stretch, rule: SettledRule) -> None:
    run = _run(found, rule.run)
    row = found.looked.run_samples(rule, stretch)
    found.add(*row, found.last_bad(run, row[0].time))
    found.add(*_points(found.row(run, stretch.until, stretch.until)))
    found.records(rule.drug, stretch.until)
    rebounds = found.looked.knowing.found[rule.rebound]
    for place in (rebounds.patient == found.patient).nonzero()[0].tolist():
        if row[0].time <= rebounds.end[place] <= stretch.onset:
            found.also(rule.rebound, int(rebounds.onset[place]), stretch.onset)


def _of_band(found: Gathered, stretch: Stretch, rule: BandRule) -> None:
    """The levels at each turn and the latest, the band chosen, and the course during which they count."""
    levels = found.looked.levels(rule, found.patient, stretch.onset, stretch.until)
    judged = found.looked.last_judged(rule, found.patient, stretch.last_inside)
    turns = {stretch.onset, stretch.confirmed_at, judged, stretch.until}
    found.add(*(point for point, _ in levels if point.time in turns))
    found.entries.add("sirolimus_target")
    if rule.drug is not None:
        found.records(rule.drug, stretch.until)


def _of_counts_due(found: Gathered, stretch: Stretch, rule: CountsDueRule) -> None:
    """What says how soon the next was due: lows before, good ones in a row, the response, steps."""
    run = _run(found, rule.run)
    since, why = found.looked.due(rule, stretch)
    row = found.row(run, FIRST_TIME, since)
    goods = row[1 + max((place for place, sample in enumerate(row) if not sample[2]), default=-1) :]
    found.add(found.last_bad(run, since), *_points(goods[: rule.settled_samples.count - 1]))
    found.first("day0")
    found.entries.add("day0")
    if why == "step":
        for drug in rule.step_drugs:
            found.records(drug, stretch.until)
    response = found.looked.confirmed_before(rule.run, found.patient, since)
    told = [span.start for span in found.book.spans(found.patient, "response_documented") if span.start <= since]
    if told:
        found.first("response_documented")
        found.first("response_documented", since=told[-1])
    if response is not None:
        found.also(rule.run, response, since)
    found.add(*[point for _, point, good in row if not good][:1])


def _of_levels_due(found: Gathered, stretch: Stretch, rule: LevelsDueRule) -> None:
    since, _ = found.looked.due(rule, stretch)
    for time in (since, stretch.until):
        found.add(*(point for point, _ in found.looked.levels(rule, found.patient, time, time)))
    found.records(rule.drug, stretch.until)


def _of_question(found: Gathered, stretch: Stretch, rule: QuestionRule) -> None:
    """The next result after each that is asked about, and the events that would explain a change."""
    asked = list(found.looked.questions(rule, stretch))
    for question in asked:
        analyte, time = question.point.analyte, question.point.time
        found.add(*found.book.series(analyte).between(found.patient, time + 1, stretch.until)[:1])
    for analyte in {question.point.analyte for question in asked}:
        times = sorted({point.time for point in found.points.values() if point.analyte == analyte})
        for time in times:
            found.add(*found.looked.levels_at(analyte, found.patient, time))
        for jump in rule.jumps:
            if jump.analyte == analyte:
                ahead = 0 if jump.within is None else jump.within.ms
                found.happened(jump.unless, times[0] - ahead, times[-1])
                if jump.troughs_only:
                    found.records(analyte, stretch.until)
