"""What a person is shown where a file leaves something open: its text in each encoding, its dates read both ways."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from khemon.importers.decoding import MARKS
from khemon.importers.signs import plain_text
from khemon.importers.times import LOCAL

#: What an old one-byte or Chinese text may be in; the name to state, and words for it.
ENCODINGS = (
    ("cp1252", "Western European, Windows (cp1252)"),
    ("latin-1", "Western European, ISO 8859-1 (Latin-1)"),
    ("gb18030", "Chinese (GBK, GB 18030)"),
)
SHOWN_LINES, SHOWN_CHARACTERS = 4, 160
SHOWN_DATES = 4
CONTROL_SIGN = "\N{REPLACEMENT CHARACTER}"
_ORDERS = {
    "date_order": (("the day comes first", "%d{s}%m{s}%Y"), ("the month comes first", "%m{s}%d{s}%Y")),
    "two_digit_year": (
        ("day, month, year", "%d{s}%m{s}%y"),
        ("month, day, year", "%m{s}%d{s}%y"),
        ("year, month, day", "%y{s}%m{s}%d"),
    ),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """A text in one encoding: the lines that tell encodings apart; none where it cannot be this one.

    `same_as` names the encoding before this one that gives the whole file the same text.
    """

    encoding: str
    words: str
    lines: tuple[tuple[int, str], ...] | None
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class DateReading:
    """One way to read the dates of a file: the form to state, and what each of some texts would then be."""

    form: str
    words: str
    moments: tuple[tuple[str, dt.datetime | None], ...]


def encodings_of(content: bytes) -> tuple[Tried, ...]:
    """A text in each encoding it may be in; none when the file says itself what it is."""
    if any(content.startswith(mark) for mark, _ in MARKS) or b"\0" in content:
        return ()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return _each_tried(content)
    return ()


def _each_tried(content: bytes) -> tuple[Tried, ...]:
    lines = content.splitlines()
    telling = [number for number, line in enumerate(lines) if not line.isascii()][:SHOWN_LINES]
    before: dict[str, str] = {}
    found = []
    for encoding, words in ENCODINGS:
        try:
            whole = content.decode(encoding)
            # The whole text fits; a line cut in the middle of a sign may not, at its end.
            starts = (lines[number][: 4 * SHOWN_CHARACTERS].decode(encoding, "ignore") for number in telling)
            shown = tuple((number + 1, _printable(text)) for number, text in zip(telling, starts, strict=True))
        except UnicodeDecodeError:
            found.append(Tried(encoding, words, None))
            continue
        found.append(Tried(encoding, words, shown, before.get(whole, "")))
        before.setdefault(whole, words)
    return tuple(found)


def _printable(text: str) -> str:
    """A line with a sign in the place of what cannot be printed, cut where it is long."""
    plain = "".join(sign if sign.isprintable() or sign == "\t" else CONTROL_SIGN for sign in text)
    return plain if len(plain) <= SHOWN_CHARACTERS else f"{plain[:SHOWN_CHARACTERS]} …"


def date_readings(texts: Iterable[str], reason: str) -> tuple[DateReading, ...]:
    """The ways to read texts that were held for a reason such as `date_order`; none for other reasons."""
    plain = [plain_text(text.strip()) for text in texts]
    forms = Counter(_shape(text) for text in plain if _shape(text))
    if reason not in _ORDERS or not forms:
        return ()
    sign, time = forms.most_common(1)[0][0]
    some = [text for text in dict.fromkeys(plain) if _shape(text) == (sign, time)][:SHOWN_DATES]
    found = []
    for words, order in _ORDERS[reason]:
        form = f"{order.format(s=sign)}{time}"
        found.append(DateReading(form, words, tuple((text, _moment(text, form)) for text in some)))
    return tuple(found)


def _shape(text: str) -> tuple[str, str]:
    """The sign between the parts of a date, and the form of the time behind it; empty for what is no such date."""
    match = LOCAL.fullmatch(text)
    if match is None:
        return ("", "")
    if match["hour"] is None:
        return match["s"], ""
    between = re.match(r"(?:T|,?\s+)", text[match.end("c") :])
    hour = "%I" if match["half"] else "%H"
    half = f"{' ' if text[-3:-2] == ' ' else ''}%p" if match["half"] else ""
    seconds = ":%S" if match["second"] else ""
    return match["s"], f"{between[0] if between else ' '}{hour}:%M{seconds}{half}"


def _moment(text: str, form: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, form)  # noqa: DTZ007  a wall clock time, shown as it would be read
    except ValueError:
        return None
