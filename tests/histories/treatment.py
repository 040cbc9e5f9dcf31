"""What treatment adds to a history: drug courses with steps and holds, levels, day 0. Drawn from a second source."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.reference import Event, Lab

from .history import History
from .pools import DAY, HOUR, MINUTE

TARGETS = (None, (10, 15), (10, 15), (5, 10), (5, 15), (4, 6))
LEVELS = ("3", "4.9", "5", "5.1", "9.9", "10", "10.1", "12", "15", "15.1", "17", "19.9", "20", "20.1", "31", "61")
LEVELS += ("<3", "<12", ">14", ">30")
LENGTHS = (1, 5, 7, 10, 27, 28, 29, 60, 77, 78, 79, 120, 183, 184, 200)


def treated(history: History) -> History:
    """The same child with treatment; samples and events of the illness stay as they are."""
    rng = random.Random(f"treated {history.seed}")
    zone = ZoneInfo(history.zone)
    first = min(lab.collected_at for lab in history.labs)
    begin = moved(rng, first, zone, rng.choice((-90, -28, -7, 0, 0, 1, 3)))
    events = list(history.events)
    for drug in ("sirolimus", "prednisolone", "pjp_prophylaxis"):
        if rng.random() < 0.7:
            events += course(rng, drug, begin, zone)
    labs = list(history.labs)
    time = begin
    for _ in range(rng.choice((0, 2, 5, 9))):
        time = moved(rng, time, zone, rng.choice((0, 1, 3, 4, 7, 10, 11, 14, 28, 35, 63, 64, 84, 91, 92)))
        labs += levels(rng, time, len(labs))
    if rng.random() < 0.2:
        events.append(Event("day0", moved(rng, begin, zone, rng.choice((0, 1, 20)))))
    as_of = history.as_of
    if rng.random() < 0.4:
        as_of = max(as_of, as_of + rng.choice((HOUR, 60 * HOUR, 8 * DAY, 29 * DAY, 100 * DAY, 400 * DAY)))
    child = dataclasses.replace(
        history.child,
        day0=rng.choice((None, None, begin, begin + rng.choice((HOUR, DAY)))),
        followed_until=rng.choice((None, None, None, None, as_of, as_of - DAY, as_of + DAY)),
        target=decimals(rng.choice(TARGETS)),
    )
    return dataclasses.replace(history, labs=tuple(labs), events=tuple(events), child=child, as_of=as_of)


def decimals(target: tuple[int, int] | None) -> tuple[Decimal, Decimal] | None:
    """A band in exact numbers."""
    return None if target is None else (Decimal(target[0]), Decimal(target[1]))


def moved(rng: random.Random, time: dt.datetime, zone: ZoneInfo, days: int) -> dt.datetime:
    """So many calendar days later, mostly at some other minute."""
    date = time.astimezone(zone).date() + dt.timedelta(days=days)
    minute = rng.choice((0, 1, 8 * 60, 12 * 60, 23 * 60 + 59))
    if rng.random() < 0.3:
        return time + days * DAY
    local = dt.datetime.combine(date, dt.time(), zone).replace(tzinfo=None) + minute * MINUTE
    return local.replace(tzinfo=zone).astimezone(dt.UTC)


def course(rng: random.Random, drug: str, begin: dt.datetime, zone: ZoneInfo) -> list[Event]:
    """Records of one drug: with and without ends, steps, holds of dose 0, interruptions."""
    found = []
    start = moved(rng, begin, zone, rng.choice((0, 0, 0, 1, 30)))
    dose: Decimal | None = rng.choice((None, Decimal("2"), Decimal("0.8")))
    unit = rng.choice(("mg", "mg", "mg/kg/d", None))
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        end = moved(rng, start, zone, rng.choice(LENGTHS))
        end = max(end, start)
        found.append(Event(drug, start, end if rng.random() < 0.6 else None, dose, unit))
        start = rng.choice((end, end, moved(rng, end, zone, rng.choice((0, 1, 2, 3, 28)))))
        dose = rng.choice((dose, None, Decimal("0"), Decimal("0.5"), Decimal("1")))
        unit = rng.choice((unit, unit, unit, "mg", None))
    return found


def levels(rng: random.Random, time: dt.datetime, row: int) -> list[Lab]:
    """One level, sometimes two of one time."""
    found = []
    for place in range(rng.choice((1, 1, 1, 2))):
        text = rng.choice(LEVELS)
        sign = text[0] if text[0] in "<>" else ""
        found.append(
            Lab(
                row + place + 2,
                "sirolimus",
                time,
                sign,
                Decimal(text.lstrip("<>")),
                status=rng.choice(("final", "final", "final", "preliminary")),
                specimen=f"L{row + place}",
                recorded=row + place,
                timing=rng.choice(("trough", "trough", "trough", "unknown", "random")),
            )
        )
    return found
