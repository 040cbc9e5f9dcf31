"""Texts as they are compared, and the decimal sign that a file makes certain by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: Full-width forms lie this far above ASCII. Only these are folded: a general folding would turn 5² into 52.
FULL_WIDTH: dict[int, int | str] = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
SPACES: dict[int, int | str] = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u3000"), " ")
SIGNS: dict[int, int | str] = {
    ord("≤"): "<=",
    ord("≦"): "<=",
    ord("⩽"): "<=",
    ord("≥"): ">=",
    ord("≧"): ">=",
    ord("⩾"): ">=",
}
FOLD: dict[int, int | str] = {**FULL_WIDTH, **SPACES, **SIGNS}
#: A number with one kind of separator behind it all: what else it holds says which sign is the decimal one.
NUMBER_SHAPE = re.compile(r"[<>=~\s]*([0-9][0-9.,]*)(?![0-9.,])")
SURE = {
    sign: re.compile(rf"[0-9]+{re.escape(sign)}(?:[0-9]{{1,2}}|[0-9]{{4,}})|0{re.escape(sign)}[0-9]+") for sign in ".,"
}


@dataclass(frozen=True, slots=True)
class Signs:
    """The decimal sign that a file makes certain by itself; none when it does not, or when it uses both."""

    decimal: str | None


def plain_text(text: str) -> str:
    """The text with full-width characters, spaces and comparison signs folded, trimmed."""
    return text.translate(FOLD).strip()


def certain_signs(texts: Iterable[str]) -> Signs:
    """The decimal sign of a file: the one of numbers that can only be read one way, such as 7,4 or 0.82 or 1.234,5."""
    sure = set()
    for text in set(texts):
        match = NUMBER_SHAPE.match(plain_text(text))
        digits = match[1].rstrip(".,") if match else ""
        if "." in digits and "," in digits:
            sure.add(max(".,", key=digits.rindex))
        else:
            sure |= {sign for sign, shape in SURE.items() if shape.fullmatch(digits)}
    return Signs(sure.pop() if len(sure) == 1 else None)
