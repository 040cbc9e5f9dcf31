"""Dates as laboratories write them, spelled with figures: names of months, Chinese signs, times without a colon."""

from __future__ import annotations

import re
from functools import cache

from khemon.importers.numbers import vocabulary
from khemon.units import folded_name

CHINESE = str.maketrans(
    {"年": "-", "月": "-", "日": " ", "号": " ", "时": ":", "時": ":", "点": ":", "分": "", "秒": ""}
)
HALVES = {"上午": "AM", "下午": "PM"}
CHINESE_HALF = re.compile(r"(上午|下午)\s*(\d{1,2}:\d\d(?::\d\d)?)")
#: Year first without separators can only be read one way: a day and a month before it would make no date.
COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:[T ]?(\d\d):?(\d\d)(?::?(\d\d))?)?", re.ASCII)
NAMED = re.compile(
    r"(?:[^\W\d_]{2,}\.?,? )?"
    r"(?:(?P<day>\d{1,2})\.?(?:[ -]|(?<=\.))(?:de )?(?P<month>[^\W\d_]+)\.?,?(?:[ -])(?:de )?(?P<year>\d{2}|\d{4})"
    r"|(?P<month2>[^\W\d_]+)\.? (?P<day2>\d{1,2}),? (?P<year2>\d{4}))"
    r"(?P<time>(?:,|\s|T).*)?"
)
#: 07h45, 7.45 Uhr, 0745 behind a date, 07:45 Uhr.
LOOSE_TIME = re.compile(r"^(.*\d{2,4}[,T]?\s+)(\d{1,2})(?:\s?h\s?|\.|:)(\d\d)(?:[.:m](\d\d))?\s*(?:Uhr|h|hs|min)?\.?$")
MILITARY = re.compile(r"^(.*[./-]\d{1,4},?\s+)([01]\d|2[0-3])([0-5]\d)$", re.ASCII)


@cache
def _months() -> dict[str, int]:
    table: dict[str, list[str]] = vocabulary()["months"]
    return {folded_name(name): number for number, names in enumerate(table.values(), start=1) for name in names}


def _named(text: str) -> str:
    """A date with the name of its month as year-month-day; the text itself when it is none."""
    match = NAMED.fullmatch(text)
    if match is None:
        return text
    month = _months().get(folded_name(match["month"] or match["month2"]))
    day, year = match["day"] or match["day2"], match["year"] or match["year2"]
    if month is None:
        return text
    if len(year) != 4:
        return f"{day}-{month}-{year}{match['time'] or ''}"
    return f"{year}-{month:02}-{int(day):02}{match['time'] or ''}"


def spelled_plainly(text: str) -> str:
    """The same date and time in figures, date before time; what is not understood stays as it is."""
    if text.isascii() and not any(map(str.isalpha, text)):
        plain = text
    else:
        plain = CHINESE_HALF.sub(lambda match: f"{match[2]} {HALVES[match[1]]}", text.translate(CHINESE)).strip()
        plain = re.sub(r"\s+", " ", _named(plain)).strip(" :")
    if match := COMPACT.fullmatch(plain):
        date, time = "-".join(match.groups()[:3]), [part for part in match.groups()[3:] if part]
        return f"{date} {':'.join(time)}" if time else date
    if match := MILITARY.fullmatch(plain):
        return f"{match[1]}{match[2]}:{match[3]}"
    if (match := LOOSE_TIME.fullmatch(plain)) and ":" not in match[1]:
        return f"{match[1]}{match[2]}:{match[3]}" + (f":{match[4]}" if match[4] else "")
    return plain
