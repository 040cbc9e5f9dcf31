"""Calendar days in a ward's time zone, for many instants at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

MS_PER_DAY = 86_400_000
MS_PER_UNIT: dict[str, int] = {"min": 60_000, "h": 3_600_000, "d": MS_PER_DAY}
DAYS_PER_UNIT: dict[str, int] = {"d": 1, "wk": 7}
#: Offsets and beginnings of days are looked up so many days at a time, once.
_CHUNK = 1 << 9
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def to_ms(moment: dt.datetime) -> int:
    """UTC milliseconds of an aware time, exact."""
    return (moment - EPOCH) // dt.timedelta(milliseconds=1)


@lru_cache(maxsize=4096)
def from_ms(ms: int, timezone: str = "UTC") -> dt.datetime:
    """The aware time of UTC milliseconds, in a zone."""
    return (EPOCH + dt.timedelta(milliseconds=int(ms))).astimezone(ZoneInfo(timezone))


def _offset_ms(ms: int, zone: ZoneInfo) -> int:
    offset = (EPOCH + dt.timedelta(milliseconds=ms)).astimezone(zone).utcoffset()
    return (offset or dt.timedelta()) // dt.timedelta(milliseconds=1)


@lru_cache(maxsize=4096)
def _transition(day: int, timezone: str) -> int:
    """The first millisecond in that UTC day with the next midnight's offset (one transition a day at most)."""
    zone = ZoneInfo(timezone)
    low, high = day * MS_PER_DAY, (day + 1) * MS_PER_DAY
    before = _offset_ms(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_ms(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


@lru_cache(maxsize=1 << 16)
def _day_start(day: int, timezone: str) -> int:
    """The first millisecond of a day of the zone's calendar; midnight that the clocks skip falls on the skip."""
    date = EPOCH.date() + dt.timedelta(days=day)
    return to_ms(dt.datetime.combine(date, dt.time(), ZoneInfo(timezone)))


@lru_cache(maxsize=4096)
def _starts_in_chunk(chunk: int, timezone: str) -> NDArray[np.int64]:
    return np.array([_day_start(day, timezone) for day in range(chunk * _CHUNK, (chunk + 1) * _CHUNK)], np.int64)


@lru_cache(maxsize=4096)
def _offsets_in_chunk(chunk: int, timezone: str) -> NDArray[np.int64]:
    """The zone's offset at the beginning of each UTC day of a chunk, and of the day after."""
    zone = ZoneInfo(timezone)
    days = range(chunk * _CHUNK, (chunk + 1) * _CHUNK + 1)
    return np.array([_offset_ms(day * MS_PER_DAY, zone) for day in days], np.int64)


def day_starts(days: NDArray[np.int64] | NDArray[np.int32], timezone: str) -> NDArray[np.int64]:
    """UTC milliseconds at which days (numbers since 1970-01-01) begin on the zone's calendar."""
    days = np.asarray(days, np.int64)
    found = np.empty(days.size, np.int64)
    for chunk, rows in _by_chunk(days):
        found[rows] = _starts_in_chunk(chunk, timezone).take(days[rows] - chunk * _CHUNK)
    return found


def _by_chunk(days: NDArray[np.int64]) -> Iterator[tuple[int, slice | NDArray[np.int64]]]:
    """Each chunk of days that is named, and the rows that name it."""
    if not days.size:
        return
    first, last = int(days.min()) // _CHUNK, int(days.max()) // _CHUNK
    if first == last:
        yield first, slice(None)
        return
    chunks = days // _CHUNK
    for chunk in range(first, last + 1):
        rows = np.flatnonzero(chunks == chunk)
        if rows.size:
            yield chunk, rows


def day_numbers(times_ms: NDArray[np.int64], timezone: str) -> NDArray[np.int32]:
    """Days since 1970-01-01 on the zone's calendar, int32, for UTC milliseconds (any order)."""
    times = np.asarray(times_ms, dtype=np.int64)
    utc_days = times // MS_PER_DAY
    shift = np.empty(times.size, np.int64)
    for chunk, rows in _by_chunk(utc_days):
        offsets = _offsets_in_chunk(chunk, timezone)
        own = utc_days[rows] - chunk * _CHUNK
        shift[rows] = offsets.take(own)
        for index in np.flatnonzero(offsets[1:] != offsets[:-1]):
            day = chunk * _CHUNK + int(index)
            in_day = (utc_days == day) & (times >= _transition(day, timezone))
            shift[in_day] = offsets[index + 1]
    return ((times + shift) // MS_PER_DAY).astype(np.int32)
