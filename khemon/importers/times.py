"""Times of collection: ISO 8601, or a declared or certain form; a local time skipped or doubled is held."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from khemon.importers.dates import spelled_plainly
from khemon.importers.once import Once
from khemon.importers.signs import plain_text
from khemon.importers.staging import ACCEPTED, REJECTED, REVIEW

EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  the local wall clock; the zone's offset is taken off by hand
TOLERANCE_MS = 5 * 60_000
EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
#: What systems write where they know no date: the first midnight of their calendar.
PLACEHOLDERS = (dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(1970, 1, 1, tzinfo=dt.UTC))

ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?", re.ASCII)
LOCAL = re.compile(
    r"(?P<a>\d{1,4})(?P<s>[./-])(?P<b>\d{1,2})(?P=s)(?P<c>\d{1,4})"
    r"(?:(?:T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?)?",
    re.ASCII,
)
#: A spreadsheet's number for a day from 1982 on, with the time of day as its fraction.
SERIAL = re.compile(r"[3-5]\d{4}(?:\.\d+)?", re.ASCII)
#: A date cell of a workbook as its reader writes it.
TYPED = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{3})?)?)?", re.ASCII)
ORDER_REASON = "date_order: nothing says whether the day or the month comes first; state date_format"
DAY_FIRST, MONTH_FIRST, UNDECIDED = "day first", "month first", "undecided"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as UTC milliseconds where it is known, with fate and reasons."""

    ms: int | None
    decision: str = ACCEPTED
    reasons: tuple[str, ...] = ()


def _refused(reason: str) -> Moment:
    return Moment(None, REJECTED, (reason,))


def _held(ms: int | None, reason: str) -> Moment:
    return Moment(ms, REVIEW, (reason,))


def _milliseconds(span: dt.timedelta) -> int:
    return span.days * 86_400_000 + span.seconds * 1_000 + span.microseconds // 1_000


MONTHS, LONGEST_MONTH = 12, 31


def in_zone(local: dt.datetime, zone: ZoneInfo) -> Moment:
    """A wall clock time in a zone; held when the clock skipped it or showed it twice (then with the first reading)."""
    first = local.replace(tzinfo=zone, fold=0).utcoffset() or dt.timedelta()
    second = local.replace(tzinfo=zone, fold=1).utcoffset() or dt.timedelta()
    ms = _milliseconds(local - EPOCH - first)
    if first == second:
        return Moment(ms)
    if first < second:
        return _held(ms, "skipped_time: daylight saving skipped this local time; give it with its offset")
    return _held(ms, "doubled_time: daylight saving showed this local time twice; give it with its offset")


def order_of(texts: Iterable[str]) -> str:
    """Day or month first, if some date of the column can only be read one way and none contradicts.

    What is no date either way (32.04., 13.13.) says nothing: a slip of the finger does not decide for the others.
    """
    day_first = month_first = False
    for text in texts:
        match = LOCAL.match(spelled_plainly(plain_text(text)))
        if match and len(match["a"]) < 4:
            a, b = int(match["a"]), int(match["b"])
            day_first = day_first or (MONTHS < a <= LONGEST_MONTH and 0 < b <= MONTHS)
            month_first = month_first or (MONTHS < b <= LONGEST_MONTH and 0 < a <= MONTHS)
    if day_first == month_first:
        return UNDECIDED
    return DAY_FIRST if day_first else MONTH_FIRST


def joined(date: str, time: str) -> str:
    """A date and a time of day of a workbook in one text: as ISO 8601 where the date is a date cell."""
    return f"{date}T{time.rjust(5, '0')}" if TYPED.fullmatch(date) and "T" not in date else f"{date} {time}"


