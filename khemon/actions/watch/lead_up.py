"""What went before a moment: drugs begun, stopped, held and tapered, infections, products. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.actions.judging import dose_of, unit_codes
from khemon.figures.style import LANES
from khemon.figures.words import date_words, span_words
from khemon.models import LASTING_EVENTS, Event

#: Drugs whose steps are told, and what is going on with them; in the order they are told.
DRUGS = ("prednisolone", "sirolimus", "vincristine", "other_drug")
STEROID = "prednisolone"
INFECTION = "infection"
#: Kinds of steps that a review asks for, in words.
ASKED = {
    "stop": f"{STEROID} stopped",
    "taper": f"{STEROID} tapered",
    "hold": "a drug held",
    "infection": "infection",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. before: how long before the moment. asked: its kind in ASKED, empty for another."""

    at: dt.datetime
    when: str
    before: str
    what: str
    asked: str = ""


@dataclass(frozen=True, slots=True)
class LeadUp:
    """The weeks before a moment: what happened, the newest first, and what was being given at the moment."""

    steps: tuple[Step, ...]
    going_on: tuple[str, ...]

    @property
    def found(self) -> tuple[str, ...]:
        """What a review asks for, as far as it is recorded: of each kind the last, with how long before."""
        nearest = {step.asked: step for step in reversed(self.steps) if step.asked}
        return tuple(f"{nearest[kind].what}: {nearest[kind].before}" for kind in ASKED if kind in nearest)


def lead_up(events: Sequence[Event], moment: dt.datetime, since: dt.datetime, zone: ZoneInfo) -> LeadUp:
    """What is recorded from `since` to the moment, of one child."""
    found: list[tuple[dt.datetime, str, str]] = []
    for drug in DRUGS:
        own = sorted((event for event in events if event.kind == drug), key=lambda event: event.start)
        found += _drug_steps(own, zone)
    for event in events:
        if event.kind not in DRUGS:
            found += _happening(event, since, zone)
    steps = [
        Step(at, date_words(at, zone), _before(at, moment), what, asked)
        for at, what, asked in sorted(found, key=lambda each: each[0], reverse=True)
        if (since <= at <= moment) or (asked == INFECTION and at <= moment)
    ]
    return LeadUp(tuple(steps), tuple(_going_on(events, moment, zone)))


def _before(at: dt.datetime, moment: dt.datetime) -> str:
    return "at that time" if at == moment else f"{span_words(moment - at)} before"


def called(event: Event) -> str:
    """What an event is called: a drug without a name of its own by its note."""
    if event.kind == "other_drug" and event.note:
        return event.note
    return LANES.get(event.kind, ("", event.kind.replace("_", " ")))[1]


def dose_words(event: Event) -> str:
    """The dose with its unit, as recorded; empty without one."""
    return " ".join(part for part in (event.dose, event.unit) if part)


def _drug_steps(records: Sequence[Event], zone: ZoneInfo) -> Iterator[tuple[dt.datetime, str, str]]:
    """(when, what, kind) of the steps of one drug: a change of dose, a hold and a taper step are records each."""
    before: Event | None = None
    for record in records:
        goes_on = before is not None and (before.end is None or before.end >= record.start)
        yield from _begins(record, before if goes_on else None, first=before is None)
        before = record
    for number, record in enumerate(records):
        following = records[number + 1] if number + 1 < len(records) else None
        if record.end is None or dose_of(record.dose) == 0:
            continue
        was = f"(was {dose_words(record) or 'dose not recorded'})"
        if following is None:
            yield record.end, f"{called(record)} stopped {was}", _stop(record)
        elif following.start > record.end:
            yield record.end, f"{called(record)} held until {date_words(following.start, zone)} {was}", "hold"


def _stop(record: Event) -> str:
    return "stop" if record.kind == STEROID else ""


def _begins(record: Event, before: Event | None, *, first: bool) -> Iterator[tuple[dt.datetime, str, str]]:
    """What a record says at its start. before: the one it takes over from."""
    name, dose, now = called(record), dose_words(record), dose_of(record.dose)
    if now == 0:
        yield record.start, f"{name} held (dose 0)", "hold"
    elif before is None:
        yield record.start, f"{name} {'begun' if first else 'begun again'}{f': {dose}' if dose else ''}", ""
    else:
        was, change = dose_of(before.dose), f"from {dose_words(before) or '?'} to {dose or '?'}"
        one, other = unit_codes([before.unit, record.unit])
        if was == 0:
            yield record.start, f"{name} resumed{f': {dose}' if dose else ''}", ""
        elif one != other or one < 0 or now != now or was != was:
            yield record.start, f"{name} changed {change}", ""
        elif now < was:
            yield record.start, f"{name} tapered {change}", "taper" if record.kind == STEROID else ""
        elif now > was:
            yield record.start, f"{name} raised {change}", ""


def _happening(event: Event, since: dt.datetime, zone: ZoneInfo) -> Iterator[tuple[dt.datetime, str, str]]:
    """(when, what, kind) of anything else; an infection also when it began earlier and reached into the weeks told."""
    lasts = event.kind in LASTING_EVENTS
    if event.start < since and not (event.kind == INFECTION and (event.end is None or event.end >= since)):
        return
    end = f", until {date_words(event.end, zone)}" if event.end else ", no end recorded" if lasts else ""
    parts = [part for part in (dose_words(event), event.note) if part]
    told = f" ({'; '.join(parts)})" if parts else ""
    yield event.start, f"{called(event)}{told}{end}", INFECTION if event.kind == INFECTION else ""


def _going_on(events: Sequence[Event], moment: dt.datetime, zone: ZoneInfo) -> Iterator[str]:
    """What was being given at a moment, drug by drug; a drug without any record is said to have none."""
    for drug in DRUGS[:2]:
        own = [event for event in events if event.kind == drug and event.start <= moment]
        last = max(own, key=lambda event: event.start, default=None)
        if last is None:
            yield f"{LANES[drug][1]} not recorded"
        elif last.end is not None and last.end <= moment:
            yield f"{LANES[drug][1]}: off since {date_words(last.end, zone)}"
        elif dose_of(last.dose) == 0:
            yield f"{LANES[drug][1]}: held since {date_words(last.start, zone)}"
        else:
            yield f"{LANES[drug][1]}: {dose_words(last) or 'dose not recorded'} since {date_words(last.start, zone)}"
