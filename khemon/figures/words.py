"""Times, ages and numbers in the ward's words: 21 Nov 2026 08:15, 6 h ago, −18 in 2 d. The zone is an argument."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from zoneinfo import ZoneInfo

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
#: Up to these, an age or a distance is told in the smaller unit.
IN_MINUTES, IN_HOURS = dt.timedelta(minutes=90), dt.timedelta(hours=48)
AGE_IN_DAYS, AGE_IN_WEEKS, AGE_IN_MONTHS = 28, 26 * 7, 24
DAYS_PER_WEEK, DAYS_PER_MONTH, MONTHS_PER_YEAR = 7, 30.4375, 12


def moment(ms: int) -> dt.datetime:
    """The aware UTC time of UTC milliseconds."""
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def day_words(day: dt.date) -> str:
    """A date as 21 Nov 2026."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def date_words(at: dt.datetime, zone: ZoneInfo) -> str:
    """A time in the ward's zone as 21 Nov 2026 08:15."""
    local = at.astimezone(zone)
    return f"{day_words(local.date())} {local:%H:%M}"


_ISO_DATE = re.compile(r"\b(\d{4}-\d\d-\d\d)\b")


def dates_in_words(text: str) -> str:
    """A sentence of the rules, which write dates as 2026-11-21, with its dates as 21 Nov 2026."""
    return _ISO_DATE.sub(_date_in_words, text)


def _date_in_words(found: re.Match[str]) -> str:
    try:
        return day_words(dt.date.fromisoformat(found[1]))
    except ValueError:
        return found[1]


def wall_clock_words(local: dt.datetime | None) -> str:
    """A time as a clock shows it, whatever its zone, as 21 Nov 2026 08:15; without hour and minute at midnight."""
    if local is None:
        return "no such date"
    return f"{day_words(local.date())} {local:%H:%M}" if local.time() != dt.time.min else day_words(local.date())


def short_date_words(at: dt.datetime, zone: ZoneInfo, now: dt.datetime) -> str:
    """A time without what goes without saying: 06:00 today, else 19 Nov 06:00, with the year when it is another."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {MONTHS[local.month - 1]}{year} {local:%H:%M}"


def span_words(span: dt.timedelta) -> str:
    """A stretch of time in one unit, rounded down: 40 min, 6 h, 3 d."""
    if span < IN_MINUTES:
        return f"{max(span // MINUTE, 0)} min"
    if span < IN_HOURS:
        return f"{span // HOUR} h"
    return f"{span // DAY} d"


def ago_words(at: dt.datetime, now: dt.datetime) -> str:
    """How long ago: 40 min ago, 6 h ago, 3 d ago; a time ahead says so."""
    if at > now:
        return f"in {span_words(at - now)}"
    return f"{span_words(now - at)} ago"


def age_words(birth: dt.date | None, today: dt.date) -> str:
    """A child's age: days up to four weeks, weeks up to half a year, months up to two years, then years."""
    if birth is None:
        return "age not recorded"
    days = (today - birth).days
    if days < AGE_IN_DAYS:
        return f"{days} d"
    if days < AGE_IN_WEEKS:
        return f"{days // DAYS_PER_WEEK} wk"
    months = int(days / DAYS_PER_MONTH)
    if months < AGE_IN_MONTHS:
        return f"{months} mo"
    years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    rest = (months - years * MONTHS_PER_YEAR) % MONTHS_PER_YEAR
    return f"{years} y {rest} mo" if years < MONTHS_PER_YEAR // 2 else f"{years} y"


#: UCUM units as the ward writes them.
UNIT_WORDS = {"10*9/L": "×10⁹/L", "mg/L{FEU}": "mg/L FEU", "mg/L{DDU}": "mg/L DDU", "1": ""}


def unit_words(unit: str | None) -> str:
    """A unit as the ward writes it; others stay as they are."""
    return UNIT_WORDS.get(unit or "", unit or "")


def number_words(value: Decimal) -> str:
    """A number without exponent or trailing zeros, with a true minus sign."""
    plain = f"{value:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return plain.replace("-", "−")


def change_words(before: str, after: str, span: dt.timedelta) -> str:
    """Sign, size, time and arrow of a change between two exact values: −18 in 2 d ↓."""
    difference = Decimal(after) - Decimal(before)
    if not difference:
        return f"±0 in {span_words(span)} →"
    sign, arrow = ("+", "↑") if difference > 0 else ("", "↓")
    return f"{sign}{number_words(difference)} in {span_words(span)} {arrow}"


def reason_words(reason: str) -> str:
    """A reason of the importers or the store: the sentence behind its code, or the code's own words."""
    code, _, sentence = reason.partition(": ")
    return sentence or code.replace("_", " ")


def iso_words(text: str | None) -> str:
    """A time printed as ISO 8601 with its own offset, in words; empty for none."""
    if not text:
        return ""
    at = dt.datetime.fromisoformat(text)
    return f"{day_words(at.date())} {at:%H:%M}"