class Clock:
    """Reads the times of one column: `read[text]` is the moment a text states.

    `form` is the declared strptime format. Without one, ISO 8601 is read; other forms only when year, month and day are
    certain for the whole column. `typed`: the column comes from a workbook, whose own dates are written as ISO 8601
    whatever form its texts have.
    """

    def __init__(
        self, zone: str, form: str | None, column: Iterable[str], latest_ms: int | None, *, typed: bool = False
    ) -> None:
        self.zone = ZoneInfo(zone)
        self.form = form
        self.typed = typed
        self._column = column
        self._order: str | None = None
        self._latest = None if latest_ms is None else latest_ms + TOLERANCE_MS
        self.read = Once(self._checked)

    def _checked(self, text: str) -> Moment:
        moment = self._read(text.strip())
        if moment.ms is None or self._latest is None or moment.ms <= self._latest:
            return moment
        return Moment(moment.ms, REVIEW, (*moment.reasons, "future_time: later than now"))

    def _read(self, text: str) -> Moment:
        if not text:
            return _refused("no_time: the time is missing")
        if self.typed and TYPED.fullmatch(text):
            return self._iso(text) if "T" in text else _held(None, "no_time_of_day: a date without a time")
        if self.form:
            return self._declared(plain_text(text), self.form)
        if ISO.fullmatch(text):
            return self._iso(text)
        return self._certain(spelled_plainly(plain_text(text)))

    def _iso(self, text: str) -> Moment:
        midnight = text[11:16] == "24:00"
        try:
            plain = f"{text[:11]}00:00{text[16:]}" if midnight else text
            moment = dt.datetime.fromisoformat(plain[:11] + plain[11:].replace(" ", ""))
        except ValueError:
            return _refused("unreadable_time: no such date or time")
        return self._placed(moment, midnight)

    def _placed(self, moment: dt.datetime, midnight: bool = False) -> Moment:
        """The moment on the time line; a naive one in the column's zone."""
        if not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
            return _held(None, f"implausible_time: not between {EARLIEST_YEAR} and {LATEST_YEAR}")
        if moment.replace(tzinfo=dt.UTC) in PLACEHOLDERS:
            return _held(None, "implausible_time: systems write this where they know no date")
        if midnight:
            moment += dt.timedelta(days=1)
        if moment.tzinfo is None:
            placed = in_zone(moment, self.zone)
        else:
            offset = moment.utcoffset() or dt.timedelta()
            placed = Moment(_milliseconds(moment.replace(tzinfo=None) - EPOCH - offset))
        if not midnight:
            return placed
        return _held(placed.ms, "midnight: 24:00 was read as the start of the next day; confirm")

    def _declared(self, text: str, form: str) -> Moment:
        midnight = bool(re.search(r"\b24:00\b", text))
        try:
            moment = dt.datetime.strptime(text.replace("24:00", "00:00", 1) if midnight else text, form)  # noqa: DTZ007
        except ValueError:
            return _refused("unreadable_time: does not fit the declared date_format")
        if not any(part in form for part in ("%H", "%I", "%X", "%c")):
            return _held(None, "no_time_of_day: a date without a time")
        return self._placed(moment, midnight)

    def _certain(self, text: str) -> Moment:
        match = LOCAL.fullmatch(text)
        if match is None and SERIAL.fullmatch(text):
            return _held(None, "serial_date: a day number of a spreadsheet; its first day is not certain")
        if match is None:
            return _refused("unreadable_time: not ISO 8601 (2026-01-31T08:00:00+00:00); state date_format")
        if len(match["a"]) != 4 and len(match["c"]) != 4:
            return _held(None, "two_digit_year: nothing says which part is the year; state date_format")
        date = self._date(match)
        if isinstance(date, Moment):
            return date
        if match["hour"] is None:
            return _held(None, "no_time_of_day: a date without a time")
        time = _time_of_day(match)
        if time is None:
            return _refused("unreadable_time: no such time of day")
        midnight = time == (24, 0, 0)
        return self._placed(dt.datetime(*date, *((0, 0, 0) if midnight else time)), midnight)  # noqa: DTZ001

    def _date(self, match: re.Match[str]) -> tuple[int, int, int] | Moment:
        """Year, month and day; or why they are not certain."""
        first, second, third = int(match["a"]), int(match["b"]), int(match["c"])
        if len(match["a"]) == 4:
            date = (first, second, third)
        elif self.order == UNDECIDED:
            return _held(None, ORDER_REASON)
        else:
            date = (third, second, first) if self.order == DAY_FIRST else (third, first, second)
        try:
            dt.date(*date)
        except ValueError:
            return _refused("unreadable_time: no such date")
        return date

    @property
    def told(self) -> str:
        """How the times of the column were read, in one word or two; empty while none was."""
        if not self.read:
            return ""
        if self._order is not None:
            return self._order
        if self.typed and all(map(TYPED.fullmatch, filter(None, map(str.strip, self.read)))):
            return "cells"
        if any(reason.startswith("two_digit_year") for moment in self.read.values() for reason in moment.reasons):
            return UNDECIDED
        return "stated" if self.form else "iso"

    @property
    def order(self) -> str:
        """Which of day and month comes first in this column, or that it is undecided."""
        if self._order is None:
            self._order = order_of(set(self._column))
        return self._order


def _time_of_day(match: re.Match[str]) -> tuple[int, int, int] | None:
    """Hour, minute and second of a match, 24:00:00 included; None when there is no such time."""
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"] or 0)
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"][0] in "Pp" else 0)
    if (hour, minute, second) == (24, 0, 0):
        return 24, 0, 0
    return (hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None
