"""Drug courses as bars: dose steps by height and label, holds and stretches without a course marked as such."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from khemon.figures.style import LANES, LASTING_DRUGS
from khemon.figures.timeline.contents import Bar, escaped, local_text
from khemon.figures.words import date_words, span_words
from khemon.models import Event

Window = tuple[dt.datetime, dt.datetime]
#: The least height of a bar, whatever the dose.
_LEAST_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class _Course:
    """One record of a drug, or the stretch between two. until: None while it goes on."""

    event: Event
    start: dt.datetime
    until: dt.datetime | None
    dose: Decimal | None
    before: Decimal | None
    is_gap: bool = False

    @property
    def is_hold(self) -> bool:
        return self.is_gap or self.dose == 0


def course_bars(events: Sequence[Event], zone: ZoneInfo, window: Window, now: dt.datetime) -> Iterator[Bar]:
    """The bars of every drug inside the window, cut to it.

    As the rules read them: a record without an end goes on until the next record of its drug (one that starts later),
    and dose 0 is a hold.
    """
    drugs: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.start):
        if event.kind in LASTING_DRUGS and event.start <= now:
            drugs[event.kind, (event.note or "") if event.kind == "other_drug" else ""].append(event)
    for records in drugs.values():
        courses = list(_courses(records))
        most = _most(courses)
        for course in courses:
            bar = _bar(course, zone, now, most)
            if course.start <= window[1] and (course.until or now) >= window[0]:
                first, last = max(course.start, window[0]), min(course.until or now, window[1])
                yield replace(bar, start=local_text(first, zone), end=local_text(max(first, last), zone))


def _courses(records: Sequence[Event]) -> Iterator[_Course]:
    """The records of one drug by start, and what lies between them."""
    before: Decimal | None = None
    unit: str | None = None
    for event, following in itertools.zip_longest(records, records[1:]):
        until = event.end or next((later.start for later in records if later.start > event.start), None)
        dose = _dose(event)
        alike = event.unit == unit and bool(unit)
        yield _Course(event, event.start, until, dose, before if alike else None)
        if dose != 0:
            before, unit = dose, event.unit
        own_lane = LANES[event.kind][0].lower() == event.kind
        if own_lane and following and until and until < following.start:
            yield _Course(event, until, following.start, None, None, is_gap=True)


def _dose(event: Event) -> Decimal | None:
    try:
        number = Decimal(event.dose or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _most(courses: Sequence[_Course]) -> Decimal | None:
    """The highest dose, where all doses are numbers of one stated unit; else heights would say nothing."""
    given = [course for course in courses if not course.is_hold]
    units = {course.event.unit for course in given}
    doses = [course.dose for course in given if course.dose is not None and course.dose > 0]
    return max(doses) if len(doses) == len(given) > 0 and len(units) == 1 and all(units) else None


def _bar(course: _Course, zone: ZoneInfo, now: dt.datetime, most: Decimal | None) -> Bar:
    event = course.event
    lane, word = LANES[event.kind]
    share = 1.0
    if most and course.dose and not course.is_hold:
        share = max(float(course.dose / most), _LEAST_SHARE)
    goes_on = course.until is None
    label = _label(course, word, lane, now)
    hover = _hover(course, word, zone, now)
    return Bar(lane, label, "", "", goes_on, hover, event.kind, share=share, is_hold=course.is_hold)


def _label(course: _Course, word: str, lane: str, now: dt.datetime) -> str:
    """What stands on a bar: the dose, with an arrow where it changed; the name where the lane does not say it."""
    length = span_words((course.until or now) - course.start)
    if course.is_hold:
        return f"{'no course' if course.is_gap else 'hold'} {length}"
    event = course.event
    dose = " ".join(part for part in (event.dose, event.unit) if part)
    name = "" if word == lane.lower() and dose else (event.note or word if event.kind == "other_drug" else word)
    arrow = ""
    if course.before is not None and course.dose is not None and course.dose != course.before:
        arrow = "↓" if course.dose < course.before else "↑"
    return " ".join(part for part in (name, dose, arrow) if part)


def _hover(course: _Course, word: str, zone: ZoneInfo, now: dt.datetime) -> str:
    event = course.event
    since = date_words(course.start, zone)
    if course.is_gap:
        assert course.until is not None
        length = span_words(course.until - course.start)
        return f"<b>no course of {word} recorded</b> for {length}<br>{since} to {date_words(course.until, zone)}"
    dose = "on hold" if course.is_hold else escaped(" ".join(part for part in (event.dose, event.unit) if part))
    if event.end:
        until = f" to {date_words(event.end, zone)}"
    elif course.until:
        until = f", until the next record {date_words(course.until, zone)}"
    else:
        until = ", no end recorded"
    note = f"<br>{escaped(event.note)}" if event.note else ""
    return f"<b>{word}</b> {dose}<br>{since}{until}{note}"
