"""Cases in a line each: times as `3d12h` after a first morning, values as reported, episodes as short sentences."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal

from .evaluation import evaluate
from .records import PROTOCOLS, Child, Episode, Event, Lab

FIRST_MORNING = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)
UNITS = {"d": dt.timedelta(days=1), "h": dt.timedelta(hours=1), "m": dt.timedelta(minutes=1)}
NAMES = {"plt": "platelets", "fib": "fibrinogen", "dd": "d_dimer", "hb": "hemoglobin"}


def at(text: str) -> dt.datetime:
    """The time that lies so far after (with a minus, before) the first morning: `28d`, `1d12h`, `-5m`."""
    sign = -1 if text.startswith("-") else 1
    steps = [int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([dhm])", text)]
    return FIRST_MORNING + sign * sum(steps, dt.timedelta())


def since(time: dt.datetime) -> str:
    """The opposite of `at`."""
    minutes = round((time - FIRST_MORNING) / UNITS["m"])
    sign, minutes = ("-" if minutes < 0 else ""), abs(minutes)
    parts = (minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m")
    return sign + ("".join(f"{number}{unit}" for number, unit in parts if number) or "0d")


def lab(text: str, **more: object) -> Lab:
    """A result from `plt 3d <10`; a D-dimer is FEU unless said otherwise; `more` sets any field of a Lab."""
    name, time, reported = text.split()
    match = re.fullmatch(r"([<>]=?)?(.+)", reported)
    assert match is not None
    basis = "FEU" if name == "dd" else ""
    result = Lab(0, NAMES[name], at(time), match[1] or "", Decimal(match[2]), basis)
    return dataclasses.replace(result, **more)  # type: ignore[arg-type]


def event(text: str) -> Event:
    """An event from `plasma 3d` or `plasma 3d 3d4h`."""
    kind, start, *end = text.split()
    return Event(kind, at(start), at(end[0]) if end else None)


def episodes(
    labs: Sequence[str | Lab],
    events: Sequence[str] = (),
    *,
    as_of: str | None = None,
    protocol: str = "ward",
    zone: str = "UTC",
    birth: dt.date | None = None,
) -> list[Episode]:
    """The episodes of a case; results are recorded in the order given."""
    results = [lab(entry) if isinstance(entry, str) else entry for entry in labs]
    numbered = [dataclasses.replace(entry, row=place + 2, recorded=place) for place, entry in enumerate(results)]
    child = Child("P1", birth)
    looked = None if as_of is None else at(as_of)
    return evaluate(numbered, [event(text) for text in events], child, PROTOCOLS[protocol], zone, looked)


def said(rule: str, found: Sequence[Episode]) -> list[str]:
    """The episodes of one rule, each as `status severity onset [confirmed_at] [- end reason]`."""
    return [sentence(episode) for episode in found if episode.rule == rule]


def sentence(episode: Episode) -> str:
    """One episode in short; confirmed_at stands in brackets where it is not the onset."""
    words = [episode.status, episode.severity, since(episode.onset)]
    if episode.confirmed_at not in (None, episode.onset):
        words.append(f"[{since(episode.confirmed_at)}]")
    if episode.end is not None:
        words.append(f"- {since(episode.end)} {episode.end_reason}")
    return " ".join(words)
