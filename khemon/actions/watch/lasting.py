"""Until when what the rules say of a child stays as it is while nothing arrives: the clock alone moves some rules."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from khemon.actions.judging import Case
from khemon.actions.watch.known import Known
from khemon.figures.words import moment
from khemon.rules import NO_TIME, Episodes
from khemon.rules.calendar import to_ms
from khemon.rules.engine import evaluated

#: How finely a change without a date of its own is looked for.
_FINE_MS = 1000
_Said = tuple[tuple[int, ...], ...]


def lasting(known: Known, found: Episodes, horizon: dt.timedelta) -> dict[str, dt.datetime]:
    """Patient id to the moment up to which, and at most `horizon` from now, the rules say what they say now.

    found: every episode as of now. The rules are asked again at the end of the time; where they say something else
    then, the first change is looked for between.
    """
    now_ms = to_ms(known.now)
    end_ms = now_ms + horizon // dt.timedelta(milliseconds=1)
    before, after = _said(found), _said(_asked(known, known.case, end_ms))
    lasts = {}
    for name, number in known.index.items():
        until = _next_entry(known.case, number, now_ms, end_ms)
        if before.get(number) != after.get(number):
            own = _of_one(known.case, number)
            until = min(until, _first_change(_Asking(known, own, now_ms), after.get(number, ()), now_ms, end_ms))
        lasts[name] = moment(until)
    return lasts


def _asked(known: Known, case: Case, at_ms: int) -> Episodes:
    return evaluated(case.results, case.events, case.patients, known.protocol, str(known.zone), at_ms)[0]


def _said(found: Episodes) -> dict[int, _Said]:
    """Patient index to every episode in numbers; the times first."""
    columns = (found.onset, found.confirmed_at, found.end, found.rule, found.status, found.severity, found.end_reason)
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    changes = np.flatnonzero(found.patient[1:] != found.patient[:-1]) + 1
    edges = [0, *changes.tolist(), len(rows)]
    return {int(found.patient[a]): tuple(rows[a:b]) for a, b in itertools.pairwise(edges) if a < b}


class _Asking:
    """Whether the rules say of one child at another time what they say now."""

    def __init__(self, known: Known, case: Case, now_ms: int) -> None:
        self._known, self._case = known, case
        self._now = self._told(now_ms)

    def __call__(self, at_ms: int) -> bool:
        return self._told(at_ms) == self._now

    def _told(self, at_ms: int) -> _Said:
        return _said(_asked(self._known, self._case, at_ms)).get(0, ())


def _first_change(same_at: Callable[[int], bool], after: _Said, now_ms: int, end_ms: int) -> int:
    """The last time found at which the rules still say what they say now."""
    dated = [time for row in after for time in row[:3] if time != NO_TIME and now_ms < time <= end_ms]
    low, high = now_ms, end_ms
    if dated and min(dated) > now_ms + 1:
        just_before = min(dated) - 1
        if same_at(just_before):
            return just_before
        high = just_before
    while high - low > _FINE_MS:
        middle = (low + high) // 2
        low, high = (middle, high) if same_at(middle) else (low, middle)
    return low


def _next_entry(case: Case, number: int, now_ms: int, end_ms: int) -> int:
    """When the next result or event of a child that is dated ahead comes into view, or an event ends."""
    rows = _rows(case.results.patient, number)
    own = case.events.patient == number
    times = np.concatenate([case.results.time[rows], case.events.start[own], case.events.end[own]])
    ahead = times[(times > now_ms) & (times < end_ms)]
    return int(ahead.min()) if ahead.size else end_ms


def _rows(patient: NDArray[np.int32], number: int) -> slice:
    start, stop = np.searchsorted(patient, (number, number + 1))
    return slice(int(start), int(stop))


def _of_one(case: Case, number: int) -> Case:
    """The same of one child alone, who gets the index 0."""
    rows = _rows(case.results.patient, number)
    own = np.flatnonzero(case.events.patient == number)
    events = case.events.take(own)
    return Case(
        [case.patient_ids[number]],
        case.results.of_patients(number, rows),
        events.of_patients(number, slice(0, own.size)),
        case.patients.take(slice(number, number + 1)),
        case.diagnosed[number : number + 1],
        case.targets[number : number + 1],
    )
