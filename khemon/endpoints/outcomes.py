"""Answers on what became of a child: lesion, quality of life, sequelae, stops, failure, rebound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from khemon.endpoints.answers import Answers, Choice
from khemon.endpoints.children import NEVER, Coded, Happenings, Known, first_day
from khemon.endpoints.judged import Judged
from khemon.endpoints.nearest import latest_before, nearest
from khemon.endpoints.numbers import EndpointNumbers, LesionScheme, Visit
from khemon.endpoints.treatment import Treatment
from khemon.endpoints.weekly import excluded_by
from khemon.rules.series import NONE, Bools, Codes, Floats, Ints, in_steps, keys, positions

#: Classes of volume change; a child without both volumes has none.
LESION_CLASSES = ("growth", "no_change", "partial", "nearly_complete", "complete")
_CLASS = {word: np.int8(code) for code, word in enumerate(LESION_CLASSES)}


@dataclass(frozen=True, slots=True)
class Change:
    """A measurement at baseline and at month 12; NaN where missing. steps: the same exact, for comparing.

    settled: nothing that can still come changes the later one. other_unit: the two, where there are two, cannot be
    compared.
    """

    first: Floats
    later: Floats
    settled: Bools
    other_unit: Bools

    @property
    def there(self) -> Bools:
        """Who has both."""
        found: Bools = ~np.isnan(self.first) & ~np.isnan(self.later) & ~self.other_unit
        return found

    @property
    def difference(self) -> Floats:
        """The later less the first; NaN without both, and while a nearer one may still come."""
        found: Floats = np.where(self.there & self.settled, self.later - self.first, np.nan)
        return found

    @property
    def relative(self) -> Floats:
        """The difference as a fraction of the first; NaN from a first of 0."""
        told = self.there & (self.first != 0)
        found: Floats = np.divide(self.difference, self.first, out=np.full(self.first.size, np.nan), where=told)
        return found

    @property
    def steps(self) -> tuple[Ints, Ints]:
        """Both as whole numbers of small steps, in which decimals are exact; 0 where missing."""
        first, later = (in_steps(np.nan_to_num(column)) for column in (self.first, self.later))
        return first, later


def change(told: Happenings, facts: Known, visit: Visit, oldest: int) -> Change:
    """The last measurement until day 0 and the one nearest to a visit. told: of one kind, by patient and time."""
    dose = told.events.dose
    assert dose is not None
    rows = positions(~np.isnan(dose))
    readable = told.take(rows)
    events, n = readable.events, facts.day0.size
    by_day = keys(events.patient, facts.day_of(events.start))
    patient = np.arange(n)
    first = latest_before(by_day, patient, facts.day0_day, oldest)
    later = nearest(by_day, patient, facts.day0_day + visit.day.count, visit.within.count, facts.last)
    values = np.append(dose[rows], np.nan)
    units = np.append(readable.unit.code, NONE)
    other = units[first] != units[later.place]
    return Change(values[first], values[later.place], later.settled, other)


def of_change(found: Change, good: Bools, visit: Visit, treated: Treatment, facts: Known, zero_counts: bool) -> Answers:
    """Whether a change is good; without both measurements a non-responder. zero_counts: a first value of 0 is one."""
    day = visit.day.count
    choice = excluded_by(Choice(good.size), day, treated)
    since = facts.last - facts.day0_day
    choice.where(since < day - visit.within.count, "not_assessable", "visit_not_reached")
    choice.where(~found.settled, "not_assessable", "window_open")
    choice.where(np.isnan(found.later) & (facts.closing_day < NEVER), "not_met", "closed")
    choice.where(np.isnan(found.later), "not_met", "missing")
    choice.where(np.isnan(found.first), "not_met", "no_baseline")
    choice.where(found.other_unit, "not_met", "other_unit")
    if not zero_counts:
        choice.where(found.first == 0, "not_met", "baseline_zero")
    return choice.where(good, "met").otherwise("not_met", "not_reached")


def lesion_classes(found: Change, scheme: LesionScheme) -> Codes:
    """LESION_CLASSES codes by percentage change of volume, -1 without both volumes or from a volume of 0; exact."""
    first, later = found.steps
    whole = int(scheme.complete.value)
    grown = whole * (later - first)
    classes = np.full(first.size, _CLASS["no_change"])
    classes[grown >= int(scheme.cut.value) * first] = _CLASS["growth"]
    limits = {"partial": scheme.cut, "nearly_complete": scheme.nearly_complete, "complete": scheme.complete}
    for word, limit in limits.items():
        classes[grown <= -int(limit.value) * first] = _CLASS[word]
    classes[~found.there | (first == 0)] = NONE
    return classes


def improved(found: Change, numbers: EndpointNumbers) -> Bools:
    """Whose score rose by enough; exact."""
    first, later = found.steps
    enough = in_steps(np.array([numbers.quality_of_life.improved_by.limit]))[0]
    answer: Bools = found.there & (later - first >= enough)
    return answer


def sequelae(facts: Known, numbers: EndpointNumbers) -> Answers:
    """Whether a sequela is recorded by month 24; no entry is *none recorded*, and so it is named."""
    visit, n = numbers.month_24, facts.day0.size
    told = facts.happenings.of("sequela").events
    day = facts.since(told.patient, told.start)
    since_day0 = day >= 0
    first = first_day(told.patient[since_day0], day[since_day0], n)
    until = visit.day.count + visit.within.count
    choice = Choice(n)
    choice.where(first <= until, "met")
    choice.where(first < NEVER, "not_met", "after_horizon")
    choice.where(facts.last - facts.day0_day <= until, "not_assessable", "visit_not_reached")
    gone = facts.closing_day - facts.day0_day < visit.day.count - visit.within.count
    return choice.where(gone, "not_met", "not_followed").otherwise("not_met", "none_recorded")


def stopped(treated: Treatment, facts: Known, numbers: EndpointNumbers, *, for_lack: bool) -> Answers:
    """Whether treatment was given up before month 12; for_lack: for lack of efficacy."""
    day, n = numbers.month_12.day.count, facts.day0.size
    early = treated.stopped < day
    choice = Choice(n)
    if for_lack:
        # The reason may be recorded after the stop: until month 12 nothing says that there is none.
        goes_on = (facts.closing_day == NEVER) & (facts.last - facts.day0_day < day)
        choice.where(early & ~treated.lack_of_efficacy & goes_on, "provisional", "follow_up_running")
        choice.where(early & ~treated.reason_told, "not_met", "reason_not_recorded")
        choice.where(early & ~treated.lack_of_efficacy, "not_met", "other_reason")
    choice.where(early, "met")
    choice.where(facts.last - facts.day0_day < day, "not_assessable", "visit_not_reached")
    return choice.otherwise("not_met", "none_recorded")


def failure(treated: Treatment, facts: Known, numbers: EndpointNumbers) -> Answers:
    """Whether another KHE- or KMP-specific intervention was needed within the trial's follow-up."""
    horizon = numbers.month_24.day.count
    choice = Choice(facts.day0.size)
    choice.where(treated.intervention <= horizon, "met", "intervention")
    choice.where(treated.prednisolone <= horizon, "met", "prednisolone")
    return _until(choice, np.minimum(treated.intervention, treated.prednisolone), facts, horizon, "none_recorded")


