"""The patient a line above or between tables names: `Patient-ID: 004711`. A name alone is not an id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import zip_longest

from khemon.importers.claims import letters
from khemon.importers.numbers import vocabulary


@cache
def _labels() -> frozenset[str]:
    headers, bare = vocabulary()["headers"], vocabulary()["labels"]["not_an_id"]
    return frozenset(map(letters, headers["patient_id"])) - frozenset(map(letters, bare))


def _is_label(text: str) -> bool:
    return letters(text) in _labels()


def _parts(cell: str) -> list[str]:
    """What stands in one cell, wide apart and each beginning with a word: `Name: A   IPP: 12`."""
    parts = re.split(r"\s{2,}", cell)
    return parts if all(part[:1].isalpha() for part in parts[1:]) else [cell]


def _stated(cells: Sequence[str]) -> Iterator[str]:
    """Each id that stands behind a label, in its own cell or behind a colon."""
    texts = [part for cell in cells if cell.strip() for part in _parts(cell.strip())]
    for text, following in zip_longest(texts, texts[1:], fillvalue=""):
        label, colon, behind = text.replace("：", ":").partition(":")
        if colon and behind.strip() and _is_label(label):
            yield behind.strip()
        elif _is_label(text) and not _is_label(following):
            yield following


def patient_label(cells: Sequence[str]) -> str | None:
    """The one patient id a line states behind a label; None when it states none, or two that differ."""
    found = {text for text in _stated(cells) if any(map(str.isdigit, text)) and len(text.split()) == 1}
    return found.pop() if len(found) == 1 else None
