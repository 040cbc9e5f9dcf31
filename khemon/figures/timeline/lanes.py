"""The lanes below the panels: events and episodes as bars, dots and quiet bands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from khemon.figures.style import EPISODE_LANES, LANES, LASTING_DRUGS, SEVERITY_ORDER
from khemon.figures.timeline.contents import Band, Bar, Dot, escaped, local_text
from khemon.figures.timeline.courses import course_bars
from khemon.figures.words import date_words
from khemon.models import LASTING_EVENTS, Episode, Event

Window = tuple[dt.datetime, dt.datetime]
#: What somebody has to confirm or end: it stays open, and says since when nobody did.
_UPDATED = ("active_bleeding", "symptomatic_anemia")


def lanes_of(
    events: Sequence[Event],
    episodes: Sequence[Episode],
    zone: ZoneInfo,
    window: Window,
    now: dt.datetime,
    stale_after: dt.timedelta,
) -> tuple[list[Bar], list[Dot]]:
    """Bars of episodes, drugs and what else lasts, and dots, cut to the window.

    stale_after: bleeding or symptoms that are open for longer say that nobody updated them.
    """
    bars = [bar for episode in episodes if (bar := _episode_bar(episode, zone, window, now)) is not None]
    bars += course_bars(events, zone, window, now)
    dots = []
    for event in sorted(events, key=lambda event: (event.start, event.kind)):
        lasts = event.kind in LASTING_EVENTS
        until = (event.end or now) if lasts else event.start
        if event.kind in LASTING_DRUGS or event.start > window[1] or until < window[0]:
            continue
        lane, word = LANES.get(event.kind, ("Other", event.kind.replace("_", " ")))
        hover = _event_hover(event, word, zone, lasts)
        if lasts:
            first, last = max(event.start, window[0]), min(max(until, event.start), window[1])
            edges = (local_text(first, zone), local_text(last, zone))
            old = event.kind in _UPDATED and event.end is None and now - event.start > stale_after
            label = f"{word}, not updated since {date_words(event.start, zone)}" if old else word
            bars.append(Bar(lane, label, *edges, event.end is None, hover, event.kind))
        else:
            dots.append(Dot(lane, word, local_text(event.start, zone), hover, event.kind))
    return _in_rows(bars), dots


def _event_hover(event: Event, word: str, zone: ZoneInfo, lasts: bool) -> str:
    dose = escaped(" ".join(part for part in (event.dose, event.unit) if part))
    since = date_words(event.start, zone)
    until = f" to {date_words(event.end, zone)}" if event.end else (", no end recorded" if lasts else "")
    note = f"<br>{escaped(event.note)}" if event.note else ""
    return f"<b>{word}</b> {dose}<br>{since}{until}{note}"


def _episode_bar(episode: Episode, zone: ZoneInfo, window: Window, now: dt.datetime) -> Bar | None:
    until = episode.end or now
    if episode.rule not in EPISODE_LANES or episode.onset > window[1] or until < window[0]:
        return None
    edges = (local_text(max(episode.onset, window[0]), zone), local_text(min(until, window[1]), zone))
    ended = f" to {date_words(episode.end, zone)} ({episode.end_reason})" if episode.end else ", open"
    lane = EPISODE_LANES[episode.rule]
    hover = f"<b>{lane}: {episode.status}</b><br>{date_words(episode.onset, zone)}{ended}<br>{escaped(episode.text)}"
    severity = episode.severity
    return Bar(lane, episode.status, *edges, episode.end is None, hover, episode.rule, severity)


def _in_rows(bars: Sequence[Bar]) -> list[Bar]:
    """The bars, those that overlap inside a lane put one below the other."""
    placed = []
    last: dict[str, list[str]] = {}
    for bar in sorted(bars, key=lambda bar: (bar.lane, bar.start, bar.end)):
        rows = last.setdefault(bar.lane, [])
        row = next((number for number, end in enumerate(rows) if end <= bar.start), len(rows))
        rows[row : row + 1] = [bar.end]
        placed.append(replace(bar, row=row))
    return placed


def lane_order(bars: Sequence[Bar], dots: Sequence[Dot]) -> tuple[str, ...]:
    order = dict.fromkeys([*EPISODE_LANES.values(), *(lane for lane, _ in LANES.values())])
    used = {bar.lane for bar in bars} | {dot.lane for dot in dots}
    return tuple(lane for lane in order if lane in used)


def bands_of(episodes: Sequence[Episode], zone: ZoneInfo, window: Window, now: dt.datetime) -> Iterable[Band]:
    """Quiet bands for what a reader must not miss: KMP and its rebound."""
    for episode in episodes:
        until = episode.end or now
        if episode.rule not in ("kmp", "kmp_rebound") or episode.onset > window[1] or until < window[0]:
            continue
        if episode.severity in SEVERITY_ORDER[:2]:
            edges = (local_text(max(episode.onset, window[0]), zone), local_text(min(until, window[1]), zone))
            yield Band(*edges, EPISODE_LANES[episode.rule], episode.severity)