def rebound(found: Judged, facts: Known, numbers: EndpointNumbers, *, confirmed: bool) -> Answers:
    """Whether platelets fell after a durable response: literally, or confirmed; each patient once."""
    horizon, rebounds = numbers.month_24.day.count, found.rebounds
    choice = Choice(facts.day0.size)
    in_time = rebounds.onset <= horizon
    choice.where(in_time & (rebounds.confirmed < NEVER if confirmed else in_time), "met")
    # What follows is of one that is not confirmed: all the others in time are met.
    goes_on = in_time & (facts.closing_day == NEVER) & ~rebounds.over
    choice.where(goes_on, "provisional", "follow_up_running")
    choice.where(in_time, "not_met", "none_recorded")
    none = found.platelets.onset == NEVER
    choice.where(none & (facts.last - facts.day0_day > horizon), "not_met", "no_response")
    return _until(choice, rebounds.onset, facts, horizon, "none_recorded")


def _until(choice: Choice, day: Ints, facts: Known, horizon: int, otherwise: str) -> Answers:
    """The rest, of whom none had it in time: only later, still followed, or not until the end of follow-up."""
    choice.where(day < NEVER, "not_met", "after_horizon")
    choice.where(facts.last - facts.day0_day <= horizon, "not_assessable", "follow_up_running")
    return choice.otherwise("not_met", otherwise)


def unit_codes(told: Happenings, numbers: EndpointNumbers) -> Happenings:
    """The same events, units of volume in one spelling."""
    spelled = Coded.of([numbers.lesion.unit_of(text) for text in told.unit.texts])
    code = np.append(spelled.code, NONE)[told.unit.code]
    return Happenings(told.events, told.note, Coded(code, spelled.texts))
